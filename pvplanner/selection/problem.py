"""What a village may choose from, what it seeks, and what stands against it; as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pvplanner.errors import ConfigError, listed

ANY_HAMLET, LOW_INCOME = "hamlet", "low_income"
"""Names of minimum shares that are no hamlet's own."""

PROTECTED, NEVER, NOTHING, UNKNOWN = "protected", "never", "nothing_fits", "unknown_value"
ASIDE = "aside"
"""Why a household can't be chosen at all; ``aside:REASON`` where its building was set aside."""

CLASHES = {
    PROTECTED: "selection_must_protected",
    NEVER: "selection_must_never",
    NOTHING: "selection_must_nothing_fits",
    ASIDE: "selection_must_nothing_fits",
    UNKNOWN: "selection_must_unknown_value",
}
"""Messages about a household that must be chosen and can't."""


@dataclass(frozen=True)
class Problem:
    """Households, their options, and limits. An option is a household under a business model.

    Attributes
    ----------
    ids : tuple of str
        Households in the order that decides between equals.
    household : ndarray of int, shape (options,)
        Place of each option's household.
    models : tuple of str
        Of each option.
    values : dict of str to ndarray, shape (options, cases)
        What each goal counts, in its own unit, by price case.
    capital, income : ndarray, shape (options,)
        What building it takes, and what it earns in a year.
    kw : ndarray, shape (households,)
        AC power.
    group : ndarray of int, shape (households,)
        Households of one number share a roof and are built together.
    hamlet : tuple of str
    low_income : ndarray of bool, shape (households,)
    barred : dict of int to str
        Households that can't be chosen, and why.
    must : tuple of int
    nodes : dict of str to ndarray, shape (phases,)
        What is open at each node in each phase, kW; only where it is known.
    chain : tuple of tuple of str
        Nodes over each household, of those.
    budget : ndarray, shape (phases,), optional
    phases : int
    weights : dict of str to float
    min_share : dict of str to float
    reuse, discount : float
        Share of earlier income that is built with; worth of a phase over that of the one before.
    capacity_kw : float, optional
    how : str
        ``expected``, ``worst``, or the case's place as ``case:N``.
    """

    ids: tuple[str, ...]
    household: np.ndarray
    models: tuple[str, ...]
    values: Mapping[str, np.ndarray]
    capital: np.ndarray
    income: np.ndarray
    kw: np.ndarray
    group: np.ndarray
    hamlet: tuple[str, ...]
    low_income: np.ndarray
    barred: Mapping[int, str] = field(default_factory=dict)
    must: tuple[int, ...] = ()
    nodes: Mapping[str, np.ndarray] = field(default_factory=dict)
    chain: tuple[tuple[str, ...], ...] = ()
    budget: np.ndarray | None = None
    phases: int = 1
    weights: Mapping[str, float] = field(default_factory=lambda: {"npv": 1.0})
    min_share: Mapping[str, float] = field(default_factory=dict)
    reuse: float = 0.0
    discount: float = 1.0
    capacity_kw: float | None = None
    how: str = "case:0"

    @property
    def count(self) -> int:
        """Number of households."""
        return len(self.ids)

    @property
    def options(self) -> int:
        """Number of options."""
        return len(self.household)

    def scales(self) -> dict[str, float]:
        """What each goal is divided by, so that goals of several units can be weighed: all that
        the village's households would bring under their first model. One goal alone keeps its unit.
        """
        sought = [name for name, weight in self.weights.items() if weight > 0]
        first = np.unique(self.household, return_index=True)[1]
        out = {}
        for name in sought:
            whole = float(np.abs(self.values[name][first, 0]).sum())
            out[name] = whole if len(sought) > 1 and whole > 0 else 1.0
        return out

    def worth(self) -> np.ndarray:
        """What each option counts for in each price case; shape (options, cases)."""
        scales = self.scales()
        return np.asarray(
            sum(self.weights[name] * self.values[name] / scale for name, scale in scales.items()),
            dtype=float,
        )

    def later(self) -> np.ndarray:
        """What something built in each phase counts over the first; shape (phases,)."""
        return np.asarray(self.discount ** np.arange(self.phases), dtype=float)

    def alike(self) -> np.ndarray:
        """Number of the class of households that nothing tells apart; shape (households,)."""
        worth, must = np.round(self.worth(), 9), set(self.must)
        parts: list[list[tuple[object, ...]]] = [[] for _ in self.ids]
        for n, home in enumerate(self.household):
            parts[home].append((self.models[n], *worth[n], self.capital[n], self.income[n]))
        single = np.bincount(self.group, minlength=self.count)[self.group] == 1
        seen: dict[tuple[object, ...], int] = {}
        out = np.empty(self.count, dtype=np.int64)
        for n in range(self.count):
            chain = self.chain[n] if self.chain else ()
            own = (tuple(parts[n]), self.kw[n], self.hamlet[n], bool(self.low_income[n]), chain,
                   n in must, self.barred.get(n, ""), -1 if single[n] else n)  # fmt: skip
            out[n] = seen.setdefault(own, len(seen))
        return out

    def with_budget(self, factor: float) -> Problem:
        """The same with more or less to build for."""
        return self if self.budget is None else replace(self, budget=self.budget * factor)

    def checked(self) -> Problem:
        """Itself, if what is wished can be wished.

        Raises
        ------
        ConfigError
            If a household must and may not be chosen.
        """
        clash = [n for n in self.must if n in self.barred]
        if clash:
            names = listed(self.ids[n] for n in clash)
            why = self.barred[clash[0]].partition(":")[0]
            raise ConfigError(CLASHES[why], where="selection.must", ids=names)
        return self


def tied(links: Sequence[tuple[str, str]], ids: Sequence[str]) -> np.ndarray:
    """Groups of households that share a building, directly or through others; shape (ids,).

    Parameters
    ----------
    links : sequence of (building, household)
    ids : sequence of str
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = {name: n for n, name in enumerate(ids)}
    known = [(b, place[h]) for b, h in links if h in place]
    houses = {b: n for n, b in enumerate(dict.fromkeys(b for b, _ in known))}
    rows = np.array([h for _, h in known], dtype=np.int64)
    cols = np.array([len(ids) + houses[b] for b, _ in known], dtype=np.int64)
    size = len(ids) + len(houses)
    web = coo_array((np.ones(len(rows)), (rows, cols)), shape=(size, size))
    return np.asarray(connected_components(web, directed=False)[1][: len(ids)], dtype=np.int64)
