"""Ridges, hips and valleys as straight as they are: where two planes meet is a line."""

from __future__ import annotations

import numpy as np
import shapely

BEND = 0.2
"""Planes whose slopes differ by less than this (rise over run) have no line worth the name."""


def straight_ridges(
    outlines: np.ndarray,
    planes: np.ndarray,
    middle: tuple[float, float],
    reach: float,
) -> np.ndarray:
    """Outlines of a coverage with the corners that two planes share moved to where these meet.

    Parameters
    ----------
    outlines : ndarray of geometry
        Neighbours share their corners exactly.
    planes : float array, shape (outlines, 3)
        Rise to the east and to the north (m/m) and height in ``middle`` (m).
    middle : tuple of float
        Easting and northing, m.
    reach : float
        Corners further than this from the line are left, m.

    Returns
    -------
    ndarray of geometry
        A ridge stays as it was where moving it would break an outline.
    """
    points, owner = shapely.get_coordinates(outlines, return_index=True)
    if len(outlines) < 2 or len(points) == 0:
        return outlines
    # As complex numbers corners sort faster than as rows.
    once, which = np.unique(points.view(np.complex128).ravel(), return_inverse=True)
    places = np.column_stack([once.real, once.imag])
    held = np.zeros((len(places), len(outlines)), dtype=bool)
    held[which, owner] = True
    two = np.flatnonzero(held.sum(axis=1) == 2)
    if not len(two):
        return outlines
    pair = np.array([np.flatnonzero(held[n]) for n in two]).reshape(-1, 2)
    off = planes[pair[:, 0], :3] - planes[pair[:, 1], :3]
    bend = np.hypot(off[:, 0], off[:, 1])
    local = places[two] - np.asarray(middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = (off[:, 0] * local[:, 0] + off[:, 1] * local[:, 1] + off[:, 2]) / bend
        step = -away[:, None] * off[:, :2] / bend[:, None]
    near = (bend >= BEND) & (np.abs(away) <= reach)
    if not near.any():
        return outlines
    moved, out = places.copy(), outlines.copy()
    for ridge in np.unique(pair[near], axis=0):
        mine = near & (pair == ridge).all(axis=1)
        tried = moved.copy()
        tried[two[mine]] += step[mine]
        both = np.isin(owner, ridge)
        changed = shapely.set_coordinates(out[ridge], tried[which[both]])
        if shapely.is_valid(changed).all():
            moved, out[ridge] = tried, changed
    return shapely.coverage_simplify(out, 0.02)
