"""Which villages come first, and how sure that is.

The question and its best set are of :mod:`pvplanner.region.sets`. Here the errors of the figures
are drawn, those that villages share together; the weights are varied; and all is done again as if
every village were known as poorly as the poorest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from pvplanner.errors import ConfigError
from pvplanner.region.config import POOREST, Rank
from pvplanner.region.criteria import Criteria, own_table, read_musts, read_own, take_criteria
from pvplanner.region.sets import (
    Question,
    ask,
    best_sets,
    cost_of,
    drawn_values,
    draws_of,
    scores_of,
    solve_by_milp,
    solved_fast,
)
from pvplanner.scenario.refusals import config_error

if TYPE_CHECKING:
    from pvplanner.region.results import Results


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
        alone to bring the village in: ``division_code``, ``village``, ``criterion``, ``value``,
        ``needed`` (nan where it alone can't).
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
    question = ask(told, rank)
    rng = np.random.default_rng(rank.seed)
    picks = best_sets(question, scores_of(told, question, rank, told.values)[None])[0]
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


def _drawn(told: Criteria, question: Question, rank: Rank, rng: np.random.Generator) -> np.ndarray:
    """In which share of draws each village is chosen."""
    values = drawn_values(told, draws_of(question, rank), rng)
    return best_sets(question, scores_of(told, question, rank, values)).mean(axis=0)


def _varied(told: Criteria, question: Question, rank: Rank, rng: np.random.Generator) -> np.ndarray:
    """In which share of varied weights each village is chosen."""
    count = draws_of(question, rank)
    moved = np.exp(rng.normal(0, rank.weight_spread, (count, len(question.weights))))
    values = np.broadcast_to(told.values, (count, *told.values.shape))
    scores = scores_of(told, question, rank, values, question.weights * moved)
    return best_sets(question, scores).mean(axis=0)


def _as_poorest(
    results: Results, own: pd.DataFrame | None, rank: Rank, question: Question
) -> tuple[np.ndarray, bool]:
    """The same with every village known by its outlines alone."""
    nothing = np.full(len(question.allowed), np.nan)
    if POOREST not in results.about["scenarios"]:
        return nothing, False
    rows = results.villages[results.villages["scenario"] == rank.scenario]
    told = _criteria(results, POOREST, own, rank.weights)
    if len(told.keys) != len(rows):
        return nothing, False
    other = ask(told, rank)
    return _drawn(told, other, rank, np.random.default_rng(rank.seed)), True


def _told(
    told: Criteria, question: Question, rank: Rank, picks: np.ndarray, share: np.ndarray,
    varied: np.ndarray, poorest: np.ndarray, unequal: bool,
) -> Ranking:  # fmt: skip
    # On the scale of those that may be chosen nobody else has a score.
    scores = np.where(question.allowed, scores_of(told, question, rank, told.values), np.nan)
    gaps = _gaps(question, scores, picks)
    reasons = [_reason(question, n, picks, scores, gaps[n]) for n in range(len(picks))]
    rows = told.table
    order = np.lexsort((np.arange(len(picks)), -np.nan_to_num(scores, nan=-1.0), ~picks))
    villages = pd.DataFrame({
        "division_code": rows["division_code"].to_numpy(), "village": rows["village"].to_numpy(),
        "chosen": picks, "score": scores, "draws": share, "weights": varied, "poorest": poorest,
        "gap": gaps, "reason": [why for why, _ in reasons], "about": [of for _, of in reasons],
        "cost": cost_of(rows),
    }).iloc[order].reset_index(drop=True)  # fmt: skip
    values = pd.DataFrame(told.values, columns=list(told.names))
    values.insert(0, "village", rows["village"].to_numpy())
    out = [n for n in range(len(picks)) if not picks[n] and question.allowed[n]]
    near = min(out, key=lambda n: (gaps[n], n)) if out else None
    named = dict(zip(told.names, question.weights.tolist(), strict=True))
    conditions, _ = read_musts(rank.must, told.table)
    return Ranking(
        villages, values.iloc[order].reset_index(drop=True),
        _changes(told, question, rank, out, gaps), named, rank.choose, rank.budget, rank.scenario,
        "" if near is None else str(rows["village"].iloc[near]), draws_of(question, rank),
        rank.seed, unequal, tuple(str(c) for c in conditions),
    )  # fmt: skip


def _gaps(question: Question, scores: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """What a chosen village's score could lose, what another's would have to gain."""
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
    question: Question, n: int, picks: np.ndarray, scores: np.ndarray, gap: float
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


FAR, HALVINGS = 30.0, 40
"""Spans of a criterion beyond which nothing is looked for, and how finely."""


def _changes(
    told: Criteria, question: Question, rank: Rank, rows: Sequence[int], gaps: np.ndarray
) -> pd.DataFrame:
    """What each criterion alone would have to become for a village to be chosen.

    A new lowest or highest value moves the scale of all: that is reckoned with.
    """
    out = []
    span = question.high - question.low
    for n in rows:
        for k, name in enumerate(told.names):
            if not np.isfinite(gaps[n]) or question.weights[k] == 0 or span[k] == 0:
                continue
            needed = _needed(told, question, rank, n, k, float(gaps[n]))
            code, village = (told.table[c].iloc[n] for c in ("division_code", "village"))
            out.append((code, village, name, float(told.values[n, k]), needed))
    columns = ["division_code", "village", "criterion", "value", "needed"]
    return pd.DataFrame(out, columns=columns)


def _needed(
    told: Criteria, question: Question, rank: Rank, n: int, k: int, gap: float
) -> float:  # fmt: skip
    """The value at which a village comes in by one criterion; nan where it alone will not do."""
    value, span = float(told.values[n, k]), float(question.high[k] - question.low[k])
    size, sign = np.abs(question.weights), math.copysign(1.0, question.weights[k])

    def comes_in(new: float) -> bool:
        values = told.values.copy()
        values[n, k] = new
        known = values[question.allowed]
        moved = replace(question, low=known.min(axis=0), high=known.max(axis=0))
        return bool(best_sets(moved, scores_of(told, moved, rank, values)[None])[0][n])

    limit = value + sign * FAR * span
    if sign < 0 and float(np.nanmin(told.values[:, k])) >= 0:
        # What is never below zero can't go there.
        limit = 0.0
    near = value + sign * gap * size.sum() / size[k] * span
    if not solved_fast(question):
        # A search would ask the solver some forty times: the straight line is tried alone.
        suffices = sign * (limit - near) >= 0 and comes_in(near + sign * 1e-6 * span)
        return near if suffices else math.nan
    if not comes_in(limit):
        return math.nan
    out, inside = value, limit
    for _ in range(HALVINGS):
        middle = (out + inside) / 2
        out, inside = (out, middle) if comes_in(middle) else (middle, inside)
    return inside
