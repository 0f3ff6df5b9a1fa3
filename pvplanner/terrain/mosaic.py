"""A virtual mosaic: many tiles of one raster as one file that holds none of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import rasterio

from pvplanner.errors import InputError
from pvplanner.reading import guarded
from pvplanner.reading.kinds import check_raster

SAME = 1e-6
"""Cells whose sizes differ by more than this part are of different rasters."""


def mosaic_text(tiles: Sequence[str | os.PathLike[str]]) -> str:
    """The XML of a GDAL VRT over tiles of the same system, cell and kind of number.

    Parameters
    ----------
    tiles : sequence of path-like
        Where they overlap the last is on top.

    Raises
    ------
    InputError
        If a tile is missing or unreadable, turned, or not of the first one's system and cell.
    """
    heads = [_head(Path(tile)) for tile in tiles]
    first = heads[0]
    for head in heads[1:]:
        same = head["crs"] == first["crs"] and head["dtype"] == first["dtype"]
        near = all(abs(a / b - 1) < SAME for a, b in zip(head["cell"], first["cell"], strict=True))
        if not (same and near):
            raise InputError("mosaic_apart", where=head["name"], first=first["name"])
    wide, high = first["cell"]
    west = min(h["west"] for h in heads)
    north = max(h["north"] for h in heads)
    columns = max(round((h["west"] - west) / wide) + h["columns"] for h in heads)
    rows = max(round((north - h["north"]) / high) + h["rows"] for h in heads)
    nodata = first["nodata"]
    told = "" if nodata is None else f"<NoDataValue>{nodata}</NoDataValue>"
    parts = []
    for h in heads:
        x, y = round((h["west"] - west) / wide), round((north - h["north"]) / high)
        size = f'xSize="{h["columns"]}" ySize="{h["rows"]}"'
        kind, more = "SimpleSource", ""
        if nodata is not None:
            kind, more = "ComplexSource", f"<NODATA>{nodata}</NODATA>"
        parts.append(
            f'<{kind}><SourceFilename relativeToVRT="0">{escape(h["path"])}</SourceFilename>'
            f'<SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" {size}/>'
            f'<DstRect xOff="{x}" yOff="{y}" {size}/>{more}</{kind}>'
        )
    place = f"{west!r}, {wide!r}, 0.0, {north!r}, 0.0, {-high!r}"
    return (
        f'<VRTDataset rasterXSize="{columns}" rasterYSize="{rows}">'
        f"<SRS>{escape(first['crs'])}</SRS><GeoTransform>{place}</GeoTransform>"
        f'<VRTRasterBand dataType="{KINDS[first["dtype"]]}" band="1">{told}{"".join(parts)}'
        "</VRTRasterBand></VRTDataset>\n"
    )


KINDS = {"float32": "Float32", "float64": "Float64", "int16": "Int16", "uint16": "UInt16",
         "int32": "Int32", "uint32": "UInt32", "uint8": "Byte"}  # fmt: skip
"""GDAL's names of numbers."""


def _head(tile: Path) -> dict[str, Any]:
    if not tile.exists():
        raise InputError("file_missing", where=str(tile))
    driver = check_raster(tile)
    with guarded(tile), rasterio.open(tile, driver=driver) as source:
        where = source.transform
        if source.crs is None or where.b or where.d or where.e >= 0:
            raise InputError("mosaic_apart", where=tile.name, first=tile.name)
        if source.dtypes[0] not in KINDS:
            raise InputError("mosaic_apart", where=tile.name, first=tile.name)
        return {
            "path": str(tile.resolve()), "name": tile.name, "crs": source.crs.to_wkt(),
            "dtype": source.dtypes[0], "nodata": source.nodata, "cell": (where.a, -where.e),
            "west": where.c, "north": where.f, "columns": source.width, "rows": source.height,
        }  # fmt: skip
