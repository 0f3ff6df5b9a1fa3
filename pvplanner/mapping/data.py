"""What the page is given: packed columns of roofs, households and panels, and what labels them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import shapely

from pvplanner import reference
from pvplanner.errors import LANGUAGES
from pvplanner.holdings import link_parts
from pvplanner.mapping.classes import (
    MOST,
    area_doubt,
    class_limits,
    doubt_of,
    hall_rows,
    least_width,
)
from pvplanner.mapping.engine import is_live, money_sources, pack_households
from pvplanner.mapping.grid import (
    hangs_on,
    known_number,
    pack_reasons,
    phases_of,
    three_totals,
    transformers_of,
)
from pvplanner.mapping.layer import page_scripts
from pvplanner.mapping.others import (
    capital_by,
    case_others,
    pack_cases,
    pack_others,
    village_sums,
)
from pvplanner.mapping.pack import Packer, lines_up, pack_shapes
from pvplanner.mapping.panels import pack_panels
from pvplanner.markup import packaged
from pvplanner.money import all_models
from pvplanner.plan import Plan
from pvplanner.schema import MONTHLY_ENERGY, column, columns, personal_columns, shown_in
from pvplanner.words import in_units, label, rule_of, source, style, texts, told, unit_of

DIGITS = {"count": 0, "shared": 1, "energy": 0, "yield": 0, "power": 2, "money": 2, "years": 1,
          "share": 3, "rate": 3, "tonnes": 3, "area": 1, "length": 1, "angle": 1, "number": 2,
          "factor": 4, "price": 4}  # fmt: skip
"""Digits that a kind of figure is packed with."""

COLOURS = ("#fde725", "#90d743", "#35b779", "#21918c", "#31688e", "#443983")
"""Viridis from light to dark: even in lightness, told apart with any colour vision."""

"""Dark is always the better end."""

KIND_COLOURS = ("#e69f00", "#0072b2", "#009e73")
APART = ("#8c510a", "#d8b365", "#f6e8c3", "#ffffff", "#c7eae5", "#5ab4ac", "#01665e")
"""Brown to teal (ColorBrewer): less to more, told apart with any colour vision."""

HALL_COLOURS = ("#fdd49e", "#ef6548", "#7f0000")
"""Of halls: a ramp of its own, so that no hall is read on the scale of the houses."""

FINE, COARSE = 2e-7, 1e-6
"""Steps of outlines, degrees: 2 cm; 11 cm in maps of more than :data:`MANY` roofs."""

MANY = 20_000

PLACE, COARSE_PLACE = 1e-7, 2e-7
"""Steps of where a row of modules begins, degrees."""

OFFICE: dict[str, Any] = {"name": "household_name", "poor": "low_income"}
"""Columns of the office edition; the public file does not even name them."""


FAMILIES = ("phase_", "case_", "moved_", "varied_", "slider_", "source_", "plain_", "party_",
            "total_", "rows_", "filter_")  # fmt: skip
"""Beginnings of words that the page's scripts put together."""


def roof_columns(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Texts and numbers of roofs that the page shows and the plan has."""
    wanted = dict.fromkeys((*shown_in("card"), *shown_in("measure"), *shown_in("roof")))
    names = [key for key in wanted if key != "energy_kwh_month" and key in frame]
    texts_ = [key for key in names if column(key).kind == "text"]
    numbers = [key for key in names if column(key).kind != "text"]
    return texts_, [*numbers, *(key for key in MONTHLY_ENERGY if key in frame)]


def page_data(
    plan: Plan, language: str, *, internal: bool, compare: Sequence[Plan] = (), cases: bool = False,
    shift: Any = None,
) -> tuple[dict[str, Any], Packer, tuple[float, float, float, float]]:  # fmt: skip
    """What the page's scripts read, its packed columns, and the roofs' bounds in degrees.

    ``shift`` turns degrees (n, 2) into those of an online basemap; ``cases`` asks for the price
    cases beside the other plans.
    """
    packer = Packer()
    frame = roof_frame(plan)
    shapes = np.asarray(frame.geometry)
    if shift is not None:
        shapes = shapely.transform(shapes, shift)
    unit = FINE if len(frame) <= MANY else COARSE
    packer.texts("roofs", "building_id", frame["building_id"].astype(str).tolist())
    # Of very many roofs the page is ready sooner with the plan's own figures.
    live = is_live(plan) and len(frame) <= MANY
    _pack_roofs(packer, frame, live)
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
    data["texts"] = {code: page_texts(code, internal, said) for code in LANGUAGES}
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


FAR, FEW = 6.0, 0.1
"""A roof lies far off if it is so many times the middle distance away, and such are few."""


def first_view(
    shapes: np.ndarray,
) -> tuple[tuple[float, float, float, float], list[dict[str, Any]]]:
    """Bounds of the village proper, and what lies so far off that it would shrink the view."""
    if len(shapes) == 0:
        return (0.0, 0.0, 0.0, 0.0), []
    boxes = shapely.bounds(shapes)
    middle = np.column_stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)])
    stretch = np.array([np.cos(np.radians(np.median(middle[:, 1]))), 1.0])
    away = np.hypot(*((middle - np.median(middle, axis=0)) * stretch).T)
    far = away > FAR * np.median(away)
    near_size = np.ptp(middle[~far], axis=0).max() if (~far).any() else 0.0
    if far.mean() > FEW or np.ptp(middle, axis=0).max() < 2 * near_size:
        far[:] = False
    near = boxes[~far]
    home = (*near[:, :2].min(axis=0).tolist(), *near[:, 2:].max(axis=0).tolist())
    return home, _far_groups(boxes[far], away[far])


def _far_groups(boxes: np.ndarray, away: np.ndarray) -> list[dict[str, Any]]:
    """Far roofs by neighbourhood of a kilometre, the nearest first, ten at most."""
    out: list[dict[str, Any]]
    groups: dict[tuple[int, int], list[int]] = {}
    for row, box in enumerate(boxes):
        groups.setdefault((round(box[0] * 100), round(box[1] * 100)), []).append(row)
    out = [
        {"bounds": [*boxes[rows][:, :2].min(axis=0).tolist(),
                    *boxes[rows][:, 2:].max(axis=0).tolist()],
         "count": len(rows), "km": round(float(away[rows].min()) * 111.2, 1)}
        for rows in groups.values()
    ]  # fmt: skip
    return sorted(out, key=lambda told: float(told["km"]))[:10]


def _missing(plan: Plan, offered: set[str]) -> list[str]:
    """Measures that the plan does not know; phases are none of them where nobody chose."""
    own = set(shown_in("measure")) - offered
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


def measure(frame: pd.DataFrame, key: str, own_doubt: float = 0.0) -> dict[str, Any] | None:
    """A measure with its class limits; ``None`` where the plan does not know it.

    Houses and halls have a scale each; ``breaks`` are those of the houses, or of the halls where
    there is nothing else.
    """
    if key not in frame:
        return None
    built = frame[(frame["modules"] > 0) & frame[key].notna()]
    shared = _measure(key, own_doubt)
    if built.empty:
        # What never pays back is known too, where income is.
        never = key == "payback_years" and _income_known(frame)
        return {**no_measure(), **shared} if never else None
    values = built[key].to_numpy(dtype=float)
    if shared["better"] == "kinds":
        kinds = sorted({int(v) for v in values})
        few = len(kinds) <= len(KIND_COLOURS)
        at = np.linspace(0, len(COLOURS) - 1, len(kinds)).round().astype(int)
        return {**shared, "breaks": kinds[1:], "kinds": kinds,
                "colours": list(KIND_COLOURS[: len(kinds)]) if few
                else [COLOURS[k] for k in at[::-1]]}  # fmt: skip
    halls = hall_rows(built)
    scales = {
        "houses": scale(values[~halls], shared, COLOURS, MOST),
        "halls": scale(values[halls], shared, HALL_COLOURS, 3),
    }
    first: dict[str, Any] = scales["houses"] or scales["halls"] or {}
    return {**shared, **first, **scales}


def _income_known(frame: pd.DataFrame) -> bool:
    built = frame[frame["modules"] > 0]
    return "income_first_year" in built and bool(built["income_first_year"].notna().any())


def scale(
    values: np.ndarray, shared: dict[str, Any], colours: tuple[str, ...], most: int
) -> dict[str, Any] | None:
    """Limits between some values and their colours, dark at the better end."""
    if len(values) == 0:
        return None
    least = least_width(values, shared["doubt"], shared["shown"])
    breaks = class_limits(values, least, most)
    count = len(breaks) + 1
    last = len(colours) - 1
    at = [int(np.floor((k * last / (count - 1) if count > 1 else last / 2) + 0.5))
          for k in range(count)]  # fmt: skip
    chosen = [colours[k] for k in at]
    return {"breaks": breaks, "colours": chosen[::-1] if shared["better"] == "less" else chosen}


def _measure(key: str, own_doubt: float) -> dict[str, Any]:
    told = column(key)
    digits = DIGITS[told.kind] if told.kind not in ("money", "energy") else 0
    doubt = doubt_of(key, own_doubt)
    return {"key": key, "better": told.better, "digits": digits, "doubt": doubt,
            "shown": shown_step(rule_of(told.kind) or "0")}  # fmt: skip


def shown_step(rule: str) -> float:
    """The last step that a rule of showing numbers keeps; of significant digits a hundredth of
    the value is the class's doubt, so 0 here.
    """
    share = rule.startswith("p")
    bare = rule[1:] if share else rule
    if bare.startswith("s"):
        return 0.0
    step = float(bare[1:]) if bare.startswith("t") else 1.0 if bare.startswith("u") else (
        10.0 ** -int(bare)
    )  # fmt: skip
    return step / 100 if share else step


def no_measure() -> dict[str, Any]:
    """A village without any module still has a map."""
    return {**_measure("energy_kwh", 0.0), "breaks": [], "colours": [],
            "houses": {"breaks": [], "colours": [COLOURS[2]]}, "halls": None}  # fmt: skip


def plan_totals(plan: Plan) -> dict[str, float | None]:
    """The plan's own totals, which the page shows while nothing is filtered or changed."""
    known = village_sums(plan, shown_in("totals"))
    return {key: known.get(key) for key in shown_in("totals")}


def page_texts(language: str, internal: bool, said: set[str]) -> dict[str, str]:
    """The language's words that the page may say; personal ones only in the office edition.

    Parameters
    ----------
    said : set of str
        Words of the plan's own, as :func:`words_of` finds them; those that the page's scripts name
        are added.
    """
    # A payment may be called as a personal column is: its name tells nothing of anybody.
    hidden = set() if internal else set(personal_columns()) - _items()
    named = said | _named_by_page() | {"yes", "no"}
    kept = {k: v for k, v in texts(language).items()
            if k not in hidden and (k in named or k.startswith(FAMILIES))}  # fmt: skip
    return {**kept, "colon": style(language)["colon"]}


@cache
def _items() -> set[str]:
    """What a household may receive or pay, by name."""
    return {row["item"] for row in reference.rows("models")}


@cache
def _named_by_page() -> set[str]:
    """Every word between quotes in the page's scripts and its skeleton."""
    written = page_scripts()[1] + packaged("templates/map/skeleton.html")
    return set(re.findall(r'"([a-z][a-z0-9_]*)"', written))


def words_of(data: Any, frame: pd.DataFrame) -> set[str]:
    """Words that a page's data may ask for: every string in it, and the kinds of its roofs."""
    out: set[str] = set()
    stack = [data]
    while stack:
        told = stack.pop()
        if isinstance(told, str):
            out.update(told.split())
        elif isinstance(told, dict):
            stack += [*told, *told.values()]
        elif isinstance(told, list | tuple | set):
            stack += told
    for key in roof_columns(frame)[0]:
        out |= {str(v).partition(":")[0] for v in frame[key].dropna().unique()}
    return out


def sources_line(plan: Plan, language: str) -> str:
    """One line on weather, model and carbon factor."""
    wanted = ["weather_source", "module_product", "carbon_method", "grid_factor", "capex_per_w"]
    own, currency = style(language), plan.scenario.finance.currency
    every = plan.result("assumptions")
    table = every.drop_duplicates("key").set_index("key")
    # What a licence asks to be named stands first, whole.
    fetched = every[every["key"] == "data_source"]
    parts = [f"{row.value} [{row.source}]" for row in fetched.itertuples()]
    for key in wanted:
        if key not in table.index:
            continue
        row = table.loc[key]
        year = f", {row['year']}" if row["year"] else ""
        title = source(str(row["source"]), language)
        said = "" if row["source"] == row["value"] else f" [{title}{year}]"
        unit = in_units(str(row["unit"]), language, currency)
        value = told(key, str(row["value"]), language)
        parts.append(
            f"{label(key, language)}{own['colon']}{value}{' ' if unit else ''}{unit}{said}"
        )
    used = set(plan.households["model"].dropna())
    names = own["list"].join(label(m, language) for m in all_models() if m in used)
    return f"{label('model', language)}{own['colon']}{names}{own['stop']}{own['parts'].join(parts)}"
