"""Whose each row of a ledger is."""

from __future__ import annotations

import re
from pathlib import Path

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
from pvplanner.region.naming import alias_of
from pvplanner.region.units import Unit


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
            which = _by_village(read.rows, village, code, number, by_name)
        else:
            of_id = of_id if of_id is not None else _ids(looked, region)
            which = _by_building(read, of_id, region, path)
        lost = int((which < 0).sum())
        if lost:
            findings.append(Finding("region_ledger_lost", Path(path).name, lost,
                                    {"all": len(which)}))  # fmt: skip
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
) -> np.ndarray:  # fmt: skip
    """The unit of each row by its village's name, and its code where several have the name."""
    names = rows[village].fillna("").astype(str).str.strip()
    codes = rows[code].fillna("").astype(str).str.strip() if code else pd.Series("", rows.index)
    which, texts = pd.factorize(codes + BETWEEN + names)
    found = []
    for text in texts:
        own, _, name = str(text).partition(BETWEEN)
        alone = by_name.get(name, [])
        found.append(number.get((own, name), alone[0] if len(alone) == 1 else -1))
    return np.asarray(found, dtype=int)[which]


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
            text = str(name).removesuffix(".0")
            if text:
                out[text] = int(unit) if out.get(text, unit) == unit else -1
    return out


def _by_building(read: TextTable, of_id: dict[str, int], region: Region, path: str) -> np.ndarray:
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
    out = np.full(len(read.rows), -1)
    for n, value in enumerate(read.rows[column]):
        if isinstance(value, str):
            first = re.split(f"[{PARTS}]", value)[0]
            out[n] = of_id.get(first.strip().removesuffix(".0"), -1)
    return out
