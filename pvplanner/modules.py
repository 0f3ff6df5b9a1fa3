"""Modules: whole ones, of a named product, on the planes that are worth it."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.roofs import convergence
from pvplanner.scenario import Scenario


@dataclass(frozen=True)
class Product:
    """A module: its name, power (W), length and width (m), and where the figures are from."""

    name: str
    power_w: float
    length_m: float
    width_m: float
    source: str
    certainty: str

    @property
    def area_m2(self) -> float:
        """Area of the module, m2."""
        return self.length_m * self.width_m


def find_product(scenario: Scenario) -> Product:
    """The scenario's module in the packaged catalogue."""
    row = reference.load("modules").set_index("product").loc[scenario.module.product]
    return Product(
        scenario.module.product,
        float(row["power_w"]),
        float(row["length_m"]),
        float(row["width_m"]),
        str(row["source"]),
        str(row["certainty"]),
    )


def row_spacing(length_m: float, tilt: float, latitude: np.ndarray) -> np.ndarray:
    """Distance from row front to row front that keeps rows free of mutual shade, m.

    Parameters
    ----------
    length_m : float
        Of the module up the slope, m.
    tilt : float
        Degrees.
    latitude : ndarray
        Degrees.

    Notes
    -----
    GB 50797: no shade from 09:00 to 15:00 true solar time at the winter solstice. It holds between
    the tropics' edges and about 60 degrees; nearer to a pole the sun does not rise high enough and
    the spacing of 60 degrees is taken.
    """
    slope = np.radians(tilt)
    phi = np.tan(np.radians(np.minimum(np.abs(np.asarray(latitude, dtype=float)), 56.0)))
    shadow = (0.707 * phi + 0.4338) / (0.707 - 0.4338 * phi)
    return length_m * (np.cos(slope) + np.sin(slope) * np.maximum(shadow, 0))


def module_planes(planes: gpd.GeoDataFrame, *, scenario: Scenario) -> pd.DataFrame:
    """How modules would lie on each plane.

    Returns
    -------
    DataFrame
        On the index of ``planes``: ``surface_tilt`` and ``surface_azimuth`` of the modules
        (degrees; flush on pitched planes, the scenario's tilt towards the equator on flat ones) and
        ``area_per_module_m2`` (usable area that one module takes, row spacing included).
    """
    product = find_product(scenario)
    flat = planes["roof_type"].eq("flat").to_numpy()
    latitude = convergence(planes)[1]
    tilt = np.where(flat, scenario.module.flat_tilt, planes["surface_tilt"])
    equator = np.where(latitude >= 0, 180.0, 0.0)
    spacing = scenario.module.row_spacing_m
    if spacing is None:
        pitch = row_spacing(product.length_m, scenario.module.flat_tilt, latitude)
    else:
        pitch = np.full(len(planes), spacing)
    return pd.DataFrame(
        {
            "surface_tilt": tilt,
            "surface_azimuth": np.where(flat, equator, planes["surface_azimuth"]),
            "area_per_module_m2": np.where(flat, pitch * product.width_m, product.area_m2),
        },
        index=planes.index,
    )


def lay_modules(planes: gpd.GeoDataFrame, *, scenario: Scenario | None = None) -> pd.DataFrame:
    """Whole modules on each plane: ``floor(usable area / area per module)``.

    Parameters
    ----------
    planes : GeoDataFrame
        The ``planes`` table. Where ``yield_share`` is known, planes below
        ``module.yield_share_min`` stay empty, and limits on capacity fill the best planes first.
    scenario : Scenario, optional
        ``module`` and ``system`` are used.

    Returns
    -------
    DataFrame
        The ``arrays`` table: a row per plane that carries at least ``module.min_modules``:
        ``modules``, ``capacity_kwp`` (kWp), ``capacity_kw_ac`` (kW, by ``system.dc_ac_ratio``),
        ``surface_tilt`` and ``surface_azimuth`` (degrees).
    """
    scenario = scenario or Scenario()
    product = find_product(scenario)
    how = module_planes(planes, scenario=scenario)
    # A hair is added so that an area of exactly n modules holds n in floating point too.
    fit = planes["usable_area_m2"].to_numpy() / how["area_per_module_m2"].to_numpy() + 1e-9
    count = np.floor(fit).astype(np.int64)
    share = planes["yield_share"].to_numpy(dtype=float)
    poor = np.isfinite(share) & (share < scenario.module.yield_share_min)
    count = _limited(planes, np.where(poor, 0, count), product.power_w / 1000, scenario)
    keep = count >= scenario.module.min_modules
    chosen = planes.loc[keep]
    capacity = count[keep] * product.power_w / 1000
    return pd.DataFrame(
        {
            "array_id": chosen["plane_id"].to_numpy(),
            "plane_id": chosen["plane_id"].to_numpy(),
            "building_id": chosen["building_id"].to_numpy(),
            "modules": count[keep],
            "capacity_kwp": capacity,
            "capacity_kw_ac": capacity / scenario.system.dc_ac_ratio,
            "surface_tilt": how.loc[keep, "surface_tilt"].to_numpy(),
            "surface_azimuth": how.loc[keep, "surface_azimuth"].to_numpy(),
        }
    )


def _limited(
    planes: gpd.GeoDataFrame, count: np.ndarray, kwp: float, scenario: Scenario
) -> np.ndarray:
    """Module counts within the limits per building and for the village, best planes first."""
    module = scenario.module
    if module.building_limit_kwp is None and module.village_limit_kwp is None:
        return count
    best = planes["yield_share"].fillna(1.0).to_numpy(dtype=float)
    out = count.copy()
    if module.building_limit_kwp is not None:
        most = int(module.building_limit_kwp / kwp + 1e-9)
        order = np.lexsort((np.arange(len(best)), -best, planes["building_id"].to_numpy()))
        building = planes["building_id"].to_numpy()[order]
        running = pd.Series(out[order]).groupby(building).cumsum().to_numpy()
        out[order] = np.clip(most - (running - out[order]), 0, out[order])
    if module.village_limit_kwp is not None:
        most = int(module.village_limit_kwp / kwp + 1e-9)
        order = np.argsort(-best, kind="stable")
        running = np.cumsum(out[order])
        out[order] = np.clip(most - (running - out[order]), 0, out[order])
    return out
