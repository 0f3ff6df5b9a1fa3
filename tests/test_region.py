"""Regions: windows of files, scenarios, one unit and many, what is lost and found again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from calling import run
from hypothesis import given
from hypothesis import strategies as st
from made_region import CRS, made_buildings, made_ledger, made_region, sorted_rows

import pvplanner as pvp
from pvplanner.energy.doubt import Z90
from pvplanner.errors import ConfigError, InputError
from pvplanner.region import estimate_region, merge_region, read_region, running
from pvplanner.region.assembly import sampling_variance
from pvplanner.region.config import BASE
from pvplanner.region.folder import Folder
from pvplanner.region.measures import Parts, whole_range
from pvplanner.region.survey import survey_region
from pvplanner.region.windows import read_ledgers, read_neighbours, read_unit

SCENARIOS = """
[scenarios.dear]
finance.capex_per_w = 3.6
[scenarios.flat]
system.losses = 0.2
"""


def still(step, done, whole):
    pass


@pytest.fixture(scope="module")
def township(tmp_path_factory):
    """Three villages under three scenarios, done in this process."""
    folder = tmp_path_factory.mktemp("township")
    path = made_region(folder, region='outputs = ["hours", "buildings", "households"]',
                       rest=SCENARIOS)  # fmt: skip
    return path, pvp.plan_region(path, out=folder / "out", workers=1)


def test_villages_equal_their_own_plans(township, tmp_path):
    _, results = township
    every = made_buildings()
    for village, rows in every.groupby("village"):
        rows.to_file(tmp_path / "one.gpkg", engine="pyogrio")
        made_ledger(every)[(every["village"] == village).to_numpy()].to_csv(
            tmp_path / "h.csv", index=False
        )
        for name, changes in (("base", {}), ("dear", {"finance.capex_per_w": 3.6}),
                              ("flat", {"system.losses": 0.2})):  # fmt: skip
            scenario = pvp.Scenario(
                name="x", site={"buildings": str(tmp_path / "one.gpkg"), "province": "Zhejiang",
                                "households": str(tmp_path / "h.csv"), "village": village},
            ).override(changes)  # fmt: skip
            own = pvp.plan_village(scenario).villages.iloc[0]
            told = results.villages
            row = told[(told["village"] == village) & (told["scenario"] == name)].iloc[0]
            for column in own.index:
                if column not in ("village", "division_code"):
                    same = row[column] == own[column] or (row[column] != row[column])
                    assert same, (village, name, column)


def test_the_long_table_says_the_same_as_the_wide_one(township):
    _, results = township
    wide = results.villages.set_index(["village", "scenario"])
    assert list(results.table.columns) == [
        "division_code", "village", "scenario", "measure", "value", "p90", "p10", "shared",
    ]  # fmt: skip
    for row in results.table.itertuples():
        value = wide.loc[(row.village, row.scenario), row.measure]
        assert row.value == value or (row.value != row.value and value != value)
    known = results.table[results.table["p90"].notna()]
    assert set(known["measure"]) >= {"energy_kwh", "income_first_year", "avoided_t"}
    assert ((known["p90"] < known["value"]) & (known["value"] < known["p10"])).all()
    assert known["shared"].between(0, 1).all()


def test_a_villages_range_is_the_plans_own(township):
    _, results = township
    wide = results.villages.set_index(["village", "scenario"])
    rows = results.table[results.table["measure"] == "energy_kwh"]
    for row in rows.itertuples():
        assert row.p90 == pytest.approx(wide.loc[(row.village, row.scenario), "energy_p90_kwh"])


def test_a_countys_range_lies_between_the_sum_and_independence(township):
    _, results = township
    rows = results.table[
        (results.table["measure"] == "energy_kwh") & (results.table["scenario"] == BASE)
    ]
    total = results.region.set_index(["scenario", "measure"]).loc[(BASE, "energy_kwh")]
    down = (rows["value"] - rows["p90"]).to_numpy()
    assert total["value"] == pytest.approx(rows["value"].sum())
    apart = total["value"] - np.sqrt((down**2).sum())
    assert down.sum() > total["value"] - total["p90"] > total["value"] - apart
    assert 0.5 < total["shared"] < 1


def test_known_shared_and_own_errors_give_the_stated_range():
    told = Parts(
        ("weather", "soil"), np.array([[0.06, 0.0], [0.06, 0.0]]),
        np.array([[0.0, 0.0], [0.0, 0.08]]),
    )  # fmt: skip
    low, high, shared = whole_range(np.array([100.0, 100.0]), told)
    sigma = np.sqrt((200 * 0.06) ** 2 + (100 * 0.08) ** 2)
    assert low == pytest.approx(200 - Z90 * sigma)
    assert high == pytest.approx(200 + Z90 * sigma)
    assert shared == pytest.approx((200 * 0.06) ** 2 / sigma**2)
    lost = Parts(("weather",), np.array([[np.nan]]), np.zeros((1, 1)))
    assert np.isnan(whole_range(np.array([1.0]), lost)[0])


def test_hours_add_up(township):
    _, results = township
    county = results.hours.total("county")
    assert list(county["place"].unique()) == ["330212"]
    wide = results.villages[results.villages["scenario"] == BASE].set_index("village")
    sums = np.zeros((8760, 4))
    for village in wide.index:
        hours = results.hours.village(village)
        assert hours["pv_kw"].dtype == np.float32
        made = hours["pv_kw"].astype(float).sum()
        assert made == pytest.approx(wide.loc[village, "energy_kwh"], rel=1e-5)
        assert hours["load_kw"].astype(float).sum() == pytest.approx(
            wide.loc[village, "load_kwh"], rel=1e-6
        )
        gap = hours["pv_kw"] - hours["self_used_kw"] - hours["export_kw"]
        assert np.abs(gap).max() < 1e-3
        sums += hours[["pv_kw", "self_used_kw", "export_kw", "load_kw"]].to_numpy(dtype=float)
    told = county[["pv_kw", "self_used_kw", "export_kw", "load_kw"]].to_numpy()
    np.testing.assert_allclose(told, sums, rtol=1e-6)
    assert len(results.hours.total("township")["place"].unique()) == 1
    with pytest.raises(ConfigError):
        results.hours.total("street")


def test_hours_are_written_as_netcdf_where_asked(tmp_path):
    xarray = pytest.importorskip("xarray")
    path = made_region(tmp_path, region='outputs = ["hours"]\nhours_format = "netcdf"')
    pvp.plan_region(path, out=tmp_path / "o", workers=1)
    with xarray.open_dataset(tmp_path / "o/hours.nc", engine="scipy") as read:
        assert read["pv_kw"].dtype == np.float32
        assert read["pv_kw"].attrs["units"] == "kW"


def test_hours_as_netcdf(township, tmp_path):
    xarray = pytest.importorskip("xarray")
    _, results = township
    with xarray.open_dataset(
        results.hours.to_netcdf(tmp_path / "hours.nc"), engine="scipy"
    ) as read:
        assert dict(read.sizes) == {"village": 3, "scenario": 3, "hour": 8760}
        one = read["pv_kw"].sel(village="330212210100/V0", scenario="base").to_numpy()
    np.testing.assert_array_equal(one, results.hours.village("V0")["pv_kw"].to_numpy())


def test_outputs_open_elsewhere(township):
    _, results = township
    buildings = gpd.read_parquet(results.folder / "buildings" / "u000000.parquet")
    assert buildings.crs.to_epsg() == 4326
    base = buildings[buildings["scenario"] == BASE]
    wide = results.villages[(results.villages["scenario"] == BASE)].set_index("village")
    assert base["energy_kwh"].sum() == pytest.approx(wide.loc["V0", "energy_kwh"], abs=2)
    homes = pd.read_parquet(results.folder / "households")
    assert not {"household_name", "income_today", "low_income"} & set(homes.columns)
    layers = gpd.list_layers(results.folder / "villages.gpkg")["name"].tolist()
    assert layers[:3] == ["base", "dear", "flat"]
    read = gpd.read_file(results.folder / "villages.gpkg", layer="base", engine="pyogrio")
    assert len(read) == 3
    with sqlite3.connect(results.folder / "villages.gpkg") as base_:
        rows = base_.execute("SELECT f_table_name, styleQML, useAsDefault FROM layer_styles")
        styles = rows.fetchall()
    base_.close()
    assert [row[0] for row in styles] == ["base", "dear", "flat"]
    assert all("graduatedSymbol" in row[1] and row[2] == 1 for row in styles)
    text = (results.folder / "table.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")


def test_compare_and_supply_curve(township):
    _, results = township
    told = results.compare("base", "dear")
    assert set(told["measure"]) >= {"investment", "npv"}
    assert "energy_kwh" not in set(told["measure"])
    row = told[(told["measure"] == "investment") & (told["village"] == "V0")].iloc[0]
    assert row["ratio"] == pytest.approx(3.6 / 3.0, rel=0.2)
    assert row["difference"] == row["dear"] - row["base"]
    curve = results.supply_curve()
    assert curve["lcoe"].is_monotonic_increasing
    assert curve["cumulative_kwh"].iloc[-1] == pytest.approx(
        results.villages.query("scenario == 'base'")["energy_kwh"].sum()
    )
    with pytest.raises(ConfigError):
        results.compare("base", "nobody")


def test_a_villages_own_plan_is_made_when_asked(township):
    _, results = township
    plan = results.plan("V1", "dear")
    wide = results.villages.set_index(["village", "scenario"])
    assert plan.villages["npv" if "npv" in plan.villages else "capital"].iloc[0] == pytest.approx(
        wide.loc[("V1", "dear"), "capital"]
    )
    with pytest.raises(InputError):
        results.plan("nowhere")


def test_physics_is_done_once_for_scenarios_that_share_it(township, monkeypatch):
    from pvplanner.plan import runner
    from pvplanner.region import unit as room
    from pvplanner.region.units import Survey

    path, results = township
    done: dict[str, int] = {}
    real = runner.Run._make

    def counted(self, name):
        done[name] = done.get(name, 0) + 1
        real(self, name)

    monkeypatch.setattr(runner.Run, "_make", counted)
    region, survey = read_region(path), results.survey
    assert isinstance(survey, Survey)
    room.run_unit(region, survey.units[0], survey.units, inputs="x", lights=room.Lights(),
                  mosaics={}, names=list(region.scenarios))  # fmt: skip
    assert done["planes"] == done["sky"] == done["people"] == 1
    assert done["layout"] == done["energy"] == done["demand"] == 2  # with other losses again
    assert done["terms"] == done["price_list"] == 2
    assert done["bills"] == 2  # a plant that costs more moves no bill
    assert done["chosen"] == 3


def test_a_unit_makes_only_what_its_tables_are_made_of(tmp_path, monkeypatch):
    from pvplanner.plan import runner
    from pvplanner.region import unit as room

    path = made_region(tmp_path)
    made: list[str] = []
    real = runner.Run._make
    monkeypatch.setattr(runner.Run, "_make", lambda self, name: (made.append(name),
                                                                 real(self, name)))  # fmt: skip
    region = read_region(path)
    survey = survey_region(region, tmp_path / "inputs", still)
    room.run_unit(region, survey.units[0], survey.units, inputs="x", lights=room.Lights(),
                  mosaics={}, names=["base"])  # fmt: skip
    assert {"village_ranges", "villages", "demand", "energy"} <= set(made)
    assert not {"ranges", "household_ranges", "suitability", "carbon_ranges", "measures", "reasons",
                "grey_roofs", "waterfall"} & set(made)  # fmt: skip
    assert len(made) == len(set(made))


def test_what_was_found_is_told_village_by_village(tmp_path):
    every = made_buildings()
    every.loc[every["village"] == "V1", "height_m"] = 400.0
    path = made_region(tmp_path, every)
    results = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    found = results.found.set_index("code")
    # The column that told whose a row is is no column that nobody read.
    assert "village" not in found.loc["columns_read", "en"].split("not in the file")[0]
    assert found.loc["columns_read", "villages"] == 3
    odd = found[(found["villages"] == 1) & (found["first"] == "V1") & (found["level"] == "doubt")]
    assert len(odd) == 1
    code = odd.index[0]
    assert code in [f.code for f in results.findings_of("V1")]
    assert code not in [f.code for f in results.findings_of("V0")]
    with pytest.raises(InputError):
        results.findings_of("V9")
    # A run that finds all done says it again.
    for _ in range(2):
        done = run("region", path, "--out", tmp_path / "o")
        assert done.returncode == 0
        assert f"! V1: {odd['en'].iloc[0]}" in done.stderr


def test_every_way_of_running_gives_the_same(township, tmp_path, monkeypatch):
    path, results = township
    # Processes that start before the survey are those that do the work.
    monkeypatch.setattr(running, "MUCH_TO_SURVEY", 0)
    ways = {
        "processes": lambda out: pvp.plan_region(path, out=out, workers=2),
        "shards": lambda out: _in_shards(path, out),
    }
    for name, way in ways.items():
        made = way(tmp_path / name)
        for table in ("table", "villages", "region", "common"):
            pd.testing.assert_frame_equal(
                sorted_rows(getattr(made, table)) if table != "region" else made.region,
                sorted_rows(getattr(results, table)) if table != "region" else results.region,
                check_exact=True,
            )
        whole = (made.folder / "table.parquet").read_bytes()
        assert whole == (results.folder / "table.parquet").read_bytes()


def _in_shards(path, out):
    for part in (2, 1):
        pvp.plan_region(path, out=out, workers=1, shard=f"{part}/2")
    return merge_region([out])


@pytest.mark.long
def test_a_dask_cluster_gives_the_same(township, tmp_path):
    pytest.importorskip("distributed")
    path, results = township
    script = (
        "import sys, pvplanner as pvp\n"
        "from dask.distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as c:\n"
        "        pvp.plan_region(sys.argv[1], out=sys.argv[2], scheduler=c.scheduler_address)\n"
    )
    (tmp_path / "run.py").write_text(script)
    words = [sys.executable, str(tmp_path / "run.py"), str(path), str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    made = (tmp_path / "out" / "table.parquet").read_bytes()
    assert made == (results.folder / "table.parquet").read_bytes()


@pytest.mark.long
def test_a_scheduler_that_is_not_there(township, tmp_path):
    pytest.importorskip("distributed")
    path, _ = township
    with pytest.raises(InputError) as told:
        pvp.plan_region(path, out=tmp_path / "o", scheduler="tcp://127.0.0.1:1")
    assert told.value.code == "scheduler_lost"


def test_villages_in_any_order_and_any_file(tmp_path):
    every = made_buildings()
    one = pvp.plan_region(made_region(tmp_path / "a", every, ledger=False), out=tmp_path / "a/o",
                          workers=1)  # fmt: skip
    mixed = every.sample(frac=1, random_state=3).reset_index(drop=True)
    two = pvp.plan_region(made_region(tmp_path / "b", mixed, ledger=False), out=tmp_path / "b/o",
                          workers=1)  # fmt: skip
    pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)
    third = tmp_path / "c"
    third.mkdir()
    for village, rows in every.groupby("village"):
        rows.drop(columns="village").to_file(third / f"{village}.geojson", engine="pyogrio",
                                             COORDINATE_PRECISION=4)  # fmt: skip
    (third / "region.toml").write_text(
        'name = "t"\nlanguage = "en"\n[region]\nbuildings = "*.geojson"\ncrs = "EPSG:4549"\n'
        'division_column = "division_code"\n[base]\nsite.province = "Zhejiang"\n'
    )
    made = pvp.plan_region(third / "region.toml", out=third / "o", workers=1)
    assert list(made.villages["village"]) == ["V0", "V1", "V2"]
    np.testing.assert_array_equal(made.villages["modules"], one.villages["modules"])


@pytest.mark.parametrize(
    ("suffix", "large"),
    [("gpkg", False), ("fgb", False), ("parquet", False), ("fgb", True), ("gpkg", True)],
)
def test_boundaries_say_who_lies_where(tmp_path, monkeypatch, suffix, large):
    from pvplanner.region import looking

    if large:
        monkeypatch.setattr(looking, "LARGE_BYTES", 0)
        monkeypatch.setattr(looking, "BATCH", 16)
    every = made_buildings()
    plain = every.drop(columns=["village", "division_code"])
    lost = plain.iloc[:1].assign(geometry=plain.geometry.iloc[:1].translate(0, 5000))
    plain = pd.concat([plain, lost], ignore_index=True)
    file = tmp_path / f"b.{suffix}"
    if suffix == "parquet":
        plain.to_parquet(file, row_group_size=5)
    else:
        plain.to_file(file, engine="pyogrio")
    borders = gpd.GeoDataFrame(
        {"name": ["East", "West"]},
        geometry=[shapely.box(520_900, 3_287_000, 524_000, 3_289_000),
                  shapely.box(519_000, 3_287_000, 520_900, 3_289_000)], crs=CRS,
    ).to_crs(4326)  # fmt: skip
    borders.to_file(tmp_path / "v.geojson", engine="pyogrio")
    path = tmp_path / "region.toml"
    path.write_text(f'[region]\nbuildings = "b.{suffix}"\nboundaries = "v.geojson"\n')
    survey = survey_region(read_region(path), tmp_path / "in", still)
    sizes = {u.name: u.buildings for u in survey.units}
    assert sizes == {"East": 15, "West": 6}
    assert [f.code for f in survey.findings] == ["region_outside"]
    assert survey.findings[0].count == 1
    for unit in survey.units:
        assert unit.outline.startswith("POLYGON")
        assert all(p.source == f"b.{suffix}" for p in unit.parts)
        assert len(read_unit(unit)) == unit.buildings


def test_a_window_reads_no_more_than_its_row_groups(tmp_path, monkeypatch):
    every = made_buildings(villages=6, each=20)
    path = made_region(tmp_path, every, ledger=False)
    survey = survey_region(read_region(path), tmp_path / "in", still)
    assert not any(p.copied for u in survey.units for p in u.parts)
    import pyarrow.parquet as pq

    read: list[int] = []
    real = pq.ParquetFile.read_row_group

    def counted(self, group, **options):
        read.append(group)
        return real(self, group, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    frame = read_unit(survey.units[2])
    assert set(frame["village"]) == {"V2"}
    assert len(read) <= 5


def test_a_file_that_is_not_sorted_is_copied_by_village(tmp_path):
    every = made_buildings(villages=8, each=12).sample(frac=1, random_state=1)
    path = made_region(tmp_path, every.reset_index(drop=True), ledger=False)
    survey = survey_region(read_region(path), tmp_path / "in", still)
    assert all(p.copied for u in survey.units for p in u.parts)
    for unit in survey.units:
        rows = read_unit(unit)
        assert len(rows) == unit.buildings
        assert set(rows["village"]) == {unit.name}
        assert rows.crs.to_epsg() == CRS


@given(
    which=st.lists(st.integers(-1, 5), max_size=40), batch=st.integers(1, 12),
    pieces=st.integers(1, 4),
)  # fmt: skip
def test_rows_are_parted_by_village_however_many_are_taken_at_once(which, batch, pieces):
    from pvplanner.region import copies

    owner = np.array(which, dtype=int)
    names = [f"row {n}" for n in range(len(which))]
    parts = np.array_split(np.array(names, dtype=object), pieces)
    table = pa.concat_tables([pa.table({"id": pa.array(part, pa.string())}) for part in parts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "BATCH", batch)
        told = [(unit, own["id"].to_pylist()) for unit, own in copies.by_unit(table, owner)]
    assert [unit for unit, _ in told] == sorted(set(which) - {-1})
    for unit, own in told:
        assert own == [name for name, other in zip(names, which, strict=True) if other == unit]


def test_ledgers_are_told_by_village_or_by_building(tmp_path):
    every = made_buildings()
    path = made_region(tmp_path, every)
    table = made_ledger(every)
    plain = [c for c in table.columns if c != "village"]
    for columns, name in ((list(table.columns), "by village"), (plain, "by building")):
        table[columns].to_csv(tmp_path / "h.csv", index=False)
        survey = survey_region(read_region(path), tmp_path / name, still)
        for unit in survey.units:
            rows = read_ledgers(unit)[0][1].rows
            assert list(rows["building_id"].str.split("-").str[0].unique()) == [unit.name[1:]]
            assert len(rows) == unit.buildings
    more = pd.concat([table, table.iloc[:2].assign(village="nowhere")])
    more.to_csv(tmp_path / "h.csv", index=False)
    survey = survey_region(read_region(path), tmp_path / "lost", still)
    assert [(f.code, f.count) for f in survey.findings] == [("region_ledger_lost", 2)]


def test_a_parquet_ledger_reads_as_the_same_csv(tmp_path):
    every = made_buildings()
    one = pvp.plan_region(made_region(tmp_path / "a", every), out=tmp_path / "a/o", workers=1)
    path = made_region(tmp_path / "b", every)
    made_ledger(every).to_parquet(tmp_path / "b/h.parquet")
    path.write_text(path.read_text().replace("h.csv", "h.parquet"))
    two = pvp.plan_region(path, out=tmp_path / "b/o", workers=1)
    pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)


def test_near_shade_looks_over_the_border(tmp_path):
    low = shapely.box(EAST := 520_000, 3_288_000, EAST + 10, 3_288_008)
    tower = shapely.box(EAST, 3_287_984, EAST + 10, 3_287_994)
    frame = gpd.GeoDataFrame(
        {"building_id": ["house", "tower"], "village": ["A", "B"], "height_m": [4.0, 27.0]},
        geometry=[low, tower], crs=CRS,
    )  # fmt: skip
    alone = made_region(tmp_path / "a", frame.iloc[:1].assign(division_code=""), ledger=False)
    both = made_region(tmp_path / "b", frame.assign(division_code=""), ledger=False)
    far = made_region(tmp_path / "c", frame.assign(division_code=""), ledger=False,
                      region="reach_m = 0")  # fmt: skip
    made = {}
    for path in (alone, both, far):
        results = pvp.plan_region(path, out=path.parent / "o", workers=1)
        rows = results.villages[results.villages["village"] == "A"]
        made[path] = float(rows["energy_kwh"].iloc[0])
    assert made[both] < 0.9 * made[alone]
    assert made[far] == made[alone]
    survey = survey_region(read_region(both), tmp_path / "in", still)
    near = read_neighbours(survey.units[0], survey.units, 300.0)
    assert list(near["building_id"]) == ["tower"]
    assert read_neighbours(survey.units[0], survey.units, 1.0) is None


def test_scenarios_from_a_list_and_a_grid(tmp_path):
    (tmp_path / "list.csv").write_text(
        "name,finance.capex_per_w,tariff.connection_date,tariff.market_path\n"
        "cheap,2.5,,low\nlate,,2027-03-01,\n"
    )
    path = made_region(tmp_path, rest="[grid]\nfinance.capex_per_w = [2.8, 3.2]\n"
                       'carbon.pathway = ["trend"]\n')  # fmt: skip
    path.write_text('scenarios = "list.csv"\n' + path.read_text())
    region = read_region(path)
    assert list(region.scenarios) == [
        "base", "cheap", "late", "capex_per_w=2.8, pathway=trend", "capex_per_w=3.2, pathway=trend",
    ]  # fmt: skip
    assert region.scenario("cheap").finance.capex_per_w == 2.5
    assert str(region.scenario("late").tariff.connection_date) == "2027-03-01"
    assert region.scenario("late").finance.capex_per_w == region.base.finance.capex_per_w


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("[scenarios.x]\nfinance.capex = 3\n", "scenario_typo"),
        ("[grid]\nfinance.capex_per_w = 3.0\n", "region_grid_list"),
        ('[[village]]\nname = "V9"\nfinance.capex_per_w = 3.0\n', "village_unknown"),
        ("[[village]]\nfinance.capex_per_w = 3.0\n", "region_village_name"),
        ("[rank]\nchose = 3\n", "scenario_key"),
        ('[scenarios.x]\nfinance.currency = "EUR"\n', "region_currencies"),
    ],
)
def test_what_a_region_file_may_not_say(tmp_path, rest, code):
    path = made_region(tmp_path, rest=rest)
    with pytest.raises(ConfigError) as told:
        pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert told.value.code in (code, "scenario_typo")


def test_a_column_that_is_not_there_names_those_that_are(tmp_path, monkeypatch):
    path = made_region(tmp_path)
    path.write_text(path.read_text().replace('"village"', '"hamlet"'))
    with pytest.raises(InputError) as told:
        pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert "village" in told.value.text("en")
    # Nobody is left over who was called before the files were looked through.
    monkeypatch.setattr(running, "MUCH_TO_SURVEY", 0)
    called = []
    start = running.Crew.start
    monkeypatch.setattr(
        running.Crew, "start",
        lambda crew, count: (start(crew, count), called.extend(crew.members))[0],
    )  # fmt: skip
    with pytest.raises(InputError):
        pvp.plan_region(path, out=tmp_path / "p", workers=2)
    assert [worker.process.poll() is None for worker in called] == [False, False]


def test_one_village_may_differ(tmp_path):
    rest = '[[village]]\nname = "V1"\nfinance.capex_per_w = 2.0\n'
    results = pvp.plan_region(made_region(tmp_path, rest=rest), out=tmp_path / "o", workers=1)
    rows = results.villages.set_index("village")
    per_kw = rows["investment"] / rows["capacity_kwp"]
    assert per_kw["V1"] < 0.8 * per_kw["V0"]


def test_poisoned_villages_are_set_aside_and_the_rest_goes_on(tmp_path):
    for n, (village, rows) in enumerate(made_buildings(villages=5, each=4).groupby("village")):
        rows = rows.drop(columns=["village", "division_code"])
        if n == 1:
            rows.to_file(tmp_path / f"{village}.geojson", engine="pyogrio")
            (tmp_path / f"{village}.geojson").write_text("{ this is no map")
            continue
        if n == 2:
            rows = rows.assign(geometry=None)
        rows.to_file(tmp_path / f"{village}.gpkg", engine="pyogrio")
    path = tmp_path / "region.toml"
    path.write_text(
        'language = "en"\n[region]\nbuildings = ["*.gpkg", "*.geojson"]\n[base]\n'
        'site.province = "Zhejiang"\n[[village]]\nname = "V3"\nsite.weather = "no.epw"\n'
    )
    results = pvp.plan_region(path, out=tmp_path / "o", workers=2)
    assert sorted(results.villages["village"]) == ["V0", "V4"]
    assert sorted(results.failed["village"]) == ["V1", "V2", "V3"]
    assert results.failed["en"].str.len().gt(10).all()
    page = (tmp_path / "o/index.html").read_text("utf-8")
    assert "no.epw" in page
    done = run("region", path, "--out", tmp_path / "o")
    assert done.returncode == 2
    assert "V3" in done.stderr
    # The rest is not done again; with the fault mended --retry does just those.
    before = (tmp_path / "o/units/u000000/done.json").stat().st_mtime_ns
    path.write_text(path.read_text().replace('"no.epw"', '"typical"'))
    again = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert sorted(again.villages["village"]) == ["V0", "V3", "V4"]
    assert (tmp_path / "o/units/u000000/done.json").stat().st_mtime_ns == before


def test_retry_does_only_what_was_set_aside(tmp_path, monkeypatch):
    from pvplanner.region import workers

    path = made_region(tmp_path)
    broken = {"on": True}
    real = workers.run_unit

    def maybe(region, unit, *rest, **more):
        if broken["on"] and unit.name == "V1":
            raise OSError("the share went away")
        return real(region, unit, *rest, **more)

    monkeypatch.setattr(workers, "run_unit", maybe)
    results = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert list(results.failed["village"]) == ["V1"]
    broken["on"] = False
    same = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert list(same.failed["village"]) == ["V1"]
    mended = pvp.plan_region(path, out=tmp_path / "o", workers=1, retry=True)
    assert mended.failed.empty
    assert len(mended.villages) == 3


def test_a_full_disk_ends_in_one_clear_line(tmp_path, monkeypatch):
    from pvplanner.region import workers

    def full(*rest, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workers, "run_unit", full)
    with pytest.raises(InputError) as told:
        pvp.plan_region(made_region(tmp_path), out=tmp_path / "o", workers=1)
    assert told.value.code == "disk_full"


def test_a_corrupt_partition_is_done_again(tmp_path):
    path = made_region(tmp_path)
    first = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    whole = (tmp_path / "o/table.parquet").read_bytes()
    file = tmp_path / "o/units/u000001/table.parquet"
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 0xFF
    file.write_bytes(bytes(body))
    kept = (tmp_path / "o/units/u000000/done.json").stat().st_mtime_ns
    second = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert (tmp_path / "o/table.parquet").read_bytes() == whole
    assert (tmp_path / "o/units/u000000/done.json").stat().st_mtime_ns == kept
    pd.testing.assert_frame_equal(first.table, second.table, check_exact=True)


def test_only_what_changed_is_done_again(tmp_path):
    path = made_region(tmp_path, rest='[[village]]\nname = "V1"\nfinance.capex_per_w = 2.0\n')
    pvp.plan_region(path, out=tmp_path / "o", workers=1)
    times = [(tmp_path / f"o/units/u00000{n}/done.json").stat().st_mtime_ns for n in range(3)]
    path.write_text(path.read_text().replace("2.0", "2.2"))
    pvp.plan_region(path, out=tmp_path / "o", workers=1)
    after = [(tmp_path / f"o/units/u00000{n}/done.json").stat().st_mtime_ns for n in range(3)]
    assert [a == b for a, b in zip(times, after, strict=True)] == [True, False, True]


def test_two_regions_do_not_mix(tmp_path):
    one = made_region(tmp_path / "a")
    pvp.plan_region(one, out=tmp_path / "o", workers=1)
    two = made_region(tmp_path / "b")
    two.write_text(two.read_text().replace('name = "test"', 'name = "other"'))
    with pytest.raises(InputError) as told:
        pvp.plan_region(two, out=tmp_path / "o", workers=1)
    assert told.value.code == "region_folder_other"


def test_shards_that_do_not_belong_together(tmp_path):
    path = made_region(tmp_path)
    pvp.plan_region(path, out=tmp_path / "o", workers=1, shard="1/2")
    with pytest.raises(InputError) as told:
        merge_region([tmp_path / "o"])
    assert told.value.code == "region_incomplete"
    path.write_text(path.read_text() + "\n[scenarios.x]\nfinance.capex_per_w = 2.0\n")
    pvp.plan_region(path, out=tmp_path / "o", workers=1, shard=(2, 2))
    with pytest.raises(InputError) as told:
        merge_region([tmp_path / "o"])
    assert told.value.code == "region_shards_apart"
    with pytest.raises(ConfigError):
        pvp.plan_region(path, out=tmp_path / "o", shard="5/2")


def test_an_estimate_reckons_nothing(tmp_path):
    path = made_region(tmp_path, rest=SCENARIOS)
    told = estimate_region(path, out=tmp_path / "o", workers=1)
    assert (told.villages, told.scenarios, told.left, told.roofs) == (3, 3, 3, 21)
    assert told.seconds > 0
    assert told.memory_mb > 200
    assert not list((tmp_path / "o/units").iterdir())


def test_a_sample_stands_for_more_with_its_own_doubt(tmp_path):
    (tmp_path / "sample.csv").write_text(
        "village,stratum,weight\nV0,hills,4\nV1,hills,4\nV2,plain,1\n"
    )
    path = made_region(tmp_path, region='sample = "sample.csv"')
    results = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    rows = results.villages.set_index("village")
    total = results.region.set_index("measure").loc["energy_kwh"]
    weight = pd.Series({"V0": 4.0, "V1": 4.0, "V2": 1.0})
    assert total["value"] == pytest.approx((rows["energy_kwh"] * weight).sum())
    hills = rows.loc[["V0", "V1"], "energy_kwh"]
    more = 8**2 * (1 - 2 / 8) * hills.var() / 2
    assert sampling_variance(rows, "energy_kwh") == pytest.approx(more)
    sigma2 = ((total["p10"] - total["p90"]) / 2 / Z90) ** 2
    assert total["sampling"] == pytest.approx(more / sigma2)
    lone = rows.assign(stratum=["a", "b", "c"])
    assert np.isnan(sampling_variance(lone, "energy_kwh"))


@pytest.mark.long
def test_killed_at_random_a_rerun_ends_with_the_same(tmp_path, township):
    path, results = township
    rng = np.random.default_rng(5)
    out = tmp_path / "o"
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-m", "pvplanner", "region", str(path), "--out", str(out),
             "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(float(rng.uniform(1.5, 6)))
        child.send_signal(signal.SIGKILL)
        child.wait()
    time.sleep(1.5)
    pvp.plan_region(path, out=out, workers=2)
    assert (out / "table.parquet").read_bytes() == (results.folder / "table.parquet").read_bytes()
    assert not [p for p in (out / "units").iterdir() if p.name.startswith(".")]


@pytest.mark.long
def test_a_worker_that_is_killed_is_replaced(tmp_path, township):
    path, results = township
    out = tmp_path / "o"
    child = subprocess.Popen(
        [sys.executable, "-m", "pvplanner", "region", str(path), "--out", str(out),
         "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    killed = 0
    until = time.monotonic() + 60
    while not killed and time.monotonic() < until and child.poll() is None:
        found = f"/proc/{child.pid}/task/{child.pid}/children"
        if not os.path.exists(found):
            break
        with open(found) as file:
            pids = file.read().split()
        if len(pids) == 2 and (out / "survey.json").is_file():
            time.sleep(2.0)
            os.kill(int(pids[0]), signal.SIGKILL)
            killed = 1
        time.sleep(0.05)
    _, said = child.communicate(timeout=200)
    if not killed:
        pytest.skip("no list of children on this system")
    assert child.returncode == 0, said
    assert (out / "table.parquet").read_bytes() == (results.folder / "table.parquet").read_bytes()


def test_tiles_are_one_raster(tmp_path):
    import rasterio
    from rasterio.transform import Affine

    from pvplanner.terrain.mosaic import mosaic_text

    whole = np.arange(80, dtype="float32").reshape(8, 10)
    for n, (row, col) in enumerate(((0, 0), (0, 5), (4, 0), (4, 5))):
        place = Affine(0.5, 0, 520_000 + col * 0.5, 0, -0.5, 3_288_000 - row * 0.5)
        with rasterio.open(tmp_path / f"{n}.tif", "w", driver="GTiff", width=5, height=4, count=1,
                           dtype="float32", crs=f"EPSG:{CRS}", transform=place) as out:  # fmt: skip
            out.write(whole[row : row + 4, col : col + 5], 1)
    tiles = [tmp_path / f"{n}.tif" for n in range(4)]
    (tmp_path / "all.vrt").write_text(mosaic_text(tiles))
    with rasterio.open(tmp_path / "all.vrt") as read:
        np.testing.assert_array_equal(read.read(1), whole)
    with rasterio.open(tmp_path / "odd.tif", "w", driver="GTiff", width=5, height=4, count=1,
                       dtype="float32", crs=f"EPSG:{CRS}",
                       transform=Affine(1.0, 0, 520_000, 0, -1.0, 3_288_000)) as out:  # fmt: skip
        out.write(whole[:4, :5], 1)
    with pytest.raises(InputError):
        mosaic_text([*tiles, tmp_path / "odd.tif"])


def test_the_nearest_weather_is_taken(tmp_path):
    from pvplanner.weather import typical_year

    for name, latitude in (("near", 29.7), ("far", 39.0)):
        made = typical_year(latitude, 121.2)
        data = made.data.copy()
        data.insert(0, "time", data.index.strftime("%Y-%m-%dT%H:%M:%S%z"))
        head = f"# latitude: {latitude}\n# longitude: 121.2\n# altitude: 10\n"
        (tmp_path / f"{name}.csv").write_text(head + data.to_csv(index=False))
    path = made_region(tmp_path, region='weather = ["far.csv", "near.csv"]')
    results = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert results.plan("V0").scenario.site.weather.endswith("near.csv")
    assert results.failed.empty


@pytest.mark.long
def test_the_example_township(tmp_path):
    from conftest import ROOT

    shutil.copytree(ROOT / "data/region", tmp_path / "region")
    before = sorted((tmp_path / "region").rglob("*"))
    results = pvp.plan_region(tmp_path / "region/region.toml", out=tmp_path / "o", workers=2)
    assert len(results.villages["village"].unique()) == 12
    assert results.failed.empty
    assert len(results.rank().chosen) == 5
    assert sorted((tmp_path / "region").rglob("*")) == before
    flown = results.villages.query("scenario == 'base'").set_index("village")["modelled"]
    assert sorted(flown[flown > 0.5].index) == sorted(["下溪村", "凤山村"])
    assert results.scenarios == ["base", "low-price", "dearer"]


def test_folders_say_what_they_are(township, tmp_path):
    _, results = township
    assert json.loads((results.folder / "region.json").read_text())["name"] == "test"
    assert list(results.scenarios) == ["base", "dear", "flat"]
    with pytest.raises(InputError):
        pvp.open_region(tmp_path)
    assert Folder(results.folder).done(results.survey.units[0]).keys() == {"base", "dear", "flat"}


def test_a_coordinate_system_that_nobody_knows_is_named(tmp_path):
    path = made_region(tmp_path, region='crs = "EPSG:nonsense"\n')
    with pytest.raises(pvp.ConfigError) as told:
        pvp.plan_region(path, out=tmp_path / "out")
    assert told.value.code == "crs_unknown"
    assert "region.crs" in str(told.value)
