"""Compiled code: where numba keeps it, whether it is there, and making it ahead of time."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

SECONDS = 30
"""About how long compiling everything takes on two cores."""

PACKAGE = Path(__file__).resolve().parent


def choose_cache() -> None:
    """Give numba a place for its cache where the package is read-only and nobody is at home.

    It is told before numba is imported. The place is private: what lies in it is run.
    """
    if os.environ.get("NUMBA_CACHE_DIR") or os.access(PACKAGE / "energy", os.W_OK):
        return
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME") or ""
    for base in (home, tempfile.gettempdir()):
        if base and os.access(base, os.W_OK):
            place = Path(base) / f".pvplanner-compiled-{_user()}"
            if _is_private(place):
                os.environ["NUMBA_CACHE_DIR"] = str(place)
                return
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="pvplanner-compiled-")


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _is_private(place: Path) -> bool:
    """Make a folder that only its owner can write to; whether it is one."""
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
    except OSError:
        return False
    owned = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    closed = os.name == "nt" or not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and owned and closed


def is_compiled() -> bool:
    """Whether the energy kernel has been compiled from its source as it is."""
    source = PACKAGE / "energy" / "kernel.py"
    own = os.environ.get("NUMBA_CACHE_DIR")
    folders = [Path(own)] if own else [PACKAGE / "energy" / "__pycache__"]
    try:
        newest = max(
            (f.stat().st_mtime for folder in folders for f in folder.rglob("kernel.*.nbi")),
            default=0.0,
        )
        return newest >= source.stat().st_mtime
    except OSError:
        return False
