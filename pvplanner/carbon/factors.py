"""Emission factors by method, and their pathways into the years to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.arrays import Array
from pvplanner.errors import InputError
from pvplanner.reading import read_small_table
from pvplanner.reference import Sourced
from pvplanner.scenario import Scenario
from pvplanner.scenario.calendar import Calendar

NEUTRAL_YEAR = 2060


@dataclass(frozen=True)
class CarbonBasis:
    """The factor that a plan uses, and where it goes.

    Attributes
    ----------
    factor : Sourced or None
        kgCO2/kWh; ``None`` where none is known.
    convention : str
        Standard-coal convention.
    method, pathway : str
    by_year : ndarray, shape (calendar years,)
        Factor of each calendar year of life, kgCO2/kWh; nan where none is known.
    first_year : int
        Calendar year of the first.
    """

    factor: Sourced | None
    convention: str
    method: str
    pathway: str
    by_year: Array
    first_year: int


def carbon_basis(scenario: Scenario, province: str | None) -> CarbonBasis:
    """The factor by the scenario's method and its pathway over the years.

    Methods: ``grid_average`` (province), ``combined_margin`` (0.75 operating and 0.25 build margin
    of the regional grid), ``footprint`` (life cycle of the national mix). Pathways: ``frozen``,
    ``trend`` (the change of the place's own grid from 2021 to 2023 goes on; margins are held),
    ``neutral_2060`` (straight to zero), or a CSV of the user's (``year``, ``factor_kg_per_kwh``).
    """
    carbon = scenario.carbon
    first = scenario.tariff.connection_date.year
    factor = _factor(scenario, province)
    years = Calendar(scenario.tariff.connection_date, scenario.finance.life_years).years
    if carbon.pathway_file is not None:
        path = _from_file(carbon.pathway_file, years)
        given = Sourced(float(path[0]), "kgCO2/kWh", carbon.pathway_file, str(first), "given")
        return CarbonBasis(given, carbon.coal_convention, carbon.method, "file", path, first)
    path = np.full(len(years), np.nan)
    if factor is not None:
        base = int(factor.year) if factor.year.isdigit() else first
        path = _pathway(carbon.pathway, factor.value, base, years, province, carbon.method)
    return CarbonBasis(factor, carbon.coal_convention, carbon.method, carbon.pathway, path, first)


def _factor(scenario: Scenario, province: str | None) -> Sourced | None:
    carbon = scenario.carbon
    if carbon.factor_kg_per_kwh is not None:
        return Sourced(carbon.factor_kg_per_kwh, "kgCO2/kWh", "scenario", "", "given")
    if province is None:
        return None
    if carbon.method == "footprint":
        return reference.grid_factor("China", 2024, "footprint")
    if carbon.method == "grid_average":
        return reference.grid_factor(province, carbon.factor_year)
    region = next(
        r["grid_region"] for r in reference.rows("provinces") if r["province"] == province
    )
    operating = reference.grid_factor(region, 2019, "operating_margin")
    build = reference.grid_factor(region, 2019, "build_margin")
    if operating is None or build is None:
        return None
    first, second = (reference.constant(f"margin_{part}") for part in ("operating", "build"))
    value = first.value * operating.value + second.value * build.value
    source = f"{first.value:g} operating + {second.value:g} build margin of the {region} grid"
    source += f"; margins as of about 2019; weights {first.certainty}"
    return Sourced(round(value, 4), "kgCO2/kWh", source, "2019", "derived")


def _pathway(
    name: str, factor: float, base: int, years: np.ndarray, province: str | None, method: str
) -> np.ndarray:
    gone = np.maximum(years - base, 0)
    if name == "trend" and method != "combined_margin":
        return factor * (1 + own_trend(province)) ** gone
    if name == "neutral_2060":
        left = np.clip((NEUTRAL_YEAR - years) / max(NEUTRAL_YEAR - base, 1), 0, 1)
        return factor * left
    # Margins are set beforehand for a crediting period: the averages' trend is not theirs.
    return np.full(len(years), factor)


TREND = (2021, 2023)


def own_trend(province: str | None) -> float:
    """Yearly change of the place's own average factor from 2021 to 2023, China's where it has none.

    A grid whose factor rose is held level: a dry year is no trend.
    """
    ends = [reference.grid_factor(province, year) for year in TREND] if province else [None]
    if None in ends:
        ends = [reference.grid_factor("China", year) for year in TREND]
    first, last = (end.value for end in ends if end is not None)
    change = (last / first) ** (1 / (TREND[1] - TREND[0])) - 1
    return min(round(float(change), 3), 0.0)


def _from_file(path: str, years: np.ndarray) -> np.ndarray:
    table = read_small_table(path)
    missing = [name for name in ("year", "factor_kg_per_kwh") if name not in table]
    if missing:
        raise InputError("table_columns", where=path, table="pathway", missing=missing[0])
    stated = pd.to_numeric(table["year"], errors="coerce").to_numpy(dtype=float)
    factor = pd.to_numeric(table["factor_kg_per_kwh"], errors="coerce").to_numpy(dtype=float)
    steps = np.diff(stated)
    if not np.isfinite(stated).all() or (steps != 1).any():
        at = int(np.flatnonzero(~(steps == 1))[0]) + 3 if len(steps) else 2
        raise InputError("pathway_years", where=f"{path}, row {at}")
    if not ((factor >= 0) & (factor <= 2)).all():
        at = int(np.flatnonzero(~((factor >= 0) & (factor <= 2)))[0])
        raise InputError("pathway_factor", where=f"{path}, row {at + 2}", value=f"{factor[at]:g}")
    if years[0] < stated[0] or years[-1] > stated[-1]:
        span = f"{years[0]}-{years[-1]}"
        raise InputError("pathway_short", where=path, needed=span)
    return factor[np.searchsorted(stated, years)]
