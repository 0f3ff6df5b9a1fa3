"""Roofs: buildings to planes, from 3D models, from a surface model, or from footprints alone.

What is seen beats what is guessed: a building takes its planes from the 3D model if it is in it,
else from the surface model if that shows it, else from its footprint; ``source`` says which, and
``source_reason`` why not better. Usable area is a range, never one number.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Geod

from pvplanner import reference
from pvplanner.buildings.attributes import TALL_M
from pvplanner.errors import Finding, InputError, listed
from pvplanner.projection import to_degrees
from pvplanner.roofs.lod2 import match_planes, read_planes
from pvplanner.roofs.typology import shape_roofs
from pvplanner.roofs.usable import (
    FLAT_DEG,
    LEVELS,
    plane_frames,
    usable_areas,
    usable_outlines,
    usable_rules,
    wind_pressure,
)
from pvplanner.scenario import Scenario

if TYPE_CHECKING:
    from pvplanner.terrain import Raster

__all__ = [
    "FLAT_DEG",
    "convergence",
    "model_roofs",
    "plane_frames",
    "read_planes",
    "usable_areas",
    "usable_outlines",
    "usable_rules",
    "wind_pressure",
]

COLUMNS = (
    "plane_id",
    "building_id",
    "roof_type",
    "roof_type_source",
    "surface_tilt",
    "surface_azimuth",
    "grid_azimuth",
    "yield_share",
    "area_m2",
    "area_low_m2",
    "area_high_m2",
    "usable_area_m2",
    "usable_area_low_m2",
    "usable_area_high_m2",
    "obstacle_area_m2",
    "parapet_m",
    "elevation_m",
    "fit_rmse_m",
    "confidence",
    "offset_east_m",
    "offset_north_m",
    "source",
    "source_reason",
    "existing_kwp",
    "existing_drawn",
    "kept_out_share",
    "obstacles",
    "usable",
    "geometry",
)

LARGEST_CELL_M = 1.5
"""Coarser surface models show no planes."""


def model_roofs(
    buildings: gpd.GeoDataFrame,
    *,
    dsm: str | os.PathLike[str] | None = None,
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
        ``offset_north_m`` (of the surface model from the footprint), ``source`` (``lod2``, ``dsm``
        or ``typology``) and ``source_reason`` (why not better). Geometry is the plane's outline
        seen from above. ``attrs["findings"]`` lists what was doubtful.

    Raises
    ------
    InputError
        If a file is missing, unreadable, has no CRS or an unknown unit of height.
    """
    scenario = scenario or Scenario()
    shapes = np.asarray(buildings.geometry)
    findings: list[Finding] = []
    tables: list[gpd.GeoDataFrame] = []
    open_rows = np.ones(len(buildings), dtype=bool)
    reason = np.full(len(buildings), "", dtype=object)
    if planes is not None:
        found, has = _modelled(planes, buildings)
        tables.append(found)
        reason[~has] = "not_in_model"
        open_rows &= ~has
        if not has.all():
            findings.append(_told("model_lacks", planes, buildings[~has]))
    if dsm is not None and open_rows.any():
        unit = scenario.site.height_unit
        seen, why, more = _seen(buildings[open_rows], dsm, dtm, unit, progress)
        rows = np.flatnonzero(open_rows)
        seen["row"] = rows[seen["row"].to_numpy()]
        tables.append(seen)
        reason[rows] = why
        open_rows[rows[why == ""]] = False
        findings += more
    if open_rows.any():
        rows = np.flatnonzero(open_rows)
        guessed = shape_roofs(buildings[open_rows], scenario=scenario)
        guessed["row"] = rows[guessed["row"].to_numpy()]
        guessed["source"], guessed["source_reason"] = "typology", reason[guessed["row"]]
        guessed["elevation_m"] = _elevation(guessed, buildings)
        tables.append(guessed)
    whole = pd.concat([table.drop(columns="crs", errors="ignore") for table in tables])
    whole = gpd.GeoDataFrame(whole, geometry="geometry", crs=buildings.crs)
    whole = whole.sort_values("row", kind="stable").reset_index(drop=True)
    drawn = _keep_out((existing_pv,), buildings.crs)
    kept = _keep_out((keep_out,), buildings.crs)
    out = _finish(whole, buildings, shapes, (kept, drawn), scenario)
    out.attrs["findings"] = findings
    return out


def _told(code: str, file: object, lacking: gpd.GeoDataFrame) -> Finding:
    where = os.path.basename(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else "planes"
    return Finding(code, where, len(lacking), {"ids": listed(lacking["building_id"])})


def _modelled(
    planes: str | os.PathLike[str] | gpd.GeoDataFrame, buildings: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    given = planes if isinstance(planes, gpd.GeoDataFrame) else read_planes(planes, buildings.crs)
    found, has = match_planes(given, buildings)
    slope = np.hypot(found["a"], found["b"])
    level = slope < np.tan(np.radians(1.0))
    azimuth = np.degrees(np.arctan2(-found["a"], -found["b"])) % 360
    table = found[["row", "geometry"]].assign(
        surface_tilt=np.where(level, 0.0, np.degrees(np.arctan(slope))),
        grid_azimuth=np.where(level, np.nan, azimuth),
        elevation_m=found["c"],
        confidence=1.0,
        source="lod2",
        source_reason="",
    )
    return table, has


def _seen(
    buildings: gpd.GeoDataFrame,
    dsm: str | os.PathLike[str],
    dtm: str | os.PathLike[str] | None,
    unit: str,
    progress: Callable[[int], None] | None,
) -> tuple[gpd.GeoDataFrame, np.ndarray, list[Finding]]:
    # Rasters are opened by rasterio, which a plan without them need not load.
    from pvplanner.roofs.measured import see_planes
    from pvplanner.terrain import fitting_terrain, open_raster

    where = os.path.basename(os.fspath(dsm))
    with ExitStack() as stack:
        raster = stack.enter_context(open_raster(dsm, buildings.crs, unit=unit))
        if raster.cell > LARGEST_CELL_M:
            finding = Finding("surface_coarse", where, 0, {"cell": round(raster.cell, 2)})
            empty = gpd.GeoDataFrame({"row": np.array([], int)}, geometry=[], crs=buildings.crs)
            return empty, np.full(len(buildings), "coarse", dtype=object), [finding]
        bare = None
        if dtm is not None:
            bare = stack.enter_context(open_raster(dtm, buildings.crs, unit=unit))
        _check_heights(raster, np.asarray(buildings.geometry))
        own, doubts = fitting_terrain(raster, bare, np.asarray(buildings.geometry))
        doubts += [*raster.findings, *(bare.findings if bare is not None else [])]
        doubts += _check_place(raster, np.asarray(buildings.geometry), where)
        seen, told, noise = see_planes(buildings, raster, own, progress=progress)
        _check_slopes(seen, raster)
    why = told["reason"].to_numpy()
    row = seen["row"].to_numpy()
    seen["offset_east_m"] = told["offset_east_m"].to_numpy()[row]
    seen["offset_north_m"] = told["offset_north_m"].to_numpy()[row]
    seen["source"], seen["source_reason"] = "dsm", ""
    params = {"sigma": round(noise.sigma, 3), "cell": raster.cell}
    findings = [*doubts, Finding("surface_noise", where, 0, params)]
    if (why == "outside").all():
        why_apart = {"buildings": len(buildings)}
        return seen, why, [*findings, Finding("surface_apart", where, len(why), why_apart)]
    for code in sorted(set(why) - {""}):
        findings.append(_told(f"surface_{code}", dsm, buildings[why == code]))
    return seen, why, findings


def _check_place(raster: Raster, shapes: np.ndarray, where: str) -> list[Finding]:
    """Whether the outlines lie beside the houses of the surface model."""
    from pvplanner.terrain import find_shift

    shift = find_shift(raster, shapes)
    if shift is None or not shift.doubtful:
        return []
    params = {
        "east": f"{shift.east:+.0f}", "north": f"{shift.north:+.0f}",
        "here": f"{shift.here:.1f}", "there": f"{shift.there:.1f}",
    }  # fmt: skip
    return [Finding("surface_shifted", where, params=params)]


def _check_heights(raster: Raster, shapes: np.ndarray) -> None:
    """Heights in decimetres or centimetres give themselves away by the height of every house.

    Raises
    ------
    InputError
        If the file does not state a unit and its houses can't be in metres.
    """
    from pvplanner.terrain import usual_height

    if raster.unit_stated:
        return
    tall = usual_height(raster, shapes)
    if tall > TALL_M:
        raise InputError("raster_tall", where=raster.name, height=f"{tall:.0f}")


STEEP_DEG = 50.0
"""No village's roofs slope so in the middle: heights are in another unit than metres."""


def _check_slopes(seen: gpd.GeoDataFrame, raster: Raster) -> None:
    """Heights in feet or centimetres give themselves away by the slope of every roof.

    Raises
    ------
    InputError
        If the file does not state a unit and its roofs can't be in metres.
    """
    sloped = seen[seen["surface_tilt"] > FLAT_DEG]
    if raster.unit_stated or sloped["row"].nunique() < 3:
        return
    order = np.argsort(sloped["surface_tilt"].to_numpy())
    tilt = sloped["surface_tilt"].to_numpy()[order]
    weight = np.cumsum(sloped.geometry.area.to_numpy()[order])
    middle = float(tilt[np.searchsorted(weight, weight[-1] / 2)])
    if middle > STEEP_DEG:
        feet = float(np.degrees(np.arctan(np.tan(np.radians(middle)) * 0.3048)))
        raise InputError(
            "raster_steep", where=raster.name, tilt=f"{middle:.0f}", feet=f"{feet:.0f}"
        )


def _elevation(guessed: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> np.ndarray:
    """Height of the middle of guessed planes above the ground: half a rise below the top."""
    if "height_m" not in buildings:
        return np.full(len(guessed), np.nan)
    height = pd.to_numeric(buildings["height_m"], errors="coerce").to_numpy(dtype=float)
    return height[guessed["row"].to_numpy()] - 0.5 * guessed["rise_m"].to_numpy()


def _finish(
    frame: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    shapes: np.ndarray,
    areas: tuple[np.ndarray | None, np.ndarray | None],
    scenario: Scenario,
) -> gpd.GeoDataFrame:
    """The table, from what was found of its planes; ``areas``: kept free, and covered already."""
    drawn = areas[1]
    given = [area for area in areas if area is not None]
    taken = np.concatenate(given) if given else None
    frame["building_id"] = buildings["building_id"].to_numpy()[frame["row"].to_numpy()]
    number = frame.groupby("row").cumcount() + 1
    frame["plane_id"] = frame["building_id"].astype(str) + "/" + number.astype(str)
    _name_types(frame)
    turn, latitude = convergence(frame)
    level = frame["grid_azimuth"].isna().to_numpy()
    equator = np.where(latitude >= 0, 180.0, 0.0)
    true = (frame["grid_azimuth"].to_numpy(dtype=float) + turn) % 360
    frame["surface_azimuth"] = np.where(level, equator, true)
    frame["grid_azimuth"] = np.where(level, (equator - turn) % 360, frame["grid_azimuth"])
    slope = np.cos(np.radians(frame["surface_tilt"].to_numpy(dtype=float)))
    frame["area_m2"] = frame.geometry.area.to_numpy() / slope
    _ranges(frame)
    _usable(frame, buildings, taken, scenario)
    if "existing_kwp" in buildings:
        told = pd.to_numeric(buildings["existing_kwp"], errors="coerce").to_numpy(dtype=float)
        frame["existing_kwp"] = told[frame["row"].to_numpy()]
    frame["existing_drawn"] = _covered(shapes, drawn)[frame["row"].to_numpy()]
    frame["yield_share"] = np.nan
    for column in COLUMNS:
        if column not in frame:
            frame[column] = None if column == "obstacles" else np.nan
    for column in ("obstacles", "usable"):
        held = np.asarray(frame[column], dtype=object)
        frame[column] = gpd.GeoSeries(held, index=frame.index, crs=frame.crs)
    return frame[list(COLUMNS)]


def _name_types(frame: gpd.GeoDataFrame) -> None:
    """Names of seen planes: level, or a roof of one slope, or one of several."""
    if "roof_type" not in frame:
        frame["roof_type"], frame["roof_type_source"] = None, None
    seen = frame["source"].ne("typology").to_numpy()
    alone = frame.groupby("row")["row"].transform("size").to_numpy() == 1
    level = frame["surface_tilt"].to_numpy() < FLAT_DEG
    named = np.select([level, alone], ["flat", "shed"], "gable")
    frame["roof_type"] = np.where(seen, named, frame["roof_type"])
    frame["roof_type_source"] = np.where(seen, "seen", frame["roof_type_source"])


def _ranges(frame: gpd.GeoDataFrame) -> None:
    """Areas between which area times irradiation lies with 80 %."""
    for column in ("area_low", "area_high"):
        if column not in frame:
            frame[column] = np.nan
    edge = EDGE_M * frame.geometry.length.to_numpy() / np.maximum(frame.geometry.area, 0.1)
    doubt = 1.28 * np.minimum(edge, 0.5)
    frame["area_low_m2"] = frame["area_m2"] * frame["area_low"].fillna(
        pd.Series(1.0 - doubt, frame.index)
    )
    frame["area_high_m2"] = frame["area_m2"] * frame["area_high"].fillna(
        pd.Series(1.0 + doubt, frame.index)
    )


EDGE_M = 0.06
"""One-sigma doubt of where a seen outline runs, as a whole: measured on Selfkant at 0.5 m."""


def _usable(
    frame: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    taken: np.ndarray | None,
    scenario: Scenario,
) -> None:
    """Usable area: by geometry where the roof was seen, by published shares where it was not."""
    shares = _usable_shares(scenario)
    seen = frame["source"].ne("typology").to_numpy()
    wind, _ = wind_pressure(*_middle(frame), scenario)
    rules = usable_rules(scenario, wind)
    if "obstacles" in frame:
        held = np.asarray(frame["obstacles"], dtype=object)
        frame["obstacle_area_m2"] = np.where(seen, np.nan_to_num(shapely.area(held)), np.nan)
        slope = np.cos(np.radians(frame["surface_tilt"].to_numpy(dtype=float)))
        frame["obstacle_area_m2"] /= slope
    area = frame["area_m2"].to_numpy()
    kind = frame["roof_type"]
    lost = _surveyed(frame, buildings)
    values = {}
    for level in LEVELS:
        share = kind.map(shares[level]).to_numpy(dtype=float)
        values[level] = area * share
        if seen.any():
            left = usable_outlines(frame[seen], rules[level], keep_out=taken)
            sure = ~(frame.loc[seen, "confidence"] < rules[level].confidence).to_numpy()
            values[level][seen] = shapely.area(left) * sure * (1.0 - rules[level].unseen)
    frame["kept_out_share"] = _kept_share(frame, taken)
    # Of guessed roofs it is missing, and drawn when modules are laid, unless areas are kept free.
    drawn = seen | (taken is not None)
    frame["usable"] = None
    if drawn.any():
        frame.loc[drawn, "usable"] = usable_areas(frame[drawn], rules["middle"], keep_out=taken)
    middle = values["middle"] * lost
    frame["usable_area_m2"] = middle
    frame["usable_area_low_m2"] = np.minimum(values["low"] * lost, middle)
    frame["usable_area_high_m2"] = np.maximum(values["high"] * np.maximum(lost, 0), middle)


def _kept_share(frame: gpd.GeoDataFrame, taken: np.ndarray | None) -> np.ndarray:
    """Share of each plane that lies in areas kept free or covered already."""
    out = np.zeros(len(frame))
    if taken is None or not len(taken):
        return out
    shapes = np.asarray(frame.geometry)
    rows = np.unique(shapely.STRtree(taken).query(shapes, predicate="intersects")[0])
    whole = shapely.union_all(taken)
    out[rows] = shapely.area(shapely.intersection(shapes[rows], whole))
    return out / np.maximum(shapely.area(shapes), 1e-9)


def _surveyed(frame: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> np.ndarray:
    """Share of the usable area that what a surveyor measured on the roof leaves."""
    if "obstacle_area_m2" not in buildings:
        return np.ones(len(frame))
    told = pd.to_numeric(buildings["obstacle_area_m2"], errors="coerce").to_numpy(dtype=float)
    whole = frame.groupby("row")["area_m2"].transform("sum").to_numpy()
    rest = 1.0 - np.nan_to_num(told[frame["row"].to_numpy()]) / whole
    return np.clip(rest, 0.0, 1.0)


def _keep_out(paths: tuple[str | os.PathLike[str] | None, ...], crs: CRS) -> np.ndarray | None:
    given = [path for path in paths if path is not None]
    if not given:
        return None
    from pvplanner.buildings import read_areas

    return np.concatenate([read_areas(path, crs) for path in given])


def _covered(shapes: np.ndarray, drawn: np.ndarray | None) -> np.ndarray:
    """Whether modules are drawn on each building already."""
    out = np.zeros(len(shapes), dtype=bool)
    if drawn is not None and len(drawn):
        out[shapely.STRtree(drawn).query(shapes, predicate="intersects")[0]] = True
    return out


def _middle(frame: gpd.GeoDataFrame) -> tuple[float, float]:
    """Latitude and longitude of the middle of a frame."""
    west, south, east, north = frame.total_bounds
    lon, lat = to_degrees(frame.crs).transform((west + east) / 2, (south + north) / 2)
    return lat, lon


def _usable_shares(scenario: Scenario) -> dict[str, dict[str, float]]:
    table = reference.load("roof_types").set_index("roof_type")
    roof = scenario.roof
    given = {"low": roof.usable_low, "middle": roof.usable_middle, "high": roof.usable_high}
    return {name: {**table[f"usable_{name}"].to_dict(), **own} for name, own in given.items()}


def convergence(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Angle from true to grid north (degrees, clockwise) and latitude, at each row's middle."""
    bounds = shapely.bounds(np.asarray(frame.geometry))
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    back = to_degrees(frame.crs)
    lon, lat = back.transform(middle[:, 0], middle[:, 1])
    north_lon, north_lat = back.transform(middle[:, 0], middle[:, 1] + 100.0)
    angle = Geod(ellps="WGS84").inv(lon, lat, north_lon, north_lat)[0]
    return np.asarray(angle, dtype=float), np.asarray(lat, dtype=float)
