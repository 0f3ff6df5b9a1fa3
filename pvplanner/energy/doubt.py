"""How sure the energy is: P90 by quadrature, and where the doubt comes from.

Errors that all roofs share (the year, the irradiation source, the model) move a village as one;
errors that each roof has for itself (part of its usable area, its soiling) average out. They are
kept apart, so a village's range is not a roof's. Energy is linear in every factor, so the hours are
not run again, and nothing is drawn: the same plan has the same range to the last digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.energy.quadrature import (
    Nodes,
    product_table,
    solve_groups,
    solve_single,
    spread_tables,
)
from pvplanner.energy.year import Year
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather, records_near, shift_sun, typical_sigma

Z90 = 1.2815515655446004
"""Standard normal deviate exceeded with 10 % probability."""

LEAST_SHIFT_MINUTES = 1.0
"""A stamp known better than this moves no roof by more than 0.7 %."""

QUANTILES = {"p90": 0.9, "p50": 0.5, "p10": 0.1}
"""Probabilities with which the energy is exceeded."""


@dataclass(frozen=True)
class RoofDoubt:
    """What is not known of each array; see :func:`roof_doubt`.

    Attributes
    ----------
    energy_kwh : ndarray, shape (arrays,)
        Expected energy.
    below, above : ndarray, shape (arrays,)
        One-sigma fractions of usable area downwards and upwards.
    shift : ndarray, shape (arrays,)
        Relative change of energy when the sun is taken one sigma later; zero where it is known.
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
    components: pd.DataFrame
    area_shared: float


def doubt_components(scenario: Scenario, weather: Weather, *, chinese: bool) -> pd.DataFrame:
    """The components that apply, with the scenario's own sigmas over the packaged ones.

    Parameters
    ----------
    chinese : bool
        Whether years vary as the records of the place's province say, or as elsewhere.

    Returns
    -------
    DataFrame
        ``component``, ``sigma``, ``scope`` (``shared``, ``own``, or ``life`` for what only the
        years of life change), ``source``, ``year``, ``certainty``.
    """
    table = _of_place(_packaged(chinese).copy(), weather, chinese=chinese)
    for component, sigma in scenario.doubt.sigma.items():
        own = table["component"] == component
        table.loc[own, ["sigma", "source", "certainty"]] = [sigma, "scenario", "given"]
    columns = ["component", "sigma", "scope", "source", "year", "certainty"]
    return table[columns].reset_index(drop=True)


@cache
def _packaged(chinese: bool) -> pd.DataFrame:
    table = reference.load("doubt")
    table = table[table["component"].notna()].rename(columns={"one_sigma_fraction": "sigma"})
    dropped = "year_to_year_elsewhere" if chinese else "year_to_year"
    table = table[table["component"] != dropped].copy()
    table["component"] = table["component"].str.replace("_elsewhere", "", regex=False)
    return table.fillna({"year": ""})


def _of_place(table: pd.DataFrame, weather: Weather, *, chinese: bool) -> pd.DataFrame:
    """The components with what is known of the place: its records, its stations."""
    records = records_near(weather.latitude, weather.longitude) if chinese else None
    if records is not None:
        own = table["component"] == "year_to_year"
        table.loc[own, ["sigma", "source"]] = [records.year_to_year, records.source]
    if not weather.synthetic:
        return table
    own = table["component"] == "irradiation_source"
    told = [*typical_sigma(weather), "computed", "2026"]
    table.loc[own, ["sigma", "source", "certainty", "year"]] = told
    if records is not None:
        gap = table[own].assign(
            component="irradiation_table", sigma=abs(records.gap), scope="shared",
            source=records.source, certainty="one", year="2017",
        )  # fmt: skip
        at = int(np.flatnonzero(own.to_numpy())[0]) + 1
        table = pd.concat([table.iloc[:at], gap, table.iloc[at:]], ignore_index=True)
    return table


def roof_doubt(
    arrays: pd.DataFrame,
    energy_kwh: np.ndarray,
    weather: Weather,
    *,
    scenario: Scenario,
    components: pd.DataFrame,
    usable: pd.DataFrame | None = None,
) -> RoofDoubt:
    """What is not known of each array.

    Parameters
    ----------
    arrays : DataFrame
        ``capacity_kwp``, ``surface_tilt``, ``surface_azimuth``.
    energy_kwh : ndarray, shape (arrays,)
        As simulated.
    weather : Weather
        The change of each array's energy with the sun one sigma earlier and later is carried.
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
    shift = np.zeros(len(arrays))
    if weather.sun_sigma_minutes >= LEAST_SHIFT_MINUTES:
        shift = _shift_effect(arrays, weather, scenario)
    return RoofDoubt(
        np.asarray(energy_kwh, dtype=float),
        np.maximum(below, 0),
        np.maximum(above, 0),
        shift,
        components,
        scenario.doubt.area_shared,
    )


def _shift_effect(arrays: pd.DataFrame, weather: Weather, scenario: Scenario) -> np.ndarray:
    minutes = weather.sun_sigma_minutes
    later, sooner = (
        Year(shift_sun(weather, by), scenario, shaded=False).run(arrays, None)[0].sum(axis=1)
        for by in (minutes, -minutes)
    )
    return (later - sooner) / np.maximum(later + sooner, 1e-9)


def energy_ranges(
    doubt: RoofDoubt,
    groups: pd.DataFrame | None = None,
    names: tuple[str, ...] = tuple(QUANTILES),
) -> pd.DataFrame:
    """P90, P50 and P10 of the energy of arrays, or of groups of them.

    Parameters
    ----------
    doubt : RoofDoubt
        As from :func:`roof_doubt`.
    groups : DataFrame, optional
        ``group`` (any label), ``row`` (position of an array) and ``weight`` (the group's part of
        it): households by their shares, a village, a region. Each array by itself if not given.
    names : tuple of str
        Which of :data:`QUANTILES` are wanted.

    Returns
    -------
    DataFrame
        ``p90``, ``p50``, ``p10`` (kWh, exceeded with that probability), on the groups' labels in
        order of appearance, or on the positions of the arrays.

    Notes
    -----
    The product of the factors that all share is one table. For a single array the shared and the
    own part of its area are one normal number. Of several, the shared part is integrated over, and
    their own parts, given it, are taken by mean and variance.
    """
    own = _own_sigma(doubt.components)
    shared = _sigmas(doubt.components, "shared")
    wanted = np.array([QUANTILES[name] for name in names])
    if groups is None:
        table = product_table([*shared, own])
        found = solve_single(doubt.energy_kwh, doubt.below, doubt.above, doubt.shift, table, wanted)
        return pd.DataFrame(found, columns=list(names))
    code, labels = pd.factorize(groups["group"])
    order = np.argsort(code, kind="stable")
    rows = groups["row"].to_numpy(dtype=np.int64)[order]
    weight = groups["weight"].to_numpy(dtype=float)[order]
    start = np.searchsorted(code[order], np.arange(len(labels) + 1))
    found = np.empty((len(labels), len(names)))
    single = np.diff(start) == 1
    at = start[:-1][single]
    found[single] = solve_single(
        doubt.energy_kwh[rows[at]] * weight[at], doubt.below[rows[at]], doubt.above[rows[at]],
        doubt.shift[rows[at]], product_table([*shared, own]), wanted,
    )  # fmt: skip
    nodes = Nodes.of(doubt.area_shared, own, plain=not (doubt.below.any() or doubt.above.any()))
    found[~single] = solve_groups(
        doubt.energy_kwh, doubt.below, doubt.above, doubt.shift, rows, weight,
        np.column_stack([start[:-1], start[1:]])[~single], nodes, spread_tables(list(shared)),
        wanted,
    )  # fmt: skip
    return pd.DataFrame(found, index=labels, columns=list(names))


def as_built(doubt: RoofDoubt) -> RoofDoubt:
    """The same once the modules stand: without the doubt whether the roof holds as many."""
    nothing = np.zeros_like(doubt.below)
    return replace(doubt, below=nothing, above=nothing)


def over_life(doubt: RoofDoubt, years: int) -> RoofDoubt:
    """The same for the mean of the life's years.

    Good and bad years average: what changes from year to year is divided by their root. The rate of
    wear, of which little is known in any one year, adds up.
    """
    table = doubt.components
    name, sigma = table["component"].to_numpy(), table["sigma"].to_numpy(dtype=float)
    sigma = np.where(name == "year_to_year", sigma / math.sqrt(years), sigma)
    sigma = np.where(name == "wear", sigma * ((years - 1) / 2), sigma)
    scope = np.where(name == "wear", "shared", table["scope"].to_numpy(dtype=object))
    return replace(doubt, components=table.assign(sigma=sigma, scope=scope))


def shared_and_own(doubt: RoofDoubt) -> pd.DataFrame:
    """One sigma of all roofs together by component, and whether other villages have it as well.

    Returns
    -------
    DataFrame
        ``component``, ``shared`` (fraction of the energy that moves with every other village),
        ``own`` (the village's for itself). The part of the usable area that all arrays have in
        common is the coefficient's, and so every village's.
    """
    energy = doubt.energy_kwh
    whole = max(float(energy.sum()), 1e-9)
    single = float(np.sqrt((energy**2).sum())) / whole
    rows = [
        (r.component, r.sigma, 0.0) if r.scope == "shared" else (r.component, 0.0, r.sigma * single)
        for r in doubt.components[doubt.components["scope"] != "life"].itertuples()
    ]
    spread = (doubt.below + doubt.above) / 2
    area = float(energy @ spread) / whole
    apart = float(np.sqrt(((energy * spread) ** 2).sum())) / whole
    together = doubt.area_shared
    rows.append(("usable_area", math.sqrt(together) * area, math.sqrt(1 - together) * apart))
    if doubt.shift.any():
        rows.append(("time_stamp", abs(float(energy @ doubt.shift)) / whole, 0.0))
    return pd.DataFrame(rows, columns=["component", "shared", "own"])


def _own_sigma(components: pd.DataFrame) -> float:
    return float(np.sqrt((_sigmas(components, "own") ** 2).sum()))


def _sigmas(components: pd.DataFrame, scope: str) -> np.ndarray:
    found: np.ndarray = components["sigma"].to_numpy(dtype=float)
    return found[components["scope"].to_numpy() == scope]


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
    known = doubt.components.set_index("component")
    told = [(name, *known.loc[name, ["sigma", "source", "year", "certainty"]])
            for name in known.index[known["scope"] != "life"]]  # fmt: skip
    for name, sigma, constant in (
        ("usable_area", (doubt.below + doubt.above) / 2, "usable_area_range"),
        ("time_stamp", np.abs(doubt.shift), "time_stamp_minutes"),
    ):
        note = reference.constant(constant)
        told.append((name, float(energy @ sigma) / whole, note.source, note.year, note.certainty))
    roofs = pd.DataFrame(told, columns=["component", "roof", "source", "year", "certainty"])
    table = shared_and_own(doubt).merge(roofs, on="component")
    table["village"] = np.hypot(table["shared"], table["own"])
    table = table[["component", "roof", "village", "source", "year", "certainty"]]
    sums = np.sqrt((table[["roof", "village"]] ** 2).sum())
    table.loc[len(table)] = ["combined", *sums, "square sum", "", "computed"]
    return table
