"""Terms: all that money stands on, resolved once per place, scenario and case, and then asked.

Prices, the household tariff, costs, the loan, who may do what, the carbon factor, and where each
came from. Whoever needs a price asks its :class:`Terms`; nobody resolves one again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pvplanner import reference
from pvplanner.arrays import Array
from pvplanner.carbon.factors import CarbonBasis, carbon_basis
from pvplanner.energy.wear import remaining
from pvplanner.errors import Finding
from pvplanner.money.fiscal import TaxYears, tax_years
from pvplanner.money.measures import loan_instalments
from pvplanner.money.prices import (
    LOCAL_COSTS,
    Prices,
    export_price,
    other_prices,
    resolve_prices,
)
from pvplanner.money.reserve import Reserve, resolve_reserve
from pvplanner.money.rules import allowed_models
from pvplanner.money.tariff import Bills, find_bills
from pvplanner.reference.products import Product, find_module
from pvplanner.scenario import Cooperative, Developer, Event, Finance, Loan, Scenario
from pvplanner.scenario.calendar import Calendar

A_YEAR = {"monthly": 12, "quarterly": 4, "yearly": 1}
"""Instalments a year."""


@dataclass(frozen=True)
class Mechanism:
    """The price mechanism, where exports are paid by one.

    Attributes
    ----------
    share, price : float
        Share of the exports under it, and what it pays.
    years : int
    market : ndarray, shape (years,)
        What the rest earns, and all of it after the term.
    """

    share: float
    price: float
    years: int
    market: Array


@dataclass(frozen=True)
class Terms:
    """What the money of a case stands on; arrays have one value for each year of life.

    Attributes
    ----------
    case : str
        ``planned``, or the name of a stress.
    prices : Prices
    tariff : Bills or None
        What households pay for power; ``None`` where it is not known.
    product : Product
        The module.
    carbon : CarbonBasis
    finance, loan, cooperative, developer
        Sections of the scenario.
    left : ndarray, shape (years,)
        What wear leaves of the typical year's energy.
    curtailment : float
    connection_date : date
    market_hourly : list of float or None
        Worth of an export in each hour of the day over the market price.
    self_use_share : float or None
        A flat share used at home, in place of the simulation by the hour.
    rural_income : float or None
        Of the place, per head and year; ``None`` where it is not known.
    allowed : dict of str to tuple of str
        Business models that the rules of the date allow each class of project.
    mechanism : Mechanism or None
    reserve : Reserve
        What a collective keeps of its surplus.
    rent_known : bool
        Whether the rent is in the plan's currency.
    low_income_named : bool
        Whether what goes to members of low income alone is entered as theirs; in a public edition
        it is one sum.
    leased : bool
        Whether these are the terms of a plant on a roof that is let, which ends or changes hands
        with the lease.
    month_worth, hour_worth : float
        The market's price weighted by the months and hours of all that is made, over its mean.
    others : dict of str to Prices
        Of the price cases beside the planned one.
    settlement_delay_months : int
        From generation to the grid company's payment.
    battery_kwh, battery_cost, battery_life_years : float, float, int
        Of each home that has modules; per kWh.
    """

    case: str
    prices: Prices
    tariff: Bills | None
    product: Product
    carbon: CarbonBasis
    finance: Finance
    loan: Loan
    cooperative: Cooperative
    developer: Developer
    left: Array
    curtailment: float
    connection_date: dt.date
    market_hourly: list[float] | None
    self_use_share: float | None
    rural_income: float | None
    allowed: dict[str, tuple[str, ...]]
    mechanism: Mechanism | None
    reserve: Reserve
    rent_known: bool = True
    low_income_named: bool = True
    leased: bool = False
    month_worth: float = 1.0
    hour_worth: float = 1.0
    others: dict[str, Prices] = field(default_factory=dict)
    settlement_delay_months: int = 0
    battery_kwh: float = 0.0
    battery_cost: float = 0.0
    battery_life_years: int = 10

    def under_case(self, name: str) -> Terms:
        """These terms at the prices of another case; as they are where it has none of its own."""
        prices = self.others.get(name)
        if prices is None:
            return replace(self, case=name)
        return replace(self, case=name, prices=prices, mechanism=_mechanism(prices))

    @property
    def calendar(self) -> Calendar:
        """The plant's calendar years."""
        return Calendar(self.connection_date, self.years)

    @property
    def years(self) -> int:
        """Years of life."""
        return self.finance.life_years

    @property
    def known(self) -> float:
        """1, or nan where costs are not known in the place's money."""
        return 1.0 if self.prices.costs_known else float("nan")

    @cached_property
    def under_lease(self) -> np.ndarray:
        """1 in years of the lease, all of them where it is renewed or nothing is let; (years,)."""
        finance, year = self.finance, np.arange(1, self.years + 1)
        if not self.leased or finance.after_lease == "renewal":
            return np.ones(self.years)
        return (year <= finance.lease_term).astype(float)

    @property
    def there(self) -> np.ndarray:
        """1 in years in which the plant stands: one is taken down when its lease ends; (years,)."""
        gone = self.leased and self.finance.after_lease == "removal"
        return self.under_lease if gone else np.ones(self.years)

    @property
    def kept(self) -> np.ndarray:
        """Energy of each year over the typical year's: wear and curtailment taken off, and years
        after a lease at whose end the plant goes. What events take is the case's.
        """
        return self.left * self.there * (1 - self.curtailment)

    def with_shape(self, months: tuple[float, ...], hours: tuple[float, ...] = ()) -> Terms:
        """These terms with the market's price weighted by what comes in each month and hour."""
        out = self
        if months:
            worth = float(self.prices.worth_of_months(np.asarray(months)))
            out = replace(out, month_worth=worth)
        if hours and self.market_hourly is not None:
            own = float(np.asarray(hours) @ np.asarray(self.market_hourly))
            out = replace(out, hour_worth=own)
        return out

    @property
    def sale_price(self) -> np.ndarray:
        """What a kilowatt-hour earns where all is fed in, subsidy included; shape (years,)."""
        paid = export_price(self.prices, self.month_worth, self.hour_worth)
        return paid + np.asarray(self.prices.subsidy)

    def of_owner(self, owner: str) -> Terms:
        """The terms as they are for a plant of this owner."""
        if owner == "developer":
            return replace(self, leased=True)
        if owner == "collective" and self.loan_forbidden:
            return replace(self, loan=self.loan.model_copy(update={"share": 0.0}))
        return self

    @property
    def loan_forbidden(self) -> bool:
        """Whether a collective asks for a loan that it may not take."""
        finance = self.finance
        return finance.body == "collective" and not finance.may_borrow and self.loan.share > 0

    def holds(self, condition: str) -> bool:
        """Whether ``section.key`` is set, or ``section.key=value`` is so; of several, all."""
        return all(self._holds(one) for one in condition.split())

    def _holds(self, condition: str) -> bool:
        path, _, wanted = condition.partition("=")
        value: Any = self
        for name in path.split("."):
            value = getattr(value, name)
        return str(value) == wanted if wanted else bool(value)

    def rate(self, words: str) -> np.ndarray:
        """A rate of ``models.csv``: named ones and numbers, multiplied; ``1-x`` is what x leaves.

        Returns
        -------
        ndarray, shape (years,)
        """
        out = np.ones(self.years)
        for word in words.split("*"):
            word = word.strip()
            if word.replace(".", "", 1).isdigit():
                out = out * float(word)
            elif word.startswith("1-"):
                out = out * (1 - self.rates[word[2:]])
            else:
                out = out * self.rates[word]
        return out

    @cached_property
    def rates(self) -> dict[str, np.ndarray]:
        """Every rate by name, for each year of life (or, of what is paid at once, alike)."""
        from pvplanner.money.rates import all_rates

        return all_rates(self)

    @cached_property
    def instalments(self) -> dict[str, np.ndarray]:
        """Interest and principal of the bank's and the members' loans, by the month in which each
        falls due, over the loan; shape (calendar years, 12).

        The first falls due when its part of a year is over: that of a loan of the first of a month
        at that month's end.
        """
        loan, coop = self.loan, self.cooperative
        told = {
            "": (loan.rate, loan.years, loan.kind, A_YEAR[loan.instalments]),
            "member_": (coop.member_loan_rate, coop.member_loan_years, "equal_principal", 1),
        }
        out = {}
        for stem, (rate, years, kind, a_year) in told.items():
            both = loan_instalments(rate, years, kind, a_year)
            for item, paid in zip(("interest", "principal"), both, strict=True):
                out[stem + item] = self._by_month(paid, 12 // a_year)
        return out

    def _by_month(self, paid: np.ndarray, every: int) -> np.ndarray:
        """Payments that fall due every so many months, in a table of calendar months."""
        begin = self.connection_date
        first = begin.month - 1 - (1 if begin.day == 1 else 0)
        due = first + every * np.arange(1, len(paid) + 1)
        table = np.zeros(self.calendar.count * 12)
        inside = due < len(table)
        table[due[inside]] = paid[inside]
        return table.reshape(self.calendar.count, 12)

    @cached_property
    def taxes(self) -> TaxYears:
        """What tax law asks in each calendar year."""
        return tax_years(self.finance, self.calendar)

    def events(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Kind, cost and what the insurer covers of each event, per watt and year."""
        out: list[tuple[str, np.ndarray, np.ndarray]] = []
        for event in self.finance.events:
            if event.year <= self.years:
                when = np.arange(1, self.years + 1) == event.year
                covered = event.insured * max(event.cost_per_w - event.deductible_per_w, 0.0)
                out.append((event.kind, event.cost_per_w * when, covered * when))
        return out

    def stressed(self, name: str, change: dict[str, Any]) -> Terms:
        """These terms under a stress: a dotted key of the scenario to its value, as in a rerun."""
        out = replace(self, case=name)
        for key, value in change.items():
            if key == "tariff.price_factor":
                others = {case: prices.scaled(value) for case, prices in self.others.items()}
                return replace(out, prices=self.prices.scaled(value), others=others)
            if key == "grid.curtailment":
                return replace(out, curtailment=value)
            if key == "finance.events":
                events = [Event(**event) for event in value]
                return replace(out, finance=self.finance.model_copy(update={"events": events}))
            raise KeyError(key)
        return out

    def findings(self, province: str | None) -> list[Finding]:
        """What is not known of the money, and loan terms that do not fit."""
        found = []
        where = {"province": province or "-"}
        if not self.prices.costs_known:
            keys = {"keys": ", ".join(LOCAL_COSTS)}
            found.append(Finding("costs_unknown", "finance", params=keys))
        if "mechanism_price_auction" in self.prices.sources:
            price = self.prices.sources["mechanism_price_auction"].value
            won = {"price": f"{price:g}", "years": self.prices.mechanism_years}
            found.append(Finding("mechanism_won", "tariff", params=won))
        asked = self.prices.sources.get("mechanism_bid")
        if asked is not None and asked.value != self.prices.plain_bid:
            bid = {**where, "bid": f"{asked.value:g}", "paid": f"{self.prices.plain_bid:g}"}
            found.append(Finding("bid_outside", "tariff.mechanism_bid", params=bid))
        if self.prices.unknown:
            told = ", ".join(f"mechanism_{name}" for name in self.prices.unknown)
            found.append(Finding("mechanism_unknown", "tariff", params={**where, "parts": told}))
        if not np.isfinite(self.prices.export).all():
            found.append(Finding("tariff_unknown", "tariff", params=where))
        if "cooperative" in self.finance.models_used:
            found += self.reserve.findings(province)
        if not self.calendar.whole:
            begin = self.connection_date.year
            found.append(
                Finding(
                    "part_year",
                    "tariff.connection_date",
                    params={"begun": begin, "year": begin + 1},
                )
            )
        if self.carbon.factor is None:
            found.append(Finding("factor_unknown", "carbon", params=where))
        return found


def resolve_terms(
    scenario: Scenario, province: str | None, rural_income: float | None = None,
    area: str | None = None,
) -> Terms:  # fmt: skip
    """The terms of a place and scenario, as planned.

    Parameters
    ----------
    scenario : Scenario
        ``tariff``, ``finance``, ``loan``, ``cooperative``, ``developer``, ``carbon``,
        ``module.product``, ``grid.curtailment`` and ``demand.self_use_share`` are used.
    province : str or None
        ``None`` outside China.
    rural_income : float, optional
        Of the place, where it is packaged.
    """
    finance, tariff = scenario.finance, scenario.tariff
    prices = resolve_prices(scenario, province, area)
    stated = finance.rural_income_per_head
    return Terms(
        "planned", prices, find_bills(scenario, province), find_module(scenario.module.product),
        carbon_basis(scenario, province), finance, scenario.loan, scenario.cooperative,
        scenario.developer, remaining(scenario), scenario.grid.curtailment,
        tariff.connection_date, tariff.market_hourly, scenario.demand.self_use_share,
        stated if stated is not None else rural_income, allowed_models(tariff.connection_date),
        _mechanism(prices),
        resolve_reserve(scenario.cooperative.reserve_rate, province, finance.body),
        finance.rent_stated,
        others=other_prices(scenario, province, area),
        settlement_delay_months=tariff.settlement_delay_months,
        battery_kwh=scenario.demand.battery_kwh,
        battery_cost=scenario.demand.battery_cost_per_kwh or 0.0,
        battery_life_years=scenario.demand.battery_life_years,
    )  # fmt: skip


def _mechanism(prices: Prices) -> Mechanism | None:
    share = prices.sources.get("mechanism_share")
    if share is None or prices.market_alone is None:
        return None
    bid = float(prices.mechanism_price)
    if not (np.isfinite(bid) and np.isfinite(prices.market_alone).all()):
        return None
    return Mechanism(share.value, bid, prices.mechanism_years, np.asarray(prices.market_alone))


def rural_income(province: str | None) -> float | None:
    """The packaged rural disposable income per head of a province's places, the latest year."""
    known = [r for r in reference.rows("local_income") if r["province"] == province]
    return float(known[-1]["cny_per_head"]) if known else None
