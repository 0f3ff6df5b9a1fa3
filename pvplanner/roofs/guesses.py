"""What an outline may carry: every roof that may stand on it, weighed; ranges of 80 %.

A guess is one roof; the range is that of all of them: their types, their tilts, which way their
ridges run, and what real roofs have besides (dormers, wings, chimneys).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.roofs.sunlit import relative_irradiation

KINDS = ("gable", "hip", "flat", "shed")
ASPECTS = (1.1, 1.3)
LENGTHS = (1.05, 1.2, 1.6)
"""Long over short side of outlines below, between and above :data:`ASPECTS`."""

TILT_DOUBT = 4.0
ROUNDED_DOWN = 0.998
"""Ranges are rounded outwards, so that a bound that is a roof itself is held."""

STEPS = 3
"""Sizes are told apart by this many steps an octave."""

SMALL_M2 = 28.0
CLUTTER, SMALL_CLUTTER = 0.08, 0.22
"""Spread (of the logarithm) of what real roofs hold less or more than their plain shape, by the
size of the outline: measured on Selfkant."""

_NORMAL = np.array([-1.645, -1.036, -0.674, -0.385, -0.126, 0.126, 0.385, 0.674, 1.036, 1.645])
"""Ten equally likely values of a normal variable."""


@dataclass(frozen=True)
class Setbacks:
    """What of a plane's edge is left free, m, and the smallest piece that is used, m2."""

    pitched: float
    flat: float
    least: float


@dataclass(frozen=True)
class Guess:
    """Outlines and the roofs that are guessed on them, one each.

    Attributes
    ----------
    direction : ndarray
        Of the ridge, radians from east.
    aspect : ndarray
        Long over short side.
    area : ndarray
        Of the outline, m2.
    kind, of : ndarray of str
        Roof type, and the row of ``roof_priors`` (or the type that is known).
    tilt : ndarray
        Degrees.
    stated : ndarray of bool
        Whether the tilt is known.
    """

    direction: np.ndarray
    aspect: np.ndarray
    area: np.ndarray
    kind: np.ndarray
    of: np.ndarray
    tilt: np.ndarray
    stated: np.ndarray

    def keys(self, *names: str) -> tuple[np.ndarray, list[tuple]]:
        """Which of some distinct cases each outline is, and the cases."""
        made = {
            "of": self.of,
            "kind": self.kind,
            "turn": np.round(np.degrees(self.direction) / 15.0).astype(int) % 12,
            "shape": np.digitize(self.aspect, ASPECTS),
            "tilt": np.round(self.tilt),
            "known": self.stated,
            "size": np.round(STEPS * np.log2(np.maximum(self.area, 1.0))).astype(int),
        }
        code = np.zeros(len(self.area), dtype=np.int64)
        for name in names:
            own, kinds = pd.factorize(made[name])
            code = pd.factorize(code * (len(kinds) + 1) + own)[0]
        first = np.unique(code, return_index=True)[1]
        cases = zip(*(made[name][first].tolist() for name in names), strict=True)
        return code, list(cases)


def area_range(guess: Guess, latitude: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors around the modelled area times irradiation that hold 80 %, and the probability."""
    inverse, cases = guess.keys("of", "kind", "turn", "shape", "tilt", "known")
    latitude = 2.0 * round(latitude / 2.0)
    found = np.array([_weigh_sun(*case, latitude) for case in cases]).reshape(-1, 3)
    low, high, likely = found[inverse].T
    return low, high, likely


def usable_range(
    guess: Guess, latitude: float, setbacks: Setbacks
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors on the usable area of the guessed shape: low, mean and high, 80 % between the outer.

    The mean is that of all roofs that may stand there, so that a village's sum does not lean.
    """
    inverse, cases = guess.keys("of", "kind", "shape", "tilt", "known", "size")
    latitude = 2.0 * round(latitude / 2.0)
    found = np.array([_weigh_usable(*case, latitude, setbacks) for case in cases]).reshape(-1, 3)
    low, mean, high = found[inverse].T
    return low, mean, high


def plain_usable(
    area: np.ndarray, edge: np.ndarray, setback: np.ndarray | float, least: float
) -> np.ndarray:
    """Usable area of planes from their size alone: exact for rectangles.

    Parameters
    ----------
    area, edge : ndarray
        m2 and m, in the plane.
    setback : ndarray or float
        m.
    least : float
        Smaller planes are not used, m2.
    """
    left = np.maximum(area - setback * edge + 4.0 * np.square(setback), 0.0)
    left = np.where(area > 4.0 * np.square(setback), left, 0.0)
    return np.where(left >= least, left, 0.0)


def usual_tilts(latitude: float) -> pd.DataFrame:
    """``tilt_deg``, ``tilt_low_deg`` and ``tilt_high_deg`` by ``roof_type`` at a latitude."""
    table = reference.load("roof_types")
    held = table[table["latitude_from"].astype(float) <= abs(latitude)]
    held = held.sort_values("latitude_from", kind="stable").groupby("roof_type").last()
    return held[["tilt_deg", "tilt_low_deg", "tilt_high_deg"]].astype(float)


def _roofs(
    of: str, kind: str, shape: int, tilt: float, known: bool, latitude: float
) -> list[tuple[str, float, bool, float]]:
    """Roofs that may stand there: type, tilt, whether the ridge runs along, and their weight."""
    priors = reference.load("roof_priors").set_index("class")
    tilts = usual_tilts(latitude)
    along = (0.5, 0.65, 0.9)[shape]
    out = []
    for other in KINDS:
        share = float(priors.loc[of, other]) if of in priors.index else float(other == kind)
        if share == 0:
            continue
        steps = [0.0]
        if other != "flat":
            edges = tilts.loc[other, ["tilt_low_deg", "tilt_high_deg"]].tolist()
            if known and other == kind:
                edges = [max(tilt - TILT_DOUBT, 0.0), tilt + TILT_DOUBT]
            steps = np.linspace(edges[0], edges[1], 9).tolist()
        ways = [(True, 1.0)] if other in ("flat", "hip") else [(True, along), (False, 1.0 - along)]
        out += [(other, steep, way, share * chance / len(steps))
                for steep in steps for way, chance in ways]  # fmt: skip
    return out


@lru_cache(maxsize=4096)
def _weigh_sun(
    of: str, kind: str, turn: int, shape: int, tilt: float, known: bool, latitude: float
) -> tuple[float, float, float]:
    values: list[float] = []
    weights: list[float] = []
    ridge = turn * 15.0
    for other, steep, along, weight in _roofs(of, kind, shape, tilt, known, latitude):
        way = ridge if along else ridge + 90.0
        # A lean-to may fall to either side.
        turns = (0.0, 180.0) if other == "shed" else (0.0,)
        for more in turns:
            values.append(_gathered(other, steep, way + more, latitude))
            weights.append(weight / len(turns))
    order = np.argsort(values)
    ranked, held = np.array(values)[order], np.array(weights)[order]
    low, high = _outer(ranked, held)
    own = _gathered(kind, tilt if kind != "flat" else 0.0, ridge, latitude)
    likely = sum(w for other, _, along, w in _roofs(of, kind, shape, tilt, known, latitude)
                 if other == kind and along)  # fmt: skip
    return min(ROUNDED_DOWN * low / own, 1.0), max(high / own / ROUNDED_DOWN, 1.0), likely


def _outer(ranked: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Bounds that hold 80 % of ranked values.

    A level roof is a lump of chance: what it takes below is given back above.
    """
    reached = np.cumsum(weights) / weights.sum()
    first = int(np.searchsorted(reached, 0.1))
    below = reached[first - 1] if first else 0.0
    last = min(int(np.searchsorted(reached, below + 0.8 - 1e-9)), len(ranked) - 1)
    return float(ranked[first]), float(ranked[last])


@lru_cache(maxsize=65_536)
def _gathered(kind: str, tilt: float, ridge: float, latitude: float) -> float:
    """Irradiation of a whole roof for each square metre of footprint, relative to level ground."""
    falls = {
        "flat": (0.0,),
        "shed": (90.0 - ridge + 90.0,),
        "gable": (90.0 - ridge + 90.0, 90.0 - ridge - 90.0),
        "hip": tuple(90.0 - ridge + k * 90.0 for k in range(4)),
    }[kind]
    got = relative_irradiation(np.full(len(falls), tilt), np.array(falls), latitude)
    return float(got.mean() / np.cos(np.radians(tilt)))


@lru_cache(maxsize=16_384)
def _weigh_usable(
    of: str,
    kind: str,
    shape: int,
    tilt: float,
    known: bool,
    size: int,
    latitude: float,
    setbacks: Setbacks,
) -> tuple[float, float, float]:
    area = 2.0 ** (size / STEPS)
    own = _usable_of(kind, area, shape, 0.0 if kind == "flat" else tilt, True, setbacks)
    if own <= 0:
        return 0.0, 1.0, 1.0
    roofs = _roofs(of, kind, shape, tilt, known, latitude)
    values = np.array([_usable_of(other, area, shape, steep, along, setbacks)
                       for other, steep, along, _ in roofs])  # fmt: skip
    spread = SMALL_CLUTTER if area < SMALL_M2 else CLUTTER
    whole = (values[:, None] * np.exp(spread * _NORMAL)[None, :]).ravel()
    weights = np.repeat([weight for *_, weight in roofs], len(_NORMAL))
    order = np.argsort(whole, kind="stable")
    low, high = _outer(whole[order], weights[order])
    mean = float(np.average(whole, weights=weights))
    return min(low / own, mean / own), mean / own, max(high / own, mean / own)


def _usable_of(
    kind: str, area: float, shape: int, tilt: float, along: bool, setbacks: Setbacks
) -> float:
    """Usable area of a plain roof on a rectangle, m2."""
    short = np.sqrt(area / LENGTHS[shape])
    long = area / short
    if not along:
        long, short = short, long
    rise = 1.0 / np.cos(np.radians(tilt))
    if kind == "flat":
        return _used([area], [2 * (long + short)], setbacks.flat, setbacks.least)
    if kind == "shed":
        return _used([area * rise], [2 * (long + short * rise)], setbacks.pitched, setbacks.least)
    if kind == "gable":
        half = [area / 2 * rise] * 2, [2 * (long + short / 2 * rise)] * 2
        return _used(*half, setbacks.pitched, setbacks.least)
    far, near = max(long, short), min(long, short)
    hip = np.sqrt(near**2 / 2 + (near / 2) ** 2 * (rise**2 - 1))
    ends = near**2 / 4 * rise
    sides = (far * near - near**2 / 2) / 2 * rise
    areas = [ends, ends, sides, sides]
    edges = [near + 2 * hip] * 2 + [2 * far - near + 2 * hip] * 2
    return _used(areas, edges, setbacks.pitched, setbacks.least)


def _used(areas: list, edges: list, setback: float, least: float) -> float:
    return float(plain_usable(np.array(areas), np.array(edges), setback, least).sum())
