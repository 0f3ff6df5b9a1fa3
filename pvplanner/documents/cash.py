"""The sheet of cash: a row a household and a column a year, over cells that may be changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from pvplanner.documents.living import Living, reckoned, unit_price
from pvplanner.money.measures import internal_rate, net_present_value, payback
from pvplanner.report.cells import word

if TYPE_CHECKING:
    from pvplanner.documents.workbook import Book

FIRST = 8
"""Column of the payment at once; the years follow."""

CAPEX, RATE, CHECK, YEAR, TIME, WORTH, KEPT, PRICE, UNIT, COSTS = range(1, 11)
"""Rows of the cells that households' formulas hang on; ``COSTS`` is the first of several."""

HALF_FEN = 0.005


def write_cash(book: Book, sheet: Any, one: Living, most: int) -> dict[str, Any]:
    """Write the sheet.

    Parameters
    ----------
    book : Book
        Gives words, formats and cells.
    sheet : worksheet
    one : Living
    most : int
        Of more households only one that is chosen follows the cells; the rest are the plan's.

    Returns
    -------
    dict
        Name of the sheet; cells of the first year's income, of the present value and of the check,
        with the values they have as planned.
    """
    page = _Cash(book, sheet, one)
    page.inputs()
    top = page.heads()
    rows = top + 1
    if len(one.people) > most:
        page.chosen(top + 1, top + 2, top + 1 + len(one.people))
        rows = top + 2
    page.households(rows, live=len(one.people) <= most)
    return page.sums(rows, rows + len(one.people) - 1)


class _Cash:
    def __init__(self, book: Book, sheet: Any, one: Living) -> None:
        self.book, self.sheet, self.one = book, sheet, one
        self.count = len(one.years)
        self.last = FIRST + self.count
        self.life = len(one.kept)
        self.side = self.last + 2
        """Column in which the running balances begin."""

    def _row(self, row: int, first: int, last: int, *, fixed: bool = True) -> str:
        begin, end = (self.book.at(row, col, fixed=fixed) for col in (first, last))
        return f"{begin}:{end}"

    def _name(self, row: int, key: str) -> None:
        self.sheet.write_string(row, 0, self.book.word(key), self.book.format("text", "head"))

    def _numbers(self, row: int, first: int, values: Iterable[float], kind: str, look: str) -> None:
        for at, value in enumerate(values):
            self.book.cell(self.sheet, row, first + at, float(value), kind, look)

    def inputs(self) -> None:
        """What may be changed, and what follows from it for every kilowatt-hour and watt."""
        one, book, sheet = self.one, self.book, self.sheet
        sheet.write_string(0, 0, book.word("sheet_cash_how"), book.format("text"))
        for row, key, value, kind in (
            (CAPEX, "capex_per_w", one.capex, "price"), (RATE, "sheet_rate", one.rate, "rate"),
        ):  # fmt: skip
            self._name(row, key)
            book.cell(sheet, row, 2, value, kind, "input")
        self._name(YEAR, "year")
        self._numbers(YEAR, FIRST, [0, *one.years], "year", "head")
        self._name(TIME, "sheet_time")
        self._numbers(TIME, FIRST, one.times, "number", "")
        self._name(WORTH, "sheet_worth")
        rate = book.at(RATE, 2, fixed=True)
        for at, when in enumerate(one.times):
            col = FIRST + at
            sheet.write_formula(WORTH, col, f"=(1+{rate})^-{book.at(TIME, col)}",
                                book.format("factor"), (1 + one.rate) ** -when)  # fmt: skip
        self._name(KEPT, "sheet_kept")
        self._numbers(KEPT, FIRST + 1, one.kept, "factor", "input")
        self._name(PRICE, "sheet_price")
        self._numbers(PRICE, FIRST + 1, one.price, "price", "input")
        self._name(UNIT, "sheet_unit")
        for at, value in enumerate(unit_price(one)):
            sheet.write_formula(UNIT, FIRST + 1 + at, self._unit(at), book.format("factor"), value)
        for n, (item, rates) in enumerate(one.by_watt.items()):
            sheet.write_string(COSTS + n, 0, book.word(item), book.format("text", "head"))
            self._numbers(COSTS + n, FIRST + 1, rates, "price", "input")

    def _unit(self, at: int) -> str:
        """Of a calendar year: its parts of the two years of life that lie in it."""
        col, book = FIRST + 1 + at, self.book
        both = [f"{book.at(KEPT, c)}*{book.at(PRICE, c)}" for c in (col, col - 1)]
        if self.count == self.life:
            return f"={both[0]}"
        part = repr(self.one.part)
        now = f"{part}*{both[0]}" if at < self.life else "0"
        before = f"(1-{part})*{both[1]}" if at > 0 else "0"
        return f"={now}+{before}"

    def heads(self) -> int:
        """The head of the table; its row."""
        top, book = COSTS + len(self.one.by_watt) + 1, self.book
        keys = ("household_id", "model", "energy_kwh", "sheet_watts", "income_first_year", "npv",
                "irr", "payback_years")  # fmt: skip
        for at, key in enumerate(keys):
            self.sheet.write_string(top, at, book.head(key), book.format("text", "head"))
        for at, year in enumerate([book.word("ledger_year0"), *map(str, self.one.years)]):
            self.sheet.write_string(top, FIRST + at, year, book.format("text", "head"))
        self.sheet.write_string(top, self.last + 1, book.word("sheet_how"),
                                book.format("text", "head"))  # fmt: skip
        for at in range(self.count + 1):
            self.sheet.write_string(top, self.side + at, f"Σ {at}", book.format("text", "head"))
        self.sheet.freeze_panes(top + 1, 1)
        self.sheet.repeat_rows(top)
        self.sheet.set_column(0, 0, 22)
        self.sheet.set_column(1, self.last + 1, 13)
        self.sheet.set_column(self.side, self.side + self.count, 11, None, {"hidden": True})
        return top

    def _formula(self, row: int, at: int) -> str:
        """Net receipts of a row in the ``at``-th column of years."""
        book, col = self.book, FIRST + at
        energy, watts = (f"${letter}{row + 1}" for letter in "CD")
        if at == 0:
            return f"-ROUND({watts}*{book.at(CAPEX, 2, fixed=True)},2)"
        paid = "".join(
            f"-ROUND({watts}*{book.column(col)}${COSTS + n + 1},2)"
            for n in range(len(self.one.by_watt))
        )
        return f"ROUND({energy}*{book.column(col)}${UNIT + 1},2){paid}"

    def _measures(self, row: int, cash: np.ndarray) -> None:
        """First whole year's income, present value, rate and payback of a row."""
        one, book, sheet = self.one, self.book, self.sheet
        flows = self._row(row, FIRST, self.last, fixed=False)
        first = book.at(row, FIRST + one.first_whole)
        part = one.times[1]
        npv = float(net_present_value(cash[None], one.rate, part)[0])
        irr = float(internal_rate(cash[None], part)[0])
        back = float(payback(cash[None], first=part)[0])
        sheet.write_formula(row, 4, f"={first}", book.format("fen"), cash[one.first_whole])
        worth = self._row(WORTH, FIRST, self.last)
        sheet.write_formula(row, 5, f"=SUMPRODUCT({flows},{worth})", book.format("fen"), npv)
        if part == 1.0:
            sheet.write_formula(row, 6, f'=IFERROR(IRR({flows}),"")', book.format("rate"),
                                "" if irr != irr else irr)  # fmt: skip
        else:
            # IRR knows whole years only.
            book.cell(sheet, row, 6, irr, "rate")
        total = np.cumsum(cash)
        for at in range(self.count + 1):
            col, before = self.side + at, book.at(row, self.side + at - 1)
            now = book.at(row, FIRST + at)
            sheet.write_formula(row, col, f"={now}" if at == 0 else f"={before}+{now}",
                                book.format("fen"), total[at])  # fmt: skip
        sums = self._row(row, self.side, self.side + self.count, fixed=False)
        begin, end = book.at(row, self.side), book.at(row, self.side + self.count)
        places = f"COLUMN({sums})-{self.side}"
        last = f"SUMPRODUCT(MAX(({sums}<0)*({places})))"
        times = self._row(TIME, FIRST, self.last)
        sheet.write_formula(
            row, 7,
            f'=IF(OR({begin}>=0,{end}<0),"",INDEX({times},1,{last})-INDEX({sums},1,{last})'
            f"/(INDEX({sums},1,{last}+1)-INDEX({sums},1,{last}))"
            f"*(INDEX({times},1,{last}+1)-INDEX({times},1,{last})))",
            book.format("years"), "" if back != back else back,
        )  # fmt: skip

    def _fixed(self, row: int, cash: np.ndarray) -> None:
        """Measures of cash that is the plan's, as values."""
        one, part = self.one, self.one.times[1]
        told = (cash[one.first_whole], float(net_present_value(cash[None], one.rate, part)[0]),
                float(internal_rate(cash[None], part)[0]),
                float(payback(cash[None], first=part)[0]))  # fmt: skip
        for at, (value, kind) in enumerate(zip(told, ("fen", "fen", "rate", "years"), strict=True)):
            self.book.cell(self.sheet, row, 4 + at, value, kind)

    def households(self, first: int, *, live: bool) -> None:
        """All households: by formulas where these give the plan's figures, else the figures."""
        one, book, sheet = self.one, self.book, self.sheet
        money = book.format("fen")
        # What a program shows before it reckons is what its formulas give.
        again = reckoned(one)
        for n, person in enumerate(one.people.itertuples(index=False)):
            row, follows = first + n, bool(live and one.live[n])
            cash = again[n] if follows else one.cash[n]
            book.cell(sheet, row, 0, person.household_id, "text")
            book.cell(sheet, row, 1, word(person.model, book.language), "text")
            book.cell(sheet, row, 2, person.energy_kwh, "count")
            book.cell(sheet, row, 3, person.watts, "count")
            for at in range(self.count + 1):
                if follows:
                    told = f"={self._formula(row, at)}"
                    sheet.write_formula(row, FIRST + at, told, money, cash[at])
                else:
                    sheet.write_number(row, FIRST + at, cash[at], money)
            (self._measures if follows else self._fixed)(row, cash)
            how = "sheet_follows" if one.live[n] else "sheet_stands"
            book.cell(sheet, row, self.last + 1, book.word(how), "text")

    def chosen(self, row: int, first: int, last: int) -> None:
        """One household that is chosen by its identifier, over the cells."""
        one, book, sheet = self.one, self.book, self.sheet
        n = int(np.flatnonzero(one.live)[0]) if one.live.any() else 0
        person = one.people.iloc[n]
        book.cell(sheet, row, 0, person["household_id"], "text", "input")
        ids = f"$A${first + 1}:$A${last + 1}"
        match = f"MATCH($A{row + 1},{ids},0)"
        for col, value, kind in ((1, word(person["model"], book.language), "text"),
                                 (2, person["energy_kwh"], "count"),
                                 (3, person["watts"], "count")):  # fmt: skip
            letter = "ABCD"[col]
            told = f"=INDEX(${letter}${first + 1}:${letter}${last + 1},{match})"
            sheet.write_formula(row, col, told, book.format(kind, "input"), value)
        how = book.at(row, self.last + 1)
        letter = book.column(self.last + 1)
        follows = book.word("sheet_follows")
        sheet.write_formula(row, self.last + 1,
                            f"=INDEX(${letter}${first + 1}:${letter}${last + 1},{match})",
                            book.format("text"),
                            follows if one.live[n] else book.word("sheet_stands"))  # fmt: skip
        for at in range(self.count + 1):
            own = book.column(FIRST + at)
            held = f"INDEX(${own}${first + 1}:${own}${last + 1},{match})"
            told = f'=IF({how}="{follows}",{self._formula(row, at)},{held})'
            cash = reckoned(one)[n] if one.live[n] else one.cash[n]
            sheet.write_formula(row, FIRST + at, told, book.format("fen"), cash[at])
        self._measures(row, cash)

    def sums(self, first: int, last: int) -> dict[str, Any]:
        """All households together, and whether that is still what the plan says."""
        one, book, sheet = self.one, self.book, self.sheet
        row, money = last + 1, book.format("fen", "sum")
        again = np.where(one.live[:, None], reckoned(one), one.cash)
        whole = again.sum(axis=0) if last >= first else np.zeros(self.count + 1)
        sheet.write_string(row, 0, book.word("total"), book.format("text", "sum"))
        for col, values in ((2, one.people["energy_kwh"]), (3, one.people["watts"])):
            where = f"{book.at(first, col)}:{book.at(last, col)}"
            sheet.write_formula(row, col, f"=SUM({where})", book.format("count", "sum"),
                                float(values.sum()))  # fmt: skip
        for at in range(self.count + 1):
            where = f"{book.at(first, FIRST + at)}:{book.at(last, FIRST + at)}"
            sheet.write_formula(row, FIRST + at, f"=SUM({where})", money, whole[at])
        self._measures(row, whole)
        planned = one.cash.sum(axis=0)
        npv = float(net_present_value(whole[None], one.rate, one.times[1])[0])
        self._name(CHECK, "sheet_check")
        spot = book.at(CHECK, 2, fixed=True)
        allowed = HALF_FEN * max(int((one.cash != 0).sum()), 1) * (1 + len(one.by_watt))
        values = ",".join(
            f"ABS({book.at(row, FIRST + at)}-({float(planned[at])!r}))"
            for at in range(self.count + 1)
        )
        same = book.word("sheet_same")
        sheet.write_formula(
            CHECK, 2,
            f'=IF({self._untouched()},IF(MAX({values})<={allowed!r},"{same}",'
            f'"{book.word("sheet_other")}"),"{book.word("sheet_changed")}")',
            book.format("text"), same,
        )  # fmt: skip
        sheet.print_area(0, 0, row, self.last)
        return {
            "name": sheet.get_name(), "first": book.at(row, 4, fixed=True),
            "npv": book.at(row, 5, fixed=True), "check": spot, "check_value": same,
            "first_value": float(whole[one.first_whole]), "npv_value": npv,
        }  # fmt: skip

    def _untouched(self) -> str:
        """Whether the cells are as planned: each held against a sum by its place."""
        one, book = self.one, self.book
        rows = [(KEPT, one.kept), (PRICE, one.price),
                *((COSTS + n, rates) for n, rates in enumerate(one.by_watt.values()))]  # fmt: skip
        told = [f"{book.at(CAPEX, 2, fixed=True)}={one.capex!r}",
                f"{book.at(RATE, 2, fixed=True)}={one.rate!r}"]  # fmt: skip
        for row, values in rows:
            where = self._row(row, FIRST + 1, FIRST + len(values))
            years = f"(COLUMN({where})-{FIRST})"
            sum_ = float(np.asarray(values, dtype=float) @ np.arange(2, len(values) + 2))
            told.append(f"ABS(SUMPRODUCT({where},{years})-({sum_!r}))<0.000001")
        return f"AND({','.join(told)})"
