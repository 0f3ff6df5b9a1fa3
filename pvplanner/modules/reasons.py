"""Why a roof carries no modules: nothing on a map is grey without a word."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.modules.ways import find_ways
from pvplanner.roofs import least_confidence
from pvplanner.scenario import Scenario

STEEP_DEG = 60.0
"""Planes steeper than this are walls to a module."""

KEPT_OUT = 0.3
"""Share of a plane kept out from which that is why nothing fits."""


ORDER = ("roof_kept_out", "roof_existing", "roof_too_steep", "roof_unsure", "roof_too_small",
         "roof_shaded", "roof_low_yield", "roof_no_whole_module", "roof_group_small",
         "roof_limited")  # fmt: skip
"""From what never could to what nearly did carry modules."""


def plane_reasons(
    planes: pd.DataFrame,
    layout: pd.DataFrame,
    yields: pd.DataFrame,
    *,
    scenario: Scenario,
) -> pd.Series:
    """Why each plane carries no modules; empty where it does.

    Parameters
    ----------
    planes : GeoDataFrame
        The ``planes`` table.
    layout : DataFrame
        As from :func:`pvplanner.modules.place_modules`.
    yields : DataFrame
        ``yield_share`` and ``sky_view`` of each plane.
    scenario : Scenario

    Returns
    -------
    Series of str
        ``roof_kept_out``, ``roof_existing``, ``roof_unsure``, ``roof_too_steep``,
        ``roof_too_small``, ``roof_shaded``, ``roof_low_yield``, ``roof_no_whole_module``,
        ``roof_group_small`` or ``roof_limited``: the first that holds.
    """
    count = len(planes)
    owner = layout["plane"].to_numpy(dtype=np.int64)
    fit = np.bincount(owner, minlength=count)
    built = np.bincount(owner, layout["built"].to_numpy(dtype=float), minlength=count) > 0
    area = planes["usable_area_m2"].to_numpy(dtype=float)
    share, view = (yields[name].to_numpy(dtype=float) for name in ("yield_share", "sky_view"))
    least = scenario.module.yield_share_min
    poor = np.isfinite(share) & (share < least)
    open_sky = np.divide(share, view, out=share.copy(), where=np.isfinite(view) & (view > 0))
    kept = _column(planes, "kept_out_share", 0.0) >= KEPT_OUT
    bare = area <= 0
    unsure = planes["confidence"].to_numpy(dtype=float) < least_confidence(scenario)
    module = find_ways(planes, scenario=scenario).area_per_module() if count else np.zeros(0)
    tried = {
        "roof_kept_out": kept & (fit == 0),
        "roof_existing": (_column(planes, "existing_kwp", 0.0) > 0) & (fit == 0) & ~poor & ~bare,
        "roof_too_steep": planes["surface_tilt"].to_numpy(dtype=float) > STEEP_DEG,
        "roof_shaded": poor & (open_sky >= least) & ~bare,
        "roof_low_yield": poor & ~bare,
        "roof_unsure": bare & unsure,
        "roof_too_small": bare | ((fit == 0) & (area < module)),
        "roof_no_whole_module": fit == 0,
        "roof_group_small": fit < scenario.module.min_modules,
        "roof_limited": fit > 0,
    }
    reason = np.select(list(tried.values()), list(tried), "")
    return pd.Series(np.where(built, "", reason), index=planes.index, dtype="str")


def _column(planes: pd.DataFrame, name: str, unknown: float) -> np.ndarray:
    if name not in planes:
        return np.full(len(planes), unknown)
    return np.nan_to_num(planes[name].to_numpy(dtype=float), nan=unknown)


def building_reasons(
    buildings: pd.DataFrame, planes: pd.DataFrame, reasons: pd.Series, modules: pd.Series
) -> pd.Series:
    """``status_reason`` of buildings: where one in use has no modules, that of its best plane.

    Parameters
    ----------
    buildings : DataFrame
        ``building_id``, ``status``, ``status_reason``.
    planes : DataFrame
        ``building_id``, ``area_m2``.
    reasons : Series
        As from :func:`plane_reasons`.
    modules : Series
        Of each building.
    """
    told = planes[["building_id", "area_m2"]].assign(reason=reasons.to_numpy())
    told = told[told["reason"] != ""]
    # The plane that came furthest says it: a limit that bites is more than a slope that is poor.
    told = told.assign(far=told["reason"].map(ORDER.index))
    told = told.sort_values(["far", "area_m2"], ascending=False, kind="stable")
    main = told.drop_duplicates("building_id").set_index("building_id")["reason"]
    grey = (buildings["status"] != "set_aside") & (modules.to_numpy() == 0)
    why = buildings["building_id"].map(main).astype("str").fillna("roof_no_plane")
    return buildings["status_reason"].astype("str").where(~grey, why)
