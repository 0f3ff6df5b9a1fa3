"""A village's plan, asked about one household after another."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pvplanner.documents.payers import own_money
from pvplanner.money import HOUSEHOLD
from pvplanner.plan import Plan


@dataclass(frozen=True)
class Held:
    """A village's plan, and what its households are asked for by their identifiers.

    Attributes
    ----------
    plan : Plan
    homes : DataFrame
        By household.
    measures : DataFrame
        By household, model and case.
    flows : dict of str to DataFrame
        What each household pays and gets under its own model, signed, by item and year.
    years : Index
    """

    plan: Plan
    homes: pd.DataFrame
    measures: pd.DataFrame
    flows: dict[str, pd.DataFrame]
    years: pd.Index

    @classmethod
    def of(cls, plan: Plan) -> Held:
        """Of a plan of one village."""
        flows = plan.cash_flows()
        own = flows[flows["party"] == HOUSEHOLD]
        sums = own.groupby(["household_id", "item", "year"])["yuan"].sum(min_count=1)
        by_year = sums.unstack("year", fill_value=0.0)
        each = {
            str(household): table.droplevel("household_id")
            for household, table in by_year.groupby(level="household_id", sort=False)
        }
        keys = ["household_id", "model", "case"]
        return cls(
            plan, plan.households.set_index("household_id"),
            plan.measures.set_index(keys).sort_index(), each, by_year.columns,
        )  # fmt: skip

    def measure(self, household: str, name: str, case: str) -> float:
        """Of a household under its own model; nan where there is none."""
        at = (household, self.homes["model"][household], case)
        return float(self.measures[name].get(at, float("nan")))

    def paid(self, household: str, *items: str) -> pd.Series:
        """What a household gets of some items less what it pays, by year; 0 is at once."""
        own = self.flows.get(household)
        if own is None:
            return pd.Series(0.0, self.years)
        return (own[own.index.isin(items)] if items else own).sum(skipna=False)

    def own_money(self, household: str) -> float:
        """What a household pays for its plant at once and has neither borrowed nor been granted."""
        table = self.flows.get(household)
        if table is None or 0 not in table:
            return 0.0
        return float(own_money(table[[0]].T).iloc[0])
