"""Planes and modules as few bytes: a plane's corners by its roof's, modules by runs along a line.

Modules lie in rows at one step: a run is where its first one lies and how many follow. All places
are in metres along and across the rows; the page turns them into degrees by the ellipsoid's own
lengths, as :func:`metres_per_degree`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from pvplanner.mapping.pack import Packer
from pvplanner.plan import Plan
from pvplanner.projection import to_degrees
from pvplanner.reference.products import find_module

STEP_M = 0.01
"""Steps of modules' places along and across a row."""

TURN_DEG = 0.005
"""Steps of a row's direction: 2 mm over a roof of 20 m."""

WGS84_A, WGS84_E2 = 6378137.0, 0.00669437999014


def metres_per_degree(lat: np.ndarray | float) -> tuple[Any, Any]:
    """Length of a degree of longitude and of latitude on WGS 84, m."""
    s2 = np.sin(np.radians(lat)) ** 2
    n = WGS84_A / np.sqrt(1 - WGS84_E2 * s2)
    m = WGS84_A * (1 - WGS84_E2) / (1 - WGS84_E2 * s2) ** 1.5
    return np.radians(1) * n * np.cos(np.radians(lat)), np.radians(1) * m


def pack_panels(
    packer: Packer,
    plan: Plan,
    frame: pd.DataFrame,
    shapes: np.ndarray,
    shift: Any,
    unit: float,
    place: float = 1e-7,
) -> dict[str, Any] | None:
    """Planes with tilt and azimuth and every module on them; what the page needs to place them.

    Parameters
    ----------
    frame : DataFrame
        Roofs as packed.
    shapes : array of geometry
        Their outlines, in degrees as drawn.
    unit : float
        Steps of the roofs' outlines, degrees.
    place : float
        Steps of where a plane's modules begin, degrees.
    """
    planes = plan.planes.assign(_row=np.arange(len(plan.planes)))
    roof = pd.Series(np.arange(len(frame)), index=frame["building_id"].to_numpy())
    owner = planes["building_id"].map(roof)
    planes = planes[owner.notna().to_numpy() & planes.geometry.notna().to_numpy()]
    if planes.empty:
        return None
    owner = planes["building_id"].map(roof).astype(int).to_numpy()
    order = np.argsort(owner, kind="stable")
    planes, owner = planes.iloc[order], owner[order]
    packer.integers("roofs", "planes", np.bincount(owner, minlength=len(frame)))
    _pack_columns(packer, plan, planes)
    outlines = np.asarray(planes.geometry.to_crs(4326))
    if shift is not None:
        outlines = shapely.transform(outlines, shift)
    pack_corners(packer, outlines, owner, shapes, unit)
    product = find_module(plan.scenario.module.product)
    sides = (product.width_m, product.length_m)
    _pack_modules(packer, plan, planes, _first_points(shapes, unit)[owner], sides, place, shift)
    gap = plan.scenario.module.gap_m
    return {"unit": unit, "step": STEP_M, "turn": TURN_DEG, "place": place,
            "sides": list(sides), "gap": gap}  # fmt: skip


def _pack_columns(packer: Packer, plan: Plan, planes: pd.DataFrame) -> None:
    """Angles and areas of planes; rows on a level roof lean and face as it does not."""
    packer.numbers("planes", "surface_tilt", planes["surface_tilt"].to_numpy(), 1)
    packer.numbers("planes", "surface_azimuth", planes["surface_azimuth"].to_numpy(), 1)
    packer.numbers("planes", "yield_share", planes["yield_share"].to_numpy(dtype=float), 3)
    packer.numbers("planes", "usable_area_m2", planes["usable_area_m2"].to_numpy(), 1)
    if "marginal_payback_years" not in plan.arrays:
        return
    groups = plan.arrays.groupby("plane_id")
    margin = planes["plane_id"].map(groups["marginal_payback_years"].mean())
    packer.numbers("planes", "marginal_payback_years", margin.to_numpy(dtype=float), 1)
    for name in ("surface_tilt", "surface_azimuth"):
        own = planes["plane_id"].map(groups[name].first()).fillna(planes[name])
        packer.numbers("planes", f"module_{name}", own.to_numpy(dtype=float), 1)


def pack_corners(
    packer: Packer, outlines: np.ndarray, owner: np.ndarray, shapes: np.ndarray, unit: float
) -> None:
    """Outlines of planes: every corner as one of its roof's, the middle of a side, or by itself.

    A code of 0 says that the corner stands by itself, as steps from the one before, the first from
    the roof's first point; 1 to n are the n points of the roof's outline, n + 1 to 2 n the middles
    of the sides that begin there.
    """
    points, _, counts = _open_rings(outlines)
    corners, _, of_roof = _open_rings(shapes)
    whole = np.floor(points / unit + 0.5).astype(np.int64)
    roofs = np.floor(corners / unit + 0.5).astype(np.int64)
    first = np.r_[0, np.cumsum(of_roof["points_of_shape"])]
    plane = np.repeat(np.arange(len(outlines)), counts["points_of_shape"])
    begin, end = first[owner[plane]], first[owner[plane] + 1]
    code = _codes(whole, roofs, of_roof["next"], begin, end)
    for name in ("parts", "rings", "points"):
        packer.integers("planes", name, counts[name])
    packer.integers("corners", "code", code)
    before = np.r_[whole[:1] * 0, whole[:-1]]
    fresh = np.r_[True, plane[1:] != plane[:-1]] if len(plane) else np.zeros(0, bool)
    before[fresh] = roofs[begin[fresh]]
    alone = code == 0
    packer.integers("alone", "x", (whole - before)[alone, 0])
    packer.integers("alone", "y", (whole - before)[alone, 1])


NEAR_UNITS = 1
"""A corner is its roof's if it lies within so many steps of it."""

MOST_CORNERS = 40
"""Points of an outline that are tried."""


def _codes(
    whole: np.ndarray, roofs: np.ndarray, after: np.ndarray, begin: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Which corner, or middle of a side, of its roof each point is; 0: none."""
    code = np.zeros(len(whole), dtype=np.int64)
    size = end - begin
    middle = (roofs + roofs[after]) / 2 if len(roofs) else roofs
    for k in range(min(int(size.max(initial=0)), MOST_CORNERS)):
        at = np.minimum(begin + k, end - 1)
        for places, shift in ((roofs, 0), (middle, size)):
            near = np.abs(whole - places[at]).max(axis=1) <= NEAR_UNITS
            code = np.where(near & (code == 0) & (k < size), k + 1 + shift, code)
    return code


def _open_rings(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Points of polygons without the closing ones, the ring of each, and counts by level."""
    parts, part_shape = shapely.get_parts(shapes, return_index=True)
    area = shapely.get_type_id(parts) == 3
    parts, part_shape = parts[area], part_shape[area]
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    last = np.append(ring[1:] != ring[:-1], True) if len(ring) else np.zeros(0, dtype=bool)
    points, ring = points[~last], ring[~last]
    each = np.bincount(ring, minlength=len(rings))
    after = np.arange(1, len(points) + 1)
    closing = np.cumsum(each) - 1
    after[closing] = closing - each + 1
    counts = {
        "parts": np.bincount(part_shape, minlength=len(shapes)),
        "rings": np.bincount(ring_part, minlength=len(parts)),
        "points": each,
        "points_of_shape": np.bincount(part_shape[ring_part[ring]], minlength=len(shapes)),
        "next": after,
    }
    return points, ring, counts


def _first_points(shapes: np.ndarray, unit: float) -> np.ndarray:
    """The first point of each outline as the page has it, degrees; shape (n, 2)."""
    points, _, counts = _open_rings(shapes)
    first = np.r_[0, np.cumsum(counts["points_of_shape"])[:-1]]
    return np.floor(points[first] / unit + 0.5) * unit


def _pack_modules(
    packer: Packer, plan: Plan, planes: Any, corner: np.ndarray, sides: tuple[float, float],
    place: float, shift: Any,
) -> None:  # fmt: skip
    """Groups of modules of one direction on a plane, each as runs along its rows."""
    built, owner = _built(plan, planes)
    order = np.lexsort((built["second"].to_numpy(), owner))
    built, owner = built.iloc[order], owner[order]
    low, along = built[["x", "y"]].to_numpy(), built[["along_x", "along_y"]].to_numpy(dtype=float)
    start, end = (_degrees(p, planes.crs, shift) for p in (low, low + along))
    fresh = _begins(owner, built["second"].to_numpy())
    group = np.cumsum(fresh) - 1
    packer.integers("planes", "groups", np.bincount(owner[fresh], minlength=len(planes)))
    mx, my = metres_per_degree(corner[owner, 1])
    scale = np.column_stack([mx, my])
    way = (end - start) * scale
    length = np.hypot(*along.T)
    long = np.abs(length - sides[1]) < np.abs(length - sides[0])
    tilted = planes["surface_azimuth"].to_numpy(dtype=float)[owner[fresh]]
    theta = np.degrees(np.arctan2(way[fresh, 1], way[fresh, 0]))
    base = 90.0 - np.floor(tilted * 10 + 0.5) / 10
    turn = np.floor(((theta - base + 180) % 360 - 180) / TURN_DEG + 0.5)
    angle = np.radians(base + turn * TURN_DEG)[group]
    first = np.flatnonzero(fresh)
    at, count = _runs(start, scale, angle, group, first, np.asarray(sides)[long.astype(int)]
                      + plan.scenario.module.gap_m)  # fmt: skip
    _pack_groups(packer, start, corner[owner], at, count, group, turn, long, place, scale, angle)


def _pack_groups(
    packer: Packer, start: np.ndarray, corner: np.ndarray, at: np.ndarray, count: np.ndarray,
    group: np.ndarray, turn: np.ndarray, long: np.ndarray, place: float, scale: np.ndarray,
    angle: np.ndarray,
) -> None:  # fmt: skip
    """Where groups begin, and their runs as differences from the run before."""
    own = group[at]
    fresh = _begins(own, own) if len(own) else np.zeros(0, dtype=bool)
    first = at[fresh]
    begin = np.floor((start[first] - corner[first]) / place + 0.5)
    packer.integers("groups", "x", begin[:, 0])
    packer.integers("groups", "y", begin[:, 1])
    packer.integers("groups", "turn", turn)
    packer.integers("groups", "long", long[first])
    packer.integers("groups", "runs", np.bincount(own, minlength=len(first)))
    metres = (start[at] - start[first][own]) * scale[at]
    a = np.cos(angle[at]) * metres[:, 0] + np.sin(angle[at]) * metres[:, 1]
    b = np.cos(angle[at]) * metres[:, 1] - np.sin(angle[at]) * metres[:, 0]
    a, b = (np.floor(v / STEP_M + 0.5).astype(np.int64) for v in (a, b))
    later = ~fresh
    step = np.diff(b, prepend=0)[later]
    packer.integers("runs", "a", np.diff(a, prepend=0)[later])
    packer.integers("runs", "b", np.diff(step, prepend=0))
    packer.integers("runs", "count", np.diff(count, prepend=0))


def _runs(
    start: np.ndarray, scale: np.ndarray, angle: np.ndarray, group: np.ndarray, first: np.ndarray,
    pitch: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Rows of the modules that begin a run, in order, and how many each run holds."""
    metres = (start - start[first][group]) * scale
    a = np.cos(angle) * metres[:, 0] + np.sin(angle) * metres[:, 1]
    b = np.cos(angle) * metres[:, 1] - np.sin(angle) * metres[:, 0]
    level = np.floor(b / (3 * STEP_M) + 0.5)
    order = np.lexsort((a, level, group))
    g, row, along = group[order], level[order], a[order]
    follows = (g[1:] == g[:-1]) & (np.abs(row[1:] - row[:-1]) <= 1) & (
        np.abs(np.diff(along) - pitch[order][1:]) <= STEP_M
    )  # fmt: skip
    fresh = np.r_[True, ~follows] if len(order) else np.zeros(0, dtype=bool)
    places = np.flatnonzero(fresh)
    return order[places], np.diff(np.r_[places, len(order)])


def _begins(*keys: np.ndarray) -> np.ndarray:
    """Where any of some columns differs from the row before."""
    if len(keys[0]) == 0:
        return np.zeros(0, dtype=bool)
    out = np.zeros(len(keys[0]), dtype=bool)
    out[0] = True
    for key in keys:
        out[1:] |= key[1:] != key[:-1]
    return out


def _built(plan: Plan, planes: Any) -> tuple[pd.DataFrame, np.ndarray]:
    """Modules that are built, and the place of their plane among those packed."""
    place = np.full(len(plan.planes), -1)
    place[planes["_row"].to_numpy()] = np.arange(len(planes))
    # Of roofs that nobody chose no module is drawn.
    chosen = plan.planes["building_id"].isin(plan.arrays["building_id"]).to_numpy()
    place = np.where(chosen, place, -1)
    built = plan.modules[plan.modules["built"].to_numpy()]
    owner = place[built["plane"].to_numpy()]
    return built[owner >= 0], owner[owner >= 0]


def _degrees(points: np.ndarray, crs: Any, shift: Any) -> np.ndarray:
    """Points of a metric CRS in degrees, as drawn."""
    lon, lat = to_degrees(crs).transform(*points.T)
    found = np.column_stack([lon, lat])
    return shift(found) if shift is not None and len(found) else found
