"""Money as the law has it: golden cases by hand, random ones that must balance, rules with rows."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_money import case, household

import pvplanner as pvp
from pvplanner import reference
from pvplanner.money import (
    all_models,
    appraise,
    internal_rate,
    kept_of,
    net_present_value,
    owner_of,
    payback,
    resolve_terms,
    run_model,
)
from pvplanner.money.books import BALANCE, below_hurdle, investor_result, owner_shares
from pvplanner.money.bounds import rule_bounds
from pvplanner.money.ledger import PARTIES
from pvplanner.money.standing import lawful, list_standing
from pvplanner.scenario import Contract
from pvplanner.scenario.calendar import Calendar

PLAIN = {"degradation_first_year": 0.0, "degradation_per_year": 0.0}
UNTAXED = {"tax_rate": 0.0, "vat_rate": 0.0, "vat_rate_after": 0.0}
PRICED = {"export_price": 0.4}


def scenario(**sections):
    """A plant without wear, sold at 0.4 yuan."""
    finance = {**PLAIN, **sections.pop("finance", {})}
    tariff = {**PRICED, **sections.pop("tariff", {})}
    return pvp.Scenario(finance=finance, tariff=tariff, **sections)


def flow(ledger, item, payer=None, payee=None):
    """What was paid under an item by all together, yuan; shape (years + 1,)."""
    total = np.zeros(ledger.years + 1)
    for one in ledger.flows:
        if one.item == item and payer in (None, one.payer) and payee in (None, one.payee):
            total += one.fen.reshape(-1, ledger.years + 1).sum(axis=0)
    return total / 100


# --- calendar years -----------------------------------------------------------------------------


def test_a_plant_of_the_first_of_july_has_half_years_at_both_ends():
    own = scenario(tariff={"connection_date": dt.date(2026, 7, 1)})
    one = case(own)
    assert (one.calendar.count, one.calendar.first_whole) == (26, 2)
    assert one.calendar.years[[0, -1]].tolist() == [2026, 2051]
    part = 184 / 365
    assert one.calendar.part == pytest.approx(part)
    ledger = run_model(one, "self_invest")
    sold = flow(ledger, "feed_in")
    assert sold[1] == pytest.approx(4_000 * part, abs=0.006)
    assert sold[2:26].tolist() == [4_000.0] * 24
    assert sold[26] == pytest.approx(4_000 * (1 - part), abs=0.006)
    # The inverter of the twelfth year is bought on 1 July 2038.
    bought = flow(ledger, "inverter")
    assert np.flatnonzero(bought).tolist() == [13]
    assert one.calendar.years[13 - 1] == 2038


def test_the_first_of_january_gives_whole_years():
    own = case(scenario())
    assert own.calendar.whole
    assert own.calendar.count == 25
    assert own.calendar.times.tolist() == list(range(26))
    assert flow(run_model(own, "self_invest"), "feed_in")[1:].tolist() == [4_000.0] * 25


def test_generation_comes_in_as_its_months_do():
    months = (0.0,) * 6 + (1.0,) + (0.0,) * 5
    calendar = Calendar(dt.date(2026, 7, 17), 2, months)
    # All is made in July, of which 15 of 31 days are left; by days 168 of 365.
    assert calendar.part_made == pytest.approx(15 / 31)
    assert calendar.part == pytest.approx((15 + 31 + 30 + 31 + 30 + 31) / 365)
    made = calendar.spread(np.array([[100.0, 50.0]]), made=True)[0]
    assert made == pytest.approx([100 * 15 / 31, 100 * 16 / 31 + 50 * 15 / 31, 50 * 16 / 31])
    assert calendar.quarters[:, 2] == pytest.approx([1.0, 1.0, 1.0])
    assert calendar.quarters.sum(axis=1) == pytest.approx([1.0] * 3)


def test_parts_of_months_and_the_middle_of_a_year_of_life():
    calendar = Calendar(dt.date(2026, 6, 16), 2, (1 / 12,) * 12)
    # Half of June and six months are left; the last year has five months and the other half.
    assert calendar.by_month[0] == pytest.approx([0] * 5 + [0.5 / 6.5] + [1 / 6.5] * 6)
    assert calendar.by_month[-1] == pytest.approx([1 / 5.5] * 5 + [0.5 / 5.5] + [0] * 6)
    # From mid-June the middle of a year of life is mid-December, from September it is in March.
    assert calendar.within(np.array([5.0, 7.0])).tolist() == [5.0, 7.0, 0.0]
    autumn = Calendar(dt.date(2026, 9, 1), 2)
    assert autumn.within(np.array([5.0, 7.0])).tolist() == [0.0, 5.0, 7.0]
    assert autumn.at_end(np.array([5.0, 7.0])).tolist() == [0.0, 5.0, 7.0]


@settings(max_examples=60, deadline=None)
@given(st.dates(dt.date(2024, 1, 1), dt.date(2035, 12, 31)), st.integers(1, 40))
def test_nothing_is_lost_between_years_of_life_and_calendar_years(begin, life):
    calendar = Calendar(begin, life)
    values = np.random.default_rng(life).uniform(0, 100, (3, life))
    for way in (calendar.spread(values), calendar.spread(values, made=True),
                calendar.at_end(values), calendar.within(values)):  # fmt: skip
        assert way.shape == (3, calendar.count)
        assert way.sum(axis=1) == pytest.approx(values.sum(axis=1))
    assert calendar.times[0] == 0
    assert calendar.times[-1] == life
    assert (np.diff(calendar.times) > 0).all()
    assert calendar.by_month.sum(axis=1) == pytest.approx(np.ones(calendar.count))


def test_worth_and_payback_count_from_the_moneys_day():
    xirr = pytest.importorskip("pyxirr", reason="pyxirr is not installed")
    rng = np.random.default_rng(8)
    for begin in (dt.date(2026, 6, 1), dt.date(2026, 1, 1), dt.date(2027, 11, 20)):
        calendar = Calendar(begin, 20)
        flows = np.hstack([[[-1000.0]], rng.uniform(60, 140, (1, calendar.count))])
        days = [begin + dt.timedelta(days=round(365 * t)) for t in calendar.times]
        first = calendar.first_length
        worth = net_present_value(flows, 0.05, first)[0]
        assert worth == pytest.approx(xirr.xnpv(0.05, days, flows[0].tolist()), abs=0.02)
        rate = internal_rate(flows, first)[0]
        assert rate == pytest.approx(xirr.xirr(days, flows[0].tolist()), abs=2e-6)
        assert net_present_value(flows, rate, first)[0] == pytest.approx(0, abs=1e-6)
    # 1,000 paid on 1 July, 500 by the year's end, 1,000 in the next: back after half of that.
    back = payback(np.array([[-1000.0, 500.0, 1000.0, 0.0]]), first=0.5)[0]
    assert back == pytest.approx(0.5 + 0.5)


# --- the bodies ---------------------------------------------------------------------------------


def test_a_collective_over_25_years_with_loan_grant_loss_and_renewal_by_hand():
    """100 kWp at 3 yuan/W, 50,000 granted, half of the rest over 5 years, a typhoon in year 3."""
    bad = {"kind": "typhoon", "year": 3, "outage_months": 12, "cost_per_w": 0.5}
    own = scenario(
        cooperative={"grant": 50_000.0, "reserve_rate": 0.3, "provision": True},
        loan={
            "share": 0.5,
            "rate": 0.04,
            "years": 5,
            "kind": "equal_principal",
            "instalments": "yearly",
        },
        finance={"events": [bad], "vat_rate": 0.0, "vat_rate_after": 0.0, "tax_rate": 0.05},
    )
    people = household(count=10)
    ledger = run_model(case(own, people), "cooperative")
    lent, stamp = 125_000.0, 300_000 * 0.00015 + 125_000 * 0.000025
    written = (300_000 + stamp) / 20
    taxable = (300_000 + stamp - 50_000) / 20
    cash = reserve = pool = aside = 0.0
    losses: list[float] = []
    for year in range(1, 26):
        owed = lent * (1 - (year - 1) / 5) if year <= 5 else 0.0
        repaid = 25_000.0 if year <= 5 else 0.0
        sales = 0.0 if year == 3 else 40_000.0
        inverter = 25_000.0 if year == 12 else 0.0
        typhoon = 50_000.0 if year == 3 else 0.0
        before = sales - 4_000 - inverter - typhoon - 0.04 * owed
        left = before - (taxable if year <= 20 else 0.0)
        rest, losses = left, losses[-5:]
        if left >= 0:
            for n, loss in enumerate(losses):
                used = min(loss, rest)
                losses[n], rest = loss - used, rest - used
        losses.append(max(-left, 0.0))
        tax = 0.05 * max(rest, 0.0)
        assert flow(ledger, "tax")[year] == pytest.approx(tax, abs=0.02), year
        put = 25_000 / 12 - inverter if year <= 12 else 0.0
        aside += put
        net = before - tax - repaid
        cash += net
        surplus = net + repaid - (written if year <= 20 else 0.0) - put
        pool += surplus
        if pool < 0:
            drawn = min(reserve, -pool)
            reserve, pool = reserve - drawn, pool + drawn
        given_ = 0.0
        if pool > 0:
            kept = 0.3 * max(min(pool, surplus), 0)
            reserve, pool = reserve + kept, pool - kept
            given_ = min(pool, max(cash - aside, 0))
            cash, pool = cash - given_, pool - given_
        assert flow(ledger, "dividend")[year] == pytest.approx(given_, abs=0.1), year
    held = ledger.balances
    assert held["cash"] + held["plant"] == pytest.approx(sum(held[n] for n in BALANCE[2:]),
                                                         abs=0.006)  # fmt: skip
    # It ends with no less than it put in.
    assert held["cash"][-1] >= held["own"][-1] + held["granted"][-1] - 0.01
    assert held["renewal_fund"][11] == pytest.approx(0, abs=0.006)
    assert held["renewal_fund"][10] == pytest.approx(25_000 * 11 / 12, abs=0.006)


def two_members(body, **cooperative):
    people = household(count=2, kwp=[10.0, 5.0], energy=[10_000.0, 3_000.0])
    own = scenario(finance={"body": body, **UNTAXED}, cooperative=cooperative)
    return run_model(case(own, people), "cooperative")


def test_each_body_distributes_by_its_own_law():
    alike = flow(two_members("collective"), "dividend")
    shares = {body: next(f.fen for f in two_members(body).flows if f.item == "dividend")[:, 1]
              for body in ("collective", "cooperative", "company")}  # fmt: skip
    parts = {body: fen / fen.sum() for body, fen in shares.items()}
    # Quantified shares, taken by the roofs that are put in; 60 % by the kilowatt-hours of each.
    assert parts["collective"] == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
    volume = np.array([10_000, 3_000]) / 13_000
    assert parts["cooperative"] == pytest.approx(0.6 * volume + 0.4 / 2, abs=1e-4)
    assert parts["company"] == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
    # Zhejiang's 30 % for its collectives, a tenth for a company, the charter's for a cooperative.
    surplus = 13_000 * 0.4 - 15_000 * 0.04 - (45_000 + 6.75) / 20
    assert alike[1] == pytest.approx(0.7 * surplus, abs=0.03)
    assert shares["company"].sum() / 100 == pytest.approx(0.9 * surplus, abs=0.03)
    assert shares["cooperative"].sum() / 100 == pytest.approx(surplus, abs=0.03)


def test_a_companys_reserve_ends_at_half_of_its_capital():
    cheap = scenario(finance={"body": "company", "capex_per_w": 0.5, **UNTAXED})
    ledger = run_model(case(cheap), "cooperative")
    own = ledger.balances["own"][0]
    assert ledger.balances["reserve"][-1] == pytest.approx(own / 2, abs=0.006)
    assert ledger.balances["reserve"].max() == ledger.balances["reserve"][-1]


@pytest.mark.parametrize("grant", [0.0, 5_000.0, 25_000.0, 100_000.0])
@pytest.mark.parametrize("by_class", [0.0, 0.5, 3.5])
def test_nobody_pays_more_than_the_plant_costs(grant, by_class):
    """Class grant, grant, members and bank in turn: each at most what those before it leave."""
    finance = {**UNTAXED, "grant_per_w": {"natural_person_household": by_class}}
    terms = {"grant": grant, "member_loan_share": 0.6, "member_loan_years": 5}
    told = scenario(cooperative=terms, loan={"share": 0.5}, finance=finance)
    ledger = run_model(case(told, household(count=2, kwp=[7.0, 3.0])), "cooperative")
    paid = {item: float(np.sum(ledger.paid(item)[..., 0]))
            for item in ("class_grant", "grant", "member_loan", "loan")}  # fmt: skip
    left = 30_000.0
    asked = {"class_grant": min(by_class * 10_000, left), "grant": grant, "member_loan": 18_000.0}
    for item, sum_ in asked.items():
        assert paid[item] == pytest.approx(min(sum_, left), abs=0.011), item
        left -= paid[item]
    assert paid["loan"] == pytest.approx(left * 0.5, abs=0.011)
    repaid = ledger.paid("member_principal").sum()
    assert repaid == pytest.approx(paid["member_loan"], abs=0.001)


def test_a_specialised_cooperative_gives_at_least_its_part_by_volume():
    greedy = two_members("cooperative", equal_share=0.9)
    fen = next(f.fen for f in greedy.flows if f.item == "dividend")[:, 1]
    volume = np.array([10_000, 3_000]) / 13_000
    assert fen / fen.sum() == pytest.approx(0.6 * volume + 0.4 / 2, abs=1e-4)
    most = two_members("cooperative", volume_share=0.9)
    fen = next(f.fen for f in most.flows if f.item == "dividend")[:, 1]
    assert fen / fen.sum() == pytest.approx(0.9 * volume + 0.1 / 2, abs=1e-4)


def test_members_money_is_a_loan_and_comes_back():
    terms = {"member_loan_share": 0.4, "member_loan_rate": 0.03, "member_loan_years": 8}
    people = household(count=2, kwp=[10.0, 5.0])
    ledger = run_model(case(scenario(cooperative=terms, finance=UNTAXED), people), "cooperative")
    lent = ledger.paid("member_loan")[:, 0]
    assert lent.tolist() == [12_000.0, 6_000.0]
    back = ledger.paid("member_principal")
    assert back.sum(axis=1) == pytest.approx(lent, abs=1e-9)
    assert ledger.paid("member_interest")[:, 1] == pytest.approx(0.03 * lent, abs=0.006)
    assert ledger.balances["member_loans"][[0, 7]] == pytest.approx([18_000 * 7 / 8, 0], abs=0.02)
    one = case(scenario(cooperative=terms, finance=UNTAXED), people)
    assert appraise(one, ledger, "cooperative")["capital"].tolist() == [12_000.0, 6_000.0]
    # A bank lends on what members and state leave.
    both = scenario(cooperative={**terms, "grant": 5_000.0}, loan={"share": 0.5},
                    finance=UNTAXED)  # fmt: skip
    bank = run_model(case(both, people), "cooperative").paid("loan")[0]
    assert bank == pytest.approx(0.5 * (45_000 - 5_000 - 18_000))


def test_a_collective_that_may_not_borrow_does_not():
    asks = scenario(loan={"share": 0.7}, finance={"may_borrow": False})
    ledger = run_model(case(asks), "cooperative")
    assert "loan" not in {f.item for f in ledger.flows}
    assert "loan" in {f.item for f in run_model(case(asks), "self_invest").flows}
    firm = asks.override({"finance.body": "company"})
    assert "loan" in {f.item for f in run_model(case(firm), "cooperative").flows}


# --- taxes --------------------------------------------------------------------------------------


def test_vat_of_a_collective_by_quarters():
    """A plant that sells 303,000 with tax a quarter, alike: 300,000 without, so all is taxed."""

    def owed(sold):
        own = scenario(
            tariff={"export_price": 1.0}, finance={"tax_rate": 0.0, "opex_per_w_year": 0}
        )
        one = case(own, household(energy=sold, kwp=100.0))
        even = run_model(one, "cooperative")
        quarters = one.calendar.quarters[0]
        return flow(even, "vat")[1], quarters

    below, quarters = owed(302_900 / 0.253)
    # By their days the third and fourth quarters have 92 of 365.
    assert quarters == pytest.approx([90 / 365, 91 / 365, 92 / 365, 92 / 365])
    assert below == 0
    taxed, _ = owed(303_000 * 365 / 92 + 10)
    sold = 303_000 * 365 / 92 + 10
    assert taxed == pytest.approx(2 * sold * 92 / 365 / 1.01 * 0.01, abs=0.02)


def test_free_power_that_is_given_away_is_a_sale():
    free = {"free_kwh_per_month": 30.0}
    own = scenario(cooperative=free, finance={"vat_free_per_month": 0.0, "tax_rate": 0.0})
    ledger = run_model(case(own), "cooperative")
    sold, given_ = 4_000.0, 360 * 0.538
    assert flow(ledger, "free_kwh")[1] == pytest.approx(given_)
    assert flow(ledger, "vat")[1] == pytest.approx((sold + given_) / 1.01 * 0.01, abs=0.01)
    # City construction tax is 1 % of it outside towns, halved for small taxpayers to 2027.
    assert flow(ledger, "surcharge")[1] == pytest.approx(flow(ledger, "vat")[1] / 200, abs=0.01)
    assert flow(ledger, "surcharge")[3] == pytest.approx(flow(ledger, "vat")[3] / 100, abs=0.01)
    state = own.override({"cooperative.free_kwh_paid_by": "state"})
    assert flow(run_model(case(state), "cooperative"), "vat")[1] == pytest.approx(
        sold / 1.01 * 0.01, abs=0.01
    )


def test_a_general_taxpayer_sets_off_the_tax_in_its_plant():
    general = scenario(developer={"taxpayer": "general"})
    ledger = run_model(case(general), "roof_lease")
    paid, bought = 4_000 * 0.13 / 1.13, 30_000 * 0.13 / 1.13
    years = int(bought // paid)
    vat = flow(ledger, "vat")
    assert vat[1 : years + 1].tolist() == [0.0] * years
    assert vat[years + 1] == pytest.approx((years + 1) * paid - bought, abs=0.02)
    assert vat[years + 2] == pytest.approx(paid, abs=0.006)
    small = flow(run_model(case(scenario()), "roof_lease"), "vat")
    assert not small.any()


def test_a_small_business_pays_5_then_20_and_above_3_million_25():
    own = scenario(finance={"rent": 0.0})
    tax = flow(run_model(case(own), "roof_lease"), "tax")
    # Stamp duty of half of 0.03 % is written off with the plant.
    profit = 4_000 - 400 - (30_000 + 4.5) / 20
    assert tax[1:4] == pytest.approx([0.05 * profit, 0.05 * profit, 0.2 * profit], abs=0.02)
    large = household(energy=20_000_000.0, kwp=10_000.0)
    big = flow(run_model(case(own, large), "roof_lease"), "tax")
    vat = flow(run_model(case(own, large), "roof_lease"), "vat")[1]
    # City construction tax on VAT, half of 1 %.
    left = 8_000_000 - 400_000 - (30_000_000 + 4_500) / 20 - 1.005 * vat
    assert big[1] == pytest.approx(0.25 * left, abs=0.5)
    free = own.override({"finance.tax_holiday": True})
    eased = flow(run_model(case(free), "roof_lease"), "tax")
    assert eased[1:4].tolist() == [0.0] * 3
    assert eased[4:7] == pytest.approx(0.1 * np.full(3, profit), abs=0.02)
    assert eased[7] == pytest.approx(0.2 * profit, abs=0.02)


def test_roof_rent_at_once_is_taxed_and_spread_is_not():
    """62 modules at 35 yuan: 2,170 a year, 274 of tax if it is the income of one month."""
    people = household(modules=62.0)
    spread = scenario(finance={"rent_taxed": "spread"})
    at_once = scenario(finance={"rent_taxed": "at_once"})
    assert flow(run_model(case(spread, people), "roof_lease"), "rent_tax").sum() == 0
    tax = flow(run_model(case(at_once, people), "roof_lease"), "rent_tax")
    assert tax[1:21].tolist() == [274.0] * 20
    assert tax[21:].sum() == 0
    town = scenario(finance={"in_town": True})
    assert flow(run_model(case(town, people), "roof_lease"), "house_tax")[1] == 260.4


def test_a_persons_sales_by_sale_and_by_month():
    """30,000 kWh at 0.4: 12,000 a year; by days only months above 1,010 yuan are taxed."""
    people = household(energy=30_000.0, kwp=30.0)
    month = scenario()
    assert "vat" not in {f.item for f in run_model(case(month, people), "self_invest").flows}
    sale = scenario(finance={"person_vat": "by_sale"})
    vat = flow(run_model(case(sale, people), "self_invest"), "vat")
    long = 7 * 12_000 * 31 / 365
    assert vat[1] == pytest.approx(long / 1.01 * 0.01, abs=0.01)
    # From 2028 at 3 %: a month of 31 days is then 989 without the tax.
    assert vat[3] == 0
    hall = people.assign(own_building=True, project_class="general_commercial")
    assert "vat" not in {f.item for f in run_model(case(sale, hall), "self_use").flows}


def test_a_persons_business_income_above_60_000_is_taxed():
    people = household(energy=300_000.0, kwp=300.0)
    ledger = run_model(case(scenario(), people), "self_invest")
    profit = 120_000 - 12_000 - 900_000 / 20
    assert flow(ledger, "income_tax")[1] == pytest.approx(0.05 * (profit - 60_000), abs=0.02)
    assert flow(ledger, "income_tax")[12] == 0  # the inverter's year
    small = run_model(case(scenario()), "self_invest")
    assert "income_tax" not in {f.item for f in small.flows}


def test_a_hall_is_taxed_as_the_collectives_and_not_as_a_persons():
    halls = household(count=2, energy=100_000.0, kwp=100.0).assign(
        own_building=[True, True], project_class=["general_commercial", "natural_person_household"]
    )
    one = case(scenario(), halls)
    ledger = run_model(one, "self_use")
    sold = ledger.paid("surplus")[0, 1]
    tax = ledger.paid("tax")
    # What it uses itself is no income; costs and write-off come off.
    profit = sold - 4_000 - 300_000 / 20
    assert tax[0, [1, 3]] == pytest.approx([0.05 * profit, 0.2 * profit], abs=0.02)
    assert tax[1].sum() == 0


def test_tax_on_dividends_is_a_key():
    plain = run_model(case(scenario(finance=UNTAXED)), "cooperative")
    taxed = run_model(case(scenario(finance={**UNTAXED, "dividend_tax": 0.2})), "cooperative")
    assert flow(taxed, "dividend_tax") == pytest.approx(0.2 * flow(plain, "dividend"), abs=0.01)
    assert "dividend_tax" not in {f.item for f in plain.flows}


@pytest.mark.parametrize("named", [True, False])
def test_everybody_is_taxed_on_the_own_dividend(named):
    """What goes to members of low income alone is theirs to tax, whether they are named or not."""
    people = household(count=3, kwp=[10.0, 5.0, 3.0], energy=[10_000.0, 5_000.0, 3_000.0])
    people["low_income"] = [True, False, False]
    told = scenario(finance={**UNTAXED, "dividend_tax": 0.2},
                    cooperative={"low_income_share": 0.3})  # fmt: skip
    one = case(told, people)
    one = replace(one, terms=replace(one.terms, low_income_named=named))
    ledger = run_model(one, "cooperative")
    each = ledger.paid("dividend", "household")
    tax = next(f for f in ledger.flows if (f.item, f.payer) == ("dividend_tax", "household")).fen
    assert tax / 100 == pytest.approx(0.2 * each, abs=0.006)
    whole = flow(ledger, "dividend")
    assert flow(ledger, "dividend_tax") == pytest.approx(0.2 * whole, abs=0.02)
    assert whole[1] > each[:, 1].sum() or named


def test_stamp_duty_of_sale_loan_and_lease():
    own = scenario(loan={"share": 0.5})
    stamp = flow(run_model(case(own), "roof_lease"), "stamp")[0]
    rent = 18 * 35.0 * 20
    # Halved to 2027.
    assert stamp == pytest.approx(
        0.5 * (30_000 * 0.0003 + 15_000 * 0.00005 + rent * 0.001), abs=0.01
    )
    later = own.override({"tariff.connection_date": dt.date(2028, 1, 1)})
    assert flow(run_model(case(later), "roof_lease"), "stamp")[0] == pytest.approx(
        2 * stamp, abs=0.02
    )


# --- developers, leases, agents -----------------------------------------------------------------


@pytest.mark.parametrize("model", ["roof_lease", "developer"])
@pytest.mark.parametrize("end", ["removal", "handover", "renewal"])
def test_what_follows_a_lease(model, end):
    own = scenario(finance={"lease_end": end, "decommission_per_w": 0.1, "lease_years": 15,
                            "residual_share": 0.02})  # fmt: skip
    ledger = run_model(case(own), model)
    sold, rent = (
        flow(ledger, "feed_in" if model == "roof_lease" else "surplus"),
        flow(ledger, "rent"),
    )
    down = np.flatnonzero(flow(ledger, "decommissioning"))
    scrap = flow(ledger, "residual", payee="developer" if end != "handover" else "household")
    assert rent[15] == 630.0
    running = flow(ledger, "running", payer="developer")
    if end == "removal":
        assert sold[16:].sum() == 0
        assert running[16:].sum() == 0
        assert rent[16:].sum() == 0
        assert down.tolist() == [15]
        assert np.flatnonzero(scrap).tolist() == [15]
    elif end == "renewal":
        assert sold[25] == sold[1]
        assert rent[25] == 630.0
        assert down.tolist() == [25]
    else:
        name = "feed_in" if model == "roof_lease" else "surplus"
        assert flow(ledger, name, payee="developer")[16:].sum() == 0
        assert flow(ledger, name, payee="household")[16] == sold[1]
        assert running[16:].sum() == 0
        assert flow(ledger, "running", payer="household")[16] == 400.0
        assert flow(ledger, "decommissioning", payer="household")[25] == 1_000.0
        assert rent[16:].sum() == 0
        assert scrap[25] == 600.0
    # What a household saves ends with the plant.
    saved = flow(ledger, "bill_saved")
    assert bool(saved[16:].sum() > 0) is (model == "developer" and end != "removal")


def test_carbon_follows_the_lease_and_the_roof():
    own = scenario(finance={"lease_end": "removal"})
    terms = resolve_terms(own, "Zhejiang")
    people = household(count=2).assign(model=["roof_lease", "self_invest"])
    kept = kept_of(people, terms)
    assert kept[0].tolist() == [1.0] * 20 + [0.0] * 5
    assert kept[1].tolist() == [1.0] * 25
    gone = scenario(finance={"events": [{"kind": "demolition", "year": 4, "roofs": ["B1"]}]})
    hit = people.assign(event_0=[0.0, 0.25])
    kept = kept_of(hit, resolve_terms(gone, "Zhejiang"))
    assert kept[1].tolist() == [1.0] * 3 + [0.75] * 22
    assert kept[0].tolist() == [1.0] * 20 + [0.0] * 5


def test_a_demolished_roof_stays_gone_or_returns():
    bad = {"kind": "demolition", "year": 4, "roofs": ["B1"], "cost_per_w": 0.2}
    people = household(count=2).assign(event_0=[1.0, 0.0])
    ledger = run_model(case(scenario(finance={"events": [bad]}), people), "self_invest")
    net = ledger.of_households()
    sound = run_model(case(scenario(), people), "self_invest").of_households()
    assert net[1].tolist() == sound[1].tolist()
    assert net[0, :4].tolist() == sound[0, :4].tolist()
    # 2,000 to take it down; then neither sales nor running costs nor an inverter.
    assert net[0, 4] == -2_000
    assert not net[0, 5:].any()
    back = {**bad, "back_after_years": 2}
    again = run_model(case(scenario(finance={"events": [back]}), people), "self_invest")
    assert again.of_households()[0, 6:].tolist() == sound[0, 6:].tolist()
    assert again.of_households()[0, 5] == 0
    # Rent for a roof that is gone is not owed (art. 729).
    let = run_model(case(scenario(finance={"events": [bad]}), people), "roof_lease")
    assert let.paid("rent")[0, 3:6].tolist() == [630.0, 0.0, 0.0]
    assert let.paid("rent")[1, 5] == 630.0


def test_what_is_demolished_leaves_the_books_too():
    bad = {"kind": "demolition", "year": 4, "roofs": ["B1"]}
    people = household(count=2).assign(event_0=[1.0, 0.0])
    own = scenario(finance={"events": [bad], **UNTAXED})
    held = run_model(case(own, people), "cooperative").balances
    plant = 60_000 + 9.0
    # Half of the plant goes in the fourth year: what of it was not written off by then.
    assert held["written_off"][:5] == pytest.approx(
        [plant / 20] * 3 + [plant / 40 + plant / 2 * 17 / 20, plant / 40], abs=0.02
    )
    assert held["plant"][-1] == pytest.approx(0, abs=0.01)
    assert held["cash"] + held["plant"] == pytest.approx(sum(held[n] for n in BALANCE[2:]),
                                                         abs=0.006)  # fmt: skip
    back = scenario(finance={"events": [{**bad, "back_after_years": 2}], **UNTAXED})
    kept = run_model(case(back, people), "cooperative").balances
    assert kept["written_off"][:5] == pytest.approx([plant / 20] * 5, abs=0.02)


def test_a_settlement_agent_takes_13_percent_and_passes_on_the_rest():
    agent = scenario(cooperative={"agent": True, "agent_fee": 0.02}, finance={"tax_rate": 0.0})
    ledger = run_model(case(agent), "cooperative")
    assert flow(ledger, "feed_in", payee="agent")[1] == 4_000
    assert flow(ledger, "agent_vat")[1] == pytest.approx(4_000 * 13 / 113, abs=0.006)
    passed = flow(ledger, "settlement")[1]
    assert passed == pytest.approx(4_000 / 1.13 * 0.98, abs=0.006)
    assert "vat" not in {f.item for f in ledger.flows}
    agents = ledger.of_party("agent")
    assert agents[1] == pytest.approx(4_000 / 1.13 * 0.02, abs=0.02)
    # The write-off's money stays with the collective: what members get is less.
    written = ledger.balances["written_off"][0]
    assert flow(ledger, "dividend")[1] <= passed - 400 - written + 0.01


def test_a_plant_of_several_villages_is_divided_to_the_fen():
    shared = {"upper": 0.5, "middle": 0.3, "lower": 0.2}
    own = scenario(cooperative={"owners": shared}, finance={"model": "cooperative", **UNTAXED})
    people = household(count=3).assign(model="cooperative")
    one = case(own, people)
    found = owner_shares(people, one)
    held = run_model(one, "cooperative").balances
    assert found["owner"].tolist() == list(shared)
    for key, whole in (("capital", held["own"][0]), ("write_off_year", held["written_off"][0]),
                       ("surplus_year", held["surplus"][0])):  # fmt: skip
        assert found[key].sum() == pytest.approx(whole, abs=1e-6)
        assert found[key].to_numpy() == pytest.approx(np.array([0.5, 0.3, 0.2]) * whole, abs=0.011)
    with pytest.raises(pvp.ConfigError, match=r"0\.9"):
        pvp.Scenario(cooperative={"owners": {"upper": 0.5, "lower": 0.4}})


def test_a_developer_below_its_hurdle_builds_nothing():
    people = household(count=2).assign(model="roof_lease")
    dear = case(scenario(finance={"rent": 100.0}), people)
    (told,) = below_hurdle(investor_result(people, dear))
    assert (told.code, told.doubtful) == ("developer_below_hurdle", True)
    rich = case(scenario(tariff={"export_price": 0.9}, finance={"rent": 10.0}), people)
    made = investor_result(people, rich)
    assert made["irr"].iloc[0] > 0.08
    assert below_hurdle(made) == []
    flows = run_model(rich, "roof_lease").of_party("developer")
    assert made["npv"].iloc[0] == pytest.approx(net_present_value(flows[None], 0.05)[0], abs=0.01)


def test_a_grant_by_class_and_a_subsidy_with_a_term():
    by_class = {"natural_person_household": 0.5, "general_commercial": 0.2}
    people = household(count=2, project_class=["natural_person_household", "general_commercial"])
    term = {"subsidy_per_kwh": 0.1, "subsidy_until": dt.date(2028, 12, 31)}
    own = scenario(finance={"grant_per_w": by_class}, loan={"share": 0.5}, tariff=term)
    ledger = run_model(case(own, people), "self_invest")
    assert ledger.paid("class_grant")[:, 0].tolist() == [5_000.0, 2_000.0]
    assert ledger.paid("loan")[:, 0].tolist() == [12_500.0, 14_000.0]
    sold = ledger.paid("feed_in")[0]
    assert sold[[1, 3, 4]].tolist() == [5_000.0, 5_000.0, 4_000.0]


# --- what the plan rests on ---------------------------------------------------------------------


def test_parties_decisions_papers_and_agreements_are_listed():
    own = scenario(loan={"share": 0.5}, finance={"model": "cooperative"})
    told = list_standing(["cooperative", "self_use"], resolve_terms(own, "Zhejiang"),
                         Contract(leak_repair_by="installer", papers=["charter"]), "Zhejiang",
                         ["natural_person_household"])  # fmt: skip
    rows = told.set_index("item")
    assert rows.loc["who_invests", "value"] == "collective household"
    assert rows.loc["body", "value"] == "collective_body"
    assert rows.loc["decision_plan_posted", "days"] == 15
    assert rows.loc["decision_assembly_notice", "days"] == 10
    assert "art. 26-28" in rows.loc["decision_assembly_vote", "source"]
    assert np.isnan(rows.loc["decision_assembly_vote", "days"])
    assert "decision_borrowing" in rows.index
    assert rows.loc["paper_charter", "value"] == "at_hand"
    assert rows.loc["paper_borrowing_review", "value"] == "missing_paper"
    assert rows.loc["leak_repair_by", "value"] == "installer"
    assert rows.loc["plant_owner", "value"] == "not_stated"
    plain = list_standing(["self_invest"], resolve_terms(scenario(), "Gansu"), Contract(), "Gansu",
                          ["natural_person_household"]).set_index("item")  # fmt: skip
    assert not plain.index.str.startswith("decision_assembly").any()
    assert "decision_plan_posted" not in plain.index
    assert "paper_written_lease" not in plain.index


@pytest.mark.parametrize(
    ("changes", "contract", "models", "codes"),
    [
        ({}, {}, ["self_invest"], []),
        ({"finance.body": "cooperative"}, {}, ["cooperative"], ["cooperative_business"]),
        ({"loan.share": 0.5}, {}, ["cooperative"], ["borrowing_review"]),
        ({"loan.share": 0.5}, {"papers": ["borrowing_review"]}, ["cooperative"], []),
        ({"loan.share": 0.5, "finance.may_borrow": False}, {}, ["cooperative"], ["loan_forbidden"]),
        ({"loan.share": 0.5, "finance.body": "company"}, {}, ["cooperative"], []),
        ({}, {"filed_as": "household"}, ["roof_lease"], ["filed_as_person"]),
        ({}, {"filed_as": "household"}, ["self_invest"], []),
        ({"finance.lease_years": 25}, {}, ["developer"], ["lease_cut", "power_across"]),
        ({"cooperative.mode": "self_use"}, {}, ["cooperative"], ["power_across"]),
        ({"cooperative.member_loan_share": 0.2}, {}, ["cooperative"], ["members_lend"]),
        ({"finance.lease_years": 25}, {}, ["self_use"], []),
    ],
)
def test_an_unlawful_wish_is_told_from_a_lawful_plan(changes, contract, models, codes):
    terms = resolve_terms(scenario().override(changes), "Zhejiang")
    assert [f.code for f in lawful(models, terms, Contract(**contract), 0)] == codes
    others = [
        f for f in lawful(["roof_lease"], terms, Contract(), 3) if f.code == "class_of_investor"
    ]
    assert [f.count for f in others] == [3]


def test_rules_that_are_not_settled_show_both_ways():
    people = household(count=2, energy=30_000.0, kwp=30.0)
    one = case(scenario(), people)
    found = rule_bounds(people, one).set_index("item")
    assert found.loc["person_vat", ["chosen", "other"]].tolist() == ["by_month", "by_sale"]
    assert found.loc["person_vat", "households"] == 2
    paid = flow(run_model(case(scenario(finance={"person_vat": "by_sale"}), people),
                          "self_invest"), "vat")[1]  # fmt: skip
    # In the mean of the life: 1 % in two years, then no month reaches 1,000 without the tax.
    assert found.loc["person_vat", "yuan"] == pytest.approx(-2 * paid / 25, abs=0.02)
    members = people.assign(model="cooperative")
    both = rule_bounds(members, case(scenario(), members)).set_index("item")
    assert both.loc["dividend_taxed", "other"] == "20%"
    assert both.loc["dividend_taxed", "yuan"] < 0
    assert both.loc["tax_holiday", "yuan"] > 0
    # Money that is set aside comes later, and little is lost over the life.
    assert -200 < both.loc["provision", "yuan"] < 0
    # Both ways of a person's sales are shown also where they come to the same.
    same = rule_bounds(household(), case(scenario(), household())).set_index("item")
    assert same.index.tolist() == ["person_vat"]
    assert same.loc["person_vat", ["households", "yuan"]].tolist() == [0, 0.0]


def test_what_is_not_lawful_reaches_the_reader(liao):
    """Findings of every stage stand in the plan's own list."""
    wishes = {"finance.model": "cooperative", "finance.may_borrow": False, "loan.share": 0.5,
              "contract.filed_as": "household", "cooperative.member_loan_share": 0.1}  # fmt: skip
    codes = {f.code for f in liao.under(wishes).findings}
    assert {"loan_forbidden", "filed_as_person", "members_lend", "class_of_investor"} <= codes
    leased = liao.under({"finance.model": "roof_lease", "finance.rent": 90.0,
                         "finance.lease_years": 25})  # fmt: skip
    codes = {f.code for f in leased.findings}
    assert {"developer_below_hurdle", "lease_cut"} <= codes
    gone = {"kind": "demolition", "year": 5, "roofs": ["LA0010", "nowhere"]}
    events = liao.under({"finance.events": [gone]})
    codes = {f.code for f in events.findings}
    assert "event_roofs_unknown" in codes
    assert "event_idle" not in codes


def test_a_named_roof_that_is_demolished_takes_its_household_and_its_carbon_along(liao):
    owner = liao.shares.set_index("building_id").loc["LA0010", "household_id"]
    owner = owner if isinstance(owner, str) else owner.iloc[0]
    gone = {"kind": "demolition", "year": 5, "roofs": ["LA0010"]}
    plan = liao.under({"finance.events": [gone]})
    before, after = (p.households.set_index("household_id") for p in (liao, plan))
    assert after.loc[owner, "net_life_t"] < before.loc[owner, "net_life_t"]
    assert after.loc[owner, "npv"] < before.loc[owner, "npv"]
    others = before.index.difference(liao.shares.loc[liao.shares["building_id"] == "LA0010",
                                                     "household_id"])  # fmt: skip
    assert after.loc[others, "npv"].equals(before.loc[others, "npv"])
    drawn = {"kind": "demolition", "year": 5, "share": 0.1, "seed": 3}
    some = liao.under({"finance.events": [drawn]}).households.set_index("household_id")
    hit = (some["npv"] < before["npv"] - 0.01).sum()
    assert 0.05 < hit / (before["modules"] > 0).sum() < 0.15
    again = liao.under({"finance.events": [drawn]}).households.set_index("household_id")
    assert again["npv"].equals(some["npv"])


def test_a_plan_without_any_price_is_drawn_all_the_same(liao):
    """Xizang: neither mechanism nor market nor tariff was found; a collective borrows."""
    from pvplanner.mapping import render_map
    from pvplanner.report import render_report

    unknown = {"site.province": "Xizang", "finance.model": "cooperative", "loan.share": 0.5,
               "tariff.commercial_price": None}  # fmt: skip
    plan = liao.under(unknown)
    assert plan.summary()["income_first_year"] is None
    for language in ("zh", "en"):
        assert render_report(plan, language, internal=True)
        assert render_map(plan, language, internal=False)
    told = plan.dossier()
    assert told["account"] is None
    assert told["life_cover"]["llcr"] is None


def test_a_saved_plan_takes_another_model(liao, tmp_path):
    """What was read back holds tables as users know them."""
    liao.save(tmp_path / "plan")
    saved = pvp.Plan.load(tmp_path / "plan")
    for change in (
        {"finance.model": "roof_lease"},
        {"tariff.connection_date": dt.date(2027, 5, 1)},
    ):
        ours, theirs = saved.under(change), liao.under(change)
        assert ours.summary()["income_first_year"] == theirs.summary()["income_first_year"]


# --- random scenarios ---------------------------------------------------------------------------


def drawn(rng):
    """A scenario of any body, mode, loan, event and tax."""
    life = int(rng.integers(8, 31))
    event = {"kind": str(rng.choice(["typhoon", "demolition", "outage"])),
             "year": int(rng.integers(1, life + 1)), "cost_per_w": float(rng.uniform(0, 0.4)),
             "outage_months": float(rng.uniform(0, 12)), "insured": float(rng.uniform(0, 1)),
             "roofs": ["B0"]}  # fmt: skip
    low = float(rng.choice([0.0, 0.2]))
    return pvp.Scenario(
        finance={
            "life_years": life, "body": str(rng.choice(["collective", "cooperative", "company"])),
            "may_borrow": bool(rng.random() < 0.7), "tax_holiday": bool(rng.random() < 0.3),
            "person_vat": str(rng.choice(["by_sale", "by_month"])),
            "rent_taxed": str(rng.choice(["spread", "at_once"])),
            "dividend_tax": float(rng.choice([0.0, 0.2])), "in_town": bool(rng.random() < 0.3),
            "lease_end": str(rng.choice(["removal", "handover", "renewal"])),
            "lease_years": int(rng.integers(5, 21)), "rent": float(rng.uniform(0, 80)),
            "decommission_per_w": float(rng.choice([0.0, 0.2])),
            "residual_share": float(rng.choice([0.0, 0.05])),
            "book_life_years": int(rng.integers(10, 31)),
            "events": [event] if rng.random() < 0.5 else [],
            "grant_per_w": {"natural_person_household": float(rng.choice([0.0, 0.3]))},
        },
        tariff={"connection_date": dt.date(2026, *(int(rng.integers(1, n)) for n in (13, 29))),
                "export_price": float(rng.uniform(0.1, 0.8))},
        loan={"share": float(rng.choice([0.0, 0.6])), "years": int(rng.integers(1, 9)),
              "kind": str(rng.choice(["annuity", "equal_principal"]))},
        cooperative={
            "mode": str(rng.choice(["full_feed_in", "self_use"])),
            "grant": float(rng.choice([0.0, 20_000.0])), "pays_rent": bool(rng.random() < 0.5),
            "low_income_share": low, "equal_share": rng.choice([None, 0.3]),
            "member_loan_share": float(rng.choice([0.0, 0.3])), "member_loan_years": 5,
            "member_loan_rate": 0.03, "provision": bool(rng.random() < 0.7),
            "agent": bool(rng.random() < 0.3), "agent_fee": 0.01,
            "free_kwh_per_month": float(rng.choice([0.0, 20.0])),
        },
        developer={"taxpayer": str(rng.choice(["auto", "small", "general"])),
                   "pays_rent": bool(rng.random() < 0.5)},
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_random_scenarios_balance(seed):
    """Five models each: 300 ledgers."""
    xirr = pytest.importorskip("pyxirr", reason="pyxirr is not installed")
    rng = np.random.default_rng(seed)
    own = drawn(rng)
    kwp = rng.uniform(3, 60, 4)
    people = household(
        count=4, kwp=kwp, energy=kwp * rng.uniform(800, 1100, 4), modules=kwp * 1.8,
        low_income=[True, False, False, False], event_0=[1.0, 0.4, 0.0, 0.0],
    )  # fmt: skip
    one = case(own, people)
    for model in all_models():
        ledger = run_model(one, model)
        assert all({f.payer, f.payee} <= set(PARTIES) and f.payer != f.payee for f in ledger.flows)
        assert all((f.fen >= 0).all() for f in ledger.flows), [
            f.item for f in ledger.flows if (f.fen < 0).any()
        ]
        table = ledger.table(people["household_id"].to_numpy(), model)
        assert table.groupby("year")["yuan"].sum().abs().max() < 1e-4
        net = ledger.of_households()
        assert net.sum(axis=0) == pytest.approx(ledger.of_party("household"), abs=1e-4)
        found = appraise(one, ledger, model)
        days = [own.tariff.connection_date + dt.timedelta(days=round(365 * t))
                for t in one.calendar.times]  # fmt: skip
        for row, flows in enumerate(net):
            theirs = xirr.xnpv(own.finance.discount_rate, days, flows.tolist())
            assert found["npv"].iloc[row] == pytest.approx(theirs, abs=0.02 + 1e-4 * abs(theirs))
            irr = found["irr"].iloc[row]
            if np.isfinite(irr):
                assert xirr.xnpv(irr, days, flows.tolist()) == pytest.approx(
                    0, abs=2e-4 * np.abs(flows).sum()
                )
        if owner_of(model) == "collective":
            held = ledger.balances
            assets = held["cash"] + held["plant"]
            assert assets == pytest.approx(sum(held[n] for n in BALANCE[2:]), abs=0.006)
            given_ = flow(ledger, "dividend")[1:]
            paid = given_ > 0
            # Nothing is given that is not there, that is a loss, or that is set aside.
            assert (held["cash"][paid] >= held["renewal_fund"][paid] - 0.02).all()
            assert (held["undistributed"][paid] >= -0.01).all()
            if held["cash"][-1] >= 0 and held["undistributed"][-1] >= 0:
                kept = held["own"][-1] + held["granted"][-1] + held["reserve"][-1]
                assert assets[-1] >= kept + held["loan"][-1] + held["member_loans"][-1] - 0.02


# --- every rule has its row ---------------------------------------------------------------------

ARTICLE = re.compile(r"art\.|\[20\d\d\]|No\. \d|Announcement|Law|regulation|notice", re.I)
RULED = ("models", "rules", "reserve_rules", "decisions", "papers", "agreements", "tax_bands")


def test_every_rule_names_document_date_and_certainty():
    for name in RULED:
        for row in reference.rows(name):
            assert row["certainty"], (name, row)
            if row["certainty"] in ("given", "assumption"):
                continue
            assert row["year"], (name, row)
            named = ARTICLE.search(row["source"]) or row["certainty"] in ("one", "unverified")
            assert named, (name, row["source"])
    for row in reference.rows("constants"):
        if row["name"].startswith(
            ("vat_", "tax_", "stamp_", "person_", "city_", "house_", "rent_tax")
        ):
            assert row["year"], row
            assert row["certainty"] in ("sure", "likely", "two", "one", "unverified"), row


def test_every_item_of_the_ledger_has_words():
    from pvplanner.words import label

    for row in reference.rows("models"):
        for language in ("en", "zh"):
            if row["item"] not in ("event", "event_insured"):
                assert label(row["item"], language) != row["item"] or row["item"].islower()
    assert {row["payer"] for row in reference.rows("models")} <= {*PARTIES, "owner"}
