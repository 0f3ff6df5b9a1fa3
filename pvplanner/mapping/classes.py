"""Classes of a map's colours: each as wide as is known, told apart where values are.

The page does the same for what its sliders and models give; ``templates/map/classes.js`` is this
room again, and a test holds the two together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST = 6
"""Classes that eyes tell apart in one legend."""

EVEN_LEAST, EVEN_MOST = 0.05, 0.45
"""Shares of the roofs between which each class of even steps must lie, else quantiles are taken."""

TIGHT = 0.35
"""Values stand in groups where the groups together span less than this part of the whole."""

OWN_DOUBT = 0.02
"""Relative doubt of one roof's figure against its neighbour's that does not hang on its area; an
assumption, of the size of the differences in soiling."""

HALL_M2, HALL_TIMES = 1000.0, 8.0
"""From what area, and from how many times the usual one, a roof is no house."""


def class_limits(values: np.ndarray, least: float = 0.0, classes: int = MOST) -> list[float]:
    """Limits between classes: in the gaps, at even steps or at quantiles, by how values are spread.

    Parameters
    ----------
    values : array of float, shape (n,)
        Known values.
    least : float
        How narrow a class may be, in the values' unit.
    classes : int
        Most classes.

    Returns
    -------
    list of float
        Ascending limits above the least value and not above the greatest, of few digits. Empty
        where the values lie within ``least``: one class then names its range.
    """
    v = np.sort(np.asarray(values, dtype=float))
    if len(v) == 0 or v[-1] - v[0] <= max(least, 0.0):
        return []
    found = _gaps(v, least, classes)
    if found is None:
        found = _even(v, least, classes)
    if found is None:
        found = _quantiles(v, classes)
    return _wide_enough(v, found, least)


def _gaps(v: np.ndarray, least: float, classes: int) -> list[float] | None:
    """Limits between groups that lie apart; nothing where values run on."""
    steps = np.diff(v)
    order = np.argsort(-steps, kind="stable")[: classes - 1]
    for count in range(1, len(order) + 1):
        places = np.sort(order[:count])
        apart = steps[places]
        if apart.min() < max(least, 0.0) or apart.min() <= 0:
            return None
        if (v[-1] - v[0]) - apart.sum() <= TIGHT * (v[-1] - v[0]):
            return [nice_between(v[k], v[k + 1]) for k in places]
    return None


def _even(v: np.ndarray, least: float, classes: int) -> list[float] | None:
    """Round even steps, where each class gets its part of the roofs."""
    low, high = quantile(v, 0.02), quantile(v, 0.98)
    step = round_step(max((high - low) / classes, least))
    if not step > 0:
        return None
    limits = _steps_between(low, high, step)
    if len(limits) >= classes:
        limits = _steps_between(low, high, round_step(step * 1.01))
    counts = np.bincount(np.searchsorted(limits, v, side="right"), minlength=len(limits) + 1)
    share = counts / len(v)
    alright = len(limits) >= 2 and share.min() >= EVEN_LEAST and share.max() <= EVEN_MOST
    return limits if alright else None


def _steps_between(low: float, high: float, step: float) -> list[float]:
    first, last = int(np.floor(low / step)) + 1, int(np.ceil(high / step)) - 1
    return [_short(k * step) for k in range(first, last + 1)]


def _quantiles(v: np.ndarray, classes: int) -> list[float]:
    """Limits between classes of about equal count, rounded to what people read easily."""
    raw = [quantile(v, k / classes) for k in range(1, classes)]
    # By the bulk: one barn must not decide how finely houses are told apart.
    bulk = quantile(v, 0.9) - quantile(v, 0.1) or v[-1] - v[0]
    step = 10.0 ** np.floor(np.log10(bulk / classes / 2))
    return [_short(np.floor(b / step + 0.5) * step) for b in raw]


def _wide_enough(v: np.ndarray, limits: list[float], least: float) -> list[float]:
    """Limits of classes that hold a value each and are not narrower than ``least``."""
    out: list[float] = []
    before = v[0]
    for limit in sorted(set(limits)):
        held = np.searchsorted(v, limit) - np.searchsorted(v, out[-1] if out else v[0])
        if held and limit - before >= least and v[-1] - limit >= least and v[0] < limit <= v[-1]:
            out.append(limit)
            before = limit
    return out


def quantile(v: np.ndarray, share: float) -> float:
    """Of sorted values, between two of them by the way (as numpy's own)."""
    at = share * (len(v) - 1)
    low = int(np.floor(at))
    high = min(low + 1, len(v) - 1)
    return float(v[low] + (v[high] - v[low]) * (at - low))


def round_step(least: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below ``least``."""
    if not least > 0:
        return 0.0
    size = 10.0 ** np.floor(np.log10(least))
    return _short(next(f * size for f in (1, 2, 5, 10) if f * size >= least * (1 - 1e-12)))


def nice_between(low: float, high: float) -> float:
    """The number of fewest digits above ``low`` and not above ``high``."""
    size = 10.0 ** np.ceil(np.log10(high - low))
    while True:
        for part in (1, 0.5, 0.2):
            found = _short((np.floor(low / (part * size)) + 1) * part * size)
            if low < found <= high:
                return found
        size /= 10


def _short(value: float) -> float:
    return float(f"{value:.10g}")


def hall_rows(frame: pd.DataFrame) -> np.ndarray:
    """Roofs that are no houses: of public buildings, businesses, or far larger than usual."""
    area = frame["area_m2"].to_numpy(dtype=float)
    usual = np.nanmedian(area) if np.isfinite(area).any() else np.nan
    large = area > max(HALL_M2, HALL_TIMES * (usual if np.isfinite(usual) else 0.0))
    kind = frame["project_class"].astype(str) if "project_class" in frame else None
    return large if kind is None else large | kind.eq("general_commercial").to_numpy()


def least_width(values: np.ndarray, doubt: float, shown: float) -> float:
    """How narrow a class may be: the doubt between neighbours, and what is shown.

    Parameters
    ----------
    values : array of float
        Known values.
    doubt : float
        Relative, of the usual value.
    shown : float
        The last step that is shown.
    """
    usual = quantile(np.sort(np.abs(values)), 0.5) if len(values) else 0.0
    return max(doubt * usual, shown)


HANG_ON_AREA = ("energy_kwh", "capacity_kwp", "income_first_year", "avoided_t")
HANG_ON_LIGHT = ("specific_yield_kwh_per_kwp", "payback_years")


def doubt_of(key: str, own_area: float) -> float:
    """Relative doubt of one roof's figure of a measure against its neighbour's."""
    return own_area if key in HANG_ON_AREA else OWN_DOUBT if key in HANG_ON_LIGHT else 0.0


def area_doubt(doubt: pd.DataFrame) -> float:
    """A roof's own part of the relative doubt of its usable area; nothing where none is told."""
    if doubt.empty or "component" not in doubt:
        return 0.0
    row = doubt[doubt["component"] == "usable_area"]
    if row.empty:
        return 0.0
    roof, village = float(row["roof"].iloc[0]), float(row["village"].iloc[0])
    own = roof**2 - village**2
    return float(np.sqrt(own)) if own > 0 else 0.0
