"""A village from footprints to income: the whole flow on one screen, and the plan it gives."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
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
from pvplanner.carbon import carbon_basis
from pvplanner.dossier import Tables, stress_table
from pvplanner.energy import loss_waterfall, simulate_energy
from pvplanner.errors import ConfigError, Finding, InputError
from pvplanner.income import Prices, chosen_models, loan_findings, resolve_prices
from pvplanner.income.prices import LOCAL_COSTS
from pvplanner.modules import find_product, lay_modules
from pvplanner.roofs import model_roofs
from pvplanner.scenario import Scenario
from pvplanner.village.assumptions import list_assumptions
from pvplanner.village.margin import marginal_payback
from pvplanner.village.money import (
    Market,
    add_money_and_carbon,
    carbon_facts,
    collective_facts,
    fairness,
    ledger_facts,
    press_facts,
    simulate_household_demand,
    village_battery_facts,
)
from pvplanner.village.plan import Plan
from pvplanner.village.ranges import add_p90, doubt_table, plan_doubt, village_p90
from pvplanner.village.shade import array_horizons, site_horizons, yield_shares
from pvplanner.village.storage import hash_input, page_file, write_beside, write_bytes_beside
from pvplanner.village.totals import (
    add_to_buildings,
    building_totals,
    household_table,
    suitability,
    village_table,
)
from pvplanner.weather import Weather, read_weather, typical_year

__all__ = [
    "Plan",
    "page_file",
    "plan_village",
    "site_horizons",
    "site_planes",
    "site_weather",
    "write_beside",
    "write_bytes_beside",
    "yield_shares",
]

STAGES = (
    "buildings",
    "households",
    "weather",
    "roofs",
    "horizons",
    "modules",
    "energy",
    "doubt",
    "demand",
    "income",
)
"""Names of the stages, as given to ``progress``."""

WEATHER_REACH_KM = 200.0
"""Weather from further away is a finding."""

_FILES = ("dsm", "dtm", "dem", "planes", "horizon", "keep_out", "existing_pv", "survey")
_UNUSED = ("transformers",)


def plan_village(scenario: Scenario, *, progress: Callable[[str], None] | None = None) -> Plan:
    """Plan a village: footprints, roofs, modules, energy, income and carbon.

    Parameters
    ----------
    scenario : Scenario
        With ``site.buildings``.
    progress : callable, optional
        Called with the name of each stage (:data:`STAGES`) as it begins.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If an input file is not what it should be.
    ConfigError
        If the scenario asks for what is not possible or not allowed.
    """
    begin = progress or (lambda stage: None)
    begin("buildings")
    buildings, findings = _read_buildings(scenario)
    latitude, longitude = centre_of(buildings)
    province, more = _find_province(scenario, latitude, longitude)
    findings += more
    begin("households")
    households, shares, more = _read_households(scenario, buildings)
    findings += more
    begin("weather")
    weather, more = site_weather(scenario, latitude, longitude)
    findings += more
    begin("roofs")
    planes = _model(buildings, scenario)
    findings += findings_of(planes)
    planes.attrs = {}
    begin("horizons")
    horizons, more = site_horizons(planes, buildings, scenario)
    findings += more
    planes["sky_view"] = np.nan if horizons is None else horizons.sky_view
    planes["yield_share"] = yield_shares(planes, weather, scenario=scenario, horizons=horizons)
    begin("modules")
    homes = shares.groupby("building_id")["household_id"].size()
    arrays = lay_modules(planes, scenario=scenario, households=homes)
    begin("energy")
    shade = array_horizons(horizons, planes, arrays, scenario)
    energy = simulate_energy(
        arrays.set_index("array_id"), weather, scenario=scenario, horizon=shade
    )
    buildings = buildings.join(building_totals(buildings, arrays, energy))
    buildings["suitability"] = suitability(buildings, planes, arrays)
    households = household_table(households, shares, buildings, scenario=scenario)
    households["model"] = chosen_models(
        households["project_class"], scenario=scenario, where="finance.model"
    )
    begin("doubt")
    doubt = plan_doubt(
        arrays, energy, planes, weather, scenario=scenario, chinese=province is not None
    )
    energy, buildings, households = add_p90(
        doubt, arrays, energy, buildings, households, shares, scenario=scenario
    )
    begin("demand")
    demand, bills = simulate_household_demand(
        households, arrays, shares, weather, scenario=scenario, province=province, horizon=shade
    )
    begin("income")
    prices, basis = resolve_prices(scenario, province), carbon_basis(scenario, province)
    arrays["marginal_payback_years"] = marginal_payback(arrays, energy, prices, scenario)
    market = Market(prices, bills, find_product(scenario).area_m2)
    households = add_money_and_carbon(
        households, demand, market=market, basis=basis, scenario=scenario
    )
    buildings = buildings.join(add_to_buildings(buildings, shares, households))
    villages = village_table(buildings, households, basis)
    villages["energy_p90_kwh"] = village_p90(doubt, arrays, buildings, villages, scenario=scenario)
    villages["energy_p90_built_kwh"] = village_p90(
        doubt, arrays, buildings, villages, scenario=scenario, built=True
    )
    waterfall = loss_waterfall(arrays, weather, scenario=scenario, horizon=shade).sum()
    findings += loan_findings(scenario)
    findings += _unknown_money(prices, basis.factor is None, province)
    return Plan(
        scenario,
        buildings,
        planes,
        arrays,
        energy,
        households,
        villages,
        shares,
        demand,
        findings=tuple(findings),
        assumptions=list_assumptions(scenario, weather, prices, basis),
        facts={
            **_facts(scenario, weather, province),
            "fairness": fairness(households, scenario),
            "collective": collective_facts(households, demand, market=market, scenario=scenario),
            "ledger": ledger_facts(households, demand, market=market, scenario=scenario),
            "carbon": carbon_facts(households, basis, scenario),
            "stress": stress_table(
                Tables(households, demand, scenario, province, basis, market.module_area_m2)
            ),
            "press": press_facts(scenario, households, demand, market=market),
            "battery": village_battery_facts(households, arrays, weather, demand, scenario, shade),
            "doubt": doubt_table(doubt),
            "waterfall": {step: round(float(kwh), 1) for step, kwh in waterfall.items()},
        },
    )


def _model(buildings: gpd.GeoDataFrame, scenario: Scenario) -> gpd.GeoDataFrame:
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


def site_planes(scenario: Scenario) -> gpd.GeoDataFrame:
    """The roof planes of a scenario's buildings, without the rest of the plan."""
    return _model(_read_buildings(scenario)[0], scenario)


def _read_buildings(scenario: Scenario) -> tuple[gpd.GeoDataFrame, list[Finding]]:
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
    buildings.attrs = {}
    if not (buildings["status"] != SET_ASIDE).any():
        raise InputError("no_usable_buildings", where=str(site.buildings))
    buildings["village"] = buildings["village"].fillna(site.village or scenario.name)
    buildings["division_code"] = buildings["division_code"].fillna(site.division_code or "")
    buildings["project_class"] = buildings["project_class"].fillna(scenario.tariff.project_class)
    if site.synthetic:
        findings.insert(0, Finding("village_synthetic", "site.synthetic"))
    unused = [key for key in _UNUSED if getattr(site, key)]
    findings += [Finding("site_key_unused", f"site.{key}") for key in unused]
    return buildings, findings


def _find_province(
    scenario: Scenario, latitude: float, longitude: float
) -> tuple[str | None, list[Finding]]:
    if scenario.site.province is not None:
        return scenario.site.province, []
    place = reference.find_place(latitude, longitude)
    if place is None or place.country != "CN" or not place.province:
        country = place.country if place else "?"
        return None, [Finding("province_none", "site.province", params={"country": country})]
    code = "province_doubtful" if place.doubtful else "province_found"
    params = {
        "province": place.province,
        "town": place.town,
        "distance_km": round(place.distance_km),
    }
    return place.province, [Finding(code, "site.province", params=params)]


def _read_households(
    scenario: Scenario, buildings: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    ids = buildings["building_id"]
    path = scenario.site.households
    if path is None:
        finding = Finding("ledger_absent", "site.households")
        households, shares, _ = join_households(ids)
        return households, shares, [finding]
    ledger, links = read_households(path, columns=scenario.site.household_columns)
    households, shares, findings = join_households(ids, ledger, links, where=Path(path).name)
    return households, shares, findings_of(ledger) + findings


def site_weather(
    scenario: Scenario, latitude: float, longitude: float
) -> tuple[Weather, list[Finding]]:
    """The weather of a place: the scenario's file, or a synthetic typical year."""
    choice = scenario.weather
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
    place = np.array([weather.latitude]), np.array([weather.longitude])
    away = float(reference.distance_km(latitude, longitude, *place)[0])
    if away > WEATHER_REACH_KM:
        params = {"distance_km": round(away), "source": weather.source}
        findings.append(Finding("weather_far", "site.weather", params=params))
    if weather.latitude * latitude < 0 and abs(latitude - weather.latitude) > 20:
        params = {"site": round(latitude, 1), "weather": round(weather.latitude, 1)}
        findings.append(Finding("weather_hemisphere", "site.weather", params=params))
    return weather, findings


def _unknown_money(prices: Prices, no_factor: bool, province: str | None) -> list[Finding]:
    findings = []
    place = {"province": province or "-"}
    if not prices.costs_known:
        findings.append(
            Finding("costs_unknown", "finance", params={"keys": ", ".join(LOCAL_COSTS)})
        )
    if not np.isfinite(prices.export).all():
        findings.append(Finding("tariff_unknown", "tariff", params=place))
    if no_factor:
        findings.append(Finding("factor_unknown", "carbon", params=place))
    return findings


def _facts(scenario: Scenario, weather: Weather, province: str | None) -> dict[str, object]:
    site = scenario.site
    files = {"buildings": site.buildings, "households": site.households}
    files |= {key: getattr(site, key) for key in _FILES}
    files |= {"meter": scenario.demand.meter, "tariff": scenario.tariff.file}
    files["pathway"] = scenario.carbon.pathway_file
    if site.weather != "typical":
        files["weather"] = site.weather
    names = ("geopandas", "numba", "numpy", "pandas", "pvlib", "pyogrio", "shapely")
    return {
        "province": province,
        "weather": {
            "source": weather.source,
            "latitude": round(weather.latitude, 4),
            "longitude": round(weather.longitude, 4),
            "synthetic": weather.synthetic,
            "trusted": weather.trusted,
            "sun_offset_minutes": weather.sun_offset_minutes,
            "closure_w_per_m2": {str(k): round(v, 2) for k, v in weather.closure.items()},
            "ghi_kwh_per_m2": round(float(weather.data["ghi"].sum()) / 1000, 1),
        },
        "inputs": {
            key: {"file": Path(path).name, "sha256": hash_input(path)}
            for key, path in files.items()
            if path is not None
        },
        "versions": {
            "pvplanner": metadata.version("pvplanner"),
            **{name: metadata.version(name) for name in names},
        },
    }
