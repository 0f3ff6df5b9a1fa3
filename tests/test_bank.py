"""The bank's workbook: a row a borrower, held against each one's own dossier."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
from villages import hamlet, village, write_village

import pvplanner as pvp
from pvplanner.documents.bank import COLUMNS, FLAGS, borrowers
from pvplanner.documents.household import household_pages
from pvplanner.documents.lending import bank_pages
from pvplanner.documents.mark import Mark
from pvplanner.documents.signed import signed_pages
from pvplanner.documents.verifying import verify_document
from pvplanner.errors import ConfigError, InputError
from pvplanner.words import label, number, texts

LOAN = {"loan.share": 0.7, "loan.years": 10, "loan.rate": 0.045}


@pytest.fixture(scope="module")
def owing(liao):
    return liao.under(LOAN)


@pytest.fixture(scope="module")
def rows(owing):
    return borrowers(owing).set_index("household_id")


@pytest.mark.parametrize("household", ["H001", "H002", "H040"])
def test_a_row_is_what_the_dossier_says(owing, rows, household):
    told, row = owing.dossier(household), rows.loc[household]
    assert row["debt"] == told["finance"]["loan"]
    assert row["invested"] == told["finance"]["capital"]
    assert row["cover_cash"] == pytest.approx(told["life_cover"]["cash_alone"], abs=6e-4)
    assert row["cover_savings"] == pytest.approx(told["life_cover"]["with_savings"], abs=6e-4)
    assert row["short_months"] == told["account"]["short_months"]
    assert row["buffer"] == told["account"]["buffer"]
    first = told["debt_schedule"][0]
    assert row["instalment"] * 12 == pytest.approx(first["interest"] + first["principal"])
    built = told["built"]
    assert row["specific_yield"] == pytest.approx(built["energy_kwh"] / built["capacity_kwp"], 1e-3)
    assert row["price_per_w"] == pytest.approx(3.0)


def test_all_that_borrow_stand_in_it_and_nobody_else(owing, rows):
    owes = owing.households[owing.households["capital"] > 0]["household_id"]
    assert set(rows.index) == set(owes)
    assert rows["debt"].sum() == pytest.approx(0.7 * rows["invested"].sum(), rel=1e-6)


def test_flags_are_as_they_are_defined(rows):
    for row in rows.itertuples():
        told = set(row.flags.split())
        assert told <= set(FLAGS)
        assert ("flag_cover_cash" in told) == (row.cover_cash < 1)
        assert ("flag_cover_savings" in told) == (row.cover_cash < row.cover_savings < 1)
        assert ("flag_cover_thin" in told) == (1 <= row.cover_cash < 1.2)
        assert ("flag_short_months" in told) == (row.short_months > 0)
        off = row.specific_yield / row.yield_median - 1
        assert ("flag_yield_low" in told) == (off < -0.15)
        assert ("flag_yield_high" in told) == (off > 0.15)
        assert "flag_past_mechanism" in told
        assert not told & {"flag_age", "flag_other_debts", "flag_price_high", "flag_price_low"}


def test_a_price_beyond_the_usual_is_flagged(liao):
    for capex, flag in ((3.6, "flag_price_high"), (2.0, "flag_price_low")):
        dear = borrowers(liao.under({**LOAN, "finance.capex_per_w": capex}))
        assert dear["flags"].str.contains(flag).all()


def test_a_collective_is_one_borrower(tmp_path):
    path = write_village(tmp_path, hamlet(4))
    changes = {
        "finance.model": "cooperative",
        "loan.share": 0.5,
        "loan.years": 8,
        "loan.rate": 0.04,
    }
    plan = pvp.plan_village(pvp.Scenario.from_toml(path).override(changes))
    told = borrowers(plan)
    assert list(told["household_id"]) == ["collective"]
    dossier = plan.dossier()
    assert told["debt"][0] == dossier["finance"]["loan"]
    assert told["invested"][0] == dossier["finance"]["capital"]
    target = pvp.save_bank_book(plan, tmp_path / "b.xlsx", language="en")
    held = openpyxl.load_workbook(target, data_only=True)
    assert held["Borrowers"].cell(2, 1).value == texts("en")["collective"]
    sheet = held["Collective by year"]
    schedule = dossier["debt_schedule"]
    for row, one in zip(sheet.iter_rows(2, values_only=True), schedule, strict=False):
        assert row[:3] == (one["year"], one["interest"], one["principal"])
        assert row[4] == pytest.approx(one["cover"], abs=6e-4)
    assert sheet.max_row == len(schedule) + 2


def test_a_developer_is_one_borrower(tmp_path):
    """What it pays and what it has for that are the ledger's."""
    path = write_village(tmp_path, hamlet(4))
    changes = {"finance.model": "developer", "loan.share": 0.5, "loan.years": 8}
    plan = pvp.plan_village(pvp.Scenario.from_toml(path).override(changes))
    told = borrowers(plan).iloc[0]
    assert told["household_id"] == "developer"
    ledger = plan.result("ledger")
    paid = ledger[ledger["payer"] == "developer"]
    capital = paid[paid["item"] == "capital"]["yuan"].sum()
    assert told["invested"] == pytest.approx(capital)
    assert told["debt"] == pytest.approx(capital / 2, abs=0.1)
    assert told["own_money"] == pytest.approx(capital / 2, abs=0.1)
    assert told["price_per_w"] == pytest.approx(plan.terms.finance.capex_per_w, rel=1e-6)
    held = openpyxl.load_workbook(
        pvp.save_bank_book(plan, tmp_path / "b.xlsx", language="en"), data_only=True
    )
    rows = list(held[label("sheet_by_year_developer", "en")].iter_rows(2, values_only=True))
    assert len(rows) == 8 + 1
    covers = []
    for year, row in enumerate(rows[:-1], 1):
        own = ledger[ledger["year"] == year]
        sign = (own["payee"] == "developer") * 1 - (own["payer"] == "developer")
        flows = (own["yuan"] * sign).groupby(own["item"]).sum()
        assert row[1] == pytest.approx(-flows["interest"])
        assert row[2] == pytest.approx(-flows["principal"])
        assert row[3] == pytest.approx(flows.drop(["interest", "principal"]).sum())
        covers.append(row[4])
    assert told["cover_cash"] == pytest.approx(min(covers))


def test_one_owner_of_two_kinds_of_plants_is_two_rows(tmp_path):
    """A developer that lets some roofs and sells to others: each row has its own plants' money."""
    both = hamlet(6)
    both["project_class"] = ["non_natural_person_household"] * 3 + ["general_commercial"] * 3
    path = write_village(tmp_path, both)
    plan = pvp.plan_village(pvp.Scenario.from_toml(path).override({
        **LOAN, "finance.model": "roof_lease",
        "finance.model_by_class": {"general_commercial": "developer"},
    }))  # fmt: skip
    rows = borrowers(plan)
    assert list(rows["household_id"]) == ["developer"] * 2
    assert set(rows["model"]) == {"roof_lease", "developer"}
    ledger = plan.result("ledger")
    for row in rows.itertuples():
        own = ledger[(ledger["model"] == row.model) & (ledger["payer"] == "developer")]
        capital = own[(own["item"] == "capital") & (own["year"] == 0)]["yuan"].sum()
        debt = own[own["item"].isin(["interest", "principal"]) & (own["year"] == 1)]["yuan"].sum()
        assert row.invested == pytest.approx(capital)
        assert row.instalment == pytest.approx(debt / 12)
        assert row.price_per_w == pytest.approx(plan.terms.finance.capex_per_w, rel=1e-6)
        assert row.own_money == pytest.approx(row.invested - row.debt)
    held = openpyxl.load_workbook(pvp.save_bank_book(plan, tmp_path / "b.xlsx", language="en"))
    name = label("sheet_by_year_developer", "en")
    assert {f"{name} 1", f"{name} 2"} <= set(held.sheetnames)
    sheets = bank_pages(plan, "en", Mark("bank_pages", "0" * 64, {}, {}), None)["sheets"]
    schedules = [sheet["schedule"]["rows"] for sheet in sheets]
    assert schedules[0] != schedules[1]


def test_own_money_is_neither_lent_nor_granted(tmp_path):
    """The same in the bank's list, on the household's sheet and above the signatures."""
    grant = {"finance.grant_per_w": {"natural_person_household": 0.2}}
    scenario = village(tmp_path).override({**LOAN, **grant})
    plan = pvp.plan_village(scenario)
    row = borrowers(plan).set_index("household_id").loc["H1"]
    ledger = plan.payments(household="H1").query("year == 0 and party == 'household'")
    paid = ledger.set_index("item")["yuan"]
    own = -paid["capital"] - paid["loan"] - paid["class_grant"]
    assert paid["class_grant"] > 0
    assert row["own_money"] == pytest.approx(own)
    sheet = household_pages(plan, "en", Mark("x", "0" * 64, {}, {}), ["H1"])["sheets"][0]
    shown = f"{number(own, '0', 'en')} CNY"
    assert dict(sheet["bound"])[label("document_household_own", "en")] == shown
    every = borrowers(plan)["own_money"].sum()
    told = signed_pages(plan, "en", [])["debts"]
    assert f"{number(every, '0', 'en')} CNY" in told


def test_the_workbook_shows_the_rows(owing, rows, tmp_path):
    target = pvp.save_bank_book(owing, tmp_path / "b.xlsx", language="zh")
    held = openpyxl.load_workbook(target, data_only=True)
    sheet = held[label("sheet_borrowers", "zh")]
    shown = {row[0]: row for row in sheet.iter_rows(2, values_only=True)}
    at = list(COLUMNS).index("cover_cash")
    for household in ("H001", "H100"):
        assert shown[household][at] == pytest.approx(rows.loc[household, "cover_cash"])
        flags = [label(f, "zh") for f in rows.loc[household, "flags"].split()]
        assert shown[household][-1] == "、".join(flags)
    assert sheet.cell(sheet.max_row, 5).value == pytest.approx(rows["invested"].sum())
    heads = [c.value for c in sheet[1]]
    assert len(set(heads)) == len(COLUMNS)
    assert not [h for h in heads if "_" in str(h)]
    means = {
        r[0]: r[1] for r in held[label("sheet_dictionary", "zh")].iter_rows(2, values_only=True)
    }
    assert set(heads) <= set(means)
    assert all(means.values())
    owing.save(tmp_path / "plan")
    assert verify_document(target, tmp_path / "plan").found == "same"


def test_nobody_borrows(liao, tmp_path):
    assert borrowers(liao).empty
    with pytest.raises(InputError) as told:
        pvp.save_bank_book(liao, tmp_path / "b.xlsx")
    assert told.value.code == "nobody_borrows"
    with pytest.raises(ConfigError):
        pvp.save_bank_book(liao, tmp_path / "b.pdf")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_all_or_one(owing, tmp_path):
    from typer.testing import CliRunner

    from pvplanner.cli import app

    owing.save(tmp_path / "plan")
    out = tmp_path / "all.xlsx"
    done = CliRunner().invoke(app, ["dossier", str(tmp_path / "plan"), "--all", "-o", str(out)])
    assert done.exit_code == 0
    assert out.is_file()
    one = tmp_path / "one.json"
    done = CliRunner().invoke(
        app, ["dossier", str(tmp_path / "plan"), "--household", "H001", "-o", str(one)]
    )
    assert done.exit_code == 0
    assert pd.read_json(one, typ="series")["subject"]["id"] == "H001"


@pytest.mark.parametrize("household", ["H001", "H040"])
def test_a_borrowers_page_is_its_dossier(owing, rows, household):
    """Its debt year by year and its price cases, to the digits shown."""
    mark = Mark("bank_pages", "0" * 64, {}, {})
    sheet = bank_pages(owing, "en", mark, [household])["sheets"][0]
    dossier = owing.dossier(household)
    told = dossier["debt_schedule"]
    assert len(sheet["schedule"]["rows"]) == len(told) == 10
    for row, one in zip(sheet["schedule"]["rows"], told, strict=True):
        assert row[0] == str(one["year"])
        assert [row[1], row[2]] == [number(one[k], "2", "en") for k in ("interest", "principal")]
        assert float(row[6]) == pytest.approx(one["cover"], abs=0.006)
        assert row[4] == "0.00"
        assert row[5] == row[6]
    cases = {row[0]: row for row in sheet["cases"]["rows"]}
    for one in dossier["price_cases"]:
        row = cases[label(f"case_{one['case']}", "en")]
        assert row[1] == number(one["income_first_year"], "0", "en")
        assert row[2] == number(one["npv"], "0", "en")
    facts = dict(sheet["facts"])
    assert facts[label("bank_debt", "en").format(currency="CNY")] == number(
        rows.loc[household, "debt"], "0", "en"
    )
    assert len(sheet["flags"]) == len(rows.loc[household, "flags"].split())
    assert "{" not in "".join(sheet["flags"])


def test_bills_saved_are_no_cash_for_the_bank(tmp_path):
    """Of a household that uses its own the two covers are apart, each year's and the lowest's."""
    scenario = village(tmp_path).override({**LOAN, "finance.model": "self_use"})
    plan = pvp.plan_village(scenario)
    row = borrowers(plan).set_index("household_id").loc["H1"]
    mark = Mark("bank_pages", "0" * 64, {}, {})
    rows = bank_pages(plan, "en", mark, ["H1"])["sheets"][0]["schedule"]["rows"]
    saved = plan.payments(household="H1").query("item == 'bill_saved' and party == 'household'")
    first = saved.loc[saved["year"] == 1, "yuan"].sum()
    assert rows[0][4] == number(first, "2", "en") != "0.00"
    covers = [[float(r[n]) for r in rows] for n in (5, 6)]
    assert min(covers[0]) == pytest.approx(row["cover_cash"], abs=0.006)
    assert min(covers[1]) == pytest.approx(row["cover_savings"], abs=0.006)
    assert min(covers[0]) < min(covers[1])


def test_pages_are_of_those_that_borrow(owing, liao, tmp_path):
    pytest.importorskip("typst")
    pypdf = pytest.importorskip("pypdf")
    some = ["H001", "H002"]
    target = pvp.save_bank_pages(owing, tmp_path / "b.pdf", some)
    pages = [page.extract_text() for page in pypdf.PdfReader(target).pages]
    assert [h in page for h, page in zip(some, pages, strict=True)] == [True, True]
    owing.save(tmp_path / "plan")
    assert verify_document(target, tmp_path / "plan").found == "same"
    with pytest.raises(InputError) as told:
        pvp.save_bank_pages(owing, tmp_path / "c.pdf", ["H999"])
    assert told.value.code == "household_unknown"
    with pytest.raises(InputError) as told:
        pvp.save_bank_pages(liao, tmp_path / "c.pdf")
    assert told.value.code == "nobody_borrows"


def test_a_pooled_borrower_has_its_page(tmp_path):
    changes = {"finance.model": "cooperative", "loan.share": 0.5, "loan.years": 8}
    path = write_village(tmp_path, hamlet(4))
    plan = pvp.plan_village(pvp.Scenario.from_toml(path).override(changes))
    sheet = bank_pages(plan, "en", Mark("bank_pages", "0" * 64, {}, {}), None)["sheets"][0]
    assert sheet["id"] == texts("en")["collective"]
    assert len(sheet["schedule"]["rows"]) == 8
    assert len(sheet["cases"]["rows"]) > 1
