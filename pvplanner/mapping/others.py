"""What a plan is held against: other plans of the same buildings, and its own price cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError
from pvplanner.holdings import NOBODY, of_nobody
from pvplanner.mapping.pack import Packer
from pvplanner.money import owner_of, payments_of
from pvplanner.plan import Plan
from pvplanner.schema import CASES, PLANNED, column, shown_in

CASE_COLUMNS = {"first": ("income_first_year", 2), "mean": ("income_mean", 2),
                "payback": ("payback_years", 3)}  # fmt: skip
"""A household's measures of a price case that the page shows, and their digits."""

MONEY = ("money", "price")
"""Kinds of column that are in a currency."""


def check_others(plan: Plan, others: Sequence[Plan]) -> None:
    """Refuse plans that share no building with this one.

    Raises
    ------
    ConfigError
        If one has no building in common.
    """
    own = plan.buildings["building_id"]
    for compare in others:
        if not compare.buildings["building_id"].isin(own).any():
            raise ConfigError("compare_apart", where="compare", name=compare.scenario.name)


def names_apart(plan: Plan, others: Sequence[Plan]) -> list[str]:
    """Names of the other plans; where two are called alike, what differs stands behind.

    A plan that differs in nothing that is stated gets its place among them.
    """
    usual = plan.scenario.model_dump()
    taken = [plan.scenario.name]
    out = []
    for place, compare in enumerate(others, start=2):
        name = compare.scenario.name
        if name in taken:
            changed = _changed(usual, compare.scenario.model_dump())
            name = f"{name} ({', '.join(changed[:3])})" if changed else name
        while name in taken:
            name = f"{name} ({place})"
        taken.append(name)
        out.append(name)
    return out


def _changed(one: dict[str, Any], other: dict[str, Any], way: str = "") -> list[str]:
    """Keys whose values differ, with the other's value."""
    out: list[str] = []
    for key, value in other.items():
        mine = one.get(key)
        if isinstance(value, dict) and isinstance(mine, dict):
            out += _changed(mine, value, f"{way}{key}.")
        elif value != mine and key not in ("name", "language"):
            out.append(f"{way}{key} = {value}")
    return out


def pack_others(
    plan: Plan, packer: Packer, others: Sequence[Plan], frames: Sequence[pd.DataFrame],
    frame: pd.DataFrame, digits: dict[str, int],
) -> list[dict[str, Any]]:  # fmt: skip
    """Columns of the other plans on this plan's roofs, and what the page says of each.

    Parameters
    ----------
    frames : sequence of DataFrame
        Roofs of each other plan, as ``frame`` has those of this one.
    digits : dict
        Digits by kind of column.
    """
    currency = plan.scenario.finance.currency
    out = []
    names = names_apart(plan, others)
    for n, (compare, roofs, name) in enumerate(zip(others, frames, names, strict=True)):
        alike = compare.scenario.finance.currency == currency
        held = roofs.set_index("building_id").reindex(frame["building_id"])
        keys = [key for key in (*shown_in("compared"), "modules")
                if key in held and key in frame and (alike or not _in_money(key))]  # fmt: skip
        keys = list(dict.fromkeys(keys))
        for key in keys:
            # Differences are as fine as what they are of.
            packer.numbers(
                f"other{n}", key, held[key].to_numpy(dtype=float), digits[column(key).kind] + 1
            )
        out.append({"name": name, "compared": keys, "totals": village_sums(compare, keys),
                    "capital_by": capital_by(compare) if alike else None})  # fmt: skip
    return out


def _in_money(key: str) -> bool:
    told = column(key)
    return told.kind in MONEY or key == "payback_years"


def village_sums(plan: Plan, keys: Sequence[str]) -> dict[str, float | None]:
    """A plan's own totals of some columns; nothing where they are not known."""
    sums = plan.villages.sum(numeric_only=True, skipna=False)
    return {
        key: float(sums[key]) if np.isfinite(sums[key]) else None for key in keys if key in sums
    }


def capital_by(plan: Plan) -> dict[str, float]:
    """What the plants cost, by who pays: households, collective, developer, public buildings.

    Of a building of nobody the payer is not told: it stands apart.
    """
    out: dict[str, float] = {}
    for part in plan.parts.values():
        homes, case = part.case()
        nobody = of_nobody(homes).to_numpy(dtype=bool)
        for model in homes["model"].dropna().unique():
            owner = owner_of(model)
            terms = case.of_owner(owner).terms
            stored = sum(
                terms.battery_kwh * float(terms.rates[row.rate][0])
                for row in payments_of(model)
                if row.item == "battery" and row.when == "start" and terms.holds(row.only)
            )
            mine = homes["model"].eq(model).to_numpy(dtype=bool) & (case.watts > 0)
            cost = case.watts * float(terms.rates["capex_per_w"][0]) + stored
            for payer, rows in ((owner, mine & ~nobody), (NOBODY, mine & nobody)):
                if rows.any():
                    out[payer] = out.get(payer, 0.0) + float(cost[rows].sum())
    return {payer: value for payer, value in out.items() if np.isfinite(value)}


def case_others(plan: Plan) -> list[dict[str, Any]]:
    """The plan's own price cases as what it is held against."""
    held = plan.result("cases")
    held = held[held["party"] == "household"]
    sums = held.groupby("case", sort=False)["income_first_year"].sum(min_count=1)
    return [
        {"name": case, "case": case, "compared": ["income_first_year", "payback_years"],
         "totals": {}, "capital_by": None}
        for case in CASES
        if case != PLANNED and np.isfinite(sums.get(case, np.nan))
    ]  # fmt: skip


def pack_cases(plan: Plan, packer: Packer) -> bool:
    """Households' money in each price case under their own models; whether there is any."""
    people = plan.households[["household_id", "model"]].astype(str)
    measures = plan.measures
    told = False
    for case in CASES:
        own = measures[measures["case"] == case] if case != PLANNED else measures.iloc[:0]
        if own.empty:
            continue
        keys = own[["household_id", "model"]].astype(str)
        held = own.set_index(pd.MultiIndex.from_frame(keys))
        held = held[~held.index.duplicated()].reindex(pd.MultiIndex.from_frame(people))
        for name, (key, places) in CASE_COLUMNS.items():
            packer.numbers("households", f"{name}_{case}", held[key].to_numpy(float), places)
        told = True
    return told
