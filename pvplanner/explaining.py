"""What ``pvplanner explain`` prints: a household's figure, line by line, adding up."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from pvplanner.words import in_units, label, number, source

if TYPE_CHECKING:
    from pvplanner.plan import Plan


def explain_lines(plan: Plan, household: str, figure: str, language: str) -> list[str]:
    """A line a step, ``quantity x rate = amount`` with its source, and the sum."""
    steps = plan.explain(household, figure)
    currency = plan.scenario.finance.currency
    lines = [_line(step, language, currency) for step in steps.to_dict("records")]
    paid = steps.loc[steps["unit"] == "money", "amount"]
    if paid.empty:
        lines.append(label("explain_nothing", language))
    # Of a sum with an unknown part nothing is known.
    whole = _with_unit(float(paid.sum(skipna=False)), "money", language, currency)
    return [*lines, f"{label(figure, language)}: {whole}", label("explain_office", language)]


def _line(step: dict[Hashable, Any], language: str, currency: str) -> str:
    told = _with_unit(step["amount"], str(step["unit"]), language, currency)
    if not math.isnan(step["quantity"]) and not math.isnan(step["rate"]):
        quantity = _with_unit(step["quantity"], str(step["quantity_unit"]), language, currency)
        rate = _with_unit(step["rate"], str(step["rate_unit"]), language, currency, rate=True)
        told = f"{quantity} x {rate} = {told}"
    kind = label(str(step["certainty"]), language) if step["certainty"] else ""
    where = ", ".join(p for p in (source(str(step["source"]), language), kind) if p)
    return f"{label(str(step['step']), language)}: {told}  [{where}]"


def _with_unit(value: float, unit: str, language: str, currency: str, *, rate: bool = False) -> str:
    """A figure as fine as it takes for a reader to multiply and add for himself."""
    rule = "2" if unit == "money" or value % 1 else "0"
    figure = f"{value:.9g}" if rate else number(value, rule, language)
    shown = in_units(unit, language, currency) if unit not in ("", "1") else ""
    return f"{figure} {shown}".strip()
