"""The dossier: valid, equal to the plan, and its stresses equal to a plan run under them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from calling import run
from villages import hamlet, write_village

import pvplanner as pvp
from pvplanner.dossier import dossier_schema
from pvplanner.money.stress import stress_overrides

LOAN = '[loan]\nshare = 0.8\nrate = 0.045\nyears = 10\npledge = "modules"\nguarantor = "village"\n'


@pytest.fixture(scope="module")
def borrower(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loan")
    return pvp.Scenario.from_toml(write_village(folder, hamlet(5), LOAN))


def in_poor_years(plan):
    """The chosen model's measures with the energy of nine years of ten, by household."""
    chosen = plan.households[["household_id", "model"]]
    poor = plan.measures[plan.measures["case"] == "poor_years"]
    return chosen.merge(poor, on=["household_id", "model"]).set_index("household_id")


@pytest.fixture(scope="module")
def plan(borrower):
    return pvp.plan_village(borrower)


def by_debt(covers, owed):
    """Median weighted by what is owed."""
    rows = sorted(zip(covers, owed, strict=True))
    half, total = sum(owed) / 2, 0.0
    for cover, debt in rows:
        total += debt
        if total >= half - 1e-6:
            return cover
    return None


def test_dossiers_are_valid_under_the_schema(plan, liao):
    validator = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = dossier_schema()
    validator.Draft202012Validator.check_schema(schema)
    for found in (plan.dossier(), plan.dossier("B1"), liao.dossier(), liao.dossier("H001")):
        validator.validate(json.loads(json.dumps(found, allow_nan=False)), schema)


def test_numbers_are_the_plans(plan):
    found, row = plan.dossier("B1"), plan.households.set_index("household_id").loc["B1"]
    assert found["built"]["energy_kwh"] == row["energy_kwh"]
    assert found["carbon"]["avoided_t"] == row["avoided_t"]
    assert found["carbon"]["avoided_p90_t"] == row["avoided_p90_t"]
    assert found["carbon"]["net_life_t"] == pytest.approx(row["net_life_t"], abs=1e-3)
    assert found["finance"]["income_first_year"] == row["income_first_year"]
    assert found["cover"]["p50"] == pytest.approx(row["dscr_min"], abs=1e-4)
    unsure = in_poor_years(plan).loc["B1", "dscr_min"]
    assert found["cover"]["p90_one_year"] == pytest.approx(unsure, abs=1e-4)
    assert (
        found["cover"]["p90_one_year"] <= found["cover"]["p90_loan_life"] <= found["cover"]["p50"]
    )
    flows = plan.cash_flows()
    mine = flows[(flows["household_id"] == "B1") & (flows["party"] == "household")]
    yearly = mine.groupby("year")["yuan"].sum().reindex(range(26), fill_value=0)
    assert found["finance"]["cash_by_year"] == pytest.approx(yearly.to_list(), abs=0.006)


@pytest.mark.parametrize(
    "name", ["price_minus_20", "curtailment_10", "outage_six_months", "inverter_failure"]
)
def test_stresses_equal_a_rerun_of_the_plan(plan, borrower, name):
    stressed = pvp.plan_village(borrower.override(stress_overrides(plan.terms)[name]))
    stated = next(s for s in plan.dossier()["stresses"] if s["name"] == name)
    built = stressed.households["modules"] > 0
    covers = stressed.households.loc[built, "dscr_min"]
    owed = stressed.households.loc[built, "capital"]
    assert stated["p50"] == pytest.approx(by_debt(covers, owed), abs=1e-4)
    assert (stated["debt_below_one_p50"] > 0) == bool((covers < 1).any())
    ids = stressed.households.loc[built, "household_id"]
    unsure = in_poor_years(stressed)["dscr_min"].loc[ids]
    assert stated["p90_one_year"] == pytest.approx(by_debt(unsure, owed), abs=1e-4)
    assert stated["p50"] < plan.dossier()["cover"]["p50"]


def test_a_reader_can_say_what_would_make_the_borrower_unable_to_pay(plan, tmp_path):
    found = plan.dossier()
    assert "outage_six_months" in found["fails_under"]
    text = pvp.save_report(plan, tmp_path / "r.html", language="en").read_text("utf-8")
    assert "Six months without power in year 1" in text
    assert "Share of the debt" in text
    assert "not a score" in text
    assert found["security"]["guarantor"] == "village"
    assert "score" in found["note"]


def test_without_a_loan_there_is_no_cover(liao):
    found = liao.dossier("H001")
    assert found["cover"] == {"p50": None, "p90_one_year": None, "p90_loan_life": None}
    assert found["fails_under"] == []
    assert liao.stresses.empty


def test_the_collective_borrows_as_one(borrower):
    shared = pvp.plan_village(borrower.override({"finance.model": "cooperative"}))
    found = shared.dossier()
    assert found["subject"]["kind"] == "collective"
    assert found["finance"]["loan"] == pytest.approx(0.8 * found["finance"]["capital"], abs=0.01)
    assert found["cover"]["p50"] == pytest.approx(shared.collective["dscr_min"].iloc[0], abs=1e-3)


def test_the_command_writes_it(plan, tmp_path):
    plan.save(tmp_path / "plan")
    words = ["dossier", tmp_path / "plan"]
    out = tmp_path / "d.json"
    done = run(*words, "--household", "B2", "-o", out)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text("utf-8"))["subject"]["id"] == "B2"
    lost = run(*words, "--household", "nobody")
    assert lost.returncode == 2
    assert "nobody" in lost.stderr


def test_dossier_of_a_mixed_village_is_the_plans(liao):
    found = liao.dossier()
    assert found["subject"]["households"] == 344
    assert found["finance"]["cash_by_year"][1] == pytest.approx(
        found["finance"]["income_first_year"], abs=0.05
    )
    assert found["finance"]["income_first_year"] == liao.summary()["income_first_year"]


def test_a_member_of_a_cooperative_borrows_nothing(borrower):
    shared = pvp.plan_village(borrower.override({"finance.model": "cooperative"}))
    member = shared.dossier("B1")
    assert member["borrows"] is False
    assert member["finance"]["loan"] == member["finance"]["capital"] == 0
    assert member["cover"]["p50"] is None
    row = shared.households.set_index("household_id").loc["B1"]
    assert member["finance"]["cash_by_year"][1] == pytest.approx(row["income_first_year"], abs=0.01)
    assert np.isnan(row["dscr_min"])
