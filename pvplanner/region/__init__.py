"""Regions: many villages under many scenarios, on one machine or a cluster, and nothing lost."""

from __future__ import annotations

from pvplanner.region.config import Region, read_region
from pvplanner.region.estimate import estimate_region
from pvplanner.region.ranking import Ranking, rank_villages
from pvplanner.region.results import Results, open_region
from pvplanner.region.running import merge_region, plan_region

__all__ = [
    "Ranking",
    "Region",
    "Results",
    "estimate_region",
    "merge_region",
    "open_region",
    "plan_region",
    "rank_villages",
    "read_region",
]
