"""What a reckoning says, section by section: the same figures on every paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pvplanner.money.explain import RENT_UNITS
from pvplanner.reading.values import natural_key, natural_order
from pvplanner.report.cells import currency_of, word
from pvplanner.settlement import KINDS
from pvplanner.texts import visible
from pvplanner.tracking.booking import UNTOLD
from pvplanner.tracking.reckoning import Reckoned
from pvplanner.words import has_label, in_units, label, number, rule_of, style

MONEY = "fen"
"""Kind of a column of money: to the fen."""

ENERGY = "energy"
METERED = "metered"
"""Kind of an energy that a meter or a sheet says."""

ACCOUNT = ("received", "paid", "vat", "surcharge", "tax", "from_joint", "written_off", "set_aside",
           "surplus", "reserve", "dividend", "kept", "repaid", "cash")  # fmt: skip
"""Lines of a collective's year; what is of joint plants only where there are some."""


@dataclass(frozen=True)
class Section:
    """A table with its title.

    Attributes
    ----------
    key, title : str
    note : str
        What is to be known to read it; empty where nothing is.
    heads : list of str
    kinds : list of str
        How each column is shown: ``text``, ``fen`` (money to the fen), or a kind of figure.
    rows : list of list
        Numbers as numbers; what is not known is ``None``.
    sums : list of bool
        Which columns add up.
    unknown, sum_word : str
        Words for what is not known, and for the row of sums.
    """

    key: str
    title: str
    note: str
    heads: list[str]
    kinds: list[str]
    rows: list[list[Any]]
    sums: list[bool]
    unknown: str
    sum_word: str

    def as_text(self, row: Sequence[Any], language: str) -> list[str]:
        """A row as people read it."""
        return [self._cell(v, kind, language) for v, kind in zip(row, self.kinds, strict=True)]

    def _cell(self, value: Any, kind: str, language: str) -> str:
        if isinstance(value, str):
            return visible(value)
        if value is None or pd.isna(value):
            return self.unknown
        if kind == MONEY:
            return f"{value:,.2f}"
        return number(float(value), rule_of(kind), language)

    def total(self) -> list[Any]:
        """The row of sums: unknown where a part is."""
        out: list[Any] = []
        for at, adds in enumerate(self.sums):
            values = [row[at] for row in self.rows]
            if not adds:
                out.append(self.sum_word if at == 0 else "")
            elif any(v is None or pd.isna(v) for v in values):
                out.append(None)
            else:
                out.append(round(float(sum(values)), 2))
        return out


class Writer:
    """Makes sections in one language and currency."""

    def __init__(self, found: Reckoned, language: str) -> None:
        self.found, self.language = found, language
        self.money = in_units("money", language, currency_of(found.plan))

    def word(self, key: str) -> str:
        """A word of the catalogue."""
        return label(key, self.language)

    def books(self, name: str) -> str:
        """Whose account it is."""
        return (
            self.word("reckon_untold") if name == UNTOLD else name or self.word("reckon_own_books")
        )

    @property
    def several(self) -> bool:
        """Whether there is more than one account: of one alone nobody asks whose it is."""
        shared = self.found.dividends
        names = set() if shared is None else {*shared.accounts}
        return len(names | {*self.found.payments["books"], *self.found.vouchers["books"]}) > 1

    def head(self, key: str, kind: str) -> str:
        """A column's head with its unit."""
        units = {MONEY: self.money, ENERGY: "kWh", METERED: "kWh"}
        name = self.word(f"reckon_{key}")
        if kind not in units:
            return name
        return style(self.language)["with_unit"].format(text=name, unit=units[kind])

    def section(
        self, key: str, columns: Sequence[tuple[str, str]], rows: list[list[Any]],
        sums: Sequence[str] = (), note: str = "",
    ) -> Section:  # fmt: skip
        """A section of columns (name, kind); ``sums`` are those that add up."""
        if not self.several and ("books", "text") in columns:
            at = list(columns).index(("books", "text"))
            columns = [c for n, c in enumerate(columns) if n != at]
            rows = [[v for n, v in enumerate(row) if n != at] for row in rows]
        plain = [[_plain(v, kind) for v, (_, kind) in zip(row, columns, strict=True)]
                 for row in rows]  # fmt: skip
        return Section(
            key, self.word(f"reckon_{key}"), note, [self.head(*c) for c in columns],
            [kind for _, kind in columns], plain, [name in sums for name, _ in columns],
            self.word("unknown"), self.word("total"),
        )  # fmt: skip


def _plain(value: Any, kind: str) -> Any:
    """Money in yuan, what is not known as nothing, all else as it is."""
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return None
    return round(float(value) / 100, 2) if kind == MONEY else float(value)


def sections(found: Reckoned, language: str) -> list[Section]:
    """All sections that have anything to say; lists and the year's account always."""
    write = Writer(found, language)
    made = [make(write) for make in SECTIONS]
    return [s for s in made if s.rows or s.key in ("posting", "batch", "vouchers")]


def _watch(write: Writer) -> Section:
    rows = [
        [write.word(f"watch_{r.kind}"), word(r.who, write.language), str(r.since),
         f"{r.amount:,.2f} {write.money}" if r.unit == "money" else f"{r.amount:,.0f} kWh"]
        for r in write.found.watch.itertuples()
    ]  # fmt: skip
    columns = [("watched", "text"), ("who", "text"), ("since", "text"), ("amount", "text")]
    return write.section("watch", columns, rows)


def _faults(write: Writer) -> Section:
    rows = [
        [str(r.household_id), " / ".join(write.word(f"cause_{c}")
                                         for c in (r.cause, r.second_cause) if c),
         "" if pd.isna(r.since) else f"{r.since:%Y-%m-%d}", r.lost_kwh, str(r.partner),
         write.word(f"look_{r.cause}")]
        for r in write.found.faults.itertuples()
    ]  # fmt: skip
    columns = [("household", "text"), ("cause", "text"), ("since", "text"), ("lost", ENERGY),
               ("partner", "text"), ("look", "text")]  # fmt: skip
    return write.section("faults", columns, rows)


def _roofs(write: Writer) -> Section:
    rows = [
        [str(r.household_id), r.days, r.days_known, r.measured_kwh, r.expected_kwh,
         r.measured_kwh / r.expected_kwh if r.expected_kwh else None]
        for r in in_order(write.found.roofs).itertuples()
    ]  # fmt: skip
    columns = [("household", "text"), ("days", "count"), ("days_known", "count"),
               ("measured", METERED), ("expected", ENERGY), ("ratio", "share")]  # fmt: skip
    return write.section("roofs", columns, rows, ("measured", "expected"))


def _accounts(write: Writer) -> Section:
    rows = [
        [str(r.household_id), str(r.account), str(r.month), r.own_kwh, r.sheet_kwh, r.own_fen,
         r.sheet_fen, r.sheet_fen - r.own_fen, _state(r, write)]
        for r in in_order(write.found.accounts).itertuples()
    ]  # fmt: skip
    columns = [("household", "text"), ("account", "text"), ("month", "text"), ("own_kwh", METERED),
               ("sheet_kwh", METERED), ("own", MONEY), ("sheet", MONEY), ("off", MONEY),
               ("kinds", "text")]  # fmt: skip
    return write.section("accounts", columns, rows, ("own_kwh", "sheet_kwh", "own", "sheet", "off"))


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Households as people count them: 2 before 10; what has no number last."""
    order = natural_order(table["household_id"].astype(str))
    sorted_ = table.iloc[order]
    named = sorted_["household_id"].astype(str).ne("")
    return pd.concat([sorted_[named], sorted_[~named]])


def _state(row: Any, write: Writer) -> str:
    """What is to be said of an account: its differences, when it came, what was not checked."""
    told = [kinds_told(str(row.kinds), write)] if row.kinds else []
    if row.booked != row.month:
        told.append(write.word("reckon_came_with").format(period=row.booked))
    if row.unchecked:
        told.append(write.word("reckon_unchecked"))
    return style(write.language)["list"].join(told)


def kinds_told(kinds: str, write: Writer) -> str:
    """Kinds of a difference in words."""
    between = style(write.language)["list"]
    return between.join(write.word(f"kind_{kind}") for kind in kinds.split())


def _kinds(write: Writer) -> Section:
    """Differences by kind: how many accounts, and how much."""
    held = write.found.accounts
    rows: list[list[Any]] = []
    for kind in (*KINDS, "missing", "unplanned"):
        own = held[[kind in str(k).split() for k in held["kinds"]]] if len(held) else held
        if len(own):
            name = f"{kind}_fen"
            amount = float(own[name].sum()) if name in own else None
            if kind == "missing":
                amount = -float(own["own_fen"].astype(float).sum())
            rows.append([write.word(f"kind_{kind}"), len(own), amount])
    columns = [("kinds", "text"), ("many", "count"), ("off", MONEY)]
    return write.section("kinds_of", columns, rows)


def _receipts(write: Writer) -> Section:
    rows = [
        [str(r.account) or write.word("reckon_all"), str(r.period), r.due_fen, r.came_fen,
         r.off_fen, write.word(f"receipt_{r.cause}"), str(r.late), str(r.came_late)]
        for r in write.found.receipts.itertuples()
    ]  # fmt: skip
    columns = [("account", "text"), ("period", "text"), ("due", MONEY), ("came", MONEY),
               ("off", MONEY), ("why", "text"), ("late", "text"),
               ("came_late", "text")]  # fmt: skip
    return write.section("receipts", columns, rows, ("due", "came", "off"))


def _payments(write: Writer) -> Section:
    held = write.found.payments
    keys = ["month", "books", "item", "payer", "payee", "basis"]
    sums = held.groupby(keys, sort=True)["fen"].sum().reset_index() if len(held) else held
    rows = [
        [str(r.month), write.books(str(r.books)),
         *(word(v, write.language) for v in (r.item, r.payer, r.payee)), r.fen,
         write.word(f"basis_{r.basis}")]
        for r in sums.itertuples()
    ]  # fmt: skip
    columns = [("month", "text"), ("books", "text"), ("item", "text"), ("payer", "text"),
               ("payee", "text"), ("sum", MONEY), ("basis", "text")]  # fmt: skip
    return write.section("payments", columns, rows, note=write.word("reckon_payments_note"))


def _year(write: Writer) -> Section:
    shared = write.found.dividends
    rows: list[list[Any]] = []
    if shared is not None:
        lines = [n for n in ACCOUNT if n != "from_joint" or shared.account[n]]
        rows = [
            [write.books(name), write.word(f"account_{n}"), account[n]]
            for name, account in shared.accounts.items() for n in lines
        ]  # fmt: skip
    note = write.word("reckon_proposal_note") if write.found.resolved is None else ""
    columns = [("books", "text"), ("line", "text"), ("sum", MONEY)]
    return write.section("year", columns, rows, note=note)


def _owners(write: Writer) -> Section:
    """What owners of joint plants get of them."""
    shared = write.found.dividends
    rows = [] if shared is None else [
        [write.books(str(r.books)), str(r.owner), r.written_off_fen, r.surplus_fen, r.fen]
        for r in shared.owners.itertuples()
    ]  # fmt: skip
    columns = [("books", "text"), ("owner", "text"), ("owner_written_off", MONEY),
               ("owner_surplus", MONEY), ("owner_paid", MONEY)]  # fmt: skip
    sums = ("owner_written_off", "owner_surplus", "owner_paid")
    return write.section("owners", columns, rows, sums, write.word("reckon_owners_note"))


def _posting(write: Writer) -> Section:
    rows = [
        [str(r.household_id) or write.word("reckon_low_income"), str(r.hamlet), r.fen]
        for r in in_order(write.found.posting).itertuples()
    ]  # fmt: skip
    columns = [("household", "text"), ("hamlet", "text"), ("sum", MONEY)]
    note = write.word("reckon_posting_note")
    return write.section("posting", columns, rows, ("sum",), note)


def _batch(write: Writer) -> Section:
    rows = [
        [str(r.household_id), str(r.household_name), "", r.fen, word(r.payer, write.language),
         write.books(str(r.books))]
        for r in in_order(write.found.batch).itertuples()
    ]  # fmt: skip
    columns = [("household", "text"), ("name", "text"), ("bank_account", "text"), ("sum", MONEY),
               ("payer", "text"), ("books", "text")]  # fmt: skip
    return write.section("batch", columns, rows, ("sum",), write.word("reckon_batch_note"))


def _vouchers(write: Writer) -> Section:
    rows: list[list[Any]] = []
    for r in write.found.vouchers.itertuples():
        debit = r.fen if r.side == "debit" else 0
        rows.append([
            write.books(str(r.books)), str(r.number), _voucher_word(str(r.item), write),
            str(r.code),
            write.word(f"code_{r.code}") if has_label(f"code_{r.code}", write.language) else "",
            debit, r.fen - debit, "", "",
        ])  # fmt: skip
    columns = [("books", "text"), ("number", "text"), ("item", "text"), ("code", "text"),
               ("account_name", "text"), ("debit", MONEY), ("credit", MONEY), ("posted", "text"),
               ("signed", "text")]  # fmt: skip
    note = write.word("reckon_vouchers_note")
    return write.section("vouchers", columns, rows, ("debit", "credit"), note)


def _voucher_word(item: str, write: Writer) -> str:
    own = {"written_off": "account_written_off", "receipt": "reckon_receipt",
           "from_joint": "account_from_joint"}  # fmt: skip
    return write.word(own[item]) if item in own else word(item, write.language)


def _claims(write: Writer) -> Section:
    rows = [
        [str(r.month), r.tradable_kwh, float(r.certificates), r.carried_kwh]
        for r in write.found.claims.itertuples()
    ]
    columns = [("month", "text"), ("tradable", METERED), ("certificates", "count"),
               ("carried", METERED)]  # fmt: skip
    note = write.word("reckon_claims_note")
    return write.section("claims", columns, rows, ("tradable", "certificates"), note)


SECTIONS: tuple[Callable[[Writer], Section], ...] = (
    _watch, _faults, _kinds, _accounts, _receipts, _year, _owners, _payments, _roofs, _posting,
    _batch, _vouchers, _claims,
)  # fmt: skip


def statements(found: Reckoned, language: str) -> list[dict[str, Any]]:
    """A sheet a household: what its roof made, what it received and paid."""
    write = Writer(found, language)
    rents = rents_of(found, write) if "rent" in set(found.payments["item"]) else {}
    roofs = found.roofs.set_index(found.roofs["household_id"].astype(str))
    held = found.statements
    ids = sorted({*roofs.index, *held["household_id"].astype(str)}, key=natural_key)
    return [
        _statement(home, roofs, held[held["household_id"].astype(str).eq(home)], write,
                   rents.get(home, "")) for home in ids
    ]  # fmt: skip


def _statement(
    home: str, roofs: pd.DataFrame, held: pd.DataFrame, write: Writer, rent: str
) -> dict[str, Any]:
    facts = [[write.word("reckon_period"), write.found.period.name]]
    if home in roofs.index:
        row = roofs.loc[home]
        for name in ("measured", "expected"):
            value = row[f"{name}_kwh"]
            text = write.word("unknown") if pd.isna(value) else f"{value:,.0f} kWh"
            facts.append([write.word(f"reckon_{name}"), text])
        facts.append(
            [write.word("reckon_days_known"), f"{row['days_known']:.0f} / {row['days']:.0f}"]
        )
    low = write.found.faults
    for fault in low[low["household_id"].astype(str).eq(home)].itertuples():
        told = f"{write.word(f'cause_{fault.cause}')} → {write.word(f'look_{fault.cause}')}"
        facts.append([f"{write.word('reckon_cause')} {fault.period}", told])
    if rent and "rent" in set(held["item"]):
        facts.append([word("rent", write.language), rent])
    rows = [
        [word(r.item, write.language), r.received_fen, r.paid_fen, write.word(f"basis_{r.basis}")]
        for r in held.itertuples()
    ]
    columns = [("item", "text"), ("received", MONEY), ("given", MONEY), ("basis", "text")]
    table = write.section("statement", columns, rows, ("received", "given"))
    return {"id": visible(home), "facts": facts, "table": table}


def rents_of(found: Reckoned, write: Writer) -> dict[str, str]:
    """How each household's rent comes about: what is let, times the contract's rate a year."""
    out = {}
    for part in found.plan.parts.values():
        people, case = part.case()
        year = found.period.begin.year - case.calendar.begin.year
        rate = float(part.terms.rates["rent"][min(max(year, 0), case.years - 1)])
        unit = in_units(RENT_UNITS[part.terms.finance.rent_basis], write.language)
        for home, many in zip(people["household_id"].astype(str), case.rent_units, strict=True):
            quantity = f"{many:,.6g} {unit}".strip()
            out[home] = write.word("reckon_rent").format(
                quantity=quantity, rate=f"{rate:g}", money=write.money
            )
    return out
