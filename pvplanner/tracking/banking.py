"""What reached the bank, period after period: what is late stays open until it comes."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pandas as pd

from pvplanner.settlement import compare_receipts
from pvplanner.tracking.entries import Period, latest_of

RECEIPTS = ("account", "due_fen", "came_fen", "off_fen", "cause", "late", "came_late", "period")
BANK = ("date", "fen", "account", "text", "file", "row", "ours")


@dataclass(frozen=True)
class Settlement:
    """A period's sheet, and the bank's lines that were entered for it.

    Attributes
    ----------
    period : Period
    accounts : DataFrame
        With ``bank_fen``: what is to reach the account whose statement is held.
    bank : DataFrame or None
        ``None`` while no statement was entered.
    """

    period: Period
    accounts: pd.DataFrame
    bank: pd.DataFrame | None = None


def history_of(folder: str | os.PathLike[str] | None) -> dict[str, Settlement]:
    """Settlements of a plan's entries by period, each as it was entered last."""
    if folder is None:
        return {}
    bank = {entry.period.name: table for entry, table in latest_of(folder, "bank")}
    return {
        entry.period.name: Settlement(entry.period, table, bank.get(entry.period.name))
        for entry, table in latest_of(folder, "settlement")
    }


def reconcile(history: dict[str, Settlement]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Receipts against what the sheets say, one period after another.

    Returns
    -------
    receipts : DataFrame
        :data:`RECEIPTS`; periods without a statement have no rows.
    open : DataFrame
        ``account``, ``month``, ``fen``: what has not come at the end.
    """
    late: dict[str, int] = {}
    parts = []
    for held in sorted(history.values(), key=lambda one: (one.period.begin, one.period.end)):
        if held.bank is None:
            continue
        due = _due(held.accounts)
        told = {f"{r.account} {r.month}": int(r.fen) for r in due.itertuples()}
        found = compare_receipts(due, held.bank[held.bank["ours"]], _table(late))
        parts.append(found.assign(period=held.period.name))
        for row in found.itertuples():
            came = _names(str(row.came_late), late)
            late = {n: fen for n, fen in late.items() if n not in came}
            late |= {n: told[n] for n in _names(str(row.late), told)}
    receipts = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=RECEIPTS)
    return receipts[list(RECEIPTS)], _table(late)


def _due(accounts: pd.DataFrame) -> pd.DataFrame:
    """What is to reach the bank, as :func:`compare_receipts` takes it."""
    own = accounts[accounts["bank_fen"].notna()]
    return pd.DataFrame({
        "party": own["party"], "account": own["account"].astype(str),
        "month": own["month"].astype(str), "fen": own["bank_fen"].astype("int64"),
        "tax_fen": own["tax_fen_sheet"].fillna(0).astype("int64"),
    })  # fmt: skip


def _table(late: dict[str, int]) -> pd.DataFrame:
    pairs = [name.rsplit(" ", 1) for name in late]
    return pd.DataFrame({"account": [a for a, _ in pairs], "month": [m for _, m in pairs],
                         "fen": list(late.values())})  # fmt: skip


def _names(said: str, told: dict[str, int]) -> list[str]:
    """Accounts with their months; of a month alone all its accounts."""
    out: list[str] = []
    for name in filter(None, said.split(", ")):
        out += [n for n in told if n == name or (" " not in name and n.endswith(f" {name}"))]
    return out
