"""Coordinate systems that a file may name: an authority's, or spelled out without other files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pvplanner.errors import InputError

_NAME = re.compile(
    r"(?:urn:(?:ogc|x-ogc):def:crs:[\w.:,-]*|[A-Za-z]{2,10}:[\w.]+|\d{4,6}|[A-Za-z][\w ]{1,60}"
    r"|https?://www\.opengis\.net/def/crs/[\w./]+)"
)
"""How an authority's coordinate system is named; anything else may be a recipe that names files."""


def is_named(crs: Any) -> bool:
    """Whether a coordinate system is none or an authority's."""
    if crs is None or not isinstance(crs, dict):
        return crs is None or bool(_NAME.fullmatch(str(crs)))
    kind, told = str(crs.get("type", "")).casefold(), crs.get("properties")
    if kind.startswith(("link", "url")) or not isinstance(told, dict):
        return False
    names = [told[key] for key in told if key in ("name", "code")]
    plain = bool(names) and all(_NAME.fullmatch(str(n)) or str(n).isdigit() for n in names)
    return plain and not any("://" in str(told[k]) for k in told if k not in ("name", "code"))


def systems_of(body: bytes) -> Iterator[Any]:
    """Every ``crs`` of a JSON text that is no attribute of a feature."""
    if not body.strip():
        return
    try:
        told = json.loads(body.decode("utf-8-sig", errors="replace"))
    except RecursionError:
        raise InputError("file_bomb", where="crs", megabytes=len(body) // 1_000_000) from None
    except ValueError:
        # What is no JSON is said by the reader; a link in what only GDAL takes for it is not.
        if re.search(rb'"crs"[^}]{0,300}("?link|"?url|[+]|/)', body, re.I):
            yield {"type": "link"}
        return
    left = [told]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if "crs" in one:
                yield one["crs"]
            left += [v for k, v in one.items() if k not in ("properties", "coordinates", "crs")]
        elif isinstance(one, list):
            left += [v for v in one if isinstance(v, dict | list)]


def check_crs(crs: Any, where: str) -> None:
    """A coordinate system that is an authority's or is spelled out, and names no file.

    Raises
    ------
    InputError
        If its text names grids, a file or an address.
    """
    text = crs.to_wkt() if hasattr(crs, "to_wkt") else str(crs or "")
    found = re.search(
        r"(?i)(?:(?:nad|geoid)grids=|PARAMETERFILE\[\"[^\"]*\",\")[^\"\s]*[/\\]|\+init=|/vsi|file://",
        text,
    )
    if found:
        raise InputError("file_reaches", where=where, what=text[found.start() : found.start() + 60])
