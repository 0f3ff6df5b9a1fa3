"""The clock of demand: periods of the day that bills part, and hours of the weather's clock."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from pvplanner.reference import provincial
from pvplanner.scenario import Scenario, Tariff
from pvplanner.weather import hourly_index

MONTHS = 12

USUAL_PEAK = (8, 22)

VALLEY, PEAK, PLAIN = 0, 1, 2
"""Periods of the day that bills part: the last only where a tariff has one between the two."""


def day_periods(tariff: Tariff, province: str | None = None) -> np.ndarray:
    """Period of each hour of the day; shape (24,). All one without time of use."""
    if not tariff.time_of_use:
        return np.zeros(24, dtype=np.int64)
    stated = tariff.peak_hours is not None
    found = provincial.tariff_hours(province, "peak"), provincial.tariff_hours(province, "valley")
    peak = tuple(tariff.peak_hours or ()) if stated else found[0]
    valley = tuple(tariff.valley_hours or ()) or (() if stated else found[1])
    if not peak and not valley:
        peak = USUAL_PEAK
    out = np.full(24, PLAIN if valley else VALLEY, dtype=np.int64)
    for begin, end in _spans(valley):
        out[_hours(begin, end)] = VALLEY
    for begin, end in _spans(peak):
        out[_hours(begin, end)] = PEAK
    if not peak:
        # A valley alone: all else is at the tier's price.
        out[out == PLAIN] = PEAK
    return out


def _spans(hours: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(zip(hours[::2], hours[1::2], strict=True))


def _hours(begin: int, end: int) -> np.ndarray:
    """Hours from one to another, over midnight if need be."""
    last = end if end > begin else end + 24
    return np.arange(begin, last) % 24


def periods(scenario: Scenario, province: str | None = None) -> np.ndarray:
    """Period of the day of each hour of the year that bills part; shape (8760,)."""
    by_day = day_periods(scenario.tariff, province)
    return by_day[np.asarray(hourly_index(8.0).hour)]


def on_weather_clock(shapes: np.ndarray, late: float) -> np.ndarray:
    """What goes by the clock, by hours that lie ``late`` hours later; back again by ``-late``.

    Parameters
    ----------
    shapes : ndarray, shape (..., 8760) or (..., 24)
        By the hours of the clock, each taken as even.
    late : float
        As of :class:`pvplanner.energy.sky.Sky`.
    """
    whole = math.floor(late)
    part = late - whole
    first = np.roll(shapes, -whole, axis=-1)
    return first if part == 0 else (1 - part) * first + part * np.roll(first, -1, axis=-1)


def day_shares(made: pd.Series, late: float = 0.0) -> pd.DataFrame:
    """What of a year's generation comes in each hour of the clock; ``hour``, ``share``.

    Parameters
    ----------
    made : Series, shape (8760,)
        Power by the weather's hours.
    late : float
        By how much those lie later than the clock's.
    """
    by_hour = np.asarray(made, dtype=float).reshape(-1, 24).sum(axis=0)
    told = on_weather_clock(by_hour, -late)
    whole = told.sum()
    return pd.DataFrame({"hour": np.arange(24), "share": told / whole if whole > 0 else told})
