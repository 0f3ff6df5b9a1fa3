"""Twelve months a year of one party's account: when money comes and goes, and what bridges it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner.money import chosen_rows
from pvplanner.money.ledger import Flow, Ledger
from pvplanner.money.models import COLLECTIVE, DEVELOPER, HOUSEHOLD, Case, owner_of, run_model
from pvplanner.money.owners import owner_cover, roof_covers
from pvplanner.money.payments import DEBT

MONTHS = 12

BY_SUN = ("feed_in", "surplus", "settlement", "power", "bill_saved", "export_share")
"""Items that come month by month as the sun does."""

AT_MARKET = ("feed_in", "surplus", "settlement")
"""Of these, what is paid at each month's price, some time later."""

NOT_CASH = ("bill_saved",)
"""What is saved and never reaches an account."""

ONCE = ("inverter", "battery", "decommissioning", "residual")


def monthly_cash(case: Case, ledger: Ledger, party: str, row: int | None = None) -> pd.DataFrame:
    """A party's payments by calendar month, as they fall due; they sum to the ledger's years.

    Parameters
    ----------
    case : Case
        As the ledger was run on.
    ledger : Ledger
    party : str
    row : int, optional
        Of the household, where the party is one.

    Returns
    -------
    DataFrame
        ``year``, ``month`` (calendar ones), ``item``, ``yuan`` (received, or paid if negative); a
        row for each month and item, what is paid at once in the month of the money's day.
    """
    parts = []
    for flow in ledger.flows:
        sign = (flow.payee == party) - (flow.payer == party)
        if not sign or (row is not None and flow.fen.ndim < 2):
            continue
        fen = flow.fen if flow.fen.ndim == 1 else (
            flow.fen.sum(axis=0) if row is None else flow.fen[row]
        )  # fmt: skip
        if np.isfinite(fen).all() and fen.any():
            parts.append(_spread(case, flow, sign, fen))
    if not parts:
        return pd.DataFrame({"year": [], "month": [], "item": [], "yuan": []})
    return pd.concat(parts, ignore_index=True)


def _spread(case: Case, flow: Flow, sign: int, fen: np.ndarray) -> pd.DataFrame:
    """One kind of payment by months."""
    calendar = case.calendar
    by_month = in_months(case, flow.item, fen[1:])
    by_month[calendar.begin.month - 1] += fen[0]
    year, month = np.divmod(np.arange(by_month.size), MONTHS)
    return pd.DataFrame(
        {
            "year": calendar.years[year],
            "month": month + 1,
            "item": flow.item,
            "yuan": sign * by_month / 100,
        }
    )


def in_months(case: Case, item: str, fen: np.ndarray) -> np.ndarray:
    """Payments of calendar years by months, so rounded that what was paid by any month of a year
    is a whole fen, and its twelve are the year's.

    Parameters
    ----------
    fen : ndarray, shape (..., calendar years)

    Returns
    -------
    ndarray, shape (..., 12 * calendar years)
    """
    weight = month_weights(case, item)
    until = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    until[:, -1] = 1.0
    paid = np.rint(np.asarray(fen)[..., None] * until)
    return np.diff(paid, axis=-1, prepend=0.0).reshape(*np.shape(fen)[:-1], -1)


def month_weights(case: Case, item: str) -> np.ndarray:
    """What of each calendar year falls into its months; shape (calendar years, 12).

    Sales as the sun and each month's price have it, instalments alike from the month after the
    money's day to the loan's end, what is paid once in the month of the money's day, all else by
    the days of the months.
    """
    calendar = case.calendar
    if item in BY_SUN:
        weight = calendar.by_month.copy()
        if item in AT_MARKET:
            weight = weight * _month_prices(case)
        return weight
    if item in ONCE:
        out = np.zeros((calendar.count, MONTHS))
        out[:, calendar.begin.month - 1 if not calendar.whole else MONTHS - 1] = 1
        return out
    if item in DEBT:
        return _loan_months(case, item)
    return _days(case)


def _days(case: Case) -> np.ndarray:
    """Months by their days, of the years in part only those that there are."""
    plain = type(case.calendar)(case.calendar.begin, case.calendar.life)
    return plain.by_month


def _month_prices(case: Case) -> np.ndarray:
    """Price of an export in each month of each calendar year; 1 where months are not apart."""
    prices, calendar = case.terms.prices, case.calendar
    if not prices.by_month:
        return np.ones((calendar.count, MONTHS))
    year = np.minimum(np.arange(calendar.count), case.years - 1)
    by_month = np.asarray(prices.by_month)
    found = prices.fixed[year][:, None] + prices.market[year][:, None] * by_month
    return np.where(np.isfinite(found) & (found > 0), found, 1.0)


def _loan_months(case: Case, item: str) -> np.ndarray:
    """What falls due in each month."""
    table = case.terms.instalments[item].copy()
    # Fen that rounding left in a year without an instalment.
    table[table.sum(axis=1) == 0, -1] = 1
    return table


@dataclass(frozen=True)
class Account:
    """How an account fares by months.

    Attributes
    ----------
    short_months : int
        Months in which less comes in than goes out.
    months : int
        Of the loan, or of the life without one.
    longest : int
        The longest run of such months.
    buffer : float
        The least that, put in at the beginning beside the owner's capital, keeps the account from
        going below nought, if all that is left stays in it.
    buffer_if_spent : float
        The same, if what a calendar year leaves is spent at its end.
    first_receipt, first_instalment : str
        Months, as ``2026-02``; empty where there is none.
    """

    short_months: int
    months: int
    longest: int
    buffer: float
    buffer_if_spent: float
    first_receipt: str
    first_instalment: str


def account_of(case: Case, cash: pd.DataFrame, *, savings: bool = False) -> Account:
    """The account of one party over the loan's months (of the life without a loan).

    Parameters
    ----------
    cash : DataFrame
        As from :func:`monthly_cash`.
    savings : bool
        Whether bills that are saved count: they never reach an account.
    """
    table = by_months(case, cash if savings else cash[~cash["item"].isin(NOT_CASH)])
    begin = case.calendar.begin
    debt = cash[cash["item"].isin(DEBT)]
    first = (begin.year - int(case.calendar.years[0])) * MONTHS + begin.month - 1
    loan = case.terms.loan.years * MONTHS if len(debt) else case.years * MONTHS
    net = table[first : first + loan]
    short = net < 0
    balance = np.cumsum(net)
    return Account(
        short_months=int(short.sum()), months=int(loan), longest=longest_run(short),
        buffer=round(float(max(-balance.min(initial=0.0), 0.0)), 2),
        buffer_if_spent=round(spent_buffer(net, begin.month - 1), 2),
        first_receipt=_first(cash[(cash["yuan"] > 0) & cash["item"].isin(AT_MARKET)], case, True),
        first_instalment=_first(debt, case, False),
    )  # fmt: skip


def by_months(case: Case, cash: pd.DataFrame) -> np.ndarray:
    """Net cash of each month from January of the first year, yuan; what is paid at once left out
    and sales come in as late as the grid company settles.
    """
    calendar, late = case.calendar, case.terms.settlement_delay_months
    out = np.zeros(calendar.count * MONTHS + late)
    at = (cash["year"].to_numpy(dtype=int) - int(calendar.years[0])) * MONTHS
    at = at + cash["month"].to_numpy(dtype=int) - 1
    at = at + np.where(cash["item"].isin(AT_MARKET), late, 0)
    begin = (cash["year"] == calendar.begin.year) & (cash["month"] == calendar.begin.month)
    once = (cash["item"].isin(AT_ONCE) & begin).to_numpy()
    np.add.at(out, at[~once], cash["yuan"].to_numpy(dtype=float)[~once])
    return out.round(2)


AT_ONCE = ("capital", "loan", "grant", "class_grant", "member_loan", "stamp", "rent_once",
           "battery")  # fmt: skip
"""What is paid on the money's day; a battery also when it is renewed."""


def spent_buffer(net: np.ndarray, first: int) -> float:
    """The buffer that an account needs whose surplus is spent at the end of each calendar year.

    Parameters
    ----------
    net : ndarray, shape (months,)
    first : int
        Month of the first, from 0.
    """
    need = balance = 0.0
    for n, value in enumerate(net):
        balance += value
        need = max(need, -balance)
        if (first + n) % MONTHS == MONTHS - 1:
            balance = min(balance, 0.0)
    return need


def longest_run(short: np.ndarray) -> int:
    """Length of the longest run of true values."""
    longest = run = 0
    for value in short:
        run = run + 1 if value else 0
        longest = max(longest, run)
    return longest


def _first(rows: pd.DataFrame, case: Case, late: bool) -> str:
    """The first month with a payment."""
    rows = rows[rows["yuan"] != 0]
    if rows.empty:
        return ""
    delay = case.terms.settlement_delay_months if late else 0
    month = int((rows["year"] * MONTHS + rows["month"] - 1).min()) + delay
    return f"{month // MONTHS}-{month % MONTHS + 1:02d}"


ACCOUNTS = ("model", "debt", "months", "short_months", "longest_short", "buffer", "cover_cash",
            "cover_savings")  # fmt: skip


def household_accounts(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The accounts of all households that borrow themselves under their chosen models.

    Returns
    -------
    DataFrame
        ``household_id`` and :data:`ACCOUNTS`: months of the loan in which less comes in than goes
        out and their longest run, the buffer that bridges them, and the lowest yearly cover in cash
        alone and with bills that are saved, which never reach the account.
    """
    parts = []
    for model, rows in chosen_rows(people, case.terms):
        own = case.part(rows)
        if owner_of(model) != HOUSEHOLD:
            continue
        ledger = run_model(own, model)
        debt = ledger.paid_at_once("bank", "loan")
        owes = np.flatnonzero(debt > 0)
        if len(owes) == 0:
            continue
        net = _net_months(own, ledger)[owes]
        short, balance = net < 0, np.cumsum(net, axis=1)
        cash, saved = (roof_covers(ledger, without)[owes] for without in (NOT_CASH, ()))
        parts.append(
            pd.DataFrame(
                {
                    "household_id": people["household_id"].to_numpy()[rows][owes],
                    "model": model,
                    "debt": debt[owes],
                    "months": net.shape[1],
                    "short_months": short.sum(axis=1),
                    "longest_short": [longest_run(row) for row in short],
                    "buffer": np.round(np.maximum(-balance.min(axis=1), 0.0), 2),
                    "cover_cash": cash,
                    "cover_savings": saved,
                }
            )
        )
    if not parts:
        kinds = {"household_id": "str", "model": "str"}
        names = ["household_id", *ACCOUNTS]
        return pd.DataFrame({n: pd.Series(dtype=kinds.get(n, "float64")) for n in names})
    return pd.concat(parts, ignore_index=True)


POOLED = (COLLECTIVE, DEVELOPER)
"""Owners of plants on other people's roofs."""


def pooled_accounts(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The accounts of a collective and a developer where these borrow, dividends as planned; like
    :func:`household_accounts`, with the owner's name for an identifier.
    """
    parts = []
    for model, rows in chosen_rows(people, case.terms):
        owner = owner_of(model)
        if owner not in POOLED:
            continue
        own = case.part(rows)
        ledger = run_model(own, model)
        debt = float(ledger.received(owner, "loan")[0])
        if debt <= 0:
            continue
        found = account_of(own, monthly_cash(own, ledger, owner))
        cover = owner_cover(ledger)
        parts.append({"household_id": owner, "model": model, "debt": debt,
                      "months": found.months, "short_months": found.short_months,
                      "longest_short": found.longest, "buffer": found.buffer,
                      "cover_cash": cover, "cover_savings": cover})  # fmt: skip
    return pd.DataFrame(parts, columns=["household_id", *ACCOUNTS])


def _net_months(case: Case, ledger: Ledger) -> np.ndarray:
    """Net cash of each household in the months of its loan; shape (households, months)."""
    calendar, late = case.calendar, case.terms.settlement_delay_months
    out = np.zeros((case.count, calendar.count * MONTHS + late))
    for flow in ledger.flows:
        sign = (flow.payee == HOUSEHOLD) * 1.0 - (flow.payer == HOUSEHOLD)
        if not sign or flow.fen.ndim < 2 or flow.item in NOT_CASH:
            continue
        by_month = in_months(case, flow.item, flow.fen[:, 1:])
        delay = late if flow.item in AT_MARKET else 0
        out[:, delay : delay + by_month.shape[1]] += sign * by_month
    first = calendar.begin.month - 1
    return out[:, first : first + case.terms.loan.years * MONTHS] / 100


def account_summary(accounts: pd.DataFrame) -> pd.DataFrame:
    """Borrowing households in one row, collective and developer left out.

    How many are covered in each year, and of these how many are short in some month all the same;
    empty without any.
    """
    accounts = accounts[~accounts["household_id"].isin(POOLED)]
    if accounts.empty:
        return pd.DataFrame(
            {n: pd.Series(dtype=float) for n in ("borrowers", "covered_cash", "covered_savings",
                                                 "covered_short", "short_median", "longest_short",
                                                 "buffer_median", "buffer_most")}
        )  # fmt: skip
    covered = accounts["cover_savings"] >= 1
    short = accounts["short_months"] > 0
    return pd.DataFrame(
        [{"borrowers": len(accounts), "covered_cash": int((accounts["cover_cash"] >= 1).sum()),
          "covered_savings": int(covered.sum()), "covered_short": int((covered & short).sum()),
          "short_median": float(accounts["short_months"].median()),
          "longest_short": float(accounts["longest_short"].max()),
          "buffer_median": float(accounts["buffer"].median()),
          "buffer_most": float(accounts["buffer"].max())}]
    )  # fmt: skip
