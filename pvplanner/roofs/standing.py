"""What stands on planes and is no plane: obstacles, parapets, small things on larger roofs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from pvplanner.roofs import regions, segment
from pvplanner.roofs.surface import renumber

LEVEL_SLOPE = 0.09
PARAPET_WIDE_M, PARAPET_HIGH_M = 1.1, 1.3
"""A strip along a level roof no wider and no higher than this is its parapet."""


@njit(cache=True)
def standing_on(
    z: np.ndarray,
    labels: np.ndarray,
    planes: np.ndarray,
    cell: float,
    least: float,
    ring: int,
    few: int,
) -> np.ndarray:
    """Cells of what stands on the planes: higher than ``least`` above them, in groups.

    A group must reach further in than ``ring`` cells from another plane or the outline (what only
    lines an edge is a parapet or a blurred step) and hold ``few`` cells or more.
    """
    rows, cols = z.shape
    ci, cj = rows / 2.0, cols / 2.0
    high = np.zeros(z.shape, dtype=np.int64)
    inner = np.zeros(z.shape, dtype=np.bool_)
    for i in range(rows):
        for j in range(cols):
            k = labels[i, j]
            if k <= 0:
                continue
            alone = True
            for p in range(i - ring, i + ring + 1):
                for q in range(j - ring, j + ring + 1):
                    if p < 0 or q < 0 or p >= rows or q >= cols or labels[p, q] != k:
                        alone = False
            inner[i, j] = alone
            if np.isfinite(z[i, j]):
                x, y = (j - cj) * cell, (ci - i) * cell
                if z[i, j] - (planes[k, 0] * x + planes[k, 1] * y + planes[k, 2]) > least:
                    high[i, j] = k
    groups, count = regions.components(high, few)
    deep = np.zeros(count, dtype=np.int64)
    for i in range(rows):
        for j in range(cols):
            if groups[i, j] > 0 and inner[i, j]:
                deep[groups[i, j]] += 1
    for i in range(rows):
        for j in range(cols):
            if groups[i, j] > 0 and deep[groups[i, j]] == 0:
                groups[i, j] = 0
    return groups


@njit(cache=True)
def absorb_small(
    z: np.ndarray, labels: np.ndarray, planes: np.ndarray, cell: float, most: float, least: float
) -> int:
    """Give small planes that stand on a larger one to it, in place: they are obstacles, not roofs.

    So are narrow strips along a level plane: a parapet, blurred to a slope of its own.

    ``most``: m2. ``least``: height above the larger plane, m. Returns the number of labels.
    """
    rows, cols = z.shape
    ci, cj = rows / 2.0, cols / 2.0
    count = len(planes)
    size, rim = np.zeros(count), np.zeros(count)
    for i in range(1, rows - 1):
        for j in range(1, cols - 1):
            k = labels[i, j]
            if k > 0:
                size[k] += cell * cell
                rim[k] += cell * (
                    (labels[i - 1, j] != k) + (labels[i + 1, j] != k)
                    + (labels[i, j - 1] != k) + (labels[i, j + 1] != k)
                )  # fmt: skip
    reach: Any = np.int64(1)
    touch = regions.neighbours(labels, count, reach)
    head = np.arange(count)
    for k in range(1, count):
        if size[k] >= 2.0 * most or size[k] == 0:
            continue
        host = int(np.argmax(touch[k]))
        if touch[k, host] == 0 or size[host] <= size[k] or head[host] != host:
            continue
        above, n = 0.0, 0
        for i in range(rows):
            for j in range(cols):
                if labels[i, j] == k and np.isfinite(z[i, j]):
                    x, y = (j - cj) * cell, (ci - i) * cell
                    above += z[i, j]
                    above -= planes[host, 0] * x + planes[host, 1] * y + planes[host, 2]
                    n += 1
        if n == 0 or 2 * touch[k, host] <= touch[k].sum():
            continue
        above /= n
        level = np.hypot(planes[host, 0], planes[host, 1]) <= LEVEL_SLOPE
        strip = level and 2.0 * size[k] / rim[k] < PARAPET_WIDE_M and -0.3 < above < PARAPET_HIGH_M
        if strip or (size[k] < most and above > least):
            head[k] = host
    return renumber(labels, head)


@njit(cache=True)
def parapets(z: np.ndarray, labels: np.ndarray, planes: np.ndarray, cell: float) -> np.ndarray:
    """Median height of the outermost cells above each level plane, m; 0 for sloping ones."""
    rows, cols = z.shape
    ci, cj = rows / 2.0, cols / 2.0
    count = len(planes)
    out = np.zeros(count)
    found = np.empty(rows * cols)
    for k in range(1, count):
        if np.hypot(planes[k, 0], planes[k, 1]) > 0.09:
            continue
        n = 0
        for i in range(1, rows - 1):
            for j in range(1, cols - 1):
                if labels[i, j] != k or not np.isfinite(z[i, j]):
                    continue
                edge = labels[i - 1, j] == 0 or labels[i + 1, j] == 0
                if edge or labels[i, j - 1] == 0 or labels[i, j + 1] == 0:
                    x, y = (j - cj) * cell, (ci - i) * cell
                    found[n] = z[i, j] - (planes[k, 0] * x + planes[k, 1] * y + planes[k, 2])
                    n += 1
        if n >= 8:
            out[k] = max(0.0, segment.middle(found, n))
    return out
