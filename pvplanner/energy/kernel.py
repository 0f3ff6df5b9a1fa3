"""The inner loop: every hour of the year for blocks of planes, single precision, compiled.

What the loop does per plane and hour is arithmetic only (about 35 operations); everything that
needs a table or a transcendental was prepared by :mod:`pvplanner.energy.sky`. Planes are
independent, so results do not depend on their order or on the number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np

from pvplanner.threads import spread

BLOCK = 256
"""Planes per block: their factors and sums stay in the first-level cache."""

SUN_EAST, SUN_NORTH, SUN_UP, BEAM, AROUND, EVEN, BAND, GROUND, COOL, HEAT, UP, PART = range(12)
"""Rows of the hourly array; see :func:`run_year`."""

(
    N_EAST, N_NORTH, N_UP, SKY, SINE, GROUND_VIEW, SKY_USED, SINE_USED, GROUND_USED,
    SQUARE, LINEAR, CONSTANT, LIMIT,
) = range(13)  # fmt: skip
"""Rows of the plane array; see :func:`run_year`."""

_ZERO, _ONE, _TWO = np.float32(0), np.float32(1), np.float32(2)
MATH = {"contract", "nsz"}


@nb.njit(inline="always")
def modifier(c: Any, k: Any) -> Any:
    """IAM by Horner's rule in ``2 c - 1``."""
    u = _TWO * c - _ONE
    m = ((((k[9] * u + k[8]) * u + k[7]) * u + k[6]) * u + k[5]) * u + k[4]
    return (((m * u + k[3]) * u + k[2]) * u + k[1]) * u + k[0]


@nb.njit(inline="always")
def power_of(p: Any, i: Any, useful: Any, total: Any, cool: Any, heat: Any) -> Any:
    """AC power per kWp from useful and total irradiance (kW/m2): DC, inverter, clipping."""
    dc = useful * (cool + heat * total)
    out = (p[SQUARE, i] * dc + p[LINEAR, i]) * dc + p[CONSTANT, i]
    return max(min(out, p[LIMIT, i]), _ZERO)


@nb.njit(inline="always")
def light_up(horizon: Any, low: Any, elevation: Any, part: Any, lit: Any) -> None:
    """Share of the points of each plane of a block that the sun reaches."""
    points = horizon.shape[0]
    each = _ONE / np.float32(points)
    for i in range(BLOCK):
        edge = horizon[0, low, i] + part * (horizon[0, low + 1, i] - horizon[0, low, i])
        lit[i] = each if elevation > edge else _ZERO
    for p in range(1, points):
        for i in range(BLOCK):
            edge = horizon[p, low, i] + part * (horizon[p, low + 1, i] - horizon[p, low, i])
            lit[i] += each if elevation > edge else _ZERO


@nb.njit(inline="always")
def _hour_plain(p: Any, h: Any, t: Any, k: Any, made: Any, fell: Any) -> None:
    both, even, band = h[BEAM, t] + h[AROUND, t], h[EVEN, t], h[BAND, t]
    ground, cool, heat = h[GROUND, t], h[COOL, t], h[HEAT, t]
    east, north, up = h[SUN_EAST, t], h[SUN_NORTH, t], h[SUN_UP, t]
    for i in range(BLOCK):
        c = max(p[N_EAST, i] * east + p[N_NORTH, i] * north + p[N_UP, i] * up, _ZERO)
        direct = both * c
        total = direct + even * p[SKY, i] + band * p[SINE, i] + ground * p[GROUND_VIEW, i]
        useful = even * p[SKY_USED, i] + band * p[SINE_USED, i] + ground * p[GROUND_USED, i]
        useful += direct * modifier(c, k)
        made[i] += power_of(p, i, useful, total, cool, heat)
        fell[i] += total


@nb.njit(inline="always")
def _hour_shaded(p: Any, h: Any, t: Any, k: Any, lit: Any, made: Any, fell: Any, lost: Any) -> None:
    both, even, band = h[BEAM, t] + h[AROUND, t], h[EVEN, t], h[BAND, t]
    ground, cool, heat = h[GROUND, t], h[COOL, t], h[HEAT, t]
    east, north, up = h[SUN_EAST, t], h[SUN_NORTH, t], h[SUN_UP, t]
    for i in range(BLOCK):
        c = max(p[N_EAST, i] * east + p[N_NORTH, i] * north + p[N_UP, i] * up, _ZERO)
        reach = both * c
        direct = reach * lit[i]
        total = direct + even * p[SKY, i] + band * p[SINE, i] + ground * p[GROUND_VIEW, i]
        useful = even * p[SKY_USED, i] + band * p[SINE_USED, i] + ground * p[GROUND_USED, i]
        useful += direct * modifier(c, k)
        made[i] += power_of(p, i, useful, total, cool, heat)
        fell[i] += total
        lost[i] += reach - direct


@nb.njit(inline="always")
def _hour_careful(
    p: Any, h: Any, t: Any, k: Any, lit: Any, left: Any, made: Any, fell: Any, lost: Any, power: Any
) -> None:
    """As the others, for hours in which Perez can turn a steep plane's whole sky negative.

    pvlib sets the sky to zero there. Also leaves the power of the hour in ``power``.
    """
    beam, around, even, band = h[BEAM, t], h[AROUND, t], h[EVEN, t], h[BAND, t]
    ground, cool, heat = h[GROUND, t], h[COOL, t], h[HEAT, t]
    for i in range(BLOCK):
        c = p[N_EAST, i] * h[SUN_EAST, t] + p[N_NORTH, i] * h[SUN_NORTH, t]
        c = max(c + p[N_UP, i] * h[SUN_UP, t], _ZERO)
        # The sky as it is without a horizon decides, as it does in pvlib.
        sky = even * p[SKY, i] + band * p[SINE, i] + around * left[i] * c
        seen = _ONE if sky > _ZERO else _ZERO
        reach = (beam + seen * around) * c
        direct = reach * lit[i]
        total = direct + ground * p[GROUND_VIEW, i]
        total += seen * (even * p[SKY, i] + band * p[SINE, i])
        useful = direct * modifier(c, k) + ground * p[GROUND_USED, i]
        useful += seen * (even * p[SKY_USED, i] + band * p[SINE_USED, i])
        power[i] = power_of(p, i, useful, total, cool, heat)
        made[i] += power[i]
        fell[i] += total
        lost[i] += reach - direct


# Loops instead of slices: for those numba compiles the text of its errors as well, for seconds.
@nb.njit(inline="always")
def clear(sums: Any) -> None:
    """Set the sums of a block to nought."""
    for i in range(BLOCK):
        sums[i] = _ZERO


@nb.njit(inline="always")
def keep(sums: Any, out: Any, month: Any) -> None:
    """Write a month's sums of a block to its results."""
    for i in range(BLOCK):
        out[i, month] = sums[i]


@nb.njit(cache=True, fastmath=MATH, error_model="numpy", nogil=True)
def _year_plain(
    p: np.ndarray, h: np.ndarray, risky: np.ndarray, month_start: np.ndarray, iam: np.ndarray,
    ac: np.ndarray, poa: np.ndarray,
) -> None:  # fmt: skip
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    lit, power = np.ones(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    made, fell = np.empty(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    lost = np.zeros(BLOCK, dtype=np.float32)
    for month in range(12):
        clear(made)
        clear(fell)
        for t in range(month_start[month], month_start[month + 1]):
            if risky[t]:
                _hour_careful(p, h, t, k, lit, lit, made, fell, lost, power)
            else:
                _hour_plain(p, h, t, k, made, fell)
        keep(made, ac, month)
        keep(fell, poa, month)


@nb.njit(cache=True, fastmath=MATH, error_model="numpy", nogil=True)
def _year_shaded(
    p: np.ndarray, h: np.ndarray, risky: np.ndarray, month_start: np.ndarray, iam: np.ndarray,
    horizon: np.ndarray, bins: np.ndarray, left: np.ndarray,
    ac: np.ndarray, poa: np.ndarray, beam_lost: np.ndarray,
) -> None:  # fmt: skip
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    lit, power = np.ones(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    made, fell = np.empty(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    lost = np.empty(BLOCK, dtype=np.float32)
    for month in range(12):
        clear(made)
        clear(fell)
        clear(lost)
        for t in range(month_start[month], month_start[month + 1]):
            light_up(horizon, bins[t], h[UP, t], h[PART, t], lit)
            if risky[t]:
                _hour_careful(p, h, t, k, lit, left, made, fell, lost, power)
            else:
                _hour_shaded(p, h, t, k, lit, made, fell, lost)
        keep(made, ac, month)
        keep(fell, poa, month)
        keep(lost, beam_lost, month)


def run_year(
    planes: np.ndarray, hourly: np.ndarray, risky: np.ndarray, month_start: np.ndarray,
    iam: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """All blocks under an open sky.

    Parameters
    ----------
    planes : float32 array, shape (blocks, 13, BLOCK)
        Per plane: normal (east, north, up); sky view, sin(tilt) and ground view; the same times
        their incidence modifiers; inverter (square, linear, constant, limit; per kWp).
    hourly : float32 array, shape (12, hours)
        Sun (east, north, up); beam, circumsolar, isotropic, horizon band and ground (kW/m2);
        constant and slope of the DC power; sun elevation (degrees) and the part of the way to the
        next direction of the horizon.
    risky : bool array, shape (hours,)
        Hours in which the sky term can turn negative on a steep plane.
    month_start : int array, shape (13,)
    iam : float32 array, shape (10,)

    Returns
    -------
    ac, poa : float32 arrays, shape (blocks, BLOCK, 12)
        kWh per kWp, and kWh/m2 on the plane, by month.
    """
    blocks = planes.shape[0]
    ac = np.empty((blocks, BLOCK, 12), dtype=np.float32)
    poa = np.empty((blocks, BLOCK, 12), dtype=np.float32)

    def some(begin: int, end: int) -> None:
        for b in range(begin, end):
            _year_plain(planes[b], hourly, risky, month_start, iam, ac[b], poa[b])

    spread(some, blocks, least=1)
    return ac, poa


def run_year_shaded(
    planes: np.ndarray, hourly: np.ndarray, risky: np.ndarray, month_start: np.ndarray,
    iam: np.ndarray, horizon: np.ndarray, bins: np.ndarray, left: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """All blocks behind their horizons; arguments as for :func:`run_year`, and:

    Parameters
    ----------
    horizon : float32 array, shape (blocks, points, directions + 1, BLOCK)
        Elevation, degrees; the first direction stands again at the end.
    bins : int array, shape (hours,)
        Direction bin of the sun.
    left : float32 array, shape (blocks, BLOCK)
        Share of the sky that is left; already in the sky terms of ``planes``.

    Returns
    -------
    ac, poa, beam_lost : float32 arrays, shape (blocks, BLOCK, 12)
        The last: direct and circumsolar irradiation behind the horizon, kWh/m2.
    """
    blocks = planes.shape[0]
    ac = np.empty((blocks, BLOCK, 12), dtype=np.float32)
    poa = np.empty((blocks, BLOCK, 12), dtype=np.float32)
    lost = np.empty((blocks, BLOCK, 12), dtype=np.float32)

    def some(begin: int, end: int) -> None:
        for b in range(begin, end):
            _year_shaded(
                planes[b], hourly, risky, month_start, iam, horizon[b], bins, left[b],
                ac[b], poa[b], lost[b],
            )  # fmt: skip

    spread(some, blocks, least=1)
    return ac, poa, lost


@nb.njit(cache=True, fastmath=MATH, error_model="numpy")
def run_hours(
    planes: np.ndarray, hourly: np.ndarray, iam: np.ndarray,
    horizon: np.ndarray, bins: np.ndarray, left: np.ndarray, weight: np.ndarray,
    trace: np.ndarray, total: np.ndarray,
) -> None:  # fmt: skip
    """Hour by hour: AC power per kWp into ``trace`` and its weighted sum into ``total``.

    Parameters
    ----------
    planes, hourly, iam, horizon, bins, left
        As for :func:`run_year_shaded`; an open sky has a horizon of -90 degrees.
    weight : float32 array, shape (blocks, BLOCK)
        Capacity of each plane, kWp; zero for padding.
    trace : float32 array, shape (hours, blocks * BLOCK), or (0, 0) if only the sum is wanted.
    total : float64 array, shape (hours,)
        kW.
    """
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    lit, power = np.ones(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    spare = np.zeros((3, BLOCK), dtype=np.float32)
    for b in range(planes.shape[0]):
        for t in range(hourly.shape[1]):
            light_up(horizon[b], bins[t], hourly[UP, t], hourly[PART, t], lit)
            _hour_careful(
                planes[b], hourly, t, k, lit, left[b], spare[0], spare[1], spare[2], power
            )
            summed = 0.0
            for i in range(BLOCK):
                summed += power[i] * weight[b, i]
            total[t] += summed
            if trace.shape[0] > 0:
                for i in range(BLOCK):
                    trace[t, b * BLOCK + i] = power[i]


@nb.njit(cache=True, fastmath=MATH, error_model="numpy", nogil=True)
def _steps(
    p: np.ndarray, h: np.ndarray, month_start: np.ndarray, iam: np.ndarray,
    horizon: np.ndarray, bins: np.ndarray, left: np.ndarray, kept: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    lit = np.ones(BLOCK, dtype=np.float32)
    for month in range(12):
        for t in range(month_start[month], month_start[month + 1]):
            light_up(horizon, bins[t], h[UP, t], h[PART, t], lit)
            for i in range(BLOCK):
                c = p[N_EAST, i] * h[SUN_EAST, t] + p[N_NORTH, i] * h[SUN_NORTH, t]
                c = max(c + p[N_UP, i] * h[SUN_UP, t], _ZERO)
                sky = h[EVEN, t] * p[SKY, i] + h[BAND, t] * p[SINE, i]
                seen = _ONE if sky + h[AROUND, t] * left[i] * c > _ZERO else _ZERO
                reach = (h[BEAM, t] + seen * h[AROUND, t]) * c
                direct = reach * lit[i]
                ground = h[GROUND, t] * p[GROUND_VIEW, i]
                total = direct + seen * sky + ground
                useful = h[EVEN, t] * p[SKY_USED, i] + h[BAND, t] * p[SINE_USED, i]
                useful = seen * useful + direct * modifier(c, k) + h[GROUND, t] * p[GROUND_USED, i]
                warm = useful * (h[COOL, t] + h[HEAT, t] * total) / kept[month]
                dc = warm * kept[month]
                free = max((p[SQUARE, i] * dc + p[LINEAR, i]) * dc + p[CONSTANT, i], _ZERO)
                out[0, month, i] += reach + seen * sky / max(left[i], np.float32(1e-6)) + ground
                out[1, month, i] += total
                out[2, month, i] += useful
                out[3, month, i] += warm
                out[4, month, i] += free
                out[5, month, i] += min(free, p[LIMIT, i])


def run_steps(
    planes: np.ndarray, hourly: np.ndarray, month_start: np.ndarray, iam: np.ndarray,
    horizon: np.ndarray, bins: np.ndarray, left: np.ndarray, kept: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The same year, with what is left after each step of the chain.

    Parameters
    ----------
    planes, hourly, month_start, iam, horizon, bins, left
        As for :func:`run_year_shaded`; an open sky has a horizon of -90 degrees.
    kept : float32 array, shape (12,)
        What is left after DC losses, by month; already in ``hourly``.

    Returns
    -------
    float64 array, shape (blocks, 6, 12, BLOCK)
        kWh per kWp (or per m2 for the first three): irradiation under an open sky, behind the
        horizon, after incidence losses; DC at cell temperature before losses; AC before clipping;
        AC.
    """
    blocks = planes.shape[0]
    out = np.zeros((blocks, 6, 12, BLOCK))

    def some(begin: int, end: int) -> None:
        for b in range(begin, end):
            _steps(planes[b], hourly, month_start, iam, horizon[b], bins, left[b], kept, out[b])

    spread(some, blocks, least=1)
    return out


@nb.njit(cache=True, error_model="numpy")
def plane_rows(
    tilt: np.ndarray, azimuth: np.ndarray, left: np.ndarray, limit: np.ndarray,
    modifiers: np.ndarray, step: float, efficiency: float, scale: float, blocks: int,
) -> np.ndarray:  # fmt: skip
    """Factors of planes in padded blocks, as :func:`run_year` takes them.

    Parameters
    ----------
    tilt, azimuth : float arrays, shape (planes,)
        Degrees.
    left : float array, shape (planes,)
        Share of the sky that is left.
    limit : float array, shape (planes,)
        AC rating per kWp.
    modifiers : float array, shape (3, 4, pieces)
        Cubic pieces (highest power first) of the diffuse incidence modifiers of sky, horizon band
        and ground, each ``step`` degrees of tilt long.
    efficiency, scale : float
        Of the inverter: nominal, and nominal over reference.
    blocks : int

    Returns
    -------
    float32 array, shape (blocks, 13, BLOCK)
    """
    out = np.zeros((blocks, 13, BLOCK), dtype=np.float32)
    pieces = modifiers.shape[2]
    for i in range(len(tilt)):
        b, at = i // BLOCK, i % BLOCK
        slope, turn = math.radians(tilt[i]), math.radians(azimuth[i])
        sine, cosine = math.sin(slope), math.cos(slope)
        piece = min(int(tilt[i] / step), pieces - 1)
        x = tilt[i] - piece * step
        sky, band, ground = left[i] * (1 + cosine) / 2, left[i] * sine, (1 - cosine) / 2
        out[b, N_EAST, at] = sine * math.sin(turn)
        out[b, N_NORTH, at] = sine * math.cos(turn)
        out[b, N_UP, at] = cosine
        out[b, SKY, at], out[b, SINE, at], out[b, GROUND_VIEW, at] = sky, band, ground
        out[b, SKY_USED, at] = sky * _cubic(modifiers[0], piece, x)
        out[b, SINE_USED, at] = band * _cubic(modifiers[1], piece, x)
        out[b, GROUND_USED, at] = ground * _cubic(modifiers[2], piece, x)
        rated = limit[i] / efficiency
        out[b, SQUARE, at] = -0.0162 * scale / rated
        out[b, LINEAR, at] = 0.9858 * scale
        out[b, CONSTANT, at] = -0.0059 * scale * rated
        out[b, LIMIT, at] = limit[i]
    return out


@nb.njit(inline="always")
def _cubic(c: Any, piece: Any, x: Any) -> Any:
    return ((c[0, piece] * x + c[1, piece]) * x + c[2, piece]) * x + c[3, piece]
