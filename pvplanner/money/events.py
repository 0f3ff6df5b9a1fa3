"""What events leave of roofs: pauses, and what is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from pvplanner.scenario import Event


def gone(event: Event, year: np.ndarray) -> np.ndarray:
    """1 in years of life in which what an event hits does not stand, else 0."""
    back = np.inf if event.back_after_years is None else event.year + event.back_after_years
    away = (year >= event.year) & (year < back)
    return away * 1.0 if event.kind == "demolition" else np.zeros(len(year))


def lost(event: Event, year: np.ndarray) -> np.ndarray:
    """Part of each year of life in which what an event hits does not run."""
    paused = np.where(year == event.year, event.outage_months / 12, 0.0)
    return np.maximum(paused, gone(event, year))


def hits_of(events: Sequence[Event], people: pd.DataFrame) -> list[np.ndarray]:
    """Part of each household's capacity that each event hits; shape (households,).

    ``people`` has ``event_N`` for events that hit single roofs.
    """
    return [
        np.ones(len(people)) if event.everywhere else people[f"event_{n}"].to_numpy(dtype=float)
        for n, event in enumerate(events)
    ]


def left_of(
    events: Sequence[Event], hits: Sequence[np.ndarray], years: int,
    part: Callable[[Event, np.ndarray], np.ndarray],
) -> np.ndarray:  # fmt: skip
    """What events leave of each year of life; shape (households or 1, years)."""
    out, year = np.ones((1, years)), np.arange(1, years + 1)
    for event, hit in zip(events, hits, strict=True):
        taken = part(event, year)
        out = out - (taken[None] if event.everywhere else np.outer(hit, taken))
    return np.maximum(out, 0.0)
