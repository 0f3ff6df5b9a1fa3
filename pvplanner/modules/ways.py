"""The ways in which modules can lie on a plane: flush, tilted rows, east-west, raised canopy."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError
from pvplanner.reference.products import Product, find_module
from pvplanner.roofs import convergence
from pvplanner.roofs.frames import wall_directions
from pvplanner.scenario import Scenario

CLEARANCE_M = 0.3
"""Lower edge of tilted rows above a level roof: assumption."""

RIDGE_GAP_M = 0.02
"""Between the two modules of an east-west pair."""

WALK_M = 0.35
"""Between east-west pairs, to reach them: assumption."""

ROWS_UP_TO_DEG = 45.0
"""Nearer to a pole rows free of shade at the solstice stand so far apart that few are built: there
``auto`` lays modules east-west. Assumption."""

_HOURS = np.radians(np.linspace(-45.0, 45.0, 13))
"""Hour angles from 09:00 to 15:00 true solar time."""

_SOLSTICE = np.radians(-23.45)


@dataclass(frozen=True)
class Ways:
    """How modules would lie on each of n planes, portrait first, landscape second.

    Attributes
    ----------
    sizes : ndarray, shape (n, 2, 3)
        Along the row, across it, and from row to row, metres in the plane; 0 is no way.
    surface_tilt, surface_azimuth : ndarray
        Of the modules, degrees; the azimuth from true north.
    turn : ndarray
        Direction that the rows face, degrees clockwise from grid north.
    pair : ndarray of bool
        Two modules back to back stand in each place (east-west).
    """

    sizes: np.ndarray
    surface_tilt: np.ndarray
    surface_azimuth: np.ndarray
    turn: np.ndarray
    pair: np.ndarray

    def area_per_module(self) -> np.ndarray:
        """Area of roof that a module takes in the denser way, m2."""
        each = np.where(self.sizes[:, :, 0] > 0, self.sizes[:, :, 0] * self.sizes[:, :, 2], np.inf)
        return each.min(axis=1) / np.where(self.pair, 2, 1)


def find_product(scenario: Scenario) -> Product:
    """The scenario's module."""
    return find_module(scenario.module.product)


def height_limit(latitude: float, longitude: float, scenario: Scenario) -> float:
    """How high modules may stand over a level roof by local rules, metres; inf if none is known."""
    if scenario.module.height_limit_m is not None:
        return scenario.module.height_limit_m
    table = reference.load("height_rules")
    away = reference.distance_km(
        latitude, longitude, table["latitude"].to_numpy(), table["longitude"].to_numpy()
    )
    held = away <= table["reach_km"].to_numpy()
    return float(table["height_m"].to_numpy()[held].min()) if held.any() else np.inf


def row_spacing(
    length_m: float, tilt: float, latitude: np.ndarray, off: np.ndarray | float = 0.0
) -> np.ndarray:
    """Distance from row front to row front that keeps rows free of mutual shade, m.

    Parameters
    ----------
    length_m : float
        Of the module up the slope, m.
    tilt : float
        Degrees.
    latitude : ndarray
        Degrees.
    off : ndarray or float
        Angle between the rows' direction and the equator's, degrees.

    Notes
    -----
    GB 50797: no shade from 09:00 to 15:00 true solar time at the winter solstice; for rows that
    face the equator its closed form. It holds between the tropics' edges and about 60 degrees;
    nearer to a pole the sun does not rise high enough and the spacing of 56 degrees is taken.
    """
    slope = np.radians(tilt)
    latitude = np.asarray(latitude, dtype=float)
    phi = np.radians(np.minimum(np.abs(latitude), 56.0))[..., None]
    off = np.radians(np.broadcast_to(off, latitude.shape) * np.where(latitude < 0, -1, 1))[
        ..., None
    ]
    up = np.sin(phi) * np.sin(_SOLSTICE) + np.cos(phi) * np.cos(_SOLSTICE) * np.cos(_HOURS)
    # To the equator and to the east (west is the morning's negative).
    ahead = np.sin(phi) * np.cos(_SOLSTICE) * np.cos(_HOURS) - np.cos(phi) * np.sin(_SOLSTICE)
    aside = np.cos(_SOLSTICE) * np.sin(_HOURS)
    shadow = ((ahead * np.cos(off) + aside * np.sin(off)) / up).max(axis=-1)
    return length_m * (np.cos(slope) + np.sin(slope) * np.maximum(shadow, 0))


def find_ways(planes: gpd.GeoDataFrame, *, scenario: Scenario) -> Ways:
    """How modules would lie on each plane.

    Raises
    ------
    ConfigError
        If a raised canopy would stand higher than local rules allow.
    """
    product, module = find_product(scenario), scenario.module
    count = len(planes)
    tilt = planes["surface_tilt"].to_numpy(dtype=float).copy()
    azimuth = planes["surface_azimuth"].to_numpy(dtype=float).copy()
    turn = planes["grid_azimuth"].to_numpy(dtype=float).copy()
    pair = np.zeros(count, dtype=bool)
    gap = module.gap_m
    sizes = np.zeros((count, 2, 3))
    for way, (wide, long) in enumerate(_sides(product, module.orientation)):
        if wide:
            sizes[:, way] = wide, long, long + gap
    flat = np.flatnonzero(planes["roof_type"].eq("flat").to_numpy())
    if len(flat):
        _on_flat(planes, flat, scenario, product, (sizes, tilt, azimuth, turn, pair))
    return Ways(sizes, tilt, azimuth, turn, pair)


def _sides(product: Product, orientation: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Along and across the row, portrait and landscape; zeros where not wanted."""
    portrait = (product.width_m, product.length_m)
    landscape = (product.length_m, product.width_m)
    none = (0.0, 0.0)
    return (
        portrait if orientation != "landscape" else none,
        landscape if orientation != "portrait" else none,
    )


def _on_flat(
    planes: gpd.GeoDataFrame, flat: np.ndarray, scenario: Scenario, product: Product, out: tuple
) -> None:
    sizes, tilt, azimuth, turn, pair = out
    module = scenario.module
    angle, latitude, longitude = _place(planes, flat)
    limit = height_limit(float(np.median(latitude)), float(np.median(longitude)), scenario)
    equator = np.where(latitude >= 0, 180.0, 0.0)
    layout = module.flat_layout
    if layout == "auto":
        layout = "canopy" if scenario.system.mount == "canopy" else "rows"
        if layout == "rows" and abs(float(np.median(latitude))) > ROWS_UP_TO_DEG:
            layout = "east_west"
    wall = planes["grid_azimuth"].to_numpy(dtype=float)[flat]
    if module.row_azimuth == "building":
        walls = wall_directions(np.asarray(planes.geometry.iloc[flat]))
        wall = walls + 90.0 * np.round(((equator - angle) - walls) / 90.0)
    else:
        wall = (equator - angle) % 360
    if layout == "east_west":
        wall = wall - 90.0
    turn[flat], azimuth[flat] = wall % 360, (wall + angle) % 360
    pair[flat] = layout == "east_west"
    if layout == "canopy" and module.canopy_height_m > limit:
        raise ConfigError(
            "canopy_too_high", where="module.canopy_height_m", height=module.canopy_height_m,
            limit=limit,
        )  # fmt: skip
    wanted = {
        "rows": module.flat_tilt, "east_west": module.east_west_tilt, "canopy": module.canopy_tilt
    }[layout]  # fmt: skip
    sides = _sides(product, module.orientation)
    lean = wanted
    if layout != "canopy":
        # One tilt for both ways: which of them is laid is known only when they are.
        lean = min(_lowered(wanted, long, limit) for wide, long in sides if wide)
    for way, (wide, long) in enumerate(sides):
        if not wide:
            continue
        across = long * np.cos(np.radians(lean))
        if layout == "rows":
            pitch = row_spacing(long, lean, latitude, azimuth[flat] - equator)
            pitch = (
                pitch if module.row_spacing_m is None else np.full(len(flat), module.row_spacing_m)
            )
            pitch = np.maximum(pitch, across + module.gap_m)
        elif layout == "east_west":
            across = 2 * across + RIDGE_GAP_M
            pitch = across + (WALK_M if module.row_spacing_m is None else module.row_spacing_m)
        else:
            pitch = across + module.gap_m
        sizes[flat, way, 0], sizes[flat, way, 1], sizes[flat, way, 2] = wide, across, pitch
    tilt[flat] = lean


def _lowered(tilt: float, length: float, limit: float) -> float:
    """The tilt, or the steepest that stays below the height limit."""
    rise = (limit - CLEARANCE_M) / length
    return min(tilt, float(np.degrees(np.arcsin(np.clip(rise, 0.0, 1.0)))))


def _place(planes: gpd.GeoDataFrame, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Convergence, latitude and longitude of planes, degrees."""
    some = planes.iloc[rows]
    angle, latitude = convergence(some)
    west, south, east, north = some.total_bounds
    middle = gpd.GeoSeries.from_xy([(west + east) / 2], [(south + north) / 2], crs=planes.crs)
    return angle, latitude, np.full(len(rows), middle.to_crs(4326).x.iloc[0])


def module_planes(planes: gpd.GeoDataFrame, *, scenario: Scenario) -> pd.DataFrame:
    """How modules would lie on each plane.

    Returns
    -------
    DataFrame
        On the index of ``planes``: ``surface_tilt`` and ``surface_azimuth`` of the modules
        (degrees; flush on pitched planes, as ``module.flat_layout`` says on flat ones) and
        ``area_per_module_m2`` (usable area that one module takes, row spacing included).
    """
    ways = find_ways(planes, scenario=scenario)
    return pd.DataFrame(
        {
            "surface_tilt": ways.surface_tilt,
            "surface_azimuth": ways.surface_azimuth,
            "area_per_module_m2": ways.area_per_module(),
        },
        index=planes.index,
    )


def row_horizon(planes: gpd.GeoDataFrame, *, scenario: Scenario, directions: int) -> np.ndarray:
    """Horizon that the row in front is to the middle of a module on level roofs.

    Returns
    -------
    ndarray, shape (planes, directions)
        Degrees; 0 where modules lie flush. Rows are taken as long.
    """
    ways = find_ways(planes, scenario=scenario)
    out = np.zeros((len(planes), directions))
    flat = planes["roof_type"].eq("flat").to_numpy() & (ways.surface_tilt > 0)
    canopy = scenario.module.flat_layout == "canopy" or (
        scenario.module.flat_layout == "auto" and scenario.system.mount == "canopy"
    )
    if canopy or not flat.any():
        return out
    way = np.where(ways.sizes[:, 0, 0] > 0, 0, 1)
    size = ways.sizes[np.arange(len(planes)), way]
    across = size[:, 1] / np.where(ways.pair, 2, 1)
    slope = np.radians(ways.surface_tilt)
    high = across * np.tan(slope)
    # From the middle of a module to the top edge in front of it.
    run = np.where(ways.pair, size[:, 2] - size[:, 1] + across * 1.5, size[:, 2] - across / 2)
    steep = np.where(flat, 0.5 * high / np.maximum(run, 1e-6), 0.0)
    around = 360.0 * np.arange(directions) / directions
    facing = np.cos(np.radians(around[None, :] - ways.surface_azimuth[:, None]))
    return np.degrees(np.arctan(steep[:, None] * np.maximum(facing, 0.0)))
