"""Choosing households: the best list under all limits, equals in order, reasons that hold."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helps import rarely

from pvplanner.errors import ConfigError
from pvplanner.selection import Problem, Programme, choose, front, hangs_on, tied
from pvplanner.selection.choosing import best_of, who_moves
from pvplanner.selection.programme import limits_of
from pvplanner.selection.reading import as_csv
from pvplanner.words import reason_of

EXACT = {"gap": 0.0}


def made(seed, most=9):
    """A small problem, pairs of households that nothing tells apart among them."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, most + 1))
    phases = int(rng.integers(1, 3)) if count > 8 else int(rng.integers(1, 4))
    kw = rng.choice([3.0, 5.0, 8.0, 10.0], count)
    capital = kw * 3000 * rng.choice([0.9, 1.0, 1.1], count)
    worth = np.round(rng.normal(3000, 3000, count), 2)
    low, hamlet = rng.random(count) < 0.4, rng.choice(["A", "B"], count)
    node = rng.choice(["T1", "T2"], count)
    for a, b in ((0, 1), (2, 3)):
        if b < count and rng.random() < 0.7:
            for values in (kw, capital, worth, low, hamlet, node):
                values[b] = values[a]
    group = np.arange(count)
    if count > 5 and rng.random() < 0.4:
        group[5] = group[4]
    return Problem(
        ids=tuple(f"H{n}" for n in range(count)), household=np.arange(count),
        models=("self_invest",) * count,
        values={"npv": worth[:, None], "energy": (kw * 1000)[:, None]},
        capital=capital, income=np.abs(worth) * 0.3, kw=kw, group=group, hamlet=tuple(hamlet),
        low_income=low, phases=phases,
        nodes={"T1": np.full(phases, float(rng.integers(5, 40))),
               "L": np.full(phases, float(rng.integers(10, 60)))},
        chain=tuple(("T1", "L") if n == "T1" else ("L",) for n in node),
        budget=np.round(capital.sum() * rng.uniform(0.1, 0.5, phases), 2),
        weights={"npv": 1.0} if rng.random() < 0.7 else {"npv": 1.0, "energy": 1.0},
        min_share={"low_income": float(rng.choice([0.2, 0.3]))} if rng.random() < 0.3 else {},
        reuse=float(rng.choice([0.0, 0.5])), discount=0.95,
        capacity_kw=float(kw.sum() * 0.6) if rng.random() < 0.3 else None,
    )  # fmt: skip


class Every:
    """All lists of a small problem, by hand: no solver, no matrix of the programme."""

    def __init__(self, problem):
        p = self.problem = problem
        roofs = [np.flatnonzero(p.group == g) for g in np.unique(p.group)]
        told = np.array(list(itertools.product(range(p.phases + 1), repeat=len(roofs))))
        self.phase = np.zeros((len(told), p.count), dtype=int)
        for n, members in enumerate(roofs):
            self.phase[:, members] = told[:, n : n + 1]
        later = np.array([0.0, *p.later()])
        self.value = (later[self.phase] * p.worth()[:, 0]).sum(axis=1)
        self.checks = self._checks()

    def _checks(self):
        p, phase = self.problem, self.phase
        out = {}
        for q in range(1, p.phases + 1):
            spent = (p.capital * (phase == q)).sum(axis=1)
            earned = (p.income * ((phase > 0) & (phase < q))).sum(axis=1)
            out[f"budget:{q}"] = spent <= p.budget[q - 1] + p.reuse * earned + 1e-9
        for name, open_ in p.nodes.items():
            inside = np.array([name in chain for chain in p.chain])
            out[f"node:{name}"] = np.all([
                (p.kw * inside * ((phase > 0) & (phase <= q))).sum(axis=1) <= open_[q - 1] + 1e-9
                for q in range(1, p.phases + 1)
            ], axis=0)  # fmt: skip
        taken = phase > 0
        if p.capacity_kw is not None:
            out["capacity"] = (p.kw * taken).sum(axis=1) <= p.capacity_kw + 1e-9
        for name, share in p.min_share.items():
            poor = (p.low_income * taken).sum(axis=1)
            out[f"share:{name}"] = poor >= share * taken.sum(axis=1) - 1e-9
        return out

    def best(self, without=(), sooner=None):
        """Most that a list counts, some limits left out; with one household sooner than stated."""
        fine = np.ones(len(self.phase), dtype=bool)
        for name, ok in self.checks.items():
            if name not in without:
                fine &= ok
        if sooner is not None:
            home, than = sooner
            own = self.phase[:, home]
            fine &= (own > 0) & (own < than)
        return self.value[fine].max() if fine.any() else -np.inf


def check(seed, most):
    problem = made(seed, most)
    every, chosen = Every(problem), choose(problem, **EXACT)
    best = every.best()
    size = max(abs(best), 1.0)
    assert chosen.choice.objective == pytest.approx(best, abs=1e-6 * size)
    assert chosen.choice.bound >= best - 1e-6 * size
    programme = Programme(problem)
    assert programme.broken(programme.cells(chosen.choice)) == []
    for home, codes in enumerate(chosen.reasons):
        phase = int(chosen.choice.phase[home]) + 1
        if phase == 1:
            assert codes == ("chosen",)
            continue
        than = phase or problem.phases + 1
        if codes == ("worth",):
            # Under no limit at all would it come sooner.
            names = set(every.checks)
            assert every.best(names, (home, than)) < every.best(names) - 1e-6 * size
            continue
        assert codes
        assert set(codes) <= set(every.checks)
        with_it, without = every.best(codes, (home, than)), every.best(codes)
        assert with_it >= without - 2e-6 * size, (seed, home, codes)
        # Of several limits none could be left unnamed.
        for name in codes if len(codes) > 1 else ():
            fewer = [other for other in codes if other != name]
            assert every.best(fewer, (home, than)) < every.best(fewer) - 1e-7 * size


@pytest.mark.parametrize("seed", range(24))
def test_the_list_is_the_best_there_is_and_its_reasons_hold(seed):
    """Against all lists, up to 4^7 of them; the long test has 300 of up to 14 households."""
    check(seed, 7)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_three_hundred_lists_are_the_best_there_are(seed):
    check(seed, 14)


@pytest.mark.parametrize("seed", rarely(range(6), (0,)))
def test_a_tighter_budget_is_never_better(seed):
    problem = replace(made(seed + 50), reuse=0.0)
    found = [
        choose(problem.with_budget(f), **EXACT).choice.objective for f in (1.2, 1.0, 0.7, 0.4, 0.0)
    ]
    assert all(a >= b - 1e-6 for a, b in itertools.pairwise(found))


def test_a_roof_is_built_once_for_all_who_share_it():
    problem = replace(made(3, 9), group=np.array([0, 0, *range(2, made(3, 9).count)]))
    phase = choose(problem, **EXACT).choice.phase
    assert phase[0] == phase[1]
    links = [("B1", "H1"), ("B1", "H2"), ("B2", "H2"), ("B2", "H3"), ("B3", "H4")]
    group = tied(links, ["H1", "H2", "H3", "H4", "H5"])
    assert len(set(group[:3])) == 1
    assert len({group[0], group[3], group[4]}) == 3


def plain(worth, capital, budget, **more):
    count = len(worth)
    width = np.asarray(worth, dtype=float).reshape(count, -1) if count else np.zeros((0, 1))
    values = {"npv": width}
    usual = {
        "ids": tuple(f"H{n + 1}" for n in range(count)), "household": np.arange(count),
        "models": ("self_invest",) * count, "values": values,
        "capital": np.asarray(capital, dtype=float), "income": np.zeros(count),
        "kw": np.ones(count), "group": np.arange(count), "hamlet": ("",) * count,
        "low_income": np.zeros(count, dtype=bool), "chain": ((),) * count,
        "budget": np.atleast_1d(np.asarray(budget, dtype=float)),
    }  # fmt: skip
    return Problem(**{**usual, **more})


def test_equals_go_in_the_order_of_the_list():
    """Four alike and room for two: the first two, whatever the order of the rows."""
    problem = plain([5, 5, 5, 5], [10, 10, 10, 10], 20)
    assert choose(problem, **EXACT).choice.phase.tolist() == [0, 0, -1, -1]
    two = plain([5, 5, 5, 5], [10, 10, 10, 10], [10, 10], phases=2, discount=0.9)
    assert choose(two, **EXACT).choice.phase.tolist() == [0, 1, -1, -1]


def test_the_same_question_gives_the_same_list():
    problem = made(17, 14)
    first = choose(problem, **EXACT)
    again = choose(problem, **EXACT)
    assert first.choice.phase.tolist() == again.choice.phase.tolist()
    assert first.reasons == again.reasons


def test_a_model_is_chosen_with_the_household():
    """H1 under two models: the dearer one is worth more and leaves no room for H2."""
    problem = plain([9, 4, 6], [10, 4, 6], 10, household=np.array([0, 0, 1]),
                    ids=("H1", "H2"), models=("self_use", "roof_lease", "self_invest"),
                    kw=np.ones(2), group=np.arange(2), hamlet=("", ""),
                    low_income=np.zeros(2, dtype=bool), chain=((), ()))  # fmt: skip
    choice = choose(problem, **EXACT).choice
    assert [problem.models[n] for n in choice.option] == ["roof_lease", "self_invest"]


def test_the_worst_of_the_cases_and_their_mean():
    """A is best as planned, B holds up when prices fall; one of them can be built."""
    values = [[10, 0], [6, 5]]
    problem = plain(values, [10, 10], 10)
    told = {how: choose(replace(problem, how=how), **EXACT).choice.phase.tolist()
            for how in ("case:0", "case:1", "expected", "worst")}  # fmt: skip
    assert told == {"case:0": [0, -1], "case:1": [-1, 0], "expected": [-1, 0], "worst": [-1, 0]}
    worst = choose(replace(problem, how="worst"), **EXACT).choice
    assert worst.objective == pytest.approx(5.0)


def test_income_of_earlier_phases_is_built_with():
    problem = plain([5, 5], [10, 10], [10, 4], phases=2, income=np.array([6.0, 6.0]), reuse=1.0)
    assert choose(problem, **EXACT).choice.phase.tolist() == [0, 1]
    less = replace(problem, reuse=0.9)
    assert choose(less, **EXACT).choice.phase.tolist() == [0, -1]


def test_what_lapses_leaves_room_in_a_later_phase():
    """A node that opens in the second year: then, and not before."""
    problem = plain([5, 5], [1, 1], [9, 9], phases=2, nodes={"T1": np.array([1.0, 2.0])},
                    chain=(("T1",), ("T1",)), discount=0.9)  # fmt: skip
    chosen = choose(problem, **EXACT)
    assert chosen.choice.phase.tolist() == [0, 1]
    assert chosen.reasons[1] == ("node:T1",)


def test_least_shares_hold_of_those_chosen():
    worth = [9, 8, 7, 1, 1]
    low = np.array([False, False, False, True, True])
    problem = plain(worth, [10] * 5, 30, low_income=low, min_share={"low_income": 1 / 3})
    chosen = choose(problem, **EXACT)
    taken = chosen.choice.phase >= 0
    assert low[taken].sum() >= taken.sum() / 3
    assert chosen.choice.phase.tolist() == [0, 0, -1, 0, -1]
    assert chosen.reasons[2] in (("share:low_income",), ("budget:1",))
    hamlets = plain(worth, [10] * 5, 30, hamlet=("A", "A", "A", "B", "B"),
                    min_share={"hamlet": 0.3})  # fmt: skip
    assert choose(hamlets, **EXACT).choice.phase.tolist() == [0, 0, -1, 0, -1]


def test_wishes_that_contradict_each_other_are_named():
    problem = plain([5, 5, 5], [10, 10, 10], 15, must=(0, 1))
    with pytest.raises(ConfigError) as caught:
        choose(problem, **EXACT)
    assert caught.value.code == "selection_infeasible"
    assert set(caught.value.params["limits"].split(", ")) == {"must:H1", "must:H2", "budget:1"}
    assert "budget of phase 1" in caught.value.text("en")
    assert "H1" in caught.value.text("zh")
    with pytest.raises(ConfigError) as caught:
        choose(plain([5], [1], 9, must=(0,), barred={0: "protected"}))
    assert caught.value.code == "selection_must_protected"


def test_nobody_is_taken_who_brings_nothing():
    chosen = choose(plain([-5, 4], [1, 1], 100), **EXACT)
    assert chosen.choice.phase.tolist() == [-1, 0]
    assert chosen.reasons[0] == ("worth",)
    nobody = choose(plain([-5], [1], 100), **EXACT)
    assert nobody.choice.objective == 0.0
    none = plain([], [], 1)
    assert choose(none).reasons == []


def test_several_goals_are_weighed_as_shares_of_the_whole():
    values = {"npv": np.array([[100.0], [50.0]]), "energy": np.array([[10.0], [30.0]])}
    problem = replace(plain([0, 0], [1, 1], 1), values=values, weights={"npv": 1, "energy": 1})
    assert problem.worth()[:, 0] == pytest.approx([100 / 150 + 10 / 40, 50 / 150 + 30 / 40])
    alone = replace(problem, weights={"npv": 2})
    assert alone.worth()[:, 0] == pytest.approx([200.0, 100.0])


def test_who_is_alike_and_who_is_not():
    """Same worth, cost, place: one class; a shared roof, another hamlet or a wish tell apart."""
    problem = plain([5] * 6, [10] * 6, 60, group=np.array([0, 1, 2, 2, 4, 5]),
                    hamlet=("A", "A", "A", "A", "B", "A"), must=(5,))  # fmt: skip
    kind = problem.alike()
    assert kind[0] == kind[1]
    assert len({*kind.tolist()}) == 5
    near = plain([5.0, 5.0 + 1e-12, 5.001], [10] * 3, 60).alike()
    assert near[0] == near[1] != near[2]


def test_goals_without_worth_and_without_weight_scale_nothing():
    values = {"npv": np.array([[4.0], [6.0]]), "carbon": np.zeros((2, 1)),
              "energy": np.array([[1.0], [2.0]])}  # fmt: skip
    problem = replace(plain([0, 0], [1, 1], 1), values=values)
    both = replace(problem, weights={"npv": 1.0, "carbon": 1.0, "energy": 0.0})
    assert both.scales() == {"npv": 10.0, "carbon": 1.0}
    assert replace(problem, weights={"npv": 3.0, "energy": 0.0}).scales() == {"npv": 1.0}
    usual = plain([1], [1], 1)
    assert (usual.discount, usual.reuse, usual.phases) == (1.0, 0.0, 1)


def test_a_budget_times_nothing_and_none_at_all():
    problem = plain([5, 5], [10, 10], 20)
    assert problem.with_budget(0.5).budget.tolist() == [10.0]
    free = replace(problem, budget=None)
    assert free.with_budget(0.5) is free
    assert choose(free, **EXACT).choice.phase.tolist() == [0, 0]


def test_a_large_question_is_polished_and_its_reasons_leave_no_room():
    """Whoever could still come in, or sooner, does; every reason's limits are full for it."""
    problem = big(120, 3, nodes=4, seed=3)
    chosen = choose(problem, gap=0.05)
    programme = Programme(problem)
    x = programme.cells(chosen.choice)
    assert programme.broken(x) == []
    rows = {}
    for row in programme.limits:
        rows.setdefault(row.name, []).append(row)
    gains = programme.gains()[0]
    for n, codes in enumerate(chosen.reasons):
        phase = int(chosen.choice.phase[n])
        if phase == 0:
            assert codes == ("chosen",)
            continue
        if codes == ("worth",):
            assert phase == -1
            assert problem.worth()[n, 0] <= 0
            continue
        last = problem.phases if phase < 0 else phase
        against = set()
        for q in range(last):
            other = x.copy()
            if phase >= 0:
                other[n * problem.phases + phase] = 0.0
            other[n * problem.phases + q] = 1.0
            hit = set(programme.broken(other, programme.limits))
            assert hit, (n, q)
            against |= hit
        # It has room nowhere sooner, and just what stands against it is named, nodes first.
        assert set(codes) == against
        assert sorted(codes, key=lambda c: not c.startswith("node:")) == list(codes)
        assert gains[n * problem.phases] > 0


def test_limits_that_later_ones_imply_are_left_out():
    rows = [row.name for row in limits_of(made(0))]
    assert rows.count("node:L") == 1


def test_a_large_question_is_rounded_and_its_bound_is_stated(monkeypatch):
    import pvplanner.selection.programme as room

    problem = big(400, 4)
    exact = best_of(Programme(problem, gap=2e-3))
    monkeypatch.setattr(room, "LARGE", 100)
    programme = Programme(problem)
    rounded = best_of(programme)
    assert not rounded.exact
    assert programme.broken(programme.cells(rounded)) == []
    assert rounded.bound >= exact.objective - 1e-6
    assert rounded.objective <= exact.bound + 1e-6
    assert rounded.gap < 0.02
    chosen = choose(problem)
    assert all(chosen.reasons)


def big(count, phases, nodes=6, seed=0):
    rng = np.random.default_rng(seed)
    kw = rng.uniform(3, 12, count)
    capital = kw * 3000
    node = rng.integers(0, nodes, count)
    worth = capital * rng.uniform(-0.05, 0.4, count)
    return Problem(
        ids=tuple(f"H{n:06d}" for n in range(count)), household=np.arange(count),
        models=("self_invest",) * count, values={"npv": worth[:, None]}, capital=capital,
        income=capital * 0.1, kw=kw, group=np.arange(count),
        hamlet=tuple(f"G{n % 8}" for n in range(count)), low_income=rng.random(count) < 0.15,
        nodes={f"T{n}": np.full(phases, kw.sum() / nodes * rng.uniform(0.2, 0.7))
               for n in range(nodes)},
        chain=tuple((f"T{n}",) for n in node), phases=phases,
        budget=np.full(phases, capital.sum() * 0.08), reuse=0.5, discount=0.95,
        min_share={"hamlet": 0.05, "low_income": 0.15},
    )  # fmt: skip


def test_a_front_has_no_list_that_another_beats():
    problem = replace(made(2), weights={"npv": 1.0})
    choice = choose(problem, **EXACT).choice
    told = front(problem, choice, "npv", "energy")
    assert told["chosen"].sum() == 1
    free = told[~told["chosen"]][["npv", "energy"]].to_numpy()
    for one in free:
        assert not any((other >= one).all() and (other > one).any() for other in free)


def test_what_a_list_hangs_on():
    problem = plain([[5, 1], [4, 3]], [10, 10], 10)
    choice = choose(problem, **EXACT).choice
    told, share = hangs_on(problem, choice, {"planned": 0, "market_low": 1})
    rows = told.set_index("varied")
    assert rows.loc["case_market_low", ["entered", "left"]].tolist() == [1, 1]
    assert rows.loc["budget_less", ["entered", "left"]].tolist() == [0, 1]
    assert rows.loc["budget_more", ["entered", "left"]].tolist() == [0, 0]
    assert "case_planned" not in rows.index
    assert share.tolist() == pytest.approx([1 / 3, 2 / 3])


def test_who_moves_when_one_is_locked_in():
    problem = plain([5, 4, 3], [10, 10, 10], 20)
    before = choose(problem, **EXACT).choice
    after = choose(replace(problem, must=(2,)), **EXACT).choice
    assert who_moves(before, after, problem.ids) == [("H2", 1, 0), ("H3", 0, 1)]


def test_reasons_in_words():
    assert reason_of(("node:T3",), 2, "en").startswith("phase 2: T3 takes no more")
    assert reason_of(("budget:1", "node:T3"), 0, "en").count(";") == 1
    assert "low" not in reason_of(("share:low_income",), 0, "en", public=True).lower()
    assert "低收入" in reason_of(("share:low_income",), 0, "zh")
    assert reason_of(("chosen",), 1, "en") == "first phase"


def test_no_cell_of_a_table_is_a_formula():
    cells = ["-cmd|' /C calc'!A0", "=1+1", "@x", "a\rb", " =x", "-12.5 %", "H1"]
    told = pd.read_csv(io.BytesIO(as_csv(pd.DataFrame({"reason": cells}))))
    assert told["reason"].tolist() == [
        "'-cmd|' /C calc'!A0", "'=1+1", "'@x", "a b", "'=x", "-12.5 %", "H1"
    ]  # fmt: skip
