"""Why a household gets what it gets: from its modules to yuan, as quantity x rate = amount.

The chain is read off the ledger itself, so what is explained is what is paid: the amounts of a
figure add up to it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError
from pvplanner.money.ledger import Flow, Ledger
from pvplanner.money.models import (
    COLLECTIVE,
    HOUSEHOLD,
    QUANTITIES,
    Case,
    Payment,
    owner_of,
    payments_of,
    run_model,
)
from pvplanner.money.payments import by_calendar, quantity_of
from pvplanner.reference import Sourced

FIGURES = ("income_first_year", "capital")
"""Figures that are explained: of the first whole calendar year, and of what is paid at once."""

COLUMNS = ("step", "quantity", "quantity_unit", "rate", "rate_unit", "amount", "unit", "source",
           "year", "certainty")  # fmt: skip

_UNITS = {
    "watts": "W", "standing": "W", "modules": "modules", "free_kwh": "kWh", "made": "kWh",
    "self_used": "kWh", "exported": "kWh", "bill_difference": "money", "surplus_sales": "money",
    "capital": "money", "members_capital": "money", "battery": "kWh", "class_grant": "money",
}  # fmt: skip
"""Of quantities; of an item paid before it is money."""


def explain_household(
    people: pd.DataFrame, case: Case, members: np.ndarray, row: int, figure: str
) -> pd.DataFrame:
    """How a household's figure comes about.

    Parameters
    ----------
    people : DataFrame
        ``household_id``, ``model``, ``modules``, ``capacity_kwp``, ``energy_kwh``, on the rows of
        the case.
    case : Case
    members : ndarray of int
        Rows for which the household's model is run: those who chose it.
    row : int
        Of the household.
    figure : str
        One of :data:`FIGURES`.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`: first the way to the energy, then each payment of the year with what is
        reckoned on, its rate and where that is from. What is received is positive, of ``capital``
        what is paid; amounts whose ``unit`` is ``money`` add up to the figure.

    Raises
    ------
    ConfigError
        If the figure is not explained.
    """
    if figure not in FIGURES:
        known = ", ".join(FIGURES)
        raise ConfigError("figure_unknown", where="--figure", value=figure, known=known)
    model = str(people["model"].iloc[row])
    year = 0 if figure == "capital" else case.calendar.first_whole
    together = owner_of(model) == COLLECTIVE
    rows = members if together else np.array([row])
    own = case.part(rows)
    ledger = run_model(own, model)
    at = int(np.flatnonzero(rows == row)[0])
    steps = _energy_steps(people.iloc[row], case, row) if year else []
    own = own.of_owner(owner_of(model))
    payments = [row for row in payments_of(model) if own.terms.holds(row.only)]
    for flow in ledger.flows:
        sign = (flow.payee == HOUSEHOLD) - (flow.payer == HOUSEHOLD)
        if figure == "capital":
            # What is paid is the figure itself, of all that is paid at once that one alone.
            sign = -sign if flow.item in ("capital", "member_loan", "battery") else 0
        # Money that was lent and comes back is no income.
        back = flow.item == "member_principal"
        if sign and not back and flow.fen.ndim == 2 and flow.fen[at, year] != 0:
            amount = sign * float(flow.fen[at, year]) / 100
            payment = _row_of(payments, flow)
            steps.append(_step(own, ledger, payment, flow.item, at, year, amount))
    return pd.DataFrame(steps, columns=list(COLUMNS))


def basis_of(case: Case, ledger: Ledger, flow: Flow, model: str) -> tuple[float, str]:
    """What a payment of the first whole year is reckoned on, over all households, and its unit.

    nan where that is money itself.
    """
    own = case.of_owner(owner_of(model))
    payment = _row_of([r for r in payments_of(model) if own.terms.holds(r.only)], flow)
    name = _ENERGY_OF.get(payment.quantity, payment.quantity)
    unit = _UNITS.get(name, "money")
    if name not in QUANTITIES or unit == "money" or payment.when != "yearly":
        return math.nan, ""
    found = np.asarray(QUANTITIES[name](own))
    if found.ndim > 1:
        found = by_calendar(own, replace(payment, quantity=name), found)
        found = found[:, own.calendar.first_whole - 1]
    return float(found.sum()), unit


def _energy_steps(home: pd.Series, case: Case, row: int) -> list[tuple]:
    """From modules to the first year's energy."""
    power = float(home["capacity_kwp"])
    if not power > 0:
        return []
    typical, product = float(home["energy_kwh"]), case.terms.product
    of_life = case.terms.kept * case.on[row if len(case.on) > 1 else 0]
    kept = float(case.calendar.spread(of_life, made=True)[case.calendar.first_whole - 1])
    told = (product.source, "", product.certainty)
    return [
        ("modules", float(home["modules"]), "modules", product.power_w / 1000, "kWp", power, "kWp",
         *told),
        ("energy_kwh", power, "kWp", typical / power, "kWh/kWp", typical, "kWh/yr",
         "this plan's hours of light on its roofs", "", "computed"),
        ("energy_first_year_kwh", typical, "kWh/yr", kept, "1", typical * kept, "kWh",
         "wear, outages and curtailment of the first whole year", "", "computed"),
    ]  # fmt: skip


def _step(
    case: Case, ledger: Ledger, payment: Payment, item: str, at: int, year: int, amount: float
) -> tuple:
    """A payment as quantity x rate = amount; the rate is below nought where it is paid."""
    quantity, unit, rate = _reckoned(case, ledger, payment, at, year)
    told = payment.rule in _BY_RATE and payment.quantity not in _ENERGY_OF
    if quantity and not (told and math.isfinite(rate)):
        rate = amount / quantity
    rate = math.copysign(rate, amount)
    per = f"money/{unit}" if unit in _MEASURED else "money"
    rate_unit = "1" if unit == "money" else per
    found = _source_of(case, payment, rate)
    return (item, quantity, unit, rate, rate_unit, amount, "money", *found)


def _row_of(rows: list[Payment], flow: Flow) -> Payment:
    """The row of ``models.csv`` by which a payment was entered; events go by their kinds."""
    same = [r for r in rows if (r.payer, r.payee) == (flow.payer, flow.payee)]
    # What goes to members of low income alone is entered by the row of the dividend.
    same = same or [r for r in rows if (r.item, r.payer) == (flow.item, flow.payer)]
    named = [r for r in same if r.item == flow.item]
    insured = flow.item.endswith("_insured")
    events = [r for r in same if r.rule == "events" and r.item.endswith("_insured") == insured]
    return (named or events)[0]


_BY_RATE = ("", "loan")
"""Rules whose rate stands in the terms; of the others it is what the amount is of the quantity."""

_ENERGY_OF = {"bill_difference": "self_used", "surplus_sales": "exported"}
"""Energies of quantities that are money already, so that they are explained by a price."""


def _reckoned(
    case: Case, ledger: Ledger, payment: Payment, at: int, year: int
) -> tuple[float, str, float]:
    """Quantity, its unit and rate; nan for a rate that is no single number."""
    if payment.rule == "distribution":
        return float(ledger.paid(payment.item)[:, year].sum()), "money", float("nan")
    rate = _rate_of(case, payment, year) if payment.rule in _BY_RATE else math.nan
    if payment.rule == "instalment":
        # Cut to whole fen by what was repaid before: the rate is that of the amount.
        return float(ledger.paid(payment.quantity)[at, 0]), "money", float("nan")
    if payment.rule == "loan":
        first, *others = payment.quantity.split()
        base = float(ledger.paid(first)[at, 0])
        base -= sum(float(np.atleast_2d(ledger.paid(o))[-1, 0]) for o in others)
        return base, "money", rate
    first = payment.quantity.split()[0]
    name = _ENERGY_OF.get(first, first)
    found = np.asarray(quantity_of(case, ledger, name, payment.payer))
    if name in QUANTITIES and found.ndim > 1:
        found = by_calendar(case, replace(payment, quantity=name), found)
    value = float(found[at] if found.ndim == 1 else found[at, max(year - 1, 0)])
    if name in ("rent_units", "let_units"):
        return value, RENT_UNITS[case.terms.finance.rent_basis], rate
    return value, _UNITS.get(name, "money"), rate


def _rate_of(case: Case, payment: Payment, year: int) -> float:
    """The rate of a calendar year; nan where it changes within it."""
    of_life = case.terms.rate(payment.rate)
    if year == 0:
        return float(of_life[0])
    own = of_life[: case.calendar.first_whole]
    return float(own[0]) if np.ptp(own) == 0 else math.nan


_MEASURED = ("W", "kWh", "kWp", "m2")
"""Units that a rate is paid by; of the others it is paid apiece."""

RENT_UNITS = {"module": "modules", "m2": "m2", "kwp": "kWp", "lump": ""}
"""What rent may be paid for."""

_COSTS = {"capex_per_w": "capex_per_w", "running_per_w": "opex_per_w_year", "rent": "rent",
          "inverter_per_w": "inverter_cost_per_w", "discount": "developer_discount"}  # fmt: skip
"""Packaged numbers behind rates of ``models.csv``."""


def _source_of(case: Case, payment: Payment, rate: float) -> tuple[str, str, str]:
    """Where a rate is from: a packaged number, the price, the scenario; else the payment's rule."""
    name = payment.rate.split("*")[0].removeprefix("1-")
    if name in _COSTS:
        usual = reference.constant(_COSTS[name])
        mine = usual.value if name != "discount" else 1 - usual.value
        if abs(abs(rate) - mine) < 1e-9:
            return usual.source, usual.year, usual.certainty
        return "scenario", "", "given"
    if payment.quantity == "bill_difference" and case.terms.tariff is not None:
        return case.terms.tariff.source, "", payment.certainty
    if payment.rate == "sale_price" or payment.quantity == "surplus_sales":
        first = next(iter(_prices_of(case)), None)
        if first is not None:
            return first.source, first.year, first.certainty
    return payment.source, payment.year, payment.certainty


def _prices_of(case: Case) -> list[Sourced]:
    """What the price of a kilowatt-hour sold is from, the mechanism's first."""
    named = case.terms.prices.sources
    order = ("export_price", "mechanism_price", "market_price")
    return [told for stem in order for key, told in named.items() if key.startswith(stem)]
