"""The last period that was measured, for the map."""

from __future__ import annotations

import os

from pvplanner.mapping import Measured
from pvplanner.tracking.entries import latest_of, tracked_days


def last_measured(folder: str | os.PathLike[str]) -> Measured | None:
    """What each household made in the last period of a plan's entries, and what was expected.

    Parameters
    ----------
    folder : path-like
        Of the plan.

    Returns
    -------
    Measured or None
        Over days that both know; ``None`` where nothing was measured.
    """
    held = [entry.period for entry, days in latest_of(folder, "days") if len(days)]
    if not held:
        return None
    last = max(held, key=lambda period: (period.end, period.begin))
    days = tracked_days(folder)
    own = days[days["day"].between(last.begin, last.end)]
    both = own.dropna(subset=["measured_kwh", "expected_kwh"])
    sums = both.groupby("household_id")[["measured_kwh", "expected_kwh"]].sum().reset_index()
    return Measured(last.name, sums)
