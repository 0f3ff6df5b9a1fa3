"""Small made-up villages for tests."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

import pvplanner as pvp

EAST, NORTH = 527_000.0, 3_288_000.0
"""A corner near Longguan in EPSG:4549."""


def box(x: float, y: float, width: float, depth: float, turn: float = 0.0) -> shapely.Polygon:
    """A rectangle in metres from the corner, turned (degrees, anticlockwise) about its middle."""
    shape = shapely.box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + depth)
    return shapely.affinity.rotate(shape, turn) if turn else shape


def frame(shapes, crs: str = "EPSG:4549", **columns) -> gpd.GeoDataFrame:
    ids = columns.pop("building_id", [f"B{n + 1}" for n in range(len(shapes))])
    return gpd.GeoDataFrame({"building_id": ids, **columns}, geometry=list(shapes), crs=crs)


def hamlet(count: int = 6) -> gpd.GeoDataFrame:
    turns = np.linspace(0, 75, count)
    return frame([box(30 * n, 0, 12, 9, float(t)) for n, t in enumerate(turns)])


def write_village(folder: Path, buildings: gpd.GeoDataFrame, extra: str = "") -> Path:
    """Footprints and a scenario in a folder; the scenario's path."""
    buildings.to_file(folder / "footprints.gpkg", layer="buildings", engine="pyogrio")
    path = folder / "scenario.toml"
    path.write_text(
        f'name = "test"\nlanguage = "en"\n[site]\nbuildings = "footprints.gpkg"\n{extra}',
        encoding="utf-8",
    )
    return path


HOUSES = 8


def village(folder, grid="", extra="", rows=None, columns=""):
    homes = frame([box(30 * n, 0, 12, 9) for n in range(HOUSES)])
    rows = rows or [f"H{n},B{n},{2000 + 100 * n}" for n in range(1, HOUSES + 1)]
    ledger = f"household_id,building_id,consumption_kwh{columns}\n" + "\n".join(rows)
    (folder / "ledger.csv").write_text(ledger + "\n")
    told = 'households = "ledger.csv"\nprovince = "Zhejiang"\n'
    if grid:
        (folder / "grid.csv").write_text(grid, encoding="utf-8")
        told += 'transformers = "grid.csv"\n'
    return pvp.Scenario.from_toml(write_village(folder, homes, told + extra))


ONE = "transformer_id,parent,kva,connected_kw,open_kw\nT1,L1,{kva},2,\nL1,,,,{line}\n"
