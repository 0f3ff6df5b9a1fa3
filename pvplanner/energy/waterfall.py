"""The loss waterfall: from irradiation on the plane to AC at the meter, step by step in kWh."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy.year import Year, as_horizon, year_of
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
    strings = year.string_share(arrays, horizon)
    if scenario.system.shade == "string":
        further = {"string_shade": strings - 1, **further}
    left[4:] *= strings / np.prod([1 + share for share in further.values()], axis=0)
    plane, behind, useful, warm, free, made = (step.sum(axis=0) for step in left)
    steps = {
        "plane": plane,
        "horizon": behind - plane,
        "incidence": useful - behind,
        "temperature": warm - useful,
        **_dc_items(left[3], year),
        "clipping": made - free,
    }
    kept = (left[3] * year.losses[:, None]).sum(axis=0)
    steps["inverter"] = free - kept
    order = [name for name in steps if name not in ("inverter", "clipping")]
    rest = made
    for name, share in further.items():
        steps[name] = rest * share
        rest = rest + steps[name]
    out = pd.DataFrame(steps, index=arrays.index)[[*order, "inverter", "clipping", *further]]
    out["energy_kwh"] = out.sum(axis=1)
    return out


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
