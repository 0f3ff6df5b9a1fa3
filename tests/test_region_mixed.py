"""Files and folders of a region that are not as one would hope: nothing lost, nothing mixed."""

from __future__ import annotations

import pytest
from made_region import made_region

import pvplanner as pvp
from pvplanner.errors import ConfigError
from pvplanner.region.folder import ABOUT, FILES, FOLDERS


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
