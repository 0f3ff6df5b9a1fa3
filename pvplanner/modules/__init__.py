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
from pvplanner.modules.ways import (
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
    usable_areas,
    usable_rules,
    wind_pressure,
)
from pvplanner.roofs.frames import Frames, frames_of
from pvplanner.scenario import Scenario

__all__ = [
    "find_product",
    "height_limit",
    "lay_modules",
    "module_outlines",
    "module_planes",
    "row_horizon",
    "row_spacing",
]

TILE = 20_000
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
    ways = find_ways(planes, scenario=scenario)
    fit = np.zeros(len(planes), dtype=np.int64)
    for rows, _, start, _, _ in _laid(planes, ways, scenario):
        fit[rows] = np.diff(start)
    each = np.where(ways.pair, 2, 1)
    fit = np.minimum(fit * each, _most(planes, ways, scenario))
    share = _known(planes, "yield_share")
    poor = np.isfinite(share) & (share < scenario.module.yield_share_min)
    fit = np.where(poor, 0, fit) // each * each
    product = find_product(scenario)
    fit = _beside_existing(planes, fit, product.power_w / 1000) // each * each
    count = _limited(planes, fit, product.power_w / 1000, scenario, households) // each * each
    keep = np.flatnonzero(count >= scenario.module.min_modules)
    return _arrays(planes, ways, keep, count[keep], fit[keep], scenario)


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
    unseen = usable_rules(scenario, None)["middle"].unseen
    whole = np.where(guessed, area, area / (1 - unseen)) / ways.area_per_module()
    # A hair is added so that an area of exactly n modules holds n in floating point too.
    return np.floor(np.nan_to_num(whole, nan=1e9) + 1e-6).astype(np.int64)


def _arrays(
    planes: gpd.GeoDataFrame,
    ways: Ways,
    keep: np.ndarray,
    count: np.ndarray,
    fit: np.ndarray,
    scenario: Scenario,
) -> pd.DataFrame:
    chosen = planes.iloc[keep]
    pair = ways.pair[keep]
    power = find_product(scenario).power_w / 1000
    ids = chosen["plane_id"].astype(str).to_numpy(dtype=object)
    azimuth = ways.surface_azimuth[keep]
    table = pd.DataFrame(
        {
            "array_id": np.where(pair, ids + "E", ids),
            "plane_id": chosen["plane_id"].to_numpy(),
            "building_id": chosen["building_id"].to_numpy(),
            "modules": np.where(pair, count // 2, count),
            "modules_fit": np.where(pair, fit // 2, fit),
            "surface_tilt": ways.surface_tilt[keep],
            "surface_azimuth": azimuth,
            "order": 2 * np.arange(len(keep)),
        }
    )
    west = table[pair].assign(array_id=ids[pair] + "W", surface_azimuth=(azimuth[pair] + 180) % 360)
    west["order"] += 1
    if len(west):
        table = pd.concat([table, west]).sort_values("order").reset_index(drop=True)
    table["capacity_kwp"] = table["modules"] * power
    whole = table.groupby("building_id")["capacity_kwp"].sum()
    limit = scenario.module.connection_limit_kw or np.inf
    ac, phases = choose_inverters(whole.to_numpy(), scenario.system, limit)
    part = table["capacity_kwp"] / table["building_id"].map(whole)
    own = part * table["building_id"].map(pd.Series(ac, whole.index))
    table["capacity_kw_ac"] = own.round(6)
    table["phases"] = table["building_id"].map(pd.Series(phases, whole.index)).astype(np.int64)
    order = ["array_id", "plane_id", "building_id", "modules", "modules_fit", "capacity_kwp",
             "capacity_kw_ac", "phases", "surface_tilt", "surface_azimuth"]  # fmt: skip
    return table[order]


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


def _with_usable(planes: gpd.GeoDataFrame, scenario: Scenario) -> gpd.GeoDataFrame:
    """Planes with ``usable``, seen from above; drawn where it is missing."""
    out = np.full(len(planes), None, dtype=object)
    open_ = np.ones(len(planes), dtype=bool)
    if "usable" in planes:
        out = np.asarray(planes["usable"], dtype=object).copy()
        open_ = shapely.is_missing(out)
    if not open_.any():
        return planes
    west, south, east, north = planes.total_bounds
    middle = gpd.GeoSeries.from_xy([(west + east) / 2], [(south + north) / 2], crs=planes.crs)
    at = middle.to_crs(4326)
    wind, _ = wind_pressure(float(at.y.iloc[0]), float(at.x.iloc[0]), scenario)
    out[open_] = usable_areas(planes[open_], usable_rules(scenario, wind)["middle"])
    return planes.assign(usable=gpd.GeoSeries(out, index=planes.index, crs=planes.crs))


def _row_frames(planes: gpd.GeoDataFrame, ways: Ways) -> Frames:
    """Planes' coordinates with u along the rows of modules and v away from where they face."""
    tilt = np.where(planes["roof_type"].eq("flat"), 0.0, planes["surface_tilt"])
    return frames_of(np.asarray(planes.geometry), ways.turn, tilt)


def _laid(
    planes: gpd.GeoDataFrame, ways: Ways, scenario: Scenario
) -> Iterator[tuple[slice, Frames, np.ndarray, np.ndarray, np.ndarray]]:
    """Tile by tile: rows, their frames, where each plane's corners begin, corners, ways."""
    outlines = np.asarray(_with_usable(planes, scenario)["usable"], dtype=object)
    for begin in range(0, len(planes), TILE):
        rows = slice(begin, min(begin + TILE, len(planes)))
        part = planes.iloc[rows]
        sizes = ways.sizes[rows]
        frames = _row_frames(part, Ways(sizes, *(getattr(ways, name)[rows] for name in _EACH)))
        shapes = outlines[rows].copy()
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
    if arrays is None:
        arrays = lay_modules(planes, scenario=scenario)
    ways = find_ways(planes, scenario=scenario)
    # Before rows are left out: neighbours bound each other.
    planes = _with_usable(planes, scenario)
    used = planes["plane_id"].isin(arrays["plane_id"]).to_numpy()
    some = planes[used]
    ways = Ways(ways.sizes[used], *(getattr(ways, name)[used] for name in _EACH))
    wanted = arrays.groupby("plane_id")["modules"].sum().reindex(some["plane_id"]).to_numpy()
    shapes, owner = [], []
    for rows, frames, start, corners, way in _laid(some, ways, scenario):
        pair = ways.pair[rows]
        places = wanted[rows] // np.where(pair, 2, 1)
        whose = np.repeat(np.arange(len(way)), np.diff(start))
        kept = np.arange(len(corners)) - start[whose] < places[whose]
        whose, low = whose[kept], corners[kept]
        size = ways.sizes[rows][whose, way[whose], :2]
        if pair.any():
            low, size, whose = _both(low, size, whose, pair)
        flat = shapely.box(low[:, 0], low[:, 1], low[:, 0] + size[:, 0], low[:, 1] + size[:, 1])
        shapes.append(frames.out_of(flat, whose))
        owner.append(whose + rows.start)
    if not shapes:
        empty: dict[str, list[str]] = {"plane_id": [], "array_id": []}
        return gpd.GeoDataFrame(empty, geometry=[], crs=planes.crs)
    which = np.concatenate(owner)
    plane_id = some["plane_id"].to_numpy()[which]
    ids = plane_id.astype(str).astype(object)
    pairs = ways.pair[which]
    side = np.where(np.arange(len(which)) % 2 == 0, "E", "W")
    ids = np.where(pairs, ids + side.astype(object), ids)
    return gpd.GeoDataFrame(
        {"plane_id": plane_id, "array_id": ids}, geometry=np.concatenate(shapes), crs=planes.crs
    )


def _both(
    low: np.ndarray, size: np.ndarray, whose: np.ndarray, pair: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two modules of each east-west place, the one that faces the rows' direction first."""
    from pvplanner.modules.ways import RIDGE_GAP_M

    double = pair[whose]
    half = np.where(double, (size[:, 1] - RIDGE_GAP_M) / 2, size[:, 1])
    each = np.where(double, 2, 1)
    index = np.repeat(np.arange(len(low)), each)
    second = np.arange(len(index)) - np.repeat(np.cumsum(each) - each, each) == 1
    out = low[index].copy()
    out[second, 1] += half[index][second] + RIDGE_GAP_M
    return out, np.column_stack([size[index, 0], half[index]]), whose[index]
