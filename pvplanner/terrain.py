"""Terrain: windows of surface, terrain and elevation rasters, in metres and in the village's CRS.

The only room that opens rasters. A raster in another CRS, on a grid in degrees, rotated or finer
than is of use is warped on the fly, window by window; the whole is never in memory.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
import rasterio.features
import rasterio.warp
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from pvplanner.errors import InputError

FINEST_M = 0.25
"""Finer surface models are averaged to this cell: planes need no more, and noise gets less."""

_FEET = {"ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us-ft": 1200 / 3937}
_FEET |= {"us survey foot": 1200 / 3937, "foot_us": 1200 / 3937, "ftus": 1200 / 3937}
_METRES = {"", "m", "metre", "meter", "metres", "meters"}
_SMALL = {"cm": 0.01, "centimetre": 0.01, "centimeter": 0.01, "mm": 0.001, "dm": 0.1}


@dataclass(frozen=True)
class Patch:
    """A window of heights.

    Attributes
    ----------
    heights : ndarray
        (rows, columns), metres, ``nan`` where nothing is known; the first row is the north.
    west, north : float
        Outer corner of the first cell, in the village's CRS.
    cell : float
        Metres.
    """

    heights: np.ndarray
    west: float
    north: float
    cell: float

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Heights of the cells that hold points; ``nan`` outside."""
        rows, cols = self.heights.shape
        j = np.floor((np.asarray(x) - self.west) / self.cell).astype(np.int64)
        i = np.floor((self.north - np.asarray(y)) / self.cell).astype(np.int64)
        held = (i >= 0) & (j >= 0) & (i < rows) & (j < cols)
        out = np.full(i.shape, np.nan)
        out[held] = self.heights[i[held], j[held]]
        return out


class Raster:
    """An open raster of heights, as seen in the village's CRS.

    Attributes
    ----------
    cell : float
        Metres.
    bounds : tuple of float
        West, south, east, north in the village's CRS.
    """

    def __init__(self, view: Any, factor: float, offset: float, nodata: float | None) -> None:
        self._view, self._factor, self._offset, self._nodata = view, factor, offset, nodata
        self.cell = float(view.transform.a)
        self.bounds = tuple(view.bounds)

    def read(self, bounds: tuple[float, float, float, float]) -> Patch:
        """Heights in a window, whole cells around ``bounds`` (west, south, east, north)."""
        west, north = self.bounds[0], self.bounds[3]
        j0, i0 = (
            math.floor((bounds[0] - west) / self.cell),
            math.floor((north - bounds[3]) / self.cell),
        )
        j1, i1 = (
            math.ceil((bounds[2] - west) / self.cell),
            math.ceil((north - bounds[1]) / self.cell),
        )
        heights = np.full((max(i1 - i0, 1), max(j1 - j0, 1)), np.nan)
        left, top = max(j0, 0), max(i0, 0)
        right, bottom = min(j1, self._view.width), min(i1, self._view.height)
        if right > left and bottom > top:
            raw = self._view.read(1, window=Window(left, top, right - left, bottom - top))
            known = np.isfinite(raw) if raw.dtype.kind == "f" else np.ones(raw.shape, dtype=bool)
            if self._nodata is not None and not np.isnan(self._nodata):
                known &= raw != self._nodata
            part = raw * self._factor + self._offset
            part[~known | (np.abs(part) > 1e5)] = np.nan
            heights[top - i0 : bottom - i0, left - j0 : right - j0] = part
        return Patch(heights, west + j0 * self.cell, north - i0 * self.cell, self.cell)


@contextmanager
def open_raster(
    path: str | os.PathLike[str], crs: Any, *, finest: float = FINEST_M
) -> Iterator[Raster]:
    """Open a raster of heights.

    Parameters
    ----------
    path : path-like
        Any raster that GDAL reads; the first band is taken.
    crs : CRS
        The village's CRS, in metres; windows are asked for and given in it.
    finest : float
        Smallest cell, metres.

    Yields
    ------
    Raster

    Raises
    ------
    InputError
        If the file is missing or unreadable, has no CRS, or heights in an unknown unit.
    """
    name = os.path.basename(os.fspath(path))
    if not os.path.exists(path):
        raise InputError("file_missing", where=str(path))
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=128))
        try:
            source = stack.enter_context(rasterio.open(path))
        except RasterioError as error:
            raise InputError("file_unreadable", where=str(path), reason=str(error)) from None
        if source.crs is None:
            raise InputError("raster_no_crs", where=name)
        factor, offset = _to_metres(source, name)
        view = _seen_in(source, CRS.from_user_input(crs), finest, stack)
        yield Raster(view, factor, offset, view.nodata)


def _to_metres(source: Any, name: str) -> tuple[float, float]:
    """Factor and offset from stored values to metres: the band's scale and unit."""
    unit = (source.units[0] or "").strip().lower()
    if not unit:
        unit = _vertical_unit(source.crs)
    known = {**dict.fromkeys(_METRES, 1.0), **_FEET, **_SMALL}
    if unit not in known:
        raise InputError("raster_unit", where=name, unit=unit)
    return float(source.scales[0]) * known[unit], float(source.offsets[0]) * known[unit]


def _vertical_unit(crs: Any) -> str:
    try:
        parts = CRS.from_wkt(crs.to_wkt()).sub_crs_list
    except CRSError:
        return ""
    for part in parts:
        if part.is_vertical:
            return str(part.axis_info[0].unit_name).lower()
    return ""


def _seen_in(source: Any, crs: CRS, finest: float, stack: ExitStack) -> Any:
    """The source itself where it fits as it is, else a warped view of it."""
    shape = source.transform
    upright = shape.b == 0 and shape.d == 0 and shape.a > 0 and shape.e < 0
    square = upright and math.isclose(shape.a, -shape.e, rel_tol=1e-6)
    own = CRS.from_wkt(source.crs.to_wkt())
    own = next((part for part in own.sub_crs_list if not part.is_vertical), own)
    same = own.equals(crs, ignore_axis_order=True) or own.to_epsg(min_confidence=70) == crs.to_epsg(
        min_confidence=70
    )
    same = same and own.is_projected
    if same and square and shape.a >= finest * 0.999:
        return source
    target = rasterio.crs.CRS.from_wkt(crs.to_wkt())
    west, south, east, north = rasterio.warp.transform_bounds(
        source.crs, target, *source.bounds, densify_pts=21
    )
    cell = _natural_cell(source, target)
    size = max(cell, finest)
    how = Resampling.average if size > 1.5 * cell else Resampling.bilinear
    options = {
        "crs": target,
        "transform": Affine(size, 0, west, 0, -size, north),
        "width": max(1, math.ceil((east - west) / size)),
        "height": max(1, math.ceil((north - south) / size)),
        "resampling": how,
    }
    if source.nodata is None and np.dtype(source.dtypes[0]).kind == "f":
        options["nodata"] = np.nan
    return stack.enter_context(WarpedVRT(source, **options))


def _natural_cell(source: Any, target: Any) -> float:
    """The raster's cell in metres of the target, at its middle."""
    t, i, j = source.transform, source.height // 2, source.width // 2
    steps = ((0, 0), (1, 0), (0, 1))
    xs = [t.a * (j + u) + t.b * (i + v) + t.c for u, v in steps]
    ys = [t.d * (j + u) + t.e * (i + v) + t.f for u, v in steps]
    x, y = rasterio.warp.transform(source.crs, target, xs, ys)
    return min(math.hypot(x[1] - x[0], y[1] - y[0]), math.hypot(x[2] - x[0], y[2] - y[0]))


def trace(labels: np.ndarray, west: float, north: float, cell: float) -> list[tuple[int, Any]]:
    """Outlines of the areas of like labels over 0: label and GeoJSON geometry."""
    found = rasterio.features.shapes(
        labels.astype(np.int16),
        mask=labels > 0,
        connectivity=4,
        transform=Affine(cell, 0, west, 0, -cell, north),
    )
    return [(int(value), shape) for shape, value in found]


def write_heights(
    path: str | os.PathLike[str], heights: np.ndarray, corner: tuple[float, float], cell: float,
    crs: str,
) -> None:  # fmt: skip
    """Write a raster of heights.

    Parameters
    ----------
    heights : ndarray
        Metres; the first row is the northernmost.
    corner : tuple of float
        West and north edge, in the units of ``crs``.
    cell : float
    """
    rows, columns = heights.shape
    place = Affine(cell, 0.0, corner[0], 0.0, -cell, corner[1])
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs=crs,
        transform=place,
    ) as target:  # fmt: skip
        target.write(heights.astype("float32"), 1)
