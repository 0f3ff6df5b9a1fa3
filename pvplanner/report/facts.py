"""The report's tables of facts: ledger, press, carbon, stresses, waterfall, doubt."""

from __future__ import annotations

from typing import Any

from pvplanner.report.cells import Column, currency_of, make_cell, shown
from pvplanner.schema import label, money_unit
from pvplanner.village import Plan


def ledger_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every payment of the chosen models, summed over households: the columns balance to zero."""
    rows = []
    for entry in plan.facts.get("ledger", []):
        yearly = entry["by_year"]
        known = all(value is not None for value in yearly)
        life = sum(yearly) if known else None
        words = [label(entry[key], language) for key in ("model", "item")]
        words += [_party(entry[key], language) for key in ("payer", "payee")]
        money = [shown(value, 2, language) for value in (yearly[0], yearly[1], life)]
        rows.append([*words, *money])
    heads = ("model", "ledger_item", "ledger_payer", "ledger_payee")
    sums = ("ledger_year0", "ledger_year1", "ledger_life")
    columns = [Column(label(h, language), "", "") for h in heads]
    columns += [Column(label(h, language), "n", "") for h in sums]
    title = label("report_ledger", language)
    return {"id": "ledger", "title": title, "columns": columns, "rows": rows, "total": None}


def _party(name: str, language: str) -> str:
    return label("party_developer" if name == "developer" else name, language)


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
    "kept_after_dividends": 2,
    "reserve_at_end": 2,
}


def facts_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The collective's own result, and common prosperity as numbers."""
    tables = []
    for name in ("collective", "fairness"):
        facts = plan.facts.get(name) or {}
        rows = [
            [
                money_unit(label(key, language, unit=True), currency_of(plan)),
                make_cell(key, value, _FACT_DIGITS[key], language),
            ]
            for key, value in facts.items()
        ]
        if rows:
            columns = [Column("", "", ""), Column(label("value", language), "n", "")]
            title = label(f"report_{name}", language)
            tables.append(
                {
                    "id": name,
                    "title": title,
                    "note": label(f"{name}_note", language),
                    "columns": columns,
                    "rows": rows,
                    "total": None,
                }
            )
    return tables


def press_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
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
        Column(label(h, language), align, "") for h, align in zip(heads, aligns, strict=True)
    ]
    title = label("report_press", language)
    return [{"id": "press", "title": title, "columns": columns, "rows": rows, "total": None}]


def _coal_words(coal: dict[str, Any] | None) -> str:
    if not coal:
        return ""
    return f"{coal['implied']:g} {coal['unit']} = {coal['convention'] or '?'}"


def carbon_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
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
    money = currency_of(plan)
    rows = [[money_unit(label(key, language), money), value] for key, value in words.items()]
    for key in ("embodied_t", "net_2030_t", "net_2060_t", "net_life_t"):
        rows.append([label(key, language, unit=True), shown(facts[key], 3, language)])
    columns = [Column("", "", ""), Column(label("value", language), "", "")]
    title = label("report_carbon_facts", language)
    note = label("carbon_note", language)
    table = {"id": "carbon", "title": title, "note": note, "columns": columns, "rows": rows}
    return [{**table, "total": None}]


def stress_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The same stresses for every borrower, where anybody borrows."""
    stresses = plan.facts.get("stress") or []
    if not stresses:
        return []
    rows = [
        [
            label(f"stress_{entry['name']}", language),
            str(entry["borrowers"]),
            *(shown(entry[key], 2, language) for key in ("p50", "p90", "life")),
            f"{entry['below']:.0%}",
            f"{entry['below_p90']:.0%}",
        ]
        for entry in stresses
    ]
    keys = ("name", "borrowers", "p50", "year", "life", "below", "below_year")
    columns = [
        Column(label(f"stress_{key}", language), "" if key == "name" else "n", "") for key in keys
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


def waterfall_table(plan: Plan, language: str) -> dict[str, Any]:
    """From sunlight to the meter."""
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
        "columns": [Column(label(h, language), align, "") for h, align in heads],
        "rows": rows,
        "total": None,
    }


def doubt_table(plan: Plan, language: str) -> dict[str, Any]:
    """Where the doubt comes from."""
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
        "columns": [Column(label(h, language), align, "") for h, align in heads],
        "rows": rows,
        "total": None,
    }
