"""A region's files by village: who lies where, and how a village's own rows are read alone.

GeoParquet whose villages lie together is read by its row groups; anything else is copied once,
village by village, into the region's folder, so that no later step reads more than it needs.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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

from pvplanner.buildings.attributes import ALIASES
from pvplanner.buildings.ledger import ALIASES as LEDGER
from pvplanner.buildings.ledger import DIMENSIONS
from pvplanner.buildings.reading import read_features
from pvplanner.errors import Finding, InputError, listed
from pvplanner.plan.site import origin_findings
from pvplanner.reading.bombs import check_parquet
from pvplanner.reading.columns import fold, knows, map_columns
from pvplanner.reading.guard import guarded
from pvplanner.reading.kinds import careful_gdal, check_vector, read_vector
from pvplanner.reading.origins import read_origin
from pvplanner.reading.tables import TextTable, read_table
from pvplanner.reading.values import natural_key
from pvplanner.region.config import Region
from pvplanner.region.headings import BOUNDARY, MORE, PARTS, VILLAGE

UNIT, ROW = "_unit", "_row"
"""Columns of copies: the village's number, and the row of the file (counted from 1)."""

MOST_AGAIN = 4.0
"""Where reading every village by its row groups would read the file more often than this, it is
copied by village once."""

STREAMED, LARGE_BYTES = (".fgb", ".gpkg"), 256_000_000
"""Files of these kinds beyond this size are not read whole."""

BATCH = 200_000
"""Features that are looked at together."""


@dataclass(frozen=True)
class Part:
    """Where rows of a unit lie: row groups of one Parquet file, and how its rows are told."""

    path: str
    groups: tuple[int, ...]
    copied: bool
    source: str
    """Name of the file as the user knows it."""
    crs: str = ""
    rows: str = ""
    """File of the unit of each row, where the source itself is read."""


@dataclass
class Unit:
    """A village of a region.

    Attributes
    ----------
    name, division_code : str
    number : int
        Its place among all, by name.
    buildings : int
    bounds : tuple of float
        West, south, east, north in the sources' own coordinates; nan where a file tells none.
    parts, ledger : list of Part
    weight, stratum
        Of a sample; 1 and empty where all villages are there.
    """

    name: str
    division_code: str
    number: int
    buildings: int
    bounds: tuple[float, float, float, float]
    parts: list[Part] = field(default_factory=list)
    ledger: list[Part] = field(default_factory=list)
    weight: float = 1.0
    stratum: str = ""
    outline: str = ""
    """Its boundary as WKT in degrees, drawn coarsely; empty where only its buildings are known."""
    error: dict[str, Any] | None = None
    """Why nothing can be read of it, where that is so."""

    @property
    def key(self) -> str:
        """``code/name``; the name alone where there is no code."""
        return f"{self.division_code}/{self.name}" if self.division_code else self.name

    @property
    def folder(self) -> str:
        """Name of the folder of its results: a number, since names may hold anything."""
        return f"u{self.number:06d}"


@dataclass
class Survey:
    """Who lies where.

    Attributes
    ----------
    units : list of Unit
        By name, in natural order.
    findings : list of Finding
        Of the files as a whole.
    """

    units: list[Unit]
    findings: list[Finding]


Step = Callable[[str, int, int], None]
"""Told the name of a step, how much is done and how much there is."""


def survey_region(region: Region, place: Path, step: Step) -> Survey:
    """Look through all files once and say which rows are whose.

    Parameters
    ----------
    region : Region
    place : Path
        Folder for copies of files that can't be read by village.
    step : callable

    Raises
    ------
    InputError
        If a file can't be read, no village is named, or a named column is not there.
    """
    place.mkdir(parents=True, exist_ok=True)
    borders = _borders(region)
    looked, broken = [], {}
    for n, path in enumerate(region.buildings):
        step("survey", n, len(region.buildings))
        try:
            looked.append(_look(region, path, borders, n, place))
        except InputError as error:
            # One file of many that can't be read is one village that is set aside.
            if len(region.buildings) == 1 or error.code == "region_column":
                raise
            broken[path] = error
    if not looked:
        raise next(iter(broken.values()))
    every = pd.concat([one.rows for one in looked], ignore_index=True)
    outside = int((every["name"] == "").sum()) if borders is not None else 0
    findings = [finding for one in looked for finding in one.findings]
    findings += _origins(region)
    if outside:
        where = Path(str(region.sources.boundaries)).name
        findings.append(Finding("region_outside", where, outside, {"all": len(every)}))
    if borders is not None:
        findings += _empty_places(borders, every, Path(str(region.sources.boundaries)).name)
    findings += _unnamed(region, looked)
    units = _units(every[every["name"] != ""])
    for path, refused in broken.items():
        told = {"code": refused.code, "where": Path(path).name, "params": dict(refused.params)}
        nothing = (float("nan"),) * 4
        units.append(Unit(region.village_of(path), "", len(units), 0, nothing, error=told))
    if not units:
        raise InputError("region_no_village", where=listed(Path(p).name for p in region.buildings))
    number = {(u.division_code, u.name): u.number for u in units if u.error is None}
    for one in looked:
        _give_parts(region, one, units, number, place)
    if borders is not None:
        _outlined(borders, units)
    if region.households:
        findings += _ledgers(region, looked, units, number, place)
    _sampled(region, units)
    return Survey(units, findings)


def _empty_places(borders: _Borders, rows: pd.DataFrame, where: str) -> list[Finding]:
    """Boundaries in which no building lies."""
    held = set(zip(rows["code"], rows["name"], strict=True))
    empty = [str(n) for c, n in zip(borders.code, borders.name, strict=True)
             if (str(c), str(n)) not in held]  # fmt: skip
    return [Finding("region_empty", where, len(empty), {"names": listed(empty)})] if empty else []


def _unnamed(region: Region, looked: Sequence[_Looked]) -> list[Finding]:
    """Rows that name no village, taken for one of the region's own name."""
    out = []
    for one in looked:
        if one.unnamed:
            params = {"name": region.name, "all": len(one.rows)}
            out.append(Finding("region_unnamed", region.told(one.name), one.unnamed, params))
    return out


def _origins(region: Region) -> list[Finding]:
    """Licences of fetched files, each source once."""
    files = [*region.buildings, *region.weather]
    files += [tile for tiles in region.rasters.values() for tile in tiles]
    files += [str(region.folder / p) for p in (region.sources.boundaries,) if p]
    told: dict[str, list[Finding]] = {}
    for path in files:
        for origin in read_origin(path):
            told.setdefault(origin["title"], origin_findings(origin, Path(path).name))
    return [finding for found in told.values() for finding in found]


@dataclass
class _Looked:
    """What was seen of one file: a row per feature."""

    path: str
    index: int
    rows: pd.DataFrame
    findings: list[Finding]
    crs: str
    frame: gpd.GeoDataFrame | None = None
    groups: list[int] = field(default_factory=list)
    unnamed: int = 0
    shown: str = ""
    """The file as the user named it, where its copy was looked at."""

    @property
    def name(self) -> str:
        """Path that the user gave."""
        return self.shown or self.path


def _look(region: Region, path: str, borders: _Borders | None, index: int, place: Path) -> _Looked:
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
    names = _names(region, pd.DataFrame(frame.drop(columns=frame.geometry.name)), path)
    rows = _told(region, path, names, bounds, borders, crs, len(frame))
    lost = _without_name(region, [names["name"]], borders)
    return _Looked(path, index, rows, findings, crs, frame, unnamed=lost)


def _without_name(region: Region, names: Sequence[np.ndarray], borders: _Borders | None) -> int:
    """How many rows name no village where one should be; a file a village need not."""
    if borders is not None and region.sources.village_column is None:
        return 0
    lost = sum(int((np.char.strip(part.astype(str)) == "").sum()) for part in names)
    whole = sum(len(part) for part in names)
    return 0 if lost == whole and len(region.buildings) > 1 else lost


def _streamed(region: Region, path: str, target: Path) -> None:
    """A file that is larger than memory may be, batch by batch as GeoParquet."""
    import pyogrio

    source = check_vector(path)
    beside = target.with_name(f".{target.name}.part")
    writer = None
    with guarded(Path(path)), careful_gdal(), pyogrio.open_arrow(
        source, layer=region.sources.layer, batch_size=BATCH // 4, use_pyarrow=True
    ) as (about, reader):  # fmt: skip
        shape = about["geometry_name"] or "wkb_geometry"
        crs = CRS.from_user_input(about["crs"]).to_json_dict() if about["crs"] else None
        geo: dict[str, Any] = {"version": "1.0.0", "primary_column": shape, "columns": {
            shape: {"encoding": "WKB", "geometry_types": [], "crs": crs}}}  # fmt: skip
        try:
            for batch in reader:
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


def _look_parquet(region: Region, path: str, borders: _Borders | None, index: int) -> _Looked:
    check_parquet(Path(path))
    with guarded(Path(path)):
        file = pq.ParquetFile(path)
        about = _geo(file, path)
        shape, crs = about["primary_column"], region.sources.crs or _crs_of(about)
        village, code = _columns_of(region, list(file.schema_arrow.names), path)
        wanted = [c for c in (village, code) if c]
        box = _box_column(file, about)
        ids = _id_column(region, file.schema_arrow.names)
        parts, groups, named = [], [], []
        for group in range(file.num_row_groups):
            columns = [*wanted, box or shape, *([ids] if ids else [])]
            table = file.read_row_group(group, columns=columns)
            bounds = _bounds_of(table[box or shape], boxed=box is not None)
            names = {
                "name": _texts(table, village), "code": _texts(table, code),
                "id": _texts(table, ids),
            }  # fmt: skip
            parts.append(_told(region, path, names, bounds, borders, crs, len(table)))
            named.append(names["name"])
            groups += [group] * len(table)
    empty = pd.DataFrame({"name": [], "code": [], "id": []}, dtype=str)
    rows = pd.concat(parts, ignore_index=True) if parts else empty
    if rows.empty:
        raise InputError("layer_empty", where=path, layer="")
    lost = _without_name(region, named, borders)
    return _Looked(path, index, rows, [], crs, None, groups, lost)


def _geo(file: Any, path: str) -> dict[str, Any]:
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


def _texts(table: Any, name: str | None) -> np.ndarray:
    if name is None:
        return np.full(len(table), "", dtype=object)
    values = table[name].combine_chunks()
    if not pa.types.is_string(values.type):
        values = values.cast(pa.string())
    return np.asarray(values.fill_null("").to_numpy(zero_copy_only=False), dtype=object)


def _columns_of(region: Region, columns: list[str], path: str) -> tuple[str | None, str | None]:
    """The columns that name a village and its code."""
    source = region.sources
    for given, key in ((source.village_column, "village_column"),
                       (source.division_column, "division_column")):  # fmt: skip
        if given is not None and given not in columns:
            known = listed(columns, 20)
            raise InputError("region_column", where=path, key=key, column=given, columns=known)
    return (
        source.village_column or _alias(columns, "village", source.columns),
        source.division_column or _alias(columns, "division_code", source.columns),
    )


def _alias(columns: Sequence[str], ours: str, given: dict[str, str]) -> str | None:
    stated = next((theirs for theirs, to in given.items() if to == ours), None)
    if stated in columns:
        return stated
    known = {fold(name) for name in (*ALIASES[ours], *MORE.get(ours, ()))}
    return next((c for c in columns if fold(str(c)) in known), None)


def _id_column(region: Region, columns: Sequence[str]) -> str | None:
    """The column of identifiers, where a ledger is to be told by them."""
    if not region.households:
        return None
    stated = next((a for a, to in region.sources.columns.items() if to == "building_id"), None)
    if stated in columns:
        return stated
    return next(
        (c for name in ALIASES["building_id"] for c in columns if fold(str(c)) == fold(name)), None
    )


def _names(region: Region, frame: pd.DataFrame, path: str) -> dict[str, np.ndarray]:
    village, code = _columns_of(region, [str(c) for c in frame.columns], path)
    ids = _id_column(region, [str(c) for c in frame.columns])

    def texts(name: str | None) -> np.ndarray:
        if name is None:
            return np.full(len(frame), "", dtype=object)
        column = frame[name]
        return column.where(column.notna(), "").astype(str).to_numpy(dtype=object)

    return {"name": texts(village), "code": texts(code), "id": texts(ids)}


def _told(
    region: Region, path: str, names: dict[str, np.ndarray], bounds: np.ndarray,
    borders: _Borders | None, crs: str, count: int,
) -> pd.DataFrame:  # fmt: skip
    """Village, code, identifier and bounds of each feature."""
    own = np.array([str(v).strip() for v in names["name"]], dtype=object)
    code = np.array([str(v).strip() for v in names["code"]], dtype=object)
    if borders is not None and region.sources.village_column is None:
        own, code = borders.of(bounds, crs)
    elif not (own != "").any():
        # A file of its own for each village, or one village alone.
        several = len(region.buildings) > 1
        own = np.full(count, region.village_of(path) if several else region.name, dtype=object)
    else:
        own[own == ""] = region.name
    flat = {"west": bounds[:, 0], "south": bounds[:, 1], "east": bounds[:, 2],
            "north": bounds[:, 3]}  # fmt: skip
    return pd.DataFrame({"name": own, "code": code, "id": names["id"], **flat})


@dataclass
class _Borders:
    """Outlines of villages, in degrees, and in the system of each file that is asked."""

    frame: gpd.GeoDataFrame
    name: np.ndarray
    code: np.ndarray
    _known: dict[str, Any] = field(default_factory=dict)

    def of(self, bounds: np.ndarray, crs: str) -> tuple[np.ndarray, np.ndarray]:
        """The village that the middle of each box lies in; empty where none."""
        if crs not in self._known:
            frame = self.frame.to_crs(CRS.from_user_input(crs)) if crs else self.frame
            self._known[crs] = shapely.STRtree(np.asarray(frame.geometry))
        middle = shapely.points((bounds[:, :2] + bounds[:, 2:]) / 2)
        lost = ~np.isfinite(bounds).all(axis=1)
        middle[lost] = None
        hit, outline = self._known[crs].query(middle, predicate="intersects")
        which = np.full(len(bounds), -1)
        # On a border that two share the first outline has it.
        which[hit[::-1]] = outline[::-1]
        name, code = (np.full(len(bounds), "", dtype=object) for _ in range(2))
        inside = which >= 0
        name[inside], code[inside] = self.name[which[inside]], self.code[which[inside]]
        return name, code


def _borders(region: Region) -> _Borders | None:
    source = region.sources
    if source.boundaries is None:
        return None
    path = region.folder / source.boundaries
    if not path.exists():
        raise InputError("file_missing", where=str(path))
    frame = read_vector(path)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None:
        raise InputError("planes_no_crs", where=path.name)
    columns = [str(c) for c in frame.columns if c != frame.geometry.name]
    name = source.boundary_name or _alias(columns, "village", {}) or next(
        (c for c in columns if fold(c) in BOUNDARY), None
    )  # fmt: skip
    if name is None or name not in columns:
        told = {"key": "boundary_name", "column": name or "village", "columns": listed(columns, 20)}
        raise InputError("region_column", where=path.name, **told)
    code = source.boundary_code or _alias(columns, "division_code", {})
    texts = [
        frame[c].where(frame[c].notna(), "").astype(str).str.strip().to_numpy(dtype=object)
        if c in columns else np.full(len(frame), "", dtype=object)
        for c in (name, code)
    ]  # fmt: skip
    return _Borders(frame, texts[0], texts[1])


def _units(rows: pd.DataFrame) -> list[Unit]:
    grouped = rows.groupby(["code", "name"], sort=False)
    box = grouped.agg(
        west=("west", "min"), south=("south", "min"), east=("east", "max"), north=("north", "max"),
        count=("name", "size"),
    ).reset_index()  # fmt: skip
    # The bulk's box: one stray outline must not make neighbours of all.
    order = sorted(range(len(box)), key=lambda n: (natural_key(box["name"][n]), box["code"][n]))
    return [
        Unit(
            str(box["name"][row]), str(box["code"][row]), n, int(box["count"][row]),
            tuple(float(box[s][row]) for s in ("west", "south", "east", "north")),  # type: ignore[arg-type]
        )
        for n, row in enumerate(order)
    ]  # fmt: skip


COARSE_DEG = 2e-4
"""Boundaries are drawn no finer on pages of a region."""


def _outlined(borders: _Borders, units: list[Unit]) -> None:
    """Boundaries for the pages."""
    shapes = np.asarray(borders.frame.to_crs(4326).geometry)
    of = {(str(c), str(n)): shapes[k] for k, (c, n) in
          enumerate(zip(borders.code, borders.name, strict=True))}  # fmt: skip
    for unit in units:
        shape = of.get((unit.division_code, unit.name))
        if shape is not None:
            coarse = shapely.set_precision(shapely.simplify(shape, COARSE_DEG), 1e-6)
            unit.outline = str(shapely.to_wkt(coarse, rounding_precision=6))


def _numbers(rows: pd.DataFrame, number: dict[tuple[str, str], int]) -> np.ndarray:
    """Number of the unit of each row; -1 where it has none."""
    both = rows["code"].astype(str) + "\0" + rows["name"].astype(str)
    codes, texts = pd.factorize(both)
    of = np.array([number.get(tuple(text.split("\0", 1)), -1) for text in texts])
    return of[codes] if len(of) else np.zeros(0, dtype=int)


def _give_parts(
    region: Region, one: _Looked, units: list[Unit], number: dict[tuple[str, str], int],
    place: Path,
) -> None:  # fmt: skip
    """Each unit's rows of a file, by row groups of it or of its copy."""
    which = _numbers(one.rows, number)
    one.rows["unit"] = which
    if one.frame is None:
        groups = np.asarray(one.groups)
        pairs = np.unique(np.column_stack([which, groups]), axis=0)
        pairs = pairs[pairs[:, 0] >= 0]
        sizes = np.bincount(groups)
        if sizes[pairs[:, 1]].sum() <= MOST_AGAIN * len(which):
            rows = place / f"rows-{one.index}.npy"
            _save(rows, which.astype(np.int32))
            for unit, own in pd.Series(pairs[:, 1]).groupby(pairs[:, 0]):
                groups_ = tuple(int(g) for g in own)
                part = Part(one.path, groups_, False, region.told(one.name), one.crs, str(rows))
                units[int(unit)].parts.append(part)
            return
    target = place / f"buildings-{one.index}.parquet"
    tables = (
        _copied_parquet(one.path, which, np.asarray(one.groups), place)
        if one.frame is None
        else _copied_frame(one.frame, which)
    )
    _write_copies(target, tables, units, region.told(one.name), "parts", one.crs)
    one.frame = None


def _save(path: Path, values: np.ndarray) -> None:
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as stream:
        np.save(stream, values)
    beside.replace(path)


def _copied_frame(frame: gpd.GeoDataFrame, which: np.ndarray) -> Iterator[tuple[int, Any]]:
    """A frame's rows village by village, as Arrow."""
    plain = _storable(pd.DataFrame(frame.drop(columns=frame.geometry.name)))
    plain[ROW] = np.arange(1, len(frame) + 1)
    plain["_wkb"] = shapely.to_wkb(np.asarray(frame.geometry))
    table = pa.Table.from_pandas(plain, preserve_index=False)
    order = np.argsort(which, kind="stable")
    known = order[which[order] >= 0]
    edges = np.flatnonzero(np.diff(which[known], prepend=-1, append=-2))
    for begin, end in itertools.pairwise(edges):
        yield int(which[known[begin]]), table.take(pa.array(known[begin:end]))


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns that Parquet holds: what is mixed or made of parts becomes text."""
    out = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object:
            known = column.dropna()
            if not known.map(lambda v: isinstance(v, str)).all():
                column = column.map(lambda v: v if v is None or v != v else str(v))
            column = column.where(column.notna(), None)
        out[str(name)] = column
    return pd.DataFrame(out, index=frame.index)


def _copied_parquet(
    path: str, which: np.ndarray, groups: np.ndarray, place: Path
) -> Iterator[tuple[int, Any]]:
    """Rows of a GeoParquet village by village, a block of villages at a time.

    The file is read once for each block, and a block is as large as what is read at a time.
    """
    file = pq.ParquetFile(path)
    shape = _geo(file, path)["primary_column"]
    known = np.sort(which[which >= 0])
    sizes = np.bincount(known)
    block = np.cumsum(sizes) // max(BATCH * 4, 1)
    for n in range(int(block.max()) + 1 if len(block) else 0):
        wanted = np.flatnonzero((block == n) & (sizes > 0))
        held = []
        for group in range(file.num_row_groups):
            rows = np.flatnonzero(groups == group)
            own = np.isin(which[rows], wanted)
            if own.any():
                table = file.read_row_group(group).take(pa.array(np.flatnonzero(own)))
                table = table.rename_columns([
                    "_wkb" if c == shape else c for c in table.column_names
                ])  # fmt: skip
                told = table.append_column(ROW, pa.array(rows[own] + 1))
                held.append(told.append_column(UNIT, pa.array(which[rows][own])))
        every = pa.concat_tables(held)
        unit = every[UNIT].to_numpy()
        every = every.drop_columns([UNIT])
        order = np.argsort(unit, kind="stable")
        edges = np.flatnonzero(np.diff(unit[order], prepend=-1, append=-2))
        for begin, end in itertools.pairwise(edges):
            yield int(unit[order[begin]]), every.take(pa.array(order[begin:end]))


def _write_copies(
    target: Path, tables: Iterable[tuple[int, Any]], units: list[Unit], source: str, kind: str,
    crs: str = "",
) -> None:  # fmt: skip
    """A row group a village; beside its place first, and renamed there whole."""
    beside = target.with_name(f".{target.name}.part")
    writer, group = None, 0
    try:
        for unit, table in tables:
            writer = writer or pq.ParquetWriter(beside, table.schema, compression="zstd")
            table = table.cast(writer.schema)
            writer.write_table(table, row_group_size=max(len(table), 1))
            getattr(units[unit], kind).append(Part(str(target), (group,), True, source, crs))
            group += 1
    finally:
        if writer is not None:
            writer.close()
    if writer is not None:
        beside.replace(target)


def _ledgers(
    region: Region, looked: list[_Looked], units: list[Unit],
    number: dict[tuple[str, str], int], place: Path,
) -> list[Finding]:  # fmt: skip
    """Each unit's rows of the ledgers: by their village, else by the buildings that they name."""
    of_id: dict[str, int] | None = None
    findings: list[Finding] = []
    by_name: dict[str, list[int]] = {}
    for (_, name), n in number.items():
        by_name.setdefault(name, []).append(n)
    for index, path in enumerate(region.households):
        if path.lower().endswith(".parquet"):
            read = _ledger_parquet(path)
        else:
            read = read_table(path, knows(LEDGER, DIMENSIONS))
        columns = [str(c) for c in read.rows.columns]
        village = _alias(columns, "village", {})
        code = _alias(columns, "division_code", {})
        if village is not None:
            which = _by_village(read.rows, village, code, number, by_name)
        else:
            of_id = of_id if of_id is not None else _ids(looked, region)
            which = _by_building(read, of_id, region, path)
        lost = int((which < 0).sum())
        if lost:
            findings.append(Finding("region_ledger_lost", Path(path).name, lost,
                                    {"all": len(which)}))  # fmt: skip
        held = {str(c): pa.array(read.rows[c], pa.string(), from_pandas=True)
                for c in read.rows.columns}  # fmt: skip
        whole = pa.table({**held, ROW: pa.array(read.rows.index.to_numpy(dtype=np.int64))})
        target = place / f"households-{index}.parquet"
        _write_copies(target, _by_unit(whole, which), units, region.told(path), "ledger")
        findings += read.findings
    return findings


def _by_village(
    rows: pd.DataFrame, village: str, code: str | None, number: dict[tuple[str, str], int],
    by_name: dict[str, list[int]],
) -> np.ndarray:  # fmt: skip
    """The unit of each row by its village's name, and its code where several have the name."""
    names = rows[village].fillna("").astype(str).str.strip()
    codes = rows[code].fillna("").astype(str).str.strip() if code else pd.Series("", rows.index)
    which, texts = pd.factorize(codes + "\0" + names)
    found = []
    for text in texts:
        own, _, name = str(text).partition("\0")
        alone = by_name.get(name, [])
        found.append(number.get((own, name), alone[0] if len(alone) == 1 else -1))
    return np.asarray(found, dtype=int)[which]


def _by_unit(table: Any, which: np.ndarray) -> Iterator[tuple[int, Any]]:
    order = np.argsort(which, kind="stable")
    order = order[which[order] >= 0]
    edges = np.flatnonzero(np.diff(which[order], prepend=-1, append=-2))
    for begin, end in itertools.pairwise(edges):
        yield int(which[order[begin]]), table.take(pa.array(order[begin:end]))


def _ledger_parquet(path: str) -> TextTable:
    """A ledger in Parquet, its values as text like those of any other."""
    check_parquet(Path(path))
    with guarded(Path(path)):
        table = pq.read_table(path)
    names = [c for c in table.column_names if not c.startswith("__index")]
    rows = pa.table({name: table[name].cast(pa.string()) for name in names}).to_pandas()
    rows.index = pd.RangeIndex(2, len(rows) + 2)
    return TextTable(rows)


def _ids(looked: list[_Looked], region: Region) -> dict[str, int]:
    """The unit of each building's identifier; -1 where several villages have the same."""
    out: dict[str, int] = {}
    for one in looked:
        for name, unit in zip(one.rows["id"], one.rows["unit"], strict=True):
            text = str(name).removesuffix(".0")
            if text:
                out[text] = int(unit) if out.get(text, unit) == unit else -1
    return out


def _by_building(read: TextTable, of_id: dict[str, int], region: Region, path: str) -> np.ndarray:
    mapped = map_columns(
        list(read.rows.columns), LEDGER, where=path, given=region.sources.household_columns,
        dimensions=DIMENSIONS,
    )  # fmt: skip
    column = mapped.used.get("building_id")
    if column is None:
        known = listed(read.rows.columns, 20)
        raise InputError(
            "region_column", where=path, key="village", column="village", columns=known
        )
    out = np.full(len(read.rows), -1)
    for n, value in enumerate(read.rows[column]):
        if isinstance(value, str):
            first = re.split(f"[{PARTS}]", value)[0]
            out[n] = of_id.get(first.strip().removesuffix(".0"), -1)
    return out


def _sampled(region: Region, units: list[Unit]) -> None:
    """What each drawn village stands for."""
    if region.sources.sample is None:
        return
    from pvplanner.reading.tables import read_small_table

    path = region.folder / region.sources.sample
    table = read_small_table(path)
    names = {fold(str(c)): c for c in table.columns}
    village = next((names[fold(n)] for n in VILLAGE if fold(n) in names), None)
    if village is None or "weight" not in names:
        told = {"key": "sample", "column": "village, weight", "columns": listed(table.columns)}
        raise InputError("region_column", where=path.name, **told)
    known = {u.name: u for u in units} | {u.key: u for u in units}
    for row in table.to_dict("records"):
        unit = known.get(str(row[village]))
        weight = row[names["weight"]]
        if unit is None or not isinstance(weight, int | float) or not weight > 0:
            raise InputError(
                "region_sample_row", where=path.name, village=str(row[village]), weight=str(weight)
            )
        unit.weight = float(weight)
        unit.stratum = str(row[names["stratum"]]) if "stratum" in names else ""


def read_unit(unit: Unit) -> gpd.GeoDataFrame:
    """A unit's features as they stand in the files, nothing else read.

    Raises
    ------
    InputError
        If a file is not what it was when the region was looked through.
    """
    return joined([_read_part(part, unit.number) for part in unit.parts])


def joined(frames: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Features of several files, in the system of the first."""
    first = frames[0]
    if len(frames) == 1:
        return first
    same = [f if f.crs == first.crs or f.crs is None else f.to_crs(first.crs) for f in frames]
    return gpd.GeoDataFrame(pd.concat(same, ignore_index=True), crs=first.crs)


def _read_part(part: Part, number: int) -> gpd.GeoDataFrame:
    with guarded(Path(part.path)):
        file = pq.ParquetFile(part.path)
        if part.copied:
            table = file.read_row_groups(list(part.groups))
            shape, crs = "_wkb", part.crs
        else:
            about = _geo(file, part.path)
            shape, crs = about["primary_column"], part.crs
            which = np.load(part.rows, mmap_mode="r")
            table = _own_rows(file, part.groups, which, number)
    shapes = shapely.from_wkb(table[shape].to_numpy(), on_invalid="ignore")
    keep = [c for c in table.column_names if c not in (shape, ROW, "bbox")]
    plain = table.select(keep).to_pandas()
    return gpd.GeoDataFrame(plain, geometry=shapely.force_2d(shapes), crs=crs or None)


def _own_rows(file: Any, groups: Iterable[int], which: np.ndarray, number: int) -> Any:
    sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
    start = np.concatenate([[0], np.cumsum(sizes)])
    if start[-1] != len(which):
        raise InputError("region_file_changed", where=str(file.reader), rows=int(start[-1]))
    parts = []
    for group in groups:
        own = np.flatnonzero(which[start[group] : start[group + 1]] == number)
        table = file.read_row_group(group)
        parts.append(table if len(own) == len(table) else table.take(pa.array(own)))
    return pa.concat_tables(parts)


def read_ledger(unit: Unit) -> TextTable | None:
    """A unit's rows of the ledgers; ``None`` where no ledger names it."""
    parts = []
    for part in unit.ledger:
        with guarded(Path(part.path)):
            table = pq.ParquetFile(part.path).read_row_groups(list(part.groups))
        rows = table.drop_columns([ROW]).to_pandas()
        rows.index = pd.Index(table[ROW].to_numpy())
        parts.append(rows)
    return TextTable(pd.concat(parts)) if parts else None


def read_neighbours(unit: Unit, units: Sequence[Unit], reach: float) -> gpd.GeoDataFrame | None:
    """Features of other units within reach of a unit's own; ``None`` where there are none.

    Parameters
    ----------
    reach : float
        In the units of the sources' coordinates.
    """
    west, south, east, north = unit.bounds
    box = (west - reach, south - reach, east + reach, north + reach)
    found = []
    for other in units:
        if other.number == unit.number or not _meet(other.bounds, box):
            continue
        frame = read_unit(other)
        near = frame[_within(shapely.bounds(np.asarray(frame.geometry)), box)]
        if len(near):
            found.append(near)
    return joined(found) if found else None


def _meet(one: Sequence[float], box: Sequence[float]) -> bool:
    return one[0] <= box[2] and one[2] >= box[0] and one[1] <= box[3] and one[3] >= box[1]


def _within(bounds: np.ndarray, box: Sequence[float]) -> np.ndarray:
    return np.asarray(
        (bounds[:, 0] <= box[2]) & (bounds[:, 2] >= box[0])
        & (bounds[:, 1] <= box[3]) & (bounds[:, 3] >= box[1])
    )  # fmt: skip


def as_json(survey: Survey) -> dict[str, Any]:
    """A survey as JSON has it."""
    return {
        "units": [
            {**vars(unit), "parts": [vars(p) for p in unit.parts],
             "ledger": [vars(p) for p in unit.ledger]}
            for unit in survey.units
        ],
        "findings": [f.plain() for f in survey.findings],
    }  # fmt: skip


def from_json(told: dict[str, Any]) -> Survey:
    """Inverse of :func:`as_json`."""

    def part(one: dict[str, Any]) -> Part:
        return Part(**{**one, "groups": tuple(one["groups"])})

    units = [
        Unit(**{
            **one, "bounds": tuple(one["bounds"]), "parts": [part(p) for p in one["parts"]],
            "ledger": [part(p) for p in one["ledger"]],
        })
        for one in told["units"]
    ]  # fmt: skip
    return Survey(units, [Finding.from_dict(f) for f in told["findings"]])
