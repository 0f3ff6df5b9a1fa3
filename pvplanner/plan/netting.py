"""A village's low-voltage net, and what hangs on it hour by hour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pvplanner.demand import loads_of, on_weather_clock
from pvplanner.energy.wear import remaining
from pvplanner.errors import Finding, InputError, listed
from pvplanner.grid import read_lines
from pvplanner.grid.hours import HOURS
from pvplanner.grid.joining import graph_of, leaves_of
from pvplanner.grid.net import Net, conductor, net_of_lines, read_pandapower
from pvplanner.grid.reading import CONDUCTORS
from pvplanner.plan.site import file_name
from pvplanner.scenario import Scenario

if TYPE_CHECKING:
    import geopandas as gpd

    from pvplanner.energy import Year


def site_net(
    scenario: Scenario, nodes: pd.DataFrame, buildings: gpd.GeoDataFrame, links: pd.DataFrame,
    connections: pd.DataFrame,
) -> Net | None:  # fmt: skip
    """The village's low-voltage net: pandapower's, or its own lines with conductors; else none."""
    if scenario.site.net is not None:
        made = read_pandapower(scenario.site.net)
        own = made.homes[made.homes["household_id"].isin(links["household_id"].astype(str))]
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


def net_findings(path: str | None, links: pd.DataFrame) -> list[Finding]:
    """Loads of a pandapower net that are no household, and households that are none of its loads.

    Either way something is missing from the voltages: the use of the first, the roofs of the other.
    """
    if path is None:
        return []
    loads = read_pandapower(path).homes["household_id"]
    homes = links["household_id"].astype(str).drop_duplicates()
    apart = {"net_loads": loads[~loads.isin(homes)], "net_lacks": homes[~homes.isin(loads)]}
    return [Finding(code, file_name(path), len(ids), {"ids": listed(ids)})
            for code, ids in apart.items() if len(ids)]  # fmt: skip


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
