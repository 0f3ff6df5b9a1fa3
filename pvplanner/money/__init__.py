"""Money: what each household earns under each business model, from a ledger that balances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import Finding
from pvplanner.money.ledger import Ledger
from pvplanner.money.measures import (
    gini,
    internal_rate,
    levelised_cost,
    lowest_cover,
    net_present_value,
    payback,
)
from pvplanner.money.models import (
    COLLECTIVE,
    HOUSEHOLD,
    Case,
    kept_of,
    owner_of,
    payments_of,
    run_model,
)
from pvplanner.money.owners import borrower_cover
from pvplanner.money.prices import Prices, resolve_prices
from pvplanner.money.rules import all_models, allowed_models, chosen_models, is_allowed
from pvplanner.money.tariff import Bills, PriceList, find_bills, household_bills
from pvplanner.money.terms import Terms, resolve_terms, rural_income
from pvplanner.scenario import Scenario
from pvplanner.schema import MEASURES, PLANNED

__all__ = [
    "COLLECTIVE",
    "Bills",
    "Case",
    "Ledger",
    "Prices",
    "Terms",
    "all_models",
    "allowed_models",
    "appraise",
    "borrower_cover",
    "cash_flows",
    "chosen_models",
    "commercial_findings",
    "find_bills",
    "gini",
    "household_bills",
    "household_measures",
    "internal_rate",
    "is_allowed",
    "kept_of",
    "levelised_cost",
    "loan_findings",
    "lowest_cover",
    "members_of",
    "net_present_value",
    "owner_of",
    "payback",
    "payments_of",
    "resolve_prices",
    "resolve_terms",
    "run_model",
    "rural_income",
    "tradable_kwh",
    "uses_own",
]

CHUNK = 5_000
"""Households at a time: memory does not grow with their number."""

VALUES = (*MEASURES, "capital")
"""What the table of measures holds of each household, model and case."""


def members_of(project_class: pd.Series, chosen: pd.Series, model: str, terms: Terms) -> np.ndarray:
    """Which households a model is reckoned for: those whose class the rules allow it.

    A collective is one: its members are the households that chose it, or all that may where none
    did.
    """
    may = {str(k): model in terms.allowed.get(str(k), all_models()) for k in project_class.unique()}
    allowed = project_class.map(may).to_numpy(dtype=bool)
    if owner_of(model) != COLLECTIVE:
        return allowed
    own = allowed & chosen.eq(model).to_numpy(dtype=bool)
    return own if own.any() else allowed


def household_measures(
    people: pd.DataFrame, cases: Mapping[str, Case], models: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """All business models side by side for every household and case.

    Parameters
    ----------
    people : DataFrame
        ``household_id``, ``project_class``, ``model`` (the chosen one), on the rows of the cases.
    cases : mapping of str to Case
        Under their names.
    models : tuple of str, optional
        All if not given.

    Returns
    -------
    DataFrame
        ``household_id``, ``model``, ``case``, the measures and ``capital`` (what the household
        itself pays before the first year): a row for each household, model that the rules allow it,
        and case.
    """
    ids, parts = people["household_id"].to_numpy(), []
    wanted = models or all_models()
    pooled = tuple(m for m in wanted if owner_of(m) == COLLECTIVE)
    single = tuple(m for m in wanted if m not in pooled)
    pieces = max(-(-len(people) // CHUNK), 1)
    for name, case in cases.items():
        who = {m: members_of(people["project_class"], people["model"], m, case.terms)
               for m in wanted}  # fmt: skip
        # Households by themselves a few at a time: what the models share is reckoned once for each.
        for rows in np.array_split(np.arange(len(people)), pieces):
            some = case if len(rows) == case.count else case.part(rows)
            for model in single:
                mine = np.flatnonzero(who[model][rows])
                parts.append(_of_model(some, mine, model, name, ids[rows]))
        for model in pooled:
            parts.append(_of_model(case, np.flatnonzero(who[model]), model, name, ids))
    parts = [part for part in parts if len(part)]
    columns = ["household_id", "model", "case", *VALUES]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in columns})
    return pd.concat(parts, ignore_index=True)[columns]


def chosen_measures(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Measures of each household under the model that it chose, and no other.

    Parameters
    ----------
    people : DataFrame
        As for :func:`household_measures`.
    case : Case
        On the same rows.

    Returns
    -------
    DataFrame
        ``household_id`` and :data:`VALUES`, on the rows of ``people``; nan where the rules do not
        allow a household the model. The same figures as :func:`household_measures` has.
    """
    values = np.full((len(people), len(VALUES)), np.nan)
    ids = people["household_id"].to_numpy()
    for model in all_models():
        own = people["model"].eq(model).to_numpy(dtype=bool)
        if not own.any():
            continue
        own = own & members_of(people["project_class"], people["model"], model, case.terms)
        pieces = 1 if owner_of(model) == COLLECTIVE else max(-(-int(own.sum()) // CHUNK), 1)
        for rows in np.array_split(np.flatnonzero(own), pieces):
            if len(rows):
                values[rows] = _of_model(case, rows, model, PLANNED, ids)[list(VALUES)]
    return pd.DataFrame({"household_id": ids, **dict(zip(VALUES, values.T, strict=True))})


def chosen_incomes(people: pd.DataFrame, case: Case) -> np.ndarray:
    """The first whole year's income of each household under the model that it chose.

    Parameters
    ----------
    people, case
        As for :func:`chosen_measures`, whose ``income_first_year`` it is; nothing else is reckoned.

    Returns
    -------
    ndarray, shape (households,)
    """
    out = np.full(len(people), np.nan)
    for model, rows in chosen_rows(people, case.terms):
        own = members_of(people["project_class"], people["model"], model, case.terms)[rows]
        rows = rows[own]
        if len(rows):
            some = case if len(rows) == case.count else case.part(rows)
            ledger, first = run_model(some, model), case.calendar.first_whole
            gained = ledger.of_households() - np.atleast_2d(ledger.paid("member_principal"))
            out[rows] = np.round(gained[:, first], 2)
    return out


def _of_model(case: Case, rows: np.ndarray, model: str, name: str, ids: np.ndarray) -> pd.DataFrame:
    """Measures of some households of a case under a model."""
    if len(rows) == 0:
        return pd.DataFrame()
    some = case if len(rows) == case.count else case.part(rows)
    table = appraise(some, run_model(some, model), model)
    return table.assign(household_id=ids[rows], model=model, case=name)


def appraise(case: Case, ledger: Ledger, model: str) -> pd.DataFrame:
    """Measures of what the households receive and pay.

    Returns
    -------
    DataFrame, shape (households, 10)
        ``income_first_year`` (of the first whole calendar year), ``income_mean`` (a year of life),
        ``income_worst`` (of whole calendar years; all three currency a year, after debt service,
        before capital), ``npv``, ``irr``, ``payback_years``, ``discounted_payback_years``,
        ``lcoe`` (currency per kWh, of the modules, whoever owns them), ``dscr_min`` (where the
        household itself borrows) and ``capital`` (what the household itself pays at once). nan
        where there is none: no capital, never, no debt.
    """
    rate, calendar = case.terms.finance.discount_rate, case.calendar
    own = owner_of(model) == HOUSEHOLD
    nothing = np.full(case.count, np.nan)
    net, first = ledger.of_households(), calendar.first_length
    # Money that was lent and comes back is no income.
    gained = net - np.atleast_2d(ledger.paid("member_principal"))
    whole = gained[:, calendar.first_whole : case.years + 1]
    paid = ledger.paid_at_once(HOUSEHOLD, "capital")
    return pd.DataFrame(
        {
            "income_first_year": np.round(whole[:, 0], 2),
            "income_mean": np.round(gained[:, 1:].sum(axis=1) / case.years, 2),
            "income_worst": np.round(whole.min(axis=1), 2),
            "npv": np.round(net_present_value(net, rate, first), 2),
            "irr": internal_rate(net, first),
            "payback_years": payback(net, first=first),
            "discounted_payback_years": payback(net, rate, first),
            "lcoe": _lcoe(case),
            "dscr_min": borrower_cover(ledger) if own else nothing,
            "capital": paid
            + ledger.paid_at_once(HOUSEHOLD, "member_loan")
            + ledger.paid_at_once(HOUSEHOLD, "battery"),
        }
    )


def _lcoe(case: Case) -> np.ndarray:
    """Levelised cost of the modules' energy: capital and running costs, no debt."""
    rates, calendar = case.terms.rates, case.calendar
    running = calendar.spread(rates["running_per_w"] + rates["insurance_per_w"])
    running = running + calendar.at_end(rates["inverter_per_w"])
    costs = np.outer(case.watts, np.concatenate([case.terms.rate("capex_per_w")[:1], running]))
    made = calendar.spread(case.made, made=True)
    rate, first = case.terms.finance.discount_rate, calendar.first_length
    return levelised_cost(costs, made, rate, first)


def uses_own(chosen: pd.Series, terms: Terms) -> np.ndarray:
    """Which households use their roof's power themselves under their model, and sell the rest."""
    return chosen.isin(own_use_models(terms)).to_numpy(dtype=bool)


def own_use_models(terms: Terms) -> tuple[str, ...]:
    """Models under which a household uses its roof's power itself, and sells the rest."""
    return tuple(
        model
        for model in all_models()
        if any(row.item == "bill_saved" and terms.holds(row.only) for row in payments_of(model))
    )


def price_list(terms: Terms) -> PriceList:
    """What bills of households hang on."""
    return PriceList(terms.tariff, own_use_models(terms))


def tradable_kwh(people: pd.DataFrame, case: Case) -> np.ndarray:
    """What all send to the grid outside the price mechanism in each calendar year, kWh; (years,).

    Only that earns green certificates that can be sold (Guo Neng Fa Xin Neng Gui [2024] 67): own
    use gets none that can, and energy under the mechanism has had its worth.
    """
    sells = uses_own(people["model"], case.terms)[:, None]
    sent = np.where(sells, case.exported, case.made).sum(axis=0)
    found = case.terms.mechanism
    if found is not None:
        under = np.arange(case.years) < found.years
        sent = sent * np.where(under, 1 - found.share, 1.0)
    return case.calendar.spread(sent, made=True)


def cash_flows(people: pd.DataFrame, case: Case, model: str | None = None) -> pd.DataFrame:
    """The ledger as a table, for the chosen models or for one.

    Parameters
    ----------
    people : DataFrame
        As for :func:`household_measures`.
    case : Case
        On the same rows.
    model : str, optional
        Only this one, for all that may use it.

    Returns
    -------
    DataFrame
        ``household_id`` (empty where a payment is not a household's), ``model``, ``year`` (0 is
        before the first), ``party``, ``item``, ``yuan`` (received, or paid if negative). Sums to
        zero in every year.
    """
    parts = []
    for name, rows in chosen_rows(people, case.terms, model):
        names = people["household_id"].to_numpy()[rows]
        parts.append(run_model(case.part(rows), name).table(names, name))
    return pd.concat(parts, ignore_index=True)


def chosen_rows(
    people: pd.DataFrame, terms: Terms, model: str | None = None
) -> list[tuple[str, np.ndarray]]:
    """Each model in use with the rows that chose it; of one model, those it is reckoned for."""
    out = []
    for name in all_models() if model is None else (model,):
        if model is None:
            mine = people["model"].eq(name).to_numpy(dtype=bool)
        else:
            mine = members_of(people["project_class"], people["model"], name, terms)
        if mine.any():
            out.append((name, np.flatnonzero(mine)))
    return out


def collective_rows(people: pd.DataFrame, terms: Terms) -> list[tuple[str, np.ndarray]]:
    """Of :func:`chosen_rows` those in which the collective owns."""
    return [(m, rows) for m, rows in chosen_rows(people, terms) if owner_of(m) == COLLECTIVE]


def commercial_findings(count: int) -> list[Finding]:
    """Halls and workshops that use their own power at a price that nobody knows."""
    return [Finding("commercial_unknown", "tariff.commercial_price", count)] if count else []


def loan_findings(scenario: Scenario, mechanism_years: int) -> list[Finding]:
    """Warnings about terms that do not fit: a loan should end before what pays it does."""
    loan, finance, tariff = scenario.loan, scenario.finance, scenario.tariff
    if loan.share == 0:
        return []
    out = []
    if loan.kind == "interest_first":
        due = tariff.connection_date.year + loan.years
        params = {"year": due, "share": f"{loan.share:.0%}"}
        out.append(Finding("bullet_due", "loan.kind", params=params))
    if loan.years > mechanism_years > 0 and tariff.export_price is None:
        params = {"years": loan.years, "term": mechanism_years}
        out.append(Finding("loan_past_mechanism", "loan.years", params=params))
    owners = {owner_of(model) for model in (finance.model, *finance.model_by_class.values())}
    most = reference.constant("loan_years_most")
    if loan.years > most.value:
        told: dict[str, object] = {"years": loan.years, "most": round(most.value)}
        told["rule"] = most.source
        out.append(Finding("loan_tenor", "loan.years", params=told))
    if "developer" in owners and loan.years > finance.lease_term:
        params = {"years": loan.years, "term": finance.lease_term}
        out.append(Finding("loan_past_lease", "loan.years", params=params))
    return out
