"""Words that a page may say: those of its scripts, those of its plan, and its sources."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pandas as pd

from pvplanner import reference
from pvplanner.mapping.layer import page_scripts
from pvplanner.mapping.measures import roof_columns
from pvplanner.markup import packaged
from pvplanner.money import all_models
from pvplanner.plan import Plan
from pvplanner.schema import personal_columns
from pvplanner.words import in_units, label, source, style, texts, told

FAMILIES = ("phase_", "case_", "moved_", "varied_", "slider_", "source_", "plain_", "party_",
            "total_", "rows_", "filter_")  # fmt: skip
"""Beginnings of words that the page's scripts put together."""


def page_texts(language: str, internal: bool, said: set[str]) -> dict[str, str]:
    """The language's words that the page may say; personal ones only in the office edition.

    Parameters
    ----------
    said : set of str
        Words of the plan's own, as :func:`words_of` finds them; those that the page's scripts name
        are added.
    """
    # A payment may be called as a personal column is: its name tells nothing of anybody.
    hidden = set() if internal else set(personal_columns()) - _items()
    named = said | _named_by_page() | {"yes", "no"}
    kept = {k: v for k, v in texts(language).items()
            if k not in hidden and (k in named or k.startswith(FAMILIES))}  # fmt: skip
    return {**kept, "colon": style(language)["colon"]}


@cache
def _items() -> set[str]:
    """What a household may receive or pay, by name."""
    return {row["item"] for row in reference.rows("models")}


@cache
def _named_by_page() -> set[str]:
    """Every word between quotes in the page's scripts and its skeleton."""
    written = page_scripts()[1] + packaged("templates/map/skeleton.html")
    return set(re.findall(r'"([a-z][a-z0-9_]*)"', written))


def words_of(data: Any, frame: pd.DataFrame) -> set[str]:
    """Words that a page's data may ask for: every string in it, and the kinds of its roofs."""
    out: set[str] = set()
    stack = [data]
    while stack:
        told = stack.pop()
        if isinstance(told, str):
            out.update(told.split())
        elif isinstance(told, dict):
            stack += [*told, *told.values()]
        elif isinstance(told, list | tuple | set):
            stack += told
    for key in roof_columns(frame)[0]:
        out |= {str(v).partition(":")[0] for v in frame[key].dropna().unique()}
    return out


def sources_line(plan: Plan, language: str) -> str:
    """One line on weather, model and carbon factor."""
    wanted = ["weather_source", "module_product", "carbon_method", "grid_factor", "capex_per_w"]
    own, currency = style(language), plan.scenario.finance.currency
    every = plan.result("assumptions")
    table = every.drop_duplicates("key").set_index("key")
    # What a licence asks to be named stands first, whole.
    fetched = every[every["key"] == "data_source"]
    parts = [f"{row.value} [{row.source}]" for row in fetched.itertuples()]
    for key in wanted:
        if key not in table.index:
            continue
        row = table.loc[key]
        year = f", {row['year']}" if row["year"] else ""
        title = source(str(row["source"]), language)
        said = "" if row["source"] == row["value"] else f" [{title}{year}]"
        unit = in_units(str(row["unit"]), language, currency)
        value = told(key, str(row["value"]), language)
        parts.append(
            f"{label(key, language)}{own['colon']}{value}{' ' if unit else ''}{unit}{said}"
        )
    used = set(plan.households["model"].dropna())
    names = own["list"].join(label(m, language) for m in all_models() if m in used)
    return f"{label('model', language)}{own['colon']}{names}{own['stop']}{own['parts'].join(parts)}"
