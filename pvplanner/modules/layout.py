"""Where modules lie: rows of whole rectangles in polygons, compiled.

A row of height h at v can hold modules wherever no edge of the polygon passes through the strip
from v to v + h. Strips are tried at every 2 cm. The best common grid of rows and columns is found
exactly at that step; where rows that need not be in line hold many more, they are chosen together
by dynamic programming.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

STEP_M = 0.02
HAIR = 1e-9
"""Added so that n modules fit into exactly the room of n in floating point too."""

IN_LINE = 0.9
"""A common grid of columns is taken where it holds this share of what loose rows hold: rails in
line are worth a few modules."""

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
def _strips(
    points: np.ndarray, ring_at: np.ndarray, first: int, last: int, bounds: np.ndarray,
    width: float, height: float, gap: float, pitch: float,
    blocked: np.ndarray, crossing: np.ndarray, free: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, float]:  # fmt: skip
    """Rooms of every possible row: intervals, where each row's begin, modules that each holds
    by itself; how many steps lie between rows, and the step.
    """
    room = bounds[3] - bounds[1] - height
    apart = int(np.ceil(pitch / STEP_M))
    step = pitch / apart
    tries = int((max(room, 0.0) + HAIR) / step) + 1 if room >= -HAIR else 0
    begin = np.zeros(tries + 1, dtype=np.int64)
    held = np.zeros(tries, dtype=np.int64)
    rooms = np.empty((4 * tries + 8, 2))
    total = 0
    for i in range(tries):
        low = bounds[1] + i * step
        n = _free(points, ring_at, first, last, low, low + height, blocked, crossing, free)
        for k in range(n):
            fit = _fit(free[k, 1] - free[k, 0], width, gap)
            if fit > 0:
                if total == len(rooms):
                    grown = np.empty((2 * total, 2))
                    for r in range(total):
                        grown[r, 0], grown[r, 1] = rooms[r, 0], rooms[r, 1]
                    rooms = grown
                rooms[total, 0], rooms[total, 1] = free[k, 0], free[k, 1]
                held[i] += fit
                total += 1
        begin[i + 1] = total
    return rooms, begin, held, apart, step


@nb.njit(cache=True, error_model="numpy")
def _loose(held: np.ndarray, apart: int, chosen: np.ndarray) -> tuple[int, int]:
    """Most modules of any rows that keep their distance: modules, rows; ``chosen`` rows."""
    tries = len(held)
    best = np.zeros(tries + apart + 1, dtype=np.int64)
    for i in range(tries - 1, -1, -1):
        best[i] = max(best[i + 1], held[i] + best[i + apart])
    i, rows = 0, 0
    while i < tries:
        if held[i] > 0 and held[i] + best[i + apart] == best[i]:
            chosen[rows] = i
            rows += 1
            i += apart
        else:
            i += 1
    return best[0], rows


@nb.njit(inline="always")
def _in_line(a, b, phase, width, gap):  # type: ignore[no-untyped-def]
    """Modules between a and b in columns that begin at ``phase`` and every module on."""
    pitch = width + gap
    ahead = (phase - a) % pitch
    if ahead > pitch - HAIR:
        ahead = 0.0
    return max(int((b - a - ahead + gap + HAIR) / pitch), 0)


@nb.njit(cache=True, error_model="numpy")
def _grid(
    rooms: np.ndarray, begin: np.ndarray, held: np.ndarray, apart: int, width: float, gap: float
) -> tuple[int, int, float]:
    """Best common grid: modules, its lowest row, and where its columns begin.

    Columns can be moved until one touches the left end of a room, so no others are tried.
    """
    tries = len(held)
    best, lowest, columns = 0, 0, 0.0
    for low in range(min(apart, tries)):
        most = 0
        for i in range(low, tries, apart):
            most += held[i]
        if most <= best:
            continue
        for i in range(low, tries, apart):
            for r in range(begin[i], begin[i + 1]):
                count = 0
                for j in range(low, tries, apart):
                    for q in range(begin[j], begin[j + 1]):
                        count += _in_line(rooms[q, 0], rooms[q, 1], rooms[r, 0], width, gap)
                if count > best:
                    best, lowest, columns = count, low, rooms[r, 0]
    return best, lowest, columns


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
    most = 8
    for s in range(len(shape_at) - 1):
        most = max(most, ring_at[shape_at[s + 1]] - ring_at[shape_at[s]] + 2)
    blocked, free = np.empty((most, 2)), np.empty((most, 2))
    crossing = np.empty(most)
    total: Any = np.int64(0)  # typed: a literal would compile what it is passed to twice
    for s in range(len(shape_at) - 1):
        start[s] = total
        first, last = shape_at[s], shape_at[s + 1]
        way[s] = 0
        if last <= first:
            continue
        if _is_box(points, ring_at, first, last, bounds[s]):
            total = _lay_box(bounds[s], sizes[s], gap, corners, way, s, total)
            continue
        best, end = 0, total
        for w in range(sizes.shape[1]):
            width, height, pitch = sizes[s, w, 0], sizes[s, w, 1], sizes[s, w, 2]
            if width <= 0:
                continue
            rooms, begin, held, apart, step = _strips(
                points, ring_at, first, last, bounds[s], width, height, gap, pitch,
                blocked, crossing, free,
            )  # fmt: skip
            chosen = np.empty(len(held) + 1, dtype=np.int64)
            loose, rows = _loose(held, apart, chosen)
            if loose <= best:
                continue
            in_grid, low, columns = _grid(rooms, begin, held, apart, width, gap)
            aligned = in_grid >= IN_LINE * loose
            count = in_grid if aligned else loose
            if count > best:
                best, way[s] = count, w
                end = _emit(
                    rooms, begin, chosen[:rows], bounds[s, 1], step, apart, low, aligned, columns,
                    width, gap, corners, total,
                )  # fmt: skip
        total += best
        if best > 0 and end != total:
            raise ValueError("a layout counts what it does not lay")
    start[len(shape_at) - 1] = total
    return total


@nb.njit(cache=True, error_model="numpy")
def _lay_box(
    bounds: np.ndarray, sizes: np.ndarray, gap: float, corners: np.ndarray, way: np.ndarray,
    s: int, total: int,
) -> int:  # fmt: skip
    """Rectangles: rows from the bottom, columns in the middle."""
    best = 0
    wide, high = bounds[2] - bounds[0], bounds[3] - bounds[1]
    for w in range(sizes.shape[0]):
        if sizes[w, 0] <= 0:
            continue
        rows = _fit(high, sizes[w, 1], sizes[w, 2] - sizes[w, 1])
        columns = _fit(wide, sizes[w, 0], gap)
        if rows * columns > best:
            best, way[s] = rows * columns, w
    if best == 0:
        return total
    width, height, pitch = sizes[way[s], 0], sizes[way[s], 1], sizes[way[s], 2]
    rows, columns = _fit(high, height, pitch - height), _fit(wide, width, gap)
    left = bounds[0] + 0.5 * max(wide - (columns * (width + gap) - gap), 0.0)
    for i in range(rows):
        for j in range(columns):
            corners[total, 0] = left + j * (width + gap)
            corners[total, 1] = bounds[1] + i * pitch
            total += 1
    return total


@nb.njit(cache=True, error_model="numpy")
def _emit(
    rooms: np.ndarray, begin: np.ndarray, chosen: np.ndarray, bottom: float, step: float,
    apart: int, low: int, aligned: bool, columns: float, width: float, gap: float,
    corners: np.ndarray, total: int,
) -> int:  # fmt: skip
    """Corners of a grid, or of loose rows with their modules in the middle of each room."""
    pitch = width + gap
    rows = range(low, len(begin) - 1, apart)
    count = len(rows) if aligned else len(chosen)
    for n in range(count):
        i = low + n * apart if aligned else chosen[n]
        for r in range(begin[i], begin[i + 1]):
            a, b = rooms[r, 0], rooms[r, 1]
            if aligned:
                fit = _in_line(a, b, columns, width, gap)
                ahead = (columns - a) % pitch
                u = a + (0.0 if ahead > pitch - HAIR else ahead)
            else:
                fit = _fit(b - a, width, gap)
                u = a + 0.5 * max(b - a - (fit * pitch - gap), 0.0)
            for m in range(fit):
                corners[total, 0], corners[total, 1] = u + m * pitch, bottom + i * step
                total += 1
    return total
