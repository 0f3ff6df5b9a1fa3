"""Terms: all that money stands on, resolved once per place, scenario and case, and then asked.

Prices, the household tariff, costs, the loan, who may do what, the carbon factor, and where each
came from. Whoever needs a price asks its :class:`Terms`; nobody resolves one again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from pvplanner import reference
from pvplanner.arrays import Array
from pvplanner.carbon.factors import CarbonBasis, carbon_basis
from pvplanner.energy.wear import remaining
from pvplanner.errors import Finding
from pvplanner.money.measures import loan_schedule
from pvplanner.money.prices import LOCAL_COSTS, Prices, resolve_prices
from pvplanner.money.reserve import Reserve, resolve_reserve
from pvplanner.money.rules import allowed_models
from pvplanner.money.tariff import Bills, find_bills
from pvplanner.reference.products import Product, find_module
from pvplanner.scenario import Cooperative, Developer, Event, Finance, Loan, Scenario


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

    @property
    def years(self) -> int:
        """Years of life."""
        return self.finance.life_years

    @property
    def known(self) -> float:
        """1, or nan where costs are not known in the place's money."""
        return 1.0 if self.prices.costs_known else float("nan")

    @property
    def running(self) -> np.ndarray:
        """Share of each year in which the modules run: outages taken off."""
        part = np.ones(self.years)
        for event in self.finance.events:
            if event.year <= self.years:
                part[event.year - 1] -= event.outage_months / 12
        return np.maximum(part, 0)

    @property
    def kept(self) -> np.ndarray:
        """Energy of each year over the typical year's: wear, outages and curtailment taken off."""
        return self.left * self.running * (1 - self.curtailment)

    def holds(self, condition: str) -> bool:
        """Whether ``section.key`` is set, or ``section.key=value`` is so."""
        if not condition:
            return True
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
        finance, years = self.finance, self.years
        year = np.arange(1, years + 1)
        grown = (1 + finance.cost_growth) ** (year - 1)
        # Nobody buys an inverter for the last years of a plant.
        least = reference.constant("inverter_worth").value
        worth = max(least * finance.inverter_life_years, 1)
        due = (year % finance.inverter_life_years == 0) & (years - year >= worth)
        interest, principal = loan_schedule(
            np.ones(1), self.loan.rate, self.loan.years, self.loan.kind
        )
        pad = max(years - self.loan.years, 0)
        flat = {
            "capex_per_w": finance.capex_per_w * self.known,
            "self_use_price": self.prices.self_use,
            "rent_once": finance.rent_once,
            "discount": self.developer.discount,
            "export_share": self.developer.export_share,
            "loan_share": self.loan.share,
            "grant": self.cooperative.grant,
            "tax_rate": finance.tax_rate,
            "reserve_rate": self.reserve.rate,
        }
        return {
            **{name: np.full(years, value) for name, value in flat.items()},
            "vat_rate": self._vat_rate(),
            "sale_price": self.prices.export + self.prices.subsidy,
            "price_fixed": np.asarray(self.prices.fixed),
            "price_market": np.asarray(self.prices.market),
            "subsidy": np.asarray(self.prices.subsidy),
            "running_per_w": finance.opex_per_w_year * self.known * grown,
            "insurance_per_w": finance.insurance_per_w_year * grown,
            "inverter_per_w": finance.inverter_cost_per_w * due,
            "interest": np.pad(interest[0], (0, pad))[:years],
            "principal": np.pad(principal[0], (0, pad))[:years],
            "rent": self._rent(year),
            **{f"{name}_per_w": sum_ for name, sum_ in self._event_sums().items()},
        }

    def _vat_rate(self) -> np.ndarray:
        """The reduced rate to its end, which is that of the threshold, then the Law's."""
        finance = self.finance
        later = max(finance.vat_rate_after, finance.vat_rate) if finance.vat_rate > 0 else 0.0
        return np.where(self.vat_free, finance.vat_rate, later)

    def _rent(self, year: np.ndarray) -> np.ndarray:
        finance = self.finance
        let = (year <= finance.lease_years) | finance.lease_renewed
        # Where no price is known the default rent in yuan means nothing either.
        priced = self.rent_known and np.isfinite(self.prices.export).all()
        known = self.known if priced else np.nan
        grown = (1 + finance.rent_growth) ** (np.minimum(year, finance.lease_years) - 1)
        return finance.rent * known * grown * let

    def events(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Kind, cost and what the insurer covers of each event, per watt and year."""
        out: list[tuple[str, np.ndarray, np.ndarray]] = []
        for event in self.finance.events:
            if event.year <= self.years:
                when = np.arange(1, self.years + 1) == event.year
                covered = event.insured * max(event.cost_per_w - event.deductible_per_w, 0.0)
                out.append((event.kind, event.cost_per_w * when, covered * when))
        return out

    def _event_sums(self) -> dict[str, np.ndarray]:
        nothing = np.zeros(self.years)
        cost = sum((cost for _, cost, _ in self.events()), nothing)
        return {"event_cost": cost, "event_insured": sum((i for _, _, i in self.events()), nothing)}

    @property
    def vat_free(self) -> np.ndarray:
        """Years in which sales below the threshold bear no VAT."""
        begin, until = self.connection_date, self.finance.vat_free_until
        return np.array(
            [dt.date(min(begin.year + n, 9999), begin.month, 1) <= until
             for n in range(1, self.years + 1)]
        )  # fmt: skip

    def stressed(self, name: str, change: dict[str, Any]) -> Terms:
        """These terms under a stress: a dotted key of the scenario to its value, as in a rerun."""
        out = replace(self, case=name)
        for key, value in change.items():
            if key == "tariff.price_factor":
                return replace(out, prices=self.prices.scaled(value))
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
        if self.prices.unknown:
            told = ", ".join(f"mechanism_{name}" for name in self.prices.unknown)
            found.append(Finding("mechanism_unknown", "tariff", params={**where, "parts": told}))
        if not np.isfinite(self.prices.export).all():
            found.append(Finding("tariff_unknown", "tariff", params=where))
        if "cooperative" in self.finance.models_used:
            found += self.reserve.findings(province)
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
        _mechanism(scenario, prices),
        resolve_reserve(scenario.cooperative.reserve_rate, province), finance.rent_stated,
    )  # fmt: skip


def _mechanism(scenario: Scenario, prices: Prices) -> Mechanism | None:
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
