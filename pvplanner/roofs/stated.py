"""What somebody saw on the roof wins over what was measured or guessed."""

from __future__ import annotations

import os

import geopandas as gpd
import numpy as np
import pandas as pd

from pvplanner.errors import Finding, listed
from pvplanner.roofs.usable import FLAT_DEG

PITCHED = ("gable", "hip", "shed")


def named_by_survey(buildings: pd.DataFrame, column: str) -> np.ndarray:
    """Which buildings' survey states a column."""
    if "surveyed" not in buildings:
        return np.zeros(len(buildings), dtype=bool)
    told = buildings["surveyed"].fillna("").astype(str)
    return told.map(lambda names: column in names.split()).to_numpy(dtype=bool)


def surveyed_tilts(planes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Planes with the tilt that a survey states for their building; level ones stay level."""
    stated = named_by_survey(buildings, "roof_tilt")
    if not stated.any() or not len(planes):
        return planes
    row = planes["row"].to_numpy()
    tilt = pd.to_numeric(buildings["roof_tilt"], errors="coerce").to_numpy(dtype=float)[row]
    pitched = planes["surface_tilt"].to_numpy() >= FLAT_DEG
    mine = stated[row] & pitched & np.isfinite(tilt) & planes["source"].ne("drawn").to_numpy()
    return planes.assign(
        surface_tilt=np.where(mine, tilt, planes["surface_tilt"]),
        tilt_source=np.where(mine, "survey", planes["tilt_source"]),
    )


def contradicted(planes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> np.ndarray:
    """Buildings whose survey names a level roof where planes are pitched, or the reverse."""
    out = np.zeros(len(buildings), dtype=bool)
    stated = named_by_survey(buildings, "roof_type")
    if not stated.any() or not len(planes):
        return out
    area = planes.geometry.area
    flat = area.where(planes["surface_tilt"] < FLAT_DEG, 0.0).groupby(planes["row"]).sum()
    whole = area.groupby(planes["row"]).sum()
    share = (flat / whole).reindex(np.arange(len(buildings))).to_numpy()
    kind = buildings["roof_type"].astype(object)
    level, pitched = kind.eq("flat").to_numpy(), kind.isin(PITCHED).to_numpy()
    return stated & ((level & (share < 0.5)) | (pitched & (share > 0.5)))


def lacking(code: str, buildings: gpd.GeoDataFrame, file: object = "planes") -> Finding:
    """That a file lacks something of buildings, which it names."""
    where = os.path.basename(os.fspath(file)) if isinstance(file, str | os.PathLike) else "planes"
    return Finding(code, where, len(buildings), {"ids": listed(buildings["building_id"])})
