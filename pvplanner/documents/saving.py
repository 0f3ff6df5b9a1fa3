"""Documents of a plan as files, by their suffix: written beside and renamed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pvplanner.documents.makers import BOTH, make_document
from pvplanner.documents.mark import mark_of
from pvplanner.errors import LANGUAGES, ConfigError, InputError
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside

LONGEST = 32_000
"""Letters of a mark: a PDF's text may have no more than 32,767."""

REPORTS = {".html": "page", ".htm": "page", ".pdf": "report", ".xlsx": "workbook",
           ".docx": "memo"}  # fmt: skip
"""Kinds of a plan's report by their suffix."""


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
        ``.html`` for a page, ``.pdf`` for two pages to be signed with their annex, ``.docx`` for
        these two pages as a text to go on with, ``.xlsx`` for a workbook whose cash follows a few
        cells (``pip install pvplanner[documents]``).
    language : str, optional
        The scenario's if not given; ``both`` for a PDF in one after the other.
    internal : bool
        The office edition: with names, low-income marks, present incomes and consumption.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the language or suffix is unknown, or what makes such a file is not installed.
    """
    return _saved(plan, path, REPORTS, language, internal=internal)


def save_household_sheet(
    plan: Plan,
    path: str | os.PathLike[str],
    households: Sequence[str] | None = None,
    *,
    language: str | None = None,
) -> Path:
    """Write the sheet of one household or of several, a page each.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.pdf``, or ``.docx`` to go on with.
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
    asked = None if households is None else [str(h) for h in households]
    kinds = {".pdf": "household", ".docx": "household_text"}
    return _saved(plan, path, kinds, language, households=asked)


def save_meeting(plan: Plan, path: str | os.PathLike[str], *, language: str | None = None) -> Path:
    """Write a meeting's papers: a draft of its resolution, what is posted, sheets for answers.

    Parameters
    ----------
    plan : Plan
        Of one village.
    path : path-like
        ``.docx``.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    InputError
        If there are several villages.
    ConfigError
        If the suffix is another, or python-docx is not installed.
    """
    return _saved(plan, path, {".docx": "meeting"}, language)


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
    return _saved(plan, path, {".xlsx": "bank"}, language)


def save_bank_pages(
    plan: Plan,
    path: str | os.PathLike[str],
    borrowers: Sequence[str] | None = None,
    *,
    language: str | None = None,
) -> Path:
    """Write a page a borrower for a bank: what is asked, what pays it, price cases, the debt year
    by year.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.pdf``.
    borrowers : sequence of str, optional
        Households, ``collective`` or ``developer``; all that borrow if not given.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    InputError
        If nobody borrows, or one that is asked for does not.
    ConfigError
        If the suffix is another, or Typst is not installed.
    """
    asked = None if borrowers is None else [str(one) for one in borrowers]
    return _saved(plan, path, {".pdf": "bank_pages"}, language, borrowers=asked)


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

    told = read_columns(None if columns is None else str(columns), _code(plan, path, language))
    pairs = [list(pair) for pair in told.items()]
    return _saved(plan, path, {".xlsx": "filing"}, language, columns=pairs)


def save_materials(
    plan: Plan, path: str | os.PathLike[str], *, language: str | None = None
) -> Path:
    """Write the installer's workbook: materials by house and in sum, inverters by size, strings
    within the inverter's window, and the rules behind them.

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
        If no building carries modules.
    ConfigError
        If the suffix is another, or XlsxWriter is not installed.
    """
    return _saved(plan, path, {".xlsx": "materials"}, language)


def save_layouts(
    plan: Plan,
    path: str | os.PathLike[str],
    buildings: Sequence[str] | None = None,
    *,
    language: str | None = None,
) -> Path:
    """Write where every module lies, with dimensions.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.dxf`` in the plan's coordinates, or ``.pdf`` with a page a house.
    buildings : sequence of str, optional
        Their identifiers; all that carry modules if not given.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    InputError
        If a building is not there or carries no modules.
    ConfigError
        If the suffix is another, or ezdxf or Typst is not installed.
    """
    asked = None if buildings is None else [str(b) for b in buildings]
    kinds = {".dxf": "drawing", ".pdf": "layouts"}
    return _saved(plan, path, kinds, language, buildings=asked)


def save_pictures(
    plan: Plan, folder: str | os.PathLike[str], *, language: str | None = None
) -> Path:
    """Write the map and each chart as PNG.

    Parameters
    ----------
    plan : Plan
    folder : path-like
        Gets ``map.png``, ``months.png``, ``cash.png``, ``carbon.png``, where there is one.
    language : str, optional
        The scenario's if not given.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigError
        If the language is unknown, or Typst is not installed.
    """
    from pvplanner.documents.pictures import pictures_of

    target = Path(folder)
    for which in pictures_of(plan, _code(plan, folder, language)):
        _saved(plan, target / f"{which}.png", {".png": "picture"}, language, which=which)
    return target


def _saved(
    plan: Plan, path: str | os.PathLike[str], kinds: dict[str, str], language: str | None,
    **options: Any,
) -> Path:  # fmt: skip
    """Make the document that a suffix stands for, and write it."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in kinds:
        known = ", ".join(kinds)
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)
    both = language == BOTH and kinds[suffix] == "report"
    told = {"language": BOTH if both else _code(plan, path, language), **options}
    mark = mark_of(plan, kinds[suffix], suffix.removeprefix("."), **told)
    if len(mark.text()) > LONGEST:
        raise InputError("document_many", where=str(target))
    return write_bytes_beside(target, make_document(plan, mark))


def _code(plan: Plan, path: str | os.PathLike[str], language: str | None) -> str:
    """The language asked for, or the scenario's."""
    code = language or plan.scenario.language
    if code not in LANGUAGES:
        raise ConfigError("language_unknown", where=str(path), value=code)
    return code
