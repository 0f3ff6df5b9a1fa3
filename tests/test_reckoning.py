"""A year of entries: what was due, on the sheet, at the bank and in the vouchers is one sum."""

from __future__ import annotations

import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest
from calling import run
from helps import rarely
from made_sheets import HEAD, month_of, write
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.settlement.claims import certificates
from pvplanner.settlement.vouchers import account_map
from pvplanner.settlement.watch import dark_roofs, loan_ahead, short_months
from pvplanner.tracking.banking import history_of, reconcile

OWNED = """province = "Zhejiang"
[finance]
model = "cooperative"
[cooperative]
pays_rent = true
low_income_share = 0.1
[loan]
share = 0.5
years = 8
[tariff]
connection_date = 2026-01-01
"""


def village(folder, more, count=8):
    head = "household_id,building_id,household_name,low_income\n"
    rows = [f"H{n},B{n},户主{n},{'yes' if n == 3 else 'no'}\n" for n in range(1, count + 1)]
    write(folder, "households.csv", head + "".join(rows))
    site = 'households = "households.csv"\n'
    made = pvp.plan_village(
        pvp.Scenario.from_toml(write_village(folder, hamlet(count), site + more))
    )
    made.save(folder / "plan")
    return pvp.Plan.load(folder / "plan"), folder / "plan"


def statement(folder, amount):
    return write(folder, "bank.csv", f"日期,收入金额\n2026-02-10,{amount:.2f}\n")


def open_items(folder):
    return reconcile(history_of(folder))[1]


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    return village(tmp_path_factory.mktemp("planned"), OWNED)


@pytest.fixture(scope="module")
def year(planned, tmp_path_factory):
    """A plan with twelve months entered."""
    plan, folder = planned
    inputs, own = tmp_path_factory.mktemp("year"), tmp_path_factory.mktemp("of") / "plan"
    shutil.copytree(folder, own)
    files = {}
    for n in range(1, 13):
        month = f"2026-{n:02d}"
        *paths, table = month_of(plan, month, inputs, price=round(0.2 + 0.01 * n, 4))
        files[month] = (paths, table)
        pvp.track(own, period=month, meter=paths[0], settlement=paths[1], receipt=paths[2])
    return plan, own, files


def test_due_sheet_bank_and_vouchers_are_one_sum(year):
    _, folder, files = year
    found = pvp.reckon(folder, "2026")
    said = round(sum(table["total_amount"].sum() for _, table in files.values()) * 100)
    assert found.accounts["own_fen"].sum() == said
    assert found.accounts["sheet_fen"].sum() == said
    assert found.receipts["came_fen"].sum() == said
    sold = found.payments[found.payments["payer"].eq("grid_company")]
    assert sold["fen"].sum() == said
    debit = found.vouchers[found.vouchers["side"].eq("debit")]
    credit = found.vouchers[found.vouchers["side"].eq("credit")]
    assert debit[debit["code"].eq("112")]["fen"].sum() == said
    assert credit[credit["code"].eq("112")]["fen"].sum() == said
    both = found.vouchers.pivot(index="number", columns="side", values="fen")
    assert (both["debit"] == both["credit"]).all()


def test_dividends_and_statements_sum_to_what_there_is(year):
    _, folder, _ = year
    found = pvp.reckon(folder, "2026")
    shared = found.dividends
    assert shared.households["fen"].sum() + shared.unnamed_fen == shared.shared_fen > 0
    money = shared.account
    assert money["surplus"] == money["reserve"] + money["dividend"] + money["kept"]
    assert money["reserve"] == round(0.3 * money["surplus"])
    rent = found.payments.loc[found.payments["item"].eq("rent"), "fen"].sum()
    assert found.statements["received_fen"].sum() == rent + shared.shared_fen
    assert found.batch["fen"].sum() == rent + shared.shared_fen
    assert found.posting["fen"].sum() == rent + shared.shared_fen
    # Who is of low income gets more, and no list for the wall says who.
    own = shared.households.set_index("household_id")["fen"]
    assert own["H3"] == own.max() > own.drop("H3").max()
    posted = found.posting.set_index("household_id")["fen"]
    assert posted[""] == int(money["dividend"] * 0.1)
    assert abs(posted["H3"] - posted["H4"]) <= 2


def test_a_year_with_a_month_to_come_shares_nothing(planned, tmp_path):
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    *paths, _ = month_of(plan, "2026-01", tmp_path)
    pvp.track(own, period="2026-01", meter=paths[0], settlement=paths[1])
    found = pvp.reckon(own, "2026")
    assert found.dividends is None
    assert [(f.code, f.count) for f in found.findings] == [("reckon_months", 11)]
    with pytest.raises(pvp.ConfigError, match="2026"):
        pvp.resolve(own, 2026, dt.date(2027, 3, 1))
    with pytest.raises(pvp.ConfigError, match="2027-05"):
        pvp.reckon(own, "2027-05")


def test_a_resolution_is_entered_once_and_changes_with_a_reason(year, tmp_path):
    _, folder, _ = year
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    told = [f.code for f in pvp.reckon(own, "2026").findings]
    assert told == ["reckon_proposal", "reckon_unbilled"]
    found = pvp.resolve(own, 2026, dt.date(2027, 3, 15))
    assert found.resolved == dt.date(2027, 3, 15)
    assert [f.code for f in found.findings] == ["reckon_unbilled"]
    with pytest.raises(pvp.ConfigError, match="2027-03-15"):
        pvp.resolve(own, 2026, dt.date(2027, 4, 1), reason=" ")
    again = pvp.resolve(own, 2026, dt.date(2027, 4, 1), reason="voted anew")
    assert again.resolved == dt.date(2027, 4, 1)


def test_a_correction_changes_only_what_it_names(year, tmp_path):
    plan, folder, _files = year
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    pvp.resolve(own, 2026, dt.date(2027, 3, 15))
    before = pvp.reckon(own, "2026")

    def less(table):
        table.loc[2, ["exported_kwh", "market_amount"]] = [100.0, 25.0]
        table.loc[2, ["mechanism_kwh", "difference_amount"]] = [0.0, 0.0]
        table.loc[2, "total_amount"] = 25.0
        return table

    *paths, _ = month_of(plan, "2026-05", tmp_path, price=0.25, change=less)
    with pytest.raises(pvp.ConfigError, match="2026-05"):
        pvp.track(own, period="2026-05", settlement=paths[1])
    pvp.track(own, period="2026-05", settlement=paths[1], receipt=paths[2], reason="a new sheet")
    after = pvp.reckon(own, "2026")
    keys = ["month", "item", "household_id", "payer"]
    both = before.payments.merge(after.payments, on=keys, suffixes=("_a", "_b"))
    assert len(both) == len(before.payments) == len(after.payments)
    moved = both[both["fen_a"].ne(both["fen_b"])]
    assert moved[["month", "item", "household_id"]].to_numpy().tolist() == [
        ["2026-05", "feed_in", "H3"]
    ]
    assert "reckon_moved" in [f.code for f in after.findings]
    assert after.roofs.equals(before.roofs)


@pytest.mark.long
def test_the_whole_history_replays_to_the_same_bytes(year, planned, tmp_path):
    _, folder, files = year
    own = tmp_path / "plan"
    shutil.copytree(planned[1], own)
    for month, (paths, _) in files.items():
        pvp.track(own, period=month, meter=paths[0], settlement=paths[1], receipt=paths[2])
    for path in sorted((folder / "track").rglob("*")):
        if path.is_file():
            other = own / "track" / path.relative_to(folder / "track")
            assert path.read_bytes() == other.read_bytes(), path.name
    one, other = (pvp.reckon(f, "2026") for f in (folder, own))
    for suffix in ("xlsx", "pdf", "html"):
        made = [pvp.save_reckoning(r, tmp_path / f"{n}.{suffix}").read_bytes()
                for n, r in enumerate((one, other))]  # fmt: skip
        assert made[0] == made[1], suffix


def test_money_that_comes_late_is_open_until_it_comes(planned, tmp_path):
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    *jan, table = month_of(plan, "2026-01", tmp_path)
    late = float(table["total_amount"].iloc[2])
    bank = statement(tmp_path, table["total_amount"].sum() - late)
    found = pvp.track(own, period="2026-01", meter=jan[0], settlement=jan[1], receipt=bank)
    assert found.settled.receipts[["cause", "late"]].to_numpy().tolist() == [["late", "H3 2026-01"]]
    assert open_items(own)[["account", "fen"]].to_numpy().tolist() == [["H3", round(late * 100)]]
    *feb, table = month_of(plan, "2026-02", tmp_path)
    bank = statement(tmp_path, table["total_amount"].sum() + late)
    found = pvp.track(own, period="2026-02", meter=feb[0], settlement=feb[1], receipt=bank)
    assert found.settled.receipts["cause"].tolist() == ["late_before"]
    assert open_items(own).empty


def test_an_account_that_is_settled_a_month_late(planned, tmp_path):
    """What the January sheet forgot stands on February's: sold once, rent paid once."""
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    *jan, whole = month_of(plan, "2026-01", tmp_path, change=lambda t: t.drop(index=4))
    row = month_of(plan, "2026-01", tmp_path)[3].loc[4]
    jan = month_of(plan, "2026-01", tmp_path, change=lambda t: t.drop(index=4))
    first = pvp.track(own, period="2026-01", meter=jan[0], settlement=jan[1])
    missing = first.settled.accounts[first.settled.accounts["kinds"].eq("missing")]
    assert missing["household_id"].tolist() == ["H5"]
    assert missing["own_fen"].iloc[0] == round(row["total_amount"] * 100)
    feb = month_of(plan, "2026-02", tmp_path, change=lambda t: pd.concat([t, row.to_frame().T]))
    second = pvp.track(own, period="2026-02", meter=feb[0], settlement=feb[1])
    assert second.settled.accounts["kinds"].eq("").all()
    found = pvp.reckon(own, "2026-01")
    sold = found.payments[found.payments["item"].eq("feed_in")]
    assert sold["fen"].sum() == round((whole["total_amount"].sum() + row["total_amount"]) * 100)
    rents = found.payments[found.payments["item"].eq("rent")]
    assert not rents.duplicated("household_id").any()


MODELS = {
    "self_invest": {}, "self_use": {}, "roof_lease": {}, "developer": {}, "cooperative": {},
    "agent": {"cooperative.agent": True}, "shared": {"cooperative.mode": "self_use"},
}  # fmt: skip


@pytest.fixture(scope="module")
def by_model(tmp_path_factory):
    dated = 'province = "Zhejiang"\n[tariff]\nconnection_date = 2026-03-10\n'
    base, _ = village(tmp_path_factory.mktemp("base"), dated, 6)
    out = {}
    for name, keys in MODELS.items():
        folder = tmp_path_factory.mktemp(name) / "plan"
        model = "cooperative" if name in ("agent", "shared") else name
        base.under({"finance.model": model, **keys}).save(folder)
        out[name] = (pvp.Plan.load(folder), folder)
    return out


def month_agrees(by_model, name, seed, tmp_path):
    """A month at any price and yield: ours, the sheet, the bank and who is paid are one sum."""
    rng = np.random.default_rng(seed)
    plan, _ = by_model[name]
    month = str(pd.Period("2026-04", "M") + int(rng.integers(0, 40)))
    meter, sheet, bank, table = month_of(
        plan, month, tmp_path, price=round(float(rng.uniform(0.05, 0.5)), 4),
        factor=float(rng.uniform(0.7, 1.2)),
    )  # fmt: skip
    said = round(table["total_amount"].sum() * 100)
    if name == "agent":
        # The county's company takes its part before it passes the money on.
        rate = next(iter(plan.parts.values())).terms.rate("1-agent_vat*1-agent_fee")[0]
        passed = np.rint((table["total_amount"] * 100).round() * rate).sum()
        bank = statement(tmp_path, passed / 100)
    found = pvp.track(plan, period=month, meter=meter, settlement=sheet, receipt=bank)
    held = found.settled.accounts
    assert held["kinds"].eq("").all(), held[
        ["own_kwh", "sheet_kwh", "own_fen", "sheet_fen", "kinds"]
    ]
    assert held["sheet_fen"].sum() == held["own_fen"].sum() == said
    assert found.settled.receipts["cause"].tolist() == ["agrees"]
    sold = found.payments[found.payments["payer"].eq("grid_company")]
    assert sold["fen"].sum() == said
    payee = {"roof_lease": "developer", "developer": "developer", "cooperative": "collective",
             "agent": "agent", "shared": "collective"}.get(name, "household")  # fmt: skip
    assert set(sold["payee"]) == {payee}


@pytest.mark.parametrize("name", rarely(MODELS, ("self_use", "cooperative", "agent")))
def test_a_random_month_of_every_model_agrees_to_the_fen(by_model, name, tmp_path):
    month_agrees(by_model, name, 0, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", range(1, 13))
def test_random_months_of_every_model_agree_to_the_fen(by_model, name, seed, tmp_path):
    month_agrees(by_model, name, seed, tmp_path)


def test_only_a_part_of_what_is_made_is_sent_where_it_is_used(by_model, tmp_path):
    """A surplus meter is no difference of energy, and power sold at home follows what was used."""
    plan, _ = by_model["developer"]

    def half(table):
        for name in ("exported_kwh", "market_amount", "difference_amount", "total_amount"):
            table[name] = (table[name] / 2).round(2)
        return table

    meter, sheet, *_ = month_of(plan, "2026-07", tmp_path)
    all_sent = pvp.track(plan, period="2026-07", meter=meter, settlement=sheet)
    power = all_sent.payments[all_sent.payments["item"].eq("power")]
    assert power["fen"].sum() == pytest.approx(0, abs=200)
    meter, sheet, *_ = month_of(plan, "2026-07", tmp_path, change=half)
    found = pvp.track(plan, period="2026-07", meter=meter, settlement=sheet)
    assert "energy" not in " ".join(found.settled.accounts["kinds"])
    power = found.payments[found.payments["item"].eq("power")]
    assert power["fen"].sum() > 1000
    assert set(power["payee"]) == {"developer"}


def test_papers_have_the_figures_and_the_wall_has_no_names(year, tmp_path):
    import openpyxl
    from pypdf import PdfReader

    _, folder, files = year
    found = pvp.reckon(folder, "2026")
    said = f"{sum(t['total_amount'].sum() for _, t in files.values()):,.2f}"
    page = pvp.save_reckoning(found, tmp_path / "y.html", language="zh").read_text("utf-8")
    assert said in page
    assert "<script" not in page
    pdf = PdfReader(pvp.save_reckoning(found, tmp_path / "y.pdf", language="en"))
    text = "\n".join(p.extract_text() for p in pdf.pages)
    assert said in text
    assert f"{found.dividends.shared_fen / 100:,.2f}" in text
    book = openpyxl.load_workbook(pvp.save_reckoning(found, tmp_path / "y.xlsx", language="zh"))
    assert {"公示清单", "银行代发", "记账凭证", "各方收付"} <= set(book.sheetnames)
    rows = [r for r in book["记账凭证"].iter_rows(min_row=2, values_only=True) if r[1]]
    assert len(rows) == len(found.vouchers)
    posted = pvp.save_list(found, tmp_path / "p.csv", "posting", language="zh").read_text(
        "utf-8-sig"
    )
    assert "户主" not in posted
    assert len(posted.splitlines()) == len(found.posting) + 2
    paid = pvp.save_list(found, tmp_path / "b.csv", "batch", language="zh").read_text("utf-8-sig")
    assert "户主3" in paid
    sheets = PdfReader(pvp.save_statements(found, tmp_path / "s.pdf", language="zh"))
    assert len(sheets.pages) == 8
    first = sheets.pages[0].extract_text()
    rate = found.plan.scenario.finance.rent
    modules = found.plan.households.set_index("household_id").loc["H1", "modules"]
    assert f"{modules:g} 块 × {rate:g}" in first
    for bad in ("y.docx", "y"):
        with pytest.raises(pvp.ConfigError):
            pvp.save_reckoning(found, tmp_path / bad)
    with pytest.raises(pvp.ConfigError, match="none"):
        pvp.save_list(found, tmp_path / "n.csv", "none")


def test_own_codes_of_a_village_take_the_place_of_the_packages(year, tmp_path):
    folder = tmp_path / "plan"
    shutil.copytree(year[1], folder)
    pvp.resolve(folder, 2026, dt.date(2027, 3, 15))
    own = write(tmp_path, "codes.csv", "item,debit,credit\ndividend,322,205\n")
    found = pvp.reckon(folder, "2026", accounts=own)
    rows = found.vouchers[found.vouchers["item"].eq("dividend")]
    assert rows["code"].tolist() == ["322", "205"]
    with pytest.raises(pvp.InputError, match="nothing"):
        account_map(write(tmp_path, "odd.csv", "item,debit,credit\nnothing,1,2\n"))
    with pytest.raises(pvp.InputError, match="credit"):
        account_map(write(tmp_path, "odd.csv", "item,debit\nrent,1\n"))


def test_a_layout_is_given_once_and_then_known(planned, tmp_path):
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    columns = 'account = "编号"\nmonth = "期"\nenergy = "度数"\ntotal = "钱"\n'
    layout = write(tmp_path, "ours.toml", f"[columns]\n{columns}")

    def ours(month):
        table = month_of(plan, month, tmp_path)[3]
        text = "编号,期,度数,钱\n" + "".join(
            f"{r.account},{r.month},{r.exported_kwh:.0f},{r.total_amount:.2f}\n"
            for r in table.itertuples()
        )
        return write(tmp_path, f"{month}.csv", text)

    prices = write(tmp_path, "prices.csv", "月份,电价\n2026-01,0.2871\n2026-02,0.2871\n")
    with pytest.raises(pvp.InputError, match="度数"):
        pvp.track(own, period="2026-01", settlement=ours("2026-01"), prices=prices)
    told = {"prices": prices}
    first = pvp.track(own, period="2026-01", settlement=ours("2026-01"), layout=layout, **told)
    second = pvp.track(own, period="2026-02", settlement=ours("2026-02"), **told)
    for found in (first, second):
        assert found.settled.accounts["kinds"].eq("").all()
        assert "sheet_no_meter" in [f.code for f in found.findings]


def test_certificates_and_what_is_carried_are_the_energy():
    sent = pd.DataFrame({"month": ["2027-01", "2027-01", "2027-02", "2027-03"],
                         "sent_kwh": [600.0, 300.0, 1200.5, 50.0],
                         "mechanism_kwh": [0.0, 0.0, 300.0, 45.0]})  # fmt: skip
    told = certificates(sent)
    assert told["certificates"].tolist() == [0, 1, 0]
    assert told["tradable_kwh"].tolist() == [900, 900.5, 5]
    assert told["carried_kwh"].tolist() == [900, 800.5, 805.5]


def test_what_is_watched():
    months = [f"2027-0{n}" for n in range(1, 6)]
    owed = pd.Series([100.0, 100, 0, 100, 100], index=months)
    came = pd.Series([100.0, 40, 0, 30, 90], index=months)
    row = short_months(came, owed).iloc[0]
    # A month without an instalment is none of a run and ends none.
    assert (row["since"], row["amount"]) == ("2027-02", 1.4)
    assert short_months(came.replace(90, 100), owed).empty
    days = pd.date_range("2027-05-01", periods=20)
    made = np.full(20, 10.0)
    table = pd.DataFrame(
        {"household_id": "A", "day": days, "measured_kwh": made, "expected_kwh": 10.0}
    )
    assert dark_roofs(table).empty
    table.loc[13:, "measured_kwh"] = 0.0
    assert dark_roofs(table)[["who", "since", "amount"]].to_numpy().tolist() == [
        ["A", "2027-05-14", 70]
    ]
    assert dark_roofs(table.iloc[:19]).empty
    assert loan_ahead(100, 100, "x").empty
    assert loan_ahead(300, 100, "x")["amount"].tolist() == [2.0]


def test_the_commands(planned, tmp_path):
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    meter, sheet, bank, table = month_of(plan, "2026-06", tmp_path)
    done = run("track", str(own), "--period", "2026-06", "--meter", str(meter), "--settlement",
               str(sheet), "--receipt", str(bank), "--language", "en")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{table['total_amount'].sum():,.2f}" in done.stdout
    assert "agrees" in done.stdout
    out = [tmp_path / n for n in ("may.xlsx", "p.csv", "b.csv", "s.pdf")]
    told = [s for pair in zip(("-o", "--posting", "--batch", "--statements"), map(str, out),
                              strict=True) for s in pair]  # fmt: skip
    done = run("reckon", str(own), "--period", "2026-06", *told, "--language", "en")
    assert done.returncode == 0, done.stderr
    assert all(p.is_file() for p in out)
    done = run("reckon", str(own), "--period", "2026-06", "--resolved", "tomorrow")
    assert done.returncode == 2
    done = run("track", str(own), "--period", "2026-06")
    assert done.returncode == 2


def test_no_word_of_a_reckoning_is_missing():
    from pvplanner.metering.faults import CAUSES
    from pvplanner.reckoning.content import ACCOUNT, SECTIONS
    from pvplanner.settlement.compare import KINDS
    from pvplanner.settlement.receipts import CAUSES as WHY
    from pvplanner.settlement.shares import BASES
    from pvplanner.settlement.watch import KINDS as WATCHED
    from pvplanner.words import texts

    wanted = [f"kind_{k}" for k in (*KINDS, "missing", "unplanned")]
    wanted += [f"receipt_{c}" for c in WHY] + [f"basis_{b}" for b in BASES]
    wanted += [f"watch_{k}" for k in WATCHED] + [f"account_{n}" for n in ACCOUNT]
    wanted += [f"look_{c}" for c in CAUSES]
    names = [make.__name__.lstrip("_") for make in SECTIONS]
    keys = ["kinds_of" if n == "kinds" else n for n in names]
    wanted += [f"{stem}{k}" for k in keys for stem in ("reckon_", "sheet_reckon_")]
    for language in ("zh", "en"):
        assert [w for w in wanted if w not in texts(language)] == []


def test_the_head_of_a_made_sheet_is_a_layouts():
    from pvplanner.settlement import layouts

    layout = next(one for one in layouts() if one.name == "english")
    assert list(layout.columns.values()) == HEAD.split(",")


def test_a_sheet_of_another_month_is_refused_and_rows_settled_before_are_set_aside(
    planned, tmp_path
):
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    *jan, table = month_of(plan, "2026-01", tmp_path)
    with pytest.raises(pvp.InputError, match="2026-01"):
        pvp.track(own, period="2026-02", settlement=jan[1])
    pvp.track(own, period="2026-01", meter=jan[0], settlement=jan[1], receipt=jan[2])
    *feb, _ = month_of(plan, "2026-02", tmp_path, change=lambda t: pd.concat([t, table.iloc[:2]]))
    second = pvp.track(own, period="2026-02", meter=feb[0], settlement=feb[1], receipt=jan[2])
    told = {f.code: f.count for f in second.findings}
    assert (told["sheet_again"], told["bank_again"]) == (2, 1)
    found = pvp.reckon(own, "2026-01..2026-02")
    assert not found.accounts.duplicated(["account", "month"]).any()
    assert found.receipts["came_fen"].sum() == round(table["total_amount"].sum() * 100)


def test_a_household_that_comes_late_stands_once_and_is_booked_when_it_came(planned, tmp_path):
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    row = month_of(plan, "2026-01", tmp_path)[3].loc[4]
    *jan, _ = month_of(plan, "2026-01", tmp_path, change=lambda t: t.drop(index=4))
    pvp.track(own, period="2026-01", meter=jan[0], settlement=jan[1], receipt=jan[2])
    before = pvp.reckon(own, "2026-01")
    assert before.watch["kind"].tolist() == ["missing"]
    late = row.to_frame().T
    *feb, both = month_of(plan, "2026-02", tmp_path, change=lambda t: pd.concat([t, late]))
    pvp.track(own, period="2026-02", meter=feb[0], settlement=feb[1], receipt=feb[2])
    found = pvp.reckon(own, "2026-01")
    mine = found.accounts[found.accounts["household_id"].eq("H5")]
    assert mine[["kinds", "booked"]].to_numpy().tolist() == [["", "2026-02"]]
    assert found.accounts["sheet_fen"].notna().all()
    assert found.watch.empty
    # January's vouchers are as they were; the late money is February's.
    assert found.vouchers.equals(before.vouchers)
    later = pvp.reckon(own, "2026-02").vouchers
    booked = later[later["item"].eq("feed_in") & later["side"].eq("debit")]["fen"].sum()
    assert booked == round(both["total_amount"].sum() * 100)
    assert later["number"].str.startswith("202602-").all()


def test_the_banks_statement_may_come_later_and_a_corrected_sheet_is_held_against_it(
    planned, tmp_path
):
    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    *jan, _ = month_of(plan, "2026-01", tmp_path)
    for more in ({}, {"meter": jan[0]}):
        with pytest.raises(pvp.ConfigError):
            pvp.track(own, period="2026-01", receipt=jan[2], **more)
    pvp.track(own, period="2026-01", meter=jan[0], settlement=jan[1])
    assert pvp.reckon(own, "2026-01").receipts.empty
    found = pvp.track(own, period="2026-01", receipt=jan[2])
    assert found.settled.receipts["cause"].tolist() == ["agrees"]
    with pytest.raises(pvp.ConfigError, match="2026-01"):
        pvp.track(own, period="2026-01", receipt=jan[2])

    def more(rows):
        rows.loc[2, "total_amount"] += 10
        return rows

    *again, _ = month_of(plan, "2026-01", tmp_path, change=more)
    found = pvp.track(own, period="2026-01", settlement=again[1], reason="the grid's correction")
    assert found.settled.receipts["off_fen"].tolist() == [-1000]
    assert pvp.reckon(own, "2026-01").receipts["off_fen"].tolist() == [-1000]
    assert pvp.reckon(own, "2026-01").watch["kind"].tolist() == ["claim"]


@pytest.mark.parametrize("short", [0.01, 123.45, 4000])
def test_a_bank_that_is_short_by_anything_is_entered_and_said(planned, tmp_path, short):
    plan, _ = planned
    meter, sheet, _, table = month_of(plan, "2026-08", tmp_path)
    bank = statement(tmp_path, table["total_amount"].sum() - short)
    found = pvp.track(plan, period="2026-08", meter=meter, settlement=sheet, receipt=bank)
    assert found.settled.receipts["off_fen"].tolist() == [-round(short * 100)]
    assert found.settled.receipts["cause"].iloc[0] in ("unexplained", "rounding")


def test_periods_in_part_and_months_between_that_were_not_settled(year, planned, tmp_path):
    _, folder, _ = year
    with pytest.raises(pvp.ConfigError, match="2026-04-01"):
        pvp.reckon(folder, "2026-04-01..2026-04-15")
    plan, empty = planned
    own = tmp_path / "plan"
    shutil.copytree(empty, own)
    *may, _ = month_of(plan, "2026-05", tmp_path)
    pvp.track(own, period="2026-05", meter=may[0], settlement=may[1])
    found = pvp.reckon(own, "2026-04..2026-06")
    assert [(f.code, f.count) for f in found.findings] == [("reckon_gap", 2)]
    assert pvp.reckon(own, "2026/5").findings == ()
    assert pvp.reckon(own, "2026年5月").findings == ()


def test_a_year_is_resolved_after_its_end(year, tmp_path):
    _, folder, _ = year
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    with pytest.raises(pvp.ConfigError, match="2026-12-31"):
        pvp.resolve(own, 2026, dt.date(2026, 12, 31))
    assert pvp.resolve(own, 2026, dt.date(2027, 1, 1)).resolved == dt.date(2027, 1, 1)


def test_energy_that_was_not_checked_is_said(planned, tmp_path):
    from pvplanner.tracking.lines import lines_of

    plan, _ = planned
    meter, sheet, *_ = month_of(plan, "2026-08", tmp_path)
    rows = meter.read_text("utf-8").splitlines()
    gone = [r for r in rows if not r.startswith("H2,2026-08-05")]
    found = pvp.track(plan, period="2026-08", settlement=sheet,
                      meter=write(tmp_path, "m.csv", "\n".join(gone)))  # fmt: skip
    assert found.settled.accounts.set_index("account")["unchecked"].sum() == 1
    said = "\n".join(lines_of(found, "en"))
    assert "not checked: 1" in said
    assert "H2 2026-08-05" in said


def test_an_estimate_is_booked_when_its_bill_comes(year):
    _, folder, _ = year
    found = pvp.reckon(folder, "2026-03")
    assert "running" in set(found.payments["item"])
    assert not {"running", "insurance"} & set(found.vouchers["item"])


def test_entries_of_the_first_version_are_read_as_what_they_are(planned, tmp_path):
    import json

    plan, folder = planned
    own = tmp_path / "plan"
    shutil.copytree(folder, own)
    *jan, _ = month_of(plan, "2026-01", tmp_path)
    pvp.track(own, period="2026-01", meter=jan[0])
    file = own / "track" / "2026-01" / "entry.json"
    told = json.loads(file.read_text("utf-8"))
    old = {k: told[k] for k in ("period", "number", "made", "reason")}
    old |= {"files": told["files"]["meter"], "weather": None, "match": None}
    file.write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(pvp.ConfigError, match="2026-01"):
        pvp.track(own, period="2026-01", meter=jan[0])
    *feb, _ = month_of(plan, "2026-02", tmp_path)
    pvp.track(own, period="2026-02", meter=feb[0], settlement=feb[1])
    days = pvp.tracked_days(own)
    assert set(days["entry"]) == {"2026-01", "2026-02"}
    assert pvp.reckon(own, "2026-02").roofs["days_known"].eq(28).all()


def test_a_day_that_cant_be_is_not_held_against_the_sheet(planned, tmp_path):
    plan, _ = planned
    meter, sheet, *_ = month_of(plan, "2026-08", tmp_path)
    lines = meter.read_text("utf-8").splitlines()
    n = next(k for k, line in enumerate(lines) if line.startswith("H2,2026-08-05"))
    lines[n] = "H2,2026-08-05,99999"
    found = pvp.track(plan, period="2026-08", settlement=sheet,
                      meter=write(tmp_path, "wild.csv", "\n".join(lines)))  # fmt: skip
    row = found.settled.accounts.set_index("account").loc["H2"]
    assert (row["kinds"], bool(row["unchecked"])) == ("", True)
    assert found.problems["kind"].tolist() == ["impossible"]


def test_where_own_hours_make_the_price_the_sheets_is_taken_and_it_is_said(tmp_path):
    more = OWNED.replace("[tariff]", '[tariff]\nown_price = "hours"')
    plan, _ = village(tmp_path, more)

    def own_prices(table):
        for n in table.index:
            price = round(0.2 + 0.01 * n, 4)
            sold = round(table.loc[n, "exported_kwh"] * price + 1e-9, 2)
            table.loc[n, ["market_price", "market_amount"]] = [price, sold]
            table.loc[n, "total_amount"] = round(sold + table.loc[n, "difference_amount"], 2)
        return table

    meter, sheet, *_ = month_of(plan, "2026-08", tmp_path, price=0.24, change=own_prices)
    found = pvp.track(plan, period="2026-08", meter=meter, settlement=sheet)
    assert found.settled.accounts["kinds"].isin(["", "rounding"]).all()
    assert "sheet_own_hours" in [f.code for f in found.findings]


def test_a_reckoning_is_no_document_of_the_plans_tables_alone(year, tmp_path):
    _, folder, _ = year
    paper = pvp.save_reckoning(pvp.reckon(folder, "2026-03"), tmp_path / "m.pdf", language="en")
    with pytest.raises(pvp.InputError, match="reckon"):
        pvp.verify_document(paper, folder)


def test_the_summary_of_the_workbook_is_numbers(year, tmp_path):
    import openpyxl

    _, folder, files = year
    path = pvp.save_reckoning(pvp.reckon(folder, "2026-03"), tmp_path / "m.xlsx", language="en")
    rows = list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))
    told = {name: value for name, value, *_ in rows}
    said = files["2026-03"][1]["total_amount"].sum()
    assert told["On the sheet"] == pytest.approx(said, abs=1e-6)
    assert told["Measured over expected"] == pytest.approx(1, abs=1e-3)
