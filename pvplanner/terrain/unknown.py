"""What of a raster is no height: values for "unknown" that no tag names, and rounded heights."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasterio.windows import Window

from pvplanner.errors import Finding, InputError

LOWEST_M, HIGHEST_M = -500.0, 9000.0
"""No land lies beyond: the Dead Sea's shore is at -440 m, Everest at 8,849 m."""

SAMPLE, SAMPLES = 128, 8
"""Cells a side of the windows in which unknown values are looked for, and windows a side."""

USUAL_UNKNOWN = (0.0, -1.0, 255.0, 9999.0, 32767.0, 65535.0, 99999.0)
"""Values that programmes write for nothing, beside those below all land."""

GAP_M = 20.0
"""A value that many cells share and that lies this far below all else is no height."""


def unknown_values(
    source: Any, factor: float, offset: float, name: str
) -> tuple[tuple[float, ...], list[Finding]]:
    """Values that stand for "unknown": the tag's, and those that lie apart from all heights.

    A polder at 0.0 m is a height: its neighbours are near it. What lies below the lowest or above
    the highest land is never one.
    """
    tag = source.nodata
    out = [] if tag is None or np.isnan(tag) else [float(tag)]
    cells = _sampled(source)
    cells = cells[np.isfinite(cells) & ~np.isin(cells, out)]
    # As many as the windows of a large raster hold tell as much.
    cells = cells[:: max(len(cells) // (SAMPLE * SAMPLES) ** 2, 1)]
    findings = _whole_steps(cells, factor, name)
    for _ in range(2):
        metres = cells * factor + offset
        land = (metres >= LOWEST_M) & (metres <= HIGHEST_M)
        odd = cells[~land]
        if len(odd):
            value, count = _commonest(odd)
            if len(odd) > 0.3 * len(cells) and count < 0.5 * len(odd):
                low, high = f"{odd.min():g}", f"{odd.max():g}"
                raise InputError("raster_beyond", where=name, low=low, high=high)
        else:
            value, count = _apart(cells, metres)
        if count == 0:
            break
        out.append(value)
        params = {"value": f"{value:g}", "share": f"{count / max(len(cells), 1):.1%}"}
        findings.append(Finding("raster_unknown", name, count, params))
        cells = cells[cells != value]
    return tuple(out), findings


COARSE_STEP_M = 0.3
"""Heights in steps larger than this show slopes too small."""


def _whole_steps(cells: np.ndarray, factor: float, name: str) -> list[Finding]:
    """Heights that were rounded, to whole metres for instance."""
    unique = np.unique(cells)
    if len(unique) < 3:
        return []
    step = float(np.diff(unique).min()) * abs(factor)
    if step < COARSE_STEP_M:
        return []
    return [Finding("raster_steps", name, params={"step": f"{step:g}"})]


def _sampled(source: Any) -> np.ndarray:
    """Values of a raster: all of a small one, else windows spread over it."""
    if source.width * source.height <= 4_000_000:
        return source.read(1).ravel().astype(np.float64)
    parts = []
    for i in np.linspace(0, max(source.height - SAMPLE, 0), SAMPLES).astype(int):
        for j in np.linspace(0, max(source.width - SAMPLE, 0), SAMPLES).astype(int):
            parts.append(source.read(1, window=Window(j, i, SAMPLE, SAMPLE)).ravel())
    return np.concatenate(parts).astype(np.float64)


def _commonest(values: np.ndarray) -> tuple[float, int]:
    unique, counts = np.unique(values, return_counts=True)
    return float(unique[counts.argmax()]), int(counts.max())


def _apart(cells: np.ndarray, metres: np.ndarray) -> tuple[float, int]:
    """The lowest or highest value if it lies far from all others; how many cells have it."""
    unique, counts = np.unique(cells, return_counts=True)
    if len(unique) < 3:
        return 0.0, 0
    scale = (metres.max() - metres.min()) / (cells.max() - cells.min())
    gaps = np.diff(unique) * scale
    for place, gap, least in ((0, gaps[0], GAP_M), (-1, gaps[-1], 5 * GAP_M)):
        value, count = float(unique[place]), int(counts[place])
        usual = value in USUAL_UNKNOWN
        if gap > least and (usual or count >= max(20, 0.002 * len(cells))):
            return value, count
    return 0.0, 0
