"""Horizons and layouts: rates on one core, beside GRASS r.horizon if it is installed. Prints JSON.

    python tests/benchmarks/shade.py [DSM]

GRASS sees the example's surface model (or another) in the same run: the same window, cells,
directions and search radius. Set the affinity outside for one core.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import rasterio

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
import random_planes

import pvplanner as pvp
from pvplanner.horizon import horizon_angles, horizon_tiles
from pvplanner.modules import lay_modules

LIAO = HERE.parents[2] / "data" / "liao"
REACH, DIRECTIONS, SIDE = 200.0, 36, 120.0


def seconds(run, least: int = 3) -> float:
    best = np.inf
    for _ in range(least):
        began = time.process_time()
        run()
        best = min(best, time.process_time() - began)
    return best


def raster(dsm: Path) -> tuple[float, np.ndarray, tuple]:
    """Million pixel-directions per CPU second, and the angles of a window in the middle."""
    with rasterio.open(dsm) as source:
        crs, bounds = source.crs.to_wkt(), source.bounds
        cell = source.transform.a
    whole = list(horizon_tiles(dsm, crs, tile=4096, reach_m=REACH))
    patch, angles = whole[0]
    took = seconds(lambda: list(horizon_tiles(dsm, crs, tile=4096, reach_m=REACH)), 2)
    west = bounds.left + round((bounds.right - bounds.left - SIDE) / 2 / cell) * cell
    north = bounds.top - round((bounds.top - bounds.bottom - SIDE) / 2 / cell) * cell
    i, j = round((patch.north - north) / cell), round((west - patch.west) / cell)
    n = round(SIDE / cell)
    window = (west, north - SIDE, west + SIDE, north)
    return angles.size / took / 1e6, angles[:, i : i + n, j : j + n], window


def grass(dsm: Path, window: tuple) -> tuple[float, np.ndarray]:
    """The same by GRASS: seconds of user and system time, and angles clockwise from north."""
    west, south, east, north = window
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "run.sh"
        out = [f"r.out.gdal input=hor_{d:03d} output={folder}/h{d}.tif type=Float32 -f --q"
               for d in range(0, 360, 360 // DIRECTIONS)]  # fmt: skip
        with rasterio.open(dsm) as source:
            scale, code = source.scales[0], source.crs.to_epsg()
        script.write_text("\n".join([
            f"r.in.gdal -o input={dsm} output=raw --q", "g.region raster=raw",
            f"r.mapcalc expression='dsm=raw*{scale}' --q",
            f"g.region n={north} s={south} w={west} e={east}",
            f"python3 -c \"import os,subprocess;b=os.times();subprocess.run(['r.horizon','-d',"
            f"'elevation=dsm','step={360 // DIRECTIONS}','start=0','end=360',"
            f"'bufferzone={REACH}','maxdistance={REACH}','output=hor','--q'],check=True);"
            f"e=os.times();open('{folder}/t','w').write(str(e[2]+e[3]-b[2]-b[3]))\"",
            *out,
        ]))  # fmt: skip
        grass_db = f"{folder}/db"
        subprocess.run(["grass", "-c", f"EPSG:{code}", grass_db, "--exec", "bash", str(script)],
                       check=True, capture_output=True)  # fmt: skip
        took = float((Path(folder) / "t").read_text())
        layers = []
        for d in range(DIRECTIONS):
            # GRASS counts from the east, counterclockwise.
            turned = (90 - d * 360 // DIRECTIONS) % 360
            with rasterio.open(f"{folder}/h{turned}.tif") as source:
                layers.append(source.read(1))
    return took, np.stack(layers)


def points() -> dict[str, float]:
    scenario = pvp.Scenario.from_toml(LIAO / "scenario.toml")
    from pvplanner.plan.site import site_buildings, site_planes

    planes = site_planes(scenario, site_buildings(scenario)[0])
    horizon_angles(planes.iloc[:5], dsm=scenario.site.dsm)
    march = sys.modules["pvplanner.horizon.march"]
    kernel, spent = march.march, []

    def timed(*given):
        began = time.process_time()
        kernel(*given)
        spent.append((time.process_time() - began, len(given[3])))

    import pvplanner.horizon as room

    room.march = timed
    whole = seconds(lambda: horizon_angles(planes, dsm=scenario.site.dsm, points=64), 2)
    room.march = kernel
    return {
        "roof_points_per_s": round(sum(n for _, n in spent) / sum(t for t, _ in spent)),
        "roof_points_per_s_with_reading": round(len(planes) * 64 / whole),
    }


def layout() -> dict[str, float]:
    out = {}
    for name, kinds, obstacles in (
        ("rectangles", ("rectangle",), False),
        ("polygons", ("trapezoid", "triangle", "l", "star"), True),
    ):
        planes = random_planes.make(20_000, 2, kinds, obstacles)
        planes["usable"] = planes.geometry
        lay_modules(planes.iloc[:50])
        out[f"{name}_per_s"] = round(len(planes) / seconds(lambda p=planes: lay_modules(p), 2))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    lay_modules(gpd_repeat(planes, 5))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    out["mb_more_for_100_000"] = round(after - before)
    return out


def gpd_repeat(planes, times):
    import geopandas as gpd
    import pandas as pd

    return gpd.GeoDataFrame(pd.concat([planes] * times, ignore_index=True), crs=planes.crs)


def main() -> None:
    dsm = Path(sys.argv[1]) if len(sys.argv) > 1 else LIAO / "dsm.tif"
    rate, angles, window = raster(dsm)
    told = {"raster_mpixdir_per_s": round(rate, 1)}
    if shutil.which("grass"):
        took, theirs = grass(dsm, window)
        per_s = theirs.size / took / 1e6
        told |= {
            "grass_mpixdir_per_s": round(per_s, 3),
            "times_faster": round(rate / per_s),
            "mean_difference_deg": round(float(np.abs(angles - theirs).mean()), 2),
        }
    print(json.dumps({**told, **points(), **layout()}))


if __name__ == "__main__":
    main()
