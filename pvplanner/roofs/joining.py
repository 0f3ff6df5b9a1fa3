"""Free planes that noise has cut in two become one where that is the shorter description."""

from __future__ import annotations

from typing import Any

import numpy as np

from pvplanner.roofs import regions
from pvplanner.roofs.describing import misfit_cost, places, plane_nats
from pvplanner.roofs.noise import Noise

REACH_CELLS = 2
FEWEST = 6
"""Planes of fewer cells are nobody's to judge."""


def join_described(
    heights: np.ndarray,
    labels: np.ndarray,
    planes: np.ndarray,
    ok: np.ndarray,
    cell: float,
    noise: Noise,
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and planes with neighbours joined as long as a joint plane costs less.

    A plane takes three parameters and a border to describe; a joint one has more misfit, counted
    by heights that err for themselves.
    """
    before, labels = labels, labels.copy()
    saved = plane_nats(int(ok.sum()), noise)
    x, y = places(heights.shape, cell)
    cells = {int(k): (labels == k) & ok for k in np.unique(labels[labels > 0])}
    cells = {k: held for k, held in cells.items() if held.sum() >= FEWEST}

    def cost(held: np.ndarray) -> float:
        return misfit_cost(_off_plane(x[held], y[held], heights[held]), noise)

    # Typed, as all numbers passed between kernels are.
    reach: Any = np.int64(REACH_CELLS)
    own = {k: cost(held) for k, held in cells.items()}
    while len(cells) > 1:
        touch = regions.neighbours(labels, int(labels.max()) + 1, reach)
        best, pair = 0.0, None
        for i in cells:
            for j in cells:
                if i < j and touch[i, j] >= 2:
                    gain = saved + own[i] + own[j] - cost(cells[i] | cells[j])
                    if gain > best:
                        best, pair = gain, (i, j)
        if pair is None:
            break
        i, j = pair
        labels[labels == j] = i
        cells[i] = cells[i] | cells.pop(j)
        own[i] = cost(cells[i])
    if (labels == before).all():
        return before, planes
    names, labels = np.unique(labels, return_inverse=True)
    labels = labels.reshape(heights.shape).astype(np.int64)
    if names[0] > 0:
        labels += 1
    # Cells that the walls blur count only for planes that have no others.
    few = np.bincount(labels[ok], minlength=labels.max() + 1) < FEWEST
    firm = ok | (few[labels] & np.isfinite(heights))
    count: Any = np.int64(labels.max() + 1)
    blur: Any = np.int64(noise.blur)
    return labels, regions.robust_planes(heights, firm, labels, count, cell, noise.sigma, blur)


def _off_plane(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """How far heights lie off their plane, far ones left out of the fit."""
    keep = np.ones(len(z), dtype=bool)
    off = z - np.median(z)
    for _ in range(3):
        design = np.column_stack([x[keep], y[keep], np.ones(int(keep.sum()))])
        a, b, c = np.linalg.lstsq(design, z[keep], rcond=None)[0]
        off = z - (a * x + b * y + c)
        limit = 3.0 * max(1.48 * float(np.median(np.abs(off))), 1e-3)
        keep = np.abs(off) <= limit
    return off
