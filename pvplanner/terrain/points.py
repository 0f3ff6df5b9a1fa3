"""Point clouds as a surface: LAS and LAZ gridded to the heights of what is seen from above."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from scipy import ndimage

from pvplanner.errors import InputError
from pvplanner.reading.guard import guarded

SUFFIXES = (".las", ".laz")
CHUNK = 2_000_000
CELLS_M = (0.25, 0.5, 1.0)
EACH = 2.0
"""Cells are as small as leaves so many points in each."""

MOST_CELLS = 400_000_000
TOP_M = 0.5
"""What lies so far below the highest point of a cell is of the same surface."""

NOISE_CLASSES = (7, 18)


def is_points(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a point cloud."""
    return Path(path).suffix.lower() in SUFFIXES


@contextmanager
def open_points(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A point cloud as an open raster of heights; see :func:`grid_points`.

    Raises
    ------
    InputError
        As :func:`grid_points`.
    """
    file = Path(path)
    told = file.stat()
    heights, west, north, cell, crs = grid_points(str(file), told.st_mtime_ns, told.st_size)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": np.nan, "crs": crs,
               "height": heights.shape[0], "width": heights.shape[1],
               "transform": Affine(cell, 0, west, 0, -cell, north)}  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(heights, 1)
            unit = _vertical_unit(crs)
            if unit:
                target.units = (unit,)
        with memory.open() as source:
            yield source


def _vertical_unit(crs: Any) -> str:
    parts = [part for part in crs.sub_crs_list if part.is_vertical] if crs is not None else []
    return str(parts[0].axis_info[0].unit_name).lower() if parts else ""


@lru_cache(maxsize=1)
def grid_points(path: str, changed: int, size: int) -> tuple[np.ndarray, float, float, float, Any]:
    """Heights of what is seen from above: the mean of the highest points of each cell.

    Parameters
    ----------
    path : str
    changed, size : int
        Of the file, by which a grid that was made is known again.

    Returns
    -------
    heights : float32 array
        ``nan`` where no point fell.
    west, north, cell : float
        In the file's own system.
    crs : CRS or None

    Raises
    ------
    InputError
        If the extra ``points`` is not installed, or the file is no point cloud, is empty, or
        covers more than can be gridded.
    """
    try:
        import laspy
    except ImportError:
        raise InputError("laspy_missing", where=Path(path).name) from None
    file = Path(path)
    with file.open("rb") as stream:
        if stream.read(4) != b"LASF":
            raise InputError("file_kind", where=file.name, suffix=file.suffix, found="-")
    with guarded(path), laspy.open(path) as reader:
        head = reader.header
        crs = head.parse_crs()
        west, south = (float(v) for v in head.mins[:2])
        east, north = (float(v) for v in head.maxs[:2])
        if head.point_count == 0 or not np.isfinite([west, south, east, north]).all():
            raise InputError("file_unreadable", where=file.name, reason="0 points")
        cell = _cell(head.point_count, (east - west) * (north - south))
        west, north = np.floor(west / cell) * cell, np.ceil(north / cell) * cell
        shape = int((north - south) / cell) + 1, int((east - west) / cell) + 1
        if shape[0] * shape[1] > MOST_CELLS:
            raise InputError("file_bomb", where=file.name, megabytes=shape[0] * shape[1] // 250_000)
        top = np.full(shape, -np.inf, dtype=np.float32)
        for where, z in _chunks(reader, west, north, cell, shape):
            np.maximum.at(top.ravel(), where, z)
    total, count = np.zeros(top.size, dtype=np.float64), np.zeros(top.size, dtype=np.int32)
    with guarded(path), laspy.open(path) as reader:
        for where, z in _chunks(reader, west, north, cell, shape):
            held = z >= top.ravel()[where] - TOP_M
            total += np.bincount(where[held], z[held], minlength=top.size)
            count += np.bincount(where[held], minlength=top.size).astype(np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        heights = (total / count).reshape(shape)
    return _closed(heights).astype(np.float32), float(west), float(north), cell, crs


def _cell(points: int, area: float) -> float:
    """The smallest cell that holds enough points in the mean."""
    wanted = np.sqrt(EACH * max(area, 1e-9) / points)
    return next((cell for cell in CELLS_M if cell >= wanted), CELLS_M[-1])


def _chunks(
    reader: Any, west: float, north: float, cell: float, shape: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cell numbers and heights of points that are no noise, some millions at a time."""
    left = int(reader.header.point_count)
    for points in reader.chunk_iterator(CHUNK):
        left -= len(points)
        keep = ~np.isin(np.asarray(points.classification), NOISE_CLASSES)
        if "withheld" in points.point_format.dimension_names:
            keep &= np.asarray(points.withheld) == 0
        x, y, z = (
            np.asarray(axis, dtype=np.float64)[keep] for axis in (points.x, points.y, points.z)
        )
        j = np.clip(((x - west) / cell).astype(np.int64), 0, shape[1] - 1)
        i = np.clip(((north - y) / cell).astype(np.int64), 0, shape[0] - 1)
        yield i * shape[1] + j, z.astype(np.float32)
    if left > 0:
        raise EOFError(f"{left} points are missing")


def _closed(heights: np.ndarray) -> np.ndarray:
    """Single empty cells among known ones take their mean."""
    known = np.isfinite(heights)
    weight = ndimage.uniform_filter(known.astype(np.float64), 3) * 9
    mean = ndimage.uniform_filter(np.where(known, heights, 0.0), 3) * 9
    fill = ~known & (weight >= 4.5)
    return np.where(fill, mean / np.maximum(weight, 1e-9), heights)
