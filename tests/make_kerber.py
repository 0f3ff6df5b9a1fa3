"""Make the golden voltages of Kerber's village net with pandapower; not a test.

    python tests/make_kerber.py

needs pandapower in an environment of its own (it asks for older libraries than ours) and writes
``tests/vendor/kerber/net.json`` and ``golden.npz``: 50 hours of load and output at every house, and
pandapower's voltages of every bus (``trafo_model="pi"``, balanced), and the factor of all roofs at
which the first voltage reaches 1.07.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandapower as pp
import pandapower.networks as nets

HERE = Path(__file__).resolve().parent / "vendor" / "kerber"
HOURS = 50


def solve(net, kw):
    net.load["p_mw"] = kw / 1000
    net.load["q_mvar"] = 0.0
    pp.runpp(net, trafo_model="pi", numba=False, tolerance_mva=1e-11, max_iteration=50)
    return net.res_bus["vm_pu"].to_numpy()


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    net = nets.create_kerber_dorfnetz()
    pp.to_json(net, str(HERE / "net.json"))
    rng = np.random.default_rng(7)
    homes = len(net.load)
    load = rng.uniform(0.2, 2.0, (HOURS, homes))
    sun = np.sin(np.linspace(0, np.pi, HOURS)) ** 2
    made = sun[:, None] * rng.uniform(3.0, 9.0, homes)
    volts = np.array([solve(net, row) for row in load - made])
    low_buses = net.load["bus"].to_numpy()

    def most(factor):
        return max(solve(net, row)[low_buses].max() for row in load - factor * made)

    low, high = 0.0, 64.0
    while high - low > 1e-5 * high:
        middle = (low + high) / 2
        try:
            over = most(middle) > 1.07
        except pp.LoadflowNotConverged:
            over = True
        low, high = (low, middle) if over else (middle, high)
    np.savez_compressed(HERE / "golden.npz", load=load, made=made, volts=volts, factor=low)
    print("factor", low, pp.__version__)


if __name__ == "__main__":
    main()
