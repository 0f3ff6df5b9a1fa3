"""A plan of one village or several: each run for itself, their tables joined.

How a stage's results are joined is the stage's own ``across``: ``rows`` one after the other;
``modules`` likewise, with the rows of their planes; ``sum`` by their texts and years; ``apart`` one
after the other under the village's name; ``alike`` what differs; ``beside`` column by column;
``alone`` not at all, since prices, weather and place are one village's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pvplanner.errors import Finding, InputError, listed
from pvplanner.plan.runner import Graph, Run
from pvplanner.plan.store import FileHashes, FolderStore, MemoryStore
from pvplanner.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd


class Runs:
    """The runs of a plan's villages, seen as one.

    Parameters
    ----------
    graph, scenario, store, progress
        As for :class:`Run`.
    given : mapping of str to mapping, optional
        Results of each village that are known already: those of a saved plan.
    orders : mapping of str to list of str, optional
        Identifiers in the order in which a saved plan's tables show them.
    lists : mapping of str to table, optional
        Results about all villages that take the place of files: a list of chosen households.
    """

    def __init__(
        self,
        graph: Graph,
        scenario: Scenario,
        store: MemoryStore | FolderStore,
        *,
        given: Mapping[str, dict[str, Any]] | None = None,
        orders: Mapping[str, list[str]] | None = None,
        progress: Callable[[str], None] | None = None,
        lists: Mapping[str, Any] | None = None,
    ) -> None:
        self.graph, self.scenario, self.store = graph, scenario, store
        self.known, self.orders = given or {}, orders or {}
        self.progress = progress or (lambda name: None)
        self.lists = dict(lists or {})
        self.whole = Run(graph, scenario, store, progress=progress, given=self.lists)
        self._wanted: tuple[str, ...] | None = None

    @cached_property
    def parts(self) -> dict[str, Run]:
        """The run of each village by its name."""
        names = tuple(self.known) or self.whole.table("named").names
        made = {
            name: Run(
                self.graph, self.scenario, self.store, progress=self.progress, village=name,
                whole=self.whole, given=self.known.get(name),
            )
            for name in names
        }  # fmt: skip
        for run in made.values():
            if self._wanted is not None:
                run.want(self._wanted)
        return made

    def only(self, village: str) -> Runs:
        """One village's run alone."""
        made = self.with_parts({village: self.parts[village]})
        made.known = {village: self.known[village]} if self.known else {}
        return made

    def with_parts(self, parts: dict[str, Run]) -> Runs:
        """The same plan with other runs of its villages."""
        made = Runs(self.graph, self.scenario, self.store, progress=self.progress, lists=self.lists)
        made.known, made.orders = self.known, self.orders
        made.whole, made.__dict__["parts"] = self.whole, parts
        return made

    @property
    def several(self) -> bool:
        """Whether there is more than one village."""
        return len(self.parts) > 1

    @property
    def hashes(self) -> FileHashes:
        """Hashes of input files."""
        return self.whole.hashes

    @property
    def given(self) -> Mapping[str, dict[str, Any]]:
        """Results that were known, by village."""
        return self.known

    @property
    def ran(self) -> list[str]:
        """Stages that were done, of all villages."""
        return [name for run in self._runs() for name in run.ran]

    @property
    def reused(self) -> list[str]:
        """Stages whose result was found, of all villages."""
        return [name for run in self._runs() for name in run.reused]

    def _runs(self) -> list[Run]:
        return [self.whole, *self.parts.values()]

    def _only(self) -> Run:
        return next(iter(self.parts.values()))

    def knows(self, name: str) -> bool:
        """Whether a stage's result was given and not made."""
        return any(run.knows(name) for run in self.parts.values())

    def table(self, name: str) -> Any:
        """A stage's result, joined over villages.

        Raises
        ------
        InputError
            If it is one village's and there are several.
        """
        if self.graph[name].whole and not self.known:
            return self.whole.table(name)
        if not self.several:
            return self._only().table(name)
        across = self.graph[name].across
        if across == "alone":
            raise InputError("villages_several", where=name, names=listed(self.parts, 12))
        tables = {village: run.table(name) for village, run in self.parts.items()}
        if across == "modules":
            planes = [len(run.table("planes")) for run in self.parts.values()]
            tables = _shifted(tables, planes)
        return JOINS[across](tables)

    def findings(self, names: Iterable[str]) -> tuple[Finding, ...]:
        """What stages found: once what is about the files, then each village's; none twice."""
        wanted = list(names)
        told: dict[str, Finding] = {}
        runs = list(self.parts.values()) if self.known else self._runs()
        for run in runs:
            own = [n for n in wanted if self.graph[n].whole == (run is self.whole)]
            for finding in run.findings(own):
                key = json.dumps(finding.plain(), sort_keys=True, default=str)
                told.setdefault(key, finding)
        return tuple(told.values())

    def content(self, name: str) -> str:
        """Hash of a stage's result over all villages."""
        if self.graph[name].whole and not self.known:
            return self.whole.content(name)
        if not self.several:
            return self._only().content(name)
        every = "\n".join(f"{village} {run.content(name)}" for village, run in self.parts.items())
        return hashlib.sha256(every.encode("utf-8")).hexdigest()

    def columns(self, name: str) -> list[str]:
        """Names of a result's columns."""
        told = self._only().columns(name)
        return ["part", *told] if self.several and self.graph[name].across == "apart" else told

    def body(self, name: str) -> bytes | None:
        """A stage's result as the store holds it; ``None`` where several make it."""
        if self.graph[name].whole and not self.known:
            return self.whole.body(name)
        return None if self.several else self._only().body(name)

    def order(self, name: str) -> list[str] | None:
        """Identifiers of buildings or households as the files have them."""
        if self.known:
            return self.orders.get(name)
        if name == "buildings":
            return [str(v) for v in self.whole.table("features")["building_id"]]
        families = self.whole.table("families")
        ids = families.sort_values("order", kind="stable")["household_id"]
        return [str(v) for v in ids.drop_duplicates()]

    def want(self, names: Iterable[str]) -> None:
        """Only these results are asked for."""
        self._wanted = tuple(names)
        for run in self.__dict__.get("parts", {}).values():
            run.want(self._wanted)

    def forget(self, names: Iterable[str]) -> None:
        """Let results go that the store has."""
        wanted = list(names)
        for run in self._runs():
            run.forget(wanted)

    def keep_all(self) -> None:
        """Put what is known into the store."""
        self.whole.keep_all()
        for run in self.__dict__.get("parts", {}).values():
            run.keep_all()


def _rows(tables: Mapping[str, Any]) -> Any:
    import pandas as pd

    filled = [t for t in tables.values() if len(t)] or list(tables.values())[:1]
    first = filled[0]
    if hasattr(first, "crs") and first.crs is not None:
        filled = [t if t.crs == first.crs else t.to_crs(first.crs) for t in filled]
    return pd.concat(filled, ignore_index=True)


def _shifted(tables: Mapping[str, Any], planes: list[int]) -> dict[str, Any]:
    """Modules point at their plane by its row: of joined tables the rows are others."""
    before = [sum(planes[:n]) for n in range(len(planes))]
    return {
        village: table.assign(plane=table["plane"] + first)
        for (village, table), first in zip(tables.items(), before, strict=True)
    }


def _sum(tables: Mapping[str, Any]) -> Any:
    import pandas as pd

    every = pd.concat(list(tables.values()), ignore_index=True)
    by = [n for n in every.columns if n == "year" or not pd.api.types.is_numeric_dtype(every[n])]
    if every.empty or not by:
        return every.sum(skipna=False).to_frame().T if len(every) else every
    grouped = every.groupby(by, sort=False, as_index=False)
    return grouped.agg(lambda v: v.sum(skipna=False))[list(every.columns)]


def _apart(tables: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    named = [t.assign(part=village)[["part", *t.columns]] for village, t in tables.items()]
    filled = [t for t in named if len(t)] or named[:1]
    return pd.concat(filled, ignore_index=True)


def _alike(tables: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(list(tables.values()), ignore_index=True).drop_duplicates(ignore_index=True)


def _beside(tables: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(list(tables.values()), axis=1)


JOINS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "rows": _rows, "modules": _rows, "sum": _sum, "apart": _apart, "alike": _alike,
    "beside": _beside,
}  # fmt: skip
"""How results of villages are joined."""
