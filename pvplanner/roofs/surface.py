"""Planes of one building in a window of the surface model: offset, noise, regions, fits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from pvplanner.roofs import regions, segment

JOIN = 1.5
GRAINY = 2.2
TURN_DEG = 6.0
ACROSS_M = 4.0


@njit(cache=True)
def _low_quantile(values: np.ndarray, q: float) -> float:
    if len(values) == 0:
        return np.nan
    return np.sort(values)[int(q * (len(values) - 1))]


@njit(cache=True)
def _erode(mask: np.ndarray) -> np.ndarray:
    rows, cols = mask.shape
    out = np.zeros(mask.shape, dtype=np.bool_)
    for i in range(1, rows - 1):
        for j in range(1, cols - 1):
            out[i, j] = mask[i, j] and mask[i - 1, j] and mask[i + 1, j]
            out[i, j] = out[i, j] and mask[i, j - 1] and mask[i, j + 1]
    return out


@njit(cache=True)
def local_noise(z: np.ndarray, inside: np.ndarray, cell: float, blur: int, quiet: float) -> float:
    """Misfit of small windows inside an outline at a low quantile, m; ``nan`` if too few fit."""
    ok = inside & np.isfinite(z) & ~segment.spikes(z, 0.4 + cell)
    for _ in range(blur):
        ok = ok & _erode(inside)
    rms = segment.local_fits(z, ok, cell, _reach(cell))[3].ravel()
    found = rms[rms < segment.NO_FIT]
    return _low_quantile(found, quiet) if len(found) >= 20 else np.nan


@njit(cache=True, inline="always")
def _reach(cell: float) -> int:
    return min(4, max(1, round(1.0 / cell)))


@njit(cache=True, inline="always")
def _slope_noise(sigma: float, grain: float, cell: float, reach: int) -> float:
    """One-sigma error of the slope of a window's plane."""
    side = 2 * reach + 1
    squares = side * side * (side * side - 1) / 12.0
    return sigma * np.sqrt(min(grain, 12.0) / squares) / cell


@njit(cache=True)
def _drop_walls(
    labels: np.ndarray,
    planes: np.ndarray,
    count: int,
    steepest: float,
    blur: int,
    ok: np.ndarray,
) -> None:
    """Walls are not roofs: their cells go to the planes beside them, without a say of their own.

    A wall is steeper than ``steepest``; where the surface is blurred, also a strip too narrow for a
    block of ``2 blur + 1`` cells and steeper than about 50 degrees.
    """
    rows, cols = labels.shape
    broad = np.zeros(count, dtype=np.bool_)
    for i in range(blur, rows - blur):
        for j in range(blur, cols - blur):
            k = labels[i, j]
            if k <= 0 or broad[k]:
                continue
            whole = True
            for p in range(i - blur, i + blur + 1):
                for q in range(j - blur, j + blur + 1):
                    if labels[p, q] != k:
                        whole = False
            broad[k] = whole
    for i in range(rows):
        for j in range(cols):
            k = labels[i, j]
            if k <= 0:
                continue
            slope = np.hypot(planes[k, 0], planes[k, 1])
            if slope > steepest or (blur > 1 and slope > 1.2 and not broad[k]):
                labels[i, j] = 0
                ok[i, j] = False


@njit(cache=True)
def _plane_sums(
    z: np.ndarray, ok: np.ndarray, labels: np.ndarray, count: int, cell: float, planes: np.ndarray
) -> np.ndarray:
    """Sums of each label as if its cells lay on its plane: what stands on it does not count."""
    sums = regions.region_sums(z, ok, labels, count, cell)
    for k in range(1, count):
        n, x, y = sums[k, 0], sums[k, 1], sums[k, 2]
        a, b, c = planes[k, 0], planes[k, 1], planes[k, 2]
        sums[k, 3] = a * x + b * y + c * n
        sums[k, 7] = a * sums[k, 4] + b * sums[k, 5] + c * x
        sums[k, 8] = a * sums[k, 5] + b * sums[k, 6] + c * y
        sums[k, 9] = a * sums[k, 7] + b * sums[k, 8] + c * sums[k, 3]
    return sums


@njit(cache=True)
def find_planes(
    z: np.ndarray,
    inside: np.ndarray,
    cell: float,
    sigma: float,
    local: float,
    blur: int,
    grain: float,
    least: float,
    steepest: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of the cells inside an outline, and their planes.

    ``sigma`` and ``local``: noise about a whole plane and within a small window, m. ``blur``: how
    many of the outermost cells hold a part of the wall's fall. ``grain``: cells that err together.
    ``least``: smallest plane, m2.
    """
    known = inside & np.isfinite(z) & ~segment.spikes(z, 0.4 + cell)
    firm = inside.copy()
    for _ in range(blur):
        firm = _erode(firm)
    ok = known & firm
    reach = _reach(cell)
    fewest = max(4, int(np.ceil(least / cell / cell)))
    within = 3.0 * sigma + 0.06
    wide = segment.local_fits(z, ok, cell, reach)
    best = segment.best_fits(wide, z, ok, cell, reach, within)
    labels = np.zeros(z.shape, dtype=np.int64)
    turn = np.radians(TURN_DEG) + 5.0 * _slope_noise(sigma, grain, cell, reach)
    turn = min(turn, np.radians(20.0))
    options = np.array([2.0 * local + 0.03, within, np.cos(turn), float(fewest)])
    # Typed, as all numbers passed between kernels are: a literal would compile them twice.
    narrow: Any = np.int64(1)
    label = segment.grow(z, ok, labels, wide, best, cell, options, narrow)
    if reach > 1:
        # What is left over is narrow: smaller windows see it.
        rest = ok & (labels == 0)
        small = segment.local_fits(z, rest, cell, narrow)
        close = segment.best_fits(small, z, rest, cell, narrow, within)
        options[2] = np.cos(1.5 * turn)
        label = segment.grow(z, ok, labels, small, close, cell, options, label)
    join = max(0.05, JOIN * sigma) * min(GRAINY, grain**0.4)
    costs = np.array([max(sigma, 0.05), 8.0, 1.0])
    for _ in range(3):
        planes = regions.robust_planes(z, ok, labels, label, cell, sigma, blur)
        _drop_walls(labels, planes, label, steepest, blur, ok)
        regions.relabel(z, ok, inside, labels, planes, cell, costs)
        sums = _plane_sums(z, ok, labels, label, cell, planes)
        head = regions.merge(sums, regions.neighbours(labels, label, 2 * narrow), join)
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                labels[i, j] = head[labels[i, j]]
        labels, label = regions.components(labels, fewest)
    planes = regions.robust_planes(z, ok, labels, label, cell, sigma, blur)
    regions.relabel(z, ok, inside, labels, planes, cell, costs)
    regions.straighten(labels, planes, cell, 3)
    labels, label = regions.components(labels, fewest)
    planes = regions.robust_planes(z, ok, labels, label, cell, sigma, blur)
    # A dormer may cut a slope in two: the pieces are one plane still.
    sums = _plane_sums(z, ok, labels, label, cell, planes)
    near = regions.neighbours(labels, label, round(ACROSS_M / cell))
    head = regions.merge(sums, near, min(join, 0.15))
    label = renumber(labels, head)
    return labels, regions.robust_planes(z, ok, labels, label, cell, sigma, blur)


@njit(cache=True)
def renumber(labels: np.ndarray, head: np.ndarray) -> int:
    """Labels of joined regions as 1, 2, ... in place; returns how many there are, 0 included."""
    number = np.zeros(len(head), dtype=np.int64)
    count = 1
    for k in range(1, len(head)):
        if head[k] == k:
            number[k] = count
            count += 1
    for i in range(labels.shape[0]):
        for j in range(labels.shape[1]):
            labels[i, j] = number[head[labels[i, j]]]
    return count


@njit(cache=True)
def spread(labels: np.ndarray, inside: np.ndarray, turns: int) -> np.ndarray:
    """Labels carried on to the unlabelled cells beside them, ``turns`` cells far."""
    rows, cols = labels.shape
    out = labels.copy()
    for _ in range(turns):
        before = out.copy()
        for i in range(rows):
            for j in range(cols):
                if before[i, j] > 0:
                    continue
                for p in range(max(0, i - 1), min(rows, i + 2)):
                    for q in range(max(0, j - 1), min(cols, j + 2)):
                        if before[p, q] > 0 and (out[i, j] == 0 or p == i or q == j):
                            out[i, j] = before[p, q]
    return out


@njit(cache=True)
def low_planes(
    z: np.ndarray, labels: np.ndarray, planes: np.ndarray, ground: np.ndarray, least: float
) -> np.ndarray:
    """Which planes lie nearer to the ground than a roof does; ``ground`` may be nan."""
    count = len(planes)
    above, n = np.zeros(count), np.zeros(count)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            k = labels[i, j]
            if k > 0 and np.isfinite(z[i, j]) and np.isfinite(ground[i, j]):
                above[k] += z[i, j] - ground[i, j]
                n[k] += 1
    out = np.zeros(count, dtype=np.bool_)
    for k in range(1, count):
        out[k] = n[k] > 0 and above[k] / n[k] < least
    return out


@njit(cache=True)
def one_plane(
    z: np.ndarray, inside: np.ndarray, cell: float, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """All cells inside an outline as one plane."""
    ok = inside & np.isfinite(z)
    labels = inside.astype(np.int64)
    two: Any = np.int64(2)
    return labels, regions.robust_planes(z, ok, labels, two, cell, sigma, 0 * two)
