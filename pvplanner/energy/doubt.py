"""How sure the energy is: P50 and P90 by Monte Carlo, and where the doubt comes from.

Errors that all roofs share (the year, the irradiation source, the model) move a village as one;
errors that each roof has for itself (part of its usable area, its soiling) average out. They are
kept apart, so a village's range is not a roof's. Energy is linear in every factor drawn here, so
the hours are not run again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.energy.year import Year
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather, shift_sun

Z90 = 1.2815515655446004
"""Standard normal deviate exceeded with 10 % probability."""

SHIFT_MINUTES = 30.0
"""One sigma of a time stamp that can't be told."""

_FLOOR = 0.05
_FEW_GROUPS = 8


@dataclass(frozen=True)
class RoofDoubt:
    """What is drawn for each array; see :func:`roof_doubt`.

    Attributes
    ----------
    energy_kwh : ndarray, shape (arrays,)
        Expected energy.
    below, above : ndarray, shape (arrays,)
        One-sigma fractions of usable area downwards and upwards.
    shift : ndarray, shape (arrays,)
        Relative change of energy when the sun is taken one sigma later; zero where it is known.
    key : ndarray of uint64, shape (arrays,)
        What each array's own errors are drawn from, the same in any order or partition.
    components : DataFrame
        ``component``, ``sigma``, ``scope`` (``shared`` or ``own``), ``source``, ``year``,
        ``certainty``.
    area_shared : float
        Share of the variance of usable area that all arrays have in common.
    """

    energy_kwh: np.ndarray
    below: np.ndarray
    above: np.ndarray
    shift: np.ndarray
    key: np.ndarray
    components: pd.DataFrame
    area_shared: float


def doubt_components(scenario: Scenario, weather: Weather, *, chinese: bool) -> pd.DataFrame:
    """The components that apply, with the scenario's own sigmas over the packaged ones.

    Parameters
    ----------
    chinese : bool
        Year-to-year variation of East China, or that of elsewhere.
    """
    table = reference.load("doubt")
    table = table[table["component"].notna()].rename(columns={"one_sigma_fraction": "sigma"})
    dropped = "year_to_year_elsewhere" if chinese else "year_to_year"
    table = table[table["component"] != dropped].copy()
    table["component"] = table["component"].str.replace("_elsewhere", "", regex=False)
    if weather.synthetic:
        own = table["component"] == "irradiation_source"
        table.loc[own, "sigma"] = 0.057
        table.loc[own, "source"] = "station left out of the interpolation, East China (5.7 % rms)"
    for component, sigma in scenario.doubt.sigma.items():
        own = table["component"] == component
        table.loc[own, ["sigma", "source", "certainty"]] = [sigma, "scenario", "given"]
    columns = ["component", "sigma", "scope", "source", "year", "certainty"]
    return table[columns].fillna({"year": ""}).reset_index(drop=True)


def roof_doubt(
    arrays: pd.DataFrame,
    energy_kwh: np.ndarray,
    weather: Weather,
    *,
    scenario: Scenario,
    components: pd.DataFrame,
    usable: pd.DataFrame | None = None,
) -> RoofDoubt:
    """What has to be drawn for each array.

    Parameters
    ----------
    arrays : DataFrame
        ``capacity_kwp``, ``surface_tilt``, ``surface_azimuth``; ``array_id`` or the index names it.
    energy_kwh : ndarray, shape (arrays,)
        As simulated.
    weather : Weather
        Where its time stamp can't be told, the change of each array's energy with the sun half an
        hour earlier and later is carried.
    scenario : Scenario
        ``doubt`` is used.
    components : DataFrame
        As from :func:`doubt_components`.
    usable : DataFrame, optional
        On the rows of ``arrays``: ``usable_area_low_m2``, ``usable_area_m2``,
        ``usable_area_high_m2`` of their planes, taken as an 80 % range.
    """
    below, above = np.zeros(len(arrays)), np.zeros(len(arrays))
    if usable is not None and len(arrays):
        low, middle, high = (
            usable[name].to_numpy(dtype=float)
            for name in ("usable_area_low_m2", "usable_area_m2", "usable_area_high_m2")
        )
        below, above = (1 - low / middle) / Z90, (high / middle - 1) / Z90
    names = arrays.get("array_id", arrays.index)
    key = pd.util.hash_array(np.asarray(names, dtype=object))
    shift = np.zeros(len(arrays))
    if any(f.code == "sun_offset_undetermined" for f in weather.findings):
        shift = _shift_effect(arrays, weather, scenario)
    return RoofDoubt(
        np.asarray(energy_kwh, dtype=float),
        np.maximum(below, 0),
        np.maximum(above, 0),
        shift,
        key,
        components,
        scenario.doubt.area_shared,
    )


def _shift_effect(arrays: pd.DataFrame, weather: Weather, scenario: Scenario) -> np.ndarray:
    later, sooner = (
        Year(shift_sun(weather, minutes), scenario, shaded=False).run(arrays, None)[0].sum(axis=1)
        for minutes in (SHIFT_MINUTES, -SHIFT_MINUTES)
    )
    return (later - sooner) / np.maximum(later + sooner, 1e-9)


def draw_ranges(
    doubt: RoofDoubt,
    groups: pd.DataFrame | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """P90, P50 and P10 of the energy of arrays, or of groups of them.

    Parameters
    ----------
    doubt : RoofDoubt
        As from :func:`roof_doubt`.
    groups : DataFrame, optional
        ``group`` (any label), ``row`` (position of an array) and ``weight`` (the group's part of
        it): households by their shares, a village, a region. Each array by itself if not given.
    draws, seed : int
        Same seed, same result, in any order of arrays.

    Returns
    -------
    DataFrame
        ``p90``, ``p50``, ``p10`` (kWh, exceeded with that probability), on the groups' labels in
        order of appearance, or on the positions of the arrays.
    """
    if groups is None:
        count = len(doubt.energy_kwh)
        rows, weight, start = np.arange(count), np.ones(count), np.arange(count + 1)
        labels = pd.RangeIndex(count)
    else:
        code, labels = pd.factorize(groups["group"])
        order = np.argsort(code, kind="stable")
        rows = groups["row"].to_numpy(dtype=np.int64)[order]
        weight = groups["weight"].to_numpy(dtype=float)[order]
        start = np.searchsorted(code[order], np.arange(len(labels) + 1))
    common = _common_draws(doubt, draws, seed)
    own = _own_sigma(doubt.components)
    arguments = (
        doubt.energy_kwh, doubt.below, doubt.above, doubt.shift, doubt.key, rows, weight, start,
        *common, own, math.sqrt(1 - doubt.area_shared), np.uint64(seed),
    )  # fmt: skip
    if len(labels) <= _FEW_GROUPS:
        sums = _draw_few(*arguments)
        found = np.quantile(sums, [0.1, 0.5, 0.9], axis=1).T if len(labels) else np.empty((0, 3))
    else:
        found = _draw_many(*arguments)
    return pd.DataFrame(found, index=labels, columns=["p90", "p50", "p10"])


def _common_draws(
    doubt: RoofDoubt, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What all roofs share in each draw: a factor, the area's part, the shift's."""
    rng = np.random.default_rng(seed)
    factor = np.ones(draws)
    shared = doubt.components[doubt.components["scope"] == "shared"]
    for sigma in shared["sigma"]:
        factor *= np.maximum(1 + float(sigma) * rng.standard_normal(draws), _FLOOR)
    area = math.sqrt(doubt.area_shared) * rng.standard_normal(draws)
    return factor, area, rng.standard_normal(draws)


def _own_sigma(components: pd.DataFrame) -> float:
    own = components.loc[components["scope"] == "own", "sigma"].to_numpy(dtype=float)
    return float(np.sqrt((own**2).sum()))


@nb.njit(inline="always")
def _hashed(x: Any) -> Any:
    """SplitMix64: a well-mixed 64-bit number from another."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@nb.njit(inline="always")
def _factor(
    key: Any, d: Any, seed: Any, common: Any, area: Any, shift_z: Any, below: Any, above: Any,
    shift: Any, own: Any, apart: Any,
) -> Any:  # fmt: skip
    """One array's factor in one draw: two normal numbers of its own by Box and Muller."""
    mixed = _hashed(key ^ _hashed(np.uint64(d) + (seed << np.uint64(32))))
    u = (np.float64(mixed >> np.uint64(11)) + 0.5) / 9007199254740992.0
    v = (np.float64(_hashed(mixed) >> np.uint64(11)) + 0.5) / 9007199254740992.0
    radius, angle = math.sqrt(-2 * math.log(u)), 2 * math.pi * v
    z = area + apart * radius * math.cos(angle)
    grown = 1 + z * (below if z < 0 else above)
    soiled = 1 + own * radius * math.sin(angle)
    return max(common * grown * soiled * (1 + shift * shift_z), 0.0)


@nb.njit(cache=True, parallel=True, error_model="numpy")
def _draw_many(
    energy: np.ndarray, below: np.ndarray, above: np.ndarray, shift: np.ndarray, key: np.ndarray,
    rows: np.ndarray, weight: np.ndarray, start: np.ndarray,
    common: np.ndarray, area: np.ndarray, shift_z: np.ndarray, own: float, apart: float, seed: Any,
) -> np.ndarray:  # fmt: skip
    draws, groups = len(common), len(start) - 1
    out = np.empty((groups, 3))
    for g in nb.prange(groups):
        total = np.zeros(draws)
        for link in range(start[g], start[g + 1]):
            i = rows[link]
            base = energy[i] * weight[link]
            for d in range(draws):
                total[d] += base * _factor(
                    key[i], d, seed, common[d], area[d], shift_z[d],
                    below[i], above[i], shift[i], own, apart,
                )  # fmt: skip
        total.sort()
        for q, share in enumerate((0.1, 0.5, 0.9)):
            at = share * (draws - 1)
            low = int(at)
            high = min(low + 1, draws - 1)
            out[g, q] = total[low] + (at - low) * (total[high] - total[low])
    return out


@nb.njit(cache=True, parallel=True, error_model="numpy")
def _draw_few(
    energy: np.ndarray, below: np.ndarray, above: np.ndarray, shift: np.ndarray, key: np.ndarray,
    rows: np.ndarray, weight: np.ndarray, start: np.ndarray,
    common: np.ndarray, area: np.ndarray, shift_z: np.ndarray, own: float, apart: float, seed: Any,
) -> np.ndarray:  # fmt: skip
    draws, groups = len(common), len(start) - 1
    out = np.zeros((groups, draws))
    for d in nb.prange(draws):
        for g in range(groups):
            total = 0.0
            for link in range(start[g], start[g + 1]):
                i = rows[link]
                total += energy[i] * weight[link] * _factor(
                    key[i], d, seed, common[d], area[d], shift_z[d],
                    below[i], above[i], shift[i], own, apart,
                )  # fmt: skip
            out[g, d] = total
    return out


def contributions(doubt: RoofDoubt) -> pd.DataFrame:
    """One sigma of each component for a typical roof and for all roofs together.

    Returns
    -------
    DataFrame
        ``component``, ``roof``, ``village`` (fractions of the energy), ``source``, ``year``,
        ``certainty``; the last row, ``combined``, is their square sum. ``roof`` is weighted by
        energy.
    """
    energy = doubt.energy_kwh
    whole = max(float(energy.sum()), 1e-9)
    single = float(np.sqrt((energy**2).sum())) / whole
    rows = [
        (r.component, r.sigma, r.sigma * (1.0 if r.scope == "shared" else single), r.source, r.year,
         r.certainty)
        for r in doubt.components.itertuples()
    ]  # fmt: skip
    spread = (doubt.below + doubt.above) / 2
    area = float(energy @ spread) / whole
    apart = float(np.sqrt(((energy * spread) ** 2).sum())) / whole
    together = doubt.area_shared
    village_area = math.sqrt(together * area**2 + (1 - together) * apart**2)
    note = "range of the roof room; shared part: assumption"
    rows.append(("usable_area", area, village_area, note, "", "assumption"))
    if doubt.shift.any():
        roof = float(energy @ np.abs(doubt.shift)) / whole
        village = abs(float(energy @ doubt.shift)) / whole
        rows.append(
            ("time_stamp", roof, village, "sun 30 minutes earlier or later", "", "computed")
        )
    columns = ["component", "roof", "village", "source", "year", "certainty"]
    table = pd.DataFrame(rows, columns=columns)
    sums = np.sqrt((table[["roof", "village"]] ** 2).sum())
    table.loc[len(table)] = [
        "combined",
        sums["roof"],
        sums["village"],
        "square sum",
        "",
        "computed",
    ]
    return table
