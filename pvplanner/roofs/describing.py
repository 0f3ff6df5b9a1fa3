"""How much it takes to describe heights by planes: misfits and parameters, in nats.

The shorter description is the likelier roof. Cells that err together count once.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from pvplanner.roofs.noise import Noise

FAR = 6.0
"""Misfits count to this many sigma."""

PLANE_NATS = (-4.0, 6.0)
"""What a free plane with its border costs to describe beside its parameters: where cells err each
for itself, and in clods. Free planes that each cell holds follow real roofs closer than shapes do;
set on Selfkant and made roofs."""

SHARP_CELLS = 0.15
"""A blur of fewer cells is none."""


def places(shape: tuple[int, ...], cell: float) -> tuple[np.ndarray, np.ndarray]:
    """East and north of cells from the middle of their window, m."""
    rows, cols = shape
    x = (np.arange(cols) - cols / 2.0) * cell
    y = (rows / 2.0 - np.arange(rows)) * cell
    return np.broadcast_to(x[None, :], shape), np.broadcast_to(y[:, None], shape)


def plane_heights(labels: np.ndarray, planes: np.ndarray, cell: float) -> np.ndarray:
    """Height of its label's plane at each cell, m."""
    x, y = places(labels.shape, cell)
    return np.asarray(planes[labels, 0] * x + planes[labels, 1] * y + planes[labels, 2])


def blurred(values: np.ndarray, spread: float) -> np.ndarray:
    """Values as a sensor that blurs over ``spread`` cells (one sigma) shows them."""
    return values if spread < SHARP_CELLS else ndimage.gaussian_filter(values, spread)


def misfit_cost(residual: np.ndarray, noise: Noise) -> float:
    """Nats of misfits (m), far ones counted to a bound."""
    held = np.minimum((residual / noise.about) ** 2, FAR**2)
    return float(0.5 * held.sum() / noise.grain)


def independent(count: int, noise: Noise) -> float:
    """Heights that err each for itself among so many cells."""
    return max(count / noise.grain, 2.0)


def plane_nats(count: int, noise: Noise) -> float:
    """What one free plane over so many cells takes: three parameters and its border."""
    return float(1.5 * np.log(independent(count, noise)) + PLANE_NATS[noise.grainy])


def free_nats(labels: np.ndarray, ok: np.ndarray, noise: Noise) -> float:
    """What free planes take to describe, all together."""
    return len(np.unique(labels[labels > 0])) * plane_nats(int(ok.sum()), noise)


def plane_cost(
    heights: np.ndarray, labels: np.ndarray, planes: np.ndarray, ok: np.ndarray, cell: float,
    noise: Noise,
) -> float:  # fmt: skip
    """Nats of how heights lie off their planes, blurred as the sensor blurs; of no plane: far off.

    Ridges are rounded in what is seen: without that a gable would lose against a level roof.
    """
    model = plane_heights(labels, planes, cell)
    if noise.grainy:
        ground = np.nanmedian(heights) if np.isfinite(heights).any() else 0.0
        around = np.where(np.isfinite(heights), heights, ground)
        model = blurred(np.where(labels > 0, model, around), noise.spread)
    return misfit_cost(np.where(labels > 0, heights - model, FAR * noise.about)[ok], noise)
