"""What a plan costs: CPU a building, memory, and each stage, on made-up villages of many houses.

    python tests/benchmarks/plan.py [--houses 20000] [--surface]

Each run is a process of its own on a warm numba cache; prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

EAST, NORTH, PITCH = 500_000.0, 3_288_000.0, 26.0


def make_village(folder: Path, count: int, surface: bool = False, seed: int = 1) -> Path:
    """Footprints (30 % of them L-shaped), a ledger and a scenario; a surface model on request."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    x, y = EAST + PITCH * (np.arange(count) % side), NORTH + PITCH * (np.arange(count) // side)
    wide, deep = rng.uniform(8, 14, count), rng.uniform(7, 11, count)
    turn = rng.uniform(-20, 20, count)
    shapes = []
    for n in range(count):
        shape = shapely.box(x[n], y[n], x[n] + wide[n], y[n] + deep[n])
        if rng.random() < 0.3:
            wing = shapely.box(x[n], y[n] - 5, x[n] + 4.5, y[n])
            shape = shapely.union(shape, wing)
        shapes.append(shapely.affinity.rotate(shape, turn[n]))
    ids = [f"B{n:06d}" for n in range(count)]
    frame = gpd.GeoDataFrame({"building_id": ids}, geometry=shapes, crs=4549)
    frame.to_file(folder / "v.gpkg", engine="pyogrio")
    ledger = {"household_id": [f"H{n:06d}" for n in range(count)], "building_id": ids,
              "consumption_kwh": rng.uniform(600, 6000, count).round(),
              "income_today": rng.uniform(5e3, 6e4, count).round(),
              "low_income": np.where(rng.random(count) < 0.1, "yes", "no")}  # fmt: skip
    pd.DataFrame(ledger).to_csv(folder / "ledger.csv", index=False)
    extra = ""
    if surface:
        extra = 'dsm = "dsm.tif"\n'
        _make_surface(folder, frame)
    text = 'name = "bench"\nlanguage = "en"\n[site]\nbuildings = "v.gpkg"\nprovince = "Zhejiang"\n'
    path = folder / "scenario.toml"
    path.write_text(f'{text}households = "ledger.csv"\n{extra}', encoding="utf-8")
    return path


def _make_surface(folder: Path, frame: gpd.GeoDataFrame) -> None:
    """Gables of the footprints' rectangles, at half a metre."""
    import rasterio.features
    from rasterio.transform import Affine

    from pvplanner.terrain import write_heights

    west, south, east, north = frame.total_bounds
    west, north, cell = west - 40, north + 40, 0.5
    rows, cols = int((north - south + 40) / cell), int((east - west + 40) / cell)
    place = Affine(cell, 0, west, 0, -cell, north)
    owner = rasterio.features.rasterize(
        ((shape, n + 1) for n, shape in enumerate(frame.geometry)), (rows, cols), transform=place,
        dtype="int32",
    )  # fmt: skip
    y, x = np.nonzero(owner)
    which = owner[y, x] - 1
    middle = shapely.centroid(frame.geometry.to_numpy())
    cx, cy = shapely.get_x(middle)[which], shapely.get_y(middle)[which]
    px, py = west + (x + 0.5) * cell, north - (y + 0.5) * cell
    heights = np.zeros((rows, cols), dtype="float32")
    heights[y, x] = 8.5 - 0.45 * np.abs(py - cy + 0.1 * (px - cx))
    heights += np.random.default_rng(2).normal(0, 0.03, heights.shape).astype("float32")
    write_heights(folder / "dsm.tif", heights, (west, north), cell, "EPSG:4549")


CHILD = """
import json, resource, sys, time
from pvplanner.plan import folder as f, runner
took = {}
real = runner.Run._make
def timed(self, name):
    needs = [self.table(n) for n in self.graph[name].needs]
    begin = time.process_time()
    real(self, name)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took[name] = [round(time.process_time() - begin, 3), int(peak / 1024)]
runner.Run._make = timed
sys.argv = ["pvplanner", "plan", *sys.argv[1:]]
from pvplanner.cli import main
try:
    main()
except SystemExit as done:
    code = done.code
used = resource.getrusage(resource.RUSAGE_SELF)
print("BENCH" + json.dumps({"code": code, "cpu_s": used.ru_utime + used.ru_stime,
      "peak_mb": used.ru_maxrss / 1024, "stages": took}))
"""


def run(*words: str) -> dict[str, object]:
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CHILD, *words], capture_output=True, text=True)
    line = next((x for x in done.stdout.splitlines() if x.startswith("BENCH")), "")
    if not line:
        raise SystemExit(done.stdout + done.stderr)
    return {**json.loads(line[5:]), "wall_s": round(time.perf_counter() - begin, 2)}


def settings(count: int = 100) -> dict[str, float]:
    """CPU of the example's tables under one change of capex, and under many settings of money."""
    import pvplanner as pvp

    plan = pvp.plan_village(
        pvp.Scenario.from_toml(Path(__file__).parents[2] / "data/liao/scenario.toml")
    )
    made = [table for _, table in plan.tables()]
    begin = time.process_time()
    made = [table for _, table in plan.under({"finance.capex_per_w": 3.2}).tables()]
    one = time.process_time() - begin
    rng = np.random.default_rng(0)
    begin = time.process_time()
    for _ in range(count):
        changes = {
            "finance.capex_per_w": rng.uniform(2.5, 4),
            "tariff.market_price": rng.uniform(0.2, 0.4),
            "finance.discount_rate": rng.uniform(0.03, 0.08), "loan.rate": rng.uniform(0.03, 0.06),
            "cooperative.reserve_rate": rng.uniform(0.2, 0.6),
        }  # fmt: skip
        some = {key: float(value) for key, value in changes.items() if rng.random() < 0.6}
        made = [table for _, table in plan.under(some or {"loan.rate": 0.04}).tables()]
    return {"tables": len(made), "capex_cpu_s": round(one, 3),
            "settings": count, "settings_cpu_s": round(time.process_time() - begin, 2)}  # fmt: skip


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--houses", type=int, default=20_000)
    parse.add_argument("--surface", action="store_true")
    given = parse.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        scenario = str(make_village(folder, given.houses, given.surface))
        report = {"houses": given.houses, "surface": given.surface, "cores": os.cpu_count()}
        for name, only in (("tables", "tables"), ("tables_map", "tables,map")):
            found = run(scenario, "--out", str(folder / name), "--only", only)
            found["cpu_ms_a_building"] = round(1000 * found["cpu_s"] / given.houses, 3)
            report[name] = found
        again = run(scenario, "--out", str(folder / "tables_map"), "--only", "tables,map")
        report["nothing_changed_wall_s"] = again["wall_s"]
        dearer = ("--set", "finance.capex_per_w=3.2")
        changed = run(scenario, "--out", str(folder / "tables"), "--only", "tables", *dearer)
        report["capex_changed_cpu_s"] = round(changed["cpu_s"], 2)
    report["example"] = settings()
    print(json.dumps(report, indent=1))
    print(json.dumps({"max_rss_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
