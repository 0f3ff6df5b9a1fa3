"""Several villages in one plan, plants that they own together, and bills in place of estimates."""

from __future__ import annotations

import datetime as dt
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_sheets import month_of, write
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.settlement.bills import BILLED, PAYEES, billed_twice, read_bills, with_bills
from pvplanner.settlement.dividends import _to_owners
from pvplanner.tracking.collectives import _villages, books_of, read_owners

BEGUN = """province = "Zhejiang"
[finance]
model = "cooperative"
insurance_per_w_year = 0.01
[cooperative]
low_income_share = 0.1
[tariff]
connection_date = 2026-11-01
"""
MONTHS = ("2026-11", "2026-12")


def planned(folder, villages, more=""):
    count = len(villages)
    head = "household_id,building_id,household_name,low_income\n"
    rows = [f"H{n},B{n},户主{n},{'yes' if n == 3 else 'no'}\n" for n in range(1, count + 1)]
    write(folder, "households.csv", head + "".join(rows))
    path = write_village(
        folder, hamlet(7).iloc[:count], 'households = "households.csv"\n' + BEGUN + more
    )
    roofs = folder / "footprints.gpkg"
    told = gpd.read_file(roofs).assign(village=list(villages))
    told.to_file(roofs, layer="buildings", engine="pyogrio")
    pvp.plan_village(pvp.Scenario.from_toml(path)).save(folder / "plan")
    return pvp.Plan.load(folder / "plan"), folder / "plan"


def enter_all(plan, folder, files, **first):
    for month in MONTHS:
        *paths, _ = month_of(plan, month, files)
        given = first if month == MONTHS[0] else {}
        pvp.track(folder, period=month, meter=paths[0], settlement=paths[1], receipt=paths[2],
                  **given)  # fmt: skip


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two villages of four and three houses; each month entered."""
    folder = tmp_path_factory.mktemp("two")
    plan, own = planned(folder, ["Upper"] * 4 + ["Lower"] * 3)
    apart = tmp_path_factory.mktemp("apart") / "plan"
    shutil.copytree(own, apart)
    enter_all(plan, own, folder)
    return plan, own, apart, folder


def closes(account):
    return account["surplus"] == (
        account["received"] - account["paid"] - account["vat"] - account["surcharge"]
        - account["tax"] + account["from_joint"] - account["written_off"] - account["set_aside"]
    )  # fmt: skip


def test_each_village_shares_what_its_own_roofs_earned(two):
    plan, folder, _, _ = two
    found = pvp.reckon(folder, "2026")
    shared = found.dividends
    assert set(shared.accounts) == {"Upper", "Lower"}
    sold = found.payments[found.payments["item"].eq("feed_in")]
    for name, account in shared.accounts.items():
        assert closes(account)
        assert account["received"] == sold.loc[sold["books"].eq(name), "fen"].sum() > 0
        own = shared.households[shared.households["books"].eq(name)]
        assert own["fen"].sum() + shared.unnamed[name] == account["dividend"] > 0
        homes = plan.households.set_index("household_id")["village"]
        assert set(homes.loc[own["household_id"]]) == {name}
    both = found.vouchers.pivot_table("fen", ["books", "number"], "side", "sum")
    assert (both["debit"] == both["credit"]).all()
    assert found.batch["fen"].sum() == found.posting["fen"].sum()


def test_a_villages_money_is_that_of_a_plan_of_it_alone(two, tmp_path):
    _, folder, _, _ = two
    shared = pvp.reckon(folder, "2026").dividends
    plan, own = planned(tmp_path, ["Upper"] * 4)
    enter_all(plan, own, tmp_path)
    assert pvp.reckon(own, "2026").dividends.account == shared.accounts["Upper"]


def test_the_bank_is_told_apart_where_its_sums_tell(two, tmp_path):
    plan, _, apart, _ = two
    own = tmp_path / "plan"
    shutil.copytree(apart, own)
    *paths, table = month_of(plan, "2026-11", tmp_path)
    lower = table.loc[table["account"].isin(["H5", "H6", "H7"]), "total_amount"].sum()
    upper = table["total_amount"].sum() - lower
    lines = f"日期,收入金额\n2026-11-28,{lower:.2f}\n2026-11-29,{upper - 1:.2f}\n"
    bank = write(tmp_path, "bank.csv", lines)
    pvp.track(own, period="2026-11", meter=paths[0], settlement=paths[1], receipt=bank)
    came = pvp.reckon(own, "2026-11").vouchers
    came = came[came["item"].eq("receipt") & came["side"].eq("debit")].set_index("books")["fen"]
    assert came.to_dict() == {"Lower": round(lower * 100), "?": round(upper * 100) - 100}


OWNERS = "户号,产权村,份额\nH1,Lower,30%\nH1,Upper,30%\nH1,Beyond,40%\n"


def test_a_joint_plant_has_books_of_its_own_and_its_owners_share_it(two, tmp_path):
    plan, _, apart, folder = two
    own = tmp_path / "plan"
    shutil.copytree(apart, own)
    enter_all(plan, own, folder, owners=write(tmp_path, "owners.csv", OWNERS))
    found = pvp.reckon(own, "2026")
    shared, name = found.dividends, "Beyond + Lower + Upper"
    assert set(shared.accounts) == {name, "Upper", "Lower"}
    assert all(closes(account) for account in shared.accounts.values())
    got = shared.owners.set_index("owner")["fen"]
    joint = shared.accounts[name]
    assert got.sum() == joint["dividend"] > 0
    assert got["Beyond"] == pytest.approx(0.4 * joint["dividend"], abs=1)
    for village in ("Lower", "Upper"):
        assert shared.accounts[village]["from_joint"] == got[village]
    for item, name in (("written_off_fen", "written_off"), ("surplus_fen", "surplus")):
        assert shared.owners[item].sum() == joint[name] != 0
    # Money that is not shared out is nobody's twice: the members' sum is what the books gave them.
    assert shared.shared_fen == sum(shared.accounts[v]["dividend"] for v in ("Lower", "Upper"))
    to_owners = found.batch[found.batch["household_id"].eq("")].set_index("household_name")["fen"]
    assert to_owners.to_dict() == got.to_dict()
    plain = pvp.reckon(two[1], "2026").dividends
    assert plain.accounts["Lower"]["dividend"] < shared.accounts["Lower"]["dividend"]
    text = pvp.save_reckoning(found, tmp_path / "r.html").read_text("utf-8")
    assert "Beyond" in text
    assert "Owners of joint plants" in text


def test_other_owners_need_a_reason_and_what_they_leave_behind_is_named(two, tmp_path):
    plan, _, apart, folder = two
    own = tmp_path / "plan"
    shutil.copytree(apart, own)
    enter_all(plan, own, folder, owners=write(tmp_path, "owners.csv", OWNERS))
    others = write(tmp_path, "others.csv", "household_id,owner,share\nH1,Upper,0.5\nH1,Lower,.5\n")
    *paths, _ = month_of(plan, "2026-12", folder)
    before = (own / "track/owners.csv").read_bytes()
    given = {"period": "2026-12", "settlement": paths[1], "owners": others}
    with pytest.raises(pvp.ConfigError, match="reason"):
        pvp.track(own, **given)
    assert (own / "track/owners.csv").read_bytes() == before
    pvp.track(own, **given, reason="sold")
    found = pvp.reckon(own, "2026")
    assert {"reckon_books", "reckon_months"} <= {f.code for f in found.findings}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("household_id,owner,share\nH1,A,0.5\nH1,B,0.4\n", "owners_whole"),
        ("household_id,owner,share\nH1,A,50\nH1,A,50\n", "owners_whole"),
        ("household_id,owner,share\nH1,A,x\n", "owners_share"),
        ("household_id,owner,share\nH1,A,0\nH1,B,1\n", "owners_share"),
        ("household_id,owner\nH1,A\n", "owners_columns"),
    ],
)
def test_shares_that_are_no_whole_are_refused(tmp_path, text, code):
    with pytest.raises(pvp.InputError) as told:
        read_owners(write(tmp_path, "owners.csv", text))
    assert told.value.code == code


def test_owners_of_a_roof_that_is_not_there_are_refused(two, tmp_path):
    _, folder, _, _ = two
    owners = write(tmp_path, "owners.csv", "household_id,owner,share\nH99,A,1\n")
    bills = write(tmp_path, "bills.csv", "month,item,amount,village\n2026-11,running,5,Upper\n")
    with pytest.raises(pvp.InputError, match="H99"):
        pvp.track(folder, period="2026-11", bills=bills, owners=owners, reason="tried")
    assert not (folder / "track/owners.csv").exists()


def test_books_hold_each_household_once(two):
    plan, *_ = two
    books = books_of(plan, {"H1": {"A": 0.5, "B": 0.5}, "H2": {"A": 1.0}})
    names = {one.name: list(one.people["household_id"]) for one in books}
    assert names == {"A + B": ["H1"], "A": ["H2"], "Upper": ["H3", "H4"],
                     "Lower": ["H5", "H6", "H7"]}  # fmt: skip


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    plan, own = planned(folder, ["Upper"] * 4)
    enter_all(plan, own, folder)
    return plan, own


def test_a_bill_stands_in_place_of_the_estimates_it_covers(one, tmp_path):
    _, folder = one
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    before = pvp.reckon(own, "2026")
    bills = '日期,项目,金额,所属期,备注\n2026-12-05,运维,"1,234.50",2026-11..2026-12,季度\n'
    pvp.track(
        own,
        period="2026-12",
        bills=write(tmp_path, "bills.csv", bills + "2026-12-06,insurance,80,,\n"),
    )
    after = pvp.reckon(own, "2026")
    told = after.payments[after.payments["basis"].eq("bill")].set_index("item")
    assert told["fen"].to_dict() == {"running": 123450, "insurance": 8000}
    assert told["payee"].to_dict() == {"running": "operator", "insurance": "insurer"}
    left = after.payments[after.payments["basis"].eq("plan")]
    assert "running" not in set(left["item"])
    assert left.loc[left["item"].eq("insurance"), "month"].tolist() == ["2026-11"]
    old = before.payments[before.payments["basis"].eq("plan")]
    gone = old[
        old["item"].eq("running") | (old["item"].eq("insurance") & old["month"].eq("2026-12"))
    ]
    more = 123450 + 8000 - gone["fen"].sum()
    paid = [found.dividends.account["paid"] for found in (before, after)]
    assert paid[1] - paid[0] == more
    # What is billed is booked; what is only estimated is not.
    booked = after.vouchers[after.vouchers["item"].isin(["running", "insurance"])]
    assert booked.groupby("item")["fen"].first().to_dict() == {"insurance": 8000, "running": 123450}
    assert not before.vouchers["item"].isin(["running", "insurance"]).any()
    assert set(after.vouchers["month"]) == {"2026-11", "2026-12"}


def test_bills_are_entered_once_and_corrected_with_a_reason(one, tmp_path):
    _, folder = one
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    bills = write(tmp_path, "bills.csv", "month,item,amount\n2026-12,running,100\n")
    pvp.track(own, period="2026-12", bills=bills)
    with pytest.raises(pvp.ConfigError, match="2026-12"):
        pvp.track(own, period="2026-12", bills=bills)
    bills = write(tmp_path, "bills.csv", "month,item,amount\n2026-12,running,90\n")
    pvp.track(own, period="2026-12", bills=bills, reason="credit note")
    told = pvp.reckon(own, "2026-12").payments
    assert told.loc[told["basis"].eq("bill"), "fen"].tolist() == [9000]
    assert pvp.resolve(own, 2026, dt.date(2027, 3, 1)).resolved == dt.date(2027, 3, 1)


NAMES = {"运维": "running"} | {item: item for item in BILLED}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("month,item\n2026-12,running\n", "bill_columns"),
        ("month,item,amount\n2026-12,tea,5\n", "bill_item"),
        ("month,item,amount\n2026-12,running,0\n", "bill_amount"),
        ("month,item,amount\nDecember,running,5\n", "bill_month"),
        ("month,item,amount,covers\n2026-12,running,5,2026-12..2026-01\n", "bill_month"),
    ],
)
def test_bills_that_say_nothing_clear_are_refused(tmp_path, text, code):
    with pytest.raises(pvp.InputError) as told:
        read_bills([write(tmp_path, "bills.csv", text)], NAMES)
    assert told.value.code == code
    assert "row" not in told.value.params or told.value.params["row"] == 2


def test_bills_of_another_month_or_of_nobodys_books_are_refused(one, two, tmp_path):
    bills = write(tmp_path, "bills.csv", "month,item,amount,village\n2026-10,running,5,Upper\n")
    with pytest.raises(pvp.InputError, match="2026-10"):
        pvp.track(one[1], period="2026-12", bills=bills)
    bills = write(tmp_path, "bills.csv", "month,item,amount,village\n2026-12,running,5,Middle\n")
    with pytest.raises(pvp.InputError, match="Middle"):
        pvp.track(two[1], period="2026-12", bills=bills)


def test_everything_that_is_billed_has_somebody_who_sends_the_bill():
    assert set(BILLED) == set(PAYEES)


def test_owners_that_the_scenario_states_are_told_their_parts(tmp_path):
    more = "[cooperative.owners]\nUpper = 0.5\nBeyond = 0.5\n"
    plan, own = planned(tmp_path, ["Upper"] * 3, more)
    enter_all(plan, own, tmp_path)
    found = pvp.reckon(own, "2026")
    shared = found.dividends
    told = shared.owners.set_index("owner")
    account = shared.account
    assert abs(told.at["Upper", "surplus_fen"] - account["surplus"] / 2) <= 1
    assert told["written_off_fen"].sum() == account["written_off"]
    # Members are paid from these books themselves, as the plan has it.
    assert told["fen"].tolist() == [0, 0]
    assert shared.shared_fen == account["dividend"] == found.batch["fen"].sum()


def entered(two, tmp_path, owners):
    plan, _, apart, folder = two
    tmp_path.mkdir(exist_ok=True)
    own = tmp_path / "plan"
    shutil.copytree(apart, own)
    enter_all(plan, own, folder, owners=write(tmp_path, "owners.csv", owners))
    return pvp.reckon(own, "2026")


def test_a_plant_of_one_village_is_its_own_wherever_its_roof_stands(two, tmp_path):
    plain = pvp.reckon(two[1], "2026").dividends
    own = entered(two, tmp_path / "a", "household_id,owner,share\nH1,Upper,100%\n")
    assert own.dividends.accounts == plain.accounts
    other = entered(two, tmp_path / "b", "household_id,owner,share\nH1,Lower,1\n").dividends
    assert set(other.accounts) == {"Lower (Upper)", "Upper", "Lower"}
    paid = other.accounts["Lower (Upper)"]["dividend"]
    assert other.accounts["Lower"]["from_joint"] == paid > 0
    assert other.accounts["Upper"]["from_joint"] == 0
    # Nothing is put by before it reaches its owner.
    assert other.accounts["Lower (Upper)"]["reserve"] == 0


def test_a_member_whose_roof_carries_a_joint_plant_shares_all_the_same(two, tmp_path):
    every = "".join(f"H{n},Upper,1/2\nH{n},Lower,1/2\n" for n in range(1, 5))
    found = entered(two, tmp_path, "household_id,owner,share\n" + every).dividends
    got = found.households.set_index("household_id")["fen"]
    assert {"H1", "H2", "H3", "H4"} <= set(got.index)
    upper = found.accounts["Upper"]
    assert upper["surplus"] == upper["from_joint"] > 0
    assert upper["surplus"] == upper["reserve"] + upper["dividend"] + upper["kept"]
    mine = found.households[found.households["books"].eq("Upper")]
    assert mine["fen"].sum() + found.unnamed["Upper"] == upper["dividend"]


def test_owners_as_an_office_writes_them(tmp_path):
    text = "发电户号,村名,持股比例\nH1,甲村,0.333\n,乙村,0.333\n,丙村,0.333\n合计,,1\n"
    told = read_owners(write(tmp_path, "owners.csv", text))
    assert told == {"H1": pytest.approx({"甲村": 1 / 3, "乙村": 1 / 3, "丙村": 1 / 3})}


def test_bills_as_an_office_writes_them(two, tmp_path):
    plan, _, apart, folder = two
    own = tmp_path / "plan"
    shutil.copytree(apart, own)
    owners = write(tmp_path, "owners.csv", "household_id,owner,share\nH1,Lower,1/2\nH1,Upper,1/2\n")
    enter_all(plan, own, folder, owners=owners)
    rows = [
        "日期,项目,金额,村,所属期", '2026-12-01,运维费,"¥1,234.50",Upper,2026年11月至2026年12月',
        "2026-12-02,保费,200元,Upper、Lower,2026年", "2026-12-03,维护费,-50,H1,",
        "2026-12-04,运维,10,Lower,", "2026-12-04,运维,10,Lower,", "合计,,1404.50,,",
    ]  # fmt: skip
    pvp.track(own, period="2026-12", bills=write(tmp_path, "b.csv", "\n".join(rows) + "\n"))
    found = pvp.reckon(own, "2026-12").payments
    told = found[found["basis"].eq("bill")]
    sums = told.groupby("books")["fen"].sum().to_dict()
    assert sums == {"Upper": 123450, "Lower + Upper": 15000, "Lower": 2000}
    told = pvp.reckon(own, "2026").findings
    assert {"bill_twice", "reckon_unbilled"} <= {f.code for f in told}


def test_a_sum_over_all_villages_is_told_apart_by_the_sheet(two):
    _, folder, _, _ = two
    came = pvp.reckon(folder, "2026").vouchers
    came = came[came["item"].eq("receipt")]
    assert set(came["books"]) == {"Upper", "Lower"}


def test_reserve_and_dividends_are_booked_when_they_are_resolved(one, tmp_path):
    _, folder = one
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    before = pvp.reckon(own, "2026")
    assert not before.vouchers["item"].isin(["reserve", "dividend"]).any()
    assert set(before.statements.loc[before.statements["item"].eq("dividend"), "basis"]) == {
        "proposal"
    }
    after = pvp.resolve(own, 2026, dt.date(2027, 3, 1))
    assert after.vouchers["item"].isin(["reserve", "dividend"]).sum() == 4
    assert set(after.statements.loc[after.statements["item"].eq("dividend"), "basis"]) == {
        "resolved"
    }


def test_owners_that_are_stated_later_leave_the_villages_own_months_where_they_are(one, tmp_path):
    plan, folder = one
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    before = pvp.reckon(own, "2026").payments
    owners = write(tmp_path, "owners.csv", "household_id,owner,share\nH1,Upper,1/2\nH1,B,1/2\n")
    *paths, _ = month_of(plan, "2026-12", tmp_path)
    pvp.track(own, period="2026-12", settlement=paths[1], owners=owners, reason="joint from now on")
    found = pvp.reckon(own, "2026")
    told = {f.code: f.params.get("ids", "") for f in found.findings}
    assert "reckon_books" not in told
    assert told["reckon_months"] == "B + Upper 2026-11"
    assert found.payments["fen"].sum() == pytest.approx(before["fen"].sum(), abs=200)


def rows_of(*told):
    names = ["month", "model", "payer", "payee", "household_id", "item", "fen", "basis", "books"]
    frame = pd.DataFrame(told, columns=names)
    return frame.assign(booked=frame["month"])


def bills_of(*told):
    names = ["month", "item", "fen", "books", "begin", "end"]
    return pd.DataFrame(told, columns=names).assign(text="", file="b.csv", row=2)


def test_a_bill_takes_the_place_of_what_it_covers_and_of_nothing_else():
    def row(month, item, fen, basis="plan", books="", payer="collective"):
        return (month, "cooperative", payer, "operator", "", item, fen, basis, books)

    held = rows_of(
        row("2027-01", "running", 10), row("2027-02", "running", 11), row("2027-03", "running", 12),
        row("2027-02", "insurance", 5), row("2027-02", "running", 7, books="other"),
        row("2027-02", "running", 8, basis="contract"),
        row("2027-02", "running", 9, payer="household"),
    )  # fmt: skip
    bills = bills_of(("2027-03", "running", 40, "", "2027-02", "2027-03"))
    made = with_bills(held, bills)
    kept = made[made["basis"].ne("bill")]
    assert sorted(kept["fen"]) == [5, 7, 8, 9, 10]
    bill = made[made["basis"].eq("bill")]
    assert bill[["month", "booked", "payer", "payee", "item", "fen"]].to_numpy().tolist() == [
        ["2027-03", "2027-03", "collective", "operator", "running", 40]
    ]
    assert with_bills(held, bills.iloc[:0]) is held


def test_only_bills_of_one_sum_for_months_that_meet_may_stand_twice():
    once = bills_of(
        ("2027-01", "running", 40, "", "2027-01", "2027-03"),
        ("2027-04", "running", 40, "", "2027-04", "2027-06"),
        ("2027-04", "running", 41, "", "2027-04", "2027-06"),
        ("2027-04", "insurance", 40, "", "2027-04", "2027-06"),
        ("2027-04", "running", 40, "other", "2027-04", "2027-06"),
        ("2027-04", "running", -40, "", "2027-04", "2027-06"),
    )
    assert billed_twice(once) == []
    more = bills_of(("2027-03", "running", 40, "", "2027-03", "2027-03"))
    assert billed_twice(pd.concat([once, more])) == [("running", "0.40 2027-01..2027-03")]


@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6), st.integers(-10**7, 10**7),
    st.integers(0, 10**7),
)  # fmt: skip
def test_what_owners_get_sums_to_what_there_is(shares, surplus, dividend):
    account = {"written_off": 12_345, "surplus": surplus, "dividend": dividend}
    told = {f"V{n}": share for n, share in enumerate(shares)}
    made = _to_owners(2027, "joint", account, told).owners
    assert made["fen"].sum() == dividend
    assert made["surplus_fen"].sum() == surplus
    assert made["written_off_fen"].sum() == 12_345
    exact = dividend * np.array(shares) / sum(shares)
    assert np.abs(made["fen"] - exact).max() <= 1


def test_villages_that_are_called_alike_have_books_apart():
    assert _villages(["/Upper", "/Lower"]) == {"/Upper": "Upper", "/Lower": "Lower"}
    told = _villages(["33/Upper", "44/Upper", "44/Lower"])
    assert told == {"33/Upper": "33/Upper", "44/Upper": "44/Upper", "44/Lower": "Lower"}


def test_of_one_village_a_bill_without_a_name_is_its_own(one, tmp_path):
    own = tmp_path / "plan"
    shutil.copytree(one[1], own)
    owners = write(tmp_path, "owners.csv", "household_id,owner,share\nH1,Upper,1/2\nH1,B,1/2\n")
    bills = write(tmp_path, "b.csv", "month,item,amount,village\n2026-12,running,10,\n")
    found = pvp.track(own, period="2026-12", bills=bills, owners=owners)
    assert found.bills["books"].tolist() == ["Upper"]
    assert (own / "track/owners.csv").read_text("utf-8").count("H1,") == 2
