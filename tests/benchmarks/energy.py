"""Energy: ours beside pvlib's functions on raw arrays, in one process. Prints JSON.

    python tests/benchmarks/energy.py [arrays]

Single thread for the ratios; then two threads over one; then memory of a million arrays in one call
(in a process of its own). CPU time of the process, best of three.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import pvplanner as pvp
from pvplanner.energy.sky import FAIMAN_MOUNTS
from pvplanner.weather import extra_radiation

WEATHER = pvp.typical_year(29.72, 121.28)
SCENARIO = pvp.Scenario(system={"transposition": "haydavies"})


def arrays(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    tilt, azimuth = rng.uniform(0, 60, count), rng.uniform(0, 360, count)
    return pd.DataFrame({"capacity_kwp": 1.0, "surface_tilt": tilt, "surface_azimuth": azimuth})


def best(function, timer=time.process_time, runs: int = 3) -> float:
    function()
    took = []
    for _ in range(runs):
        begun = timer()
        function()
        took.append(timer() - begun)
    return min(took)


def raw_pvlib(table: pd.DataFrame):
    """pvlib's functions on numpy arrays, the sun's position computed once, 12 months included."""
    data, sun = WEATHER.data, WEATHER.solar_position()
    ghi, dni, dhi, air, wind = (
        data[c].to_numpy() for c in ("ghi", "dni", "dhi", "temp_air", "wind_speed")
    )
    zenith, turn = sun["zenith"].to_numpy(), sun["azimuth"].to_numpy()
    index = pd.DatetimeIndex(data.index)
    extra, starts = extra_radiation(index), np.searchsorted(index.month, np.arange(1, 13))

    def run() -> np.ndarray:
        out = np.empty((len(table), 12))
        for k, (tilt, azimuth) in enumerate(table[["surface_tilt", "surface_azimuth"]].to_numpy()):
            cosine = pvlib.irradiance.aoi_projection(tilt, azimuth, zenith, turn)
            sky = pvlib.irradiance.haydavies(tilt, azimuth, dhi, dni, extra, zenith, turn)
            beam = np.maximum(dni * cosine, 0)
            ground = pvlib.irradiance.get_ground_diffuse(tilt, ghi, 0.2)
            aoi = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
            total = beam + sky + ground
            useful = beam * pvlib.iam.physical(aoi) + sky + ground
            cell = pvlib.temperature.faiman(total, air, wind, *FAIMAN_MOUNTS["roof"])
            dc = pvlib.pvsystem.pvwatts_dc(useful, cell, 1.0, -0.0029) * 0.87
            out[k] = np.add.reduceat(pvlib.inverter.pvwatts(dc, 0.868, 0.96), starts)
        return out

    return run


def memory_of_a_million() -> float:
    """Peak memory of one call with a million arrays, GB, in this process."""
    pvp.simulate_energy(arrays(1_000_000), WEATHER, scenario=SCENARIO)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    if sys.argv[1:] == ["memory"]:
        print(memory_of_a_million())
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    table, few = arrays(count), arrays(100)
    horizon = np.random.default_rng(1).uniform(0, 30, (count, 36))
    os.environ["NUMBA_NUM_THREADS"] = "1"

    def plain() -> None:
        pvp.simulate_energy(table, WEATHER, scenario=SCENARIO)

    def shaded() -> None:
        pvp.simulate_energy(table, WEATHER, scenario=SCENARIO, horizon=horizon)

    peer = best(raw_pvlib(few)) / len(few)
    ours, behind = best(plain) / count, best(shaded) / count
    wall_one = best(plain, time.perf_counter)
    os.environ["NUMBA_NUM_THREADS"] = "2"
    wall_two = best(plain, time.perf_counter)
    peak = subprocess.run(
        [sys.executable, __file__, "memory"], capture_output=True, text=True, check=True
    )
    print(
        json.dumps(
            {
                "arrays": count,
                "pvlib_raw_us": round(peer * 1e6, 1),
                "ours_us": round(ours * 1e6, 3),
                "ours_horizon_us": round(behind * 1e6, 3),
                "times_faster": round(peer / ours),
                "times_faster_horizon": round(peer / behind),
                "two_threads_over_one": round(wall_one / wall_two, 2),
                "million_arrays_peak_gb": round(float(peak.stdout), 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
