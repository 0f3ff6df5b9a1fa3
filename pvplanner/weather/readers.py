"""Weather files of each kind as a raw frame: only parsing, no judgement."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

from pvplanner.errors import Finding, InputError
from pvplanner.reading import (
    Columns,
    guarded,
    map_columns,
    mapped_findings,
    parse_times,
    read_numbers,
)
from pvplanner.reading.columns import parts_of
from pvplanner.reading.tables import separator_of
from pvplanner.reading.times import zone_hours
from pvplanner.reading.values import is_unit, unit_factor
from pvplanner.reference import legal_zone
from pvplanner.weather.frame import COLUMNS, HOURS


@dataclass(frozen=True)
class RawWeather:
    """A file as parsed: rows in local standard time, and what the file says of itself."""

    data: pd.DataFrame
    latitude: float
    longitude: float
    altitude: float
    utc_offset_hours: float
    source: str
    first_row: int
    stated_offset_minutes: float | None = None
    chinese_standard: bool = False
    series: bool = False
    """Rows have real time stamps and may be finer than hours or span years."""
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Given:
    """What the user states of a file that does not say it itself."""

    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    utc_offset_hours: float | None = None


def parse_weather(path: str | Path, given: Given | None = None) -> RawWeather:
    """Parse a weather file by what it contains, not by its suffix.

    Raises
    ------
    InputError
        If it is missing, not text, or of no known kind.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("file_missing", where=str(file))
    text, findings = _decode(file)
    reader = _kind(text)
    if reader is None:
        raise InputError("weather_kind", where=str(file))
    with guarded(file, "weather_unreadable"):
        raw = reader(text, file.name, given or Given())
    raw.findings.extend(findings)
    _check_place(raw, file.name)
    return raw


def _decode(file: Path) -> tuple[str, list[Finding]]:
    body = file.read_bytes()
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        with guarded(file):
            return body.decode("utf-16"), []
    if b"\0" in body[:4096]:
        raise InputError("weather_kind", where=str(file))
    try:
        return body.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        encoding = "GB18030" if _is_gb(body) else "ISO-8859-1"
        finding = Finding("weather_encoding", file.name, params={"encoding": encoding})
        return body.decode(encoding), [finding]


def _is_gb(body: bytes) -> bool:
    try:
        text = body.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return any("\u4e00" <= letter <= "\u9fff" for letter in text) and body.count(b"\xa1") > 0


def _kind(text: str) -> Callable[[str, str, Given], RawWeather] | None:
    head = text[:4000].lstrip()
    first = head.partition("\n")[0].lower()
    if first.startswith("location,"):
        return _read_epw
    if head.startswith("{"):
        return _read_json
    if first.startswith("latitude (decimal degrees)"):
        return _read_pvgis_series if "\ntime,gb(i)" in text[:4000].lower() else _read_pvgis_csv
    if "-begin header-" in first:
        return _read_power_csv
    if "date (mm/dd/yyyy)" in head.lower():
        return _read_tmy3
    if "latitude" in first and "longitude" in first and "," in first:
        return _read_sam
    if any(name in head.lower() for name in ("ghi", "dni", "dhi", "辐射", "辐照")):
        return _read_plain
    return None


def _read_epw(text: str, name: str, given: Given) -> RawWeather:
    data, meta = pvlib.iotools.read_epw(io.StringIO(text))
    kind = str(meta["data_type"])
    chinese = "CSWD" in kind.upper()
    frame = data[list(COLUMNS)].apply(pd.to_numeric, errors="coerce")
    for column, sentinel in (("ghi", 9999), ("dni", 9999), ("dhi", 9999), ("temp_air", 99.9)):
        frame[column] = frame[column].where(frame[column] < sentinel)
    frame["wind_speed"] = frame["wind_speed"].where(frame["wind_speed"] < 999)
    frame.index = _stamps(data["month"], data["day"], data["hour"] - 1)
    city = str(meta["city"]).strip()
    return RawWeather(
        frame,
        meta["latitude"],
        meta["longitude"],
        meta["altitude"],
        meta["TZ"],
        f"EPW {city} ({kind.strip()}), {name}",
        first_row=9,
        chinese_standard=chinese,
    )


def _stamps(month: pd.Series, day: pd.Series, hour: pd.Series) -> pd.DatetimeIndex:
    """Naive stamps in a leap year, so that a 29 February survives until it is dropped knowingly."""
    return pd.DatetimeIndex(
        pd.to_datetime(
            {
                "year": 2000,
                "month": month.to_numpy(),
                "day": day.to_numpy(),
                "hour": hour.to_numpy(),
            }
        )
    )


_SAM_NAMES = {
    "ghi": ("ghi", "gh", "global horizontal", "global"),
    "dni": ("dni", "dn", "beam", "direct normal"),
    "dhi": ("dhi", "df", "diffuse"),
    "temp_air": ("tdry", "temperature", "temp", "dry-bulb", "ambient temperature"),
    "wind_speed": ("wspd", "wind speed", "wind"),
}


def _read_sam(text: str, name: str, given: Given) -> RawWeather:
    """SAM's CSV, as NSRDB writes it: hours or finer, in the zone that ``Time Zone`` states."""
    lines = text.splitlines()
    header = [cell.strip().lower() for cell in lines[0].split(",")]
    meta = dict(zip(header, (cell.strip() for cell in lines[1].split(",")), strict=False))
    table = pd.read_csv(io.StringIO("\n".join(lines[2:])), skipinitialspace=True)
    table = table.loc[:, ~table.columns.str.startswith("Unnamed")]
    table = table.dropna(how="all")
    columns = {str(c).strip().lower().split("(")[0].strip(): c for c in table.columns}
    frame = pd.DataFrame(index=table.index)
    for ours, names in _SAM_NAMES.items():
        found = next((columns[n] for n in names if n in columns), None)
        if found is None:
            raise InputError("weather_column", where=name, column=ours)
        frame[ours] = pd.to_numeric(table[found], errors="coerce")
    latitude, longitude = float(meta["latitude"]), float(meta["longitude"])
    stated = meta.get("time zone") or meta.get("local time zone")
    zone = float(stated or 0)
    local = float(meta.get("local time zone") or zone)
    if abs(local - longitude / 15) > _ZONE_REACH:
        local = legal_zone(latitude, longitude)
    index = _sam_stamps(table, columns)
    minutes = np.unique(index.minute)
    # SAM's own rule: without minutes the sun stands in the middle of the hour.
    middle = float(minutes.mean()) if "minute" in columns and minutes.any() else 30.0
    frame.index = index + pd.Timedelta(hours=local - zone)
    fine = len(minutes) > 1
    if not fine:
        frame.index = pd.DatetimeIndex(frame.index).floor("h")
    return RawWeather(
        frame,
        latitude,
        longitude,
        float(meta.get("elevation") or 0),
        local,
        f"SAM CSV {meta.get('source', '')} {meta.get('city', '')}".strip() + f", {name}",
        first_row=4,
        stated_offset_minutes=middle,
        series=fine or local != zone,
    )


_ZONE_REACH = 4.0
"""Hours that a legal time may lie from the sun's: Kashi keeps 2.9."""


def _sam_stamps(table: pd.DataFrame, columns: dict[str, str]) -> pd.DatetimeIndex:
    """Stamps in one year, since rows of a typical year are from several: a leap year if need be."""
    parts: dict[str, np.ndarray] = {}
    for part in ("month", "day", "hour", "minute"):
        if part in columns:
            parts[part] = pd.to_numeric(table[columns[part]], errors="coerce").to_numpy()
        elif part != "minute":
            raise KeyError(part)
    leap = ((parts["month"] == 2) & (parts["day"] == 29)).any()
    parts["year"] = np.full(len(table), 2000 if leap else 2001)
    return pd.DatetimeIndex(pd.to_datetime(pd.DataFrame(parts)))


def _read_pvgis_csv(text: str, name: str, given: Given) -> RawWeather:
    data, meta = pvlib.iotools.read_pvgis_tmy(_buffer(text), pvgis_format="csv")
    place = meta.get("inputs", meta)
    if "location" in place:
        place = place["location"]
    return _from_pvgis(data, place, name, first_row=18)


def _read_json(text: str, name: str, given: Given) -> RawWeather:
    document = json.loads(text)
    if "parameter" in document.get("properties", {}):
        return _read_power_json(document, name)
    if "hourly" in document.get("outputs", {}):
        data = pvlib.iotools.read_pvgis_hourly(io.StringIO(text), pvgis_format="json")[0]
        fixed = document["inputs"].get("mounting_system", {}).get("fixed", {})
        slope = float(fixed.get("slope", {}).get("value", 0))
        return _from_pvgis_series(data, document["inputs"]["location"], slope, name, 1)
    if "tmy_hourly" not in document.get("outputs", {}):
        raise InputError("weather_kind", where=name)
    data = pvlib.iotools.read_pvgis_tmy(io.StringIO(text), pvgis_format="json")[0]
    return _from_pvgis(data, document["inputs"]["location"], name, first_row=1)


def _buffer(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def _from_pvgis(data: pd.DataFrame, place: dict, name: str, first_row: int) -> RawWeather:
    """PVGIS rows are stamped in UTC; they are rolled into the place's legal time."""
    latitude, longitude = float(place["latitude"]), float(place["longitude"])
    shift = round(legal_zone(latitude, longitude))
    frame = data[list(COLUMNS)].reset_index(drop=True)
    if len(frame) != HOURS:
        raise InputError("weather_rows", where=name, rows=len(frame), expected=HOURS)
    rolled = pd.DataFrame(np.roll(frame.to_numpy(), shift, axis=0), columns=frame.columns)
    hours = pd.date_range("1990-01-01", periods=HOURS, freq="h")
    rolled.index = _stamps(hours.month.to_series(), hours.day.to_series(), hours.hour.to_series())
    stated = next(
        (float(v) for k, v in place.items() if "time" in k.lower() and "offset" in k.lower()), None
    )
    return RawWeather(
        rolled,
        latitude,
        longitude,
        float(place.get("elevation") or 0),
        float(shift),
        f"PVGIS TMY, {name}",
        first_row=first_row,
        stated_offset_minutes=None if stated is None else stated * 60,
    )


def _read_pvgis_series(text: str, name: str, given: Given) -> RawWeather:
    data, meta = pvlib.iotools.read_pvgis_hourly(io.StringIO(text), pvgis_format="csv")
    place = meta["inputs"]
    slope = next((v for k, v in place.items() if k.lower().startswith("slope")), "0")
    first = text[: text.lower().index("\ntime,")].count("\n") + 3
    return _from_pvgis_series(data, place, float(str(slope).split()[0]), name, first)


def _from_pvgis_series(
    data: pd.DataFrame, place: dict, slope: float, name: str, first_row: int
) -> RawWeather:
    """A PVGIS hourly series on the horizontal, with its components; stamps are UTC."""
    needed = {"poa_direct", "poa_sky_diffuse"}
    if slope != 0 or not needed <= set(data.columns):
        raise InputError("weather_pvgis_series", where=name)
    longitude, latitude = float(place["longitude"]), float(place["latitude"])
    shift = round(legal_zone(latitude, longitude))
    beam, diffuse = data["poa_direct"].astype(float), data["poa_sky_diffuse"].astype(float)
    frame = pd.DataFrame({"ghi": beam + diffuse, "dni": np.nan, "dhi": diffuse})
    frame["temp_air"] = data["temp_air"].astype(float)
    frame["wind_speed"] = data["wind_speed"].astype(float)
    frame.index = pd.DatetimeIndex(data.index).tz_localize(None) + pd.Timedelta(hours=shift)
    source = f"PVGIS hourly series, {name}"
    return RawWeather(
        frame, latitude, longitude, float(place.get("elevation") or 0), float(shift), source,
        first_row=first_row, series=True,
    )  # fmt: skip


_POWER_NAMES = {
    "ghi": "ALLSKY_SFC_SW_DWN",
    "dni": "ALLSKY_SFC_SW_DNI",
    "dhi": "ALLSKY_SFC_SW_DIFF",
    "temp_air": "T2M",
    "wind_speed": "WS10M",
}
_POWER_FILL = -900.0


def _read_power_csv(text: str, name: str, given: Given) -> RawWeather:
    """NASA POWER hourly: stamps begin the hour, in local solar time or UTC as its header says."""
    head, _, body = text.partition("-END HEADER-")
    words = head.replace(":", " ").split()
    latitude = float(words[words.index("Latitude") + 1])
    longitude = float(words[words.index("Longitude") + 1])
    table = pd.read_csv(io.StringIO(body.lstrip()))
    stamps = pd.to_datetime(
        {"year": table["YEAR"], "month": table["MO"], "day": table["DY"], "hour": table["HR"]}
    )
    columns = {ours: table[theirs] for ours, theirs in _POWER_NAMES.items() if theirs in table}
    zone = "UTC" if " utc" in head.lower() else "LST"
    return _from_power(
        pd.DataFrame(columns), pd.DatetimeIndex(stamps), (latitude, longitude, 0.0), zone, name,
        head.count("\n") + 3,
    )  # fmt: skip


def _read_power_json(document: dict, name: str) -> RawWeather:
    longitude, latitude, *rest = document["geometry"]["coordinates"]
    series = document["properties"]["parameter"]
    columns = {
        ours: pd.Series(series[theirs]) for ours, theirs in _POWER_NAMES.items() if theirs in series
    }
    frame = pd.DataFrame(columns)
    stamps = pd.to_datetime(frame.index, format="%Y%m%d%H")
    zone = str(document.get("header", {}).get("time_standard", "LST"))
    place = (float(latitude), float(longitude), float(rest[0]) if rest else 0.0)
    return _from_power(frame, pd.DatetimeIndex(stamps), place, zone, name, 1)


def _from_power(
    frame: pd.DataFrame, stamps: pd.DatetimeIndex, place: tuple[float, float, float], zone: str,
    name: str, first_row: int,
) -> RawWeather:  # fmt: skip
    latitude, longitude, altitude = place
    solar = round(longitude / 15)
    shift = round(legal_zone(latitude, longitude))
    clean = frame.astype(float).where(frame.astype(float) > _POWER_FILL).reset_index(drop=True)
    # Local solar time, to the hour, and legal time: the sun is looked for in either.
    utc = zone.upper() == "UTC"
    shift = shift if utc else solar
    moved = stamps + pd.Timedelta(hours=shift if utc else 0)
    clean.index = moved
    return RawWeather(
        clean, latitude, longitude, altitude, float(shift), f"NASA POWER, {name}",
        first_row=first_row, series=True,
    )  # fmt: skip


def _read_tmy3(text: str, name: str, given: Given) -> RawWeather:
    """TMY3: stamps end the hour (01:00 to 24:00) and are moved to its start."""
    data, meta = pvlib.iotools.read_tmy3(io.StringIO(text), coerce_year=2001)
    frame = data[list(COLUMNS)].astype(float)
    start = pd.DatetimeIndex(data.index).tz_localize(None) - pd.Timedelta(hours=1)
    frame.index = _stamps(start.month.to_series(), start.day.to_series(), start.hour.to_series())
    city = str(meta["Name"]).strip().strip('"')
    return RawWeather(
        frame, meta["latitude"], meta["longitude"], meta["altitude"], meta["TZ"],
        f"TMY3 {city}, {name}", first_row=3,
    )  # fmt: skip


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


def _read_plain(text: str, name: str, given: Given) -> RawWeather:
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
        local = stated if abs(stated - longitude / 15) <= _ZONE_REACH and stated else legal
        params = {"zone": f"UTC{stated:+g}", "ours": f"UTC{local:+g}"}
        return local, Finding("weather_zone_stated", name, params=params)
    params = {"zone": f"UTC{legal:+g}"}
    return legal, Finding("weather_zone_assumed", name, params=params)


def _first_known(given: float | None, stated: str | None) -> float | None:
    return given if given is not None else (float(stated) if stated else None)


def _check_place(raw: RawWeather, where: str) -> None:
    fine = abs(raw.latitude) <= 90 and abs(raw.longitude) <= 180 and abs(raw.utc_offset_hours) <= 14
    solar = raw.longitude / 15
    if not fine:
        place = f"{raw.latitude}, {raw.longitude}, UTC{raw.utc_offset_hours:+g}"
        raise InputError("weather_place", where=where, place=place)
    if abs((raw.utc_offset_hours - solar + 12) % 24 - 12) > _ZONE_REACH:
        zone = f"UTC{raw.utc_offset_hours:+g}"
        raise InputError("weather_zone", where=where, zone=zone, longitude=raw.longitude)
