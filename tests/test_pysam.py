"""Beside SAM's PVWatts v8, fed the same hours and the same sun times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helps import rarely

import pvplanner as pvp

pvwatts = pytest.importorskip("PySAM.Pvwattsv8", reason="nrel-pysam is not installed")

ORIENTATIONS = [(tilt, azimuth) for tilt in (0, 20, 40) for azimuth in range(0, 360, 45)]
FILES = ["hangzhou_cswd.epw", "shanghai_tmyx.epw", "phoenix_tmy2.csv"]


def sam_energy(weather, tilt, azimuth, *, array_type, losses=14.0757, dc_ac=1.2):
    """Yearly AC per kWp of PVWatts v8, ground coverage 0.01, on our hours."""
    # A sun at the very end of the hour (60 minutes) is a minute earlier for SAM, whose last hour
    # would otherwise belong to the next year.
    late = weather.sun_offset_minutes == 60
    data, times = weather.data, weather.sun_times() - pd.Timedelta(minutes=1 if late else 0)
    index = pd.DatetimeIndex(data.index)
    if weather.sun_offset_minutes < 0:
        # The first hour's sun is that of the year before: SAM wants a year from 1 January on.
        data, times = data.iloc[np.roll(np.arange(len(data)), -1)], times[[*range(1, 8760), 0]]
    model = pvwatts.new()
    model.SolarResource.solar_resource_data = {
        "lat": weather.latitude,
        "lon": weather.longitude,
        "tz": index[0].utcoffset().total_seconds() / 3600,
        "elev": weather.altitude,
        "year": list(map(int, index.year)),
        "month": list(map(int, times.month)),
        "day": list(map(int, times.day)),
        "hour": list(map(int, times.hour)),
        "minute": list(map(int, times.minute)),
        "gh": data["ghi"].tolist(),
        "dn": data["dni"].tolist(),
        "df": data["dhi"].tolist(),
        "tdry": data["temp_air"].tolist(),
        "wspd": data["wind_speed"].tolist(),
    }
    model.SolarResource.use_wf_albedo = 0
    model.SolarResource.albedo = [0.2] * 12
    design = model.SystemDesign
    design.system_capacity, design.module_type, design.array_type = 1.0, 0, array_type
    design.tilt, design.azimuth, design.losses = tilt, azimuth, losses
    design.dc_ac_ratio, design.inv_eff, design.gcr = dc_ac, 96, 0.01
    model.execute()
    return model.Outputs.ac_annual


@pytest.mark.parametrize("file", rarely(FILES, FILES[:1]))
@pytest.mark.parametrize(("mount", "array_type"), [("open_rack", 0), ("roof", 1)])
def test_within_three_per_cent_of_pvwatts(shared, file, mount, array_type):
    weather = pvp.read_weather(shared / "data" / "weather" / file)
    table = pd.DataFrame(ORIENTATIONS, columns=["surface_tilt", "surface_azimuth"])
    scenario = pvp.Scenario(system={"losses": 0.140757, "mount": mount})
    ours = pvp.simulate_energy(table.assign(capacity_kwp=1.0), weather, scenario=scenario)
    sams = [sam_energy(weather, t, a, array_type=array_type) for t, a in ORIENTATIONS]
    off = ours["energy_kwh"].to_numpy() / np.array(sams) - 1
    assert np.abs(off).max() < 0.03
    assert np.abs(off).mean() < 0.012
