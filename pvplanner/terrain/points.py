"""Point clouds as a surface: LAS and LAZ gridded to the heights of what is seen from above."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from scipy import ndimage

from pvplanner.errors import Finding, InputError
from pvplanner.reading.guard import guarded

SUFFIXES = (".las", ".laz")
CHUNK = 2_000_000
CELLS_M = (0.25, 0.5, 1.0)
EACH = 2.0
"""Cells are as small as leaves so many points in each."""

SPARSE = 2.0
"""Points a square metre under which roof planes fall to pieces: seen on made clouds."""

MOST_CELLS = 400_000_000
TOP_M = 0.5
"""What lies so far below the highest point of a cell is of the same surface."""

NOISE_CLASSES = (7, 18)
"""Low and high noise in the classes of LAS 1.4 (ASPRS)."""


def is_points(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a point cloud."""
    return Path(path).suffix.lower() in SUFFIXES


class Grid(NamedTuple):
    """Heights of what is seen from above; see :func:`grid_points`.

    Attributes
    ----------
    heights : float32 array
        ``nan`` where no point fell.
    west, north, cell : float
        In the file's own system.
    crs : CRS or None
    density : float
        Points for each square of the system's unit.
    """

    heights: np.ndarray
    west: float
    north: float
    cell: float
    crs: Any
    density: float


@contextmanager
def open_points(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A point cloud as an open raster of heights; see :func:`grid_points`.

    Raises
    ------
    InputError
        As :func:`grid_points`.
    """
    grid = _known_grid(path)
    rows, columns = grid.heights.shape
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": np.nan,
               "crs": grid.crs, "height": rows, "width": columns,
               "transform": Affine(grid.cell, 0, grid.west, 0, -grid.cell, grid.north)}  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(grid.heights, 1)
            unit = _vertical_unit(grid.crs)
            if unit:
                target.units = (unit,)
        with memory.open() as source:
            yield source


def sparse_points(path: str | os.PathLike[str]) -> list[Finding]:
    """Whether a cloud has too few points for roofs."""
    density = _known_grid(path).density
    if density >= SPARSE:
        return []
    return [Finding("points_sparse", Path(path).name, params={"density": f"{density:.1f}"})]


def _known_grid(path: str | os.PathLike[str]) -> Grid:
    told = Path(path).stat()
    return grid_points(str(path), told.st_mtime_ns, told.st_size)


def _vertical_unit(crs: Any) -> str:
    parts = [part for part in crs.sub_crs_list if part.is_vertical] if crs is not None else []
    return str(parts[0].axis_info[0].unit_name).lower() if parts else ""


@lru_cache(maxsize=1)
def grid_points(path: str, changed: int, size: int) -> Grid:
    """Heights of what is seen from above: the mean of the highest points of each cell.

    Parameters
    ----------
    path : str
    changed, size : int
        Of the file, by which a grid that was made is known again.

    Raises
    ------
    InputError
        If the extra ``points`` is not installed, or the file is no point cloud, is empty, or
        covers more than can be gridded.
    """
    file = Path(path)
    with file.open("rb") as stream:
        if stream.read(4) != b"LASF":
            raise InputError("file_kind", where=file.name, suffix=file.suffix, found="-")
    with _opened(file) as reader:
        crs = reader.header.parse_crs()
        count, (west, south, east, north) = _extent(reader)
    if count == 0:
        raise InputError("file_unreadable", where=file.name, reason="0 points")
    area = max((east - west) * (north - south), 1e-9)
    cell = _cell(count / area)
    west, north = float(np.floor(west / cell) * cell), float(np.ceil(north / cell) * cell)
    shape = int((north - south) / cell) + 1, int((east - west) / cell) + 1
    if shape[0] * shape[1] > MOST_CELLS:
        raise InputError("file_bomb", where=file.name, megabytes=shape[0] * shape[1] // 250_000)
    heights = _closed(_highest(file, west, north, cell, shape)).astype(np.float32)
    return Grid(heights, west, north, cell, crs, count / area)


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        import laspy
    except ImportError:
        raise InputError("laspy_missing", where=file.name) from None
    with guarded(file), laspy.open(file) as reader:
        yield reader


def _highest(
    file: Path, west: float, north: float, cell: float, shape: tuple[int, int]
) -> np.ndarray:
    """Mean of each cell's highest points; ``nan`` where none fell."""
    top = np.full(shape[0] * shape[1], -np.inf, dtype=np.float32)
    with _opened(file) as reader:
        for where, z in _chunks(reader, west, north, cell, shape):
            np.maximum.at(top, where, z)
    total, count = np.zeros(top.size, dtype=np.float64), np.zeros(top.size, dtype=np.int32)
    with _opened(file) as reader:
        for where, z in _chunks(reader, west, north, cell, shape):
            held = z >= top[where] - TOP_M
            total += np.bincount(where[held], z[held], minlength=top.size)
            count += np.bincount(where[held], minlength=top.size).astype(np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total / count).reshape(shape))


def _cell(density: float) -> float:
    """The smallest cell that holds enough points in the mean."""
    wanted = np.sqrt(EACH / density)
    return next((cell for cell in CELLS_M if cell >= wanted), CELLS_M[-1])


def _chunks(
    reader: Any, west: float, north: float, cell: float, shape: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cell numbers and heights of points that are no noise, some millions at a time."""
    for x, y, z in _sound(reader):
        j = np.clip(((x - west) / cell).astype(np.int64), 0, shape[1] - 1)
        i = np.clip(((north - y) / cell).astype(np.int64), 0, shape[0] - 1)
        yield i * shape[1] + j, z.astype(np.float32)


def _extent(reader: Any) -> tuple[int, tuple[float, float, float, float]]:
    """How many points are no noise, and west, south, east and north of these.

    The header's own counts noise too, which may lie anywhere.
    """
    count, low, high = 0, np.full(2, np.inf), np.full(2, -np.inf)
    for x, y, _ in _sound(reader):
        if len(x):
            count += len(x)
            low = np.minimum(low, (x.min(), y.min()))
            high = np.maximum(high, (x.max(), y.max()))
    return count, (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _sound(reader: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Places and heights of points that are no noise, some millions at a time.

    Raises
    ------
    EOFError
        If there are fewer points than the header says.
    """
    left = int(reader.header.point_count)
    for points in reader.chunk_iterator(CHUNK):
        left -= len(points)
        keep = ~np.isin(np.asarray(points.classification), NOISE_CLASSES)
        if "withheld" in points.point_format.dimension_names:
            keep &= np.asarray(points.withheld) == 0
        x, y, z = (
            np.asarray(axis, dtype=np.float64)[keep] for axis in (points.x, points.y, points.z)
        )
        yield x, y, z
    if left > 0:
        raise EOFError(f"{left} points are missing")


def _closed(heights: np.ndarray) -> np.ndarray:
    """Single empty cells among known ones take their mean."""
    known = np.isfinite(heights)
    weight = ndimage.uniform_filter(known.astype(np.float64), 3) * 9
    mean = ndimage.uniform_filter(np.where(known, heights, 0.0), 3) * 9
    fill = ~known & (weight >= 4.5)
    return np.where(fill, mean / np.maximum(weight, 1e-9), heights)
