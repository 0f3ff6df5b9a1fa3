"""Shade on a string of modules with bypass diodes: the kernel's hour, with a choice of power."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from pvplanner.energy.kernel import (
    AROUND,
    BAND,
    BEAM,
    BLOCK,
    CONSTANT,
    COOL,
    EVEN,
    GROUND,
    GROUND_USED,
    GROUND_VIEW,
    HEAT,
    LIMIT,
    LINEAR,
    MATH,
    N_EAST,
    N_NORTH,
    N_UP,
    PART,
    SINE,
    SINE_USED,
    SKY,
    SKY_USED,
    SQUARE,
    SUN_EAST,
    SUN_NORTH,
    SUN_UP,
    UP,
    clear,
    keep,
    light_up,
    modifier,
)
from pvplanner.threads import spread

_ZERO, _ONE = np.float32(0), np.float32(1)
BYPASS = np.float32(0.04)
"""What a bypassed third of a module costs, over what it gives: some 0.5 V of its diode to 13 V."""


@nb.njit(inline="always")
def _hour_string(p: Any, h: Any, t: Any, k: Any, lit: Any, left: Any, made: Any) -> None:
    """As the others, for modules in one string, each third with a bypass diode.

    Either the thirds in the shade are bypassed and the rest gives all it can, or all go by the
    current that the diffuse light drives: whichever is more.
    """
    beam, around, even, band = h[BEAM, t], h[AROUND, t], h[EVEN, t], h[BAND, t]
    ground, cool, heat = h[GROUND, t], h[COOL, t], h[HEAT, t]
    for i in range(BLOCK):
        c = p[N_EAST, i] * h[SUN_EAST, t] + p[N_NORTH, i] * h[SUN_NORTH, t]
        c = max(c + p[N_UP, i] * h[SUN_UP, t], _ZERO)
        sky = even * p[SKY, i] + band * p[SINE, i]
        seen = _ONE if sky + around * left[i] * c > _ZERO else _ZERO
        direct = (beam + seen * around) * c
        total = ground * p[GROUND_VIEW, i] + seen * sky
        useful = ground * p[GROUND_USED, i]
        useful += seen * (even * p[SKY_USED, i] + band * p[SINE_USED, i])
        shaded = useful * (cool + heat * total)
        useful += direct * modifier(c, k)
        total += direct
        dc = useful * (cool + heat * total)
        dc = max((lit[i] - BYPASS * (_ONE - lit[i])) * dc, shaded)
        out = (p[SQUARE, i] * dc + p[LINEAR, i]) * dc + p[CONSTANT, i]
        made[i] += max(min(out, p[LIMIT, i]), _ZERO)


@nb.njit(cache=True, fastmath=MATH, error_model="numpy", nogil=True)
def _year_string(
    p: np.ndarray, h: np.ndarray, month_start: np.ndarray, iam: np.ndarray,
    horizon: np.ndarray, bins: np.ndarray, left: np.ndarray, ac: np.ndarray,
) -> None:  # fmt: skip
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    lit, made = np.ones(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    for month in range(12):
        clear(made)
        for t in range(month_start[month], month_start[month + 1]):
            light_up(horizon, bins[t], h[UP, t], h[PART, t], lit)
            _hour_string(p, h, t, k, lit, left, made)
        keep(made, ac, month)


def run_year_string(
    planes: np.ndarray, hourly: np.ndarray, month_start: np.ndarray, iam: np.ndarray,
    horizon: np.ndarray, bins: np.ndarray, left: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """All blocks behind their horizons, the modules of each plane in one string.

    Arguments as for :func:`run_year_shaded`; each point of a plane stands for as many thirds of
    modules.

    Returns
    -------
    float32 array, shape (blocks, BLOCK, 12)
        kWh per kWp by month.
    """
    blocks = planes.shape[0]
    ac = np.empty((blocks, BLOCK, 12), dtype=np.float32)

    def some(begin: int, end: int) -> None:
        for b in range(begin, end):
            _year_string(
                planes[b], hourly, month_start, iam, horizon[b], bins, left[b], ac[b]
            )  # fmt: skip

    spread(some, blocks, least=1)
    return ac
