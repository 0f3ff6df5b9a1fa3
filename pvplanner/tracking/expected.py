"""What a plan says of each day that was, by household: wear and the measured sky are in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.energy.sky import Sky
from pvplanner.energy.year import Year
from pvplanner.metering.learning import NOT_BUILT
from pvplanner.money import Terms
from pvplanner.plan import Plan
from pvplanner.scenario.calendar import DAYS
from pvplanner.schema import MONTHLY_ENERGY
from pvplanner.weather.raw import Given
from pvplanner.weather.stretch import read_stretch

_CHUNK = 400
CHINA_HOURS = 8.0

MEASURED_SKY = ("year_to_year", "irradiation_source", "irradiation_table")
"""Doubts that weather of the period itself takes away."""


def expected_days(
    plan: Plan, begin: pd.Timestamp, end: pd.Timestamp,
    weather: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What each household is to make on each day, kWh, wear of the plant's age included.

    Parameters
    ----------
    plan : Plan
    begin, end : Timestamp
        First and last day, both counted.
    weather : path-like, optional
        Measured over the time; days that it has not whole are nan. Without it the typical year's.

    Returns
    -------
    DataFrame
        A row a day, a column a household with modules. A 29 February is as the day before.
    """
    days = pd.date_range(begin, end, freq="D")
    parts = [_of_village(part, days, weather) for part in plan.parts.values()]
    return pd.concat(parts, axis=1)


def _of_village(
    part: Any, days: pd.DatetimeIndex, weather: str | os.PathLike[str] | None
) -> pd.DataFrame:
    """A village's households by day, from the plan's saved tables alone.

    Shade is what the plan's own months have: each array's day under an open sky is brought to the
    share of it that its month keeps.
    """
    scenario, result = part.scenario, part.result
    arrays = result("arrays")
    typical = _array_days(Year(Sky.from_table(result("sky")), scenario, shaded=False), arrays)
    kept = _month_shares(typical, result("energy"))
    known = np.ones(8760, dtype=bool)
    asked = typical
    if weather is not None:
        place = result("place")
        zone = CHINA_HOURS if place.province else None
        given = Given(place.latitude, place.longitude, None, zone)
        measured, known = read_stretch(Path(weather), days[0], days[-1], place=given)
        asked = _array_days(Year(measured, scenario, shaded=False), arrays)
    daily = asked * kept[_MONTH_OF_DAY]
    daily[~known.reshape(365, 24).all(axis=1)] = np.nan
    homes = _to_homes(part, arrays, daily)
    leapt = days.is_leap_year & (days.day_of_year > 59)
    common = np.minimum(days.day_of_year.to_numpy() - 1 - leapt, 364)
    age = _kept(part.terms, days)
    people, case = part.case()
    through = pd.Series(case.let_through, index=people["household_id"].astype(str))
    homes = homes * through.reindex(homes.columns).fillna(1.0)
    return pd.DataFrame(homes.to_numpy()[common] * age[:, None], index=days, columns=homes.columns)


_MONTH_OF_DAY = np.repeat(np.arange(12), DAYS)


def _month_shares(typical: np.ndarray, energy: pd.DataFrame) -> np.ndarray:
    """What each month of the plan keeps of an open sky, by array; shape (12, arrays)."""
    planned = energy[list(MONTHLY_ENERGY)].to_numpy(dtype=float).T
    begins = np.r_[0, np.cumsum(DAYS)[:-1]]
    made = np.add.reduceat(typical, begins, axis=0)
    return np.divide(planned, made, out=np.zeros_like(made), where=made > 0)


def _kept(terms: Terms, days: pd.DatetimeIndex) -> np.ndarray:
    """What wear leaves on each day, by the year of life; unknown before the connection and after
    the plant's life.
    """
    since = (days - pd.Timestamp(terms.connection_date)).days.to_numpy() // 365
    kept = np.asarray(terms.kept, dtype=float).ravel()
    alive = (since >= 0) & (since < len(kept))
    return np.where(alive, kept[np.clip(since, 0, len(kept) - 1)], np.nan)


def _array_days(ready: Year, arrays: pd.DataFrame) -> np.ndarray:
    """Energy of each array under an open sky on each day of the common year, kWh; shape
    (365, arrays).
    """
    out = np.empty((365, len(arrays)))
    power = arrays["capacity_kwp"].to_numpy(dtype=float)
    for at in range(0, len(arrays), _CHUNK):
        rows = slice(at, at + _CHUNK)
        hours, _ = ready.hours(arrays.iloc[rows], None, each=True)
        out[:, rows] = hours.reshape(365, 24, -1).sum(axis=1) * power[rows]
    return out


def _to_homes(part: Any, arrays: pd.DataFrame, daily: np.ndarray) -> pd.DataFrame:
    """Energies of arrays as those of the households that own a part of their building."""
    shares = part.shares
    built = set(part.households.loc[part.households["modules"] > 0, "household_id"].astype(str))
    shares = shares[shares["household_id"].astype(str).isin(built)]
    building = pd.Index(shares["building_id"].unique())
    whole = np.zeros((len(daily), len(building)))
    where = building.get_indexer(arrays["building_id"])
    np.add.at(whole.T, where[where >= 0], daily.T[where >= 0])
    home = pd.Index(shares["household_id"].astype(str).unique(), name="household_id")
    out = np.zeros((len(daily), len(home)))
    at = building.get_indexer(shares["building_id"])
    of = home.get_indexer(shares["household_id"].astype(str))
    np.add.at(out.T, of, (whole[:, at] * shares["share"].to_numpy(dtype=float)).T)
    return pd.DataFrame(out, columns=home)


def sigma_of(plan: Plan, *, measured: bool, of: str = "roof") -> float:
    """Relative one sigma of the energy of a ``roof`` or of the ``village``; without the sky's own
    where it was measured.
    """
    table = plan.result("doubt")
    # How many modules a roof holds is known once they stand.
    rows = table[~table["component"].isin(
        ["combined", *NOT_BUILT, *(MEASURED_SKY if measured else ())]
    )]  # fmt: skip
    return float(np.sqrt((rows[of] ** 2).sum()))
