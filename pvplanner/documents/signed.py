"""The two pages that are signed: who, what, how much, and what is not promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from pvplanner.documents.payers import invested, own_money, payments_by_party
from pvplanner.documents.wording import LOANS, loan_text, money_text, over_grid
from pvplanner.money import HOUSEHOLD
from pvplanner.plan import Plan
from pvplanner.report.cells import ABSENT, currency_of, word
from pvplanner.scenario.calendar import Calendar
from pvplanner.scenario.documents import Documents
from pvplanner.schema import PLANNED, POOR
from pvplanner.words import (
    amount_in_words,
    currency_name,
    date_text,
    in_units,
    label,
    number,
    shown,
    style,
)

PARTIES = ("party", "contract")
"""Kinds of the rows of ``standing`` that say who does what."""

SIGNERS = ("document_signer_head", "document_signer_investor", "document_signer_issuer")


def signed_pages(plan: Plan, language: str, totals: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What is signed.

    Parameters
    ----------
    plan : Plan
    language : str
    totals : sequence of pairs
        What fits, what may be connected, this phase, as the report says them.
    """
    payments = payments_by_party(plan)
    return {
        "fields": _fields(plan.scenario.documents, language),
        "parties": _parties(plan, language),
        "totals": [list(row) for row in totals],
        "warnings": _warnings(plan, language),
        "years": _years(plan, language),
        "capital": _capital(payments, plan, language),
        "debts": style(language)["parts"].join(_debts(payments, plan, language)),
        "cases": _cases(plan, language),
        "cases_note": label("document_cases_note", language),
        "promises": [label(f"document_promise_{n}", language) for n in (1, 2, 3)],
        "refusals": [label(f"document_no_promise_{n}", language) for n in (1, 2, 3, 4)],
        "signers": [label(key, language) for key in SIGNERS],
    }


def _fields(told: Documents, language: str) -> list[list[str]]:
    """Who it is for and whose it is; what the scenario leaves open is left to be written in."""
    blank = "＿" * 8
    date = date_text(told.date, language) if told.date else label("document_sign_date", language)
    return [
        [label("document_recipient", language), told.recipient or blank],
        [label("document_issuer", language), told.issuer or blank],
        [label("document_version", language), told.version],
        [label("document_date", language), date],
    ]


SAID = ("collective_short",)
"""Findings that whoever signs must read."""


def _warnings(plan: Plan, language: str) -> list[str]:
    """What speaks against it: a phase that is more than may be connected, a collective that can't
    pay, a connection before the document's own day.
    """
    said = over_grid(plan, language)
    # On paper a finding names no key of a file, and money by its name.
    told = {"currency": currency_name(currency_of(plan), language)}
    said += [
        replace(f, where="", params={**f.params, **told}).text(language)
        for f in plan.findings if f.code in SAID
    ]  # fmt: skip
    day, begins = plan.scenario.documents.date, plan.scenario.tariff.connection_date
    if day is not None and begins < day:
        said.append(label("document_begun", language).format(
            begins=date_text(begins, language), date=date_text(day, language)))  # fmt: skip
    return said


def _parties(plan: Plan, language: str) -> list[list[str]]:
    """Who invests, owns, files, repairs; of several villages each one's."""
    rows, parts = [], list(plan.parts.items())
    for name, part in parts:
        told = part.result("standing")
        for row in told[told["kind"].isin(PARTIES)].to_dict("records"):
            said = [word(one, language) for one in str(row["value"]).split()]
            item = label(str(row["item"]), language)
            if len(parts) > 1:
                item += style(language)["colon"] + name.partition("/")[2]
            rows.append([item, style(language)["list"].join(said)])
    return rows


def _column(text: str, *, is_number: bool = False) -> dict[str, Any]:
    return {"label": text, "number": is_number, "part": 0}


def _table(columns: list[dict[str, Any]], rows: list[list[str]]) -> dict[str, Any]:
    if not any(one["part"] for one in columns):
        columns[0]["part"] = 1
    return {"columns": columns, "rows": rows, "total": None}


def _years(plan: Plan, language: str) -> dict[str, Any]:
    """A good, a middle and a poor year of each village, with what each party gets."""
    rows = []
    every = pd.concat([part.result("cases")["party"] for part in plan.parts.values()])
    parties = list(dict.fromkeys(every)) or [HOUSEHOLD]
    for name, part in plan.parts.items():
        held = part.result("ranges")
        villages = held[held["level"] == "village"]
        if villages.empty:
            # Nothing is built.
            continue
        whole = villages.iloc[0]
        energy = float(part.villages["energy_kwh"].iloc[0])
        cases = part.result("cases").set_index(["case", "party"])["income_first_year"]
        for key, kwh, case in (
            ("document_year_good", float(whole["p10_built_kwh"]), ""),
            ("document_year_middle", energy, PLANNED),
            ("document_year_poor", float(whole["p90_built_kwh"]), POOR),
        ):
            said = label(key, language)
            if len(plan.parts) > 1:
                said = f"{name.partition('/')[2]}{style(language)['colon']}{said}"
            # What members get of a collective's surplus is in both: parties are never summed.
            money = [_money(float(cases.get((case, party), float("nan"))), language)
                     for party in parties]  # fmt: skip
            rows.append([said, shown(kwh, "energy_kwh", language, "whole"), *money])
    currency = currency_of(plan)
    income = label("income_first_year", language, unit=True, currency=currency)
    heads = [income] if len(parties) == 1 else [
        word(party, language) + style(language)["colon"] + income for party in parties
    ]  # fmt: skip
    columns = [
        _column(label("document_year", language)),
        _column(label("energy_kwh", language, unit=True), is_number=True),
        *(_column(text, is_number=True) for text in heads),
    ]
    return _table(columns, rows)


def _capital(payments: pd.DataFrame, plan: Plan, language: str) -> dict[str, Any]:
    """Who pays the capital, in figures and in words."""
    currency = currency_of(plan)
    paid = invested(_at_once(payments))
    rows = []
    for party, yuan in paid[~(paid <= 0)].items():
        known = yuan == yuan
        figure = number(float(yuan), "0", language) if known else label("unknown", language)
        said = amount_in_words(round(float(yuan)), language, currency) if known else ""
        rows.append([word(party, language), figure, said])
    columns = [
        _column(label("document_payer", language)),
        _column(label("capital", language, unit=True, currency=currency), is_number=True),
        {**_column(label("document_in_words", language)), "part": 1},
    ]
    if not any(row[2] for row in rows):
        columns, rows = columns[:2], [row[:2] for row in rows]
    return _table(columns, rows)


def _at_once(payments: pd.DataFrame) -> pd.DataFrame:
    """What each party gets less what it pays before the first year, a column an item."""
    if 0 not in payments:
        return pd.DataFrame()
    return payments[0].unstack("item", fill_value=0.0, sort=False)


def _debts(payments: pd.DataFrame, plan: Plan, language: str) -> list[str]:
    """Who owes how much and pays what of it a year, beside its own money; or that nobody does."""
    first, whole = _at_once(payments), Calendar.of(plan.scenario).first_whole
    own = own_money(first)
    said = []
    for item, service in LOANS.items():
        owed = first[item] if item in first else pd.Series(dtype=float)
        for party, yuan in owed[~(owed <= 0)].items():
            paid = payments.loc[party].reindex(service)[whole].sum(skipna=False)
            told = loan_text(plan, str(party), item, float(yuan), -float(paid), language)
            if item == "loan" or not first.get("loan", owed)[party] > 0:
                rest = label("document_own_money", language).format(
                    yuan=money_text(float(own[party]), plan, language))  # fmt: skip
                told += style(language)["list"] + rest
            said.append(told)
    return said or [label("document_owes_nothing", language)]


def _cases(plan: Plan, language: str) -> dict[str, Any]:
    """Income and what it is worth under each price case."""
    currency, rows, parts = currency_of(plan), [], list(plan.parts.items())
    more = style(language)["with_unit"].format(
        text=label("document_more_than_bank", language),
        unit=in_units("money", language, currency),
    )
    for name, part in parts:
        for row in part.result("cases").to_dict("records"):
            case = label(f"case_{row['case']}", language)
            who = word(row["party"], language)
            if len(parts) > 1:
                who = name.partition("/")[2] + style(language)["colon"] + who
            back = row["payback_years"]
            rows.append([
                case, who, _money(row["income_first_year"], language), _money(row["npv"], language),
                number(float(back), "1", language) if back == back else ABSENT,
                number(float(row["households_losing"]), "0", language)
                if row["households_losing"] == row["households_losing"] else ABSENT,
                number(float(row["households_short"]), "0", language)
                if row["households_short"] == row["households_short"] else ABSENT,
            ])  # fmt: skip
    columns = [
        _column(label("price_case", language)),
        _column(label("case_party", language)),
        _column(label("income_first_year", language, unit=True, currency=currency), is_number=True),
        {**_column(more, is_number=True), "part": 1},
        _column(label("payback_years", language, unit=True), is_number=True),
        _column(label("households_losing", language), is_number=True),
        _column(label("households_short", language), is_number=True),
    ]
    return _table(columns, rows)


def _money(value: float, language: str) -> str:
    return shown(float(value), "capital", language, "whole") if value == value else ABSENT
