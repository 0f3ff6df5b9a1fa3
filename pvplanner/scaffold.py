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
from pvplanner.weather import typical_year


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
    site.append(f"datum = {_quoted(options.get('datum') or 'wgs84')}  # {_DATUM[language]}")
    site += _weather_lines(weather, folder, latitude, longitude, language)
    if chinese and place is not None:
        note = f"  # {place.town}, {place.distance_km:.0f} km"
        site.append(f"province = {_quoted(place.province)}{note}")
    site += [
        f'# households = "households.csv"  # {_LEDGER[language]}',
        f"# [site.columns]  # {_COLUMNS[language]}",
    ]
    priced = chinese and place is not None and place.province in _priced()
    tariff = [] if priced else [f"# export_price = 0.35  # {_ABROAD[language]}"]
    if not priced:
        tariff.append("# self_use_price = 0.55")
    costs = ["capex_per_w = 3.0", "opex_per_w_year = 0.04"]
    if not chinese:
        costs = [f'# currency = "EUR"  # {_MONEY[language]}', *(f"# {line}" for line in costs)]
    carbon = [] if chinese else [f"# factor_kg_per_kwh = 0.5  # {_FACTOR[language]}"]
    name = footprints.stem if footprints.stem != "footprints" else footprints.resolve().parent.name
    return "\n".join(
        [
            f"# {_HEAD[language]}",
            f"name = {_quoted(name)}",
            f'language = "{language}"',
            "",
            "[site]",
            *site,
            "",
            "[roof]",
            f'# default_type = "gable"  # {_ROOF[language]}',
            "",
            "[module]",
            "flat_tilt = 15",
            "yield_share_min = 0.70",
            "",
            "[system]",
            f'mount = "roof"  # {_MOUNT[language]}',
            "",
            "[tariff]",
            f"connection_date = 2026-06-01  # {_DATE[language]}",
            *tariff,
            "",
            "[finance]",
            f'model = "self_invest"  # {_MODEL[language]}',
            *costs,
            "discount_rate = 0.05",
            "",
            "[carbon]",
            "factor_year = 2023",
            *carbon,
            "",
        ]
    )


_HEAD = {
    "zh": "屋顶光伏方案。每个键都有默认值；路径相对于本文件。",
    "en": "A rooftop-PV scenario. Every key has a default; paths are relative to this file.",
}
_DATUM = {
    "zh": "wgs84、cgcs2000、gcj02（高德）或 bd09（百度）",
    "en": "wgs84, cgcs2000, gcj02 (AMap) or bd09 (Baidu)",
}
_LEDGER = {
    "zh": "住户台账：household_id, building_id, share, consumption_kwh, ...",
    "en": "ledger: household_id, building_id, share, consumption_kwh, ...",
}
_COLUMNS = {
    "zh": '列名对应，例如 层数 = "floors"',
    "en": 'your column names to ours, such as STOREYS = "floors"',
}
_ROOF = {
    "zh": "没有屋顶类型的建筑：infer、gable、flat 或 shed",
    "en": "for buildings that state no roof type: infer, gable, flat or shed",
}
_MOUNT = {
    "zh": "roof（贴瓦）、open_rack（支架）或 canopy（高架）",
    "en": "roof (flush), open_rack or canopy",
}
_DATE = {"zh": "并网日期，决定电价规则", "en": "decides the tariff rules"}
_MODEL = {
    "zh": "self_invest（全额上网）、self_use（余电上网）或 roof_lease（出租屋顶）",
    "en": "self_invest (full feed-in), self_use (surplus sold) or roof_lease",
}
_WEATHER = {
    "zh": "请改为气象文件：EPW、SAM CSV 或 PVGIS TMY",
    "en": "put a weather file here: EPW, SAM CSV or PVGIS TMY",
}
_TYPICAL = {
    "zh": "合成典型年；有气象文件（EPW 等）请替换",
    "en": "synthetic; replace by a weather file (EPW, ...) if you have one",
}
_MONEY = {
    "zh": "中国以外须写明货币与以下费用，否则金额未知",
    "en": "outside China state it and the costs below: money is unknown without them",
}
_ABROAD = {"zh": "每度电上网价；不填则金额未知", "en": "per kWh; money is unknown without it"}
_FACTOR = {"zh": "电网排放因子；不填则减碳未知", "en": "of the grid; carbon is unknown without it"}


def _priced() -> set[str]:
    """Provinces with an export price of their own."""
    return set(reference.load("tariff")["province"]) - {"China"}


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
        return [f'weather = "weather.epw"  # {_WEATHER[language]}']
    return [f'weather = "typical"  # {_TYPICAL[language]}']


def _commented(key: str) -> str:
    return {"layer": '# layer = "..."', "crs": '# crs = "EPSG:4549"'}[key]


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return str(path.resolve())


def _quoted(text: str | None) -> str:
    return tomlkit.string(text or "").as_string()
