"""Choosing: the best list, equals in a stated order, and what stands against an impossible wish."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pvplanner.errors import ConfigError, listed
from pvplanner.selection.problem import Problem
from pvplanner.selection.programme import TINY, Choice, InfeasibleError, Programme
from pvplanner.selection.reasons import explain

FEW = 150
"""Up to so many yes-or-no questions equal lists are told apart by asking once more; of larger ones
only households that nothing tells apart are put in order."""


@dataclass(frozen=True)
class Chosen:
    """A list with its reasons.

    Attributes
    ----------
    choice : Choice
    reasons : list of tuple of str
        Codes, in the order of the problem's households.
    """

    choice: Choice
    reasons: list[tuple[str, ...]]


def choose(problem: Problem, *, gap: float = 1e-3, nodes: int = 100_000) -> Chosen:
    """The best list of households, models and phases, with a reason for each.

    A small question is searched to the end, whatever the gap.

    Of lists that count alike the one is taken that has the households that stand first in the order
    of the problem, soonest.

    Raises
    ------
    ConfigError
        If wishes contradict each other: the limits that do are named.
    """
    problem.checked()
    few = problem.options * problem.phases <= FEW
    programme = Programme(problem, gap=0.0 if few else gap, nodes=nodes)
    choice = best_of(programme)
    return Chosen(choice, explain(programme, choice))


def best_of(programme: Programme) -> Choice:
    """The best choice, limits met to the last digit, equals in order.

    Raises
    ------
    ConfigError
        If there is none.
    """
    try:
        choice = _kept(programme, programme.solve())
    except InfeasibleError:
        names = conflict(programme)
        raise ConfigError(
            "selection_infeasible", where="selection", limits=listed(names, 12)
        ) from None
    if programme.size > FEW:
        choice = programme.polished(choice)
    elif choice.exact:
        choice = _first_of_equals(programme, choice)
    return _in_order(programme, choice)


def _kept(programme: Programme, choice: Choice) -> Choice:
    """A choice that meets its limits; the solver's own allowance is taken off where it used it."""
    for _ in range(3):
        names = programme.broken(programme.cells(choice), programme.limits)
        if not names:
            return choice
        x = programme.cells(choice)
        programme.limits = [
            replace(row, most=row.most - 2 * max(float(row.value @ x[row.at]) - row.most, TINY))
            if row.name in names and row.least == -np.inf else row
            for row in programme.limits
        ]  # fmt: skip
        choice = programme.solve()
    return choice


def _first_of_equals(programme: Programme, choice: Choice) -> Choice:
    """Of all that count as much, the list that has the first households soonest."""
    problem = programme.problem
    place = np.arange(problem.count, 0, -1)[problem.household]
    prefer = (place[:, None] * np.arange(problem.phases, 0, -1)).reshape(-1).astype(float)
    slack = 1e-9 * max(abs(choice.objective), 1.0)
    try:
        again = programme.solve(least=choice.objective - slack, prefer=prefer)
    except InfeasibleError:
        return choice
    if programme.broken(programme.cells(again)):
        return choice
    if again.objective < choice.objective - 10 * slack:
        return choice
    return replace(again, bound=choice.bound, nodes=choice.nodes)


def _in_order(programme: Programme, choice: Choice) -> Choice:
    """Households that nothing tells apart take their phases in the order of the list."""
    problem = programme.problem
    alike = problem.alike()
    option, phase = choice.option.copy(), choice.phase.copy()
    begin: dict[int, list[int]] = {}
    for row, home in enumerate(problem.household):
        begin.setdefault(int(home), []).append(row)
    for kind in np.unique(alike):
        members = np.flatnonzero(alike == kind)
        if len(members) < 2:
            continue
        taken = [
            (phase[n] if phase[n] >= 0 else problem.phases,
             begin[int(n)].index(int(option[n])) if option[n] >= 0 else -1)
            for n in members
        ]  # fmt: skip
        for n, (when, which) in zip(members, sorted(taken), strict=True):
            phase[n] = -1 if when == problem.phases else when
            option[n] = -1 if which < 0 else begin[int(n)][which]
    return replace(choice, option=option, phase=phase)


def conflict(programme: Programme) -> list[str]:
    """Limits that can't be met together, none of which could be left out; as few as can be told."""
    names = list(programme.names)
    left: list[str] = []
    for name in names:
        try:
            programme.solve(without=[*left, name], relaxed=programme.size > 10 * FEW)
        except InfeasibleError:
            left.append(name)
    return [name for name in names if name not in left]


def stays(problem: Problem, base: Choice, others: list[Choice]) -> np.ndarray:
    """In what share of other choices each household has the phase that it has here."""
    if not others:
        return np.ones(problem.count)
    same = [(one.phase == base.phase).astype(float) for one in others]
    return np.asarray(np.mean(same, axis=0))


def who_moves(before: Choice, after: Choice, ids: tuple[str, ...]) -> list[tuple[str, int, int]]:
    """Households whose phase is another one: name, phase before and after (0: none)."""
    apart = np.flatnonzero(before.phase != after.phase)
    return [(ids[n], int(before.phase[n]) + 1, int(after.phase[n]) + 1) for n in apart]
