"""What of a plane can carry modules: setbacks, obstacles, keep-outs, contiguity; a range of three.

Every rule stands in ``reference/usable_rules.csv`` with low, middle and high, and can be replaced
in a scenario. Nothing here says that a roof can bear modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner import reference
from pvplanner.projection import to_degrees
from pvplanner.roofs.frames import Frames, frames_of
from pvplanner.roofs.guesses import Setbacks
from pvplanner.roofs.polygons import areas_of
from pvplanner.scenario import Scenario

LEVELS = ("low", "middle", "high")
FLAT_DEG = 5.0
"""Planes below this tilt are level roofs: rows on stands, not flush modules."""

WIND_REACH_KM = 60.0
SMALLEST_CORNER_M = 0.2
ON_EDGE_M = 0.3
"""An edge whose middle is nearer than this to the building's outline is an outer one."""


@dataclass(frozen=True)
class Rules:
    """The rules of one level of the range, metres, m2 and shares."""

    eave: float
    ridge: float
    gable: float
    parapet: float
    margin: float
    contiguous: float
    unseen: float
    unseen_flat: float
    heaters: float
    confidence: float
    tilt_max: float
    widen: float
    corner: float


def wind_pressure(
    latitude: float, longitude: float, scenario: Scenario
) -> tuple[float | None, str]:
    """Basic wind pressure (50 years, kN/m2) of a place and its source; ``None`` if unknown."""
    given = scenario.roof.wind_kn_per_m2
    if given is not None:
        return given, "scenario"
    table = reference.load("wind")
    away = reference.distance_km(
        latitude, longitude, table["latitude"].to_numpy(), table["longitude"].to_numpy()
    )
    nearest = int(np.argmin(away))
    if away[nearest] > WIND_REACH_KM:
        return None, ""
    row = table.iloc[nearest]
    return float(row["w0_50yr_kn_per_m2"]), f"{row['place']}: {row['source']}"


def middle_of(frame: gpd.GeoDataFrame) -> tuple[float, float]:
    """Latitude and longitude of the middle of a village: an outline far off does not move it."""
    bounds = shapely.bounds(np.asarray(frame.geometry))
    x, y = np.nanmedian((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0) if len(bounds) else (0.0, 0.0)
    # To the hundred metres: one building more or less does not move it either.
    lon, lat = to_degrees(frame.crs).transform(round(float(x), -2), round(float(y), -2))
    return lat, lon


def plain_setbacks(rules: Rules) -> Setbacks:
    """The rules' setbacks as one for pitched and one for level planes."""
    pitched = (rules.eave + rules.ridge + rules.gable) / 3.0 + rules.widen
    return Setbacks(pitched, rules.parapet + rules.widen, rules.contiguous)


@cache
def _packaged(level: str) -> dict[str, float]:
    """The packaged rules of a level."""
    table = reference.load("usable_rules").set_index("rule")
    return {str(rule): float(value) for rule, value in table[level].items()}


def usable_rules(scenario: Scenario, wind: float | None) -> dict[str, Rules]:
    """The rules of each level, the scenario's own over the packaged ones."""
    own = scenario.roof.rules
    out = {}
    for level in LEVELS:
        value = {**_packaged(level), **own}
        value["unseen_flat"] = own.get("unseen_flat", own.get("unseen", value["unseen_flat"]))
        over = max(0.0, (wind or 0.0) - value["wind_reference"])
        widen = over * value.get(f"wind_{scenario.system.mount}", value["wind_roof"])
        out[level] = Rules(
            value["setback_eave"],
            value["setback_ridge"],
            value["setback_gable"],
            value["setback_parapet"],
            value["obstacle_margin"],
            value["contiguous"],
            value["unseen"],
            value["unseen_flat"],
            value["heaters"],
            value["confidence_min"],
            value["tilt_max"],
            widen,
            widen * value["wind_corner"],
        )
    return out


def plane_frames(planes: gpd.GeoDataFrame) -> Frames:
    """The planes' own coordinates."""
    shapes = np.asarray(planes.geometry)
    return frames_of(shapes, planes["grid_azimuth"].to_numpy(), planes["surface_tilt"].to_numpy())


def usable_outlines(
    planes: gpd.GeoDataFrame, rules: Rules, *, keep_out: np.ndarray | None = None
) -> np.ndarray:
    """What is left of planes after setbacks, obstacles and keep-outs.

    Parameters
    ----------
    planes : GeoDataFrame
        ``surface_tilt``, ``grid_azimuth``, ``building_id``; ``obstacles`` (geometry) if known.
    rules : Rules
    keep_out : ndarray of geometry, optional
        Places not to be used, in the planes' CRS.

    Returns
    -------
    ndarray of geometry
        In the planes' own coordinates (:class:`Frames`), true to size; empty where nothing is left.
    """
    frames = plane_frames(planes)
    shapes = np.asarray(planes.geometry)
    inside = frames.into(shapes)
    flat = planes["surface_tilt"].to_numpy() < FLAT_DEG
    taken = _obstacles(planes, frames, rules, keep_out)
    least = min(rules.eave, rules.ridge, rules.gable)
    base = np.where(flat, rules.parapet, least) + rules.widen
    out = shapely.buffer(inside, -base, quad_segs=2, join_style="mitre", mitre_limit=3.0)
    bands, owner = _bands(planes, inside, frames, flat, base, rules)
    out = _without(out, np.concatenate([bands, taken[0]]), np.concatenate([owner, taken[1]]))
    steep = planes["surface_tilt"].to_numpy() > rules.tilt_max
    out[steep] = shapely.Polygon()
    return _contiguous(out, rules.contiguous)


def usable_areas(
    planes: gpd.GeoDataFrame,
    rules: Rules,
    *,
    keep_out: np.ndarray | None = None,
    left: np.ndarray | None = None,
) -> np.ndarray:
    """As :func:`usable_outlines`, seen from above and without what another building's plane covers.

    Empty where nothing is left. ``left``: the usable outlines, where they were found already.
    """
    if left is None:
        left = usable_outlines(planes, rules, keep_out=keep_out)
    seen = plane_frames(planes).out_of(left)
    shapes = np.asarray(planes.geometry)
    code = pd.factorize(planes["building_id"])[0]
    return own_alone(seen, np.arange(len(seen)), shapely.STRtree(shapes), shapes, code)


def usable_seen(
    planes: gpd.GeoDataFrame, rules: Rules, *, keep_out: np.ndarray | None = None
) -> np.ndarray:
    """As :func:`usable_outlines`, seen from above."""
    return plane_frames(planes).out_of(usable_outlines(planes, rules, keep_out=keep_out))


def own_alone(
    left: np.ndarray, place: np.ndarray, tree: shapely.STRtree, shapes: np.ndarray, code: np.ndarray
) -> np.ndarray:
    """Usable outlines without what a plane of another building covers too.

    Footprints can overlap, and neighbours can be moved towards each other; the plane that comes
    first keeps the place.

    Parameters
    ----------
    left : ndarray of geometry
        Outlines of some planes.
    place : ndarray of int
        Their positions among all.
    tree, shapes, code
        Of all planes: their outlines, and the number of their building.
    """
    a, b = tree.query(left, predicate="intersects")
    other = (b < place[a]) & (code[place[a]] != code[b])
    a, b = a[other], b[other]
    shared = shapely.area(shapely.intersection(left[a], shapes[b])) > 1e-3
    out = left.copy()
    for mine, theirs in zip(a[shared], b[shared], strict=True):
        out[mine] = areas_of(shapely.difference(out[mine], shapes[theirs]))
    return out


def _obstacles(
    planes: gpd.GeoDataFrame, frames: Frames, rules: Rules, keep_out: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Shapes in the planes' own coordinates that are not to be used, and whose they are."""
    shapes, owner = np.array([], dtype=object), np.array([], dtype=np.int64)
    if "obstacles" in planes:
        held = np.asarray(planes["obstacles"], dtype=object)
        own = np.flatnonzero(~(shapely.is_missing(held) | shapely.is_empty(held)))
        placed = Frames(frames.origin[own], frames.azimuth[own], frames.tilt[own]).into(held[own])
        shapes = shapely.buffer(placed, rules.margin, quad_segs=2, join_style="mitre")
        owner = own
    if keep_out is not None and len(keep_out):
        plane, area = shapely.STRtree(keep_out).query(
            np.asarray(planes.geometry), predicate="intersects"
        )
        some = Frames(frames.origin[plane], frames.azimuth[plane], frames.tilt[plane])
        shapes = np.concatenate([shapes, some.into(keep_out[area])])
        owner = np.concatenate([owner, plane])
    return shapes, owner


def _bands(
    planes: gpd.GeoDataFrame,
    inside: np.ndarray,
    frames: Frames,
    flat: np.ndarray,
    base: np.ndarray,
    rules: Rules,
) -> tuple[np.ndarray, np.ndarray]:
    """Strips along the edges that need more than the common setback, and corners in strong wind."""
    corners = rules.corner >= SMALLEST_CORNER_M
    if np.ptp([rules.eave, rules.ridge, rules.gable]) < 1e-9 and not corners:
        return np.array([], dtype=object), np.array([], dtype=np.int64)
    a, b, owner, down = edges(inside)
    outer = _outer(planes, frames, a, b, owner)
    need = np.select([down > 0.7, ~outer | (down < -0.7)], [rules.eave, rules.ridge], rules.gable)
    need = np.where(flat[owner], rules.parapet, need) + rules.widen
    wide = need > base[owner] + 1e-9
    strips = _strips(a[wide], b[wide], need[wide])
    if not corners:
        return strips, owner[wide]
    corner = outer & _convex(a, b, owner)
    u, v, r = a[corner, 0], a[corner, 1], rules.corner
    squares = shapely.box(u - r, v - r, u + r, v + r)
    return np.concatenate([strips, squares]), np.concatenate([owner[wide], owner[corner]])


def _strips(a: np.ndarray, b: np.ndarray, need: np.ndarray) -> np.ndarray:
    """Rectangles along edges, as wide to both sides and beyond both ends as is needed."""
    step = b - a
    along = step / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-12)[:, None] * need[:, None]
    side = np.column_stack([-along[:, 1], along[:, 0]])
    first, last = a - along, b + along
    return shapely.polygons(
        np.stack([first - side, last - side, last + side, first + side], axis=1)
    )


def edges(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ends of polygons' edges, their shape's number, and how far each faces down (-1 to 1)."""
    parts, part_owner = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    a, b = points[:-1][same], points[1:][same]
    step = b - a
    size = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-12)
    # Counter-clockwise: what is outside lies on the right, (dy, -dx).
    return a, b, part_owner[ring_part[ring[:-1][same]]], step[:, 0] / size


def _outer(
    planes: gpd.GeoDataFrame, frames: Frames, a: np.ndarray, b: np.ndarray, owner: np.ndarray
) -> np.ndarray:
    """Edges on the outline of their building, not between two of its planes."""
    codes, _ = pd.factorize(planes["building_id"])
    order = np.argsort(codes, kind="stable")
    shapes = np.asarray(planes.geometry)[order]
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    whole = np.array([shapely.union_all(group) for group in np.split(shapes, cuts)])
    rim = shapely.boundary(shapely.buffer(shapely.buffer(whole, 0.05), -0.05))
    middle = frames.out_of(shapely.points((a + b) / 2), owner)
    return shapely.dwithin(middle, rim[codes[owner]], ON_EDGE_M)


def _convex(a: np.ndarray, b: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Whether the corner at the start of each edge turns outwards."""
    before = np.roll(np.arange(len(a)), 1)
    joined = np.isclose(b[before], a).all(axis=1) & (owner[before] == owner)
    u, v = a - a[before], b - a
    turn = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    return ~joined | (turn > 0)


def _without(shapes: np.ndarray, taken: np.ndarray, owner: np.ndarray) -> np.ndarray:
    out = shapes.copy()
    if len(owner) == 0:
        return out
    order = np.argsort(owner, kind="stable")
    taken, owner = taken[order], owner[order]
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    groups = np.split(taken, starts[1:])
    whole = np.array([g[0] if len(g) == 1 else shapely.union_all(g) for g in groups])
    rows = owner[starts]
    out[rows] = shapely.difference(shapes[rows], whole)
    return out


def _contiguous(shapes: np.ndarray, least: float) -> np.ndarray:
    """Shapes without their parts smaller than ``least``."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    large = (shapely.area(parts) >= least) & (shapely.get_type_id(parts) == 3)
    out = np.full(len(shapes), shapely.Polygon(), dtype=object)
    parts, owner = parts[large], owner[large]
    count = np.bincount(owner, minlength=len(shapes))
    single = count[owner] == 1
    out[owner[single]] = parts[single]
    for row in np.flatnonzero(count > 1):
        out[row] = shapely.MultiPolygon(list(parts[owner == row]))
    return out
