"""What a bank and a village look at each month: instalments, dark roofs, what is left to pay."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.metering.faults import DARK

DARK_DAYS = 7
SHORT_MONTHS = 2
WATCH = ("kind", "who", "since", "amount", "unit")
KINDS = ("instalment", "dark", "late", "missing", "claim", "loan")


def short_months(came: pd.Series, owed: pd.Series) -> pd.DataFrame:
    """Runs of months in which less came in than was owed to the bank.

    Parameters
    ----------
    came, owed : Series
        Whole fen by month, ``2027-05``; months without an instalment are no month of a run and end
        none.

    Returns
    -------
    DataFrame
        :data:`WATCH`: the last run, if it is :data:`SHORT_MONTHS` long and not over.
    """
    due = owed[owed > 0].sort_index()
    short = came.reindex(due.index).fillna(0) < due
    run = 0
    for one in short[::-1]:
        if not one:
            break
        run += 1
    if run < SHORT_MONTHS:
        return pd.DataFrame(columns=list(WATCH))
    months = due.index[-run:]
    lacks = float((due - came.reindex(due.index).fillna(0))[months].sum())
    return pd.DataFrame([("instalment", "collective", str(months[0]), lacks / 100, "money")],
                        columns=list(WATCH))  # fmt: skip


def dark_roofs(days: pd.DataFrame) -> pd.DataFrame:
    """Roofs that made next to nothing for a week that is not over.

    Parameters
    ----------
    days : DataFrame
        ``household_id``, ``day``, ``measured_kwh``, ``expected_kwh``.
    """
    rows = []
    for home, own in days.sort_values("day").groupby("household_id", sort=True):
        known = own[own["measured_kwh"].notna() & own["expected_kwh"].gt(0)]
        dark = known["measured_kwh"].to_numpy() < DARK * known["expected_kwh"].to_numpy()
        run = len(dark) if dark.all() else int(np.argmin(dark[::-1]))
        if run >= DARK_DAYS:
            since = pd.Timestamp(known["day"].iloc[-run])
            lost = float(known["expected_kwh"].iloc[-run:].sum())
            rows.append(("dark", str(home), f"{since:%Y-%m-%d}", lost, "kWh"))
    return pd.DataFrame(rows, columns=list(WATCH))


def loan_ahead(
    left_fen: float, cash_fen: float, since: str, who: str = "collective"
) -> pd.DataFrame:
    """A loan whose next twelve months of service are more than the cash that is expected."""
    if left_fen <= cash_fen:
        return pd.DataFrame(columns=list(WATCH))
    return pd.DataFrame([("loan", who, since, (left_fen - cash_fen) / 100, "money")],
                        columns=list(WATCH))  # fmt: skip
