"""What a kilowatt-hour is worth by month and hour, six cases, accounts by months, break-even."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_money import MARKET, case, flat_demand, household

import pvplanner as pvp
from pvplanner.demand import PEAK, PLAIN, SCALES, VALLEY, day_periods, day_shares
from pvplanner.holdings import partly_known
from pvplanner.holdings.sanity import self_use_below
from pvplanner.money import (
    COLLECTIVE,
    HOUSEHOLD,
    Case,
    household_bills,
    household_measures,
    resolve_prices,
    resolve_terms,
    run_model,
)
from pvplanner.money.cases import (
    break_even,
    case_totals,
    collective_cases,
    investors_worth,
    joint_cover,
    moved,
)
from pvplanner.money.measures import loan_instalments
from pvplanner.money.months import (
    account_of,
    account_summary,
    by_months,
    household_accounts,
    longest_run,
    monthly_cash,
    pooled_accounts,
)
from pvplanner.money.prices import export_price
from pvplanner.money.storage import battery_findings, battery_worth
from pvplanner.money.stress import case_measures
from pvplanner.money.tariff import find_bills
from pvplanner.schema import CASES

JULY = (0.0,) * 6 + (1.0,) + (0.0,) * 5
FOUND = (0.34796, 0.14861, 0.16594, 0.26535, 0.3977, 0.3944)
"""Zhejiang's settlement prices of January to June 2026."""


# --- prices by month, hour and case -------------------------------------------------------------


def test_the_market_pays_by_the_months_in_which_power_comes():
    prices = resolve_prices(pvp.Scenario(tariff={"mechanism_share": 0.0}), "Zhejiang")
    assert prices.months_found == 6
    spring = np.array([0, 0.5, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0])
    worth = float(prices.worth_of_months(spring))
    assert worth * MARKET == pytest.approx((FOUND[1] + FOUND[4]) / 2)
    # Months that nobody found are taken at the mean.
    assert float(prices.worth_of_months(np.array(JULY))) == 1.0
    people = household()
    demand, bills = flat_demand(people)
    months = tuple(spring)
    one = Case.planned(people, demand, bills, resolve_terms(
        pvp.Scenario(tariff={"mechanism_share": 0.0}), "Zhejiang"), months)  # fmt: skip
    sold = run_model(one, "self_invest").paid("feed_in")[0, 1]
    assert sold == pytest.approx(9_900 * (FOUND[1] + FOUND[4]) / 2, abs=0.01)
    # Under the mechanism its share is paid at its price, the rest by the month.
    won = Case.planned(people, demand, bills, resolve_terms(pvp.Scenario(), "Zhejiang"), months)
    price = 0.9 * 0.3816 + 0.1 * (FOUND[1] + FOUND[4]) / 2
    assert run_model(won, "self_invest").paid("feed_in")[0, 1] == pytest.approx(
        9_900 * price, abs=0.01
    )


def test_surplus_is_weighted_by_its_own_months():
    people = household(energy=12_000.0)
    demand, bills = flat_demand(people)
    used = {f"self_used_kwh_0_{n:02d}": [990.0 if n < 12 else 0.0] for n in range(1, 13)}
    demand = demand.assign(**used)
    terms = resolve_terms(pvp.Scenario(tariff={"market_months": [0.1] * 11 + [0.4]}), "Zhejiang")
    one = Case.planned(people, demand, bills, terms, (1 / 12,) * 12)
    # All that is made before December is used: the surplus is December's.
    assert one.month_worth[0] == pytest.approx(0.4 / 0.125)


def test_own_hours_leave_a_basis_where_they_count():
    """Income = own market price + share x (mechanism - mean market price of PV)."""
    noon = [1.5 if hour == 12 else 0.5 for hour in range(24)]
    own = {"market_hourly": noon, "market_price": 0.2, "mechanism_share": 0.6,
           "mechanism_bid": 0.35, "mechanism_years": 10}  # fmt: skip
    hours = resolve_prices(pvp.Scenario(tariff={**own, "own_price": "hours"}), "Zhejiang")
    settled = resolve_prices(pvp.Scenario(tariff={**own, "own_price": "settlement"}), "Zhejiang")
    assert export_price(hours, 1.0, 0.8)[0] == pytest.approx(0.2 * 0.8 + 0.6 * (0.35 - 0.2))
    assert export_price(settled, 1.0, 0.8)[0] == pytest.approx(0.2 + 0.6 * (0.35 - 0.2))
    # After the term the market alone.
    assert export_price(hours, 1.0, 0.8)[12] == pytest.approx(0.16)
    both = export_price(hours, np.array([1.0, 1.1]), np.array([0.8, 1.0]))
    assert both[:, 0] == pytest.approx([0.25, 0.22 * 0.4 + 0.6 * 0.35])
    # By province: Zhejiang settles at the mean, Shandong and Guangdong by own hours.
    for province, counts in (("Zhejiang", False), ("Guangdong", True), ("Shandong", True)):
        assert resolve_prices(pvp.Scenario(), province).own_hours is counts
    assert resolve_prices(pvp.Scenario(tariff={"market_hourly": noon}), "Zhejiang").own_hours


def test_hours_count_for_full_feed_in_lease_and_cooperative():
    hourly = [0.5] * 12 + [1.0] * 12
    own = pvp.Scenario(tariff={"market_price": 0.2, "mechanism_share": 0.0,
                               "market_hourly": hourly})  # fmt: skip
    people = household()
    demand, bills = flat_demand(people)
    demand = demand.assign(**{f"export_kwh_h{h:02d}": 1.0 for h in range(24)})
    terms = resolve_terms(own, "Zhejiang")
    morning = tuple(1 / 12 if hour < 12 else 0.0 for hour in range(24))
    one = Case.planned(people, demand, bills, terms, (1 / 12,) * 12, morning)
    for model in ("self_invest", "roof_lease", "cooperative"):
        paid = np.atleast_2d(run_model(one, model).paid("feed_in")).sum(axis=0)
        assert paid[1] == pytest.approx(9_900 * 0.2 * 0.5, abs=0.01), model


def test_day_shares_follow_the_clock():
    made = np.zeros(8760)
    made[12::24] = 2.0
    found = day_shares(pd.Series(made))
    assert found["share"].tolist() == [1.0 if hour == 12 else 0.0 for hour in range(24)]
    assert day_shares(pd.Series(made), 1.0)["share"].idxmax() in (11, 13)
    assert day_shares(pd.Series(np.zeros(8760)))["share"].sum() == 0


def test_every_case_has_its_own_price():
    terms = resolve_terms(pvp.Scenario(), "Zhejiang")
    first, late = {}, {}
    for name in CASES:
        prices = terms.under_case(name).prices
        first[name], late[name] = prices.export[0], prices.export[12]
        assert terms.under_case(name).case == name
    assert first["not_won"] == pytest.approx(MARKET)
    assert first["market_low"] == pytest.approx(0.9 * 0.3816 + 0.1 * 0.67 * MARKET)
    assert first["market_high"] == pytest.approx(0.9 * 0.3816 + 0.1 * 1.33 * MARKET)
    assert first["together"] == pytest.approx(0.67 * MARKET)
    assert first["poor_years"] == first["planned"]
    assert late["market_low"] == pytest.approx(0.67 * MARKET)
    assert terms.under_case("not_won").mechanism is None
    # Guangdong has whole years of the market: its lowest and highest.
    guangdong = resolve_terms(pvp.Scenario(), "Guangdong")
    low, high = (guangdong.under_case(f"market_{n}").prices.export[-1] for n in ("low", "high"))
    assert low < guangdong.prices.export[-1] < high
    # Who keeps a price from before the reform has won already.
    old = resolve_terms(pvp.Scenario(tariff={"connection_date": dt.date(2024, 5, 1)}), "Zhejiang")
    assert old.under_case("not_won").prices.export[0] == old.prices.export[0] == 0.4153
    # A stated market is moved by the keys.
    own = resolve_terms(pvp.Scenario(tariff={"market_price": 0.3, "case_low": 0.5}), None)
    assert own.under_case("market_low").prices.export[-1] == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("tariff", "province", "low", "sure"),
    [
        ({}, "Zhejiang", 0.67 * MARKET, "assumption"),
        ({"case_low": 0.5}, "Zhejiang", 0.5 * MARKET, "given"),
        ({"market_price": 0.3}, "Zhejiang", 0.201, "assumption"),
        ({"market_price": 0.3, "case_low": 0.5}, "Zhejiang", 0.15, "given"),
        ({"market_months": [0.2] * 6 + [0.4] * 6}, "Zhejiang", 0.201, "assumption"),
    ],
)
def test_a_low_market_is_as_sure_as_its_part(tariff, province, low, sure):
    told = resolve_terms(pvp.Scenario(tariff=tariff), province).others["market_low"]
    assert told.alone[0] == pytest.approx(low)
    assert told.sources["market_price"].value == pytest.approx(low)
    assert told.sources["market_price"].certainty == sure
    # Of whole years that were found nothing is assumed, whatever the part.
    years = resolve_terms(pvp.Scenario(tariff={"case_low": 0.1}), "Guangdong").others["market_low"]
    assert years.sources["market_price"].certainty == "one"
    assert years.alone[0] > 0.2 * resolve_terms(pvp.Scenario(), "Guangdong").prices.alone[0]


def test_a_term_that_ends_inside_a_calendar_year():
    own = pvp.Scenario(tariff={"connection_date": dt.date(2026, 7, 1), "mechanism_years": 2})
    one = case(own)
    sold = run_model(one, "self_invest").paid("feed_in")[0]
    part, price = 184 / 365, 0.9 * 0.3816 + 0.1 * MARKET
    second, third = 9_900 * 0.9923 * price, 9_900 * 0.9923**2 * MARKET
    # 2028 holds the second half of the second year of life and the first of the third.
    assert sold[3] == pytest.approx((1 - part) * second + part * third, abs=0.02)


def test_a_stress_on_prices_holds_in_every_case():
    terms = resolve_terms(pvp.Scenario(), "Zhejiang").stressed("x", {"tariff.price_factor": 0.8})
    assert terms.under_case("together").prices.export[0] == pytest.approx(0.8 * 0.67 * MARKET)


# --- tariffs ------------------------------------------------------------------------------------


def periods(province=None, **tariff):
    return day_periods(pvp.Scenario(tariff={"time_of_use": True, **tariff}).tariff, province)


def test_time_of_use_as_each_province_has_it():
    zhejiang = periods("Zhejiang")
    assert zhejiang[8:22].tolist() == [PEAK] * 14
    assert zhejiang[[7, 22, 0]].tolist() == [VALLEY] * 3
    # In Chongqing noon is the peak, and mornings are at the tier's price.
    chongqing = periods("Chongqing")
    assert chongqing[11:17].tolist() == [PEAK] * 6
    assert chongqing[20:22].tolist() == [PEAK] * 2
    assert chongqing[:8].tolist() == [VALLEY] * 8
    assert chongqing[[8, 10, 17, 19, 22, 23]].tolist() == [PLAIN] * 6
    # Jiangsu: a valley over midnight is all that is known.
    jiangsu = periods("Jiangsu")
    assert jiangsu[[21, 23, 0, 7]].tolist() == [VALLEY] * 4
    assert jiangsu[[8, 12, 20]].tolist() == [PEAK] * 3
    assert periods(None, peak_hours=[9, 20])[[8, 9, 19, 20]].tolist() == [0, 1, 1, 0]
    both = periods(None, peak_hours=[8, 11], valley_hours=[23, 7])
    assert both[[8, 23, 3, 12]].tolist() == [PEAK, VALLEY, VALLEY, PLAIN]
    assert day_periods(pvp.Scenario().tariff, "Zhejiang").tolist() == [0] * 24
    with pytest.raises(pvp.ConfigError, match="pairs"):
        pvp.Scenario(tariff={"peak_hours": [8, 11, 20]})


def test_bills_by_period_in_zhejiang_and_chongqing():
    """100 kWh a month in the first tier."""
    own = pvp.Scenario(tariff={"time_of_use": True})
    zhejiang, chongqing = find_bills(own, "Zhejiang"), find_bills(own, "Chongqing")
    assert (zhejiang.periods, chongqing.periods) == (2, 3)
    month = np.zeros((1, 12, 3))
    month[..., 0], month[..., 1], month[..., 2] = 40.0, 50.0, 10.0
    assert zhejiang.cost(month[..., :2])[0] == pytest.approx(12 * (40 * 0.288 + 50 * 0.568))
    assert chongqing.cost(month)[0] == pytest.approx(12 * (40 * 0.34 + 50 * 0.62 + 10 * 0.52))


def test_a_hall_pays_the_commercial_price_where_it_is_known():
    people = household(count=2)
    demand, _ = flat_demand(people)
    months = {f"load_kwh_{n:02d}": 100.0 for n in range(1, 13)}
    months |= {f"self_used_kwh_{node}_{n:02d}": 40.0
               for node in range(len(SCALES)) for n in range(1, 13)}  # fmt: skip
    demand = pd.concat([demand, pd.DataFrame(months, index=demand.index)], axis=1)
    tariff = find_bills(pvp.Scenario(), "Zhejiang")
    halls = np.array([True, False])
    known = household_bills(demand, tariff, halls, 0.8)
    assert known["bill_before"].tolist() == pytest.approx([12 * 100 * 0.8, 12 * 100 * 0.538])
    assert known["bill_after_0"].tolist() == pytest.approx([12 * 60 * 0.8, 12 * 60 * 0.538])
    unknown = household_bills(demand, tariff, halls, None)
    assert unknown["bill_before"].tolist() == pytest.approx([12 * 100 * 0.538] * 2)


def test_a_province_asks_commercial_roofs_to_use_their_own_power():
    made, used = [1000.0, 3000.0], [800.0, 900.0]
    halls = pd.DataFrame({"energy_first_year_kwh": made, "self_used_kwh": used, "own_use": True})
    (told,) = self_use_below(halls, "Jilin")
    assert (told.code, told.params["share"], told.params["least"]) == ("self_use_low", "42%", "80%")
    assert told.doubtful
    assert self_use_below(halls.iloc[:1], "Jilin") == []
    assert self_use_below(halls, "Zhejiang") == []
    assert self_use_below(halls.iloc[:0], "Jilin") == []


def test_a_sum_with_unknown_parts_is_that_of_the_known():
    homes = pd.DataFrame({"modules": [4, 4, 0], "income_first_year": [100.0, np.nan, np.nan]})
    (told,) = partly_known(homes)
    assert (told.params["known"], told.params["all"], told.count) == (1, 2, 1)
    assert told.doubtful
    assert partly_known(homes.iloc[:1]) == []
    assert partly_known(homes.iloc[1:]) == []


# --- loans and months ---------------------------------------------------------------------------


def test_loans_by_month_quarter_and_interest_first():
    interest, paid = 12_000 * loan_instalments(0.06, 1, "equal_principal", 12)
    # 0.5 % a month on 12,000, 11,000, ... 1,000.
    assert (interest.sum(), paid.sum()) == pytest.approx((0.005 * 78_000, 12_000))
    interest, paid = 12_000 * loan_instalments(0.06, 1, "equal_principal", 4)
    assert interest.sum() == pytest.approx(0.015 * (12_000 + 9_000 + 6_000 + 3_000))
    assert paid.sum() == pytest.approx(12_000)
    interest, paid = 12_000 * loan_instalments(0.06, 3, "interest_first", 12)
    assert interest == pytest.approx([60.0] * 36)
    assert paid.tolist() == [0.0] * 35 + [12_000.0]
    month = 12_000 * 0.005 / (1 - 1.005**-36)
    interest, paid = 12_000 * loan_instalments(0.06, 3, "annuity", 12)
    assert interest + paid == pytest.approx([month] * 36)
    assert paid.sum() == pytest.approx(12_000)


LOAN = {"share": 0.7, "rate": 0.04, "years": 6}


def borrower(**changes):
    own = pvp.Scenario(loan=LOAN, tariff={"export_price": 0.5}).override(changes)
    people = household(count=3, kwp=[10.0, 6.0, 12.0], energy=[10_000.0, 5_000.0, 14_000.0])
    demand, bills = flat_demand(people)
    terms = resolve_terms(own, "Zhejiang")
    sun = np.array([5, 6, 8, 9, 11, 10, 12, 11, 9, 8, 6, 5], dtype=float)
    return people, Case.planned(people, demand, bills, terms, tuple(sun / sun.sum()))


@pytest.mark.parametrize("day", [dt.date(2026, 1, 1), dt.date(2026, 5, 20), dt.date(2027, 12, 3)])
@pytest.mark.parametrize("kind", ["annuity", "interest_first"])
@pytest.mark.parametrize("instalments", ["monthly", "quarterly", "yearly"])
def test_twelve_months_sum_to_the_ledgers_years_to_the_fen(day, kind, instalments):
    _, one = borrower(**{
        "tariff.connection_date": day, "loan.kind": kind, "loan.instalments": instalments,
        "tariff.export_price": None, "cooperative.member_loan_share": 0.2,
    })  # fmt: skip
    for model, party in (("self_invest", HOUSEHOLD), ("self_use", HOUSEHOLD),
                         ("cooperative", COLLECTIVE), ("roof_lease", "developer")):  # fmt: skip
        ledger = run_model(one, model)
        for row in (None, 1) if party == HOUSEHOLD else (None,):
            cash = monthly_cash(one, ledger, party, row)
            yearly = cash.groupby("year")["yuan"].sum().reindex(one.calendar.years, fill_value=0)
            wanted = ledger.of_party(party) if row is None else ledger.of_households()[row]
            expected = wanted[1:].copy()
            expected[0] += wanted[0]
            assert np.round(yearly.to_numpy() * 100).tolist() == np.round(expected * 100).tolist()
            fen = cash["yuan"].to_numpy() * 100
            assert np.abs(fen - np.round(fen)).max() < 1e-6


def test_nothing_falls_due_before_the_plant_or_after_the_loan():
    _, one = borrower(**{"tariff.connection_date": dt.date(2026, 5, 1)})
    cash = monthly_cash(one, run_model(one, "self_invest"), HOUSEHOLD, 0)
    paid = cash[(cash["item"] == "principal") & (cash["yuan"] != 0)]
    months = paid["year"] * 12 + paid["month"] - 1
    # The first instalment at the first month's end, then one each month for six years.
    assert months.tolist() == list(range(2026 * 12 + 4, 2026 * 12 + 4 + 72))
    sold = cash[(cash["item"] == "feed_in") & (cash["yuan"] != 0)]
    assert (sold["year"] * 12 + sold["month"]).min() == 2026 * 12 + 5
    assert (sold["year"] * 12 + sold["month"]).max() == 2051 * 12 + 4


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 200), st.integers(0, 6), st.floats(0.05, 0.8))
def test_the_buffer_is_the_least_that_keeps_the_account_above_nought(seed, delay, price):
    rng = np.random.default_rng(seed)
    _, one = borrower(**{
        "tariff.settlement_delay_months": delay, "tariff.export_price": round(price, 3),
        "tariff.connection_date": dt.date(2026, int(rng.integers(1, 13)), 1),
        "loan.years": int(rng.integers(1, 10)),
    })  # fmt: skip
    for row in range(3):
        cash = monthly_cash(one, run_model(one, "self_use"), HOUSEHOLD, row)
        found = account_of(one, cash)
        plain = cash[cash["item"] != "bill_saved"]
        begin = one.calendar.begin.month - 1
        net = by_months(one, plain)[begin : begin + found.months]

        def stays(put, net=net):
            left = put
            for value in net:
                left += value
                if left < -1e-6:
                    return False
            return True

        assert stays(found.buffer + 0.005)
        assert found.buffer == 0 or not stays(found.buffer - 0.02)
        assert found.short_months == (net < 0).sum()

        def stays_if_spent(put, net=net, begin=begin):
            left = put
            for n, value in enumerate(net):
                left += value
                if left < -1e-6:
                    return False
                if (begin + n) % 12 == 11:
                    left = min(left, put)
            return True

        spent = found.buffer_if_spent
        assert spent >= found.buffer - 0.01
        assert stays_if_spent(spent + 0.005)
        assert spent == 0 or not stays_if_spent(spent - 0.02)
        with_savings = account_of(one, cash, savings=True)
        assert with_savings.buffer <= found.buffer + 0.01


def test_runs_of_short_months():
    assert longest_run(np.array([True, True, False, True])) == 2
    assert longest_run(np.array([False])) == 0
    assert longest_run(np.array([], dtype=bool)) == 0


def test_first_receipt_and_first_instalment():
    _, one = borrower(**{"tariff.settlement_delay_months": 2})
    found = account_of(one, monthly_cash(one, run_model(one, "self_invest"), HOUSEHOLD, 0))
    assert (found.first_receipt, found.first_instalment) == ("2026-03", "2026-01")
    assert found.months == 72


def test_sales_come_in_at_the_price_of_each_month():
    months = [0.1] * 6 + [0.3] * 6
    people, one = borrower(**{"tariff.export_price": None, "tariff.market_months": months,
                              "tariff.mechanism_share": 0.5, "tariff.mechanism_bid": 0.4,
                              "tariff.mechanism_years": 2})  # fmt: skip
    cash = monthly_cash(one, run_model(one, "self_invest"), HOUSEHOLD, 0)
    sold = cash[cash["item"] == "feed_in"].set_index(["year", "month"])["yuan"]
    made = 10_000 * np.asarray(one.months)
    for month in (1, 6, 7, 12):
        market = months[month - 1]
        first = 0.99 * made[month - 1] * (0.5 * 0.393 + 0.5 * market)
        assert sold[2026, month] == pytest.approx(first, abs=0.02), month
        # After the mechanism's two years the market alone.
        later = 0.99 * 0.9923**4 * made[month - 1] * market
        assert sold[2030, month] == pytest.approx(later, abs=0.02), month
    assert len(people) == 3


def test_cover_in_cash_leaves_out_what_is_saved():
    people, one = borrower()
    ledger = run_model(one, "self_use")
    table = household_accounts(people.assign(model="self_use"), one)
    for row in range(3):
        service = sum(ledger.paid(item)[row, 1:] for item in ("interest", "principal"))
        sold, saved = ledger.paid("surplus")[row, 1:], ledger.paid("bill_saved")[row, 1:]
        costs = ledger.paid("running")[row, 1:] + ledger.paid("inverter")[row, 1:]
        owes = service > 0
        alone = ((sold - costs)[owes] / service[owes]).min()
        both = ((sold + saved - costs)[owes] / service[owes]).min()
        assert table["cover_cash"].iloc[row] == pytest.approx(alone, abs=1e-4)
        assert table["cover_savings"].iloc[row] == pytest.approx(both, abs=1e-4)
        assert table["debt"].iloc[row] == ledger.paid("loan")[row, 0]


def test_a_cover_of_one_is_covered_and_a_month_of_nothing_is_not_short():
    told = pd.DataFrame({
        "household_id": ["A", "B", "collective"], "cover_savings": [1.0, 0.999, 3.0],
        "cover_cash": [1.0, 0.5, 3.0], "short_months": [0, 7, 9], "longest_short": [0, 4, 9],
        "buffer": [0.0, 10.0, 99.0],
    })  # fmt: skip
    found = account_summary(told).iloc[0]
    assert found[["borrowers", "covered_cash", "covered_savings", "covered_short"]].tolist() == [
        2, 1, 1, 0
    ]  # fmt: skip
    assert found[["short_median", "longest_short", "buffer_median", "buffer_most"]].tolist() == [
        3.5, 4.0, 5.0, 10.0
    ]  # fmt: skip
    _, one = borrower(**{"tariff.settlement_delay_months": 0})
    items = ["feed_in", "running", "feed_in"]
    year = pd.DataFrame(
        {"year": 2026, "month": [1, 2, 3], "item": items, "yuan": [0.0, -5.0, 5.25]}
    )
    account = account_of(one, year)
    # Only February is short; the first receipt is the first that is more than nothing.
    assert (account.short_months, account.longest) == (1, 1)
    assert (account.buffer, account.first_receipt) == (5.0, "2026-03")
    assert account.first_instalment == ""
    assert account.months == 25 * 12


def test_accounts_of_households_are_those_of_each():
    people, one = borrower()
    table = household_accounts(people.assign(model="self_use"), one)
    for row, told in enumerate(table.to_dict("records")):
        single = account_of(one, monthly_cash(one, run_model(one, "self_use"), HOUSEHOLD, row))
        assert told["buffer"] == pytest.approx(single.buffer, abs=1e-9)
        assert told["short_months"] == single.short_months
        assert told["longest_short"] == single.longest
        assert told["cover_cash"] < told["cover_savings"]
    summary = account_summary(table).iloc[0]
    assert summary["borrowers"] == 3
    assert summary["covered_short"] <= summary["covered_savings"]
    free = household_accounts(people, replace(one, terms=replace(
        one.terms, loan=one.terms.loan.model_copy(update={"share": 0.0}))))  # fmt: skip
    assert free.empty
    assert account_summary(free).empty


def test_each_calendar_year_pays_the_instalments_that_fall_due_in_it():
    """27,200 over six years from 1 June: 7 instalments in 2026, 5 in 2032."""
    _, one = borrower(**{"tariff.connection_date": dt.date(2026, 6, 1)})
    ledger = run_model(one, "self_invest")
    owed = 0.7 * 30_000
    month = owed * (0.04 / 12) / (1 - (1 + 0.04 / 12) ** -72)
    paid = ledger.paid("interest")[0] + ledger.paid("principal")[0]
    assert paid[1:9] == pytest.approx([7 * month, *[12 * month] * 5, 5 * month, 0], abs=0.02)
    interest, left = 0.0, owed
    for _ in range(7):
        interest += left * 0.04 / 12
        left -= month - left * 0.04 / 12
    assert ledger.paid("interest")[0, 1] == pytest.approx(interest, abs=0.01)
    _, late = borrower(**{"tariff.connection_date": dt.date(2026, 6, 1),
                          "loan.kind": "interest_first"})  # fmt: skip
    principal = run_model(late, "self_invest").paid("principal")[0]
    # All at once, at the end of May 2032.
    assert np.flatnonzero(principal).tolist() == [7]
    assert principal[7] == owed


def test_a_collective_that_borrows_has_cases_of_its_own():
    people, one = borrower(**{"finance.model": "cooperative", "tariff.export_price": None,
                              "loan.years": 10})  # fmt: skip
    people = people.assign(model="cooperative")
    ranges = pd.DataFrame({"energy_p90_built_kwh": people["energy_kwh"] * 0.85,
                           "energy_p90_life_kwh": people["energy_kwh"] * 0.9})  # fmt: skip
    found = collective_cases(people, one, ranges).set_index("case")
    assert found.index.tolist() == list(CASES)
    assert (found["party"] == "collective").all()
    planned = run_model(one, "cooperative")
    own = planned.of_party(COLLECTIVE) - planned.received(COLLECTIVE, "dividend")
    assert found.loc["planned", "income_first_year"] == pytest.approx(own[1], abs=0.01)
    worth = (own * 1.05 ** -np.arange(26.0)).sum()
    assert found.loc["planned", "npv"] == round(worth, 2)
    assert found.loc["planned", "income_mean"] == pytest.approx(own[1:].sum() / 25, abs=0.005)
    assert (found["households"] == 1).all()
    assert found.loc["planned", "payback_years"] > 8
    assert found.loc["planned", "households_after_term"] == 1
    term = one.terms.prices.mechanism_years
    assert (found["term_years"][["planned", "not_won"]] == [term, 0]).all()
    assert np.isnan(found.loc["not_won", "households_after_term"])
    assert found.loc["together", "npv"] < 0
    assert found.loc["together", "households_losing"] == 1
    assert found.loc["together", "households_short"] == 1
    cover = found["lowest_cover"]
    assert cover["together"] < cover["poor_years"] < cover["planned"]
    assert collective_cases(people.assign(model="self_invest"), one, ranges).empty
    account = pooled_accounts(people, one).iloc[0]
    single = account_of(one, monthly_cash(one, planned, COLLECTIVE))
    assert account["debt"] == pytest.approx(0.7 * 84_000)
    assert (account["buffer"], account["short_months"]) == (single.buffer, single.short_months)
    assert account_summary(pooled_accounts(people, one)).empty
    assert pooled_accounts(people.assign(model="self_invest"), one).empty


# --- cases and break-even -----------------------------------------------------------------------


def test_six_cases_side_by_side():
    people, one = borrower(**{"tariff.export_price": None, "loan.share": 0.0})
    ranges = pd.DataFrame({"energy_p90_built_kwh": people["energy_kwh"] * 0.85,
                           "energy_p90_life_kwh": people["energy_kwh"] * 0.9})  # fmt: skip
    measures = case_measures(people, one, ranges)
    assert set(measures["case"]) == set(CASES)
    found = case_totals(people, measures, one.terms.prices.mechanism_years).set_index("case")
    npv = found["npv"]
    assert npv["together"] < npv["not_won"] < npv["planned"] < npv["market_high"]
    assert npv["together"] < npv["poor_years"] < npv["planned"]
    assert found.loc["planned", "households"] == 3
    own = measures[(measures["case"] == "not_won") & (measures["model"] == "self_invest")]
    assert npv["not_won"] == pytest.approx(own["npv"].sum())
    assert found.loc["not_won", "households_losing"] == (own["npv"] < 0).sum()
    # Who has no modules is in no count.
    bare = pd.concat([people, people.iloc[:1].assign(household_id="X", modules=0.0)])
    same = case_totals(bare, measures, one.terms.prices.mechanism_years).set_index("case")
    assert same["households"].tolist() == [3] * 6
    assert same["npv"].equals(npv)
    late = ~(own["payback_years"] <= 8)
    assert found.loc["not_won", "households_after_term"] == late.sum()
    # Each case is the plan under its own keys.
    again = resolve_terms(pvp.Scenario(tariff={"mechanism_share": 0.0}), "Zhejiang")
    alone = household_measures(people, {"x": replace(one, terms=replace(
        again, month_worth=one.terms.month_worth))}, ("self_invest",))  # fmt: skip
    assert own["npv"].to_numpy() == pytest.approx(alone["npv"].to_numpy(), abs=0.02)


def test_break_even_is_where_it_says():
    people, one = borrower()
    found = break_even(people, one).set_index("moved")
    for what in ("price", "yield", "cost"):
        at = found.loc[what, "npv"]
        scale = abs(investors_worth(people, one))
        assert abs(investors_worth(people, moved(one, what, at))) < 0.02 * scale + 50, what
        for name, wanted in (("cover_1", 1.0), ("cover_1_2", 1.2)):
            reached = joint_cover(people, moved(one, what, found.loc[what, name]))
            assert reached == pytest.approx(wanted, abs=0.005), (what, name)
    assert found.loc["cost", "cover_1_2"] < found.loc["cost", "cover_1"]
    assert found.loc["price", "cover_1_2"] > found.loc["price", "cover_1"]
    _, free = borrower(**{"loan.share": 0.0})
    assert break_even(people, free)[["cover_1", "cover_1_2"]].isna().all().all()


# --- a battery of one's own ---------------------------------------------------------------------


def test_a_battery_is_priced_and_said_not_to_pay():
    people = household(count=2).assign(model="self_use")
    demand, bills = flat_demand(people)
    plain = {f"plain_used_kwh_{n:02d}": 100.0 for n in range(1, 13)}
    demand = demand.assign(**plain, self_used_kwh_0=1_980.0, battery_loss_kwh_0=50.0)
    bills = bills.assign(bill_plain=bills["bill_before"] - 1_200 * 0.538,
                         bill_after_0=bills["bill_before"] - 1_980 * 0.538)  # fmt: skip
    own = pvp.Scenario(demand={"battery_kwh": 5.0, "battery_cost_per_kwh": 1_000.0,
                               "battery_life_years": 10}, tariff={"export_price": 0.3})  # fmt: skip
    one = Case(people, demand, bills, resolve_terms(own, "Zhejiang"), np.ones(2))
    found = battery_worth(people, one).iloc[0]
    assert found["gain"] == pytest.approx(2 * (780 * 0.538 - 830 * 0.3), abs=0.02)
    assert found["cost"] == 2 * 5 * 1_000 / 10
    (told,) = battery_findings(battery_worth(people, one), "CNY")
    assert told.code == "battery_loses"
    ledger = run_model(one, "self_use")
    bought = ledger.paid("battery")
    assert bought[0, [0, 10, 20]].tolist() == [5_000.0] * 3
    assert bought.sum() == 2 * 15_000
    free = resolve_terms(own.override({"demand.battery_cost_per_kwh": None}), "Zhejiang")
    (unknown,) = battery_findings(battery_worth(people, replace(one, terms=free)), "CNY")
    assert unknown.code == "battery_uncosted"
    none = battery_worth(people, replace(one, bills=bills.drop(columns="bill_plain")))
    assert none.empty
    assert battery_findings(none, "CNY") == []
