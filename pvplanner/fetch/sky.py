"""Weather of a point: NASA POWER's hours, PVGIS' typical year."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError, InputError
from pvplanner.fetch.transport import Transport, as_json, join, local_path
from pvplanner.reference import legal_zone

PARAMETERS = {"ghi": "ALLSKY_SFC_SW_DWN", "dni": "ALLSKY_SFC_SW_DNI", "dhi": "ALLSKY_SFC_SW_DIFF",
              "temp_air": "T2M", "wind_speed": "WS10M"}  # fmt: skip
FIRST_YEAR = 2001
MOST_MISSING = 0.02
"""A year of which more than this share of hours is missing is no year."""


def read_pvgis(transport: Transport, base: str, latitude: float, longitude: float) -> bytes:
    """PVGIS' typical year as it gives it, checked by pvlib's own reader.

    Raises
    ------
    InputError
        If it has none there (the sea, out of cover), or something else came.
    """
    if local_path(base) is not None:
        url, params = join(base, f"tmy_{latitude:.2f}_{longitude:.2f}.json"), None
    else:
        url = join(base, "tmy")
        params = {"lat": f"{latitude:.4f}", "lon": f"{longitude:.4f}", "outputformat": "json"}
    body = transport.get(url, params=params).body
    as_json(body, url)
    import pvlib

    try:
        data, _ = pvlib.iotools.read_pvgis_tmy(
            io.StringIO(body.decode("utf-8")), pvgis_format="json"
        )
    except (KeyError, ValueError, TypeError) as error:
        told = str(error)[:80]
        raise InputError("fetch_garbled", where=url, wanted="PVGIS TMY", found=told) from None
    if len(data) != 8760:
        raise InputError("fetch_garbled", where=url, wanted="8760", found=str(len(data)))
    return body


def read_power(
    transport: Transport, base: str, latitude: float, longitude: float, years: tuple[int, int]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """NASA POWER's hours of some years in the place's legal time.

    Returns
    -------
    data : DataFrame
        ``ghi``, ``dni``, ``dhi`` (W/m2), ``temp_air`` (degC), ``wind_speed`` (m/s, 10 m) by the
        start of each hour.
    told : dict
        ``altitude``, ``sources``.

    Raises
    ------
    ConfigError
        If the years are none that it has.
    InputError
        If it refuses, or hours are missing.
    """
    first, last = years
    if not FIRST_YEAR <= first <= last:
        raise ConfigError("fetch_years", where="--years", value=f"{first}-{last}", first=FIRST_YEAR)
    zone = legal_zone(latitude, longitude)
    parts: list[pd.DataFrame] = []
    told: dict[str, Any] = {}
    for year in range(first, last + 1):
        # Hours of a local year begin and end in its neighbours' by universal time.
        begin = pd.Timestamp(year, 1, 1) - pd.Timedelta(days=1 if zone > 0 else 0)
        end = pd.Timestamp(year, 12, 31) + pd.Timedelta(days=1 if zone < 0 else 0)
        frame, told = _one(transport, base, latitude, longitude, begin, end)
        local = frame.tz_convert(f"{'+' if zone >= 0 else '-'}{int(abs(zone)):02d}:"
                                 f"{int(abs(zone) % 1 * 60):02d}")  # fmt: skip
        own = local[local.index.year == year]
        own = own[~((own.index.month == 2) & (own.index.day == 29))]
        parts.append(_filled(own, base, year))
    return pd.concat(parts), told


def _one(
    transport: Transport, base: str, latitude: float, longitude: float, begin: pd.Timestamp,
    end: pd.Timestamp,
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    params = {
        "latitude": f"{latitude:.4f}", "longitude": f"{longitude:.4f}",
        "start": begin.strftime("%Y%m%d"), "end": end.strftime("%Y%m%d"), "community": "re",
        "parameters": ",".join(PARAMETERS.values()), "format": "json", "header": "true",
        "time-standard": "utc",
    }  # fmt: skip
    url = base
    if local_path(base) is not None:
        url = join(base, f"{latitude:.2f}_{longitude:.2f}_{begin:%Y%m%d}_{end:%Y%m%d}.json")
        read = transport.json(url)
    else:
        read = transport.json(url, params=params)
    try:
        values = read["properties"]["parameter"]
        frame = pd.DataFrame({ours: pd.Series(values[name]) for ours, name in PARAMETERS.items()})
        frame.index = pd.to_datetime(frame.index, format="%Y%m%d%H").tz_localize("UTC")
        fill = float(read["header"]["fill_value"])
        altitude = float(read["geometry"]["coordinates"][2])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        found = "; ".join(map(str, read.get("messages", []))) if isinstance(read, dict) else ""
        raise InputError(
            "fetch_garbled", where=url, wanted="NASA POWER", found=found or str(error)[:80]
        ) from None
    frame = frame.astype(float).sort_index()
    return frame.where(~np.isclose(frame, fill)), {
        "altitude": altitude, "sources": read.get("header", {}).get("sources", []),
    }  # fmt: skip


def _filled(year: pd.DataFrame, base: str, number: int) -> pd.DataFrame:
    """A year's hours, a few missing ones taken from the hour before."""
    missing = float(year.isna().to_numpy().mean()) if len(year) else 1.0
    if len(year) != 8760 or missing > MOST_MISSING:
        share = 1 - len(year) / 8760 * (1 - missing)
        raise InputError("fetch_hours", where=base, year=number, share=f"{share:.0%}")
    return year.ffill().bfill()


def typical_months(hours: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """A year of twelve real months, each of the year whose light is nearest the years' mean.

    Parameters
    ----------
    hours : DataFrame
        Of whole years, as from :func:`read_power`.

    Returns
    -------
    data : DataFrame, 8760 rows
        Under one year's calendar.
    years : list of int
        That of each month.
    """
    light = hours["ghi"].groupby([hours.index.month, hours.index.year]).sum()
    chosen = []
    for month in range(1, 13):
        own = light[month]
        chosen.append(int((own - own.mean()).abs().idxmin()))
    parts = []
    for month, year in enumerate(chosen, start=1):
        at = hours.index
        rows = hours[(at.month == month) & (at.year == year)]
        parts.append(rows.set_axis(rows.index.map(lambda t: t.replace(year=2023))))
    return pd.concat(parts), chosen


def as_table(
    data: pd.DataFrame, latitude: float, longitude: float, altitude: float, title: str
) -> bytes:
    """Hours as the plain table that :func:`pvplanner.read_weather` reads."""
    out = data.round({"ghi": 1, "dni": 1, "dhi": 1, "temp_air": 2, "wind_speed": 2})
    out.insert(0, "time", [t.isoformat() for t in data.index])
    height = "" if math.isnan(altitude) else f"# altitude: {altitude:.0f}\n"
    head = f"# {title}\n# latitude: {latitude:.4f}\n# longitude: {longitude:.4f}\n{height}"
    return (head + out.to_csv(index=False, lineterminator="\n")).encode("utf-8")
