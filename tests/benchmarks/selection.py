"""How long choosing takes, and how close to the best it comes.

    python tests/benchmarks/selection.py [households phases transformers gap]

Made-up households under transformers, budgets with half the income of earlier phases, least shares
of eight hamlets and of low income; prints JSON. Without words: 5,000 x 5 under 20 (bar: within
0.5 % under 60 s) and 100,000 x 5 under 200 (bar: a stated bound under 10 minutes).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from test_selection import big

from pvplanner.selection import choose


def measure(households: int, phases: int, transformers: int, gap: float) -> dict[str, object]:
    problem = big(households, phases, transformers)
    begun = time.perf_counter()
    chosen = choose(problem, gap=gap, nodes=5_000)
    seconds = time.perf_counter() - begun
    return {
        "households": households, "phases": phases, "transformers": transformers,
        "seconds": round(seconds, 1), "gap": round(chosen.choice.gap, 6),
        "searched_whole": chosen.choice.exact,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def main() -> None:
    if len(sys.argv) > 1:
        count, phases, nodes, gap = sys.argv[1:5]
        cases = [(int(count), int(phases), int(nodes), float(gap))]
    else:
        cases = [(5_000, 5, 20, 0.005), (100_000, 5, 200, 0.005)]
    for case in cases:
        print(json.dumps(measure(*case)), flush=True)


if __name__ == "__main__":
    main()
