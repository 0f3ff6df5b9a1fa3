"""A year of a collective: what came, what went, what is kept, and what each member is to get."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner.money import chosen_rows
from pvplanner.money.ledger import Ledger
from pvplanner.money.models import (
    COLLECTIVE,
    QUANTITIES,
    Case,
    Payment,
    owner_of,
    payments_of,
    run_model,
)
from pvplanner.money.payments import (
    REPAID,
    at_once_of,
    divided,
    on_profit,
    taxable_cost,
    vat_owed,
    written_off,
)
from pvplanner.money.surplus import distribute


@dataclass(frozen=True)
class Dividends:
    """A year's distribution, in whole fen.

    Attributes
    ----------
    year : int
    households : DataFrame
        ``household_id``, ``fen``.
    unnamed_fen : int
        Of members of low income, where they are not to be named.
    account : dict of str to int
        ``received``, ``paid`` (without principal), ``vat``, ``surcharge``, ``tax``,
        ``written_off`` and ``set_aside`` make the ``surplus``; of it ``reserve`` (what is put by),
        ``dividend`` and ``kept`` (carried forward); ``repaid`` (principal) and ``cash`` (at the
        year's end, as if all that is due had come and gone).
    """

    year: int
    households: pd.DataFrame
    unnamed_fen: int
    account: dict[str, int]

    @property
    def shared_fen(self) -> int:
        """What there is to share."""
        return self.account["dividend"]


def missing_months(months: list[str], case: Case, year: int) -> list[str]:
    """Months from the plant's beginning to the year's end that were not settled."""
    begin = f"{case.calendar.begin:%Y-%m}"
    wanted = pd.period_range(begin, f"{year}-12", freq="M").astype(str)
    return [m for m in wanted if m not in set(months)]


def dividends_of(
    people: pd.DataFrame, case: Case, payments: pd.DataFrame, year: int
) -> Dividends | None:
    """What a collective has to share of a year; ``None`` where none owns anything.

    Parameters
    ----------
    people : DataFrame
    case : Case
        On the same rows.
    payments : DataFrame
        Of every month from the plant's beginning to the year's end, as from
        :func:`pvplanner.settlement.shares.month_payments`.
    year : int
        A calendar year.
    """
    owned = [(m, rows) for m, rows in chosen_rows(people, case.terms) if owner_of(m) == COLLECTIVE]
    if not owned:
        return None
    model, rows = owned[0]
    mine = case.part(rows).of_owner(COLLECTIVE)
    ledger = run_model(case.part(rows), model)
    count, at = mine.calendar.count, year - mine.calendar.begin.year
    flows = payments[payments["month"].str[:4].astype(int).le(year)]
    got, paid = (_by_year(flows, mine, side) for side in ("payee", "payer"))
    taxes = _taxes(mine, ledger, model, flows, got - paid)
    left = got - paid - sum(taxes.values())
    repaid = _by_year(flows[flows["item"].isin(REPAID)], mine, "payer")
    balances = ledger.balances
    written = np.rint(balances["written_off"] * 100)
    aside = np.rint(np.diff(balances["renewal_fund"], prepend=0.0) * 100)
    # Years that have not been are no losses.
    later = np.arange(count) > at
    written, aside = np.where(later, 0, written), np.where(later, 0, aside)
    terms = mine.terms
    row, most = _row_of(model, "distribution"), terms.reserve.most
    at_once = ledger.of_party(COLLECTIVE)[0]
    found = distribute(
        left, written, repaid, aside, float(terms.rate(row.rate)[0]),
        None if most is None else float(np.rint(-at_once * most * 100)),
    )  # fmt: skip
    parts, unnamed = divided(mine, found["dividend"], QUANTITIES[row.quantity](mine))
    account = {
        "received": got, "paid": paid - repaid, **taxes, "written_off": written,
        "set_aside": aside, "surplus": left + repaid - written - aside, "repaid": repaid,
        "reserve": np.diff(found["reserve"], prepend=0.0), "dividend": found["dividend"],
        "kept": found["undistributed"], "cash": found["cash"],
    }  # fmt: skip
    homes = pd.DataFrame({
        "household_id": people["household_id"].astype(str).to_numpy()[rows],
        "fen": parts[:, at].astype(np.int64),
    })  # fmt: skip
    whole = {name: int(np.rint(values[at])) for name, values in account.items()}
    return Dividends(year, homes[homes["fen"] > 0].reset_index(drop=True), int(unnamed[at]), whole)


def _row_of(model: str, rule: str) -> Payment:
    """The payment of a model that goes by a rule."""
    return next(row for row in payments_of(model) if row.rule == rule)


def _by_year(flows: pd.DataFrame, case: Case, side: str) -> np.ndarray:
    """What the collective received or paid in each calendar year, fen; shape (count,)."""
    own = flows[flows[side].eq(COLLECTIVE)]
    years = own["month"].str[:4].astype(int) - case.calendar.begin.year
    return np.bincount(years, own["fen"].astype(float), case.calendar.count)


def _taxes(
    case: Case, ledger: Ledger, model: str, flows: pd.DataFrame, left: np.ndarray
) -> dict[str, np.ndarray]:
    """VAT by quarters, its surcharge, and tax on the profit, by calendar year, whole fen."""
    terms, count = case.terms, case.calendar.count
    taxed = _row_of(model, "vat").quantity.split()
    # What it gives away counts as a sale; what an agent sold the agent has taxed.
    whose = flows["payee"].eq(COLLECTIVE) | flows["payer"].eq(COLLECTIVE)
    sold = flows[flows["item"].isin(taxed) & whose]
    number = sold["month"].str[5:7].astype(int) - 1
    quarter = (sold["month"].str[:4].astype(int) - case.calendar.begin.year) * 4 + number // 3
    sums = np.bincount(quarter, sold["fen"].astype(float), 4 * count).reshape(count, 4) / 100
    sales = sums.sum(axis=1)
    quarters = np.divide(sums, sales[:, None], out=np.full((count, 4), 0.25),
                         where=sales[:, None] > 0)  # fmt: skip
    vat = np.rint(100 * vat_owed(terms, COLLECTIVE, sales, quarters, at_once_of(ledger, "capital")))
    surcharge = np.rint(vat * terms.taxes.city)
    repaid = _by_year(flows[flows["item"].isin(REPAID)], case, "payer")
    written = written_off(case, taxable_cost(ledger, _row_of(model, "profit_tax").quantity))
    profit = (left + repaid - vat - surcharge) / 100
    tax = np.rint(100 * on_profit(terms, profit, written))
    return {"vat": vat, "surcharge": surcharge, "tax": tax}
