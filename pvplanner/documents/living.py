"""Cash that a workbook can reckon for itself: quantity times rate, year by year.

A household under own investment is paid for its energy, pays by its watts, and repays what it
borrowed. Where its ledger is made of these payments alone, formulas over a few cells give it to
the fen; any other (taxes, grants, shares of a collective's surplus) stands as the plan has it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pvplanner.money import HOUSEHOLD, Case, chosen_rows, run_model

MODEL = "self_invest"
"""The model whose payments are products of what a workbook has."""

BY_WATT = {"running": "running_per_w", "insurance": "insurance_per_w", "inverter": "inverter_per_w",
           "decommissioning": "decommission_per_w"}  # fmt: skip
"""What is paid by the watt, and its rate; a year's running costs by days, the rest at its end."""

YEARLY = ("running", "insurance")
FEN = 0.011
"""How far a payment reckoned here may lie from the plan's, yuan: halves of a fen are rounded
either way."""


@dataclass(frozen=True)
class Living:
    """Cash of households, and what formulas need to give the same.

    Attributes
    ----------
    people : DataFrame
        ``household_id``, ``model``, ``energy_kwh``, ``watts``, ``loan`` (what it borrows itself),
        in the money's order.
    cash : ndarray, shape (households, calendar years + 1)
        Net receipts as the plan has them; the first at once.
    live : ndarray of bool
        Households whose cash the formulas give.
    sharing : ndarray of bool
        Households that get a part of what a collective gives.
    years : ndarray
        Calendar years.
    times : ndarray
        Years from the beginning to each payment; the first is 0.
    kept, price : ndarray, shape (years of life,)
        What is made of the typical year's energy, and what a kilowatt-hour is paid.
    part : float
        What of a year of life's generation lies in the calendar year in which it begins.
    by_watt : dict of str to ndarray, shape (calendar years,)
        Payments per watt by item.
    interest, principal : ndarray, shape (calendar years,)
        Of a loan of 1.
    capex : float
        Per watt.
    borrowed : float
        Part of the capital that is a loan.
    rate : float
        At which money is discounted.
    first_whole : int
        Which calendar year is the first whole one, from 1.
    begin : date
        Day of the payment at once.
    """

    people: pd.DataFrame
    cash: np.ndarray
    live: np.ndarray
    sharing: np.ndarray
    years: np.ndarray
    times: np.ndarray
    kept: np.ndarray
    price: np.ndarray
    part: float
    by_watt: dict[str, np.ndarray]
    interest: np.ndarray
    principal: np.ndarray
    capex: float
    borrowed: float
    rate: float
    first_whole: int
    begin: dt.date

    @property
    def unit(self) -> np.ndarray:
        """What a kilowatt-hour of the typical year brings in each calendar year."""
        return unit_price(self.years, self.kept, self.price, self.part)


def living(homes: pd.DataFrame, case: Case) -> Living:
    """Cash of the chosen models, and what of it are products.

    Parameters
    ----------
    homes, case
        As from :meth:`pvplanner.plan.Plan.case`.
    """
    calendar, terms = case.calendar, case.terms
    cash, loan = np.zeros((len(homes), calendar.count + 1)), np.zeros(len(homes))
    for model, rows in chosen_rows(homes, terms):
        ledger = run_model(case.part(rows), model)
        cash[rows] = ledger.of_households()
        loan[rows] = np.broadcast_to(ledger.paid("loan", HOUSEHOLD)[..., 0], len(rows))
    people = pd.DataFrame({
        "household_id": homes["household_id"].astype(str), "model": homes["model"].astype(str),
        "energy_kwh": homes["energy_kwh"].astype(float) * case.let_through,
        "watts": case.watts, "loan": loan,
    })  # fmt: skip
    by_watt = {
        item: calendar.spread(terms.rate(rate)) if item in YEARLY
        else calendar.at_end(terms.rate(rate)) for item, rate in BY_WATT.items()
    }  # fmt: skip
    debt = {name: terms.instalments[name].sum(axis=1) for name in ("interest", "principal")}
    made = Living(
        people, cash, np.zeros(len(homes), dtype=bool), np.zeros(len(homes), dtype=bool),
        calendar.years, calendar.times,
        np.asarray(terms.kept), terms.rate("sale_price"), calendar.part_made, by_watt,
        debt["interest"], debt["principal"], float(terms.rate("capex_per_w")[0]),
        float(terms.loan.share), float(terms.finance.discount_rate), calendar.first_whole,
        calendar.begin,
    )  # fmt: skip
    # Each payment is rounded: the feed-in, those by the watt, interest and principal.
    payments = 3 + len(by_watt)
    same = (np.abs(reckoned(made) - cash) <= FEN * payments).all(axis=1)
    own = people["model"].eq(MODEL).to_numpy() & (people["watts"] > 0).to_numpy()
    return replace(made, live=own & same)


def unit_price(years: np.ndarray, kept: np.ndarray, price: np.ndarray, part: float) -> np.ndarray:
    """What a kilowatt-hour of the typical year brings in each calendar year.

    Parameters
    ----------
    years, kept, price, part
        As of :class:`Living`.
    """
    life = kept * price
    if len(years) == len(life):
        return life
    return np.append(part * life, 0.0) + np.append(0.0, (1 - part) * life)


def reckoned(one: Living) -> np.ndarray:
    """The cash by products alone, each payment rounded to the fen."""
    energy, watts = (one.people[k].to_numpy(dtype=float) for k in ("energy_kwh", "watts"))
    total = np.round(np.outer(energy, one.unit), 2)
    for rate in one.by_watt.values():
        total = total - np.round(np.outer(watts, rate), 2)
    capital = np.round(watts * one.capex, 2)
    loan = np.round(capital * one.borrowed, 2)
    total = total - np.round(np.outer(loan, one.interest), 2)
    # What is repaid is cut to whole fen so that it sums to the loan.
    repaid = np.round(np.outer(loan, np.cumsum(one.principal)), 2)
    total = total - np.diff(repaid, axis=1, prepend=0.0)
    return np.column_stack([loan - capital, total])
