"""When the sun stood where: time stamps tested by closure, and which components are believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib

from pvplanner.weather.frame import solar_position

OFFSETS = tuple(range(-60, 76, 15))
"""Offsets that are tried, minutes after the start of the interval."""

UNDETERMINED_W_PER_M2 = 1.0
"""Offsets whose closures differ by less than this can't be told apart."""

GATE = 0.15
"""A year whose components miss each other by this share of the light (rms, W/m2, at the best
offset) is not believed: one of them is not what it says."""

POOR_W_PER_M2 = 15.0
"""A closure worse than this at its best says that the components disagree, not when."""


def closure_by_offset(
    data: pd.DataFrame, latitude: float, longitude: float, altitude: float
) -> dict[int, float]:
    """Root mean square of GHI - DHI - DNI cos(zenith) over daylight, W/m2, for each offset.

    Parameters
    ----------
    data : DataFrame
        ``ghi``, ``dni``, ``dhi`` in W/m2; tz-aware index of interval starts.
    latitude, longitude, altitude : float
        Degrees and metres.
    """
    day = (data["ghi"] > 0).to_numpy()
    times = pd.DatetimeIndex(data.index)[day]
    beam = (data["ghi"] - data["dhi"]).to_numpy()[day]
    dni = data["dni"].to_numpy()[day]
    out = {}
    for offset in OFFSETS:
        sun = solar_position(times + pd.Timedelta(minutes=offset), latitude, longitude, altitude)
        cosine = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
        out[offset] = float(np.sqrt(np.mean((beam - dni * cosine) ** 2))) if day.any() else 0.0
    return out


def best_offset(closure: dict[int, float], usual: float) -> tuple[float, str]:
    """The offset that the closure speaks for.

    Parameters
    ----------
    closure : dict
        As from :func:`closure_by_offset`.
    usual : float
        What is kept where the closure can't tell.

    Returns
    -------
    offset : float
        Minutes after the interval's start.
    verdict : {'usual', 'moved', 'undetermined'}
        ``usual``: that one closes best; ``moved``: another offset does, clearly;
        ``undetermined``: the closure is poor everywhere or differs by less than 1 W/m2.
    """
    best = min(closure, key=lambda offset: (closure[offset], abs(offset - usual)))
    gain = closure[round(usual / 15) * 15] - closure[best]
    if best == usual:
        return usual, "usual"
    if closure[best] > POOR_W_PER_M2 or gain < UNDETERMINED_W_PER_M2:
        return usual, "undetermined"
    return float(best), "moved"


def noon_offset(data: pd.DataFrame, latitude: float, longitude: float, altitude: float) -> float:
    """Minutes after its stamp at which the sun of an interval stands, by the middle of the light.

    On clearer days light lies evenly about the sun's noon, whatever the components are; morning
    fog moves it by some minutes.

    Parameters
    ----------
    data : DataFrame
        ``ghi`` in W/m2; tz-aware index of stamps, 8,760 hours.
    """
    times = pd.DatetimeIndex(data.index)
    ghi = data["ghi"].to_numpy(dtype=float)
    sun = solar_position(times, latitude, longitude, altitude)
    cosine = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
    # From the sun's midnight on, so that no day of light is cut in two.
    zone = times[0].utcoffset().total_seconds() / 3600
    roll = round(longitude / 15 - zone)
    light, open_sky = (np.roll(v, roll).reshape(-1, 24) for v in (ghi, cosine))
    hours = np.arange(24.0)
    day, clear = light.sum(axis=1), open_sky.sum(axis=1)
    bright = np.divide(day, clear, out=np.zeros_like(day), where=clear > 0.5)
    use = (bright >= np.median(bright)) & (day > 0) & (clear > 0.5)
    if not use.any():
        return float("nan")
    off = (open_sky[use] @ hours) / clear[use] - (light[use] @ hours) / day[use]
    return float(np.average(off, weights=day[use]) * 60)


def silent_components(
    data: pd.DataFrame, latitude: float, longitude: float, altitude: float
) -> dict[str, list[int]]:
    """Months in which beam or diffuse light reads nothing under a bright sky: not measured.

    Returns
    -------
    dict
        ``dni``, ``dhi`` or ``ghi`` to months.
    """
    times = pd.DatetimeIndex(data.index)
    sun = solar_position(times + pd.Timedelta(minutes=30), latitude, longitude, altitude)
    high = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
    ghi, dni, dhi = (data[name].to_numpy(dtype=float) for name in ("ghi", "dni", "dhi"))
    bright = {
        "dni": (ghi > 0.5 * 1361 * high) & (ghi > 200),
        "dhi": ghi > 250,
        "ghi": dni * high + dhi > 250,
    }
    month = np.asarray(times.month)
    out: dict[str, list[int]] = {}
    for name, values in (("dni", dni), ("dhi", dhi), ("ghi", ghi)):
        for number in range(1, 13):
            here = bright[name] & (month == number)
            if here.sum() >= 8 and (values[here] <= 0.5).mean() > 0.9:
                out.setdefault(name, []).append(number)
    return out


def trust(
    data: pd.DataFrame, which: str, zenith: np.ndarray, dni_extra: np.ndarray
) -> pd.DataFrame:
    """Derive the component that is not trusted from the two that are.

    Parameters
    ----------
    data : DataFrame
        ``ghi``, ``dni``, ``dhi`` in W/m2.
    which : {'all', 'ghi_dhi', 'ghi_dni', 'dni_dhi'}
        The trusted ones.
    zenith : ndarray
        Of the sun, degrees.
    dni_extra : ndarray
        Extraterrestrial normal irradiance, W/m2.

    Notes
    -----
    From GHI and DHI the beam is (GHI - DHI) / cos(zenith), at most what a very clear sky lets
    through (Meinel's clear-sky beam and a tenth); the rest stays with the diffuse part, so that
    GHI is kept to the watt.
    """
    if which == "all":
        return data
    out = data.copy()
    cosine = np.cos(np.radians(zenith))
    up = cosine > 0
    if which == "dni_dhi":
        out["ghi"] = data["dhi"] + data["dni"] * np.maximum(cosine, 0)
    elif which == "ghi_dni":
        out["dhi"] = np.clip(data["ghi"] - data["dni"] * np.maximum(cosine, 0), 0, data["ghi"])
    else:
        beam = np.clip(data["ghi"] - data["dhi"], 0, None).to_numpy()
        dni = np.divide(beam, cosine, out=np.zeros_like(beam), where=up)
        out["dni"] = np.minimum(dni, clear_beam(zenith, dni_extra))
        out["dhi"] = data["ghi"] - out["dni"] * np.maximum(cosine, 0)
    return out


def clear_beam(zenith: np.ndarray, dni_extra: np.ndarray) -> np.ndarray:
    """An upper limit of direct normal irradiance, W/m2 (Meinel and Meinel 1976, plus a tenth)."""
    airmass = pvlib.atmosphere.get_relative_airmass(np.asarray(zenith), "kastenyoung1989")
    with np.errstate(invalid="ignore"):
        beam = 1.1 * np.asarray(dni_extra) * 0.7 ** (airmass**0.678)
    return np.nan_to_num(beam, nan=0.0)
