"""Whose each row of a ledger is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
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
from pvplanner.reading.tables import TextTable, read_table
from pvplanner.region.config import Region
from pvplanner.region.copies import BETWEEN, ROW, by_unit, write_copies
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
        if path.lower().endswith(".parquet"):
            read = _ledger_parquet(path)
        else:
            read = read_table(path, knows(LEDGER, DIMENSIONS))
        columns = [str(c) for c in read.rows.columns]
        village = alias_of(columns, "village", {})
        code = alias_of(columns, "division_code", {})
        if village is not None:
            which, told = _by_village(read.rows, village, code, number, by_name)
        else:
            of_id = of_id if of_id is not None else _ids(looked, region)
            which, told = _by_building(read, of_id, region, path)
        lost = which < 0
        if lost.any():
            known = by_name if village is not None else of_id or {}
            params = {"all": len(which), "names": _unknown(told[lost], known)}
            findings.append(Finding("region_ledger_lost", Path(path).name, int(lost.sum()), params))
        # What told whose a row is has been read: the village's own plan need not wonder at it.
        kept = [c for c in read.rows.columns if str(c) not in (village, village and code)]
        held = {str(c): pa.array(read.rows[c], pa.string(), from_pandas=True) for c in kept}
        whole = pa.table({**held, ROW: pa.array(read.rows.index.to_numpy(dtype=np.int64))})
        target = place / f"households-{index}.parquet"
        write_copies(
            target, by_unit(whole, which), units, region.told(path), "ledger", title=read.title
        )
        findings += read.findings
    return findings


def _by_village(
    rows: pd.DataFrame, village: str, code: str | None, number: dict[tuple[str, str], int],
    by_name: dict[str, list[int]],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The unit of each row by its village's name, and its code where several have the name; and
    what the row says.
    """
    names = pd.Series(texts_of(rows[village], len(rows)))
    codes = pd.Series(texts_of(rows[code] if code else None, len(rows)))
    which, texts = pd.factorize(codes + BETWEEN + names)
    found = []
    for text in texts:
        own, _, name = str(text).partition(BETWEEN)
        alone = by_name.get(name, [])
        found.append(number.get((own, name), alone[0] if len(alone) == 1 else -1))
    said = np.array([str(text).replace(BETWEEN, " ").strip() for text in texts], dtype=object)
    return np.asarray(found, dtype=int)[which], said[which]


def _unknown(said: np.ndarray, known: Mapping[str, Any]) -> str:
    """The first few names that nothing has, each with one that is much like it."""
    told = []
    for name in pd.unique(said)[:MOST_LOST]:
        near = difflib.get_close_matches(name, list(known)[:MOST_NEAR], 1, 0.5) if name else []
        told.append(f"{name or '-'} (~ {near[0]})" if near else name or "-")
    more = len(pd.unique(said)) - len(told)
    return ", ".join(told) + (f" (+{more})" if more > 0 else "")


def _ledger_parquet(path: str) -> TextTable:
    """A ledger in Parquet, its values as text like those of any other."""
    check_parquet(Path(path))
    with guarded(Path(path)):
        table = pq.read_table(path)
    names = [c for c in table.column_names if not c.startswith("__index")]
    rows = pa.table({name: table[name].cast(pa.string()) for name in names}).to_pandas()
    rows.index = pd.RangeIndex(2, len(rows) + 2)
    return TextTable(rows)


def _ids(looked: list[Looked], region: Region) -> dict[str, int]:
    """The unit of each building's identifier; -1 where several villages have the same."""
    out: dict[str, int] = {}
    for one in looked:
        for name, unit in zip(one.rows["id"], one.rows["unit"], strict=True):
            if name:
                out[name] = int(unit) if out.get(name, unit) == unit else -1
    return out


def _by_building(
    read: TextTable, of_id: dict[str, int], region: Region, path: str
) -> tuple[np.ndarray, np.ndarray]:
    """The unit of each row by the first building that it names; and that."""
    mapped = map_columns(
        list(read.rows.columns), LEDGER, where=path, given=region.sources.household_columns,
        dimensions=DIMENSIONS,
    )  # fmt: skip
    column = mapped.used.get("building_id")
    if column is None:
        known = listed(read.rows.columns, 20)
        raise InputError(
            "region_column", where=path, key="village", column="village", columns=known
        )
    first = read.rows[column].map(lambda v: re.split(f"[{PARTS}]", str(v))[0], na_action="ignore")
    said = texts_of(first, len(first))
    return np.array([of_id.get(name, -1) for name in said], dtype=int), said
