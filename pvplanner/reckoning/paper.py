"""A reckoning as a page and as PDFs."""

from __future__ import annotations

from typing import Any

from pvplanner.documents.mark import mark_of
from pvplanner.documents.typesetting import typeset
from pvplanner.markup import fill_page
from pvplanner.reckoning.content import Section, sections
from pvplanner.reckoning.figures import key_figures
from pvplanner.texts import visible
from pvplanner.tracking.reckoning import Reckoned
from pvplanner.words import label, style, texts


def make_page(found: Reckoned, language: str) -> bytes:
    """The page, which needs no network and runs no script."""
    told = [{**_told(s, language), "key": s.key} for s in sections(found, language)]
    page = fill_page(
        "reckoning.html.j2", html=style(language)["html"], t=texts(language),
        name=visible(found.plan.scenario.name), period=found.period.name,
        figures=_figures(found, language), sections=told,
        said=[f.text(language) for f in found.findings],
    )  # fmt: skip
    return page.encode("utf-8")


def make_pdf(found: Reckoned, language: str, held: list[Section]) -> bytes:
    """Key figures with a place to sign, then every section.

    Raises
    ------
    ConfigError
        If Typst is not installed.
    """
    data = _head(found, language) | {
        "figures": _figures(found, language),
        "said": [f.text(language) for f in found.findings],
        "sections": [_told(s, language) for s in held],
        "signers": [label(key, language) for key in SIGNERS],
    }
    return typeset("reckoning", data, date=found.plan.scenario.documents.date)


def _figures(found: Reckoned, language: str) -> list[list[str]]:
    return [[one.name, one.text(language)] for one in key_figures(found, language)]


SIGNERS = ("reckon_made_by", "reckon_checked_by", "reckon_head")


def make_statements(found: Reckoned, language: str, held: list[dict[str, Any]]) -> bytes:
    """A page a household.

    Raises
    ------
    ConfigError
        If Typst is not installed.
    """
    sheets = [{**one, "table": _told(one["table"], language)} for one in held]
    data = _head(found, language) | {
        "sheets": sheets, "note": label("reckon_statement_note", language),
        "signers": [label(key, language) for key in ("reckon_made_by", "reckon_signed_by")],
    }  # fmt: skip
    return typeset("statements", data, date=found.plan.scenario.documents.date)


def _head(found: Reckoned, language: str) -> dict[str, Any]:
    mark = mark_of(found.plan, "reckoning", "pdf", language=language, period=found.period.name)
    return {
        "title": f"{visible(found.plan.scenario.name)} {label('reckon_title', language)}",
        "edition": found.period.name, "hash": mark.plan, "mark": mark.text(),
        "language": style(language)["html"].split("-")[0], "words": texts(language),
    }  # fmt: skip


def _told(section: Section, language: str) -> dict[str, Any]:
    """A section as texts."""
    columns = [
        {"label": head, "number": kind != "text", "part": 0} for head, kind in
        zip(section.heads, section.kinds, strict=True)
    ]  # fmt: skip
    if section.kinds[-1] == "text":
        columns[-1]["part"] = 1
    rows = [section.as_text(row, language) for row in section.rows]
    total = section.as_text(section.total(), language) if any(section.sums) and rows else None
    return {"title": section.title, "note": section.note, "columns": columns, "rows": rows,
            "total": total}  # fmt: skip
