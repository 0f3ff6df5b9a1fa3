"""The stages of worth: prices, income, carbon, totals, books, and what the plan stands on.

They stand on the stages of roofs and energy (:mod:`pvplanner.plan.stages`) and are adapters alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pvplanner.plan.feeders import GRAPH
from pvplanner.plan.runner import Room
from pvplanner.plan.stages import WEAR

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from pvplanner.money import Case, Terms
    from pvplanner.money.tariff import PriceList
    from pvplanner.plan.site import Place

weathers = Room("pvplanner.weather")
carbons = Room("pvplanner.carbon")
money = Room("pvplanner.money")
margins = Room("pvplanner.money.margin")
books = Room("pvplanner.money.books")
stress = Room("pvplanner.money.stress")
bounds_ = Room("pvplanner.money.bounds")
risks = Room("pvplanner.money.cases")
account = Room("pvplanner.money.months")
storage = Room("pvplanner.money.storage")
stands = Room("pvplanner.money.standing")
hold = Room("pvplanner.holdings")
doubts = Room("pvplanner.holdings.ranges")
sound = Room("pvplanner.holdings.sanity")
found = Room("pvplanner.plan.assumptions")
scores = Room("pvplanner.holdings.scoreboard")
frames = Room("pandas")

stage = GRAPH.stage


@stage(
    "terms", across="alone", kept="terms.json",
    keys=("tariff", "finance", "finance.costs_stated", "finance.rent_stated", "loan", "cooperative",
          "developer", "carbon", "module.product", "grid.curtailment", "demand.self_use_share",
          "demand.battery_kwh", "demand.battery_cost_per_kwh", "demand.battery_life_years"),
    files=("tariff.file", "carbon.pathway_file"),
    said="income",
)  # fmt: skip
def terms(place: Place, *, scenario: Any) -> Any:
    """Prices, bills, contracts and factors, resolved once."""
    made = money.resolve_terms(scenario, place.province, place.rural_income, place.area)
    years = made.prices.mechanism_years
    return made, money.loan_findings(scenario, years) + made.findings(place.province)


@stage("price_list", across="alone")
def price_list(terms: Terms) -> Any:
    """What bills hang on: where nothing of it changed, bills stay."""
    return money.price_list(terms)


@stage("bills", kept="bills.parquet", keys=(
    "tariff.commercial_price", "tariff.self_use_factor", "tariff.self_use_price"
))  # fmt: skip
def bills(
    demand: pd.DataFrame, holdings: pd.DataFrame, price_list: PriceList, *, scenario: Any
) -> Any:
    """What each household pays for electricity, with and without a roof."""
    price = scenario.tariff.commercial_price
    price = None if price is None else price * scenario.tariff.self_use_factor
    halls = holdings["project_class"].eq("general_commercial").to_numpy(dtype=bool)
    uses = holdings["model"].isin(price_list.own_use) & (holdings["modules"] > 0)
    own = halls & uses.to_numpy(dtype=bool)
    stated = price is not None or scenario.tariff.self_use_price is not None
    known = price_list.bills is not None
    told = money.commercial_findings(int(own.sum())) if known and not stated else []
    return money.household_bills(demand, price_list.bills, halls, price), told


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


@stage("months", across="alone", kept="months.parquet")
def months(energy: pd.DataFrame, day: pd.DataFrame) -> Any:
    """What of a year's generation comes in each month and hour of the day: prices go by them."""
    by_month, by_hour = hold.month_shares(energy), day.rename(columns={"hour": "number"})
    both = [
        by_month.rename(columns={"month": "number"}).assign(of="year"),
        by_hour.assign(of="day"),
    ]
    return frames.concat([part for part in both if len(part)], ignore_index=True)


def case_of(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> tuple[pd.DataFrame, Case]:  # fmt: skip
    """Households as the money sees them, and the case as planned."""
    own = ["consumption_kwh", "low_income", "own_building", "income_today"]
    homes = holdings.assign(**{name: people[name].to_numpy() for name in own})
    homes["low_income"] = people["low_income"].array
    homes = _cut(homes, curtailed)
    year, day = _shares(months)
    return homes, money.Case.planned(homes, demand, bills, terms, year, day)


def _cut(homes: pd.DataFrame, curtailed: pd.DataFrame) -> pd.DataFrame:
    """Households with what of their energy a limit of the grid cuts, where there is one."""
    if "curtailed" not in curtailed:
        return homes
    return homes.assign(curtailed=curtailed["curtailed"].to_numpy(dtype=float))


def _shares(months: pd.DataFrame) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What of all that is made comes in each month, and in each hour where prices go by it."""
    of, share = months["of"].to_numpy(), months["share"].to_numpy(dtype=float)
    year, day = (tuple(share[of == name].tolist()) for name in ("year", "day"))
    return year, day


def _weighted(terms: Terms, months: pd.DataFrame) -> Terms:
    """Terms whose market price is weighted by the village's months and hours."""
    return terms.with_shape(*_shares(months))


@stage("household_use", joins="households")
def household_use(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """What each household uses itself, and what that is worth."""
    _, case = case_of(people, holdings, demand, bills, months, curtailed, terms)
    return hold.household_use(case)


@stage("carbon", keys=("carbon", "module.product", "tariff.connection_date", "grid.curtailment",
                       *WEAR),
       joins="households")  # fmt: skip
def carbon(holdings: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms, *, scenario: Any) -> Any:
    """Carbon spared for each household."""
    made = _cut(holdings, curtailed)
    kept = money.kept_of(made, terms)
    return carbons.household_carbon(made, terms.carbon, scenario=scenario, kept=kept)


@stage("carbon_ranges", keys=("grid.curtailment",), joins="households")
def carbon_ranges(
    household_ranges: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms, *, scenario: Any
) -> Any:
    """P90 of the carbon that each household spares."""
    made = _cut(household_ranges, curtailed)
    unsure = carbons.household_avoided_t(made, "energy_p90_built_kwh", terms.carbon, scenario)
    return household_ranges[["household_id"]].assign(avoided_p90_t=unsure)


@stage("measures")
def measures(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, household_ranges: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Income, cost and return by household, model and case."""
    homes, case = case_of(people, holdings, demand, bills, months, curtailed, terms)
    return stress.case_measures(homes, case, household_ranges)


@stage("chosen", joins="households")
def chosen(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Income, cost and return of each household under the model that it chose."""
    values = money.chosen_measures(
        *case_of(people, holdings, demand, bills, months, curtailed, terms)
    )
    local = terms.rural_income or float("nan")
    return values.assign(income_of_rural_income=values["income_first_year"] / local)


@stage("returns", joins="buildings")
def returns(
    building_totals: pd.DataFrame, links: pd.DataFrame, chosen: pd.DataFrame,
    carbon: pd.DataFrame, carbon_ranges: pd.DataFrame,
) -> Any:  # fmt: skip
    """What each building returns."""
    both = chosen.assign(
        avoided_t=carbon["avoided_t"].to_numpy(),
        avoided_p90_t=carbon_ranges["avoided_p90_t"].to_numpy(),
    )
    return hold.building_returns(building_totals, links, both)


@stage("villages")
def villages(
    buildings: gpd.GeoDataFrame, building_totals: pd.DataFrame, people: pd.DataFrame,
    holdings: pd.DataFrame, demand: pd.DataFrame, village_ranges: pd.DataFrame,
    chosen: pd.DataFrame, carbon: pd.DataFrame, terms: Terms,
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
    totals = hold.village_totals(roofs, homes, village_ranges, terms.carbon)
    return totals, hold.partly_known(homes)


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
    halls = homes[holdings["project_class"].eq("general_commercial").to_numpy()]
    least = sound.self_use_below(halls, place.province)
    return told, sound.odd_figures(figures, scenario.finance.currency) + least


@stage("ledger", across="sum", kept="ledger.parquet")
def ledger(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Who pays whom how much in which year."""
    return books.ledger_sums(*case_of(people, holdings, demand, bills, months, curtailed, terms))


@stage("collective", across="apart", kept="collective.parquet")
def collective(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """The books of the collective, year by year."""
    return books.collective_result(
        *case_of(people, holdings, demand, bills, months, curtailed, terms)
    )


@stage("balance", across="apart", kept="balance.parquet")
def balance(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """What the collective has and owes at the end of each year."""
    held = books.collective_balance(
        *case_of(people, holdings, demand, bills, months, curtailed, terms)
    )
    return held, books.shortfalls(held, terms.finance.currency)


@stage("investor", across="apart", kept="investor.parquet")
def investor(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """What a developer invests and earns, and whether it would build."""
    made = books.investor_result(
        *case_of(people, holdings, demand, bills, months, curtailed, terms)
    )
    return made, books.below_hurdle(made)


@stage("owners", across="apart", kept="owners.parquet")
def owners(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """The part of each village in a plant that several own."""
    return books.owner_shares(*case_of(people, holdings, demand, bills, months, curtailed, terms))


@stage("bounds", across="apart", kept="bounds.parquet")
def bounds(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Rules that are not settled, and what the other reading changes."""
    return bounds_.rule_bounds(*case_of(people, holdings, demand, bills, months, curtailed, terms))


@stage("cases", across="apart", kept="cases.parquet")
def cases(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, household_ranges: pd.DataFrame,
    measures: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """What each price case brings the village and its collective, and who loses."""
    homes, case = case_of(people, holdings, demand, bills, months, curtailed, terms)
    told = risks.case_totals(_of_ledger(people, homes), measures, terms.prices.mechanism_years)
    own = risks.collective_cases(homes, case, household_ranges)
    return frames.concat([told, own], ignore_index=True) if len(own) else told


@stage("break_even", across="apart", kept="break_even.parquet")
def break_even(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """How far price, yield and cost may move until it pays no more; of the same as the cases."""
    homes, case = case_of(people, holdings, demand, bills, months, curtailed, terms)
    some = _of_ledger(people, homes)
    return risks.break_even(some, case.part(some.index.to_numpy()))


def _of_ledger(people: pd.DataFrame, homes: pd.DataFrame) -> pd.DataFrame:
    """Households of the ledger; without one all that there are. On a plain index."""
    homes = homes.reset_index(drop=True)
    ledger = ~people["own_building"].to_numpy(dtype=bool)
    return homes[ledger] if ledger.any() else homes


@stage("accounts", across="apart", kept="accounts.parquet")
def accounts(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Month by month: whether what comes in pays the instalments."""
    homes, case = case_of(people, holdings, demand, bills, months, curtailed, terms)
    told = account.household_accounts(homes, case)
    own = account.pooled_accounts(homes, case)
    return frames.concat([own, told], ignore_index=True) if len(own) else told


@stage("battery_worth", across="apart", kept="battery_worth.parquet")
def battery_worth(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Whether the homes' own batteries pay."""
    made = storage.battery_worth(
        *case_of(people, holdings, demand, bills, months, curtailed, terms)
    )
    return made, storage.battery_findings(made, terms.finance.currency)


@stage("standing", across="apart", kept="standing.parquet", keys=("contract",))
def standing(
    place: Place, people: pd.DataFrame, holdings: pd.DataFrame, terms: Terms, *, scenario: Any
) -> Any:
    """Parties, decisions, papers and agreements, and what is not lawful of them."""
    models = sorted(set(holdings["model"]))
    own = hold.of_nobody(people).to_numpy() & (holdings["modules"] > 0)
    made = stands.list_standing(
        models,
        terms,
        scenario.contract,
        place.province,
        sorted(set(holdings["project_class"])),
        halls=bool((own & holdings["project_class"].eq("general_commercial")).any()),
    )
    persons = holdings["project_class"].eq("natural_person_household") & (holdings["modules"] > 0)
    others = [m for m in models if money.owner_of(m) != "household"]
    count = int((persons & holdings["model"].isin(others)).sum())
    return made, stands.lawful(models, terms, scenario.contract, count)


@stage("fairness", across="apart", kept="fairness.parquet")
def fairness(people: pd.DataFrame, chosen: pd.DataFrame, terms: Terms) -> Any:
    """The village in one row."""
    income = chosen["income_first_year"].to_numpy()
    return books.fairness(people.assign(income_first_year=income), terms)


@stage("stresses", across="apart", kept="stresses.parquet")
def stresses(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, household_ranges: pd.DataFrame,
    doubt: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """Income when things go otherwise."""
    homes, case = case_of(people, holdings, demand, bills, months, curtailed, terms)
    p90 = household_ranges["energy_p90_built_kwh"].to_numpy(dtype=float)
    yearly = doubt.loc[doubt["component"] == "year_to_year", "roof"].iloc[0]
    return stress.stress_rows(homes.assign(energy_p90_built_kwh=p90), case, float(yearly))


@stage("press", across="apart", kept="press.parquet", keys=("press",))
def press(
    ledger: pd.DataFrame, collective: pd.DataFrame, household_use: pd.DataFrame, terms: Terms, *,
    scenario: Any,
) -> Any:  # fmt: skip
    """Figures that were published, beside ours."""
    made = float(household_use["energy_first_year_kwh"].sum())
    back = float(collective["payback_years"].iloc[0]) if len(collective) else float("nan")
    year = terms.calendar.first_whole
    return books.beside_press(scenario.press, ledger, made, back, year)


@stage(
    "carbon_years",
    across="sum",
    kept="carbon_years.parquet",
    keys=("carbon", "tariff.connection_date", "grid.curtailment", *WEAR),
)
def carbon_years(
    people: pd.DataFrame, holdings: pd.DataFrame, demand: pd.DataFrame, bills: pd.DataFrame,
    months: pd.DataFrame, curtailed: pd.DataFrame, terms: Terms, *, scenario: Any,
) -> Any:  # fmt: skip
    """What the village's energy avoids in each year."""
    made = holdings["energy_kwh"].to_numpy(dtype=float)
    tradable = money.tradable_kwh(
        *case_of(people, holdings, demand, bills, months, curtailed, terms)
    )
    return carbons.yearly_carbon(
        made, terms.carbon, scenario=scenario, tradable_kwh=tradable,
        kept=money.kept_of(_cut(holdings, curtailed), terms),
    )  # fmt: skip


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
def assumptions(
    year: pd.DataFrame, months: pd.DataFrame, terms: Terms, origins: pd.DataFrame, *, scenario: Any
) -> Any:
    """What the plan stands on, with sources."""
    weather = str(year["source"].iloc[0])
    return found.list_assumptions(scenario, weather, _weighted(terms, months), origins)


@stage("scoreboard", across="apart", kept="scoreboard.parquet")
def scoreboard(
    villages: pd.DataFrame, people: pd.DataFrame, holdings: pd.DataFrame, chosen: pd.DataFrame,
    carbon: pd.DataFrame, household_use: pd.DataFrame, demand: pd.DataFrame,
    ledger: pd.DataFrame, collective: pd.DataFrame, fairness: pd.DataFrame,
    transformers: pd.DataFrame, terms: Terms,
) -> Any:  # fmt: skip
    """The four dimensions of the government work report."""
    homes = holdings[["modules"]].assign(
        income_first_year=chosen["income_first_year"].to_numpy(),
        net_life_t=carbon["net_life_t"].to_numpy(),
    )
    return scores.four_dimensions(
        villages, homes, household_use, ledger, collective, fairness, transformers,
        first_whole=terms.calendar.first_whole, peak_share=scores.own_at_peak(demand),
    )  # fmt: skip
