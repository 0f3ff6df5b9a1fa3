"""What becomes of each footprint: kept, repaired, or set aside with a reason. None vanishes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import Finding, listed
from pvplanner.reading.values import natural_order

TANGLED = 1_000
"""An outline of more points that crosses itself is a scribble; what it meant can't be told."""

MIN_AREA_M2 = 10.0
"""Footprints below this are slivers."""

COVERED_SHARE = 0.9
"""A footprint this much inside a larger one is set aside as covered."""

FILLED = 0.8
"""Outlines that fill their surrounding one to this share are parts of a building drawn twice."""

SURROUNDED = 3
"""An outline around this many others is a boundary, a frame or a block, not a roof."""

HOUSE_M2 = 30.0
"""What stands on a roof (stair heads, tanks) is smaller than a house; median of what is held."""

PLOT_SHARE = 0.2
"""Where at least this share of outlines holds one or two others, the outer ones are plots."""

BOUNDARY_M2 = 5_000.0
"""Around one or two houses only an outline larger than this, and than ten houses, is no roof."""

STRAY_M = 60_000.0
"""Footprints further than this from the middle of the bulk are set aside."""

OVERLAP_M2 = 0.5
"""Smaller overlaps are drawing noise and left alone."""

OK, REPAIRED, SET_ASIDE = "ok", "repaired", "set_aside"


def judge_shapes(frame: gpd.GeoDataFrame, *, where: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Repair geometries and give every row a ``status`` and a ``status_reason``.

    Outlines are held against those of their own village, by identifier: neither another village
    nor the order of the file decides what becomes of one.

    Parameters
    ----------
    frame : GeoDataFrame
        Footprints in metres with ``building_id``.

    Returns
    -------
    frame : GeoDataFrame
        The same rows; ``status`` is ``ok``, ``repaired`` or ``set_aside``, ``status_reason`` a
        code of the glossary (with the other building's id behind a colon where there is one).
    findings : list of Finding
        One per kind of defect.
    """
    ids = frame["building_id"].to_numpy()
    shapes = np.asarray(frame.geometry, dtype=object).copy()
    status = np.full(len(frame), OK, dtype=object)
    reason = np.full(len(frame), "", dtype=object)
    order = natural_order(frame["building_id"])
    villages = _villages(frame)[order]
    for village in pd.unique(villages):
        rows = order[villages == village]
        shapes[rows], status[rows], reason[rows] = _judged(shapes[rows], ids[rows])
    out = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    out["status"], out["status_reason"] = status, reason
    return out, _shape_findings(out, where)


def _villages(frame: pd.DataFrame) -> np.ndarray:
    """What parts the outlines by village; nothing where the file names one at most."""
    names = [frame[n].astype(object) for n in ("division_code", "village") if n in frame]
    named = [name for name in names if name.nunique() > 1]
    return sum((name.fillna("").astype(str) + "/" for name in named),
               start=pd.Series("", frame.index)).to_numpy(dtype=object)  # fmt: skip


def _judged(shapes: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shapes, status and reason of a village's outlines."""
    status = np.full(len(shapes), OK, dtype=object)
    reason = np.full(len(shapes), "", dtype=object)
    shapes = _areas_only(shapes, status, reason)
    _strays(shapes, status, reason)
    _duplicates(shapes, ids, status, reason)
    _surrounding(shapes, status, reason)
    _too_large(shapes, status, reason)
    return _overlaps(shapes, ids, status, reason), status, reason


LARGEST_M, LARGEST_M2 = 1_000.0, 150_000.0
"""No roof of a village is longer or larger: what is holds another map unit, or is no roof."""


def _too_large(shapes: np.ndarray, status: np.ndarray, reason: np.ndarray) -> None:
    bounds = shapely.bounds(shapes)
    side = np.nan_to_num(np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]))
    large = (side > LARGEST_M) | (shapely.area(shapes) > LARGEST_M2)
    _set(status, reason, large & (status != SET_ASIDE), SET_ASIDE, "too_large")


def _mended(shape: shapely.Geometry) -> shapely.Geometry:
    """An invalid outline made valid; a hole outside its shell takes nothing and adds nothing."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    if not any(shapely.get_num_interior_rings(part) for part in parts):
        return shapely.make_valid(shape)
    return shapely.union_all([_without_holes_outside(part) for part in parts])


def _without_holes_outside(part: shapely.Polygon) -> shapely.Geometry:
    shell = shapely.make_valid(shapely.Polygon(part.exterior))
    holes = [shapely.make_valid(shapely.Polygon(ring)) for ring in part.interiors]
    return shapely.difference(shell, shapely.union_all(holes))


def _areas_only(shapes: np.ndarray, status: np.ndarray, reason: np.ndarray) -> np.ndarray:
    out = shapes.copy()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    finite = _finite(shapes)
    _set(status, reason, empty | ~finite, SET_ASIDE, "no_geometry")
    live = status != SET_ASIDE
    invalid = live & ~shapely.is_valid(shapes)
    tangled = invalid & (shapely.get_num_coordinates(shapes) > TANGLED)
    _set(status, reason, tangled, SET_ASIDE, "not_an_area")
    out[tangled] = shapely.Polygon()
    live, invalid = live & ~tangled, invalid & ~tangled
    if invalid.any():
        out[invalid] = [_mended(shape) for shape in shapes[invalid]]
        _set(status, reason, invalid, REPAIRED, "ring_repaired")
    mixed = live & ~np.isin(shapely.get_type_id(out), (3, 6))
    for row in np.flatnonzero(mixed):
        out[row] = _polygon_parts(out[row])
    lost = live & (shapely.is_missing(out) | shapely.is_empty(out))
    _set(status, reason, lost, SET_ASIDE, "not_an_area")
    small = (status != SET_ASIDE) & (shapely.area(out) < MIN_AREA_M2)
    _set(status, reason, small, SET_ASIDE, "sliver")
    return out


def _finite(shapes: np.ndarray) -> np.ndarray:
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    out = np.ones(len(shapes), dtype=bool)
    out[owner[~np.isfinite(points).all(axis=1)]] = False
    return out


def _polygon_parts(shape: shapely.Geometry) -> shapely.Geometry:
    parts = [p for p in shapely.get_parts(shape) if p.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.MultiPolygon()


def _set(status: np.ndarray, reason: np.ndarray, rows: np.ndarray, new: str, why: str) -> None:
    status[rows], reason[rows] = new, why


def _strays(shapes: np.ndarray, status: np.ndarray, reason: np.ndarray) -> None:
    """Buildings so far from the bulk that their coordinates must be wrong."""
    live = np.flatnonzero(status != SET_ASIDE)
    if len(live) == 0:
        return
    bounds = shapely.bounds(shapes[live])
    centres = (bounds[:, :2] + bounds[:, 2:]) / 2
    away = np.hypot(*(centres - np.median(centres, axis=0)).T)
    far = np.zeros(len(shapes), dtype=bool)
    far[live[~(away < STRAY_M)]] = True
    _set(status, reason, far, SET_ASIDE, "far_away")


def _duplicates(
    shapes: np.ndarray, ids: np.ndarray, status: np.ndarray, reason: np.ndarray
) -> None:
    live = np.flatnonzero(status != SET_ASIDE)
    rounded = shapely.normalize(shapely.set_precision(shapes[live], 0.01, mode="pointwise"))
    keys = pd.Series(shapely.to_wkb(rounded))
    if not keys.duplicated().any():
        return
    first = keys.groupby(keys, sort=False).transform("size")
    for _, rows in keys[first > 1].groupby(keys, sort=False):
        kept, *others = live[rows.index.to_numpy()]
        for row in others:
            status[row], reason[row] = SET_ASIDE, f"duplicate:{ids[kept]}"


def _surrounding(shapes: np.ndarray, status: np.ndarray, reason: np.ndarray) -> None:
    """Set aside what surrounds houses and is none: boundaries, sheet frames, hamlets, plots.

    The outer of two outlines is a roof where it holds little but what stands on it, or where the
    inner ones fill it as the parts of a building do.
    """
    live = np.flatnonzero(status != SET_ASIDE)
    if len(live) < 2:
        return
    # A yard drawn around houses has them as holes: what its outer ring holds counts.
    shapes = shapes.copy()
    shapes[live] = _filled(shapes[live])
    areas = shapely.area(shapes)
    held = _held(shapes, areas, live)
    outer = sorted(held, key=lambda row: areas[row])
    plots: list[int] = []
    leaves = len(live) - len(outer)
    usual = float(np.median(areas[[row for row in live if row not in held]])) if leaves else 0.0
    for row in outer:
        own = [inner for inner in held[row] if status[inner] != SET_ASIDE]
        if not own or float(np.median(areas[own])) < HOUSE_M2:
            continue
        filled = shapely.area(shapely.union_all(shapes[own])) / areas[row]
        if filled >= FILLED:
            continue
        large = areas[row] > BOUNDARY_M2 and areas[row] > 10 * usual
        if len(own) >= SURROUNDED or large:
            status[row], reason[row] = SET_ASIDE, f"surrounds:{len(own)}"
        else:
            plots.append(row)
    if len(plots) >= SURROUNDED and len(plots) >= PLOT_SHARE * leaves:
        for row in plots:
            status[row], reason[row] = SET_ASIDE, "plot"


def _filled(shapes: np.ndarray) -> np.ndarray:
    """Outlines without their holes."""
    out = shapes.copy()
    parts, owner = shapely.get_parts(shapes, return_index=True)
    holed = np.unique(owner[shapely.get_num_interior_rings(parts) > 0])
    for row in holed:
        rings = shapely.get_exterior_ring(parts[owner == row])
        out[row] = shapely.union_all(shapely.polygons(rings))
    return out


def _held(shapes: np.ndarray, areas: np.ndarray, live: np.ndarray) -> dict[int, list[int]]:
    """Which outlines lie inside which, by row."""
    tree = shapely.STRtree(shapes[live])
    left, right = tree.query(shapes[live], predicate="intersects")
    big, small = live[left], live[right]
    fit = (areas[small] < areas[big]) & (big != small)
    big, small = big[fit], small[fit]
    shared = shapely.area(shapely.intersection(shapes[big], shapes[small]))
    inside = shared >= COVERED_SHARE * areas[small]
    out: dict[int, list[int]] = {}
    for outer, inner in zip(big[inside], small[inside], strict=True):
        out.setdefault(int(outer), []).append(int(inner))
    return out


def _overlaps(
    shapes: np.ndarray, ids: np.ndarray, status: np.ndarray, reason: np.ndarray
) -> np.ndarray:
    """Set aside what lies inside another; cut lesser overlaps from the smaller of the two."""
    out = shapes.copy()
    live = np.flatnonzero(status != SET_ASIDE)
    tree = shapely.STRtree(out[live])
    left, right = tree.query(out[live], predicate="intersects")
    pairs = np.column_stack([live[left], live[right]])
    areas = shapely.area(out)
    # Each pair once, the larger first; ties by position, so that the result is reproducible.
    larger = (areas[pairs[:, 0]] > areas[pairs[:, 1]]) | (
        (areas[pairs[:, 0]] == areas[pairs[:, 1]]) & (pairs[:, 0] < pairs[:, 1])
    )
    pairs = pairs[larger & (pairs[:, 0] != pairs[:, 1])]
    if len(pairs) == 0:
        return out
    shared = shapely.area(shapely.intersection(out[pairs[:, 0]], out[pairs[:, 1]]))
    pairs, shared = pairs[shared > OVERLAP_M2], shared[shared > OVERLAP_M2]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -areas[pairs[:, 0]]))
    for (big, small), common in zip(pairs[order], shared[order], strict=True):
        if SET_ASIDE in (status[big], status[small]):
            continue
        if common >= COVERED_SHARE * areas[small]:
            status[small], reason[small] = SET_ASIDE, f"covered:{ids[big]}"
            continue
        rest = _polygon_parts(shapely.difference(out[small], out[big]))
        if shapely.area(rest) < MIN_AREA_M2:
            status[small], reason[small] = SET_ASIDE, f"covered:{ids[big]}"
            continue
        out[small] = rest
        status[small], reason[small] = REPAIRED, f"overlap_cut:{ids[big]}"
    return out


def _shape_findings(frame: gpd.GeoDataFrame, where: str) -> list[Finding]:
    kinds = frame["status_reason"].str.partition(":")[0]
    findings = []
    for kind in sorted(set(kinds) - {""}):
        ids = frame.loc[kinds == kind, "building_id"]
        params = {"reason": kind, "ids": listed(ids)}
        findings.append(Finding(f"shape_{kind}", where, len(ids), params))
    return findings


TIMBER = "timber|wood|木结构|木屋架|砖木|土木"
OLD_BEFORE = 1990


def _old_timber(frame: gpd.GeoDataFrame, roof: pd.Series) -> pd.Series:
    """Roofs on timber, unless known to be younger than :data:`OLD_BEFORE`."""
    structure = frame["structure"].fillna("").str.casefold()
    timber = structure.str.contains(TIMBER, regex=True) | roof.str.contains(TIMBER, regex=True)
    return timber & ~(frame["year_built"] >= OLD_BEFORE).fillna(False)


def judge_attributes(frame: gpd.GeoDataFrame, *, where: str) -> list[Finding]:
    """Set buildings aside for what is known of them, in place; count what is unknown.

    Nothing here says that a roof can bear modules; a roof of asbestos or of danger grade C or D
    has to be surveyed first.
    """
    roof = frame["roof_material"].fillna("").str.casefold()
    grade = frame["danger_grade"].fillna("").str.upper().str.replace("级", "", regex=False)
    because = {
        "illegal": frame["illegal"].eq(True),
        "no_certificate": frame["certificate"].eq(False),
        "protected": frame["protected"].eq(True),
        "no_consent": frame["owner_consent"].eq(False),
        "survey_first_danger": grade.isin(["C", "D"]),
        "survey_first_material": roof.str.contains("asbestos|石棉", regex=True),
        "survey_first_timber": _old_timber(frame, roof),
    }
    # A surveyor's word that the roof was looked at and may carry modules settles these three.
    settled = frame["survey_passed"].eq(True).fillna(False).astype(bool)
    for why in because:
        if why.startswith("survey_first"):
            because[why] = because[why] & ~settled
    findings = []
    for why, hit in because.items():
        rows = (hit.fillna(False).astype(bool) & (frame["status"] != SET_ASIDE)).to_numpy()
        if not rows.any():
            continue
        frame.loc[rows, "status"] = SET_ASIDE
        frame.loc[rows, "status_reason"] = why
        params = {"ids": listed(frame.loc[rows, "building_id"])}
        findings.append(Finding(f"aside_{why}", where, int(rows.sum()), params))
    columns = ("certificate", "illegal", "danger_grade", "roof_material", "owner_consent")
    unknown = {name: int(frame[name].isna().sum()) for name in (*columns, "protected")}
    if any(unknown.values()):
        shown = ", ".join(f"{name} {count}" for name, count in unknown.items() if count)
        findings.append(Finding("attributes_unknown", where, len(frame), {"columns": shown}))
    return findings
