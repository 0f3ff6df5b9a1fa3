"""A period that was measured: readings as they came, against the plan's of the same days."""

from __future__ import annotations

from pvplanner.metering.against import compare_days
from pvplanner.metering.faults import Held, find_faults
from pvplanner.metering.readings import read_generation
from pvplanner.metering.spans import Generated, drop_impossible

__all__ = ["Generated", "Held", "compare_days", "drop_impossible", "find_faults", "read_generation"]
