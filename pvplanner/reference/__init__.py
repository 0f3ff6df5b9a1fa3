"""Tables that came from elsewhere: every row carries its source, year and certainty.

``load("grid_factors")`` gives a table as shipped. The other functions look one thing up and return
it together with where it came from, so that a number can carry its source to the page.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pvplanner.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

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
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a packaged table as texts; light where a frame is not needed."""
    if name not in tables():
        raise ConfigError("reference_unknown", where=name, known=", ".join(tables()))
    path = resources.files("pvplanner.reference").joinpath(f"{name}.csv")
    return tuple(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def listed_in(name: str, column: str) -> tuple[str, ...]:
    """Distinct values of a column of a packaged table, in its order."""
    return tuple(dict.fromkeys(row[column] for row in rows(name)))


def business_models() -> tuple[str, ...]:
    """Business models, in the order in which they are shown."""
    return tuple(name for name in listed_in("models", "model") if name != "each")


def row_in_force(name: str, on: dt.date, **wanted: str) -> dict[str, str] | None:
    """The first row of a dated table that holds on a day and has the wanted values."""
    day = on.isoformat()
    for row in rows(name):
        since, until = row.get("connected_from", ""), row.get("connected_to", "") or "9999"
        if since <= day <= until and all(row[key] == value for key, value in wanted.items()):
            return row
    return None


def sourced(row: dict[str, str], value: str = "value", unit: str | None = None) -> Sourced:
    """A row's number with where it came from."""
    named = row["unit"] if unit is None else unit
    return Sourced(float(row[value] or "nan"), named, row["source"], row["year"], row["certainty"])


@cache
def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    path = resources.files("pvplanner.reference").joinpath(f"{name}.csv")
    with path.open("r", encoding="utf-8") as stream:
        return pd.read_csv(stream, dtype=dict.fromkeys(_TEXT_COLUMNS, "string"))


_TEXT_COLUMNS = ("year", "connected_from", "connected_to")


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
    import numpy as np

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
    around: tuple[str, ...] = ()
    """Provinces of the nearest towns."""


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
    import numpy as np

    places = rows("places")
    away = distance_km(latitude, longitude, *_town_places())
    nearest = np.argsort(away, kind="stable")[:3]
    if away[nearest[0]] > reach_km:
        return None
    around = [places[int(n)] for n in nearest]
    agreed = len({(row["country"], row["province"]) for row in around}) == 1
    first, far = around[0], float(away[nearest[0]])
    own = tuple(row["province"] for row in around)
    return Place(first["place"], first["country"], first["province"], far, not agreed, own)


def plausible(measure: str) -> tuple[float, float]:
    """The range in which a figure usually lies: ``plausible.csv``."""
    row = next(row for row in rows("plausible") if row["measure"] == measure)
    return float(row["low"]), float(row["high"])


def province_of(division_code: str) -> str | None:
    """The province of an administrative division code, by its first two digits (GB/T 2260)."""
    for row in rows("provinces"):
        if row["gb2260"] == division_code[:2]:
            return row["province"]
    return None


def legal_zone(latitude: float, longitude: float) -> float:
    """Hours of standard time from UTC: 8 all over China, elsewhere by the longitude.

    China keeps one legal time (State Council, 1949): Kashi and Urumqi too.
    """
    place = find_place(latitude, longitude)
    if place is not None and place.country in ("CN", "HK", "MO", "TW"):
        return 8.0
    return float(round(longitude / 15))


@cache
def _town_places() -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    found = [(float(row["latitude"]), float(row["longitude"])) for row in rows("places")]
    table = np.array(found)
    return table[:, 0], table[:, 1]


def provinces() -> tuple[str, ...]:
    """English names of the 31 provinces, autonomous regions and municipalities of the tables."""
    return listed_in("provinces", "province")


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
    for row in rows("grid_factors"):
        if (row["place"], row["basis"], row["year"]) == (place, basis, str(year)):
            return sourced(row, "ef_kgco2_per_kwh", "kgCO2/kWh")
    return None


def last_day(name: str) -> dt.date:
    """The last day of the year that a constant names."""
    return dt.date(round(constant(name).value), 12, 31)


def constant(name: str) -> Sourced:
    """A named number that is kept as data, not in code.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    row = next((r for r in rows("constants") if (r["name"], r["place"]) == (name, "")), None)
    found = None if row is None else sourced(row)
    if found is None or not math.isfinite(found.value):
        raise ConfigError("reference_unknown", where=name, known="constants")
    return found
