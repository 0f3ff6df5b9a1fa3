"""What a collective sets aside, keeps and gives, on plain numbers, as the page has it too."""

from __future__ import annotations

from typing import Any

import numpy as np


def provide(spent: Any) -> np.ndarray:
    """What is set aside each year for what is spent later: alike in the years since the last.

    Rounded so that what was set aside by any year is a whole fen.

    Parameters
    ----------
    spent : array_like, shape (years,)
    """
    spent = np.asarray(spent, dtype=float)
    out, since = np.zeros(len(spent)), 0
    for year, sum_ in enumerate(spent):
        if sum_ > 0:
            count = year + 1 - since
            part = np.rint(sum_ * 100 * np.arange(count + 1) / count)
            out[since : year + 1] = np.diff(part) / 100
            since = year + 1
    return out


def distribute(
    left_fen: Any, written_off_fen: Any, repaid_fen: Any, set_aside_fen: Any,
    reserve_rate: float, reserve_most_fen: float | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """What a collective keeps and gives, year by year, in the lawful order.

    The surplus is what is left before loans are repaid, less the plant's write-off and what is set
    aside for renewals: that money stays, as it keeps what the collective put in. Of the surplus
    come first the losses of earlier years (the reserve covers what it can), then the reserve's
    share, then the members, who get no more than there is cash for; the rest is carried forward.
    All in whole fen.

    Parameters
    ----------
    left_fen : array_like, shape (years,)
        What is left of each year after costs, tax and debt service, fen.
    written_off_fen, repaid_fen : array_like, shape (years,)
        Write-off of the plant, and what was repaid of loans.
    set_aside_fen : array_like, shape (years,)
        For renewals, less what was spent on them.
    reserve_rate : float
    reserve_most_fen : float, optional
        Nothing more is put by once the reserve is as large as this.

    Returns
    -------
    dict of str to ndarray
        ``dividend``, and at the end of each year ``cash``, ``reserve`` and ``undistributed`` (below
        nought: losses to be made good), fen.
    """
    names = ("dividend", "cash", "reserve", "undistributed")
    out = {name: np.zeros(len(left_fen)) for name in names}
    cash = reserve = pool = aside = 0.0
    for year, left in enumerate(left_fen):
        cash += left
        aside += set_aside_fen[year]
        surplus = left + repaid_fen[year] - written_off_fen[year] - set_aside_fen[year]
        pool += surplus
        if pool < 0:
            drawn = min(reserve, -pool)
            reserve, pool = reserve - drawn, pool + drawn
        if pool > 0:
            # What is carried forward has given the reserve its share already.
            # Half a fen goes up, as on an accountant's sheet.
            kept = np.floor(max(min(pool, surplus), 0.0) * reserve_rate + 0.5 + 1e-6)
            if reserve_most_fen is not None:
                kept = min(kept, max(reserve_most_fen - reserve, 0.0))
            reserve, pool = reserve + kept, pool - kept
            # Money that is set aside is not there to be given.
            given = np.floor(min(pool, max(cash - aside, 0.0)) + 1e-4)
            cash, pool = cash - given, pool - given
            out["dividend"][year] = given
        out["cash"][year], out["reserve"][year], out["undistributed"][year] = cash, reserve, pool
    return out
