"""What carries modules: runs of modules on a plane, and what each asks for by stated rules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.modules.inverters import inverter_sizes

GAP_M = 0.15
"""Modules of a row that are farther apart stand on rails of their own."""

APART_M = 0.02
"""Rows whose places differ by less are one."""


def module_runs(layout: pd.DataFrame) -> pd.DataFrame:
    """Rows of modules that stand side by side.

    Parameters
    ----------
    layout : DataFrame
        As from :func:`pvplanner.modules.place_modules`: ``plane``, ``second``, ``built``, ``x``,
        ``y``, ``along_x``, ``along_y``, ``up_x``, ``up_y`` (m).

    Returns
    -------
    DataFrame
        ``plane``, ``second``, ``row`` (from 0, the lowest of a plane first), ``modules``,
        ``length_m`` (along the row, gaps included), ``lying`` (the longer side along the row).
    """
    rows = []
    built = layout[layout["built"].to_numpy()]
    for (plane, second), own in built.groupby(["plane", "second"], sort=True):
        along, up = (own[[f"{k}_x", f"{k}_y"]].to_numpy(dtype=float) for k in ("along", "up"))
        place = own[["x", "y"]].to_numpy(dtype=float)
        wide = np.hypot(*along[0])
        # All modules of a plane lie alike.
        side, rise = along[0] / wide, up[0] / np.hypot(*up[0])
        across, high = place @ side, place @ rise
        level = _levels(high)
        order = np.lexsort((across, level))
        across, level = across[order], level[order]
        begins = np.r_[True, (np.diff(level) > 0) | (np.diff(across) - wide > GAP_M)]
        first = np.flatnonzero(begins)
        last = np.r_[first[1:], len(across)] - 1
        lying = bool(wide > np.hypot(*up[0]) + APART_M)
        for a, b in zip(first, last, strict=True):
            length = float(across[b] - across[a] + wide)
            rows.append((plane, second, int(level[a]), int(b - a + 1), length, lying))
    return pd.DataFrame(rows, columns=["plane", "second", "row", "modules", "length_m", "lying"])


def _levels(high: np.ndarray) -> np.ndarray:
    """Rows by how high their modules lie; those that differ by less than ``APART_M`` are one."""
    order = np.argsort(high, kind="stable")
    level = np.empty(len(high), dtype=np.int64)
    level[order] = np.cumsum(np.r_[0, np.diff(high[order]) > APART_M])
    return level


def mounting_rules(stated: Mapping[str, float]) -> dict[str, float]:
    """Rules of ``reference/installing.csv``, those that are stated in their place."""
    packaged = {row["rule"]: float(row["value"]) for row in reference.rows("installing")}
    return {**packaged, **stated}


def mounting_materials(
    runs: pd.DataFrame, flat: np.ndarray, rules: Mapping[str, float]
) -> dict[str, float]:
    """What runs of modules ask for.

    Parameters
    ----------
    runs : DataFrame
        As from :func:`module_runs`.
    flat : ndarray of bool
        Which of them stand on a flat roof: feet bear their rails, and no hooks.
    rules : mapping
        As from :func:`mounting_rules`.

    Returns
    -------
    dict
        ``rail_m``, ``hooks``, ``feet``, ``end_clamps``, ``mid_clamps``.
    """
    length = runs["length_m"].to_numpy(dtype=float) + 2 * rules["rail_overhang_m"]
    rails, count = rules["rails_per_row"], runs["modules"].to_numpy(dtype=float)
    hooks, feet = (
        np.ceil(length / rules[f"{key}_spacing_m"] - 1e-9) + 1 for key in ("hook", "foot")
    )
    return {
        "rail_m": float((rails * length).sum()),
        "hooks": float((rails * hooks)[~flat].sum()),
        "feet": float((rails * feet)[flat].sum()),
        "end_clamps": float(rails * rules["end_clamps_per_rail"] * len(runs)),
        "mid_clamps": float((rails * rules["mid_clamps_per_rail"] * (count - 1)).sum()),
    }


def cable_length(
    strings: float, longest_m: float, height_m: float, rules: Mapping[str, float]
) -> float:
    """Single conductors from the roof to the inverter, m: of each string down the house and along
    its longest row; nan where the height is not known.
    """
    one = height_m + longest_m + rules["cable_extra_m"]
    return strings * rules["cable_per_string"] * one * (1 + rules["cable_spare"])


def listed_inverters(power_kw: float, phases: float) -> Sequence[float]:
    """Sizes (kW) that make up a connection's AC power; itself where no sizes that are made do."""
    if not power_kw > 0 or math.isnan(power_kw):
        return ()
    sizes = inverter_sizes(int(phases))
    whole = int((power_kw + 1e-9) // sizes[-1])
    rest = round(power_kw - whole * sizes[-1], 6)
    return [float(sizes[-1])] * whole + ([rest] if rest > 0 else [])
