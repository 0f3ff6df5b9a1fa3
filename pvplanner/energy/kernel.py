"""The inner loop: every hour of the year for blocks of planes, single precision, compiled.

What the loop does per plane and hour is arithmetic only (about 50 operations); everything that
needs a table or a transcendental was prepared by :mod:`pvplanner.energy.sky`. Planes are
independent, so results do not depend on their order or on the number of threads.
"""

from __future__ import annotations

import numba as nb
import numpy as np

BLOCK = 128
"""Planes per block: their factors and sums stay in the first-level cache."""

_F = np.float32


@nb.njit(cache=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _one_block(
    planes: np.ndarray,
    horizon: np.ndarray,
    sun: np.ndarray,
    hourly: np.ndarray,
    bins: np.ndarray,
    month_start: np.ndarray,
    losses: np.ndarray,
    iam: np.ndarray,
    shaded: bool,
    ac: np.ndarray,
    poa: np.ndarray,
    trace: np.ndarray,
) -> None:
    """One block of planes through the year; see :func:`run_year` for the arrays."""
    east, north, up, sky_view, sin_tilt, ground_view = (
        planes[0],
        planes[1],
        planes[2],
        planes[3],
        planes[4],
        planes[5],
    )
    sky_iam, horizon_iam, ground_iam = planes[6], planes[7], planes[8]
    square, linear, constant, limit, sky_left = (
        planes[9],
        planes[10],
        planes[11],
        planes[12],
        planes[13],
    )
    size = BLOCK
    lit = np.ones(size, dtype=np.float32)
    made = np.empty(size, dtype=np.float32)
    fell = np.empty(size, dtype=np.float32)
    power = np.empty(size, dtype=np.float32)
    zero, one, two = _F(0.0), _F(1.0), _F(2.0)
    i0, i1, i2, i3, i4, i5, i6 = iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6]
    i7, i8, i9, i10, i11, i12 = iam[7], iam[8], iam[9], iam[10], iam[11], iam[12]
    for month in range(12):
        kept = losses[month]
        for i in range(size):
            made[i] = zero
            fell[i] = zero
        for t in range(month_start[month], month_start[month + 1]):
            sx, sy, sz = sun[0, t], sun[1, t], sun[2, t]
            dni, around = hourly[0, t], hourly[1, t]
            even, band, ground = hourly[2, t], hourly[3, t], hourly[4, t]
            cool, heat = hourly[5, t], hourly[6, t]
            if shaded:
                elevation, part = hourly[7, t], hourly[8, t]
                low, high = horizon[bins[t]], horizon[bins[t] + 1]
                for i in range(size):
                    edge = low[i] + part * (high[i] - low[i])
                    lit[i] = one if elevation > edge else zero
            for i in range(size):
                c = max(east[i] * sx + north[i] * sy + up[i] * sz, zero)
                u = two * c - one
                m = ((((((i12 * u + i11) * u + i10) * u + i9) * u + i8) * u + i7) * u + i6) * u
                m = ((((((m + i5) * u + i4) * u + i3) * u + i2) * u + i1) * u + i0) * c
                # Perez can turn the whole sky term negative on steep planes: pvlib sets it to zero.
                sky = even * sky_view[i] + band * sin_tilt[i] + around * c
                seen = one if sky > zero else zero
                direct = lit[i] * (dni + seen * around)
                left = seen * sky_left[i]
                e_sky = left * even * sky_view[i]
                e_band = left * band * sin_tilt[i]
                e_ground = ground * ground_view[i]
                total = direct * c + e_sky + e_band + e_ground
                useful = direct * m + e_sky * sky_iam[i] + e_band * horizon_iam[i]
                useful += e_ground * ground_iam[i]
                dc = useful * (cool + heat * total) * kept
                out = (square[i] * dc + linear[i]) * dc + constant[i]
                out = max(min(out, limit[i]), zero)
                # With no light at all the inverter takes nothing from the grid in this model.
                power[i] = out
                made[i] += out
                fell[i] += total
            if trace.shape[0] > 0:
                for i in range(size):
                    trace[t, i] = power[i]
        for i in range(size):
            ac[i, month] = made[i]
            poa[i, month] = fell[i]


@nb.njit(cache=True, parallel=True, error_model="numpy")
def run_year(
    planes: np.ndarray,
    horizon: np.ndarray,
    sun: np.ndarray,
    hourly: np.ndarray,
    bins: np.ndarray,
    month_start: np.ndarray,
    losses: np.ndarray,
    iam: np.ndarray,
    shaded: bool,
    trace: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Run all blocks.

    Parameters
    ----------
    planes : float32 array, shape (blocks, 14, BLOCK)
        Per plane: normal (east, north, up), sky view, sin(tilt), ground view, the three diffuse
        incidence modifiers, inverter (square, linear, constant, limit; per kWp), sky left.
    horizon : float32 array, shape (blocks, bins + 1, BLOCK), or (1, 1, 1)
        Horizon elevation, degrees, by direction; the first direction stands again at the end.
    sun : float32 array, shape (3, hours)
    hourly : float32 array, shape (9, hours)
        dni, circumsolar, isotropic, horizon, ground (kW/m2), temperature constant and slope of the
        DC power, sun elevation (degrees), part of the way to the next direction.
    bins : int array, shape (hours,)
        Direction bin of the sun.
    month_start : int array, shape (13,)
    losses : float32 array, shape (12,)
        What is left after DC losses, by month.
    iam : float32 array, shape (13,)
    shaded : bool
        Whether ``horizon`` is used.
    trace : float32 array, shape (blocks, hours, BLOCK), or (blocks, 0, 0)
        Filled with AC power per kWp where it has hours.

    Returns
    -------
    ac, poa : float32 arrays, shape (blocks, BLOCK, 12)
        kWh per kWp, and kWh/m2 on the plane, by month.
    """
    blocks = planes.shape[0]
    ac = np.empty((blocks, BLOCK, 12), dtype=np.float32)
    poa = np.empty((blocks, BLOCK, 12), dtype=np.float32)
    last = horizon.shape[0] - 1
    for b in nb.prange(blocks):
        _one_block(
            planes[b],
            horizon[min(np.int64(b), np.int64(last))],
            sun,
            hourly,
            bins,
            month_start,
            losses,
            iam,
            shaded,
            ac[b],
            poa[b],
            trace[b],
        )
    return ac, poa
