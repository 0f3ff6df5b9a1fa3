"""The list for grid company and county: by transformer, in the county's columns, and what lacks."""

from __future__ import annotations

import itertools

import openpyxl
import pytest
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.buildings import read_households
from pvplanner.documents.bank import borrowers
from pvplanner.documents.filing import filing_rows, known_columns, missing, read_columns
from pvplanner.documents.verifying import verify_document
from pvplanner.errors import InputError
from pvplanner.words import label, texts

LEDGER = """户号,建筑编号,户主,发电户号,地址,表箱,不动产权证号,年龄,负债
h0,B0,韩䶮,3300123,里岙 1 号,A-1,浙 001,61,20000
h1,B1,=1+1,0012,,A-2,,40,
h2,B2,Wu,,里岙 3 号,,,,0
"""


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    folder = tmp_path_factory.mktemp("village")
    (folder / "l.csv").write_text(LEDGER, "utf-8")
    made = hamlet(3)
    made["building_id"] = ["B0", "B1", "B2"]
    return pvp.Scenario.from_toml(write_village(folder, made, 'households = "l.csv"\n'))


def test_the_ledger_keeps_what_offices_ask_for(tmp_path, village):
    homes, _ = read_households(village.site.households)
    told = homes.set_index("household_id")
    assert list(told["grid_account"].fillna("")) == ["3300123", "0012", ""]
    assert told["age"]["h0"] == 61
    assert told["debts"]["h0"] == 20_000
    assert told["address"].isna().tolist() == [False, True, False]
    (tmp_path / "plain.csv").write_text("household_id,building_id\nh0,B0\n")
    plain, _ = read_households(tmp_path / "plain.csv")
    assert not {"grid_account", "age", "debts"} & set(plain)
    (tmp_path / "odd.csv").write_text("household_id,building_id,age\nh0,B0,461\n")
    with pytest.raises(InputError, match="461"):
        read_households(tmp_path / "odd.csv")


def test_every_plant_once_by_transformer(liao):
    rows = filing_rows(liao)
    built = liao.buildings[liao.buildings["modules"] > 0]
    assert sorted(rows["building_id"]) == sorted(built["building_id"])
    assert rows["capacity_kwp"].sum() == pytest.approx(liao.summary()["capacity_kwp"])
    nodes = rows["transformer_id"].fillna("").tolist()
    # Each transformer's plants stand together.
    assert len(set(nodes)) == len([n for n, _ in itertools.groupby(nodes)])
    assert list(rows.columns) == known_columns()
    own = rows.set_index("building_id").loc["LA0001"]
    assert own["investor"] == "household"
    assert own["feed_mode"] == "full_feed_in"


def test_what_a_house_lacks_is_named(village):
    plan = pvp.plan_village(village.override({"documents.installer": "某公司"}))
    lacks = missing(filing_rows(plan), known_columns()).set_index("building_id")["lacks"]
    assert "grid_account" not in lacks["B0"]
    assert {"address", "house_certificate"} <= set(lacks["B1"])
    assert {"grid_account", "meter_box"} <= set(lacks["B2"])
    assert all("installer" not in own for own in lacks)
    assert all("licence" in own for own in lacks)
    # Only what the county's form asks for.
    assert missing(filing_rows(plan), ["building_id", "installer"]).empty


def test_a_countys_own_columns(village, tmp_path):
    form = tmp_path / "form.csv"
    form.write_text(
        "heading,column\n用户编号,grid_account\n容量kW,capacity_kw_ac\n姓名,household_name\n"
    )
    plan = pvp.plan_village(village)
    target = pvp.save_filing(plan, tmp_path / "f.xlsx", columns=form, language="zh")
    held = openpyxl.load_workbook(target, data_only=True)[label("sheet_filing", "zh")]
    rows = list(held.iter_rows(values_only=True))
    assert rows[0] == ("用户编号", "容量kW", "姓名")
    assert [row[2] for row in rows[1:4]] == ["韩䶮", "=1+1", "Wu"]
    assert [row[0] for row in rows[1:4]] == ["3300123", "0012", None]
    assert rows[-1][1] == pytest.approx(plan.arrays["capacity_kw_ac"].sum())
    plan.save(tmp_path / "plan")
    assert verify_document(target, tmp_path / "plan").found == "same"
    for text, code in (("heading,column\na,nothing\n", "filing_column"),
                       ("name,what\na,b\n", "filing_columns")):  # fmt: skip
        form.write_text(text)
        with pytest.raises(InputError) as told:
            read_columns(form, "en")
        assert told.value.code == code


def test_sums_are_formulas_over_the_rows(liao, tmp_path):
    target = pvp.save_filing(liao, tmp_path / "f.xlsx", language="en")
    shown = openpyxl.load_workbook(target, data_only=True)
    sheet = shown[label("sheet_filing", "en")]
    heads = [c.value for c in sheet[1]]
    at = heads.index(label("filing_capacity_kwp", "en"))
    total = liao.summary()["capacity_kwp"]
    assert sheet.cell(sheet.max_row, at + 1).value == pytest.approx(total)
    formulas = openpyxl.load_workbook(target)[label("sheet_filing", "en")]
    last = formulas.cell(formulas.max_row, at + 1).value
    nodes = liao.result("transformers")
    assert last.count(":") == 2 * int((nodes["own_fits_kw"] > 0).sum())
    by_node = shown[label("sheet_filing_nodes", "en")]
    assert by_node.cell(by_node.max_row, 4).value == pytest.approx(total)
    lacking = shown[label("sheet_filing_missing", "en")]
    assert lacking.max_row > 100


def test_the_bank_reads_age_and_other_debts(village):
    plan = pvp.plan_village(
        village.override({"loan.share": 0.5, "loan.years": 8, "loan.rate": 0.04})
    )
    rows = borrowers(plan).set_index("household_id")
    assert rows["age_at_end"]["h0"] == 69
    assert "flag_age" in rows["flags"]["h0"]
    assert "flag_other_debts" in rows["flags"]["h0"]
    assert "flag_other_debts" not in rows["flags"]["h2"]
    assert rows["age_at_end"].isna()["h2"]


def test_nothing_to_file(tmp_path):
    plan = pvp.plan_village(
        pvp.Scenario.from_toml(write_village(tmp_path, hamlet(2))).override(
            {"module.min_modules": 500}
        )
    )
    with pytest.raises(InputError) as told:
        pvp.save_filing(plan, tmp_path / "f.xlsx")
    assert told.value.code == "filing_none"
    assert texts("en")["said_filing"]


def test_names_and_accounts_stand_in_no_page(village, tmp_path):
    plan = pvp.plan_village(village)
    page = pvp.save_report(plan, tmp_path / "r.html").read_text("utf-8")
    drawn = pvp.save_map(plan, tmp_path / "m.html").read_text("utf-8")
    for private in ("3300123", "里岙 1 号", "浙 001"):
        assert private not in page
        assert private not in drawn
