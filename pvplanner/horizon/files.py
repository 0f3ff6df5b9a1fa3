"""Horizon files: what PVGIS prints, what it takes, and plain tables of azimuth and elevation."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from pvplanner.errors import InputError


def read_horizon(path: str | os.PathLike[str], directions: int = 36) -> np.ndarray:
    """Elevation of the horizon in even directions clockwise from true north.

    Parameters
    ----------
    path : path-like
        PVGIS' ``printhorizon`` (JSON or CSV, azimuth 0 in the south), a list of heights at even
        steps clockwise from north (as PVGIS takes it), or a CSV with columns named after
        ``azimuth`` (degrees clockwise from north) and ``elevation`` or ``height`` (degrees).
    directions : int

    Returns
    -------
    ndarray, shape (directions,)
        Degrees.

    Raises
    ------
    InputError
        If the file is missing or holds no horizon.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("file_missing", where=str(path))
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    try:
        azimuth, elevation = _parse(text)
    except (ValueError, KeyError, TypeError, IndexError):
        raise InputError("horizon_file", where=file.name) from None
    fit = np.isfinite(azimuth) & np.isfinite(elevation) & (np.abs(elevation) <= 90)
    if not len(azimuth) or not fit.all():
        raise InputError("horizon_file", where=file.name)
    wanted = np.arange(directions) * 360.0 / directions
    return np.maximum(np.interp(wanted, azimuth % 360, elevation, period=360), 0.0)


def _parse(text: str) -> tuple[np.ndarray, np.ndarray]:
    if text.lstrip().startswith("{"):
        rows = json.loads(text)["outputs"]["horizon_profile"]
        return _south([(row["A"], row["H_hor"]) for row in rows])
    cells = list(csv.reader(text.replace("\t", ",").splitlines()))
    cells = [[c.strip() for c in row if c.strip()] for row in cells]
    names = [[c.lower() for c in row] for row in cells]
    for number, row in enumerate(names):
        a, e = _place(row, "azimuth"), _place(row, "elevation", "height")
        if a is not None and e is not None:
            return _columns([(r[a], r[e]) for r in cells[number + 1 :] if r])
        if row and row[0] == "a" and len(row) > 1 and row[1].startswith("h_hor"):
            body = []
            for r in cells[number + 1 :]:
                if len(r) < 2 or not _number(r[0]):
                    break
                body.append((r[0], r[1]))
            return _south(body)
    heights = np.array([float(r[0]) for r in cells if r and not r[0].startswith("#")])
    return np.arange(len(heights)) * 360.0 / max(len(heights), 1), heights


def _place(names: list[str], *wanted: str) -> int | None:
    """The first column whose name holds one of some words."""
    return next((n for n, name in enumerate(names) if any(w in name for w in wanted)), None)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _columns(rows: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, dtype=float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _south(rows: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """PVGIS counts from south, west positive; its first and last direction are the same."""
    azimuth, elevation = _columns(rows)
    azimuth = (azimuth + 180) % 360
    azimuth, first = np.unique(azimuth, return_index=True)
    return azimuth, elevation[first]
