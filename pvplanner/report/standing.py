"""The report's tables of standing: parties, decisions and papers, open rules, villages that own."""

from __future__ import annotations

from typing import Any

from pvplanner.plan import Plan
from pvplanner.report.cells import currency_of, is_unknown, plain_columns, table, word
from pvplanner.words import label, number, rule_of, shown, source, style


def standing_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """Parties, agreements, decisions and papers; rules that are not settled; villages that own."""
    return [
        *_standing(plan, language), *_bounds(plan, language), *_owners(plan, language),
    ]  # fmt: skip


def _standing(plan: Plan, language: str) -> list[dict[str, Any]]:
    told, rows = plan.result("standing"), []
    days = label("days_before", language)
    for row in told.to_dict("records"):
        value = style(language)["list"].join(
            word(part, language) for part in str(row["value"]).split()
        )
        if row["kind"] == "decision":
            value = label(f"decided_by_{row['value']}", language)
            if not is_unknown(row["days"]):
                value += style(language)["list"] + days.format(days=f"{row['days']:.0f}")
        of = "" if row["source"] == "scenario" else source(str(row["source"]), language)
        sure = label(str(row["certainty"]), language) if of else ""
        rows.append([label(str(row["item"]), language), value, of, sure])
    heads = ("standing_item", "standing_value", "source", "certainty")
    columns = plain_columns(heads, language, ())
    title, note = label("report_standing", language), label("standing_note", language)
    return [table("standing", title, columns, rows, note=note)]


def _bounds(plan: Plan, language: str) -> list[dict[str, Any]]:
    held = plan.result("bounds")
    if held.empty:
        return []
    rows = [
        [label(str(row["item"]), language), word(str(row["chosen"]), language),
         word(str(row["other"]), language),
         number(float(row["households"]), rule_of("count"), language),
         shown(float(row["yuan"]), "yuan", language)]
        for row in held.to_dict("records")
    ]  # fmt: skip
    heads = ("standing_item", "chosen_way", "other_way", "households_hit", "effect")
    columns = plain_columns(heads, language, heads[3:], currency_of(plan))
    title, note = label("report_bounds", language), label("bounds_note", language)
    return [table("bounds", title, columns, rows, note=note)]


def _owners(plan: Plan, language: str) -> list[dict[str, Any]]:
    held = plan.result("owners")
    if held.empty:
        return []
    sums = ("capital", "write_off_year", "surplus_year")
    rows = [
        [str(row["owner"]), number(float(row["owner_share"]), rule_of("share"), language),
         *(shown(float(row[key]), "yuan", language) for key in sums)]
        for row in held.to_dict("records")
    ]  # fmt: skip
    heads = ("village", "owner_share", *sums)
    columns = plain_columns(heads, language, heads[1:], currency_of(plan))
    return [table("owners", label("report_owners", language), columns, rows)]
