"""The list of stages: what a plan is made of, what each step needs, and which keys it reads.

Here those of the village, its roofs, energy and use; :mod:`pvplanner.plan.worth` has the rest.

Each is an adapter over a room's public function. A parameter names a stage that is needed;
``scenario`` is cut to the keys and files that are declared. Results are tables or records, written
as Parquet or JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pvplanner.plan.runner import Graph, Room

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    from pvplanner.energy import RoofDoubt, Year
    from pvplanner.plan.site import Place

# Rooms are opened when a stage runs: a plan that is found whole in the store opens none.
modules = Room("pvplanner.modules")
weathers = Room("pvplanner.weather")
skies = Room("pvplanner.energy.sky")
horizon = Room("pvplanner.horizon")
physics = Room("pvplanner.energy")
shade = Room("pvplanner.energy.shade")
wear = Room("pvplanner.energy.wear")
use = Room("pvplanner.demand")
money = Room("pvplanner.money")
hold = Room("pvplanner.holdings")
doubts = Room("pvplanner.holdings.ranges")
sites = Room("pvplanner.plan.site")
lists = Room("pvplanner.plan.listing")
partition = Room("pvplanner.plan.parts")
frames = Room("pandas")

GRAPH = Graph()
stage = GRAPH.stage

VILLAGE = ("name", "site.village", "site.division_code", "tariff.project_class")
LEDGER = ("site.household_columns",)
SKY = (
    "system.transposition",
    "system.temperature",
    "system.mount",
    "system.albedo",
    "system.wind_height_m",
)
YEAR = ("system.losses", "system.loss_items", "system.inverter_efficiency",
        "system.dc_ac_ratio", "module.product", "system.mount", "system.albedo", "system.ac_cable",
        "system.night_w_per_kw", "system.low_light", "system.bifaciality",
        "system.shade")  # fmt: skip
WAYS = ("module.product", "module.orientation", "module.gap_m", "module.flat_tilt",
        "module.row_spacing_m", "module.flat_layout", "module.row_azimuth",
        "module.east_west_tilt", "module.canopy_tilt", "module.canopy_height_m",
        "module.height_limit_m", "system.mount")  # fmt: skip
LIMITS = ("module.yield_share_min", "module.building_limit_kwp", "module.village_limit_kwp",
          "module.min_modules", "module.household_limit_kwp", "module.connection_limit_kw",
          "system.dc_ac_ratio", "roof.rules", "roof.water_heaters",
          "roof.wind_kn_per_m2")  # fmt: skip
WEAR = ("finance.degradation_first_year", "finance.degradation_per_year", "finance.life_years")


@stage(
    "features",
    keys=("site.crs", "site.datum", "site.layer", "site.columns", "site.synthetic", *VILLAGE),
    files=("site.buildings", "site.survey"),
    said="buildings", whole=True,
)  # fmt: skip
def features(*, scenario: Any) -> Any:
    """Footprints read, placed, repaired and described."""
    return sites.site_buildings(scenario)


@stage(
    "origins", across="alike", kept="origins.parquet", whole=True,
    files=("site.buildings", "site.weather", "site.dsm", "site.dtm", "site.dem", "site.boundary"),
)  # fmt: skip
def origins(*, scenario: Any) -> Any:
    """Where fetched files are from, and under which licence."""
    return sites.site_origins(scenario)


@stage("named", files=("site.buildings",), whole=True)
def named(features: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """The villages that the footprints belong to."""
    return partition.find_villages(features, sites.file_name(scenario.site.buildings))


@stage(
    "families", keys=(*LEDGER, "finance.events"), files=("site.households",), said="households",
    whole=True,
)  # fmt: skip
def families(features: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """The ledger read: households, and which buildings each holds."""
    homes, findings = sites.site_homes(scenario, features["building_id"])
    where = sites.file_name(scenario.site.households, "site.households")
    parted, more = partition.split_homes(homes, features, where)
    ids = {*features["building_id"].astype(str), *parted["household_id"].astype(str)}
    odd = hold.unknown_roofs(scenario.finance.events, ids)
    return parted, [*findings, *more, *odd]


@stage(
    "meters", keys=("demand.meter_unit",), files=("demand.meter",), said="demand", whole=True,
)  # fmt: skip
def meters(features: gpd.GeoDataFrame, families: pd.DataFrame, *, scenario: Any) -> Any:
    """What meters read in a year, by household and hour."""
    return sites.site_meter(scenario, sites.people_of(families), features)


@stage("around", whole=True)
def around() -> Any:
    """Buildings beyond the village that stand in its light; a region knows them."""
    return frames.DataFrame({"building_id": frames.Series(dtype="str")})


@stage("buildings")
def buildings(features: gpd.GeoDataFrame, village: str) -> Any:
    """The village's buildings."""
    return partition.of_village(features, village)


@stage(
    "place", kept="place.json", across="alone", keys=("site.province",), files=("site.buildings",)
)
def place(buildings: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """Which province the village lies in, and what follows from it."""
    site = scenario.site
    return sites.find_place(buildings, site.province, where=sites.file_name(site.buildings))


@stage("homes")
def homes(families: pd.DataFrame, village: str) -> Any:
    """The village's households, and which buildings each holds."""
    return partition.homes_of_village(families, village)


@stage("people")
def people(homes: pd.DataFrame) -> Any:
    """One row for each household."""
    return sites.people_of(homes)


@stage("links")
def links(homes: pd.DataFrame) -> Any:
    """Which household holds which share of which building."""
    return sites.links_of(homes)


@stage("listed", keys=("finance.model",), files=("selection.file",), whole=True)
def listed(families: pd.DataFrame, *, scenario: Any) -> Any:
    """The list of households that were chosen, where there is one."""
    return lists.site_selection(scenario, families["household_id"])


@stage("programme", files=("selection.facts",), kept="programme.parquet", across="alike",
       whole=True)  # fmt: skip
def programme(*, scenario: Any) -> Any:
    """What was found beside the list: how near to the best, trade-offs, what it hangs on."""
    return lists.site_programme(scenario)


@stage("selection", kept="selection.parquet")
def selection(listed: pd.DataFrame, people: pd.DataFrame) -> Any:
    """The village's households with their phase and its reason; nothing where nobody chose."""
    return lists.of_village(listed, people["household_id"])


@stage(
    "year", across="alone", kept="year.parquet",
    keys=("weather.trusted", "weather.sun_offset_minutes", "weather.seed", "weather.latitude",
          "weather.longitude", "weather.altitude", "weather.utc_offset_hours",
          "site.height_unit"),
    files=("site.weather", "site.dtm", "site.dem", "site.dsm", "site.points"),
    said="weather",
)  # fmt: skip
def year(place: Place, buildings: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """The weather year, ready for the sun of its place."""
    weather, findings = sites.site_weather(scenario, place, buildings)
    return weather.to_table(), findings


@stage("sky", across="alone", keys=SKY)
def sky(year: pd.DataFrame, *, scenario: Any) -> Any:
    """The sky of each hour: sun, beam and diffuse light, as every roof sees it."""
    return skies.prepare_sky(weathers.Weather.from_table(year), scenario.system).to_table()


@stage(
    "planes",
    keys=("site.height_unit", "roof.tilt", "roof.usable_low", "roof.usable_middle",
          "roof.usable_high",
          "roof.default_type", "roof.rules", "roof.water_heaters", "roof.wind_kn_per_m2", *WAYS),
    files=("site.dsm", "site.points", "site.dtm", "site.planes", "site.keep_out",
           "site.existing_pv"),
    said="roofs",
)  # fmt: skip
def planes(buildings: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """Roof planes and their usable outlines: measured, modelled or guessed."""
    made = sites.site_planes(scenario, buildings)
    return made.drop(columns="yield_share"), made.attrs.get("findings", [])


@stage(
    "horizons",
    keys=(
        "system.loss_items",
        "site.height_unit",
        "system.shade",
        "module.product",
        "module.orientation",
    ),
    files=("site.dsm", "site.points", "site.dtm", "site.dem", "site.horizon"),
    said="horizons",
)
def horizons(
    planes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, around: pd.DataFrame, *, scenario: Any
) -> Any:
    """What stands before each plane, all around."""
    every = frames.concat([buildings, around], ignore_index=True) if len(around) else buildings
    seen, findings = sites.site_horizons(planes, every, scenario)
    return horizon.Horizons.to_table(seen, planes["plane_id"]), findings


@stage("yield_shares", keys=(*YEAR, *WAYS), joins="planes")
def yield_shares(
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, *, scenario: Any
) -> Any:
    """What each plane yields, against the best a plane could."""
    seen = horizon.Horizons.from_table(horizons)
    ready = physics.Year(skies.Sky.from_table(sky), scenario, shaded=seen is not None, plain=True)
    share = shade.yield_shares(planes, ready, scenario=scenario, horizons=seen)
    view = float("nan") if seen is None else seen.sky_view
    return planes[["plane_id"]].assign(sky_view=view, yield_share=share)


@stage("layout", across="modules", kept="modules.parquet", keys=(*WAYS, *LIMITS), said="modules")
def layout(
    planes: gpd.GeoDataFrame, yield_shares: pd.DataFrame, links: pd.DataFrame, *, scenario: Any
) -> Any:
    """Where modules lie on each plane."""
    rated = planes.assign(yield_share=yield_shares["yield_share"].to_numpy())
    homes = links.groupby("building_id")["household_id"].size()
    return modules.place_modules(rated, scenario=scenario, households=homes)


@stage(
    "fitting",
    keys=(*WAYS, "module.connection_limit_kw", "system.dc_ac_ratio", "system.inverter_sizes",
          "system.single_phase_limit_kw"),
)  # fmt: skip
def fitting(planes: gpd.GeoDataFrame, layout: pd.DataFrame, *, scenario: Any) -> Any:
    """All modules that fit, those of each plane as an array with its inverter."""
    return modules.array_table(planes, layout, scenario=scenario)


@stage("arrays")
def arrays(fitting: pd.DataFrame, selection: pd.DataFrame, links: pd.DataFrame) -> Any:
    """The arrays that are built: those of chosen households, where somebody chose."""
    return lists.built_arrays(fitting, selection, links)


def _lit(
    sky: pd.DataFrame, horizons: pd.DataFrame, planes: gpd.GeoDataFrame, arrays: pd.DataFrame,
    scenario: Any,
) -> tuple[Year, np.ndarray | None]:  # fmt: skip
    """The year made ready, and what stands in the sun of each array."""
    angles = shade.array_horizons(horizon.Horizons.from_table(horizons), planes, arrays, scenario)
    return physics.Year(skies.Sky.from_table(sky), scenario, shaded=angles is not None), angles


@stage("energy", keys=(*YEAR, *WAYS), said="energy")
def energy(
    arrays: pd.DataFrame, planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, *,
    scenario: Any,
) -> Any:  # fmt: skip
    """The year's energy of each array."""
    ready, angles = _lit(sky, horizons, planes, arrays, scenario)
    made = physics.simulate_energy(arrays, ready, scenario=scenario, horizon=angles)
    made.insert(0, "array_id", arrays["array_id"].to_numpy())
    return made.drop(columns="energy_p90_kwh")


@stage("shade_months", keys=(*YEAR, *WAYS))
def shade_months(
    arrays: pd.DataFrame, energy: pd.DataFrame, sky: pd.DataFrame, *, scenario: Any
) -> Any:
    """What of each month's energy each building loses to shade."""
    ready = physics.Year(skies.Sky.from_table(sky), scenario, shaded=True)
    return physics.months_lost(arrays, energy, ready)


@stage("waterfall", across="sum", kept="waterfall.parquet", keys=(*YEAR, *WAYS))
def waterfall(
    arrays: pd.DataFrame, planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, *,
    scenario: Any,
) -> Any:  # fmt: skip
    """Where the light of a year goes, loss by loss."""
    ready, angles = _lit(sky, horizons, planes, arrays, scenario)
    steps = physics.loss_waterfall(arrays, ready, scenario=scenario, horizon=angles).sum()
    return steps.rename_axis("step").rename("kwh").reset_index()


@stage("building_totals", joins="buildings")
def building_totals(buildings: gpd.GeoDataFrame, arrays: pd.DataFrame, energy: pd.DataFrame) -> Any:
    """What stands on each building."""
    return hold.building_totals(buildings, arrays, energy)


@stage("suitability", joins="buildings")
def suitability(
    buildings: gpd.GeoDataFrame, planes: gpd.GeoDataFrame, yield_shares: pd.DataFrame,
    arrays: pd.DataFrame,
) -> Any:  # fmt: skip
    """What each building's modules yield, against the village's best."""
    fit = hold.suitability(buildings["building_id"], planes, yield_shares, arrays)
    return buildings[["building_id"]].assign(suitability=fit)


@stage("reasons", keys=("module.yield_share_min", "module.min_modules", "roof.rules", *WAYS),
       joins="planes")  # fmt: skip
def reasons(
    planes: gpd.GeoDataFrame, yield_shares: pd.DataFrame, layout: pd.DataFrame, *, scenario: Any
) -> Any:
    """Why planes carry no modules."""
    why = modules.plane_reasons(planes, layout, yield_shares, scenario=scenario)
    return planes[["plane_id"]].assign(status_reason=why.to_numpy())


@stage("grey_roofs", joins="buildings", over=True)
def grey_roofs(
    buildings: gpd.GeoDataFrame, planes: gpd.GeoDataFrame, reasons: pd.DataFrame,
    building_totals: pd.DataFrame, fitting: pd.DataFrame,
) -> Any:  # fmt: skip
    """Why buildings carry no modules."""
    why = modules.building_reasons(
        frames.DataFrame(buildings[["building_id", "status", "status_reason"]]), planes,
        reasons["status_reason"], building_totals["modules"],
    )  # fmt: skip
    left = buildings["building_id"].isin(fitting["building_id"]) & (building_totals["modules"] == 0)
    return buildings[["building_id"]].assign(status_reason=why.mask(left, "not_chosen").to_numpy())


@stage(
    "holdings",
    keys=("finance.model", "finance.model_by_class", "finance.events", "tariff.connection_date",
          *VILLAGE),
    joins="households",
)  # fmt: skip
def holdings(
    people: pd.DataFrame, links: pd.DataFrame, buildings: gpd.GeoDataFrame,
    building_totals: pd.DataFrame, selection: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """What each household holds: modules, energy, shares."""
    usual = sites.usual_village(scenario)
    held = hold.household_holdings(people, links, buildings, building_totals, usual)
    chosen = money.chosen_models(held["project_class"], scenario=scenario, where="finance.model")
    hits = hold.event_hits(scenario.finance.events, held, links, building_totals)
    return lists.with_choice(held.assign(model=chosen, **hits), selection)


def _doubt(
    arrays: pd.DataFrame, energy: pd.DataFrame, planes: gpd.GeoDataFrame, year: pd.DataFrame,
    place: Place, scenario: Any,
) -> RoofDoubt:  # fmt: skip
    return doubts.plan_doubt(
        arrays,
        energy,
        planes,
        weathers.Weather.from_table(year),
        scenario=scenario,
        chinese=place.chinese,
    )


DOUBT = ("doubt.area_shared", "doubt.sigma", *SKY, *YEAR)


@stage("village_ranges", keys=(*DOUBT, "finance.life_years"), said="doubt")
def village_ranges(
    arrays: pd.DataFrame, energy: pd.DataFrame, planes: gpd.GeoDataFrame, year: pd.DataFrame,
    place: Place, buildings: gpd.GeoDataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """How far a village's energy can be trusted (P90)."""
    doubt = _doubt(arrays, energy, planes, year, place, scenario)
    return doubts.village_ranges(doubt, arrays, buildings, scenario.finance.life_years)


@stage("ranges", kept="ranges.parquet", keys=(*DOUBT, "finance.life_years"), said="doubt")
def ranges(
    arrays: pd.DataFrame, energy: pd.DataFrame, planes: gpd.GeoDataFrame, links: pd.DataFrame,
    year: pd.DataFrame, place: Place, village_ranges: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """How far each figure of energy can be trusted (P90)."""
    doubt = _doubt(arrays, energy, planes, year, place, scenario)
    parts = doubts.part_ranges(doubt, arrays, links, scenario.finance.life_years)
    return frames.concat([parts, village_ranges], ignore_index=True)


@stage("doubt", across="apart", kept="doubt.parquet", keys=DOUBT)
def doubt(
    arrays: pd.DataFrame, energy: pd.DataFrame, planes: gpd.GeoDataFrame, year: pd.DataFrame,
    place: Place, *, scenario: Any,
) -> Any:  # fmt: skip
    """What makes a year's energy uncertain, and by how much."""
    return physics.contributions(_doubt(arrays, energy, planes, year, place, scenario))


@stage("common", across="apart", keys=DOUBT)
def common(
    arrays: pd.DataFrame, energy: pd.DataFrame, planes: gpd.GeoDataFrame, year: pd.DataFrame,
    place: Place, *, scenario: Any,
) -> Any:  # fmt: skip
    """What of the village's doubt other villages have in common with it."""
    return physics.shared_and_own(_doubt(arrays, energy, planes, year, place, scenario))


@stage("meter", across="beside")
def meter(meters: pd.DataFrame, people: pd.DataFrame) -> Any:
    """What the village's meters read in a year."""
    known = people["household_id"].astype(str)
    return meters[[name for name in known if name in meters.columns]]


@stage(
    "demand",
    keys=("demand.archetype", "demand.profile", "demand.battery_kwh", "demand.battery_kw",
          "demand.battery_efficiency", "demand.use_by_minutes", "tariff.time_of_use",
          "tariff.peak_hours", "tariff.valley_hours", *WEAR, *YEAR, *WAYS),
    files=("demand.archetypes",),
    said="demand",
)  # fmt: skip
def demand(
    people: pd.DataFrame, holdings: pd.DataFrame, arrays: pd.DataFrame, links: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, meter: pd.DataFrame,
    place: Place, *, scenario: Any,
) -> Any:  # fmt: skip
    """What each household uses, keeps and sells, by month and period of day."""
    ready, angles = _lit(sky, horizons, planes, arrays, scenario)
    homes = people.assign(project_class=holdings["project_class"].to_numpy())
    made = use.simulate_demand(
        homes, arrays, links, ready, scenario=scenario, meter=meter, horizon=angles,
        first_year=float(wear.remaining(scenario)[0]), province=place.province,
    )  # fmt: skip
    return use.by_minutes(made, homes, scenario=scenario)


@stage("day", across="alone", keys=("tariff.market_hourly", *YEAR, *WAYS))
def day(
    arrays: pd.DataFrame, planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, *,
    scenario: Any,
) -> Any:  # fmt: skip
    """What of a year's generation comes in each hour of the day, where prices go by it."""
    if scenario.tariff.market_hourly is None:
        return frames.DataFrame({"hour": [], "share": []}, dtype=float)
    ready, angles = _lit(sky, horizons, planes, arrays, scenario)
    made = physics.simulate_total_hours(arrays, ready, scenario=scenario, horizon=angles)
    return use.day_shares(made, ready.sky.clock_hours)


@stage(
    "battery", across="sum", kept="battery.parquet",
    keys=("demand.village_battery_kwh", "demand.archetype", "demand.profile",
          "demand.battery_efficiency", *WEAR, *YEAR, *WAYS),
    files=("demand.archetypes",),
)  # fmt: skip
def battery(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, arrays: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """What a battery of the whole village would save."""
    ready, angles = _lit(sky, horizons, planes, arrays, scenario)
    made = physics.simulate_total_hours(arrays, ready, scenario=scenario, horizon=angles)
    homes = people.assign(project_class=holdings["project_class"].to_numpy())
    power = made.to_numpy() * wear.remaining(scenario)[0]
    late = ready.sky.clock_hours
    return use.village_battery(homes, demand, power, scenario=scenario, late=late)
