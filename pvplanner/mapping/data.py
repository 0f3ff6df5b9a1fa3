"""What the page is given: packed columns of roofs, households and panels, and what labels them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import LANGUAGES
from pvplanner.holdings import link_parts
from pvplanner.mapping.classes import area_doubt, hall_rows
from pvplanner.mapping.engine import is_live, money_sources, pack_households
from pvplanner.mapping.extent import first_view
from pvplanner.mapping.grid import (
    hangs_on,
    known_number,
    pack_reasons,
    phases_of,
    three_totals,
    transformers_of,
)
from pvplanner.mapping.measured import Measured, period_words, ratio_of_roofs
from pvplanner.mapping.measures import (
    APART,
    COLOURS,
    DIGITS,
    HALL_COLOURS,
    measure,
    no_measure,
    roof_columns,
)
from pvplanner.mapping.others import (
    capital_by,
    case_others,
    pack_cases,
    pack_others,
    village_sums,
)
from pvplanner.mapping.pack import Packer, lines_up, pack_shapes
from pvplanner.mapping.panels import pack_panels
from pvplanner.mapping.said import page_texts, sources_line, words_of
from pvplanner.money import all_models
from pvplanner.plan import Plan
from pvplanner.schema import MONTHLY_ENERGY, column, columns, personal_columns, shown_in
from pvplanner.words import in_units, rule_of, source, style, unit_of

FINE, COARSE = 2e-7, 1e-6
"""Steps of outlines, degrees: 2 cm; 11 cm in maps of more than :data:`MANY` roofs."""

MANY = 20_000

PLACE, COARSE_PLACE = 1e-7, 2e-7
"""Steps of where a row of modules begins, degrees."""

OFFICE: dict[str, Any] = {"name": "household_name", "poor": "low_income"}
"""Columns of the office edition; the public file does not even name them."""


def page_data(
    plan: Plan, language: str, *, internal: bool, compare: Sequence[Plan] = (), cases: bool = False,
    shift: Any = None, measured: Measured | None = None,
) -> tuple[dict[str, Any], Packer, tuple[float, float, float, float]]:  # fmt: skip
    """What the page's scripts read, its packed columns, and the roofs' bounds in degrees.

    ``shift`` turns degrees (n, 2) into those of an online basemap; ``cases`` asks for the price
    cases beside the other plans.
    """
    packer = Packer()
    frame = roof_frame(plan)
    if measured is not None:
        frame["measured_ratio"] = ratio_of_roofs(plan, measured, frame["building_id"])
    shapes = np.asarray(frame.geometry)
    if shift is not None:
        shapes = shapely.transform(shapes, shift)
    unit = FINE if len(frame) <= MANY else COARSE
    packer.texts("roofs", "building_id", frame["building_id"].astype(str).tolist())
    # Of very many roofs the page is ready sooner with the plan's own figures.
    live = is_live(plan) and len(frame) <= MANY
    _pack_roofs(packer, frame, live)
    if len(frame) <= MANY:
        _pack_shade(packer, plan, frame["building_id"])
    origin = pack_shapes(packer, "roofs", shapes, unit)
    engines = pack_households(plan, packer, internal, planned=not live)
    why = pack_reasons(packer, plan, frame, internal)
    _pack_links(packer, plan, frame)
    place = PLACE if len(frame) <= MANY else COARSE_PLACE
    panels = pack_panels(packer, plan, frame, shapes, shift, unit, place)
    own_cases = cases or len(frame) <= MANY
    case_columns = own_cases and pack_cases(plan, packer)
    others = pack_others(plan, packer, compare, [roof_frame(p) for p in compare], frame, DIGITS)
    others += case_others(plan) if cases and case_columns else []
    bounds = tuple(shapely.total_bounds(shapes)) if len(shapes) else (0.0, 0.0, 0.0, 0.0)
    currency = plan.scenario.finance.currency
    own_doubt = area_doubt(plan.result("doubt"))
    offered = [
        m for m in (measure(frame, key, own_doubt) for key in shown_in("measure")) if m is not None
    ]
    home, outliers = first_view(shapes)
    data = {
        "name": plan.scenario.name,
        "language": language,
        "edition": "internal_edition" if internal else "public_edition",
        "notes": plan.notes(),
        "doubts": {
            code: [f.text(code, public=not internal) for f in plan.findings if f.doubtful]
            for code in LANGUAGES
        },
        "missing": _missing(plan, {m["key"] for m in offered}),
        "languages": list(LANGUAGES),
        "style": {code: _page_style(code) for code in LANGUAGES},
        "sources": {code: sources_line(plan, code) for code in LANGUAGES},
        "measures": offered or [no_measure()],
        "colours": COLOURS,
        "min_modules": plan.scenario.module.min_modules,
        "hall_colours": HALL_COLOURS,
        "money_packed": not live,
        "case_columns": case_columns,
        "home": home,
        "outliers": outliers,
        "capital_by": capital_by(plan),
        "apart": APART,
        "fields": _fields(currency, internal),
        "card": list(shown_in("card")),
        "totals": list(shown_in("totals")),
        "list": [k for k in _listed(internal) if k != "phase" or k in plan.households],
        "csv": ["modules", *(k for k in shown_in("list") if column(k).kind != "text"), "avoided_t"],
        "plan_totals": plan_totals(plan),
        "personal": {**OFFICE, "facts": _facts()} if internal else None,
        "origin": origin,
        "unit": unit,
        "bounds": bounds,
        "panels": panels,
        "engines": engines,
        "three": [[known_number(v) for v in row] for row in three_totals(plan)],
        "checked": plan.is_checked,
        "phases": phases_of(plan),
        "why": why,
        "hangs_on": hangs_on(plan),
        "transformers": transformers_of(plan, internal, shift),
        "cases": _cases(plan),
        "break_even": _break_even(plan),
        "rate_rule": rule_of("rate"),
        "units": {
            code: {unit: in_units(unit, code) for unit in ("kWh", "W")} for code in LANGUAGES
        },
        "money_sources": {
            code: [source(title, code) for title in money_sources()] for code in LANGUAGES
        },
        "models": list(all_models()),
        "others": others,
    }
    said = words_of(data, frame)
    data["texts"] = {
        code: {**page_texts(code, internal, said), **period_words(measured, code)}
        for code in LANGUAGES
    }
    return data, packer, bounds


FINER = 2
"""Digits beyond the shown ones, so that a value stays on its side of a class's limit."""

FROM_MONEY = ("income_first_year", "payback_years", "capital")
"""Columns that the page reckons itself, as fine as Python does."""


def _pack_roofs(packer: Packer, frame: pd.DataFrame, live: bool) -> None:
    """Texts and numbers of roofs; money only where the page can't reckon it."""
    texts_, numbers = roof_columns(frame)
    few = len(frame) <= MANY
    for key in texts_:
        packer.texts("roofs", key, _words(frame, key))
    if "hamlet" not in texts_ and "hamlet" in frame:
        packer.texts("roofs", "hamlet", _words(frame, "hamlet"))
    for key in numbers:
        if not frame[key].notna().any() or (live and key in FROM_MONEY):
            continue
        digits = DIGITS[column(key).kind]
        if key in MONTHLY_ENERGY:
            digits -= 0 if few else 1
        elif few:
            # Sums over a village stay true to the kilowatt-hour.
            digits += 4 if key == "energy_kwh" else FINER if key in shown_in("measure") else 0
        elif key in FROM_MONEY:
            digits -= 1 if key != "payback_years" else -1
        elif key in ("specific_yield_kwh_per_kwp", "suitability"):
            digits += 1
        packer.numbers("roofs", key, frame[key].to_numpy(dtype=float), digits)
    halls = hall_rows(frame)
    if halls.any():
        packer.integers("roofs", "hall", halls)


def _pack_shade(packer: Packer, plan: Plan, buildings: pd.Series) -> None:
    """What each month loses to shade, in whole per cent, where it is known of any roof."""
    parts = [part.result("shade_months") for part in plan.parts.values()]
    lost = pd.concat(parts, ignore_index=True).set_index("building_id").reindex(buildings)
    if lost.notna().to_numpy().any():
        for name in lost.columns:
            packer.numbers("roofs", str(name), lost[name].to_numpy(dtype=float), 2)


def _missing(plan: Plan, offered: set[str]) -> list[str]:
    """Measures that the plan does not know; phases are none of them where nobody chose, nor is what
    was measured, which no plan can know.
    """
    own = set(shown_in("measure")) - offered - {"measured_ratio"}
    return sorted(own - ({"phase"} if plan.result("selection").empty else set()))


def _cases(plan: Plan) -> list[dict[str, Any]]:
    """The six price cases, summed over villages."""
    held = plan.result("cases")
    # Of a collective its members' side is the households'; its own stands in the report.
    held = held[held["party"] == "household"]
    names = ["income_first_year", "income_mean", "npv", "households_losing"]
    sums = held.groupby("case", sort=False)[names].sum(min_count=1).reset_index()
    return [
        {"case": row["case"], **{n: known_number(row[n]) for n in names}}
        for row in sums.to_dict("records")
    ]


def _break_even(plan: Plan) -> list[dict[str, Any]]:
    """How far each village's price, yield and cost may move until it pays no more."""
    return [
        {"village": village.partition("/")[2], "moved": row["moved"],
         **{n: known_number(row[n]) for n in ("npv", "cover_1", "cover_1_2")}}
        for village, part in plan.parts.items()
        for row in part.result("break_even").to_dict("records")
    ]  # fmt: skip


def _listed(internal: bool) -> list[str]:
    """Columns of the household table; a household's roofs stand behind its name."""
    names = list(shown_in("list", personal=internal))
    at = max((n for n, key in enumerate(names) if column(key).kind == "text"), default=-1) + 1
    return [*names[:at], "building_id", *names[at:]]


def _facts() -> list[str]:
    return [key for key in shown_in("home") if column(key).personal]


def _page_style(language: str) -> dict[str, Any]:
    """How a language writes, as far as the page needs it."""
    own = style(language)
    names = ("name", "html", "list", "parts", "thousands", "decimal", "large", "large_from",
             "large_unit")  # fmt: skip
    return {name: own[name] for name in names}


def roof_frame(plan: Plan) -> Any:
    """Buildings with a geometry, in degrees, with the usable area and months of their roofs."""
    names = ["usable_area_m2", "usable_area_low_m2", "usable_area_high_m2"]
    grouped = plan.planes.groupby("building_id")
    frame = plan.buildings.merge(
        grouped[names].sum(), left_on="building_id", right_index=True, how="left"
    )
    frame["roof_type"] = frame["building_id"].map(grouped["roof_type"].first()).fillna(
        frame["roof_type"]
    )  # fmt: skip
    frame["source"] = frame["building_id"].map(grouped["source"].first())
    months = plan.energy[list(MONTHLY_ENERGY)].groupby(plan.arrays["building_id"].to_numpy()).sum()
    frame = frame.merge(months, left_on="building_id", right_index=True, how="left")
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)].to_crs(4326)
    frame["modules"] = frame["modules"].fillna(0)
    middle = frame.geometry.representative_point()
    order = lines_up(middle.x.to_numpy(), middle.y.to_numpy())
    return frame if order is None else frame.iloc[order]


def _words(frame: pd.DataFrame, key: str) -> list[str]:
    if key not in frame:
        return [""] * len(frame)
    values = frame[key].astype(object)
    return [str(v) for v in values.where(values.notna(), "")]


def _pack_links(packer: Packer, plan: Plan, frame: pd.DataFrame) -> None:
    """Which households each roof belongs to, and the part of their money that it brings."""
    part = link_parts(plan.buildings, plan.shares)
    roof = pd.Series(np.arange(len(frame)), index=frame["building_id"].to_numpy())
    home = pd.Series(np.arange(len(plan.households)), plan.households["household_id"].to_numpy())
    part["roof"] = part["building_id"].map(roof)
    part["home"] = part["household_id"].map(home)
    part = part.dropna(subset=["roof", "home"]).sort_values(["roof", "home"], kind="stable")
    count = np.bincount(part["roof"].astype(int), minlength=len(frame))
    packer.integers("roofs", "links", count)
    packer.numbers("links", "home", part["home"].to_numpy(dtype=float))
    for key in ("share", "weight", "cost", "inside"):
        packer.numbers("links", key, part[key].to_numpy(dtype=float), 6)


def _fields(currency: str, internal: bool) -> dict[str, dict[str, Any]]:
    """Kind, unit and how far it is shown of every column that the page may show."""
    hidden = () if internal else personal_columns()
    return {
        key: {
            "kind": told.kind,
            "one": rule_of(told.kind) or "0",
            "whole": rule_of(told.kind, "whole") or "0",
            "unit": {code: unit_of(key, code, currency) for code in LANGUAGES},
        }
        for key, told in columns().items()
        if told.shown and key not in hidden
    }


def plan_totals(plan: Plan) -> dict[str, float | None]:
    """The plan's own totals, which the page shows while nothing is filtered or changed."""
    known = village_sums(plan, shown_in("totals"))
    return {key: known.get(key) for key in shown_in("totals")}
