"""Compiled loops over independent rows, spread over the machine's threads.

The loops release Python's lock. Rows do not know of each other, so results depend neither on the
number of threads nor on where the pieces begin. This compiles far less than numba's own threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

LEAST = 64
"""Fewer rows are not worth a second thread."""


def workers() -> int:
    """Threads that this process may use; ``NUMBA_NUM_THREADS`` limits them."""
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    can = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(int(asked), can)) if asked.isdigit() else can


def spread(loop: Callable[..., Any], rows: int, *arguments: Any, least: int = LEAST) -> None:
    """Run ``loop(begin, end, *arguments)`` over all rows; it writes into its arguments.

    Parameters
    ----------
    loop : callable
        Compiled with ``nogil``.
    rows : int
    least : int
        Rows that make a piece worth a thread of its own.
    """
    pieces = min(workers(), max(rows // max(least, 1), 1))
    if pieces == 1:
        loop(0, rows, *arguments)
        return
    # Several pieces a thread, since rows are not alike; the first alone, so that it is compiled
    # once and not by every thread.
    pieces = min(4 * pieces, rows)
    edges = [rows * n // pieces for n in range(pieces + 1)]
    loop(edges[0], edges[1], *arguments)
    with ThreadPoolExecutor(workers()) as pool:
        jobs = [pool.submit(loop, begin, end, *arguments) for begin, end in pairwise(edges[1:])]
        for job in jobs:
            job.result()
