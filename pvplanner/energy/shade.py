"""What stands in the sun of a village's planes and arrays."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from pvplanner.energy import simulate_energy
from pvplanner.energy.year import Year
from pvplanner.horizon import Horizons
from pvplanner.modules import module_planes, row_horizon
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather


def array_horizons(
    horizons: Horizons | None,
    planes: gpd.GeoDataFrame,
    arrays: pd.DataFrame,
    scenario: Scenario,
) -> np.ndarray | None:
    """Horizon of each array: its plane's, and the row in front of it on a level roof."""
    if horizons is None:
        return None
    place = pd.Series(np.arange(len(planes)), index=planes["plane_id"].to_numpy())
    rows = place.loc[arrays["plane_id"]].to_numpy()
    angles = horizons.angles[rows]
    front = row_horizon(planes, scenario=scenario, directions=angles.shape[2])[rows]
    own = module_planes(planes, scenario=scenario)["surface_azimuth"].to_numpy()[rows]
    off = np.abs((arrays["surface_azimuth"].to_numpy() - own + 180) % 360 - 180)
    # The other half of an east-west pair looks the other way.
    front = np.where((off > 90)[:, None], np.roll(front, front.shape[1] // 2, axis=1), front)
    return np.maximum(angles, front[:, None, :].astype(np.float32))


def yield_shares(
    planes: gpd.GeoDataFrame,
    weather: Weather | Year,
    *,
    scenario: Scenario,
    horizons: Horizons | None = None,
) -> pd.Series:
    """What 1 kWp on each plane yields, as a share of the village's best; on the planes' index.

    By the chain alone: what is counted beside it moves no plane over the line.
    """
    one = module_planes(planes, scenario=scenario).assign(capacity_kwp=1.0)
    yields = simulate_energy(one, weather, scenario=scenario, horizon=horizons)["energy_kwh"]
    return yields / yields.max()
