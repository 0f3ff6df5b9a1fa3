"""Ways between coordinate systems, each made once: PROJ takes longer over one than over a village.

A transformer is not for several threads at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pyproj import CRS, Transformer

WGS84 = CRS.from_epsg(4326)


def to_degrees(crs: Any) -> Transformer:
    """From a coordinate system to longitude and latitude (WGS 84), in that order."""
    return _way(CRS.from_user_input(crs), WGS84)


@lru_cache(maxsize=64)
def _way(source: CRS, target: CRS) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
