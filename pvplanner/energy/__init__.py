"""Energy: hourly photovoltaic physics for every array, exact and fast.

The chain is pvlib's: transposition (Perez or Hay-Davies), incidence-angle loss for beam and diffuse
light (physical; Marion), cell temperature (SAPM or Faiman, by mount), PVWatts DC and inverter with
clipping, itemised losses. Nothing is looked up or rounded: each array runs through all the hours of
the year at its own tilt and azimuth.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pvplanner.energy.doubt import (
    RoofDoubt,
    as_built,
    contributions,
    doubt_components,
    energy_ranges,
    over_life,
    roof_doubt,
    shared_and_own,
)
from pvplanner.energy.waterfall import loss_waterfall
from pvplanner.energy.year import Year, as_horizon, loss_factors, module_gamma, ratio, year_of
from pvplanner.errors import InputError
from pvplanner.horizon import Horizons
from pvplanner.reference import distance_km
from pvplanner.scenario import Scenario
from pvplanner.schema import MONTHLY_ENERGY
from pvplanner.weather import Weather

__all__ = [
    "RoofDoubt",
    "Year",
    "as_built",
    "contributions",
    "doubt_components",
    "energy_ranges",
    "loss_factors",
    "loss_waterfall",
    "module_gamma",
    "months_lost",
    "over_life",
    "roof_doubt",
    "shared_and_own",
    "simulate_energy",
    "simulate_hours",
    "simulate_total_hours",
]


def simulate_energy(
    arrays: pd.DataFrame,
    weather: Weather | Year | Mapping[str, Weather],
    *,
    scenario: Scenario | None = None,
    horizon: np.ndarray | Horizons | None = None,
) -> pd.DataFrame:
    """AC energy of arrays over a weather year, by month.

    Parameters
    ----------
    arrays : DataFrame
        ``capacity_kwp`` (kWp), ``surface_tilt`` (degrees), ``surface_azimuth`` (degrees clockwise
        from north). ``capacity_kw_ac`` (kW) is used where it is there and known, else
        ``system.dc_ac_ratio``.
    weather : Weather or Year, or mapping of name to Weather
        The year, or the year made ready. Of several, each array takes the one that its
        ``weather_site`` names, else the nearest to its ``latitude`` and ``longitude`` (degrees).
    scenario : Scenario, optional
        ``system`` and ``module`` are used; the defaults if not given.
    horizon : Horizons or ndarray, shape (len(arrays), [points,] directions), optional
        Horizon elevation, degrees, at directions evenly spaced clockwise from north, of one or
        several points of each array. Beam and circumsolar light are cut at the points that lie
        behind it, diffuse light by the sky that is left; the flat item ``loss_items.shading`` is
        then not taken.

    Returns
    -------
    DataFrame
        On the index of ``arrays``: ``energy_kwh``, ``energy_kwh_01`` to ``energy_kwh_12`` (kWh),
        ``specific_yield_kwh_per_kwp``, ``poa_kwh_per_m2`` (irradiation on the plane under an open
        sky), ``performance_ratio`` (yield over that), ``shading_loss`` (share of the irradiation
        behind the horizon; nan where no horizon was given) and ``energy_p90_kwh`` (nan until
        known).

    Raises
    ------
    InputError
        If a column is missing, or a tilt, azimuth or capacity is not a possible number.
    """
    scenario = scenario or Scenario()
    _check(arrays)
    horizon = as_horizon(horizon, len(arrays))
    if not isinstance(weather, Weather | Year):
        return _by_site(arrays, weather, scenario, horizon)
    year = year_of(weather, scenario, horizon)
    ac, poa, kept = year.run(arrays, horizon)
    capacity = arrays["capacity_kwp"].to_numpy(dtype=float)
    specific = ac.sum(axis=1)
    columns = {"energy_kwh": specific * capacity, "energy_p90_kwh": np.full(len(arrays), np.nan)}
    columns |= {name: ac[:, month] * capacity for month, name in enumerate(MONTHLY_ENERGY)}
    columns |= {"specific_yield_kwh_per_kwp": specific, "poa_kwh_per_m2": poa}
    columns["performance_ratio"] = ratio(specific, poa)
    columns["shading_loss"] = 1 - ratio(kept, poa) if horizon is not None else np.nan * poa
    return pd.DataFrame(columns, index=arrays.index, copy=False)


def months_lost(arrays: pd.DataFrame, energy: pd.DataFrame, year: Year) -> pd.DataFrame:
    """What of each month's energy of a building is lost to what stands in its sun.

    Parameters
    ----------
    arrays : DataFrame
        ``building_id`` and what :func:`simulate_energy` takes.
    energy : DataFrame
        Of the same rows, as simulated behind the horizon.
    year : Year
        Made ready as for a horizon.

    Returns
    -------
    DataFrame
        A row a building that has modules: ``building_id``, ``shade_01`` to ``shade_12``, shares of
        what an open sky would give; nan where no horizon was known.
    """
    capacity = arrays["capacity_kwp"].to_numpy(dtype=float)
    whole = pd.DataFrame(year.run(arrays, None)[0] * capacity[:, None], columns=MONTHLY_ENERGY)
    whole[energy["shading_loss"].isna().to_numpy()] = np.nan
    ids = arrays["building_id"].to_numpy()
    made = energy[list(MONTHLY_ENERGY)].reset_index(drop=True).groupby(ids).sum()
    open_ = whole.groupby(ids).sum(min_count=1)
    lost = 1 - made / open_.where(open_ > 0)
    names = [name.replace("energy_kwh", "shade") for name in MONTHLY_ENERGY]
    return lost.clip(lower=0).set_axis(names, axis=1).rename_axis("building_id").reset_index()


def simulate_hours(
    arrays: pd.DataFrame,
    weather: Weather | Year,
    *,
    scenario: Scenario | None = None,
    horizon: np.ndarray | Horizons | None = None,
) -> pd.DataFrame:
    """Hourly AC power of chosen arrays.

    Parameters
    ----------
    arrays, weather, scenario, horizon
        As for :func:`simulate_energy`; meant for a few thousand arrays at most.

    Returns
    -------
    DataFrame, shape (8760, len(arrays))
        kW, on the weather's index, one column per row of ``arrays``.
    """
    scenario = scenario or Scenario()
    _check(arrays)
    horizon = as_horizon(horizon, len(arrays))
    year = year_of(weather, scenario, horizon)
    power, _ = year.hours(arrays, horizon, each=True)
    power *= arrays["capacity_kwp"].to_numpy(dtype=float)
    return pd.DataFrame(power, index=year.index, columns=arrays.index)


def simulate_total_hours(
    arrays: pd.DataFrame,
    weather: Weather | Year,
    *,
    scenario: Scenario | None = None,
    horizon: np.ndarray | Horizons | None = None,
) -> pd.Series:
    """Hourly AC power of all arrays together, such as a village's.

    Parameters
    ----------
    arrays, weather, scenario, horizon
        As for :func:`simulate_energy`.

    Returns
    -------
    Series, shape (8760,)
        kW, on the weather's index.
    """
    scenario = scenario or Scenario()
    _check(arrays)
    horizon = as_horizon(horizon, len(arrays))
    year = year_of(weather, scenario, horizon)
    _, total = year.hours(arrays, horizon, each=False)
    return pd.Series(total, index=year.index, name="power_kw")


def _by_site(
    arrays: pd.DataFrame,
    sites: Mapping[str, Weather],
    scenario: Scenario,
    horizon: np.ndarray | None,
) -> pd.DataFrame:
    names = weather_sites(arrays, sites)
    parts = []
    for name in names.unique():
        rows = np.flatnonzero((names == name).to_numpy())
        part = None if horizon is None else horizon[rows]
        found = simulate_energy(arrays.iloc[rows], sites[name], scenario=scenario, horizon=part)
        parts.append(found.assign(_row=rows))
    whole = pd.concat(parts).sort_values("_row")
    return whole.drop(columns="_row").set_axis(arrays.index)


def weather_sites(arrays: pd.DataFrame, sites: Mapping[str, Weather]) -> pd.Series:
    """The weather site of each array: the named one, else the nearest.

    Raises
    ------
    InputError
        If a named site is not there, or an array has neither a name nor a place.
    """
    names = pd.Series(None, index=arrays.index, dtype=object)
    if "weather_site" in arrays:
        names = arrays["weather_site"].astype(object)
        unknown = names.dropna()[~names.dropna().isin(list(sites))]
        if len(unknown):
            known = ", ".join(sites)
            raise InputError("site_unknown", where="arrays", site=unknown.iloc[0], known=known)
    open_ = names.isna()
    if open_.any():
        if not {"latitude", "longitude"} <= set(arrays.columns):
            missing = "weather_site, or latitude and longitude"
            raise InputError("table_columns", where="arrays", table="arrays", missing=missing)
        lat = arrays.loc[open_, "latitude"].to_numpy(dtype=float)
        lon = arrays.loc[open_, "longitude"].to_numpy(dtype=float)
        away = [distance_km(w.latitude, w.longitude, lat, lon) for w in sites.values()]
        names[open_] = np.array(list(sites), dtype=object)[np.argmin(away, axis=0)]
    return names


def _check(arrays: pd.DataFrame) -> None:
    limits = {
        "capacity_kwp": (0.0, 1e7),
        "surface_tilt": (0.0, 90.0),
        "surface_azimuth": (-360.0, 720.0),
    }
    for column, (low, high) in limits.items():
        if column not in arrays:
            raise InputError("table_columns", where="arrays", table="arrays", missing=column)
        values = arrays[column].to_numpy(dtype=float)
        bad = ~((values >= low) & (values <= high))
        if bad.any():
            row = arrays.index[int(np.flatnonzero(bad)[0])]
            raise InputError(
                "array_value",
                where=f"arrays, {row}, {column}",
                value=str(values[bad][0]),
                low=low,
                high=high,
            )
