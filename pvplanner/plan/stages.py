"""The list of stages: what a plan is made of, what each step needs, and which keys it reads.

Each is an adapter over a room's public function. A parameter names a stage that is needed;
``scenario`` is cut to the keys and files that are declared. Results are tables or records, written
as Parquet or JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pvplanner.plan.runner import Graph, Room
from pvplanner.schema import CASES, MEASURES

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    from pvplanner.energy import RoofDoubt, Year
    from pvplanner.money import Case, Terms
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
carbons = Room("pvplanner.carbon")
money = Room("pvplanner.money")
margins = Room("pvplanner.money.margin")
books = Room("pvplanner.money.books")
stress = Room("pvplanner.money.stress")
hold = Room("pvplanner.holdings")
doubts = Room("pvplanner.holdings.ranges")
sound = Room("pvplanner.holdings.sanity")
sites = Room("pvplanner.plan.site")
partition = Room("pvplanner.plan.parts")
found = Room("pvplanner.plan.assumptions")
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
    keys=("site.crs", "site.datum", "site.layer", "site.columns", "site.synthetic",
          "site.transformers", *VILLAGE),
    files=("site.buildings", "site.survey"),
    said="buildings", whole=True,
)  # fmt: skip
def features(*, scenario: Any) -> Any:
    """Footprints read, placed, repaired and described."""
    return sites.site_buildings(scenario)


@stage("named", files=("site.buildings",), whole=True)
def named(features: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """The villages that the footprints belong to."""
    return partition.find_villages(features, sites.file_name(scenario.site.buildings))


@stage("families", keys=LEDGER, files=("site.households",), said="households", whole=True)
def families(features: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """The ledger read: households, and which buildings each holds."""
    homes, findings = sites.site_homes(scenario, features["building_id"])
    where = sites.file_name(scenario.site.households, "site.households")
    parted, more = partition.split_homes(homes, features, where)
    return parted, findings + more


@stage(
    "meters", keys=("demand.meter_unit",), files=("demand.meter",), said="demand", whole=True,
)  # fmt: skip
def meters(features: gpd.GeoDataFrame, families: pd.DataFrame, *, scenario: Any) -> Any:
    """What meters read in a year, by household and hour."""
    return sites.site_meter(scenario, sites.people_of(families), features)


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
def horizons(planes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, *, scenario: Any) -> Any:
    """What stands before each plane, all around."""
    seen, findings = sites.site_horizons(planes, buildings, scenario)
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
    "arrays",
    keys=(*WAYS, "module.connection_limit_kw", "system.dc_ac_ratio", "system.inverter_sizes",
          "system.single_phase_limit_kw"),
)  # fmt: skip
def arrays(planes: gpd.GeoDataFrame, layout: pd.DataFrame, *, scenario: Any) -> Any:
    """The modules of each plane as an array with its inverter."""
    return modules.array_table(planes, layout, scenario=scenario)


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
def building_totals(
    buildings: gpd.GeoDataFrame, planes: gpd.GeoDataFrame, yield_shares: pd.DataFrame,
    arrays: pd.DataFrame, energy: pd.DataFrame,
) -> Any:  # fmt: skip
    """What stands on each building."""
    built = hold.building_totals(buildings, arrays, energy)
    fit = hold.suitability(built["building_id"], planes, yield_shares, arrays)
    return built.assign(suitability=fit)


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
    building_totals: pd.DataFrame,
) -> Any:  # fmt: skip
    """Why buildings carry no modules."""
    why = modules.building_reasons(
        frames.DataFrame(buildings[["building_id", "status", "status_reason"]]), planes,
        reasons["status_reason"], building_totals["modules"],
    )  # fmt: skip
    return buildings[["building_id"]].assign(status_reason=why.to_numpy())


@stage(
    "holdings",
    keys=("finance.model", "finance.model_by_class", "tariff.connection_date", *VILLAGE),
    joins="households",
)
def holdings(
    people: pd.DataFrame, links: pd.DataFrame, buildings: gpd.GeoDataFrame,
    building_totals: pd.DataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """What each household holds: modules, energy, shares."""
    usual = sites.usual_village(scenario)
    held = hold.household_holdings(people, links, buildings, building_totals, usual)
    chosen = money.chosen_models(held["project_class"], scenario=scenario, where="finance.model")
    return held.assign(model=chosen)


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


@stage("ranges", kept="ranges.parquet", keys=(*DOUBT, "finance.life_years"), said="doubt")
def ranges(
    arrays: pd.DataFrame, energy: pd.DataFrame, planes: gpd.GeoDataFrame, links: pd.DataFrame,
    year: pd.DataFrame, place: Place, buildings: gpd.GeoDataFrame, *, scenario: Any,
) -> Any:  # fmt: skip
    """How far each figure of energy can be trusted (P90)."""
    doubt = _doubt(arrays, energy, planes, year, place, scenario)
    life = scenario.finance.life_years
    return doubts.plan_ranges(doubt, arrays, links, buildings, life)


@stage("doubt", across="apart", kept="doubt.parquet", keys=DOUBT)
def doubt(
    arrays: pd.DataFrame, energy: pd.DataFrame, planes: gpd.GeoDataFrame, year: pd.DataFrame,
    place: Place, *, scenario: Any,
) -> Any:  # fmt: skip
    """What makes a year's energy uncertain, and by how much."""
    return physics.contributions(_doubt(arrays, energy, planes, year, place, scenario))


@stage("meter", across="beside")
def meter(meters: pd.DataFrame, people: pd.DataFrame) -> Any:
    """What the village's meters read in a year."""
    known = people["household_id"].astype(str)
    return meters[[name for name in known if name in meters.columns]]


@stage(
    "demand",
    keys=("demand.archetype", "demand.profile", "demand.battery_kwh", "demand.battery_kw",
          "demand.battery_efficiency", "demand.use_by_minutes", "tariff.time_of_use",
          "tariff.peak_hours", *WEAR, *YEAR, *WAYS),
    files=("demand.archetypes",),
    said="demand",
)  # fmt: skip
def demand(
    people: pd.DataFrame, holdings: pd.DataFrame, arrays: pd.DataFrame, links: pd.DataFrame,
    planes: gpd.GeoDataFrame, sky: pd.DataFrame, horizons: pd.DataFrame, meter: pd.DataFrame, *,
    scenario: Any,
) -> Any:  # fmt: skip
    """What each household uses, keeps and sells, by month and period of day."""
    ready, angles = _lit(sky, horizons, planes, arrays, scenario)
    homes = people.assign(project_class=holdings["project_class"].to_numpy())
    made = use.simulate_demand(
        homes, arrays, links, ready, scenario=scenario, meter=meter, horizon=angles,
        first_year=float(wear.remaining(scenario)[0]),
    )  # fmt: skip
    return use.by_minutes(made, homes, scenario=scenario)


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


@stage(
    "terms", across="alone", kept="terms.json",
    keys=("tariff", "finance", "finance.costs_stated", "finance.rent_stated", "loan", "cooperative",
          "developer", "carbon", "module.product", "grid.curtailment", "demand.self_use_share"),
    files=("tariff.file", "carbon.pathway_file"),
    said="income",
)  # fmt: skip
def terms(place: Place, *, scenario: Any) -> Any:
    """Prices, bills, contracts and factors, resolved once."""
    made = money.resolve_terms(scenario, place.province, place.rural_income, place.area)
    years = made.prices.mechanism_years
    return made, money.loan_findings(scenario, years) + made.findings(place.province)


@stage("bills", kept="bills.parquet")
def bills(demand: pd.DataFrame, terms: Terms) -> Any:
    """What each household pays for electricity, with and without a roof."""
    return money.household_bills(demand, terms.tariff)


@stage("margin", joins="arrays")
def margin(arrays: pd.DataFrame, energy: pd.DataFrame, terms: Terms) -> Any:
    """How soon the last modules of an array pay."""
    return margins.marginal_payback(arrays, energy, terms)


@stage("household_ranges", joins="households")
def household_ranges(people: pd.DataFrame, ranges: pd.DataFrame) -> Any:
    """P90 of each household."""
    names = {f"{name}_kwh": f"energy_{name}_kwh" for name in ("p90", "p90_built", "p90_life")}
    return doubts.of_level(ranges, "household", people["household_id"], names)


@stage("building_ranges", joins="buildings")
def building_ranges(buildings: gpd.GeoDataFrame, ranges: pd.DataFrame) -> Any:
    """P90 of each building."""
    names = {"p90_kwh": "energy_p90_kwh"}
    return doubts.of_level(ranges, "building", buildings["building_id"], names)


@stage("array_ranges", joins="energy")
def array_ranges(arrays: pd.DataFrame, ranges: pd.DataFrame) -> Any:
    """P90 of each array."""
    return doubts.of_level(ranges, "array", arrays["array_id"], {"p90_kwh": "energy_p90_kwh"})


def case_of(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    terms: Terms,
) -> tuple[pd.DataFrame, Case]:  # fmt: skip
    """Households as the money sees them, and the case as planned."""
    own = ["consumption_kwh", "low_income", "own_building", "income_today"]
    homes = holdings.assign(**{name: people[name].to_numpy() for name in own})
    homes["low_income"] = people["low_income"].array
    return homes, money.Case.planned(homes, demand, bills, terms)


@stage("household_use", joins="households")
def household_use(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    terms: Terms,
) -> Any:  # fmt: skip
    """What each household uses itself, and what that is worth."""
    _, case = case_of(people, holdings, demand, bills, terms)
    return hold.household_use(case)


@stage("carbon", keys=("carbon", "tariff.connection_date", "grid.curtailment", *WEAR),
       joins="households")  # fmt: skip
def carbon(
    holdings: pd.DataFrame, household_ranges: pd.DataFrame, terms: Terms, *, scenario: Any
) -> Any:
    """Carbon spared for each household."""
    made = holdings.assign(energy_p90_built_kwh=household_ranges["energy_p90_built_kwh"].to_numpy())
    return carbons.household_carbon(made, terms.carbon, scenario=scenario)


@stage("measures")
def measures(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    household_ranges: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Income, cost and return by household, model and case."""
    homes, case = case_of(people, holdings, demand, bills, terms)
    planned = money.household_measures(homes, {CASES[0]: case})
    poor = stress.poor_measures(homes, case, household_ranges)
    return frames.concat([planned, poor], ignore_index=True)


@stage("chosen", joins="households")
def chosen(holdings: pd.DataFrame, measures: pd.DataFrame, terms: Terms) -> Any:
    """Income, cost and return by household, model and case."""
    names = [*MEASURES, "capital"]
    values = hold.chosen_measures(holdings, measures[measures["case"] == CASES[0]], names)
    local = terms.rural_income or float("nan")
    return values.assign(income_of_rural_income=values["income_first_year"] / local)


@stage("returns", joins="buildings")
def returns(
    building_totals: pd.DataFrame, links: pd.DataFrame, chosen: pd.DataFrame, carbon: pd.DataFrame
) -> Any:
    """What each building returns."""
    spared = {name: carbon[name].to_numpy() for name in ("avoided_t", "avoided_p90_t")}
    both = chosen.assign(**spared)
    return hold.building_returns(building_totals, links, both)


@stage("villages")
def villages(
    buildings: gpd.GeoDataFrame, building_totals: pd.DataFrame, people: pd.DataFrame,
    holdings: pd.DataFrame, demand: pd.DataFrame, ranges: pd.DataFrame, chosen: pd.DataFrame,
    carbon: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """The village in one row."""
    roofs = frames.DataFrame(buildings.drop(columns="geometry"))
    roofs = roofs.assign(modules=building_totals["modules"].to_numpy())
    homes = holdings.assign(
        own_building=people["own_building"].to_numpy(), low_income=people["low_income"].array,
        load_kwh=demand["load_kwh"].to_numpy().round(0),
        avoided_t=carbon["avoided_t"].to_numpy(),
        **{name: chosen[name].to_numpy() for name in ("capital", "income_first_year")},
    )  # fmt: skip
    return hold.village_totals(roofs, homes, ranges, terms.carbon)


@stage("sanity", across="apart", keys=("finance.currency",))
def sanity(
    place: Place, year: pd.DataFrame, arrays: pd.DataFrame, energy: pd.DataFrame,
    people: pd.DataFrame, holdings: pd.DataFrame, household_use: pd.DataFrame,
    chosen: pd.DataFrame, terms: Terms, *, scenario: Any,
) -> Any:  # fmt: skip
    """The whole held against what is known of other villages."""
    homes = holdings[["capacity_kwp"]].assign(
        own_building=people["own_building"].to_numpy(),
        own_use=money.uses_own(holdings["model"], terms),
        **{name: household_use[name].to_numpy() for name in ("energy_first_year_kwh",
                                                             "self_used_kwh")},
        **{name: chosen[name].to_numpy() for name in ("income_first_year", "payback_years",
                                                      "lcoe")},
    )  # fmt: skip
    light = float(year["ghi"].sum()) / 1000
    typical = weathers.usual_light(place.latitude, place.longitude)
    figures = sound.whole_figures(energy, arrays, homes, light, light / typical)
    told = frames.DataFrame({"measure": list(figures), "value": list(figures.values())})
    return told, sound.odd_figures(figures, scenario.finance.currency)


@stage("ledger", across="sum", kept="ledger.parquet")
def ledger(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    terms: Terms,
) -> Any:  # fmt: skip
    """Who pays whom how much in which year."""
    return books.ledger_sums(*case_of(people, holdings, demand, bills, terms))


@stage("collective", across="apart", kept="collective.parquet")
def collective(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    terms: Terms,
) -> Any:  # fmt: skip
    """The books of the collective, year by year."""
    return books.collective_result(*case_of(people, holdings, demand, bills, terms))


@stage("balance", across="apart", kept="balance.parquet")
def balance(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    terms: Terms,
) -> Any:  # fmt: skip
    """What the collective has and owes at the end of each year."""
    return books.collective_balance(*case_of(people, holdings, demand, bills, terms))


@stage("fairness", across="apart", kept="fairness.parquet")
def fairness(people: pd.DataFrame, chosen: pd.DataFrame, terms: Terms) -> Any:
    """The village in one row."""
    income = chosen["income_first_year"].to_numpy()
    return books.fairness(people.assign(income_first_year=income), terms)


@stage("stresses", across="apart", kept="stresses.parquet")
def stresses(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    household_ranges: pd.DataFrame, doubt: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Income when things go otherwise."""
    homes, case = case_of(people, holdings, demand, bills, terms)
    p90 = household_ranges["energy_p90_built_kwh"].to_numpy(dtype=float)
    yearly = doubt.loc[doubt["component"] == "year_to_year", "roof"].iloc[0]
    return stress.stress_rows(homes.assign(energy_p90_built_kwh=p90), case, float(yearly))


@stage("press", across="apart", kept="press.parquet", keys=("press",))
def press(
    ledger: pd.DataFrame, collective: pd.DataFrame, holdings: pd.DataFrame, terms: Terms, *,
    scenario: Any,
) -> Any:  # fmt: skip
    """Figures that were published, beside ours."""
    made = float((holdings["energy_kwh"] * terms.left[0]).round(2).sum())
    back = float(collective["payback_years"].iloc[0]) if len(collective) else float("nan")
    return books.beside_press(scenario.press, ledger, made, back)


@stage(
    "carbon_years",
    across="sum",
    kept="carbon_years.parquet",
    keys=("carbon", "grid.curtailment", *WEAR),
)
def carbon_years(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    terms: Terms, *, scenario: Any,
) -> Any:  # fmt: skip
    """What the village's energy avoids in each year."""
    made = holdings["energy_kwh"].to_numpy(dtype=float)
    tradable = money.tradable_kwh(*case_of(people, holdings, demand, bills, terms))
    return carbons.yearly_carbon(made, terms.carbon, scenario=scenario, tradable_kwh=tradable)


@stage(
    "assumptions",
    across="alike",
    kept="assumptions.parquet",
    keys=(
        "system",
        "roof",
        "module.product",
        "module.yield_share_min",
        "tariff",
        "demand.archetype",
        "demand.use_by_minutes",
    ),
)
def assumptions(year: pd.DataFrame, terms: Terms, *, scenario: Any) -> Any:
    """What the plan stands on, with sources."""
    return found.list_assumptions(scenario, str(year["source"].iloc[0]), terms)
