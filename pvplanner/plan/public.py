"""The public edition of a plan: figures from which nobody can tell who is poor or who uses what.

Own use is that of groups of households, spread over each group by generation; what goes to members
of low income alone is one sum and no part of any household's figure. Everything that follows from
the two is reckoned anew by the plan's own stages, so that no figure of the public edition differs
from what its others say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pvplanner.demand import SCALES

if TYPE_CHECKING:
    from pvplanner.plan.plan import Plan

GROUP = 10
"""Households whose own use is told as one; at least five are asked for, and a mean of five still
says something of each."""

LEAST = 5
"""In a village of fewer households with a roof nothing is told of their use."""

AGAIN = ("household_use", "measures", "chosen", "returns", "villages", "ledger", "collective",
         "fairness", "stresses", "press", "sanity")  # fmt: skip
"""Stages that tell of use or of who is poor: made again from what may be told."""

HIDDEN = ("archetype", "low_income")
"""Marks of people by which a figure would tell who is poor."""


def is_private(
    people: pd.DataFrame, metered: bool, low_income_share: float
) -> tuple[bool, bool, bool]:
    """Whether own use tells of what a household uses, dividends of who is poor, and sums over the
    poor of the few that there are.

    Use that nobody stated is a packaged archetype's, and tells of nobody.
    """
    stated = [name for name in ("consumption_kwh", "archetype") if name in people]
    ledger = people[~people["own_building"].astype(bool)]
    use = metered or bool(ledger[stated].notna().any().any())
    count = int(ledger["low_income"].eq(True).fillna(False).sum())
    few = 0 < count < GROUP or 0 < len(ledger) - count < GROUP
    return use, low_income_share > 0 and count > 0, count > 0 and few


def public_results(part: Plan) -> dict[str, Any]:
    """What takes the place of a village's own results; empty where nothing is private."""
    people = part.result("people")
    scenario = part.scenario
    use, poor, few = is_private(
        people, scenario.demand.meter is not None, scenario.cooperative.low_income_share
    )
    if not (use or poor or few):
        return {}
    out: dict[str, Any] = {"people": without(people, HIDDEN if poor or few else ("archetype",))}
    if poor or few:
        told_of = part.result("fairness")
        out["fairness"] = told_of.assign(
            **{name: np.nan for name in told_of if name.startswith("low_income")}
        )
    too_few = False
    if use:
        homes = part.result("holdings")
        told = pd.DataFrame(
            {
                "energy_kwh": homes["energy_kwh"].to_numpy(dtype=float),
                "class": homes["project_class"].astype(str).to_numpy(),
                "hamlet": people["hamlet"].astype(object).fillna("").astype(str).to_numpy(),
                "own": people["own_building"].to_numpy(dtype=bool),
            }
        )
        group = groups_of(told)
        too_few = bool((group == -2).any())
        out["demand"], out["bills"] = spread(
            part.result("demand"), part.result("bills"), told["energy_kwh"].to_numpy(), group
        )
    if not too_few:
        # Totals of so many tell of nobody: they are the office's, with what is one sum in them.
        whole = part.result("villages")
        out["villages"] = whole.assign(low_income_share=np.nan) if poor or few else whole
    if poor:
        out["terms"] = replace(part.terms, low_income_named=False)
    return out


def without(people: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """People without some of what is known of them."""
    out = people.copy()
    for name in ("consumption_kwh", *names):
        if name in out:
            out[name] = pd.array([pd.NA] * len(out), dtype=out[name].dtype) if (
                pd.api.types.is_extension_array_dtype(out[name].dtype)
            ) else np.nan  # fmt: skip
    return out


def groups_of(homes: pd.DataFrame) -> np.ndarray:
    """Number of the group of each household: class and hamlet, small ones merged; -1 for what has
    nothing private, -2 where too few live to tell anything.

    Parameters
    ----------
    homes : DataFrame
        ``energy_kwh``, ``class``, ``hamlet``, ``own`` (a building that stands for itself).
    """
    mine = ~homes["own"].to_numpy(dtype=bool)
    live = mine & (homes["energy_kwh"].to_numpy(dtype=float) > 0)
    name = (homes["class"] + "\t" + homes["hamlet"]).to_numpy(dtype=object)
    name = _merged(name, live, homes["class"].to_numpy(dtype=object))
    name = _merged(name, live, np.full(len(homes), "", dtype=object))
    codes = pd.factorize(name)[0]
    if live.sum() < LEAST:
        codes[:] = -2
    codes[~mine] = -1
    return np.asarray(codes)


def _merged(name: np.ndarray, live: np.ndarray, wider: np.ndarray) -> np.ndarray:
    """Groups that are too small pooled within a wider one; a pool that is small takes the smallest
    other group in.
    """
    out = name.copy()
    for outer in pd.unique(wider):
        inside = wider == outer
        sizes = pd.Series(name[inside & live]).value_counts()
        every = pd.unique(name[inside])
        small = [one for one in every if sizes.get(one, 0) < GROUP]
        if not small or len(every) == 1:
            continue
        large = sorted(
            (one for one in every if one not in small), key=lambda one: (sizes[one], one)
        )
        pool = sum(int(sizes.get(one, 0)) for one in small)
        if pool < GROUP and large:
            small.append(large[0])
        out[inside & np.isin(name, small)] = f"\t{outer}"
    return out


def spread(
    demand: pd.DataFrame, bills: pd.DataFrame, energy: np.ndarray, group: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Demand and bills in which each group's own use and saving lie on its roofs by generation, and
    its load alike on its households. Sums of groups stay as they are.
    """
    use, paid = demand.copy(), bills.copy()
    loads = [name for name in use if name.startswith("load_kwh")]
    made = [name for name in use
            if name.startswith(("self_used_kwh", "battery_loss_kwh", "export_kwh"))]  # fmt: skip
    before = bills["bill_before"].to_numpy(dtype=float)
    saved = {n: before - bills[f"bill_after_{n}"].to_numpy(dtype=float) for n in range(len(SCALES))}
    for number in np.unique(group[group != -1]):
        rows = group == number
        if number == -2:
            use.loc[rows, [*loads, *made]] = np.nan
            paid.loc[rows, ["bill_before", *(f"bill_after_{n}" for n in saved)]] = np.nan
            continue
        whole = energy[rows].sum()
        part = energy[rows] / whole if whole > 0 else np.zeros(int(rows.sum()))
        for name in loads:
            use.loc[rows, name] = float(use.loc[rows, name].mean())
        for name in made:
            use.loc[rows, name] = part * float(use.loc[rows, name].sum())
        paid.loc[rows, "bill_before"] = float(before[rows].mean())
        for n, values in saved.items():
            paid.loc[rows, f"bill_after_{n}"] = before[rows].mean() - part * values[rows].sum()
    return use, paid


def public_parts(plan: Plan, make: Callable[[str, dict[str, Any]], Any]) -> dict[str, Any] | None:
    """The run of each village with what may be told; ``None`` where nothing is private."""
    told = {name: public_results(part) for name, part in plan.parts.items()}
    if not any(told.values()):
        return None
    return {name: make(name, results) for name, results in told.items()}
