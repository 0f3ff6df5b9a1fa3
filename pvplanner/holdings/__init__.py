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
        As from :func:`pvplanner.holdings.ranges.village_ranges`.
    carbon : CarbonBasis
    """
    out, of_building, of_home = _villages_of(buildings, households)
    count = len(out)
    usable = (buildings["status"] != "set_aside").to_numpy()
    modules = buildings["modules"].to_numpy()
    for name, counted in (("buildings", np.ones(len(buildings))), ("buildings_used", usable),
                          ("buildings_with_pv", modules > 0), ("modules", modules)):  # fmt: skip
        out[name] = np.bincount(of_building, counted, count).round().astype(np.int64)
    used = set(buildings["building_id"].array[usable])
    heads = counted_households(households, used).to_numpy(dtype=bool)
    low = households["low_income"]
    poor = low.eq(True).fillna(False).to_numpy(dtype=bool)
    values = {name: households[name].to_numpy(dtype=float) for name in SUMMED}
    income, energy = values["income_first_year"], values["energy_kwh"]
    # Where a village has no household nothing is known of what households have.
    some = np.bincount(of_home, minlength=count) > 0

    def whole(own: np.ndarray) -> np.ndarray:
        return np.where(some, np.bincount(of_home, own, count), np.nan)

    def known(own: np.ndarray) -> np.ndarray:
        """The sum of what is known, where something is: the finding says of how many."""
        there = np.isfinite(own)
        sums = np.bincount(of_home, np.where(there, own, 0.0), count)
        return np.where(np.bincount(of_home, there, count) > 0, sums, np.nan)

    for name, own in (("households", heads), ("households_with_pv", (energy > 0) & heads)):
        sums = whole(own)
        out[name] = sums.astype(np.int64) if some.all() else sums
    for name in ("energy_kwh", "capacity_kwp", "capital"):
        out[name] = whole(values[name])
    out["income_first_year"] = known(income)
    out["avoided_t"] = whole(values["avoided_t"])
    for name, digits in ROUNDED.items():
        out[name] = out[name].round(digits)
    # Where nobody said who is of low income, their share is not nothing but not known.
    stated = np.bincount(of_home, low.notna().to_numpy(dtype=bool), count) > 0
    theirs = np.where(stated, np.round(whole(np.where(poor, income, 0.0)), 2), np.nan)
    counted_income = known(np.where(heads, income, 0.0))
    out["low_income_share"] = pd.Series(theirs) / counted_income
    out["income_per_household"] = (pd.Series(counted_income) / out["households"]).round(2)
    out["standard_coal_t"] = standard_coal_t(out["energy_kwh"].to_numpy(), carbon).round(3)
    out["supply_ratio"] = out["energy_kwh"] / pd.Series(whole(values["load_kwh"]))
    own = ranges[ranges["level"] == "village"].set_index("id")
    place = village_id(out)
    out["energy_p90_kwh"] = place.map(own["p90_kwh"]).fillna(0.0)
    out["energy_p90_built_kwh"] = place.map(own["p90_built_kwh"]).fillna(0.0)
    out["energy_p90_life_kwh"] = place.map(own["p90_life_kwh"]).fillna(0.0)
    return out


SUMMED = ("energy_kwh", "capacity_kwp", "capital", "income_first_year", "avoided_t", "load_kwh")
"""Of households, summed over a village."""

ROUNDED = {"capital": 2, "income_first_year": 2, "capacity_kwp": 6, "avoided_t": 3}
"""Digits of a village's sums."""


def _villages_of(
    buildings: pd.DataFrame, households: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Villages in order, and which is that of each building and of each household."""
    both = pd.concat([buildings[VILLAGE], households[VILLAGE]], ignore_index=True)
    code = np.zeros(len(both), dtype=np.int64)
    for name in VILLAGE:
        own, texts = pd.factorize(both[name], sort=True)
        code = code * len(texts) + own
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    names = both.iloc[first].reset_index(drop=True)
    return names, place[: len(buildings)], place[len(buildings) :]


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
