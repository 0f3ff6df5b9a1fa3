"""Rows of a file village by village: by its row groups, or as a copy made once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from pvplanner.region.config import Region
from pvplanner.region.looking import BATCH, Looked, geo_of
from pvplanner.region.units import Part, Unit

UNIT, ROW = "_unit", "_row"
"""Columns of copies: the village's number, and the row of the file (counted from 1)."""

MOST_AGAIN = 4.0
"""Where reading every village by its row groups would read the file more often than this, it is
copied by village once."""


def give_parts(
    region: Region, one: Looked, units: list[Unit], number: dict[tuple[str, str], int],
    place: Path,
) -> None:  # fmt: skip
    """Each unit's rows of a file, by row groups of it or of its copy."""
    of = [number.get(pair, -1) for pair in one.places.numbers]
    which = one.unit = np.array(of, dtype=np.int64)[one.place]
    if one.frame is None:
        groups = one.groups
        sizes = np.bincount(groups)
        both = np.unique(which * len(sizes) + groups)
        pairs = np.column_stack(np.divmod(both, max(len(sizes), 1)))
        pairs = pairs[pairs[:, 0] >= 0]
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
        _copied_parquet(one.path, which, one.groups, place)
        if one.frame is None
        else _copied_frame(one.frame, which)
    )
    write_copies(target, tables, units, region.told(one.name), "parts", one.crs)
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
    yield from by_unit(table, which)


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
    shape = geo_of(file, path)["primary_column"]
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
        yield from by_unit(every.drop_columns([UNIT]), every[UNIT].to_numpy())


def by_unit(table: Any, which: np.ndarray) -> Iterator[tuple[int, Any]]:
    """Rows grouped by their unit; those of none are left out."""
    order = np.argsort(which, kind="stable")
    order = order[which[order] >= 0]
    edges = np.flatnonzero(np.diff(which[order], prepend=-1, append=-2))
    begin = 0
    # To take some rows costs as much as the whole table is long: villages are taken many at once.
    while begin < len(edges) - 1:
        end = int(np.searchsorted(edges, edges[begin] + BATCH, side="right")) - 1
        end = max(end, begin + 1)
        first = edges[begin]
        block = table.take(pa.array(order[first : edges[end]]))
        for at, until in itertools.pairwise(edges[begin : end + 1]):
            yield int(which[order[at]]), block.slice(at - first, until - at)
        begin = end


def write_copies(
    target: Path, tables: Iterable[tuple[int, Any]], units: list[Unit], source: str, kind: str,
    crs: str = "", title: str = "",
) -> None:  # fmt: skip
    """A row group a village; beside its place first, and renamed there whole."""
    beside = target.with_name(f".{target.name}.part")
    writer, group = None, 0
    try:
        for unit, table in tables:
            writer = writer or pq.ParquetWriter(beside, table.schema, compression="zstd")
            table = table.cast(writer.schema)
            writer.write_table(table, row_group_size=max(len(table), 1))
            part = Part(str(target), (group,), True, source, crs, title=title)
            getattr(units[unit], kind).append(part)
            group += 1
    finally:
        if writer is not None:
            writer.close()
    if writer is not None:
        beside.replace(target)
