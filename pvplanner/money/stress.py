"""The same stresses for every borrower: what covers the debt when things go worse.

A stress is an override of the scenario, so that anybody can run the plan again under it and find
the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.energy.doubt import Z90
from pvplanner.money import (
    COLLECTIVE,
    Case,
    borrower_cover,
    chosen_rows,
    household_measures,
    owner_of,
    run_model,
)
from pvplanner.money.terms import Terms
from pvplanner.schema import CASES, PLANNED, POOR

PROBABLE = ("p50", "p90", "life")
"""As expected; with the energy that any one year exceeds with 90 %; with that of all loan years."""


def stress_overrides(terms: Terms) -> dict[str, dict[str, Any]]:
    """The stresses, each as an override of the scenario; the first is none."""
    events = [event.model_dump() for event in terms.finance.events]
    outage = {"kind": "outage", "year": 1, "outage_months": 6.0}
    broken = {
        "kind": "inverter_failure",
        "year": 2,
        "outage_months": 1.0,
        "cost_per_w": terms.finance.inverter_cost_per_w,
    }
    return {
        "as_planned": {},
        "price_minus_20": {"tariff.price_factor": terms.prices.factor * 0.8},
        "curtailment_10": {"grid.curtailment": round(1 - (1 - terms.curtailment) * 0.9, 9)},
        "outage_six_months": {"finance.events": [*events, outage]},
        "inverter_failure": {"finance.events": [*events, broken]},
    }


def p90_ratios(
    people: pd.DataFrame, loan_years: int, year_to_year: float
) -> tuple[np.ndarray, np.ndarray]:
    """P90 over P50 of the energy as built: of any one year, and of the loan's life as a whole.

    Over the loan's years the good and bad ones average: their part of the variance is divided by
    the number of years, the rest stays.

    Parameters
    ----------
    people : DataFrame
        ``energy_kwh``, ``energy_p90_built_kwh``.
    loan_years : int
    year_to_year : float
        One sigma of a year's energy against the mean of years, as the plan's ranges have it.
    """
    energy, p90 = (
        people[name].to_numpy(dtype=float) for name in ("energy_kwh", "energy_p90_built_kwh")
    )
    one = built_ratio(energy, p90)
    sigma2 = ((1 - one) / Z90) ** 2
    rest = np.maximum(sigma2 - year_to_year**2 * (1 - 1 / loan_years), 0)
    life = np.where(one < 1, 1 - Z90 * np.sqrt(rest), 1.0)
    return np.clip(one, 0, 1), np.clip(life, 0, 1)


def built_ratio(energy_kwh: np.ndarray, p90_kwh: np.ndarray) -> np.ndarray:
    """P90 of the energy as built over the expected energy; 1 where there is none."""
    return np.divide(p90_kwh, energy_kwh, out=np.ones_like(energy_kwh), where=energy_kwh > 0)


YEARLY = ("income_first_year", "income_worst", "dscr_min")
"""Measures of a single year; the others are of the life as a whole."""


def case_measures(people: pd.DataFrame, case: Case, ranges: pd.DataFrame,
                  names: Sequence[str] = CASES) -> pd.DataFrame:  # fmt: skip
    """Measures of every household under every model in each case.

    Parameters
    ----------
    ranges : DataFrame
        ``energy_p90_built_kwh`` and ``energy_p90_life_kwh``, on the rows of ``people``.
    names : sequence of str
        Of :data:`pvplanner.schema.CASES`.
    """
    parts = []
    for name in names:
        own = case if name == PLANNED else replace(case, terms=case.terms.under_case(name))
        found = (
            poor_measures(people, own, ranges, name)
            if name in IN_POOR_YEARS
            else household_measures(people, {name: own})
        )
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


IN_POOR_YEARS = (POOR, "together")
"""Cases with the energy of poor years."""


def poor_measures(
    people: pd.DataFrame, case: Case, ranges: pd.DataFrame, name: str = POOR
) -> pd.DataFrame:
    """Measures of every household under every model in poor years.

    Those of a single year with the energy that any one year exceeds with 90 % probability, those of
    the life with that of the mean of its years.

    Parameters
    ----------
    ranges : DataFrame
        ``energy_p90_built_kwh`` and ``energy_p90_life_kwh``, on the rows of ``people``.
    name : str
        Of the case.
    """
    life, one = (
        household_measures(people, {name: in_poor_years(case, ranges[column].to_numpy(float))})
        for column in ("energy_p90_life_kwh", "energy_p90_built_kwh")
    )
    return life.assign(**{column: one[column].to_numpy() for column in YEARLY})


def in_poor_years(case: Case, p90_kwh: np.ndarray) -> Case:
    """The case with an energy that is exceeded with 90 % probability."""
    energy = case.people["energy_kwh"].to_numpy(dtype=float)
    ratio = np.clip(built_ratio(energy, p90_kwh), 0, 1)
    return replace(case, ratio=ratio, use_ratio=1 - _less_use(case, ratio))


def _less_use(case: Case, ratio: np.ndarray) -> np.ndarray:
    """How much less is used at home, by its part in the doubt of what a household earns.

    Self-use and energy are doubted apart; at P90 of their sum each gives way by its own part.
    """
    sigma = reference.constant("self_use_sigma").value
    saved, sold = case.bill_difference[:, 0], case.surplus_sales[:, 0]
    spare, used = case.exported[:, 0], case.self_used[:, 0]
    price = np.divide(sold, spare, out=np.zeros_like(sold), where=spare > 0)
    by_use = sigma * np.maximum(saved - used * price, 0)
    by_energy = (1 - ratio) / Z90 * (saved + sold)
    both = np.hypot(by_use, by_energy)
    part = np.divide(by_use, both, out=np.zeros_like(both), where=both > 0)
    return Z90 * sigma * part


def covers(
    people: pd.DataFrame, case: Case, year_to_year: float
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Lowest cover of each borrower under the chosen models, and its debt.

    A collective counts once.

    Returns
    -------
    covers : dict of str to ndarray
        By :data:`PROBABLE`; nan without debt.
    debt : ndarray
    """
    found: dict[str, list[np.ndarray]] = {name: [np.array([])] for name in PROBABLE}
    debts = [np.array([])]
    for model, rows in chosen_rows(people, case.terms):
        together = owner_of(model) == COLLECTIVE
        if not together:
            rows = rows[case.modules[rows] > 0]
        if len(rows) == 0:
            continue
        own, some = case.part(rows), people.iloc[rows]
        one, life = p90_ratios(some, case.terms.loan.years, year_to_year)
        for name, ratio in zip(PROBABLE, (np.ones_like(one), one, life), strict=True):
            under = replace(own, ratio=ratio)
            ledger = run_model(under, model)
            cover = borrower_cover(ledger)
            found[name].append(cover[:1] if together else cover)
        # What the bank lends, after grants and members' money.
        each = ledger.paid_at_once("bank", "loan")
        debts.append(-ledger.received("bank", "loan")[:1] if together else each)
    return {name: np.concatenate(parts) for name, parts in found.items()}, np.concatenate(debts)


def stress_rows(people: pd.DataFrame, case: Case, year_to_year: float) -> pd.DataFrame:
    """Lowest covers under each stress over all borrowers of the chosen models.

    Returns
    -------
    DataFrame
        ``name``, ``borrowers``, ``p50``, ``p90`` (one year), ``life`` (P90 over the loan's life):
        medians by debt; ``below`` and ``below_p90``: share of the debt whose borrower's cover falls
        below 1. Empty where nobody borrows.
    """
    rows = []
    if case.terms.loan.share > 0:
        for name, change in stress_overrides(case.terms).items():
            stressed = replace(case, terms=case.terms.stressed(name, change))
            found, debt = covers(people, stressed, year_to_year)
            row = summed_up(found, debt)
            if row is not None:
                rows.append({"name": name, **row})
    columns = ["name", "borrowers", *PROBABLE, "below", "below_p90"]
    kinds = {"name": "str", "borrowers": "int64"}
    return pd.DataFrame(rows, columns=columns).astype({c: kinds.get(c, "float64") for c in columns})


def summed_up(found: dict[str, np.ndarray], debt: np.ndarray) -> dict[str, Any] | None:
    """Covers of many borrowers as medians by debt; ``None`` where nobody owes anything."""
    known = np.isfinite(found["p50"]) & (debt > 0)
    if not known.any():
        return None
    owed = debt[known] / debt[known].sum()
    middle = {name: round(_by_debt(found[name][known], owed), 4) for name in PROBABLE}
    return {
        "borrowers": int(known.sum()),
        **middle,
        "below": round(float(owed[found["p50"][known] < 1].sum()), 4),
        "below_p90": round(float(owed[found["p90"][known] < 1].sum()), 4),
    }


def _by_debt(values: np.ndarray, owed: np.ndarray) -> float:
    """Median of covers, weighted by what is owed."""
    order = np.argsort(values)
    at = int(np.searchsorted(np.cumsum(owed[order]), 0.5 - 1e-12))
    return float(values[order][min(at, len(values) - 1)])
