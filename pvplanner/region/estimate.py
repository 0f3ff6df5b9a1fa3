"""What a region's run will take, before it is taken."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pvplanner.plan.locking import holding
from pvplanner.region.folder import all_done, room_on_disk
from pvplanner.region.running import begin, file_of
from pvplanner.region.workers import usual_workers

START_S, SURVEY_MS = 8.0, 0.008
"""Wall time until processes are at work, and of the look through the files for each roof."""

VILLAGE_S, ROOF_MS = (0.2, 0.025), (0.21, 0.014)
"""CPU of a village however small, and of each of its roofs: under the first scenario, and under
each further one of money alone (``tests/benchmarks/region.py`` on two cores)."""

BASE_MB, KB_A_ROOF, SURVEY_KB = 420.0, 13.0, 0.2
"""Memory of a process, of each roof of the largest village, and of each roof of the region while
its files are looked through."""

BYTES_A_ROOF, BYTES_A_SCENARIO = 30.0, 13_000.0
"""Disk of what is remembered of a roof, and of a village's tables under a scenario; outputs have
their own."""

BYTES_OF = {"hours": 120_000.0, "buildings": 330.0, "households": 130.0}
"""Disk of a village's hours, of a building and of a household, for each scenario."""


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes
    ----------
    villages, roofs, scenarios, left : int
        ``left``: villages that are not done yet.
    seconds, memory_mb, disk_mb : float
        Wall time with the workers given, memory of each process, disk of the results.
    """

    villages: int
    roofs: int
    scenarios: int
    left: int
    workers: int
    seconds: float
    memory_mb: float
    disk_mb: float


def estimate_region(
    region: str | os.PathLike[str], *, out: str | os.PathLike[str], workers: int | None = None
) -> Estimate:
    """What a run would take; the files are looked through, nothing is reckoned.

    Parameters
    ----------
    region, out, workers
        As for :func:`plan_region`.
    """
    folder = Path(out)
    with holding(folder), room_on_disk(folder):
        run = begin(file_of(region), folder, lambda step, done, whole: None, None)
    left = all_done(run.folder, run.keys, run.units)
    count = min(usual_workers() if workers is None else workers, max(len(left), 1))
    names = len(run.region.scenarios)
    roofs, most = sum(u.buildings for u in left), max((u.buildings for u in left), default=0)
    every = sum(u.buildings for u in run.survey.units)
    each_s, each_ms = (first + more * (names - 1) for first, more in (VILLAGE_S, ROOF_MS))
    seconds = (len(left) * each_s + roofs * each_ms / 1000) / count
    seconds += START_S + every * SURVEY_MS / 1000 if left else 0.0
    outputs = run.region.sources.outputs
    size = every * BYTES_A_ROOF + len(run.survey.units) * names * BYTES_A_SCENARIO
    for kind in outputs:
        each = len(run.survey.units) if kind == "hours" else every
        size += each * names * BYTES_OF[kind]
    return Estimate(
        len(run.survey.units), every, names, len(left), count, seconds,
        BASE_MB + max(most * KB_A_ROOF, every * SURVEY_KB) / 1000, size / 1e6,
    )  # fmt: skip
