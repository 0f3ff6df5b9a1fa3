"""A file reaches nothing: no address is asked, no other file opened, no bomb unpacked."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import ROOT
from villages import EAST, NORTH, hamlet

import pvplanner as pvp
from pvplanner.buildings import read_areas, read_lines
from pvplanner.reading import read_table
from pvplanner.reading.kinds import SETTINGS, check_raster, check_vector
from pvplanner.reading.systems import check_crs
from pvplanner.roofs.lod2 import read_planes
from pvplanner.terrain import open_raster

MARK = "SECRET-7d1f"
"""What stands in a file that nobody named."""


@pytest.fixture(scope="module")
def listener():
    """A server on loopback that counts who comes; its address and the count."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    came, ended = [], threading.Event()

    def serve():
        while not ended.is_set():
            try:
                other, _ = server.accept()
            except TimeoutError:
                continue
            came.append(other.recv(200))
            other.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            other.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", came
    ended.set()
    thread.join()
    server.close()


def square(crs=None) -> dict:
    ring = [[121.3, 29.7], [121.3002, 29.7], [121.3002, 29.7001], [121.3, 29.7001], [121.3, 29.7]]
    feature = {"type": "Feature", "properties": {"building_id": "B1"},
               "geometry": {"type": "Polygon", "coordinates": [ring]}}  # fmt: skip
    return {"type": "FeatureCollection", **({"crs": crs} if crs else {}), "features": [feature]}


def hostile_vectors(folder: Path, url: str, secret: Path):
    """Vector files that name an address or another file, under many suffixes."""
    for n, kind in enumerate(("link", "LINK", "url", "URL", "linked")):
        crs = {"type": kind, "properties": {"href": f"{url}/crs", "url": f"{url}/crs",
                                            "type": "ogcwkt"}}  # fmt: skip
        body = json.dumps(square(crs))
        for suffix in (".geojson", ".json"):
            yield f"link{n}{suffix}", body
        yield (
            f"escaped{n}.geojson",
            body.replace('"crs"', '"\\u0063rs"').replace(
                f'"{kind}"', '"' + "".join(f"\\u{ord(c):04x}" for c in kind) + '"'
            ),
        )
    for n, place in enumerate(("geometry", "feature", "inner")):
        told = square()
        link = {"type": "link", "properties": {"href": f"{url}/crs"}}
        feature = told["features"][0]
        if place == "inner":
            shape = feature["geometry"]
            feature["geometry"] = {"type": "GeometryCollection", "geometries": [shape]}
            shape["crs"] = link
        else:
            (feature["geometry"] if place == "geometry" else feature)["crs"] = link
        yield f"deep{n}.geojson", json.dumps(told)
    for n, name in enumerate(
        (
            f"+proj=longlat +nadgrids={secret} +type=crs",
            f"+init={secret}:x +type=crs",
            "+proj=longlat +ellps=GRS80 +nadgrids=nosuch.tif +type=crs",
            f"{url}/crs",
            "/etc/passwd",
            f'GEOGCS["x",EXTENSION["PROJ4","+nadgrids={secret}"]]',
        )
    ):
        crs = {"type": "name", "properties": {"name": name}}
        yield f"recipe{n}.geojson", json.dumps(square(crs))
    source = f"<SrcDataSource>{secret}</SrcDataSource>"
    ogr = f'<OGRVRTDataSource><OGRVRTLayer name="x">{source}</OGRVRTLayer></OGRVRTDataSource>'
    far = ogr.replace(str(secret), f"/vsicurl/{url}/x.geojson")
    wfs = f"<OGRWFSDataSource><URL>{url}/wfs</URL></OGRWFSDataSource>"
    for suffix in (".gpkg", ".geojson", ".shp", ".fgb", ".dxf", ".kml", ".zip", ".jsonl"):
        yield f"vrt{suffix}", ogr
        yield f"far{suffix}", far
        yield f"wfs{suffix}", wfs
    for suffix in (".gpkg", ".geojson", ".dxf"):
        yield f"prefix{suffix}", f"WFS:{url}/wfs"
        yield f"oapif{suffix}", f"OAPIF:{url}/api"
    for suffix in (".vrt", ".gml", ".xml", ".wfs", ".tab", ".sqlite", ".url"):
        yield f"other{suffix}", ogr
    entity = (f'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY e SYSTEM "{url}/e">]>'
              "<kml><name>&e;</name></kml>")  # fmt: skip
    yield "entity.kml", entity


def hostile_rasters(folder: Path, url: str, secret: Path):
    """Rasters that name an address, a program or another file."""
    wms = (f'<GDAL_WMS><Service name="WMS"><ServerUrl>{url}/wms?</ServerUrl></Service>'
           "<DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>9</UpperLeftY><LowerRightX>9"
           "</LowerRightX><LowerRightY>0</LowerRightY><SizeX>9</SizeX><SizeY>9</SizeY></DataWindow>"
           "<Projection>EPSG:4549</Projection><BandsCount>1</BandsCount></GDAL_WMS>")  # fmt: skip
    for suffix in (".tif", ".tiff", ".vrt", ".asc", ".img", ".hgt", ".bil", ".flt", ".png", ".jpg",
                   ".jp2", ".wms", ".xml"):  # fmt: skip
        yield f"wms{suffix}", wms
    band = ('<VRTDataset rasterXSize="9" rasterYSize="9"><SRS>EPSG:4549</SRS><GeoTransform>'
            f"{EAST},1,0,{NORTH},0,-1</GeoTransform>"
            '<VRTRasterBand dataType="Byte" band="1"{}>'
            "{}</VRTRasterBand></VRTDataset>")  # fmt: skip
    simple = '<SimpleSource><SourceFilename relativeToVRT="0">{}</SourceFilename></SimpleSource>'
    named = (f"/vsicurl/{url}/x.tif", f"{url}/x.tif", str(secret), "/etc/passwd", "inner.vrt",
             f"/vsizip/{secret}", f"WMS:{url}", "missing.tif")  # fmt: skip
    for n, name in enumerate(named):
        yield f"mosaic{n}.vrt", band.format("", simple.format(name))
        yield f"mosaic{n}.tif", band.format("", simple.format(name))
    raw = f"<SourceFilename>{secret}</SourceFilename><ImageOffset>0</ImageOffset>"
    yield "raw.vrt", band.format(' subClass="VRTRawRasterBand"', raw)
    code = "<PixelFunctionLanguage>Python</PixelFunctionLanguage>"
    code += "<PixelFunctionCode>1</PixelFunctionCode>"
    yield "derived.vrt", band.format(' subClass="VRTDerivedRasterBand"', code)
    yield "warped.vrt", ('<VRTDataset rasterXSize="9" rasterYSize="9" subClass="VRTWarpedDataset">'
                         f"<GDALWarpOptions><SourceDataset>{secret}</SourceDataset></GDALWarpOptions>"
                         "</VRTDataset>")  # fmt: skip
    yield "entity.vrt", f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret}">]><VRTDataset>&e;</VRTDataset>'


def test_no_vector_file_asks_anybody_anything(tmp_path, listener):
    url, came = listener
    secret = tmp_path / "secret.geojson"
    secret.write_text(json.dumps(square()).replace("B1", MARK), encoding="utf-8")
    tried = 0
    for name, body in hostile_vectors(tmp_path, url, secret):
        path = tmp_path / name
        path.write_text(body, encoding="utf-8")
        for read in (pvp.read_buildings, read_lines, lambda p: read_areas(p, "EPSG:4549"),
                     lambda p: read_planes(p, "EPSG:4549")):  # fmt: skip
            with pytest.raises(pvp.InputError) as found:
                read(path)
            assert MARK not in str(found.value)
        tried += 1
    assert tried >= 50
    assert came == []


def test_no_raster_asks_anybody_anything(tmp_path, listener):
    url, came = listener
    secret = tmp_path / "secret.bin"
    secret.write_bytes(MARK.encode() * 50)
    tried = 0
    for name, body in hostile_rasters(tmp_path, url, secret):
        path = tmp_path / name
        path.write_text(body, encoding="utf-8")
        with pytest.raises(pvp.InputError), open_raster(path, "EPSG:4549") as raster:
            raster.read(raster.bounds)
        tried += 1
    assert tried >= 30
    assert came == []


def tiff(path: Path, **tags) -> Path:
    place = rasterio.transform.from_origin(EAST, NORTH, 1, 1)
    with rasterio.open(
        path, "w", driver="GTiff", width=300, height=300, count=1, dtype="float32",
        crs="EPSG:4549", transform=place,
    ) as target:  # fmt: skip
        target.write(np.full((300, 300), 7.0, dtype="float32"), 1)
        for space, told in tags.items():
            target.update_tags(ns=space, **told)
    return path


@pytest.mark.parametrize("beside", [".ovr", ".msk", ".aux.xml", "inside"])
def test_what_stands_beside_a_raster_is_no_way_out_either(tmp_path, listener, beside):
    url, came = listener
    told = {"OVERVIEWS": {"OVERVIEW_FILE": f"/vsicurl/{url}/o.tif"}} if beside == "inside" else {}
    path = tiff(tmp_path / "a.tif", **told)
    if beside == ".aux.xml":
        body = (f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{url}/o.tif'
                "</MDI></Metadata></PAMDataset>")  # fmt: skip
        Path(f"{path}.aux.xml").write_text(body, encoding="utf-8")
    elif beside != "inside":
        Path(f"{path}{beside}").write_text(f"<GDAL_WMS>{url}</GDAL_WMS>", encoding="utf-8")
    with pytest.raises(pvp.InputError), open_raster(path, "EPSG:4549") as raster:
        raster.read(raster.bounds)
    assert came == []


@pytest.mark.parametrize(
    "key",
    [
        "buildings",
        "dsm",
        *(
            pytest.param(k, marks=pytest.mark.long)
            for k in (
                "planes",
                "keep_out",
                "existing_pv",
                "dem",
                "households",
                "weather",
                "survey",
                "horizon",
            )
        ),
    ],
)
def test_an_address_in_a_scenario_is_a_missing_file(tmp_path, listener, key):
    url, came = listener
    hamlet().to_file(tmp_path / "f.gpkg", engine="pyogrio")
    for address in (f"{url}/x.gpkg", f"/vsicurl/{url}/x.tif", f"WFS:{url}"):
        site = {"buildings": str(tmp_path / "f.gpkg"), key: address}
        with pytest.raises((pvp.InputError, pvp.ConfigError)):
            pvp.plan_village(pvp.Scenario(site=site))
    assert came == []


def test_an_address_for_a_coordinate_system_is_none(tmp_path, listener):
    url, came = listener
    hamlet().to_file(tmp_path / "f.gpkg", engine="pyogrio")
    with pytest.raises((pvp.InputError, pvp.ConfigError)):
        pvp.read_buildings(tmp_path / "f.gpkg", crs=f"{url}/crs")
    assert came == []


def test_a_virtual_table_in_a_geopackage_is_refused(tmp_path):
    import sqlite3
    from contextlib import closing

    path = tmp_path / "f.gpkg"
    hamlet().to_file(path, engine="pyogrio")
    assert check_vector(path)
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA writable_schema=ON")
        base.execute(
            "INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql) VALUES('table','v','v',0,"
            "'CREATE VIRTUAL TABLE v USING VirtualOGR(''/etc/passwd'')')"
        )
        base.commit()
    with pytest.raises(pvp.InputError, match="another file"):
        pvp.read_buildings(path)


def test_gdal_is_careful_while_it_reads_and_as_before_after(tmp_path):
    import pyogrio

    from pvplanner.reading.kinds import careful_gdal

    pyogrio.set_gdal_config_options({"GDAL_HTTP_TIMEOUT": "77"})
    with careful_gdal():
        assert str(pyogrio.get_gdal_config_option("GDAL_HTTP_TIMEOUT")) == "1"
        assert pyogrio.get_gdal_config_option("CPL_VSIL_CURL_ALLOWED_FILENAME") == "-"
    assert str(pyogrio.get_gdal_config_option("GDAL_HTTP_TIMEOUT")) == "77"
    pyogrio.set_gdal_config_options({"GDAL_HTTP_TIMEOUT": None})
    assert all(pyogrio.get_gdal_config_option(name) is None for name in SETTINGS)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb", ".zip", ".json", ".kml"])
def test_sound_files_are_read_as_before(tmp_path, suffix):
    frame = hamlet().rename(columns={"building_id": "id"})
    path = tmp_path / f"f{suffix}"
    if suffix == ".zip":
        frame.to_file(tmp_path / "g.shp", engine="pyogrio", encoding="utf-8")
        with zipfile.ZipFile(path, "w") as archive:
            for part in tmp_path.glob("g.*"):
                archive.write(part, part.name)
    else:
        drivers = {".json": "GeoJSON", ".geojson": "GeoJSON", ".kml": "KML"}
        shown = frame.to_crs(4326) if suffix in drivers else frame
        shown.to_file(path, engine="pyogrio", driver=drivers.get(suffix))
    read = pvp.read_buildings(path)
    assert len(read) == len(frame)
    assert read["area_m2"].sum() == pytest.approx(frame.area.sum(), rel=1e-3)


def test_a_link_in_an_attribute_is_no_link(tmp_path):
    told = square()
    told["features"][0]["properties"] |= {"type": "link", "href": "http://x/y", "名": "\\u0063rs"}
    path = tmp_path / "f.geojson"
    path.write_text(json.dumps(told, ensure_ascii=True), encoding="utf-8")
    assert len(pvp.read_buildings(path)) == 1


@pytest.mark.parametrize("inside", ["", "village/", "a/b/", "中文/"])
def test_a_shapefile_is_found_wherever_it_lies_in_a_zip(tmp_path, inside):
    frame = hamlet().rename(columns={"building_id": "id"})
    frame.to_file(tmp_path / "g.shp", engine="pyogrio", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for part in tmp_path.glob("g.*"):
            archive.write(part, f"{inside}{part.name}")
        archive.writestr("readme.txt", "x")
    assert len(pvp.read_buildings(tmp_path / "z.zip")) == 6


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "CRS84",
                                  "urn:ogc:def:crs:EPSG::4326", "EPSG:4490", "WGS84"])  # fmt: skip
def test_a_named_coordinate_system_is_read(tmp_path, name):
    path = tmp_path / "f.geojson"
    path.write_text(json.dumps(square({"type": "name", "properties": {"name": name}})), "utf-8")
    assert len(pvp.read_buildings(path)) == 1


def test_statistics_beside_a_raster_are_let_be(tmp_path):
    path = tiff(tmp_path / "a.tif")
    Path(f"{path}.aux.xml").write_text(
        '<PAMDataset><Metadata domain="x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<MDI key="http://ns.adobe.com/xap/1.0/">1</MDI></Metadata></PAMDataset>',
        "utf-8",
    )
    with open_raster(path, "EPSG:4549") as raster:
        assert np.nanmax(raster.read(raster.bounds).heights) == 7.0


@pytest.mark.parametrize(("recipe", "refused"), [
    ("+proj=longlat +nadgrids=/etc/passwd +type=crs", True),
    ("+proj=longlat +nadgrids=../../x.gsb +type=crs", True),
    ("+proj=longlat +nadgrids=@null +a=6378137 +b=6378137 +type=crs", False),
    ("EPSG:4549", False), ("EPSG:28992", False), ("EPSG:4549+5773", False),
])  # fmt: skip
def test_a_coordinate_system_names_no_path(recipe, refused):
    from pyproj import CRS

    crs = CRS.from_user_input(recipe)
    if refused:
        with pytest.raises(pvp.InputError, match="another file"):
            check_crs(crs, "f")
    else:
        check_crs(crs, "f")
    check_crs(None, "f")
    with pytest.raises(pvp.InputError):
        check_crs("+init=/etc/passwd:x", "f")


def test_entities_are_named_in_both_languages(tmp_path):
    path = tmp_path / "a.kml"
    path.write_text('<!DOCTYPE k [<!ENTITY a "b">]><kml>&a;</kml>', "utf-8")
    with pytest.raises(pvp.InputError) as found:
        pvp.read_buildings(path)
    assert "DOCTYPE" in found.value.text("en")
    assert "DOCTYPE" in found.value.text("zh")


def test_a_scribble_is_set_aside_in_time(tmp_path):
    rng = np.random.default_rng(0)
    ring = np.column_stack([121.3 + 1e-3 * rng.random(3000), 29.7 + 1e-3 * rng.random(3000)])
    told = square()
    scribble = json.loads(json.dumps(told["features"][0]))
    scribble["geometry"]["coordinates"] = [[*ring.tolist(), ring[0].tolist()]]
    told["features"].append(scribble)
    path = tmp_path / "f.geojson"
    path.write_text(json.dumps(told), "utf-8")
    began = time.process_time()
    read = pvp.read_buildings(path)
    assert time.process_time() - began < 5
    assert list(read["status"]) == ["ok", "set_aside"]


@pytest.mark.parametrize("body", [
    "finance.capex_per_w = " + "9" * 5000, "a = " + "[" * 5000, 'site.buildings = "a\\u0000b"',
])  # fmt: skip
def test_a_scenario_that_is_none_is_one_line(tmp_path, body):
    path = tmp_path / "s.toml"
    path.write_text(body, "utf-8")
    with pytest.raises(pvp.ConfigError) as found:
        pvp.Scenario.from_toml(path)
    assert len(found.value.text("en")) < 600


def test_a_device_is_no_file():
    for key in ("buildings", "households"):
        site = {"buildings": str(ROOT / "data/liao/footprints.geojson"), key: "/dev/zero"}
        with pytest.raises(pvp.InputError, match=r"no such file|are not read"):
            pvp.plan_village(pvp.Scenario(site=site))


def test_city_models_of_endless_depth(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"type":"CityJSON","a":' + '{"a":' * 50_000, "utf-8")
    with pytest.raises(pvp.InputError):
        read_planes(path, "EPSG:4549")


def test_a_mosaic_of_tiles_is_read(tmp_path):
    tiff(tmp_path / "a.tif")
    size = 'xOff="0" yOff="0" xSize="300" ySize="300"'
    path = tmp_path / "m.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="300" rasterYSize="300"><SRS>EPSG:4549</SRS><GeoTransform>'
        f'{EAST}, 1, 0, {NORTH}, 0, -1</GeoTransform><VRTRasterBand dataType="Float32" band="1">'
        '<SimpleSource><SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1'
        f"</SourceBand><SrcRect {size}/><DstRect {size}/></SimpleSource></VRTRasterBand>"
        "</VRTDataset>",
        encoding="utf-8",
    )
    assert check_raster(path) == "VRT"
    with open_raster(path, "EPSG:4549") as raster:
        assert np.nanmax(raster.read(raster.bounds).heights) == 7.0


# --- bombs --------------------------------------------------------------------------------------
ZEROS = 700_000_000


def _sheet(path: Path, part: str, size: int = ZEROS, others: tuple[str, ...] = ()) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        for name in others:
            archive.writestr(name, "x")
        with archive.open(part, "w", force_zip64=True) as stream:
            for _ in range(size // 10_000_000):
                stream.write(bytes(10_000_000))


def _entities(path: Path, part: str) -> None:
    body = (
        "<!DOCTYPE x ["
        + '<!ENTITY a0 "aaaaaaaaaa">'
        + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
        + "]><x>&a9;</x>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr(part, body)


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(30_000):
            archive.writestr(f"{n}.shp", b"")


def _parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    zeros = pa.DictionaryArray.from_arrays(pa.array(np.zeros(60_000_000, dtype=np.int8)), ["a"])
    pq.write_table(pa.table({"a": zeros}), path)


def _huge_raster(path: Path) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", width=400_000, height=400_000, count=1, dtype="float32",
        crs="EPSG:4549", tiled=True, sparse_ok=True, compress="deflate", bigtiff="yes",
        transform=rasterio.transform.from_origin(EAST, NORTH, 1, 1),
    ):  # fmt: skip
        pass


BOMBS = {
    "sheet.xlsx": lambda p: _sheet(p, "xl/worksheets/sheet1.xml"),
    "strings.xlsx": lambda p: _sheet(p, "xl/sharedStrings.xml", 300_000_000),
    "entities.xlsx": lambda p: _entities(p, "xl/sharedStrings.xml"),
    "relations.xlsx": lambda p: _entities(p, "xl/_rels/workbook.xml.rels"),
    "shape.zip": lambda p: _sheet(p, "a.dbf", others=("a.shp", "a.shx")),
    "many.zip": _many,
    "places.kmz": lambda p: _sheet(p, "doc.kml"),
    "laughs.kml": lambda p: p.write_text(
        '<!DOCTYPE k [<!ENTITY a "aaaaaaaa">]><kml>&a;</kml>', encoding="utf-8"),
    "runs.parquet": _parquet,
    "deep.geojson": lambda p: p.write_text('{"crs":' + "[" * 200_000, encoding="utf-8"),
    "laughs.vrt": lambda p: p.write_text(
        '<!DOCTYPE k [<!ENTITY a "aaaaaaaa">]><VRTDataset>&a;</VRTDataset>', encoding="utf-8"),
    "huge.tif": _huge_raster,
}  # fmt: skip

READ = """
import sys, time, pathlib, resource
import pvplanner as pvp
from pvplanner.reading import read_table
from pvplanner.terrain import open_raster
path = pathlib.Path(sys.argv[1])
began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    if path.suffix in (".tif", ".vrt"):
        with open_raster(path, "EPSG:4549") as raster:
            x, y = raster.bounds[0], raster.bounds[3]
            raster.read((x, y - 50, x + 50, y))
    elif path.suffix == ".xlsx":
        read_table(path)
    else:
        pvp.read_buildings(path)
    said = "read"
except pvp.InputError as error:
    said = error.code
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(said, round(time.perf_counter() - began, 2), (after - before) // 1024)
"""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.long) if n not in ("sheet.xlsx", "table.parquet") else n
        for n in BOMBS
    ],
)
def test_a_bomb_does_not_go_off(tmp_path, name):
    path = tmp_path / name
    BOMBS[name](path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)), check=True,
    )  # fmt: skip
    said, seconds, megabytes = done.stdout.split()
    assert said in ("file_bomb", "file_entities", "file_unreadable", "zip_holds") or (
        name == "huge.tif" and said == "read"
    ), said
    assert float(seconds) < 10
    assert int(megabytes) < 500


def test_a_large_honest_workbook_is_no_bomb(tmp_path):
    import openpyxl

    path = tmp_path / "l.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["户号", "建筑编号", "年用电量"])
    for n in range(20_000):
        sheet.append([f"H{n}", f"B{n}", 2000 + n % 7])
    book.save(path)
    assert len(read_table(path).rows) == 20_000


def test_two_layers_of_one_kind_stay_apart(tmp_path):
    """A shapefile that is none, and one whose table is."""
    hamlet().rename(columns={"building_id": "id"}).to_file(
        tmp_path / "a.shp", engine="pyogrio", encoding="utf-8"
    )
    (tmp_path / "b.shp").write_bytes(b"\x00\x00\x27\x0b" + bytes(96))
    assert len(pvp.read_buildings(tmp_path / "a.shp")) == 6
    with pytest.raises(pvp.InputError, match="content is something else"):
        pvp.read_buildings(tmp_path / "b.shp")
