"""The report's tables of the grid: three totals, transformers, ways out, voltages."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pvplanner.plan import Plan
from pvplanner.plan.public import GROUP
from pvplanner.report.cells import currency_of, is_unknown, make_cell, plain_columns, table, word
from pvplanner.words import in_units, label, number, rule_of, style, texts, unit_of

NODE_KEYS = ("kva", "load_kw", "capacity_kw", "connected_kw", "registered_kw", "open_kw",
             "fits_kw", "connectable_kw", "planned_kw")  # fmt: skip
YEAR_KEYS = ("back_hours", "back_most_kw", "borne_kw", "over_hours", "over_kwh", "cut_kwh",
             "longest_m")  # fmt: skip
PHASE_KEYS = ("phase_a_kw", "phase_b_kw", "phase_c_kw", "phase_most_kw", "phase_over_kw")
LOADS = ("load_kw", "back_hours", "back_most_kw", "over_hours", "over_kwh")
"""What tells of the use of few households."""


def three_totals(plan: Plan, language: str) -> dict[str, Any]:
    """What fits, what may be connected now, what this phase builds, over all villages."""
    sums = plan.three_totals()
    told = texts(language)
    checked = bool(sums["checked"])
    kw = style(language)["with_unit"].format

    def power(name: str) -> str:
        return number(float(sums[name]), "0", language)

    def homes(name: str) -> str:
        return number(float(sums[name]), "0", language)

    def line(kwp: str, ac: str, count: str) -> str:
        heads = f"{homes(count)} {unit_of('households', language)}"
        parts = (told["three_kwp"].format(value=power(kwp)), told["three_kw"].format(
            value=power(ac)), heads)  # fmt: skip
        return style(language)["list"].join(parts)

    may = told["total_unchecked"]
    if checked:
        known, fits = float(sums["known_kw"]), float(sums["fits_kw"])
        may = told["three_kw"].format(value=power("connectable_kw"))
        if known < fits - 0.5:
            part = told["total_known"].format(known=number(known, "0", language))
            may = kw(text=may, unit=part)
    phases = int(sums["phases"]) if sums["phases"] == sums["phases"] else 1
    rows = [
        (told["total_fits"], line("fits_kwp", "fits_kw", "fits_households")),
        (told["total_may"], may),
        (told["total_phase"], line("phase_kwp", "phase_kw", "phase_households")),
    ]
    if phases > 1:
        of = told["total_of_phase"].format(phase=int(sums["phase"]), phases=phases)
        rows[2] = (kw(text=told["total_phase"], unit=of), rows[2][1])
        rows.append((told["total_plan"], line("plan_kwp", "plan_kw", "plan_households")))
    return {"rows": rows, "checked": checked}


def grid_tables(plan: Plan, language: str, *, internal: bool = False) -> list[dict[str, Any]]:
    """Transformers and what stands over them, ways out, phases, voltages."""
    held = plan.result("transformers")
    if held.empty:
        return [_unchecked(plan, language)]
    shown = held if internal else _without_few(held)
    return [
        _nodes(shown, language), _year(shown, language), _phases(shown, language),
        *_ways(plan, language), *_voltage(plan, held, language),
    ]  # fmt: skip


def _without_few(held: pd.DataFrame) -> pd.DataFrame:
    """Of nodes with few households nothing that tells what they use."""
    few = held["homes"].between(1, GROUP - 1) & ~held["load_known"].astype(bool)
    return held.assign(**{name: held[name].mask(few) for name in LOADS})


def _unchecked(plan: Plan, language: str) -> dict[str, Any]:
    note = label("grid_unchecked_note", language)
    return table("transformers", label("report_transformers", language), [], [], note=note)


def _cells(row: dict[str, Any], keys: tuple[str, ...], language: str) -> list[str]:
    """Values of a node; what is not known at its level is a dash."""
    return [_cell(k, row[k], language) for k in keys]


def _cell(key: str, value: Any, language: str) -> str:
    if is_unknown(value):
        return "–"
    return make_cell(key, value, language, "whole") if value else "0"


def _named(row: dict[str, Any], language: str) -> list[str]:
    return [str(row["transformer_id"]), label(f"level_{row['level']}", language)]


def _nodes(held: pd.DataFrame, language: str) -> dict[str, Any]:
    rows = [
        [
            *_named(row, language), str(row["parent"]),
            *_cells(row, NODE_KEYS, language),
            str(row["limit_by"]), word(row["open_from"], language) if row["open_from"] else "–",
            word(row["colour"], language) if row["colour"] else "–",
            word(row["colour_after"], language) if row["colour_after"] else "–",
        ]
        for row in held.to_dict("records")
    ]  # fmt: skip
    heads = ("grid_node", "level_of_node", "parent", *NODE_KEYS, "limit_by", "open_from", "colour",
             "colour_after")  # fmt: skip
    columns = plain_columns(heads, language, NODE_KEYS, "CNY")
    title, note = label("report_transformers", language), label("transformers_note", language)
    return table("transformers", title, columns, rows, note=note)


def _year(held: pd.DataFrame, language: str) -> dict[str, Any]:
    rows = [
        [*_named(row, language), *_cells(row, YEAR_KEYS, language)]
        for row in held.to_dict("records")
    ]
    columns = plain_columns(("grid_node", "level_of_node", *YEAR_KEYS), language, YEAR_KEYS, "CNY")
    note = label("back_note", language)
    return table("back_feed", label("report_back_feed", language), columns, rows, note=note)


def _phases(held: pd.DataFrame, language: str) -> dict[str, Any]:
    low = held[held["own_fits_kw"] > 0]
    rows = [
        [str(row["transformer_id"]), *_cells(row, PHASE_KEYS, language)]
        for row in low.to_dict("records")
    ]
    columns = plain_columns(("grid_node", *PHASE_KEYS), language, PHASE_KEYS, "CNY")
    note = label("phases_note", language)
    return table("phases", label("report_balance_phases", language), columns, rows, note=note)


def _ways(plan: Plan, language: str) -> list[dict[str, Any]]:
    held = plan.result("ways")
    if held.empty:
        return []
    rows = []
    for row in held.to_dict("records"):
        unit = str(row["unit"])
        told = in_units(unit, language) if unit != "plants" else word(unit, language)
        size = "–" if is_unknown(row["size"]) else (
            f"{number(float(row['size']), '0', language)} {told}"
        )  # fmt: skip
        cost = _cell("cost", row["cost"], language)
        if is_unknown(row["cost"]) and row["way"] != "fewer_modules":
            cost = label("not_stated", language)
        lost = _cell("lost_kwh", row["lost_kwh"], language)
        may = label(f"possible_{row['possible']}", language)
        way = label(f"way_{row['way']}", language)
        rows.append([str(row["transformer_id"]), way, size, lost, cost, may])
    heads = ("grid_node", "way", "size", "lost_kwh", "cost", "possible")
    columns = plain_columns(heads, language, heads[2:5], currency_of(plan))
    title, note = label("report_ways", language), label("ways_note", language)
    return [table("ways", title, columns, rows, note=note)]


def _voltage(plan: Plan, nodes: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    held = plan.result("voltage")
    title = label("report_voltage", language)
    lines = _measured(nodes, language)
    if held.empty:
        far = nodes["longest_m"].max()
        said = label("voltage_unchecked_far", language) if is_unknown(float(far)) else label(
            "voltage_unchecked", language
        ).format(metres=number(float(far), "0", language))  # fmt: skip
        note = style(language)["parts"].join([said, *lines])
        return [table("voltage", title, [], [], note=note)]
    keys = ("voltage_most", "voltage_least", "hours_high", "hours_low")
    worst = held.sort_values(["hours_high", "voltage_most"], ascending=False, kind="stable")
    rows = [
        [str(row["household_id"]), number(row["voltage_most"], "3", language),
         number(row["voltage_least"], "3", language),
         *(number(row[k], "0", language) for k in keys[2:])]
        for row in worst.to_dict("records")
    ]  # fmt: skip
    columns = plain_columns(("household_id", *keys), language, keys)
    made = [table("voltage", title, columns, rows, note=style(language)["parts"].join(lines))]
    return [*made, *_hosting(plan, language)]


def _measured(nodes: pd.DataFrame, language: str) -> list[str]:
    """One line for each voltage that somebody measured: how far below the upper limit."""
    from pvplanner.grid.tree import voltage_room

    known = nodes[nodes["measured_v"].notna()]
    return [
        label("voltage_measured", language).format(
            node=node, volt=number(volt, "1", language),
            room=number(voltage_room(volt), "1", language),
        )
        for node, volt in zip(known["transformer_id"], known["measured_v"], strict=True)
    ]  # fmt: skip


def _hosting(plan: Plan, language: str) -> list[dict[str, Any]]:
    held = plan.result("hosting")
    if held.empty:
        return []
    rows = [
        [label(f"measure_{row['measure']}", language),
         number(float(row["kw"]), rule_of("energy"), language),
         str(row["first"]) or "–", word(row["by"], language)]
        for row in held.to_dict("records")
    ]  # fmt: skip
    columns = plain_columns(("measure", "kw", "first", "by"), language, ("kw",))
    title, note = label("report_hosting", language), label("hosting_note", language)
    return [table("hosting", title, columns, rows, note=note)]
