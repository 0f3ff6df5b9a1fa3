"""NREL's SERF East as a cooperative's readings: python -m tests.serf_east FOLDER

FOLDER is ``pvanalytics/data`` of the package pvanalytics (0.2.2), which has the system's
quarter-hours and the satellite's weather of the same time. Prints what stands in
``docs/validation.md``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

import pvplanner as pvp
from pvplanner.energy.year import Year
from pvplanner.metering import read_generation
from pvplanner.tracking.expected import _array_days
from pvplanner.weather.raw import Given
from pvplanner.weather.stretch import read_stretch

PLACE = Given(39.742, -105.1727, 1800.0, -7.0)
ARRAY = {"capacity_kwp": [6.0], "capacity_kw_ac": [6.0], "surface_tilt": [45.0],
         "surface_azimuth": [158.0]}  # fmt: skip


def main(data: Path, out: Path) -> None:
    """Write both files as they would be sent, read them, compare by month."""
    power = pd.read_csv(data / "serf_east_15min_ac_power.csv")
    sky = pd.read_csv(data / "serf_east_psm3_data.csv")
    for table in (power, sky):
        table["time"] = pd.to_datetime(table["measured_on"].str[:19])
    pd.DataFrame({
        "account": "SERF", "time": power["time"].dt.strftime("%Y-%m-%d %H:%M"),
        "w": power["ac_power"].clip(lower=0),
    }).to_csv(out / "meter.csv", index=False)  # fmt: skip
    hours = sky.set_index("time")[["ghi", "temp_air"]].resample("h").mean().dropna()
    hours.index = hours.index.strftime("%Y-%m-%d %H:%M-07:00")
    hours.assign(wind_speed=2.0).rename_axis("time").to_csv(out / "sky.csv")
    days = read_generation([out / "meter.csv"]).days()["SERF"]
    weather, known = read_stretch(out / "sky.csv", days.index[0], days.index[-1], place=PLACE)
    scenario = pvp.Scenario.from_toml(Path(__file__).parents[1] / "data/liao/scenario.toml")
    scenario = scenario.override({"system.mount": "open_rack", "system.inverter_sizes": "exact"})
    made = _array_days(Year(weather, scenario, shaded=False), pd.DataFrame(ARRAY))[:, 0]
    common = pd.date_range("2015-01-01", periods=365)
    whole = known.reshape(365, 24).all(axis=1)
    due = {(d.month, d.day): v for d, v, k in zip(common, made, whole, strict=True) if k}
    expected = pd.Series([due.get((d.month, d.day)) for d in days.index], days.index, dtype=float)
    both = pd.DataFrame({"measured": days, "expected": expected}).dropna()
    months = both.groupby(both.index.month).sum()
    print(len(both), "days", round(both["measured"].sum() / both["expected"].sum(), 3))
    print((months["measured"] / months["expected"]).round(3).to_dict())
    print((both["measured"] / both["expected"]).quantile([0.05, 0.5, 0.95]).round(3).to_dict())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]), Path(folder))
