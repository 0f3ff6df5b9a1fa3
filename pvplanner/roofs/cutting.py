"""Outlines cut into pieces that a simple roof covers, and pieces into planes: numba on rings."""

from __future__ import annotations

import numpy as np
import shapely
from numba import njit

MOST_PIECES = 6
MOST_POINTS = 24
"""Outlines with more points than this are not cut: they are no house's."""

SHALLOW = 0.35
"""Sine of the turn below which a vertex is no corner."""

LEAST_CUT_M2 = 6.0
"""Smaller pieces are not cut off: bays and steps in a wall have no roof of their own."""


@njit(cache=True)
def _shoelace(ring: np.ndarray, n: int) -> float:
    area = 0.0
    for k in range(n):
        m = (k + 1) % n
        area += ring[k, 0] * ring[m, 1] - ring[m, 0] * ring[k, 1]
    return 0.5 * area


@njit(cache=True)
def _hit(ring: np.ndarray, n: int, i: int, dx: float, dy: float) -> tuple[float, int]:
    """Distance along a ray from vertex ``i`` to the ring, and the edge it meets."""
    best, edge = 1e30, -1
    for k in range(n):
        m = (k + 1) % n
        if k in (i, (i - 1) % n):
            continue
        ex, ey = ring[m, 0] - ring[k, 0], ring[m, 1] - ring[k, 1]
        det = dx * ey - dy * ex
        if abs(det) < 1e-12:
            continue
        ox, oy = ring[k, 0] - ring[i, 0], ring[k, 1] - ring[i, 1]
        t = (ox * ey - oy * ex) / det
        s = (ox * dy - oy * dx) / det
        if t > 1e-6 and -1e-9 <= s <= 1 + 1e-9 and t < best:
            best, edge = t, k
    return best, edge


@njit(cache=True)
def _shortest_cut(ring: np.ndarray, n: int) -> tuple[int, int, float, float]:
    """Vertex, edge and point of the shortest straight cut from a reflex corner; vertex -1 if none.

    A cut goes on in the line of one of the corner's own walls.
    """
    shortest, vertex, edge, px, py = 1e30, -1, -1, 0.0, 0.0
    for i in range(n):
        a, b = (i - 1) % n, (i + 1) % n
        ux, uy = ring[i, 0] - ring[a, 0], ring[i, 1] - ring[a, 1]
        vx, vy = ring[b, 0] - ring[i, 0], ring[b, 1] - ring[i, 1]
        lu, lv = np.hypot(ux, uy), np.hypot(vx, vy)
        if lu < 1e-9 or lv < 1e-9 or (ux * vy - uy * vx) / (lu * lv) > -SHALLOW:
            continue
        for way in range(2):
            dx, dy = (ux / lu, uy / lu) if way == 0 else (-vx / lv, -vy / lv)
            t, k = _hit(ring, n, i, dx, dy)
            if k >= 0 and t < shortest:
                shortest, vertex, edge = t, i, k
                px, py = ring[i, 0] + t * dx, ring[i, 1] + t * dy
    return vertex, edge, px, py


@njit(inline="always")
def _copy(target: np.ndarray, at: int, source: np.ndarray, first: int, count: int) -> None:
    """Copy points; numpy's slices compile the text of errors as well."""
    for k in range(count):
        target[at + k, 0], target[at + k, 1] = source[first + k, 0], source[first + k, 1]


@njit(cache=True)
def cut_outlines(points: np.ndarray, starts: np.ndarray) -> tuple:
    """Cut outlines (open rings, counter-clockwise) at their reflex corners.

    Returns
    -------
    points, starts : ndarray
        Closed rings of the pieces.
    owner : ndarray
        Outline of each piece.
    across : ndarray
        (pieces, 2): direction of the cut that parted a piece from a larger one; zero for the
        largest piece of each outline.
    """
    count = len(starts) - 1
    out = np.empty((2 * len(points) + 8 * MOST_PIECES * count, 2))
    ends = np.empty(MOST_PIECES * count + 1, dtype=np.int64)
    owner = np.empty(MOST_PIECES * count, dtype=np.int64)
    across = np.zeros((MOST_PIECES * count, 2))
    ends[0] = 0
    pieces, at = 0, 0
    stack = np.empty((MOST_PIECES + 1, MOST_POINTS + 2 * MOST_PIECES, 2))
    sizes = np.empty(MOST_PIECES + 1, dtype=np.int64)
    cuts = np.zeros((MOST_PIECES + 1, 2))
    for o in range(count):
        n = starts[o + 1] - starts[o]
        depth, made = 1, pieces
        if n > MOST_POINTS:
            _copy(out, at, points, starts[o], n)
            _copy(out, at + n, points, starts[o], 1)
            at += n + 1
            owner[pieces] = o
            pieces += 1
            ends[pieces] = at
            continue
        _copy(stack[0], 0, points, starts[o], n)
        sizes[0] = n
        cuts[0, 0], cuts[0, 1] = 0.0, 0.0
        while depth > 0:
            ring, n = stack[depth - 1].copy(), sizes[depth - 1]
            mine_x, mine_y = cuts[depth - 1, 0], cuts[depth - 1, 1]
            depth -= 1
            vertex, edge = -1, -1
            px, py = 0.0, 0.0
            if pieces - made + depth < MOST_PIECES - 1:
                vertex, edge, px, py = _shortest_cut(ring, n)
            if vertex >= 0:
                one = np.empty((n + 2, 2))
                two = np.empty((n + 2, 2))
                n1, n2, k = 0, 0, vertex
                while True:
                    one[n1, 0], one[n1, 1] = ring[k, 0], ring[k, 1]
                    n1 += 1
                    if k == edge:
                        break
                    k = (k + 1) % n
                one[n1, 0], one[n1, 1] = px, py
                n1 += 1
                two[0, 0], two[0, 1] = px, py
                n2, k = 1, (edge + 1) % n
                while True:
                    two[n2, 0], two[n2, 1] = ring[k, 0], ring[k, 1]
                    n2 += 1
                    if k == vertex:
                        break
                    k = (k + 1) % n
                a1, a2 = abs(_shoelace(one, n1)), abs(_shoelace(two, n2))
                if min(a1, a2) >= LEAST_CUT_M2 and n1 >= 3 and n2 >= 3:
                    line_x, line_y = px - ring[vertex, 0], py - ring[vertex, 1]
                    for part in range(2):
                        large = a1 >= a2 if part == 0 else a2 > a1
                        sizes[depth] = n1 if part == 0 else n2
                        _copy(stack[depth], 0, one if part == 0 else two, 0, sizes[depth])
                        cuts[depth, 0] = mine_x if large else line_x
                        cuts[depth, 1] = mine_y if large else line_y
                        depth += 1
                    continue
            _copy(out, at, ring, 0, n)
            _copy(out, at + n, ring, 0, 1)
            at += n + 1
            owner[pieces] = o
            across[pieces, 0], across[pieces, 1] = mine_x, mine_y
            pieces += 1
            ends[pieces] = at
    return out[:at], ends[: pieces + 1], owner[:pieces], across[:pieces]


@njit(cache=True)
def halve(
    points: np.ndarray, starts: np.ndarray, lines: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both halves of closed rings along lines (x, y, dx, dy): left ones, then right ones.

    Empty halves have no points. The third array tells how often each line crosses its ring: where
    that is more than twice, the halves fall into pieces and are not to be used.
    """
    count = len(starts) - 1
    out = np.empty((4 * len(points) + 8 * count, 2))
    ends = np.empty(2 * count + 1, dtype=np.int64)
    ends[0] = 0
    at = 0
    crossed = np.zeros(count, dtype=np.int64)
    for side in range(2):
        sign = 1.0 if side == 0 else -1.0
        for r in range(count):
            x0, y0, dx, dy = lines[r, 0], lines[r, 1], lines[r, 2] * sign, lines[r, 3] * sign
            first = at
            for k in range(starts[r], starts[r + 1] - 1):
                ax, ay, bx, by = points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1]
                sa = dx * (ay - y0) - dy * (ax - x0)
                sb = dx * (by - y0) - dy * (bx - x0)
                if sa >= 0:
                    out[at, 0], out[at, 1] = ax, ay
                    at += 1
                if side == 0 and (sa >= 0) != (sb >= 0):
                    crossed[r] += 1
                if (sa > 0 and sb < 0) or (sa < 0 and sb > 0):
                    t = sa / (sa - sb)
                    out[at, 0], out[at, 1] = ax + t * (bx - ax), ay + t * (by - ay)
                    at += 1
            if at - first >= 3:
                _copy(out, at, out, first, 1)
                at += 1
            else:
                at = first
            ends[side * count + r + 1] = at
    return out[:at], ends, crossed


@njit(cache=True)
def rectangles(points: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Smallest rectangles around outlines: middle x, y, long side, short side, direction of it.

    One side of the smallest lies along an edge of the hull, so every edge is tried.
    """
    count = len(starts) - 1
    out = np.zeros((count, 5))
    for r in range(count):
        first, last = starts[r], starts[r + 1]
        x0, y0 = points[first, 0], points[first, 1]
        best = np.inf
        for k in range(first, last):
            m = k + 1 if k + 1 < last else first
            dx, dy = points[m, 0] - points[k, 0], points[m, 1] - points[k, 1]
            size = np.hypot(dx, dy)
            if size < 1e-9:
                continue
            ux, uy = dx / size, dy / size
            u0, u1, v0, v1 = np.inf, -np.inf, np.inf, -np.inf
            for p in range(first, last):
                px, py = points[p, 0] - x0, points[p, 1] - y0
                u, v = ux * px + uy * py, ux * py - uy * px
                u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
            area = (u1 - u0) * (v1 - v0)
            if area < best - 1e-9:
                best = area
                u, v = 0.5 * (u0 + u1), 0.5 * (v0 + v1)
                out[r, 0], out[r, 1] = x0 + ux * u - uy * v, y0 + uy * u + ux * v
                along, across = u1 - u0, v1 - v0
                turn = np.arctan2(uy, ux)
                if across > along:
                    along, across, turn = across, along, turn + np.pi / 2
                out[r, 2], out[r, 3], out[r, 4] = along, across, turn % np.pi
    return out


def polygons(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Polygons of closed rings; ``None`` where a ring has no points."""
    sizes = np.diff(ends)
    full = np.flatnonzero(sizes >= 4)
    rings = np.repeat(np.arange(len(full)), sizes[full])
    keep = np.repeat(sizes >= 4, sizes)
    made = shapely.polygons(shapely.linearrings(points[keep], indices=rings))
    out = np.full(len(sizes), None, dtype=object)
    out[full] = made
    return out


def open_rings(shapes: np.ndarray, *, orient: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Outer rings of polygons without the closing point, counter-clockwise if ``orient``."""
    rings = shapely.get_exterior_ring(shapely.orient_polygons(shapes) if orient else shapes)
    points, owner = shapely.get_coordinates(rings, return_index=True)
    last = np.r_[owner[1:] != owner[:-1], True]
    starts = np.searchsorted(owner[~last], np.arange(len(shapes) + 1))
    return points[~last], starts
