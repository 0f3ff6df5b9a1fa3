"""Roofs: from a footprint and its attributes to planes with a tilt, an azimuth and usable area.

Where nothing but the footprint is known, a pitched roof is a gable with its ridge along the long
side; attached houses share one ridge direction. Usable area is a range, never one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Geod, Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pvplanner import reference
from pvplanner.scenario import Scenario

ATTACHED_M = 0.3
"""Pitched roofs closer than this are one row under one ridge direction."""

WIDE_SPAN_M = 16.0
LARGE_M2 = 450.0
SMALL_M2 = 28.0
RAGGED = 0.6
"""Where no roof type is known: spans wider, areas larger or much smaller than a house's, and
outlines filling less of their rectangle than this are taken as flat (assumptions, editable by a
``roof_type`` column or ``roof.default_type``)."""


@dataclass(frozen=True)
class _Boxes:
    """Smallest rectangles around outlines: direction of the long side (radians from east)."""

    direction: np.ndarray
    long: np.ndarray
    short: np.ndarray
    middle: np.ndarray


def model_roofs(
    buildings: gpd.GeoDataFrame, *, scenario: Scenario | None = None
) -> gpd.GeoDataFrame:
    """Roof planes of buildings from footprint and attributes.

    Parameters
    ----------
    buildings : GeoDataFrame
        In a metric CRS: ``building_id`` and geometry; ``roof_type`` (``gable``, ``flat``,
        ``shed``) and ``roof_tilt`` (degrees) where known.
    scenario : Scenario, optional
        ``roof`` is used.

    Returns
    -------
    GeoDataFrame
        The ``planes`` table: ``surface_tilt`` (degrees), ``surface_azimuth`` (from true north) and
        ``grid_azimuth`` (from grid north), ``area_m2`` (in the plane),
        ``usable_area_low_m2`` <= ``usable_area_m2`` <= ``usable_area_high_m2``, ``roof_type``,
        ``roof_type_source`` (``given`` or ``inferred``) and ``source`` (``typology``). Geometry is
        the plane's outline seen from above; the parts of a building sum to its footprint.
    """
    scenario = scenario or Scenario()
    parts = _parts(buildings)
    boxes = _boxes(np.asarray(parts.geometry))
    kinds, given = _roof_types(parts, boxes, scenario)
    tilt = _tilts(parts, kinds, scenario)
    direction = _ridge_directions(np.asarray(parts.geometry), boxes, kinds == "gable")
    planes = _cut(parts, boxes, kinds, tilt, direction)
    planes["roof_type_source"] = np.where(given, "given", "inferred")[planes.pop("part")]
    return _finish(planes, buildings.crs, scenario)


def _parts(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    columns = ["building_id", "roof_type", "roof_tilt"]
    known = [c for c in columns if c in buildings]
    shapes = np.asarray(buildings.geometry)
    frame = gpd.GeoDataFrame(
        pd.DataFrame(buildings)[known].reset_index(drop=True), geometry=shapes, crs=buildings.crs
    )
    parts = frame.explode(index_parts=False).reset_index(drop=True)
    for column in columns:
        if column not in parts:
            parts[column] = np.nan if column == "roof_tilt" else None
    return parts


def _boxes(shapes: np.ndarray) -> _Boxes:
    # Near the origin: the envelope of raw projected coordinates is off by square centimetres.
    bounds = shapely.bounds(shapes)
    corner = (bounds[:, :2] + bounds[:, 2:]) / 2
    local = _shifted(shapes, -corner)
    rings = shapely.get_coordinates(shapely.oriented_envelope(local)).reshape(-1, 5, 2)
    side_a, side_b = rings[:, 1] - rings[:, 0], rings[:, 2] - rings[:, 1]
    long_a = np.hypot(*side_a.T) >= np.hypot(*side_b.T)
    along = np.where(long_a[:, None], side_a, side_b)
    lengths = np.stack([np.hypot(*side_a.T), np.hypot(*side_b.T)])
    return _Boxes(
        np.arctan2(along[:, 1], along[:, 0]) % np.pi,
        lengths.max(axis=0),
        lengths.min(axis=0),
        rings[:, :4].mean(axis=1) + corner,
    )


def _shifted(shapes: np.ndarray, by: np.ndarray) -> np.ndarray:
    counts = shapely.get_num_coordinates(shapes)
    moved = shapely.get_coordinates(shapes) + np.repeat(by, counts, axis=0)
    return shapely.set_coordinates(shapes.copy(), moved)


def _roof_types(
    parts: gpd.GeoDataFrame, boxes: _Boxes, scenario: Scenario
) -> tuple[np.ndarray, np.ndarray]:
    area = parts.geometry.area.to_numpy()
    flat = (boxes.short > WIDE_SPAN_M) | (area > LARGE_M2) | (area < SMALL_M2)
    flat |= area < RAGGED * boxes.long * boxes.short
    guess = np.where(flat, "flat", "gable").astype(object)
    if scenario.roof.default_type != "infer":
        guess[:] = scenario.roof.default_type
    stated = parts["roof_type"].astype("object").to_numpy()
    known = np.array([isinstance(kind, str) for kind in stated], dtype=bool)
    return np.where(known, stated, guess), known


def _tilts(parts: gpd.GeoDataFrame, kinds: np.ndarray, scenario: Scenario) -> np.ndarray:
    table = reference.load("roof_types").set_index("roof_type")["tilt_deg"]
    default = {**table.to_dict(), **scenario.roof.tilt}
    stated = pd.to_numeric(parts["roof_tilt"], errors="coerce").to_numpy(dtype=float)
    usual = np.array([default[kind] for kind in kinds], dtype=float)
    return np.where(np.isfinite(stated) & (kinds != "flat"), stated, usual)


def _ridge_directions(shapes: np.ndarray, boxes: _Boxes, pitched: np.ndarray) -> np.ndarray:
    """Ridge direction of each part, radians from east: its own long side, or its row's.

    In a row of attached houses the ridge follows the row's long side, along whichever of the
    house's own two directions is nearer to it.
    """
    direction = boxes.direction.copy()
    rows = np.flatnonzero(pitched)
    if len(rows) < 2:
        return direction
    tree = shapely.STRtree(shapes[rows])
    left, right = tree.query(shapes[rows], predicate="dwithin", distance=ATTACHED_M)
    links = coo_array((np.ones(len(left)), (left, right)), shape=(len(rows), len(rows)))
    group = connected_components(links, directed=False)[1]
    for _, members in pd.Series(rows).groupby(group):
        if len(members) < 2:
            continue
        own = members.to_numpy()
        whole = _boxes(np.array([shapely.union_all(shapes[own]).convex_hull]))
        off = (whole.direction[0] - boxes.direction[own] + np.pi / 4) % np.pi
        across = off >= np.pi / 2
        direction[own] = (boxes.direction[own] + np.where(across, np.pi / 2, 0)) % np.pi
    return direction


def _cut(
    parts: gpd.GeoDataFrame,
    boxes: _Boxes,
    kinds: np.ndarray,
    tilt: np.ndarray,
    direction: np.ndarray,
) -> pd.DataFrame:
    """A row per plane: gables are cut along the ridge through the middle of their rectangle."""
    shapes = np.asarray(parts.geometry)
    reach = boxes.long + boxes.short
    along = np.column_stack([np.cos(direction), np.sin(direction)]) * reach[:, None]
    down = np.column_stack([along[:, 1], -along[:, 0]])
    pieces = []
    gable = np.flatnonzero(kinds == "gable")
    for side in (1.0, -1.0):
        fall = down[gable] * side
        a, b = boxes.middle[gable] - along[gable], boxes.middle[gable] + along[gable]
        half = shapely.polygons(np.stack([a, b, b + fall, a + fall], axis=1))
        pieces.append(_piece(shapely.intersection(shapes[gable], half), gable, fall))
    flat = np.flatnonzero(kinds == "flat")
    pieces.append(_piece(shapes[flat], flat, np.zeros((len(flat), 2))))
    shed = np.flatnonzero(kinds == "shed")
    pieces.append(_piece(shapes[shed], shed, down[shed]))
    planes = pd.concat(pieces, ignore_index=True)
    planes = planes[shapely.area(planes["geometry"].to_numpy()) > 0.01]
    planes = planes.sort_values("part", kind="stable").reset_index(drop=True)
    part = planes["part"].to_numpy()
    planes["building_id"] = parts["building_id"].to_numpy()[part]
    planes["roof_type"] = kinds[part]
    planes["surface_tilt"] = np.where(kinds[part] == "flat", 0.0, tilt[part])
    return planes


def _piece(shapes: np.ndarray, part: np.ndarray, fall: np.ndarray) -> pd.DataFrame:
    """Planes that fall towards ``fall`` (east, north), or are level where it is zero."""
    azimuth = np.degrees(np.arctan2(fall[:, 0], fall[:, 1])) % 360
    level = ~fall.any(axis=1)
    return pd.DataFrame(
        {"geometry": shapes, "part": part, "grid_azimuth": np.where(level, np.nan, azimuth)}
    )


def _finish(planes: pd.DataFrame, crs: CRS, scenario: Scenario) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(planes, geometry="geometry", crs=crs)
    number = frame.groupby("building_id").cumcount() + 1
    frame["plane_id"] = frame["building_id"].astype(str) + "/" + number.astype(str)
    turn, latitude = convergence(frame)
    level = frame["grid_azimuth"].isna()
    equator = np.where(latitude >= 0, 180.0, 0.0)
    true = (frame["grid_azimuth"] + turn) % 360
    frame["surface_azimuth"] = true.where(~level, equator)
    frame["grid_azimuth"] = frame["grid_azimuth"].where(~level, (equator - turn) % 360)
    slope = np.cos(np.radians(frame["surface_tilt"]))
    frame["area_m2"] = frame.geometry.area / slope
    for level_name, shares in _usable_shares(scenario).items():
        share = frame["roof_type"].map(shares).astype(float)
        column = "usable_area_m2" if level_name == "middle" else f"usable_area_{level_name}_m2"
        frame[column] = frame["area_m2"] * share
    frame["yield_share"] = np.nan
    frame["source"] = "typology"
    columns = [
        "plane_id",
        "building_id",
        "roof_type",
        "roof_type_source",
        "surface_tilt",
        "surface_azimuth",
        "grid_azimuth",
        "yield_share",
        "area_m2",
        "usable_area_m2",
        "usable_area_low_m2",
        "usable_area_high_m2",
        "source",
        "geometry",
    ]
    return frame[columns]


def _usable_shares(scenario: Scenario) -> dict[str, Mapping[str, float]]:
    table = reference.load("roof_types").set_index("roof_type")
    roof = scenario.roof
    given = {"low": roof.usable_low, "middle": roof.usable_middle, "high": roof.usable_high}
    return {name: {**table[f"usable_{name}"].to_dict(), **own} for name, own in given.items()}


def convergence(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Angle from true to grid north (degrees, clockwise) and latitude, at each row's middle."""
    middle = shapely.get_coordinates(shapely.point_on_surface(np.asarray(frame.geometry)))
    back = Transformer.from_crs(frame.crs, CRS.from_epsg(4326), always_xy=True)
    lon, lat = back.transform(middle[:, 0], middle[:, 1])
    north_lon, north_lat = back.transform(middle[:, 0], middle[:, 1] + 100.0)
    angle = Geod(ellps="WGS84").inv(lon, lat, north_lon, north_lat)[0]
    return np.asarray(angle, dtype=float), np.asarray(lat, dtype=float)
