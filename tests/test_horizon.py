"""Horizons of shapes with known answers, near and far; files; and what the energy makes of them."""

from __future__ import annotations

import json
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from chain import pvlib_year
from conftest import LIAO
from rasterio.transform import Affine

import pvplanner as pvp
from pvplanner.horizon import Horizons, horizon_angles, horizon_tiles, read_horizon, sky_shares
from pvplanner.horizon.march import EARTH_RADIUS_M, REFRACTION
from pvplanner.weather import typical_year

CRS = "EPSG:4549"
X0, Y0, HALF = 500_000.0, 3_290_000.0, 250.0
AROUND = np.radians(np.arange(36) * 10.0)
EAST, NORTH = np.sin(AROUND), np.cos(AROUND)


def write(path, heights_at, cell=0.5, half=HALF):
    """A raster of ``heights_at(east, north)`` around the middle."""
    count = int(2 * half / cell)
    along = -half + (np.arange(count) + 0.5) * cell
    east, north = np.meshgrid(along, -along)
    profile = {
        "driver": "GTiff", "count": 1, "dtype": "float32", "crs": CRS, "width": count,
        "height": count, "transform": Affine(cell, 0, X0 - half, 0, -cell, Y0 + half),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(heights_at(east, north).astype("float32"), 1)
    return path


def plane(east, north, height, tilt=0.0, azimuth=180.0, half=0.25, **more):
    shape = shapely.box(east - half, north - half, east + half, north + half)
    shape = shapely.affinity.translate(shape, X0, Y0)
    columns = {
        "plane_id": ["a"], "building_id": ["a"], "surface_tilt": [tilt], "elevation_m": [height],
        "surface_azimuth": [azimuth], "grid_azimuth": [azimuth], "roof_type": ["gable"], **more,
    }  # fmt: skip
    return gpd.GeoDataFrame(columns, geometry=[shape], crs=CRS)


def look(planes, **how):
    return np.asarray(horizon_angles(planes, points=1, **how))[0]


def degrees(tangent):
    return np.degrees(np.arctan(np.maximum(tangent, 0)))


@pytest.mark.parametrize("away", [2.0, 5.0, 10.0, 20.0, 60.0])
def test_a_wall(tmp_path, away):
    dsm = write(tmp_path / "wall.tif", lambda e, n: np.where(n > 20, 10.0, 0.0))
    found = look(plane(0.25, 20 - away, 0.0), dsm=dsm)
    expected = degrees(10 * NORTH / away)
    ahead = NORTH > 0.3
    assert found[ahead] == pytest.approx(expected[ahead], abs=0.5)
    assert (found[NORTH < -0.1] == 0).all()


def test_planes_without_heights_lie_on_the_surface(tmp_path):
    dsm = write(tmp_path / "wall.tif", lambda e, n: np.where(n > 20, 10.0, 3.0))
    planes = plane(0.25, 10.0, 0.0)[["plane_id", "surface_tilt", "surface_azimuth", "geometry"]]
    found = horizon_angles(planes, dsm=dsm, points=1)
    assert found.shape == (1, 36)
    assert found[0][0] == pytest.approx(degrees(7 / 10), abs=0.5)


def test_a_single_spike_shades_nothing(tmp_path):
    dsm = write(tmp_path / "spike.tif", lambda e, n: np.where((e == 0.25) & (n == 3.25), 5.0, 0.0))
    assert (look(plane(0.25, 0.25, 0.0), dsm=dsm) == 0).all()


def test_a_courtyard(tmp_path):
    dsm = write(
        tmp_path / "court.tif", lambda e, n: np.where(np.maximum(abs(e), abs(n)) > 6, 8.0, 0.0)
    )
    found = look(plane(0.0, 0.0, 0.0), dsm=dsm)
    away = 6 / np.maximum(abs(EAST), abs(NORTH))
    assert found == pytest.approx(degrees(8 / away), abs=0.5)


def test_a_valley(tmp_path):
    slope = np.tan(np.radians(30))
    dsm = write(tmp_path / "valley.tif", lambda e, n: np.minimum(abs(e), 150) * slope)
    found = look(plane(0.25, 0.25, 0.25 * slope), dsm=dsm, reach_m=150)
    assert found == pytest.approx(degrees(slope * abs(EAST)), abs=0.5)


def test_a_gable_beside_its_neighbour_and_its_own_ridge(tmp_path):
    slope = np.tan(np.radians(35))

    def gables(east, north):
        own = 5 + (4 - abs(north)) * slope
        other = 5 + (4 - abs(north - 12)) * slope
        return np.where(abs(north) < 4, own, np.where(abs(north - 12) < 4, other, 0.0))

    dsm = write(tmp_path / "gables.tif", gables, cell=0.25)
    found = look(plane(0.0, 2.0, 5 + 2 * slope, 35.0, 0.0), dsm=dsm)
    assert found[18] == pytest.approx(35, abs=0.5)  # the own slope, up to the ridge
    # One cell at the edge: the raster's ridge is half a cell lower than the roof's.
    assert found[0] == pytest.approx(degrees(2 * slope / 10), abs=0.6)


def test_half_a_roof_in_shade_is_half_a_roof_in_shade(tmp_path):
    dsm = write(tmp_path / "half.tif", lambda e, n: np.where((n > 5) & (e > 0), 40.0, 3.0))
    planes = plane(0.0, 0.0, 3.0, half=4.0)
    found = horizon_angles(planes, dsm=dsm, points=8)
    assert found.angles.shape == (1, 8, 36)
    assert ((found.angles[0, :, 0] > 60).sum(), (found.angles[0, :, 0] < 5).sum()) == (4, 4)


def test_neighbours_of_known_height_shade_without_a_surface_model():
    here = plane(0.0, 0.0, 6.0, half=2.0, source=["typology"])
    there = plane(0.0, 20.0, 16.0, half=5.0, source=["typology"]).assign(building_id="b")
    planes = gpd.GeoDataFrame(
        pd.concat([here, there], ignore_index=True), geometry="geometry", crs=CRS
    )
    found = np.asarray(horizon_angles(planes, points=1))
    assert found[0, 0] == pytest.approx(degrees(10 / 15), abs=0.5)
    assert (found[1] == 0).all()
    # A building without planes, of stated height, stands as well.
    other = gpd.GeoDataFrame(
        {"building_id": ["c"], "height_m": [26.0]},
        geometry=[shapely.box(X0 + 15, Y0 - 30, X0 + 40, Y0 + 30)], crs=CRS,
    )  # fmt: skip
    found = np.asarray(horizon_angles(planes, buildings=other, points=1))
    assert found[0, 9] == pytest.approx(degrees(20 / 15), abs=0.5)


def test_a_far_ridge_sinks_behind_the_curved_earth(tmp_path):
    ridge, high = 30_000.0, 900.0
    dem = write(
        tmp_path / "dem.tif",
        lambda e, n: np.where(abs(n - ridge) < 400, high, 0.0),
        100.0,
        45_000.0,
    )
    found = look(plane(0.0, 0.0, 0.0, source=["dsm"]), dem=dem)
    near = ridge - 400
    drop = (1 - REFRACTION) * near**2 / (2 * EARTH_RADIUS_M)
    # Seen from a roof of unknown height, 5 m above the terrain.
    assert found[0] == pytest.approx(degrees((high - 5 - drop) / near), abs=0.02)
    # Without curvature it would stand 0.12 degrees higher.
    assert degrees((high - 5) / near) - found[0] > 0.1
    assert found[18] == 0


def test_true_north_is_not_grid_north(tmp_path):
    dsm = write(tmp_path / "wall.tif", lambda e, n: np.where(n > 20, 10.0, 0.0))
    turned = plane(0.25, 10.0, 0.0, azimuth=180.0).assign(surface_azimuth=190.0)
    plain = look(plane(0.25, 10.0, 0.0), dsm=dsm)
    assert look(turned, dsm=dsm) == pytest.approx(np.roll(plain, 1), abs=1e-4)


def test_every_pixel_at_once_agrees_with_single_points(tmp_path):
    rng = np.random.default_rng(4)
    spots = rng.uniform(-90, 90, (30, 2))

    def village(east, north):
        z = 0.02 * east
        for x, y in spots:
            z = np.where((abs(east - x) < 5) & (abs(north - y) < 4), 8 + 0.02 * x, z)
        return z

    dsm = write(tmp_path / "v.tif", village, half=100.0)
    patch, angles = next(horizon_tiles(dsm, CRS))
    assert angles.shape == (36, 400, 400)
    for east, north in ((0.25, 0.25), (-30.25, 40.25), (60.25, -20.25)):
        i, j = int((patch.north - Y0 - north) / 0.5), int((X0 + east - patch.west) / 0.5)
        single = look(plane(east, north, float(patch.heights[i, j])), dsm=dsm)
        assert np.abs(single - angles[:, i, j]).mean() < 1.5
    # Tiles see beyond their edges as far as the whole does.
    parts = list(horizon_tiles(dsm, CRS, tile=150, reach_m=200))
    assert len(parts) == 9
    for part, found in parts:
        i, j = int((patch.north - part.north) / 0.5), int((part.west - patch.west) / 0.5)
        rows, cols = part.heights.shape
        whole = angles[:, i : i + rows, j : j + cols]
        # Lines of cells begin elsewhere, so cells at walls may differ.
        assert np.abs(found - whole).mean() < 0.3


def test_horizon_files_of_every_kind(tmp_path):
    up = np.linspace(0, 17.5, 36)
    (tmp_path / "list.csv").write_text("\n".join(f"{v:.2f}" for v in up))
    assert read_horizon(tmp_path / "list.csv") == pytest.approx(up, abs=0.01)
    rows = "\n".join(f"{10 * n},{v:.2f}" for n, v in enumerate(up))
    (tmp_path / "table.csv").write_text(f"azimuth,elevation\n{rows}\n")
    assert read_horizon(tmp_path / "table.csv") == pytest.approx(up, abs=0.01)
    # PVGIS counts from the south, west positive, and gives -180 and 180.
    south = [{"A": float(a), "H_hor": float((a + 180) / 36)} for a in range(-180, 180, 10)]
    body = {"outputs": {"horizon_profile": [*south, {"A": 180.0, "H_hor": 0.0}]}}
    (tmp_path / "pvgis.json").write_text(json.dumps(body))
    assert read_horizon(tmp_path / "pvgis.json")[[0, 9, 18]] == pytest.approx([0, 2.5, 5])
    lines = "\n".join(f"{r['A']}\t{r['H_hor']}\t0\t0\t0\t0" for r in south)
    (tmp_path / "pvgis.csv").write_text(f"Latitude\t30\n\nA\tH_hor\tA_sun\n{lines}\n\nA:\tturn\n")
    assert read_horizon(tmp_path / "pvgis.csv")[18] == pytest.approx(5)
    (tmp_path / "bad.csv").write_text("hello\nworld\n")
    with pytest.raises(pvp.InputError, match=r"bad\.csv"):
        read_horizon(tmp_path / "bad.csv")


def test_a_file_and_the_surface_add_up_to_the_higher(tmp_path):
    (tmp_path / "h.csv").write_text("azimuth,elevation\n0,30\n90,30\n180,30\n270,30\n")
    dsm = write(tmp_path / "wall.tif", lambda e, n: np.where(n > 20, 10.0, 0.0))
    found = look(plane(0.25, 10.0, 0.0), dsm=dsm, horizon=tmp_path / "h.csv")
    assert found[0] == pytest.approx(45, abs=0.5)
    assert found[18] == pytest.approx(30)


def test_growing_steps_differ_little_from_every_cell(monkeypatch):
    """On the example's surface model: rays in growing steps beside rays from cell to cell."""
    room = sys.modules["pvplanner.horizon.march"]
    with rasterio.open(LIAO.with_name("dsm.tif")) as source:
        z = (source.read(1) * source.scales[0]).astype(np.float32)
    rng = np.random.default_rng(0)
    at = rng.integers(420, np.array(z.shape)[::-1] - 420, (150, 2))
    height = z[at[:, 1], at[:, 0]]
    points = np.column_stack([at + 0.5, height]).astype(float)
    flat, clear = np.zeros((150, 2)), np.full(150, 0.25)
    ours = np.zeros((150, 36), dtype=np.float32)
    room.march(z, float(z.max()), 0.5, points, flat, clear, 200.0, 0.0, ours)
    every = np.zeros_like(ours)
    distances = np.arange(room.NEAR_M / 0.5 + 0.5, 400, 1.0)
    monkeypatch.setattr(room, "_distances", lambda near, reach: distances)
    room.march.py_func(z, float(z.max()), 0.5, points, flat, clear, 200.0, 0.0, every)
    off = np.degrees(np.arctan(ours)) - np.degrees(np.arctan(every))
    assert np.abs(off).mean() < 0.15


def test_angles_of_the_raster_are_arc_tangents():
    from pvplanner.horizon.hull import Lines

    rise = np.geomspace(0.01, 300, 400).astype(np.float32)
    pairs = np.zeros((400, 2), dtype=np.float32)
    pairs[:, 1] = rise
    out = np.empty_like(pairs)
    Lines(pairs, 1.0).angles(90.0, out)
    assert out[:, 0] == pytest.approx(np.degrees(np.arctan(rise)), abs=1e-3)


def test_sky_view_of_a_level_roof_in_a_round_pit():
    """Closed form: the share of an isotropic sky above h all round is cos(h) squared."""
    for h in (0.0, 20.0, 45.0, 70.0):
        seen = sky_shares(np.full((1, 36), np.radians(h)), np.zeros(1), np.zeros(1))
        assert seen[0] == pytest.approx(np.cos(np.radians(h)) ** 2, abs=1e-9)


@pytest.mark.parametrize(("tilt", "azimuth"), [(5, 180), (25, 200), (40, 90), (15, 350)])
def test_energy_of_several_points_equals_pvlib_masked_alike(tilt, azimuth):
    weather = typical_year(29.7, 121.3)
    scenario = pvp.Scenario(system={"losses": 0.14})
    rng = np.random.default_rng(tilt)
    angles = np.abs(rng.normal(12, 14, (1, 5, 36))).astype(np.float32)
    table = pd.DataFrame(
        {"capacity_kwp": [1.0], "surface_tilt": [tilt], "surface_azimuth": [azimuth]}
    )
    lean, turn = np.radians([float(tilt)] * 5), np.radians([float(azimuth)] * 5)
    left = float(sky_shares(np.radians(angles[0]).astype(float), lean, turn).mean())
    expected = pvlib_year(weather, tilt, azimuth, scenario, horizon=angles[0], sky_left=left)
    for horizon in (angles, Horizons(angles, np.array([left]))):
        ours = pvp.simulate_energy(table, weather, scenario=scenario, horizon=horizon)
        assert ours["energy_kwh"].iloc[0] == pytest.approx(expected.sum(), rel=1e-4)
        assert 0 < ours["shading_loss"].iloc[0] < 1


def test_a_horizon_that_fits_no_array_is_refused():
    table = pd.DataFrame({"capacity_kwp": [1.0], "surface_tilt": 20, "surface_azimuth": 180})
    weather = typical_year(29.7, 121.3)
    with pytest.raises(pvp.InputError, match="shape"):
        pvp.simulate_energy(table, weather, horizon=np.zeros((2, 36)))
    with pytest.raises(pvp.InputError, match="number"):
        pvp.simulate_energy(table, weather, horizon=np.full((1, 36), np.nan))


def test_a_real_pvgis_file(shared):
    """PVGIS' own answer for 45 N 8 E (pvlib's copy): hills of a few degrees all round."""
    found = read_horizon(shared / "data" / "weather" / "pvgis_horizon.csv")
    assert found.shape == (36,)
    assert 0 < found.max() < 30
