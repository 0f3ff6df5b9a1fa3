"""A plan that was saved, read back from the tables of its folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pvplanner.errors import Finding, InputError
from pvplanner.plan.commit import heal
from pvplanner.plan.folder import PARTS
from pvplanner.plan.joined import Runs
from pvplanner.plan.locking import holding
from pvplanner.plan.parts import split_tables
from pvplanner.plan.plan import BASES, KEPT, ORDERED, Plan
from pvplanner.plan.store import MemoryStore
from pvplanner.plan.tables import from_bytes
from pvplanner.plan.worth import GRAPH
from pvplanner.scenario import Scenario
from pvplanner.schema import TABLES, validate


def read_plan(folder: Path) -> Plan:
    """Read a plan that was saved, from its tables alone.

    Raises
    ------
    InputError
        If the folder holds no whole plan.
    """
    for _ in range(READS):
        heal(folder)
        before = _signature(folder)
        plan = _read_plan(folder)
        if before == _signature(folder):
            return plan
    with holding(folder):
        return _read_plan(folder)


READS = 3
"""How often a plan is read that other runs replace meanwhile, before they are waited for."""


def _signature(folder: Path) -> list[tuple[str, int, int]]:
    """Sizes and times of a plan's files."""
    found = []
    for path in sorted(folder.glob("*.*")):
        with suppress(OSError):
            stat = path.stat()
            found.append((path.name, stat.st_size, stat.st_mtime_ns))
    return found


def _read_plan(folder: Path) -> Plan:
    summary_file = folder / "summary.json"
    if not summary_file.is_file():
        raise InputError("plan_missing", where=str(folder))
    try:
        summary = json.loads(summary_file.read_text(encoding="utf-8"))
        tables = {name: _read_table(folder, name) for name in TABLES}
        results = _read_results(folder, summary.get("villages") or [])
        findings = tuple(Finding.from_dict(row) for row in summary["findings"])
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("plan_broken", where=str(folder), reason=str(error)) from None
    scenario = Scenario.from_toml(folder / "scenario.toml")
    plan = plan_of(scenario, tables, results, findings)
    plan._told |= {key: summary[key] for key in ("weather", "inputs", "versions")}
    return plan


def plan_of(
    scenario: Scenario,
    tables: Mapping[str, Any],
    results: Mapping[str, Any] | Mapping[str, Mapping[str, Any]],
    findings: Iterable[Finding] = (),
) -> Plan:
    """A plan of what is known of it: the tables that users know, results of stages, findings.

    ``results`` are by stage, or by village and stage where there are several.
    """
    parted = split_tables(tables)
    apart = set(results) == set(parted) and len(parted) > 1
    known = {}
    for village, own in parted.items():
        given: dict[str, Any] = {}
        for name, table in own.items():
            joins = [stage.name for stage in GRAPH.values() if stage.joins == name]
            given |= dict.fromkeys((BASES[name], *joins), table)
        known[village] = {**given, **(results[village] if apart else results)}
    orders = {name: [str(v) for v in tables[name][key]] for name, key in ORDERED.items()}
    plan = Plan(Runs(GRAPH, scenario, MemoryStore(), given=known, orders=orders))
    plan._told["findings"] = tuple(findings)
    return plan


def _read_results(folder: Path, villages: Sequence[str]) -> dict[str, Any]:
    if len(villages) > 1:
        return {
            village: _read_kept(folder / PARTS / str(number))
            for number, village in enumerate(villages, 1)
        }
    return _read_kept(folder)


def _read_kept(folder: Path) -> dict[str, Any]:
    files = {name: folder / file for name, file in KEPT.items()}
    return {name: from_bytes(f.read_bytes()) for name, f in files.items() if f.is_file()}


def _read_table(folder: Path, name: str) -> Any:
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise InputError("plan_broken", where=str(folder), reason=f"{name}.parquet")
    table = from_bytes(path.read_bytes())
    validate(table, name, where=str(path))
    return table
