"""Compiled code: where it is kept, and making it ahead of time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pvplanner
from pvplanner import compiled, warming

PACKAGE = Path(pvplanner.__file__).parent


@pytest.fixture
def read_only(monkeypatch, tmp_path):
    """As in an install that nobody may write to, without a place set."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    can = os.access
    inside = str(compiled.PACKAGE)
    monkeypatch.setattr(
        os, "access", lambda path, how: not str(path).startswith(inside) and can(path, how)
    )
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_writable_install_keeps_its_cache_beside_the_code(monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    compiled.choose_cache()
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_a_read_only_install_keeps_it_at_home(read_only, monkeypatch):
    home = read_only / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    compiled.choose_cache()
    place = Path(os.environ["NUMBA_CACHE_DIR"])
    assert place.parent == home
    assert place.stat().st_mode & 0o777 == 0o700


def test_without_a_home_it_is_kept_among_what_is_temporary(read_only, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    compiled.choose_cache()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == read_only


def test_a_folder_that_others_can_write_to_is_not_trusted(read_only, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    compiled.choose_cache()
    first = Path(os.environ.pop("NUMBA_CACHE_DIR"))
    first.chmod(0o777)
    compiled.choose_cache()
    other = Path(os.environ["NUMBA_CACHE_DIR"])
    assert other != first
    assert other.stat().st_mode & 0o077 == 0


def test_whether_it_is_compiled(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not compiled.is_compiled()
    kept = tmp_path / "energy" / "kernel.run_hours-1.py311.nbi"
    kept.parent.mkdir()
    kept.touch()
    assert compiled.is_compiled()
    os.utime(kept, (1, 1))
    assert not compiled.is_compiled()


def test_a_second_process_helps_only_where_nothing_is_compiled(monkeypatch):
    begun = []
    real = subprocess.Popen

    def start(words, **options):
        begun.append(real([sys.executable, "-c", "import time; time.sleep(60)"], **options))
        return begun[-1]

    monkeypatch.setattr(warming.subprocess, "Popen", start)
    monkeypatch.setattr(warming, "is_compiled", lambda: True)
    with warming.compiling_beside():
        assert not begun
    monkeypatch.setattr(warming, "is_compiled", lambda: False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with warming.compiling_beside():
        assert not begun
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with warming.compiling_beside():
        assert begun[0].poll() is None
    # Nobody waits for what is no longer needed, nor is it left behind.
    assert begun[0].poll() is not None


@pytest.mark.long
def test_warm_prepares_the_first_plan_without_a_home(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "pvplanner",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    cache = tmp_path / "cache"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path),
                   "NUMBA_CACHE_DIR": str(cache)}  # fmt: skip
    words = [sys.executable, "-m", "pvplanner"]
    done = subprocess.run([*words, "warm"], env=environment, capture_output=True, text=True,
                          cwd=tmp_path, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    kept = set(cache.rglob("*.nbi"))
    assert len(kept) > 30
    example = Path(__file__).parents[1] / "data" / "liao" / "scenario.toml"
    done = subprocess.run([*words, "plan", example, "--out", tmp_path / "out"], env=environment,
                          capture_output=True, text=True, cwd=tmp_path, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Nothing was left to be compiled.
    assert set(cache.rglob("*.nbi")) == kept
