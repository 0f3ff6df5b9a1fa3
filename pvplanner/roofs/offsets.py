"""By how much outlines lie beside the houses of a surface model: the village first, then each.

Surveys in another datum and drone models without control move a whole village alike; each outline
errs by a little more. A house in a row shows no move along the row: only the row's ends do. So one
offset is found from all houses together, and each house then settles about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from pvplanner.roofs import segment
from pvplanner.terrain import Raster

FURTHEST_M = 5.0
"""A larger offset of the village is said and not used."""

SAID_M = 0.5
REACH_M = 8.0
COARSE_M = 0.5
"""The village's offset is sought so far, in steps of so much, before it settles."""

LEAST_M, STEPS_M = 0.25, 0.05
"""A smaller offset of the village is none; others are told in steps."""

HOUSES = 160
FEWEST = 4
"""Houses that are asked, spread over the village; fewer have no offset in common."""

SMALLEST_M2, LARGEST_M2 = 20.0, 2000.0
"""Sheds stand under trees, halls hold their middle under every move."""

STEP_M = 1.5
"""A fall of this height at an outline is the outline as the surface model sees it."""

CORNER_M = 0.7
"""Nearer to a corner two walls' falls run into each other."""

NEAR_M = 2.0
"""How far about the village's offset a house settles."""

TALL_M = 3.0
"""Falls count to this: a tower does not outweigh a house."""

STANDS, BETTER, RIVAL = 0.25, 1.15, 1.08
"""How far houses must stand out where they are found (m a point of the outline), how much better
there than where they are drawn, and than in any other place two metres away or more."""

OWN, OVERHANG = 0.15, 20.0
"""Weights that hold a house to the village's offset, and its eaves to its walls."""


@dataclass(frozen=True)
class Offset:
    """The common offset of a village's outlines.

    Attributes
    ----------
    east, north : float
        By how much outlines must be moved, m; zero where nothing better was found.
    houses : int
        That were asked.
    here, there : float
        By how much houses stand out over what lies beside them as drawn and moved, m.
    sure : bool
        Whether no other place is nearly as good.
    """

    east: float = 0.0
    north: float = 0.0
    houses: int = 0
    here: float = 0.0
    there: float = 0.0
    sure: bool = True

    @property
    def size(self) -> float:
        """Metres."""
        return float(np.hypot(self.east, self.north))

    @property
    def used(self) -> tuple[float, float]:
        """The move that roofs are read with: none where it is too far or not sure."""
        return (self.east, self.north) if self.sure and self.size <= FURTHEST_M else (0.0, 0.0)

    @property
    def apart(self) -> bool:
        """Whether the houses seem to stand somewhere else, and are not read there."""
        return self.used == (0.0, 0.0) and self.size >= SAID_M


@njit(cache=True)
def _height(z: np.ndarray, x: float, y: float) -> float:
    """Between the middles of four cells; ``nan`` outside."""
    rows, cols = z.shape
    j, i = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    if i < 0 or j < 0 or i + 1 >= rows or j + 1 >= cols:
        return np.nan
    u, v = x - 0.5 - j, y - 0.5 - i
    top = z[i, j] * (1 - u) + z[i, j + 1] * u
    return top * (1 - v) + (z[i + 1, j] * (1 - u) + z[i + 1, j + 1] * u) * v


@njit(cache=True)
def _along(
    points: np.ndarray, starts: np.ndarray, least: float, apart: float, clear: float
) -> np.ndarray:
    """Places along an outline's edges, evenly: x, y and the outward normal; all in cells.

    Edges shorter than ``least`` have none, nor has what lies nearer to a corner than ``clear``.
    """
    total = 0
    for r in range(len(starts) - 1):
        for k in range(starts[r], starts[r + 1] - 1):
            size = np.hypot(points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1])
            total += int(size / apart) + 1
    out = np.empty((total, 4))
    count = 0
    for r in range(len(starts) - 1):
        for k in range(starts[r], starts[r + 1] - 1):
            dx, dy = points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1]
            size = np.hypot(dx, dy)
            if size < least:
                continue
            many = max(1, int(size / apart))
            for m in range(many):
                t = (m + 0.5) / many
                if t * size < clear or (1 - t) * size < clear:
                    continue
                out[count, 0], out[count, 1] = points[k, 0] + t * dx, points[k, 1] + t * dy
                out[count, 2], out[count, 3] = -dy / size, dx / size
                count += 1
    return out[:count]


@njit(cache=True)
def stands_out(
    z: np.ndarray, points: np.ndarray, starts: np.ndarray, cell: float, steps: np.ndarray
) -> np.ndarray:
    """By how much the inside of an outline lies over its outside, for moves of ``steps`` cells.

    Returns
    -------
    ndarray, shape (steps, steps)
        Mean over points of the outline a metre apart; first index east, second south.
    """
    count = len(steps)
    out = np.zeros((count, count))
    half = max(0.75 / cell, 1.0)
    along = _along(points, starts, 1.0 / cell, 1.0 / cell, 0.0)
    for k in range(len(along)):
        x, y, nx, ny = along[k, 0], along[k, 1], along[k, 2] * half, along[k, 3] * half
        for p in range(count):
            for q in range(count):
                u, v = x + steps[p], y + steps[q]
                fall = _height(z, u - nx, v - ny) - _height(z, u + nx, v + ny)
                if np.isfinite(fall):
                    out[p, q] += min(max(fall, -1.0), TALL_M)
    return out / max(len(along), 1)


@njit(cache=True)
def edge_steps(
    z: np.ndarray, points: np.ndarray, starts: np.ndarray, cell: float, step: float, reach: float
) -> np.ndarray:
    """Where the surface falls beside an outline.

    ``points`` in cells from the window's north-west corner, x east and y south; outer rings run
    counter-clockwise on the map, holes clockwise.

    Returns
    -------
    ndarray, shape (places, 5)
        Outward normal (east, south), how far out the fall lies (m), over how many cells it falls,
        and how much it counts.
    """
    along = _along(points, starts, 1.0 / cell, 1.0, CORNER_M / cell)
    found = np.empty((len(along), 5))
    count = 0
    far = int(np.ceil(reach / cell / 0.25))
    for k in range(len(along)):
        x, y, nx, ny = along[k, 0], along[k, 1], along[k, 2], along[k, 3]
        inner = _height(z, x - reach / cell * nx, y - reach / cell * ny)
        outer = _height(z, x + reach / cell * nx, y + reach / cell * ny)
        drop = inner - outer
        if not abs(drop) > step:
            continue
        # Towards a higher neighbour the outline is a rise.
        sign = 1.0 if drop > 0 else -1.0
        best, at = 0.0, 0
        for s in range(-far, far):
            lo = _height(z, x + (s * 0.25 - 0.5) * nx, y + (s * 0.25 - 0.5) * ny)
            hi = _height(z, x + (s * 0.25 + 0.5) * nx, y + (s * 0.25 + 0.5) * ny)
            if sign * (lo - hi) > best + 1e-9:
                best, at = sign * (lo - hi), s
        if best < 0.5 * step:
            continue
        mid, weight = 0.0, 0.0
        for s in range(at - 4, at + 5):
            lo = _height(z, x + (s * 0.25 - 0.5) * nx, y + (s * 0.25 - 0.5) * ny)
            hi = _height(z, x + (s * 0.25 + 0.5) * nx, y + (s * 0.25 + 0.5) * ny)
            fall = sign * (lo - hi)
            if fall > 0.5 * best:
                mid += fall * s * 0.25
                weight += fall
        found[count, 0], found[count, 1] = nx, ny
        found[count, 2] = mid / weight * cell
        found[count, 3] = abs(drop) / best
        found[count, 4] = 1.0 if drop > 0 else 0.4
        count += 1
    return found[:count]


@njit(cache=True)
def settle(found: np.ndarray, cell: float, hold: float) -> tuple[float, float, float, float]:
    """The move that lays outlines on their falls; far ones count little.

    ``hold``: weight of no move. Returns east and north (m), over how many cells the falls run
    (``nan`` if unknown), and how far they are off the moved outline in the median.
    """
    count = len(found)
    if count < 4:
        return 0.0, 0.0, np.nan, np.nan
    # Eaves stand out over walls on all sides alike: that is an overhang, not a move.
    move: np.ndarray = np.zeros(3)
    side = np.empty(3)
    for turn in range(10):
        normal, right = np.zeros((3, 3)), np.zeros(3)
        normal[0, 0], normal[1, 1], normal[2, 2] = hold, hold, OVERHANG
        scale = max(0.25, 1.0 - 0.15 * turn)
        for k in range(count):
            side[0], side[1], side[2] = found[k, 0], found[k, 1], 1.0
            r = found[k, 2] - (side * move).sum()
            w = found[k, 4] * cell / (1.0 + (r / scale) ** 2) ** 2
            for p in range(3):
                right[p] += w * side[p] * found[k, 2]
                for q in range(3):
                    normal[p, q] += w * side[p] * side[q]
        move = _solved(normal, right)
    east, south = move[0], move[1]
    blurs, off = np.empty(count), np.empty(count)
    for k in range(count):
        blurs[k] = found[k, 3]
        off[k] = abs(found[k, 2] - found[k, 0] * east - found[k, 1] * south - move[2])
    return east, -south, segment.middle(blurs, count), segment.middle(off, count)


@njit(cache=True)
def _solved(normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Three equations solved by hand (normal and positive, so no pivots); changes what it is given.

    numpy's own would compile for a second.
    """
    for k in range(3):
        for p in range(k + 1, 3):
            part = normal[p, k] / normal[k, k]
            for q in range(k, 3):
                normal[p, q] -= part * normal[k, q]
            right[p] -= part * right[k]
    out = np.empty(3)
    for p in range(2, -1, -1):
        rest = right[p]
        for q in range(p + 1, 3):
            rest -= normal[p, q] * out[q]
        out[p] = rest / normal[p, p]
    return out


def own_offset(
    heights: np.ndarray, cells: np.ndarray, starts: np.ndarray, cell: float
) -> tuple[float, float, float]:
    """A house's move about where it was put (m), and over how many cells its falls run.

    A move that is lost in the scatter of eaves and cells is none.
    """
    east, north, width, scatter = settle(
        edge_steps(heights, cells, starts, cell, STEP_M, NEAR_M), cell, OWN
    )
    if not max(0.35 * cell, scatter) <= np.hypot(east, north) <= NEAR_M:
        east = north = 0.0
    return east, north, width


def village_offset(
    raster: Raster, rings: list[tuple[np.ndarray, np.ndarray]], areas: np.ndarray
) -> Offset:
    """The offset that houses have in common.

    Parameters
    ----------
    raster : Raster
    rings : list of (points, starts)
        Of each house: closed rings of its outline in the raster's CRS, and where each begins.
    areas : ndarray
        m2.
    """
    usual = np.flatnonzero((areas >= SMALLEST_M2) & (areas <= LARGEST_M2))
    picks = usual[np.unique(np.linspace(0, len(usual) - 1, HOUSES).round().astype(int))]
    held = [view for k in picks if (view := _view(raster, *rings[k])) is not None]
    if len(held) < FEWEST:
        return Offset(houses=len(held))
    cell = raster.cell
    steps = np.arange(-REACH_M, REACH_M + COARSE_M / 2, COARSE_M)
    score = np.mean([stands_out(*view, cell, steps / cell) for view in held], axis=0)
    east, south = np.meshgrid(steps, steps, indexing="ij")
    away = np.hypot(east, south)
    # Of places that are as good the nearest.
    best = np.lexsort((away.ravel(), -score.round(2).ravel()))[0]
    at = np.array([east.ravel()[best], south.ravel()[best]])
    here, there = float(score[away == 0][0]), float(score.ravel()[best])
    rival = score[np.hypot(east - at[0], south - at[1]) >= 2.0].max()
    if there < STANDS:
        return Offset(0.0, 0.0, len(held), here, there)
    if there < BETTER * max(here, 0.0):
        at = np.zeros(2)
    elif there < RIVAL * max(float(rival), 0.0):
        return Offset(float(at[0]), float(-at[1]), len(held), here, there, sure=False)
    move = _settled(held, at, cell)
    if np.hypot(*move) < max(LEAST_M, 0.5 * cell):
        return Offset(0.0, 0.0, len(held), here, there)
    # No finer than it is known, so that one odd house moves nobody.
    east_m, south_m = np.round(move / STEPS_M) * STEPS_M
    return Offset(float(east_m), float(-south_m), len(held), here, there)


def _view(
    raster: Raster, points: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Heights around a house, and its outline in cells of that window."""
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    margin = REACH_M + 3.0
    patch = raster.read((west - margin, south - margin, east + margin, north + margin))
    known = np.isfinite(patch.heights)
    if known.mean() < 0.6:
        return None
    level = float(np.median(patch.heights[known]))
    cells = np.column_stack(
        [(points[:, 0] - patch.west) / patch.cell, (patch.north - points[:, 1]) / patch.cell]
    )
    return patch.heights.astype(np.float64) - level, cells, starts


def _settled(held: list, at: np.ndarray, cell: float) -> np.ndarray:
    """The common move (east, south) that lays all outlines on their falls, from a first guess."""
    move = at.copy()
    for reach in (NEAR_M, 1.2, 1.2):
        found = [edge_steps(z, cells + move / cell, starts, cell, STEP_M, reach)
                 for z, cells, starts in held]  # fmt: skip
        east, north, _, _ = settle(np.concatenate(found), cell, OWN)
        if np.hypot(east, north) > NEAR_M:
            break
        move = move + np.array([east, -north])
    return move
