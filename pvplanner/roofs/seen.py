"""Roofs as a surface model shows them, held against what can be a roof; the rest is guessed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.buildings.attributes import TALL_M
from pvplanner.errors import Finding, InputError
from pvplanner.roofs.measured import see_planes
from pvplanner.roofs.offsets import SAID_M, Offset
from pvplanner.roofs.polygons import areas_of
from pvplanner.roofs.stated import contradicted, lacking
from pvplanner.roofs.typology import shape_roofs
from pvplanner.roofs.usable import FLAT_DEG
from pvplanner.scenario import Scenario
from pvplanner.terrain import Raster, fitting_terrain, open_raster, usual_height

LARGEST_CELL_M = 1.5
"""Coarser surface models show no planes."""


def seen_roofs(
    buildings: gpd.GeoDataFrame,
    dsm: str | os.PathLike[str],
    dtm: str | os.PathLike[str] | None,
    scenario: Scenario,
    progress: Callable[[int], None] | None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, list[Finding]]:
    """Planes that a surface model shows, what is told of each building, and findings.

    Returns
    -------
    planes : GeoDataFrame
        As :func:`pvplanner.roofs.measured.see_planes`, with ``source`` and offsets.
    told : DataFrame
        Likewise.
    findings : list of Finding

    Raises
    ------
    InputError
        If the file can't be read or its heights can't be metres.
    """
    where, unit = os.path.basename(os.fspath(dsm)), scenario.site.height_unit
    with ExitStack() as stack:
        raster = stack.enter_context(open_raster(dsm, buildings.crs, unit=unit))
        if raster.cell > LARGEST_CELL_M:
            finding = Finding("surface_coarse", where, 0, {"cell": round(raster.cell, 2)})
            empty = gpd.GeoDataFrame({"row": np.array([], int)}, geometry=[], crs=buildings.crs)
            nowhere = {"offset_east_m": 0.0, "offset_north_m": 0.0, "rest": None}
            told = pd.DataFrame({"reason": "coarse", **nowhere}, index=buildings.index)
            return empty, told, [finding]
        bare = None
        if dtm is not None:
            bare = stack.enter_context(open_raster(dtm, buildings.crs, unit=unit))
        _check_heights(raster, np.asarray(buildings.geometry))
        own, doubts = fitting_terrain(raster, bare, np.asarray(buildings.geometry))
        doubts += [*raster.findings, *(bare.findings if bare is not None else [])]
        seen, told, sensor = see_planes(buildings, raster, own, progress=progress)
        doubts += _place_told(sensor.offset, where)
        _check_slopes(seen, raster)
    why = told["reason"].to_numpy()
    row = seen["row"].to_numpy()
    seen["offset_east_m"] = told["offset_east_m"].to_numpy()[row]
    seen["offset_north_m"] = told["offset_north_m"].to_numpy()[row]
    other = contradicted(seen, buildings)
    if other.any():
        why = np.where(other, "surveyed", why)
        told["reason"] = why
        told["rest"] = told["rest"].where(~other, None)
        seen = seen[~other[seen["row"].to_numpy()]].reset_index(drop=True)
    params = {"sigma": sensor.noise.sigma, "cell": raster.cell}
    findings = [*doubts, Finding("surface_noise", where, 0, params)]
    if (why == "outside").all():
        why_apart = {"buildings": len(buildings)}
        return seen, told, [*findings, Finding("surface_apart", where, len(why), why_apart)]
    for code in sorted(set(why) - {"", "shifted"}):
        findings.append(lacking(f"surface_{code}", buildings[why == code], dsm))
    unsure = _unsure(seen, len(buildings))
    if unsure.any():
        findings.append(lacking("surface_unsure", buildings[unsure], dsm))
    half = told["rest"].notna().to_numpy()
    if half.any():
        findings.append(lacking("surface_part", buildings[half], dsm))
    return seen, told, findings


UNSURE = 0.25
"""Roofs seen with less confidence are named: their range reaches far down."""


def _unsure(seen: gpd.GeoDataFrame, count: int) -> np.ndarray:
    """Buildings whose planes, weighed by their area, are seen with little confidence."""
    area = seen.geometry.area.to_numpy()
    whole = np.bincount(seen["row"], area, minlength=count)
    held = np.bincount(seen["row"], area * seen["confidence"], minlength=count)
    return (whole > 0) & (held < UNSURE * whole)


def unseen_rest(
    buildings: gpd.GeoDataFrame, seen: gpd.GeoDataFrame, told: pd.DataFrame, scenario: Scenario
) -> gpd.GeoDataFrame:
    """Guessed planes of what of seen buildings has no heights; its tilt is that of what is seen."""
    rest = np.asarray(told["rest"], dtype=object)
    rows = np.flatnonzero(~shapely.is_missing(rest))
    if not len(rows):
        return seen.iloc[:0].copy()
    move = told[["offset_east_m", "offset_north_m"]].to_numpy()[rows]
    shapes = [shapely.affinity.translate(shape, *off)
              for shape, off in zip(buildings.geometry.iloc[rows], move, strict=True)]  # fmt: skip
    tilt = seen.groupby("row")["surface_tilt"].median().reindex(rows).to_numpy()
    level = tilt < FLAT_DEG
    some = gpd.GeoDataFrame(
        {
            "roof_type": pd.Series("flat", range(len(rows)), dtype=object).where(level, None),
            "roof_tilt": np.where(level, np.nan, tilt),
        },
        geometry=shapes, crs=buildings.crs,
    )  # fmt: skip
    guessed = shape_roofs(some, scenario=scenario)
    place = guessed["row"].to_numpy()
    left = shapely.intersection(np.asarray(guessed.geometry), rest[rows][place])
    guessed["geometry"] = [areas_of(shape) for shape in left]
    guessed["row"] = rows[place]
    guessed["source"], guessed["source_reason"] = "typology", "part"
    height = seen.groupby("row")["elevation_m"].median()
    guessed["elevation_m"] = height.reindex(guessed["row"]).to_numpy()
    for name in ("offset_east_m", "offset_north_m"):
        guessed[name] = told[name].to_numpy()[guessed["row"]]
    return guessed[shapely.area(left) > 0.5]


def _place_told(offset: Offset, where: str) -> list[Finding]:
    """Whether the outlines lie beside the houses of the surface model, and are moved there."""
    if offset.size < SAID_M:
        return []
    params = {
        "east": f"{offset.east:+.1f}", "north": f"{offset.north:+.1f}",
        "here": f"{offset.here:.1f}", "there": f"{offset.there:.1f}",
    }  # fmt: skip
    code = "surface_shifted" if offset.apart else "surface_moved"
    return [Finding(code, where, params=params)]


def _check_heights(raster: Raster, shapes: np.ndarray) -> None:
    """Heights in decimetres or centimetres give themselves away by the height of every house.

    Raises
    ------
    InputError
        If the file does not state a unit and its houses can't be in metres.
    """
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
