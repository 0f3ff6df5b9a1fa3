"""Weather files of each kind as a raw frame: only parsing, no judgement."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

from pvplanner.errors import Finding, InputError
from pvplanner.reading import (
    guarded,
)
from pvplanner.reference import legal_zone
from pvplanner.weather.frame import COLUMNS, HOURS
from pvplanner.weather.plain import read_plain
from pvplanner.weather.raw import ZONE_REACH, Given, RawWeather


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
        return read_plain
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
    if abs(local - longitude / 15) > ZONE_REACH:
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


def _check_place(raw: RawWeather, where: str) -> None:
    fine = abs(raw.latitude) <= 90 and abs(raw.longitude) <= 180 and abs(raw.utc_offset_hours) <= 14
    solar = raw.longitude / 15
    if not fine:
        place = f"{raw.latitude}, {raw.longitude}, UTC{raw.utc_offset_hours:+g}"
        raise InputError("weather_place", where=where, place=place)
    if abs((raw.utc_offset_hours - solar + 12) % 24 - 12) > ZONE_REACH:
        zone = f"UTC{raw.utc_offset_hours:+g}"
        raise InputError("weather_zone", where=where, zone=zone, longitude=raw.longitude)
