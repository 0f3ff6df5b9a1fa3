"""What of a geometry is area: cuts leave lines and points beside polygons."""

from __future__ import annotations

from typing import Any

import shapely


def areas_of(shape: Any, least: float = 0.0) -> Any:
    """The polygons of a geometry of ``least`` m2 or more; an empty polygon if there are none."""
    if shape.geom_type == "Polygon":
        return shape if shape.area >= least else shapely.Polygon()
    flat = shapely.get_parts(shapely.get_parts(shape))
    parts = [part for part in flat if part.geom_type == "Polygon" and part.area >= least]
    if len(parts) == 1:
        return parts[0]
    return shapely.MultiPolygon(parts) if parts else shapely.Polygon()
