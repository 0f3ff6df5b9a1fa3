"""What a file may be opened as: its suffix names the driver, its first bytes must agree.

A file comes from anybody. GDAL asks every driver it has whether a file is theirs, and some of them
fetch what the file names. So only files whose bytes are what their suffix says are handed on, and
none that names an address, another file or a program.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pvplanner.errors import InputError, listed
from pvplanner.reading.bombs import HEAD, check_archive, check_workbook, has_entities
from pvplanner.reading.guard import guarded
from pvplanner.reading.systems import check_crs, is_named, systems_of

MOST_XML = 50_000_000

SETTINGS = {
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "-",
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE": "SIBLING_OR_CHILD_OF_VRT_PATH",
    "GML_SKIP_RESOLVE_ELEMS": "ALL",
    "LIBKML_RESOLVE_STYLE": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
}
"""GDAL's own settings while it reads: a second wall behind the first."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    driver : str
        GDAL's name; empty where GDAL has no part in it.
    begins : tuple of bytes
        First bytes, blanks and a byte order mark left out for text; empty: any.
    look : callable, optional
        What else is held against the file; raises ``InputError``.
    """

    driver: str
    begins: tuple[bytes, ...] = ()
    look: Callable[[Path], None] | None = None


_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def check_vector(path: str | os.PathLike[str]) -> str:
    """What GDAL may open for a vector file.

    Raises
    ------
    InputError
        If the suffix is none of a vector file, the bytes are another kind's, or the file names an
        address or another file.
    """
    file = Path(path)
    _check(file, VECTORS)
    return _within(file) if file.suffix.lower() == ".zip" else str(file)


def _within(file: Path) -> str:
    """What of a zip is opened: its one shapefile or geodatabase, wherever in it that lies."""
    base = f"/vsizip/{file.resolve().as_posix()}"
    with zipfile.ZipFile(file) as archive:
        names = [n for n in archive.namelist() if "__MACOSX" not in n]
    shapes = [n for n in names if n.lower().endswith(".shp")]
    tables = {n.rpartition("/")[0] for n in names if n.lower().endswith(".gdbtable")}
    if len(shapes) == 1:
        return f"{base}/{shapes[0]}"
    folders = tables or {n.rpartition("/")[0] for n in shapes}
    return f"{base}/{folders.pop()}".rstrip("/") if len(folders) == 1 else base


def check_raster(path: str | os.PathLike[str]) -> str:
    """GDAL's name of the only driver that may open a raster.

    Raises
    ------
    InputError
        As :func:`check_vector`.
    """
    file = Path(path)
    kind = _check(file, RASTERS)
    for suffix in (".ovr", ".msk"):
        beside = file.with_name(file.name + suffix)
        if beside.exists() and not _head(beside).startswith(_TIFF):
            raise InputError("file_kind", where=beside.name, suffix=suffix, found=_seems(beside))
    for beside in (file.with_name(f"{file.name}.aux.xml"), file.with_suffix(".aux.xml")):
        if beside.exists():
            _check_aux(beside)
    return kind.driver


@contextmanager
def careful_gdal() -> Iterator[None]:
    """GDAL as pyogrio has it, with :data:`SETTINGS`; before and after as it was."""
    import pyogrio

    before = {name: pyogrio.get_gdal_config_option(name) for name in SETTINGS}
    pyogrio.set_gdal_config_options(SETTINGS)
    try:
        yield
    finally:
        # It answers with numbers and flags where it takes texts.
        pyogrio.set_gdal_config_options(
            {name: None if value is None else str(value) for name, value in before.items()}
        )


def read_vector(path: str | os.PathLike[str], **options: Any) -> Any:
    """A layer of a vector file as a frame, by the driver of its suffix alone.

    Parameters
    ----------
    path : path-like
        One of :data:`VECTORS`.
    **options
        Of :func:`pyogrio.read_dataframe`.

    Raises
    ------
    InputError
        If it can't be read, or is not what its suffix says.
    """
    import pyogrio

    source = check_vector(path)
    with guarded(path), careful_gdal():
        read = pyogrio.read_dataframe(source, **options)
    check_crs(getattr(read, "crs", None), Path(path).name)
    return read


def vector_headings(path: str | os.PathLike[str]) -> list[str]:
    """Names of a vector file's columns; none where it can't be read."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        source = check_vector(path)
        with careful_gdal():
            return [str(name) for name in pyogrio.read_info(source)["fields"]]
    except (InputError, DataLayerError, DataSourceError, OSError, ValueError):
        return []


def _check(file: Path, kinds: Mapping[str, Kind]) -> Kind:
    suffix = file.suffix.lower()
    kind = kinds.get(suffix)
    if kind is None:
        known = listed(sorted(kinds), 20)
        raise InputError("suffix_unread", where=file.name, suffix=suffix or "-", known=known)
    if not (file.is_file() or file.is_dir()):
        raise InputError("file_missing", where=str(file))
    with guarded(file):
        if kind.begins and not file.is_dir() and not _head(file).startswith(kind.begins):
            raise InputError("file_kind", where=file.name, suffix=suffix, found=_seems(file))
        if kind.look is not None:
            kind.look(file)
    return kind


def _head(file: Path) -> bytes:
    """First bytes, without a byte order mark and leading blanks."""
    with file.open("rb") as stream:
        head = stream.read(HEAD)
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return bare if bare[:1] in (b"{", b"<", b"[", b"0", b"9") else head


_SEEMS = (
    (b"SQLite format 3", "SQLite, GeoPackage"), (b"PK\x03\x04", "zip"), (b"PAR1", "Parquet"),
    (b"fgb", "FlatGeobuf"), (b"\x00\x00\x27\x0a", "Shapefile"), (b"<VRT", "GDAL VRT"),
    (b"<OGRVRT", "OGR VRT"), (b"<GDAL_WMS", "GDAL WMS"), (b"<WMS", "WMS"), (b"<WFS", "WFS"),
    (b"<OGRWFS", "WFS"), (b"WFS:", "WFS"), (b"<!DOCTYPE html", "HTML"), (b"<html", "HTML"),
    (b"\x89PNG", "PNG"), (b"\xff\xd8", "JPEG"), (b"AC10", "DWG"), (b"%PDF", "PDF"),
    (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0", "Excel 97"), *((head, "TIFF") for head in _TIFF), (b"<", "XML"),
    (b"{", "JSON"),
)  # fmt: skip


def _seems(file: Path) -> str:
    """What a file's first bytes look like."""
    head = _head(file)
    if not head:
        return "0 B"
    folded = head[:32].lower()
    found = (name for begin, name in _SEEMS if folded.startswith(begin.lower()))
    return next(found, ascii(head[:12].decode("latin-1")))


def _xml(file: Path) -> ElementTree.Element:
    """The root of a small XML file without entities."""
    if file.stat().st_size > MOST_XML:
        raise InputError("file_bomb", where=file.name, megabytes=file.stat().st_size // 1_000_000)
    body = file.read_bytes()
    if has_entities(body):
        raise InputError("file_entities", where=file.name, within="DOCTYPE")
    with guarded(file):
        return ElementTree.fromstring(body)


def _check_aux(file: Path) -> None:
    """Statistics and a place are what stands beside a raster; a file of overviews is not."""
    for element in _xml(file).iter():
        told = " ".join([element.text or "", *element.attrib.values()])
        if "OVERVIEW_FILE" in told or element.tag in ("SourceFilename", "SourceDataset"):
            raise InputError("file_reaches", where=file.name, what=told.strip()[:60])


def _look_json(file: Path) -> None:
    """GeoJSON whose coordinate system is a link, or names a file, would be asked of it."""
    body = file.read_bytes()
    # A key may be spelled with escapes; without either no coordinate system can stand there.
    if not re.search(rb'"crs"|\\u', body):
        return
    lines = body.splitlines() if file.suffix.lower() in _BY_LINE else [body]
    for line in lines:
        for crs in systems_of(line):
            told = crs.get("properties") if isinstance(crs, dict) else crs
            if not is_named(crs):
                what = json.dumps(told, ensure_ascii=False)[:80]
                raise InputError("file_reaches", where=file.name, what=what)


_BY_LINE = (".geojsonl", ".geojsons", ".ndjson", ".jsonl")


def _look_package(file: Path) -> None:
    """A GeoPackage holds tables and their trees; a virtual table may read another file."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as base:
        try:
            rows = base.execute(
                "SELECT name, sql FROM sqlite_master WHERE sql LIKE 'create virtual%'"
            ).fetchall()
        except sqlite3.DatabaseError as error:
            reason = str(error)
            raise InputError("file_unreadable", where=file.name, reason=reason) from None
    for name, sql in rows:
        using = re.search(r"\busing\s+[\"']?(\w+)", sql, re.I)
        if using is None or using[1].casefold() not in ("rtree", "fts3", "fts4", "fts5"):
            raise InputError("file_reaches", where=file.name, what=f"VIRTUAL TABLE {name}")


def _look_zip(file: Path) -> None:
    """A zip holds a shapefile; nothing else in it is opened."""
    parts = check_archive(file)
    names = [part.filename for part in parts if not part.is_dir()]
    shapes = [n for n in names if n.lower().endswith(".shp") and "__MACOSX" not in n]
    tables = [n for n in names if n.lower().endswith(".gdbtable")]
    if not shapes and not tables:
        raise InputError("zip_holds", where=file.name, names=listed(names, 5) or "-")
    with zipfile.ZipFile(file) as archive:
        for name in shapes:
            with archive.open(name) as stream:
                if not stream.read(4).startswith(b"\x00\x00\x27\x0a"):
                    raise InputError("file_kind", where=f"{file.name}: {name}", suffix=".shp",
                                     found="-")  # fmt: skip


def _look_kml(file: Path) -> None:
    _xml(file)


def _look_kmz(file: Path) -> None:
    check_workbook(file)


def _look_folder(file: Path) -> None:
    if not file.is_dir() or not (file / "a00000001.gdbtable").is_file():
        raise InputError("file_kind", where=file.name, suffix=".gdb", found="-")


_FOREIGN = {"pixelfunctiontype", "pixelfunctioncode", "pixelfunctionlanguage", "sourcedataset",
            "gdalwarpoptions", "processingsteps", "openoptions", "pansharpeningoptions",
            "imageoffset", "sourcearray", "sourceband2", "step"}  # fmt: skip


def _look_mosaic(file: Path) -> None:
    """A virtual mosaic of rasters that are there and are what their suffix says."""
    root = _xml(file)
    if root.tag != "VRTDataset":
        raise InputError("file_kind", where=file.name, suffix=".vrt", found=root.tag[:40])
    for element in root.iter():
        own = element.attrib.get("subClass", "VRTSourcedRasterBand")
        if element.tag.casefold() in _FOREIGN or own != "VRTSourcedRasterBand":
            what = f"{element.tag} {element.attrib.get('subClass', '')}".strip()
            raise InputError("file_reaches", where=file.name, what=what)
        if element.tag != "SourceFilename":
            continue
        name = (element.text or "").strip()
        relative = element.attrib.get("relativeToVRT") == "1"
        tile = file.parent / name if relative else Path(name)
        if tile.suffix.lower() == ".vrt" or tile.suffix.lower() not in RASTERS or "/vsi" in name:
            raise InputError("file_reaches", where=file.name, what=name[:80])
        check_raster(tile)


_JSON = Kind("GeoJSON", (b"{",), _look_json)
_LINES = Kind("GeoJSONSeq", (b"{", b"\x1e"), _look_json)

VECTORS: Mapping[str, Kind] = {
    ".gpkg": Kind("GPKG", (b"SQLite format 3\x00",), _look_package),
    ".geojson": _JSON,
    ".json": _JSON,
    **dict.fromkeys(_BY_LINE, _LINES),
    ".shp": Kind("ESRI Shapefile", (b"\x00\x00\x27\x0a",)),
    ".zip": Kind("ESRI Shapefile", (b"PK\x03\x04",), _look_zip),
    ".gdb": Kind("OpenFileGDB", (), _look_folder),
    ".dxf": Kind("DXF", (b"0", b"999", b"AutoCAD Binary DXF")),
    ".fgb": Kind("FlatGeobuf", (b"fgb",)),
    ".kml": Kind("KML", (b"<",), _look_kml),
    ".kmz": Kind("LIBKML", (b"PK\x03\x04",), _look_kmz),
}
"""Vector files by suffix. GeoParquet is read by pyarrow: see :func:`check_parquet`."""

RASTERS: Mapping[str, Kind] = {
    ".tif": Kind("GTiff", _TIFF),
    ".tiff": Kind("GTiff", _TIFF),
    ".vrt": Kind("VRT", (b"<",), _look_mosaic),
    ".asc": Kind("AAIGrid"),
    ".img": Kind("HFA", (b"EHFA_HEADER_TAG",)),
    ".hgt": Kind("SRTMHGT"),
    ".bil": Kind("EHdr"),
    ".flt": Kind("EHdr"),
    ".png": Kind("PNG", (b"\x89PNG",)),
    ".jpg": Kind("JPEG", (b"\xff\xd8",)),
    ".jp2": Kind("JP2OpenJPEG", (b"\x00\x00\x00\x0cjP",)),
}
"""Rasters by suffix."""
