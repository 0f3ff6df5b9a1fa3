"""What a year does to each transformer: the hours of its roofs and homes, summed up the tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pvplanner.grid.hours import HOURS, Feeders, balanced_phases, export_cut, summed_up
from pvplanner.grid.tree import RED, colour_of

if TYPE_CHECKING:
    from pvplanner.energy import Year

EACH = 1_000
"""Arrays whose single hours are held at a time."""


def house_cut(
    arrays: pd.DataFrame, year: Year, angles: np.ndarray | None, share: float | None
) -> np.ndarray:
    """What of each array's year lies above a share of its AC rating; shape (arrays,)."""
    out = np.zeros(len(arrays))
    if share is None:
        return out
    for start in range(0, len(arrays), EACH):
        rows = slice(start, start + EACH)
        some = arrays.iloc[rows]
        power = _each(some, year, None if angles is None else angles[rows])
        most = share * some["capacity_kw_ac"].to_numpy(dtype=float)
        whole = power.sum(axis=0)
        over = np.maximum(power - most, 0.0).sum(axis=0)
        out[rows] = np.divide(over, whole, out=np.zeros(len(some)), where=whole > 0)
    return out


def _each(arrays: pd.DataFrame, year: Year, angles: np.ndarray | None) -> np.ndarray:
    power, _ = year.hours(arrays, angles, each=True)
    return np.asarray(power * arrays["capacity_kwp"].to_numpy(dtype=float))


def made_at(
    arrays: pd.DataFrame, row: np.ndarray, count: int, year: Year, angles: np.ndarray | None, *,
    first_year: float, share: float | None = None,
) -> np.ndarray:  # fmt: skip
    """Output of all arrays of each node in the first year, kW; shape (count, 8760).

    Parameters
    ----------
    arrays : DataFrame
    row : ndarray of int, shape (arrays,)
        Node of each; -1 for none.
    year, angles
        As for :func:`pvplanner.energy.simulate_hours`.
    first_year : float
        What is left of the typical year's energy in the first year.
    share : float, optional
        Most output of each plant over its AC rating.
    """
    out = np.zeros((count, HOURS))
    for n in range(count):
        mine = np.flatnonzero(row == n)
        for start in range(0, len(mine), EACH if share is not None else len(mine) or 1):
            part = mine[start : start + EACH] if share is not None else mine
            some = arrays.iloc[part]
            own = None if angles is None else angles[part]
            if share is None:
                out[n] += year.hours(some, own, each=False)[1]
            else:
                most = share * some["capacity_kw_ac"].to_numpy(dtype=float)
                out[n] += np.minimum(_each(some, year, own), most).sum(axis=1)
    return out * first_year


def feed(
    limits: pd.DataFrame,
    ids: Sequence[str],
    load: np.ndarray,
    made: np.ndarray,
    profile: np.ndarray,
    *,
    limited: bool,
) -> Feeders:
    """Hours of the nodes that roofs hang on.

    Parameters
    ----------
    limits : DataFrame
        As :attr:`Limits.table`.
    ids : sequence of str
        Nodes, on the rows of ``load`` and ``made``.
    load, made : ndarray, shape (ids, 8760)
    profile : ndarray, shape (8760,)
        Output of the village over its AC rating: how what is connected already runs.
    limited : bool
        Whether what flows back is cut at what the transformer bears.
    """
    own = limits.set_index("transformer_id").reindex(list(ids))
    at_node = own_connected(limits).reindex(list(ids)).to_numpy()
    other = at_node[:, None] * profile
    cap = (own["reverse_load"] * own["kva"] * own["power_factor"]).to_numpy(dtype=float)
    cut = export_cut(load, made, other, cap) if limited else np.zeros_like(made)
    return Feeders(tuple(ids), load, made, other, cut)


def own_connected(limits: pd.DataFrame) -> pd.Series:
    """What is connected at each node itself, kW: the table has what is below it in it as well."""
    connected = limits.set_index("transformer_id")["connected_kw"].fillna(0.0)
    below = connected.groupby(limits["parent"].to_numpy()).sum()
    return (connected - below.reindex(connected.index).fillna(0.0)).clip(lower=0.0)


def up_the_tree(feeders: Feeders, limits: pd.DataFrame) -> Feeders:
    """The hours of every node: its own and those of all below it."""
    parent = _parents(limits)
    every = tuple(limits["transformer_id"])
    parts = (feeders.load, feeders.made, feeders.other, feeders.cut)
    summed = [summed_up(values, feeders.ids, parent, every) for values in parts]
    return Feeders(every, *summed)


def node_table(
    limits: pd.DataFrame, feeders: Feeders, own: pd.DataFrame, wired: pd.DataFrame
) -> pd.DataFrame:
    """Each node in a row: what it bears, what hangs on it, what the year does, its colours.

    Parameters
    ----------
    limits : DataFrame
        As :attr:`Limits.table`.
    feeders : Feeders
        Of every node, in the order of ``limits``.
    own : DataFrame
        By ``transformer_id``: ``fits_kw``, ``planned_kw``, ``plants`` of the roofs on it, and on
        those below it.
    wired : DataFrame
        By ``transformer_id``: ``buildings``, ``longest_m`` of its own roofs.

    Returns
    -------
    DataFrame
        The columns of ``limits``, ``own`` and ``wired``, and ``colour_after``, ``load_kwh``,
        ``pv_kwh``, ``import_kwh``, ``export_kwh``, ``back_hours``, ``back_most_kw``,
        ``over_hours``, ``over_kwh`` (flows back beyond what is borne), ``cut_kwh``, ``cut_share``.
    """
    net = feeders.net
    back = np.maximum(-net, 0.0)
    cap = (limits["reverse_load"] * limits["kva"] * limits["power_factor"]).to_numpy(dtype=float)
    over = np.maximum(back - np.where(np.isfinite(cap), cap, np.inf)[:, None], 0.0)
    made, cut = feeders.made.sum(axis=1), feeders.cut.sum(axis=1)
    ids = limits["transformer_id"]
    told = own.reindex(ids).fillna(0.0)
    out = limits.assign(
        **{name: told[name].to_numpy() for name in told},
        **{name: wired[name].reindex(ids).to_numpy() for name in wired},
        load_kwh=feeders.load.sum(axis=1),
        pv_kwh=made - cut + feeders.other.sum(axis=1),
        import_kwh=np.maximum(net, 0.0).sum(axis=1),
        export_kwh=back.sum(axis=1),
        back_hours=(back > 1e-9).sum(axis=1).astype(float),
        back_most_kw=back.max(axis=1, initial=0.0),
        over_hours=np.where(np.isfinite(cap), (over > 1e-9).sum(axis=1), np.nan),
        over_kwh=np.where(np.isfinite(cap), over.sum(axis=1), np.nan),
        cut_kwh=cut,
        cut_share=np.divide(cut, made, out=np.zeros(len(made)), where=made > 0),
    )
    return out.assign(colour_after=colours_after(out))


def colours_after(table: pd.DataFrame) -> np.ndarray:
    """Colour of each node once what is planned is connected; red below red.

    Where only a published open capacity is known: red where more is planned than is open.
    """
    planned = table["planned_kw"].to_numpy(dtype=float)
    told = colour_of(
        table["capacity_kw"].to_numpy(dtype=float),
        table["connected_kw"].to_numpy(dtype=float) + planned,
        table["registered_kw"].to_numpy(dtype=float),
    )
    open_ = table["open_kw"].to_numpy(dtype=float)
    short = np.isfinite(open_) & (planned > open_ + 1e-9)
    told = np.where((table["open_from"] == "published").to_numpy() | (told == ""),
                    np.where(short, RED, table["colour"]), told)  # fmt: skip
    told = np.where(table["open_from"].eq("stated_red").to_numpy(), RED, told)
    own = dict(zip(table["transformer_id"], told, strict=True))
    parent = dict(zip(table["transformer_id"], table["parent"], strict=True))
    out = []
    for node in table["transformer_id"]:
        at, red = node, False
        while at:
            red, at = red or own[at] == RED, parent.get(at, "")
        out.append(RED if red else own[node])
    return np.array(out, dtype=object)


def phase_table(
    limits: pd.DataFrame, plants: pd.DataFrame, node: np.ndarray, ids: Sequence[str]
) -> pd.DataFrame:
    """AC power on each phase of each transformer, kW; single-phase plants are spread evenly.

    Parameters
    ----------
    plants : DataFrame
        ``capacity_kw_ac``, ``phases`` of each building.
    node : ndarray of int, shape (plants,)
        Row of ``ids``; -1 for none.

    Returns
    -------
    DataFrame
        By ``transformer_id``: ``phase_a_kw``, ``phase_b_kw``, ``phase_c_kw``, ``phase_most_kw`` (a
        third of what is open), ``phase_over_kw`` (the worst phase above it, 0 where none is),
        ``three_on_one`` (plants of three phases on a single-phase transformer).
    """
    kw = plants["capacity_kw_ac"].to_numpy(dtype=float)
    phases = plants["phases"].fillna(1).to_numpy(dtype=int)
    _, load = balanced_phases(kw, phases, node, len(ids))
    own = limits.set_index("transformer_id").reindex(list(ids))
    most = own["open_kw"].to_numpy(dtype=float) / 3
    worst = load.max(axis=1, initial=0.0)
    over = np.where(np.isfinite(most), np.maximum(worst - most, 0.0), np.nan)
    single = own["phases"].eq(1).to_numpy() if "phases" in own else np.zeros(len(ids), dtype=bool)
    odd = np.bincount(node[(node >= 0) & (phases == 3)], minlength=len(ids)) * single
    names = ("phase_a_kw", "phase_b_kw", "phase_c_kw")
    return pd.DataFrame(
        {**{name: load[:, n] for n, name in enumerate(names)}, "phase_most_kw": most,
         "phase_over_kw": over, "three_on_one": odd.astype(float)},
        index=pd.Index(list(ids), name="transformer_id"),
    )  # fmt: skip


def below_sums(own: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    """Sums of what hangs on each node and on all below it, by ``transformer_id``."""
    parent = _parents(limits)
    ids = tuple(str(n) for n in own.index if n in parent)
    every = tuple(limits["transformer_id"])
    summed = summed_up(own.loc[list(ids)].to_numpy(dtype=float), ids, parent, every)
    return pd.DataFrame(summed, index=pd.Index(every, name="transformer_id"), columns=own.columns)


def _parents(limits: pd.DataFrame) -> dict[str, str | None]:
    """The superior of each node; ``None`` at the top."""
    return {r.transformer_id: r.parent or None for r in limits.itertuples()}
