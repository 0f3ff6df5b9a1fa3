"""What a village reads of a region's files: its own rows, and its neighbours' over the border."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from pvplanner.errors import InputError, PVPlannerError
from pvplanner.projection import boxes_from_degrees
from pvplanner.reading.guard import guarded
from pvplanner.reading.tables import TextTable
from pvplanner.region.copies import ROW
from pvplanner.region.looking import geo_of
from pvplanner.region.units import Part, Unit


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


def _opened(path: str) -> Any:
    """A Parquet file; what stands at its end is read once for all villages that lie in it.

    It tells of every row group: of a thousand reading it takes 5 ms, a hundredth of a village.
    """
    told = os.stat(path)
    return pq.ParquetFile(path, metadata=_foot(path, told.st_size, told.st_mtime_ns))


@lru_cache(maxsize=16)
def _foot(path: str, size: int, changed: int) -> Any:
    return pq.read_metadata(path)


def _read_part(part: Part, number: int) -> gpd.GeoDataFrame:
    with guarded(Path(part.path)):
        file = _opened(part.path)
        if part.copied:
            table = file.read_row_groups(list(part.groups))
            shape, crs = "_wkb", part.crs
        else:
            about = geo_of(file, part.path)
            shape, crs = about["primary_column"], part.crs
            which = np.load(part.rows, mmap_mode="r")
            table = _own_rows(file, part, which, number)
    shapes = shapely.from_wkb(table[shape].to_numpy(), on_invalid="ignore")
    keep = [c for c in table.column_names if c not in (shape, ROW, "bbox")]
    plain = table.select(keep).to_pandas()
    return gpd.GeoDataFrame(plain, geometry=shapely.force_2d(shapes), crs=crs or None)


def _own_rows(file: Any, part: Part, which: np.ndarray, number: int) -> Any:
    sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
    start = np.concatenate([[0], np.cumsum(sizes)])
    if start[-1] != len(which):
        raise InputError("region_file_changed", where=part.source, rows=int(start[-1]))
    parts = []
    for group in part.groups:
        own = np.flatnonzero(which[start[group] : start[group + 1]] == number)
        table = file.read_row_group(group)
        parts.append(table if len(own) == len(table) else table.take(pa.array(own)))
    return pa.concat_tables(parts)


def read_ledgers(unit: Unit) -> list[tuple[str, TextTable]]:
    """A unit's rows of each ledger that names it, with the ledger's name."""
    out = []
    for part in unit.ledger:
        with guarded(Path(part.path)):
            table = _opened(part.path).read_row_groups(list(part.groups))
        rows = table.drop_columns([ROW]).to_pandas()
        rows.index = pd.Index(table[ROW].to_numpy())
        out.append((part.source, TextTable(rows, title=part.title)))
    return out


def read_neighbours(unit: Unit, units: Sequence[Unit], reach: float) -> gpd.GeoDataFrame | None:
    """Features of other units within reach of a unit's own; ``None`` where there are none.

    A neighbour that can't be read is no neighbour: its own error is told of itself.

    Parameters
    ----------
    reach : float
        Metres.
    """
    box = np.array([unit.reach(reach)])
    found = []
    for other in unit.near(units, reach):
        with suppress(PVPlannerError):
            for part in other.parts:
                frame = _read_part(part, other.number)
                own = boxes_from_degrees(box, frame.crs)[0]
                near = frame[_within(shapely.bounds(np.asarray(frame.geometry)), own)]
                if len(near):
                    found.append(near)
    return joined(found) if found else None


def _within(bounds: np.ndarray, box: Sequence[float]) -> np.ndarray:
    return np.asarray(
        (bounds[:, 0] <= box[2]) & (bounds[:, 2] >= box[0])
        & (bounds[:, 1] <= box[3]) & (bounds[:, 3] >= box[1])
    )  # fmt: skip
