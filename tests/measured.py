"""A measured system beside the model, with its own weather: one command, any CSV.

    python tests/measured.py FILE.csv --kwp 9.2 --tilt 9 --azimuth 0 --latitude -21.3 \\
        --longitude 55.5 [--utc 4] [--mount roof] [--losses 0.14]

The file has ``time``, ``ghi`` (W/m2; ``dni`` and ``dhi`` where they were measured), ``temp_air``,
``wind_speed`` and ``power_kw`` (AC), a year of hours or finer. Nothing is tuned: what is printed is
the default chain. Hours in which the power is unknown are left out of both.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import pandas as pd

import pvplanner as pvp
from pvplanner.reading import parse_times


def compare(
    file: str, plane: dict[str, float], place: dict[str, float], system: dict[str, object]
) -> dict[str, float]:
    """Measured and modelled yield, kWh/kWp, and how they differ by month.

    Parameters
    ----------
    file : path-like
    plane : dict
        ``capacity_kwp``, ``surface_tilt``, ``surface_azimuth``.
    place : dict
        ``latitude``, ``longitude`` and, where known, ``utc_offset_hours``.
    system : dict
        Keys of ``[system]``.
    """
    weather = pvp.read_weather(file, **place)
    table = pd.read_csv(file, comment="#")
    stamps, zone = parse_times(table["time"].astype(str))
    year = pd.DatetimeIndex(weather.data.index)
    ours = year[0].utcoffset().total_seconds() / 3600
    zone = zone if zone is not None and np.isfinite(zone) else place.get("utc_offset_hours", ours)
    # The weather was moved to the clock of the place: so is the power.
    there = pd.DatetimeIndex(stamps) + pd.Timedelta(hours=ours - zone)
    power = pd.Series(table["power_kw"].to_numpy(dtype=float), index=there)
    hourly = power.groupby(power.index.floor("h")).mean()
    key = {(t.month, t.day, t.hour): v for t, v in hourly.items()}
    real = np.array([key.get((t.month, t.day, t.hour), np.nan) for t in year])
    scenario = pvp.Scenario(system=system)
    made = pvp.simulate_hours(pd.DataFrame([plane]), weather, scenario=scenario).to_numpy()[:, 0]
    known = np.isfinite(real)
    month = year.month.to_numpy()
    off = {
        f"month_{m:02d}": round(float(made[s].sum() / real[s].sum() - 1), 4)
        for m in range(1, 13) if (s := known & (month == m)).any() and real[s].sum() > 0
    }  # fmt: skip
    size = plane["capacity_kwp"]
    return {
        "hours": int(known.sum()),
        "measured_kwh_per_kwp": round(float(real[known].sum()) / size, 1),
        "ours_kwh_per_kwp": round(float(made[known].sum()) / size, 1),
        "difference": round(float(made[known].sum() / real[known].sum() - 1), 4),
        "sun_offset_minutes": weather.sun_offset_minutes,
        **off,
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("file")
    for name in ("kwp", "tilt", "azimuth", "latitude", "longitude"):
        ask.add_argument(f"--{name}", type=float, required=True)
    ask.add_argument("--utc", type=float)
    ask.add_argument("--mount", default="roof")
    ask.add_argument("--losses", type=float)
    told = ask.parse_args()
    plane = {"capacity_kwp": told.kwp, "surface_tilt": told.tilt, "surface_azimuth": told.azimuth}
    place = {"latitude": told.latitude, "longitude": told.longitude}
    if told.utc is not None:
        place["utc_offset_hours"] = told.utc
    system: dict[str, object] = {"mount": told.mount}
    if told.losses is not None:
        system["losses"] = told.losses
    print(json.dumps(compare(told.file, plane, place, system), indent=1))


if __name__ == "__main__":
    main()
