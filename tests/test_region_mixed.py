"""Files and folders of a region that are not as one would hope: nothing lost, nothing mixed."""

from __future__ import annotations

import pandas as pd
import pytest
from made_region import made_buildings, made_ledger, made_region

import pvplanner as pvp
from pvplanner.errors import ConfigError
from pvplanner.plan.store import SharedStore
from pvplanner.region import read_region
from pvplanner.region.config import BASE
from pvplanner.region.folder import ABOUT, FILES, FOLDERS
from pvplanner.region.survey import survey_region
from pvplanner.region.unit import Village


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
