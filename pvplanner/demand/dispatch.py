"""Self-use, export, battery and bills, hour by hour, for every household; compiled.

A household's generation is summed from its own arrays by the energy kernel's arithmetic, over the
hours instead of over roofs, and used at once: nothing of 8,760 hours is stored per household.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from pvplanner.energy.kernel import (
    AROUND,
    BAND,
    BEAM,
    COOL,
    EVEN,
    GROUND,
    GROUND_USED,
    GROUND_VIEW,
    HEAT,
    N_EAST,
    N_NORTH,
    N_UP,
    PART,
    SINE,
    SINE_USED,
    SKY,
    SKY_USED,
    SUN_EAST,
    SUN_NORTH,
    SUN_UP,
    UP,
    modifier,
    power_of,
)

HOURS = 8760
_ZERO, _ONE = np.float32(0), np.float32(1)


@nb.njit(cache=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _add_power(
    p: Any, i: int, h: Any, k: Any, edges: Any, bins: Any, left: Any, weight: Any, out: np.ndarray
) -> None:
    """Add an array's hourly AC power (kW) to ``out``, over the hours with light."""
    points = edges.shape[1]
    for t in range(h.shape[1]):
        c = p[N_EAST, i] * h[SUN_EAST, t] + p[N_NORTH, i] * h[SUN_NORTH, t]
        c = max(c + p[N_UP, i] * h[SUN_UP, t], _ZERO)
        sky = h[EVEN, t] * p[SKY, i] + h[BAND, t] * p[SINE, i]
        seen = _ONE if sky + h[AROUND, t] * left[i] * c > _ZERO else _ZERO
        direct = (h[BEAM, t] + seen * h[AROUND, t]) * c
        if points > 0:
            lit = 0
            for n in range(points):
                low, high = edges[i, n, bins[t]], edges[i, n, bins[t] + 1]
                if h[UP, t] > low + h[PART, t] * (high - low):
                    lit += 1
            direct *= np.float32(lit) / np.float32(points)
        total = direct + seen * sky + h[GROUND, t] * p[GROUND_VIEW, i]
        useful = h[EVEN, t] * p[SKY_USED, i] + h[BAND, t] * p[SINE_USED, i]
        useful = seen * useful + direct * modifier(c, k) + h[GROUND, t] * p[GROUND_USED, i]
        out[t] += weight * power_of(p, i, useful, total, h[COOL, t], h[HEAT, t])


@nb.njit(inline="always")
def _cost(used: Any, kwh: Any, first: Any, second: Any, prices: Any, peak: Any) -> Any:
    """Price of ``kwh`` more after ``used`` kWh this year: each part at its own tier."""
    to = used + kwh
    one = max(min(to, first) - min(used, first), 0.0)
    two = max(min(to, second) - max(used, first), 0.0) if to > first else 0.0
    three = kwh - one - two
    return one * prices[0, peak] + two * prices[1, peak] + three * prices[2, peak]


@nb.njit(cache=True, parallel=True, error_model="numpy")
def run_households(
    planes: np.ndarray, hourly: np.ndarray, iam: np.ndarray, hour: np.ndarray,
    edges: np.ndarray, bins: np.ndarray, left: np.ndarray,
    start: np.ndarray, rows: np.ndarray, weight: np.ndarray,
    shapes: np.ndarray, which: np.ndarray, consumption: np.ndarray, scales: np.ndarray,
    tiers: np.ndarray, prices: np.ndarray, peak: np.ndarray, export_shape: np.ndarray,
    battery: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """A year of every household.

    Parameters
    ----------
    planes : float32 array, shape (13, arrays)
        Factors of each array, as the energy kernel takes them.
    hourly, iam : float32 arrays
        As the energy kernel takes them.
    hour : int array, shape (lit hours,)
        Row of the year for each column of ``hourly``.
    edges, bins, left
        Horizons, as of :meth:`pvplanner.energy.year.Year.rays`.
    start, rows, weight : arrays
        Household g has the arrays ``rows[start[g]:start[g + 1]]`` with ``weight`` kWp each.
    shapes : float array, shape (kinds, 8760)
        Loads as parts of a year's energy.
    which, consumption : arrays, shape (households,)
        Row of ``shapes``, and kWh a year; nan: not known.
    scales : float array, shape (nodes,)
        Generation is scaled by each in turn.
    tiers : float array, shape (2,)
        Yearly consumption at which the next tier begins, kWh.
    prices : float array, shape (3, 2)
        By tier; off peak and at peak.
    peak : int array, shape (8760,)
    export_shape : float array, shape (8760,)
        Worth of an exported kilowatt-hour over the market price.
    battery : float array, shape (4,)
        Capacity (kWh), power (kW), efficiency of charging and of discharging.

    Returns
    -------
    out : float array, shape (households, nodes, 5)
        self-used, exported, export times its shape, lost in the battery (kWh), bill after.
    before : float array, shape (households, 2)
        load (kWh) and bill without photovoltaics.
    """
    count, nodes = len(start) - 1, len(scales)
    out = np.zeros((count, nodes, 5))
    before = np.zeros((count, 2))
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    capacity, limit, charging, discharging = battery[0], battery[1], battery[2], battery[3]
    first, second = tiers[0], tiers[1]
    for g in nb.prange(count):
        power = np.zeros(hourly.shape[1], dtype=np.float32)
        for link in range(start[g], start[g + 1]):
            _add_power(
                planes, rows[link], hourly, k, edges, bins, left, np.float32(weight[link]), power
            )
        made = np.zeros(HOURS)
        for t in range(len(hour)):
            made[hour[t]] = power[t]
        if np.isnan(consumption[g]):
            for node in range(nodes):
                for name in range(5):
                    out[g, node, name] = np.nan
            before[g, 0] = before[g, 1] = np.nan
            continue
        shape = shapes[which[g]]
        year = consumption[g]
        used, bill = 0.0, 0.0
        for t in range(HOURS):
            load = shape[t] * year
            bill += _cost(used, load, first, second, prices, peak[t])
            used += load
        before[g, 0], before[g, 1] = used, bill
        for node in range(nodes):
            scale = scales[node]
            stored, bought, bill = 0.0, 0.0, 0.0
            own, sent, worth, lost = 0.0, 0.0, 0.0, 0.0
            for t in range(HOURS):
                load, here = shape[t] * year, made[t] * scale
                direct = min(load, here)
                spare, lack = here - direct, load - direct
                if capacity > 0.0:
                    taken = min(spare, limit, (capacity - stored) / charging)
                    given = min(lack, limit, stored * discharging)
                    stored += taken * charging - given / discharging
                    lost += taken * (1 - charging) + given * (1 / discharging - 1)
                    spare -= taken
                    lack -= given
                    own += given
                own += direct
                sent += spare
                worth += spare * export_shape[t]
                if lack > 0.0:
                    bill += _cost(bought, lack, first, second, prices, peak[t])
                    bought += lack
            out[g, node, 0], out[g, node, 1], out[g, node, 2] = own, sent, worth
            # What is left in the battery at the year's end is neither used nor lost: it is counted
            # as lost, so that the parts sum to the generation.
            out[g, node, 3], out[g, node, 4] = lost + stored, bill
    return out, before


@nb.njit(cache=True)
def share_battery(spare: np.ndarray, lack: np.ndarray, battery: np.ndarray) -> np.ndarray:
    """A village battery between all exports and all imports.

    Parameters
    ----------
    spare, lack : float arrays, shape (8760,)
        The village's exports and imports, kWh an hour.
    battery : float array, shape (4,)
        As for :func:`run_households`.

    Returns
    -------
    float array, shape (3, 8760)
        Charged, discharged, stored (kWh).
    """
    capacity, limit, charging, discharging = battery[0], battery[1], battery[2], battery[3]
    out = np.zeros((3, len(spare)))
    stored = 0.0
    for t in range(len(spare)):
        taken = min(spare[t], limit, (capacity - stored) / charging)
        given = min(max(lack[t] - 0.0, 0.0), limit, stored * discharging)
        stored += taken * charging - given / discharging
        out[0, t], out[1, t], out[2, t] = taken, given, stored
    return out
