"""Quantiles of products and sums of uncertain factors, by quadrature.

An energy is ``F * sum_i b_i * g_i * (1 + own * u_i) * (1 + shift_i * s)``. ``F`` is the product of
what all share, ``g_i = 1 + z_i * (below_i if z_i < 0 else above_i)`` the room of array i, with
``z_i = sqrt(r) * A + sqrt(1 - r) * a_i``; A and s are shared, a_i and u_i each array's own; all are
standard normal numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np
from scipy.special import ndtr

from pvplanner.threads import spread

FLOOR = 0.05
"""No shared factor is smaller."""

LOW, STEP, SIZE = -4.0, 1.0 / 1024, 6144
"""Grid of the logarithm of the shared product."""

SPREAD_STEP, SPREADS = 0.005, 128
"""Grid of the relative spread of what is a group's own."""

BETWEEN = 0.5
"""Part of the variance of what is a group's own that stands between two halves, which carry its
skewness; the rest lies within each."""

ROUNDS = 40


def product_table(sigmas: list[float]) -> np.ndarray:
    """Probability that the product of ``max(1 + sigma * z, 0.05)`` exceeds ``exp(LOW + n * STEP)``.

    Returns
    -------
    ndarray, shape (SIZE,)
    """
    return _product_table(tuple(float(sigma) for sigma in sigmas if sigma > 0))


def spread_tables(sigmas: list[float]) -> np.ndarray:
    """As :func:`product_table`, times one factor more of each spread of the grid.

    Returns
    -------
    ndarray, shape (SPREADS, SIZE)
    """
    return _spread_tables(tuple(float(sigma) for sigma in sigmas if sigma > 0))


@lru_cache(maxsize=4)
def _spread_tables(sigmas: tuple[float, ...]) -> np.ndarray:
    shared = _wave(sigmas)
    spreads = [_above(shared * _factor_wave(n * SPREAD_STEP)) for n in range(1, SPREADS)]
    return np.stack([_above(shared), *spreads])


@lru_cache(maxsize=32)
def _product_table(sigmas: tuple[float, ...]) -> np.ndarray:
    return _above(_wave(sigmas))


_ZERO = round(-LOW / STEP)
"""Where the logarithm is nothing."""


def _wave(sigmas: tuple[float, ...]) -> np.ndarray:
    """Fourier transform of the probability of the logarithm of a product, on the grid."""
    whole = np.zeros(SIZE)
    whole[_ZERO] = 1.0
    wave = np.fft.rfft(whole, 2 * SIZE)
    for sigma in sigmas:
        wave = wave * _factor_wave(sigma)
    return wave


def _factor_wave(sigma: float) -> np.ndarray:
    """Of one factor, shifted back by the grid's own zero, so that a product stays on the grid."""
    edges = LOW + STEP * (np.arange(SIZE + 1) - 0.5)
    below = ndtr((np.exp(edges) - 1) / sigma)
    below[edges < math.log(FLOOR)] = 0.0
    mass = np.diff(below)
    mass[0] += below[0]
    mass[-1] += 1 - mass.sum()
    shifted = np.zeros(2 * SIZE)
    shifted[: SIZE - _ZERO], shifted[2 * SIZE - _ZERO :] = mass[_ZERO:], mass[:_ZERO]
    return np.fft.rfft(shifted)


def _above(wave: np.ndarray) -> np.ndarray:
    """Probability of more than each node's; half of a node's own is above it."""
    mass = np.maximum(np.fft.irfft(wave, 2 * SIZE)[:SIZE], 0.0)
    above = np.cumsum(mass[::-1])[::-1] - mass / 2
    return np.ascontiguousarray(above / max(mass.sum(), 1e-300))


@lru_cache(maxsize=8)
def _halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of a standard normal number, each side of zero for itself."""
    x, w = np.polynomial.legendre.leggauss(count)
    half = 2.4 * (x + 1)
    density = np.exp(-(half**2) / 2) / math.sqrt(2 * math.pi)
    weight = 2.4 * w * density
    weight = np.concatenate([weight[::-1], weight])
    return np.concatenate([-half[::-1], half]), weight / weight.sum()


@lru_cache(maxsize=8)
def _hermite(count: int) -> tuple[np.ndarray, np.ndarray]:
    x, w = np.polynomial.hermite_e.hermegauss(count)
    return x, w / w.sum()


@dataclass(frozen=True)
class Nodes:
    """Where the shared part of the area is looked at, and what each array's own adds there.

    Attributes
    ----------
    weight : ndarray, shape (nodes,)
    moments : ndarray, shape (6, nodes)
        Of z given the node: mean of its negative and of its positive part, mean square and mean
        cube of each.
    own2 : float
        Variance of each array's other own factor.
    """

    weight: np.ndarray
    moments: np.ndarray
    own2: float

    @classmethod
    def of(cls, shared: float, own: float, *, plain: bool) -> Nodes:
        """Nodes for a shared part of the area's variance; one if there is no doubt of the area."""
        if plain:
            return cls(np.ones(1), np.zeros((6, 1)), own**2)
        at, weight = _halves(12)
        mean, spread_ = math.sqrt(shared) * at, math.sqrt(1 - shared)
        if spread_ < 1e-9:
            low, high = np.minimum(mean, 0), np.maximum(mean, 0)
            return cls(weight, np.stack([low, high, low**2, high**2, low**3, high**3]), own**2)
        below = ndtr(-mean / spread_)
        bell = spread_ * np.exp(-((mean / spread_) ** 2) / 2) / math.sqrt(2 * math.pi)
        square = mean**2 + spread_**2
        cube, tail = mean**3 + 3 * mean * spread_**2, bell * (mean**2 + 2 * spread_**2)
        moments = [
            mean * below - bell,
            mean * (1 - below) + bell,
            square * below - mean * bell,
            square * (1 - below) + mean * bell,
            cube * below - tail,
            cube * (1 - below) + tail,
        ]
        return cls(weight, np.stack(moments), own**2)


def solve_single(
    energy: np.ndarray, below: np.ndarray, above: np.ndarray, shift: np.ndarray,
    table: np.ndarray, wanted: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Quantiles of single arrays; the array's own factor is in the table.

    Returns
    -------
    ndarray, shape (arrays, len(wanted))
        Energies exceeded with the probabilities of ``wanted``.
    """
    at, weight = _halves(24)
    out = np.zeros((len(energy), len(wanted)))
    stamp, stamp_weight = _hermite(7) if shift.any() else (np.zeros(1), np.ones(1))
    own = np.array(energy)  # as all arrays of kernels: one that may be written to
    spread(
        _single, len(energy), own, below, above, shift, at, weight, stamp, stamp_weight,
        np.stack([table, table]), wanted, out,
    )  # fmt: skip
    return out


def solve_groups(
    energy: np.ndarray, below: np.ndarray, above: np.ndarray, shift: np.ndarray,
    rows: np.ndarray, weight: np.ndarray, span: np.ndarray, nodes: Nodes, tables: np.ndarray,
    wanted: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Quantiles of groups of arrays: group g has the links ``span[g, 0]`` to ``span[g, 1]``.

    Returns
    -------
    ndarray, shape (groups, len(wanted))
    """
    out = np.zeros((len(span), len(wanted)))
    stamp, stamp_weight = _hermite(7) if shift.any() else (np.zeros(1), np.ones(1))
    spread(
        _groups, len(span), np.array(energy), below, above, shift, rows, weight, span, nodes.weight,
        nodes.moments, nodes.own2, stamp, stamp_weight, tables, wanted, out,
    )  # fmt: skip
    return out


@nb.njit(inline="always")
def _solve(
    logs: Any, weights: Any, which: Any, count: Any, tables: Any, wanted: Any, first: Any
) -> Any:
    """Logarithm exceeded with a probability, by Newton's method within a bracket.

    Each node has a place between two tables of ``tables``, by its own spread.
    """
    low, high, here = first - 3.5, first + 2.0, first
    for _ in range(ROUNDS):
        above, slope = 0.0, 0.0
        for n in range(count):
            at = (here - logs[n] - LOW) / STEP
            if at < 0.0:
                above += weights[n]
            elif at < SIZE - 1.0:
                cell, row = int(at), int(which[n])
                part, way = at - cell, which[n] - row
                one = tables[row, cell] + way * (tables[row + 1, cell] - tables[row, cell])
                two = tables[row, cell + 1]
                two += way * (tables[row + 1, cell + 1] - tables[row, cell + 1])
                above += weights[n] * (one + part * (two - one))
                slope += weights[n] * (two - one)
        gap = above - wanted
        if gap > 0.0:
            low = here
        else:
            high = here
        new = (low + high) / 2
        if slope < 0.0:
            step = here - gap * STEP / slope
            if low < step < high:
                new = step
        if abs(new - here) < 1e-7:
            return new
        here = new
    return here


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _single(
    begin: int, end: int, energy: np.ndarray, below: np.ndarray, above: np.ndarray,
    shift: np.ndarray, at: np.ndarray, weight: np.ndarray, stamp: np.ndarray,
    stamp_weight: np.ndarray, table: np.ndarray, wanted: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    room_ = len(at) * len(stamp)
    logs, weights, which = np.empty(room_), np.empty(room_), np.zeros(room_)
    for i in range(begin, end):
        if not energy[i] > 0.0:
            continue
        count, mean = 0, math.log(energy[i])
        plain = below[i] == 0.0 and above[i] == 0.0
        for s in range(len(stamp)):
            moved = 1.0 + shift[i] * stamp[s]
            for n in range(1 if plain else len(at)):
                room = 1.0 if plain else 1.0 + at[n] * (below[i] if at[n] < 0.0 else above[i])
                part = room * moved
                if part > 0.0:
                    logs[count] = mean + math.log(part)
                    weights[count] = stamp_weight[s] * (1.0 if plain else weight[n])
                    count += 1
        for q in range(len(wanted)):
            out[i, q] = math.exp(_solve(logs, weights, which, count, table, wanted[q], mean))


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _groups(
    begin: int, end: int, energy: np.ndarray, below: np.ndarray, above: np.ndarray,
    shift: np.ndarray, rows: np.ndarray, weight: np.ndarray, span: np.ndarray,
    node_weight: np.ndarray, moments: np.ndarray, own2: float, stamp: np.ndarray,
    stamp_weight: np.ndarray, tables: np.ndarray, wanted: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    room = 2 * len(node_weight) * len(stamp)
    logs, weights, which = np.empty(room), np.empty(room), np.empty(room)
    for g in range(begin, end):
        count, whole = 0, 0.0
        for link in range(span[g, 0], span[g, 1]):
            whole += energy[rows[link]] * weight[link]
        if not whole > 0.0:
            continue
        for q in range(len(node_weight)):
            for s in range(len(stamp)):
                mean, variance, skew = 0.0, 0.0, 0.0
                for link in range(span[g, 0], span[g, 1]):
                    i = rows[link]
                    base = energy[i] * weight[link] * (1.0 + shift[i] * stamp[s])
                    b, a = below[i], above[i]
                    moved = b * moments[0, q] + a * moments[1, q]
                    square = 1.0 + 2.0 * moved + b * b * moments[2, q] + a * a * moments[3, q]
                    first = 1.0 + moved
                    cube = 3.0 * square - 2.0 - 3.0 * moved
                    cube += b * b * b * moments[4, q] + a * a * a * moments[5, q]
                    mean += base * first
                    variance += base * base * (square * (1.0 + own2) - first * first)
                    skew += base * base * base * (cube - 3.0 * first * square + 2.0 * first**3)
                apart = math.sqrt(max(variance, 0.0))
                rest = math.sqrt(BETWEEN) * apart
                lean = skew / max(rest**3, 1e-300) if rest > 1e-9 * mean else 0.0
                upper = 0.5 * (1.0 - lean / math.sqrt(4.0 + lean * lean))
                upper = min(max(upper, 0.02), 0.98)
                for side in range(2):
                    part = upper if side == 0 else 1.0 - upper
                    away = rest * math.sqrt((1.0 - part) / part) * (1.0 if side == 0 else -1.0)
                    value = mean + away
                    if value > 0.0:
                        own = math.sqrt(1.0 - BETWEEN) * apart / value / SPREAD_STEP
                        logs[count], which[count] = math.log(value), min(own, SPREADS - 1.001)
                        weights[count] = node_weight[q] * stamp_weight[s] * part
                        count += 1
        for q in range(len(wanted)):
            out[g, q] = math.exp(
                _solve(logs, weights, which, count, tables, wanted[q], math.log(whole))
            )
