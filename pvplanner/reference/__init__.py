"""Tables that came from elsewhere: every row carries its source, year and certainty.

``load("grid_factors")`` gives a table as shipped. The other functions look one thing up and return
it together with where it came from, so that a number can carry its source to the page.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""


@dataclass(frozen=True)
class Sourced:
    """A number and where it came from."""

    value: float
    unit: str
    source: str
    year: str
    certainty: str


@cache
def _read(name: str) -> pd.DataFrame:
    path = resources.files("pvplanner.reference").joinpath(f"{name}.csv")
    with path.open("r", encoding="utf-8") as stream:
        return pd.read_csv(stream, dtype=dict.fromkeys(_TEXT_COLUMNS, "string"))


_TEXT_COLUMNS = ("year", "connected_from", "connected_to")


def in_force(table: pd.DataFrame, on: dt.date) -> pd.DataFrame:
    """The rows of a dated table that hold for projects connected on a day."""
    day = on.isoformat()
    begun = table["connected_from"].fillna("") <= day
    return table[begun & (table["connected_to"].fillna("9999") >= day)]


def load(name: str) -> pd.DataFrame:
    """A packaged reference table, as a copy.

    Parameters
    ----------
    name : str
        File name without suffix, one of :func:`tables`.

    Raises
    ------
    ConfigError
        If there is no such table.
    """
    if name not in tables():
        raise ConfigError("reference_unknown", where=name, known=", ".join(tables()))
    return _read(name).copy()


@cache
def tables() -> tuple[str, ...]:
    """Names of the packaged tables."""
    folder = resources.files("pvplanner.reference")
    return tuple(
        sorted(f.name.removesuffix(".csv") for f in folder.iterdir() if f.name.endswith(".csv"))
    )


def distance_km(
    latitude: float, longitude: float, latitudes: np.ndarray, longitudes: np.ndarray
) -> np.ndarray:
    """Great-circle distance from one place to many, km (haversine)."""
    lat1, lat2 = np.radians(latitude), np.radians(np.asarray(latitudes, dtype=float))
    half_lat = (lat2 - lat1) / 2
    half_lon = np.radians(np.asarray(longitudes, dtype=float) - longitude) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))


@dataclass(frozen=True)
class Place:
    """Where in the world a point is, by its nearest town."""

    town: str
    country: str
    province: str
    distance_km: float
    doubtful: bool


def find_place(latitude: float, longitude: float, reach_km: float = 300.0) -> Place | None:
    """Country and province of a point, by the towns around it (GeoNames, CC BY 4.0).

    Parameters
    ----------
    latitude, longitude : float
        Degrees, WGS 84.
    reach_km : float
        Beyond this distance from every packaged town the answer is ``None``. The table holds
        China and 350 km around it.

    Returns
    -------
    Place or None
        ``doubtful`` where the three nearest towns do not agree on the province.
    """
    places = _read("places")
    away = distance_km(
        latitude, longitude, places["latitude"].to_numpy(), places["longitude"].to_numpy()
    )
    nearest = np.argsort(away, kind="stable")[:3]
    if away[nearest[0]] > reach_km:
        return None
    rows = places.iloc[nearest].fillna({"province": ""})
    first = rows.iloc[0]
    agreed = rows[["country", "province"]].nunique().max() == 1
    return Place(
        str(first["place"]),
        str(first["country"]),
        str(first["province"]),
        float(away[nearest[0]]),
        not agreed,
    )


def provinces() -> tuple[str, ...]:
    """English names of the 31 provinces, autonomous regions and municipalities of the tables."""
    return tuple(_read("provinces")["province"])


def grid_factor(place: str, year: int, basis: str = "grid_average") -> Sourced | None:
    """Emission factor of grid electricity, kgCO2/kWh.

    Parameters
    ----------
    place : str
        Province, grid region or ``China``.
    year : int
        Year of the factor.
    basis : str
        ``grid_average``, ``operating_margin``, ``build_margin``, ``footprint``, ...

    Returns
    -------
    Sourced or None
        ``None`` where the table has no such row (Xizang has none).
    """
    table = _read("grid_factors")
    hit = table[
        (table["place"] == place) & (table["basis"] == basis) & (table["year"] == str(year))
    ]
    if hit.empty:
        return None
    row = hit.iloc[0]
    return Sourced(
        float(row["ef_kgco2_per_kwh"]),
        "kgCO2/kWh",
        str(row["source"]),
        str(row["year"]),
        str(row["certainty"]),
    )
