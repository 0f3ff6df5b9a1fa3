"""Everything compiled is used once, on the smallest village that uses it all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pvplanner.compiled import is_compiled


@contextmanager
def compiling_beside() -> Iterator[None]:
    """Where nothing is compiled yet, let a second process begin at the other end.

    It plans a house whose roof nobody has seen: what comes after the roofs is compiled by then.
    """
    if is_compiled() or (os.cpu_count() or 1) < 2:
        yield
        return
    quiet = subprocess.DEVNULL
    words = [sys.executable, "-m", "pvplanner.warming"]
    other = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        other.terminate()
        try:
            other.wait(timeout=5)
        except subprocess.TimeoutExpired:
            other.kill()
            other.wait()


def warm_up() -> None:
    """Plan made-up houses with a surface model, a battery and a loan, and forget them."""
    with compiling_beside():
        _plan_all()


def _plan_unseen() -> None:
    from pvplanner.plan import plan_village
    from pvplanner.scenario import Scenario

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _write_village(place)
        plan = plan_village(
            Scenario(site={"buildings": str(place / "v.gpkg"), "province": "Zhejiang"})
        )
        for name in ("ranges", "measures", "waterfall", "battery"):
            plan.result(name)


def _plan_all() -> None:
    import numpy as np

    from pvplanner.plan import plan_village
    from pvplanner.roofs import surface
    from pvplanner.roofs.joining import join_described
    from pvplanner.roofs.noise import Noise
    from pvplanner.scenario import Scenario

    # Only a roof in which nothing else is seen is taken as one plane, and only noise in clods cuts
    # roofs that are joined again.
    surface.one_plane(np.zeros((6, 6)), np.ones((6, 6), dtype=bool), 0.5, 0.1)
    halves = np.repeat(np.array([[1] * 6 + [2] * 6]), 6, axis=0).astype(np.int64)
    clods = Noise(0.1, 0.07, 2, 8.0, 1.0)
    join_described(np.zeros((6, 12)), halves, np.zeros((3, 9)), halves > 0, 0.5, clods)

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _write_village(place)
        site = {"buildings": str(place / "v.gpkg"), "dsm": str(place / "dsm.tif"),
                "dem": str(place / "dsm.tif"), "province": "Zhejiang"}  # fmt: skip
        scenario = Scenario(
            site=site, demand={"battery_kwh": 1.0, "village_battery_kwh": 1.0}, loan={"share": 0.5}
        )
        less = {"site.dsm": None, "site.dem": None}
        for changes in ({}, {"demand.battery_kwh": 0.0}, less, {"system.shade": "string"}):
            plan = plan_village(scenario.override(changes))
            for name in ("waterfall", "measures", "battery"):
                plan.result(name)


def _write_village(folder: Path) -> None:
    import geopandas as gpd
    import numpy as np
    import shapely

    from pvplanner.terrain import write_heights

    east, north, cell = 527_000.0, 3_288_000.0, 0.5
    shapes = [shapely.box(east + x, north, east + x + 12, north + 9) for x in (20, 50, 80, 105)]
    wing = shapely.box(east + 105, north - 8, east + 110, north + 9)
    shapes[3] = shapely.union(shapes[3], wing)
    named = {"building_id": ["1", "2", "3", "4"], "height_m": 6.0}
    frame = gpd.GeoDataFrame(named, geometry=shapes, crs=4549)
    frame.to_file(folder / "v.gpkg", engine="pyogrio")
    x, y = np.meshgrid(np.arange(300) * cell, 40 - np.arange(160) * cell)
    heights = np.zeros(x.shape)
    for begin, kind in ((20, "gable"), (50, "flat"), (80, "gable"), (105, "gable")):
        inside = (x > begin) & (x < begin + 12) & (y > 0) & (y < 9)
        rise = 2.5 - np.abs(y - 4.5) * 0.5 if kind == "gable" else 0.0 * y
        heights = np.where(inside, 6 + rise, heights)
    write_heights(folder / "dsm.tif", heights, (east, north + 40), cell, "EPSG:4549")


if __name__ == "__main__":
    from pvplanner import stopping

    stopping.listen()
    try:
        _plan_unseen()
    except stopping.Stopped as stopped:
        sys.exit(stopped.code)
