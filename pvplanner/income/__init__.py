"""Income: what each household earns under each business model, from a ledger that balances."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy.wear import remaining
from pvplanner.errors import Finding
from pvplanner.income.ledger import Ledger
from pvplanner.income.measures import (
    gini,
    internal_rate,
    levelised_cost,
    loan_schedule,
    lowest_cover,
    net_present_value,
    payback,
)
from pvplanner.income.models import ALL, Case, running_costs
from pvplanner.income.prices import Prices, resolve_prices
from pvplanner.income.rules import chosen_models, is_allowed
from pvplanner.scenario import Scenario
from pvplanner.schema import MEASURES, MODELS

__all__ = [
    "Case",
    "Ledger",
    "Prices",
    "appraise",
    "borrower_cover",
    "cash_flows",
    "chosen_models",
    "gini",
    "household_income",
    "internal_rate",
    "is_allowed",
    "levelised_cost",
    "loan_findings",
    "loan_schedule",
    "lowest_cover",
    "net_present_value",
    "payback",
    "remaining",
    "resolve_prices",
    "run_model",
]

_CHUNK = 100_000


def run_model(case: Case, model: str) -> Ledger:
    """Write the ledger of a business model for all households of a case."""
    ledger = Ledger(case.count, case.years)
    next(m for m in ALL if m.name == model).write(case, ledger)
    return ledger


def appraise(case: Case, ledger: Ledger, model: str) -> pd.DataFrame:
    """Measures of what the households receive and pay.

    Returns
    -------
    DataFrame, shape (households, 9)
        ``income_first_year``, ``income_mean``, ``income_worst`` (currency a year, after debt
        service, before capital), ``npv``, ``irr``, ``payback_years``, ``discounted_payback_years``,
        ``lcoe`` (currency per kWh, of the modules, whoever owns them) and ``dscr_min`` (where the
        household itself borrows). nan where there is none: no capital, never, no debt.
    """
    rate = case.scenario.finance.discount_rate
    own = next(m for m in ALL if m.name == model).owner == "household"
    nothing = np.full(case.count, np.nan)
    net = ledger.of_households()
    yearly = net[:, 1:]
    running = np.sum([yuan for _, _, yuan in running_costs(case)], axis=0)
    costs = np.column_stack([case.capital, running])
    return pd.DataFrame(
        {
            "income_first_year": np.round(yearly[:, 0], 2),
            "income_mean": np.round(yearly.mean(axis=1), 2),
            "income_worst": np.round(yearly.min(axis=1), 2),
            "npv": np.round(net_present_value(net, rate), 2),
            "irr": internal_rate(net),
            "payback_years": payback(net),
            "discounted_payback_years": payback(net, rate),
            "lcoe": levelised_cost(costs, case.made, rate),
            "dscr_min": borrower_cover(case, ledger, model) if own else nothing,
        }
    )


def borrower_cover(case: Case, ledger: Ledger, model: str) -> np.ndarray:
    """Lowest debt-service cover of whoever borrowed for each household's modules; nan without debt.

    A collective borrows as one: its cover stands in every row.
    """
    if "service" in ledger.balances:
        available, service = ledger.balances["available"], ledger.balances["service"]
        found = lowest_cover(available[None], service[None])[0]
        return np.full(case.count, found)
    owner = next(m for m in ALL if m.name == model).owner
    debt = [f for f in ledger.flows if f.item in ("interest", "principal")]
    if not debt or owner == "collective":
        return np.full(case.count, np.nan)
    service = np.sum([f.fen for f in debt], axis=0)[:, 1:]
    net = np.zeros_like(service)
    for flow in ledger.flows:
        if flow.fen.ndim == 2 and flow not in debt:
            net += ((flow.payee == owner) * 1.0 - (flow.payer == owner)) * flow.fen[:, 1:]
    return lowest_cover(net, service)


def household_income(
    households: pd.DataFrame,
    demand: pd.DataFrame,
    *,
    prices: Prices,
    scenario: Scenario,
    module_area_m2: float,
    ratio: np.ndarray | None = None,
) -> pd.DataFrame:
    """All business models side by side for every household.

    Parameters
    ----------
    households : DataFrame
        ``energy_kwh``, ``capacity_kwp``, ``modules``, ``consumption_kwh``, ``low_income``,
        ``project_class`` and ``model`` (the chosen one).
    demand : DataFrame
        As from :func:`pvplanner.demand.simulate_demand`, on the same rows.
    prices : Prices
        As from :func:`resolve_prices`.
    scenario : Scenario
    module_area_m2 : float
        For rents by area.
    ratio : ndarray, optional
        Energy over the expected one for each household, such as P90 over P50.

    Returns
    -------
    DataFrame
        On the index of ``households``: ``{model}_{measure}`` for every model (nan where the rules
        do not allow it), the chosen model's measures without prefix, and ``capital`` (what the
        household itself pays before the first year).

    Notes
    -----
    The members of the cooperative are the households that chose it; where none did, all that may.
    """
    out: dict[str, np.ndarray] = {}
    chosen = households["model"].to_numpy()
    plain = {name: np.full(len(households), np.nan) for name in (*MEASURES, "capital")}
    ratio = np.ones(len(households)) if ratio is None else ratio
    for model in MODELS:
        may = _allowed(households["project_class"], model, scenario)
        members = may & (chosen == model) if model == "cooperative" else may
        members = members if members.any() else may
        found = {name: np.full(len(households), np.nan) for name in (*MEASURES, "capital")}
        # The collective is one: it can't be cut. The others are households each for themselves.
        rows = np.flatnonzero(members)
        pieces = 1 if model == "cooperative" else -(-len(rows) // _CHUNK)
        for part in np.array_split(rows, max(pieces, 1)):
            if len(part) == 0:
                continue
            case = Case(
                households.iloc[part], demand.iloc[part], prices, scenario, ratio[part],
                module_area_m2,
            )  # fmt: skip
            ledger = run_model(case, model)
            measures = appraise(case, ledger, model)
            for name in MEASURES:
                found[name][part] = measures[name].to_numpy()
            found["capital"][part] = _own_capital(ledger)
        mine = chosen == model
        for name in (*MEASURES, "capital"):
            plain[name][mine] = found[name][mine]
        out |= {f"{model}_{name}": found[name] for name in MEASURES}
    return pd.DataFrame({**plain, **out}, index=households.index)


def _own_capital(ledger: Ledger) -> np.ndarray:
    paid = np.zeros(ledger.households)
    for flow in ledger.flows:
        if flow.item == "capital" and flow.payer == "household":
            paid += flow.fen[:, 0]
    return paid / 100


def _allowed(project_class: pd.Series, model: str, scenario: Scenario) -> np.ndarray:
    on = scenario.tariff.connection_date
    kinds = {kind: is_allowed(model, str(kind), on)[0] for kind in project_class.unique()}
    return project_class.map(kinds).to_numpy(dtype=bool)


def cash_flows(
    households: pd.DataFrame,
    demand: pd.DataFrame,
    *,
    prices: Prices,
    scenario: Scenario,
    module_area_m2: float,
    model: str | None = None,
) -> pd.DataFrame:
    """The ledger as a table, for the chosen models or for one.

    Returns
    -------
    DataFrame
        ``household_id`` (empty where a payment is not a household's), ``model``, ``year`` (0 is
        before the first), ``party``, ``item``, ``yuan`` (received, or paid if negative). Sums to
        zero in every year.
    """
    parts = []
    for name in MODELS if model is None else (model,):
        mine = households["model"].to_numpy() == name
        if model is not None:
            may = _allowed(households["project_class"], name, scenario)
            mine = mine & may if name == "cooperative" and mine.any() else may
        if not mine.any():
            continue
        rows = np.flatnonzero(mine)
        case = Case(
            households.iloc[rows], demand.iloc[rows], prices, scenario, np.ones(len(rows)),
            module_area_m2,
        )  # fmt: skip
        names = households["household_id"].to_numpy()[rows]
        parts.append(run_model(case, name).table(names, name))
    return pd.concat(parts, ignore_index=True)


def loan_findings(scenario: Scenario) -> list[Finding]:
    """Warnings about terms that do not fit: a loan should end before what pays it does."""
    loan, finance, tariff = scenario.loan, scenario.finance, scenario.tariff
    if loan.share == 0:
        return []
    out = []
    if loan.years > tariff.mechanism_years and tariff.export_price is None:
        params = {"years": loan.years, "term": tariff.mechanism_years}
        out.append(Finding("loan_past_mechanism", "loan.years", params=params))
    leased = {"roof_lease", "developer"} & {finance.model, *finance.model_by_class.values()}
    if leased and loan.years > finance.lease_years:
        params = {"years": loan.years, "term": finance.lease_years}
        out.append(Finding("loan_past_lease", "loan.years", params=params))
    return out
