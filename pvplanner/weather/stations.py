"""The climate of a place from the stations around it, and how far it may be off there.

Monthly values of 270 Chinese stations (CSWD typical years) are interpolated by inverse distance.
For light a difference of height counts as distance; air temperature is brought to sea level and
back, by distance along the ground, since high plains are warmer than summits of their height. Every
station was left out once and foretold by the others: what they missed by around a place is its
doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pandas as pd
import pvlib

from pvplanner import reference
from pvplanner.errors import InputError

REACH_KM = 330.0
"""Beyond this distance from every station nothing is known of a place."""

_NEIGHBOURS, _POWER = 8, 1.5
_KM_PER_KM = 100.0
"""A kilometre of height counts as so many along the ground (of 0 to 300 it misses by the least)."""

_ERROR_KM = 150.0
"""Reach of the misses that count for a place (one sigma of their weight)."""

_PRIOR = 0.5
"""Weight of the whole country's misses among those around."""

_ABS_TO_SIGMA = float(np.sqrt(np.pi / 2))

_VALUES = ("ghi_kwh_per_m2", "dni_kwh_per_m2", "dhi_kwh_per_m2", "temp_air_c",
           "temp_air_day_range_c", "wind_speed_m_per_s")  # fmt: skip


@dataclass(frozen=True)
class Climate:
    """Interpolated climate of one place.

    Attributes
    ----------
    monthly : DataFrame
        By month 1 to 12: ``ghi_kwh_per_m2``, ``dhi_kwh_per_m2``, ``temp_air_c``, ...
    altitude : float
        Metres above the sea, as used.
    names : str
        Stations that carry at least a twentieth of it.
    nearest_km : float
    sigma : float
        Relative one sigma of yearly GHI, by the stations around.
    """

    monthly: pd.DataFrame
    altitude: float
    names: str
    nearest_km: float
    sigma: float


@dataclass(frozen=True)
class Stations:
    """The table's stations as arrays; ``months`` has shape (stations, 12, values)."""

    sites: np.ndarray
    provinces: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    altitude: np.ndarray
    months: np.ndarray

    @property
    def light(self) -> np.ndarray:
        """Yearly GHI, kWh/m2."""
        return self.months[:, :, 0].sum(axis=1)

    def away(self, latitude: float, longitude: float, altitude: float) -> np.ndarray:
        """Distance of each station, a kilometre of height for a hundred along the ground, km."""
        flat = reference.distance_km(latitude, longitude, self.latitude, self.longitude)
        return np.hypot(flat, _KM_PER_KM * (self.altitude - altitude) / 1000)


@cache
def stations() -> Stations:
    """The packaged table; air temperature at sea level."""
    table = reference.load("climate").sort_values(["station", "month"], kind="stable")
    places = table.drop_duplicates("station")
    months = (
        table[list(_VALUES)].to_numpy(dtype=float).reshape(len(places), 12, len(_VALUES)).copy()
    )
    altitude = places["altitude_m"].to_numpy(dtype=float)
    months[:, :, _VALUES.index("temp_air_c")] += _cooling(altitude)[:, None]
    return Stations(
        places["site"].to_numpy(dtype=object),
        places["province"].to_numpy(dtype=object),
        places["latitude"].to_numpy(dtype=float),
        places["longitude"].to_numpy(dtype=float),
        altitude,
        months,
    )


def _cooling(altitude: np.ndarray | float) -> np.ndarray:
    """How much colder than at sea level, K."""
    return np.asarray(altitude) / 1000 * reference.constant("lapse_rate").value


def relief_height(latitude: float, longitude: float) -> float:
    """Metres above the sea by the coarse relief that pvlib carries (cells of 9 km).

    At the table's stations it is within 50 m in half and 170 m in nine of ten; near one of them the
    station's own height sets it right, and the sea's floor is no height.
    """
    table = stations()
    away = reference.distance_km(latitude, longitude, table.latitude, table.longitude)
    near = int(away.argmin())
    height = float(pvlib.location.lookup_altitude(latitude, longitude))
    there = pvlib.location.lookup_altitude(table.latitude[near], table.longitude[near])
    off = float(table.altitude[near]) - float(there)
    height += off * float(np.exp(-away[near] / RELIEF_KM))
    return max(height, 0.0) if away[near] > REACH_KM or table.altitude[near] >= 0 else height


def interpolate(
    latitude: float, longitude: float, altitude: float | None = None, *, without: int | None = None
) -> Climate:
    """The climate of a place from the stations around it.

    Parameters
    ----------
    latitude, longitude : float
        Degrees.
    altitude : float, optional
        Metres above the sea; the coarse relief's if not given.
    without : int, optional
        Row of a station that is left out, of the values and of the misses.

    Raises
    ------
    InputError
        If the place is none on Earth, or the nearest station is over 330 km away.
    """
    table = stations()
    sound = abs(latitude) <= 90 and abs(longitude) <= 180
    if not (sound and (altitude is None or LOWEST_M <= altitude <= HIGHEST_M)):
        where = f"{latitude:g}, {longitude:g}, {altitude if altitude is None else f'{altitude:g}'}"
        raise InputError("typical_place", where="site.weather", place=where)
    flat = reference.distance_km(latitude, longitude, table.latitude, table.longitude)
    if without is not None:
        flat[without] = np.inf
    if flat.min() > REACH_KM:
        raise InputError(
            "typical_too_far", where="site.weather", distance_km=round(float(flat.min()))
        )
    height = relief_height(latitude, longitude) if altitude is None else float(altitude)
    away = table.away(latitude, longitude, height)
    rows, weight = _weights(away, without)
    values = np.tensordot(weight, table.months[rows], axes=1)
    warmth = [_VALUES.index("temp_air_c"), _VALUES.index("temp_air_day_range_c")]
    below, part = _weights(flat, without)
    values[:, warmth] = np.tensordot(part, table.months[below][:, :, warmth], axes=1)
    values[:, warmth[0]] -= _cooling(height)
    # Next to a station, at its height, the table itself is the answer; half way to the next, or far
    # above it, the misses hold, and beyond all stations more than they.
    near = min(1.0, float(away[rows[0]]) / SPACING_KM)
    values[:, :3] *= 1 + near * _misses()[1]
    monthly = pd.DataFrame(values, columns=list(_VALUES), index=pd.RangeIndex(1, 13, name="month"))
    names = ", ".join(table.sites[rows[weight >= 0.05]])
    far = max(1.0, float(away[rows[0]]) / FAR_KM)
    sigma = _sigma_of(away, without) * float(np.sqrt(near * far))
    return Climate(monthly, height, names, float(flat.min()), sigma)


def _weights(away: np.ndarray, without: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The nearest stations and their parts."""
    open_ = away.copy()
    if without is not None:
        open_[without] = np.inf
    rows = np.argsort(open_, kind="stable")[:_NEIGHBOURS]
    weight = 1 / np.maximum(open_[rows], 0.1) ** _POWER
    return rows, weight / weight.sum()


@cache
def _misses() -> tuple[np.ndarray, float]:
    """By how much each station's light is over what the others foretell, and the mean of it."""
    table = stations()
    out = np.empty(len(table.sites))
    for row in range(len(out)):
        place = (table.latitude[row], table.longitude[row], table.altitude[row])
        rows, weight = _weights(table.away(*place), row)
        out[row] = table.light[row] / (weight @ table.light[rows]) - 1
    return out, float(out.mean())


def _sigma_of(away: np.ndarray, without: int | None) -> float:
    """One sigma of the interpolation by the misses around."""
    missed, mean = _misses()
    off = np.abs(missed - mean)
    weight = np.exp(-0.5 * (away / _ERROR_KM) ** 2)
    if without is not None:
        weight[without] = 0.0
        off = np.where(np.arange(len(off)) == without, 0.0, off)
    rest = len(off) - (without is not None)
    middle = (weight @ off + _PRIOR * off.sum() / rest) / (weight.sum() + _PRIOR)
    return float(_ABS_TO_SIGMA * middle)


FAR_KM = 250.0
"""A place further from every station, height counted, is doubted more than they are."""

RELIEF_KM = 20.0
"""Reach of what the coarse relief misses at a station."""

LOWEST_M, HIGHEST_M = -500.0, 9000.0
"""Between which places on Earth lie."""

SPACING_KM = 60.0
"""From here on a place is no nearer to a station than the stations to each other, as a rule."""


@dataclass(frozen=True)
class Records:
    """What 1,041 stations' records of 2008 to 2017 say of the light of a province.

    Attributes
    ----------
    province : str
    gap : float
        The table's light over the records', less one.
    spread : float
        Of the gap from station to station, one sigma.
    year_to_year : float
        One sigma of a year's light around the mean.
    source : str
    """

    province: str
    gap: float
    spread: float
    year_to_year: float
    source: str


@lru_cache(maxsize=256)
def records_near(latitude: float, longitude: float) -> Records | None:
    """What the records say of the nearest station's province; ``None`` outside China."""
    table = stations()
    away = reference.distance_km(latitude, longitude, table.latitude, table.longitude)
    if away.min() > REACH_KM or not in_china(latitude, longitude):
        return None
    province = str(table.provinces[int(away.argmin())])
    row = reference.load("light_records").set_index("province").loc[province]
    gap, spread, yearly = (float(row[n]) for n in ("gap", "gap_spread", "year_to_year"))
    return Records(province, gap, spread, yearly, str(row["source"]))


def in_china(latitude: float, longitude: float) -> bool:
    """Whether the nearest town of the packaged table is China's."""
    place = reference.find_place(latitude, longitude)
    return place is not None and place.country == "CN"
