"""Horizons of every cell of a raster: for each direction, the upper hull along lines of cells.

A line is walked from its far end; the hull of what lies ahead is kept on a stack, and after a
cell has removed what it hides, the top of the stack is its horizon. Each cell is put on the stack
once and taken off at most once, so the cost does not depend on how far one looks.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np


@nb.njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _lines(z: np.ndarray, slant: float, forward: bool, scale: float, out: np.ndarray) -> None:
    """Tangents along lines that move one column a step and ``slant`` rows (-1 to 1)."""
    rows, cols = z.shape
    shift = np.empty(cols, dtype=np.int64)
    for j in range(cols):
        shift[j] = math.floor(j * slant + 0.5)
    low, high = min(0, shift[cols - 1]), max(0, shift[cols - 1])
    at = np.empty(cols + 1, dtype=np.float32)
    up = np.empty(cols + 1, dtype=np.float32)
    one, zero, one_cell = np.float32(scale), np.float32(0), np.float32(1)
    step = -1 if forward else 1
    for k in range(-high, rows - low):
        # The columns in which the line is inside: shift goes one way only.
        first, last = 0, cols
        if slant >= 0:
            first = int(np.searchsorted(shift, -k))
            last = int(np.searchsorted(shift, rows - k))
        else:
            while first < cols and k + shift[first] >= rows:
                first += 1
            while last > first and k + shift[last - 1] < 0:
                last -= 1
        if last <= first:
            continue
        j = last - 1 if forward else first
        i = k + shift[j]
        out[i, j] = zero
        at[0], up[0] = zero, z[i, j]
        n = 0
        x, top_x, top = zero, zero, z[i, j]
        # The top of the stack is always the cell before; the one below it is held at hand.
        below_x, below = zero, zero
        for _ in range(last - first - 1):
            j += step
            i = k + shift[j]
            here = z[i, j]
            x += one_cell
            run, rise = x - top_x, top - here
            if n > 0:
                run_2, rise_2 = x - below_x, below - here
                while not rise * run_2 > rise_2 * run:
                    n -= 1
                    run, rise = run_2, rise_2
                    top_x, top = below_x, below
                    if n == 0:
                        break
                    below_x, below = at[n - 1], up[n - 1]
                    run_2, rise_2 = x - below_x, below - here
            out[i, j] = max(rise / run, zero) * one
            below_x, below = top_x, top
            n += 1
            at[n], up[n] = x, here
            top_x, top = x, here


@nb.njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _turned(z: np.ndarray, out: np.ndarray) -> None:
    """Transpose in blocks that fit the cache."""
    rows, cols = z.shape
    for i in range(0, rows, 32):
        for j in range(0, cols, 32):
            for p in range(i, min(i + 32, rows)):
                for q in range(j, min(j + 32, cols)):
                    out[q, p] = z[p, q]


@nb.njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _degrees(tangents: np.ndarray) -> None:
    """Angles of tangents >= 0 in place, within 0.001 degrees (Abramowitz and Stegun 4.4.49)."""
    flat = tangents.reshape(-1)
    one, half, scale = np.float32(1), np.float32(90), np.float32(180 / math.pi)
    for k in range(flat.size):
        t = flat[k]
        x = t if t <= one else one / t
        s = x * x
        a = np.float32(-0.0161657367) + s * np.float32(0.0028662257)
        a = np.float32(0.0429096138) + s * a
        a = np.float32(-0.0752896400) + s * a
        a = np.float32(0.1065626393) + s * a
        a = np.float32(-0.1420889944) + s * a
        a = np.float32(0.1999355085) + s * a
        a = np.float32(-0.3333314528) + s * a
        a = (x + x * s * a) * scale
        flat[k] = a if t <= one else half - a


class Lines:
    """A raster made ready for horizons in any direction.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns)
        Metres, the first row in the north; no ``nan``.
    cell : float
        Metres.
    """

    def __init__(self, heights: np.ndarray, cell: float) -> None:
        self._z = np.ascontiguousarray(heights, dtype=np.float32)
        self._turned_z = np.empty(self._z.shape[::-1], dtype=np.float32)
        _turned(self._z, self._turned_z)
        self._spare = np.empty_like(self._turned_z)
        self._cell = cell

    def angles(self, azimuth: float, out: np.ndarray) -> None:
        """Horizon of every cell in a direction (degrees clockwise from the grid's north).

        ``out``, float32 of the raster's shape and contiguous, becomes degrees of at least 0.
        """
        east, south = math.sin(math.radians(azimuth)), -math.cos(math.radians(azimuth))
        if abs(south) > abs(east):
            slant, scale = east / south, abs(south) / self._cell
            _lines(self._turned_z, slant, south > 0, scale, self._spare)
            _turned(self._spare, out)
        else:
            _lines(self._z, south / east, east > 0, abs(east) / self._cell, out)
        _degrees(out)
