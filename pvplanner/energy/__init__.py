"""Energy: hourly photovoltaic physics for every array, exact and fast.

The chain is pvlib's: transposition (Perez or Hay-Davies), incidence-angle loss for beam and diffuse
light (physical; Marion), cell temperature (SAPM or Faiman, by mount), PVWatts DC and inverter with
clipping, itemised losses. Nothing is looked up or rounded: each array runs through all the hours of
the year at its own tilt and azimuth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.energy.kernel import BLOCK, run_year
from pvplanner.energy.sky import Sky, diffuse_modifiers, iam_polynomial, prepare_sky
from pvplanner.errors import InputError
from pvplanner.scenario import Scenario, System
from pvplanner.schema import MONTHLY_ENERGY
from pvplanner.weather import Weather

__all__ = ["loss_factors", "module_gamma", "simulate_energy", "simulate_hours"]

_CHUNK_BLOCKS = 512
_ETA_REFERENCE = 0.9637
"""Reference efficiency of the PVWatts inverter (Dobos 2014)."""


def loss_factors(system: System) -> np.ndarray:
    """What is left of DC power after the losses, for each month; shape (12,).

    ``system.losses`` if given, else the product over ``system.loss_items``.
    """
    if system.losses is not None:
        return np.full(12, 1 - system.losses)
    left = np.ones(12)
    for value in system.loss_items.model_dump().values():
        left *= 1 - np.broadcast_to(np.asarray(value, dtype=float), 12)
    return left


def module_gamma(scenario: Scenario) -> float:
    """Temperature coefficient of power of the scenario's module, 1/K."""
    table = reference.load("modules").set_index("product")
    return float(table.loc[scenario.module.product, "gamma_pdc_per_k"])


def simulate_energy(
    arrays: pd.DataFrame,
    weather: Weather,
    *,
    scenario: Scenario | None = None,
    horizon: np.ndarray | None = None,
) -> pd.DataFrame:
    """AC energy of arrays over a weather year, by month.

    Parameters
    ----------
    arrays : DataFrame
        ``capacity_kwp`` (kWp), ``surface_tilt`` (degrees), ``surface_azimuth`` (degrees clockwise
        from north). ``capacity_kw_ac`` (kW) is used where it is there and known, else
        ``system.dc_ac_ratio``.
    weather : Weather
        The year.
    scenario : Scenario, optional
        ``system`` and ``module`` are used; the defaults if not given.
    horizon : ndarray, shape (len(arrays), directions), optional
        Horizon elevation, degrees, at directions evenly spaced clockwise from north. Beam and
        circumsolar light are cut below it, diffuse light by the sky that is left; the flat item
        ``loss_items.shading`` is then not taken.

    Returns
    -------
    DataFrame
        On the index of ``arrays``: ``energy_kwh``, ``energy_kwh_01`` to ``energy_kwh_12`` (kWh),
        ``specific_yield_kwh_per_kwp``, ``poa_kwh_per_m2`` (irradiation on the plane before
        incidence losses), ``performance_ratio``, ``shading_loss`` (fraction of the energy without
        the horizon; nan where no horizon was given) and ``energy_p90_kwh`` (nan until known).

    Raises
    ------
    InputError
        If a column is missing, or a tilt, azimuth or capacity is not a possible number.
    """
    scenario = scenario or Scenario()
    _check(arrays)
    year = _Year(weather, scenario, shaded=horizon is not None)
    ac, poa = year.run(arrays, horizon)
    clear = year.clear(arrays, ac) if horizon is not None else None
    capacity = arrays["capacity_kwp"].to_numpy(dtype=float)
    months = ac * capacity[:, None]
    out = pd.DataFrame({"energy_kwh": months.sum(axis=1)}, index=arrays.index)
    out["energy_p90_kwh"] = np.nan
    out[list(MONTHLY_ENERGY)] = months
    out["specific_yield_kwh_per_kwp"] = ac.sum(axis=1)
    out["poa_kwh_per_m2"] = poa.sum(axis=1)
    out["performance_ratio"] = _ratio(ac.sum(axis=1), poa.sum(axis=1))
    out["shading_loss"] = np.nan if clear is None else 1 - _ratio(ac.sum(axis=1), clear)
    return out


def simulate_hours(
    arrays: pd.DataFrame,
    weather: Weather,
    *,
    scenario: Scenario | None = None,
    horizon: np.ndarray | None = None,
) -> pd.DataFrame:
    """Hourly AC power of chosen arrays.

    Parameters
    ----------
    arrays, weather, scenario, horizon
        As for :func:`simulate_energy`; meant for a few thousand arrays at most.

    Returns
    -------
    DataFrame, shape (8760, len(arrays))
        kW, on the weather's index, one column per row of ``arrays``.
    """
    scenario = scenario or Scenario()
    _check(arrays)
    year = _Year(weather, scenario, shaded=horizon is not None)
    power = year.trace(arrays, horizon) * arrays["capacity_kwp"].to_numpy(dtype=float)
    return pd.DataFrame(power, index=weather.data.index, columns=arrays.index)


class _Year:
    """One weather year, ready for the kernel."""

    def __init__(self, weather: Weather, scenario: Scenario, *, shaded: bool) -> None:
        self.scenario = scenario
        system = scenario.system
        self.sky: Sky = prepare_sky(weather, system)
        if shaded and system.losses is None:
            items = system.loss_items.model_copy(update={"shading": 0.0})
            system = system.model_copy(update={"loss_items": items})
        self.losses = loss_factors(system).astype(np.float32)
        gamma = module_gamma(scenario)
        sky = self.sky
        cool = 1 + gamma * (sky.temp_air - 25)
        # Irradiance goes in as kW/m2 so that DC power is in kW per kWp.
        light = [sky.dni, sky.circumsolar, sky.isotropic, sky.horizon, sky.ground]
        rows = [part / 1000 for part in light]
        rows += [cool, gamma * sky.heating * 1000, sky.elevation, np.zeros_like(cool)]
        self.hourly = np.stack(rows).astype(np.float32)
        self.sun = sky.sun.astype(np.float32)
        self.iam = iam_polynomial().astype(np.float32)

    def run(
        self, arrays: pd.DataFrame, horizon: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Monthly AC (kWh/kWp) and plane irradiation (kWh/m2), each of shape (arrays, 12)."""
        ac = np.empty((len(arrays), 12))
        poa = np.empty((len(arrays), 12))
        for rows in _chunks(len(arrays)):
            part = None if horizon is None else horizon[rows]
            made, fell = self._call(arrays.iloc[rows], part, hours=0)[:2]
            ac[rows], poa[rows] = made, fell
        return ac, poa

    def clear(self, arrays: pd.DataFrame, shaded: np.ndarray) -> np.ndarray:
        """Yearly AC per kWp without the horizon, never below the shaded one."""
        return np.maximum(self.run(arrays, None)[0].sum(axis=1), shaded.sum(axis=1))

    def trace(self, arrays: pd.DataFrame, horizon: np.ndarray | None) -> np.ndarray:
        """Hourly AC power per kWp, shape (8760, arrays)."""
        hours = len(self.sky.hour)
        trace = self._call(arrays, horizon, hours=hours)[2]
        out = np.zeros((8760, len(arrays)))
        out[self.sky.hour] = trace.transpose(1, 0, 2).reshape(hours, -1)[:, : len(arrays)]
        return out

    def _call(
        self, arrays: pd.DataFrame, horizon: np.ndarray | None, hours: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        count = len(arrays)
        blocks = -(-count // BLOCK)
        planes = _blocked(self._factors(arrays, horizon), blocks)
        bins = np.zeros(len(self.sky.hour), dtype=np.int64)
        edges = np.zeros((1, 1, 1), dtype=np.float32)
        hourly = self.hourly
        if horizon is not None:
            edges, bins, hourly = self._directions(horizon, blocks)
        trace = np.zeros((blocks, hours, BLOCK if hours else 0), dtype=np.float32)
        ac, poa = run_year(
            planes,
            edges,
            self.sun,
            hourly,
            bins,
            self.sky.month_start,
            self.losses,
            self.iam,
            horizon is not None,
            trace,
        )
        return (
            ac.reshape(-1, 12)[:count].astype(float),
            poa.reshape(-1, 12)[:count].astype(float),
            trace,
        )

    def _factors(self, arrays: pd.DataFrame, horizon: np.ndarray | None) -> np.ndarray:
        """Factors of each plane, shape (14, arrays), as :func:`run_year` takes them."""
        degrees = arrays["surface_tilt"].to_numpy(dtype=float)
        tilt, turn = (
            np.radians(degrees),
            np.radians(arrays["surface_azimuth"].to_numpy(dtype=float)),
        )
        iam = diffuse_modifiers(degrees)
        square, linear, constant, limit = self._inverter(arrays)
        left = np.ones(len(arrays)) if horizon is None else sky_left(horizon, degrees, turn)
        return np.stack(
            [
                np.sin(tilt) * np.sin(turn),
                np.sin(tilt) * np.cos(turn),
                np.cos(tilt),
                (1 + np.cos(tilt)) / 2,
                np.sin(tilt),
                (1 - np.cos(tilt)) / 2,
                iam["sky"],
                iam["horizon"],
                iam["ground"],
                square,
                linear,
                constant,
                limit,
                left,
            ]
        )

    def _inverter(self, arrays: pd.DataFrame) -> tuple[np.ndarray, ...]:
        """PVWatts inverter (Dobos 2014) as a clipped square of DC power, per kWp."""
        system = self.scenario.system
        limit = np.full(len(arrays), 1 / system.dc_ac_ratio)
        if "capacity_kw_ac" in arrays:
            dc = arrays["capacity_kwp"].to_numpy(dtype=float)
            ac = arrays["capacity_kw_ac"].to_numpy(dtype=float)
            known = np.isfinite(ac) & (ac > 0) & (dc > 0)
            limit = np.where(known, np.divide(ac, dc, out=limit.copy(), where=known), limit)
        rated = limit / system.inverter_efficiency
        scale = system.inverter_efficiency / _ETA_REFERENCE
        ones = np.ones_like(limit)
        return -0.0162 * scale / rated, 0.9858 * scale * ones, -0.0059 * scale * rated, limit

    def _directions(
        self, horizon: np.ndarray, blocks: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        directions = horizon.shape[1]
        around = np.concatenate([horizon, horizon[:, :1]], axis=1).T
        position = self.sky.azimuth / 360 * directions
        bins = np.minimum(position.astype(np.int64), directions - 1)
        hourly = self.hourly.copy()
        hourly[8] = position - bins
        return _blocked(around, blocks), bins, hourly


def sky_left(horizon: np.ndarray, surface_tilt: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Share of a plane's isotropic sky that is above the horizon.

    Parameters
    ----------
    horizon : ndarray, shape (arrays, directions)
        Degrees, clockwise from north.
    surface_tilt : ndarray, shape (arrays,)
        Degrees.
    turn : ndarray, shape (arrays,)
        Azimuth of the plane, radians.

    Notes
    -----
    Over a direction with horizon h the plane with normal n sees the integral of n.s cos(e) de from
    max(h, the plane's own edge) to 90 degrees, in closed form.
    """
    directions = horizon.shape[1]
    tilt = np.radians(surface_tilt)
    seen = np.zeros(len(horizon))
    whole = np.zeros(len(horizon))
    for k in range(directions):
        facing = np.sin(tilt) * np.cos(2 * np.pi * k / directions - turn)
        # The plane itself hides the sky below the elevation where n.s = 0.
        edge = np.clip(np.arctan2(-facing, np.cos(tilt)), 0, np.pi / 2)
        low = np.maximum(np.radians(np.maximum(horizon[:, k], 0)), edge)
        whole += _sector(facing, np.cos(tilt), edge)
        seen += _sector(facing, np.cos(tilt), low)
    return _ratio(seen, whole)


def _sector(facing: np.ndarray, level: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Integral of (facing cos e + level sin e) cos e from ``low`` to 90 degrees."""
    across = (np.pi / 2 - low) / 2 - np.sin(2 * low) / 4
    return facing * across + level * np.cos(low) ** 2 / 2


def _blocked(rows: np.ndarray, blocks: int) -> np.ndarray:
    """Columns (one per plane) cut into padded blocks: shape (blocks, rows, BLOCK)."""
    out = np.zeros((rows.shape[0], blocks * BLOCK), dtype=np.float32)
    out[:, : rows.shape[1]] = rows
    return np.ascontiguousarray(out.reshape(rows.shape[0], blocks, BLOCK).transpose(1, 0, 2))


def _chunks(count: int) -> Iterator[slice]:
    step = _CHUNK_BLOCKS * BLOCK
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    known = whole > 0
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=known)


def _check(arrays: pd.DataFrame) -> None:
    limits = {
        "capacity_kwp": (0.0, 1e7),
        "surface_tilt": (0.0, 90.0),
        "surface_azimuth": (-360.0, 720.0),
    }
    for column, (low, high) in limits.items():
        if column not in arrays:
            raise InputError("table_columns", where="arrays", table="arrays", missing=column)
        values = arrays[column].to_numpy(dtype=float)
        bad = ~((values >= low) & (values <= high))
        if bad.any():
            row = arrays.index[int(np.flatnonzero(bad)[0])]
            raise InputError(
                "array_value",
                where=f"arrays, {row}, {column}",
                value=str(values[bad][0]),
                low=low,
                high=high,
            )
