"""The accountant's workbook: the plan's tables, and cash that follows a few cells.

Texts are written as texts: never a formula, never a link. What is a formula carries the plan's
figure as its value, so that a program that reckons nothing shows the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.documents.cash import write_cash
from pvplanner.documents.living import living
from pvplanner.documents.mark import Mark
from pvplanner.errors import ConfigError
from pvplanner.money import all_models
from pvplanner.plan import Plan
from pvplanner.report.cells import currency_of, word
from pvplanner.report.tables import listed_households
from pvplanner.schema import MEASURES, MONTHLY_ENERGY, PLANNED, column, is_summed, shown_in
from pvplanner.texts import visible
from pvplanner.words import (
    describe,
    has_label,
    in_units,
    label,
    rule_of,
    source,
    style,
    texts,
    told,
    unit_of,
)

LIVE_MOST = 5000
"""Of more households the cash is the village's, and one household's that is chosen."""

INPUT = "#fff4cc"
"""Cells that may be changed."""

OF_VILLAGE = ("cash", "carbon", "collective")
"""Sheets that each village has for itself."""

Sheet = Any


def make_workbook(plan: Plan, language: str, mark: Mark, *, internal: bool) -> bytes:
    """The workbook of a plan of one village or several.

    Raises
    ------
    ConfigError
        If XlsxWriter is not installed.
    """
    shown = plan if internal else plan.public()
    return opened(plan, mark, lambda raw: Book(raw, shown, language, internal).write())


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
        "strings_to_numbers": False, "nan_inf_to_errors": False,
    })  # fmt: skip
    day = plan.scenario.documents.date or dt.date(2000, 1, 1)
    book.set_properties({
        "title": visible(plan.scenario.name), "comments": mark.text(),
        "created": dt.datetime.combine(day, dt.time()),
    })  # fmt: skip
    fill(book)
    book.close()
    return held.getvalue()


class Book:
    """Sheets of one workbook, and the formats that they share."""

    def __init__(self, book: Any, plan: Plan, language: str, internal: bool) -> None:
        self.book, self.plan, self.language, self.internal = book, plan, language, internal
        self.currency = currency_of(plan)
        self._formats: dict[tuple[str, str], Any] = {}

    def write(self) -> None:
        """All sheets, in the order in which one reads them."""
        parts = list(self.plan.parts.values())
        summary = self.sheet("summary")
        homes = self._households()
        self._months(parts)
        self._models()
        self._ledger(parts)
        cash = [self._cash(part, number) for number, part in enumerate(parts)]
        carbon = [self._carbon(part, number) for number, part in enumerate(parts)]
        self._assumptions()
        texts_of_findings(self)
        self._dictionary()
        self._summary(summary, homes, cash, carbon)

    # ---- What all sheets share.

    def word(self, key: str) -> str:
        """A word of the catalogue."""
        return label(key, self.language)

    def format(self, kind: str = "text", look: str = "") -> Any:
        """A cell's format: how a kind of figure is shown, and what the cell is."""
        if (kind, look) not in self._formats:
            told: dict[str, Any] = {"num_format": _number_format(kind), "font_size": 10}
            if kind == "text":
                told["num_format"] = "@"
            if look == "head":
                told |= {"bold": True, "bg_color": "#eef3f7", "border": 1, "text_wrap": True,
                         "valign": "vcenter", "num_format": "@"}  # fmt: skip
            elif look == "sum":
                told |= {"bold": True, "top": 1, "bg_color": "#eef3f7"}
            elif look == "input":
                told |= {"bg_color": INPUT, "border": 1}
            self._formats[kind, look] = self.book.add_format(told)
        return self._formats[kind, look]

    def sheet(self, name: str, number: int = 0, *, wide: bool = False) -> Sheet:
        """A sheet under its name in the language; of several villages each its own."""
        title = self.word(f"sheet_{name}") + (f" {number + 1}" if len(self.plan.parts) > 1
                                              and name in OF_VILLAGE else "")  # fmt: skip
        made = self.book.add_worksheet(title[:31])
        made.set_paper(9)
        made.fit_to_pages(1, 0)
        if wide:
            made.set_landscape()
        made.set_footer(f"&L{visible(self.plan.scenario.name).replace('&', '&&')}&R&P / &N")
        return made

    def table(
        self, sheet: Sheet, heads: Sequence[str], rows: Sequence[Sequence[Any]],
        kinds: Sequence[str], *, top: int = 0, sums: Sequence[bool] = (),
    ) -> int:  # fmt: skip
        """A table with its head, filter and, where columns add up, a row of sums.

        Returns
        -------
        int
            The row of the sums, or the last of the table.
        """
        for at, head in enumerate(heads):
            sheet.write_string(top, at, visible(head), self.format("text", "head"))
        for down, row in enumerate(rows, top + 1):
            for at, value in enumerate(row):
                self.cell(sheet, down, at, value, kinds[at])
        last = top + len(rows)
        sheet.freeze_panes(top + 1, 1)
        sheet.repeat_rows(top)
        if rows:
            sheet.autofilter(top, 0, last, len(heads) - 1)
        for at, head in enumerate(heads):
            long = max([len(visible(head)) + 2, *(len(_text(row[at])) for row in rows[:400])])
            sheet.set_column(at, at, min(max(long, 6), 40))
        if any(sums) and rows:
            last += 1
            sheet.write_string(last, 0, self.word("total"), self.format("text", "sum"))
            for at in range(1, len(heads)):
                if sums[at]:
                    where = f"{_at(top + 1, at)}:{_at(last - 1, at)}"
                    value = _whole(row[at] for row in rows)
                    sheet.write_formula(last, at, f"=SUM({where})",
                                        self.format(kinds[at], "sum"), value)  # fmt: skip
        sheet.print_area(0, 0, max(last, 1), max(len(heads) - 1, 0))
        return last

    def cell(self, sheet: Sheet, row: int, col: int, value: Any, kind: str, look: str = "") -> None:
        """A value as it is: text as text, what is not known as nothing."""
        form = self.format(kind, look)
        if _unknown(value):
            sheet.write_blank(row, col, None, form)
        elif isinstance(value, bool | np.bool_):
            sheet.write_string(row, col, self.word("yes" if value else "no"), form)
        elif isinstance(value, int | float | np.integer | np.floating):
            sheet.write_number(row, col, float(value), form)
        else:
            sheet.write_string(row, col, visible(str(value)), form)

    def head(self, key: str) -> str:
        """A column's name with its unit."""
        return label(key, self.language, unit=True, currency=self.currency)

    def at(self, row: int, col: int, *, fixed: bool = False) -> str:
        """A cell's name."""
        return _at(row, col, fixed=fixed)

    def column(self, col: int) -> str:
        """A column's letters."""
        return _letters(col)

    # ---- The sheets.

    def _households(self) -> tuple[str, int, dict[str, int]]:
        """Households with all that is shown of them; name of the sheet, row of sums, columns."""
        sheet = self.sheet("households", wide=True)
        homes, _ = listed_households(self.plan, self.language)
        keys = [k for k in shown_in("households", personal=self.internal) if k in homes]
        rows = [
            [word(v, self.language) if k == "model" else v for k, v in zip(keys, row, strict=True)]
            for row in homes[keys].itertuples(index=False)
        ]
        kinds = [column(k).kind for k in keys]
        last = self.table(sheet, [self.head(k) for k in keys], rows, kinds,
                          sums=[is_summed(k) for k in keys])  # fmt: skip
        return sheet.get_name(), last, {k: at for at, k in enumerate(keys)}

    def _months(self, parts: Sequence[Plan]) -> None:
        """Energy by month of each village, as bars."""
        sheet = self.sheet("months")
        month = style(self.language)["month"].format
        names = [self._village(part) for part in parts]
        sums = [part.energy[list(MONTHLY_ENERGY)].sum().to_numpy() for part in parts]
        rows = [[month(month=n + 1), *(float(one[n]) for one in sums)] for n in range(12)]
        heads = [self.word("sheet_month"), *(f"{name} ({unit_of('energy_kwh', self.language)})"
                                             for name in names)]  # fmt: skip
        last = self.table(sheet, heads, rows, ["text", *["energy"] * len(parts)],
                          sums=[False, *[True] * len(parts)])  # fmt: skip
        self._chart(sheet, "column", [(at + 1, heads[at + 1]) for at in range(len(parts))],
                    (1, 12), self.word("report_months"), last + 2)  # fmt: skip

    def _models(self) -> None:
        """Every household under every model that it may use, as planned."""
        sheet = self.sheet("models", wide=True)
        held = self.plan.measures
        own = held[held["case"] == PLANNED]
        order = {m: n for n, m in enumerate(all_models())}
        own = own.sort_values("model", key=lambda s: s.map(order), kind="stable")
        keys = ["household_id", "model", *MEASURES]
        rows = [[row[0], word(row[1], self.language), *row[2:]]
                for row in own[keys].itertuples(index=False)]  # fmt: skip
        self.table(sheet, [self.head(k) for k in keys], rows, [column(k).kind for k in keys])

    def _ledger(self, parts: Sequence[Plan]) -> None:
        """Who pays whom what for what, a column a year, each row summed."""
        sheet = self.sheet("ledger", wide=True)
        keys = ["model", "item", "payer", "payee"]
        parted = []
        for part in parts:
            flows = part.result("ledger")
            table = flows.pivot_table(index=keys, columns="year", values="yuan", sort=False,
                                      aggfunc="sum", fill_value=0.0)  # fmt: skip
            parted.append(table.reset_index().assign(village=self._village(part)))
        every = pd.concat(parted, ignore_index=True).fillna(0.0)
        years = [c for c in every.columns if isinstance(c, int | np.integer)]
        several = len(parts) > 1
        named = (["village"] if several else []) + keys
        heads = [*(self.word(k) for k in named), *(str(y) for y in years), self.word("total")]
        rows = [
            [*(word(row[k], self.language) for k in named), *(row[y] for y in years)]
            for row in every.to_dict("records")
        ]
        first = len(named)
        self.table(sheet, heads[:-1], rows, ["text"] * first + ["fen"] * len(years))
        sheet.write_string(0, first + len(years), heads[-1], self.format("text", "head"))
        for down, row in enumerate(rows, 1):
            where = f"{_at(down, first)}:{_at(down, first + len(years) - 1)}"
            sheet.write_formula(down, first + len(years), f"=SUM({where})",
                                self.format("fen", "sum"), sum(row[first:]))  # fmt: skip
        sheet.set_column(first, first + len(years), 13)
        sheet.print_area(0, 0, len(rows), first + len(years))

    def _cash(self, part: Plan, number: int) -> dict[str, Any]:
        """Cash of households year by year over cells that may be changed."""
        sheet = self.sheet("cash", number, wide=True)
        return write_cash(self, sheet, living(*part.case()), LIVE_MOST)

    def _carbon(self, part: Plan, number: int) -> dict[str, Any]:
        """What is avoided in each year: energy times factor, and the sum so far."""
        sheet = self.sheet("carbon", number)
        held = part.result("carbon_years")
        avoided = held["avoided_t"].to_numpy(float)
        factors = np.asarray(part.terms.carbon.by_year, dtype=float)
        heads = [self.word("year"), self.head("energy_kwh"), self.word("sheet_factor"),
                 self.head("avoided_t"), self.word("sheet_so_far")]  # fmt: skip
        for at, head in enumerate(heads):
            sheet.write_string(0, at, head, self.format("text", "head"))
        so_far = np.cumsum(np.nan_to_num(avoided))
        for n, (year, tonnes) in enumerate(zip(held["year"], avoided, strict=True), 1):
            self.cell(sheet, n, 0, int(year), "year")
            factor = float(factors[n - 1]) if n <= len(factors) else float("nan")
            if not factor > 0:
                self.cell(sheet, n, 3, tonnes, "tonnes")
            else:
                self.cell(sheet, n, 1, tonnes * 1000 / factor, "energy")
                self.cell(sheet, n, 2, factor, "factor", "input")
                sheet.write_formula(n, 3, f"=B{n + 1}*C{n + 1}/1000", self.format("tonnes"), tonnes)
            sheet.write_formula(n, 4, f"=SUM(D$2:D{n + 1})", self.format("tonnes"), so_far[n - 1])
        sheet.set_column(0, 4, 18)
        sheet.freeze_panes(1, 1)
        sheet.print_area(0, 0, len(held), 4)
        if len(held):
            self._chart(sheet, "column", [(3, heads[3])], (1, len(held)),
                        self.word("report_carbon"), len(held) + 2)  # fmt: skip
        return {"name": sheet.get_name(), "rows": len(held), "avoided": float(np.nansum(avoided))}

    def _assumptions(self) -> None:
        """Every number that shaped the plan, with its source."""
        sheet = self.sheet("assumptions", wide=True)
        keys = ("assumption_key", "value", "unit", "source", "year", "certainty")
        code = self.language
        rows = [
            [label(str(r["key"]), code), told(str(r["key"]), str(r["value"]), code),
             in_units(str(r["unit"]), code, self.currency), source(str(r["source"]), code),
             str(r["year"]), word(r["certainty"], code)]
            for r in self.plan.result("assumptions").to_dict("records")
        ]  # fmt: skip
        self.table(sheet, [self.word(k) for k in keys], rows, ["text"] * len(keys))

    def _dictionary(self) -> None:
        """What every column of the sheets means."""
        sheet = self.sheet("dictionary", wide=True)
        code = self.language
        keys = dict.fromkeys((*shown_in("households", personal=self.internal), *MEASURES))
        rows = [
            [key, label(key, code), unit_of(key, code, self.currency), describe(key, code)]
            for key in keys
            if has_label(key, code)
        ]
        heads = [self.word(k) for k in ("sheet_key", "sheet_name", "unit", "sheet_means")]
        self.table(sheet, heads, rows, ["text"] * 4)
        sheet.set_column(3, 3, 90)

    def _summary(
        self, sheet: Sheet, homes: tuple[str, int, dict[str, int]],
        cash: Sequence[dict[str, Any]], carbon: Sequence[dict[str, Any]],
    ) -> None:  # fmt: skip
        """Totals over the other sheets, and whether the cash is still the plan's."""
        name, last, at = homes
        listed, _ = listed_households(self.plan, self.language)
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 1, 22)
        sheet.set_column(2, 2, 60)
        row = 0
        for text in (
            self.plan.scenario.name,
            *(texts(self.language)[n] for n in self.plan.notes()),
        ):
            sheet.write_string(row, 0, visible(text), self.format("text"))
            row += 1
        row += 1
        for key in ("modules", "capacity_kwp", "energy_kwh", "capital", "income_first_year",
                    "avoided_t"):  # fmt: skip
            if key not in at:
                continue
            sheet.write_string(row, 0, self.head(key), self.format("text", "head"))
            value = _whole(listed[key])
            sheet.write_formula(row, 1, f"='{name}'!{_at(last, at[key])}",
                                self.format(column(key).kind), value)  # fmt: skip
            row += 1
        for part in cash:
            for key in ("first", "npv"):
                sheet.write_string(row, 0, self.word(f"sheet_cash_{key}"),
                                   self.format("text", "head"))  # fmt: skip
                sheet.write_formula(row, 1, f"='{part['name']}'!{part[key]}",
                                    self.format("fen"), part[f"{key}_value"])  # fmt: skip
                row += 1
            sheet.write_string(row, 0, self.word("sheet_check"), self.format("text", "head"))
            sheet.write_formula(row, 1, f"='{part['name']}'!{part['check']}",
                                self.format("text"), part["check_value"])  # fmt: skip
            row += 1
        for one in carbon:
            sheet.write_string(row, 0, self.word("sheet_carbon_life"), self.format("text", "head"))
            sheet.write_formula(row, 1, f"=SUM('{one['name']}'!D2:D{max(one['rows'], 1) + 1})",
                                self.format("tonnes"), one["avoided"])  # fmt: skip
            row += 1
        sheet.print_area(0, 0, row, 2)

    def _village(self, part: Plan) -> str:
        return str(part.villages["village"].iloc[0])

    def _chart(
        self, sheet: Sheet, kind: str, series: Sequence[tuple[int, str]], rows: tuple[int, int],
        title: str, below: int,
    ) -> None:  # fmt: skip
        chart = self.book.add_chart({"type": kind})
        name, (first, last) = sheet.get_name(), rows
        for at, told_ in series:
            chart.add_series({
                "name": told_, "categories": [name, first, 0, last, 0],
                "values": [name, first, at, last, at],
            })  # fmt: skip
        chart.set_title({"name": title, "name_font": {"size": 11}})
        if len(series) == 1:
            chart.set_legend({"none": True})
        sheet.insert_chart(below, 0, chart, {"x_scale": 1.4})


def texts_of_findings(book: Book) -> None:
    """A sheet of what was wrong or doubtful in the input."""
    sheet = book.sheet("findings", wide=True)
    rows = [
        [book.word("sheet_doubt" if f.doubtful else "sheet_note"), f.where,
         f.text(book.language, public=not book.internal)]
        for f in book.plan.findings
    ]  # fmt: skip
    heads = [book.word(k) for k in ("sheet_level", "sheet_where", "sheet_text")]
    book.table(sheet, heads, rows, ["text"] * 3)
    sheet.set_column(2, 2, 110)


def _number_format(kind: str) -> str:
    """How a spreadsheet shows a kind of figure: as fine as it is known."""
    if kind == "fen":
        return "#,##0.00"
    if kind in ("text", "flag"):
        return "@"
    rule = rule_of(kind)
    percent, digits = rule.startswith("p"), rule.lstrip("psut")
    places = int(digits) if rule[0] not in "st" and digits.isdigit() else 0
    part = "." + "0" * places if places else ""
    if kind == "year":
        return "0"
    return f"0{part}%" if percent else f"#,##0{part}"


def _unknown(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value))


def _text(value: Any) -> str:
    if _unknown(value):
        return ""
    return f"{value:,.0f}" if isinstance(value, float) else visible(str(value))


def _whole(values: Any) -> float:
    return float(sum(float(v) for v in values if not _unknown(v)))


def _letters(col: int) -> str:
    letters, left = "", col + 1
    while left:
        left, rest = divmod(left - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _at(row: int, col: int, *, fixed: bool = False) -> str:
    """A cell's name."""
    return f"${_letters(col)}${row + 1}" if fixed else f"{_letters(col)}{row + 1}"
