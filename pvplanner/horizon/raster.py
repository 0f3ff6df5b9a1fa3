"""Horizons of every cell of a surface model, tile by tile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pvplanner.horizon.hull import Lines

if TYPE_CHECKING:
    from pvplanner.terrain import Patch, Raster

REACH_M = 200.0
"""How far a surface is looked at."""


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
