"""Regions of a window of a surface model: their sums, joins, borders and planes.

A region is described by the sums of its normal equations, see :mod:`segment`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pvplanner.roofs.segment import SUMS, add_to, solve


@njit(cache=True)
def region_sums(
    z: np.ndarray, ok: np.ndarray, labels: np.ndarray, count: int, cell: float
) -> np.ndarray:
    """Sums of the normal equations of labels 0 to ``count - 1``."""
    rows, cols = z.shape
    ci, cj = rows / 2.0, cols / 2.0
    sums = np.zeros((count, SUMS))
    for i in range(rows):
        for j in range(cols):
            if ok[i, j] and labels[i, j] > 0:
                add_to(sums[labels[i, j]], (j - cj) * cell, (ci - i) * cell, z[i, j], 1.0)
    return sums


@njit(cache=True)
def neighbours(labels: np.ndarray, count: int, reach: int) -> np.ndarray:
    """How many pairs of cells within ``reach`` of each other two labels have."""
    rows, cols = labels.shape
    out = np.zeros((count, count), dtype=np.int64)
    for i in range(rows):
        for j in range(cols):
            one = labels[i, j]
            if one <= 0:
                continue
            for d in range(1, reach + 1):
                if j + d < cols and labels[i, j + d] > 0 and labels[i, j + d] != one:
                    out[one, labels[i, j + d]] += 1
                    out[labels[i, j + d], one] += 1
                if i + d < rows and labels[i + d, j] > 0 and labels[i + d, j] != one:
                    out[one, labels[i + d, j]] += 1
                    out[labels[i + d, j], one] += 1
    return out


@njit(cache=True)
def merge(sums: np.ndarray, touch: np.ndarray, limit: float) -> np.ndarray:
    """Join neighbours whose common plane fits nearly as well; new label of each old one.

    The cost of a join is the growth of the residual sum of squares for each cell of the smaller
    region; the cheapest goes first, up to ``limit`` squared.
    """
    count = len(sums)
    head = np.arange(count)
    rss = np.zeros(count)
    for k in range(count):
        if sums[k, 0] >= 1:
            rss[k] = solve(sums[k])[3]
    while True:
        cheapest, pair_i, pair_j = limit * limit, -1, -1
        for i in range(count):
            if head[i] != i or sums[i, 0] < 1:
                continue
            for j in range(i + 1, count):
                if head[j] != j or touch[i, j] < 2 or sums[j, 0] < 1:
                    continue
                both = solve(sums[i] + sums[j])[3]
                cost = (both - rss[i] - rss[j]) / min(sums[i, 0], sums[j, 0])
                if cost < cheapest:
                    cheapest, pair_i, pair_j = cost, i, j
        if pair_i < 0:
            break
        sums[pair_i] += sums[pair_j]
        rss[pair_i] = solve(sums[pair_i])[3]
        touch[pair_i] += touch[pair_j]
        touch[:, pair_i] += touch[:, pair_j]
        touch[pair_i, pair_i] = 0
        for k in range(count):
            if head[k] == pair_j:
                head[k] = pair_i
    return head


@njit(cache=True)
def relabel(
    z: np.ndarray,
    ok: np.ndarray,
    inside: np.ndarray,
    labels: np.ndarray,
    planes: np.ndarray,
    cell: float,
    options: np.ndarray,
) -> int:
    """Give each inside cell the neighbouring label that suits its height and surroundings best.

    ``options``: sigma, largest cost of a residual, cost of an unlike neighbour. Returns how many
    cells changed; sweeps until few do.
    """
    sigma, most, unlike = options[0], options[1], options[2]
    rows, cols = z.shape
    ci, cj = rows / 2.0, cols / 2.0
    total = 0
    found = np.empty(9, dtype=np.int64)
    for sweep in range(12):
        changed = 0
        for k in range(rows * cols):
            i, j = k // cols, k % cols
            if sweep % 2 == 1:
                i, j = rows - 1 - i, cols - 1 - j
            if not inside[i, j]:
                continue
            n = 0
            if labels[i, j] > 0:
                found[0] = labels[i, j]
                n = 1
            for p in range(max(0, i - 1), min(rows, i + 2)):
                for q in range(max(0, j - 1), min(cols, j + 2)):
                    if inside[p, q] and labels[p, q] > 0:
                        new = True
                        for m in range(n):
                            if found[m] == labels[p, q]:
                                new = False
                        if new:
                            found[n] = labels[p, q]
                            n += 1
            if n == 0:
                continue
            cheapest, chosen = 1e30, labels[i, j]
            x, y = (j - cj) * cell, (ci - i) * cell
            for m in range(n):
                own = found[m]
                cost = 0.0
                if ok[i, j]:
                    r = (planes[own, 0] * x + planes[own, 1] * y + planes[own, 2] - z[i, j]) / sigma
                    # Far off either way, the nearer plane is still the likelier one.
                    cost = min(0.5 * r * r, most + 0.02 * abs(r))
                for p in range(max(0, i - 1), min(rows, i + 2)):
                    for q in range(max(0, j - 1), min(cols, j + 2)):
                        if inside[p, q] and labels[p, q] > 0 and labels[p, q] != own:
                            cost += unlike * (1.0 if p == i or q == j else 0.7)
                if cost < cheapest - 1e-9:
                    cheapest, chosen = cost, own
            if chosen != labels[i, j]:
                labels[i, j] = chosen
                changed += 1
        total += changed
        if changed <= 1:
            break
    return total


@njit(cache=True)
def components(labels: np.ndarray, fewest: int) -> tuple[np.ndarray, int]:
    """Labels 1, 2, ... of the connected pieces of each label; pieces under ``fewest`` become 0."""
    rows, cols = labels.shape
    out = np.zeros(labels.shape, dtype=np.int64)
    done = np.zeros(labels.shape, dtype=np.bool_)
    stack = np.empty((rows * cols, 2), dtype=np.int64)
    label = 1
    for i0 in range(rows):
        for j0 in range(cols):
            if labels[i0, j0] <= 0 or done[i0, j0]:
                continue
            one = labels[i0, j0]
            stack[0, 0], stack[0, 1] = i0, j0
            done[i0, j0] = True
            head, tail = 0, 1
            while head < tail:
                i, j = stack[head, 0], stack[head, 1]
                head += 1
                for step in range(4):
                    p = i + (1 if step == 0 else -1 if step == 1 else 0)
                    q = j + (1 if step == 2 else -1 if step == 3 else 0)
                    if 0 <= p < rows and 0 <= q < cols and not done[p, q] and labels[p, q] == one:
                        done[p, q] = True
                        stack[tail, 0], stack[tail, 1] = p, q
                        tail += 1
            if tail >= fewest:
                for t in range(tail):
                    out[stack[t, 0], stack[t, 1]] = label
                label += 1
    return out, label


@njit(cache=True)
def robust_planes(
    z: np.ndarray,
    ok: np.ndarray,
    labels: np.ndarray,
    count: int,
    cell: float,
    sigma: float,
    blur: int,
) -> np.ndarray:
    """Plane of each label from its inner cells, far residuals weighted down.

    Returns
    -------
    ndarray
        (count, 9): slope east, slope north, height at the middle, rms of the inner residuals,
        cells used, share of the label's cells within three sigma, and the spread of the places
        (sums of squares east, east by north, north, m2).
    """
    rows, cols = z.shape
    ci, cj = rows / 2.0, cols / 2.0
    inner = np.zeros(labels.shape, dtype=np.bool_)
    plenty = np.zeros(count, dtype=np.int64)
    for i in range(rows):
        for j in range(cols):
            one = labels[i, j]
            if one <= 0 or not ok[i, j]:
                continue
            alone = True
            for p in range(i - 1, i + 2):
                for q in range(j - 1, j + 2):
                    if p < 0 or q < 0 or p >= rows or q >= cols or labels[p, q] != one:
                        alone = False
            inner[i, j] = alone
            plenty[one] += alone
    out = np.zeros((count, 9))
    for turn in range(6):
        sums = np.zeros((count, SUMS))
        for i in range(rows):
            for j in range(cols):
                one = labels[i, j]
                if one <= 0 or not ok[i, j]:
                    continue
                if blur > 0 and plenty[one] >= 12 and not inner[i, j]:
                    continue
                x, y = (j - cj) * cell, (ci - i) * cell
                w = 1.0
                if turn > 0:
                    r = abs(out[one, 0] * x + out[one, 1] * y + out[one, 2] - z[i, j])
                    t = r / (4.685 * max(out[one, 3], 0.5 * sigma))
                    w = (1.0 - t * t) ** 2 if t < 1.0 else 0.0
                add_to(sums[one], x, y, z[i, j], w)
        for k in range(1, count):
            if sums[k, 0] > 3.5:
                a, b, c, rss = solve(sums[k])
                out[k, 0], out[k, 1], out[k, 2] = a, b, c
                scale = np.sqrt(rss / (sums[k, 0] - 3.0))
                out[k, 3] = min(max(scale, 0.01), 3.0 * sigma) if turn < 5 else scale
                n, x, y = sums[k, 0], sums[k, 1], sums[k, 2]
                out[k, 4] = n
                out[k, 6] = sums[k, 4] - x * x / n
                out[k, 7] = sums[k, 5] - x * y / n
                out[k, 8] = sums[k, 6] - y * y / n
    total = np.zeros(count)
    for i in range(rows):
        for j in range(cols):
            one = labels[i, j]
            if one > 0:
                total[one] += 1
                if ok[i, j]:
                    x, y = (j - cj) * cell, (ci - i) * cell
                    r = out[one, 0] * x + out[one, 1] * y + out[one, 2] - z[i, j]
                    out[one, 5] += abs(r) <= 3.0 * sigma
    for k in range(1, count):
        if total[k] > 0:
            out[k, 5] /= total[k]
    return out


@njit(cache=True)
def alike(z: np.ndarray, labels: np.ndarray, planes: np.ndarray, cell: float) -> np.ndarray:
    """Correlation of the residuals of cells side by side, for each label; ``nan`` if too few."""
    rows, cols = z.shape
    ci, cj = rows / 2.0, cols / 2.0
    count = len(planes)
    both, square, n = np.zeros(count), np.zeros(count), np.zeros(count)
    res = np.full(z.shape, np.nan)
    for i in range(rows):
        for j in range(cols):
            k = labels[i, j]
            if k > 0 and np.isfinite(z[i, j]):
                x, y = (j - cj) * cell, (ci - i) * cell
                r = z[i, j] - (planes[k, 0] * x + planes[k, 1] * y + planes[k, 2])
                if abs(r) < 3.0 * planes[k, 3] + 0.02:
                    res[i, j] = r
    for i in range(rows - 1):
        for j in range(cols - 1):
            k = labels[i, j]
            if k <= 0 or not np.isfinite(res[i, j]):
                continue
            for step in range(2):
                p, q = i + step, j + 1 - step
                if labels[p, q] == k and np.isfinite(res[p, q]):
                    both[k] += res[i, j] * res[p, q]
                    square[k] += 0.5 * (res[i, j] ** 2 + res[p, q] ** 2)
                    n[k] += 1
    out = np.full(count, np.nan)
    for k in range(1, count):
        if n[k] >= 40 and square[k] > 0:
            out[k] = both[k] / square[k]
    return out


@njit(cache=True)
def straighten(labels: np.ndarray, planes: np.ndarray, cell: float, turns: int) -> None:
    """Move the borders of planes that cross to where they cross.

    Ridges, hips and valleys are the lines in which two planes meet; noise only blurs where that
    is. A cell near the border goes to the plane on whose side of the line it lies, where the line
    lies between the middles of both.
    """
    rows, cols = labels.shape
    ci, cj = rows / 2.0, cols / 2.0
    count = len(planes)
    middle = np.zeros((count, 3))
    for i in range(rows):
        for j in range(cols):
            k = labels[i, j]
            if k > 0:
                middle[k, 0] += (j - cj) * cell
                middle[k, 1] += (ci - i) * cell
                middle[k, 2] += 1.0
    for k in range(1, count):
        if middle[k, 2] > 0:
            middle[k, 0] /= middle[k, 2]
            middle[k, 1] /= middle[k, 2]
    for _ in range(turns):
        before = labels.copy()
        for i in range(1, rows - 1):
            for j in range(1, cols - 1):
                one = before[i, j]
                if one <= 0:
                    continue
                x, y = (j - cj) * cell, (ci - i) * cell
                for step in range(4):
                    p = i + (1 if step == 0 else -1 if step == 1 else 0)
                    q = j + (1 if step == 2 else -1 if step == 3 else 0)
                    two = before[p, q]
                    if two <= 0 or two == one:
                        continue
                    a = planes[one, 0] - planes[two, 0]
                    b = planes[one, 1] - planes[two, 1]
                    c = planes[one, 2] - planes[two, 2]
                    bend = np.hypot(a, b)
                    here = a * x + b * y + c
                    if bend < 0.2 or abs(here) > 2.0 * bend * cell:
                        continue
                    mine = a * middle[one, 0] + b * middle[one, 1] + c
                    other = a * middle[two, 0] + b * middle[two, 1] + c
                    if mine * other < 0 and here * mine < 0:
                        labels[i, j] = two
                        break
