"""How many modules in a row an inverter bears: its window of voltage at the coldest and the hottest
hour.

IEC 62548:2016 7.2 and GB 50797-2012 6.4.2: the open-circuit voltage of a string at the lowest cell
temperature may not exceed what the inverter bears, and its voltage at the point of most power at
the highest may not fall below what the inverter tracks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

from pvplanner.energy.sky import cell_rise
from pvplanner.scenario import Scenario

STC_C = 25.0
FULL_SUN = 1000.0
"""W/m2."""


@dataclass(frozen=True)
class Electrical:
    """A module's voltages (V) at the coldest and the hottest hour, and where they are from.

    ``voc_v`` is open at the coldest, ``vmp_v`` at the point of most power at the hottest.
    """

    voc_v: float
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
        return Electrical(
            told.voc_v * (1 + told.voc_per_k * (cold - STC_C)),
            told.vmp_v * (1 + (told.vmp_per_k or told.voc_per_k) * (hot - STC_C)), "scenario",
        )  # fmt: skip
    listed = pvlib.pvsystem.retrieve_sam("CECMod")
    name = scenario.module.product
    if name not in listed:
        return None
    row = listed[name]
    voc, vmp = (
        pvlib.pvsystem.singlediode(*pvlib.pvsystem.calcparams_cec(
            FULL_SUN, at, row["alpha_sc"], row["a_ref"], row["I_L_ref"], row["I_o_ref"],
            row["R_sh_ref"], row["R_s"], row["Adjust"],
        ))[key] for at, key in ((cold, "v_oc"), (hot, "v_mp"))
    )  # fmt: skip
    return Electrical(float(voc), float(vmp), f"CEC list in pvlib ({row['Version']})")


def inverter_window(scenario: Scenario) -> Window | None:
    """What the scenario states of its inverters, or the CEC list has; ``None`` where neither."""
    told = scenario.installation
    if told.dc_most_v is not None and told.mppt_low_v is not None and told.mppt_high_v is not None:
        return Window(told.dc_most_v, told.mppt_low_v, told.mppt_high_v, "scenario")
    name = scenario.documents.inverter
    listed = pvlib.pvsystem.retrieve_sam("CECInverter")
    if name is None or name not in listed:
        return None
    row = listed[name]
    return Window(
        float(row["Vdcmax"]), float(row["Mppt_low"]), float(row["Mppt_high"]), "CEC list in pvlib"
    )


def string_range(module: Electrical, inverter: Window) -> tuple[int, int]:
    """Fewest and most modules of a string; the first is the larger where none fits."""
    most = math.floor(min(inverter.most_v / module.voc_v, inverter.high_v / module.vmp_v) + 1e-9)
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
