"""What a ranking asks and the set that answers it: scores, budgets, reasons, ties."""

from __future__ import annotations

import numpy as np
import pytest
from test_ranking import criteria

from pvplanner.errors import ConfigError
from pvplanner.region import sets
from pvplanner.region.config import Rank


def asked(values, weights, table=None, **wishes):
    told = criteria(values, table=table)
    rank = Rank(weights={f"c{k}": w for k, w in enumerate(weights)}, **wishes)
    return told, rank, sets.ask(told, rank)


def test_a_score_is_the_weighted_mean_of_what_lies_between_worst_and_best():
    told, rank, question = asked(
        [[2.0, 11.0, 7.0], [7.0, 1.0, 7.0], [12.0, 6.0, 7.0]], [0.5, -3.0, 4.0], choose=1
    )
    # 0, 1/2, 1 of the first; 0, 1, 1/2 of the second, where less is better; of what all have alike
    # each has half.
    scores = sets.scores_of(told, question, rank, told.values)
    np.testing.assert_allclose(scores, [2 / 7.5, (0.25 + 3 + 2) / 7.5, (0.5 + 1.5 + 2) / 7.5])
    moved = sets.scores_of(told, question, rank, told.values, np.array([1.0, -1.0, 0.0]))
    np.testing.assert_allclose(moved, [0.0, 0.75, 0.75])


def test_a_budget_may_be_spent_to_the_last():
    table = {"investment": [2.0, 3.0, 5.0, 5.1]}
    told, rank, question = asked([[1.0], [0.9], [0.8], [3.0]], [1.0], table, choose=2, budget=5.0)
    assert question.barred[2] == ("", "")
    assert question.barred[3] == ("budget", "5")
    scores = sets.scores_of(told, question, rank, told.values)
    assert np.flatnonzero(sets.best_sets(question, scores[None])[0]).tolist() == [0, 1]
    assert np.flatnonzero(sets.solve_by_milp(question, scores)).tolist() == [0, 1]


def test_two_that_are_good_beat_one_that_is_better():
    table = {"investment": [5.0, 2.5, 2.5]}
    _, _, question = asked([[3.0], [2.0], [1.0]], [1.0], table, choose=2, budget=5.0)
    rows = np.array([[0.9, 0.5, 0.5], [0.9, 0.5, 0.3], [-0.1, -0.5, -0.5]])
    told = sets.best_sets(question, rows)
    # In a bad year for all the set is as large as in a good one.
    assert told.tolist() == [[False, True, True], [True, False, False], [True, False, False]]


def test_many_rows_are_looked_at_in_blocks(monkeypatch):
    rng = np.random.default_rng(3)
    table = {"investment": rng.uniform(1, 3, 6)}
    _, _, question = asked(rng.random((6, 2)), [1.0, 1.0], table, choose=3, budget=5.0)
    rows = rng.random((40, 6))
    whole = sets.best_sets(question, rows)
    for row, own in zip(rows, whole, strict=True):
        fit = [s for s in question.sets if question.cost[s].sum() <= 5.0]
        assert row[own].sum() == pytest.approx(max(row[s].sum() for s in fit))
    monkeypatch.setattr(sets, "BLOCK", 100)
    np.testing.assert_array_equal(sets.best_sets(question, rows), whole)


def test_of_equals_the_first_is_taken_by_both():
    table = {"investment": [1.0] * 5}
    _, _, question = asked([[1.0]] * 5, [1.0], table, choose=2, budget=2.0)
    row = np.full(5, 0.5)
    assert np.flatnonzero(sets.best_sets(question, row[None])[0]).tolist() == [0, 1]
    assert np.flatnonzero(sets.solve_by_milp(question, row)).tolist() == [0, 1]
    # A little better is better, and no tie.
    row[3] += 1e-7
    assert np.flatnonzero(sets.best_sets(question, row[None])[0]).tolist() == [0, 3]
    assert np.flatnonzero(sets.solve_by_milp(question, row)).tolist() == [0, 3]


def test_every_village_has_the_first_reason_that_bars_it():
    table = {"investment": [1.0, 1.0, np.nan, 1.0, np.nan], "consent": [0.4, np.nan, 0.9, 0.9, 0.2]}
    values = [[1.0], [2.0], [3.0], [np.nan], [4.0]]
    _, _, question = asked(
        [*values, [5.0]], [1.0],
        {name: [*column, 1.0] for name, column in table.items()},
        choose=1, budget=3.0, must=["consent >= 0.5"],
    )  # fmt: skip
    assert question.barred == (
        ("must", "consent >= 0.5\x000.4"), ("unknown", "consent >= 0.5"), ("unknown", "cost"),
        ("unknown", "c0"), ("must", "consent >= 0.5\x000.2"), ("", ""),
    )  # fmt: skip
    assert question.allowed.tolist() == [False] * 5 + [True]
    with pytest.raises(ConfigError) as error:
        asked(values, [1.0], table, choose=1, budget=3.0, must=["consent >= 0.5"])
    assert error.value.code == "region_none_left"
    assert "consent >= 0.5 (3)" in error.value.params["reasons"]
    # Scales are those of the villages that may be chosen.
    _, _, other = asked([[1.0], [9.0], [4.0]], [1.0], {"ok": [True, False, True]}, choose=1,
                        must=["ok"])  # fmt: skip
    assert (other.low.tolist(), other.high.tolist(), other.choose) == ([1.0], [4.0], 1)


def test_few_draws_where_each_needs_a_solver(monkeypatch):
    values = np.random.default_rng(0).random((9, 1))
    table = {"investment": [1.0] * 9}
    _, rank, few = asked(values, [1.0], table, choose=3, budget=2.0, draws=500)
    assert sets.draws_of(few, rank) == 500
    monkeypatch.setattr(sets, "MOST_SETS", 10)
    _, rank, many = asked(values, [1.0], table, choose=3, budget=2.0, draws=500)
    assert many.sets is None
    assert sets.draws_of(many, rank) == sets.MOST_SOLVED
    _, rank, free = asked(values, [1.0], choose=3, draws=500)
    assert sets.draws_of(free, rank) == 500
