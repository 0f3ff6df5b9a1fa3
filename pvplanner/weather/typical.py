"""A synthetic typical year for a first look, where there is no weather file.

Monthly sums of GHI and DHI equal the packaged table of 270 Chinese stations (CSWD typical years),
interpolated (:mod:`pvplanner.weather.stations`); the hours between are made up from a seed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import Finding, InputError
from pvplanner.weather.frame import Weather, extra_radiation, hourly_index, solar_position
from pvplanner.weather.stations import Climate, interpolate, records_near
from pvplanner.weather.synthesis import make_radiation, make_temperature


def typical_year(
    latitude: float, longitude: float, *, altitude: float | None = None, seed: int = 0
) -> Weather:
    """Synthetic hours whose months equal the climate table.

    Parameters
    ----------
    latitude, longitude : float
        Degrees; within 330 km of a Chinese station, or anywhere on land where the extra ``merra2``
        is installed.
    altitude : float, optional
        Metres above the sea, to which air temperature is brought; a coarse relief's if not given.
    seed : int
        Same seed, same year, on every machine.

    Returns
    -------
    Weather
        ``synthetic`` is true; the sun is taken in the middle of the hour.

    Raises
    ------
    InputError
        If the nearest station is over 330 km away and MERRA-2 is not installed.
    """
    try:
        station = interpolate(latitude, longitude, altitude)
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
        "altitude": f"{station.altitude:.0f}",
        "doubt": f"{_doubt_of(station, latitude, longitude):.0%}",
    }
    findings = [Finding("weather_synthetic", "weather", params=params)]
    records = records_near(latitude, longitude)
    if records is None:
        away = {"distance_km": round(station.nearest_km)}
        findings.append(Finding("weather_abroad", "weather", params=away))
    else:
        more = {"province": records.province, "gap": f"{records.gap:+.1%}"}
        findings.append(Finding("weather_records", "weather", params=more))
    return Weather(
        frame,
        latitude,
        longitude,
        station.altitude,
        f"synthetic typical year (CSWD monthly means of {station.names}; seed {seed})",
        trusted="ghi_dhi",
        synthetic=True,
        findings=tuple(findings),
    )


def _doubt_of(station: Climate, latitude: float, longitude: float) -> float:
    """One sigma of yearly light: the interpolation's, at least the table's own scatter from station
    to station in the province, or in all China.
    """
    records = records_near(latitude, longitude)
    least = reference.constant("typical_foretold").value if records is None else records.spread
    return max(station.sigma, least)


def typical_sigma(weather: Weather) -> tuple[float, str]:
    """One sigma of a typical year's yearly GHI at its place, and where that is from."""
    try:
        station = interpolate(weather.latitude, weather.longitude, weather.altitude)
    except InputError:
        found = reference.constant("merra2_sigma")
        return found.value, found.source
    sigma = _doubt_of(station, weather.latitude, weather.longitude)
    return sigma, reference.constant("typical_foretold").source


def usual_light(latitude: float, longitude: float) -> float:
    """Yearly GHI of a place by the packaged climate, kWh/m2; nan far from every station."""
    try:
        monthly = interpolate(latitude, longitude).monthly
    except InputError:
        return float("nan")
    return float(monthly["ghi_kwh_per_m2"].sum())


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
    over = reference.constant("merra2_over").value
    months = mean * days_in * 24 / 1000 / over
    ghi, dhi, dni = make_radiation(index, zenith, extra, months, None, rng, daily)
    frame = pd.DataFrame({"ghi": ghi, "dni": dni, "dhi": dhi}, index=index)
    frame["temp_air"] = make_temperature(index, zonal_temperature(latitude), np.full(12, 8.0))
    frame["wind_speed"] = 2.0
    told = {"over": f"{over - 1:.0%}", "doubt": f"{reference.constant('merra2_sigma').value:.0%}"}
    finding = Finding("weather_merra2", "weather", params=told)
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
