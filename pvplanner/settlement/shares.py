"""Who is paid what in a month: what was measured by what was settled, the rest by contract.

Rents and what the grid company, an agent or a developer pays go by the month; what the plan only
estimates (upkeep, insurance, renewals) is said to be so until a bill is entered. Dividends go by
the year, in :mod:`pvplanner.settlement.dividends`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.money import chosen_rows
from pvplanner.money.ledger import Flow, Ledger
from pvplanner.money.models import HOUSEHOLD, Case, Payment, payments_of, run_model
from pvplanner.money.months import AT_MARKET, NOT_CASH, in_months

PAYMENTS = ("month", "model", "payer", "payee", "household_id", "item", "fen", "basis")
BASES = ("measured", "contract", "bill", "plan", "proposal", "resolved")
"""A payment is of what was measured, agreed, billed, only planned, or for a meeting to resolve."""

GRID = "grid_company"
OF_SALES = ("settlement", "agent_vat", "export_share")
"""Parts of what was sold, by a rate of the contract."""

BY_CONTRACT = ("rent", "free_kwh", "interest", "principal", "member_interest", "member_principal")
BY_YEAR = ("vat", "surcharge", "tax", "income_tax", "rent_tax", "house_tax", "dividend",
           "dividend_tax", "stamp")  # fmt: skip
"""Taxes and dividends are reckoned by quarters or years, not of one month."""


def month_payments(
    people: pd.DataFrame, case: Case, month: str, sold: pd.Series, used: pd.Series
) -> pd.DataFrame:
    """Payments of a month, in whole fen.

    Parameters
    ----------
    people : DataFrame
    case : Case
        On the same rows.
    month : str
        ``2027-05``.
    sold : Series
        What the grid company pays for each household's roof, whole fen, by ``household_id``;
        households that are not in it have not been settled.
    used : Series
        What of its generation each household was measured to use itself, kWh.

    Returns
    -------
    DataFrame
        :data:`PAYMENTS`; ``household_id`` is empty where a payment is no household's, ``fen`` nan
        where nobody knows how much is to be paid.
    """
    at = _month_of(case, month)
    if at is None:
        return pd.DataFrame(columns=list(PAYMENTS))
    parts = []
    for model, rows in chosen_rows(people, case.terms):
        own, ids = case.part(rows), people["household_id"].astype(str).to_numpy()[rows]
        ledger = run_model(own, model)
        for flow in ledger.flows:
            found = _of_flow(own, ledger, flow, model, at, ids, sold, used)
            if found is not None:
                fen, basis = found
                parts.append(_rows(flow, fen, ids, month, model, basis))
    if not parts:
        return pd.DataFrame(columns=list(PAYMENTS))
    return pd.concat(parts, ignore_index=True)[list(PAYMENTS)]


def _month_of(case: Case, month: str) -> int | None:
    """Which of the calendar's months it is; ``None`` before the plant and after its life."""
    year, number = (int(n) for n in month.split("-"))
    at = (year - case.calendar.begin.year) * 12 + number - 1
    inside = case.calendar.begin.month - 1 <= at < case.calendar.count * 12
    return at if inside else None


def _of_flow(
    case: Case, ledger: Ledger, flow: Flow, model: str, at: int, ids: np.ndarray,
    sold: pd.Series, used: pd.Series,
) -> tuple[np.ndarray, str] | None:  # fmt: skip
    """What of a kind of payment falls into a month, and what that stands on."""
    if flow.item in (*NOT_CASH, *BY_YEAR):
        return None
    planned = in_months(case, flow.item, flow.fen[..., 1:])[..., at]
    if flow.item in (*AT_MARKET, *OF_SALES) and not planned.any():
        # After a lease the other flow of the item holds.
        return None
    mine = sold.reindex(ids).to_numpy(dtype=float)
    if flow.item in AT_MARKET and flow.payer == GRID:
        return np.nan_to_num(mine), "measured"
    if flow.item in OF_SALES:
        rate = float(case.terms.rate(_row(model, flow).rate)[min(at // 12, case.years - 1)])
        return np.rint(np.nan_to_num(mine) * rate), "measured"
    if flow.item == "power":
        return _of_power(case, planned, at, ids, used)
    return planned, "contract" if flow.item in BY_CONTRACT else "plan"


def _row(model: str, flow: Flow) -> Payment:
    return next(
        row for row in payments_of(model)
        if (row.item, row.payer, row.payee) == (flow.item, flow.payer, flow.payee)
    )  # fmt: skip


def _of_power(
    case: Case, planned: np.ndarray, at: int, ids: np.ndarray, used: pd.Series
) -> tuple[np.ndarray, str]:
    """What a household pays for what it uses: the plan's price of it, on what was measured."""
    calendar = case.calendar
    whole = calendar.spread(case.self_used, made=True)[:, at // 12]
    usual = whole * calendar.by_month[at // 12, at % 12]
    measured = used.reindex(ids).to_numpy(dtype=float)
    known = np.isfinite(measured) & (usual > 0)
    ratio = np.where(known, np.divide(measured, usual, out=np.ones(len(ids)), where=known), 1.0)
    return np.rint(planned * ratio), "measured" if known.all() else "plan"


def _rows(
    flow: Flow, fen: np.ndarray, ids: np.ndarray, month: str, model: str, basis: str
) -> pd.DataFrame:
    """A payment's rows: one a household where it is theirs or of their roof, else one."""
    apart = np.ndim(fen) == 1 and (HOUSEHOLD in (flow.payer, flow.payee) or flow.payer == GRID)
    values = np.atleast_1d(fen) if apart else np.array([np.sum(fen)])
    names = ids if apart else np.array([""])
    table = pd.DataFrame({"household_id": names, "fen": values})
    return table[table["fen"].ne(0)].assign(
        month=month, model=model, payer=flow.payer, payee=flow.payee, item=flow.item, basis=basis
    )
