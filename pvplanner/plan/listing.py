"""What a list of chosen households makes of a plan: who is built, three totals, applications."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pvplanner.errors import Finding
from pvplanner.grid import Limits, balanced_phases
from pvplanner.money import all_models
from pvplanner.plan.wiring import node_rows, plants_of
from pvplanner.scenario import Scenario
from pvplanner.selection.reading import no_list, read_selection


def site_selection(scenario: Scenario, ids: pd.Series) -> tuple[pd.DataFrame, list[Finding]]:
    """The scenario's list; a table of nothing without one."""
    path = scenario.selection.file
    if path is None:
        return no_list(), []
    return read_selection(path, set(ids.astype(str)), all_models())


def site_programme(scenario: Scenario) -> pd.DataFrame:
    """What was found beside the list: ``kind``, ``name``, ``measure``, ``value``."""
    path = scenario.selection.facts
    if path is None:
        return no_programme()
    from pvplanner.reading import read_small_table

    read = read_small_table(path)
    return pd.DataFrame(
        {name: read.get(name, pd.Series(dtype=kind)).astype(kind)
         for name, kind in PROGRAMME.items()}
    )  # fmt: skip


PROGRAMME = {"kind": "string", "name": "string", "measure": "string", "value": float}


def no_programme() -> pd.DataFrame:
    """The table of a plan in which nobody has chosen."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in PROGRAMME.items()})


def of_village(listed: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """The list's rows of a village's households, all of them; nothing where nobody chose."""
    if listed.empty:
        return listed
    own = listed.set_index("household_id").reindex(ids.astype(str))
    return own.rename_axis("household_id").reset_index()[list(listed.columns)]


def built_arrays(
    fitting: pd.DataFrame, selection: pd.DataFrame, links: pd.DataFrame
) -> pd.DataFrame:
    """Arrays on buildings of which a household was chosen."""
    if selection.empty:
        return fitting
    chosen = set(selection.loc[selection["phase"].notna(), "household_id"].astype(str))
    mine = links["household_id"].astype(str).isin(chosen)
    built = set(links.loc[mine, "building_id"])
    return fitting[fitting["building_id"].isin(built)].reset_index(drop=True)


def with_choice(holdings: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    """Holdings with the phase and the model that were chosen."""
    if selection.empty:
        return holdings
    own = selection.set_index("household_id").reindex(holdings["household_id"].astype(str))
    model = own["model"].astype(object).where(own["model"].notna().to_numpy())
    return holdings.assign(
        model=model.where(model.notna(), holdings["model"].to_numpy()).to_numpy(dtype=object),
        phase=own["phase"].to_numpy(dtype=float),
    )


def of_households(links: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Links with a mark of who is a household: halls that stand for themselves are none."""
    own = people.set_index("household_id")["own_building"].astype(bool)
    counts = ~own if (~own).any() else ~own | True
    return links.assign(counts=links["household_id"].map(counts).to_numpy(dtype=bool))


def telling(scenario: Scenario, selection: pd.DataFrame) -> list[Finding]:
    """A choice in which it counts who is of low income: its phases may tell who is."""
    choice = scenario.selection
    counts = choice.weights.get("low_income", 0.0) > 0 or "low_income" in choice.min_share
    return [Finding("selection_tells", "selection")] if counts and len(selection) else []


def three_totals(
    phase: int, fitting: pd.DataFrame, arrays: pd.DataFrame, links: pd.DataFrame,
    selection: pd.DataFrame, table: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """What fits on the roofs, what may be connected now, and what this phase builds: one row.

    ``checked`` tells whether any of it was held against the grid; ``known_kw`` how much of what
    fits hangs on something whose limit is known.
    """
    fits, whole = _sums(fitting, links), _sums(arrays, links)
    now = arrays
    if len(selection):
        mine = set(selection.loc[selection["phase"] == phase, "household_id"].astype(str))
        ids = set(links.loc[links["household_id"].astype(str).isin(mine), "building_id"])
        now = arrays[arrays["building_id"].isin(ids)]
    this = whole if now is arrays else _sums(now, links)
    checked = len(table) > 0
    may = known = float("nan")
    if checked:
        roots = table[table["own_fits_kw"] > 0]
        seen = roots["limit_by"] != ""
        known = float(roots.loc[seen, "own_fits_kw"].sum())
        may = _may(table)
    row = {
        **{f"fits_{k}": v for k, v in fits.items()},
        "checked": checked, "connectable_kw": may, "known_kw": known,
        **{f"plan_{k}": v for k, v in whole.items()},
        "phase": float(phase if len(selection) else 1),
        "phases": float(selection["phase"].max()) if len(selection) else 1.0,
        **{f"phase_{k}": v for k, v in this.items()},
    }  # fmt: skip
    return pd.DataFrame([row])


def joint_totals(parts: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> dict[str, float | bool]:
    """Three totals of several villages: what hangs on one superior shares what is open there.

    Parameters
    ----------
    parts : sequence of (totals, transformers)
        Of each village.
    """
    rows = pd.concat([totals for totals, _ in parts], ignore_index=True)
    out: dict[str, float | bool] = dict(rows.drop(columns="checked").sum(min_count=1))
    out |= {"checked": bool(rows["checked"].any()),
            **{name: float(rows[name].max()) for name in ("phase", "phases")}}  # fmt: skip
    tables = [table for _, table in parts if len(table)]
    if len(tables) > 1:
        every = pd.concat(tables, ignore_index=True).groupby("transformer_id", sort=False)
        fits = every["own_fits_kw"].sum().to_numpy()
        least = every["open_kw"].min().to_numpy()
        joint = every.first().reset_index().assign(own_fits_kw=fits, open_kw=least)
        out["connectable_kw"] = _may(joint)
    return out


def _may(table: pd.DataFrame) -> float:
    """What may be connected at all nodes whose limit is known."""
    own = table[(table["own_fits_kw"] > 0) & (table["limit_by"] != "")]
    tree = Limits.of_table(table)
    return float(sum(tree.connectable(
        dict(zip(own["transformer_id"], own["own_fits_kw"], strict=True))
    ).values()))  # fmt: skip


def _sums(arrays: pd.DataFrame, links: pd.DataFrame) -> dict[str, float]:
    roofs = set(arrays["building_id"])
    homes = links[links["building_id"].isin(roofs) & links["counts"]]["household_id"].nunique()
    return {"kwp": float(arrays["capacity_kwp"].sum()), "kw": float(arrays["capacity_kw_ac"].sum()),
            "roofs": float(len(roofs)), "households": float(homes)}  # fmt: skip


def application_rows(
    buildings: pd.DataFrame, arrays: pd.DataFrame, links: pd.DataFrame, selection: pd.DataFrame,
    table: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """The plants to be connected, as the grid's engineer reads them: sorted by transformer.

    Returns
    -------
    DataFrame
        ``transformer_id``, ``transformer_by``, ``transformer_m``, ``building_id``,
        ``household_ids``, ``phase`` (of building), ``model``, ``capacity_kw_ac``,
        ``capacity_kwp``, ``phases`` (1 or 3), ``grid_phase`` (A, B, C: balanced, a proposal).
    """
    ids = buildings["building_id"]
    plants = plants_of(arrays, ids)
    dc = arrays.groupby("building_id")["capacity_kwp"].sum().reindex(ids)
    homes = links.groupby("building_id")["household_id"].agg(lambda v: ";".join(v.astype(str)))
    out = pd.DataFrame({"building_id": ids.to_numpy()})
    for name in ("transformer_id", "transformer_by", "transformer_m", "transformer_other"):
        out[name] = buildings[name].to_numpy() if name in buildings else None
    out = out.assign(
        household_ids=homes.reindex(ids).to_numpy(),
        phase=buildings["phase"].to_numpy() if "phase" in buildings else 1.0,
        model=_models_of(links, selection, ids),
        capacity_kw_ac=plants["capacity_kw_ac"].round(2).to_numpy(),
        capacity_kwp=dc.round(3).to_numpy(), phases=plants["phases"].to_numpy(),
    )  # fmt: skip
    row = node_rows(out, table["transformer_id"]) if len(table) else np.full(len(out), -1)
    proposed, _ = balanced_phases(
        plants["capacity_kw_ac"].to_numpy(), plants["phases"].fillna(1).to_numpy(dtype=int), row,
        max(len(table), 1),
    )  # fmt: skip
    out["grid_phase"] = np.array(["", "A", "B", "C"], dtype=object)[proposed + 1]
    out = out[out["capacity_kw_ac"] > 0]
    order = ["transformer_id", "phase", "building_id"]
    first = ["transformer_id", "transformer_by", "transformer_m", "transformer_other",
             "building_id"]  # fmt: skip
    rest = [name for name in out.columns if name not in first]
    return out.sort_values(order, kind="stable")[[*first, *rest]].reset_index(drop=True)


def _models_of(links: pd.DataFrame, selection: pd.DataFrame, ids: pd.Series) -> np.ndarray:
    """Model of the first household of each building; empty where nobody chose."""
    if selection.empty:
        return np.full(len(ids), "", dtype=object)
    model = selection.set_index(selection["household_id"].astype(str))["model"]
    own = links["household_id"].astype(str).map(model)
    first = own.groupby(links["building_id"]).first()
    return np.asarray(first.reindex(ids).fillna("").to_numpy(dtype=object))
