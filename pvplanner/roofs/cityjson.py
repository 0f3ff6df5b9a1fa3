"""CityJSON, whole or a feature a line: the roof faces of its buildings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import CRS

from pvplanner.errors import InputError
from pvplanner.roofs.faces import Face, system_named

LODS = ("2.2", "2.1", "2.0", "2", "2.3", "3.3", "3.2", "3.1", "3.0", "3", "1.3")
"""Levels of detail in which roofs are looked for, best first."""

KINDS = ("Building", "BuildingPart")
MOST_DEEP = 10


def read_cityjson(file: Path) -> tuple[list[Face], CRS] | None:
    """Roof faces of a file and their reference system; ``None`` if the file is no CityJSON.

    What a file is, its JSON says, wherever in it that stands.

    Raises
    ------
    InputError
        If the JSON is broken, is not built as CityJSON says, or names no reference system.
    """
    body = file.read_bytes()
    if not (b"CityObjects" in body or b"CityJSON" in body):
        return None
    documents = _documents(body, file.name)
    if not documents:
        return None
    try:
        return _faces(documents, file.name)
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # Valid JSON that is not built as CityJSON says.
        reason = f"CityJSON: {type(error).__name__}: {error}"
        raise InputError("file_unreadable", where=file.name, reason=reason) from None


def _documents(body: bytes, name: str) -> list[dict]:
    """The CityJSON objects of a text: one, or one a line."""
    try:
        text = body.decode("utf-8-sig")
        try:
            found = [json.loads(text)]
        except ValueError:
            lines = [row for row in text.splitlines() if row.strip()]
            if len(lines) < 2:
                raise
            found = [json.loads(row) for row in lines]
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("file_unreadable", where=name, reason=str(error)) from None
    return [one for one in found if isinstance(one, dict) and _is_city(one)]


def _is_city(one: dict) -> bool:
    return str(one.get("type", "")).startswith("CityJSON") or "CityObjects" in one


def _faces(documents: list[dict], name: str) -> tuple[list[Face], CRS]:
    """Features take what they lack from the first document."""
    head = documents[0]
    faces: list[Face] = []
    system = None
    for document in documents:
        system = system or _system(document)
        transform = document.get("transform", head.get("transform"))
        points = np.asarray(document.get("vertices", []), dtype=float).reshape(-1, 3)
        if transform:
            points = points * transform["scale"] + transform["translate"]
        things = document.get("CityObjects", {})
        for key, thing in things.items():
            if thing.get("type") in KINDS:
                owner = _owner(key, things)
                with suppress(IndexError, KeyError, TypeError, ValueError):
                    # A building that is not built as CityJSON says is lacking, and stops none.
                    faces += [Face(owner, points[rings[0]], [points[hole] for hole in rings[1:]])
                          for rings in _roof_faces(thing) if rings]  # fmt: skip
    if system is None:
        raise InputError("planes_no_crs", where=name)
    return faces, system


def _system(document: dict) -> CRS | None:
    return system_named(str((document.get("metadata") or {}).get("referenceSystem", "")))


def _owner(key: str, things: dict[str, Any]) -> str:
    """The building that a part of a part belongs to."""
    for _ in range(MOST_DEEP):
        parents = (things.get(key) or {}).get("parents")
        if not parents:
            break
        key = parents[0]
    return str(key)


def _roof_faces(thing: dict) -> list[list[list[int]]]:
    """Faces (rings of vertex numbers, the outer first) at the best level of detail.

    Where surfaces are not named, all count: the highest of those above each other is the roof.
    """
    shapes: dict[str, list[dict]] = {}
    for shape in thing.get("geometry") or []:
        shapes.setdefault(str(shape.get("lod")), []).append(shape)
    best = sorted(shapes, key=lambda lod: LODS.index(lod) if lod in LODS else len(LODS))
    for lod in best:
        for named in (True, False):
            held = [s for s in shapes[lod] if bool(s.get("semantics")) == named]
            faces = [rings for shape in held for rings in _named(shape)]
            if faces and (lod in LODS):
                return faces
    return []


def _named(shape: dict) -> list[list[list[int]]]:
    surfaces = shape.get("semantics")
    faces = list(_flat(shape.get("boundaries", []), DEPTHS.get(shape.get("type", ""), -1)))
    if not surfaces:
        return faces
    kinds = [surface.get("type") for surface in surfaces["surfaces"]]
    values = list(_values(surfaces.get("values"), DEPTHS.get(shape.get("type", ""), -1), faces))
    return [face for face, value in zip(faces, values, strict=True)
            if value is not None and kinds[value] == "RoofSurface"]  # fmt: skip


DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2,
          "CompositeSolid": 2}  # fmt: skip
"""How deep the faces of a geometry lie in its lists; points and lines have none."""


def _flat(held: Any, depth: int) -> Iterator[Any]:
    if depth < 0:
        return
    for one in held:
        if depth == 0:
            yield one
        else:
            yield from _flat(one, depth - 1)


def _values(held: Any, depth: int, faces: list) -> Iterator[int | None]:
    """A value for each face; a list may be left out as ``null``."""
    if held is None:
        yield from [None] * len(faces)
        return
    if any(value is None for value in held) and depth > 0:
        # Which faces a missing list stands for, only the boundaries would tell: none is named.
        yield from [None] * len(faces)
        return
    yield from _flat(held, depth)
