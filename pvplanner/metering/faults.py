"""Which roofs lie below what they should make beyond chance, and what that looks like.

Every roof is held against the same days of its neighbours under the same sky, so that the errors
of weather and model that all share fall out. What is left of a roof is explained in turn by each of
a few shapes in time (a step, a season, a ceiling, a slow decline); the one that explains most for
its freedom, by the Bayesian information criterion, is the likeliest. Only what explains far more
than chance is said, so that a village of sound roofs stays quiet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

CAUSES = ("outage", "dead_string", "shade", "soiling", "clipping", "curtailed", "wrong_unit",
          "swapped", "always_low")  # fmt: skip
"""What a roof below the others may be, by its shape in time."""

LEAST_GAIN = 30.0
"""How much better than chance a shape must explain, in units of the criterion: e^15 to 1."""

LEAST_LOSS = 0.02
"""Smaller losses over the days that were looked at are not said."""

SPREAD_TIMES = 5.0
"""How many times the spread between sound roofs a roof must lie below for no other reason."""

LEAST_SPREAD = 0.01

DARK = 0.08
"""Below this part of what was to be made a roof is off."""

BRIGHT = 0.25
"""Only days brighter than this part of the usual one tell an outage."""

OUTAGE_DAYS = 2

UNITS = (1000.0, 0.001, 100.0, 0.01, 10.0, 0.1)
"""Factors by which a reading in another unit, or at a transformer's ratio, is off."""

UNIT_ROOM = 0.35
"""How near to a factor, as a part of it."""

SAME = 0.12
"""Two meters are swapped if each fits the other's roof this well."""

APART, APART_TIMES = 0.2, 4.0
"""And its own this badly, and so many times the spread between roofs."""

FEW_DAYS = 10


@dataclass(frozen=True)
class Held:
    """Readings of some days against what was to be expected.

    Attributes
    ----------
    measured, expected : ndarray, shape (days, roofs)
        kWh; what is not known is nan.
    days : DatetimeIndex
    roofs : Index
        Identifiers.
    group : ndarray of str, shape (roofs,)
        The transformer of each; empty where none is known.
    """

    measured: np.ndarray
    expected: np.ndarray
    days: pd.DatetimeIndex
    roofs: pd.Index
    group: np.ndarray


@dataclass(frozen=True)
class Shape:
    """An explanation: its criterion against chance, the part lost, and since when."""

    cause: str
    gain: float
    lost: float
    since: int


def find_faults(held: Held) -> pd.DataFrame:
    """Roofs below the others beyond chance, with likely causes, the worst first.

    Parameters
    ----------
    held : Held

    Returns
    -------
    DataFrame
        ``id``, ``cause`` (the likeliest), ``second``, ``gain`` (the criterion against chance),
        ``lost_share``, ``lost_kwh`` over the days known, ``since`` (a day), ``partner`` (of a
        swap).
        No rows where all are sound.
    """
    ratio = _ratio(held)
    found: list[dict[str, object]] = []
    odd = _units(held, ratio) + _swaps(held, ratio)
    taken = {row["id"] for row in odd}
    keep = ~held.roofs.isin(list(taken))
    middle = _median(np.where(keep, ratio, np.nan), axis=1)
    rel = np.where(keep, ratio, np.nan) / np.where(middle > DARK, middle, np.nan)[:, None]
    spread = _spread(rel)
    for column in np.flatnonzero(keep).tolist():
        shapes = _shapes(rel[:, column], held.expected[:, column], held.days, spread)
        if shapes:
            found.append(_row(held, column, shapes, middle))
    found = _shared(held, found)
    table = pd.DataFrame([*odd, *found], columns=list(COLUMNS))
    return table.sort_values("lost_kwh", ascending=False, kind="stable", ignore_index=True)


COLUMNS = ("id", "cause", "second", "gain", "lost_share", "lost_kwh", "since", "partner")


def _ratio(held: Held) -> np.ndarray:
    """Measured over expected on days that have light to speak of."""
    usual = pd.DataFrame(held.expected).mean().to_numpy()
    clear = held.expected > 0.05 * usual
    return np.divide(
        held.measured, held.expected, out=np.full(held.measured.shape, np.nan), where=clear
    )


def _median(values: np.ndarray, axis: int) -> np.ndarray:
    """Median of what is known; nan where nothing is."""
    return pd.DataFrame(values).median(axis=axis).to_numpy()


def _spread(rel: np.ndarray) -> float:
    """One sigma between sound roofs' levels, by their middle deviation."""
    level = _median(rel, axis=0)
    level = level[np.isfinite(level)]
    if len(level) == 0:
        return LEAST_SPREAD
    return max(float(1.4826 * np.median(np.abs(level - np.median(level)))), LEAST_SPREAD)


def _units(held: Held, ratio: np.ndarray) -> list[dict[str, object]]:
    """Roofs whose readings are off by the factor of a unit all along."""
    level = _median(ratio, axis=0)
    usual = float(pd.Series(level).median())
    out: list[dict[str, object]] = []
    for column in np.flatnonzero(np.isfinite(level) & (level > 0)).tolist():
        off = level[column] / usual
        near = [u for u in UNITS if abs(off / u - 1) < UNIT_ROOM]
        if near:
            out.append(_odd(held, column, "wrong_unit", abs(np.log(off)) * 100, ""))
    return out


def _odd(held: Held, column: int, cause: str, gain: float, partner: str) -> dict[str, object]:
    """A row of readings that are no roof's fault: nothing is lost by them."""
    # What was made is known of a swap's other roof, of another unit not at all.
    second, lost = ("always_low", 0.0) if cause == "swapped" else ("", np.nan)
    return {
        "id": held.roofs[column], "cause": cause, "second": second, "gain": float(gain),
        "lost_share": lost, "lost_kwh": lost, "since": held.days[0], "partner": partner,
    }  # fmt: skip


def _swaps(held: Held, ratio: np.ndarray) -> list[dict[str, object]]:
    """Pairs of roofs whose readings fit each other's roof and not their own."""
    usual = float(pd.Series(_median(ratio, axis=0)).median())
    made = np.nansum(np.where(np.isfinite(ratio), held.measured, 0), axis=0)
    due = np.nansum(np.where(np.isfinite(ratio), held.expected, 0), axis=0) * usual
    with np.errstate(all="ignore"):
        own = np.log(made / due)
    spread = 1.4826 * float(pd.Series(np.abs(own)).replace(np.inf, np.nan).median())
    least = max(APART, APART_TIMES * spread)
    off = np.flatnonzero(np.isfinite(own) & (np.abs(own) > least)).tolist()
    out: list[dict[str, object]] = []
    free = set(off)
    pairs = [
        (abs(np.log(made[a] / due[b])) + abs(np.log(made[b] / due[a])), a, b)
        for n, a in enumerate(off) for b in off[n + 1 :] if own[a] * own[b] < 0
    ]  # fmt: skip
    for apart, a, b in sorted(pairs):
        if apart < SAME and a in free and b in free and _fits_days(held, a, b):
            free -= {a, b}
            for one, other in ((a, b), (b, a)):
                out.append(_odd(held, one, "swapped", 100.0, str(held.roofs[other])))
    return out


def _fits_days(held: Held, a: int, b: int) -> bool:
    """Whether the swap holds day by day too, and not only in the sum."""
    for one, other in ((a, b), (b, a)):
        due = held.expected[:, other]
        ratio = held.measured[:, one] / np.where(due > 0, due, np.nan)
        known = ratio[np.isfinite(ratio)]
        if len(known) < FEW_DAYS or np.std(known) > 0.5 * np.mean(known):
            return False
    return True


def _shapes(
    rel: np.ndarray, expected: np.ndarray, days: pd.DatetimeIndex, spread: float
) -> list[Shape]:
    """Explanations of one roof that beat chance, the likeliest first."""
    known = np.flatnonzero(np.isfinite(rel))
    if len(known) < FEW_DAYS:
        return []
    z, due = rel[known], expected[known]
    off = _outage(z, due)
    if not off.any() and _is_quiet(z, due, spread):
        return []
    found = []
    if off.any():
        lost = float(due[off].sum() / due.sum())
        first = int(known[np.flatnonzero(off)[0]])
        found.append(Shape("outage", LEAST_GAIN + 1e4 * lost, lost, first))
    z, due, at = z[~off], due[~off], known[~off]
    if len(z) < FEW_DAYS:
        return found
    found += _fits(z, due, at, days, spread)
    told = [s for s in found if s.gain >= LEAST_GAIN and s.lost >= _least(s, spread)]
    return sorted(told, key=lambda s: (_is_said_by(s, told), -s.gain))


MOST_OF_IT = 0.5
"""Of what a roof lacks all along, a shape in time that explains this part says what it is."""


def _is_said_by(shape: Shape, others: list[Shape]) -> bool:
    """Whether a low level is no more than what another shape makes of it."""
    return shape.cause == "always_low" and any(
        s.cause != "always_low" and s.lost >= MOST_OF_IT * shape.lost for s in others
    )


QUIET, BLOCK_DAYS, BRIGHTEST = 0.035, 15, 0.1
"""A roof whose fortnights and brightest days stay so near its level needs no explaining."""


def _is_quiet(z: np.ndarray, due: np.ndarray, spread: float) -> bool:
    """Whether nothing about a roof stands out, so that no shape need be tried."""
    level = float(z.mean())
    if level < 1 - SPREAD_TIMES * spread:
        return False
    blocks = len(z) // BLOCK_DAYS
    if blocks > 1:
        means = z[: blocks * BLOCK_DAYS].reshape(blocks, BLOCK_DAYS).mean(axis=1)
        if np.abs(means - level).max() > QUIET:
            return False
    bright = due >= np.quantile(due, 1 - BRIGHTEST)
    return bool(abs(float(z[bright].mean()) - level) < QUIET)


def _least(shape: Shape, spread: float) -> float:
    """What a loss must be to be said: an outage of two days is one, however little it is."""
    if shape.cause == "outage":
        return 0.0
    return SPREAD_TIMES * spread if shape.cause == "always_low" else LEAST_LOSS


def _outage(z: np.ndarray, due: np.ndarray) -> np.ndarray:
    """Days in runs of next to nothing, some of them bright."""
    dark = z < DARK
    edges = np.flatnonzero(np.diff(np.r_[False, dark, False].astype(int)))
    out = np.zeros(len(z), dtype=bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin >= OUTAGE_DAYS and due[begin:end].max() > BRIGHT * due.mean():
            out[begin:end] = True
    return out


def _fits(
    z: np.ndarray, due: np.ndarray, at: np.ndarray, days: pd.DatetimeIndex, spread: float
) -> list[Shape]:
    """Each shape's gain over a level that does not move."""
    weight = due / due.sum()
    count = len(z)
    clipped = np.clip(z, *np.quantile(z, [0.01, 0.99]))
    rest = _rss(clipped - clipped.mean())
    level = min(float(clipped.mean()), 1.0)
    out = [Shape("always_low", 2 * LEAST_GAIN * (1 - level) / (SPREAD_TIMES * spread), 1 - level,
                 int(at[0]))]  # fmt: skip
    for cause, fit, freedom, since in (
        ("dead_string", *_step(clipped)),
        ("shade", *_season(clipped, days[at])),
        ("clipping", *_ceiling(clipped, due)),
        ("soiling", *_decline(clipped)),
    ):
        top = max(float(np.quantile(fit, 0.98)), 1e-6)
        lost = float((weight * (top - fit)).sum() / top)
        gain = count * np.log(rest / _rss(clipped - fit)) - freedom * np.log(count)
        if cause == "dead_string" and fit[-1] >= fit[0]:
            # What begins below and ends at the others' level is no string that died.
            gain *= 0.5
        out.append(Shape(cause, float(gain), lost, int(at[min(since, count - 1)])))
    return out


def _rss(left: np.ndarray) -> float:
    return float((left**2).sum()) + 1e-12


def _step(z: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Two levels, parted at the day that parts them best."""
    count = len(z)
    total, square = np.cumsum(z), np.cumsum(z**2)
    n = np.arange(5, count - 5)
    if len(n) == 0:
        return np.full(count, z.mean()), 3, 0
    before = square[n - 1] - total[n - 1] ** 2 / n
    after = square[-1] - square[n - 1] - (total[-1] - total[n - 1]) ** 2 / (count - n)
    cut = int(n[np.argmin(before + after)])
    fit = np.where(np.arange(count) < cut, z[:cut].mean(), z[cut:].mean())
    return fit, 3, cut


def _season(z: np.ndarray, days: pd.DatetimeIndex) -> tuple[np.ndarray, int, int]:
    """Lower when the sun stands low: a level in summer, less by its height in the other half."""
    low = np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 355) / 365.25)
    best: tuple[np.ndarray, int, int] = (np.full(len(z), z.mean()), 3, 0)
    for edge in (-0.4, 0.0, 0.4):
        inside = low > edge
        if not 10 < inside.sum() < len(z) - 10:
            continue
        fit = np.where(inside, z[inside].mean(), z[~inside].mean())
        if z[inside].mean() < z[~inside].mean() and _rss(z - fit) < _rss(z - best[0]):
            best = (fit, 2, int(np.flatnonzero(inside)[0]))
    return best


def _ceiling(z: np.ndarray, due: np.ndarray) -> tuple[np.ndarray, int, int]:
    """What is made stops at a most: the ratio falls as its inverse on the brightest days."""
    best: tuple[np.ndarray, int, int] = (np.full(len(z), z.mean()), 2, 0)
    for share in np.linspace(0.35, 0.97, 32):
        roof = np.minimum(1.0, share * due.max() / np.maximum(due, 1e-9))
        fit = roof * float((roof * z).sum() / (roof**2).sum())
        if _rss(z - fit) < _rss(z - best[0]):
            best = (fit, 2, int(np.argmax(due > share * due.max())))
    return best


def _decline(z: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Slow decline that rain or a hand ends: one rate, the jumps back found one by one."""
    count = len(z)
    resets = [0]
    best, fit = np.inf, np.full(count, z.mean())
    for _ in range(9):
        tried = None
        for cut in range(7, count - 6, 3):
            if min(abs(cut - r) for r in resets) < 7:
                continue
            own = _sawtooth(z, sorted([*resets, cut]))
            rest = _rss(z - own)
            if tried is None or rest < tried[0]:
                tried = (rest, cut, own)
        if tried is None or count * np.log(best / tried[0] if np.isfinite(best) else 9) < 12:
            break
        best, fit = tried[0], tried[2]
        resets.append(tried[1])
    plain = _sawtooth(z, [0])
    if not np.isfinite(best) or _rss(z - plain) <= best:
        fit, resets = plain, [0]
    return fit, 1 + len(resets), 0


def _sawtooth(z: np.ndarray, resets: list[int]) -> np.ndarray:
    """A level less a rate times the days since the last reset; the rate is not below nought."""
    at = np.asarray(resets)
    since = np.arange(len(z)) - at[np.searchsorted(at, np.arange(len(z)), side="right") - 1]
    centred = since - since.mean()
    spread = float((centred**2).sum())
    rate = max(-float((centred * (z - z.mean())).sum()) / spread, 0.0) if spread > 0 else 0.0
    return z.mean() - rate * centred


def _row(held: Held, column: int, shapes: list[Shape], middle: np.ndarray) -> dict[str, object]:
    first = shapes[0]
    known = np.isfinite(held.measured[:, column])
    # What the neighbours made of the days that were.
    due = float(np.nansum(held.expected[known, column] * middle[known]))
    second = shapes[1].cause if len(shapes) > 1 else ""
    return {
        "id": held.roofs[column], "cause": first.cause, "second": second, "gain": first.gain,
        "lost_share": first.lost, "lost_kwh": first.lost * due,
        "since": held.days[first.since], "partner": "",
    }  # fmt: skip


SHARED = 0.6
"""Part of a transformer's roofs that stop at a most before it is the transformer that cuts."""


def _shared(held: Held, found: list[dict[str, object]]) -> list[dict[str, object]]:
    """Where most roofs of a transformer have one ceiling, it is the grid that cuts."""
    by = pd.Series(held.group, index=held.roofs)
    sizes = by[by != ""].value_counts()
    capped = [r for r in found if "clipping" in (r["cause"], r["second"])]
    hit = pd.Series([by[r["id"]] for r in capped], dtype=object).value_counts()
    cut = {name for name, n in hit.items() if name and n >= max(SHARED * sizes[name], 2)}
    return [
        {**r, "cause": "curtailed", "second": r["cause"]}
        if by[r["id"]] in cut and "clipping" in (r["cause"], r["second"]) else r
        for r in found
    ]  # fmt: skip
