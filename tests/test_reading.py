"""Numbers, identifiers, headings, stamps and tables as people write them, with values by hand."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from helps import texts
from hypothesis import given
from hypothesis import strategies as st

import pvplanner as pvp
from pvplanner.buildings import findings_of
from pvplanner.reading import is_total, one_spelling, parse_times, plain_text, read_numbers
from pvplanner.reading.columns import knows, map_columns, mapped_findings
from pvplanner.reading.tables import heading_row, read_long_table, read_table, separator_of
from pvplanner.reading.times import zone_hours
from pvplanner.reading.values import is_unit, read_number, unit_factor

# --- numbers, identifiers, totals, headings, stamps -----------------------------------------------

NUMBERS = {
    ("1,800", ""): 1800.0, ("1800,5", ""): 1800.5, ("1.800,5", ""): 1800.5, ("1 800", ""): 1800.0,
    ("１２３", ""): 123.0, ("-4.5", ""): -4.5, ("3e3", ""): 3000.0, (".5", ""): 0.5,
    ("1,234,567.8", ""): 1_234_567.8, ("0.32万度", "energy"): 3200.0, ("3200度", "energy"): 3200.0,
    ("1.5MWh", "energy"): 1500.0, ("3.6 GJ", "energy"): 1000.0, ("2万kWh", "energy"): 20_000.0,
    ("3.2万元", "money"): 32_000.0, ("1.5万", "money"): 15_000.0, ("¥1,200", "money"): 1200.0,
    ("25 ft", "length"): 7.62, ("7 米", "length"): 7.0, ("650cm", "length"): 6.5,
    ("12㎡", "area"): 12.0, ("0.03亩", "area"): 20.0, ("60%", "share"): 0.6, ("2层", "count"): 2.0,
    ("30°", "angle"): 30.0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "dimension"), NUMBERS)
def test_numbers_as_people_write_them(text, dimension):
    assert read_number(text, dimension) == pytest.approx(NUMBERS[text, dimension], rel=1e-12)


@pytest.mark.parametrize("text", ["", "abc", "12 furlong", "1-2", "3,2,1x", "kWh", "12 m", "--"])
def test_what_is_no_number_is_none(text):
    assert read_number(text) is None
    assert read_number(text, "energy") is None


def test_a_column_with_decimal_commas_writes_them_all():
    assert read_numbers(texts(["9,465", "2,0", "12,5"])).tolist() == [9.465, 2.0, 12.5]
    assert read_numbers(texts(["9,465", "2,100", None])).tolist()[:2] == [9465.0, 2100.0]
    assert np.isnan(read_numbers(texts(["x", None]))).all()
    assert read_numbers(texts(["0.3", "5 kWh"]), "energy", 1e4).tolist() == [3000.0, 5.0]


@given(st.floats(0.01, 1e7), st.sampled_from(["", "度", "kWh", "万度", "MWh"]))
def test_a_number_and_its_unit_come_back(value, unit):
    factor = unit_factor(unit, "energy") if unit else 1.0
    read = read_number(f"{value!r}{unit}", "energy")
    assert read == pytest.approx(value * factor, rel=1e-12)


def test_units_of_another_dimension_are_none():
    assert unit_factor("m", "energy") is None
    assert unit_factor("万", "length") is None
    assert unit_factor("kWh/年", "energy") == 1.0


SAME = {
    "7": ["7", " 7 ", "7.0", "７", "7\u200b", "\ufeff7"],
    "A-1": ["A-1", "Ａ－１", "A—1", "A–1"],
    "房 1": ["房 1", "房　1", " 房  1 "],
    "0012": ["0012"],
    "7.10": ["7.10"],
}


def test_identifiers_have_one_spelling():
    for right, spelled in SAME.items():
        assert one_spelling(texts(spelled)).tolist() == [right] * len(spelled)
    assert one_spelling(pd.Series([7.0, 12.0])).tolist() == ["7", "12"]
    assert one_spelling(pd.Series([330_212_202_301_010_000])).tolist() == ["330212202301010000"]
    assert one_spelling(texts(["", "  ", None])).isna().all()


def test_numbers_of_any_type_are_identifiers():
    assert one_spelling(pd.Series([1e15, 999_999_999_999_999.0])).tolist() == [
        "1.00000000000000E+15", "999999999999999",
    ]  # fmt: skip
    assert one_spelling(pd.Series([2.5, np.nan, 3.0], dtype=object)).tolist()[::2] == ["2.5", "3"]
    assert one_spelling(pd.Series([1, 2])).tolist() == ["1", "2"]
    assert one_spelling(texts(["'007", '="007"', '=""', "O'Neil"])).tolist() == [
        "007", "007", pd.NA, "O'Neil",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "dimension", "factor"),
    [("千元", "money", 1e3), ("百元", "money", 100), ("亿元", "money", 1e8), ("万", "energy", 1e4),
     ("千", "money", 1e3), ("万米", "length", None), ("万kg", "energy", None), ("", "energy", None),
     ("kW·h", "energy", 1), ("万㎡", "area", 1e4), ("kW", "energy", None), ("百", "share", None)],
)  # fmt: skip
def test_factors_of_units(unit, dimension, factor):
    assert unit_factor(unit, dimension) == factor


def test_a_sign_of_money_is_no_part_of_other_numbers():
    assert read_number("¥12.5", "money") == 12.5
    assert read_number("¥12.5", "energy") is None
    assert read_number("$3", "money") == 3.0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("W/m2", True),
        ("万元", True),
        ("12 m", False),
        ("户号", False),
        ("(kWh)", True),
        ("", False),
    ],
)
def test_what_is_a_unit(text, right):
    assert is_unit(text) == right


def test_plain_text_loses_no_letter():
    assert plain_text("张\x0b三\u202e") == "张 三"
    assert plain_text("a\tb\n c") == "a b c"


TOTALS = ["合计", "合 计", "合计（8户）", "本页小计", "总计", "Total", "TOTAL:", "Grand total",
          "东村小计", "Hamlet total", "平均", "Total households: 8", "小计：", "全村合计",
          "共计", "累计", "subtotal", "本表合计", "sum"]  # fmt: skip
HOUSEHOLDS = ["H1", "合作社", "计划生育办", "总务室", "Totalview", "summer", "小计划", "12", "会计"]


def test_totals_are_told_from_households():
    assert is_total(texts(TOTALS)).all()
    assert not is_total(texts(HOUSEHOLDS)).any()


def test_headings_with_units_marks_and_years():
    aliases = {"use": ("年用电量", "consumption_kwh"), "who": ("户号", "household_id")}
    for heading, factor in {
        "年用电量（万度）": 1e4,
        "年用电量(kWh)": 1.0,
        "年用电量/度": 1.0,
        "年用电量": 1.0,
        "年用电量（2023年）": 1.0,
        "*年用电量 ": 1.0,
        "CONSUMPTION_KWH": 1.0,
        "年用电量[MWh]": 1e3,
        "年用电量（必填）": 1.0,
    }.items():
        found = map_columns([heading, "户号"], aliases, where="x", dimensions={"use": "energy"})
        assert found.used == {"use": heading, "who": "户号"}
        assert found.factors["use"] == factor, heading
    odd = map_columns(["年用电量（米）"], aliases, where="x", dimensions={"use": "energy"})
    assert odd.odd == {"年用电量（米）": "use"}
    assert odd.used == {}
    near = map_columns(["月用电量", "备注"], {"use": ("用电量",)}, where="x")
    assert near.near == {"月用电量": "use"}
    assert near.unread == ("月用电量", "备注")
    given = map_columns(["户 号", "X"], aliases, where="x", given={"X": "use"})
    assert given.used["use"] == "X"
    with pytest.raises(pvp.ConfigError, match="joins no column"):
        map_columns(["A"], aliases, where="x", given={"B": "use"})


STAMPS = {
    "2023-01-05 07:30": "2023-01-05 07:30",
    "2023/1/5 7:30": "2023-01-05 07:30",
    "20230105": "2023-01-05",
    "202301050730": "2023-01-05 07:30",
    "20230105 07:30": "2023-01-05 07:30",
    "2023年1月5日 7时30分": "2023-01-05 07:30",
    "2023年1月5日": "2023-01-05",
    "44931.3125": "2023-01-05 07:30",
    "2023-01-05T07:30:00": "2023-01-05 07:30",
    "2023-01-05 24:00": "2023-01-06",
    "05.01.2023 07:30": "2023-01-05 07:30",
    "２０２３-０１-０５": "2023-01-05",
}


@pytest.mark.parametrize("text", STAMPS)
def test_stamps_as_loggers_write_them(text):
    times, offset = parse_times(texts([text, None]))
    assert times[0] == pd.Timestamp(STAMPS[text])
    assert times.isna().tolist() == [False, True]
    assert offset is None


HALF_DAYS = {"2023-01-05 12:30 AM": "00:30", "2023/1/5 1:05:00 pm": "13:05", "下午 3:00": "15:00",
             "2023-01-05 12:00 p.m.": "12:00", "2023-01-05 上午 12:15": "00:15",
             "2023-01-05 11:59 pm": "23:59", "2023-01-05 13:00": "13:00"}  # fmt: skip


@pytest.mark.parametrize("text", HALF_DAYS)
def test_half_days_are_told_apart(text):
    day = "" if text.startswith("2023") else "2023-01-05 "
    times, _ = parse_times(texts([day + text]))
    assert times[0] == pd.Timestamp(f"2023-01-05 {HALF_DAYS[text]}")


SPOKEN = {"+8": 8.0, "UTC": 0.0, "UTC+8": 8.0, "GMT-5": -5.0, "-3:30": -3.5, "+5:30": 5.5, "8": 8.0,
          "Asia/Shanghai": 8.0, "Europe/Berlin": 1.0, "America/St_Johns": -3.5, "北京时间": 8.0,
          "CST": 8.0, "世界时": 0.0, "东八区": 8.0, "Beijing time": 8.0, "Z": 0.0, "UTC+8h": 8.0,
          "Atlantis/Sea": None, "": None, "local": None, "-0:30": -0.5}  # fmt: skip


@pytest.mark.parametrize("text", SPOKEN)
def test_zones_as_notes_state_them(text):
    assert zone_hours(text) == SPOKEN[text]


@pytest.mark.parametrize(("serial", "day"), [("20000", "1954-10-03"), ("25569", "1970-01-01"),
                                             ("80000", "2119-01-11"), ("19999", None),
                                             ("80001", None)])  # fmt: skip
def test_days_as_a_sheet_counts_them(serial, day):
    times, _ = parse_times(texts([serial]))
    assert times[0] is pd.NaT if day is None else times[0] == pd.Timestamp(day)


def test_parts_of_a_stamp_of_one_digit():
    assert parse_times(texts(["2023-1-5 7:5"]))[0][0] == pd.Timestamp("2023-01-05 07:05")
    both = parse_times(texts(["31.12.2023 1:00", "nonsense"]))[0]
    assert both[0] == pd.Timestamp("2023-12-31 01:00")
    assert both[1] is pd.NaT


def test_stamps_that_say_their_zone_or_leave_the_order_open():
    times, offset = parse_times(texts(["2023-01-05T07:30:00+08:00", "2023-01-05T08:30:00+08:00"]))
    assert offset == 8.0
    assert times[0] == pd.Timestamp("2023-01-05 07:30")
    assert parse_times(texts(["2023-01-05 07:30Z"]))[1] == 0.0
    assert np.isnan(parse_times(texts(["2023-01-05 07:30Z", "2023-01-05 07:30+01:00"]))[1])
    assert parse_times(texts(["2023-01-05 07:30-05:30"]))[1] == -5.5
    assert parse_times(texts(["12/31/2023", "1/2/2023"]))[0][1] == pd.Timestamp("2023-01-02")
    assert parse_times(texts(["31/12/2023", "1/2/2023"]))[0][1] == pd.Timestamp("2023-02-01")
    # Both orders are possible: unknown, never a guess.
    assert parse_times(texts(["1/2/2023"]))[0].isna().all()
    assert parse_times(texts(["12345678.5", "no", "1.5"]))[0].isna().all()


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_text_in_every_usual_encoding_and_separator(tmp_path, encoding, sign):
    body = (
        sign.join(["户号", "说明"])
        + "\n"
        + sign.join(["H1", '"两\n行"'])
        + "\n\n"
        + sign.join(["H2", "x"])
    )
    (tmp_path / "a.csv").write_bytes(body.encode(encoding))
    table = read_table(tmp_path / "a.csv").rows
    assert table["户号"].tolist() == ["H1", "H2"]
    assert table.index.tolist() == [2, 5]
    assert separator_of(body) == sign


BROKEN = {
    "old workbook": (b"\xd0\xcf\x11\xe0" + bytes(512), "xls", "old Excel"),
    "page for a workbook": (b"<html></html>", "xlsx", "it is HTML"),
    "text for a workbook": (b"a,b\n1,2\n", "xlsx", "it is text"),
    "archive for a workbook": (None, "xlsx", "it is ZIP"),
    "bytes for text": (b"a,b\n1,\x00\x01\n", "csv", "zero bytes"),
    "no encoding": (b"a,b\n1,\xff\xfe\xff\n", "csv", "row 2.*neither UTF-8"),
    "cut workbook": (b"PK\x03\x04" + bytes(80), "xlsx", "can't be read"),
    "one cell too many": (b"a,b\n1,2\n1,800,3\n", "csv", "row 3.*3 cells under 2"),
    "missing": (b"", "none", "no such file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_table_is_one_clear_line(tmp_path, kind):
    body, suffix, said = BROKEN[kind]
    path = tmp_path / f"ledger.{suffix}"
    if body is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "x")
    elif kind != "missing":
        path.write_bytes(body)
    with pytest.raises(pvp.InputError, match=said) as found:
        read_table(path)
    assert "ledger" in str(found.value)
    assert "\n" not in str(found.value)


def test_a_bomb_of_a_workbook_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(620):
                part.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(pvp.InputError, match=r"unpacks to far more .* \(620 MB\)"):
        read_table(path)


def test_hostile_xml_in_a_workbook_is_one_line(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["户号", "房屋编号"])
    held = io.BytesIO()
    book.save(held)
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {c} "{"&" + p + ";" * 1}{("&" + p + ";") * 9}">'
        for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    ) + "]><worksheet>&i;</worksheet>"  # fmt: skip
    path = tmp_path / "ledger.xlsx"
    with zipfile.ZipFile(held) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, bomb if name.endswith("sheet1.xml") else old.read(name))
    with pytest.raises(pvp.InputError) as found:
        pvp.read_households(path)
    assert "ledger.xlsx" in str(found.value)


def test_a_stray_cell_far_out_costs_nothing(tmp_path):
    book = openpyxl.Workbook()
    for row in (["户号", "房屋编号"], ["H1", "1"]):
        book.active.append(row)
    book.active["XFD1048576"] = "."
    book.save(tmp_path / "ledger.xlsx")
    table = read_table(tmp_path / "ledger.xlsx", lambda h: h in ("户号", "房屋编号")).rows
    assert table.loc[2, "户号"] == "H1"
    assert table.shape[1] == 2


def test_formulas_errors_and_booleans_of_a_sheet(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["户号", "房屋编号", "年用电量", "低保"],
        ["H1", 1, "=100*12", True],
        ["H2", 2.0, 1300, False],
    ):
        sheet.append(row)
    book.save(tmp_path / "ledger.xlsx")
    households, links = pvp.read_households(tmp_path / "ledger.xlsx")
    assert links["building_id"].tolist() == ["1", "2"]
    assert households["low_income"].tolist() == [True, False]
    assert households["consumption_kwh"].isna().tolist() == [True, False]
    empty = next(f for f in findings_of(households) if f.code == "formulas_empty")
    assert (empty.params["cell"], empty.params["formula"]) == ("C2", "=100*12")
    assert empty.doubtful


# --- headings, closer -----------------------------------------------------------------------------

ENERGY = {"use": "energy"}


def test_what_is_known_of_headings():
    known = knows({"use": ("年用电量", "kwh"), "who": ("户号",)}, ENERGY)
    for heading in ("户号", "户号（必填）", "年用电量（万度）", "KWH", "年用电量万度", "kwh_mwh"):
        assert known(heading), heading
    for heading in ("户", "用电", "年用电量的一半", ""):
        assert not known(heading), heading
    bare = knows({"who": ("户号", "id")})
    assert bare("ID")
    assert not bare("年用电量")


def test_units_behind_given_and_plain_headings():
    given = map_columns(
        ["耗电（万度）", "收入", "层 (m)"], {"use": ("x",), "money": ("y",), "floors": ("z",)},
        where="f", given={"耗电（万度）": "use", "money": "收入", "层 (m)": "floors"},
        dimensions=ENERGY,
    )  # fmt: skip
    assert given.factors == {"use": 1e4, "money": 1.0, "floors": 1.0}
    plain = map_columns(["名称 (旧)", "kwh"], {"name": ("名称",), "use": ("kwh",)}, where="f",
                        dimensions=ENERGY)  # fmt: skip
    assert plain.factors == {"name": 1.0, "use": 1.0}
    tail = map_columns(["height_ft"], {"height": ("height",)}, where="f",
                       dimensions={"height": "length"})  # fmt: skip
    assert tail.factors["height"] == pytest.approx(0.3048)
    assert map_columns(["heights"], {"height": ("height",)}, where="f",
                       dimensions={"height": "length"}).used == {}  # fmt: skip


def test_a_pair_of_the_users_map_must_join_both():
    aliases = {"use": ("kwh",), "who": ("id",)}
    for pair in ({"use": "B"}, {"B": "use"}, {"A": "B"}, {"use": "who"}):
        with pytest.raises(pvp.ConfigError, match=r"joins no column.*A, C"):
            map_columns(["A", "C"], aliases, where="f", given=pair)
    assert map_columns(["use", "A"], aliases, where="f", given={"use": "A"}).used == {"use": "A"}


def test_what_resembles_a_missing_column_and_what_does_not():
    aliases = {"use": ("用电量", "consumption"), "who": ("户号",), "a": ("量",)}
    found = map_columns(["consumtion", "月用电量", "户", "体量大", "备注"], aliases, where="f")
    assert found.near == {"consumtion": "use", "月用电量": "use"}
    assert found.absent == ("use", "who", "a")
    assert found.unread == ("consumtion", "月用电量", "户", "体量大", "备注")


def test_the_first_of_several_headings_is_taken_and_many_are_counted():
    many = [f"x{n}" for n in range(40)]
    found = map_columns(["用电量", "kwh", *many], {"use": ("kwh", "用电量")}, where="f",
                        dimensions=ENERGY)  # fmt: skip
    assert found.used == {"use": "kwh"}
    assert found.unread == ("用电量", *many)
    told = mapped_findings(found, "f.csv")[0]
    assert told.count == 41
    assert told.params["unread"].endswith("“x28” (+11)")
    assert told.params["absent"] == "-"


# --- tables, closer -------------------------------------------------------------------------------


def saved(tmp_path, rows, merged=(), more=()) -> object:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    for name, other in more:
        sheet = book.create_sheet(name)
        for row in other:
            sheet.append(row)
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


HEADS = ["户号", "房屋编号", "用电"]
KNOWN = HEADS.__contains__


def test_merged_cells_in_far_columns_and_short_rows(tmp_path):
    wide = [*HEADS, *[f"c{n}" for n in range(25)]]
    first = ["A", "1", "5", *[None] * 24, "z"]
    rows = [wide, first, [None, "2"], [None, "3"], ["B", "4"]]
    path = saved(tmp_path, rows, ["A2:A4", "AB2:AB3", "B5:C5"])
    table = read_table(path, KNOWN).rows
    assert table["户号"].tolist() == ["A", "A", "A", "B"]
    assert table["c24"].fillna("").tolist() == ["z", "z", "", ""]
    assert table["房屋编号"].tolist() == ["1", "2", "3", "4"]


def test_sheets_are_told_by_their_headings(tmp_path):
    rows = [HEADS, ["A", "1", "5"]]
    one = [("空", []), ("只有表头", [HEADS]), ("说明", [["户号", "怎么填"], ["x", "y"]])]
    assert [f.code for f in read_table(saved(tmp_path, rows, more=one), KNOWN).findings] == [
        "sheets_unread"
    ]
    two = [("二组", [HEADS, ["B", "2", "6"]])]
    found = read_table(saved(tmp_path, rows, more=two), KNOWN).findings
    assert [f.code for f in found] == ["sheets_alike"]
    near = [("二组", [["户号", "房屋编号", "别的"], ["B", "2", "6"]])]
    found = read_table(saved(tmp_path, rows, more=near), KNOWN).findings
    assert [f.code for f in found] == ["sheets_alike"]
    few = [("二组", [["户号", "b", "c"], ["B", "2", "6"]])]
    found = read_table(saved(tmp_path, rows, more=few), KNOWN).findings
    assert [f.code for f in found] == ["sheets_unread"]


def test_headings_that_are_empty_or_twice_get_names_of_their_own(tmp_path):
    (tmp_path / "a.csv").write_text("a,,a,a,\n1,2,3,4,\n", encoding="utf-8")
    assert list(read_table(tmp_path / "a.csv").rows.columns) == ["a", "column 2", "a (2)", "a (3)"]


def test_headings_are_looked_for_in_the_first_rows_only(tmp_path):
    for blank, found in ((14, True), (15, False)):
        text = "甲,乙,丙\n" * blank + "户号,房屋编号,用电\nA,1,5\n"
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        table = read_table(tmp_path / "a.csv", KNOWN).rows
        assert ("户号" in table.columns) == found
    (tmp_path / "b.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    assert list(read_table(tmp_path / "b.csv", KNOWN).rows.columns) == ["x", "y"]
    (tmp_path / "c.csv").write_text("", encoding="utf-8")
    assert read_table(tmp_path / "c.csv", KNOWN).rows.empty


def test_long_tables_keep_their_rows(tmp_path):
    text = "抄表,,\n户号;房屋编号;用电\n ;;kWh\nA; 1;5\n\nB;2;6\n"
    (tmp_path / "a.csv").write_text(text, encoding="gb18030")
    read = read_long_table(tmp_path / "a.csv", KNOWN)
    assert list(read.rows.columns) == ["户号", "房屋编号", "用电 (kWh)"]
    assert read.rows["房屋编号"].tolist() == ["1", "2"]
    assert read.rows.index.tolist() == [4, 6]
    assert [f.code for f in read.findings] == ["text_read_as"]
    plain = "户号,房屋编号,用电\nA,1,5\n"
    (tmp_path / "b.csv").write_text(plain, encoding="utf-8")
    assert read_long_table(tmp_path / "b.csv", KNOWN).rows.index.tolist() == [2]
    path = saved(tmp_path, [HEADS, ["A", "1", "5"]])
    assert read_long_table(path, KNOWN).rows["户号"].tolist() == ["A"]
    path.rename(tmp_path / "named.csv")
    assert read_long_table(tmp_path / "named.csv", KNOWN).rows["户号"].tolist() == ["A"]
    (tmp_path / "no.xlsx").write_text(plain, encoding="utf-8")
    with pytest.raises(pvp.InputError, match="it is text"):
        read_long_table(tmp_path / "no.xlsx", KNOWN)


def test_headings_of_a_file_from_its_beginning(tmp_path):
    (tmp_path / "a.csv").write_bytes(
        ("标题,,\n户号,房屋编号,用电\n" + "甲,1,2\n" * 5000).encode("gb18030")
    )
    assert heading_row(tmp_path / "a.csv", KNOWN) == HEADS
    assert heading_row(saved(tmp_path, [HEADS, ["A", "1", "5"]]), KNOWN) == HEADS
    (tmp_path / "b.csv").write_bytes(b"\xff\xff\xff\n")
    assert heading_row(tmp_path / "b.csv", KNOWN) == []
    (tmp_path / "c.csv").write_bytes(b"")
    assert heading_row(tmp_path / "c.csv", KNOWN) == []
