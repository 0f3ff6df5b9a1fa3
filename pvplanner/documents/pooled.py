"""What a collective's cash hangs on, so that a workbook can reckon it for itself.

What is sold and what goes by the watt are products; loans are parts of the capital; VAT, income tax
and distribution are the rules of :mod:`pvplanner.money`, step by step. Anything else (rent, free
power, grants, events) stands as the plan has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.documents.living import BY_WATT, YEARLY, unit_price
from pvplanner.money import Case, collective_rows, run_model
from pvplanner.money.ledger import Ledger
from pvplanner.money.models import COLLECTIVE, HOUSEHOLD, QUANTITIES, Payment, payments_of
from pvplanner.money.payments import (
    RENEWED,
    REPAID,
    dividend_shares,
    done_by,
    on_profit,
    vat_owed,
)
from pvplanner.money.surplus import distribute, provide

SOLD = ("feed_in", "settlement")
"""What the collective sells, or its agent passes on."""

AT_START = ("capital", "class_grant", "grant", "member_loan", "loan", "stamp", "rent_once")
TAXES = ("vat", "surcharge", "tax")
MEMBERS = ("member_loan", "member_interest", "member_principal")
DIVIDEND = "dividend"
HALF_FEN = 0.0055
"""How far a rounded product may lie from the plan's payment, yuan."""


@dataclass(frozen=True)
class Pooled:
    """A collective's year by year, as planned.

    Attributes
    ----------
    model : str
    case : Case
        Of its households, as it is for the collective's plants.
    rows : ndarray of int
        These households' positions among all.
    planned : dict of str to ndarray, shape (calendar years + 1,)
        Net receipts of the collective by item, yuan; the first at once.
    products : tuple of str
        Items of sales and by the watt that are products of what a workbook has.
    factor : float
        What of the sales reaches it (an agent keeps the rest).
    stamps : tuple of float
        Stamp duty on the capital and on the loan.
    weight : ndarray, shape (households,)
        What of each yuan of dividend reaches each of them after tax; nan where that is not alike
        in all years.
    lent : ndarray, shape (households, calendar years + 1)
        What each household lends and gets back.
    taxed, bought : tuple of str
        Items that bear VAT; items of the cost that is written off for tax.
    done : ndarray, shape (calendar years,)
        What of the plant is written off by each year's end.
    """

    model: str
    case: Case
    rows: np.ndarray
    planned: dict[str, np.ndarray]
    products: tuple[str, ...]
    factor: float
    stamps: tuple[float, float]
    weight: np.ndarray
    lent: np.ndarray
    taxed: tuple[str, ...]
    bought: tuple[str, ...]
    done: np.ndarray

    @property
    def count(self) -> int:
        """Calendar years."""
        return self.case.calendar.count

    def item(self, name: str) -> np.ndarray:
        """Net receipts under an item; nought where there are none."""
        return self.planned.get(name, np.zeros(self.count + 1))

    @property
    def before(self) -> np.ndarray:
        """Net receipts before dividends."""
        return np.sum([v for k, v in self.planned.items() if k != DIVIDEND], axis=0)


def pooled(homes: pd.DataFrame, case: Case) -> Pooled | None:
    """The collective of a village's chosen models; ``None`` where none owns, or cash is unknown."""
    owned = collective_rows(homes, case.terms)
    if not owned:
        return None
    model, rows = owned[0]
    own = case.part(rows).of_owner(COLLECTIVE)
    ledger = run_model(case.part(rows), model)
    if not np.isfinite(ledger.of_party(COLLECTIVE)).all() or not own.watts.sum() > 0:
        return None
    table = {row.item: row for row in payments_of(model) if own.terms.holds(row.only)}
    planned = _by_item(ledger)
    if own.terms.finance.body != "collective" or own.terms.finance.may_borrow:
        # A part to be borrowed may be tried where none is planned.
        for item in ("loan", "interest", "principal"):
            planned.setdefault(item, np.zeros(own.calendar.count + 1))
    factor = float(own.terms.rate(table["settlement"].rate)[0]) if "settlement" in table else 1.0
    stamps = (float(own.terms.rate("stamp_sale")[0]), float(own.terms.rate("stamp_loan")[0]))
    whole = float(own.watts.sum())
    parts = [float(hit @ own.watts) / whole for hit in own.hits]
    return Pooled(
        model, own, rows, planned, _products(own, planned, factor), factor, stamps,
        _weights(own, table), _lent(ledger, own), tuple(table["vat"].quantity.split()),
        tuple(table["tax"].quantity.split()), done_by(own, parts),
    )  # fmt: skip


def _by_item(ledger: Ledger) -> dict[str, np.ndarray]:
    """Net receipts of the collective by item; what its members of low income get is dividend."""
    out: dict[str, np.ndarray] = {}
    for flow in ledger.flows:
        sign = (flow.payee == COLLECTIVE) - (flow.payer == COLLECTIVE)
        if sign:
            yuan = sign * flow.fen.reshape(-1, ledger.years + 1).sum(axis=0) / 100
            out[flow.item] = out.get(flow.item, 0.0) + yuan
    return out


def _products(case: Case, planned: dict[str, np.ndarray], factor: float) -> tuple[str, ...]:
    """Items that a product gives to half a fen in every year."""
    found = []
    for item, yuan in planned.items():
        if item in SOLD:
            made = np.round(np.round(energy_of(case) * unit_of_year(case), 2) * factor, 2)
        elif item in BY_WATT:
            made = -np.round(case.watts.sum() * per_watt(case, item), 2)
        else:
            continue
        if np.abs(made - yuan[1:]).max() <= HALF_FEN:
            found.append(item)
    return tuple(found)


def energy_of(case: Case) -> float:
    """What is made in a typical year and let through, kWh."""
    energy = case.people["energy_kwh"].to_numpy(dtype=float)
    return float((energy * case.let_through).sum())


def per_watt(case: Case, item: str) -> np.ndarray:
    """What is paid by the watt in each calendar year."""
    rate = case.terms.rate(BY_WATT[item])
    return case.calendar.spread(rate) if item in YEARLY else case.calendar.at_end(rate)


def unit_of_year(case: Case) -> np.ndarray:
    """What a kilowatt-hour of the typical year brings in each calendar year."""
    terms = case.terms
    return unit_price(
        case.calendar.years, np.asarray(terms.kept), terms.rate("sale_price"),
        case.calendar.part_made,
    )  # fmt: skip


def _weights(case: Case, table: dict[str, Payment]) -> np.ndarray:
    """What of a dividend reaches each household after tax."""
    row = table[DIVIDEND]
    much = np.full(case.calendar.count, 1e12)
    shares = dividend_shares(case, much, QUANTITIES[row.quantity](case))
    if not case.terms.low_income_named:
        shares = shares[1:]
    out = np.zeros((case.count, case.calendar.count))
    for fen, weight in shares:
        by_year = weight if weight.ndim > 1 else weight[:, None]
        sums = by_year.sum(axis=0)
        part = np.divide(by_year, sums, out=np.zeros_like(by_year), where=sums > 0)
        out += part * (fen / much)
    if "dividend_tax" in table:
        out *= 1 - float(case.terms.rate(table["dividend_tax"].rate)[0])
    alike = np.abs(out - out[:, :1]).max() < 1e-9
    return out[:, 0] if alike else np.full(case.count, np.nan)


def _lent(ledger: Ledger, case: Case) -> np.ndarray:
    """What households lend the collective, and get of it, by year."""
    out = np.zeros((case.count, case.calendar.count + 1))
    for flow in ledger.flows:
        if flow.item in MEMBERS:
            sign = (flow.payee == HOUSEHOLD) - (flow.payer == HOUSEHOLD)
            out += sign * flow.fen / 100
    return out


def steps_of(one: Pooled) -> dict[str, np.ndarray]:
    """Taxes and distribution as planned, step by step, by the plan's own rules.

    Returns
    -------
    dict of str to ndarray, shape (calendar years,)
        What stands in the cells of each row.
    """
    return _tax_steps(one) | _share_steps(one)


def _tax_steps(one: Pooled) -> dict[str, np.ndarray]:
    terms, law = one.case.terms, one.case.terms.taxes
    sales = np.sum([np.abs(one.item(name)[1:]) for name in one.taxed], axis=0)
    capital = -float(one.item("capital")[0])
    general, due, credit = general_steps(one, sales, capital)
    vat = vat_owed(terms, COLLECTIVE, sales, one.case.calendar.quarters, capital)
    cost = tax_cost(one)
    written = np.diff(np.round(cost * one.done, 2), prepend=0.0)
    profit = np.sum([v[1:] for k, v in one.planned.items()
                     if k not in (DIVIDEND, "tax", *REPAID)], axis=0)  # fmt: skip
    left = profit - written
    losses = loss_steps(left, law.loss_years)
    rest = np.maximum(np.maximum(left, 0) - losses.sum(axis=0), 0)
    out = {"sales": sales, "general": general, "due": due, "credit": credit,
           "vat": np.round(vat, 2), "profit": profit, "tax_written": written, "left": left,
           "rest": rest, "tax": np.round(on_profit(terms, profit, written), 2)}  # fmt: skip
    return out | {f"loss{n + 1}": row for n, row in enumerate(losses)}


def tax_cost(one: Pooled) -> float:
    """What is written off for tax, yuan."""
    return -float(sum(one.item(name)[0] for name in one.bought))


def general_steps(
    one: Pooled, sales: np.ndarray, capital: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether it is a general taxpayer in each year, what it then owes, and the credit left."""
    law = one.case.terms.taxes
    rate = reference.constant("vat_rate_general").value
    limit = reference.constant("vat_general_limit").value
    general, due, credit = np.zeros(one.count), np.zeros(one.count), np.zeros(one.count)
    is_general, left = False, 0.0
    for year, sold in enumerate(sales):
        is_general = is_general or sold / (1 + law.vat[year]) > limit
        bought = capital * rate / (1 + rate) if year == 0 else 0.0
        general[year] = float(is_general)
        if is_general:
            due[year] = sold * rate / (1 + rate) - bought - left
            left = max(-due[year], 0.0)
        credit[year] = left
    return general, due, credit


def loss_steps(left: np.ndarray, years: int) -> np.ndarray:
    """Losses of up to so many years before that are open at each year's beginning, youngest first;
    shape (years of a loss, calendar years). The oldest is used first.
    """
    out = np.zeros((years, len(left)))
    for year in range(1, len(left)):
        gain = max(left[year - 1], 0.0)
        out[0, year] = max(-left[year - 1], 0.0)
        for age in range(1, years):
            older = out[age:, year - 1].sum()
            out[age, year] = max(out[age - 1, year - 1] - max(gain - older, 0.0), 0.0)
    return out


def _share_steps(one: Pooled) -> dict[str, np.ndarray]:
    """What is kept and given, by the plan's own rules."""
    terms = one.case.terms
    net = one.before[1:]
    at_once = float(one.before[0])
    cost = sum(float(one.item(n)[0]) for n in ("loan", "member_loan", "grant", "class_grant"))
    written = np.diff(np.round((cost - at_once) * one.done, 2), prepend=0.0)
    repaid = -np.sum([one.item(n)[1:] for n in REPAID], axis=0)
    spent = -np.sum([one.item(n)[1:] for n in RENEWED], axis=0)
    aside = provide(spent) - spent if terms.cooperative.provision else np.zeros(one.count)
    most = terms.reserve.most
    found = distribute(
        np.rint(net * 100), np.rint(written * 100), np.rint(repaid * 100), np.rint(aside * 100),
        float(terms.rate("reserve_rate")[0]),
        None if most is None else float(np.rint(-at_once * most * 100)),
    )  # fmt: skip
    return {
        "written": written, "repaid": repaid, "spent": spent, "aside": aside,
        "surplus": net + repaid - written - aside, "given": found["dividend"] / 100,
        "cash": found["cash"] / 100, "reserve": found["reserve"] / 100,
        "pool": found["undistributed"] / 100,
    }  # fmt: skip


def renewals(spent: np.ndarray) -> list[tuple[int, int, int]]:
    """For each year the year for whose spending it sets aside, which part of how many it is; the
    year itself and 0, 0 where nothing is to come.
    """
    out: list[tuple[int, int, int]] = []
    since = 0
    for year in np.flatnonzero(spent > 0):
        many = int(year) + 1 - since
        out += [(int(year), k, many) for k in range(1, many + 1)]
        since = int(year) + 1
    return out + [(year, 0, 0) for year in range(since, len(spent))]
