"""Carbon: what the air is spared, with the factor, its year and the coal convention named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pvplanner import reference
from pvplanner.reference import Sourced
from pvplanner.scenario import Scenario

COAL_CONVENTIONS = {
    "302.4_gce_per_kwh": Sourced(
        0.3024, "kgce/kWh", "China Electricity Council, net coal rate 2024", "2024", "two"
    ),
    "400_gce_per_kwh": Sourced(
        0.4, "kgce/kWh", "often used in the press on village projects", "", "one"
    ),
    "2.77_kgco2_per_kgce": Sourced(
        2.77, "kgCO2/kgce", "IPCC: 25.8 kgC/GJ x 29.3 MJ/kg x 44/12", "2006", "two"
    ),
}
"""How energy or avoided CO2 becomes standard coal."""


@dataclass(frozen=True)
class CarbonBasis:
    """The factor that a plan uses; ``factor`` is ``None`` where none is known."""

    factor: Sourced | None
    convention: str


def carbon_basis(scenario: Scenario, province: str | None) -> CarbonBasis:
    """The scenario's own factor, or the province's average factor of the scenario's year."""
    carbon = scenario.carbon
    if carbon.factor_kg_per_kwh is not None:
        given = Sourced(carbon.factor_kg_per_kwh, "kgCO2/kWh", "scenario", "", "given")
        return CarbonBasis(given, carbon.coal_convention)
    found = reference.grid_factor(province, carbon.factor_year) if province else None
    return CarbonBasis(found, carbon.coal_convention)


def avoided_t(energy_kwh: np.ndarray, basis: CarbonBasis) -> np.ndarray:
    """Avoided emissions of a year's energy, t CO2, to the kilogram; nan without a factor."""
    energy = np.asarray(energy_kwh, dtype=float)
    if basis.factor is None:
        return np.full(energy.shape, np.nan)
    return np.round(energy * basis.factor.value / 1000, 3)


def standard_coal_t(energy_kwh: np.ndarray, basis: CarbonBasis) -> np.ndarray:
    """Standard coal of a year's energy, t, by the basis' convention.

    Conventions in kgce/kWh apply to energy, those in kgCO2/kgce to the avoided CO2. nan where no
    grid factor is known: the conventions are China's.
    """
    energy = np.asarray(energy_kwh, dtype=float)
    convention = COAL_CONVENTIONS[basis.convention]
    if basis.factor is None:
        return np.full(energy.shape, np.nan)
    if convention.unit == "kgce/kWh":
        return energy * convention.value / 1000
    return energy * basis.factor.value / convention.value / 1000
