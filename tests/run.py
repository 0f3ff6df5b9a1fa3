"""Pass the tests on a bare machine: makes ``.venv``, installs, finds a browser, runs pytest.

python3.11 tests/run.py [pytest's own words]
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*words: str, **options: object) -> int:
    print("+", " ".join(words), flush=True)
    return subprocess.run(words, cwd=ROOT, check=False, **options).returncode  # type: ignore[call-overload]


def set_up() -> None:
    if not PYTHON.exists() and run(sys.executable, "-m", "venv", str(VENV)):
        raise SystemExit("the virtual environment could not be made")
    pip = (str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check")
    if run(*pip, "-c", "constraints.txt", "-e", ".[test]"):
        raise SystemExit("the packages could not be installed")


def is_debian() -> bool:
    release = Path("/etc/os-release")
    return release.is_file() and "\nID=debian" in "\n" + release.read_text(encoding="utf-8")


def may_install() -> bool:
    return os.name == "posix" and hasattr(os, "geteuid") and os.geteuid() == 0 and is_debian()


def install(*packages: str) -> None:
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    run("apt-get", "update", "-qq", **quiet)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, **quiet)


def lacks_atomic() -> bool:
    """Whether Playwright's driver would not start: a bare Debian 12 has no libatomic."""
    return sys.platform.startswith("linux") and ctypes.util.find_library("atomic") is None


def find_browser() -> None:
    """Chromium from apt as root on Debian, elsewhere Playwright's own; without one tests skip."""
    there = shutil.which("chromium") or shutil.which("chromium-browser")
    wanted = ([] if there else ["chromium"]) + (["libatomic1"] if lacks_atomic() else [])
    if may_install() and wanted:
        install(*wanted)
    elif not there:
        run(str(PYTHON), "-m", "playwright", "install", "--with-deps", "chromium")
    if lacks_atomic():
        print("note: libatomic1 is missing, so browser tests will skip: apt install libatomic1")


def main() -> int:
    set_up()
    find_browser()
    # Tests of one file share what they made: they stay in one process.
    return run(str(PYTHON), "-m", "pytest", "-n", "auto", "--dist", "loadscope", *sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
