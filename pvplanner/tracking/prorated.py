"""Readings that do not end with the month, brought to it where that is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from pvplanner.metering.spans import Generated
from pvplanner.tracking.entries import Period

Expected = Callable[[pd.Timestamp, pd.Timestamp], pd.DataFrame]


def prorate(
    read: Generated, names: dict[str, str], asked: Period, expected: Expected
) -> tuple[pd.Series, list[str]]:
    """Energy of a period by account, of spans that reach over its ends.

    What of such a span lies inside is taken as the plan expects it, day by day.

    Parameters
    ----------
    read : Generated
    names : dict of str to str
        Account to household.
    asked : Period
    expected : callable
        What each household is to make on each day between two days, kWh.

    Returns
    -------
    sums : Series
        kWh by account; nan where the spans leave a gap or a day is not known.
    prorated : list of str
        Accounts of which a part was taken.
    """
    whole = read.sums(asked.begin, asked.end)
    spans = read.spans[
        read.spans["account"].isin(list(names)) & read.spans["last"].ge(asked.begin)
        & read.spans["first"].le(asked.end)
    ]  # fmt: skip
    told: list[str] = []
    out = whole.copy()
    if spans.empty:
        return out, told
    due = expected(spans["first"].min(), spans["last"].max())
    for account, own in spans.groupby("account", sort=True):
        if pd.notna(whole.get(account)) or own["meter"].nunique() > 1:
            continue
        own = own.sort_values("first")
        follows = own["first"].iloc[1:].to_numpy() - own["last"].iloc[:-1].to_numpy()
        covers = own["first"].iloc[0] <= asked.begin and own["last"].iloc[-1] >= asked.end
        if not covers or (follows != pd.Timedelta(days=1).to_numpy()).any():
            continue
        home = due[names[str(account)]]
        out[account] = sum(
            r.kwh * _part(home, r.first, r.last, asked) for r in own.itertuples()
        )  # fmt: skip
        told.append(str(account))
    return out, told


def _part(due: pd.Series, first: pd.Timestamp, last: pd.Timestamp, asked: Period) -> float:
    """What of a span lies inside a period, by what was expected of its days."""
    whole = due[first:last]
    inside = whole[asked.begin : asked.end]
    return float(inside.sum() / whole.sum()) if whole.sum() > 0 else float("nan")
