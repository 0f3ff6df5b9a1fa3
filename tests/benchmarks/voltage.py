"""How long a year of a village's low-voltage net takes.

    python tests/benchmarks/voltage.py

Kerber's village net (57 houses, 116 buses) over 8,760 hours; prints JSON. Bar: 5 s CPU.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from pvplanner.grid.net import read_pandapower
from pvplanner.grid.voltage import household_voltages, solve_flow

NET = Path(__file__).resolve().parents[1] / "vendor" / "kerber" / "net.json"


def main() -> None:
    net = read_pandapower(NET)
    rng = np.random.default_rng(0)
    kw = rng.uniform(-8, 4, (8760, len(net.homes)))
    solve_flow(net, kw[:2])
    cpu, wall = time.process_time(), time.perf_counter()
    flow = solve_flow(net, kw)
    household_voltages(net, flow)
    told = {"hours": 8760, "buses": len(net.buses), "homes": len(net.homes),
            "cpu_s": round(time.process_time() - cpu, 2),
            "wall_s": round(time.perf_counter() - wall, 2)}  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main()
