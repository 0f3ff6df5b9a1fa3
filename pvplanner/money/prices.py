"""Prices by place, connection date and year; what is not known is nan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pvplanner.arrays import Array
from pvplanner.reference import Sourced, constant, provincial
from pvplanner.scenario import Finance, Scenario, Tariff

LOCAL_COSTS = ("capex_per_w", "opex_per_w_year")
"""Costs that a scenario outside China must state, in its own currency."""


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
    mechanism_years : int
        For how many years; 0 without a mechanism.
    unknown : tuple of str
        What of the mechanism (``price``, ``share``, ``term``) was not found, so that the market
        alone pays.
    by_month : tuple of float
        The market's price of each month over the mean of those found; empty where it is one price.
    months_found : int
        Of twelve; the others are taken at the mean.
    own_hours : bool
        Whether a roof's own market price is that of its own hours: else the settlement's, and the
        mechanism's difference has no basis.
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
    mechanism_years: int = 0
    unknown: tuple[str, ...] = ()
    by_month: tuple[float, ...] = ()
    months_found: int = 0
    own_hours: bool = False

    def worth_of_months(self, shares: np.ndarray) -> np.ndarray:
        """The market's price over its mean, weighted by what comes in each month.

        Parameters
        ----------
        shares : ndarray, shape (..., 12)
            Of a year's export; sums to 1, or is all nought.

        Returns
        -------
        ndarray, shape (...)
            1 where months are not known apart.
        """
        if not self.by_month:
            return np.ones(np.shape(shares)[:-1])
        found = np.asarray(shares, dtype=float) @ np.asarray(self.by_month)
        return np.where(np.sum(shares, axis=-1) > 0, found, 1.0)

    @property
    def alone(self) -> np.ndarray:
        """What an export earns at the market, whatever the mechanism adds."""
        found = self.plain_market if self.plain_alone is None else self.plain_alone
        return np.asarray(found) * self.factor

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


def export_price(
    prices: Prices, month_worth: np.ndarray | float, hour_worth: np.ndarray | float
) -> np.ndarray:
    """Price of an export by the months and hours in which it comes in.

    Its own market price and, on the mechanism's share, the mechanism's price less the mean market
    price of PV: the basis between the two is what own hours differ by.

    Parameters
    ----------
    prices : Prices
    month_worth, hour_worth : ndarray, shape (n,), or float
        The market's price in the months and hours of the export over its mean.

    Returns
    -------
    ndarray, shape (n, years) or (years,)
    """
    month, hour = np.asarray(month_worth), np.asarray(hour_worth)
    if month.ndim:
        month, hour = month[:, None], np.broadcast_to(hour, month.shape)[:, None]
    paid = prices.fixed + month * prices.market
    if np.all(hour == 1) or not prices.own_hours:
        # Where the mechanism pays for all nobody need know the market.
        return np.asarray(paid)
    return np.asarray(paid + month * (hour - 1) * prices.alone)


@dataclass(frozen=True)
class Asked:
    """The sections of a scenario that prices hang on."""

    tariff: Tariff
    finance: Finance

    @classmethod
    def of(cls, scenario: Scenario, **change: object) -> Asked:
        """Those of a scenario, with some keys of the tariff changed."""
        tariff = scenario.tariff.model_copy(update=change) if change else scenario.tariff
        return cls(tariff, scenario.finance)


def resolve_prices(
    scenario: Scenario | Asked, province: str | None, area: str | None = None
) -> Prices:
    """Prices by place, connection date and the scenario's own values; see :class:`Prices`.

    The order is: what the scenario states; for projects of before the reform the price that they
    keep, and after it the auction's result, else its cap; where price, share or term was not found,
    the market alone.

    Parameters
    ----------
    scenario : Scenario
        ``tariff`` and ``finance`` are used.
    province : str or None
        ``None`` outside China: then only the scenario's own prices are known.
    area : str, optional
        Grid area, in provinces that have several; without it the lower value holds.
    """
    found = _resolve(scenario, province, area)
    months, count = _by_month(scenario, province, area)
    return replace(
        found, factor=scenario.tariff.price_factor, by_month=months, months_found=count,
        own_hours=_own_hours(scenario, province, area),
    )  # fmt: skip


OTHER_CASES: dict[str, dict[str, object]] = {
    "not_won": {"mechanism_share": 0.0},
    "market_low": {"market_path": "low"},
    "market_high": {"market_path": "high"},
    "together": {"mechanism_share": 0.0, "market_path": "low"},
}
"""Price cases beside the planned one, as keys of the tariff."""


def other_prices(
    scenario: Scenario, province: str | None, area: str | None = None
) -> dict[str, Prices]:
    """Prices under each other case: not winning an auction, a low and a high market, the worst.

    A project that keeps its price from before the reform has won already.
    """
    keeps = scenario.tariff.connection_date < provincial.REFORM
    out = {}
    for name, change in OTHER_CASES.items():
        own = {k: v for k, v in change.items() if not (keeps and k == "mechanism_share")}
        out[name] = resolve_prices(Asked.of(scenario, **own), province, area)
    return out


def _by_month(
    scenario: Scenario | Asked, province: str | None, area: str | None
) -> tuple[tuple[float, ...], int]:
    """The market's price of each month over the mean, and how many were found."""
    tariff = scenario.tariff
    stated = (tariff.export_price, tariff.market_price, tariff.market_path_prices)
    if tariff.market_months is not None:
        months = np.asarray(tariff.market_months, dtype=float)
        return tuple(months / months.mean()) if months.mean() > 0 else (), 12
    market = provincial.market_of(province, area) if province is not None else None
    if market is None or any(own is not None for own in stated):
        return (), 0
    months = np.asarray(market.months) / market.middle.value
    return tuple(float(v) for v in np.where(np.isfinite(months), months, 1.0)), market.found


def _own_hours(scenario: Scenario | Asked, province: str | None, area: str | None) -> bool:
    """Whether a roof's own hours count: as stated, by the province, or as hours are stated."""
    tariff = scenario.tariff
    if tariff.own_price != "auto":
        return tariff.own_price == "hours"
    if tariff.market_hourly is not None:
        return True
    rule = provincial.own_price_of(province, area) if province is not None else None
    return rule is not None and rule.value == 0


def _given(value: float, unit: str = "CNY/kWh") -> Sourced:
    return Sourced(value, unit, "scenario", "", "given")


def _resolve(scenario: Scenario | Asked, province: str | None, area: str | None) -> Prices:
    tariff, years = scenario.tariff, scenario.finance.life_years
    sources: dict[str, Sourced] = {}
    abroad = _costs_stated(scenario) if province is None else True
    self_use = _self_use(scenario, province, sources)
    nothing, subsidy = np.zeros(years), _subsidy(scenario, sources)
    if tariff.export_price is not None:
        sources["export_price"] = _given(tariff.export_price)
        price = np.full(years, tariff.export_price)
        return Prices(price, nothing, subsidy, self_use, sources, abroad)
    market = _market(scenario, province, area, sources)
    paid = _mechanism(scenario, province, area)
    if not paid.known or (paid.share is not None and paid.share.value == 0):
        unknown = paid.unknown if paid.share is None or paid.share.value > 0 else ()
        return Prices(
            np.where(np.isfinite(market), 0.0, np.nan), market, subsidy, self_use, sources, abroad,
            unknown=unknown,
        )  # fmt: skip
    assert paid.price is not None
    assert paid.share is not None
    assert paid.term is not None
    existing = paid.price_from == "existing"
    sources["export_price_existing" if existing else f"mechanism_price_{paid.price_from}"] = (
        paid.price
    )
    sources |= {"mechanism_share": paid.share, "mechanism_years": paid.term}
    if tariff.mechanism_bid is not None and not existing:
        sources["mechanism_bid"] = _given(tariff.mechanism_bid)
    share, bid = paid.share.value, paid.price.value
    term = round(paid.term.value)
    under = np.arange(1, years + 1) <= term
    fixed = np.where(under, share * bid, 0.0)
    # Where the mechanism pays for all of the export, nobody need know the market.
    left = np.where(under, 1 - share, 1.0)
    at_market = np.where(left > 0, left * market, 0.0)
    return Prices(
        fixed, at_market, subsidy, self_use, sources, abroad, plain_alone=market, plain_bid=bid,
        mechanism_years=term,
    )  # fmt: skip


def _mechanism(
    scenario: Scenario | Asked, province: str | None, area: str | None
) -> provincial.ProvinceMechanism:
    """What the mechanism pays by the province's rows, with what the scenario states of it."""
    tariff = scenario.tariff
    found = provincial.ProvinceMechanism(None, None, None)
    if province is not None:
        found = provincial.mechanism_of(
            province, tariff.connection_date, tariff.project_class, area
        )
    if tariff.mechanism_share is not None:
        found = replace(found, share=_given(tariff.mechanism_share, "1"))
    if tariff.mechanism_years is not None:
        found = replace(found, term=_given(float(tariff.mechanism_years), "yr"))
    if tariff.mechanism_bid is not None and found.price_from != "existing":
        found = replace(found, **_bid(tariff.mechanism_bid, province, area))
    return found


def _bid(bid: float, province: str | None, area: str | None) -> dict[str, Any]:
    """What a bid is paid, between the province's floor and cap where these were found."""
    if province is not None:
        cap, floor = provincial.cap_of(province, area), provincial.floor_of(province, area)
        if cap is not None and bid > cap.value:
            return {"price": cap, "price_from": "cap"}
        if floor is not None and bid < floor.value:
            return {"price": floor, "price_from": "floor"}
    return {"price": _given(bid), "price_from": "bid"}


def _self_use(
    scenario: Scenario | Asked, province: str | None, sources: dict[str, Sourced]
) -> float:
    """First-tier price of what a household buys; nan where it was not found."""
    own, factor = scenario.tariff.self_use_price, scenario.tariff.self_use_factor
    if own is not None:
        sources["tier_1_price"] = _given(own)
        return own * factor
    tiers = provincial.household_tiers(province) if province is not None else []
    if not tiers:
        return float("nan")
    first = tiers[0]
    sources["tier_1_price"] = Sourced(float(first["flat"]), "CNY/kWh", first["source"],
                                      first["year"], first["certainty"])  # fmt: skip
    return float(first["flat"]) * factor


def _costs_stated(scenario: Scenario | Asked) -> bool:
    """Outside China the default costs in yuan say nothing: the scenario must state its own."""
    return scenario.finance.costs_stated


def _market(
    scenario: Scenario | Asked, province: str | None, area: str | None, sources: dict[str, Sourced]
) -> np.ndarray:
    """Market price of PV in each year, with the capture ratio that sinks; nan where not found."""
    tariff, years = scenario.tariff, scenario.finance.life_years
    part = _part(tariff)
    if tariff.market_path_prices is not None:
        path = np.asarray(tariff.market_path_prices[:years], dtype=float) * part.value
        sources["market_price"] = _part_of(part, tariff.market_path_prices[0])
        return path
    if tariff.market_months is not None:
        first = _part_of(part, float(np.mean(tariff.market_months)))
    elif tariff.market_price is not None:
        first = _part_of(part, tariff.market_price)
    else:
        found = provincial.market_of(province, area) if province is not None else None
        if found is None:
            return np.full(years, np.nan)
        first = found.on_path(tariff.market_path, part)
    sources["market_price"] = first
    return first.value * (1 - tariff.market_decline_per_year) ** np.arange(years)


def _part(tariff: Tariff) -> Sourced:
    """What a market on the tariff's path is of its mean: assumed, unless the scenario states it."""
    if tariff.market_path == "middle":
        return _given(1.0, "1")
    stated = tariff.case_low if tariff.market_path == "low" else tariff.case_high
    usual = constant(f"case_{tariff.market_path}")
    return usual if stated == usual.value else _given(stated, "1")


def _part_of(part: Sourced, price: float) -> Sourced:
    """A stated market price on its path, as sure as the part is."""
    return replace(part, value=price * part.value, unit="CNY/kWh")


def _subsidy(scenario: Scenario | Asked, sources: dict[str, Sourced]) -> np.ndarray:
    tariff, years = scenario.tariff, scenario.finance.life_years
    if tariff.subsidy_per_kwh == 0:
        return np.zeros(years)
    sources["subsidy"] = Sourced(tariff.subsidy_per_kwh, "CNY/kWh", "scenario", "", "given")
    if tariff.subsidy_until is None:
        return np.full(years, tariff.subsidy_per_kwh)
    whole = round((tariff.subsidy_until - tariff.connection_date).days / 365.25)
    return np.where(np.arange(1, years + 1) <= whole, tariff.subsidy_per_kwh, 0.0)
