"""A commented scenario for a footprint file that nobody has planned yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import tomlkit

from pvplanner import reference
from pvplanner.buildings import centre_of
from pvplanner.errors import InputError
from pvplanner.money import all_models
from pvplanner.weather import typical_year
from pvplanner.words import label, style


def scenario_text(
    footprints: Path,
    buildings: gpd.GeoDataFrame,
    *,
    folder: Path,
    weather: Path | None,
    options: Mapping[str, str | None],
    language: str,
) -> str:
    """Text of a scenario for a footprint file, with what can be told from it filled in.

    Parameters
    ----------
    footprints : Path
        The file.
    buildings : GeoDataFrame
        As read from it.
    folder : Path
        Where the scenario will stand; its paths are relative to that.
    weather : Path or None
        A weather file, if the user has one.
    options : mapping
        ``crs``, ``datum`` and ``layer`` as they were needed to read the file.
    language : {'zh', 'en'}
        Of the plan.
    """
    latitude, longitude = centre_of(buildings)
    place = reference.find_place(latitude, longitude)
    chinese = place is not None and place.country == "CN"
    site = [f"buildings = {_quoted(_relative(footprints, folder))}"]
    for key in ("layer", "crs"):
        given = options.get(key)
        site.append(f"{key} = {_quoted(given)}" if given else _commented(key))
    site.append(f"datum = {_quoted(options.get('datum') or 'wgs84')}  # {label("scaffold_datum", language)}")
    site += _weather_lines(weather, folder, latitude, longitude, language)
    if chinese and place is not None:
        note = f"  # {place.town}, {place.distance_km:.0f} km"
        site.append(f"province = {_quoted(place.province)}{note}")
    site += [
        f'# households = "households.csv"  # {label("scaffold_ledger", language)}',
        f"# [site.columns]  # {label("scaffold_columns", language)}",
    ]
    priced = chinese and place is not None and place.province in _priced()
    tariff = [] if priced else [f"# export_price = 0.35  # {label("scaffold_abroad", language)}"]
    if not priced:
        tariff.append("# self_use_price = 0.55")
    costs = ["capex_per_w = 3.0", "opex_per_w_year = 0.04"]
    if not chinese:
        costs = [f'# currency = "EUR"  # {label("scaffold_money", language)}', *(f"# {line}" for line in costs)]
    carbon = [] if chinese else [f"# factor_kg_per_kwh = 0.5  # {label("scaffold_factor", language)}"]
    name = footprints.stem if footprints.stem != "footprints" else footprints.resolve().parent.name
    return "\n".join(
        [
            f"# {label("scaffold_head", language)}",
            f"name = {_quoted(name)}",
            f'language = "{language}"',
            "",
            "[site]",
            *site,
            "",
            "[roof]",
            f'# default_type = "gable"  # {label("scaffold_roof", language)}',
            "",
            "[module]",
            "flat_tilt = 15",
            "yield_share_min = 0.70",
            "",
            "[system]",
            f'mount = "roof"  # {label("scaffold_mount", language)}',
            "",
            "[tariff]",
            f"connection_date = 2026-06-01  # {label("scaffold_date", language)}",
            *tariff,
            "",
            "[finance]",
            f'model = "self_invest"  # {_models(language)}',
            *costs,
            "discount_rate = 0.05",
            "",
            "[carbon]",
            "factor_year = 2023",
            *carbon,
            "",
        ]
    )




def _models(language: str) -> str:
    """Every business model by its key and name."""
    own = style(language)
    return own["list"].join(f"{m} ({label(m, language)})" for m in all_models())


def _priced() -> set[str]:
    """Provinces with an export price of their own."""
    return set(reference.listed_in("tariff", "province")) - {"China"}


def _weather_lines(
    weather: Path | None, folder: Path, latitude: float, longitude: float, language: str
) -> list[str]:
    if weather is not None:
        if not weather.is_file():
            raise InputError("file_missing", where=str(weather))
        return [f"weather = {_quoted(_relative(weather, folder))}"]
    try:
        typical_year(latitude, longitude)
    except InputError:
        return [f'weather = "weather.epw"  # {label("scaffold_weather", language)}']
    return [f'weather = "typical"  # {label("scaffold_typical", language)}']


def _commented(key: str) -> str:
    return {"layer": '# layer = "..."', "crs": '# crs = "EPSG:4549"'}[key]


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return str(path.resolve())


def _quoted(text: str | None) -> str:
    return tomlkit.string(text or "").as_string()
