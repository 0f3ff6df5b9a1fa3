"""Planes as they were found become the ``planes`` table: names, directions, ranges, usable area."""

from __future__ import annotations

import os

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Geod

from pvplanner.projection import to_degrees
from pvplanner.roofs.guesses import plain_usable
from pvplanner.roofs.usable import (
    FLAT_DEG,
    LEVELS,
    Rules,
    middle_of,
    plain_setbacks,
    usable_areas,
    usable_outlines,
    usable_rules,
    wind_pressure,
)
from pvplanner.scenario import Scenario

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
    "tilt_source",
    "existing_kwp",
    "existing_drawn",
    "kept_out_share",
    "obstacles",
    "usable",
    "geometry",
)


def finish(
    frame: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    areas: tuple[np.ndarray | None, np.ndarray | None],
    scenario: Scenario,
) -> gpd.GeoDataFrame:
    """The table, from what was found of its planes; ``areas``: kept free, and covered already."""
    shapes, drawn = np.asarray(buildings.geometry), areas[1]
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


SEEN = ("dsm", "points")
"""Sources that show what stands on a roof."""

HEATER_M2 = (1.0, 6.0)
"""Size of a solar water heater seen from above, tank and collector."""

EDGE_M = 0.06
"""One-sigma doubt of where a seen outline runs, as a whole: measured on Selfkant at 0.5 m."""


def _usable(
    frame: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    taken: np.ndarray | None,
    scenario: Scenario,
) -> None:
    """Usable area: by geometry where the roof is known, by size and type where it is guessed."""
    known = frame["source"].ne("typology").to_numpy()
    wind, _ = wind_pressure(*middle_of(frame), scenario)
    rules = usable_rules(scenario, wind)
    frame["obstacles"] = _standing(frame, scenario)
    held = np.asarray(frame["obstacles"], dtype=object)
    slope = np.cos(np.radians(frame["surface_tilt"].to_numpy(dtype=float)))
    seen = frame["source"].isin(SEEN).to_numpy()
    frame["obstacle_area_m2"] = np.where(seen, np.nan_to_num(shapely.area(held)) / slope, np.nan)
    lost = _surveyed(frame, buildings)
    values = _guessed_usable(frame, rules, scenario)
    # Of guessed roofs outlines are missing, and drawn when modules are laid, unless areas are kept
    # free.
    drawn = known | (taken is not None)
    left = np.full(len(frame), None, dtype=object)
    if drawn.any():
        left[drawn] = usable_outlines(frame[drawn], rules["middle"], keep_out=taken)
    if known.any():
        for level in LEVELS:
            held = left[known] if level == "middle" else (
                usable_outlines(frame[known], rules[level], keep_out=taken)
            )  # fmt: skip
            free = 1.0 - unseen_share(frame[known], rules[level], scenario)
            values[level][known] = shapely.area(held) * free
    sure = _told(frame, "confidence")
    held_up = np.clip(sure / max(rules["low"].confidence, 1e-9), 0.0, 1.0)
    values["low"] = values["low"] * held_up
    values["middle"] = np.where(sure < least_confidence(scenario), 0.0, values["middle"])
    frame["kept_out_share"] = _kept_share(frame, taken)
    frame["usable"] = None
    if drawn.any():
        frame.loc[drawn, "usable"] = usable_areas(frame[drawn], rules["middle"], left=left[drawn])
    middle = values["middle"] * lost
    frame["usable_area_m2"] = middle
    frame["usable_area_low_m2"] = np.minimum(values["low"] * lost, middle)
    frame["usable_area_high_m2"] = np.maximum(values["high"] * np.maximum(lost, 0), middle)


def _standing(frame: gpd.GeoDataFrame, scenario: Scenario) -> np.ndarray:
    """What stands on the planes and stays there."""
    if "obstacles" not in frame:
        return np.full(len(frame), None, dtype=object)
    held = np.asarray(frame["obstacles"], dtype=object).copy()
    if scenario.roof.water_heaters == "stay":
        return held
    parts, owner = shapely.get_parts(held, return_index=True)
    size = shapely.area(parts)
    stays = (size < HEATER_M2[0]) | (size > HEATER_M2[1])
    out = np.full(len(frame), None, dtype=object)
    for row in np.unique(owner[stays]):
        out[row] = shapely.MultiPolygon(list(parts[stays & (owner == row)]))
    return out


def unseen_share(frame: pd.DataFrame, rules: Rules, scenario: Scenario) -> np.ndarray:
    """Share of planes lost to what is too small to be seen, by roof type."""
    flat = frame["surface_tilt"].to_numpy(dtype=float) < FLAT_DEG
    share = np.where(flat, rules.unseen_flat, rules.unseen)
    return share * (1.0 - rules.heaters) if scenario.roof.water_heaters == "go" else share


def _guessed_usable(
    frame: gpd.GeoDataFrame, rules: dict[str, Rules], scenario: Scenario
) -> dict[str, np.ndarray]:
    """Usable area of guessed planes: their plain shape's, times what else may stand there.

    The range is that of the roofs that may stand on the outline, and no larger than the plane.
    """
    setbacks = plain_setbacks(rules["middle"])
    slope = np.cos(np.radians(frame["surface_tilt"].to_numpy(dtype=float)))
    area, kind = frame["area_m2"].to_numpy(dtype=float), frame["roof_type"]
    edge = frame.geometry.length.to_numpy() * 0.5 * (1.0 + 1.0 / slope)
    inset = np.where(kind.eq("flat"), setbacks.flat, setbacks.pitched)
    plain = plain_usable(area, edge, inset, setbacks.least)
    plain *= 1.0 - unseen_share(frame, rules["middle"], scenario)
    out = {level: np.minimum(plain * _told(frame, f"usable_{level}"), area) for level in LEVELS}
    own = scenario.roof
    for level, given in (("low", own.usable_low), ("middle", own.usable_middle),
                         ("high", own.usable_high)):  # fmt: skip
        share = kind.map(given).to_numpy(dtype=float)
        out[level] = np.where(np.isfinite(share), area * share, out[level])
    return out


def _told(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A factor of planes, 1 where none is told."""
    if column not in frame:
        return np.ones(len(frame))
    return frame[column].fillna(1.0).to_numpy(dtype=float)


def least_confidence(scenario: Scenario) -> float:
    """Planes seen with less confidence are left out: only where a scenario wants that.

    Doubt is a wide range, not nothing.
    """
    return scenario.roof.rules.get("confidence_min", 0.0)


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


def read_kept(path: str | os.PathLike[str] | None, crs: CRS) -> np.ndarray | None:
    """Areas of a layer, if one is given."""
    if path is None:
        return None
    from pvplanner.buildings import read_areas

    return read_areas(path, crs)


def _covered(shapes: np.ndarray, drawn: np.ndarray | None) -> np.ndarray:
    """Whether modules are drawn on each building already."""
    out = np.zeros(len(shapes), dtype=bool)
    if drawn is not None and len(drawn):
        out[shapely.STRtree(drawn).query(shapes, predicate="intersects")[0]] = True
    return out


def convergence(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Angle from true to grid north (degrees, clockwise) and latitude, at each row's middle."""
    bounds = shapely.bounds(np.asarray(frame.geometry))
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    back = to_degrees(frame.crs)
    lon, lat = back.transform(middle[:, 0], middle[:, 1])
    north_lon, north_lat = back.transform(middle[:, 0], middle[:, 1] + 100.0)
    angle = Geod(ellps="WGS84").inv(lon, lat, north_lon, north_lat)[0]
    return np.asarray(angle, dtype=float), np.asarray(lat, dtype=float)
