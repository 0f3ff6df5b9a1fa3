"""A commented scenario for a footprint file that nobody has planned yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import tomlkit

from pvplanner import reference
from pvplanner.buildings import centre_of
from pvplanner.errors import InputError
from pvplanner.money import all_models, allowed_models
from pvplanner.reference import provincial
from pvplanner.scenario import Tariff
from pvplanner.weather import typical_year
from pvplanner.words import label, style, texts


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
    said = _Said.of(language)
    latitude, longitude = centre_of(buildings)
    place = reference.find_place(latitude, longitude)
    chinese = place is not None and place.country == "CN"
    site = [f"buildings = {_quoted(_relative(footprints, folder))}"]
    for key in ("layer", "crs"):
        given = options.get(key)
        site.append(f"{key} = {_quoted(given)}" if given else _commented(key))
    site.append(f"datum = {_quoted(options.get('datum') or 'wgs84')}  # {said.datum}")
    site += _weather_lines(weather, folder, latitude, longitude, language)
    if chinese and place is not None:
        note = f"  # {place.town}, {place.distance_km:.0f} km"
        site.append(f"province = {_quoted(place.province)}{note}")
    site += [
        f'# households = "households.csv"  # {said.ledger}',
        f"# [site.columns]  # {said.columns}",
    ]
    priced = chinese and place is not None and place.province in _priced()
    tariff = [] if priced else [f"# export_price = 0.35  # {said.abroad}"]
    if not priced:
        tariff.append("# self_use_price = 0.55")
    costs = ["capex_per_w = 3.0", "opex_per_w_year = 0.04"]
    if not chinese:
        costs = [f'# currency = "EUR"  # {said.money}', *(f"# {line}" for line in costs)]
    carbon = [] if chinese else [f"# factor_kg_per_kwh = 0.5  # {said.factor}"]
    name = footprints.stem if footprints.stem != "footprints" else footprints.resolve().parent.name
    return "\n".join(
        [
            f"# {said.head}",
            f"name = {_quoted(name)}",
            f'language = "{language}"',
            "",
            "[site]",
            *site,
            "",
            "[roof]",
            f'# default_type = "gable"  # {said.roof}',
            "",
            "[module]",
            "flat_tilt = 15",
            "yield_share_min = 0.70",
            "",
            "[system]",
            f'mount = "roof"  # {said.mount}',
            "",
            "[tariff]",
            f"connection_date = 2027-01-01  # {said.date}",
            *tariff,
            "",
            "[finance]",
            f'model = "self_invest"  # {_models(language)}',
            *_by_class(buildings),
            *costs,
            "discount_rate = 0.05",
            "",
            "[carbon]",
            "factor_year = 2023",
            *carbon,
            "",
        ]
    )


class _Said(SimpleNamespace):
    """The remarks of a scenario in a language, by their names."""

    @classmethod
    def of(cls, language: str) -> _Said:
        """Every word that begins with ``scaffold_``."""
        head = "scaffold_"
        found = {k.removeprefix(head): v for k, v in texts(language).items() if k.startswith(head)}
        return cls(**found)


def _by_class(buildings: gpd.GeoDataFrame) -> list[str]:
    """Models of the classes of buildings to which the first model is not open."""
    lawful = allowed_models(Tariff().connection_date)
    kinds = sorted(set(buildings["project_class"].dropna()))
    own = {k: lawful[k][0] for k in kinds if k in lawful and "self_invest" not in lawful[k]}
    if not own:
        return []
    pairs = ", ".join(f'{kind} = "{model}"' for kind, model in own.items())
    return [f"model_by_class = {{ {pairs} }}"]


def _models(language: str) -> str:
    """Every business model by its key and name."""
    own = style(language)
    return own["list"].join(f"{m} ({label(m, language)})" for m in all_models())


def _priced() -> set[str]:
    """Provinces with an export price of their own."""
    return {name for name in reference.provinces() if provincial.market_of(name) is not None}


def _weather_lines(
    weather: Path | None, folder: Path, latitude: float, longitude: float, language: str
) -> list[str]:
    said = _Said.of(language)
    if weather is not None:
        if not weather.is_file():
            raise InputError("file_missing", where=str(weather))
        return [f"weather = {_quoted(_relative(weather, folder))}"]
    try:
        typical_year(latitude, longitude)
    except InputError:
        return [f'weather = "weather.epw"  # {said.weather}']
    return [f'weather = "typical"  # {said.typical}']


def _commented(key: str) -> str:
    return {"layer": '# layer = "..."', "crs": '# crs = "EPSG:4549"'}[key]


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return str(path.resolve())


def _quoted(text: str | None) -> str:
    return tomlkit.string(text or "").as_string()
