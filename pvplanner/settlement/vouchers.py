"""Debit and credit of a collective's months and year, by a map of accounts that is data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pvplanner import reference
from pvplanner.errors import InputError, listed
from pvplanner.money.models import COLLECTIVE
from pvplanner.reading import read_table

VOUCHERS = ("books", "month", "number", "item", "side", "code", "fen")
SIDES = ("debit", "credit")
GRID_ITEMS = ("feed_in", "settlement")
OF_MEETING = ("reserve", "dividend")
OF_YEAR = ("vat", "surcharge", "tax", "from_joint", "written_off", *OF_MEETING)
"""What is booked at a year's end; the last two as the meeting resolved them."""


def account_map(path: Path | None = None) -> dict[tuple[str, str], tuple[str, str]]:
    """Debit and credit account of each event and item: the package's, or a user's over it.

    Raises
    ------
    InputError
        If the user's table lacks a column, or names an item that there is not.
    """
    known = {(r["event"], r["item"]): (r["debit"], r["credit"]) for r in reference.rows("vouchers")}
    if path is None:
        return known
    table = read_table(path).rows.fillna("")
    lacking = [name for name in ("item", "debit", "credit") if name not in table.columns]
    if lacking:
        raise InputError("vouchers_columns", where=str(path), missing=listed(lacking),
                         columns=listed(table.columns, 30))  # fmt: skip
    events = {item: event for event, item in known}
    odd = [str(item) for item in table["item"] if item not in events]
    if odd:
        raise InputError("vouchers_odd", where=str(path), names=listed(odd),
                         known=listed(events, 40))  # fmt: skip
    rows = table[["item", "debit", "credit"]].astype(str).itertuples(index=False)
    return {**known, **{(events[item], item): (debit, credit) for item, debit, credit in rows}}


def vouchers_of(
    payments: pd.DataFrame, came: pd.Series, year: dict[str, int] | None,
    accounts: dict[tuple[str, str], tuple[str, str]], *, end: str = "", books: str = "",
) -> pd.DataFrame:  # fmt: skip
    """A collective's vouchers.

    Parameters
    ----------
    payments : DataFrame
        As from :func:`pvplanner.settlement.shares.month_payments`, with ``booked``: the month in
        which it is entered. What is only the plan's estimate is booked when its bill comes.
    came : Series
        What came into its account, whole fen, by the month of the bank's day.
    year : dict of str to int, optional
        The year's taxes, write-off and distribution, as in :class:`.Dividends`.
    accounts : dict
        As from :func:`account_map`.
    end : str
        Month in which the year is booked.
    books : str
        Whose they are.

    Returns
    -------
    DataFrame
        :data:`VOUCHERS`: two rows a voucher, ``debit`` and ``credit``, of the same fen.
    """
    told: list[tuple[str, str, str, int]] = []
    own = payments[payments["payer"].eq(COLLECTIVE) | payments["payee"].eq(COLLECTIVE)]
    own = own[own["basis"].ne("plan")]
    sums = own.groupby(["booked", "item", own["payee"].eq(COLLECTIVE)])["fen"].sum()
    for (month, item, gets), fen in sums.items():
        event = ("due" if item in GRID_ITEMS else "received") if gets else "paid"
        told.append((str(month), event, str(item), int(fen)))
    told += [(str(month), "came", "receipt", int(fen)) for month, fen in came.items() if fen]
    if year is not None:
        told += [(end, "year", item, year[item]) for item in OF_YEAR]
    rows = []
    numbers: dict[str, int] = {}
    for month, event, item, fen in sorted(told, key=lambda t: t[0]):
        if not fen:
            continue
        numbers[month] = numbers.get(month, 0) + 1
        number = f"{month.replace('-', '')}-{numbers[month]:03d}"
        pair = accounts.get((event, item), ("", ""))
        rows += [(books, month, number, item, side, code, fen)
                 for side, code in zip(SIDES, pair, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=list(VOUCHERS))
