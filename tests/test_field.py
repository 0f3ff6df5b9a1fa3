"""What the field sends, kind by kind: each in several forms, with values from geometry and sums."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import io
import string
import tomllib
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from spoils import (
    CRS,
    GROUND,
    LAT,
    LON,
    Village,
    _heights,
    day_shape,
    ledger,
    meter_rows,
    outlines,
    save_surface,
    save_weather,
    weather_rows,
)

import pvplanner as pvp
from pvplanner.buildings import findings_of, join_households, metric_crs
from pvplanner.demand import read_meter
from pvplanner.errors import LANGUAGES, Finding, doubts
from pvplanner.reading import is_total, one_spelling, parse_times, plain_text, read_numbers
from pvplanner.reading.columns import map_columns
from pvplanner.reading.tables import read_table, separator_of
from pvplanner.reading.values import read_number, unit_factor
from pvplanner.reference import legal_zone, province_of

PACKAGE = ROOT / "pvplanner"


def rows_of(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader((PACKAGE / path).read_text("utf-8").splitlines()))


def texts(values) -> pd.Series:
    return pd.Series(list(values), dtype="string")


def used(frame):
    return frame[frame["status"] != "set_aside"]


def codes(found) -> list[str]:
    return [f.code for f in found]


# --- numbers, identifiers, totals, headings, stamps ---------------------------------------------

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


# --- tables -------------------------------------------------------------------------------------


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
    with pytest.raises(pvp.InputError, match=r"unpacks to 0\.6 GB"):
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


# --- ledger -------------------------------------------------------------------------------------


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


# --- outlines -----------------------------------------------------------------------------------


def written(tmp_path, frame, name="houses.gpkg", **more) -> Path:
    frame.to_file(tmp_path / name, **more)
    return tmp_path / name


def with_outline(shape, **values) -> gpd.GeoDataFrame:
    houses = outlines()
    extra = gpd.GeoDataFrame({"building_id": ["X"], **values}, geometry=[shape], crs=CRS)
    return pd.concat([houses, extra], ignore_index=True)


AROUND = {
    "boundary": lambda h: h.union_all().convex_hull.buffer(30),
    "frame": lambda h: shapely.box(*h.total_bounds).buffer(200, join_style="mitre"),
    "block of three": lambda h: h.geometry.iloc[:3].union_all().convex_hull.buffer(1.5),
    "boundary of parts": lambda h: shapely.MultiPolygon(
        [h.geometry.iloc[:5].union_all().convex_hull, h.geometry.iloc[5:].union_all().convex_hull]
    ).buffer(3),
}


@pytest.mark.parametrize("kind", AROUND)
def test_what_surrounds_houses_is_no_roof(tmp_path, kind):
    frame = with_outline(AROUND[kind](outlines()))
    found = pvp.read_buildings(written(tmp_path, frame))
    assert used(found).geometry.area.sum() == pytest.approx(1200, rel=1e-9)
    aside = found.set_index("building_id").loc["X"]
    assert aside["status_reason"].startswith("surrounds")
    assert "shape_surrounds" in codes(findings_of(found))


def test_what_stands_on_a_roof_is_no_house(tmp_path):
    hall = shapely.box(0, 0, 60, 40)
    heads = [shapely.box(5 + 12 * n, 5, 8 + 12 * n, 9) for n in range(4)]
    x, y = 620_000.0, 3_289_000.0
    shapes = [shapely.affinity.translate(s, x, y) for s in (hall, *heads)]
    frame = gpd.GeoDataFrame({"building_id": list("ABCDE")}, geometry=shapes, crs=CRS)
    found = pvp.read_buildings(written(tmp_path, frame))
    assert used(found)["building_id"].tolist() == ["A"]


def test_parts_that_fill_a_building_are_the_building(tmp_path):
    x, y = 620_000.0, 3_289_000.0
    whole = shapely.box(x, y, x + 30, y + 12)
    parts = [shapely.box(x + 10 * n, y, x + 10 * n + 10, y + 12) for n in range(3)]
    frame = gpd.GeoDataFrame({"building_id": list("ABCD")}, geometry=[whole, *parts], crs=CRS)
    found = pvp.read_buildings(written(tmp_path, frame))
    assert used(found)["building_id"].tolist() == ["A"]


def dxf(path: Path, layers: dict[str, list[list[tuple[float, float]]]]) -> Path:
    """A drawing (R12) of closed polylines."""
    out = ["0", "SECTION", "2", "ENTITIES"]
    for layer, rings in layers.items():
        for ring in rings:
            out += ["0", "POLYLINE", "8", layer, "66", "1", "70", "1"]
            for x, y in ring:
                out += ["0", "VERTEX", "8", layer, "10", f"{x:.3f}", "20", f"{y:.3f}"]
            out += ["0", "SEQEND", "8", layer]
    path.write_text("\n".join([*out, "0", "ENDSEC", "0", "EOF", ""]), encoding="ascii")
    return path


def ring_of(shape) -> list[tuple[float, float]]:
    return list(shape.exterior.coords)[:-1]


def test_layers_of_a_drawing_are_chosen_and_listed(tmp_path):
    houses = [ring_of(s) for s in outlines().geometry]
    frame = [ring_of(shapely.box(*outlines().total_bounds).buffer(300, join_style="mitre"))]
    path = dxf(tmp_path / "a.dxf", {"JMD": houses, "TK": frame})
    assert used(pvp.read_buildings(path, crs=CRS)).geometry.area.sum() == pytest.approx(1200)
    named = pvp.read_buildings(path, crs=CRS, layer="jmd")
    assert len(named) == 10
    with pytest.raises(pvp.InputError, match=r"JMD \(10\), TK \(1\)"):
        pvp.read_buildings(path, crs=CRS, layer="roof")
    odd = dxf(tmp_path / "b.dxf", {"L1": houses, "L2": frame})
    with pytest.raises(pvp.InputError, match=r"several layers.*L1 \(10\), L2 \(1\)"):
        pvp.read_buildings(odd, crs=CRS)
    with pytest.raises(pvp.InputError, match="sheet's frame"):
        pvp.read_buildings(path, crs=CRS, layer="TK")


CORNERS = {3: 43.3, 5: 60.0, 7: 90.0, 12: 108.0}


def test_rings_of_any_length_are_areas(tmp_path):
    x, y, rings, areas = 620_000.0, 3_289_000.0, [], []
    for n, (corners, _) in enumerate(CORNERS.items()):
        turn = 2 * np.pi * np.arange(corners) / corners
        ring = np.column_stack([x + 30 * n + 6 * np.cos(turn), y + 6 * np.sin(turn)])
        rings.append([tuple(p) for p in ring])
        areas.append(0.5 * corners * 36 * np.sin(2 * np.pi / corners))
    found = pvp.read_buildings(dxf(tmp_path / "r.dxf", {"0": rings}), crs=CRS)
    assert sorted(found.geometry.area) == pytest.approx(sorted(areas), abs=0.02)


TABLES_OF = {
    "GBK as UTF-8": ("GBK", "UTF-8"),
    "GBK as OEM": ("GBK", "OEM"),
    "GBK as System": ("GBK", "System"),
    "GBK as 1252": ("GBK", "ANSI 1252"),
    "GBK unsaid": ("GBK", None),
    "UTF-8 as 936": ("UTF-8", "936"),
    "UTF-8 as GBK": ("UTF-8", "GBK"),
    "UTF-8 as 1252": ("UTF-8", "1252"),
    "GBK as 936": ("GBK", "936"),
}


@pytest.mark.parametrize("kind", TABLES_OF)
def test_the_bytes_of_a_table_outweigh_its_code_page(tmp_path, kind):
    encoding, page = TABLES_OF[kind]
    names = [f"房-{n:03d}" for n in range(1, 11)]
    frame = outlines().assign(bldg_id=names, hamlet="东村").drop(columns="building_id")
    path = written(tmp_path, frame, "houses.shp", encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if page:
        path.with_suffix(".cpg").write_text(page)
    found = pvp.read_buildings(path)
    assert found["building_id"].tolist() == names
    assert set(found["hamlet"]) == {"东村"}


def test_western_letters_stay_what_they_are(tmp_path):
    frame = outlines().assign(hamlet="Straße Süd").rename(columns={"building_id": "bldg_id"})
    path = written(tmp_path, frame, "houses.shp", encoding="ISO-8859-1")
    path.with_suffix(".cpg").write_text("ISO-8859-1")
    assert set(pvp.read_buildings(path)["hamlet"]) == {"Straße Süd"}


@pytest.mark.parametrize("at", [(0.0, 0.0), (1e7, 1e7), (-5.0, 3.0), (620_000.0, 0.0)])
def test_a_stray_decides_nothing(tmp_path, at):
    frame = with_outline(shapely.box(*at, at[0] + 12, at[1] + 10))
    found = pvp.read_buildings(written(tmp_path, frame))
    assert len(found) == 11
    assert len(used(found)) == 10
    assert "shape_far_away" in codes(findings_of(found))


def test_a_formula_in_the_column_of_ids_is_named(tmp_path):
    book = openpyxl.Workbook()
    for row in (["户号", "房屋编号"], ['="H"&B2', 1]):
        book.active.append(row)
    book.save(tmp_path / "ledger.xlsx")
    with pytest.raises(pvp.InputError, match="A2 holds a formula without a value"):
        pvp.read_households(tmp_path / "ledger.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig", "utf-16"])
def test_tables_of_ones_own_in_any_encoding(tmp_path, encoding):
    from pvplanner.reading import read_small_table

    (tmp_path / "t.csv").write_bytes("year,因子,note\n2025,0.5,甲\n2026,0.4,\n".encode(encoding))
    table = read_small_table(tmp_path / "t.csv")
    assert table["year"].tolist() == [2025, 2026]
    assert table["因子"].tolist() == [0.5, 0.4]
    assert table["note"].iloc[0] == "甲"


PLACES = {
    "sea": (29.7, 124.3, None, True), "Anhui for Zhejiang": (29.8, 118.0, "Zhejiang", True),
    "Ningbo": (29.72, 121.25, "Zhejiang", False), "Ningbo unsaid": (29.72, 121.25, None, False),
    "Kashi": (39.47, 75.99, "Xinjiang", False), "Delft": (52.0, 4.36, None, False),
    "Delft as Zhejiang": (52.0, 4.36, "Zhejiang", True), "Lhasa": (29.65, 91.1, "Xizang", False),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_where_houses_lie_is_held_against_what_is_said(name):
    from pvplanner.plan.site import find_place

    lat, lon, province, doubted = PLACES[name]
    point = gpd.GeoSeries([shapely.Point(lon, lat)], crs=4326).to_crs(metric_crs(lon, lat))
    houses = gpd.GeoDataFrame({"division_code": [None]}, geometry=point.buffer(6))
    place, found = find_place(houses, province)
    assert ("place_apart" in codes(found)) == doubted
    assert (place.latitude, place.longitude) == pytest.approx((lat, lon), abs=1e-4)


def test_the_zone_in_which_houses_would_lie_right_is_named():
    from pvplanner.plan.site import find_place

    houses = outlines().set_crs("EPSG:4550", allow_override=True).assign(division_code=None)
    told = next(f for f in find_place(houses, "Zhejiang")[1] if f.code == "place_apart")
    assert "EPSG:4549" in told.params["instead"]
    coded = outlines().set_crs("EPSG:4548", allow_override=True)
    found = find_place(coded.assign(division_code="330212202203"), None)[1]
    assert "place_apart" in codes(found)


def test_division_codes_name_provinces():
    assert province_of("330212202203") == "Zhejiang"
    assert province_of("650102202200") == "Xinjiang"
    assert province_of("990000000000") is None


def test_all_china_keeps_one_time():
    for lat, lon in ((30.66, 104.06), (39.47, 75.99), (43.8, 87.6), (31.2, 121.5), (22.3, 114.2)):
        assert legal_zone(lat, lon) == 8.0
    assert legal_zone(52.0, 4.36) == 0.0
    assert legal_zone(33.4, -112.0) == -7.0


# --- meters -------------------------------------------------------------------------------------

YEAR_KWH = 8 * 365


def write_meter(tmp_path, rows, name="meter.csv", encoding="utf-8") -> Path:
    (tmp_path / name).write_bytes(rows.to_csv(index=False).encode(encoding))
    return tmp_path / name


@pytest.mark.parametrize("step", [60, 30, 20, 15, 10])
def test_energies_of_parts_of_an_hour_add_up(tmp_path, step):
    meter = read_meter(write_meter(tmp_path, meter_rows(step)))
    assert meter.sum().tolist() == pytest.approx([YEAR_KWH, 0.7 * YEAR_KWH], rel=1e-4)
    day = day_shape(1440 // step).reshape(24, -1).sum(axis=1)
    assert meter["H1"].to_numpy()[:24] == pytest.approx(day, abs=1e-4)


@pytest.mark.parametrize("first", [0.0, 15_234.0, 98_500.0, 9_990.0])
@pytest.mark.parametrize("step", [60, 15])
def test_a_dial_is_read_by_its_differences(tmp_path, first, step):
    rows = meter_rows(step)
    before = rows.groupby("household_id")["kwh"].cumsum() - rows["kwh"]
    modulus = 10_000 if first == 9_990.0 else 100_000
    dial = ((before + first) % modulus).round(4)
    meter = read_meter(write_meter(tmp_path, rows.assign(kwh=dial)))
    assert meter.sum().tolist() == pytest.approx([YEAR_KWH, 0.7 * YEAR_KWH], rel=1e-3)
    assert any(c.startswith("meter_register") for c in codes(meter.attrs["findings"]))


def test_a_dial_that_falls_back_is_no_rollover(tmp_path):
    rows = meter_rows()
    dial = rows.groupby("household_id")["kwh"].cumsum().reset_index(drop=True)
    dial[5000:8760] -= 1500
    with pytest.raises(pvp.InputError, match=r"row 5002, H1: the dial goes back"):
        read_meter(write_meter(tmp_path, rows.assign(kwh=dial.to_numpy())))


UNITS_OF = {
    "电量(Wh)": 1000.0,
    "kwh": 1.0,
    "用电量（度）": 1.0,
    "energy [MWh]": 0.001,
    "Wh": 1000.0,
}


@pytest.mark.parametrize("heading", UNITS_OF)
def test_the_unit_of_a_heading_is_used(tmp_path, heading):
    rows = meter_rows(scale=UNITS_OF[heading]).rename(columns={"kwh": heading})
    meter = read_meter(write_meter(tmp_path, rows))
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-3)


@pytest.mark.parametrize(("scale", "unit"), [(1000.0, "Wh"), (0.001, "MWh")])
def test_a_use_that_no_household_has_is_refused_unless_the_unit_is_stated(tmp_path, scale, unit):
    path = write_meter(tmp_path, meter_rows(scale=scale))
    with pytest.raises(pvp.InputError, match=rf"no household's use.*{unit}"):
        read_meter(path)
    meter = read_meter(path, unit=unit)
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-3)
    with pytest.raises(pvp.ConfigError, match="no unit 'furlong'"):
        read_meter(path, unit="furlong")


def test_power_is_energy_over_time(tmp_path):
    rows = meter_rows(15)
    power = rows.assign(kwh=rows["kwh"] * 4).rename(columns={"kwh": "功率(kW)"})
    assert read_meter(write_meter(tmp_path, power))["H2"].sum() == pytest.approx(
        0.7 * YEAR_KWH, rel=1e-4
    )
    stated = read_meter(write_meter(tmp_path, rows.assign(kwh=rows["kwh"] * 4)), unit="kW")
    assert stated["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-4)


@pytest.mark.parametrize("count", [24, 48, 96])
@pytest.mark.parametrize("form", ["p{n}", "p{n:02d}", "P{n:03d}", "clock"])
def test_days_of_points_in_any_spelling(tmp_path, count, form):
    if form == "clock":
        step = 1440 // count
        names = [f"{n * step // 60:02d}:{n * step % 60:02d}" for n in range(count)]
    else:
        names = [form.format(n=n) for n in range(1, count + 1)]
    day = day_shape(count) * count / 24
    days = pd.date_range("2023-01-01", periods=365).strftime("%Y%m%d")
    rows = pd.DataFrame(np.tile(day, (365, 1)), columns=names).assign(户号="H1", 日期=days)
    meter = read_meter(write_meter(tmp_path, rows, encoding="gb18030"))
    assert meter["H1"].sum() == pytest.approx(YEAR_KWH, rel=1e-9)
    assert meter["H1"].to_numpy()[:24] == pytest.approx(day.reshape(24, -1).mean(axis=1))


@pytest.mark.parametrize("first", [0, 1])
def test_a_day_and_an_hour_in_columns_of_their_own(tmp_path, first):
    rows = meter_rows()
    times = pd.to_datetime(rows["time"])
    hours = (times.dt.hour + first).astype(str)
    split = rows.assign(日期=times.dt.strftime("%Y-%m-%d"), 小时=hours).drop(columns="time")
    right = read_meter(write_meter(tmp_path, rows, "right.csv"))
    assert read_meter(write_meter(tmp_path, split)).to_numpy() == pytest.approx(right.to_numpy())


@pytest.mark.parametrize("step", [60, 30, 15])
@pytest.mark.parametrize("stand", ["begin", "middle", "end"])
def test_stamps_at_either_end_are_the_same_year(tmp_path, step, stand):
    rows = meter_rows(step)
    shift = {"begin": 0, "middle": step / 2, "end": step}[stand]
    late = pd.to_datetime(rows["time"]) + pd.Timedelta(minutes=shift)
    moved = rows.assign(time=late.dt.strftime("%Y-%m-%d %H:%M:%S"))
    right = read_meter(write_meter(tmp_path, rows, "right.csv"))
    meter = read_meter(write_meter(tmp_path, moved))
    assert meter.to_numpy() == pytest.approx(right.to_numpy(), abs=1e-9)


BAD_METERS = {
    "a day apart": (lambda r: r.iloc[::24], "1440 minutes apart"),
    "no stamps": (lambda r: r.assign(time="soon"), r"row 2: the time 'soon'"),
    "no household": (lambda r: r.assign(household_id=""), "row 2, household_id: a reading has no"),
    "no columns": (lambda r: r.rename(columns={"kwh": "x1", "time": "y"}), "lacks.*columns are"),
    "ids cut": (lambda r: r.assign(household_id="3.30212E+17"), "15 digits"),
    "negative": (lambda r: r.assign(kwh=-1), r"row 2, H1: '-1' at 2023-01-01 00:00"),
    "twice": (lambda r: pd.concat([r.iloc[:9], r.iloc[8:]]), "comes twice"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_METERS)
def test_bad_meters_name_row_value_and_what_to_do(tmp_path, kind):
    make, said = BAD_METERS[kind]
    with pytest.raises(pvp.InputError, match=said) as found:
        read_meter(write_meter(tmp_path, make(meter_rows())))
    assert "meter.csv" in str(found.value)
    assert found.value.text("zh") != found.value.text("en")


def test_one_household_in_another_unit_is_doubted(tmp_path):
    rows = meter_rows()
    more = pd.concat([rows, rows.assign(household_id=rows["household_id"] + "b")])
    odd = more.assign(kwh=more["kwh"].where(more["household_id"] != "H2b", more["kwh"] * 1000))
    meter = read_meter(write_meter(tmp_path, odd))
    told = next(f for f in meter.attrs["findings"] if f.code == "meter_odd")
    assert told.doubtful
    assert "H2b" in told.params["households"]
    # What one household uses is not for the public edition.
    assert "H2b" not in told.text("zh", public=True)


# --- weather ------------------------------------------------------------------------------------


def halves(weather) -> tuple[float, float]:
    roofs = {"capacity_kwp": 1.0, "surface_tilt": 35.0, "surface_azimuth": [90.0, 270.0]}
    made = pvp.simulate_energy(pd.DataFrame(roofs), weather, scenario=pvp.Scenario())
    return tuple(made["energy_kwh"])


@pytest.mark.parametrize("step", [60, 30, 15, 10])
@pytest.mark.parametrize("stand", ["begin", "middle", "end"])
@pytest.mark.parametrize("light", ["all", "ghi"])
def test_the_sun_is_found_wherever_stamps_stand(tmp_path, step, stand, light):
    rows = weather_rows(step)
    shift = {"begin": 0, "middle": step / 2, "end": step}[stand]
    rows["time"] = rows["time"] + pd.Timedelta(minutes=shift)
    if light == "ghi":
        rows = rows[["time", "ghi", "temp_air"]]
    save_weather(tmp_path / "w.csv", rows)
    east, west = halves(pvp.read_weather(tmp_path / "w.csv"))
    assert east / west == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("lon", [104.06, 87.6, 121.5])
def test_hours_in_china_are_in_its_one_time(tmp_path, lon):
    import pvlib

    hours = pd.date_range("2023-01-01", periods=8760, freq="h", tz="Etc/GMT-8")
    sun = pvlib.solarposition.get_solarposition(hours + pd.Timedelta(minutes=30), 31.0, lon)
    clear = 900 * np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
    rows = pd.DataFrame({"time": hours.tz_localize(None), "ghi": clear, "temp_air": 20.0})
    save_weather(tmp_path / "w.csv", rows, f"# latitude: 31\n# longitude: {lon}\n")
    weather = pvp.read_weather(tmp_path / "w.csv")
    assert weather.data.index[0].utcoffset() == dt.timedelta(hours=8)
    east, west = halves(weather)
    assert east / west == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("name", ["dni", "dhi"])
@pytest.mark.parametrize("months", [12, 6, 2])
def test_a_component_that_reads_nothing_is_derived(tmp_path, name, months):
    rows = weather_rows()
    save_weather(tmp_path / "sound.csv", rows)
    gone = rows["time"].dt.month <= months
    save_weather(tmp_path / "w.csv", rows.assign(**{name: rows[name].where(~gone, 0.0)}))
    weather = pvp.read_weather(tmp_path / "w.csv")
    told = next(f for f in weather.findings if f.code == "weather_silent")
    assert told.doubtful
    assert told.params["column"] == name
    sound = sum(halves(pvp.read_weather(tmp_path / "sound.csv")))
    assert sum(halves(weather)) == pytest.approx(sound, rel=0.02)


def test_too_few_components_are_refused(tmp_path):
    save_weather(tmp_path / "w.csv", weather_rows().assign(dni=0.0, ghi=0.0))
    with pytest.raises(pvp.InputError, match=r"w\.csv"):
        pvp.read_weather(tmp_path / "w.csv")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.assign(dni=r["dni"].to_numpy()[::-1]),
        lambda r: r.assign(dhi=r["dhi"] + 300 * (r["ghi"] > 0)),
        lambda r: r.assign(dni=r["dni"] * 1.0 + 700 * (r["ghi"] > 50)),
    ],
)
def test_components_that_contradict_each_other_are_no_year(tmp_path, spoil):
    save_weather(tmp_path / "w.csv", spoil(weather_rows()))
    with pytest.raises(pvp.InputError, match="contradict each other"):
        pvp.read_weather(tmp_path / "w.csv")
    # Whoever knows which two are sound may say so.
    assert pvp.read_weather(tmp_path / "w.csv", trusted="ghi_dhi").trusted == "ghi_dhi"


@pytest.mark.parametrize("hours", [2, 3, -3, 5])
def test_a_zone_that_the_light_refutes_is_refused(tmp_path, hours):
    rows = weather_rows()
    rows["time"] = rows["time"] + pd.Timedelta(hours=hours)
    save_weather(tmp_path / "w.csv", rows)
    with pytest.raises(pvp.InputError, match=r"sun's noon|at night"):
        pvp.read_weather(tmp_path / "w.csv")


# --- surface models -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    return Village.made(tmp_path_factory.mktemp("field") / "v")


def seen(village, path, **more):
    houses = pvp.read_buildings(village.path("buildings"))
    return pvp.model_roofs(houses, scenario=pvp.Scenario(), dsm=path, **more)


SLOPED = 1200 / np.cos(np.radians(25))


def held(planes) -> None:
    own = planes[planes["source"] == "dsm"]
    assert own["building_id"].nunique() == 10
    assert own["area_m2"].sum() == pytest.approx(SLOPED, rel=0.05)
    assert np.average(own["surface_tilt"], weights=own["area_m2"]) == pytest.approx(25, abs=2)


@pytest.mark.parametrize("value", [-9999.0, -32767.0, 0.0, 65535.0, 9999.0])
@pytest.mark.parametrize("tag", [None, -1.0])
@pytest.mark.parametrize("warped", [False, True])
def test_values_that_are_no_heights_are_unknown(village, tmp_path, value, tag, warped):
    heights = _heights(village)
    heights[np.random.default_rng(1).random(heights.shape) < 0.05] = value
    more = {} if tag is None else {"nodata": tag}
    save_surface(tmp_path / "a.tif", heights, **more)
    path = tmp_path / "a.tif"
    if warped:
        heights_in_degrees(path, tmp_path / "b.tif")
        path = tmp_path / "b.tif"
    planes = seen(village, path)
    if warped:
        # Nearest cells of another grid are rougher; the walls stay, no hole becomes a pit.
        assert planes["source"].eq("dsm").sum() >= 15
        assert planes["surface_tilt"].median() == pytest.approx(25, abs=4)
    else:
        held(planes)


def heights_in_degrees(path: Path, out: Path) -> None:
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    with rasterio.open(path) as source:
        place, width, height = calculate_default_transform(
            source.crs, "EPSG:4326", source.width * 2, source.height * 2, *source.bounds
        )
        made = np.full((height, width), source.read(1).flat[0], dtype="float32")
        reproject(
            source.read(1),
            made,
            src_transform=source.transform,
            src_crs=source.crs,
            dst_transform=place,
            dst_crs="EPSG:4326",
            resampling=Resampling.nearest,
        )
        profile = {**source.profile, "crs": "EPSG:4326", "transform": place, "width": width,
                   "height": height}  # fmt: skip
    with rasterio.open(out, "w", **profile) as target:
        target.write(made, 1)


def test_a_polder_at_zero_is_a_height(village, tmp_path):
    heights = _heights(village) - GROUND
    save_surface(tmp_path / "a.tif", np.where(heights < 0.5, 0.0, heights))
    planes = seen(village, tmp_path / "a.tif")
    held(planes)
    assert "raster_unknown" not in codes(planes.attrs["findings"])


@pytest.mark.parametrize(("factor", "unit"), [(1 / 0.3048, "ft"), (100.0, "cm"), (10.0, "dm")])
def test_heights_in_another_unit_are_asked_about(village, tmp_path, factor, unit):
    save_surface(tmp_path / "a.tif", _heights(village) * factor)
    with pytest.raises(pvp.InputError, match=r"a\.tif: .*(roofs slope by|houses stand|no heights)"):
        seen(village, tmp_path / "a.tif")
    houses = pvp.read_buildings(village.path("buildings"))
    said = pvp.Scenario().override({"site.height_unit": unit})
    held(pvp.model_roofs(houses, scenario=said, dsm=tmp_path / "a.tif"))


@pytest.mark.parametrize("shift", [-40.0, -12.0, 12.0, 40.0])
def test_a_terrain_of_another_datum_is_not_used(village, tmp_path, shift):
    save_surface(tmp_path / "bare.tif", np.full(_heights(village).shape, GROUND + shift))
    planes = seen(village, village.folder / "dsm.tif", dtm=tmp_path / "bare.tif")
    held(planes)
    told = next(f for f in planes.attrs["findings"] if f.code == "terrain_off")
    assert told.where == "bare.tif"
    assert float(told.params["gap"]) == pytest.approx(shift, abs=0.3)


def test_a_terrain_of_the_same_datum_is_used(village, tmp_path):
    save_surface(tmp_path / "bare.tif", np.full(_heights(village).shape, GROUND))
    planes = seen(village, village.folder / "dsm.tif", dtm=tmp_path / "bare.tif")
    held(planes)
    assert "terrain_off" not in codes(planes.attrs["findings"])


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_roofs_beyond_the_surface_see_no_wall(village, tmp_path, share):
    from pvplanner.horizon import horizon_angles

    heights = _heights(village)
    save_surface(tmp_path / "a.tif", heights[:, : int(share * heights.shape[1])])
    planes = seen(village, tmp_path / "a.tif")
    around = np.asarray(horizon_angles(planes, dsm=tmp_path / "a.tif"))
    guessed = planes["source"].eq("typology").to_numpy()
    assert guessed.any()
    # A guessed roof's own slope may hide the sky behind its ridge; nothing else stands there.
    south = np.abs(planes["surface_azimuth"].to_numpy() - 180) < 60
    front = around[guessed & south][:, 12:25]
    assert front.max() < 25
    assert {"surface_outside", "surface_gap"} & set(codes(planes.attrs["findings"]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_surface_that_breaks_off_is_one_line(village, tmp_path, share):
    body = (village.folder / "dsm.tif").read_bytes()
    (tmp_path / "dsm.tif").write_bytes(body[: int(share * len(body))])
    with pytest.raises(pvp.InputError, match=r"dsm\.tif.*can't be read") as found:
        seen(village, tmp_path / "dsm.tif")
    assert str(tmp_path.parent) not in str(found.value).split("can't be read")[1]


# --- at the edges -------------------------------------------------------------------------------


def edge(village, tmp_path, name: str):
    """A plan in which no module lies anywhere."""
    scenario = pvp.Scenario.from_toml(village.save())
    if name == "kept out":
        area = gpd.GeoDataFrame(
            geometry=[shapely.box(*outlines().total_bounds).buffer(50)], crs=CRS
        )
        area.to_file(tmp_path / "keep.gpkg")
        return pvp.plan_village(scenario.override({"site.keep_out": str(tmp_path / "keep.gpkg")}))
    keys = {
        "large groups": {"module.min_modules": 500},
        "none is worth it": {"module.yield_share_min": 1.0},
        "no room": {"module.building_limit_kwp": 0.1},
    }
    return pvp.plan_village(scenario.override(keys[name]))


REASONS = {"kept out": {"roof_kept_out"}, "large groups": {"roof_group_small", "roof_low_yield"},
           "no room": {"roof_limited"}}  # fmt: skip


@pytest.mark.parametrize("name", REASONS)
def test_a_plan_without_a_module_has_zeros_and_reasons(village, tmp_path, name):
    plan = edge(village, tmp_path, name)
    total = plan.summary()
    assert (total["modules"], total["energy_kwh"]) == (0, 0)
    used_ = plan.buildings[plan.buildings["status"] != "set_aside"]
    assert set(used_["status_reason"]) <= REASONS[name]
    assert (plan.planes["status_reason"] != "").all()
    for page in (
        pvp.save_map(plan, tmp_path / "m.html"),
        pvp.save_report(plan, tmp_path / "r.html"),
    ):
        assert Path(page).stat().st_size > 1000
    plan.save(tmp_path / "plan")
    assert pvp.Plan.load(tmp_path / "plan").summary()["modules"] == 0


def test_every_grey_roof_of_the_example_says_why(liao):
    grey = liao.buildings[liao.buildings["modules"] == 0]
    assert len(grey) > 20
    assert (grey["status_reason"].fillna("") != "").all()
    built = set(liao.arrays["plane_id"])
    planes = liao.planes
    bare = ~planes["plane_id"].isin(built)
    assert (planes.loc[bare, "status_reason"] != "").all()
    assert (planes.loc[~bare, "status_reason"] == "").all()
    words = {row["key"] for row in rows_of("words/zh/labels.csv")}
    for reason in set(planes["status_reason"]) | set(grey["status_reason"].str.partition(":")[0]):
        assert reason == "" or reason in words


def test_doubts_come_first_wherever_findings_are_listed(village, tmp_path):
    own = village.copy(tmp_path / "v")
    _, told = own.path("households"), ledger().rename(columns={"年用电量": "耗电"})
    told.to_csv(own.path("households"), index=False)
    plan = pvp.plan_village(pvp.Scenario.from_toml(own.save()))
    levels = [f.level for f in plan.findings]
    assert levels == sorted(levels, key=lambda level: level != "doubt")
    assert levels[0] == "doubt"
    page = Path(pvp.save_report(plan, tmp_path / "r.html", language="en")).read_text("utf-8")
    assert page.index('id="doubts"') < page.index("<h2>")
    assert "耗电" in page[page.index('id="doubts"') : page.index("<h2>")]


# --- messages -----------------------------------------------------------------------------------


def catalogue(language: str) -> dict:
    return tomllib.loads((PACKAGE / "words" / language / "messages.toml").read_text("utf-8"))


def calls() -> list[tuple[Path, ast.Call, str]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                named = node.func.id in ("InputError", "ConfigError", "Finding")
                if named and node.args and isinstance(node.args[0], ast.Constant):
                    found.append((path, node, node.args[0].value))
    return found


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_message_names_its_place_and_what_to_do_in_every_language():
    every = calls()
    assert len(every) > 200
    for path, node, code in every:
        said = f"{path.name}:{node.lineno} {code}"
        given = {k.arg for k in node.keywords}
        assert "where" in given or len(node.args) > 1, said
        for language in LANGUAGES:
            entry = catalogue(language)[code]
            if node.func.id != "Finding" or code in doubts():
                assert entry.get("todo"), f"{said} ({language})"
            if node.func.id == "Finding":
                continue
            # What a message shows, whoever raises it gives.
            shown = names_in(entry["text"]) | names_in(entry.get("todo", ""))
            spread = any(k.arg is None for k in node.keywords)
            assert spread or shown <= given | {"where"}, said


def test_every_doubt_is_a_message_with_its_reason():
    known = catalogue("en")
    rows = rows_of("schema/doubts.csv")
    assert len(rows) > 40
    for row in rows:
        assert row["code"] in known
        assert row["why"]
    assert Finding("place_apart").level == "doubt"
    assert Finding("ledger_totals").level == "note"


def test_what_a_file_says_stays_on_one_line():
    told = Finding("values_unread", "a.csv", 1, {"column": "x", "values": "a\nb\r- c", "rows": "2"})
    assert "\n" not in told.text("en")


@pytest.mark.parametrize("lon", [LON, -LON])
def test_the_place_of_the_made_village(lon):
    assert abs(LAT) < 90
    assert abs(lon) < 180
