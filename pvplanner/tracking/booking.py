"""What came into each account, and the vouchers of each."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pandas as pd

from pvplanner.settlement.dividends import Dividends
from pvplanner.settlement.vouchers import OF_MEETING, account_map, vouchers_of
from pvplanner.tracking.banking import Settlement
from pvplanner.tracking.collectives import Books, books_by_home
from pvplanner.tracking.entries import Period

UNTOLD = "?"
"""Books of money of which nobody says whose it is."""


def came_in(history: dict[str, Settlement], books: list[Books]) -> pd.DataFrame:
    """What came into the account: ``fen`` by books and the month of the bank's day."""
    parts = [_of_books(one, books) for one in history.values() if one.bank is not None]
    rows = pd.concat(parts) if parts else pd.DataFrame(columns=["books", "month", "fen"])
    return rows.groupby(["books", "month"])[["fen"]].sum().astype(float)


def _of_books(held: Settlement, books: list[Books]) -> pd.DataFrame:
    """A statement's lines by books: the only ones, those of the account that is named, or those
    whose sum of the period it is.
    """
    assert held.bank is not None
    lines = held.bank[held.bank["ours"]]
    if len(books) == 1:
        whose = pd.Series(books[0].name, index=lines.index)
    else:
        homes, accounts = books_by_home(books), held.accounts
        of_account = accounts["household_id"].astype(str).map(homes)
        named = dict(zip(accounts["account"].astype(str), of_account, strict=True))
        due = accounts["bank_fen"].astype(float).groupby(of_account).sum()
        by_sum = {fen: str(name) for name, fen in due.items() if (due == fen).sum() == 1}
        whose = lines["account"].map(named).fillna(lines["fen"].astype(float).map(by_sum))
        whose = whose.fillna(UNTOLD)
        if len(lines) and lines["fen"].sum() == due.sum() and whose.eq(UNTOLD).any():
            # All came, if not apart: each has what its sheet says, with the last line.
            last = f"{lines['date'].max():%Y-%m}"
            return pd.DataFrame({"books": due.index, "month": last, "fen": due.to_numpy()})
    month = lines["date"].dt.strftime("%Y-%m")
    return pd.DataFrame({"books": whose, "month": month, "fen": lines["fen"]})


def vouchers_by_books(
    books: list[Books], payments: pd.DataFrame, came: pd.DataFrame, shared: Dividends | None,
    resolved: dt.date | None, asked: Period, accounts: str | os.PathLike[str] | None,
) -> pd.DataFrame:  # fmt: skip
    """Vouchers of each account; what the meeting resolves, when it has."""
    codes = account_map(None if accounts is None else Path(accounts))
    inside = payments[payments["booked"].isin(asked.months)]
    names = [one.name for one in books]
    if UNTOLD in came.index.get_level_values(0):
        names.append(UNTOLD)
    parts = []
    for name in names:
        mine = came[came.index.get_level_values(0) == name]["fen"].droplevel(0)
        year = None if shared is None else shared.accounts.get(name)
        if year is not None and resolved is None:
            year = year | dict.fromkeys(OF_MEETING, 0)
        parts.append(vouchers_of(
            inside[inside["books"].eq(name)], mine[mine.index.isin(asked.months)], year, codes,
            end=f"{asked.end:%Y-%m}", books=name,
        ))  # fmt: skip
    return pd.concat(parts, ignore_index=True)
