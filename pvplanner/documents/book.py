"""What workbooks share: their sheets, how a value stands in a cell, sums that know what they lack.

Texts are written as texts: never a formula, never a link. What is a formula carries the plan's
figure as its value, so that a program that reckons nothing shows the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from pvplanner.documents.mark import Mark
from pvplanner.errors import ConfigError
from pvplanner.plan import Plan
from pvplanner.report.cells import currency_of, is_absent, is_unknown
from pvplanner.texts import text_width, visible
from pvplanner.words import currency_name, label, rule_of

INPUT = "#fff4cc"
"""Cells that may be changed."""

UNDATED = dt.date(2000, 1, 1)
"""Written into a file whose plan states no date, so that the same plan gives the same bytes."""

A4 = 9
"""As a spreadsheet numbers paper."""

WIDEST, MEASURED = 40, 400
"""Characters of a column at most, and rows that its width is taken from."""

Sheet = Any


def opened(plan: Plan, mark: Mark, fill: Callable[[Any], None]) -> bytes:
    """A workbook that is filled and closed: the same bytes for the same.

    Raises
    ------
    ConfigError
        If XlsxWriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise ConfigError("documents_missing", where="xlsx", name="XlsxWriter") from None
    held = BytesIO()
    book = xlsxwriter.Workbook(held, {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False,
    })  # fmt: skip
    day = plan.scenario.documents.date or UNDATED
    book.set_properties({
        "title": visible(plan.scenario.name), "comments": mark.text(),
        "created": dt.datetime.combine(day, dt.time()),
    })  # fmt: skip
    fill(book)
    book.close()
    return held.getvalue()


class Book:
    """Sheets of one workbook, and the formats that they share.

    Parameters
    ----------
    raw : xlsxwriter.Workbook
    plan : Plan
        As shown: the public one in a public edition.
    language : str
    internal : bool
    """

    def __init__(self, raw: Any, plan: Plan, language: str, internal: bool) -> None:
        from xlsxwriter import utility

        self.raw, self.plan, self.language, self.internal = raw, plan, language, internal
        self.currency = currency_of(plan)
        self.money = currency_name(self.currency, language)
        self.unknown = label("unknown", language)
        self._names = utility
        self._formats: dict[tuple[str, str], Any] = {}

    def word(self, key: str) -> str:
        """A word of the catalogue."""
        return label(key, self.language)

    def head(self, key: str) -> str:
        """A column's name with its unit."""
        return label(key, self.language, unit=True, currency=self.currency)

    def at(self, row: int, col: int, *, fixed: bool = False) -> str:
        """A cell's name."""
        return str(self._names.xl_rowcol_to_cell(row, col, fixed, fixed))

    def span(self, row: int, col: int, last_row: int, last_col: int, *, fixed: bool = False) -> str:
        """A range's name."""
        return f"{self.at(row, col, fixed=fixed)}:{self.at(last_row, last_col, fixed=fixed)}"

    def column(self, col: int) -> str:
        """A column's letters."""
        return str(self._names.xl_col_to_name(col))

    def format(self, kind: str = "text", look: str = "") -> Any:
        """A cell's format: how a kind of figure is shown, and what the cell is."""
        if (kind, look) not in self._formats:
            told: dict[str, Any] = {"num_format": number_format(kind), "font_size": 10}
            if look == "head":
                told |= {"bold": True, "bg_color": "#eef3f7", "border": 1, "text_wrap": True,
                         "valign": "vcenter", "num_format": "@"}  # fmt: skip
            elif look == "sum":
                told |= {"bold": True, "top": 1, "bg_color": "#eef3f7"}
            elif look == "input":
                told |= {"bg_color": INPUT, "border": 1}
            elif look == "wrap":
                told |= {"text_wrap": True, "valign": "top"}
            self._formats[kind, look] = self.raw.add_format(told)
        return self._formats[kind, look]

    def sheet(self, name: str, number: int | None = None, *, wide: bool = False) -> Sheet:
        """A sheet under its name in the language; with ``number`` one of several of the name."""
        title = self.word(f"sheet_{name}") + ("" if number is None else f" {number + 1}")
        made = self.raw.add_worksheet(title[:31])
        made.set_paper(A4)
        made.fit_to_pages(1, 0)
        if wide:
            made.set_landscape()
        made.set_footer(f"&L{visible(self.plan.scenario.name).replace('&', '&&')}&R&P / &N")
        return made

    def heads(self, sheet: Sheet, row: int, texts: Iterable[str], first: int = 0) -> None:
        """Heads of columns."""
        for at, text in enumerate(texts, first):
            sheet.write_string(row, at, visible(text), self.format("text", "head"))

    def cell(self, sheet: Sheet, row: int, col: int, value: Any, kind: str, look: str = "") -> None:
        """A value as it is: text as text, what is not known as nothing."""
        form = self.format(kind, look)
        if unknown(value):
            sheet.write_blank(row, col, None, form)
        elif isinstance(value, bool | np.bool_):
            sheet.write_string(row, col, self.word("yes" if value else "no"), form)
        elif isinstance(value, int | float | np.integer | np.floating):
            sheet.write_number(row, col, float(value), form)
        else:
            sheet.write_string(row, col, visible(str(value)), form)

    def input(self, sheet: Sheet, row: int, col: int, value: Any, kind: str) -> None:
        """A cell that may be changed."""
        self.cell(sheet, row, col, value, kind, "input")

    def share(self, sheet: Sheet, row: int, col: int, value: Any, kind: str) -> None:
        """A cell that may be changed and takes a part of a whole: 5 % is 0.05."""
        self.input(sheet, row, col, value, kind)
        bounds = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 1}
        sheet.data_validation(row, col, row, col, bounds)

    def known(self, key: str, value: Any) -> Any:
        """A value of a column of figures; the word for it where it is not known."""
        return self.unknown if unknown(value) and not is_absent(key) else value

    def formula(
        self, sheet: Sheet, row: int, col: int, told: str, value: Any, kind: str, look: str = ""
    ) -> None:
        """A formula with the plan's figure as its value."""
        shown = self.unknown if unknown(value) else value
        sheet.write_formula(row, col, told, self.format(kind, look), shown)

    def total(
        self, sheet: Sheet, row: int, col: int, where: str, values: Sequence[Any], kind: str,
        look: str = "sum",
    ) -> None:  # fmt: skip
        """The sum of a range; not known where one of its cells is not."""
        told = f'=IF(COUNT({where})={len(values)},SUM({where}),"{self.unknown}")'
        self.formula(sheet, row, col, told, whole(values), kind, look)

    def table(
        self, sheet: Sheet, heads: Sequence[str], rows: Sequence[Sequence[Any]],
        kinds: Sequence[str], *, sums: Sequence[bool] = (),
    ) -> int:  # fmt: skip
        """A table with its head, filter and, where columns add up, a row of sums.

        Returns
        -------
        int
            The row of the sums, or the last of the table.
        """
        self.heads(sheet, 0, heads)
        for down, row in enumerate(rows, 1):
            for at, value in enumerate(row):
                self.cell(sheet, down, at, value, kinds[at])
        last = len(rows)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        if rows:
            sheet.autofilter(0, 0, last, len(heads) - 1)
        for at, head in enumerate(heads):
            long = max(
                [text_width(visible(head)) + 2, *(_length(row[at]) for row in rows[:MEASURED])]
            )
            sheet.set_column(at, at, min(max(long, 6), WIDEST))
        if any(sums) and rows:
            last += 1
            sheet.write_string(last, 0, self.word("total"), self.format("text", "sum"))
            for at in range(1, len(heads)):
                if sums[at]:
                    self.total(sheet, last, at, self.span(1, at, last - 1, at),
                               [row[at] for row in rows], kinds[at])  # fmt: skip
        sheet.print_area(0, 0, max(last, 1), max(len(heads) - 1, 0))
        return last

    def prose(self, sheet: Sheet, col: int, texts: Sequence[str], width: int) -> None:
        """A column of long texts, wrapped."""
        for down, text in enumerate(texts, 1):
            sheet.write_string(down, col, visible(text), self.format("text", "wrap"))
        sheet.set_column(col, col, width)

    def bars(
        self, sheet: Sheet, series: Sequence[tuple[int, str]], rows: tuple[int, int], title: str,
        below: int,
    ) -> None:  # fmt: skip
        """Columns of a sheet as bars, their names in its first column."""
        chart = self.raw.add_chart({"type": "column"})
        name, (first, last) = sheet.get_name(), rows
        for at, text in series:
            chart.add_series({
                "name": text, "categories": [name, first, 0, last, 0],
                "values": [name, first, at, last, at],
            })  # fmt: skip
        chart.set_title({"name": title, "name_font": {"size": 11}})
        if len(series) == 1:
            chart.set_legend({"none": True})
        sheet.insert_chart(below, 0, chart, {"x_scale": 1.4})

    def findings(self) -> None:
        """A sheet of what was wrong or doubtful in the input."""
        sheet = self.sheet("findings", wide=True)
        told = list(self.plan.findings)
        rows = [
            [self.word("sheet_doubt" if f.doubtful else "sheet_note"), f.where, ""] for f in told
        ]
        heads = [self.word(k) for k in ("sheet_level", "sheet_where", "sheet_text")]
        self.table(sheet, heads, rows, ["text"] * 3)
        said = [f.text(self.language, public=not self.internal) for f in told]
        self.prose(sheet, 2, said, 110)


def unknown(value: Any) -> bool:
    """Whether there is no value, or none that a cell holds."""
    return is_unknown(value) or (
        isinstance(value, float | np.floating) and not bool(np.isfinite(value))
    )


def whole(values: Iterable[Any]) -> float:
    """The sum of values; nan where one is not known."""
    every = [float("nan") if unknown(v) or isinstance(v, str) else float(v) for v in values]
    return float(sum(every))


def number_format(kind: str) -> str:
    """How a spreadsheet shows a kind of figure: as fine as it is known."""
    if kind == "fen":
        return "#,##0.00"
    if kind in ("text", "flag"):
        return "@"
    if kind == "year":
        return "0"
    if kind == "day":
        return "yyyy-mm-dd"
    rule = rule_of(kind)
    percent, digits = rule.startswith("p"), rule.lstrip("psut")
    places = int(digits) if rule[0] not in "st" and digits.isdigit() else 0
    part = "." + "0" * places if places else ""
    return f"0{part}%" if percent else f"#,##0{part}"


def _length(value: Any) -> int:
    if unknown(value):
        return 0
    return text_width(f"{value:,.0f}" if isinstance(value, float) else visible(str(value)))
