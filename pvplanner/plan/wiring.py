"""What the stages of grid and selection need of a site's files and of several tables at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pvplanner.demand import loads_of, on_weather_clock
from pvplanner.energy.wear import remaining
from pvplanner.errors import Finding, InputError, listed
from pvplanner.grid import Limits, join_buildings, no_nodes, noon_hour, read_lines, read_nodes
from pvplanner.grid.feeding import (
    below_sums,
    feed,
    limits_of_table,
    made_at,
    node_table,
    phase_table,
    up_the_tree,
)
from pvplanner.grid.hours import HOURS, Feeders, balanced_phases
from pvplanner.grid.joining import graph_of, leaves_of
from pvplanner.grid.net import Net, conductor, net_of_lines, read_pandapower
from pvplanner.grid.reading import CONDUCTORS
from pvplanner.grid.ways import Need, kva_for, ways_out
from pvplanner.money import all_models
from pvplanner.plan.site import file_name
from pvplanner.scenario import Scenario
from pvplanner.scenario.calendar import DAYS
from pvplanner.selection.reading import no_list, read_selection

if TYPE_CHECKING:
    import geopandas as gpd

    from pvplanner.energy import Year

MONTH_OF_HOUR = np.repeat(np.arange(1, 13), np.array(DAYS) * 24)


# --- a list of chosen households -----------------------------------------------------------------


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


# --- the grid ------------------------------------------------------------------------------------


def site_nodes(scenario: Scenario, crs: Any) -> tuple[pd.DataFrame, list[Finding]]:
    """Transformers and what stands over them; a table of nothing without a file."""
    path = scenario.site.transformers
    if path is None:
        return no_nodes(), []
    return read_nodes(path, crs=crs)


def connect(
    scenario: Scenario, buildings: gpd.GeoDataFrame, homes: pd.DataFrame, nodes: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """The transformer of each building; identifiers alone where no grid is known."""
    if nodes.empty:
        return pd.DataFrame(buildings[["building_id"]]), []
    path = scenario.site.lines
    return join_buildings(
        buildings, nodes, homes[homes["building_id"].notna()], reach_m=scenario.grid.reach_m,
        lines=None if path is None else read_lines(path, buildings.crs),
        where=grid_file(scenario),
    )  # fmt: skip


def node_rows(connections: pd.DataFrame, ids: pd.Series) -> np.ndarray:
    """Row of each building's node among ``ids``; -1 for none."""
    place = {str(name): n for n, name in enumerate(ids)}
    told = connections["transformer_id"].astype(object).map(place)
    return told.fillna(-1).to_numpy(dtype=np.int64)


def array_rows(arrays: pd.DataFrame, connections: pd.DataFrame, ids: pd.Series) -> np.ndarray:
    """Row of the node that each array hangs on; -1 for none."""
    row = pd.Series(node_rows(connections, ids), connections["building_id"].to_numpy())
    return arrays["building_id"].map(row).fillna(-1).to_numpy(dtype=np.int64)


def home_rows(
    people: pd.DataFrame, links: pd.DataFrame, connections: pd.DataFrame, ids: pd.Series
) -> np.ndarray:
    """Row of the node that each household draws from: that of its first building with one."""
    row = pd.Series(node_rows(connections, ids), connections["building_id"].astype(str).to_numpy())
    own = links.assign(row=links["building_id"].astype(str).map(row).to_numpy())
    first = own[own["row"] >= 0].groupby("household_id")["row"].first()
    told = people["household_id"].map(first).fillna(-1)
    return np.asarray(told, dtype=np.int64)


def homes_at_nodes(
    scenario: Scenario, people: pd.DataFrame, links: pd.DataFrame, buildings: pd.DataFrame,
    connections: pd.DataFrame, ids: pd.Series, meter: pd.DataFrame,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Load of each node by the clock, kW, and how many households draw from it."""
    kinds = links.merge(buildings[["building_id", "project_class"]], on="building_id", how="left")
    first = kinds.groupby("household_id")["project_class"].first()
    homes = people.assign(project_class=people["household_id"].map(first).to_numpy())
    row = home_rows(people, links, connections, ids)
    load = loads_of(homes, row, len(ids), scenario=scenario, meter=meter)
    return load, np.bincount(row[row >= 0], minlength=len(ids))


def node_limits(
    scenario: Scenario, nodes: pd.DataFrame, load: np.ndarray, homes: np.ndarray, ghi: np.ndarray
) -> tuple[pd.DataFrame, list[Finding]]:
    """What is open at each node on the day of connection."""
    grid = scenario.grid
    at = noon_hour(ghi, MONTH_OF_HOUR)
    ids = nodes["transformer_id"].astype(str)
    noon = pd.Series(np.where(homes > 0, load[:, at], np.nan), index=ids.to_numpy())
    made = Limits(
        nodes, load_kw=noon, on=scenario.tariff.connection_date, reverse_load=grid.reverse_load,
        output_rate=grid.output_rate, power_factor=grid.power_factor,
    )  # fmt: skip
    table = made.table.assign(
        homes=homes.astype(float), phases=nodes["phases"].to_numpy(dtype=float),
        measured_v=nodes["measured_v"].to_numpy(dtype=float),
        registered_until=nodes["registered_until"].to_numpy(dtype=object),
        x=nodes["x"].to_numpy(dtype=float), y=nodes["y"].to_numpy(dtype=float),
    )  # fmt: skip
    return table, made.findings(grid_file(scenario))


def plants_of(arrays: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """AC power and phases of each building's plant, on ``ids``."""
    grouped = arrays.groupby("building_id").agg(
        capacity_kw_ac=("capacity_kw_ac", "sum"), phases=("phases", "max")
    )
    return grouped.reindex(ids).fillna({"capacity_kw_ac": 0.0})


def feeders_of(
    scenario: Scenario, limits: pd.DataFrame, load: np.ndarray, late: float,
    arrays: pd.DataFrame, row: np.ndarray, year: Year, angles: np.ndarray | None,
    profile: np.ndarray, *, limited: bool,
) -> Feeders:  # fmt: skip
    """Hours of all nodes with some arrays built."""
    made = made_at(
        arrays, row, len(limits), year, angles, first_year=float(remaining(scenario)[0]),
        share=scenario.grid.house_export_share,
    )  # fmt: skip
    shifted = on_weather_clock(load, late)
    return feed(limits, list(limits["transformer_id"]), shifted, made, profile, limited=limited)


def village_profile(
    fitting: pd.DataFrame, year: Year, angles: np.ndarray | None, first_year: float
) -> np.ndarray:
    """Output of all that fits over its AC rating; shape (8760,)."""
    kw = float(fitting["capacity_kw_ac"].sum())
    if kw <= 0:
        return np.zeros(HOURS)
    return np.asarray(year.hours(fitting, angles, each=False)[1] * first_year / kw)


def transformer_table(
    scenario: Scenario, limits: pd.DataFrame, feeders: Feeders, connections: pd.DataFrame,
    fitting: pd.DataFrame, arrays: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Every node with limits, roofs, hours, colours and phases, in one row."""
    ids = limits["transformer_id"]
    row = node_rows(connections, ids)
    fits, built = (plants_of(a, connections["building_id"]) for a in (fitting, arrays))
    on = row >= 0
    own = pd.DataFrame(
        {
            "fits_kw": np.bincount(row[on], fits["capacity_kw_ac"].to_numpy()[on], len(ids)),
            "planned_kw": np.bincount(row[on], built["capacity_kw_ac"].to_numpy()[on], len(ids)),
            "plants": np.bincount(row[on], (built["capacity_kw_ac"].to_numpy() > 0)[on], len(ids)),
        },
        index=ids.to_numpy(),
    )
    whole = below_sums(own, limits)
    tree = limits_of_table(limits, limits)
    least = [tree.least(str(n)) for n in ids]
    told = pd.Series(connections["transformer_m"].to_numpy(dtype=float)).groupby(row).max()
    wired = pd.DataFrame(
        {"buildings": pd.Series(row[on]).value_counts().reindex(range(len(ids))).fillna(0.0),
         "longest_m": told.reindex(range(len(ids)))}
    ).set_axis(ids.to_numpy())  # fmt: skip
    made = node_table(limits, up_the_tree(feeders, limits), whole, wired)
    leaf = phase_table(limits, built, row, list(ids)).reindex(ids.to_numpy())
    # Phases are a transformer's: of what stands over it nothing is told.
    leaf.loc[(own["fits_kw"] <= 0).to_numpy()] = np.nan
    most = tree.most(own["fits_kw"].to_dict())
    up = np.array([min([kw, *(tree.known.get(n, np.inf) for n in tree.way_up(str(node)))])
                   for node, kw in most.items()])  # fmt: skip
    known = np.isfinite([kw for kw, _ in least]) | (below_known(own, limits, least) > 0)
    own_cap = (limits["reverse_load"] * limits["kva"] * limits["power_factor"]).to_numpy()
    return made.assign(
        homes=below_sums(limits[["homes"]].set_axis(ids.to_numpy()), limits)["homes"].to_numpy(),
        limit_kw=[kw for kw, _ in least], limit_by=[name for _, name in least],
        own_fits_kw=own["fits_kw"].to_numpy(), own_planned_kw=own["planned_kw"].to_numpy(),
        connectable_kw=np.where(known, up, np.nan), borne_kw=own_cap,
        **{name: leaf[name].to_numpy() for name in leaf},
    )  # fmt: skip


def below_known(
    own: pd.DataFrame, limits: pd.DataFrame, least: list[tuple[float, str]]
) -> np.ndarray:
    """Whether a limit is known of all that fits on and below each node (1), or not (0)."""
    fits = own["fits_kw"].to_numpy(dtype=float)
    seen = np.array([np.isfinite(kw) for kw, _ in least])
    frame = pd.DataFrame({"all": fits, "seen": fits * seen}, index=own.index)
    sums = below_sums(frame, limits)
    whole = sums["all"].to_numpy()
    return np.asarray(((whole > 0) & (sums["seen"].to_numpy() >= whole - 1e-9)).astype(float))


def grid_file(scenario: Scenario) -> str:
    """What findings call the grid's file."""
    return file_name(scenario.site.transformers, "site.transformers")


def loading_of(
    connections: pd.DataFrame, table: pd.DataFrame, selection: pd.DataFrame, links: pd.DataFrame
) -> pd.DataFrame:
    """Of each building its phase, where somebody chose, and planned over open kilowatts and the
    colour of its transformer, where there is one.
    """
    ids = connections[["building_id"]]
    if len(selection):
        phase = selection.set_index(selection["household_id"].astype(str))["phase"]
        own = links["household_id"].astype(str).map(phase)
        first = own.groupby(links["building_id"]).min()
        ids = ids.assign(phase=ids["building_id"].map(first).to_numpy(dtype=float))
    if table.empty:
        return ids
    row = node_rows(connections, table["transformer_id"])
    open_ = table["limit_kw"].to_numpy(dtype=float)
    planned = table["planned_kw"].to_numpy(dtype=float)
    share = np.divide(planned, open_, out=np.full(len(open_), np.nan), where=open_ > 0)
    colour = table["colour_after"].to_numpy(dtype=object)
    return ids.assign(
        transformer_load=np.where(row >= 0, share[row], np.nan),
        transformer_colour=np.where(row >= 0, colour[row], ""),
    )


def grid_findings(table: pd.DataFrame, where: str) -> list[Finding]:
    """What the grid's engineer asks about first: plans beyond what is open, phases, voltage."""
    out = []
    low = table[table["own_fits_kw"] > 0]
    over = low[(low["own_planned_kw"] > low["limit_kw"] + 1e-6).fillna(False)]
    if len(over):
        told = [f"{r.transformer_id}: {r.own_planned_kw:.0f} / {r.limit_kw:.0f} kW"
                + (f" ({r.limit_by})" if r.limit_by != r.transformer_id else "")
                for r in over.itertuples()]  # fmt: skip
        out.append(Finding("grid_over", where, len(over), {"values": listed(told)}))
    back = low[(low["over_hours"] > 0) & ~low["transformer_id"].isin(over["transformer_id"])]
    if len(back):
        told = [f"{n}: {most:.0f} / {borne:.0f} kW, {hours:.0f} h" for n, most, borne, hours in zip(
            back["transformer_id"], back["back_most_kw"], back["borne_kw"], back["over_hours"],
            strict=True)]  # fmt: skip
        out.append(Finding("grid_back", where, len(back), {"values": listed(told)}))
    odd = low[low["three_on_one"] > 0]
    if len(odd):
        told_of = {"ids": listed(odd["transformer_id"]), "plants": int(odd["three_on_one"].sum())}
        out.append(Finding("grid_three_on_one", where, len(odd), told_of))
    return out


def way_table(
    scenario: Scenario, table: pd.DataFrame, feeders: Feeders, fitting: pd.DataFrame,
    connections: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Ways out of every transformer whose roofs want more than is open.

    Parameters
    ----------
    table : DataFrame
        As from :func:`transformer_table`.
    feeders : Feeders
        With all that fits built, uncut, on the rows of ``table``.
    """
    tree = limits_of_table(table, table)
    row = array_rows(fitting, connections, table["transformer_id"])
    plants = fitting[row >= 0].assign(node=row[row >= 0]).groupby("node")["building_id"].nunique()
    made = feeders.made.sum(axis=1)
    fits = dict(zip(table["transformer_id"], table["fits_kw"], strict=True))
    parts = []
    for n, node in enumerate(table.itertuples()):
        if not (np.isfinite(node.limit_kw) and node.own_fits_kw > node.limit_kw + 1e-6):
            continue
        above = [up for up in tree.way_up(node.transformer_id)[1:] if up in tree.known]
        alone = [tree.known[up] for up in above]
        shared = [tree.known[up] - (fits[up] - node.own_fits_kw) for up in above]
        needed = kva_for(node.own_fits_kw, table.iloc[n], scenario.grid.output_rate)
        need = Need(
            node.transformer_id, node.own_fits_kw, node.limit_kw, node.kva, node.power_factor,
            node.reverse_load, needed, int(plants[n]), made[n] / node.own_fits_kw,
            min(alone, default=np.inf), min(shared, default=np.inf),
        )  # fmt: skip
        parts.append(ways_out(need, feeders, n, scenario.grid))
    return pd.concat(parts, ignore_index=True) if parts else no_ways()


def no_ways() -> pd.DataFrame:
    """The table of a plan whose transformers bear it, or that knows none."""
    texts = {name: pd.Series(dtype="string") for name in ("transformer_id", "way", "unit")}
    numbers = {n: pd.Series(dtype=float) for n in ("size", "lost_kwh", "cost", "power_kw")}
    return pd.DataFrame({**texts, **numbers, "possible": pd.Series(dtype="string")})


def curtailed_shares(
    people: pd.DataFrame, links: pd.DataFrame, built: pd.DataFrame, connections: pd.DataFrame,
    table: pd.DataFrame, house: np.ndarray, arrays: pd.DataFrame, energy: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """What of each household's energy is cut, at its plant and at its transformer."""
    made = energy["energy_kwh"].to_numpy(dtype=float)
    lost = pd.Series(made * house).groupby(arrays["building_id"].to_numpy()).sum()
    whole = pd.Series(made).groupby(arrays["building_id"].to_numpy()).sum()
    at_house = (lost / whole.where(whole > 0)).reindex(built["building_id"]).fillna(0.0).to_numpy()
    at_node = np.zeros(len(built))
    if len(table):
        row = node_rows(connections, table["transformer_id"])
        share = table["cut_share"].to_numpy(dtype=float)
        at_node = np.where(row >= 0, share[row], 0.0)
    share = pd.Series(1 - (1 - at_house) * (1 - at_node), built["building_id"].to_numpy())
    own = links.merge(built[["building_id", "energy_kwh"]], on="building_id", how="left")
    weight = own["share"] * own["energy_kwh"]
    cut = (weight * own["building_id"].map(share)).groupby(own["household_id"]).sum()
    all_ = weight.groupby(own["household_id"]).sum()
    part = (cut / all_.where(all_ > 0)).reindex(people["household_id"]).fillna(0.0)
    return pd.DataFrame(
        {"household_id": people["household_id"].to_numpy(), "curtailed": part.to_numpy()}
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
    this = _sums(now, links)
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


def _may(table: pd.DataFrame) -> float:
    """What may be connected at all nodes whose limit is known."""
    own = table[(table["own_fits_kw"] > 0) & (table["limit_by"] != "")]
    tree = limits_of_table(table, table)
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


# --- voltages ------------------------------------------------------------------------------------


def site_net(
    scenario: Scenario, nodes: pd.DataFrame, buildings: gpd.GeoDataFrame, links: pd.DataFrame,
    connections: pd.DataFrame,
) -> Net | None:  # fmt: skip
    """The village's low-voltage net: pandapower's, or its own lines with conductors; else none."""
    if scenario.site.net is not None:
        made = read_pandapower(scenario.site.net)
        known = set(links["household_id"].astype(str))
        own = made.homes[made.homes["household_id"].isin(known)]
        if own.empty:
            raise InputError("net_homes", where=str(scenario.site.net),
                             ids=listed(made.homes["household_id"]))  # fmt: skip
        return replace(made, homes=own.reset_index(drop=True)).with_source(
            scenario.grid.source_voltage
        )
    if scenario.site.lines is None or nodes.empty:
        return None
    lines = read_lines(scenario.site.lines, buildings.crs)
    named = next((n for n in lines.columns if n.casefold() in CONDUCTORS), None)
    placed = leaves_of(nodes)
    placed = placed[placed["x"].notna() & placed["kva"].notna()]
    if named is None or placed.empty or lines[named].isna().any():
        return None
    return _net_of_lines(lines, named, placed, buildings, links, connections).with_source(
        scenario.grid.source_voltage
    )


def _net_of_lines(
    lines: gpd.GeoDataFrame, named: str, placed: pd.DataFrame, buildings: gpd.GeoDataFrame,
    links: pd.DataFrame, connections: pd.DataFrame,
) -> Net:  # fmt: skip
    import shapely

    ends, length, corners, row = graph_of(lines)
    known = {name: conductor(str(name)) for name in lines[named].unique()}
    told = np.array([known[name] for name in lines[named]])[row]
    tree = shapely.STRtree(shapely.points(corners))
    feeders = placed.assign(point=tree.nearest(shapely.points(placed[["x", "y"]].to_numpy())))
    on = (
        connections["transformer_by"].eq("lines").to_numpy()
        | connections["transformer_id"].isin(placed["transformer_id"]).to_numpy()
    )
    middle = shapely.centroid(np.asarray(buildings.geometry))
    point = pd.Series(tree.nearest(middle), buildings["building_id"].to_numpy())[on]
    own = links.assign(point=links["building_id"].map(point)).dropna(subset=["point"])
    first = own.groupby("household_id", sort=False)["point"].first().astype(int).reset_index()
    return net_of_lines(ends, length, told[:, :2], told[:, 2], feeders, first)


def homes_hours(
    scenario: Scenario, net: Net, people: pd.DataFrame, links: pd.DataFrame,
    buildings: pd.DataFrame, meter: pd.DataFrame, arrays: pd.DataFrame, year: Year,
    angles: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Load and output of each household of a net, kW; shape (8760, homes)."""
    ids = net.homes["household_id"].to_numpy()
    place = {name: n for n, name in enumerate(ids)}
    kinds = links.merge(buildings[["building_id", "project_class"]], on="building_id", how="left")
    first = kinds.groupby("household_id")["project_class"].first()
    homes = people.assign(project_class=people["household_id"].map(first).to_numpy())
    row = homes["household_id"].astype(str).map(place).fillna(-1).to_numpy(dtype=np.int64)
    load = loads_of(homes, row, len(ids), scenario=scenario, meter=meter)
    load = on_weather_clock(load, year.sky.clock_hours)
    made = np.zeros((len(ids), HOURS))
    own = links.assign(home=links["household_id"].astype(str).map(place)).dropna(subset=["home"])
    for home, building, share in zip(own["home"].astype(int), own["building_id"], own["share"],
                                     strict=True):  # fmt: skip
        mine = np.flatnonzero((arrays["building_id"] == building).to_numpy())
        if len(mine):
            part = None if angles is None else angles[mine]
            made[home] += share * year.hours(arrays.iloc[mine], part, each=False)[1]
    return load.T.copy(), made.T * float(remaining(scenario)[0])


def no_voltages() -> pd.DataFrame:
    """The table of a plan that knows no net."""
    numbers = ("voltage_most", "voltage_least", "hours_high", "hours_low")
    return pd.DataFrame({"household_id": pd.Series(dtype="string"),
                         **{name: pd.Series(dtype=float) for name in numbers}})  # fmt: skip


def voltage_findings(table: pd.DataFrame, where: str) -> list[Finding]:
    """Households whose voltage leaves its band."""
    off = table[(table["hours_high"] > 0) | (table["hours_low"] > 0)]
    if off.empty:
        return []
    worst = off.sort_values("voltage_most", ascending=False, kind="stable")
    told = {"ids": listed(worst["household_id"]), "hours": int(off["hours_high"].max()),
            "most": f"{float(table['voltage_most'].max()):.3f}"}  # fmt: skip
    return [Finding("grid_voltage", where, len(off), told)]


def hosting_table(net: Net, load: np.ndarray, made: np.ndarray, kw: float) -> pd.DataFrame:
    """What the net bears, with its range by load, and what would change it.

    Returns
    -------
    DataFrame
        ``measure``, ``kw``, ``first``, ``by``: ``least`` (nobody draws anything), ``most`` (twice
        the load), and those of :func:`pvplanner.grid.voltage.what_helps`.
    """
    from pvplanner.grid.voltage import hosting_capacity, what_helps

    if made.sum() <= 0:
        return no_hosting()
    ends = {"least": 0.0 * load, "most": 2.0 * load}
    rows = [(name, *_told(hosting_capacity(net, other, made, kw))) for name, other in ends.items()]
    range_ = pd.DataFrame(rows, columns=["measure", "kw", "first", "by"])
    return pd.concat([what_helps(net, load, made, kw), range_], ignore_index=True)


def _told(hosting: Any) -> tuple[float, str, str]:
    return hosting.kw, hosting.first, hosting.by


def no_hosting() -> pd.DataFrame:
    """The table of a plan that knows no net."""
    texts = {name: pd.Series(dtype="string") for name in ("measure", "first", "by")}
    return pd.DataFrame({**texts, "kw": pd.Series(dtype=float)})[["measure", "kw", "first", "by"]]
