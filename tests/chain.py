"""The reference: pvlib's own functions, hour by hour, for one plane."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
from pvlib.temperature import TEMPERATURE_MODEL_PARAMETERS

from pvplanner.energy import loss_factors, module_gamma
from pvplanner.energy.sky import FAIMAN_MOUNTS, SAPM_MOUNTS
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather, extra_radiation


def plane_irradiance(weather: Weather, tilt: float, azimuth: float, scenario: Scenario) -> dict:
    """Components on a plane, W/m2, and the angle of incidence."""
    system, data = scenario.system, weather.data
    sun = weather.solar_position()
    zenith, turn = sun["zenith"].to_numpy(), sun["azimuth"].to_numpy()
    ghi, dni, dhi = (data[c].to_numpy() for c in ("ghi", "dni", "dhi"))
    extra = extra_radiation(pd.DatetimeIndex(data.index))
    cosine = pvlib.irradiance.aoi_projection(tilt, azimuth, zenith, turn)
    if system.transposition == "perez":
        airmass = pvlib.atmosphere.get_relative_airmass(zenith)
        sky = pvlib.irradiance.perez(
            tilt, azimuth, dhi, dni, extra, zenith, turn, airmass, return_components=True
        )
    else:
        sky = pvlib.irradiance.haydavies(
            tilt, azimuth, dhi, dni, extra, zenith, turn, return_components=True
        )
    sky = {name: np.nan_to_num(part) for name, part in sky.items()}
    return {
        "beam": np.maximum(dni * cosine, 0),
        "circumsolar": sky["poa_circumsolar"],
        "isotropic": sky["poa_isotropic"],
        "horizon": sky.get("poa_horizon", np.zeros_like(dhi)),
        "ground": pvlib.irradiance.get_ground_diffuse(tilt, ghi, system.albedo),
        "aoi": np.degrees(np.arccos(np.clip(cosine, -1, 1))),
        "zenith": zenith,
        "azimuth": turn,
    }


def pvlib_year(
    weather: Weather,
    tilt: float,
    azimuth: float,
    scenario: Scenario,
    *,
    horizon: np.ndarray | None = None,
    sky_left: float = 1.0,
) -> np.ndarray:
    """AC power per kWp for every hour, kW."""
    system, data = scenario.system, weather.data
    parts = plane_irradiance(weather, tilt, azimuth, scenario)
    if horizon is not None:
        shares = []
        for one in np.atleast_2d(horizon):
            around = np.append(one, one[0])
            edge = np.interp(parts["azimuth"], np.linspace(0, 360, len(around)), around)
            shares.append(90 - parts["zenith"] > edge)
        lit = np.mean(shares, axis=0)
        parts["beam"], parts["circumsolar"] = parts["beam"] * lit, parts["circumsolar"] * lit
        parts["isotropic"], parts["horizon"] = (
            parts["isotropic"] * sky_left,
            parts["horizon"] * sky_left,
        )
    modifier = pvlib.iam.physical(parts["aoi"])
    diffuse = pvlib.iam.marion_diffuse("physical", tilt)
    direct = parts["beam"] + parts["circumsolar"]
    total = direct + parts["isotropic"] + parts["horizon"] + parts["ground"]
    useful = (
        direct * modifier
        + parts["isotropic"] * diffuse["sky"]
        + parts["horizon"] * diffuse["horizon"]
        + parts["ground"] * diffuse["ground"]
    )
    air, wind = data["temp_air"].to_numpy(), data["wind_speed"].to_numpy()
    if system.temperature == "faiman":
        cell = pvlib.temperature.faiman(total, air, wind, *FAIMAN_MOUNTS[system.mount])
    else:
        known = TEMPERATURE_MODEL_PARAMETERS["sapm"][SAPM_MOUNTS[system.mount]]
        cell = pvlib.temperature.sapm_cell(total, air, wind, **known)
    dc = pvlib.pvsystem.pvwatts_dc(useful, cell, 1.0, module_gamma(scenario))
    dc = dc * loss_factors(system)[pd.DatetimeIndex(data.index).month.to_numpy() - 1]
    rated = 1 / system.dc_ac_ratio / system.inverter_efficiency
    return pvlib.inverter.pvwatts(dc, rated, system.inverter_efficiency)
