"""The plan learns from its entries, when asked."""

from __future__ import annotations

import os

import pandas as pd

from pvplanner.errors import ConfigError
from pvplanner.metering.learning import LEAST_MONTHS, Learned, changes_of, learn_level
from pvplanner.plan import Plan
from pvplanner.tracking.entries import entries_of, tracked_days


def learn(folder: str | os.PathLike[str]) -> tuple[Learned, dict[str, object]]:
    """What the entries of a plan say of its next years.

    Parameters
    ----------
    folder : path-like
        Of a plan of one village, with :data:`LEAST_MONTHS` months or more of readings.

    Returns
    -------
    learned : Learned
    changes : dict
        For ``plan.under(changes)``: nothing is changed unless that is called.

    Raises
    ------
    ConfigError
        If fewer months were measured.
    """
    plan = Plan.load(folder)
    days = tracked_days(folder)
    both = days.dropna(subset=["measured_kwh", "expected_kwh"])
    months = pd.DatetimeIndex(both["day"]).to_period("M").nunique() if len(both) else 0
    if months < LEAST_MONTHS:
        raise ConfigError("learn_months", where="track", months=months, least=LEAST_MONTHS)
    bad = _unsound(folder)
    both = both[~both["household_id"].astype(str).isin(bad)]
    sums = both.groupby("household_id")[["measured_kwh", "expected_kwh"]].sum()
    doubt, system = plan.result("doubt"), plan.scenario.system
    entries = [e for e in entries_of(folder) if "meter" in e.told["files"]]
    weather = all("weather" in e.told["files"] for e in entries)
    found = learn_level(sums["measured_kwh"], sums["expected_kwh"], months, doubt, weather=weather)
    items = system.loss_items.model_dump()
    return found, changes_of(found, system.losses, items, doubt)


def _unsound(folder: str | os.PathLike[str]) -> set[str]:
    """Households whose readings are in another unit, or those of another."""
    out: set[str] = set()
    for entry in entries_of(folder):
        roofs = entry.table("roofs")
        if roofs is not None:
            odd = roofs[roofs["cause"].isin(["wrong_unit", "swapped"])]
            out |= set(odd["household_id"].astype(str))
    return out
