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
from pvplanner.energy.kernel import (
    BLOCK,
    PART,
    UP,
    run_hours,
    run_year,
    run_year_shaded,
    sky_shares,
)
from pvplanner.energy.sky import Sky, diffuse_modifiers, iam_polynomial, prepare_sky
from pvplanner.errors import InputError
from pvplanner.scenario import Scenario, System
from pvplanner.schema import MONTHLY_ENERGY
from pvplanner.weather import Weather

__all__ = [
    "loss_factors",
    "module_gamma",
    "simulate_energy",
    "simulate_hours",
    "simulate_total_hours",
]

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
        ``specific_yield_kwh_per_kwp``, ``poa_kwh_per_m2`` (irradiation on the plane under an open
        sky), ``performance_ratio`` (yield over that), ``shading_loss`` (share of the irradiation
        behind the horizon; nan where no horizon was given) and ``energy_p90_kwh`` (nan until
        known).

    Raises
    ------
    InputError
        If a column is missing, or a tilt, azimuth or capacity is not a possible number.
    """
    scenario = scenario or Scenario()
    _check(arrays)
    year = _Year(weather, scenario, shaded=horizon is not None)
    ac, poa, kept = year.run(arrays, horizon)
    capacity = arrays["capacity_kwp"].to_numpy(dtype=float)
    months = ac * capacity[:, None]
    out = pd.DataFrame({"energy_kwh": months.sum(axis=1)}, index=arrays.index)
    out["energy_p90_kwh"] = np.nan
    out[list(MONTHLY_ENERGY)] = months
    out["specific_yield_kwh_per_kwp"] = ac.sum(axis=1)
    out["poa_kwh_per_m2"] = poa
    out["performance_ratio"] = _ratio(ac.sum(axis=1), poa)
    out["shading_loss"] = np.nan if horizon is None else 1 - _ratio(kept, poa)
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
    power, _ = year.hours(arrays, horizon, each=True)
    power *= arrays["capacity_kwp"].to_numpy(dtype=float)
    return pd.DataFrame(power, index=weather.data.index, columns=arrays.index)


def simulate_total_hours(
    arrays: pd.DataFrame,
    weather: Weather,
    *,
    scenario: Scenario | None = None,
    horizon: np.ndarray | None = None,
) -> pd.Series:
    """Hourly AC power of all arrays together, such as a village's.

    Parameters
    ----------
    arrays, weather, scenario, horizon
        As for :func:`simulate_energy`.

    Returns
    -------
    Series, shape (8760,)
        kW, on the weather's index.
    """
    scenario = scenario or Scenario()
    _check(arrays)
    year = _Year(weather, scenario, shaded=horizon is not None)
    _, total = year.hours(arrays, horizon, each=False)
    return pd.Series(total, index=weather.data.index, name="power_kw")


class _Year:
    """One weather year, ready for the kernel."""

    def __init__(self, weather: Weather, scenario: Scenario, *, shaded: bool) -> None:
        self.scenario = scenario
        system = scenario.system
        self.sky: Sky = prepare_sky(weather, system)
        if shaded and system.losses is None:
            items = system.loss_items.model_copy(update={"shading": 0.0})
            system = system.model_copy(update={"loss_items": items})
        self.hourly = self._hourly(loss_factors(system), module_gamma(scenario))
        self.iam = iam_polynomial().astype(np.float32)
        # With band >= -even / 2 no tilt from 0 to 90 degrees can see a negative sky.
        self.risky = (self.sky.isotropic < 0) | (self.sky.horizon < -self.sky.isotropic / 2)

    def _hourly(self, left: np.ndarray, gamma: float) -> np.ndarray:
        """Hourly rows as :func:`run_year` takes them; irradiance in kW/m2, so DC in kW per kWp."""
        sky = self.sky
        kept = np.repeat(left, np.diff(sky.month_start))
        cool = kept * (1 + gamma * (sky.temp_air - 25))
        heat = kept * gamma * sky.heating * 1000
        light = [sky.dni, sky.circumsolar, sky.isotropic, sky.horizon, sky.ground]
        rows = [*sky.sun, *(part / 1000 for part in light), cool, heat, sky.elevation, 0 * cool]
        return np.stack(rows).astype(np.float32)

    def run(
        self, arrays: pd.DataFrame, horizon: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Monthly AC per kWp, shape (arrays, 12); yearly irradiation on the plane (kWh/m2) under an
        open sky and behind the horizon, shape (arrays,).
        """
        ac = np.empty((len(arrays), 12))
        poa, kept = np.empty(len(arrays)), np.empty(len(arrays))
        for rows in _chunks(len(arrays)):
            part = arrays.iloc[rows]
            if horizon is None:
                made, fell = self._open(part)
                lost = np.zeros(len(part))
            else:
                made, fell, lost = self._behind(part, horizon[rows])
            ac[rows], kept[rows], poa[rows] = made, fell, fell + lost
        return ac, poa, kept

    def _open(self, arrays: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        planes = _blocked(self._factors(arrays, np.ones(len(arrays))))
        ac, poa = run_year(planes, self.hourly, self.risky, self.sky.month_start, self.iam)
        return _months(ac, len(arrays)), _months(poa, len(arrays)).sum(axis=1)

    def _behind(
        self, arrays: pd.DataFrame, horizon: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        left = self._left(arrays, horizon)
        planes = _blocked(self._factors(arrays, left))
        edges, bins, hourly = self._directions(horizon)
        rest = _blocked(left[None])[:, 0]
        ac, poa, beam = run_year_shaded(
            planes, hourly, self.risky, self.sky.month_start, self.iam, edges, bins, rest
        )
        tilt = np.radians(arrays["surface_tilt"].to_numpy(dtype=float))
        even = self.sky.isotropic.sum() * (1 + np.cos(tilt)) / 2
        diffuse = (even + self.sky.horizon.sum() * np.sin(tilt)) * (1 - left) / 1000
        count = len(arrays)
        lost = _months(beam, count).sum(axis=1) + diffuse
        return _months(ac, count), _months(poa, count).sum(axis=1), lost

    def hours(
        self, arrays: pd.DataFrame, horizon: np.ndarray | None, *, each: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hourly AC power per kWp, shape (8760, arrays) if ``each``, and the sum in kW."""
        if horizon is None:
            horizon = np.full((len(arrays), 4), -90.0)
            left = np.ones(len(arrays))
        else:
            left = self._left(arrays, horizon)
        planes = _blocked(self._factors(arrays, left))
        edges, bins, hourly = self._directions(horizon)
        count, lit_hours = len(arrays), len(self.sky.hour)
        trace = np.zeros((lit_hours, planes.shape[0] * BLOCK) if each else (0, 0), np.float32)
        total = np.zeros(lit_hours)
        weight = _blocked(arrays["capacity_kwp"].to_numpy(dtype=float)[None])[:, 0]
        rest = _blocked(left[None])[:, 0]
        run_hours(planes, hourly, self.iam, edges, bins, rest, weight, trace, total)
        whole = np.zeros(8760)
        whole[self.sky.hour] = total
        power = np.zeros((8760, count) if each else (0, 0))
        if each:
            power[self.sky.hour] = trace[:, :count]
        return power, whole

    def _left(self, arrays: pd.DataFrame, horizon: np.ndarray) -> np.ndarray:
        tilt, turn = (
            np.radians(arrays[name].to_numpy(dtype=float))
            for name in ("surface_tilt", "surface_azimuth")
        )
        return sky_shares(np.radians(horizon), tilt, turn)

    def _factors(self, arrays: pd.DataFrame, left: np.ndarray) -> np.ndarray:
        """Factors of each plane, shape (13, arrays), as :func:`run_year` takes them."""
        degrees = arrays["surface_tilt"].to_numpy(dtype=float)
        tilt, turn = (
            np.radians(degrees),
            np.radians(arrays["surface_azimuth"].to_numpy(dtype=float)),
        )
        iam = diffuse_modifiers(degrees)
        sky, sine, ground = (1 + np.cos(tilt)) / 2, np.sin(tilt), (1 - np.cos(tilt)) / 2
        return np.stack(
            [
                np.sin(tilt) * np.sin(turn),
                np.sin(tilt) * np.cos(turn),
                np.cos(tilt),
                left * sky,
                left * sine,
                ground,
                left * sky * iam["sky"],
                left * sine * iam["horizon"],
                ground * iam["ground"],
                *self._inverter(arrays),
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

    def _directions(self, horizon: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        directions = horizon.shape[1]
        around = np.concatenate([horizon, horizon[:, :1]], axis=1).T
        position = self.sky.azimuth / 360 * directions
        bins = np.minimum(position.astype(np.int64), directions - 1)
        hourly = self.hourly.copy()
        hourly[UP], hourly[PART] = self.sky.elevation, position - bins
        return _blocked(around), bins, hourly


def _months(values: np.ndarray, count: int) -> np.ndarray:
    return values.reshape(-1, 12)[:count].astype(float)


def _blocked(rows: np.ndarray) -> np.ndarray:
    """Columns (one per plane) cut into padded blocks: shape (blocks, rows, BLOCK)."""
    blocks = -(-rows.shape[1] // BLOCK)
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
