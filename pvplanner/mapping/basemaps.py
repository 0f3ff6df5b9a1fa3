"""Online basemaps, only when asked for: addresses, and the datum in which their tiles are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pvplanner.buildings.datum import wgs84_to_gcj02
from pvplanner.errors import ConfigError

_TIANDITU = (
    "https://t{s}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0"
    "&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    "&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)

BASEMAPS: dict[str, dict[str, Any]] = {
    "tianditu": {
        "urls": [_TIANDITU.format(s=0, layer=layer, key="{key}") for layer in ("img", "cia")],
        "credit": "basemap_tianditu",
        "needs_key": True,
        "zoom": 18,
    },
    "amap": {
        "urls": [
            "https://webst01.is.autonavi.com/appmaptile?style=6&x={x}&y={y}&z={z}",
            "https://webst01.is.autonavi.com/appmaptile?style=8&x={x}&y={y}&z={z}",
        ],
        "credit": "basemap_amap",
        "needs_key": False,
        "zoom": 18,
    },
    "esri": {
        "urls": [
            "https://server.arcgisonline.com/ArcGIS/rest/services/World_Imagery/MapServer"
            "/tile/{z}/{y}/{x}"
        ],
        "credit": "Esri, Maxar, Earthstar Geographics",
        "needs_key": False,
        "zoom": 19,
    },
}
"""Addresses from the providers' own pages; Tianditu's tiles are CGCS2000, AMap's GCJ-02."""


def origins_of(name: str | None) -> list[str]:
    """Where the tiles of a basemap come from, as a page's policy names it."""
    told = BASEMAPS[name]["urls"] if name in BASEMAPS else []
    return list(dict.fromkeys(f"https://{url.split('/')[2]}" for url in told))


def basemap(
    name: str | None, key: str | None
) -> tuple[dict[str, Any] | None, Callable[[np.ndarray], np.ndarray] | None]:
    """A basemap for the page, and how degrees are moved to lie right on it.

    Raises
    ------
    ConfigError
        If it is unknown or needs a key.
    """
    if name is None:
        return None, None
    if name not in BASEMAPS:
        raise ConfigError("basemap_unknown", where="tiles", value=name, known=", ".join(BASEMAPS))
    found = BASEMAPS[name]
    if found["needs_key"] and not key:
        raise ConfigError("basemap_key", where="key", value=name)
    urls = [url.replace("{key}", str(key or "")) for url in found["urls"]]
    told = {"urls": urls, "credit": found["credit"], "zoom": found["zoom"]}
    return told, _to_gcj02 if name == "amap" else None


def _to_gcj02(points: np.ndarray) -> np.ndarray:
    lon, lat = wgs84_to_gcj02(points[:, 0], points[:, 1])
    return np.column_stack([lon, lat])
