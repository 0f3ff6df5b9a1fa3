"""Point clouds: gridded to what is seen from above, and used as a surface model is."""

from __future__ import annotations

import sys

import made_roofs as made
import numpy as np
import pytest
from villages import write_village

import pvplanner as pvp
from pvplanner.terrain import open_raster
from pvplanner.terrain.points import grid_points

laspy = pytest.importorskip("laspy", reason="needs the extra points")


def cloud(path, x, y, z, *, crs=made.CRS, classes=None):
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.offsets, header.scales = [np.floor(x.min()), np.floor(y.min()), 0], [0.001] * 3
    if crs is not None:
        from pyproj import CRS

        header.add_crs(CRS.from_user_input(crs))
    las = laspy.LasData(header)
    las.x, las.y, las.z = x, y, z
    if classes is not None:
        las.classification = classes
    las.write(path)
    return path


def scan(truth, folder, name="p.laz", *, density=8.0, sigma=0.04, seed=0, **more):
    """A cloud as lidar would make it of known roofs: ground, roofs, some noise."""
    rng = np.random.default_rng(seed)
    heights, west, north = made.surface(truth, cell=0.25, sigma=0.0, seed=seed)
    rows, cols = heights.shape
    count = int(rows * cols * 0.25**2 * density)
    u, v = rng.uniform(0, cols, count), rng.uniform(0, rows, count)
    z = heights[v.astype(int), u.astype(int)] + rng.normal(0, sigma, count)
    return cloud(folder / name, west + u * 0.25, north - v * 0.25, z, **more)


@pytest.fixture
def gables():
    return made.mixed_village(12, seed=3, kinds=("gable", "hip", "flat"))


@pytest.mark.parametrize("name", ["p.las", "p.laz"])
def test_roofs_are_seen_in_a_cloud(tmp_path, gables, name):
    path = scan(gables, tmp_path, name)
    planes = pvp.model_roofs(made.footprints(gables), points=path)
    assert set(planes["source"]) == {"points"}
    for building, mine in planes.groupby("building_id"):
        true = gables[gables["building_id"] == building]
        assert len(mine) == len(true)
        tilt = np.average(mine["surface_tilt"], weights=mine["area_m2"])
        assert tilt == pytest.approx(np.average(true["surface_tilt"], weights=true["area_m2"]),
                                     abs=1.5)  # fmt: skip


def test_a_cloud_is_gridded_by_its_density(tmp_path, gables):
    cells = []
    for density in (60.0, 9.0, 2.0):
        path = scan(gables, tmp_path, f"p{density}.las", density=density)
        with open_raster(path, made.CRS) as raster:
            cells.append(raster.cell)
    assert cells == [0.25, 0.5, 1.0]


def test_the_highest_surface_of_a_cell_counts_and_noise_does_not(tmp_path):
    grid = np.arange(0.125, 10, 0.25)
    x, y = (axis.ravel() for axis in np.meshgrid(grid, grid))
    x, y, z = np.tile(x, 3), np.tile(y, 3), np.repeat([0.0, 6.0, 6.2], len(x))
    classes = np.full(len(x), 1)
    x, y, z = np.append(x, 5.1), np.append(y, 5.1), np.append(z, 90.0)
    classes = np.append(classes, 7)
    east, north = made.ORIGIN
    path = cloud(tmp_path / "p.las", x + east, y + north, z, classes=classes)
    stat = path.stat()
    heights, west, top, cell, crs, _ = grid_points(str(path), stat.st_mtime_ns, stat.st_size)
    known = heights[np.isfinite(heights)]
    assert known == pytest.approx(6.1, abs=1e-3)
    assert crs.to_epsg() == 32651
    assert (west, cell) == (east, 0.25)
    assert top >= north + 9.75


def test_noise_far_off_is_no_part_of_the_village(tmp_path, gables):
    """A stray return of the noise class, 400 km away: the cloud is what it was without it."""
    path = scan(gables, tmp_path, "p.las")
    alone = pvp.model_roofs(made.footprints(gables), points=path)
    las = laspy.read(path)
    x, y, z = np.append(las.x, las.x[0] + 4e5), np.append(las.y, las.y[0]), np.append(las.z, 5.0)
    classes = np.append(np.full(len(las.x), 1), 7)
    with_noise = cloud(tmp_path / "n.las", x, y, z, classes=classes)
    planes = pvp.model_roofs(made.footprints(gables), points=with_noise)
    assert planes["area_m2"].tolist() == pytest.approx(alone["area_m2"].tolist(), abs=0.5)


@pytest.mark.parametrize(("density", "said"), [(0.8, True), (8.0, False)])
def test_a_thin_cloud_is_said(tmp_path, gables, density, said):
    path = scan(gables, tmp_path, f"p{density}.las", density=density)
    planes = pvp.model_roofs(made.footprints(gables), points=path)
    assert ("points_sparse" in {f.code for f in planes.attrs["findings"]}) == said


def test_a_plan_stands_on_a_cloud_as_on_a_surface_model(tmp_path, gables):
    scan(gables, tmp_path, "p.laz")
    path = write_village(tmp_path, made.footprints(gables), 'points = "p.laz"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    assert set(plan.planes["source"]) == {"points"}
    assert "horizon_none" not in {finding.code for finding in plan.findings}


def test_what_a_cloud_lacks_is_seen_in_the_surface_model(tmp_path, gables):
    first = gables["building_id"].isin(sorted(gables["building_id"].unique())[:4])
    path = scan(gables[first].reset_index(drop=True), tmp_path)
    made.write(tmp_path / "d.tif", *made.surface(gables, seed=1))
    planes = pvp.model_roofs(made.footprints(gables), points=path, dsm=tmp_path / "d.tif")
    by = planes.groupby("building_id")["source"].first()
    assert (by == "points").sum() == 4
    assert (by == "dsm").sum() == 8


@pytest.mark.parametrize(("spoil", "code"), [
    ("text", "file_kind"), ("cut", "file_unreadable"), ("no crs", "raster_no_crs"),
    ("absent", "file_missing"),
])  # fmt: skip
def test_a_cloud_that_can_not_be_used_is_refused(tmp_path, gables, spoil, code):
    path = scan(gables, tmp_path, "p.las", crs=None if spoil == "no crs" else made.CRS)
    if spoil == "text":
        path.write_text("no points", "utf-8")
    elif spoil == "cut":
        path.write_bytes(path.read_bytes()[:300])
    elif spoil == "absent":
        path.unlink()
    with pytest.raises(pvp.InputError) as refused:
        pvp.model_roofs(made.footprints(gables), points=path)
    assert refused.value.code == code


def test_without_the_extra_its_name_is_told(tmp_path, gables, monkeypatch):
    path = scan(gables, tmp_path, "p.las")
    monkeypatch.setitem(sys.modules, "laspy", None)
    with pytest.raises(pvp.InputError, match=r"pvplanner\[points\]"):
        pvp.model_roofs(made.footprints(gables), points=path)
