"""The household tariff: what a household pays for power, by tier, month and period of the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner.arrays import Array
from pvplanner.demand import SCALES, by_slot, day_periods
from pvplanner.errors import InputError
from pvplanner.reading import read_small_table
from pvplanner.reference import provincial
from pvplanner.scenario import Scenario

COLUMNS = ("up_to_kwh", "flat", "peak", "valley")
"""Of a tariff file: a row per tier, ``up_to_kwh`` empty in the last."""


@dataclass(frozen=True)
class PriceList:
    """What bills of households hang on, of all that the money stands on.

    Attributes
    ----------
    bills : Bills or None
        ``None`` where it is not known.
    own_use : tuple of str
        Business models under which a household uses its roof's power itself.
    """

    bills: Bills | None
    own_use: tuple[str, ...]


@dataclass(frozen=True)
class Bills:
    """A household tariff.

    Attributes
    ----------
    tiers : ndarray, shape (2,)
        Yearly kWh at which the second and the third tier begin.
    prices : ndarray, shape (3, periods)
        Per kWh by tier and period of the day: one for a flat tariff; off peak and at peak.
    source : str
    """

    tiers: Array
    prices: Array
    source: str

    @property
    def periods(self) -> int:
        """Periods of the day that are billed apart."""
        return int(np.shape(self.prices)[1])

    def cost(self, kwh: np.ndarray) -> np.ndarray:
        """Bill of a year's purchases.

        Parameters
        ----------
        kwh : ndarray, shape (..., 12, periods)
            Bought in each month and period of the day. As grid companies bill it: tiers go by what
            has been bought since January, and the month that crosses a tier is shared between the
            two in proportion.

        Returns
        -------
        ndarray, shape (...)
        """
        month = kwh.sum(axis=-1)
        after = np.cumsum(month, axis=-1)
        edges = np.concatenate([[0.0], self.tiers, [np.inf]])
        total = np.zeros(month.shape)
        for tier, prices in enumerate(np.asarray(self.prices)):
            inside = np.minimum(after, edges[tier + 1]) - np.maximum(after - month, edges[tier])
            part = np.divide(inside, month, out=np.zeros_like(month), where=month > 0)
            total += np.clip(part, 0, 1) * (kwh * prices).sum(axis=-1)
        return total.sum(axis=-1)


def find_bills(scenario: Scenario, province: str | None) -> Bills | None:
    """The household tariff of a place: the scenario's file, its one price, or the packaged one.

    ``None`` where no tariff is known.

    Raises
    ------
    InputError
        If a tariff file can't be read, or has not one to three tiers.
    """
    tariff = scenario.tariff
    if tariff.file is not None:
        rows, source = _tariff_file(tariff.file), tariff.file
    elif tariff.self_use_price is not None:
        price = str(tariff.self_use_price)
        rows = [{"up_to_kwh": "", "flat": price, "peak": price, "valley": price}]
        source = "scenario"
    else:
        rows = provincial.household_tiers(province) if province is not None else []
        if not rows:
            return None
        source = rows[0]["source"]
    limits = np.full(2, np.inf)
    limits[: len(rows) - 1] = [float(row["up_to_kwh"]) for row in rows[:-1]]
    parts = int(day_periods(tariff, province).max()) + 1
    names = ("valley", "peak", "flat")[:parts] if tariff.time_of_use else ("flat",)
    # Where a period's own price was not found it is the tier's.
    prices = np.array([[_price(row, name) for name in names] for row in rows])
    prices = np.vstack([prices, np.repeat(prices[-1:], 3 - len(prices), axis=0)])
    return Bills(limits, prices * tariff.self_use_factor, source)


def _price(row: dict[str, str], name: str) -> float:
    own = float(row[name] or "nan")
    return own if np.isfinite(own) else float(row["flat"])


def household_bills(
    demand: pd.DataFrame, tariff: Bills | None, commercial: np.ndarray | None = None,
    commercial_price: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Bills of every household before and after, from the energies of its demand.

    Parameters
    ----------
    demand : DataFrame
        As from :func:`pvplanner.demand.simulate_demand`.
    tariff : Bills or None
        Without one bills are nan.
    commercial : ndarray of bool, optional
        Halls, schools and workshops, which pay ``commercial_price`` where that is known: no tier of
        households is theirs.
    commercial_price : float, optional

    Returns
    -------
    DataFrame
        On the index of ``demand``: ``household_id``, ``bill_before`` and, for each scale n of
        :data:`pvplanner.demand.SCALES`, ``bill_after_n``; with a battery ``bill_plain``, what it
        would be without.
    """
    load = by_slot(demand, "load_kwh")

    def cost(kwh: np.ndarray) -> np.ndarray:
        bill = np.full(len(kwh), np.nan) if tariff is None else tariff.cost(kwh)
        if commercial is None or commercial_price is None:
            return bill
        return np.where(commercial, kwh.sum(axis=(1, 2)) * commercial_price, bill)

    columns = {"household_id": demand["household_id"].to_numpy(), "bill_before": cost(load)}
    for node in range(len(SCALES)):
        bought = np.maximum(load - by_slot(demand, f"self_used_kwh_{node}"), 0.0)
        columns[f"bill_after_{node}"] = cost(bought)
    if any(name.startswith("plain_used_kwh") for name in demand.columns):
        # By-minute use of a small battery may lie below that of none.
        plain = np.minimum(by_slot(demand, "plain_used_kwh"), load)
        columns["bill_plain"] = cost(np.maximum(load - plain, 0.0))
    return pd.DataFrame(columns, index=demand.index)


def _tariff_file(path: str) -> list[dict[str, str]]:
    table = read_small_table(path)
    if [c for c in COLUMNS if c not in table] or not 1 <= len(table) <= 3:
        raise InputError("tariff_file", where=path)
    return table[list(COLUMNS)].astype(str).to_dict("records")
