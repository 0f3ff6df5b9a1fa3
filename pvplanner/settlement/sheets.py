"""A grid company's sheets as one table: a row an account and month, money in whole fen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading import is_total, one_spelling, parse_months, read_numbers
from pvplanner.reading.columns import fold, knows
from pvplanner.reading.tables import heading_row, read_long_table
from pvplanner.settlement.layouts import AMOUNTS, PLAIN, Layout, layouts

FEN = tuple(f"{name}_fen" for name in AMOUNTS)
COLUMNS = ("account", "month", "energy", "market_price", "mean_price", "mechanism_energy",
           "mechanism_price", *FEN, "tax_is", "file", "row")  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """What the sheets say.

    Attributes
    ----------
    rows : DataFrame
        :data:`COLUMNS`: energies in kWh, prices per kWh, money in whole fen; what a sheet does not
        have is nan. ``tax_is`` is how its tax is meant.
    problems : DataFrame
        ``account``, ``month``, ``kind`` (``unread``, ``duplicate``, ``contradiction``), ``file``,
        ``row``: rows that are not used.
    findings : tuple of Finding
    """

    rows: pd.DataFrame
    problems: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def read_sheets(paths: Sequence[Path], own: Sequence[Layout] = ()) -> Sheet:
    """Read settlement sheets, each by the layout whose headings it has.

    Parameters
    ----------
    paths : sequence of Path
        CSV or XLSX.
    own : sequence of Layout
        The user's, before the package's.

    Raises
    ------
    InputError
        If a file fits no layout; names its headings.
    """
    parts, odd, found = [], [], []
    for path in paths:
        layout = _layout_of(path, [*own, *layouts()])
        rows, unread, told = _read(path, layout)
        parts.append(rows)
        odd.append(unread)
        found += told
        code = "sheet_made_up" if layout.made_up else "sheet_layout"
        found.append(Finding(code, path.name, params={"layout": layout.name}))
    every = pd.concat(parts, ignore_index=True)
    rows, twice = _each_once(every)
    return Sheet(rows, pd.concat([*odd, twice], ignore_index=True), tuple(found))


def _layout_of(path: Path, known: Sequence[Layout]) -> Layout:
    """The layout whose headings a file has; of several the one that reads most of it."""
    if not path.is_file():
        raise InputError("file_missing", where=str(path))
    heads: list[str] = []
    fits: list[Layout] = []
    for layout in known:
        found = heading_row(path, knows(layout.names()))
        heads = found if len(found) >= len(heads) else heads
        if {fold(h) for h in layout.columns.values()} <= {fold(h) for h in found}:
            fits.append(layout)
    if not fits:
        near = min(known, key=lambda one: len(_lacks(one, heads)))
        raise InputError("sheet_unknown", where=str(path), columns=listed(heads, 30),
                         near=near.name, lacks=listed(_lacks(near, heads), 12))  # fmt: skip
    return max(fits, key=lambda layout: len(layout.columns))


def _lacks(layout: Layout, heads: Sequence[str]) -> list[str]:
    """Headings of a layout that a file does not have."""
    there = {fold(h) for h in heads}
    return [h for h in layout.columns.values() if fold(h) not in there]


def _read(path: Path, layout: Layout) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    read = read_long_table(path, knows(layout.names()))
    at = {fold(h): h for h in read.rows.columns}
    rows = read.rows[[at[fold(h)] for h in layout.columns.values()]].set_axis(
        list(layout.columns), axis=1
    )
    account = one_spelling(rows["account"])
    closing = is_total(account).to_numpy()
    own_total = _own_total(rows[closing], layout)
    rows = rows.assign(account=account, month=parse_months(rows["month"]))[~closing]
    shape = _items if layout.by_item else _plain
    table, bad = shape(rows, layout)
    unread = pd.DataFrame({"account": rows["account"], "month": rows["month"], "kind": "unread",
                           "file": path.name, "row": rows.index})[bad]  # fmt: skip
    table = table.assign(tax_is=layout.tax, file=path.name).reindex(columns=list(COLUMNS))
    found = list(read.findings)
    rows_fen = float(table["total_fen"].sum())
    if own_total is not None and own_total != rows_fen:
        told = {"rows": f"{rows_fen / 100:,.2f}", "total": f"{own_total / 100:,.2f}"}
        found.append(Finding("sheet_total", path.name, params=told))
    return table, unread, found


def _own_total(closing: pd.DataFrame, layout: Layout) -> float | None:
    """What a sheet says that it sums to, fen; ``None`` where it does not say."""
    if layout.by_item or closing.empty:
        return None
    said = as_fen(_number(closing, "total", layout)).dropna()
    return float(said.iloc[-1]) if len(said) else None


def _number(rows: pd.DataFrame, name: str, layout: Layout) -> pd.Series:
    dimension = "energy" if name in ("energy", "mechanism_energy") else ""
    told = rows[name].astype("string")
    plain = pd.to_numeric(told, errors="coerce")
    missing = plain.isna() & told.notna()
    if missing.any():
        plain = plain.astype(float).where(~missing, read_numbers(told.where(missing), dimension))
    return plain.astype(float) * layout.factors.get(name, 1.0)


def as_fen(yuan: pd.Series) -> pd.Series:
    """Money as whole fen; what is finer than a fen is rounded."""
    return pd.Series(np.rint(yuan.to_numpy(dtype=float) * 100), index=yuan.index)


def _plain(rows: pd.DataFrame, layout: Layout) -> tuple[pd.DataFrame, pd.Series]:
    """A row an account and month."""
    out = rows[["account", "month"]].assign(row=rows.index)
    bad = rows["account"].isna() | rows["month"].isna()
    for name in (n for n in PLAIN[2:] if n in layout.columns):
        value = _number(rows, name, layout)
        # A blank is nothing said; what can't be read spoils the row.
        bad |= value.isna() & rows[name].notna()
        out[f"{name}_fen" if name in AMOUNTS else name] = (
            as_fen(value) if name in AMOUNTS else value.round(9)
        )
    bad |= out["energy"].isna() | out["total_fen"].isna()
    return out[~bad], bad


def _items(rows: pd.DataFrame, layout: Layout) -> tuple[pd.DataFrame, pd.Series]:
    """A row an item: an account's month is several of them."""
    item = rows["item"].astype("string").str.strip().map(dict(layout.items))
    amount = as_fen(_number(rows, "amount", layout))
    bad = rows["account"].isna() | rows["month"].isna() | item.isna() | amount.isna()
    told = pd.DataFrame({"account": rows["account"], "month": rows["month"], "item": item,
                         "fen": amount, "row": rows.index})[~bad]  # fmt: skip
    for name, column in (("quantity", "energy"), ("rate", "market_price")):
        if name in layout.columns:
            told[column] = _number(rows, name, layout).round(9)
    key = ["account", "month"]
    doubled = told.duplicated([*key, "item"], keep=False)
    # Twice the same item of a month: nobody knows which, so that the account's month is not used.
    bad = bad | bad.index.isin(told.loc[doubled, "row"])
    told = told[~told.set_index(key).index.isin(told[doubled].set_index(key).index)]
    wide = told.pivot(index=key, columns="item", values="fen").add_suffix("_fen")
    of = {name: told[told["item"].eq(name)].set_index(key) for name in ("market", "difference")}
    for mine, theirs, source in (
        ("energy", "energy", "market"), ("market_price", "market_price", "market"),
        ("mechanism_energy", "energy", "difference"),
    ):  # fmt: skip
        if theirs in told:
            wide[mine] = of[source][theirs].reindex(wide.index)
    wide["row"] = told.groupby(key)["row"].min()
    wide = wide.reindex(columns=wide.columns.union(["energy", "total_fen"]))
    # Without its energy or its total an account's month says nothing that could be held against.
    half = wide["energy"].isna() | wide["total_fen"].isna()
    bad = bad | bad.index.isin(wide.loc[half, "row"])
    return wide[~half].reset_index(), bad


def _each_once(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """An account's month once: rows that are alike once, rows that differ not at all."""
    key = ["account", "month"]
    values = [c for c in COLUMNS if c not in ("file", "row")]
    alike = rows.duplicated(values, keep="first")
    rest = rows[~alike]
    against = rest.duplicated(key, keep=False)
    odd = pd.concat([
        rows[alike].assign(kind="duplicate"), rest[against].assign(kind="contradiction"),
    ])[[*key, "kind", "file", "row"]]  # fmt: skip
    return rest[~against].reset_index(drop=True), odd
