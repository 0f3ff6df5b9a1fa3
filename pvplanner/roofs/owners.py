"""Whose planes are whose: ids where plane and outline touch, else where they lie."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

TOUCHING = 0.3
"""Share of a house's planes, or of its outline, that must lie on each other."""

MOST_OF_IT = 0.4
NEAR_M = 1.0
"""A roof reaches this far over its walls: planes so near to their house's outline are its own."""


def match_planes(
    planes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    """Planes with ``row``, the number of their building; and which buildings have any.

    Ids are believed house by house, where the planes of an id lie on the outline of that id: two
    files may both count from 1. Elsewhere a plane belongs to the outline under most of it; one
    that lies on several houses of a row is parted between them.

    Parameters
    ----------
    planes : GeoDataFrame
        ``building_id`` and outlines seen from above.
    buildings : GeoDataFrame
        ``building_id`` and outlines, in the same CRS.
    """
    shapes, outlines = np.asarray(buildings.geometry), np.asarray(planes.geometry)
    row = _by_id(planes, outlines, buildings, shapes)
    lost = np.flatnonzero(row < 0)
    plane, house, piece = _by_place(outlines, lost, shapes, row)
    kept = np.flatnonzero(row >= 0)
    order = np.concatenate([kept, plane]).astype(np.int64)
    found = planes.iloc[order].reset_index(drop=True)
    found["row"] = np.concatenate([row[kept], house]).astype(np.int64)
    found = found.set_geometry(np.concatenate([outlines[kept], piece]), crs=planes.crs)
    has = np.zeros(len(buildings), dtype=bool)
    has[found["row"].to_numpy()] = True
    return found, has


def _by_id(
    planes: gpd.GeoDataFrame,
    outlines: np.ndarray,
    buildings: gpd.GeoDataFrame,
    shapes: np.ndarray,
) -> np.ndarray:
    """Building of each plane by id where both touch, -1 elsewhere."""
    ids = pd.Series(np.arange(len(buildings)), index=buildings["building_id"].astype(str))
    ids = ids[~ids.index.duplicated()]
    row = planes["building_id"].astype(str).map(ids).fillna(-1).to_numpy(dtype=np.int64, copy=True)
    named = np.flatnonzero(row >= 0)
    house = shapes[row[named]]
    shared = np.zeros(len(planes))
    shared[named] = shapely.area(shapely.intersection(outlines[named], house))
    size = np.bincount(row[named], shapely.area(outlines[named]), minlength=len(buildings))
    lap = np.bincount(row[named], shared[named], minlength=len(buildings))
    least = TOUCHING * np.minimum(size, shapely.area(shapes))
    sure = (lap > 0) & (lap >= least)
    row[named[~sure[row[named]]]] = -1
    named = np.flatnonzero(row >= 0)
    near = shapely.dwithin(outlines[named], shapes[row[named]], NEAR_M)
    row[named[~near]] = -1
    return row


def _by_place(
    outlines: np.ndarray, lost: np.ndarray, shapes: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes and the buildings under them: the plane whole, or its pieces where it has several."""
    i, j = shapely.STRtree(shapes).query(outlines[lost], predicate="intersects")
    shared = shapely.intersection(outlines[lost[i]], shapes[j])
    area = shapely.area(shared)
    mine = area / np.maximum(shapely.area(outlines[lost[i]]), 1e-9)
    theirs = area / np.maximum(shapely.area(shapes[j]), 1e-9)
    good = (mine > TOUCHING) | (theirs > MOST_OF_IT)
    i, j, shared, area = i[good], j[good], shared[good], area[good]
    order = np.lexsort((j, -area, i))
    i, j, shared = i[order], j[order], shared[order]
    count = np.bincount(i, minlength=len(lost))
    alone = count[i] == 1
    piece = np.where(alone, outlines[lost[i]], shared)
    return lost[i], j, piece
