"""What a bank opens: a row a borrower, whoever borrows more years by year, what speaks against it.

Facts for a loan officer and no score; every figure is the plan's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.documents.mark import Mark
from pvplanner.documents.workbook import Book, opened, texts_of_findings
from pvplanner.dossier import make_dossier
from pvplanner.errors import InputError
from pvplanner.money import COLLECTIVE, HOUSEHOLD
from pvplanner.plan import Plan
from pvplanner.report.cells import word
from pvplanner.scenario.calendar import Calendar
from pvplanner.words import label, style

COLUMNS = {
    "household_id": "text", "household_name": "text", "village": "text", "model": "text",
    "invested": "money", "price_per_w": "price", "specific_yield": "yield", "yield_median": "yield",
    "debt": "money", "loan_years": "count", "instalment": "fen", "cover_cash": "number",
    "cover_savings": "number", "short_months": "count", "months": "count", "longest_short": "count",
    "buffer": "fen", "age_at_end": "count", "debts": "money", "flags": "text",
}  # fmt: skip
"""Columns of a borrower's row, and how each is shown."""

BUILT = ("capital", "capacity_kwp", "energy_kwh")

LEAST_COVER = 1.2
"""Below this a lender asks for more (an assumption; lenders differ)."""

YIELD_OFF = 0.15
"""How far a roof's yearly full hours may lie from the village's middle before it is said."""


def borrowers(plan: Plan) -> pd.DataFrame:
    """A row for each that borrows: households, and the collective where it does.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`; ``flags`` are codes, parted by blanks.
    """
    parts = [_of_village(part) for part in plan.parts.values()]
    return pd.concat(parts, ignore_index=True)


def _of_village(plan: Plan) -> pd.DataFrame:
    accounts = plan.result("accounts")
    if accounts.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    homes = plan.households.set_index("household_id")
    own = homes.reindex(accounts["household_id"])
    pooled = accounts["household_id"].eq(COLLECTIVE).to_numpy()
    both = {n: own[n].to_numpy(dtype=float, copy=True) for n in BUILT}
    if pooled.any():
        shared = homes[homes["model"].isin(accounts.loc[pooled, "model"])]
        paid = _paid(plan, COLLECTIVE, ("capital",), 0)
        for name in ("capacity_kwp", "energy_kwh"):
            both[name][pooled] = shared[name].sum()
        both["capital"][pooled] = paid
    with np.errstate(divide="ignore", invalid="ignore"):
        per_w = both["capital"] / both["capacity_kwp"] / 1000
        hours = both["energy_kwh"] / both["capacity_kwp"]
    built = homes[homes["capacity_kwp"] > 0]
    loan = plan.scenario.loan
    out = pd.DataFrame({
        "household_id": accounts["household_id"].to_numpy(),
        "household_name": own["household_name"].to_numpy(dtype=object)
        if "household_name" in own else None,
        "village": str(plan.villages["village"].iloc[0]), "model": accounts["model"].to_numpy(),
        "invested": both["capital"], "price_per_w": per_w, "specific_yield": hours,
        "yield_median": float((built["energy_kwh"] / built["capacity_kwp"]).median()),
        "debt": accounts["debt"].to_numpy(), "loan_years": float(loan.years),
        "instalment": _instalments(plan, accounts["household_id"]),
        **{name: accounts[name].to_numpy(dtype=float) for name in
           ("cover_cash", "cover_savings", "short_months", "months", "longest_short", "buffer")},
        "age_at_end": _stated(own, "age") + loan.years, "debts": _stated(own, "debts"),
    })  # fmt: skip
    return out.assign(flags=_flags(out, plan))[list(COLUMNS)]


def _stated(homes: pd.DataFrame, name: str) -> np.ndarray:
    """What the ledger states of each; nan where it does not."""
    if name not in homes:
        return np.full(len(homes), np.nan)
    return homes[name].to_numpy(dtype=float)


def _paid(plan: Plan, party: str, items: tuple[str, ...], year: int) -> float:
    ledger = plan.result("ledger")
    own = (ledger["payer"] == party) & ledger["item"].isin(items) & (ledger["year"] == year)
    return float(ledger.loc[own, "yuan"].sum())


def _instalments(plan: Plan, ids: pd.Series) -> np.ndarray:
    """A month's part of what interest and principal take in the first whole year."""
    whole = Calendar.of(plan.scenario).first_whole
    flows = plan.cash_flows()
    debt = flows["item"].isin(("interest", "principal")) & (flows["year"] == whole)
    mine = flows[debt & (flows["party"] == HOUSEHOLD)]
    by = -mine.groupby("household_id")["yuan"].sum() / 12
    by[COLLECTIVE] = _paid(plan, COLLECTIVE, ("interest", "principal"), whole) / 12
    return np.asarray(by.reindex(ids).to_numpy(dtype=float))


def _flags(rows: pd.DataFrame, plan: Plan) -> list[str]:
    """What speaks against each borrower, as codes."""
    usual = next(r for r in reference.rows("plausible") if r["measure"] == "contract_per_w")
    low, high = float(usual["low"]), float(usual["high"])
    years = plan.terms.prices.mechanism_years
    past = bool(years) and plan.scenario.loan.years > years
    out = []
    for row in rows.itertuples(index=False):
        told = [
            ("flag_cover_cash", row.cover_cash < 1), ("flag_cover_savings", row.cover_savings < 1),
            ("flag_cover_thin", 1 <= row.cover_cash < LEAST_COVER),
            ("flag_short_months", row.short_months > 0),
            ("flag_price_high", row.price_per_w > high), ("flag_price_low", row.price_per_w < low),
            ("flag_yield_high", row.specific_yield > row.yield_median * (1 + YIELD_OFF)),
            ("flag_yield_low", row.specific_yield < row.yield_median * (1 - YIELD_OFF)),
            ("flag_past_mechanism", past), ("flag_age", row.age_at_end > OLDEST),
            ("flag_other_debts", row.debts > 0), ("flag_unknown", not np.isfinite(row.cover_cash)),
        ]  # fmt: skip
        out.append(" ".join(code for code, holds in told if holds))
    return out


OLDEST = 65
"""At the end of the loan; lenders ask for a guarantor beyond (an assumption; lenders differ)."""


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
    code, plan = book.language, book.plan
    between = style(code)["list"]
    sheet = book.sheet("borrowers", wide=True)
    told = [
        [
            between.join(label(f, code) for f in str(value).split()) if key == "flags"
            else word(value, code) if key == "model" or value == COLLECTIVE else value
            for key, value in zip(COLUMNS, row, strict=True)
        ]
        for row in rows.itertuples(index=False)
    ]  # fmt: skip
    heads = [book.head(f"bank_{key}") for key in COLUMNS]
    summed = [key in ("invested", "debt", "instalment", "buffer") for key in COLUMNS]
    book.table(sheet, heads, told, list(COLUMNS.values()), sums=summed)
    sheet.set_column(len(COLUMNS) - 1, len(COLUMNS) - 1, 60)
    if (rows["household_id"] == COLLECTIVE).any():
        for number, part in enumerate(plan.parts.values()):
            _collective(book, part, number)
    _papers(book, plan)
    texts_of_findings(book)
    _meanings(book)


def _collective(book: Book, part: Plan, number: int) -> None:
    """The collective's debt year by year, with its cover."""
    held = make_dossier(part)
    if not held["debt_schedule"]:
        return
    sheet = book.sheet("collective", number)
    keys = ("year", "interest", "principal", "cover")
    rows = [[one[key] for key in keys] for one in held["debt_schedule"]]
    heads = [book.head(k) for k in ("year", "interest", "principal", "bank_cover")]
    book.table(sheet, heads, rows, ["year", "fen", "fen", "number"],
               sums=[False, True, True, False])  # fmt: skip


def _papers(book: Book, plan: Plan) -> None:
    """Papers that are missing, for all alike."""
    sheet = book.sheet("papers")
    told = plan.result("standing") if len(plan.parts) == 1 else pd.concat(
        [part.result("standing") for part in plan.parts.values()]
    )  # fmt: skip
    lacks = dict.fromkeys(told.loc[told["value"] == "missing_paper", "item"])
    rows = [[label(str(item), book.language)] for item in lacks]
    book.table(sheet, [book.word("missing_paper")], rows, ["text"])
    sheet.set_column(0, 0, 60)


def _meanings(book: Book) -> None:
    """What each column and flag means, with the bounds and where they are from."""
    sheet = book.sheet("dictionary", wide=True)
    code = book.language
    usual = next(r for r in reference.rows("plausible") if r["measure"] == "contract_per_w")
    bounds = {
        "cover": LEAST_COVER, "off": f"{YIELD_OFF:.0%}", "low": usual["low"],
        "high": usual["high"], "source": usual["source"], "age": OLDEST,
    }  # fmt: skip
    rows = [[label(f"bank_{key}", code), label(f"bank_{key}_means", code)] for key in COLUMNS]
    rows += [[label(flag, code), label(f"{flag}_means", code).format(**bounds)] for flag in FLAGS]
    book.table(sheet, [book.word("sheet_name"), book.word("sheet_means")], rows, ["text"] * 2)
    sheet.set_column(1, 1, 100)


FLAGS = ("flag_cover_cash", "flag_cover_savings", "flag_cover_thin", "flag_short_months",
         "flag_price_high", "flag_price_low", "flag_yield_high", "flag_yield_low",
         "flag_past_mechanism", "flag_age", "flag_other_debts", "flag_unknown")  # fmt: skip
