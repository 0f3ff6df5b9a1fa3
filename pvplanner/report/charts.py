"""The report's charts, as the bars that its template draws."""

from __future__ import annotations

from typing import Any

from pvplanner.report.cells import currency_of, shown
from pvplanner.schema import MONTHLY_ENERGY, label, money_unit
from pvplanner.village import Plan


def month_chart(plan: Plan, language: str) -> dict[str, Any]:
    """Energy by month."""
    months = plan.energy[list(MONTHLY_ENERGY)].sum().to_numpy()
    scale, unit = (1e4, "million_kwh") if language == "zh" else (1e3, "")
    top = max(float(months.max()), 1e-9)
    bars = []
    for number, value in enumerate(months):
        height = round(190 * float(value) / top, 1)
        bars.append(
            {
                "x": 10 + 59 * number,
                "y": round(215 - height, 1),
                "height": height,
                "month": f"{number + 1}月" if language == "zh" else str(number + 1),
                "value": f"{value / scale:.2f}",
            }
        )
    return {"bars": bars, "unit": label(unit, language) if unit else "MWh"}


def cash_chart(plan: Plan, language: str) -> dict[str, Any] | None:
    """Net cash of all households in each year, the first payment left out of the scale."""
    total = None
    for entry in plan.facts.get("ledger", []):
        sign = (entry["payee"] == "household") - (entry["payer"] == "household")
        if not sign:
            continue
        if any(value is None for value in entry["by_year"]):
            return None
        yearly = [sign * value for value in entry["by_year"]]
        total = yearly if total is None else [a + b for a, b in zip(total, yearly, strict=True)]
    if total is None:
        return None
    years = total[1:]
    scale, unit = (1e4, "万元") if language == "zh" else (1e3, f"1,000 {currency_of(plan)}")
    top = max(max(map(abs, years)), 1e-9)
    width = 690 / len(years)
    bars = []
    for number, value in enumerate(years):
        height = round(75 * abs(value) / top, 1)
        bars.append(
            {
                "x": round(10 + width * number, 1),
                "y": round(100 - height, 1) if value >= 0 else 100,
                "height": height,
                "width": round(width * 0.7, 1),
                "year": number + 1,
                "value": f"{value / scale:,.1f}",
            }
        )
    return {
        "bars": bars,
        "unit": unit,
        "before": f"{shown(total[0], 2, language)} {_yuan(plan, language)}",
    }


def carbon_chart(plan: Plan, language: str) -> dict[str, Any] | None:
    """Tonnes of each year as bars, with the sum so far over every fifth."""
    facts = plan.facts.get("carbon") or {}
    years = facts.get("by_year") or []
    if not years or years[0] is None:
        return None
    top, total, bars = max([*years, 1e-9]), 0.0, []
    width = 690 / len(years)
    for number, value in enumerate(years):
        total += value
        height = round(120 * value / top, 1)
        year = facts["first_year"] + number
        marked = number % 6 == 0 or number == len(years) - 1
        bars.append(
            {
                "x": round(10 + width * number, 1),
                "y": round(150 - height, 1),
                "height": height,
                "width": round(width * 0.7, 1),
                "year": year,
                "value": f"{value:,.0f}",
                "total": f"{total:,.0f}" if marked else "",
            }
        )
    return {"bars": bars}


def _yuan(plan: Plan, language: str) -> str:
    return money_unit("元" if language == "zh" else "CNY", currency_of(plan))
