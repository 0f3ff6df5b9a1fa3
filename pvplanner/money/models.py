"""Business models as data: the rows of ``reference/models.csv`` written into a ledger.

A payment is a quantity times a rate, at once or every year, from one party to another. What is no
product has a rule of the closed list :data:`pvplanner.money.payments.RULES`; the page has the same
list, and both run the same golden vectors (``reference/rules.json``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.demand import at_scale, by_slot, export_worth
from pvplanner.money import events
from pvplanner.money.ledger import Ledger
from pvplanner.money.prices import export_price
from pvplanner.money.terms import Terms
from pvplanner.scenario.calendar import Calendar

HOUSEHOLD, COLLECTIVE, DEVELOPER = "household", "collective", "developer"


@dataclass(frozen=True)
class Case:
    """Households under some terms; shapes are (households,) and (households, years).

    Attributes
    ----------
    people : DataFrame
        ``energy_kwh``, ``capacity_kwp``, ``modules``, ``consumption_kwh``, ``low_income``,
        ``own_building``.
    demand, bills : DataFrame
        As from :func:`pvplanner.demand.simulate_demand` and
        :func:`pvplanner.money.household_bills`, on the same rows.
    terms : Terms
    ratio : ndarray, shape (households,)
        Energy over the expected one: 1, or P90 over P50.
    use_ratio : ndarray, shape (households,), optional
        Self-use over the expected one at that energy; 1 if not given.
    months : tuple of float
        Share of a year's generation in each month; by their days if not given.
    """

    people: pd.DataFrame
    demand: pd.DataFrame
    bills: pd.DataFrame
    terms: Terms
    ratio: np.ndarray
    use_ratio: np.ndarray | None = None
    months: tuple[float, ...] = ()

    @classmethod
    def planned(
        cls, people: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame, terms: Terms,
        months: tuple[float, ...] = (), hours: tuple[float, ...] = (),
    ) -> Case:  # fmt: skip
        """The case in which every household makes what is expected.

        ``months`` and ``hours`` are what of all that is made comes in each month, and in each hour
        of the day where prices go by it.
        """
        terms = terms.with_shape(months, hours)
        return cls(people, demand, bills, terms, np.ones(len(people)), months=months)

    def part(self, rows: np.ndarray) -> Case:
        """Some of the households, by position."""
        return Case(
            self.people.iloc[rows], self.demand.iloc[rows], self.bills.iloc[rows], self.terms,
            self.ratio[rows], None if self.use_ratio is None else self.use_ratio[rows], self.months,
        )  # fmt: skip

    def of_owner(self, owner: str) -> Case:
        """The case as it is for a plant of this owner."""
        if owner == DEVELOPER:
            return self._leased
        return self._together if owner == COLLECTIVE else self

    @cached_property
    def _leased(self) -> Case:
        return replace(self, terms=self.terms.of_owner(DEVELOPER))

    @cached_property
    def _together(self) -> Case:
        terms = self.terms.of_owner(COLLECTIVE)
        return self if terms is self.terms else replace(self, terms=terms)

    def _used(self, values: np.ndarray) -> np.ndarray:
        """What hangs on self-use, as the case has it."""
        return values if self.use_ratio is None else values * self.use_ratio[:, None]

    @property
    def count(self) -> int:
        """Number of households."""
        return len(self.people)

    @cached_property
    def persons(self) -> np.ndarray:
        """1 for households, 0 for halls and other buildings that stand for themselves."""
        own = self.people["own_building"].to_numpy(dtype=bool)
        kinds = self.people["project_class"].astype(str) == "general_commercial"
        return np.where(own & kinds.to_numpy(), 0.0, 1.0)

    @property
    def years(self) -> int:
        """Years of life."""
        return self.terms.years

    @cached_property
    def calendar(self) -> Calendar:
        """The plant's calendar years."""
        return Calendar(self.terms.connection_date, self.years, self.months)

    @cached_property
    def hits(self) -> list[np.ndarray]:
        """Part of each household's capacity that each event hits; shape (households,)."""
        return events.hits_of(self.terms.finance.events, self.people)

    @cached_property
    def standing(self) -> np.ndarray:
        """Part of each household's modules that stands in each year: what is demolished is gone;
        shape (households or 1, years).
        """
        return events.left_of(self.terms.finance.events, self.hits, self.years, events.gone)

    @cached_property
    def on(self) -> np.ndarray:
        """Part of each year in which each household's modules run; (households or 1, years)."""
        return events.left_of(self.terms.finance.events, self.hits, self.years, events.lost)

    @cached_property
    def watts(self) -> np.ndarray:
        """Capacity, W."""
        return self.people["capacity_kwp"].to_numpy(dtype=float) * 1000

    @cached_property
    def modules(self) -> np.ndarray:
        """Number of modules; a part where a roof is shared."""
        return self.people["modules"].to_numpy(dtype=float)

    @cached_property
    def made(self) -> np.ndarray:
        """Generation of each year, kWh: wear, outages, curtailment and the ratio included."""
        energy = self.people["energy_kwh"].to_numpy(dtype=float) * self.ratio
        return energy[:, None] * (self.terms.kept * self.on) * self.let_through[:, None]

    @cached_property
    def let_through(self) -> np.ndarray:
        """Part of the generation that limits of the grid leave; shape (households,)."""
        return let_through(self.people)

    @cached_property
    def scale(self) -> np.ndarray:
        """Generation over the first year's expected one."""
        return self.ratio[:, None] * (self.terms.kept * self.on / self.terms.left[0])

    @cached_property
    def self_used(self) -> np.ndarray:
        """Used at home, kWh; by the hour, or by the scenario's flat share."""
        share = self.terms.self_use_share
        if share is not None:
            use = self.people["consumption_kwh"].to_numpy(dtype=float)[:, None]
            return self._used(np.fmin(share * self.made, use))
        used = at_scale(self.demand, "self_used_kwh", self.scale, np.zeros(self.count))
        return self._used(np.clip(used, 0, self.made))

    @cached_property
    def exported(self) -> np.ndarray:
        """Sold beyond own use, kWh."""
        if self.terms.self_use_share is not None:
            return self.made - self.self_used
        lost = at_scale(self.demand, "battery_loss_kwh", self.scale, np.zeros(self.count))
        return np.maximum(self.made - self.self_used - np.maximum(lost, 0), 0)

    @cached_property
    def bill_difference(self) -> np.ndarray:
        """Bill before less bill after."""
        if self.terms.self_use_share is not None:
            return self.self_used * self.terms.prices.self_use
        before = self.bills["bill_before"].to_numpy(dtype=float)
        after = at_scale(self.bills, "bill_after", self.scale, before)
        return self._used(np.where(self.watts[:, None] > 0, before[:, None] - after, 0.0))

    @cached_property
    def worth(self) -> np.ndarray:
        """Hours of the surplus over all hours at the market, by household; 1 without a shape."""
        return export_worth(self.demand, self.terms.market_hourly)

    @cached_property
    def month_worth(self) -> np.ndarray:
        """Months of the surplus over the mean of months at the market, by household."""
        months = np.asarray(self.months) if self.months else np.full(12, 1 / 12)
        if not self.terms.prices.by_month:
            return np.ones(self.count)
        made = np.outer(self.people["energy_kwh"].to_numpy(dtype=float), months)
        if "self_used_kwh_0_01" in self.demand or "self_used_kwh_0_01_p0" in self.demand:
            used = by_slot(self.demand, "self_used_kwh_0").sum(axis=2)
            made = np.maximum(made * self.terms.left[0] - used, 0.0)
        whole = made.sum(axis=1, keepdims=True)
        share = np.divide(made, whole, out=np.zeros_like(made), where=whole > 0)
        return self.terms.prices.worth_of_months(share)

    @cached_property
    def surplus_sales(self) -> np.ndarray:
        """Revenue of what is sold beyond own use, and the subsidy on all that is made."""
        prices = self.terms.prices
        price = export_price(prices, self.month_worth, self.worth)
        return self.exported * price + self.made * np.asarray(prices.subsidy)

    @cached_property
    def member(self) -> np.ndarray:
        """Households of the ledger, with modules or without; without a ledger those with modules.

        A hall that stands for itself is the collective's own and no member.
        """
        own = self.people["own_building"].to_numpy(dtype=bool)
        return self.watts > 0 if own.all() else ~own

    @cached_property
    def poor(self) -> np.ndarray:
        """Members that the ledger marks as of low income."""
        low = self.people["low_income"].eq(True).fillna(False).to_numpy(dtype=bool)
        return low & self.member

    @cached_property
    def standing_watts(self) -> np.ndarray:
        """Capacity that stands in each year, W."""
        return self.watts[:, None] * self.standing

    @cached_property
    def let_units(self) -> np.ndarray:
        """What rent is paid for in each year: nothing for roofs that are gone (art. 729)."""
        return self.rent_units[:, None] * self.standing

    @cached_property
    def class_grant(self) -> np.ndarray:
        """Grant to whoever builds, by the class of each household's building."""
        by_class = self.terms.finance.grant_per_w
        if not by_class:
            return np.zeros(self.count)
        kinds = self.people["project_class"].astype(str)
        per_w = {str(kind): by_class.get(kind, 0.0) for kind in kinds.unique()}
        return np.minimum(self.watts * kinds.map(per_w).to_numpy(dtype=float), self.capital)

    @cached_property
    def battery(self) -> np.ndarray:
        """Battery of each home that has modules, kWh."""
        return np.where(self.watts > 0, self.terms.battery_kwh, 0.0)

    @cached_property
    def members_capital(self) -> np.ndarray:
        """Cost of the modules on the roofs of members, who may lend a part of it."""
        return np.where(self.member, self.capital, 0.0)

    @cached_property
    def rent_units(self) -> np.ndarray:
        """What rent is paid for: modules, their area, kWp, or the roof."""
        basis = self.terms.finance.rent_basis
        by = {
            "module": self.modules,
            "m2": self.modules * self.terms.product.area_m2,
            "kwp": self.watts / 1000,
            "lump": (self.watts > 0).astype(float),
        }
        return by[basis]

    @cached_property
    def free_kwh(self) -> np.ndarray:
        """Free power of each member, at most what it uses."""
        free = self.terms.cooperative.free_kwh_per_month * 12
        use = self.people["consumption_kwh"].to_numpy(dtype=float)
        return np.where(self.member, np.fmin(free, use), 0.0)

    @cached_property
    def capital(self) -> np.ndarray:
        """Cost of the modules, whoever pays it."""
        return self.watts * self.terms.rate("capex_per_w")[0]


QUANTITIES: dict[str, Callable[[Case], np.ndarray]] = {
    "watts": lambda case: case.watts,
    "standing": lambda case: case.standing_watts,
    "let_units": lambda case: case.let_units,
    "battery": lambda case: case.battery,
    "class_grant": lambda case: case.class_grant,
    "members_capital": lambda case: case.members_capital,
    "modules": lambda case: case.modules,
    "rent_units": lambda case: case.rent_units,
    "free_kwh": lambda case: case.free_kwh,
    "made": lambda case: case.made,
    "self_used": lambda case: case.self_used,
    "exported": lambda case: case.exported,
    "bill_difference": lambda case: case.bill_difference,
    "surplus_sales": lambda case: case.surplus_sales,
    "capital": lambda case: case.capital,
}
"""What a payment may be reckoned on; or the item of a payment that was entered before."""

GENERATED = ("made", "self_used", "exported", "bill_difference", "surplus_sales")
"""Quantities that come in as the sun does; the others by days."""


@dataclass(frozen=True)
class Payment:
    """A row of ``models.csv``; source, year and certainty say where the row is from."""

    model: str
    item: str
    payer: str
    payee: str
    quantity: str
    rate: str
    when: str
    rule: str
    only: str
    source: str
    year: str
    certainty: str


@cache
def payments_of(model: str) -> tuple[Payment, ...]:
    """Rows of a model in the order in which they are entered; the owner's costs after its capital.

    Raises
    ------
    KeyError
        If there is no such model.
    """
    rows = [Payment(**row) for row in reference.rows("models")]
    own = [row for row in rows if row.model == model]
    if not own:
        raise KeyError(model)
    owner = owner_of(model)
    named = {"owner": owner}
    shared = [
        replace(r, model=model, payer=named.get(r.payer, r.payer),
                payee=named.get(r.payee, r.payee))
        for r in rows if r.model == "each"
    ]  # fmt: skip
    every = (*shared, *own)
    begin = [row for item in _PAYS_FOR_IT for row in every if row.item == item]
    rest = [row for row in every if row not in begin]
    last = [row for row in rest if row.rule in _LAST]
    return (*begin, *(row for row in rest if row not in last), *last)


_PAYS_FOR_IT = ("capital", "class_grant", "grant", "member_loan", "loan")
"""A plant and what pays for it: each at most what those before it leave."""

_LAST = ("person_vat", "person_tax", "hall_tax", "rent_tax", "vat", "surcharge", "profit_tax",
         "distribution", "dividend_tax")  # fmt: skip
"""Rules that look at all that was entered before."""


@cache
def owner_of(model: str) -> str:
    """Who pays for the modules."""
    return next(
        row["payer"] for row in reference.rows("models")
        if row["model"] == model and row["item"] == "capital"
    )  # fmt: skip


def run_model(case: Case, model: str) -> Ledger:
    """Write the ledger of a business model for all households of a case."""
    from pvplanner.money.payments import RULES, enter

    owner = owner_of(model)
    mine = case.of_owner(owner)
    ledger = Ledger(mine.count, mine.calendar.count, owner)
    for row in payments_of(model):
        if mine.terms.holds(row.only):
            RULES.get(row.rule, enter)(mine, ledger, row)
    return ledger


def kept_of(people: pd.DataFrame, terms: Terms) -> np.ndarray:
    """Each household's energy of each year of life over the typical year's; (households, years).

    Wear, curtailment, events, and what goes with the end of a lease are taken off.

    Parameters
    ----------
    people : DataFrame
        ``model``, ``event_N`` for events that hit single roofs, ``curtailed`` where limits of the
        grid cut.
    terms : Terms
    """
    told = terms.finance.events
    on = events.left_of(told, events.hits_of(told, people), terms.years, events.lost)
    chosen = people["model"].astype(str)
    by_model = {model: terms.of_owner(owner_of(model)).kept for model in chosen.unique()}
    kept = np.stack([by_model[model] for model in chosen]) if len(people) else on[:0]
    return np.asarray(kept * on * let_through(people)[:, None])


def let_through(people: pd.DataFrame) -> np.ndarray:
    """Part of each household's generation that limits of the grid leave: of the first year, and
    taken for all; shape (households,).
    """
    if "curtailed" not in people:
        return np.ones(len(people))
    return np.asarray(1 - people["curtailed"].to_numpy(dtype=float))
