"""Footprints elsewhere: Microsoft's and Google's lists, and GlobalBuildingAtlas' heights."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import InputError
from pvplanner.fetch.area import Area
from pvplanner.fetch.parquet import read_area
from pvplanner.fetch.transport import Transport, join, lines_of, local_path

ZOOM = 9
LEAST_HEIGHT_M = 1.5
"""Modelled heights below this are none."""

SAME_SHARE = 0.3
"""An outline has the height of the one that covers so much of it, or that it covers."""


def quadkeys(area: Area, zoom: int = ZOOM) -> set[str]:
    """Tiles of the web's map that an area meets, as quadkeys: text, since they begin with zeros."""
    (x0, y1), (x1, y0) = _tile(area.west, area.south, zoom), _tile(area.east, area.north, zoom)
    return {
        _quadkey(x, y, zoom) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)
    }  # fmt: skip


def _tile(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    size = 1 << zoom
    lat = math.radians(min(max(lat, -85.05), 85.05))
    y = (1 - math.asinh(math.tan(lat)) / math.pi) / 2
    return min(int((lon + 180) / 360 * size), size - 1), min(int(y * size), size - 1)


def _quadkey(x: int, y: int, zoom: int) -> str:
    return "".join(str((x >> n & 1) + 2 * (y >> n & 1)) for n in range(zoom - 1, -1, -1))


def read_microsoft(transport: Transport, base: str, area: Area, release: str) -> gpd.GeoDataFrame:
    """Microsoft's outlines of an area; a height or confidence of -1 is none.

    Raises
    ------
    InputError
        If no tile of the list covers the area.
    """
    wanted = quadkeys(area)
    index = lines_of(transport, join(base, release, "dataset-links.csv"))
    found = [row for row in csv.DictReader(index) if row["QuadKey"].zfill(ZOOM) in wanted]
    if not found:
        raise InputError("fetch_nothing", where="dataset-links.csv")
    rows, shapes = [], []
    for row in found:
        for line in lines_of(transport, _beside(base, row["Url"])):
            if not line.strip():
                continue
            feature = json.loads(line)
            told = feature.get("properties") or {}
            height = float(told.get("height", -1) or -1)
            rows.append({"height_m": height if height > 0 else math.nan,
                         "dataset": "Microsoft ML Buildings"})  # fmt: skip
            shapes.append(shapely.geometry.shape(feature["geometry"]))
    return _inside(rows, shapes, area, "ms")


def _beside(base: str, url: str) -> str:
    """A file of a mirror where the list names the first host."""
    if local_path(base) is None:
        return url
    return join(base, url.partition("//")[2].partition("/")[2])


def read_google(transport: Transport, base: str, area: Area) -> gpd.GeoDataFrame:
    """Google's outlines of an area, by its own list of tiles.

    Raises
    ------
    InputError
        If no tile covers the area.
    """
    told = transport.json(join(base, "tiles.geojson"))
    box = shapely.box(*area.box)
    urls = [
        str(f["properties"]["tile_url"]) for f in told["features"]
        if shapely.intersects(shapely.geometry.shape(f["geometry"]), box)
    ]  # fmt: skip
    if not urls:
        raise InputError("fetch_nothing", where="tiles.geojson")
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    rows, shapes = [], []
    for url in urls:
        for row in csv.DictReader(lines_of(transport, _beside(base, url))):
            lat, lon = float(row["latitude"]), float(row["longitude"])
            if area.meets((lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01)):
                shapes.append(shapely.from_wkt(row["geometry"]))
                rows.append({"height_m": math.nan, "dataset": "Google Open Buildings"})
    return _inside(rows, shapes, area, "google")


def _inside(
    rows: list[dict[str, object]], shapes: list[object], area: Area, head: str
) -> gpd.GeoDataFrame:
    every = np.array(shapes, dtype=object)
    keep = area.holds(every) if len(every) else np.zeros(0, dtype=bool)
    if not keep.any():
        raise InputError("fetch_nothing", where=head)
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry=every, crs=4326)[keep]
    frame = frame.reset_index(drop=True)
    # The files have no identifiers: the place is one.
    middle = shapely.centroid(np.asarray(frame.geometry))
    frame.insert(0, "building_id", [f"{head}-{p.x:.6f}-{p.y:.6f}" for p in middle])
    return frame


def atlas_tiles(area: Area) -> list[str]:
    """Names of the atlas' tiles of five degrees that an area meets."""
    out = []
    for west in range(5 * math.floor(area.west / 5), math.ceil(area.east / 5) * 5, 5):
        for south in range(5 * math.floor(area.south / 5), math.ceil(area.north / 5) * 5, 5):
            out.append(f"{_side(west, 'ew', 3)}_{_side(south + 5, 'ns', 2)}_"
                       f"{_side(west + 5, 'ew', 3)}_{_side(south, 'ns', 2)}")  # fmt: skip
    return sorted(out)


def _side(value: int, signs: str, width: int) -> str:
    return f"{signs[0] if value >= 0 else signs[1]}{abs(value):0{width}d}"


def _atlas(transport: Transport, base: str, area: Area) -> Iterator[gpd.GeoDataFrame]:
    for name in atlas_tiles(area):
        url = join(base, f"{name}.parquet")
        try:
            for table in read_area(transport, url, area, ("geometry", "height", "bbox", "source")):
                shapes = shapely.from_wkb(table["geometry"].to_numpy(), on_invalid="ignore")
                height = table["height"].to_pandas().to_numpy(dtype=float)
                frame = gpd.GeoDataFrame({"height_m": height}, geometry=shapes, crs=4326)
                yield frame[area.holds(shapes)]
        except InputError as error:
            # No tile is written where nothing is built.
            if error.code != "fetch_missing":
                raise


def read_atlas(transport: Transport, base: str, area: Area) -> gpd.GeoDataFrame:
    """The atlas' outlines with their modelled heights; identifiers come twice there and are ours.

    Raises
    ------
    InputError
        If it has none in the area.
    """
    parts = [part for part in _atlas(transport, base, area) if len(part)]
    if not parts:
        raise InputError("fetch_nothing", where="GlobalBuildingAtlas")
    whole = pd.concat(parts, ignore_index=True)
    height = whole["height_m"].to_numpy(dtype=float)
    whole["height_m"] = np.where(height >= LEAST_HEIGHT_M, height, np.nan)
    rows = [{"height_m": h, "dataset": "GlobalBuildingAtlas"} for h in whole["height_m"]]
    return _inside(rows, list(whole.geometry), area, "gba")


def with_heights(buildings: gpd.GeoDataFrame, atlas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Buildings whose height is not known with that of the atlas' outline that covers them most.

    Returns
    -------
    GeoDataFrame
        With ``height_source``: ``gba`` where the height is the atlas'.
    """
    crs = buildings.estimate_utm_crs()
    own, other = (
        shapely.make_valid(np.asarray(frame.to_crs(crs).geometry)) for frame in (buildings, atlas)
    )
    left, right = shapely.STRtree(other).query(own, predicate="intersects")
    shared = shapely.area(shapely.intersection(own[left], other[right]))
    least = np.minimum(shapely.area(own)[left], shapely.area(other)[right])
    height = atlas["height_m"].to_numpy(dtype=float)[right]
    fits = (shared >= SAME_SHARE * least) & np.isfinite(height)
    pairs = pd.DataFrame({"row": left, "shared": shared, "height": height})[fits]
    best = pairs.sort_values(["row", "shared"], kind="stable").groupby("row")["height"].last()
    told = buildings["height_m"].to_numpy(dtype=float).copy()
    unknown = ~np.isfinite(told)
    found = best.reindex(range(len(buildings))).to_numpy(dtype=float)
    taken = unknown & np.isfinite(found)
    told[taken] = np.round(found[taken], 1)
    return buildings.assign(height_m=told, height_source=["gba" if t else None for t in taken])
