"""A page a borrower for a loan officer: what is asked, what pays it, what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pvplanner.documents.bank import COLUMNS, FLAGS, SERVICE, borrowers, flag_meaning, of_model
from pvplanner.documents.content import made_rows, paper_words
from pvplanner.documents.held import Held
from pvplanner.documents.mark import Mark
from pvplanner.errors import InputError, listed
from pvplanner.money.months import NOT_CASH, POOLED
from pvplanner.money.owners import debt_years
from pvplanner.plan import Plan
from pvplanner.report.cells import ABSENT, currency_of, word
from pvplanner.scenario.calendar import Calendar
from pvplanner.schema import CASES
from pvplanner.texts import visible
from pvplanner.words import currency_name, label, number, rule_of, style

SCHEDULED = ("interest", "principal", "available", "saved", "cover", "cover_both")
"""Columns of the debt's years."""

MEASURED = {"income_first_year": ("first", "0"), "npv": ("worth", "0"),
            "dscr_min": ("cover", "2")}  # fmt: skip
"""What of a price case is shown, its word and its digits."""


def bank_pages(
    plan: Plan, language: str, mark: Mark, asked: Sequence[str] | None
) -> dict[str, Any]:  # fmt: skip
    """Pages of borrowers: those asked for, or all.

    Raises
    ------
    InputError
        If nobody borrows, or one that is asked for does not.
    """
    rows = borrowers(plan)
    if rows.empty:
        raise InputError("nobody_borrows", where="loan.share")
    lost = [one for one in asked or () if one not in set(rows["household_id"])]
    if lost:
        raise InputError("household_unknown", where="borrower", household=listed(lost))
    own = rows if asked is None else rows[rows["household_id"].isin(asked)]
    parts = {str(p.villages["village"].iloc[0]): Held.of(p) for p in plan.parts.values()}
    sheets = [_sheet(row, parts[row["village"]], language) for row in own.to_dict("records")]
    words = paper_words(language) | {
        key: label(key, language) for key in ("bank_cases", "bank_schedule", "bank_flags")
    }
    return {
        "language": language, "title": visible(plan.scenario.name), "words": words,
        "edition": label("bank_title", language), "mark": mark.text(), "hash": mark.plan,
        "notes": [label(note, language) for note in plan.notes()], "sheets": sheets,
        "made": made_rows(plan, language, mark),
    }  # fmt: skip


def _sheet(row: dict[Any, Any], held: Held, language: str) -> dict[str, Any]:
    money = currency_name(currency_of(held.plan), language)
    facts = [
        [label(f"bank_{key}", language).format(currency=money), _shown(row, key, language)]
        for key in COLUMNS if key != "flags"
    ]  # fmt: skip
    loan = held.plan.scenario.loan
    how = word(f"instalments_{loan.instalments}", language)
    facts.append([label("bank_repayment", language), how])
    codes = str(row["flags"]).split()
    flags = [
        label(code, language) + style(language)["colon"]
        + flag_meaning(code, currency_of(held.plan), language)
        for code in FLAGS if code in codes
    ]  # fmt: skip
    name = row["household_name"]
    who = [word(row["household_id"], language)]
    return {
        "id": who[0] if name is None or name != name else f"{who[0]} {name}",
        "facts": facts, "flags": flags, "none": label("bank_no_flag", language),
        "cases": _cases(row, held, language, money),
        "schedule": _schedule(row, held, language, money),
    }  # fmt: skip


def _shown(row: dict[Any, Any], key: str, language: str) -> str:
    """A fact as it is shown; nothing where it is not known."""
    value, kind = row[key], COLUMNS[key]
    if value is None or value != value:
        return ABSENT
    if kind == "text":
        return word(value, language)
    return number(float(value), "2" if kind == "fen" else rule_of(kind), language)


def _columns(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"label": text, "number": at > 0, "part": 0 if at else 1}
            for at, text in enumerate(texts)]  # fmt: skip


def _cases(row: dict[Any, Any], held: Held, language: str, money: str) -> dict[str, Any]:
    """The borrower under each price case."""
    told = []
    pooled = row["household_id"] in POOLED
    own = held.plan.result("cases")
    own = own[own["party"] == row["household_id"]].set_index("case")
    for case in CASES:
        if pooled and case not in own.index:
            continue
        values = [
            float(own["lowest_cover" if name == "dscr_min" else name][case]) if pooled
            else held.measure(row["household_id"], name, case) for name in MEASURED
        ]  # fmt: skip
        shown = [number(v, rule, language) if v == v else ABSENT
                 for v, (_, rule) in zip(values, MEASURED.values(), strict=True)]  # fmt: skip
        told.append([label(f"case_{case}", language), *shown])
    words = [label(f"bank_case_{name}", language) for name, _ in MEASURED.values()]
    named = (text.format(currency=money) for text in words)
    heads = [label("price_case", language), *named]
    return {"columns": _columns(heads), "rows": told, "total": None}


def _schedule(row: dict[Any, Any], held: Held, language: str, money: str) -> dict[str, Any]:
    """Debt service year by year, and what there is for it: money, and bills that are saved."""
    party = row["household_id"]
    pooled = party in POOLED
    years = _of_pool(held, party, row["model"]) if pooled else _of_household(held, party)
    calendar = Calendar.of(held.plan.scenario)
    told = [
        [str(calendar.years[int(r.year) - 1]),
         *(number(v, "2", language) if v == v else ABSENT
           for v in (r.interest, r.principal, r.available, r.saved, r.cover, r.cover_both))]
        for r in years.itertuples()
    ]  # fmt: skip
    heads = [label("year", language), *(
        label(f"bank_{key}", language).format(currency=money) for key in SCHEDULED
    )]  # fmt: skip
    return {"columns": _columns(heads), "rows": told, "total": None}


def _of_pool(held: Held, party: str, model: str) -> pd.DataFrame:
    """A collective's or developer's years with debt service."""
    ledger = of_model(held.plan, model)
    saved = ledger[ledger["item"].isin(NOT_CASH) & (ledger["payee"] == party)]
    out = debt_years(ledger, party).set_index("year")
    sums = saved.groupby("year")["yuan"].sum(min_count=1)
    return _covered(out, sums.reindex(out.index, fill_value=0.0))


def _of_household(held: Held, household: str) -> pd.DataFrame:
    """As :func:`_of_pool`, of a household."""
    interest, principal = (-held.paid(household, item) for item in SERVICE)
    out = pd.DataFrame({"interest": interest, "principal": principal})
    out["available"] = held.paid(household) + interest + principal
    service = interest + principal
    out = out[(service > 0) & (out.index > 0)].rename_axis("year")
    return _covered(out, held.paid(household, *NOT_CASH).reindex(out.index, fill_value=0.0))


def _covered(years: pd.DataFrame, saved: pd.Series) -> pd.DataFrame:
    """Years with what is no cash apart, and both covers."""
    service = years["interest"] + years["principal"]
    cash = years["available"] - saved
    return years.assign(
        available=cash, saved=saved, cover=cash / service, cover_both=(cash + saved) / service
    ).reset_index()
