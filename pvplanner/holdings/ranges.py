"""P90 and P10 of arrays, buildings, households and villages, in one pass."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.energy import RoofDoubt, as_built, doubt_components, energy_ranges, roof_doubt
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
    rows = planes.set_index("plane_id").loc[arrays["plane_id"]]
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


def plan_ranges(
    doubt: RoofDoubt, arrays: pd.DataFrame, links: pd.DataFrame, buildings: pd.DataFrame
) -> pd.DataFrame:
    """Ranges of the energy at every level: a whole's is not the sum of its parts'.

    Returns
    -------
    DataFrame
        ``level`` (``array``, ``building``, ``household``, ``village``), ``id``, ``p90_kwh`` and
        ``p10_kwh``, and for households and villages ``p90_built_kwh``: of the planned modules once
        they stand, without the doubt whether the roof holds as many. Money is reckoned on that,
        since it pays for them. Kilowatt-hours are whole but for arrays.
    """
    own = pd.DataFrame({"group": arrays["building_id"].to_numpy(), "row": np.arange(len(arrays))})
    own["weight"] = 1.0
    linked = own.merge(links.rename(columns={"building_id": "group"}), on="group")
    theirs = linked[["row"]].assign(group=linked["household_id"], weight=linked["share"])
    place = pd.Series(village_id(buildings).to_numpy(), buildings["building_id"].to_numpy())
    village = own.assign(group=place.loc[own["group"]].to_numpy())
    built = as_built(doubt)
    parts = [
        _level("array", energy_ranges(doubt).set_axis(arrays["array_id"])),
        _level("building", energy_ranges(doubt, own).round()),
        _level("household", energy_ranges(doubt, theirs).round(), energy_ranges(built, theirs)),
        _level("village", energy_ranges(doubt, village).round(), energy_ranges(built, village)),
    ]
    return pd.concat(parts, ignore_index=True)


def _level(name: str, found: pd.DataFrame, built: pd.DataFrame | None = None) -> pd.DataFrame:
    held = np.full(len(found), np.nan) if built is None else built["p90"].round().to_numpy()
    return pd.DataFrame(
        {
            "level": name,
            "id": found.index.astype(str),
            "p90_kwh": found["p90"].to_numpy(),
            "p10_kwh": found["p10"].to_numpy(),
            "p90_built_kwh": held,
        }
    )


def of_level(
    ranges: pd.DataFrame, level: str, ids: pd.Series, names: dict[str, str]
) -> pd.DataFrame:
    """Ranges of a level in the order of some ids, under other names; 0 where nothing is built."""
    own = ranges[ranges["level"] == level].set_index("id").reindex(ids.astype(str))
    columns = {new: own[old].fillna(0.0).to_numpy() for old, new in names.items()}
    return pd.DataFrame({str(ids.name): ids.to_numpy(), **columns})
