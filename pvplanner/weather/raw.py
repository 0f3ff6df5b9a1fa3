"""A weather file as parsed, and what its user states of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from pvplanner.errors import Finding

ZONE_REACH = 4.0
"""Hours that a legal time may lie from the sun's: Kashi keeps 2.9."""


@dataclass(frozen=True)
class RawWeather:
    """A file as parsed: rows in local standard time, and what the file says of itself."""

    data: pd.DataFrame
    latitude: float
    longitude: float
    altitude: float
    utc_offset_hours: float
    source: str
    first_row: int
    stated_offset_minutes: float | None = None
    chinese_standard: bool = False
    series: bool = False
    """Rows have real time stamps and may be finer than hours or span years."""
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Given:
    """What the user states of a file that does not say it itself."""

    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    utc_offset_hours: float | None = None
