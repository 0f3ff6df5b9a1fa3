"""Nothing is lost: kills at random moments, a full disk, a scheduler that goes (-m long)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from made_region import made_buildings, made_region

import pvplanner as pvp

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """Sixteen villages under two scenarios, and the tables of an undisturbed run."""
    folder = tmp_path_factory.mktemp("county")
    rest = "[scenarios.dear]\nfinance.capex_per_w = 3.6\n"
    path = made_region(folder, made_buildings(villages=16, each=8), rest=rest)
    return path, pvp.plan_region(path, out=folder / "out", workers=2)


def command(path: Path, out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "pvplanner", "region", str(path), "--out", str(out), *words]


def started(path: Path, out: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(path, out, *words), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)  # fmt: skip


def done_at(out: Path) -> dict[str, int]:
    return {p.parent.name: p.stat().st_mtime_ns for p in (out / "units").glob("u*/done.json")}


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(p) for p in file.read().split()]


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_a_random_moment(county, tmp_path, seed):
    """The run on even seeds, a worker on odd ones: the same tables, and only what was left."""
    path, whole = county
    rng = np.random.default_rng(seed)
    out = tmp_path / "o"
    child = started(path, out, "--workers", "2")
    time.sleep(float(rng.uniform(0.5, 14)))
    if seed % 2:
        if not os.path.exists(f"/proc/{child.pid}/task"):
            pytest.skip("no list of children on this system")
        crew = children(child.pid)
        if crew and child.poll() is None:
            os.kill(crew[int(rng.integers(len(crew)))], signal.SIGKILL)
        assert child.wait(timeout=200) == 0
    else:
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(2)
        before = done_at(out)
        pvp.plan_region(path, out=out, workers=2)
        after = done_at(out)
        assert all(after[name] == when for name, when in before.items())
    for name in ("table", "villages", "region", "common"):
        file = f"{name}.parquet"
        assert (out / file).read_bytes() == (whole.folder / file).read_bytes()


def test_a_disk_that_is_full(county, tmp_path):
    path, whole = county
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no tmpfs may be mounted here")
    try:
        done = subprocess.run(command(path, small / "o", "--workers", "2"), capture_output=True,
                              text=True, timeout=300)  # fmt: skip
        assert done.returncode == 2
        assert "disk is full" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        subprocess.run(["mount", "-o", "remount,size=200m", str(small)], check=True)
        pvp.plan_region(path, out=small / "o", workers=2)
        made = (small / "o/table.parquet").read_bytes()
        assert made == (whole.folder / "table.parquet").read_bytes()
    finally:
        subprocess.run(["umount", str(small)], check=False)


def test_a_scheduler_that_goes(county, tmp_path):
    pytest.importorskip("distributed")
    path, whole = county
    out, told = tmp_path / "o", tmp_path / "scheduler.json"
    base = [sys.executable, "-m", "distributed.cli"]
    boss = subprocess.Popen(
        [*base[:2], "distributed.cli.dask_scheduler", "--port", "0", "--dashboard-address", ":0",
         "--scheduler-file", str(told)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(1)
    worker = subprocess.Popen(
        [*base[:2], "distributed.cli.dask_worker", "--scheduler-file", str(told), "--nthreads", "1",
         "--nworkers", "2", "--no-dashboard", "--death-timeout", "30"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    import json

    address = json.loads(told.read_text())["address"]
    run = subprocess.Popen(command(path, out, "--scheduler", address), stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        while len(done_at(out) if (out / "units").is_dir() else {}) < 3 and run.poll() is None:
            time.sleep(0.2)
        boss.kill()
        _, said = run.communicate(timeout=200)
        assert run.returncode == 2
        assert "scheduler is lost" in said
    finally:
        for process in (run, boss, worker):
            process.kill()
            process.wait()
    before = done_at(out)
    pvp.plan_region(path, out=out, workers=2)
    after = done_at(out)
    assert all(after[name] == when for name, when in before.items())
    made = (out / "table.parquet").read_bytes()
    assert made == (whole.folder / "table.parquet").read_bytes()


def test_one_poisoned_village_in_a_hundred(tmp_path):
    every = made_buildings(villages=100, each=1)
    shapes = np.asarray(every.geometry).copy()
    shapes[(every["village"] == "V42").to_numpy()] = None
    path = made_region(tmp_path, every.set_geometry(shapes, crs=every.crs), ledger=False)
    results = pvp.plan_region(path, out=tmp_path / "o", workers=2)
    assert list(results.failed["village"]) == ["V42"]
    assert len(results.villages) == 99
