"""The mixed-integer programme: households, models and phases under limits, by HiGHS (scipy).

Every limit has a name, so that it can be left out and the programme be asked again: that is what a
reason is held against.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array

from pvplanner.selection.problem import ANY_HAMLET, LOW_INCOME, Problem

TINY = 1e-6
"""Limits hold to a millionth of a yuan, a kilowatt or a household."""

LARGE = 60_000
"""Beyond so many yes-or-no questions the relaxation is rounded, and its bound is stated."""


@dataclass(frozen=True)
class Row:
    """A limit: what it is called, and its coefficients; ``sum(value x) <= most``."""

    name: str
    at: np.ndarray
    value: np.ndarray
    most: float
    least: float = -np.inf


@dataclass(frozen=True)
class Choice:
    """What was found.

    Attributes
    ----------
    option : ndarray of int, shape (households,)
        Chosen option; -1 for none.
    phase : ndarray of int, shape (households,)
        From 0; -1 for none.
    objective, bound : float
        What it counts, and what no choice can exceed.
    exact : bool
        Whether yes and no were searched, and not rounded from parts.
    nodes : int
        Branches that were looked at.
    parts : ndarray, shape (options, phases)
        The relaxation's answer, of one that was rounded; else zeros and ones.
    """

    option: np.ndarray
    phase: np.ndarray
    objective: float
    bound: float
    exact: bool
    nodes: int
    parts: np.ndarray

    @property
    def gap(self) -> float:
        """How far from the best there can be, at most; a share of it."""
        size = max(abs(self.bound), abs(self.objective))
        return 0.0 if size == 0 else max(self.bound - self.objective, 0.0) / size


class InfeasibleError(Exception):
    """No choice meets all limits."""


def limits_of(problem: Problem) -> list[Row]:
    """Every limit that a choice must meet, under its name."""
    phases, options = problem.phases, problem.options
    home, every = problem.household, np.arange(options)

    def at(rows: np.ndarray, phase: int) -> np.ndarray:
        return rows * phases + phase

    out: list[Row] = []
    if problem.budget is not None:
        for p in range(phases):
            earlier = range(p if problem.reuse > 0 else 0)
            spent = [at(every, p), *(at(every, q) for q in earlier)]
            cost = [problem.capital, *(-problem.reuse * problem.income for _ in earlier)]
            row = Row(f"budget:{p + 1}", np.concatenate(spent), np.concatenate(cost),
                      float(problem.budget[p]))  # fmt: skip
            out.append(row)
    under: dict[str, list[int]] = {name: [] for name in problem.nodes}
    for n, h in enumerate(home):
        for name in problem.chain[h] if problem.chain else ():
            under[name].append(n)
    for name, open_ in problem.nodes.items():
        rows = np.array(under[name], dtype=np.int64)
        for p in range(phases):
            # Of alike limits the last phase says it all.
            if p + 1 < phases and open_[p] >= open_[p + 1]:
                continue
            cells = np.concatenate([at(rows, q) for q in range(p + 1)])
            values = np.tile(problem.kw[home[rows]], p + 1)
            out.append(Row(f"node:{name}", cells, values, float(open_[p])))
    whole = np.arange(options * phases)
    own = home[whole // phases]
    if problem.capacity_kw is not None:
        out.append(Row("capacity", whole, problem.kw[own], float(problem.capacity_kw)))
    for name, share in problem.min_share.items():
        for part, inside in _shares(problem, name):
            out.append(Row(f"share:{part}", whole, share - inside[own].astype(float), 0.0))
    for h in problem.must:
        rows = np.flatnonzero(home == h)
        cells = (rows[:, None] * phases + np.arange(phases)).reshape(-1)
        out.append(Row(f"must:{problem.ids[h]}", cells, np.ones(len(cells)), 1.0, 1.0))
    return out


def _shares(problem: Problem, name: str) -> list[tuple[str, np.ndarray]]:
    """Households of a minimum share; of ``hamlet`` each hamlet's."""
    if name == LOW_INCOME:
        return [(name, problem.low_income)]
    hamlets = np.array(problem.hamlet, dtype=object)
    wanted = sorted({h for h in problem.hamlet if h}) if name == ANY_HAMLET else [name]
    return [(one, hamlets == one) for one in wanted]


def _structure(problem: Problem) -> list[Row]:
    """Each household once; those of one roof together."""
    phases, home = problem.phases, problem.household
    out = []
    order = np.argsort(home, kind="stable")
    begin = np.searchsorted(home[order], np.arange(problem.count + 1))

    def cells(h: int) -> np.ndarray:
        return order[begin[h] : begin[h + 1]]

    for h in range(problem.count):
        rows = cells(h)
        if len(rows):
            at = (rows[:, None] * phases + np.arange(phases)).reshape(-1)
            out.append(Row("once", at, np.ones(len(at)), 1.0))
    groups = np.argsort(problem.group, kind="stable")
    for a, b in itertools.pairwise(groups):
        if problem.group[a] != problem.group[b]:
            continue
        for p in range(phases):
            one, two = cells(a) * phases + p, cells(b) * phases + p
            value = np.concatenate([np.ones(len(one)), -np.ones(len(two))])
            out.append(Row("roof", np.concatenate([one, two]), value, 0.0, 0.0))
    return out


class Programme:
    """A problem made ready to be asked, with or without some of its limits.

    Parameters
    ----------
    problem : Problem
    gap : float
        The search ends when it is proven to lie so close to the best.
    nodes : int
        Or after so many branches; never by the clock.
    """

    def __init__(self, problem: Problem, *, gap: float = 1e-3, nodes: int = 100_000) -> None:
        self.problem, self.gap, self.nodes = problem, gap, nodes
        self.limits, self.structure = limits_of(problem), _structure(problem)
        self.names = tuple(dict.fromkeys(row.name for row in self.limits))
        self.worth = problem.worth()
        self.size = problem.options * problem.phases
        self.upper = np.ones(self.size)
        barred = np.isin(problem.household, list(problem.barred))
        self.upper[np.repeat(barred, problem.phases)] = 0.0

    def gains(self) -> np.ndarray:
        """What each option in each phase counts; shape (cases, options x phases)."""
        later = self.problem.later()
        return np.asarray((self.worth.T[:, :, None] * later).reshape(self.worth.shape[1], -1))

    def _aim(self) -> tuple[np.ndarray, bool]:
        gains, how = self.gains(), self.problem.how
        if how == "worst":
            return gains, True
        if how == "expected":
            return gains.mean(axis=0), False
        return gains[int(how.removeprefix("case:"))], False

    def counts(self, x: np.ndarray) -> float:
        """What a choice counts for, by the problem's case."""
        aim, worst = self._aim()
        return float((aim @ x).min()) if worst else float(aim @ x)

    def solve(
        self,
        *,
        without: Iterable[str] = (),
        force: np.ndarray | None = None,
        relaxed: bool = False,
        least: float | None = None,
        prefer: np.ndarray | None = None,
    ) -> Choice:
        """The best choice.

        Parameters
        ----------
        without : iterable of str
            Limits that are left out.
        force : ndarray of int, optional
            Of these cells (option x phases + phase) one must be chosen.
        relaxed : bool
            Parts of households are allowed: quick, and a bound.
        least : float, optional
            What the choice must count for at least; then ``prefer`` is sought.
        prefer : ndarray, shape (options x phases,), optional

        Raises
        ------
        InfeasibleError
            If no choice meets all limits.
        """
        left = set(without)
        rows = [*self.structure, *(row for row in self.limits if row.name not in left)]
        if force is not None:
            rows.append(Row("force", force, np.ones(len(force)), np.inf, 1.0))
        aim, worst = self._aim()
        if worst:
            # One more unknown: what the worst case counts for.
            rows += [Row("worst", np.append(np.arange(self.size), self.size), np.append(-g, 1.0),
                         0.0) for g in aim]  # fmt: skip
            cost = np.append(np.zeros(self.size), -1.0)
        else:
            cost = -aim
        if least is not None and prefer is not None:
            rows.append(Row("least", np.arange(len(cost)), cost, -least))
            cost = -np.append(prefer, 0.0) if worst else -prefer
        return self._run(rows, cost, relaxed or self.size > LARGE, rounded=not relaxed)

    def _run(self, rows: list[Row], cost: np.ndarray, parts: bool, *, rounded: bool) -> Choice:
        extra = len(cost) - self.size
        upper = np.append(self.upper, np.full(extra, np.inf))
        lower = np.append(np.zeros(self.size), np.full(extra, -np.inf))
        matrix, low, high = stacked(rows, len(cost))
        if self.size == 0:
            return self._choice(np.zeros(0), 0.0, 0, exact=True)
        if parts:
            found = _relaxed(cost, matrix, low, high, lower, upper)
            x, bound = found[: self.size], -float(cost @ found)
            if rounded:
                made = self._choice(self._filled(x), bound, 0, exact=False)
                return Choice(made.option, made.phase, made.objective, bound, False, 0,
                              x.reshape(-1, self.problem.phases))  # fmt: skip
            return self._choice(x, bound, 0, exact=False, whole=False)
        options = {"mip_rel_gap": self.gap, "node_limit": self.nodes, "presolve": True}
        told = np.append(np.ones(self.size), np.zeros(extra))
        with _silent():
            answer = milp(
                cost, integrality=told, bounds=Bounds(lower, upper), options=options,
                constraints=LinearConstraint(matrix, low, high) if len(rows) else (),
            )  # fmt: skip
        if answer.x is None:
            raise InfeasibleError
        x = np.rint(answer.x[: self.size])
        bound = -float(answer.mip_dual_bound)
        return self._choice(x, bound, int(answer.mip_node_count or 0), exact=True)

    def _choice(
        self, x: np.ndarray, bound: float, nodes: int, *, exact: bool, whole: bool = True
    ) -> Choice:
        phases, home = self.problem.phases, self.problem.household
        option = np.full(self.problem.count, -1)
        phase = np.full(self.problem.count, -1)
        table = x.reshape(-1, phases) if len(x) else np.zeros((0, phases))
        if whole:
            rows, when = np.nonzero(table > 0.5)
            option[home[rows]], phase[home[rows]] = rows, when
        counted = self.counts(x) if len(x) else 0.0
        return Choice(option, phase, counted, max(bound, counted), exact, nodes, table)

    def cells(self, choice: Choice) -> np.ndarray:
        """A choice as zeros and ones; shape (options x phases,)."""
        x = np.zeros(self.size)
        taken = np.flatnonzero(choice.option >= 0)
        x[choice.option[taken] * self.problem.phases + choice.phase[taken]] = 1.0
        return x

    def broken(self, x: np.ndarray, rows: Iterable[Row] | None = None) -> list[str]:
        """Names of limits that a choice does not meet."""
        every = [*self.structure, *self.limits] if rows is None else list(rows)
        out = []
        for row in every:
            used = float(row.value @ x[row.at])
            if used > row.most + TINY or used < row.least - TINY:
                out.append(row.name)
        return list(dict.fromkeys(out))

    def _filled(self, x: np.ndarray) -> np.ndarray:
        """A relaxation's answer in whole households: those it takes whole stay, then the best that
        still fit come in, by what they count for.
        """
        rows = [*self.limits, *self.structure]
        matrix, _, high = stacked(rows, self.size)
        columns = matrix.tocsc()
        whole = np.where(x > 1 - 1e-7, 1.0, 0.0)
        groups = self._by_roof(whole)
        used = matrix @ groups
        aim, worst = self._aim()
        gain = aim.min(axis=0) if worst else aim
        # Those that the relaxation took a part of first, then by worth over what is scarce.
        order = np.lexsort((np.arange(len(x)), -gain, -np.round(x, 9)))
        wanted = order[(gain[order] > 0) | (x[order] > 1e-9)]
        single = np.bincount(self.problem.group, minlength=self.problem.count)
        alone = single[self.problem.group] == 1
        taken = np.zeros(self.problem.count, dtype=bool)
        held = np.flatnonzero(groups > 0.5)
        taken[self.problem.household[held // self.problem.phases]] = True
        for cell in wanted:
            home = self.problem.household[cell // self.problem.phases]
            if taken[home] or not alone[home] or self.upper[cell] == 0:
                continue
            begin, end = columns.indptr[cell], columns.indptr[cell + 1]
            at, add = columns.indices[begin:end], columns.data[begin:end]
            if (used[at] + add <= high[at] + TINY).all():
                used[at] += add
                groups[cell], taken[home] = 1.0, True
        return self._mended(groups, gain)

    def polished(self, choice: Choice) -> Choice:
        """A choice into which whoever still fits comes in, and comes sooner where there is room."""
        x = self.cells(choice)
        aim, worst = self._aim()
        gain = aim.min(axis=0) if worst else aim
        matrix, _, high = stacked(self.limits, self.size)
        columns = matrix.tocsc()
        used = matrix @ x
        phases, home = self.problem.phases, self.problem.household
        alone = np.bincount(self.problem.group, minlength=self.problem.count)
        own = np.full(self.problem.count, -1)
        held = np.flatnonzero(x > 0.5)
        own[home[held // phases]] = held
        for cell in np.argsort(-gain, kind="stable"):
            n, before = home[cell // phases], own[home[cell // phases]]
            better = gain[cell] - (gain[before] if before >= 0 else 0.0)
            if better <= 0 or self.upper[cell] == 0 or alone[self.problem.group[n]] > 1:
                continue
            more = columns[:, [int(cell)]].toarray()[:, 0]
            if before >= 0:
                more = more - columns[:, [int(before)]].toarray()[:, 0]
            if (used + more <= high + TINY).all():
                used, own[n] = used + more, cell
                x[cell] = 1.0
                if before >= 0:
                    x[before] = 0.0
        made = self._choice(x, choice.bound, choice.nodes, exact=choice.exact)
        return made if not self.broken(x) and made.objective >= choice.objective else choice

    def _mended(self, x: np.ndarray, gain: np.ndarray) -> np.ndarray:
        """A choice from which those go that are worth least to a limit which it breaks."""
        must = set(self.problem.must)
        for _ in range(len(self.limits)):
            names = set(self.broken(x, self.limits))
            rows = [row for row in self.limits if row.name in names and row.least == -np.inf]
            if not rows:
                break
            for row in rows:
                inside = row.at[(x[row.at] > 0.5) & (row.value > 0)]
                value = dict(zip(row.at.tolist(), row.value.tolist(), strict=True))
                over = float(row.value @ x[row.at]) - row.most
                order = sorted(inside.tolist(), key=lambda c: (gain[c] / value[c], -c))
                for cell in order:
                    if over <= TINY:
                        break
                    if self.problem.household[cell // self.problem.phases] not in must:
                        x[cell], over = 0.0, over - value[cell]
            x = self._by_roof(x)
        return x

    def _by_roof(self, x: np.ndarray) -> np.ndarray:
        """Of those that share a roof all or none."""
        phases, problem = self.problem.phases, self.problem
        table = x.reshape(-1, phases)
        out = np.zeros_like(table)
        np.maximum.at(out, np.arange(len(table)), table)
        size = np.bincount(problem.group, minlength=problem.count)
        for p in range(phases):
            took = np.zeros(problem.count)
            np.maximum.at(took, problem.household, table[:, p])
            together = np.bincount(problem.group, weights=took, minlength=problem.count)
            broken = (together != 0) & (together != size)
            out[np.isin(problem.group[problem.household], np.flatnonzero(broken)), p] = 0.0
        return out.reshape(-1)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """HiGHS prints a line of its own inner doings now and then: not into our output."""
    try:
        kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    except OSError:
        yield
        return
    try:
        os.dup2(nothing, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def stacked(rows: list[Row], width: int) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """Limits as a sparse matrix between bounds; each is scaled by its largest coefficient."""
    if not rows:
        return csr_array((0, width)), np.zeros(0), np.zeros(0)
    scale = np.array([max(float(np.abs(row.value).max(initial=0.0)), 1e-12) for row in rows])
    which = np.repeat(np.arange(len(rows)), [len(row.at) for row in rows])
    at = np.concatenate([row.at for row in rows])
    value = np.concatenate([row.value for row in rows]) / scale[which]
    matrix = coo_array((value, (which, at)), shape=(len(rows), width)).tocsr()
    low = np.array([row.least for row in rows]) / scale
    high = np.array([row.most for row in rows]) / scale
    return matrix, low, high


def _relaxed(
    cost: np.ndarray, matrix: csr_array, low: np.ndarray, high: np.ndarray, lower: np.ndarray,
    upper: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The same with parts of households."""
    same = low == high
    most = np.isfinite(high) & ~same
    least = np.isfinite(low) & ~same
    from scipy.sparse import vstack

    above = vstack([matrix[most], -matrix[least]]) if (most | least).any() else None
    limits = np.concatenate([high[most], -low[least]])
    answer = linprog(
        cost, A_ub=above, b_ub=limits if above is not None else None,
        A_eq=matrix[same] if same.any() else None, b_eq=high[same] if same.any() else None,
        bounds=np.column_stack([lower, upper]), method="highs",
    )  # fmt: skip
    if answer.x is None:
        raise InfeasibleError
    return np.asarray(answer.x, dtype=float)
