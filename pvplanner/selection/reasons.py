"""Why each household has its phase, or none: limits without which some best list takes it sooner.

A reason is asked of the programme itself: the limit is left out and it is solved again. Where one
limit does not do, several are named, as few as will. In large programmes the limits are named that
are full for a household in every phase before its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pvplanner.selection.problem import Problem
from pvplanner.selection.programme import (
    TINY,
    Choice,
    InfeasibleError,
    Programme,
    stacked,
)

ASKED = 150
"""Up to so many yes-or-no questions each household is asked about by itself."""

SAME = 1e-7
"""Two choices that differ by less than this share count alike."""

CHOSEN, WORTH, ROOF = "chosen", "worth", "roof"
"""Codes of who is in the first phase, who would be taken under no limit, whose roof is shared."""


def explain(programme: Programme, choice: Choice) -> list[tuple[str, ...]]:
    """Codes of the reason of each household, in the order of the problem.

    Returns
    -------
    list of tuple of str
        ``("chosen",)`` in the first phase; names of limits (``budget:1``, ``node:T3``,
        ``capacity``, ``share:low_income``); ``("worth",)`` where it brings less than nothing by
        what is sought; ``("protected",)`` and the like where it can't be chosen.
    """
    problem, alike = programme.problem, programme.problem.alike()
    out: list[tuple[str, ...]] = [()] * problem.count
    for n in range(problem.count):
        if n in problem.barred:
            out[n] = (problem.barred[n],)
        elif choice.phase[n] == 0:
            out[n] = (CHOSEN,)
    waiting = [n for n in range(problem.count) if not out[n]]
    if programme.size > ASKED:
        for n, codes in zip(waiting, _full(programme, choice, waiting), strict=True):
            out[n] = codes
        return out
    _ask_each_limit(programme, choice, out, waiting, alike)
    told: dict[tuple[int, int], tuple[str, ...]] = {}
    for n in (n for n in waiting if not out[n]):
        own = int(alike[n]), int(choice.phase[n])
        if own not in told:
            told[own] = _ask_alone(programme, choice, n)
        out[n] = told[own]
    return out


def may_be(problem: Problem, programme: Programme, choice: Choice, n: int) -> list[str]:
    """Limits that may stand against a household, the nearest first."""
    phase = choice.phase[n]
    mates = np.flatnonzero(problem.group == problem.group[n])
    chain = dict.fromkeys(f"node:{c}" for m in mates for c in
                          (problem.chain[m] if problem.chain else ()))  # fmt: skip
    last = problem.phases if phase < 0 else phase
    budgets = [f"budget:{p + 1}" for p in range(last)]
    shares = [name for name in programme.names if name.startswith("share:")]
    wanted = [*chain, "capacity", *budgets, *shares]
    # What others must have may leave nothing.
    wanted += [name for name in programme.names if name.startswith("must:")]
    return [name for name in wanted if name in programme.names]


def sooner(programme: Programme, choice: Choice, n: int) -> np.ndarray:
    """Cells of a household's options in phases before its own."""
    phases = programme.problem.phases
    last = phases if choice.phase[n] < 0 else choice.phase[n]
    rows = np.flatnonzero(programme.problem.household == n)
    return np.asarray((rows[:, None] * phases + np.arange(last)).reshape(-1), dtype=np.int64)


def _ask_each_limit(
    programme: Programme, choice: Choice, out: list[tuple[str, ...]], waiting: list[int],
    alike: np.ndarray,
) -> None:  # fmt: skip
    """Leave out one limit after the other: whoever comes sooner then has found its reason."""
    problem = programme.problem
    own = {n: may_be(problem, programme, choice, n) for n in waiting}
    order = dict.fromkeys(name for names in own.values() for name in names)
    nodes = [name for name in order if name.startswith("node:")]
    for name in [*nodes, *(n for n in order if n not in nodes)]:
        left = [n for n in waiting if not out[n] and name in own[n]]
        if not left:
            continue
        try:
            found = programme.solve(without=[name])
        except InfeasibleError:
            continue
        moved = {(alike[n], choice.phase[n]) for n in left if _comes(programme, found, choice, n)}
        for n in left:
            if (alike[n], choice.phase[n]) in moved:
                out[n] = (name,)


def _comes(programme: Programme, found: Choice, choice: Choice, n: int) -> bool:
    cells = sooner(programme, choice, n)
    return bool(found.parts.reshape(-1)[cells].sum() > 0.5)


def _takes(programme: Programme, without: list[str], force: np.ndarray) -> bool:
    """Whether, without some limits, a best choice takes one of these cells."""
    try:
        best = programme.solve(without=without)
        own = programme.solve(without=without, force=force)
    except InfeasibleError:
        return False
    slack = max(programme.gap, SAME) * max(abs(best.objective), 1e-9)
    return own.objective >= best.objective - slack


def _ask_alone(programme: Programme, choice: Choice, n: int) -> tuple[str, ...]:
    """The fewest limits, one by one dropped from all, without which it would come sooner."""
    force = sooner(programme, choice, n)
    names = may_be(programme.problem, programme, choice, n)
    for name in names:
        if _takes(programme, [name], force):
            return (name,)
    if not names or not _takes(programme, names, force):
        return (WORTH,)
    while True:
        # What could be left out may be another limit once one is gone: until none can be.
        fewer = next(
            (left for name in names if (left := [other for other in names if other != name])
             and _takes(programme, left, force)),
            None,
        )  # fmt: skip
        if fewer is None:
            return tuple(names)
        names = fewer


def _full(programme: Programme, choice: Choice, waiting: list[int]) -> list[tuple[str, ...]]:
    """Of a large programme: what leaves no room for each household in any phase before its own."""
    problem = programme.problem
    rows = programme.limits
    if not rows or not waiting:
        return [(WORTH,)] * len(waiting)
    matrix, _, most = stacked(rows, programme.size)
    spare = most - matrix @ programme.cells(choice)
    columns = matrix.tocsc()
    names = [row.name for row in rows]
    best = np.full(problem.count, -np.inf)
    np.maximum.at(best, problem.household, programme.worth.max(axis=1, initial=-np.inf))
    out: list[tuple[str, ...]] = []
    for n in waiting:
        if best[n] <= 0 and choice.phase[n] < 0:
            out.append((WORTH,))
            continue
        free = spare
        if choice.phase[n] >= 0:
            # What it takes where it stands, it would no longer take there.
            own = int(choice.option[n]) * problem.phases + int(choice.phase[n])
            free = spare + columns[:, [own]].toarray()[:, 0]
        told = [_against(columns, free, names, int(cell)) for cell in sooner(programme, choice, n)]
        every = dict.fromkeys(name for one in told for name in one)
        # Where there is room and yet it is not taken, its roof's others stand against it.
        out.append(tuple(sorted(every, key=_order)) if all(told) and told else (ROOF,))
    return out


def _order(name: str) -> tuple[bool, str]:
    return not name.startswith("node:"), name


def _against(columns: Any, spare: np.ndarray, names: list[str], cell: int) -> tuple[str, ...]:
    """Limits that a household in a phase would break."""
    begin, end = columns.indptr[cell], columns.indptr[cell + 1]
    at, more = columns.indices[begin:end], columns.data[begin:end]
    hit = at[more > spare[at] + TINY]
    return tuple(dict.fromkeys(names[n] for n in np.sort(hit)))
