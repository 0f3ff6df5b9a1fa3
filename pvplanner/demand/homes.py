"""What homes use: their kind, its shape over the year, and how much."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.demand.load import archetypes, profile_shape, year_shape
from pvplanner.errors import ConfigError
from pvplanner.scenario import Scenario

NOT_HOMES = ("workshop", "public_building")
"""Archetypes whose load does not jump from minute to minute as a kettle's does."""


def home_loads(
    households: pd.DataFrame, scenario: Scenario, meter: pd.DataFrame | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How households use power.

    Returns
    -------
    shapes : ndarray, shape (kinds, 8760)
        Share of a year's use in each hour of the clock; of each metered household its own.
    which : ndarray of int, shape (households,)
        Whose is the shape.
    consumption : ndarray, shape (households,)
        kWh a year, the kind's where it is not stated.
    """
    demand = scenario.demand
    table = archetypes(demand.archetypes)
    usual = demand.archetype
    kinds = kinds_of(households, scenario)
    unknown = sorted(set(kinds) - set(table.index))
    if unknown:
        known = ", ".join(table.index)
        raise ConfigError("archetype_unknown", where="archetype", value=unknown[0], known=known)
    names = list(table.index)
    shapes = [year_shape(table.loc[name]) for name in names]
    if demand.profile is not None:
        shapes[names.index(usual)] = profile_shape(demand.profile)
    which = kinds.map({name: n for n, name in enumerate(names)}).to_numpy(dtype=np.int64).copy()
    consumption = households["consumption_kwh"].to_numpy(dtype=float).copy()
    unstated = np.isnan(consumption)
    consumption[unstated] = kinds.map(table["kwh_per_year"]).to_numpy(dtype=float)[unstated]
    if meter is not None and len(meter.columns):
        for row, name in enumerate(households["household_id"]):
            if name in meter.columns:
                load = meter[name].to_numpy(dtype=float)
                which[row], consumption[row] = len(shapes), load.sum()
                shapes.append(load / max(load.sum(), 1e-12))
    return np.stack(shapes), which, consumption


def kinds_of(households: pd.DataFrame, scenario: Scenario) -> pd.Series:
    """Archetype of each household."""
    usual = scenario.demand.archetype
    kinds = households.get("archetype", pd.Series(None, index=households.index, dtype=object))
    kinds = kinds.astype(object).where(kinds.notna(), usual)
    public = households["project_class"].eq("general_commercial") & households["own_building"]
    return kinds.mask(public.astype(bool) & kinds.eq(usual), "public_building")


def loads_of(
    households: pd.DataFrame, group: np.ndarray, count: int, *, scenario: Scenario,
    meter: pd.DataFrame | None = None,
) -> np.ndarray:  # fmt: skip
    """Load of groups of households by the clock, kW; shape (count, 8760).

    Parameters
    ----------
    households, scenario, meter
        As for :func:`simulate_demand`.
    group : ndarray of int, shape (households,)
        Group of each household; -1 for none.
    """
    shapes, which, consumption = home_loads(households, scenario, meter)
    inside = group >= 0
    cell = group[inside] * len(shapes) + which[inside]
    yearly = np.bincount(cell, weights=consumption[inside], minlength=count * len(shapes))
    return np.asarray(yearly.reshape(count, len(shapes)) @ shapes)


def village_load(households: pd.DataFrame, demand: pd.DataFrame, scenario: Scenario) -> np.ndarray:
    """Load of all households together by their archetypes and the clock, kW; shape (8760,)."""
    shapes, which, _ = home_loads(households, scenario, None)
    yearly = np.bincount(
        which, weights=demand["load_kwh"].to_numpy(dtype=float), minlength=len(shapes)
    )
    return yearly @ shapes
