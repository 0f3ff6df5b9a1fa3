"""The whole flow: parts sum to wholes, and what is on disk is what was planned."""

from __future__ import annotations

import json
import os
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from villages import box, frame, hamlet, write_village

import pvplanner as pvp
from pvplanner.holdings import apportion
from pvplanner.plan import folder as storage
from pvplanner.schema import TABLES, validate


def test_the_example_has_344_households_and_says_that_it_is_synthetic(liao):
    summary = liao.summary()
    assert summary["households"] == 344
    assert summary["synthetic"]
    assert next(f for f in liao.findings if not f.doubtful).code == "village_synthetic"
    assert "合成" in liao.scenario.name


def test_tables_are_valid(liao):
    for name, table in liao.tables():
        validate(table.reset_index() if name == "energy" else table, name)


def test_parts_sum_to_wholes(liao):
    summary = liao.summary()
    assert liao.households["energy_kwh"].sum() == summary["energy_kwh"]
    assert summary["energy_kwh"] == pytest.approx(liao.energy["energy_kwh"].sum(), abs=0.5)
    assert liao.arrays["modules"].sum() == summary["modules"]
    assert liao.arrays["capacity_kwp"].sum() == pytest.approx(summary["capacity_kwp"])
    money = liao.households["income_first_year"].sum()
    assert round(money, 2) == summary["income_first_year"]
    assert liao.buildings["income_first_year"].sum() == pytest.approx(money)
    assert liao.buildings["energy_kwh"].sum() == pytest.approx(liao.energy["energy_kwh"].sum())
    assert liao.buildings["avoided_t"].sum() == pytest.approx(summary["avoided_t"])
    shares = liao.shares.groupby("building_id")["share"].sum()
    assert shares.to_numpy() == pytest.approx(np.ones(len(liao.buildings)))


def test_an_accountant_can_follow_the_first_year(liao):
    # Auction of 2025, and the months of the market that were found, weighted by the village's own
    # generation; what no one found is at their mean.
    found = [0.34796, 0.14861, 0.16594, 0.26535, 0.3977, 0.3944]
    made = liao.energy[[f"energy_kwh_{n:02d}" for n in range(1, 13)]].sum().to_numpy()
    price = 0.9 * 0.3816 + 0.1 * (made / made.sum()) @ [*found, *[sum(found) / 6] * 6]
    own = liao.households[liao.households["model"] == "self_invest"]
    expected = own["energy_kwh"] * 0.99 * price - own["capacity_kwp"] * 1000 * 0.04
    assert own["income_first_year"].to_numpy() == pytest.approx(expected, abs=0.006)
    planned = liao.measures[liao.measures["case"] == "planned"]
    same = planned[planned["model"] == "self_invest"].set_index("household_id")["npv"]
    assert same.loc[own["household_id"]].to_list() == own["npv"].to_list()


def test_models_stand_side_by_side_and_unlawful_ones_are_unknown(liao):
    halls = liao.households[liao.households["project_class"] == "general_commercial"]
    assert (halls["model"] == "self_use").all()
    own = liao.measures[liao.measures["household_id"].isin(halls["household_id"])]
    assert set(own["model"]) == {"self_use", "roof_lease", "developer"}
    assert own["income_first_year"].notna().all()
    everybody = liao.measures[["household_id", "model", "case"]]
    assert not everybody.duplicated().any()


def test_yield_share_is_of_the_villages_best(liao):
    assert liao.planes["yield_share"].max() == 1
    placed = liao.planes.set_index("plane_id").loc[liao.arrays["plane_id"], "yield_share"]
    assert placed.min() >= liao.scenario.module.yield_share_min


def test_brothers_under_one_roof_share_it(liao):
    several = liao.shares[liao.shares["share"] < 1]
    assert len(several) > 10
    building = several["building_id"].iloc[0]
    rows = liao.shares[liao.shares["building_id"] == building]
    energy = liao.buildings.set_index("building_id").loc[building, "energy_kwh"]
    theirs = liao.households.set_index("household_id").loc[rows["household_id"], "energy_kwh"]
    assert theirs.sum() >= energy - 1


def test_what_is_set_aside_carries_nothing(liao):
    aside = liao.buildings[liao.buildings["status"] == "set_aside"]
    assert len(aside) > 5
    assert (aside["modules"] == 0).all()
    assert not liao.planes["building_id"].isin(aside["building_id"]).any()


def test_apportioned_parts_are_whole_and_sum():
    parts = apportion(np.array([0.5, 0.5, 1.25, 2.75]))
    assert parts.tolist() == [1, 0, 1, 3]


def test_outside_china_money_and_carbon_are_unknown_and_the_rest_stands(tmp_path, shared):
    village = frame([box(0, 0, 12, 9), box(30, 0, 12, 9)])
    there = village.set_geometry(village.geometry.translate(-227_000, 2_362_000), crs="EPSG:32631")
    weather = shared / "data" / "weather" / "zurich_tmy.epw"
    path = write_village(tmp_path, there, f'weather = "{weather.as_posix()}"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    summary = plan.summary()
    assert summary["energy_kwh"] > 1000
    assert summary["income_first_year"] is None
    assert summary["avoided_t"] is None
    assert {"tariff_unknown", "factor_unknown", "weather_far", "province_none"} <= {
        f.code for f in plan.findings
    }
    given = plan.scenario.override(
        {
            "tariff.export_price": 0.08,
            "tariff.self_use_price": 0.2,
            "carbon.factor_kg_per_kwh": 0.4,
        }
    )
    # Chinese costs say nothing here: they must be stated, in a currency of the place.
    halfway = pvp.plan_village(given)
    assert halfway.summary()["income_first_year"] is None
    assert "costs_unknown" in {f.code for f in halfway.findings}
    given = given.override(
        {"finance.currency": "EUR", "finance.capex_per_w": 1.4, "finance.opex_per_w_year": 0.02}
    )
    euros = pvp.plan_village(given)
    again = euros.summary()
    text = pvp.save_report(euros, tmp_path / "r.html").read_text("utf-8")
    assert "EUR/yr" in text
    assert "CNY/yr" not in text
    chinese = pvp.save_report(euros, tmp_path / "z.html", language="zh").read_text("utf-8")
    assert "欧元/年" in chinese
    assert not re.search("(?<!欧)元", chinese)
    assert "CNY" not in text + chinese
    assert again["income_first_year"] is not None
    assert again["avoided_t"] == pytest.approx(summary["energy_kwh"] * 0.4 / 1000, abs=0.002)


def test_dearer_panels_pay_back_later(tmp_path):
    scenario = pvp.Scenario.from_toml(write_village(tmp_path, hamlet()))
    cheap = pvp.plan_village(scenario)
    dear = pvp.plan_village(scenario.override({"finance.capex_per_w": 3.5}))
    assert (dear.households["payback_years"] > cheap.households["payback_years"]).all()
    assert dear.summary()["energy_kwh"] == cheap.summary()["energy_kwh"]


def test_nothing_usable_is_an_error(tmp_path):
    path = write_village(tmp_path, frame([box(0, 0, 2, 2)]))
    with pytest.raises(pvp.InputError, match="no building is left"):
        pvp.plan_village(pvp.Scenario.from_toml(path))
    with pytest.raises(pvp.ConfigError, match=r"site\.buildings"):
        pvp.plan_village(pvp.Scenario())


# --- on disk ------------------------------------------------------------------------------------


def test_saved_and_loaded_plans_are_the_same(liao, tmp_path):
    folder = liao.save(tmp_path / "plan")
    again = pvp.Plan.load(folder)
    for (name, table), (_, other) in zip(liao.tables(), again.tables(), strict=True):
        pd.testing.assert_frame_equal(
            pd.DataFrame(table), pd.DataFrame(other), check_dtype=False, obj=name
        )
    ours, theirs = again.summary(), json.loads((folder / "summary.json").read_text("utf-8"))
    assert ours == theirs
    assert [f.text("zh") for f in again.findings] == [f.text("zh") for f in liao.findings]


def test_geopackage_has_a_layer_for_each_table(liao, tmp_path):
    folder = liao.save(tmp_path / "plan")
    layers = dict(map(tuple, pyogrio.list_layers(folder / "plan.gpkg")))
    assert set(layers) == set(TABLES)
    assert gpd.read_file(folder / "plan.gpkg", layer="planes").crs == liao.planes.crs
    for name in TABLES:
        assert (folder / f"{name}.parquet").is_file()


def test_the_same_inputs_give_the_same_bytes(liao, scenario, tmp_path):
    one, two = (
        liao.save(tmp_path / "a" / "plan"),
        pvp.plan_village(scenario).save(tmp_path / "b" / "plan"),
    )
    for file in sorted(one.iterdir()):
        assert file.read_bytes() == (two / file.name).read_bytes(), file.name


def test_a_crash_leaves_the_old_plan_whole(liao, tmp_path, monkeypatch):
    folder = liao.save(tmp_path / "plan")
    (folder / "notes.txt").write_text("mine")
    before = {f.name: f.read_bytes() for f in folder.iterdir()}

    def crash(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(storage, "write_geopackage", crash)
    with pytest.raises(OSError, match="disk full"):
        liao.save(folder)
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == before


def test_an_interrupted_commit_is_finished_by_the_next_look(liao, tmp_path, monkeypatch):
    folder = liao.save(tmp_path / "plan")
    real, calls = os.replace, []

    def dies_after_three(a, b):
        calls.append(b)
        if len(calls) > 3:
            raise KeyboardInterrupt
        real(a, b)

    monkeypatch.setattr(storage.os, "replace", dies_after_three)
    with pytest.raises(KeyboardInterrupt):
        liao.save(folder)
    monkeypatch.setattr(storage.os, "replace", real)
    assert pvp.Plan.load(folder).summary() == liao.summary()
    assert not list(folder.glob(".pvplanner*"))


def test_folders_without_a_plan_are_refused(tmp_path):
    with pytest.raises(pvp.InputError, match="no plan"):
        pvp.Plan.load(tmp_path)
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(pvp.InputError, match="not whole"):
        pvp.Plan.load(tmp_path)


# --- what a first reader of the finished thing found --------------------------------------------


def test_outputs_never_land_on_inputs_or_foreign_files(tmp_path):
    path = write_village(tmp_path, hamlet())
    with pytest.raises(pvp.ConfigError, match="replace an input"):
        storage.guard_outputs(tmp_path, [str(path)])
    other = tmp_path / "other"
    other.mkdir()
    (other / "map.html").write_text("mine")
    with pytest.raises(pvp.ConfigError, match=r"map\.html"):
        storage.guard_outputs(other, [str(path)])
    storage.guard_outputs(tmp_path / "new", [str(path)])


def test_a_stray_building_does_not_move_the_others(tmp_path):
    near = hamlet(6).to_crs(4326)
    far = frame([box(0, 0, 12, 9)]).to_crs(4326)
    far["geometry"] = far.geometry.translate(-111.0, 20.0)
    both = pd.concat([near, far.assign(building_id="stray")], ignore_index=True)
    both.to_file(tmp_path / "v.gpkg", engine="pyogrio")
    read = pvp.read_buildings(tmp_path / "v.gpkg").set_index("building_id")
    assert read.crs.to_epsg() == 4549
    assert read.loc["stray", "status_reason"] == "far_away"
    assert read["area_m2"].iloc[:6].to_numpy() == pytest.approx([108.0] * 6, rel=1e-6)


def test_households_are_those_of_the_ledger_and_their_mean_is_theirs(liao):
    people = liao.households[~liao.households["own_building"].astype(bool)]
    stated = liao.villages["income_per_household"].iloc[0]
    assert stated == pytest.approx(people["income_first_year"].sum() / 344, abs=0.006)
    assert liao.villages["supply_ratio"].notna().all()


def test_the_first_price_is_what_its_explanation_comes_to(liao):
    row = liao.result("assumptions").set_index("key").loc["export_price_first"]
    numbers = re.match(r"([\d.]+) x ([\d.]+) \+ ([\d.]+) x ([\d.]+)", row["source"])
    share, bid, rest, market = map(float, numbers.groups())
    assert share + rest == pytest.approx(1)
    assert float(row["value"]) == pytest.approx(share * bid + rest * market, abs=6e-5)
    assert 0.5 * bid < market < 1.5 * bid, "a market price, not a part of one"
