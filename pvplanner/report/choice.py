"""The report's tables of a choice: phases, the list and its reasons, trade-offs, the scoreboard."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pvplanner.plan import Plan
from pvplanner.plan.public import GROUP
from pvplanner.report.cells import currency_of, is_unknown, make_cell, plain_columns, table, word
from pvplanner.words import in_units, label, number, reason_of, rule_of, shown, style

GOAL_KINDS = {"npv": "npv", "income": "income_first_year", "energy": "energy_kwh",
              "carbon": "avoided_t", "low_income": "income_first_year"}  # fmt: skip
"""The column by which each goal is shown."""

SCORES = {"money": ("money", "money"), "share": ("rate", ""), "count": ("count", ""),
          "hours": ("count", "h"), "tonnes": ("tonnes", "t CO2"), "tce": ("tonnes", "tce/yr"),
          "gini": ("price", "")}  # fmt: skip
"""Kind and unit of the scoreboard's figures."""


def choice_tables(plan: Plan, language: str, *, internal: bool = False) -> list[dict[str, Any]]:
    """Phases, what the list hangs on, the list with its reasons; nothing where nobody chose."""
    chosen = plan.result("selection")
    if chosen.empty:
        return []
    facts = plan.result("programme")
    return [
        *_phases(plan, facts, language), *_hangs_on(facts, language),
        _list(plan, chosen, facts, language, internal),
    ]  # fmt: skip


def _wide(facts: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Facts of a kind, a row per name."""
    own = facts[facts["kind"] == kind]
    order = list(dict.fromkeys(own["name"].fillna("")))
    told = own.assign(name=own["name"].fillna("")).set_index(["name", "measure"])["value"]
    return told.unstack("measure").reindex(order) if len(own) else pd.DataFrame()


def _phases(plan: Plan, facts: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    held = _wide(facts, "phase")
    if held.empty:
        return []
    money = ("capital", "budget", "reused", "income")
    years = plan.scenario.selection.years(plan.scenario.tariff.connection_date.year)
    rows = []
    for name, row in held.iterrows():
        year = years[int(str(name)) - 1]
        when = style(language)["with_unit"].format(text=str(name), unit=year)
        cells = [when, number(row["households"], "0", language),
                 number(row["kw"], "0", language)]  # fmt: skip
        cells += ["–" if is_unknown(row.get(k)) else shown(float(row[k]), "yuan", language, "whole")
                  for k in money]  # fmt: skip
        rows.append(cells)
    heads = ("phase", "selected_households", "selected_kw", "capital", "selected_budget",
             "selected_reused", "income_first_year")  # fmt: skip
    columns = plain_columns(heads, language, heads[1:], None)
    solution = facts[facts["kind"] == "solution"].set_index("measure")["value"]
    how = label("programme_exact" if solution.get("exact") else "programme_rounded", language)
    gap = number(float(solution.get("gap", 0.0)), "p2", language)
    note = label("programme_note", language).format(
        how=how, label=label("programme_gap", language), gap=gap
    )
    sought = style(language)["list"].join(
        f"{label(f'{goal}_goal', language)} {number(weight, '1', language)}"
        for goal, weight in plan.scenario.selection.weights.items() if weight > 0
    )  # fmt: skip
    asked = label("sought", language).format(goals=sought)
    note = style(language)["parts"].join([asked, note])
    unit = in_units("money", language, currency_of(plan))
    title = style(language)["with_unit"].format(text=label("report_phases", language), unit=unit)
    return [table("programme", title, columns, rows, note=note)]


def _hangs_on(facts: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    held = _wide(facts, "hangs_on")
    if held.empty:
        return []
    keys = ("entered", "left", "moved", "households")
    rows = [
        [label(f"varied_{name}", language),
         *("–" if is_unknown(row[k]) else number(float(row[k]), "0", language) for k in keys)]
        for name, row in held.iterrows()
    ]  # fmt: skip
    heads = ("varied", "entered", "left_out", "phase_moved", "selected_households")
    columns = plain_columns(heads, language, heads[1:])
    title, note = label("report_hangs_on", language), label("hangs_on_note", language)
    return [table("hangs_on", title, columns, rows, note=note)]


def _list(
    plan: Plan, chosen: pd.DataFrame, facts: pd.DataFrame, language: str, internal: bool
) -> dict[str, Any]:
    stays = facts[facts["kind"] == "stays"].set_index("name")["value"]
    homes = plan.households.set_index(plan.households["household_id"].astype(str))
    rows = []
    for row in chosen.itertuples():
        name, phase = str(row.household_id), 0 if is_unknown(row.phase) else int(row.phase)
        codes = [] if is_unknown(row.limits) else str(row.limits).split()
        why = reason_of(codes, phase, language, public=not internal) if codes else str(
            "" if is_unknown(row.reason) else row.reason
        )  # fmt: skip
        hamlet = homes["hamlet"].get(name) if "hamlet" in homes else None
        share = stays.get(name)
        rows.append([
            name, "" if is_unknown(hamlet) else str(hamlet), str(phase) if phase else "–",
            word(row.model, language) if phase else "–", why,
            "–" if is_unknown(share) or not phase
            else number(float(share), rule_of("share"), language),
        ])  # fmt: skip
    heads = ("household_id", "hamlet", "phase", "model", "reason", "stays_share")
    columns = plain_columns(heads, language, ("phase", "stays_share"))
    return table("selection", label("report_selection", language), columns, rows)


def front_chart(plan: Plan, language: str, *, internal: bool) -> dict[str, Any] | None:
    """Lists between two goals as points, the chosen one marked; nothing with fewer than two.

    What households of low income get is drawn in the office edition alone.
    """
    facts = plan.result("programme")
    held = _wide(facts, "front")
    if len(held) < 2 or "chosen" not in held:
        return None
    goals = [name for name in held if name != "chosen"]
    if len(goals) != 2 or ("low_income" in goals and not internal):
        return None
    x, y = (held[g].to_numpy(dtype=float) for g in goals)
    spans = [max(float(v.max() - v.min()), 1e-9) for v in (x, y)]
    points = [
        {
            "x": round(70 + 560 * (a - x.min()) / spans[0], 1),
            "y": round(180 - 150 * (b - y.min()) / spans[1], 1),
            "chosen": bool(c),
            "text": style(language)["list"].join(
                f"{label(f'{g}_goal', language)} {make_cell(GOAL_KINDS[g], v, language, 'whole')}"
                for g, v in zip(goals, (a, b), strict=True)
            ),
        }
        for a, b, c in zip(x, y, held["chosen"] > 0, strict=True)
    ]
    ends = [[make_cell(GOAL_KINDS[g], v, language, "whole") for v in (v_.min(), v_.max())]
            for g, v_ in zip(goals, (x, y), strict=True)]  # fmt: skip
    return {"points": points, "x": label(f"{goals[0]}_goal", language),
            "y": label(f"{goals[1]}_goal", language), "x_ends": ends[0],
            "y_ends": ends[1]}  # fmt: skip


def score_tables(plan: Plan, language: str, *, internal: bool = False) -> list[dict[str, Any]]:
    """The four dimensions of the government work report."""
    rows = []
    held = plan.result("scoreboard")
    nodes = plan.result("transformers")
    if not internal and len(nodes) and nodes["homes"].between(1, GROUP - 1).any():
        # Hours of a transformer with few households tell what those use.
        held = held.assign(value=held["value"].mask(held["measure"] == "back_hours"))
    for row in held.to_dict("records"):
        kind, unit = SCORES[row["unit"]]
        value = label("unknown", language) if is_unknown(row["value"]) else number(
            float(row["value"]), rule_of(kind, "whole"), language
        )  # fmt: skip
        rows.append([
            label(f"dimension_{row['dimension']}", language), label(f"{row['measure']}_score",
            language), value, in_units(unit, language, currency_of(plan)) if unit else "",
            label(row["basis"], language),
        ])  # fmt: skip
    heads = ("dimension", "score_measure", "score_value", "score_unit", "score_basis")
    columns = plain_columns(heads, language, ("score_value",))
    return [table("scoreboard", label("report_scoreboard", language), columns, rows)]
