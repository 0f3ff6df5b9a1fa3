"""One offset for the village, then each house about it: found, said, and what it changes."""

from __future__ import annotations

import geopandas as gpd
import made_roofs as made
import numpy as np
import pytest
import shapely
from helps import codes
from shapely import affinity

import pvplanner as pvp
from pvplanner.roofs.offsets import FURTHEST_M, Offset, settle, village_offset
from pvplanner.roofs.sunlit import relative_irradiation
from pvplanner.roofs.windows import outlines_of
from pvplanner.terrain import open_raster


def truth_of(kind, rng):
    if kind == "row":
        return made.row_village(rng)
    kinds = [made.some_building(rng, ("gable", "hip", "flat", "l")[k % 4]) for k in range(24)]
    return made.village(kinds, spacing=22.0, turns=rng.uniform(0, 90, 24))


def surface(truth, path, rng, *, slope=0.0, noise=None):
    options = noise or {"sigma": 0.05, "smooth": 0.2}
    heights, west, north = made.surface(truth, seed=int(rng.integers(1e6)), margin=20, **options)
    east = west + (np.arange(heights.shape[1]) + 0.5) * 0.5
    return made.write(path, heights + slope * (east - east.mean()), west, north)


def shifted(outlines, east, north):
    """Outlines that must be moved by ``east`` and ``north`` to lie on their houses."""
    moved = [affinity.translate(shape, -east, -north) for shape in outlines.geometry]
    return outlines.set_geometry(gpd.GeoSeries(moved, crs=outlines.crs))


def found(outlines, path):
    shapes = np.asarray(outlines.geometry)
    held = outlines_of(shapes)
    with open_raster(path, outlines.crs) as raster:
        rings = [held.of(k) for k in range(len(shapes))]
        return village_offset(raster, rings, shapely.area(shapes))


def trial(seed, kind, folder):
    """How far the offset that is used lies from the true one, and whether a miss is said."""
    rng = np.random.default_rng(seed)
    truth = truth_of(kind, rng)
    path = surface(truth, folder / "d.tif", rng, slope=rng.choice([0, 0, 0.1, 0.25]))
    size, way = rng.uniform(0, 5), 2 * np.pi * rng.integers(8) / 8
    east, north = size * np.sin(way), size * np.cos(way)
    offset = found(shifted(made.footprints(truth), east, north), path)
    off = float(np.hypot(offset.used[0] - east, offset.used[1] - north))
    fits = off <= 0.15 or (size < 0.25 and offset.used == (0.0, 0.0))
    return fits, fits or offset.size >= 0.5


@pytest.mark.parametrize(("kind", "share"), [("detached", 0.95), ("row", 0.85)])
def test_offsets_of_villages_are_found(tmp_path, kind, share):
    results = [trial(seed, kind, tmp_path) for seed in range(20)]
    assert np.mean([fits for fits, _ in results]) >= share
    assert all(said for _, said in results)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "share"), [("detached", 0.95), ("row", 0.85)])
def test_offsets_of_many_villages_are_found(tmp_path, kind, share):
    results = [trial(seed, kind, tmp_path) for seed in range(1000, 1300)]
    assert np.mean([fits for fits, _ in results]) >= share
    assert np.mean([said for _, said in results]) >= 0.99


def energy(planes, latitude=29.7):
    sun = relative_irradiation(planes["surface_tilt"], planes["grid_azimuth"], latitude)
    return float((planes["usable_area_m2"] * sun).sum())


@pytest.mark.parametrize("kind", ["detached", "row"])
@pytest.mark.parametrize(("east", "north"), [(1.0, 0.0), (-2.6, 1.5), (0.0, -4.6), (3.4, 3.4)])
def test_a_village_yields_what_it_does_without_an_offset(tmp_path, kind, east, north):
    rng = np.random.default_rng(5)
    truth = truth_of(kind, rng)
    path = surface(truth, tmp_path / "d.tif", rng)
    outlines = made.footprints(truth)
    at_home = pvp.model_roofs(outlines, dsm=path)
    moved = pvp.model_roofs(shifted(outlines, east, north), dsm=path)
    assert energy(moved) == pytest.approx(energy(at_home), rel=0.015)
    assert len(moved) == pytest.approx(len(at_home), abs=1)
    told = next(f for f in moved.attrs["findings"] if f.code == "surface_moved")
    assert float(told.params["east"]) == pytest.approx(east, abs=0.15)
    assert float(told.params["north"]) == pytest.approx(north, abs=0.15)
    used = moved[moved["source"] == "dsm"]
    assert used["offset_east_m"].median() == pytest.approx(east, abs=0.2)
    assert "surface_moved" not in codes(at_home.attrs["findings"])


@pytest.mark.parametrize("noise", [None, {"sigma": 0.10, "smooth": 0.5, "grain": 1.0}])
def test_an_offset_beyond_reach_is_said_and_not_used(tmp_path, noise):
    rng = np.random.default_rng(6)
    truth = truth_of("detached", rng)
    path = surface(truth, tmp_path / "d.tif", rng, noise=noise)
    offset = found(shifted(made.footprints(truth), 6.5, 0.0), path)
    assert offset.apart
    assert offset.used == (0.0, 0.0)
    assert offset.east == pytest.approx(6.5, abs=0.3)
    planes = pvp.model_roofs(shifted(made.footprints(truth), 6.5, 0.0), dsm=path)
    assert "surface_shifted" in codes(planes.attrs["findings"])
    assert set(planes["source"]) == {"typology"}
    assert set(planes["source_reason"]) == {"shifted"}


def test_each_house_settles_about_the_villages_offset(tmp_path):
    rng = np.random.default_rng(7)
    truth = truth_of("detached", rng)
    path = surface(truth, tmp_path / "d.tif", rng)
    outlines = made.footprints(truth)
    own = rng.normal(0, 0.35, (len(outlines), 2))
    moved = [affinity.translate(s, -3.0 - u, 2.0 - v)
             for s, (u, v) in zip(outlines.geometry, own, strict=True)]  # fmt: skip
    planes = pvp.model_roofs(
        outlines.set_geometry(gpd.GeoSeries(moved, crs=outlines.crs)), dsm=path
    )
    told = planes.groupby("building_id")[["offset_east_m", "offset_north_m"]].first()
    error = np.hypot(told["offset_east_m"] - 3.0 - own[:, 0],
                     told["offset_north_m"] + 2.0 - own[:, 1])  # fmt: skip
    assert error.mean() < 0.2


def test_of_too_few_houses_and_of_none_there_is_no_offset(tmp_path):
    rng = np.random.default_rng(8)
    truth = truth_of("detached", rng)
    path = surface(truth, tmp_path / "d.tif", rng)
    outlines = shifted(made.footprints(truth), 3.0, 0.0)
    few = found(outlines.iloc[:3], path)
    assert (few.size, few.houses) == (0.0, 3)
    away = outlines.set_geometry(outlines.translate(5000, 0))
    assert found(away, path) == Offset()


def test_a_level_place_shows_no_offset(tmp_path):
    rng = np.random.default_rng(9)
    truth = truth_of("detached", rng)
    heights, west, north = made.surface(truth, sigma=0.05, seed=1, margin=20)
    made.write(tmp_path / "d.tif", heights * 0 + rng.normal(0, 0.05, heights.shape), west, north)
    offset = found(made.footprints(truth), tmp_path / "d.tif")
    assert offset.size == 0
    assert offset.there < 0.25


def test_what_is_used_and_said_of_an_offset():
    assert Offset(3.0, 0.0, 9, 0.2, 1.5).used == (3.0, 0.0)
    assert not Offset(3.0, 0.0, 9, 0.2, 1.5).apart
    assert Offset(3.0, 0.0, 9, 0.2, 1.5, sure=False).used == (0.0, 0.0)
    assert Offset(3.0, 0.0, 9, 0.2, 1.5, sure=False).apart
    assert Offset(0.0, FURTHEST_M + 0.1).used == (0.0, 0.0)
    assert not Offset().apart


def test_a_move_is_told_from_an_overhang():
    """Falls half a metre outside all four walls are eaves; on one side more, a move."""
    sides = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]] * 10, dtype=float)
    found_ = np.column_stack([sides, np.full(40, 0.5), np.ones(40), np.ones(40)])
    east, north, width, off = settle(found_, 0.5, 0.15)
    assert np.hypot(east, north) < 0.01
    assert width == 1
    found_[:, 2] = sides @ np.array([0.8, -0.3])
    east, north, *_ = settle(found_, 0.5, 0.15)
    assert (east, north) == (pytest.approx(0.8, abs=0.05), pytest.approx(0.3, abs=0.05))
    assert off < 0.5
    assert np.isnan(settle(found_[:3], 0.5, 0.15)[2])
