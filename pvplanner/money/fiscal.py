"""What tax law asks of a plant in each calendar year, by the scenario's keys."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from pvplanner import reference
from pvplanner.reference import constant
from pvplanner.scenario import Finance
from pvplanner.scenario.calendar import Calendar


@dataclass(frozen=True)
class TaxYears:
    """Rates of a plant's calendar years; arrays have one value for each, shape (count,).

    Attributes
    ----------
    vat : ndarray
        Of a small taxpayer: the reduced rate to its end, then the Law's.
    vat_free : ndarray of bool
        Whether sales below the threshold bear no VAT.
    vat_free_per_quarter : float
    vat_free_per_sale : float
        Of a person.
    city : ndarray
        City construction tax as a part of VAT.
    stamp : float
        Part of the stamp duty that is owed when the plant is bought.
    income : ndarray, shape (2, count)
        Income tax below and above the limit of a small business's profit.
    """

    vat: np.ndarray
    vat_free: np.ndarray
    vat_free_per_quarter: float
    vat_free_per_sale: float
    city: np.ndarray
    stamp: float
    income: np.ndarray

    @property
    def income_limit(self) -> float:
        """A small business's profit."""
        return constant("tax_small_limit").value

    @property
    def loss_years(self) -> int:
        """For which a loss is carried forward."""
        return round(constant("tax_loss_years").value)


def tax_years(finance: Finance, calendar: Calendar) -> TaxYears:
    """What the law asks of a plant in each of its calendar years.

    Parameters
    ----------
    finance : Finance
        ``vat_*``, ``tax_rate`` and ``tax_holiday`` are used.
    calendar : Calendar
    """
    later = max(finance.vat_rate_after, finance.vat_rate) if finance.vat_rate > 0 else 0.0
    reduced = calendar.until(finance.vat_reduced_until)
    free = finance.vat_free_until
    # Halved for small taxpayers as long as their income tax is.
    small = calendar.until(reference.last_day("tax_small_until"))
    part = np.where(small, constant("tax_small_part").value, 1.0)
    return TaxYears(
        vat=np.where(reduced, finance.vat_rate, later),
        vat_free=np.ones(calendar.count, dtype=bool) if free is None else calendar.until(free),
        vat_free_per_quarter=3 * finance.vat_free_per_month,
        vat_free_per_sale=constant("vat_free_per_sale").value,
        city=constant("city_tax").value * part,
        stamp=float(part[0]),
        income=_income_tax(finance, calendar, small),
    )


def _income_tax(finance: Finance, calendar: Calendar, small: np.ndarray) -> np.ndarray:
    """Rates below and above the limit of a small business's profit; shape (2, count)."""
    if finance.tax_rate is not None:
        both = np.full((2, calendar.count), finance.tax_rate)
    else:
        first, then, full = (constant(f"tax_{n}").value for n in ("small", "small_after", "full"))
        both = np.stack([np.where(small, first, then), np.full(calendar.count, full)])
    if finance.tax_holiday:
        both = both * np.repeat([0.0, 0.5, 1.0], [3, 3, calendar.count])[: calendar.count]
    return both


def enacted_until() -> dt.date:
    """Last day for which the VAT threshold's sum is enacted."""
    return reference.last_day("vat_free_enacted_until")


def business_bands() -> list[list[float | None]]:
    """Tax on a person's business income: up to each limit its rate; the last has no limit."""
    return [
        [float(row["up_to"]) if row["up_to"] else None, float(row["rate"])]
        for row in reference.rows("tax_bands") if row["tax"] == "person_business"
    ]  # fmt: skip


def rent_terms() -> dict[str, Any]:
    """Of a person's tax on rent: ``rate``, and ``off`` up to ``off_to``, ``off_share`` above."""
    off = {name: constant(f"rent_tax_{name}").value for name in ("off", "off_to", "off_share")}
    return {"rate": constant("rent_tax").value, **off}
