"""CityGML 1, 2 and 3: the roof surfaces of its buildings, through lxml."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import CRS

from pvplanner.errors import InputError
from pvplanner.reading.bombs import HEAD, has_entities
from pvplanner.reading.guard import guarded
from pvplanner.roofs.faces import Face, system_named

ROOT = "CityModel"
BUILDING, ROOF, MEMBERS = "Building", "RoofSurface", ("cityObjectMember", "featureMember")
_ID = "{http://www.opengis.net/gml}id", "{http://www.opengis.net/gml/3.2}id"
_LINK = "{http://www.w3.org/1999/xlink}href"
_SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def is_citygml(file: Path) -> bool:
    """Whether a file is XML whose root is a city model."""
    from lxml import etree

    with file.open("rb") as stream:
        head = stream.read(HEAD)
    if not head.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").replace(b"\x00", b"").startswith(b"<"):
        return False
    if has_entities(head):
        raise InputError("file_entities", where=file.name, within="DOCTYPE")
    with file.open("rb") as stream, suppress(etree.XMLSyntaxError):
        for _, element in etree.iterparse(stream, events=("start",), **_SAFE):
            return _name(element) == ROOT
    return False


def read_citygml(file: Path) -> tuple[list[Face], CRS]:
    """Roof faces of a file and their reference system.

    Buildings are read one by one, so that memory holds one of them and the file's plain outline.

    Raises
    ------
    InputError
        If the XML is broken or defines entities, or no reference system is named.
    """
    from lxml import etree

    faces: list[Face] = []
    named: dict[str, int] = {}
    depth = 0
    with guarded(file), file.open("rb") as stream:
        for event, element in etree.iterparse(
            stream, events=("start", "end"), remove_comments=True, remove_pis=True, **_SAFE
        ):
            if element.getroottree().docinfo.internalDTD is not None:
                raise InputError("file_entities", where=file.name, within="DOCTYPE")
            system = element.get("srsName")
            if system and event == "start":
                named[system] = named.get(system, 0) + 1
            name = _name(element)
            if name == BUILDING:
                depth += 1 if event == "start" else -1
                if event == "end" and depth == 0:
                    # A building whose numbers are none is lacking, and stops no other.
                    with suppress(ValueError):
                        faces += _of_building(element)
            elif name in MEMBERS and event == "end":
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    systems = [system for text in named if (system := system_named(text)) is not None]
    if not systems:
        raise InputError("planes_no_crs", where=file.name)
    return faces, systems[0]


def _name(element: Any) -> str:
    """An element's name without its namespace: versions of the standard differ by that."""
    return str(element.tag).rpartition("}")[2]


def _of_building(building: Any) -> list[Face]:
    owner = next((building.get(key) for key in _ID if building.get(key)), "")
    whole = {part.get(key): part for part in building.iter() for key in _ID if part.get(key)}
    surfaces = [part for part in building.iter() if _name(part) == ROOF]
    faces = []
    for surface in surfaces:
        for polygon in _polygons(surface, whole):
            rings = [_ring(ring) for ring in polygon.iter() if _name(ring) == "LinearRing"]
            rings = [ring for ring in rings if len(ring) >= 3]
            if rings:
                faces.append(Face(owner, rings[0], rings[1:]))
    return faces


def _polygons(surface: Any, whole: dict[str, Any]) -> Iterator[Any]:
    """Polygons of a surface at its highest level of detail, also those it only points at."""
    levels: dict[str, list[Any]] = {}
    for part in surface.iter():
        if _name(part) == "Polygon":
            levels.setdefault(_level(part, surface), []).append(part)
        link = part.get(_LINK, "")
        if link.startswith("#") and (target := whole.get(link[1:])) is not None:
            held = [p for p in target.iter() if _name(p) == "Polygon"]
            levels.setdefault(_level(part, surface), []).extend(held)
    order = [level for level in ("lod2", "lod3", "lod4", "lod1", "") if level in levels]
    yield from levels[order[0]] if order else ()


def _level(part: Any, surface: Any) -> str:
    while part is not surface and part is not None:
        if _name(part).startswith("lod"):
            return _name(part)[:4]
        part = part.getparent()
    return ""


def _ring(ring: Any) -> np.ndarray:
    """Corners of a ring, the first not repeated; points of two coordinates have no plane."""
    size = int(ring.get("srsDimension") or 3)
    numbers: list[str] = []
    for part in ring.iter():
        name = _name(part)
        if name in ("posList", "pos"):
            size = int(part.get("srsDimension") or size)
            numbers += (part.text or "").split()
        elif name == "coordinates":
            numbers += (part.text or "").replace(",", " ").split()
    if size != 3 or len(numbers) % 3:
        return np.empty((0, 3))
    points = np.array(numbers, dtype=float).reshape(-1, 3)
    return points[:-1] if len(points) > 1 and (points[0] == points[-1]).all() else points
