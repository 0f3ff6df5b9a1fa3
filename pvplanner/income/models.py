"""Business models: each a small class that writes its payments into a ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from pvplanner.demand import at_scale
from pvplanner.energy.wear import remaining
from pvplanner.income.ledger import Ledger, divide_fen
from pvplanner.income.measures import loan_schedule
from pvplanner.income.prices import Prices
from pvplanner.scenario import Scenario


@dataclass(frozen=True)
class Case:
    """What all models of a plan stand on; shapes are (households,) and (households, years).

    Attributes
    ----------
    households : DataFrame
        ``energy_kwh``, ``capacity_kwp``, ``modules``, ``consumption_kwh``, ``low_income``.
    demand : DataFrame
        As from :func:`pvplanner.demand.simulate_demand`, on the same rows.
    prices : Prices
    scenario : Scenario
    ratio : ndarray, shape (households,)
        Energy over the expected one: 1, or P90 over P50.
    module_area_m2 : float
    """

    households: pd.DataFrame
    demand: pd.DataFrame
    prices: Prices
    scenario: Scenario
    ratio: np.ndarray
    module_area_m2: float

    @property
    def count(self) -> int:
        """Number of households."""
        return len(self.households)

    @property
    def years(self) -> int:
        """Years of life."""
        return self.scenario.finance.life_years

    @cached_property
    def watts(self) -> np.ndarray:
        """Capacity, W."""
        return self.households["capacity_kwp"].to_numpy(dtype=float) * 1000

    @cached_property
    def made(self) -> np.ndarray:
        """Generation of each year, kWh: wear, outages and the ratio included."""
        energy = self.households["energy_kwh"].to_numpy(dtype=float) * self.ratio
        taken = 1 - self.scenario.grid.curtailment
        return energy[:, None] * remaining(self.scenario) * self.running_part * taken

    @cached_property
    def running_part(self) -> np.ndarray:
        """Share of each year in which the modules run: outages taken off."""
        part = np.ones(self.years)
        for event in self.scenario.finance.events:
            if event.year <= self.years:
                part[event.year - 1] -= event.outage_months / 12
        return np.maximum(part, 0)

    @cached_property
    def scale(self) -> np.ndarray:
        """Generation over the first year's expected one."""
        left = remaining(self.scenario)
        taken = 1 - self.scenario.grid.curtailment
        return self.ratio[:, None] * (left / left[0]) * self.running_part * taken

    @cached_property
    def self_used(self) -> np.ndarray:
        """Used at home, kWh; by the hour, or by the scenario's flat share."""
        share = self.scenario.demand.self_use_share
        if share is not None:
            use = self.households["consumption_kwh"].to_numpy(dtype=float)[:, None]
            return np.fmin(share * self.made, use)
        used = at_scale(self.demand, "self_used_kwh", self.scale, np.zeros(self.count))
        return np.clip(used, 0, self.made)

    @cached_property
    def exported(self) -> np.ndarray:
        """Sold beyond own use, kWh."""
        if self.scenario.demand.self_use_share is not None:
            return self.made - self.self_used
        lost = at_scale(self.demand, "battery_loss_kwh", self.scale, np.zeros(self.count))
        return np.maximum(self.made - self.self_used - np.maximum(lost, 0), 0)

    @cached_property
    def saved(self) -> np.ndarray:
        """Bill before less bill after, yuan."""
        if self.scenario.demand.self_use_share is not None:
            return self.self_used * self.prices.self_use
        before = self.demand["bill_before"].to_numpy(dtype=float)
        after = at_scale(self.demand, "bill_after", self.scale, before)
        return np.where(self.watts[:, None] > 0, before[:, None] - after, 0.0)

    @cached_property
    def worth(self) -> np.ndarray:
        """Hours of the surplus over all hours at the market, by household; 1 without a shape."""
        sent = self.demand["export_kwh_0"].to_numpy(dtype=float)
        worth = self.demand["export_worth_kwh_0"].to_numpy(dtype=float)
        return np.divide(worth, sent, out=np.ones(self.count), where=sent > 0)

    def full_feed_in(self) -> np.ndarray:
        """Revenue of selling everything."""
        return self.made * (self.prices.export + self.prices.subsidy)

    def surplus(self) -> np.ndarray:
        """Revenue of what is sold beyond own use, and the subsidy on all that is made."""
        price = self.prices.fixed + np.outer(self.worth, self.prices.market)
        return self.exported * price + self.made * self.prices.subsidy

    def growth(self, rate: float) -> np.ndarray:
        """``(1 + rate) ** (year - 1)``."""
        return (1 + rate) ** np.arange(self.years)

    @cached_property
    def member(self) -> np.ndarray:
        """Households of the ledger, with modules or without; without a ledger those with modules.

        A hall that stands for itself is the collective's own and no member.
        """
        own = self.households.get("own_building")
        if own is None or own.astype(bool).all():
            return self.watts > 0
        return ~own.to_numpy(dtype=bool)

    @property
    def known(self) -> float:
        """1, or nan where costs are not known in the place's money."""
        return 1.0 if self.prices.costs_known else float("nan")

    @cached_property
    def capital(self) -> np.ndarray:
        """Yuan before the first year."""
        return self.watts * self.scenario.finance.capex_per_w * self.known

    def rent(self) -> np.ndarray:
        """Roof rent of each year of the lease."""
        finance = self.scenario.finance
        modules = self.households["modules"].to_numpy(dtype=float)
        basis = {
            "module": modules,
            "m2": modules * self.module_area_m2,
            "kwp": self.watts / 1000,
            "lump": (self.watts > 0).astype(float),
        }[finance.rent_basis]
        year = np.arange(1, self.years + 1)
        let = (year <= finance.lease_years) | finance.lease_renewed
        # Where no price is known the default rent in yuan means nothing either.
        known = self.known if np.isfinite(self.prices.export).all() else np.nan
        grown = self.growth(finance.rent_growth)[np.minimum(year, finance.lease_years) - 1]
        return np.outer(basis * finance.rent * known, grown * let)

    def rent_once(self) -> np.ndarray:
        """Paid with the first year's rent, at the beginning."""
        return self.households["modules"].to_numpy(dtype=float) * self.scenario.finance.rent_once


class Model(Protocol):
    """A business model: who invests, and what is paid."""

    name: ClassVar[str]
    owner: ClassVar[str]

    def write(self, case: Case, ledger: Ledger) -> None:
        """Enter the payments of every household."""


def _own(case: Case, ledger: Ledger, owner: str, capital: np.ndarray) -> None:
    """What the owner of the modules pays: capital, loan, running, inverters, events."""
    ledger.pay("capital", owner, "supplier", capital, at_once=True)
    _borrow(case, ledger, owner, capital)
    for item, payee, yuan in running_costs(case):
        ledger.pay(item, owner, payee, yuan)
    for item, cost, covered in event_costs(case):
        ledger.pay(item, owner, "supplier", cost)
        ledger.pay(f"{item}_insured", "insurer", owner, covered)


def _borrow(case: Case, ledger: Ledger, owner: str, capital: np.ndarray) -> np.ndarray:
    """A loan on the capital; returns the debt service, shape (households, years)."""
    loan = case.scenario.loan
    service = np.zeros((len(capital), case.years))
    if loan.share > 0:
        principal = np.rint(capital * loan.share * 100) / 100
        ledger.pay("loan", "bank", owner, principal, at_once=True)
        interest, paid = loan_schedule(principal, loan.rate, loan.years, loan.kind)
        pad = ((0, 0), (0, case.years - loan.years))
        service += ledger.pay("interest", owner, "bank", np.pad(interest, pad))
        service += ledger.pay("principal", owner, "bank", np.pad(_whole_fen(paid), pad))
    return service


def _whole_fen(paid: np.ndarray) -> np.ndarray:
    """Repayments in whole fen that sum to the principal."""
    total = np.rint(np.cumsum(paid, axis=1) * 100)
    return np.diff(total, axis=1, prepend=0) / 100


def running_costs(case: Case) -> list[tuple[str, str, np.ndarray]]:
    """Item, payee and yuan (households, years) of running, insurance and new inverters."""
    finance = case.scenario.finance
    grown = case.growth(finance.cost_growth)
    year = np.arange(1, case.years + 1)
    due = (year % finance.inverter_life_years == 0) & (year < case.years)
    return [
        ("running", "operator", np.outer(case.watts * finance.opex_per_w_year * case.known, grown)),
        ("insurance", "insurer", np.outer(case.watts * finance.insurance_per_w_year, grown)),
        ("inverter", "supplier", np.outer(case.watts * finance.inverter_cost_per_w, due)),
    ]


def event_costs(case: Case) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Kind, cost and what the insurer covers of each event, yuan (households, years)."""
    out: list[tuple[str, np.ndarray, np.ndarray]] = []
    for event in case.scenario.finance.events:
        if event.year > case.years:
            continue
        when = np.arange(1, case.years + 1) == event.year
        covered = event.insured * max(event.cost_per_w - event.deductible_per_w, 0.0)
        out.append(
            (
                event.kind,
                np.outer(case.watts * event.cost_per_w, when),
                np.outer(case.watts * covered, when),
            )
        )
    return out


class SelfInvest:
    """The household invests and sells everything."""

    name: ClassVar[str] = "self_invest"
    owner: ClassVar[str] = "household"

    def write(self, case: Case, ledger: Ledger) -> None:
        """Enter the payments of every household."""
        _own(case, ledger, self.owner, case.capital)
        ledger.pay("feed_in", "grid_company", "household", case.full_feed_in())


class SelfUse:
    """The household invests, uses its power and sells the surplus."""

    name: ClassVar[str] = "self_use"
    owner: ClassVar[str] = "household"

    def write(self, case: Case, ledger: Ledger) -> None:
        """Enter the payments of every household."""
        _own(case, ledger, self.owner, case.capital)
        ledger.pay("bill_saved", "grid_company", "household", case.saved)
        ledger.pay("surplus", "grid_company", "household", case.surplus())


class RoofLease:
    """The household lets its roof to a developer, who sells everything."""

    name: ClassVar[str] = "roof_lease"
    owner: ClassVar[str] = "developer"

    def write(self, case: Case, ledger: Ledger) -> None:
        """Enter the payments of every household."""
        _own(case, ledger, self.owner, case.capital)
        ledger.pay("feed_in", "grid_company", "developer", case.full_feed_in())
        ledger.pay("rent_once", "developer", "household", case.rent_once(), at_once=True)
        ledger.pay("rent", "developer", "household", case.rent())


class Developer:
    """A developer invests; the household gets a discount, rent and a share of the export."""

    name: ClassVar[str] = "developer"
    owner: ClassVar[str] = "developer"

    def write(self, case: Case, ledger: Ledger) -> None:
        """Enter the payments of every household."""
        terms = case.scenario.developer
        _own(case, ledger, self.owner, case.capital)
        saved = ledger.pay("bill_saved", "grid_company", "household", case.saved)
        ledger.pay("power", "household", "developer", saved * (1 - terms.discount))
        surplus = ledger.pay("surplus", "grid_company", "developer", case.surplus())
        ledger.pay("export_share", "developer", "household", surplus * terms.export_share)
        if terms.pays_rent:
            ledger.pay("rent_once", "developer", "household", case.rent_once(), at_once=True)
            ledger.pay("rent", "developer", "household", case.rent())


class Cooperative:
    """The collective invests and distributes in the lawful order.

    Costs, tax, debt and prior losses first, then the public reserve, then dividends to members
    (cooperative law of 2024). A deficit is met from the reserve, then carried forward.
    """

    name: ClassVar[str] = "cooperative"
    owner: ClassVar[str] = "collective"

    def write(self, case: Case, ledger: Ledger) -> None:
        """Enter the payments of every household."""
        terms = case.scenario.cooperative
        capital = case.capital.sum(keepdims=True)
        grant = min(terms.grant, float(capital[0])) if np.isfinite(capital[0]) else np.nan
        ledger.pay("capital", "collective", "supplier", capital[0], at_once=True)
        ledger.pay("grant", "state", "collective", np.asarray(grant), at_once=True)
        service = _borrow_collective(case, ledger, capital - grant)
        income = ledger.pay("feed_in", "grid_company", "collective", self._sales(case).sum(axis=0))
        if terms.mode == "self_use":
            saved = ledger.pay("bill_saved", "grid_company", "household", case.saved)
            income = income + ledger.pay("power", "household", "collective", saved).sum(axis=0)
        costs = self._costs(case, ledger)
        vat = ledger.pay("vat", "collective", "state", value_added_tax(income, case.scenario))
        profit = income - costs - vat - float(capital[0]) / case.years
        tax = np.maximum(profit, 0) * case.scenario.finance.tax_rate
        tax = ledger.pay("tax", "collective", "state", tax)
        self._distribute(case, ledger, income - costs - vat - tax - service)
        ledger.balances["available"] = income - costs - vat - tax
        ledger.balances["service"] = service

    def _sales(self, case: Case) -> np.ndarray:
        full = case.scenario.cooperative.mode == "full_feed_in"
        return case.full_feed_in() if full else case.surplus()

    def _costs(self, case: Case, ledger: Ledger) -> np.ndarray:
        """Everything the collective pays in a year before tax and debt."""
        terms, total = case.scenario.cooperative, np.zeros(case.years)
        for item, payee, yuan in running_costs(case):
            total = total + ledger.pay(item, "collective", payee, yuan.sum(axis=0))
        for item, cost, covered in event_costs(case):
            total = total + ledger.pay(item, "collective", "supplier", cost.sum(axis=0))
            total = total - ledger.pay(
                f"{item}_insured", "insurer", "collective", covered.sum(axis=0)
            )
        if terms.pays_rent:
            ledger.pay("rent_once", "collective", "household", case.rent_once(), at_once=True)
            total = total + ledger.pay("rent", "collective", "household", case.rent()).sum(axis=0)
        free = ledger.pay("free_kwh", terms.free_kwh_paid_by, "household", self._free(case))
        return total + (free.sum(axis=0) if terms.free_kwh_paid_by == "collective" else 0.0)

    def _free(self, case: Case) -> np.ndarray:
        """Worth of the free power of each member, at most what it uses."""
        free = case.scenario.cooperative.free_kwh_per_month * 12
        if free == 0:
            return np.zeros((case.count, case.years))
        use = case.households["consumption_kwh"].to_numpy(dtype=float)
        kwh = np.where(case.member, np.fmin(free, use), 0.0)
        return np.repeat((kwh * case.prices.self_use)[:, None], case.years, axis=1)

    def _distribute(self, case: Case, ledger: Ledger, left: np.ndarray) -> None:
        """Balances that roll forward; what is left after the reserve goes to the members."""
        if not np.isfinite(left).all():
            unknown = np.full((case.count, case.years), np.nan)
            ledger.pay("dividend", "collective", "household", unknown)
            return
        cash = reserve = 0.0
        dividend = np.zeros(case.years)
        cash_at_end, reserve_at_end = np.zeros(case.years), np.zeros(case.years)
        for year in range(case.years):
            cash += left[year]
            if cash < 0:
                drawn = min(reserve, -cash)
                reserve, cash = reserve - drawn, cash + drawn
            if cash > 0:
                kept = np.rint(cash * case.scenario.cooperative.reserve_rate * 100) / 100
                reserve += kept
                dividend[year] = np.floor((cash - kept) * 100 + 1e-6)
                cash -= kept + dividend[year] / 100
            cash_at_end[year], reserve_at_end[year] = cash, reserve
        parts = sum(divide_fen(fen, weight) for fen, weight in _dividend_parts(case, dividend))
        ledger.pay("dividend", "collective", "household", np.asarray(parts) / 100)
        ledger.balances["cash"], ledger.balances["reserve"] = cash_at_end, reserve_at_end


def _borrow_collective(case: Case, ledger: Ledger, capital: np.ndarray) -> np.ndarray:
    """The collective's own loan; returns the debt service, shape (years,)."""
    own = Ledger(1, case.years)
    service = _borrow(case, own, "collective", capital)
    for flow in own.flows:
        ledger.flows.append(type(flow)(flow.item, flow.payer, flow.payee, flow.fen[0]))
    return service[0]


def _dividend_parts(case: Case, dividend: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fen and weights: low-income members, all members alike, the rest by capacity."""
    terms = case.scenario.cooperative
    member = case.member.astype(float)
    low = case.households["low_income"].eq(True).fillna(False).to_numpy(dtype=float) * member
    to_low = np.floor(dividend * terms.low_income_share) if low.any() else np.zeros_like(dividend)
    alike = np.floor(dividend * terms.equal_share)
    return [(to_low, low), (alike, member), (dividend - to_low - alike, case.watts * member)]


def value_added_tax(sales: np.ndarray, scenario: Scenario) -> np.ndarray:
    """VAT of a small taxpayer on yearly sales.

    Free up to a monthly threshold until the rule's end (100,000 yuan to the end of 2027,
    unverified); above it, or after, the reduced rate on all sales.
    """
    finance = scenario.finance
    begin = scenario.tariff.connection_date
    ends = np.array(
        [dt.date(min(begin.year + n, 9999), begin.month, 1) for n in range(1, len(sales) + 1)]
    )
    free = (sales / 12 <= finance.vat_free_per_month) & (ends <= finance.vat_free_until)
    return np.where(free, 0.0, sales * finance.vat_rate)


ALL: tuple[Model, ...] = (SelfInvest(), SelfUse(), RoofLease(), Cooperative(), Developer())
"""Every business model, in the order in which they are shown."""
