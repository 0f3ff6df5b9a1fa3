"""A village under its transformers: totals, hours, cuts that reach money and carbon, ways out."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from villages import HOUSES, ONE, village

import pvplanner as pvp
from pvplanner.grid import capacity_kw
from pvplanner.grid.hours import HOURS
from pvplanner.report import render_report


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    return pvp.plan_village(village(tmp_path_factory.mktemp("grid"), ONE.format(kva=20, line=100)))


@pytest.fixture(scope="module")
def unchecked(tmp_path_factory):
    return pvp.plan_village(village(tmp_path_factory.mktemp("bare")))


def test_without_a_grid_the_first_line_says_so(unchecked, checked, tmp_path):
    assert unchecked.notes()[0] == "grid_unchecked_note"
    assert "grid_unchecked_note" not in checked.notes()
    page = render_report(unchecked, "en", internal=True)
    assert "Not checked against the grid" in page.split("<h2", 1)[0]
    assert "not checked against the grid" in page
    pvp.save_map(unchecked, tmp_path / "map.html")
    data = (tmp_path / "map.html").read_text("utf-8")
    plain = data.replace(" ", "")
    assert '"checked":false' in plain
    missing = plain.split('"missing":[', 1)[1].split("]", 1)[0]
    assert "transformer_load" in missing
    assert '"phase"' not in missing
    whole = unchecked.result("totals").iloc[0]
    assert np.isnan(whole["connectable_kw"])
    assert whole["fits_kw"] > 0


def test_three_totals(checked):
    whole = checked.result("totals").iloc[0]
    node = checked.result("transformers").set_index("transformer_id")
    assert whole["fits_kw"] == pytest.approx(checked.arrays["capacity_kw_ac"].sum())
    assert whole["connectable_kw"] == pytest.approx(node.loc["T1", "limit_kw"])
    assert whole["connectable_kw"] < whole["fits_kw"]
    assert whole["phase_kw"] == whole["plan_kw"] == whole["fits_kw"]
    assert node.loc["T1", "limit_by"] == "T1"
    assert node.loc["T1", "colour_after"] == "red"
    assert "grid_over" in [f.code for f in checked.findings]


def test_energy_of_every_transformer_balances_in_every_hour(checked):
    """Load + export = import + photovoltaics; of the line the sum of those below it."""
    hours = checked.transformer_hours()
    assert len(hours) == 2 * HOURS
    off = hours["load_kw"] + hours["export_kw"] - hours["import_kw"] - hours["pv_kw"]
    assert np.abs(off).max() < 1e-6
    node = checked.result("transformers").set_index("transformer_id")
    for name, own in hours.groupby("transformer_id"):
        for kind in ("load", "pv", "import", "export"):
            told = node.loc[name, f"{kind}_kwh"]
            assert own[f"{kind}_kw"].sum() == pytest.approx(told, rel=1e-9)
        assert (own["export_kw"] > 1e-9).sum() == node.loc[name, "back_hours"]
    assert node.loc["T1", "load_kwh"] == pytest.approx(checked.demand["load_kwh"].sum(), rel=1e-6)


def test_an_export_limit_reaches_energy_money_and_carbon(checked):
    limited = checked.under({"grid.export_limit": "transformer"})
    node = limited.result("transformers").set_index("transformer_id")
    share = node.loc["T1", "cut_share"]
    assert 0 < share < 1
    assert node.loc["T1", "back_most_kw"] <= node.loc["T1", "borne_kw"] + 1e-6
    assert node.loc["T1", "over_hours"] == 0
    hours = limited.transformer_hours()
    assert hours.loc[hours["transformer_id"] == "T1", "cut_kw"].sum() == pytest.approx(
        node.loc["T1", "cut_kwh"]
    )
    ours, theirs = limited.households, checked.households
    assert ours["curtailed"].to_numpy() == pytest.approx(np.full(HOUSES, share))
    assert ours["avoided_t"].to_numpy() == pytest.approx(
        theirs["avoided_t"].to_numpy() * (1 - share), abs=1e-3
    )
    flows, before = (p.cash_flows() for p in (limited, checked))
    sold, all_ = (
        f[(f["item"] == "feed_in") & (f["yuan"] > 0) & (f["year"] == 1)]["yuan"].sum()
        for f in (flows, before)
    )
    assert sold == pytest.approx(all_ * (1 - share), rel=1e-6)
    # Ledgers balance all the same.
    assert flows.groupby("year")["yuan"].sum().abs().max() < 1e-6


def test_a_limit_cuts_what_is_sold_and_not_what_is_used(tmp_path):
    extra = '[finance]\nmodel = "self_use"\n'
    free = pvp.plan_village(village(tmp_path, ONE.format(kva=20, line=100), extra))
    limited = free.under({"grid.export_limit": "transformer"})
    assert limited.households["self_used_kwh"].to_numpy() == pytest.approx(
        free.households["self_used_kwh"].to_numpy()
    )
    for plan in (free, limited):
        _, case = plan.case()
        assert (case.exported >= 0).all()
        assert (case.self_used <= case.made + 1e-9).all()
    assert limited.case()[1].exported.sum() < free.case()[1].exported.sum()


def test_a_limit_that_nothing_is_known_for_cuts_nothing_and_is_said(tmp_path):
    grid = "transformer_id,parent,kva,open_kw\nT1,L1,,\nL1,,,100\n"
    limited = pvp.plan_village(village(tmp_path, grid, '[grid]\nexport_limit = "transformer"\n'))
    told = limited.result("transformers").set_index("transformer_id").loc["T1"]
    assert told["cut_kwh"] == 0
    assert "grid_uncut" in [f.code for f in limited.findings]
    free = limited.under({"grid.export_limit": "none"})
    assert "grid_uncut" not in [f.code for f in free.findings]


def test_a_superior_carries_what_those_below_it_carry(tmp_path):
    grid = (
        "transformer_id,parent,kva\nT1,S1,100\nT2,S1,100\nS1,,5000\n"
    )  # fmt: skip
    rows = [f"H{n},B{n},{2000 + 100 * n},T{1 + n % 2}" for n in range(1, HOUSES + 1)]
    scenario = village(tmp_path, grid, rows=rows, columns=",transformer_id")
    table = pvp.plan_village(scenario).result("limits").set_index("transformer_id")
    assert (table["load_kw"] > 0).all()
    assert table.loc["S1", "load_kw"] == pytest.approx(table.loc[["T1", "T2"], "load_kw"].sum())
    assert table.loc["S1", "homes"] == table.loc[["T1", "T2"], "homes"].sum() == HOUSES


def test_a_limit_at_the_house_takes_what_lies_above_it(checked):
    half = checked.under({"grid.house_export_share": 0.5})
    cut = half.households["curtailed"].to_numpy()
    power = pvp.simulate_hours(checked.arrays, weather_of(checked), scenario=checked.scenario)
    most = 0.5 * checked.arrays["capacity_kw_ac"].to_numpy()
    made = power.to_numpy()
    over = np.maximum(made - most, 0).sum() / made.sum()
    assert 0.01 < over < 0.6
    assert (cut * half.households["energy_kwh"]).sum() / half.households[
        "energy_kwh"
    ].sum() == pytest.approx(over, rel=0.02)


def weather_of(plan):
    from pvplanner.weather import Weather

    return Weather.from_table(plan.result("year"))


def test_ways_out_of_a_full_transformer(checked):
    ways = checked.result("ways").set_index("way")
    node = checked.result("transformers").set_index("transformer_id").loc["T1"]
    assert set(ways["possible"]) == {"yes"}
    # Both by the formula and by the hours.
    fewer = ways.loc["fewer_modules"]
    assert fewer["size"] >= node["own_fits_kw"] - node["limit_kw"] - 1e-9
    left = checked.transformer_hours()
    own = left[left["transformer_id"] == "T1"]
    other = own["pv_kw"].to_numpy() * node["connected_kw"] / (
        node["connected_kw"] + node["own_fits_kw"]
    )  # fmt: skip
    part = 1 - fewer["size"] / node["own_fits_kw"]
    back = part * (own["pv_kw"].to_numpy() - other) + other - own["load_kw"].to_numpy()
    assert back.max() <= node["borne_kw"] + 1e-6
    larger = ways.loc["larger_transformer", "size"]
    bears = capacity_kw(
        np.array([larger]), power_factor=np.array([0.95]), load_kw=np.array([node["load_kw"]]),
        reverse_load=0.8, output_rate=0.8,
    )[0]  # fmt: skip
    assert bears >= node["own_fits_kw"] + node["connected_kw"] - 1e-6
    limited = checked.under({"grid.export_limit": "transformer"})
    cut = limited.result("transformers").set_index("transformer_id").loc["T1", "cut_kwh"]
    assert ways.loc["export_limit", "lost_kwh"] == pytest.approx(cut, rel=1e-6)
    # No invented default: what is not stated has no cost.
    assert ways.loc[["export_limit", "storage", "larger_transformer", "pooled",
                     "controllability"], "cost"].isna().all()  # fmt: skip
    priced = checked.under({"grid.cost_transformer_per_kva": 200.0, "grid.cost_control": 500.0,
                            "grid.cost_storage_per_kwh": 1000.0}).result("ways")  # fmt: skip
    told = priced.set_index("way")["cost"]
    assert told["larger_transformer"] == pytest.approx(200 * larger)
    assert told["controllability"] == pytest.approx(500 * HOUSES)
    assert told["storage"] == pytest.approx(1000 * ways.loc["storage", "size"])


def test_a_full_line_stands_against_ways_that_keep_the_kilowatts(tmp_path):
    plan = pvp.plan_village(village(tmp_path, ONE.format(kva=20, line=10)))
    ways = plan.result("ways").set_index("way")["possible"]
    assert ways["fewer_modules"] == "yes"  # what is left is what the line takes
    assert ways["larger_transformer"] == ways["pooled"] == "no"
    assert plan.result("transformers").set_index("transformer_id").loc["T1", "limit_by"] == "L1"


def test_loads_of_few_households_stay_in_the_office(checked):
    """Eight households hang on T1: what they use at noon is nobody else's."""
    node = checked.result("transformers").set_index("transformer_id").loc["T1"]
    assert node["homes"] == HOUSES
    shown = f"{node['back_hours']:,.0f}"
    assert shown in render_report(checked, "en", internal=True)
    assert shown not in render_report(checked, "en", internal=False)


def test_a_saved_plan_knows_its_grid(checked, tmp_path):
    checked.save(tmp_path / "plan")
    again = pvp.Plan.load(tmp_path / "plan")
    for name in ("totals", "transformers", "ways", "limits"):
        pd.testing.assert_frame_equal(again.result(name), checked.result(name), obj=name)
    assert again.households.equals(checked.households)
    assert json.loads((tmp_path / "plan" / "summary.json").read_text("utf-8"))["totals"][
        "fits_kw"
    ] == pytest.approx(checked.result("totals")["fits_kw"].iloc[0], abs=1e-3)


def test_the_example_has_transformers_and_its_line_is_the_limit(liao):
    plan = liao
    whole = plan.result("totals").iloc[0]
    assert whole["connectable_kw"] == 1500.0
    assert whole["fits_kw"] > 2500
    node = plan.result("transformers").set_index("transformer_id")
    assert node.loc["溪边公变", "registered_kw"] == 0.0
    assert node.loc["下里岙公变", "open_kw"] == 240.0
    assert set(node.loc[node["level"] == "transformer", "colour"]) == {"green"}
    assert set(node.loc[node["level"] == "transformer", "colour_after"]) == {"red"}


def test_villages_on_one_line_share_what_is_open_there(tmp_path):
    """Two villages of four houses each under a line with 30 kW: together 30, not twice."""
    import geopandas as gpd

    scenario = village(tmp_path, ONE.format(kva=400, line=30))
    path = tmp_path / "footprints.gpkg"
    roofs = gpd.read_file(path).assign(village=["Upper"] * 4 + ["Lower"] * 4)
    roofs.to_file(path, layer="buildings", engine="pyogrio")
    plan = pvp.plan_village(scenario)
    assert len(plan.parts) == 2
    told = plan.three_totals()
    assert told["connectable_kw"] == pytest.approx(30.0)
    assert told["fits_kw"] == pytest.approx(plan.arrays["capacity_kw_ac"].sum())
    alone = [part.three_totals()["connectable_kw"] for part in plan.parts.values()]
    assert alone == pytest.approx([30.0, 30.0])
    assert "30 kW AC" in render_report(plan, "en", internal=True)
    chosen = plan.select(weights={"energy": 1})
    taken = chosen.three_totals()
    assert 0 < taken["plan_kw"] <= 30 + 1e-6
    assert len(chosen.parts) == 2
    assert chosen.selection["phase"].notna().sum() == taken["plan_households"]
