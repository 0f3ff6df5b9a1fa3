"""The part of the physics that no roof changes: once per weather year, by pvlib itself.

Hay-Davies and Perez are linear in a few factors of the roof (cosine of incidence, sky and ground
view, sine of tilt), with hourly coefficients that do not depend on it. They are read off pvlib's
own functions at well-chosen planes, so no formula of theirs is written down here again. SAPM
and Faiman cell temperatures are ``temp_air + poa * r`` with an hourly ``r``. The incidence-angle
modifier of the physical model times the cosine is a polynomial in the cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pvlib
from pvlib.temperature import TEMPERATURE_MODEL_PARAMETERS
from scipy.interpolate import CubicSpline

from pvplanner import reference
from pvplanner.scenario import System
from pvplanner.weather import MIDDLE_MINUTES, Weather, extra_radiation

SAPM_MOUNTS = {
    "roof": "close_mount_glass_glass",
    "open_rack": "open_rack_glass_polymer",
    "canopy": "open_rack_glass_glass",
    "flush": "close_mount_glass_glass",
    "integrated": "insulated_back_glass_polymer",
}
"""SAPM parameters (King et al. 2004, in pvlib) by mount."""

FAIMAN_MOUNTS = {
    "roof": (21.55, 5.90),
    "open_rack": (25.0, 6.84),
    "canopy": (25.0, 6.84),
    "flush": (20.0, 0.0),
    "integrated": (15.0, 0.0),
}
"""Faiman heat-loss factors u0 (W/m2/K) and u1 (W s/m3/K) by mount: racks and canopies as measured
(Faiman 2008); flush roofs scaled by (45 - 20) / (49 - 20), from the installed NOCT of PVWatts' open
rack to that of its roof mount; ``flush`` and ``integrated`` are PVsyst's U = 20 and 15 W/m2/K
without wind. SAPM's close mount runs hotter and yields 3-4 % less."""

IAM_DEGREE = 9
DIFFUSE_REGIONS = ("sky", "horizon", "ground")


@dataclass(frozen=True)
class Sky:
    """Hourly coefficients of one weather year, for the hours that have any light.

    All are float64 arrays of shape (hours,). ``sun`` has shape (3, hours): east, north, up.

    Attributes
    ----------
    dni, circumsolar, isotropic, horizon, ground : ndarray
        Irradiance on a plane, W/m2, is ``(dni + circumsolar) * cos(aoi)`` plus ``isotropic`` times
        the sky view, ``horizon`` times sin(tilt) and ``ground`` times the ground view.
    temp_air : ndarray
        Degrees C.
    heating : ndarray
        Cell over air temperature per W/m2, K m2/W.
    elevation, azimuth : ndarray
        Of the sun, degrees.
    month_start : ndarray of int, shape (13,)
        Where each month's hours begin.
    hour : ndarray of int
        Row of the weather year for each hour kept.
    utc_offset_hours : float
        Zone of the weather year.
    clock_hours : float
        By how much the middle of a weather hour lies later on the clock that people live by than
        the middle of the clock's hour of the same number.
    """

    sun: np.ndarray
    dni: np.ndarray
    circumsolar: np.ndarray
    isotropic: np.ndarray
    horizon: np.ndarray
    ground: np.ndarray
    temp_air: np.ndarray
    heating: np.ndarray
    elevation: np.ndarray
    azimuth: np.ndarray
    month_start: np.ndarray
    hour: np.ndarray
    utc_offset_hours: float
    clock_hours: float = 0.0

    def to_table(self) -> pd.DataFrame:
        """The coefficients as one table that :meth:`from_table` reads back."""
        month = np.searchsorted(self.month_start, np.arange(len(self.hour)), side="right")
        columns = {name: getattr(self, name) for name in _COLUMNS}
        columns |= dict(zip(("sun_east", "sun_north", "sun_up"), self.sun, strict=True))
        told = {"utc_offset_hours": self.utc_offset_hours, "clock_hours": self.clock_hours}
        return pd.DataFrame({**columns, "month": month, **told})

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Sky:
        """Inverse of :meth:`to_table`."""
        columns = {name: table[name].to_numpy() for name in _COLUMNS}
        sun = np.stack([table[f"sun_{way}"].to_numpy() for way in ("east", "north", "up")])
        start = np.searchsorted(table["month"].to_numpy(), np.arange(1, 14))
        zone, late = (
            float(table[name].iloc[0]) if len(table) else 0.0
            for name in ("utc_offset_hours", "clock_hours")
        )
        return cls(sun=sun, month_start=start, utc_offset_hours=zone, clock_hours=late, **columns)


_COLUMNS = ("dni", "circumsolar", "isotropic", "horizon", "ground", "temp_air", "heating",
            "elevation", "azimuth", "hour")  # fmt: skip


def prepare_sky(weather: Weather, system: System) -> Sky:
    """Coefficients of a weather year under a scenario's physics.

    Parameters
    ----------
    weather : Weather
        The year.
    system : pvplanner.scenario.System
        ``transposition``, ``temperature``, ``mount`` and ``albedo`` are used.
    """
    data = weather.data
    position = weather.solar_position()
    zenith, azimuth = position["zenith"].to_numpy(), position["azimuth"].to_numpy()
    ghi, dni, dhi = (data[name].to_numpy(dtype=float) for name in ("ghi", "dni", "dhi"))
    extra = extra_radiation(pd.DatetimeIndex(data.index))
    circumsolar, isotropic, horizon = _diffuse_parts(
        system.transposition, dhi, dni, extra, zenith, azimuth
    )
    ground = ghi * system.albedo
    lit = (dni > 0) | (circumsolar != 0) | (isotropic != 0) | (horizon != 0) | (ground > 0)
    hour = np.flatnonzero(lit)
    month = pd.DatetimeIndex(data.index).month.to_numpy()[hour]
    up = np.radians(90 - zenith[hour])
    turn = np.radians(azimuth[hour])
    sun = np.stack([np.cos(up) * np.sin(turn), np.cos(up) * np.cos(turn), np.sin(up)])
    heating = cell_rise(system, data["wind_speed"].to_numpy(dtype=float))
    return Sky(
        sun,
        dni[hour],
        circumsolar[hour],
        isotropic[hour],
        horizon[hour],
        ground[hour],
        data["temp_air"].to_numpy(dtype=float)[hour],
        heating[hour],
        90 - zenith[hour],
        azimuth[hour],
        np.searchsorted(month, np.arange(1, 14)),
        hour,
        pd.DatetimeIndex(data.index)[0].utcoffset().total_seconds() / 3600,
        clock_hours(weather),
    )


def clock_hours(weather: Weather) -> float:
    """By how much the middles of weather hours lie later than those of the legal clock's hours.

    A file whose sun stands at the stamp is centred there, half an hour before the middle of the
    hour in which a household uses its power; one in local solar time is off by the difference.
    """
    zone = pd.DatetimeIndex(weather.data.index)[0].utcoffset().total_seconds() / 3600
    legal = reference.legal_zone(weather.latitude, weather.longitude)
    return (weather.sun_offset_minutes - MIDDLE_MINUTES) / 60 + legal - zone


def _diffuse_parts(
    model: str,
    dhi: np.ndarray,
    dni: np.ndarray,
    extra: np.ndarray,
    zenith: np.ndarray,
    azimuth: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Circumsolar per cos(aoi), isotropic per sky view, horizon per sin(tilt), W/m2."""
    if model == "haydavies":
        # A plane that faces the sun has cos(aoi) = 1.
        facing = pvlib.irradiance.haydavies(
            zenith, azimuth, dhi, dni, extra, zenith, azimuth, return_components=True
        )
        view = (1 + np.cos(np.radians(zenith))) / 2
        return facing["poa_circumsolar"], facing["poa_isotropic"] / view, np.zeros_like(dhi)
    return _perez_parts(dhi, dni, extra, zenith, azimuth)


def _perez_parts(
    dhi: np.ndarray, dni: np.ndarray, extra: np.ndarray, zenith: np.ndarray, azimuth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    airmass = pvlib.atmosphere.get_relative_airmass(zenith)

    def read_off(tilt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = pvlib.irradiance.perez(
            tilt, azimuth, dhi, dni, extra, zenith, azimuth, airmass, return_components=True
        )
        lean = np.radians(tilt)
        aim = np.cos(np.radians(zenith) - lean)
        terms = [
            np.divide(parts["poa_circumsolar"], aim, out=np.zeros_like(dhi), where=aim > 1e-9),
            parts["poa_isotropic"] / ((1 + np.cos(lean)) / 2),
            parts["poa_horizon"] / np.sin(lean),
        ]
        return np.nan_to_num(np.stack(terms)), np.nan_to_num(parts["poa_sky_diffuse"])

    # Under odd skies the sum of the terms falls below zero on some planes and pvlib returns zeros
    # there. It does so either on a plane that faces the sun or on nearly level ground, never both.
    facing, light = read_off(np.clip(zenith, 10.0, 89.0))
    level, _ = read_off(np.ones_like(zenith))
    circumsolar, isotropic, horizon = np.where(light > 0, facing, level)
    return circumsolar, isotropic, horizon


MEASURED_HEIGHT_M = 10.0
"""Over the ground, of the wind in weather files."""

ROUGHNESS = "neutral_air_above_human_inhabited_areas"


def cell_rise(system: System, wind_speed: np.ndarray) -> np.ndarray:
    """How much warmer than the air a cell is by the W/m2, K m2/W, in a wind (m/s): pvlib's Faiman
    or SAPM, by the mount.
    """
    if system.wind_height_m is not None:
        wind_speed = pvlib.atmosphere.windspeed_powerlaw(
            wind_speed, MEASURED_HEIGHT_M, system.wind_height_m, surface_type=ROUGHNESS
        )
    if system.temperature == "faiman":
        u0, u1 = FAIMAN_MOUNTS[system.mount]
        return pvlib.temperature.faiman(1.0, 0.0, wind_speed, u0, u1)
    parameters = TEMPERATURE_MODEL_PARAMETERS["sapm"][SAPM_MOUNTS[system.mount]]
    return pvlib.temperature.sapm_cell(1.0, 0.0, wind_speed, **parameters)


@cache
def iam_polynomial() -> np.ndarray:
    """Coefficients, lowest first, of IAM in ``2 c - 1`` for the cosine c of incidence.

    The physical model (De Soto et al. 2006) of ``pvlib.iam.physical`` at Chebyshev points. It is
    always used times c and fitted so, which keeps the year to 4e-7 and lets no light in from behind
    the plane.
    """
    u = np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    c = (u + 1) / 2
    modifier = pvlib.iam.physical(np.degrees(np.arccos(c)))
    inner = np.polynomial.Chebyshev.fit(u, modifier, IAM_DEGREE, domain=[-1, 1], w=c)
    return inner.convert(kind=np.polynomial.Polynomial, domain=[-1, 1]).coef


@cache
def diffuse_pieces() -> tuple[float, np.ndarray]:
    """Diffuse incidence-angle modifiers by tilt, as cubic pieces.

    Marion 2017 as integrated by ``pvlib.iam.marion_diffuse``, which takes 15 ms a tilt: read from a
    packaged table of it at every half degree (a test holds the pieces to pvlib).

    Returns
    -------
    step : float
        Length of a piece, degrees of tilt.
    pieces : ndarray, shape (3, 4, pieces)
        Highest power first, in the order of :data:`DIFFUSE_REGIONS`.
    """
    table = reference.load("iam_diffuse")
    tilt = table["surface_tilt"].to_numpy()
    pieces = np.stack([CubicSpline(tilt, table[region]).c for region in DIFFUSE_REGIONS])
    return float(tilt[1]), np.ascontiguousarray(pieces)
