"""Money alone: households x business models x price cases, CPU seconds and memory, as JSON.

python tests/benchmarks/money.py 100000
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from test_money import flat_demand, household

import pvplanner as pvp
from pvplanner.money import Case, all_models, resolve_terms
from pvplanner.money.stress import case_measures
from pvplanner.schema import CASES


def main(count: int) -> None:
    """Run all models in all cases once on made-up households."""
    rng = np.random.default_rng(1)
    kwp = rng.uniform(3, 30, count)
    people = household(count=count, kwp=kwp, energy=kwp * 1000, modules=kwp * 1.72)
    demand, bills = flat_demand(people)
    scenario = pvp.Scenario(loan={"share": 0.5})
    months = tuple(np.full(12, 1 / 12))
    case = Case.planned(people, demand, bills, resolve_terms(scenario, "Zhejiang"), months)
    energy = people["energy_kwh"]
    ranges = pd.DataFrame({"energy_p90_built_kwh": energy * 0.87,
                           "energy_p90_life_kwh": energy * 0.9})  # fmt: skip
    case_measures(people.head(100), case.part(np.arange(100)), ranges.head(100))
    begin = time.process_time(), time.perf_counter()
    table = case_measures(people, case, ranges)
    told = {
        "households": count,
        "models": len(all_models()),
        "cases": len(CASES),
        "rows": len(table),
        "cpu_s": round(time.process_time() - begin[0], 1),
        "wall_s": round(time.perf_counter() - begin[1], 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
