"""A period's readings against what was to be expected of the same days."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy.doubt import Z90
from pvplanner.metering.faults import Held, find_faults

COLUMNS = ("household_id", "days", "days_known", "measured_kwh", "expected_kwh", "expected_low_kwh",
           "expected_high_kwh", "ratio", "cause", "second_cause", "since", "partner", "lost_share",
           "lost_kwh")  # fmt: skip


def compare_days(
    measured: pd.DataFrame, expected: pd.DataFrame, groups: pd.Series, sigma: float
) -> pd.DataFrame:
    """Each household's days against the plan's, with what lies below the neighbours and why.

    Parameters
    ----------
    measured, expected : DataFrame, shape (days, households)
        kWh; what is not known is nan. Sums are over days that both know.
    groups : Series of str
        The transformer of each household; empty where none is known.
    sigma : float
        Relative one sigma of what is expected of a household.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, a row a household that has modules.
    """
    days = expected.index
    held = measured.reindex(index=days, columns=expected.columns)
    due = expected.where(held.notna())
    got = held.where(expected.notna())
    table = pd.DataFrame({
        "household_id": expected.columns, "days": len(days),
        "days_known": (held.notna() & expected.notna()).sum().to_numpy(),
        "measured_kwh": got.sum(min_count=1).to_numpy(),
        "expected_kwh": due.sum(min_count=1).to_numpy(),
    })  # fmt: skip
    for name, sign in (("low", -1), ("high", 1)):
        table[f"expected_{name}_kwh"] = table["expected_kwh"] * (1 + sign * Z90 * sigma)
    table["ratio"] = table["measured_kwh"] / table["expected_kwh"].where(table["expected_kwh"] > 0)
    group = groups.reindex(expected.columns).fillna("").astype(str).to_numpy()
    found = find_faults(Held(held.to_numpy(float), expected.to_numpy(float),
                             pd.DatetimeIndex(days), expected.columns, group))  # fmt: skip
    told = found.rename(columns={"id": "household_id", "second": "second_cause"})
    table = table.merge(told.drop(columns="gain"), on="household_id", how="left")
    for name in ("cause", "second_cause", "partner"):
        table[name] = table[name].fillna("")
    sound = table["cause"].eq("") & table["days_known"].gt(0)
    for name in ("lost_share", "lost_kwh"):
        table[name] = np.where(sound, 0.0, table[name])
    return table[list(COLUMNS)]
