"""Cells, columns and tables of the report: how a value is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pvplanner.money import all_models
from pvplanner.plan import Plan
from pvplanner.schema import MEASURES, column, is_summed
from pvplanner.words import describe, label, number, phrase, rule_of, shown

NOT_APPLICABLE = ("phase", "irr", "payback_years", "discounted_payback_years", "dscr_min", "lcoe")
"""Measures that are absent, rather than not known, where there is no capital or no debt."""

ABSENT = "—"


@dataclass(frozen=True)
class Column:
    """A column: its label, how it is aligned, what it means."""

    label: str
    align: str
    description: str


def currency_of(plan: Plan) -> str:
    """Of the plan's money."""
    return plan.scenario.finance.currency


def is_number(key: str) -> bool:
    """Whether a column is shown as a number."""
    return column(key).kind not in ("text", "flag")


def make_columns(keys: Iterable[str], language: str, currency: str = "CNY") -> list[Column]:
    """Columns of a table by their keys."""
    return [
        Column(
            label(key, language, unit=True, currency=currency),
            "n" if is_number(key) else "",
            describe(key, language),
        )
        for key in keys
    ]


def plain_columns(
    keys: Sequence[str], language: str, numbers: Sequence[str] = (), currency: str | None = None
) -> list[Column]:
    """Columns named by words, of which some are numbers; with a currency their units are shown."""
    return [
        Column(
            label(k, language, unit=currency is not None, currency=currency or "CNY") if k else "",
            "n" if k in numbers else "", "",
        )
        for k in keys
    ]  # fmt: skip


def is_unknown(value: Any) -> bool:
    """Whether there is no value."""
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def is_absent(key: str) -> bool:
    """Whether no value of a column means that there is none, rather than that it is not known."""
    return key in NOT_APPLICABLE or _by_model(key)


def make_cell(key: str, value: Any, language: str, scope: str = "one") -> str:
    """A value as its column shows it."""
    kind = column(key).kind
    if is_unknown(value):
        if is_absent(key):
            return ABSENT
        return "" if kind in ("text", "flag") else label("unknown", language)
    if kind == "flag":
        return label("yes" if value else "no", language)
    if kind == "text":
        return label(str(value), language) if key == "model" else str(value)
    return shown(value, key, language, scope)


def _by_model(key: str) -> bool:
    return any(key == f"{m}_{name}" for m in all_models() for name in MEASURES)


def percent(value: float, language: str) -> str:
    """A share as the language writes it."""
    return number(value, rule_of("rate"), language)


def word(value: Any, language: str) -> str:
    """A word of the catalogue, or the text as it stands."""
    found = phrase(str(value), language)
    return str(value) if found is None else found


def as_shown(value: Any, key: str) -> float:
    """The number that a reader reads in a cell: sums are of these, so that they add up on paper."""
    from pvplanner.words import rounded_by

    rule = rule_of(column(key).kind).removeprefix("p")
    return rounded_by(float(value), rule)[0]


def total_of(values: pd.Series, key: str, language: str) -> str:
    """Sum of a column as it is shown; of a model's, over those that may use it."""
    known = values.dropna()
    if len(known) < len(values) and not _by_model(key):
        return label("unknown", language)
    if known.empty and _by_model(key):
        return label("unknown", language)
    # Energies are shown to a few digits: their sum is the sum of what they are.
    kind = column(key).kind
    if rule_of(kind).startswith("s"):
        return shown(float(known.sum()), key, language, "whole")
    total = sum(as_shown(value, key) for value in known)
    return number(total, rule_of(kind), language)


def make_table(
    name: str,
    title: str,
    frame: pd.DataFrame,
    keys: Sequence[str],
    language: str,
    *,
    total: bool = False,
    scope: str = "one",
    note: str = "",
    currency: str = "CNY",
) -> dict[str, Any]:
    """A table of a frame's columns, with a row of totals on request."""
    cells = {k: [make_cell(k, value, language, scope) for value in frame[k]] for k in keys}
    rows = [list(row) for row in zip(*cells.values(), strict=True)] if keys else []
    foot = None
    if total:
        sums = [total_of(frame[k], k, language) if is_summed(k) or _summed_measure(k) else ""
                for k in keys]  # fmt: skip
        foot = [label("total", language), *sums[1:]]
    columns = make_columns(keys, language, currency)
    return table(name, label(title, language), columns, rows, note=note or None, total=foot)


def _summed_measure(key: str) -> bool:
    return _by_model(key) and key.endswith("income_first_year")


def table(
    name: str,
    title: str,
    columns: list[Column],
    rows: list[list[str]],
    *,
    note: str | None = None,
    total: list[str] | None = None,
) -> dict[str, Any]:
    """A table as the template takes it."""
    out = {"id": name, "title": title, "columns": columns, "rows": rows, "total": total}
    return out if note is None else {**out, "note": note}
