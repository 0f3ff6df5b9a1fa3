"""Modules: whole ones, of a named product, where they fit on the planes that are worth it."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.horizon.blocks import ragged
from pvplanner.modules.inverters import choose_inverters
from pvplanner.modules.layout import lay
from pvplanner.modules.reasons import building_reasons, plane_reasons
from pvplanner.modules.ways import (
    RIDGE_GAP_M,
    Ways,
    find_product,
    find_ways,
    height_limit,
    module_planes,
    row_horizon,
    row_spacing,
)
from pvplanner.roofs import (
    FLAT_DEG,
    convergence,
    unseen_share,
    usable_rules,
    wind_pressure,
)
from pvplanner.roofs.frames import Frames, frames_of
from pvplanner.roofs.usable import Rules, own_alone, usable_seen
from pvplanner.scenario import Scenario

__all__ = [
    "array_table",
    "building_reasons",
    "find_product",
    "height_limit",
    "lay_modules",
    "module_outlines",
    "module_planes",
    "outlines_of",
    "place_modules",
    "plane_reasons",
    "row_horizon",
    "row_spacing",
]

TILE = 4_000
"""Planes laid at a time: memory does not grow with their number."""


def lay_modules(
    planes: gpd.GeoDataFrame,
    *,
    scenario: Scenario | None = None,
    households: pd.Series | None = None,
) -> pd.DataFrame:
    """Whole modules where they fit on each plane.

    Parameters
    ----------
    planes : GeoDataFrame
        The ``planes`` table. ``usable`` (geometry) is what modules may cover; where it is missing
        it is found by the rules of ``roof.rules``. Where ``yield_share`` is known, planes below
        ``module.yield_share_min`` stay empty, and limits on capacity fill the best planes first.
        ``existing_kwp`` of a building counts against them.
    scenario : Scenario, optional
        ``module``, ``roof`` and ``system`` are used.
    households : Series, optional
        Number of households by ``building_id``, for ``module.household_limit_kwp``; one if not
        given.

    Returns
    -------
    DataFrame
        The ``arrays`` table: a row per plane that carries at least ``module.min_modules`` (two
        rows, one per direction, where modules lie east-west): ``modules``, ``modules_fit`` (without
        limits), ``capacity_kwp`` (kWp), ``capacity_kw_ac`` (kW, its share of the building's
        inverter), ``phases``, ``surface_tilt`` and ``surface_azimuth`` (degrees).

    Raises
    ------
    ConfigError
        If a canopy would stand higher than local rules allow.
    """
    scenario, planes = scenario or Scenario(), _completed(planes)
    layout = place_modules(planes, scenario=scenario, households=households)
    return array_table(planes, layout, scenario=scenario)


def place_modules(
    planes: gpd.GeoDataFrame,
    *,
    scenario: Scenario,
    households: pd.Series | None = None,
) -> pd.DataFrame:
    """Where every whole module lies: laid once, and drawn from here.

    Parameters
    ----------
    planes, scenario, households
        As for :func:`lay_modules`.

    Returns
    -------
    DataFrame
        A row per module that fits: ``plane`` (position of its plane in ``planes``), ``second``
        (the one of an east-west pair that looks the other way), ``built`` (limits leave it and its
        group is large enough), ``x``, ``y`` (of a corner, in the planes' CRS), ``along_x``,
        ``along_y``, ``up_x``, ``up_y`` (its sides seen from above, m).

    Raises
    ------
    ConfigError
        If a canopy would stand higher than local rules allow.
    """
    planes = _completed(planes)
    ways = find_ways(planes, scenario=scenario)
    parts = [_placed(*laid, ways) for laid in _laid(planes, ways, scenario)]
    table = pd.concat(parts, ignore_index=True) if parts else _placed_nowhere()
    each = np.where(ways.pair, 2, 1)
    fit = np.bincount(table["plane"], minlength=len(planes))
    fit = np.minimum(fit, _most(planes, ways, scenario))
    share = _known(planes, "yield_share")
    poor = np.isfinite(share) & (share < scenario.module.yield_share_min)
    fit = np.where(poor, 0, fit) // each * each
    power = find_product(scenario).power_w / 1000
    fit = _beside_existing(planes, fit, power) // each * each
    count = _limited(planes, fit, power, scenario, households) // each * each
    count[count < scenario.module.min_modules] = 0
    # Modules of a plane stand together, in the order in which they are taken.
    owner = table["plane"].to_numpy()
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return table.assign(built=place < count[owner])[place < fit[owner]].reset_index(drop=True)


def _placed_nowhere() -> pd.DataFrame:
    sides = ("along_x", "along_y", "up_x", "up_y")
    corner = {name: np.zeros(0) for name in ("x", "y")}
    columns = {**corner, **{name: np.zeros(0, np.float32) for name in sides}}
    return pd.DataFrame({"plane": np.zeros(0, np.int32), "second": np.zeros(0, bool), **columns})


def _placed(
    rows: slice, frames: Frames, start: np.ndarray, corners: np.ndarray, way: np.ndarray,
    ways: Ways,
) -> pd.DataFrame:  # fmt: skip
    """Modules of a tile: their corner and sides, seen from above."""
    whose = np.repeat(np.arange(len(way)), np.diff(start))
    size = ways.sizes[rows][whose, way[whose], :2]
    pair, low = ways.pair[rows], corners
    second = np.zeros(len(whose), dtype=bool)
    if pair.any():
        low, size, whose, second = _both(low, size, whose, pair)
    corner, *sides = frames.boxes_out_of(low, size, whose)
    # A side is a few metres: single precision holds it to a micrometre.
    along, up = (side.astype(np.float32) for side in sides)
    return pd.DataFrame(
        {
            "plane": (whose + rows.start).astype(np.int32),
            "second": second,
            "x": corner[:, 0], "y": corner[:, 1],
            "along_x": along[:, 0], "along_y": along[:, 1],
            "up_x": up[:, 0], "up_y": up[:, 1],
        }
    )  # fmt: skip


def array_table(
    planes: gpd.GeoDataFrame, layout: pd.DataFrame, *, scenario: Scenario
) -> pd.DataFrame:
    """Groups of modules of one tilt and azimuth on one plane; see :func:`lay_modules`."""
    planes, power = _completed(planes), find_product(scenario).power_w / 1000
    code = layout["plane"].to_numpy(dtype=np.int64) * 2 + layout["second"].to_numpy()
    count = np.bincount(code, layout["built"], minlength=2 * len(planes)).astype(np.int64)
    fit = np.bincount(code, minlength=2 * len(planes))
    kept = np.flatnonzero(count > 0)
    which, second = kept // 2, kept % 2 == 1
    paired = fit[2 * which + 1] > 0
    chosen = planes.iloc[which]
    ways = find_ways(planes, scenario=scenario)
    azimuth = ways.surface_azimuth[which]
    table = pd.DataFrame(
        {
            "modules": count[kept],
            "modules_fit": fit[kept],
            "surface_tilt": ways.surface_tilt[which],
            "surface_azimuth": np.where(second, (azimuth + 180) % 360, azimuth),
        }
    )
    level = chosen["surface_tilt"].to_numpy(dtype=float) < FLAT_DEG
    table["back_free"] = level & (ways.surface_tilt[which] > 0)
    ids = chosen["plane_id"].astype(str).to_numpy(dtype=object)
    side = np.where(second, "W", "E")
    table["array_id"] = np.where(paired, ids + side.astype(object), ids)
    table["plane_id"] = chosen["plane_id"].to_numpy()
    table["building_id"] = chosen["building_id"].to_numpy()
    table["capacity_kwp"] = table["modules"] * power
    whole = table.groupby("building_id")["capacity_kwp"].sum()
    limit = scenario.module.connection_limit_kw or np.inf
    ac, phases = choose_inverters(whole.to_numpy(), scenario.system, limit)
    part = table["capacity_kwp"] / table["building_id"].map(whole)
    own = part * table["building_id"].map(pd.Series(ac, whole.index))
    table["capacity_kw_ac"] = own.round(6)
    table["phases"] = table["building_id"].map(pd.Series(phases, whole.index)).astype(np.int64)
    order = ["array_id", "plane_id", "building_id", "modules", "modules_fit", "capacity_kwp",
             "capacity_kw_ac", "phases", "surface_tilt", "surface_azimuth",
             "back_free"]  # fmt: skip
    return table[order]


def _completed(planes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Planes with what a hand-made table may lack: roof type, direction on the grid, building."""
    lacking = {}
    if "roof_type" not in planes:
        lacking["roof_type"] = np.where(planes["surface_tilt"] < FLAT_DEG, "flat", "shed")
    if "grid_azimuth" not in planes:
        lacking["grid_azimuth"] = planes["surface_azimuth"] - convergence(planes)[0]
    if "building_id" not in planes:
        lacking["building_id"] = planes["plane_id"]
    return planes.assign(**lacking) if lacking else planes


def _known(planes: pd.DataFrame, column: str) -> np.ndarray:
    if column not in planes:
        return np.full(len(planes), np.nan)
    return planes[column].to_numpy(dtype=float)


def _most(planes: gpd.GeoDataFrame, ways: Ways, scenario: Scenario) -> np.ndarray:
    """Modules that the usable area can hold, where that is less than its outline."""
    area = _known(planes, "usable_area_m2")
    guessed = planes["source"].eq("typology").to_numpy() if "source" in planes else area < 0
    hidden = unseen_share(planes, usable_rules(scenario, None)["middle"], scenario)
    whole = np.where(guessed, area, area / (1 - hidden)) / ways.area_per_module()
    # A hair is added so that an area of exactly n modules holds n in floating point too.
    return np.floor(np.nan_to_num(whole, nan=1e9) + 1e-6).astype(np.int64)


def _limited(
    planes: gpd.GeoDataFrame,
    count: np.ndarray,
    kwp: float,
    scenario: Scenario,
    households: pd.Series | None,
) -> np.ndarray:
    """Module counts within the limits per building and for the village, best planes first."""
    module = scenario.module
    best = np.nan_to_num(_known(planes, "yield_share"), nan=1.0)
    building, ids = pd.factorize(planes["building_id"])
    limit = _building_limits(planes, building, ids, scenario, households)
    out = count.copy()
    if np.isfinite(limit).any():
        most = np.where(np.isfinite(limit), np.floor(limit / kwp + 1e-9), 2**40).astype(np.int64)
        order = np.lexsort((np.arange(len(best)), -best, building))
        running = pd.Series(out[order]).groupby(building[order]).cumsum().to_numpy()
        room = most[building[order]] - (running - out[order])
        out[order] = np.clip(room, 0, out[order])
    if module.village_limit_kwp is not None:
        most_of_all = int(module.village_limit_kwp / kwp + 1e-9)
        order = np.argsort(-best, kind="stable")
        running = np.cumsum(out[order])
        out[order] = np.clip(most_of_all - (running - out[order]), 0, out[order])
    return out


def _beside_existing(planes: gpd.GeoDataFrame, fit: np.ndarray, kwp: float) -> np.ndarray:
    """Modules that fit beside what stands there and is nowhere drawn: it has the best planes."""
    there = np.nan_to_num(_known(planes, "existing_kwp"))
    if "existing_drawn" in planes:
        there = np.where(planes["existing_drawn"].fillna(False).astype(bool), 0.0, there)
    if not there.any():
        return fit
    building = pd.factorize(planes["building_id"])[0]
    best = np.nan_to_num(_known(planes, "yield_share"), nan=1.0)
    order = np.lexsort((np.arange(len(best)), -best, building))
    taken = np.ceil(there / kwp - 1e-9).astype(np.int64)[order]
    before = pd.Series(fit[order]).groupby(building[order]).cumsum().to_numpy() - fit[order]
    out = fit.copy()
    out[order] = fit[order] - np.clip(taken - before, 0, fit[order])
    return out


def _building_limits(
    planes: gpd.GeoDataFrame,
    building: np.ndarray,
    ids: pd.Index,
    scenario: Scenario,
    households: pd.Series | None,
) -> np.ndarray:
    """Most new capacity of each building, kWp; inf where nothing limits it."""
    module = scenario.module
    limit = np.full(len(ids), np.inf)
    if module.building_limit_kwp is not None:
        limit = np.minimum(limit, module.building_limit_kwp)
    if module.household_limit_kwp is not None:
        homes = 1 if households is None else households.reindex(ids).fillna(1).to_numpy()
        limit = np.minimum(limit, np.maximum(homes, 1) * module.household_limit_kwp)
    if module.connection_limit_kw is not None:
        limit = np.minimum(limit, module.connection_limit_kw * scenario.system.dc_ac_ratio)
    there = np.zeros(len(ids))
    np.maximum.at(there, building, np.nan_to_num(_known(planes, "existing_kwp")))
    return np.maximum(limit - there, 0.0)


def _usable_held(planes: gpd.GeoDataFrame) -> np.ndarray:
    """Outlines of ``usable`` where they are known."""
    if "usable" not in planes:
        return np.full(len(planes), None, dtype=object)
    return np.asarray(planes["usable"], dtype=object)


def _middle_rules(planes: gpd.GeoDataFrame, scenario: Scenario) -> Rules:
    west, south, east, north = planes.total_bounds
    middle = gpd.GeoSeries.from_xy([(west + east) / 2], [(south + north) / 2], crs=planes.crs)
    at = middle.to_crs(4326)
    wind, _ = wind_pressure(float(at.y.iloc[0]), float(at.x.iloc[0]), scenario)
    return usable_rules(scenario, wind)["middle"]


def _tiles(planes: pd.DataFrame) -> Iterator[slice]:
    """Neighbouring rows, a few thousand at a time; a building's planes stay together."""
    code = pd.factorize(planes["building_id"])[0]
    edges = np.flatnonzero(np.r_[True, code[1:] != code[:-1], True])
    begin = 0
    while begin < len(planes):
        end = int(edges[min(int(np.searchsorted(edges, begin + TILE)), len(edges) - 1)])
        yield slice(begin, end)
        begin = end


def _row_frames(planes: gpd.GeoDataFrame, ways: Ways) -> Frames:
    """Planes' coordinates with u along the rows of modules and v away from where they face."""
    tilt = np.where(planes["roof_type"].eq("flat"), 0.0, planes["surface_tilt"])
    return frames_of(np.asarray(planes.geometry), ways.turn, tilt)


def _laid(
    planes: gpd.GeoDataFrame, ways: Ways, scenario: Scenario
) -> Iterator[tuple[slice, Frames, np.ndarray, np.ndarray, np.ndarray]]:
    """Tile by tile: rows, their frames, where each plane's corners begin, corners, ways."""
    if len(planes) == 0:
        return
    outlines, all_ = _usable_held(planes), np.asarray(planes.geometry)
    open_ = shapely.is_missing(outlines)
    rules = _middle_rules(planes, scenario) if open_.any() else None
    tree = shapely.STRtree(all_) if open_.any() else None
    code = pd.factorize(planes["building_id"])[0]
    for rows in _tiles(planes):
        part = planes.iloc[rows]
        sizes = ways.sizes[rows]
        frames = _row_frames(part, Ways(sizes, *(getattr(ways, name)[rows] for name in _EACH)))
        shapes = outlines[rows].copy()
        lacking = np.flatnonzero(open_[rows])
        if rules is not None and len(lacking):
            left = usable_seen(part.iloc[lacking], rules)
            place = lacking + rows.start
            shapes[lacking] = own_alone(left, place, tree, all_, code)
        bare = shapely.is_missing(shapes) | (_known(part, "usable_area_m2") <= 0)
        shapes[bare] = shapely.Polygon()
        inside = frames.into(shapes)
        points, ring_at, shape_at = ragged(inside)
        bounds = np.nan_to_num(shapely.bounds(inside))
        least = np.where(sizes[:, :, 0] > 0, sizes[:, :, 0] * sizes[:, :, 1], np.inf).min(axis=1)
        room = int((shapely.area(inside) / least + 2).sum())
        corners, way = np.empty((room, 2)), np.empty(len(part), dtype=np.int64)
        start = np.empty(len(part) + 1, dtype=np.int64)
        total = lay(
            points, ring_at, shape_at, bounds, sizes, scenario.module.gap_m, corners, way, start
        )
        yield rows, frames, start, corners[:total], way


_EACH = ("surface_tilt", "surface_azimuth", "turn", "pair")


def module_outlines(
    planes: gpd.GeoDataFrame,
    *,
    scenario: Scenario | None = None,
    arrays: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Outline of every module, seen from above.

    Parameters
    ----------
    planes, scenario
        As for :func:`lay_modules`.
    arrays : DataFrame, optional
        As from :func:`lay_modules`: only its modules; all that fit if not given.

    Returns
    -------
    GeoDataFrame
        ``plane_id``, ``array_id`` and geometry, a row per module.
    """
    scenario, planes = scenario or Scenario(), _completed(planes)
    layout = place_modules(planes, scenario=scenario)
    if arrays is not None:
        layout = _wanted(planes, layout, arrays)
    return outlines_of(planes, layout)


def _wanted(planes: pd.DataFrame, layout: pd.DataFrame, arrays: pd.DataFrame) -> pd.DataFrame:
    """As many modules of each plane as some arrays have, instead of those that limits leave."""
    whole = arrays.groupby("plane_id")["modules"].sum()
    count = whole.reindex(planes["plane_id"]).fillna(0).to_numpy()
    owner = layout["plane"].to_numpy()
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return layout.assign(built=place < count[owner])


def outlines_of(planes: gpd.GeoDataFrame, layout: pd.DataFrame) -> gpd.GeoDataFrame:
    """Outline of every module that is built; see :func:`module_outlines`."""
    built = layout[layout["built"].to_numpy()]
    paired = set(layout.loc[layout["second"], "plane"])
    low = built[["x", "y"]].to_numpy()
    along, up = built[["along_x", "along_y"]].to_numpy(), built[["up_x", "up_y"]].to_numpy()
    ring = np.stack([low, low + along, low + along + up, low + up, low], axis=1)
    ids = planes["plane_id"].astype(str).to_numpy(dtype=object)[built["plane"].to_numpy()]
    side = np.where(built["second"], "W", "E").astype(object)
    double = built["plane"].isin(paired).to_numpy()
    return gpd.GeoDataFrame(
        {
            "plane_id": planes["plane_id"].to_numpy()[built["plane"].to_numpy()],
            "array_id": np.where(double, ids + side, ids),
        },
        geometry=shapely.polygons(ring) if len(ring) else [],
        crs=planes.crs,
    )


def _both(
    low: np.ndarray, size: np.ndarray, whose: np.ndarray, pair: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The two modules of each east-west place, the one that faces the rows' direction first."""
    double = pair[whose]
    half = np.where(double, (size[:, 1] - RIDGE_GAP_M) / 2, size[:, 1])
    each = np.where(double, 2, 1)
    index = np.repeat(np.arange(len(low)), each)
    second = np.arange(len(index)) - np.repeat(np.cumsum(each) - each, each) == 1
    out = low[index].copy()
    out[second, 1] += half[index][second] + RIDGE_GAP_M
    return out, np.column_stack([size[index, 0], half[index]]), whose[index], second & double[index]
