"""Faces of 3D models: rings of points in space, and the planes that lie through them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from pvplanner.roofs.polygons import areas_of

STEEPEST_DEG = 80.0
"""Steeper faces are walls."""

COLUMNS = ["building_id", "a", "b", "c", "x0", "y0", "geometry"]


@dataclass(frozen=True)
class Face:
    """A flat piece of a building.

    Attributes
    ----------
    owner : str
        Id of the building.
    ring : ndarray, shape (n, 3)
        Corners: east, north, up; the first is not repeated.
    holes : list of ndarray
        Inner rings, likewise.
    """

    owner: str
    ring: np.ndarray
    holes: list[np.ndarray] = field(default_factory=list)


def through_faces(faces: list[Face]) -> gpd.GeoDataFrame:
    """The plane of each face, and its outline seen from above; upright faces are left out.

    Returns
    -------
    GeoDataFrame
        ``building_id``, slopes ``a`` (east) and ``b`` (north), ``c`` (height at ``x0, y0``) and
        the outline, holes left out. A face without area has none.
    """
    rows = []
    for face in faces:
        if len(face.ring) < 3 or not np.isfinite(face.ring).all():
            continue
        plane = _through(face.ring)
        if plane is None:
            continue
        holes = [hole[:, :2] for hole in face.holes if len(hole) >= 3 and np.isfinite(hole).all()]
        outline = areas_of(shapely.make_valid(shapely.Polygon(face.ring[:, :2])))
        if holes:
            # Cut out one by one: a court that touches the edge is no hole of a valid polygon.
            courts = shapely.make_valid([shapely.Polygon(hole) for hole in holes])
            outline = areas_of(shapely.difference(outline, shapely.union_all(courts)))
        if not outline.is_empty:
            rows.append((face.owner, *plane, outline))
    return gpd.GeoDataFrame(rows, columns=COLUMNS, geometry="geometry")


def _through(ring: np.ndarray) -> tuple[float, float, float, float, float] | None:
    """Slopes and height of the plane of a ring by its area vector (Newell); ``None`` if upright."""
    middle = ring.mean(axis=0)
    p = ring - middle
    q = np.roll(p, -1, axis=0)
    normal = np.cross(p, q).sum(axis=0)
    size = np.linalg.norm(normal)
    if size < 1e-9 or abs(normal[2]) < np.cos(np.radians(STEEPEST_DEG)) * size:
        return None
    return -normal[0] / normal[2], -normal[1] / normal[2], middle[2], middle[0], middle[1]


def faces_in(faces: list[Face], source: CRS, target: CRS) -> list[Face]:
    """Faces in another CRS, east before north.

    Some files write north first, as their system's registry has it: the order in which the places
    lie where the system is used is believed.
    """
    if not faces:
        return faces
    sizes = [[len(face.ring), *(len(hole) for hole in face.holes)] for face in faces]
    rings = [ring for face in faces for ring in (face.ring, *face.holes)]
    points = np.concatenate(rings)
    source = next((part for part in source.sub_crs_list if not part.is_vertical), source)
    if _is_swapped(points, source):
        points = points[:, [1, 0, 2]]
    if not source.equals(target, ignore_axis_order=True):
        turn = Transformer.from_crs(source, target, always_xy=True)
        points = np.column_stack([*turn.transform(points[:, 0], points[:, 1]), points[:, 2]])
    parts = iter(np.split(points, np.cumsum([n for size in sizes for n in size])[:-1]))
    return [
        Face(face.owner, next(parts), [next(parts) for _ in size[1:]])
        for face, size in zip(faces, sizes, strict=True)
    ]


def _is_swapped(points: np.ndarray, system: CRS) -> bool:
    used = system.area_of_use
    if used is None:
        return False
    back = Transformer.from_crs(system, "EPSG:4326", always_xy=True)
    x, y = np.median(points[:, 0]), np.median(points[:, 1])

    def fits(east: float, north: float) -> bool:
        lon, lat = back.transform(east, north)
        margin = 3.0
        return bool(used.west - margin <= lon <= used.east + margin
                    and used.south - margin <= lat <= used.north + margin)  # fmt: skip

    return not fits(x, y) and fits(y, x)


def system_named(text: str) -> CRS | None:
    """The plane part of a reference system as models name it, or ``None``.

    As address, URN or ``EPSG:n``; compounds by their parts; Germany's surveys write
    ``urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH``.
    """
    zone = re.search(r"ETRS89_UTM(\d\d)", text)
    codes = (
        [f"258{zone[1]}"]
        if zone
        else re.findall(r"(?:EPSG|epsg)\D*?(?:[\d.]*[:/])?(\d{4,6})", text)
    )
    codes = codes or re.findall(r"(?:^|[:/#])(\d{4,6})$", text.rstrip("/"))
    for code in codes:
        try:
            whole = CRS.from_epsg(int(code))
        except CRSError:
            continue
        plane = next(iter(whole.sub_crs_list), whole)
        if not plane.is_vertical:
            return plane
    return None
