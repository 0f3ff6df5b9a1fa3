"""The report: what a cooperative goes through line by line. It shows and computes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from pvplanner.errors import LANGUAGES, ConfigError
from pvplanner.schema import (
    MEASURES,
    MODELS,
    MONTHLY_ENERGY,
    describe,
    label,
    money_unit,
    texts,
    unit_of,
)
from pvplanner.village import Plan

_SUMMARY = (
    ("buildings", 0),
    ("buildings_with_pv", 0),
    ("households", 0),
    ("modules", 0),
    ("capacity_kwp", 2),
    ("energy_kwh", 0),
    ("energy_p90_kwh", 0),
    ("capital", 2),
    ("income_first_year", 2),
    ("avoided_t", 3),
    ("standard_coal_t", 1),
)

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
    ("energy_kwh", 0),
    ("energy_p90_kwh", 0),
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

_NOT_APPLICABLE = ("irr", "payback_years", "discounted_payback_years", "dscr_min", "lcoe")
"""Measures that are absent, rather than not known, where there is no capital or no debt."""

_PERSONAL = (
    "household_name",
    "low_income",
    "income_today",
    "consumption_kwh",
    "bill_before",
    "bill_saved",
)

_SUMMED = (
    "modules",
    "capacity_kwp",
    "energy_kwh",
    "energy_first_year_kwh",
    "capital",
    "income_first_year",
    "income_mean",
    "npv",
    "avoided_t",
    "consumption_kwh",
    "income_first_year_p90",
    "npv_p90",
    "self_used_kwh",
    *(f"{model}_income_first_year" for model in MODELS),
    "bill_before",
    "bill_saved",
)

_VILLAGE = (
    ("village", -1),
    ("division_code", -1),
    ("households", 0),
    ("capacity_kwp", 2),
    ("energy_kwh", 0),
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


@dataclass(frozen=True)
class _Column:
    label: str
    align: str
    description: str


def save_report(
    plan: Plan,
    path: str | os.PathLike[str],
    *,
    language: str | None = None,
    internal: bool = False,
) -> Path:
    """Write a plan's report.

    Parameters
    ----------
    plan : Plan
        What to show.
    path : path-like
        The file, ``.html``; written beside and renamed.
    language : {'zh', 'en'}, optional
        The scenario's if not given.
    internal : bool
        The office edition: with names, low-income marks, present incomes and consumption.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the language or suffix is unknown.
    """
    language = language or plan.scenario.language
    if language not in LANGUAGES:
        raise ConfigError("language_unknown", where="language", value=language)
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=".html")
    page = render_report(plan, language, internal=internal)
    beside = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(page, encoding="utf-8", newline="\n")
    os.replace(beside, target)
    return target


def render_report(plan: Plan, language: str, *, internal: bool) -> str:
    """The report as HTML; text from data is escaped by the template."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pvplanner", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    words = {**texts(language), "colon": "：" if language == "zh" else ": "}
    return environment.get_template("report.html.j2").render(
        language=language,
        name=plan.scenario.name,
        t=words,
        made_by=words["made_by"].format(version=_version(plan)),
        edition="internal_edition" if internal else "public_edition",
        notes=_notes(plan, words),
        summary=_summary(plan, language),
        models_used=_models_used(plan),
        chart=_chart(plan, language),
        cash=_cash_chart(plan, language),
        carbon=_carbon_chart(plan, language),
        tables=[
            _models_table(plan, language),
            _village_table(plan, language),
            _household_table(plan, language, internal),
            _by_model_table(plan, language, internal),
            *_press_tables(plan, language),
            *_facts_tables(plan, language),
            *_stress_tables(plan, language),
            *_carbon_tables(plan, language),
            _ledger_table(plan, language),
            _waterfall_table(plan, language),
            _doubt_table(plan, language),
            _aside_table(plan, language),
            _assumption_table(plan, language),
        ],
        findings=[finding.text(language) for finding in plan.findings],
    )


def shown(value: Any, digits: int, language: str) -> str:
    """A number as people write it: thousands apart, unknown as such."""
    if value is None or pd.isna(value):
        return label("unknown", language)
    return f"{float(value):,.{digits}f}"


def _notes(plan: Plan, words: dict[str, str]) -> list[str]:
    return [words[key] for key in plan.notes()]


def _version(plan: Plan) -> str:
    return str(plan.facts.get("versions", {}).get("pvplanner", ""))


def _models_used(plan: Plan) -> list[str]:
    return [m for m in MODELS if (plan.households["model"] == m).any()]


def _summary(plan: Plan, language: str) -> list[dict[str, str]]:
    sums = plan.villages.sum(numeric_only=True, skipna=False)
    return [
        {
            "key": key,
            "label": label(key, language),
            "value": shown(sums[key], digits, language),
            "unit": money_unit(unit_of(key, language), _currency(plan)),
        }
        for key, digits in _SUMMARY
    ]


def _chart(plan: Plan, language: str) -> dict[str, Any]:
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


def _cash_chart(plan: Plan, language: str) -> dict[str, Any] | None:
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
    scale, unit = (1e4, "万元") if language == "zh" else (1e3, f"1,000 {_currency(plan)}")
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
    return {"bars": bars, "unit": unit, "before": shown(total[0], 2, language)}


def _currency(plan: Plan) -> str:
    return plan.scenario.finance.currency


def _columns(
    keys: Iterable[tuple[str, int]], language: str, currency: str = "CNY"
) -> list[_Column]:
    return [
        _Column(
            money_unit(label(k, language, unit=True), currency),
            "n" if digits >= 0 else "",
            describe(k, language),
        )
        for k, digits in keys
    ]


def _cell(key: str, value: Any, digits: int, language: str) -> str:
    if key in _NOT_APPLICABLE and (value is None or pd.isna(value)):
        return "—"
    if key == "irr":
        return f"{float(value):.2%}"
    if digits >= 0:
        return shown(value, digits, language)
    if key == "low_income":
        return "" if pd.isna(value) else label("yes" if value else "no", language)
    if pd.isna(value):
        return ""
    return label(str(value), language) if key == "model" else str(value)


def _table(
    name: str,
    title: str,
    frame: pd.DataFrame,
    keys: tuple[tuple[str, int], ...],
    language: str,
    *,
    total: bool = False,
    currency: str = "CNY",
) -> dict[str, Any]:
    records = frame[[k for k, _ in keys]].to_dict("records")
    rows = [[_cell(k, record[k], digits, language) for k, digits in keys] for record in records]
    foot = None
    if total:
        sums = [
            shown(frame[k].sum(skipna=False), digits, language) if k in _SUMMED else ""
            for k, digits in keys
        ]
        foot = [label("total", language), *sums[1:]]
    return {
        "id": name,
        "title": label(title, language),
        "columns": _columns(keys, language, currency),
        "rows": rows,
        "total": foot,
    }


def _by_model_table(plan: Plan, language: str, internal: bool) -> dict[str, Any]:
    keys = tuple((k, d) for k, d in _BY_MODEL if internal or k not in _PERSONAL)
    return _table(
        "by_model", "report_by_model", plan.households, keys, language, total=True,
        currency=_currency(plan),
    )  # fmt: skip


def _household_table(plan: Plan, language: str, internal: bool) -> dict[str, Any]:
    keys = tuple((k, d) for k, d in _HOUSEHOLD if internal or k not in _PERSONAL)
    return _table(
        "households", "report_households", plan.households, keys, language, total=True,
        currency=_currency(plan),
    )  # fmt: skip


def _village_table(plan: Plan, language: str) -> dict[str, Any]:
    return _table(
        "villages", "report_villages", plan.villages, _VILLAGE, language, currency=_currency(plan)
    )


def _models_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every business model for all households that may use it, summed; rates as medians."""
    rows = []
    for model in MODELS:
        columns = {name: plan.households[f"{model}_{name}"] for name in MEASURES}
        allowed = columns["income_first_year"].notna()
        built = plan.households["modules"] > 0
        cells = [label(model, language), str(int((allowed & built).sum()))]
        for name in MEASURES:
            summed = name in _SUMMED or name == "income_worst"
            value = columns[name].sum(min_count=1) if summed else columns[name].median()
            cells.append(_cell(name, value, 2 if summed else _MEDIAN_DIGITS[name], language))
        rows.append(cells)
    keys = (("model", -1), ("households", 0), *((name, 2) for name in MEASURES))
    return {
        "id": "models",
        "title": label("report_models", language),
        "note": label("models_note", language),
        "columns": _columns(keys, language, _currency(plan)),
        "rows": rows,
        "total": None,
    }


def _aside_table(plan: Plan, language: str) -> dict[str, Any]:
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
        "columns": _columns(keys, language),
        "rows": rows,
        "total": None,
    }


def _ledger_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every payment of the chosen models, summed over households: the columns balance to zero."""
    rows = []
    for entry in plan.facts.get("ledger", []):
        yearly = entry["by_year"]
        known = all(value is not None for value in yearly)
        life = sum(yearly) if known else None
        words = [label(entry[key], language) for key in ("model", "item", "payer", "payee")]
        money = [shown(value, 2, language) for value in (yearly[0], yearly[1], life)]
        rows.append([*words, *money])
    heads = ("model", "ledger_item", "ledger_payer", "ledger_payee")
    sums = ("ledger_year0", "ledger_year1", "ledger_life")
    columns = [_Column(label(h, language), "", "") for h in heads]
    columns += [_Column(label(h, language), "n", "") for h in sums]
    title = label("report_ledger", language)
    return {"id": "ledger", "title": title, "columns": columns, "rows": rows, "total": None}


_FACT_DIGITS = {
    "gini_before": 3,
    "gini_after": 3,
    "low_income_share_before": 3,
    "low_income_share_of_gain": 3,
    "income_of_rural_income": 3,
    "members": 0,
    "capital": 2,
    "surplus_first_year": 2,
    "dividend_first_year": 2,
    "npv": 2,
    "irr": 4,
    "payback_years": 1,
    "dscr_min": 2,
    "reserve_at_end": 2,
}


def _facts_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The collective's own result, and common prosperity as numbers."""
    tables = []
    for name in ("collective", "fairness"):
        facts = plan.facts.get(name) or {}
        rows = [
            [label(key, language, unit=True), shown(value, _FACT_DIGITS[key], language)]
            for key, value in facts.items()
        ]
        if rows:
            columns = [_Column("", "", ""), _Column(label("value", language), "n", "")]
            title = label(f"report_{name}", language)
            tables.append(
                {"id": name, "title": title, "columns": columns, "rows": rows, "total": None}
            )
    return tables


def _press_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The plan beside what was said elsewhere, and each difference by what makes it."""
    press = plan.facts.get("press", [])
    if not press:
        return []
    keys = ("energy", "income", "price", "payback", "by_price", "by_energy", "by_costs")
    digits = {"energy": 0, "income": 0, "price": 2, "payback": 1}
    rows = [
        [
            str(entry["name"]) if entry["name"] else label("press_ours", language),
            *(shown(entry.get(key), digits.get(key, 0), language) for key in keys),
            _coal_words(entry.get("coal")),
            str(entry["note"]),
            str(entry["source"]),
        ]
        for entry in press
    ]
    heads = ["press_name", *(f"press_{key}" for key in keys), "standard_coal", "press_note"]
    heads.append("source")
    aligns = ["", *(["n"] * len(keys)), "", "", ""]
    columns = [
        _Column(label(h, language), align, "") for h, align in zip(heads, aligns, strict=True)
    ]
    title = label("report_press", language)
    return [{"id": "press", "title": title, "columns": columns, "rows": rows, "total": None}]


def _coal_words(coal: dict[str, Any] | None) -> str:
    if not coal:
        return ""
    return f"{coal['implied']:g} {coal['unit']} = {coal['convention'] or '?'}"


def _carbon_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """Yearly and cumulative tonnes, and what they rest on."""
    facts = plan.facts.get("carbon") or {}
    if not facts or facts["factor"] is None:
        return []
    words = {
        "carbon_method": facts["method"],
        "grid_factor": f"{facts['factor']:g} kgCO2/kWh, {facts['factor_source']}"
        + (f", {facts['factor_year']}" if facts["factor_year"] else ""),
        "carbon_pathway": facts["pathway"],
        "scheme": facts["claim"]["scheme"],
        "credit_value": shown(facts["claim"]["value"], 2, language),
    }
    rows = [[label(key, language), value] for key, value in words.items()]
    for key in ("embodied_t", "net_2030_t", "net_2060_t", "net_life_t"):
        rows.append([label(key, language, unit=True), shown(facts[key], 3, language)])
    columns = [_Column("", "", ""), _Column(label("value", language), "", "")]
    title = label("report_carbon_facts", language)
    return [{"id": "carbon", "title": title, "columns": columns, "rows": rows, "total": None}]


def _carbon_chart(plan: Plan, language: str) -> dict[str, Any] | None:
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
        marked = year == 2030 or number % 5 == 0 or number == len(years) - 1
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


def _stress_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The same stresses for every borrower, where anybody borrows."""
    stresses = plan.facts.get("stress") or []
    if not stresses:
        return []
    rows = [
        [
            label(f"stress_{entry['name']}", language),
            *(shown(entry[key], 2, language) for key in ("p50", "p90", "life")),
            f"{entry['below']:.0%}",
            f"{entry['below_p90']:.0%}",
        ]
        for entry in stresses
    ]
    keys = ("name", "p50", "year", "life", "below", "below_year")
    columns = [
        _Column(label(f"stress_{key}", language), "" if key == "name" else "n", "") for key in keys
    ]
    return [
        {
            "id": "stress",
            "title": label("report_stress", language),
            "note": label("stress_note", language),
            "columns": columns,
            "rows": rows,
            "total": None,
        }
    ]


def _waterfall_table(plan: Plan, language: str) -> dict[str, Any]:
    steps = plan.facts.get("waterfall", {})
    whole = steps.get("plane", 0.0)
    rows = [
        [label(step, language), shown(kwh, 0, language), f"{kwh / whole:.1%}" if whole else ""]
        for step, kwh in steps.items()
        if kwh
    ]
    heads = (("waterfall_step", ""), ("waterfall_kwh", "n"), ("waterfall_share", "n"))
    return {
        "id": "waterfall",
        "title": label("report_waterfall", language),
        "columns": [_Column(label(h, language), align, "") for h, align in heads],
        "rows": rows,
        "total": None,
    }


def _doubt_table(plan: Plan, language: str) -> dict[str, Any]:
    rows = [
        [
            label(str(row["component"]), language),
            f"{row['roof']:.1%}",
            f"{row['village']:.1%}",
            str(row["source"]),
            str(row["year"]),
        ]
        for row in plan.facts.get("doubt", [])
    ]
    heads = (
        ("doubt_component", ""),
        ("doubt_roof", "n"),
        ("doubt_village", "n"),
        ("source", ""),
        ("year", ""),
    )
    return {
        "id": "doubt",
        "title": label("report_doubt", language),
        "columns": [_Column(label(h, language), align, "") for h, align in heads],
        "rows": rows,
        "total": None,
    }


def _assumption_table(plan: Plan, language: str) -> dict[str, Any]:
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
        "columns": [_Column(label(h, language), "", "") for h in heads],
        "rows": rows,
        "total": None,
    }
