"""Horizons of single points: rays over a surface model nearby, over coarse terrain far away.

A surface model is read as blocks: cell by cell near the point, so that a wall stands where its
cell begins; further out in steps that grow with the distance.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

NEAR_M = 8.0
"""Within this every cell on the ray is visited."""

STEP_GROWTH = 0.03
"""Steps beyond, over the distance: 0.13 degrees from every cell in the mean (tested)."""

DEM_GROWTH = 0.01
WALL_SLOPE = 1.2
"""A rise from sample to sample steeper than this is a wall, standing at the nearer edge."""

UNKNOWN = np.float32(-1e6)

REFRACTION = 0.13
"""Bending of light over the curvature of the Earth (standard coefficient of surveying)."""

EARTH_RADIUS_M = 6371008.8


@nb.njit(cache=True, error_model="numpy")
def without_spikes(heights: np.ndarray, over: float) -> np.ndarray:
    """A surface whose single cells stand no more than ``over`` above all their neighbours.

    Roofs take such cells for noise, and modules are laid over them: they may shade nothing either.
    """
    rows, cols = heights.shape
    out = heights.copy()
    for i in range(1, rows - 1):
        for j in range(1, cols - 1):
            top = max(max(heights[i - 1, j], heights[i + 1, j]), heights[i, j - 1])
            top = max(top, heights[i, j + 1])
            if heights[i, j] > top + over:
                top = max(max(top, heights[i - 1, j - 1]), heights[i - 1, j + 1])
                top = max(max(top, heights[i + 1, j - 1]), heights[i + 1, j + 1])
                out[i, j] = min(heights[i, j], top)
    return out


@nb.njit(cache=True)
def _distances(near: float, reach: float) -> np.ndarray:
    """Where the surface is sampled beyond ``near``, in cells: steps of a cell, then growing."""
    out = [near + 0.5]
    while out[-1] < reach:
        out.append(out[-1] + max(1.0, STEP_GROWTH * out[-1]))
    return np.array(out[:-1])


@nb.njit(cache=True, error_model="numpy")
def march(
    heights: np.ndarray, top: float, cell: float, points: np.ndarray, slopes: np.ndarray,
    clear: np.ndarray, reach: float, turn: float, out: np.ndarray,
) -> None:  # fmt: skip
    """Tangents of the horizon of points over a surface.

    Parameters
    ----------
    heights : float32 array, shape (rows, columns)
        Metres; :data:`UNKNOWN` where nothing is known. Must reach ``reach`` beyond all points.
    top : float
        Highest of ``heights``.
    cell : float
        Metres.
    points : float array, shape (n, 3)
        Column, row (in cells from the outer corner) and height (m).
    slopes : float array, shape (n, 2)
        Rise of the point's own plane to the east and to the north, m/m. It hides what is below it,
        and only what stands more than ``clear`` above it is something else.
    clear : float array, shape (n,)
        Metres.
    reach : float
        Metres.
    turn : float
        Direction of the first ray, degrees clockwise from the grid's north.
    out : float32 array, shape (n, directions)
        Tangents, at least what is there.
    """
    count, directions = out.shape
    rows, cols = heights.shape
    near = min(NEAR_M, reach) / cell
    away = _distances(near, reach / cell)
    for d in range(directions):
        angle = math.radians(turn + 360.0 * d / directions)
        east, north = math.sin(angle), math.cos(angle)
        across = 1.0 / max(abs(east), 1e-12)
        along = 1.0 / max(abs(north), 1e-12)
        right = 1 if east > 0 else -1
        down = 1 if north < 0 else -1
        for n in range(count):
            x, y, z = points[n, 0], points[n, 1], points[n, 2]
            own = (slopes[n, 0] * east + slopes[n, 1] * north) * cell
            best = max(out[n, d] * cell, own, 0.0)
            room = top - z
            j, i = int(x), int(y)
            t_x = ((j + 1 - x) if east > 0 else (x - j)) * across
            t_y = ((i + 1 - y) if north < 0 else (y - i)) * along
            before = z
            t = 0.0
            while t < near and room > best * t:
                if t_x < t_y:
                    t = t_x
                    j += right
                    t_x += across
                else:
                    t = t_y
                    i += down
                    t_y += along
                height = heights[i, j]
                rise = height - z
                if rise > best * t and rise - own * t > clear[n]:
                    after = min(t_x, t_y)
                    if height - before > WALL_SLOPE * cell * (after - t) + 0.3:
                        best = max(best, rise / max(t, 0.3))
                    else:
                        at = 0.5 * (t + after)
                        rise = _between(heights, rows, cols, x + at * east, y - at * north) - z
                        if rise - own * at > clear[n]:
                            best = max(best, rise / at)
                before = height
            for k in range(len(away)):
                t = away[k]
                if room <= best * t:
                    break
                height = heights[int(y - t * north), int(x + t * east)]
                rise = height - z
                if rise > best * t:
                    last = away[k - 1] if k > 0 else near
                    before = heights[int(y - last * north), int(x + last * east)]
                    step = t - last
                    if height - before > WALL_SLOPE * cell * step:
                        best = max(best, rise / (t - 0.5 * step))
                    else:
                        rise = _between(heights, rows, cols, x + t * east, y - t * north) - z
                        best = max(best, rise / t)
            out[n, d] = best / cell


@nb.njit(cache=True, error_model="numpy")
def far(
    heights: np.ndarray, cell: float, points: np.ndarray, start: float, reach: float,
    turn: float, out: np.ndarray,
) -> None:  # fmt: skip
    """As :func:`march`, over coarse terrain and the curved Earth.

    Parameters
    ----------
    points : float array, shape (n, 3)
        Column, row (in cells) and height above the terrain there (m).
    start, reach : float
        Metres; beyond ``heights`` nothing is known.
    """
    count, directions = out.shape
    rows, cols = heights.shape
    drop = (1.0 - REFRACTION) / (2.0 * EARTH_RADIUS_M)
    for n in range(count):
        x, y = points[n, 0], points[n, 1]
        ground = _between(heights, rows, cols, x, y)
        if ground <= UNKNOWN / 2:
            continue
        z = ground + points[n, 2]
        for d in range(directions):
            angle = math.radians(turn + 360.0 * d / directions)
            east, north = math.sin(angle) / cell, math.cos(angle) / cell
            best = float(out[n, d])
            t = start
            while t < reach:
                u, v = x + t * east, y - t * north
                if u < 0 or v < 0 or u >= cols or v >= rows:
                    break
                height = _between(heights, rows, cols, u, v)
                rise = height - z - drop * t * t
                if rise > best * t:
                    best = rise / t
                t += max(0.5 * cell, DEM_GROWTH * t)
            out[n, d] = best


@nb.njit(inline="always")
def _between(heights, rows, cols, x, y):  # type: ignore[no-untyped-def]
    """Bilinear between the middles of cells; unknown if one of them is."""
    u, v = min(max(x - 0.5, 0.0), cols - 1.0), min(max(y - 0.5, 0.0), rows - 1.0)
    j, i = min(int(u), max(cols - 2, 0)), min(int(v), max(rows - 2, 0))
    k, m = min(j + 1, cols - 1), min(i + 1, rows - 1)
    p, q = u - j, v - i
    a, b, c, d = heights[i, j], heights[i, k], heights[m, j], heights[m, k]
    if min(min(a, b), min(c, d)) <= UNKNOWN / 2:
        return UNKNOWN
    return (a * (1 - p) + b * p) * (1 - q) + (c * (1 - p) + d * p) * q
