"""The sheet of cash: a row a household and a column a year, over cells that may be changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pvplanner.documents.book import Book
from pvplanner.documents.collective import Collective
from pvplanner.documents.living import Living, reckoned
from pvplanner.documents.measuring import measured, rate_of, worth_now, years_back
from pvplanner.documents.pooled import Pooled
from pvplanner.documents.pooled_lines import Around
from pvplanner.report.cells import word

LOAN, FIRST = 8, 9
"""Column of the loan, and of the payment at once; the years follow."""

(CAPEX, RATE, SHARE, CHECK, YEAR, DATE, TIME, WORTH, KEPT, PRICE, UNIT, INTEREST, REPAID,
 COSTS) = range(1, 15)  # fmt: skip
"""Rows of the cells that households' formulas hang on; ``COSTS`` is the first of several."""

MEASURED = {4: "fen", 5: "fen", 6: "rate", 7: "years"}
"""Columns of income, present value, rate and payback, and how they are shown."""

HALF_FEN = 0.005
UNTOUCHED = 1e-6
"""How far a sum of cells may lie from the plan's where none was changed."""


@dataclass(frozen=True)
class Cash:
    """A sheet of cash: its name; cells of the first whole year's income, the present value and the
    check, with the values they have as planned.
    """

    name: str
    first: str
    npv: str
    check: str
    first_value: float
    npv_value: float
    check_value: str
    collective: Collective | None = None


def write_cash(
    book: Book, sheet: Any, one: Living, most: int, pool: tuple[Pooled, Any] | None = None
) -> Cash:
    """Write the sheet, and that of the collective.

    Parameters
    ----------
    book : Book
    sheet : worksheet
    one : Living
    most : int
        Of more households only one that is chosen follows the cells; the rest are the plan's.
    pool : (Pooled, worksheet), optional
        The collective that owns, and its sheet.
    """
    many = len(one.people) > most
    if pool is not None:
        one = replace(one, sharing=_sharing(one, pool[0], many=many))
    page = _Page(book, sheet, one)
    page.inputs()
    rows = page.heads() + 1 + many
    last = rows + len(one.people) - 1
    if pool is not None:
        page.pool = pool[0]
        page.collective = Collective(book, pool[1], pool[0], one, page.around(rows, last))
    if many:
        page.chosen(rows - 1, rows, last)
    page.households(rows, live=not many)
    made = page.sums(rows, last, live=not many)
    if page.collective is not None:
        page.collective.write()
    return replace(made, collective=page.collective)


def _sharing(one: Living, pool: Pooled, *, many: bool) -> np.ndarray:
    """Households whose cash follows what the collective gives."""
    out = np.zeros(len(one.people), dtype=bool)
    lent = pool.lent.any(axis=1) if many else np.zeros(len(pool.rows), dtype=bool)
    out[pool.rows] = np.isfinite(pool.weight) & np.isfinite(one.cash[pool.rows]).all(axis=1) & ~lent
    return out


def dates_of(one: Living) -> list[float]:
    """Days of the payments as spreadsheets count them, for programs that want days."""
    begin = (one.begin - dt.date(1899, 12, 30)).days
    return [float(begin + round(when * 365)) for when in one.times]


class _Page:
    def __init__(self, book: Book, sheet: Any, one: Living) -> None:
        self.book, self.sheet, self.one = book, sheet, one
        self.count, self.life = len(one.years), len(one.kept)
        self.last = FIRST + self.count
        self.side = self.last + 2
        """Column in which the running balances begin; the parts of dividends stand after them."""
        self.weight = self.side + self.count + 1
        self.pool: Pooled | None = None
        self.collective: Collective | None = None
        # What a program shows before it reckons is what its formulas give.
        self.again = np.where(one.live[:, None], reckoned(one), one.cash)

    def around(self, first: int, last: int) -> Around:
        """Where the collective's sheet finds what it hangs on."""
        book, name = self.book, f"'{self.sheet.get_name()}'!"
        cells = {"capex": CAPEX, "rate": RATE, "share": SHARE, "check": CHECK}
        rows = {"unit": UNIT, "interest": INTEREST, "repaid": REPAID, "worth": WORTH, "time": TIME}
        rows["date"] = DATE
        rows |= {item: COSTS + n for n, item in enumerate(self.one.by_watt)}
        columns = {"model": 1, "energy": 2, "watts": 3}
        return Around(
            lambda key: name + book.at(cells[key], 2, fixed=True),
            lambda key, at: name + book.at(rows[key], FIRST + at, fixed=True),
            lambda key: name + book.span(rows[key], FIRST, rows[key], self.last, fixed=True),
            lambda key: name + book.span(first, columns[key], last, columns[key], fixed=True),
        )  # fmt: skip

    def _shared(self, n: int, row: int, at: int) -> str:
        """What a member of the collective gets: as planned, its part of what is given beyond that,
        and what it lends with the plant's cost.
        """
        assert self.pool is not None
        assert self.collective is not None
        told = f"={float(self.one.cash[n, at])!r}"
        if at:
            weight = self.book.at(row, self.weight)
            told += f"+ROUND({weight}*{self.collective.more(at)},2)"
        lent = float(self.pool.lent[np.searchsorted(self.pool.rows, n), at])
        if lent:
            capex = self.book.at(CAPEX, 2, fixed=True)
            told += f"+ROUND({lent!r}*({capex}/{self.one.capex!r}-1),2)"
        return told

    def _name(self, row: int, key: str) -> None:
        self.book.heads(self.sheet, row, [self.book.word(key)])

    def _in_money(self, key: str) -> str:
        return self.book.word(key).format(currency=self.book.money)

    def _numbers(self, row: int, first: int, values: Iterable[float], kind: str, look: str) -> None:
        for at, value in enumerate(values):
            self.book.cell(self.sheet, row, first + at, float(value), kind, look)

    def inputs(self) -> None:
        """What may be changed, and what follows from it for every kilowatt-hour and watt."""
        one, book, sheet = self.one, self.book, self.sheet
        book.cell(sheet, 0, 0, book.word("sheet_cash_how"), "text")
        for row, head, value, kind in (
            (CAPEX, book.head("capex_per_w"), one.capex, "price"),
            (RATE, book.word("sheet_rate"), one.rate, "rate"),
            (SHARE, book.word("sheet_borrowed"), one.borrowed, "rate"),
        ):
            book.heads(sheet, row, [head])
            (book.share if kind == "rate" else book.input)(sheet, row, 2, value, kind)
        self._name(YEAR, "year")
        self._numbers(YEAR, FIRST + 1, one.years, "year", "head")
        self._name(TIME, "sheet_time")
        self._numbers(TIME, FIRST, one.times, "number", "")
        self._name(DATE, "sheet_date")
        self._numbers(DATE, FIRST, dates_of(one), "day", "")
        self._name(WORTH, "sheet_worth")
        rate = book.at(RATE, 2, fixed=True)
        for at, when in enumerate(one.times):
            told = f"=(1+{rate})^-{book.at(TIME, FIRST + at)}"
            book.formula(sheet, WORTH, FIRST + at, told, (1 + one.rate) ** -when, "factor")
        self._name(KEPT, "sheet_kept")
        self._numbers(KEPT, FIRST + 1, one.kept, "factor", "input")
        book.heads(sheet, PRICE, [self._in_money("sheet_price")])
        self._numbers(PRICE, FIRST + 1, one.price, "price", "input")
        book.heads(sheet, UNIT, [self._in_money("sheet_unit")])
        for at, value in enumerate(one.unit):
            book.formula(sheet, UNIT, FIRST + 1 + at, self._unit(at), value, "factor")
        for row, key, values in ((INTEREST, "sheet_interest", one.interest),
                                 (REPAID, "sheet_repaid", one.principal)):  # fmt: skip
            self._name(row, key)
            self._numbers(row, FIRST + 1, values, "factor", "input")
        for n, (item, rates) in enumerate(one.by_watt.items()):
            told = book.word("sheet_per_w").format(item=book.word(item), currency=book.money)
            book.heads(sheet, COSTS + n, [told])
            self._numbers(COSTS + n, FIRST + 1, rates, "price", "input")

    def _unit(self, at: int) -> str:
        """Of a calendar year: its parts of the two years of life that lie in it."""
        col, book = FIRST + 1 + at, self.book
        own = [c for c in (col, col - 1) if FIRST < c <= FIRST + self.life]
        if self.count == self.life:
            own = own[:1]
        told = "+".join(
            f"{book.at(KEPT, c)}*{book.at(PRICE, c)}*{self._part(c == col)}" for c in own
        )
        # Where no price is known none is made up.
        prices = ",".join(book.at(PRICE, c) for c in own)
        return f'=IF(COUNT({prices})={len(own)},{told},"{book.unknown}")'

    def _part(self, begins: bool) -> str:
        if self.count == self.life:
            return "1"
        return repr(self.one.part) if begins else f"(1-{self.one.part!r})"

    def heads(self) -> int:
        """The head of the table; its row."""
        top, book = COSTS + len(self.one.by_watt) + 1, self.book
        keys = ("household_id", "model", "energy_kwh", "sheet_watts", "income_first_year", "npv",
                "irr", "payback_years", "sheet_loan")  # fmt: skip
        book.heads(self.sheet, top, [
            *(self._in_money(key) if key.startswith("sheet_") else book.head(key) for key in keys),
            book.word("ledger_year0"),
            *map(str, self.one.years), book.word("sheet_how"),
            *(f"Σ {at}" for at in range(self.count + 1)),
        ])  # fmt: skip
        self.sheet.freeze_panes(top + 1, 1)
        self.sheet.repeat_rows(top)
        self.sheet.set_column(0, 0, 26)
        self.sheet.set_column(1, self.last + 1, 13)
        self.sheet.set_column(self.side, self.weight, 11, None, {"hidden": True})
        return top

    def _formula(self, row: int, at: int) -> str:
        """Net receipts of a row in the ``at``-th column of years."""
        energy, watts, loan = (f"${letter}{row + 1}" for letter in ("C", "D", self._loan))
        if at == 0:
            return f"{loan}-ROUND({watts}*{self.book.at(CAPEX, 2, fixed=True)},2)"
        letters = self.book.column(FIRST + at)
        paid = "".join(
            f"-ROUND({watts}*{letters}${COSTS + n + 1},2)" for n in range(len(self.one.by_watt))
        )
        first = f"${self.book.column(FIRST + 1)}${REPAID + 1}"
        repaid = f"ROUND({loan}*SUM({first}:{letters}${REPAID + 1}),2)"
        if at > 1:
            before = self.book.column(FIRST + at - 1)
            repaid = f"({repaid}-ROUND({loan}*SUM({first}:{before}${REPAID + 1}),2))"
        interest = f"ROUND({loan}*{letters}${INTEREST + 1},2)"
        return f"ROUND({energy}*{letters}${UNIT + 1},2){paid}-{interest}-{repaid}"

    @property
    def _loan(self) -> str:
        return self.book.column(LOAN)

    def _borrowed(self, row: int) -> str:
        capex, share = (self.book.at(r, 2, fixed=True) for r in (CAPEX, SHARE))
        return f"ROUND(ROUND($D{row + 1}*{capex},2)*{share},2)"

    def _values(self, cash: np.ndarray) -> list[float]:
        """Income of the first whole year, present value, rate and payback."""
        one = self.one
        return measured(cash, one.rate, float(one.times[1]), one.first_whole)

    def _measures(self, row: int, cash: np.ndarray) -> None:
        """Measures of a row by formulas; where cash is not known no measure is."""
        if not np.isfinite(cash).all():
            self._fixed(row, cash)
            return
        one, book, sheet = self.one, self.book, self.sheet
        income, npv, irr, back = self._values(cash)
        flows = book.span(row, FIRST, row, self.last)
        worth, times = (book.span(r, FIRST, r, self.last, fixed=True) for r in (WORTH, TIME))
        first = book.at(row, FIRST + one.first_whole)
        book.formula(sheet, row, 4, f"={first}", income, "fen")
        book.formula(sheet, row, 5, worth_now(flows, worth), npv, "fen")
        dates = "" if one.times[1] == 1.0 else book.span(DATE, FIRST, DATE, self.last, fixed=True)
        told = rate_of(flows, book.at(row, FIRST), dates)
        book.formula(sheet, row, 6, told, "" if irr != irr else irr, "rate")
        self._balances(row, cash)
        sums = book.span(row, self.side, row, self.side + self.count)
        ends = (book.at(row, self.side), book.at(row, self.side + self.count))
        told = years_back(sums, ends, times, self.side)
        book.formula(sheet, row, 7, told, "" if back != back else back, "years")

    def _balances(self, row: int, cash: np.ndarray) -> None:
        """What has come in less what was paid up to each year, in columns that are hidden."""
        book = self.book
        for at, total in enumerate(np.cumsum(cash)):
            now = book.at(row, FIRST + at)
            told = f"={now}" if at == 0 else f"={book.at(row, self.side + at - 1)}+{now}"
            book.formula(self.sheet, row, self.side + at, told, float(total), "fen")

    def _fixed(self, row: int, cash: np.ndarray) -> None:
        """Measures of cash that is the plan's, as values."""
        lost = not np.isfinite(cash).all()
        for value, (col, kind) in zip(self._values(cash), MEASURED.items(), strict=True):
            self.book.cell(self.sheet, row, col, self.book.unknown if lost else value, kind)

    def households(self, first: int, *, live: bool) -> None:
        """All households: by formulas where these give the plan's figures, else the figures."""
        one, book, sheet = self.one, self.book, self.sheet
        for n, person in enumerate(one.people.itertuples(index=False)):
            row, cash = first + n, self.again[n]
            follows, shares = bool(live and one.live[n]), bool(live and one.sharing[n])
            book.cell(sheet, row, 0, person.household_id, "text")
            book.cell(sheet, row, 1, word(person.model, book.language), "text")
            book.cell(sheet, row, 2, person.energy_kwh, "count")
            book.cell(sheet, row, 3, person.watts, "count")
            if follows:
                told = f"={self._borrowed(row)}"
                book.formula(sheet, row, LOAN, told, person.loan, "fen")
            else:
                book.cell(sheet, row, LOAN, book.known("loan", person.loan), "fen")
            for at in range(self.count + 1):
                if follows or shares:
                    told = f"={self._formula(row, at)}" if follows else self._shared(n, row, at)
                    book.formula(sheet, row, FIRST + at, told, float(cash[at]), "fen")
                else:
                    book.cell(sheet, row, FIRST + at, book.known("yuan", float(cash[at])), "fen")
            (self._measures if follows or shares else self._fixed)(row, cash)
            book.cell(sheet, row, self.last + 1, book.word(self._how(n)), "text")
            if one.sharing[n]:
                book.cell(sheet, row, self.weight, self._weight(n), "factor")

    def _how(self, n: int) -> str:
        """Whether a row is reckoned, shares in what the collective gives, or stands."""
        if self.one.live[n]:
            return "sheet_follows"
        return "sheet_shares" if self.one.sharing[n] else "sheet_stands"

    def _weight(self, n: int) -> float:
        assert self.pool is not None
        return float(self.pool.weight[np.searchsorted(self.pool.rows, n)])

    def chosen(self, row: int, first: int, last: int) -> None:
        """One household that is chosen by its identifier, over the cells."""
        one, book, sheet = self.one, self.book, self.sheet
        some = one.live | one.sharing
        n = int(np.flatnonzero(some)[0]) if some.any() else 0
        person, cash = one.people.iloc[n], self.again[n]
        book.cell(sheet, row, 0, person["household_id"], "text", "input")

        def of_table(col: int) -> str:
            column, ids = (book.span(first, c, last, c, fixed=True) for c in (col, 0))
            return f"INDEX({column},MATCH($A{row + 1},{ids},0))"

        for col, value, kind in ((1, word(person["model"], book.language), "text"),
                                 (2, float(person["energy_kwh"]), "count"),
                                 (3, float(person["watts"]), "count")):  # fmt: skip
            book.formula(sheet, row, col, f"={of_table(col)}", value, kind)
        follows, how = book.word("sheet_follows"), book.word(self._how(n))
        book.formula(sheet, row, self.last + 1, f"={of_table(self.last + 1)}", how, "text")
        spot = book.at(row, self.last + 1)
        told = f'=IF({spot}="{follows}",{self._borrowed(row)},{of_table(LOAN)})'
        book.formula(sheet, row, LOAN, told, float(person["loan"]), "fen")
        for at in range(self.count + 1):
            planned = of_table(FIRST + at)
            if at and self.collective is not None:
                part = f"ROUND({of_table(self.weight)}*{self.collective.more(at)},2)"
                shares = book.word("sheet_shares")
                planned = f'IF({spot}="{shares}",{planned}+{part},{planned})'
            told = f'=IF({spot}="{follows}",{self._formula(row, at)},{planned})'
            book.formula(sheet, row, FIRST + at, told, float(cash[at]), "fen")
        self._measures(row, cash)

    def sums(self, first: int, last: int, *, live: bool) -> Cash:
        """All households together, and whether that is still what the plan says."""
        one, book, sheet = self.one, self.book, self.sheet
        row = last + 1
        sheet.write_string(row, 0, book.word("total"), book.format("text", "sum"))
        columns = [
            (2, one.people["energy_kwh"], "count"), (3, one.people["watts"], "count"),
            (LOAN, one.people["loan"], "fen"),
            *((FIRST + at, self.again[:, at], "fen") for at in range(self.count + 1)),
        ]  # fmt: skip
        for col, values, kind in columns:
            book.total(sheet, row, col, book.span(first, col, last, col), list(values), kind)
        # Rows that do not follow the cells stand at the plan's own rate.
        together = self.again.sum(axis=0)
        self._measures(row, together)
        income, npv, *_ = self._values(together)
        self._name(CHECK, "sheet_check")
        known = bool(np.isfinite(together).all())
        said = book.word("sheet_same" if known else "sheet_unknown")
        if known:
            book.formula(sheet, CHECK, 2, self._check(row), said, "text")
        else:
            book.cell(sheet, CHECK, 2, said, "text")
        sheet.print_area(0, 0, row, self.last)
        sheet.repeat_columns(0)
        sheet.fit_to_pages(3, 0)
        return Cash(
            sheet.get_name(), book.at(row, 4, fixed=True), book.at(row, 5, fixed=True),
            book.at(CHECK, 2, fixed=True), income, npv, said,
        )  # fmt: skip

    def _check(self, row: int) -> str:
        """Whether the sums are the plan's, to half a fen a payment; where a cell was changed that
        is said instead.
        """
        one, book = self.one, self.book
        allowed = HALF_FEN * max(int((one.cash != 0).sum()), 1) * (3 + len(one.by_watt))
        planned = one.cash.sum(axis=0)
        off = ",".join(
            f"ABS({book.at(row, FIRST + at)}-({float(planned[at])!r}))"
            for at in range(self.count + 1)
        )
        same, other, changed = (book.word(f"sheet_{key}") for key in ("same", "other", "changed"))
        within = f'IF(MAX({off})<={allowed!r},"{same}","{other}")'
        return f'=IF({self._untouched()},{within},"{changed}")'

    def _untouched(self) -> str:
        """Whether the cells are as planned: each row held against a sum by its place."""
        one, book = self.one, self.book
        rows = [(KEPT, one.kept), (PRICE, one.price), (INTEREST, one.interest),
                (REPAID, one.principal),
                *((COSTS + n, rates) for n, rates in enumerate(one.by_watt.values()))]  # fmt: skip
        told = [
            f"{book.at(row, 2, fixed=True)}={value!r}"
            for row, value in ((CAPEX, one.capex), (RATE, one.rate), (SHARE, one.borrowed))
        ]
        for row, values in rows:
            where = book.span(row, FIRST + 1, row, FIRST + len(values), fixed=True)
            sum_ = float(np.asarray(values, dtype=float) @ np.arange(2, len(values) + 2))
            told.append(
                f"ABS(SUMPRODUCT({where},(COLUMN({where})-{FIRST}))-({sum_!r}))<{UNTOUCHED:.6f}"
            )
        return f"AND({','.join(told)})"
