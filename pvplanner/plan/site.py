"""A site's files as tables: what the scenario names is read here, with what was found."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.buildings import (
    SET_ASIDE,
    centre_of,
    findings_of,
    join_households,
    read_buildings,
    read_households,
    usable_buildings,
)
from pvplanner.errors import ConfigError, Finding, InputError, listed
from pvplanner.horizon import Horizons, horizon_angles
from pvplanner.money.terms import rural_income
from pvplanner.plan.parts import name_villages
from pvplanner.reading.origins import FIELDS, read_origin
from pvplanner.reference import legal_zone, provincial
from pvplanner.reference.products import find_module
from pvplanner.roofs import model_roofs
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather, read_weather, relief_height, typical_year


@dataclass(frozen=True)
class Place:
    """Where the village lies; asked once.

    Attributes
    ----------
    latitude, longitude : float
        Degrees, WGS 84, of the middle of its buildings.
    province : str or None
        ``None`` outside China.
    rural_income : float or None
        Rural disposable income per head of the place, where it is packaged.
    area : str or None
        Grid area, in provinces that have several, by the division code; ``None`` where not known.
    """

    latitude: float
    longitude: float
    province: str | None
    rural_income: float | None
    area: str | None = None

    @property
    def chinese(self) -> bool:
        """Whether it lies in a Chinese province."""
        return self.province is not None


def site_buildings(scenario: Scenario) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Every feature of the footprint file, with its village and class.

    Raises
    ------
    ConfigError
        If the scenario names no footprint file.
    InputError
        If the file can't be read or no building of it can be used.
    """
    site = scenario.site
    if site.buildings is None:
        raise ConfigError("site_buildings", where="site.buildings")
    buildings = read_buildings(
        site.buildings,
        crs=site.crs,
        datum=site.datum,
        layer=site.layer,
        columns=site.columns,
        survey=site.survey,
    )
    return named_buildings(scenario, buildings, str(site.buildings))


def named_buildings(
    scenario: Scenario, buildings: gpd.GeoDataFrame, path: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Buildings with their village and class; ``path`` is the file that they are from.

    Raises
    ------
    InputError
        If none of them can be used.
    """
    site, findings = scenario.site, findings_of(buildings)
    # pandas copies attributes, findings and all, with every step.
    buildings.attrs = {}
    if not (buildings["status"] != SET_ASIDE).any():
        raise InputError("no_usable_buildings", where=path)
    stated = site.village is not None
    where = file_name(path)
    buildings, more = name_villages(buildings, usual_village(scenario), stated, where)
    findings += more
    if site.synthetic:
        findings.insert(0, Finding("village_synthetic", "site.synthetic"))
    return buildings, findings


FETCHED = ("buildings", "weather", "dsm", "dtm", "dem", "boundary")
"""Keys of ``[site]`` whose files may have been fetched."""


def site_origins(scenario: Scenario) -> tuple[pd.DataFrame, list[Finding]]:
    """Sources of the site's files by the notes beside them, each once."""
    columns = ["key", *FIELDS, "fetched"]
    rows, findings = [], []
    for key in FETCHED:
        path = getattr(scenario.site, key)
        for told in read_origin(path) if path and path != "typical" else []:
            rows.append({"key": key, **told})
            findings += origin_findings(told, Path(path).name)
    table = pd.DataFrame(rows, columns=columns, dtype="str")
    return table.drop_duplicates([c for c in columns if c != "key"], ignore_index=True), findings


def origin_findings(told: dict[str, str], where: str) -> list[Finding]:
    """What is to be said of a fetched file: its licence, and whether that forbids trade."""
    params = {name: told[name] for name in ("title", "licence", "release", "fetched")}
    out = [Finding("data_fetched", where, params=params)]
    if told["use"] == "non_commercial":
        own = {"title": told["title"], "licence": told["licence"]}
        out.append(Finding("licence_non_commercial", where, params=own))
    return out


def usual_village(scenario: Scenario) -> dict[str, str]:
    """Village, division code and project class of buildings that state none."""
    return {
        "village": scenario.site.village or scenario.name,
        "division_code": scenario.site.division_code or "",
        "project_class": scenario.tariff.project_class,
    }


def find_place(
    buildings: gpd.GeoDataFrame, stated: str | None, where: str = "site.buildings"
) -> tuple[Place, list[Finding]]:
    """Where the buildings lie, and the province stated or found; ``where`` names their file."""
    latitude, longitude = centre_of(buildings)
    near = reference.find_place(latitude, longitude)
    province, findings = stated, _apart(buildings, near, latitude, longitude, stated, where)
    if stated is None:
        if near is None or near.country != "CN" or not near.province:
            if near is None:
                findings.append(Finding("province_none", "site.province"))
            else:
                country = {"country": near.country}
                findings.append(Finding("province_foreign", "site.province", params=country))
        else:
            province = near.province
            code = "province_doubtful" if near.doubtful else "province_found"
            params = {"province": province, "town": near.town}
            params["distance_km"] = str(round(near.distance_km))
            findings.append(Finding(code, "site.province", params=params))
    code = _code_of(buildings)
    area = provincial.area_of(code) if code else None
    if area is None and province is not None and provincial.areas_of(province):
        area = provincial.usual_area(province)
        known = ", ".join(provincial.areas_of(province))
        params = {"area": str(area), "known": known}
        findings.append(Finding("grid_area_taken", "site.division_code", params=params))
    return Place(latitude, longitude, province, rural_income(province), area), findings


def _code_of(buildings: pd.DataFrame) -> str:
    """The division code that most buildings state; empty where none does."""
    told = buildings.get("division_code", pd.Series(dtype="str"))
    codes = told.dropna().astype(str)
    return str(codes.mode().iloc[0]) if len(codes) else ""


FAR_KM, FAR_WEST_KM, WEST_DEG = 60.0, 200.0, 105.0
"""East of 105 degrees no village of China lies further than 60 km from a town of the table; in the
west some do."""


def file_name(path: str | None, key: str = "site.buildings") -> str:
    """Name of a file; its key where there is none."""
    return Path(path).name if path else key


def _apart(
    buildings: gpd.GeoDataFrame, near: reference.Place | None, latitude: float, longitude: float,
    stated: str | None, where: str,
) -> list[Finding]:  # fmt: skip
    """Whether the buildings lie where they are said to: at sea or in another province they are
    not, and a coordinate system or a zone is wrong.
    """
    own = _code_of(buildings)
    code = reference.province_of(own) if own else None
    claims = [name for name in (stated, code) if name]
    if near is None:
        if not claims:
            return []
        params = {"province": claims[0], "town": "-", "distance_km": "> 300"}
    else:
        reach = FAR_WEST_KM if longitude < WEST_DEG else FAR_KM
        here = {"CN": near.province, "HK": "Guangdong", "MO": "Guangdong"}.get(near.country, "")
        other = [name for name in claims if here and name not in (here, *near.around)]
        foreign = bool(claims) and near.country not in ("CN", "HK", "MO") and not near.doubtful
        chinese_sea = near.country in ("CN", "HK", "TW") and near.distance_km > reach
        if not (other or foreign or chinese_sea):
            return []
        said = (other or claims or [near.province])[0]
        params = {"province": said, "town": near.town, "distance_km": f"{near.distance_km:.0f}"}
    crs = buildings.crs
    params |= {
        "latitude": f"{latitude:.2f}", "longitude": f"{longitude:.2f}", "crs": crs.name,
        "instead": _other_zones(buildings, claims[0] if claims else None) or "-",
    }  # fmt: skip
    return [Finding("place_apart", where, params=params)]


def _other_zones(buildings: gpd.GeoDataFrame, province: str | None) -> str:
    """Neighbouring zones of the CRS in which the same coordinates lie near a town of a province."""
    code = buildings.crs.to_epsg()
    spans = ((4534, 4554), (4513, 4533), (4502, 4512), (4491, 4501), (32601, 32660), (32701, 32760))
    span = next(((a, b) for a, b in spans if code is not None and a <= code <= b), None)
    if code is None or span is None or province is None:
        return ""
    bounds = buildings.geometry.bounds
    x = float(((bounds["minx"] + bounds["maxx"]) / 2).median())
    y = float(((bounds["miny"] + bounds["maxy"]) / 2).median())
    found = []
    for other in sorted(range(span[0], span[1] + 1), key=lambda n: abs(n - code))[1:5]:
        point = gpd.GeoSeries.from_xy([x], [y], crs=other).to_crs(4326).iloc[0]
        near = reference.find_place(point.y, point.x, reach_km=FAR_KM)
        if near is not None and near.province == province:
            found.append(f"EPSG:{other}")
    return ", ".join(found)


def site_meter(
    scenario: Scenario, people: pd.DataFrame, features: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """Metered load by household and hour; without a meter a table of nothing."""
    path = scenario.demand.meter
    if path is None:
        return pd.DataFrame(), []
    from pvplanner.demand import read_meter

    zone = legal_zone(*centre_of(features))
    made = read_meter(path, unit=scenario.demand.meter_unit, utc_offset_hours=zone)
    findings = list(made.attrs["findings"])
    findings += _metered(made, people, Path(path).name)
    return made.reset_index(drop=True).copy(), findings


def _metered(meter: pd.DataFrame, people: pd.DataFrame, where: str) -> list[Finding]:
    """Meters held against the ledger: unmatched on both sides, and sums that contradict it."""
    known = people["household_id"].astype(str)
    lost = [name for name in meter.columns if name not in set(known)]
    if len(lost) == len(meter.columns):
        raise InputError(
            "meter_matches_none", where=where, meter=listed(lost, 3), ledger=listed(known, 3)
        )
    findings = []
    if lost:
        params = {"ids": listed(lost), "near": _alike(lost, known)}
        findings.append(Finding("meter_unmatched", where, len(lost), params))
    bare = people[~known.isin(meter.columns) & ~people["own_building"].astype(bool)]
    if len(bare):
        params = {"ids": listed(bare["household_id"])}
        findings.append(Finding("households_unmetered", where, len(bare), params))
    told = people.set_index(known)["consumption_kwh"].reindex(meter.columns)
    ratio = (meter.sum() / told).dropna()
    odd = ratio[(ratio > METER_RATIO) | (ratio < 1 / METER_RATIO)]
    if len(odd):
        shown = listed([f"{name}: {r:.2g}" for name, r in odd.items()])
        findings.append(Finding("meter_against", where, len(odd), {"households": shown}))
    return findings


METER_RATIO = 1.8
"""A meter's year and the ledger's that differ by more than this factor are asked about."""


def _alike(lost: list[str], known: pd.Series) -> str:
    """For ids without a partner, those that resemble them."""
    every = list(known)
    pairs = [(one, difflib.get_close_matches(one, every, n=1, cutoff=0.6)) for one in lost[:5]]
    return ", ".join(f"{one} ~ {near[0]}" for one, near in pairs if near) or "-"


HOME = ("building_id", "share")
"""What a row of homes says of a household's building."""


def site_homes(scenario: Scenario, ids: pd.Series) -> tuple[pd.DataFrame, list[Finding]]:
    """A row per household and building; without a ledger each building is a household.

    A household without a building has a row with none.
    """
    path = scenario.site.households
    read = None
    if path is not None:
        read = read_households(path, columns=scenario.site.household_columns)
    return joined_homes(ids, read, file_name(path, "site.households"))


def joined_homes(
    ids: pd.Series, read: tuple[pd.DataFrame, pd.DataFrame] | None, where: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """As :func:`site_homes`, of a ledger that was read; ``None``: there is none."""
    if read is None:
        households, shares, _ = join_households(ids)
        findings = [Finding("ledger_absent", "site.households")]
    else:
        ledger, links = read
        households, shares, findings = join_households(ids, ledger, links, where=where)
        findings = findings_of(ledger) + findings
    order = pd.Series(np.arange(len(households)), households["household_id"].to_numpy())
    which = order.loc[shares["household_id"]].to_numpy()
    alone = np.setdiff1d(np.arange(len(households)), which)
    rows = np.concatenate([which, alone])
    out = households.iloc[rows].reset_index(drop=True)
    for name in HOME:
        none = [None] * len(alone) if name == "building_id" else np.full(len(alone), np.nan)
        out[name] = np.concatenate([shares[name].to_numpy(), none])
    out["share"] = out["share"].astype(float)
    return out.assign(order=rows), findings


def people_of(homes: pd.DataFrame) -> pd.DataFrame:
    """Households, each once, in the ledger's order."""
    first = homes.drop_duplicates("order").sort_values("order", kind="stable")
    return first.drop(columns=[*HOME, "order"])


def links_of(homes: pd.DataFrame) -> pd.DataFrame:
    """Which part of a building is whose."""
    known = homes[homes["building_id"].notna()]
    return known[["building_id", "household_id", "share"]]


RELIEF_OFF_M = 700.0
"""A village in the mountains may lie so far from the mean of its cell of the coarse relief; further
off, or at nought, the heights of a raster are over another datum."""


def site_height(scenario: Scenario, place: Place, buildings: gpd.GeoDataFrame) -> float:
    """Height of a village above the sea: stated, else of its rasters, else of a coarse relief."""
    site, stated = scenario.site, scenario.weather.altitude
    relief = relief_height(place.latitude, place.longitude)
    if stated is not None:
        return stated
    from pvplanner.terrain import open_raster, village_ground

    for path in (site.dtm, site.dem, site.dsm or site.points):
        if path is None or buildings.empty:
            continue
        with open_raster(path, buildings.crs, unit=site.height_unit) as raster:
            height = village_ground(raster, buildings.geometry.to_numpy())
        if np.isfinite(height) and abs(height - relief) <= RELIEF_OFF_M:
            return height
    return relief


def site_weather(
    scenario: Scenario, place: Place, buildings: gpd.GeoDataFrame
) -> tuple[Weather, list[Finding]]:
    """The weather of a place: the scenario's file, or a synthetic typical year."""
    choice = scenario.weather
    latitude, longitude = place.latitude, place.longitude
    if scenario.site.weather == "typical":
        height = site_height(scenario, place, buildings)
        weather = typical_year(latitude, longitude, altitude=height, seed=choice.seed)
        return weather, list(weather.findings)
    weather = known_weather(
        scenario.site.weather,
        trusted=choice.trusted,
        sun_offset_minutes=choice.sun_offset_minutes,
        latitude=choice.latitude,
        longitude=choice.longitude,
        altitude=choice.altitude,
        utc_offset_hours=choice.utc_offset_hours,
    )
    findings = list(weather.findings)
    there = np.array([weather.latitude]), np.array([weather.longitude])
    away = float(reference.distance_km(latitude, longitude, *there)[0])
    if away > reference.constant("weather_reach_km").value:
        params = {"distance_km": round(away), "source": weather.source}
        findings.append(Finding("weather_far", "site.weather", params=params))
    if weather.latitude * latitude < 0 and abs(latitude - weather.latitude) > 20:
        params = {"site": round(latitude, 1), "weather": round(weather.latitude, 1)}
        findings.append(Finding("weather_hemisphere", "site.weather", params=params))
    return weather, findings


def known_weather(path: str, **options: Any) -> Weather:
    """A weather file, read once for the villages of a region that share it."""
    try:
        told = os.stat(path)
    except OSError:
        return read_weather(path, **options)
    known = (str(path), told.st_size, told.st_mtime_ns)
    return _weather_of(known, tuple(sorted(options.items())))


@lru_cache(maxsize=16)
def _weather_of(known: tuple[str, int, int], options: tuple[tuple[str, Any], ...]) -> Weather:
    return read_weather(known[0], **dict(options))


def site_planes(scenario: Scenario, buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The roof planes of a site's buildings, by what its files show."""
    site = scenario.site
    return model_roofs(
        usable_buildings(buildings),
        dsm=site.dsm,
        points=site.points,
        dtm=site.dtm,
        planes=site.planes,
        keep_out=site.keep_out,
        existing_pv=site.existing_pv,
        scenario=scenario,
    )


def third_of_module(scenario: Scenario) -> tuple[float, float]:
    """Size of a third of a module, behind one bypass diode: along the eaves and up the slope, m."""
    product = find_module(scenario.module.product)
    if scenario.module.orientation == "landscape":
        return product.length_m, product.width_m / 3
    return product.width_m / 3, product.length_m


def site_horizons(
    planes: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    scenario: Scenario,
    progress: Callable[[int], None] | None = None,
) -> tuple[Horizons | None, list[Finding]]:
    """Horizons of a village's planes by what its scenario knows; ``None`` if that is nothing."""
    site = scenario.site
    surface = site.dsm or site.points
    seen = surface is not None
    heights = bool(np.isfinite(planes["elevation_m"].to_numpy(dtype=float)).any())
    if not (seen or heights or site.dem or site.horizon):
        share = scenario.system.loss_items.shading
        return None, [Finding("horizon_none", "site.dsm", params={"share": share})]
    strings = scenario.system.shade == "string"
    found = horizon_angles(
        planes,
        third_m=third_of_module(scenario) if strings else None,
        dsm=surface,
        dtm=site.dtm,
        dem=site.dem,
        buildings=buildings,
        horizon=site.horizon,
        height_unit=site.height_unit,
        progress=progress,
    )
    if seen:
        return found, []
    known = int(np.isfinite(planes["elevation_m"].to_numpy(dtype=float)).sum())
    params = {"known": known, "planes": len(planes)}
    return found, [Finding("horizon_neighbours", "site.dsm", params=params)]
