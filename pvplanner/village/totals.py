"""Who gets what: arrays summed to buildings, shared among households, summed to villages.

Energy of households is whole kilowatt-hours and money whole fen, so that the parts on a page add up
to its totals exactly.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.carbon import CarbonBasis, standard_coal_t
from pvplanner.scenario import Scenario

BUILT = ("modules", "capacity_kwp", "energy_kwh")
"""What is summed from arrays."""

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
    """Modules, capacity and energy of every building, on the index of ``buildings``."""
    rows = arrays[["building_id", "modules", "capacity_kwp"]].copy()
    rows["energy_kwh"] = energy["energy_kwh"].to_numpy()
    # Light over the modules of a roof, and what of it is lost behind the horizon.
    rows["light"] = energy["poa_kwh_per_m2"].to_numpy() * rows["capacity_kwp"]
    rows["shading_loss"] = energy["shading_loss"].to_numpy() * rows["light"]
    sums = rows.groupby("building_id")[list(BUILT)].sum()
    out = sums.reindex(buildings["building_id"]).fillna(0.0).set_axis(buildings.index)
    shade = rows["shading_loss"].groupby(rows["building_id"])
    weight = rows.groupby("building_id")["light"].sum()
    lost = shade.sum(min_count=1) / weight
    out["shading_loss"] = lost.reindex(buildings["building_id"]).to_numpy()
    grid = arrays.groupby("building_id").agg(
        capacity_kw_ac=("capacity_kw_ac", "sum"), phases=("phases", "max")
    )
    grid = grid.reindex(buildings["building_id"])
    out["capacity_kw_ac"] = grid["capacity_kw_ac"].fillna(0.0).to_numpy()
    out["phases"] = grid["phases"].to_numpy(dtype=float)
    out["specific_yield_kwh_per_kwp"] = np.where(
        out["capacity_kwp"] > 0, out["energy_kwh"] / out["capacity_kwp"].replace(0, np.nan), np.nan
    )
    return out


def suitability(buildings: pd.DataFrame, planes: pd.DataFrame, arrays: pd.DataFrame) -> pd.Series:
    """Yield of each building's modules over the village's best, or of its best plane without any.

    On the index of ``buildings``.
    """
    share = planes.set_index("plane_id")["yield_share"]
    own = arrays["plane_id"].map(share) * arrays["modules"]
    with_modules = own.groupby(arrays["building_id"]).sum()
    with_modules /= arrays.groupby("building_id")["modules"].sum()
    usable = planes[planes["usable_area_m2"] > 0]
    best = usable.groupby("building_id")["yield_share"].max()
    ids = buildings["building_id"]
    return ids.map(with_modules).fillna(ids.map(best))


def household_table(
    households: pd.DataFrame,
    shares: pd.DataFrame,
    buildings: pd.DataFrame,
    *,
    scenario: Scenario,
) -> pd.DataFrame:
    """Households with what stands on their roofs and the class and village of their first building.

    Parameters
    ----------
    households, shares : DataFrame
        As from :func:`pvplanner.buildings.join_households`.
    buildings : DataFrame
        With the columns of :func:`building_totals`, ``village``, ``division_code``,
        ``project_class``.
    """
    joined = shares.merge(
        buildings[["building_id", *BUILT, *GRID, "village", "division_code", "project_class"]],
        on="building_id",
        how="left",
    )
    joined["shading_loss"] *= joined["capacity_kwp"]
    for name in (*BUILT, *GRID):
        joined[name] *= joined["share"]
    grouped = joined.groupby("household_id", sort=False)
    sums = grouped[[*BUILT, *GRID]].sum()
    sums["shading_loss"] = grouped["shading_loss"].sum(min_count=1) / sums["capacity_kwp"]
    first = grouped[["village", "division_code", "project_class"]].first()
    out = households.merge(first.join(sums), on="household_id", how="left")
    for name in BUILT:
        out[name] = out[name].fillna(0.0)
    out["capacity_kw_ac"] = out["capacity_kw_ac"].fillna(0.0)
    out["village"] = out["village"].fillna(scenario.site.village or scenario.name)
    out["division_code"] = out["division_code"].fillna(scenario.site.division_code or "")
    out["project_class"] = out["project_class"].fillna(scenario.tariff.project_class)
    out["energy_kwh"] = apportion(out["energy_kwh"].to_numpy())
    return out


def add_to_buildings(
    buildings: pd.DataFrame, shares: pd.DataFrame, households: pd.DataFrame
) -> pd.DataFrame:
    """Money and carbon of each building: its part of what its households get.

    A household's income comes from its buildings in proportion to the energy that they make, its
    capital goes to them in proportion to their capacity.
    """
    built = buildings[["building_id", "energy_kwh", "capacity_kwp"]]
    part = shares.merge(built, on="building_id", how="left")
    part["own_kwh"] = part["share"] * part["energy_kwh"]
    weight = parts_of(part["own_kwh"], part["household_id"])
    cost = parts_of(part["share"] * part["capacity_kwp"], part["household_id"])
    names = ["income_first_year", "capital", "avoided_t", "avoided_p90_t", "payback_years"]
    values = part.merge(households[["household_id", *names]], on="household_id", how="left")
    grouped = pd.DataFrame({"building_id": part["building_id"]})
    for name in names[:4]:
        grouped[name] = values[name] * (cost if name == "capital" else weight)
    made = part.groupby("building_id")["own_kwh"].transform("sum")
    inside = np.divide(part["own_kwh"], made, out=np.zeros(len(part)), where=made > 0)
    grouped["payback_years"] = (values["payback_years"] * inside).where(inside > 0)
    sums = grouped.groupby("building_id")[names].sum(min_count=1)
    return sums.reindex(buildings["building_id"]).set_axis(buildings.index)


def parts_of(own: pd.Series, group: pd.Series) -> np.ndarray:
    """Each row over the sum of its group's rows; 0 where that is nothing."""
    whole = own.groupby(group).transform("sum").to_numpy()
    return np.divide(own.to_numpy(), whole, out=np.zeros(len(own)), where=whole > 0)


def village_table(
    buildings: pd.DataFrame, households: pd.DataFrame, basis: CarbonBasis
) -> pd.DataFrame:
    """Totals of each village; keys are ``division_code`` and ``village``."""
    keys = ["division_code", "village"]
    rows = buildings.assign(
        buildings=1,
        buildings_used=(buildings["status"] != "set_aside").astype(int),
        buildings_with_pv=(buildings["modules"] > 0).astype(int),
        modules=buildings["modules"].astype(int),
    )
    counted = ["buildings", "buildings_used", "buildings_with_pv", "modules"]
    built = rows.groupby(keys)[counted].sum()
    # With a ledger its households count; without one every building counts as a household.
    ledger = ~households["own_building"].astype(bool)
    used = set(buildings.loc[buildings["status"] != "set_aside", "building_id"])
    counted_heads = ledger if ledger.any() else households["household_id"].isin(used)
    people = households.assign(
        households=counted_heads.astype(int),
        counted_income=households["income_first_year"].where(counted_heads, 0.0),
        households_with_pv=((households["energy_kwh"] > 0) & counted_heads).astype(int),
        low_income_income=households["income_first_year"].where(
            households["low_income"].eq(True).fillna(False).astype(bool), 0.0
        ),
    )
    heads = people.groupby(keys)[["households", "households_with_pv"]].sum()
    money = ["energy_kwh", "capacity_kwp", "capital", "income_first_year", "avoided_t"]
    sums = people.groupby(keys)[[*money, "low_income_income", "counted_income"]].agg(
        lambda v: v.sum(skipna=False)
    )
    out = pd.concat([built, heads, sums], axis=1).fillna(dict.fromkeys(counted, 0)).reset_index()
    for name in ("capital", "income_first_year", "low_income_income"):
        out[name] = out[name].round(2)
    out["capacity_kwp"], out["avoided_t"] = out["capacity_kwp"].round(6), out["avoided_t"].round(3)
    out["low_income_share"] = out.pop("low_income_income") / out["income_first_year"]
    out["income_per_household"] = (out.pop("counted_income") / out["households"]).round(2)
    out["standard_coal_t"] = standard_coal_t(out["energy_kwh"].to_numpy(), basis).round(3)
    use = people.groupby(keys)["load_kwh"].agg(lambda v: v.sum(skipna=False))
    out["supply_ratio"] = out["energy_kwh"].to_numpy() / use.reindex(
        pd.MultiIndex.from_frame(out[keys])
    ).to_numpy(dtype=float)
    return out
