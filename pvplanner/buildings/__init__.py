"""Buildings: from a township's footprint file and household ledger to clean tables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from pvplanner.buildings.attributes import (
    beyond_roofs,
    clean_types,
    odd_values,
    rename_columns,
    unique_ids,
)
from pvplanner.buildings.datum import (
    bd09_to_wgs84,
    gcj02_to_wgs84,
    metric_crs,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from pvplanner.buildings.households import join_households
from pvplanner.buildings.ledger import read_households
from pvplanner.buildings.placing import WGS84, place_in_metres
from pvplanner.buildings.reading import read_features
from pvplanner.buildings.repair import SET_ASIDE, judge_attributes, judge_shapes
from pvplanner.buildings.survey import apply_survey, read_survey
from pvplanner.errors import ConfigError, Finding, InputError
from pvplanner.reading import guarded, mapped_findings
from pvplanner.reading.kinds import read_vector

__all__ = [
    "SET_ASIDE",
    "bd09_to_wgs84",
    "centre_of",
    "findings_of",
    "gcj02_to_wgs84",
    "join_households",
    "judge_features",
    "metric_crs",
    "read_areas",
    "read_buildings",
    "read_households",
    "read_survey",
    "usable_buildings",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]

DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")
"""Datums that may be declared."""


def read_buildings(
    path: str | Path,
    *,
    crs: str | None = None,
    datum: str = "wgs84",
    layer: str | None = None,
    columns: Mapping[str, str] | None = None,
    survey: str | os.PathLike[str] | None = None,
) -> gpd.GeoDataFrame:
    """Read building footprints from any vector file.

    Parameters
    ----------
    path : path-like
        GeoPackage, GeoJSON, Shapefile (also zipped), File Geodatabase, DXF with closed polylines,
        GeoParquet or FlatGeobuf.
    crs : str, optional
        The file's CRS, such as ``EPSG:4549``, where it states none or a wrong one.
    datum : {'wgs84', 'cgcs2000', 'gcj02', 'bd09'}
        Datum of the coordinates; the shifted ones are undone.
    layer : str, optional
        Layer, where several hold polygons.
    columns : mapping, optional
        The file's column names to ours.
    survey : path-like, optional
        A filled-in survey sheet, see :func:`read_survey`; it overrides the file.

    Returns
    -------
    GeoDataFrame
        A row per feature of the file, in its order, in a metric CRS, with the columns of the
        ``buildings`` table, ``area_m2`` (footprint) and the file's other columns as ``input_*``.
        ``status`` is ``ok``, ``repaired`` or ``set_aside``; ``status_reason`` says why. What was
        found on the way is in :func:`findings_of`.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, holds no areas, has no CRS, or its coordinates
        can't be what it says.
    ConfigError
        If an argument makes no sense for this file.
    """
    if datum not in DATUMS:
        raise ConfigError("datum_unknown", where="datum", datum=datum, known=", ".join(DATUMS))
    where = Path(path).name
    # Rings with nan vertices are judged below; numpy need not warn of them.
    with np.errstate(invalid="ignore"):
        return _read(path, where, crs=crs, datum=datum, layer=layer, columns=columns, survey=survey)


def _read(
    path: str | Path,
    where: str,
    *,
    crs: str | None,
    datum: str,
    layer: str | None,
    columns: Mapping[str, str] | None,
    survey: str | os.PathLike[str] | None,
) -> gpd.GeoDataFrame:
    raw, findings = read_features(path, layer=layer)
    with guarded(path):
        return _judge(raw, findings, where, crs=crs, datum=datum, columns=columns, survey=survey)


def judge_features(
    raw: gpd.GeoDataFrame,
    *,
    where: str,
    findings: Sequence[Finding] = (),
    crs: str | None = None,
    datum: str = "wgs84",
    columns: Mapping[str, str] | None = None,
) -> gpd.GeoDataFrame:
    """Features as they stand in a file as clean buildings: what :func:`read_buildings` makes.

    Parameters
    ----------
    raw : GeoDataFrame
        Features of a file, or of a window of one.
    where : str
        Name of the file, for messages.
    findings : sequence of Finding
        What the reading found.
    crs, datum, columns
        As for :func:`read_buildings`.

    Raises
    ------
    InputError
        If the coordinates can't be what they are said to be.
    """
    with np.errstate(invalid="ignore"):
        return _judge(
            raw, list(findings), where, crs=crs, datum=datum, columns=columns, survey=None
        )


def _judge(
    raw: gpd.GeoDataFrame,
    findings: list[Finding],
    where: str,
    *,
    crs: str | None,
    datum: str,
    columns: Mapping[str, str] | None,
    survey: str | os.PathLike[str] | None,
) -> gpd.GeoDataFrame:
    raw = raw.reset_index(drop=True)
    placed, more = place_in_metres(raw, crs=crs, datum=datum, where=where)
    findings += more
    frame, mapped = rename_columns(
        pd.DataFrame(raw.drop(columns=raw.geometry.name)), columns, where=where
    )
    findings += mapped_findings(mapped, where, kept=True)
    frame, more = clean_types(frame, where=where, factors=mapped.factors)
    findings += more
    findings += odd_values(frame, where=where)
    column = mapped.used.get("building_id", "building_id")
    frame["building_id"], more = unique_ids(frame["building_id"], where=where, column=column)
    findings += more
    if survey is not None:
        told, more = read_survey(survey)
        findings += more + apply_survey(frame, told, where=Path(survey).name)
    shapes = gpd.GeoSeries(np.asarray(placed.geometry), index=frame.index, crs=placed.crs)
    buildings = gpd.GeoDataFrame(frame, geometry=shapes, crs=placed.crs)
    buildings, more = judge_shapes(buildings, where=where)
    findings += more
    findings += judge_attributes(buildings, where=where)
    _one_village(buildings, where)
    buildings["area_m2"] = buildings.geometry.area.fillna(0.0)
    findings += beyond_roofs(buildings, where=where)
    buildings.attrs["findings"] = findings
    return buildings


def _one_village(buildings: gpd.GeoDataFrame, where: str) -> None:
    """Outlines in several far places, of which none holds the bulk, are no village."""
    far = buildings["status_reason"].eq("far_away")
    if far.sum() >= 0.5 * len(buildings) and len(buildings) > 1:
        raise InputError("places_several", where=where, count=int(far.sum()), all=len(buildings))


def read_areas(path: str | os.PathLike[str], crs: CRS) -> np.ndarray:
    """Polygons of any vector layer, in a CRS.

    Raises
    ------
    InputError
        If the file is missing or unreadable, holds no areas or states no CRS.
    """
    raw, _ = read_features(Path(path))
    if raw.crs is None:
        raise InputError("planes_no_crs", where=Path(path).name)
    shapes = np.asarray(raw.to_crs(crs).geometry)
    known = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    return shapely.make_valid(known)


def read_lines(path: str | os.PathLike[str]) -> np.ndarray:
    """Lines and areas of any vector layer, in degrees.

    Raises
    ------
    InputError
        If the file is missing or unreadable, or states no CRS.
    """
    name = Path(path).name
    raw = read_vector(path)
    if not isinstance(raw, gpd.GeoDataFrame):
        raise InputError("not_areas", where=name, kinds="-")
    if raw.crs is None:
        raise InputError("planes_no_crs", where=name)
    shapes = np.asarray(raw.to_crs(4326).geometry)
    parts = shapely.get_parts(shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))])
    return parts[np.isin(shapely.get_type_id(parts), (1, 3))]


def findings_of(table: pd.DataFrame) -> list[Finding]:
    """Findings that the reading of a table left with it."""
    return list(table.attrs.get("findings", []))


def usable_buildings(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The buildings that were not set aside."""
    return buildings[buildings["status"] != SET_ASIDE]


def centre_of(frame: gpd.GeoDataFrame) -> tuple[float, float]:
    """Latitude and longitude (WGS 84, degrees) of the middle of a frame's bulk."""
    shapes = frame.geometry[~(frame.geometry.is_empty | frame.geometry.isna())]
    bounds = shapes.bounds
    x = float(np.median((bounds["minx"] + bounds["maxx"]) / 2))
    y = float(np.median((bounds["miny"] + bounds["maxy"]) / 2))
    point = gpd.GeoSeries(gpd.points_from_xy([x], [y]), crs=frame.crs).to_crs(WGS84).iloc[0]
    return float(point.y), float(point.x)
