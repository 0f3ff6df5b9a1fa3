"""What a region costs: a million made-up footprints in a thousand villages, and many scenarios.

    python tests/benchmarks/region.py [--buildings 1000000] [--workers 2] [--scenarios 100000]
                                      [--chain 200]

Prints JSON. Villages of a thousand houses (30 % of them L-shaped), a household each, five weather
sites; the run is a process of its own on a warm numba cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

EAST, NORTH, PITCH = 450_000.0, 3_200_000.0, 26.0
EACH = 1000
"""Houses of a village."""

SITES = ((28.7, 120.0), (29.3, 120.6), (29.9, 121.2), (30.5, 120.2), (28.9, 121.4))


def shapes_of(rng: np.random.Generator, count: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rectangles and L-shapes, turned."""
    wide, deep = rng.uniform(8, 14, count), rng.uniform(7, 11, count)
    turn = np.radians(rng.uniform(-20, 20, count))
    ell = rng.random(count) < 0.3
    zero, wing = np.zeros(count), np.full(count, 4.5)
    # Corners of an L; of a rectangle the wing is folded flat.
    low = np.where(ell, -5.0, 0.0)
    px = np.stack([zero, wing, wing, wide, wide, zero, zero], axis=1)
    py = np.stack([low, low, zero, zero, deep, deep, low], axis=1)
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    rings = np.stack([x[:, None] + px * cos - py * sin, y[:, None] + px * sin + py * cos], axis=2)
    return shapely.remove_repeated_points(shapely.polygons(rings), 1e-6)


def make_region(folder: Path, count: int, extra: str = "", seed: int = 1) -> Path:
    """Footprints as GeoParquet, a ledger, weather files and a region's file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    villages = max(1, count // EACH)
    writers: list[pq.ParquetWriter | None] = [None, None]
    for n in range(villages):
        own = EACH if count >= EACH else count
        side = int(np.ceil(np.sqrt(own)))
        k = np.arange(own)
        x = EAST + (n % 40) * 1500.0 + PITCH * (k % side)
        y = NORTH + (n // 40) * 1500.0 + PITCH * (k // side)
        ids = [f"{n:04d}-{i:04d}" for i in k]
        frame = gpd.GeoDataFrame(
            {"building_id": ids, "village": f"village {n:04d}"},
            geometry=shapes_of(rng, own, x, y), crs=4549,
        )  # fmt: skip
        ledger = pd.DataFrame({
            "village": f"village {n:04d}", "household_id": [f"H{i}" for i in ids],
            "building_id": ids, "consumption_kwh": rng.uniform(600, 6000, own).round(),
            "income_today": rng.uniform(5e3, 6e4, own).round(),
            "low_income": np.where(rng.random(own) < 0.1, "yes", "no"),
        })  # fmt: skip
        with tempfile.TemporaryDirectory() as place:
            frame.to_parquet(Path(place) / "one.parquet", index=False)
            table = pq.read_table(Path(place) / "one.parquet")
        ledger_table = pa.Table.from_pandas(ledger, preserve_index=False)
        for w, (name, made) in enumerate((("footprints", table), ("households", ledger_table))):
            if writers[w] is None:
                writers[w] = pq.ParquetWriter(folder / f"{name}.parquet", made.schema)
            writers[w].write_table(made.cast(writers[w].schema))
    for writer in writers:
        writer.close()
    names = [_weather(folder, n, *site) for n, site in enumerate(SITES)]
    text = f"""name = "bench"
language = "en"
[region]
buildings = "footprints.parquet"
village_column = "village"
households = "households.parquet"
weather = {json.dumps(names)}
[base]
site.province = "Zhejiang"
{extra}
"""
    path = folder / "region.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _weather(folder: Path, n: int, latitude: float, longitude: float) -> str:
    """A typical year of a place as a plain file."""
    from pvplanner.weather import typical_year

    made = typical_year(latitude, longitude)
    data = made.data.copy()
    data.insert(0, "time", data.index.strftime("%Y-%m-%dT%H:%M:%S%z"))
    name = f"weather-{n}.csv"
    head = f"# latitude: {latitude}\n# longitude: {longitude}\n# altitude: {made.altitude}\n"
    (folder / name).write_text(head + data.to_csv(index=False), encoding="utf-8")
    return name


def run(path: Path, out: Path, workers: int) -> dict[str, float]:
    """A run with its wall time, the CPU of all, and the largest process."""
    begin = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(
        [sys.executable, "-m", "pvplanner", "--debug", "region", str(path), "--out", str(out),
         "--workers", str(workers)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    peak = [0]
    watch = threading.Thread(target=_watch, args=(child.pid, peak), daemon=True)
    watch.start()
    said, _ = child.communicate()
    if child.returncode:
        raise SystemExit(said)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(time.perf_counter() - begin, 1), "cpu_s": round(cpu, 1),
            "peak_mb": round(peak[0] / 1024)}  # fmt: skip


def _watch(pid: int, peak: list[int]) -> None:
    """The largest resident size of a process and of its children."""
    while True:
        try:
            pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        except OSError:
            return
        for one in pids:
            try:
                lines = Path(f"/proc/{one}/status").read_text().splitlines()
            except OSError:
                continue
            size = next((int(v.split()[1]) for v in lines if v.startswith("VmHWM")), 0)
            peak[0] = max(peak[0], size)
        time.sleep(0.5)


def disk(folder: Path) -> float:
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6, 1)


GRID = """[grid]
tariff.market_path = ["low", "middle", "high"]
finance.capex_per_w = [2.6, 2.8, 3.0, 3.2]
carbon.pathway = ["none", "decline"]
"""


def scenarios(folder: Path, workers: int, count: int) -> dict[str, object]:
    """24 scenarios of money over one, and 24 of which 4 change physics."""
    out: dict[str, object] = {}
    money = "[scenarios]\n" + "\n".join(
        f'"m{n}" = {{ "finance.capex_per_w" = {2.5 + n * 0.03:.2f}, '
        f'"tariff.market_path" = "{("low", "middle", "high")[n % 3]}" }}'
        for n in range(23)
    )
    both = "[scenarios]\n" + "\n".join(
        f'"p{n}" = {{ "finance.capex_per_w" = {2.5 + (n // 4) * 0.1:.2f}, '
        f'"module.flat_tilt" = {10 + n % 4 * 3}, "system.losses" = {0.12 + n % 4 * 0.01:.2f} }}'
        for n in range(1, 24)
    )
    for name, extra in (("one", ""), ("money_24", money), ("physics_4", both)):
        place = folder / name
        place.mkdir()
        path = make_region(place, count, extra)
        out[name] = run(path, place / "out", workers)
        shutil.rmtree(place)
    return out


def model_chain(folder: Path, out: Path, count: int) -> dict[str, float]:
    """CPU of pvlib's ModelChain, once for each of some arrays of the region, and for a building.

    PVWatts' models on the same weather; where the sun stands, what each plane gets, its cells'
    temperature, direct and alternating current, and nothing of roofs, homes or money.
    """
    import pvlib

    import pvplanner as pvp
    from pvplanner.weather import read_weather

    plan = pvp.open_region(out).plan("village 0000")
    weather = read_weather(folder / "weather-0.csv")
    place = pvlib.location.Location(weather.latitude, weather.longitude, altitude=weather.altitude)
    arrays = plan.arrays.iloc[:count]
    glass = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["close_mount_glass_glass"]
    begin = time.process_time()
    for row in arrays.itertuples():
        mount = pvlib.pvsystem.FixedMount(row.surface_tilt, row.surface_azimuth)
        watts = row.capacity_kwp * 1000
        array = pvlib.pvsystem.Array(
            mount, module_parameters={"pdc0": watts, "gamma_pdc": -0.003},
            temperature_model_parameters=glass,
        )  # fmt: skip
        system = pvlib.pvsystem.PVSystem([array], inverter_parameters={"pdc0": watts})
        pvlib.modelchain.ModelChain.with_pvwatts(system, place).run_model(weather.data)
    each = (time.process_time() - begin) / len(arrays)
    many = len(plan.arrays) / len(plan.buildings)
    return {"chain_ms_an_array": round(1000 * each, 2), "arrays_a_building": round(many, 3),
            "chain_us_a_building": round(1e6 * each * many, 1)}  # fmt: skip


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--buildings", type=int, nargs="*", default=[1_000_000])
    parse.add_argument("--workers", type=int, default=2)
    parse.add_argument("--scenarios", type=int, default=0, help="buildings; 0: left out")
    parse.add_argument("--chain", type=int, default=0, help="arrays for ModelChain; 0: left out")
    given = parse.parse_args()
    report: dict[str, object] = {"cores": os.cpu_count(), "workers": given.workers}
    with tempfile.TemporaryDirectory() as place:
        for count in given.buildings:
            folder = Path(place) / str(count)
            folder.mkdir()
            path = make_region(folder, count)
            found = run(path, folder / "out", given.workers)
            found["cpu_us_a_building"] = round(1e6 * found["cpu_s"] / count, 1)
            found["disk_mb"] = disk(folder / "out")
            if given.chain:
                found |= model_chain(folder, folder / "out", given.chain)
                chain, ours = found["chain_us_a_building"], found["cpu_us_a_building"]
                found["times_faster"] = round(chain / ours, 1)
            report[str(count)] = found
            print(json.dumps({str(count): found}), file=sys.stderr, flush=True)
            shutil.rmtree(folder)
        if given.scenarios:
            report |= scenarios(Path(place), given.workers, given.scenarios)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
