"""What the field sends, kind by kind: each in several forms, with values from geometry and sums."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from helps import codes, rows_of, used
from spoils import (
    CRS,
    GROUND,
    LAT,
    LON,
    Village,
    _heights,
    ledger,
    outlines,
    save_surface,
    save_weather,
    weather_rows,
)

import pvplanner as pvp
from pvplanner.buildings import findings_of, metric_crs
from pvplanner.reference import legal_zone, province_of

# --- outlines -------------------------------------------------------------------------------------


def written(tmp_path, frame, name="houses.gpkg", **more) -> Path:
    frame.to_file(tmp_path / name, **more)
    return tmp_path / name


def with_outline(shape, **values) -> gpd.GeoDataFrame:
    houses = outlines()
    extra = gpd.GeoDataFrame({"building_id": ["X"], **values}, geometry=[shape], crs=CRS)
    return pd.concat([houses, extra], ignore_index=True)


AROUND = {
    "boundary": lambda h: h.union_all().convex_hull.buffer(30),
    "frame": lambda h: shapely.box(*h.total_bounds).buffer(200, join_style="mitre"),
    "block of three": lambda h: h.geometry.iloc[:3].union_all().convex_hull.buffer(1.5),
    "boundary of parts": lambda h: shapely.MultiPolygon(
        [h.geometry.iloc[:5].union_all().convex_hull, h.geometry.iloc[5:].union_all().convex_hull]
    ).buffer(3),
}


@pytest.mark.parametrize("kind", AROUND)
def test_what_surrounds_houses_is_no_roof(tmp_path, kind):
    frame = with_outline(AROUND[kind](outlines()))
    found = pvp.read_buildings(written(tmp_path, frame))
    assert used(found).geometry.area.sum() == pytest.approx(1200, rel=1e-9)
    aside = found.set_index("building_id").loc["X"]
    assert aside["status_reason"].startswith("surrounds")
    assert "shape_surrounds" in codes(findings_of(found))


def test_what_stands_on_a_roof_is_no_house(tmp_path):
    hall = shapely.box(0, 0, 60, 40)
    heads = [shapely.box(5 + 12 * n, 5, 8 + 12 * n, 9) for n in range(4)]
    x, y = 620_000.0, 3_289_000.0
    shapes = [shapely.affinity.translate(s, x, y) for s in (hall, *heads)]
    frame = gpd.GeoDataFrame({"building_id": list("ABCDE")}, geometry=shapes, crs=CRS)
    found = pvp.read_buildings(written(tmp_path, frame))
    assert used(found)["building_id"].tolist() == ["A"]


def test_parts_that_fill_a_building_are_the_building(tmp_path):
    x, y = 620_000.0, 3_289_000.0
    whole = shapely.box(x, y, x + 30, y + 12)
    parts = [shapely.box(x + 10 * n, y, x + 10 * n + 10, y + 12) for n in range(3)]
    frame = gpd.GeoDataFrame({"building_id": list("ABCD")}, geometry=[whole, *parts], crs=CRS)
    found = pvp.read_buildings(written(tmp_path, frame))
    assert used(found)["building_id"].tolist() == ["A"]


def dxf(path: Path, layers: dict[str, list[list[tuple[float, float]]]]) -> Path:
    """A drawing (R12) of closed polylines."""
    out = ["0", "SECTION", "2", "ENTITIES"]
    for layer, rings in layers.items():
        for ring in rings:
            out += ["0", "POLYLINE", "8", layer, "66", "1", "70", "1"]
            for x, y in ring:
                out += ["0", "VERTEX", "8", layer, "10", f"{x:.3f}", "20", f"{y:.3f}"]
            out += ["0", "SEQEND", "8", layer]
    path.write_text("\n".join([*out, "0", "ENDSEC", "0", "EOF", ""]), encoding="ascii")
    return path


def ring_of(shape) -> list[tuple[float, float]]:
    return list(shape.exterior.coords)[:-1]


def test_layers_of_a_drawing_are_chosen_and_listed(tmp_path):
    houses = [ring_of(s) for s in outlines().geometry]
    frame = [ring_of(shapely.box(*outlines().total_bounds).buffer(300, join_style="mitre"))]
    path = dxf(tmp_path / "a.dxf", {"JMD": houses, "TK": frame})
    assert used(pvp.read_buildings(path, crs=CRS)).geometry.area.sum() == pytest.approx(1200)
    named = pvp.read_buildings(path, crs=CRS, layer="jmd")
    assert len(named) == 10
    with pytest.raises(pvp.InputError, match=r"JMD \(10\), TK \(1\)"):
        pvp.read_buildings(path, crs=CRS, layer="roof")
    odd = dxf(tmp_path / "b.dxf", {"L1": houses, "L2": frame})
    with pytest.raises(pvp.InputError, match=r"several layers.*L1 \(10\), L2 \(1\)"):
        pvp.read_buildings(odd, crs=CRS)
    with pytest.raises(pvp.InputError, match="sheet's frame"):
        pvp.read_buildings(path, crs=CRS, layer="TK")


CORNERS = {3: 43.3, 5: 60.0, 7: 90.0, 12: 108.0}


def test_rings_of_any_length_are_areas(tmp_path):
    x, y, rings, areas = 620_000.0, 3_289_000.0, [], []
    for n, (corners, _) in enumerate(CORNERS.items()):
        turn = 2 * np.pi * np.arange(corners) / corners
        ring = np.column_stack([x + 30 * n + 6 * np.cos(turn), y + 6 * np.sin(turn)])
        rings.append([tuple(p) for p in ring])
        areas.append(0.5 * corners * 36 * np.sin(2 * np.pi / corners))
    found = pvp.read_buildings(dxf(tmp_path / "r.dxf", {"0": rings}), crs=CRS)
    assert sorted(found.geometry.area) == pytest.approx(sorted(areas), abs=0.02)


TABLES_OF = {
    "GBK as UTF-8": ("GBK", "UTF-8"),
    "GBK as OEM": ("GBK", "OEM"),
    "GBK as System": ("GBK", "System"),
    "GBK as 1252": ("GBK", "ANSI 1252"),
    "GBK unsaid": ("GBK", None),
    "UTF-8 as 936": ("UTF-8", "936"),
    "UTF-8 as GBK": ("UTF-8", "GBK"),
    "UTF-8 as 1252": ("UTF-8", "1252"),
    "GBK as 936": ("GBK", "936"),
}


@pytest.mark.parametrize("kind", TABLES_OF)
def test_the_bytes_of_a_table_outweigh_its_code_page(tmp_path, kind):
    encoding, page = TABLES_OF[kind]
    names = [f"房-{n:03d}" for n in range(1, 11)]
    frame = outlines().assign(bldg_id=names, hamlet="东村").drop(columns="building_id")
    path = written(tmp_path, frame, "houses.shp", encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if page:
        path.with_suffix(".cpg").write_text(page)
    found = pvp.read_buildings(path)
    assert found["building_id"].tolist() == names
    assert set(found["hamlet"]) == {"东村"}


def test_western_letters_stay_what_they_are(tmp_path):
    frame = outlines().assign(hamlet="Straße Süd").rename(columns={"building_id": "bldg_id"})
    path = written(tmp_path, frame, "houses.shp", encoding="ISO-8859-1")
    path.with_suffix(".cpg").write_text("ISO-8859-1")
    assert set(pvp.read_buildings(path)["hamlet"]) == {"Straße Süd"}


@pytest.mark.parametrize("at", [(0.0, 0.0), (1e7, 1e7), (-5.0, 3.0), (620_000.0, 0.0)])
def test_a_stray_decides_nothing(tmp_path, at):
    frame = with_outline(shapely.box(*at, at[0] + 12, at[1] + 10))
    found = pvp.read_buildings(written(tmp_path, frame))
    assert len(found) == 11
    assert len(used(found)) == 10
    assert "shape_far_away" in codes(findings_of(found))


def test_a_formula_in_the_column_of_ids_is_named(tmp_path):
    book = openpyxl.Workbook()
    for row in (["户号", "房屋编号"], ['="H"&B2', 1]):
        book.active.append(row)
    book.save(tmp_path / "ledger.xlsx")
    with pytest.raises(pvp.InputError, match="A2 holds a formula without a value"):
        pvp.read_households(tmp_path / "ledger.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig", "utf-16"])
def test_tables_of_ones_own_in_any_encoding(tmp_path, encoding):
    from pvplanner.reading import read_small_table

    (tmp_path / "t.csv").write_bytes("year,因子,note\n2025,0.5,甲\n2026,0.4,\n".encode(encoding))
    table = read_small_table(tmp_path / "t.csv")
    assert table["year"].tolist() == [2025, 2026]
    assert table["因子"].tolist() == [0.5, 0.4]
    assert table["note"].iloc[0] == "甲"


PLACES = {
    "sea": (29.7, 124.3, None, True), "Anhui for Zhejiang": (29.8, 118.0, "Zhejiang", True),
    "Ningbo": (29.72, 121.25, "Zhejiang", False), "Ningbo unsaid": (29.72, 121.25, None, False),
    "Kashi": (39.47, 75.99, "Xinjiang", False), "Delft": (52.0, 4.36, None, False),
    "Delft as Zhejiang": (52.0, 4.36, "Zhejiang", True), "Lhasa": (29.65, 91.1, "Xizang", False),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_where_houses_lie_is_held_against_what_is_said(name):
    from pvplanner.plan.site import find_place

    lat, lon, province, doubted = PLACES[name]
    point = gpd.GeoSeries([shapely.Point(lon, lat)], crs=4326).to_crs(metric_crs(lon, lat))
    houses = gpd.GeoDataFrame({"division_code": [None]}, geometry=point.buffer(6))
    place, found = find_place(houses, province)
    assert ("place_apart" in codes(found)) == doubted
    assert (place.latitude, place.longitude) == pytest.approx((lat, lon), abs=1e-4)


def test_the_zone_in_which_houses_would_lie_right_is_named():
    from pvplanner.plan.site import find_place

    houses = outlines().set_crs("EPSG:4550", allow_override=True).assign(division_code=None)
    told = next(f for f in find_place(houses, "Zhejiang")[1] if f.code == "place_apart")
    assert "EPSG:4549" in told.params["instead"]
    coded = outlines().set_crs("EPSG:4548", allow_override=True)
    found = find_place(coded.assign(division_code="330212202203"), None)[1]
    assert "place_apart" in codes(found)


def test_division_codes_name_provinces():
    assert province_of("330212202203") == "Zhejiang"
    assert province_of("650102202200") == "Xinjiang"
    assert province_of("990000000000") is None


def test_all_china_keeps_one_time():
    for lat, lon in ((30.66, 104.06), (39.47, 75.99), (43.8, 87.6), (31.2, 121.5), (22.3, 114.2)):
        assert legal_zone(lat, lon) == 8.0
    assert legal_zone(52.0, 4.36) == 0.0
    assert legal_zone(33.4, -112.0) == -7.0


# --- weather --------------------------------------------------------------------------------------


def halves(weather) -> tuple[float, float]:
    roofs = {"capacity_kwp": 1.0, "surface_tilt": 35.0, "surface_azimuth": [90.0, 270.0]}
    made = pvp.simulate_energy(pd.DataFrame(roofs), weather, scenario=pvp.Scenario())
    return tuple(made["energy_kwh"])


FINER = [pytest.param(n, marks=pytest.mark.long) for n in (30, 15, 10)]


@pytest.mark.parametrize("step", [60, *FINER])
@pytest.mark.parametrize("stand", ["begin", "middle", "end"])
@pytest.mark.parametrize("light", ["all", "ghi"])
def test_the_sun_is_found_wherever_stamps_stand(tmp_path, step, stand, light):
    rows = weather_rows(step)
    shift = {"begin": 0, "middle": step / 2, "end": step}[stand]
    rows["time"] = rows["time"] + pd.Timedelta(minutes=shift)
    if light == "ghi":
        rows = rows[["time", "ghi", "temp_air"]]
    save_weather(tmp_path / "w.csv", rows)
    east, west = halves(pvp.read_weather(tmp_path / "w.csv"))
    assert east / west == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("lon", [104.06, 87.6, 121.5])
def test_hours_in_china_are_in_its_one_time(tmp_path, lon):
    import pvlib

    hours = pd.date_range("2023-01-01", periods=8760, freq="h", tz="Etc/GMT-8")
    sun = pvlib.solarposition.get_solarposition(hours + pd.Timedelta(minutes=30), 31.0, lon)
    clear = 900 * np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
    rows = pd.DataFrame({"time": hours.tz_localize(None), "ghi": clear, "temp_air": 20.0})
    save_weather(tmp_path / "w.csv", rows, f"# latitude: 31\n# longitude: {lon}\n")
    weather = pvp.read_weather(tmp_path / "w.csv")
    assert weather.data.index[0].utcoffset() == dt.timedelta(hours=8)
    east, west = halves(weather)
    assert east / west == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("name", ["dni", "dhi"])
@pytest.mark.parametrize("months", [12, pytest.param(2, marks=pytest.mark.long)])
def test_a_component_that_reads_nothing_is_derived(tmp_path, name, months):
    rows = weather_rows()
    save_weather(tmp_path / "sound.csv", rows)
    gone = rows["time"].dt.month <= months
    save_weather(tmp_path / "w.csv", rows.assign(**{name: rows[name].where(~gone, 0.0)}))
    weather = pvp.read_weather(tmp_path / "w.csv")
    told = next(f for f in weather.findings if f.code == "weather_silent")
    assert told.doubtful
    assert told.params["column"] == name
    sound = sum(halves(pvp.read_weather(tmp_path / "sound.csv")))
    assert sum(halves(weather)) == pytest.approx(sound, rel=0.02)


def test_too_few_components_are_refused(tmp_path):
    save_weather(tmp_path / "w.csv", weather_rows().assign(dni=0.0, ghi=0.0))
    with pytest.raises(pvp.InputError, match=r"w\.csv"):
        pvp.read_weather(tmp_path / "w.csv")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.assign(dni=r["dni"].to_numpy()[::-1]),
        lambda r: r.assign(dhi=r["dhi"] + 300 * (r["ghi"] > 0)),
        lambda r: r.assign(dni=r["dni"] * 1.0 + 700 * (r["ghi"] > 50)),
    ],
)
def test_components_that_contradict_each_other_are_no_year(tmp_path, spoil):
    save_weather(tmp_path / "w.csv", spoil(weather_rows()))
    with pytest.raises(pvp.InputError, match="contradict each other"):
        pvp.read_weather(tmp_path / "w.csv")
    # Whoever knows which two are sound may say so.
    assert pvp.read_weather(tmp_path / "w.csv", trusted="ghi_dhi").trusted == "ghi_dhi"


@pytest.mark.parametrize("hours", [2, 3, -3, 5])
def test_a_zone_that_the_light_refutes_is_refused(tmp_path, hours):
    rows = weather_rows()
    rows["time"] = rows["time"] + pd.Timedelta(hours=hours)
    save_weather(tmp_path / "w.csv", rows)
    with pytest.raises(pvp.InputError, match=r"sun's noon|at night"):
        pvp.read_weather(tmp_path / "w.csv")


# --- surface models -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    return Village.made(tmp_path_factory.mktemp("field") / "v")


def seen(village, path, **more):
    houses = pvp.read_buildings(village.path("buildings"))
    return pvp.model_roofs(houses, scenario=pvp.Scenario(), dsm=path, **more)


SLOPED = 1200 / np.cos(np.radians(25))


def held(planes) -> None:
    own = planes[planes["source"] == "dsm"]
    assert own["building_id"].nunique() == 10
    assert own["area_m2"].sum() == pytest.approx(SLOPED, rel=0.05)
    assert np.average(own["surface_tilt"], weights=own["area_m2"]) == pytest.approx(25, abs=2)


@pytest.mark.parametrize("value", [-9999.0, -32767.0, 0.0, 65535.0, 9999.0])
@pytest.mark.parametrize("tag", [None, -1.0])
@pytest.mark.parametrize("warped", [False, pytest.param(True, marks=pytest.mark.long)])
def test_values_that_are_no_heights_are_unknown(village, tmp_path, value, tag, warped):
    heights = _heights(village)
    heights[np.random.default_rng(1).random(heights.shape) < 0.05] = value
    more = {} if tag is None else {"nodata": tag}
    save_surface(tmp_path / "a.tif", heights, **more)
    path = tmp_path / "a.tif"
    if warped:
        heights_in_degrees(path, tmp_path / "b.tif")
        path = tmp_path / "b.tif"
    planes = seen(village, path)
    if warped:
        # Nearest cells of another grid are rougher; the walls stay, no hole becomes a pit.
        assert planes["source"].eq("dsm").sum() >= 15
        assert planes["surface_tilt"].median() == pytest.approx(25, abs=4)
    else:
        held(planes)


def test_two_values_for_unknown_in_a_model_in_degrees(village, tmp_path):
    heights = _heights(village)
    heights[np.random.default_rng(1).random(heights.shape) < 0.05] = 0.0
    save_surface(tmp_path / "a.tif", heights, nodata=-1.0)
    heights_in_degrees(tmp_path / "a.tif", tmp_path / "b.tif")
    planes = seen(village, tmp_path / "b.tif")
    assert planes["source"].eq("dsm").sum() >= 15
    assert planes["surface_tilt"].median() == pytest.approx(25, abs=4)


def heights_in_degrees(path: Path, out: Path) -> None:
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    with rasterio.open(path) as source:
        place, width, height = calculate_default_transform(
            source.crs, "EPSG:4326", source.width * 2, source.height * 2, *source.bounds
        )
        made = np.full((height, width), source.read(1).flat[0], dtype="float32")
        reproject(
            source.read(1),
            made,
            src_transform=source.transform,
            src_crs=source.crs,
            dst_transform=place,
            dst_crs="EPSG:4326",
            resampling=Resampling.nearest,
        )
        profile = {**source.profile, "crs": "EPSG:4326", "transform": place, "width": width,
                   "height": height}  # fmt: skip
    with rasterio.open(out, "w", **profile) as target:
        target.write(made, 1)


def test_a_polder_at_zero_is_a_height(village, tmp_path):
    heights = _heights(village) - GROUND
    save_surface(tmp_path / "a.tif", np.where(heights < 0.5, 0.0, heights))
    planes = seen(village, tmp_path / "a.tif")
    held(planes)
    assert "raster_unknown" not in codes(planes.attrs["findings"])


@pytest.mark.parametrize(("factor", "unit"), [(1 / 0.3048, "ft"), (100.0, "cm"), (10.0, "dm")])
def test_heights_in_another_unit_are_asked_about(village, tmp_path, factor, unit):
    save_surface(tmp_path / "a.tif", _heights(village) * factor)
    with pytest.raises(pvp.InputError, match=r"a\.tif: .*(roofs slope by|houses stand|no heights)"):
        seen(village, tmp_path / "a.tif")
    houses = pvp.read_buildings(village.path("buildings"))
    said = pvp.Scenario().override({"site.height_unit": unit})
    held(pvp.model_roofs(houses, scenario=said, dsm=tmp_path / "a.tif"))


@pytest.mark.parametrize("shift", [-40.0, -12.0, 12.0, 40.0])
def test_a_terrain_of_another_datum_is_not_used(village, tmp_path, shift):
    save_surface(tmp_path / "bare.tif", np.full(_heights(village).shape, GROUND + shift))
    planes = seen(village, village.folder / "dsm.tif", dtm=tmp_path / "bare.tif")
    held(planes)
    told = next(f for f in planes.attrs["findings"] if f.code == "terrain_off")
    assert told.where == "bare.tif"
    assert float(told.params["gap"]) == pytest.approx(shift, abs=0.3)


def test_a_terrain_of_the_same_datum_is_used(village, tmp_path):
    save_surface(tmp_path / "bare.tif", np.full(_heights(village).shape, GROUND))
    planes = seen(village, village.folder / "dsm.tif", dtm=tmp_path / "bare.tif")
    held(planes)
    assert "terrain_off" not in codes(planes.attrs["findings"])


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_roofs_beyond_the_surface_see_no_wall(village, tmp_path, share):
    from pvplanner.horizon import horizon_angles

    heights = _heights(village)
    save_surface(tmp_path / "a.tif", heights[:, : int(share * heights.shape[1])])
    planes = seen(village, tmp_path / "a.tif")
    around = np.asarray(horizon_angles(planes, dsm=tmp_path / "a.tif"))
    guessed = planes["source"].eq("typology").to_numpy()
    assert guessed.any()
    # A guessed roof's own slope may hide the sky behind its ridge; nothing else stands there.
    south = np.abs(planes["surface_azimuth"].to_numpy() - 180) < 60
    front = around[guessed & south][:, 12:25]
    assert front.max() < 25
    assert {"surface_outside", "surface_gap"} & set(codes(planes.attrs["findings"]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_surface_that_breaks_off_is_one_line(village, tmp_path, share):
    body = (village.folder / "dsm.tif").read_bytes()
    (tmp_path / "dsm.tif").write_bytes(body[: int(share * len(body))])
    with pytest.raises(pvp.InputError, match=r"dsm\.tif.*can't be read") as found:
        seen(village, tmp_path / "dsm.tif")
    assert str(tmp_path.parent) not in str(found.value).split("can't be read")[1]


# --- at the edges ---------------------------------------------------------------------------------


def edge(village, tmp_path, name: str):
    """A plan in which no module lies anywhere."""
    scenario = pvp.Scenario.from_toml(village.save())
    if name == "kept out":
        area = gpd.GeoDataFrame(
            geometry=[shapely.box(*outlines().total_bounds).buffer(50)], crs=CRS
        )
        area.to_file(tmp_path / "keep.gpkg")
        return pvp.plan_village(scenario.override({"site.keep_out": str(tmp_path / "keep.gpkg")}))
    keys = {
        "large groups": {"module.min_modules": 500},
        "none is worth it": {"module.yield_share_min": 1.0},
        "no room": {"module.building_limit_kwp": 0.1},
    }
    return pvp.plan_village(scenario.override(keys[name]))


REASONS = {"kept out": {"roof_kept_out"}, "large groups": {"roof_group_small", "roof_low_yield"},
           "no room": {"roof_limited"}}  # fmt: skip


@pytest.mark.parametrize("name", REASONS)
def test_a_plan_without_a_module_has_zeros_and_reasons(village, tmp_path, name):
    plan = edge(village, tmp_path, name)
    total = plan.summary()
    assert (total["modules"], total["energy_kwh"]) == (0, 0)
    used_ = plan.buildings[plan.buildings["status"] != "set_aside"]
    assert set(used_["status_reason"]) <= REASONS[name]
    assert (plan.planes["status_reason"] != "").all()
    for page in (
        pvp.save_map(plan, tmp_path / "m.html"),
        pvp.save_report(plan, tmp_path / "r.html"),
    ):
        assert Path(page).stat().st_size > 1000
    plan.save(tmp_path / "plan")
    assert pvp.Plan.load(tmp_path / "plan").summary()["modules"] == 0


def test_every_grey_roof_of_the_example_says_why(liao):
    grey = liao.buildings[liao.buildings["modules"] == 0]
    assert len(grey) > 20
    assert (grey["status_reason"].fillna("") != "").all()
    built = set(liao.arrays["plane_id"])
    planes = liao.planes
    bare = ~planes["plane_id"].isin(built)
    assert (planes.loc[bare, "status_reason"] != "").all()
    assert (planes.loc[~bare, "status_reason"] == "").all()
    words = {row["key"] for row in rows_of("words/zh/labels.csv")}
    for reason in set(planes["status_reason"]) | set(grey["status_reason"].str.partition(":")[0]):
        assert reason == "" or reason in words


def test_doubts_come_first_wherever_findings_are_listed(village, tmp_path):
    own = village.copy(tmp_path / "v")
    _, told = own.path("households"), ledger().rename(columns={"年用电量": "耗电"})
    told.to_csv(own.path("households"), index=False)
    plan = pvp.plan_village(pvp.Scenario.from_toml(own.save()))
    levels = [f.level for f in plan.findings]
    assert levels == sorted(levels, key=lambda level: level != "doubt")
    assert levels[0] == "doubt"
    page = Path(pvp.save_report(plan, tmp_path / "r.html", language="en")).read_text("utf-8")
    assert page.index('id="doubts"') < page.index('<h2 id="totals">')
    assert "耗电" in page[page.index('id="doubts"') : page.index('<h2 id="totals">')]


# --- found by fresh eyes ------------------------------------------------------------------------


def test_a_yard_with_the_houses_cut_out_is_no_roof(tmp_path):
    houses = outlines()
    yard = houses.union_all().convex_hull.buffer(20).difference(houses.union_all())
    found = pvp.read_buildings(written(tmp_path, with_outline(yard)))
    assert used(found).geometry.area.sum() == pytest.approx(1200, rel=1e-9)
    assert "shape_surrounds" in codes(findings_of(found))


def test_a_house_round_a_court_stays_a_roof(tmp_path):
    x, y = 620_000.0, 3_289_000.0
    court = shapely.box(x, y, x + 30, y + 30).difference(shapely.box(x + 8, y + 8, x + 22, y + 22))
    shed = shapely.box(x + 10, y + 10, x + 15, y + 14)
    frame = gpd.GeoDataFrame({"building_id": ["A", "B"]}, geometry=[court, shed], crs=CRS)
    found = pvp.read_buildings(written(tmp_path, frame))
    assert used(found).geometry.area.sum() == pytest.approx(900 - 196 + 20)


ODD_COLUMNS = {
    "decimetres": (lambda h: h.assign(height_m=h["height_m"] * 10), "heights_odd"),
    "elevation": (lambda h: h.assign(height_m=h["height_m"] + 120), "heights_odd"),
    "feet": (lambda h: h.assign(height_m=(1 + h["floors"]) * 3.2 / 0.3048), "heights_odd"),
    "no floors": (lambda h: h.assign(height_m=60.0, floors=None), "heights_tall"),
    "ratio": (lambda h: h.assign(roof_tilt=0.47), "tilts_odd"),
    "radians": (lambda h: h.assign(roof_tilt=np.radians(25)), "tilts_odd"),
}


@pytest.mark.parametrize("kind", ODD_COLUMNS)
def test_heights_and_tilts_of_another_unit_are_doubted(tmp_path, kind):
    make, code = ODD_COLUMNS[kind]
    found = findings_of(pvp.read_buildings(written(tmp_path, make(outlines()))))
    told = [f for f in found if f.doubtful]
    assert codes(told) == [code]
    assert told[0].where == "houses.gpkg"


def test_sound_heights_and_tilts_are_not(tmp_path):
    sound = outlines().assign(roof_tilt=27.0, height_m=lambda h: 3.2 * h["floors"] + 2)
    assert not [f for f in findings_of(pvp.read_buildings(written(tmp_path, sound))) if f.doubtful]
    flat = outlines().assign(roof_type="flat", roof_tilt=1.5)
    found = findings_of(pvp.read_buildings(written(tmp_path, flat, "flat.gpkg")))
    assert "tilts_odd" not in codes(found)


def test_degrees_that_were_rounded_are_doubted(tmp_path):
    rough = outlines().to_crs(4326)
    rough.geometry = shapely.transform(rough.geometry.to_numpy(), lambda p: np.round(p, 4))
    found = pvp.read_buildings(written(tmp_path, rough, "houses.geojson"))
    assert "coordinates_coarse" in codes(findings_of(found))
    fine = outlines().to_crs(4326)
    fine.geometry = shapely.transform(fine.geometry.to_numpy(), lambda p: np.round(p, 6))
    told = findings_of(pvp.read_buildings(written(tmp_path, fine, "fine.geojson")))
    assert "coordinates_coarse" not in codes(told)


def test_houses_in_two_zones_are_no_village(tmp_path):
    houses = outlines()
    houses.loc[5:, "geometry"] = houses.loc[5:, "geometry"].translate(-290_000, 0)
    with pytest.raises(pvp.InputError, match=r"houses\.gpkg: \d+ of 10 outlines lie over 60 km"):
        pvp.read_buildings(written(tmp_path, houses))


def test_open_lines_of_a_drawing_are_lost_houses(tmp_path):
    houses = [ring_of(s) for s in outlines().geometry]
    path = dxf(tmp_path / "a.dxf", {"JMD": houses})
    body = path.read_text().split("\n70\n1\n")
    # Every second polyline is not closed.
    text = body[0] + "".join(
        ("\n70\n0\n" if n % 2 else "\n70\n1\n") + b for n, b in enumerate(body[1:])
    )
    path.write_text(text)
    found = pvp.read_buildings(path, crs=CRS)
    told = next(f for f in findings_of(found) if f.code == "dxf_open")
    assert (told.count, told.doubtful) == (5, True)
    # Ends a few centimetres apart were meant to meet.
    near = [[*ring, (ring[0][0] + 0.02, ring[0][1])] for ring in houses]
    text = dxf(tmp_path / "b.dxf", {"JMD": near}).read_text().replace("\n70\n1\n", "\n70\n0\n")
    (tmp_path / "b.dxf").write_text(text)
    closed = used(pvp.read_buildings(tmp_path / "b.dxf", crs=CRS))
    assert closed.geometry.area.sum() == pytest.approx(1200, rel=0.01)


@pytest.mark.parametrize(
    ("version", "page", "encoding"),
    [("AC1027", "ANSI_936", "utf-8"), ("AC1021", None, "utf-8"), ("AC1009", None, "gb18030"),
     ("AC1015", "ANSI_936", "gb18030"), ("AC1015", "ANSI_1252", "gb18030")],
)  # fmt: skip
def test_layers_of_drawings_of_any_age_are_read(tmp_path, version, page, encoding):
    houses = [ring_of(s) for s in outlines().geometry]
    text = dxf(tmp_path / "a.dxf", {"HOUSE": houses, "OTHER": houses[:1]}).read_text()
    head = ["0", "SECTION", "2", "HEADER", "9", "$ACADVER", "1", version]
    head += ["9", "$DWGCODEPAGE", "3", page] if page else []
    text = "\n".join([*head, "0", "ENDSEC", text]).replace("HOUSE", "房屋").replace("OTHER", "图框")
    (tmp_path / "a.dxf").write_bytes(text.encode(encoding))
    found = pvp.read_buildings(tmp_path / "a.dxf", crs=CRS, layer="房屋")
    assert len(found) == 10
    assert len(pvp.read_buildings(tmp_path / "a.dxf", crs=CRS)) == 10


def test_a_big5_label_on_gbk_bytes_is_not_believed(tmp_path):
    names = [f"房屋编号{n:03d}" for n in range(10)]
    frame = outlines().assign(bldg_id=names).drop(columns="building_id")
    path = written(tmp_path, frame, "houses.shp", encoding="GBK")
    path.with_suffix(".cpg").write_text("Big5")
    assert pvp.read_buildings(path)["building_id"].tolist() == names


def test_a_beam_on_the_horizontal_is_no_dni(tmp_path):
    rows = weather_rows()
    save_weather(tmp_path / "w.csv", rows.assign(dni=rows["ghi"] - rows["dhi"]))
    with pytest.raises(pvp.InputError, match="contradict each other"):
        pvp.read_weather(tmp_path / "w.csv")


def doubts_of(tmp_path, rows) -> list[str]:
    save_weather(tmp_path / "w.csv", rows)
    return [f.code for f in pvp.read_weather(tmp_path / "w.csv").findings if f.doubtful]


LIGHT = ["ghi", "dni", "dhi"]


def test_days_without_a_sensor_are_doubted_and_weeks_refused(tmp_path):
    rows = weather_rows()
    assert doubts_of(tmp_path, rows) == []
    off = rows["time"].dt.day_of_year.between(120, 124)
    rows.loc[off, LIGHT] = 0.0
    assert doubts_of(tmp_path, rows) == ["weather_dark_days"]
    rows.loc[rows["time"].dt.month == 5, LIGHT] = 0.0
    with pytest.raises(pvp.InputError, match="no light at all"):
        doubts_of(tmp_path, rows)


def test_a_day_copied_over_a_month_is_doubted(tmp_path):
    rows = weather_rows()
    month = (rows["time"].dt.month == 6).to_numpy()
    rows.loc[month, LIGHT] = np.tile(rows.loc[month, LIGHT].to_numpy()[:24], (30, 1))
    assert doubts_of(tmp_path, rows) == ["weather_copied"]


@pytest.mark.parametrize("factor", [0.5, 1.7, pytest.param(0.36, marks=pytest.mark.long)])
def test_light_in_another_unit_without_a_word_is_doubted(tmp_path, factor):
    rows = weather_rows()
    rows[LIGHT] = rows[LIGHT] * factor
    assert "weather_light" in doubts_of(tmp_path, rows)


ZONES = {"# utc_offset: 0\n": -8, "# timezone: UTC\n": -8, "# time_zone: +8\n": 0,
         "# tz: Asia/Shanghai\n": 0, "# utc_offset_hours: 0\n": -8}  # fmt: skip


@pytest.mark.parametrize(
    "note", [*list(ZONES)[:2], *(pytest.param(z, marks=pytest.mark.long) for z in list(ZONES)[2:])]
)
def test_a_zone_in_the_notes_is_obeyed(tmp_path, note):
    rows = weather_rows()
    rows["time"] = rows["time"] + pd.Timedelta(hours=ZONES[note])
    save_weather(tmp_path / "w.csv", rows, f"# latitude: {LAT}\n# longitude: {LON}\n{note}")
    weather = pvp.read_weather(tmp_path / "w.csv")
    assert weather.data.index[0].utcoffset() == dt.timedelta(hours=8)
    east, west = halves(weather)
    assert east / west == pytest.approx(1, abs=0.03)


def test_stamps_in_parts_units_in_a_row_and_other_bytes(tmp_path):
    rows, place = weather_rows(), f"# latitude: {LAT}\n# longitude: {LON}\n"
    save_weather(tmp_path / "right.csv", rows)
    right = pvp.read_weather(tmp_path / "right.csv").data["ghi"].sum()
    times = rows["time"].dt
    parts = rows.drop(columns="time").assign(
        year=times.year, month=times.month, day=times.day, hour=times.hour
    )
    save_weather(tmp_path / "parts.csv", parts)
    head, *body = rows.to_csv(index=False).splitlines()
    units = ",W/m2,W/m2,W/m2,°C,m/s"
    (tmp_path / "units.csv").write_text(place + "\n".join([head, units, *body]), encoding="utf-8")
    (tmp_path / "wide.csv").write_bytes((place + rows.to_csv(index=False)).encode("utf-16"))
    half = rows.assign(time=times.strftime("%Y/%m/%d %I:%M:%S %p"))
    save_weather(tmp_path / "half.csv", half)
    for name in ("parts", "units", "wide", "half"):
        assert pvp.read_weather(tmp_path / f"{name}.csv").data["ghi"].sum() == pytest.approx(right)


def test_heights_in_whole_metres_are_doubted(village, tmp_path):
    save_surface(tmp_path / "a.tif", np.round(_heights(village)))
    found = seen(village, tmp_path / "a.tif").attrs["findings"]
    assert "raster_steps" in [f.code for f in found if f.doubtful]
    assert "raster_steps" not in codes(seen(village, village.folder / "dsm.tif").attrs["findings"])
