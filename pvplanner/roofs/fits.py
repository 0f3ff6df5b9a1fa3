"""Fitted planes as rows: tilt, azimuth, and how far they are believed."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from pvplanner.roofs.drawing import Seen
from pvplanner.roofs.frames import wall_directions
from pvplanner.roofs.noise import Noise

PARAPET_M = 0.20
LEVEL_DEG = 1.0
MOST_LEVEL_DEG = 4.0
"""A slope under the first, or under the second and 2.5 times its doubt, is taken as level."""

ALIGNED_DEG = 1.0
"""How well roofs follow the walls below them, one sigma."""


def planes_table(
    seen: list[Seen], building: np.ndarray, noise: Noise, shapes: np.ndarray, cell: float, crs: Any
) -> gpd.GeoDataFrame:
    """Planes as rows: tilt, azimuth, height and how far they are believed.

    Parameters
    ----------
    seen : list of Seen
    building : ndarray of int
        Position of each one's building.
    shapes : ndarray of geometry
        Outlines of all buildings, whose walls planes follow.
    """
    fit = np.array([plane.fit for plane in seen], dtype=float).reshape(-1, 9)
    outline = np.array([*(plane.outline for plane in seen), None], dtype=object)[:-1]
    obstacles = np.array([*(plane.obstacles for plane in seen), None], dtype=object)[:-1]
    parapet = np.array([plane.parapet for plane in seen], dtype=float)
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
    middle = np.array([plane.centre for plane in seen], dtype=float).reshape(-1, 2)
    reach = centroid - middle
    level_m = np.array([plane.level for plane in seen], dtype=float)
    elevation = fit[:, 2] + level_m + east * reach[:, 0] + north * reach[:, 1]
    frame = gpd.GeoDataFrame(
        {
            "row": building,
            "surface_tilt": np.where(level, 0.0, tilt),
            "grid_azimuth": np.where(level, np.nan, azimuth),
            "fit_rmse_m": fit[:, 3],
            "confidence": _confidence(fit, tilt_doubt, cell),
            "parapet_m": np.where(parapet >= PARAPET_M, parapet, 0.0),
            "elevation_m": elevation,
            "obstacles": gpd.GeoSeries(obstacles, crs=crs),
        },
        geometry=gpd.GeoSeries(outline, crs=crs),
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
    scale = np.sqrt(noise.together) * np.maximum(fit[:, 3], 0.5 * noise.sigma)
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
