"""What a year of readings costs: 3,000 households, 96 points a day, a CSV of a row a day.

    python tests/benchmarks/track.py [--households 3000] [--days 365]

Prints JSON: seconds and the most memory of reading, and of finding faults. Bars: 60 s and 1.5 GB
for both together.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd


def write(path: Path, homes: int, days: int) -> pd.DataFrame:
    """Day rows p1 to p96 in kW; returns what each home made each day, kWh."""
    rng = np.random.default_rng(0)
    hours = np.arange(96) / 4
    shape = np.clip(np.sin((hours - 6) / 12 * np.pi), 0, None)
    when = pd.date_range("2027-01-01", periods=days)
    power = rng.uniform(5, 30, homes)
    made = np.empty((days, homes))
    with path.open("w", encoding="utf-8") as out:
        out.write("户号,日期," + ",".join(f"p{k}" for k in range(1, 97)) + "\n")
        for d, day in enumerate(when):
            sky = rng.uniform(0.1, 1.0)
            for k in range(homes):
                points = np.round(power[k] * 0.7 * sky * shape * rng.normal(1, 0.02), 3)
                made[d, k] = points.sum() / 4
                out.write(f"A{k:05d},{day:%Y-%m-%d}," + ",".join(map(str, points)) + "\n")
    return pd.DataFrame(made, index=when, columns=[f"A{k:05d}" for k in range(homes)])


def main() -> None:
    """Write, read, look for faults."""
    from pvplanner.metering import compare_days, read_generation

    ask = argparse.ArgumentParser()
    ask.add_argument("--households", type=int, default=3000)
    ask.add_argument("--days", type=int, default=365)
    told = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.csv"
        made = write(path, told.households, told.days)
        size = path.stat().st_size
        began = time.perf_counter()
        days = read_generation([path]).days()
        read = time.perf_counter() - began
        began = time.perf_counter()
        table = compare_days(days, made, pd.Series(dtype=object), 0.1)
        held = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({
        "households": told.households, "days": told.days, "file_mb": round(size / 1e6),
        "read_s": round(read, 1), "compare_s": round(held, 1), "peak_mb": round(most),
        "ratio": round(float(table["measured_kwh"].sum() / table["expected_kwh"].sum()), 6),
        "faults": int(table["cause"].ne("").sum()),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
