"""A site's files as tables: what the scenario names is read here, with what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
from pvplanner.errors import ConfigError, Finding, InputError
from pvplanner.horizon import Horizons, horizon_angles
from pvplanner.money.terms import rural_income
from pvplanner.roofs import model_roofs
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather, read_weather, typical_year

UNUSED = ("transformers",)
"""Keys of ``[site]`` that nothing reads yet."""


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
    """

    latitude: float
    longitude: float
    province: str | None
    rural_income: float | None

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
    findings = findings_of(buildings)
    # pandas copies attributes, findings and all, with every step.
    buildings.attrs = {}
    if not (buildings["status"] != SET_ASIDE).any():
        raise InputError("no_usable_buildings", where=str(site.buildings))
    usual = usual_village(scenario)
    for name, value in usual.items():
        buildings[name] = buildings[name].fillna(value)
    if site.synthetic:
        findings.insert(0, Finding("village_synthetic", "site.synthetic"))
    unused = [key for key in UNUSED if getattr(site, key)]
    return buildings, findings + [Finding("site_key_unused", f"site.{key}") for key in unused]


def usual_village(scenario: Scenario) -> dict[str, str]:
    """Village, division code and project class of buildings that state none."""
    return {
        "village": scenario.site.village or scenario.name,
        "division_code": scenario.site.division_code or "",
        "project_class": scenario.tariff.project_class,
    }


def find_place(buildings: gpd.GeoDataFrame, stated: str | None) -> tuple[Place, list[Finding]]:
    """Where the buildings lie, and the province stated or found."""
    latitude, longitude = centre_of(buildings)
    province, findings = stated, []
    if stated is None:
        near = reference.find_place(latitude, longitude)
        if near is None or near.country != "CN" or not near.province:
            country = {"country": near.country if near else ""}
            findings.append(Finding("province_none", "site.province", params=country))
        else:
            province = near.province
            code = "province_doubtful" if near.doubtful else "province_found"
            params = {"province": province, "town": near.town}
            params["distance_km"] = str(round(near.distance_km))
            findings.append(Finding(code, "site.province", params=params))
    return Place(latitude, longitude, province, rural_income(province)), findings


HOME = ("building_id", "share")
"""What a row of homes says of a household's building."""


def site_homes(scenario: Scenario, ids: pd.Series) -> tuple[pd.DataFrame, list[Finding]]:
    """A row per household and building; without a ledger each building is a household.

    A household without a building has a row with none.
    """
    path = scenario.site.households
    if path is None:
        households, shares, _ = join_households(ids)
        findings = [Finding("ledger_absent", "site.households")]
    else:
        ledger, links = read_households(path, columns=scenario.site.household_columns)
        households, shares, findings = join_households(ids, ledger, links, where=Path(path).name)
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


def site_weather(scenario: Scenario, place: Place) -> tuple[Weather, list[Finding]]:
    """The weather of a place: the scenario's file, or a synthetic typical year."""
    choice = scenario.weather
    latitude, longitude = place.latitude, place.longitude
    if scenario.site.weather == "typical":
        weather = typical_year(latitude, longitude, seed=choice.seed)
        return weather, list(weather.findings)
    weather = read_weather(
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


def site_planes(scenario: Scenario, buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The roof planes of a site's buildings, by what its files show."""
    site = scenario.site
    return model_roofs(
        usable_buildings(buildings),
        dsm=site.dsm,
        dtm=site.dtm,
        planes=site.planes,
        keep_out=site.keep_out,
        existing_pv=site.existing_pv,
        scenario=scenario,
    )


def site_horizons(
    planes: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    scenario: Scenario,
    progress: Callable[[int], None] | None = None,
) -> tuple[Horizons | None, list[Finding]]:
    """Horizons of a village's planes by what its scenario knows; ``None`` if that is nothing."""
    site = scenario.site
    seen = site.dsm is not None
    heights = bool(np.isfinite(planes["elevation_m"].to_numpy(dtype=float)).any())
    if not (seen or heights or site.dem or site.horizon):
        share = scenario.system.loss_items.shading
        return None, [Finding("horizon_none", "site.dsm", params={"share": share})]
    found = horizon_angles(
        planes,
        dsm=site.dsm,
        dtm=site.dtm,
        dem=site.dem,
        buildings=buildings,
        horizon=site.horizon,
        progress=progress,
    )
    if seen:
        return found, []
    known = int(np.isfinite(planes["elevation_m"].to_numpy(dtype=float)).sum())
    params = {"known": known, "planes": len(planes)}
    return found, [Finding("horizon_neighbours", "site.dsm", params=params)]
