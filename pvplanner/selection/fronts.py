"""Trade-offs: what one goal costs of another, and what a choice hangs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError
from pvplanner.selection.choosing import best_of
from pvplanner.selection.problem import Problem
from pvplanner.selection.programme import Choice, Programme

LOOSE = 0.005
"""Pictures need no finer search."""


def totals_of(problem: Problem, choice: Choice, case: int = 0) -> dict[str, float]:
    """What a choice brings of each goal, in its own unit, and what it takes."""
    taken = choice.option[choice.option >= 0]
    out = {name: float(values[taken, case].sum()) for name, values in problem.values.items()}
    homes = problem.household[taken]
    return {**out, "capital": float(problem.capital[taken].sum()),
            "kw": float(problem.kw[homes].sum()), "households": float(len(taken))}  # fmt: skip


def front(
    problem: Problem, choice: Choice, first: str, second: str, *, points: int = 9,
    nodes: int = 10_000,
) -> pd.DataFrame:  # fmt: skip
    """Lists between the most of one goal and the most of another, with the chosen one marked.

    Returns
    -------
    DataFrame
        ``weight`` (of ``first``), the two goals, ``chosen``; lists that another one beats in both
        are left out, the chosen one is not.
    """
    rows = []
    for weight in np.linspace(0, 1, points):
        # A grain of the other goal: of lists that are alike in one the better in the other.
        both = {first: max(weight, 1e-3), second: max(1 - weight, 1e-3)}
        made = best_of(Programme(replace(problem, weights=both), gap=LOOSE, nodes=nodes))
        told = totals_of(problem, made)
        rows.append((weight, told[first], told[second], False))
    own = totals_of(problem, choice)
    rows.append((np.nan, own[first], own[second], True))
    out = pd.DataFrame(rows, columns=["weight", first, second, "chosen"])
    values = out[[first, second]].to_numpy()
    beaten = [
        not chosen and any(((o >= v).all() and (o > v + 1e-9).any()) for o in values)
        for v, chosen in zip(values, out["chosen"], strict=True)
    ]
    kept = out[~np.array(beaten)].sort_values("chosen", ascending=False, kind="stable")
    kept = kept.drop_duplicates([first, second])
    return kept.sort_values([first, "chosen"], kind="stable").reset_index(drop=True)


def variations(problem: Problem, cases: Mapping[str, int]) -> dict[str, Problem]:
    """The same question with one thing otherwise: budget, price case, open capacity."""
    out: dict[str, Problem] = {}
    if problem.budget is not None:
        out["budget_less"] = problem.with_budget(0.8)
        out["budget_more"] = problem.with_budget(1.2)
    if problem.nodes:
        less = {name: np.asarray(open_) * 0.8 for name, open_ in problem.nodes.items()}
        out["grid_less"] = replace(problem, nodes=less)
    for name, at in cases.items():
        if problem.how != f"case:{at}":
            out[f"case_{name}"] = replace(problem, how=f"case:{at}")
    return out


def hangs_on(
    problem: Problem, choice: Choice, cases: Mapping[str, int], *, nodes: int = 10_000
) -> tuple[pd.DataFrame, np.ndarray]:
    """What becomes of the list when one thing is otherwise.

    Returns
    -------
    DataFrame
        ``varied``, ``entered``, ``left``, ``moved`` (households that come in, go out, change their
        phase), ``households``.
    ndarray, shape (households,)
        In what share of these each household has its phase.
    """
    rows, same = [], []
    for name, other in variations(problem, cases).items():
        try:
            made = best_of(Programme(other, gap=LOOSE, nodes=nodes))
        except ConfigError:
            rows.append((name, np.nan, np.nan, np.nan, np.nan))
            continue
        had, has = choice.phase >= 0, made.phase >= 0
        moved = had & has & (choice.phase != made.phase)
        rows.append((name, (has & ~had).sum(), (had & ~has).sum(), moved.sum(), has.sum()))
        same.append((made.phase == choice.phase).astype(float))
    names = ["varied", "entered", "left", "moved", "households"]
    told = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[1:], float))
    share = np.mean(same, axis=0) if same else np.ones(problem.count)
    return told, np.asarray(share)
