"""Drawings (DXF): their layers, and closed lines as outlines."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import Finding, InputError, listed

HOUSES = ("jmd", "house", "houses", "building", "buildings", "居民地", "房屋", "建筑", "建筑物",
          "roof", "屋顶", "fw", "房屋面")  # fmt: skip
"""Layers that hold houses; JMD is that of Chinese survey drawings (CASS)."""

FRAME_M2 = 5_000.0
"""A drawing whose only outline is a larger rectangle shows a sheet's frame."""

LAYER = "Layer"
"""The column in which OGR keeps a drawing's layer; all entities are of one OGR layer."""


def outlines_of_drawing(
    raw: gpd.GeoDataFrame, layer: str | None, file: Path
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Closed polylines of a drawing's layer as areas; open ones stay lines, set aside later.

    Raises
    ------
    InputError
        If there is no such layer, several could be meant, or only a frame is closed.
    """
    areas = raw.set_geometry(_closed(np.asarray(raw.geometry)), crs=raw.crs)
    chosen, findings = _of_layer(areas, layer, file)
    kinds = shapely.get_type_id(np.asarray(chosen.geometry))
    closed = np.isin(kinds, (3, 6))
    open_ = int(np.isin(kinds, (1, 2, 5)).sum())
    # Texts, points and blocks are no outlines of anything.
    kept = chosen[closed | np.isin(kinds, (1, 2, 5))].reset_index(drop=True)
    if closed.sum() == 1 and _is_frame(np.asarray(chosen.geometry)[closed][0]):
        raise InputError("drawing_frame", where=str(file), layers=_listed_layers(areas))
    params = {"open": open_, "layers": _listed_layers(areas)}
    findings = [*findings, Finding("dxf_closed", file.name, int(closed.sum()), params)]
    lost = _house_like(np.asarray(chosen.geometry)[np.isin(kinds, (1, 5))])
    if lost:
        findings.append(Finding("dxf_open", file.name, lost, {"layers": params["layers"]}))
    return kept, findings


def _house_like(lines: np.ndarray) -> int:
    """How many open lines would be an outline of a house's size if they were closed."""
    count = 0
    for line in lines:
        points = shapely.get_coordinates(line)
        if len(points) >= 4 and HOUSE_M2 <= shapely.Polygon(points).area <= FRAME_M2:
            count += 1
    return count


HOUSE_M2 = 15.0
GAP_M = 0.1
"""A ring whose ends lie this near was meant to be closed."""


def drawing_encoding(file: Path) -> str:
    """Encoding of a drawing's texts: UTF-8 from AutoCAD 2007 on, else by its bytes."""
    body = file.read_bytes()
    version = re.search(rb"\$ACADVER\s+1\s+AC(\d{4})", body[:20_000])
    if body.isascii() or (version and int(version[1]) >= 1021):
        return "UTF-8"
    for encoding, name in (("utf-8", "UTF-8"), ("gb18030", "CP936")):
        try:
            body.decode(encoding)
        except UnicodeDecodeError:
            continue
        return name
    return ""


def _closed(shapes: np.ndarray) -> np.ndarray:
    """Closed lines as polygons, each ring for itself: their lengths differ."""
    line = shapely.get_type_id(shapes) == 1
    ends = shapely.distance(shapely.get_point(shapes, 0), shapely.get_point(shapes, -1))
    closed = line & (ends <= GAP_M) & (shapely.get_num_coordinates(shapes) >= 4)
    done = shapes.copy()
    for row in np.flatnonzero(closed):
        done[row] = shapely.Polygon(shapely.get_coordinates(shapes[row]))
    return done


def _of_layer(
    areas: gpd.GeoDataFrame, layer: str | None, file: Path
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    if LAYER not in areas:
        return areas, []
    names = areas[LAYER].fillna("0").astype(str)
    if layer is not None and layer != "entities":
        own = names.str.casefold() == layer.casefold()
        if not own.any():
            known = _listed_layers(areas)
            raise InputError("layer_missing", where=str(file), layer=layer, layers=known)
        return areas[own], []
    held = names[np.isin(shapely.get_type_id(np.asarray(areas.geometry)), (3, 6))]
    if held.nunique() <= 1:
        return (areas[names == held.iloc[0]] if len(held) else areas), []
    houses = [name for name in held.unique() if name.casefold() in HOUSES]
    if len(houses) != 1:
        known = _listed_layers(areas)
        raise InputError("layer_ambiguous", where=str(file), layers=known)
    params = {"layer": houses[0], "layers": _listed_layers(areas)}
    return areas[names == houses[0]], [Finding("layer_chosen", file.name, params=params)]


def _listed_layers(areas: gpd.GeoDataFrame) -> str:
    """Layers of a drawing, with how many closed outlines each holds."""
    if LAYER not in areas:
        return "-"
    closed = pd.Series(np.isin(shapely.get_type_id(np.asarray(areas.geometry)), (3, 6)))
    names = areas[LAYER].fillna("0").astype(str).to_numpy()
    counts = closed.groupby(names).sum().sort_values(ascending=False, kind="stable")
    return listed([f"{name} ({int(count)})" for name, count in counts.items()], 20)


def _is_frame(shape: shapely.Geometry) -> bool:
    box = shapely.minimum_rotated_rectangle(shape)
    return bool(shape.area > FRAME_M2 and shape.area > 0.98 * box.area)
