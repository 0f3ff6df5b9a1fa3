"""The accountant's workbook of a month or a year."""

from __future__ import annotations

from pvplanner.documents.book import Book, opened, unknown
from pvplanner.documents.mark import mark_of
from pvplanner.errors import Finding
from pvplanner.reckoning.content import MONEY, Section, sections
from pvplanner.reckoning.figures import key_figures
from pvplanner.tracking.reckoning import Reckoned
from pvplanner.words import label

WIDE = ("accounts", "vouchers", "payments", "faults")


def make_book(found: Reckoned, language: str) -> bytes:
    """The workbook.

    Raises
    ------
    ConfigError
        If XlsxWriter is not installed.
    """
    mark = mark_of(found.plan, "reckoning", "xlsx", language=language, period=found.period.name)

    def fill(raw: object) -> None:
        book = Book(raw, found.plan, language, True)
        _summary(book, found, language)
        for section in sections(found, language):
            _sheet(book, section, found.period.name)
        _said(book, found.findings, language)

    return opened(found.plan, mark, fill)


def _summary(book: Book, found: Reckoned, language: str) -> None:
    sheet = book.sheet("summary")
    for row, figure in enumerate(key_figures(found, language)):
        sheet.write_string(row, 0, figure.name, book.format("text", "head"))
        money = figure.kind == MONEY and not unknown(figure.value)
        value = figure.value / 100 if money else figure.value
        book.cell(sheet, row, 1, book.unknown if unknown(value) else value, figure.kind)
        sheet.write_string(row, 2, figure.unit, book.format("text"))
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 34)


def _sheet(book: Book, section: Section, period: str) -> None:
    """A section as a sheet; its note stands below."""
    sheet = book.sheet(f"reckon_{section.key}", wide=section.key in WIDE)
    last = book.table(sheet, section.heads, section.rows, section.kinds, sums=section.sums)
    sheet.set_header(f"&L{section.title} {period}&R{book.money}".replace("\n", " "))
    if section.note:
        wrapped = book.format("text", "wrap")
        sheet.merge_range(last + 2, 0, last + 2, len(section.heads) - 1, section.note, wrapped)
        sheet.set_row(last + 2, 45)
        sheet.print_area(0, 0, last + 2, len(section.heads) - 1)
    if section.key == "vouchers":
        # Codes may be changed: the map is a default that nobody has verified.
        at = section.heads.index(label("reckon_code", book.language))
        for down, row in enumerate(section.rows, 1):
            sheet.write_string(down, at, str(row[at]), book.format("text", "input"))


def _said(book: Book, findings: tuple[Finding, ...], language: str) -> None:
    if not findings:
        return
    sheet = book.sheet("findings", wide=True)
    rows = [[f.text(language)] for f in findings]
    book.table(sheet, [book.word("sheet_text")], rows, ["text"])
