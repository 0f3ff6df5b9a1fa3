"""Price risk: what each case brings the village, and how far things may fall before it pays not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from pvplanner.money import (
    chosen_rows,
    lowest_cover,
    net_present_value,
    owner_of,
    run_model,
)
from pvplanner.money.models import COLLECTIVE, HOUSEHOLD, Case
from pvplanner.money.owners import debt_account, owner_cover, owner_flows, owner_result
from pvplanner.money.stress import IN_POOR_YEARS, in_poor_years
from pvplanner.schema import CASES

COLUMNS = ("case", "party", "households", "income_first_year", "income_mean", "npv",
           "payback_years", "households_losing", "households_short", "households_after_term",
           "term_years", "lowest_cover")  # fmt: skip


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
                "party": HOUSEHOLD,
                "households": len(own),
                **{name: round(float(value), 2) for name, value in sums.items()},
                "payback_years": float(own.loc[pays, "payback_years"].median()),
                "households_losing": int((own["npv"] < 0).sum()),
                "households_short": int((own["income_worst"] < 0).sum()),
                "households_after_term": float(late.sum()) if term_years else np.nan,
                "term_years": term_years,
                "lowest_cover": float(own["dscr_min"].min()),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def collective_cases(people: pd.DataFrame, case: Case, ranges: pd.DataFrame) -> pd.DataFrame:
    """The collective's own result in each case, before dividends; none where it owns nothing.

    Parameters
    ----------
    ranges : DataFrame
        ``energy_p90_built_kwh`` and ``energy_p90_life_kwh``, on the rows of ``people``.

    Returns
    -------
    DataFrame
        :data:`COLUMNS` with the party ``collective``: 1 or 0 in place of numbers of households;
        the cover is that of single poor years, the worth that of the life's.
    """
    rows = []
    for name in CASES:
        own = case if name == CASES[0] else replace(case, terms=case.terms.under_case(name))
        poor = name in IN_POOR_YEARS
        life = in_poor_years(own, ranges["energy_p90_life_kwh"].to_numpy(float)) if poor else own
        one = in_poor_years(own, ranges["energy_p90_built_kwh"].to_numpy(float)) if poor else own
        for model, mine in chosen_rows(people, own.terms):
            if owner_of(model) != COLLECTIVE:
                continue
            rows.append({"case": name, "party": COLLECTIVE, **_own_result(life, one, model, mine)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _own_result(life: Case, one: Case, model: str, rows: np.ndarray) -> dict[str, float]:
    """Worth over the life, and the first whole and the worst year of single years."""
    own, single = life.part(rows), one.part(rows)
    ledger = run_model(single, model)
    yearly = owner_flows(ledger)[single.calendar.first_whole : single.years + 1]
    whole = run_model(own, model)
    result, term = owner_result(own, whole), own.terms.prices.mechanism_years
    worth, back = result["npv"], result["payback_years"]
    return {
        "households": 1,
        "income_first_year": round(float(yearly[0]), 2),
        "income_mean": round(float(owner_flows(whole)[1:].sum() / own.years), 2),
        "npv": worth,
        "payback_years": back,
        "households_losing": int(worth < 0),
        "households_short": int(yearly.min() < 0),
        "households_after_term": float(not back <= term) if term else np.nan,
        "term_years": term,
        "lowest_cover": owner_cover(ledger),
    }


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
        flows = owner_flows(run_model(case.part(rows), model))
        total += float(net_present_value(flows[None], rate, first)[0])
    return total


def joint_cover(people: pd.DataFrame, case: Case) -> float:
    """Lowest cover over the years of all that is owed, taken together and in cash: bills that are
    saved pay no instalment. nan without debt.
    """
    available, service = np.zeros((2, case.calendar.count))
    for model, rows in chosen_rows(people, case.terms):
        ledger = run_model(case.part(rows), model)
        has, owes = debt_account(ledger, ledger.owner, ("bill_saved",))
        available, service = available + has, service + owes
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
