"""The accountant's workbook: the plan's figures, and cash that follows its cells as a plan does."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile

import numpy as np
import openpyxl
import pytest
from helps import rarely
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.documents import cash as cash_sheet
from pvplanner.documents import workbook as books
from pvplanner.documents.cash import (
    CAPEX,
    CHECK,
    COSTS,
    FIRST,
    INTEREST,
    KEPT,
    LOAN,
    PRICE,
    RATE,
    REPAID,
    SHARE,
)
from pvplanner.documents.living import living, reckoned
from pvplanner.documents.verifying import verify_document
from pvplanner.report.tables import listed_households
from pvplanner.words import label, texts

pytest.importorskip("xlsxwriter")
KNOWN = {"SUM", "ROUND", "SUMPRODUCT", "MAX", "COLUMN", "INDEX", "IF", "OR", "AND", "ABS", "IRR",
         "IFERROR", "MATCH", "COUNT", "MIN", "INT", "SUMIF", "XIRR"}  # fmt: skip
"""Functions of Excel 2010 and WPS."""


@pytest.fixture(scope="module")
def book(liao, tmp_path_factory):
    return pvp.save_report(liao, tmp_path_factory.mktemp("book") / "r.xlsx", internal=True)


@pytest.fixture(scope="module")
def calculated():
    """Recalculates a workbook of which no value is kept."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no LibreOffice")

    def again(source, folder, changes=()):
        held = openpyxl.load_workbook(source)
        sheet = held[label("sheet_cash", "zh")]
        for (row, col), value in dict(changes).items():
            sheet.cell(row + 1, col + 1).value = value
        folder.mkdir(parents=True, exist_ok=True)
        held.save(folder / "changed.xlsx")
        told = [office, f"-env:UserInstallation={(folder / 'home').as_uri()}", "--headless",
                "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder / "done"),
                str(folder / "changed.xlsx")]  # fmt: skip
        subprocess.run(told, check=True, capture_output=True, timeout=240)
        return openpyxl.load_workbook(folder / "done" / "changed.xlsx", data_only=True)

    return again


def cells(path):
    """Every formula with the value that stands beside it."""
    shown, formulas = openpyxl.load_workbook(path, data_only=True), openpyxl.load_workbook(path)
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    yield (
                        sheet.title,
                        cell.coordinate,
                        cell.value,
                        shown[sheet.title][cell.coordinate].value,
                    )


def near(one, other):
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 0.0051
    return one == other or {one, other} <= {None, ""}


def rows_of(held, name="sheet_cash"):
    """Rows of households on the sheet of cash, by their identifiers."""
    sheet = held[label(name, "zh")]
    follows, stands = label("sheet_follows", "zh"), label("sheet_stands", "zh")
    for row in sheet.iter_rows(values_only=True):
        how = next((v for v in row if v in (follows, stands)), None)
        if how:
            yield row, how == follows


def test_the_cash_is_the_plans_to_the_fen(liao, book):
    homes = liao.households.set_index("household_id")
    flows = liao.cash_flows()
    mine = flows[flows["party"] == "household"]
    by_year = mine.pivot_table(index="household_id", columns="year", values="yuan", aggfunc="sum")
    held = openpyxl.load_workbook(book, data_only=True)
    seen = 0
    for row, follows in rows_of(held):
        own = homes.loc[row[0]]
        if not own["modules"] > 0:
            continue
        seen += 1
        assert row[4] == pytest.approx(own["income_first_year"], abs=0.006)
        assert row[5] == pytest.approx(own["npv"], abs=0.02)
        if own["payback_years"] == own["payback_years"]:
            assert row[7] == pytest.approx(own["payback_years"], abs=1e-3)
        years = by_year.loc[row[0]].fillna(0).to_numpy()
        assert np.abs(np.array(row[FIRST : FIRST + len(years)], dtype=float) - years).max() < 0.02
        assert follows == (own["model"] == "self_invest")
    assert seen == int((homes["modules"] > 0).sum())


def test_every_formula_has_its_value_and_only_known_functions(book, tmp_path, calculated):
    told = list(cells(book))
    assert len(told) > 10_000
    assert {name for _, _, f, _ in told for name in re.findall(r"([A-Z]+)\(", f)} <= KNOWN
    again = calculated(book, tmp_path)
    off = [(s, c, v, again[s][c].value) for s, c, _, v in told if not near(v, again[s][c].value)]
    assert off == []
    assert again[label("sheet_cash", "zh")].cell(CHECK + 1, 3).value == label("sheet_same", "zh")


@pytest.mark.parametrize(
    "changes",
    [
        {"finance.capex_per_w": 3.4, "finance.discount_rate": 0.06},
        *rarely([
            {"tariff.case_low": 0.2, "tariff.market_path": "low"},
            {"tariff.market_path": "high", "finance.opex_per_w_year": 0.05},
        ]),
    ],
)  # fmt: skip
def test_changed_cells_give_what_a_changed_plan_gives(liao, book, tmp_path, calculated, changes):
    other = liao.under(changes)
    terms = other.terms
    cells_ = {(CAPEX, 2): terms.finance.capex_per_w, (RATE, 2): terms.finance.discount_rate}
    one = living(*other.case())
    for n, price in enumerate(one.price):
        cells_[PRICE, FIRST + 1 + n] = float(price)
    for at, rates in enumerate(one.by_watt.values()):
        for n, rate in enumerate(rates):
            cells_[COSTS + at, FIRST + 1 + n] = float(rate)
    held = calculated(book, tmp_path, cells_)
    assert held[label("sheet_cash", "zh")].cell(CHECK + 1, 3).value == label("sheet_changed", "zh")
    homes = other.households.set_index("household_id")
    seen = 0
    for row, follows in rows_of(held):
        own = homes.loc[row[0]]
        if not follows:
            continue
        seen += 1
        assert row[4] == pytest.approx(own["income_first_year"], abs=0.011)
        assert row[5] == pytest.approx(own["npv"], abs=0.06)
        for at, name in ((6, "irr"), (7, "payback_years")):
            if own[name] == own[name]:
                assert row[at] == pytest.approx(own[name], abs=2e-5), name
            else:
                assert row[at] in (None, "")
    assert seen > 300


def test_what_hangs_on_a_rule_stands_as_planned(tmp_path):
    """Grants and taxes are no products: their rows do not pretend to follow."""
    path = write_village(tmp_path, hamlet(3))
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    people, case = plan.case()
    free = living(people, case)
    assert free.live.all()
    assert np.abs(reckoned(free) - free.cash).max() < 0.011
    granted = plan.under({"finance.grant_per_w": {"natural_person_household": 0.2}})
    assert not living(*granted.case()).live.any()
    late = plan.under({"tariff.connection_date": "2026-06-17"})
    inside = living(*late.case())
    assert inside.live.all()
    assert len(inside.years) == len(inside.kept) + 1
    assert inside.unit.sum() == pytest.approx((inside.kept * inside.price).sum())
    target = pvp.save_report(late, tmp_path / "late.xlsx", language="zh")
    assert len(list(rows_of(openpyxl.load_workbook(target, data_only=True)))) == 3


def test_a_loan_follows_its_cells(tmp_path, calculated):
    """Another price and another part borrowed give what a plan with these gives."""
    path = write_village(tmp_path, hamlet(3))
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    owing = plan.under({"loan.share": 0.5, "loan.years": 9, "loan.rate": 0.04})
    assert living(*owing.case()).live.all()
    target = pvp.save_report(owing, tmp_path / "owing.xlsx", language="zh")
    other = owing.under({"loan.share": 0.7, "finance.capex_per_w": 3.31})
    held = calculated(target, tmp_path / "again", {(CAPEX, 2): 3.31, (SHARE, 2): 0.7})
    one, homes = living(*other.case()), other.households
    rows = list(rows_of(held))
    assert len(rows) == len(homes) == 3
    for n, (row, follows) in enumerate(rows):
        assert follows
        assert row[LOAN] == pytest.approx(one.people["loan"][n], abs=0.006) != 0
        years = np.array(row[FIRST : FIRST + one.cash.shape[1]], dtype=float)
        assert np.abs(years - one.cash[n]).max() < 0.06
        assert row[5] == pytest.approx(homes["npv"][n], abs=0.2)


def test_what_is_not_known_is_no_zero(tmp_path):
    """Of a place without a price there is energy and no money: no cell says 0 for it."""
    path = write_village(tmp_path, hamlet(3), 'province = "Xizang"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    assert plan.households["income_first_year"].isna().all()
    held = openpyxl.load_workbook(
        pvp.save_report(plan, tmp_path / "r.xlsx", language="zh"), data_only=True
    )
    said = label("unknown", "zh")
    sheet = held[label("sheet_households", "zh")]
    heads = [c.value for c in sheet[1]]
    for key in ("income_first_year", "npv"):
        at = heads.index(label(key, "zh", unit=True)) + 1
        assert [sheet.cell(row, at).value for row in range(2, 6)] == [said] * 4
    energy = heads.index(label("energy_kwh", "zh", unit=True)) + 1
    assert sheet.cell(5, energy).value == pytest.approx(plan.households["energy_kwh"].sum())
    for row, _ in rows_of(held):
        assert row[4] == row[5] == said
    paid = {
        row[1]: row[-1] for row in held[label("sheet_ledger", "zh")].iter_rows(2, values_only=True)
    }
    assert paid[label("feed_in", "zh")] == said
    assert paid[label("capital", "zh")] > 0


def test_of_many_households_one_is_chosen(liao, tmp_path, calculated, monkeypatch):
    monkeypatch.setattr(books, "LIVE_MOST", 20)
    target = pvp.save_report(liao, tmp_path / "many.xlsx", internal=True)
    top = COSTS + len(living(*liao.case()).by_watt) + 2
    homes = liao.households.set_index("household_id")
    own_invest = homes[(homes["model"] == "self_invest") & (homes["modules"] > 0)].index
    for household in own_invest[[0, 100]]:
        held = calculated(target, tmp_path / household, {(top, 0): household, (CAPEX, 2): 3.4})
        row = next(held[label("sheet_cash", "zh")].iter_rows(top + 1, top + 1, values_only=True))
        own = liao.under({"finance.capex_per_w": 3.4}).households.set_index("household_id")
        assert row[0] == household
        assert row[5] == pytest.approx(own.loc[household, "npv"], abs=0.06)
        assert row[5] < homes.loc[household, "npv"]


@pytest.mark.long
def test_the_same_plan_gives_the_same_workbook(liao, book, tmp_path):
    liao.save(tmp_path / "plan")
    again = pvp.save_report(pvp.Plan.load(tmp_path / "plan"), tmp_path / "a.xlsx", internal=True)
    assert again.read_bytes() == book.read_bytes()
    assert verify_document(book, tmp_path / "plan").found == "same"
    held = openpyxl.load_workbook(book)
    held[label("sheet_households", "zh")]["C3"] = "x"
    held.save(tmp_path / "b.xlsx")
    assert verify_document(tmp_path / "b.xlsx", tmp_path / "plan").found == "changed"


def test_sums_are_of_what_is_listed(liao, book):
    held = openpyxl.load_workbook(book, data_only=True)
    listed, _ = listed_households(liao, "zh")
    sheet = held[label("sheet_households", "zh")]
    heads = [c.value for c in sheet[1]]
    at = heads.index(label("income_first_year", "zh", unit=True))
    total = sheet.cell(sheet.max_row, at + 1).value
    assert total == pytest.approx(listed["income_first_year"].sum())
    assert sheet.max_row == len(listed) + 2
    ledger = held[label("sheet_ledger", "zh")]
    rows = list(ledger.iter_rows(2, values_only=True))
    paid = liao.result("ledger")["yuan"].sum()
    assert sum(row[-1] for row in rows) == pytest.approx(paid)
    carbon = held[label("sheet_carbon", "zh")]
    assert carbon.cell(2, 4).value == pytest.approx(liao.result("carbon_years")["avoided_t"][0])


def test_texts_are_no_formulas_and_no_links(tmp_path):
    hostile = ["=1+1", "+cmd", "@SUM(A1)", "http://x.y/z", "0012", "<b>&amp;", "a\x07b"]
    village = hamlet(len(hostile))
    rows = "".join(
        f"h{n},{b},{name}\n"
        for n, (b, name) in enumerate(zip(village["building_id"], hostile, strict=True))
    )
    (tmp_path / "l.csv").write_text("household_id,building_id,household_name\n" + rows, "utf-8")
    path = write_village(tmp_path, village, 'households = "l.csv"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path).override({"name": "=HYPERLINK(1)"}))
    target = pvp.save_report(plan, tmp_path / "r.xlsx", internal=True, language="zh")
    held = openpyxl.load_workbook(target)
    sheet = held[label("sheet_households", "zh")]
    names = {c.value: c.data_type for c in sheet["B"]}
    for name in (*hostile[:-1], "ab"):
        assert names[name] == "s"
    assert held[label("sheet_summary", "zh")]["A1"].data_type == "s"
    with zipfile.ZipFile(target) as parts:
        assert not [n for n in parts.namelist() if "rels" in n and b"hyperlink" in parts.read(n)]


def test_the_public_workbook_names_nobody(liao, tmp_path):
    target = pvp.save_report(liao, tmp_path / "p.xlsx")
    with zipfile.ZipFile(target) as parts:
        text = parts.read("xl/sharedStrings.xml").decode("utf-8")
    names = liao.households["household_name"].dropna().unique()
    assert not [name for name in names if len(name) > 2 and name in text]
    sheet = openpyxl.load_workbook(target)[label("sheet_households", "zh")]
    heads = {str(c.value).split(" (")[0] for c in sheet[1]}
    assert label("npv", "zh") in heads
    assert not heads & {label(k, "zh") for k in ("income_today", "low_income", "consumption_kwh")}


def test_every_village_has_its_own_cash(tmp_path):
    both = hamlet(6)
    both["village"] = np.where(np.arange(6) < 3, "A", "B")
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, both)))
    held = openpyxl.load_workbook(pvp.save_report(plan, tmp_path / "r.xlsx", language="en"))
    assert {"Cash 1", "Cash 2", "Carbon 1", "Carbon 2"} <= set(held.sheetnames)
    assert texts("en")["sheet_months"] in held.sheetnames


def test_rows_of_cells_do_not_meet():
    sheet = cash_sheet
    rows = [CAPEX, RATE, SHARE, CHECK, sheet.YEAR, sheet.TIME, sheet.WORTH, KEPT, PRICE,
            sheet.UNIT, INTEREST, REPAID, COSTS]  # fmt: skip
    assert sorted(set(rows)) == rows
