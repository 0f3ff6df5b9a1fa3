"""Ground beside buildings: whether a terrain model and a surface model are of one height datum."""

from __future__ import annotations

import numpy as np
import shapely

from pvplanner.errors import Finding
from pvplanner.terrain.rasters import Raster


def ground_gap(surface: Raster, bare: Raster, shapes: np.ndarray) -> float:
    """How far a terrain model lies below (over, if negative) the surface's own ground, metres.

    Beside each outline the lower fifth of the cells is ground; the middle of all outlines counts.
    """
    rows = shapes[:: max(len(shapes) // GROUND_SAMPLE, 1)]
    gaps = []
    for west, south, east, north in shapely.bounds(rows):
        around = (west - 8, south - 8, east + 8, north + 8)
        seen = surface.read(around)
        places = np.indices(seen.heights.shape) + 0.5
        x, y = seen.west + places[1] * seen.cell, seen.north - places[0] * seen.cell
        outside = (x < west - 1) | (x > east + 1) | (y < south - 1) | (y > north + 1)
        off = np.asarray(seen.heights - bare.read(around).at(x, y))[outside]
        off = off[np.isfinite(off)]
        if len(off) >= 20:
            gaps.append(float(np.quantile(off, 0.2)))
    return float(np.median(gaps)) if gaps else float("nan")


def village_ground(surface: Raster, shapes: np.ndarray) -> float:
    """Height of the ground beside buildings, metres; the middle of all outlines.

    Beside each outline the lower fifth of the cells is ground. nan where nothing is known.
    """
    found = []
    for west, south, east, north in shapely.bounds(shapes[:: max(len(shapes) // GROUND_SAMPLE, 1)]):
        seen = surface.read((west - 8, south - 8, east + 8, north + 8)).heights
        if np.isfinite(seen).any():
            found.append(float(np.nanquantile(seen, 0.2)))
    return float(np.median(found)) if found else float("nan")


def usual_height(surface: Raster, shapes: np.ndarray) -> float:
    """Height of buildings over the ground beside them, as the surface has it; the middle of all."""
    found = []
    for west, south, east, north in shapely.bounds(shapes[:: max(len(shapes) // GROUND_SAMPLE, 1)]):
        whole = surface.read((west - 8, south - 8, east + 8, north + 8)).heights
        inner = surface.read((west + 1, south + 1, east - 1, north - 1)).heights
        if np.isfinite(whole).sum() >= 20 and np.isfinite(inner).any():
            found.append(float(np.nanmedian(inner) - np.nanquantile(whole, 0.1)))
    return float(np.median(found)) if found else float("nan")


GROUND_SAMPLE = 60
"""Outlines beside which ground is compared."""

GROUND_FITS_M = (-1.5, 4.0)
"""A terrain model's ground lies this near the surface's own, or it is of another datum."""


def fitting_terrain(
    surface: Raster, bare: Raster | None, shapes: np.ndarray
) -> tuple[Raster | None, list[Finding]]:
    """The terrain model, or none where its ground is not the surface's."""
    if bare is None:
        return None, []
    gap = ground_gap(surface, bare, shapes)
    if not np.isfinite(gap) or GROUND_FITS_M[0] <= gap <= GROUND_FITS_M[1]:
        return bare, []
    params = {"gap": f"{-gap:+.1f}", "surface": surface.name}
    return None, [Finding("terrain_off", bare.name, params=params)]
