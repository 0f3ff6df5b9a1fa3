"""Wings run on into the roof they meet, as far as they stand above it: valleys, not walls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from pvplanner.roofs.polygons import areas_of

LEAST_M2 = 0.5
FAR_M = 1_000.0
FEWEST = 3
"""Cells that must tell for a wing to run on."""


@dataclass(frozen=True)
class Body:
    """The roof of a piece of an outline: the lowest of its planes.

    Attributes
    ----------
    piece : Polygon
    planes : ndarray, shape (k, 3)
        Rise to the east and north, height at the origin.
    eave : float
        Height of its eaves, m.
    outlines : list of geometry
        Of each plane.
    """

    piece: Any
    planes: np.ndarray
    eave: float
    outlines: list[Any]


def below(plane: np.ndarray, other: np.ndarray | float) -> Any:
    """Where a plane is no higher than another, or than a height; far around the origin."""
    a, b, c = plane - (other if isinstance(other, np.ndarray) else np.array([0.0, 0.0, other]))
    size = np.hypot(a, b)
    if size < 1e-9:
        whole = shapely.box(-FAR_M, -FAR_M, FAR_M, FAR_M)
        return whole if c <= 0 else shapely.Polygon()
    foot = np.array([-c * a, -c * b]) / size**2
    along, down = np.array([-b, a]) / size * FAR_M, -np.array([a, b]) / size * FAR_M
    return shapely.Polygon([foot - along, foot + along, foot + along + down, foot - along + down])


def run_on(bodies: list[Body], x: np.ndarray, y: np.ndarray, z: np.ndarray) -> list[Body]:
    """Bodies whose gables reach into those beside them where heights say so.

    Parameters
    ----------
    bodies : list of Body
    x, y, z : ndarray
        Places and heights of the cells that are known, relative to the bodies' origin.
    """
    out = [replace(body, outlines=list(body.outlines)) for body in bodies]
    for k, wing in enumerate(out):
        if len(wing.planes) != 2:
            continue
        for j, host in enumerate(out):
            if j != k:
                _reach(wing, host, (x, y, z))
    return out


def _reach(wing: Body, host: Body, cells: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Move what a wing covers of its host from one's outlines to the other's, in place."""
    for n, plane in enumerate(wing.planes):
        other = wing.planes[1 - n]
        for m, under in enumerate(host.planes):
            area = host.outlines[m]
            for half in (below(plane, other), below(under, plane)):
                area = shapely.intersection(area, half)
            area = areas_of(shapely.difference(area, below(plane, wing.eave)), LEAST_M2)
            if area.is_empty:
                continue
            for part in shapely.get_parts(area):
                _move(wing, n, host, m, part, cells)


def _move(wing: Body, n: int, host: Body, m: int, area: Any, cells: tuple[np.ndarray, ...]) -> None:
    """Give an area of a host's plane to a wing's if the heights in it lie nearer to that."""
    x, y, z = cells
    held = shapely.contains_xy(area, x, y)
    if held.sum() < FEWEST:
        return
    own, theirs = (np.abs(z - (p[0] * x + p[1] * y + p[2]))[held]
                   for p in (wing.planes[n], host.planes[m]))  # fmt: skip
    if np.median(own) < np.median(theirs):
        host.outlines[m] = areas_of(shapely.difference(host.outlines[m], area))
        wing.outlines[n] = areas_of(shapely.union_all([wing.outlines[n], area]))
