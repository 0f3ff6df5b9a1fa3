"""GeoParquet behind an address: only the row groups that an area meets are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pvplanner.errors import InputError
from pvplanner.fetch.area import Area
from pvplanner.fetch.transport import RemoteFile, Transport

MARGIN_DEG = 1e-4
"""Boxes are kept in four bytes: about a metre is lost, and so much is looked beyond."""

SIDES = ("xmin", "ymin", "xmax", "ymax")


def open_parquet(transport: Transport, url: str) -> pq.ParquetFile:
    """A Parquet file behind an address.

    Raises
    ------
    InputError
        ``fetch_garbled`` where something else came.
    """
    file = RemoteFile(transport, url)
    try:
        # Small reads of the foot and large ones of columns both go by blocks.
        return pq.ParquetFile(pa.PythonFile(file, mode="r"), pre_buffer=False)
    except pa.ArrowInvalid as error:
        file.seek(0)
        head = file.read(60).decode("utf-8", "replace").strip()
        found = head if head.startswith("<") else str(error)[:80]
        raise InputError("fetch_garbled", where=url, wanted="Parquet", found=found) from None


def read_area(
    transport: Transport, url: str, area: Area, columns: Sequence[str]
) -> Iterator[pa.Table]:
    """Rows of row groups that an area meets, with the columns that are there.

    Parameters
    ----------
    columns : sequence of str
        Those that are missing are left out; a group without statistics is read.
    """
    file = open_parquet(transport, url)
    try:
        known = [name for name in columns if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            if _meets(file.metadata.row_group(group), area):
                yield file.read_row_group(group, columns=known)
    finally:
        file.close()


def _meets(group: Any, area: Area) -> bool:
    """Whether a row group may hold something of an area."""
    ends: dict[str, tuple[float, float]] = {}
    for n in range(group.num_columns):
        column = group.column(n)
        head, _, side = column.path_in_schema.rpartition(".")
        if head.endswith("bbox") and side in SIDES:
            told = column.statistics
            if told is None or not told.has_min_max:
                return True
            ends[side] = float(told.min), float(told.max)
    if set(ends) != set(SIDES):
        return True
    box = (
        ends["xmin"][0] - MARGIN_DEG, ends["ymin"][0] - MARGIN_DEG,
        ends["xmax"][1] + MARGIN_DEG, ends["ymax"][1] + MARGIN_DEG,
    )  # fmt: skip
    return area.meets(box)
