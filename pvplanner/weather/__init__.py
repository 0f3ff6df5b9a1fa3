"""Weather: files of every common kind, tested for when the sun stood where, or a typical year."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

from pvplanner.errors import ConfigError, Finding, InputError, listed
from pvplanner.weather.closure import (
    GATE,
    clear_beam,
    closure_by_offset,
    silent_components,
    trust,
)
from pvplanner.weather.frame import (
    COLUMNS,
    HOURS,
    MIDDLE_MINUTES,
    Weather,
    extra_radiation,
    hourly_index,
    missing_light,
    odd_days,
    odd_light,
    solar_position,
    whole_year,
    zeniths,
)
from pvplanner.weather.moment import check_noon, place_sun, seen_sun
from pvplanner.weather.raw import Given, RawWeather
from pvplanner.weather.readers import parse_weather
from pvplanner.weather.series import complete, condense
from pvplanner.weather.stations import records_near, relief_height
from pvplanner.weather.typical import typical_sigma, typical_year, usual_light

__all__ = [
    "COLUMNS",
    "HOURS",
    "MIDDLE_MINUTES",
    "Weather",
    "closure_by_offset",
    "extra_radiation",
    "hourly_index",
    "read_weather",
    "records_near",
    "relief_height",
    "shift_sun",
    "solar_position",
    "typical_sigma",
    "typical_year",
    "usual_light",
]

TRUSTED = ("auto", "all", "ghi_dhi", "ghi_dni", "dni_dhi")
"""Choices of which components are believed."""


def read_weather(
    path: str | Path,
    *,
    trusted: str = "auto",
    sun_offset_minutes: float | str = "auto",
    latitude: float | None = None,
    longitude: float | None = None,
    altitude: float | None = None,
    utc_offset_hours: float | None = None,
) -> Weather:
    """Read a weather file of any common kind, known by its content.

    EPW, TMY3, SAM CSV, PVGIS (TMY as CSV or JSON, hourly series), NASA POWER (CSV or JSON), or a
    plain CSV with the columns ``time``, ``ghi``, ``dni``, ``dhi``, ``temp_air``, ``wind_speed``.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : {'auto', 'all', 'ghi_dhi', 'ghi_dni', 'dni_dhi'}
        Which two of GHI, DNI and DHI are believed. ``auto``: GHI and DHI for CSWD files, whose
        beam is 12 % too small on average, else all three as they stand.
    sun_offset_minutes : float or 'auto'
        Minutes after the interval's start at which the sun is taken. ``auto``: as the file says
        (PVGIS, SAM) unless its light contradicts it, else by its light (:func:`find_sun`).
    latitude, longitude, altitude, utc_offset_hours : float, optional
        The place of a plain CSV that does not state it.

    Returns
    -------
    Weather
        8,760 hours. Finer series are averaged, the months of many years chosen near their mean, a
        29 February dropped, gaps of up to three hours filled: each is a finding.

    Raises
    ------
    InputError
        If the file is missing, of no known kind, incomplete, or impossible.
    """
    if trusted not in TRUSTED:
        raise ConfigError("trusted_unknown", where="weather.trusted", value=trusted)
    raw = parse_weather(path, Given(latitude, longitude, altitude, utc_offset_hours))
    name = Path(path).name
    rows, derive, findings = complete(raw.data, where=name)
    minutes = 0.0
    if raw.series:
        rows, minutes, more = condense(rows, where=name, first_row=raw.first_row)
        findings += more
    data, more = whole_year(rows, raw.utc_offset_hours, where=name, first_row=raw.first_row)
    # A file is told of gaps in what it has.
    has = {column for column in raw.data if raw.data[column].notna().any()}
    findings += [f for f in more if f.params.get("column", "ghi") in has | {"ghi"}]
    closure: dict[int, float] = {}
    here = (raw.latitude, raw.longitude, raw.altitude)
    if derive is None:
        derive, more = _without_silent(data, here, trusted, name)
        findings += more
    if derive is None:
        closure = closure_by_offset(data, *here)
    seen = seen_sun(raw, data, closes=derive is None)
    sun, finding = place_sun(raw, seen, closure, sun_offset_minutes, minutes, name)
    offset = sun.minutes
    weather = Weather(
        data,
        raw.latitude,
        raw.longitude,
        raw.altitude,
        raw.source,
        sun_offset_minutes=offset,
        trusted=_trusted(raw, trusted, derive, clash=sun.verdict == "clash"),
        closure=closure,
        findings=(*raw.findings, *findings, finding),
        sun_sigma_minutes=sun.sigma,
    )
    weather = weather.with_findings(*odd_light(weather, name, raw.first_row))
    index = pd.DatetimeIndex(data.index)
    zenith = zeniths(index, offset, here)
    if derive != "dni_dhi":
        dark = missing_light(data, zenith, name, raw.first_row)
        odd = odd_days(data, zenith, extra_radiation(index), name, raw.first_row)
        weather = weather.with_findings(*dark, *odd)
    if sun_offset_minutes == "auto":
        weather = weather.with_findings(*check_noon(offset, data, name, raw))
    _closes(data, closure, trusted, raw, name)
    if derive == "ghi_only":
        return _decompose(weather)
    return _apply_trust(weather, name)


def _without_silent(
    data: pd.DataFrame, here: tuple[float, float, float], trusted: str, name: str
) -> tuple[str | None, list[Finding]]:
    """What must be derived because it reads nothing under a bright sky."""
    silent = silent_components(data, *here)
    believed = {"dni", "dhi", "ghi"} if trusted in ("auto", "all") else set(trusted.split("_"))
    lost = [n for n in ("ghi", "dni", "dhi") if n in silent and n in believed]
    if not lost:
        return None, []
    left = [n for n in ("ghi", "dni", "dhi") if n not in lost]
    if left == ["dni"] or left == ["dhi"]:
        shown = ", ".join(lost)
        raise InputError("weather_silent_all", where=name, columns=shown)
    findings = [
        Finding("weather_silent", name, len(silent[n]),
                {"column": n, "months": listed(silent[n], 12)})
        for n in lost
    ]  # fmt: skip
    return ("ghi_only" if left == ["ghi"] else "_".join(left)), findings


def _closes(
    data: pd.DataFrame, closure: dict[int, float], trusted: str, raw: RawWeather, name: str
) -> None:
    """Components that contradict each other at every offset are no year to believe."""
    light = data.loc[data["ghi"] > 0, "ghi"]
    best = min(closure.values(), default=0.0)
    if trusted == "auto" and not raw.chinese_standard and len(light):
        rms = float(np.sqrt((light**2).mean()))
        if best > GATE * rms:
            raise InputError("weather_closure", where=name, best=f"{best:.0f}", light=f"{rms:.0f}")


def shift_sun(weather: Weather, minutes: float) -> Weather:
    """The same year with the sun taken ``minutes`` later; derived components are derived anew."""
    moved = replace(weather, sun_offset_minutes=weather.sun_offset_minutes + minutes)
    if weather.trusted == "ghi_only":
        return _decompose(moved)
    return _apply_trust(moved, weather.source)


def _trusted(raw: RawWeather, asked: str, derive: str | None, *, clash: bool) -> str:
    if derive is not None:
        return derive
    if asked != "auto":
        return asked
    return "ghi_dhi" if raw.chinese_standard or clash else "all"


def _decompose(weather: Weather) -> Weather:
    """DNI and DHI from GHI by Erbs-Driesse (pvlib)."""
    index = pd.DatetimeIndex(weather.data.index)
    extra, zenith = extra_radiation(index), weather.solar_position()["zenith"].to_numpy()
    parts = pvlib.irradiance.erbs_driesse(weather.data["ghi"].to_numpy(), zenith, dni_extra=extra)
    dni = np.minimum(parts["dni"], clear_beam(zenith, extra))
    dhi = weather.data["ghi"] - dni * np.maximum(np.cos(np.radians(zenith)), 0)
    return replace(weather, data=weather.data.assign(dni=dni, dhi=dhi))


def _apply_trust(weather: Weather, name: str) -> Weather:
    if weather.trusted == "all":
        return weather
    index = pd.DatetimeIndex(weather.data.index)
    zenith = weather.solar_position()["zenith"].to_numpy()
    data = trust(weather.data, weather.trusted, zenith, extra_radiation(index))
    finding = Finding("weather_trusted", name, params={"which": weather.trusted})
    return replace(weather, data=data).with_findings(finding)
