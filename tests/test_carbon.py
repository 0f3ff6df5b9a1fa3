"""Carbon by method, pathway and convention, by hand; sums, and each claim counted once."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import pvplanner as pvp
from pvplanner import reference
from pvplanner.carbon import (
    avoided_by_year,
    avoided_t,
    carbon_balance,
    carbon_basis,
    credit_value,
    recognise_coal,
    standard_coal_t,
)
from pvplanner.carbon.factors import own_trend

MWH = np.array([1_000_000.0])


def basis(province="Zhejiang", **carbon):
    return carbon_basis(pvp.Scenario(carbon=carbon), province)


@pytest.mark.parametrize(
    ("method", "factor"),
    [("grid_average", 0.4974), ("combined_margin", 0.6908), ("footprint", 0.5777)],
)
def test_methods_by_hand(method, factor):
    found = basis(method=method)
    assert found.factor.value == pytest.approx(factor, abs=5e-5)
    assert avoided_t(MWH, found)[0] == pytest.approx(1000 * found.factor.value, abs=1e-3)
    assert found.method == method
    assert found.factor.source


def test_pathways_by_hand():
    frozen, trend, neutral = (basis(pathway=p).by_year for p in ("frozen", "trend", "neutral_2060"))
    # Connected in 2026, factor of 2023: three years on.
    assert frozen.tolist() == [0.4974] * 25
    assert trend[0] == pytest.approx(0.4974 * 0.958**3)
    assert neutral[0] == pytest.approx(0.4974 * 34 / 37)
    assert (np.diff(trend) < 0).all()
    # Each place's own grid: Anhui's factor fell from 0.7076 to 0.6553 in two years.
    own = round((reference.grid_factor("Anhui", 2023).value
                 / reference.grid_factor("Anhui", 2021).value) ** 0.5 - 1, 3)  # fmt: skip
    assert own < 0
    assert basis("Anhui", pathway="trend").by_year[0] == pytest.approx(0.6553 * (1 + own) ** 3)
    # Where it rose in those years it is held level.
    risen = [p for p in reference.provinces() if own_trend(p) == 0.0]
    assert all(basis(p, pathway="trend").by_year[-1] == basis(p, pathway="trend").by_year[0]
               for p in risen)  # fmt: skip
    # Margins are set beforehand: the averages' trend is not theirs.
    margin = basis(method="combined_margin", pathway="trend")
    assert np.ptp(margin.by_year) == 0
    assert "about 2019" in margin.factor.source


def test_neutral_does_not_go_below_zero():
    scenario = pvp.Scenario(
        carbon={"pathway": "neutral_2060"},
        tariff={"connection_date": dt.date(2045, 1, 1)},
    )
    path = carbon_basis(scenario, "Zhejiang").by_year
    assert path[15:].tolist() == [0.0] * 10
    assert (path >= 0).all()


def test_frozen_equals_energy_times_factor_and_curtailed_energy_spares_nothing():
    wearless = {"degradation_first_year": 0.0, "degradation_per_year": 0.0}
    scenario = pvp.Scenario(carbon={"pathway": "frozen"}, finance=wearless)
    found = carbon_basis(scenario, "Zhejiang")
    assert avoided_by_year(MWH, found, scenario=scenario)[0] == pytest.approx(np.full(25, 497.4))
    cut = scenario.override({"grid.curtailment": 0.1})
    assert avoided_by_year(MWH, found, scenario=cut)[0] == pytest.approx(np.full(25, 447.66))
    assert avoided_t(MWH, found, curtailment=1.0)[0] == 0


def test_balance_by_hand():
    wearless = {"degradation_first_year": 0.0, "degradation_per_year": 0.0}
    scenario = pvp.Scenario(carbon={"pathway": "frozen"}, finance=wearless)
    found = carbon_basis(scenario, "Zhejiang")
    out = carbon_balance(np.array([1000.0]), np.array([1.0]), found, scenario=scenario)
    assert out["embodied"][0] == 0.994
    # Connected on 1 January 2026: five whole years to the end of 2030.
    assert out["avoided_2030"][0] == pytest.approx(5 * 0.4974, abs=1e-3)
    june = scenario.override({"tariff.connection_date": dt.date(2026, 6, 1)})
    late = carbon_balance(
        np.array([1000.0]), np.array([1.0]), carbon_basis(june, "Zhejiang"), scenario=june
    )
    assert late["avoided_2030"][0] == pytest.approx((4 + 214 / 365) * 0.4974, abs=1e-3)
    assert late["avoided_life"][0] == pytest.approx(25 * 0.4974, abs=1e-3)
    assert late["payback_years"][0] == pytest.approx(0.994 / 0.4974)
    assert out["net_life"][0] == pytest.approx(25 * 0.4974 - 0.994, abs=1e-3)
    assert out["avoided_2060"][0] == out["avoided_life"][0]
    assert out["payback_years"][0] == pytest.approx(0.994 / 0.4974)


def test_parts_sum_to_the_village_to_a_kilogram(liao):
    years, homes = liao.carbon_years, liao.households
    life = years["avoided_t"].sum() - homes["embodied_t"].sum()
    assert homes["net_life_t"].sum() == pytest.approx(life, abs=1e-3 * len(homes))
    assert liao.households["avoided_t"].sum() == pytest.approx(
        liao.summary()["avoided_t"], abs=1e-3
    )
    built = liao.households["energy_kwh"] > 0
    assert (
        liao.households.loc[built, "avoided_p90_t"] < liao.households.loc[built, "avoided_t"]
    ).all()


# --- coal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convention", "tonnes"),
    [
        ("302.4_gce_per_kwh", 302.4),
        ("400_gce_per_kwh", 400.0),
        ("122.9_gce_per_kwh", 122.9),
        ("2.77_kgco2_per_kgce", 497.4 / 2.77),
        ("2.66_kgco2_per_kgce", 497.4 / 2.66),
        ("2.46_kgco2_per_kgce", 497.4 / 2.46),
    ],
)
def test_conventions_by_hand(convention, tonnes):
    assert standard_coal_t(MWH, basis(coal_convention=convention))[0] == pytest.approx(tonnes)


def test_press_figures_are_recognised():
    assert recognise_coal(200, energy_kwh=500_000) == {
        "implied": 0.4,
        "unit": "kgce/kWh",
        "convention": "400_gce_per_kwh",
    }
    none = recognise_coal(5_000, co2_t=11_000)
    assert none["implied"] == 2.2
    assert none["convention"] is None
    assert recognise_coal(1_000, co2_t=2_770)["convention"] == "2.77_kgco2_per_kgce"
    assert recognise_coal(122.9, energy_kwh=1e6)["convention"] == "122.9_gce_per_kwh"
    with pytest.raises(pvp.ConfigError, match="CO2 or the energy"):
        recognise_coal(1)


# --- claims ---------------------------------------------------------------------------------------


def claim(**carbon):
    scenario = pvp.Scenario(carbon={"pathway": "frozen", **carbon})
    found = carbon_basis(scenario, "Zhejiang")
    return credit_value(np.full(25, 1e6), found, scenario=scenario)


def test_each_claim_is_counted_once():
    sold = claim(claim="green_certificate", claim_price=6, claim_share=0.5)
    assert (sold["mwh_claimed"], sold["t_claimed"], sold["value"]) == (500.0, 0.0, 3000.0)
    credited = claim(claim="local_inclusive", claim_price=50, claim_price_growth=0.1)
    assert credited["t_claimed"] == pytest.approx(497.4)
    assert credited["value"] == pytest.approx(497.4 * 50)
    assert credited["value_by_year"][2] == pytest.approx(497.4 * 50 * 1.21, abs=0.01)
    nothing = claim(claim="ccer")
    assert nothing["eligible"] == "no"
    assert nothing["value"] == nothing["mwh_claimed"] == 0
    assert claim()["value"] == 0


# --- bad input ------------------------------------------------------------------------------------


def path_file(folder, years, factors):
    path = folder / "path.csv"
    pd.DataFrame({"year": years, "factor_kg_per_kwh": factors}).to_csv(path, index=False)
    return carbon_basis(pvp.Scenario(carbon={"pathway_file": str(path)}), "Zhejiang")


def test_a_pathway_of_ones_own(tmp_path):
    found = path_file(tmp_path, range(2020, 2070), np.linspace(0.5, 0.1, 50))
    assert found.by_year[0] == pytest.approx(0.5 - 0.4 * 6 / 49)
    assert found.pathway == "file"


@pytest.mark.parametrize(
    ("years", "factors", "said"),
    [
        ([2025, 2026, 2028], [0.5, 0.4, 0.3], "row 4.*one by one"),
        ([2026, 2025], [0.5, 0.4], "one by one"),
        (range(2020, 2070), [497.4] * 50, "grams"),
        (range(2026, 2030), [0.5] * 4, "2026-2050"),
    ],
)
def test_bad_pathways_are_refused(tmp_path, years, factors, said):
    with pytest.raises(pvp.InputError, match=said):
        path_file(tmp_path, years, factors)


def test_factors_in_grams_and_unknown_provinces_are_refused():
    with pytest.raises(pvp.ConfigError, match="factor_kg_per_kwh"):
        pvp.Scenario(carbon={"factor_kg_per_kwh": 497.4})
    with pytest.raises(pvp.ConfigError, match="unknown province"):
        pvp.Scenario(site={"province": "Atlantis"})


def test_xizang_has_no_factor_and_says_so(shared):
    assert basis("Xizang").factor is None
    assert np.isnan(avoided_t(MWH, basis("Xizang"))).all()
    facts = pd.read_csv(shared / "facts" / "grid_regions.csv").set_index("region")
    for region, row in facts.iterrows():
        for name in ("operating_margin", "build_margin"):
            found = reference.grid_factor(region, 2019, name)
            assert (found is None) == np.isnan(row[name])
            if found is not None:
                assert found.value == row[name]
        for year in (2021, 2022, 2023):
            stated = row[f"ef_kgco2_per_kwh_{year}"]
            assert reference.grid_factor(region, year).value == stated
    assert reference.grid_factor("China", 2023, "footprint").value == 0.6205
    assert reference.grid_factor("China", 2023, "fossil_only").value == 0.8273


def test_the_village_by_year_leaves_out_what_is_curtailed():
    from pvplanner.carbon import yearly_carbon

    scenario = pvp.Scenario(
        carbon={"claim": "green_certificate", "claim_price": 5.0, "claim_share": 1.0}
    )
    basis = carbon_basis(scenario, "Zhejiang")
    energy = np.array([1_000_000.0, 500_000.0])
    whole = yearly_carbon(energy, basis, scenario=scenario)
    cut = yearly_carbon(energy, basis, scenario=scenario.override({"grid.curtailment": 0.2}))
    assert cut["avoided_t"].to_numpy() == pytest.approx(0.8 * whole["avoided_t"], abs=0.002)
    # Certificates are whole: one more or less.
    assert cut["claim_value"].to_numpy() == pytest.approx(0.8 * whole["claim_value"], abs=10)
    # 1,500 MWh less the first year's wear, at 5 yuan.
    assert whole["claim_value"].iloc[0] == pytest.approx(1500 * 0.99 * 5, abs=0.01)
    none = yearly_carbon(energy, basis, scenario=pvp.Scenario())
    assert none["claim_value"].tolist() == [0.0] * 25


def test_certificates_are_whole_and_the_rest_is_carried_on():
    from pvplanner.carbon import yearly_carbon

    scenario = pvp.Scenario(carbon={"claim": "green_certificate", "claim_price": 5.0},
                            finance={"life_years": 4})  # fmt: skip
    basis = carbon_basis(scenario, "Zhejiang")
    energy = np.array([5_000.0, 3_000.0])
    tradable = np.array([1_600.0, 1_600.0, 400.0, 3_500.0])
    found = yearly_carbon(energy, basis, scenario=scenario, tradable_kwh=tradable)
    # 1.6, 3.2, 3.6, 7.1 MWh so far: 1, 2, 0 and 4 certificates.
    assert found["claim_value"].tolist() == [5.0, 10.0, 0.0, 20.0]
