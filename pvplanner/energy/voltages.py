"""How many modules in a row an inverter bears: its window of voltage at the coldest and the hottest
hour.

IEC 62548:2016 7.2 and GB 50797-2012 6.4.2: the open-circuit voltage of a string at the lowest cell
temperature may not exceed what the inverter bears, and its voltage at the point of most power lies
within what the inverter tracks, from the lowest temperature to the highest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pvlib

from pvplanner.energy.sky import cell_rise
from pvplanner.reference.products import cec_row, cec_source
from pvplanner.scenario import Scenario

STC_C = 25.0
FULL_SUN = 1000.0
"""W/m2."""


@dataclass(frozen=True)
class Electrical:
    """A module's voltages (V) at the coldest and the hottest hour, and where they are from.

    ``voc_v`` is open at the coldest; ``vmp_cold_v`` and ``vmp_v`` are at the point of most power at
    the coldest and at the hottest.
    """

    voc_v: float
    vmp_cold_v: float
    vmp_v: float
    source: str


@dataclass(frozen=True)
class Window:
    """What an inverter bears (``most_v``) and tracks (``low_v`` to ``high_v``), volts of DC."""

    most_v: float
    low_v: float
    high_v: float
    source: str


def cell_extremes(year: pd.DataFrame, scenario: Scenario) -> tuple[float, float]:
    """Coldest and hottest cell of a year, degrees C.

    The coldest is air before the sun has warmed the cell; the hottest is under full sun in the
    wind of the hour. What ``[installation]`` states takes their place.

    Parameters
    ----------
    year : DataFrame
        ``ghi`` (W/m2), ``temp_air`` (degrees C), ``wind_speed`` (m/s) by the hour.
    scenario : Scenario
    """
    told = scenario.installation
    air = year["temp_air"].to_numpy(dtype=float)
    cold = float(air.min()) if told.coldest_c is None else told.coldest_c
    if told.hottest_cell_c is not None:
        return cold, told.hottest_cell_c
    day = year["ghi"].to_numpy(dtype=float) > 0
    wind = year["wind_speed"].to_numpy(dtype=float)
    cell = air + FULL_SUN * cell_rise(scenario.system, wind)
    return cold, float(cell[day].max() if day.any() else cell.max())


def module_voltages(scenario: Scenario, cold: float, hot: float) -> Electrical | None:
    """Voltages of the scenario's module: stated, or of the CEC list; ``None`` where neither is.

    Stated ones follow the temperature by ``voc_per_k``; those of the list by pvlib's one-diode
    model (De Soto et al. 2006, as adjusted by CEC).
    """
    told = scenario.installation
    if told.voc_v is not None and told.vmp_v is not None and told.voc_per_k is not None:
        slope = told.voc_per_k if told.vmp_per_k is None else told.vmp_per_k
        return Electrical(
            told.voc_v * (1 + told.voc_per_k * (cold - STC_C)),
            told.vmp_v * (1 + slope * (cold - STC_C)), told.vmp_v * (1 + slope * (hot - STC_C)),
            "scenario",
        )  # fmt: skip
    row = cec_row(scenario.module.product)
    if row is None:
        return None
    at_cold, at_hot = (_one_diode(row, at) for at in (cold, hot))
    return Electrical(at_cold["v_oc"], at_cold["v_mp"], at_hot["v_mp"], cec_source(row))


def _one_diode(row: pd.Series, cell_c: float) -> dict[str, float]:
    """Pvlib's voltages and currents of a module of the list under full sun."""
    names = ("alpha_sc", "a_ref", "I_L_ref", "I_o_ref", "R_sh_ref", "R_s", "Adjust")
    told = pvlib.pvsystem.calcparams_cec(FULL_SUN, cell_c, *(float(row[n]) for n in names))
    return {name: float(v) for name, v in pvlib.pvsystem.singlediode(*told).items()}


def inverter_window(scenario: Scenario) -> Window | None:
    """What the scenario states of its inverters, or the CEC list has; ``None`` where neither."""
    told = scenario.installation
    if told.dc_most_v is not None and told.mppt_low_v is not None and told.mppt_high_v is not None:
        return Window(told.dc_most_v, told.mppt_low_v, told.mppt_high_v, "scenario")
    name, listed = scenario.documents.inverter, _inverters()
    if name is None or name not in listed:
        return None
    row = listed[name]
    return Window(
        float(row["Vdcmax"]), float(row["Mppt_low"]), float(row["Mppt_high"]), "CEC list in pvlib"
    )


@cache
def _inverters() -> pd.DataFrame:
    return pvlib.pvsystem.retrieve_sam("CECInverter")


def string_range(module: Electrical, inverter: Window) -> tuple[int, int]:
    """Fewest and most modules of a string; the first is the larger where none fits."""
    ends = inverter.most_v / module.voc_v, inverter.high_v / module.vmp_cold_v
    most = math.floor(min(ends) + 1e-9)
    return max(math.ceil(inverter.low_v / module.vmp_v - 1e-9), 1), most


def strings_of(modules: int, fewest: int, most: int) -> tuple[int, ...]:
    """Lengths of an array's strings: as few strings as may be, alike where that can be had.

    Returns
    -------
    tuple of int
        They sum to ``modules``; empty where no strings of allowed lengths do.
    """
    if modules < 1 or most < fewest:
        return ()
    counts = range(-(-modules // most), modules // fewest + 1)
    alike = [n for n in counts if modules % n == 0]
    for number in (*alike[:1], *counts):
        length, more = divmod(modules, number)
        if fewest <= length and length + bool(more) <= most:
            return tuple(np.repeat([length + 1, length], [more, number - more]).tolist())
    return ()
