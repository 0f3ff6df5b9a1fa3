"""3D models: told by their content, laid on the houses they touch, open where they are open."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from villages import EAST, NORTH, box, frame

import pvplanner as pvp
from pvplanner.roofs.citygml import is_citygml
from pvplanner.roofs.faces import Face, faces_in, system_named, through_faces
from pvplanner.roofs.owners import match_planes

CRS = 4549


def ring(width, depth, z=6.0, *, x=0.0, y=0.0, rise=0.0):
    """Corners of a plane that rises to the north by ``rise`` a metre."""
    corners = [(0, 0), (width, 0), (width, depth), (0, depth)]
    return [(EAST + x + u, NORTH + y + v, z + rise * v) for u, v in corners]


def surface(faces, *, kind="MultiSurface", lod="2.2", types=None, named=True):
    """A CityJSON geometry of faces, each a list of rings of corners; and its vertices."""
    points, boundaries = [], []
    for face in faces:
        rings = []
        for corners in face:
            rings.append([len(points) + n for n in range(len(corners))])
            points += corners
        boundaries.append(rings)
    values = [0] * len(faces) if types is None else list(range(len(faces)))
    kinds = [{"type": t} for t in (types or ["RoofSurface"])]
    depth = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2}[kind]
    for _ in range(depth):
        boundaries, values = [boundaries], [values]
    made = {"type": kind, "lod": lod, "boundaries": boundaries}
    if named:
        made["semantics"] = {"surfaces": kinds, "values": values}
    return made, points


def city(things, points, **more):
    system = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4549"}
    head = {"type": "CityJSON", "version": "2.0", "metadata": system}
    return {**head, "CityObjects": things, "vertices": points, **more}


def roofs(folder, document, shapes, name="m.city.json", **columns):
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return pvp.model_roofs(frame(shapes, **columns), planes=path)


@pytest.mark.parametrize("kind", ["MultiSurface", "CompositeSurface", "Solid", "MultiSolid"])
@pytest.mark.parametrize("lod", ["2.2", "2", 2, "1.3"])
def test_every_geometry_shows_its_roofs(tmp_path, kind, lod):
    made, points = surface([[ring(12, 10)]], kind=kind, lod=lod)
    planes = roofs(tmp_path, city({"a": {"type": "Building", "geometry": [made]}}, points),
                   [box(0, 0, 12, 10)])  # fmt: skip
    assert planes["area_m2"].tolist() == pytest.approx([120])
    assert planes["source"].tolist() == ["lod2"]


@pytest.mark.parametrize("order", ["first", "last", "late"])
def test_what_a_file_is_stands_anywhere_in_it(tmp_path, order):
    made, points = surface([[ring(12, 10)]])
    whole = city({"a": {"type": "Building", "geometry": [made]}}, points)
    kind = whole.pop("type")
    told = {"type": kind, **whole} if order == "first" else {**whole, "type": kind}
    if order == "late":
        told = {"vertices": told["vertices"] + [[0.0, 0.0, 0.0]] * 2000, **told}
        told["vertices"] = points + [[EAST, NORTH, 0.0]] * 2000
    planes = roofs(tmp_path, told, [box(0, 0, 12, 10)], name="planes.json")
    assert planes["area_m2"].tolist() == pytest.approx([120])


@pytest.mark.parametrize("court", [(3, 3, 4, 4), (1, 1, 10, 2)])
@pytest.mark.parametrize("turn", ["same", "other"])
def test_open_courts_carry_nothing(tmp_path, court, turn):
    x, y, width, depth = court
    hole = ring(width, depth, x=x, y=y)
    hole = hole[::-1] if turn == "other" else hole
    made, points = surface([[ring(20, 20), hole]])
    planes = roofs(tmp_path, city({"a": {"type": "Building", "geometry": [made]}}, points),
                   [box(0, 0, 20, 20)])  # fmt: skip
    assert planes["area_m2"].tolist() == pytest.approx([400 - width * depth])
    layout = pvp.module_outlines(planes)
    open_air = shapely.box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + depth)
    assert len(layout) > 20
    assert shapely.area(shapely.intersection(np.asarray(layout.geometry), open_air)).max() < 1e-6


@pytest.mark.parametrize(("court", "area"), [((0, 7, 6, 6), 364), ((-1, 7, 6, 6), 370)])
def test_a_court_that_touches_the_edge_is_open_too(tmp_path, court, area):
    x, y, width, depth = court
    made, points = surface([[ring(20, 20), ring(width, depth, x=x, y=y)]])
    planes = roofs(tmp_path, city({"a": {"type": "Building", "geometry": [made]}}, points),
                   [box(0, 0, 20, 20)])  # fmt: skip
    assert planes["area_m2"].tolist() == pytest.approx([area])


def test_one_faulty_building_leaves_the_others(tmp_path):
    good, points = surface([[ring(12, 10)]])
    bad = {**good, "boundaries": [[[0, 1, 999]]]}
    things = {"a": {"type": "Building", "geometry": [good]},
              "b": {"type": "Building", "geometry": [bad]}}  # fmt: skip
    planes = roofs(tmp_path, city(things, points), [box(0, 0, 12, 10), box(40, 0, 12, 10)])
    assert planes["source"].tolist() == ["lod2", "typology", "typology"]


def test_the_finer_level_counts_though_its_surfaces_have_no_names(tmp_path):
    fine, first = surface([[ring(12, 5, 6.0, rise=0.5)], [ring(12, 5, 8.5, y=5, rise=-0.5)]],
                          named=False)  # fmt: skip
    coarse, more = surface([[ring(12, 10, 3.0)]], lod="1.3")
    coarse["boundaries"] = [[[n + len(first) for n in r] for r in f] for f in coarse["boundaries"]]
    planes = roofs(tmp_path, city({"a": {"type": "Building", "geometry": [coarse, fine]}},
                                  first + more), [box(0, 0, 12, 10)])  # fmt: skip
    assert len(planes) == 2


def test_a_survey_wins_over_a_model(tmp_path):
    made, points = surface([[ring(12, 10, rise=0.4)]])
    planes = roofs(tmp_path, city({"a": {"type": "Building", "geometry": [made]}}, points),
                   [box(0, 0, 12, 10)], roof_type=["flat"], surveyed=["roof_type"])  # fmt: skip
    assert planes["surface_tilt"].tolist() == [0]
    assert planes["source_reason"].tolist() == ["surveyed"]


def test_an_outline_of_no_number_stops_nobody():
    corners_ = [(EAST, NORTH), (np.nan, NORTH), (EAST + 3, NORTH + 3)]
    with np.errstate(invalid="ignore"):
        odd = shapely.Polygon(corners_)
    planes = pvp.model_roofs(frame([odd, box(40, 0, 12, 8)]))
    assert set(planes["building_id"]) == {"B2"}


@pytest.mark.parametrize(("roof", "said"), [
    (box(0, 0, 6, 8), True), (box(0, 0, 12, 8), False), (box(-0.7, -0.7, 13.4, 9.4), False),
    (box(-4, -3, 20, 14), True), (box(0, 0, 8, 8), False),
])  # fmt: skip
def test_a_model_of_a_part_or_of_too_much_of_a_house_is_said(tmp_path, roof, said):
    drawn = gpd.GeoDataFrame({"surface_tilt": [20.0], "surface_azimuth": [180.0]},
                             geometry=[roof], crs=CRS)  # fmt: skip
    drawn.to_file(tmp_path / "drawn.gpkg")
    planes = pvp.model_roofs(frame([box(0, 0, 12, 8)]), planes=tmp_path / "drawn.gpkg")
    uneven = [f.params["ids"] for f in planes.attrs["findings"] if f.code == "model_uneven"]
    assert uneven == (["B1"] if said else [])


def test_a_gable_over_a_long_row_is_parted():
    shapes = [box(6 * n, 0, 6, 10) for n in range(5)]
    halves = [box(0, 0, 30, 5), box(0, 5, 30, 5)]
    found, has = match_planes(planes_of(halves, ["", ""]), frame(shapes))
    assert has.all()
    assert found.geometry.area.tolist() == pytest.approx([30] * 10)


def test_a_lower_roof_in_a_court_is_a_roof(tmp_path):
    high, low = [ring(20, 20, 9.0), ring(8, 8, 9.0, x=6, y=6)], [ring(8, 8, 4.0, x=6, y=6)]
    made, points = surface([high, low])
    planes = roofs(tmp_path, city({"a": {"type": "Building", "geometry": [made]}}, points),
                   [box(0, 0, 20, 20)])  # fmt: skip
    assert sorted(planes["area_m2"]) == pytest.approx([64, 336])
    assert sorted(planes["elevation_m"]) == pytest.approx([4, 9])


def test_the_layer_of_planes_has_open_courts_too(tmp_path):
    shape = shapely.Polygon(ring(20, 20), [ring(10, 10, x=5, y=5)])
    gpd.GeoDataFrame({"building_id": ["B1"]}, geometry=[shape], crs=CRS).to_file(
        tmp_path / "p.gpkg"
    )
    planes = pvp.model_roofs(frame([box(0, 0, 20, 20)]), planes=tmp_path / "p.gpkg")
    assert planes["area_m2"].tolist() == pytest.approx([300])


def test_surfaces_without_names_are_roofs_where_they_are_highest(tmp_path):
    faces = [[ring(12, 10, 0.0)], [ring(12, 5, 6.0, rise=0.5)], [ring(12, 5, 8.5, y=5, rise=-0.5)]]
    made, points = surface(faces, kind="Solid", named=False)
    planes = roofs(tmp_path, city({"a": {"type": "Building", "geometry": [made]}}, points),
                   [box(0, 0, 12, 10)])  # fmt: skip
    assert sorted(planes["grid_azimuth"].round(3)) == [0, 180]
    assert planes["surface_tilt"].to_numpy() == pytest.approx(np.degrees(np.arctan(0.5)))


def test_the_best_level_of_detail_counts_and_parts_of_parts_are_their_house(tmp_path):
    coarse, first = surface([[ring(12, 10, 3.0)]], lod="1.2")
    fine, points = surface([[ring(12, 10, 6.0, rise=0.2)]], lod="2.2")
    fine["boundaries"] = [[[n + 4 for n in r] for r in face] for face in fine["boundaries"]]
    things = {"house": {"type": "Building", "children": ["part"]},
              "part": {"type": "BuildingPart", "parents": ["house"], "children": ["wing"]},
              "wing": {"type": "BuildingPart", "parents": ["part"], "geometry": [coarse, fine]},
              "tree": {"type": "SolitaryVegetationObject", "geometry": [coarse]}}  # fmt: skip
    path = tmp_path / "m.json"
    path.write_text(json.dumps(city(things, first + points)), "utf-8")
    planes = pvp.read_planes(path, CRS)
    assert planes["building_id"].tolist() == ["house"]
    assert planes["b"].tolist() == pytest.approx([0.2])


def test_features_line_by_line_take_what_they_lack_from_the_first(tmp_path):
    lines = [{"type": "CityJSON", "version": "2.0", "CityObjects": {}, "vertices": [],
              "transform": {"scale": [0.01] * 3, "translate": [EAST, NORTH, 0]},
              "metadata": {"referenceSystem": "urn:ogc:def:crs:EPSG::4549"}}]  # fmt: skip
    for k in range(3):
        made, points = surface([[ring(10, 8, x=30.0 * k)]])
        packed = [[round((x - EAST) * 100), round((y - NORTH) * 100), round(z * 100)]
                  for x, y, z in points]  # fmt: skip
        things = {f"H{k}": {"type": "Building", "geometry": [made]}}
        lines.append({"type": "CityJSONFeature", "vertices": packed, "CityObjects": things})
    text = "\n\n".join(json.dumps(line) for line in lines)
    shapes = [box(30 * k, 0, 10, 8) for k in range(3)]
    for name in ("m.city.jsonl", "m.json"):
        planes = roofs(tmp_path, text, shapes, name=name)
        assert planes["area_m2"].tolist() == pytest.approx([80] * 3)


# --- CityGML -------------------------------------------------------------------------------------

SPACES = {
    "2": ('xmlns="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml" '
          'xmlns:b="http://www.opengis.net/citygml/building/2.0" '
          'xmlns:x="http://www.w3.org/1999/xlink"'),
    "3": ('xmlns="http://www.opengis.net/citygml/3.0" xmlns:gml="http://www.opengis.net/gml/3.2" '
          'xmlns:b="http://www.opengis.net/citygml/construction/3.0" '
          'xmlns:x="http://www.w3.org/1999/xlink"'),
}  # fmt: skip


def corners(points, form):
    closed = [*points, points[0]]
    if form == "pos":
        return "".join(f"<gml:pos>{x:.3f} {y:.3f} {z:.3f}</gml:pos>" for x, y, z in closed)
    text = " ".join(f"{x:.3f} {y:.3f} {z:.3f}" for x, y, z in closed)
    return f'<gml:posList srsDimension="3">{text}</gml:posList>'


def polygon(rings, form="posList", name="p"):
    outer, *inner = [f"<gml:LinearRing>{corners(r, form)}</gml:LinearRing>" for r in rings]
    holes = "".join(f"<gml:interior>{r}</gml:interior>" for r in inner)
    return (f'<gml:Polygon gml:id="{name}"><gml:exterior>{outer}</gml:exterior>{holes}'
            "</gml:Polygon>")  # fmt: skip


def gml(version, surfaces, *, srs="urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH", solid=""):
    """A city model with one building; ``surfaces``: contents of its roof surfaces."""
    members = "".join(
        f"<b:boundedBy><b:RoofSurface><b:lod2MultiSurface><gml:MultiSurface>{s}"
        "</gml:MultiSurface></b:lod2MultiSurface></b:RoofSurface></b:boundedBy>" for s in surfaces
    )  # fmt: skip
    return (f'<?xml version="1.0" encoding="UTF-8"?><!-- from a state --><CityModel '
            f'{SPACES[version]}><gml:boundedBy><gml:Envelope srsName="{srs}" srsDimension="3"/>'
            f'</gml:boundedBy><cityObjectMember><b:Building gml:id="H1">{solid}{members}'
            "</b:Building></cityObjectMember></CityModel>")  # fmt: skip


def at(points):
    """Corners moved to where ETRS89 / UTM 32 is used."""
    return [(x - EAST + 293_000, y - NORTH + 5_659_000, z) for x, y, z in points]


def state_house():
    shape = shapely.box(293_000, 5_659_000, 293_012, 5_659_010)
    return gpd.GeoDataFrame({"building_id": ["x"]}, geometry=[shape], crs=25832)


@pytest.mark.parametrize("version", SPACES)
@pytest.mark.parametrize("form", ["posList", "pos"])
@pytest.mark.parametrize("srs", [
    "urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH", "EPSG:25832",
    "urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837", "http://www.opengis.net/gml/srs/epsg.xml#25832",
])  # fmt: skip
def test_citygml_as_states_publish_it(tmp_path, version, form, srs):
    faces = [polygon([at(ring(12, 5, 6.0, rise=0.5))], form),
             polygon([at(ring(12, 5, 8.5, y=5, rise=-0.5))], form)]  # fmt: skip
    path = tmp_path / "lod2.gml"
    path.write_text(gml(version, faces, srs=srs), "utf-8")
    planes = pvp.model_roofs(state_house(), planes=path)
    assert sorted(planes["grid_azimuth"].round(3)) == [0, 180]
    assert planes["surface_tilt"].to_numpy() == pytest.approx(np.degrees(np.arctan(0.5)))


def test_citygml_with_a_court_and_polygons_that_are_pointed_at(tmp_path):
    rings = [at(ring(12, 10)), at(ring(4, 4, x=4, y=3))]
    solid = ("<b:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface><gml:surfaceMember>"
             f"{polygon(rings, name='roof1')}</gml:surfaceMember></gml:CompositeSurface>"
             "</gml:exterior></gml:Solid></b:lod2Solid>")  # fmt: skip
    linked = '<gml:surfaceMember x:href="#roof1"/>'
    path = tmp_path / "lod2.xml"
    path.write_text(gml("2", [linked], solid=solid), "utf-8")
    planes = pvp.model_roofs(state_house(), planes=path)
    assert planes["area_m2"].tolist() == pytest.approx([104])


@pytest.mark.parametrize(("body", "code"), [
    ('<!DOCTYPE x [<!ENTITY e "y">]><CityModel>&e;</CityModel>', "file_entities"),
    ("<!--" + "x" * 9000 + '--><!DOCTYPE x [<!ENTITY e "y">]><CityModel>&e;</CityModel>',
     "file_entities"),
    ('<CityModel xmlns="http://www.opengis.net/citygml/2.0"></CityModel>', "planes_no_crs"),
    ('<CityModel xmlns="http://www.opengis.net/citygml/2.0"><a srsName="EPSG:25832"/></CityModel>',
     "planes_none"),
    ('<CityModel xmlns="http://www.opengis.net/citygml/2.0"><a srsName="EPSG', "file_unreadable"),
])  # fmt: skip
def test_a_broken_or_hostile_citygml_is_refused(tmp_path, body, code):
    path = tmp_path / "bad.gml"
    path.write_text(body, "utf-8")
    with pytest.raises(pvp.InputError) as refused:
        pvp.model_roofs(state_house(), planes=path)
    assert refused.value.code == code


def test_other_xml_is_no_city(tmp_path):
    path = tmp_path / "other.gml"
    path.write_text("<FeatureCollection/>", "utf-8")
    assert not is_citygml(path)


# --- reference systems ----------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "code"), [
    ("https://www.opengis.net/def/crs/EPSG/0/7415", 28992),
    ("urn:ogc:def:crs:EPSG::4549", 4549), ("urn:ogc:def:crs:EPSG:9.8:25833", 25833),
    ("urn:adv:crs:ETRS89_UTM33*DE_DHHN92_NH", 25833), ("EPSG:2056", 2056),
    ("urn:ogc:def:crs,crs:EPSG::5783,crs:EPSG::25832", 25832), ("EPSG:5783", None), ("", None),
    ("EPSG:999999", None), ("local", None),
])  # fmt: skip
def test_systems_as_models_name_them(text, code):
    found = system_named(text)
    assert (found.to_epsg() if found else None) == code


def test_north_before_east_is_seen_by_where_it_lies():
    swapped = [Face("a", np.array([(y, x, z) for x, y, z in ring(12, 10)]))]
    kept = through_faces(faces_in(swapped, system_named("EPSG:4549"), system_named("EPSG:4549")))
    assert kept.geometry.area.tolist() == pytest.approx([120])
    west = kept.total_bounds[0]
    assert west == pytest.approx(EAST)


@pytest.mark.parametrize(("slope", "azimuth"), [
    ((0.4, 0.0), 270), ((-0.4, 0.0), 90), ((0.3, 0.3), 225), ((-0.2, 0.5), 158.2),
])  # fmt: skip
def test_planes_fall_where_their_corners_do(slope, azimuth):
    a, b = slope
    corners_ = np.array([(EAST + u, NORTH + v, 6 + a * u + b * v)
                         for u, v in ((0, 0), (12, 0), (12, 8), (5, 11), (0, 8))])  # fmt: skip
    plane = through_faces([Face("x", corners_)]).iloc[0]
    assert (plane["a"], plane["b"]) == (pytest.approx(a), pytest.approx(b))
    at = plane["c"] + a * (EAST + 3 - plane["x0"]) + b * (NORTH + 2 - plane["y0"])
    assert at == pytest.approx(6 + 3 * a + 2 * b)
    assert np.degrees(np.arctan2(-plane["a"], -plane["b"])) % 360 == pytest.approx(azimuth, abs=0.1)


def test_planes_in_another_system_lie_and_fall_as_in_the_villages_own():
    """From degrees, and from the zone beside, whose north leans by a degree and a half."""
    from pyproj import CRS, Transformer

    local = np.array(ring(12, 10, 6.0, rise=0.5))
    hole = np.array(ring(4, 3, 6.0, x=4, y=3, rise=0.5))[:3]
    home = CRS.from_epsg(4549)
    for epsg in (4326, 4550):
        turn = Transformer.from_crs(4549, epsg, always_xy=True)
        there = [np.column_stack([*turn.transform(r[:, 0], r[:, 1]), r[:, 2]])
                 for r in (local, hole)]  # fmt: skip
        back = faces_in([Face("x", there[0], [there[1]])], CRS.from_epsg(epsg), home)
        plane = through_faces(back).iloc[0]
        assert plane.geometry.area == pytest.approx(120 - 6, rel=1e-4)
        assert (plane["a"], plane["b"]) == (
            pytest.approx(0, abs=1e-4),
            pytest.approx(0.5, rel=1e-3),
        )


@pytest.mark.parametrize("rise", [5.0, 6.0])
def test_faces_steeper_than_eighty_degrees_are_walls(rise):
    face = Face("x", np.array(ring(12, 1, 0.0, rise=rise)))
    assert len(through_faces([face])) == (rise < np.tan(np.radians(80)))


# --- whose planes are whose -----------------------------------------------------------------------


def planes_of(shapes, ids):
    x0 = [shape.centroid.x for shape in shapes]
    y0 = [shape.centroid.y for shape in shapes]
    zero = np.zeros(len(shapes))
    return gpd.GeoDataFrame(
        {"building_id": ids, "a": zero, "b": zero, "c": zero + 6, "x0": x0, "y0": y0},
        geometry=shapes, crs=CRS,
    )  # fmt: skip


@pytest.mark.parametrize("layout", ["detached", "row"])
@pytest.mark.parametrize("ids", ["own", "reversed", "shuffled", "none", "shifted by one"])
def test_planes_lie_on_their_own_house(layout, ids):
    step = 8 if layout == "row" else 20
    shapes = [box(step * n, 0, 8, 10) for n in range(12)]
    houses = frame(shapes).assign(building_id=[str(n) for n in range(12)])
    order = {"own": range(12), "reversed": range(11, -1, -1), "none": [""] * 12,
             "shuffled": np.random.default_rng(3).permutation(12),
             "shifted by one": [(n + 1) % 12 for n in range(12)]}[ids]  # fmt: skip
    found, has = match_planes(planes_of(shapes, [str(n) for n in order]), houses)
    assert has.all()
    assert sorted(found["row"]) == list(range(12))
    mine = np.asarray(houses.geometry)[found["row"]]
    away = shapely.distance(shapely.centroid(np.asarray(found.geometry)), shapely.centroid(mine))
    assert away.max() < 0.1


def test_ids_hold_where_a_roof_lies_beside_its_outline():
    """Two of the same id half a metre apart are one house, whatever else lies nearer."""
    shapes = [box(0, 0, 8, 10), box(8.4, 0, 8, 10)]
    moved = [shapely.affinity.translate(s, 3.0, 0) for s in shapes]
    found, _ = match_planes(planes_of(moved, ["B1", "B2"]), frame(shapes))
    assert found["row"].tolist() == [0, 1]


@pytest.mark.parametrize("first", [0, 1])
def test_ids_are_believed_before_the_larger_overlap(first):
    """Planes that lie more on the neighbour than at home are their own house's by id alone."""
    shapes = [box(8 * n, 0, 8, 10) for n in range(4)]
    moved = [shapely.affinity.translate(s, 5.0, 0) for s in shapes]
    ids = [str(n + first) for n in range(4)]
    houses = frame(shapes).assign(building_id=ids)
    found, has = match_planes(planes_of(moved, ids), houses)
    assert found["row"].tolist() == [0, 1, 2, 3]
    assert has.all()
    nameless, _ = match_planes(planes_of(moved, [""] * 4), houses)
    assert nameless["row"].tolist() != [0, 1, 2, 3]


def test_a_plane_of_the_right_id_far_from_its_house_lies_where_it_lies():
    """The house's main plane makes its id trusted; a stray piece of that id is not drawn there."""
    shapes = [box(0, 0, 8, 10), box(40, 0, 8, 10)]
    told = planes_of([box(0, 0, 8, 10), box(41, 1, 6, 8), box(8.5, 2, 2, 3)], ["B1", "B1", "B1"])
    found, _ = match_planes(told, frame(shapes))
    assert dict(zip(found.geometry.area.round(), found["row"], strict=True)) == {80: 0, 6: 0, 48: 1}


@pytest.mark.parametrize("ids", [["B1"], [""]])
def test_a_roof_with_its_overhang_stays_whole(ids):
    """It reaches over the neighbour's wall by half a metre and is not parted for that."""
    roof = box(-0.5, -0.5, 9, 11)
    found, has = match_planes(planes_of([roof], ids), frame([box(0, 0, 8, 10), box(8, 0, 8, 10)]))
    assert found["row"].tolist() == [0]
    assert found.geometry.area.tolist() == pytest.approx([99])
    assert has.tolist() == [True, False]


@pytest.mark.parametrize(("overlap", "own"), [(2.0, False), (2.6, True)])
def test_an_id_is_trusted_from_three_tenths_on(overlap, own):
    shapes = [box(0, 0, 8, 10), box(8, 0, 8, 10)]
    told = planes_of([box(8 - overlap, 0, 8, 10)], ["B1"])
    found, _ = match_planes(told, frame(shapes))
    assert (found["row"].tolist()[0] == 0) == own


def test_the_smaller_of_plane_and_outline_decides():
    """A small roof on a large outline is that building's, a slab under a tower the tower's."""
    tower, hall = box(0, 0, 4, 4), box(20, 0, 40, 30)
    told = planes_of([box(-8, -8, 20, 20), box(25, 5, 5, 5)], ["", ""])
    found, has = match_planes(told, frame([tower, hall]))
    assert found["row"].tolist() == [0, 1]
    assert has.tolist() == [True, True]


def test_one_plane_over_a_row_is_parted_between_its_houses():
    shapes = [box(8 * n, 0, 8, 10) for n in range(3)]
    whole = shapely.union_all(shapes)
    found, has = match_planes(planes_of([whole], ["long"]), frame(shapes))
    assert has.all()
    assert found.geometry.area.tolist() == pytest.approx([80] * 3)
    assert found["c"].tolist() == [6] * 3


def test_planes_far_from_every_outline_are_nobodys():
    found, has = match_planes(planes_of([box(500, 0, 8, 10)], ["B1"]), frame([box(0, 0, 8, 10)]))
    assert found.empty
    assert not has.any()


def test_a_drawn_plane_is_named_as_drawn(tmp_path):
    shape = box(0, 0, 12, 8)
    drawn = gpd.GeoDataFrame({"surface_tilt": [22.0], "surface_azimuth": [170.0]},
                             geometry=[shape], crs=CRS)  # fmt: skip
    drawn.to_file(tmp_path / "drawn.gpkg")
    planes = pvp.model_roofs(frame([shape, box(40, 0, 12, 8)]), planes=tmp_path / "drawn.gpkg")
    assert planes["source"].tolist() == ["drawn", "typology", "typology"]
    assert planes["tilt_source"].tolist() == ["drawn", "typology", "typology"]
    assert planes["surface_tilt"].iloc[0] == pytest.approx(22)
