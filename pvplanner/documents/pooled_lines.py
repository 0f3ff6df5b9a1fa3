"""Rows of a collective's sheet: what stands in each, and the formula of each cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pvplanner import reference
from pvplanner.documents.book import Book
from pvplanner.documents.living import BY_WATT
from pvplanner.documents.pooled import (
    AT_START,
    DIVIDEND,
    MEMBERS,
    SOLD,
    TAXES,
    Pooled,
    renewals,
    steps_of,
)
from pvplanner.money.payments import RENEWED, REPAID
from pvplanner.report.cells import word

START = 2
"""Column of the payment at once; the years follow."""

CHECK, ENERGY, WATTS, RESERVE, HEAD = 1, 2, 3, 4, 6
"""Rows of cells above the table, and of its head."""

Formula = Callable[[int], str | None]


@dataclass(frozen=True)
class Around:
    """Where on the sheet of cash stands what the collective's hangs on.

    Attributes
    ----------
    cell : callable
        A fixed cell by its name: ``capex``, ``rate``, ``share``, ``check``.
    year : callable
        A year's cell in a row by its name: ``unit``, ``interest``, ``repaid``, ``worth``, ``time``
        and the items by the watt; years from 1, the payment at once is 0.
    row : callable
        Such a row as a range.
    column : callable
        A column of the households as a range: ``model``, ``energy``, ``watts``.
    """

    cell: Callable[[str], str]
    year: Callable[[str, int], str]
    row: Callable[[str], str]
    column: Callable[[str], str]


@dataclass(frozen=True)
class Line:
    """A row: its name, what stands in it as planned, and how each cell is reckoned."""

    title: str
    values: np.ndarray
    told: Formula | None
    kind: str = "fen"
    starts: bool = False
    """Whether its first value is at once."""


class Lines:
    """Rows in their order: a collective's cash, taxes, sums and distribution.

    Attributes
    ----------
    lines : dict of str to Line
    rows : dict of str to int
        Where each stands.
    steps : dict of str to ndarray
        As from :func:`steps_of`.
    """

    def __init__(self, book: Book, one: Pooled, around: Around) -> None:
        self.book, self.one, self.around = book, one, around
        self.steps = steps_of(one)
        self.lines: dict[str, Line] = {}
        self.rows: dict[str, int] = {}
        self._cash()
        self._taxes()
        self._sums()
        self._shares()

    def _line(
        self, key: str, title: str, values: np.ndarray, told: Formula | None, kind: str = "fen",
        *, starts: bool = False,
    ) -> None:  # fmt: skip
        self.rows[key] = HEAD + 1 + len(self.rows)
        self.lines[key] = Line(title, np.asarray(values, dtype=float), told, kind, starts)

    def _part(self, key: str) -> None:
        """The title of a part of the sheet."""
        self.rows[key] = HEAD + 1 + len(self.rows)
        self.lines[key] = Line(self.book.word(key), np.zeros(0), None)

    def _at(self, key: str, at: int) -> str:
        """A row's cell in a year; before the first year nought."""
        return self.book.at(self.rows[key], START + at) if at > 0 else "0"

    def _start(self, key: str) -> str:
        """What a row has at once, nought where there is no such row."""
        return self.book.at(self.rows[key], START, fixed=True) if key in self.rows else "0"

    def _fixed(self, row: int) -> str:
        return self.book.at(row, START, fixed=True)

    def _cash(self) -> None:
        """Items in the plan's order: by formulas where these give the plan's figures."""
        self._part("sheet_part_cash")
        for item, yuan in self.one.planned.items():
            if item not in (DIVIDEND, *TAXES):
                self._line(item, word(item, self.book.language), yuan, self._how(item), starts=True)

    def _how(self, item: str) -> Formula | None:
        """How an item's cells are reckoned; ``None``: they stand."""
        one, around = self.one, self.around
        capex, watts = around.cell("capex"), self._fixed(WATTS)
        if item == "capital":
            return lambda at: f"-ROUND({watts}*{capex},2)" if at == 0 else None
        if item == "loan":
            return lambda at: self._loan() if at == 0 else None
        if item == "stamp":
            return lambda at: self._stamp() if at == 0 else None
        if item in MEMBERS:
            planned, first = one.item(item), one.case.terms.rate("capex_per_w")[0]
            return lambda at: f"ROUND({float(planned[at])!r}*{capex}/{float(first)!r},2)"
        if item in SOLD and item in one.products:
            return lambda at: self._sold(at) if at else None
        if item in BY_WATT and item in one.products:
            return lambda at: f"-ROUND({watts}*{around.year(item, at)},2)" if at else None
        if item == "interest":
            return lambda at: self._interest(at) if at else None
        if item == "principal":
            return lambda at: self._repaid(at) if at else None
        return None

    def _loan(self) -> str:
        others = "".join(f"-{self._start(n)}" for n in ("grant", "class_grant", "member_loan"))
        left = f"-{self._start('capital')}{others}"
        return f"ROUND(MAX({left},0)*{self.around.cell('share')},2)"

    def _stamp(self) -> str:
        """On the sale and the loan; on leases as planned."""
        sale, lent = self.one.stamps
        paid, got = (float(self.one.item(n)[0]) for n in ("capital", "loan"))
        rest = float(self.one.item("stamp")[0]) + round(-paid * sale, 2) + round(got * lent, 2)
        capital, loan = self._start("capital"), self._start("loan")
        told = f"-ROUND(-{capital}*{sale!r},2)-ROUND({loan}*{lent!r},2)"
        return f"{told}+({round(rest, 2)!r})"

    def _sold(self, at: int) -> str:
        """What is sold, or what an agent passes on of it."""
        sold = f"ROUND({self._fixed(ENERGY)}*{self.around.year('unit', at)},2)"
        return sold if self.one.factor == 1 else f"ROUND({sold}*{self.one.factor!r},2)"

    def _interest(self, at: int) -> str:
        return f"-ROUND({self._start('loan')}*{self.around.year('interest', at)},2)"

    def _repaid(self, at: int) -> str:
        """What is repaid is cut to whole fen so that it sums to the loan."""
        loan, around = self._start("loan"), self.around

        def until(year: int) -> str:
            first, last = around.year("repaid", 1), around.year("repaid", year)
            return f"ROUND({loan}*SUM({first}:{last.rpartition('!')[2]}),2)"

        return f"-({until(at)}-{until(at - 1)})" if at > 1 else f"-{until(at)}"

    def _taxes(self) -> None:
        """VAT by quarters, its surcharge, and tax on what write-off and losses leave."""
        one, book, law = self.one, self.book, self.one.case.terms.taxes
        quarters = one.case.calendar.quarters
        self._part("sheet_part_taxes")
        taxed = [n for n in one.taxed if n in self.rows]
        step = self.steps

        def title(key: str) -> str:
            return book.word(f"sheet_tax_{key}")

        self._line("sales", title("sales"), step["sales"], lambda at: (
            "+".join(f"ABS({self._at(n, at)})" for n in taxed) or "0"
        ))  # fmt: skip
        rate = reference.constant("vat_rate_general").value
        limit = reference.constant("vat_general_limit").value
        levied = bool(np.any(law.vat > 0))
        self._line("general", title("general"), step["general"], lambda at: (
            f"IF(OR({self._at('general', at - 1)}=1,"
            f"{self._at('sales', at)}/(1+{float(law.vat[at - 1])!r})>{limit!r}),1,0)"
        ), "count")  # fmt: skip
        capital = self._start("capital")
        self._line("due", title("due"), step["due"], lambda at: (
            f"IF({self._at('general', at)}=0,0,{self._at('sales', at)}*{rate!r}/(1+{rate!r})"
            + (f"+{capital}*{rate!r}/(1+{rate!r})" if at == 1 else "")
            + f"-{self._at('credit', at - 1)})"
        ))  # fmt: skip
        self._line("credit", title("credit"), step["credit"], lambda at: (
            f"IF({self._at('general', at)}=1,MAX(-{self._at('due', at)},0),"
            f"{self._at('credit', at - 1)})"
        ))  # fmt: skip

        def owed(at: int) -> str:
            small, free = float(law.vat[at - 1]), bool(law.vat_free[at - 1])
            most = law.vat_free_per_quarter
            parts = []
            for part in quarters[at - 1]:
                net = f"{self._at('sales', at)}*{float(part)!r}/(1+{small!r})"
                due = f"{net}*{small!r}"
                parts.append(f"IF(ROUND({net},2)<{most!r},0,{due})" if free else due)
            told = f"IF({self._at('general', at)}=1,MAX({self._at('due', at)},0),{'+'.join(parts)})"
            return f"-ROUND({told},2)"

        names = {k: word(k, book.language) for k in ("vat", "surcharge", "tax")}
        self._line("vat", names["vat"], one.item("vat")[1:], owed if levied else None)
        self._line("surcharge", names["surcharge"], one.item("surcharge")[1:], lambda at: (
            f"-ROUND(-{self._at('vat', at)}*{float(law.city[at - 1])!r},2)"
        ))  # fmt: skip
        self._profit_tax(names["tax"])

    def _profit_tax(self, name: str) -> None:
        one, book, step = self.one, self.book, self.steps
        law = one.case.terms.taxes

        def title(key: str) -> str:
            return book.word(f"sheet_tax_{key}")

        costs = [n for n in self.lines if self._of_profit(n)]
        self._line("profit", title("profit"), step["profit"], lambda at: (
            "+".join(self._at(n, at) for n in costs)
        ))  # fmt: skip
        cost = "-(" + "+".join(self._start(n) for n in one.bought) + ")"
        self._line("tax_written", title("written"), step["tax_written"],
                   lambda at: self._written("tax_written", cost, at))  # fmt: skip
        self._line("left", title("left"), step["left"], lambda at: (
            f"{self._at('profit', at)}-{self._at('tax_written', at)}"
        ))  # fmt: skip
        first, years = HEAD + 1 + len(self.rows), law.loss_years

        def loss(age: int) -> Formula:
            def told(at: int) -> str:
                if at == 1:
                    return "0"
                before = self._at("left", at - 1)
                if age == 0:
                    return f"MAX(-{before},0)"
                younger = book.at(first + age - 1, START + at - 1)
                older = book.span(first + age, START + at - 1, first + years - 1, START + at - 1)
                return f"MAX({younger}-MAX(MAX({before},0)-SUM({older}),0),0)"

            return told

        for age in range(years):
            told = book.word("sheet_tax_loss").format(years=age + 1)
            self._line(f"loss{age + 1}", told, step[f"loss{age + 1}"], loss(age))
        self._line("rest", title("rest"), step["rest"], lambda at: (
            f"MAX(MAX({self._at('left', at)},0)-SUM("
            f"{book.span(first, START + at, first + years - 1, START + at)}),0)"
        ))  # fmt: skip
        low, high = law.income
        self._line("tax", name, one.item("tax")[1:], lambda at: (
            f"-ROUND({self._at('rest', at)}*IF({self._at('rest', at)}>{law.income_limit!r},"
            f"{float(high[at - 1])!r},{float(low[at - 1])!r}),2)"
        ))  # fmt: skip

    def _of_profit(self, key: str) -> bool:
        """Whether a row is a receipt or cost of the profit."""
        if key in ("vat", "surcharge"):
            return True
        return key in self.one.planned and key not in REPAID and self._yearly(key)

    def _yearly(self, key: str) -> bool:
        """Whether anything of an item comes or goes in later years."""
        return key not in AT_START or bool(self.one.item(key)[1:].any())

    def _written(self, key: str, cost: str, at: int) -> str:
        """A year's write-off: the plan's, which is whole fen by any year, as the cost is to its."""
        planned = self.steps[key]
        if not planned.sum():
            return "0"
        return f"ROUND({float(planned[at - 1])!r}*{cost}/{float(planned.sum())!r},2)"

    def _sums(self) -> None:
        """What is left before dividends, and its measures."""
        items = [n for n in self.lines if n in self.one.planned and self.lines[n].starts]
        parts = [*(n for n in items if self._yearly(n)), *TAXES]
        starts = [n for n in items if n in AT_START or self.one.item(n)[0]]
        title = self.book.word
        self._part("sheet_part_sums")
        self._line("before", title("sheet_before_dividends"), self.one.before, lambda at: (
            "+".join(self._start(n) for n in starts) if at == 0
            else "+".join(self._at(n, at) for n in parts)
        ), starts=True)  # fmt: skip
        self._line("balance", title("sheet_balance"), np.cumsum(self.one.before), lambda at: (
            self._start("before") if at == 0
            else f"{self.book.at(self.rows['balance'], START + at - 1)}+{self._at('before', at)}"
        ), starts=True)  # fmt: skip

    def _shares(self) -> None:
        """What is kept and given in the lawful order."""
        book, step, terms = self.book, self.steps, self.one.case.terms

        def title(key: str) -> str:
            return book.word(f"account_{key}")

        self._part("sheet_part_shares")
        cost = "(" + "+".join(
            [self._start(n) for n in ("loan", "member_loan", "grant", "class_grant")]
        ) + f"-{self._start('before')})"  # fmt: skip
        self._line("written", title("written_off"), step["written"],
                   lambda at: self._written("written", cost, at))  # fmt: skip
        repaid = [n for n in REPAID if n in self.rows]
        self._line("repaid", title("repaid"), step["repaid"], lambda at: (
            "-(" + ("+".join(self._at(n, at) for n in repaid) or "0") + ")"
        ))  # fmt: skip
        spent = [n for n in RENEWED if n in self.rows]
        self._line("spent", book.word("sheet_spent"), step["spent"], lambda at: (
            "-(" + ("+".join(self._at(n, at) for n in spent) or "0") + ")"
        ))  # fmt: skip
        ahead = renewals(step["spent"])

        def aside(at: int) -> str:
            if not terms.cooperative.provision:
                return "0"
            year, part, many = ahead[at - 1]
            if many == 0:
                return f"-{self._at('spent', at)}"
            cell = self._at("spent", year + 1)
            told = f"ROUND({cell}*{part}/{many},2)"
            told += f"-ROUND({cell}*{part - 1}/{many},2)" if part > 1 else ""
            return f"{told}-{self._at('spent', at)}"

        self._line("aside", title("set_aside"), step["aside"], aside)
        self._line("surplus", title("surplus"), step["surplus"], lambda at: (
            f"{self._at('before', at)}+{self._at('repaid', at)}-{self._at('written', at)}"
            f"-{self._at('aside', at)}"
        ))  # fmt: skip
        self._given()

    def _given(self) -> None:
        one, book, step = self.one, self.book, self.steps
        most = one.case.terms.reserve.most
        at_ = self._at

        def pool(at: int) -> str:
            return f"({at_('pool', at - 1)}+{at_('surplus', at)})"

        def drawn(at: int) -> str:
            return f"MAX(MIN({at_('reserve', at - 1)},-{pool(at)}),0)"

        def kept(at: int) -> str:
            share = f"ROUND(MAX(MIN({pool(at)},{at_('surplus', at)}),0)*{self._fixed(RESERVE)},2)"
            if most is not None:
                room = f"ROUND(-{self._start('before')}*{most!r},2)-{at_('reserve', at - 1)}"
                share = f"MIN({share},MAX({room},0))"
            return f"IF({pool(at)}>0,{share},0)"

        aside = self.rows["aside"]

        def given(at: int) -> str:
            put_by = f"SUM({book.span(aside, START + 1, aside, START + at)})"
            there = f"MAX({at_('cash', at - 1)}+{at_('before', at)}-{put_by},0)"
            rest = f"{pool(at)}-({at_('reserve', at)}-{at_('reserve', at - 1)})"
            return f"IF({pool(at)}>0,INT(MIN({rest},{there})*100+0.0001)/100,0)"

        told: dict[str, tuple[str, Formula]] = {
            "reserve": (book.word("sheet_reserve_sum"), lambda at: (
                f"{at_('reserve', at - 1)}-{drawn(at)}+{kept(at)}")),
            "given": (word(DIVIDEND, book.language), given),
            "cash": (book.word("account_cash"), lambda at: (
                f"{at_('cash', at - 1)}+{at_('before', at)}-{at_('given', at)}")),
            "pool": (book.word("undistributed"), lambda at: (
                f"{pool(at)}-({at_('reserve', at)}-{at_('reserve', at - 1)})-{at_('given', at)}")),
        }  # fmt: skip
        for key, (title, how) in told.items():
            self._line(key, title, step[key], how)
        self._line("planned", book.word("sheet_given_planned"), step["given"], None)
        self._line("more", book.word("sheet_given_more"), np.zeros(one.count), lambda at: (
            f"ROUND({at_('given', at)}-{at_('planned', at)},2)"
        ))  # fmt: skip
