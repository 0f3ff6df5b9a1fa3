"""The report: what a cooperative goes through line by line. It shows and computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pvplanner.markup import fill_page, packaged
from pvplanner.money import HOUSEHOLD, all_models
from pvplanner.plan import Plan
from pvplanner.plan.public import GROUP
from pvplanner.report.cells import currency_of
from pvplanner.report.charts import carbon_chart, cash_chart, month_chart
from pvplanner.report.choice import choice_tables, front_chart, score_tables
from pvplanner.report.facts import (
    balance_tables,
    carbon_tables,
    doubt_table,
    facts_tables,
    ledger_table,
    press_tables,
    waterfall_table,
)
from pvplanner.report.grid import grid_tables, three_totals
from pvplanner.report.posting import save_posting
from pvplanner.report.risk import risk_tables, stress_tables
from pvplanner.report.standing import standing_tables
from pvplanner.report.survey import save_survey
from pvplanner.report.tables import (
    aside_table,
    assumption_table,
    by_model_table,
    household_table,
    models_table,
    village_table,
)
from pvplanner.scenario.calendar import Calendar
from pvplanner.schema import shown_in
from pvplanner.words import label, shown, style, texts, unit_of

__all__ = ["render_report", "report_content", "save_posting", "save_survey"]


def render_report(plan: Plan, language: str, *, internal: bool, mark: str = "") -> str:
    """The report as HTML; text from data is escaped by the template.

    Parameters
    ----------
    plan : Plan
    language : str
    internal : bool
        The office edition.
    mark : str
        What the page says of what it was made of; nothing if not given.
    """
    words = {**texts(language), "colon": style(language)["colon"]}
    told = report_content(plan, language, internal=internal)
    told["contents"] = _contents(told, words)
    told["script"] = packaged("templates/report.js")
    return fill_page(
        "report.html.j2", mark=mark, html=style(language)["html"],
        parts=style(language)["parts"], t=words, **told,
    )  # fmt: skip


def _contents(told: dict[str, Any], words: dict[str, str]) -> list[tuple[str, str]]:
    """Parts of the page by their places."""
    charts = [("months", "report_months"), ("cash", "report_cash"),
              ("carbon-years", "report_carbon"), ("front", "report_front")]  # fmt: skip
    drawn = {"months": told["chart"], "cash": told["cash"], "carbon-years": told["carbon"],
             "front": told["front"]}  # fmt: skip
    return [
        ("three-totals", words["three_totals"]), ("totals", words["report_summary"]),
        *((place, words[key]) for place, key in charts if drawn[place]),
        *((str(t["id"]), str(t["title"])) for t in told["tables"]),
        ("findings", words["report_findings"]),
    ]  # fmt: skip


def report_content(plan: Plan, language: str, *, internal: bool) -> dict[str, Any]:
    """All that a report says, as words and figures: its page and its PDF show the same."""
    office, plan = plan, plan if internal else plan.public()
    words = {**texts(language), "colon": style(language)["colon"]}
    return {
        "name": plan.scenario.name,
        "made_by": words["made_by"].format(version=plan.made_with),
        "edition": "internal_edition" if internal else "public_edition",
        "notes": _notes(plan, words),
        "totals": three_totals(plan, language),
        "front": front_chart(plan, language, internal=internal),
        "summary": _summary(plan, language),
        "incomes": [_how_income(plan, model, words) for model in _models_used(plan)],
        "chart": month_chart(plan, language),
        "cash": cash_chart(plan, language),
        "carbon": carbon_chart(plan, language),
        "tables": [
            # Sums over so many households tell of none of them.
            models_table(office if len(plan.households) >= GROUP else plan, language),
            village_table(plan, language),
            household_table(plan, language, internal),
            by_model_table(plan, language, internal),
            *choice_tables(plan, language, internal=internal),
            *_apart(
                plan,
                language,
                (
                    partial(score_tables, internal=internal),
                    partial(grid_tables, internal=internal),
                    risk_tables,
                    standing_tables,
                    press_tables,
                    facts_tables,
                    balance_tables,
                    stress_tables,
                    carbon_tables,
                ),
            ),
            ledger_table(plan, language),
            waterfall_table(plan, language),
            *_apart(plan, language, (lambda part, code: [doubt_table(part, code)],)),
            aside_table(plan, language),
            assumption_table(plan, language),
        ],
        "doubts": _findings(plan, language, internal, doubtful=True),
        "findings": _findings(plan, language, internal, doubtful=False),
    }


def _apart(
    plan: Plan, language: str, makers: Sequence[Callable[[Plan, str], list[dict[str, Any]]]]
) -> list[dict[str, Any]]:
    """Tables that are one village's: of each, under its name where there are several."""
    out = []
    for make in makers:
        for number, (village, part) in enumerate(plan.parts.items(), 1):
            for made in make(part, language):
                if len(plan.parts) > 1:
                    name = village.partition("/")[2]
                    made = {**made, "title": f"{made['title']}{style(language)['colon']}{name}",
                            "id": f"{made['id']}_{number}"}  # fmt: skip
                out.append(made)
    return out


def _findings(plan: Plan, language: str, internal: bool, *, doubtful: bool) -> list[str]:
    """What is doubtful, or what was read and done."""
    return [f.text(language, public=not internal) for f in plan.findings if f.doubtful == doubtful]


def _notes(plan: Plan, words: dict[str, str]) -> list[str]:
    return [words[key] for key in plan.notes()]


def _models_used(plan: Plan) -> list[str]:
    return [m for m in all_models() if (plan.households["model"] == m).any()]


def _how_income(plan: Plan, model: str, words: dict[str, str]) -> str:
    """What households are paid less what they pay in the first year, in the ledger's words."""
    ledger = plan.result("ledger")
    whole = Calendar.of(plan.scenario).first_whole
    first = ledger[(ledger["model"] == model) & (ledger["year"] == whole) & (ledger["yuan"] != 0)]
    signs = {"payee": "+", "payer": "−"}
    terms = [
        f"{sign} {words.get(item, item)}"
        for side, sign in signs.items()
        for item in first.loc[first[side] == HOUSEHOLD, "item"].unique()
    ]
    return f"{words[model]}{words['colon']}{' '.join(terms).removeprefix('+ ')}"


def _summary(plan: Plan, language: str) -> list[dict[str, str]]:
    sums = plan.villages.sum(numeric_only=True, skipna=False)
    return [
        {
            "key": key,
            "label": label(key, language),
            "value": shown(float(sums[key]), key, language, "whole"),
            "unit": unit_of(key, language, currency_of(plan)),
        }
        for key in shown_in("summary")
    ]
