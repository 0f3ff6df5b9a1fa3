"""Cells, columns and tables of the report: how a value is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pvplanner.schema import MODELS, describe, label, money_unit
from pvplanner.village import Plan

_NOT_APPLICABLE = ("irr", "payback_years", "discounted_payback_years", "dscr_min", "lcoe")
"""Measures that are absent, rather than not known, where there is no capital or no debt."""

SUMMED = (
    "modules",
    "capacity_kwp",
    "capacity_kw_ac",
    "energy_kwh",
    "energy_first_year_kwh",
    "capital",
    "income_first_year",
    "income_mean",
    "npv",
    "avoided_t",
    "consumption_kwh",
    "self_used_kwh",
    *(f"{model}_income_first_year" for model in MODELS),
    "bill_before",
    "bill_saved",
)


@dataclass(frozen=True)
class Column:
    """A column: its label, how it is aligned, what it means."""

    label: str
    align: str
    description: str


def shown(value: Any, digits: int, language: str) -> str:
    """A number as people write it: thousands apart, unknown as such."""
    if value is None or pd.isna(value):
        return label("unknown", language)
    return f"{float(value):,.{digits}f}"


def currency_of(plan: Plan) -> str:
    """Of the plan's money."""
    return plan.scenario.finance.currency


def make_columns(
    keys: Iterable[tuple[str, int]], language: str, currency: str = "CNY"
) -> list[Column]:
    """Columns of a table by their keys."""
    return [
        Column(
            money_unit(label(k, language, unit=True), currency),
            "n" if digits >= 0 else "",
            describe(k, language),
        )
        for k, digits in keys
    ]


def make_cell(key: str, value: Any, digits: int, language: str) -> str:
    """A value as its column shows it."""
    absent = key in _NOT_APPLICABLE or any(key.startswith(f"{model}_") for model in MODELS)
    if absent and (value is None or pd.isna(value)):
        return "—"
    if key == "irr":
        return f"{float(value):.2%}"
    if key == "shading_loss" and not pd.isna(value):
        return f"{float(value):.1%}"
    if digits >= 0:
        return shown(value, digits, language)
    if key == "low_income":
        return "" if pd.isna(value) else label("yes" if value else "no", language)
    if pd.isna(value):
        return ""
    return label(str(value), language) if key == "model" else str(value)


def _sum(values: pd.Series, key: str) -> float:
    """Sum of a column; of a model's, over those that may use it."""
    by_model = any(key.startswith(model) for model in MODELS)
    return values.sum(skipna=by_model, min_count=1 if by_model else 0)


def make_table(
    name: str,
    title: str,
    frame: pd.DataFrame,
    keys: tuple[tuple[str, int], ...],
    language: str,
    *,
    total: bool = False,
    currency: str = "CNY",
) -> dict[str, Any]:
    """A table of a frame's columns, with a row of totals on request."""
    records = frame[[k for k, _ in keys]].to_dict("records")
    rows = [[make_cell(k, record[k], digits, language) for k, digits in keys] for record in records]
    foot = None
    if total:
        sums = [
            shown(_sum(frame[k], k), digits, language) if k in SUMMED else "" for k, digits in keys
        ]
        foot = [label("total", language), *sums[1:]]
    return {
        "id": name,
        "title": label(title, language),
        "columns": make_columns(keys, language, currency),
        "rows": rows,
        "total": foot,
    }
