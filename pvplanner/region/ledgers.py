"""Whose each row of a ledger is."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pvplanner.buildings.ledger import ALIASES as LEDGER
from pvplanner.buildings.ledger import DIMENSIONS
from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading.bombs import check_parquet
from pvplanner.reading.columns import knows, map_columns
from pvplanner.reading.guard import guarded
from pvplanner.reading.tables import read_table
from pvplanner.region.config import Region
from pvplanner.region.copies import ROW, by_unit, write_copies
from pvplanner.region.headings import PARTS
from pvplanner.region.looking import Looked
from pvplanner.region.naming import alias_of, texts_of
from pvplanner.region.units import Unit

MOST_LOST, MOST_NEAR = 5, 5_000
"""Names that are told of those that nothing has, and that are looked at for one like them."""


def part_ledgers(
    region: Region, looked: list[Looked], units: list[Unit],
    number: dict[tuple[str, str], int], place: Path,
) -> list[Finding]:  # fmt: skip
    """Each unit's rows of the ledgers: by their village, else by the buildings that they name."""
    of_id: dict[str, int] | None = None
    findings: list[Finding] = []
    by_name: dict[str, list[int]] = {}
    for (_, name), n in number.items():
        by_name.setdefault(name, []).append(n)
    for index, path in enumerate(region.households):
        read = _texts(path)
        columns = read.table.column_names
        village = alias_of(columns, "village", {})
        code = alias_of(columns, "division_code", {})
        if village is not None:
            which, told = _by_village(read.table, village, code, number, by_name)
        else:
            of_id = of_id if of_id is not None else _ids(looked, region)
            which, told = _by_building(read.table, of_id, region, path)
        lost = which < 0
        if lost.any():
            known = by_name if village is not None else of_id or {}
            params = {"all": len(which), "names": _unknown(told, known)}
            findings.append(Finding("region_ledger_lost", Path(path).name, int(lost.sum()), params))
        # What told whose a row is has been read: the village's own plan need not wonder at it.
        kept = [c for c in columns if c not in (village, village and code)]
        whole = read.table.select(kept).append_column(ROW, pa.array(read.lines))
        target = place / f"households-{index}.parquet"
        write_copies(
            target, by_unit(whole, which), units, region.told(path), "ledger", title=read.title
        )
        findings += read.findings
    return findings


@dataclass(frozen=True)
class _Texts:
    """A ledger's cells as text, and the line of each row."""

    table: pa.Table
    lines: np.ndarray
    title: str = ""
    findings: Sequence[Finding] = ()


def _texts(path: str) -> _Texts:
    """A ledger as text, whatever holds it; one in Parquet needs not go through tables of Python."""
    if not path.lower().endswith(".parquet"):
        read = read_table(path, knows(LEDGER, DIMENSIONS))
        held = {str(c): pa.array(read.rows[c], pa.string(), from_pandas=True)
                for c in read.rows.columns}  # fmt: skip
        lines = read.rows.index.to_numpy(dtype=np.int64)
        return _Texts(pa.table(held), lines, read.title, read.findings)
    check_parquet(Path(path))
    with guarded(Path(path)):
        table = pq.read_table(path, partitioning=None)
        names = [c for c in table.column_names if not c.startswith("__index")]
        told = pa.table({name: table[name].cast(pa.string()) for name in names})
    return _Texts(told, np.arange(2, len(told) + 2, dtype=np.int64))


def _by_village(
    rows: pa.Table, village: str, code: str | None, number: dict[tuple[str, str], int],
    by_name: dict[str, list[int]],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The unit of each row by its village's name, and its code where several have the name; and
    what the rows of none say.
    """
    (a, names), (b, codes) = (
        pd.factorize(texts_of(None if name is None else rows[name].to_pandas(), len(rows)))
        for name in (village, code)
    )
    pairs, which = np.unique(a * len(codes) + b, return_inverse=True)
    found, said = [], []
    for pair in pairs:
        name, own = str(names[pair // len(codes)]), str(codes[pair % len(codes)])
        alone = by_name.get(name, [])
        found.append(number.get((own, name), alone[0] if len(alone) == 1 else -1))
        said.append(f"{own} {name}".strip())
    units = np.array(found, dtype=np.int64)[which]
    return units, np.array(said, dtype=object)[which[units < 0]]


def _unknown(said: np.ndarray, known: Mapping[str, Any]) -> str:
    """The first few names that nothing has, each with one that is much like it."""
    told = []
    for name in pd.unique(said)[:MOST_LOST]:
        near = difflib.get_close_matches(name, list(known)[:MOST_NEAR], 1, 0.5) if name else []
        told.append(f"{name or '-'} (~ {near[0]})" if near else name or "-")
    more = len(pd.unique(said)) - len(told)
    return ", ".join(told) + (f" (+{more})" if more > 0 else "")


def _ids(looked: list[Looked], region: Region) -> dict[str, int]:
    """The unit of each building's identifier; -1 where several villages have the same."""
    out: dict[str, int] = {}
    for one in looked:
        names = itertools.chain.from_iterable(part.to_pylist() for part in one.ids)
        for name, unit in zip(names, one.unit, strict=True):
            if name:
                out[name] = int(unit) if out.get(name, unit) == unit else -1
    return out


def _by_building(
    rows: pa.Table, of_id: dict[str, int], region: Region, path: str
) -> tuple[np.ndarray, np.ndarray]:
    """The unit of each row by the first building that it names; and what the rows of none name."""
    mapped = map_columns(
        rows.column_names, LEDGER, where=path, given=region.sources.household_columns,
        dimensions=DIMENSIONS,
    )  # fmt: skip
    column = mapped.used.get("building_id")
    if column is None:
        known = listed(rows.column_names, 20)
        raise InputError(
            "region_column", where=path, key="village", column="village", columns=known
        )
    told = rows[column].to_pandas()
    first = told.map(lambda v: re.split(f"[{PARTS}]", str(v))[0], na_action="ignore")
    said = texts_of(first, len(first))
    units = np.array([of_id.get(name, -1) for name in said], dtype=np.int64)
    return units, said[units < 0]
