"""Two small pictures as SVG: where the village lies among towns, and its outlines."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from pvplanner import reference

SIDE = 300
REACH_KM = 320.0
MOST_SHAPES, MOST_NAMES = 4000, 5
KM_PER_DEGREE = 111.2


def region_svg(latitude: float, longitude: float) -> str:
    """The village among the towns of the packaged table; its name stands on none of them."""
    rows = reference.rows("places")
    at = np.array([(float(r["latitude"]), float(r["longitude"])) for r in rows])
    x = (at[:, 1] - longitude) * KM_PER_DEGREE * np.cos(np.radians(latitude))
    y = (at[:, 0] - latitude) * KM_PER_DEGREE
    near = np.flatnonzero((np.abs(x) < REACH_KM) & (np.abs(y) < REACH_KM))
    scale = SIDE / (2 * REACH_KM)
    dots = "".join(
        f'<circle cx="{SIDE / 2 + x[n] * scale:.1f}" cy="{SIDE / 2 - y[n] * scale:.1f}" r="2"/>'
        for n in near
    )
    named = _apart(near[np.argsort(np.hypot(x[near], y[near]), kind="stable")], x, y, scale)
    names = "".join(
        f'<text x="{SIDE / 2 + x[n] * scale + 5:.1f}" y="{SIDE / 2 - y[n] * scale - 5:.1f}">'
        f"{_escaped(rows[n]['place'])}</text>"
        for n in named
    )
    middle = SIDE / 2
    mark = f'<path d="M{middle - 7} {middle}h14M{middle} {middle - 7}v14" class="mark"/>'
    return _svg(f'<g class="towns">{dots}</g>{names}{mark}')


def _apart(near: np.ndarray, x: np.ndarray, y: np.ndarray, scale: float) -> list[int]:
    """The nearest towns whose names do not lie over each other."""
    out: list[int] = []
    for n in near:
        clear = all(abs(y[n] - y[m]) * scale > 16 or abs(x[n] - x[m]) * scale > 90 for m in out)
        if clear and abs(x[n]) * scale < SIDE / 2 - 90:
            out.append(int(n))
        if len(out) == MOST_NAMES:
            break
    return out


def outlines_svg(buildings: gpd.GeoDataFrame) -> str:
    """Outlines in use and those set aside, north up; strays do not shrink the picture."""
    used = (buildings["status"] != "set_aside").to_numpy()
    shapes = np.asarray(buildings.geometry)
    known = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    bounds = shapely.bounds(shapes[known & used] if (known & used).any() else shapes[known])
    if not len(bounds):
        return _svg("")
    west, south = np.nanquantile(bounds[:, :2], 0.005, axis=0)
    east, north = np.nanquantile(bounds[:, 2:], 0.995, axis=0)
    scale = (SIDE - 20) / max(east - west, north - south, 1.0)
    order = np.flatnonzero(known)[:MOST_SHAPES]
    paths: dict[bool, list[str]] = {True: [], False: []}
    for n in order:
        for part in shapely.get_parts(shapes[n]):
            if part.geom_type == "Polygon":
                points = np.column_stack(part.exterior.coords.xy)
                u = 10 + (points[:, 0] - west) * scale
                v = SIDE - 10 - (points[:, 1] - south) * scale
                if (u > -50).all() and (u < SIDE + 50).all() and (np.abs(v) < SIDE + 50).all():
                    paths[bool(used[n])].append(_path(u, v))
    return _svg(
        f'<path class="used" d="{"".join(paths[True])}"/>'
        f'<path class="aside" d="{"".join(paths[False])}"/>'
    )


def _path(u: np.ndarray, v: np.ndarray) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(u, v, strict=True)) + "Z"


def _svg(body: str) -> str:
    return (
        f'<svg viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}" role="img">{body}</svg>'
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
