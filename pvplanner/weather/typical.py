"""A synthetic typical year for a first look, where there is no weather file.

Monthly sums of GHI and DHI equal the packaged table of 270 Chinese stations (CSWD typical years),
interpolated from the four nearest by inverse distance; the hours between are made up from a seed.
Leaving a station out, the interpolation errs by 5.7 % rms in East China: that is the least doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import Finding, InputError
from pvplanner.weather.frame import Weather, extra_radiation, hourly_index, solar_position
from pvplanner.weather.synthesis import make_radiation, make_temperature

REACH_KM = 200.0
"""Beyond this distance from every station there is no typical year."""

INTERPOLATION_DOUBT = 0.057
"""Relative error (rms) of yearly GHI when a station is left out, East China."""


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
        Degrees; within 200 km of a Chinese station, or anywhere on land where the extra ``merra2``
        is installed.
    seed : int
        Same seed, same year, on every machine.

    Returns
    -------
    Weather
        ``synthetic`` is true; the sun is taken in the middle of the hour.

    Raises
    ------
    InputError
        If the nearest station is over 200 km away and MERRA-2 is not installed.
    """
    try:
        station = _interpolate(latitude, longitude)
    except InputError as far:
        return _from_merra2(latitude, longitude, seed, far)
    index = hourly_index(8.0)
    sun = solar_position(index + pd.Timedelta(minutes=30), latitude, longitude, station.altitude)
    monthly = station.monthly
    ghi, dhi, dni = make_radiation(
        index,
        sun["zenith"].to_numpy(),
        extra_radiation(index),
        monthly["ghi_kwh_per_m2"].to_numpy(),
        monthly["dhi_kwh_per_m2"].to_numpy(),
        np.random.default_rng(seed),
    )
    frame = pd.DataFrame({"ghi": ghi, "dni": dni, "dhi": dhi}, index=index)
    frame["temp_air"] = make_temperature(
        index, monthly["temp_air_c"].to_numpy(), monthly["temp_air_day_range_c"].to_numpy()
    )
    frame["wind_speed"] = monthly["wind_speed_m_per_s"].to_numpy()[index.month - 1]
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


def usual_light(latitude: float, longitude: float) -> float:
    """Yearly GHI of a place by the packaged climate, kWh/m2; nan far from every station."""
    try:
        monthly = _interpolate(latitude, longitude).monthly
    except InputError:
        return float("nan")
    return float(monthly["ghi_kwh_per_m2"].sum())


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


MERRA2_BIAS = "station irradiation times 1.10 to 1.70 in China, 1.30 in the east"
"""What is known of it; it is not corrected elsewhere."""


def _from_merra2(latitude: float, longitude: float, seed: int, far: InputError) -> Weather:
    """A year from the MERRA-2 distributions of daily irradiance (package gsee-climate-data)."""
    try:
        import gsee_climate_data
    except ImportError:
        raise far from None
    with gsee_climate_data.load() as cells:
        row = int(np.abs(cells["lat"] - latitude).argmin())
        column = int(np.abs((cells["lon"] - longitude + 180) % 360 - 180).argmin())
        values, weights = cells["xk"][row, column], cells["pk"][row, column]
    known = np.isfinite(values) & np.isfinite(weights) & (weights > 0)
    if not known.any(axis=1).all():
        raise far
    zone = float(round(longitude / 15))
    index = hourly_index(zone)
    sun = solar_position(index + pd.Timedelta(minutes=30), latitude, longitude, 0.0)
    zenith, extra = sun["zenith"].to_numpy(), extra_radiation(index)
    top = extra * np.maximum(np.cos(np.radians(zenith)), 0)
    day_top = np.maximum(top.reshape(365, 24).mean(axis=1), 1.0)
    month = np.asarray(index.month)[::24]
    ranked = [_quantiles(values[m][known[m]], weights[m][known[m]]) for m in range(12)]
    mean = np.array([np.trapezoid(q, p) + q[0] * p[0] + q[-1] * (1 - p[-1]) for p, q in ranked])
    days_in = np.array([(month == m).sum() for m in range(1, 13)])

    def daily(rank: np.ndarray, months: np.ndarray) -> np.ndarray:
        watts = np.array([np.interp(r, *ranked[m - 1]) for r, m in zip(rank, months, strict=True)])
        return watts / day_top

    rng = np.random.default_rng(seed)
    ghi, dhi, dni = make_radiation(
        index, zenith, extra, mean * days_in * 24 / 1000, None, rng, daily
    )
    frame = pd.DataFrame({"ghi": ghi, "dni": dni, "dhi": dhi}, index=index)
    frame["temp_air"] = make_temperature(index, zonal_temperature(latitude), np.full(12, 8.0))
    frame["wind_speed"] = 2.0
    finding = Finding("weather_merra2", "weather", params={"bias": MERRA2_BIAS})
    return Weather(
        frame,
        latitude,
        longitude,
        0.0,
        f"synthetic typical year (MERRA-2 2011-2015, 3-degree cell; seed {seed})",
        trusted="ghi_only",
        synthetic=True,
        findings=(finding,),
    )


def _quantiles(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks and values of a distribution, for interpolation."""
    order = np.argsort(values)
    share = weights[order] / weights.sum()
    return np.cumsum(share) - share / 2, values[order].astype(float)


def zonal_temperature(latitude: float) -> np.ndarray:
    """Monthly air temperature at sea level by latitude, degrees C: an assumption, for a first look.

    27 degrees C at the equator, falling to about 12 at 45 degrees, with a season that grows with
    latitude and is a month behind the sun.
    """
    mean = 27.0 - 0.0075 * latitude**2
    season = 0.26 * latitude
    return mean - season * np.cos(2 * np.pi * (np.arange(12) + 0.5 - 1.0) / 12)
