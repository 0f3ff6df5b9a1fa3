"""The sheet of a collective's cash: what comes and goes, taxes and distribution, step by step."""

from __future__ import annotations

from typing import Any

from pvplanner.documents.book import Book
from pvplanner.documents.living import Living
from pvplanner.documents.measuring import measured, rate_of, worth_now, years_back
from pvplanner.documents.pooled import Pooled, energy_of
from pvplanner.documents.pooled_lines import (
    CHECK,
    ENERGY,
    HEAD,
    RESERVE,
    START,
    WATTS,
    Around,
    Line,
    Lines,
)
from pvplanner.report.cells import word

LABEL, HOW = 0, 1
"""Columns: what, and how."""

MEASURED = ("surplus_first_year", "npv", "irr", "payback_years")
"""What the sheet comes to."""

BOUND = 0.051
"""How far a sum of the sheet may lie from the plan's: a few payments' halves of a fen."""


class Collective(Lines):
    """The sheet as it will stand: other sheets may ask for its cells before it is written."""

    def __init__(self, book: Book, sheet: Any, one: Pooled, living: Living, around: Around) -> None:
        super().__init__(book, one, around)
        self.sheet, self.living = sheet, living
        self.measured_at: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The sheet's, as a formula of another writes it."""
        return f"'{self.sheet.get_name()}'!"

    def more(self, at: int) -> str:
        """What is given to members in a year beyond the plan's: a cell, from another sheet."""
        return self.name + self.book.at(self.rows["more"], START + at, fixed=True)

    @property
    def results(self) -> list[tuple[str, Any, str]]:
        """What the sheet comes to: its measures and its check, with value and kind."""
        part = float(self.living.times[1])
        found = measured(self.one.before, self.living.rate, part, self.living.first_whole)
        kinds = dict(zip(MEASURED, ("fen", "fen", "rate", "years"), strict=True))
        told: list[tuple[str, Any, str]] = [
            (key, "" if value != value else value, kinds[key])
            for key, value in zip(MEASURED, found, strict=True)
        ]
        one = self.one
        told = [
            ("capital", -float(one.item("capital")[0]), "fen"),
            ("loan", float(one.item("loan")[0]), "fen"), *told,
            ("cash_low", float(self.steps["cash"].min()), "fen"),
        ]  # fmt: skip
        return [*told, ("check", self.book.word("sheet_same"), "text")]

    def title(self, key: str) -> str:
        """A measure's name."""
        if key == "surplus_first_year":
            year = int(self.living.years[self.living.first_whole - 1])
            return self.book.word("sheet_in_year").format(what=self.book.word(key), year=year)
        own = {"check": "sheet_check", "cash_low": "sheet_cash_low", "loan": "loan"}
        return self.book.word(own[key]) if key in own else self.book.head(key)

    def cell(self, key: str) -> str:
        """A measure's or the check's cell, from another sheet."""
        row = CHECK if key == "check" else self.measured_at[key]
        return self.name + self.book.at(row, START, fixed=True)

    def write(self) -> None:
        """The sheet."""
        book, sheet = self.book, self.sheet
        self._above()
        years = [str(y) for y in self.living.years]
        book.heads(sheet, HEAD, [book.word("item"), book.word("sheet_how"),
                                 book.word("ledger_year0"), *years])  # fmt: skip
        for key, line in self.lines.items():
            self._row(self.rows[key], line)
        self._measures()
        self._check()
        sheet.freeze_panes(HEAD + 1, START)
        sheet.repeat_rows(HEAD)
        sheet.repeat_columns(LABEL, HOW)
        sheet.fit_to_pages(2, 0)
        sheet.set_column(LABEL, LABEL, 34)
        sheet.set_column(HOW, HOW, 9)
        sheet.set_column(START, START + self.one.count, 13)
        sheet.print_area(0, 0, HEAD + len(self.rows), START + self.one.count)

    def _above(self) -> None:
        """Sums over the households of the sheet of cash."""
        book, sheet, around = self.book, self.sheet, self.around
        book.cell(sheet, 0, 0, book.word("sheet_collective_how"), "text")
        model = word(self.one.model, book.language).replace('"', '""')
        names = around.column("model")
        for row, key, value, kind in (
            (ENERGY, "energy", energy_of(self.one.case), "count"),
            (WATTS, "watts", float(self.one.case.watts.sum()), "count"),
        ):
            title = book.head("energy_kwh") if key == "energy" else book.word("sheet_watts")
            book.heads(sheet, row, [title])
            told = f'=SUMIF({names},"{model}",{around.column(key)})'
            book.formula(sheet, row, START, told, value, kind)
        book.heads(sheet, RESERVE, [book.word("reserve_rate")])
        rate = float(self.one.case.terms.rate("reserve_rate")[0])
        book.share(sheet, RESERVE, START, rate, "rate")

    def _row(self, row: int, line: Line) -> None:
        book, sheet = self.book, self.sheet
        if not line.values.size:
            book.cell(sheet, row, LABEL, line.title, "text", "sum")
            return
        book.cell(sheet, row, LABEL, line.title, "text")
        follows = line.told is not None
        book.cell(
            sheet, row, HOW, book.word("sheet_follows" if follows else "sheet_stands"), "text"
        )
        for at, value in enumerate(line.values, 0 if line.starts else 1):
            told = None if line.told is None else line.told(at)
            if told is None:
                book.cell(sheet, row, START + at, float(value) + 0.0, line.kind)
            else:
                # Nought has no sign in a cell.
                book.formula(sheet, row, START + at, f"={told}", float(value) + 0.0, line.kind)

    def _measures(self) -> None:
        """What it brings before dividends."""
        book, sheet, one, around = self.book, self.sheet, self.living, self.around
        last = START + self.one.count
        flows, sums = (book.span(self.rows[k], START, self.rows[k], last)
                       for k in ("before", "balance"))  # fmt: skip
        dates = "" if one.times[1] == 1.0 else around.row("date")
        ends = tuple(book.at(self.rows["balance"], c) for c in (START, last))
        low = book.span(self.rows["cash"], START + 1, self.rows["cash"], last)
        told = {
            "surplus_first_year": f"={self._at('before', one.first_whole)}",
            "npv": worth_now(flows, around.row("worth")),
            "irr": rate_of(flows, self._start("before"), dates),
            "capital": f"=-{self._start('capital')}", "loan": f"={self._start('loan')}",
            "cash_low": f"=MIN({low})",
            "payback_years": years_back(sums, (ends[0], ends[1]), around.row("time"), START),
        }  # fmt: skip
        for key, value, kind in self.results[:-1]:
            row = self.measured_at[key] = HEAD + 1 + len(self.rows) + len(self.measured_at)
            book.heads(sheet, row, [self.title(key)])
            book.formula(sheet, row, START, told[key], value, kind)
            if key == "cash_low":
                red = book.raw.add_format({"font_color": "#b00020", "bold": True})
                sheet.conditional_format(row, START, row, START, {
                    "type": "cell", "criteria": "<", "value": 0, "format": red})  # fmt: skip

    def _check(self) -> None:
        """Whether cash before dividends and what is given are the plan's."""
        book, one = self.book, self.one
        book.heads(self.sheet, CHECK, [book.word("sheet_check")])
        pairs = [(self.rows["before"], START + at, value) for at, value in enumerate(one.before)]
        pairs += [(self.rows["more"], START + 1 + at, 0.0) for at in range(one.count)]
        off = ",".join(f"ABS({book.at(row, col)}-({float(v)!r}))" for row, col, v in pairs)
        same, other, changed = (book.word(f"sheet_{key}") for key in ("same", "other", "changed"))
        inside = f'IF(MAX({off})<={BOUND!r},"{same}","{other}")'
        rate = float(self.one.case.terms.rate("reserve_rate")[0])
        moved = (
            f'OR({self.around.cell("check")}="{changed}",ABS({self._fixed(RESERVE)}-{rate!r})>1E-9)'
        )
        told = f'=IF({moved},"{changed}",{inside})'
        book.formula(self.sheet, CHECK, START, told, same, "text")
