"""Demand: what households use, what of their own power they use themselves, and their bills."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.demand.clock import (
    MONTHS,
    PEAK,
    PLAIN,
    VALLEY,
    day_periods,
    day_shares,
    on_weather_clock,
    periods,
)
from pvplanner.demand.dispatch import Homes, Light, Slots, run_households, run_village
from pvplanner.demand.homes import NOT_HOMES, home_loads, kinds_of, loads_of, village_load
from pvplanner.demand.load import archetypes
from pvplanner.demand.meter import read_meter
from pvplanner.demand.shared import (
    home_battery,
    one_battery,
    share_village_battery,
    village_battery,
)
from pvplanner.demand.table import SCALES, at_scale, by_slot, export_worth, slot_names
from pvplanner.energy.year import Year, as_horizon, year_of
from pvplanner.horizon import Horizons
from pvplanner.scenario import Scenario
from pvplanner.weather import HOURS, Weather, hourly_index

__all__ = [
    "PEAK",
    "PLAIN",
    "SCALES",
    "VALLEY",
    "archetypes",
    "at_scale",
    "by_minutes",
    "by_slot",
    "day_periods",
    "day_shares",
    "export_worth",
    "loads_of",
    "on_weather_clock",
    "periods",
    "read_meter",
    "share_village_battery",
    "simulate_demand",
    "simulate_village_hours",
    "village_battery",
    "village_load",
]


def simulate_demand(
    households: pd.DataFrame,
    arrays: pd.DataFrame,
    shares: pd.DataFrame,
    weather: Weather | Year,
    *,
    scenario: Scenario,
    first_year: float = 1.0,
    meter: pd.DataFrame | None = None,
    horizon: np.ndarray | Horizons | None = None,
    province: str | None = None,
) -> pd.DataFrame:
    """Load, self-use and export of every household, hour by hour: energies, no prices.

    Parameters
    ----------
    households : DataFrame
        ``household_id``, ``consumption_kwh`` (nan: the archetype's), ``archetype`` where known,
        ``own_building``.
    arrays : DataFrame
        ``building_id``, ``capacity_kwp``, ``surface_tilt``, ``surface_azimuth``.
    shares : DataFrame
        ``building_id``, ``household_id``, ``share``.
    weather : Weather or Year
        The year, or the year made ready.
    scenario : Scenario
        ``demand``, ``system`` and the periods of the day of ``tariff`` are used.
    first_year : float
        What is left of the typical year's energy in the first year.
    meter : DataFrame, optional
        As from :func:`read_meter`; takes the place of the archetype.
    horizon : Horizons or ndarray, optional
        Of each array, as :func:`pvplanner.energy.simulate_energy` takes it.
    province : str, optional
        Whose tariff parts the day, where the scenario does not say.

    Returns
    -------
    DataFrame
        On the index of ``households``: ``household_id``, ``load_kwh``, ``load_kwh_MM`` by month,
        ``export_kwh_hHH`` (sold in the first year by the hour of the day), and for each scale n of
        :data:`SCALES` ``self_used_kwh_n``, ``self_used_kwh_n_MM`` and ``battery_loss_kwh_n``; with
        a battery ``plain_used_kwh_MM``, what would be used without it. Where
        bills part the day, months are ``MM_p0``, ``MM_p1`` (off peak, at peak).
    """
    angles = as_horizon(horizon, len(arrays))
    year = year_of(weather, scenario, angles)
    planes = year.plane_factors(arrays, angles)
    edges, left, bins, hourly = year.rays(arrays, angles)
    start, rows, weight = _links(households, arrays, shares)
    shapes, which, consumption = home_loads(households, scenario, meter)
    battery = np.array(home_battery(scenario))
    period, index = periods(scenario, province), hourly_index(8.0)
    parts = int(period.max()) + 1
    slot = (np.asarray(index.month, dtype=np.int64) - 1) * parts + period
    light = Light(planes, hourly, year.iam, year.sky.hour, edges, bins, left)
    late = year.sky.clock_hours
    then = on_weather_clock(shapes, late)
    homes = Homes(start, rows, weight, then, which, consumption)
    middle = (np.arange(HOURS) + math.floor(0.5 + late)) % HOURS
    slots = Slots(slot[middle], MONTHS * parts, np.asarray(index.hour, dtype=np.int64))
    own, lost, sent = run_households(light, homes, slots, np.array(SCALES) * first_year, battery)
    sent = on_weather_clock(sent, -late)
    by_slot = np.stack([np.bincount(slot, weights=s, minlength=MONTHS * parts) for s in shapes])
    load = by_slot[which] * consumption[:, None]
    if late:
        # At the edge of a month or a period some minutes of use count to the next.
        own = np.minimum(own, load[:, None, :])
    columns = {"household_id": households["household_id"].to_numpy(), "load_kwh": load.sum(axis=1)}
    columns |= {f"load_kwh_{name}": load[:, n] for n, name in enumerate(slot_names(parts))}
    columns |= {f"export_kwh_h{hour:02d}": sent[:, hour] for hour in range(24)}
    for node in range(len(SCALES)):
        columns[f"self_used_kwh_{node}"] = own[:, node].sum(axis=1)
        columns[f"battery_loss_kwh_{node}"] = lost[:, node]
        columns |= {
            f"self_used_kwh_{node}_{name}": own[:, node, n]
            for n, name in enumerate(slot_names(parts))
        }
    if scenario.demand.battery_kwh > 0:
        # What homes would use themselves without a battery: what it is worth hangs on it.
        none = np.array(one_battery(0.0, None, scenario))
        plain, _, _ = run_households(light, homes, slots, np.array([first_year]), none)
        plain = np.minimum(plain, load[:, None, :]) if late else plain
        columns |= {
            f"plain_used_kwh_{name}": plain[:, 0, n] for n, name in enumerate(slot_names(parts))
        }
    return pd.DataFrame(columns, index=households.index)


def simulate_village_hours(
    households: pd.DataFrame,
    arrays: pd.DataFrame,
    shares: pd.DataFrame,
    weather: Weather | Year,
    *,
    scenario: Scenario,
    meter: pd.DataFrame | None = None,
    horizon: np.ndarray | Horizons | None = None,
) -> pd.DataFrame:
    """Hours of a village in a typical year, before wear: each home's own, then summed.

    Parameters
    ----------
    households, arrays, shares, weather, scenario, meter, horizon
        As for :func:`simulate_demand`.

    Returns
    -------
    DataFrame, 8760 rows
        ``load_kw``, ``pv_kw``, ``self_used_kw`` (at home, as it is made or out of the home's own
        battery), ``export_kw``, by the hours of the weather. ``pv = self_used + export`` and, with
        batteries, what those take and lose. nan where a home's use is not known.
    """
    angles = as_horizon(horizon, len(arrays))
    year = year_of(weather, scenario, angles)
    edges, left, bins, hourly = year.rays(arrays, angles)
    light = Light(
        year.plane_factors(arrays, angles), hourly, year.iam, year.sky.hour, edges, bins, left
    )
    shapes, which, consumption = home_loads(households, scenario, meter)
    then = on_weather_clock(shapes, year.sky.clock_hours)
    homes = Homes(*_links(households, arrays, shares), then, which, consumption)
    battery = np.array(home_battery(scenario))
    left_in = _minutes(households, scenario)
    made = run_village(light, homes, battery, left_in)
    return pd.DataFrame(dict(zip(("load_kw", "pv_kw", "self_used_kw", "export_kw"), made,
                                 strict=True)))  # fmt: skip


def by_minutes(
    demand: pd.DataFrame, households: pd.DataFrame, *, scenario: Scenario
) -> pd.DataFrame:
    """Self-use as it is minute by minute, where hours overstate it.

    Within an hour a home's load and its roof jump apart; a battery bridges that. What is not used
    is sold in the hours in which the home sells anyhow.

    Parameters
    ----------
    demand, households : DataFrame
        As from :func:`simulate_demand`, and as for it.
    scenario : Scenario
        ``demand.use_by_minutes`` is used.
    """
    left = _minutes(households, scenario)
    if (left == 1).all():
        return demand
    homes = ~kinds_of(households, scenario).isin(NOT_HOMES).to_numpy()
    sold = [f"export_kwh_h{hour:02d}" for hour in range(24)]
    sent = demand[sold].to_numpy(dtype=float)
    more = (1 - left) * demand["self_used_kwh_0"].to_numpy(dtype=float)
    whole = sent.sum(axis=1)
    noon = np.tile(np.eye(24)[12], (len(sent), 1))
    shape = np.divide(sent, whole[:, None], out=noon, where=whole[:, None] > 0)
    sent = sent + more[:, None] * shape
    plain = np.where(homes, scenario.demand.use_by_minutes, 1.0)
    numbers = demand.columns.drop("household_id")
    values = np.array(demand[numbers], dtype=float, order="F")
    values[:, numbers.get_indexer(sold)] = sent
    values[:, numbers.str.startswith("self_used_kwh_")] *= left[:, None]
    values[:, numbers.str.startswith("plain_used_kwh_")] *= plain[:, None]
    out = pd.DataFrame(values, columns=numbers, index=demand.index)
    out.insert(0, "household_id", demand["household_id"])
    return out


def _minutes(households: pd.DataFrame, scenario: Scenario) -> np.ndarray:
    """What the minutes leave of each household's self-use by the hour.

    A battery of an hour's use bridges the minutes; a smaller one in proportion.
    """
    enough = reference.constant("bridge_kwh").value
    bridged = min(scenario.demand.battery_kwh / enough, 1.0)
    part = 1 - (1 - scenario.demand.use_by_minutes) * (1 - bridged)
    homes = ~kinds_of(households, scenario).isin(NOT_HOMES).to_numpy()
    return np.where(homes, part, 1.0)


def _links(
    households: pd.DataFrame, arrays: pd.DataFrame, shares: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrays of each household and the kWp of them that are its own."""
    at = pd.DataFrame({"building_id": arrays["building_id"], "row": np.arange(len(arrays))})
    at["kwp"] = arrays["capacity_kwp"].to_numpy(dtype=float)
    linked = shares.merge(at, on="building_id")
    place = pd.Series(np.arange(len(households)), index=households["household_id"].to_numpy())
    linked["household"] = linked["household_id"].map(place).astype(np.int64)
    linked = linked.sort_values(["household", "row"], kind="stable")
    start = np.searchsorted(linked["household"], np.arange(len(households) + 1))
    weight = (linked["kwp"] * linked["share"]).to_numpy(dtype=float)
    return start, linked["row"].to_numpy(dtype=np.int64), weight
