"""Ways out where a transformer is too small for its roofs: what each takes, loses and costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.grid.hours import Feeders, export_cut, storage_for
from pvplanner.scenario import Grid

WAYS = ("fewer_modules", "export_limit", "storage", "larger_transformer", "pooled",
        "controllability")  # fmt: skip
"""In the order in which they are told."""


@dataclass(frozen=True)
class Need:
    """A transformer whose roofs want more than is open.

    Attributes
    ----------
    transformer_id : str
    fits_kw, open_kw : float
        kW AC of all its roofs, and what may be connected on its way up.
    kva, power_factor, reverse_load : float
        Of the transformer; nan where not known.
    needed_kva : float
        Rating at which DL/T 2041 lets all of it in.
    plants : int
        Roofs with modules.
    kwh_per_kw : float
        Yearly yield over AC rating.
    above_kw : float
        What is open above it, kW; infinite where nothing is known.
    """

    transformer_id: str
    fits_kw: float
    open_kw: float
    kva: float
    power_factor: float
    reverse_load: float
    needed_kva: float
    plants: int
    kwh_per_kw: float
    above_kw: float


def standard_kva(needed: float) -> float:
    """The next rating that is made, kVA; nan beyond the largest."""
    sizes = np.array(sorted(float(row["kva"]) for row in reference.rows("transformer_sizes")))
    fit = sizes[sizes >= needed - 1e-9]
    return float(fit[0]) if len(fit) else float("nan")


def kva_for(fits_kw: float, need: pd.Series, output_rate: float) -> float:
    """Rating at which all roofs fit: DL/T 2041 solved for S."""
    wanted = fits_kw + need["connected_kw"] + need["registered_kw"]
    reverse = wanted * output_rate - np.nan_to_num(need["load_kw"])
    return float(reverse / (need["reverse_load"] * need["power_factor"]))


def ways_out(need: Need, hours: Feeders, row: int, costs: Grid) -> pd.DataFrame:
    """What each way out of one transformer takes, with all its roofs built.

    Parameters
    ----------
    need : Need
    hours : Feeders
        With all roofs that fit, uncut.
    row : int
        Of the transformer in ``hours``.
    costs : Grid
        Its cost keys; a way whose cost is not stated has none.

    Returns
    -------
    DataFrame
        ``transformer_id``, ``way``, ``size``, ``unit``, ``lost_kwh`` (a year), ``cost`` (nan where
        not stated or not known), ``possible`` (false where something above stands against it).
    """
    load, made, other = hours.load[row], hours.made[row], hours.other[row]
    cap = need.reverse_load * need.kva * need.power_factor
    over = export_cut(load[None], made[None], other[None], np.array([cap]))[0]
    back = made + other - load
    stored, power = storage_for(over, np.maximum(cap - back, 0.0))
    short = need.fits_kw - need.open_kw
    larger = standard_kva(need.needed_kva)
    step_up = standard_kva(short / need.power_factor) if short > 0 else float("nan")
    # A way that leaves the kilowatts as they are still meets what stands above.
    above = need.fits_kw <= need.above_kw + 1e-9
    known = bool(np.isfinite(cap))
    cut = float(over.sum()) if known else float("nan")
    told = [
        ("fewer_modules", short, "kW", short * need.kwh_per_kw, 0.0, True),
        ("export_limit", cap, "kW", cut, _times(costs.cost_export_limit, need.plants), above),
        ("storage", stored if known else float("nan"), "kWh", 0.0 if known else float("nan"),
         _times(costs.cost_storage_per_kwh, stored) if known else float("nan"), above),
        ("larger_transformer", larger, "kVA", 0.0, _times(costs.cost_transformer_per_kva, larger),
         above and bool(np.isfinite(larger))),
        ("pooled", step_up, "kVA", 0.0, _times(costs.cost_pooled_per_kva, step_up),
         above and bool(np.isfinite(step_up))),
        ("controllability", need.plants, "plants", cut, _times(costs.cost_control, need.plants),
         above),
    ]  # fmt: skip
    names = ["way", "size", "unit", "lost_kwh", "cost", "possible"]
    out = pd.DataFrame(told, columns=names)
    out.insert(0, "transformer_id", need.transformer_id)
    out["power_kw"] = np.where(out["way"] == "storage", power, np.nan)
    return out


def _times(price: float | None, count: float) -> float:
    return float("nan") if price is None else price * count
