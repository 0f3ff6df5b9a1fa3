"""When in each interval the sun stood where: what a year's own light says, and how surely.

Two witnesses are heard. The *closure*: beam on the level, GHI - DHI, is DNI times the sun's cosine
at one moment only. The *light*: on clear days it lies evenly about the sun's noon. The closure is
precise to a minute where all three components were measured, and misleads where the beam was made
up with another sun; then months, mornings and afternoons speak for different moments, and that
shows. The light needs no beam. Morning fog draws it late; what shades a sensor early or late in the
day does not move the hours around noon, which then speak alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

CONVENTIONS = (-30.0, 0.0, 30.0, 60.0)
"""Minutes after the index at which the sun stands by common ways of stamping hours."""

SNAP_MINUTES = 1.5
"""A moment this near to a convention is the convention."""

UNSURE_MINUTES = 12.0
"""One sigma above which the stamp counts as untold."""

_PARTS = 24
"""Parts of the year whose moments are compared."""

_APART, _SCATTER = 12.0, 8.0
"""Minutes: a closure whose mornings and afternoons, or whose parts of the year, differ by more is
not of measured components."""

_EARLY, _LATE = 15.0, 45.0
"""Minutes that the light may lie before the closure's sun (clouds of the afternoon) and after it
(fog of the morning) before the two contradict each other."""

_CLASH = 1 / 6
"""One sigma of the moment, of what the two are apart: the closure's lies at six (assumption)."""

_CLEAR = 0.25
"""Share of each month's days that count as clear."""

_FOG = 0.4
"""Part of the way from all days to the clear ones that is gone once more: what fog is left in
these (of made years with fog on 40 % of mornings)."""

_FOG_DOUBT, _STEP, _SHADED = 0.6, 0.9, 8.0
"""Part of the way from all days to the clear ones that is doubted; step of the search for the noon;
minutes by which it may differ from the middle of the day before that is shaded."""

_LEAST_CLOSURE, _LEAST_LIGHT = 0.1, 2.0
"""Minutes: one sigma of the witnesses that no scatter shows."""

_KEPT_SIGMAS = 2.3
"""A usual moment that light misses by less than so many sigmas is kept (four files in five keep the
moment of their kind)."""


@dataclass(frozen=True)
class Sun:
    """Where in each interval the sun stands.

    Attributes
    ----------
    minutes : float
        After the interval's start.
    sigma : float
        One sigma of it, minutes.
    verdict : str
        ``usual`` or ``moved`` (by the closure), ``noon`` (by the light), ``clash`` (the two
        contradict each other: the light is believed), ``undetermined``.
    """

    minutes: float
    sigma: float
    verdict: str


@dataclass(frozen=True)
class Arc:
    """The sun's way over one place: its cosine is ``rise + reach * cos(angle)``.

    Attributes
    ----------
    rise, reach : ndarray, shape (8760,)
    angle : ndarray, shape (8760,)
        Hour angle at the stamps, radians; zero at the sun's noon.
    """

    rise: np.ndarray
    reach: np.ndarray
    angle: np.ndarray

    def cosine(self, minutes: float) -> np.ndarray:
        """Cosine of the zenith ``minutes`` after the stamps; zero while the sun is down."""
        return np.maximum(self.rise + self.reach * np.cos(self.angle + np.radians(minutes / 4)), 0)

    def change(self, minutes: float) -> np.ndarray:
        """What :meth:`cosine` gains in a minute."""
        turned = self.angle + np.radians(minutes / 4)
        up = self.rise + self.reach * np.cos(turned) > 0
        return np.where(up, -self.reach * np.sin(turned) * np.radians(0.25), 0.0)

    def of(self, rows: np.ndarray) -> Arc:
        """The same for some of the hours."""
        return Arc(self.rise[rows], self.reach[rows], self.angle[rows])


def sun_arc(index: pd.DatetimeIndex, latitude: float, longitude: float) -> Arc:
    """The sun's way by Spencer 1971 (pvlib): within 0.2 minutes of noon."""
    utc = index.tz_convert("UTC")
    hours = (utc.hour + utc.minute / 60).to_numpy()
    day = utc.day_of_year.to_numpy() + hours / 24
    tilt = pvlib.solarposition.declination_spencer71(day)
    late = pvlib.solarposition.equation_of_time_spencer71(day)
    angle = np.radians(15 * (hours - 12) + longitude + late / 4)
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    lat = np.radians(latitude)
    return Arc(np.sin(lat) * np.sin(tilt), np.cos(lat) * np.cos(tilt), angle)


def find_sun(
    data: pd.DataFrame, latitude: float, longitude: float, *, usual: float, closes: bool
) -> Sun | None:
    """Where in each interval the sun stands, by the year's own light.

    Parameters
    ----------
    data : DataFrame
        ``ghi``, ``dni``, ``dhi`` in W/m2; tz-aware index of 8,760 interval starts.
    latitude, longitude : float
        Degrees.
    usual : float
        The moment at which such files have it, minutes after the start.
    closes : bool
        Whether the three components are each the file's own.

    Returns
    -------
    Sun or None
        None for a year without light.
    """
    index = pd.DatetimeIndex(data.index)
    arc = sun_arc(index, latitude, longitude)
    light = data["ghi"] if data["ghi"].any() else data["dhi"]
    seen = noon_of_light(light.to_numpy(dtype=float), arc)
    if seen is None:
        return None
    beam = moment_of_closure(data, arc) if closes else None
    if beam is None:
        return _by_light(*seen, usual)
    minutes, sigma = beam
    if not -_LATE <= seen[0] - minutes <= _EARLY:
        # The beam was made up with another sun than the one that shone.
        apart = abs(seen[0] - minutes)
        return Sun(_told(seen[0]), max(seen[1], _CLASH * apart), "clash")
    found = _told(minutes)
    return Sun(found, sigma, "usual" if found == usual else "moved")


_NOON_HOURS, _NOON_PART = 3.0, 0.25
"""Hours about noon, and by how much their middle moves with the moment (of made years)."""


def _days(light: np.ndarray, arc: Arc, minutes: float) -> tuple[np.ndarray, ...]:
    """Light, hours from noon and cosine of the sun by days, each of shape (365, 24).

    From the sun's midnight on, so that no day of light is cut in two.
    """
    hours = (arc.angle / np.radians(15) + minutes / 60 + 12) % 24 - 12
    roll = round(float(hours[0]) + 12)
    parts = (light, hours, arc.cosine(minutes))
    return tuple(np.roll(part, roll).reshape(-1, 24) for part in parts)


def off_noon(light: np.ndarray, arc: Arc, minutes: float) -> float:
    """Minutes by which the light of the hours around noon lies early, if the sun stands there.

    On clear days it lies evenly about the true noon; with another moment it leans.
    """
    watts, angle, open_sky = _days(light, arc, minutes)
    clearness = watts.sum(axis=1) / np.maximum(open_sky.sum(axis=1), 0.1)
    clear = (clearness >= np.quantile(clearness, 1 - _CLEAR)) & (watts.sum(axis=1) > 0)
    # Each hour counts by the part of it that lies within the hours around noon.
    within = np.clip(_NOON_HOURS + 0.5 - np.abs(angle), 0, 1)
    part, whole = watts * within, open_sky * within
    lean = (part * angle).sum(axis=1) / np.maximum(part.sum(axis=1), 1e-9)
    usual = (whole * angle).sum(axis=1) / np.maximum(whole.sum(axis=1), 1e-9)
    return float(np.median((usual - lean)[clear]) * 60) if clear.any() else 0.0


def _by_light(minutes: float, sigma: float, usual: float) -> Sun:
    if sigma > UNSURE_MINUTES:
        return Sun(usual, max(sigma, abs(minutes - usual) / 2), "undetermined")
    if abs(minutes - usual) < _KEPT_SIGMAS * sigma:
        return Sun(usual, float(np.hypot(_LEAST_LIGHT, (minutes - usual) / 2)), "noon")
    return Sun(_told(minutes), sigma, "noon")


def _told(minutes: float) -> float:
    """A moment as it is used: the convention it is next to, else a tenth of a minute."""
    near = min(CONVENTIONS, key=lambda at: abs(at - minutes))
    return near if abs(near - minutes) <= SNAP_MINUTES else round(minutes, 1)


def moment_of_closure(data: pd.DataFrame, arc: Arc) -> tuple[float, float] | None:
    """Minutes at which GHI - DHI is DNI times the sun's cosine, and one sigma.

    Returns
    -------
    tuple of float, or None
        None where parts of the year, or mornings and afternoons, speak for different moments: such
        a beam was not measured beside the rest.
    """
    lit = (data["ghi"] > 0).to_numpy()
    level = (data["ghi"] - data["dhi"]).to_numpy(dtype=float)[lit]
    dni = data["dni"].to_numpy(dtype=float)[lit]
    sky = arc.of(lit)
    tried = np.arange(-90.0, 91.0, 15.0)
    misses = [float(np.mean((level - dni * sky.cosine(at)) ** 2)) for at in tried]
    start = float(tried[int(np.argmin(misses))])
    minutes, information = _descend(level, dni, sky, start)
    if not information > 0 or abs(minutes) > 90:
        return None
    part = (np.flatnonzero(lit) // 24 * _PARTS) // 365
    slope = dni * sky.change(minutes)
    rest = level - dni * sky.cosine(minutes)
    score = np.bincount(part, slope * rest, minlength=_PARTS)
    weight = np.bincount(part, slope * slope, minlength=_PARTS)
    known = weight > 0.05 * weight.mean()
    moved = score[known] / weight[known]
    scatter = float(np.sqrt(np.average(moved**2, weights=weight[known])))
    if scatter > _SCATTER or _halves_apart(level, dni, sky, minutes) > _APART:
        return None
    sigma = float(np.sqrt((score**2).sum()) / weight.sum())
    return minutes, float(np.hypot(sigma, _LEAST_CLOSURE))


def _halves_apart(level: np.ndarray, dni: np.ndarray, sky: Arc, minutes: float) -> float:
    """Minutes between what mornings and afternoons say, whatever the scale of the beam."""
    morning = sky.angle + np.radians(minutes / 4) < 0
    apart = []
    for scaled in (False, True):
        first, last = (
            _descend(level[half], dni[half], sky.of(half), minutes, scaled=scaled)[0]
            for half in (morning, ~morning)
        )
        apart.append(abs(first - last))
    return min(apart)


def _descend(
    level: np.ndarray, dni: np.ndarray, sky: Arc, start: float, *, scaled: bool = False
) -> tuple[float, float]:
    """Least squares of the moment by Gauss and Newton, and its information."""
    minutes, information = start, 0.0
    for _ in range(8):
        model, slope = dni * sky.cosine(minutes), dni * sky.change(minutes)
        if scaled:
            scale = float(level @ model) / max(float(model @ model), 1e-9)
            model, slope = scale * model, scale * slope
        information = float(slope @ slope)
        step = float(slope @ (level - model)) / max(information, 1e-9)
        minutes += float(np.clip(step, -20.0, 20.0))
        if abs(step) < 1e-3:
            break
    return minutes, information


def noon_of_light(ghi: np.ndarray, arc: Arc) -> tuple[float, float] | None:
    """Minutes after its stamp at which the sun of an interval stands, by the middle of the light.

    Parameters
    ----------
    ghi : ndarray, shape (8760,)
        W/m2.

    Returns
    -------
    tuple of float, or None
        The minutes by the clear days of each month, and one sigma, which holds what they differ
        from all days; None where there is no light.
    """
    light, angle, open_sky = _days(ghi, arc, 0.0)
    day, above = light.sum(axis=1), open_sky.sum(axis=1)
    use = (day > 0) & (above > 0.5)
    if not use.any():
        return None
    middle = np.full(len(day), np.nan)
    middle[use] = -60 * (light[use] * angle[use]).sum(axis=1) / day[use]
    clearness = np.divide(day, above, out=np.zeros_like(day), where=use)
    clear = use & _clear_days(clearness, use)
    on_clear, on_all = float(np.median(middle[clear])), float(np.median(middle[use]))
    minutes = on_clear + _FOG * (on_clear - on_all)
    noon = _search_noon(ghi, arc, minutes)
    if abs(noon - minutes) > _SHADED:
        # A mountain or a wall takes the light of one end of the day.
        minutes = noon
    spread = 1.4826 * float(np.median(np.abs(middle[clear] - on_clear)))
    chance = 1.25 * spread / np.sqrt(clear.sum())
    fog = _FOG_DOUBT * (on_clear - on_all)
    return minutes, float(np.sqrt(chance**2 + fog**2 + _LEAST_LIGHT**2))


def _clear_days(clearness: np.ndarray, use: np.ndarray) -> np.ndarray:
    """The clearest days of each month."""
    month = np.arange(len(clearness)) * 12 // len(clearness)
    by_month = pd.Series(clearness).where(use).groupby(month)
    return clearness >= by_month.transform(lambda v: v.quantile(1 - _CLEAR)).to_numpy()


def _search_noon(ghi: np.ndarray, arc: Arc, start: float) -> float:
    """The moment at which the hours around noon do not lean."""
    minutes = start
    for _ in range(4):
        minutes += _STEP * off_noon(ghi, arc, minutes) / _NOON_PART
    return minutes
