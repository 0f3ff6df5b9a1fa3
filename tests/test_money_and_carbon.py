"""Prices, rules and cash against hand calculations; carbon against the facts."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pvplanner as pvp
from pvplanner import reference
from pvplanner.carbon import avoided_t, carbon_basis, standard_coal_t
from pvplanner.income import (
    appraise,
    chosen_models,
    internal_rate,
    remaining,
    simple_payback,
    yearly_cash,
)


def test_new_project_in_zhejiang_by_hand():
    prices = pvp.resolve_prices(pvp.Scenario(), "Zhejiang")
    assert prices.export[:10] == pytest.approx([0.8 * 0.393 + 0.2 * 0.30] * 10)
    assert prices.export[10:] == pytest.approx([0.30] * 15)
    assert prices.self_use == 0.538
    assert prices.sources["mechanism_price_cap"].certainty == "one"
    assert prices.sources["market_price_middle"].certainty == "assumption"


def test_bid_is_paid_up_to_the_cap():
    low = pvp.resolve_prices(pvp.Scenario(tariff={"mechanism_bid": 0.35}), "Zhejiang")
    over = pvp.resolve_prices(pvp.Scenario(tariff={"mechanism_bid": 0.50}), "Zhejiang")
    assert low.export[0] == pytest.approx(0.8 * 0.35 + 0.2 * 0.30)
    assert over.export[0] == pytest.approx(0.8 * 0.393 + 0.2 * 0.30)


def test_connected_before_the_reform():
    scenario = pvp.Scenario(tariff={"connection_date": dt.date(2025, 5, 31)})
    assert pvp.resolve_prices(scenario, "Zhejiang").export == pytest.approx([0.4153] * 25)


def test_unknown_places_have_unknown_prices_unless_given():
    assert np.isnan(pvp.resolve_prices(pvp.Scenario(), None).export).all()
    assert np.isnan(pvp.resolve_prices(pvp.Scenario(), "Jiangsu").export).all()
    own = pvp.Scenario(tariff={"export_price": 0.08, "self_use_price": 0.2})
    prices = pvp.resolve_prices(own, None)
    assert prices.export == pytest.approx([0.08] * 25)
    assert prices.self_use == 0.2


@pytest.mark.parametrize("path", ["low", "middle", "high"])
def test_market_paths(path):
    scenario = pvp.Scenario(tariff={"market_path": path})
    expected = {"low": 0.20, "middle": 0.30, "high": 0.40}[path]
    assert pvp.resolve_prices(scenario, "Zhejiang").export[-1] == expected


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


def one(model, scenario=None, energy=10_000.0, use=2_000.0):
    scenario = scenario or pvp.Scenario()
    return yearly_cash(
        model,
        energy_kwh=np.array([energy]),
        capacity_kwp=np.array([10.0]),
        modules=np.array([18.0]),
        consumption_kwh=np.array([use]),
        prices=pvp.resolve_prices(scenario, "Zhejiang"),
        scenario=scenario,
    )


def test_full_feed_in_by_hand():
    capital, cash = one("self_invest")
    assert capital[0] == 30_000
    assert cash[0, 0] == pytest.approx(10_000 * 0.99 * 0.3744 - 400)
    assert cash[0, 24] == pytest.approx(10_000 * 0.99 * 0.996**24 * 0.30 - 400)


def test_self_use_by_hand_and_at_most_the_consumption():
    _, cash = one("self_use")
    used = 0.2 * 9_900
    assert cash[0, 0] == pytest.approx(used * 0.538 + (9_900 - used) * 0.3744 - 400)
    _, little = one("self_use", use=500.0)
    assert little[0, 0] == pytest.approx(500 * 0.538 + 9_400 * 0.3744 - 400)
    _, unknown = one("self_use", use=np.nan)
    assert unknown[0, 0] == cash[0, 0]


def test_roof_lease_by_hand():
    capital, cash = one("roof_lease")
    assert capital[0] == 0
    assert cash[0].tolist() == [18 * 35.0] * 20 + [0.0] * 5


def test_leases_beyond_twenty_years_are_refused():
    with pytest.raises(pvp.ConfigError, match="void"):
        pvp.Scenario(finance={"lease_years": 25})


def test_light_induced_loss_is_counted_once():
    with pytest.raises(pvp.ConfigError, match="twice"):
        pvp.Scenario(system={"loss_items": {"light_induced": 0.015}})
    both = {"finance": {"degradation_first_year": 0}}
    assert pvp.Scenario(system={"loss_items": {"light_induced": 0.015}}, **both)
    assert remaining(pvp.Scenario())[:2] == pytest.approx([0.99, 0.99 * 0.996])


def test_appraisal_golden_case():
    """1,000 paid, 150 a year for 10 years at 5 %: NPV 158.26, IRR 8.1442 %, payback 6.67 years."""
    out = appraise(np.array([1000.0]), np.full((1, 10), 150.0), 0.05).iloc[0]
    assert out["npv"] == pytest.approx(150 * (1 - 1.05**-10) / 0.05 - 1000, abs=0.005)
    assert out["irr"] == pytest.approx(0.0814416, abs=1e-6)
    assert out["payback_years"] == pytest.approx(1000 / 150)


@settings(max_examples=150, deadline=None)
@given(st.floats(1, 1e6), st.lists(st.floats(0.01, 1e5), min_size=1, max_size=30))
def test_irr_is_the_rate_of_no_gain(capital, cash):
    flows = np.array([cash])
    rate = internal_rate(np.array([capital]), flows)[0]
    if np.isfinite(rate):
        years = np.arange(1, len(cash) + 1)
        present = (flows[0] / (1 + rate) ** years).sum()
        assert present == pytest.approx(capital, rel=1e-6)
    else:
        assert sum(cash) / 0.01 ** len(cash) < capital or sum(cash) > 11 * capital or min(cash) > 0


def test_no_capital_and_never_repaid_have_no_payback():
    flows = np.array([[10.0, 10.0], [10.0, 10.0], [np.nan, 1.0]])
    paid = simple_payback(np.array([0.0, 100.0, 5.0]), flows)
    assert np.isnan(paid).all()
    assert np.isnan(internal_rate(np.array([0.0]), flows[:1])).all()


# --- carbon -------------------------------------------------------------------------------------


def test_zhejiang_factor_with_its_year_and_coal_by_convention():
    basis = carbon_basis(pvp.Scenario(), "Zhejiang")
    assert basis.factor.value == 0.4974
    assert basis.factor.year == "2023"
    assert "Notice 2025 No. 47" in basis.factor.source
    assert avoided_t(np.array([1_000_000.0]), basis)[0] == pytest.approx(497.4)
    assert standard_coal_t(np.array([500_000.0]), basis)[0] == pytest.approx(151.2)
    press = pvp.Scenario(carbon={"coal_convention": "400_gce_per_kwh"})
    # The press' 200 tce for Li'ao's 500 MWh.
    assert standard_coal_t(np.array([500_000.0]), carbon_basis(press, "Zhejiang"))[0] == 200
    ipcc = pvp.Scenario(carbon={"coal_convention": "2.77_kgco2_per_kgce"})
    tonnes = standard_coal_t(np.array([1_000_000.0]), carbon_basis(ipcc, "Zhejiang"))[0]
    assert tonnes == pytest.approx(497.4 / 2.77)


@pytest.mark.parametrize("place", [None, "Xizang"])
def test_no_factor_is_nan_not_zero(place):
    basis = carbon_basis(pvp.Scenario(), place)
    assert np.isnan(avoided_t(np.array([1000.0]), basis)).all()
    own = carbon_basis(pvp.Scenario(carbon={"factor_kg_per_kwh": 0.5}), place)
    assert avoided_t(np.array([1000.0]), own)[0] == 0.5


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
