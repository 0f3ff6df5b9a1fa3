"""A village's plan, asked about one household after another."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

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
    flows : DataFrame
        What households pay and get under their own models, signed, by household, item and year.
    """

    plan: Plan
    homes: pd.DataFrame
    measures: pd.DataFrame
    flows: pd.DataFrame

    @classmethod
    def of(cls, plan: Plan) -> Held:
        """Of a plan of one village."""
        flows = plan.cash_flows()
        own = flows[flows["party"] == HOUSEHOLD]
        sums = own.groupby(["household_id", "item", "year"])["yuan"].sum(min_count=1)
        keys = ["household_id", "model", "case"]
        return cls(
            plan, plan.households.set_index("household_id"),
            plan.measures.set_index(keys).sort_index(), sums.unstack("year", fill_value=0.0),
        )  # fmt: skip

    def measure(self, household: str, name: str, case: str) -> float:
        """Of a household under its own model; nan where there is none."""
        at = (household, self.homes["model"][household], case)
        return float(self.measures[name].get(at, float("nan")))

    def paid(self, household: str, *items: str) -> pd.Series:
        """What a household gets of some items less what it pays, by year; 0 is at once."""
        own = self.flows[self.flows.index.get_level_values("household_id") == household]
        kept = own.index.get_level_values("item").isin(items or own.index.unique("item"))
        return own[kept].sum(skipna=False)
