"""Roof planes of buildings from a surface model: windows read, planes found, outlines drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.roofs import regions, segment, standing, surface
from pvplanner.roofs.frames import wall_directions
from pvplanner.roofs.ridges import straight_ridges
from pvplanner.terrain import Patch, Raster, trace

MARGIN_M = 4.0
"""Read around a footprint: for its offset and the ground beside it."""

SIGMA_M = (0.02, 0.20)
"""Bounds of the noise that is believed: cluttered roofs look noisier than any sensor."""

QUIET = 0.2
"""Quantile of the local misfits that is taken as noise."""

SAMPLE = 48
SAMPLE_M2 = 40.0
"""Noise and blur are those of the sensor: from this many buildings of at least this size."""

LEAST_ROOF_M = 1.5
"""A plane lower than this above the ground is a yard, not a roof."""

LARGEST_OFFSET_M = 2.0
STEP_M = 1.5
"""A fall of this height at an outline is the outline as the surface model sees it."""

SMALLEST_M2 = 2.0
STEEPEST = float(np.tan(np.radians(68.0)))
COVERED = 0.5
"""Share of a footprint's cells that must have a height."""

OBSTACLE_M = 0.30
OBSTACLE_M2 = 5.0
PARAPET_M = 0.20
LEVEL_DEG = 1.0
MOST_LEVEL_DEG = 4.0
"""A slope under the first, or under the second and 2.5 times its doubt, is taken as level."""

COARSE = 3.0
ALIGNED_DEG = 1.0
"""How well roofs follow the walls below them, one sigma."""


@dataclass(frozen=True)
class Noise:
    """What a surface model's heights are like.

    Attributes
    ----------
    sigma, local : float
        About a whole plane and within a small window, m.
    blur : int
        How many cells from an outline hold a part of the wall's fall.
    grain : float
        Cells that err together: 1 where each errs for itself.
    """

    sigma: float
    local: float
    blur: int
    grain: float


@dataclass(frozen=True)
class _Outlines:
    """Rings of buildings in one array, outer ones counter-clockwise."""

    points: np.ndarray
    ring_starts: np.ndarray
    building_rings: np.ndarray

    def of(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        first, last = self.building_rings[number], self.building_rings[number + 1]
        starts = self.ring_starts[first : last + 1]
        return self.points[starts[0] : starts[-1]], starts - starts[0]


@dataclass
class _Window:
    """A building in its window of the surface model."""

    patch: Patch
    heights: np.ndarray
    level: float
    inside: np.ndarray
    offset: tuple[float, float]
    width: float


def _outlines(shapes: np.ndarray) -> _Outlines:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    building = owner[part]
    points, ring = shapely.get_coordinates(rings, return_index=True)
    return _Outlines(
        points,
        np.searchsorted(ring, np.arange(len(rings) + 1)),
        np.searchsorted(building, np.arange(len(shapes) + 1)),
    )


def _look(raster: Raster, points: np.ndarray, starts: np.ndarray) -> _Window | None:
    """Read a building's window and find where it stands in it; ``None`` if nothing is known."""
    low, high = points.min(axis=0), points.max(axis=0)
    patch = raster.read(
        (low[0] - MARGIN_M, low[1] - MARGIN_M, high[0] + MARGIN_M, high[1] + MARGIN_M)
    )
    known = np.isfinite(patch.heights)
    if not known.any():
        return None
    level = float(np.median(patch.heights[known]))
    heights = patch.heights.astype(np.float64) - level
    cells = np.column_stack(
        [(points[:, 0] - patch.west) / patch.cell, (patch.north - points[:, 1]) / patch.cell]
    )
    east, north, _, width, scatter = surface.find_offset(
        heights, cells, starts, patch.cell, STEP_M, LARGEST_OFFSET_M
    )
    size = float(np.hypot(east, north))
    # An offset that is lost in the scatter of eaves and cells is none.
    if not max(0.35 * patch.cell, 1.0 * scatter) <= size <= LARGEST_OFFSET_M:
        east = north = 0.0
    moved = points + np.array([east, north])
    inside = segment.rings_inside(moved, starts, patch.west, patch.north, patch.cell, heights.shape)
    return _Window(patch, heights, level, inside, (east, north), width)


def measure_noise(raster: Raster, outlines: _Outlines, areas: np.ndarray) -> Noise:
    """Noise, blur and grain of a surface model, from a sample of the buildings on it."""
    large = np.flatnonzero(areas >= min(SAMPLE_M2, np.quantile(areas, 0.5)))
    picks = large[np.unique(np.linspace(0, len(large) - 1, SAMPLE).round().astype(int))]
    windows = [w for w in (_look(raster, *outlines.of(k)) for k in picks) if w is not None]
    widths = np.array([w.width for w in windows if np.isfinite(w.width)])
    width = float(np.median(widths)) if len(widths) else 1.6
    blur = int(np.clip(round((width - 1.25) / 0.7), 0, 2))
    local = [surface.local_noise(w.heights, w.inside, raster.cell, blur, QUIET) for w in windows]
    local = [value for value in local if np.isfinite(value)]
    quiet = float(np.clip(np.median(local) if local else 0.05, *SIGMA_M))
    rms, grain = [], []
    for window in windows:
        labels, planes = surface.find_planes(
            window.heights, window.inside, raster.cell,
            1.5 * quiet, quiet, blur, 1.0, SMALLEST_M2, STEEPEST,
        )  # fmt: skip
        good = planes[:, 4] * raster.cell**2 >= 12.0
        rms += planes[good, 3].tolist()
        together = regions.alike(window.heights, labels, planes, raster.cell)
        grain += together[good & np.isfinite(together)].tolist()
    sigma = float(np.clip(np.quantile(rms, 0.4) if rms else quiet, quiet, SIGMA_M[1]))
    alike = float(np.clip(np.median(grain) if grain else 0.0, 0.0, 0.9))
    # Gaussian noise of correlation r from cell to cell errs together over 4 pi s2 cells.
    cells = -np.pi / np.log(alike) if alike > 0.05 else 1.0
    return Noise(sigma, quiet, blur, float(np.clip(cells, 1.0, 40.0)))


def _find(window: _Window, cell: float, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
    """Labels and planes, with less caution at the edges where caution leaves nothing."""
    args = (window.heights, window.inside, cell, noise.sigma)
    for blur in range(noise.blur, -1, -1):
        local = noise.local if blur == noise.blur else max(noise.local, 0.8 * noise.sigma)
        labels, planes = surface.find_planes(*args, local, blur, noise.grain, SMALLEST_M2, STEEPEST)
        if len(planes) > 1:
            return labels, planes
    return surface.one_plane(*args)


def _ground(window: _Window, terrain: Raster | None) -> np.ndarray:
    """Height of the ground under each cell, relative to the window's level."""
    patch, shape = window.patch, window.heights.shape
    if terrain is not None:
        rows, cols = shape
        east, south = patch.west + cols * patch.cell, patch.north - rows * patch.cell
        bare = terrain.read((patch.west, south, east, patch.north))
        x = patch.west + (np.arange(cols) + 0.5) * patch.cell
        y = patch.north - (np.arange(rows) + 0.5) * patch.cell
        return bare.at(*np.meshgrid(x, y)) - window.level
    around = window.heights[~window.inside]
    around = around[np.isfinite(around)]
    low = float(np.quantile(around, 0.1)) if len(around) >= 20 else np.nan
    return np.full(shape, low)


@dataclass
class _Rows:
    """Planes as they are found, column by column."""

    building: list[int]
    fit: list[np.ndarray]
    outline: list[Any]
    obstacles: list[Any]
    parapet: list[float]
    elevation: list[float]
    centre: list[tuple[float, float]]


def see_planes(
    buildings: gpd.GeoDataFrame,
    raster: Raster,
    terrain: Raster | None = None,
    *,
    noise: Noise | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, Noise]:
    """Planes that a surface model shows of buildings.

    Parameters
    ----------
    buildings : GeoDataFrame
        In the CRS in which the rasters were opened.
    raster, terrain : Raster
        Surface, and bare ground where it is known.
    noise : Noise, optional
        Measured on the buildings if not given.
    progress : callable, optional
        Called with the number of buildings done.

    Returns
    -------
    planes : GeoDataFrame
        A row per plane: ``row`` (of the building), ``surface_tilt``, ``grid_azimuth`` (``nan`` if
        level), ``fit_rmse_m``, ``confidence``, ``parapet_m``, ``elevation_m`` (of the plane at its
        outline's centroid), ``obstacles`` (geometry) and the outline seen from above.
    told : DataFrame
        On the buildings' index: ``reason`` (empty if planes were found), ``offset_east_m`` and
        ``offset_north_m``.
    noise : Noise
    """
    shapes = np.asarray(buildings.geometry)
    outlines = _outlines(shapes)
    if noise is None:
        noise = measure_noise(raster, outlines, shapely.area(shapes))
    rows = _Rows([], [], [], [], [], [], [])
    reasons, offsets = np.full(len(shapes), "", dtype=object), np.zeros((len(shapes), 2))
    for number in _by_place(shapes, raster.cell):
        window = _look(raster, *outlines.of(number))
        reasons[number] = _see(number, window, raster.cell, noise, terrain, shapes, rows)
        if window is not None:
            offsets[number] = window.offset
        if progress is not None:
            progress(1)
    told = pd.DataFrame(
        {"reason": reasons, "offset_east_m": offsets[:, 0], "offset_north_m": offsets[:, 1]},
        index=buildings.index,
    )
    return _table(rows, noise, shapes, raster.cell, buildings.crs), told, noise


def _by_place(shapes: np.ndarray, cell: float) -> Iterator[int]:
    """Buildings in the order of the raster's blocks, so that each block is decoded once."""
    middle = shapely.bounds(shapes)[:, :2]
    block = 256 * cell
    order = np.lexsort((middle[:, 0], np.floor(-middle[:, 1] / block)))
    return iter(order.tolist())


def _see(
    number: int,
    window: _Window | None,
    cell: float,
    noise: Noise,
    terrain: Raster | None,
    shapes: np.ndarray,
    rows: _Rows,
) -> str:
    """Add a building's planes to ``rows``; returns why there are none, or nothing."""
    if window is None:
        return "outside"
    inside = window.inside
    count = inside.sum()
    if count < 4:
        return "too_small"
    if np.isfinite(window.heights[inside]).sum() < COVERED * count:
        return "gap"
    labels, planes = _find(window, cell, noise)
    ground = _ground(window, terrain)
    low = surface.low_planes(window.heights, labels, planes, ground, LEAST_ROOF_M)
    if low[1:].any():
        labels[low[labels]] = 0
    if not (labels > 0).any():
        return "low" if low[1:].any() else "unseen"
    count = standing.absorb_small(
        window.heights, labels, planes, cell, OBSTACLE_M2, max(OBSTACLE_M, 4.0 * noise.sigma)
    )
    if count < len(planes):
        known = inside & np.isfinite(window.heights)
        planes = regions.robust_planes(
            window.heights, known, labels, count, cell, noise.sigma, noise.blur
        )
    _draw(number, window, labels, planes, noise, shapes[number], rows)
    return ""


def _draw(
    number: int,
    window: _Window,
    labels: np.ndarray,
    planes: np.ndarray,
    noise: Noise,
    shape: Any,
    rows: _Rows,
) -> None:
    patch, cell = window.patch, window.patch.cell
    parapet = standing.parapets(window.heights, labels, planes, cell)
    few = max(2, round(0.5 / cell**2))
    things = standing.standing_on(
        window.heights, labels, planes, cell, max(OBSTACLE_M, 4.0 * noise.sigma),
        1 + noise.blur, few,
    )  # fmt: skip
    wide = surface.spread(labels, window.inside, 2)
    traced = trace(wide, patch.west, patch.north, cell)
    outlines = np.array([shapely.geometry.shape(geometry) for _, geometry in traced])
    outlines = shapely.coverage_simplify(outlines, 1.6 * cell)
    owner = np.array([label for label, _ in traced])
    names = np.unique(owner)
    if len(names) < len(owner):
        outlines = np.array([shapely.union_all(outlines[owner == name]) for name in names])
    else:
        names = owner
    middle = (
        patch.west + (labels.shape[1] / 2.0 + 0.5) * cell,
        patch.north - (labels.shape[0] / 2.0 + 0.5) * cell,
    )
    outlines = straight_ridges(outlines, planes[names], middle, 2.5 * cell)
    held = shapely.affinity.translate(shape, *window.offset)
    outlines = shapely.intersection(outlines, held)
    on_roof = None
    if (things > 0).any():
        on_roof = shapely.union_all(
            [shapely.geometry.shape(g) for _, g in trace(things, patch.west, patch.north, cell)]
        )
    for label, outline in zip(names, outlines, strict=True):
        outline = _areas_of(outline)
        if outline is None:
            continue
        rows.building.append(number)
        rows.fit.append(planes[label])
        rows.outline.append(outline)
        rows.obstacles.append(
            None if on_roof is None else _areas_of(shapely.intersection(on_roof, outline))
        )
        rows.parapet.append(parapet[label])
        rows.elevation.append(planes[label, 2] + window.level)
        rows.centre.append(middle)


def _areas_of(shape: Any, least: float = 0.2) -> Any:
    """The polygons of a geometry, or ``None`` if they are next to nothing."""
    if shape.geom_type == "Polygon":
        return shape if shape.area >= least else None
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area >= least]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _table(
    rows: _Rows, noise: Noise, shapes: np.ndarray, cell: float, crs: Any
) -> gpd.GeoDataFrame:
    fit = np.array(rows.fit).reshape(-1, 9)
    building = np.array(rows.building, dtype=np.int64)
    outline = np.array(rows.outline, dtype=object)
    east, north = fit[:, 0], fit[:, 1]
    slope = np.hypot(east, north)
    along, across = _slope_doubt(fit, noise)
    tilt = np.degrees(np.arctan(slope))
    tilt_doubt = np.degrees(along / (1.0 + slope**2))
    azimuth = np.degrees(np.arctan2(-east, -north)) % 360
    with np.errstate(divide="ignore", invalid="ignore"):
        azimuth_doubt = np.degrees(np.where(slope > 0, across / slope, np.inf))
    azimuth = _aligned(azimuth, azimuth_doubt, shapes, building)
    level = (tilt < LEVEL_DEG) | (tilt < np.minimum(2.5 * tilt_doubt, MOST_LEVEL_DEG))
    centroid = shapely.get_coordinates(shapely.centroid(outline)) if len(outline) else fit[:, :2]
    middle = np.array(rows.centre).reshape(-1, 2)
    reach = centroid - middle
    elevation = np.array(rows.elevation) + east * reach[:, 0] + north * reach[:, 1]
    frame = gpd.GeoDataFrame(
        {
            "row": building,
            "surface_tilt": np.where(level, 0.0, tilt),
            "grid_azimuth": np.where(level, np.nan, azimuth),
            "fit_rmse_m": fit[:, 3],
            "confidence": _confidence(fit, tilt_doubt, cell),
            "parapet_m": np.where(np.array(rows.parapet) >= PARAPET_M, rows.parapet, 0.0),
            "elevation_m": elevation,
            "obstacles": gpd.GeoSeries(rows.obstacles, crs=crs),
        },
        geometry=list(outline),
        crs=crs,
    )
    return frame.sort_values("row", kind="stable").reset_index(drop=True)


def _slope_doubt(fit: np.ndarray, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
    """One-sigma doubt of the slope up the fall line, and across it (rise over run)."""
    east, north = fit[:, 0], fit[:, 1]
    slope = np.maximum(np.hypot(east, north), 1e-9)
    u, v = east / slope, north / slope
    xx, xy, yy = fit[:, 6], fit[:, 7], fit[:, 8]
    det = np.maximum(xx * yy - xy * xy, 1e-9)
    up = (yy * u * u - 2 * xy * u * v + xx * v * v) / det
    side = (yy * v * v + 2 * xy * u * v + xx * u * u) / det
    # Residuals about a fitted plane show less of a coarse grain than there is.
    grain = noise.grain if noise.grain < COARSE else 3.0 * noise.grain
    scale = np.sqrt(grain) * np.maximum(fit[:, 3], 0.5 * noise.sigma)
    return scale * np.sqrt(np.maximum(up, 0)), scale * np.sqrt(np.maximum(side, 0))


def _aligned(
    azimuth: np.ndarray, doubt: np.ndarray, shapes: np.ndarray, building: np.ndarray
) -> np.ndarray:
    """Azimuths drawn towards the walls' directions, by as much as the fit is in doubt.

    Roofs follow their walls to about a degree; a fit that differs by more than both doubts allow
    is left as it is.
    """
    walls = wall_directions(shapes)[building]
    off = (azimuth - walls + 45.0) % 90.0 - 45.0
    spread = np.sqrt(doubt**2 + ALIGNED_DEG**2)
    held = np.minimum(doubt, 90.0)
    weight = np.where(np.abs(off) < 2.5 * spread, held**2 / (held**2 + ALIGNED_DEG**2), 0.0)
    return (azimuth - weight * off) % 360


def _confidence(fit: np.ndarray, tilt_doubt: np.ndarray, cell: float) -> np.ndarray:
    """From 0 to 1: how much of the plane the fit explains, and how firmly it holds it."""
    size = np.minimum(1.0, fit[:, 4] * cell**2 / 10.0)
    return fit[:, 5] * np.sqrt(size) * np.clip(1.0 - tilt_doubt / 10.0, 0.0, 1.0)
