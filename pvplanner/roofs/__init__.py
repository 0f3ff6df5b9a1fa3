"""Roofs: buildings to planes, from 3D models, from a surface model, or from footprints alone.

What is seen beats what is guessed: a building takes its planes from the 3D model if it is in it,
else from the surface model if that shows it, else from its footprint; ``source`` says which, and
``source_reason`` why not better. Usable area is a range, never one number.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import Finding
from pvplanner.roofs.finishing import (
    convergence,
    finish,
    least_confidence,
    read_kept,
    unseen_share,
)
from pvplanner.roofs.lod2 import read_planes
from pvplanner.roofs.owners import match_planes
from pvplanner.roofs.polygons import areas_of
from pvplanner.roofs.stated import contradicted, lacking, named_by_survey, surveyed_tilts
from pvplanner.roofs.typology import shape_roofs
from pvplanner.roofs.usable import (
    FLAT_DEG,
    plane_frames,
    usable_areas,
    usable_outlines,
    usable_rules,
    wind_pressure,
)
from pvplanner.scenario import Scenario

__all__ = [
    "FLAT_DEG",
    "convergence",
    "least_confidence",
    "model_roofs",
    "plane_frames",
    "read_planes",
    "unseen_share",
    "usable_areas",
    "usable_outlines",
    "usable_rules",
    "wind_pressure",
]


def model_roofs(
    buildings: gpd.GeoDataFrame,
    *,
    dsm: str | os.PathLike[str] | None = None,
    points: str | os.PathLike[str] | None = None,
    dtm: str | os.PathLike[str] | None = None,
    planes: str | os.PathLike[str] | gpd.GeoDataFrame | None = None,
    keep_out: str | os.PathLike[str] | None = None,
    existing_pv: str | os.PathLike[str] | None = None,
    scenario: Scenario | None = None,
    progress: Callable[[int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Roof planes of buildings.

    Parameters
    ----------
    buildings : GeoDataFrame
        In a metric CRS: ``building_id`` and geometry; ``roof_type`` (``gable``, ``hip``, ``flat``,
        ``shed``), ``roof_tilt`` (degrees) and ``height_m`` where known.
    dsm, dtm : path-like, optional
        Surface and terrain rasters of 0.25 to 1 m, in any CRS; windows are read, never the whole.
    points : path-like, optional
        A point cloud (LAS, LAZ), seen before ``dsm`` is.
    planes : path-like or GeoDataFrame, optional
        A 3D model, see :func:`read_planes`.
    keep_out : path-like, optional
        Areas not to be used: any vector layer.
    existing_pv : path-like, optional
        Areas that modules cover already, likewise.
    scenario : Scenario, optional
        ``roof``, ``system.mount`` and ``module`` are used.
    progress : callable, optional
        Called with 1 for each building seen in the surface model.

    Returns
    -------
    GeoDataFrame
        The ``planes`` table: ``surface_tilt`` (degrees), ``surface_azimuth`` (from true north) and
        ``grid_azimuth`` (from grid north), ``area_m2`` (in the plane) between ``area_low_m2`` and
        ``area_high_m2``, ``usable_area_low_m2`` <= ``usable_area_m2`` <= ``usable_area_high_m2``,
        ``obstacles`` and ``usable`` (geometries: what stands there, and what modules may cover),
        ``existing_kwp`` (of the building; ``existing_drawn`` if ``usable`` leaves it out already),
        ``parapet_m``, ``elevation_m`` (of the middle, above
        the datum of the heights), ``fit_rmse_m``, ``confidence`` (0 to 1), ``offset_east_m`` and
        ``offset_north_m`` (of the surface model from the footprint), ``source`` (``lod2``, ``dsm``,
        ``drawn`` or ``typology``), ``source_reason`` (why not better) and ``tilt_source`` (the
        same, or ``survey``). Geometry is the plane's outline
        seen from above. ``attrs["findings"]`` lists what was doubtful.

    Raises
    ------
    InputError
        If a file is missing, unreadable, has no CRS or an unknown unit of height.
    """
    scenario = scenario or Scenario()
    plain = _with_areas(buildings)
    known = _Known(np.flatnonzero(shapely.area(np.asarray(plain.geometry)) > 0), len(plain))
    if planes is not None:
        _take_modelled(known, planes, plain)
    for surface, source in ((points, "points"), (dsm, "dsm")):
        if surface is not None and len(known.open):
            _take_seen(known, (surface, dtm), source, plain, scenario, progress)
    if len(known.open):
        _take_guessed(known, plain, scenario)
    whole = known.together(plain)
    bare = np.setdiff1d(np.arange(len(plain)), whole["row"].to_numpy())
    if len(bare):
        known.findings.append(lacking("roofs_no_area", buildings.iloc[bare], "site.buildings"))
    kept, drawn = (read_kept(path, plain.crs) for path in (keep_out, existing_pv))
    out = finish(whole, plain, (kept, drawn), scenario)
    out.attrs["findings"] = known.findings
    return out


class _Known:
    """What is known of roofs so far: tables of planes, and the buildings that have none yet."""

    def __init__(self, rows: np.ndarray, count: int) -> None:
        self.open = rows
        self.reason = np.full(count, "", dtype=object)
        self.tables: list[gpd.GeoDataFrame] = []
        self.findings: list[Finding] = []

    def take(self, table: gpd.GeoDataFrame, *, done: np.ndarray) -> None:
        """Planes whose ``row`` counts among the open buildings; ``done``: which need no more."""
        if len(table):
            self.tables.append(table.assign(row=self.open[table["row"].to_numpy()]))
        self.open = self.open[~done]

    def together(self, buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """All planes in the order of their buildings."""
        if not self.tables:
            return shape_roofs(buildings.iloc[:0], scenario=Scenario()).assign(
                source="typology", source_reason="", tilt_source="", elevation_m=np.nan
            )
        whole = pd.concat([table.drop(columns="crs", errors="ignore") for table in self.tables])
        whole = gpd.GeoDataFrame(whole, geometry="geometry", crs=buildings.crs)
        return whole.sort_values("row", kind="stable").reset_index(drop=True)


def _with_areas(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Buildings whose outlines are polygons without faults; what has no area is empty."""
    shapes = np.asarray(buildings.geometry).copy()
    bounds = shapely.bounds(shapes)
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    shapes[owner[~np.isfinite(points).all(axis=1)]] = shapely.Polygon()
    shapes[shapely.is_missing(shapes) | ~np.isfinite(bounds).all(axis=1)] = shapely.Polygon()
    odd = ~shapely.is_valid(shapes) | ~np.isin(shapely.get_type_id(shapes), (3, 6))
    shapes[odd] = [areas_of(shape) for shape in shapely.make_valid(shapes[odd])]
    return buildings.set_geometry(gpd.GeoSeries(shapes, index=buildings.index, crs=buildings.crs))


def _take_modelled(
    known: _Known, planes: str | os.PathLike[str] | gpd.GeoDataFrame, plain: gpd.GeoDataFrame
) -> None:
    buildings = plain.iloc[known.open]
    given = planes if isinstance(planes, gpd.GeoDataFrame) else read_planes(planes, plain.crs)
    found, has = match_planes(given, buildings)
    slope = np.hypot(found["a"], found["b"])
    level = slope < np.tan(np.radians(1.0))
    azimuth = np.degrees(np.arctan2(-found["a"], -found["b"])) % 360
    # Who draws planes with a tilt of their own has been there; a model has heights.
    source = np.where(found["c"].isna(), "drawn", "lod2")
    table = found[["row", "geometry"]].assign(
        surface_tilt=np.where(level, 0.0, np.degrees(np.arctan(slope))),
        grid_azimuth=np.where(level, np.nan, azimuth),
        elevation_m=found["c"],
        confidence=1.0,
        source=source,
        source_reason="",
        tilt_source=source,
    )
    known.reason[known.open[~has]] = "not_in_model"
    if not has.all():
        known.findings.append(lacking("model_lacks", buildings[~has], planes))
    uneven = _uneven(table, buildings)
    if uneven.any():
        known.findings.append(lacking("model_uneven", buildings[uneven], planes))
    other = contradicted(table[source != "drawn"], buildings)
    if other.any():
        known.reason[known.open[other]] = "surveyed"
        known.findings.append(lacking("surface_surveyed", buildings[other], planes))
        table, has = table[~other[table["row"].to_numpy()]], has & ~other
    known.take(surveyed_tilts(table, buildings), done=has)


COVERS = (0.6, 1.5)
"""Planes of a house that cover less or more of its outline (as a share) are said: a part is not
modelled, or a neighbour's roof was taken for its own. Eaves stand out over walls."""


def _uneven(planes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> np.ndarray:
    """Buildings whose modelled planes cover much less or more than their outline."""
    area = np.bincount(planes["row"], planes.geometry.area, minlength=len(buildings))
    share = area / shapely.area(np.asarray(buildings.geometry))
    return (area > 0) & ((share < COVERS[0]) | (share > COVERS[1]))


def _take_seen(
    known: _Known,
    rasters: tuple[str | os.PathLike[str], str | os.PathLike[str] | None],
    source: str,
    plain: gpd.GeoDataFrame,
    scenario: Scenario,
    progress: Callable[[int], None] | None,
) -> None:
    # Rasters are opened by rasterio, which a plan without them need not load.
    from pvplanner.roofs.seen import seen_roofs, unseen_rest

    buildings = plain.iloc[known.open]
    seen, told, findings = seen_roofs(buildings, *rasters, scenario, progress)
    why = told["reason"].to_numpy()
    known.reason[known.open] = why
    known.findings += findings
    seen = seen.assign(source=source, source_reason="", tilt_source=source)
    rest = unseen_rest(buildings, seen, told, scenario)
    rest["tilt_source"] = source
    tilted = surveyed_tilts(seen, buildings)
    known.take(pd.concat([tilted, rest]) if len(rest) else tilted, done=why == "")


def _take_guessed(known: _Known, plain: gpd.GeoDataFrame, scenario: Scenario) -> None:
    buildings = plain.iloc[known.open]
    guessed = shape_roofs(buildings, scenario=scenario)
    row = guessed["row"].to_numpy()
    guessed["source"], guessed["source_reason"] = "typology", known.reason[known.open[row]]
    stated = named_by_survey(buildings, "roof_tilt")[row]
    guessed["tilt_source"] = np.where(stated, "survey", "typology")
    guessed["elevation_m"] = _elevation(guessed, buildings)
    known.take(guessed, done=np.ones(len(buildings), dtype=bool))


def _elevation(guessed: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> np.ndarray:
    """Height of the middle of guessed planes above the ground: half a rise below the top."""
    if "height_m" not in buildings:
        return np.full(len(guessed), np.nan)
    height = pd.to_numeric(buildings["height_m"], errors="coerce").to_numpy(dtype=float)
    return height[guessed["row"].to_numpy()] - 0.5 * guessed["rise_m"].to_numpy()
