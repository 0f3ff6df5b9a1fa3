"""Boundaries of villages: whose a building is, and what pages draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading.columns import fold
from pvplanner.reading.kinds import read_vector
from pvplanner.region.config import Region
from pvplanner.region.headings import BOUNDARY
from pvplanner.region.naming import alias_of, texts_of
from pvplanner.region.units import Unit


@dataclass
class Borders:
    """Outlines of villages, in degrees, and in the system of each file that is asked."""

    frame: gpd.GeoDataFrame
    name: np.ndarray
    code: np.ndarray
    _known: dict[str, Any] = field(default_factory=dict)

    def of(self, bounds: np.ndarray, crs: str) -> tuple[np.ndarray, np.ndarray]:
        """The village that the middle of each box lies in; empty where none."""
        if crs not in self._known:
            frame = self.frame.to_crs(CRS.from_user_input(crs)) if crs else self.frame
            self._known[crs] = shapely.STRtree(np.asarray(frame.geometry))
        middle = shapely.points((bounds[:, :2] + bounds[:, 2:]) / 2)
        lost = ~np.isfinite(bounds).all(axis=1)
        middle[lost] = None
        hit, outline = self._known[crs].query(middle, predicate="intersects")
        which = np.full(len(bounds), -1)
        # On a border that two share the first outline has it.
        which[hit[::-1]] = outline[::-1]
        name, code = (np.full(len(bounds), "", dtype=object) for _ in range(2))
        inside = which >= 0
        name[inside], code[inside] = self.name[which[inside]], self.code[which[inside]]
        return name, code


def read_borders(region: Region) -> Borders | None:
    """Outlines of villages that a region's file names; ``None`` where it names none.

    Raises
    ------
    InputError
        If the file is not there, tells no coordinate system or no column of names.
    """
    source = region.sources
    if source.boundaries is None:
        return None
    path = region.folder / source.boundaries
    if not path.exists():
        raise InputError("file_missing", where=str(path))
    frame = read_vector(path)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None:
        raise InputError("planes_no_crs", where=path.name)
    columns = [str(c) for c in frame.columns if c != frame.geometry.name]
    name = source.boundary_name or alias_of(columns, "village", {}) or next(
        (c for c in columns if fold(c) in BOUNDARY), None
    )  # fmt: skip
    if name is None or name not in columns:
        told = {"key": "boundary_name", "column": name or "village", "columns": listed(columns, 20)}
        raise InputError("region_column", where=path.name, **told)
    code = source.boundary_code or alias_of(columns, "division_code", {})
    codes = frame[code] if code in columns else None
    names = texts_of(frame[name], len(frame), written=True)
    return Borders(frame, names, texts_of(codes, len(frame)))


def empty_places(borders: Borders, rows: pd.DataFrame, where: str) -> list[Finding]:
    """Boundaries in which no building lies."""
    held = set(zip(rows["code"], rows["name"], strict=True))
    empty = [str(n) for c, n in zip(borders.code, borders.name, strict=True)
             if (str(c), str(n)) not in held]  # fmt: skip
    return [Finding("region_empty", where, len(empty), {"names": listed(empty)})] if empty else []


COARSE_DEG = 2e-4
"""Boundaries are drawn no finer on pages of a region."""


def draw_outlines(borders: Borders, units: list[Unit]) -> None:
    """Boundaries for the pages."""
    shapes = np.asarray(borders.frame.to_crs(4326).geometry)
    of = {(str(c), str(n)): shapes[k] for k, (c, n) in
          enumerate(zip(borders.code, borders.name, strict=True))}  # fmt: skip
    for unit in units:
        shape = of.get((unit.division_code, unit.name))
        if shape is not None:
            coarse = shapely.set_precision(shapely.simplify(shape, COARSE_DEG), 1e-6)
            unit.outline = str(shapely.to_wkt(coarse, rounding_precision=6))
