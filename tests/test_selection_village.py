"""A plan of chosen households: lists, reasons, papers of the meeting, by word and by command."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner
from villages import ONE, village

import pvplanner as pvp
from pvplanner.cli import app
from pvplanner.errors import ConfigError, InputError
from pvplanner.mapping import render_map
from pvplanner.report import render_report
from pvplanner.schema import CASES
from pvplanner.selecting import choose_into
from pvplanner.selection.meeting import read_meeting
from pvplanner.selection.programme import TINY
from pvplanner.words import label


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("select")
    return pvp.plan_village(village(folder, ONE.format(kva=60, line=100)))


def test_a_plan_of_those_chosen_alone(plan):
    budget = float(plan.households["capacity_kwp"].max() * 3000 * 2.2)
    chosen = pvp.select_households(plan, budget=budget, phases=2)
    told = chosen.selection.set_index("household_id")
    assert set(told.columns) >= {"model", "phase", "reason", "limits"}
    homes = plan.households.set_index("household_id")
    for phase in (1, 2):
        mine = told.index[told["phase"] == phase]
        cost = (homes.loc[mine, "capacity_kwp"] * 1000 * plan.scenario.finance.capex_per_w).sum()
        assert 0 < cost <= budget + TINY
    open_ = plan.result("transformers").set_index("transformer_id").loc["T1", "limit_kw"]
    taken = told.index[told["phase"].notna()]
    assert homes.loc[taken, "capacity_kw_ac"].sum() <= open_ + TINY
    # What is chosen is as it was; the rest is not built.
    ours = chosen.households.set_index("household_id")
    for name in ("energy_kwh", "avoided_t", "capacity_kwp", "income_first_year"):
        # Whole kilowatt-hours are handed out anew; prices go by the months of all that is built.
        far = 1e-2 if name == "income_first_year" else 2e-4
        near = pytest.approx(homes.loc[taken, name].to_numpy(), rel=far)
        assert ours.loc[taken, name].to_numpy() == near
    left = ours.index.difference(taken)
    assert (ours.loc[left, "modules"] == 0).all()
    assert chosen.villages["capacity_kwp"].sum() == pytest.approx(
        homes.loc[taken, "capacity_kwp"].sum()
    )
    grey = chosen.buildings.set_index("building_id").loc[[f"B{h[1:]}" for h in left]]
    assert set(grey["status_reason"]) == {"not_chosen"}
    whole = chosen.result("totals").iloc[0]
    assert whole["fits_kw"] == pytest.approx(plan.result("totals")["fits_kw"].iloc[0])
    assert whole["phase_kw"] < whole["plan_kw"] < whole["fits_kw"]
    # The plan it came from is as it was.
    assert (plan.households["modules"] > 0).all()
    assert plan.selection.empty


def test_the_list_comes_from_the_scenario_too(plan):
    by_key = plan.under({"selection.budget": 50_000.0, "selection.phases": 2}).select()
    by_word = plan.select(budget=50_000.0, phases=2)
    pd.testing.assert_frame_equal(by_key.selection, by_word.selection)
    several = plan.select(budget=[50_000.0, 20_000.0], phases=2)
    facts = several.programme
    told = facts[(facts["kind"] == "phase") & (facts["measure"] == "budget")]["value"]
    assert told.tolist() == [50_000.0, 20_000.0]
    by_year = plan.select(budget=[50_000.0, 20_000.0], phases=[2027, 2029])
    assert by_year.selection["phase"].equals(several.selection["phase"])
    assert "1 (2027)" in render_report(by_year, "en", internal=True)
    assert "2 (2029)" in render_report(by_year, "en", internal=True)
    with pytest.raises(ConfigError, match="years of phases"):
        plan.select(phases=[2029, 2027])
    with pytest.raises(ConfigError, match="budgets"):
        plan.select(budget=[1.0, 2.0, 3.0], phases=2)


def test_what_is_registered_and_lapses_leaves_room_in_a_later_phase(tmp_path):
    """30 kW stand in the way until June 2026: a house waits for the second phase, and no longer."""
    grid = "transformer_id,kva,load_kw,registered_kw,registered_until\nT1,30,2,{},{}\n"
    plan = pvp.plan_village(village(tmp_path, grid.format(20, "2026-06-30")))
    one = float(plan.arrays.groupby("building_id")["capacity_kw_ac"].sum().iloc[0])
    room = plan.result("transformers")["open_kw"].iloc[0]
    assert room < one <= room + 20
    chosen = plan.select(phases=2, weights={"energy": 1}).selection
    assert set(chosen["phase"].dropna()) == {2.0}
    first = chosen[chosen["phase"] == 2]
    assert (first["limits"] == "node:T1").all()
    stays = pvp.plan_village(village(tmp_path, grid.format(20, "2030-06-30")))
    assert stays.select(phases=2, weights={"energy": 1}).selection["phase"].isna().all()


def test_every_row_has_a_reason_and_the_bound_is_stated(plan):
    chosen = plan.select(budget=60_000.0)
    assert (chosen.selection["reason"].str.len() > 0).all()
    facts = chosen.programme.set_index("measure")["value"]
    assert facts["exact"] == 1.0
    assert 0 <= facts["gap"] <= 0.001
    assert facts["objective"] <= facts["bound"] + 1e-9


def test_must_never_and_names_that_nobody_has(plan):
    chosen = plan.select(budget=45_000.0, must=["H7"], never=["B1"]).selection
    phase = chosen.set_index("household_id")["phase"]
    assert phase["H7"] == 1
    assert np.isnan(phase["H1"])
    limits = chosen.set_index("household_id")["limits"]
    assert limits["H1"] == "never"
    for wish, code in ((["H99"], "selection_nobody"), (["H1"], "selection_must_never")):
        with pytest.raises(ConfigError) as caught:
            plan.select(must=wish, never=["H1"])
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"min_share": {"Atlantis": 0.1}}, "selection_hamlet"),
        ({"min_share": {"low_income": 0.1}}, "selection_no_low_income"),
        ({"weights": {"fame": 1.0}}, "name_unknown"),
        ({"weights": {"npv": 0.0}}, "weights_zero"),
        ({"budget": 10.0, "must": ["H1"]}, "selection_infeasible"),
    ],
)
def test_wishes_that_can_not_be_are_refused(plan, wish, code):
    with pytest.raises(ConfigError) as caught:
        plan.select(**wish)
    assert code in (caught.value.code, caught.value.params.get("code", "")) or code in str(
        caught.value.params
    )


@pytest.mark.parametrize("case", [*CASES, "expected", "worst"])
def test_every_price_case_can_be_sought(plan, case):
    chosen = plan.select(budget=60_000.0, price_case=case)
    values = plan.measures[plan.measures["model"] == "self_invest"]
    table = values.pivot(index="household_id", columns="case", values="npv")
    taken = chosen.selection.loc[chosen.selection["phase"].notna(), "household_id"]
    sums = table.loc[taken, list(CASES)].sum()
    want = sums.mean() if case == "expected" else sums.min() if case == "worst" else sums[case]
    got = chosen.programme.set_index("measure")["value"]["objective"]
    assert got == pytest.approx(float(want), abs=1.0)


def test_models_to_choose_from(plan):
    chosen = plan.select(models=["self_invest", "self_use"], weights={"npv": 1})
    table = plan.measures[plan.measures["case"] == "planned"].pivot(
        index="household_id", columns="model", values="npv"
    )
    for row in chosen.selection.itertuples():
        if not np.isnan(row.phase):
            best = table.loc[row.household_id, ["self_invest", "self_use"]].idxmax()
            assert row.model == best
    own = chosen.households.set_index("household_id")["model"]
    assert own.to_dict() == chosen.selection.set_index("household_id")["model"].to_dict()


def test_under_another_price_the_list_stays_and_another_wish_forgets_it(plan):
    chosen = plan.select(budget=60_000.0)
    dearer = chosen.under({"finance.capex_per_w": 4.0})
    pd.testing.assert_frame_equal(dearer.selection, chosen.selection)
    assert dearer.households["modules"].sum() == chosen.households["modules"].sum()
    assert chosen.under({"selection.budget": 1.0}).selection.empty


def test_a_protected_building_is_not_chosen(tmp_path):
    scenario = village(tmp_path, ONE.format(kva=30, line=100))
    import geopandas as gpd

    path = tmp_path / "footprints.gpkg"
    roofs = gpd.read_file(path).assign(protected=["yes", *["no"] * 7])
    roofs.to_file(path, layer="buildings", engine="pyogrio")
    chosen = pvp.plan_village(scenario).select().selection.set_index("household_id")
    assert np.isnan(chosen.loc["H1", "phase"])
    assert chosen.loc["H1", "limits"] in ("protected", "nothing_fits")


def test_a_list_of_ones_own_is_planned_and_odd_ones_are_refused(plan, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("户号,期次\nH2,1\nH3,2\nH5,\n", encoding="gb18030")
    own = plan.under({"selection.file": str(path)})
    phase = own.selection.set_index("household_id")["phase"]
    assert phase["H2"] == 1
    assert phase[["H1", "H5"]].isna().all()
    assert (own.households.set_index("household_id")["modules"] > 0).sum() == 2
    for body, code in (
        ("household_id,phase\nH2,1\nH2,2\n", "grid_id_twice"),
        ("household_id,phase\nH2,0.5\n", "grid_value"),
        ("household_id,model\nH2,charity\n", "grid_name"),
        ("household_id\nX9\n", "selection_strangers"),
        ("name\nH2\n", "ledger_columns"),
    ):
        path.write_text(body)
        with pytest.raises((ConfigError, InputError)) as caught:
            plan.under({"selection.file": str(path)}).result("selection")
        assert caught.value.code == code
    path.write_text("household_id\nH2\nX9\n")
    told = plan.under({"selection.file": str(path)})
    assert "selection_unknown" in [f.code for f in told.findings]


def test_a_chosen_plan_comes_back_from_its_folder(plan, tmp_path):
    chosen = plan.select(budget=60_000.0, phases=2)
    chosen.save(tmp_path / "plan")
    again = pvp.Plan.load(tmp_path / "plan")
    for name in ("selection", "programme", "totals"):
        pd.testing.assert_frame_equal(again.result(name), chosen.result(name), obj=name)
    for language in ("zh", "en"):
        for draw in (render_map, render_report):
            assert draw(again, language, internal=True) == draw(chosen, language, internal=True)
    # The folder's own scenario leads to the same plan.
    rerun = pvp.plan_village(pvp.Scenario.from_toml(tmp_path / "plan" / "scenario.toml"))
    assert rerun.households["modules"].sum() == chosen.households["modules"].sum()


# --- the command, and the meeting ----------------------------------------------------------------


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


def test_the_command_writes_the_list_its_plan_and_the_meetings_papers(tmp_path):
    village(tmp_path, ONE.format(kva=30, line=100),
            "[selection]\nbudget = 60000\nphases = 2\n")  # fmt: skip
    out = tmp_path / "out"
    done = run("select", tmp_path / "scenario.toml", "--out", out, "--only", "tables,report")
    assert done.exit_code == 0, done.output
    chosen = pd.read_csv(out / "selection.csv")
    plan = pvp.Plan.load(out)
    assert plan.selection["phase"].fillna(0).tolist() == chosen["phase"].fillna(0).tolist()
    assert (out / "report.html").is_file()
    posted = pd.read_csv(out / "meeting" / "posting.csv")
    told = ("phase", "hamlet", "household_id", "capacity_kwp")
    assert list(posted.columns) == [label(name, "en") for name in told]
    assert set(posted["Household"]) == set(chosen.loc[chosen["phase"].notna(), "household_id"])
    answers = pd.read_csv(out / "meeting" / "answers.csv")
    assert len(answers) == len(chosen)
    assert answers["Reason"].notna().all()
    assert not (out / "meeting" / "changes.csv").exists()
    batch = pd.read_csv(out / "grid" / "applications.csv")
    assert batch["capacity_kw_ac"].sum() == pytest.approx(plan.arrays["capacity_kw_ac"].sum())
    assert set(batch["transformer_id"]) == {"T1"}
    single = batch["phases"] == 1
    assert batch.loc[single, "grid_phase"].isin(["A", "B", "C"]).all()
    assert batch.loc[~single, "grid_phase"].isna().all()
    nodes = pd.read_csv(out / "grid" / "transformers.csv").set_index("transformer_id")
    assert nodes.loc["T1", "planned_kw"] == pytest.approx(batch["capacity_kw_ac"].sum(), abs=0.01)
    # Again with one locked in: the list before is kept, and who moved is told.
    last = chosen.loc[chosen["phase"].isna(), "household_id"].iloc[0]
    done = run("select", tmp_path / "scenario.toml", "--out", out, "--only", "tables", "--must",
               last)  # fmt: skip
    assert done.exit_code == 0, done.output
    before = pd.read_csv(out / "selection_before.csv")
    pd.testing.assert_frame_equal(before, chosen)
    moved = pd.read_csv(out / "meeting" / "changes.csv").set_index("Household")
    assert np.isnan(moved.loc[last, "Phase before"])
    assert moved.loc[last, "Phase"] >= 1


MEETING = """
[posting]
begun = 2026-03-01
days = 7

[[objection]]
household = "H2"
date = 2026-03-04
text = "=why not me"
answer = "the budget"

[[objection]]
household = "H3"
date = 2026-03-05
text = "my roof is larger"

[[change]]
household = "H8"
wish = "must"
reason = "the doctor's house"
date = 2026-03-10

[resolution]
date = 2026-03-20
members = 30
present = 22
in_favour = 19
against = 3
"""


def test_what_the_meeting_said_is_carried_out_and_held_to_the_law(tmp_path):
    village(tmp_path, ONE.format(kva=30, line=100),
            '[selection]\nbudget = 50000\nmeeting = "meeting.toml"\n')  # fmt: skip
    scenario = pvp.Scenario.from_toml(tmp_path / "scenario.toml")
    bare = scenario.override({"selection.meeting": None})
    first = choose_into(bare, tmp_path / "out").selection.set_index("household_id")["phase"]
    assert np.isnan(first["H8"])
    (tmp_path / "meeting.toml").write_text(MEETING, encoding="utf-8")
    told = choose_into(scenario, tmp_path / "out")
    assert told.selection.set_index("household_id").loc["H8", "phase"] == 1
    row = told.moved.set_index("household_id").loc["H8"]
    assert (row["reason"], row["date"], row["wish"]) == ("the doctor's house", "2026-03-10", "must")
    codes = [f.code for f in told.findings]
    # Zhejiang: 15 days before the vote (art. 20); two thirds of all 30 members are 20.
    assert codes == ["meeting_posting", "meeting_favour", "meeting_unanswered"]
    answers = pd.read_csv(tmp_path / "out" / "meeting" / "answers.csv").set_index("Household")
    assert answers.loc["H2", "Objection"] == "'=why not me"
    assert answers.loc["H2", "Answer"] == "the budget"
    fine = MEETING.replace("days = 7", "days = 15").replace("in_favour = 19", "in_favour = 20")
    fine = fine.replace("against = 3", "against = 2")
    fine = fine.replace('text = "my roof is larger"', 'text = "x"\nanswer = "y"')
    (tmp_path / "meeting.toml").write_text(fine, encoding="utf-8")
    assert choose_into(scenario, tmp_path / "out").findings == ()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("present = 22", "present = 31", "meeting_votes"),
        ("in_favour = 19", "in_favour = 20\nabstained = 3", "scenario_key"),
        ('wish = "must"', 'wish = "maybe"', ""),
        ("days = 7", "days = -1", ""),
        ("[resolution]", "[resolution", "scenario_not_toml"),
    ],
)
def test_a_meeting_that_can_not_be_is_refused(tmp_path, old, new, code):
    path = tmp_path / "meeting.toml"
    path.write_text(MEETING.replace(old, new), encoding="utf-8")
    from pvplanner.selection.meeting import lawful

    with pytest.raises(ConfigError) as caught:
        lawful(read_meeting(path), "Zhejiang", str(path))
    assert "meeting.toml" in caught.value.text("en")
    assert not code or caught.value.code == code


def test_nobody_learns_from_a_public_reason_who_is_poor(tmp_path):
    rows = [f"H{n},B{n},{2000 + 100 * n}" for n in range(1, 9)]
    scenario = village(tmp_path, ONE.format(kva=400, line=900), rows=rows)
    text = (tmp_path / "ledger.csv").read_text().splitlines()
    marked = [f"{text[0]},low_income", *(f"{line},{'yes' if n < 2 else 'no'}"
                                         for n, line in enumerate(text[1:]))]  # fmt: skip
    (tmp_path / "ledger.csv").write_text("\n".join(marked) + "\n")
    plan = pvp.plan_village(scenario)
    chosen = plan.select(min_share={"low_income": 0.5}, weights={"energy": 1})
    assert chosen.selection["limits"].str.contains("share:low_income").any()
    for draw in (render_map, render_report):
        assert "households of low income come first" not in draw(chosen, "en", internal=False)
    office = render_report(chosen, "en", internal=True)
    public = render_report(chosen, "en", internal=False)
    assert "a least share that was set" in public
    assert "a least share that was set" not in office


def test_the_example_chooses_within_all_its_limits(liao):
    plan, chosen = liao, liao.select()
    told = chosen.selection.set_index("household_id")
    homes = plan.households.set_index("household_id")
    cost = homes["capacity_kwp"] * 1000 * plan.scenario.finance.capex_per_w
    for phase in (1, 2, 3):
        assert 0 < cost[told["phase"] == phase].sum() <= 2_000_000 + TINY
    node = chosen.result("transformers").set_index("transformer_id")
    known = node[node["open_kw"].notna()]
    assert (known["planned_kw"] <= known["open_kw"] + TINY).all()
    taken = told["phase"].notna()
    hamlet = homes["hamlet"].where(homes["hamlet"].notna(), "")
    share = hamlet[taken].value_counts() / taken.sum()
    assert (share.reindex([h for h in hamlet.unique() if h]) >= 0.05 - 1e-9).all()
    kinds = {code.partition(":")[0] for codes in told["limits"] for code in codes.split()}
    assert {"chosen", "budget", "node", "nothing_fits"} <= kinds
    assert chosen.result("scoreboard")["dimension"].nunique() == 4
