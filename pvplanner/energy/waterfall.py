"""The loss waterfall: from irradiation on the plane to AC at the meter, step by step in kWh."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy.further import AFTER, BEFORE
from pvplanner.energy.year import Year, as_horizon, product_of, year_of
from pvplanner.horizon import Horizons
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather

LOSS_ITEMS = (
    "soiling",
    "shading",
    "snow",
    "mismatch",
    "wiring",
    "connections",
    "light_induced",
    "nameplate",
    "availability",
)
"""DC loss items in the order in which they are taken."""


def loss_waterfall(
    arrays: pd.DataFrame,
    weather: Weather | Year,
    *,
    scenario: Scenario | None = None,
    horizon: np.ndarray | Horizons | None = None,
) -> pd.DataFrame:
    """Where the energy goes, for each array; sum the rows for a village.

    Parameters
    ----------
    arrays, weather, scenario, horizon
        As for :func:`pvplanner.energy.simulate_energy`.

    Returns
    -------
    DataFrame
        On the index of ``arrays``, kWh a year. ``plane`` is what the modules would make of the
        irradiation on their plane at standard conditions. Then come what each step takes (negative)
        or gives: ``horizon``, ``incidence``, ``temperature``, the loss items (or ``losses``, where
        the scenario states one fraction), ``inverter``, ``clipping``, and of
        :data:`pvplanner.energy.further.FURTHER` what is on. The last column, ``energy_kwh``, is
        their sum.
    """
    scenario = scenario or Scenario()
    horizon = as_horizon(horizon, len(arrays))
    year = year_of(weather, scenario, horizon)
    left = year.steps(arrays, horizon) * arrays["capacity_kwp"].to_numpy(dtype=float)
    further = year.further(arrays)
    before, after = (product_of(further, names, len(arrays)) for names in (BEFORE, AFTER))
    left[4] /= before * after
    left[5] /= after
    plane, behind, useful, warm, free, made = (step.sum(axis=0) for step in left)
    kept = (left[3] * year.losses[:, None]).sum(axis=0)
    steps = {
        "plane": plane,
        "horizon": behind - plane,
        "incidence": useful - behind,
        "temperature": warm - useful,
        **_dc_items(left[3], year),
        "inverter": free - kept,
    }
    rest = _take(steps, free, further, BEFORE)
    steps["clipping"] = made - rest
    rest = made
    if year.strings:
        steps["string_shade"] = made * (year.string_share(arrays, horizon) - 1)
        rest = rest + steps["string_shade"]
    _take(steps, rest, further, AFTER)
    out = pd.DataFrame(steps, index=arrays.index)
    out["energy_kwh"] = out.sum(axis=1)
    return out


def _take(
    steps: dict[str, np.ndarray], rest: np.ndarray, shares: dict[str, np.ndarray],
    names: tuple[str, ...],
) -> np.ndarray:  # fmt: skip
    """Enter what relative changes take or give of the rest; returns what is left."""
    for name in names:
        if name in shares:
            steps[name] = rest * shares[name]
            rest = rest + steps[name]
    return rest


def _dc_items(warm: np.ndarray, year: Year) -> dict[str, np.ndarray]:
    """What each item takes from the DC energy of its months, one after the other."""
    if year.losses_stated is not None:
        return {"losses": -(warm * year.losses_stated).sum(axis=0)}
    items = year.loss_items
    taken, rest = {}, warm
    for name in LOSS_ITEMS:
        share = np.broadcast_to(np.asarray(getattr(items, name), dtype=float), 12)[:, None]
        taken[name] = -(rest * share).sum(axis=0)
        rest = rest * (1 - share)
    return taken
