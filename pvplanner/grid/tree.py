"""What the grid takes: capacity by DL/T 2041, colours, and limits as a tree.

Any level may be all that is known. A node's open capacity is what its transformer bears (DL/T
2041-2025), or what the grid company has published, whose word goes before our estimate. What may be
connected at a place is the least of what is open on its way up, shared with its neighbours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import Finding, listed

GREEN, YELLOW, RED = "green", "yellow", "red"

PUBLISHED, RECKONED, STATED_RED, SINGLE_PHASE = "published", "dl_t_2041", "stated_red", "phases"
"""Where an open capacity is from."""


def capacity_kw(
    kva: np.ndarray,
    *,
    power_factor: np.ndarray,
    load_kw: np.ndarray,
    generation_kw: np.ndarray | float = 0.0,
    storage_kw: np.ndarray | float = 0.0,
    reverse_load: np.ndarray | float,
    output_rate: float,
) -> np.ndarray:
    """Capacity of distributed power that a transformer bears, kW: DL/T 2041-2025.

    ``S_d = (P_load - P_gen + beta x S x cos(phi) + P_storage) / tau_max``

    Parameters
    ----------
    kva : ndarray
        Rated power of all that run in parallel, kVA.
    power_factor : ndarray
    load_kw : ndarray
        Load at the noon of a working day of spring or autumn with the largest output, kW.
    generation_kw, storage_kw : ndarray or float
        Other sources' output then, and what storage takes up, kW.
    reverse_load : ndarray or float
        Beta, the share of the rating that may flow backwards; see :func:`reverse_share`.
    output_rate : float
        Tau_max, the largest output of photovoltaics over their capacity.

    Notes
    -----
    200 kVA, power factor 0.95, load 30 kW, beta and tau 0.8 give 227.5 kW, the standard's example.
    """
    taken = load_kw - generation_kw + reverse_load * kva * power_factor + storage_kw
    return np.asarray(taken / output_rate, dtype=float)


def reverse_share(parallel: np.ndarray, usual: float) -> np.ndarray:
    """Beta: the usual one for a transformer alone; of several in parallel what is left when one
    fails (N-1), over all; two equal ones: 0.5. Shape (nodes,).
    """
    count = np.where(np.isfinite(parallel), np.maximum(parallel, 1), 1)
    return np.where(count > 1, np.minimum((count - 1) / count, usual), usual)


def colour_of(capacity: np.ndarray, connected: np.ndarray, registered: np.ndarray) -> np.ndarray:
    """Green where capacity exceeds what is connected and registered; yellow where only what is
    connected; red where neither. Unknown capacity has no colour: ``""``.
    """
    both = connected + registered
    told = np.where(capacity > both, GREEN, np.where(capacity > connected, YELLOW, RED))
    return np.where(np.isfinite(capacity), told, "")


class Limits:
    """A tree of nodes and what is open at each, on a day.

    Parameters
    ----------
    nodes : DataFrame
        As from :func:`pvplanner.grid.reading.read_nodes`.
    load_kw : Series, optional
        Load of each node as reckoned, by ``transformer_id``, where its own row states none.
    on : date
        Day of connection: what was registered and not built by then has lapsed.
    reverse_load, output_rate, power_factor : float
        Beta, tau and the power factor where a row states none.

    Attributes
    ----------
    table : DataFrame
        A row per node: ``transformer_id``, ``level``, ``parent``, ``kva`` (of all in parallel),
        ``reverse_load``, ``power_factor``, ``load_kw``, ``load_known`` (stated or reckoned),
        ``capacity_kw`` (``S_d``; the lower end, without storage), ``capacity_high_kw`` (with it),
        ``connected_kw``, ``registered_kw`` (what has not lapsed), ``reckoned_kw`` (open by
        DL/T 2041), ``open_kw`` (open now; nan where nothing is known), ``open_from``, ``colour``.
    """

    def __init__(
        self,
        nodes: pd.DataFrame,
        *,
        on: dt.date,
        reverse_load: float,
        output_rate: float,
        power_factor: float,
        load_kw: pd.Series | None = None,
    ) -> None:
        self.nodes, self.on = nodes, on
        self.usual = {"reverse": reverse_load, "rate": output_rate, "factor": power_factor}
        self.parent: dict[str, str | None] = {
            str(n): None if pd.isna(p) else str(p)
            for n, p in zip(nodes["transformer_id"], nodes["parent"], strict=True)
        }
        self.table = self._table(load_kw)

    @classmethod
    def of_table(cls, table: pd.DataFrame) -> Limits:
        """The tree again from its table: what is open on each way up."""
        made = cls.__new__(cls)
        made.nodes = made.table = table
        made.parent = {str(n): str(up) or None for n, up in zip(
            table["transformer_id"], table["parent"], strict=True)}  # fmt: skip
        return made

    def _table(self, load: pd.Series | None) -> pd.DataFrame:
        nodes, usual = self.nodes, self.usual
        ids = nodes["transformer_id"].astype(str)
        parallel = nodes["parallel"].to_numpy(dtype=float)
        kva = nodes["kva"].to_numpy(dtype=float) * np.where(parallel > 1, parallel, 1)
        factor = nodes["power_factor"].fillna(usual["factor"]).to_numpy(dtype=float)
        share = reverse_share(parallel, usual["reverse"])
        own = np.full(len(ids), np.nan) if load is None else ids.map(load).to_numpy(dtype=float)
        stated = nodes["load_kw"].to_numpy(dtype=float)
        carried = np.where(np.isfinite(stated), stated, own)
        at_noon = np.nan_to_num(carried)
        given = {
            "power_factor": factor, "load_kw": at_noon, "reverse_load": share,
            "generation_kw": nodes["generation_kw"].fillna(0.0).to_numpy(dtype=float),
            "output_rate": usual["rate"],
        }  # fmt: skip
        storage = nodes["storage_kw"].fillna(0.0).to_numpy(dtype=float)
        low = capacity_kw(kva, **given)
        high = capacity_kw(kva, storage_kw=storage, **given)
        connected = self._with_below(nodes["connected_kw"].to_numpy(dtype=float))
        registered = self._with_below(self._registered())
        reckoned = np.maximum(low - connected - registered, 0.0)
        published = nodes["open_kw"].to_numpy(dtype=float)
        open_ = np.where(np.isfinite(published), published, reckoned)
        source = np.where(
            np.isfinite(published), PUBLISHED, np.where(np.isfinite(reckoned), RECKONED, "")
        )
        told = nodes["colour"].fillna("").to_numpy(dtype=object)
        seen = colour_of(low, connected, registered)
        seen = np.where(np.isfinite(published), np.where(published > 0, GREEN, RED), seen)
        colour = np.where(told != "", told, seen)
        shut = told == RED
        open_, source = np.where(shut, 0.0, open_), np.where(shut, STATED_RED, source)
        return pd.DataFrame(
            {
                "transformer_id": ids.to_numpy(),
                "level": nodes["level"].astype(str).to_numpy(),
                "parent": [self.parent[n] or "" for n in ids],
                "kva": kva,
                "reverse_load": share,
                "power_factor": factor,
                "load_kw": carried,
                "load_known": np.isfinite(stated),
                "capacity_kw": low,
                "capacity_high_kw": high,
                "connected_kw": connected,
                "registered_kw": registered,
                "reckoned_kw": reckoned,
                "open_kw": open_,
                "open_from": source,
                "colour": self._under_red(ids, colour),
            }
        )

    def _registered(self) -> np.ndarray:
        kw = self.nodes["registered_kw"].to_numpy(dtype=float)
        until = self.nodes["registered_until"]
        over = [not pd.isna(day) and dt.date.fromisoformat(str(day)) < self.on for day in until]
        return np.where(np.array(over, dtype=bool), 0.0, kw)

    def _with_below(self, stated: np.ndarray) -> np.ndarray:
        """What is stated of each node, else what is of those below it; nothing where nothing is."""
        own = dict(zip(self.parent, stated, strict=True))
        below = self._below()
        out: dict[str, float] = {}
        for node in self._from_below():
            inside = sum(out[n] for n in below[node])
            out[node] = float(own[node]) if np.isfinite(own[node]) else inside
        return np.array([out[node] for node in self.parent])

    def _under_red(self, ids: pd.Series, colour: np.ndarray) -> np.ndarray:
        """A node is also red where its superior is (DL/T 2041-2025)."""
        own = dict(zip(ids, colour, strict=True))
        return np.array(
            [RED if any(own[up] == RED for up in self.way_up(n)) else own[n] for n in ids],
            dtype=object,
        )

    def way_up(self, node: str) -> list[str]:
        """A node and all that stand over it, from below."""
        out, at = [], node if node in self.parent else None
        while at is not None:
            out.append(at)
            at = self.parent[at]
        return out

    @property
    def known(self) -> dict[str, float]:
        """What is open at each node of which that is known, kW."""
        rows = self.table[np.isfinite(self.table["open_kw"])]
        return dict(zip(rows["transformer_id"], rows["open_kw"].astype(float), strict=True))

    def least(self, node: str) -> tuple[float, str]:
        """The smallest known limit on the way up, and the node that has it; nan and ``""`` where
        none is known. Of equal ones the lowest.
        """
        known = self.known
        found = [(known[up], n, up) for n, up in enumerate(self.way_up(node)) if up in known]
        if not found:
            return float("nan"), ""
        least, _, name = min(found)
        return least, name

    def connectable(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """How much of what is wanted at each node may be connected now, all together, kW.

        What a superior leaves is shared among those below it in proportion to what each could take.

        Parameters
        ----------
        wanted : mapping of str to float
            kW AC that fit on the roofs of each node.
        """
        below, order = self._below(), self._from_below()
        most = self.most(wanted)
        given: dict[str, float] = {}
        out: dict[str, float] = {}
        for node in reversed(order):
            up = self.parent[node]
            may = most[node] if up is None else given[node]
            parts = {"": wanted.get(node, 0.0), **{n: most[n] for n in below[node]}}
            whole = sum(parts.values())
            share = min(may / whole, 1.0) if whole > 0 else 0.0
            out[node] = parts[""] * share
            given |= {n: most[n] * share for n in below[node]}
        return {node: kw for node, kw in out.items() if node in wanted}

    def most(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """How much of what is wanted on and below each node its own and lower limits let in, kW;
        in the order of the table.
        """
        known, below = self.known, self._below()
        out: dict[str, float] = {}
        for node in self._from_below():
            inside = wanted.get(node, 0.0) + sum(out[n] for n in below[node])
            out[node] = min(inside, known.get(node, np.inf))
        return {node: out[node] for node in self.parent}

    def _below(self) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {node: [] for node in self.parent}
        for node, up in self.parent.items():
            if up is not None:
                out[up].append(node)
        return out

    def _from_below(self) -> list[str]:
        """Nodes, each after all that stand below it."""
        return sorted(self.parent, key=lambda n: -len(self.way_up(n)))

    def findings(self, where: str) -> list[Finding]:
        """Where our estimate and what was published differ, and what has lapsed."""
        table, out = self.table, []
        both = table[(table["open_from"] == PUBLISHED) & np.isfinite(table["reckoned_kw"])]
        apart = (both["open_kw"] - both["reckoned_kw"]).abs()
        off = both[apart > np.maximum(OFF_SHARE * both["reckoned_kw"], OFF_KW)]
        if len(off):
            told = [
                f"{r.transformer_id}: {r.open_kw:g} / {r.reckoned_kw:.1f} kW"
                for r in off.itertuples()
            ]
            out.append(Finding("grid_published", where, len(off), {"values": listed(told)}))
        lapsed = np.nan_to_num(self.nodes["registered_kw"].to_numpy() - self._registered())
        gone = table[lapsed > 0]
        if len(gone):
            over = {"ids": listed(gone["transformer_id"]), "kw": f"{float(lapsed.sum()):g}"}
            out.append(Finding("grid_lapsed", where, len(gone), over))
        return out


OFF_SHARE, OFF_KW = 0.1, 5.0
"""Published and reckoned open capacity are compared where they differ by more than both."""


def voltage_room(volt: float) -> float:
    """How far a voltage that was measured lies below its upper limit, V: of 220 V +7 %, or of 380 V
    +7 % where it lies nearer to that (GB/T 12325).
    """
    nominal = reference.constant("voltage_nominal").value
    between = nominal * np.sqrt(3)
    usual = between if volt > (nominal + between) / 2 else nominal
    return float(usual * (1 + reference.constant("voltage_high").value) - volt)
