"""What a ranking asks, and the set of villages that answers it best.

A village's score is the weighted mean of its criteria, each on a scale from the worst to the best
of the candidates. The villages with the highest sum of scores are chosen, under a budget and what
is a must.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError
from pvplanner.region.config import Rank
from pvplanner.region.criteria import Criteria, numbers_of, read_musts
from pvplanner.region.headings import COST

MOST_SETS = 60_000
"""Up to so many sets are all looked at; more go to HiGHS."""

MOST_SOLVED = 200
"""Draws that are solved one by one where a budget binds and sets are too many."""

BLOCK = 4_000_000


@dataclass(frozen=True)
class Question:
    """What is asked: weights with their signs, scales, who may and who must, costs and budget."""

    weights: np.ndarray
    low: np.ndarray
    high: np.ndarray
    allowed: np.ndarray
    forced: np.ndarray
    cost: np.ndarray
    budget: float
    choose: int
    barred: tuple[tuple[str, str], ...]
    sets: np.ndarray | None


def ask(told: Criteria, rank: Rank) -> Question:
    """The question, and why some villages may not be chosen.

    Raises
    ------
    ConfigError
        If no village may be, or what must be chosen fits no budget.
    """
    conditions, names = read_musts(rank.must, told.table)
    count = len(told.keys)
    barred: list[tuple[str, str]] = [("", "")] * count
    for n in range(count):
        unknown = [name for k, name in enumerate(told.names)
                   if not np.isfinite(told.values[n, k])]  # fmt: skip
        if unknown:
            barred[n] = ("unknown", ", ".join(unknown))
    for condition in conditions:
        for n, met in enumerate(condition.holds(told.table)):
            if met is not True and not barred[n][0]:
                value = told.table[condition.column].iloc[n]
                barred[n] = ("must", f"{condition}\0{value}") if met is False else (
                    "unknown", str(condition))  # fmt: skip
    allowed = np.array([not why for why, _ in barred])
    forced = np.array([key in names for key in told.keys])
    if forced.sum() > rank.choose:
        raise ConfigError("region_must_many", where="rank.must", count=int(forced.sum()),
                          choose=rank.choose)  # fmt: skip
    asked = cost_of(told.table)
    if rank.budget is not None:
        for row in np.flatnonzero(~np.isfinite(asked)):
            barred[row] = barred[row] if barred[row][0] else ("unknown", "cost")
        allowed &= np.isfinite(asked)
    cost = np.nan_to_num(asked)
    budget = math.inf if rank.budget is None else rank.budget
    alone = allowed & (cost > budget)
    for row in np.flatnonzero(alone):
        barred[row] = ("budget", f"{cost[row]:.0f}")
    allowed = (allowed & ~alone) | forced
    if not allowed.any():
        raise ConfigError("region_none_left", where="rank", reasons=_reasons(barred))
    known = told.values[allowed]
    low, high = known.min(axis=0), known.max(axis=0)
    weights = np.array(list(rank.weights.values()), dtype=float)
    made = Question(weights, low, high, allowed, forced, cost, budget,
                     min(rank.choose, int(allowed.sum())), tuple(barred), None)  # fmt: skip
    return _with_sets(made)


def _reasons(barred: Sequence[tuple[str, str]]) -> str:
    """What bars villages, the most frequent first."""
    told = pd.Series([about.partition("\0")[0] for _, about in barred if about])
    return ", ".join(f"{text} ({n})" for text, n in told.value_counts().head(4).items())


def cost_of(table: pd.DataFrame) -> np.ndarray:
    """What each village would cost: the township's own figure, else all that its plants do."""
    name = next((n for n in COST if n in table), "investment")
    return numbers_of(table, name)


def _with_sets(question: Question) -> Question:
    """All sets that may be chosen, where they are few enough to look at each."""
    rows = np.flatnonzero(question.allowed)
    sizes = [question.choose]
    if math.isfinite(question.budget):
        # A budget may leave no set of the full size: smaller ones count too.
        sizes = list(range(question.choose + 1))
    if sum(math.comb(len(rows), k) for k in sizes) > MOST_SETS:
        return question
    every = []
    for size in reversed(sizes):
        for some in itertools.combinations(rows, size):
            own = np.zeros(len(question.allowed), dtype=bool)
            own[list(some)] = True
            fits = question.cost[own].sum() <= question.budget
            if fits and not (question.forced & ~own).any():
                every.append(own)
    if not every:
        raise ConfigError("region_no_set", where="rank", budget=f"{question.budget:.0f}")
    return replace(question, sets=np.array(every))


def scores_of(
    told: Criteria, question: Question, rank: Rank, values: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Score of each village: its criteria from 0 (worst candidate) to 1 (best), weighted.

    Parameters
    ----------
    values : ndarray, shape (..., villages, criteria)
    weights : ndarray, shape (..., criteria), optional
    """
    own = question.weights if weights is None else weights
    span = question.high - question.low
    part = np.divide(values - question.low, span, out=np.full(values.shape, 0.5),
                     where=np.broadcast_to(span > 0, values.shape))  # fmt: skip
    part = np.where(question.weights < 0, 1 - part, part)
    size = np.abs(own)
    return (part * size[..., None, :]).sum(axis=-1) / size.sum(axis=-1)[..., None]


def best_sets(question: Question, scores: np.ndarray) -> np.ndarray:
    """The best set for each row of scores; shape (rows, villages), bool."""
    held = np.where(question.allowed, np.nan_to_num(scores), np.inf)
    # A bad year for all must not make fewer villages look better than more.
    scores = np.nan_to_num(scores) - np.minimum(held.min(axis=1), 0.0)[:, None]
    scores = np.where(question.allowed, scores, 0.0)
    if question.sets is not None:
        best = np.empty(len(scores), dtype=np.int64)
        step = max(1, BLOCK // len(question.sets))
        for begin in range(0, len(scores), step):
            # Larger sets and names that come first stand first: of equals the first is taken.
            sums = scores[begin : begin + step] @ question.sets.T.astype(float)
            best[begin : begin + step] = np.argmax(np.round(sums, 12), axis=1)
        return question.sets[best]
    if not math.isfinite(question.budget):
        return _top(question, scores)
    return np.array([solve_by_milp(question, row) for row in scores])


def _top(question: Question, scores: np.ndarray) -> np.ndarray:
    """Without a budget the best set is the best villages."""
    key = np.where(question.allowed, scores, -np.inf) + np.where(question.forced, 1e9, 0.0)
    order = np.argsort(-key, axis=1, kind="stable")[:, : question.choose]
    out = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(out, order, True, axis=1)
    return out


def solve_by_milp(question: Question, scores: np.ndarray) -> np.ndarray:
    """The set of the highest sum of scores within the budget, by HiGHS.

    Raises
    ------
    ConfigError
        If what must be chosen does not fit.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    count = len(scores)
    rows = [np.ones(count)]
    most = [float(question.choose)]
    if math.isfinite(question.budget):
        rows.append(question.cost)
        most.append(question.budget)
    # The solver takes for equal what differs by a millionth; of true equals the first is taken.
    found = milp(
        -1e6 * scores - 1e-3 * np.linspace(1, 0, count), integrality=np.ones(count),
        bounds=Bounds(question.forced.astype(float), question.allowed.astype(float)),
        constraints=LinearConstraint(np.array(rows), -np.inf, most),
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    if found.x is None:
        raise ConfigError("region_no_set", where="rank", budget=f"{question.budget:.0f}")
    return np.asarray(found.x > 0.5)


def drawn_values(told: Criteria, count: int, rng: np.random.Generator) -> np.ndarray:
    """Values with their errors drawn: what villages share once, their own for each.

    Returns
    -------
    ndarray, shape (count, villages, criteria)
    """
    common = rng.standard_normal((count, len(told.components)))
    apart = rng.standard_normal((count, len(told.keys)))
    moved = np.einsum("vkc,dc->dvk", told.shared, common)
    return np.asarray(told.values + moved + told.own * apart[:, :, None])


def draws_of(question: Question, rank: Rank) -> int:
    """How many draws are solved: fewer where each needs a solver."""
    return rank.draws if solved_fast(question) else min(rank.draws, MOST_SOLVED)


def solved_fast(question: Question) -> bool:
    """Whether its best set needs no solver."""
    return question.sets is not None or not math.isfinite(question.budget)
