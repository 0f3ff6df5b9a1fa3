"""Voltages of a low-voltage net, hour by hour, by ``power-grid-model`` (extra ``grid``).

Balanced power flow, Newton-Raphson, the hours of a year as one batch. The transformer is a
pi-equivalent, as pandapower's with ``trafo_model="pi"``, to which a test holds the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError
from pvplanner.grid.net import Net

STIFF_VA = 1e15
"""Short-circuit power of a source that keeps its voltage."""


@dataclass(frozen=True)
class Flow:
    """What a power flow gave; hours first.

    Attributes
    ----------
    voltage : ndarray, shape (hours, buses)
        Per unit of each bus' nominal voltage.
    line_a : ndarray, shape (hours, lines)
        Current, A.
    drawn_kw : ndarray, shape (hours,)
        From the source; negative where it flows back.
    loss_kw : ndarray, shape (hours,)
        In lines and transformers.
    loading : ndarray, shape (hours, transformers)
        Apparent power over rating.
    """

    voltage: np.ndarray
    line_a: np.ndarray
    drawn_kw: np.ndarray
    loss_kw: np.ndarray
    loading: np.ndarray


def _library() -> Any:
    try:
        import power_grid_model
        import power_grid_model.errors
    except ImportError:
        raise ConfigError("extra_missing", where="site.net", extra="grid") from None
    return power_grid_model


def solve_flow(net: Net, kw: np.ndarray, kvar: np.ndarray | float = 0.0) -> Flow:
    """Power flow of every hour.

    Parameters
    ----------
    net : Net
    kw : ndarray, shape (hours, homes)
        What each of ``net.homes`` draws; negative where its roof makes more.
    kvar : ndarray or float
        Likewise, reactive.

    Raises
    ------
    ConfigError
        If the extra ``grid`` is not installed, or an hour has no solution: then more is asked of
        the net than it can carry.
    """
    library = _library()
    model = _model(library, net)
    update = library.initialize_array("update", "sym_load", kw.shape)
    update["id"] = _first_load(net) + np.arange(kw.shape[1])
    update["p_specified"] = kw * 1000
    update["q_specified"] = np.broadcast_to(kvar, kw.shape) * 1000
    try:
        out = model.calculate_power_flow(
            update_data={"sym_load": update}, symmetric=True, error_tolerance=1e-9,
            calculation_method=library.CalculationMethod.newton_raphson, threading=0,
        )  # fmt: skip
    except library.errors.PowerGridError as error:
        raise ConfigError("net_unsolved", where="site.net", reason=type(error).__name__) from None
    source = out["source"]["p"].sum(axis=1) / 1000
    return Flow(
        out["node"]["u_pu"],
        out["line"]["i_from"] if len(net.lines) else np.zeros((len(kw), 0)),
        source,
        _losses(out, net),
        out["transformer"]["loading"] if len(net.transformers) else np.zeros((len(kw), 0)),
    )


def _losses(out: Any, net: Net) -> np.ndarray:
    """What stays in lines and transformers, kW."""
    parts = [out[name]["p_from"] + out[name]["p_to"]
             for name, own in (("line", net.lines), ("transformer", net.transformers))
             if len(own)]  # fmt: skip
    return np.asarray(sum(part.sum(axis=1) for part in parts) / 1000)


def _first_load(net: Net) -> int:
    return len(net.buses) + len(net.lines) + len(net.transformers) + len(net.sources)


def _model(library: Any, net: Net) -> Any:
    """The net as the library has it; ids run through buses, lines, transformers, sources, loads."""
    make = library.initialize_array
    place = {bus: n for n, bus in enumerate(net.buses["bus"])}
    node = make("input", "node", len(net.buses))
    node["id"], node["u_rated"] = np.arange(len(node)), net.buses["kv"].to_numpy() * 1000
    line = make("input", "line", len(net.lines))
    at = len(node)
    line["id"] = at + np.arange(len(line))
    line["from_node"] = net.lines["start"].map(place).to_numpy()
    line["to_node"] = net.lines["end"].map(place).to_numpy()
    line["from_status"] = line["to_status"] = 1
    for ours, theirs in (("r_ohm", "r1"), ("x_ohm", "x1"), ("c_farad", "c1")):
        line[theirs] = net.lines[ours].to_numpy(dtype=float)
    line["tan1"] = 0.0
    at += len(line)
    trafo = _trafo(make, net.transformers, place, at)
    at += len(trafo)
    source = make("input", "source", len(net.sources))
    source["id"] = at + np.arange(len(source))
    source["node"] = net.sources["bus"].map(place).to_numpy()
    source["status"], source["u_ref"], source["sk"] = 1, net.sources["voltage"], STIFF_VA
    load = make("input", "sym_load", len(net.homes))
    load["id"] = _first_load(net) + np.arange(len(load))
    load["node"] = net.homes["bus"].map(place).to_numpy()
    load["status"], load["type"] = 1, library.LoadGenType.const_power
    load["p_specified"] = load["q_specified"] = 0.0
    given = {"node": node, "line": line, "transformer": trafo, "source": source, "sym_load": load}
    return library.PowerGridModel({k: v for k, v in given.items() if len(v)}, 50.0)


def _trafo(make: Any, own: pd.DataFrame, place: dict[Any, int], first: int) -> Any:
    trafo = make("input", "transformer", len(own))
    trafo["id"] = first + np.arange(len(own))
    trafo["from_node"] = own["high"].map(place).to_numpy()
    trafo["to_node"] = own["low"].map(place).to_numpy()
    trafo["from_status"] = trafo["to_status"] = 1
    rated = own["kva"].to_numpy(dtype=float) * 1000
    trafo["u1"], trafo["u2"] = own["kv_high"] * 1000, own["kv_low"] * 1000
    trafo["sn"], trafo["uk"], trafo["pk"] = rated, own["uk"], own["ur"] * rated
    trafo["i0"], trafo["p0"] = own["i0"], own["iron_kw"] * 1000
    clock = own["clock"].to_numpy()
    trafo["clock"] = clock
    trafo["winding_from"] = np.where(clock % 2 == 1, 2, 1)
    trafo["winding_to"] = 1
    low = own["tap_side"].eq("lv").to_numpy()
    trafo["tap_side"] = low.astype(int)
    side = np.where(low, own["kv_low"], own["kv_high"]) * 1000
    trafo["tap_pos"], trafo["tap_nom"] = own["tap_pos"], own["tap_neutral"]
    trafo["tap_min"], trafo["tap_max"] = -30, 30
    trafo["tap_size"] = own["tap_step"].to_numpy() * side
    return trafo


def limits_pu() -> tuple[float, float]:
    """Lowest and highest voltage of a 220 V supply over its nominal one (GB/T 12325)."""
    low = 1 - reference.constant("voltage_low").value
    return low, 1 + reference.constant("voltage_high").value


def household_voltages(net: Net, flow: Flow) -> pd.DataFrame:
    """Voltages at each household over the hours solved.

    Returns
    -------
    DataFrame
        ``household_id``, ``voltage_most``, ``voltage_least`` (per unit), ``hours_high``,
        ``hours_low`` (outside +7/-10 %).
    """
    place = {bus: n for n, bus in enumerate(net.buses["bus"])}
    own = flow.voltage[:, net.homes["bus"].map(place).to_numpy()]
    low, high = limits_pu()
    return pd.DataFrame(
        {
            "household_id": net.homes["household_id"].to_numpy(),
            "voltage_most": own.max(axis=0),
            "voltage_least": own.min(axis=0),
            "hours_high": (own > high + 1e-9).sum(axis=0).astype(float),
            "hours_low": (own < low - 1e-9).sum(axis=0).astype(float),
        }
    )


@dataclass(frozen=True)
class Hosting:
    """How much of all roofs a net bears: the factor, and who breaks the limit first.

    Attributes
    ----------
    factor : float
        Of the roofs' output at which the first limit is reached, all alike.
    kw : float
        Their AC power then.
    first : str
        Household, or transformer, that reaches it.
    by : str
        ``voltage`` or ``transformer``.
    """

    factor: float
    kw: float
    first: str
    by: str


MOST_FACTOR = 50.0


def hosting_capacity(
    net: Net, load_kw: np.ndarray, made_kw: np.ndarray, kw: float, *, hours: int = 40,
    exact: float = 1e-3, loading: float = 1.0, lag: float = 1.0,
) -> Hosting:  # fmt: skip
    """How far all roofs may grow together until a voltage or a transformer reaches its limit.

    Only hours in which most flows back decide; the worst of them are solved.

    Parameters
    ----------
    net : Net
    load_kw, made_kw : ndarray, shape (hours, homes)
    kw : float
        AC power of all roofs.
    hours : int
        How many of the worst hours are looked at.
    exact : float
        Of the factor.
    loading : float
        Most apparent power of a transformer over its rating.
    lag : float
        Power factor of the roofs, which take up reactive power below 1.
    """
    back = (made_kw - load_kw).sum(axis=1)
    strong = made_kw.sum(axis=1)
    # Hours of the largest back-feed now, and of the largest output, which decide as roofs grow.
    worst = np.union1d(np.argsort(-back)[:hours], np.argsort(-strong)[:hours])
    load, made = load_kw[worst], made_kw[worst]
    low, high = 0.0, 1.0
    found = _broken(net, load, made, high, loading, lag)
    while not found and high < MOST_FACTOR:
        low, high = high, high * 2
        found = _broken(net, load, made, high, loading, lag)
    if not found:
        return Hosting(float("inf"), float("inf"), "", "")
    while high - low > exact * high:
        middle = (low + high) / 2
        told = _broken(net, load, made, middle, loading, lag)
        low, high, found = (low, middle, told) if told else (middle, high, found)
    return Hosting(low, low * kw, *found)


def _broken(
    net: Net, load: np.ndarray, made: np.ndarray, factor: float, loading: float, lag: float
) -> tuple[str, str] | None:
    """Who breaks which limit first, if anybody does."""
    try:
        flow = solve_flow(net, load - factor * made, factor * made * np.sqrt(1 / lag**2 - 1))
    except ConfigError as error:
        if error.code != "net_unsolved":
            raise
        return "", "unsolved"
    told = household_voltages(net, flow)
    most = told["voltage_most"].to_numpy()
    over = most.max(initial=0.0) / limits_pu()[1]
    full = flow.loading.max(axis=0, initial=0.0) / loading
    if max(over, full.max(initial=0.0)) <= 1.0:
        return None
    if full.max(initial=0.0) > 1.0 and over <= 1.0:
        return str(net.transformers["transformer"].iloc[int(full.argmax())]), "transformer"
    return str(told["household_id"].iloc[int(most.argmax())]), "voltage"


def what_helps(
    net: Net, load_kw: np.ndarray, made_kw: np.ndarray, kw: float, *, exact: float = 5e-3
) -> pd.DataFrame:
    """What a thicker line, a tap, reactive power or storage would change of the hosting capacity.

    Returns
    -------
    DataFrame
        ``measure`` (``as_is``, ``thicker``, ``tap``, ``reactive``, ``storage``), ``kw`` borne,
        ``first``, ``by``.
    """
    lines = {
        "as_is": (net, load_kw), "thicker": (net.with_lines(2.0), load_kw),
        "tap": (net.with_tap(1), load_kw),
        "reactive": (net, load_kw),
        # Storage of a fifth of the output at noon is as so much more load then.
        "storage": (net, load_kw + 0.2 * made_kw),
    }  # fmt: skip
    rows = []
    for name, (other, load) in lines.items():
        lag = LAG if name == "reactive" else 1.0
        told = hosting_capacity(other, load, made_kw, kw, exact=exact, lag=lag)
        rows.append((name, told.kw, told.first, told.by))
    return pd.DataFrame(rows, columns=["measure", "kw", "first", "by"])


LAG = 0.95
"""Power factor at which roofs take up reactive power to hold the voltage down."""
