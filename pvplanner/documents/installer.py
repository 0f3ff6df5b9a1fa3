"""What an installer buys and lays: arrays with their rows and strings, materials by house.

Every length follows the modules' own places; what no one stated is not checked, and says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.energy.voltages import (
    Electrical,
    Window,
    cell_extremes,
    inverter_window,
    module_voltages,
    string_range,
    strings_of,
)
from pvplanner.modules.mounting import (
    cable_length,
    listed_inverters,
    module_runs,
    mounting_materials,
    mounting_rules,
)
from pvplanner.plan import Plan
from pvplanner.words import label, number, style

MATERIALS = {"building_id": "text", "household_id": "text", "hamlet": "text", "modules": "count",
             "capacity_kwp": "power", "inverters": "text", "capacity_kw_ac": "power",
             "strings": "count", "rail_m": "length", "hooks": "count", "feet": "count",
             "end_clamps": "count", "mid_clamps": "count", "cable_m": "length",
             "meter_boxes": "count"}  # fmt: skip
"""Columns of a house's row, and how each is shown."""

FINE = ("length", "power")
"""Kinds of figures that have a decimal."""

SUMMED = ("modules", "capacity_kwp", "capacity_kw_ac", "strings", "rail_m", "hooks", "end_clamps",
          "mid_clamps", "cable_m", "meter_boxes", "feet")  # fmt: skip

ARRAYS = {"building_id": "text", "array_id": "text", "surface_tilt": "angle",
          "surface_azimuth": "angle", "modules": "count", "rows": "text", "lying": "text",
          "strings": "text", "cold_v": "voltage", "hot_v": "voltage"}  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """What strings are held against, of one village.

    Attributes
    ----------
    cold, hot : float
        Coldest and hottest cell, degrees C.
    module : Electrical or None
    inverter : Window or None
    """

    cold: float
    hot: float
    module: Electrical | None
    inverter: Window | None
    trusted: bool
    """Whether the coldest is of the place, not of a weather year that was made up."""

    @classmethod
    def of(cls, plan: Plan) -> Checked:
        """Of a plan of one village."""
        cold, hot = cell_extremes(plan.result("year"), plan.scenario)
        module = module_voltages(plan.scenario, cold, hot)
        year = plan.result("year")
        real = not bool(year["synthetic"].iloc[0])
        trusted = real or plan.scenario.installation.coldest_c is not None
        return cls(cold, hot, module, inverter_window(plan.scenario), trusted)

    @property
    def lengths(self) -> tuple[int, int] | None:
        """Fewest and most modules of a string; ``None`` where voltages or cold are not known."""
        if self.module is None or self.inverter is None or not self.trusted:
            return None
        return string_range(self.module, self.inverter)


def array_rows(plan: Plan) -> pd.DataFrame:
    """A row an array: its rows of modules, its strings and their voltages.

    Parameters
    ----------
    plan : Plan
        Of one village.

    Returns
    -------
    DataFrame
        Keys of :data:`ARRAYS`; ``runs`` (lengths and modules of its rows); ``strings`` is ``None``
        where voltages are not stated, and empty where no string fits.
    """
    checked = Checked.of(plan)
    arrays, planes = plan.arrays, plan.planes
    runs = module_runs(plan.modules)
    owner = planes["plane_id"].astype(str).to_numpy(dtype=object)[runs["plane"].to_numpy(dtype=int)]
    paired = set(plan.modules.loc[plan.modules["second"], "plane"])
    double = runs["plane"].isin(paired).to_numpy()
    side = np.where(runs["second"].to_numpy(dtype=bool), "W", "E").astype(object)
    own = runs.assign(array_id=np.where(double, owner + side, owner))
    by = dict(iter(own.groupby("array_id", sort=False)))
    rows = []
    for row in arrays.itertuples():
        held = by[str(row.array_id)]
        lengths = checked.lengths
        strings = None if lengths is None else strings_of(int(row.modules), *lengths)
        most, least = (max(strings), min(strings)) if strings else (np.nan, np.nan)
        cold_v = most * checked.module.voc_v if checked.module else np.nan
        hot_v = least * checked.module.vmp_v if checked.module else np.nan
        told = (str(row.building_id), str(row.array_id), row.surface_tilt, row.surface_azimuth)
        lying = "lying" if bool(held["lying"].iloc[0]) else "standing"
        rows.append((*told, int(row.modules), held, lying, strings, cold_v, hot_v))
    return pd.DataFrame(rows, columns=[k if k != "rows" else "runs" for k in ARRAYS])


def material_rows(plan: Plan, arrays: pd.DataFrame) -> pd.DataFrame:
    """A row a building with modules.

    Parameters
    ----------
    plan : Plan
        Of one village.
    arrays : DataFrame
        As from :func:`array_rows`.

    Returns
    -------
    DataFrame
        :data:`MATERIALS`; ``strings`` and ``cable_m`` are nan where strings are not checked or one
        of the building's arrays has none that fits.
    """
    asked = plan.applications().set_index("building_id")
    roofs = plan.buildings.set_index("building_id")
    rules = mounting_rules(plan.scenario.installation.rules)
    flat = plan.planes["roof_type"].eq("flat").to_numpy(dtype=bool)
    rows = []
    for building, own in arrays.groupby("building_id", sort=False):
        runs = pd.concat(list(own["runs"]), ignore_index=True)
        told = asked.loc[building]
        known = all(bool(strings) for strings in own["strings"])
        strings = float(sum(map(len, own["strings"]))) if known else float("nan")
        height = float(roofs["height_m"].get(building, float("nan")))
        sizes = Counter(listed_inverters(float(told["capacity_kw_ac"]), float(told["phases"])))
        rows.append({
            "building_id": building, "household_id": told["household_ids"],
            "hamlet": roofs["hamlet"].get(building) if "hamlet" in roofs else None,
            "modules": float(own["modules"].sum()), "capacity_kwp": float(told["capacity_kwp"]),
            "inverters": sizes, "capacity_kw_ac": float(told["capacity_kw_ac"]),
            "strings": strings, **mounting_materials(runs, flat[runs["plane"]], rules),
            "cable_m": cable_length(strings, float(runs["length_m"].max()), height, rules),
            "meter_boxes": rules["meter_boxes_per_plant"],
        })  # fmt: skip
    return pd.DataFrame(rows, columns=list(MATERIALS))


def sizes_text(sizes: Counter[float], language: str) -> str:
    """Inverters of a house: how many of which size."""
    between = style(language)["list"]
    return between.join(f"{count} x {size:g} kW" for size, count in sorted(sizes.items()))


def strings_text(strings: tuple[int, ...] | None, language: str) -> str:
    """Lengths of strings; that they are not checked, or that none fits."""
    if strings is None:
        return label("installer_unchecked", language)
    counts = Counter(strings)
    told = style(language)["list"].join(f"{n} x {length}" for length, n in counts.items())
    return told or label("installer_no_string", language)


def runs_text(runs: pd.DataFrame) -> str:
    """Modules of each row, the lowest first; parts of a row that stand apart in brackets."""
    told = []
    for _, own in runs.groupby("row", sort=True):
        parts = " + ".join(str(int(n)) for n in own["modules"])
        told.append(f"({parts})" if len(own) > 1 else parts)
    return " / ".join(told)


def house_facts(row: Any, language: str) -> list[list[str]]:
    """A house's materials as pairs of a name and what it is."""
    told = []
    for key, kind in MATERIALS.items():
        value = getattr(row, key)
        if key == "inverters":
            said = sizes_text(value, language)
        elif kind == "text":
            said = "" if value is None or value != value else str(value)
        elif value != value:
            said = label("installer_unchecked", language)
        else:
            said = number(float(value), "1" if kind in FINE else "0", language)
        told.append([label(f"installer_{key}", language), said])
    return told
