"""Roof planes of buildings from a surface model: seen house by house, each with a word of its own.

Whatever happens in one roof, the others are seen, and it says what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import ndimage

from pvplanner.roofs import regions, standing, surface
from pvplanner.roofs.describing import free_nats, plane_cost, plane_heights
from pvplanner.roofs.drawing import OBSTACLE_M, Seen, centre_of, draw
from pvplanner.roofs.fits import planes_table
from pvplanner.roofs.joining import join_described
from pvplanner.roofs.noise import SMALLEST_M2, STEEPEST, Noise, measure_noise
from pvplanner.roofs.offsets import FURTHEST_M, Offset, village_offset
from pvplanner.roofs.polygons import areas_of
from pvplanner.roofs.templates import fit_templates, narrow_side
from pvplanner.roofs.windows import (
    Outlines,
    Window,
    ground_beside,
    ground_under,
    look,
    outlines_of,
)
from pvplanner.terrain import Raster

LEAST_ROOF_M = 1.5
"""A plane lower than this above the ground is a yard, not a roof."""

COVERED = 0.2
"""Share of a footprint's cells that must have a height for any of it to be seen."""

GAP_M2, GAP_DEEP_M = 4.0, 0.9
"""A gap in the heights of this size, and with cells so far from any height, is not seen."""

REST_M2, REST_M = 6.0, 0.6
"""What of an outline is not seen counts from this size on, slivers of half that width left out."""

FREE_M = 1.1
"""In larger cells no free plane is believed."""

ACROSS_CELLS = ((1.0, 2.5), (1.2, 5.2), (1.5, 6.2))
"""How many cells of a size (m) a roof needs across its narrowest wing: the outer ones hold a part
of the wall. Measured on made roofs seen in means over cells."""

EXPLAINED, WALL = 0.25, float(np.tan(np.radians(66.0)))
"""Least share of its cells within three sigma of a plane, and rise over run of walls."""

OBSTACLE_M2 = 5.0
FAILURES = (
    ArithmeticError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    shapely.errors.GEOSException,
)


@dataclass
class Sight:
    """What a surface model shows of one building.

    Attributes
    ----------
    reason : str
        Why nothing is seen, or empty.
    planes : list of Seen
    rest : geometry or None
        What of the moved outline is not seen.
    offset : tuple of float
        By how much the outline was moved, east and north, m.
    """

    reason: str = ""
    planes: list[Seen] = field(default_factory=list)
    rest: Any = None
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Sensor:
    """A surface model as it is used: its rasters, its noise, and where the village lies in it."""

    raster: Raster
    terrain: Raster | None
    noise: Noise
    offset: Offset


def see_planes(
    buildings: gpd.GeoDataFrame,
    raster: Raster,
    terrain: Raster | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, Sensor]:
    """Planes that a surface model shows of buildings.

    Parameters
    ----------
    buildings : GeoDataFrame
        In the CRS in which the rasters were opened.
    raster, terrain : Raster
        Surface, and bare ground where it is known.
    progress : callable, optional
        Called with the number of buildings done.

    Returns
    -------
    planes : GeoDataFrame
        A row per plane: ``row`` (of the building), ``surface_tilt``, ``grid_azimuth`` (``nan`` if
        level), ``fit_rmse_m``, ``confidence``, ``parapet_m``, ``elevation_m`` (of the plane at its
        outline's centroid), ``obstacles`` (geometry) and the outline seen from above.
    told : DataFrame
        On the buildings' index: ``reason`` (empty if planes were found), ``offset_east_m``,
        ``offset_north_m`` and ``rest`` (geometry: what of the outline is not seen, or ``None``).
    sensor : Sensor
        Noise and common offset as they were measured.
    """
    shapes = np.asarray(buildings.geometry)
    outlines = outlines_of(shapes)
    rings = [outlines.of(k) for k in range(len(shapes))]
    offset = village_offset(raster, rings, shapely.area(shapes))
    noise = measure_noise(raster, outlines, shapes, offset.used)
    sensor = Sensor(raster, terrain, noise, offset)
    sights = _sights(shapes, outlines, sensor, progress)
    told = pd.DataFrame(
        {
            "reason": np.array([sight.reason for sight in sights], dtype=object),
            "offset_east_m": np.array([sight.offset[0] for sight in sights], dtype=float),
            "offset_north_m": np.array([sight.offset[1] for sight in sights], dtype=float),
            "rest": np.array([*(sight.rest for sight in sights), None], dtype=object)[:-1],
        },
        index=buildings.index,
    )
    owner = np.repeat(np.arange(len(shapes)), [len(sight.planes) for sight in sights])
    seen = [plane for sight in sights for plane in sight.planes]
    table = planes_table(seen, owner, noise, shapes, raster.cell, buildings.crs)
    return table, told, sensor


def _sights(
    shapes: np.ndarray, outlines: Outlines, sensor: Sensor, progress: Callable[[int], None] | None
) -> list[Sight]:
    if sensor.offset.size > FURTHEST_M:
        # Roofs read beside their houses would be other houses' roofs.
        return [Sight("shifted")] * len(shapes)
    sights = [Sight()] * len(shapes)
    for number in _by_place(shapes, sensor.raster.cell):
        sights[number] = _seen(shapes[number], number, outlines, sensor)
        if progress is not None:
            progress(1)
    return sights


def _by_place(shapes: np.ndarray, cell: float) -> Iterator[int]:
    """Buildings in the order of the raster's blocks, so that each block is decoded once."""
    middle = np.nan_to_num(shapely.bounds(shapes)[:, :2])
    block = 256 * cell
    order = np.lexsort((middle[:, 0], np.floor(-middle[:, 1] / block)))
    return iter(order.tolist())


def _seen(shape: Any, number: int, outlines: Outlines, sensor: Sensor) -> Sight:
    """A building's planes; one that can't be worked out is said, and stops nobody."""
    try:
        window = look(sensor.raster, *outlines.of(number), sensor.offset.used)
        if window is None:
            return Sight("outside")
        sight = _see(window, shape, sensor)
    except FAILURES:
        return Sight("failed")
    sight.offset = window.offset
    return sight


def _see(window: Window, shape: Any, sensor: Sensor) -> Sight:
    noise, cell = sensor.noise, window.patch.cell
    count, known = window.inside.sum(), window.known
    if count < 4:
        return Sight("too_small")
    if known.sum() < max(COVERED * count, 4):
        return Sight("gap")
    moved = shapely.affinity.translate(shape, *window.offset)
    if window.patch.coarse and narrow_side(moved) < _least_width(cell):
        return Sight("narrow")
    labels, planes, drawn = _roof(window, moved, noise)
    low = _low(window, labels, planes, sensor)
    if low[1:].any():
        labels[low[labels]] = 0
    if not (labels > 0).any():
        return Sight("low" if low[1:].any() else "unseen")
    if drawn is None:
        labels, planes = _without_small(window, labels, planes, noise)
    hidden = _drop_unknown(labels, window.inside, known, cell)
    if hidden.any():
        planes = _explained(window, labels, planes, noise)
    kept = drawn if not (hidden.any() or low.any()) else None
    seen = draw(window, labels, planes, noise, moved, kept, hidden)
    seen = [plane for plane in seen if _is_roof(plane)]
    if not seen:
        return Sight("unseen")
    return Sight("", seen, _rest(moved, seen))


def _low(window: Window, labels: np.ndarray, planes: np.ndarray, sensor: Sensor) -> np.ndarray:
    """Which planes are no roofs: near the ground, as far around as that takes to tell."""
    level = np.full(window.heights.shape, ground_beside(window))
    near = surface.low_planes(window.heights, labels, planes, level, LEAST_ROOF_M)
    if np.isfinite(level[0, 0]) and not near.any() and sensor.terrain is None:
        return near
    ground = ground_under(window, sensor.raster, sensor.terrain)
    return surface.low_planes(window.heights, labels, planes, ground, LEAST_ROOF_M)


def _explained(window: Window, labels: np.ndarray, planes: np.ndarray, noise: Noise) -> np.ndarray:
    """Planes with the share of their known cells that they explain: gaps are no misfit."""
    off = window.heights - plane_heights(labels, planes, window.patch.cell)
    held = labels[window.known]
    close = np.abs(off)[window.known] <= 3.0 * noise.sigma
    count = np.bincount(held, minlength=len(planes))
    out = planes.copy()
    out[:, 5] = np.bincount(held, close, minlength=len(planes)) / np.maximum(count, 1)
    return out


def _is_roof(plane: Seen) -> bool:
    """Whether a plane explains its heights, as crowns of trees do not, and is no wall."""
    return bool(plane.fit[5] >= EXPLAINED and np.hypot(plane.fit[0], plane.fit[1]) <= WALL)


def _least_width(cell: float) -> float:
    """Width of a roof's narrowest wing that cells of a size can show, m."""
    sizes, counts = np.array(ACROSS_CELLS).T
    return float(np.interp(cell, sizes, counts) * cell)


def _roof(
    window: Window, moved: Any, noise: Noise
) -> tuple[np.ndarray, np.ndarray, list[Any] | None]:
    """Labels and planes, and their outlines where the roof is one of simple shapes."""
    labels, planes = _free(window, noise)
    cell = window.patch.cell
    if not (noise.grainy or window.patch.coarse) and len(planes) > 1:
        return labels, planes, None
    east, north = centre_of(window)
    ok = _unblurred(window, noise)
    outline = shapely.affinity.translate(moved, -east, -north)
    whole = fit_templates(window.heights, window.known, outline, cell, noise)
    if whole is None:
        return labels, planes, None
    if cell > FREE_M:
        return whole.labels, whole.planes, whole.outlines
    labels, planes = join_described(window.heights, labels, planes, ok, cell, noise)
    mine = whole.nats + plane_cost(window.heights, whole.labels, whole.planes, ok, cell, noise)
    theirs = free_nats(labels, ok, noise)
    theirs += plane_cost(window.heights, labels, planes, ok, cell, noise)
    if mine < theirs:
        return whole.labels, whole.planes, whole.outlines
    return labels, planes, None


def _unblurred(window: Window, noise: Noise) -> np.ndarray:
    """Cells far enough from the outline to hold nothing of the walls, as far as that leaves any."""
    least = 1 if window.patch.coarse else 0
    for margin in range(max(noise.blur, least), 0, -1):
        inner = window.known & ndimage.binary_erosion(window.inside, iterations=margin)
        if inner.sum() >= max(16, 0.2 * window.known.sum()):
            return inner
    return window.known


def _free(window: Window, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
    """Labels and planes, with less caution at the edges where caution leaves nothing."""
    args = (window.heights, window.inside, window.patch.cell, noise.sigma)
    for blur in range(noise.blur, -1, -1):
        local = noise.local if blur == noise.blur else max(noise.local, 0.8 * noise.sigma)
        labels, planes = surface.find_planes(*args, local, blur, noise.grain, SMALLEST_M2, STEEPEST)
        if len(planes) > 1:
            return labels, planes
    return surface.one_plane(*args)


def _without_small(
    window: Window, labels: np.ndarray, planes: np.ndarray, noise: Noise
) -> tuple[np.ndarray, np.ndarray]:
    """Small planes that stand on larger ones are obstacles."""
    cell = window.patch.cell
    count = standing.absorb_small(
        window.heights, labels, planes, cell, OBSTACLE_M2, max(OBSTACLE_M, 4.0 * noise.sigma)
    )
    if count < len(planes):
        planes = regions.robust_planes(
            window.heights, window.known, labels, count, cell, noise.sigma, noise.blur
        )
    return labels, planes


def _drop_unknown(
    labels: np.ndarray, inside: np.ndarray, known: np.ndarray, cell: float
) -> np.ndarray:
    """Take labels from cells far from any height, in place; returns these cells.

    A gap within one plane is that plane's; at its edge or between planes nobody knows whose it is.
    """
    out = np.zeros(labels.shape, dtype=bool)
    if not (inside & ~known).any():
        return out
    gaps, count = ndimage.label(inside & ~known)
    deep = ndimage.distance_transform_edt(~known) * cell
    around = ndimage.grey_dilation(gaps, size=3)
    for gap in range(1, count + 1):
        mine = gaps == gap
        if mine.sum() * cell**2 < GAP_M2 or deep[mine].max() <= GAP_DEEP_M:
            continue
        names = np.unique(labels[(around == gap) & ~mine])
        alone = len(names) == 1 and names[0] > 0
        if not (alone and mine.sum() < 0.5 * ((labels == names[0]) & known).sum()):
            out |= mine
    labels[out] = 0
    return out


def _rest(moved: Any, seen: list[Seen]) -> Any:
    """What of an outline no plane covers, slivers left out."""
    if moved.area - sum(plane.outline.area for plane in seen) < REST_M2:
        return None
    left = shapely.difference(moved, shapely.union_all([plane.outline for plane in seen]))
    core = left.buffer(-REST_M, join_style="mitre").buffer(REST_M, join_style="mitre")
    rest = areas_of(core.intersection(moved), REST_M2)
    return None if rest.is_empty else rest
