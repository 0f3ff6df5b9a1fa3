"""Business models as data: the rows of ``reference/models.csv`` written into a ledger.

A payment is a quantity times a rate, at once or every year, from one party to another. What is no
product has a rule of the closed list :data:`pvplanner.money.payments.RULES`; the page has the same
list, and both run the same golden vectors (``reference/rules.json``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.demand import at_scale, export_worth
from pvplanner.money.ledger import Ledger
from pvplanner.money.terms import Terms

HOUSEHOLD, COLLECTIVE = "household", "collective"


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
    """

    people: pd.DataFrame
    demand: pd.DataFrame
    bills: pd.DataFrame
    terms: Terms
    ratio: np.ndarray
    use_ratio: np.ndarray | None = None

    @classmethod
    def planned(
        cls, people: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame, terms: Terms
    ) -> Case:
        """The case in which every household makes what is expected."""
        return cls(people, demand, bills, terms, np.ones(len(people)))

    def part(self, rows: np.ndarray) -> Case:
        """Some of the households, by position."""
        return Case(
            self.people.iloc[rows], self.demand.iloc[rows], self.bills.iloc[rows], self.terms,
            self.ratio[rows], None if self.use_ratio is None else self.use_ratio[rows],
        )  # fmt: skip

    def _used(self, values: np.ndarray) -> np.ndarray:
        """What hangs on self-use, as the case has it."""
        return values if self.use_ratio is None else values * self.use_ratio[:, None]

    @property
    def count(self) -> int:
        """Number of households."""
        return len(self.people)

    @property
    def years(self) -> int:
        """Years of life."""
        return self.terms.years

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
        return energy[:, None] * self.terms.kept

    @cached_property
    def scale(self) -> np.ndarray:
        """Generation over the first year's expected one."""
        return self.ratio[:, None] * (self.terms.kept / self.terms.left[0])

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
    def surplus_sales(self) -> np.ndarray:
        """Revenue of what is sold beyond own use, and the subsidy on all that is made."""
        prices = self.terms.prices
        price = prices.fixed + np.outer(self.worth, prices.market)
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
    begin = [row for row in own if row.item in ("capital", "grant")]
    rest = [row for row in own if row not in begin]
    last = [row for row in rest if row.rule in _LAST]
    return (*begin, *shared, *(row for row in rest if row not in last), *last)


_LAST = ("vat", "profit_tax", "distribution")
"""Rules that look at all that was entered before."""


def owner_of(model: str) -> str:
    """Who pays for the modules."""
    return next(
        row["payer"] for row in reference.rows("models")
        if row["model"] == model and row["item"] == "capital"
    )  # fmt: skip


def run_model(case: Case, model: str) -> Ledger:
    """Write the ledger of a business model for all households of a case."""
    from pvplanner.money.payments import RULES, enter

    ledger = Ledger(case.count, case.years, owner_of(model))
    for row in payments_of(model):
        if case.terms.holds(row.only):
            RULES.get(row.rule, enter)(case, ledger, row)
    return ledger
