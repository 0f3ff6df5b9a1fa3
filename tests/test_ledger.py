"""Ledgers as offices send them: ids, units, titles, totals, columns that were not read."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from helps import codes

import pvplanner as pvp
from pvplanner.buildings import findings_of, join_households

# --- ledger ---------------------------------------------------------------------------------------


def write_ledger(tmp_path, text, name="ledger.csv") -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


@pytest.mark.parametrize(
    ("cell", "said"),
    [("3.30212202301010E+17", "15 digits"), ("2023-01-02 00:00:00", "spreadsheet made a date")],
)
def test_ids_that_a_spreadsheet_spoilt_are_refused(tmp_path, cell, said):
    for head in ("户号,房屋编号", "房屋编号,户号"):
        with pytest.raises(pvp.InputError, match=rf"row 2, \w+: .*{said}") as found:
            pvp.read_households(write_ledger(tmp_path, f"{head}\n{cell},1\n"))
        assert cell in str(found.value)


IDS = pd.Series(["1", "2", "3", "A-4", "005"])


@pytest.mark.parametrize(
    ("told", "right"),
    [("1,2", ["1", "2"]), ("1，2", ["1", "2"]), ("1；2", ["1", "2"]), ("1、2", ["1", "2"]),
     ("1/2", ["1", "2"]), ("1 2", ["1", "2"]), ("a-4", ["A-4"]), ("A4", ["A-4"]), ("5", ["005"]),
     ("3号", ["3"]), ("3.0", ["3"]), ("３", ["3"])],
)  # fmt: skip
def test_building_ids_as_ledgers_write_them(tmp_path, told, right):
    other = "" if told == "5" else "H2,005"
    path = write_ledger(tmp_path, f'户号,房屋编号\nH1,"{told}"\n{other}\n')
    households, links = pvp.read_households(path)
    _, shares, findings = join_households(IDS, households, links, where="ledger.csv")
    assert shares.loc[shares["household_id"] == "H1", "building_id"].tolist() == right
    guessed = told in ("a-4", "A4", "5", "3号")
    assert ("ids_taken_for" in codes(findings)) == guessed
    assert all(f.doubtful for f in findings if f.code == "ids_taken_for")


def test_a_resemblance_that_two_share_is_no_match(tmp_path):
    path = write_ledger(tmp_path, "户号,房屋编号\nH1,5\nH2,1\n")
    households, links = pvp.read_households(path)
    ids = pd.Series(["005", "05", "1"])
    _, shares, findings = join_households(ids, households, links, where="ledger.csv")
    assert "H1" not in set(shares["household_id"])
    assert "ledger_buildings_unmatched" in codes(findings)


def test_titles_pages_and_blank_rows_keep_their_numbers(tmp_path):
    text = "里岙村台账,,\n单位：度,,\n户号,房屋编号,年用电量\nH1,1,2000\n\n"
    text += "户号,房屋编号,年用电量\nH2,2,-5\n"
    with pytest.raises(pvp.InputError, match=r"row 7, consumption_kwh: '-5'"):
        pvp.read_households(write_ledger(tmp_path, text))
    households, _ = pvp.read_households(write_ledger(tmp_path, text.replace("-5", "2100")))
    assert households["consumption_kwh"].tolist() == [2000, 2100]


@pytest.mark.parametrize(
    ("heading", "value", "code"),
    [("年用电量", "0.24", "ledger_use_odd"), ("年用电量", "2400000", "ledger_use_odd"),
     ("耗电", "2400", "column_numbers"), ("年用電量", "2400", "column_near"),
     ("年用电量（元）", "2400", "column_unit")],
)  # fmt: skip
def test_use_in_an_unsaid_unit_or_unread_is_doubted(tmp_path, heading, value, code):
    path = write_ledger(tmp_path, f"户号,房屋编号,{heading}\nH1,1,{value}\nH2,2,{value}\n")
    found = [f for f in findings_of(pvp.read_households(path)[0]) if f.doubtful]
    assert codes(found) == [code]
    assert found[0].where == "ledger.csv"


def test_every_file_says_what_was_taken_and_what_was_not(tmp_path):
    path = write_ledger(tmp_path, "户号,房屋编号,电话\nH1,1,123\n")
    told = next(f for f in findings_of(pvp.read_households(path)[0]) if f.code == "columns_read")
    assert "“户号” = household_id" in told.params["taken"]
    assert told.params["unread"] == "“电话”"
    assert "consumption_kwh" in told.params["absent"]
    assert "电话" in told.text("zh")
    assert "年用电量" in told.text("zh") or "用电" in told.text("zh")


def doubts_of(tmp_path, text) -> list[str]:
    households, _ = pvp.read_households(write_ledger(tmp_path, text))
    return [f.code for f in findings_of(households) if f.doubtful]


@pytest.mark.parametrize("income", ["2.8", "28", "0.3", "99999999"])
def test_incomes_that_nobody_has_are_doubted(tmp_path, income):
    text = f"户号,房屋编号,年收入\nH1,1,{income}\nH2,2,31000\n"
    assert doubts_of(tmp_path, text) == ["ledger_income_odd"]
    assert doubts_of(tmp_path, text.replace(income, "28000").replace("31000", "0")) == []


def test_a_unit_in_the_title_holds_where_no_other_is_stated(tmp_path):
    text = "收入表（单位：千元）,,\n户号,房屋编号,年收入\nH1,1,28\nH2,2,31\n"
    households, _ = pvp.read_households(write_ledger(tmp_path, text))
    assert households["income_today"].tolist() == [28_000, 31_000]
    stated = text.replace("年收入", "年收入（万元）").replace(",28", ",2.8").replace(",31", ",3.1")
    households, _ = pvp.read_households(write_ledger(tmp_path, stated))
    assert households["income_today"].tolist() == [28_000, 31_000]


def test_units_in_a_row_under_the_headings(tmp_path):
    text = "户号,房屋编号,年用电量,年收入\n,,万度,万元\nH1,1,0.24,3\n"
    households, _ = pvp.read_households(write_ledger(tmp_path, text))
    assert households[["consumption_kwh", "income_today"]].iloc[0].tolist() == [2400, 30_000]
    inside = "户号,房屋编号,年用电量（单位：万度）\nH1,1,0.24\n"
    households, _ = pvp.read_households(write_ledger(tmp_path, inside))
    assert households["consumption_kwh"].tolist() == [2400]


def test_totals_in_any_column_and_headings_of_groups_are_no_households(tmp_path):
    text = "户号,房屋编号,年用电量,备注\n一组,,,\nH1,1,2400,\n二组,,,\nH2,2,2500,\n"
    text += "Z,,4900,合计\n户均,,2450,\n共计2户,,4900,\n全镇,,4900,\n"
    households, _ = pvp.read_households(write_ledger(tmp_path, text))
    assert households["household_id"].tolist() == ["H1", "H2"]
    told = {f.code: f for f in findings_of(households)}
    assert told["ledger_lone"].params["cells"] == "一组, 二组"
    assert told["ledger_totals"].count == 4


def test_sheets_of_the_same_headings_are_asked_about(tmp_path):
    book = openpyxl.Workbook()
    for sheet, rows in ((book.active, "AB"), (book.create_sheet("二组"), "CD")):
        sheet.append(["户号", "房屋编号", "年用电量"])
        for n, name in enumerate(rows):
            sheet.append([name, n, 2400])
    book.create_sheet("说明").append(["填表说明"])
    book.save(tmp_path / "ledger.xlsx")
    households, _ = pvp.read_households(tmp_path / "ledger.xlsx")
    told = next(f for f in findings_of(households) if f.code == "sheets_alike")
    assert (told.params["others"], told.doubtful) == ("二组", True)


def test_a_merged_household_holds_all_its_rows(tmp_path):
    book = openpyxl.Workbook()
    for row in (["户号", "房屋编号"], ["H1", 1], [None, 2], ["H2", 3]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "ledger.xlsx")
    _, links = pvp.read_households(tmp_path / "ledger.xlsx")
    assert links[["household_id", "building_id"]].to_numpy().tolist() == [
        ["H1", "1"], ["H1", "2"], ["H2", "3"],
    ]  # fmt: skip


def test_marks_of_text_are_no_part_of_an_id(tmp_path):
    text = '户号,房屋编号\n\'001,"=""2"""\n'
    _, links = pvp.read_households(write_ledger(tmp_path, text))
    assert links[["household_id", "building_id"]].to_numpy().tolist() == [["001", "2"]]
