"""What ``pvplanner explain`` prints: a household's figure, line by line, adding up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pvplanner.words import in_units, label, number, source

if TYPE_CHECKING:
    from pvplanner.plan import Plan


def explain_lines(plan: Plan, household: str, figure: str, language: str) -> list[str]:
    """A line a step, ``quantity x rate = amount`` with its source, and the sum."""
    steps = plan.explain(household, figure)
    currency = plan.scenario.finance.currency
    lines = []
    for step in steps.to_dict("records"):
        told = [label(str(step["step"]), language)]
        sum_ = _with_unit(step["amount"], str(step["unit"]), language, currency)
        if not math.isnan(step["quantity"]) and not math.isnan(step["rate"]):
            quantity = _with_unit(step["quantity"], str(step["quantity_unit"]), language, currency)
            rate = _with_unit(step["rate"], str(step["rate_unit"]), language, currency)
            told.append(f"{quantity} x {rate} = {sum_}")
        else:
            told.append(sum_)
        kind = label(str(step["certainty"]), language) if step["certainty"] else ""
        where = ", ".join(p for p in (source(str(step["source"]), language), kind) if p)
        lines.append(": ".join(told) + f"  [{where}]")
    # Of a sum with an unknown part nothing is known.
    money = steps.loc[steps["unit"] == "money", "amount"].sum(skipna=False)
    whole = _with_unit(float(money), "money", language, currency)
    return [*lines, f"{label(figure, language)}: {whole}"]


def _with_unit(value: float, unit: str, language: str, currency: str) -> str:
    # As fine as it takes for the reader to multiply and add for himself.
    fine = "2" if unit == "money" or abs(value) >= 100 else "4"
    digits = number(value, fine, language)
    shown = in_units(unit, language, currency) if unit not in ("", "1") else ""
    return f"{digits} {shown}".strip()
