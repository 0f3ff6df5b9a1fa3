"""What is to be said of a period as a whole: what could not be compared, and what looks wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, listed
from pvplanner.metering.against import FEW_TOTALS, village_ratio
from pvplanner.metering.faults import DARK, UNIT_ROOM, UNITS

FAR = 3.0
"""So many sigma from what the plan says a village's year lies only if something is wrong."""


def remarks_on(
    roofs: pd.DataFrame, days: pd.DataFrame, due: pd.DataFrame, sigma: float, strangers: list[str]
) -> list[Finding]:
    """Findings on a period.

    Parameters
    ----------
    roofs : DataFrame
        As from :func:`pvplanner.metering.compare_days`.
    days, due : DataFrame, shape (days, households)
        Measured and expected, kWh.
    sigma : float
        Relative one sigma of what is expected of the village.
    strangers : list of str
        Accounts of nobody.
    """
    known = roofs[roofs["days_known"] > 0]
    lit = due.notna().any(axis=1)
    whole = due.notna().sum().reindex(roofs["household_id"]).to_numpy()
    gaps = roofs["days_known"].gt(0) & roofs["days_known"].lt(whole)
    below = known["cause"].eq("") & known["measured_kwh"].lt(known["expected_low_kwh"])
    told = {
        "track_unmatched": strangers,
        "track_silent": _ids(roofs[roofs["days_known"].eq(0)]),
        "track_gaps": _lacking(_ids(roofs[gaps]), days, due),
        "track_below": _ids(known[below]),
        "track_dark": _dark(days, due),
        "track_weather_gap": [f"{d:%Y-%m-%d}" for d in due.index[~lit]],
    }
    out = [
        Finding(code, "--meter", len(ids), {"ids": listed(ids, 8)})
        for code, ids in told.items()
        if ids
    ]
    if 0 < len(known) < FEW_TOTALS:
        out.append(Finding("track_few", "--meter", len(known), {"least": FEW_TOTALS}))
    return out + _village(known, sigma)


def _lacking(ids: list[str], days: pd.DataFrame, due: pd.DataFrame) -> list[str]:
    """Households with the first of the days that are to be asked for."""
    out = []
    for home in ids:
        got = days[home].reindex(due.index) if home in days else pd.Series(np.nan, due.index)
        lost = due.index[(got.isna() & due[home].notna()).to_numpy()]
        more = f" (+{len(lost) - 1})" if len(lost) > 1 else ""
        out.append(f"{home} {lost[0]:%Y-%m-%d}{more}" if len(lost) else home)
    return out


def _ids(rows: pd.DataFrame) -> list[str]:
    return rows["household_id"].astype(str).tolist()


def _dark(days: pd.DataFrame, due: pd.DataFrame) -> list[str]:
    """Days on which a whole village made next to nothing of what it was to make."""
    got = days.reindex(index=due.index, columns=due.columns)
    both = got.notna() & due.notna()
    enough = both.sum(axis=1) >= FEW_TOTALS
    made, owed = got.where(both).sum(axis=1), due.where(both).sum(axis=1)
    dark = enough & (made < DARK * owed) & (owed > DARK * owed.mean())
    return [f"{d:%Y-%m-%d}" for d in due.index[dark]]


def _village(known: pd.DataFrame, sigma: float) -> list[Finding]:
    """A village beyond its range, and whether that looks like another unit."""
    ratio = village_ratio(known)
    if not np.isfinite(ratio) or abs(ratio - 1) <= FAR * sigma:
        return []
    unit = [u for u in UNITS if abs(ratio / u - 1) < UNIT_ROOM]
    code = "track_village_unit" if unit else "track_village_off"
    told = {"ratio": f"{ratio:.3g}", "range": f"{FAR * sigma:.0%}"}
    return [Finding(code, "--meter", params=told)]
