"""Weather of any stretch of time: a fortnight stands in a year whose other hours are dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import InputError
from pvplanner.weather.frame import COLUMNS, HOURS, MIDDLE_MINUTES, Weather, hourly_index
from pvplanner.weather.raw import Given
from pvplanner.weather.readers import parse_weather
from pvplanner.weather.series import complete


def read_stretch(
    path: str | Path, begin: pd.Timestamp, end: pd.Timestamp, *, place: Given
) -> tuple[Weather, np.ndarray]:
    """Weather that was measured between two days, as a year for the kernel.

    Parameters
    ----------
    path : path-like
        A series with real time stamps of any length.
    begin, end : Timestamp
        First and last day, both counted; at most a year.
    place : Given
        Where a file that does not say it was measured.

    Returns
    -------
    weather : Weather
        Hours outside are dark.
    known : ndarray of bool, shape (8760,)
        Hours of the common year that the file has.

    Raises
    ------
    InputError
        If the file has no hour of the time, or no light.
    """
    file = Path(path)
    raw = parse_weather(file, place)
    rows, derive, findings = complete(raw.data, where=file.name)
    times = pd.DatetimeIndex(rows.index)
    inside = (times >= begin) & (times < end + pd.Timedelta(days=1))
    rows, times = rows[inside], times[inside]
    leap = np.asarray((times.month == 2) & (times.day == 29))
    rows, times = rows[~leap], times[~leap]
    if rows.empty:
        span = f"{begin:%Y-%m-%d} - {end:%Y-%m-%d}"
        raise InputError("track_no_hours", where=str(file), period=span)
    hourly = rows.groupby(times.floor("h")).mean()
    stamps = pd.DatetimeIndex(hourly.index)
    common = hourly_index(0.0)
    place_of = {(t.month, t.day, t.hour): n for n, t in enumerate(common)}
    at = np.array([place_of[t.month, t.day, t.hour] for t in stamps])
    data = pd.DataFrame(
        {name: np.full(HOURS, {"temp_air": 20.0, "wind_speed": 1.0}.get(name, 0.0))
         for name in COLUMNS}, index=hourly_index(raw.utc_offset_hours),
    )  # fmt: skip
    values = hourly[list(COLUMNS)]
    good = values.notna().all(axis=1).to_numpy()
    data.iloc[at[good]] = values[good].to_numpy()
    known = np.zeros(HOURS, dtype=bool)
    known[at[good]] = True
    minutes = raw.stated_offset_minutes
    weather = Weather(
        data, raw.latitude, raw.longitude, raw.altitude, raw.source,
        sun_offset_minutes=MIDDLE_MINUTES if minutes is None else minutes,
        trusted=derive or "all", findings=(*raw.findings, *findings),
    )  # fmt: skip
    from pvplanner.weather import shift_sun

    return shift_sun(weather, 0.0), known
