"""Planes that a surface model shows: known shapes, every kind of noise, and what can go wrong."""

from __future__ import annotations

import sys

import geopandas as gpd
import made_roofs as made
import numpy as np
import pytest
import rasterio
import shapely
from conftest import SHARED
from helps import rarely
from rasterio.transform import Affine

import pvplanner as pvp

PROFILES = {
    "sharp": {"cell": 0.5, "sigma": 0.05},
    "noisy": {"cell": 0.5, "sigma": 0.10},
    "coarse": {"cell": 1.0, "sigma": 0.10},
    "lidar": {"cell": 0.5, "sigma": 0.05, "smooth": 0.3, "outliers": 0.002},
    "photogrammetric": {
        "cell": 0.5, "sigma": 0.10, "smooth": 0.5, "grain": 1.0, "outliers": 0.01,
    },
    "drone": {"cell": 0.25, "sigma": 0.05, "smooth": 0.2},
}  # fmt: skip


def save(path, heights, west, north, cell, crs=made.CRS, **options):
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": crs, "nodata": -9999}
    profile |= {"width": heights.shape[1], "height": heights.shape[0]}
    profile |= {"transform": Affine(cell, 0, west, 0, -cell, north), **options}
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.nan_to_num(heights, nan=-9999).astype("float32"), 1)
    return path


def seen(folder, truth, *, shift=0.0, **profile):
    heights, west, north = made.surface(truth, seed=3, **profile)
    dsm = save(folder / "dsm.tif", heights, west, north, profile.get("cell", 0.5))
    return pvp.model_roofs(made.footprints(truth, shift=shift, seed=4), dsm=dsm)


def off(a, b):
    return np.abs((np.asarray(a) - np.asarray(b) + 180) % 360 - 180)


def matched(planes, truth, least=10.0):
    """Each large true plane with the plane that covers most of it."""
    rows = []
    for row in truth[truth["area_m2"] >= least].itertuples():
        own = planes[planes["building_id"] == row.building_id]
        shared = own.geometry.intersection(row.geometry).area
        whole = own.geometry.union(row.geometry).area
        best = (shared / whole).idxmax()
        rows.append((row, own.loc[best], (shared / whole)[best]))
    return rows


@pytest.mark.parametrize("kind", made.KINDS)
@pytest.mark.parametrize("profile", ["sharp", "lidar"])
def test_known_shapes_come_back(tmp_path, kind, profile):
    truth = made.mixed_village(9, seed=11, kinds=(kind,))
    planes = seen(tmp_path, truth, **PROFILES[profile])
    assert (planes["source"] == "dsm").all()
    for true, got, overlap in matched(planes, truth):
        assert overlap > 0.6
        within = 2.5 if profile == "sharp" else 5.0
        assert got["surface_tilt"] == pytest.approx(true.surface_tilt, abs=within)
        if true.surface_tilt > 5:
            assert off(got["grid_azimuth"], true.surface_azimuth) < 5
    large = planes["area_m2"] >= 10
    assert large.sum() == (truth["area_m2"] >= 10).sum()


@pytest.mark.parametrize("profile", rarely(PROFILES, tuple(PROFILES)[:2]))
def test_one_setting_serves_every_sensor(tmp_path, profile):
    truth = made.mixed_village(40, seed=5)
    planes = seen(tmp_path, truth, shift=0.4, **PROFILES[profile])
    rows = matched(planes, truth)
    good = [overlap > 0.5 for _, _, overlap in rows]
    assert np.mean(good) > 0.93
    fits = [(t, g) for t, g, overlap in rows if overlap > 0.5]
    tilt = [abs(g["surface_tilt"] - t.surface_tilt) for t, g in fits]
    assert np.mean(tilt) < (4.0 if profile == "photogrammetric" else 1.3)
    shown = planes[planes["source"] == "dsm"]
    assert shown["fit_rmse_m"].median() < 0.15
    assert shown["confidence"].between(0, 1).all()


def test_the_offset_of_footprints_is_found(tmp_path):
    truth = made.mixed_village(16, seed=6, kinds=("gable", "hip", "l"))
    heights, west, north = made.surface(truth, sigma=0.05, smooth=0.3, seed=1)
    dsm = save(tmp_path / "dsm.tif", heights, west, north, 0.5)
    wrong = made.footprints(truth, shift=0.5, seed=9)
    planes = pvp.model_roofs(wrong, dsm=dsm)
    right = made.footprints(truth).set_index("building_id").geometry.centroid
    told = planes.groupby("building_id")[["offset_east_m", "offset_north_m"]].first()
    shifted = wrong.set_index("building_id").geometry.centroid
    east, north = right.x - shifted.x, right.y - shifted.y
    error = np.hypot(told["offset_east_m"] - east, told["offset_north_m"] - north)
    assert np.hypot(east, north).mean() > 0.4
    assert error.mean() < 0.15


def test_confidence_goes_with_error(tmp_path):
    truth = made.mixed_village(60, seed=7)
    planes = seen(tmp_path, truth, **PROFILES["photogrammetric"])
    rows = [(g["confidence"], abs(g["surface_tilt"] - t.surface_tilt))
            for t, g, overlap in matched(planes, truth) if overlap > 0.5]  # fmt: skip
    sure, error = np.array(rows).T
    half = np.median(sure)
    assert error[sure >= half].mean() < error[sure < half].mean()


def test_trees_gaps_and_things_on_roofs(tmp_path):
    truth = made.village([[made.gable(14, 10, 25, 6)], [made.flat(14, 10, 7)]])
    box = truth.geometry.iloc[0].bounds
    trees = [(box[0] - 1, box[1] + 2, 3.0, 9.0)]
    heights, west, north = made.surface(truth, sigma=0.03, trees=trees)
    roof = made.footprints(truth).geometry.iloc[1].bounds
    row, col = int((north - roof[3] + 4) / 0.5), int((roof[0] + 5 - west) / 0.5)
    heights[row : row + 4, col : col + 4] += 1.2  # a tank of 2 m by 2 m
    heights[row + 8 : row + 10, col : col + 3] = np.nan
    dsm = save(tmp_path / "dsm.tif", heights, west, north, 0.5)
    planes = pvp.model_roofs(made.footprints(truth), dsm=dsm)
    flat = planes[planes["building_id"] == "B0001"]
    assert len(flat) == 1
    assert flat["obstacle_area_m2"].iloc[0] == pytest.approx(4.0, abs=1.1)
    assert flat["usable_area_m2"].iloc[0] < 140 - 0.9 * 4
    assert len(planes[(planes["building_id"] == "B0000") & (planes["area_m2"] > 10)]) == 2


def test_parapets_are_seen(tmp_path):
    truth = made.village([[made.flat(16, 12, 7)]])
    heights, west, north = made.surface(truth, sigma=0.03)
    rim = shapely.difference(truth.geometry.iloc[0], truth.geometry.iloc[0].buffer(-0.5))
    x = west + (np.arange(heights.shape[1]) + 0.5) * 0.5
    y = north - (np.arange(heights.shape[0]) + 0.5) * 0.5
    heights += np.where(shapely.contains_xy(rim, *np.meshgrid(x, y)), 0.9, 0.0)
    dsm = save(tmp_path / "dsm.tif", heights, west, north, 0.5)
    planes = pvp.model_roofs(made.footprints(truth), dsm=dsm)
    main = planes.loc[planes["area_m2"].idxmax()]
    assert main["parapet_m"] == pytest.approx(0.9, abs=0.15)
    assert main["surface_tilt"] == 0
    assert main["obstacle_area_m2"] == pytest.approx(0, abs=0.5)


def test_azimuths_from_true_and_from_grid_north(tmp_path):
    truth = made.mixed_village(4, seed=1, kinds=("gable",))
    planes = seen(tmp_path, truth)
    turn = (planes["surface_azimuth"] - planes["grid_azimuth"] + 180) % 360 - 180
    east = gpd.GeoSeries(truth.geometry.centroid, crs=made.CRS).to_crs(4326).x.mean()
    north = gpd.GeoSeries(truth.geometry.centroid, crs=made.CRS).to_crs(4326).y.mean()
    expected = (east - 123) * np.sin(np.radians(north))
    assert turn.to_numpy() == pytest.approx(expected, abs=0.05)


# --- rasters of every kind -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def gables(tmp_path_factory):
    truth = made.mixed_village(9, seed=2, kinds=("gable",))
    heights, west, north = made.surface(truth, sigma=0.03)
    folder = tmp_path_factory.mktemp("rasters")
    save(folder / "plain.tif", heights, west, north, 0.5)
    return truth, heights, west, north, folder


def tilts(planes):
    large = planes[planes["area_m2"] > 10]
    return large.groupby("building_id")["surface_tilt"].mean()


def agrees(planes, truth, within=1.5):
    expected = truth.groupby("building_id")["surface_tilt"].mean()
    assert (planes["source"] == "dsm").all()
    assert np.abs(tilts(planes) - expected).max() < within


def test_a_raster_in_another_crs_or_on_degrees(gables):
    truth, _, _, _, folder = gables
    for target, within in (("EPSG:32650", 2.0), ("EPSG:4326", 2.5)):
        other = folder / f"{target[5:]}.tif"
        with rasterio.open(folder / "plain.tif") as source:
            from rasterio.warp import Resampling, calculate_default_transform, reproject

            shape = calculate_default_transform(
                source.crs, target, source.width, source.height, *source.bounds
            )
            profile = source.profile | {"crs": target, "transform": shape[0]}
            profile |= {"width": shape[1], "height": shape[2]}
            with rasterio.open(other, "w", **profile) as out:
                reproject(
                    rasterio.band(source, 1), rasterio.band(out, 1), resampling=Resampling.bilinear
                )
        agrees(pvp.model_roofs(made.footprints(truth), dsm=other), truth, within)


def test_heights_in_feet_are_metres(gables):
    truth, heights, west, north, folder = gables
    path = save(folder / "feet.tif", heights / 0.3048, west, north, 0.5)
    with rasterio.open(path, "r+") as out:
        out.units = ("ft",)
    agrees(pvp.model_roofs(made.footprints(truth), dsm=path), truth)


def test_scaled_integers_are_metres(gables):
    truth, heights, west, north, folder = gables
    profile = {"driver": "GTiff", "count": 1, "dtype": "int16", "crs": made.CRS}
    profile |= {"width": heights.shape[1], "height": heights.shape[0]}
    profile |= {"transform": Affine(0.5, 0, west, 0, -0.5, north)}
    with rasterio.open(folder / "scaled.tif", "w", **profile) as out:
        out.write(np.round(heights * 100).astype("int16"), 1)
        out.scales = (0.01,)
    agrees(pvp.model_roofs(made.footprints(truth), dsm=folder / "scaled.tif"), truth)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"crs": None}, "raster_no_crs"), ({"unit": "fathom"}, "raster_unit"), ({}, "file_missing")],
)
def test_rasters_that_can_not_be_used_are_refused(gables, change, code):
    truth, heights, west, north, folder = gables
    path = folder / "absent.tif"
    if change:
        path = save(folder / "bad.tif", heights, west, north, 0.5, change.get("crs", made.CRS))
    if "unit" in change:
        with rasterio.open(path, "r+") as out:
            out.units = (change["unit"],)
    with pytest.raises(pvp.InputError) as refused:
        pvp.model_roofs(made.footprints(truth), dsm=path)
    assert refused.value.code == code


def test_each_building_without_heights_says_why(gables):
    truth, heights, west, north, folder = gables
    holes = heights.copy()
    first = made.footprints(truth).geometry.iloc[0].bounds
    row, col = int((north - first[3]) / 0.5), int((first[0] - west) / 0.5)
    holes[row - 4 : row + 30, col - 4 : col + 40] = np.nan
    dsm = save(folder / "holes.tif", holes, west, north, 0.5)
    buildings = made.footprints(truth)
    buildings.loc[8, "geometry"] = shapely.affinity.translate(buildings.geometry[8], 5000, 0)
    buildings.loc[7, "geometry"] = shapely.affinity.translate(buildings.geometry[7], 20, 0)
    planes = pvp.model_roofs(buildings, dsm=dsm)
    why = planes.groupby("building_id")["source_reason"].first()
    assert why["B0000"] in ("gap", "outside")
    assert why["B0008"] == "outside"
    assert why["B0007"] in ("low", "unseen", "")
    assert (planes[planes["source_reason"] != ""]["source"] == "typology").all()
    assert set(planes["building_id"]) == set(buildings["building_id"])
    codes = {finding.code for finding in planes.attrs["findings"]}
    assert {"surface_noise", "surface_outside"} <= codes


def test_a_coarse_raster_is_not_believed(gables):
    truth, heights, west, north, folder = gables
    dsm = save(folder / "coarse.tif", heights[::6, ::6], west, north, 3.0)
    planes = pvp.model_roofs(made.footprints(truth), dsm=dsm)
    assert (planes["source"] == "typology").all()
    assert [finding.code for finding in planes.attrs["findings"]] == ["surface_coarse"]


def test_planes_do_not_leave_their_building(gables):
    truth, _, _, _, folder = gables
    planes = pvp.model_roofs(made.footprints(truth), dsm=folder / "plain.tif")
    whole = made.footprints(truth).set_index("building_id").geometry
    moved = planes.apply(
        lambda p: shapely.affinity.translate(
            whole[p["building_id"]], p["offset_east_m"], p["offset_north_m"]
        ), axis=1,
    )  # fmt: skip
    assert (planes.geometry.difference(gpd.GeoSeries(moved, crs=planes.crs)).area < 0.01).all()
    sums = planes.geometry.area.groupby(planes["building_id"]).sum()
    assert (sums / whole.area).between(0.97, 1.001).all()


# --- against known planes and real lidar ---------------------------------------------------------

BARS = {
    "s05": (["--sigma", "0.05"], 0.99, 0.4, 0.4, 0.5),
    "s10": (["--sigma", "0.10"], 0.98, 0.7, 0.8, 1.0),
    "coarse": (["--cell", "1.0", "--sigma", "0.10"], 0.98, 1.3, 2.5, 2.0),
    "lidar": (
        ["--smooth", "0.3", "--sigma", "0.05", "--outliers", "0.002"], 0.98, 1.5, 1.2, 2.5,
    ),
    "photogrammetric": (
        ["--smooth", "0.5", "--sigma", "0.10", "--corr", "1.0", "--outliers", "0.01",
         "--shift", "0.5"], 0.90, 3.5, 7.0, 6.0,
    ),
}  # fmt: skip


@pytest.mark.skipif(not (SHARED / "tools").is_dir(), reason="needs ../shared")
@pytest.mark.parametrize("profile", rarely(BARS, tuple(BARS)[:2]))
def test_selfkant_against_its_known_planes(tmp_path, profile, monkeypatch):
    monkeypatch.syspath_prepend(str(SHARED / "tools"))
    import make_dsm
    from score_planes import score

    options, f1, tilt, azimuth, irradiation = BARS[profile]
    prefix = tmp_path / "s"
    source = SHARED / "data" / "selfkant" / "roof_planes.geojson"
    monkeypatch.setattr(
        sys, "argv", ["make_dsm", str(source), str(prefix), "--seed", "2", *options]
    )
    make_dsm.main()
    buildings = gpd.read_file(f"{prefix}_footprints.gpkg")
    planes = pvp.model_roofs(buildings, dsm=f"{prefix}_dsm.tif")
    told = planes.assign(surface_azimuth=planes["grid_azimuth"])
    got = score(told, gpd.read_file(f"{prefix}_truth.gpkg"))
    assert got["f1"] >= f1
    assert got["tilt_error_deg"]["mean"] <= tilt
    assert got["azimuth_error_deg"]["mean"] <= azimuth
    assert got["plane_irradiation_error_pct"]["p90"] <= irradiation


@pytest.mark.skipif(not (SHARED / "data" / "delft").is_dir(), reason="needs ../shared")
def test_delft_in_real_lidar():
    delft = SHARED / "data" / "delft"
    buildings = pvp.read_buildings(delft / "footprints.gpkg")
    planes = pvp.model_roofs(buildings, dsm=delft / "dsm.tif", dtm=delft / "dtm.tif")
    assert planes["building_id"].nunique() == 160
    seen_or_said = (planes["source"] == "dsm") | (planes["source_reason"] != "")
    assert seen_or_said.all()
    hall = planes[planes["area_m2"] > 220].sort_values("area_m2")
    hall = hall[hall["surface_tilt"] > 40]
    assert hall["surface_tilt"].tolist() == pytest.approx([43.5, 43.7], abs=0.5)
    assert hall["grid_azimuth"].tolist() == pytest.approx([145, 325], abs=1.0)
    assert hall["area_m2"].tolist() == pytest.approx([248, 341], rel=0.03)
