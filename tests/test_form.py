"""The scenario as a workbook: nothing is lost on the way, and every error names its cell."""

from __future__ import annotations

import datetime as dt
import ntpath
import os
import shutil
import subprocess
import sys

import openpyxl
import pytest
from calling import run
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from spoils import ledger, outlines

import pvplanner as pvp
from pvplanner.form import (
    FIRST_ROW,
    KEY,
    LEDGER_SHEET,
    SHEET,
    VALUE,
    fields,
    open_scenario,
    read_form,
    write_form,
)
from pvplanner.plan import open_plan
from pvplanner.plan.commit import write_beside
from pvplanner.words import label


def again(tmp_path, scenario: pvp.Scenario) -> pvp.Scenario:
    return read_form(write_form(tmp_path / "input.xlsx", scenario))


FULL = {
    "name": "=1+1", "language": "en", "site.columns": {"层 数;=": "floors", "a=b": "height_m"},
    "site.province": "Zhejiang", "site.division_code": "330212202203", "site.synthetic": True,
    "site.layer": "@SUM(A1)", "site.datum": "gcj02", "roof.tilt": {"gable": 27.5, "flat": 0.0},
    "system.loss_items.soiling": [0.01 * n for n in range(1, 13)], "module.min_modules": 6,
    "weather.sun_offset_minutes": 12.5, "demand.profile": [0.1 * n for n in range(1, 25)],
    "tariff.connection_date": dt.date(2025, 3, 1), "tariff.peak_hours": [9, 20],
    "tariff.subsidy_until": dt.date(2029, 1, 1), "finance.model": "cooperative",
    "finance.model_by_class": {"general_commercial": "self_use"}, "finance.capex_per_w": 1 / 3,
    "finance.events": [{"kind": "typhoon", "year": 3, "outage_months": 2.5, "cost_per_w": 0.2}],
    "press": [{"name": "a", "energy_kwh": 1e5, "income": 3e4, "source": "b; c"}],
    "cooperative.pays_rent": False, "loan.pledge": "-3", "doubt.sigma": {"year_to_year": 0.08},
}  # fmt: skip


def test_a_form_gives_the_scenario_back(tmp_path):
    scenario = pvp.Scenario().override(FULL)
    assert again(tmp_path, scenario).model_dump() == scenario.model_dump()
    assert again(tmp_path, pvp.Scenario()).model_dump() == pvp.Scenario().model_dump()


NUMBERS = ("finance.capex_per_w", "finance.discount_rate", "module.flat_tilt", "system.albedo",
           "tariff.export_price", "demand.battery_kwh")  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(st.dictionaries(st.sampled_from(NUMBERS), st.floats(0.001, 0.499), min_size=1))
def test_numbers_come_back_to_the_last_digit(tmp_path_factory, changes):
    scenario = pvp.Scenario().override(changes)
    back = again(tmp_path_factory.mktemp("form"), scenario)
    assert back.model_dump() == scenario.model_dump()


def test_every_key_has_its_words_and_its_row(tmp_path):
    sheet = openpyxl.load_workbook(write_form(tmp_path / "f.xlsx", pvp.Scenario()))[SHEET]
    keys = [field.key for field in fields()]
    rows = range(FIRST_ROW, FIRST_ROW + len(keys))
    assert [sheet.cell(row, KEY).value for row in rows] == keys
    for row in rows:
        assert sheet.cell(row, 2).value
        assert sheet.cell(row, 3).value
        assert sheet.cell(row, VALUE).value is None
    ruled = [rule.formula1 for rule in sheet.data_validations.dataValidation]
    assert len(ruled) > 25


def filled(tmp_path, changes: dict[str, object], rows=()) -> None:
    """A form in which someone has written."""
    path = write_form(tmp_path / "input.xlsx", pvp.Scenario())
    book = openpyxl.load_workbook(path)
    sheet = book[SHEET]
    place = {sheet.cell(row, KEY).value: row for row in range(FIRST_ROW, sheet.max_row + 1)}
    for key, value in changes.items():
        sheet.cell(place[key], VALUE).value = value
    for row in rows:
        book[LEDGER_SHEET].append(list(row))
    book.save(path)
    return path, place


WRITTEN = {
    ("site.synthetic", "是 "): True,
    ("site.synthetic", "no"): False,
    ("site.synthetic", True): True,
    ("finance.model", "self_use"): "self_use",
    ("finance.model", label("cooperative", "zh")): "cooperative",
    ("module.min_modules", "6"): 6,
    ("finance.discount_rate", "5%"): 0.05,
    ("finance.capex_per_w", "2,8"): 2.8,
    ("finance.capex_per_w", 3): 3.0,
    ("tariff.connection_date", dt.datetime(2026, 7, 1)): dt.date(2026, 7, 1),
    ("tariff.connection_date", "2026年7月1日"): dt.date(2026, 7, 1),
    ("weather.sun_offset_minutes", "auto"): "auto",
    ("weather.sun_offset_minutes", 15): 15.0,
    ("tariff.peak_hours", "8；22"): [8, 22],
    ("site.division_code", 330_212_202_203): "330212202203",
    ("roof.tilt", "gable=27；flat=3"): {"gable": 27.0, "flat": 3.0},
    ("site.province", "浙江"): "Zhejiang",
    ("module.orientation", "竖排"): "portrait",
    ("tariff.market_path", "低"): "low",
    ("site.datum", "高德"): "gcj02",
    ("system.loss_items.soiling", "；".join(["2%"] * 12)): [0.02] * 12,
}


@pytest.mark.parametrize(("key", "value"), WRITTEN)
def test_what_people_write_is_understood(tmp_path, key, value):
    path, _ = filled(tmp_path, {key: value})
    made = read_form(path)
    for part in key.split("."):
        made = getattr(made, part)
    assert made == WRITTEN[key, value]


WRONG = {
    ("finance.capex_per_w", "cheap"): "no number",
    ("finance.capex_per_w", -1): "capex_per_w",
    ("module.min_modules", 2.5): "min_modules",
    ("site.synthetic", "maybe"): "neither yes nor no",
    ("tariff.connection_date", "soon"): "no date",
    ("roof.tilt", "27"): "not name=value",
    ("finance.model", "sell"): "unknown business model",
    ("roof.tilt", "dome=3"): "unknown roof type",
    ("cooperative.owners", "upper=0.5"): "sum to 0.5",
    ("site.province", "Atlantis"): "unknown province",
    ("finance.life_years", dt.datetime(2026, 1, 1)): "no number",
}


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_every_error_names_sheet_and_cell(tmp_path, key, value):
    path, place = filled(tmp_path, {key: value})
    with pytest.raises(pvp.ConfigError, match=WRONG[key, value]) as found:
        read_form(path)
    at = f"{SHEET}!D{place[key]}"
    assert at in str(found.value)
    assert "input.xlsx" in str(found.value)


def test_forms_that_are_none(tmp_path):
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(pvp.InputError, match="has no sheet"):
        read_form(tmp_path / "a.xlsx")
    with pytest.raises(pvp.InputError, match="no such file"):
        read_form(tmp_path / "b.xlsx")
    path, _ = filled(tmp_path, {"site.households": "l.csv"}, [["H1", "1"]])
    with pytest.raises(pvp.ConfigError, match="ledger file is stated"):
        read_form(path)
    book = openpyxl.load_workbook(path)
    book[SHEET].cell(FIRST_ROW, KEY).value = "nme"
    book[SHEET].cell(FIRST_ROW, VALUE).value = "x"
    book.save(path)
    with pytest.raises(pvp.ConfigError, match=f"{SHEET}!H{FIRST_ROW}.*'nme'"):
        read_form(path)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A folder as an office has it: footprints, and the form with its own ledger filled in."""
    folder = tmp_path_factory.mktemp("办公室 x") / "我的村"
    folder.mkdir()
    outlines().to_file(folder / "houses.gpkg")
    made = run("init", folder / "houses.gpkg")
    assert made.returncode == 0, made.stderr
    assert (folder / "input.xlsx").is_file()
    book = openpyxl.load_workbook(folder / "input.xlsx")
    sheet = book[LEDGER_SHEET]
    heads = [cell.value for cell in sheet[1]]
    names = {"户号": "户号", "房屋编号": "房屋编号", "户主": "户主", "年用电量": "年用电量"}
    for n, row in enumerate(ledger().to_dict("records"), 2):
        for ours, theirs in names.items():
            value = row[ours] if ours != "年用电量" else float(row[ours])
            sheet.cell(n, heads.index(theirs) + 1).value = value
    book.save(folder / "input.xlsx")
    return folder


def test_a_folder_is_planned_by_its_form(office, tmp_path):
    # Only the form was touched since init wrote both: it counts. Where both were, nobody knows.
    toml = office / "scenario.toml"
    own = toml.read_text("utf-8")
    toml.write_text(own.replace("discount_rate = 0.05", "discount_rate = 0.06"), encoding="utf-8")
    both = run("plan", office, "--only", "tables", "--out", tmp_path / "o")
    assert both.returncode == 2
    assert "say otherwise" in both.stderr
    assert not (tmp_path / "o").exists()
    toml.write_text(own, encoding="utf-8")
    done = run("plan", office, "--only", "tables", "--out", tmp_path / "o", "--language", "en")
    assert done.returncode == 0, done.stderr
    assert "Households: 10" in done.stdout
    ran = pvp.Scenario.from_toml(tmp_path / "o" / "scenario.toml")
    form = read_form(office / "input.xlsx").override({"language": "en"})
    assert ran.site.households.endswith("input.xlsx")
    assert ran.finance == form.finance
    plan = pvp.Plan.load(tmp_path / "o")
    assert plan.households["consumption_kwh"].sum() == sum(2400 + 120 * n for n in range(10))
    check = run("check", office / "input.xlsx", "-o", tmp_path / "c.html")
    assert check.returncode == 0, check.stderr
    assert (tmp_path / "c.html").stat().st_size > 5000


def test_a_console_of_another_code_page_shows_what_it_can(office):
    for page in ("cp936", "ascii"):
        done = subprocess.run(
            [sys.executable, "-m", "pvplanner", "check", str(office / "houses.gpkg"),
             "--language", "zh"],
            capture_output=True, timeout=120,
            env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": page},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
        if page == "cp936":
            assert "建筑".encode(page) in done.stdout


def test_toml_as_windows_writes_it(office, tmp_path):
    folder = tmp_path / "w"
    (folder / "data").mkdir(parents=True)
    shutil.copy(office / "houses.gpkg", folder / "data" / "房屋.gpkg")
    text = 'name = "村"\r\n[site]\r\nbuildings = \'data\\房屋.gpkg\'\r\nprovince = "浙江"\r\n'
    for encoding in ("gb18030", "utf-8-sig", "utf-16"):
        (folder / "scenario.toml").write_bytes(text.encode(encoding))
        scenario = open_scenario(folder)
        assert scenario.site.province == "Zhejiang"
        assert len(pvp.read_buildings(scenario.site.buildings)) == 10


def test_paths_on_another_drive_stay_whole(monkeypatch):
    from pvplanner import scenario as room

    monkeypatch.setattr(room.os.path, "relpath", ntpath.relpath)
    monkeypatch.setattr(room.Path, "resolve", lambda self: self)
    assert (
        room._relative("D:\\data\\houses.gpkg", room.Path("C:\\plans")) == "D:\\data\\houses.gpkg"
    )


def test_a_file_that_excel_holds_open_is_one_line(tmp_path, monkeypatch, capsys):
    from pvplanner import cli

    def held(*paths, **more):
        raise PermissionError(13, "being used by another process", str(paths[-1]))

    outlines().to_file(tmp_path / "houses.gpkg")
    monkeypatch.setattr(os, "replace", held)
    monkeypatch.setattr(sys, "argv", ["pvplanner", "init", str(tmp_path / "houses.gpkg")])
    with pytest.raises(SystemExit) as found:
        cli.main()
    assert found.value.code == 2
    said = capsys.readouterr().err
    assert "being used by another process" in said
    assert "Traceback" not in said
    assert {f.name for f in tmp_path.iterdir()} == {"houses.gpkg"}
    with pytest.raises(PermissionError):
        write_beside(tmp_path / "a.txt", "x")


def test_init_offers_every_model(office):
    from pvplanner.money import all_models

    text = (office / "scenario.toml").read_text("utf-8")
    for model in all_models():
        assert model in text


def test_of_two_the_touched_one_counts(tmp_path):
    outlines().to_file(tmp_path / "houses.gpkg")
    assert run("init", tmp_path / "houses.gpkg").returncode == 0
    toml = tmp_path / "scenario.toml"
    assert open_scenario(tmp_path).finance.discount_rate == 0.05
    text = toml.read_text("utf-8").replace("discount_rate = 0.05", "discount_rate = 0.06")
    toml.write_text(text, encoding="utf-8")
    assert open_scenario(tmp_path).finance.discount_rate == 0.06


def test_halls_get_a_model_that_is_open_to_them(tmp_path):
    houses = outlines().assign(project_class="natural_person_household")
    houses.loc[0, "project_class"] = "general_commercial"
    houses.to_file(tmp_path / "houses.gpkg")
    assert run("init", tmp_path / "houses.gpkg").returncode == 0
    plan = open_plan(open_scenario(tmp_path))
    assert set(plan.result("holdings")["model"]) == {"self_invest", "self_use"}


def test_what_is_gone_from_a_form_is_not_the_default(tmp_path):
    path, place = filled(tmp_path, {})
    book = openpyxl.load_workbook(path)
    book[SHEET].delete_rows(place["finance.capex_per_w"])
    book.save(path)
    with pytest.raises(pvp.ConfigError, match=r"form are missing: finance\.capex_per_w"):
        read_form(path)
    path, place = filled(tmp_path, {"finance.capex_per_w": "=1/0"})
    cell = f"{SHEET}!D{place['finance.capex_per_w']}"
    with pytest.raises(pvp.ConfigError, match=f"{cell}.*the formula =1/0 holds no value"):
        read_form(path)
    path, place = filled(tmp_path, {"site.dsm": "no.tif"})
    cell = f"{SHEET}!D{place['site.dsm']}"
    with pytest.raises(pvp.ConfigError, match=rf"{cell}.*no such file: no\.tif"):
        read_form(path)
    book = openpyxl.load_workbook(path)
    book[SHEET].title = "Sheet1"
    book.save(path)
    with pytest.raises(pvp.InputError, match="has no sheet"):
        read_form(path)


def test_check_names_every_refusal_and_not_only_the_first(tmp_path):
    outlines().to_file(tmp_path / "houses.gpkg")
    (tmp_path / "ledger.csv").write_text("户号,房屋编号,年用电量\nH1,1,-5\n", encoding="utf-8")
    (tmp_path / "w.csv").write_text("time,ghi\nsoon,1\n", encoding="utf-8")
    text = 'name = "a"\n[site]\nbuildings = "houses.gpkg"\nhouseholds = "ledger.csv"\n'
    (tmp_path / "scenario.toml").write_text(text + 'weather = "w.csv"\n', encoding="utf-8")
    done = run("check", tmp_path / "scenario.toml", "--language", "zh")
    assert done.returncode == 2
    assert "ledger.csv, 第 2 行, 年用电量" in done.stderr
    assert "w.csv" in done.stderr


def test_the_file_to_drop_a_folder_on_calls_what_there_is():
    body = (ROOT / "docs" / "windows" / "pvplanner.bat").read_bytes()
    assert body.isascii()
    assert body.count(b"\r\n") == body.count(b"\n")
    text = body.decode()
    for command in ("plan", "init"):
        assert f'"WHAT={command}"' in text
    assert '"%RUN%" %WHAT% "%~1"' in text
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert "--no-index --find-links wheels pvplanner" in page
    assert "docs/windows/pvplanner.bat" in page
