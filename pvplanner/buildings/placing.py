"""From whatever coordinates a file has to metres on the ground, or a refusal that says why."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS, Geod
from pyproj.exceptions import CRSError

from pvplanner.buildings.datum import TO_WGS84, metric_crs, zone_prefixed_epsg
from pvplanner.buildings.repair import STRAY_M
from pvplanner.errors import ConfigError, Finding, InputError
from pvplanner.projection import to_degrees

WGS84 = CRS.from_epsg(4326)
STRAY_DEG = 2.0
"""In degrees, what lies further from the middle of the bulk decides nothing."""

LAST_VILLAGE_DEG = 72.0
"""No village plans roofs nearer to a pole; a latitude beyond is a longitude (75 E is Kashi)."""

SCALE_TOLERANCE = 0.01
"""A projected CRS whose metres are off by more than this (Web Mercator) is replaced."""


def place_in_metres(
    raw: gpd.GeoDataFrame, *, crs: str | None, datum: str, where: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Bring a raw frame into a metric CRS.

    A file in a metric projected CRS keeps it; degrees and stretched projections go to the CRS of
    :func:`pvplanner.buildings.datum.metric_crs`; GCJ-02 and BD-09 are undone first.

    Raises
    ------
    InputError
        If there is no CRS, or the coordinates can't be what the file says.
    """
    stated, findings = _stated_crs(raw, crs, where)
    extent = _extent(raw, where, stated)
    _check_coordinates(stated, extent, where)
    findings += _coarse(raw, stated, where)
    frame = raw.set_crs(stated, allow_override=True)
    to_lonlat = to_degrees(stated)
    lon, lat = to_lonlat.transform(*_middle(raw))
    if datum in TO_WGS84:
        frame = _undo_shift(frame.to_crs(WGS84), datum)
        lon, lat = (float(v[0]) for v in TO_WGS84[datum](np.array([lon]), np.array([lat])))
        stated = WGS84
    if _is_metric(stated, extent):
        return frame, findings
    target = metric_crs(lon, lat)
    if stated.is_projected:
        findings.append(
            Finding("crs_stretched", where, params={"crs": stated.name, "target": target.name})
        )
    with np.errstate(all="ignore"):
        return frame.to_crs(target), findings


def known_crs(crs: str, where: str) -> CRS:
    """A coordinate system by what somebody wrote for it.

    Raises
    ------
    ConfigError
        If PROJ knows none of that name.
    """
    try:
        return CRS.from_user_input(crs)
    except CRSError:
        raise ConfigError("crs_unknown", where=where, crs=crs) from None


def _stated_crs(raw: gpd.GeoDataFrame, crs: str | None, where: str) -> tuple[CRS, list[Finding]]:
    if crs is None:
        if raw.crs is None:
            extent = _extent(raw, where)
            raise InputError("crs_missing", where=where, suggestion=_suggest(extent))
        return CRS.from_user_input(raw.crs), []
    given = known_crs(crs, "crs")
    if raw.crs is not None and not CRS.from_user_input(raw.crs).equals(
        given, ignore_axis_order=True
    ):
        stated = CRS.from_user_input(raw.crs).name
        return given, [
            Finding("crs_overridden", where, params={"stated": stated, "crs": given.name})
        ]
    return given, []


def _extent(raw: gpd.GeoDataFrame, where: str, crs: CRS | None = None) -> np.ndarray:
    """West, south, east and north of the bulk: strays are set aside later, and decide nothing."""
    bounds = shapely.bounds(np.asarray(raw.geometry))
    known = bounds[np.isfinite(bounds).all(axis=1)]
    if len(known) == 0:
        raise InputError("no_geometry_at_all", where=where)
    middle = np.median(np.hstack([known[:, :2], known[:, 2:]]).reshape(-1, 2), axis=0)
    reach = STRAY_DEG if _in_degrees(crs, middle) else STRAY_M
    near = (np.abs(known.reshape(-1, 2, 2) - middle) <= reach).all(axis=(1, 2))
    bulk = known[near] if near.any() else known
    return np.concatenate([bulk[:, :2].min(axis=0), bulk[:, 2:].max(axis=0)])


COARSE_DEG = 1e-4
"""Degrees rounded to so many are 11 m apart: no outline is left of a house."""


def _coarse(raw: gpd.GeoDataFrame, crs: CRS, where: str) -> list[Finding]:
    """Coordinates that were rounded until houses lost their shape."""
    if not crs.is_geographic:
        return []
    points = shapely.get_coordinates(np.asarray(raw.geometry))
    points = points[np.isfinite(points).all(axis=1)]
    off = np.abs(points / COARSE_DEG - np.round(points / COARSE_DEG))
    if len(points) < 4 or (off > 1e-3).any():
        return []
    return [Finding("coordinates_coarse", where, len(raw), {"metres": "11"})]


def _in_degrees(crs: CRS | None, middle: np.ndarray) -> bool:
    return crs.is_geographic if crs is not None else bool((np.abs(middle) <= 180).all())


def _middle(raw: gpd.GeoDataFrame) -> tuple[float, float]:
    """Middle of the bulk: one stray building must not decide the zone of all others."""
    bounds = shapely.bounds(np.asarray(raw.geometry))
    centres = (bounds[:, :2] + bounds[:, 2:]) / 2
    x, y = np.median(centres[np.isfinite(centres).all(axis=1)], axis=0)
    return float(x), float(y)


def _check_coordinates(crs: CRS, extent: np.ndarray, where: str) -> None:
    west, south, east, north = extent
    if crs.is_geographic:
        possible = max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 90
        polar = min(abs(south), abs(north)) > LAST_VILLAGE_DEG > max(abs(west), abs(east))
        if possible and not polar:
            return
        swapped = max(abs(south), abs(north)) <= 180 and max(abs(west), abs(east)) <= 90
        code = "axes_swapped" if swapped else "not_degrees"
        raise InputError(
            code, where=where, extent=_shown(extent), crs=crs.name, suggestion=_suggest(extent)
        )
    area = crs.area_of_use
    back = to_degrees(crs)
    lon, lat = back.transform([west, east], [south, north])
    known = np.isfinite(lon).all() and np.isfinite(lat).all()
    margin = 6.0
    if known and area is not None and area.west <= area.east:
        known = (
            min(lon) >= area.west - margin
            and max(lon) <= area.east + margin
            and min(lat) >= area.south - margin
            and max(lat) <= area.north + margin
        )
    if not known:
        raise InputError(
            "crs_impossible",
            where=where,
            extent=_shown(extent),
            crs=f"{crs.name} ({crs.to_string()})" if crs.to_epsg() else crs.name,
            suggestion=_suggest(extent),
        )


def _suggest(extent: np.ndarray) -> str:
    """What the coordinates look like, as something to write after ``crs``."""
    west, south, east, north = extent
    prefixed = zone_prefixed_epsg(west)
    if prefixed is not None and prefixed == zone_prefixed_epsg(east):
        return f"EPSG:{prefixed}"
    if max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 90:
        return "EPSG:4326"
    if 300_000 <= west <= 700_000 and 2_000_000 <= south <= 6_000_000:
        return "EPSG:4549"
    return "EPSG:..."


def _shown(extent: np.ndarray) -> str:
    return ", ".join(f"{value:.6g}" for value in extent)


def _is_metric(crs: CRS, extent: np.ndarray) -> bool:
    if not crs.is_projected or any(a.unit_conversion_factor != 1 for a in crs.axis_info[:2]):
        return False
    x, y = (extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2
    back = to_degrees(crs)
    lon, lat = back.transform([x, x + 100, x], [y, y, y + 100])
    geod = Geod(ellps="WGS84")
    for k in (1, 2):
        length = geod.inv(lon[0], lat[0], lon[k], lat[k])[2]
        if abs(length / 100 - 1) > SCALE_TOLERANCE:
            return False
    return True


def _undo_shift(frame: gpd.GeoDataFrame, datum: str) -> gpd.GeoDataFrame:
    def shift(points: np.ndarray) -> np.ndarray:
        return np.column_stack(TO_WGS84[datum](points[:, 0], points[:, 1]))

    return frame.set_geometry(shapely.transform(np.asarray(frame.geometry), shift), crs=WGS84)
