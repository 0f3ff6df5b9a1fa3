"""One weather year made ready for the kernel, and the kernel's results made into arrays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.energy.further import AFTER, BEFORE, grid_shares, month_profile, read_off
from pvplanner.energy.kernel import (
    BLOCK,
    LIMIT,
    PART,
    SQUARE,
    UP,
    plane_rows,
    run_hours,
    run_steps,
    run_year,
    run_year_shaded,
)
from pvplanner.energy.sky import Sky, diffuse_pieces, iam_polynomial, prepare_sky
from pvplanner.energy.strings import run_year_string
from pvplanner.errors import InputError
from pvplanner.horizon.view import sky_shares
from pvplanner.reference.products import find_module
from pvplanner.scenario import LossItems, Scenario, System
from pvplanner.weather import Weather, hourly_index

_CHUNK_BLOCKS = 256
_ETA_REFERENCE = 0.9637
"""Reference efficiency of the PVWatts inverter (Dobos 2014)."""


def loss_factors(system: System, items: LossItems | None = None) -> np.ndarray:
    """What is left of DC power after the losses, for each month; shape (12,).

    ``system.losses`` if given, else the product over ``items`` (``system.loss_items``).
    """
    if system.losses is not None:
        return np.full(12, 1 - system.losses)
    left = np.ones(12)
    for value in (items or system.loss_items).model_dump().values():
        left *= 1 - np.broadcast_to(np.asarray(value, dtype=float), 12)
    return left


def module_gamma(scenario: Scenario) -> float:
    """Temperature coefficient of power of the scenario's module, 1/K."""
    return find_module(scenario.module.product).gamma_pdc_per_k


class Year:
    """One weather year, ready for the kernel.

    ``plain`` leaves out what is counted beside the chain (:mod:`pvplanner.energy.further`).
    """

    def __init__(
        self, weather: Weather | Sky, scenario: Scenario, *, shaded: bool, plain: bool = False
    ) -> None:
        self.scenario, self.plain = scenario, plain
        self.strings = not plain and scenario.system.shade == "string"
        system = scenario.system
        self.sky: Sky = weather if isinstance(weather, Sky) else prepare_sky(weather, system)
        self.index = hourly_index(self.sky.utc_offset_hours)
        self.shaded = shaded
        self.loss_items = system.loss_items
        if shaded:
            # What a horizon takes is not taken again as a flat share.
            self.loss_items = self.loss_items.model_copy(update={"shading": 0.0})
        self.losses_stated = system.losses
        self.losses = loss_factors(system, self.loss_items)
        self.gamma = module_gamma(scenario)
        self.profile = month_profile(self._further)
        self.hourly = self._hourly(self.losses * self.profile, self.gamma)
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
        planes = self._planes(arrays, np.ones(len(arrays)))
        ac, poa = run_year(planes, self.hourly, self.risky, self.sky.month_start, self.iam)
        return _months(ac, len(arrays)), _months(poa, len(arrays)).sum(axis=1, dtype=float)

    def _behind(
        self, arrays: pd.DataFrame, horizon: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        left = self._left(arrays, horizon)
        planes = self._planes(arrays, left)
        edges, bins, hourly = self._directions(horizon)
        rest = _blocked(left[None])[:, 0]
        ac, poa, beam = run_year_shaded(
            planes, hourly, self.risky, self.sky.month_start, self.iam, edges, bins, rest
        )
        tilt = np.radians(arrays["surface_tilt"].to_numpy(dtype=float))
        even = self.sky.isotropic.sum() * (1 + np.cos(tilt)) / 2
        diffuse = (even + self.sky.horizon.sum() * np.sin(tilt)) * (1 - left) / 1000
        count = len(arrays)
        lost = _months(beam, count).sum(axis=1, dtype=float) + diffuse
        if self.strings:
            ac = run_year_string(planes, hourly, self.sky.month_start, self.iam, edges, bins, rest)
        return _months(ac, count), _months(poa, count).sum(axis=1, dtype=float), lost

    def hours(
        self, arrays: pd.DataFrame, horizon: np.ndarray | None, *, each: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hourly AC power per kWp, shape (8760, arrays) if ``each``, and the sum in kW."""
        if horizon is None:
            horizon = np.full((len(arrays), 1, 4), -90.0)
            left = np.ones(len(arrays))
        else:
            left = self._left(arrays, horizon)
        planes = self._planes(arrays, left)
        if self.strings:
            scale_ac(planes, self.string_share(arrays, horizon))
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

    def plane_factors(self, arrays: pd.DataFrame, horizon: np.ndarray | None = None) -> np.ndarray:
        """Factors of each array; float32, shape (13, arrays)."""
        left = np.ones(len(arrays)) if horizon is None else self._left(arrays, horizon)
        blocked = self._planes(arrays, left)
        if self.strings:
            scale_ac(blocked, self.string_share(arrays, horizon))
        flat = blocked.transpose(1, 0, 2).reshape(
            blocked.shape[1], blocked.shape[0] * blocked.shape[2]
        )
        return np.ascontiguousarray(flat[:, : len(arrays)])

    def rays(
        self, arrays: pd.DataFrame, horizon: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What an hour-by-hour loop over single arrays needs of horizons.

        Returns
        -------
        edges : float32 array, shape (arrays, points, directions + 1)
            Degrees; no points under an open sky.
        left : float32 array, shape (arrays,)
            Share of the sky that is left.
        bins, hourly
            As the kernel takes them.
        """
        if horizon is None:
            none = np.zeros((len(arrays), 0, 2), dtype=np.float32)
            ones = np.ones(len(arrays), dtype=np.float32)
            return none, ones, np.zeros(len(self.sky.hour), dtype=np.int64), self.hourly
        edges = np.concatenate([horizon, horizon[:, :, :1]], axis=2).astype(np.float32)
        bins, hourly = self._bins(horizon.shape[2])
        return edges, self._left(arrays, horizon).astype(np.float32), bins, hourly

    def steps(self, arrays: pd.DataFrame, horizon: np.ndarray | None) -> np.ndarray:
        """What is left after each step, per kWp and month; shape (6, 12, arrays)."""
        if horizon is None:
            horizon, left = np.full((len(arrays), 1, 4), -90.0), np.ones(len(arrays))
        else:
            left = self._left(arrays, horizon)
        planes, rest = self._planes(arrays, left), _blocked(left[None])[:, 0]
        edges, bins, hourly = self._directions(horizon)
        kept = (self.losses * self.profile).astype(np.float32)
        out = run_steps(planes, hourly, self.sky.month_start, self.iam, edges, bins, rest, kept)
        whole = out.transpose(1, 2, 0, 3).reshape(6, 12, out.shape[0] * out.shape[3])
        return whole[:, :, : len(arrays)]

    def _left(self, arrays: pd.DataFrame, horizon: np.ndarray) -> np.ndarray:
        tilt, turn = (
            np.radians(np.repeat(arrays[name].to_numpy(dtype=float), horizon.shape[1]))
            for name in ("surface_tilt", "surface_azimuth")
        )
        flat = np.radians(horizon.reshape(-1, horizon.shape[2]))
        return sky_shares(flat, tilt, turn).reshape(len(arrays), horizon.shape[1]).mean(axis=1)

    def _planes(self, arrays: pd.DataFrame, left: np.ndarray) -> np.ndarray:
        """Blocked factors of each plane, as :func:`run_year` takes them."""
        tilt, azimuth = (
            arrays[name].to_numpy(dtype=float) for name in ("surface_tilt", "surface_azimuth")
        )
        step, pieces = diffuse_pieces()
        efficiency = self.scenario.system.inverter_efficiency
        rows = plane_rows(
            tilt, azimuth, left, self._limit(arrays), pieces, step, efficiency,
            efficiency / _ETA_REFERENCE, -(-len(tilt) // BLOCK),
        )  # fmt: skip
        shares = self.further(arrays)
        if shares:
            scale_ac(rows, product_of(shares, BEFORE, len(tilt)), rating=False)
            scale_ac(rows, product_of(shares, AFTER, len(tilt)))
        return rows

    def further(self, arrays: pd.DataFrame) -> dict[str, np.ndarray]:
        """What else changes AC energy, by effect; see :mod:`pvplanner.energy.further`."""
        if self.plain:
            return {}
        return read_off(self._further, self.scenario.system, arrays)

    @cached_property
    def _further(self) -> dict[str, np.ndarray]:
        if self.plain:
            return {}
        return grid_shares(self.sky, self.scenario.system, self.gamma, self.losses)

    def string_share(self, arrays: pd.DataFrame, horizon: np.ndarray | None) -> np.ndarray:
        """What strings leave of the energy by shaded area, over the year; shape (arrays,)."""
        if horizon is None or not self.strings:
            return np.ones(len(arrays))
        left = self._left(arrays, horizon)
        planes, rest = self._planes(arrays, left), _blocked(left[None])[:, 0]
        edges, bins, hourly = self._directions(horizon)
        light = (hourly, self.risky, self.sky.month_start, self.iam, edges, bins, rest)
        by_area = _months(run_year_shaded(planes, *light)[0], len(arrays)).sum(axis=1, dtype=float)
        by_string = run_year_string(planes, hourly, *light[2:])
        strung = _months(by_string, len(arrays)).sum(axis=1, dtype=float)
        return np.divide(strung, by_area, out=np.ones_like(strung), where=by_area > 0)

    def _limit(self, arrays: pd.DataFrame) -> np.ndarray:
        """AC rating per kWp, of the PVWatts inverter (Dobos 2014)."""
        limit = np.full(len(arrays), 1 / self.scenario.system.dc_ac_ratio)
        if "capacity_kw_ac" in arrays:
            dc = arrays["capacity_kwp"].to_numpy(dtype=float)
            ac = arrays["capacity_kw_ac"].to_numpy(dtype=float)
            known = np.isfinite(ac) & (ac > 0) & (dc > 0)
            limit = np.where(known, np.divide(ac, dc, out=limit.copy(), where=known), limit)
        return limit

    def _directions(self, horizon: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        count, points, directions = horizon.shape
        around = np.concatenate([horizon, horizon[:, :, :1]], axis=2)
        rows = around.reshape(count, points * (directions + 1)).T
        bins, hourly = self._bins(directions)
        blocked = _blocked(rows)
        return blocked.reshape(len(blocked), points, directions + 1, BLOCK), bins, hourly

    def _bins(self, directions: int) -> tuple[np.ndarray, np.ndarray]:
        """Direction bin of the sun in each hour, and the hourly rows with the way into it."""
        position = self.sky.azimuth / 360 * directions
        bins = np.minimum(position.astype(np.int64), directions - 1)
        hourly = self.hourly.copy()
        hourly[UP], hourly[PART] = self.sky.elevation, position - bins
        return bins, hourly


def year_of(weather: Weather | Year, scenario: Scenario, horizon: np.ndarray | None) -> Year:
    """A weather year made ready, unless it is already."""
    if isinstance(weather, Year):
        return weather
    return Year(weather, scenario, shaded=horizon is not None)


def as_horizon(horizon: Any, count: int) -> np.ndarray | None:
    """Horizons as the year takes them: shape (arrays, points, directions), degrees.

    Raises
    ------
    InputError
        If there is not one for each array.
    """
    if horizon is None:
        return None
    angles = np.asarray(getattr(horizon, "angles", horizon))
    angles = angles[:, None, :] if angles.ndim == 2 else angles
    if angles.ndim != 3 or len(angles) != count or angles.shape[2] < 2:
        raise InputError("horizon_shape", where="horizon", shape=str(angles.shape), arrays=count)
    if not np.isfinite(angles).all():
        raise InputError("horizon_unknown", where="horizon")
    return angles


def product_of(shares: dict[str, np.ndarray], names: tuple[str, ...], count: int) -> np.ndarray:
    """What several relative changes leave, one after the other; shape (count,)."""
    out = np.ones(count)
    for name in names:
        if name in shares:
            out = out * (1 + shares[name])
    return out


def scale_ac(rows: np.ndarray, factor: np.ndarray, *, rating: bool = True) -> None:
    """Multiply the AC power of planes, in place.

    Parameters
    ----------
    rows : float32 array, shape (blocks, 13, BLOCK)
    factor : ndarray, shape (planes,)
    rating : bool
        Whether what the inverter cuts at is multiplied too: what comes after it.
    """
    rows[:, SQUARE : LIMIT + rating] *= _blocked(factor[None])


def _months(values: np.ndarray, count: int) -> np.ndarray:
    return values.reshape(-1, 12)[:count]


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


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``; nan where there is nothing to divide by."""
    known = whole > 0
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=known)
