"""Which villages come first, and how sure that is.

A village's score is the weighted mean of its criteria, each on a scale from the worst to the best
of the candidates. The villages with the highest sum of scores are chosen, under a budget and what
is a must. The errors of the figures are drawn, those that villages share together; the weights are
varied; and all is done again as if every village were known as poorly as the poorest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from pvplanner.errors import ConfigError
from pvplanner.region.config import POOREST, Rank
from pvplanner.region.criteria import Criteria, own_table, read_musts, read_own, take_criteria
from pvplanner.region.headings import COST
from pvplanner.scenario.refusals import config_error

if TYPE_CHECKING:
    from pvplanner.region.results import Results

MOST_SETS = 60_000
"""Up to so many sets are all looked at; more go to HiGHS."""

MOST_SOLVED = 200
"""Draws that are solved one by one where a budget binds and sets are too many."""

BLOCK = 4_000_000


@dataclass(frozen=True)
class Ranking:
    """Villages by score, and the chosen ones.

    Attributes
    ----------
    villages : DataFrame
        A row a candidate, best first: ``division_code``, ``village``, ``chosen``, ``score`` (0 to
        1), ``draws`` (in which share of draws it is chosen), ``weights`` (of varied weights),
        ``poorest`` (of draws with all known as poorly as the poorest; nan where all are known
        alike), ``gap`` (what its score lacks to be chosen, or could lose and still be),
        ``reason`` (``chosen``, ``must_be``, ``must``, ``unknown``, ``budget``, ``score``),
        ``about`` (of the reason), ``cost``.
    criteria : DataFrame
        Value of each criterion by village.
    changes : DataFrame
        For villages that are not chosen: by how much each criterion would have to change for it
        alone to bring the village in: ``village``, ``criterion``, ``value``, ``needed`` (nan where
        it alone can't).
    weights : dict of str to float
    choose : int
    budget : float or None
    scenario : str
    runner_up : str
        The village that lacks least; empty where every candidate is chosen.
    draws, seed : int
    poorest_known : bool
        Whether villages are known unequally well.
    """

    villages: pd.DataFrame
    criteria: pd.DataFrame
    changes: pd.DataFrame
    weights: dict[str, float]
    choose: int
    budget: float | None
    scenario: str
    runner_up: str
    draws: int
    seed: int
    poorest_known: bool
    musts: tuple[str, ...] = ()

    @property
    def chosen(self) -> list[str]:
        """Names of the chosen villages, best first."""
        return [str(v) for v in self.villages.loc[self.villages["chosen"], "village"]]


def rank_villages(
    results: Results,
    *,
    choose: int | None = None,
    weights: Mapping[str, float] | None = None,
    must: Sequence[str] | Mapping[str, Any] | None = None,
    budget: float | None = None,
    table: str | Path | pd.DataFrame | None = None,
    scenario: str | None = None,
    draws: int | None = None,
    seed: int | None = None,
) -> Ranking:
    """Choose villages by criteria; what is not said is as the region's ``[rank]`` says.

    Parameters
    ----------
    results : Results
    choose : int
        How many.
    weights : mapping
        Criterion to weight; less than zero where less is better. Criteria are figures of the plan
        (``income_first_year_per_household``, ``npv_per_yuan``, ``energy_kwh_per_free_kw``; sums
        without an ending are by household) and columns of ``table``.
    must : list of str, or mapping
        Conditions (``"consent_rate >= 0.6"``) and names of villages that must be chosen.
    budget : float
        Most that the plants of the chosen villages may cost.
    table : path-like or DataFrame
        The township's own: ``village`` and any columns; ``NAME_sigma`` is how sure ``NAME`` is,
        ``cost`` takes the place of the plants' cost.
    scenario : str
    draws, seed : int

    Raises
    ------
    ConfigError
        If a criterion or a village is unknown, or there are no weights.
    """
    asked = _asked(results, choose, weights, must, budget, table, scenario, draws, seed)
    rank, own_path = asked
    if not rank.weights or not any(rank.weights.values()):
        raise ConfigError("region_no_weights", where="rank.weights")
    results.known_scenario(rank.scenario)
    own = _own_table(results, own_path)
    told = _criteria(results, rank.scenario, own, rank.weights)
    question = _question(told, rank)
    rng = np.random.default_rng(rank.seed)
    picks = _solved(question, _scores(told, question, rank, told.values)[None])[0]
    share = _drawn(told, question, rank, rng)
    varied = _varied(told, question, rank, rng)
    poorest, unequal = _as_poorest(results, own, rank, question)
    return _told(told, question, rank, picks, share, varied, poorest, unequal)


def _asked(
    results: Results, choose: int | None, weights: Mapping[str, float] | None,
    must: Sequence[str] | Mapping[str, Any] | None, budget: float | None,
    table: str | Path | pd.DataFrame | None, scenario: str | None, draws: int | None,
    seed: int | None,
) -> tuple[Rank, Any]:  # fmt: skip
    stated = dict(results.about.get("rank") or {})
    given = {
        "choose": choose, "weights": None if weights is None else dict(weights), "must": must,
        "budget": budget, "scenario": scenario, "draws": draws, "seed": seed,
    }  # fmt: skip
    for key, value in given.items():
        if value is not None:
            stated[key] = dict(value) if isinstance(value, Mapping) else value
    if isinstance(stated.get("must"), tuple | str):
        wanted = stated["must"]
        stated["must"] = [wanted] if isinstance(wanted, str) else list(wanted)
    own = table if table is not None else stated.get("table")
    stated["table"] = None
    if isinstance(own, str) and table is None:
        own = Path(results.about["folder"]) / own
    try:
        return Rank(**stated), own
    except ValidationError as error:
        told_ = config_error(error, Rank)
        raise ConfigError(told_.code, where=f"rank.{told_.where}", **told_.params) from None


def _own_table(results: Results, given: Any) -> pd.DataFrame | None:
    if given is None:
        return None
    keys = [u.key for u in results.survey.units]
    if isinstance(given, pd.DataFrame):
        return own_table(given, keys)
    return read_own(Path(given), keys)


def _criteria(
    results: Results, scenario: str, own: pd.DataFrame | None, weights: Mapping[str, float]
) -> Criteria:
    every, parts = results.villages, results.common
    if scenario == POOREST:
        every, parts = results.poorest
    rows, common = (t[t["scenario"] == scenario] for t in (every, parts))
    return take_criteria(rows, common, own, weights)


@dataclass(frozen=True)
class _Question:
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


def _question(told: Criteria, rank: Rank) -> _Question:
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
    asked = _cost(told.table)
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
    made = _Question(weights, low, high, allowed, forced, cost, budget,
                     min(rank.choose, int(allowed.sum())), tuple(barred), None)  # fmt: skip
    return _with_sets(made)


def _reasons(barred: Sequence[tuple[str, str]]) -> str:
    """What bars villages, the most frequent first."""
    told = pd.Series([about.partition("\0")[0] for _, about in barred if about])
    return ", ".join(f"{text} ({n})" for text, n in told.value_counts().head(4).items())


def _cost(table: pd.DataFrame) -> np.ndarray:
    name = next((n for n in COST if n in table), "investment")
    return table[name].to_numpy(dtype=float)


def _with_sets(question: _Question) -> _Question:
    """All sets that may be chosen, where they are few enough to look at each."""
    from dataclasses import replace

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


def _scores(
    told: Criteria, question: _Question, rank: Rank, values: np.ndarray,
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


def _solved(question: _Question, scores: np.ndarray) -> np.ndarray:
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


def _top(question: _Question, scores: np.ndarray) -> np.ndarray:
    """Without a budget the best set is the best villages."""
    key = np.where(question.allowed, scores, -np.inf) + np.where(question.forced, 1e9, 0.0)
    order = np.argsort(-key, axis=1, kind="stable")[:, : question.choose]
    out = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(out, order, True, axis=1)
    return out


def solve_by_milp(question: _Question, scores: np.ndarray) -> np.ndarray:
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
    found = milp(
        -scores - 1e-9 * np.linspace(1, 0, count), integrality=np.ones(count),
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


def _drawn(told: Criteria, question: _Question, rank: Rank, rng: np.random.Generator) -> np.ndarray:
    """In which share of draws each village is chosen."""
    values = drawn_values(told, _count(question, rank), rng)
    return _solved(question, _scores(told, question, rank, values)).mean(axis=0)


def _count(question: _Question, rank: Rank) -> int:
    solved = question.sets is None and math.isfinite(question.budget)
    return min(rank.draws, MOST_SOLVED) if solved else rank.draws


def _varied(
    told: Criteria, question: _Question, rank: Rank, rng: np.random.Generator
) -> np.ndarray:
    """In which share of varied weights each village is chosen."""
    count = _count(question, rank)
    moved = np.exp(rng.normal(0, rank.weight_spread, (count, len(question.weights))))
    values = np.broadcast_to(told.values, (count, *told.values.shape))
    scores = _scores(told, question, rank, values, question.weights * moved)
    return _solved(question, scores).mean(axis=0)


def _as_poorest(
    results: Results, own: pd.DataFrame | None, rank: Rank, question: _Question
) -> tuple[np.ndarray, bool]:
    """The same with every village known by its outlines alone."""
    nothing = np.full(len(question.allowed), np.nan)
    if POOREST not in results.about["scenarios"]:
        return nothing, False
    rows = results.villages[results.villages["scenario"] == rank.scenario]
    told = _criteria(results, POOREST, own, rank.weights)
    if len(told.keys) != len(rows):
        return nothing, False
    other = _question(told, rank)
    return _drawn(told, other, rank, np.random.default_rng(rank.seed)), True


def _told(
    told: Criteria, question: _Question, rank: Rank, picks: np.ndarray, share: np.ndarray,
    varied: np.ndarray, poorest: np.ndarray, unequal: bool,
) -> Ranking:  # fmt: skip
    # On the scale of those that may be chosen nobody else has a score.
    scores = np.where(question.allowed, _scores(told, question, rank, told.values), np.nan)
    gaps = _gaps(question, scores, picks)
    reasons = [_reason(question, n, picks, scores, gaps[n]) for n in range(len(picks))]
    rows = told.table
    order = np.lexsort((np.arange(len(picks)), -np.nan_to_num(scores, nan=-1.0), ~picks))
    villages = pd.DataFrame({
        "division_code": rows["division_code"].to_numpy(), "village": rows["village"].to_numpy(),
        "chosen": picks, "score": scores, "draws": share, "weights": varied, "poorest": poorest,
        "gap": gaps, "reason": [why for why, _ in reasons], "about": [of for _, of in reasons],
        "cost": _cost(rows),
    }).iloc[order].reset_index(drop=True)  # fmt: skip
    values = pd.DataFrame(told.values, columns=list(told.names))
    values.insert(0, "village", rows["village"].to_numpy())
    out = [n for n in range(len(picks)) if not picks[n] and question.allowed[n]]
    near = min(out, key=lambda n: (gaps[n], n)) if out else None
    named = dict(zip(told.names, question.weights.tolist(), strict=True))
    conditions, _ = read_musts(rank.must, told.table)
    return Ranking(
        villages, values.iloc[order].reset_index(drop=True),
        _changes(told, question, out, gaps), named, rank.choose, rank.budget, rank.scenario,
        "" if near is None else str(rows["village"].iloc[near]), _count(question, rank), rank.seed,
        unequal, tuple(str(c) for c in conditions),
    )  # fmt: skip


def _gaps(question: _Question, scores: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """What a chosen village's score could lose, what another's would have to gain."""
    from dataclasses import replace

    held = np.where(question.allowed, np.nan_to_num(scores), 0.0)
    best = float(held[picks].sum())
    out = np.full(len(scores), np.nan)
    for n in np.flatnonzero(question.allowed):
        if picks[n]:
            if question.forced[n]:
                continue
            allowed = question.allowed.copy()
            allowed[n] = False
            other = replace(question, allowed=allowed, sets=None)
        else:
            forced = question.forced.copy()
            forced[n] = True
            if forced.sum() > question.choose:
                continue
            other = replace(question, forced=forced, sets=None)
        if question.sets is not None:
            kept = question.sets[question.sets[:, n] != picks[n]]
            out[n] = best - float((kept @ held).max()) if len(kept) else np.nan
            continue
        try:
            found = solve_by_milp(other, held)
        except ConfigError:
            continue
        out[n] = best - float(held[found].sum())
    return np.maximum(out, 0.0)


def _reason(
    question: _Question, n: int, picks: np.ndarray, scores: np.ndarray, gap: float
) -> tuple[str, str]:
    """Why a village is chosen or not."""
    if question.forced[n]:
        return "must_be", ""
    if picks[n]:
        return ("chosen", "") if np.isfinite(gap) else ("all", "")
    if question.barred[n][0]:
        return question.barred[n]
    weakest = min((scores[k] for k in np.flatnonzero(picks) if not question.forced[k]),
                  default=math.inf)  # fmt: skip
    left = question.budget - float(question.cost[picks].sum())
    place = int(picks.sum()) < question.choose
    if scores[n] > weakest or place or not np.isfinite(gap):
        # Only the money stands in the way.
        return "budget", f"{question.cost[n]:.0f}\0{left:.0f}"
    return "score", ""


def _changes(
    told: Criteria, question: _Question, rows: Sequence[int], gaps: np.ndarray
) -> pd.DataFrame:
    """What each criterion alone would have to become for a village to be chosen."""
    out = []
    size, span = np.abs(question.weights), question.high - question.low
    for n in rows:
        if not np.isfinite(gaps[n]):
            continue
        for k, name in enumerate(told.names):
            if size[k] == 0 or span[k] == 0:
                continue
            step = gaps[n] * size.sum() / size[k] * span[k]
            value = float(told.values[n, k])
            needed = value + (step if question.weights[k] > 0 else -step)
            if needed < 0 <= float(np.nanmin(told.values[:, k])):
                # What is never below zero can't go there: this alone will not do.
                needed = math.nan
            out.append((told.table["village"].iloc[n], name, value, needed))
    return pd.DataFrame(out, columns=["village", "criterion", "value", "needed"])
