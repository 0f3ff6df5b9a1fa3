"""A collective's cash in the workbook: taxes and distribution follow the cells as a plan would."""

from __future__ import annotations

import numpy as np
import openpyxl
import pytest
from helps import rarely
from made_sheets import write
from test_workbook import calculated, cells, near  # noqa: F401 (a fixture)
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.documents.cash import CAPEX, FIRST, PRICE, RATE, SHARE
from pvplanner.documents.collective import CHECK, START
from pvplanner.documents.living import living
from pvplanner.documents.pooled import general_steps, loss_steps, pooled, renewals, steps_of
from pvplanner.words import label

pytest.importorskip("xlsxwriter")

SETUPS = {
    "loan": "[cooperative]\npays_rent = true\nlow_income_share = 0.1\n"
    "[loan]\nshare = 0.5\nyears = 8\n",
    "members": "[cooperative]\nmember_loan_share = 0.4\nequal_share = 0.3\n",
    "agent": "[cooperative]\nagent = true\nprovision = true\n",
    "poor": "[cooperative]\nlow_income_share = 0.2\nfree_kwh_per_month = 10\n",
    "taxed": "[cooperative]\nreserve_rate = 0.5\n[tariff]\nconnection_date = 2026-06-17\n",
}


def village(folder, more, count=6):
    head = "household_id,building_id,household_name,low_income\n"
    rows = [f"H{n},B{n},户主{n},{'yes' if n == 3 else 'no'}\n" for n in range(1, count + 1)]
    write(folder, "households.csv", head + "".join(rows))
    site = (
        'households = "households.csv"\nprovince = "Zhejiang"\n[finance]\nmodel = "cooperative"\n'
    )
    return pvp.plan_village(
        pvp.Scenario.from_toml(write_village(folder, hamlet(count), site + more))
    )


def tied(one, other):
    """Half a fen goes up in a spreadsheet and to the even one in the plan; a year carries it on."""
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return numbers and abs(one - other) < 0.0351


def row_of(sheet, title, count):
    """A row by its name: the payment at once and the years."""
    for row in sheet.iter_rows(values_only=True):
        if row[0] == title:
            return np.array([v or 0.0 for v in row[START : START + count + 1]], dtype=float)
    raise AssertionError(title)


@pytest.mark.parametrize("name", rarely(SETUPS, ("loan", "taxed")))
def test_changed_cells_give_what_a_changed_plan_gives(tmp_path, calculated, name):  # noqa: F811
    plan = village(tmp_path, SETUPS[name])
    target = pvp.save_report(plan, tmp_path / "r.xlsx", language="zh", internal=True)
    again = calculated(target, tmp_path / "same")
    off = [(s, c, v, again[s][c].value) for s, c, _, v in cells(target)
           if not (near(v, again[s][c].value) or tied(v, again[s][c].value))]  # fmt: skip
    assert off == []
    changes = {"finance.capex_per_w": 3.31, "finance.discount_rate": 0.055,
               "tariff.market_path": "high"}  # fmt: skip
    if "[loan]" in SETUPS[name]:
        changes["loan.share"] = 0.35
    other = plan.under(changes)
    homes, case = other.case()
    cells_ = {(CAPEX, 2): 3.31, (RATE, 2): 0.055, (SHARE, 2): case.terms.loan.share}
    one, due = living(homes, case), pooled(homes, case)
    cells_ |= {(PRICE, FIRST + 1 + n): float(p) for n, p in enumerate(one.price)}
    held = calculated(target, tmp_path / "changed", cells_)
    sheet, count = held[label("sheet_collective", "zh")], due.count
    assert sheet.cell(CHECK + 1, START + 1).value == label("sheet_changed", "zh")
    before = row_of(sheet, label("sheet_before_dividends", "zh"), count)
    assert np.abs(before - due.before).max() < 0.06
    given = row_of(sheet, label("dividend", "zh"), count)[1:]
    assert np.abs(given - steps_of(due)["given"]).max() < 0.2
    told = other.result("collective").iloc[0]
    npv = row_of(sheet, label("npv", "zh", unit=True), 0)[0]
    assert npv == pytest.approx(told["npv"], abs=0.5)
    if np.isfinite(told["irr"]):
        irr = row_of(sheet, label("irr", "zh", unit=True), 0)[0]
        assert irr == pytest.approx(told["irr"], abs=2e-5 if one.times[1] == 1.0 else 1e-4)
    cash = held[label("sheet_cash", "zh")]
    rows = {row[0]: row for row in cash.iter_rows(values_only=True)}
    for n, home in enumerate(homes["household_id"].astype(str)):
        years = np.array(rows[home][FIRST : FIRST + count + 1], dtype=float)
        assert np.abs(years - one.cash[n]).max() < 0.06, home
        assert rows[home][FIRST + count + 1] == label("sheet_shares", "zh")


def test_a_changed_price_moves_every_member_and_a_reserve_takes_it_back(tmp_path, calculated):  # noqa: F811
    plan = village(tmp_path, SETUPS["poor"])
    target = pvp.save_report(plan, tmp_path / "r.xlsx", language="zh", internal=True)
    one = living(*plan.case())
    higher = {(PRICE, FIRST + 1 + n): float(p) + 0.05 for n, p in enumerate(one.price)}
    held = calculated(target, tmp_path / "higher", higher)
    sheet = held[label("sheet_collective", "zh")]
    more = row_of(sheet, label("sheet_given_more", "zh"), len(one.years))[1:]
    # Where the inverters are paid for there is nothing to give either way.
    assert (more >= 0).all()
    assert (more > 0).sum() > 20
    income = {row[0]: row[4] for row in held[label("sheet_cash", "zh")].iter_rows(values_only=True)}
    homes = plan.households.set_index("household_id")["income_first_year"]
    assert all(income[home] > homes[home] for home in homes.index)


def test_the_plans_figures_stand_where_nothing_was_changed(tmp_path):
    plan = village(tmp_path, SETUPS["loan"])
    target = pvp.save_report(plan, tmp_path / "r.xlsx", language="zh", internal=True)
    held = openpyxl.load_workbook(target, data_only=True)
    sheet = held[label("sheet_collective", "zh")]
    assert sheet.cell(CHECK + 1, START + 1).value == label("sheet_same", "zh")
    told, flows = plan.result("collective").iloc[0], plan.cash_flows()
    for key in ("surplus_first_year", "npv"):
        title = label(key, "zh") if key == "surplus_first_year" else label(key, "zh", unit=True)
        titles = [r[0] for r in sheet.iter_rows(values_only=True) if r[0]]
        title = next(t for t in titles if t.startswith(title))
        assert row_of(sheet, title, 0)[0] == pytest.approx(told[key], abs=0.006)
    own = flows[flows["party"] == "collective"].groupby("item")["yuan"].sum()
    for item in ("capital", "feed_in", "rent", "interest", "principal", "tax"):
        title = label(item, "zh")
        assert row_of(sheet, title, 25).sum() == pytest.approx(own[item], abs=0.01), item
    summary = held[label("sheet_summary", "zh")]
    line = label("sheet_collective_line", "zh").format(what=label("npv", "zh", unit=True))
    assert [r[1] for r in summary.iter_rows(values_only=True) if r[0] == line] == [
        pytest.approx(told["npv"], abs=0.006)
    ]


def test_no_collective_no_sheet(tmp_path):
    plan = pvp.plan_village(pvp.Scenario.from_toml(write_village(tmp_path, hamlet(2))))
    target = pvp.save_report(plan, tmp_path / "r.xlsx", language="zh")
    assert label("sheet_collective", "zh") not in openpyxl.load_workbook(target).sheetnames


def test_losses_are_used_up_oldest_first():
    open_ = loss_steps(np.array([-10.0, -5.0, 12.0, 0.0, 100.0]), 3)
    assert open_.T.tolist() == [[0, 0, 0], [10, 0, 0], [5, 10, 0], [0, 3, 0], [0, 0, 3]]


def test_a_seller_beyond_the_limit_stays_a_general_taxpayer(tmp_path):
    one = pooled(*village(tmp_path, "").case())
    sales = np.zeros(one.count)
    sales[1] = 6e6
    general, due, credit = general_steps(one, sales, 1.13e6)
    assert general.tolist() == [0.0, *[1.0] * (one.count - 1)]
    assert due[0] == credit[0] == 0.0
    assert due[1] == pytest.approx(6e6 * 0.13 / 1.13)


def test_what_is_set_aside_is_for_the_next_renewal():
    assert renewals(np.array([0.0, 5.0, 0.0, 0.0, 7.0, 0.0])) == [
        (1, 1, 2), (1, 2, 2), (4, 1, 3), (4, 2, 3), (4, 3, 3), (5, 0, 0),
    ]  # fmt: skip
