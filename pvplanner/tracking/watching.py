"""What is to be watched at a period's end: money, roofs, and each account's loan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.money import collective_rows, run_model
from pvplanner.money.models import COLLECTIVE
from pvplanner.money.months import in_months
from pvplanner.money.payments import DEBT
from pvplanner.settlement.watch import WATCH, dark_roofs, loan_ahead, short_months
from pvplanner.tracking.collectives import Books
from pvplanner.tracking.entries import Period


def watch_list(
    books: list[Books], payments: pd.DataFrame, came: pd.Series, days: pd.DataFrame,
    asked: Period, held: pd.DataFrame, open_: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Instalments, dark roofs, and the loan's next year, as they stand at the period's end."""
    last = f"{asked.end:%Y-%m}"
    months = payments[payments["month"].le(last) & payments["payer"].eq(COLLECTIVE)]
    owed = months[months["item"].isin(DEBT)].groupby("month")["fen"].sum()
    before = came[came.index <= last]
    until = days[pd.to_datetime(days["day"]).le(asked.end)]
    parts = [dark_roofs(until)]
    if len(before) and len(owed):
        parts.insert(0, short_months(before, owed.astype(float)))
    parts += [_loan(one, asked, until) for one in books]
    parts.append(_claims(held[held["month"].le(last)], open_))
    return pd.concat(parts, ignore_index=True)


def _claims(held: pd.DataFrame, open_: pd.DataFrame) -> pd.DataFrame:
    """What has not come, what no sheet has, and what is to be asked of the grid company."""
    rows: list[tuple[str, str, str, float, str]] = [
        ("late", str(r.account), str(r.month), float(r.fen) / 100, "money")
        for r in open_.itertuples()
    ]  # fmt: skip
    for r in held[held["kinds"].ne("")].itertuples():
        if r.kinds == "missing":
            rows.append(("missing", str(r.household_id), str(r.month), float(r.own_fen) / 100,
                         "money"))  # fmt: skip
        elif r.kinds not in ("unplanned", "rounding"):
            off = float(r.sheet_fen - r.own_fen) / 100
            rows.append(("claim", str(r.household_id), str(r.month), off, "money"))
    return pd.DataFrame(rows, columns=list(WATCH))


def _loan(books: Books, asked: Period, days: pd.DataFrame) -> pd.DataFrame:
    """The next twelve months of a collective's loan against the cash that is expected of them: the
    plan's, brought to what was measured so far.
    """
    people, case = books.people, books.case
    at = (asked.end.year - case.calendar.begin.year) * 12 + asked.end.month
    both = days.dropna(subset=["measured_kwh", "expected_kwh"])
    due = float(both["expected_kwh"].sum())
    ratio = float(both["measured_kwh"].sum()) / due if due > 0 else 1.0
    service = cash = 0.0
    for model, rows in collective_rows(people, case.terms):
        own = case.part(rows)
        for flow in run_model(own, model).flows:
            sign = (flow.payee == COLLECTIVE) - (flow.payer == COLLECTIVE)
            if not sign or flow.item == "dividend":
                continue
            fen = flow.fen if flow.fen.ndim == 1 else flow.fen.sum(axis=0)
            ahead = float(in_months(own, flow.item, fen[1:])[at : at + 12].sum())
            if flow.item in DEBT:
                service -= sign * ahead
            else:
                cash += sign * ahead * (ratio if flow.payer == "grid_company" else 1.0)
    # Unknown cash is neither enough nor too little.
    known = service > 0 and np.isfinite(cash)
    return loan_ahead(
        service if known else 0.0, cash if known else 0.0, f"{asked.end:%Y-%m}",
        books.name or COLLECTIVE,
    )  # fmt: skip
