"""A low-voltage net: buses, lines, transformers, and where households hang; as plain tables.

Read from a net that pandapower has saved (JSON), or made of a layer of lines with conductors. No
power flow is solved here: see :mod:`pvplanner.grid.voltage`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import InputError, listed

FREQUENCY = 50.0


@dataclass(frozen=True)
class Net:
    """A net.

    Attributes
    ----------
    buses : DataFrame
        ``bus`` (whole numbers), ``kv`` (between phases).
    lines : DataFrame
        ``line`` (name), ``start``, ``end``, ``r_ohm``, ``x_ohm``, ``c_farad``, ``most_a``.
    transformers : DataFrame
        ``transformer``, ``high``, ``low``, ``kva``, ``kv_high``, ``kv_low``, ``uk``, ``ur`` (of
        which resistive), ``iron_kw``, ``i0``, ``clock``, ``tap_pos``, ``tap_neutral``,
        ``tap_step`` (shares), ``tap_side``.
    sources : DataFrame
        ``bus``, ``voltage`` (per unit).
    homes : DataFrame
        ``household_id``, ``bus``.
    """

    buses: pd.DataFrame
    lines: pd.DataFrame
    transformers: pd.DataFrame
    sources: pd.DataFrame
    homes: pd.DataFrame

    def with_source(self, voltage: float | None) -> Net:
        """The same with another voltage at its head, per unit; itself where none is stated."""
        if voltage is None:
            return self
        return replace(self, sources=self.sources.assign(voltage=voltage))

    def with_lines(self, factor: float) -> Net:
        """The same with lines of so many times the cross-section."""
        thick = {name: self.lines[name] / factor for name in ("r_ohm", "x_ohm")}
        return replace(self, lines=self.lines.assign(**thick))

    def with_tap(self, steps: int) -> Net:
        """The same with taps moved: up is less voltage at the houses."""
        moved = self.transformers["tap_pos"] + steps
        return replace(self, transformers=self.transformers.assign(tap_pos=moved))

    def checked(self) -> Net:
        """Itself, if it can be solved.

        Raises
        ------
        InputError
            If it has no source, or a household hangs on no bus that one feeds.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if self.sources.empty:
            raise InputError("net_no_source", where="site.net")
        place = {bus: n for n, bus in enumerate(self.buses["bus"])}
        ends = [(place[a], place[b]) for a, b in self._branches() if a in place and b in place]
        rows = np.array([a for a, _ in ends], dtype=int)
        cols = np.array([b for _, b in ends], dtype=int)
        size = len(self.buses)
        web = coo_array((np.ones(len(rows)), (rows, cols)), shape=(size, size))
        part = connected_components(web, directed=False)[1]
        fed = {part[place[bus]] for bus in self.sources["bus"]}
        lost = [h for h, bus in zip(self.homes["household_id"], self.homes["bus"], strict=True)
                if bus not in place or part[place[bus]] not in fed]  # fmt: skip
        if lost:
            raise InputError("net_apart", where="site.net", ids=listed(lost))
        return self

    def _branches(self) -> Iterable[tuple[int, int]]:
        yield from zip(self.lines["start"], self.lines["end"], strict=True)
        yield from zip(self.transformers["high"], self.transformers["low"], strict=True)


def read_pandapower(path: str | Path) -> Net:
    """Read a net that pandapower has saved with ``to_json``; pandapower itself is not needed.

    Loads name households (``load.name``; else their number in the table). Switches, generators and
    other parts than buses, lines, two-winding transformers and external grids are refused, since a
    net without them would be another one.

    Raises
    ------
    InputError
        If the file is no such net, or holds what is not read.
    """
    file = Path(path)
    try:
        body = json.loads(file.read_text(encoding="utf-8"))["_object"]
    except FileNotFoundError:
        raise InputError("file_missing", where=str(file)) from None
    except (ValueError, KeyError, TypeError, UnicodeDecodeError, RecursionError):
        raise InputError("net_unread", where=str(file)) from None
    table = {name: _frame(body.get(name)) for name in (*_READ, *_REFUSED)}
    other = [name for name in _REFUSED if len(table[name])]
    if other:
        raise InputError("net_parts", where=str(file), parts=listed(other))
    if any(table[name].empty for name in ("bus", "ext_grid")):
        raise InputError("net_no_source", where=str(file))
    for name, needed in _NEEDED.items():
        missing = [c for c in needed if c not in table[name]] if len(table[name]) else []
        if missing:
            raise InputError("table_columns", where=str(file), table=name, missing=listed(missing))
    return _net_of(table, float(body.get("f_hz") or FREQUENCY))


_READ = ("bus", "line", "trafo", "ext_grid", "load")
_REFUSED = ("gen", "sgen", "trafo3w", "impedance", "switch", "xward", "ward", "dcline", "shunt",
            "storage", "motor", "asymmetric_load", "asymmetric_sgen")  # fmt: skip
_NEEDED = {
    "bus": ("vn_kv",), "ext_grid": ("bus", "vm_pu"), "load": ("bus",),
    "line": ("from_bus", "to_bus", "length_km", "r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km"),
    "trafo": ("hv_bus", "lv_bus", "sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "vkr_percent",
              "pfe_kw", "i0_percent"),
}  # fmt: skip


def _frame(told: Any) -> pd.DataFrame:
    """A table of the file; those out of service are no part of it."""
    if not isinstance(told, dict) or not isinstance(told.get("_object"), str):
        return pd.DataFrame()
    raw = json.loads(told["_object"])
    frame = pd.DataFrame(raw.get("data", []), columns=raw.get("columns"), index=raw.get("index"))
    if "in_service" in frame:
        frame = frame[frame["in_service"].astype(bool)]
    return frame


def _net_of(table: dict[str, pd.DataFrame], hertz: float) -> Net:
    bus, line, load = table["bus"], table["line"], table["load"]
    names = load["name"] if "name" in load else pd.Series(None, index=load.index, dtype=object)
    called = [str(name) if isinstance(name, str) and name else str(n)
              for n, name in zip(load.index, names, strict=True)]  # fmt: skip
    buses = pd.DataFrame({"bus": bus.index.astype(int), "kv": bus["vn_kv"].astype(float)})
    return Net(
        buses.reset_index(drop=True),
        _lines(line, hertz),
        _transformers(table["trafo"]),
        pd.DataFrame(
            {"bus": table["ext_grid"]["bus"].astype(int),
             "voltage": table["ext_grid"]["vm_pu"].astype(float)}
        ).reset_index(drop=True),
        pd.DataFrame({"household_id": called, "bus": load["bus"].astype(int).to_numpy()}),
    ).checked()  # fmt: skip


def _lines(line: pd.DataFrame, hertz: float) -> pd.DataFrame:
    if line.empty:
        return no_lines()
    count = line["parallel"].astype(float) if "parallel" in line else 1.0
    length = line["length_km"].astype(float)
    most = line["max_i_ka"].astype(float) * 1000 * count if "max_i_ka" in line else np.nan
    names = line["name"] if "name" in line else pd.Series(line.index, index=line.index)
    return pd.DataFrame(
        {
            "line": [str(name) for name in names],
            "start": line["from_bus"].astype(int),
            "end": line["to_bus"].astype(int),
            "r_ohm": line["r_ohm_per_km"].astype(float) * length / count,
            "x_ohm": line["x_ohm_per_km"].astype(float) * length / count,
            "c_farad": line["c_nf_per_km"].astype(float)
            * 1e-9
            * length
            * count
            * hertz
            / FREQUENCY,
            "most_a": most,
        }
    ).reset_index(drop=True)


def no_lines() -> pd.DataFrame:
    """Lines of a net that has none."""
    names = ("start", "end")
    numbers = ("r_ohm", "x_ohm", "c_farad", "most_a")
    return pd.DataFrame({"line": pd.Series(dtype=str), **{n: pd.Series(dtype=int) for n in names},
                         **{n: pd.Series(dtype=float) for n in numbers}})  # fmt: skip


def _transformers(trafo: pd.DataFrame) -> pd.DataFrame:
    def column(name: str, otherwise: Any) -> pd.Series:
        if name not in trafo:
            return pd.Series(otherwise, index=trafo.index)
        return trafo[name].fillna(otherwise) if otherwise is not None else trafo[name]

    count = column("parallel", 1).astype(float)
    return pd.DataFrame(
        {
            "transformer": [str(n) for n in column("name", "")],
            "high": column("hv_bus", 0).astype(int),
            "low": column("lv_bus", 0).astype(int),
            "kva": column("sn_mva", 0).astype(float) * 1000 * count,
            "kv_high": column("vn_hv_kv", 0).astype(float),
            "kv_low": column("vn_lv_kv", 0).astype(float),
            "uk": column("vk_percent", 0).astype(float) / 100,
            "ur": column("vkr_percent", 0).astype(float) / 100,
            "iron_kw": column("pfe_kw", 0).astype(float) * count,
            "i0": column("i0_percent", 0).astype(float) / 100,
            "clock": (column("shift_degree", 0).astype(float) / 30).round().astype(int) % 12,
            "tap_pos": column("tap_pos", 0).astype(float).round().astype(int),
            "tap_neutral": column("tap_neutral", 0).astype(float).round().astype(int),
            "tap_step": column("tap_step_percent", 0).astype(float) / 100,
            "tap_side": column("tap_side", "hv").astype(str),
        }
    ).reset_index(drop=True)


KV_HIGH, KV_LOW = 10.0, 0.4
UK, UR, IRON, I0 = 0.04, 0.0125, 0.0024, 0.003
"""Of distribution transformers of 200 to 630 kVA (S11, S13): assumption, iron losses a kVA."""


def net_of_lines(
    ends: np.ndarray,
    length_m: np.ndarray,
    ohms: np.ndarray,
    most_a: np.ndarray,
    feeders: pd.DataFrame,
    homes: pd.DataFrame,
) -> Net:
    """A net of a village's own lines.

    Parameters
    ----------
    ends : ndarray of int, shape (lines, 2)
        Points of each piece of line.
    length_m, most_a : ndarray, shape (lines,)
    ohms : ndarray, shape (lines, 2)
        Resistance and reactance of each kilometre.
    feeders : DataFrame
        ``transformer_id``, ``kva``, ``point`` (of its low side).
    homes : DataFrame
        ``household_id``, ``point``.
    """
    points = int(max(ends.max(initial=-1), feeders["point"].max(), homes["point"].max())) + 1
    low = pd.DataFrame({"bus": np.arange(points), "kv": KV_LOW})
    high = pd.DataFrame({"bus": points + np.arange(len(feeders)), "kv": KV_HIGH})
    km = length_m / 1000
    lines = pd.DataFrame(
        {
            "line": [str(n) for n in range(len(ends))], "start": ends[:, 0], "end": ends[:, 1],
            "r_ohm": ohms[:, 0] * km, "x_ohm": ohms[:, 1] * km, "c_farad": 0.0, "most_a": most_a,
        }
    )  # fmt: skip
    kva = feeders["kva"].to_numpy(dtype=float)
    trafo = pd.DataFrame(
        {
            "transformer": feeders["transformer_id"].astype(str).to_numpy(),
            "high": high["bus"].to_numpy(), "low": feeders["point"].to_numpy(dtype=int),
            "kva": kva, "kv_high": KV_HIGH, "kv_low": KV_LOW, "uk": UK, "ur": UR,
            "iron_kw": IRON * kva, "i0": I0, "clock": 11, "tap_pos": 0, "tap_neutral": 0,
            "tap_step": 0.025, "tap_side": "hv",
        }
    )  # fmt: skip
    sources = pd.DataFrame({"bus": high["bus"].to_numpy(), "voltage": 1.0})
    own = homes.rename(columns={"point": "bus"})[["household_id", "bus"]]
    return Net(pd.concat([low, high], ignore_index=True), lines, trafo, sources, own).checked()


def conductor(name: str) -> tuple[float, float, float]:
    """Resistance and reactance (ohm/km) and current (A) of a conductor by its name.

    Raises
    ------
    InputError
        If the packaged table does not have it.
    """
    rows = {row["conductor"].casefold(): row for row in reference.rows("conductors")}
    own = rows.get(name.strip().casefold().replace("×", "x").replace(" ", ""))
    if own is None:
        raise InputError("net_conductor", where="site.lines", value=name, known=listed(rows, 30))
    return float(own["r_ohm_per_km"]), float(own["x_ohm_per_km"]), float(own["most_a"])
