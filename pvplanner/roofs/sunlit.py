"""How much sun planes get beside level ground, well enough to weigh roof shapes.

Not the energy room's physics: a year of twelve days under half-diffuse skies, by pvlib.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pvlib
from scipy.interpolate import RegularGridInterpolator

TILTS = np.arange(0.0, 91.0, 7.5)
AZIMUTHS = np.arange(0.0, 361.0, 15.0)
DIFFUSE = 0.5
"""Share of the sunlight that is diffuse: humid subtropical (CSWD, East China: 0.48-0.67)."""


@lru_cache(maxsize=16)
def _table(latitude: float) -> RegularGridInterpolator:
    days = pd.date_range("2025-01-15", periods=12, freq="30D")
    noon = [pd.date_range(day, periods=48, freq="30min") for day in days]
    times = noon[0].append(noon[1:]).tz_localize("UTC")
    sun = pvlib.solarposition.get_solarposition(times, latitude, 0.0, method="nrel_numpy")
    zenith, azimuth = sun["zenith"].to_numpy(), sun["azimuth"].to_numpy()
    up = np.maximum(np.cos(np.radians(zenith)), 0.0)
    extra = pvlib.irradiance.get_extra_radiation(times.day_of_year.to_numpy())
    ghi = 0.55 * np.asarray(extra) * up
    dhi = DIFFUSE * ghi
    dni = np.where(up > 0.05, (ghi - dhi) / np.maximum(up, 0.05), 0.0)
    tilt, facing = np.meshgrid(TILTS, AZIMUTHS, indexing="ij")
    total = np.empty(tilt.shape)
    for at in np.ndindex(tilt.shape):
        got = pvlib.irradiance.get_total_irradiance(
            tilt[at], facing[at], zenith, azimuth, dni, ghi, dhi,
            dni_extra=extra, model="haydavies",
        )  # fmt: skip
        total[at] = np.nansum(got["poa_global"])
    return RegularGridInterpolator((TILTS, AZIMUTHS), total / total[0, 0])


def relative_irradiation(
    surface_tilt: np.ndarray, surface_azimuth: np.ndarray, latitude: float
) -> np.ndarray:
    """Yearly irradiation of planes relative to level ground.

    Parameters
    ----------
    surface_tilt, surface_azimuth : ndarray
        Degrees; the azimuth of level planes does not matter.
    latitude : float
        Degrees; rounded to two.
    """
    table = _table(round(latitude / 2.0) * 2.0)
    tilt = np.clip(np.asarray(surface_tilt, dtype=float), 0.0, 90.0)
    azimuth = np.nan_to_num(np.asarray(surface_azimuth, dtype=float)) % 360
    tilt, azimuth = np.broadcast_arrays(tilt, azimuth)
    return table(np.stack([tilt, azimuth], axis=-1))
