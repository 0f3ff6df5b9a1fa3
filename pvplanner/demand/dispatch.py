"""Self-use, export and battery, hour by hour, for every household; compiled. No price is asked.

A household's generation is summed from its own arrays by the energy kernel's arithmetic, over the
hours instead of over roofs, and used at once: nothing of 8,760 hours is stored per household.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
from pvplanner.threads import spread

HOURS = 8760
CLOCK = 24
"""Hours of the day."""

_ZERO, _ONE = np.float32(0), np.float32(1)
_MATH = {"contract", "nsz"}


@nb.njit(inline="always")
def _power_at(p: Any, i: Any, h: Any, t: Any, k: Any, left: Any, lit: Any) -> Any:
    """AC power of a plane per kWp in a lit hour; ``lit`` is the share that the sun reaches."""
    c = p[N_EAST, i] * h[SUN_EAST, t] + p[N_NORTH, i] * h[SUN_NORTH, t]
    c = max(c + p[N_UP, i] * h[SUN_UP, t], _ZERO)
    sky = h[EVEN, t] * p[SKY, i] + h[BAND, t] * p[SINE, i]
    seen = _ONE if sky + h[AROUND, t] * left[i] * c > _ZERO else _ZERO
    direct = (h[BEAM, t] + seen * h[AROUND, t]) * c * lit
    total = direct + seen * sky + h[GROUND, t] * p[GROUND_VIEW, i]
    useful = h[EVEN, t] * p[SKY_USED, i] + h[BAND, t] * p[SINE_USED, i]
    useful = seen * useful + direct * modifier(c, k) + h[GROUND, t] * p[GROUND_USED, i]
    return power_of(p, i, useful, total, h[COOL, t], h[HEAT, t])


@nb.njit(cache=True, fastmath=_MATH, error_model="numpy", nogil=True)
def _add_power(
    p: np.ndarray, i: int, h: np.ndarray, k: Any, edges: np.ndarray, bins: np.ndarray,
    left: np.ndarray, weight: Any, out: np.ndarray,
) -> None:  # fmt: skip
    """Add an array's hourly AC power (kW) to ``out``, over the hours with light."""
    points = edges.shape[1]
    if points == 0:
        for t in range(h.shape[1]):
            out[t] += weight * _power_at(p, i, h, t, k, left, _ONE)
        return
    for t in range(h.shape[1]):
        lit = 0
        for n in range(points):
            low, high = edges[i, n, bins[t]], edges[i, n, bins[t] + 1]
            if h[UP, t] > low + h[PART, t] * (high - low):
                lit += 1
        share = np.float32(lit) / np.float32(points)
        out[t] += weight * _power_at(p, i, h, t, k, left, share)


@nb.njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", nogil=True)
def _direct_use(made: np.ndarray, load: np.ndarray, scale: float) -> float:
    """Energy used as it is made, kWh."""
    own = 0.0
    for t in range(len(made)):
        own += min(made[t] * scale, load[t])
    return own


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _with_battery(
    made: np.ndarray, shape: np.ndarray, year: float, scale: float, slot: np.ndarray,
    clock: np.ndarray, battery: np.ndarray, own: np.ndarray, sent: np.ndarray,
) -> float:  # fmt: skip
    """A year behind a battery: own use by slot, export by hour of the day; returns what is lost."""
    capacity, limit, charging, discharging = battery[0], battery[1], battery[2], battery[3]
    stored, lost = 0.0, 0.0
    for t in range(HOURS):
        load, here = shape[t] * year, made[t] * scale
        direct = min(load, here)
        spare, lack = here - direct, load - direct
        taken = min(spare, limit, (capacity - stored) / charging)
        given = min(lack, limit, stored * discharging)
        stored += taken * charging - given / discharging
        lost += taken * (1 - charging) + given * (1 / discharging - 1)
        own[slot[t]] += direct + given
        sent[clock[t]] += spare - taken
    # What is left in the battery at the year's end is neither used nor lost: it is counted as lost,
    # so that the parts sum to the generation.
    return lost + stored


class Light(NamedTuple):
    """What falls on arrays, as the energy kernel takes it.

    Attributes
    ----------
    planes : float32 array, shape (13, arrays)
        Factors of each array.
    hourly, iam : float32 arrays
    hour : int array, shape (lit hours,)
        Row of the year for each column of ``hourly``.
    edges, bins, left
        Horizons, as of :meth:`pvplanner.energy.year.Year.rays`.
    """

    planes: np.ndarray
    hourly: np.ndarray
    iam: np.ndarray
    hour: np.ndarray
    edges: np.ndarray
    bins: np.ndarray
    left: np.ndarray


class Homes(NamedTuple):
    """What households have and use.

    Attributes
    ----------
    start, rows, weight : arrays
        Household g has the arrays ``rows[start[g]:start[g + 1]]`` with ``weight`` kWp each.
    shapes : float array, shape (kinds, 8760)
        Loads as parts of a year's energy.
    which, consumption : arrays, shape (households,)
        Row of ``shapes``, and kWh a year; nan: not known.
    """

    start: np.ndarray
    rows: np.ndarray
    weight: np.ndarray
    shapes: np.ndarray
    which: np.ndarray
    consumption: np.ndarray


class Slots(NamedTuple):
    """What each hour is counted in.

    Attributes
    ----------
    slot : int array, shape (8760,)
        Month and period of the day, below ``total``.
    total : int
    clock : int array, shape (8760,)
        Hour of the day.
    """

    slot: np.ndarray
    total: int
    clock: np.ndarray


def run_households(
    light: Light, homes: Homes, slots: Slots, scales: np.ndarray, battery: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A year of every household.

    Parameters
    ----------
    light, homes, slots
    scales : float array, shape (nodes,)
        Generation is scaled by each in turn.
    battery : float array, shape (4,)
        Capacity (kWh), power (kW), efficiency of charging and of discharging.

    Returns
    -------
    own : float array, shape (households, nodes, slots)
        Used at home, kWh.
    lost : float array, shape (households, nodes)
        In the battery, kWh.
    sent : float array, shape (households, 24)
        Sold at the first scale, by the hour of the day, kWh.
    """
    count, nodes = len(homes.start) - 1, len(scales)
    own, lost = np.zeros((count, nodes, slots.total)), np.zeros((count, nodes))
    sent = np.zeros((count, CLOCK))
    # Lit hours of one slot stand together, so that their sums run over neighbours.
    lit = slots.slot[light.hour]
    order = np.argsort(lit, kind="stable")
    edge = np.searchsorted(lit[order], np.arange(slots.total + 1))
    spread(
        _households, count, *light, order, edge, *homes, scales, slots.slot, slots.clock, battery,
        own, lost, sent,
    )  # fmt: skip
    return own, lost, sent


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _households(
    begin: int, end: int, planes: np.ndarray, hourly: np.ndarray, iam: np.ndarray,
    hour: np.ndarray, edges: np.ndarray, bins: np.ndarray, left: np.ndarray,
    order: np.ndarray, edge: np.ndarray, start: np.ndarray, rows: np.ndarray, weight: np.ndarray,
    shapes: np.ndarray, which: np.ndarray, consumption: np.ndarray, scales: np.ndarray,
    slot: np.ndarray, clock: np.ndarray, battery: np.ndarray,
    own: np.ndarray, lost: np.ndarray, sent: np.ndarray,
) -> None:  # fmt: skip
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    count = hourly.shape[1]
    power = np.empty(count, dtype=np.float32)
    made, load = np.empty(count), np.empty(count)
    whole, spare = np.zeros(HOURS), np.zeros(CLOCK)
    for g in range(begin, end):
        if np.isnan(consumption[g]):
            for node in range(len(scales)):
                lost[g, node] = np.nan
                for n in range(own.shape[2]):
                    own[g, node, n] = np.nan
            for n in range(CLOCK):
                sent[g, n] = np.nan
            continue
        if start[g] == start[g + 1]:
            continue
        for t in range(count):
            power[t] = _ZERO
        for link in range(start[g], start[g + 1]):
            _add_power(
                planes, rows[link], hourly, k, edges, bins, left, np.float32(weight[link]), power
            )
        shape, year = shapes[which[g]], consumption[g]
        if battery[0] > 0.0:
            for t in range(count):
                whole[hour[t]] = power[t]
            for node in range(len(scales)):
                for n in range(CLOCK):
                    spare[n] = 0.0
                lost[g, node] = _with_battery(
                    whole, shape, year, scales[node], slot, clock, battery, own[g, node], spare
                )
                if node == 0:
                    for n in range(CLOCK):
                        sent[g, n] = spare[n]
            continue
        for t in range(count):
            here = order[t]
            made[t], load[t] = power[here], shape[hour[here]] * year
            sent[g, clock[hour[here]]] += max(made[t] * scales[0] - load[t], 0.0)
        for node in range(len(scales)):
            for n in range(len(edge) - 1):
                first, last = edge[n], edge[n + 1]
                own[g, node, n] = _direct_use(made[first:last], load[first:last], scales[node])


def run_village(light: Light, homes: Homes, battery: np.ndarray, minutes: np.ndarray) -> np.ndarray:
    """Hours of all households together.

    Parameters
    ----------
    light, homes, battery
        As for :func:`run_households`.
    minutes : float array, shape (households,)
        What the minutes leave of each one's self-use by the hour; the rest is sold.

    Returns
    -------
    float array, shape (4, 8760)
        Load, generation, self-use, export, kW.
    """
    out = np.zeros((4, HOURS))
    _village(*light, *homes, battery, minutes, out)
    return out


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _village(
    planes: np.ndarray, hourly: np.ndarray, iam: np.ndarray, hour: np.ndarray, edges: np.ndarray,
    bins: np.ndarray, left: np.ndarray, start: np.ndarray, rows: np.ndarray, weight: np.ndarray,
    shapes: np.ndarray, which: np.ndarray, consumption: np.ndarray, battery: np.ndarray,
    minutes: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    k = (iam[0], iam[1], iam[2], iam[3], iam[4], iam[5], iam[6], iam[7], iam[8], iam[9])
    count = hourly.shape[1]
    power, whole = np.empty(count, dtype=np.float32), np.zeros(HOURS)
    capacity, limit, charging, discharging = battery[0], battery[1], battery[2], battery[3]
    for g in range(len(start) - 1):
        for t in range(count):
            power[t] = _ZERO
        for link in range(start[g], start[g + 1]):
            _add_power(
                planes, rows[link], hourly, k, edges, bins, left, np.float32(weight[link]), power
            )
        for t in range(count):
            whole[hour[t]] = power[t]
        shape, stored = shapes[which[g]], 0.0
        for t in range(HOURS):
            load, here = shape[t] * consumption[g], whole[t]
            direct = min(load, here)
            spare, lack = here - direct, load - direct
            taken = min(spare, limit, (capacity - stored) / charging) if capacity > 0.0 else 0.0
            given = min(lack, limit, stored * discharging) if capacity > 0.0 else 0.0
            stored += taken * charging - given / discharging
            own = (direct + given) * minutes[g]
            out[0, t] += load
            out[1, t] += here
            out[2, t] += own
            out[3, t] += spare - taken + (direct + given) - own


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
