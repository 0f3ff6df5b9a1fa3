"""Footprints of every kind and in every state: none vanishes, none is silently guessed at."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from villages import EAST, NORTH, box, frame, hamlet

import pvplanner as pvp
from pvplanner.buildings import SET_ASIDE, findings_of, wgs84_to_gcj02


def codes(table) -> set[str]:
    return {finding.code for finding in findings_of(table)}


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "fgb", "parquet", "zip"])
def test_every_format_gives_the_same_buildings(tmp_path, suffix):
    village = hamlet()
    path = tmp_path / f"v.{suffix}"
    if suffix == "parquet":
        village.to_parquet(path)
    elif suffix in ("shp", "zip"):
        # A shapefile's field names hold ten characters.
        village.rename(columns={"building_id": "bldg_id"}).to_file(tmp_path / "v.shp")
        if suffix == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for part in (p for p in tmp_path.glob("v.*") if p.suffix != ".zip"):
                    archive.write(part, part.name)
    else:
        village.to_file(path, engine="pyogrio")
    read = pvp.read_buildings(path)
    assert read.crs.to_epsg() == 4549
    order = read.set_index("building_id")
    assert order.loc[village["building_id"], "area_m2"].to_numpy() == pytest.approx([108.0] * 6)


def test_file_geodatabase_and_layers(tmp_path):
    path = tmp_path / "survey.gdb"
    hamlet(3).to_file(path, layer="houses", driver="OpenFileGDB", engine="pyogrio")
    assert len(pvp.read_buildings(path)) == 3
    hamlet(2).to_file(path, layer="sheds", driver="OpenFileGDB", engine="pyogrio", mode="a")
    with pytest.raises(pvp.InputError, match="houses, sheds"):
        pvp.read_buildings(path)
    assert len(pvp.read_buildings(path, layer="sheds")) == 2
    with pytest.raises(pvp.InputError, match="no layer 'barns'"):
        pvp.read_buildings(path, layer="barns")


def test_dxf_closed_polylines_become_buildings(tmp_path):
    path = tmp_path / "survey.dxf"
    lines = [shape.exterior for shape in hamlet(3).geometry]
    lines.append(shapely.LineString([(EAST, NORTH), (EAST + 50, NORTH)]))
    drawing = gpd.GeoDataFrame(geometry=lines, crs="EPSG:4549")  # DXF stores no system
    drawing.to_file(path, driver="DXF", engine="pyogrio")
    with pytest.raises(pvp.InputError, match="no coordinate reference system"):
        pvp.read_buildings(path)
    read = pvp.read_buildings(path, crs="EPSG:4549")
    assert list(read["status"]) == ["ok", "ok", "ok", "set_aside"]
    assert list(read["status_reason"])[-1] == "not_an_area"


def shapefile_in(folder, encoding: str):
    village = hamlet(2).rename(columns={"building_id": "bldg_id"}).assign(村名=["里岙村", "溪边"])
    village.to_file(folder / "v.shp", engine="pyogrio", encoding=encoding)
    (folder / "v.cpg").unlink()
    return folder / "v.shp"


@pytest.mark.parametrize("encoding", ["UTF-8", "GB18030"])
def test_shapefile_without_cpg_is_decoded_and_reported(tmp_path, encoding):
    read = pvp.read_buildings(shapefile_in(tmp_path, encoding))
    assert list(read["village"]) == ["里岙村", "溪边"]
    chosen = [f for f in findings_of(read) if f.code == "encoding_chosen"]
    assert chosen[0].params["encoding"] == encoding


def test_degrees_go_to_the_chinese_zone_and_back_to_the_same_area(tmp_path):
    hamlet().to_crs(4490).to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg", datum="cgcs2000")
    assert read.crs.to_epsg() == 4549
    assert read["area_m2"].to_numpy() == pytest.approx([108.0] * 6, rel=1e-6)


def test_web_mercator_is_not_taken_for_metres(tmp_path):
    hamlet().to_crs(3857).to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg")
    assert read["area_m2"].to_numpy() == pytest.approx([108.0] * 6, rel=1e-3)
    assert "crs_stretched" in codes(read)


def test_gcj02_footprints_come_back_to_where_they_are(tmp_path):
    true = hamlet().to_crs(4326)

    def shift(points):
        return np.column_stack(wgs84_to_gcj02(points[:, 0], points[:, 1]))

    moved = true.set_geometry(shapely.transform(np.asarray(true.geometry), shift), crs=4326)
    moved.to_file(tmp_path / "v.geojson", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.geojson", datum="gcj02")
    away = read.geometry.centroid.distance(hamlet().geometry.centroid, align=False)
    assert away.max() < 0.2


def test_zone_prefixed_eastings_are_refused_with_the_right_system(tmp_path):
    moved = hamlet()
    moved = moved.set_geometry(moved.geometry.translate(40_000_000), crs="EPSG:4549")
    moved.to_file(tmp_path / "v.gpkg", engine="pyogrio")
    with pytest.raises(pvp.InputError, match="EPSG:4528"):
        pvp.read_buildings(tmp_path / "v.gpkg")
    read = pvp.read_buildings(tmp_path / "v.gpkg", crs="EPSG:4528")
    assert read.crs.to_epsg() == 4528
    assert "crs_overridden" in codes(read)


def test_no_crs_and_impossible_coordinates_are_refused(tmp_path):
    survey = gpd.GeoDataFrame({"id": ["a"]}, geometry=[box(0, 0, 10, 10)], crs="EPSG:4549")
    survey.to_file(tmp_path / "bare.shp", engine="pyogrio")
    (tmp_path / "bare.prj").unlink()
    with pytest.raises(pvp.InputError, match="EPSG:4549"):
        pvp.read_buildings(tmp_path / "bare.shp")
    survey.set_crs(4326, allow_override=True).to_file(tmp_path / "metres.gpkg", engine="pyogrio")
    with pytest.raises(pvp.InputError, match="can't be degrees"):
        pvp.read_buildings(tmp_path / "metres.gpkg")
    swapped = shapely.box(29.72, 121.28, 29.721, 121.281)
    frame([swapped], "EPSG:4326").to_file(tmp_path / "swapped.geojson", engine="pyogrio")
    with pytest.raises(pvp.InputError, match="swapped"):
        pvp.read_buildings(tmp_path / "swapped.geojson")


def test_lines_empty_layers_and_broken_files_are_refused(tmp_path):
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326)
    lines.to_file(tmp_path / "lines.gpkg", engine="pyogrio")
    with pytest.raises(pvp.InputError, match="must be areas"):
        pvp.read_buildings(tmp_path / "lines.gpkg")
    hamlet().iloc[:0].to_file(tmp_path / "empty.gpkg", engine="pyogrio")
    with pytest.raises(pvp.InputError, match="no features"):
        pvp.read_buildings(tmp_path / "empty.gpkg")
    hamlet().to_file(tmp_path / "v.gpkg", engine="pyogrio")
    body = (tmp_path / "v.gpkg").read_bytes()
    (tmp_path / "cut.gpkg").write_bytes(body[: len(body) // 3])
    with pytest.raises(pvp.InputError, match=r"cut\.gpkg"):
        pvp.read_buildings(tmp_path / "cut.gpkg")
    with pytest.raises(pvp.InputError, match="no such file"):
        pvp.read_buildings(tmp_path / "nowhere.gpkg")


def defective() -> gpd.GeoDataFrame:
    bow = shapely.Polygon(
        [(EAST, NORTH + 50), (EAST + 10, NORTH + 60), (EAST + 10, NORTH + 50), (EAST, NORTH + 60)]
    )
    return frame(
        [
            box(0, 0, 12, 10),
            box(0, 0, 12, 10),  # the same again
            box(2, 2, 4, 4),  # inside the first
            box(11, 0, 12, 9),  # a metre into the first
            bow,
            box(100, 0, 2, 2),  # a sliver
            None,
            shapely.MultiPolygon([box(200, 0, 8, 8), box(215, 0, 8, 8)]),
            shapely.Polygon(box(300, 0, 20, 20).exterior, [box(305, 5, 8, 8).exterior]),
        ]
    )


def test_every_defect_has_a_status_and_a_reason(tmp_path):
    defective().to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg").set_index("building_id")
    assert len(read) == 9
    said = read["status_reason"].to_dict()
    assert said["B1"] == ""
    assert said["B2"] == "duplicate:B1"
    assert said["B3"] == "covered:B1"
    assert said["B4"] == "overlap_cut:B1"
    assert said["B5"] == "ring_repaired"
    assert said["B6"] == "sliver"
    assert said["B7"] == "no_geometry"
    assert read.loc["B4", "area_m2"] == pytest.approx(99.0)
    assert read.loc["B5", "area_m2"] == pytest.approx(50.0)
    assert read.loc["B8", "area_m2"] == pytest.approx(128.0)
    assert read.loc["B9", "area_m2"] == pytest.approx(336.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 40), st.floats(3, 15), st.floats(3, 15)),
                min_size=1, max_size=12))  # fmt: skip
def test_used_outlines_never_overlap_and_none_vanishes(rows):
    from pvplanner.buildings.repair import judge_shapes

    out, _ = judge_shapes(frame([box(*row) for row in rows]), where="made up")
    assert len(out) == len(rows)
    used = out[out["status"] != SET_ASIDE].geometry
    assert used.area.sum() == pytest.approx(used.union_all().area, abs=len(rows) * 0.6)


def test_identifiers_are_made_unique_and_reported(tmp_path):
    village = frame([box(30 * n, 0, 10, 10) for n in range(5)])
    village["building_id"] = ["a", "a", None, "a-2", "b"]
    village.to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg")
    assert read["building_id"].is_unique
    assert read["building_id"].iloc[0] == "a"
    assert {"ids_missing", "ids_repeated"} <= codes(read)
    village.drop(columns="building_id").assign(Id=0).to_file(tmp_path / "z.gpkg", engine="pyogrio")
    zero = pvp.read_buildings(tmp_path / "z.gpkg")
    assert list(zero["building_id"]) == ["b1", "b2", "b3", "b4", "b5"]
    assert "ids_constant" in codes(zero)


@pytest.mark.parametrize("columns", [{"STOREYS": "floors"}, {"floors": "STOREYS"}])
def test_columns_are_mapped_both_ways_round(tmp_path, columns):
    hamlet(2).assign(STOREYS=["3", "二"]).to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg", columns=columns)
    assert read["floors"].iloc[0] == 3
    assert np.isnan(read["floors"].iloc[1])
    assert "values_unread" in codes(read)


def test_a_column_that_is_not_there_is_refused(tmp_path):
    hamlet(2).to_file(tmp_path / "v.gpkg", engine="pyogrio")
    with pytest.raises(pvp.ConfigError, match="STOREYS"):
        pvp.read_buildings(tmp_path / "v.gpkg", columns={"floors": "STOREYS"})


def test_known_facts_set_aside_and_unknown_ones_do_not(tmp_path):
    village = frame(
        [box(30 * n, 0, 10, 10) for n in range(8)],
        illegal=["是", None, None, None, None, None, None, None],
        certificate=[None, "否", None, None, None, None, None, None],
        protected=[None, None, "yes", None, None, None, None, None],
        owner_consent=[None, None, None, "不同意", None, None, None, None],
        danger_grade=[None, None, None, None, "C级", "B", None, None],
        roof_material=[None, None, None, None, None, None, "石棉瓦", None],
    )
    village.to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg")
    assert list(read["status_reason"]) == [
        "illegal", "no_certificate", "protected", "no_consent", "survey_first_danger", "",
        "survey_first_material", "",
    ]  # fmt: skip
    assert "attributes_unknown" in codes(read)


def test_users_other_columns_survive_under_their_own_name(tmp_path):
    hamlet(2).assign(fid_note=["x", "y"], Height=[6.0, 0.0]).to_file(
        tmp_path / "v.gpkg", engine="pyogrio"
    )
    read = pvp.read_buildings(tmp_path / "v.gpkg")
    assert list(read["input_fid_note"]) == ["x", "y"]
    assert read["height_m"].iloc[0] == 6.0
    assert np.isnan(read["height_m"].iloc[1])


def test_division_code_keeps_its_twelve_digits(tmp_path):
    village = hamlet(2).assign(division_code=[330203102201, 33])
    village.to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg")
    assert read["division_code"].iloc[0] == "330203102201"
    assert pd.isna(read["division_code"].iloc[1])
