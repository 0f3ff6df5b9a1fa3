"""Fetch: real formats from a loopback server, and everything that goes wrong on the way."""

from __future__ import annotations

import gzip
import hashlib
import io
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from calling import run
from made_servers import (
    SOUTH,
    WEST,
    as_lines,
    folder_of,
    outlines,
    overture_table,
    parquet_bytes,
    power_answer,
    put_overture,
    relief_tile,
    serving,
)

import pvplanner as pvp
from pvplanner.errors import ConfigError, InputError
from pvplanner.fetch import (
    Transport,
    area_of,
    fetch_boundary,
    fetch_buildings,
    fetch_terrain,
    fetch_weather,
)
from pvplanner.fetch.others import atlas_tiles, quadkeys
from pvplanner.fetch.relief import tile_names
from pvplanner.fetch.transport import BLOCK, RemoteFile
from pvplanner.reading.origins import read_origin

BOX = (WEST - 1e-4, SOUTH - 1e-4, WEST + 0.0105, SOUTH + 0.001)
"""Eleven of the houses, the fifth underground."""


@pytest.fixture
def server():
    with serving() as made:
        yield made


@pytest.fixture
def way(tmp_path):
    made = Transport(tmp_path / "cache", tries=4, wait=0.01, timeout=(20.0, 20.0))
    yield made
    made.close()


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("absolute", [True, False])
def test_overture_by_index_and_by_links(server, way, tmp_path, index, absolute):
    put_overture(server, index=index, absolute=absolute)
    about = fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    frame = gpd.read_parquet(tmp_path / "b.parquet")
    assert list(frame["building_id"]) == [f"id-{n:03d}" for n in range(11) if n != 5]
    assert frame.crs.to_epsg() == 4326
    assert frame.loc[frame["building_id"] == "id-002", "height_m"].item() == 9.5
    assert frame["height_m"].notna().sum() == about["with_height"] == 1
    assert set(frame["dataset"]) == {"doi:10.5281/zenodo.8174931"}
    assert about["release"] == "2026-10-21.0"
    assert about["sources"][0]["licence"] == "ODbL-1.0"
    told = json.loads((tmp_path / "b.parquet.origin.json").read_text("utf-8"))
    assert told["sha256"] == hashlib.sha256((tmp_path / "b.parquet").read_bytes()).hexdigest()


def test_only_the_row_groups_of_the_place_are_read(server, way, tmp_path):
    big = 6000
    shapes = overture_table(big)
    rng = np.random.default_rng(0)
    noise = pa.array([rng.bytes(600).hex() for _ in range(big)])
    file = put_overture(server, rows=500, table=shapes.append_column("class", noise))
    fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    read = sum(int(s.partition("-")[2]) - int(s.removeprefix("bytes=").partition("-")[0]) + 1
               for s in server.spans(file))  # fmt: skip
    assert read < 0.6 * len(server.files[file])
    assert max(int(s.partition("-")[2]) - int(s[6:].partition("-")[0]) for s in
               server.spans(file)) < BLOCK  # fmt: skip


def test_a_group_without_statistics_is_read_and_an_empty_place_said(server, way, tmp_path):
    file = put_overture(server)
    server.put(file, parquet_bytes(overture_table(), 10, plain_group=0))
    about = fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert about["buildings"] == 10
    with pytest.raises(InputError) as told:
        fetch_buildings(tmp_path / "c.parquet", bbox=(121.2, 29.702, 121.21, 29.703),
                        mirror=server.base, transport=way)  # fmt: skip
    assert told.value.code == "fetch_nothing"
    assert not (tmp_path / "c.parquet").exists()


def test_a_boundary_takes_what_lies_in_it(server, way, tmp_path):
    put_overture(server)
    outline = shapely.box(WEST - 1e-4, SOUTH - 1e-4, WEST + 0.0022, SOUTH + 1e-3)
    gpd.GeoDataFrame(geometry=[outline], crs=4326).to_file(tmp_path / "v.geojson", engine="pyogrio")
    about = fetch_buildings(tmp_path / "b.parquet", boundary=tmp_path / "v.geojson",
                            mirror=server.base, transport=way)  # fmt: skip
    assert about["buildings"] == 3


def test_a_mirror_on_a_disk_gives_the_same_bytes(server, way, tmp_path):
    put_overture(server, index=False)
    fetch_buildings(tmp_path / "a.parquet", bbox=BOX, mirror=server.base, transport=way)
    place = folder_of(server, tmp_path / "mirror")
    asked = len(server.asked)
    fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=place, transport=way)
    assert len(server.asked) == asked
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_releases_are_pinned_and_what_vanished_is_told(server, way, tmp_path):
    put_overture(server, "2026-09-23.1")
    first = fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert first["changes"] is None
    smaller = overture_table().filter(pa.array([n not in (0, 1) for n in range(60)]))
    put_overture(server, "2026-10-21.0", table=smaller)
    second = fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert second["release"] == "2026-10-21.0"
    assert second["changes"] == {"gone": 2, "added": 0, "kept": 8}
    with pytest.raises(InputError) as told:
        fetch_buildings(tmp_path / "c.parquet", bbox=BOX, mirror=server.base, transport=way,
                        release="2025-01-22.0")  # fmt: skip
    assert told.value.code == "fetch_release"
    assert "2026-10-21.0" in told.value.text("en")


@pytest.mark.parametrize("status", [403, 404])
def test_a_release_that_vanished_meanwhile(server, way, tmp_path, status):
    put_overture(server)
    del server.files["/2026-10-21.0/collections.parquet"]
    server.moods["/2026-10-21.0/catalog.json"] = [status]
    with pytest.raises(InputError) as told:
        fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert told.value.code == "fetch_release"


@pytest.mark.parametrize("mood", [429, 500, 503, 529, "cut", "slow", "whole", "wrong"])
def test_what_passes_is_asked_again(server, way, tmp_path, mood):
    file = put_overture(server)
    server.moods[file] = [None, mood]
    if mood == "slow":
        way.timeout = (20.0, 0.5)
    about = fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert about["buildings"] == 10


@pytest.mark.parametrize(
    ("mood", "code"),
    [([404], "fetch_missing"), ([500] * 9, "fetch_unreachable"), ([400], "fetch_refused"),
     (["html"] * 9, "fetch_garbled"), (["cut"] * 9, "fetch_unreachable")],
)  # fmt: skip
def test_what_does_not_pass_is_one_clear_error(server, way, tmp_path, mood, code):
    put_overture(server)
    server.moods["/catalog.json"] = list(mood)
    with pytest.raises(InputError) as told:
        fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert told.value.code == code
    assert not list(tmp_path.glob("b.parquet*"))
    assert told.value.text("zh")


def test_html_where_parquet_should_be(server, way, tmp_path):
    file = put_overture(server)
    server.put(file, b"<html><body>Please log in to the office network</body></html>" * 3)
    with pytest.raises(InputError) as told:
        fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert told.value.code == "fetch_garbled"
    assert "<html>" in told.value.params["found"]


def test_nobody_there(way, tmp_path):
    with pytest.raises(InputError) as told:
        fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror="http://127.0.0.1:9",
                        transport=way)  # fmt: skip
    assert told.value.code == "fetch_unreachable"


def test_a_server_without_ranges(server, way, tmp_path):
    put_overture(server)
    server.ranges = False
    about = fetch_buildings(tmp_path / "b.parquet", bbox=BOX, mirror=server.base, transport=way)
    assert about["buildings"] == 10


def test_a_fetch_goes_on_where_it_broke_off(server, tmp_path):
    body = np.random.default_rng(1).bytes(5 * BLOCK + 7)
    server.put("/f", body)
    server.moods["/f"] = [None, None, None, 500, 500]
    first = Transport(tmp_path / "cache", tries=1, wait=0.01)
    with pytest.raises(InputError):
        first.download(f"{server.base}/f")
    first.close()
    kept = len([p for p in (tmp_path / "cache").rglob("*") if p.is_file()])
    assert kept == 2
    server.moods["/f"] = []
    before = len(server.asked)
    second = Transport(tmp_path / "cache", tries=1, wait=0.01)
    assert second.download(f"{server.base}/f") == body
    second.close()
    assert len(server.asked) - before == 1 + 4  # the size, and what was not kept


def test_checksums_are_held(server, way):
    server.put("/f", b"what came")
    good = hashlib.sha256(b"what came").hexdigest()
    assert way.download(f"{server.base}/f", checksum=f"sha256:{good}") == b"what came"
    md5 = hashlib.md5(b"what came", usedforsecurity=False).hexdigest()
    assert way.download(f"{server.base}/f", checksum=f"md5:{md5}") == b"what came"
    with pytest.raises(InputError) as told:
        way.download(f"{server.base}/f", checksum=f"sha256:{good[::-1]}")
    assert told.value.code == "fetch_checksum"


def test_redirects_and_packed_bodies(server, way):
    server.put("/real", json.dumps({"a": 1}))
    server.redirects["/old"] = f"{server.base}/real"
    server.packed.add("/real")
    assert way.json(f"{server.base}/old") == {"a": 1}


def test_a_remote_file_reads_as_any_file(server, way):
    body = np.random.default_rng(0).bytes(BLOCK + 1000)
    server.put("/f", body)
    with RemoteFile(way, f"{server.base}/f") as file:
        assert file.seek(-10, 2) == len(body) - 10
        assert file.read() == body[-10:]
        file.seek(BLOCK - 5)
        assert file.read(20) == body[BLOCK - 5 : BLOCK + 15]
        assert file.read(0) == b""
        file.seek(0)
        assert file.read() == body


def atlas_bytes() -> bytes:
    shapes = outlines(12)
    boxes = np.array([s.bounds for s in shapes])
    box = pa.StructArray.from_arrays([pa.array(boxes[:, k]) for k in range(4)],
                                     names=["xmin", "ymin", "xmax", "ymax"])  # fmt: skip
    height = [6.2, -999.0, 40.0, None, 7.0, 8.0, 0.4, *[5.0] * 5]
    return parquet_bytes(pa.table({
        "source": ["3dglobfp"] * 12, "id": ["0"] * 12, "height": pa.array(height, pa.float32()),
        "var": [-1.0] * 12, "geometry": pa.array(shapely.to_wkb(shapes)), "bbox": box,
    }), 4)  # fmt: skip


def test_modelled_heights_are_an_opt_in(server, way, tmp_path):
    put_overture(server)
    server.put("/atlas/e120_n30_e125_n25.parquet", atlas_bytes())
    given = {"bbox": BOX, "mirror": server.base, "transport": way, "heights": "gba",
             "heights_mirror": f"{server.base}/atlas"}  # fmt: skip
    with pytest.raises(ConfigError) as told:
        fetch_buildings(tmp_path / "b.parquet", **given)
    assert told.value.code == "fetch_non_commercial"
    about = fetch_buildings(tmp_path / "b.parquet", **given, non_commercial=True)
    frame = gpd.read_parquet(tmp_path / "b.parquet").set_index("building_id")
    assert frame.loc["id-000", "height_m"] == pytest.approx(6.2)
    assert frame.loc["id-002", "height_m"] == 9.5  # what was known stays
    assert np.isnan(frame.loc["id-001", "height_m"])
    assert np.isnan(frame.loc["id-003", "height_m"])
    assert np.isnan(frame.loc["id-006", "height_m"])
    assert [row["use"] for row in about["sources"]] == ["open", "non_commercial"]
    read = pvp.read_buildings(tmp_path / "b.parquet")
    assert read.loc[read["building_id"] == "id-000", "height_m"].item() == pytest.approx(6.2)
    only = fetch_buildings(
        tmp_path / "c.parquet",
        bbox=BOX,
        source_name="gba",
        mirror=f"{server.base}/atlas",
        non_commercial=True,
        transport=way,
    )
    assert only["buildings"] == 11
    assert gpd.read_parquet(tmp_path / "c.parquet")["building_id"].is_unique


def test_microsofts_tiles_begin_with_zeros(server, way, tmp_path):
    place = (-170.70, 62.0, -170.69, 62.001)
    key = next(iter(quadkeys(area_of(place))))
    assert key.startswith("0")
    assert len(key) == 9
    houses = [shapely.box(-170.699 + 0.001 * n, 62.0, -170.6985 + 0.001 * n, 62.0003)
              for n in range(3)]  # fmt: skip
    away = shapely.box(10, 10, 10.001, 10.001)
    url = f"{server.base}/x/part-0.c000.csv.gz"
    server.put(
        "/2026-07-24/dataset-links.csv",
        "Location,QuadKey,Url,Size,UploadDate\n"
        f"Nowhere,{'3' * 9},{server.base}/none,1KB,2026\nThere,{key},{url},1KB,2026\n",
    )
    server.put("/x/part-0.c000.csv.gz", as_lines([*houses, away], [-1, 5.5, 0, 3]))
    about = fetch_buildings(tmp_path / "b.parquet", bbox=place, source_name="microsoft",
                            mirror=server.base, transport=way)  # fmt: skip
    frame = gpd.read_parquet(tmp_path / "b.parquet")
    assert about["buildings"] == 3
    assert frame["height_m"].tolist()[1] == 5.5
    assert frame["height_m"].isna().sum() == 2
    server.put("/x/part-0.c000.csv.gz", gzip.compress(b"x" * 999)[:-9])
    server.files["/x/part-0.c000.csv.gz"] += b""
    way.cache = None
    with pytest.raises(InputError) as told:
        fetch_buildings(tmp_path / "c.parquet", bbox=place, source_name="microsoft",
                        mirror=server.base, transport=way)  # fmt: skip
    assert told.value.code == "fetch_garbled"


def test_googles_tiles(server, way, tmp_path):
    shapes = outlines(4)
    rows = ["latitude,longitude,area_in_meters,confidence,geometry,full_plus_code"]
    rows += [f'{s.centroid.y},{s.centroid.x},120,0.8,"{s.wkt}",X' for s in shapes]
    server.put("/poly/1.csv.gz", gzip.compress("\n".join(rows).encode()))
    tile = shapely.geometry.mapping(shapely.box(121, 29, 122, 30))
    server.put("/tiles.geojson", json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": tile,
         "properties": {"tile_url": f"{server.base}/poly/1.csv.gz"}}]}))  # fmt: skip
    about = fetch_buildings(tmp_path / "b.parquet", bbox=BOX, source_name="google",
                            mirror=server.base, transport=way)  # fmt: skip
    assert about["buildings"] == 4


def test_power_in_the_places_own_time(server, way, tmp_path):
    server.answers["/power"] = power_answer
    about = fetch_weather(
        tmp_path / "w.csv",
        at=(29.7, 121.2),
        source_name="power",
        years=(2019, 2021),
        mirror=f"{server.base}/power",
        transport=way,
    )
    assert about["months"] == [2020] * 12
    query = next(q for p, q, _ in server.asked if p == "/power")
    assert query["time-standard"] == ["utc"]
    assert query["community"] == ["re"]
    assert "user" not in query
    weather = pvp.read_weather(tmp_path / "w.csv")
    data = weather.data
    assert len(data) == 8760
    assert str(data.index[0].utcoffset()) == "8:00:00"
    noon = data["ghi"].groupby(data.index.hour).mean()
    assert noon.idxmax() in (11, 12)
    assert noon[1] == 0
    assert weather.latitude == pytest.approx(29.7)
    assert (data["temp_air"] == 17.0).all()


@pytest.mark.parametrize(
    ("mood", "code"),
    [([422], "fetch_refused"), ([429, 429], None), ([500] * 9, "fetch_unreachable")],
)
def test_powers_refusals(server, way, tmp_path, mood, code):
    server.answers["/power"] = power_answer
    server.moods["/power"] = list(mood)
    given = {"at": (29.7, 121.2), "source_name": "power", "years": (2020, 2020),
             "mirror": f"{server.base}/power", "transport": way}  # fmt: skip
    if code is None:
        fetch_weather(tmp_path / "w.csv", **given)
        return
    with pytest.raises(InputError) as told:
        fetch_weather(tmp_path / "w.csv", **given)
    assert told.value.code == code
    if mood == [422]:
        assert "bad question" in told.value.text("en") or "slow down" in told.value.text("en")


def test_powers_holes_are_no_year(server, way, tmp_path):
    server.answers["/power"] = lambda query: power_answer(query, fill=2000)
    with pytest.raises(InputError) as told:
        fetch_weather(tmp_path / "w.csv", at=(29.7, 121.2), source_name="power",
                      years=(2020, 2020), mirror=f"{server.base}/power", transport=way)  # fmt: skip
    assert told.value.code == "fetch_hours"
    with pytest.raises(ConfigError):
        fetch_weather(tmp_path / "w.csv", at=(29.7, 121.2), source_name="power",
                      years=(1999, 2000), mirror=f"{server.base}/power", transport=way)  # fmt: skip


def test_pvgis_as_it_gives_it(server, way, tmp_path, shared):
    body = (shared / "data/weather/pvgis_tmy_45N_8E.json").read_bytes()
    server.put("/pvgis/tmy", body)
    server.moods["/pvgis/tmy"] = [529]
    about = fetch_weather(tmp_path / "w.json", at=(45.0, 8.0), mirror=f"{server.base}/pvgis",
                          transport=way)  # fmt: skip
    assert (tmp_path / "w.json").read_bytes() == body
    assert pvp.read_weather(tmp_path / "w.json").latitude == pytest.approx(45.0)
    assert "PVGIS" in about["sources"][0]["attribution"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b'{"message": "Location over the sea"}', "fetch_garbled"), (b"<html>", "fetch_garbled")],
)
def test_pvgis_something_else(server, way, tmp_path, body, code):
    server.put("/pvgis/tmy", body)
    with pytest.raises(InputError) as told:
        fetch_weather(tmp_path / "w.json", at=(29.7, 121.2), mirror=f"{server.base}/pvgis",
                      transport=way)  # fmt: skip
    assert told.value.code == code


def test_pvgis_says_why(server, way, tmp_path):
    server.moods["/pvgis/tmy"] = [400]
    with pytest.raises(InputError) as told:
        fetch_weather(tmp_path / "w.json", at=(29.7, 121.2), mirror=f"{server.base}/pvgis",
                      transport=way)  # fmt: skip
    assert told.value.code == "fetch_refused"
    assert "slow down" in told.value.text("en")


def test_relief_of_several_tiles(server, way, tmp_path):
    import rasterio

    for west in (120, 121):
        name = tile_names(area_of((west + 0.1, 29.1, west + 0.2, 29.2)))[0]
        server.put(f"/{name}/{name}.tif", relief_tile(west, 29, 360))
    about = fetch_terrain(tmp_path / "d.tif", bbox=(120.9, 29.4, 121.1, 29.5), margin_km=1.0,
                          mirror=server.base, transport=way)  # fmt: skip
    assert about["missing"] == []
    with rasterio.open(tmp_path / "d.tif") as read:
        heights = read.read(1)
        rows, columns = np.mgrid[0 : read.height, 0 : read.width]
        x, y = rasterio.transform.xy(read.transform, rows.ravel(), columns.ravel())
    expected = 1000 * (np.array(x) - 100) + 10 * np.array(y)
    # Float heights of 21 km to a centimetre.
    np.testing.assert_allclose(heights.ravel(), expected, atol=0.05)
    assert "Airbus" in read_origin(tmp_path / "d.tif")[0]["attribution"]


def test_relief_beside_the_sea_and_where_tiles_are_narrower(server, way, tmp_path):
    import rasterio

    name = tile_names(area_of((121.1, 29.1, 121.2, 29.2)))[0]
    server.put(f"/{name}/{name}.tif", relief_tile(121, 29, 240))
    about = fetch_terrain(tmp_path / "d.tif", bbox=(121.9, 29.4, 122.1, 29.5), margin_km=0.5,
                          mirror=server.base, transport=way)  # fmt: skip
    assert len(about["missing"]) == 1
    with rasterio.open(tmp_path / "d.tif") as read:
        assert read.read(1)[5, -3] == 0.0
        assert abs(next(read.sample([(121.95, 29.45)]))[0] - 22244.5) < 10
    server.files.clear()
    with pytest.raises(InputError) as told:
        fetch_terrain(tmp_path / "e.tif", bbox=(121.9, 29.4, 122.1, 29.5), mirror=server.base,
                      transport=way)  # fmt: skip
    assert told.value.code == "fetch_nothing"


def test_names_of_tiles():
    assert tile_names(area_of((121.2, 29.7, 121.3, 29.8))) == [
        "Copernicus_DSM_COG_10_N29_00_E121_00_DEM"
    ]
    assert tile_names(area_of((-0.5, -0.5, -0.4, -0.4))) == [
        "Copernicus_DSM_COG_10_S01_00_W001_00_DEM"
    ]
    assert atlas_tiles(area_of((112, 33, 113, 34))) == ["e110_n35_e115_n30"]
    assert atlas_tiles(area_of((-1, -1, 1, 1))) == sorted([
        "e000_n05_e005_n00", "e000_n00_e005_s05", "w005_n05_e000_n00", "w005_n00_e000_s05",
    ])  # fmt: skip


def test_counties_and_a_pointer_in_their_place(server, way, tmp_path):
    county = shapely.box(121.0, 29.5, 121.5, 30.0)
    body = gpd.GeoDataFrame({"shapeName": ["Haishu"], "shapeID": ["1"]}, geometry=[county],
                            crs=4326).to_json()  # fmt: skip
    server.put("/gb/CHN/ADM3", json.dumps({"gjDownloadURL": f"{server.base}/raw/x.geojson"}))
    server.redirects["/raw/x.geojson"] = f"{server.base}/media/x.geojson"
    server.put("/media/x.geojson", body)
    about = fetch_boundary(tmp_path / "v.geojson", bbox=BOX, source_name="geoboundaries",
                           mirror=f"{server.base}/gb", transport=way)  # fmt: skip
    assert about["areas"] == 1
    assert gpd.read_file(tmp_path / "v.geojson", engine="pyogrio")["name"].tolist() == ["Haishu"]
    way.cache = None
    server.put("/media/x.geojson", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    with pytest.raises(InputError) as told:
        fetch_boundary(tmp_path / "w.geojson", bbox=BOX, source_name="geoboundaries",
                       mirror=f"{server.base}/gb", transport=way)  # fmt: skip
    assert told.value.code == "fetch_garbled"


@pytest.mark.parametrize("bbox", ["1,2,3", "a,b,c,d", "121.3,29.7,121.2,29.8", "29,121,30,122,1"])
def test_what_is_no_box(tmp_path, bbox):
    with pytest.raises(ConfigError) as told:
        fetch_buildings(tmp_path / "b.parquet", bbox=bbox)
    assert told.value.code == "fetch_bbox"


def test_the_licence_reaches_the_map_the_report_and_the_findings(server, way, tmp_path):
    put_overture(server)
    server.put("/atlas/e120_n30_e125_n25.parquet", atlas_bytes())
    fetch_buildings(
        tmp_path / "b.parquet",
        bbox=BOX,
        mirror=server.base,
        transport=way,
        heights="gba",
        heights_mirror=f"{server.base}/atlas",
        non_commercial=True,
    )
    plan = pvp.plan_village(
        pvp.Scenario(name="v", language="en", site={"buildings": str(tmp_path / "b.parquet")})
    )
    codes = [f.code for f in plan.findings]
    assert codes.count("data_fetched") == 2
    assert "licence_non_commercial" in codes
    assert next(f for f in plan.findings if f.code == "licence_non_commercial").doubtful
    page = pvp.save_map(plan, tmp_path / "m.html").read_text("utf-8")
    report = pvp.save_report(plan, tmp_path / "r.html").read_text("utf-8")
    for text in ("OpenStreetMap contributors", "CC BY-NC 4.0"):
        assert text in page
        assert text in report
    before = plan.content("origins")
    note = tmp_path / "b.parquet.origin.json"
    note.write_text(note.read_text("utf-8").replace("ODbL-1.0", "ODbL-1.1"), "utf-8")
    again = pvp.plan_village(plan.scenario)
    assert again.content("origins") != before


def test_the_command(server, tmp_path):
    put_overture(server)
    words = ["fetch", "buildings", "--bbox",
             ",".join(map(str, BOX)), "--mirror", server.base, "--cache", str(tmp_path / "c"),
             "-o", str(tmp_path / "b.parquet"), "--language", "zh"]  # fmt: skip
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert "ODbL" in done.stdout
    again = run(*words)
    assert again.returncode == 0
    assert pd.read_parquet(io.BytesIO((tmp_path / "b.parquet").read_bytes())).shape[0] == 10
    assert str(tmp_path / "b.parquet") in again.stdout


def test_a_server_that_is_not_there_is_one_line(tmp_path, monkeypatch, capsys):
    from pvplanner import cli
    from pvplanner.fetch import transport

    waits = []
    monkeypatch.setattr(transport.time, "sleep", waits.append)
    monkeypatch.setattr("sys.argv", ["pvplanner", "fetch", "buildings", "--bbox",
                                     ",".join(map(str, BOX)), "--mirror", "http://127.0.0.1:9",
                                     "--cache", str(tmp_path / "c"), "--release", "x",
                                     "-o", str(tmp_path / "b.parquet")])  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    # It was asked again, each time later.
    assert len(waits) > 1
    assert waits == sorted(waits)
