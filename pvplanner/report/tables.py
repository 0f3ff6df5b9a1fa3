"""The report's tables: households, villages, models, what was set aside, assumptions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pvplanner.holdings import counted_households
from pvplanner.money import all_models
from pvplanner.plan import Plan
from pvplanner.report.cells import (
    currency_of,
    make_cell,
    make_columns,
    make_table,
    plain_columns,
    table,
    word,
)
from pvplanner.schema import MEASURES, PLANNED, POOR, is_summed, shown_in
from pvplanner.words import in_units, label, shown, source, told

INCOME = "income_first_year"


def by_model_table(plan: Plan, language: str, internal: bool) -> dict[str, Any]:
    """What each household would earn under each model."""
    keys = [k for k in shown_in("by_model", personal=internal) if k in plan.households]
    measures = plan.measures
    planned = measures[measures["case"] == PLANNED].pivot(index="household_id", columns="model")
    homes, note = listed_households(plan, language)
    ids = homes["household_id"]
    frame = homes[keys].copy()
    models = [m for m in all_models() if m in planned[INCOME]]
    for model in models:
        frame[f"{model}_{INCOME}"] = planned[INCOME][model].reindex(ids).to_numpy()
    chosen = measures[measures["case"] == POOR].set_index(["household_id", "model"])
    own = pd.MultiIndex.from_frame(homes[["household_id", "model"]])
    for name in (INCOME, "npv"):
        frame[f"{name}_p90"] = chosen[name].reindex(own).to_numpy()
    at = [k for k in keys if k in ("household_id", "household_name")]
    rest = [k for k in keys if k not in at]
    order = [*at, *(f"{m}_{INCOME}" for m in models), f"{INCOME}_p90", "npv_p90", *rest]
    return make_table(
        "by_model", "report_by_model", frame, order, language, total=True, note=note,
        currency=currency_of(plan),
    )  # fmt: skip


def household_table(plan: Plan, language: str, internal: bool) -> dict[str, Any]:
    """The household table of the chosen models: what fits a sheet of paper; the workbook and the
    tables have all columns.
    """
    keys = [k for k in shown_in("paper", personal=internal) if k in plan.households]
    homes, note = listed_households(plan, language)
    return make_table(
        "households", "report_households", homes, keys, language, total=True, note=note,
        currency=currency_of(plan),
    )  # fmt: skip


def listed_households(plan: Plan, language: str) -> tuple[pd.DataFrame, str]:
    """Households and halls that are listed, and how many are which: the village counts the first.

    Buildings that were set aside and have no household are neither.
    """
    homes, roofs = plan.households, plan.buildings
    used = set(roofs.loc[roofs["status"] != "set_aside", "building_id"])
    heads = counted_households(homes, used)
    listed = homes[heads | homes["own_building"].astype(bool) & (homes["modules"] > 0)]
    halls = len(listed) - int(heads.sum())
    note = label("households_counted", language).format(households=int(heads.sum()), halls=halls)
    return listed, note if halls else ""


def village_table(plan: Plan, language: str) -> dict[str, Any]:
    """Totals by village."""
    return make_table(
        "villages", "report_villages", plan.villages, shown_in("villages"), language,
        scope="whole", currency=currency_of(plan),
    )  # fmt: skip


def models_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every business model for all households that may use it, summed; rates as medians."""
    homes, roofs = plan.households, plan.buildings
    used = set(roofs.loc[roofs["status"] != "set_aside", "building_id"])
    # Halls of the ledger's village are no households: parts must not count more than the whole.
    heads = counted_households(homes, used) & (homes["modules"] > 0)
    built = set(homes.loc[heads, "household_id"])
    planned = plan.measures[plan.measures["case"] == PLANNED]
    rows = []
    for model in all_models():
        own = planned[planned["model"] == model]
        count = int(own.loc[own[INCOME].notna(), "household_id"].isin(built).sum())
        cells = [label(model, language), str(count)]
        for name in MEASURES:
            summed = is_summed(name)
            value = own[name].sum(min_count=1) if summed else own[name].median()
            cells.append(make_cell(name, value, language, "whole"))
        rows.append(cells)
    columns = make_columns(("model", "households", *MEASURES), language, currency_of(plan))
    title, note = label("report_models", language), label("models_note", language)
    return table("models", title, columns, rows, note=note)


def aside_table(plan: Plan, language: str) -> dict[str, Any]:
    """Buildings set aside, and why."""
    keys = shown_in("aside")
    aside = plan.buildings[plan.buildings["status"] == "set_aside"]
    rows = []
    for record in aside[list(keys)].itertuples(index=False):
        why, _, other = str(record.status_reason).partition(":")
        reason = f"{word(why, language)} {other}".strip()
        area = shown(record.area_m2, "area_m2", language)
        rows.append([str(record.building_id), reason, area])
    columns = make_columns(keys, language)
    return table("aside", label("report_aside", language), columns, rows)


def assumption_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every number that shaped the plan."""
    heads = ("assumption_key", "value", "unit", "source", "year", "certainty")
    rows = [
        [
            label(str(row["key"]), language),
            told(str(row["key"]), str(row["value"]), language),
            in_units(str(row["unit"]), language, currency_of(plan)),
            source(str(row["source"]), language),
            str(row["year"]),
            word(row["certainty"], language),
        ]
        for row in plan.result("assumptions").to_dict("records")
    ]
    columns = plain_columns(heads, language)
    return table("assumptions", label("report_assumptions", language), columns, rows)
