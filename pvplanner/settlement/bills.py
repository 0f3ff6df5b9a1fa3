"""Bills of a collective: each stands in place of what the plan estimates of its months."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import InputError, listed
from pvplanner.money.models import COLLECTIVE, payments_of
from pvplanner.reading import is_total, map_columns, one_spelling, parse_months, read_numbers
from pvplanner.reading.columns import knows
from pvplanner.reading.tables import read_long_table
from pvplanner.settlement.headings import BILLS as ALIASES
from pvplanner.settlement.headings import MONEY_SIGNS, UNTIL
from pvplanner.settlement.shares import PAYMENTS
from pvplanner.settlement.sheets import as_fen

BILLS = ("month", "item", "fen", "books", "begin", "end", "text", "file", "row")
BILLED = ("running", "insurance", "inverter", "battery", "decommissioning", "event")
"""What the plan only estimates, until a bill says."""


def read_bills(paths: list[Path], names: dict[str, str]) -> pd.DataFrame:
    """Bills as they were entered.

    Parameters
    ----------
    paths : list of Path
        Tables of ``month`` (or a day), ``item``, ``amount`` in yuan; where there are, the months
        that it is for (``covers``: ``2027-01..2027-12``; else its own), ``books`` and ``text``.
    names : dict of str to str
        How items may be written, to one of :data:`BILLED`.

    Returns
    -------
    DataFrame
        :data:`BILLS`: ``month`` in which it is booked, ``begin`` and ``end`` of what it is for.

    Raises
    ------
    InputError
        If a column lacks, or an item, month or amount can't be read.
    """
    return pd.concat([_one(path, names) for path in paths], ignore_index=True)[list(BILLS)]


def _one(path: Path, names: dict[str, str]) -> pd.DataFrame:
    if not path.is_file():
        raise InputError("file_missing", where=str(path))
    rows = read_long_table(path, knows(ALIASES)).rows
    mapped = map_columns(list(rows.columns), ALIASES, where=str(path))
    lacking = [name for name in ("month", "item", "amount") if name not in mapped.used]
    if lacking:
        raise InputError("bill_columns", where=str(path), missing=listed(lacking),
                         columns=listed(rows.columns, 20))  # fmt: skip

    def texts(name: str) -> pd.Series:
        if name not in mapped.used:
            return pd.Series("", index=rows.index, dtype="string")
        return one_spelling(rows[mapped.used[name]]).fillna("").astype("string")

    kept = ~(is_total(texts("item")) | is_total(texts("month")))
    rows = rows[kept & ~(texts("item").eq("") & texts("month").eq(""))]
    item = texts("item").map(lambda t: names.get(t, t if t in BILLED else pd.NA))
    _refuse("bill_item", path, item.isna(), texts("item"), known=listed(names, 20))
    amount = rows[mapped.used["amount"]].astype("string")
    plain = amount.str.replace(MONEY_SIGNS, "", regex=True).str.replace("，", ",")
    # A credit note is a bill below nought.
    fen = as_fen(read_numbers(plain, "").astype(float))
    _refuse("bill_amount", path, fen.isna() | fen.eq(0), amount)
    month = parse_months(texts("month"))
    _refuse("bill_month", path, month.isna(), texts("month"))
    begin, end = _covered(texts("covers"), month, path)
    return pd.DataFrame({
        "month": month, "item": item, "fen": fen.astype("int64"), "books": texts("books"),
        "begin": begin, "end": end, "text": texts("text"), "file": path.name, "row": rows.index,
    }).astype({"month": object, "item": object, "books": object, "text": object})  # fmt: skip


def _refuse(code: str, path: Path, bad: pd.Series, told: pd.Series, **more: str) -> None:
    if bad.any():
        first = bad.idxmax()
        value = "" if pd.isna(told[first]) else str(told[first])
        raise InputError(code, where=str(path), row=int(first), value=value, **more)


def _covered(told: pd.Series, month: pd.Series, path: Path) -> tuple[pd.Series, pd.Series]:
    """First and last month that each bill is for: its own where it does not say."""
    ends = told.str.split(UNTIL, n=1, regex=True)
    first, second = (
        ends.str[at]
        .fillna("")
        .astype("string")
        .str.strip()
        .str.replace(ONE_YEAR, r"\1-" + month_, regex=True)
        for at, month_ in ((0, "01"), (-1, "12"))
    )
    first, second = parse_months(first), parse_months(second)
    said = told.ne("")
    _refuse("bill_month", path, said & (first.isna() | second.isna() | (first > second)), told)
    return first.where(said, month).astype(object), second.where(said, month).astype(object)


ONE_YEAR = r"^(\d{4})\D?$"
"""A year alone: all its months."""


def billed_twice(bills: pd.DataFrame) -> list[tuple[str, str]]:
    """Bills that may have been entered twice: the same item and sum, for months that meet; the
    item, and its sum and months.
    """
    out = []
    keys = ["books", "item", "fen"]
    for (_, item, fen), own in bills[bills["fen"].gt(0)].groupby(keys, sort=True):
        rows = own.sort_values(["begin", "end"])
        meets = rows["begin"].shift(-1).le(rows["end"])
        out += [
            (str(item), f"{fen / 100:,.2f} {r.begin}..{r.end}") for r in rows[meets].itertuples()
        ]
    return out


def with_bills(payments: pd.DataFrame, bills: pd.DataFrame) -> pd.DataFrame:
    """Payments in which bills stand in place of what was only estimated of their months.

    Parameters
    ----------
    payments : DataFrame
        As from :func:`pvplanner.settlement.shares.month_payments`, with ``books`` and ``booked``.
    bills : DataFrame
        :data:`BILLS`.
    """
    if bills.empty:
        return payments
    estimate = payments["basis"].eq("plan") & payments["payer"].eq(COLLECTIVE)
    gone = np.zeros(len(payments), dtype=bool)
    for bill in bills.itertuples():
        same = payments["books"].eq(bill.books) & payments["item"].eq(bill.item)
        gone |= (same & payments["month"].between(bill.begin, bill.end)).to_numpy()
    made = pd.DataFrame({
        "month": bills["month"], "model": MODEL, "payer": COLLECTIVE,
        "payee": bills["item"].map(PAYEES), "household_id": "", "item": bills["item"],
        "fen": bills["fen"], "basis": "bill", "books": bills["books"], "booked": bills["month"],
    })  # fmt: skip
    kept = payments[~(gone & estimate.to_numpy())]
    columns = [*PAYMENTS, "books", "booked"]
    return pd.concat([kept, made], ignore_index=True)[columns]


MODEL = "cooperative"
"""In which a collective owns."""

PAYEES = {
    row.item: row.payee for row in payments_of(MODEL)
    if row.item in BILLED and row.payer == COLLECTIVE
}  # fmt: skip
"""Who sends the bill of an item."""
