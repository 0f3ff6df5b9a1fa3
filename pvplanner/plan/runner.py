"""The runner: a graph of stages that does again only what changed.

A stage's key is the hash of the values of its scenario keys, the content of its files, the content
of what it needs, the package's code and the libraries that reckon. Content, not age, decides: a
stage that gives the same bytes as before stops the change there.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from typing import Any

from pvplanner.errors import Finding
from pvplanner.plan.store import (
    FileHashes,
    FolderStore,
    MemoryStore,
    SharedStore,
    Trace,
    hash_values,
)
from pvplanner.scenario import Scenario
from pvplanner.storage import plain_texts

LIBRARIES = ("geopandas", "numba", "numpy", "pandas", "pvlib", "pyarrow", "pyogrio", "pyproj",
             "rasterio", "scipy", "shapely")  # fmt: skip
"""Whose versions may move a number."""


@dataclass(frozen=True)
class Stage:
    """One step of a plan; see :func:`stage`."""

    name: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    keys: tuple[str, ...]
    files: tuple[str, ...]
    joins: str
    said: str
    kept: str
    over: bool = False
    whole: bool = False
    across: str = "rows"
    parameters: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Every part of a scenario that it depends on."""
        return (*self.files, *self.keys)


@dataclass(frozen=True)
class Villages:
    """Names of the villages of a file, as ``division code/name``."""

    names: tuple[str, ...]


GIVEN = ("scenario", "village")
"""Parameters of a stage that are no other stage's result."""


class Room:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


class Graph(dict[str, Stage]):
    """Stages by name, each after what it needs."""

    def stage(
        self, name: str, *, keys: Iterable[str] = (), files: Iterable[str] = (), joins: str = "",
        said: str = "", kept: str = "", over: bool = False, whole: bool = False,
        across: str = "rows",
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
        """Make a function a stage.

        Its parameters name the stages it needs; ``scenario`` is cut to ``keys`` and ``files``, and
        ``village`` is the name of the village that is run. Its columns join the table ``joins``
        that users see. ``said`` is what a progress line calls it. ``kept`` is the file in which a
        plan's folder keeps its result. Columns of a stage that is ``over`` take the place of those
        of the same name. One that is ``whole`` is about the files, and is run once for all their
        villages; ``across`` says how the others' results are joined over villages (see
        :mod:`pvplanner.plan.joined`).
        """

        def made(function: Callable[..., Any]) -> Callable[..., Any]:
            parameters = tuple(inspect.signature(function).parameters)
            needs = tuple(p for p in parameters if p not in GIVEN)
            missing = [need for need in needs if need not in self]
            if missing:
                raise KeyError(f"stage {name} needs {missing[0]}, which is not before it")
            if whole and not all(self[need].whole for need in needs):
                raise KeyError(f"stage {name} is of all villages and needs one village's")
            self[name] = Stage(
                name, function, needs, tuple(keys), tuple(files), joins, said, kept, over, whole,
                across, parameters,
            )  # fmt: skip
            return function

        return made

    def below(self, names: Iterable[str]) -> set[str]:
        """The stages named and all that need them."""
        out = set(names)
        for stage_ in self.values():
            if out & set(stage_.needs):
                out.add(stage_.name)
        return out

    def above(self, names: Iterable[str]) -> set[str]:
        """The stages named and all that they need."""
        out: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name not in out:
                out.add(name)
                left += self[name].needs
        return out


class Cut:
    """A scenario of which only the declared keys can be read."""

    def __init__(self, value: Any, keys: frozenset[str], path: str = "") -> None:
        self._value, self._keys, self._path = value, keys, path

    def __getattr__(self, name: str) -> Any:
        dotted = f"{self._path}{name}"
        if dotted in self._keys:
            return getattr(self._value, name)
        if any(key.startswith(f"{dotted}.") for key in self._keys):
            return Cut(getattr(self._value, name), self._keys, f"{dotted}.")
        raise LookupError(f"a stage reads {dotted}, which it does not declare")


def value_of(scenario: Scenario, key: str) -> Any:
    """Value of a dotted key."""
    value: Any = scenario
    for name in key.split("."):
        value = getattr(value, name)
    return value


class Run:
    """One village under one scenario: results made when asked, or found.

    Parameters
    ----------
    graph : Graph
    scenario : Scenario
    store : MemoryStore or FolderStore
        Where results of other runs are found and these are kept.
    given : mapping, optional
        Results that are known already, by name: those of a saved plan.
    progress : callable, optional
        Called with the name of each stage that begins.
    village : str
        Name of the village.
    whole : Run, optional
        The run of what is about the files and not about one village.
    own : sequence of str, optional
        Only these stages are run here; ``whole`` has all others.
    """

    def __init__(
        self,
        graph: Graph,
        scenario: Scenario,
        store: MemoryStore | FolderStore,
        *,
        given: dict[str, Any] | None = None,
        progress: Callable[[str], None] | None = None,
        village: str = "",
        whole: Run | None = None,
        own: Iterable[str] | None = None,
    ) -> None:
        self.graph, self.scenario, self.store = graph, scenario, store
        self.village, self.whole = village, whole
        self.own = None if own is None else frozenset(own)
        self.hashes: FileHashes = _hashes(store) if whole is None else whole.hashes
        self.progress = progress or (lambda name: None)
        self.given = given or {}
        self.ran: list[str] = []
        self.reused: list[str] = []
        self.wanted: set[str] | None = None
        self._tables: dict[str, Any] = {}
        self._traces: dict[str, Trace] = {}
        self._keys: dict[str, str] = {}
        self._found: dict[str, tuple[Finding, ...]] = {}

    def table(self, name: str) -> Any:
        """A stage's result."""
        if name in self.given:
            return self.given[name]
        if self._of_whole(name):
            return self.whole.table(name)  # type: ignore[union-attr]
        if name not in self._tables:
            trace = self._find(name)
            found = None if trace is None else self.store.table(trace)
            if found is None:
                self._make(name)
            else:
                self._tables[name] = found
        return self._tables[name]

    def _of_whole(self, name: str) -> bool:
        if self.whole is None or name in self.given:
            return False
        return self.graph[name].whole if self.own is None else name not in self.own

    def knows(self, name: str) -> bool:
        """Whether a result was given and not made."""
        elder = self.whole if self._of_whole(name) else None
        return name in self.given or (elder is not None and elder.knows(name))

    def findings(self, names: Iterable[str]) -> tuple[Finding, ...]:
        """What some stages found, in the order of the graph; of those that are run here."""
        wanted = set(names)
        out: list[Finding] = []
        for name in self.graph:
            if self._of_whole(name):
                continue
            if name in wanted and name not in self.given:
                if name not in self._found and self._find(name) is None:
                    self._make(name)
                out += self._found[name]
        return tuple(out)

    def content(self, name: str) -> str:
        """Hash of a stage's result."""
        if self._of_whole(name):
            return self.whole.content(name)  # type: ignore[union-attr]
        if isinstance(self.store, SharedStore):
            if name in self.given:
                return self.store.given(name, self.given[name])
            if name in self.store.by_value:
                return self._by_value(name, self.store.values)
            return self.key(name)
        if name in self._traces:
            return self._traces[name].content
        if name in self.given:
            from pvplanner.plan.tables import to_bytes

            trace = Trace(hashlib.sha256(to_bytes(self.given[name])).hexdigest())
            self._traces[name] = trace
        elif name in self._tables:
            self._keep(name)
        elif self._find(name) is None:
            self._make(name)
            self._keep(name)
        return self._traces[name].content

    def _by_value(self, name: str, known: dict[str, str]) -> str:
        """Hash of a result that is cheap to hash and hangs on little of what it is made from."""
        key = self.key(name)
        if key not in known:
            from pvplanner.plan.tables import quick_hash

            known[key] = quick_hash(self.table(name))
        return known[key]

    def key(self, name: str) -> str:
        """Hash of all that a stage's result depends on."""
        if name not in self._keys:
            stage_ = self.graph[name]
            values = {key: _plain(value_of(self.scenario, key)) for key in stage_.keys}
            files = {key: self._file(value_of(self.scenario, key)) for key in stage_.files}
            needs = {need: self.content(need) for need in stage_.needs}
            told = {"stage": name, "keys": values, "files": files, "needs": needs, "code": code()}
            if "village" in stage_.parameters:
                told["village"] = self.village
            self._keys[name] = hash_values(told)
        return self._keys[name]

    def want(self, names: Iterable[str]) -> None:
        """Only these results are asked for: what none of them needs any more need not be held."""
        self.wanted = self.graph.above(names)

    def _let_go(self, stage_: Stage) -> None:
        """Give up tables that the store has and that no stage to come needs."""
        if self.wanted is None or not isinstance(self.store, FolderStore):
            return
        to_come = {need for name in self.wanted - set(self._traces)
                   if not self._of_whole(name) for need in self.graph[name].needs}  # fmt: skip
        for need in stage_.needs:
            if need not in to_come:
                self._tables.pop(need, None)

    def forget(self, names: Iterable[str]) -> None:
        """Let results go that the store has."""
        if isinstance(self.store, FolderStore):
            for name in names:
                if name in self._traces:
                    self._tables.pop(name, None)

    def columns(self, name: str) -> list[str]:
        """Names of a result's columns."""
        from pvplanner.plan.tables import columns_of

        body = None if name in self._tables else self.body(name)
        return list(self.table(name).columns) if body is None else columns_of(body)

    def body(self, name: str) -> bytes | None:
        """A stage's result as the store holds it; ``None`` where it holds none."""
        content = self.content(name)
        return self.store.body(Trace(content))

    def keep_all(self) -> None:
        """Put what is known into the store, so that another run finds it."""
        if not isinstance(self.store, SharedStore):
            for name in self.graph:
                if name in self._tables and name not in self._traces:
                    self._keep(name)
        self.hashes.save()
        if self.whole is not None:
            self.whole.keep_all()

    def _file(self, path: str | None) -> str | None:
        if path is None or path == "typical":
            return path
        from pathlib import Path

        return f"{Path(path).name} {self.hashes.of(path)}"

    def _find(self, name: str) -> Trace | None:
        """What the store has of a stage; nothing is looked up while nothing was kept."""
        if name not in self._traces:
            if isinstance(self.store, MemoryStore) and self.store.empty:
                return None
            trace = self.store.trace(self.key(name))
            if trace is None:
                return None
            self._traces[name], self._found[name] = trace, trace.findings
            self.reused.append(name)
        return self._traces[name]

    @plain_texts
    def _make(self, name: str) -> None:
        from pvplanner.plan.tables import settle

        stage_ = self.graph[name]
        needs = {need: self.table(need) for need in stage_.needs}
        wanted = stage_.parameters
        if "village" in wanted:
            needs["village"] = self.village
        if "scenario" in wanted:
            allowed = frozenset((*stage_.keys, *stage_.files))
            needs["scenario"] = Cut(self.scenario, allowed)
        self.progress(name)
        made = stage_.function(**needs)
        table, findings = made if isinstance(made, tuple) else (made, [])
        self._tables[name], self._found[name] = settle(table), tuple(findings)
        if name in self.reused:
            self.reused.remove(name)
        self.ran.append(name)
        self._traces.pop(name, None)
        if isinstance(self.store, SharedStore):
            key = self.key(name)
            trace = Trace(key, self._found[name])
            self.store.hold(name, key, trace, self._tables[name])
        if isinstance(self.store, FolderStore):
            self._keep(name)
            self._let_go(stage_)

    def _keep(self, name: str) -> None:
        from pvplanner.plan.tables import to_bytes

        key = self.key(name)
        body = to_bytes(self._tables[name])
        trace = Trace(hashlib.sha256(body).hexdigest(), self._found.get(name, ()))
        self._traces[name] = trace
        self.store.keep(key, trace, body, self._tables[name])


def _hashes(store: MemoryStore | FolderStore) -> FileHashes:
    """Hashes of input files, as far as the store has kept them."""
    if isinstance(store, SharedStore):
        return store.hashes
    return FileHashes(store.folder / "files.json" if isinstance(store, FolderStore) else None)


def _plain(value: Any) -> Any:
    """A scenario's value as JSON has it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


@cache
def code() -> str:
    """Hash of the package's Python and tables, and the versions of the libraries that reckon.

    Words, pages and styles are no part of it.
    """
    digest = _hash_package(_SHOWN)
    for name in LIBRARIES:
        digest.update(f"{name} {metadata.version(name)}\n".encode())
    return str(digest.hexdigest())


_SHOWN = ("mapping", "report", "fetch", "words", "templates", "vendor", "__pycache__", "cli.py",
          "console.py", "checking", "form", "scaffold.py", "sheet.py")  # fmt: skip
"""What shows and does not reckon."""


def _sources(folder: Any, path: str, left_out: tuple[str, ...] = _SHOWN) -> Iterable[str]:
    for entry in folder.iterdir():
        if entry.name in left_out:
            continue
        name = f"{path}{entry.name}"
        if entry.is_dir():
            yield from _sources(entry, f"{name}/", left_out)
        elif not entry.name.endswith(".pyc"):
            yield name


def _hash_package(left_out: tuple[str, ...]) -> Any:
    digest = hashlib.sha256()
    root = resources.files("pvplanner")
    for path in sorted(_sources(root, "", left_out)):
        digest.update(path.encode("utf-8"))
        digest.update(root.joinpath(*path.split("/")).read_bytes())
    return digest


@cache
def package_hash() -> str:
    """Hash of all of the package, words and pages included: what a page is made by."""
    digest = _hash_package(("__pycache__",))
    digest.update(code().encode("ascii"))
    return str(digest.hexdigest())
