"""What an installer buys and lays: lengths from the modules' own places, strings within the window,
drawings to scale, and nothing made up where nothing is stated."""

from __future__ import annotations

import io
import math
from collections import Counter

import numpy as np
import openpyxl
import pandas as pd
import pvlib
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.documents.installer import array_rows, material_rows, runs_text, sizes_text
from pvplanner.documents.layouts import cad_text
from pvplanner.documents.mark import plan_hash
from pvplanner.documents.verifying import verify_document
from pvplanner.energy.sky import FAIMAN_MOUNTS
from pvplanner.energy.voltages import (
    Electrical,
    Window,
    cell_extremes,
    inverter_window,
    module_voltages,
    string_range,
    strings_of,
)
from pvplanner.errors import ConfigError, InputError
from pvplanner.modules.mounting import (
    cable_length,
    listed_inverters,
    module_runs,
    mounting_materials,
    mounting_rules,
)
from pvplanner.scenario.doubts import key_findings
from pvplanner.words import label

STATED = {"installation.voc_v": 52.0, "installation.vmp_v": 43.0, "installation.voc_per_k": -0.0025,
          "installation.vmp_per_k": -0.003, "installation.dc_most_v": 1000.0,
          "installation.mppt_low_v": 200.0, "installation.mppt_high_v": 850.0,
          "installation.coldest_c": -9.0, "installation.hottest_cell_c": 70.0}  # fmt: skip


@pytest.fixture(scope="module")
def stated(liao):
    return liao.under(STATED)


@pytest.fixture(scope="module")
def arrays(stated):
    return array_rows(stated)


@pytest.fixture(scope="module")
def materials(stated, arrays):
    return material_rows(stated, arrays)


def grid(columns, rows, *, wide=1.1, high=2.2, turn=0.0, hole=()):
    """Modules side by side, turned about the origin."""
    side, up = (
        np.array([math.cos(turn), math.sin(turn)]),
        np.array([-math.sin(turn), math.cos(turn)]),
    )
    told = []
    for r in range(rows):
        for c in range(columns):
            if (c, r) in hole:
                continue
            place = c * (wide + 0.02) * side + r * (high + 0.02) * up
            told.append((0, False, *place, *(wide * side), *(high * up), True))
    names = ["plane", "second", "x", "y", "along_x", "along_y", "up_x", "up_y", "built"]
    return pd.DataFrame(told, columns=names).sample(frac=1, random_state=1)


@pytest.mark.parametrize("turn", [0.0, 0.4, 2.5, -1.2])
def test_rows_are_found_however_the_roof_lies(turn):
    runs = module_runs(grid(5, 3, turn=turn))
    assert list(runs["modules"]) == [5, 5, 5]
    assert list(runs["row"]) == [0, 1, 2]
    assert runs["length_m"].to_numpy() == pytest.approx(5 * 1.1 + 4 * 0.02)
    parted = module_runs(grid(5, 3, turn=turn, hole={(1, 1), (2, 1)}))
    assert sorted(parted["modules"]) == [1, 2, 5, 5]
    assert parted["modules"].sum() == 13
    assert runs_text(parted) == "5 / (1 + 2) / 5"
    assert not parted["lying"].any()
    assert module_runs(grid(3, 2, wide=2.2, high=1.1, turn=turn))["lying"].all()


def test_what_is_not_built_asks_for_nothing():
    layout = grid(4, 1)
    layout["built"] = layout["x"] < 2.0
    assert list(module_runs(layout)["modules"]) == [2]
    assert module_runs(layout.assign(built=False)).empty


def test_materials_by_hand():
    """Two rows of 5: two rails each of 5.58 + 0.2 m, hooks every 1.2 m and one more."""
    rules = mounting_rules({})
    told = mounting_materials(module_runs(grid(5, 2)), np.zeros(2, bool), rules)
    assert told["rail_m"] == pytest.approx(2 * 2 * (5.58 + 0.2))
    assert told["hooks"] == 2 * 2 * (math.ceil(5.78 / 1.2) + 1)
    assert told["end_clamps"] == 2 * 2 * 2
    assert told["mid_clamps"] == 2 * 2 * 4
    mine = mounting_materials(
        module_runs(grid(5, 2)), np.array([True, False]), mounting_rules({"rails_per_row": 3})
    )
    assert mine["rail_m"] == pytest.approx(1.5 * told["rail_m"])
    # Of the two rows one stands on a flat roof.
    assert told["feet"] == 0
    assert mine["hooks"] == mine["feet"] == 1.5 * told["hooks"] / 2
    assert cable_length(2, 6.0, 7.0, rules) == pytest.approx(2 * 2 * (6 + 7 + 5) * 1.1)
    assert math.isnan(cable_length(2, 6.0, float("nan"), rules))


def test_inverters_sum_to_the_power():
    assert listed_inverters(15, 3) == [15.0]
    assert listed_inverters(0.0, 1) == ()
    assert listed_inverters(float("nan"), 1) == ()
    for power in (3.6, 20, 110, 250, 333):
        assert sum(listed_inverters(power, 3)) == pytest.approx(power)


def test_a_string_is_within_the_window():
    module, inverter = Electrical(55.0, 46.0, 38.0, ""), Window(1000.0, 200.0, 850.0, "")
    fewest, most = string_range(module, inverter)
    assert (fewest, most) == (6, 18)
    assert most * 55 <= 1000 < (most + 1) * 55
    assert fewest * 38 >= 200 > (fewest - 1) * 38
    # The window's upper end binds as well, at the coldest: there a string works highest.
    low = Window(1000.0, 200.0, 500.0, "")
    assert string_range(module, low)[1] == 10
    assert 10 * module.vmp_cold_v <= low.high_v < 11 * module.vmp_cold_v


@given(modules=st.integers(0, 400), fewest=st.integers(1, 20), more=st.integers(-2, 20))
def test_strings_take_every_module_or_none(modules, fewest, more):
    most = fewest + more
    told = strings_of(modules, fewest, most)
    if told:
        assert sum(told) == modules
        assert fewest <= min(told) <= max(told) <= most
        assert max(told) - min(told) <= 1
    else:
        ways = [n for n in range(1, modules + 1) if fewest * n <= modules <= most * n]
        assert not ways or most < fewest


def test_alike_strings_are_taken_where_they_can_be():
    assert strings_of(20, 6, 18) == (10, 10)
    assert strings_of(21, 6, 18) == (7, 7, 7)
    assert strings_of(19, 6, 18) == (10, 9)
    assert strings_of(5, 6, 18) == ()


def test_voltages_of_the_list_are_pvlibs():
    """Against the coefficients that the list states beside its model."""
    listed = pvlib.pvsystem.retrieve_sam("CECMod")
    sized = pd.to_numeric(listed.loc["Length"], errors="coerce") > 0.5
    name = listed.columns[sized][7]
    scenario = pvp.Scenario().override({"module.product": name})
    told = module_voltages(scenario, -10.0, 65.0)
    row = listed[name]
    assert told.voc_v == pytest.approx(row["V_oc_ref"] + row["beta_oc"] * -35, rel=0.03)
    assert told.voc_v > row["V_oc_ref"]
    assert told.vmp_v < row["V_mp_ref"]
    at_rest = module_voltages(scenario, 25.0, 25.0)
    assert at_rest.voc_v == pytest.approx(row["V_oc_ref"], rel=1e-3)
    assert at_rest.vmp_cold_v == at_rest.vmp_v
    assert told.vmp_cold_v > row["V_mp_ref"]
    assert at_rest.vmp_v == pytest.approx(row["V_mp_ref"], rel=5e-3)
    inverters = pvlib.pvsystem.retrieve_sam("CECInverter")
    maker = inverters.columns[100]
    window = inverter_window(pvp.Scenario().override({"documents.inverter": maker}))
    assert window.most_v == inverters[maker]["Vdcmax"]
    assert window.low_v == inverters[maker]["Mppt_low"]
    assert inverter_window(pvp.Scenario()) is None
    assert module_voltages(pvp.Scenario(), -10.0, 65.0) is None


def test_stated_voltages_follow_the_temperature():
    told = module_voltages(pvp.Scenario().override(STATED), -9.0, 70.0)
    assert told.voc_v == pytest.approx(52 * (1 + 0.0025 * 34))
    assert told.vmp_v == pytest.approx(43 * (1 - 0.003 * 45))
    assert told.vmp_cold_v == pytest.approx(43 * (1 + 0.003 * 34))
    level = module_voltages(
        pvp.Scenario().override({**STATED, "installation.vmp_per_k": 0}), -9, 70
    )
    assert level.vmp_v == level.vmp_cold_v == 43


def test_the_coldest_and_the_hottest_hour():
    year = pd.DataFrame({"ghi": [0.0, 500.0, 900.0], "temp_air": [-4.0, 20.0, 36.0],
                         "wind_speed": [1.0, 8.0, 2.0]})  # fmt: skip
    scenario = pvp.Scenario()
    cold, hot = cell_extremes(year, scenario)
    assert cold == -4.0
    mount = FAIMAN_MOUNTS[scenario.system.mount]
    assert hot == pytest.approx(pvlib.temperature.faiman(1000.0, 36.0, 2.0, *mount))
    assert cell_extremes(year, scenario.override(STATED)) == (-9.0, 70.0)
    # At night nothing is hot.
    year.loc[0, "temp_air"] = 90.0
    assert cell_extremes(year, scenario)[1] == hot


def test_houses_sum_to_the_village(stated, arrays, materials):
    built = stated.arrays
    voltages = module_voltages(stated.scenario, -9.0, 70.0)
    assert materials["modules"].sum() == built["modules"].sum()
    assert materials["capacity_kwp"].sum() == pytest.approx(built["capacity_kwp"].sum())
    assert materials["capacity_kw_ac"].sum() == pytest.approx(
        stated.applications()["capacity_kw_ac"].sum()
    )
    for row in arrays.itertuples():
        assert row.runs["modules"].sum() == row.modules
        if row.strings:
            assert sum(row.strings) == row.modules
            assert row.cold_v <= 1000
            assert row.hot_v >= 200
            assert max(row.strings) * voltages.vmp_cold_v <= 850
    for row in materials.itertuples():
        total = sum(size * n for size, n in row.inverters.items())
        assert total == pytest.approx(row.capacity_kw_ac)
    fewest, most = string_range(voltages, inverter_window(stated.scenario))
    none = arrays[[not s for s in arrays["strings"]]]
    assert len(none)
    assert all(not strings_of(n, fewest, most) for n in none["modules"])
    lost = materials.set_index("building_id").loc[none["building_id"].unique()]
    assert lost["strings"].isna().all()


def test_what_no_one_stated_is_not_checked(liao, tmp_path):
    """The example's weather is made up: without the record low no string is told either."""
    assert all(s is None for s in array_rows(liao)["strings"])
    warm = {k: v for k, v in STATED.items() if k != "installation.coldest_c"}
    assert all(s is None for s in array_rows(liao.under(warm))["strings"])
    held = openpyxl.load_workbook(
        pvp.save_materials(liao, tmp_path / "m.xlsx", language="en"), data_only=True
    )
    said = label("installer_unchecked", "en")
    rows = list(held[label("sheet_strings", "en")].iter_rows(2, values_only=True))
    assert {row[7] for row in rows} == {said}
    basis = list(held[label("sheet_installing", "en")].iter_rows(2, values_only=True))
    assert [r[0] for r in basis if r[1] == said] == [label("installer_voltages", "en"),
                                                     label("installer_window", "en")]  # fmt: skip
    assert all(row[3] for row in basis)


def test_the_workbook_shows_the_rows(stated, materials, tmp_path):
    target = pvp.save_materials(stated, tmp_path / "m.xlsx", language="zh")
    held = openpyxl.load_workbook(target, data_only=True)
    sheet = held[label("sheet_materials", "zh")]
    heads = [c.value for c in sheet[1]]
    rail = heads.index(label("installer_rail_m", "zh")) + 1
    assert sheet.cell(sheet.max_row, rail).value == pytest.approx(materials["rail_m"].sum())
    first = materials.iloc[0]
    inverters = heads.index(label("installer_inverters", "zh")) + 1
    assert sheet.cell(2, inverters).value == sizes_text(first["inverters"], "zh")
    every = sum(materials["inverters"], Counter())
    shown = list(held[label("sheet_inverters", "zh")].iter_rows(2, values_only=True))
    assert shown[:-1] == sorted(every.items())
    assert shown[-1][1] == sum(every.values())
    stated.save(tmp_path / "plan")
    assert verify_document(target, tmp_path / "plan").found == "same"


def test_the_drawing_is_the_plans_outlines(liao, tmp_path):
    ezdxf = pytest.importorskip("ezdxf")
    built = liao.buildings[liao.buildings["modules"] > 0].iloc[::9]
    ids = built["building_id"].astype(str).tolist()
    target = pvp.save_layouts(liao, tmp_path / "l.dxf", ids)
    doc = ezdxf.readfile(target)
    assert not doc.audit().errors
    assert doc.units == ezdxf.units.M
    space = doc.modelspace()
    modules = space.query('LWPOLYLINE[layer=="MODULE"]')
    assert len(modules) == built["modules"].sum()
    area = sum(shapely.Polygon(m.get_points("xy")).area for m in modules)
    arrays = liao.arrays[liao.arrays["building_id"].isin(built["building_id"])]
    seen = np.cos(np.radians(arrays["surface_tilt"]))
    whole = (arrays["modules"] * liao.terms.product.area_m2 * seen).sum()
    assert area == pytest.approx(whole, rel=0.005)
    roofs = shapely.unary_union(
        [shapely.Polygon(r.get_points("xy")) for r in space.query('LWPOLYLINE[layer=="ROOF"]')]
    )
    assert roofs.symmetric_difference(shapely.unary_union(built.geometry)).area < 0.5
    # Every name stands on its own roof, and below all is said of which plan they are.
    names = {}
    for one in space.query('TEXT[layer=="TEXT"]'):
        names[one.dxf.text.partition(" x")[0]] = shapely.Point(tuple(one.dxf.align_point)[:2])
    place = built.set_index("building_id").geometry
    assert all(place[b].contains(names[b]) for b in place.index)
    title = " ".join(t.dxf.text for t in space.query('TEXT[layer=="TITLE"]'))
    assert plan_hash(liao) in title
    lengths = [d.get_measurement() for d in space.query("DIMENSION")]
    assert len(lengths) > 2 * len(built)
    assert min(lengths) >= 1.0
    one = pvp.save_layouts(liao, tmp_path / "one.dxf", [str(built["building_id"].iloc[0])])
    assert len(ezdxf.readfile(one).modelspace().query('LWPOLYLINE[layer=="ROOF"]')) == 1
    liao.save(tmp_path / "plan")
    assert verify_document(target, tmp_path / "plan").found == "same"
    assert not ezdxf.options.write_fixed_meta_data_for_testing


def test_a_house_has_its_page(liao, tmp_path):
    pytest.importorskip("typst")
    pypdf = pytest.importorskip("pypdf")
    some = list(liao.arrays["building_id"].unique()[:2])
    body = pvp.save_layouts(liao, tmp_path / "l.pdf", some, language="en").read_bytes()
    pages = [p.extract_text() for p in pypdf.PdfReader(io.BytesIO(body)).pages]
    assert len(pages) == 2
    rows = array_rows(liao).set_index("building_id")
    for building, text in zip(some, pages, strict=True):
        assert building in text
        assert label("installer_photo", "en") in " ".join(text.split())
        for array in rows.loc[[building], "array_id"]:
            assert array in text


def test_what_is_not_there_is_not_drawn(liao, tmp_path):
    for odd in ("nowhere", "LA0003"):
        with pytest.raises(InputError) as told:
            pvp.save_layouts(liao, tmp_path / "l.dxf", [odd])
        assert told.value.code == "building_bare"
    with pytest.raises(ConfigError):
        pvp.save_layouts(liao, tmp_path / "l.dwg")
    path = write_village(tmp_path, hamlet(2))
    bare = pvp.plan_village(pvp.Scenario.from_toml(path).override(
        {"module.village_limit_kwp": 0.1}))  # fmt: skip
    with pytest.raises(InputError):
        pvp.save_materials(bare, tmp_path / "m.xlsx")
    with pytest.raises(InputError):
        pvp.save_layouts(bare, tmp_path / "l.pdf")


def test_no_text_is_a_code_of_a_drawing(tmp_path):
    assert cad_text("50%%d \\U+0041\n{x}") == "50%%%%%%d /U+0041 {x}"
    ezdxf = pytest.importorskip("ezdxf")
    made = hamlet(2)
    made["building_id"] = ["%%d", "\\P龙"]
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, made)))
    doc = ezdxf.readfile(pvp.save_layouts(plan, tmp_path / "l.dxf"))
    told = [t.dxf.text for t in doc.modelspace().query('TEXT[layer=="TEXT"]')]
    counts = plan.arrays.groupby("building_id")["modules"].sum()
    assert {f"%%%%%%d x{counts['%%d']}", f"/P龙 x{counts[chr(92) + 'P龙']}"} <= set(told)
    assert not [t for t in told if "%%d" in t.replace("%%%", "")]


def test_a_rule_that_is_not_known_is_refused():
    with pytest.raises(ConfigError):
        pvp.Scenario().override({"installation.rules": {"rails": 2}})


@pytest.mark.parametrize(
    "odd",
    [
        {"voc_v": 43, "vmp_v": 52},
        {"mppt_low_v": 850, "mppt_high_v": 200},
        {"mppt_high_v": 1100, "dc_most_v": 1000},
    ],
)
def test_voltages_that_were_exchanged_are_refused(odd):
    with pytest.raises(ConfigError) as told:
        pvp.Scenario().override({f"installation.{key}": value for key, value in odd.items()})
    assert told.value.code == "volts_order"


def test_half_a_data_sheet_does_nothing_and_says_so():
    half = pvp.Scenario().override({"installation.voc_v": 52.0})
    assert [f.where for f in key_findings(half)] == ["installation.voc_v"]
    assert key_findings(pvp.Scenario().override(STATED)) == []
