"""No building stops a village, nothing unsure becomes nothing, no height is no plane."""

from __future__ import annotations

import geopandas as gpd
import made_roofs as made
import numpy as np
import pandas as pd
import pytest
import shapely
from helps import codes, rarely
from shapely import affinity
from villages import box, frame

import pvplanner as pvp
from pvplanner.roofs import measured

PROFILES = (
    {"sigma": 0.05},
    {"sigma": 0.05, "smooth": 0.3, "outliers": 0.002},
    {"sigma": 0.10, "smooth": 0.5, "grain": 1.0, "outliers": 0.01},
)


def parts(shape):
    one, two = affinity.scale(shape, 0.4, 0.4), affinity.scale(shape, 0.3, 0.3)
    return shapely.MultiPolygon([affinity.translate(one, -3, 0), affinity.translate(two, 4, 1)])


def spike(shape):
    corner, far = shape.exterior.coords[0], (shape.bounds[2] + 30, shape.bounds[3] + 30)
    return shapely.Polygon([corner, far, *shape.exterior.coords])


def crossed(shape):
    west, south, east, north = shape.bounds
    return shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])


SPOILT = {
    "two parts": parts,
    "a hole": lambda s: s.difference(s.centroid.buffer(1.0)),
    "a court": lambda s: s.difference(affinity.scale(s, 0.5, 0.5)),
    "a sliver": lambda s: shapely.box(*s.bounds[:2], s.bounds[0] + 0.2, s.bounds[3]),
    "far away": lambda s: affinity.translate(s, 5000, 0),
    "a spike": spike,
    "no area": lambda s: shapely.Polygon([s.bounds[:2], s.bounds[2:], s.bounds[:2]]),
    "empty": lambda _: shapely.Polygon(),
    "nothing": lambda _: None,
    "crossed": crossed,
    "a dot": lambda s: s.centroid.buffer(0.05),
    "a line": lambda s: shapely.box(*s.bounds[:2], s.bounds[0] + 0.001, s.bounds[3]),
    "twins": None,
    "no heights": None,
}
KEPT = ["plane_id", "surface_tilt", "surface_azimuth", "area_m2", "usable_area_m2",
        "usable_area_low_m2", "usable_area_high_m2", "confidence", "elevation_m", "offset_east_m",
        "source", "source_reason"]  # fmt: skip


def spoil(kind, buildings, row, surface, folder):
    """The buildings with one spoilt, and the surface model that goes with them."""
    heights, west, north = surface
    if kind == "twins":
        twin = buildings.iloc[[row]].assign(building_id="TWIN")
        return pd.concat([buildings, twin], ignore_index=True), folder / "sound.tif"
    if kind == "no heights":
        left, low, right, top = buildings.geometry.iloc[row].bounds
        bare = heights.copy()
        bare[int((north - top) / 0.5) - 1 : int((north - low) / 0.5) + 1,
             int((left - west) / 0.5) - 1 : int((right - west) / 0.5) + 1] = np.nan  # fmt: skip
        return buildings, made.write(folder / "bare.tif", bare, west, north)
    shapes = np.array(buildings.geometry, dtype=object)
    shapes[row] = SPOILT[kind](shapes[row])
    return buildings.set_geometry(gpd.GeoSeries(shapes, crs=buildings.crs)), folder / "sound.tif"


def others_stay(seed, folder):
    """Whether a spoilt building changes no other's planes, to the last digit."""
    rng, kind = np.random.default_rng(seed), list(SPOILT)[seed % len(SPOILT)]
    kinds = tuple(rng.permutation(made.KINDS))
    truth = made.mixed_village(int(rng.integers(6, 14)), seed=seed, kinds=kinds)
    surface = made.surface(truth, seed=seed, **PROFILES[seed % 3])
    made.write(folder / "sound.tif", *surface)
    buildings = made.footprints(truth)
    row = int(rng.integers(len(buildings)))
    odd, dsm = spoil(kind, buildings, row, surface, folder)
    seen = seed % 4 > 0
    sound = pvp.model_roofs(buildings, dsm=folder / "sound.tif" if seen else None)
    spoilt = pvp.model_roofs(odd, dsm=dsm if seen else None)
    apart = {buildings["building_id"].iloc[row], "TWIN"}
    one, two = (table[~table["building_id"].isin(apart)][KEPT].reset_index(drop=True)
                for table in (sound, spoilt))  # fmt: skip
    pd.testing.assert_frame_equal(one, two, check_exact=True, obj=f"seed {seed}, {kind}")
    told = " ".join(str(f.params.get("ids", "")) for f in spoilt.attrs["findings"])
    mine = buildings["building_id"].iloc[row]
    assert (spoilt["building_id"] == mine).any() or mine in told, (seed, kind)
    assert "surface_failed" not in codes(spoilt.attrs["findings"]), (seed, kind)


@pytest.mark.parametrize("seed", rarely(range(42), range(10)))
def test_one_spoilt_building_changes_nobody_else(tmp_path, seed):
    others_stay(seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_a_thousand_villages_with_one_spoilt_building(tmp_path, block):
    for seed in range(100 + 50 * block, 150 + 50 * block):
        others_stay(seed, tmp_path)


def test_what_fails_in_one_roof_is_said_and_stops_nobody(tmp_path, monkeypatch):
    truth = made.mixed_village(6, seed=2, kinds=("gable",))
    made.write(tmp_path / "d.tif", *made.surface(truth, seed=2))
    buildings = made.footprints(truth)
    sound = pvp.model_roofs(buildings, dsm=tmp_path / "d.tif")
    find, calls = measured._roof, []

    def breaks(window, moved, noise):
        calls.append(1)
        if len(calls) == 3:
            raise IndexError("out of bounds")
        return find(window, moved, noise)

    monkeypatch.setattr(measured, "_roof", breaks)
    planes = pvp.model_roofs(buildings, dsm=tmp_path / "d.tif")
    failed = planes[planes["source_reason"] == "failed"]
    assert failed["building_id"].nunique() == 1
    assert set(failed["source"]) == {"typology"}
    assert failed["building_id"].iloc[0] in planes.attrs["findings"][-1].params["ids"]
    kept = planes[planes["source"] == "dsm"]["plane_id"]
    same = sound[sound["plane_id"].isin(kept)]["area_m2"].to_numpy()
    assert planes[planes["source"] == "dsm"]["area_m2"].to_numpy() == pytest.approx(same, abs=0)


def test_without_any_building_there_is_a_table():
    nobody = pvp.model_roofs(frame([box(0, 0, 12, 8)]).iloc[:0])
    assert nobody.empty
    bare = pvp.model_roofs(frame([shapely.Polygon()]))
    assert bare.empty
    assert codes(bare.attrs["findings"]) == ["roofs_no_area"]
    assert bare["usable_area_m2"].dtype == float


@pytest.mark.parametrize("gap", [2.0, 6.0, 20.0])
def test_an_outline_of_two_boxes_has_two_roofs(tmp_path, gap):
    truth = made.village([[made.flat(12, 10, 6), made.flat(12, 10, 7, x=12 + gap)]])
    made.write(tmp_path / "d.tif", *made.surface(truth, sigma=0.03, seed=1))
    planes = pvp.model_roofs(made.footprints(truth), dsm=tmp_path / "d.tif")
    assert planes["area_m2"].tolist() == pytest.approx([120, 120], rel=0.01)
    assert planes["surface_tilt"].tolist() == [0, 0]
    assert sorted(planes["elevation_m"]) == pytest.approx([6, 7], abs=0.05)


# --- no height is no plane ------------------------------------------------------------------------


def half_known(folder, body, north=None, east=None):
    """A house whose heights end at a share of its depth or width."""
    others = [[made.gable(12, 10, 25, 6)] for _ in range(5)]
    truth = made.village([[body], *others])
    heights, west, top = made.surface(truth, sigma=0.03, seed=1)
    left, low, right, high = made.footprints(truth).geometry.iloc[0].bounds
    if north is not None:
        last = int((top - low - (high - low) * north) / 0.5)
        heights[:last, : int((right + 4 - west) / 0.5)] = np.nan
    if east is not None:
        first = int((left + (right - left) * east - west) / 0.5)
        heights[int((top - high) / 0.5) - 8 : int((top - low) / 0.5) + 8,
                first : int((right + 4 - west) / 0.5)] = np.nan  # fmt: skip
    made.write(folder / "d.tif", heights, west, top)
    planes = pvp.model_roofs(made.footprints(truth).iloc[[0, 1, 2, 3, 4, 5]], dsm=folder / "d.tif")
    return planes[planes["building_id"] == "B0000"], planes.attrs["findings"]


def test_half_a_gable_is_seen_and_half_is_guessed(tmp_path):
    planes, findings = half_known(tmp_path, made.gable(12, 10, 25, 6), north=0.5)
    seen, guessed = planes[planes["source"] == "dsm"], planes[planes["source"] == "typology"]
    half = 60 / np.cos(np.radians(25))
    assert seen["area_m2"].sum() == pytest.approx(half, rel=0.05)
    assert guessed["area_m2"].sum() == pytest.approx(half, rel=0.05)
    assert guessed["source_reason"].tolist() == ["part"]
    assert guessed["surface_tilt"].iloc[0] == pytest.approx(seen["surface_tilt"].iloc[0])
    assert abs(guessed["grid_azimuth"].iloc[0]) % 360 == pytest.approx(0, abs=2)
    assert "surface_part" in codes(findings)


@pytest.mark.parametrize("share", [0.35, 0.6, 0.8])
@pytest.mark.parametrize("kind", ["gable", "flat"])
def test_no_plane_reaches_beyond_its_heights(tmp_path, kind, share):
    body = made.gable(14, 10, 25, 6) if kind == "gable" else made.flat(14, 10, 6)
    planes, _ = half_known(tmp_path, body, east=share)
    seen = planes[planes["source"] == "dsm"]
    assert seen.geometry.area.sum() == pytest.approx(140 * share, abs=6)
    assert planes.geometry.area.sum() == pytest.approx(140, rel=0.05)


def test_what_a_tree_hides_is_guessed_and_no_crown_is_a_roof(tmp_path):
    truth = made.village([[made.gable(14, 10, 28, 6)] for _ in range(4)])
    middle = made.footprints(truth).geometry.iloc[0].centroid
    surface = made.surface(truth, sigma=0.03, seed=1, trees=[(middle.x - 3, middle.y, 5.0, 14.0)])
    made.write(tmp_path / "d.tif", *surface)
    planes = pvp.model_roofs(made.footprints(truth), dsm=tmp_path / "d.tif")
    mine = planes[planes["building_id"] == "B0000"]
    large = mine[mine["area_m2"] > 8]
    assert large["surface_tilt"].to_numpy() == pytest.approx(28, abs=2)
    assert set(large["source"]) == {"dsm", "typology"}
    assert mine.geometry.area.sum() == pytest.approx(140, rel=0.05)
    assert "B0000" in next(
        f.params["ids"] for f in planes.attrs["findings"] if f.code == "surface_part"
    )


def test_roofs_seen_with_little_confidence_are_named(tmp_path):
    truth = made.mixed_village(24, seed=4, kinds=("gable", "hip", "shed", "narrow"))
    clear = made.write(tmp_path / "c.tif", *made.surface(truth, seed=4, sigma=0.03))
    noisy = made.write(tmp_path / "n.tif", *made.surface(truth, seed=4, **PROFILES[2]))
    for dsm in (clear, noisy):
        planes = pvp.model_roofs(made.footprints(truth), dsm=dsm)
        seen = planes[planes["source"] == "dsm"]
        weight = seen.geometry.area
        mean = ((seen["confidence"] * weight).groupby(seen["building_id"]).sum()
                / weight.groupby(seen["building_id"]).sum())  # fmt: skip
        told = [f for f in planes.attrs["findings"] if f.code == "surface_unsure"]
        assert sum(f.count for f in told) == (mean < 0.25).sum()
    assert told
    assert told[0].count < 24


def test_a_hole_in_the_heights_of_one_plane_is_that_plane(tmp_path):
    truth = made.village([[made.flat(20, 16, 7)] for _ in range(4)])
    heights, west, north = made.surface(truth, sigma=0.03, seed=1)
    left, low, *_ = made.footprints(truth).geometry.iloc[0].bounds
    row, col = int((north - low - 10) / 0.5), int((left + 8 - west) / 0.5)
    heights[row : row + 8, col : col + 8] = np.nan
    made.write(tmp_path / "d.tif", heights, west, north)
    planes = pvp.model_roofs(made.footprints(truth), dsm=tmp_path / "d.tif")
    first = planes[planes["building_id"] == "B0000"]
    assert first["area_m2"].tolist() == pytest.approx([320], rel=0.01)


# --- cells that are too large for a roof ----------------------------------------------------------


def averaged(truth, folder, cell, seed=0):
    """A surface model whose cells are means over what they hold."""
    fine = 0.1
    side = round(cell / fine)
    heights, west, north = made.surface(truth, cell=fine, sigma=0.0, seed=seed)
    rows, cols = (n // side * side for n in heights.shape)
    mean = heights[:rows, :cols].reshape(rows // side, side, cols // side, side).mean(axis=(1, 3))
    mean += np.random.default_rng(seed).normal(0, 0.05, mean.shape)
    return made.write(folder / f"c{cell}.tif", mean, west, north, cell)


@pytest.mark.parametrize("cell", [1.0, 1.2, 1.5])
@pytest.mark.parametrize("seed", [1, 2])
def test_coarse_cells_show_a_tilt_or_nothing(tmp_path, cell, seed):
    truth = made.mixed_village(30, seed=seed, kinds=("gable", "hip", "flat", "l", "shed"))
    planes = pvp.model_roofs(made.footprints(truth), dsm=averaged(truth, tmp_path, cell, seed))
    seen = planes[planes["source"] == "dsm"]
    mean = [table.groupby("building_id").apply(
        lambda t: np.average(t["surface_tilt"], weights=t["area_m2"]), include_groups=False)
        for table in (seen, truth)]  # fmt: skip
    off = (mean[0] - mean[1]).dropna().abs()
    assert len(off) >= (10 if cell < 1.5 else 5)
    assert (off <= 3).mean() >= (0.95 if cell <= 1.0 else 1.0)
    refused = planes[planes["source"] == "typology"]
    assert set(refused["source_reason"]) <= {"narrow"}
    assert refused["building_id"].nunique() + len(off) == 30
    if len(refused):
        assert "surface_narrow" in codes(planes.attrs["findings"])


@pytest.mark.parametrize("cell", [1.0, 1.5])
def test_a_coarse_model_does_not_shade_lone_houses(tmp_path, cell):
    truth = made.mixed_village(16, seed=1, kinds=("gable", "hip", "flat", "shed"))
    dsm = averaged(truth, tmp_path, cell, 1)
    planes = pvp.model_roofs(made.footprints(truth), dsm=dsm)
    left = pvp.horizon_angles(planes, dsm=dsm, points=5).sky_view
    assert left.mean() > 0.985
    assert left.min() > 0.95


# --- ground ---------------------------------------------------------------------------------------


def test_a_kitchen_between_higher_houses_is_a_roof(tmp_path):
    houses = [made.flat(12, 10, 9), made.flat(4, 10, 3, x=12.0), made.flat(12, 10, 9, x=16.0)]
    truth = made.village([houses])
    truth["building_id"] = ["a", "kitchen", "b"]
    heights, west, north = made.surface(truth, sigma=0.03, seed=1)
    # Walls all round: what is beside the kitchen is as high as the houses, or the kitchen itself.
    made.write(tmp_path / "d.tif", heights, west, north)
    planes = pvp.model_roofs(made.footprints(truth), dsm=tmp_path / "d.tif")
    kitchen = planes[planes["building_id"] == "kitchen"]
    assert set(kitchen["source"]) == {"dsm"}
    assert kitchen["elevation_m"].tolist() == pytest.approx([3], abs=0.2)


def test_a_house_in_a_wood_is_a_roof_and_a_yard_is_none(tmp_path):
    truth = made.village([[made.gable(12, 10, 25, 6)] for _ in range(4)])
    heights, west, north = made.surface(truth, sigma=0.03, seed=1)
    outlines = made.footprints(truth)
    left, low, right, top = outlines.geometry.iloc[0].bounds
    y = north - (np.arange(heights.shape[0]) + 0.5) * 0.5
    x = west + (np.arange(heights.shape[1]) + 0.5) * 0.5
    across = (x[None, :] > left - 9) & (x[None, :] < right + 9)
    beside = across & (y[:, None] > low - 9) & (y[:, None] < top + 9)
    heights[beside & (heights < 2)] = 7.5  # a closed canopy, level with the eaves
    made.write(tmp_path / "d.tif", heights, west, north)
    yard = outlines.iloc[[1]].assign(building_id="yard")
    yard = yard.set_geometry(yard.translate(-20, 20))
    both = pd.concat([outlines, yard], ignore_index=True)
    planes = pvp.model_roofs(both, dsm=tmp_path / "d.tif")
    assert set(planes[planes["building_id"] == "B0000"]["source"]) == {"dsm"}
    assert set(planes[planes["building_id"] == "yard"]["source_reason"]) == {"low"}
