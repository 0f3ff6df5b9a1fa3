"""The sheet that one household reads and signs: first what it binds itself to, then the money."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from pvplanner.documents.content import made_rows, paper_words
from pvplanner.documents.drawing import roof_picture
from pvplanner.documents.mark import Mark
from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.explaining import explained
from pvplanner.money import HOUSEHOLD, owner_of
from pvplanner.plan import Plan
from pvplanner.report.cells import ABSENT, currency_of, word
from pvplanner.schema import PLANNED, POOR
from pvplanner.words import date_text, in_units, label, number, shown, style, texts

WORST = "together"
"""The case in which all that may go wrong with prices and years goes wrong at once."""

AGREED = ("plant_owner", "filed_as", "leak_repair_by", "removal_paid_by", "compensation_to")
"""What parties agree on beside the money, by the names of ``reference/agreements.csv``."""

FACTS = {"modules": "modules", "capacity_kwp": "capacity_kwp",
         "energy_kwh": "document_middle_kwh",
         "energy_p90_built_kwh": "document_poor_kwh"}  # fmt: skip
"""What of the roof is said, and its plain words."""


def household_pages(
    plan: Plan, language: str, mark: Mark, household_ids: Sequence[str]
) -> dict[str, Any]:
    """Sheets of some households, a page each.

    Raises
    ------
    InputError
        If a household is not there, or carries no modules.
    ConfigError
        If what is agreed may not be: an investor's plant filed under the household's name.
    """
    homes = plan.households.set_index("household_id")
    lost = [h for h in household_ids if h not in homes.index]
    if lost:
        raise InputError("household_unknown", where="household", household=listed(lost))
    return {
        "language": language, "title": plan.scenario.name, "words": paper_words(language),
        "edition": label("document_household_title", language),
        "mark": mark.text(), "hash": mark.plan, "notes": [texts(language)[n] for n in plan.notes()],
        "sheets": [_sheet(_part_of(plan, h), h, homes.loc[h], language) for h in household_ids],
        "made": made_rows(plan, language, mark),
    }  # fmt: skip


def _part_of(plan: Plan, household: str) -> Plan:
    return next(
        part for part in plan.parts.values()
        if household in set(part.households["household_id"])
    )  # fmt: skip


def _sheet(plan: Plan, household: str, row: pd.Series, language: str) -> dict[str, Any]:
    owner = owner_of(str(row["model"]))
    refuse_unlawful(plan, owner)
    if not row["modules"] > 0:
        raise InputError("household_bare", where="household", household=household)
    shares = plan.shares
    roofs = list(shares.loc[shares["household_id"] == household, "building_id"].astype(str))
    steps = explained(plan, household, "income_first_year", language)
    return {
        "id": household, "name": _text(row.get("household_name")), "hamlet": _text(row["hamlet"]),
        "bound": _bound(plan, household, row, owner, language),
        "picture": roof_picture(plan, roofs),
        "facts": [
            [label(name, language), f"{shown(row[key], key, language)} {_unit(key, language)}"]
            for key, name in FACTS.items()
        ],
        "money": _money(plan, household, row, language),
        "steps": [[step.name, step.told, step.source] for step in steps],
        "terms": _terms(plan, str(row["model"]), language),
        "date": date_text(plan.scenario.documents.date, language)
        if plan.scenario.documents.date else label("document_sign_date", language),
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


def _unit(key: str, language: str) -> str:
    from pvplanner.words import unit_of

    return unit_of(key, language)


def _bound(
    plan: Plan, household: str, row: pd.Series, owner: str, language: str
) -> list[list[str]]:
    """What stands first: who invests, whose name, who owes, who repairs, what a bad year costs."""
    contract = plan.scenario.contract
    rows = [
        [label("document_household_invests", language),
         f"{word(owner, language)}{style(language)['list']}{_yuan(row['capital'], plan, language)}"
         if owner == HOUSEHOLD else word(owner, language)],
        [label("document_household_owes", language), _owes(plan, household, owner, language)],
    ]  # fmt: skip
    for key in AGREED:
        value = word(getattr(contract, key) or "not_stated", language)
        rows.append([label(key, language), value])
    rows.append([label("document_household_bad", language), _bad_year(plan, household, language)])
    return rows


def _yuan(value: float, plan: Plan, language: str) -> str:
    """An amount in whole yuan: a plan knows no fen."""
    if value != value:
        return label("unknown", language)
    return f"{number(float(value), '0', language)} {in_units('money', language, currency_of(plan))}"


def _owes(plan: Plan, household: str, owner: str, language: str) -> str:
    """How much the household itself owes, for how long; or who does."""
    loan = plan.scenario.loan
    if loan.share == 0:
        return label("document_owes_nothing", language)
    if owner != HOUSEHOLD:
        return label("document_household_owner_owes", language).format(who=word(owner, language))
    flows = plan.payments(household=household)
    mine = flows[(flows["item"] == "loan") & (flows["party"] == HOUSEHOLD) & (flows["year"] == 0)]
    return label("document_owes", language).format(
        who=word(HOUSEHOLD, language), what=label("loan", language),
        yuan=_yuan(float(mine["yuan"].sum()), plan, language), years=loan.years,
    )  # fmt: skip


def _measure(plan: Plan, household: str, name: str, case: str) -> float:
    """Of the household under its own model."""
    table = plan.measures
    own = plan.households.set_index("household_id")["model"][household]
    rows = table[(table["household_id"] == household) & (table["model"] == own)]
    found = rows.loc[rows["case"] == case, name]
    return float(found.iloc[0]) if len(found) else float("nan")


def _bad_year(plan: Plan, household: str, language: str) -> str:
    """What the worst year of life costs: as planned, and where all goes wrong."""
    said = []
    for case in (PLANNED, WORST):
        worst = _measure(plan, household, "income_worst", case)
        name = label(f"case_{case}", language)
        key = "document_household_pays" if worst < 0 else "document_household_gets"
        said.append(label(key, language).format(
            case=name, yuan=_yuan(abs(worst), plan, language)))  # fmt: skip
    return style(language)["parts"].join(said)


def _money(plan: Plan, household: str, row: pd.Series, language: str) -> list[list[str]]:
    """Income of a middle and a poor year, over the life, and when the capital is back."""
    back = row["payback_years"]
    return [
        [label("document_household_middle", language),
         _yuan(_measure(plan, household, "income_first_year", PLANNED), plan, language)],
        [label("document_household_poor", language),
         _yuan(_measure(plan, household, "income_first_year", POOR), plan, language)],
        [label("income_mean", language), _yuan(row["income_mean"], plan, language)],
        [label("document_more_than_bank", language), _yuan(row["npv"], plan, language)],
        [label("payback_years", language),
         f"{number(float(back), '1', language)} {_unit('payback_years', language)}"
         if back == back else ABSENT],
    ]  # fmt: skip


def _terms(plan: Plan, model: str, language: str) -> list[list[str]]:
    """Key terms of the contract that the model stands on, as the scenario states them."""
    finance, told = plan.scenario.finance, []
    if owner_of(model) != HOUSEHOLD:
        told.append(("document_term_lease", f"{finance.lease_term}"))
        told.append(("document_term_end", word(finance.after_lease, language)))
    pays = {"roof_lease": True, "developer": plan.scenario.developer.pays_rent,
            "cooperative": plan.scenario.cooperative.pays_rent}.get(model, False)  # fmt: skip
    if pays:
        rent = f"{number(finance.rent, '2', language)} / {word(finance.rent_basis, language)}"
        told.append(("document_term_rent", rent))
    if model == "developer":
        share = number(plan.scenario.developer.discount, "p0", language)
        told.append(("document_term_discount", share))
    told.append(("document_term_life", f"{finance.life_years}"))
    return [[label("model", language), word(model, language)],
            *([label(key, language), value] for key, value in told)]  # fmt: skip


def with_modules(plan: Plan) -> list[Hashable]:
    """Households that carry modules, in the plan's order."""
    homes = plan.households
    return list(homes.loc[(homes["modules"] > 0) & ~homes["own_building"], "household_id"])
