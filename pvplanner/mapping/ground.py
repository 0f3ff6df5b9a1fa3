"""A ground to stand on without tiles: shaded relief, contours, roads, water and boundaries."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from scipy.ndimage import gaussian_filter, zoom

from pvplanner.mapping.classes import round_step
from pvplanner.scenario import Scenario

MARGIN_M = 400.0
WIDE_M = 4000.0
"""How far the relief reaches beyond the buildings: of a close terrain model, of a coarse one."""

MOST_PIXELS, FEWEST_PIXELS = 900, 450
LAYERS = ("water", "roads", "boundary")
CONTOUR_LINES, MOST_LEVELS = 10, 60
"""Lines over the village itself, from which their step follows, and levels in all: the page draws
those whose step suits its window."""

RELIEF_M = 6.0
"""What is smaller than this is smoothed out of the relief."""

READABLE, MOST_RAISED, DARKEST = 0.6, 6.0, 0.91
"""Slope that the steeper parts are raised to, the most they are raised by, and the darkest ground.
"""


def ground_of(scenario: Scenario, bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    """Relief pictures, contour lines and layers around ``bounds`` (degrees), ready for JSON."""
    site = scenario.site
    pictures, lines = [], []
    wide = site.dem is not None
    if wide:
        heights = _heights(str(site.dem), bounds, WIDE_M)
        pictures += _picture(heights)
        lines = _contours(heights, bounds)
    if site.dtm is not None:
        heights = _heights(str(site.dtm), bounds, MARGIN_M)
        pictures += _picture(heights)
        lines = lines or _contours(heights, bounds)
    layers = {name: _layer(getattr(site, name)) for name in LAYERS if getattr(site, name)}
    return {"relief": pictures, "contours": lines, "layers": layers}


def _mercator(bounds: tuple[float, float, float, float], margin: float) -> tuple[float, ...]:
    box = gpd.GeoSeries([shapely.box(*bounds)], crs=4326).to_crs(3857).total_bounds
    grown = margin / np.cos(np.radians((bounds[1] + bounds[3]) / 2))
    west, south, east, north = box
    return west - grown, south - grown, east + grown, north + grown


def _heights(
    path: str, bounds: tuple[float, float, float, float], margin: float
) -> tuple[np.ndarray, tuple[float, ...], float] | None:
    """Heights on the map's own projection, their bounds in it, and the true size of a cell."""
    from pvplanner.terrain import open_raster

    if not Path(path).exists():
        # A saved plan may be drawn where its rasters are not.
        return None
    wanted = _mercator(bounds, margin)
    finest = max(wanted[2] - wanted[0], wanted[3] - wanted[1]) / MOST_PIXELS
    with open_raster(path, "EPSG:3857", finest=finest) as raster:
        west, south = max(wanted[0], raster.bounds[0]), max(wanted[1], raster.bounds[1])
        east, north = min(wanted[2], raster.bounds[2]), min(wanted[3], raster.bounds[3])
        if not (east > west and north > south):
            return None
        patch = raster.read((west, south, east, north))
    if not np.isfinite(patch.heights).any():
        return None
    rows, cols = patch.heights.shape
    heights, finer = _smooth(patch.heights)
    box = (
        patch.west, patch.north - rows * patch.cell,
        patch.west + cols * patch.cell, patch.north,
    )  # fmt: skip
    true = patch.cell * np.cos(np.radians((bounds[1] + bounds[3]) / 2))
    return heights, box, float(true) / finer


def _smooth(heights: np.ndarray) -> tuple[np.ndarray, float]:
    """Coarse terrain with cells so small that the picture shows slopes and no squares."""
    finer = FEWEST_PIXELS / max(heights.shape)
    if finer <= 1.0 or not np.isfinite(heights).all():
        return heights, 1.0
    return zoom(heights, finer, order=3, mode="nearest", grid_mode=True), finer


def _degrees(box: tuple[float, ...]) -> list[float]:
    west, south, east, north = (
        gpd.GeoSeries([shapely.box(*box)], crs=3857).to_crs(4326).total_bounds
    )
    return [round(float(v), 7) for v in (south, west, north, east)]


def _picture(found: tuple[np.ndarray, tuple[float, ...], float] | None) -> list[dict[str, Any]]:
    """Light from the north-west on the ground, as a small picture; nothing where it is level."""
    if found is None:
        return []
    from PIL import Image

    heights, box, cell = found
    # Bumps of a wall or a furrow are no relief at a village's scale.
    heights = _calm(heights, RELIEF_M / cell)
    south, east = np.gradient(heights, cell) if min(heights.shape) > 1 else (heights * 0,) * 2
    known = np.isfinite(south) & np.isfinite(east)
    south, east = np.where(known, south, 0.0), np.where(known, east, 0.0)
    slope = np.arctan(_raised(np.hypot(east, south)[known]) * np.hypot(east, south))
    facing = np.arctan2(-east, south)
    shade = np.sin(np.radians(45)) * np.cos(slope)
    shade = shade + np.cos(np.radians(45)) * np.sin(slope) * np.cos(np.radians(315) - facing)
    # The ground stays lighter than any class of roofs, so that they stand out on it.
    grey = np.clip(0.985 + 0.22 * (shade / np.sin(np.radians(45)) - 1.0), DARKEST, 1.0)
    tint = np.stack([253 * grey, 253 * grey, 249 * grey, np.where(known, 255, 0)], 2)
    held = BytesIO()
    Image.fromarray(np.clip(tint, 0, 255).astype(np.uint8), "RGBA").save(
        held, "WEBP", quality=60, method=6
    )
    text = base64.b64encode(held.getvalue()).decode("ascii")
    return [{"bounds": _degrees(box), "image": f"data:image/webp;base64,{text}"}]


def _calm(heights: np.ndarray, cells: float) -> np.ndarray:
    """Heights smoothed over so many cells; unknown stays unknown."""
    known = np.isfinite(heights)
    if cells < 1 or not known.any():
        return heights
    weight = gaussian_filter(known.astype(float), cells)
    mean = gaussian_filter(np.where(known, heights, 0.0), cells) / np.maximum(weight, 1e-9)
    return np.where(known, mean, np.nan)


def _raised(slope: np.ndarray) -> float:
    """By what factor slopes are raised so that the steeper ones of the window read as slopes."""
    steep = float(np.quantile(slope, 0.95)) if len(slope) else 0.0
    return float(np.clip(READABLE / steep, 1.0, MOST_RAISED)) if steep > 0 else 1.0


def _contours(
    found: tuple[np.ndarray, tuple[float, ...], float] | None,
    bounds: tuple[float, float, float, float],
) -> list[dict[str, Any]]:
    """Lines of equal height at a round step: height and rings in steps of 1e-6 degrees."""
    if found is None:
        return []
    import contourpy

    heights, box, _ = found
    low, high = np.nanmin(heights), np.nanmax(heights)
    if high - low < 1.0 or min(heights.shape) < 2:
        return []
    rows, cols = heights.shape
    cell = (box[2] - box[0]) / cols
    step = _step_of(heights, box, cell, bounds)
    x = box[0] + (np.arange(cols) + 0.5) * cell
    y = box[3] - (np.arange(rows) + 0.5) * cell
    maker = contourpy.contour_generator(x, y, np.ma.masked_invalid(heights))
    out = []
    for level in np.arange(np.ceil(low / step) * step, high, step):
        lines = [shapely.linestrings(line) for line in maker.lines(level) if len(line) > 1]
        lines = [shapely.simplify(line, cell / 3) for line in lines]
        if lines:
            placed = gpd.GeoSeries(lines, crs=3857).to_crs(4326)
            told = [_steps(shapely.get_coordinates(line)) for line in placed]
            out.append({"height": round(float(level), 2), "lines": told})
    return out


def _step_of(
    heights: np.ndarray, box: tuple[float, ...], cell: float,
    bounds: tuple[float, float, float, float],
) -> float:  # fmt: skip
    """A round step by the relief of the village itself, so that its window has some lines too."""
    west, south, east, north = _mercator(bounds, 0.0)
    rows = slice(max(int((box[3] - north) / cell), 0), max(int((box[3] - south) / cell) + 1, 1))
    cols = slice(max(int((west - box[0]) / cell), 0), max(int((east - box[0]) / cell) + 1, 1))
    own = heights[rows, cols]
    whole = float(np.nanmax(heights) - np.nanmin(heights))
    near = float(np.nanmax(own) - np.nanmin(own)) if np.isfinite(own).any() else whole
    return round_step(max(near / CONTOUR_LINES, whole / MOST_LEVELS, 0.5))


def _steps(points: np.ndarray) -> list[int]:
    whole = np.floor(points * 1e6 + 0.5).astype(np.int64)
    return np.diff(whole, axis=0, prepend=0).ravel().tolist()


def _layer(path: str) -> list[dict[str, Any]]:
    """Lines and outlines of a vector layer."""
    from pvplanner.buildings import read_lines

    if not Path(path).exists():
        return []
    shapes = read_lines(Path(path))
    out = []
    for part in shapely.get_parts(shapes):
        closed = part.geom_type == "Polygon"
        rings = [part.exterior, *part.interiors] if closed else [part]
        out.append({"closed": closed, "rings": [_steps(shapely.get_coordinates(r)) for r in rings]})
    return out
