"""Chinese map datums, and the metric CRS of a place.

GCJ-02 and BD-09 are the shifted coordinates of Chinese map services. The forward formulas are the
published ones (as in the eviltransform project); there is no closed inverse, so it is iterated.
CGCS2000 and WGS 84 agree within decimetres and are taken as one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pyproj import CRS

from pvplanner import reference

_RADIUS_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0

LonLat = tuple[np.ndarray, np.ndarray]


def wgs84_to_gcj02(longitude: np.ndarray, latitude: np.ndarray) -> LonLat:
    """WGS 84 to GCJ-02, degrees; places outside China are left as they are."""
    lon = np.asarray(longitude, dtype=float)
    lat = np.asarray(latitude, dtype=float)
    d_lon, d_lat = _gcj_shift(lon, lat)
    return lon + d_lon, lat + d_lat


def gcj02_to_wgs84(longitude: np.ndarray, latitude: np.ndarray) -> LonLat:
    """GCJ-02 to WGS 84, degrees, by iteration to 1e-10 degrees."""
    return _invert(wgs84_to_gcj02, longitude, latitude)


def gcj02_to_bd09(longitude: np.ndarray, latitude: np.ndarray) -> LonLat:
    """GCJ-02 to BD-09, degrees."""
    lon = np.asarray(longitude, dtype=float)
    lat = np.asarray(latitude, dtype=float)
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def wgs84_to_bd09(longitude: np.ndarray, latitude: np.ndarray) -> LonLat:
    """WGS 84 to BD-09, degrees."""
    return gcj02_to_bd09(*wgs84_to_gcj02(longitude, latitude))


def bd09_to_wgs84(longitude: np.ndarray, latitude: np.ndarray) -> LonLat:
    """BD-09 to WGS 84, degrees, by iteration to 1e-10 degrees."""
    return gcj02_to_wgs84(*_invert(gcj02_to_bd09, longitude, latitude))


TO_WGS84: dict[str, Callable[[np.ndarray, np.ndarray], LonLat]] = {
    "gcj02": gcj02_to_wgs84,
    "bd09": bd09_to_wgs84,
}
"""How each shifted datum comes back to WGS 84."""


def _gcj_shift(lon: np.ndarray, lat: np.ndarray) -> LonLat:
    inside = (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    waves = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    north += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    east += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    phi = np.radians(lat)
    magic = 1 - _ECCENTRICITY2 * np.sin(phi) ** 2
    meridian = _RADIUS_M * (1 - _ECCENTRICITY2) / magic**1.5
    parallel = _RADIUS_M / np.sqrt(magic) * np.cos(phi)
    return (
        np.where(inside, np.degrees(east / parallel), 0.0),
        np.where(inside, np.degrees(north / meridian), 0.0),
    )


def _invert(
    forward: Callable[[np.ndarray, np.ndarray], LonLat],
    longitude: np.ndarray,
    latitude: np.ndarray,
) -> LonLat:
    target_lon = np.asarray(longitude, dtype=float)
    target_lat = np.asarray(latitude, dtype=float)
    lon, lat = target_lon.copy(), target_lat.copy()
    for _ in range(30):
        there_lon, there_lat = forward(lon, lat)
        miss_lon, miss_lat = target_lon - there_lon, target_lat - there_lat
        lon, lat = lon + miss_lon, lat + miss_lat
        if max(np.max(np.abs(miss_lon), initial=0), np.max(np.abs(miss_lat), initial=0)) < 1e-10:
            break
    return lon, lat


def metric_crs(longitude: float, latitude: float) -> CRS:
    """The projected CRS in metres for a place.

    China: CGCS2000 / 3-degree Gauss-Kruger by central meridian (EPSG:4549 for 120 E); elsewhere
    the UTM zone on WGS 84.
    """
    place = reference.find_place(latitude, longitude)
    if place is not None and place.country == "CN":
        meridian = min(max(round(longitude / 3) * 3, 75), 135)
        return CRS.from_epsg(4534 + (meridian - 75) // 3)
    zone = int((longitude + 180) // 6) % 60 + 1
    return CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


def zone_prefixed_epsg(easting: float) -> int | None:
    """EPSG code of the zone-prefixed CGCS2000 3-degree system that an easting belongs to.

    Eastings of 40.5 million lie in zone 40: EPSG:4528. ``None`` if the easting carries no zone.
    """
    zone, rest = divmod(easting, 1_000_000)
    if 25 <= zone <= 45 and 100_000 <= rest <= 900_000:
        return 4513 + int(zone) - 25
    return None
