"""Make the example village's surface model and bare ground: what a drone would see.

    python data/liao/make_surface.py

writes ``dsm.tif`` (0.5 m), ``dtm.tif`` (4 m) and ``dem.tif`` (120 m, 24 km wide) beside itself,
the same bytes every time. All of it
is made up: a valley floor with hills around it, the roofs of ``footprints.geojson`` at tilts of
their own, parapets, solar water heaters, trees, and the noise and blur of a photogrammetric flight.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.transform import Affine
from scipy.ndimage import gaussian_filter

import pvplanner as pvp

SEED = 2015
CELL, MARGIN = 0.5, 40.0
SIGMA, BLUR, GRAIN = 0.04, 0.2, 0.3
HEATERS, TREES = 0.4, 0.45
FAR_CELL = 120.0
FAR = (np.arange(200) - 99.5) * FAR_CELL


def ground(x: np.ndarray, y: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """A valley that falls to the east between hills, m above sea level."""
    east, north = (x - centre[0]) / 1000.0, (y - centre[1]) / 1000.0
    floor = 62.0 - 9.0 * np.clip(east, -3, 6) + 22.0 * np.clip(north, -1, 1) ** 2
    side = np.abs(north + 0.12 * np.sin(1.7 * east))
    hills = 260.0 * np.clip(side - 0.45, 0, None) ** 1.25
    hills *= 1.0 + 0.35 * np.sin(2.1 * east + 0.7) * np.cos(1.3 * north)
    west = 330.0 / (1.0 + np.exp(1.4 * (east + 3.2)))
    return np.maximum(floor + np.minimum(hills, 620.0) + west, 3.0)


def cells(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray, float, float]:
    west, south, east, north = frame.total_bounds
    west, north = np.floor(west - MARGIN), np.ceil(north + MARGIN)
    x = west + (np.arange(int((east + MARGIN - west) / CELL)) + 0.5) * CELL
    y = north - (np.arange(int((north - south + MARGIN) / CELL)) + 0.5) * CELL
    return x, y, west, north


def window(shape: shapely.Geometry, x: np.ndarray, y: np.ndarray, west: float, north: float):
    left, low, right, top = shape.bounds
    j = slice(max(int((left - west) / CELL) - 1, 0), int((right - west) / CELL) + 2)
    i = slice(max(int((north - top) / CELL) - 1, 0), int((north - low) / CELL) + 2)
    xx, yy = np.meshgrid(x[j], y[i])
    return (i, j), xx, yy, shapely.contains_xy(shape, xx, yy)


def add_roofs(
    z: np.ndarray, houses: gpd.GeoDataFrame, planes: gpd.GeoDataFrame, grid: tuple
) -> None:
    """Each plane rises from its eaves; the eaves of a house are level, from its lowest ground."""
    bare = z.copy()
    for house in houses.itertuples():
        at, _, _, held = window(house.geometry, *grid)
        base = bare[at][held].min() if held.any() else bare[at].min()
        mine = planes[planes["building_id"] == house.building_id]
        for plane in mine.itertuples():
            at, xx, yy, held = window(plane.geometry, *grid)
            angle, slope = np.radians(plane.grid_azimuth), np.tan(np.radians(plane.surface_tilt))
            fall = np.sin(angle) * xx + np.cos(angle) * yy
            corners = shapely.get_coordinates(plane.geometry)
            foot = (np.sin(angle) * corners[:, 0] + np.cos(angle) * corners[:, 1]).max()
            eave = base + house.height_m - (1.8 if plane.roof_type == "gable" else 0.0)
            z[at] = np.where(held, eave + slope * (foot - fall), z[at])


def add_parapets(z: np.ndarray, planes: gpd.GeoDataFrame, grid: tuple) -> None:
    for plane in planes[planes["roof_type"] == "flat"].itertuples():
        rim = shapely.difference(plane.geometry, plane.geometry.buffer(-0.5, join_style="mitre"))
        at, _, _, held = window(rim, *grid)
        z[at] += np.where(held, 0.7, 0.0)


def add_heaters(z: np.ndarray, planes: gpd.GeoDataFrame, grid: tuple, rng) -> None:
    """Solar water heaters near the ridge or in the middle of level roofs."""
    for plane in planes.itertuples():
        if rng.random() > HEATERS or plane.geometry.area < 20:
            continue
        if plane.roof_type == "gable" and not 90 < plane.grid_azimuth < 270:
            continue
        spot = shapely.buffer(plane.geometry, -1.6)
        if spot.is_empty:
            continue
        west, south, east, north = spot.bounds
        point = shapely.Point(rng.uniform(west, east), rng.uniform(south, north))
        if not spot.contains(point):
            continue
        thing = shapely.box(point.x - 1.1, point.y - 0.8, point.x + 1.1, point.y + 0.8)
        at, _, _, held = window(thing, *grid)
        z[at] += np.where(held, 1.1, 0.0)


def add_trees(z: np.ndarray, houses: gpd.GeoDataFrame, grid: tuple, rng) -> None:
    for house in houses.itertuples():
        if rng.random() > TREES:
            continue
        west, south, east, north = house.geometry.bounds
        angle = rng.uniform(0, 2 * np.pi)
        radius = rng.uniform(1.8, 3.6)
        away = 0.5 * np.hypot(east - west, north - south) + rng.uniform(0.2, 3.0)
        x = (west + east) / 2 + away * np.cos(angle)
        y = (south + north) / 2 + away * np.sin(angle)
        at, xx, yy, held = window(shapely.Point(x, y).buffer(radius), *grid)
        crown = rng.uniform(4.5, 10.0) - 0.4 * ((xx - x) ** 2 + (yy - y) ** 2) / radius
        top = z[at].min() + crown + rng.normal(0, 0.35, xx.shape)
        z[at] = np.where(held, np.maximum(z[at], top), z[at])


def noisy(z: np.ndarray, rng) -> np.ndarray:
    z = gaussian_filter(z, BLUR / CELL)
    noise = gaussian_filter(rng.standard_normal(z.shape), GRAIN / CELL)
    z += SIGMA * noise / noise.std()
    spike = rng.random(z.shape) < 0.001
    return z + spike * rng.uniform(-2, 3, z.shape)


def write(path: Path, z: np.ndarray, west: float, north: float, cell: float) -> None:
    """Whole centimetres, so that the file stays small."""
    profile = {
        "driver": "GTiff", "width": z.shape[1], "height": z.shape[0], "count": 1,
        "dtype": "int32" if np.abs(z).max() > 327 else "int16", "crs": "EPSG:4549",
        "transform": Affine(cell, 0, west, 0, -cell, north), "nodata": -32768, "tiled": True,
        "blockxsize": 256, "blockysize": 256, "compress": "deflate", "predictor": 2, "zlevel": 9,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.round(z * 100).astype(profile["dtype"]), 1)
        out.scales, out.units = (0.01,), ("metre",)


def main() -> None:
    here = Path(__file__).resolve().parent
    rng = np.random.default_rng(SEED)
    houses = pvp.read_buildings(here / "footprints.geojson", datum="cgcs2000")
    houses["roof_tilt"] = np.where(
        houses["roof_type"].eq("shed").fillna(False),
        12.0,
        np.round(rng.normal(26.5, 2.5, len(houses)), 1),
    )
    planes = pvp.model_roofs(houses)
    x, y, west, north = cells(houses)
    middle = (float(x.mean()), float(y.mean()))
    bare = ground(*np.meshgrid(x, y), middle)
    z, grid = bare.copy(), (x, y, west, north)
    add_roofs(z, houses, planes, grid)
    add_parapets(z, planes, grid)
    add_heaters(z, planes, grid, rng)
    add_trees(z, houses, grid, rng)
    write(here / "dsm.tif", noisy(z, rng), west, north, CELL)
    write(here / "dtm.tif", bare[4::8, 4::8], west, north, 8 * CELL)
    x, y = middle[0] + FAR, middle[1] - FAR
    edge = FAR[0] - FAR_CELL / 2
    far = np.round(ground(*np.meshgrid(x, y), middle))
    write(here / "dem.tif", far, middle[0] + edge, middle[1] - edge, FAR_CELL)


if __name__ == "__main__":
    main()
