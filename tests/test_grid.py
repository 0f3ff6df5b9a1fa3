"""The grid: capacity by DL/T 2041, limits as a tree, what flows back, what is cut, ways out."""

from __future__ import annotations

import datetime as dt
import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from villages import EAST, NORTH, box, frame

from pvplanner.errors import InputError
from pvplanner.grid import (
    Feeders,
    Limits,
    balanced_phases,
    capacity_kw,
    colour_of,
    export_cut,
    no_nodes,
    noon_hour,
    read_nodes,
    reverse_share,
    storage_for,
)
from pvplanner.grid.feeding import feed, up_the_tree
from pvplanner.grid.hours import HOURS
from pvplanner.grid.joining import join_buildings
from pvplanner.grid.tree import voltage_room
from pvplanner.grid.ways import standard_kva

DAY = dt.date(2026, 1, 1)
USUAL = {"on": DAY, "reverse_load": 0.8, "output_rate": 0.8, "power_factor": 0.95}


def table(tmp_path, text, name="grid.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def nodes_of(tmp_path, text, **options):
    return read_nodes(table(tmp_path, text), **options)[0]


# --- DL/T 2041 -----------------------------------------------------------------------------------


def test_the_standards_worked_example():
    """200 kVA, power factor 0.95, load 30 kW, beta and tau 0.8: 227.5 kW (DL/T 2041-2025)."""
    found = capacity_kw(
        np.array([200.0]), power_factor=np.array([0.95]), load_kw=np.array([30.0]),
        reverse_load=0.8, output_rate=0.8,
    )  # fmt: skip
    assert found[0] == pytest.approx(227.5, abs=0.05)


def test_other_sources_and_storage_move_it_as_the_formula_says():
    usual = {"power_factor": np.array([0.9]), "load_kw": np.array([40.0]), "reverse_load": 0.5,
             "output_rate": 0.8}  # fmt: skip
    kva = np.array([400.0])
    base = capacity_kw(kva, **usual)[0]
    assert base == pytest.approx((40 + 0.5 * 400 * 0.9) / 0.8)
    assert capacity_kw(kva, generation_kw=16.0, **usual)[0] == pytest.approx(base - 20)
    assert capacity_kw(kva, storage_kw=24.0, **usual)[0] == pytest.approx(base + 30)


def test_beta_by_what_is_left_when_one_of_several_fails():
    told = reverse_share(np.array([np.nan, 1, 2, 3, 5, 9]), 0.8)
    assert told == pytest.approx([0.8, 0.8, 0.5, 2 / 3, 0.8, 0.8])


@pytest.mark.parametrize(
    ("capacity", "connected", "registered", "colour"),
    [(100.1, 60, 40, "green"), (100, 60, 40, "yellow"), (60.1, 60, 40, "yellow"),
     (60, 60, 40, "red"), (10, 60, 40, "red"), (np.nan, 60, 40, "")],
)  # fmt: skip
def test_colours_at_their_boundaries(capacity, connected, registered, colour):
    """Exceeds both: green; connected only: yellow; neither: red (DL/T 2041-2025)."""
    told = colour_of(np.array([float(capacity)]), np.array([connected]), np.array([registered]))
    assert told[0] == colour


# --- reading -------------------------------------------------------------------------------------


def test_a_table_as_a_grid_company_sends_it(tmp_path):
    head = "台区编号,上级,额定容量（千伏安）,功率因数,已接入容量（千瓦）,备案到期,已备案\n"
    rows = "T1,10kV甲线,0.4 MVA,95,30,2025/6/30,50\nT2,10kV甲线,200,0.9,,,\n合计,,,,,,\n"
    nodes = nodes_of(tmp_path, head + rows).set_index("transformer_id")
    assert list(nodes.index) == ["T1", "T2", "10kV甲线"]
    assert nodes["level"].tolist() == ["transformer", "transformer", "line"]
    assert nodes["kva"].tolist()[:2] == [400.0, 200.0]
    assert nodes["power_factor"].tolist()[:2] == [0.95, 0.9]
    assert nodes.loc["T1", "registered_until"] == "2025-06-30"
    assert np.isnan(nodes.loc["T2", "connected_kw"])


@pytest.mark.parametrize(
    ("rows", "code", "word"),
    [
        ("T1,L,200,\nT1,L,100,\n", "grid_id_twice", "T1"),
        ("T1,L,-200,\n", "grid_value", "-200"),
        ("T1,L,0,\n", "grid_value", "0"),
        (",L,200,\n", "grid_no_id", ""),
        ("T1,T2,200,\nT2,T1,200,\n", "grid_ring", "T1"),
        ("T1,L,many,\n", "grid_value", "many"),
        ("T1,L,200,purple\n", "grid_name", "purple"),
    ],
)
def test_what_can_not_be_is_refused_with_file_and_row(tmp_path, rows, code, word):
    path = table(tmp_path, "transformer_id,parent,kva,colour\n" + rows)
    with pytest.raises(InputError) as caught:
        read_nodes(path)
    assert caught.value.code == code
    assert "grid.csv" in caught.value.text("en")
    assert word in caught.value.text("en")


def test_days_and_power_factors_that_can_not_be(tmp_path):
    for head, value in (("registered_until", "soon"), ("power_factor", "0.1")):
        path = table(tmp_path, f"transformer_id,{head}\nT1,{value}\n")
        with pytest.raises(InputError, match=value):
            read_nodes(path)


def test_a_layer_of_points_and_a_table_with_degrees_lie_at_one_place(tmp_path):
    point = gpd.GeoSeries([shapely.Point(EAST, NORTH)], crs=4549)
    layer = gpd.GeoDataFrame({"transformer_id": ["T1"], "kva": [200]}, geometry=point)
    layer.to_file(tmp_path / "grid.gpkg", engine="pyogrio")
    degrees = point.to_crs(4326).iloc[0]
    text = f"transformer_id,kva,lon,lat\nT1,200,{degrees.x:.8f},{degrees.y:.8f}\n"
    for path in (tmp_path / "grid.gpkg", table(tmp_path, text)):
        nodes, _ = read_nodes(path, crs=4549)
        assert nodes["x"].iloc[0] == pytest.approx(EAST, abs=0.01)
        assert nodes["y"].iloc[0] == pytest.approx(NORTH, abs=0.01)


def test_an_unusual_rating_is_asked_about_and_a_lines_is_not(tmp_path):
    rows = "T1,transformer,L,2\nT2,transformer,L,3\nL,line,,40000\n"
    _, findings = read_nodes(table(tmp_path, "transformer_id,level,parent,kva\n" + rows))
    odd = [f for f in findings if f.code == "column_slipped"]
    assert len(odd) == 1
    assert odd[0].count == 2


# --- the tree ------------------------------------------------------------------------------------

TREE = """transformer_id,level,parent,kva,load_kw,open_kw
T1,transformer,L1,200,30,
T2,transformer,L1,200,30,
L1,line,S1,,,{line}
S1,substation,C1,,,{station}
C1,county,,,,{county}
"""


@pytest.mark.parametrize(
    ("line", "station", "county", "least", "name"),
    [
        ("", "", "", 227.5, "T1"), ("100", "", "", 100, "L1"), ("300", "90", "", 90, "S1"),
        ("300", "280", "80", 80, "C1"), ("227.5", "", "", 227.5, "T1"), ("", "", "0", 0, "C1"),
    ],
)  # fmt: skip
def test_each_level_in_turn_is_the_smallest(tmp_path, line, station, county, least, name):
    text = TREE.format(line=line, station=station, county=county)
    tree = Limits(nodes_of(tmp_path, text), **USUAL)
    assert tree.least("T1") == (pytest.approx(least), name)


def test_a_red_county_is_all_that_is_known(tmp_path):
    tree = Limits(nodes_of(tmp_path, "transformer_id,level,colour\n鄞州,县,红\n"), **USUAL)
    assert tree.least("鄞州") == (0.0, "鄞州")
    assert tree.table["colour"].tolist() == ["red"]


def test_red_below_red(tmp_path):
    text = TREE.format(line="", station="", county="").replace(",open_kw", ",open_kw,colour")
    text = text.replace("S1,substation,C1,,,", "S1,substation,C1,,,,red")
    tree = Limits(nodes_of(tmp_path, text), **USUAL)
    told = dict(zip(tree.table["transformer_id"], tree.table["colour"], strict=True))
    assert told == {"T1": "red", "T2": "red", "L1": "red", "S1": "red", "C1": ""}


def test_published_goes_before_reckoned_and_the_difference_is_said(tmp_path):
    text = "transformer_id,kva,load_kw,open_kw,open_on\nT1,200,30,120,2025-12-31\n"
    tree = Limits(nodes_of(tmp_path, text), **USUAL)
    assert tree.least("T1") == (120.0, "T1")
    assert tree.table["open_from"].tolist() == ["published"]
    told = tree.findings("grid.csv")
    assert [f.code for f in told] == ["grid_published"]
    assert "227.5" in told[0].text("en")
    near = nodes_of(tmp_path, text.replace("120", "225"))
    assert Limits(near, **USUAL).findings("grid.csv") == []


def test_what_is_registered_and_not_built_lapses_on_its_date(tmp_path):
    text = "transformer_id,kva,load_kw,registered_kw,registered_until\nT1,200,30,100,2026-06-30\n"
    nodes = nodes_of(tmp_path, text)
    before = Limits(nodes, **{**USUAL, "on": dt.date(2026, 6, 30)})
    after = Limits(nodes, **{**USUAL, "on": dt.date(2026, 7, 1)})
    assert before.least("T1")[0] == pytest.approx(127.5)
    assert after.least("T1")[0] == pytest.approx(227.5)
    assert [f.code for f in after.findings("x")] == ["grid_lapsed"]


def test_storage_gives_an_interval_and_its_lower_end_counts(tmp_path):
    text = "transformer_id,kva,load_kw,storage_kw\nT1,200,30,80\n"
    row = Limits(nodes_of(tmp_path, text), **USUAL).table.iloc[0]
    assert row["capacity_kw"] == pytest.approx(227.5)
    assert row["capacity_high_kw"] == pytest.approx(327.5)
    assert row["open_kw"] == pytest.approx(227.5)


def test_two_in_parallel_bear_what_one_does_and_their_table_says_so(tmp_path):
    """N-1: beta 0.5 of 2 x 400 kVA is 400 kVA."""
    text = "transformer_id,kva,parallel,load_kw,power_factor\nT1,400,2,40,0.9\nT2,400,1,40,0.9\n"
    table_ = Limits(nodes_of(tmp_path, text), **USUAL).table.set_index("transformer_id")
    assert table_["kva"].tolist() == [800.0, 400.0]
    assert table_["reverse_load"].tolist() == [0.5, 0.8]
    assert table_.loc["T1", "open_kw"] == pytest.approx((40 + 0.5 * 800 * 0.9) / 0.8)
    assert table_["parent"].tolist() == ["", ""]
    assert table_["capacity_high_kw"].tolist() == pytest.approx(table_["capacity_kw"].tolist())


@pytest.mark.parametrize(("published", "colour"), [("0.5", "green"), ("1", "green"), ("0", "red")])
def test_a_published_capacity_has_a_colour(tmp_path, published, colour):
    text = f"transformer_id,open_kw\nT1,{published}\n"
    tree = Limits(nodes_of(tmp_path, text), **USUAL)
    assert tree.table["colour"].tolist() == [colour]
    assert tree.least("T1") == (float(published), "T1")


def test_nothing_is_open_where_more_is_connected_than_is_borne(tmp_path):
    text = "transformer_id,kva,load_kw,connected_kw\nT1,200,30,500\n"
    tree = Limits(nodes_of(tmp_path, text), **USUAL)
    assert tree.least("T1") == (0.0, "T1")
    assert tree.table["colour"].tolist() == ["red"]


def test_a_superior_that_states_none_has_the_sum_of_those_below(tmp_path):
    text = (
        "transformer_id,parent,kva,connected_kw,registered_kw,registered_until\n"
        "T1,L,200,30,20,\nT2,L,200,12,50,2025-01-01\nL,S,,,,\nS,,8000,9,,\n"
    )
    tree = Limits(nodes_of(tmp_path, text), **USUAL)
    told = tree.table.set_index("transformer_id")
    assert told["connected_kw"].to_dict() == {"T1": 30, "T2": 12, "L": 42, "S": 9}
    assert told["registered_kw"].to_dict() == {"T1": 20, "T2": 0, "L": 20, "S": 20}
    lapsed = tree.findings("x")
    assert [(f.code, f.params["ids"], f.params["kw"]) for f in lapsed] == [
        ("grid_lapsed", "T2", "50")
    ]


def test_what_is_connected_runs_once_on_the_way_up(tmp_path):
    """A superior's sum has in it what stands below: its own hours begin with what is its own."""
    text = (
        "transformer_id,parent,kva,connected_kw\nT1,L,200,30\nT2,L,200,12\nT3,M,200,5\n"
        "L,S,,\nM,S,,20\nS,,8000,\n"
    )
    limits = Limits(nodes_of(tmp_path, text), **USUAL).table
    nothing, profile = np.zeros((len(limits), HOURS)), np.linspace(0, 1, HOURS)
    ids = list(limits["transformer_id"])
    told = up_the_tree(feed(limits, ids, nothing, nothing, profile, limited=False), limits)
    most = dict(zip(ids, told.other[:, -1], strict=True))
    assert most == {"T1": 30, "T2": 12, "T3": 5, "L": 42, "M": 20, "S": 62}


def test_small_differences_from_what_is_published_are_not_told(tmp_path):
    """227.5 kW reckoned: beyond both a tenth (22.75 kW) and 5 kW it is said."""
    for open_kw, said in ((205, 0), (204, 1), (250, 0), (251, 1)):
        text = f"transformer_id,kva,load_kw,open_kw\nT1,200,30,{open_kw}\n"
        assert len(Limits(nodes_of(tmp_path, text), **USUAL).findings("x")) == said
    small = "transformer_id,kva,load_kw,open_kw\nT1,20,0,{}\n"
    for open_kw, said in ((14.5, 0), (13.5, 1)):  # 19 kW: a tenth is less than 5 kW
        nodes = nodes_of(tmp_path, small.format(open_kw))
        assert len(Limits(nodes, **USUAL).findings("x")) == said


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_may_be_connected_is_the_most_that_meets_every_limit(data):
    """Held against every split of whole steps over a tree of four places."""
    parent = {"A": "L", "B": "L", "C": "M", "D": "M", "L": "S", "M": "S", "S": None}
    steps = st.integers(0, 4)
    open_ = {n: float(data.draw(steps)) if data.draw(st.booleans()) else None for n in parent}
    wanted = {n: float(data.draw(steps)) for n in "ABCD"}
    text = "transformer_id,parent,open_kw\n" + "".join(
        f"{n},{p or ''},{'' if open_[n] is None else open_[n]}\n" for n, p in parent.items()
    )
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        tree = Limits(nodes_of(Path(folder), text), **USUAL)
    got = tree.connectable(wanted)
    best = 0.0
    for split in itertools.product(*(range(int(wanted[n]) + 1) for n in "ABCD")):
        use = dict(zip("ABCD", map(float, split), strict=True))
        sums = {n: sum(use[m] for m in "ABCD" if n in tree.way_up(m)) for n in parent}
        if all(open_[n] is None or sums[n] <= open_[n] for n in parent):
            best = max(best, sum(split))
    assert sum(got.values()) == pytest.approx(best)
    for node, up in parent.items():
        used = sum(kw for n, kw in got.items() if node in tree.way_up(n))
        assert open_[node] is None or used <= open_[node] + 1e-9, up
        assert tree.most(wanted)[node] >= used - 1e-9


# --- hours ---------------------------------------------------------------------------------------


def test_the_noon_of_spring_or_autumn_with_the_most_light():
    months = np.repeat(np.arange(1, 13), 730)
    ghi = np.zeros(HOURS)
    ghi[4000], ghi[2500], ghi[7000] = 1000.0, 900.0, 850.0  # June, April, October
    assert months[4000] == 6
    assert noon_hour(ghi, months) == 2500


def test_the_hours_of_a_node_by_hand():
    """Load 5, roofs 9 of which 2 are cut, 1 connected before: 3 flow back; at night 5 are drawn."""
    load, made, other, cut = np.full((1, HOURS), 5.0), *(np.zeros((1, HOURS)) for _ in range(3))
    made[0, 12], other[0, 12], cut[0, 12] = 9.0, 1.0, 2.0
    hours = Feeders(("T1",), load, made, other, cut)
    assert hours.net[0, [0, 12]].tolist() == [5.0, -3.0]
    told = hours.table()
    assert len(told) == HOURS
    assert told["transformer_id"].eq("T1").all()
    assert told["hour"].tolist() == list(range(HOURS))
    noon = told.iloc[12][["load_kw", "pv_kw", "cut_kw", "import_kw", "export_kw"]]
    assert noon.tolist() == [5.0, 8.0, 2.0, 0.0, 3.0]
    night = told.iloc[0][["load_kw", "pv_kw", "cut_kw", "import_kw", "export_kw"]]
    assert night.tolist() == [5.0, 0.0, 0.0, 5.0, 0.0]
    assert Feeders.none().table().empty


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000))
def test_no_more_flows_back_than_is_borne_and_what_stands_is_not_cut(seed):
    rng = np.random.default_rng(seed)
    load, made, other = (rng.uniform(0, 10, (3, 50)) for _ in range(3))
    cap = np.array([2.0, 6.0, np.nan])
    cut = export_cut(load, made, other, cap)
    assert (cut >= 0).all()
    assert (cut <= made).all()
    back = made - cut + other - load
    alone = other - load
    for n in range(2):
        assert (back[n] <= np.maximum(cap[n], alone[n]) + 1e-9).all()
    # Nothing is cut where nothing need be.
    free = made + other - load <= np.where(np.isnan(cap), np.inf, cap)[:, None]
    assert (cut[free] == 0).all()


def test_storage_holds_what_is_over_until_there_is_room():
    over, room = np.zeros(HOURS), np.full(HOURS, 1.0)
    over[100:103], room[100:103] = [3.0, 4.0, 2.0], 0.0
    assert storage_for(over, room) == (9.0, 4.0)
    over[105], room[105] = 5.0, 0.0  # two hours of room between: 9 - 2 + 5
    assert storage_for(over, room) == (12.0, 5.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000))
def test_phases_sum_to_the_plants_and_differ_by_at_most_the_largest(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 40))
    kw, phases = rng.uniform(2, 8, count), rng.choice([1, 3], count)
    feeder = rng.integers(-1, 2, count)
    phase, load = balanced_phases(kw, phases, feeder, 2)
    for n in range(2):
        assert load[n].sum() == pytest.approx(kw[feeder == n].sum())
        single = kw[(feeder == n) & (phases == 1)]
        assert np.ptp(load[n]) <= single.max(initial=0.0) + 1e-9
    assert (phase[phases == 3] == -1).all()
    assert (phase[(phases == 1) & (feeder >= 0)] >= 0).all()


def test_standard_ratings():
    assert [standard_kva(v) for v in (1, 200, 200.1, 2500)] == [30, 200, 250, 2500]
    assert np.isnan(standard_kva(2501))


def test_how_far_a_measured_voltage_lies_below_its_limit():
    """GB/T 12325: 220 V +7 % is 235.4 V; between phases 381.05 V +7 %."""
    assert voltage_room(228.0) == pytest.approx(7.4)
    assert voltage_room(400.0) == pytest.approx(220 * 3**0.5 * 1.07 - 400)


# --- who hangs where -----------------------------------------------------------------------------


def made_buildings(count=4, apart=100.0):
    roofs = frame([box(apart * n, 0, 10, 8) for n in range(count)])
    return roofs.assign(status="used")


def two_nodes(tmp_path, **more):
    nodes = nodes_of(tmp_path, "transformer_id,kva\nT1,200\nT2,200\n")
    x = [EAST + 5, EAST + 305]
    return nodes.assign(x=x, y=NORTH + 4.0, **more)


def links_of(buildings, **more):
    ids = buildings["building_id"].astype(str)
    return pd.DataFrame({"building_id": ids, "household_id": "H" + ids, **more})


def test_the_nearest_within_reach_and_the_rest_is_said(tmp_path):
    buildings = made_buildings()
    found, findings = join_buildings(
        buildings, two_nodes(tmp_path), links_of(buildings), reach_m=90.0
    )
    assert found["transformer_id"].tolist() == ["T1", "", "", "T2"]
    assert found["transformer_by"].tolist() == ["nearest", "", "", "nearest"]
    assert [f.code for f in findings] == ["grid_out_of_reach"]
    assert findings[0].count == 2
    far, findings = join_buildings(
        buildings, two_nodes(tmp_path), links_of(buildings), reach_m=400.0
    )
    assert far["transformer_id"].tolist() == ["T1", "T1", "T2", "T2"]
    assert far["transformer_m"].tolist() == [0.0, 100.0, 100.0, 0.0]


def test_two_that_are_about_as_far_leave_doubt(tmp_path):
    buildings = made_buildings(1)
    nodes = two_nodes(tmp_path).assign(x=[EAST - 95, EAST + 110.0])
    _, findings = join_buildings(buildings, nodes, links_of(buildings), reach_m=500.0)
    assert [f.code for f in findings] == ["grid_ambiguous"]


def test_what_is_stated_goes_before_what_is_near(tmp_path):
    buildings = made_buildings()
    links = links_of(buildings)
    nodes = two_nodes(tmp_path)
    by_household = nodes.assign(household_ids=["", links["household_id"].iloc[0]])
    by_household["household_ids"] = by_household["household_ids"].replace("", pd.NA)
    by_building = nodes.assign(building_ids=[pd.NA, links["building_id"].iloc[0]])
    in_ledger = links.assign(transformer_id=["T2", None, None, None])
    in_file = buildings.assign(transformer_id=["T2", None, None, None])
    for roofs, own, told in (
        (buildings, by_household, links), (buildings, by_building, links),
        (buildings, nodes, in_ledger), (in_file, nodes, links),
    ):  # fmt: skip
        found, _ = join_buildings(roofs, own, told, reach_m=500.0)
        assert found["transformer_id"].iloc[0] == "T2"
        assert found["transformer_by"].iloc[0] == "stated"
        assert found["transformer_m"].iloc[0] == pytest.approx(300.0)
    odd = links.assign(transformer_id=["T9", None, None, None])
    found, findings = join_buildings(buildings, nodes, odd, reach_m=500.0)
    assert found["transformer_id"].iloc[0] == "T1"
    assert "grid_unknown_id" in [f.code for f in findings]


def test_along_lines_where_there_are_any(tmp_path):
    """The third house is as near to T1, and its line leads to T2."""
    buildings = made_buildings()
    way = shapely.LineString([(EAST + 105, NORTH + 4), (EAST + 305, NORTH + 4)])
    lines = gpd.GeoDataFrame(geometry=[way], crs=4549)
    nodes = two_nodes(tmp_path)
    found, _ = join_buildings(buildings, nodes, links_of(buildings), reach_m=60.0, lines=lines)
    # No line comes to the first house, nor to T1.
    assert found["transformer_by"].tolist() == ["nearest", "lines", "lines", "lines"]
    assert found["transformer_id"].tolist() == ["T1", "T2", "T2", "T2"]
    assert found["transformer_m"].tolist()[1:3] == pytest.approx([200.0, 100.0], abs=1.5)


def test_one_place_without_a_place_takes_all(tmp_path):
    buildings = made_buildings()
    nodes = nodes_of(tmp_path, "transformer_id,level,open_kw\n海曙区,county,500\n")
    found, findings = join_buildings(buildings, nodes, links_of(buildings), reach_m=100.0)
    assert found["transformer_id"].tolist() == ["海曙区"] * 4
    assert found["transformer_by"].tolist() == ["only"] * 4
    assert findings == []


def test_no_grid_joins_nothing():
    assert no_nodes().empty
    buildings = made_buildings()
    found, findings = join_buildings(buildings, no_nodes(), links_of(buildings), reach_m=9.0)
    assert (found["transformer_id"] == "").all()
    assert findings == []
