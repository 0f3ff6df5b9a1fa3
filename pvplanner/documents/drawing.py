"""A village and a roof as vector pictures, from the plan's own outlines."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from pvplanner.modules import outlines_of
from pvplanner.plan import Plan

BUILT, FREE, ASIDE = "#e08a1e", "#c9d3da", "#ffffff"
"""Roofs with modules, without, and those that were set aside."""

MODULE, EDGE = "#31688e", "#16202b"
NICE = (1, 2, 5)
"""A scale's length is one of these times a power of ten."""


def village_picture(plan: Plan) -> dict[str, Any]:
    """All roofs, by whether modules are planned on them.

    Returns
    -------
    dict
        ``svg``, and ``kinds``: of each kind its colour and how many roofs are of it.
    """
    frames = [part.buildings for part in plan.parts.values()]
    shapes, colours = [], []
    for frame in frames:
        aside = frame["status"].eq("set_aside").to_numpy()
        built = (frame["modules"].fillna(0) > 0).to_numpy()
        known = _known(frame)
        own = np.where(built, BUILT, np.where(aside, ASIDE, FREE))
        shapes += list(frame.geometry[known])
        colours += list(own[known])
    kinds = {name: colours.count(name) for name in (BUILT, FREE, ASIDE)}
    return {"svg": _svg(shapes, colours), "kinds": kinds}


def roof_picture(plan: Plan, building_ids: list[str], *, lengths: bool = False) -> str:
    """Some buildings with their modules, and what stands near them.

    Parameters
    ----------
    plan : Plan
    building_ids : list of str
    lengths : bool
        Whether the edges of the buildings say how long they are.
    """
    part = next(
        p for p in plan.parts.values() if p.buildings["building_id"].isin(building_ids).any()
    )
    frame = part.buildings[_known(part.buildings)]
    mine = frame["building_id"].isin(building_ids).to_numpy()
    box = shapely.box(*frame.geometry[mine].total_bounds).buffer(MARGIN_M, join_style="mitre")
    near = frame.geometry.intersects(box).to_numpy()
    own = part.planes["building_id"].isin(building_ids).to_numpy()
    planes = part.planes[own]
    # A layout names planes by their place in the table.
    layout = part.modules[part.modules["plane"].isin(np.flatnonzero(own))]
    modules = outlines_of(part.planes, layout)
    shapes = [*frame.geometry[near & ~mine].intersection(box), *frame.geometry[mine],
              *planes.geometry, *modules.geometry]  # fmt: skip
    colours = [
        *[FREE] * int((near & ~mine).sum()), *["#f4ead9"] * int(mine.sum()),
        *["none"] * len(planes), *[MODULE] * len(modules),
    ]  # fmt: skip
    told = _lengths(list(frame.geometry[mine]), box) if lengths else ""
    return _svg(shapes, colours, box, told)


def _lengths(roofs: list[Any], box: Any) -> str:
    """How long each longer edge is, beside it, metres."""
    west, south, east, north = box.bounds
    size = max(east - west, north - south) / 45
    out = []
    for roof in roofs:
        for polygon in shapely.get_parts(shapely.force_2d(roof)):
            ring = np.asarray(shapely.geometry.polygon.orient(polygon).exterior.coords)
            for (x0, y0), (x1, y1) in pairwise(ring):
                long = float(np.hypot(x1 - x0, y1 - y0))
                if long < EDGE_M:
                    continue
                # Outside is to the right of a ring that runs against the clock.
                x = (x0 + x1) / 2 + size * (y1 - y0) / long - west
                y = north - (y0 + y1) / 2 + size * (x1 - x0) / long
                turn = -np.degrees(np.arctan2(y1 - y0, x1 - x0))
                turn = turn - 180 * np.round(turn / 180)
                out.append(
                    f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:.2f}" text-anchor="middle" '
                    f'dominant-baseline="middle" transform="rotate({turn:.1f} {x:.2f} {y:.2f})" '
                    f'font-family="Noto Sans CJK SC">{long:.1f}</text>'
                )
    return "".join(out)


EDGE_M = 1.0
"""Shorter edges say nothing."""

MARGIN_M = 6.0
"""What is shown around a roof."""


def _known(frame: gpd.GeoDataFrame) -> np.ndarray:
    return np.asarray(~(frame.geometry.isna() | frame.geometry.is_empty))


def _svg(shapes: list[Any], colours: list[str], box: Any = None, told: str = "") -> str:
    """Outlines as SVG, north up, with a scale and an arrow, and what is ``told`` over them."""
    if not shapes:
        return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 1"/>'
    bounds = box.bounds if box is not None else shapely.total_bounds(shapes)
    west, south, east, north = (float(v) for v in bounds)
    wide, high = max(east - west, 1.0), max(north - south, 1.0)
    size = max(wide, high)
    pad = size * 0.05
    line = size / 1500
    drawn = [
        f'<path d="{_path(shape, west, north)}" fill="{colour}" fill-rule="evenodd" '
        f'stroke="{EDGE}" stroke-width="{line:.3f}"/>'
        for shape, colour in zip(shapes, colours, strict=True)
    ]
    view = f"{-pad:.2f} {-pad:.2f} {wide + 2 * pad:.2f} {high + 3 * pad:.2f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">'
        f"{''.join(drawn)}{told}{_scale(wide, high, pad)}{_arrow(wide, pad)}</svg>"
    )


def _path(shape: Any, west: float, north: float) -> str:
    out = []
    for polygon in getattr(shape, "geoms", [shape]):
        for ring in (
            (polygon.exterior, *polygon.interiors) if polygon.geom_type == "Polygon" else ()
        ):
            points = [f"{x - west:.2f} {north - y:.2f}" for x, y, *_ in ring.coords[:-1]]
            out.append("M" + "L".join(points) + "Z")
    return "".join(out)


def _scale(wide: float, high: float, pad: float) -> str:
    most = wide / 4
    power = 10 ** np.floor(np.log10(max(most, 1)))
    length = max(n * power for n in NICE if n * power <= max(most, 1))
    y = high + 1.2 * pad
    return (
        f'<path d="M0 {y:.2f}h{length:.0f}" stroke="{EDGE}" stroke-width="{pad / 8:.3f}"/>'
        f'<text x="{length + pad / 3:.2f}" y="{y + pad / 4:.2f}" font-size="{pad * 0.7:.2f}" '
        f'font-family="Noto Sans CJK SC">{length:.0f} m</text>'
    )


def _arrow(wide: float, pad: float) -> str:
    x, y = wide + pad * 0.3, pad
    return (
        f'<path d="M{x:.2f} {y - 1.6 * pad:.2f}l{pad / 3:.2f} {pad * 1.2:.2f}'
        f'l{-pad / 3:.2f} {-pad / 3:.2f}l{-pad / 3:.2f} {pad / 3:.2f}z" fill="{EDGE}"/>'
        f'<text x="{x:.2f}" y="{y + pad * 0.5:.2f}" font-size="{pad * 0.7:.2f}" '
        f'text-anchor="middle" font-family="Noto Sans CJK SC">N</text>'
    )
