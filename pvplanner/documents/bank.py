"""What a bank opens: a row a borrower, whoever borrows more years by year, what speaks against it.

Facts for a loan officer and no score; every figure is the plan's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.documents.book import Book, opened
from pvplanner.documents.mark import Mark
from pvplanner.errors import InputError
from pvplanner.money import HOUSEHOLD
from pvplanner.money.months import POOLED
from pvplanner.money.owners import debt_years
from pvplanner.plan import Plan
from pvplanner.reference.ranges import Range, in_currency, ranges
from pvplanner.report.cells import word
from pvplanner.scenario.calendar import Calendar
from pvplanner.words import label, source, style

COLUMNS = {
    "household_id": "text", "household_name": "text", "village": "text", "model": "text",
    "invested": "money", "own_money": "money", "price_per_w": "price", "specific_yield": "yield",
    "yield_median": "yield", "debt": "money", "loan_rate": "rate", "loan_years": "count",
    "instalment": "fen", "cover_cash": "number", "cover_savings": "number",
    "short_months": "count", "months": "count", "longest_short": "count", "buffer": "fen",
    "age_at_end": "count", "debts": "money", "flags": "text",
}  # fmt: skip
"""Columns of a borrower's row, and how each is shown."""

SUMMED = ("invested", "own_money", "debt", "instalment", "buffer")
BUILT = ("capital", "capacity_kwp", "energy_kwh")

FLAGS = ("flag_no_person", "flag_cover_cash", "flag_cover_savings", "flag_cover_thin",
         "flag_short_months", "flag_price_high", "flag_price_low", "flag_yield_high",
         "flag_yield_low", "flag_past_mechanism", "flag_age", "flag_other_debts",
         "flag_unknown")  # fmt: skip
"""What may speak against a borrower."""


@dataclass(frozen=True)
class Bounds:
    """What flags are held against; ``price`` is ``None`` in a currency of unknown worth."""

    cover: float
    apart: float
    age: float
    price: Range | None

    @classmethod
    def of(cls, currency: str) -> Bounds:
        """Of a plan's currency."""
        named = (reference.constant(f"lender_{key}").value for key in ("cover", "age"))
        cover, age = named
        usual = ranges()["contract_per_w"]
        return cls(
            cover, reference.constant("yield_apart").value, age, in_currency(usual, currency)
        )


def borrowers(plan: Plan) -> pd.DataFrame:
    """A row for each that borrows: households, and collective and developer where they do.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`; ``flags`` are codes, parted by blanks.
    """
    parts = [_of_village(part) for part in plan.parts.values()]
    held = [part for part in parts if len(part)]
    return pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=list(COLUMNS))


def _of_village(plan: Plan) -> pd.DataFrame:
    accounts = plan.result("accounts")
    if accounts.empty:
        return pd.DataFrame()
    homes = plan.households.set_index("household_id")
    own = homes.reindex(accounts["household_id"])
    pooled = accounts["household_id"].isin(POOLED).to_numpy()
    both = {n: own[n].to_numpy(dtype=float, copy=True) for n in BUILT}
    for at in np.flatnonzero(pooled):
        shared = homes[homes["model"] == accounts["model"].iloc[at]]
        for name in ("capacity_kwp", "energy_kwh"):
            both[name][at] = shared[name].sum()
        party = str(accounts["household_id"].iloc[at])
        both["capital"][at] = _paid(plan, party, ("capital", "battery"), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_w = both["capital"] / both["capacity_kwp"] / 1000
        hours = both["energy_kwh"] / both["capacity_kwp"]
    built = homes[homes["capacity_kwp"] > 0]
    loan, debt = plan.scenario.loan, accounts["debt"].to_numpy(dtype=float)
    names = own["household_name"] if "household_name" in own else pd.Series(None, own.index, object)
    out = pd.DataFrame({
        "household_id": accounts["household_id"].to_numpy(),
        "household_name": names.to_numpy(dtype=object),
        "village": str(plan.villages["village"].iloc[0]), "model": accounts["model"].to_numpy(),
        "invested": both["capital"], "own_money": both["capital"] - debt, "price_per_w": per_w,
        "specific_yield": hours,
        "yield_median": float((built["energy_kwh"] / built["capacity_kwp"]).median()),
        "debt": debt, "loan_rate": loan.rate, "loan_years": float(loan.years),
        "instalment": _instalments(plan, accounts["household_id"]),
        **{name: accounts[name].to_numpy(dtype=float) for name in
           ("cover_cash", "cover_savings", "short_months", "months", "longest_short", "buffer")},
        "age_at_end": _stated(own, "age") + loan.years, "debts": _stated(own, "debts"),
    })  # fmt: skip
    halls = homes["own_building"].astype(bool)
    nobody = own["own_building"].eq(True).to_numpy(dtype=bool) & bool((~halls).any())
    return out.assign(flags=_flags(out, nobody, plan))[list(COLUMNS)]


def _stated(homes: pd.DataFrame, name: str) -> np.ndarray:
    """What the ledger states of each; nan where it does not."""
    if name not in homes:
        return np.full(len(homes), np.nan)
    return homes[name].to_numpy(dtype=float)


def _paid(plan: Plan, party: str, items: tuple[str, ...], year: int) -> float:
    ledger = plan.result("ledger")
    own = (ledger["payer"] == party) & ledger["item"].isin(items) & (ledger["year"] == year)
    return float(ledger.loc[own, "yuan"].sum(skipna=False))


def _instalments(plan: Plan, ids: pd.Series) -> np.ndarray:
    """A month's part of what interest and principal take in the first whole year."""
    whole = Calendar.of(plan.scenario).first_whole
    flows = plan.cash_flows()
    debt = flows["item"].isin(("interest", "principal")) & (flows["year"] == whole)
    mine = flows[debt & (flows["party"] == HOUSEHOLD)]
    by = -mine.groupby("household_id")["yuan"].sum() / 12
    for party in POOLED:
        by[party] = _paid(plan, party, ("interest", "principal"), whole) / 12
    return np.asarray(by.reindex(ids).to_numpy(dtype=float))


def _flags(rows: pd.DataFrame, nobody: np.ndarray, plan: Plan) -> list[str]:
    """What speaks against each borrower, as codes."""
    bounds = Bounds.of(plan.scenario.finance.currency)
    years = plan.terms.prices.mechanism_years
    cash, saved, hours = rows["cover_cash"], rows["cover_savings"], rows["specific_yield"]
    apart = hours / rows["yield_median"] - 1
    usual = bounds.price
    none = pd.Series(False, rows.index)
    holds = {
        "flag_no_person": pd.Series(nobody, rows.index),
        "flag_cover_cash": cash < 1, "flag_cover_savings": (saved < 1) & (saved > cash),
        "flag_cover_thin": (cash >= 1) & (cash < bounds.cover),
        "flag_short_months": rows["short_months"] > 0,
        "flag_price_high": none if usual is None else rows["price_per_w"] > usual.high,
        "flag_price_low": none if usual is None else rows["price_per_w"] < usual.low,
        "flag_yield_high": apart > bounds.apart, "flag_yield_low": apart < -bounds.apart,
        "flag_past_mechanism": (rows["loan_years"] > years) if years else none,
        "flag_age": rows["age_at_end"] > bounds.age, "flag_other_debts": rows["debts"] > 0,
        "flag_unknown": ~np.isfinite(cash),
    }  # fmt: skip
    table = pd.DataFrame(holds)[list(FLAGS)].to_numpy(dtype=bool)
    return [" ".join(code for code, on in zip(FLAGS, row, strict=True) if on) for row in table]


def make_bank_book(plan: Plan, language: str, mark: Mark) -> bytes:
    """The bank's workbook.

    Raises
    ------
    InputError
        If nobody borrows.
    """
    rows = borrowers(plan)
    if rows.empty:
        raise InputError("nobody_borrows", where="loan.share")
    return opened(plan, mark, lambda raw: _write(Book(raw, plan, language, True), rows))


def _write(book: Book, rows: pd.DataFrame) -> None:
    sheet = book.sheet("borrowers", wide=True)
    told = [
        [_shown(book, key, value) for key, value in zip(COLUMNS, row, strict=True)]
        for row in rows.itertuples(index=False)
    ]
    heads = [book.word(f"bank_{key}").format(currency=book.money) for key in COLUMNS]
    book.table(sheet, heads, told, list(COLUMNS.values()), sums=[key in SUMMED for key in COLUMNS])
    sheet.set_column(len(COLUMNS) - 1, len(COLUMNS) - 1, 60)
    several = len(book.plan.parts) > 1
    for number, part in enumerate(book.plan.parts.values()):
        for party in POOLED:
            _by_year(book, part, party, number if several else None)
    _papers(book)
    book.findings()
    _meanings(book, heads)


def _shown(book: Book, key: str, value: object) -> object:
    if key == "flags":
        return style(book.language)["list"].join(
            label(flag, book.language) for flag in str(value).split()
        )
    return word(value, book.language) if key == "model" or value in POOLED else value


def _by_year(book: Book, part: Plan, party: str, number: int | None) -> None:
    """A collective's or developer's debt year by year, with its cover."""
    held = debt_years(part.result("ledger"), party)
    if held.empty:
        return
    sheet = book.sheet(f"by_year_{party}", number)
    calendar = Calendar.of(part.scenario)
    rows = [
        [int(calendar.years[int(r.year) - 1]), r.interest, r.principal, r.available, r.cover]
        for r in held.itertuples()
    ]
    heads = [book.word("year"), *(
        book.word(f"bank_{key}").format(currency=book.money)
        for key in ("interest", "principal", "available", "cover")
    )]  # fmt: skip
    book.table(sheet, heads, rows, ["year", "fen", "fen", "fen", "number"],
               sums=[False, True, True, False, False])  # fmt: skip


def _papers(book: Book) -> None:
    """Papers that are missing, for all alike."""
    sheet = book.sheet("papers")
    every = pd.concat([part.result("standing") for part in book.plan.parts.values()])
    lacks = dict.fromkeys(every.loc[every["value"] == "missing_paper", "item"])
    rows = [[label(str(item), book.language)] for item in lacks]
    book.table(sheet, [book.word("missing_paper")], rows, ["text"])
    sheet.set_column(0, 0, 60)


def _bounds_told(currency: str, language: str) -> dict[str, str]:
    """What flags are held against, as words of their meanings."""
    bounds, usual = Bounds.of(currency), ranges()["contract_per_w"]
    return {
        "cover": f"{bounds.cover:g}", "off": f"{bounds.apart:.0%}", "age": f"{bounds.age:g}",
        "low": f"{usual.low:g}", "high": f"{usual.high:g}",
        "source": source(usual.source, language),
    }  # fmt: skip


def flag_meaning(code: str, currency: str, language: str) -> str:
    """What a flag means, with its bound."""
    return label(f"{code}_means", language).format(**_bounds_told(currency, language))


def _meanings(book: Book, heads: list[str]) -> None:
    """What each column and flag means, with the bounds and where they are from."""
    sheet = book.sheet("dictionary", wide=True)
    code = book.language
    told = _bounds_told(book.currency, code)
    names = [*heads, *(label(flag, code) for flag in FLAGS)]
    means = [label(f"{key}_means", code).format(**told)
             for key in (*(f"bank_{c}" for c in COLUMNS), *FLAGS)]  # fmt: skip
    columns = [book.word("sheet_name"), book.word("sheet_means")]
    book.table(sheet, columns, [[name, ""] for name in names], ["text"] * 2)
    book.prose(sheet, 1, means, 100)
