"""The bank's receipts against the sheets' totals: what came, what is late, what is left over."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import InputError, listed
from pvplanner.reading import is_total, map_columns, one_spelling, parse_times, read_numbers
from pvplanner.reading.columns import knows
from pvplanner.reading.tables import read_long_table
from pvplanner.settlement.headings import POWER
from pvplanner.settlement.headings import RECEIPT as ALIASES
from pvplanner.settlement.sheets import as_fen

COLUMNS = ("date", "fen", "account", "text", "file", "row", "ours")
CAUSES = ("agrees", "late", "late_before", "late_both", "rounding", "tax", "unexplained", "none")
"""Why receipts and sheets differ."""

MOST_LATE = 3
"""So many accounts may be late together and still be told from their sum."""


def read_receipts(paths: list[Path]) -> pd.DataFrame:
    """What came into the account.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`; money in whole fen, ``account`` empty where a receipt names none; ``ours``
        where its text speaks of power, or no line's does.

    Raises
    ------
    InputError
        If a file has no date or amount, an amount can't be read, or nothing came in.
    """
    rows = pd.concat([_one(path) for path in paths], ignore_index=True)
    speaks = rows["text"].str.contains(POWER, case=False, regex=True) | rows["account"].ne("")
    return rows.assign(ours=speaks | ~speaks.any())


def _one(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError("file_missing", where=str(path))
    rows = read_long_table(path, knows(ALIASES)).rows
    mapped = map_columns(list(rows.columns), ALIASES, where=str(path))
    lacking = [name for name in ("date", "amount") if name not in mapped.used]
    if lacking:
        known = {name: "/".join(ALIASES[name][1:5]) for name in lacking}
        raise InputError("receipt_columns", where=str(path), missing=listed(known.values()),
                         columns=listed(rows.columns, 20))  # fmt: skip
    told = rows[mapped.used["date"]]
    rows = rows[told.notna() & ~is_total(told.fillna("").astype("string"))]
    amount = rows[mapped.used["amount"]]
    fen = as_fen(read_numbers(amount, "").astype(float))
    wrong = fen.isna() & amount.notna()
    if wrong.any():
        raise InputError("receipt_amount", where=str(path), row=int(wrong.idxmax()),
                         value=str(amount[wrong].iloc[0]))  # fmt: skip
    told = rows[mapped.used["date"]].astype("string")
    stamps, _ = parse_times(told)
    if stamps.isna().any():
        first = int(rows.index[stamps.isna()][0])
        raise InputError("receipt_date", where=str(path), row=first, value=str(told[first]))

    def texts(name: str) -> pd.Series:
        if name not in mapped.used:
            return pd.Series("", index=rows.index)
        return one_spelling(rows[mapped.used[name]]).fillna("").astype(str)

    out = pd.DataFrame({
        "date": stamps.normalize(), "fen": fen.to_numpy(), "account": texts("account").to_numpy(),
        "text": texts("text").to_numpy(), "file": path.name, "row": rows.index,
    })  # fmt: skip
    # A line that pays out is no receipt.
    paid_in = out[out["fen"].gt(0)]
    if paid_in.empty:
        raise InputError("receipt_none", where=str(path))
    return paid_in


def compare_receipts(
    due: pd.DataFrame, came: pd.DataFrame, open_before: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Receipts against what the sheets say was to be paid, by party.

    Parameters
    ----------
    due : DataFrame
        ``party``, ``account``, ``month``, ``fen`` (the sheet's total) and ``tax_fen``.
    came : DataFrame
        As from :func:`read_receipts`.
    open_before : DataFrame, optional
        ``account``, ``month``, ``fen``: what earlier periods left unpaid.

    Returns
    -------
    DataFrame
        ``account`` (empty for a sum over several), ``due_fen``, ``came_fen``, ``off_fen``,
        ``cause`` (one of :data:`CAUSES`), ``late`` (accounts and months that have not come) and
        ``came_late`` (those of before that have). Sums over ``came_fen`` are all that came.
    """
    named = came["account"].ne("")
    rows = []
    single = due[due["account"].isin(list(came.loc[named, "account"]))]
    before = _open(open_before)
    for account, own in came[named].groupby("account", sort=True):
        mine = single[single["account"].eq(account)]
        early = before[before["account"].eq(account)]
        rows.append(_row(str(account), mine, int(own["fen"].sum()), early))
    rest = due[~due["account"].isin(list(single["account"]))]
    unnamed = int(came.loc[~named, "fen"].sum())
    if unnamed or (len(rest) and not named.any()):
        others = before[~before["account"].isin([r["account"] for r in rows])]
        rows.append(_row("", rest, unnamed, others))
    else:
        rows += [_row(str(account), own, 0, before.iloc[:0])
                 for account, own in rest.groupby("account", sort=True)]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["account", "due_fen", "came_fen", "off_fen", "cause", "late", "came_late"]
    )


def _open(told: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame({"account": [], "month": [], "fen": []}) if told is None else told


def _row(account: str, due: pd.DataFrame, came: int, before: pd.DataFrame) -> dict[str, object]:
    owed = int(due["fen"].sum())
    cause, late = _why(due, came - owed, before)
    return {"account": account, "due_fen": owed, "came_fen": came, "off_fen": came - owed,
            "cause": cause, "late": late[0], "came_late": late[1]}  # fmt: skip


def _why(due: pd.DataFrame, off: int, before: pd.DataFrame) -> tuple[str, tuple[str, str]]:
    """Why a sum is off, the accounts that are late, and those of before that came."""
    if off == 0:
        return "agrees", ("", "")
    if off < 0 and (found := _that_sum(due, -off)):
        return "late", (found, "")
    if off < 0 and int(due["tax_fen"].sum()) == -off:
        return "tax", ("", "")
    if off > 0 and (found := _that_sum(before, off)):
        return "late_before", ("", found)
    open_ = int(before["fen"].sum())
    if open_ and off < open_ and (found := _that_sum(due, open_ - off)):
        # All that was open came, and something else did not.
        every = [f"{a} {m}" for a, m in zip(before["account"], before["month"], strict=True)]
        return "late_both", (found, ", ".join(every))
    if abs(off) <= len(due):
        return "rounding", ("", "")
    return "unexplained" if len(due) else "none", ("", "")


def _that_sum(rows: pd.DataFrame, fen: int) -> str:
    """Accounts and months, few of them, that sum to an amount; empty where none or several do."""
    values = rows["fen"].to_numpy(dtype=np.int64)
    names = [f"{a} {m}" for a, m in zip(rows["account"], rows["month"], strict=True)]
    for many in range(1, MOST_LATE + 1):
        if len(values) ** many > 2_000_000:
            break
        found = [c for c in combinations(range(len(values)), many) if values[list(c)].sum() == fen]
        if len(found) == 1:
            return ", ".join(names[n] for n in found[0])
        if found:
            return ""
    months = rows.groupby("month")["fen"].sum()
    whole = [str(m) for m, sum_ in months.items() if int(sum_) == fen]
    return whole[0] if len(whole) == 1 else ""
