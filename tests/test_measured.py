"""The command that holds a measured system against the model."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from made_weather import PLACES, as_weather, made_year

import pvplanner as pvp

TOOL = Path(__file__).with_name("measured.py")


def test_a_system_that_behaves_as_modelled_differs_by_nothing(tmp_path):
    place = PLACES[5]
    data = made_year(place, 30.0, 2)
    plane = {"capacity_kwp": 9.2, "surface_tilt": 9.0, "surface_azimuth": 0.0}

    weather = as_weather(data, place, 30.0)
    power = pvp.simulate_hours(pd.DataFrame([plane]), weather).to_numpy()[:, 0] * 0.97
    power[100:200] = np.nan
    told = weather.data.assign(power_kw=power).round(4)
    told.insert(0, "time", [t.strftime("%Y-%m-%d %H:%M") for t in data.index])
    path = tmp_path / "system.csv"
    path.write_text(f"# tz: UTC{place[2]:+g}\n" + told.to_csv(index=False))
    run = subprocess.run(
        [sys.executable, str(TOOL), str(path), "--kwp", "9.2", "--tilt", "9", "--azimuth", "0",
         "--latitude", str(place[0]), "--longitude", str(place[1]), "--utc", str(place[2])],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(run.stdout)
    assert found["hours"] == 8660
    assert abs(found["difference"] - (1 / 0.97 - 1)) < 0.003
    assert abs(found["month_07"] - (1 / 0.97 - 1)) < 0.003
    assert found["sun_offset_minutes"] == 30
