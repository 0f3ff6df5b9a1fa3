"""Windows of elevation tiles, opened as any file, as one raster of an area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import rasterio
import rasterio.transform
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window, from_bounds

from pvplanner.errors import InputError
from pvplanner.reading import guarded

VOID_M = -500.0
"""No land lies lower: voids are delivered as very low heights."""


def cut_heights(files: Sequence[tuple[str, Any]], box: tuple[float, float, float, float]) -> bytes:
    """Heights of a box in degrees as a compressed GeoTIFF.

    Parameters
    ----------
    files : sequence of tuple of str and file
        Tiles in degrees, opened for reading; each tells its own place. Where none reaches, the
        height is nought: the sea.
    box : tuple of float
        West, south, east, north.

    Raises
    ------
    InputError
        If a tile is no raster in degrees.
    """
    west, south, east, north = box
    heights, place = None, None
    for name, file in files:
        with guarded(name), rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), \
                rasterio.open(file, driver="GTiff") as tile:  # fmt: skip
            if tile.crs is None or not tile.crs.is_geographic:
                raise InputError("planes_no_crs", where=name)
            if place is None:
                cell = abs(tile.transform.e)
                # Cells of the first tile's own grid: its origin is half a cell off the degree.
                left = tile.transform.c + np.floor((west - tile.transform.c) / cell) * cell
                top = tile.transform.f + np.ceil((north - tile.transform.f) / cell) * cell
                shape = int(np.ceil((top - south) / cell)), int(np.ceil((east - left) / cell))
                place = rasterio.transform.from_origin(left, top, cell, cell)
                heights = np.zeros(shape, dtype=np.float32)
            assert heights is not None
            _lay(tile, heights, place)
    assert heights is not None
    heights[~(heights > VOID_M)] = np.nan
    with MemoryFile() as held:
        with held.open(
            driver="GTiff", width=heights.shape[1], height=heights.shape[0], count=1,
            dtype="float32", crs="EPSG:4326", transform=place, nodata=float("nan"),
            compress="deflate", predictor=3, tiled=True, blockxsize=256, blockysize=256,
        ) as out:  # fmt: skip
            out.write(heights, 1)
        return bytes(held.read())


def _lay(tile: Any, heights: np.ndarray, place: Any) -> None:
    """A tile's window where it belongs; a tile of other width is brought to the same cells."""
    rows, columns = heights.shape
    bounds = rasterio.transform.array_bounds(rows, columns, place)
    west, south = max(bounds[0], tile.bounds.left), max(bounds[1], tile.bounds.bottom)
    east, north = min(bounds[2], tile.bounds.right), min(bounds[3], tile.bounds.top)
    if west >= east or south >= north:
        return
    cell = place.a
    c0, c1 = round((west - place.c) / cell), round((east - place.c) / cell)
    r0, r1 = round((place.f - north) / cell), round((place.f - south) / cell)
    if c1 <= c0 or r1 <= r0:
        return
    same = abs(tile.transform.a - cell) < 1e-9
    if same:
        window = from_bounds(west, south, east, north, tile.transform)
        window = Window(round(window.col_off), round(window.row_off), c1 - c0, r1 - r0)
        read = tile.read(1, window=window, boundless=True, fill_value=0)
    else:
        own = rasterio.transform.from_origin(place.c + c0 * cell, place.f - r0 * cell, cell, cell)
        with WarpedVRT(tile, crs=tile.crs, transform=own, width=c1 - c0, height=r1 - r0,
                       resampling=Resampling.bilinear) as view:  # fmt: skip
            read = view.read(1)
    heights[r0:r1, c0:c1] = read[: r1 - r0, : c1 - c0]
