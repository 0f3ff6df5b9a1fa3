"""Sentences that several documents say: an amount, and who owes what."""

from __future__ import annotations

from pvplanner.plan import Plan
from pvplanner.report.cells import currency_of, word
from pvplanner.words import in_units, label, number

LOANS = {"loan": ("interest", "principal"),
         "member_loan": ("member_interest", "member_principal")}  # fmt: skip
"""Items of the ledger by which somebody comes to owe, and those by which it is paid."""


KW = 0.5
"""Powers that are shown whole and differ by less are the same."""


def money_text(value: float, plan: Plan, language: str) -> str:
    """An amount in whole units of the plan's currency: a plan knows no fen."""
    if value != value:
        return label("unknown", language)
    return f"{number(float(value), '0', language)} {in_units('money', language, currency_of(plan))}"


def loan_text(
    plan: Plan, who: str, item: str, owed: float, yearly: float, language: str
) -> str:  # fmt: skip
    """Who owes how much of what, at what rate, for how long, and what a year takes.

    Parameters
    ----------
    who : str
        A party.
    item : str
        ``loan`` or ``member_loan``.
    owed, yearly : float
        At the beginning, and debt service of the first whole year.
    """
    coop, loan = plan.scenario.cooperative, plan.scenario.loan
    member = item == "member_loan"
    return label("document_owes", language).format(
        who=word(who, language), what=label(item, language),
        yuan=money_text(owed, plan, language), yearly=money_text(yearly, plan, language),
        rate=number(coop.member_loan_rate if member else loan.rate, "p2", language),
        years=coop.member_loan_years if member else loan.years,
    )  # fmt: skip


def over_grid(plan: Plan, language: str) -> list[str]:
    """That a phase is more than may be connected, where that is known; else nothing."""
    sums = plan.three_totals()
    phase, may = float(sums["phase_kw"]), float(sums["connectable_kw"])
    known = bool(sums["checked"]) and float(sums["known_kw"]) >= float(sums["fits_kw"]) - KW
    if not known or not phase > may + KW:
        return []
    kw = (number(value, "0", language) for value in (phase, may))
    return [label("document_over", language).format(phase=next(kw), may=next(kw))]
