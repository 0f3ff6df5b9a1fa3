"""Buildings in their windows of the surface model: outlines laid on it, and the ground below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from pvplanner.roofs import offsets, segment
from pvplanner.terrain import Patch, Raster

MARGIN_M = 4.0
"""Read around a footprint: for its offset and what lies beside it."""

GROUND_M = 25.0
GROUND_SHARE = 0.05
"""The ground is the lower twentieth of what lies so far around: a yard between higher houses and a
house in a wood have none beside their walls."""


@dataclass(frozen=True)
class Outlines:
    """Rings of buildings in one array, outer ones counter-clockwise."""

    points: np.ndarray
    ring_starts: np.ndarray
    building_rings: np.ndarray

    def of(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Points of a building's rings, and where each ring begins."""
        first, last = self.building_rings[number], self.building_rings[number + 1]
        starts = self.ring_starts[first : last + 1]
        return self.points[starts[0] : starts[-1]], starts - starts[0]


def outlines_of(shapes: np.ndarray) -> Outlines:
    """Rings of buildings; one without area has none."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    areal = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    parts, owner = parts[areal], owner[areal]
    rings, part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    building = owner[part]
    points, ring = shapely.get_coordinates(rings, return_index=True)
    return Outlines(
        points,
        np.searchsorted(ring, np.arange(len(rings) + 1)),
        np.searchsorted(building, np.arange(len(shapes) + 1)),
    )


@dataclass
class Window:
    """A building in its window of the surface model.

    Attributes
    ----------
    patch : Patch
    heights : ndarray
        Metres about ``level``.
    inside : ndarray of bool
        Cells whose middle lies in the outline.
    offset : tuple of float
        By how much the outline was moved, east and north, m.
    width : float
        Over how many cells the falls at the outline run; ``nan`` if unknown.
    """

    patch: Patch
    heights: np.ndarray
    level: float
    inside: np.ndarray
    offset: tuple[float, float]
    width: float

    @property
    def known(self) -> np.ndarray:
        """Cells of the building that have a height."""
        return self.inside & np.isfinite(self.heights)


def look(
    raster: Raster, points: np.ndarray, starts: np.ndarray, common: tuple[float, float]
) -> Window | None:
    """Read a building's window and find where it stands in it; ``None`` if nothing is known.

    ``common``: the village's offset, about which the house settles.
    """
    if len(points) == 0:
        return None
    put = points + np.asarray(common)
    low, high = put.min(axis=0), put.max(axis=0)
    patch = raster.read(
        (low[0] - MARGIN_M, low[1] - MARGIN_M, high[0] + MARGIN_M, high[1] + MARGIN_M)
    )
    known = np.isfinite(patch.heights)
    if not known.any():
        return None
    level = float(np.median(patch.heights[known]))
    heights = patch.heights.astype(np.float64) - level
    cells = np.column_stack(
        [(put[:, 0] - patch.west) / patch.cell, (patch.north - put[:, 1]) / patch.cell]
    )
    east, north, width = offsets.own_offset(heights, cells, starts, patch.cell)
    moved = put + np.array([east, north])
    inside = segment.rings_inside(moved, starts, patch.west, patch.north, patch.cell, heights.shape)
    return Window(patch, heights, level, inside, (common[0] + east, common[1] + north), width)


def ground_beside(window: Window) -> float:
    """Height of the lowest beside a building, relative to the window's level; never too low."""
    around = window.heights[~window.inside]
    around = around[np.isfinite(around)]
    return (
        float(np.partition(around, len(around) // 10)[len(around) // 10])
        if len(around) >= 20
        else np.nan
    )


def ground_under(window: Window, raster: Raster, terrain: Raster | None) -> np.ndarray:
    """Height of the ground under each cell, relative to the window's level.

    From the terrain model, and where there is none or it has a gap from the lowest of the surface
    in a wide window; ``nan`` where neither is known.
    """
    patch, shape = window.patch, window.heights.shape
    rows, cols = shape
    east, south = patch.west + cols * patch.cell, patch.north - rows * patch.cell
    out = np.full(shape, np.nan)
    if terrain is not None:
        bare = terrain.read((patch.west, south, east, patch.north))
        x = patch.west + (np.arange(cols) + 0.5) * patch.cell
        y = patch.north - (np.arange(rows) + 0.5) * patch.cell
        out = bare.at(*np.meshgrid(x, y)) - window.level
        if np.isfinite(out[window.inside]).all():
            return out
    wide = raster.read((patch.west - GROUND_M, south - GROUND_M, east + GROUND_M,
                        patch.north + GROUND_M)).heights  # fmt: skip
    wide = wide[np.isfinite(wide)]
    if len(wide) >= 20:
        low = float(np.quantile(wide, GROUND_SHARE)) - window.level
        out = np.where(np.isfinite(out), out, low)
    return out
