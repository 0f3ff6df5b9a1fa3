"""Price risk: what each case brings the village, and how far things may fall before it pays not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from pvplanner.money import chosen_rows, lowest_cover, net_present_value, owner_of, run_model
from pvplanner.money.models import COLLECTIVE, Case
from pvplanner.money.payments import DEBT
from pvplanner.schema import CASES

COLUMNS = ("case", "households", "income_first_year", "income_mean", "npv", "payback_years",
           "households_losing", "households_short", "households_after_term",
           "term_years")  # fmt: skip


def case_totals(people: pd.DataFrame, measures: pd.DataFrame, term_years: int) -> pd.DataFrame:
    """Each case of the chosen models, summed over households with modules.

    Parameters
    ----------
    people : DataFrame
        ``household_id``, ``model`` (the chosen one), ``modules``.
    measures : DataFrame
        As from :func:`pvplanner.money.stress.case_measures`.
    term_years : int
        Of the price mechanism; 0 without one.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`: sums of money; the median payback; how many households lose (their net
        present value is below nought), are short in some year, and have their capital back only
        after the mechanism's term, or never.
    """
    built = people[people["modules"] > 0]
    key = pd.MultiIndex.from_frame(built[["household_id", "model"]])
    rows = []
    for case in CASES:
        told = measures[measures["case"] == case].set_index(["household_id", "model"])
        own = told.reindex(key)
        sums = {name: own[name].sum(min_count=1) for name in ("income_first_year", "income_mean",
                                                              "npv")}  # fmt: skip
        pays = own["capital"] > 0
        late = pays & ~(own["payback_years"] <= term_years)
        rows.append(
            {
                "case": case,
                "households": len(own),
                **{name: round(float(value), 2) for name, value in sums.items()},
                "payback_years": float(own.loc[pays, "payback_years"].median()),
                "households_losing": int((own["npv"] < 0).sum()),
                "households_short": int((own["income_worst"] < 0).sum()),
                "households_after_term": int(late.sum()) if term_years else 0,
                "term_years": term_years,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


COVERS = (1.0, 1.2)
"""Debt-service covers whose break-even is told."""

MOVED = ("price", "yield", "cost")
"""What may fall, or rise, until it pays no more."""


def moved(case: Case, what: str, factor: float) -> Case:
    """A case with its export prices, energy or capital times a factor."""
    terms = case.terms
    if what == "price":
        return replace(
            case, terms=replace(terms, prices=terms.prices.scaled(terms.prices.factor * factor))
        )
    if what == "yield":
        return replace(case, ratio=case.ratio * factor)
    finance = terms.finance.model_copy(update={"capex_per_w": terms.finance.capex_per_w * factor})
    return replace(case, terms=replace(terms, finance=finance))


def break_even(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Factors on price, yield and capital cost at which the investors' worth is nought, and at
    which the lowest cover of all debt together is 1.0 and 1.2.

    Returns
    -------
    DataFrame
        ``moved``, ``npv``, ``cover_1``, ``cover_1_2``: factors on the planned value, rounded to a
        thousandth; nan where none between a twentieth and four times does it, or nobody borrows.
    """
    rows = []
    for what in MOVED:

        def worth(factor: float, what: str = what) -> float:
            return investors_worth(people, moved(case, what, factor))

        def cover(factor: float, what: str = what) -> float:
            return joint_cover(people, moved(case, what, factor))

        rising = what != "cost"
        found = [root(worth, 0.0, rising)]
        found += [root(cover, at, rising) for at in COVERS]
        rows.append({"moved": what, "npv": found[0], "cover_1": found[1], "cover_1_2": found[2]})
    return pd.DataFrame(rows)


def investors_worth(people: pd.DataFrame, case: Case) -> float:
    """Net present value of all owners under the chosen models, dividends not taken off."""
    rate, first, total = case.terms.finance.discount_rate, case.calendar.first_length, 0.0
    for model, rows in chosen_rows(people, case.terms):
        own = case.part(rows)
        ledger, owner = run_model(own, model), owner_of(model)
        flows = ledger.of_party(owner)
        if owner == COLLECTIVE:
            flows = flows - ledger.received(COLLECTIVE, "dividend")
        total += float(net_present_value(flows[None], rate, first)[0])
    return total


def joint_cover(people: pd.DataFrame, case: Case) -> float:
    """Lowest cover over the years of all that is owed, taken together; nan without debt."""
    available = np.zeros(case.calendar.count)
    service = np.zeros(case.calendar.count)
    for model, rows in chosen_rows(people, case.terms):
        ledger, owner = run_model(case.part(rows), model), owner_of(model)
        available += ledger.of_party(owner, without=(*DEBT, "dividend"))[1:]
        service -= sum(ledger.received(owner, item)[1:] for item in DEBT)
    return float(lowest_cover(available[None], service[None])[0])


def root(value: Callable[[float], float], wanted: float, rising: bool) -> float:
    """The factor at which a value that rises (or falls) with it is as wanted, by halving."""
    low, high = 0.05, 4.0
    ends = value(low) - wanted, value(high) - wanted
    if not np.isfinite(ends).all() or (ends[0] > 0) == (ends[1] > 0):
        return float("nan")
    for _ in range(14):
        middle = (low + high) / 2
        if (value(middle) >= wanted) == rising:
            high = middle
        else:
            low = middle
    return round((low + high) / 2, 3)
