"""Why a household gets what it gets: from its modules to yuan, as quantity x rate = amount.

The chain is read off the ledger itself, so what is explained is what is paid: the amounts of a
figure add up to it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError
from pvplanner.money.ledger import Ledger
from pvplanner.money.models import (
    COLLECTIVE,
    HOUSEHOLD,
    Case,
    Payment,
    owner_of,
    payments_of,
    run_model,
)
from pvplanner.money.payments import quantity_of

FIGURES = {"income_first_year": 1, "capital": 0}
"""Figures that are explained, and the year of the ledger that they are of."""

COLUMNS = ("step", "quantity", "quantity_unit", "rate", "rate_unit", "amount", "unit", "source",
           "year", "certainty")  # fmt: skip

_UNITS = {
    "watts": "W", "modules": "modules", "rent_units": "", "free_kwh": "kWh", "made": "kWh",
    "self_used": "kWh", "exported": "kWh", "bill_difference": "money", "surplus_sales": "money",
    "capital": "money",
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
    model, year = str(people["model"].iloc[row]), FIGURES[figure]
    together = owner_of(model) == COLLECTIVE
    rows = members if together else np.array([row])
    own = case.part(rows)
    ledger = run_model(own, model)
    at = int(np.flatnonzero(rows == row)[0])
    steps = _energy_steps(people.iloc[row], case) if year else []
    for payment in payments_of(model):
        if not case.terms.holds(payment.only) or HOUSEHOLD not in (payment.payer, payment.payee):
            continue
        if figure == "capital" and payment.item != "capital":
            continue
        amount = _amount(ledger, payment, at, year)
        if figure == "capital":
            # What is paid is the figure itself.
            amount = -amount
        if amount:
            steps.append(_step(own, ledger, payment, at, year, amount))
    return pd.DataFrame(steps, columns=list(COLUMNS))


def _energy_steps(home: pd.Series, case: Case) -> list[tuple]:
    """From modules to the first year's energy."""
    power = float(home["capacity_kwp"])
    if not power > 0:
        return []
    typical, product = float(home["energy_kwh"]), case.terms.product
    kept = float(case.terms.kept[0])
    told = (product.source, "", product.certainty)
    return [
        ("modules", float(home["modules"]), "modules", product.power_w / 1000, "kWp", power, "kWp",
         *told),
        ("energy_kwh", power, "kWp", typical / power, "kWh/kWp", typical, "kWh/yr",
         "this plan's hours of light on its roofs", "", "computed"),
        ("energy_first_year_kwh", typical, "kWh/yr", kept, "1", typical * kept, "kWh",
         "wear, outages and curtailment of the first year", "", "computed"),
    ]  # fmt: skip


def _amount(ledger: Ledger, payment: Payment, at: int, year: int) -> float:
    """What the household receives (pays, if negative) under a payment in a year."""
    fen = 0.0
    for flow in ledger.flows:
        same = (flow.item, flow.payer, flow.payee) == (payment.item, payment.payer, payment.payee)
        if same and flow.fen.ndim == 2:
            fen += float(flow.fen[at, year])
    sign = (payment.payee == HOUSEHOLD) - (payment.payer == HOUSEHOLD)
    return sign * fen / 100


def _step(case: Case, ledger: Ledger, payment: Payment, at: int, year: int, amount: float) -> tuple:
    quantity, unit, rate = float("nan"), "", float("nan")
    if payment.rule in ("", "events"):
        found = np.asarray(quantity_of(case, ledger, payment.quantity))
        quantity = float(found[at] if found.ndim == 1 else found[at, max(year - 1, 0)])
        unit = _UNITS.get(payment.quantity, "money")
    elif payment.rule == "instalment":
        quantity, unit = float(ledger.paid(payment.quantity)[at, 0]), "money"
    elif payment.rule == "loan":
        first, *others = payment.quantity.split()
        quantity = float(ledger.paid(first)[at, 0])
        quantity -= sum(float(np.atleast_2d(ledger.paid(o))[-1, 0]) for o in others)
        unit = "money"
    elif payment.rule == "distribution":
        quantity = float(ledger.paid(payment.item)[:, year].sum())
        unit, rate = "money", abs(amount) / quantity if quantity else float("nan")
    if payment.rule in ("", "instalment", "loan"):
        rate = float(case.terms.rate(payment.rate)[max(year - 1, 0)])
    rate_unit = "1" if unit == "money" else f"money/{unit}" if unit else "money"
    return (payment.item, quantity, unit, rate, rate_unit, amount, "money", payment.source,
            payment.year, payment.certainty)  # fmt: skip
