"""Boundaries: Overture's divisions, geoBoundaries' counties. No open set draws China's villages."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import InputError
from pvplanner.fetch.area import Area
from pvplanner.fetch.overture import Release, data_files
from pvplanner.fetch.parquet import read_area
from pvplanner.fetch.transport import Transport, join

COLUMNS = ("id", "geometry", "bbox", "subtype", "country", "region", "names", "is_land")
POINTER = b"version https://git-lfs.github.com/spec"


def read_divisions(transport: Transport, release: Release, area: Area) -> gpd.GeoDataFrame:
    """Overture's areas that meet an area, the smallest kinds last.

    Raises
    ------
    InputError
        If it has none.
    """
    parts = []
    for url in data_files(transport, release, "division_area", area):
        for table in read_area(transport, url, area, COLUMNS):
            shapes = shapely.from_wkb(table["geometry"].to_numpy(), on_invalid="ignore")
            rows = table.to_pandas()
            inside = shapely.intersects(shapes, area.outline or shapely.box(*area.box))
            made = pd.DataFrame({
                "name": [(n or {}).get("primary") for n in rows["names"]],
                "subtype": rows["subtype"], "country": rows.get("country"),
            })  # fmt: skip
            land = rows.get("is_land", pd.Series(True, index=rows.index)).fillna(True).astype(bool)
            frame = gpd.GeoDataFrame(made, geometry=shapes, crs=4326)
            parts.append(frame[np.asarray(inside) & land.to_numpy()])
    parts = [part for part in parts if len(part)]
    if not parts:
        raise InputError("fetch_nothing", where=release.name)
    whole = pd.concat(parts, ignore_index=True)
    size = shapely.area(np.asarray(whole.geometry))
    return gpd.GeoDataFrame(whole.iloc[np.argsort(-size, kind="stable")].reset_index(drop=True),
                            crs=4326)  # fmt: skip


def read_counties(
    transport: Transport, base: str, area: Area, country: str = "CHN", level: str = "ADM3"
) -> gpd.GeoDataFrame:
    """GeoBoundaries' areas that meet an area.

    Raises
    ------
    InputError
        If something else came (a pointer to the file instead of the file), or nothing is there.
    """
    about = transport.json(join(base, country, level))
    url = about.get("gjDownloadURL") or about.get("simplifiedGeometryGeoJSON")
    if not url:
        raise InputError("fetch_garbled", where=base, wanted="gjDownloadURL", found="-")
    body = transport.download(str(url))
    if body.startswith(POINTER):
        found = body[:40].decode("utf-8", "replace")
        raise InputError("fetch_garbled", where=str(url), wanted="GeoJSON", found=found)
    if not body.lstrip().startswith(b"{"):
        found = body[:40].decode("utf-8", "replace").strip()
        raise InputError("fetch_garbled", where=str(url), wanted="GeoJSON", found=found)
    frame = gpd.read_file(io.BytesIO(body), engine="pyogrio")
    frame = frame.rename(columns={"shapeName": "name"})
    near = frame[shapely.intersects(np.asarray(frame.geometry),
                                    area.outline or shapely.box(*area.box))]  # fmt: skip
    if near.empty:
        raise InputError("fetch_nothing", where=str(url))
    kept = [c for c in ("name", "shapeID", "shapeType") if c in near]
    return near[[*kept, "geometry"]].reset_index(drop=True)
