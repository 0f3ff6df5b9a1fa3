"""Who pays and gets what, by household or party, and what of a plant is one's own money."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pvplanner.holdings import NOBODY, of_nobody
from pvplanner.money import HOUSEHOLD
from pvplanner.money.payments import GRANTED, LENT
from pvplanner.plan import Plan

CAPITAL = ("capital", "battery")
"""Items that are a plant's price."""


def nobodys(plan: Plan) -> set[str]:
    """Households that are buildings of nobody in their village's ledger."""
    found: set[str] = set()
    for part in plan.parts.values():
        homes = part.households
        found |= set(homes.loc[of_nobody(homes), "household_id"].astype(str))
    return found


def payments_by_payer(plan: Plan) -> pd.DataFrame:
    """What each gets less what it pays.

    Returns
    -------
    DataFrame
        A row a ``payer`` (a household's identifier, or the party where it is no household), a
        ``model`` and an ``item``; a column a year, 0 at once. What is not known is nan.
    """
    flows = plan.cash_flows()
    payer = flows["household_id"].where(flows["party"] == HOUSEHOLD, flows["party"])
    keys = ["payer", "model", "item", "year"]
    sums = flows.assign(payer=payer.astype(str)).groupby(keys)["yuan"].sum(min_count=1)
    return sums.unstack("year", fill_value=0.0)


def payments_by_party(plan: Plan) -> pd.DataFrame:
    """The same by party and item, over all models: households as one, and apart from them the
    buildings of nobody.
    """
    table = payments_by_payer(plan)
    payer = table.index.get_level_values("payer")
    halls = payer.isin(list(nobodys(plan)))
    homes = payer.isin(plan.households["household_id"].astype(str))
    party = pd.Index(payer.where(~homes, HOUSEHOLD)).where(~halls, NOBODY)
    items = table.index.get_level_values("item")
    # Of a sum with an unknown part nothing is known.
    return table.groupby([party.rename("party"), items], sort=False).agg(
        lambda v: v.sum(skipna=False)
    )


def invested(first: pd.DataFrame) -> pd.Series:
    """What is paid for the plant, of payments at once with a column an item."""
    return -_sum(first, CAPITAL)


def own_money(first: pd.DataFrame) -> pd.Series:
    """What of that is neither lent nor granted."""
    return invested(first) - _sum(first, (*LENT, *GRANTED))


def _sum(first: pd.DataFrame, items: Sequence[str]) -> pd.Series:
    known = [item for item in items if item in first]
    return first[known].sum(axis=1, skipna=False)
