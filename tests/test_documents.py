"""Documents that get signed: the same bytes for the same plan, every text as written, sums that
carry on, nothing dated by the clock, and a check that finds what was changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from importlib import resources

import numpy as np
import pytest
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.documents import signed
from pvplanner.documents.content import ROWS_A_PAGE, household_ledger, report_pages
from pvplanner.documents.glyphs import GETA, covered, named, settable
from pvplanner.documents.household import with_modules
from pvplanner.documents.makers import make_document
from pvplanner.documents.mark import Mark, find_mark, mark_of, plan_hash
from pvplanner.documents.payers import payments_by_party
from pvplanner.documents.signed import signed_pages
from pvplanner.documents.verifying import verify_document
from pvplanner.errors import ConfigError, InputError
from pvplanner.report import report_content
from pvplanner.report.grid import three_totals
from pvplanner.words import amount_in_words, number, texts

FONTS = resources.files("pvplanner").joinpath("vendor", "fonts")
RARE = "㛃㙍㳚䶮䓖䲟鿍𣗋𬜬𬱖𦙶㕮㟃㧑旸翀赟堃喆犇淼鑫玥璟囍峣杲訚贠仉笪璩"
"""Characters of names and places of which GB 2312 has hardly any."""


@pytest.fixture(scope="module")
def saved(liao, tmp_path_factory):
    """The example village as a folder, and its report as PDF."""
    pytest.importorskip("typst")
    folder = tmp_path_factory.mktemp("saved") / "plan"
    liao.save(folder)
    target = folder.parent / "report.pdf"
    pvp.save_report(liao, target, internal=True)
    return folder, target


@pytest.fixture(scope="module")
def text(saved):
    return read(saved[1].read_bytes())


def read(body):
    """Text of a PDF without its line breaks and blanks: cells break lines."""
    pypdf = pytest.importorskip("pypdf")
    pages = pypdf.PdfReader(io.BytesIO(body)).pages
    return [re.sub(r"\s+", "", page.extract_text()) for page in pages]


def test_the_same_plan_gives_the_same_bytes(liao, saved, tmp_path):
    folder, target = saved
    again = pvp.save_report(pvp.Plan.load(folder), tmp_path / "again.pdf", internal=True)
    assert again.read_bytes() == target.read_bytes()
    assert plan_hash(liao) == plan_hash(pvp.Plan.load(folder))
    dearer = liao.under({"finance.capex_per_w": 3.4})
    assert plan_hash(dearer) != plan_hash(liao)


def test_a_pdf_says_all_that_the_page_says(liao, text):
    """Every figure and text of every table, to the letter."""
    told = report_content(liao, "zh", internal=True)
    whole = "".join(text)
    for table in told["tables"]:
        if table["id"] == "households":
            continue
        for row in table["rows"]:
            for cell in row:
                assert re.sub(r"\s+", "", str(cell)) in whole, (table["id"], cell)
    for finding in (*told["doubts"], *told["findings"]):
        assert re.sub(r"\s+", "", finding)[:40] in whole
    ledger = household_ledger(liao, "zh", internal=True)
    for sheet in ledger["pages"]:
        for row in (*sheet["rows"], sheet["sum"], sheet["carried"]):
            assert re.sub(r"\s+", "", "".join(row)) in whole


def test_no_code_stands_in_a_document(text):
    """Names of columns and keys are for programs; the Chinese edition has words for all."""
    # Findings name keys that a user may set.
    whole = " ".join(text).rpartition("输入数据的发现")[0]
    assert set(re.findall(r"\b[a-z]+_[a-z_]+\b", whole)) == set()
    assert not re.search(r"\b(trend|none|nan|None|True|False)\b", whole)


def test_sums_of_pages_carry_on(liao):
    ledger = household_ledger(liao, "en", internal=True)
    sheets = ledger["pages"]
    at = [c["label"] for c in ledger["columns"]].index("First-year income (CNY/yr)")

    def money(text):
        return 0.0 if text in ("", "—", "not known") else float(text.replace(",", ""))

    assert len(sheets) == -(-sum(len(s["rows"]) for s in sheets) // ROWS_A_PAGE)
    carried = 0.0
    for at_page, sheet in enumerate(sheets):
        own = sum(money(row[at]) for row in sheet["rows"])
        assert money(sheet["sum"][at]) == own
        assert (sheet["brought"] is None) == (at_page == 0)
        if at_page:
            assert money(sheet["brought"][at]) == carried
        carried += own
        assert money(sheet["carried"][at]) == carried
    words = texts("en")
    assert {s["carried"][0] for s in sheets[:-1]} == {words["document_carried"]}
    assert sheets[-1]["carried"][0] == words["total"]
    assert carried == pytest.approx(liao.summary()["income_first_year"], abs=200)


def test_the_signed_pages_are_two_and_dated_by_the_plan(liao, text, tmp_path):
    pages = text
    annex = next(n for n, page in enumerate(pages) if page.startswith("附件"))
    assert annex == 2
    assert str(dt.date.today().year) + "年" + str(dt.date.today().month) not in "".join(pages[:2])
    dated = liao.under({"documents.date": "2026-03-08", "documents.recipient": "里岙村全体村民",
                        "documents.issuer": "龙观乡", "documents.version": "3"})  # fmt: skip
    body = pvp.save_report(dated, tmp_path / "d.pdf").read_bytes()
    first = read(body)[0]
    assert "2026年3月8日" in first
    assert "里岙村全体村民" in first
    assert b"D:20260308" in body or b"2026-03-08" in body
    # No figure hangs on the head of a document.
    assert plan_hash(dated) == plan_hash(liao)


def test_capital_stands_in_figures_and_in_words(liao):
    told = signed_pages(liao, "zh", three_totals(liao, "zh")["rows"])
    paid = [(float(row[1].replace(",", "")), row[2]) for row in told["capital"]["rows"]]
    ledger = liao.result("ledger")
    own = ledger[(ledger["item"] == "capital") & (ledger["year"] == 0)]["yuan"].sum()
    assert sum(yuan for yuan, _ in paid) == pytest.approx(own, abs=1)
    assert all(said == in_chinese(yuan) for yuan, said in paid)
    years = told["years"]["rows"]
    energy = [float(row[1].replace(",", "")) for row in years]
    assert energy[0] > energy[1] > energy[2]
    assert energy[1] == pytest.approx(liao.summary()["energy_kwh"], rel=1e-3)
    english = signed_pages(liao, "en", three_totals(liao, "en")["rows"])
    assert len(english["capital"]["columns"]) == 2


def test_who_borrows_is_said_before_any_signature(tmp_path):
    village = hamlet(3)
    path = write_village(tmp_path, village)
    own = pvp.Scenario.from_toml(path)
    alone, owing = (
        signed_pages(pvp.plan_village(s), "en", [])["debts"]
        for s in (own, own.override({"loan.share": 0.5, "loan.years": 9, "loan.rate": 0.04}))
    )
    assert alone == texts("en")["document_owes_nothing"]
    assert "Household owes" in owing
    assert "9 years" in owing
    assert "4.00%" in owing
    plan = pvp.plan_village(own.override({"loan.share": 0.5, "loan.years": 9, "loan.rate": 0.04}))
    ledger = plan.result("ledger").groupby(["item", "year"])["yuan"].sum()
    for yuan in (
        ledger["loan", 0],
        ledger["interest", 1] + ledger["principal", 1],
        ledger["capital", 0] - ledger["loan", 0],
    ):
        assert f"{number(yuan, '0', 'en')} CNY" in owing


def test_nobody_of_the_ledger_pays_for_public_buildings(liao):
    """Their capital and loans stand by themselves, and all of it sums to the ledger's."""
    owing = liao.under({"loan.share": 0.5, "loan.years": 9, "loan.rate": 0.04,
                        "finance.model": "cooperative"})  # fmt: skip
    told = signed_pages(owing, "en", [])
    paid = {row[0]: float(row[1].replace(",", "")) for row in told["capital"]["rows"]}
    homes = owing.households
    halls = homes[homes["own_building"].astype(bool)]
    words = texts("en")
    assert paid[words["public_buildings"]] == pytest.approx(halls["capital"].sum(), abs=1)
    assert words["household"] not in paid
    ledger = owing.result("ledger")
    own = ledger[ledger["item"].eq("capital") & (ledger["year"] == 0)]["yuan"].sum()
    assert sum(paid.values()) == pytest.approx(own, abs=2)
    assert "Household owes" not in told["debts"]
    assert words["public_buildings"] in told["debts"]


def test_a_village_without_a_ledger_has_households_beside_one_with(tmp_path):
    """Nobody's buildings are told village by village."""
    both = hamlet(6)
    both["village"] = np.where(np.arange(6) < 3, "A", "B")
    both["building_id"] = [f"B{n}" for n in range(6)]
    (tmp_path / "l.csv").write_text("household_id,building_id,village\nh0,B0,A\nh1,B1,A\n")
    path = write_village(tmp_path, both, 'households = "l.csv"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    assert with_modules(plan) == ["h0", "h1", "B3", "B4", "B5"]
    told = signed_pages(plan, "en", [])["capital"]["rows"]
    paid = {row[0]: float(row[1].replace(",", "")) for row in told}
    capital = plan.households.set_index("household_id")["capital"]
    words = texts("en")
    assert paid[words["public_buildings"]] == pytest.approx(capital["B2"], abs=1)
    assert paid[words["household"]] == pytest.approx(capital.drop("B2").sum(), abs=1)


def test_capital_that_is_not_known_is_said_so(tmp_path):
    """There is no amount then, in figures or in words."""
    path = write_village(tmp_path, hamlet(2))
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    payments = payments_by_party(plan)
    payments.loc[("household", "capital"), 0] = float("nan")
    rows = signed._capital(payments, plan, "zh")["rows"]
    assert rows == [[texts("zh")["household"], texts("zh")["unknown"]]]


def test_what_each_party_gets_is_never_summed(liao):
    """Members' dividends are in the collective's surplus: a column a party."""
    shared = liao.under({"finance.model": "cooperative"})
    told = signed_pages(shared, "en", [])["years"]
    cases = shared.result("cases").set_index(["case", "party"])["income_first_year"]
    middle = told["rows"][1]
    assert len(told["columns"]) == 4
    for column, cell in zip(told["columns"][2:], middle[2:], strict=True):
        party = (
            "collective" if column["label"].startswith(texts("en")["collective"]) else "household"
        )
        assert float(cell.replace(",", "")) == pytest.approx(cases["planned", party], abs=60)


def test_what_speaks_against_it_stands_above_the_signatures(liao):
    short = liao.under({"finance.model": "cooperative", "loan.share": 0.9, "loan.years": 5,
                        "loan.rate": 0.06, "documents.date": "2026-11-20"})  # fmt: skip
    said = [f.text("en") for f in short.findings if f.code == "collective_short"]
    told = signed_pages(short, "en", [])["warnings"]
    assert len(said) == 1
    # As the finding says it, without the key that it stands at.
    assert [w for w in told if w and w in said[0] and w != said[0]]
    begun = texts("en")["document_begun"].partition("{")[0]
    assert [w for w in told if w.startswith(begun)]
    early = liao.under({"documents.date": "2025-11-20"})
    assert not [w for w in signed_pages(early, "en", [])["warnings"] if w.startswith(begun)]


def test_a_phase_beyond_the_grid_is_said_before_any_signature(liao):
    """The example builds twice what may be connected; one that fits says nothing."""
    sums = liao.three_totals()
    assert sums["phase_kw"] > sums["connectable_kw"]
    told = signed_pages(liao, "en", [])["warnings"]
    assert len(told) == 1
    for name in ("phase_kw", "connectable_kw"):
        assert number(sums[name], "0", "en") in told[0]
    small = liao.under({"module.village_limit_kwp": 1500.0})
    fits = small.three_totals()
    assert fits["phase_kw"] <= fits["connectable_kw"] + 0.5
    assert signed_pages(small, "en", [])["warnings"] == []


def test_three_years_are_of_the_same_plant(liao):
    """A poor year is of the modules once built, as the money of that year is."""
    told = signed_pages(liao, "en", [])["years"]["rows"]
    good, middle, poor = (float(row[1].replace(",", "")) for row in told)
    held = liao.result("ranges")
    whole = held[held["level"] == "village"].iloc[0]
    for shown, exact in ((good, whole["p10_built_kwh"]), (poor, whole["p90_built_kwh"])):
        assert shown == pytest.approx(exact, rel=1e-3)
    assert middle - poor < middle - whole["p90_kwh"]
    assert poor < middle < good


def test_a_village_without_modules_has_no_years(tmp_path):
    path = write_village(tmp_path, hamlet(2))
    plan = pvp.plan_village(
        pvp.Scenario.from_toml(path).override({"module.village_limit_kwp": 0.1})
    )
    assert plan.summary()["modules"] == 0
    assert signed_pages(plan, "zh", [])["years"]["rows"] == []


def test_a_page_is_checked_like_any_document(liao, saved, tmp_path):
    folder, _ = saved
    page = pvp.save_report(liao, tmp_path / "r.html", internal=True)
    assert verify_document(page, folder).found == "same"
    page.write_text(page.read_text("utf-8").replace("元", "角", 1), "utf-8")
    assert verify_document(page, folder).found == "changed"


def in_chinese(yuan):
    return amount_in_words(yuan, "zh", "CNY")


def test_amounts_in_words_as_the_central_bank_writes_them():
    """Its examples (Payment and Settlement Measures, 1997, annex 1), and zeros of every kind."""
    for yuan, said in (
        (6007.14, "陆仟零柒元壹角肆分"),
        (325.04, "叁佰贰拾伍元零肆分"),
        (16409.02, "壹万陆仟肆佰零玖元零贰分"),
        (0, "零元整"),
        (0.05, "伍分"),
        (2.995, "叁元整"),
        (10, "壹拾元整"),
        (100_500, "壹拾万零伍佰元整"),
        (10_626_180, "壹仟零陆拾贰万陆仟壹佰捌拾元整"),
        (20_000_001, "贰仟万零壹元整"),
        (100_010_000, "壹亿零壹万元整"),
        (1_000_000_000, "壹拾亿元整"),
    ):
        assert in_chinese(yuan) == f"人民币{said}"
    assert in_chinese(-10) == "人民币负壹拾元整"
    assert amount_in_words(10, "zh", "EUR") == amount_in_words(10, "en", "CNY") == ""


def test_names_arrive_as_written(tmp_path):
    pytest.importorskip("typst")
    hostile = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "http://x.y", "0012",
               '#set page(paper: "a5")',
               "*bold* _it_ $x$ <b>", "\\u{41}", "`raw`", "[x](y)", f"{RARE[:6]}"]  # fmt: skip
    village = hamlet(len(hostile))
    rows = "".join(
        f'h{n},{b},"{name.replace(chr(34), chr(34) * 2)}"\n'
        for n, (b, name) in enumerate(zip(village["building_id"], hostile, strict=True))
    )
    (tmp_path / "l.csv").write_text("household_id,building_id,household_name\n" + rows, "utf-8")
    path = write_village(tmp_path, village, 'households = "l.csv"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path).override({"name": "#panic() \x07=2"}))
    body = pvp.save_report(plan, tmp_path / "r.pdf", internal=True, language="en").read_bytes()
    whole = "".join(read(body))
    for name in (*hostile, "#panic() =2"):
        assert re.sub(r"\s+", "", name) in whole, name


def test_every_character_is_set_or_named():
    assert {c for c in RARE if ord(c) not in covered()} == set()
    gbk = {bytes([a, b]) for a in range(0x81, 0xFF) for b in range(0x40, 0xFF) if b != 0x7F}
    chars = {c.decode("gbk", "ignore") for c in gbk}
    chinese = {c for c in chars if len(c) == 1 and "\u4e00" <= c <= "\u9fff"}
    assert len(chinese) > 20_000
    assert {c for c in chinese if ord(c) not in covered()} == set()
    lost: set[str] = set()
    told = settable({"a": ["汉\U0001f600", 3, None], "b": "x\u202ey"}, lost)
    assert told == {"a": [f"汉{GETA}", 3, None], "b": "xy"}
    assert named(lost) == ["U+1F600"]


def test_the_font_is_what_it_was():
    for line in FONTS.joinpath("SHA256SUMS").read_text("utf-8").splitlines():
        digest, name = line.split()
        assert hashlib.sha256(FONTS.joinpath(name).read_bytes()).hexdigest() == digest


def test_a_changed_document_is_found(saved, tmp_path):
    folder, target = saved
    assert verify_document(target, folder).found == "same"
    body = target.read_bytes()
    at = len(body) // 2
    changed = tmp_path / "c.pdf"
    changed.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    assert verify_document(changed, folder).found == "changed"


def test_a_document_of_another_plan_or_version_is_told(liao, saved, tmp_path):
    folder, target = saved
    other = tmp_path / "other"
    liao.under({"finance.capex_per_w": 3.4}).save(other)
    told = verify_document(target, other)
    assert told.found == "other_plan"
    assert told.stated == plan_hash(liao) != told.plan
    mark = find_mark(target.read_bytes())
    older = Mark(mark.kind, mark.plan, {**mark.versions, "typst": "0.1"}, mark.inputs, mark.options)
    old = tmp_path / "old.pdf"
    old.write_bytes(make_document(liao, older))
    told = verify_document(old, folder)
    assert told.found == "not_here"
    assert "typst 0.1" in told.versions
    (tmp_path / "plain.pdf").write_bytes(b"%PDF-1.7 nothing")
    with pytest.raises(InputError) as refused:
        verify_document(tmp_path / "plain.pdf", folder)
    assert refused.value.code == "document_unmarked"
    with pytest.raises(InputError) as refused:
        verify_document(tmp_path / "none.pdf", folder)
    assert refused.value.code == "file_missing"


def test_verify_speaks_and_ends_with_its_code(saved, tmp_path):
    from typer.testing import CliRunner

    from pvplanner.cli import app

    folder, target = saved
    done = CliRunner().invoke(app, ["verify", str(target), str(folder), "--language", "en"])
    assert done.exit_code == 0
    assert "byte for byte the same" in done.output
    broken = tmp_path / "b.pdf"
    broken.write_bytes(target.read_bytes() + b" ")
    done = CliRunner().invoke(app, ["verify", str(broken), str(folder), "--language", "en"])
    assert done.exit_code == 2
    assert texts("en")["said_document_changed"] in done.output


def test_the_public_edition_names_nobody(liao, tmp_path):
    pytest.importorskip("typst")
    body = pvp.save_report(liao, tmp_path / "p.pdf").read_bytes()
    whole = "".join(read(body))
    names = liao.households["household_name"].dropna().unique()
    assert not [name for name in names if len(name) > 2 and name in whole]


def test_without_typst_the_way_is_named(liao, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "typst", None)
    mark = mark_of(liao, "report", "pdf", language="zh", internal=False)
    with pytest.raises(ConfigError) as told:
        make_document(liao, mark)
    assert told.value.code == "documents_missing"


def test_several_villages_each_have_their_years(tmp_path):
    both = hamlet(6)
    both["village"] = np.where(np.arange(6) < 3, "A", "B")
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, both)))
    told = signed_pages(plan, "en", [])
    assert [row[0][:2] for row in told["years"]["rows"]] == ["A:"] * 3 + ["B:"] * 3
    plan.save(tmp_path / "plan")
    loaded = pvp.Plan.load(tmp_path / "plan")
    alone = pvp.save_report(loaded.village("B"), tmp_path / "b.xlsx")
    assert verify_document(alone, tmp_path / "plan").found == "same"
    mark = Mark("report", "0" * 64, {}, {})
    data = report_pages(plan, "en", mark, internal=False)
    assert len(data["made"]) == 4
