"""Where every module lies, to scale: a drawing for CAD of all roofs, and an A4 page a house."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from pvplanner.documents.content import made_rows, paper_words
from pvplanner.documents.drawing import roof_picture
from pvplanner.documents.installer import (
    array_rows,
    house_facts,
    material_rows,
    runs_text,
    strings_text,
)
from pvplanner.documents.mark import Mark
from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.modules import outlines_of
from pvplanner.plan import Plan
from pvplanner.report.cells import word
from pvplanner.report.survey import ASKED, survey_rows
from pvplanner.texts import visible
from pvplanner.words import label, number

LAYERS = {"ROOF": 7, "PLANE": 8, "MODULE": 5, "DIM": 1, "TEXT": 3, "TITLE": 7}
"""Layers of the drawing, and their colours by AutoCAD's index."""

SHORT_M = 1.0
"""Edges below this carry no dimension."""

OFFSET_M, TEXT_M = 0.6, 0.3
"""How far a dimension stands from its edge, and how high its letters are."""

FONT = "simsun.ttc"
"""Letters for Chinese that CAD programs have."""

_ONE_AT_A_TIME = threading.Lock()


def wanted_buildings(plan: Plan, buildings: Sequence[str] | None) -> list[str]:
    """Buildings that are drawn: those asked for, or all with modules.

    Raises
    ------
    InputError
        If one is not there or carries no modules, or none does.
    """
    built = list(dict.fromkeys(plan.arrays["building_id"].astype(str)))
    asked = built if buildings is None else [str(b) for b in buildings]
    lost = [b for b in asked if b not in set(built)]
    if lost or not asked:
        raise InputError("building_bare", where="building", building=listed(lost) or "-")
    return asked


def make_drawing(plan: Plan, language: str, mark: Mark, buildings: Sequence[str] | None) -> bytes:
    """Roofs, planes and modules as DXF in the plan's own coordinates, metres, with dimensions.

    Raises
    ------
    ConfigError
        If ezdxf is not installed.
    """
    asked = set(wanted_buildings(plan, buildings))
    try:
        import ezdxf
        from ezdxf import units
    except ImportError:
        raise ConfigError("documents_missing", where="dxf", name="ezdxf") from None
    # The library states the hour and a random number unless it is told not to, for all alike.
    with _ONE_AT_A_TIME:
        before = ezdxf.options.write_fixed_meta_data_for_testing
        ezdxf.options.write_fixed_meta_data_for_testing = True
        try:
            doc = ezdxf.new("R2010", setup=["linetypes"])
            doc.units = units.M
            _prepare(doc, mark)
            for part in plan.parts.values():
                _draw(doc.modelspace(), part, asked)
            _title(doc.modelspace(), plan, mark, language)
            held = io.StringIO()
            doc.write(held)
        finally:
            ezdxf.options.write_fixed_meta_data_for_testing = before
    return held.getvalue().encode("utf-8")


def _title(space: Any, plan: Plan, mark: Mark, language: str) -> None:
    """Below the drawing: what it is, of which plan, in which coordinates, what its lengths are."""
    boxes = np.array([_bounds(line) for line in space.query("LWPOLYLINE")])
    west, south = boxes[:, 0].min(), boxes[:, 1].min()
    crs = next(iter(plan.parts.values())).buildings.crs
    lines = [
        plan.scenario.name, *(label(note, language) for note in plan.notes()),
        label("installer_edges", language), str(crs.name),
        f"{label('document_hash', language)} {mark.plan}",
    ]  # fmt: skip
    for n, text in enumerate(lines, 1):
        made = space.add_text(cad_text(text), height=TEXT_M * 3,
                              dxfattribs={"layer": "TITLE", "style": "PV"})  # fmt: skip
        made.set_placement((west, south - (n + 1) * TEXT_M * 5))


def _bounds(line: Any) -> tuple[float, float]:
    points = np.array(line.get_points("xy"))
    return float(points[:, 0].min()), float(points[:, 1].min())


def _prepare(doc: Any, mark: Mark) -> None:
    doc.header.custom_vars.append("pvplanner", mark.text())
    doc.styles.new("PV", dxfattribs={"font": FONT})
    for name, colour in LAYERS.items():
        doc.layers.add(name, color=colour)
    style = doc.dimstyles.new("PV")
    style.dxf.dimtxt, style.dxf.dimasz, style.dxf.dimdec = TEXT_M, TEXT_M / 2, 1
    style.dxf.dimdsep, style.dxf.dimzin = ord("."), 0
    style.dxf.dimtxsty, style.dxf.dimexo, style.dxf.dimexe = "PV", 0.1, 0.1


def _draw(space: Any, plan: Plan, asked: set[str]) -> None:
    """One village's roofs."""
    modules = plan.arrays.groupby(plan.arrays["building_id"].astype(str))["modules"].sum()
    roofs = plan.buildings[plan.buildings["building_id"].astype(str).isin(asked)]
    planes = plan.planes
    mine = planes["building_id"].astype(str).isin(asked).to_numpy()
    layout = plan.modules[plan.modules["plane"].isin(np.flatnonzero(mine))]
    for geometry in planes[mine].geometry:
        _outline(space, geometry, "PLANE")
    for geometry in outlines_of(planes, layout).geometry:
        _outline(space, geometry, "MODULE")
    for building, geometry in zip(roofs["building_id"].astype(str), roofs.geometry, strict=True):
        _outline(space, geometry, "ROOF")
        _dimensions(space, geometry)
        count = int(modules.get(building, 0))
        _written(space, f"{cad_text(building)} x{count}", geometry.representative_point())
    for name, geometry in zip(planes[mine]["plane_id"].astype(str), planes[mine].geometry,
                              strict=True):  # fmt: skip
        low = geometry.representative_point()
        _written(space, cad_text(name), shapely.Point(low.x, low.y - 2 * TEXT_M), TEXT_M)


def _written(space: Any, text: str, place: Any, height: float = TEXT_M * 2) -> None:
    """A text in the middle of a place."""
    from ezdxf.enums import TextEntityAlignment

    made = space.add_text(text, height=height, dxfattribs={"layer": "TEXT", "style": "PV"})
    made.set_placement((place.x, place.y), align=TextEntityAlignment.MIDDLE_CENTER)


def cad_text(text: str) -> str:
    """A text in which CAD programs find no codes of their own: after two signs of per cent, or a
    backslash.
    """
    return visible(text).replace("%", "%%%").replace("\\", "/")


def _rings(geometry: Any) -> list[np.ndarray]:
    return [
        np.asarray(ring.coords)[:, :2]
        for polygon in shapely.get_parts(geometry) if polygon.geom_type == "Polygon"
        for ring in (polygon.exterior, *polygon.interiors)
    ]  # fmt: skip


def _outline(space: Any, geometry: Any, layer: str) -> None:
    for ring in _rings(geometry):
        points = [(float(x), float(y)) for x, y in ring[:-1]]
        space.add_lwpolyline(points, close=True, dxfattribs={"layer": layer})


def _dimensions(space: Any, geometry: Any) -> None:
    """The length of each longer edge of a roof, outside of it."""
    for polygon in shapely.get_parts(shapely.force_2d(geometry)):
        ring = np.asarray(shapely.geometry.polygon.orient(polygon).exterior.coords)
        for first, last in pairwise(ring):
            if np.hypot(*(last - first)) < SHORT_M:
                continue
            space.add_aligned_dim(
                p1=tuple(map(float, first)), p2=tuple(map(float, last)), distance=-OFFSET_M,
                dimstyle="PV", dxfattribs={"layer": "DIM"},
            ).render()  # fmt: skip


def layout_pages(
    plan: Plan, language: str, mark: Mark, buildings: Sequence[str] | None
) -> dict[str, Any]:  # fmt: skip
    """A page a house: its roof with modules and lengths, its arrays and materials, what to look at
    on site.
    """
    asked = set(wanted_buildings(plan, buildings))
    sheets = []
    for part in plan.parts.values():
        arrays = array_rows(part)
        materials = material_rows(part, arrays)
        fields = survey_rows(part, language).set_index("building_id")
        for row in materials[materials["building_id"].astype(str).isin(asked)].itertuples():
            own = arrays[arrays["building_id"] == row.building_id]
            sheets.append({
                "id": str(row.building_id),
                "picture": roof_picture(part, [str(row.building_id)], lengths=True),
                "facts": house_facts(row, language), "arrays": _array_table(own, language),
                "survey": _survey(fields.loc[str(row.building_id)], language),
            })  # fmt: skip
    return {
        "language": language, "title": visible(plan.scenario.name), "words": paper_words(language),
        "edition": label("installer_title", language), "mark": mark.text(), "hash": mark.plan,
        "note": label("installer_edges", language),
        "survey_title": label("installer_survey", language),
        "sheets": sheets, "made": made_rows(plan, language, mark),
    }  # fmt: skip


def _array_table(rows: Any, language: str) -> dict[str, Any]:
    keys = ("array_id", "surface_tilt", "surface_azimuth", "modules", "rows", "lying", "strings")
    columns = [{"label": label(f"installer_{k}", language), "number": k not in keys[:1] + keys[4:],
                "part": 1 if k in ("rows", "strings") else 0} for k in keys]  # fmt: skip
    body = [
        [
            r.array_id,
            *(number(v, "0", language) for v in (r.surface_tilt, r.surface_azimuth, r.modules)),
            runs_text(r.runs),
            label(f"installer_way_{r.lying}", language),
            strings_text(r.strings, language),
        ]
        for r in rows.itertuples()
    ]
    return {"columns": columns, "rows": body, "total": None}


def _survey(row: Any, language: str) -> dict[str, Any]:
    """What is known and to be confirmed, with room for the number of a photo."""
    columns = [
        {"label": label(key, language), "number": False, "part": part}
        for key, part in (("sheet_name", 2), ("installer_value", 2), ("installer_photo", 1))
    ]
    named = [("to_check", row["to_check"]), *((key, row[key]) for key in ASKED)]
    rows = [[label(key, language), word(value, language), ""] for key, value in named]
    return {"columns": columns, "rows": rows, "total": None}
