"""Whether outlines lie on the houses of a surface model, or beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from pvplanner.terrain.rasters import Patch, Raster

HOUSES = 40
"""Houses that are looked at, spread over the village."""

REACH_M = 8
"""Shifts are tried this far, in steps of a metre."""

RING_M = (0.7, 2.5)
"""What lies this far outside an outline is its surroundings."""

TALL_M = 8.0
"""Heights over the ground count to this: a tree or a tower does not outweigh a house."""

LEAST_M = 3.0
"""Smaller shifts are found house by house."""

BETTER, STANDS_M = 1.35, 1.0
"""By how much the houses stand out more where a shift is right, and how far at all."""


@dataclass(frozen=True)
class Shift:
    """Where the houses of a surface model lie from their outlines.

    Attributes
    ----------
    east, north : float
        Metres.
    here, there : float
        By how much houses stand out over their surroundings as drawn, and shifted.
    """

    east: float
    north: float
    here: float
    there: float

    @property
    def doubtful(self) -> bool:
        """Whether the houses stand clearly better somewhere else."""
        far = float(np.hypot(self.east, self.north)) >= LEAST_M
        return far and self.there > STANDS_M and self.there > BETTER * max(self.here, 0.0)


def find_shift(raster: Raster, shapes: np.ndarray) -> Shift | None:
    """The shift at which houses stand out most; ``None`` where too few are seen.

    Parameters
    ----------
    raster : Raster
        Surface model.
    shapes : ndarray of Polygon
        Outlines in its CRS.
    """
    live = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    # Large halls hold their middle under every shift.
    live = live[(shapely.area(live) > 30) & (shapely.area(live) < 1500)]
    some = live[np.linspace(0, len(live) - 1, min(HOUSES, len(live))).astype(int)] if len(live
                ) else live  # fmt: skip
    steps = np.arange(-REACH_M, REACH_M + 1, dtype=float)
    east, north = (part.ravel() for part in np.meshgrid(steps, steps))
    scores = [found for shape in some if (found := _stands(raster, shape, east, north)) is not None]
    if len(scores) < 5:
        return None
    mean = np.mean(scores, axis=0)
    # Of shifts that are as good the smallest.
    best = np.lexsort((np.hypot(east, north), -mean.round(2)))[0]
    here = int(np.flatnonzero((east == 0) & (north == 0))[0])
    return Shift(float(east[best]), float(north[best]), float(mean[here]), float(mean[best]))


def _stands(
    raster: Raster, shape: shapely.Geometry, east: np.ndarray, north: np.ndarray
) -> np.ndarray | None:
    """By how much a house stands out over its surroundings under each shift, m."""
    west, south, right, top = shapely.bounds(shape)
    margin = REACH_M + RING_M[1] + 1
    patch = raster.read((west - margin, south - margin, right + margin, top + margin))
    if np.isfinite(patch.heights).mean() < 0.8:
        return None
    inside = _points(shape)
    ring = _points(shape.buffer(RING_M[1]).difference(shape.buffer(RING_M[0])))
    if len(inside) < 4 or len(ring) < 4:
        return None
    ground = float(np.nanpercentile(patch.heights, 10))
    over = Patch(np.clip(patch.heights - ground, 0, TALL_M), patch.west, patch.north, patch.cell)
    return _mean(over, inside, east, north) - _mean(over, ring, east, north)


def _points(shape: shapely.Geometry) -> np.ndarray:
    """Points of a grid of a metre within a shape."""
    west, south, east, north = shapely.bounds(shape)
    step = max(1.0, np.sqrt(shape.area) / 12)
    x, y = np.meshgrid(np.arange(west + 0.5, east, step), np.arange(south + 0.5, north, step))
    held = shapely.contains_xy(shape, x.ravel(), y.ravel())
    return np.column_stack([x.ravel(), y.ravel()])[held]


def _mean(patch: Patch, points: np.ndarray, east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Mean height at points moved by each shift; unknown ones are ground."""
    x = points[:, 0][None, :] + east[:, None]
    y = points[:, 1][None, :] + north[:, None]
    return np.asarray(np.nan_to_num(patch.at(x, y), nan=0.0).mean(axis=1))
