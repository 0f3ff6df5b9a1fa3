"""Roofs of known shapes and the surface model that a sensor would make of them.

A building is a few bodies; a body is a convex outline under the lowest of some planes. Where bodies
meet, the higher counts, so hips, valleys and dormers come out as exact polygons.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy.ndimage import gaussian_filter
from shapely import affinity

CRS = "EPSG:32651"
ORIGIN = (330_000.0, 3_290_000.0)


@dataclass(frozen=True)
class Body:
    """A convex outline and its planes: slope east, slope north, height at the origin."""

    outline: shapely.Polygon
    planes: tuple[tuple[float, float, float], ...]


def gable(width, depth, tilt, eave, *, x=0.0, y=0.0):
    """Ridge along x through the middle of the depth."""
    return _roof(width, depth, eave, x, y, {"s": tilt, "n": tilt})


def hip(width, depth, tilt, eave, *, x=0.0, y=0.0):
    return _roof(width, depth, eave, x, y, dict.fromkeys("snew", tilt))


def shed(width, depth, tilt, eave, *, x=0.0, y=0.0):
    return _roof(width, depth, eave, x, y, {"s": tilt})


def flat(width, depth, height, *, x=0.0, y=0.0):
    return Body(shapely.box(x, y, x + width, y + depth), ((0.0, 0.0, height),))


def cross_gable(width, depth, tilt, eave, *, x=0.0, y=0.0):
    """Ridge along y through the middle of the width."""
    return _roof(width, depth, eave, x, y, {"e": tilt, "w": tilt})


def _roof(width, depth, eave, x, y, tilts):
    planes = []
    for side, tilt in tilts.items():
        rise = np.tan(np.radians(tilt))
        planes.append(
            {
                "s": (0.0, rise, eave - rise * y),
                "n": (0.0, -rise, eave + rise * (y + depth)),
                "w": (rise, 0.0, eave - rise * x),
                "e": (-rise, 0.0, eave + rise * (x + width)),
            }[side]
        )
    return Body(shapely.box(x, y, x + width, y + depth), tuple(planes))


def _where_above(one, other, within):
    """The part of a convex outline in which one plane is above another."""
    a, b, c = (u - v for u, v in zip(one, other, strict=True))
    if abs(a) + abs(b) < 1e-12:
        return within if c > 0 else shapely.Polygon()
    size = np.hypot(a, b)
    far = 1000.0
    foot = np.array([-c * a, -c * b]) / size**2
    along, up = np.array([-b, a]) / size * far, np.array([a, b]) / size * far
    half = shapely.Polygon([foot - along, foot + along, foot + along + up, foot - along + up])
    return shapely.intersection(within, half)


def partition(bodies):
    """Planes and their exact outlines seen from above."""
    found = []
    for number, body in enumerate(bodies):
        for plane in body.planes:
            area = body.outline
            for other in body.planes:
                if other is not plane:
                    area = _where_above(other, plane, area)
            for rank, higher in enumerate(bodies):
                if rank == number or area.is_empty:
                    continue
                over = higher.outline
                for roof in higher.planes:
                    over = _where_above(roof, plane, over)
                area = shapely.difference(area, over)
            for part in shapely.get_parts(area):
                if part.geom_type == "Polygon" and part.area > 0.05:
                    found.append((plane, part))
    return found


def _placed(plane, shape, turn, east, north):
    """A plane and its outline turned about the origin and moved."""
    angle = np.radians(turn)
    a, b, c = plane
    u = a * np.cos(angle) - b * np.sin(angle)
    v = a * np.sin(angle) + b * np.cos(angle)
    moved = affinity.translate(affinity.rotate(shape, turn, origin=(0, 0)), east, north)
    return (u, v, c - u * east - v * north), moved


def village(buildings, *, spacing=40.0, turns=None):
    """True planes of buildings set out on a grid, in the columns that the scorer wants."""
    rows = []
    across = int(np.ceil(np.sqrt(len(buildings))))
    for number, bodies in enumerate(buildings):
        east = ORIGIN[0] + spacing * (number % across)
        north = ORIGIN[1] + spacing * (number // across)
        turn = 0.0 if turns is None else turns[number]
        for plane, shape in partition(bodies):
            (a, b, c), moved = _placed(plane, shape, turn, east, north)
            slope = np.hypot(a, b)
            azimuth = np.degrees(np.arctan2(-a, -b)) % 360 if slope > 1e-9 else 0.0
            rows.append(
                {
                    "building_id": f"B{number:04d}",
                    "surface_tilt": np.degrees(np.arctan(slope)),
                    "surface_azimuth": azimuth,
                    "area_m2": moved.area * np.sqrt(1 + slope**2),
                    "a": a,
                    "b": b,
                    "c": c,
                    "geometry": moved,
                }
            )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS)


def footprints(planes, *, shift=0.0, seed=0):
    """One outline for each building, moved at random."""
    whole = planes[["building_id", "geometry"]].dissolve("building_id", as_index=False)
    move = np.random.default_rng(seed).normal(0, 1, (len(whole), 2)) * shift
    whole["geometry"] = [
        affinity.translate(shapely.buffer(g, 0.01).buffer(-0.01), *m)
        for g, m in zip(whole.geometry, move, strict=True)
    ]
    return whole


def surface(
    planes,
    *,
    cell=0.5,
    sigma=0.05,
    smooth=0.0,
    grain=0.0,
    outliers=0.0,
    seed=0,
    trees=(),
    margin=8.0,
):
    """Heights as a sensor sees them: (array, west, north). The ground is at 0 m.

    ``smooth`` and ``grain`` (of the noise) in metres. ``trees``: x, y, radius, height.
    """
    west, south, east, north = planes.total_bounds
    west, north = np.floor(west - margin), np.ceil(north + margin)
    rows = int(np.ceil((north - south + margin) / cell))
    cols = int(np.ceil((east + margin - west) / cell))
    z = np.zeros((rows, cols))
    for row in planes.itertuples():
        left, low, right, top = row.geometry.bounds
        j0, j1 = int((left - west) / cell) - 1, int((right - west) / cell) + 2
        i0, i1 = int((north - top) / cell) - 1, int((north - low) / cell) + 2
        x, y = np.meshgrid(
            west + (np.arange(j0, j1) + 0.5) * cell, north - (np.arange(i0, i1) + 0.5) * cell
        )
        held = shapely.contains_xy(row.geometry, x, y)
        z[i0:i1, j0:j1] = np.where(held, row.a * x + row.b * y + row.c, z[i0:i1, j0:j1])
    x = west + (np.arange(cols) + 0.5) * cell
    y = north - (np.arange(rows) + 0.5) * cell
    rng = np.random.default_rng(seed)
    for tx, ty, radius, height in trees:
        away = np.hypot(x[None, :] - tx, y[:, None] - ty)
        crown = height - 0.5 * away**2 / radius + rng.normal(0, 0.4, z.shape)
        z = np.where(away < radius, np.maximum(z, crown), z)
    if smooth > 0:
        z = gaussian_filter(z, smooth / cell)
    noise = rng.standard_normal(z.shape)
    if grain > 0:
        noise = gaussian_filter(noise, grain / cell)
        noise /= noise.std()
    spike = (rng.random(z.shape) < outliers) * rng.choice([-1, 1], z.shape)
    return z + sigma * noise + spike * rng.uniform(0.5, 4.0, z.shape), west, north


def some_building(rng, kind):
    """Bodies of a building of a kind, of a size that villages have."""
    width, depth = rng.uniform(9, 14), rng.uniform(7.5, 10.5)
    tilt, eave = rng.uniform(18, 42), rng.uniform(5, 10)
    rise = np.tan(np.radians(tilt))
    if kind == "gable":
        return [gable(width, depth, tilt, eave)]
    if kind == "hip":
        return [hip(width, depth, tilt, eave)]
    if kind == "shed":
        return [shed(rng.uniform(4, 9), rng.uniform(3.5, 6), rng.uniform(6, 20), 3.0)]
    if kind == "flat":
        return [flat(width, depth, eave)]
    if kind == "l":
        wing = rng.uniform(4.5, 6.5)
        return [
            gable(width, depth, tilt, eave),
            cross_gable(wing, depth + rng.uniform(5, 8), tilt, eave, x=width - wing),
        ]
    if kind == "t":
        wing = rng.uniform(4.5, 6.0)
        return [
            gable(width, depth, tilt, eave),
            cross_gable(wing, depth + 5.0, tilt, eave, x=(width - wing) / 2, y=-5.0),
        ]
    if kind == "dormer":
        side, deep = rng.uniform(2.2, 3.2), rng.uniform(2.0, depth / 2 - 1.0)
        sill = eave + rise * (depth / 2 - deep)
        top = sill + rng.uniform(1.2, 1.6)
        return [
            gable(width, depth, tilt, eave),
            shed(side, deep, 8.0, top, x=width / 2 - side / 2, y=depth / 2 - deep),
        ]
    if kind == "terrace":
        return [gable(width * 2, depth, tilt, eave)]
    if kind == "split":
        return [
            gable(width, depth, tilt, eave),
            flat(3.5, depth, eave - 2.5, x=width),
        ]
    if kind == "narrow":
        return [shed(12.0, rng.uniform(2.2, 3.0), 12.0, 3.0)]
    raise ValueError(kind)


KINDS = ("gable", "hip", "shed", "flat", "l", "t", "dormer", "terrace", "split", "narrow")


def mixed_village(count, *, seed=0, kinds=KINDS):
    """True planes of a village of mixed roofs, turned at random."""
    rng = np.random.default_rng(seed)
    buildings = [some_building(rng, kinds[k % len(kinds)]) for k in range(count)]
    return village(buildings, turns=rng.uniform(0, 90, count))


def wide_village(count, *, seed=0):
    """True planes of roofs that no prior of the product describes: shares, tilts, sizes."""
    rng = np.random.default_rng(seed)
    buildings = []
    for _ in range(count):
        kind = rng.choice(["gable", "hip", "flat", "shed", "l"], p=[0.5, 0.16, 0.18, 0.07, 0.09])
        width, depth = np.exp(rng.normal(np.log([11, 8]), [0.28, 0.22]))
        tilt = float(np.clip(rng.normal(29, 8), 8, 55))
        if rng.random() < 0.15:
            width, depth = width * 0.45, depth * 0.5
        along = gable if rng.random() < 0.8 else cross_gable
        bodies = {
            "gable": lambda: [along(width, depth, tilt, 5)],  # noqa: B023
            "hip": lambda: [hip(width, depth, tilt, 5)],  # noqa: B023
            "flat": lambda: [flat(width, depth, 6)],  # noqa: B023
            "shed": lambda: [shed(width, depth, min(tilt, 25), 4)],  # noqa: B023
            "l": lambda: [gable(width, depth, tilt, 5),  # noqa: B023
                          cross_gable(width * 0.45, depth + 5, tilt, 5, x=width * 0.55)],  # noqa: B023
        }[kind]()  # fmt: skip
        buildings.append(bodies)
    planes = village(buildings, turns=rng.uniform(0, 180, count), spacing=50.0)
    planes["geometry"] = shapely.set_precision(shapely.make_valid(planes.geometry.values), 1e-4)
    return planes[planes.geometry.geom_type == "Polygon"].reset_index(drop=True)


def row_village(rng, *, rows=4, houses=6, gap=22.0):
    """True planes of rows of attached houses, some a step higher than their neighbours."""
    turn, found = rng.uniform(0, 90), []
    for r in range(rows):
        width, depth = rng.uniform(5, 8), rng.uniform(8, 10)
        tilt, eave = rng.uniform(18, 35), rng.uniform(5, 8)
        for k in range(houses):
            body = gable(width, depth, tilt, eave + rng.choice([0, 0, 0.8]))
            for (a, b, c), shape in partition([body]):
                beside = affinity.translate(shape, k * width, r * gap)
                plane = (a, b, c - a * k * width - b * r * gap)
                (u, v, w), moved = _placed(plane, beside, turn, *ORIGIN)
                slope = np.hypot(u, v)
                found.append({
                    "building_id": f"R{r}{k}", "surface_tilt": np.degrees(np.arctan(slope)),
                    "surface_azimuth": np.degrees(np.arctan2(-u, -v)) % 360,
                    "area_m2": moved.area * np.sqrt(1 + slope**2),
                    "a": u, "b": v, "c": w, "geometry": moved,
                })  # fmt: skip
    return gpd.GeoDataFrame(found, geometry="geometry", crs=CRS)


def write(path, heights, west, north, cell=0.5):
    """A surface model as a GeoTIFF; unknown cells are nodata."""
    import rasterio
    from rasterio.transform import Affine

    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="float32", crs=CRS, nodata=-9999,
        width=heights.shape[1], height=heights.shape[0],
        transform=Affine(cell, 0, west, 0, -cell, north),
    ) as out:  # fmt: skip
        out.write(np.nan_to_num(heights, nan=-9999).astype("float32"), 1)
    return path
