"""A plane's own coordinates: metres along its eaves and up its slope, where modules are laid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely


@dataclass(frozen=True)
class Frames:
    """Where planes lie.

    Attributes
    ----------
    origin : ndarray
        (n, 2) x and y of a point of each plane, m.
    azimuth : ndarray
        Direction of fall, degrees from grid north; any for level planes.
    tilt : ndarray
        Degrees.
    """

    origin: np.ndarray
    azimuth: np.ndarray
    tilt: np.ndarray

    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors (east, north) along the eaves and up the slope."""
        angle = np.radians(self.azimuth)
        up = np.column_stack([-np.sin(angle), -np.cos(angle)])
        return np.column_stack([up[:, 1], -up[:, 0]]), up

    def into(self, shapes: np.ndarray) -> np.ndarray:
        """Shapes seen from above in the planes' own coordinates, true to size."""
        along, up = self._axes()
        slope = np.cos(np.radians(self.tilt))

        def turn(points: np.ndarray, which: np.ndarray) -> np.ndarray:
            off = points - self.origin[which]
            u = (off * along[which]).sum(axis=1)
            v = (off * up[which]).sum(axis=1) / slope[which]
            return np.column_stack([u, v])

        return moved(shapes, turn)

    def out_of(self, shapes: np.ndarray, which: np.ndarray | None = None) -> np.ndarray:
        """Inverse of :meth:`into`; ``which`` plane each shape lies in, one each if not given."""
        along, up = self._axes()
        slope = np.cos(np.radians(self.tilt))

        def turn(points: np.ndarray, owner: np.ndarray) -> np.ndarray:
            plane = owner if which is None else which[owner]
            u, v = points[:, 0, None], points[:, 1, None] * slope[plane, None]
            return self.origin[plane] + u * along[plane] + v * up[plane]

        return moved(shapes, turn)

    def boxes_out_of(
        self, low: np.ndarray, size: np.ndarray, which: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rectangles of the planes' own coordinates seen from above: a corner and two sides.

        Parameters
        ----------
        low, size : ndarray, shape (n, 2)
            Lower left corner, and length along and across, m.
        which : ndarray of int, shape (n,)
            Plane of each.
        """
        along, up = self._axes()
        up = up * np.cos(np.radians(self.tilt))[:, None]
        along, up = along[which], up[which]
        corner = self.origin[which] + low[:, :1] * along + low[:, 1:] * up
        return corner, size[:, :1] * along, size[:, 1:] * up


def moved(shapes: np.ndarray, turn: object) -> np.ndarray:
    """Shapes with their points changed by ``turn(points, shape of each point)``; nothing stays."""
    shapes = np.asarray(shapes, dtype=object)
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    return shapely.set_coordinates(shapes.copy(), turn(points, owner))  # type: ignore[operator]


def frames_of(shapes: np.ndarray, azimuth: np.ndarray, tilt: np.ndarray) -> Frames:
    """Frames of planes with their origin in the middle of their bounds, to the centimetre."""
    bounds = shapely.bounds(shapes)
    origin = np.round((bounds[:, :2] + bounds[:, 2:]) / 2, 2)
    return Frames(origin, np.nan_to_num(np.asarray(azimuth, float), nan=180.0), np.asarray(tilt))


def wall_directions(shapes: np.ndarray) -> np.ndarray:
    """Main direction of each outline's walls modulo 90, degrees clockwise from grid north.

    The mean of the edges' directions as vectors of four times the angle, by squared length.
    """
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    step = np.diff(points, axis=0)
    same = owner[1:] == owner[:-1]
    step, owner = step[same], owner[1:][same]
    angle = np.arctan2(step[:, 0], step[:, 1])
    weight = np.hypot(step[:, 0], step[:, 1]) ** 2
    sine = np.bincount(owner, weight * np.sin(4 * angle), minlength=len(shapes))
    cosine = np.bincount(owner, weight * np.cos(4 * angle), minlength=len(shapes))
    return np.degrees(np.arctan2(sine, cosine)) / 4.0
