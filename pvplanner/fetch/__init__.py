"""Fetch: open data for a place, from its servers or a mirror; the only room that goes out.

Each source is a row of ``reference/open_sources.csv``: what it covers, its licence, its address.
Beside every file that is written stands a note of its origin, which plans read.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pvplanner.errors import ConfigError, InputError
from pvplanner.fetch.area import Area, area_of
from pvplanner.fetch.origin import note, source, write_beside
from pvplanner.fetch.transport import Transport

__all__ = ["Area", "Transport", "area_of", "fetch_boundary", "fetch_buildings", "fetch_terrain",
           "fetch_weather"]  # fmt: skip

Box = str | tuple[float, float, float, float] | None
PathLike = str | os.PathLike[str]


def usual_cache() -> Path:
    """Where pieces are kept: the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "pvplanner" / "fetch"


@contextmanager
def _going_out(
    transport: Transport | None, cache: PathLike | None, said: Callable[[str], None] | None
) -> Iterator[Transport]:
    if transport is not None:
        yield transport
        return
    made = Transport(
        Path(cache) if cache is not None else usual_cache(), said=said or (lambda t: None)
    )
    try:
        yield made
    finally:
        made.close()


def fetch_buildings(
    out: PathLike, *, bbox: Box = None, boundary: PathLike | None = None,
    source_name: str = "overture", release: str | None = None, heights: str | None = None,
    non_commercial: bool = False, against: PathLike | None = None, mirror: str | None = None,
    heights_mirror: str | None = None, cache: PathLike | None = None,
    transport: Transport | None = None, said: Callable[[str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fetch footprints of a place into a GeoParquet file.

    Parameters
    ----------
    out : path-like
        ``.parquet``; the note of origin goes beside it.
    bbox : str or tuple, optional
        West, south, east, north, degrees; or a ``boundary`` file.
    source_name : {'overture', 'gba', 'microsoft', 'google'}
    release : str, optional
        To be pinned; the newest if not given.
    heights : str, optional
        ``gba``: modelled heights of GlobalBuildingAtlas where none is known.
    non_commercial : bool
        That what is under a non-commercial licence is used so; needed for ``gba``.
    against : path-like, optional
        An earlier fetch to tell the differences from; the file at ``out`` if there is one.
    mirror, heights_mirror : str, optional
        Address or folder that takes the place of the source's own.

    Returns
    -------
    dict
        The note of origin: sources with their licences, ``release``, ``buildings``,
        ``with_height``, ``changes``.

    Raises
    ------
    ConfigError
        If the source is unknown, or non-commercial and not allowed.
    InputError
        If a server can't be reached, says no, or has nothing there.
    """
    import geopandas as gpd

    from pvplanner.fetch import others, overture

    target = _suffixed(out, ".parquet")
    area, row = area_of(bbox, boundary), source(source_name, "buildings")
    rows = [row] + ([source(heights, "buildings")] if heights else [])
    if heights not in (None, "gba"):
        raise ConfigError("fetch_source", where="--heights", name=heights, known="gba")
    if any(r["use"] == "non_commercial" for r in rows) and not non_commercial:
        name = next(r for r in rows if r["use"] == "non_commercial")
        raise ConfigError("fetch_non_commercial", where="--non-commercial", title=name["title"],
                          licence=name["licence"])  # fmt: skip
    base = mirror or row["address"]
    with _going_out(transport, cache, said) as way:
        told = release or row["release"]
        if source_name == "overture":
            found = overture.find_release(way, base, release)
            frame, told = overture.read_buildings(way, found, area), found.name
        elif source_name == "gba":
            frame = others.read_atlas(way, base, area)
        elif source_name == "microsoft":
            frame = others.read_microsoft(way, base, area, told)
        else:
            frame = others.read_google(way, base, area)
        if heights is not None and source_name != "gba":
            atlas = others.read_atlas(way, heights_mirror or rows[1]["address"], area)
            frame = others.with_heights(frame, atlas)
    earlier = Path(against) if against is not None else target
    differ = None
    if earlier.is_file():
        differ = overture.changes(gpd.read_parquet(earlier).to_crs(4326), frame)
    about = note(
        [{**rows[0], "release": told}, *rows[1:]], kind="buildings", release=told,
        bbox=list(area.box), buildings=len(frame),
        with_height=int(frame["height_m"].notna().sum()), changes=differ,
    )  # fmt: skip
    held = io.BytesIO()
    frame.to_parquet(held, index=False, compression="zstd", row_group_size=5000,
                     write_covering_bbox=True)  # fmt: skip
    write_beside(target, held.getvalue(), about)
    return about


def fetch_weather(
    out: PathLike, *, at: tuple[float, float] | None = None, bbox: Box = None,
    boundary: PathLike | None = None, source_name: str = "pvgis",
    years: tuple[int, int] | None = None, mirror: str | None = None,
    cache: PathLike | None = None, transport: Transport | None = None,
    said: Callable[[str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fetch a year of weather for a point.

    Parameters
    ----------
    out : path-like
        ``.json`` for PVGIS' typical year, ``.csv`` for NASA POWER.
    at : tuple of float, optional
        Latitude and longitude, degrees; else the middle of ``bbox`` or ``boundary``.
    source_name : {'pvgis', 'power'}
    years : tuple of int, optional
        First and last of NASA POWER's years; of several, a year is put together of the months
        whose light is nearest their mean. The last five whole years if not given.

    Raises
    ------
    ConfigError, InputError
        As :func:`fetch_buildings`.
    """
    import datetime as dt

    from pvplanner.fetch import sky

    row = source(source_name, "weather")
    latitude, longitude = at if at is not None else area_of(bbox, boundary).middle
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ConfigError("fetch_at", where="--at", value=f"{latitude}, {longitude}")
    base = mirror or row["address"]
    target = _suffixed(out, ".json" if source_name == "pvgis" else ".csv")
    with _going_out(transport, cache, said) as way:
        if source_name == "pvgis":
            body, told = sky.read_pvgis(way, base, latitude, longitude), {}
        else:
            last = dt.date.today().year - 1
            span = years or (last - 4, last)
            hours, found = sky.read_power(way, base, latitude, longitude, span)
            data, months = sky.typical_months(hours)
            body = sky.as_table(data, latitude, longitude, found["altitude"], row["title"])
            told = {"years": list(span), "months": months, "from": found["sources"]}
    about = note([row], kind="weather", latitude=latitude, longitude=longitude, **told)
    write_beside(target, body, about)
    return about


def fetch_terrain(
    out: PathLike, *, bbox: Box = None, boundary: PathLike | None = None, margin_km: float = 20.0,
    source_name: str = "glo30", mirror: str | None = None, cache: PathLike | None = None,
    transport: Transport | None = None, said: Callable[[str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fetch the relief around a place as a GeoTIFF: the hills that stand in its sun.

    Parameters
    ----------
    margin_km : float
        How far around; the horizon looks up to 50 km.

    Raises
    ------
    ConfigError, InputError
        As :func:`fetch_buildings`.
    """
    from pvplanner.fetch.relief import read_relief

    row, target = source(source_name, "terrain"), _suffixed(out, ".tif")
    area = area_of(bbox, boundary).wider(margin_km)
    with _going_out(transport, cache, said) as way:
        body, missing = read_relief(way, mirror or row["address"], area)
    about = note([row], kind="terrain", bbox=list(area.box), missing=missing)
    write_beside(target, body, about)
    return about


def fetch_boundary(
    out: PathLike, *, bbox: Box = None, boundary: PathLike | None = None,
    source_name: str = "divisions", release: str | None = None, country: str = "CHN",
    level: str = "ADM3", mirror: str | None = None, cache: PathLike | None = None,
    transport: Transport | None = None, said: Callable[[str], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fetch boundaries that meet a place as GeoJSON: counties and, here and there, smaller ones.

    Raises
    ------
    ConfigError, InputError
        As :func:`fetch_buildings`.
    """
    from pvplanner.fetch import borders, overture

    row, target = source(source_name, "boundary"), _suffixed(out, ".geojson")
    area = area_of(bbox, boundary)
    base, told = mirror or row["address"], row["release"]
    with _going_out(transport, cache, said) as way:
        if source_name == "divisions":
            found = overture.find_release(way, base, release)
            frame, told = borders.read_divisions(way, found, area), found.name
        else:
            frame = borders.read_counties(way, base, area, country, level)
    about = note([{**row, "release": told}], kind="boundary", release=told, bbox=list(area.box),
                 areas=len(frame))  # fmt: skip
    write_beside(target, frame.to_json(ensure_ascii=False).encode("utf-8"), about)
    return about


def _suffixed(out: PathLike, suffix: str) -> Path:
    target = Path(out)
    if target.suffix.lower() != suffix:
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=suffix)
    if target.is_dir():
        raise InputError("folder_unwritable", where=str(target), reason="a folder")
    return target
