"""What documents cost: PDF, page and bank's list of 3,000 households, 100,000 rows of a workbook.

    python tests/benchmarks/documents.py [--households 3000] [--rows 100000]

Prints JSON: seconds and bytes of each document, and the most memory of its process. Each is made
from a saved plan by a process of its own. Bars: PDF 20 s, page 3 MB, bank's list 60 s, workbook
60 s and 1 GB.
"""

from __future__ import annotations

import argparse
import json
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

EAST, NORTH, PITCH = 450_000.0, 3_200_000.0, 26.0
PER_HOUSEHOLD = 7
"""Rows of a household in the workbook: the list, the cash, and five models."""

MAKE = """
import sys, time, json, resource
import pvplanner as pvp
plan = pvp.Plan.load(sys.argv[1])
began = time.perf_counter()
{call}
print(json.dumps(time.perf_counter() - began))
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""
CALLS = {
    "report.pdf": "pvp.save_report(plan, sys.argv[2], internal=True)",
    "report.html": "pvp.save_report(plan, sys.argv[2], internal=True)",
    "bank.xlsx": "pvp.save_bank_book(plan, sys.argv[2])",
    "households.pdf": "pvp.save_household_sheet(plan, sys.argv[2])",
    "materials.xlsx": "pvp.save_materials(plan, sys.argv[2])",
    "layouts.dxf": "pvp.save_layouts(plan, sys.argv[2])",
}


def made_plan(folder: Path, households: int) -> Path:
    """A village of boxes with a household and a loan each, planned and saved."""
    import pvplanner as pvp

    rng = np.random.default_rng(1)
    side = int(np.ceil(np.sqrt(households)))
    x, y = (
        EAST + PITCH * (np.arange(households) % side),
        NORTH + PITCH * (np.arange(households) // side),
    )
    wide, deep = rng.uniform(8, 14, households), rng.uniform(7, 11, households)
    ids = [f"B{n:05d}" for n in range(households)]
    gpd.GeoDataFrame(
        {"building_id": ids}, geometry=shapely.box(x, y, x + wide, y + deep), crs="EPSG:4549"
    ).to_file(folder / "b.gpkg", engine="pyogrio")
    pd.DataFrame({
        "household_id": [f"H{n:05d}" for n in range(households)], "building_id": ids,
        "household_name": [f"N{n}" for n in range(households)],
        "consumption_kwh": rng.uniform(800, 4000, households).round(),
    }).to_csv(folder / "h.csv", index=False)  # fmt: skip
    (folder / "s.toml").write_text(
        'name = "made"\n[site]\nbuildings = "b.gpkg"\nhouseholds = "h.csv"\n'
        'province = "Zhejiang"\n[loan]\nshare = 0.7\nyears = 10\nrate = 0.045\n'
    )
    pvp.plan_village(pvp.Scenario.from_toml(folder / "s.toml")).save(folder / "plan")
    return folder / "plan"


def measured(plan: Path, name: str, call: str) -> dict[str, float]:
    """One document by a process of its own."""
    target = plan.parent / name
    told = subprocess.run(
        [sys.executable, "-c", MAKE.format(call=call), str(plan), str(target)],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    return {"seconds": round(float(told[0]), 1), "peak_mb": round(float(told[1])),
            "mb": round(target.stat().st_size / 1e6, 2)}  # fmt: skip


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--households", type=int, default=3000)
    asked.add_argument("--rows", type=int, default=100_000)
    told = asked.parse_args()
    out: dict[str, object] = {"households": told.households, "rows": told.rows}
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        plan = made_plan(Path(place), told.households)
        out["plan_seconds"] = round(time.perf_counter() - began, 1)
        out |= {name: measured(plan, name, call) for name, call in CALLS.items()}
    with tempfile.TemporaryDirectory() as place:
        plan = made_plan(Path(place), -(-told.rows // PER_HOUSEHOLD))
        call = "pvp.save_report(plan, sys.argv[2], internal=True)"
        out["workbook.xlsx"] = measured(plan, "workbook.xlsx", call)
    out["own_peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
