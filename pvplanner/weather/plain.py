"""Weather as a table of named columns, whatever the spelling of headings, stamps and units."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, InputError
from pvplanner.reading import Columns, map_columns, mapped_findings, parse_times, read_numbers
from pvplanner.reading.columns import parts_of
from pvplanner.reading.tables import separator_of
from pvplanner.reading.times import zone_hours
from pvplanner.reading.values import is_unit, unit_factor
from pvplanner.reference import legal_zone
from pvplanner.weather.frame import COLUMNS
from pvplanner.weather.raw import ZONE_REACH, Given, RawWeather

PLAIN: dict[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "datetime", "date_time", "时间", "日期时间"),
    "date": ("date", "日期"),
    "year": ("year", "年"),
    "month": ("month", "mo", "月"),
    "day": ("day", "dy", "日"),
    "hour": ("hour", "hr", "时", "小时"),
    "minute": ("minute", "min", "分"),
    "ghi": ("ghi", "global", "global_horizontal", "水平总辐射", "总辐射", "总辐照度"),
    "dni": ("dni", "direct_normal", "法向直射", "法向直接辐射", "直射"),
    "dhi": ("dhi", "diffuse", "diffuse_horizontal", "散射辐射", "水平散射", "散射"),
    "temp_air": ("temp_air", "temperature", "temp", "气温", "温度", "t2m", "tair"),
    "wind_speed": ("wind_speed", "wind", "风速", "ws10m", "wspd"),
}
"""Names of a plain table's columns."""

PLAIN_DIMENSIONS = {"ghi": "light", "dni": "light", "dhi": "light",
                    "temp_air": "temperature", "wind_speed": "speed"}  # fmt: skip


def read_plain(text: str, name: str, given: Given) -> RawWeather:
    """Named columns: ``time`` and what else there is.

    Lines that begin with ``#`` may state the place: ``# latitude: 29.7``.
    """
    lines = text.splitlines()
    notes = [line.lstrip("# ") for line in lines if line.startswith("#")]
    stated = {
        key.strip().lower(): value.strip()
        for key, colon, value in (note.replace("=", ":").partition(":") for note in notes)
        if colon
    }
    head = next(n for n, line in enumerate(lines) if line and not line.startswith("#"))
    body = "\n".join(lines[head:])
    table = pd.read_csv(
        io.StringIO(body), sep=separator_of(body), skipinitialspace=True, dtype="string"
    )
    table.columns = pd.Index([str(c).strip() for c in table.columns])
    mapped = map_columns(list(table.columns), PLAIN, where=name, dimensions=PLAIN_DIMENSIONS)
    table, units = _without_units(table)
    mapped = replace(mapped, factors={**mapped.factors, **_unit_factors(mapped, units, name)})
    told = _stamp_texts(table, mapped)
    if told is None:
        raise InputError("weather_column", where=name, column="time")
    for heading, ours in mapped.odd.items():
        raise InputError("weather_units", where=f"{name}, {heading}", column=ours, value=heading)
    place = {
        key: _first_known(getattr(given, key), stated.get(key))
        for key in ("latitude", "longitude", "altitude")
    }
    if place["latitude"] is None or place["longitude"] is None:
        raise InputError("weather_no_place", where=name)
    findings = [f for f in mapped_findings(mapped, name) if f.params.get("ours") not in _PARTS]
    stamps, zone = parse_times(told)
    first = head + 2 + int(table.index[0]) if len(table) else head + 2
    lacking = stamps.isna()
    if lacking.any():
        at = int(np.flatnonzero(lacking)[0])
        value = "" if pd.isna(told.iloc[at]) else str(told.iloc[at])
        raise InputError("weather_stamp", where=f"{name}, row {first + at}", value=value)
    zone = _stated_zone(zone, given, stated, mapped, name)
    offset, finding = _zone_of(zone, place["latitude"], place["longitude"], name)
    findings.append(finding)
    if zone is not None and np.isfinite(zone):
        stamps = stamps + pd.Timedelta(hours=offset - zone)
    columns = {
        ours: read_numbers(table[mapped.used[ours]], PLAIN_DIMENSIONS[ours],
                           mapped.factors[ours]).to_numpy()
        for ours in COLUMNS if ours in mapped.used
    }  # fmt: skip
    return RawWeather(
        pd.DataFrame(columns, index=stamps), place["latitude"], place["longitude"],
        place["altitude"] or 0.0, offset, f"CSV, {name}", first_row=first, series=True,
        findings=findings,
    )  # fmt: skip


_PARTS = ("time", "date", "year", "month", "day", "hour", "minute")


def _without_units(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """A table without the row of units that may stand under its headings, and these units."""
    if table.empty:
        return table, {}
    told = table.iloc[0].dropna()
    if not len(told) or not all(is_unit(value) for value in told):
        return table, {}
    return table.iloc[1:], {str(name): str(value) for name, value in told.items()}


def _unit_factors(mapped: Columns, units: dict[str, str], name: str) -> dict[str, float]:
    """Factors of units that stand in a row of their own."""
    out = {}
    for ours, heading in mapped.used.items():
        if heading in units and ours in PLAIN_DIMENSIONS:
            factor = unit_factor(units[heading], PLAIN_DIMENSIONS[ours])
            if factor is None:
                raise InputError(
                    "weather_units", where=f"{name}, {heading}", column=ours, value=units[heading]
                )
            out[ours] = factor
    return out


def _stamp_texts(table: pd.DataFrame, mapped: Columns) -> pd.Series | None:
    """Stamps as one text a row: a column of them, or a date and what parts of a time there are."""
    used = {part: table[mapped.used[part]] for part in _PARTS if part in mapped.used}
    if "time" in used and "date" in used:
        return used["date"] + " " + used["time"]
    if "time" in used:
        return used["time"]
    if {"year", "month", "day"} <= set(used):
        used["date"] = used["year"] + "-" + used["month"] + "-" + used["day"]
    if "date" not in used:
        return None
    if "hour" not in used:
        return used["date"]
    minute = used["minute"] if "minute" in used else pd.Series("00", index=table.index)
    hour = used["hour"].str.replace(r"\.0+$", "", regex=True)
    clock = hour.where(hour.str.contains(":", na=False), hour + ":" + minute.str.zfill(2))
    return used["date"] + " " + clock


def _stated_zone(
    zone: float | None, given: Given, stated: dict[str, str], mapped: Columns, name: str
) -> float | None:
    """Hours from UTC of the stamps: of the stamps themselves, the user, the notes, the heading."""
    if zone is not None and np.isfinite(zone):
        return zone
    if given.utc_offset_hours is not None:
        return given.utc_offset_hours
    notes = {key.replace(" ", "_").replace("-", "_"): value for key, value in stated.items()}
    told = next((notes[key] for key in _ZONE_NOTES if key in notes), "")
    told = told or parts_of(mapped.used.get("time", ""))[1]
    if not told:
        return None
    hours = zone_hours(told)
    if hours is None and told in notes.values():
        raise InputError("weather_zone_text", where=name, value=told)
    return hours


_ZONE_NOTES = ("utc_offset_hours", "utc_offset", "timezone", "time_zone", "tz", "zone", "时区")


def _zone_of(
    stated: float | None, latitude: float, longitude: float, name: str
) -> tuple[float, Finding]:
    """The hours from UTC that stamps are in: as they say, else the legal time of the place."""
    legal = legal_zone(latitude, longitude)
    if stated is not None and np.isfinite(stated):
        # Stamps in UTC far from Greenwich are moved to the clock of those who live there.
        local = stated if abs(stated - longitude / 15) <= ZONE_REACH and stated else legal
        params = {"zone": f"UTC{stated:+g}", "ours": f"UTC{local:+g}"}
        return local, Finding("weather_zone_stated", name, params=params)
    params = {"zone": f"UTC{legal:+g}"}
    return legal, Finding("weather_zone_assumed", name, params=params)


def _first_known(given: float | None, stated: str | None) -> float | None:
    return given if given is not None else (float(stated) if stated else None)
