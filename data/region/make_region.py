"""Make the example township: twelve made-up villages in the hills near Ningbo.

    python data/region/make_region.py

The same bytes on every run. Two villages were flown over by a drone (``dsm/``); the others are
known by their outlines alone. Nothing here is about real people or houses.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.features
import shapely
from rasterio.transform import Affine

HERE = Path(__file__).parent
CRS = 4549
EAST, NORTH = 520_000.0, 3_288_000.0
VILLAGES = (
    # name, houses, halls, width of houses, hamlets
    ("上溪村", 34, 1, 11.0), ("下溪村", 46, 1, 10.0), ("石门村", 28, 1, 9.5),
    ("竹湾村", 52, 2, 10.5), ("青岭村", 24, 0, 9.0), ("古塘村", 60, 2, 11.5),
    ("梅坑村", 30, 1, 10.0), ("凤山村", 40, 1, 12.0), ("沙岸村", 38, 1, 10.5),
    ("柿林村", 22, 0, 9.0), ("岩头村", 44, 1, 10.0), ("茶园村", 32, 1, 11.0),
)  # fmt: skip
FLOWN = ("下溪村", "凤山村")
SIDE = 700.0


def make_villages(rng: np.random.Generator) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    rows, borders = [], []
    for n, (name, houses, halls, wide) in enumerate(VILLAGES):
        x0, y0 = EAST + SIDE * (n % 4), NORTH + SIDE * (n // 4)
        code = f"330212210{201 + n}"
        borders.append({"name": name, "division_code": code,
                        "geometry": shapely.box(x0, y0, x0 + SIDE, y0 + SIDE)})  # fmt: skip
        turn = rng.uniform(-25, 25)
        side = int(np.ceil(np.sqrt(houses + halls)))
        middle = x0 + SIDE / 2, y0 + SIDE / 2
        for k in range(houses + halls):
            hall = k >= houses
            w, d = (26.0, 14.0) if hall else (wide * rng.uniform(0.85, 1.25), rng.uniform(8, 11))
            x = middle[0] + (k % side - side / 2) * 30 + rng.uniform(-4, 4)
            y = middle[1] + (k // side - side / 2) * 26 + rng.uniform(-4, 4)
            shape = shapely.affinity.rotate(shapely.box(x, y, x + w, y + d), turn, origin=middle)
            rows.append({
                "building_id": f"{n + 1:02d}-{k + 1:03d}", "village": name, "division_code": code,
                "roof_type": "flat" if hall or rng.random() < 0.25 else "gable",
                "floors": 1 if hall else int(rng.integers(2, 4)),
                "project_class": "general_commercial" if hall else "natural_person_household",
                "geometry": shapely.set_precision(shape, 0.01),
            })  # fmt: skip
    return (gpd.GeoDataFrame(rows, crs=CRS), gpd.GeoDataFrame(borders, crs=CRS).to_crs(4326))


def make_ledger(buildings: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    homes = buildings[buildings["project_class"] == "natural_person_household"]
    return pd.DataFrame({
        "village": homes["village"].to_numpy(), "household_id": "H" + homes["building_id"],
        "building_id": homes["building_id"].to_numpy(),
        "consumption_kwh": rng.uniform(900, 4200, len(homes)).round(-1).astype(int),
        "income_today": rng.uniform(18_000, 70_000, len(homes)).round(-2).astype(int),
        "low_income": np.where(rng.random(len(homes)) < 0.08, "yes", "no"),
    })  # fmt: skip


def make_surface(buildings: gpd.GeoDataFrame, name: str, rng: np.random.Generator) -> None:
    own = buildings[buildings["village"] == name]
    west, south, east, north = own.total_bounds
    west, north, cell = round(west - 30), round(north + 30), 0.5
    shape = (int((north - south + 30) / cell), int((east - west + 30) / cell))
    place = Affine(cell, 0, west, 0, -cell, north)
    heights = np.full(shape, 40.0)
    for outline, roof, floors in zip(own.geometry, own["roof_type"], own["floors"], strict=True):
        inside = rasterio.features.geometry_mask([outline], shape, place, invert=True)
        y, x = np.nonzero(inside)
        px, py = west + (x + 0.5) * cell, north - (y + 0.5) * cell
        top = 40 + 3.1 * floors
        if roof == "gable":
            ring = np.array(shapely.oriented_envelope(outline).exterior.coords)
            sides = np.diff(ring, axis=0)[:2]
            lengths = np.hypot(*sides.T)
            short = sides[int(np.argmin(lengths))] / lengths.min()
            middle = np.array(outline.centroid.coords[0])
            away = np.abs((px - middle[0]) * short[0] + (py - middle[1]) * short[1])
            top = top + 0.45 * (lengths.min() / 2 - away)
        heights[y, x] = top
    heights += rng.normal(0, 0.03, shape)
    # A centimetre's steps pack well.
    steps = np.round(heights * 100).astype("int16")
    with rasterio.open(
        HERE / "dsm" / f"{FLOWN.index(name) + 1}.tif", "w", driver="GTiff", width=shape[1],
        height=shape[0], count=1, dtype="int16", crs=f"EPSG:{CRS}", transform=place,
        compress="deflate", predictor=2, zlevel=9,
    ) as out:  # fmt: skip
        out.write(steps, 1)
        out.scales = (0.01,)


def make_own(rng: np.random.Generator) -> pd.DataFrame:
    count = len(VILLAGES)
    return pd.DataFrame({
        "村": [v[0] for v in VILLAGES],
        "集体收入": rng.uniform(3_000, 180_000, count).round(-2).astype(int),
        "同意率": rng.uniform(0.45, 0.95, count).round(2),
        "可开放容量": rng.uniform(120, 800, count).round(-1).astype(int),
        "三年内重建": rng.uniform(0.0, 0.2, count).round(2),
        "历史保护": np.where(np.arange(count) == 5, "是", "否"),
    })  # fmt: skip


def main() -> None:
    rng = np.random.default_rng(2026)
    (HERE / "dsm").mkdir(exist_ok=True)
    buildings, borders = make_villages(rng)
    buildings.to_parquet(HERE / "footprints.parquet", index=False, row_group_size=120)
    borders.to_file(HERE / "boundaries.geojson", driver="GeoJSON", COORDINATE_PRECISION=6)
    make_ledger(buildings, rng).to_csv(HERE / "households.csv", index=False)
    for name in FLOWN:
        make_surface(buildings, name, rng)
    make_own(rng).to_csv(HERE / "villages.csv", index=False)


if __name__ == "__main__":
    main()
