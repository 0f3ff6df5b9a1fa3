"""The points of planes, and their planes as equations of height."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.horizon.blocks import ragged, spread

TILE_M = 1000.0
FINE = 12
"""Places a side that are tried over each plane."""

CLEAR_M = 0.25
"""What rises less above a plane belongs to it."""

ROOF_M = 5.0
"""Height above the terrain of a plane of which no more is known: assumption."""


class Scene:
    """The points of planes, and their planes as equations of height."""

    def __init__(
        self, planes: gpd.GeoDataFrame, points: int, third_m: tuple[float, float] | None = None
    ) -> None:
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
        self.xy = points_over(shapes, grid, points)
        if third_m is not None:
            lean = np.cos(np.radians(planes["surface_tilt"].to_numpy(dtype=float)))
            self.xy = corners_of(self.xy, shapes, grid, lean, third_m)
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
        """West, south, east and north of the planes' points, ``margin`` metres further out."""
        xy = self.xy[rows].reshape(-1, 2)
        (west, south), (east, north) = xy.min(axis=0) - margin, xy.max(axis=0) + margin
        return west, south, east, north


CORNERS = np.array([[0, 0], [-1, -1], [-1, 1], [1, -1], [1, 1]]) / 2
"""Of a third of a module, in its widths and lengths from its middle; the middle first."""


def corners_of(
    xy: np.ndarray, shapes: np.ndarray, azimuth: np.ndarray, lean: np.ndarray,
    third_m: tuple[float, float],
) -> np.ndarray:  # fmt: skip
    """Middles and corners of thirds of modules around points; (planes, points * 5, 2).

    A corner that lies beyond its plane is not taken: the middle stands in.

    Parameters
    ----------
    xy : ndarray, shape (planes, points, 2)
    lean : ndarray, shape (planes,)
        Cosine of the tilt.
    third_m : tuple of float
        Along the eaves, and up the slope.
    """
    angle = np.radians(azimuth)
    along = np.column_stack([-np.cos(angle), np.sin(angle)]) * third_m[0]
    up = np.column_stack([-np.sin(angle), -np.cos(angle)]) * third_m[1] * lean[:, None]
    off = CORNERS[:, 0, None] * along[:, None, :] + CORNERS[:, 1, None] * up[:, None, :]
    out = xy[:, :, None, :] + off[:, None, :, :]
    held = shapely.contains_xy(shapes[:, None, None], out[..., 0], out[..., 1])
    out = np.where(held[..., None], out, xy[:, :, None, :])
    return np.asarray(out.reshape(len(xy), -1, 2))


def points_over(shapes: np.ndarray, azimuth: np.ndarray, each: int) -> np.ndarray:
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
