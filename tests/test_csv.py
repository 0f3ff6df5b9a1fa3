"""A plan's tables as CSV: what Excel opens is what the plan holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.plan.folder import save_tables
from pvplanner.plan.layers import plain_table
from pvplanner.schema import TABLES


@pytest.fixture(scope="module")
def folder(liao, tmp_path_factory):
    return save_tables(liao, tmp_path_factory.mktemp("csv") / "t", internal=True)


def read(path):
    assert path.read_bytes()[:3] == b"\xef\xbb\xbf"
    return pd.read_csv(path, encoding="utf-8-sig", dtype=str, keep_default_na=False)


@pytest.mark.parametrize("name", list(TABLES))
def test_every_figure_is_the_plans(liao, folder, name):
    held, own = read(folder / f"{name}.csv"), plain_table(liao.view(name))
    assert list(held.columns) == list(own.columns)
    assert len(held) == len(own)
    for column in own.columns:
        kinds = pd.api.types
        if not kinds.is_numeric_dtype(own[column]) or kinds.is_bool_dtype(own[column]):
            continue
        told = pd.to_numeric(held[column].replace("", np.nan)).to_numpy(dtype=float)
        np.testing.assert_array_equal(told, own[column].to_numpy(dtype=float, na_value=np.nan))


def test_the_dictionary_names_every_column(folder):
    told = read(folder / "dictionary.csv")
    named = set(zip(told["table"], told["column"], strict=True))
    for name in TABLES:
        columns = read(folder / f"{name}.csv").columns
        lost = {c for c in columns if (name, c) not in named and c != "geometry"}
        assert not {c for c in lost if not c.startswith("input_")}


def test_what_is_personal_is_left_out(liao, tmp_path):
    public = save_tables(liao, tmp_path / "t")
    told = read(public / "households.csv")
    assert not {"household_name", "income_today", "low_income", "consumption_kwh"} & set(told)
    names = set(liao.households["household_name"].dropna())
    whole = "".join(p.read_text("utf-8-sig") for p in public.glob("*.csv"))
    assert not [n for n in names if len(n) > 2 and n in whole]


def test_texts_are_no_formulas_and_ids_keep_their_zeros(tmp_path):
    village = hamlet(3)
    village["building_id"] = ["0012", "=1+1", "B,\n2"]
    (tmp_path / "l.csv").write_text(
        "household_id,building_id,household_name\nh0,0012,@SUM\nh1,=1+1,Wu\n", "utf-8"
    )
    path = write_village(tmp_path, village, 'households = "l.csv"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    told = read(save_tables(plan, tmp_path / "t", internal=True) / "households.csv")
    assert "'@SUM" in set(told["household_name"])
    roofs = read(tmp_path / "t/buildings.csv")
    assert {"0012", "'=1+1"} <= set(roofs["building_id"])
    assert roofs["geometry"].str.startswith("POLYGON").all()


def test_the_command(liao, tmp_path):
    from typer.testing import CliRunner

    from pvplanner.cli import app

    liao.save(tmp_path / "plan")
    done = CliRunner().invoke(app, ["tables", str(tmp_path / "plan"), "-o", str(tmp_path / "t")])
    assert done.exit_code == 0
    assert sorted(p.stem for p in (tmp_path / "t").glob("*.csv")) == sorted([*TABLES, "dictionary"])


def test_columns_that_nobody_here_knows_are_the_offices(tmp_path):
    made = hamlet(2)
    made["landlord"] = ["Zhang", "Li"]
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, made)))
    office = (save_tables(plan, tmp_path / "o", internal=True) / "buildings.csv").read_text("utf-8")
    public = (save_tables(plan, tmp_path / "p") / "buildings.csv").read_text("utf-8")
    assert "input_landlord" in office
    assert "Zhang" in office
    assert "landlord" not in public
    assert "Zhang" not in public
