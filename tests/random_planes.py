"""Random roof planes with obstacles, and a plain search for the best grid of modules on them."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely

from pvplanner.roofs.frames import Frames

CRS = "EPSG:4549"
PLACE = np.array([620_000.0, 3_289_000.0])


def outline(rng: np.random.Generator, kind: str) -> shapely.Polygon:
    """A shape in a plane's own coordinates, metres."""
    w, h = rng.uniform(3, 16), rng.uniform(2.5, 9)
    if kind == "rectangle":
        return shapely.box(0, 0, w, h)
    if kind == "trapezoid":
        a, b = sorted(rng.uniform(0, w, 2))
        return shapely.Polygon([(0, 0), (w, 0), (max(b, a + 0.3), h), (a, h)])
    if kind == "triangle":
        return shapely.Polygon([(0, 0), (w, 0), (rng.uniform(0, w), h)])
    if kind == "l":
        cut = shapely.box(w * rng.uniform(0.3, 0.7), h * rng.uniform(0.3, 0.7), w + 1, h + 1)
        return shapely.difference(shapely.box(0, 0, w, h), cut)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 9))
    r = rng.uniform(0.6, 1.0, 9)
    return shapely.Polygon(np.column_stack([w / 2 * r * np.cos(angle), h / 2 * r * np.sin(angle)]))


def make(
    count: int, seed: int = 0,
    kinds: tuple[str, ...] = ("rectangle", "trapezoid", "triangle", "l", "star"),
    obstacles: bool = True, apart: float = 40.0,
) -> gpd.GeoDataFrame:  # fmt: skip
    rng = np.random.default_rng(seed)
    inner = np.array([outline(rng, kinds[n % len(kinds)]) for n in range(count)])
    tilt, azimuth = rng.uniform(5.5, 45, count), rng.uniform(0, 360, count)
    at = PLACE + np.column_stack([np.arange(count) % 300, np.arange(count) // 300]) * apart
    frames = Frames(at, azimuth, tilt)
    shapes = shapely.make_valid(frames.out_of(inner))
    things = np.full(count, None, dtype=object)
    if obstacles:
        for n in range(count):
            if rng.uniform() < 0.5:
                u, v = shapely.get_coordinates(shapely.point_on_surface(inner[n]))[0]
                u, v = u + rng.uniform(-2, 2), v + rng.uniform(-1, 1)
                size = rng.uniform(0.3, 1.5)
                things[n] = shapely.box(u, v, u + size, v + size)
        some = np.array([t is not None for t in things])
        placed = frames.out_of(np.where(some, things, shapely.Polygon()))
        things = np.where(some, shapely.intersection(placed, shapes), None)
    ids = [f"p{n}" for n in range(count)]
    return gpd.GeoDataFrame(
        {
            "plane_id": ids, "building_id": ids, "roof_type": "gable", "surface_tilt": tilt,
            "surface_azimuth": azimuth, "grid_azimuth": azimuth, "source": "dsm",
            "elevation_m": 8.0, "obstacles": gpd.GeoSeries(things, crs=CRS),
        },
        geometry=shapes, crs=CRS,
    )  # fmt: skip


def brute(shape, width: float, height: float, gap: float, step: float = 0.02) -> int:
    """Most modules of any grid whose offset is a multiple of ``step``; inside by exact geometry."""
    if shapely.is_empty(shape):
        return 0
    best = 0
    u0, v0, u1, v1 = shape.bounds
    for wide, high in ((width, height), (height, width)):
        across, up = wide + gap, high + gap
        if u1 - u0 < wide - 1e-9 or v1 - v0 < high - 1e-9:
            continue
        # All places of all grids at once, each tried only once.
        a = np.arange(u0, u1 - wide + 1e-9, step)
        b = np.arange(v0, v1 - high + 1e-9, step)
        held = _fits(shape, a, b, wide, high)
        p, q = round(across / step), round(up / step)
        grid = np.zeros((-(-len(a) // p) * p, -(-len(b) // q) * q), dtype=np.int64)
        grid[: len(a), : len(b)] = held
        sums = grid.reshape(-1, p, grid.shape[1] // q, q).sum(axis=(0, 2))
        best = max(best, int(sums.max()))
    return best


def _fits(shape, a: np.ndarray, b: np.ndarray, wide: float, high: float) -> np.ndarray:
    """Whether a rectangle at each (a, b) lies inside: no edge passes through it, corner inside.

    Erosion by Minkowski sums: the places that are not inside are the edges swept by the rectangle.
    """
    u, v = (x.ravel() for x in np.meshgrid(a, b, indexing="ij"))
    inside = np.ones(len(u), dtype=bool)
    parts = shapely.get_parts(shapely.get_rings(shapely.get_parts(shape)))
    for ring in parts:
        xy = shapely.get_coordinates(ring)
        for (x0, y0), (x1, y1) in pairwise(xy):
            swept = shapely.MultiPoint(
                [
                    (x - s, y - t)
                    for x, y in ((x0, y0), (x1, y1))
                    for s in (0, wide)
                    for t in (0, high)
                ]
            ).convex_hull
            swept = shapely.buffer(swept, -1e-7, join_style="mitre")
            if not shapely.is_empty(swept):
                inside &= ~shapely.contains_xy(swept, u, v)
    inside &= shapely.contains_xy(shapely.buffer(shape, 1e-9), u + wide / 2, v + high / 2)
    return inside.reshape(len(a), len(b))
