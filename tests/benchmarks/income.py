"""Demand and income for many households. Prints JSON.

    python tests/benchmarks/income.py [households]

Self-use by the hour for all of them and five business models over 25 years; then the money alone
for ten times as many household-models. Wall time with all threads, and peak memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import pandas as pd

import pvplanner as pvp
from pvplanner.demand import simulate_demand
from pvplanner.money import (
    Case,
    Terms,
    all_models,
    appraise,
    household_bills,
    resolve_terms,
    run_model,
)


def village(count: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    ids = np.arange(count).astype(str)
    arrays = pd.DataFrame(
        {
            "building_id": np.repeat(ids, 2),
            "capacity_kwp": rng.uniform(2, 6, 2 * count),
            "surface_tilt": 25.0,
            "surface_azimuth": rng.uniform(0, 360, 2 * count),
        }
    )
    households = pd.DataFrame(
        {
            "household_id": ids,
            "consumption_kwh": rng.uniform(800, 6000, count),
            "energy_kwh": 900 * arrays["capacity_kwp"].to_numpy().reshape(-1, 2).sum(axis=1),
            "capacity_kwp": arrays["capacity_kwp"].to_numpy().reshape(-1, 2).sum(axis=1),
            "modules": 12.0,
            "low_income": rng.random(count) < 0.1,
            "own_building": False,
            "project_class": "natural_person_household",
        }
    )
    shares = pd.DataFrame({"building_id": ids, "household_id": ids, "share": 1.0})
    return households, arrays, shares


def money(households: pd.DataFrame, demand: pd.DataFrame, terms: Terms) -> float:
    begun = time.perf_counter()
    bills = household_bills(demand, terms.tariff)
    whole = Case.planned(households, demand, bills, terms)
    for model in all_models():
        for rows in np.array_split(np.arange(len(households)), max(len(households) // 50_000, 1)):
            case = whole.part(rows)
            appraise(case, run_model(case, model), model)
    return time.perf_counter() - begun


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    scenario, weather = pvp.Scenario(), pvp.typical_year(29.72, 121.28)
    terms = resolve_terms(scenario, "Zhejiang")
    few = village(500)
    warm = simulate_demand(*few, weather, scenario=scenario)
    money(few[0], warm, terms)
    people = village(count)
    begun = time.perf_counter()
    demand = simulate_demand(*people, weather, scenario=scenario)
    hours = time.perf_counter() - begun
    five = money(people[0], demand, terms)
    twice = [pd.concat([t, t], ignore_index=True) for t in (people[0], demand)]
    million = money(twice[0], twice[1], terms)
    print(
        json.dumps(
            {
                "households": count,
                "self_use_s": round(hours, 1),
                "five_models_s": round(five, 1),
                "household_models": 10 * count,
                "money_alone_s": round(million, 1),
                "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
