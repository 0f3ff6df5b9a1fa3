"""Small made-up regions to run: villages of a few houses, in any kind of file."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

CRS = 4549
EAST, NORTH = 520_000.0, 3_288_000.0


def made_buildings(villages: int = 3, each: int = 6, seed: int = 0) -> gpd.GeoDataFrame:
    """Houses of some villages a kilometre apart; the n-th has n houses more."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(villages):
        for k in range(each + n):
            x, y = EAST + 1000 * n + 25 * (k % 5), NORTH + 22 * (k // 5)
            wide, deep = rng.uniform(8, 13), rng.uniform(7, 10)
            rows.append({
                "building_id": f"{n}-{k}", "village": f"V{n}",
                "division_code": f"33021221{n + 1:02d}00",
                "geometry": shapely.set_precision(shapely.box(x, y, x + wide, y + deep), 0.001),
            })  # fmt: skip
    return gpd.GeoDataFrame(rows, crs=CRS)


def made_ledger(buildings: gpd.GeoDataFrame, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "village": buildings["village"].to_numpy(),
        "household_id": "H" + buildings["building_id"].to_numpy(),
        "building_id": buildings["building_id"].to_numpy(),
        "consumption_kwh": rng.uniform(800, 4000, len(buildings)).round(),
        "low_income": np.where(rng.random(len(buildings)) < 0.2, "yes", "no"),
    })  # fmt: skip


HEAD = """name = "test"
language = "en"
"""


def made_region(
    folder: Path, buildings: gpd.GeoDataFrame | None = None, *, region: str = "", rest: str = "",
    ledger: bool = True, base: str = "",
) -> Path:  # fmt: skip
    """A region's file and what it names."""
    folder.mkdir(parents=True, exist_ok=True)
    every = made_buildings() if buildings is None else buildings
    every.to_parquet(folder / "b.parquet", index=False, row_group_size=7)
    told = (
        'buildings = "b.parquet"\nvillage_column = "village"\ndivision_column = "division_code"\n'
    )
    if ledger:
        made_ledger(every).to_csv(folder / "h.csv", index=False)
        told += 'households = "h.csv"\n'
    path = folder / "region.toml"
    text = f'{HEAD}[region]\n{told}{region}\n[base]\nsite.province = "Zhejiang"\n{base}\n{rest}\n'
    path.write_text(text, encoding="utf-8")
    return path


def sorted_rows(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["division_code", "village", "scenario"]
    keys += [k for k in ("measure", "component") if k in table]
    return table.sort_values(keys, kind="stable").reset_index(drop=True)
