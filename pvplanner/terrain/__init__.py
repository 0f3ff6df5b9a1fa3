"""Terrain: windows of surface, terrain and elevation rasters, in metres and in the village's CRS.

The only room that opens rasters.
"""

from __future__ import annotations

from pvplanner.terrain.ground import fitting_terrain, ground_gap, usual_height, village_ground
from pvplanner.terrain.rasters import (
    FINEST_M,
    HEIGHT_UNITS,
    Patch,
    Raster,
    open_raster,
    trace,
    write_heights,
)
from pvplanner.terrain.unknown import unknown_values

__all__ = [
    "FINEST_M",
    "HEIGHT_UNITS",
    "Patch",
    "Raster",
    "fitting_terrain",
    "ground_gap",
    "open_raster",
    "trace",
    "unknown_values",
    "usual_height",
    "village_ground",
    "write_heights",
]
