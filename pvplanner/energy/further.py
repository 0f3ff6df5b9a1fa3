"""What other programs count beside the chain, each off unless a key asks for it.

Low light, the light on a module's back, and the inverter's use at night change an array's year by
a share that hangs on its tilt and azimuth alone: it is reckoned hour by hour with pvlib's functions
on a grid of planes and read off between them, so that a million roofs cost no more than one. The
AC cable takes the same share of all. Shade on strings is the kernel's own
(:mod:`pvplanner.energy.strings`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib
from scipy.interpolate import RegularGridInterpolator

from pvplanner import reference
from pvplanner.energy.sky import Sky, diffuse_pieces
from pvplanner.scenario import System
from pvplanner.weather import HOURS

BEFORE, AFTER = ("low_light", "rear_light"), ("night_use", "ac_cable")
"""Effects before and after the inverter's rating cuts, in the order in which they are taken."""

FURTHER = (*BEFORE, *AFTER)

_TILTS = np.array([0.0, 10.0, 20.0, 30.0, 45.0, 60.0, 75.0, 90.0])
_TURNS = np.arange(0.0, 361.0, 30.0)
_STANDARD = 1000.0

REAR_MOUNTS = {"open_rack": (0.5, 0.6), "canopy": (0.9, 2.6)}
"""Share of the level area that modules cover, and height of their middle (m), by mount whose back
is free: usual rows and canopies (assumption)."""

HOURS_OF_MONTH = 24 * np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class PlaneLight:
    """What falls on planes in the lit hours; arrays of shape (hours, planes).

    Attributes
    ----------
    total, useful : ndarray
        Irradiance, and that after incidence losses, W/m2.
    cell : ndarray
        Cell temperature, degrees C.
    """

    total: np.ndarray
    useful: np.ndarray
    cell: np.ndarray


def plane_light(sky: Sky, tilt: np.ndarray, azimuth: np.ndarray) -> PlaneLight:
    """Light and warmth of planes under an open sky, by the kernel's arithmetic in double precision.

    Parameters
    ----------
    tilt, azimuth : ndarray, shape (planes,)
        Degrees.
    """
    lean, turn = np.radians(tilt), np.radians(azimuth)
    normal = np.stack([np.sin(lean) * np.sin(turn), np.sin(lean) * np.cos(turn), np.cos(lean)])
    cosine = np.maximum(sky.sun.T @ normal, 0)
    views = ((1 + np.cos(lean)) / 2, np.sin(lean), (1 - np.cos(lean)) / 2)
    parts = (sky.isotropic, sky.horizon, sky.ground)
    diffuse = [np.outer(light, view) for light, view in zip(parts, views, strict=True)]
    seen = diffuse[0] + diffuse[1] + sky.circumsolar[:, None] * cosine > 0
    direct = (sky.dni[:, None] + seen * sky.circumsolar[:, None]) * cosine
    step, pieces = diffuse_pieces()
    piece = np.minimum((tilt / step).astype(int), pieces.shape[2] - 1)
    x = tilt - piece * step
    kept = [((c[0, piece] * x + c[1, piece]) * x + c[2, piece]) * x + c[3, piece] for c in pieces]
    beam = direct * pvlib.iam.physical(np.degrees(np.arccos(np.clip(cosine, 0, 1))))
    total = direct + seen * (diffuse[0] + diffuse[1]) + diffuse[2]
    used = seen * (diffuse[0] * kept[0] + diffuse[1] * kept[1]) + diffuse[2] * kept[2]
    return PlaneLight(total, beam + used, sky.temp_air[:, None] + sky.heating[:, None] * total)


def grid_shares(
    sky: Sky, system: System, gamma: float, losses: np.ndarray
) -> dict[str, np.ndarray]:
    """Relative change of the AC energy of the grid's planes by each effect that is on.

    Parameters
    ----------
    gamma : float
        Temperature coefficient of power, 1/K.
    losses : ndarray, shape (12,)
        What is left of DC power, by month.

    Returns
    -------
    dict of str to ndarray, shape (planes, 13)
        Each month's share, and last the year's.
    """
    if not (system.low_light or _rear(system) or system.night_w_per_kw > 0):
        return {}
    tilt, turn = (v.ravel() for v in np.meshgrid(_TILTS, _TURNS[:-1], indexing="ij"))
    light = plane_light(sky, tilt, turn)
    month = np.searchsorted(sky.month_start, np.arange(len(sky.hour)), side="right") - 1
    power = _power(light, system, gamma, losses[month])
    return _on_grid(sky, system, light, power, tilt, turn, month)


def month_profile(grid: dict[str, np.ndarray]) -> np.ndarray:
    """How what is on weighs on each month over the year, by a plane to the south; shape (12,).

    Of other planes it is off by what their months differ, some thousandths of the year.
    """
    out = np.ones(12)
    south = int(np.flatnonzero(_TILTS == 20)[0]) * (len(_TURNS) - 1) + 6
    for share in grid.values():
        out *= (1 + share[south, :12]) / (1 + share[south, 12])
    return out


def read_off(
    grid: dict[str, np.ndarray], system: System, arrays: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Relative change of each array's AC energy by each effect that is on, one after the other.

    Parameters
    ----------
    grid : dict of str to ndarray
        As from :func:`grid_shares`.
    arrays : DataFrame
        ``surface_tilt``, ``surface_azimuth``, degrees; ``back_free`` where it is known.

    Returns
    -------
    dict of str to ndarray, shape (arrays,)
        By :data:`FURTHER`, those that are on.
    """
    out = {name: _between(share[:, 12], arrays) for name, share in grid.items()}
    if "rear_light" in out and "back_free" in arrays:
        # What lies on tiles sees nothing with its back, whatever the mount is called.
        out["rear_light"] = np.where(arrays["back_free"], out["rear_light"], 0.0)
    if system.ac_cable > 0:
        out["ac_cable"] = np.full(len(arrays), -system.ac_cable)
    return {name: out[name] for name in FURTHER if name in out}


def _rear(system: System) -> bool:
    return system.bifaciality > 0 and system.mount in REAR_MOUNTS


def _power(light: PlaneLight, system: System, gamma: float, left: np.ndarray) -> np.ndarray:
    """AC power of planes, W per W."""
    dc = pvlib.pvsystem.pvwatts_dc(light.useful, light.cell, 1.0, gamma) * left[:, None]
    rated = 1 / system.dc_ac_ratio / system.inverter_efficiency
    return np.asarray(pvlib.inverter.pvwatts(dc, rated, system.inverter_efficiency))


def _on_grid(
    sky: Sky, system: System, light: PlaneLight, power: np.ndarray, tilt: np.ndarray,
    turn: np.ndarray, month: np.ndarray,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Shares of the grid's planes by month and over the year, shape (planes, 13)."""

    def sums(hours: np.ndarray) -> np.ndarray:
        by_month = np.stack([hours[month == m].sum(axis=0) for m in range(12)], axis=1)
        return np.column_stack([by_month, by_month.sum(axis=1)])

    whole = np.maximum(sums(power), 1e-9)
    out = {}
    if system.low_light:
        out["low_light"] = sums(power * (low_light(light.useful) - 1)) / whole
    if _rear(system):
        out["rear_light"] = sums(power * rear_gain(sky, system, light, tilt, turn)) / whole
    if system.night_w_per_kw > 0:
        lit = np.bincount(month[power.max(axis=1) > 0], minlength=12)
        dark = np.append(HOURS_OF_MONTH - lit, HOURS - lit.sum())
        used = system.night_w_per_kw / 1000 / system.dc_ac_ratio * dark
        out["night_use"] = -np.minimum(used / whole, 1.0)
    return out


def low_light(irradiance: np.ndarray) -> np.ndarray:
    """Efficiency at an irradiance over that at 1,000 W/m2, both at 25 degrees (ADR, pvlib)."""
    row = reference.rows("low_light")[0]
    fit = {name: float(row[name]) for name in ("k_a", "k_d", "tc_d", "k_rs", "k_rsh")}
    lit = np.maximum(irradiance, 1.0)
    best = pvlib.pvarray.pvefficiency_adr(_STANDARD, 25.0, **fit)
    return np.maximum(pvlib.pvarray.pvefficiency_adr(lit, 25.0, **fit) / best, 0.0)


def rear_gain(
    sky: Sky, system: System, light: PlaneLight, tilt: np.ndarray, azimuth: np.ndarray
) -> np.ndarray:
    """Light on the back, times bifaciality, over that on the front (infinite sheds, pvlib)."""
    cover, height = REAR_MOUNTS[system.mount]
    ghi = sky.ground / system.albedo if system.albedo > 0 else np.zeros_like(sky.ground)
    up = np.maximum(np.sin(np.radians(sky.elevation)), 0)
    dhi = np.maximum(ghi - sky.dni * up, 0)
    out = np.zeros_like(light.total)
    for n in range(len(tilt)):
        found = pvlib.bifacial.infinite_sheds.get_irradiance_poa(
            180 - tilt[n], (azimuth[n] + 180) % 360, 90 - sky.elevation, sky.azimuth, cover, height,
            2.0 / cover, ghi, dhi, sky.dni, system.albedo,
        )  # fmt: skip
        back = np.nan_to_num(np.asarray(found["poa_global"], dtype=float))
        front = light.total[:, n]
        out[:, n] = np.divide(
            system.bifaciality * back, front, out=np.zeros_like(front), where=front > 20
        )
    return out


def _between(share: np.ndarray, arrays: pd.DataFrame) -> np.ndarray:
    """Shares of arrays between those of the grid's planes."""
    table = share.reshape(len(_TILTS), len(_TURNS) - 1)
    table = np.concatenate([table, table[:, :1]], axis=1)
    where = np.column_stack(
        [arrays["surface_tilt"].to_numpy(dtype=float),
         arrays["surface_azimuth"].to_numpy(dtype=float) % 360]
    )  # fmt: skip
    return np.asarray(RegularGridInterpolator((_TILTS, _TURNS), table)(where))
