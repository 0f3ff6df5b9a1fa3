"""The stages of the grid: where roofs hang, what is open there, what the year does, ways out.

They stand between those of energy (:mod:`pvplanner.plan.stages`) and of worth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pvplanner.plan.runner import Room
from pvplanner.plan.stages import GRAPH, WAYS, WEAR, YEAR, _lit

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

wires = Room("pvplanner.plan.wiring")
lists = Room("pvplanner.plan.listing")
nets = Room("pvplanner.plan.netting")
feeding = Room("pvplanner.grid.feeding")
frames = Room("pandas")
numbers = Room("numpy")
volts = Room("pvplanner.grid.voltage")
wear = Room("pvplanner.energy.wear")

stage = GRAPH.stage

LOADS = ("demand.archetype", "demand.profile")
LIMITED = ("grid.export_limit", "grid.house_export_share")


@stage("nodes", keys=("site.crs",), files=("site.transformers",), said="grid", whole=True)
def nodes(features: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """Transformers, lines, substations, counties: what is known of the grid."""
    return wires.site_nodes(scenario, features.crs)


@stage("connections", keys=("grid.reach_m",), files=("site.transformers", "site.lines"),
       joins="buildings", over=True)  # fmt: skip
def connections(
    buildings: gpd.GeoDataFrame, homes: pd.DataFrame, nodes: pd.DataFrame, *, scenario: Any
) -> Any:
    """The transformer of each building."""
    return wires.connect(scenario, buildings, homes, nodes)


@stage(
    "limits", kept="limits.parquet", across="apart",
    keys=("grid.reverse_load", "grid.output_rate", "grid.power_factor", "tariff.connection_date",
          *LOADS),
    files=("site.transformers", "demand.archetypes"),
)  # fmt: skip
def limits(
    nodes: pd.DataFrame, connections: pd.DataFrame, people: pd.DataFrame, links: pd.DataFrame,
    buildings: gpd.GeoDataFrame, meter: pd.DataFrame, year: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """What is open at each node."""
    if nodes.empty:
        return frames.DataFrame({"transformer_id": frames.Series(dtype="string")})
    load, homes = wires.homes_at_nodes(
        scenario, people, links, buildings, connections, nodes["transformer_id"], meter
    )
    return wires.node_limits(scenario, nodes, load, homes, year["ghi"].to_numpy(dtype=float))


def _feeders(
    built: pd.DataFrame, *, limits: pd.DataFrame, connections: pd.DataFrame, fitting: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, people: pd.DataFrame,
    links: pd.DataFrame, buildings: gpd.GeoDataFrame, meter: pd.DataFrame, scenario: Any,
    limited: bool,
) -> Any:  # fmt: skip
    """Hours of all nodes with some arrays built."""
    ready, every = _lit(sky, horizons, planes, fitting, scenario)
    profile = wires.village_profile(fitting, ready, every, float(wear.remaining(scenario)[0]))
    _, angles = _lit(sky, horizons, planes, built, scenario)
    load, _ = wires.homes_at_nodes(
        scenario, people, links, buildings, connections, limits["transformer_id"], meter
    )
    row = wires.array_rows(built, connections, limits["transformer_id"])
    return wires.feeders_of(
        scenario, limits, load, ready.sky.clock_hours, built, row, ready, angles, profile,
        limited=limited,
    )  # fmt: skip


HOURLY = ("limits", "connections", "fitting", "planes", "sky", "horizons", "people", "links",
          "buildings", "meter")  # fmt: skip
"""Stages that the hours of a transformer need beside its arrays."""


def node_hours(result: Callable[[str], Any], scenario: Any) -> Any:
    """Hours of every node of a village, with what is built; by the results of its stages."""
    told = {name: result(name) for name in HOURLY}
    limited = scenario.grid.export_limit == "transformer"
    made = _feeders(result("arrays"), **told, scenario=scenario, limited=limited)
    return feeding.up_the_tree(made, told["limits"])


@stage(
    "transformers", kept="transformers.parquet", across="apart",
    keys=(*LIMITED, *LOADS, *WEAR, *YEAR, *WAYS),
    files=("site.transformers", "demand.archetypes"),
    said="grid",
)  # fmt: skip
def transformers(
    limits: pd.DataFrame, connections: pd.DataFrame, fitting: pd.DataFrame, arrays: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, people: pd.DataFrame,
    links: pd.DataFrame, buildings: gpd.GeoDataFrame, meter: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """What hangs on each node, what the year does to it, its colours and phases."""
    if limits.empty:
        return limits
    limited = scenario.grid.export_limit == "transformer"
    hours = _feeders(
        arrays, limits=limits, connections=connections, fitting=fitting, planes=planes, sky=sky,
        horizons=horizons, people=people, links=links, buildings=buildings, meter=meter,
        scenario=scenario, limited=limited,
    )  # fmt: skip
    made = wires.transformer_table(scenario, limits, hours, connections, fitting, arrays)
    return made, wires.grid_findings(made, wires.grid_file(scenario), limited=limited)


@stage(
    "ways", kept="ways.parquet", across="apart",
    keys=("grid.house_export_share", "grid.output_rate", "grid.cost_export_limit",
          "grid.cost_control", "grid.cost_storage_per_kwh", "grid.cost_transformer_per_kva",
          "grid.cost_pooled_per_kva", *LOADS, *WEAR, *YEAR, *WAYS),
    files=("demand.archetypes",),
)  # fmt: skip
def ways(
    transformers: pd.DataFrame, connections: pd.DataFrame, fitting: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, people: pd.DataFrame,
    links: pd.DataFrame, buildings: gpd.GeoDataFrame, meter: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """Ways out of transformers whose roofs want more than is open."""
    if transformers.empty:
        return wires.no_ways()
    hours = _feeders(
        fitting, limits=transformers, connections=connections, fitting=fitting, planes=planes,
        sky=sky, horizons=horizons, people=people, links=links, buildings=buildings, meter=meter,
        scenario=scenario, limited=False,
    )  # fmt: skip
    return wires.way_table(scenario, transformers, hours, fitting, connections)


@stage("curtailed", keys=(*LIMITED, *YEAR, *WAYS), joins="households")
def curtailed(
    people: pd.DataFrame, links: pd.DataFrame, building_totals: pd.DataFrame,
    connections: pd.DataFrame, transformers: pd.DataFrame, arrays: pd.DataFrame,
    energy: pd.DataFrame, planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, *,
    scenario: Any,
) -> Any:  # fmt: skip
    """What of each household's energy is cut by a limit."""
    share = scenario.grid.house_export_share
    if share is None and scenario.grid.export_limit == "none":
        return frames.DataFrame({"household_id": people["household_id"].to_numpy()})
    house = numbers.zeros(len(arrays))
    if share is not None:
        ready, angles = _lit(sky, horizons, planes, arrays, scenario)
        house = feeding.house_cut(arrays, ready, angles, share)
    return wires.curtailed_shares(
        people, links, building_totals, connections, transformers, house, arrays, energy
    )


@stage(
    "totals", kept="totals.parquet", across="apart",
    keys=("selection.phase", "selection.weights", "selection.min_share"),
)  # fmt: skip
def totals(
    fitting: pd.DataFrame, arrays: pd.DataFrame, links: pd.DataFrame, selection: pd.DataFrame,
    transformers: pd.DataFrame, people: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """Three totals: what fits, what may be connected now, what this phase builds."""
    phase = scenario.selection.phase
    homes = lists.of_households(links, people)
    made = lists.three_totals(phase, fitting, arrays, homes, selection, transformers)
    return made, lists.telling(scenario, selection)


@stage("loading", joins="buildings", over=True)
def loading(
    connections: pd.DataFrame, transformers: pd.DataFrame, selection: pd.DataFrame,
    links: pd.DataFrame,
) -> Any:  # fmt: skip
    """The phase of each building, and how full its transformer is."""
    return wires.loading_of(connections, transformers, selection, links)


def _net_hours(
    net: Any, arrays: pd.DataFrame, *, planes: gpd.GeoDataFrame, sky: pd.DataFrame,
    horizons: pd.DataFrame, people: pd.DataFrame, links: pd.DataFrame,
    buildings: gpd.GeoDataFrame, meter: pd.DataFrame, scenario: Any,
) -> Any:  # fmt: skip
    """Load and output of each household of a net."""
    ready, angles = _lit(sky, horizons, planes, arrays, scenario)
    return nets.homes_hours(scenario, net, people, links, buildings, meter, arrays, ready, angles)


VOLTS = ("grid.source_voltage", *LOADS, *WEAR, *YEAR, *WAYS)
NETS = ("site.net", "site.lines", "demand.archetypes")


@stage("voltage", kept="voltage.parquet", across="apart", keys=VOLTS, files=NETS)
def voltage(
    nodes: pd.DataFrame, connections: pd.DataFrame, arrays: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, people: pd.DataFrame,
    links: pd.DataFrame, buildings: gpd.GeoDataFrame, meter: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """Highest and lowest voltage at each household, where the net is known."""
    net = nets.site_net(scenario, nodes, buildings, links, connections)
    if net is None:
        return nets.no_voltages()
    load, made = _net_hours(
        net, arrays, planes=planes, sky=sky, horizons=horizons, people=people, links=links,
        buildings=buildings, meter=meter, scenario=scenario,
    )  # fmt: skip
    told = volts.household_voltages(net, volts.solve_flow(net, load - made))
    apart = nets.net_findings(scenario.site.net, links)
    return told, [*apart, *nets.voltage_findings(told, "site.net")]


@stage("hosting", kept="hosting.parquet", across="apart", keys=VOLTS, files=NETS)
def hosting(
    nodes: pd.DataFrame, connections: pd.DataFrame, fitting: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, people: pd.DataFrame,
    links: pd.DataFrame, buildings: gpd.GeoDataFrame, meter: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """How much the net bears, who breaks the limit first, and what would change it."""
    net = nets.site_net(scenario, nodes, buildings, links, connections)
    if net is None:
        return nets.no_hosting()
    load, made = _net_hours(
        net, fitting, planes=planes, sky=sky, horizons=horizons, people=people, links=links,
        buildings=buildings, meter=meter, scenario=scenario,
    )  # fmt: skip
    on_net = links["household_id"].astype(str).isin(net.homes["household_id"])
    own = fitting["building_id"].isin(links.loc[on_net, "building_id"])
    kw = float(fitting.loc[own, "capacity_kw_ac"].sum())
    return nets.hosting_table(net, load, made, kw)
