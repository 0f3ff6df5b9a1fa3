"""The signed pages and a household's sheet as texts that an office goes on writing."""

from __future__ import annotations

from collections.abc import Sequence

from pvplanner.documents.editable import Block, as_docx
from pvplanner.documents.household import household_pages
from pvplanner.documents.mark import Mark
from pvplanner.documents.signed import signed_pages
from pvplanner.documents.typesetting import picture
from pvplanner.plan import Plan
from pvplanner.report.grid import three_totals
from pvplanner.texts import visible
from pvplanner.words import label, style, texts


def make_memo(plan: Plan, language: str, mark: Mark, *, internal: bool) -> bytes:
    """The two signed pages.

    Raises
    ------
    ConfigError
        If python-docx is not installed.
    """
    shown = plan if internal else plan.public()
    told = signed_pages(shown, language, three_totals(shown, language)["rows"])

    words = texts(language)

    def head(key: str) -> Block:
        return Block("heading", words[key])

    name = visible(shown.scenario.name)
    blocks = [
        Block("title", f"{name} {label('document_report_title', language)}"),
        Block("pairs", told["fields"], "head"),
        *(Block("note", label(note, language)) for note in shown.notes()),
        head("document_parties"), Block("pairs", told["parties"], "parties"),
        head("three_totals"), Block("pairs", told["totals"], "totals"),
        *(Block("note", text) for text in told["warnings"]),
        head("document_years"), Block("table", told["years"], "years"),
        Block("text", label("document_years_note", language)),
        head("document_capital"), Block("table", told["capital"], "capital"),
        Block("text", told["debts"]),
        head("document_cases"), Block("table", told["cases"], "cases"),
        Block("text", told["cases_note"]),
        head("document_promise"), Block("list", told["promises"]),
        head("document_no_promise"), Block("list", told["refusals"]),
        head("document_signature"), Block("signers", told["signers"]),
        hash_line(mark, language),
    ]  # fmt: skip
    return as_docx(blocks, mark, language, shown.scenario.name, shown.scenario.documents.date)


def make_household_text(
    plan: Plan, language: str, mark: Mark, households: Sequence[str] | None
) -> bytes:  # fmt: skip
    """Sheets of some households, one after another.

    Raises
    ------
    InputError, ConfigError
        As :func:`pvplanner.documents.household.household_pages`; if python-docx or Typst is not
        installed.
    """
    told = household_pages(plan, language, mark, households)
    blocks: list[Block] = []
    for sheet in told["sheets"]:
        key = sheet["id"]
        who = " ".join(filter(None, (told["title"], sheet["hamlet"], key, sheet["name"])))
        blocks += [
            *([Block("break")] if blocks else []),
            Block("title", told["edition"]), Block("text", who),
            *(Block("note", note) for note in told["notes"]),
            Block("heading", label("document_household_bound", language)),
            Block("pairs", sheet["bound"], f"{key}.bound"),
            Block("heading", label("document_household_roof", language)),
            Block("picture", picture(sheet["picture"])),
            Block("pairs", sheet["facts"], f"{key}.roof"),
            Block("heading", label("document_household_money", language)),
            Block("pairs", sheet["money"], f"{key}.money"),
            Block("heading", label("document_household_steps", language)),
            Block("table", _steps(sheet["steps"], language), f"{key}.steps"),
            Block("heading", label("document_household_terms", language)),
            Block("pairs", sheet["terms"], f"{key}.terms"),
            Block("text", label("document_household_read", language)),
            Block("signers", [label("document_household_person", language),
                              label("document_household_village", language)]),
        ]  # fmt: skip
    blocks.append(hash_line(mark, language))
    return as_docx(blocks, mark, language, told["title"], plan.scenario.documents.date)


def _steps(rows: Sequence[Sequence[str]], language: str) -> dict[str, list[object]]:
    heads = ("sheet_name", "document_step", "source")
    columns = [{"label": label(key, language), "number": key == "document_step"} for key in heads]
    return {"columns": [*columns], "rows": [*rows]}


def hash_line(mark: Mark, language: str) -> Block:
    """What says of which plan a text is."""
    colon = style(language)["colon"]
    return Block("text", f"{label('document_hash', language)}{colon}{mark.plan}")
