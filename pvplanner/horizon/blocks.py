"""A surface made of roofs whose heights are known, where no surface model was flown."""

from __future__ import annotations

import numba as nb
import numpy as np
import shapely


def ragged(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of all rings, where each ring begins, and where each shape's rings begin."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    ring_at = np.searchsorted(ring, np.arange(len(rings) + 1))
    shape_at = np.searchsorted(owner[ring_part], np.arange(len(shapes) + 1))
    return points, ring_at, shape_at


@nb.njit(inline="always")
def inside(points, ring_at, first, last, x, y):  # type: ignore[no-untyped-def]
    """Whether a point lies in the shape whose rings are ``first`` to ``last``; even-odd."""
    odd = False
    for r in range(first, last):
        for k in range(ring_at[r], ring_at[r + 1] - 1):
            y0, y1 = points[k, 1], points[k + 1, 1]
            if (y0 > y) != (y1 > y):
                x0, x1 = points[k, 0], points[k + 1, 0]
                if x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                    odd = not odd
    return odd


@nb.njit(cache=True, error_model="numpy")
def stand_on(
    heights: np.ndarray, west: float, north: float, cell: float, points: np.ndarray,
    ring_at: np.ndarray, shape_at: np.ndarray, bounds: np.ndarray, planes: np.ndarray,
) -> None:  # fmt: skip
    """Raise the cells whose middles lie under planes (``z = p0 + p1 x + p2 y``) to them."""
    rows, cols = heights.shape
    for s in range(len(shape_at) - 1):
        j0, j1 = int((bounds[s, 0] - west) / cell), int((bounds[s, 2] - west) / cell) + 1
        i0, i1 = int((north - bounds[s, 3]) / cell), int((north - bounds[s, 1]) / cell) + 1
        for i in range(max(i0, 0), min(i1, rows)):
            y = north - (i + 0.5) * cell
            for j in range(max(j0, 0), min(j1, cols)):
                x = west + (j + 0.5) * cell
                if inside(points, ring_at, shape_at[s], shape_at[s + 1], x, y):
                    z = planes[s, 0] + planes[s, 1] * x + planes[s, 2] * y
                    heights[i, j] = max(heights[i, j], np.float32(z))


@nb.njit(cache=True, error_model="numpy")
def spread(
    points: np.ndarray, ring_at: np.ndarray, shape_at: np.ndarray, bounds: np.ndarray,
    fine: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Points evenly over shapes: half of them lower, half upper, each half from left to right.

    ``out`` has shape (shapes, points, 2) and keeps its value where no candidate of a grid of
    ``fine`` by ``fine`` lies inside.
    """
    each = out.shape[1]
    us, vs = np.empty(fine * fine), np.empty(fine * fine)
    for s in range(len(shape_at) - 1):
        wide, high = bounds[s, 2] - bounds[s, 0], bounds[s, 3] - bounds[s, 1]
        n = 0
        for b in range(fine):
            v = bounds[s, 1] + (b + 0.5) / fine * high
            for a in range(fine):
                u = bounds[s, 0] + (a + 0.5) / fine * wide
                if inside(points, ring_at, shape_at[s], shape_at[s + 1], u, v):
                    us[n], vs[n] = u, v
                    n += 1
        if n == 0:
            continue
        lower = (each + 1) // 2
        for p in range(each):
            upper = p >= lower
            first, last = (n // 2, n) if upper and n > 1 else (0, max(n - n // 2, 1))
            order = np.argsort(us[first:last], kind="mergesort")
            of = each - lower if upper else lower
            k = p - lower if upper else p
            pick = first + order[int((k + 0.5) / of * (last - first))]
            out[s, p, 0], out[s, p, 1] = us[pick], vs[pick]
