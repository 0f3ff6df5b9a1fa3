"""Made-up years whose sun is known: pvlib's clear sky under random clouds, fog and noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
from scipy.special import ndtr

from pvplanner.weather import HOURS, Weather, hourly_index

PLACES = ((30.0, 120.0, 8.0), (40.0, 110.0, 8.0), (23.0, 88.0, 6.0), (45.0, 8.0, 1.0),
          (36.0, 75.0, 8.0), (-33.0, 151.0, 10.0))  # fmt: skip
"""Latitude, longitude, hours from UTC."""


def clouds(rng: np.random.Generator, cloudy: float) -> np.ndarray:
    """Clearness of each hour, with a memory of some hours; 1 for the clear ones."""
    noise = rng.standard_normal(HOURS)
    state = np.empty(HOURS)
    state[0] = noise[0]
    for hour in range(1, HOURS):
        state[hour] = 0.8 * state[hour - 1] + 0.6 * noise[hour]
    rank = ndtr(state)
    return np.where(rank > cloudy, 1.0, 0.15 + 0.85 * rank / cloudy)


def made_year(
    place: tuple[float, float, float],
    minutes: float,
    seed: int,
    *,
    fog: bool = False,
    noise: float = 0.0,
    cloudy: float = 0.6,
    beam_minutes: float | None = None,
) -> pd.DataFrame:
    """Hours whose stamps hold the sun ``minutes`` later: ``ghi``, ``dni``, ``dhi``, W/m2.

    ``fog`` lies on 40 % of mornings until half past eight to eleven by the sun; ``beam_minutes``
    makes the beam from global and diffuse light with the sun at that moment, as converters do.
    """
    latitude, longitude, zone = place
    rng = np.random.default_rng(seed)
    clear = clouds(rng, cloudy)
    index = hourly_index(zone)
    foggy, until = np.repeat(rng.random(365) < 0.4, 24), np.repeat(rng.uniform(8.5, 11, 365), 24)
    light = {name: np.zeros(HOURS) for name in ("ghi", "dni", "dhi")}
    steps = np.arange(-27.5, 30, 11.0)
    for step in steps:
        times = index + pd.Timedelta(minutes=float(minutes + step))
        sun = pvlib.solarposition.get_solarposition(times, latitude, longitude, 50)
        airmass = pvlib.atmosphere.get_relative_airmass(sun["apparent_zenith"])
        extra = pvlib.irradiance.get_extra_radiation(times.tz_convert("UTC").day_of_year.to_numpy())
        sky = pvlib.clearsky.ineichen(
            sun["apparent_zenith"], pvlib.atmosphere.get_absolute_airmass(airmass), 4.0, 50, extra
        )
        clock = (times.hour + times.minute / 60).to_numpy() + longitude / 15 - zone
        left = np.where(foggy & fog & (clock < until), np.minimum(clear, 0.35), clear)
        cosine = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
        ghi = sky["ghi"].to_numpy() * left
        dni = sky["dni"].to_numpy() * np.clip((left - 0.35) / 0.65, 0, 1) ** 1.3
        dni = np.where(cosine > 0, np.minimum(dni, ghi / np.maximum(cosine, 1e-3)), 0)
        for name, part in (("ghi", ghi), ("dni", dni), ("dhi", ghi - dni * cosine)):
            light[name] += part / len(steps)
    lit = light["ghi"] > 0
    for values in light.values():
        values += noise * rng.standard_normal(HOURS) * lit
        np.maximum(values, 0, out=values)
    if beam_minutes is not None:
        times = index + pd.Timedelta(minutes=float(beam_minutes))
        sun = pvlib.solarposition.get_solarposition(times, latitude, longitude, 50)
        cosine = np.cos(np.radians(sun["zenith"].to_numpy()))
        level = light["ghi"] - light["dhi"]
        light["dni"] = np.where(cosine > 0.05, level / np.maximum(cosine, 0.05), 0).clip(0, 1200)
    return pd.DataFrame(light, index=index)


def as_weather(data: pd.DataFrame, place: tuple[float, float, float], minutes: float) -> Weather:
    """The same as a year with its air."""
    air = data.assign(temp_air=15.0, wind_speed=2.0)
    return Weather(air, place[0], place[1], 50.0, "made up", sun_offset_minutes=minutes)
