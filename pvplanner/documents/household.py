"""The sheet that one household reads and signs: first what it binds itself to, then the money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pvplanner.documents.content import made_rows, paper_words
from pvplanner.documents.drawing import roof_picture
from pvplanner.documents.held import Held
from pvplanner.documents.mark import Mark
from pvplanner.documents.payers import nobodys
from pvplanner.documents.wording import LOANS, loan_text, money_text, over_grid
from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.explaining import explained
from pvplanner.money import HOUSEHOLD, owner_of
from pvplanner.plan import Plan
from pvplanner.report.cells import ABSENT, word
from pvplanner.scenario.calendar import Calendar
from pvplanner.schema import PLANNED, POOR
from pvplanner.words import label, number, shown, style, texts, unit_of

UNWON = "not_won"
"""The case in which the auction of the price mechanism is not won."""

WORST = "together"
"""The case in which all that may go wrong with prices and years goes wrong at once."""

AGREED = ("plant_owner", "filed_as", "leak_repair_by", "removal_paid_by", "compensation_to")
"""What parties agree on beside the money, by the names of ``reference/agreements.csv``."""

FACTS = {"modules": "modules", "capacity_kwp": "capacity_kwp",
         "energy_kwh": "document_middle_kwh",
         "energy_p90_built_kwh": "document_poor_kwh"}  # fmt: skip
"""What of the roof is said, and its plain words."""


def household_pages(
    plan: Plan, language: str, mark: Mark, asked: Sequence[str] | None
) -> dict[str, Any]:
    """Sheets of some households, or of all that carry modules, a page each.

    Raises
    ------
    InputError
        If a household is not there, or carries no modules.
    ConfigError
        If what is agreed may not be: an investor's plant filed under the household's name.
    """
    parts = [Held.of(part) for part in plan.parts.values()]
    own = {h: held for held in parts for h in held.homes.index}
    household_ids = with_modules(plan) if asked is None else asked
    if not household_ids:
        raise InputError("household_bare", where="household", household="-")
    lost = [h for h in household_ids if h not in own]
    if lost:
        raise InputError("household_unknown", where="household", household=listed(lost))
    return {
        "language": language, "title": plan.scenario.name, "words": paper_words(language),
        "edition": label("document_household_title", language),
        "mark": mark.text(), "hash": mark.plan,
        "notes": [*(texts(language)[n] for n in plan.notes()), *over_grid(plan, language)],
        "sheets": [_sheet(own[h], h, language) for h in household_ids],
        "made": made_rows(plan, language, mark),
    }  # fmt: skip


def _sheet(held: Held, household: str, language: str) -> dict[str, Any]:
    plan, row = held.plan, held.homes.loc[household]
    owner = owner_of(str(row["model"]))
    refuse_unlawful(plan, owner)
    if not row["modules"] > 0:
        raise InputError("household_bare", where="household", household=household)
    shares = plan.shares
    roofs = list(shares.loc[shares["household_id"] == household, "building_id"].astype(str))
    steps = explained(plan, household, "income_first_year", language)
    return {
        "id": household, "name": _text(row.get("household_name")), "hamlet": _text(row["hamlet"]),
        "bound": _bound(held, household, owner, language),
        "picture": roof_picture(plan, roofs),
        "facts": [
            [label(name, language), f"{shown(row[key], key, language)} {unit_of(key, language)}"]
            for key, name in FACTS.items()
        ],
        "money": _money(held, household, owner, language),
        "steps": [[step.name, step.told, step.source] for step in steps],
        "terms": _terms(plan, str(row["model"]), language),
        "date": label("document_sign_date", language),
    }  # fmt: skip


def refuse_unlawful(plan: Plan, owner: str) -> None:
    """Refuse a sheet whose contract the law does not allow.

    Raises
    ------
    ConfigError
        If somebody else's plant is filed under the household's name.
    """
    if owner != HOUSEHOLD and plan.scenario.contract.filed_as == HOUSEHOLD:
        raise ConfigError("filed_as_person", where="contract.filed_as")


def _text(value: Any) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value)


def _bound(held: Held, household: str, owner: str, language: str) -> list[list[str]]:
    """What stands first: who invests, whose name, who owes, who repairs, what a bad year costs."""
    plan, row = held.plan, held.homes.loc[household]
    contract = plan.scenario.contract
    invests = [word(owner, language)]
    if owner == HOUSEHOLD:
        invests.append(money_text(row["capital"], plan, language))
    rows = [
        [label("document_household_invests", language), style(language)["list"].join(invests)],
        [label("document_household_owes", language), _owes(held, household, owner, language)],
        *_own_money(held, household, owner, language),
    ]  # fmt: skip
    for key in AGREED:
        value = word(getattr(contract, key) or "not_stated", language)
        rows.append([label(key, language), value])
    rows.append([label("document_household_bad", language), _bad_year(held, household, language)])
    if any(getattr(contract, key) is None for key in AGREED):
        fill = label("document_household_fill", language)
        rows.append([label("document_household_note", language), fill])
    return rows


def _owes(held: Held, household: str, owner: str, language: str) -> str:
    """How much the household itself owes, at what rate, for how long; or who does."""
    plan, loan = held.plan, held.plan.scenario.loan
    if loan.share == 0:
        return label("document_owes_nothing", language)
    if owner != HOUSEHOLD:
        return label("document_household_owner_owes", language).format(who=word(owner, language))
    whole = Calendar.of(plan.scenario).first_whole
    yearly = -held.paid(household, *LOANS["loan"]).get(whole, 0.0)
    owed = held.paid(household, "loan").get(0, 0.0)
    return loan_text(plan, HOUSEHOLD, "loan", owed, yearly, language)


def _own_money(held: Held, household: str, owner: str, language: str) -> list[list[str]]:
    """What a household that borrows pays itself at once, a month's instalment, all interest."""
    plan = held.plan
    if owner != HOUSEHOLD or plan.scenario.loan.share == 0:
        return []
    whole = Calendar.of(plan.scenario).first_whole
    loan, term = plan.scenario.loan, plan.terms.prices.mechanism_years
    told = (
        ("document_household_own", held.own_money(household)),
        ("document_household_monthly", -held.paid(household, *LOANS["loan"]).get(whole, 0.0) / 12),
        ("document_household_interest", -held.paid(household, "interest").sum(skipna=False)),
    )
    rows = [[label(key, language), money_text(yuan, plan, language)] for key, yuan in told]
    how = word(f"instalments_{loan.instalments}", language)
    rows.append([label("document_household_how", language), how])
    if term and loan.years > term:
        said = label("document_household_term", language).format(term=term, years=loan.years)
        rows.append([label("document_household_note", language), said])
    return rows


def _bad_year(held: Held, household: str, language: str) -> str:
    """What the worst year of life costs: as planned, and where all goes wrong."""
    said = []
    calendar = Calendar.of(held.plan.scenario)
    years = held.paid(household).loc[calendar.first_whole : calendar.life]
    for case in (PLANNED, WORST):
        worst = held.measure(household, "income_worst", case)
        name = label(f"case_{case}", language)
        if case == PLANNED and years.notna().all() and len(years):
            year = int(calendar.years[int(years.idxmin()) - 1])
            name = label("document_in_year", language).format(case=name, year=year)
        key = "document_household_pays" if worst < 0 else "document_household_gets"
        said.append(label(key, language).format(
            case=name, yuan=money_text(abs(worst), held.plan, language)))  # fmt: skip
    return style(language)["parts"].join(said)


def _money(held: Held, household: str, owner: str, language: str) -> list[list[str]]:
    """Income of a middle and a poor year, over the life, and when the capital is back."""
    plan, row = held.plan, held.homes.loc[household]
    back, npv = row["payback_years"], float(row["npv"])
    told = [
        ("document_household_middle", held.measure(household, "income_first_year", PLANNED)),
        ("document_household_poor", held.measure(household, "income_first_year", POOR)),
        ("document_household_unwon", held.measure(household, "income_first_year", UNWON)),
        ("income_mean", row["income_mean"]), ("document_more_than_bank", npv),
    ]  # fmt: skip
    rows = [[label(key, language), money_text(value, plan, language)] for key, value in told]
    if owner == HOUSEHOLD:
        unit = unit_of("payback_years", language)
        said = f"{number(float(back), '1', language)} {unit}" if back == back else ABSENT
        rows.append([label("payback_years", language), said])
    if npv < 0:
        loses = label("document_household_loses", language)
        rows.append([label("document_household_note", language),
                     loses.format(yuan=money_text(-npv, plan, language))])  # fmt: skip
    return rows


def _terms(plan: Plan, model: str, language: str) -> list[list[str]]:
    """Key terms of the contract that the model stands on, as the scenario states them."""
    finance, told = plan.scenario.finance, []

    def years(count: int) -> str:
        return label("document_years_of", language).format(count=count)

    if owner_of(model) != HOUSEHOLD:
        told.append(("document_term_lease", years(finance.lease_term)))
        told.append(("document_term_end", word(finance.after_lease, language)))
    pays = {"roof_lease": True, "developer": plan.scenario.developer.pays_rent,
            "cooperative": plan.scenario.cooperative.pays_rent}.get(model, False)  # fmt: skip
    if pays:
        rent = f"{number(finance.rent, '2', language)} / {word(finance.rent_basis, language)}"
        told.append(("document_term_rent", rent))
    if model == "developer":
        share = number(plan.scenario.developer.discount, "p0", language)
        told.append(("document_term_discount", share))
    told.append(("document_term_life", years(finance.life_years)))
    return [[label("model", language), word(model, language)],
            *([label(key, language), value] for key, value in told)]  # fmt: skip


def with_modules(plan: Plan) -> list[str]:
    """Households that carry modules, in the plan's order: buildings of nobody in the ledger are
    none of them, unless there is no ledger.
    """
    homes = plan.households
    ids = homes.loc[homes["modules"] > 0, "household_id"].astype(str)
    return list(ids[~ids.isin(list(nobodys(plan)))])
