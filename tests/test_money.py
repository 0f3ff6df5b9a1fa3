"""Prices, rules and cash against hand calculations; carbon against the facts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pvplanner as pvp
from pvplanner import reference
from pvplanner.energy.wear import remaining
from pvplanner.money import (
    Case,
    all_models,
    appraise,
    chosen_models,
    gini,
    internal_rate,
    levelised_cost,
    loan_findings,
    net_present_value,
    payback,
    resolve_terms,
    run_model,
    tradable_kwh,
)
from pvplanner.money.books import BALANCE, collective_balance, shortfalls
from pvplanner.money.ledger import PARTIES
from pvplanner.money.measures import loan_instalments
from pvplanner.money.owners import debt_account
from pvplanner.money.payments import RECKONED, RULES
from pvplanner.money.standing import lawful
from pvplanner.scenario import Contract

MODELS = all_models()


MARKET = (0.34796 + 0.14861 + 0.16594 + 0.26535 + 0.3977 + 0.3944) / 6
"""Zhejiang's settlement prices of January to June 2026, the months found."""

PRICE = 0.9 * 0.3816 + 0.1 * MARKET
"""Its auction of 2025 at its share, the rest at the market."""


def test_new_project_in_zhejiang_by_hand():
    prices = pvp.resolve_prices(pvp.Scenario(), "Zhejiang")
    # A term of 8 to 12 years counts at its lower end.
    assert prices.export[:8] == pytest.approx([PRICE] * 8)
    assert prices.export[8:] == pytest.approx([MARKET] * 17)
    assert prices.self_use == 0.538
    assert prices.sources["mechanism_price_auction"].certainty == "one"
    assert prices.sources["market_price"].certainty == "one"
    own = pvp.Scenario(tariff={"mechanism_years": 12})
    assert pvp.resolve_prices(own, "Zhejiang").export[11] == pytest.approx(PRICE)


def test_bid_is_paid_up_to_the_cap():
    low = pvp.resolve_prices(pvp.Scenario(tariff={"mechanism_bid": 0.35}), "Zhejiang")
    over = pvp.resolve_prices(pvp.Scenario(tariff={"mechanism_bid": 0.50}), "Zhejiang")
    assert low.export[0] == pytest.approx(0.9 * 0.35 + 0.1 * MARKET)
    assert over.export[0] == pytest.approx(0.9 * 0.393 + 0.1 * MARKET)
    assert "mechanism_price_cap" in over.sources
    assert "mechanism_price_bid" in low.sources


def test_a_bid_outside_what_the_auction_admits_is_told():
    """Xinjiang admits 0.15 to 0.262."""
    for bid, paid, kind in ((0.05, 0.15, "floor"), (0.2, 0.2, "bid"), (0.5, 0.262, "cap")):
        own = pvp.Scenario(tariff={"mechanism_bid": bid, "mechanism_years": 10})
        terms = resolve_terms(own, "Xinjiang")
        assert terms.prices.plain_bid == paid
        assert f"mechanism_price_{kind}" in terms.prices.sources
        told = [f for f in terms.findings("Xinjiang") if f.code == "bid_outside"]
        assert len(told) == (kind != "bid")
        if told:
            assert f"{bid:g}" in told[0].text("en")
            assert f"{paid:g}" in told[0].text("en")
    # A province whose limits were not found pays what is bid; nobody bids for a price that is kept.
    own = pvp.Scenario(tariff={"mechanism_bid": 0.05, "mechanism_years": 10})
    free = resolve_terms(own, "Shandong")
    assert free.prices.plain_bid == 0.05
    kept = {"mechanism_bid": 0.05, "connection_date": dt.date(2025, 5, 31)}
    old = resolve_terms(pvp.Scenario(tariff=kept), "Xinjiang")
    assert not [f for f in old.findings("Xinjiang") if f.code == "bid_outside"]


def test_connected_before_the_reform():
    scenario = pvp.Scenario(tariff={"connection_date": dt.date(2025, 5, 31)})
    prices = pvp.resolve_prices(scenario, "Zhejiang")
    assert prices.export[:20] == pytest.approx([0.4153] * 20)
    assert prices.export[20:] == pytest.approx([MARKET] * 5)


def test_unknown_places_have_unknown_prices_unless_given():
    assert np.isnan(pvp.resolve_prices(pvp.Scenario(), None).export).all()
    assert np.isnan(pvp.resolve_prices(pvp.Scenario(), "Xizang").export).all()
    own = pvp.Scenario(tariff={"export_price": 0.08, "self_use_price": 0.2})
    prices = pvp.resolve_prices(own, None)
    assert prices.export == pytest.approx([0.08] * 25)
    assert prices.self_use == 0.2


@pytest.mark.parametrize(("path", "part"), [("low", 0.67), ("middle", 1.0), ("high", 1.33)])
def test_market_paths(path, part):
    scenario = pvp.Scenario(tariff={"market_path": path})
    found = pvp.resolve_prices(scenario, "Zhejiang").export[-1]
    assert found == pytest.approx(part * MARKET)


def test_a_village_hall_may_not_feed_in_fully():
    classes = pd.Series(["natural_person_household", "general_commercial"])
    with pytest.raises(pvp.ConfigError, match=r"2025 No\. 7") as caught:
        chosen_models(classes, scenario=pvp.Scenario(), where="finance.model")
    assert "general_commercial" in str(caught.value)
    assert "7号" in caught.value.text("zh")
    lawful = pvp.Scenario(finance={"model_by_class": {"general_commercial": "self_use"}})
    chosen = chosen_models(classes, scenario=lawful, where="x")
    assert chosen.tolist() == ["self_invest", "self_use"]
    before = pvp.Scenario(tariff={"connection_date": dt.date(2015, 12, 1)})
    assert chosen_models(classes, scenario=before, where="x").tolist() == ["self_invest"] * 2


def household(energy=10_000.0, kwp=10.0, modules=18.0, use=2_000.0, count=1, **more):
    table = pd.DataFrame(
        {"household_id": [f"H{n}" for n in range(count)], "energy_kwh": energy,
         "capacity_kwp": kwp, "modules": modules, "consumption_kwh": use, "low_income": False,
         "own_building": False,
         "project_class": "natural_person_household", "model": "self_invest"}
    )  # fmt: skip
    return table.assign(**more)


def flat_demand(households, self_used=None, first=0.99):
    """Demand and bills in which self-use is a stated share at any scale."""
    from pvplanner.demand import SCALES

    made = households["energy_kwh"].to_numpy(dtype=float) * first
    use = households["consumption_kwh"].to_numpy(dtype=float)
    used = 0.2 * made if self_used is None else self_used
    ids = households["household_id"]
    demand = {"household_id": ids, "load_kwh": use}
    bills = {"household_id": ids, "bill_before": use * 0.538}
    for n, scale in enumerate(SCALES):
        demand |= {f"self_used_kwh_{n}": used * scale, f"battery_loss_kwh_{n}": 0.0 * made}
        bills[f"bill_after_{n}"] = use * 0.538 - used * scale * 0.538
    return pd.DataFrame(demand), pd.DataFrame(bills)


def case(scenario=None, households=None, province="Zhejiang", ratio=None):
    scenario = scenario or pvp.Scenario()
    households = household() if households is None else households
    terms = resolve_terms(scenario, province)
    demand, bills = flat_demand(households, first=remaining(scenario)[0])
    ratio = np.ones(len(households)) if ratio is None else ratio
    return Case(households, demand, bills, terms, ratio)


def net(model, scenario=None, **more):
    return run_model(case(scenario, **more), model).of_households()[0]


def test_full_feed_in_by_hand():
    cash = net("self_invest")
    assert cash[0] == -30_000
    assert cash[1] == pytest.approx(10_000 * 0.99 * PRICE - 400, abs=0.01)
    assert cash[12] == pytest.approx(10_000 * 0.99 * 0.9923**11 * MARKET - 400 - 2_500, abs=0.01)
    assert cash[25] == pytest.approx(10_000 * 0.99 * 0.9923**24 * MARKET - 400, abs=0.01)


def test_self_use_by_hand():
    cash = net("self_use")
    used = 0.2 * 9_900
    assert cash[1] == pytest.approx(used * 0.538 + (9_900 - used) * PRICE - 400, abs=0.011)
    stated = pvp.Scenario(demand={"self_use_share": 0.2})
    assert net("self_use", stated)[1] == pytest.approx(cash[1], abs=0.011)
    little = net("self_use", stated, households=household(use=500.0))
    assert little[1] == pytest.approx(500 * 0.538 + 9_400 * PRICE - 400, abs=0.011)


@pytest.mark.parametrize(
    ("finance", "expected"),
    [
        ({}, 18 * 35.0),
        ({"rent_basis": "m2", "rent": 10}, round(18 * 2.278 * 1.134 * 10, 2)),
        ({"rent_basis": "kwp", "rent": 50}, 500.0),
        ({"rent_basis": "lump", "rent": 800}, 800.0),
    ],
)
def test_roof_lease_by_hand(finance, expected):
    cash = net("roof_lease", pvp.Scenario(finance=finance))
    assert cash[0] == 0
    assert cash[1:21].tolist() == pytest.approx([expected] * 20)
    assert cash[21:].tolist() == [0.0] * 5


def test_rent_grows_once_is_paid_at_the_beginning_and_renewal_is_stated():
    terms = {"rent": 10, "rent_growth": 0.03, "rent_once": 200, "lease_renewed": True}
    cash = net("roof_lease", pvp.Scenario(finance=terms))
    assert cash[0] == 3600
    assert cash[2] == pytest.approx(180 * 1.03)
    assert cash[25] == pytest.approx(round(180 * 1.03**19, 2))


def test_developer_by_hand():
    terms = {"discount": 0.2, "export_share": 0.1, "pays_rent": False}
    cash = net("developer", pvp.Scenario(developer=terms))
    used = 0.2 * 9_900
    assert cash[1] == pytest.approx(used * 0.538 * 0.2 + 0.1 * (9_900 - used) * PRICE, abs=0.02)


def test_of_a_lease_beyond_twenty_years_twenty_hold():
    long = net("roof_lease", pvp.Scenario(finance={"lease_years": 25}))
    assert long.tolist() == net("roof_lease").tolist()
    terms = resolve_terms(pvp.Scenario(finance={"lease_years": 25}), "Zhejiang")
    assert terms.finance.lease_term == 20
    told = lawful(["roof_lease"], terms, Contract(), 0)
    assert [(f.code, f.params["most"]) for f in told] == [("lease_cut", 20)]


def test_light_induced_loss_is_counted_once():
    with pytest.raises(pvp.ConfigError, match="twice"):
        pvp.Scenario(system={"loss_items": {"light_induced": 0.015}})
    both = {"finance": {"degradation_first_year": 0}}
    assert pvp.Scenario(system={"loss_items": {"light_induced": 0.015}}, **both)
    assert remaining(pvp.Scenario())[:2] == pytest.approx([0.99, 0.99 * 0.9923])
    # Jordan et al.: systems lose 0.77 % a year in the median, not a warranty's 0.4 %.
    warranty = remaining(pvp.Scenario(finance={"degradation_per_year": 0.004})).sum()
    assert remaining(pvp.Scenario()).sum() / warranty == pytest.approx(1 - 0.043, abs=0.001)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loan.share": 0.5, "loan.years": 30}, r"loan.years \(30\) is longer than the life"),
        (
            {"cooperative.member_loan_share": 0.5, "cooperative.member_loan_years": 30},
            r"member_loan_years \(30\) is longer than the life",
        ),
        ({"tariff.market_path_prices": [0.3] * 10}, "fewer than the life"),
        ({"loan.rate": 5}, "loan.rate"),
        ({"finance.discount_rate": 5}, "discount_rate"),
        ({"cooperative.equal_share": 0.7, "cooperative.low_income_share": 0.5}, "more than 1"),
    ],
)
def test_impossible_terms_are_refused(changes, said):
    with pytest.raises(pvp.ConfigError, match=said):
        pvp.Scenario().override(changes)


def test_terms_that_do_not_fit_are_findings():
    scenario = pvp.Scenario(loan={"share": 0.7, "years": 15})
    # Beyond the price's term, and beyond the ten years that the rules allow.
    both = ["loan_past_mechanism", "loan_tenor"]
    assert [f.code for f in loan_findings(scenario, 8)] == both
    assert [f.code for f in loan_findings(scenario.override({"loan.years": 10}), 8)] == both[:1]
    leased = scenario.override({"finance.model": "developer", "finance.lease_years": 12})
    assert "loan_past_lease" in [f.code for f in loan_findings(leased, 8)]
    assert loan_findings(pvp.Scenario(), 8) == []
    assert [f.code for f in loan_findings(scenario, 0)] == ["loan_tenor"]


def test_subsidy_ends_and_market_path_and_decline_are_used():
    scenario = pvp.Scenario(
        tariff={"subsidy_per_kwh": 0.45, "subsidy_until": dt.date(2027, 6, 1),
                "market_decline_per_year": 0.02}
    )  # fmt: skip
    prices = pvp.resolve_prices(scenario, "Zhejiang")
    assert prices.subsidy.tolist() == [0.45] + [0.0] * 24
    assert prices.market[24] == pytest.approx(MARKET * 0.98**24)
    path = [0.5 - 0.01 * n for n in range(25)]
    given = pvp.resolve_prices(pvp.Scenario(tariff={"market_path_prices": path}), "Zhejiang")
    assert given.export[24] == pytest.approx(path[24])


def test_events_cost_pause_and_are_insured():
    event = {"kind": "typhoon", "year": 3, "outage_months": 6, "cost_per_w": 1.0, "insured": 0.8,
             "deductible_per_w": 0.25}  # fmt: skip
    calm, hit = net("self_invest"), net("self_invest", pvp.Scenario(finance={"events": [event]}))
    lost = 10_000 * 0.99 * 0.9923**2 * PRICE / 2
    assert calm[3] - hit[3] == pytest.approx(lost + 10_000 - 0.8 * 0.75 * 10_000, abs=0.02)
    assert calm[4] == hit[4]


# --- oracles ------------------------------------------------------------------------------------


def random_flows(count=2000):
    rng = np.random.default_rng(3)
    first = -rng.uniform(1e3, 1e6, (count, 1))
    return np.hstack([first, rng.uniform(-0.02, 0.3, (count, 25)) * -first])


def test_npv_and_irr_equal_numpy_financial_and_pyxirr():
    npf = pytest.importorskip("numpy_financial", reason="numpy-financial is not installed")
    pyxirr = pytest.importorskip("pyxirr", reason="pyxirr is not installed")
    flows = random_flows()
    ours = internal_rate(flows)
    worth = net_present_value(flows, 0.047)
    for row in range(len(flows)):
        assert worth[row] == pytest.approx(npf.npv(0.047, flows[row]), rel=1e-9)
        theirs = pyxirr.irr(flows[row].tolist())
        if theirs is not None and np.isfinite(ours[row]):
            assert ours[row] == pytest.approx(theirs, rel=1e-9, abs=1e-11)
    assert np.isfinite(ours).mean() > 0.95


@pytest.mark.parametrize("kind", ["annuity", "equal_principal"])
def test_loans_equal_closed_forms_and_numpy_financial(kind):
    rng = np.random.default_rng(1)
    for _ in range(200):
        owed, rate, years = rng.uniform(1e3, 1e6), rng.uniform(0, 0.2), int(rng.integers(1, 30))
        interest, paid = owed * loan_instalments(rate, years, kind, 1)
        assert paid.sum() == pytest.approx(owed, rel=1e-9)
        present = ((interest + paid) * (1 + rate) ** -np.arange(1.0, years + 1)).sum()
        assert present == pytest.approx(owed, rel=1e-9)
        if kind == "annuity":
            assert np.ptp(interest + paid) < 1e-6 * owed
        else:
            assert np.ptp(paid) < 1e-9 * owed
            assert interest[0] == pytest.approx(owed * rate)


def test_golden_measures():
    """1,000 paid, 150 a year for 10 years at 5 %: NPV 158.26, IRR 8.1442 %, payback 6.67 years."""
    flows = np.array([[-1000.0] + [150.0] * 10])
    assert net_present_value(flows, 0.05)[0] == pytest.approx(150 * (1 - 1.05**-10) / 0.05 - 1000)
    assert internal_rate(flows)[0] == pytest.approx(0.0814416, abs=1e-6)
    assert payback(flows)[0] == pytest.approx(1000 / 150)
    assert payback(flows, 0.05)[0] == pytest.approx(8.31, abs=0.02)
    cost = levelised_cost(np.array([[1000.0] + [20.0] * 10]), np.full((1, 10), 900.0), 0.05)[0]
    annuity = (1 - 1.05**-10) / 0.05
    assert cost == pytest.approx((1000 + 20 * annuity) / (900 * annuity))
    assert gini(np.array([1.0, 1, 1, 1])) == pytest.approx(0)
    assert gini(np.array([0.0, 0, 0, 1])) == pytest.approx(0.75)


def test_no_capital_never_repaid_and_unknown_have_no_rate():
    flows = np.array([[0.0, 10, 10], [-100, 10, 10], [-5, np.nan, 1]])
    assert np.isnan(payback(flows)).all()
    assert np.isnan(internal_rate(np.array([[0.0, 10.0]]))).all()
    assert np.isnan(levelised_cost(np.ones((1, 3)), np.zeros((1, 2)), 0.05)).all()


@settings(max_examples=100, deadline=None)
@given(st.floats(1, 1e6), st.lists(st.floats(0.01, 1e5), min_size=1, max_size=30))
def test_irr_is_the_rate_of_no_gain(capital, cash):
    flows = np.array([[-capital, *cash]])
    rate = internal_rate(flows)[0]
    if np.isfinite(rate):
        assert net_present_value(flows, rate)[0] == pytest.approx(0, abs=1e-6 * capital)
    else:
        far = [net_present_value(flows, r)[0] for r in (-0.989, 9.9)]
        assert far[0] < 0 or far[1] > 0


# --- the ledger balances ------------------------------------------------------------------------


parameters = st.fixed_dictionaries(
    {
        "finance.capex_per_w": st.floats(0, 12),
        "finance.opex_per_w_year": st.floats(0, 0.2),
        "finance.insurance_per_w_year": st.floats(0, 0.1),
        "finance.cost_growth": st.floats(0, 0.05),
        "finance.tax_rate": st.floats(0, 0.3),
        "finance.rent": st.floats(0, 100),
        "loan.share": st.floats(0, 1),
        "loan.kind": st.sampled_from(["annuity", "equal_principal"]),
        "cooperative.mode": st.sampled_from(["full_feed_in", "self_use"]),
        "cooperative.reserve_rate": st.floats(0, 1),
        "cooperative.equal_share": st.floats(0, 0.6),
        "cooperative.low_income_share": st.floats(0, 0.4),
        "cooperative.grant": st.floats(0, 50_000),
        "cooperative.pays_rent": st.booleans(),
        "cooperative.free_kwh_per_month": st.floats(0, 60),
        "cooperative.free_kwh_paid_by": st.sampled_from(["collective", "state"]),
        "developer.discount": st.floats(0, 1),
        "developer.export_share": st.floats(0, 1),
    }
)


@settings(max_examples=40, deadline=None)
@given(parameters, st.integers(1, 9), st.integers(0, 2**31))
def test_every_ledger_sums_to_zero_in_every_year(changes, count, seed):
    rng = np.random.default_rng(seed)
    people = household(
        rng.uniform(0, 2e4, count), rng.uniform(0, 20, count), rng.integers(0, 30, count) * 1.0,
        rng.uniform(300, 9000, count), count, low_income=rng.random(count) < 0.3,
    )  # fmt: skip
    one = case(pvp.Scenario().override(changes), people)
    for model in MODELS:
        ledger = run_model(one, model)
        assert all(np.array_equal(f.fen, np.rint(f.fen)) for f in ledger.flows)
        total = sum(ledger.of_party(party) for party in PARTIES)
        assert np.abs(total).max() < 1e-4
        table = ledger.table(people["household_id"].to_numpy(), model)
        if len(table):
            assert table.groupby("year")["yuan"].sum().abs().max() < 1e-4
        mine = ledger.of_households()
        received = table[(table["party"] == "household")].groupby("year")["yuan"].sum()
        assert received.reindex(range(26), fill_value=0).to_numpy() == pytest.approx(
            mine.sum(axis=0), abs=1e-4
        )


def test_dividends_are_whole_and_go_where_they_should():
    people = household(count=3, kwp=[10.0, 5.0, 5.0], low_income=[False, False, True])
    terms = {"reserve_rate": 0.3, "equal_share": 0.2, "low_income_share": 0.1, "provision": False}
    plain = {"tax_rate": 0.0, "vat_rate": 0.0, "vat_rate_after": 0.0}
    scenario = pvp.Scenario(cooperative=terms, finance=plain)
    ledger = run_model(case(scenario, people), "cooperative")
    paid = next(f.fen for f in ledger.flows if f.item == "dividend")[:, 1]
    total = paid.sum()
    expected = np.array([0.7 * 0.5 + 0.2 / 3, 0.7 * 0.25 + 0.2 / 3, 0.7 * 0.25 + 0.2 / 3 + 0.1])
    assert paid / total == pytest.approx(expected, abs=1e-4)
    # The write-off of 60,009 over 20 years stays (stamp duty of half 0.03 % with the plant); of the
    # rest the charter's 30 % are kept.
    surplus = 3 * 9_900 * PRICE - 20_000 * 0.04 - 60_009 / 20
    assert total / 100 == pytest.approx(surplus * 0.7, abs=0.02)
    assert ledger.balances["reserve"][0] == pytest.approx(surplus * 0.3, abs=0.02)


UNTAXED = {"tax_rate": 0.0, "vat_rate": 0.0, "vat_rate_after": 0.0}
STAMPED = 30_000 + 4.5
"""The plant of 10 kWp with stamp duty of 0.03 %, halved for small taxpayers."""


def test_a_deficit_is_met_from_the_reserve_and_then_carried_forward():
    bad = {"kind": "typhoon", "year": 2, "outage_months": 12, "cost_per_w": 0.1}
    scenario = pvp.Scenario(finance={"events": [bad], **UNTAXED}, cooperative={"provision": False})
    ledger = run_model(case(scenario), "cooperative")
    dividend = next(f.fen for f in ledger.flows if f.item == "dividend")[0] / 100
    left, written = 9_900 * PRICE - 400, STAMPED / 20
    surplus = left - written
    assert dividend[1] == pytest.approx(0.7 * surplus, abs=0.02)
    assert dividend[2] == 0
    assert ledger.balances["reserve"][1] == 0
    loss = 1_400 + written - 0.3 * surplus
    assert ledger.balances["undistributed"][1] == pytest.approx(-loss, abs=0.03)
    assert ledger.balances["cash"][1] == pytest.approx(left - 0.7 * surplus - 1_400, abs=0.03)
    # The third year's surplus makes good the loss first.
    third = 9_900 * 0.9923**2 * PRICE - 400 - written
    assert ledger.balances["undistributed"][2] == pytest.approx(third - loss, abs=0.05)
    assert dividend[3] == 0


def test_loan_lowers_the_own_capital_and_cover_is_income_over_service():
    scenario = pvp.Scenario(loan={"share": 0.7, "rate": 0.04, "years": 10})
    one = case(scenario)
    ledger = run_model(one, "self_invest")
    cash = ledger.of_households()[0]
    assert cash[0] == -9_000
    month = 21_000 * (0.04 / 12) / (1 - (1 + 0.04 / 12) ** -120)
    annuity = 12 * month
    assert cash[1] == pytest.approx(9_900 * PRICE - 400 - annuity, abs=0.02)
    cover = appraise(one, ledger, "self_invest")["dscr_min"].iloc[0]
    assert cover == pytest.approx((9_900 * 0.9923**9 * MARKET - 400) / annuity, abs=1e-4)


def test_vat_by_calendar_years():
    terms = resolve_terms(pvp.Scenario(), "Zhejiang")
    # The reduced rate ends with 2027; the threshold is the Law's and stays.
    assert terms.taxes.vat[:3].tolist() == [0.01, 0.01, 0.03]
    assert terms.taxes.vat_free.all()
    ended = pvp.Scenario(finance={"vat_free_until": dt.date(2027, 12, 31)})
    assert resolve_terms(ended, "Zhejiang").taxes.vat_free.tolist() == [True] * 2 + [False] * 23
    none = resolve_terms(pvp.Scenario(finance={"vat_rate": 0.0}), "Zhejiang")
    assert not none.taxes.vat.any()
    general = resolve_terms(pvp.Scenario(finance={"vat_rate": 0.13}), "Zhejiang")
    assert set(general.taxes.vat) == {0.13}


@pytest.mark.parametrize(
    ("life", "years"), [(12, [12]), (10, [10, 20]), (8, [8, 16]), (5, [5, 10, 15, 20])]
)
def test_no_inverter_is_bought_for_the_last_years(life, years):
    terms = resolve_terms(pvp.Scenario(finance={"inverter_life_years": life}), "Zhejiang")
    assert (np.flatnonzero(terms.rate("inverter_per_w")) + 1).tolist() == years


def test_certificates_are_for_what_goes_to_the_grid_outside_the_mechanism():
    people = household(count=2).assign(model=["self_use", "self_invest"])
    demand, bills = flat_demand(people, self_used=np.array([3_000.0, 3_000.0]))
    terms = resolve_terms(pvp.Scenario(), "Zhejiang")
    own = Case(people, demand, bills, terms, np.ones(2))
    found = tradable_kwh(people, own)
    sent = own.exported[0] + own.made[1]
    assert terms.mechanism.share == pytest.approx(0.9)
    assert terms.mechanism.years == 8
    assert found[:8] == pytest.approx(0.1 * sent[:8])
    assert found[8:] == pytest.approx(sent[8:])
    plain = resolve_terms(pvp.Scenario(tariff={"export_price": 0.4}), "Zhejiang")
    other = Case(people, demand, bills, plain, np.ones(2))
    assert tradable_kwh(people, other) == pytest.approx(sent)


# --- reference tables ---------------------------------------------------------------------------


def test_packaged_factors_and_climate_are_the_facts(shared):
    facts = pd.read_csv(shared / "facts" / "provinces.csv").set_index("province")
    for province, row in facts.iterrows():
        for year in (2021, 2022, 2023):
            found = reference.grid_factor(province, year)
            stated = row[f"ef_kgco2_per_kwh_{year}"]
            assert (found is None) == np.isnan(stated)
            if found is not None:
                assert found.value == stated
    coal = reference.load("provinces").set_index("province")["coal_benchmark_cny_per_kwh"]
    stated = facts["coal_benchmark_cny_per_kwh"].to_dict()
    assert coal.to_dict() == pytest.approx(stated, nan_ok=True)
    climate = pd.read_csv(shared / "facts" / "climate.csv")
    ours = reference.load("climate")
    assert len(ours) == len(climate)
    assert ours["ghi_kwh_per_m2"].equals(climate["ghi_kwh_per_m2"])


@pytest.mark.parametrize("name", reference.tables())
def test_every_reference_row_has_source_year_and_certainty(name):
    table = reference.load(name)
    assert {"source", "year", "certainty"} <= set(table.columns)
    assert table["source"].notna().all()


@pytest.mark.parametrize(
    ("latitude", "longitude", "province"),
    [
        (29.72, 121.28, "Zhejiang"),
        (31.31, 120.60, "Jiangsu"),
        (31.23, 121.47, "Shanghai"),
        (29.65, 91.1, "Xizang"),
        (39.9, 116.4, "Beijing"),
        (23.1, 113.3, "Guangdong"),
        (43.8, 87.6, "Xinjiang"),
        (30.66, 104.06, "Sichuan"),
    ],
)
def test_province_by_place(latitude, longitude, province):
    place = reference.find_place(latitude, longitude)
    assert (place.country, place.province) == ("CN", province)


@pytest.mark.parametrize(("latitude", "longitude"), [(21.03, 105.85), (37.57, 127.0), (52.0, 4.4)])
def test_places_abroad_are_not_china(latitude, longitude):
    place = reference.find_place(latitude, longitude)
    assert place is None or place.country != "CN"


# --- what payments are reckoned on --------------------------------------------------------------


def quantities(scenario=None, **more):
    """Of two households, the second without modules."""
    homes = household(count=2, low_income=[True, False], own_building=[False, False], **more)
    homes.loc[1, ["energy_kwh", "capacity_kwp", "modules"]] = 0.0
    return case(scenario, households=homes)


def test_energies_of_a_case_add_up_and_follow_the_ratio():
    poor = case(ratio=np.array([0.8]))
    whole = case()
    assert poor.made[0] == pytest.approx(0.8 * whole.made[0])
    assert whole.made[0, 0] == pytest.approx(9_900)
    assert whole.self_used[0, 0] == pytest.approx(1_980)
    assert whole.exported[0, 0] == pytest.approx(9_900 - 1_980)
    lossy = Case(whole.people, whole.demand.assign(**{f"battery_loss_kwh_{n}": 300.0 for n in
                 range(sum(c.startswith("battery_loss") for c in whole.demand))}), whole.bills,
                 whole.terms, whole.ratio)  # fmt: skip
    assert lossy.exported[0, 0] == pytest.approx(9_900 - 1_980 - 300)
    # A battery that shifts what was stored before loses nothing below zero.
    gains = lossy.demand.assign(
        **{c: -300.0 for c in lossy.demand if c.startswith("battery_loss")}
    )  # fmt: skip
    other = Case(whole.people, gains, whole.bills, whole.terms, whole.ratio)
    assert other.exported[0, 0] == pytest.approx(9_900 - 1_980)


def test_a_household_without_modules_has_no_energy_bill_or_rent():
    found = quantities()
    assert found.made[1].tolist() == [0.0] * 25
    assert found.self_used[1].max() == 0
    assert found.exported[1].max() == 0
    assert found.bill_difference[1].tolist() == [0.0] * 25
    assert found.capital.tolist() == [30_000, 0]
    for basis, first in (("module", 18), ("kwp", 10), ("lump", 1)):
        units = quantities(pvp.Scenario(finance={"rent_basis": basis})).rent_units
        assert units.tolist() == [first, 0], basis
    area = quantities(pvp.Scenario(finance={"rent_basis": "m2"}))
    assert area.rent_units.tolist() == pytest.approx([18 * area.terms.product.area_m2, 0])


def test_the_flat_share_stands_in_for_hours():
    flat = case(pvp.Scenario(demand={"self_use_share": 0.1}))
    assert flat.self_used[0, 0] == pytest.approx(990)
    assert flat.exported[0, 0] == pytest.approx(9_900 - 990)
    assert flat.bill_difference[0, 0] == pytest.approx(990 * 0.538)
    greedy = case(pvp.Scenario(demand={"self_use_share": 0.9}))
    assert greedy.self_used[0, 0] == 2_000


def test_who_is_a_member_and_who_is_poor():
    found = quantities()
    # In a ledger everybody is, with modules or without.
    assert found.member.tolist() == [True, True]
    assert found.poor.tolist() == [True, False]
    hall = quantities(consumption_kwh=[2000.0, 500.0])
    hall.people["own_building"] = [False, True]
    assert hall.member.tolist() == [True, False]
    # Without a ledger those with modules are.
    none = quantities()
    none.people["own_building"] = True
    assert none.member.tolist() == [True, False]
    unknown = quantities()
    unknown.people["low_income"] = pd.array([pd.NA, True], dtype="boolean")
    assert unknown.poor.tolist() == [False, True]


def test_free_power_is_of_twelve_months_and_at_most_what_is_used():
    free = quantities(pvp.Scenario(cooperative={"free_kwh_per_month": 10}), use=[2000.0, 50.0])
    assert free.free_kwh.tolist() == [120, 50]
    free = quantities(pvp.Scenario(cooperative={"free_kwh_per_month": 10}))
    free.people["own_building"] = [False, True]
    assert free.free_kwh.tolist() == [120, 0]


def test_the_smallest_system_counts_and_none_does_not():
    tiny = household(count=2, kwp=[0.0005, 0.0])
    found = case(pvp.Scenario(finance={"rent_basis": "lump"}), households=tiny)
    assert found.rent_units.tolist() == [1, 0]
    assert found.bill_difference[0, 0] == pytest.approx(1_980 * 0.538)
    # Whatever a bill after modules would be: without any there is no difference.
    assert found.bill_difference[1].tolist() == [0.0] * 25
    assert found.people["own_building"].eq(False).all()
    found.people["own_building"] = True
    del found.__dict__["bill_difference"]
    assert found.member.tolist() == [True, False]


def test_a_cooperative_borrows_what_the_grant_leaves_and_serves_the_loan_first():
    scenario = pvp.Scenario(
        cooperative={"grant": 10_000.0, "provision": False},
        loan={"share": 0.5, "rate": 0.05, "years": 10},
    )
    ledger = run_model(case(scenario, households=household(count=2)), "cooperative")
    lent = np.atleast_2d(ledger.paid("loan")).sum(axis=0)
    assert lent[0] == pytest.approx(0.5 * (2 * 30_000 - 10_000))
    paid = [np.atleast_2d(ledger.paid(i)).sum(axis=0)[1:] for i in ("interest", "principal")]
    assert paid[1].sum() == pytest.approx(lent[0], abs=0.005)
    available, service = debt_account(ledger, "collective")
    assert service == pytest.approx(paid[0] + paid[1], abs=0.005)
    assert service[0] > 0
    assert not service[10:].any()
    # What is left after the service is kept or given, never more.
    given = np.atleast_2d(ledger.paid("dividend")).sum(axis=0)[1:]
    assert (given <= np.maximum(available - service, 0) + 0.005).all()
    assert available[12] == pytest.approx(
        given[12] + np.diff(ledger.balances["cash"], prepend=0)[12], abs=0.01
    )


def test_nothing_used_is_nothing_and_the_scale_follows_the_ratio():
    idle = household(count=1)
    demand, bills = flat_demand(idle, self_used=np.zeros(1))
    found = Case(idle, demand, bills, resolve_terms(pvp.Scenario(), "Zhejiang"), np.array([0.8]))
    assert found.self_used.max() == 0
    assert found.scale[0, 0] == pytest.approx(0.8)
    assert found.scale[0, 10] < 0.8


def test_cases_and_payments_do_not_change():
    from dataclasses import FrozenInstanceError

    from pvplanner.money.models import payments_of

    with pytest.raises(FrozenInstanceError):
        case().ratio = np.zeros(1)
    with pytest.raises(FrozenInstanceError):
        payments_of("self_use")[0].rate = "1"


VECTORS = json.loads(
    (Path(reference.__file__).parent / "rules.json").read_text(encoding="utf-8")
)  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['rule']}: {v['says']}")
def test_golden_vectors_of_the_rules(vector):
    arguments = [np.asarray(a) if isinstance(a, list) else a for a in vector["arguments"]]
    found = RECKONED[vector["rule"]](*arguments)
    wanted = vector["expected"]
    if isinstance(wanted, dict):
        assert {k: list(v) for k, v in found.items()} == wanted
    else:
        assert np.asarray(found) == pytest.approx(np.asarray(wanted), abs=1e-9)


def test_every_rule_that_reckons_has_vectors():
    assert {v["rule"] for v in VECTORS} == set(RECKONED)
    # A loan is a share, events are a product, a hall is taxed as any business: nothing to reckon.
    assert set(RULES) - set(RECKONED) == {"loan", "events", "surcharge", "hall_tax"}
    # One word only says that a product comes last.
    late = {"dividend_tax"}
    assert {row["rule"] for row in reference.rows("models")} - {""} - late == set(RULES)


# --- what a collective may give -----------------------------------------------------------------


def closes(balances):
    """Assets less liabilities less equity, at the end of each year."""
    from_where = sum(balances[n] for n in BALANCE[2:])
    return balances["cash"] + balances["plant"] - from_where


def test_a_collective_over_its_life_by_hand():
    """10 kWp at 3 yuan/W: 5,000 granted, half the rest borrowed over 5 years at equal principal."""
    scenario = pvp.Scenario(
        cooperative={"grant": 5_000.0, "reserve_rate": 0.4, "provision": False},
        loan={
            "share": 0.5,
            "rate": 0.04,
            "years": 5,
            "kind": "equal_principal",
            "instalments": "yearly",
        },
        finance={"degradation_first_year": 0.0, "degradation_per_year": 0.0, **UNTAXED},
        tariff={"export_price": 0.4},
    )
    ledger = run_model(case(scenario), "cooperative")
    dividend = next(f.fen for f in ledger.flows if f.item == "dividend")[0] / 100
    # Stamp duty, each halved: 0.03 % of the plant, 0.005 % of the loan.
    stamp = 4.5 + 0.31
    sales, running, written = 4_000.0, 400.0, (30_000 + stamp) / 20
    pool = reserve = cash = 0.0
    for year in range(1, 26):
        owed = 12_500 * (1 - (year - 1) / 5) if year <= 5 else 0
        repaid = 2_500.0 if year <= 5 else 0.0
        inverter = 2_500.0 if year == 12 else 0.0
        left = sales - running - inverter - 0.04 * owed - repaid
        surplus = left + repaid - (written if year <= 20 else 0)
        cash, pool = cash + left, pool + surplus
        if pool < 0:
            drawn = min(reserve, -pool)
            reserve, pool = reserve - drawn, pool + drawn
        given = 0.0
        if pool > 0:
            kept = 0.4 * max(min(pool, surplus), 0)
            reserve, pool = reserve + kept, pool - kept
            given = min(pool, max(cash, 0))
            cash, pool = cash - given, pool - given
        assert dividend[year] == pytest.approx(given, abs=0.03), year
        assert ledger.balances["reserve"][year - 1] == pytest.approx(reserve, abs=0.1)
    assert np.abs(closes(ledger.balances)).max() < 0.005
    # The collective ends with what it and the state put in, and its reserve.
    assert ledger.balances["cash"][-1] == pytest.approx(
        12_500
        + stamp
        + 5_000
        + ledger.balances["reserve"][-1]
        + ledger.balances["undistributed"][-1],
        abs=0.01,
    )


@settings(max_examples=60, deadline=None)
@given(
    grant=st.floats(0, 40_000), share=st.floats(0, 1), years=st.integers(1, 20),
    life=st.integers(1, 40), book=st.integers(1, 40), rate=st.floats(0, 1),
    price=st.floats(0.05, 1.2), event=st.integers(1, 25),
)  # fmt: skip
def test_a_balance_closes_and_nothing_is_given_that_is_not_there(
    grant, share, years, life, book, rate, price, event
):
    bad = {"kind": "typhoon", "year": min(event, life), "outage_months": 6, "cost_per_w": 0.5}
    scenario = pvp.Scenario(
        cooperative={"grant": grant, "reserve_rate": rate},
        loan={"share": share, "rate": 0.04, "years": min(years, life)},
        finance={"life_years": life, "book_life_years": book, "events": [bad], "tax_rate": 0.05},
        tariff={"export_price": price},
    )
    ledger = run_model(case(scenario, household(count=2)), "cooperative")
    held = ledger.balances
    assert np.abs(closes(held)).max() < 0.006
    given_ = ledger.paid("dividend").reshape(-1, life + 1).sum(axis=0)[1:]
    paid = given_ > 0
    # In a year with a dividend there is cash left or none lacking, and no loss is open.
    assert (held["cash"][paid] >= -0.01).all()
    assert (held["undistributed"][paid] >= -0.01).all()
    if book <= life and held["cash"][-1] >= 0 and held["undistributed"][-1] >= 0:
        kept = held["own"][-1] + held["granted"][-1] + held["reserve"][-1]
        assert held["cash"][-1] + held["plant"][-1] >= kept + held["loan"][-1] - 0.01


@pytest.mark.parametrize(
    ("stated", "province", "rate", "code"),
    [(None, "Zhejiang", 0.3, None), (0.1, "Zhejiang", 0.3, "reserve_raised"),
     (0.45, "Zhejiang", 0.45, None), (None, "Shanghai", 0.3, None),
     (None, "Gansu", 0.0, "reserve_unknown"), (0.1, "Gansu", 0.1, None),
     (0.3, "Zhejiang", 0.3, None), (None, None, 0.0, "reserve_unknown")],
)  # fmt: skip
def test_the_reserve_is_the_charters_and_at_least_the_provinces(stated, province, rate, code):
    own = {} if stated is None else {"reserve_rate": stated}
    scenario = pvp.Scenario(cooperative=own, finance={"model": "cooperative"})
    terms = resolve_terms(scenario, province)
    assert terms.rate("reserve_rate")[0] == rate
    told = {f.code for f in terms.findings(province)}
    assert told & {"reserve_raised", "reserve_unknown"} == ({code} if code else set())
    found = [f for f in terms.findings(province) if f.code == code]
    assert all(f.params["province"] == (province or "-") for f in found)
    # A charter's own rate is its own, the province's the regulation's.
    own_rate = stated is not None and stated == rate
    assert (terms.reserve.source == "scenario") is own_rate


def test_a_collective_that_cannot_pay_is_named():
    scenario = pvp.Scenario(
        loan={"share": 1.0, "rate": 0.05, "years": 5}, finance={"model": "cooperative"},
        tariff={"export_price": 0.3},
    )  # fmt: skip
    people = household(count=2).assign(model="cooperative")
    one = case(scenario, people)
    held = collective_balance(one.people.assign(model="cooperative"), one)
    (told,) = shortfalls(held, "CNY")
    assert told.doubtful
    assert told.count == int((held["cash"] < 0).sum())
    assert told.params["most"] == f"{-held['cash'].min():,.0f}"
    rich = case(scenario.override({"loan.share": 0.0}), people)
    assert shortfalls(collective_balance(people, rich), "CNY") == []
