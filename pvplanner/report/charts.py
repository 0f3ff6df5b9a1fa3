"""The report's charts, as the bars that its template draws."""

from __future__ import annotations

from typing import Any

from pvplanner.money.payments import LOW_INCOME
from pvplanner.plan import Plan
from pvplanner.report.cells import currency_of
from pvplanner.schema import MONTHLY_ENERGY
from pvplanner.words import currency_name, in_units, number, shown, style


def month_chart(plan: Plan, language: str) -> dict[str, Any]:
    """Energy by month."""
    months = plan.energy[list(MONTHLY_ENERGY)].sum().to_numpy()
    own = style(language)
    top = max(float(months.max()), 1e-9)
    bars = []
    for index, value in enumerate(months):
        height = round(190 * float(value) / top, 1)
        bars.append(
            {
                "x": 10 + 59 * index,
                "y": round(215 - height, 1),
                "height": height,
                "month": own["month"].format(month=index + 1),
                "value": number(float(value) / own["chart_energy_unit"], "s3", language),
            }
        )
    return {"bars": bars, "unit": own["chart_energy"]}


def cash_chart(plan: Plan, language: str) -> dict[str, Any] | None:
    """Net cash of all households in each year, the first payment left out of the scale."""
    ledger = plan.result("ledger")
    # Members of low income are households too, where they are told as one.
    people = ("household", LOW_INCOME)
    sign = ledger["payee"].isin(people) * 1.0 - ledger["payer"].isin(people)
    mine = ledger[sign != 0]
    if mine.empty or mine["yuan"].isna().any():
        return None
    total = (mine["yuan"] * sign[sign != 0]).groupby(mine["year"]).sum().to_numpy()
    years, own = total[1:], style(language)
    currency = currency_name(currency_of(plan), language)
    top = max(float(abs(years).max()), 1e-9)
    width = 690 / len(years)
    bars = []
    for index, value in enumerate(years):
        height = round(75 * abs(value) / top, 1)
        bars.append(
            {
                "x": round(10 + width * index, 1),
                "y": round(100 - height, 1) if value >= 0 else 100,
                "height": height,
                "width": round(width * 0.7, 1),
                "year": index + 1,
                "value": number(float(value) / own["chart_money_unit"], "s3", language),
            }
        )
    before = shown(float(total[0]), "capital", language, "whole")
    unit = own["chart_money"].replace("{currency}", currency)
    return {"bars": bars, "unit": unit, "before": f"{before} {currency}"}


def carbon_chart(plan: Plan, language: str) -> dict[str, Any] | None:
    """Tonnes of each year as bars, with the sum so far over every fifth."""
    table = plan.result("carbon_years")
    years = table["avoided_t"].to_numpy(dtype=float)
    if not len(years) or years[0] != years[0]:
        return None
    top, total, bars = max(float(years.max()), 1e-9), 0.0, []
    width = 690 / len(years)
    for index, value in enumerate(years):
        total += value
        height = round(120 * value / top, 1)
        marked = index % 6 == 0 or index == len(years) - 1
        bars.append(
            {
                "x": round(10 + width * index, 1),
                "y": round(150 - height, 1),
                "height": height,
                "width": round(width * 0.7, 1),
                "year": int(table["year"].iloc[index]),
                "value": number(float(value), "0", language),
                "total": number(total, "0", language) if marked else "",
            }
        )
    return {"bars": bars, "unit": in_units("t CO2", language)}
