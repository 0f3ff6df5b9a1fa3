"""What is told of a village in one scenario: measures, and how far each can be trusted.

An error that villages share (the year's weather, the irradiation source, the usable-area
coefficient, prices) moves a county as one; a village's own averages out. Both parts of every
measure's doubt are carried, so that the county's P90 is neither the sum of P90s nor that of
villages that have nothing in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.energy.doubt import Z90
from pvplanner.money import chosen_incomes
from pvplanner.plan.worth import case_of

SUMS = ("income_mean", "npv")
"""Money of households that is summed beside what the ``villages`` table has."""

PRICE = "market_price"
"""Component of the doubt of money that prices make."""

ENERGY = ("energy_kwh", "standard_coal_t", "avoided_t")
"""Measures that go as the energy does, what may stand counted: all that fits."""

BUILT = ("income_first_year", "income_mean")
"""Money of the planned modules: as the energy once they stand, and as prices."""


FIGURES = (
    "buildings", "buildings_used", "buildings_with_pv", "modules", "households",
    "households_with_pv", "energy_kwh", "capacity_kwp", "capital", "income_first_year",
    "avoided_t", "low_income_share", "income_per_household", "standard_coal_t", "supply_ratio",
    "energy_p90_kwh", "energy_p90_built_kwh", "energy_p90_life_kwh", "income_mean", "npv", "lcoe",
    "investment", "load_kwh", "self_used_kwh", "export_kwh", "latitude", "longitude", "fits_kwp",
    "fits_kw", "connectable_kw", "phase_kwp", "modelled",
)  # fmt: skip
"""Columns of numbers that a village's row has, before anything is planned."""


def village_row(result: Callable[[str], Any]) -> pd.DataFrame:
    """The ``villages`` table's row with more sums beside it.

    Parameters
    ----------
    result : callable
        Gives a stage's result by its name.

    Returns
    -------
    DataFrame, one row
        Of villages: ``income_mean``, ``npv``, ``lcoe`` (by energy), ``investment`` (of all plants,
        whoever pays), ``self_used_kwh``, ``load_kwh``, ``export_kwh``, ``latitude``,
        ``longitude``, ``fits_kwp``, ``fits_kw``, ``connectable_kw`` (nan: not checked against a
        grid), ``phase_kwp``, ``modelled`` (share of the planes that a surface or roof model
        shows).
    """
    row: dict[str, Any] = {}
    chosen, demand, place = result("chosen"), result("demand"), result("place")
    villages = result("villages").iloc[:1].reset_index(drop=True)
    for name in SUMS:
        row[name] = float(chosen[name].sum(min_count=1))
    made = result("holdings")["energy_kwh"].to_numpy(dtype=float)
    cost = chosen["lcoe"].to_numpy(dtype=float)
    known = np.isfinite(cost) & (made > 0)
    whole = float(made[known].sum())
    row["lcoe"] = float(cost[known] @ made[known]) / whole if whole > 0 else float("nan")
    watts = float(result("holdings")["capacity_kwp"].sum()) * 1000
    row["investment"] = watts * float(result("terms").rate("capex_per_w")[0])
    row["load_kwh"] = float(demand["load_kwh"].sum(skipna=False))
    row["self_used_kwh"] = float(demand["self_used_kwh_0"].sum(skipna=False))
    hours = [c for c in demand.columns if c.startswith("export_kwh_h")]
    row["export_kwh"] = float(demand[hours].to_numpy(dtype=float).sum())
    row["latitude"], row["longitude"] = place.latitude, place.longitude
    told = result("totals").iloc[0]
    for name in ("fits_kwp", "fits_kw", "connectable_kw", "phase_kwp"):
        row[name] = float(told[name]) if name in told else float("nan")
    row["modelled"] = float((result("planes")["source"] != "typology").mean())
    return villages.assign(**row)


def parts_of_doubt(result: Callable[[str], Any], planned: float) -> pd.DataFrame:
    """What a village's doubt is made of: the energy's components, and the market's price.

    Parameters
    ----------
    result : callable
    planned : float
        The first year's income.

    Returns
    -------
    DataFrame
        ``component``, ``shared``, ``own``: fractions; of the price, of the income.
    """
    parts = result("common").copy()
    parts.loc[len(parts)] = [PRICE, price_sigma(result, planned), 0.0]
    return parts


def price_sigma(result: Callable[[str], Any], planned: float) -> float:
    """One sigma of the first year's income by the market's price, as a fraction of it.

    The lowest and the highest market of the plan's price cases are taken as an 80 % range; nan
    where income is nothing or not known, 0 where nothing is sold at the market.
    """
    names = ("people", "holdings", "demand", "bills", "months", "curtailed", "terms")
    homes, case = case_of(*(result(name) for name in names))
    if not planned or planned != planned:
        return float("nan")
    ends = []
    for name in ("market_low", "market_high"):
        if name not in case.terms.others:
            return 0.0
        own = replace(case, terms=case.terms.under_case(name))
        ends.append(float(np.nansum(chosen_incomes(homes, own))))
    return abs(ends[1] - ends[0]) / (2 * Z90) / abs(planned)


@dataclass(frozen=True)
class Parts:
    """What the doubt of many villages is made of.

    Attributes
    ----------
    components : tuple of str
    shared, own : ndarray, shape (villages, components)
        One sigma as fractions: of the energy, of the income for :data:`PRICE`; nought where a
        village has no such component.
    """

    components: tuple[str, ...]
    shared: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, common: pd.DataFrame, rows: np.ndarray, count: int) -> Parts:
        """From a table of ``component``, ``shared``, ``own``; ``rows`` is the village of each."""
        components = tuple(dict.fromkeys(common["component"]))
        at = common["component"].map({c: n for n, c in enumerate(components)}).to_numpy(dtype=int)
        shared, own = (np.zeros((count, len(components))) for _ in range(2))
        shared[rows, at] = common["shared"].to_numpy(dtype=float)
        own[rows, at] = common["own"].to_numpy(dtype=float)
        return cls(components, shared, own)

    def only(self, rows: np.ndarray) -> Parts:
        """Of some villages."""
        return Parts(self.components, self.shared[rows], self.own[rows])


def long_rows(row: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    """A row a measure: its value, and how far it can be trusted.

    Parameters
    ----------
    row : DataFrame
        As from :func:`village_row`.
    common : DataFrame
        As from :func:`parts_of_doubt`.

    Returns
    -------
    DataFrame
        ``measure``, ``value``, ``p90``, ``p10`` (nan where no range is known), ``shared``: the part
        of the range's variance that other villages have in common.
    """
    parts, out = Parts.of(common, np.zeros(len(common), dtype=int), 1), []
    nothing = float("nan"), float("nan"), float("nan")
    for name in row.columns:
        if not pd.api.types.is_numeric_dtype(row[name]) or name.startswith("energy_p90"):
            continue
        value = row[name].to_numpy(dtype=float)
        told = whole_range(value, deviations(name, row, parts)) if ranged(name) else nothing
        out.append((name, float(value[0]), *told))
    return pd.DataFrame(out, columns=["measure", "value", "p90", "p10", "shared"])


def ranged(name: str) -> bool:
    """Whether a measure's doubt is known."""
    return name in (*ENERGY, *BUILT)


def deviations(name: str, rows: pd.DataFrame, parts: Parts) -> Parts:
    """One sigma of a measure of each village by component, as fractions of its value.

    The energy's components are scaled to the P90 that a village's own quadrature gives, so that
    the two say the same of one village. nan where no range is known.
    """
    energy, value = (rows[c].to_numpy(dtype=float) for c in ("energy_kwh", name))
    built = name in BUILT
    p90 = rows["energy_p90_built_kwh" if built else "energy_p90_kwh"].to_numpy(dtype=float)
    names = np.array(parts.components)
    prices = names == PRICE
    left = ~prices & ~(built & (names == "usable_area"))
    whole = np.sqrt((parts.shared[:, left] ** 2 + parts.own[:, left] ** 2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(whole > 0, (energy - p90) / energy / Z90 / whole, 1.0)
    scale = np.where((energy > 0) & np.isfinite(value), scale, np.nan)[:, None]
    shared, own = (np.where(left, part * scale, 0.0) for part in (parts.shared, parts.own))
    if built:
        shared[:, prices] = np.where(np.isnan(scale), np.nan, parts.shared[:, prices])
    return Parts(parts.components, shared, own)


def whole_range(values: np.ndarray, told: Parts, more: float = 0.0) -> tuple[float, float, float]:
    """P90 and P10 of a sum over villages, and the shared part of its variance.

    Parameters
    ----------
    values : ndarray, shape (villages,)
    told : Parts
        As from :func:`deviations`; where one is not known neither is the range of the sum.
    more : float
        Variance that comes on top: of villages that were not looked at.

    Notes
    -----
    Components are independent of each other; one component moves all villages that have it
    together, own errors not at all: ``var = sum_c (sum_v x_v s_vc)^2 + sum_v (x_v o_v)^2``.
    """
    common = float(((values @ told.shared) ** 2).sum())
    apart = float((values**2 * (told.own**2).sum(axis=1)).sum()) + more
    if not len(values) or not math.isfinite(common + apart):
        return float("nan"), float("nan"), float("nan")
    sigma, whole = math.sqrt(common + apart), float(values.sum())
    part = common / (common + apart) if sigma > 0 else 0.0
    return whole - Z90 * sigma, whole + Z90 * sigma, part
