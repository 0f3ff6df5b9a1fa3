"""Planes as they were found become outlines, with what stands on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from pvplanner.roofs import standing, surface
from pvplanner.roofs.describing import places
from pvplanner.roofs.noise import Noise
from pvplanner.roofs.polygons import areas_of
from pvplanner.roofs.ridges import BEND, straight_ridges
from pvplanner.roofs.windows import Window
from pvplanner.terrain import trace

OBSTACLE_M = 0.30
LEAST_M2 = 0.2
FAR_M = 2_000.0
MOSTLY = 0.95
"""A plane of so much of an outline is all of it."""


@dataclass(frozen=True)
class Seen:
    """A plane of a building.

    Attributes
    ----------
    fit : ndarray, shape (9,)
        As :func:`regions.robust_planes` gives it.
    outline, obstacles : geometry
        Seen from above; ``obstacles`` may be ``None``.
    parapet : float
        Height of the parapet, m.
    level : float
        Height that the fit's are relative to, m.
    centre : tuple of float
        Where the fit's origin lies.
    """

    fit: np.ndarray
    outline: Any
    obstacles: Any
    parapet: float
    level: float
    centre: tuple[float, float]


def centre_of(window: Window) -> tuple[float, float]:
    """Where the fits' origin lies: the middle of the window's cells."""
    patch, (rows, cols) = window.patch, window.heights.shape
    return (
        patch.west + (cols / 2.0 + 0.5) * patch.cell,
        patch.north - (rows / 2.0 + 0.5) * patch.cell,
    )


def draw(
    window: Window,
    labels: np.ndarray,
    planes: np.ndarray,
    noise: Noise,
    shape: Any,
    drawn: list[Any] | None,
    hidden: np.ndarray,
) -> list[Seen]:
    """Outlines of planes within the moved outline ``shape``.

    ``drawn``: outlines of planes 1, 2, ... where they are known already; else the cells' borders,
    straightened. ``hidden``: cells of which nothing is known.
    """
    patch, cell = window.patch, window.patch.cell
    parapet = standing.parapets(window.heights, labels, planes, cell)
    few = max(2, round(0.5 / cell**2))
    things = standing.standing_on(
        window.heights, labels, planes, cell, max(OBSTACLE_M, 4.0 * noise.sigma),
        1 + noise.blur, few,
    )  # fmt: skip
    middle = centre_of(window)
    if drawn is None:
        names, outlines = _traced(window, labels, planes, shape, hidden)
    else:
        names = np.arange(1, len(drawn) + 1)
        outlines = np.array([shapely.affinity.translate(area, *middle) for area in drawn])
    outlines = shapely.intersection(outlines, shape)
    on_roof = None
    if (things > 0).any():
        on_roof = shapely.union_all(
            [shapely.geometry.shape(g) for _, g in trace(things, patch.west, patch.north, cell)]
        )
    out = []
    for label, outline in zip(names, outlines, strict=True):
        outline = areas_of(outline, LEAST_M2)
        if outline.is_empty:
            continue
        stands = None
        if on_roof is not None:
            held = areas_of(shapely.intersection(on_roof, outline), LEAST_M2)
            stands = None if held.is_empty else held
        out.append(
            Seen(planes[label], outline, stands, float(parapet[label]), window.level, middle)
        )
    return out


def _traced(
    window: Window,
    labels: np.ndarray,
    planes: np.ndarray,
    shape: Any,
    hidden: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Borders of the labelled cells, simplified together, ridges laid where planes meet."""
    patch, cell = window.patch, window.patch.cell
    only = np.unique(labels[labels > 0])
    whole = (labels[window.inside] > 0).mean() > MOSTLY
    if len(only) == 1 and whole:
        return only, np.array([shape])
    if len(only) == 2 and whole and (pair := _two_sides(window, labels, planes, only, shape)):
        return only, np.array(pair)
    wide = np.where(hidden, 0, surface.spread(labels, window.inside, 2))
    traced = trace(wide, patch.west, patch.north, cell)
    outlines = np.array([shapely.geometry.shape(area) for _, area in traced])
    outlines = shapely.coverage_simplify(outlines, 1.6 * cell)
    owner = np.array([label for label, _ in traced])
    names = np.unique(owner)
    if len(names) < len(owner):
        outlines = np.array([shapely.union_all(outlines[owner == name]) for name in names])
    else:
        names = owner
    return names, straight_ridges(outlines, planes[names], centre_of(window), 2.5 * cell)


def _two_sides(
    window: Window, labels: np.ndarray, planes: np.ndarray, pair: np.ndarray, shape: Any
) -> list[Any] | None:
    """An outline cut where its two planes meet, if the cells lie on their sides of that line."""
    a, b, c = planes[pair[0], :3] - planes[pair[1], :3]
    bend = np.hypot(a, b)
    if bend < BEND:
        return None
    x, y = places(labels.shape, window.patch.cell)
    first = labels == pair[0]
    lower = (a * x + b * y + c < 0)[labels > 0]
    agree = float((lower == first[labels > 0]).mean())
    if MOSTLY > agree > 1.0 - MOSTLY:
        return None
    # A ridge is where the lower plane counts, a valley where the higher does.
    sign = 1.0 if agree >= MOSTLY else -1.0
    east, north = centre_of(window)
    foot = np.array([east, north]) - c / bend**2 * np.array([a, b])
    along, ahead = np.array([-b, a]) / bend * FAR_M, -sign * np.array([a, b]) / bend * FAR_M
    half = shapely.Polygon([foot - along, foot + along, foot + along + ahead, foot - along + ahead])
    return [shapely.intersection(shape, half), shapely.difference(shape, half)]
