"""Inverters of real sizes: AC power and phases of each connection."""

from __future__ import annotations

from functools import cache

import numpy as np

from pvplanner import reference
from pvplanner.scenario import System

SLACK = 1.05
"""How far the DC/AC ratio may pass the one asked for, to take the size below."""


@cache
def inverter_sizes(phases: int) -> np.ndarray:
    """Sizes that are made, kW, the smallest first."""
    table = reference.load("inverters")
    return np.sort(table.loc[table["phases"] == phases, "power_kw"].to_numpy(dtype=float))


def choose_inverters(
    capacity_kwp: np.ndarray, system: System, limit_kw: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """AC power (kW) and phases (1 or 3) of the inverters of connections.

    Parameters
    ----------
    capacity_kwp : ndarray
        DC capacity behind each connection, kWp.
    system : System
        ``dc_ac_ratio`` is passed by no more than 5 %: the smallest size of the packaged table that
        keeps this is taken, single-phase up to ``single_phase_limit_kw``; of large connections as
        many of the
        largest as fit and one for the rest. ``inverter_sizes = "exact"`` takes the ratio itself.
    limit_kw : float
        Most AC power of a connection: the largest size within it is taken.
    """
    need = np.asarray(capacity_kwp, dtype=float) / system.dc_ac_ratio
    single = need <= system.single_phase_limit_kw + 1e-9
    phases = np.where(single, 1, 3)
    if system.inverter_sizes == "exact":
        return np.minimum(need, limit_kw), phases
    least = need / SLACK
    power = np.where(single, _next(least, inverter_sizes(1)), _next(least, inverter_sizes(3)))
    over = power > limit_kw + 1e-9
    if over.any():
        power[over] = _largest(limit_kw)
    return np.where(need > 0, power, 0.0), phases


def _next(need: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    whole = np.floor(np.maximum(need - 1e-9, 0.0) / sizes[-1])
    rest = np.maximum(need - whole * sizes[-1], 0.0)
    at = np.minimum(np.searchsorted(sizes, rest - 1e-9), len(sizes) - 1)
    return whole * sizes[-1] + np.where(rest > 1e-9, sizes[at], 0.0)


def _largest(limit: float) -> float:
    sizes = inverter_sizes(3)
    whole = np.floor((limit + 1e-9) / sizes[-1])
    rest = limit - whole * sizes[-1]
    within = sizes[sizes <= rest + 1e-9]
    return float(whole * sizes[-1] + (within[-1] if len(within) else 0.0)) or limit
