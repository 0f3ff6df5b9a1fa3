"""Certificates of what was measured: one for each whole megawatt-hour, the rest carried on."""

from __future__ import annotations

import numpy as np
import pandas as pd

KWH = 1000
"""Of a certificate."""


def certificates(sent: pd.DataFrame) -> pd.DataFrame:
    """Green certificates month by month, each megawatt-hour once.

    Parameters
    ----------
    sent : DataFrame
        ``month``, ``sent_kwh`` (to the grid) and ``mechanism_kwh`` (of it under the price
        mechanism, which has had its worth), any number of rows a month.

    Returns
    -------
    DataFrame
        ``month``, ``tradable_kwh``, ``certificates`` and ``carried_kwh``: certificates times 1,000
        and what is carried sum to the energy (Guo Neng Fa Xin Neng Gui [2024] 67).
    """
    sums = sent.groupby("month")[["sent_kwh", "mechanism_kwh"]].sum().sort_index()
    open_ = (sums["sent_kwh"] - sums["mechanism_kwh"]).clip(lower=0).round(6)
    until = np.floor(open_.cumsum().round(6) / KWH)
    return pd.DataFrame({
        "month": sums.index, "tradable_kwh": open_.to_numpy(),
        "certificates": np.diff(until, prepend=0.0).astype(int),
        "carried_kwh": (open_.cumsum() - until * KWH).round(6).to_numpy(),
    }).reset_index(drop=True)  # fmt: skip
