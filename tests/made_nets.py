"""Small low-voltage nets as pandapower saves them, without pandapower."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd


def as_pandapower(tables: dict[str, pd.DataFrame]) -> str:
    """Tables in the JSON that ``pandapower.to_json`` writes."""
    held = {
        name: {"_module": "pandas.core.frame", "_class": "DataFrame",
               "_object": table.to_json(orient="split")}
        for name, table in tables.items()
    }  # fmt: skip
    return json.dumps({"_module": "pandapower.auxiliary", "_class": "pandapowerNet",
                       "_object": {**held, "f_hz": 50.0}})  # fmt: skip


def street(homes: list[str], *, length_km: float = 0.03, kva: float = 100.0) -> dict:
    """A transformer and a street of houses, one every so many kilometres."""
    count = len(homes)
    bus = pd.DataFrame({"vn_kv": [10.0, 0.4, *[0.4] * count], "in_service": True})
    line = pd.DataFrame(
        {"name": [f"l{n}" for n in range(count)], "from_bus": range(1, count + 1),
         "to_bus": range(2, count + 2), "length_km": length_km, "r_ohm_per_km": 0.443,
         "x_ohm_per_km": 0.33, "c_nf_per_km": 0.0, "max_i_ka": 0.226, "parallel": 1,
         "in_service": True}
    )  # fmt: skip
    trafo = pd.DataFrame(
        {"name": ["T1"], "hv_bus": [0], "lv_bus": [1], "sn_mva": [kva / 1000], "vn_hv_kv": [10.0],
         "vn_lv_kv": [0.4], "vk_percent": [4.0], "vkr_percent": [1.3], "pfe_kw": [0.2],
         "i0_percent": [0.3], "shift_degree": [330.0], "tap_side": ["hv"], "tap_neutral": [0],
         "tap_pos": [0], "tap_step_percent": [2.5], "parallel": [1], "in_service": [True]}
    )  # fmt: skip
    load = pd.DataFrame({"name": homes, "bus": range(2, count + 2), "p_mw": 0.001, "q_mvar": 0.0,
                         "in_service": True})  # fmt: skip
    grid = pd.DataFrame({"bus": [0], "vm_pu": [1.0], "in_service": [True]})
    return {"bus": bus, "line": line, "trafo": trafo, "load": load, "ext_grid": grid}


def write_net(path: Path, homes: list[str], **options: float) -> Path:
    """Write a street as a pandapower net."""
    path.write_text(as_pandapower(street(homes, **options)), encoding="utf-8")
    return path
