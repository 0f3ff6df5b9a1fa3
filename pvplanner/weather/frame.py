"""What a weather year is, and the rules that every one of them keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pvlib

from pvplanner.errors import Finding, InputError, listed

YEAR = 1990
"""Typical years are put into one common year of 365 days (as pvlib does for PVGIS)."""

HOURS = 8760
MIDDLE_MINUTES = 30.0
"""Of an hour: where a mean over it has its sun."""

COLUMNS = ("ghi", "dni", "dhi", "temp_air", "wind_speed")
FILL_HOURS = 3
"""Gaps up to this length are filled by interpolation and reported; longer ones are refused."""

_LIMITS = {
    "ghi": (-20.0, 1600.0),
    "dni": (-20.0, 1500.0),
    "dhi": (-20.0, 1200.0),
    "temp_air": (-75.0, 65.0),
    "wind_speed": (0.0, 90.0),
}


_TOLD: dict[str, Callable[..., Any]] = {
    "latitude": float,
    "longitude": float,
    "altitude": float,
    "source": str,
    "sun_offset_minutes": float,
    "trusted": str,
    "synthetic": bool,
    "sun_sigma_minutes": float,
}
"""What is told of a whole year beside its hours."""


@dataclass(frozen=True)
class Weather:
    """One year of hourly weather for one place.

    Attributes
    ----------
    data : DataFrame, shape (8760, 5)
        ``ghi``, ``dni``, ``dhi`` (W/m2, means of the hour), ``temp_air`` (degrees C),
        ``wind_speed`` (m/s). The tz-aware index is the start of each interval, local standard time.
    latitude, longitude : float
        Degrees, north and east positive.
    altitude : float
        Metres.
    source : str
        Where it came from, as the pages show it.
    sun_offset_minutes : float
        Where in each interval the sun is taken, minutes after its start.
    trusted : {'all', 'ghi_dhi', 'ghi_dni', 'dni_dhi'}
        Which components are the file's; the third follows from them.
    closure : dict of float
        Root mean square of GHI - DHI - DNI cos(zenith) over daylight, W/m2, by offset in minutes,
        of the three components as the file has them.
    synthetic : bool
        Made up hour by hour to match monthly means.
    findings : tuple of Finding
        What was repaired or is doubtful.
    sun_sigma_minutes : float
        One sigma of ``sun_offset_minutes``; zero where it was stated.
    """

    data: pd.DataFrame
    latitude: float
    longitude: float
    altitude: float
    source: str
    sun_offset_minutes: float = MIDDLE_MINUTES
    trusted: str = "all"
    closure: dict[int, float] = field(default_factory=dict)
    synthetic: bool = False
    findings: tuple[Finding, ...] = ()
    sun_sigma_minutes: float = 0.0

    def to_table(self) -> pd.DataFrame:
        """The year as one table that :meth:`from_table` reads back, findings left out."""
        zone = pd.DatetimeIndex(self.data.index).tz
        offset = zone.utcoffset(None).total_seconds() / 3600 if zone is not None else 0.0
        told = {name: getattr(self, name) for name in _TOLD}
        told |= {f"closure_{minutes}": rms for minutes, rms in self.closure.items()}
        return self.data.reset_index(drop=True).assign(utc_offset_hours=offset, **told)

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Weather:
        """Inverse of :meth:`to_table`."""
        first = table.iloc[0]
        told = {name: kind(first[name]) for name, kind in _TOLD.items()}
        closure = {
            int(name.removeprefix("closure_")): float(first[name])
            for name in table if name.startswith("closure_")
        }  # fmt: skip
        index = hourly_index(float(first["utc_offset_hours"]))
        return cls(table[list(COLUMNS)].set_axis(index), closure=closure, **told)

    def sun_times(self) -> pd.DatetimeIndex:
        """Times at which the sun is taken, one per row of ``data``."""
        index = pd.DatetimeIndex(self.data.index)
        return index + pd.Timedelta(minutes=self.sun_offset_minutes)

    def solar_position(self) -> pd.DataFrame:
        """Sun positions at :meth:`sun_times`, by pvlib (SPA)."""
        return solar_position(self.sun_times(), self.latitude, self.longitude, self.altitude)

    def with_findings(self, *more: Finding) -> Weather:
        """A copy with findings added."""
        return replace(self, findings=(*self.findings, *more))


def solar_position(
    times: pd.DatetimeIndex, latitude: float, longitude: float, altitude: float
) -> pd.DataFrame:
    """Zenith and azimuth of the sun, degrees (pvlib, NREL SPA)."""
    return pvlib.solarposition.get_solarposition(times, latitude, longitude, altitude)


EARLIEST, LATEST, STEP = -60, 90, 15
"""Minutes after the start of an hour at which suns of a year are known together."""


def zeniths(
    index: pd.DatetimeIndex, minutes: float, place: tuple[float, float, float]
) -> np.ndarray:
    """Zenith of the sun so many minutes after the start of each hour, degrees.

    Parameters
    ----------
    index : DatetimeIndex
        Hours, with a time zone; of hours without a gap many minutes are asked for at once.
    minutes : float
    place : tuple of float
        Latitude, longitude, altitude.
    """
    whole = len(index) > 0 and index[-1] - index[0] == pd.Timedelta(hours=len(index) - 1)
    if not whole or minutes % STEP or not EARLIEST <= minutes <= LATEST:
        sun = solar_position(index + pd.Timedelta(minutes=minutes), *place)
        return sun["zenith"].to_numpy()
    first, every = int(minutes - EARLIEST) // STEP, 60 // STEP
    return _quarters(index[0], len(index), place)[first : first + every * len(index) : every]


@lru_cache(maxsize=2)
def _quarters(first: pd.Timestamp, hours: int, place: tuple[float, float, float]) -> np.ndarray:
    """Zenith each quarter of an hour around a year: many moments of each hour, asked for once."""
    count = 60 // STEP * hours + (LATEST - EARLIEST) // STEP
    begin = first + pd.Timedelta(minutes=EARLIEST)
    times = pd.date_range(begin, periods=count, freq=pd.Timedelta(minutes=STEP))
    made = solar_position(times, *place)["zenith"].to_numpy()
    made.flags.writeable = False
    return made


def extra_radiation(times: pd.DatetimeIndex) -> np.ndarray:
    """Extraterrestrial normal irradiance, W/m2 (pvlib, Spencer 1971)."""
    # By day numbers: given the index itself, pvlib 0.16 asks pandas for an attribute it deprecates.
    days = times.tz_convert("UTC").day_of_year.to_numpy()
    return np.asarray(pvlib.irradiance.get_extra_radiation(days), dtype=float)


@lru_cache(maxsize=8)
def hourly_index(utc_offset_hours: float) -> pd.DatetimeIndex:
    """The 8,760 hours of the common year in a fixed zone."""
    zone = pd.Timedelta(hours=utc_offset_hours).to_pytimedelta()
    return pd.date_range(f"{YEAR}-01-01", periods=HOURS, freq="h", tz=dt.timezone(zone))


def whole_year(
    raw: pd.DataFrame, utc_offset_hours: float, *, where: str, first_row: int
) -> tuple[pd.DataFrame, list[Finding]]:
    """One common year of 8,760 clean hours from rows with a time index.

    Parameters
    ----------
    raw : DataFrame
        The five columns; the index gives month, day and hour in local standard time.
    utc_offset_hours : float
        Local standard time against UTC.
    where : str
        File, for messages.
    first_row : int
        Line of the file on which the first row stands.

    Raises
    ------
    InputError
        If hours are missing, out of order, impossible, or absent for more than three hours.
    """
    times = pd.DatetimeIndex(raw.index)
    leap = (times.month == 2) & (times.day == 29)
    findings = []
    if leap.any():
        findings.append(Finding("leap_day_dropped", where, int(leap.sum())))
    lines = np.arange(first_row, first_row + len(raw))[~leap]
    kept = raw.loc[~leap, list(COLUMNS)].astype(float)
    if len(kept) != HOURS:
        raise InputError("weather_rows", where=where, rows=len(kept), expected=HOURS)
    index = hourly_index(utc_offset_hours)
    there = times[~leap]
    wrong = (there.month != index.month) | (there.day != index.day) | (there.hour != index.hour)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError(
            "weather_order", where=f"{where}, row {lines[at]}", stamp=str(there[at])[5:16]
        )
    frame = kept.set_axis(index)
    _check_units(frame, where)
    for check in (_impossible_to_gap, _fill_gaps, _no_negatives):
        frame, more = check(frame, lines, where)
        findings += more
    return frame, findings


def _check_units(frame: pd.DataFrame, where: str) -> None:
    """Irradiance in MJ/m2 or kWh/m2 and temperatures in kelvin give themselves away."""
    light = float(frame[["ghi", "dni"]].max().max())
    if light < 20:
        raise InputError("weather_units", where=where, column="ghi", value=f"{light:.3g}")
    warmth = float(frame["temp_air"].mean())
    if warmth > 100:
        raise InputError("weather_units", where=where, column="temp_air", value=f"{warmth:.3g}")


def odd_light(weather: Weather, where: str, first_row: int) -> list[Finding]:
    """Sun at night and light beyond what an open sky can give, by row.

    The upper limit is the physically possible one of the Baseline Surface Radiation Network, 1.5
    times the extraterrestrial irradiance times cos(zenith)^1.2 plus 100 W/m2, at the sun's highest
    in each hour.

    Raises
    ------
    InputError
        If the sun shines in so many nights that the time zone must be wrong.
    """
    index = pd.DatetimeIndex(weather.data.index)
    ghi = weather.data["ghi"].to_numpy()
    high = np.full(len(ghi), 180.0)
    place = (weather.latitude, weather.longitude, weather.altitude)
    for minutes in (-30, 0, 30, 60, 90):
        high = np.minimum(high, zeniths(index, minutes, place))
    rows = np.arange(first_row, first_row + len(ghi))
    night = (high > 95) & (ghi > 5)
    dark = ghi[night].sum() / max(ghi.sum(), 1.0)
    if dark > 0.01:
        raise InputError("weather_night", where=where, share=f"{dark:.1%}")
    limit = 1.5 * extra_radiation(index) * np.maximum(np.cos(np.radians(high)), 0) ** 1.2 + 100
    findings = []
    for code, bad in (("weather_night_sun", night), ("weather_too_bright", ghi > limit)):
        if bad.any():
            params = {"rows": listed(rows[bad])}
            findings.append(Finding(code, where, int(bad.sum()), params))
    return findings


DARK_DAYS = 14
"""So many days without any light under a sun that is up are no year; fewer are doubted: a typical
year of Hangzhou has eight."""

SAME_DAYS = 4
"""So many days on end that are equal to the last digit are one day copied."""

BRIGHT_HOURS = (0.55, 1.05)
"""Light of the brightest hundredth of high-sun hours over the extraterrestrial horizontal light:
every place has clear hours, and none has more than there is."""


def missing_light(
    data: pd.DataFrame, zenith: np.ndarray, where: str, first_row: int
) -> list[Finding]:
    """Days without any light under a sun that is up.

    Raises
    ------
    InputError
        If there are so many that the year's sum is not to be believed; names the first.
    """
    up = np.cos(np.radians(zenith)).reshape(-1, 24).max(axis=1) > 0.15
    dark = up & (data["ghi"].to_numpy().reshape(-1, 24).sum(axis=1) <= 0)
    if dark.sum() < 2:
        return []
    row = first_row + 24 * int(np.flatnonzero(dark)[0])
    if dark.sum() >= DARK_DAYS:
        raise InputError("weather_dark", where=f"{where}, row {row}", days=int(dark.sum()))
    return [Finding("weather_dark_days", where, int(dark.sum()), {"row": row})]


def odd_days(
    data: pd.DataFrame, zenith: np.ndarray, extra: np.ndarray, where: str, first_row: int
) -> list[Finding]:
    """Days that are copies of the day before, and light that is of another unit."""
    days = data["ghi"].to_numpy().reshape(-1, 24)
    lit = days.sum(axis=1) > 0
    same = np.r_[False, (days[1:] == days[:-1]).all(axis=1)] & lit
    findings: list[Finding] = []
    run = np.convolve(same, np.ones(SAME_DAYS), "valid") >= SAME_DAYS
    if run.any() and not same[1:].all():
        day = int(np.flatnonzero(run)[0])
        params = {"row": first_row + 24 * day}
        findings.append(Finding("weather_copied", where, int(same.sum()), params))
    cosine = np.cos(np.radians(zenith))
    high = cosine > 0.5
    if high.sum() >= 500:
        clear = np.quantile(data["ghi"].to_numpy()[high] / (extra[high] * cosine[high]), 0.99)
        low, most = BRIGHT_HOURS
        if not low <= clear <= most:
            told = {"share": f"{clear:.0%}", "low": f"{low:.0%}", "high": f"{most:.0%}"}
            findings.append(Finding("weather_light", where, params=told))
    return findings


_Check = Callable[[pd.DataFrame, np.ndarray, str], tuple[pd.DataFrame, list[Finding]]]


def _impossible_to_gap(
    frame: pd.DataFrame, lines: np.ndarray, where: str
) -> tuple[pd.DataFrame, list[Finding]]:
    findings = []
    out = frame.copy()
    for column, (low, high) in _LIMITS.items():
        bad = frame[column].notna() & ~frame[column].between(low, high)
        if bad.any():
            out.loc[bad, column] = np.nan
            params = {"column": column, "rows": listed(lines[bad.to_numpy()])}
            findings.append(Finding("weather_impossible", where, int(bad.sum()), params))
    return out, findings


def _fill_gaps(
    frame: pd.DataFrame, lines: np.ndarray, where: str
) -> tuple[pd.DataFrame, list[Finding]]:
    findings = []
    for column in COLUMNS:
        missing = frame[column].isna().to_numpy()
        if not missing.any():
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.view(np.int8), [0]])))
        starts, ends = edges[::2], edges[1::2]
        longest = int((ends - starts).max())
        if longest > FILL_HOURS:
            at = int(starts[(ends - starts).argmax()])
            raise InputError(
                "weather_gap", where=f"{where}, row {lines[at]}", column=column, hours=longest
            )
        params = {"column": column, "rows": listed(lines[missing])}
        findings.append(Finding("weather_filled", where, int(missing.sum()), params))
    return frame.interpolate(limit_direction="both"), findings


def _no_negatives(
    frame: pd.DataFrame, lines: np.ndarray, where: str
) -> tuple[pd.DataFrame, list[Finding]]:
    sun = ["ghi", "dni", "dhi"]
    below = (frame[sun] < 0).any(axis=1).to_numpy()
    if not below.any():
        return frame, []
    out = frame.copy()
    out[sun] = frame[sun].clip(lower=0)
    finding = Finding("weather_negative", where, int(below.sum()), {"rows": listed(lines[below])})
    return out, [finding]
