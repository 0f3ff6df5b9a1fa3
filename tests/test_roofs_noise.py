"""Noise that errs in clods: whole roofs against free planes; what stays when nothing is sure."""

from __future__ import annotations

import sys

import geopandas as gpd
import made_roofs as made
import numpy as np
import pytest
import shapely
from conftest import SHARED
from test_roofs_seen import matched

import pvplanner as pvp
from pvplanner.roofs.describing import free_nats, plane_cost
from pvplanner.roofs.joining import join_described
from pvplanner.roofs.noise import Noise
from pvplanner.roofs.regions import robust_planes
from pvplanner.roofs.sunlit import relative_irradiation
from pvplanner.roofs.templates import fit_templates, narrow_side
from pvplanner.roofs.valleys import Body, below, run_on

CLODS = {"sigma": 0.10, "smooth": 0.5, "grain": 1.0, "outliers": 0.01}
GRAINY = Noise(0.10, 0.07, 2, 8.0, 1.0)
CLEAR = Noise(0.05, 0.05, 0, 1.0, 0.0)


def window(bodies, *, cell=0.5, **profile):
    """Heights about a building, its cells, and its outline relative to the window's middle."""
    # Turned, so that no hip runs through the middles of cells: those would be in neither plane.
    truth = made.village([bodies], turns=[17.0])
    heights, west, north = made.surface(truth, cell=cell, seed=2, **profile)
    whole = shapely.union_all(np.asarray(truth.geometry)).buffer(0.01).buffer(-0.01)
    rows, cols = heights.shape
    x = west + (np.arange(cols) + 0.5) * cell
    y = north - (np.arange(rows) + 0.5) * cell
    inside = shapely.contains_xy(whole, *np.meshgrid(x, y))
    middle = west + (cols / 2 + 0.5) * cell, north - (rows / 2 + 0.5) * cell
    return heights, inside, shapely.affinity.translate(whole, -middle[0], -middle[1]), cell


def tilts(fit):
    return sorted(np.degrees(np.arctan(np.hypot(fit.planes[1:, 0], fit.planes[1:, 1]))).round(1))


@pytest.mark.parametrize(("bodies", "expected"), [
    ([made.gable(12, 9, 28, 5)], [28, 28]),
    ([made.cross_gable(12, 9, 28, 5)], [28, 28]),
    ([made.hip(13, 9, 24, 5)], [24] * 4),
    ([made.flat(12, 9, 6)], [0]),
    ([made.shed(9, 6, 14, 3)], [14]),
])  # fmt: skip
@pytest.mark.parametrize(("noise", "profile"), [
    (CLEAR, {"sigma": 0.02}), (Noise(0.05, 0.05, 2, 1.0, 1.0), {"sigma": 0.02, "smooth": 0.5}),
])  # fmt: skip
def test_shapes_come_back_whole(bodies, expected, noise, profile):
    """Also from heights that are blurred over their walls: the walls' fall is part of the shape."""
    heights, inside, outline, cell = window(bodies, **profile)
    fit = fit_templates(heights, inside, outline, cell, noise)
    assert tilts(fit) == pytest.approx(expected, abs=1.0)
    areas = sum(area.area for area in fit.outlines)
    assert areas == pytest.approx(outline.area, rel=1e-6)
    assert set(np.unique(fit.labels[inside])) == set(range(1, len(expected) + 1))
    assert (fit.labels[~inside] == 0).all()


def test_a_wing_has_a_roof_of_its_own():
    bodies = [made.gable(14, 8, 30, 5), made.cross_gable(6, 15, 30, 5, x=8.0)]
    heights, inside, outline, cell = window(bodies, sigma=0.03)
    fit = fit_templates(heights, inside, outline, cell, CLEAR)
    assert len(fit.outlines) == 4
    assert tilts(fit) == pytest.approx([30] * 4, abs=2.5)


def test_a_wing_runs_on_into_the_roof_it_meets():
    """Valleys lie where both are equally high: the triangle in the main roof is the wing's."""
    bodies = [made.gable(14, 8, 30, 5), made.cross_gable(6, 15, 30, 5, x=8.0)]
    heights, inside, outline, cell = window(bodies, sigma=0.03)
    fit = fit_templates(heights, inside, outline, cell, CLEAR)
    true = {}
    for plane, shape in made.partition(bodies):
        true[plane] = true.get(plane, 0.0) + shape.area
    found = sorted(area.area for area in fit.outlines)
    assert found == pytest.approx(sorted(true.values()), rel=0.06)
    assert sum(area.area for area in fit.outlines) == pytest.approx(outline.area, rel=1e-3)
    assert shapely.union_all(fit.outlines).area == pytest.approx(outline.area, rel=1e-3)


def hall_and_wing(wing_slope=0.5, wing_eave=5.0):
    """A level hall of 20 by 10 m with a gable of 6 by 5 m before its front, ridge across."""
    hall = Body(shapely.box(0, 0, 20, 10), np.array([[0.0, 0.0, 5.5]]), 5.5,
                [shapely.box(0, 0, 20, 10)])  # fmt: skip
    s = wing_slope
    planes = np.array([[s, 0.0, wing_eave - 7 * s], [-s, 0.0, wing_eave + 13 * s]])
    halves = [shapely.box(7, -5, 10, 0), shapely.box(10, -5, 13, 0)]
    return hall, Body(shapely.box(7, -5, 13, 0), planes, wing_eave, halves)


@pytest.mark.parametrize("reaches", [True, False])
def test_heights_decide_whether_a_wing_runs_on(reaches):
    """Above 5.5 m the gable's middle four metres stand over the hall, if they are there at all."""
    hall, wing = hall_and_wing()
    x, y = (
        part.ravel() for part in np.meshgrid(np.arange(0.25, 20, 0.5), np.arange(-4.75, 10, 0.5))
    )
    gable = np.minimum(5 + 0.5 * (x - 7), 5 + 0.5 * (13 - x))
    z = np.where(y < 0, gable, np.maximum(gable, 5.5) if reaches else 5.5)
    hall_after, wing_after = run_on([hall, wing], x, y, z)
    moved = 2 * 2 * 10.0 if reaches else 0.0
    assert hall_after.outlines[0].area == pytest.approx(200 - moved)
    assert [area.area for area in wing_after.outlines] == pytest.approx([15 + moved / 2] * 2)
    # What is given is not taken from the bodies that came in.
    assert hall.outlines[0].area == 200


def test_of_unknown_heights_no_wing_runs_on():
    hall, wing = hall_and_wing()
    nothing = np.zeros(0)
    assert run_on([hall, wing], nothing, nothing, nothing)[0].outlines[0].area == 200


@pytest.mark.parametrize(("plane", "other", "inside", "outside"), [
    ([0.5, 0.0, 1.0], np.array([0.0, 0.0, 2.0]), (1.9, 7.0), (2.1, 7.0)),
    ([0.0, -1.0, 0.0], 3.0, (0.0, -2.9), (0.0, -3.1)),
])  # fmt: skip
def test_where_a_plane_is_below_another(plane, other, inside, outside):
    half = below(np.array(plane), other)
    assert shapely.contains_xy(half, *inside)
    assert not shapely.contains_xy(half, *outside)


def test_of_parallel_planes_one_is_below_everywhere():
    level = np.array([0.0, 0.0, 2.0])
    assert below(level, 3.0).area > 1e6
    assert below(level, 1.0).is_empty


def test_of_too_few_cells_nothing_is_made():
    heights, inside, outline, cell = window([made.flat(1.4, 1, 5)], sigma=0.03)
    assert fit_templates(heights, inside, outline, cell, CLEAR) is None


def test_noise_does_not_raise_a_level_roof():
    found = []
    for seed in range(12):
        truth = made.village([[made.flat(9, 7, 6)]])
        heights, west, north = made.surface(truth, seed=seed, **CLODS)
        shape = truth.geometry.iloc[0]
        rows, cols = heights.shape
        x, y = west + (np.arange(cols) + 0.5) * 0.5, north - (np.arange(rows) + 0.5) * 0.5
        inside = shapely.contains_xy(shape, *np.meshgrid(x, y))
        outline = shapely.affinity.translate(shape, -(west + (cols / 2 + 0.5) * 0.5),
                                             -(north - (rows / 2 + 0.5) * 0.5))  # fmt: skip
        fit = fit_templates(heights, inside, outline, 0.5, GRAINY)
        found.append(max(tilts(fit)))
    assert np.mean(np.array(found) < 8) >= 0.8


def test_the_narrowest_wing_counts():
    ell = shapely.union_all([shapely.box(0, 0, 14, 8), shapely.box(10, 0, 14, 16)])
    assert narrow_side(ell) == pytest.approx(4, abs=0.1)
    assert narrow_side(shapely.box(0, 0, 14, 8)) == pytest.approx(8)
    assert narrow_side(shapely.union_all([shapely.box(0, 0, 14, 8), shapely.box(6, 8, 7, 9)])) == (
        pytest.approx(8, abs=1.1)
    )


def two_halves(step=0.0, bend=0.0):
    """A level roof labelled as two halves, the second higher by a step or bent."""
    rng = np.random.default_rng(3)
    heights = rng.normal(0, 0.05, (30, 40))
    x = (np.arange(40) - 20) * 0.5
    heights[:, 20:] += step + bend * x[None, 20:]
    labels = np.zeros((30, 40), dtype=np.int64)
    labels[4:26, 4:20], labels[4:26, 20:36] = 1, 2
    planes = robust_planes(heights, labels > 0, labels, np.int64(3), 0.5, 0.05, np.int64(0))
    return heights, labels, planes, labels > 0


@pytest.mark.parametrize(("step", "bend", "count"), [
    (0.0, 0.0, 1), (0.08, 0.0, 1), (0.0, 0.02, 1), (1.0, 0.0, 2), (0.0, 0.5, 2),
])  # fmt: skip
def test_planes_that_noise_has_cut_are_joined(step, bend, count):
    heights, labels, planes, ok = two_halves(step, bend)
    joined, fits = join_described(heights, labels, planes, ok, 0.5, GRAINY)
    assert len(np.unique(joined[joined > 0])) == count
    assert len(fits) == count + 1
    if count == 1:
        assert (joined > 0).sum() == (labels > 0).sum()
        assert fits[1, 0] == pytest.approx(0, abs=0.03)
    else:
        assert joined is labels


def test_more_planes_cost_more_and_misfit_costs_too():
    heights, labels, planes, ok = two_halves(1.0)
    assert free_nats(labels, ok, GRAINY) > free_nats((labels > 0).astype(np.int64), ok, GRAINY)
    apart = plane_cost(heights, labels, planes, ok, 0.5, GRAINY)
    wrong = plane_cost(heights + 0.4, labels, planes, ok, 0.5, GRAINY)
    nowhere = plane_cost(heights, labels * 0, planes, ok, 0.5, GRAINY)
    assert apart < wrong < nowhere


# --- villages in matched images -------------------------------------------------------------------


def energy(planes):
    azimuth = planes["grid_azimuth"] if "grid_azimuth" in planes else planes["surface_azimuth"]
    sun = relative_irradiation(planes["surface_tilt"], azimuth, 30.0)
    return (planes["usable_area_m2"] * sun).groupby(planes["building_id"]).sum()


def compared(truth, outlines, dsm, folder):
    """Energy of houses as seen and as they are; and which of them carry modules."""
    path = folder / "truth.gpkg"
    truth[["building_id", "surface_tilt", "surface_azimuth", "geometry"]].to_file(path)
    true = energy(pvp.model_roofs(made.footprints(truth), planes=path))
    planes = pvp.model_roofs(outlines, dsm=dsm)
    seen = energy(planes).reindex(true.index).fillna(0.0)
    return planes, seen, true


@pytest.mark.parametrize("seed", [1, 2])
def test_matched_images_show_villages(tmp_path, seed):
    truth = made.mixed_village(60, seed=seed)
    dsm = made.write(tmp_path / "d.tif", *made.surface(truth, seed=seed, **CLODS))
    outlines = made.footprints(truth, shift=0.5, seed=seed)
    planes, seen, true = compared(truth, outlines, dsm, tmp_path)
    rows = matched(planes, truth)
    assert np.mean([overlap > 0.5 for _, _, overlap in rows]) > 0.95
    assert seen.sum() == pytest.approx(true.sum(), rel=0.04)
    # Four modules need some eleven square metres: no house that has them gets nothing.
    assert not ((true > 12) & (seen < 6)).any()


@pytest.mark.skipif(not (SHARED / "tools").is_dir(), reason="needs ../shared")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_selfkant_in_matched_images(tmp_path, monkeypatch, seed):
    monkeypatch.syspath_prepend(str(SHARED / "tools"))
    import make_dsm
    from score_planes import score

    source = SHARED / "data" / "selfkant" / "roof_planes.geojson"
    options = ["--smooth", "0.5", "--sigma", "0.10", "--corr", "1.0", "--outliers", "0.01",
               "--shift", "0.5", "--seed", str(seed)]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["make_dsm", str(source), str(tmp_path / "s"), *options])
    make_dsm.main()
    truth = gpd.read_file(tmp_path / "s_truth.gpkg")
    outlines = gpd.read_file(tmp_path / "s_footprints.gpkg")
    planes, seen, true = compared(truth, outlines, tmp_path / "s_dsm.tif", tmp_path)
    got = score(planes.assign(surface_azimuth=planes["grid_azimuth"]), truth)
    assert got["f1"] >= 0.90
    assert seen.sum() == pytest.approx(true.sum(), rel=0.04)
    assert not ((true > 12) & (seen < 6)).any()


def test_doubt_widens_a_roof_and_takes_nothing_from_its_middle(tmp_path):
    truth = made.mixed_village(20, seed=4, kinds=("gable", "hip"))
    spans = {}
    for name, profile in (("clear", {"sigma": 0.05}), ("clods", CLODS)):
        dsm = made.write(tmp_path / f"{name}.tif", *made.surface(truth, seed=4, **profile))
        planes = pvp.model_roofs(made.footprints(truth), dsm=dsm)
        unsure = planes[planes["confidence"] < 0.5]
        low = (unsure["usable_area_low_m2"] / unsure["usable_area_m2"]).mean()
        spans[name] = (planes["confidence"].mean(), low)
        assert (planes["usable_area_m2"][planes["area_m2"] > 15] > 0).all()
    assert spans["clods"][0] < spans["clear"][0]
