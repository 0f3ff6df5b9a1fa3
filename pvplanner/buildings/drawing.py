"""Drawings (DXF): their layers, and closed lines as outlines."""

from __future__ import annotations

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
    return kept, [*findings, Finding("dxf_closed", file.name, int(closed.sum()), params)]


def _closed(shapes: np.ndarray) -> np.ndarray:
    """Closed lines as polygons, each ring for itself: their lengths differ."""
    line = shapely.get_type_id(shapes) == 1
    closed = line & shapely.is_closed(shapes) & (shapely.get_num_coordinates(shapes) >= 4)
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
