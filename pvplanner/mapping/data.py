"""What the page is given: packed columns of roofs, households and panels, and what labels them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import LANGUAGES
from pvplanner.mapping.engine import pack_households
from pvplanner.mapping.pack import Packer, lines_up, pack_shapes
from pvplanner.modules import module_outlines
from pvplanner.schema import MODELS, MONTHLY_ENERGY, PERSONAL, label, money_unit, texts, unit_of
from pvplanner.village import Plan
from pvplanner.village.totals import parts_of

MEASURES: dict[str, tuple[int, int, str, str]] = {
    "income_first_year": (0, 0, "fewer", "more"),
    "energy_kwh": (0, 0, "fewer", "more"),
    "specific_yield_kwh_per_kwp": (0, 0, "fewer", "more"),
    "capacity_kwp": (2, 1, "fewer", "more"),
    "avoided_t": (3, 1, "fewer", "more"),
    "payback_years": (1, 1, "fewer", "more"),
    "suitability": (3, 2, "fewer", "more"),
    "shading_loss": (3, 2, "fewer", "more"),
    "phases": (0, 0, "fewer", "more"),
    "transformer_load": (3, 2, "fewer", "more"),
}
"""Measures: digits in the card, digits in the legend, and words for its two ends."""

KINDS = ("phases",)
"""Measures whose values are kinds, not amounts."""

WORSE = ("payback_years", "shading_loss", "transformer_load")
"""Measures of which less is better."""

COLOURS = ("#fde725", "#90d743", "#35b779", "#21918c", "#31688e", "#443983")
"""Viridis from light to dark: even in lightness, told apart with any colour vision."""

KIND_COLOURS = ("#e69f00", "#0072b2", "#009e73")
APART = ("#8c510a", "#d8b365", "#f6e8c3", "#ffffff", "#c7eae5", "#5ab4ac", "#01665e")
"""Brown to teal (ColorBrewer): less to more, told apart with any colour vision."""

EMPTY = "#c9ced3"

FINE, COARSE = 2e-7, 1e-6
"""Steps of outlines, degrees: 2 cm; 11 cm in maps of more than :data:`MANY` roofs."""

MANY = 20_000
MODULE_STEP = 1e-7

NUMBERS = (
    ("modules", 0),
    ("capacity_kwp", 2),
    ("energy_kwh", 0),
    *((name, 0) for name in MONTHLY_ENERGY),
    ("energy_p90_kwh", 0),
    ("area_m2", 1),
    ("usable_area_m2", 1),
    ("usable_area_low_m2", 1),
    ("usable_area_high_m2", 1),
    ("capacity_kw_ac", 2),
    ("phases", 0),
    ("specific_yield_kwh_per_kwp", 0),
    ("shading_loss", 3),
    ("suitability", 3),
    ("avoided_t", 3),
    ("avoided_p90_t", 3),
    ("capital", 0),
    ("income_first_year", 2),
    ("payback_years", 1),
    ("transformer_load", 3),
)
"""Columns of roofs and their digits; those that a plan lacks are left out."""

TEXTS = ("status", "status_reason", "village", "hamlet", "roof_type", "source")

CARD = (
    "status", "status_reason", "village", "hamlet", "roof_type", "source", "area_m2",
    "usable_area_m2", "modules", "capacity_kwp", "capacity_kw_ac", "phases", "energy_kwh",
    "energy_p90_kwh", "specific_yield_kwh_per_kwp", "shading_loss", "suitability",
    "income_first_year", "capital", "payback_years", "avoided_t",
)  # fmt: skip

COMPARED = ("modules", "income_first_year", "energy_kwh", "specific_yield_kwh_per_kwp",
            "capacity_kwp", "avoided_t", "payback_years", "shading_loss")  # fmt: skip

OFFICE: dict[str, Any] = {
    "name": "household_name",
    "poor": "low_income",
    "facts": ("income_today", "consumption_kwh"),
}
"""Columns of the office edition; the public file does not even name them."""

TOTALS = ("buildings", "buildings_with_pv", "households", "modules", "capacity_kwp", "energy_kwh",
          "energy_p90_kwh", "capital", "income_first_year", "avoided_t")  # fmt: skip


def page_data(
    plan: Plan, language: str, *, internal: bool, compare: Plan | None = None, shift: Any = None
) -> tuple[dict[str, Any], Packer, tuple[float, float, float, float]]:
    """What the page's scripts read, its packed columns, and the roofs' bounds in degrees.

    ``shift`` turns degrees (n, 2) into those of an online basemap.
    """
    packer = Packer()
    frame = roof_frame(plan)
    shapes = np.asarray(frame.geometry)
    if shift is not None:
        shapes = shapely.transform(shapes, shift)
    unit = FINE if len(frame) <= MANY else COARSE
    packer.texts("roofs", "building_id", frame["building_id"].astype(str).tolist())
    for key in TEXTS:
        packer.texts("roofs", key, _words(frame, key))
    for key, digits in NUMBERS:
        if key in frame and frame[key].notna().any():
            # Sums over a village stay true to the kilowatt-hour; over many roofs errors even out.
            fine = 2 if key in ("energy_kwh", "capital") and len(frame) <= MANY else 0
            packer.numbers("roofs", key, frame[key].to_numpy(dtype=float), digits + fine)
    origin = pack_shapes(packer, "roofs", shapes, unit)
    engine = pack_households(plan, packer, internal)
    _pack_links(packer, plan, frame)
    panels = _pack_panels(packer, plan, frame, shift)
    _pack_compared(packer, compare, frame)
    bounds = tuple(shapely.total_bounds(shapes)) if len(shapes) else (0.0, 0.0, 0.0, 0.0)
    currency = plan.scenario.finance.currency
    offered = [m for m in (measure(frame, key, currency) for key in MEASURES) if m is not None]
    data = {
        "name": plan.scenario.name,
        "language": language,
        "edition": "internal_edition" if internal else "public_edition",
        "notes": plan.notes(),
        "missing": [key for key in MEASURES if key not in {m["key"] for m in offered}],
        "sources": {code: sources_line(plan, code) for code in LANGUAGES},
        "texts": {code: page_texts(code, internal) for code in LANGUAGES},
        "measures": offered or [no_measure()],
        "empty": EMPTY,
        "apart": APART,
        "fields": _fields(currency, internal),
        "card": CARD,
        "totals": TOTALS,
        "plan_totals": plan_totals(plan),
        "personal": dict(OFFICE) if internal else None,
        "origin": origin,
        "unit": unit,
        "bounds": bounds,
        "panels": panels,
        "engine": engine,
        "models": MODELS,
        "compare": None if compare is None else compare.scenario.name,
        "compared": [k for k in COMPARED if k in frame] if compare is not None else [],
    }
    return data, packer, bounds


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
    built = plan.buildings[["building_id", "energy_kwh", "capacity_kwp"]]
    part = plan.shares.merge(built, on="building_id", how="left")
    own = part["share"] * part["energy_kwh"]
    part["weight"] = parts_of(own, part["household_id"])
    part["cost"] = parts_of(part["share"] * part["capacity_kwp"], part["household_id"])
    part["inside"] = parts_of(own, part["building_id"])
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


def _pack_panels(
    packer: Packer, plan: Plan, frame: pd.DataFrame, shift: Any
) -> dict[str, Any] | None:
    """Planes with tilt and azimuth and every module on them; origin and steps, if there are any."""
    planes = plan.planes
    roof = pd.Series(np.arange(len(frame)), index=frame["building_id"].to_numpy())
    owner = planes["building_id"].map(roof)
    planes = planes[owner.notna().to_numpy() & planes.geometry.notna().to_numpy()]
    owner = planes["building_id"].map(roof)
    if planes.empty:
        return None
    owner = owner.dropna().astype(int).to_numpy()
    order = np.argsort(owner, kind="stable")
    planes, owner = planes.iloc[order], owner[order]
    packer.integers("roofs", "planes", np.bincount(owner, minlength=len(frame)))
    packer.numbers("planes", "surface_tilt", planes["surface_tilt"].to_numpy(), 1)
    packer.numbers("planes", "surface_azimuth", planes["surface_azimuth"].to_numpy(), 1)
    packer.numbers("planes", "yield_share", planes["yield_share"].to_numpy(dtype=float), 3)
    packer.numbers("planes", "usable_area_m2", planes["usable_area_m2"].to_numpy(), 1)
    if "marginal_payback_years" in plan.arrays:
        margin = plan.arrays.groupby("plane_id")["marginal_payback_years"].mean()
        values = planes["plane_id"].map(margin).to_numpy(dtype=float)
        packer.numbers("planes", "marginal_payback_years", values, 1)
        for name in ("surface_tilt", "surface_azimuth"):
            # Rows on a level roof lean and face as it does not.
            first = plan.arrays.groupby("plane_id")[name].first()
            values = planes["plane_id"].map(first).fillna(planes[name]).to_numpy(dtype=float)
            packer.numbers("planes", f"module_{name}", values, 1)
    shapes = np.asarray(planes.geometry.to_crs(4326))
    if shift is not None:
        shapes = shapely.transform(shapes, shift)
    origin = pack_shapes(packer, "planes", shapes, FINE)
    _pack_modules(packer, plan, planes, shift)
    return {"origin": origin, "unit": FINE, "module_unit": MODULE_STEP}


def _pack_modules(packer: Packer, plan: Plan, planes: Any, shift: Any) -> None:
    """Lower left corners of modules in steps of a centimetre; sides once for each plane."""
    modules = module_outlines(planes, scenario=plan.scenario, arrays=plan.arrays)
    place = pd.Series(np.arange(len(planes)), index=planes["plane_id"].to_numpy())
    owner = place.loc[modules["plane_id"]].to_numpy() if len(modules) else np.array([], int)
    packer.integers("planes", "modules", np.bincount(owner, minlength=len(planes)))
    shapes = np.asarray(modules.to_crs(4326).geometry) if len(modules) else np.array([])
    if shift is not None and len(shapes):
        shapes = shapely.transform(shapes, shift)
    points = shapely.get_coordinates(shapes).reshape(-1, 5, 2)
    steps = np.floor(points / MODULE_STEP + 0.5).astype(np.int64)
    first = np.searchsorted(owner, np.arange(len(planes)))
    has = np.bincount(owner, minlength=len(planes)) > 0
    for name, a, b in (("u", 0, 1), ("v", 0, 3)):
        side = np.zeros((len(planes), 2), dtype=np.int64)
        side[has] = steps[first[has], b] - steps[first[has], a]
        packer.integers("planes", f"{name}x", side[:, 0])
        packer.integers("planes", f"{name}y", side[:, 1])
    corner = steps[:, 0] if len(steps) else np.zeros((0, 2), dtype=np.int64)
    moves = np.diff(corner, axis=0, prepend=0)
    packer.integers("modules", "x", moves[:, 0])
    packer.integers("modules", "y", moves[:, 1])


def _pack_compared(packer: Packer, compare: Plan | None, frame: pd.DataFrame) -> None:
    if compare is None:
        return
    other = roof_frame(compare).set_index("building_id").reindex(frame["building_id"])
    digits = dict(NUMBERS)
    for key in COMPARED:
        if key in other and key in frame:
            packer.numbers("other", key, other[key].to_numpy(dtype=float), digits[key])


def _units(key: str, currency: str) -> dict[str, str]:
    return {code: money_unit(unit_of(key, code), currency) for code in LANGUAGES}


def _fields(currency: str, internal: bool) -> dict[str, dict[str, Any]]:
    """Digits and unit of every number that the page shows."""
    shown = {key: digits for key, digits in NUMBERS if not key.startswith("energy_kwh_")}
    shown |= {"income_first_year": 0, "income_mean": 0, "buildings": 0, "buildings_with_pv": 0}
    shown |= {"households": 0, "energy_first_year_kwh": 0}
    shown |= dict.fromkeys(OFFICE["facts"], 0) if internal else {}
    shown |= {
        "surface_tilt": 0,
        "surface_azimuth": 0,
        "marginal_payback_years": 1,
        "energy_p90_built_kwh": 0,
        "share": 2,
    }
    return {key: {"digits": digits, "unit": _units(key, currency)} for key, digits in shown.items()}


def measure(frame: pd.DataFrame, key: str, currency: str) -> dict[str, Any] | None:
    """A measure with its class limits; ``None`` where the plan does not know it."""
    digits, legend, low, high = MEASURES[key]
    if key not in frame:
        return None
    values = frame.loc[frame["modules"] > 0, key].dropna().to_numpy(dtype=float)
    if len(values) == 0:
        return None
    shared = {"key": key, "digits": digits, "low": low, "high": high, "unit": _units(key, currency)}
    if key in KINDS:
        kinds = sorted({int(v) for v in values})
        return {**shared, "legend": 0, "breaks": kinds[1:], "kinds": kinds, "only": kinds[0],
                "colours": list(KIND_COLOURS[: len(kinds)])}  # fmt: skip
    breaks = class_limits(values, len(COLOURS))
    steps = np.linspace(0, len(COLOURS) - 1, len(breaks) + 1).round().astype(int)
    return {
        **shared,
        "legend": max(legend, _digits_of(breaks)),
        "breaks": breaks,
        "only": round(float(values[0]), 3),
        # Dark is always the better end.
        "colours": [COLOURS[k] for k in (steps[::-1] if key in WORSE else steps)],
    }


def no_measure() -> dict[str, Any]:
    """A village without any module still has a map."""
    digits, legend, low, high = MEASURES["energy_kwh"]
    unit = {code: unit_of("energy_kwh", code) for code in LANGUAGES}
    shared = {"digits": digits, "legend": legend, "low": low, "high": high, "unit": unit}
    return {"key": "energy_kwh", **shared, "breaks": [], "only": 0, "colours": []}


def class_limits(values: np.ndarray, classes: int) -> list[float]:
    """Limits between classes of about equal count, rounded to numbers that people read easily."""
    raw = np.quantile(values, np.arange(1, classes) / classes)
    spread = float(values.max() - values.min())
    if spread <= 0:
        return []
    step = 10.0 ** np.floor(np.log10(spread / classes / 2))
    limits = np.unique(np.round(np.round(raw / step) * step, 6))
    return [float(v) for v in limits if values.min() < v <= values.max()]


def _digits_of(breaks: Iterable[float]) -> int:
    return max((len(f"{b:.3f}".rstrip("0").partition(".")[2]) for b in breaks), default=0)


def plan_totals(plan: Plan) -> dict[str, float | None]:
    """The plan's own totals, which the page shows while nothing is filtered or changed."""
    sums = plan.villages.sum(numeric_only=True, skipna=False)
    return {
        key: (float(sums[key]) if key in sums and np.isfinite(sums[key]) else None)
        for key in TOTALS
    }


def page_texts(language: str, internal: bool) -> dict[str, str]:
    """The glossary's words that the page uses; personal ones only in the office edition."""
    every = texts(language)
    kept = {k: v for k, v in every.items() if internal or k not in PERSONAL}
    own = {"zh": ("中文", "："), "en": ("English", ": ")}[language]
    return {**kept, "language_own": own[0], "colon": own[1]}


def sources_line(plan: Plan, language: str) -> str:
    """One line on weather, model and carbon factor."""
    shown = ["weather_source", "module_product", "carbon_method", "grid_factor", "capex_per_w"]
    table = plan.assumptions.set_index("key")
    colon = "：" if language == "zh" else ": "
    parts = []
    for key in shown:
        if key not in table.index:
            continue
        row = table.loc[key]
        year = f", {row['year']}" if row["year"] else ""
        source = "" if row["source"] == row["value"] else f" [{row['source']}{year}]"
        unit = f" {row['unit']}" if row["unit"] else ""
        parts.append(f"{label(key, language)}{colon}{row['value']}{unit}{source}")
    models = sorted(set(plan.households["model"].dropna()), key=MODELS.index)
    names = ", ".join(label(m, language) for m in models)
    stop = "。" if language == "zh" else ". "
    said = ("；" if language == "zh" else "; ").join(parts)
    return f"{label('model', language)}{colon}{names}{stop}{said}"
