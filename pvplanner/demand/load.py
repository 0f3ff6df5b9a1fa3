"""What households use, hour by hour: archetypes, a profile of one's own, or meter data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError, InputError
from pvplanner.weather import HOURS, hourly_index

QUARTERS = 96
"""Points of a State Grid day."""


def archetypes(path: str | None = None) -> pd.DataFrame:
    """Load archetypes: the packaged table, or one of the same form.

    Returns
    -------
    DataFrame
        Indexed by ``archetype``: ``kwh_per_year``, ``h00`` to ``h23`` (parts of a day, any scale),
        ``m01`` to ``m12`` (a day's use by month over the year's mean), ``source``, ``certainty``.
    """
    if path is None:
        return reference.load("load_archetypes").set_index("archetype")
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError("file_unreadable", where=str(path), reason=str(error)) from None
    needed = ["archetype", "kwh_per_year", *_hours(), *_months()]
    missing = [name for name in needed if name not in table]
    if missing:
        raise InputError("table_columns", where=str(path), table="archetypes", missing=missing[0])
    numbers = table[[*_hours(), *_months()]].to_numpy(dtype=float)
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise InputError("archetype_value", where=str(path))
    return table.set_index("archetype")


def _hours() -> list[str]:
    return [f"h{hour:02d}" for hour in range(24)]


def _months() -> list[str]:
    return [f"m{month:02d}" for month in range(1, 13)]


def year_shape(row: pd.Series) -> np.ndarray:
    """Hourly load of an archetype as parts of a year's energy; shape (8760,), sums to 1."""
    day = row[_hours()].to_numpy(dtype=float)
    month = row[_months()].to_numpy(dtype=float)
    index = hourly_index(8.0)
    shape = day[np.asarray(index.hour)] * month[np.asarray(index.month) - 1]
    return shape / shape.sum()


def profile_shape(profile: list[float]) -> np.ndarray:
    """A 24-hour profile as parts of a year's energy; shape (8760,), sums to 1."""
    day = np.asarray(profile, dtype=float)
    if day.shape != (24,) or not (day >= 0).all() or day.sum() <= 0:
        raise ConfigError("profile_value", where="demand.profile")
    return np.tile(day / day.sum() / 365, 365)


def read_meter(path: str | Path) -> pd.DataFrame:
    """Metered load of households over a year.

    Parameters
    ----------
    path : path-like
        CSV with ``household_id``, ``time`` (start of the hour) and ``kwh``; or the State Grid day
        of 96 points: ``household_id``, ``date`` and ``p01`` to ``p96`` (kW, quarter-hour means).

    Returns
    -------
    DataFrame, shape (8760, households)
        kWh an hour, a column per household. A 29 February is dropped.

    Raises
    ------
    InputError
        If hours are missing or come twice (as at a change to daylight saving time), or a value is
        negative; names the household and the hour.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("file_missing", where=str(file))
    try:
        table = pd.read_csv(file, dtype={"household_id": "string"})
    except (ValueError, OSError) as error:
        raise InputError("file_unreadable", where=str(file), reason=str(error)) from None
    table.columns = [str(c).strip().lower() for c in table.columns]
    if {"household_id", "time", "kwh"} <= set(table.columns):
        long = table[["household_id", "time", "kwh"]].copy()
        long["time"] = pd.to_datetime(long["time"], errors="coerce")
    elif {"household_id", "date"} <= set(table.columns):
        long = _from_quarters(table, file)
    else:
        missing = "household_id, time, kwh (or date, p01 to p96)"
        raise InputError("table_columns", where=str(file), table="meter", missing=missing)
    return _meter_year(long, file)


def _from_quarters(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    points = [f"p{n:02d}" for n in range(1, QUARTERS + 1)]
    missing = [name for name in points if name not in table]
    if missing:
        raise InputError("table_columns", where=str(file), table="meter", missing=missing[0])
    power = table[points].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    hourly = power.reshape(len(table), 24, 4).mean(axis=2)
    days = pd.to_datetime(table["date"], errors="coerce")
    return pd.DataFrame(
        {
            "household_id": np.repeat(table["household_id"].to_numpy(), 24),
            "time": np.repeat(days.to_numpy(), 24)
            + np.tile(pd.to_timedelta(np.arange(24), "h").to_numpy(), len(table)),
            "kwh": hourly.ravel(),
        }
    )


def _meter_year(long: pd.DataFrame, file: Path) -> pd.DataFrame:
    value = pd.to_numeric(long["kwh"], errors="coerce")
    bad = long["time"].isna() | value.isna() | (value < 0)
    if bad.any():
        row = int(np.flatnonzero(bad.to_numpy())[0])
        first_bad = long.iloc[row]
        raise InputError(
            "meter_value",
            where=f"{file}, {first_bad['household_id']}",
            value=str(first_bad["kwh"]),
            time=str(first_bad["time"]),
        )
    long = long.assign(kwh=value)
    long = long[~((long["time"].dt.month == 2) & (long["time"].dt.day == 29))]
    twice = long.duplicated(["household_id", "time"])
    if twice.any():
        first = long[twice].iloc[0]
        raise InputError(
            "meter_twice", where=f"{file}, {first['household_id']}", time=str(first["time"])
        )
    wide = long.pivot(index="time", columns="household_id", values="kwh")
    stamps = pd.DatetimeIndex(wide.index)
    year = pd.date_range(stamps[0].floor("D"), periods=HOURS + 24, freq="h")
    year = year[~((year.month == 2) & (year.day == 29))][:HOURS]
    whole = wide.reindex(year)
    gaps = whole.isna()
    if gaps.to_numpy().any():
        household = gaps.any()[gaps.any()].index[0]
        first_gap = gaps.index[gaps[household].to_numpy()][0]
        raise InputError(
            "meter_gap",
            where=f"{file}, {household}",
            time=str(first_gap),
            hours=int(gaps[household].sum()),
        )
    order = np.lexsort((year.hour, year.day, year.month))
    return whole.iloc[order].set_axis(hourly_index(8.0))
