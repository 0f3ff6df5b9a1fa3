"""Roofs: buildings a second from a surface model and from footprints, and memory. Prints JSON.

    python tests/benchmarks/roofs.py

One process on one core (set the affinity outside); reading is included. The last figures are peak
memory with the same buildings on a raster as it is and on one a hundred times larger, mostly empty.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.transform import Affine
from rasterio.windows import Window

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import made_roofs as made

import pvplanner as pvp


def write(path: Path, heights: np.ndarray, west: float, north: float, larger: int) -> None:
    rows, cols = heights.shape
    profile = {
        "driver": "GTiff", "count": 1, "dtype": "float32", "crs": made.CRS, "nodata": -9999,
        "width": cols * larger, "height": rows * larger, "tiled": True, "sparse_ok": True,
        "compress": "deflate", "transform": Affine(0.5, 0, west, 0, -0.5, north),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(heights.astype("float32"), 1, window=Window(0, 0, cols, rows))


def seen(folder: str, name: str) -> None:
    buildings = gpd.read_file(Path(folder) / "buildings.gpkg")
    pvp.model_roofs(buildings[:50], dsm=Path(folder) / name)
    began = time.process_time()
    planes = pvp.model_roofs(buildings, dsm=Path(folder) / name)
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    told = {"buildings_per_s": round(len(buildings) / took), "peak_mb": round(peak)}
    print(json.dumps({**told, "planes": len(planes)}))


def guessed(count: int = 100_000) -> float:
    rng = np.random.default_rng(0)
    size = rng.uniform((8, 6), (14, 11), (count, 2))
    corner = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size[:, None, :]
    angle = rng.uniform(0, np.pi, count)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    place = np.column_stack([np.arange(count) % 400, np.arange(count) // 400]) * 30.0
    ring = np.einsum("nij,kjn->nik", corner, turn) + place[:, None, :] + (5e5, 3.2e6)
    ids = np.arange(count).astype(str)
    frame = gpd.GeoDataFrame({"building_id": ids}, geometry=shapely.polygons(ring), crs=4549)
    pvp.model_roofs(frame[:100])
    best = 0.0
    for _ in range(2):
        began = time.process_time()
        pvp.model_roofs(frame)
        best = max(best, count / (time.process_time() - began))
    return best


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        truth = made.mixed_village(2000, seed=9)
        heights, west, north = made.surface(truth, seed=9)
        made.footprints(truth).to_file(Path(folder) / "buildings.gpkg")
        result: dict[str, object] = {"footprints_per_s": round(guessed())}
        for name, larger in (("plain.tif", 1), ("large.tif", 10)):
            write(Path(folder) / name, heights, west, north, larger)
            call = [sys.executable, __file__, folder, name]
            done = subprocess.run(call, capture_output=True, text=True, check=True)
            result[name] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        seen(sys.argv[1], sys.argv[2])
    else:
        main()
