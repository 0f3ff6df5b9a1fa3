"""The sheet that a household signs: what binds it before what it earns, on one page."""

from __future__ import annotations

import io
import re

import pytest
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.documents.household import household_pages, with_modules
from pvplanner.documents.mark import Mark
from pvplanner.documents.verifying import verify_document
from pvplanner.errors import ConfigError, InputError
from pvplanner.words import label, number, texts

MARK = Mark("household", "0" * 64, {}, {})


def sheet(plan, household, language="en"):
    return household_pages(plan, language, MARK, [household])["sheets"][0]


def read(body):
    pypdf = pytest.importorskip("pypdf")
    return [
        re.sub(r"\s+", "", page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(body)).pages
    ]


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    folder = tmp_path_factory.mktemp("village")
    ledger = "household_id,building_id,household_name\nh0,B0,韩䶮\nh1,B1,=1+1\nh2,B2,Wu\n"
    (folder / "l.csv").write_text(ledger, "utf-8")
    made = hamlet(3)
    made["building_id"] = ["B0", "B1", "B2"]
    return pvp.Scenario.from_toml(write_village(folder, made, 'households = "l.csv"\n'))


def test_each_household_has_one_page_in_order(liao, tmp_path):
    pytest.importorskip("typst")
    some = ["H001", "H002", "H010"]
    pages = read(pvp.save_household_sheet(liao, tmp_path / "h.pdf", some).read_bytes())
    assert len(pages) == 3
    names = liao.households.set_index("household_id")["household_name"]
    for page, household in zip(pages, some, strict=True):
        assert household in page
        assert names[household] in page
        # What binds stands before what is earned.
        assert page.index(label("document_household_bound", "zh")) < page.index(
            label("document_household_middle", "zh")
        )


def test_what_is_said_is_the_plans(liao):
    told = sheet(liao, "H001")
    row = liao.households.set_index("household_id").loc["H001"]
    measures = liao.measures.set_index(["household_id", "model", "case"]).sort_index()
    own = measures.loc[("H001", row["model"])]

    def yuan(value):
        return f"{number(value, '0', 'en')} CNY"

    money = dict(told["money"])
    words = texts("en")
    assert money[words["document_household_middle"]] == yuan(row["income_first_year"])
    assert money[words["document_household_poor"]] == yuan(
        own.loc["poor_years", "income_first_year"]
    )
    assert money[words["document_more_than_bank"]] == yuan(row["npv"])
    bound = dict(told["bound"])
    assert yuan(row["capital"]) in bound[words["document_household_invests"]]
    worst = bound[words["document_household_bad"]]
    assert yuan(-own.loc["planned", "income_worst"]) in worst
    assert yuan(-own.loc["together", "income_worst"]) in worst
    assert words["not_stated"] == bound[words["leak_repair_by"]]
    # The explanation comes to the figure, to the fen.
    assert told["steps"][-1][1] == f"{number(row['income_first_year'], '2', 'en')} CNY"


def test_who_owes_how_much_for_how_long(village):
    changes = {"loan.share": 0.5, "loan.years": 9, "loan.rate": 0.04}
    words = texts("en")
    owes = words["document_household_owes"]
    own = pvp.plan_village(village.override(changes))
    capital = own.households.set_index("household_id")["capital"]["h0"]
    said = dict(sheet(own, "h0")["bound"])[owes]
    assert number(capital / 2, "0", "en") in said
    assert "9 years" in said
    assert (
        dict(sheet(pvp.plan_village(village), "h0")["bound"])[owes]
        == words["document_owes_nothing"]
    )
    let = pvp.plan_village(village.override({**changes, "finance.model": "roof_lease"}))
    told = sheet(let, "h0")
    assert dict(told["bound"])[owes].startswith(words["developer"].split()[0])
    assert "owes nothing" in dict(told["bound"])[owes]
    terms = dict(told["terms"])
    assert terms[words["document_term_lease"]] == "20 years"
    assert terms[words["document_term_rent"]].startswith("35")


def test_a_borrower_sees_what_it_pays_in_all(village):
    """Own money, a month's instalment and all interest are the ledger's; a loss is called one."""
    changes = {"loan.share": 0.5, "loan.years": 9, "loan.rate": 0.04, "finance.capex_per_w": 9.0}
    plan = pvp.plan_village(village.override(changes))
    told, words = sheet(plan, "h0"), texts("en")
    bound = dict(told["bound"])
    flows = plan.payments(household="h0")
    own = flows[flows["party"] == "household"]
    by = own.groupby("item")["yuan"].sum()
    at_once = own.loc[own["year"] == 0, "yuan"].sum()
    first = own[(own["year"] == 1) & own["item"].isin(["interest", "principal"])]["yuan"].sum()
    for key, yuan in (
        ("own", -at_once),
        ("monthly", -first / 12),
        ("interest", -by["interest"]),
    ):
        assert bound[words[f"document_household_{key}"]] == f"{number(yuan, '0', 'en')} CNY", key
    assert "4.00%" in bound[words["document_household_owes"]].replace(" ", "")
    by_year = own[own["year"] > 0].groupby("year")["yuan"].sum()
    worst = plan.scenario.tariff.connection_date.year + int(by_year.idxmin()) - 1
    assert f"in {worst}" in bound[words["document_household_bad"]]
    npv = plan.households.set_index("household_id")["npv"]["h0"]
    assert npv < 0
    assert number(-npv, "0", "en") in dict(told["money"])[words["document_household_note"]]
    assert words["document_household_note"] not in dict(
        sheet(pvp.plan_village(village), "h0")["money"]
    )


def test_without_a_ledger_every_building_is_a_household(tmp_path):
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, hamlet(2))))
    assert with_modules(plan) == list(plan.households["household_id"])
    assert len(household_pages(plan, "zh", MARK, with_modules(plan))["sheets"]) == 2


def test_what_is_agreed_is_said(village):
    agreed = {"contract.leak_repair_by": "installer", "contract.removal_paid_by": "investor",
              "contract.plant_owner": "household"}  # fmt: skip
    bound = dict(sheet(pvp.plan_village(village.override(agreed)), "h0")["bound"])
    words = texts("en")
    for key, party in agreed.items():
        assert bound[words[key.removeprefix("contract.")]] == words[party]


def test_an_investors_plant_under_a_persons_name_is_refused(village, tmp_path):
    let = village.override({"finance.model": "roof_lease", "contract.filed_as": "household"})
    plan = pvp.plan_village(let)
    with pytest.raises(ConfigError) as told:
        pvp.save_household_sheet(plan, tmp_path / "h.pdf", ["h0"])
    assert told.value.code == "filed_as_person"
    assert not (tmp_path / "h.pdf").exists()
    own = pvp.plan_village(village.override({"contract.filed_as": "household"}))
    assert sheet(own, "h0")["id"] == "h0"


def test_unknown_and_bare_households_are_refused(liao, tmp_path):
    with pytest.raises(InputError) as told:
        pvp.save_household_sheet(liao, tmp_path / "h.pdf", ["H001", "H999"])
    assert told.value.code == "household_unknown"
    bare = liao.households.loc[liao.households["modules"] == 0, "household_id"].iloc[0]
    with pytest.raises(InputError) as told:
        pvp.save_household_sheet(liao, tmp_path / "h.pdf", [bare])
    assert told.value.code == "household_bare"
    with pytest.raises(ConfigError) as refused:
        pvp.save_household_sheet(liao, tmp_path / "h.odt", ["H001"])
    assert refused.value.code == "page_suffix"


def test_all_are_those_with_modules(village, tmp_path):
    pytest.importorskip("typst")
    plan = pvp.plan_village(village)
    assert with_modules(plan) == ["h0", "h1", "h2"]
    target = pvp.save_household_sheet(plan, tmp_path / "h.pdf")
    pages = read(target.read_bytes())
    assert [name in page for name, page in zip(("韩䶮", "=1+1", "Wu"), pages, strict=True)] == [
        True
    ] * 3
    plan.save(tmp_path / "plan")
    assert verify_document(target, tmp_path / "plan").found == "same"


def test_the_picture_has_every_module(liao):
    told = sheet(liao, "H001")
    modules = liao.households.set_index("household_id")["modules"]["H001"]
    assert told["picture"].count('fill="#31688e"') == modules
    assert told["picture"].startswith("<svg ")


def test_what_a_price_would_tell_is_not_known_without_one(tmp_path):
    path = write_village(tmp_path, hamlet(2), 'province = "Xizang"\n')
    plan = pvp.plan_village(pvp.Scenario.from_toml(path))
    told = sheet(plan, with_modules(plan)[0])
    words = texts("en")
    assert dict(told["money"])[words["document_household_middle"]] == words["unknown"]
    assert told["steps"][-1][1] == words["unknown"]


def test_more_than_a_mark_holds_are_refused_by_name(liao, tmp_path):
    with pytest.raises(InputError) as told:
        pvp.save_household_sheet(liao, tmp_path / "h.pdf", ["H001"] * 5000)
    assert told.value.code == "document_many"
    assert list(tmp_path.iterdir()) == []
