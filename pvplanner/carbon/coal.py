"""Standard coal by a named convention, and which convention a stated figure implies."""

from __future__ import annotations

import numpy as np

from pvplanner import reference
from pvplanner.carbon.factors import CarbonBasis
from pvplanner.errors import ConfigError
from pvplanner.reference import Sourced

TOLERANCE = 0.02
"""Relative difference within which a figure is taken to follow a convention."""


def coal_convention(name: str) -> Sourced:
    """A convention of the packaged table.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    table = reference.load("coal_conventions").set_index("convention")
    if name not in table.index:
        known = ", ".join(table.index)
        raise ConfigError("coal_unknown", where="carbon.coal_convention", value=name, known=known)
    row = table.loc[name]
    return Sourced(
        float(row["value"]), str(row["unit"]), str(row["source"]), str(row["year"]),
        str(row["certainty"]),
    )  # fmt: skip


def standard_coal_t(energy_kwh: np.ndarray, basis: CarbonBasis) -> np.ndarray:
    """Standard coal of a year's energy, t, by the basis' convention.

    Conventions in kgce/kWh apply to energy, those in kgCO2/kgce to the avoided CO2. nan where no
    grid factor is known: the conventions are China's.
    """
    energy = np.asarray(energy_kwh, dtype=float)
    convention = coal_convention(basis.convention)
    if basis.factor is None:
        return np.full(energy.shape, np.nan)
    if convention.unit == "kgce/kWh":
        return energy * convention.value / 1000
    return energy * basis.factor.value / convention.value / 1000


def recognise_coal(
    coal_t: float, *, co2_t: float | None = None, energy_kwh: float | None = None
) -> dict[str, object]:
    """Which convention a stated tonnage of standard coal implies.

    Parameters
    ----------
    coal_t : float
        Stated standard coal, t.
    co2_t : float, optional
        Stated CO2 for it, t.
    energy_kwh : float, optional
        Stated energy for it, kWh.

    Returns
    -------
    dict
        ``implied`` (kgCO2/kgce, or kgce/kWh), ``unit``, ``convention`` (its name, or ``None`` where
        none of the packaged ones is within 2 %).

    Examples
    --------
    >>> recognise_coal(200, energy_kwh=500_000)["convention"]
    '400_gce_per_kwh'
    >>> recognise_coal(5_000, co2_t=11_000)
    {'implied': 2.2, 'unit': 'kgCO2/kgce', 'convention': None}
    """
    if co2_t is not None:
        implied, unit = co2_t / coal_t, "kgCO2/kgce"
    elif energy_kwh is not None:
        implied, unit = coal_t * 1000 / energy_kwh, "kgce/kWh"
    else:
        raise ConfigError("coal_nothing", where="recognise_coal")
    table = reference.load("coal_conventions")
    table = table[table["unit"] == unit]
    off = (table["value"] / implied - 1).abs()
    name = str(table["convention"].loc[off.idxmin()]) if off.min() <= TOLERANCE else None
    return {"implied": round(implied, 4), "unit": unit, "convention": name}
