"""The reckoning on paper: a page, a workbook and a PDF of a month or a year, and its lists."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

from pvplanner.errors import LANGUAGES, ConfigError
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.reckoning.content import sections, statements
from pvplanner.texts import plain_cell
from pvplanner.tracking.reckoning import Reckoned, reckon, resolve

__all__ = ["Reckoned", "reckon", "resolve", "save_list", "save_reckoning", "save_statements"]


def save_reckoning(
    found: Reckoned, path: str | os.PathLike[str], *, language: str | None = None
) -> Path:
    """Write a reckoning whole: for the accountant's table, it names households.

    Parameters
    ----------
    found : Reckoned
        As from :func:`reckon`.
    path : path-like
        ``.xlsx``, ``.pdf`` or ``.html``.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    ConfigError
        If the suffix is another, the language is unknown, or a library is not installed.
    """
    return _saved(found, path, language, {".xlsx": _book, ".pdf": _pdf, ".html": _page})


def save_statements(
    found: Reckoned, path: str | os.PathLike[str], *, language: str | None = None
) -> Path:
    """Write a statement of each household as a PDF, a page each.

    Raises
    ------
    ConfigError
        As :func:`save_reckoning`.
    """
    return _saved(found, path, language, {".pdf": _statements})


def save_list(
    found: Reckoned, path: str | os.PathLike[str], which: str, *, language: str | None = None
) -> Path:
    """Write one list as CSV: ``posting`` (house numbers, nobody's name), ``batch`` (for the bank)
    or ``vouchers``.

    Raises
    ------
    ConfigError
        If the suffix is another or there is no such list.
    """
    if which not in ("posting", "batch", "vouchers"):
        raise ConfigError("reckon_list", where=str(path), name=which)

    def made(found: Reckoned, code: str) -> bytes:
        section = next(s for s in sections(found, code) if s.key == which)
        held = io.StringIO()
        out = csv.writer(held, lineterminator="\r\n")
        body = [section.as_text(row, code) for row in section.rows]
        foot = [section.as_text(section.total(), code)] if section.rows else []
        out.writerows([[plain_cell(c) for c in row] for row in (section.heads, *body, *foot)])
        return b"\xef\xbb\xbf" + held.getvalue().encode("utf-8")

    return _saved(found, path, language, {".csv": made})


def _saved(
    found: Reckoned, path: str | os.PathLike[str], language: str | None,
    makers: dict[str, Callable[[Reckoned, str], bytes]],
) -> Path:  # fmt: skip
    target, code = Path(path), language or found.plan.scenario.language
    if code not in LANGUAGES:
        raise ConfigError("language_unknown", where=str(path), value=code)
    make = makers.get(target.suffix.lower())
    if make is None:
        known = ", ".join(makers)
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)
    return write_bytes_beside(target, make(found, code))


def _book(found: Reckoned, code: str) -> bytes:
    from pvplanner.reckoning.book import make_book

    return make_book(found, code)


def _page(found: Reckoned, code: str) -> bytes:
    from pvplanner.reckoning.paper import make_page

    return make_page(found, code)


def _pdf(found: Reckoned, code: str) -> bytes:
    from pvplanner.reckoning.paper import make_pdf

    return make_pdf(found, code, sections(found, code))


def _statements(found: Reckoned, code: str) -> bytes:
    from pvplanner.reckoning.paper import make_statements

    return make_statements(found, code, statements(found, code))
