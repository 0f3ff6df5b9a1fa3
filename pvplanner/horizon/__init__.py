"""Horizons: what stands in the sun of roof planes, from next door to the hills.

Near: the surface model, or neighbours' known heights where there is none. Far: coarse terrain with
the curvature of the Earth. Beside them, horizon files. The highest of all counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.horizon.blocks import ragged, spread, stand_on
from pvplanner.horizon.files import read_horizon
from pvplanner.horizon.hull import Lines
from pvplanner.horizon.march import UNKNOWN, far, march, without_spikes
from pvplanner.horizon.view import sky_shares

if TYPE_CHECKING:
    from pvplanner.terrain import Patch, Raster

__all__ = ["Horizons", "horizon_angles", "horizon_tiles", "read_horizon", "sky_shares"]

REACH_M = 200.0
FAR_M = 50_000.0
DEM_START_M = 100.0
"""Coarse terrain counts from here on, or from two of its cells."""

TILE_M = 1000.0
FINE = 12
CLEAR_M = 0.25
"""What rises less above a plane belongs to it."""

SPIKE_M = 0.3
"""A single cell that stands higher above its neighbours is noise."""

DATUM_M = 3.0
"""A plane further than this from the surface model is set on it."""

CELL_M = 0.5
"""Of the surface made of neighbours' heights."""

ROOF_M = 5.0
"""Height above the terrain of a plane of which no more is known: assumption."""


@dataclass(frozen=True)
class Horizons:
    """Horizons of planes, several points each.

    ``numpy.asarray`` gives the mean over each plane's points, shape (planes, directions).

    Attributes
    ----------
    angles : float32 array, shape (planes, points, directions)
        Elevation, degrees, at directions evenly spaced clockwise from true north.
    sky_view : ndarray, shape (planes,)
        Share of the plane's own sky that is left, mean of its points.
    """

    angles: np.ndarray
    sky_view: np.ndarray

    def __len__(self) -> int:
        return len(self.angles)

    @property
    def shape(self) -> tuple[int, int]:
        """Planes and directions, as of the mean."""
        return self.angles.shape[0], self.angles.shape[2]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Rows of the mean."""
        return np.asarray(self)[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Mean of each plane's points."""
        return self.angles.mean(axis=1).astype(dtype or np.float32)


def horizon_angles(
    planes: gpd.GeoDataFrame,
    *,
    dsm: str | os.PathLike[str] | None = None,
    dtm: str | os.PathLike[str] | None = None,
    dem: str | os.PathLike[str] | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    horizon: str | os.PathLike[str] | None = None,
    directions: int = 36,
    points: int = 8,
    reach_m: float = REACH_M,
    progress: Callable[[int], None] | None = None,
) -> Horizons:
    """Horizon angles of roof planes.

    Parameters
    ----------
    planes : GeoDataFrame
        The ``planes`` table: outline, ``surface_tilt``, ``grid_azimuth``, ``surface_azimuth``,
        ``elevation_m``.
    dsm : path-like, optional
        Surface model; where there is none, planes and buildings of known height stand in.
    dtm : path-like, optional
        Bare ground: puts roofs of known height on it.
    dem : path-like, optional
        Coarse terrain, looked at as far as it reaches up to 50 km.
    buildings : GeoDataFrame, optional
        ``building_id`` and ``height_m``: those without planes shade as well.
    horizon : path-like, optional
        A horizon file (:func:`read_horizon`) that holds for all.
    directions, points : int
        Even directions clockwise from true north; points per plane.
    reach_m : float
        How far the near surface is looked at, metres.
    progress : callable, optional
        Called with the number of planes done.

    Returns
    -------
    Horizons

    Raises
    ------
    InputError
        If a file is missing, unreadable, has no CRS or an unknown unit.

    Notes
    -----
    A plane's own slope is part of its horizon. Far terrain sinks by ``(1 - 0.13) d^2 / 2 R``.
    """
    count = len(planes)
    tangent = np.zeros((count, points, directions), dtype=np.float32)
    if count:
        scene = _Scene(planes, points)
        with ExitStack() as stack:
            near = _opened(stack, dsm, planes.crs)
            bare = _opened(stack, dtm, planes.crs)
            if near is not None:
                _over_surface(scene, near, bare, reach_m, tangent, progress)
            else:
                _over_neighbours(scene, bare, buildings, reach_m, tangent, progress)
        if dem is not None:
            _over_terrain(scene, dem, tangent)
    angles = np.degrees(np.arctan(tangent))
    if horizon is not None:
        angles = np.maximum(angles, read_horizon(horizon, directions).astype(np.float32))
    return Horizons(angles, _sky_view(angles, planes))


def _sky_view(angles: np.ndarray, planes: gpd.GeoDataFrame) -> np.ndarray:
    count, points, directions = angles.shape
    tilt, azimuth = (
        np.radians(np.repeat(planes[name].to_numpy(dtype=float), points))
        for name in ("surface_tilt", "surface_azimuth")
    )
    seen = sky_shares(np.radians(angles.reshape(-1, directions)), tilt, azimuth)
    return seen.reshape(count, points).mean(axis=1)


class _Scene:
    """The points of planes, and their planes as equations of height."""

    def __init__(self, planes: gpd.GeoDataFrame, points: int) -> None:
        self.planes = planes
        true = planes["surface_azimuth"].to_numpy(dtype=float)
        told = planes["grid_azimuth"] if "grid_azimuth" in planes else planes["surface_azimuth"]
        grid = np.nan_to_num(told.to_numpy(dtype=float), nan=180.0)
        off = (true - told.to_numpy(dtype=float) + 180) % 360 - 180
        self.turn = -float(np.nanmedian(off)) if np.isfinite(off).any() else 0.0
        fall = np.tan(np.radians(planes["surface_tilt"].to_numpy(dtype=float)))
        self.slopes = np.column_stack(
            [-fall * np.sin(np.radians(grid)), -fall * np.cos(np.radians(grid))]
        )
        shapes = np.asarray(planes.geometry)
        if "usable" in planes:
            # What stands on a roof shades its modules; nothing is laid on the thing itself.
            free = np.asarray(planes["usable"], dtype=object)
            bare = shapely.is_missing(free) | shapely.is_empty(free)
            shapes = np.where(bare, shapes, free)
        self.xy = _points(shapes, grid, points)
        self.middle = shapely.get_coordinates(shapely.centroid(np.asarray(planes.geometry)))
        self.z = np.full(len(planes), np.nan)
        if "elevation_m" in planes:
            self.z = planes["elevation_m"].to_numpy(dtype=float).copy()
        rough = planes["fit_rmse_m"].to_numpy(dtype=float) if "fit_rmse_m" in planes else 0.0
        self.clear = np.clip(np.maximum(CLEAR_M, 2 * np.nan_to_num(rough)), 0, 1) + 0 * fall
        source = planes["source"] if "source" in planes else pd.Series("dsm", planes.index)
        self.guessed = source.eq("typology").to_numpy()
        self.above = np.full(len(planes), ROOF_M)

    def heights(self, rows: np.ndarray) -> np.ndarray:
        """Heights of the planes at their points, shape (rows, points)."""
        off = self.xy[rows] - self.middle[rows][:, None, :]
        return self.z[rows][:, None] + (off * self.slopes[rows][:, None, :]).sum(axis=2)

    def tiles(self) -> Iterator[np.ndarray]:
        """Rows of planes that lie together."""
        cell = np.floor(self.middle / TILE_M).astype(np.int64)
        order = np.lexsort((cell[:, 0], cell[:, 1]))
        cuts = np.flatnonzero((np.diff(cell[order], axis=0) != 0).any(axis=1)) + 1
        yield from np.split(order, cuts)

    def bounds(self, rows: np.ndarray, margin: float) -> tuple[float, float, float, float]:
        xy = self.xy[rows].reshape(-1, 2)
        (west, south), (east, north) = xy.min(axis=0) - margin, xy.max(axis=0) + margin
        return west, south, east, north


def _points(shapes: np.ndarray, azimuth: np.ndarray, each: int) -> np.ndarray:
    """Points over planes, evenly along the eaves and up the slope, or one; (planes, each, 2)."""
    angle = np.radians(azimuth)
    along = np.column_stack([-np.cos(angle), np.sin(angle)])
    up = np.column_stack([-np.sin(angle), -np.cos(angle)])
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes))
    points, ring_at, shape_at = ragged(shapes)
    owner = np.repeat(np.arange(len(shapes)), np.diff(ring_at[shape_at]))
    off = points - inner[owner]
    turned = np.column_stack([(off * along[owner]).sum(axis=1), (off * up[owner]).sum(axis=1)])
    first = ring_at[shape_at[:-1]]
    bounds = np.hstack([np.minimum.reduceat(turned, first), np.maximum.reduceat(turned, first)])
    out = np.zeros((len(shapes), each, 2))
    if each > 1:
        spread(turned, ring_at, shape_at, bounds, FINE, out)
    u, v = out[..., 0, None], out[..., 1, None]
    return inner[:, None, :] + u * along[:, None, :] + v * up[:, None, :]


def _opened(stack: ExitStack, path: str | os.PathLike[str] | None, crs: Any) -> Raster | None:
    if path is None:
        return None
    # Rasters are opened by rasterio, which a plan without them need not load.
    from pvplanner.terrain import open_raster

    return stack.enter_context(open_raster(path, crs))


def _over_surface(
    scene: _Scene,
    near: Raster,
    bare: Raster | None,
    reach: float,
    tangent: np.ndarray,
    progress: Callable[[int], None] | None,
) -> None:
    for rows in scene.tiles():
        margin = reach + 2 * near.cell
        patch = near.read(scene.bounds(rows, margin))
        _settle(scene, rows, patch, bare)
        surface = without_spikes(_filled(patch.heights), SPIKE_M)
        _march(scene, rows, surface, patch, reach, tangent)
        if progress is not None:
            progress(len(rows))


def _settle(scene: _Scene, rows: np.ndarray, patch: Patch, bare: Raster | None) -> None:
    """Set planes of unknown height, or of another datum, on the surface; note what is below."""
    xy = scene.xy[rows]
    seen = patch.at(xy[..., 0], xy[..., 1])
    known = np.isfinite(scene.z[rows])
    scene.z[rows] = np.where(known, scene.z[rows], 0.0)
    off = seen - scene.heights(rows)
    lies = np.isfinite(off).any(axis=1)
    middle = np.zeros(len(rows))
    middle[lies] = np.nanmedian(off[lies], axis=1)
    wrong = ~known | (np.abs(middle) > DATUM_M)
    scene.z[rows] += np.where(wrong & lies, middle, 0.0)
    ground = _ground(scene, rows, bare)
    if bare is None:
        ground = _lowest(patch, scene.middle[rows])
    above = scene.z[rows] - ground
    scene.above[rows] = np.where(np.isfinite(above), np.maximum(above, 0.0), ROOF_M)


def _lowest(patch: Patch, middle: np.ndarray, around: float = 15.0) -> np.ndarray:
    """Lowest height within a square around points."""
    half = int(around / patch.cell)
    j = ((middle[:, 0] - patch.west) / patch.cell).astype(np.int64)
    i = ((patch.north - middle[:, 1]) / patch.cell).astype(np.int64)
    out = np.full(len(middle), np.nan)
    for n in range(len(middle)):
        part = patch.heights[max(i[n] - half, 0) : i[n] + half, max(j[n] - half, 0) : j[n] + half]
        if np.isfinite(part).any():
            out[n] = np.nanmin(part)
    return out


def _ground(scene: _Scene, rows: np.ndarray, bare: Raster | None) -> np.ndarray:
    if bare is None:
        return np.zeros(len(rows))
    patch = bare.read(scene.bounds(rows, 2 * bare.cell))
    return patch.at(scene.middle[rows, 0], scene.middle[rows, 1])


def _filled(heights: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(heights), heights, UNKNOWN).astype(np.float32)


def _march(
    scene: _Scene, rows: np.ndarray, heights: np.ndarray, patch: Patch, reach: float,
    tangent: np.ndarray,
) -> None:  # fmt: skip
    each = tangent.shape[1]
    xy = scene.xy[rows].reshape(-1, 2)
    z = scene.heights(rows).ravel()
    known = np.isfinite(z)
    place = np.column_stack(
        [(xy[:, 0] - patch.west) / patch.cell, (patch.north - xy[:, 1]) / patch.cell, z]
    )
    found = tangent[rows].reshape(len(xy), -1)
    part = found[known]
    march(
        heights, float(heights.max()), patch.cell, place[known],
        np.repeat(scene.slopes[rows], each, axis=0)[known],
        np.repeat(scene.clear[rows], each)[known], reach, scene.turn, part,
    )  # fmt: skip
    found[known] = part
    tangent[rows] = found.reshape(tangent[rows].shape)


def _over_neighbours(
    scene: _Scene,
    bare: Raster | None,
    buildings: gpd.GeoDataFrame | None,
    reach: float,
    tangent: np.ndarray,
    progress: Callable[[int], None] | None,
) -> None:
    """Near horizons from roofs of known height, set on the bare ground where that is known."""
    from pvplanner.terrain import Patch

    mixed = not scene.guessed.all() and bare is None
    for rows in scene.tiles():
        ground = _ground(scene, rows, bare)
        stands = scene.guessed[rows]
        if mixed:
            # Heights above the ground and above a datum are not to be compared.
            scene.z[rows[stands]] = np.nan
        scene.above[rows[stands]] = np.nan_to_num(scene.z[rows[stands]], nan=ROOF_M)
        scene.z[rows[stands]] += ground[stands]
        if bare is not None:
            above = scene.z[rows] - ground
            scene.above[rows] = np.where(np.isfinite(above), np.maximum(above, 0.0), ROOF_M)
    shapes, equations = _standing(scene, bare, None if mixed else buildings)
    tree = shapely.STRtree(shapes)
    for rows in scene.tiles():
        west, south, east, north = scene.bounds(rows, reach + 2 * CELL_M)
        wide, high = int((east - west) / CELL_M) + 2, int((north - south) / CELL_M) + 2
        heights = np.full((high, wide), UNKNOWN, dtype=np.float32)
        near = np.sort(tree.query(shapely.box(west, south, east, north)))
        if len(near):
            points, ring_at, shape_at = ragged(shapes[near])
            bounds = shapely.bounds(shapes[near])
            stand_on(
                heights, west, north, CELL_M, points, ring_at, shape_at, bounds, equations[near]
            )
        _march(scene, rows, heights, Patch(heights, west, north, CELL_M), reach, tangent)
        if progress is not None:
            progress(len(rows))


def _standing(
    scene: _Scene, bare: Raster | None, buildings: gpd.GeoDataFrame | None
) -> tuple[np.ndarray, np.ndarray]:
    """Outlines of known height, and ``z = p0 + p1 x + p2 y`` over each."""
    known = np.isfinite(scene.z)
    shapes = np.asarray(scene.planes.geometry)[known]
    slopes, middle = scene.slopes[known], scene.middle[known]
    level = scene.z[known] - (slopes * middle).sum(axis=1)
    equations = np.column_stack([level, slopes])
    if buildings is None or "height_m" not in buildings:
        return shapes, equations
    height = pd.to_numeric(buildings["height_m"], errors="coerce").to_numpy(dtype=float)
    other = ~buildings["building_id"].isin(scene.planes["building_id"]).to_numpy()
    other &= np.isfinite(height)
    outlines = np.asarray(buildings.geometry)[other]
    tops = height[other]
    if bare is not None and len(outlines):
        at = shapely.get_coordinates(shapely.centroid(outlines))
        west, south, east, north = shapely.total_bounds(outlines)
        tops = tops + bare.read((west, south, east, north)).at(at[:, 0], at[:, 1])
    fit = np.isfinite(tops)
    flat = np.column_stack([tops[fit], np.zeros((fit.sum(), 2))])
    return np.concatenate([shapes, outlines[fit]]), np.concatenate([equations, flat])


def _over_terrain(scene: _Scene, dem: str | os.PathLike[str], tangent: np.ndarray) -> None:
    from pvplanner.terrain import open_raster

    rows = np.arange(len(scene.middle))
    with open_raster(dem, scene.planes.crs, finest=20.0) as raster:
        west, south, east, north = scene.bounds(rows, FAR_M)
        low, high = np.array(raster.bounds[:2]), np.array(raster.bounds[2:])
        west, south = np.maximum([west, south], low)
        east, north = np.minimum([east, north], high)
        if not (east > west and north > south):
            return
        patch = raster.read((west, south, east, north))
    place = np.column_stack(
        [
            (scene.middle[:, 0] - patch.west) / patch.cell,
            (patch.north - scene.middle[:, 1]) / patch.cell,
            scene.above,
        ]
    )
    held = (place[:, 0] >= 0) & (place[:, 1] >= 0)
    held &= (place[:, 0] < patch.heights.shape[1]) & (place[:, 1] < patch.heights.shape[0])
    found = np.zeros((len(place), tangent.shape[2]), dtype=np.float32)
    part = found[held]
    start = max(DEM_START_M, 2 * patch.cell)
    far(_filled(patch.heights), patch.cell, place[held], start, FAR_M, scene.turn, part)
    found[held] = part
    np.maximum(tangent, found[:, None, :], out=tangent)


def horizon_tiles(
    dsm: str | os.PathLike[str],
    crs: Any,
    *,
    bounds: tuple[float, float, float, float] | None = None,
    directions: int = 36,
    reach_m: float = REACH_M,
    tile: int = 1024,
) -> Iterator[tuple[Patch, np.ndarray]]:
    """Horizons of every cell of a surface model, tile by tile.

    Parameters
    ----------
    dsm : path-like
    crs : CRS
        Metric; tiles and directions are of its grid.
    bounds : tuple, optional
        West, south, east, north; the whole raster if not given.
    directions : int
        Even, clockwise from the grid's north.
    reach_m : float
        Every cell sees at least this far, metres; what lies further within its tile counts too.
    tile : int
        Cells a side.

    Yields
    ------
    Patch, float32 array of shape (directions, rows, columns)
        The tile's heights, and elevation of the horizon in degrees; ``nan`` where no height is
        known.
    """
    from pvplanner.terrain import open_raster

    with open_raster(dsm, crs) as raster:
        west, south, east, north = bounds or raster.bounds
        step, margin = tile * raster.cell, np.ceil(reach_m / raster.cell) * raster.cell
        for top in np.arange(north, south, -step):
            for left in np.arange(west, east, step):
                inner = raster.read((left, max(top - step, south), min(left + step, east), top))
                if np.isfinite(inner.heights).any():
                    yield inner, _all_around(raster, inner, margin, directions)


def _all_around(raster: Raster, inner: Patch, margin: float, directions: int) -> np.ndarray:
    """Horizons of a tile; in each quarter of directions only what lies ahead is read."""
    rows, cols = inner.heights.shape
    out = np.empty((directions, rows, cols), dtype=np.float32)
    azimuth = 360.0 * np.arange(directions) / directions
    for quarter in range(4):
        mine = np.flatnonzero(np.floor(azimuth / 90.0) == quarter)
        if len(mine) == 0:
            continue
        east, north = quarter < 2, quarter in (0, 3)
        wide = raster.read(
            (
                max(inner.west - (0 if east else margin), raster.bounds[0]),
                max(inner.north - rows * inner.cell - (0 if north else margin), raster.bounds[1]),
                min(inner.west + cols * inner.cell + (margin if east else 0), raster.bounds[2]),
                min(inner.north + (margin if north else 0), raster.bounds[3]),
            )
        )
        known = np.isfinite(wide.heights)
        lines = Lines(np.where(known, wide.heights, wide.heights[known].min()), wide.cell)
        i = round((wide.north - inner.north) / inner.cell)
        j = round((inner.west - wide.west) / inner.cell)
        same = wide.heights.shape == inner.heights.shape
        whole = out[0] if same else np.empty(wide.heights.shape, dtype=np.float32)
        for d in mine:
            lines.angles(azimuth[d], out[d] if same else whole)
            if not same:
                out[d] = whole[i : i + rows, j : j + cols]
    lacking = ~np.isfinite(inner.heights)
    if lacking.any():
        out[:, lacking] = np.nan
    return out
