"""Horizons: what stands in the sun of roof planes, from next door to the hills.

Near: the surface model, or neighbours' known heights where there is none. Far: coarse terrain with
the curvature of the Earth. Beside them, horizon files. The highest of all counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.horizon.blocks import ragged, stand_on
from pvplanner.horizon.files import read_horizon
from pvplanner.horizon.march import UNKNOWN, far, march, without_spikes
from pvplanner.horizon.raster import REACH_M, horizon_tiles
from pvplanner.horizon.scene import CLEAR_M, CORNERS, ROOF_M, Scene
from pvplanner.horizon.view import sky_shares

if TYPE_CHECKING:
    from pvplanner.terrain import Patch, Raster

__all__ = ["Horizons", "horizon_angles", "horizon_tiles", "read_horizon", "sky_shares"]

FAR_M = 50_000.0
DEM_START_M = 100.0
"""Coarse terrain counts from here on, or from two of its cells."""

SPIKE_M = 0.3
"""A single cell that stands higher above its neighbours is noise."""

DATUM_M = 3.0
"""A plane further than this from the surface model is set on it."""

CELL_M = 0.5
"""Of the surface made of neighbours' heights."""


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

    @staticmethod
    def to_table(horizons: Horizons | None, plane_id: pd.Series) -> pd.DataFrame:
        """Horizons as one table, a row per plane and point; no row where nothing is known."""
        if horizons is None:
            return pd.DataFrame({"plane_id": pd.Series(dtype="str")})
        planes, points, directions = horizons.angles.shape
        flat = horizons.angles.reshape(planes * points, directions)
        columns = {
            "plane_id": np.repeat(plane_id.to_numpy(), points),
            "point": np.tile(np.arange(points), planes),
            "sky_view": np.repeat(horizons.sky_view, points),
        }
        columns |= {f"direction_{n}": flat[:, n] for n in range(directions)}
        return pd.DataFrame(columns)

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Horizons | None:
        """Inverse of :meth:`to_table`."""
        names = [name for name in table.columns if name.startswith("direction_")]
        if not names:
            return None
        points = int(table["point"].max()) + 1 if len(table) else 1
        angles = table[names].to_numpy(dtype=np.float32).reshape(-1, points, len(names))
        return cls(angles, table["sky_view"].to_numpy(dtype=float)[::points])

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
    third_m: tuple[float, float] | None = None,
    reach_m: float = REACH_M,
    height_unit: str = "auto",
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
    third_m : tuple of float, optional
        Size of a third of a module along the eaves and up the slope, metres, where what shades any
        part of it shades the whole, as strings have it; points otherwise.
    reach_m : float
        How far the near surface is looked at, metres.
    height_unit : str
        Of ``dsm`` and ``dtm``, see :func:`pvplanner.terrain.open_raster`.
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
    each = 1 if third_m is None else len(CORNERS)
    tangent = np.zeros((count, points * each, directions), dtype=np.float32)
    if count:
        scene = Scene(planes, points, third_m)
        with ExitStack() as stack:
            near = _opened(stack, dsm, planes.crs, height_unit)
            bare = _opened(stack, dtm, planes.crs, height_unit)
            if near is not None:
                bare = _fitting(near, bare, planes)
                _over_surface(scene, near, bare, reach_m, tangent, progress)
            else:
                _over_neighbours(scene, bare, buildings, reach_m, tangent, progress)
        if dem is not None:
            _over_terrain(scene, dem, tangent)
    tangent = tangent.reshape(count, points, each, directions).max(axis=2)
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


def _fitting(near: Raster, bare: Raster | None, planes: gpd.GeoDataFrame) -> Raster | None:
    if bare is None:
        return None
    from pvplanner.terrain import fitting_terrain

    return fitting_terrain(near, bare, np.asarray(planes.geometry))[0]


def _opened(
    stack: ExitStack, path: str | os.PathLike[str] | None, crs: Any, unit: str
) -> Raster | None:
    if path is None:
        return None
    # Rasters are opened by rasterio, which a plan without them need not load.
    from pvplanner.terrain import open_raster

    return stack.enter_context(open_raster(path, crs, unit=unit))


def _over_surface(
    scene: Scene,
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


def _settle(scene: Scene, rows: np.ndarray, patch: Patch, bare: Raster | None) -> None:
    """Set planes of unknown height, or of another datum, on the surface; note what is below.

    Planes that the surface does not cover stand on the ground beside its edge, at their own height
    above it: heights above ground and above a datum are not to be compared.
    """
    xy = scene.xy[rows]
    seen = patch.at(xy[..., 0], xy[..., 1])
    known = np.isfinite(scene.z[rows])
    own = scene.z[rows].copy()
    scene.z[rows] = np.where(known, scene.z[rows], 0.0)
    off = seen - scene.heights(rows)
    lies = np.isfinite(off).any(axis=1)
    middle = np.zeros(len(rows))
    middle[lies] = np.nanmedian(off[lies], axis=1)
    wrong = ~known | (np.abs(middle) > DATUM_M)
    scene.z[rows] += np.where(wrong & lies, middle, 0.0)
    # A guessed plane, or one in large cells, lies across its own roof: what of that stands above
    # it, there and as far again, shades nothing.
    loose = lies & (scene.guessed[rows] | patch.coarse)
    if loose.any():
        reach = np.nanmax(off[loose], axis=1) - np.nanmin(off[loose], axis=1)
        scene.clear[rows[loose]] = np.maximum(scene.clear[rows[loose]], CLEAR_M + 2.0 * reach)
    ground = _ground(scene, rows, bare)
    lowest = _lowest(patch, scene.middle[rows])
    if bare is None:
        ground = lowest
    apart = ~lies & scene.guessed[rows]
    if apart.any():
        near = np.where(np.isfinite(ground), ground, _nearest_ground(patch, scene.middle[rows]))
        above = np.where(np.isfinite(own), own, ROOF_M)
        scene.z[rows] = np.where(apart, near + above, scene.z[rows])
        ground = np.where(apart, near, ground)
    above = scene.z[rows] - ground
    scene.above[rows] = np.where(np.isfinite(above), np.maximum(above, 0.0), ROOF_M)


GROUND_BLOCK_M = 15.0


def _nearest_ground(patch: Patch, middle: np.ndarray) -> np.ndarray:
    """Lowest height of the block of the surface that is nearest to each point; ``nan`` if none."""
    side = max(int(GROUND_BLOCK_M / patch.cell), 1)
    rows, cols = (n // side for n in patch.heights.shape)
    if rows == 0 or cols == 0:
        return np.full(len(middle), np.nan)
    blocks = patch.heights[: rows * side, : cols * side].reshape(rows, side, cols, side)
    full = np.isfinite(blocks).mean(axis=(1, 3)) > 0.5
    if not full.any():
        return np.full(len(middle), np.nan)
    lowest = np.where(np.isfinite(blocks), blocks, np.inf).min(axis=(1, 3))[full]
    i, j = np.nonzero(full)
    x = patch.west + (j + 0.5) * side * patch.cell
    y = patch.north - (i + 0.5) * side * patch.cell
    out = np.empty(len(middle))
    for n, (px, py) in enumerate(middle):
        out[n] = lowest[np.argmin((x - px) ** 2 + (y - py) ** 2)]
    return out


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


def _ground(scene: Scene, rows: np.ndarray, bare: Raster | None) -> np.ndarray:
    if bare is None:
        return np.zeros(len(rows))
    patch = bare.read(scene.bounds(rows, 2 * bare.cell))
    return patch.at(scene.middle[rows, 0], scene.middle[rows, 1])


def _filled(heights: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(heights), heights, UNKNOWN).astype(np.float32)


def _march(
    scene: Scene, rows: np.ndarray, heights: np.ndarray, patch: Patch, reach: float,
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
    scene: Scene,
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
    scene: Scene, bare: Raster | None, buildings: gpd.GeoDataFrame | None
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


def _over_terrain(scene: Scene, dem: str | os.PathLike[str], tangent: np.ndarray) -> None:
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
