"""Prices by place, connection date and year; what is not known is nan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pvplanner import reference
from pvplanner.arrays import Array
from pvplanner.reference import Sourced
from pvplanner.scenario import Scenario

LOCAL_COSTS = ("capex_per_w", "opex_per_w_year")
"""Costs that a scenario outside China must state, in its own currency."""

REFORM = dt.date(2025, 6, 1)
"""Projects connected from this day on sell under document 136 of 2025."""


@dataclass(frozen=True)
class Prices:
    """Prices of a plan, year by year, in the scenario's currency per kWh.

    Attributes
    ----------
    plain_fixed, plain_market : ndarray, shape (life_years,)
        What an exported kilowatt-hour earns before ``factor``: the part that does not depend on
        the hour, and the part that is the market's, to be weighted by the hours of the export. nan
        where no tariff is known.
    subsidy : ndarray, shape (life_years,)
        On every kilowatt-hour generated.
    self_use : float
        First-tier price of what a household buys.
    sources : dict of str to Sourced
        Every part of them, and where it came from.
    costs_known : bool
        Costs are in the place's own money: the default ones are Chinese.
    factor : float
        All export prices are multiplied by this.
    plain_alone : ndarray or None
        The market's price of every year, where exports are paid by the mechanism.
    plain_bid : float
        What the mechanism pays.
    """

    plain_fixed: Array
    plain_market: Array
    subsidy: Array
    self_use: float
    sources: dict[str, Sourced]
    costs_known: bool = True
    factor: float = 1.0
    plain_alone: Array | None = None
    plain_bid: float = float("nan")

    @property
    def fixed(self) -> np.ndarray:
        """The part of an export's price that does not depend on the hour."""
        return np.asarray(self.plain_fixed) * self.factor

    @property
    def market(self) -> np.ndarray:
        """The part of an export's price that is the market's."""
        return np.asarray(self.plain_market) * self.factor

    @property
    def market_alone(self) -> np.ndarray | None:
        """What an export earns at the market alone; ``None`` without a mechanism."""
        return None if self.plain_alone is None else np.asarray(self.plain_alone) * self.factor

    @property
    def mechanism_price(self) -> float:
        """What the mechanism pays; nan where there is none."""
        return self.plain_bid * self.factor

    @property
    def export(self) -> np.ndarray:
        """Price of an export spread over all hours alike; shape (life_years,)."""
        return self.fixed + self.market

    def scaled(self, factor: float) -> Prices:
        """The same with another factor on the export prices."""
        return replace(self, factor=factor)


def resolve_prices(scenario: Scenario, province: str | None) -> Prices:
    """Prices by place, connection date and the scenario's own values; see :class:`Prices`.

    Parameters
    ----------
    scenario : Scenario
        ``tariff`` and ``finance`` are used.
    province : str or None
        ``None`` outside China: then only the scenario's own prices are known.
    """
    return replace(_resolve(scenario, province), factor=scenario.tariff.price_factor)


def _resolve(scenario: Scenario, province: str | None) -> Prices:
    tariff, years = scenario.tariff, scenario.finance.life_years
    sources: dict[str, Sourced] = {}

    abroad = _costs_stated(scenario) if province is None else True

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
    nothing, subsidy = np.zeros(years), _subsidy(scenario, sources)
    if tariff.export_price is not None:
        price = known("export_price", tariff.export_price, None)
        return Prices(np.full(years, price), nothing, subsidy, self_use, sources, abroad)
    if tariff.connection_date < REFORM:
        price = known("export_price_existing", None, province)
        return Prices(np.full(years, price), nothing, subsidy, self_use, sources, abroad)
    nation = "China" if province else None
    share = known("mechanism_share", tariff.mechanism_share, nation, "1")
    cap = known("mechanism_price_cap", None, province)
    market = _market(scenario, known, nation)
    bid = cap
    if tariff.mechanism_bid is not None:
        sources["mechanism_bid"] = Sourced(tariff.mechanism_bid, "CNY/kWh", "scenario", "", "given")
        bid = float(np.fmin(tariff.mechanism_bid, cap))
    under = np.arange(1, years + 1) <= tariff.mechanism_years
    fixed = np.where(under, share * bid, 0.0 if np.isfinite(share * bid) else np.nan)
    at_market = np.where(under, (1 - share) * market, market)
    return Prices(
        fixed, at_market, subsidy, self_use, sources, abroad, plain_alone=market, plain_bid=bid
    )  # fmt: skip


def _costs_stated(scenario: Scenario) -> bool:
    """Outside China the default costs in yuan say nothing: the scenario must state its own."""
    return scenario.finance.costs_stated


def _market(scenario: Scenario, known: Callable[..., float], nation: str | None) -> np.ndarray:
    """Market price at solar hours in each year, with the capture ratio that sinks."""
    tariff, years = scenario.tariff, scenario.finance.life_years
    if tariff.market_path_prices is not None:
        known("market_price", tariff.market_path_prices[0], nation)
        return np.asarray(tariff.market_path_prices[:years], dtype=float)
    price = known(f"market_price_{tariff.market_path}", tariff.market_price, nation)
    return price * (1 - tariff.market_decline_per_year) ** np.arange(years)


def _subsidy(scenario: Scenario, sources: dict[str, Sourced]) -> np.ndarray:
    tariff, years = scenario.tariff, scenario.finance.life_years
    if tariff.subsidy_per_kwh == 0:
        return np.zeros(years)
    sources["subsidy"] = Sourced(tariff.subsidy_per_kwh, "CNY/kWh", "scenario", "", "given")
    if tariff.subsidy_until is None:
        return np.full(years, tariff.subsidy_per_kwh)
    whole = round((tariff.subsidy_until - tariff.connection_date).days / 365.25)
    return np.where(np.arange(1, years + 1) <= whole, tariff.subsidy_per_kwh, 0.0)


def _tariff_row(item: str, place: str | None, on: dt.date) -> Sourced | None:
    if place is None:
        return None
    row = reference.row_in_force("tariff", on, province=place, item=item)
    return None if row is None else reference.sourced(row)
