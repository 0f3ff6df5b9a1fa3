"""Files and folders of a region that are not as one would hope: nothing lost, nothing mixed."""

from __future__ import annotations

import html
import json
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from made_region import CRS, EAST, NORTH, made_buildings, made_ledger, made_region

import pvplanner as pvp
from pvplanner.errors import ConfigError, InputError, message
from pvplanner.plan.store import FileHashes, SharedStore
from pvplanner.region import merge_region, read_region, workers
from pvplanner.region.config import BASE
from pvplanner.region.folder import ABOUT, FILES, FOLDERS, Keys
from pvplanner.region.survey import survey_region
from pvplanner.region.unit import Village
from pvplanner.region.windows import read_neighbours, read_unit

DEAR = "[scenarios.dear]\nfinance.capex_per_w = {}\n[scenarios.other]\nsystem.losses = 0.2\n"


def test_a_run_writes_nothing_that_is_not_guarded(tmp_path):
    path = made_region(tmp_path, region='outputs = ["hours"]\nhours_format = "netcdf"')
    pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert {p.name for p in (tmp_path / "o").iterdir()} <= {ABOUT, *FILES, *FOLDERS}


@pytest.mark.parametrize("name", ["index.html", "table.csv", "buildings/mine.txt"])
def test_somebodys_own_files_are_not_written_over(tmp_path, name):
    own = tmp_path / "o" / name
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(ConfigError) as told:
        pvp.plan_region(made_region(tmp_path), out=tmp_path / "o", workers=1)
    assert told.value.code == "output_taken"
    assert own.read_text() == "mine"


def test_inputs_are_not_cleared_away_as_outputs(tmp_path):
    path = made_region(tmp_path)
    file = next(p for p in tmp_path.iterdir() if p.suffix in (".gpkg", ".geojson", ".parquet"))
    (tmp_path / "buildings").mkdir()
    moved = file.rename(tmp_path / "buildings" / file.name)
    path.write_text(path.read_text().replace(f'"{file.name}"', f'"buildings/{file.name}"'))
    with pytest.raises(ConfigError) as told:
        pvp.plan_region(path, out=tmp_path, workers=1)
    assert told.value.code == "output_is_input"
    assert moved.is_file()


def test_a_unit_in_a_ledgers_title_holds_in_every_village(tmp_path):
    every = made_buildings()
    table = made_ledger(every).assign(income_today=20_000.0)
    plain = made_region(tmp_path / "a", every)
    table.to_csv(tmp_path / "a/h.csv", index=False)
    titled = made_region(tmp_path / "b", every)
    said = table.assign(income_today=20.0).to_csv(index=False)
    (tmp_path / "b/h.csv").write_text("住户台账（单位：千元）\n" + said, encoding="utf-8")
    homes = [
        Village(read, survey.units[0], survey.units, {}).runs(BASE, SharedStore("")).table("people")
        for read, survey in (_seen(plain), _seen(titled))
    ]
    assert set(homes[0]["income_today"]) == {20_000.0}
    pd.testing.assert_series_equal(homes[1]["income_today"], homes[0]["income_today"])


def _seen(path):
    read = read_region(path)
    return read, survey_region(read, path.parent / "in", lambda *told: None)


def test_two_ledgers_of_one_village_are_each_understood_for_themselves(tmp_path):
    every = made_buildings()
    table = made_ledger(every)
    whole = pvp.plan_region(made_region(tmp_path / "a", every), out=tmp_path / "a/o", workers=1)
    path = made_region(tmp_path / "b", every)
    path.write_text(path.read_text().replace('"h.csv"', '["h1.csv", "h2.csv"]'))
    table.iloc[::2].to_csv(tmp_path / "b/h1.csv", index=False)
    other = table.iloc[1::2].rename(columns={"consumption_kwh": "年用电量（万千瓦时）"})
    other["年用电量（万千瓦时）"] /= 10_000
    other.to_csv(tmp_path / "b/h2.csv", index=False)
    two = pvp.plan_region(path, out=tmp_path / "b/o", workers=1)
    pd.testing.assert_frame_equal(two.table, whole.table, rtol=1e-9)
    table.iloc[:1].assign(consumption_kwh=1.0).to_csv(tmp_path / "b/h2.csv", index=False)
    failed = pvp.plan_region(path, out=tmp_path / "b/o", workers=1).failed
    assert list(failed["code"]) == ["ledger_conflict"]
    assert "h1.csv 2" in failed["en"][0]
    assert "h2.csv 2" in failed["en"][0]


def test_several_division_codes_in_one_village_lose_no_roof(tmp_path):
    every = made_buildings()
    hulls = every.dissolve("village").convex_hull.buffer(5).rename("geometry").reset_index()
    hulls.to_file(tmp_path / "v.geojson", engine="pyogrio")
    mixed = every.drop(columns="village")
    mixed.loc[[1, 2], "division_code"] = "330212219900"
    path = made_region(tmp_path, mixed, ledger=False)
    path.write_text(
        path.read_text().replace(
            'village_column = "village"\ndivision_column = "division_code"\n',
            'boundaries = "v.geojson"\nboundary_name = "village"\n',
        )
    )
    results = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert list(results.failed["code"]) == []
    assert list(results.villages["buildings"]) == list(every.groupby("village").size())


@pytest.mark.long
def test_findings_do_not_hang_on_what_ran_before(tmp_path):
    """A scenario that is done again alone finds what it found beside the others."""
    every = made_buildings()
    path = made_region(tmp_path / "a", every, rest=DEAR.format(3.6))
    pvp.plan_region(path, out=tmp_path / "a/o", workers=1)
    path.write_text(path.read_text().replace("3.6", "3.7"))
    pvp.plan_region(path, out=tmp_path / "a/o", workers=1)
    fresh = made_region(tmp_path / "b", every, rest=DEAR.format(3.7))
    pvp.plan_region(fresh, out=tmp_path / "b/o", workers=1)
    again, once = (_found(tmp_path / n / "o/units") for n in "ab")
    assert len(once) > 3
    assert again == once


def _found(units):
    every = [f for p in sorted(units.glob("*/findings.json")) for f in json.loads(p.read_text())]
    return sorted(json.dumps(f, sort_keys=True) for f in every)


def _two_near(folder, tower_crs):
    """A row of houses, and a tower of another village and file just south of it."""
    row = [shapely.box(EAST + 20 * k, NORTH, EAST + 20 * k + 10, NORTH + 9) for k in range(5)]
    low = gpd.GeoDataFrame(
        {"building_id": [f"l{k}" for k in range(5)], "village": "low", "height_m": 6.0,
         "geometry": row}, crs=CRS,
    )  # fmt: skip
    tower = gpd.GeoDataFrame(
        {"building_id": ["tower"], "village": ["tall"], "height_m": [60.0],
         "geometry": [shapely.box(EAST, NORTH - 25, EAST + 90, NORTH - 10)]}, crs=CRS,
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    low.to_parquet(folder / "low.parquet")
    tower.to_crs(tower_crs).to_parquet(folder / "tall.parquet")
    path = folder / "region.toml"
    path.write_text(
        'name = "near"\nlanguage = "en"\n[region]\nbuildings = ["low.parquet", "tall.parquet"]\n'
        'village_column = "village"\n[base]\nsite.province = "Zhejiang"\n'
    )
    return path


@pytest.mark.long
def test_a_neighbour_in_another_system_still_shades(tmp_path):
    made = [
        pvp.plan_region(_two_near(tmp_path / str(crs), crs), out=tmp_path / f"o{crs}", workers=1)
        for crs in (CRS, 4326, 32650)
    ]
    low = [r.villages.set_index("village")["energy_kwh"]["low"] for r in made]
    assert low[1:] == pytest.approx([low[0]] * 2, rel=1e-4)
    alone = _two_near(tmp_path / "alone", CRS)
    (tmp_path / "alone/tall.parquet").unlink()
    alone.write_text(alone.read_text().replace(', "tall.parquet"', ""))
    free = pvp.plan_region(alone, out=tmp_path / "oa", workers=1).villages["energy_kwh"][0]
    assert low[0] < 0.95 * free


def test_a_poisoned_neighbour_sets_only_itself_aside(tmp_path):
    path = _two_near(tmp_path / "a", CRS)
    _, survey = _seen(path)
    low = next(u for u in survey.units if u.name == "low")
    assert len(read_neighbours(low, survey.units, 300.0)) == 1
    (tmp_path / "a/tall.parquet").write_bytes(b"PAR1 and nothing else PAR1")
    with pytest.raises(InputError):
        read_unit(next(u for u in survey.units if u.name == "tall"))
    assert read_neighbours(low, survey.units, 300.0) is None


def test_a_changed_neighbour_is_seen(tmp_path):
    path = _two_near(tmp_path / "a", CRS)
    before = pvp.plan_region(path, out=tmp_path / "o", workers=1).villages
    tower = gpd.read_parquet(tmp_path / "a/tall.parquet")
    tower.assign(height_m=7.0).to_parquet(tmp_path / "a/tall.parquet")
    after = pvp.plan_region(path, out=tmp_path / "o", workers=1).villages
    energy = [v.set_index("village")["energy_kwh"]["low"] for v in (before, after)]
    assert energy[1] > 1.05 * energy[0]


def test_files_of_one_name_in_folders_of_one_name_are_told_apart(tmp_path):
    every = made_buildings(villages=3).drop(columns=["village", "division_code"])
    village = made_buildings(villages=3)["village"]
    for place, name in (("n/x", "V0"), ("s/x", "V1"), ("s/y", "V2")):
        (tmp_path / place).mkdir(parents=True)
        every[(village == name).to_numpy()].to_parquet(tmp_path / place / "b.parquet")
    path = tmp_path / "region.toml"
    path.write_text(
        'language = "en"\n[region]\nbuildings = ["n/x/b.parquet", "s/x/b.parquet", "s/y/b.parquet"]'
        '\n[base]\nsite.province = "Zhejiang"\n'
    )
    read, survey = _seen(path)
    assert [u.name for u in survey.units] == ["n/x", "s/x", "y"]
    assert [u.buildings for u in survey.units] == [6, 7, 8]
    before = _keys(read, survey)
    every.iloc[:3].to_parquet(tmp_path / "n/x/b.parquet")
    assert [a == b for a, b in zip(_keys(read, survey), before, strict=True)] == [False, True, True]


def _keys(read, survey):
    keys = Keys(read, survey, FileHashes(None))
    return [keys.inputs(unit) for unit in survey.units]


def test_a_ranking_that_cannot_be_made_costs_no_results(tmp_path):
    path = made_region(tmp_path, rest="[rank]\nchoose = 2\nbudget = 1.0\nweights.energy_kwh = 1\n")
    results = pvp.plan_region(path, out=tmp_path / "o", workers=1)
    assert len(results.villages) == 3
    assert not (tmp_path / "o/rank.html").exists()
    page = (tmp_path / "o/index.html").read_text("utf-8")
    with pytest.raises(ConfigError) as told:
        results.rank()
    assert told.value.code == "region_none_left"
    assert message("region_none_left", "en", **told.value.params) in html.unescape(page)


@pytest.mark.long
def test_a_shard_that_did_not_end_is_missing(tmp_path, monkeypatch):
    path = made_region(tmp_path, rest=DEAR.format(3.6))
    for part in ("1/2", "2/2"):
        pvp.plan_region(path, out=tmp_path / "o", workers=1, shard=part)
    path.write_text(path.read_text().replace("3.6", "3.7"))
    pvp.plan_region(path, out=tmp_path / "o", workers=1, shard="1/2")
    real = workers.do_task

    def killed(task):
        if task.number == 1:
            raise KeyboardInterrupt
        return real(task)

    monkeypatch.setattr(workers, "do_task", killed)
    with pytest.raises(KeyboardInterrupt):
        pvp.plan_region(path, out=tmp_path / "o", workers=1, shard="2/2")
    with pytest.raises(InputError) as told:
        merge_region([tmp_path / "o"])
    assert told.value.code == "region_incomplete"
    assert "V1" in str(told.value)
    monkeypatch.setattr(workers, "do_task", real)
    pvp.plan_region(path, out=tmp_path / "o", workers=1, shard="2/2")
    whole = pvp.plan_region(path, out=tmp_path / "whole", workers=1)
    pd.testing.assert_frame_equal(merge_region([tmp_path / "o"]).table, whole.table)


def test_shards_of_other_figures_do_not_merge(tmp_path):
    path = made_region(tmp_path, base="finance.capex_per_w = 3.0")
    pvp.plan_region(path, out=tmp_path / "o", workers=1, shard="1/2")
    path.write_text(path.read_text().replace("3.0", "3.1"))
    pvp.plan_region(path, out=tmp_path / "o", workers=1, shard="2/2")
    with pytest.raises(InputError) as told:
        merge_region([tmp_path / "o"])
    assert told.value.code == "region_shards_apart"


def test_a_unit_that_another_ended_meanwhile_is_done(tmp_path, monkeypatch):
    path = made_region(tmp_path)
    seen, real = [], workers.do_task
    monkeypatch.setattr(workers, "do_task", lambda task: seen.append(task) or real(task))
    pvp.plan_region(path, out=tmp_path / "o", workers=1)
    note = tmp_path / "o/units/u000001/done.json"
    before = note.stat().st_mtime_ns
    assert real(next(t for t in seen if t.number == 1)).ok
    assert note.stat().st_mtime_ns == before


def test_a_worker_whose_run_is_gone_ends(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    done = subprocess.Popen(
        [sys.executable, "-m", "pvplanner.region.worker", str(gone.pid)], stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        # Its input stays open: nobody says that it is over.
        assert done.wait(timeout=60) == 1
    finally:
        done.kill()
        done.stdin.close()
