"""Hours made up from a seed so that their monthly sums are those of a table.

Daily clearness has the spread and memory of real days (beta marginals, or the quantiles of a given
distribution), hours go up and down around their day, and the diffuse part follows Erbs-Driesse,
bent until each month's sum is the table's. How far days differ is told by the diffuse part itself:
much of it means haze on all days, little means clear days between dark ones.

The constants were chosen so that what a household uses of its own power is that of the real hours
of ten weather files from Singapore to Zurich (``tests/test_synthesis.py``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pvlib
from scipy.special import betaincinv, ndtr

from pvplanner.weather.closure import clear_beam

_CLOUD_MEMORY = 0.5
_HOUR_MEMORY = 0.5
_HOUR_SPREAD = 0.4
_EDGE, _NOON = 0.65, 0.44
_KT_LOW, _KT_HIGH = 0.0, 0.78
_USUAL_SPREAD = 0.21
_ARID_KT = 0.58
"""Mean clearness above which days are the more alike the clearer the place."""

_TOLD_SHARE, _TOLD_RANGE = 0.55, 0.2
"""How far the diffuse part is believed, where its range over all spreads is so wide or wider."""

_SPREADS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
_HOURLY_KT_MAX = 0.85

DailyClearness = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From ranks in (0, 1) and months 1 to 12 of 365 days to their clearness."""


def make_radiation(
    index: pd.DatetimeIndex,
    zenith: np.ndarray,
    extra: np.ndarray,
    ghi_kwh: np.ndarray,
    dhi_kwh: np.ndarray | None,
    rng: np.random.Generator,
    daily: DailyClearness | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """GHI, DHI and DNI of a year, W/m2.

    Parameters
    ----------
    index : DatetimeIndex, shape (8760,)
    zenith, extra : ndarray, shape (8760,)
        Of the sun (degrees), and extraterrestrial normal irradiance (W/m2).
    ghi_kwh, dhi_kwh : ndarray, shape (12,)
        Monthly sums, kWh/m2; where DHI is not known it follows from GHI.
    rng : Generator
        Source of the made-up hours.
    daily : callable, optional
        Distribution of the days' clearness; a beta distribution around the months' means if not
        given.
    """
    cosine = np.maximum(np.cos(np.radians(zenith)), 0)
    top = extra * cosine
    cap = clear_beam(zenith, extra) * cosine
    month = np.asarray(index.month)
    above = np.array([top[month == m].sum() for m in range(1, 13)])
    rank = ndtr(_remembering(rng, 365, _CLOUD_MEMORY))
    within = _within_day(top, rng)
    mean = 1000 * ghi_kwh / above
    if daily is None:
        told = None if dhi_kwh is None else float(dhi_kwh.sum() / ghi_kwh.sum())
        spread = _day_spread(mean, told, rank, within, (top, zenith, extra, month))
        daily = _beta_days(mean, spread)
    shape = np.repeat(daily(rank, month[::24]), 24) * within
    ghi, dhi = np.zeros(len(index)), np.zeros(len(index))
    for m in range(1, 13):
        own = month == m
        ghi[own] = _scaled(shape[own] * top[own], _HOURLY_KT_MAX * top[own], 1000 * ghi_kwh[m - 1])
        total = None if dhi_kwh is None else 1000 * dhi_kwh[m - 1]
        dhi[own] = _diffuse(ghi[own], zenith[own], extra[own], cap[own], total)
    dni = np.divide(ghi - dhi, cosine, out=np.zeros_like(ghi), where=cosine > 0.01)
    return ghi, ghi - dni * cosine, dni


def _day_spread(
    mean: np.ndarray, told: float | None, rank: np.ndarray, within: np.ndarray,
    sun: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> float:  # fmt: skip
    """One sigma of the days' clearness around their month's mean.

    Parameters
    ----------
    mean : ndarray, shape (12,)
    told : float or None
        Diffuse share of the year's light.
    rank, within : ndarray
        Of the days, and the hours' clearness over their day's.
    sun : tuple of ndarray, shape (8760,)
        Light above the air, zenith, extraterrestrial normal irradiance, month.
    """
    top, zenith, extra, month = sun
    whole = float(np.average(mean, weights=np.bincount(month, weights=top)[1:]))
    usual = _USUAL_SPREAD - max(whole - _ARID_KT, 0.0)
    if told is None:
        return usual
    shares = []
    for spread in _SPREADS:
        days = _beta_days(mean, spread)(rank, month[::24])
        ghi = np.minimum(np.repeat(days, 24) * within, _HOURLY_KT_MAX) * top
        parts = pvlib.irradiance.erbs_driesse(ghi, np.minimum(zenith, 90), dni_extra=extra)
        shares.append(float(np.nansum(parts["dhi"]) / ghi.sum()))
    falling = np.minimum.accumulate(shares)
    said = float(np.interp(-told, -falling, _SPREADS))
    part = _TOLD_SHARE * min(1.0, float(falling[0] - falling[-1]) / _TOLD_RANGE)
    return (1 - part) * usual + part * said


def _beta_days(mean: np.ndarray, sigma: float) -> DailyClearness:
    """Days that are beta distributed around their month's mean clearness."""
    unit = np.clip((mean - _KT_LOW) / (_KT_HIGH - _KT_LOW), 0.05, 0.95)
    spread = np.minimum(sigma / (_KT_HIGH - _KT_LOW), 0.9 * np.sqrt(unit * (1 - unit)))
    strength = unit * (1 - unit) / spread**2 - 1

    def days(rank: np.ndarray, month: np.ndarray) -> np.ndarray:
        a, b = (unit * strength)[month - 1], ((1 - unit) * strength)[month - 1]
        return _KT_LOW + (_KT_HIGH - _KT_LOW) * betaincinv(a, b, rank)

    return days


def _remembering(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    """Standard normal numbers with a memory of one step."""
    noise = rng.standard_normal(count)
    out = np.empty(count)
    out[0] = noise[0]
    for step in range(1, count):
        out[step] = memory * out[step - 1] + np.sqrt(1 - memory**2) * noise[step]
    return out


def _within_day(top: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Clearness of the hours over that of their day: higher towards noon, with ups and downs.

    The rise towards noon is Collares-Pereira and Rabl's (1979) and a tenth more, as nine of ten
    real files have it (the CSWD file of Dinghai rises by half of that).
    """
    noon = np.repeat(top.reshape(-1, 24).max(axis=1), 24)
    height = np.divide(top, noon, out=np.zeros_like(top), where=noon > 0)
    shape = (_EDGE + _NOON * height) * np.exp(
        _HOUR_SPREAD * _remembering(rng, len(top), _HOUR_MEMORY)
    )
    days = (shape * top).reshape(-1, 24).sum(axis=1) / top.reshape(-1, 24).sum(axis=1)
    return shape / np.repeat(days, 24)


def _scaled(shape: np.ndarray, limit: np.ndarray, total: float) -> np.ndarray:
    """``min(k * shape, limit)`` with the k that sums to the total."""
    low, high = 0.0, 1.0
    while np.minimum(high * shape, limit).sum() < total and high < 1e6:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if np.minimum(middle * shape, limit).sum() < total:
            low = middle
        else:
            high = middle
    out = np.minimum(high * shape, limit)
    return out * (total / out.sum())


def _diffuse(
    ghi: np.ndarray, zenith: np.ndarray, extra: np.ndarray, cap: np.ndarray, total: float | None
) -> np.ndarray:
    """Diffuse part by Erbs-Driesse, bent by an exponent until the month's sum is the table's."""
    share = pvlib.irradiance.erbs_driesse(ghi, np.minimum(zenith, 90), dni_extra=extra)["dhi"]
    share = np.clip(np.divide(share, ghi, out=np.ones_like(ghi), where=ghi > 0), 0.02, 1)
    dark = zenith > 89

    def bent(power: float) -> np.ndarray:
        part = np.maximum(ghi * share**power, ghi - cap)
        return np.where(dark, ghi, part)

    if total is None:
        return bent(1.0)
    low, high = 0.0, 12.0
    for _ in range(80):
        middle = (low + high) / 2
        if bent(middle).sum() > total:
            low = middle
        else:
            high = middle
    return bent(high)


def make_temperature(
    index: pd.DatetimeIndex, mean: np.ndarray, day_range: np.ndarray
) -> np.ndarray:
    """Air temperature, degrees C: smooth over the year, warmest at two in the afternoon.

    Parameters
    ----------
    index : DatetimeIndex, shape (8760,)
    mean, day_range : ndarray, shape (12,)
        Monthly means, and differences between the warmest and coldest hour of a day.
    """
    hours = np.arange(len(index))
    middles = np.array([hours[index.month == m].mean() for m in range(1, 13)])
    around = np.concatenate([middles[-1:] - 8760, middles, middles[:1] + 8760])

    def smooth(values: np.ndarray) -> np.ndarray:
        return np.interp(hours, around, np.concatenate([values[-1:], values, values[:1]]))

    wave = np.cos(2 * np.pi * (index.hour.to_numpy() - 14) / 24)
    temp = smooth(mean) + smooth(day_range) / 2 * wave
    for month in range(1, 13):
        own = index.month == month
        temp[own] += mean[month - 1] - temp[own].mean()
    return temp
