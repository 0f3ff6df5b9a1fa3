"""What ``pvplanner explain`` prints: a household's figure, line by line, adding up."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pvplanner.words import in_units, label, number, source

if TYPE_CHECKING:
    from pvplanner.plan import Plan


@dataclass(frozen=True)
class Step:
    """A step of an explanation in words: its name, ``quantity x rate = amount``, its source."""

    name: str
    told: str
    source: str


def explained(plan: Plan, household: str, figure: str, language: str) -> list[Step]:
    """How a figure comes about, step by step, and what the steps come to."""
    steps = plan.explain(household, figure)
    currency = plan.scenario.finance.currency
    paid = steps.loc[steps["unit"] == "money", "amount"]
    # Of a sum with an unknown part nothing is known.
    whole = _with_unit(float(paid.sum(skipna=False)), "money", language, currency)
    lines = [_step(step, language, currency) for step in steps.to_dict("records")]
    if paid.empty:
        lines.append(Step(label("explain_nothing", language), "", ""))
    return [*lines, Step(label(figure, language), whole, "")]


def explain_lines(plan: Plan, household: str, figure: str, language: str) -> list[str]:
    """A line a step, ``quantity x rate = amount`` with its source, and the sum."""
    lines = []
    for step in explained(plan, household, figure, language):
        told = f"{step.name}: {step.told}" if step.told else step.name
        lines.append(f"{told}  [{step.source}]" if step.source else told)
    return [*lines, label("explain_office", language)]


def _step(step: dict[Hashable, Any], language: str, currency: str) -> Step:
    told = _with_unit(step["amount"], str(step["unit"]), language, currency)
    if not math.isnan(step["quantity"]) and not math.isnan(step["rate"]):
        quantity = _with_unit(step["quantity"], str(step["quantity_unit"]), language, currency)
        rate = _with_unit(step["rate"], str(step["rate_unit"]), language, currency, rate=True)
        told = f"{quantity} x {rate} = {told}"
    kind = label(str(step["certainty"]), language) if step["certainty"] else ""
    where = ", ".join(p for p in (source(str(step["source"]), language), kind) if p)
    return Step(label(str(step["step"]), language), told, where)


def _with_unit(value: float, unit: str, language: str, currency: str, *, rate: bool = False) -> str:
    """A figure as fine as it takes for a reader to multiply and add for himself."""
    if math.isnan(value):
        return label("unknown", language)
    rule = "2" if unit == "money" or value % 1 else "0"
    figure = f"{value:.9g}" if rate else number(value, rule, language)
    shown = in_units(unit, language, currency) if unit not in ("", "1") else ""
    return f"{figure} {shown}".strip()
