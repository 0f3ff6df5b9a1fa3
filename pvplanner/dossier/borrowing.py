"""What a loan officer asks beyond the cover: price cases, break-even, the account by months."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.money import (
    COLLECTIVE,
    HOUSEHOLD,
    Case,
    chosen_rows,
    lowest_cover,
    owner_of,
    run_model,
)
from pvplanner.money.cases import break_even
from pvplanner.money.months import account_of, monthly_cash
from pvplanner.money.owners import debt_account
from pvplanner.plan import Plan
from pvplanner.schema import CASES


def borrowers_risk(plan: Plan, mine: np.ndarray, kind: str, borrows: bool) -> dict[str, Any]:
    """Price cases, break-even, the account by months, the loan against its rules.

    Parameters
    ----------
    plan : Plan
    mine : ndarray of bool
        Households of the subject, on the rows of ``plan.case()``.
    kind : str
        ``household``, ``collective`` or ``village``.
    borrows : bool
    """
    homes, case = plan.case()
    rows = np.flatnonzero(mine)
    people, own = homes.iloc[rows], case.part(rows)
    account, schedule, life = _account(people, own, kind, borrows)
    even = break_even(people.reset_index(drop=True), own)
    if not borrows:
        even[["cover_1", "cover_1_2"]] = np.nan
    told = ("price", "source", "year", "certainty")
    prices = own.terms.prices
    loan = own.terms.loan
    papers = plan.result("standing")
    missing = papers.loc[papers["value"] == "missing_paper", "item"]
    return {
        "price_cases": _case_rows(plan, people, kind),
        "findings": [{"code": f.code, "text": f.text(plan.scenario.language)}
                     for f in plan.findings if f.doubtful or f.code in TOLD],
        "break_even": [
            {key: row[key] if key == "moved" else rounded(row[key], 3) for key in row}
            for row in even.to_dict("records")
        ],
        "account": account,
        "life_cover": life,
        "debt_schedule": schedule,
        "prices": {
            "by_year": [rounded(value, 4) for value in own.terms.sale_price],
            "sources": [
                dict(zip(told, (f"{key}: {one.value:g} {one.unit}", one.source, one.year,
                                one.certainty), strict=True))
                for key, one in prices.sources.items()
            ],
            "mechanism_years": prices.mechanism_years,
            "market_months_found": prices.months_found,
        },
        "tenor": {
            "loan_years": loan.years if borrows else None,
            "mechanism_years": prices.mechanism_years,
            "rule_years": round(reference.constant("loan_years_most").value),
            "within_rule": not borrows
            or loan.years <= reference.constant("loan_years_most").value,
            "instalments": loan.instalments,
        },
        "missing_papers": [str(item).removeprefix("paper_") for item in missing],
        "insured": own.terms.finance.insurance_per_w_year > 0,
        "maintenance_reserve": own.terms.cooperative.provision,
    }  # fmt: skip


TOLD = ("mechanism_won", "mechanism_unknown", "bullet_due", "loan_past_mechanism")
"""Findings that a lender reads, beside those that are doubts."""


def _case_rows(plan: Plan, people: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    """What each price case brings the subject: of a collective its own, before dividends."""
    if kind == "collective":
        held = plan.result("cases")
        names = ("income_first_year", "income_mean", "npv", "lowest_cover")
        return [
            {"case": row["case"], **{name: rounded(row[name], 2) for name in names}}
            for row in held[held["party"] == "collective"].to_dict("records")
        ]
    key = pd.MultiIndex.from_frame(people[["household_id", "model"]])
    measures, out = plan.measures, []
    for case in CASES:
        own = measures[measures["case"] == case].set_index(["household_id", "model"]).reindex(key)
        sums = {name: rounded(own[name].sum(skipna=False), 2)
                for name in ("income_first_year", "income_mean", "npv")}  # fmt: skip
        out.append({"case": case, **sums, "lowest_cover": rounded(own["dscr_min"].min(), 3)})
    return out


def _account(
    people: pd.DataFrame, case: Case, kind: str, borrows: bool
) -> tuple[dict[str, Any] | None, list[dict[str, Any]], dict[str, Any]]:
    """The borrower's account by months, its debt by years, covers of loan and plant."""
    none = {"llcr": None, "plcr": None, "cash_alone": None, "with_savings": None}
    if not borrows:
        return None, [], none
    party = COLLECTIVE if kind == "collective" else HOUSEHOLD
    cash, loan = [], 0.0
    flows = {name: np.zeros(case.calendar.count)
             for name in ("available", "saved", "interest", "principal")}  # fmt: skip
    for model, rows in chosen_rows(people, case.terms):
        if owner_of(model) != party:
            continue
        part = case.part(rows)
        ledger = run_model(part, model)
        cash.append(monthly_cash(part, ledger, party))
        flows["available"] += debt_account(ledger, party)[0]
        flows["saved"] += ledger.received(party, "bill_saved")[1:]
        for item in ("interest", "principal"):
            flows[item] -= ledger.received(party, item)[1:]
        loan += float(ledger.received(party, "loan")[0])
    if not cash or not loan:
        return None, [], none
    table = pd.concat(cash, ignore_index=True)
    service = flows["interest"] + flows["principal"]
    end = int(np.flatnonzero(service)[-1]) + 1
    rate = case.terms.loan.rate
    worth = flows["available"] * (1 + rate) ** -case.calendar.times[1:]
    # Of the last year only what comes in while the loan runs.
    times = case.calendar.times
    last = (case.terms.loan.years - times[end - 1]) / (times[end] - times[end - 1])
    within = np.append(np.ones(end - 1), np.clip(last, 0, 1))
    years = case.calendar.years
    schedule = [
        {"year": int(years[n]), "interest": rounded(flows["interest"][n], 2),
         "principal": rounded(flows["principal"][n], 2),
         "cover": rounded(flows["available"][n] / service[n], 3) if service[n] > 0 else None}
        for n in range(end)
    ]  # fmt: skip
    covers_ = (lowest_cover(np.atleast_2d(v), service[None])[0]
               for v in (flows["available"] - flows["saved"], flows["available"]))  # fmt: skip
    alone, saved = covers_
    life = {"llcr": rounded(worth[:end] @ within / loan, 3), "plcr": rounded(worth.sum() / loan, 3),
            "cash_alone": rounded(alone, 3), "with_savings": rounded(saved, 3)}  # fmt: skip
    told = asdict(account_of(case, table))
    if not np.isfinite(flows["available"]).all():
        # Where a price is not known nothing is known of the account.
        return None, schedule, life
    return told, schedule, life


def rounded(value: Any, digits: int) -> float | None:
    """A figure as the dossier states it; ``None`` where it is not known."""
    return round(float(value), digits) if np.isfinite(value) else None
