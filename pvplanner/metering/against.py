"""A period's readings against what was to be expected of the same days."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy.doubt import Z90
from pvplanner.metering.faults import LEAST_SPREAD, SPREAD_TIMES, Held, find_faults

COLUMNS = ("household_id", "days", "days_known", "measured_kwh", "expected_kwh", "expected_low_kwh",
           "expected_high_kwh", "ratio", "cause", "second_cause", "since", "partner", "lost_share",
           "lost_kwh")  # fmt: skip


def compare_days(
    measured: pd.DataFrame, expected: pd.DataFrame, groups: pd.Series, sigma: float,
    totals: pd.Series | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Each household's days against the plan's, with what lies below the neighbours and why.

    Parameters
    ----------
    measured, expected : DataFrame, shape (days, households)
        kWh; what is not known is nan. Sums are over days that both know.
    groups : Series of str
        The transformer of each household; empty where none is known.
    sigma : float
        Relative one sigma of what is expected of a household.
    totals : Series, optional
        Energy of all the days of households of which no single day is known, kWh: then no shape in
        time tells a fault, and only the level is held against the others'.

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
    if totals is not None:
        table = _with_totals(table, totals, expected)
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
    if totals is not None:
        table = _low_totals(table, totals)
    sound = table["cause"].eq("") & table["days_known"].gt(0)
    for name in ("lost_share", "lost_kwh"):
        table[name] = np.where(sound, 0.0, table[name])
    return table[list(COLUMNS)]


def summed(roofs: pd.DataFrame) -> pd.DataFrame:
    """The households whose readings can be summed: known, and in a unit that is understood."""
    return roofs[roofs["days_known"].gt(0) & roofs["cause"].ne("wrong_unit")]


def village_ratio(roofs: pd.DataFrame) -> float:
    """What all made of what all were to make; nan where nothing was to be made."""
    known = summed(roofs)
    owed = float(known["expected_kwh"].sum())
    return float(known["measured_kwh"].sum()) / owed if owed > 0 else float("nan")


def _with_totals(table: pd.DataFrame, totals: pd.Series, expected: pd.DataFrame) -> pd.DataFrame:
    """Sums of households whose days are not known but whose total is."""
    own = totals.reindex(table["household_id"]).to_numpy(dtype=float)
    due = expected.sum(min_count=len(expected)).to_numpy()
    only = table["days_known"].eq(0).to_numpy() & np.isfinite(own) & np.isfinite(due)
    return table.assign(
        days_known=np.where(only, table["days"], table["days_known"]),
        measured_kwh=np.where(only, own, table["measured_kwh"]),
        expected_kwh=np.where(only, due, table["expected_kwh"]),
    )


def _low_totals(table: pd.DataFrame, totals: pd.Series) -> pd.DataFrame:
    """Households whose total lies below the others' beyond the spread between them."""
    known = table["ratio"].dropna()
    if len(known) < FEW_TOTALS:
        return table
    usual = float(known.median())
    if usual <= 0:
        return table
    spread = max(1.4826 * float((known - usual).abs().median()) / usual, LEAST_SPREAD)
    below = 1 - table["ratio"] / usual
    only = table["household_id"].isin(totals.dropna().index) & table["cause"].eq("")
    low = only & (below > SPREAD_TIMES * spread)
    lost = below * usual * table["expected_kwh"]
    return table.assign(
        cause=np.where(low, "always_low", table["cause"]),
        lost_share=np.where(low, below, table["lost_share"]),
        lost_kwh=np.where(low, lost, table["lost_kwh"]),
    )


FEW_TOTALS = 5
"""With fewer households there are no others to be held against."""
