"""Characters of a document: those that its font lacks are shown as a mark, and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from pvplanner.texts import visible

GETA = "〓"
"""What printers set for a character that they have not got."""


@cache
def covered() -> frozenset[int]:
    """Characters of the font that documents are set in."""
    text = (
        resources.files("pvplanner").joinpath("vendor", "fonts", "coverage.txt").read_text("ascii")
    )
    found: set[int] = set()
    for line in text.split():
        first, _, last = line.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)


def settable(data: Any, lost: set[str]) -> Any:
    """Data of which every text can be set.

    Parameters
    ----------
    data : mapping, sequence, text or number
    lost : set of str
        Gets the characters that the font lacks.
    """
    if isinstance(data, str):
        return _text(data, lost)
    if isinstance(data, Mapping):
        return {key: settable(value, lost) for key, value in data.items()}
    if isinstance(data, Sequence):
        return [settable(value, lost) for value in data]
    return data


def _text(text: str, lost: set[str]) -> str:
    shown = "\n".join(visible(line) for line in text.split("\n"))
    known = covered()
    missing = {c for c in shown if ord(c) not in known and c != "\n"}
    lost.update(missing)
    return "".join(GETA if c in missing else c for c in shown) if missing else shown


def named(lost: set[str]) -> list[str]:
    """Characters by their numbers in Unicode."""
    return [f"U+{ord(c):04X}" for c in sorted(lost)]
