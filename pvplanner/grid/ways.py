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

YES, SHARED, NO = "yes", "shared", "no"
"""Whether the superiors bear a way: with all roofs below them, if others leave room, not at all."""


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
    alone_kw, shared_kw : float
        What the superiors bear of it if nothing else is built below them, and if all else that fits
        is, kW; infinite where nothing is known.
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
    alone_kw: float
    shared_kw: float

    def borne(self, kw: float) -> str:
        """Whether what stands above bears so much of it: with all else that fits, only if others
        leave room, or not at all.
        """
        if kw <= self.shared_kw + 1e-9:
            return YES
        return SHARED if kw <= self.alone_kw + 1e-9 else NO


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


def borne_part(load: np.ndarray, made: np.ndarray, other: np.ndarray, cap: float) -> float:
    """The part of some roofs with which no hour sends back more than is borne; 1 where all do."""
    room = np.maximum(cap + load - other, 0.0)
    tight = made > 1e-12
    part = np.divide(room, made, out=np.ones_like(made), where=tight)
    return float(np.clip(part.min(initial=1.0), 0.0, 1.0)) if np.isfinite(cap) else 1.0


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
        not stated or not known; fewer modules spare some), ``possible`` (``yes``: with all else
        that fits; ``shared``: only if others leave room above; ``no``).
    """
    load, made, other = hours.load[row], hours.made[row], hours.other[row]
    cap = need.reverse_load * need.kva * need.power_factor
    known = bool(np.isfinite(cap))
    over = export_cut(load[None], made[None], other[None], np.array([cap]))[0]
    back = made + other - load
    stored, power = storage_for(over, np.maximum(cap - back, 0.0)) if known else (np.nan, np.nan)
    # Both by the formula and by the hours: the year's largest output may lie above tau.
    part = borne_part(load, made, other, cap)
    short = max(need.fits_kw - need.open_kw, (1 - part) * need.fits_kw)
    per_kva = need.reverse_load * need.power_factor
    larger = standard_kva(max(need.needed_kva, float(back.max(initial=0.0)) / per_kva))
    step_up = standard_kva(short / need.power_factor)
    all_, rest = need.borne(need.fits_kw), need.borne(need.fits_kw - short)
    cut = float(over.sum()) if known else np.nan
    told = [
        ("fewer_modules", short, "kW", short * need.kwh_per_kw, np.nan, rest),
        ("export_limit", cap, "kW", cut, _times(costs.cost_export_limit, need.plants), all_),
        ("storage", stored, "kWh", 0.0 if known else np.nan,
         _times(costs.cost_storage_per_kwh, stored), all_),
        ("larger_transformer", larger, "kVA", 0.0,
         _times(costs.cost_transformer_per_kva, larger), all_ if np.isfinite(larger) else NO),
        ("pooled", step_up, "kVA", 0.0, _times(costs.cost_pooled_per_kva, step_up),
         all_ if np.isfinite(step_up) else NO),
        ("controllability", need.plants, "plants", cut, _times(costs.cost_control, need.plants),
         all_),
    ]  # fmt: skip
    names = ["way", "size", "unit", "lost_kwh", "cost", "possible"]
    out = pd.DataFrame(told, columns=names)
    out.insert(0, "transformer_id", need.transformer_id)
    out["power_kw"] = np.where(out["way"] == "storage", power, np.nan)
    return out


def _times(price: float | None, count: float) -> float:
    return float("nan") if price is None else price * count
