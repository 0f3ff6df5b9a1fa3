"""Planes from 3D models, usable area by its rules, ranges that hold, and the survey sheet."""

from __future__ import annotations

import json

import geopandas as gpd
import made_roofs as made
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from conftest import SHARED
from villages import box, frame, write_village

import pvplanner as pvp
from pvplanner.roofs import plane_frames, read_planes, usable_outlines, usable_rules
from pvplanner.roofs.guesses import usual_tilts
from pvplanner.roofs.sunlit import relative_irradiation

# --- 3D models -----------------------------------------------------------------------------------


def city(folder, *, name="model.city.json", lines=False):
    """A gable house and a wall, as 3DBAG writes them: millimetres, a part under a building."""
    x, y = 85_000_000, 447_500_000
    points = [
        (0, 0, 5000), (12000, 0, 5000), (12000, 4000, 8000), (0, 4000, 8000),
        (0, 8000, 5000), (12000, 8000, 5000), (0, 0, 0), (12000, 0, 0),
        (6000, 0, 5000), (6000, 4000, 8000),
    ]  # fmt: skip
    faces = [[[0, 8, 9, 3]], [[8, 1, 2, 9]], [[3, 2, 5, 4]], [[6, 7, 1, 0]]]
    solid = {
        "type": "Solid", "lod": "2.2", "boundaries": [faces],
        "semantics": {
            "surfaces": [{"type": "RoofSurface"}, {"type": "WallSurface"}],
            "values": [[0, 0, 0, 1]],
        },
    }  # fmt: skip
    objects = {
        "house": {"type": "Building", "children": ["house-0"]},
        "house-0": {"type": "BuildingPart", "parents": ["house"], "geometry": [solid]},
    }
    head = {
        "type": "CityJSON", "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [0, 0, 0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
    }  # fmt: skip
    vertices = [[x + a, y + b, c] for a, b, c in points]
    path = folder / name
    if lines:
        feature = {"type": "CityJSONFeature", "CityObjects": objects, "vertices": vertices}
        head |= {"CityObjects": {}, "vertices": []}
        path.write_text(json.dumps(head) + "\n" + json.dumps(feature) + "\n", encoding="utf-8")
    else:
        path.write_text(json.dumps({**head, "CityObjects": objects, "vertices": vertices}))
    return path


def house(building_id="house"):
    shape = shapely.box(85_000, 447_500, 85_012, 447_508)
    return gpd.GeoDataFrame({"building_id": [building_id]}, geometry=[shape], crs=28992)


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("building_id", ["house", "other"])
def test_cityjson_planes_with_coplanar_pieces_merged(tmp_path, lines, building_id):
    name = "model.city.jsonl" if lines else "model.city.json"
    model = city(tmp_path, name=name, lines=lines)
    planes = pvp.model_roofs(house(building_id), planes=model)
    assert planes["source"].tolist() == ["lod2", "lod2"]
    assert sorted(planes["grid_azimuth"].round(3)) == [0, 180]
    tilt = np.degrees(np.arctan(3 / 4))
    assert planes["surface_tilt"].to_numpy() == pytest.approx(tilt)
    assert planes["area_m2"].to_numpy() == pytest.approx(12 * 5)
    assert planes["elevation_m"].to_numpy() == pytest.approx(6.5)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"type": "CityJSON", "CityObjects": ', "file_unreadable"),
        ('{"type": "CityJSON", "CityObjects": [], "vertices": [[1]]}', "file_unreadable"),
        ('{"type": "CityJSON", "metadata": {"referenceSystem": "EPSG:999999"}}', "planes_no_crs"),
        ('{"type": "CityJSON", "metadata": {"referenceSystem": "EPSG:28992"}}', "planes_none"),
    ],
)
def test_a_broken_model_is_refused_clearly(tmp_path, body, code):
    path = tmp_path / "broken.json"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(pvp.InputError) as refused:
        pvp.model_roofs(house(), planes=path)
    assert refused.value.code == code


def test_a_layer_of_planes_by_columns_or_by_heights(tmp_path):
    shapes = [shapely.box(85_000, 447_500, 85_012, 447_504)]
    told = gpd.GeoDataFrame(
        {"surface_tilt": [30.0], "surface_azimuth": [180.0]}, geometry=shapes, crs=28992
    )
    told.to_file(tmp_path / "told.gpkg")
    planes = pvp.model_roofs(house(), planes=tmp_path / "told.gpkg")
    assert planes["surface_tilt"].tolist() == pytest.approx([30])
    ring = [(85_000, 447_500, 5), (85_012, 447_500, 5), (85_012, 447_504, 8), (85_000, 447_504, 8)]
    high = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Polygon(ring)], crs=28992)
    high.to_file(tmp_path / "high.gpkg")
    planes = pvp.model_roofs(house(), planes=tmp_path / "high.gpkg")
    assert planes["surface_tilt"].tolist() == pytest.approx([np.degrees(np.arctan(0.75))])
    gpd.GeoDataFrame({"n": [1]}, geometry=shapes, crs=28992).to_file(tmp_path / "bare.gpkg")
    with pytest.raises(pvp.InputError, match="no heights"):
        pvp.model_roofs(house(), planes=tmp_path / "bare.gpkg")


def test_the_higher_of_two_planes_has_the_overlap(tmp_path):
    shapes = [
        shapely.box(85_000, 447_500, 85_012, 447_508),
        shapely.box(85_003, 447_502, 85_005, 447_504),
    ]
    level = {"nx": [0.0, 0.0], "ny": [0.0, 0.0], "nz": [1.0, 1.0], "d": [5.0, 7.0]}
    layer = gpd.GeoDataFrame({"building_id": ["house"] * 2, **level}, geometry=shapes, crs=28992)
    layer.to_file(tmp_path / "p.gpkg")
    planes = read_planes(tmp_path / "p.gpkg", "EPSG:28992")
    assert sorted(planes.geometry.area) == pytest.approx([4, 92])


@pytest.mark.skipif(not (SHARED / "data" / "selfkant").is_dir(), reason="needs ../shared")
def test_selfkant_planes_are_cleaned_as_a_surface_model_shows_them(monkeypatch):
    monkeypatch.syspath_prepend(str(SHARED / "tools"))
    from make_dsm import clean_planes

    path = SHARED / "data" / "selfkant" / "roof_planes.geojson"
    true = clean_planes(gpd.read_file(path))
    ours = read_planes(path, "EPSG:25832")
    assert ours.geometry.area.sum() == pytest.approx(true.geometry.area.sum(), rel=1e-3)
    assert abs(len(ours) - len(true)) <= 6


# --- ranges --------------------------------------------------------------------------------------


KINDS = ["gable", "hip", "flat", "shed"]


def test_ranges_hold_as_often_as_they_claim():
    """1,000 roofs drawn from what the priors say may stand on their outlines."""
    rng = np.random.default_rng(8)
    sides = rng.uniform(6, 13, (1000, 2))
    shapes = [
        box(40 * (n % 40), 40 * (n // 40), *s, rng.uniform(0, 180)) for n, s in enumerate(sides)
    ]
    buildings = frame(shapes)
    planes = pvp.model_roofs(buildings)
    priors = pvp.reference.load("roof_priors").set_index("class")
    tilts = usual_tilts(29.7)
    held = []
    for n, (own, shape) in enumerate(zip(sides, shapes, strict=True)):
        aspect = own.max() / own.min()
        of = "compact" if aspect < 1.15 else "house"
        kind = rng.choice(KINDS,
                          p=priors.loc[of, KINDS].astype(float))  # fmt: skip
        steep = rng.uniform(*tilts.loc[kind, ["tilt_low_deg", "tilt_high_deg"]])
        ring = shapely.get_coordinates(shape)
        side = ring[1] - ring[0] if (own[0] >= own[1]) else ring[2] - ring[1]
        side = side if np.isclose(np.hypot(*side), own.max()) else ring[2] - ring[1]
        along = np.degrees(np.arctan2(side[0], side[1]))
        chance = 0.9 if aspect >= 1.3 else 0.65 if aspect >= 1.1 else 0.5
        if rng.random() > chance:
            along += 90
        falls = {"flat": [0], "shed": [along + rng.choice([90, 270])],
                 "gable": [along + 90, along + 270],
                 "hip": along + np.arange(0, 360, 90)}[kind]  # fmt: skip
        got = relative_irradiation(np.full(len(falls), steep), np.array(falls), 29.7).mean()
        true = shape.area * got / np.cos(np.radians(steep))
        mine = planes[planes["building_id"] == f"B{n + 1}"]
        sun = relative_irradiation(
            mine["surface_tilt"].to_numpy(), mine["grid_azimuth"].to_numpy(), 29.7
        )
        held.append((mine["area_low_m2"] * sun).sum() <= true <= (mine["area_high_m2"] * sun).sum())
    assert 0.77 <= np.mean(held) <= 0.83


@pytest.mark.skipif(not (SHARED / "data" / "selfkant").is_dir(), reason="needs ../shared")
def test_ranges_hold_on_selfkant(monkeypatch):
    monkeypatch.syspath_prepend(str(SHARED / "tools"))
    from make_dsm import clean_planes, footprints

    truth = clean_planes(gpd.read_file(SHARED / "data" / "selfkant" / "roof_planes.geojson"))
    buildings = footprints(truth)
    planes = pvp.model_roofs(buildings)
    for table in (planes, truth):
        azimuth = table["grid_azimuth"] if "grid_azimuth" in table else table["surface_azimuth"]
        table["sun"] = relative_irradiation(table["surface_tilt"], azimuth, 51.0)
    low = (planes["area_low_m2"] * planes["sun"]).groupby(planes["building_id"]).sum()
    high = (planes["area_high_m2"] * planes["sun"]).groupby(planes["building_id"]).sum()
    true = (truth["area_m2"] * truth["sun"]).groupby(truth["building_id"]).sum()
    large = buildings.set_index("building_id").area >= 30
    held = ((true >= low) & (true <= high))[large]
    assert 0.70 <= held.mean() <= 0.90


def test_hips_wings_and_outlines_from_above():
    wing = shapely.union_all([box(0, 0, 14, 9), box(9, 0, 5, 15)])
    planes = pvp.model_roofs(frame([wing, box(60, 0, 9, 9)], roof_type=["gable", "hip"]))
    first = planes[planes["building_id"] == "B1"]
    assert len(first) == 4
    assert sorted(first["grid_azimuth"].round()) == [0, 90, 180, 270]
    assert first.geometry.area.sum() == pytest.approx(wing.area)
    second = planes[planes["building_id"] == "B2"]
    assert len(second) == 4
    assert second.geometry.area.to_numpy() == pytest.approx(81 / 4)


@pytest.mark.parametrize("shape", ["t", "u", "l"])
def test_wings_are_cut_straight_and_nothing_is_lost(shape):
    parts = {
        "t": [box(0, 0, 20, 8), box(7, 8, 6, 7)],
        "u": [box(0, 0, 20, 8), box(0, 8, 6, 7), box(14, 8, 6, 7)],
        "l": [box(0, 0, 20, 8), box(14, 8, 6, 7)],
    }[shape]
    whole = shapely.union_all(parts)
    planes = pvp.model_roofs(frame([whole], roof_type=["gable"]))
    assert len(planes) == 2 * len(parts)
    assert planes.geometry.area.sum() == pytest.approx(whole.area, rel=1e-9)
    assert shapely.union_all(np.asarray(planes.geometry)).area == pytest.approx(whole.area)


# --- usable area ---------------------------------------------------------------------------------


def lod2(shape, tilt, azimuth):
    planes = gpd.GeoDataFrame(
        {"building_id": ["B1"], "a": [0.0], "b": [0.0], "c": [5.0], "x0": [0.0], "y0": [0.0]},
        geometry=[shape], crs="EPSG:4549",
    )  # fmt: skip
    slope = np.tan(np.radians(tilt))
    planes["a"] = -slope * np.sin(np.radians(azimuth))
    planes["b"] = -slope * np.cos(np.radians(azimuth))
    return planes


def test_setbacks_are_measured_in_the_plane():
    shape = box(0, 0, 12, 6)
    scenario = pvp.Scenario(roof={"wind_kn_per_m2": 0.3})
    planes = pvp.model_roofs(frame([shape]), planes=lod2(shape, 40, 180), scenario=scenario)
    up = 6 / np.cos(np.radians(40))
    rules = usable_rules(scenario, 0.3)["middle"]
    left = usable_outlines(planes, rules)
    assert shapely.area(left)[0] == pytest.approx((12 - 0.6) * (up - 0.6), rel=1e-6)
    assert planes["usable_area_m2"].iloc[0] == pytest.approx(
        0.95 * (12 - 0.6) * (up - 0.6), rel=1e-4
    )


def test_rules_can_be_replaced_and_unknown_ones_are_refused():
    shape = box(0, 0, 12, 6)
    scenario = pvp.Scenario(
        roof={"wind_kn_per_m2": 0.3, "rules": {"setback_eave": 1.0, "unseen": 0.0}}
    )
    planes = pvp.model_roofs(frame([shape]), planes=lod2(shape, 0.0, 180), scenario=scenario)
    sloping = pvp.model_roofs(frame([shape]), planes=lod2(shape, 20, 180), scenario=scenario)
    up = 6 / np.cos(np.radians(20))
    assert sloping["usable_area_m2"].iloc[0] == pytest.approx(11.4 * (up - 1.3), rel=1e-3)
    assert planes["usable_area_m2"].iloc[0] == pytest.approx(11 * 5, rel=1e-3)
    with pytest.raises(pvp.ConfigError, match="setback_eave"):
        pvp.Scenario(roof={"rules": {"setback_eaves": 1.0}})


def test_strong_wind_widens_edges_and_frees_corners():
    shape = box(0, 0, 12, 8)
    areas = []
    for wind in (0.3, 0.8, 1.2):
        scenario = pvp.Scenario(roof={"wind_kn_per_m2": wind})
        planes = pvp.model_roofs(frame([shape]), planes=lod2(shape, 20, 180), scenario=scenario)
        areas.append(planes["usable_area_m2"].iloc[0])
    assert areas[0] > areas[1] > areas[2] > 0


def test_steep_planes_and_small_pieces_are_not_used():
    shape = box(0, 0, 12, 6)
    steep = pvp.model_roofs(frame([shape]), planes=lod2(shape, 65, 180))
    assert steep["usable_area_m2"].tolist() == [0]
    tiny = box(0, 0, 2.0, 2.0)
    assert pvp.model_roofs(frame([tiny]), planes=lod2(tiny, 20, 180))[
        "usable_area_m2"
    ].tolist() == [0]


def test_keep_outs_are_cut_out(tmp_path):
    shape = box(0, 0, 20, 10)
    gpd.GeoDataFrame(geometry=[box(0, 0, 10, 10)], crs="EPSG:4549").to_file(tmp_path / "no.gpkg")
    with_it = pvp.model_roofs(
        frame([shape]), planes=lod2(shape, 20, 180), keep_out=tmp_path / "no.gpkg"
    )
    without = pvp.model_roofs(frame([shape]), planes=lod2(shape, 20, 180))
    ratio = with_it["usable_area_m2"].iloc[0] / without["usable_area_m2"].iloc[0]
    assert ratio == pytest.approx(0.5, abs=0.02)


def test_frames_turn_back():
    truth = made.mixed_village(10, seed=3)
    planes = truth.assign(grid_azimuth=truth["surface_azimuth"])
    frames = plane_frames(planes)
    inside = frames.into(np.asarray(planes.geometry))
    assert shapely.area(inside) == pytest.approx(truth["area_m2"].to_numpy(), rel=1e-9)
    back = frames.out_of(inside)
    assert shapely.hausdorff_distance(back, np.asarray(planes.geometry)).max() < 1e-6


# --- survey --------------------------------------------------------------------------------------


def test_a_roof_on_old_timber_is_to_be_surveyed_first(tmp_path):
    buildings = frame(
        [box(0, 0, 12, 9), box(30, 0, 12, 9), box(60, 0, 12, 9)],
        structure=["砖木结构", "砖木结构", "框架"], year_built=[1965, 2012, 1965],
    )  # fmt: skip
    path = write_village(tmp_path, buildings)
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    assert plan.buildings["status_reason"].tolist() == ["survey_first_timber", "", ""]


def test_the_survey_sheet_reads_back_as_overrides(tmp_path):
    hostile = '=HYPERLINK("x")'
    buildings = frame(
        [box(0, 0, 12, 9), box(30, 0, 12, 9)], hamlet=["东", hostile],
        roof_material=["石棉瓦", None], roof_type=["gable", "gable"],
    )  # fmt: skip
    path = write_village(tmp_path, buildings)
    before = pvp.plan_village(pvp.Scenario.from_toml(path))
    assert before.buildings["status"].tolist() == ["set_aside", "ok"]
    sheet = pvp.save_survey(before, tmp_path / "survey.xlsx")
    book = openpyxl.load_workbook(sheet)
    rows = list(book.active.iter_rows(values_only=True))
    names = list(rows[0])
    assert hostile in [row[names.index("Hamlet")] for row in rows[1:]]
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)
    page = pvp.save_survey(before, tmp_path / "survey.html", language="zh").read_text("utf-8")
    assert "现场勘查表" in page
    assert "<script" not in page
    filled = pd.DataFrame(rows[1:], columns=names).set_index("Building")
    filled.loc["B1", "Survey passed"] = "yes"
    filled.loc["B1", "Roof type"] = "flat"
    filled.loc["B2", "Owner consents"] = "no"
    filled.reset_index().to_excel(sheet, index=False)
    after = pvp.plan_village(pvp.Scenario.from_toml(path).override({"site.survey": str(sheet)}))
    assert after.buildings["status"].tolist() == ["ok", "set_aside"]
    assert after.buildings["status_reason"].tolist() == ["", "no_consent"]
    assert (after.planes["roof_type"] == "flat").all()
    assert "survey_read" in {finding.code for finding in after.findings}
    odd = tmp_path / "odd.csv"
    odd.write_text("number,roof\n1,2\n", encoding="utf-8")
    with pytest.raises(pvp.InputError, match="names no buildings"):
        pvp.read_survey(odd)


def test_a_sheet_shows_one_building(tmp_path):
    from typer.testing import CliRunner

    from pvplanner.cli import app
    from pvplanner.sheet import save_sheet

    path = write_village(tmp_path, frame([box(0, 0, 12, 9)], roof_type=["gable"]))
    sheet = tmp_path / "sheet.svg"
    done = CliRunner().invoke(app, ["check", str(path), "--building", "B1", "-o", str(sheet)])
    assert done.exit_code == 0, done.output
    assert "<svg" in sheet.read_text("utf-8")
    scenario = pvp.Scenario.from_toml(path)
    with pytest.raises(pvp.ConfigError, match="no building"):
        save_sheet(pvp.plan_village(scenario).planes, "B9", sheet, scenario=scenario, language="en")
