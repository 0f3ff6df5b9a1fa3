"""What is asked for: a box or a boundary, in degrees."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from pvplanner.errors import ConfigError, InputError


@dataclass(frozen=True)
class Area:
    """A box in degrees (WGS 84), and the outline within it where one is given.

    Attributes
    ----------
    west, south, east, north : float
    outline : shape or None
    """

    west: float
    south: float
    east: float
    north: float
    outline: Any = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return self.west, self.south, self.east, self.north

    @property
    def middle(self) -> tuple[float, float]:
        """Latitude and longitude of the box's middle."""
        return (self.south + self.north) / 2, (self.west + self.east) / 2

    def wider(self, km: float) -> Area:
        """The box with so many kilometres around it."""
        high = km / 111.2
        wide = high / max(math.cos(math.radians(self.middle[0])), 0.05)
        return Area(self.west - wide, self.south - high, self.east + wide, self.north + high)

    def meets(self, box: Any) -> bool:
        """Whether it meets a box of west, south, east, north."""
        return bool(
            self.west <= box[2] and self.east >= box[0]
            and self.south <= box[3] and self.north >= box[1]
        )  # fmt: skip

    def holds(self, shapes: np.ndarray) -> np.ndarray:
        """Which shapes belong to it: those that meet the box; of an outline, whose middle lies in
        it.
        """
        if self.outline is None:
            return np.asarray(shapely.intersects(shapes, shapely.box(*self.box)))
        shapely.prepare(self.outline)
        return np.asarray(shapely.contains(self.outline, shapely.centroid(shapes)))


def area_of(
    bbox: str | tuple[float, float, float, float] | None,
    boundary: str | os.PathLike[str] | None = None,
) -> Area:
    """An area from a box or a boundary file.

    Raises
    ------
    ConfigError
        If neither or both are given, or the box is none.
    InputError
        If the boundary can't be read or holds no area.
    """
    if (bbox is None) == (boundary is None):
        raise ConfigError("fetch_area", where="--bbox")
    if boundary is not None:
        return _of_boundary(Path(boundary))
    try:
        numbers = [float(v) for v in (bbox.split(",") if isinstance(bbox, str) else bbox or ())]
    except ValueError:
        raise ConfigError("fetch_bbox", where="--bbox", value=str(bbox)) from None
    if len(numbers) != 4:
        raise ConfigError("fetch_bbox", where="--bbox", value=str(bbox))
    west, south, east, north = numbers
    inside = -180 <= west < east <= 180 and -90 <= south < north <= 90
    if not inside:
        raise ConfigError("fetch_bbox", where="--bbox", value=str(bbox))
    return Area(west, south, east, north)


def _of_boundary(path: Path) -> Area:
    from pvplanner.reading.kinds import read_vector

    if not path.exists():
        raise InputError("file_missing", where=str(path))
    frame = read_vector(path)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise InputError("not_areas", where=path.name, kinds="-")
    if frame.crs is None:
        raise InputError("planes_no_crs", where=path.name)
    shapes = np.asarray(frame.to_crs(4326).geometry)
    whole = shapely.union_all(shapely.make_valid(shapes[~shapely.is_missing(shapes)]))
    if shapely.is_empty(whole) or shapely.area(whole) == 0:
        raise InputError("not_areas", where=path.name, kinds=whole.geom_type)
    west, south, east, north = map(float, whole.bounds)
    return Area(west, south, east, north, whole)
