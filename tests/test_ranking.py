"""Choosing villages: the best set, how sure it is, why and why not."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from calling import run
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import pvplanner as pvp
from pvplanner.errors import ConfigError, InputError
from pvplanner.region import ranking, sets
from pvplanner.region.config import Rank
from pvplanner.region.criteria import Criteria, read_musts, read_own, take_criteria
from pvplanner.region.page import rank_page


def criteria(values, shared=None, own=None, table=None) -> Criteria:
    values = np.asarray(values, dtype=float)
    count, many = values.shape
    keys = tuple(f"V{n}" for n in range(count))
    shared = np.zeros((count, many, 1)) if shared is None else np.asarray(shared, dtype=float)
    own = np.zeros((count, many)) if own is None else np.asarray(own, dtype=float)
    told = pd.DataFrame({"division_code": "", "village": keys, "investment": 1.0}, index=list(keys))
    if table is not None:
        told = told.assign(**table)
    names = tuple(f"c{k}" for k in range(many))
    return Criteria(keys, names, values, shared, own, ("weather",), told)


def chosen(told: Criteria, rank: Rank) -> np.ndarray:
    question = sets.ask(told, rank)
    scores = sets.scores_of(told, question, rank, told.values)
    return sets.best_sets(question, scores[None])[0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), budget=st.booleans())
def test_twelve_villages_by_brute_force(seed, budget):
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 10, (12, 3))
    cost = rng.uniform(1, 5, 12)
    told = criteria(values, table={"investment": cost})
    most = 14.0 if budget else None
    rank = Rank(choose=5, weights={"c0": 2.0, "c1": 1.0, "c2": -1.5}, budget=most)
    span = values.max(axis=0) - values.min(axis=0)
    part = (values - values.min(axis=0)) / span
    part[:, 2] = 1 - part[:, 2]
    score = part @ np.array([2.0, 1.0, 1.5]) / 4.5
    sizes = range(6) if budget else (5,)
    best = max(
        (
            sum(score[list(some)])
            for size in sizes
            for some in itertools.combinations(range(12), size)
            if most is None or cost[list(some)].sum() <= most
        ),
    )  # fmt: skip
    picks = chosen(told, rank)
    assert score[picks].sum() == pytest.approx(best)
    assert most is None or cost[picks].sum() <= most
    question = sets.ask(told, rank)
    import dataclasses

    by_solver = sets.solve_by_milp(dataclasses.replace(question, sets=None), score)
    assert score[by_solver].sum() == pytest.approx(best)


def test_many_villages_go_to_the_solver_and_agree_with_the_best(monkeypatch):
    rng = np.random.default_rng(3)
    told = criteria(rng.uniform(0, 1, (60, 2)), table={"investment": rng.uniform(1, 3, 60)})
    free = Rank(choose=20, weights={"c0": 1.0, "c1": 1.0})
    question = sets.ask(told, free)
    assert question.sets is None
    score = sets.scores_of(told, question, free, told.values)
    picks = sets.best_sets(question, score[None])[0]
    assert set(np.flatnonzero(picks)) == set(np.argsort(-score)[:20])
    bound = Rank(choose=20, weights={"c0": 1.0, "c1": 1.0}, budget=25.0)
    tight = chosen(told, bound)
    assert told.table["investment"].to_numpy()[tight].sum() <= 25


@pytest.mark.parametrize(
    ("gap", "own", "shared"), [(1.0, 0.7, 0.0), (0.5, 1.0, 5.0), (2.0, 0.5, 9.0)]
)
def test_known_errors_give_the_stated_stability(gap, own, shared):
    """Of two villages the better stays ahead with the probability of the normal distribution of
    their own errors; what they share moves neither.
    """
    values = np.array([[10.0 + gap], [10.0]])
    told = criteria(values, shared=np.full((2, 1, 1), shared), own=np.full((2, 1), own))
    rank = Rank(choose=1, weights={"c0": 1.0}, draws=40_000)
    question = sets.ask(told, rank)
    share = ranking._drawn(told, question, rank, np.random.default_rng(1))
    stated = 0.5 * (1 + math.erf(gap / (own * math.sqrt(2)) / math.sqrt(2)))
    assert share[0] == pytest.approx(stated, abs=0.01)
    assert share.sum() == pytest.approx(1)


def test_a_bad_year_for_all_chooses_as_many():
    values = np.arange(6, dtype=float)[:, None] + 10
    told = criteria(values, shared=np.full((6, 1, 1), 30.0))
    rank = Rank(choose=3, weights={"c0": 1.0}, budget=100.0, draws=500)
    question = sets.ask(told, rank)
    share = ranking._drawn(told, question, rank, np.random.default_rng(1))
    np.testing.assert_array_equal(share, [0, 0, 0, 1, 1, 1])


def test_varied_weights_tell_what_hangs_on_them():
    told = criteria([[1.0, 0.0], [0.0, 1.0], [0.9, 0.95]])
    rank = Rank(choose=1, weights={"c0": 1.0, "c1": 1.0}, draws=2000)
    question = sets.ask(told, rank)
    share = ranking._varied(told, question, rank, np.random.default_rng(1))
    assert share[2] > 0.95
    told = criteria([[1.0, 0.0], [0.0, 1.0]])
    question = sets.ask(told, rank)
    share = ranking._varied(told, question, rank, np.random.default_rng(1))
    assert share[0] == pytest.approx(0.5, abs=0.05)


def test_musts_are_conditions_or_villages():
    table = pd.DataFrame(
        {
            "consent": [0.5, 0.9, np.nan],
            "historic": [False, True, False],
            "kind": ["hill", "plain", "hill"],
        },
        index=["1/A", "1/B", "1/C"],
    )
    conditions, names = read_musts(["consent >= 0.6", "B", "historic != no"], table)
    assert names == ["1/B"]
    assert [c.holds(table) for c in conditions] == [[False, True, None], [False, True, False]]
    conditions, _ = read_musts({"consent": 0.6, "historic": False, "kind": "hill"}, table)
    assert [c.holds(table) for c in conditions] == [
        [False, True, None], [True, False, True], [True, False, True],
    ]  # fmt: skip
    conditions, _ = read_musts({"consent": {"min": 0.4, "max": 0.6}}, table)
    assert [c.holds(table)[0] for c in conditions] == [True, True]
    for bad in (["nobody"], ["nothing > 3"]):
        with pytest.raises(ConfigError):
            read_musts(bad, table)


def test_what_is_not_known_is_not_zero():
    told = criteria([[1.0], [np.nan], [0.5]])
    rank = Rank(choose=2, weights={"c0": 1.0})
    question = sets.ask(told, rank)
    assert question.barred[1] == ("unknown", "c0")
    assert list(np.flatnonzero(chosen(told, rank))) == [0, 2]


def test_gaps_say_what_would_have_to_change():
    values = np.array([[1.0], [0.8], [0.55], [0.0]])
    told = criteria(values)
    rank = Rank(choose=2, weights={"c0": 1.0})
    question = sets.ask(told, rank)
    scores = sets.scores_of(told, question, rank, told.values)
    gaps = ranking._gaps(question, scores, chosen(told, rank))
    np.testing.assert_allclose(gaps, [0.45, 0.25, 0.25, 0.8])
    changes = ranking._changes(told, question, rank, [2, 3], gaps)
    np.testing.assert_allclose(changes["needed"], [0.8, 0.8])


def test_no_set_fits():
    told = criteria([[1.0], [2.0]], table={"investment": [5.0, 6.0]})
    with pytest.raises(ConfigError) as error:
        sets.ask(told, Rank(choose=1, weights={"c0": 1.0}, budget=4.0, must=["V0"]))
    assert error.value.code == "region_no_set"


def rows_of(**columns) -> pd.DataFrame:
    base = {"division_code": "", "village": ["A", "B"], "households": [100, 10],
            "investment": [1e6, 1e5], "connectable_kw": [50.0, np.nan], "capital": [1e6, 1e5],
            "energy_kwh": [1000.0, 200.0], "energy_p90_kwh": [900.0, 190.0],
            "energy_p90_built_kwh": [920.0, 195.0], "income_mean": [400.0, 50.0],
            "npv": [300.0, 60.0], "lcoe": [0.3, 0.2]}  # fmt: skip
    return pd.DataFrame(base | columns)


def common_of() -> pd.DataFrame:
    return pd.DataFrame({
        "division_code": "", "village": ["A", "A", "B", "B"],
        "component": ["weather", "market_price"] * 2, "shared": [0.05, 0.1] * 2, "own": 0.0,
    })  # fmt: skip


def test_sums_are_by_household_since_the_largest_village_always_wins():
    told = take_criteria(rows_of(), common_of(), None, {
        "energy_kwh": 1, "npv_per_yuan": 1, "energy_kwh_per_free_kw": 1, "lcoe": -1,
    })  # fmt: skip
    assert told.names == ("energy_kwh_per_household", "npv_per_yuan", "energy_kwh_per_free_kw",
                          "lcoe")  # fmt: skip
    np.testing.assert_allclose(told.values[0], [10, 3e-4, 20, 0.3])
    assert np.isnan(told.values[1, 2])
    # The energy's doubt is the village's own P90, and of cost the other way round.
    sigma = 100 / 1.2815515655446004 / 100
    assert told.shared[0, 0, 0] == pytest.approx(sigma)
    assert told.shared[0, 3, 0] == pytest.approx(-0.3 * 100 / 1000 / 1.2815515655446004)
    assert told.shared[0, 1, 1] == pytest.approx((300 + 1e6) * 0.1 / 1e6)
    with pytest.raises(ConfigError) as error:
        take_criteria(rows_of(), common_of(), None, {"beauty": 1})
    assert "energy_kwh" in error.value.text("en")


def test_the_townships_own_table(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("村,集体收入,历史保护,投资\nA,1200,是,5\nB,300,否,6\n", "utf-8")
    own = read_own(file, ["33/A", "33/B"])
    assert own.loc["33/A", "集体收入"] == 1200
    assert own["历史保护"].tolist() == [True, False]
    told = take_criteria(rows_of(division_code="33"), common_of().assign(division_code="33"), own,
                         {"集体收入": 1})  # fmt: skip
    np.testing.assert_array_equal(told.values[:, 0], [1200, 300])
    assert sets.cost_of(told.table).tolist() == [5, 6]
    for text, code in (("x,y\n1,2\n", "region_column"), ("village\nA\nA\n", "region_table_twice"),
                       ("village\nQ\n", "village_unknown")):  # fmt: skip
        file.write_text(text)
        with pytest.raises(InputError) as error:
            read_own(file, ["33/A", "33/B"])
        assert error.value.code == code


@pytest.fixture(scope="module")
def township(tmp_path_factory):
    out = tmp_path_factory.mktemp("rank") / "o"
    return pvp.plan_region(ROOT / "data/region/region.toml", out=out, workers=2)


def test_the_example_chooses_five_and_says_why(township):
    made = township.rank()
    assert len(made.chosen) == 5
    rows = made.villages.set_index("village")
    assert rows["draws"].between(0, 1).all()
    assert rows.loc[made.chosen, "reason"].eq("chosen").all()
    assert (rows.loc[~rows["chosen"], "reason"] != "chosen").all()
    assert rows.loc["古塘村", "reason"] == "must"
    assert made.runner_up in rows.index
    assert set(made.changes["village"]) <= set(rows.index[~rows["chosen"]])
    assert made.poorest_known
    assert rows["poorest"].notna().all()
    assert rows["draws"].sum() == pytest.approx(5)
    assert township.rank().villages.equals(made.villages)
    forced = township.rank(must=["青岭村"])
    assert "青岭村" in forced.chosen
    assert forced.villages.set_index("village").loc["青岭村", "reason"] == "must_be"
    poor = township.rank(budget=5e6)
    assert poor.villages.loc[poor.villages["chosen"], "cost"].sum() <= 5e6
    with pytest.raises(ConfigError):
        township.rank(weights={})


def test_poorest_data_are_the_outlines_alone(township):
    assert "as_poorest_data" not in township.scenarios
    assert "as_poorest_data" not in set(township.table["scenario"])
    base = township.villages.query("scenario == 'base'").set_index("village")
    poor = township.poorest[0].set_index("village")
    assert len(poor) == 12
    assert (poor["modelled"] == 0).all()
    for village in ("下溪村", "凤山村"):
        assert base.loc[village, "modelled"] > 0.5
        assert poor.loc[village, "energy_kwh"] != base.loc[village, "energy_kwh"]
    assert poor.loc["上溪村", "energy_kwh"] == base.loc["上溪村", "energy_kwh"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_sheets(township, page, tmp_path, language):
    made = township.rank()
    text = rank_page({**township.about, "language": language}, made)
    file = tmp_path / "rank.html"
    file.write_text(text, "utf-8")
    page.goto(file.as_uri())
    assert page.complaints == []
    assert page.locator(".sheet").count() == 2
    for name in made.chosen:
        assert page.get_by_text(name).first.is_visible()
    body = page.pdf(format="A4") if hasattr(page, "pdf") else b""
    assert body.count(b"/Type /Page\n") in (0, 2)


def test_the_index_page(township, page):
    page.goto((township.folder / "index.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    assert page.complaints == []
    assert page.requests == [page.url]
    assert page.locator(".village").count() == 12
    assert page.locator("#villages tbody tr").count() == 12
    page.select_option("#scenario", "low-price")
    page.select_option("#beside", "base")
    page.check("#each")
    page.fill("#search", "溪")
    assert page.locator("#villages tbody tr").count() == 2
    page.fill("#search", "")
    page.select_option("#measure", "energy_kwh")
    page.uncheck("#each")
    wide = township.villages[township.villages["scenario"] == "low-price"]
    total = page.evaluate("window.pvplanner.data.totals.filter(r => r.scenario === 'low-price' "
                          "&& r.measure === 'energy_kwh')[0].value")  # fmt: skip
    assert total == pytest.approx(wide["energy_kwh"].sum())
    page.click("[data-language=en]")
    assert page.get_by_text("Supply curve: cheapest first").is_visible()
    page.locator(".village").first.click()
    assert page.locator("#villages tr.on").count() == 1


def test_the_command(township, tmp_path):
    words = ["rank", str(township.folder), "--choose", "3",
             "--weight", "npv_per_yuan=2", "--weight", "集体收入=-1", "-o",
             str(tmp_path / "r.html"), "--language", "en"]  # fmt: skip
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert sum(line.startswith("*") for line in done.stdout.splitlines()) == 3
    assert (tmp_path / "r.html").is_file()
    bad = run(*words[:-2], "--weight", "npv")
    assert bad.returncode == 2
