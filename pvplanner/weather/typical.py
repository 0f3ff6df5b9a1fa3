"""A synthetic typical year for a first look, where there is no weather file.

Monthly sums of GHI and DHI equal the packaged table of 270 Chinese stations (CSWD typical years),
interpolated from the four nearest by inverse distance; the hours between are made up from a seed.
Leaving a station out, the interpolation errs by 5.7 % rms in East China: that is the least doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib
from scipy import stats

from pvplanner import reference
from pvplanner.errors import Finding, InputError
from pvplanner.weather.closure import clear_beam
from pvplanner.weather.frame import Weather, extra_radiation, hourly_index, solar_position

REACH_KM = 200.0
"""Beyond this distance from every station there is no typical year."""

INTERPOLATION_DOUBT = 0.057
"""Relative error (rms) of yearly GHI when a station is left out, East China."""

_CLOUD_MEMORY = 0.35
_HOUR_MEMORY = 0.6
_KT_LOW, _KT_HIGH, _KT_SPREAD = 0.03, 0.78, 0.19
_HOURLY_KT_MAX = 0.85


@dataclass(frozen=True)
class _Station:
    """Interpolated monthly climate of one place."""

    monthly: pd.DataFrame
    altitude: float
    names: str
    nearest_km: float


def typical_year(latitude: float, longitude: float, *, seed: int = 0) -> Weather:
    """Synthetic hours whose months equal the climate table.

    Parameters
    ----------
    latitude, longitude : float
        Degrees; within 200 km of a Chinese station.
    seed : int
        Same seed, same year, on every machine.

    Returns
    -------
    Weather
        ``synthetic`` is true; the sun is taken in the middle of the hour.

    Raises
    ------
    InputError
        If the nearest station is over 200 km away.
    """
    station = _interpolate(latitude, longitude)
    index = hourly_index(8.0)
    sun = solar_position(index + pd.Timedelta(minutes=30), latitude, longitude, station.altitude)
    zenith = sun["zenith"].to_numpy()
    extra = extra_radiation(index)
    rng = np.random.default_rng(seed)
    ghi, dhi, dni = _radiation(index, zenith, extra, station.monthly, rng)
    frame = pd.DataFrame({"ghi": ghi, "dni": dni, "dhi": dhi}, index=index)
    frame["temp_air"] = _temperature(index, station.monthly)
    frame["wind_speed"] = station.monthly["wind_speed_m_per_s"].to_numpy()[index.month - 1]
    params = {
        "stations": station.names,
        "distance_km": round(station.nearest_km),
        "doubt": f"{INTERPOLATION_DOUBT:.1%}",
    }
    return Weather(
        frame,
        latitude,
        longitude,
        station.altitude,
        f"synthetic typical year (CSWD monthly means of {station.names}; seed {seed})",
        trusted="ghi_dhi",
        synthetic=True,
        findings=(Finding("weather_synthetic", "weather", params=params),),
    )


def _interpolate(latitude: float, longitude: float) -> _Station:
    table = reference.load("climate")
    places = table.drop_duplicates("station")
    away = reference.distance_km(
        latitude, longitude, places["latitude"].to_numpy(), places["longitude"].to_numpy()
    )
    nearest = np.argsort(away, kind="stable")[:4]
    if away[nearest[0]] > REACH_KM:
        raise InputError(
            "typical_too_far", where="site.weather", distance_km=round(float(away[nearest[0]]))
        )
    weight = 1 / np.maximum(away[nearest], 0.1)
    weight /= weight.sum()
    chosen = places.iloc[nearest]
    values = [c for c in table.columns if c.endswith(("_per_m2", "_c", "_per_s"))]
    monthly = sum(
        table[table["station"] == station].set_index("month")[values] * share
        for station, share in zip(chosen["station"], weight, strict=True)
    )
    return _Station(
        pd.DataFrame(monthly),
        float(chosen["altitude_m"].to_numpy() @ weight),
        ", ".join(chosen["site"]),
        float(away[nearest[0]]),
    )


def _radiation(
    index: pd.DatetimeIndex,
    zenith: np.ndarray,
    extra: np.ndarray,
    monthly: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cosine = np.maximum(np.cos(np.radians(zenith)), 0)
    top = extra * cosine
    cap = clear_beam(zenith, extra) * cosine
    shape = _daily_clearness(index, top, monthly, rng) * _within_day(top, rng)
    ghi, dhi = np.zeros(len(index)), np.zeros(len(index))
    for month in range(1, 13):
        hours = np.flatnonzero(index.month == month)
        wanted = 1000.0 * monthly.loc[month, "ghi_kwh_per_m2"]
        ghi[hours] = _scaled(shape[hours] * top[hours], _HOURLY_KT_MAX * top[hours], wanted)
        diffuse = 1000.0 * monthly.loc[month, "dhi_kwh_per_m2"]
        dhi[hours] = _diffuse(ghi[hours], zenith[hours], extra[hours], cap[hours], diffuse)
    dni = np.divide(ghi - dhi, cosine, out=np.zeros_like(ghi), where=cosine > 0.01)
    return ghi, ghi - dni * cosine, dni


def _daily_clearness(
    index: pd.DatetimeIndex, top: np.ndarray, monthly: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    """Clearness of each day (repeated for its hours): beta marginals with a memory of a day."""
    month = index.month.to_numpy()[::24]
    above = np.array([top[index.month == m].sum() for m in range(1, 13)])
    mean = 1000.0 * monthly["ghi_kwh_per_m2"].to_numpy() / above
    unit = np.clip((mean - _KT_LOW) / (_KT_HIGH - _KT_LOW), 0.05, 0.95)
    spread = np.minimum(_KT_SPREAD / (_KT_HIGH - _KT_LOW), 0.9 * np.sqrt(unit * (1 - unit)))
    strength = unit * (1 - unit) / spread**2 - 1
    normal = _remembering(rng, 365, _CLOUD_MEMORY)
    a, b = (unit * strength)[month - 1], ((1 - unit) * strength)[month - 1]
    daily = _KT_LOW + (_KT_HIGH - _KT_LOW) * stats.beta.ppf(stats.norm.cdf(normal), a, b)
    return np.repeat(daily, 24)


def _remembering(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    """Standard normal numbers with a memory of one step."""
    noise = rng.standard_normal(count)
    out = np.empty(count)
    out[0] = noise[0]
    for step in range(1, count):
        out[step] = memory * out[step - 1] + np.sqrt(1 - memory**2) * noise[step]
    return out


def _within_day(top: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ups and downs of the hours around their day."""
    ups = np.exp(0.25 * _remembering(rng, len(top), _HOUR_MEMORY))
    days = (ups * top).reshape(-1, 24).sum(axis=1) / top.reshape(-1, 24).sum(axis=1)
    return ups / np.repeat(days, 24)


def _scaled(shape: np.ndarray, limit: np.ndarray, total: float) -> np.ndarray:
    """``min(k * shape, limit)`` with the k that sums to the total."""
    low, high = 0.0, 1.0
    while np.minimum(high * shape, limit).sum() < total and high < 1e6:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if np.minimum(middle * shape, limit).sum() < total:
            low = middle
        else:
            high = middle
    out = np.minimum(high * shape, limit)
    return out * (total / out.sum())


def _diffuse(
    ghi: np.ndarray, zenith: np.ndarray, extra: np.ndarray, cap: np.ndarray, total: float
) -> np.ndarray:
    """Diffuse part by Erbs-Driesse, bent by an exponent until the month's sum is the table's."""
    share = pvlib.irradiance.erbs_driesse(ghi, np.minimum(zenith, 90), dni_extra=extra)["dhi"]
    share = np.clip(np.divide(share, ghi, out=np.ones_like(ghi), where=ghi > 0), 0.02, 1)
    dark = zenith > 89

    def bent(power: float) -> np.ndarray:
        part = np.maximum(ghi * share**power, ghi - cap)
        return np.where(dark, ghi, part)

    low, high = 0.0, 12.0
    for _ in range(80):
        middle = (low + high) / 2
        if bent(middle).sum() > total:
            low = middle
        else:
            high = middle
    return bent(high)


def _temperature(index: pd.DatetimeIndex, monthly: pd.DataFrame) -> np.ndarray:
    """Monthly means and daily ranges, smooth over the year, warmest at two in the afternoon."""
    hours = np.arange(len(index))
    middles = np.array([hours[index.month == m].mean() for m in range(1, 13)])
    around = np.concatenate([middles[-1:] - 8760, middles, middles[:1] + 8760])

    def smooth(column: str) -> np.ndarray:
        values = monthly[column].to_numpy()
        return np.interp(hours, around, np.concatenate([values[-1:], values, values[:1]]))

    wave = np.cos(2 * np.pi * (index.hour.to_numpy() - 14) / 24)
    temp = smooth("temp_air_c") + smooth("temp_air_day_range_c") / 2 * wave
    for month in range(1, 13):
        own = index.month == month
        temp[own] += monthly.loc[month, "temp_air_c"] - temp[own].mean()
    return temp
