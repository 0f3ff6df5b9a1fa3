"""What a bank opens: a row a borrower, whoever borrows more years by year, what speaks against it.

Facts for a loan officer and no score; every figure is the plan's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.documents.book import Book, opened
from pvplanner.documents.mark import Mark
from pvplanner.documents.payers import invested, nobodys, own_money, payments_by_payer
from pvplanner.errors import InputError
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
SERVICE = ("interest", "principal")
"""Items of a bank loan's service."""

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
    built = {name: _built(homes, accounts, name) for name in ("capacity_kwp", "energy_kwh")}
    money = _money(plan, accounts)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_w = money["invested"] / built["capacity_kwp"] / 1000
        hours = built["energy_kwh"] / built["capacity_kwp"]
    roofs = homes[homes["capacity_kwp"] > 0]
    loan = plan.scenario.loan
    names = own["household_name"] if "household_name" in own else pd.Series(None, own.index, object)
    out = pd.DataFrame({
        "household_id": accounts["household_id"].to_numpy(),
        "household_name": names.to_numpy(dtype=object),
        "village": str(plan.villages["village"].iloc[0]), "model": accounts["model"].to_numpy(),
        **money, "price_per_w": per_w, "specific_yield": hours,
        "yield_median": float((roofs["energy_kwh"] / roofs["capacity_kwp"]).median()),
        "debt": accounts["debt"].to_numpy(dtype=float), "loan_rate": loan.rate,
        "loan_years": float(loan.years),
        **{name: accounts[name].to_numpy(dtype=float) for name in
           ("cover_cash", "cover_savings", "short_months", "months", "longest_short", "buffer")},
        "age_at_end": _stated(own, "age") + loan.years, "debts": _stated(own, "debts"),
    })  # fmt: skip
    nobody = accounts["household_id"].isin(list(nobodys(plan))).to_numpy()
    return out.assign(flags=_flags(out, nobody, plan))[list(COLUMNS)]


def _built(homes: pd.DataFrame, accounts: pd.DataFrame, name: str) -> np.ndarray:
    """Of a household's roof; of all roofs of the model where one party owns them."""
    one = homes[name].reindex(accounts["household_id"]).to_numpy(dtype=float)
    every = homes.groupby(homes["model"].astype(str))[name].sum()
    pooled = accounts["household_id"].isin(POOLED).to_numpy()
    return np.where(pooled, every.reindex(accounts["model"]).to_numpy(dtype=float), one)


def _money(plan: Plan, accounts: pd.DataFrame) -> dict[str, np.ndarray]:
    """What each invests, its own part of that, and a month's part of what interest and principal
    take in the first whole year.
    """
    table = payments_by_payer(plan)
    whole = Calendar.of(plan.scenario).first_whole
    key = pd.MultiIndex.from_frame(accounts[["household_id", "model"]].astype(str))
    first, year = (
        table[n].unstack("item", fill_value=0.0).reindex(key) for n in (0, whole)
    )  # fmt: skip
    service = year[[item for item in SERVICE if item in year]].sum(axis=1, skipna=False)
    told = {"invested": invested(first), "own_money": own_money(first), "instalment": -service / 12}
    return {name: values.to_numpy(dtype=float) for name, values in told.items()}


def _stated(homes: pd.DataFrame, name: str) -> np.ndarray:
    """What the ledger states of each; nan where it does not."""
    if name not in homes:
        return np.full(len(homes), np.nan)
    return homes[name].to_numpy(dtype=float)


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
    pooled = [
        (part, row) for part in book.plan.parts.values()
        for row in part.result("accounts").itertuples() if row.household_id in POOLED
    ]  # fmt: skip
    counts = Counter(str(row.household_id) for _, row in pooled)
    made: Counter[str] = Counter()
    for part, row in pooled:
        party = str(row.household_id)
        number = made[party] if counts[party] > 1 else None
        made[party] += 1
        _by_year(book, part, party, str(row.model), number)
    _papers(book)
    book.findings()
    _meanings(book, heads)


def _shown(book: Book, key: str, value: object) -> object:
    if key == "flags":
        return style(book.language)["list"].join(
            label(flag, book.language) for flag in str(value).split()
        )
    return word(value, book.language) if key == "model" or value in POOLED else value


def _by_year(book: Book, part: Plan, party: str, model: str, number: int | None) -> None:
    """A collective's or developer's debt year by year, with its cover."""
    held = debt_years(of_model(part, model), party)
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


def of_model(plan: Plan, model: str) -> pd.DataFrame:
    """The ledger of a model: a party may own plants under several."""
    ledger = plan.result("ledger")
    return ledger[ledger["model"] == model]


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
