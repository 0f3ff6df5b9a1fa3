"""Documents of a plan as files, by their suffix: written beside and renamed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pvplanner.documents.mark import Mark, mark_of
from pvplanner.errors import LANGUAGES, ConfigError
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.report import save_report as save_page

PAGES = (".html", ".htm")
KINDS = (*PAGES, ".pdf")


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
        If the language or suffix is unknown, or Typst is not installed.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in KINDS:
        known = ", ".join(KINDS)
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)
    language = language or plan.scenario.language
    if suffix in PAGES:
        return save_page(plan, target, language=language, internal=internal)
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise ConfigError("language_unknown", where=str(target), value=language, known=known)
    options = {"language": language, "internal": internal}
    mark = mark_of(plan, "report", "pdf", **options)
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


MAKERS = {"report": _report}
