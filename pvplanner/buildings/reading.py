"""Vector files of any kind as one raw frame of features: formats, layers, encodings."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataSourceError

from pvplanner.buildings.drawing import drawing_encoding, outlines_of_drawing
from pvplanner.buildings.encoding import table_encoding
from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading import guarded
from pvplanner.reading.bombs import check_parquet
from pvplanner.reading.kinds import careful_gdal, check_vector
from pvplanner.reading.systems import check_crs


def read_features(
    path: str | Path, *, layer: str | None = None
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Every feature of a vector file, as it stands in the file.

    Parameters
    ----------
    path : path-like
        GeoPackage, GeoJSON, Shapefile (also zipped), File Geodatabase, DXF, GeoParquet or
        FlatGeobuf.
    layer : str, optional
        Layer to read; needed only where several hold polygons.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, or holds no areas.
    """
    file = Path(path)
    if not file.exists():
        raise InputError("file_missing", where=str(file))
    findings: list[Finding] = []
    if file.suffix.lower() == ".parquet":
        raw = _read_parquet(file)
    else:
        raw, findings = _read_ogr(file, layer)
    check_crs(raw.crs, file.name)
    if raw.empty:
        raise InputError("layer_empty", where=str(file), layer=layer or "")
    raw = raw.set_geometry(shapely.force_2d(np.asarray(raw.geometry)), crs=raw.crs)
    if file.suffix.lower() == ".dxf":
        raw, more = outlines_of_drawing(raw, layer, file)
        findings += more
    return _require_areas(raw, str(file)), findings


def _read_parquet(file: Path) -> gpd.GeoDataFrame:
    check_parquet(file)
    with guarded(file):
        return gpd.read_parquet(file)


def _read_ogr(file: Path, layer: str | None) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    findings: list[Finding] = []
    options: dict[str, str] = {}
    source = check_vector(file)
    with guarded(file):
        encoding, stated = table_encoding(file)
    if encoding:
        options["encoding"] = encoding
        params = {"encoding": encoding, "stated": stated}
        if not stated:
            findings.append(Finding("encoding_chosen", file.name, params=params))
        elif not _same(stated, encoding):
            findings.append(Finding("encoding_against", file.name, params=params))
    drawing = file.suffix.lower() == ".dxf"
    if drawing:
        with guarded(file):
            pyogrio.set_gdal_config_options({"DXF_ENCODING": drawing_encoding(file) or None})
    try:
        with guarded(file), careful_gdal():
            chosen = None if drawing else (layer or _only_area_layer(source, str(file)))
            frame = pyogrio.read_dataframe(source, layer=chosen, on_invalid="ignore", **options)
    except InputError:
        known = _layers(source)
        if layer is not None and not drawing and known and layer not in known:
            names = listed(known, 12)
            raise InputError("layer_missing", where=str(file), layer=layer, layers=names) from None
        raise
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError("not_areas", where=str(file), kinds="-")
    return frame, findings


def _same(stated: str, encoding: str) -> bool:
    """Whether a code page file names the encoding that was found."""
    both = stated.casefold().replace("-", ""), encoding.casefold().replace("-", "")
    chinese = ("936", "gbk", "gb2312", "gb18030", "54936")
    return both[0] == both[1] or (both[1] == "gb18030" and any(c in both[0] for c in chinese))


def _layers(source: str) -> list[str]:
    try:
        with careful_gdal():
            return [str(name) for name, _ in pyogrio.list_layers(source)]
    except (DataSourceError, ValueError, OSError):
        return []


def _only_area_layer(source: str, where: str) -> str | None:
    layers = pyogrio.list_layers(source)
    spatial = [(str(name), str(kind)) for name, kind in layers if kind is not None]
    areas = [name for name, kind in spatial if "Polygon" in kind or "Surface" in kind]
    if len(areas) == 1:
        return areas[0]
    if len(areas) > 1:
        raise InputError("layer_ambiguous", where=where, layers=listed(areas, 12))
    if len(spatial) > 1:
        raise InputError("layer_ambiguous", where=where, layers=listed([n for n, _ in spatial], 12))
    if not spatial:
        raise InputError("not_areas", where=where, kinds="-")
    return spatial[0][0]


def _require_areas(raw: gpd.GeoDataFrame, where: str) -> gpd.GeoDataFrame:
    kinds = pd.Series(raw.geometry.geom_type).fillna("none")
    if not kinds.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any():
        raise InputError("not_areas", where=where, kinds=listed(sorted(kinds.unique())))
    return raw
