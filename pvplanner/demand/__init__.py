"""Demand: what households use, what of their own power they use themselves, and their bills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.demand.dispatch import run_households, share_battery
from pvplanner.demand.load import archetypes, profile_shape, read_meter, year_shape
from pvplanner.energy.year import Year, as_horizon
from pvplanner.errors import ConfigError, InputError
from pvplanner.horizon import Horizons
from pvplanner.scenario import Scenario
from pvplanner.weather import HOURS, Weather, hourly_index

__all__ = [
    "SCALES",
    "Bills",
    "archetypes",
    "at_scale",
    "find_bills",
    "read_meter",
    "share_village_battery",
    "simulate_demand",
    "village_load",
]

SCALES = (1.0, 0.97, 0.94, 0.91, 0.87, 0.82, 0.75, 0.6, 0.3)
"""Generation, over the first year's, at which every hour is simulated. Between neighbours (and
zero, where it is known) a straight line runs: years of wear and a P90 fall between them."""

_PARTS = ("self_used_kwh", "export_kwh", "export_worth_kwh", "battery_loss_kwh", "bill_after")


@dataclass(frozen=True)
class Bills:
    """A household tariff.

    Attributes
    ----------
    tiers : ndarray, shape (2,)
        Yearly kWh at which the second and the third tier begin.
    prices : ndarray, shape (3, 2)
        Per kWh by tier: off peak, and at peak (the same twice for a flat tariff).
    peak : ndarray of int, shape (8760,)
        1 at peak.
    source : str
    """

    tiers: np.ndarray
    prices: np.ndarray
    peak: np.ndarray
    source: str


def find_bills(scenario: Scenario, province: str | None) -> Bills | None:
    """The household tariff of a place: the scenario's file, its one price, or the packaged one.

    A tariff file is a CSV with a row per tier: ``up_to_kwh`` (empty in the last), ``flat``,
    ``peak``, ``valley``. ``None`` where no tariff is known.
    """
    tariff = scenario.tariff
    hours = np.asarray(hourly_index(8.0).hour)
    at_peak = ((hours >= tariff.peak_hours[0]) & (hours < tariff.peak_hours[1])).astype(np.int64)
    if tariff.file is not None:
        table, source = _tariff_file(tariff.file), tariff.file
    elif tariff.self_use_price is not None:
        price = tariff.self_use_price
        table = pd.DataFrame({"up_to_kwh": [np.nan], "flat": price, "peak": price, "valley": price})
        source = "scenario"
    else:
        packaged = reference.load("household_tariff")
        table = packaged[packaged["province"] == province]
        if table.empty:
            return None
        source = str(table["source"].iloc[0])
    limits = np.full(2, np.inf)
    limits[: len(table) - 1] = table["up_to_kwh"].to_numpy(dtype=float)[:-1]
    names = ["valley", "peak"] if tariff.time_of_use else ["flat", "flat"]
    prices = table[names].to_numpy(dtype=float)
    prices = np.vstack([prices, np.repeat(prices[-1:], 3 - len(prices), axis=0)])
    return Bills(limits, prices, at_peak, source)


def _tariff_file(path: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError("file_unreadable", where=path, reason=str(error)) from None
    missing = [c for c in ("up_to_kwh", "flat", "peak", "valley") if c not in table]
    if missing or not 1 <= len(table) <= 3:
        raise InputError("tariff_file", where=path)
    return table


def simulate_demand(
    households: pd.DataFrame,
    arrays: pd.DataFrame,
    shares: pd.DataFrame,
    weather: Weather,
    *,
    scenario: Scenario,
    bills: Bills | None,
    first_year: float = 1.0,
    meter: pd.DataFrame | None = None,
    horizon: np.ndarray | Horizons | None = None,
) -> pd.DataFrame:
    """Self-use, export and bills of every household, hour by hour.

    Parameters
    ----------
    households : DataFrame
        ``household_id``, ``consumption_kwh`` (nan: the archetype's), ``archetype`` where known,
        ``own_building``.
    arrays : DataFrame
        ``building_id``, ``capacity_kwp``, ``surface_tilt``, ``surface_azimuth``.
    shares : DataFrame
        ``building_id``, ``household_id``, ``share``.
    weather : Weather
    scenario : Scenario
        ``demand``, ``system`` and ``tariff`` are used.
    bills : Bills or None
        Without a tariff the bills are nan.
    first_year : float
        What is left of the typical year's energy in the first year.
    meter : DataFrame, optional
        As from :func:`read_meter`; takes the place of the archetype.
    horizon : Horizons or ndarray, optional
        Of each array, as :func:`pvplanner.energy.simulate_energy` takes it.

    Returns
    -------
    DataFrame
        On the index of ``households``: ``household_id``, ``load_kwh``, ``bill_before``, and for
        each scale n of :data:`SCALES` ``self_used_kwh_n``, ``export_kwh_n``,
        ``export_worth_kwh_n``, ``battery_loss_kwh_n`` and ``bill_after_n``.
    """
    angles = as_horizon(horizon, len(arrays))
    year = Year(weather, scenario, shaded=angles is not None)
    planes = year.plane_factors(arrays, angles)
    edges, left, bins, hourly = year.rays(arrays, angles)
    start, rows, weight = _links(households, arrays, shares)
    shapes, which, consumption = _loads(households, scenario, meter)
    tariff = bills or Bills(np.full(2, np.inf), np.full((3, 2), np.nan), np.zeros(HOURS, int), "")
    battery = np.array(_battery(scenario.demand.battery_kwh, scenario.demand.battery_kw, scenario))
    out, before = run_households(
        planes, hourly, year.iam, year.sky.hour, edges, bins, left, start, rows, weight,
        shapes, which, consumption, np.array(SCALES) * first_year,
        tariff.tiers, tariff.prices, tariff.peak,
        _export_shape(scenario), battery,
    )  # fmt: skip
    table = {"household_id": households["household_id"].to_numpy()}
    table |= {"load_kwh": before[:, 0], "bill_before": before[:, 1]}
    for node in range(len(SCALES)):
        table |= {f"{name}_{node}": out[:, node, n] for n, name in enumerate(_PARTS)}
    return pd.DataFrame(table, index=households.index)


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
    kinds = households.get("archetype", pd.Series(None, index=households.index, dtype=object))
    kinds = kinds.astype(object).where(kinds.notna(), usual)
    public = households["project_class"].eq("general_commercial") & households["own_building"]
    kinds = kinds.mask(public.astype(bool) & kinds.eq(usual), "public_building")
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
    if meter is not None:
        for row, name in enumerate(households["household_id"]):
            if name in meter.columns:
                load = meter[name].to_numpy(dtype=float)
                which[row], consumption[row] = len(shapes), load.sum()
                shapes.append(load / max(load.sum(), 1e-12))
    return np.stack(shapes), which, consumption


def village_load(households: pd.DataFrame, demand: pd.DataFrame, scenario: Scenario) -> np.ndarray:
    """Load of all households together by their archetypes, kW; shape (8760,)."""
    shapes, which, _ = _loads(households, scenario, None)
    yearly = np.bincount(
        which, weights=demand["load_kwh"].to_numpy(dtype=float), minlength=len(shapes)
    )
    return yearly @ shapes


def _battery(capacity_kwh: float, power_kw: float | None, scenario: Scenario) -> list[float]:
    one_way = float(np.sqrt(scenario.demand.battery_efficiency))
    power = capacity_kwh / 2 if power_kw is None else power_kw
    return [capacity_kwh, power, one_way, one_way]


def _export_shape(scenario: Scenario) -> np.ndarray:
    """Worth of an exported kilowatt-hour over the market price, by the hour; 1 if not given."""
    given = scenario.tariff.market_hourly
    if given is None:
        return np.ones(HOURS)
    return np.asarray(given, dtype=float)[np.asarray(hourly_index(8.0).hour)]


def at_scale(demand: pd.DataFrame, part: str, scale: np.ndarray, at_zero: np.ndarray) -> np.ndarray:
    """A part of the demand table at other scales of the first year's generation.

    Parameters
    ----------
    demand : DataFrame
        As from :func:`simulate_demand`.
    part : str
        ``self_used_kwh``, ``export_kwh``, ``export_worth_kwh``, ``battery_loss_kwh`` or
        ``bill_after``.
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
