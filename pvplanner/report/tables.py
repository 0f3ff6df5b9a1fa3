"""The report's tables: households, villages, models, what was set aside, assumptions."""

from __future__ import annotations

from typing import Any

from pvplanner.report.cells import (
    SUMMED,
    Column,
    currency_of,
    make_cell,
    make_columns,
    make_table,
    shown,
)
from pvplanner.schema import MEASURES, MODELS, PERSONAL, label, texts
from pvplanner.village import Plan

_HOUSEHOLD = (
    ("household_id", -1),
    ("household_name", -1),
    ("hamlet", -1),
    ("low_income", -1),
    ("income_today", 0),
    ("consumption_kwh", 0),
    ("model", -1),
    ("modules", 1),
    ("capacity_kwp", 3),
    ("capacity_kw_ac", 2),
    ("shading_loss", 3),
    ("energy_kwh", 0),
    ("energy_p90_built_kwh", 0),
    ("energy_first_year_kwh", 2),
    ("capital", 2),
    ("income_first_year", 2),
    ("income_mean", 2),
    ("npv", 2),
    ("irr", 4),
    ("payback_years", 1),
    ("avoided_t", 3),
)
"""Columns of the household table and their digits; -1 for text."""

_BY_MODEL = (
    ("household_id", -1),
    ("household_name", -1),
    *((f"{model}_income_first_year", 2) for model in MODELS),
    ("income_first_year_p90", 2),
    ("npv_p90", 2),
    ("dscr_min", 2),
    ("self_used_kwh", 2),
    ("bill_before", 2),
    ("bill_saved", 2),
)
"""Columns of the household table of business models."""

_VILLAGE = (
    ("village", -1),
    ("division_code", -1),
    ("households", 0),
    ("capacity_kwp", 2),
    ("energy_kwh", 0),
    ("energy_p90_built_kwh", 0),
    ("energy_p90_kwh", 0),
    ("income_first_year", 2),
    ("income_per_household", 2),
    ("supply_ratio", 3),
    ("avoided_t", 3),
    ("standard_coal_t", 3),
)


_MEDIAN_DIGITS = {
    "irr": 4,
    "payback_years": 1,
    "discounted_payback_years": 1,
    "lcoe": 3,
    "dscr_min": 2,
}


def by_model_table(plan: Plan, language: str, internal: bool) -> dict[str, Any]:
    """What each household would earn under each model."""
    keys = tuple((k, d) for k, d in _BY_MODEL if internal or k not in PERSONAL)
    return make_table(
        "by_model", "report_by_model", plan.households, keys, language, total=True,
        currency=currency_of(plan),
    )  # fmt: skip


def household_table(plan: Plan, language: str, internal: bool) -> dict[str, Any]:
    """The household table of the chosen models."""
    keys = tuple((k, d) for k, d in _HOUSEHOLD if internal or k not in PERSONAL)
    return make_table(
        "households", "report_households", plan.households, keys, language, total=True,
        currency=currency_of(plan),
    )  # fmt: skip


def village_table(plan: Plan, language: str) -> dict[str, Any]:
    """Totals by village."""
    return make_table(
        "villages", "report_villages", plan.villages, _VILLAGE, language, currency=currency_of(plan)
    )


def models_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every business model for all households that may use it, summed; rates as medians."""
    rows = []
    for model in MODELS:
        columns = {name: plan.households[f"{model}_{name}"] for name in MEASURES}
        allowed = columns["income_first_year"].notna()
        built = plan.households["modules"] > 0
        cells = [label(model, language), str(int((allowed & built).sum()))]
        for name in MEASURES:
            summed = name in SUMMED or name == "income_worst"
            value = columns[name].sum(min_count=1) if summed else columns[name].median()
            cells.append(make_cell(name, value, 2 if summed else _MEDIAN_DIGITS[name], language))
        rows.append(cells)
    keys = (("model", -1), ("households", 0), *((name, 2) for name in MEASURES))
    return {
        "id": "models",
        "title": label("report_models", language),
        "note": label("models_note", language),
        "columns": make_columns(keys, language, currency_of(plan)),
        "rows": rows,
        "total": None,
    }


def aside_table(plan: Plan, language: str) -> dict[str, Any]:
    """Buildings set aside, and why."""
    aside = plan.buildings[plan.buildings["status"] == "set_aside"]
    rows = []
    for record in aside[["building_id", "status_reason", "area_m2"]].itertuples(index=False):
        why, _, other = str(record.status_reason).partition(":")
        reason = f"{label(why, language)} {other}".strip()
        rows.append([str(record.building_id), reason, shown(record.area_m2, 1, language)])
    keys = (("building_id", -1), ("status_reason", -1), ("area_m2", 1))
    return {
        "id": "aside",
        "title": label("report_aside", language),
        "columns": make_columns(keys, language),
        "rows": rows,
        "total": None,
    }


def assumption_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every number that shaped the plan."""
    heads = ("assumption_key", "value", "unit", "source", "year", "certainty")
    rows = []
    for row in plan.assumptions.to_dict("records"):
        certainty = str(row["certainty"])
        known = texts(language)
        rows.append(
            [
                label(str(row["key"]), language),
                str(row["value"]),
                str(row["unit"]),
                str(row["source"]),
                str(row["year"]),
                known.get(certainty, certainty),
            ]
        )
    return {
        "id": "assumptions",
        "title": label("report_assumptions", language),
        "columns": [Column(label(h, language), "", "") for h in heads],
        "rows": rows,
        "total": None,
    }
