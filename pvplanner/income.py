"""Income: what a kilowatt-hour earns, by which rule, and what that is worth over the years.

Prices and rules are dated rows of the packaged tables; what is not known is nan, and what is not
allowed is refused by the rule's name.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError
from pvplanner.reference import Sourced
from pvplanner.scenario import Scenario
from pvplanner.schema import MEASURES, MODELS

REFORM = dt.date(2025, 6, 1)
"""Projects connected from this day on sell under document 136 of 2025."""


@dataclass(frozen=True)
class Prices:
    """Prices of a plan, year by year, in the scenario's currency per kWh.

    Attributes
    ----------
    export : ndarray, shape (life_years,)
        nan where no tariff is known.
    self_use : float
        What a kilowatt-hour used at home saves.
    sources : dict of str to Sourced
        Every part of them, and where it came from.
    """

    export: np.ndarray
    self_use: float
    sources: dict[str, Sourced]


def resolve_prices(scenario: Scenario, province: str | None) -> Prices:
    """Prices by place, connection date and the scenario's own values.

    Parameters
    ----------
    scenario : Scenario
        ``tariff`` and ``finance.life_years`` are used.
    province : str or None
        ``None`` outside China: then only the scenario's own prices are known.
    """
    tariff, years = scenario.tariff, scenario.finance.life_years
    sources: dict[str, Sourced] = {}

    def known(item: str, own: float | None, place: str | None, unit: str = "CNY/kWh") -> float:
        found = (
            Sourced(own, unit, "scenario", "", "given")
            if own is not None
            else _tariff_row(item, place, tariff.connection_date)
        )
        if found is None:
            return float("nan")
        sources[item] = found
        return found.value

    self_use = known("tier_1_price", tariff.self_use_price, province)
    if tariff.export_price is not None:
        price = known("export_price", tariff.export_price, None)
        return Prices(np.full(years, price), self_use, sources)
    if tariff.connection_date < REFORM:
        price = known("export_price_existing", None, province)
        return Prices(np.full(years, price), self_use, sources)
    nation = "China" if province else None
    share = known("mechanism_share", tariff.mechanism_share, nation, "1")
    market = known(f"market_price_{tariff.market_path}", tariff.market_price, nation)
    cap = known("mechanism_price_cap", None, province)
    bid = cap
    if tariff.mechanism_bid is not None:
        sources["mechanism_bid"] = Sourced(tariff.mechanism_bid, "CNY/kWh", "scenario", "", "given")
        bid = float(np.fmin(tariff.mechanism_bid, cap))
    first = share * bid + (1 - share) * market
    under = np.arange(1, years + 1) <= tariff.mechanism_years
    return Prices(
        np.where(under, first, market if np.isfinite(first) else np.nan), self_use, sources
    )


def _tariff_row(item: str, place: str | None, on: dt.date) -> Sourced | None:
    if place is None:
        return None
    table = reference.in_force(reference.load("tariff"), on)
    hit = table[(table["province"] == place) & (table["item"] == item)]
    if hit.empty:
        return None
    row = hit.iloc[0]
    unit = str(row["unit"])
    return Sourced(
        float(row["value"]), unit, str(row["source"]), str(row["year"]), str(row["certainty"])
    )


def is_allowed(model: str, project_class: str, on: dt.date) -> tuple[bool, str, str]:
    """Whether a class of project may use a business model on a connection date.

    Returns
    -------
    allowed : bool
    name_en, name_zh : str
        Of the rule that says so; empty where no rule of that date speaks of it.
    """
    table = reference.in_force(reference.load("rules"), on)
    hit = table[(table["project_class"] == project_class) & (table["model"] == model)]
    if hit.empty:
        return True, "", ""
    row = hit.iloc[0]
    return row["allowed"] == "yes", str(row["name_en"]), str(row["name_zh"])


def chosen_models(project_class: pd.Series, *, scenario: Scenario, where: str) -> pd.Series:
    """The business model of each project by its class.

    Raises
    ------
    ConfigError
        If the rules of the connection date do not allow a combination; names the rule.
    """
    finance, on = scenario.finance, scenario.tariff.connection_date
    by_class: dict[str, str] = {}
    for kind in project_class.unique():
        model = finance.model_by_class.get(kind, finance.model)
        allowed, name_en, name_zh = is_allowed(model, str(kind), on)
        if not allowed:
            lawful = [m for m in MODELS if is_allowed(m, str(kind), on)[0]]
            raise ConfigError(
                "rule_refuses",
                where=where,
                model=model,
                project_class=kind,
                rule=name_en,
                rule_zh=name_zh,
                count=int((project_class == kind).sum()),
                instead=lawful[0] if lawful else "",
            )
        by_class[str(kind)] = model
    return project_class.map(by_class).astype("string")


def remaining(scenario: Scenario) -> np.ndarray:
    """Share of the typical year's energy left in each year of life: (1 - d1)(1 - d)^(y - 1)."""
    finance = scenario.finance
    year = np.arange(finance.life_years)
    return (1 - finance.degradation_first_year) * (1 - finance.degradation_per_year) ** year


def self_used_kwh(
    energy_kwh: np.ndarray, consumption_kwh: np.ndarray, scenario: Scenario
) -> np.ndarray:
    """Energy used at home: the scenario's share of the generation, at most the consumption."""
    share = scenario.demand.self_use_share * np.asarray(energy_kwh, dtype=float)
    return np.fmin(share, np.asarray(consumption_kwh, dtype=float))


def yearly_cash(
    model: str,
    *,
    energy_kwh: np.ndarray,
    capacity_kwp: np.ndarray,
    modules: np.ndarray,
    consumption_kwh: np.ndarray,
    prices: Prices,
    scenario: Scenario,
) -> tuple[np.ndarray, np.ndarray]:
    """Cash of the household in each year under a business model.

    Parameters
    ----------
    model : {'self_invest', 'self_use', 'roof_lease'}
        Full feed-in on one's own capital; own use with the surplus sold; the roof let.
    energy_kwh, capacity_kwp, modules, consumption_kwh : ndarray, shape (households,)
        Typical-year energy, and what the household has and uses. Unknown consumption is nan.
    prices : Prices
        As resolved.
    scenario : Scenario
        ``finance`` and ``demand`` are used.

    Returns
    -------
    capital : ndarray, shape (households,)
        Paid before the first year.
    cash : ndarray, shape (households, life_years)
        Income less running cost, before capital.
    """
    finance = scenario.finance
    made = np.asarray(energy_kwh, dtype=float)[:, None] * remaining(scenario)
    if model == "roof_lease":
        let = np.arange(1, finance.life_years + 1) <= finance.lease_years
        # Where no price is known the default rent in yuan means nothing either.
        rent = finance.rent_per_module_year if np.isfinite(prices.export).all() else np.nan
        return np.zeros(len(made)), np.asarray(modules, dtype=float)[:, None] * rent * let
    watts = np.asarray(capacity_kwp, dtype=float) * 1000
    running = (watts * finance.opex_per_w_year)[:, None]
    if model == "self_invest":
        return watts * finance.capex_per_w, made * prices.export - running
    used = self_used_kwh(made, np.asarray(consumption_kwh, dtype=float)[:, None], scenario)
    earned = used * prices.self_use + (made - used) * prices.export
    return watts * finance.capex_per_w, earned - running


def appraise(capital: np.ndarray, cash: np.ndarray, discount_rate: float) -> pd.DataFrame:
    """Measures of cash flows.

    Parameters
    ----------
    capital : ndarray, shape (n,)
        Paid before the first year.
    cash : ndarray, shape (n, years)
        At the end of each year.
    discount_rate : float
        Per year, as a fraction.

    Returns
    -------
    DataFrame, shape (n, 5)
        ``income_first_year``, ``income_mean`` and ``npv`` (currency, to a hundredth), ``irr``
        (fraction), ``payback_years`` (simple). nan where there is none: no capital, or never.
    """
    years = np.arange(1, cash.shape[1] + 1)
    present = (cash / (1 + discount_rate) ** years).sum(axis=1)
    return pd.DataFrame(
        {
            "income_first_year": np.round(cash[:, 0], 2),
            "income_mean": np.round(cash.mean(axis=1), 2),
            "npv": np.round(present - capital, 2),
            "irr": internal_rate(capital, cash),
            "payback_years": simple_payback(capital, cash),
        }
    )


def simple_payback(capital: np.ndarray, cash: np.ndarray) -> np.ndarray:
    """Years until the summed cash reaches the capital, with the part of the last year; or nan."""
    total = np.cumsum(cash, axis=1)
    reached = total >= capital[:, None]
    year = reached.argmax(axis=1)
    rows = np.arange(len(capital))
    before = np.where(year > 0, total[rows, np.maximum(year - 1, 0)], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = year + (capital - before) / cash[rows, year]
    known = reached.any(axis=1) & (capital > 0) & np.isfinite(total).all(axis=1)
    return np.where(known, value, np.nan)


def internal_rate(capital: np.ndarray, cash: np.ndarray) -> np.ndarray:
    """Rate at which the cash is worth the capital, by bisection on (-0.99, 10); nan without one."""
    years = np.arange(1, cash.shape[1] + 1)
    count = len(capital)

    def worth(rate: np.ndarray) -> np.ndarray:
        return (cash / (1 + rate[:, None]) ** years).sum(axis=1) - capital

    low, high = np.full(count, -0.99), np.full(count, 10.0)
    with np.errstate(over="ignore", invalid="ignore"):
        has_root = (worth(low) > 0) & (worth(high) < 0) & (capital > 0)
        for _ in range(200):
            middle = (low + high) / 2
            above = worth(middle) > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
            if np.max(high - low, initial=0) < 1e-14:
                break
    return np.where(has_root, (low + high) / 2, np.nan)


def household_income(
    households: pd.DataFrame, *, prices: Prices, scenario: Scenario
) -> pd.DataFrame:
    """All business models side by side for every household.

    Parameters
    ----------
    households : DataFrame
        ``energy_kwh``, ``capacity_kwp``, ``modules``, ``consumption_kwh``, ``project_class`` and
        ``model`` (the chosen one).
    prices : Prices
        As from :func:`resolve_prices`.
    scenario : Scenario
        ``finance``, ``tariff`` and ``demand`` are used.

    Returns
    -------
    DataFrame
        On the index of ``households``: ``{model}_{measure}`` for every model (nan where the rules
        do not allow it), the chosen model's measures without prefix, and ``capital``.
    """
    out: dict[str, np.ndarray] = {}
    chosen = households["model"].to_numpy()
    plain = {name: np.full(len(households), np.nan) for name in (*MEASURES, "capital")}
    columns = ("energy_kwh", "capacity_kwp", "modules", "consumption_kwh")
    values = {name: households[name].to_numpy(dtype=float) for name in columns}
    allowed = _allowed(households["project_class"], scenario)
    for model in MODELS:
        capital, cash = yearly_cash(model, **values, prices=prices, scenario=scenario)
        measures = appraise(capital, cash, scenario.finance.discount_rate)
        mine = chosen == model
        plain["capital"][mine] = np.round(capital[mine], 2)
        for name in MEASURES:
            column = measures[name].to_numpy()
            out[f"{model}_{name}"] = np.where(allowed[model], column, np.nan)
            plain[name][mine] = column[mine]
    return pd.DataFrame({**plain, **out}, index=households.index)


def _allowed(project_class: pd.Series, scenario: Scenario) -> dict[str, np.ndarray]:
    on = scenario.tariff.connection_date
    return {
        model: project_class.map(
            {kind: is_allowed(model, str(kind), on)[0] for kind in project_class.unique()}
        ).to_numpy(dtype=bool)
        for model in MODELS
    }
