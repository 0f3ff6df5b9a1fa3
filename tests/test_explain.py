"""Every figure explains itself: steps that multiply and add up to what is shown."""

import numpy as np
import pytest

import pvplanner as pvp
from pvplanner.explaining import explain_lines

EVENTS = [{"kind": "typhoon", "year": 1, "outage_months": 2.0, "cost_per_w": 0.4, "insured": 0.8,
           "deductible_per_w": 0.1}]  # fmt: skip
"""In the year that is explained."""


def check(plan, household, figure="income_first_year"):
    steps = plan.explain(household, figure)
    shown = plan.households.set_index("household_id").loc[household, figure]
    money = steps[steps["unit"] == "money"]
    assert money["amount"].sum() == pytest.approx(shown, abs=0.006), household
    known = steps["quantity"].notna() & steps["rate"].notna()
    product = (steps["quantity"] * steps["rate"]).abs()
    assert product[known].to_numpy() == pytest.approx(
        steps.loc[known, "amount"].abs().to_numpy(), abs=0.006, rel=1e-9
    )
    assert (money["source"].astype(str) != "").all()
    assert (money["certainty"].astype(str) != "").all()
    return steps


@pytest.mark.parametrize("model", ["self_invest", "self_use", "roof_lease", "cooperative",
                                   "developer"])  # fmt: skip
def test_random_figures_add_up(liao, model):
    more = {"finance.model": model, "loan.share": 0.5, "cooperative.pays_rent": True,
            "cooperative.free_kwh_per_month": 10.0, "finance.events": EVENTS}  # fmt: skip
    plan = liao.under(more)
    people = plan.households[plan.households["model"] == model]
    rng = np.random.default_rng(5)
    for household in rng.choice(people["household_id"].astype(str), 10, replace=False):
        check(plan, household)
        if plan.households.set_index("household_id").loc[household, "capital"] > 0:
            paid = plan.explain(household, "capital")["amount"].sum()
            assert paid == pytest.approx(
                plan.households.set_index("household_id").loc[household, "capital"], abs=0.006
            )


def test_events_are_lines_of_their_own_and_rates_name_their_source(liao):
    plan = liao.under({"finance.events": EVENTS})
    home = str(plan.households.loc[plan.households["capacity_kwp"] > 0, "household_id"].iloc[0])
    steps = plan.explain(home).set_index("step")
    assert steps.loc["typhoon", "amount"] < 0 < steps.loc["typhoon_insured", "amount"]
    watts = steps.loc["modules", "amount"] * 1000
    assert steps.loc["typhoon", "rate"] == pytest.approx(-0.4)
    assert steps.loc["typhoon_insured", "amount"] == pytest.approx(0.8 * 0.3 * watts, abs=0.01)
    assert "0.0386" in steps.loc["running", "source"]
    own = liao.under({"finance.opex_per_w_year": 0.05}).explain(home).set_index("step")
    assert own.loc["running", "source"] == "scenario"
    assert own.loc["running", "certainty"] == "given"
    used = liao.under({"finance.model": "self_use"}).explain(home).set_index("step")
    assert used.loc["bill_saved", "quantity_unit"] == "kWh"
    assert 0.3 < used.loc["bill_saved", "rate"] < 1.0


def test_the_chain_goes_from_modules_to_the_first_years_energy(liao):
    built = liao.households[liao.households["capacity_kwp"] > 0].iloc[0]
    steps = liao.explain(str(built["household_id"])).set_index("step")
    assert steps.loc["modules", "amount"] == pytest.approx(built["capacity_kwp"])
    assert steps.loc["energy_kwh", "amount"] == pytest.approx(built["energy_kwh"])
    assert steps.loc["energy_first_year_kwh", "amount"] == pytest.approx(
        built["energy_first_year_kwh"], rel=1e-6
    )


def test_it_is_printed_in_both_languages_and_refuses_what_it_does_not_know(liao):
    household = str(liao.households["household_id"].iloc[0])
    for language in ("en", "zh"):
        lines = explain_lines(liao, household, "income_first_year", language)
        assert len(lines) >= 3
        empty = liao.households.loc[liao.households["modules"] == 0, "household_id"].iloc[0]
        assert len(explain_lines(liao, str(empty), "capital", language)) == 3
        assert " x " in lines[0]
    with pytest.raises(pvp.InputError, match="nobody"):
        liao.explain("nobody")
    with pytest.raises(pvp.ConfigError, match="npv"):
        liao.explain(household, "npv")
