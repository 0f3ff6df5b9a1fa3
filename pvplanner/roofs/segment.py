"""Planes in a window of a surface model: local fits and regions grown from them.

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
def solve(s: np.ndarray) -> tuple[float, float, float, float]:
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


@njit(cache=True)
def middle(values: np.ndarray, count: int) -> float:
    """Median of the first values."""
    ordered = np.sort(values[:count])
    half = count // 2
    return ordered[half] if count % 2 == 1 else 0.5 * (ordered[half - 1] + ordered[half])


@njit(cache=True, inline="always")
def add_to(s: np.ndarray, x: float, y: float, z: float, w: float) -> None:
    """Add a weighted point to the sums of a plane."""
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
            if n >= 4 and close <= 1 and abs(middle(near, n) - z[i, j]) > limit:
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
            for k in range(SUMS):
                s[k] = 0.0
            for p in range(max(0, i - reach), min(rows, i + reach + 1)):
                for q in range(max(0, j - reach), min(cols, j + reach + 1)):
                    if ok[p, q]:
                        add_to(s, (q - j) * cell, (i - p) * cell, z[p, q] - z[i, j], 1.0)
            if s[0] < least:
                continue
            a, b, c, rss = solve(s)
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
        for n in range(SUMS):
            s[n] = 0.0
        a, b = fits[0, i, j], fits[1, i, j]
        c = fits[2, i, j] - a * (j - cj) * cell - b * (ci - i) * cell
        queue[0, 0], queue[0, 1] = i, j
        labels[i, j] = label
        add_to(s, (j - cj) * cell, (ci - i) * cell, z[i, j], 1.0)
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
                add_to(s, x, y, z[p, q], 1.0)
            if tail >= refit:
                a, b, c, _ = solve(s)
                refit = tail + max(6, tail // 4)
        if tail < fewest:
            for t in range(tail):
                labels[queue[t, 0], queue[t, 1]] = 0
        else:
            label += 1
    return label


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
