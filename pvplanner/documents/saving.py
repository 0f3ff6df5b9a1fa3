"""Documents of a plan as files, by their suffix: written beside and renamed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pvplanner.documents.mark import Mark, mark_of
from pvplanner.errors import LANGUAGES, ConfigError, InputError
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.report import save_report as save_page

PAGES = (".html", ".htm")
KINDS = {".pdf": "report", ".xlsx": "workbook"}


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
        ``.html`` for a page, ``.pdf`` for two pages to be signed with their annex
        ``.xlsx`` for a workbook whose cash follows a few cells
        (``pip install pvplanner[documents]``).
    language : str, optional
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
        If the language or suffix is unknown, or Typst or XlsxWriter is not installed.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (*PAGES, *KINDS):
        known = ", ".join((*PAGES, *KINDS))
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)
    language = language or plan.scenario.language
    if suffix in PAGES:
        return save_page(plan, target, language=language, internal=internal)
    options = {"language": _known(language, target), "internal": internal}
    mark = mark_of(plan, KINDS[suffix], suffix.removeprefix("."), **options)
    return write_bytes_beside(target, make_document(plan, mark))


def make_document(plan: Plan, mark: Mark) -> bytes:
    """A document's bytes, all of the plan and of what its mark says."""
    return MAKERS[mark.kind](plan, mark)


def _report(plan: Plan, mark: Mark) -> bytes:
    from pvplanner.documents.content import report_pages
    from pvplanner.documents.typesetting import typeset

    told: dict[str, Any] = dict(mark.options)
    data = report_pages(plan, told["language"], mark, internal=told["internal"])
    return typeset("report", data, date=plan.scenario.documents.date)


def save_household_sheet(
    plan: Plan,
    path: str | os.PathLike[str],
    households: Sequence[str] | None = None,
    *,
    language: str | None = None,
) -> Path:
    """Write the sheet of one household or of several, a page each, as PDF.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.pdf``.
    households : sequence of str, optional
        Their identifiers; all that carry modules if not given.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    InputError
        If a household is not there or carries no modules.
    ConfigError
        If the suffix is another, Typst is not installed, or an investor's plant is filed under a
        household's name.
    """
    from pvplanner.documents.household import with_modules

    target = Path(path)
    if target.suffix.lower() != ".pdf":
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=".pdf")
    every = [str(h) for h in (with_modules(plan) if households is None else households)]
    if not every:
        raise InputError("household_bare", where="household", household="-")
    options = {"language": _known(language or plan.scenario.language, target), "households": every}
    return write_bytes_beside(target, make_document(plan, mark_of(plan, "household", "pdf",
                                                                  **options)))  # fmt: skip


def _known(language: str, target: Path) -> str:
    if language not in LANGUAGES:
        raise ConfigError("language_unknown", where=str(target), value=language)
    return language


def _household(plan: Plan, mark: Mark) -> bytes:
    from pvplanner.documents.household import household_pages
    from pvplanner.documents.typesetting import typeset

    told = mark.options
    data = household_pages(plan, told["language"], mark, told["households"])
    return typeset("household", data, date=plan.scenario.documents.date)


def _workbook(plan: Plan, mark: Mark) -> bytes:
    from pvplanner.documents.workbook import make_workbook

    told = mark.options
    return make_workbook(plan, told["language"], mark, internal=told["internal"])


def save_bank_book(
    plan: Plan, path: str | os.PathLike[str], *, language: str | None = None
) -> Path:
    """Write a bank's workbook: a row a borrower, with what speaks against it.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.xlsx``.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    InputError
        If nobody borrows.
    ConfigError
        If the suffix is another, or XlsxWriter is not installed.
    """
    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=".xlsx")
    options = {"language": _known(language or plan.scenario.language, target)}
    return write_bytes_beside(target, make_document(plan, mark_of(plan, "bank", "xlsx", **options)))


def _bank(plan: Plan, mark: Mark) -> bytes:
    from pvplanner.documents.bank import make_bank_book

    return make_bank_book(plan, mark.options["language"], mark)


def save_filing(
    plan: Plan,
    path: str | os.PathLike[str],
    *,
    columns: str | os.PathLike[str] | None = None,
    language: str | None = None,
) -> Path:
    """Write the list that a grid company and a county ask for, by transformer, as a workbook.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.xlsx``.
    columns : path-like, optional
        A table of ``heading`` and ``column`` as the county's form has them; the usual ones if not
        given.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    InputError
        If the table of columns is not what it should be, or no building carries modules.
    ConfigError
        If the suffix is another, or XlsxWriter is not installed.
    """
    from pvplanner.documents.filing import read_columns

    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=".xlsx")
    code = _known(language or plan.scenario.language, target)
    told = read_columns(None if columns is None else str(columns), code)
    options = {"language": code, "columns": [list(pair) for pair in told.items()]}
    mark = mark_of(plan, "filing", "xlsx", **options)
    return write_bytes_beside(target, make_document(plan, mark))


def _filing(plan: Plan, mark: Mark) -> bytes:
    from pvplanner.documents.filing import make_filing

    columns = dict(mark.options["columns"])
    return make_filing(plan, mark.options["language"], mark, columns)


MAKERS = {
    "filing": _filing,
    "report": _report,
    "household": _household,
    "workbook": _workbook,
    "bank": _bank,
}
