"""Roofs: from a footprint and its attributes to planes with a tilt, an azimuth and usable area.

Where nothing but the footprint is known, a pitched roof is a gable with its ridge along the long
side; attached houses share one ridge direction. Usable area is a range, never one number.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pvplanner import reference
from pvplanner.roofs import cutting
from pvplanner.roofs.guesses import (
    KINDS,
    SMALL_M2,
    Guess,
    Setbacks,
    area_range,
    usable_range,
    usual_tilts,
)
from pvplanner.roofs.usable import (
    LEVELS,
    middle_of,
    plain_setbacks,
    usable_rules,
    wind_pressure,
)
from pvplanner.scenario import Scenario

ATTACHED_M = 0.3
"""Pitched roofs closer than this are one row under one ridge direction."""

WIDE_SPAN_M = 16.0
LARGE_M2 = 450.0
RAGGED = 0.5
COMPACT = 1.15
STRAIGHT = 0.93
COURT_M2 = 9.0
"""A hole of this size is a court: its wings carry roofs of their own."""

"""Where no roof type is known: spans wider, areas larger or much smaller than a house's, and
outlines filling less of their rectangle than this are taken as flat (assumptions, editable by a
``roof_type`` column or ``roof.default_type``)."""


@dataclass(frozen=True)
class _Boxes:
    """Smallest rectangles around outlines: direction of the long side (radians from east)."""

    direction: np.ndarray
    long: np.ndarray
    short: np.ndarray
    middle: np.ndarray


def shape_roofs(buildings: gpd.GeoDataFrame, *, scenario: Scenario) -> gpd.GeoDataFrame:
    """Roof planes of buildings from footprint and attributes alone.

    Parameters
    ----------
    buildings : GeoDataFrame
        In a metric CRS: geometry; ``roof_type`` (``gable``, ``hip``, ``flat``, ``shed``) and
        ``roof_tilt`` (degrees) where known.
    scenario : Scenario
        ``roof`` is used.

    Returns
    -------
    GeoDataFrame
        A row per plane: ``row`` (of the building), ``roof_type``, ``roof_type_source`` (``given``
        or ``inferred``), ``surface_tilt``, ``grid_azimuth`` (``nan`` if level), ``probability``
        (of this type and ridge direction), ``rise_m`` (of the ridge over the eaves) and
        ``area_low`` and ``area_high``: factors on the plane's area between which its area times
        its yearly irradiation lies with 80 % probability. The planes of a building sum to its
        footprint.
    """
    parts = _parts(buildings)
    boxes = _boxes(np.asarray(parts.geometry))
    kinds, classes = _roof_types(parts, boxes, scenario)
    pitched = np.isin(kinds, ("gable", "hip"))
    direction = _ridge_directions(np.asarray(parts.geometry), boxes, pitched)
    pieces = _pieces(parts, boxes, kinds, direction)
    place = middle_of(parts)
    tilt = _tilts(parts, kinds, place[0], scenario)[pieces.part]
    wind, _ = wind_pressure(*place, scenario)
    setbacks = plain_setbacks(usable_rules(scenario, wind)["middle"])
    return _cut(parts, pieces, (kinds, classes), tilt, (place[0], setbacks), buildings.crs)


def _parts(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    columns = ["roof_type", "roof_tilt"]
    known = [c for c in columns if c in buildings]
    shapes = np.asarray(buildings.geometry)
    frame = gpd.GeoDataFrame(
        pd.DataFrame(buildings)[known].reset_index(drop=True), geometry=shapes, crs=buildings.crs
    )
    frame["row"] = np.arange(len(frame))
    plain = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
    parts = frame if plain else frame.explode(index_parts=False).reset_index(drop=True)
    for column in columns:
        if column not in parts:
            parts[column] = np.nan if column == "roof_tilt" else None
    return parts


def _boxes(shapes: np.ndarray) -> _Boxes:
    many = shapely.get_num_coordinates(shapes) > cutting.MOST_POINTS
    if many.any():
        shapes = shapes.copy()
        shapes[many] = shapely.convex_hull(shapes[many])
    points, owner = shapely.get_coordinates(shapely.get_exterior_ring(shapes), return_index=True)
    starts = np.searchsorted(owner, np.arange(len(shapes) + 1))
    found = cutting.rectangles(points, starts)
    return _Boxes(found[:, 4] % np.pi, found[:, 2], found[:, 3], found[:, :2])


def _roof_types(
    parts: gpd.GeoDataFrame, boxes: _Boxes, scenario: Scenario
) -> tuple[np.ndarray, np.ndarray]:
    """Type of each part, and the row of ``roof_priors`` that says how sure it is."""
    area = parts.geometry.area.to_numpy()
    small = area < SMALL_M2
    large = (boxes.short > WIDE_SPAN_M) | (area > LARGE_M2)
    large |= area < RAGGED * boxes.long * boxes.short
    compact = boxes.long < COMPACT * boxes.short
    classes = np.select([small, large, compact], ["small", "large", "compact"], "house")
    priors = reference.load("roof_priors").set_index("class")[list(KINDS)]
    likeliest = priors.idxmax(axis=1)
    guess = likeliest.loc[classes].to_numpy().astype(object)
    if scenario.roof.default_type != "infer":
        guess[:] = scenario.roof.default_type
        classes = guess.copy()
    stated = parts["roof_type"].astype("object").to_numpy()
    known = np.array([isinstance(kind, str) for kind in stated], dtype=bool)
    kinds = np.where(known, stated, guess)
    return kinds, np.where(known, kinds, classes).astype(object)


def _tilts(
    parts: gpd.GeoDataFrame, kinds: np.ndarray, latitude: float, scenario: Scenario
) -> np.ndarray:
    default = {**usual_tilts(latitude)["tilt_deg"].to_dict(), **scenario.roof.tilt}
    stated = pd.to_numeric(parts["roof_tilt"], errors="coerce").to_numpy(dtype=float)
    usual = np.array([default[kind] for kind in kinds], dtype=float)
    return np.where(np.isfinite(stated) & (kinds != "flat"), stated, usual)


def _ridge_directions(shapes: np.ndarray, boxes: _Boxes, pitched: np.ndarray) -> np.ndarray:
    """Ridge direction of each part, radians from east: its own long side, or its row's.

    In a row of attached houses the ridge follows the row's long side, along whichever of the
    house's own two directions is nearer to it.
    """
    direction = boxes.direction.copy()
    rows = np.flatnonzero(pitched)
    if len(rows) < 2:
        return direction
    tree = shapely.STRtree(shapes[rows])
    left, right = tree.query(shapes[rows], predicate="dwithin", distance=ATTACHED_M)
    links = coo_array((np.ones(len(left)), (left, right)), shape=(len(rows), len(rows)))
    group = connected_components(links, directed=False)[1]
    crowd = np.flatnonzero(np.bincount(group)[group] > 1)
    crowd = crowd[np.argsort(group[crowd], kind="stable")]
    cuts = np.flatnonzero(np.diff(group[crowd])) + 1
    for members in np.split(rows[crowd], cuts) if len(crowd) else []:
        own = members
        whole = _boxes(np.array([shapely.union_all(shapes[own]).convex_hull]))
        off = (whole.direction[0] - boxes.direction[own] + np.pi / 4) % np.pi
        across = off >= np.pi / 2
        direction[own] = (boxes.direction[own] + np.where(across, np.pi / 2, 0)) % np.pi
    return direction


@dataclass(frozen=True)
class _Pieces:
    """What the parts were cut into; each carries one simple roof."""

    shape: np.ndarray
    part: np.ndarray
    direction: np.ndarray
    middle: np.ndarray
    long: np.ndarray
    short: np.ndarray


def _pieces(
    parts: gpd.GeoDataFrame, boxes: _Boxes, kinds: np.ndarray, direction: np.ndarray
) -> _Pieces:
    """Pitched parts with wings are cut straight at their inner corners; the rest stay whole."""
    shapes = np.asarray(parts.geometry)
    pitched = np.isin(kinds, ("gable", "hip"))
    # An outline that fills its rectangle has no wings; only the others need their hull.
    area = shapely.area(shapes)
    odd = pitched & (area < STRAIGHT * boxes.long * boxes.short)
    odd &= shapely.get_num_interior_rings(shapes) == 0
    odd[odd] = area[odd] <= STRAIGHT * shapely.area(shapely.convex_hull(shapes[odd]))
    court = pitched & (shapely.get_num_interior_rings(shapes) > 0)
    court[court] = [_court(shape) is not None for shape in shapes[court]]
    keep, cut = np.flatnonzero(~odd & ~court), np.flatnonzero(odd & ~court)
    wings = _wings(shapes, np.flatnonzero(court))
    if len(cut) == 0 and len(wings.part) == 0:
        return _Pieces(shapes, keep, direction, boxes.middle, boxes.long, boxes.short)
    if len(cut) == 0:
        return _together(_kept(shapes, keep, direction, boxes), wings)
    points, starts = cutting.open_rings(shapes[cut])
    rings, ends, owner, across = cutting.cut_outlines(points, starts)
    made = cutting.polygons(rings, ends)
    inner = _boxes(made)
    # A wing's ridge runs away from the house; the largest piece keeps to its own long side.
    wing = across.any(axis=1)
    away = (np.arctan2(across[:, 1], across[:, 0]) + np.pi / 2) % np.pi
    turned = np.where(wing, away, inner.direction)
    own = np.abs(np.cos(turned - inner.direction)) > np.sqrt(0.5)
    cuts = _Pieces(
        made, cut[owner], turned, inner.middle,
        np.where(own, inner.long, inner.short), np.where(own, inner.short, inner.long),
    )  # fmt: skip
    return _together(_kept(shapes, keep, direction, boxes), cuts, wings)


def _kept(shapes: np.ndarray, keep: np.ndarray, direction: np.ndarray, boxes: _Boxes) -> _Pieces:
    """Parts that stay whole."""
    return _Pieces(shapes[keep], keep, direction[keep], boxes.middle[keep], boxes.long[keep],
                   boxes.short[keep])  # fmt: skip


def _together(*some: _Pieces) -> _Pieces:
    names = ("shape", "part", "direction", "middle", "long", "short")
    return _Pieces(*(np.concatenate([getattr(one, name) for one in some]) for name in names))


def _court(shape: shapely.Geometry) -> shapely.Geometry | None:
    """The largest hole of an outline, if it is a court."""
    holes = shapely.polygons(shapely.get_rings(shape)[1:])
    if not len(holes):
        return None
    largest = holes[int(np.argmax(shapely.area(holes)))]
    return largest if largest.area >= COURT_M2 else None


def _wings(shapes: np.ndarray, rows: np.ndarray) -> _Pieces:
    """Wings round courts: a ring is no gable, each of its sides carries a ridge of its own."""
    pieces, part, ridge = [], [], []
    for row in rows:
        court = _boxes(np.array([_court(shapes[row])]))
        turn, middle = court.direction[0], court.middle[0]
        u, v = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        far = 2.0 * float(np.hypot(*np.ptp(shapely.get_coordinates(shapes[row]), axis=0)))
        half_u, half_v = court.long[0] / 2, court.short[0] / 2
        # Two wings along the court's long side, with what a round court leaves; two between them.
        blocks = (((-far, half_v), (-half_u, half_v), (-half_u, 0), (half_u, 0), (half_u, half_v),
                   (far, half_v), (far, far), (-far, far)),
                  ((-far, -half_v), (-half_u, -half_v), (-half_u, 0), (half_u, 0),
                   (half_u, -half_v), (far, -half_v), (far, -far), (-far, -far)),
                  ((half_u, -half_v), (far, -half_v), (far, half_v), (half_u, half_v)),
                  ((-far, -half_v), (-half_u, -half_v), (-half_u, half_v), (-far, half_v)),
                  )  # fmt: skip
        for corners, across in zip(blocks, (0, 0, 1, 1), strict=True):
            along = turn + across * np.pi / 2
            bound = shapely.Polygon([middle + p * u + q * v for p, q in corners])
            for piece in shapely.get_parts(shapely.intersection(shapes[row], bound)):
                if piece.geom_type == "Polygon" and piece.area > 1.0:
                    pieces.append(piece)
                    part.append(row)
                    ridge.append(along % np.pi)
    made = np.array(pieces, dtype=object)
    if not len(made):
        return _Pieces(made, np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros((0, 2)),
                       np.zeros(0), np.zeros(0))  # fmt: skip
    boxes, direction = _boxes(made), np.array(ridge)
    own = np.abs(np.cos(direction - boxes.direction)) > np.sqrt(0.5)
    return _Pieces(made, np.array(part, dtype=np.int64), direction, boxes.middle,
                   np.where(own, boxes.long, boxes.short),
                   np.where(own, boxes.short, boxes.long))  # fmt: skip


def _cut(
    parts: gpd.GeoDataFrame,
    pieces: _Pieces,
    named: tuple[np.ndarray, np.ndarray],
    tilt: np.ndarray,
    held: tuple[float, Setbacks],
    crs: CRS,
) -> gpd.GeoDataFrame:
    """A row per plane: gables are cut along the ridge, hips at their four corners as well."""
    (kinds, classes), (latitude, setbacks) = named, held
    kind = kinds[pieces.part]
    # Off the ridge's own line, a house's span is its other side.
    box = np.column_stack([np.cos(pieces.direction), np.sin(pieces.direction)])
    down = np.column_stack([box[:, 1], -box[:, 0]])
    stated = np.isfinite(pd.to_numeric(parts["roof_tilt"], errors="coerce").to_numpy(dtype=float))
    guess = Guess(
        pieces.direction, pieces.long / pieces.short, shapely.area(pieces.shape), kind,
        classes[pieces.part], tilt, stated[pieces.part],
    )  # fmt: skip
    low, high, likely = area_range(guess, latitude)
    usable = usable_range(guess, latitude, setbacks)
    rows: list[pd.DataFrame] = []
    gable, hip = np.flatnonzero(kind == "gable"), np.flatnonzero(kind == "hip")
    for side, shapes in zip((1.0, -1.0), _halves(pieces, gable, box), strict=True):
        rows.append(_piece(shapes, gable, down[gable] * side))
    for fall, shapes in _quarters(pieces, hip, box, down):
        rows.append(_piece(shapes, hip, fall))
    flat, shed = np.flatnonzero(kind == "flat"), np.flatnonzero(kind == "shed")
    rows.append(_piece(pieces.shape[flat], flat, np.zeros((len(flat), 2))))
    rows.append(_piece(pieces.shape[shed], shed, down[shed]))
    planes = pd.concat(rows, ignore_index=True)
    planes = planes[shapely.area(planes["geometry"].to_numpy()) > 0.01]
    piece = planes["piece"].to_numpy()
    planes["row"] = parts["row"].to_numpy()[pieces.part[piece]]
    order = np.lexsort((piece, pieces.part[piece], planes["row"].to_numpy()))
    planes = planes.iloc[order].reset_index(drop=True)
    piece = planes.pop("piece").to_numpy()
    planes["roof_type"] = kind[piece]
    known = kinds == classes
    planes["roof_type_source"] = np.where(known, "given", "inferred")[pieces.part[piece]]
    planes["surface_tilt"] = np.where(kind[piece] == "flat", 0.0, tilt[piece])
    planes["probability"] = likely[piece]
    span = np.where(kind == "shed", 1.0, 0.5) * pieces.short
    planes["rise_m"] = (span * np.tan(np.radians(np.where(kind == "flat", 0.0, tilt))))[piece]
    planes["area_low"], planes["area_high"] = low[piece], high[piece]
    for level, factor in zip(LEVELS, usable, strict=True):
        planes[f"usable_{level}"] = factor[piece]
    return gpd.GeoDataFrame(planes, geometry="geometry", crs=crs)


def _halves(pieces: _Pieces, rows: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Halves of pieces on the right and left of their ridge."""
    shapes = pieces.shape[rows]
    left, right = np.empty(len(rows), dtype=object), np.empty(len(rows), dtype=object)
    if len(rows) == 0:
        return right, left
    points, starts = cutting.open_rings(shapes, orient=False)
    lines = np.column_stack([pieces.middle[rows], box[rows]])
    made, ends, crossed = cutting.halve(*_closed(points, starts), lines)
    left, right = np.split(cutting.polygons(made, ends), 2)
    odd = np.flatnonzero((crossed > 2) | (shapely.get_num_interior_rings(shapes) > 0))
    if len(odd):
        reach = (pieces.long + pieces.short)[rows[odd], None]
        along = box[rows[odd]] * reach
        across = np.column_stack([-along[:, 1], along[:, 0]])
        a, b = pieces.middle[rows[odd]] - along, pieces.middle[rows[odd]] + along
        for side, out in ((1.0, left), (-1.0, right)):
            up = across * side
            half = shapely.polygons(np.stack([a, b, b + up, a + up], axis=1))
            out[odd] = shapely.intersection(shapes[odd], half)
    return right, left


def _closed(points: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.diff(starts)
    ends = starts + np.arange(len(starts))
    out = np.empty((ends[-1], 2))
    ring = np.repeat(np.arange(len(sizes)), sizes)
    out[np.arange(len(points)) + ring] = points
    out[ends[1:] - 1] = points[starts[:-1]]
    return out, ends


def _quarters(
    pieces: _Pieces, rows: np.ndarray, box: np.ndarray, down: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fall and outline of the four planes of hip roofs of equal slopes."""
    if len(rows) == 0:
        return []
    u, v = box[rows], down[rows]
    half_long, half_short = pieces.long[rows] / 2, pieces.short[rows] / 2
    middle, shapes = pieces.middle[rows], pieces.shape[rows]
    ridge = np.maximum(half_long - half_short, 0.0)

    def at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return middle + u * x[:, None] + v * y[:, None]

    far = half_short + 1.0
    # Beyond the box the hips run on, so that nothing of a ragged outline is lost.
    a, b = at(ridge + far, far), at(ridge + far, -far)
    c, d = at(-ridge - far, -far), at(-ridge - far, far)
    e, f = at(ridge, 0 * ridge), at(-ridge, 0 * ridge)
    long = np.stack([f, e, a, d], axis=1), np.stack([e, f, c, b], axis=1)
    short = np.stack([e, b, a], axis=1), np.stack([f, d, c], axis=1)
    return [
        (v, shapely.intersection(shapes, shapely.polygons(long[0]))),
        (-v, shapely.intersection(shapes, shapely.polygons(long[1]))),
        (u, shapely.intersection(shapes, shapely.polygons(short[0]))),
        (-u, shapely.intersection(shapes, shapely.polygons(short[1]))),
    ]


def _piece(shapes: np.ndarray, piece: np.ndarray, fall: np.ndarray) -> pd.DataFrame:
    """Planes that fall towards ``fall`` (east, north), or are level where it is zero."""
    azimuth = np.degrees(np.arctan2(fall[:, 0], fall[:, 1])) % 360
    level = ~fall.any(axis=1)
    return pd.DataFrame(
        {"geometry": shapes, "piece": piece, "grid_azimuth": np.where(level, np.nan, azimuth)}
    )
