"""Meters of many roofs together: a transformer's, or the collective's whole."""

from __future__ import annotations

import pandas as pd

from pvplanner.metering.spans import Generated
from pvplanner.money.models import COLLECTIVE
from pvplanner.plan import Plan
from pvplanner.tracking.entries import Period

GROUPS = ("group_id", "days", "days_known", "measured_kwh", "expected_kwh", "ratio")


def groups_of(plan: Plan) -> dict[str, str]:
    """Names of what a meter may measure together: transformers, and ``collective`` for all."""
    out = {COLLECTIVE: COLLECTIVE}
    if "transformer_id" in plan.households:
        ids = plan.households["transformer_id"].dropna().astype(str)
        out |= {t: t for t in ids.unique() if t}
    return out


def compare_groups(
    read: Generated, names: dict[str, str], due: pd.DataFrame, group: pd.Series, asked: Period
) -> pd.DataFrame:
    """What meters of many roofs say, against the sum of what those roofs were to make.

    Parameters
    ----------
    read : Generated
    names : dict of str to str
        Account to group.
    due : DataFrame, shape (days, households)
        Expected, kWh.
    group : Series of str
        The transformer of each household.
    asked : Period

    Returns
    -------
    DataFrame
        :data:`GROUPS`; of days that are known, or of the whole where only its total is.
    """
    days, sums = read.days(), read.sums(asked.begin, asked.end)
    of = group.reindex(due.columns).fillna("").astype(str)
    rows = []
    for name in sorted(set(names.values())):
        accounts = [a for a, g in names.items() if g == name]
        homes = due.columns if name == COLLECTIVE else due.columns[of.eq(name).to_numpy()]
        owed = due[homes].sum(axis=1, min_count=len(homes))
        if set(accounts) <= set(days.columns):
            made = days[accounts].sum(axis=1, min_count=len(accounts)).reindex(due.index)
            both = made.notna() & owed.notna()
            known, got, expected = int(both.sum()), float(made[both].sum()), float(owed[both].sum())
        else:
            got = float(sums.reindex(accounts).sum(min_count=len(accounts)))
            expected = float(owed.sum(min_count=len(owed)))
            known = len(due) if got == got else 0
        rows.append((name, len(due), known, got, expected, got / expected if expected else None))
    return pd.DataFrame(rows, columns=list(GROUPS))
