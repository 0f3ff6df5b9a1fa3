"""What the stages of grid and selection need of a site's files and of several tables at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pvplanner.demand import loads_of, on_weather_clock
from pvplanner.energy.wear import remaining
from pvplanner.errors import Finding, listed
from pvplanner.grid import Limits, join_buildings, no_nodes, noon_hour, read_lines, read_nodes
from pvplanner.grid.feeding import (
    below_sums,
    feed,
    made_at,
    node_table,
    phase_table,
    up_the_tree,
)
from pvplanner.grid.hours import HOURS, Feeders, summed_up
from pvplanner.grid.ways import Need, kva_for, ways_out
from pvplanner.plan.site import file_name
from pvplanner.scenario import Scenario
from pvplanner.scenario.calendar import DAYS

if TYPE_CHECKING:
    import geopandas as gpd

    from pvplanner.energy import Year

MONTH_OF_HOUR = np.repeat(np.arange(1, 13), np.array(DAYS) * 24)


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
    # A superior carries what all below it carry.
    parent = {n: None if pd.isna(p) else str(p) for n, p in zip(ids, nodes["parent"], strict=True)}
    every = tuple(ids)
    homes = summed_up(homes.astype(float), every, parent, every)
    carried = summed_up(load[:, at], every, parent, every)
    noon = pd.Series(np.where(homes > 0, carried, np.nan), index=ids.to_numpy())
    made = Limits(
        nodes, load_kw=noon, on=scenario.tariff.connection_date, reverse_load=grid.reverse_load,
        output_rate=grid.output_rate, power_factor=grid.power_factor,
    )  # fmt: skip
    table = made.table.assign(
        homes=homes, phases=nodes["phases"].to_numpy(dtype=float),
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
    tree = Limits.of_table(limits)
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


def grid_findings(table: pd.DataFrame, where: str, *, limited: bool) -> list[Finding]:
    """What the grid's engineer asks about first: plans beyond what is open, phases, cuts that
    can't be made.
    """
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
    uncut = low[low["borne_kw"].isna() & (low["own_planned_kw"] > 0)]
    if limited and len(uncut):
        ids = {"ids": listed(uncut["transformer_id"])}
        out.append(Finding("grid_uncut", where, len(uncut), ids))
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
    tree = Limits.of_table(table)
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
