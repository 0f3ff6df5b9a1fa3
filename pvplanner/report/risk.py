"""The report's tables of risk: price cases, break-even, the borrowers' months, stresses."""

from __future__ import annotations

from typing import Any

from pvplanner.money.months import account_summary
from pvplanner.plan import Plan
from pvplanner.report.cells import (
    currency_of,
    is_unknown,
    make_cell,
    percent,
    plain_columns,
    table,
)
from pvplanner.words import label, number, rule_of

CASE_KEYS = ("households", "income_first_year", "income_mean", "npv", "payback_years",
             "households_losing", "households_short", "households_after_term")  # fmt: skip


def risk_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """Price cases side by side, how far things may fall, and the borrowers' months."""
    return [*_cases(plan, language), *_break_even(plan, language), *_months(plan, language)]


def _cases(plan: Plan, language: str) -> list[dict[str, Any]]:
    held = plan.result("cases")
    rows = []
    for row in held.to_dict("records"):
        cells = [label(f"case_{row['case']}", language), label(str(row["party"]), language)]
        for key in CASE_KEYS:
            counts = key.startswith("households")
            if is_unknown(row[key]) and counts:
                cells.append("–")
            elif counts:
                cells.append(number(float(row[key]), rule_of("count"), language))
            else:
                cells.append(make_cell(key, row[key], language, "whole"))
        rows.append(cells)
    columns = plain_columns(
        ("price_case", "case_party", *CASE_KEYS), language, CASE_KEYS, currency_of(plan)
    )
    term = int(held["term_years"].max()) if len(held) else 0
    note = label("cases_note", language).format(years=term) if term else ""
    return [table("cases", label("report_cases", language), columns, rows, note=note)]


def _break_even(plan: Plan, language: str) -> list[dict[str, Any]]:
    keys = ("npv", "cover_1", "cover_1_2")
    held = plan.result("break_even")
    rows = [
        [label(f"moved_{row['moved']}", language),
         *("–" if is_unknown(row[key]) else _change(float(row[key]), language) for key in keys)]
        for row in held.to_dict("records")
    ]  # fmt: skip
    heads = ("moved", "break_even_worth", *(f"break_even_{key}" for key in keys[1:]))
    columns = plain_columns(heads, language, heads[1:])
    title, note = label("report_break_even", language), label("break_even_note", language)
    return [table("break_even", title, columns, rows, note=note)]


def _whole(value: Any, language: str) -> str:
    """A whole number, or that it is not known."""
    if is_unknown(value):
        return label("unknown", language)
    return number(float(value), rule_of("count"), language)


def _change(factor: float, language: str) -> str:
    """A factor as a change, with its sign."""
    return ("+" if factor > 1 else "") + percent(factor - 1, language)


def _months(plan: Plan, language: str) -> list[dict[str, Any]]:
    accounts = plan.result("accounts")
    held, rows = account_summary(accounts), []
    for key in held.columns if len(held) else ():
        rows.append([label(key, language), _whole(held.iloc[0][key], language)])
    for row in accounts[accounts["household_id"] == "collective"].to_dict("records"):
        for key in ("short_months", "longest_short", "buffer"):
            rows.append([label(f"collective_{key}", language), _whole(row[key], language)])
    if not rows:
        return []
    columns = plain_columns(("", "value"), language, ("value",))
    title, note = label("report_accounts", language), label("months_note", language)
    return [table("accounts", title, columns, rows, note=note)]


def stress_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The same stresses for every borrower, where anybody borrows."""
    stresses = plan.result("stresses")
    if stresses.empty:
        return []
    rows = [
        [
            label(f"stress_{entry['name']}", language),
            str(entry["borrowers"]),
            *(number(entry[key], rule_of("number"), language) for key in ("p50", "p90", "life")),
            number(entry["below"], rule_of("share"), language),
            number(entry["below_p90"], rule_of("share"), language),
        ]
        for entry in stresses.to_dict("records")
    ]
    keys = ("name", "borrowers", "p50", "year", "life", "below", "below_year")
    heads = [f"stress_{key}" for key in keys]
    columns = plain_columns(heads, language, heads[1:])
    title, note = label("report_stress", language), label("stress_note", language)
    return [table("stress", title, columns, rows, note=note)]
