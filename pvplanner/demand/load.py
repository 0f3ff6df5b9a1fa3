"""What households use, hour by hour, where no meter says: archetypes, a profile of one's own."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError, InputError
from pvplanner.reading import guarded, read_small_table
from pvplanner.weather import hourly_index


def archetypes(path: str | None = None) -> pd.DataFrame:
    """Load archetypes: the packaged table, or one of the same form.

    Returns
    -------
    DataFrame
        Indexed by ``archetype``: ``kwh_per_year``, ``h00`` to ``h23`` (parts of a day, any scale),
        ``m01`` to ``m12`` (a day's use by month over the year's mean), ``source``, ``certainty``.
    """
    if path is None:
        return reference.load("load_archetypes").set_index("archetype")
    table = read_small_table(path)
    needed = ["archetype", "kwh_per_year", *_hours(), *_months()]
    missing = [name for name in needed if name not in table]
    if missing:
        raise InputError("table_columns", where=str(path), table="archetypes", missing=missing[0])
    with guarded(path, "archetype_value"):
        numbers = table[[*_hours(), *_months()]].to_numpy(dtype=float)
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise InputError("archetype_value", where=str(path))
    return table.set_index("archetype")


def _hours() -> list[str]:
    return [f"h{hour:02d}" for hour in range(24)]


def _months() -> list[str]:
    return [f"m{month:02d}" for month in range(1, 13)]


def year_shape(row: pd.Series) -> np.ndarray:
    """Hourly load of an archetype as parts of a year's energy; shape (8760,), sums to 1."""
    return _shape(tuple(map(float, row[_hours()])), tuple(map(float, row[_months()])))


@lru_cache(maxsize=64)
def _shape(day: tuple[float, ...], month: tuple[float, ...]) -> np.ndarray:
    index = hourly_index(8.0)
    shape = np.array(day)[np.asarray(index.hour)] * np.array(month)[np.asarray(index.month) - 1]
    shape /= shape.sum()
    shape.flags.writeable = False
    return shape


def profile_shape(profile: list[float]) -> np.ndarray:
    """A 24-hour profile as parts of a year's energy; shape (8760,), sums to 1."""
    day = np.asarray(profile, dtype=float)
    if day.shape != (24,) or not (day >= 0).all() or day.sum() <= 0:
        raise ConfigError("profile_value", where="demand.profile")
    return np.tile(day / day.sum() / 365, 365)
