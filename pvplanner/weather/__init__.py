"""Weather: files of every common kind, tested for when the sun stood where, or a typical year."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from pvplanner.errors import ConfigError, Finding
from pvplanner.weather.closure import best_offset, closure_by_offset, trust
from pvplanner.weather.frame import (
    COLUMNS,
    HOURS,
    Weather,
    extra_radiation,
    solar_position,
    whole_year,
)
from pvplanner.weather.readers import RawWeather, parse_weather
from pvplanner.weather.typical import typical_year

__all__ = [
    "COLUMNS",
    "HOURS",
    "Weather",
    "closure_by_offset",
    "extra_radiation",
    "read_weather",
    "solar_position",
    "typical_year",
]

MIDDLE_OFFSET = 30.0
"""Minutes: the middle of the interval."""

CSWD_OFFSET = 0.0
"""Minutes: by the daily centroid of GHI, the sun of 220 of 270 CSWD files stands at the index."""

TRUSTED = ("auto", "all", "ghi_dhi", "ghi_dni", "dni_dhi")
"""Choices of which components are believed."""


def read_weather(
    path: str | Path, *, trusted: str = "auto", sun_offset_minutes: float | str = "auto"
) -> Weather:
    """Read a weather file: EPW, SAM CSV, or PVGIS TMY (CSV or JSON), known by its content.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : {'auto', 'all', 'ghi_dhi', 'ghi_dni', 'dni_dhi'}
        Which two of GHI, DNI and DHI are believed. ``auto``: GHI and DHI for CSWD files, whose
        beam is 12 % too small on average, else all three as they stand.
    sun_offset_minutes : float or 'auto'
        Minutes after the interval's start at which the sun is taken. ``auto``: as the file says
        (PVGIS, SAM), else by the closure of GHI = DNI cos(zenith) + DHI, where it can tell.

    Returns
    -------
    Weather
        8,760 hours; 29 February is dropped and reported.

    Raises
    ------
    InputError
        If the file is missing, of no known kind, incomplete, or impossible.
    """
    if trusted not in TRUSTED:
        raise ConfigError("trusted_unknown", where="weather.trusted", value=trusted)
    raw = parse_weather(path)
    name = Path(path).name
    data, findings = whole_year(raw.data, raw.utc_offset_hours, where=name, first_row=raw.first_row)
    closure = closure_by_offset(data, raw.latitude, raw.longitude, raw.altitude)
    offset, finding = _offset(raw, closure, sun_offset_minutes, name)
    which = _trusted(raw, trusted)
    weather = Weather(
        data,
        raw.latitude,
        raw.longitude,
        raw.altitude,
        raw.source,
        sun_offset_minutes=offset,
        trusted=which,
        closure=closure,
        findings=(*raw.findings, *findings, finding),
    )
    return _apply_trust(weather, name)


def _trusted(raw: RawWeather, asked: str) -> str:
    if asked != "auto":
        return asked
    return "ghi_dhi" if raw.chinese_standard else "all"


def _offset(
    raw: RawWeather, closure: dict[int, float], asked: float | str, name: str
) -> tuple[float, Finding]:
    shown = ", ".join(f"{minutes:+d}: {rms:.1f}" for minutes, rms in closure.items())
    best = min(closure.values(), default=0.0)
    params = {"closure": shown, "best": f"{best:.1f}"}
    if asked != "auto":
        given = float(asked)
        return given, Finding("sun_offset_given", name, params={**params, "minutes": given})
    if raw.stated_offset_minutes is not None:
        stated = round(raw.stated_offset_minutes, 2)
        return stated, Finding("sun_offset_stated", name, params={**params, "minutes": stated})
    usual = CSWD_OFFSET if raw.chinese_standard else MIDDLE_OFFSET
    offset, verdict = best_offset(closure, usual)
    return offset, Finding(f"sun_offset_{verdict}", name, params={**params, "minutes": offset})


def _apply_trust(weather: Weather, name: str) -> Weather:
    if weather.trusted == "all":
        return weather
    index = pd.DatetimeIndex(weather.data.index)
    extra = extra_radiation(index)
    zenith = weather.solar_position()["zenith"].to_numpy()
    data = trust(weather.data, weather.trusted, zenith, extra)
    finding = Finding("weather_trusted", name, params={"which": weather.trusted})
    return replace(weather, data=data).with_findings(finding)
