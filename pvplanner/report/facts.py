"""The report's tables of facts: ledger, results, balance, press, carbon, waterfall, doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pvplanner.carbon import claim_reason
from pvplanner.plan import Plan
from pvplanner.report.cells import (
    currency_of,
    is_unknown,
    make_cell,
    percent,
    plain_columns,
    table,
    word,
)
from pvplanner.scenario.calendar import Calendar
from pvplanner.schema import shown_in
from pvplanner.words import in_units, label, number, rule_of, shown, source

if TYPE_CHECKING:
    import pandas as pd


def ledger_table(plan: Plan, language: str) -> dict[str, Any]:
    """Every payment of the chosen models, summed over households: the columns balance to zero."""
    rows = []
    names = ["model", "item", "payer", "payee"]
    ledger, whole = plan.result("ledger"), Calendar.of(plan.scenario).first_whole
    for key, part in ledger.groupby(names, sort=False):
        yearly = part.groupby("year")["yuan"].sum(min_count=1)
        words = [label(str(key[0]), language), word(key[1], language)]
        words += [_party(str(name), language) for name in key[2:]]
        life = yearly.sum(skipna=False)
        money = (yearly.iloc[0], yearly.iloc[whole], life)
        words.append(_how(part[part["year"] == whole], language))
        rows.append([*words, *(shown(float(v), "yuan", language) for v in money)])
    sums = ("ledger_year0", "ledger_year1", "ledger_life")
    heads = ("model", "ledger_item", "ledger_payer", "ledger_payee", "ledger_how", *sums)
    columns = plain_columns(heads, language, sums)
    return table("ledger", label("report_ledger", language), columns, rows)


def _how(year: pd.DataFrame, language: str) -> str:
    """Quantity times rate of a year's payment."""
    quantity, paid = float(year["quantity"].sum(min_count=1)), float(year["yuan"].sum())
    if is_unknown(quantity) or not quantity:
        return ""
    unit = in_units(str(year["quantity_unit"].iloc[0]), language)
    amount = number(quantity, rule_of("energy", "whole"), language)
    return f"{amount} {unit} × {number(paid / quantity, rule_of('price'), language)}"


def _party(name: str, language: str) -> str:
    return label("party_developer" if name == "developer" else name, language)


def facts_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The collective's own result, and common prosperity as numbers."""
    tables = []
    for name in ("collective", "investor", "fairness"):
        for row in plan.result(name).to_dict("records"):
            keys = [key for key in (*shown_in(name), *row) if key in row and key != "model"]
            rows = [
                [
                    label(key, language, unit=True, currency=currency_of(plan)),
                    make_cell(key, row[key], language, "whole"),
                ]
                for key in dict.fromkeys(keys)
            ]
            title = label(f"report_{name}", language)
            columns = plain_columns(("", "value"), language, ("value",))
            note = label(f"{name}_note", language)
            tables.append(table(name, title, columns, rows, note=note))
    return tables


def balance_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """What the collective has and owes at the end of each year."""
    held = plan.result("balance")
    if held.empty:
        return []
    keys = [name for name in held.columns if name not in ("model", "village")]
    begin = plan.scenario.tariff.connection_date.year - 1
    rows = [
        [str(begin + int(row["year"])), *(shown(float(row[key]), "yuan", language)
                                          for key in keys[1:])]
        for row in held.to_dict("records")
    ]  # fmt: skip
    columns = plain_columns(keys, language, keys[1:], currency_of(plan))
    title, note = label("report_balance", language), label("balance_note", language)
    return [table("balance", title, columns, rows, note=note)]


PRESS = {"energy": "energy", "income": "money", "price": "price", "payback": "years",
         "by_price": "money", "by_energy": "money", "by_costs": "money"}  # fmt: skip
"""Columns of the press table and their kinds."""


def press_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """The plan beside what was said elsewhere, and each difference by what makes it."""
    press = plan.result("press")
    if press.empty:
        return []
    unknown = label("unknown", language)
    rows = []
    for entry in press.to_dict("records"):
        figures = [
            unknown if is_unknown(entry[key]) else number(entry[key], rule_of(kind), language)
            for key, kind in PRESS.items()
        ]
        name = str(entry["name"]) or label("press_ours", language)
        rows.append([name, *figures, _coal(entry, language), str(entry["note"]),
                     source(str(entry["source"]), language)])  # fmt: skip
    heads = ["press_name", *(f"press_{key}" for key in PRESS), "standard_coal", "press_note",
             "source"]  # fmt: skip
    columns = plain_columns(heads, language, [f"press_{key}" for key in PRESS])
    return [table("press", label("report_press", language), columns, rows)]


def _coal(entry: dict[str, Any], language: str) -> str:
    if is_unknown(entry["coal"]):
        return ""
    unit = in_units(str(entry["coal_unit"]), language)
    return f"{entry['coal']:g} {unit} = {word(entry['coal_convention'], language)}"


def carbon_tables(plan: Plan, language: str) -> list[dict[str, Any]]:
    """Yearly and cumulative tonnes, and what they rest on."""
    basis = plan.terms.carbon
    if basis.factor is None:
        return []
    factor = f"{basis.factor.value:g} {in_units('kgCO2/kWh', language)}"
    told = [factor, source(basis.factor.source, language), basis.factor.year]
    years = plan.result("carbon_years")
    claim = plan.scenario.carbon.claim
    value = number(float(years["claim_value"].iloc[0]), rule_of("money", "whole"), language)
    currency = in_units("money/yr", language, currency_of(plan))
    words = {
        "carbon_method": word(basis.method, language),
        "grid_factor": ", ".join(part for part in told if part),
        "carbon_pathway": word(basis.pathway, language),
        "scheme": word(claim, language),
        "credit_value": f"{value} {currency}",
    }
    if claim != "none":
        count = number(float(years["claim_count"].iloc[0]), rule_of("count"), language)
        price = number(float(years["claim_price"].iloc[0]), rule_of("price"), language)
        words["credit_reckoned"] = f"{count} × {price}"
    rows = [[label(key, language), value] for key, value in words.items()]
    if claim != "none":
        rows.append([label("status_reason", language), label(claim_reason(claim), language)])
    for key in ("embodied_t", "net_2030_t", "net_2060_t", "net_life_t"):
        total = plan.households[key].sum(skipna=False)
        cell = shown(float(total), key, language, "whole")
        rows.append([label(key, language, unit=True), cell])
    columns = plain_columns(("", "value"), language)
    title, note = label("report_carbon_facts", language), label("carbon_note", language)
    return [table("carbon", title, columns, rows, note=note)]


def waterfall_table(plan: Plan, language: str) -> dict[str, Any]:
    """From sunlight to the meter."""
    steps = plan.result("waterfall")
    whole = float(steps["kwh"].iloc[0]) if len(steps) else 0.0
    rows = [
        [
            label(str(step.step), language),
            number(step.kwh, rule_of("energy", "whole"), language),
            percent(step.kwh / whole, language) if whole else "",
        ]
        for step in steps.itertuples()
        if step.kwh
    ]
    heads = ("waterfall_step", "waterfall_kwh", "waterfall_share")
    columns = plain_columns(heads, language, heads[1:])
    return table("waterfall", label("report_waterfall", language), columns, rows)


def doubt_table(plan: Plan, language: str) -> dict[str, Any]:
    """Where the doubt comes from."""
    rows = [
        [
            label(str(row["component"]), language),
            percent(row["roof"], language),
            percent(row["village"], language),
            source(str(row["source"]), language),
            str(row["year"]),
        ]
        for row in plan.result("doubt").to_dict("records")
    ]
    heads = ("doubt_component", "doubt_roof", "doubt_village", "source", "year")
    columns = plain_columns(heads, language, heads[1:3])
    return table("doubt", label("report_doubt", language), columns, rows)
