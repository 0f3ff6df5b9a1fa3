"""Hour by hour at each transformer: load, what roofs make, what flows back, what is cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

HOURS = 8760
NOON_MONTHS = (3, 4, 5, 9, 10, 11)
"""Spring and autumn, whose noon DL/T 2041 looks at."""


@dataclass(frozen=True)
class Feeders:
    """Hours of a year at some nodes; every array is (nodes, 8760) in kW.

    Attributes
    ----------
    ids : tuple of str
    load, made, other : ndarray
        Use of the households, output of the plan's roofs (before any cut), and of what is
        connected already.
    cut : ndarray
        What the plan's roofs make and an export limit does not let through.
    """

    ids: tuple[str, ...]
    load: np.ndarray
    made: np.ndarray
    other: np.ndarray
    cut: np.ndarray

    @classmethod
    def none(cls) -> Feeders:
        """Of no node."""
        return cls((), *(np.zeros((0, HOURS)) for _ in range(4)))

    @property
    def net(self) -> np.ndarray:
        """Load less all that is made and let through; what flows back is negative."""
        return self.load - (self.made - self.cut) - self.other

    def table(self) -> pd.DataFrame:
        """A row per node and hour: ``transformer_id``, ``hour``, ``load_kw``, ``pv_kw``,
        ``cut_kw``, ``import_kw``, ``export_kw``; load + export = import + pv in every hour.
        """
        net = self.net
        flat = {
            "load_kw": self.load, "pv_kw": self.made - self.cut + self.other, "cut_kw": self.cut,
            "import_kw": np.maximum(net, 0.0), "export_kw": np.maximum(-net, 0.0),
        }  # fmt: skip
        return pd.DataFrame(
            {
                "transformer_id": np.repeat(np.array(self.ids, dtype=object), HOURS),
                "hour": np.tile(np.arange(HOURS), len(self.ids)),
                **{name: values.reshape(-1) for name, values in flat.items()},
            }
        )


def noon_hour(ghi: np.ndarray, months: np.ndarray) -> int:
    """The hour of spring or autumn with the most light, which makes the largest output.

    Parameters
    ----------
    ghi, months : ndarray, shape (8760,)
        W/m2, and the month of each hour.
    """
    light = np.where(np.isin(months, NOON_MONTHS), ghi, -1.0)
    return int(np.argmax(light))


def summed_up(values: np.ndarray, ids: tuple[str, ...], parent: Mapping[str, str | None],
              every: tuple[str, ...]) -> np.ndarray:  # fmt: skip
    """Sums of nodes and of all that stands below them; shape (every, ...).

    Parameters
    ----------
    values : ndarray, shape (ids, ...)
    ids, every : tuple of str
        Of the rows of ``values``, and of the result.
    parent : mapping
    """
    row = {name: n for n, name in enumerate(every)}
    out = np.zeros((len(every), *values.shape[1:]))
    for name, own in zip(ids, values, strict=True):
        at: str | None = name
        while at is not None:
            out[row[at]] += own
            at = parent[at]
    return out


def export_cut(load: np.ndarray, made: np.ndarray, other: np.ndarray, cap: np.ndarray
               ) -> np.ndarray:  # fmt: skip
    """What new roofs must not make so that no more than ``cap`` flows back; (nodes, 8760), kW.

    What is connected already is not cut.

    Parameters
    ----------
    load, made, other : ndarray, shape (nodes, 8760)
    cap : ndarray, shape (nodes,)
        Most that may flow back, kW; nan where there is no limit.
    """
    back = made + other - load
    most = np.where(np.isfinite(cap), cap, np.inf)[:, None]
    return np.clip(back - most, 0.0, made)


def storage_for(over: np.ndarray, room: np.ndarray) -> tuple[float, float]:
    """The least storage that takes all that is over a limit: energy and power.

    It is filled by what is over and empties into the room that later hours leave; its losses are
    left out.

    Parameters
    ----------
    over, room : ndarray, shape (8760,)
        kW above the limit, and kW up to it.

    Returns
    -------
    energy : float
        kWh.
    power : float
        kW.
    """
    held = most = 0.0
    # Twice round the year, so that the last days are seen before the first.
    for change in np.tile(over - room, 2):
        held = max(held + change, 0.0)
        most = max(most, held)
    return float(most), float(over.max(initial=0.0))


def balanced_phases(
    kw: np.ndarray, phases: np.ndarray, feeder: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Single-phase plants spread over the three phases of their transformer, largest first.

    Parameters
    ----------
    kw, phases : ndarray, shape (plants,)
        kW AC, and 1 or 3.
    feeder : ndarray of int, shape (plants,)
        Row of the transformer; -1 where there is none.
    count : int
        Number of transformers.

    Returns
    -------
    phase : ndarray of int, shape (plants,)
        0, 1, 2; -1 for plants of three phases.
    load : ndarray, shape (count, 3)
        kW on each phase.
    """
    phase = np.full(len(kw), -1)
    load = np.zeros((count, 3))
    three = (phases == 3) & (feeder >= 0)
    np.add.at(load, feeder[three], (kw[three] / 3)[:, None] * np.ones(3))
    for n in np.lexsort((np.arange(len(kw)), -kw)):
        if phases[n] == 3 or feeder[n] < 0 or kw[n] <= 0:
            continue
        phase[n] = int(np.argmin(load[feeder[n]]))
        load[feeder[n], phase[n]] += kw[n]
    return phase, load
