"""Where modules lie: rows of whole rectangles in polygons, compiled.

A row of height h at v can hold modules wherever no edge of the polygon passes through the strip
from v to v + h. Rows are tried at every 2 cm and chosen together by dynamic programming, so no
grid of rows does better at that step; within a row, modules are counted exactly.
"""

from __future__ import annotations

import numba as nb
import numpy as np

STEP_M = 0.02
HAIR = 1e-9
"""Added so that n modules fit into exactly the room of n in floating point too."""

INSET = 1e-7
"""Edges may reach this far into a strip: rounding, not roof."""


@nb.njit(inline="always")
def _fit(room, size, gap):  # type: ignore[no-untyped-def]
    return max(int((room + gap + HAIR) / (size + gap)), 0)


@nb.njit(cache=True, error_model="numpy")
def _free(
    points: np.ndarray, ring_at: np.ndarray, first: int, last: int, low: float, high: float,
    blocked: np.ndarray, crossing: np.ndarray, free: np.ndarray,
) -> int:  # fmt: skip
    """Intervals of u in which the strip from ``low`` to ``high`` lies inside; how many."""
    count, cuts = 0, 0
    middle = 0.5 * (low + high)
    low, high = low + INSET, high - INSET
    for r in range(first, last):
        for k in range(ring_at[r], ring_at[r + 1] - 1):
            x0, y0, x1, y1 = points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1]
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            if y1 <= low or y0 >= high:
                continue
            slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
            if y0 <= middle < y1:
                crossing[cuts] = x0 + slope * (middle - y0)
                cuts += 1
            a = x0 + slope * (low - y0) if y0 < low else x0
            b = x0 + slope * (high - y0) if y1 > high else x1
            a, b = min(a, b), max(a, b)
            # Kept in order of where they begin: there are few.
            at = count
            while at > 0 and blocked[at - 1, 0] > a:
                blocked[at, 0], blocked[at, 1] = blocked[at - 1, 0], blocked[at - 1, 1]
                at -= 1
            blocked[at, 0], blocked[at, 1] = a, b
            count += 1
    found = 0
    if count == 0:
        return 0
    end = blocked[0, 1]
    for k in range(1, count):
        begin = blocked[k, 0]
        if begin > end:
            here, odd = 0.5 * (begin + end), False
            for c in range(cuts):
                if crossing[c] < here:
                    odd = not odd
            if odd:
                free[found, 0], free[found, 1] = end, begin
                found += 1
        end = max(end, blocked[k, 1])
    return found


@nb.njit(inline="always")
def _is_box(points, ring_at, first, last, bounds):  # type: ignore[no-untyped-def]
    """Whether a shape is the rectangle of its own bounds."""
    if last - first != 1 or ring_at[first + 1] - ring_at[first] != 5:
        return False
    for k in range(ring_at[first], ring_at[first] + 4):
        x, y = points[k, 0], points[k, 1]
        if min(abs(x - bounds[0]), abs(x - bounds[2])) > 1e-6:
            return False
        if min(abs(y - bounds[1]), abs(y - bounds[3])) > 1e-6:
            return False
        u, v = points[k + 1, 0] - x, points[k + 1, 1] - y
        if min(abs(u), abs(v)) > 1e-6:
            return False
    return True


@nb.njit(cache=True, error_model="numpy")
def _rows(
    points: np.ndarray, ring_at: np.ndarray, first: int, last: int, bounds: np.ndarray,
    width: float, height: float, gap: float, pitch: float,
    blocked: np.ndarray, crossing: np.ndarray, free: np.ndarray, chosen: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """Best rows for one way of laying: modules, rows; ``chosen`` becomes the rows' lower edges."""
    room = bounds[3] - bounds[1] - height
    if room < -HAIR:
        return 0, 0
    apart = int(np.ceil(pitch / STEP_M))
    step = pitch / apart
    tries = int((max(room, 0.0) + HAIR) / step) + 1
    held = np.zeros(tries, dtype=np.int64)
    for i in range(tries):
        low = bounds[1] + i * step
        n = _free(points, ring_at, first, last, low, low + height, blocked, crossing, free)
        for k in range(n):
            held[i] += _fit(free[k, 1] - free[k, 0], width, gap)
    best = np.zeros(tries + apart + 1, dtype=np.int64)
    for i in range(tries - 1, -1, -1):
        best[i] = max(best[i + 1], held[i] + best[i + apart])
    i, rows = 0, 0
    while i < tries:
        if held[i] > 0 and held[i] + best[i + apart] == best[i]:
            chosen[rows] = bounds[1] + i * step
            rows += 1
            i += apart
        else:
            i += 1
    return best[0], rows


@nb.njit(inline="always")
def _start(a, b, count, width, gap, phase):  # type: ignore[no-untyped-def]
    """Where a run of modules begins, in line with the columns of the other rows if it can."""
    slack = max(b - a - (count * (width + gap) - gap), 0.0)
    ahead = (phase - a) % (width + gap)
    if ahead <= slack:
        return a + ahead
    return a if width + gap - ahead < ahead - slack else a + slack


@nb.njit(cache=True, error_model="numpy")
def lay(
    points: np.ndarray, ring_at: np.ndarray, shape_at: np.ndarray, bounds: np.ndarray,
    sizes: np.ndarray, gap: float, corners: np.ndarray, way: np.ndarray, start: np.ndarray,
) -> int:  # fmt: skip
    """Lay modules into shapes, each in the better of its ways.

    Parameters
    ----------
    points, ring_at, shape_at, bounds
        Rings of the shapes as of :func:`pvplanner.horizon.blocks.ragged`.
    sizes : float array, shape (shapes, ways, 3)
        Width and height of a module and distance from row to row, m; a width of 0 is no way.
    gap : float
        Between neighbours in a row, m.
    corners : float array, shape (room, 2)
        Becomes the lower left corners, shape by shape, row by row.
    way : int array, shape (shapes,)
        Becomes the way that holds more; the first where they hold as many.
    start : int array, shape (shapes + 1,)
        Becomes where each shape's corners begin.

    Returns
    -------
    int
        How many modules.
    """
    most, longest = 8, 8
    for s in range(len(shape_at) - 1):
        size = ring_at[shape_at[s + 1]] - ring_at[shape_at[s]]
        most = max(most, size + 2)
        longest = max(longest, int((bounds[s, 3] - bounds[s, 1]) / 0.1) + 3)
    blocked, free = np.empty((most, 2)), np.empty((most, 2))
    crossing = np.empty(most)
    chosen, other = np.empty(longest), np.empty(longest)
    total = 0
    for s in range(len(shape_at) - 1):
        start[s] = total
        first, last = shape_at[s], shape_at[s + 1]
        way[s] = 0
        if last <= first:
            continue
        box = _is_box(points, ring_at, first, last, bounds[s])
        best, rows = 0, 0
        for w in range(sizes.shape[1]):
            width, height, pitch = sizes[s, w, 0], sizes[s, w, 1], sizes[s, w, 2]
            if width <= 0:
                continue
            if box:
                n = _fit(bounds[s, 3] - bounds[s, 1], height, pitch - height)
                count = n * _fit(bounds[s, 2] - bounds[s, 0], width, gap)
                for k in range(n):
                    other[k] = bounds[s, 1] + k * pitch
            else:
                count, n = _rows(
                    points, ring_at, first, last, bounds[s], width, height, gap, pitch,
                    blocked, crossing, free, other,
                )  # fmt: skip
            if count > best:
                best, rows, way[s] = count, n, w
                chosen[:n] = other[:n]
        if best > 0:
            size = sizes[s, way[s]]
            total = _emit(
                points, ring_at, first, last, size[0], size[1], gap, chosen[:rows],
                blocked, crossing, free, corners, total,
            )  # fmt: skip
    start[len(shape_at) - 1] = total
    return total


@nb.njit(cache=True, error_model="numpy")
def _emit(
    points: np.ndarray, ring_at: np.ndarray, first: int, last: int, width: float, height: float,
    gap: float, chosen: np.ndarray, blocked: np.ndarray, crossing: np.ndarray, free: np.ndarray,
    corners: np.ndarray, total: int,
) -> int:  # fmt: skip
    widest, phase = -1.0, 0.0
    for v in chosen:
        n = _free(points, ring_at, first, last, v, v + height, blocked, crossing, free)
        for k in range(n):
            wide = free[k, 1] - free[k, 0]
            if wide > widest + HAIR:
                fit = _fit(wide, width, gap)
                widest = wide
                phase = free[k, 0] + 0.5 * (wide - (fit * (width + gap) - gap))
    for v in chosen:
        n = _free(points, ring_at, first, last, v, v + height, blocked, crossing, free)
        for k in range(n):
            fit = _fit(free[k, 1] - free[k, 0], width, gap)
            u = _start(free[k, 0], free[k, 1], fit, width, gap, phase)
            for m in range(fit):
                corners[total, 0], corners[total, 1] = u + m * (width + gap), v
                total += 1
    return total
