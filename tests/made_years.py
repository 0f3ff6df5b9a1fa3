"""Made years of readings: sound households under one sky, and planted faults."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.metering.faults import Held

FAULTS = ("outage", "shade", "wrong_unit", "swapped", "soiling", "clipping", "dead_string",
          "curtailed")  # fmt: skip


def sound(seed: int, homes: int = 300, days: int = 365) -> tuple[Held, np.random.Generator]:
    """A year of sound households: 3 % noise a day, 2 % between roofs, 8 % of weather that all
    share, soiling of 2 % washed off together, 1 % of readings absent.
    """
    rng = np.random.default_rng(seed)
    when = pd.date_range("2027-01-01", periods=days, freq="D")
    doy = when.day_of_year.to_numpy()
    sun = 3.0 - 1.3 * np.cos(2 * np.pi * (doy - 172 + 182.6) / 365.25 + np.pi)
    clear = np.clip(rng.beta(2, 1.3, days), 0.08, 1)
    power = rng.uniform(8, 30, homes)
    face = rng.uniform(0.9, 1.1, homes)
    expected = (sun * clear)[:, None] * power * face
    common = 1 + rng.normal(0, 0.08, days)
    wash = np.cumsum(rng.random(days) < 0.1)
    dry = np.arange(days) - np.array([np.argmax(wash == w) for w in wash])
    level = 1 + rng.normal(0, 0.02, homes)
    made = expected * common[:, None] * level * (1 - 0.001 * np.minimum(dry, 20))[:, None]
    made = made * (1 + rng.normal(0, 0.03, made.shape))
    made[rng.random(made.shape) < 0.01] = np.nan
    ids = pd.Index([f"H{k:04d}" for k in range(homes)])
    group = np.array([f"T{k // 25}" for k in range(homes)])
    return Held(made, expected, when, ids, group), rng


def plant(held: Held, cause: str, rng: np.random.Generator) -> list[int]:
    """Plant a fault in a roof, or roofs; returns which."""
    days, homes = held.measured.shape
    k = int(rng.integers(50, homes))
    made = held.measured
    if cause == "outage":
        begin = int(rng.integers(20, days - 40))
        made[begin : begin + int(rng.integers(4, 15)), k] = 0.0
    elif cause == "shade":
        low = np.cos(2 * np.pi * (held.days.day_of_year.to_numpy() - 355) / 365.25) > 0
        made[low, k] *= rng.uniform(0.6, 0.85)
    elif cause == "wrong_unit":
        made[:, k] *= rng.choice([1000, 0.001])
    elif cause == "swapped":
        other = int(np.argmax(np.abs(np.log(held.expected[0] / held.expected[0, k]))))
        made[:, [k, other]] = made[:, [other, k]]
        return [k, other]
    elif cause == "soiling":
        washed = np.sort(rng.choice(np.arange(60, days - 30), 2, replace=False))
        since = (
            np.arange(days) - np.r_[0, washed][np.searchsorted(washed, np.arange(days), "right")]
        )
        made[:, k] *= 1 - rng.uniform(0.0012, 0.002) * since
    elif cause == "clipping":
        most = rng.uniform(0.5, 0.65) * held.expected[:, k].max()
        made[:, k] = np.fmin(made[:, k], most)
    elif cause == "dead_string":
        made[int(rng.integers(60, days - 90)) :, k] *= rng.choice([0.5, 0.67, 0.75])
    elif cause == "curtailed":
        name = held.group[k]
        mine = np.flatnonzero(held.group == name)
        most = rng.uniform(0.5, 0.65) * held.expected.max(axis=0)[mine]
        made[:, mine] = np.fmin(made[:, mine], most)
        return mine.tolist()
    return [k]
