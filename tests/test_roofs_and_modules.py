"""Roof planes of known shapes, and whole modules on them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from villages import box, frame, hamlet

import pvplanner as pvp
from pvplanner.modules import find_product, row_spacing
from pvplanner.roofs import convergence


def planes_of(shapes, **columns):
    return pvp.model_roofs(frame(shapes, **columns))


def test_a_gable_has_its_ridge_along_the_long_side():
    planes = planes_of([box(0, 0, 12, 8)], roof_type=["gable"])
    assert sorted(planes["grid_azimuth"].round(6)) == [0, 180]
    assert planes["surface_tilt"].tolist() == [25, 25]
    assert planes["area_m2"].sum() == pytest.approx(96 / np.cos(np.radians(25)))


@pytest.mark.parametrize("turn", [0, 17, 45, 90, 133])
def test_a_turned_gable_turns_its_planes(turn):
    planes = planes_of([box(0, 0, 12, 8, turn)], roof_type=["gable"])
    expected = sorted([(-turn) % 360, (180 - turn) % 360])
    assert sorted(planes["grid_azimuth"]) == pytest.approx(expected, abs=1e-5)
    assert planes["area_m2"].iloc[0] == pytest.approx(planes["area_m2"].iloc[1])


def test_true_north_differs_from_grid_north_by_the_convergence():
    east_of_meridian = frame([box(60_000, 0, 12, 8)], roof_type=["gable"])
    planes = pvp.model_roofs(east_of_meridian)
    turn, latitude = convergence(planes)
    # gamma = (lon - lon0) sin(lat): 1.0 degree of longitude at 29.7 N.
    lon = east_of_meridian.to_crs(4326).geometry.iloc[0].centroid.x
    assert turn[0] == pytest.approx((lon - 120) * np.sin(np.radians(latitude[0])), abs=1e-3)
    off = (planes["surface_azimuth"] - planes["grid_azimuth"] + 180) % 360 - 180
    assert off.to_numpy() == pytest.approx(turn)


def test_a_terrace_of_five_shares_one_ridge_direction():
    # Each house is deeper than wide: alone its ridge would run across the terrace.
    terrace = [box(5 * n, 0, 5, 10) for n in range(5)]
    planes = planes_of(terrace, roof_type=["gable"] * 5)
    assert set(planes["grid_azimuth"].round(6)) == {0, 180}
    alone = planes_of([box(0, 0, 5, 10)], roof_type=["gable"])
    assert set(alone["grid_azimuth"].round(6)) == {90, 270}


def test_flat_and_shed_roofs_are_one_plane():
    planes = planes_of([box(0, 0, 30, 20), box(50, 0, 6, 4)], roof_type=["flat", "shed"])
    assert planes["roof_type"].tolist() == ["flat", "shed"]
    assert planes["surface_tilt"].tolist() == [0, 15]
    assert planes["area_m2"].iloc[0] == pytest.approx(600)


def test_roof_types_are_inferred_only_where_unknown():
    shapes = [box(0, 0, 11, 9), box(50, 0, 40, 20), box(120, 0, 5, 5), box(150, 0, 11, 9)]
    planes = planes_of(shapes, roof_type=[None, None, None, "flat"])
    kinds = planes.groupby("building_id")["roof_type"].first()
    assert kinds.tolist() == ["gable", "flat", "flat", "flat"]
    told = planes.groupby("building_id")["roof_type_source"].first()
    assert told.tolist() == ["inferred", "inferred", "inferred", "given"]
    asked = pvp.model_roofs(
        frame(shapes[:1], roof_type=[None]), scenario=pvp.Scenario(roof={"default_type": "flat"})
    )
    assert asked["roof_type"].tolist() == ["flat"]


def test_a_stated_tilt_is_used():
    planes = planes_of([box(0, 0, 12, 8)], roof_type=["gable"], roof_tilt=[33.0])
    assert planes["surface_tilt"].tolist() == [33, 33]


def test_multipolygons_get_planes_for_each_part():
    both = shapely.MultiPolygon([box(0, 0, 10, 8), box(20, 0, 10, 8)])
    planes = planes_of([both], roof_type=["gable"])
    assert len(planes) == 4
    assert planes["plane_id"].is_unique


@settings(max_examples=60, deadline=None)
@given(
    st.floats(4, 15),
    st.floats(4, 15),
    st.floats(0, 180),
    st.sampled_from(["gable", "flat", "shed"]),
)
def test_planes_cover_the_footprint_exactly(width, depth, turn, kind):
    shape = box(0, 0, width, depth, turn)
    planes = planes_of([shape], roof_type=[kind])
    assert planes.geometry.area.sum() == pytest.approx(shape.area, rel=1e-6)
    low, middle, high = (
        planes[c] for c in ("usable_area_low_m2", "usable_area_m2", "usable_area_high_m2")
    )
    assert ((low <= middle) & (middle <= high) & (high <= planes["area_m2"])).all()


# --- modules ------------------------------------------------------------------------------------


def test_guessed_roofs_carry_no_more_than_their_usable_area():
    planes = planes_of([box(0, 0, 20, 12)], roof_type=["gable"])
    arrays = pvp.lay_modules(planes)
    product = find_product(pvp.Scenario())
    most = np.floor(planes["usable_area_m2"].to_numpy() / product.area_m2)
    count = arrays["modules"].to_numpy()
    assert (count <= most).all()
    assert (count >= 0.85 * most).all()
    assert arrays["capacity_kwp"].to_numpy() == pytest.approx(count * 0.58)
    assert (arrays["surface_tilt"] == 25).all()


def test_flat_roofs_get_tilted_rows_towards_the_equator_with_room_between():
    planes = planes_of([box(0, 0, 30, 20)], roof_type=["flat"])
    tilted = pvp.lay_modules(planes).iloc[0]
    level = pvp.lay_modules(planes, scenario=pvp.Scenario(module={"flat_tilt": 0})).iloc[0]
    assert tilted["surface_tilt"] == 15
    # With the walls, which run along the grid and not due south.
    assert tilted["surface_azimuth"] == pytest.approx(180, abs=1)
    assert tilted["modules"] < level["modules"]


@pytest.mark.parametrize("latitude", [18.0, 29.7, 40.0, 50.0])
def test_row_spacing_keeps_rows_free_of_shade_at_nine_on_the_winter_solstice(latitude):
    """The shadow of a row, by the sun's own position: three hours from noon, declination -23.45."""
    length, tilt = 2.278, 20.0
    phi, dec, hour = np.radians(latitude), np.radians(-23.45), np.radians(-45)
    up = np.sin(phi) * np.sin(dec) + np.cos(phi) * np.cos(dec) * np.cos(hour)
    north = np.cos(phi) * np.sin(dec) - np.sin(phi) * np.cos(dec) * np.cos(hour)
    height = length * np.sin(np.radians(tilt))
    needed = length * np.cos(np.radians(tilt)) + height * abs(north) / up
    assert row_spacing(length, tilt, np.array([latitude]))[0] == pytest.approx(needed, rel=0.01)


def test_poor_planes_and_tiny_groups_stay_empty():
    planes = planes_of([box(0, 0, 20, 12), box(50, 0, 5, 4)], roof_type=["gable", "flat"])
    planes["yield_share"] = np.where(planes["grid_azimuth"].round() == 0, 0.6, 1.0)
    arrays = pvp.lay_modules(planes, scenario=pvp.Scenario(module={"min_modules": 5}))
    assert len(arrays) == 1
    assert arrays["surface_azimuth"].iloc[0] == pytest.approx(180, abs=1)


def test_an_unknown_module_is_refused_with_the_nearest():
    with pytest.raises(pvp.ConfigError, match="Hi-MO"):
        pvp.Scenario(module={"product": "LONGi Hi-MO7"})


def test_southern_roofs_face_north():
    south = hamlet(1).set_geometry(
        [shapely.box(300000, 6290000, 300030, 6290020)], crs="EPSG:32734"
    )
    planes = pvp.model_roofs(south.assign(roof_type="flat"))
    assert planes["surface_azimuth"].tolist() == [0]
    off = (pvp.lay_modules(planes)["surface_azimuth"].iloc[0] + 180) % 360 - 180
    assert off == pytest.approx(0, abs=2)
