"""Taxes on plain numbers, as the page has them too (``reference/rules.json``)."""

from __future__ import annotations

from typing import Any

import numpy as np


def value_added_tax(
    sales: Any, quarters: Any, free: Any, most: float, rate: Any, general: dict[str, Any]
) -> np.ndarray:
    """VAT on a year's sales by quarters: none below a threshold, from it on the whole is taxed.

    Who sells for more than the limit in a year is a general taxpayer from then on: the general rate
    less the tax in what was bought.

    Parameters
    ----------
    sales : array_like, shape (years,)
        VAT included.
    quarters : array_like, shape (years, 4)
        What of each year's sales falls into its quarters.
    free : array_like of bool, shape (years,)
        Years in which the threshold holds.
    most : float
        Sales of a quarter below which nothing is owed; from it on the whole is taxed (VAT Law
        art. 23).
    rate : array_like, shape (years,)
        On the price without the tax (art. 17).
    general : dict
        ``from`` (``auto``, ``small`` or ``general``), ``limit`` (sales of a year without tax),
        ``rate``, and ``input``, shape (years,): the tax in what was bought.
    """
    out, credit = np.zeros(len(sales)), 0.0
    is_general = general["from"] == "general"
    for year, sold in enumerate(sales):
        small = rate[year]
        if general["from"] == "auto" and sold / (1 + small) > general["limit"]:
            is_general = True
        if is_general:
            due = sold * general["rate"] / (1 + general["rate"]) - general["input"][year] - credit
            out[year], credit = max(due, 0.0), max(-due, 0.0)
            continue
        for part in quarters[year]:
            net = sold * part / (1 + small)
            # Held against the threshold in whole fen, as an invoice has it.
            exempt = free[year] and round(net, 2) < most
            out[year] += 0.0 if exempt else net * small
    return np.where(np.isfinite(np.asarray(sales, dtype=float)), out, np.nan)


def vat_by_sale(sales: Any, months: Any, free: Any, most: float, rate: Any) -> np.ndarray:
    """VAT where each month's sale stands for itself; shape of ``sales``, (..., years).

    Parameters
    ----------
    sales : array_like, shape (..., years)
        VAT included.
    months : array_like, shape (years, 12)
    free : array_like of bool, shape (years,)
    most : float
        A sale below which nothing is owed; from it on the whole is taxed.
    rate : array_like, shape (years,)
    """
    rate, free = np.asarray(rate, dtype=float), np.asarray(free, dtype=bool)
    net = np.asarray(sales, dtype=float) / (1 + rate)
    owed = np.zeros(net.shape)
    for month in np.moveaxis(np.asarray(months, dtype=float), -1, 0):
        sold = net * month
        owed += np.where(free & (np.round(sold, 2) < most), 0.0, sold * rate)
    return owed


def tax_on_person(profit: Any, written_off: Any, allowance: float, bands: Any) -> np.ndarray:
    """A person's tax on the profit of each year; shape of ``profit``, (..., years).

    Parameters
    ----------
    profit, written_off : array_like, shape (..., years)
        After interest, before the write-off; and that.
    allowance : float
        Off a year, of who has no salary (rules art. 15).
    bands : sequence of (limit or None, rate)
        Up to each limit its rate; the last has none.
    """
    left = np.maximum(np.asarray(profit) - np.asarray(written_off) - allowance, 0.0)
    owed, before = np.zeros(left.shape), 0.0
    for limit, rate in bands:
        to = np.inf if limit is None else limit
        owed += np.clip(left - before, 0, to - before) * rate
        before = to
    return owed


def tax_on_rent(rent: Any, at_once: bool, law: dict[str, float]) -> np.ndarray:
    """A person's tax on a year's rent, of a month's receipt less what is off.

    Parameters
    ----------
    rent : array_like
        Of each year.
    at_once : bool
        Whether it is the income of one month, or of twelve.
    law : dict
        ``rate``; ``off`` up to a receipt of ``off_to``, above it ``off_share`` of it.
    """
    months = 1 if at_once else 12
    receipt = np.asarray(rent, dtype=float) / months
    less = np.maximum(receipt - law["off"], 0)
    left = np.where(receipt <= law["off_to"], less, receipt * (1 - law["off_share"]))
    return np.asarray(left * law["rate"] * months)


def tax_on_profit(
    profit: Any, written_off: Any, rate: Any, above: Any, limit: float, loss_years: int
) -> np.ndarray:
    """Tax of each year on what the write-off and the losses of some years before leave.

    Parameters
    ----------
    profit : array_like, shape (years,)
        After interest, before the write-off.
    written_off : array_like, shape (years,)
    rate, above : array_like, shape (years,)
        Where what is left is at most the limit, and where it is more: then on the whole.
    limit : float
    loss_years : int
        For which a loss is carried forward.
    """
    owed = np.zeros(len(profit))
    losses: list[float] = []
    for year, value in enumerate(profit):
        rest = left = value - written_off[year]
        losses = losses[-loss_years:]
        if left >= 0:
            for n, loss in enumerate(losses):
                used = min(loss, rest)
                losses[n], rest = loss - used, rest - used
        losses.append(max(-left, 0.0))
        by = above[year] if rest > limit else rate[year]
        owed[year] = max(rest, 0.0) * by if left == left else float("nan")
    return owed


def write_off(cost: float, life: float, times: Any, whole: bool = True) -> np.ndarray:
    """Straight line over a life, each year's part of the cost; nothing after it.

    What is left when the plant ends goes with it. Rounded so that what was written off by any year
    is a whole fen.

    Parameters
    ----------
    cost, life : float
    times : array_like, shape (years,)
        Years from the beginning to the end of each; the last is the plant's own end.
    whole : bool
        Whether to round.
    """
    done = np.minimum(np.asarray(times, dtype=float) / life, 1.0)
    done[-1:] = 1.0
    total = cost * 100 * done
    return np.asarray(np.diff(np.rint(total) if whole else total, prepend=0) / 100)
