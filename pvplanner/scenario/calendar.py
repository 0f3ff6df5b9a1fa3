"""From years of life to calendar years: taxes, quarters and the terms of prices go by the calendar.

A plant that begins inside a year has a first and a last calendar year in part; one that begins on
1 January has whole ones only. Years of life all begin on the same day, so one number tells how a
year of life is parted: what of it lies before the turn of the year.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pvplanner.scenario import Scenario

DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class Calendar:
    """The calendar years of a plant.

    Attributes
    ----------
    begin : date
        The money's day: when it is paid, and the plant begins.
    life : int
        Years.
    months : tuple of float
        Share of a year's generation in each month; by their days if not given.
    """

    begin: dt.date
    life: int
    months: tuple[float, ...] = ()

    @classmethod
    def of(cls, scenario: Scenario) -> Calendar:
        """Of a scenario's plant, months by their days."""
        return cls(scenario.tariff.connection_date, scenario.finance.life_years)

    @property
    def whole(self) -> bool:
        """Whether years of life are calendar years."""
        return (self.begin.month, self.begin.day) == (1, 1)

    @property
    def count(self) -> int:
        """Calendar years touched."""
        return self.life if self.whole else self.life + 1

    @property
    def first_whole(self) -> int:
        """Which of them is the first whole one, from 1."""
        return 1 if self.count == self.life else 2

    @property
    def first_length(self) -> float:
        """Length of the first calendar year: 1 where it is whole."""
        return 1.0 if self.whole else self.part

    @property
    def years(self) -> np.ndarray:
        """Their numbers; shape (count,)."""
        return self.begin.year + np.arange(self.count)

    @cached_property
    def _by_month(self) -> np.ndarray:
        """Shares of days and of generation by month; shape (2, 12)."""
        days = np.array(DAYS, dtype=float)
        made = np.array(self.months, dtype=float) if self.months else days
        return np.stack([days / days.sum(), made / made.sum()])

    @cached_property
    def _after(self) -> np.ndarray:
        """Part of each month from the money's day on; shape (12,)."""
        month, days = self.begin.month, DAYS[self.begin.month - 1]
        out = (np.arange(1, 13) > month).astype(float)
        out[month - 1] = 1 - min(self.begin.day - 1, days) / days
        return out

    @property
    def part(self) -> float:
        """What of a year of life lies before the turn of the year, by days."""
        return 1.0 if self.whole else float(self._by_month[0] @ self._after)

    @property
    def part_made(self) -> float:
        """The same of a year's generation."""
        return 1.0 if self.whole else float(self._by_month[1] @ self._after)

    @property
    def times(self) -> np.ndarray:
        """Years from the money's day to the end of each calendar year; shape (count + 1,)."""
        ends = np.arange(self.count) + self.part
        return np.concatenate([[0.0], np.minimum(ends, self.life)])

    def spread(self, values: np.ndarray, *, made: bool = False) -> np.ndarray:
        """Sums of years of life as sums of calendar years; shape (..., life) to (..., count).

        By days, or as the year's generation comes in.
        """
        if self.whole:
            return values
        part = self.part_made if made else self.part
        nothing = np.zeros((*values.shape[:-1], 1))
        head = np.concatenate([values, nothing], axis=-1)
        tail = np.concatenate([nothing, values], axis=-1)
        return np.asarray(part * head + (1 - part) * tail)

    def at_end(self, values: np.ndarray) -> np.ndarray:
        """What is paid on the last day of a year of life, by calendar years."""
        if self.whole:
            return values
        return np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)

    def within(self, values: np.ndarray) -> np.ndarray:
        """What is paid once in the middle of a year of life, by calendar years."""
        if self.whole:
            return values
        late = self.part < 0.5
        nothing = np.zeros((*values.shape[:-1], 1))
        return np.concatenate([nothing, values] if late else [values, nothing], axis=-1)

    @property
    def quarters(self) -> np.ndarray:
        """What of each calendar year's generation falls into its quarters; shape (count, 4)."""
        by_month = self.by_month
        return np.asarray(by_month.reshape(self.count, 4, 3).sum(axis=2))

    @property
    def by_month(self) -> np.ndarray:
        """What of each calendar year's generation falls into its months; shape (count, 12)."""
        made = np.tile(self._by_month[1], (self.count, 1))
        if not self.whole:
            made[0] *= self._after
            made[-1] *= 1 - self._after
        return np.asarray(made / made.sum(axis=1, keepdims=True))

    def until(self, day: dt.date) -> np.ndarray:
        """Whether each calendar year ends by a day."""
        return np.array([dt.date(int(y), 12, 31) <= day for y in self.years])
