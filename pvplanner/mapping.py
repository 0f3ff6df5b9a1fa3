"""The map: one file that opens by double click with the network unplugged.

folium makes the page and the Leaflet map; Leaflet itself is vendored and written into the file, so
not one request leaves it. The roofs are a layer of ours. Text from data goes into the page as JSON
and is shown with ``textContent``: it can't become markup.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import folium
import numpy as np
import pandas as pd
import shapely
from branca.element import Element, MacroElement
from folium.template import Template

from pvplanner.errors import LANGUAGES
from pvplanner.schema import MODELS, PERSONAL, label, money_unit, texts, unit_of
from pvplanner.village import Plan, page_file, write_beside

MEASURES: dict[str, tuple[int, int, str, str]] = {
    "income_first_year": (0, 0, "fewer", "more"),
    "energy_kwh": (0, 0, "fewer", "more"),
    "specific_yield_kwh_per_kwp": (0, 0, "fewer", "more"),
    "avoided_t": (3, 1, "fewer", "more"),
    "payback_years": (1, 1, "fewer", "more"),
    "capacity_kwp": (2, 1, "fewer", "more"),
}
"""Layers: digits in the card, digits in the legend, and words for its two ends."""

COLOURS = ("#fde725", "#90d743", "#35b779", "#21918c", "#31688e", "#443983")
"""Viridis from light to dark: even in lightness, told apart with any colour vision."""

EMPTY = "#c9ced3"

_CARD = (
    ("status", "word", 0, False),
    ("status_reason", "word", 0, True),
    ("village", "text", 0, False),
    ("roof_type", "word", 0, True),
    ("area_m2", "number", 1, False),
    ("usable_area_m2", "number", 1, True),
    ("usable_area_low_m2", "number", 1, True),
    ("usable_area_high_m2", "number", 1, True),
    ("modules", "number", 0, False),
    ("capacity_kwp", "number", 2, False),
    ("energy_kwh", "number", 0, False),
    ("energy_p90_kwh", "number", 0, True),
    ("specific_yield_kwh_per_kwp", "number", 0, True),
    ("income_first_year", "number", 0, True),
    ("capital", "number", 0, True),
    ("payback_years", "number", 1, True),
    ("avoided_t", "number", 3, True),
    ("avoided_p90_t", "number", 3, True),
)

_OWNER: tuple[tuple[str, str, int], ...] = (
    ("household_id", "text", 0),
    ("share", "number", 2),
    ("model", "word", 0),
    ("energy_kwh", "number", 0),
    ("income_first_year", "number", 0),
    ("income_mean", "number", 0),
    ("npv", "number", 0),
    ("payback_years", "number", 1),
    ("avoided_t", "number", 3),
)

_OWNER_PERSONAL: tuple[tuple[str, str, int], ...] = (
    ("household_name", "text", 0),
    ("consumption_kwh", "number", 0),
    ("income_today", "number", 0),
    ("low_income", "word", 0),
)

_TOTALS = (
    ("buildings", 0),
    ("buildings_with_pv", 0),
    ("households", 0),
    ("modules", 0),
    ("capacity_kwp", 2),
    ("energy_kwh", 0),
    ("energy_p90_kwh", 0),
    ("capital", 0),
    ("income_first_year", 0),
    ("avoided_t", 3),
    ("standard_coal_t", 1),
)

_SKELETON = """
<header id="bar"><h1 id="title"></h1><span id="notes" class="note"></span>
<span id="layers" class="group" role="group"></span>
<span id="languages" class="group" role="group"></span></header>
<aside id="side"><section id="card" hidden aria-live="polite"></section>
<section id="legend"></section><section id="totals"></section>
<p id="missing" class="small"></p>
<p id="edition" class="small"></p><p id="sources" class="small"></p></aside>
"""


class _Raw(Element):
    """Text that is written as it stands: never read as a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class RoofLayer(MacroElement):
    """Roofs with their measures as a layer of a folium map, with the page's controls around it."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}{{ this.skeleton }}
        <script type="application/json" id="pvplanner-data">{{ this.json }}</script>{% endmacro %}
        {% macro script(this, kwargs) %}{{ this.code }}{% endmacro %}
        """
    )

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__()
        self._name = "RoofLayer"
        self._id = "roofs"
        self.skeleton = _SKELETON
        self.json = embed_json(data)
        self.code = _packaged("templates/map.js")


def embed_json(data: Any) -> str:
    """JSON that is safe between script tags: no character of it can end them or start markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def save_map(
    plan: Plan, path: str | os.PathLike[str], language: str = "zh", *, internal: bool = False
) -> Path:
    """Write a plan's map as one HTML file.

    Parameters
    ----------
    plan : Plan
        What to show.
    path : path-like
        The file, ``.html``; written beside and renamed.
    language : {'zh', 'en'}
        Language in which the page opens; both are in it.
    internal : bool
        The office edition: with names, low-income marks and present incomes. In the public edition
        they are absent from the file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the language or suffix is unknown.
    """
    target = page_file(path, language)
    return write_beside(target, render_map(plan, language, internal=internal))


def render_map(plan: Plan, language: str, *, internal: bool) -> str:
    """The page as text; the same plan gives the same text."""
    data = _page_data(plan, language, internal)
    base = folium.Map(
        location=[data["origin"][1] / 1e7, data["origin"][0] / 1e7],
        tiles=None,
        zoom_start=16,
        maxZoom=22,
        zoomSnap=0.25,
    )
    # Instance attributes: the class-level lists of links to foreign hosts stay as they are.
    base.default_js, base.default_css = [], []
    base._id = "village"
    data["map"] = base.get_name()
    layer = RoofLayer(data)
    layer.add_to(base)
    figure: Any = base.get_root()
    figure.title = html.escape(plan.scenario.name)
    figure.header.add_child(_Raw(f"<style>{_leaflet_css()}</style>"), name="leaflet_css")
    figure.header.add_child(_Raw(f"<script>{_leaflet_js()}</script>"), name="leaflet_js")
    # Last, so that it wins over folium's own rules for the map's box.
    page: str = figure.render()
    own = f"<style>{_packaged('templates/map.css')}</style>\n</head>"
    return page.replace("</head>", own, 1)


def _packaged(name: str) -> str:
    return resources.files("pvplanner").joinpath(name).read_text(encoding="utf-8")


def _leaflet_js() -> str:
    code = _packaged("vendor/leaflet/leaflet.js")
    return code.replace("//# sourceMappingURL=leaflet.js.map", "").strip()


def _leaflet_css() -> str:
    """Leaflet's style without the images of controls that the page does not use."""
    style = _packaged("vendor/leaflet/leaflet.css")
    return "\n".join(line for line in style.splitlines() if "url(" not in line)


def _page_data(plan: Plan, language: str, internal: bool) -> dict[str, Any]:
    frame = _roof_frame(plan)
    origin, shapes = _quantised(frame)
    currency = plan.scenario.finance.currency
    measures = [m for m in (_measure(frame, key, currency) for key in MEASURES) if m is not None]
    columns = {key: _column(frame[key], kind, digits) for key, kind, digits, _ in _CARD}
    for m in measures:
        columns.setdefault(m["key"], _column(frame[m["key"]], "number", m["digits"]))
    owner_fields = (*_OWNER, *(_OWNER_PERSONAL if internal else ()))
    return {
        "name": plan.scenario.name,
        "language": language,
        "edition": "internal_edition" if internal else "public_edition",
        "notes": plan.notes(),
        "missing": [key for key in MEASURES if key not in {m["key"] for m in measures}],
        "sources": {code: _sources(plan, code) for code in LANGUAGES},
        "texts": {code: _texts(code, internal) for code in LANGUAGES},
        "measures": measures or [_no_measure()],
        "empty": EMPTY,
        "card": [
            _field(key, kind, digits, optional, currency) for key, kind, digits, optional in _CARD
        ],
        "owner": [_field(key, kind, digits, True, currency) for key, kind, digits in owner_fields],
        "totals": _totals(plan),
        "origin": origin,
        "roofs": {
            "ids": frame["building_id"].astype(str).tolist(),
            "shapes": shapes,
            "columns": columns,
            "owners": _owners(plan, frame, owner_fields),
        },
    }


def _roof_frame(plan: Plan) -> pd.DataFrame:
    """Buildings with a geometry, in degrees, with the usable area of their planes."""
    names = ["usable_area_m2", "usable_area_low_m2", "usable_area_high_m2"]
    areas = plan.planes.groupby("building_id")[names].sum()
    kinds = plan.planes.groupby("building_id")["roof_type"].first()
    frame = plan.buildings.merge(areas, left_on="building_id", right_index=True, how="left")
    frame["roof_type"] = frame["building_id"].map(kinds).fillna(frame["roof_type"])
    shown = ~(frame.geometry.isna() | frame.geometry.is_empty)
    frame = frame[shown].to_crs(4326)
    frame["modules"] = frame["modules"].fillna(0)
    return frame


def _quantised(frame: Any) -> tuple[list[int], list[list[list[list[int]]]]]:
    """Rings as steps of 1e-7 degrees (a centimetre) from a common origin."""
    bounds = frame.total_bounds
    origin = [round((bounds[0] + bounds[2]) / 2 * 1e7), round((bounds[1] + bounds[3]) / 2 * 1e7)]

    def steps(ring: Any) -> list[int]:
        points = np.round(shapely.get_coordinates(ring)[:-1] * 1e7).astype(np.int64)
        moves = np.diff(np.vstack([origin, points]), axis=0)
        return moves.ravel().tolist()

    shapes = []
    for shape in frame.geometry:
        parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
        shapes.append([[steps(p.exterior), *map(steps, p.interiors)] for p in parts])
    return origin, shapes


def _column(values: pd.Series, kind: str, digits: int) -> list[Any]:
    if kind in ("text", "word"):
        return [None if pd.isna(v) or v == "" else str(v) for v in values]
    return [_number(v, digits) for v in values]


def _number(value: Any, digits: int) -> float | int | None:
    """A rounded number, or ``None`` for unknown; whole ones without a point."""
    if pd.isna(value):
        return None
    rounded = round(float(value), digits)
    return int(rounded) if digits == 0 else rounded


def _units(key: str, currency: str) -> dict[str, str]:
    return {code: money_unit(unit_of(key, code), currency) for code in LANGUAGES}


def _field(key: str, kind: str, digits: int, optional: bool, currency: str) -> dict[str, Any]:
    unit = _units(key, currency) if kind == "number" else {}
    return {"key": key, "kind": kind, "digits": digits, "optional": optional, "unit": unit}


def _measure(frame: pd.DataFrame, key: str, currency: str) -> dict[str, Any] | None:
    """A layer with its class limits; ``None`` where the plan does not know the measure."""
    digits, legend, low, high = MEASURES[key]
    values = frame.loc[frame["modules"] > 0, key].dropna().to_numpy(dtype=float)
    if len(values) == 0:
        return None
    breaks = class_limits(values, len(COLOURS))
    steps = np.linspace(0, len(COLOURS) - 1, len(breaks) + 1).round().astype(int)
    return {
        "key": key,
        "digits": digits,
        "legend": max(legend, _digits_of(breaks)),
        "low": low,
        "high": high,
        "unit": _units(key, currency),
        "breaks": breaks,
        "only": round(float(values[0]), 3),
        # Dark is always the better end.
        "colours": [COLOURS[k] for k in (steps[::-1] if key == "payback_years" else steps)],
    }


def _no_measure() -> dict[str, Any]:
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


def _totals(plan: Plan) -> list[dict[str, Any]]:
    sums = plan.villages.sum(numeric_only=True, skipna=False)
    rows = []
    for key, digits in _TOTALS:
        unit = _units(key, plan.scenario.finance.currency)
        rows.append(
            {"key": key, "digits": digits, "unit": unit, "value": _number(sums[key], digits)}
        )
    return rows


def _owners(
    plan: Plan, frame: pd.DataFrame, fields: Iterable[tuple[str, str, int]]
) -> list[list[dict[str, Any]]]:
    """For each roof its households; one that only stands for its own building is not repeated."""
    joined = plan.shares.merge(plan.households, on="household_id", how="left")
    joined = joined[~joined["own_building"].astype(bool)]
    by_building: dict[str, list[dict[str, Any]]] = {}
    fields = list(fields)
    for row in joined.to_dict("records"):
        owner: dict[str, Any] = {}
        for key, kind, digits in fields:
            value = row[key]
            if key == "low_income":
                owner[key] = None if pd.isna(value) else ("yes" if value else "no")
            elif kind == "number":
                owner[key] = _number(value, digits)
            else:
                owner[key] = None if pd.isna(value) else str(value)
        by_building.setdefault(row["building_id"], []).append(owner)
    return [by_building.get(b, []) for b in frame["building_id"]]


def _texts(language: str, internal: bool) -> dict[str, str]:
    """The glossary's words that the page uses; personal ones only in the office edition."""
    every = texts(language)
    kept = {k: v for k, v in every.items() if internal or k not in PERSONAL}
    own = {"zh": ("中文", "："), "en": ("English", ": ")}[language]
    return {**kept, "language_own": own[0], "colon": own[1]}


def _sources(plan: Plan, language: str) -> str:
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
