"""What a plan's report says on paper: the report's own tables, laid out for pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from pvplanner.documents.drawing import ASIDE, BUILT, FREE, village_picture
from pvplanner.documents.mark import Mark
from pvplanner.documents.signed import signed_pages
from pvplanner.plan import Plan
from pvplanner.report import report_content
from pvplanner.report.cells import Column, currency_of, make_cell, make_columns, total_of
from pvplanner.report.tables import listed_households
from pvplanner.schema import is_summed, shown_in
from pvplanner.texts import text_width
from pvplanner.words import label, style, texts

ROWS_A_PAGE = 28
"""Households on a page of the ledger, its sums below them."""

WIDE = 8
"""A table of more columns goes across the paper."""

LONG = 12
"""Characters beyond which a column is given a part of the width instead of all it needs."""

ALONG, ACROSS = 112, 190
"""Halves of a Chinese character that a line of a table holds along and across the paper."""

HEAD, GAP, NARROW = 12, 3, 6
"""What a heading may take before it is broken, what lies between columns, and the least of one."""

COLOURS = {"months": "#31688e", "cash": "#21918c", "carbon": "#35b779"}


def report_pages(plan: Plan, language: str, mark: Mark, *, internal: bool) -> dict[str, Any]:
    """The signed pages and the annex, as words and figures.

    Parameters
    ----------
    plan : Plan
    language : str
    mark : Mark
        Of this document.
    internal : bool
        The office edition, with names and what households use.
    """
    words = texts(language)
    told = report_content(plan, language, internal=internal)
    shown = plan if internal else plan.public()
    households = household_ledger(shown, language, internal=internal)
    tables = [laid_out(t) for t in told["tables"] if t["id"] != "households"]
    return {
        "language": language, "title": told["name"], "edition": words[told["edition"]],
        "words": paper_words(language), "mark": mark.text(), "hash": mark.plan,
        "notes": told["notes"], "signed": signed_pages(shown, language, told["totals"]["rows"]),
        "map": map_parts(shown, language),
        "charts": list(chart_bars(
            {"months": told["chart"], "cash": told["cash"], "carbon": told["carbon"]}, language
        ).values()),
        "groups": _groups(tables), "households": households,
        "doubts": told["doubts"], "findings": told["findings"],
        "made": made_rows(shown, language, mark),
    }  # fmt: skip


def paper_words(language: str) -> dict[str, str]:
    """Words of the templates."""
    every = texts(language)
    named = ("report_none", "report_findings", "reading_doubts", "three_totals")
    return {k: v for k, v in every.items() if k.startswith("document_") or k in named}


def _groups(tables: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tables along the paper, then those across it, which leave no page half empty."""
    wide = [len(one["columns"]) > WIDE for one in tables]
    return [
        {"wide": across, "tables": [t for t, w in zip(tables, wide, strict=True) if w == across]}
        for across in (False, True)
    ]


def laid_out(table: dict[str, Any]) -> dict[str, Any]:
    """A table of the report with the width of its columns."""
    rows, total = table["rows"], table["total"]
    return {
        "id": table["id"], "title": table["title"], "note": table.get("note") or "",
        "columns": _columns(table["columns"], rows), "rows": [list(map(str, r)) for r in rows],
        "total": total,
    }  # fmt: skip


def _columns(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Columns as wide as their cells where all fit the paper, else parts of it by how long their
    cells are.
    """
    longs = [
        max((text_width(str(row[at])) for row in rows), default=0) for at in range(len(columns))
    ]
    wants = [max(long, min(text_width(one.label), HEAD), NARROW) + GAP
             for long, one in zip(longs, columns, strict=True)]  # fmt: skip
    room = ACROSS if len(columns) > WIDE else ALONG
    # A column that is as wide as its cells does not break its heading.
    full = [max(min(long, LONG), text_width(one.label)) + GAP
            for long, one in zip(longs, columns, strict=True)]  # fmt: skip
    fits = sum(full) <= room
    out = []
    for one, long, want in zip(columns, longs, wants, strict=True):
        whole = fits and (one.align == "n" or long <= LONG)
        out.append({"label": one.label, "number": one.align == "n",
                    "part": 0 if whole else min(want, 60)})  # fmt: skip
    if all(one["part"] == 0 for one in out) and out:
        out[0]["part"] = 1
    return out


def household_ledger(plan: Plan, language: str, *, internal: bool) -> dict[str, Any]:
    """Households page by page: each page's sum, and what is carried to the next."""
    homes, note = listed_households(plan, language)
    keys = [k for k in shown_in("paper", personal=internal) if k in homes]
    cells = {k: [make_cell(k, v, language) for v in homes[k]] for k in keys}
    rows = [list(row) for row in zip(*cells.values(), strict=True)]
    pages, last = [], max(len(rows), 1)
    for first in range(0, last, ROWS_A_PAGE):
        end = min(first + ROWS_A_PAGE, len(rows))
        ends = end >= len(rows)
        pages.append({
            "brought": _sums(homes.iloc[:first], keys, "document_brought", language)
            if first else None,
            "rows": rows[first:end],
            "sum": _sums(homes.iloc[first:end], keys, "document_page_sum", language),
            "carried": _sums(homes.iloc[:end], keys,
                             "total" if ends else "document_carried", language),
        })  # fmt: skip
    return {
        "title": label("report_households", language), "note": note,
        "columns": _columns(make_columns(keys, language, currency_of(plan)), rows),
        "pages": pages,
    }  # fmt: skip


def _sums(part: pd.DataFrame, keys: Sequence[str], name: str, language: str) -> list[str]:
    sums = [total_of(part[k], k, language) if is_summed(k) and len(part) else "" for k in keys]
    return [label(name, language), *sums[1:]]


def map_parts(plan: Plan, language: str) -> dict[str, Any]:
    """All roofs as a picture, what its colours mean, and a remark."""
    drawn = village_picture(plan)
    names = {BUILT: "document_built", FREE: "document_free", ASIDE: "document_aside"}
    legend = [
        {"colour": colour, "label": f"{label(names[colour], language)} {count}"}
        for colour, count in drawn["kinds"].items()
    ]
    return {"svg": drawn["svg"], "legend": legend, "note": label("document_map_note", language)}


MOST = {"months": 190, "cash": 75, "carbon": 120}
"""How high the report draws its highest bar."""


def chart_bars(told: dict[str, Any], language: str) -> dict[str, dict[str, Any]]:
    """The report's bars as parts of the largest, by what they show; what has none is left out."""
    unit = style(language)["with_unit"].format
    out = {}
    for kind, most in MOST.items():
        held = told.get(kind)
        if not held:
            continue
        many = len(held["bars"]) > 12
        bars: list[dict[str, Any]] = []
        top = max(float(bar["height"]) for bar in held["bars"])
        for n, bar in enumerate(held["bars"]):
            sign = -1 if kind == "cash" and bar["y"] == 100 and str(bar["value"])[0] in "-−" else 1
            named = bar.get("month") or bar.get("year")
            every = not many or n % 3 == 0
            # A loss is never left to be guessed.
            bars.append({"part": sign * float(bar["height"]) / most,
                         "text": str(bar["value"]) if every or sign < 0 or bar["height"] == top
                         else "",
                         "label": str(named) if every else ""})  # fmt: skip
        note = ""
        if kind == "cash":
            note = label("ledger_year0", language) + style(language)["colon"] + held["before"]
        title = unit(text=label(f"report_{kind}", language), unit=held["unit"])
        out[kind] = {"title": title, "note": note, "bars": bars, "colour": COLOURS[kind]}
    return out


def made_rows(plan: Plan, language: str, mark: Mark) -> list[list[str]]:
    """By what a document was made, and of what."""
    listed = style(language)["list"].join
    return [
        [label("document_hash", language), mark.plan],
        [label("document_versions", language), _pairs(mark.versions.items(), listed)],
        [label("document_inputs", language),
         _pairs(((key, sha[:16]) for key, sha in mark.inputs.items()), listed)],
        [label("document_check", language), label("document_check_how", language)],
    ]  # fmt: skip


def _pairs(items: Iterable[tuple[str, str]], listed: Any) -> str:
    return str(listed(f"{name} {value}" for name, value in items)) or "-"
