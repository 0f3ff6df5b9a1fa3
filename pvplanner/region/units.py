"""A village of a region, and where its rows lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pvplanner.errors import Finding
from pvplanner.reading.values import plain_text

Box = tuple[float, float, float, float]
"""West, south, east, north."""

METRES_A_DEGREE = 110_500.0
"""Of latitude: a little under its shortest (WGS 84 at the equator, 110 574 m), to miss nobody."""


@dataclass(frozen=True)
class Part:
    """Where rows of a unit lie: row groups of one Parquet file, and how its rows are told."""

    path: str
    groups: tuple[int, ...]
    copied: bool
    source: str
    """Name of the file as the user knows it."""
    crs: str = ""
    rows: str = ""
    """File of the unit of each row, where the source itself is read."""
    title: str = ""
    """What stands above the headings of a ledger: it may hold a unit."""


@dataclass
class Unit:
    """A village of a region.

    Attributes
    ----------
    name, division_code : str
    number : int
        Its place among all, by name.
    buildings : int
    bounds : tuple of float
        West, south, east, north in degrees; nan where a file tells none.
    parts, ledger : list of Part
    weight, stratum
        Of a sample; 1 and empty where all villages are there.
    """

    name: str
    division_code: str
    number: int
    buildings: int
    bounds: Box
    parts: list[Part] = field(default_factory=list)
    ledger: list[Part] = field(default_factory=list)
    weight: float = 1.0
    stratum: str = ""
    outline: str = ""
    """Its boundary as WKT in degrees, drawn coarsely; empty where only its buildings are known."""
    error: dict[str, Any] | None = None
    """Why nothing can be read of it, where that is so."""

    @property
    def key(self) -> str:
        """``code/name``; the name alone where there is no code."""
        return f"{self.division_code}/{self.name}" if self.division_code else self.name

    @property
    def plain(self) -> tuple[str, str]:
        """Code and name under one spelling: what tells it from others."""
        return self.division_code, plain_text(self.name)

    def reach(self, metres: float) -> Box:
        """The box of its buildings in degrees, and so much around it."""
        west, south, east, north = self.bounds
        high = metres / METRES_A_DEGREE
        wide = high / math.cos(math.radians(min(max(abs(south), abs(north)), 85.0)))
        return west - wide, south - high, east + wide, north + high

    def near(self, units: Iterable[Unit], metres: float) -> list[Unit]:
        """The other units whose boxes are so near."""
        west, south, east, north = self.reach(metres)
        return [
            other for other in units
            if other.number != self.number
            and other.bounds[0] <= east and other.bounds[2] >= west
            and other.bounds[1] <= north and other.bounds[3] >= south
        ]  # fmt: skip

    @property
    def folder(self) -> str:
        """Name of the folder of its results: a number, since names may hold anything."""
        return f"u{self.number:06d}"


@dataclass
class Survey:
    """Who lies where.

    Attributes
    ----------
    units : list of Unit
        By name, in natural order.
    findings : list of Finding
        Of the files as a whole.
    """

    units: list[Unit]
    findings: list[Finding]


Step = Callable[[str, int, int], None]
"""Told the name of a step, how much is done and how much there is."""


def as_json(survey: Survey) -> dict[str, Any]:
    """A survey as JSON has it."""
    return {
        "units": [
            {**vars(unit), "parts": [vars(p) for p in unit.parts],
             "ledger": [vars(p) for p in unit.ledger]}
            for unit in survey.units
        ],
        "findings": [f.plain() for f in survey.findings],
    }  # fmt: skip


def from_json(told: dict[str, Any]) -> Survey:
    """Inverse of :func:`as_json`."""

    def part(one: dict[str, Any]) -> Part:
        return Part(**{**one, "groups": tuple(one["groups"])})

    units = [
        Unit(**{
            **one, "bounds": tuple(one["bounds"]), "parts": [part(p) for p in one["parts"]],
            "ledger": [part(p) for p in one["ledger"]],
        })
        for one in told["units"]
    ]  # fmt: skip
    return Survey(units, [Finding.from_dict(f) for f in told["findings"]])
