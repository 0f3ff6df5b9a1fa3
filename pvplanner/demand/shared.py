"""Batteries: one of a home, and one that a village shares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.demand.clock import on_weather_clock
from pvplanner.demand.dispatch import share_battery
from pvplanner.demand.homes import village_load
from pvplanner.scenario import Scenario


def one_battery(capacity_kwh: float, power_kw: float | None, scenario: Scenario) -> list[float]:
    """Of a battery: its size in kWh, its power in kW, what is left on the way in and out."""
    one_way = float(np.sqrt(scenario.demand.battery_efficiency))
    power = capacity_kwh / 2 if power_kw is None else power_kw
    return [capacity_kwh, power, one_way, one_way]


def home_battery(scenario: Scenario) -> list[float]:
    """Of each home's battery, as of :func:`one_battery`."""
    return one_battery(scenario.demand.battery_kwh, scenario.demand.battery_kw, scenario)


def village_battery(
    households: pd.DataFrame, demand: pd.DataFrame, made_kw: np.ndarray, *, scenario: Scenario,
    late: float = 0.0,
) -> pd.DataFrame:  # fmt: skip
    """What a shared battery does with the village's export and import of each hour.

    The village is taken as one household: what neighbours use of each other's power at once needs
    no battery.

    Parameters
    ----------
    households, demand : DataFrame
        As for :func:`simulate_demand`, and as from it.
    made_kw : ndarray, shape (8760,)
        Of all arrays together in the first year.
    late : float
        By how much the hours of ``made_kw`` lie later than the clock's.

    Returns
    -------
    DataFrame
        One row of ``used_in_village_kwh``, ``charged_kwh``, ``discharged_kwh``,
        ``stored_at_end_kwh``; none without a battery.
    """
    names = ["used_in_village_kwh", "charged_kwh", "discharged_kwh", "stored_at_end_kwh"]
    if scenario.demand.village_battery_kwh == 0:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in names})
    load = on_weather_clock(village_load(households, demand, scenario), late)
    spare, lack = np.maximum(made_kw - load, 0), np.maximum(load - made_kw, 0)
    found = share_village_battery(spare, lack, scenario=scenario)
    direct = float(np.minimum(made_kw, load).sum())
    return pd.DataFrame([{"used_in_village_kwh": direct, **found}])


def share_village_battery(
    export_kw: np.ndarray, import_kw: np.ndarray, *, scenario: Scenario
) -> dict[str, float]:
    """What a shared battery does for a village.

    Parameters
    ----------
    export_kw, import_kw : ndarray, shape (8760,)
        Of all households together.

    Returns
    -------
    dict
        ``charged_kwh``, ``discharged_kwh``, ``stored_at_end_kwh``.
    """
    battery = np.array(one_battery(scenario.demand.village_battery_kwh, None, scenario))
    charged, given, stored = share_battery(
        np.asarray(export_kw, dtype=float), np.asarray(import_kw, dtype=float), battery
    )
    return {
        "charged_kwh": float(charged.sum()),
        "discharged_kwh": float(given.sum()),
        "stored_at_end_kwh": float(stored[-1]),
    }
