"""Roof planes that somebody has already modelled, as a surface model would show them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pvplanner.errors import InputError, listed
from pvplanner.reading.kinds import read_vector
from pvplanner.roofs.citygml import is_citygml, read_citygml
from pvplanner.roofs.cityjson import read_cityjson
from pvplanner.roofs.faces import STEEPEST_DEG, Face, faces_in, through_faces

SAME_DEG = 3.0
SAME_M = 0.15
"""Touching planes that differ by less than this are one."""

LEAST_M2 = 0.5


def read_planes(path: str | os.PathLike[str], crs: Any) -> gpd.GeoDataFrame:
    """Roof planes of a 3D model.

    Parameters
    ----------
    path : path-like
        CityJSON, whole or a feature a line; CityGML 1 to 3; or a vector layer of polygons with
        heights, with ``nx, ny, nz, d`` of each plane (``n . x = d``, in the file's CRS), or with
        ``surface_tilt`` and ``surface_azimuth`` (degrees from grid north). What a file is, its
        content says.
    crs : CRS
        In which the planes are given back.

    Returns
    -------
    GeoDataFrame
        ``building_id`` (text, may be empty), slopes ``a`` (east) and ``b`` (north), ``c`` (height
        at ``x0, y0``; ``nan`` if unknown), ``x0``, ``y0`` and the outline seen from above, open
        courts left out. Walls are gone, the higher of two overlapping planes has the overlap, and
        touching coplanar pieces of a building are one.

    Raises
    ------
    InputError
        If the file is missing or unreadable, has no CRS, or holds no roof planes.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("file_missing", where=str(path))
    target = CRS.from_user_input(crs)
    if file.suffix.lower() in XML and is_citygml(file):
        raw = _fitted(*read_citygml(file), target)
    elif file.suffix.lower() in JSON and (model := read_cityjson(file)) is not None:
        raw = _fitted(*model, target)
    else:
        raw = _from_layer(file, target)
    if raw.empty:
        raise InputError("planes_none", where=file.name)
    return _merged(_highest(raw))


JSON = (".json", ".jsonl", ".cityjson", ".geojson", ".geojsonl", ".ndjson")
XML = (".gml", ".xml", ".citygml")


def _fitted(faces: list[Face], source: CRS, target: CRS) -> gpd.GeoDataFrame:
    return through_faces(faces_in(faces, source, target)).set_crs(target)


def _from_layer(file: Path, crs: CRS) -> gpd.GeoDataFrame:
    layer = read_vector(file)
    if not isinstance(layer, gpd.GeoDataFrame):
        raise InputError("not_areas", where=file.name, kinds="-")
    if layer.crs is None:
        raise InputError("planes_no_crs", where=file.name)
    layer = layer.explode(index_parts=False).reset_index(drop=True)
    layer = layer[layer.geom_type == "Polygon"].reset_index(drop=True)
    ids = layer["building_id"].astype(str) if "building_id" in layer else pd.Series("", layer.index)
    shapes = np.asarray(layer.geometry)
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    if {"nx", "ny", "nz", "d"} <= set(layer.columns):
        n = layer[["nx", "ny", "nz"]].to_numpy(dtype=float)
        d = layer["d"].to_numpy(dtype=float)
        n, d = n * np.sign(n[:, 2:]), d * np.sign(n[:, 2])
        steep = n[:, 2] < np.cos(np.radians(STEEPEST_DEG)) * np.linalg.norm(n, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = -n[:, 0] / n[:, 2], -n[:, 1] / n[:, 2]
            c = (d - n[:, 0] * middle[:, 0] - n[:, 1] * middle[:, 1]) / n[:, 2]
    elif {"surface_tilt", "surface_azimuth"} <= set(layer.columns):
        tilt = pd.to_numeric(layer["surface_tilt"], errors="coerce").to_numpy(dtype=float)
        azimuth = np.radians(layer["surface_azimuth"].fillna(0).to_numpy(dtype=float))
        slope = np.tan(np.radians(tilt))
        a, b, c = -slope * np.sin(azimuth), -slope * np.cos(azimuth), np.full(len(layer), np.nan)
        steep = ~(tilt <= STEEPEST_DEG)
    elif shapely.has_z(shapes).all():
        faces = [_face(shape, owner) for shape, owner in zip(shapes, ids, strict=True)]
        return _fitted(faces, CRS.from_user_input(layer.crs), crs)
    else:
        raise InputError("planes_columns", where=file.name, columns=listed(layer.columns))
    frame = gpd.GeoDataFrame(
        {"building_id": ids, "a": a, "b": b, "c": c, "x0": middle[:, 0], "y0": middle[:, 1]},
        geometry=shapely.make_valid(shapely.force_2d(shapes)),
    )
    return _into(frame[~steep].reset_index(drop=True), CRS.from_user_input(layer.crs), crs)


def _face(shape: Any, owner: str) -> Face:
    rings = [shapely.get_coordinates(ring, include_z=True)[:-1]
             for ring in (shape.exterior, *shape.interiors)]  # fmt: skip
    return Face(owner, rings[0], rings[1:])


def _into(frame: gpd.GeoDataFrame, source: CRS, target: CRS) -> gpd.GeoDataFrame:
    """Planes in another CRS: outlines moved, slopes turned by the angle between both norths."""
    source = next((part for part in source.sub_crs_list if not part.is_vertical), source)
    frame = frame.set_crs(source)
    if source.equals(target, ignore_axis_order=True) or frame.empty:
        return frame.set_crs(target, allow_override=True)
    at = gpd.GeoSeries(gpd.points_from_xy(frame["x0"], frame["y0"]), crs=source)
    step = 1.0 if source.is_projected else 1e-5
    up = gpd.GeoSeries(gpd.points_from_xy(frame["x0"], frame["y0"] + step), crs=source)
    right = gpd.GeoSeries(gpd.points_from_xy(frame["x0"] + step, frame["y0"]), crs=source)
    p, q, r = (s.to_crs(target) for s in (at, up, right))
    # Rows of the change of place: a slope follows its inverse.
    ux, uy = (r.x - p.x) / step, (r.y - p.y) / step
    vx, vy = (q.x - p.x) / step, (q.y - p.y) / step
    det = ux * vy - uy * vx
    a = (frame["a"] * vy - frame["b"] * uy) / det
    b = (frame["b"] * ux - frame["a"] * vx) / det
    return frame.to_crs(target).assign(
        a=a.to_numpy(), b=b.to_numpy(), x0=p.x.to_numpy(), y0=p.y.to_numpy()
    )


def _height(frame: gpd.GeoDataFrame, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    part = frame.iloc[rows]
    x, y = points[:, 0] - part["x0"].to_numpy(), points[:, 1] - part["y0"].to_numpy()
    return part["a"].to_numpy() * x + part["b"].to_numpy() * y + part["c"].to_numpy()


def _pairs(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i, j = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = i < j
    i, j = i[once], j[once]
    return i, j, shapely.intersection(shapes[i], shapes[j])


def _highest(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Where planes overlap, the lower loses the overlap."""
    shapes = np.asarray(frame.geometry).copy()
    i, j, shared = _pairs(shapes)
    lap = shapely.area(shared) > 0.01
    i, j, shared = i[lap], j[lap], shared[lap]
    points = shapely.get_coordinates(shapely.point_on_surface(shared))
    zi, zj = _height(frame, i, points), _height(frame, j, points)
    lower = np.where(np.nan_to_num(zi, nan=-np.inf) <= np.nan_to_num(zj, nan=-np.inf), i, j)
    for row, area in zip(lower, shared, strict=True):
        shapes[row] = shapely.difference(shapes[row], area)
    frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return frame[shapely.area(shapes) >= 0.01].reset_index(drop=True)


def _merged(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = np.asarray(frame.geometry)
    i, j, shared = _pairs(shapes)
    normal = np.column_stack([-frame["a"], -frame["b"], np.ones(len(frame))])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((normal[i] * normal[j]).sum(axis=1), -1, 1)))
    points = np.nan_to_num(shapely.get_coordinates(shapely.centroid(shared)))
    step = np.abs(_height(frame, i, points) - _height(frame, j, points))
    touch = (shapely.length(shared) > 0.3) | (shapely.area(shared) > 0.05)
    ids = frame["building_id"].to_numpy()
    one = touch & (angle < SAME_DEG) & ~(step >= SAME_M) & (ids[i] == ids[j])
    links = coo_array((np.ones(one.sum()), (i[one], j[one])), shape=(len(frame), len(frame)))
    group = connected_components(links, directed=False)[1]
    area = shapely.area(shapes)
    rows = []
    for _, members in frame.groupby(group, sort=False):
        weight = area[members.index.to_numpy()] + 1e-9
        whole = shapely.union_all(shapes[members.index.to_numpy()])
        x0, y0 = shapely.get_coordinates(shapely.centroid(whole))[0]
        at = np.tile([x0, y0], (len(members), 1))
        rows.append(
            (
                members["building_id"].iloc[0],
                np.average(members["a"], weights=weight),
                np.average(members["b"], weights=weight),
                np.average(_height(frame, members.index.to_numpy(), at), weights=weight),
                x0,
                y0,
                whole,
            )
        )
    out = gpd.GeoDataFrame(
        rows, columns=["building_id", "a", "b", "c", "x0", "y0", "geometry"],
        geometry="geometry", crs=frame.crs,
    )  # fmt: skip
    return out[out.geometry.area >= LEAST_M2].reset_index(drop=True)
