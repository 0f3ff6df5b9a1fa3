"""Sky view: the share of a plane's own sky that is left above a horizon."""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np

from pvplanner.threads import spread

_QUARTER = np.pi / 4
_SINE = tuple((-1.0) ** n / math.factorial(2 * n + 1) for n in range(8, -1, -1))
_COSINE = tuple((-1.0) ** n / math.factorial(2 * n) for n in range(8, -1, -1))


def sky_shares(horizon: np.ndarray, tilt: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """Share of each plane's isotropic sky that is above its horizon.

    Parameters
    ----------
    horizon : float array, shape (planes, directions)
        Radians, clockwise from north.
    tilt, azimuth : float arrays, shape (planes,)
        Radians.

    Notes
    -----
    Towards a direction with horizon h a plane with normal n sees the integral of n.s cos(e) de from
    max(h, the plane's own edge) to 90 degrees, in closed form.
    """
    out, horizon = np.empty(len(horizon)), np.ascontiguousarray(horizon)
    around = 2 * np.pi * np.arange(horizon.shape[1]) / horizon.shape[1]
    spread(_shares, len(horizon), horizon, tilt, azimuth, np.sin(around), np.cos(around), out)
    return out


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _shares(
    begin: int, end: int, horizon: np.ndarray, tilt: np.ndarray, azimuth: np.ndarray,
    turn_sin: np.ndarray, turn_cos: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    directions = horizon.shape[1]
    for i in range(begin, end):
        level, slope = np.cos(tilt[i]), np.sin(tilt[i])
        to_north, to_east = slope * np.cos(azimuth[i]), slope * np.sin(azimuth[i])
        seen, whole = 0.0, 0.0
        for d in range(directions):
            facing = to_north * turn_cos[d] + to_east * turn_sin[d]
            sine, cosine = _sine_cosine(horizon[i, d])
            all_sky = facing * _QUARTER + level / 2
            if facing < 0:
                steep = np.sqrt(facing * facing + level * level)
                edge = np.arctan2(-facing, level)
                all_sky = _sector(facing, level, edge, -facing / steep, level / steep)
                above = horizon[i, d] > edge
            else:
                above = horizon[i, d] > 0
            whole += all_sky
            seen += _sector(facing, level, horizon[i, d], sine, cosine) if above else all_sky
        out[i] = seen / whole


@nb.njit(inline="always")
def _sector(facing: Any, level: Any, low: Any, sine: Any, cosine: Any) -> Any:
    """Integral of (facing cos e + level sin e) cos e from ``low`` to 90 degrees."""
    across = (np.pi / 2 - low) / 2 - sine * cosine / 2
    return facing * across + level * cosine * cosine / 2


@nb.njit(inline="always")
def _sine_cosine(x: Any) -> Any:
    """Sine and cosine between -90 and 90 degrees by their series, to 1e-9: half the time of the
    library's.
    """
    s = x * x
    sine, cosine = _SINE[0], _COSINE[0]
    for n in range(1, len(_SINE)):
        sine, cosine = sine * s + _SINE[n], cosine * s + _COSINE[n]
    return x * sine, cosine
