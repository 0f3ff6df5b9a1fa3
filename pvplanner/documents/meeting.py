"""What a meeting needs: a draft of its resolution, what is to be posted, sheets for answers.

It names house numbers and nobody: it is laid out where all can read it.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from pvplanner.documents.editable import Block, as_docx
from pvplanner.documents.household import with_modules
from pvplanner.documents.mark import Mark
from pvplanner.documents.memo import hash_line
from pvplanner.documents.signed import signed_pages
from pvplanner.errors import InputError, listed
from pvplanner.plan import Plan
from pvplanner.report.cells import currency_of, word
from pvplanner.report.grid import three_totals
from pvplanner.report.posting import posting_table
from pvplanner.texts import visible
from pvplanner.words import in_units, label, shown, source, style, texts

BLANK = "＿" * 6
HELD = ("meeting_time", "meeting_place", "meeting_chair", "meeting_entitled", "meeting_present",
        "meeting_teller")  # fmt: skip
"""What only the meeting itself can say."""

SIGNERS = ("meeting_chair", "meeting_minutes", "document_household_village")


def make_meeting(plan: Plan, language: str, mark: Mark) -> bytes:
    """The meeting's papers.

    Raises
    ------
    InputError
        If there are several villages: each has its own meeting.
    ConfigError
        If python-docx is not installed.
    """
    if len(plan.parts) > 1:
        raise InputError("villages_several", where="meeting", names=listed(plan.parts, 12))
    shown = plan.public()
    posted = _posting(shown, language)
    blocks = [
        *_resolution(shown, language, bool(posted)), *posted, *_answers(plan, language),
        hash_line(mark, language),
    ]  # fmt: skip
    return as_docx(blocks, mark, language, shown.scenario.name, shown.scenario.documents.date)


def _resolution(plan: Plan, language: str, shares: bool) -> list[Block]:
    told = signed_pages(plan, language, three_totals(plan, language)["rows"])

    words = texts(language)

    def head(key: str) -> Block:
        return Block("heading", words[key])

    held = [[label(key, language), BLANK] for key in HELD]
    return [
        Block("title", f"{visible(plan.scenario.name)} {label('meeting_resolution', language)}"),
        *(Block("note", label(note, language)) for note in plan.notes()),
        Block("pairs", held, "meeting"),
        head("meeting_decided"), Block("text", label("meeting_plan", language)),
        Block("pairs", told["totals"], "totals"),
        *(Block("note", text) for text in told["warnings"]),
        head("document_parties"), Block("pairs", told["parties"], "parties"),
        head("document_capital"), Block("table", told["capital"], "capital"),
        Block("text", told["debts"]),
        head("document_years"), Block("table", told["years"], "years"),
        Block("text", label("document_years_note", language)),
        head("meeting_item"), Block("table", _votes(language, shares), "votes"),
        head("meeting_rules"), Block("list", _rules(plan, language)),
        head("document_signature"), Block("signers", [label(key, language) for key in SIGNERS]),
    ]  # fmt: skip


def _votes(language: str, shares: bool) -> dict[str, Any]:
    """What is voted on, item by item, with room for the count; how income is shared where it is."""
    keys = ("item", "for", "against", "abstained")
    columns = [{"label": label(f"meeting_{key}", language), "number": False} for key in keys]
    items = ("build", "capital_loans", *(["sharing"] if shares else []), "duties")
    rows = [
        [f"{n}. {texts(language)[f'meeting_item_{item}']}", "", "", ""]
        for n, item in enumerate(items, 1)
    ]
    return {"columns": columns, "rows": rows}


def _rules(plan: Plan, language: str) -> list[str]:
    """Steps that the law asks for before and after, with their days and where they stand."""
    standing = plan.result("standing")
    out = []
    for row in standing[standing["kind"] == "decision"].to_dict("records"):
        said = label(str(row["item"]), language)
        if row["days"] == row["days"]:
            days = label("meeting_days", language).format(days=int(row["days"]))
            said = style(language)["with_unit"].format(text=said, unit=days)
        told = (word(row["value"], language), said, source(str(row["source"]), language))
        out.append(style(language)["colon"].join(told[:2]) + style(language)["list"] + told[2])
    return out


def _posting(plan: Plan, language: str) -> list[Block]:
    """What is paid by shares, where the plan pays anything."""
    heads, rows, foot = posting_table(plan, language)
    if not rows:
        return []
    columns = [{"label": text, "number": at > 1} for at, text in enumerate(heads)]
    return [
        Block("break"), Block("title", label("posting_title", language)),
        Block("text", label("posting_note", language)),
        Block("table", {"columns": columns, "rows": [*rows, *foot]}, "posting"),
    ]  # fmt: skip


def _answers(plan: Plan, language: str) -> list[Block]:
    """A sheet a hamlet: who is asked, and room for the answer and a signature."""
    homes = plan.households.set_index("household_id").loc[with_modules(plan)]
    hamlet = homes["hamlet"].fillna("").astype(str)
    out: list[Block] = []
    for number, (name, own) in enumerate(homes.groupby(hamlet, sort=True), 1):
        title = " ".join(filter(None, (label("meeting_answers", language), str(name))))
        out += [Block("break"), Block("title", title),
                Block("text", label("meeting_answers_note", language)),
                Block("table", _asked(own, plan, language), f"answers_{number}")]  # fmt: skip
    return out


def _asked(homes: pd.DataFrame, plan: Plan, language: str) -> dict[str, Any]:
    keys = ("modules", "capacity_kwp", "capital")
    currency = currency_of(plan)
    pays = style(language)["with_unit"].format(
        text=label("meeting_pays", language), unit=in_units("money", language, currency)
    )
    heads = [
        label("household_id", language),
        *(label(key, language, unit=True) for key in keys[:-1]),
        pays,
        *(label(f"meeting_{key}", language) for key in ("yes", "no", "signature")),
    ]
    rows = [
        [str(household), *(shown(float(row[k]), k, language) for k in keys), "", "", ""]
        for household, row in homes.iterrows()
    ]  # fmt: skip
    columns = [{"label": text, "number": 0 < at <= len(keys)} for at, text in enumerate(heads)]
    return {"columns": columns, "rows": rows}
