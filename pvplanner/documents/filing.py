"""The list that a grid company and a county ask for: a row a plant, sorted and summed by
transformer, and what is missing for each house.

Counties differ in their columns: a file of ``heading,column`` says them; ``reference/filing.csv``
has those that are usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.documents.book import Book, opened, whole
from pvplanner.documents.mark import Mark
from pvplanner.errors import InputError, listed
from pvplanner.money import owner_of
from pvplanner.plan import Plan
from pvplanner.reading import read_small_table
from pvplanner.report.cells import word
from pvplanner.words import label, style

NUMBERS = {"modules": "shared", "capacity_kwp": "power", "capacity_kw_ac": "power",
           "plan_phase": "count"}  # fmt: skip
SUMMED = ("modules", "capacity_kwp", "capacity_kw_ac")

WORDED = {"phases": "filing_phases", "transformer_by": "transformer_by"}
"""Columns whose values have words of their own."""

OF_HOME = ("household_name", "address", "grid_account", "meter_box", "house_certificate")
"""What the ledger states of a household."""

MODES = {"self_invest": "full_feed_in", "roof_lease": "full_feed_in"}
"""Models that sell all they make; a cooperative's mode is the scenario's, others sell what is
left."""


def known_columns() -> list[str]:
    """Columns that a filing may have."""
    return [row["column"] for row in reference.rows("filing")]


def filing_rows(plan: Plan) -> pd.DataFrame:
    """The plants to be filed: a row a building, by transformer.

    Returns
    -------
    DataFrame
        Columns of ``reference/filing.csv``; nothing where it is not known.
    """
    parts = [_of_village(part) for part in plan.parts.values()]
    every = pd.concat(parts, ignore_index=True)
    order = every["transformer_id"].isna().to_numpy(), every["transformer_id"].fillna("")
    return every.iloc[np.lexsort((order[1].to_numpy(), order[0]))].reset_index(drop=True)


def _of_village(plan: Plan) -> pd.DataFrame:
    asked = plan.applications()
    homes = plan.households.set_index("household_id")
    roofs = plan.buildings.set_index("building_id").reindex(asked["building_id"])
    living = [str(ids).split(";") for ids in asked["household_ids"].fillna("")]
    model = homes["model"].astype(object).reindex([own[0] for own in living]).to_numpy()
    out = pd.DataFrame({
        "building_id": asked["building_id"], "household_id": asked["household_ids"],
        "transformer_id": asked["transformer_id"], "transformer_by": asked["transformer_by"],
        "grid_phase": asked["grid_phase"],
        "phases": asked["phases"], "capacity_kwp": asked["capacity_kwp"],
        "capacity_kw_ac": asked["capacity_kw_ac"], "plan_phase": asked["phase"],
    })  # fmt: skip
    scenario, papers, product = plan.scenario, plan.scenario.documents, plan.terms.product
    for name in OF_HOME:
        out[name] = [_of_all(homes, name, ids) for ids in living]
    for name in ("project_class", "modules", "owner_consent"):
        out[name] = roofs[name].to_numpy(dtype=object) if name in roofs else None
    return out.assign(
        investor=[owner_of(str(m)) if isinstance(m, str) else None for m in model],
        feed_mode=[_mode(m, scenario.cooperative.mode) for m in model],
        # A usual size is no product that anybody files.
        module_model=None if product.certainty == "unverified" else product.name,
        inverter_model=papers.inverter,
        controllable=papers.controllable, installer=papers.installer, licence=papers.licence,
    )[known_columns()]  # fmt: skip


def _of_all(homes: pd.DataFrame, name: str, ids: Sequence[str]) -> str | None:
    """What the ledger states of all households of a building; nothing where one's is not stated."""
    if name not in homes:
        return None
    told = homes[name].reindex(ids)
    return None if told.isna().any() else ";".join(dict.fromkeys(told.astype(str)))


def _mode(model: Any, pooled: str) -> str | None:
    if not isinstance(model, str):
        return None
    return pooled if model == "cooperative" else MODES.get(model, "self_use")


def missing(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """What each house lacks.

    Returns
    -------
    DataFrame
        ``building_id``, ``household_id``, ``lacks``: columns that are needed and empty.
    """
    needed = [r["column"] for r in reference.rows("filing") if r["needed"] == "yes"]
    wanted = [name for name in columns if name in needed]
    empty = rows[wanted].isna() | rows[wanted].astype(str).eq("")
    lacks = [[name for name, lost in zip(wanted, row, strict=True) if lost]
             for row in empty.to_numpy()]  # fmt: skip
    out = rows[["building_id", "household_id"]].assign(lacks=lacks)
    return out[out["lacks"].map(len) > 0].reset_index(drop=True)


def read_columns(path: str | Path | None, language: str) -> dict[str, str]:
    """Columns of a county's form, by their headings.

    Parameters
    ----------
    path : path-like, optional
        A table of ``heading`` and ``column``; the usual ones if not given.

    Raises
    ------
    InputError
        If it lacks one of the two, or names a column that is not known.
    """
    if path is None:
        return {label(f"filing_{name}", language): name for name in known_columns()}
    table = read_small_table(Path(path))
    lost = [name for name in ("heading", "column") if name not in table.columns]
    if lost:
        raise InputError("filing_columns", where=str(path), missing=listed(lost),
                         columns=listed(table.columns))  # fmt: skip
    odd = [str(c) for c in table["column"] if c not in known_columns()]
    if odd:
        raise InputError("filing_column", where=str(path), column=odd[0],
                         known=listed(known_columns(), 40))  # fmt: skip
    return dict(zip(table["heading"].astype(str), table["column"].astype(str), strict=True))


def make_filing(plan: Plan, language: str, mark: Mark, columns: Mapping[str, str]) -> bytes:
    """The workbook of the list.

    Raises
    ------
    InputError
        If no building carries modules.
    """
    rows = filing_rows(plan)
    if rows.empty:
        raise InputError("filing_none", where="modules")
    return opened(plan, mark, lambda raw: _write(Book(raw, plan, language, True), rows, columns))


def _write(book: Book, rows: pd.DataFrame, columns: Mapping[str, str]) -> None:
    _list(book, rows, columns)
    _by_transformer(book, rows)
    _missing(book, rows, columns)


def _shown(book: Book, name: str, value: Any) -> Any:
    if value is None or value is pd.NA or value != value:
        return None
    if name in WORDED:
        return book.word(f"{WORDED[name]}_{value:g}" if name == "phases"
                         else f"{WORDED[name]}_{value}")  # fmt: skip
    return value if name in NUMBERS or isinstance(value, bool) else word(value, book.language)


def _list(book: Book, rows: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Plants of each transformer with their sum, and the sum of all."""
    sheet = book.sheet("filing", wide=True)
    names = list(columns.values())
    kinds = [NUMBERS.get(name, "text") for name in names]
    book.heads(sheet, 0, columns)
    sheet.set_column(0, len(names) - 1, 14)
    down, nodes, sums = 1, [], []
    for node, own in rows.groupby(rows["transformer_id"].fillna(""), sort=False):
        first = down
        for record in own[list(dict.fromkeys(names))].to_dict("records"):
            for at, name in enumerate(names):
                book.cell(sheet, down, at, _shown(book, name, record[name]), kinds[at])
            down += 1
        title = str(node) or book.word("filing_no_transformer")
        held = {name: list(pd.to_numeric(own[name])) for name in SUMMED}
        _sum_row(book, sheet, down, names, kinds, [(first, down - 1)], title, held)
        nodes.append((down, down))
        sums.append({name: whole(values) for name, values in held.items()})
        down += 1
    every = {name: [one[name] for one in sums] for name in SUMMED}
    _sum_row(book, sheet, down, names, kinds, nodes, book.word("total"), every)
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, down, len(names) - 1)


def _sum_row(
    book: Book, sheet: Any, row: int, names: Sequence[str], kinds: Sequence[str],
    ranges: Sequence[tuple[int, int]], title: str, held: Mapping[str, list[float]],
) -> None:  # fmt: skip
    """A row of sums over rows, whose values are ``held``."""
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if name in SUMMED:
            where = ",".join(book.span(a, at, b, at) for a, b in ranges)
            book.total(sheet, row, at, where, held[name], kind)
        else:
            sheet.write_string(row, at, title if at == 0 else "", book.format("text", "sum"))


def _by_transformer(book: Book, rows: pd.DataFrame) -> None:
    sheet = book.sheet("filing_nodes")
    held = rows.assign(
        node=rows["transformer_id"].fillna(book.word("filing_no_transformer")),
        **{name: pd.to_numeric(rows[name]) for name in SUMMED},
    )
    sums = held.groupby("node", sort=False)[list(SUMMED)].sum()
    counts = held.groupby("node", sort=False).size()
    told = [[node, int(counts[node]), *values] for node, *values in sums.itertuples()]
    keys = ("transformer_id", "filing_plants", *SUMMED)
    book.table(sheet, [book.head(k) for k in keys], told,
               ["text", "count", *(NUMBERS[n] for n in SUMMED)],
               sums=[False, True, True, True, True])  # fmt: skip


def _missing(book: Book, rows: pd.DataFrame, columns: Mapping[str, str]) -> None:
    sheet = book.sheet("filing_missing", wide=True)
    heads = {name: head for head, name in columns.items()}
    between = style(book.language)["list"]
    told = [
        [r.building_id, r.household_id, between.join(heads[name] for name in r.lacks)]
        for r in missing(rows, list(columns.values())).itertuples()
    ]
    names = [book.word(k) for k in ("filing_building_id", "filing_household_id", "filing_lacks")]
    book.table(sheet, names, told, ["text"] * 3)
    sheet.set_column(2, 2, 90)
