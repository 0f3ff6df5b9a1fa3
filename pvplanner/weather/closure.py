"""Which components of a year are believed: whether they close, and what is silent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib

from pvplanner.weather.frame import zeniths

OFFSETS = tuple(range(-60, 76, 15))
"""Offsets that are tried, minutes after the start of the interval."""

GATE = 0.15
"""A year whose components miss each other by this share of the light (rms, W/m2, at the best
offset) is not believed: one of them is not what it says."""


def closure_by_offset(
    data: pd.DataFrame, latitude: float, longitude: float, altitude: float
) -> dict[int, float]:
    """Root mean square of GHI - DHI - DNI cos(zenith) over daylight, W/m2, for each offset.

    Parameters
    ----------
    data : DataFrame
        ``ghi``, ``dni``, ``dhi`` in W/m2; tz-aware index of interval starts, without a gap.
    latitude, longitude, altitude : float
        Degrees and metres.
    """
    day = (data["ghi"] > 0).to_numpy()
    index = pd.DatetimeIndex(data.index)
    beam = (data["ghi"] - data["dhi"]).to_numpy()[day]
    dni = data["dni"].to_numpy()[day]
    out = {}
    for offset in OFFSETS:
        zenith = zeniths(index, offset, (latitude, longitude, altitude))[day]
        cosine = np.maximum(np.cos(np.radians(zenith)), 0)
        out[offset] = float(np.sqrt(np.mean((beam - dni * cosine) ** 2))) if day.any() else 0.0
    return out


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
    high = np.maximum(np.cos(np.radians(zeniths(times, 30, (latitude, longitude, altitude)))), 0)
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
        out["dhi"] = np.maximum(data["ghi"] - out["dni"] * np.maximum(cosine, 0), 0)
    return out


def clear_beam(zenith: np.ndarray, dni_extra: np.ndarray) -> np.ndarray:
    """An upper limit of direct normal irradiance, W/m2 (Meinel and Meinel 1976, plus a tenth)."""
    airmass = pvlib.atmosphere.get_relative_airmass(np.asarray(zenith), "kastenyoung1989")
    with np.errstate(invalid="ignore"):
        beam = 1.1 * np.asarray(dni_extra) * 0.7 ** (airmass**0.678)
    return np.nan_to_num(beam, nan=0.0)
