"""Time stamps as meters, loggers and spreadsheets write them."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

import numpy as np
import pandas as pd

from pvplanner.reading.values import all_like, plain_text

_ZONE = re.compile(r"\s*(Z|UTC|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_TIDY = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
"""Times that need no other spelling."""

_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_SERIAL_RANGE = (20_000.0, 80_000.0)
"""Days since 1899-12-30 of the years 1954 to 2119."""

_COMPACT = (
    (r"\d{8}", "%Y%m%d"),
    (r"\d{10}", "%Y%m%d%H"),
    (r"\d{12}", "%Y%m%d%H%M"),
    (r"\d{14}", "%Y%m%d%H%M%S"),
    (r"\d{8} \d{1,2}:\d{2}", "%Y%m%d %H:%M"),
    (r"\d{8} \d{1,2}:\d{2}:\d{2}", "%Y%m%d %H:%M:%S"),
    (r"\d{8} \d{4}", "%Y%m%d %H%M"),
)  # fmt: skip


def parse_times(values: pd.Series) -> tuple[pd.DatetimeIndex, float | None]:
    """Times as written on the wall clock, and the hours from UTC that the stamps state.

    Parameters
    ----------
    values : Series of str
        ISO, ``2023/1/1 1:00``, ``20230101``, ``2023年1月1日 1时``, ``1.1.2023 01:00``, numbers of
        days as Excel keeps them, ``24:00`` for the day's end.

    Returns
    -------
    times : DatetimeIndex
        Naive, to the second; ``NaT`` where not understood.
    offset : float or None
        ``None`` where no stamp states one, ``nan`` where they state several.
    """
    known = values.astype("string").fillna("")
    spellings = known.unique()
    tidy = all_like(pd.Series(spellings), _TIDY)
    plain = pd.Series(
        [text.replace("T", " ") if tidy else _spelled(text) for text in spellings], dtype="object"
    )
    zones = plain.str.extract(_ZONE, expand=False)
    bare = plain.str.replace(_ZONE, "", regex=True)
    offsets = {_hours(zone) for zone in zones.dropna().unique()}
    late = bare.str.contains(r"\b24:00(?::00)?$")
    bare = bare.str.replace(r"\b24:00((?::00)?)$", r"00:00\1", regex=True)
    times = _parsed(bare) + pd.to_timedelta(np.where(late, 1, 0), "D")
    offset = None if not offsets else (offsets.pop() if len(offsets) == 1 else float("nan"))
    code = pd.Index(spellings).get_indexer(pd.Index(known))
    return pd.DatetimeIndex(times.to_numpy()[code]), offset


def parse_months(values: pd.Series) -> pd.Series:
    """Months as ``2027-05``, however they were written; missing where none is understood.

    Parameters
    ----------
    values : Series of str
        ``2027-05``, ``202705``, ``2027/5``, or with the words for year and month; a day's month.
    """
    found = values.astype("string").str.extract(r"((?:19|20)\d{2})\D{0,2}(\d{1,2})")
    month = found[1].str.zfill(2)
    return (found[0] + "-" + month).where(month.between("01", "12"))


def _spelled(text: str) -> str:
    told = plain_text(text).replace("T", " ").replace("t", " ")
    told = re.sub(r"(\d{4})年(\d{1,2})月(\d{1,2})日?", r"\1-\2-\3 ", told)
    told = re.sub(r"(\d{1,2})[时点](\d{1,2})?分?", lambda m: f"{m[1]}:{m[2] or '00'}", told)
    told = re.sub(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3", told)
    told = _HALF_DAY.sub(_of_24, told)
    return " ".join(told.split())


_HALF_DAY = re.compile(
    r"(?:(上午|下午)\s*)?\b(\d{1,2})(:\d{2}(?::\d{2})?)\s*(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE
)


def _of_24(found: re.Match[str]) -> str:
    """A time of half a day (12:30 AM, 下午 3:00) on the clock of 24 hours."""
    half = (found[1] or found[4] or "").casefold()
    hour = int(found[2])
    if half:
        late = half.startswith("p") or half == "下午"
        hour = hour % 12 + (12 if late else 0)
    return f"{hour:02d}{found[3]}"


def zone_hours(text: str) -> float | None:
    """Hours from UTC of a zone as notes state it: ``+8``, ``UTC+8``, ``GMT``, ``Asia/Shanghai``."""
    plain = plain_text(text)
    if plain in _NAMED:
        return _NAMED[plain]
    found = re.fullmatch(r"(?:utc|gmt|z)?\s*([+-]?\d{1,2}(?:[:.]\d+)?)?\s*h?", plain, re.IGNORECASE)
    if found and plain:
        hours, _, rest = (found[1] or "0").partition(":")
        sign = -1.0 if hours.startswith("-") else 1.0
        return float(hours) + sign * (int(rest) / 60 if rest else 0.0)
    try:
        zone = zoneinfo.ZoneInfo(plain)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
    # Standard time: of two dates half a year apart the smaller offset.
    offsets = [dt.datetime(2023, month, 1, tzinfo=zone).utcoffset() for month in (1, 7)]
    return min(o.total_seconds() for o in offsets if o is not None) / 3600


_NAMED = {"北京时间": 8.0, "Beijing time": 8.0, "CST": 8.0, "东八区": 8.0, "世界时": 0.0}


def _hours(zone: str) -> float:
    if zone.upper() in ("Z", "UTC"):
        return 0.0
    sign = -1.0 if zone[0] == "-" else 1.0
    digits = zone[1:].replace(":", "")
    return sign * (int(digits[:2]) + int(digits[2:]) / 60)


def _parsed(texts: pd.Series) -> pd.Series:
    """Times of plain spellings, each form by its own rule."""
    out = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[s]")
    rest = texts.ne("")
    serial = rest & texts.str.fullmatch(_SERIAL)
    if serial.any():
        days = texts[serial].astype(float)
        days = days.where(days.between(*_SERIAL_RANGE))
        out[serial] = pd.Timestamp("1899-12-30") + pd.to_timedelta((days * 86400).round(), "s")
    rest &= ~serial
    for pattern, form in _COMPACT:
        hit = rest & texts.str.fullmatch(pattern)
        if hit.any():
            out[hit] = pd.to_datetime(texts[hit], format=form, errors="coerce")
        rest &= ~hit
    iso = rest & texts.str.match(r"\d{4}-\d{1,2}-\d{1,2}")
    if iso.any():
        out[iso] = _iso(texts[iso])
    rest &= ~iso
    if rest.any():
        out[rest] = _day_or_month_first(texts[rest])
    return out


def _iso(texts: pd.Series) -> pd.Series:
    padded = texts.str.replace(r"\b(\d)\b", r"0\1", regex=True)
    return pd.to_datetime(padded, format="ISO8601", errors="coerce")


def _day_or_month_first(texts: pd.Series) -> pd.Series:
    """``31.12.2023`` and ``12/31/2023``: whichever order the whole column allows; else unknown."""
    parts = texts.str.extract(r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(.*)$")
    first, second = parts[0].astype(float), parts[1].astype(float)
    dotted = texts.str.match(r"\d{1,2}\.").all()
    if dotted or (first > 12).any():
        day, month = first, second
    elif (second > 12).any():
        day, month = second, first
    else:
        return pd.Series(pd.NaT, index=texts.index)
    told = (
        parts[2] + "-" + month.map("{:02.0f}".format) + "-" + day.map("{:02.0f}".format) + parts[3]
    )
    return _iso(told.where(parts[2].notna()))
