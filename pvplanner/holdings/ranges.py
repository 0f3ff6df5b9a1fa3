"""P90 and P10 of arrays, buildings, households and villages, in one pass."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy import (
    RoofDoubt,
    as_built,
    doubt_components,
    energy_ranges,
    over_life,
    roof_doubt,
)
from pvplanner.holdings import village_id
from pvplanner.scenario import Scenario
from pvplanner.weather import Weather


def plan_doubt(
    arrays: pd.DataFrame,
    energy: pd.DataFrame,
    planes: pd.DataFrame,
    weather: Weather,
    *,
    scenario: Scenario,
    chinese: bool,
) -> RoofDoubt:
    """What is not known of the arrays of a plan."""
    return roof_doubt(
        arrays,
        energy["energy_kwh"].to_numpy(),
        weather,
        scenario=scenario,
        components=doubt_components(scenario, weather, chinese=chinese),
        usable=_room(arrays, planes),
    )


def _room(arrays: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Range of the area that the planned modules may find; a limit on capacity bounds it.

    Where fewer modules are planned than the plane holds, a roof with less room may still hold them
    all, and one with more room gets no more.
    """
    at = pd.Index(planes["plane_id"]).get_indexer(arrays["plane_id"])
    rows = planes[["usable_area_m2", "usable_area_low_m2", "usable_area_high_m2"]].iloc[at]
    middle = rows["usable_area_m2"].to_numpy(dtype=float)
    planned = arrays["modules"].to_numpy(dtype=float)
    fit = arrays["modules_fit"].to_numpy(dtype=float)
    # The area that the planned modules need, if what fits needs the whole of the usable area.
    need = middle * np.divide(planned, fit, out=np.ones_like(fit), where=fit > 0)
    bound = planned < fit
    low = rows["usable_area_low_m2"].to_numpy(dtype=float)
    high = rows["usable_area_high_m2"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "usable_area_m2": np.where(bound, need, middle),
            "usable_area_low_m2": np.where(bound, np.minimum(low, need), low),
            "usable_area_high_m2": np.where(bound, need, high),
        }
    )


def village_ranges(
    doubt: RoofDoubt, arrays: pd.DataFrame, buildings: pd.DataFrame, life_years: int
) -> pd.DataFrame:
    """Ranges of the energy of whole villages: rows as of :func:`part_ranges`.

    A whole's range is not the sum of its parts'. Of villages ``p10_built_kwh`` is known as well.
    """
    house, houses = pd.factorize(arrays["building_id"])
    place = pd.Series(village_id(buildings).to_numpy(), buildings["building_id"].to_numpy())
    village = pd.DataFrame({
        "group": place.loc[houses].to_numpy()[house], "row": np.arange(len(arrays)), "weight": 1.0,
    })  # fmt: skip
    built, both, one = as_built(doubt), ("p90", "p10"), ("p90",)
    life = over_life(built, life_years)
    return _level(
        "village", energy_ranges(doubt, village, both).round(), None,
        energy_ranges(built, village, both), energy_ranges(life, village, one),
    )  # fmt: skip


def part_ranges(
    doubt: RoofDoubt, arrays: pd.DataFrame, links: pd.DataFrame, life_years: int
) -> pd.DataFrame:
    """Ranges of the energy at every level below a village.

    Returns
    -------
    DataFrame
        ``level`` (``array``, ``building``, ``household``), ``id``, ``p90_kwh`` and
        ``p10_kwh``, and for households ``p90_built_kwh``: of the planned modules once
        they stand, without the doubt whether the roof holds as many, in any one year, and
        ``p90_life_kwh``: the same of the mean of the life's years, before wear, the doubt of wear
        counted. Money is reckoned on these, since it pays for the planned modules.
        Kilowatt-hours are whole but for arrays.
    """
    house, houses = pd.factorize(arrays["building_id"])
    own = pd.DataFrame({"group": house, "row": np.arange(len(arrays)), "weight": 1.0})
    at = pd.Series(np.arange(len(houses)), houses)
    linked = links.assign(house=links["building_id"].map(at)).dropna(subset="house")
    code, homes = pd.factorize(linked["household_id"])
    linked = linked.assign(home=code, house=linked["house"].astype(np.int64))
    built, both, one = as_built(doubt), ("p90", "p10"), ("p90",)
    of_building = energy_ranges(doubt, own, both)
    # A household that has one building for itself has its range.
    size = np.bincount(code, minlength=len(homes))[code]
    alone = linked[(size == 1) & (linked["share"].to_numpy() == 1)]
    theirs = own.merge(linked[["house", "home", "share"]], left_on="group", right_on="house")
    theirs = theirs.assign(group=theirs["home"], weight=theirs["share"])
    rest = theirs[~np.isin(theirs["group"], alone["home"])]
    of_household = pd.concat(
        [of_building.loc[alone["house"]].set_axis(alone["home"]), energy_ranges(doubt, rest, both)]
    )
    life = over_life(built, life_years)
    household_built, household_life = (
        energy_ranges(held, theirs, one).reindex(of_household.index) for held in (built, life)
    )
    parts = [
        _level("array", energy_ranges(doubt, None, both), arrays["array_id"].to_numpy()),
        _level("building", of_building.round(), houses.to_numpy()[of_building.index]),
        _level("household", of_household.round(), homes.to_numpy()[of_household.index],
               household_built, household_life),
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _level(
    name: str, found: pd.DataFrame, ids: np.ndarray | None, built: pd.DataFrame | None = None,
    life: pd.DataFrame | None = None,
) -> pd.DataFrame:  # fmt: skip
    held, high, long = (
        part[name].round().to_numpy() if part is not None and name in part
        else np.full(len(found), np.nan)
        for part, name in ((built, "p90"), (built, "p10"), (life, "p90"))
    )  # fmt: skip
    return pd.DataFrame(
        {
            "level": name,
            "id": pd.Series(found.index if ids is None else ids).astype("str"),
            "p90_kwh": found["p90"].to_numpy(),
            "p10_kwh": found["p10"].to_numpy(),
            "p90_built_kwh": held,
            "p10_built_kwh": high,
            "p90_life_kwh": long,
        }
    )


def of_level(
    ranges: pd.DataFrame, level: str, ids: pd.Series, names: dict[str, str]
) -> pd.DataFrame:
    """Ranges of a level in the order of some ids, under other names; 0 where nothing is built."""
    own = ranges[ranges["level"] == level].set_index("id").reindex(ids.astype(str))
    columns = {new: own[old].fillna(0.0).to_numpy() for old, new in names.items()}
    return pd.DataFrame({str(ids.name): ids.to_numpy(), **columns})
