"""Whole roofs fitted to noisy heights: a few shapes with two parameters each, against free planes.

Where cells err together a plane of its own is held by few independent heights, and its tilt by
fewer. A gable or hip over the whole outline has an eaves height and a slope; it is taken where its
description, parameters and misfit together, is the shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from scipy import ndimage

from pvplanner.roofs import cutting
from pvplanner.roofs.describing import blurred, independent, misfit_cost, places
from pvplanner.roofs.noise import Noise
from pvplanner.roofs.valleys import Body, below, run_on

SLOPE, SLOPE_DOUBT = 0.5, 0.2
"""Rise over run of pitched roofs and its spread, before anything is seen."""

NEAR = 3.0
"""Heights within this many sigma are explained."""

PIECE_NATS = 3.0
"""What another piece of an outline costs to describe."""

STRAIGHT_M = 0.2
"""Outlines are drawn no finer where they are cut."""

LEAST_CELLS, MOSTLY = 8, 0.6
"""So many cells of which so much is the piece make it seen."""

LEAST_SLOPE = 0.05
LEAST_M2 = 0.2


@dataclass(frozen=True)
class Shape:
    """A roof of unit slope over a piece of an outline: the lowest of some planes.

    Attributes
    ----------
    kind : str
    planes : ndarray, shape (k, 3)
        Rise to the east and north, and height at the origin, of unit slope.
    nats : float
        How surprising it is before anything is seen.
    """

    kind: str
    planes: np.ndarray
    nats: float


@dataclass(frozen=True)
class Fit:
    """A roof as fitted.

    Attributes
    ----------
    cost : float
        Nats: misfit and parameters.
    nats : float
        Of these the parameters'.
    labels : ndarray of int
        Of cells: 1, 2, ... by plane.
    planes : ndarray, shape (k + 1, 9)
        As :func:`regions.robust_planes` gives them.
    outlines : list of geometry
        Of planes 1, 2, ..., relative to the window's middle.
    """

    cost: float
    nats: float
    labels: np.ndarray
    planes: np.ndarray
    outlines: list[Any]


def fit_templates(
    heights: np.ndarray, known: np.ndarray, outline: Any, cell: float, noise: Noise
) -> Fit | None:
    """The roof of simple shapes that describes the heights within an outline best.

    The shape is seen as the sensor sees it: walls and ridges blurred, cells as means.

    Parameters
    ----------
    heights : ndarray
        Metres about any level, around the building too.
    known : ndarray of bool
        Cells of the building that have a height.
    outline : Polygon or MultiPolygon
        Relative to the window's middle, m.
    cell : float
    noise : Noise

    Returns
    -------
    Fit or None
        ``None`` where too little is seen.
    """
    whole = [part for part in shapely.get_parts(outline) if part.area > 1.0]
    options = [whole]
    pieces = [piece for part in whole for piece in _pieces(part)]
    if len(pieces) > len(whole):
        options.append(pieces)
    fits = [fit for parts in options if (fit := _fit_all(heights, known, parts, cell, noise))]
    return min(fits, key=lambda fit: fit.cost) if fits else None


def narrow_side(outline: Any) -> float:
    """Width of the narrowest wing of an outline that makes up a sixth of it, m."""
    pieces = [piece for part in shapely.get_parts(outline) for piece in _pieces(part)]
    sides = []
    for piece in pieces:
        if piece.area >= outline.area / 6.0:
            points, starts = cutting.open_rings(np.array([piece]))
            sides.append(cutting.rectangles(points, starts)[0, 3])
    return float(min(sides, default=0.0))


def _pieces(part: Any) -> list[Any]:
    """A polygon cut at its inner corners, those of a hand's breadth smoothed away."""
    part = shapely.simplify(part, STRAIGHT_M)
    if len(part.interiors) or shapely.get_num_coordinates(part) > cutting.MOST_POINTS:
        return [part]
    points, starts = cutting.open_rings(np.array([part]))
    rings, ends, _, _ = cutting.cut_outlines(points, starts)
    return [piece for piece in cutting.polygons(rings, ends) if piece is not None]


def _fit_all(
    heights: np.ndarray, known: np.ndarray, parts: list[Any], cell: float, noise: Noise
) -> Fit | None:
    """The best shapes over some pieces together: each one's wall stands in its neighbours' blur."""
    view = _view(heights, known, parts, cell, noise)
    if view is None:
        return None
    shapes = [_shapes(part) for part in parts]
    bases = [[_basis(view, k, shape) for shape in held] for k, held in enumerate(shapes)]
    chosen = [_first(view, bases[k], shapes[k], noise) for k in range(len(parts))]
    best = _solved(view, bases, shapes, chosen, noise)
    for _ in range(2 if len(parts) > 1 else 1):
        before = list(chosen)
        for k in range(len(parts)):
            for other in range(len(shapes[k])):
                tried = [*chosen[:k], other, *chosen[k + 1 :]]
                found = _solved(view, bases, shapes, tried, noise)
                if found.cost < best.cost - 1e-9:
                    best, chosen = found, tried
        if chosen == before:
            break
    return _as_planes(view, parts, shapes, chosen, best, heights, noise)


@dataclass(frozen=True)
class _View:
    """A building as the sensor sees it.

    Attributes
    ----------
    x, y : ndarray, shape (3, 3, rows, cols)
        Places within cells.
    masks : list of ndarray, likewise
        Which of them lie in each piece.
    cells : ndarray of bool, shape (rows, cols)
        Cells that count.
    piece : ndarray of int, shape (n,)
        Of each such cell: the piece that it shows most of.
    seen : ndarray, shape (n,)
        Heights, without what is seen of the surroundings.
    spread : float
        Blur, cells.
    """

    x: np.ndarray
    y: np.ndarray
    masks: list[np.ndarray]
    cells: np.ndarray
    piece: np.ndarray
    seen: np.ndarray
    spread: float

    def blurred(self, piece: int, values: np.ndarray) -> np.ndarray:
        """What cells that count show of a piece's values at the places within cells."""
        held = np.where(self.masks[piece], values, 0.0).mean(axis=(0, 1))
        return np.asarray(blurred(held, self.spread)[self.cells])


def _view(
    heights: np.ndarray, known: np.ndarray, parts: list[Any], cell: float, noise: Noise
) -> _View | None:
    x, y = places(heights.shape, cell)
    steps = (np.arange(3) - 1) * cell / 3.0
    fine_x = x[None, None] + steps[:, None, None, None] + np.zeros((1, 3, 1, 1))
    fine_y = y[None, None] + steps[None, :, None, None] + np.zeros((3, 1, 1, 1))
    masks = [shapely.contains_xy(part, fine_x.ravel(), fine_y.ravel()).reshape(fine_x.shape)
             for part in parts]  # fmt: skip
    shares = np.array([blurred(mask.mean(axis=(0, 1)), noise.spread) for mask in masks])
    whole = shares.sum(axis=0)
    cells = known & (whole > MOSTLY)
    piece = shares.argmax(axis=0)[cells]
    if np.bincount(piece, minlength=len(parts)).min() < LEAST_CELLS:
        return None
    # What is seen of the surroundings is what stands beyond the blur, at the nearest such cell.
    reach = (1.0 + 2.0 * noise.spread) * cell
    held = sum(mask.mean(axis=(0, 1)) for mask in masks)
    beyond = np.isfinite(heights) & (ndimage.distance_transform_edt(held < 0.5) * cell > reach)
    around = np.full(heights.shape, np.nan)
    if beyond.any():
        i, j = ndimage.distance_transform_edt(~beyond, return_distances=False, return_indices=True)
        around = heights[i, j]
    around = np.where(np.isfinite(around), around, np.nanmin(heights))
    seen = (heights - (1.0 - whole) * around)[cells]
    return _View(fine_x, fine_y, masks, cells, piece, seen, noise.spread)


def _heights(planes: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return planes[:, 0] * x[..., None] + planes[:, 1] * y[..., None] + planes[:, 2]


def _basis(view: _View, piece: int, shape: Shape) -> np.ndarray:
    """What cells show of a piece of height 1, and of its shape of unit slope."""
    level = view.blurred(piece, np.ones(1))
    if shape.kind == "flat":
        return level[:, None]
    unit = view.blurred(piece, _heights(shape.planes, view.x, view.y).min(axis=-1))
    return np.column_stack([level, unit])


@dataclass(frozen=True)
class _Solution:
    cost: float
    nats: float
    values: np.ndarray
    off: np.ndarray
    owner: np.ndarray

    def height_of(self, piece: int) -> tuple[float, float]:
        """Height of a piece's eaves and its slope."""
        own = self.values[self.owner == piece]
        return float(own[0]), float(own[1]) if len(own) > 1 else 0.0


def _first(view: _View, bases: list[np.ndarray], shapes: list[Shape], noise: Noise) -> int:
    """The shape that suits a piece's own cells best, whatever stands beside it."""
    inner = bases[0][:, 0] > MOSTLY
    one = _View(view.x, view.y, [], view.cells, view.piece[inner], view.seen[inner], view.spread)
    costs = [_solved(one, [[basis[inner]]], [[shape]], [0], noise).cost
             for basis, shape in zip(bases, shapes, strict=True)]  # fmt: skip
    return int(np.argmin(costs))


def _solved(
    view: _View,
    bases: list[list[np.ndarray]],
    shapes: list[list[Shape]],
    chosen: list[int],
    noise: Noise,
) -> _Solution:
    """Heights and slopes of chosen shapes by robust least squares with a weak prior; nats."""
    columns = [bases[k][c] for k, c in enumerate(chosen)]
    design = np.concatenate(columns, axis=1)
    slopes = np.concatenate([np.arange(block.shape[1]) == 1 for block in columns])
    held = 1.0 / (noise.about**2 * noise.grain)
    prior = np.where(slopes, 1.0 / SLOPE_DOUBT**2, 1e-9)
    values, weight = np.zeros(len(slopes)), np.ones(len(view.seen))
    for turn in range(3):
        normal = (design * (weight * held)[:, None]).T @ design + np.diag(prior)
        right = design.T @ (weight * held * view.seen) + prior * SLOPE * slopes
        values = np.linalg.solve(normal, right)
        off = view.seen - design @ values
        if turn < 2:
            scale = 4.685 * max(noise.about, 1.48 * float(np.median(np.abs(off))))
            weight = np.maximum(1.0 - (off / scale) ** 2, 0.0) ** 2 + 1e-6
    surprise = [shapes[k][c].nats for k, c in enumerate(chosen)]
    nats = float(np.sum(surprise) + 0.5 * (((values - SLOPE) / SLOPE_DOUBT) ** 2)[slopes].sum())
    nats += 0.5 * len(values) * np.log(independent(len(view.seen), noise))
    nats += PIECE_NATS * len(chosen)
    # A roof that falls the other way is none of its kind; lean-tos have both.
    wrong = [values[i] < LEAST_SLOPE for i in np.flatnonzero(slopes)]
    nats += 1e6 * float(np.sum(wrong))
    owner = np.repeat(np.arange(len(columns)), [block.shape[1] for block in columns])
    return _Solution(nats + misfit_cost(off, noise), nats, values, off, owner)


def _as_planes(
    view: _View,
    parts: list[Any],
    shapes: list[list[Shape]],
    chosen: list[int],
    found: _Solution,
    heights: np.ndarray,
    noise: Noise,
) -> Fit:
    x, y = view.x[1, 1], view.y[1, 1]
    bodies, told = [], []
    for k, part in enumerate(parts):
        shape = shapes[k][chosen[k]]
        eave, slope = found.height_of(k)
        made = shape.planes * slope + np.array([0.0, 0.0, eave])
        bodies.append(Body(part, made, eave, _lowest(part, made)))
        told.append(_trust(view, found, shape, k, noise))
    if len(bodies) > 1:
        cells = view.cells
        bodies = run_on(bodies, x[cells], y[cells], heights[cells])
    labels = np.zeros(x.shape, dtype=np.int64)
    planes, outlines = [np.zeros(9)], []
    for body, (rms, near, spread, count) in zip(bodies, told, strict=True):
        for plane, area in zip(body.planes, body.outlines, strict=True):
            if area.area <= LEAST_M2:
                continue
            labels[shapely.contains_xy(area, x, y)] = len(planes)
            cells = area.area / body.piece.area * count
            planes.append(np.array([*plane, rms, cells, near, spread, 0.0, spread]))
            outlines.append(area)
    return Fit(found.cost, found.nats, labels, np.array(planes), outlines)


def _trust(
    view: _View, found: _Solution, shape: Shape, piece: int, noise: Noise
) -> tuple[float, float, float, int]:
    """How a shape fits its own cells: rms, share explained, spread of its unit heights, cells."""
    off = found.off[view.piece == piece]
    close = np.abs(off) <= NEAR * noise.about
    rms = float(np.sqrt(np.mean(off[close] ** 2))) if close.any() else NEAR * noise.about
    unit = _heights(shape.planes, view.x[1, 1], view.y[1, 1]).min(axis=-1)[view.cells]
    own = unit[view.piece == piece]
    spread = max(float(((own - own.mean()) ** 2).sum()), 1e-9)
    return rms, float(close.mean()), spread, len(off)


def _shapes(part: Any) -> list[Shape]:
    """Shapes that a piece may carry, of unit slope, their eaves on its rectangle."""
    points, starts = cutting.open_rings(np.array([part]))
    mx, my, long, short, turn = cutting.rectangles(points, starts)[0]
    u, v = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    middle = np.array([mx, my])

    def falls(way: np.ndarray, half: float) -> list[float]:
        """A plane that falls along ``way`` to zero at ``half`` from the middle."""
        return [-way[0], -way[1], half + float(way @ middle)]

    gable = [falls(v, short / 2), falls(-v, short / 2)]
    across = [falls(u, long / 2), falls(-u, long / 2)]
    shapes = [
        Shape("gable", np.array(gable), 0.7),
        Shape("gable", np.array(across), 2.5 if long > 1.3 * short else 1.2),
        Shape("hip", np.array(gable + across), 2.0),
        Shape("flat", np.zeros((1, 3)), 1.2),
    ]
    for way in (v, -v, u, -u):
        shapes.append(Shape("shed", np.array([falls(way, short / 2)]), 3.5))
    return shapes


def _lowest(part: Any, planes: np.ndarray) -> list[Any]:
    """Where in a piece each plane is the lowest."""
    out = []
    for k, plane in enumerate(planes):
        area = part
        for m, other in enumerate(planes):
            if m != k:
                area = shapely.intersection(area, below(plane, other))
        out.append(area)
    return out
