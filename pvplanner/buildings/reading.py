"""Vector files of any kind as one raw frame of features: formats, layers, encodings."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from pvplanner.errors import Finding, InputError, listed


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
    if raw.empty:
        raise InputError("layer_empty", where=str(file), layer=layer or "")
    raw = raw.set_geometry(shapely.force_2d(np.asarray(raw.geometry)), crs=raw.crs)
    if file.suffix.lower() == ".dxf":
        raw, more = _close_lines(raw, str(file))
        findings += more
    return _require_areas(raw, str(file)), findings


def read_text_table(file: Path) -> pd.DataFrame:
    """A workbook's first sheet or a CSV (UTF-8 or GB18030) as text.

    Raises
    ------
    InputError
        If the file is missing or unreadable.
    """
    if not file.exists():
        raise InputError("file_missing", where=str(file))
    try:
        if file.suffix.lower() in (".xlsx", ".xlsm"):
            return pd.read_excel(file, dtype="string")
        body = file.read_bytes()
        encoding = "utf-8-sig" if _decodes(body, "utf-8-sig") else "gb18030"
        return pd.read_csv(file, dtype="string", encoding=encoding, skipinitialspace=True)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError("file_unreadable", where=str(file), reason=str(error)) from None


def _decodes(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _read_parquet(file: Path) -> gpd.GeoDataFrame:
    try:
        return gpd.read_parquet(file)
    except (ValueError, OSError) as error:
        raise InputError("file_unreadable", where=str(file), reason=str(error)) from None


def _read_ogr(file: Path, layer: str | None) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    findings: list[Finding] = []
    options: dict[str, str] = {}
    encoding, tried = _dbf_encoding(file)
    if encoding:
        options["encoding"] = encoding
        findings.append(Finding("encoding_chosen", str(file), params={"encoding": tried}))
    source = f"/vsizip/{file.resolve().as_posix()}" if file.suffix.lower() == ".zip" else str(file)
    try:
        chosen = layer or _only_area_layer(source, str(file))
        frame = pyogrio.read_dataframe(source, layer=chosen, on_invalid="ignore", **options)
    except DataLayerError:
        names = listed([name for name, _ in pyogrio.list_layers(source)], 12)
        raise InputError("layer_missing", where=str(file), layer=layer, layers=names) from None
    except (DataSourceError, UnicodeDecodeError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("file_unreadable", where=str(file), reason=str(error)) from None
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError("not_areas", where=str(file), kinds="-")
    return frame, findings


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


def _dbf_encoding(file: Path) -> tuple[str, str]:
    """Encoding of a shapefile that has no ``.cpg``: UTF-8 if its bytes are, else GB18030."""
    suffix = file.suffix.lower()
    if suffix == ".shp":
        beside = {p.suffix.lower(): p for p in file.parent.glob(f"{file.stem}.*")}
        if ".cpg" in beside or ".dbf" not in beside:
            return "", ""
        body = beside[".dbf"].read_bytes()
    elif suffix == ".zip":
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
                tables = [name for name in names if name.lower().endswith(".dbf")]
                if not tables or any(name.lower().endswith(".cpg") for name in names):
                    return "", ""
                body = archive.read(tables[0])
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError("file_unreadable", where=str(file), reason=str(error)) from None
    else:
        return "", ""
    text = body[32:]
    if text.isascii():
        return "", ""
    for encoding in ("utf-8", "gb18030"):
        try:
            _dbf_text(body).decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding.upper(), encoding.upper()
    return "ISO-8859-1", "ISO-8859-1"


def _dbf_text(body: bytes) -> bytes:
    """Field names and records of a DBF, without the binary parts of its header."""
    header = int.from_bytes(body[8:10], "little")
    names = [body[at : at + 11].split(b"\0")[0] for at in range(32, max(header - 1, 32), 32)]
    return b" ".join(names) + b" " + body[header:]


def _close_lines(raw: gpd.GeoDataFrame, where: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Closed polylines of a drawing as areas; open ones stay lines and are set aside later."""
    shapes = np.asarray(raw.geometry)
    closed = (shapely.get_type_id(shapes) == 1) & shapely.is_closed(shapes)
    closed &= shapely.get_num_coordinates(shapes) >= 4
    done = shapes.copy()
    done[closed] = shapely.polygons(shapely.linearrings(_rings(shapes[closed])))
    finding = Finding("dxf_closed", where, int(closed.sum()), {"open": int((~closed).sum())})
    return raw.set_geometry(done, crs=raw.crs), [finding]


def _rings(lines: np.ndarray) -> list[np.ndarray]:
    return [shapely.get_coordinates(line) for line in lines]


def _require_areas(raw: gpd.GeoDataFrame, where: str) -> gpd.GeoDataFrame:
    kinds = pd.Series(raw.geometry.geom_type).fillna("none")
    if not kinds.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any():
        raise InputError("not_areas", where=where, kinds=listed(sorted(kinds.unique())))
    return raw
