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
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import rasterio.dtypes
import rasterio.features
import rasterio.warp
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from pvplanner.errors import Finding, InputError
from pvplanner.reading import guarded
from pvplanner.reading.kinds import SETTINGS, check_raster
from pvplanner.reading.systems import check_crs
from pvplanner.terrain.points import is_points, open_points, sparse_points
from pvplanner.terrain.unknown import HIGHEST_M, LOWEST_M, unknown_values

COARSE_M = 0.9
"""Measured on made roofs seen in means over cells."""

FINEST_M = 0.25
"""Finer surface models are averaged to this cell: planes need no more, and noise gets less."""

_FEET = {"ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us-ft": 1200 / 3937}
_FEET |= {"us survey foot": 1200 / 3937, "foot_us": 1200 / 3937, "ftus": 1200 / 3937}
_METRES = {"", "m", "metre", "meter", "metres", "meters"}
HEIGHT_UNITS = ("auto", "m", "ft", "us-ft", "dm", "cm", "mm")
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

    @property
    def coarse(self) -> bool:
        """Whether cells are so large that a roof's ridge and walls lie blurred in them."""
        return self.cell >= COARSE_M

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
    findings : list of Finding
        What of the file's own statements was not believed.
    unit_stated : bool
        Whether the file or the user says in what unit heights are.
    """

    def __init__(
        self, view: Any, path: str, factor: float, offset: float, unknown: tuple[float, ...]
    ) -> None:
        self._view, self._factor, self._offset, self._unknown = view, factor, offset, unknown
        self.path = path
        self.cell = float(view.transform.a)
        self.bounds = tuple(view.bounds)
        self.findings: list[Finding] = []
        self.unit_stated = True

    @property
    def warped(self) -> bool:
        """Whether cells are made of their neighbours' as they are read."""
        return isinstance(self._view, WarpedVRT)

    @property
    def name(self) -> str:
        """The file's name."""
        return os.path.basename(self.path)

    def read(self, bounds: tuple[float, float, float, float]) -> Patch:
        """Heights in a window, whole cells around ``bounds`` (west, south, east, north).

        Raises
        ------
        InputError
            If the file breaks off there.
        """
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
            with guarded(self.path):
                raw = self._view.read(1, window=Window(left, top, right - left, bottom - top))
            known = np.isfinite(raw) if raw.dtype.kind == "f" else np.ones(raw.shape, dtype=bool)
            for value in self._unknown:
                known &= raw != value
            part = raw * self._factor + self._offset
            part[~known | (part < LOWEST_M) | (part > HIGHEST_M)] = np.nan
            heights[top - i0 : bottom - i0, left - j0 : right - j0] = part
        return Patch(heights, west + j0 * self.cell, north - i0 * self.cell, self.cell)


@contextmanager
def open_raster(
    path: str | os.PathLike[str], crs: Any, *, finest: float = FINEST_M, unit: str = "auto"
) -> Iterator[Raster]:
    """Open a raster of heights.

    Parameters
    ----------
    path : path-like
        Any raster that GDAL reads, of which the first band is taken; or a point cloud.
    crs : CRS
        The village's CRS, in metres; windows are asked for and given in it.
    finest : float
        Smallest cell, metres.
    unit : str
        Of the heights, one of :data:`HEIGHT_UNITS`; ``auto``: as the file says.

    Yields
    ------
    Raster

    Raises
    ------
    InputError
        If the file is missing or unreadable, has no CRS or one that can't be its own, holds a
        picture, or heights in an unknown unit.
    """
    name = os.path.basename(os.fspath(path))
    if not os.path.exists(path):
        raise InputError("file_missing", where=str(path))
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=128, **SETTINGS))
        opened = open_points(path) if is_points(path) else None
        driver = "" if opened else check_raster(path)
        with guarded(path):
            source = stack.enter_context(opened or rasterio.open(path, driver=driver))
            if "OVERVIEW_FILE" in source.tags(ns="OVERVIEWS"):
                raise InputError("file_reaches", where=name, what="OVERVIEW_FILE")
            check_crs(source.crs, name)
            _check_kind(source, name)
            factor, offset, findings, stated = _to_metres(source, name, unit)
            unknown, more = unknown_values(source, factor, offset, name)
            view = _seen_in(source, CRS.from_user_input(crs), finest, unknown, stack)
        raster = Raster(view, os.fspath(path), factor, offset, unknown)
        few = sparse_points(path) if opened else []
        raster.findings, raster.unit_stated = findings + more + few, stated
        yield raster


def _check_kind(source: Any, name: str) -> None:
    """A picture, or coordinates that can't be what is stated, are no heights of this place."""
    if source.count >= 3 and np.dtype(source.dtypes[0]) == np.uint8:
        raise InputError("raster_photo", where=name, bands=source.count)
    if source.crs is None:
        raise InputError("raster_no_crs", where=name)
    west, south, east, north = source.bounds
    if source.crs.is_geographic and (
        max(abs(west), abs(east)) > 361 or max(abs(south), abs(north)) > 91
    ):
        extent = ", ".join(f"{v:.6g}" for v in (west, south, east, north))
        raise InputError(
            "raster_not_degrees", where=name, extent=extent, crs=source.crs.to_string()
        )


def _to_metres(source: Any, name: str, given: str) -> tuple[float, float, list[Finding], bool]:
    """Factor and offset from stored values to metres; whether anybody said the unit."""
    findings: list[Finding] = []
    unit = given if given != "auto" else (source.units[0] or "").strip().lower()
    stated = bool(unit) or bool(_vertical_unit(source.crs))
    if not unit:
        unit = _vertical_unit(source.crs)
    if not unit:
        plane = str(source.crs.linear_units).lower() if source.crs.is_projected else ""
        if plane in _FEET:
            # Heights are drawn in the unit of the plan unless somebody says otherwise.
            unit = plane
            findings.append(Finding("raster_unit_taken", name, params={"unit": plane}))
    known = {**dict.fromkeys(_METRES, 1.0), **_FEET, **_SMALL}
    if unit not in known:
        raise InputError("raster_unit", where=name, unit=unit)
    factor = known[unit]
    return float(source.scales[0]) * factor, float(source.offsets[0]) * factor, findings, stated


def _vertical_unit(crs: Any) -> str:
    try:
        parts = CRS.from_wkt(crs.to_wkt()).sub_crs_list
    except CRSError:
        return ""
    for part in parts:
        if part.is_vertical:
            return str(part.axis_info[0].unit_name).lower()
    return ""


def _seen_in(
    source: Any, crs: CRS, finest: float, unknown: tuple[float, ...], stack: ExitStack
) -> Any:
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
    corners = [shape @ corner for corner in ((0, 0), (source.width, 0), (0, source.height),
                                             (source.width, source.height))]  # fmt: skip
    xs, ys = [c[0] for c in corners], [c[1] for c in corners]
    west, south, east, north = rasterio.warp.transform_bounds(
        source.crs, target, min(xs), min(ys), max(xs), max(ys), densify_pts=21
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
    if len(unknown) > 1:
        source = stack.enter_context(rasterio.open(_one_unknown(source, unknown)))
    if unknown:
        options["src_nodata"] = options["nodata"] = unknown[0]
    elif np.dtype(source.dtypes[0]).kind == "f":
        options["nodata"] = np.nan
    return stack.enter_context(WarpedVRT(source, **options))


def _one_unknown(source: Any, unknown: tuple[float, ...]) -> str:
    """A virtual raster in which a second value for "unknown" reads as the first."""
    t, kind = source.transform, rasterio.dtypes._gdal_typename(source.dtypes[0])
    size = f'xOff="0" yOff="0" xSize="{source.width}" ySize="{source.height}"'
    place = ", ".join(repr(float(v)) for v in (t.c, t.a, t.b, t.f, t.d, t.e))
    path = escape(os.path.abspath(source.name))
    return (
        f'<VRTDataset rasterXSize="{source.width}" rasterYSize="{source.height}">'
        f"<SRS>{escape(source.crs.to_wkt())}</SRS><GeoTransform>{place}</GeoTransform>"
        f'<VRTRasterBand dataType="{kind}" band="1"><NoDataValue>{unknown[0]!r}</NoDataValue>'
        f'<ComplexSource><SourceFilename relativeToVRT="0">{path}</SourceFilename>'
        f"<SourceBand>1</SourceBand><SrcRect {size}/><DstRect {size}/>"
        f"<NODATA>{unknown[1]!r}</NODATA></ComplexSource></VRTRasterBand></VRTDataset>"
    )


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
