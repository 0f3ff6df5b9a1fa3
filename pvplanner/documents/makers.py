"""What makes each kind of document; what is heavy is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pvplanner.documents.mark import Mark
from pvplanner.errors import LANGUAGES
from pvplanner.plan import Plan
from pvplanner.texts import visible

BOTH = "both"
"""A report in one language after the other."""


def make_document(plan: Plan, mark: Mark) -> bytes:
    """A document's bytes, all of the plan and of what its mark says."""
    return MAKERS[mark.kind](plan, mark, **mark.options)


def _page(plan: Plan, mark: Mark, language: str, internal: bool) -> bytes:
    from pvplanner.report import render_report

    return render_report(plan, language, internal=internal, mark=mark.text()).encode("utf-8")


def _report(plan: Plan, mark: Mark, language: str, internal: bool) -> bytes:
    from pvplanner.documents.content import report_pages
    from pvplanner.documents.typesetting import typeset

    codes = LANGUAGES if language == BOTH else (language,)
    editions = [report_pages(plan, code, mark, internal=internal) for code in codes]
    data = {"title": visible(plan.scenario.name), "mark": mark.text(), "editions": editions}
    return typeset("report", data, date=plan.scenario.documents.date)


def _household(plan: Plan, mark: Mark, language: str, households: Sequence[str] | None) -> bytes:
    from pvplanner.documents.household import household_pages
    from pvplanner.documents.typesetting import typeset

    data = household_pages(plan, language, mark, households)
    return typeset("household", data, date=plan.scenario.documents.date)


def _memo(plan: Plan, mark: Mark, language: str, internal: bool) -> bytes:
    from pvplanner.documents.memo import make_memo

    return make_memo(plan, language, mark, internal=internal)


def _household_text(
    plan: Plan, mark: Mark, language: str, households: Sequence[str] | None
) -> bytes:
    from pvplanner.documents.memo import make_household_text

    return make_household_text(plan, language, mark, households)


def _meeting(plan: Plan, mark: Mark, language: str) -> bytes:
    from pvplanner.documents.meeting import make_meeting

    return make_meeting(plan, language, mark)


def _picture(plan: Plan, mark: Mark, language: str, which: str) -> bytes:
    from pvplanner.documents.pictures import make_picture

    return make_picture(plan, language, mark, which)


def _materials(plan: Plan, mark: Mark, language: str) -> bytes:
    from pvplanner.documents.materials import make_materials

    return make_materials(plan, language, mark)


def _drawing(plan: Plan, mark: Mark, language: str, buildings: Sequence[str] | None) -> bytes:
    from pvplanner.documents.layouts import make_drawing

    return make_drawing(plan, language, mark, buildings)


def _layouts(plan: Plan, mark: Mark, language: str, buildings: Sequence[str] | None) -> bytes:
    from pvplanner.documents.layouts import layout_pages
    from pvplanner.documents.typesetting import typeset

    data = layout_pages(plan, language, mark, buildings)
    return typeset("layouts", data, date=plan.scenario.documents.date)


def _workbook(plan: Plan, mark: Mark, language: str, internal: bool) -> bytes:
    from pvplanner.documents.workbook import make_workbook

    return make_workbook(plan, language, mark, internal=internal)


def _bank(plan: Plan, mark: Mark, language: str) -> bytes:
    from pvplanner.documents.bank import make_bank_book

    return make_bank_book(plan, language, mark)


def _bank_pages(plan: Plan, mark: Mark, language: str, borrowers: Sequence[str] | None) -> bytes:
    from pvplanner.documents.lending import bank_pages
    from pvplanner.documents.typesetting import typeset

    data = bank_pages(plan, language, mark, borrowers)
    return typeset("bank", data, date=plan.scenario.documents.date)


def _filing(plan: Plan, mark: Mark, language: str, columns: Sequence[tuple[str, str]]) -> bytes:
    from pvplanner.documents.filing import make_filing

    return make_filing(plan, language, mark, dict(columns))


MAKERS: dict[str, Callable[..., bytes]] = {
    "filing": _filing,
    "page": _page,
    "report": _report,
    "household": _household,
    "household_text": _household_text,
    "drawing": _drawing,
    "layouts": _layouts,
    "materials": _materials,
    "meeting": _meeting,
    "memo": _memo,
    "picture": _picture,
    "workbook": _workbook,
    "bank": _bank,
    "bank_pages": _bank_pages,
}
