"""Planes in a window of a surface model: local fits, region growing, merging, relabelling.

All heights are relative to the window's own level and all places to its middle, in double
precision, so that the normal equations stay well conditioned. Everything here is arithmetic on
small arrays (numba); a region is described by the sums of its normal equations, which makes the
cost of joining two regions a matter of adding eleven numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

SUMS = 10
"""n, x, y, z, xx, xy, yy, xz, yz, zz."""

NO_FIT = 1e3


@njit(cache=True, inline="always")
def _solve(s: np.ndarray) -> tuple[float, float, float, float]:
    """Slope east, slope north, height at the origin and residual sum of squares of a plane."""
    n = s[0]
    mx, my, mz = s[1] / n, s[2] / n, s[3] / n
    xx, xy, yy = s[4] - n * mx * mx, s[5] - n * mx * my, s[6] - n * my * my
    xz, yz = s[7] - n * mx * mz, s[8] - n * my * mz
    zz = s[9] - n * mz * mz
    det = xx * yy - xy * xy
    if det <= 1e-6 * (xx + yy) * (xx + yy) + 1e-12:
        return 0.0, 0.0, mz, max(zz, 0.0)
    a = (xz * yy - yz * xy) / det
    b = (yz * xx - xz * xy) / det
    rss = zz - a * xz - b * yz
    return a, b, mz - a * mx - b * my, max(rss, 0.0)


@njit(cache=True, inline="always")
def _add(s: np.ndarray, x: float, y: float, z: float, w: float) -> None:
    s[0] += w
    s[1] += w * x
    s[2] += w * y
    s[3] += w * z
    s[4] += w * x * x
    s[5] += w * x * y
    s[6] += w * y * y
    s[7] += w * x * z
    s[8] += w * y * z
    s[9] += w * z * z


@njit(cache=True)
def spikes(z: np.ndarray, limit: float) -> np.ndarray:
    """Single cells that stand off the median of their eight neighbours by more than ``limit``."""
    rows, cols = z.shape
    out = np.zeros(z.shape, dtype=np.bool_)
    near = np.empty(8)
    for i in range(rows):
        for j in range(cols):
            if not np.isfinite(z[i, j]):
                continue
            n = 0
            close = 0
            for di in range(-1, 2):
                for dj in range(-1, 2):
                    p, q = i + di, j + dj
                    if (di != 0 or dj != 0) and 0 <= p < rows and 0 <= q < cols:
                        v = z[p, q]
                        if np.isfinite(v):
                            near[n] = v
                            n += 1
                            if abs(v - z[i, j]) < 0.5 * limit:
                                close += 1
            if n >= 4 and close <= 1 and abs(np.median(near[:n]) - z[i, j]) > limit:
                out[i, j] = True
    return out


@njit(cache=True)
def local_fits(z: np.ndarray, ok: np.ndarray, cell: float, reach: int) -> np.ndarray:
    """Plane through the window around each cell: slope east, slope north, height there, rms."""
    rows, cols = z.shape
    out = np.full((4, rows, cols), NO_FIT)
    s = np.empty(SUMS)
    least = (2 * reach + 1) * (reach + 1)
    for i in range(rows):
        for j in range(cols):
            if not ok[i, j]:
                continue
            s[:] = 0.0
            for p in range(max(0, i - reach), min(rows, i + reach + 1)):
                for q in range(max(0, j - reach), min(cols, j + reach + 1)):
                    if ok[p, q]:
                        _add(s, (q - j) * cell, (i - p) * cell, z[p, q] - z[i, j], 1.0)
            if s[0] < least:
                continue
            a, b, c, rss = _solve(s)
            out[0, i, j], out[1, i, j], out[2, i, j] = a, b, c + z[i, j]
            out[3, i, j] = np.sqrt(rss / max(s[0] - 3.0, 1.0))
    return out


@njit(cache=True)
def best_fits(
    fits: np.ndarray, z: np.ndarray, ok: np.ndarray, cell: float, reach: int, within: float
) -> np.ndarray:
    """For each cell the smoothest window that holds it: slopes and rms (crisp at edges)."""
    rows, cols = z.shape
    out = np.full((3, rows, cols), NO_FIT)
    for i in range(rows):
        for j in range(cols):
            if not ok[i, j]:
                continue
            for p in range(max(0, i - reach), min(rows, i + reach + 1)):
                for q in range(max(0, j - reach), min(cols, j + reach + 1)):
                    rms = fits[3, p, q]
                    if rms >= out[2, i, j]:
                        continue
                    at = fits[2, p, q] + fits[0, p, q] * (j - q) * cell
                    at += fits[1, p, q] * (p - i) * cell
                    if abs(at - z[i, j]) <= within:
                        out[0, i, j], out[1, i, j], out[2, i, j] = fits[0, p, q], fits[1, p, q], rms
    return out


@njit(cache=True)
def grow(
    z: np.ndarray,
    ok: np.ndarray,
    labels: np.ndarray,
    fits: np.ndarray,
    best: np.ndarray,
    cell: float,
    options: np.ndarray,
    first: int,
) -> int:
    """Grow regions from the smoothest cells on; returns the next free label.

    ``options``: largest rms of a seed, largest residual of a member, smallest cosine between
    normals, fewest cells of a region.
    """
    seed_rms, within, cosine, fewest = options[0], options[1], options[2], options[3]
    rows, cols = z.shape
    order = np.argsort(fits[3].ravel())
    queue = np.empty((rows * cols, 2), dtype=np.int64)
    s = np.empty(SUMS)
    label = first
    ci, cj = rows / 2.0, cols / 2.0
    for k in order:
        i, j = k // cols, k % cols
        if fits[3, i, j] > seed_rms:
            break
        if labels[i, j] != 0 or not ok[i, j]:
            continue
        s[:] = 0.0
        a, b = fits[0, i, j], fits[1, i, j]
        c = fits[2, i, j] - a * (j - cj) * cell - b * (ci - i) * cell
        queue[0, 0], queue[0, 1] = i, j
        labels[i, j] = label
        _add(s, (j - cj) * cell, (ci - i) * cell, z[i, j], 1.0)
        head, tail, refit = 0, 1, 12
        while head < tail:
            i, j = queue[head, 0], queue[head, 1]
            head += 1
            for step in range(4):
                p = i + (1 if step == 0 else -1 if step == 1 else 0)
                q = j + (1 if step == 2 else -1 if step == 3 else 0)
                if p < 0 or q < 0 or p >= rows or q >= cols:
                    continue
                if labels[p, q] != 0 or not ok[p, q]:
                    continue
                x, y = (q - cj) * cell, (ci - p) * cell
                if abs(a * x + b * y + c - z[p, q]) > within:
                    continue
                if best[2, p, q] < NO_FIT:
                    u, v = best[0, p, q], best[1, p, q]
                    dot = 1.0 + a * u + b * v
                    size = np.sqrt((1.0 + a * a + b * b) * (1.0 + u * u + v * v))
                    if dot < cosine * size:
                        continue
                labels[p, q] = label
                queue[tail, 0], queue[tail, 1] = p, q
                tail += 1
                _add(s, x, y, z[p, q], 1.0)
            if tail >= refit:
                a, b, c, _ = _solve(s)
                refit = tail + max(6, tail // 4)
        if tail < fewest:
            for t in range(tail):
                labels[queue[t, 0], queue[t, 1]] = 0
        else:
            label += 1
    return label


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
                _add(sums[labels[i, j]], (j - cj) * cell, (ci - i) * cell, z[i, j], 1.0)
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
            rss[k] = _solve(sums[k])[3]
    while True:
        cheapest, pair_i, pair_j = limit * limit, -1, -1
        for i in range(count):
            if head[i] != i or sums[i, 0] < 1:
                continue
            for j in range(i + 1, count):
                if head[j] != j or touch[i, j] < 2 or sums[j, 0] < 1:
                    continue
                both = _solve(sums[i] + sums[j])[3]
                cost = (both - rss[i] - rss[j]) / min(sums[i, 0], sums[j, 0])
                if cost < cheapest:
                    cheapest, pair_i, pair_j = cost, i, j
        if pair_i < 0:
            break
        sums[pair_i] += sums[pair_j]
        rss[pair_i] = _solve(sums[pair_i])[3]
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
    sums = np.zeros((count, SUMS))
    for turn in range(6):
        sums[:] = 0.0
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
                _add(sums[one], x, y, z[i, j], w)
        for k in range(1, count):
            if sums[k, 0] > 3.5:
                a, b, c, rss = _solve(sums[k])
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
def rings_inside(
    points: np.ndarray, starts: np.ndarray, west: float, north: float, cell: float, shape: tuple
) -> np.ndarray:
    """Cells whose middle lies inside rings (even-odd, so holes are out)."""
    rows, cols = shape
    out = np.zeros((rows, cols), dtype=np.bool_)
    for r in range(len(starts) - 1):
        for k in range(starts[r], starts[r + 1] - 1):
            x0, y0 = (points[k, 0] - west) / cell, (north - points[k, 1]) / cell
            x1, y1 = (points[k + 1, 0] - west) / cell, (north - points[k + 1, 1]) / cell
            if y0 == y1:
                continue
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            top = max(0, int(np.ceil(y0 - 0.5)))
            end = min(rows, int(np.ceil(y1 - 0.5)))
            for i in range(top, end):
                x = x0 + (i + 0.5 - y0) * (x1 - x0) / (y1 - y0)
                begin = max(0, int(np.ceil(x - 0.5)))
                for j in range(begin, cols):
                    out[i, j] = not out[i, j]
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
