"""Ways between coordinate systems, each made once: PROJ takes longer over one than over a village.

A transformer is not for several threads at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS, Transformer

WGS84 = CRS.from_epsg(4326)


def to_degrees(crs: Any) -> Transformer:
    """From a coordinate system to longitude and latitude (WGS 84), in that order."""
    return _way(CRS.from_user_input(crs), WGS84)


def boxes_to_degrees(boxes: np.ndarray, crs: Any) -> np.ndarray:
    """West, south, east, north in degrees that hold each box; as they are where ``crs`` is empty.

    Parameters
    ----------
    boxes : ndarray, shape (n, 4)
        In ``crs``; one that is not finite stays so.
    """
    return _around(boxes, to_degrees(crs)) if crs else boxes


def boxes_from_degrees(boxes: np.ndarray, crs: Any) -> np.ndarray:
    """Inverse of :func:`boxes_to_degrees`: boxes of ``crs`` that hold those in degrees."""
    return _around(boxes, _way(WGS84, CRS.from_user_input(crs))) if crs else boxes


def _around(boxes: np.ndarray, way: Transformer) -> np.ndarray:
    out = np.full((len(boxes), 4), np.nan)
    for n in np.flatnonzero(np.isfinite(boxes).all(axis=1)):
        out[n] = way.transform_bounds(*boxes[n])
    return out


@lru_cache(maxsize=64)
def _way(source: CRS, target: CRS) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
