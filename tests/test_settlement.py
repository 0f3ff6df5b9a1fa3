"""The grid company's sheet, the bank and the law against our own reckoning, to the fen."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.money import chosen_rows, run_model
from pvplanner.money.models import COLLECTIVE
from pvplanner.money.months import in_months
from pvplanner.settlement import (
    KINDS,
    Rules,
    amounts_of,
    compare_receipts,
    compare_sheet,
    layouts,
    read_receipts,
    read_sheets,
)
from pvplanner.settlement.dividends import dividends_of, missing_months
from pvplanner.settlement.rules import tax_on
from pvplanner.settlement.shares import month_payments


def fen(value):
    return int((Decimal(str(value)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def test_a_month_by_hand():
    """812 kWh, 90 % at 0.3816 against a mean of 0.2871; a person, 3 % from 1,000 yuan on."""
    rules = Rules(0.2871, 0.2871, 0.3816, 0.9, person=True, vat=0.03, free_below=1000)
    found = amounts_of(812, rules, tax_is="withheld", digits=0)
    assert found.market == fen(Decimal("812") * Decimal("0.2871"))
    assert found.mechanism_energy == 731
    assert found.difference == fen(Decimal("731") * Decimal("0.0945"))
    assert found.tax == 0
    more = amounts_of(4000, rules, tax_is="withheld", digits=0)
    gross = more.market + more.difference
    assert more.tax == round(gross / 1.03 * 0.03)
    assert amounts_of(4000, Rules(0.3, 0.3, vat=0.01), tax_is="withheld").tax == 0
    assert amounts_of(4000, Rules(0.3, 0.3, vat=0.01), tax_is="added").tax == 1200
    paid = Rules(0.3, 0.3, subsidy=0.05, person=True, vat=0.03)
    helped = amounts_of(1000, paid, tax_is="withheld")
    assert (helped.subsidy, helped.gross) == (5000, 35_000)
    assert helped.tax == round(35_000 / 1.03 * 0.03)
    assert amounts_of(1000, Rules(0.3, 0.3, person=True), tax_is="withheld").tax == 0


@pytest.mark.parametrize(("net_fen", "taxed"), [(99_999, False), (100_000, True)])
def test_the_threshold_is_taxed_from_itself_on(net_fen, taxed):
    rules = Rules(1.03, 1.03, person=True, vat=0.03, free_below=1000)
    kwh = net_fen / 100
    assert (amounts_of(kwh, rules, tax_is="withheld").tax > 0) == taxed


def made_sheet(rng, count=30, months=("2027-05", "2027-06"), person=True):
    """A sheet as the rules have it, with what our meter says and the rules."""
    rows, own, rules = [], [], {}
    for month in months:
        mean = round(float(rng.uniform(0.1, 0.4)), 4)
        law = Rules(mean, mean, 0.3816, 0.9, 0.0, person, 0.01, 1000.0)
        for n in range(count):
            kwh = float(rng.integers(200, 5000))
            found = amounts_of(kwh, law, tax_is="withheld", digits=0)
            home = f"H{n}"
            own.append({"household_id": home, "account": home, "month": month, "kwh": kwh})
            rules[home, month] = law
            rows.append({
                "account": home, "household_id": home, "month": month, "energy": kwh,
                "market_price": mean, "mean_price": mean,
                "mechanism_energy": found.mechanism_energy,
                "mechanism_price": 0.3816, "market_fen": found.market,
                "difference_fen": found.difference, "subsidy_fen": np.nan, "tax_fen": found.tax,
                "total_fen": found.gross - found.tax, "tax_is": "withheld", "file": "s", "row": n,
            })  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(own), rules


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_a_true_sheet_has_no_difference(seed):
    told = compare_sheet(*made_sheet(np.random.default_rng(seed)))
    assert told["kinds"].eq("").all()
    assert (told["own_fen"] == told["sheet_fen"]).all()


PLANTED = {
    "energy": lambda row: {"energy": row["energy"] + 1},
    "price": lambda row: {"market_price": row["market_price"] + 0.0001},
    "mechanism": lambda row: {"mechanism_price": row["mechanism_price"] - 0.0001},
    "rounding": lambda row: {"market_fen": row["market_fen"] + 1},
    "arithmetic": lambda row: {"market_fen": row["market_fen"] + 37},
    "tax": lambda row: {"tax_fen": row["tax_fen"] + 5},
    "sum": lambda row: {"total_fen": row["total_fen"] - 1000},
}


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("seed", range(6))
def test_a_planted_difference_is_named_with_its_kind(kind, seed):
    """One kWh, one price, one fen in one row; everything that follows on the sheet from it."""
    rng = np.random.default_rng(seed)
    sheet, own, rules = made_sheet(rng)
    n = int(rng.integers(len(sheet)))
    sheet.loc[n, list(PLANTED[kind](sheet.loc[n]))] = list(PLANTED[kind](sheet.loc[n]).values())
    row = sheet.loc[n]
    if kind in ("energy", "price", "mechanism"):
        law = rules[row["account"], row["month"]]
        wrong = Rules(row["market_price"], law.mean, row["mechanism_price"], law.share, 0.0,
                      law.person, law.vat, law.free_below)  # fmt: skip
        found = amounts_of(row["energy"], wrong, tax_is="withheld", digits=0)
        sheet.loc[n, ["market_fen", "difference_fen", "tax_fen", "mechanism_energy"]] = [
            found.market, found.difference, found.tax, found.mechanism_energy,
        ]  # fmt: skip
    if kind == "arithmetic":
        law = rules[row["account"], row["month"]]
        gross = int(sheet.loc[n, "market_fen"] + sheet.loc[n, "difference_fen"])
        sheet.loc[n, "tax_fen"] = tax_on(gross, law, "withheld")
    if kind != "sum":
        gross = sheet.loc[n, "market_fen"] + sheet.loc[n, "difference_fen"]
        sheet.loc[n, "total_fen"] = gross - sheet.loc[n, "tax_fen"]
    told = compare_sheet(sheet, own, rules)
    off = told[told["kinds"].ne("")]
    assert off.index.tolist() == [n]
    assert kind in off["kinds"].iloc[0].split()
    if kind != "energy":
        assert off["kinds"].iloc[0] == kind
    parts = told[[f"{k}_fen" for k in KINDS]].sum(axis=1)
    assert (parts == told["sheet_fen"] - told["own_fen"]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_parts_of_any_difference_sum_to_it(seed):
    rng = np.random.default_rng(seed)
    sheet, own, rules = made_sheet(rng, 8)
    for name in ("energy", "market_fen", "difference_fen", "tax_fen", "total_fen"):
        sheet[name] = sheet[name] + rng.integers(-3, 4, len(sheet))
    sheet["market_price"] += rng.choice([0, 0.0001, -0.002], len(sheet))
    sheet.loc[rng.random(len(sheet)) < 0.3, ["market_fen", "tax_fen"]] = np.nan
    told = compare_sheet(sheet, own, rules)
    parts = told[[f"{k}_fen" for k in KINDS]].sum(axis=1)
    assert (parts == told["sheet_fen"] - told["own_fen"]).all()


def test_an_account_that_the_sheet_lacks_and_one_that_nobody_planned():
    sheet, own, rules = made_sheet(np.random.default_rng(3), 4, ("2027-05",))
    told = compare_sheet(sheet.iloc[1:], own, rules).set_index("account")
    assert told.loc["H0", "kinds"] == "missing"
    assert told.loc["H0", "own_fen"] == sheet.loc[0, "total_fen"]
    del rules["H2", "2027-05"]
    assert compare_sheet(sheet, own, rules).set_index("account").loc["H2", "kinds"] == "unplanned"


def test_meters_that_are_cut_or_rounded_are_no_difference():
    sheet, own, rules = made_sheet(np.random.default_rng(4), 20, ("2027-05",))
    for part in (0.4, 0.9):
        moved = own.assign(kwh=own["kwh"] + part)
        told = compare_sheet(sheet, moved, rules)
        assert told["kinds"].eq("").all(), part
    rounded = own.assign(kwh=own["kwh"] - 0.4)
    assert compare_sheet(sheet, rounded, rules)["kinds"].eq("").all()


@pytest.mark.parametrize(("cut", "own"), [(False, 0.26), (True, 0.34)])
def test_energies_are_compared_as_fine_as_the_sheet_writes_them(cut, own):
    """A tenth of a kilowatt-hour on the sheet, hundredths at our meter."""
    law = Rules(0.4, 0.4)
    kwh = np.array([100.0, 200.0, 300.0, 431.0])
    rows = []
    for n, value in enumerate(kwh + 0.3):
        found = amounts_of(value, law, tax_is="withheld", digits=1)
        rows.append({
            "account": f"H{n}", "household_id": f"H{n}", "month": "2027-05", "energy": value,
            "market_price": 0.4, "mean_price": np.nan, "mechanism_energy": np.nan,
            "mechanism_price": np.nan, "market_fen": found.market, "difference_fen": np.nan,
            "subsidy_fen": np.nan, "tax_fen": np.nan, "total_fen": found.market,
            "tax_is": "withheld",
        })  # fmt: skip
    sheet = pd.DataFrame(rows)
    ours = sheet[["household_id", "account", "month"]].assign(kwh=kwh + own)
    rules = {(f"H{n}", "2027-05"): law for n in range(4)}
    assert compare_sheet(sheet, ours, rules)["kinds"].eq("").all()
    # One that was neither cut nor rounded as the others is told, the others are not.
    ours.loc[3, "kwh"] += 0.1
    assert compare_sheet(sheet, ours, rules)["kinds"].tolist() == ["", "", "", "energy"]
    assert compare_sheet(sheet, ours, rules)["own_kwh"].tolist() == pytest.approx(
        [100.3, 200.3, 300.3, 431.4]
    )


def written_sheet(folder, layout, sheet):
    """The sheet as an office would send it in one of the layouts."""
    import openpyxl

    values = {name: sheet.get(name, np.nan) for name in
              ("account", "month", "energy", "market_price", "mean_price", "mechanism_energy",
               "mechanism_price")}  # fmt: skip
    values |= {name: sheet[f"{name}_fen"] / 100
               for name in ("market", "difference", "subsidy", "tax", "total")}  # fmt: skip
    for name, factor in layout.factors.items():
        values[name] = (values[name] / factor).round(9)
    if layout.by_item:
        words = {ours: theirs for theirs, ours in layout.items.items()}
        lines = []
        for n in range(len(sheet)):
            for item, word in words.items():
                amount = values[item].iloc[n]
                if np.isnan(amount):
                    continue
                quantity = {"market": "energy", "difference": "mechanism_energy"}.get(item)
                lines.append({
                    "account": sheet["account"].iloc[n], "month": sheet["month"].iloc[n],
                    "item": word, "amount": amount,
                    "quantity": values[quantity].iloc[n] if quantity else None,
                    "rate": values["market_price"].iloc[n] if item == "market" else None,
                })  # fmt: skip
        table = pd.DataFrame(lines)
    else:
        table = pd.DataFrame({name: values[name] for name in layout.columns})
    table = table[list(layout.columns)].rename(columns=dict(layout.columns))
    path = folder / f"{layout.name}.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["二〇二七年五月结算单"])
    book.active.append(list(table.columns))
    for line in table.astype(object).where(table.notna(), None).to_numpy().tolist():
        book.active.append(line)
    book.active.append(["合计", *[None] * (len(table.columns) - 1)])
    book.save(path)
    return path


@pytest.mark.parametrize("layout", layouts(), ids=lambda one: one.name)
def test_every_layout_gives_the_same_amounts(layout, tmp_path):
    sheet, own, rules = made_sheet(np.random.default_rng(5), 6)
    if "difference" not in layout.columns and not layout.by_item:
        # Projects of old: one price for all.
        rules = {key: Rules(0.4153, 0.4153) for key in rules}
        for n, row in sheet.iterrows():
            found = amounts_of(
                row["energy"], rules[row["account"], row["month"]], tax_is="withheld"
            )
            names = ["market_price", "market_fen", "difference_fen", "tax_fen", "total_fen"]
            sheet.loc[n, names] = [
                0.4153, found.market, np.nan, 0, found.market,
            ]  # fmt: skip
    if layout.tax == "within":
        sheet["total_fen"] += sheet["tax_fen"]
    read = read_sheets([written_sheet(tmp_path, layout, sheet)])
    assert read.problems.empty
    assert [f.code for f in read.findings if f.code.startswith("sheet")] == ["sheet_made_up"]
    both = read.rows.merge(sheet, on=["account", "month"], suffixes=("", "_made"))
    assert len(both) == len(sheet)
    assert (both["total_fen"] == both["total_fen_made"]).all()
    assert both["energy"].to_numpy() == pytest.approx(both["energy_made"].to_numpy())
    told = compare_sheet(read.rows.assign(household_id=read.rows["account"]), own, rules)
    assert told["kinds"].eq("").all(), told[["own_fen", "sheet_fen", "kinds"]]


def csv(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sheet_of_another_kind_is_not_guessed_but_mapped_once(tmp_path):
    from pvplanner.settlement import read_layout

    file = csv(tmp_path, "s.csv", "编号,期,度数,钱\nA,2027-05,100,38.16\n")
    with pytest.raises(pvp.InputError, match="编号"):
        read_sheets([file])
    told = '[columns]\naccount = "编号"\nmonth = "期"\nenergy = "度数"\ntotal = "钱"\n'
    layout = read_layout(csv(tmp_path, "own.toml", told))
    row = read_sheets([file], [layout]).rows.iloc[0]
    assert (row["account"], row["month"], row["energy"], row["total_fen"]) == (
        "A",
        "2027-05",
        100,
        3816,
    )
    for text, code in (
        ("[columns]\naccount = 1", "month"), (told + 'odd = "x"\n', "odd"),
        (told.replace("[columns]", 'tax = "some"\n[columns]'), "some"), ("[[", "own"),
    ):  # fmt: skip
        with pytest.raises(pvp.ConfigError, match=code):
            read_layout(csv(tmp_path, "own.toml", text))


def test_rows_of_a_sheet_that_repeat_or_contradict_are_told(tmp_path):
    head = (
        "account,month,exported_kwh,market_price,market_amount,mechanism_kwh,mechanism_price,"
        "mean_price,difference_amount,subsidy_amount,tax_amount,total_amount\n"
    )
    row = "A,2027-05,100,0.3,30,,,,,,,30\n"
    text = head + row + row + row.replace("A,", "B,") + "B,2027-05,101,0.3,30.3,,,,,,,30.3\n"
    text += "C,2027-05,x,0.3,30,,,,,,,30\nD,2027-05,50,0.3,15,,,,,,,15\n合计,,301,,,,,,,,,105.3\n"
    read = read_sheets([csv(tmp_path, "s.csv", text)])
    assert read.rows["account"].tolist() == ["A", "D"]
    assert read.problems["kind"].value_counts().to_dict() == {
        "contradiction": 2, "duplicate": 1, "unread": 1,
    }  # fmt: skip


def due(*rows):
    table = pd.DataFrame(rows, columns=["account", "month", "fen", "tax_fen"])
    return table.assign(party=COLLECTIVE)


def came(folder, *rows):
    text = "交易日期,收入金额,摘要,发电户号\n" + "".join(
        f"2027-06-10,{v},电费,{a}\n" for v, a in rows
    )
    return read_receipts([csv(folder, "bank.csv", text)])


def test_receipts_agree_are_late_rounded_taxed_or_not_explained(tmp_path):
    rows = due(
        ("A", "2027-05", 10_000, 100), ("B", "2027-05", 25_017, 250), ("C", "2027-05", 333, 3)
    )
    before = pd.DataFrame({"account": ["Z"], "month": ["2027-04"], "fen": [7_777]})
    for amount, cause, late, early in (
        (353.50, "agrees", "", ""), (100.00 + 3.33, "late", "B 2027-05", ""),
        (353.52, "rounding", "", ""), (353.50 - 3.53, "tax", "", ""),
        (353.50 + 77.77, "late_before", "", "Z 2027-04"), (353.50 - 11.11, "unexplained", "", ""),
        (353.50 + 77.77 - 100, "late_both", "A 2027-05", "Z 2027-04"),
    ):  # fmt: skip
        told = compare_receipts(rows, came(tmp_path, (f"{amount:.2f}", "")), before).iloc[0]
        assert (told["cause"], told["late"], told["came_late"]) == (cause, late, early), amount
        assert told["off_fen"] == round(amount * 100) - 35_350


def test_receipts_by_account_and_what_never_came(tmp_path):
    rows = due(("A", "2027-05", 10_000, 0), ("B", "2027-05", 25_017, 0))
    told = compare_receipts(rows, came(tmp_path, ("100", "A"), ("5", "A"))).set_index("account")
    assert told.loc["A", ["came_fen", "off_fen", "cause"]].tolist() == [10_500, 500, "unexplained"]
    assert told.loc["B", ["came_fen", "cause"]].tolist() == [0, "late"]


def test_a_month_of_which_nothing_came_is_late_as_a_whole(tmp_path):
    rows = due(("A", "2027-05", 10_000, 0), ("B", "2027-05", 25_017, 0), ("C", "2027-05", 7, 0),
               ("D", "2027-05", 11, 0))  # fmt: skip
    nothing = came(tmp_path, ("1", "")).iloc[:0]
    told = compare_receipts(rows, nothing)
    assert told[["came_fen", "cause", "late"]].to_numpy().tolist() == [[0, "late", "2027-05"]]


def test_a_statement_that_cant_be_read_is_refused_with_its_row(tmp_path):
    with pytest.raises(pvp.InputError, match="3"):
        read_receipts([csv(tmp_path, "b.csv", "日期,金额\n2027-06-01,5\n2027-06-02,abc\n合计,5\n")])
    with pytest.raises(pvp.InputError, match="贷方金额"):
        read_receipts([csv(tmp_path, "b.csv", "日期,摘要\n2027-06-01,5\n")])


MODELS = {
    "cooperative": {"cooperative.pays_rent": True, "loan.share": 0.5, "loan.years": 8},
    "agent": {"cooperative.agent": True},
    "lent": {"finance.grant_per_w": {"non_natural_person_household": 0.3},
             "cooperative.member_loan_share": 0.3, "cooperative.equal_share": 0.4},
    "whole": {"tariff.connection_date": "2026-01-01"},
}  # fmt: skip


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    owned = 'province = "Zhejiang"\n[finance]\nmodel = "cooperative"\n'
    dated = owned + "[tariff]\nconnection_date = 2026-07-01\n"
    path = write_village(tmp_path_factory.mktemp("base"), hamlet(8), dated)
    base = pvp.plan_village(pvp.Scenario.from_toml(path))
    return {name: base.under(keys) for name, keys in MODELS.items()}


def as_planned(plan, until):
    """What would be settled if every month were as the plan has it."""
    people, case = plan.case()
    begin = case.calendar.begin
    months = pd.period_range(f"{begin:%Y-%m}", f"{until}-12", freq="M").astype(str)
    sold = {}
    ids = people["household_id"].astype(str).to_numpy()
    for model, rows in chosen_rows(people, case.terms):
        ledger = run_model(case.part(rows), model)
        for flow in ledger.flows:
            if flow.item == "feed_in":
                fen = in_months(case.part(rows), "feed_in", flow.fen[..., 1:])
                for n, month in enumerate(months, begin.month - 1):
                    column = fen[..., n] if fen.ndim > 1 else np.r_[fen[n], np.zeros(len(rows) - 1)]
                    sold[month] = pd.Series(column, index=ids[rows])
    nothing = pd.Series(dtype=float)
    parts = [month_payments(people, case, m, sold[m], nothing) for m in months]
    return people, case, pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("name", MODELS)
def test_months_as_planned_give_the_plans_own_dividends(plans, name):
    plan = plans[name]
    people, case, payments = as_planned(plan, 2028)
    flows = plan.cash_flows()
    begin = case.calendar.begin.year
    for year in (2026, 2027, 2028):
        found = dividends_of(people, case, payments, year)
        own = flows[(flows["year"] == year - begin + 1) & flows["item"].eq("dividend")]
        planned = own[own["party"].eq("household")].groupby("household_id")["yuan"].sum()
        got = found.households.set_index("household_id")["fen"]
        assert (got / 100).sum() == pytest.approx(planned.sum(), abs=0.05)
        assert got.sum() + found.unnamed_fen == found.shared_fen
        money = found.account
        assert money["surplus"] == (
            money["received"] - money["paid"] - money["vat"] - money["surcharge"] - money["tax"]
            - money["written_off"] - money["set_aside"]
        )  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_what_one_pays_another_receives_and_rents_are_the_plans(plans, name):
    plan = plans[name]
    _people, case, payments = as_planned(plan, 2027)
    flows = plan.cash_flows()
    begin = case.calendar.begin.year
    for item in ("rent", "interest", "principal", "running", "insurance", "member_interest",
                 "feed_in", "settlement", "agent_vat"):  # fmt: skip
        for year in (2026, 2027):
            own = payments[payments["item"].eq(item) & payments["month"].str.startswith(str(year))]
            planned = flows[
                (flows["year"] == year - begin + 1) & flows["item"].eq(item) & (flows["yuan"] > 0)
            ]
            tolerance = 0.3 if item in ("settlement", "agent_vat") else 0.001
            assert own["fen"].sum() / 100 == pytest.approx(planned["yuan"].sum(), abs=tolerance), (
                item
            )


def test_months_that_were_not_settled_are_named(plans):
    _, case = plans["cooperative"].case()
    assert missing_months(["2026-07", "2026-09"], case, 2026) == [
        "2026-08",
        "2026-10",
        "2026-11",
        "2026-12",
    ]


def test_a_line_without_a_day_is_refused_with_its_row(tmp_path):
    with pytest.raises(pvp.InputError, match=r"3.*soon"):
        read_receipts([csv(tmp_path, "b.csv", "日期,金额\n2027-06-01,5\nsoon,7\n")])


def test_lines_that_do_not_speak_of_power_are_not_the_grids(tmp_path):
    lines = ("2027-06-10,353.50,电费", "2027-06-11,120,李国缴水费", "2027-06-12,3.21,利息")
    text = "\n".join(["交易日期,贷方金额,摘要", *lines])
    rows = read_receipts([csv(tmp_path, "b.csv", text)])
    assert rows["ours"].tolist() == [True, False, False]
    plain = read_receipts([csv(tmp_path, "b.csv", "日期,进账\n2027-06-10,353.50\n2027-06-11,1\n")])
    assert plain["ours"].all()
    for nothing in ("日期,金额\n", "日期,金额\n2027-06-10,-5\n"):
        with pytest.raises(pvp.InputError):
            read_receipts([csv(tmp_path, "b.csv", nothing)])


def test_a_sheets_own_total_is_held_against_its_rows(tmp_path):
    sheet, *_ = made_sheet(np.random.default_rng(5), 3, ("2027-05",))
    layout = next(one for one in layouts() if one.name == "english")
    names = ("market", "difference", "subsidy", "tax", "total")
    rows = sheet.rename(columns={f"{n}_fen": n for n in names})
    for name in ("market", "difference", "tax", "total"):
        rows[name] = rows[name] / 100
    table = rows[list(layout.columns)].rename(columns=dict(layout.columns))
    body = table.to_csv(index=False)
    whole = rows["total"].sum()
    for said, codes in ((whole, []), (whole + 10, ["sheet_total"])):
        text = body + "合计," + "," * (len(table.columns) - 2) + f"{said:.2f}\n"
        read = read_sheets([csv(tmp_path, "s.csv", text)])
        assert [f.code for f in read.findings if f.code == "sheet_total"] == codes


def test_a_sheet_by_items_without_a_months_total_or_energy_is_told(tmp_path):
    head = "发电客户编号,电费年月,费用项目,计费电量,单价,金额\n"
    body = ("A,2027-05,市场化上网电费,100,0.3,30\nA,2027-05,应付合计,,,30\n"
            "B,2027-05,市场化上网电费,100,0.3,30\nC,2027-05,应付合计,,,30\n")  # fmt: skip
    read = read_sheets([csv(tmp_path, "i.csv", head + body)])
    assert read.rows["account"].tolist() == ["A"]
    assert read.problems[["account", "kind"]].to_numpy().tolist() == [
        ["B", "unread"],
        ["C", "unread"],
    ]


PLAINLY = '[columns]\naccount = "a"\nmonth = "b"\nenergy = "c"\ntotal = "d"\n'


@pytest.mark.parametrize(
    "text",
    ['columns = "x"', PLAINLY.replace('"a"', "1"), PLAINLY + '[factors]\nenergy = "k"'],
)
def test_a_layout_of_other_kinds_is_refused(tmp_path, text):
    from pvplanner.settlement import read_layout

    with pytest.raises(pvp.ConfigError, match="columns"):
        read_layout(csv(tmp_path, "own.toml", text + "\n"))


def test_late_money_may_come_beside_receipts_that_name_their_account(tmp_path):
    rows = due(("A", "2027-05", 10_000, 0), ("A", "2027-04", 500, 0), ("B", "2027-05", 7, 0))
    before = pd.DataFrame({"account": ["Z"], "month": ["2027-03"], "fen": [777]})
    told = compare_receipts(rows.iloc[:2], came(tmp_path, ("105", "A"), ("7.77", "")), before)
    assert told[["account", "cause", "came_late"]].to_numpy().tolist() == [
        ["A", "agrees", ""], ["", "late_before", "Z 2027-03"],
    ]  # fmt: skip
    told = compare_receipts(rows, came(tmp_path, ("0.07", "B")))
    assert told[["account", "due_fen", "off_fen"]].to_numpy().tolist() == [
        ["B", 7, 0], ["A", 10_500, -10_500],
    ]  # fmt: skip


def test_a_mean_price_apart_from_the_market_is_no_difference_of_the_mechanism(plans):
    from pvplanner.tracking.pricing import month_prices, rules_of

    sheet, *_ = made_sheet(np.random.default_rng(6), 5, ("2027-05",))
    sheet["mean_price"] = 0.25
    found = month_prices(sheet, None).iloc[0]
    assert (found["price"], found["mean"]) == (sheet["market_price"].iloc[0], 0.25)
    terms = plans["whole"].terms
    law = rules_of(terms, "2027-05", found["price"], found["mean"], person=False)
    assert (law.market, law.mean) == (found["price"], 0.25)


def test_a_payment_that_nobody_knows_is_no_nought(plans):
    from dataclasses import replace

    people, case = plans["cooperative"].case()
    blind = replace(case, terms=replace(case.terms, finance=case.terms.finance.model_copy(
        update={"rent": float("nan")})))  # fmt: skip
    nothing = pd.Series(dtype=float)
    paid = month_payments(people, blind, "2027-05", nothing, nothing)
    rents = paid[paid["item"].eq("rent")]
    assert len(rents) == 8
    assert rents["fen"].isna().all()
