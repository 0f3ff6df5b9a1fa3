"""A look at a file of buildings: whose each is and where it lies, without its attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from pvplanner.buildings.reading import read_features
from pvplanner.errors import Finding, InputError
from pvplanner.reading.bombs import check_parquet
from pvplanner.reading.guard import guarded
from pvplanner.reading.kinds import careful_gdal, check_vector
from pvplanner.reading.values import plain_text
from pvplanner.region.borders import Borders
from pvplanner.region.config import Region
from pvplanner.region.naming import columns_of, id_column, names_of, texts_of

STREAMED, LARGE_BYTES = (".fgb", ".gpkg"), 256_000_000
"""Files of these kinds beyond this size are not read whole."""


BATCH = 200_000
"""Features that are looked at together."""


class Places:
    """Villages that a file's features name, how many each has, and where they lie.

    Of a feature no more is kept than the number of its village: a region has millions.
    """

    def __init__(self) -> None:
        self.numbers: dict[tuple[str, str], int] = {}
        self._written: list[str] = []
        self._low: list[np.ndarray] = []
        self._high: list[np.ndarray] = []
        self._count: list[int] = []

    def add(self, code: np.ndarray, name: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Number of the village of each of some features; of one name in two spellings the same."""
        (a, codes), (b, names) = pd.factorize(code), pd.factorize(name)
        pairs, own = np.unique(a * len(names) + b, return_inverse=True)
        low, high = (np.full((len(pairs), 2), np.nan) for _ in range(2))
        np.fmin.at(low, own, bounds[:, :2])
        np.fmax.at(high, own, bounds[:, 2:])
        counts = np.bincount(own, minlength=len(pairs))
        of = np.empty(len(pairs), dtype=np.int32)
        for n, pair in enumerate(pairs):
            written = str(names[pair % len(names)])
            key = (str(codes[pair // len(names)]), plain_text(written))
            at = of[n] = self.numbers.setdefault(key, len(self.numbers))
            if at == len(self._count):
                self._written.append(written)
                self._low.append(low[n])
                self._high.append(high[n])
                self._count.append(int(counts[n]))
                continue
            self._low[at] = np.fmin(self._low[at], low[n])
            self._high[at] = np.fmax(self._high[at], high[n])
            self._count[at] += int(counts[n])
        return of[own]

    def table(self) -> pd.DataFrame:
        """``code``, ``plain`` (the name under one spelling), ``name`` (as first written), ``west``,
        ``south``, ``east``, ``north`` in the file's own system, ``count``.
        """
        told = pd.DataFrame(list(self.numbers), columns=["code", "plain"], dtype=object)
        low, high = (np.reshape(ends, (-1, 2)) for ends in (self._low, self._high))
        return told.assign(
            name=self._written, west=low[:, 0], south=low[:, 1], east=high[:, 0], north=high[:, 1],
            count=np.array(self._count, dtype=np.int64),
        )  # fmt: skip


@dataclass
class Looked:
    """What was seen of one file.

    Attributes
    ----------
    places : Places
    place : ndarray of int32
        Number of the village of each feature.
    groups : ndarray of int32
        Row group of each feature, of Parquet.
    ids : list of Arrow arrays
        Identifier of each feature, where a ledger may name it.
    unit : ndarray of int
        Number of the unit of each feature, as soon as that is known; -1 for none.
    shown : str
        The file as the user named it, where its copy was looked at.
    """

    path: str
    index: int
    places: Places
    place: np.ndarray
    findings: list[Finding]
    crs: str
    frame: gpd.GeoDataFrame | None = None
    groups: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    ids: list[Any] = field(default_factory=list)
    unit: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    unnamed: int = 0
    shown: str = ""

    @property
    def name(self) -> str:
        """Path that the user gave."""
        return self.shown or self.path


def look_at(region: Region, path: str, borders: Borders | None, index: int, place: Path) -> Looked:
    """Whose the rows of a file are and where they lie.

    Parameters
    ----------
    region : Region
    path : str
        The ``index``-th file of buildings.
    borders : Borders or None
        Villages by their outlines, where these decide.
    index : int
    place : Path
        Folder for a copy that can be read by village, where the file is large and can't.

    Raises
    ------
    InputError
        If the file is missing, unreadable or names no village.
    """
    if not Path(path).exists():
        raise InputError("file_missing", where=path)
    if path.lower().endswith((".parquet", ".geoparquet")):
        return _look_parquet(region, path, borders, index)
    if path.lower().endswith(STREAMED) and Path(path).stat().st_size > LARGE_BYTES:
        copy = place / f"streamed-{index}.parquet"
        _streamed(region, path, copy)
        return replace(_look_parquet(region, str(copy), borders, index), shown=path)
    frame, findings = read_features(path, layer=region.sources.layer)
    frame = frame.reset_index(drop=True)
    bounds = shapely.bounds(np.asarray(frame.geometry))
    crs = region.sources.crs or (frame.crs.to_wkt() if frame.crs is not None else "")
    names = names_of(region, pd.DataFrame(frame.drop(columns=frame.geometry.name)), path)
    places = Places()
    whose = places.add(*_told(region, path, names, bounds, borders, crs), bounds)
    lost = _without_name(region, _blank(names), len(whose), borders)
    ids = [pa.array(names["id"], pa.string())] if region.households else []
    return Looked(path, index, places, whose, findings, crs, frame, ids=ids, unnamed=lost)


def _streamed(region: Region, path: str, target: Path) -> None:
    """A file that is larger than memory may be, batch by batch as GeoParquet."""
    import pyogrio

    source = check_vector(path)
    beside = target.with_name(f".{target.name}.part")
    writer = None
    batches = pyogrio.open_arrow(
        source, layer=region.sources.layer, batch_size=BATCH // 4, use_pyarrow=True
    )
    with careful_gdal(), _entered(batches, path) as (about, reader):
        shape = about["geometry_name"] or "wkb_geometry"
        crs = CRS.from_user_input(about["crs"]).to_json_dict() if about["crs"] else None
        geo: dict[str, Any] = {"version": "1.0.0", "primary_column": shape, "columns": {
            shape: {"encoding": "WKB", "geometry_types": [], "crs": crs}}}  # fmt: skip
        try:
            for batch in _read_on(reader, path):
                table = pa.Table.from_batches([batch])
                plain = pa.array(table[shape].to_pylist(), pa.binary())
                at = table.schema.get_field_index(shape)
                table = table.set_column(at, shape, plain)
                table = table.replace_schema_metadata({b"geo": json.dumps(geo).encode()})
                writer = writer or pq.ParquetWriter(beside, table.schema, compression="zstd")
                writer.write_table(table)
        finally:
            if writer is not None:
                writer.close()
    if writer is None:
        raise InputError("layer_empty", where=path, layer="")
    beside.replace(target)


@contextmanager
def _entered(batches: Any, path: str) -> Iterator[Any]:
    """A layer's batches; only what reading raises is the file's fault, not what writing does."""
    with ExitStack() as held:
        with guarded(Path(path)):
            told = held.enter_context(batches)
        yield told


def _read_on(reader: Any, path: str) -> Iterator[Any]:
    """The batches, each read under guard."""
    every = iter(reader)
    while True:
        with guarded(Path(path)):
            batch = next(every, None)
        if batch is None:
            return
        yield batch


def _look_parquet(region: Region, path: str, borders: Borders | None, index: int) -> Looked:
    check_parquet(Path(path))
    with guarded(Path(path)):
        file = pq.ParquetFile(path)
        about = geo_of(file, path)
        shape, crs = about["primary_column"], region.sources.crs or _crs_of(about)
        village, code = columns_of(region, list(file.schema_arrow.names), path)
        wanted = [c for c in (village, code) if c]
        box = _box_column(file, about)
        ids = id_column(region, file.schema_arrow.names)
        places, parts, ids_, blank = Places(), [], [], 0
        for group in range(file.num_row_groups):
            columns = [*wanted, box or shape, *([ids] if ids else [])]
            table = file.read_row_group(group, columns=columns)
            bounds = _bounds_of(table[box or shape], boxed=box is not None)
            names = {
                ours: texts_of(None if name is None else table[name].to_pandas(), len(table),
                               written=ours == "name")
                for ours, name in (("name", village), ("code", code), ("id", ids))
            }  # fmt: skip
            parts.append(places.add(*_told(region, path, names, bounds, borders, crs), bounds))
            blank += _blank(names)
            if ids:
                ids_.append(pa.array(names["id"], pa.string()))
    sizes = [len(part) for part in parts]
    if not sum(sizes):
        raise InputError("layer_empty", where=path, layer="")
    groups = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    lost = _without_name(region, blank, sum(sizes), borders)
    return Looked(path, index, places, np.concatenate(parts), [], crs, None, groups, ids_,
                  unnamed=lost)  # fmt: skip


def geo_of(file: Any, path: str) -> dict[str, Any]:
    """What a GeoParquet file says of its geometry."""
    read = (file.schema_arrow.metadata or {}).get(b"geo")
    if read is None:
        raise InputError("not_areas", where=path, kinds="-")
    told: dict[str, Any] = json.loads(read)
    return told


def _crs_of(about: dict[str, Any]) -> str:
    """Of a GeoParquet's geometry; what states none is in degrees (the format's own rule)."""
    column = about["columns"][about["primary_column"]]
    if "crs" not in column:
        return str(CRS.from_user_input("OGC:CRS84").to_wkt())
    return str(CRS.from_json_dict(column["crs"]).to_wkt()) if column["crs"] else ""


def _box_column(file: Any, about: dict[str, Any]) -> str | None:
    """The column of bounding boxes, where the file says that it has one."""
    cover = about["columns"][about["primary_column"]].get("covering", {}).get("bbox")
    name = cover["xmin"][0] if cover else "bbox"
    if name not in file.schema_arrow.names:
        return None
    kind = file.schema_arrow.field(name).type
    fields = {"xmin", "ymin", "xmax", "ymax"}
    return name if pa.types.is_struct(kind) and fields <= {f.name for f in kind} else None


def _bounds_of(column: Any, *, boxed: bool) -> np.ndarray:
    if boxed:
        whole = column.combine_chunks()
        names = ("xmin", "ymin", "xmax", "ymax")
        return np.column_stack([np.asarray(whole.field(n), dtype=float) for n in names])
    return shapely.bounds(shapely.from_wkb(column.to_numpy(), on_invalid="ignore"))


def _told(
    region: Region, path: str, names: dict[str, np.ndarray], bounds: np.ndarray,
    borders: Borders | None, crs: str,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Code and village of each feature."""
    own, code = names["name"].copy(), names["code"]
    if borders is not None and region.sources.village_column is None:
        own, code = borders.of(bounds, crs)
    elif not (own != "").any():
        # A file of its own for each village, or one village alone.
        several = len(region.buildings) > 1
        own[:] = region.village_of(path) if several else region.name
    else:
        own[own == ""] = region.name
    return code, own


def _blank(names: dict[str, np.ndarray]) -> int:
    return int((names["name"] == "").sum())


def _without_name(region: Region, lost: int, whole: int, borders: Borders | None) -> int:
    """How many rows name no village where one should be; a file a village need not."""
    if borders is not None and region.sources.village_column is None:
        return 0
    return 0 if lost == whole and len(region.buildings) > 1 else lost
