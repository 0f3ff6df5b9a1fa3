"""How the table of demand is read: by month, period and hour, and between its scales."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.demand.clock import MONTHS

SCALES = (1.0, 0.97, 0.94, 0.91, 0.87, 0.82, 0.75, 0.6, 0.3)
"""Generation, over the first year's, at which every hour is simulated. Between neighbours (and
zero, where it is known) a straight line runs: years of wear and a P90 fall between them."""


def slot_names(parts: int) -> list[str]:
    """Suffixes of columns by month, and by period of the day where there are several."""
    months = [f"{month:02d}" for month in range(1, MONTHS + 1)]
    return months if parts == 1 else [f"{m}_p{p}" for m in months for p in range(parts)]


def by_slot(demand: pd.DataFrame, stem: str) -> np.ndarray:
    """Columns of a demand table by month and period; shape (households, 12, periods)."""
    parts = 1
    while f"{stem}_01_p{parts}" in demand:
        parts += 1
    names = [f"{stem}_{name}" for name in slot_names(parts)]
    return demand[names].to_numpy(dtype=float).reshape(len(demand), MONTHS, parts)


def export_worth(demand: pd.DataFrame, by_hour: list[float] | None) -> np.ndarray:
    """Worth of each household's exports by their hours over all hours alike; 1 without a shape.

    ``by_hour`` is the worth of an export in each hour of the day over the market price.
    """
    if by_hour is None:
        return np.ones(len(demand))
    sent = demand[[f"export_kwh_h{hour:02d}" for hour in range(24)]].to_numpy(dtype=float)
    whole = sent.sum(axis=1)
    worth = sent @ np.asarray(by_hour, dtype=float)
    return np.divide(worth, whole, out=np.ones(len(demand)), where=whole > 0)


def at_scale(demand: pd.DataFrame, part: str, scale: np.ndarray, at_zero: np.ndarray) -> np.ndarray:
    """A part of the demand table at other scales of the first year's generation.

    Parameters
    ----------
    demand : DataFrame
        As from :func:`simulate_demand`.
    part : str
        ``self_used_kwh`` or ``battery_loss_kwh``; ``bill_after`` of a table of bills.
    scale : ndarray, shape (households, ...) or (...)
        Generation over the first year's.
    at_zero : ndarray, shape (households,)
        Its value without generation.

    Returns
    -------
    ndarray, shape (households, ...)
        Exact at the scales simulated, a straight line between them.
    """
    order = np.argsort([0.0, *SCALES])
    nodes = np.array([0.0, *SCALES])[order]
    values = [at_zero, *(demand[f"{part}_{n}"].to_numpy(dtype=float) for n in range(len(SCALES)))]
    table = np.column_stack(values)[:, order]
    scale = np.broadcast_to(scale, (len(demand), np.shape(scale)[-1]))
    above = np.clip(np.searchsorted(nodes, scale), 1, len(nodes) - 1)
    low, high = nodes[above - 1], nodes[above]
    rows = np.arange(len(demand))[:, None]
    left, right = table[rows, above - 1], table[rows, above]
    return left + (scale - low) / (high - low) * (right - left)
