"""Who gets what: arrays summed to buildings, shared among households, summed to villages.

Energy of households is whole kilowatt-hours and money whole fen, so that the parts on a page add up
to its totals exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pvplanner.carbon import CarbonBasis, standard_coal_t
from pvplanner.errors import Finding, listed
from pvplanner.money import Case
from pvplanner.scenario import Event
from pvplanner.scenario.calendar import DAYS
from pvplanner.schema import MONTHLY_ENERGY

BUILT = ("modules", "capacity_kwp", "energy_kwh")
"""What is summed from arrays."""

VILLAGE = ["division_code", "village"]
"""Columns that name a village."""

GRID = ("capacity_kw_ac", "shading_loss")
"""AC power, and the mean share of light lost behind the horizon."""


def apportion(values: np.ndarray) -> np.ndarray:
    """Whole numbers that sum to the rounded sum, by the largest remainder; ties go to the first."""
    values = np.asarray(values, dtype=float)
    whole = np.floor(values)
    short = int(round(values.sum()) - whole.sum())
    order = np.argsort(-(values - whole), kind="stable")
    whole[order[:short]] += 1
    return whole


def building_totals(
    buildings: pd.DataFrame, arrays: pd.DataFrame, energy: pd.DataFrame
) -> pd.DataFrame:
    """Modules, capacity and energy of every building, in the order of ``buildings``."""
    # Light over the modules of a roof, and what of it is lost behind the horizon.
    light = energy["poa_kwh_per_m2"].to_numpy() * arrays["capacity_kwp"].to_numpy()
    lost = energy["shading_loss"].to_numpy() * light
    rows = arrays[["building_id", "modules", "capacity_kwp", "capacity_kw_ac"]].assign(
        energy_kwh=energy["energy_kwh"].to_numpy(), light=light, shading_loss=lost,
        known=np.isfinite(lost).astype(float),
    )  # fmt: skip
    grouped = rows.groupby("building_id")
    ids = buildings["building_id"]
    summed = [*BUILT, *GRID, "light", "known"]
    sums = grouped[summed].sum().astype(float).reindex(ids)
    out = sums[list(BUILT)].fillna(0.0).reset_index()
    shade = (sums["shading_loss"] / sums["light"]).where(sums["known"] > 0)
    out["shading_loss"] = shade.to_numpy()
    out["capacity_kw_ac"] = sums["capacity_kw_ac"].fillna(0.0).to_numpy()
    phases = arrays.groupby("building_id")["phases"].max()
    out["phases"] = phases.reindex(ids).to_numpy(dtype=float)
    out["specific_yield_kwh_per_kwp"] = np.where(
        out["capacity_kwp"] > 0, out["energy_kwh"] / out["capacity_kwp"].replace(0, np.nan), np.nan
    )
    return out


def suitability(
    ids: pd.Series, planes: pd.DataFrame, yield_shares: pd.DataFrame, arrays: pd.DataFrame
) -> pd.Series:
    """Yield of each building's modules over the village's best, or of its best plane without any.

    On the index of ``ids``.
    """
    share = yield_shares.set_index("plane_id")["yield_share"]
    own = arrays["plane_id"].map(share).astype(float) * arrays["modules"]
    with_modules = own.groupby(arrays["building_id"]).sum()
    with_modules /= arrays.groupby("building_id")["modules"].sum()
    usable = (planes["usable_area_m2"] > 0).to_numpy()
    best = share[usable].groupby(planes["building_id"].to_numpy()[usable]).max()
    return ids.map(with_modules).astype(float).fillna(ids.map(best).astype(float))


def household_holdings(
    people: pd.DataFrame,
    links: pd.DataFrame,
    buildings: pd.DataFrame,
    built: pd.DataFrame,
    usual: dict[str, str],
) -> pd.DataFrame:
    """What stands on the roofs of each household, and the class and village of its first building.

    Parameters
    ----------
    people, links : DataFrame
        As from :func:`pvplanner.buildings.join_households`.
    buildings : DataFrame
        ``building_id``, ``village``, ``division_code``, ``project_class``.
    built : DataFrame
        As from :func:`building_totals`.
    usual : dict of str to str
        ``village``, ``division_code`` and ``project_class`` of households without a building.

    Returns
    -------
    DataFrame
        On the rows of ``people``: ``household_id``, the columns of ``usual`` and of
        :data:`BUILT` and :data:`GRID`. Energy is whole kilowatt-hours that sum to the village's.
    """
    local = buildings[["building_id", *usual]]
    # Of a plan that was read back the table of buildings holds more.
    sums_of = built[["building_id", *BUILT, *GRID]]
    joined = links.merge(sums_of, on="building_id", how="left")
    joined = joined.merge(local, on="building_id", how="left")
    joined["shading_loss"] *= joined["capacity_kwp"]
    for name in (*BUILT, *GRID):
        joined[name] *= joined["share"]
    grouped = joined.groupby("household_id", sort=False)
    sums = grouped[[*BUILT, *GRID]].sum()
    sums["shading_loss"] = grouped["shading_loss"].sum(min_count=1) / sums["capacity_kwp"]
    first = grouped[list(usual)].first()
    out = people[["household_id"]].merge(first.join(sums), on="household_id", how="left")
    for name in (*BUILT, "capacity_kw_ac"):
        out[name] = out[name].fillna(0.0)
    for name, value in usual.items():
        out[name] = out[name].fillna(value)
    out["energy_kwh"] = apportion(out["energy_kwh"].to_numpy())
    return out


def household_use(case: Case) -> pd.DataFrame:
    """First-year energy of each household, what it uses of it itself, and its bills.

    Returns
    -------
    DataFrame
        ``household_id``, ``energy_first_year_kwh``, ``load_kwh``, ``self_used_kwh``,
        ``self_consumption``, ``bill_before``, ``bill_saved``.
    """
    # Of the first whole calendar year, as income is.
    year = case.calendar.first_whole - 1
    energy = case.people["energy_kwh"].to_numpy(dtype=float)
    first, used, saved = (
        case.calendar.spread(values, made=True)[:, year]
        for values in (np.outer(energy, case.terms.left), case.self_used, case.bill_difference)
    )
    share = np.divide(used, first, out=np.full(case.count, np.nan), where=first > 0)
    return pd.DataFrame(
        {
            "household_id": case.people["household_id"].to_numpy(),
            "energy_first_year_kwh": np.round(first, 2),
            "load_kwh": case.demand["load_kwh"].to_numpy().round(0),
            "self_used_kwh": np.round(used, 2),
            "self_consumption": share,
            "bill_before": case.bills["bill_before"].to_numpy().round(2),
            "bill_saved": np.round(saved, 2),
        }
    )


def month_shares(energy: pd.DataFrame) -> pd.DataFrame:
    """What of a year's generation of all arrays comes in each month; ``month``, ``share``.

    By the days of the months where nothing is generated.
    """
    made = energy[list(MONTHLY_ENERGY)].to_numpy(dtype=float).sum(axis=0)
    days = np.array(DAYS, dtype=float)
    share = made / made.sum() if made.sum() > 0 else days / days.sum()
    return pd.DataFrame({"month": np.arange(1, 13), "share": share})


def event_hits(
    events: Sequence[Event], holdings: pd.DataFrame, links: pd.DataFrame, built: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Part of each household's capacity that each event hits, where it hits single roofs.

    Named ones by the id of a building or of a household; or a share of the buildings with modules,
    drawn by the event's seed from their sorted ids.

    Returns
    -------
    dict of str to ndarray
        ``event_N`` by the event's place, on the rows of ``holdings``.
    """
    if all(event.everywhere for event in events):
        return {}
    part = link_parts(built, links)
    standing = np.sort(built.loc[built["modules"] > 0, "building_id"].astype(str))
    ids, out = holdings["household_id"].astype(str), {}
    for n, event in enumerate(events):
        if event.everywhere:
            continue
        hit = set(event.roofs)
        if event.share is not None:
            count = int(np.rint(event.share * len(standing)))
            hit |= set(np.random.default_rng(event.seed).permutation(standing)[:count])
        owner = part["household_id"].astype(str)
        named = part["building_id"].astype(str).isin(hit) | owner.isin(hit)
        sums = (part["cost"] * named).groupby(owner).sum()
        out[f"event_{n}"] = ids.map(sums).fillna(0.0).to_numpy(dtype=float)
    return out


def unknown_roofs(events: Sequence[Event], known: set[str]) -> list[Finding]:
    """Roofs that events name and nobody has; ``known`` are ids of buildings and households."""
    odd = sorted({name for event in events for name in event.roofs} - known)
    if not odd:
        return []
    return [Finding("event_roofs_unknown", "finance.events", len(odd), {"ids": listed(odd)})]


RETURNS = ("income_first_year", "capital", "avoided_t", "avoided_p90_t", "payback_years")
"""What buildings are given of their households' money and carbon."""


def building_returns(
    built: pd.DataFrame, links: pd.DataFrame, households: pd.DataFrame
) -> pd.DataFrame:
    """Money and carbon of each building: its part of what its households get.

    A household's income comes from its buildings in proportion to the energy that they make, its
    capital goes to them in proportion to their capacity.

    Parameters
    ----------
    built : DataFrame
        As from :func:`building_totals`.
    links : DataFrame
    households : DataFrame
        ``household_id`` and the columns of :data:`RETURNS`.
    """
    part = link_parts(built, links)
    values = part.merge(households[["household_id", *RETURNS]], on="household_id", how="left")
    grouped = pd.DataFrame({"building_id": part["building_id"]})
    for name in RETURNS[:4]:
        grouped[name] = values[name] * part["cost" if name == "capital" else "weight"]
    inside = part["inside"]
    grouped["payback_years"] = (values["payback_years"] * inside).where(inside > 0)
    sums = grouped.groupby("building_id")[list(RETURNS)].sum(min_count=1)
    return sums.reindex(built["building_id"]).reset_index()


def link_parts(built: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Links with ``weight`` (the building's part of its household's energy), ``cost`` (of its
    capacity) and ``inside`` (the household's part of the building's energy).
    """
    part = links.merge(
        built[["building_id", "energy_kwh", "capacity_kwp"]], on="building_id", how="left"
    )
    own = part["share"] * part["energy_kwh"]
    part["weight"] = parts_of(own, part["household_id"])
    part["cost"] = parts_of(part["share"] * part["capacity_kwp"], part["household_id"])
    part["inside"] = parts_of(own, part["building_id"])
    return part


def parts_of(own: pd.Series, group: pd.Series) -> np.ndarray:
    """Each row over the sum of its group's rows; 0 where that is nothing."""
    whole = own.groupby(group).transform("sum").to_numpy()
    return np.divide(own.to_numpy(), whole, out=np.zeros(len(own)), where=whole > 0)


def village_totals(
    buildings: pd.DataFrame, households: pd.DataFrame, ranges: pd.DataFrame, carbon: CarbonBasis
) -> pd.DataFrame:
    """Totals of each village; keys are ``division_code`` and ``village``.

    Parameters
    ----------
    buildings : DataFrame
        ``building_id``, keys, ``status``, ``modules``.
    households : DataFrame
        Keys, ``own_building``, ``low_income``, ``load_kwh`` and what is summed.
    ranges : DataFrame
        As from :func:`pvplanner.holdings.ranges.plan_ranges`.
    carbon : CarbonBasis
    """
    usable = (buildings["status"] != "set_aside").to_numpy()
    modules = buildings["modules"].to_numpy()
    rows = pd.DataFrame({
        **{name: buildings[name].array for name in VILLAGE},
        "buildings": 1, "buildings_used": usable.astype(int),
        "buildings_with_pv": (modules > 0).astype(int), "modules": modules.astype(int),
    })  # fmt: skip
    counted = ["buildings", "buildings_used", "buildings_with_pv", "modules"]
    built = rows.groupby(VILLAGE)[counted].sum()
    used = set(buildings["building_id"].array[usable])
    heads = counted_households(households, used)
    low = households["low_income"]
    income = households["income_first_year"]
    given = ["energy_kwh", "capacity_kwp", "capital", "income_first_year", "avoided_t", "load_kwh"]
    people = households[[*VILLAGE, *given]].assign(
        households=heads.astype(int),
        counted_income=income.where(heads, 0.0),
        households_with_pv=((households["energy_kwh"] > 0) & heads).astype(int),
        low_income_income=income.where(low.eq(True).fillna(False).astype(bool), 0.0),
        low_income_stated=low.notna().astype(int),
    )
    grouped = people.groupby(VILLAGE)
    money = [*given, "low_income_income", "counted_income"]
    # Of income the sum of what is known, where something is: the finding says of how many.
    partly = ["income_first_year", "counted_income"]
    sums = grouped[money].sum(skipna=False).astype(float)
    sums[partly] = grouped[partly].sum(min_count=1)
    whole = grouped[["households", "households_with_pv", "low_income_stated"]].sum()
    out = pd.concat([built, whole, sums], axis=1)
    out = out.fillna(dict.fromkeys(counted, 0)).reset_index()
    for name in ("capital", "income_first_year", "low_income_income"):
        out[name] = out[name].round(2)
    out["capacity_kwp"], out["avoided_t"] = out["capacity_kwp"].round(6), out["avoided_t"].round(3)
    # Where nobody said who is of low income, their share is not nothing but not known.
    poor = out.pop("low_income_income").where(out.pop("low_income_stated") > 0)
    out["low_income_share"] = poor / out["counted_income"]
    out["income_per_household"] = (out.pop("counted_income") / out["households"]).round(2)
    out["standard_coal_t"] = standard_coal_t(out["energy_kwh"].to_numpy(), carbon).round(3)
    out["supply_ratio"] = out["energy_kwh"] / out.pop("load_kwh")
    own = ranges[ranges["level"] == "village"].set_index("id")
    place = village_id(out)
    out["energy_p90_kwh"] = place.map(own["p90_kwh"]).fillna(0.0)
    out["energy_p90_built_kwh"] = place.map(own["p90_built_kwh"]).fillna(0.0)
    out["energy_p90_life_kwh"] = place.map(own["p90_life_kwh"]).fillna(0.0)
    return out


def partly_known(households: pd.DataFrame) -> list[Finding]:
    """Income of which only some households' is known: then the sum is of those.

    Parameters
    ----------
    households : DataFrame
        ``modules``, ``income_first_year``.
    """
    built = households.loc[households["modules"] > 0, "income_first_year"]
    known = int(built.notna().sum())
    if known in (0, len(built)):
        return []
    params = {"known": known, "all": len(built)}
    return [Finding("partly_known", "income_first_year", len(built) - known, params)]


def counted_households(households: pd.DataFrame, used: set[str]) -> pd.Series:
    """Which rows are households: the ledger's; without one every building in use is one.

    Parameters
    ----------
    households : DataFrame
        ``household_id``, ``own_building``.
    used : set of str
        Ids of buildings in use.
    """
    ledger = ~households["own_building"].astype(bool)
    return ledger if ledger.any() else households["household_id"].isin(used)


NOBODY = "public_buildings"
"""Buildings of nobody in the ledger, as a party or a payer: who pays for them is not stated."""


def of_nobody(households: pd.DataFrame) -> pd.Series:
    """Which rows are buildings of nobody in a village's ledger; none where there is no ledger.

    Parameters
    ----------
    households : DataFrame
        ``own_building``, of one village.
    """
    own = households["own_building"].astype(bool)
    return own & bool((~own).any())


def village_id(table: pd.DataFrame) -> pd.Series:
    """One text for the village of each row."""
    return table["division_code"].astype(str) + "/" + table["village"].astype(str)
