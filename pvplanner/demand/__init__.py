"""Demand: what households use, what of their own power they use themselves, and their bills."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.demand.dispatch import (
    Homes,
    Light,
    Slots,
    run_households,
    run_village,
    share_battery,
)
from pvplanner.demand.load import archetypes, profile_shape, year_shape
from pvplanner.demand.meter import read_meter
from pvplanner.energy.year import Year, as_horizon, year_of
from pvplanner.errors import ConfigError
from pvplanner.horizon import Horizons
from pvplanner.reference import provincial
from pvplanner.scenario import Scenario, Tariff
from pvplanner.weather import HOURS, Weather, hourly_index

__all__ = [
    "SCALES",
    "archetypes",
    "at_scale",
    "by_minutes",
    "by_slot",
    "day_periods",
    "day_shares",
    "export_worth",
    "on_weather_clock",
    "periods",
    "read_meter",
    "share_village_battery",
    "simulate_demand",
    "simulate_village_hours",
    "village_battery",
    "village_load",
]

SCALES = (1.0, 0.97, 0.94, 0.91, 0.87, 0.82, 0.75, 0.6, 0.3)
"""Generation, over the first year's, at which every hour is simulated. Between neighbours (and
zero, where it is known) a straight line runs: years of wear and a P90 fall between them."""

MONTHS = 12


USUAL_PEAK = (8, 22)
VALLEY, PEAK, PLAIN = 0, 1, 2
"""Periods of the day that bills part: the last only where a tariff has one between the two."""


def day_periods(tariff: Tariff, province: str | None = None) -> np.ndarray:
    """Period of each hour of the day; shape (24,). All one without time of use."""
    if not tariff.time_of_use:
        return np.zeros(24, dtype=np.int64)
    stated = tariff.peak_hours is not None
    found = provincial.tariff_hours(province, "peak"), provincial.tariff_hours(province, "valley")
    peak = tuple(tariff.peak_hours or ()) if stated else found[0]
    valley = tuple(tariff.valley_hours or ()) or (() if stated else found[1])
    if not peak and not valley:
        peak = USUAL_PEAK
    out = np.full(24, PLAIN if valley else VALLEY, dtype=np.int64)
    for begin, end in _spans(valley):
        out[_hours(begin, end)] = VALLEY
    for begin, end in _spans(peak):
        out[_hours(begin, end)] = PEAK
    if not peak:
        # A valley alone: all else is at the tier's price.
        out[out == PLAIN] = PEAK
    return out


def _spans(hours: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(zip(hours[::2], hours[1::2], strict=True))


def _hours(begin: int, end: int) -> np.ndarray:
    """Hours from one to another, over midnight if need be."""
    last = end if end > begin else end + 24
    return np.arange(begin, last) % 24


def periods(scenario: Scenario, province: str | None = None) -> np.ndarray:
    """Period of the day of each hour of the year that bills part; shape (8760,)."""
    by_day = day_periods(scenario.tariff, province)
    return by_day[np.asarray(hourly_index(8.0).hour)]


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
    shapes, which, consumption = _loads(households, scenario, meter)
    battery = np.array(_battery(scenario.demand.battery_kwh, scenario.demand.battery_kw, scenario))
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
        none = np.array(_battery(0.0, None, scenario))
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
    shapes, which, consumption = _loads(households, scenario, meter)
    then = on_weather_clock(shapes, year.sky.clock_hours)
    homes = Homes(*_links(households, arrays, shares), then, which, consumption)
    battery = np.array(_battery(scenario.demand.battery_kwh, scenario.demand.battery_kw, scenario))
    left_in = _minutes(households, scenario)
    made = run_village(light, homes, battery, left_in)
    return pd.DataFrame(dict(zip(("load_kw", "pv_kw", "self_used_kw", "export_kw"), made,
                                 strict=True)))  # fmt: skip


def on_weather_clock(shapes: np.ndarray, late: float) -> np.ndarray:
    """What goes by the clock, by hours that lie ``late`` hours later; back again by ``-late``.

    Parameters
    ----------
    shapes : ndarray, shape (..., 8760) or (..., 24)
        By the hours of the clock, each taken as even.
    late : float
        As of :class:`pvplanner.energy.sky.Sky`.
    """
    whole = math.floor(late)
    part = late - whole
    first = np.roll(shapes, -whole, axis=-1)
    return first if part == 0 else (1 - part) * first + part * np.roll(first, -1, axis=-1)


def day_shares(made: pd.Series, late: float = 0.0) -> pd.DataFrame:
    """What of a year's generation comes in each hour of the clock; ``hour``, ``share``.

    Parameters
    ----------
    made : Series, shape (8760,)
        Power by the weather's hours.
    late : float
        By how much those lie later than the clock's.
    """
    by_hour = np.asarray(made, dtype=float).reshape(-1, 24).sum(axis=0)
    told = on_weather_clock(by_hour, -late)
    whole = told.sum()
    return pd.DataFrame({"hour": np.arange(24), "share": told / whole if whole > 0 else told})


NOT_HOMES = ("workshop", "public_building")
"""Archetypes whose load does not jump from minute to minute as a kettle's does."""


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
    homes = ~_kinds(households, scenario).isin(NOT_HOMES).to_numpy()
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
    homes = ~_kinds(households, scenario).isin(NOT_HOMES).to_numpy()
    return np.where(homes, part, 1.0)


def slot_names(parts: int) -> list[str]:
    """Suffixes of columns by month, and by period of the day where there are several."""
    months = [f"{month:02d}" for month in range(1, MONTHS + 1)]
    return months if parts == 1 else [f"{m}_p{p}" for m in months for p in range(parts)]


def by_slot(demand: pd.DataFrame, stem: str) -> np.ndarray:
    """Columns of a demand table by month and period; shape (households, 12, periods)."""
    parts = 1
    while f"{stem}_01_p{parts}" in demand:
        parts += 1
    names = [f"{stem}_{name}" for name in slot_names(parts)]
    return demand[names].to_numpy(dtype=float).reshape(len(demand), MONTHS, parts)


def export_worth(demand: pd.DataFrame, by_hour: list[float] | None) -> np.ndarray:
    """Worth of each household's exports by their hours over all hours alike; 1 without a shape.

    ``by_hour`` is the worth of an export in each hour of the day over the market price.
    """
    if by_hour is None:
        return np.ones(len(demand))
    sent = demand[[f"export_kwh_h{hour:02d}" for hour in range(24)]].to_numpy(dtype=float)
    whole = sent.sum(axis=1)
    worth = sent @ np.asarray(by_hour, dtype=float)
    return np.divide(worth, whole, out=np.ones(len(demand)), where=whole > 0)


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


def _loads(
    households: pd.DataFrame, scenario: Scenario, meter: pd.DataFrame | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    demand = scenario.demand
    table = archetypes(demand.archetypes)
    usual = demand.archetype
    kinds = _kinds(households, scenario)
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


def _kinds(households: pd.DataFrame, scenario: Scenario) -> pd.Series:
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
    shapes, which, consumption = _loads(households, scenario, meter)
    inside = group >= 0
    cell = group[inside] * len(shapes) + which[inside]
    yearly = np.bincount(cell, weights=consumption[inside], minlength=count * len(shapes))
    return np.asarray(yearly.reshape(count, len(shapes)) @ shapes)


def village_load(households: pd.DataFrame, demand: pd.DataFrame, scenario: Scenario) -> np.ndarray:
    """Load of all households together by their archetypes and the clock, kW; shape (8760,)."""
    shapes, which, _ = _loads(households, scenario, None)
    yearly = np.bincount(
        which, weights=demand["load_kwh"].to_numpy(dtype=float), minlength=len(shapes)
    )
    return yearly @ shapes


def _battery(capacity_kwh: float, power_kw: float | None, scenario: Scenario) -> list[float]:
    one_way = float(np.sqrt(scenario.demand.battery_efficiency))
    power = capacity_kwh / 2 if power_kw is None else power_kw
    return [capacity_kwh, power, one_way, one_way]


def at_scale(demand: pd.DataFrame, part: str, scale: np.ndarray, at_zero: np.ndarray) -> np.ndarray:
    """A part of the demand table at other scales of the first year's generation.

    Parameters
    ----------
    demand : DataFrame
        As from :func:`simulate_demand`.
    part : str
        ``self_used_kwh`` or ``battery_loss_kwh``; ``bill_after`` of a table of bills.
    scale : ndarray, shape (households, ...) or (...)
        Generation over the first year's.
    at_zero : ndarray, shape (households,)
        Its value without generation.

    Returns
    -------
    ndarray, shape (households, ...)
        Exact at the scales simulated, a straight line between them.
    """
    order = np.argsort([0.0, *SCALES])
    nodes = np.array([0.0, *SCALES])[order]
    values = [at_zero, *(demand[f"{part}_{n}"].to_numpy(dtype=float) for n in range(len(SCALES)))]
    table = np.column_stack(values)[:, order]
    scale = np.broadcast_to(scale, (len(demand), np.shape(scale)[-1]))
    above = np.clip(np.searchsorted(nodes, scale), 1, len(nodes) - 1)
    low, high = nodes[above - 1], nodes[above]
    rows = np.arange(len(demand))[:, None]
    left, right = table[rows, above - 1], table[rows, above]
    return left + (scale - low) / (high - low) * (right - left)


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
    battery = np.array(_battery(scenario.demand.village_battery_kwh, None, scenario))
    charged, given, stored = share_battery(
        np.asarray(export_kw, dtype=float), np.asarray(import_kw, dtype=float), battery
    )
    return {
        "charged_kwh": float(charged.sum()),
        "discharged_kwh": float(given.sum()),
        "stored_at_end_kwh": float(stored[-1]),
    }
