"""P90 of roofs, buildings, households and villages, and where the doubt comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from pvplanner.energy import contributions, doubt_components, draw_ranges, roof_doubt
from pvplanner.energy.doubt import RoofDoubt
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
    """What is drawn for the arrays of a plan."""
    usable = _room(arrays, planes)
    return roof_doubt(
        arrays,
        energy["energy_kwh"].to_numpy(),
        weather,
        scenario=scenario,
        components=doubt_components(scenario, weather, chinese=chinese),
        usable=usable,
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


def add_p90(
    doubt: RoofDoubt,
    arrays: pd.DataFrame,
    energy: pd.DataFrame,
    buildings: pd.DataFrame,
    households: pd.DataFrame,
    shares: pd.DataFrame,
    *,
    scenario: Scenario,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Energy, buildings and households with ``energy_p90_kwh``.

    Households have ``energy_p90_built_kwh`` as well: of the planned modules once they stand,
    without the doubt whether the roof holds as many. Money is reckoned on that, since it pays for
    them.
    """
    rows = _own_rows(arrays)
    linked = rows.merge(shares.rename(columns={"building_id": "group"}), on="group")
    theirs = linked[["row"]].assign(group=linked["household_id"], weight=linked["share"])
    single = draw_ranges(doubt, **_options(scenario))["p90"]
    of_building = draw_ranges(doubt, rows, **_options(scenario))["p90"]
    of_household = draw_ranges(doubt, theirs, **_options(scenario))["p90"]
    built = draw_ranges(_as_built(doubt), theirs, **_options(scenario))["p90"]
    return (
        energy.assign(energy_p90_kwh=single.to_numpy()),
        buildings.assign(energy_p90_kwh=_whole(buildings["building_id"].map(of_building))),
        households.assign(
            energy_p90_kwh=_whole(households["household_id"].map(of_household)),
            energy_p90_built_kwh=_whole(households["household_id"].map(built)),
        ),
    )


def village_p90(
    doubt: RoofDoubt,
    arrays: pd.DataFrame,
    buildings: pd.DataFrame,
    villages: pd.DataFrame,
    *,
    scenario: Scenario,
    built: bool = False,
) -> pd.Series:
    """P90 of each village, drawn for the village: not the sum of its roofs' P90s."""
    doubt = _as_built(doubt) if built else doubt
    keys = ["division_code", "village"]
    rows = _own_rows(arrays)
    place = buildings.set_index("building_id")[keys].agg("\n".join, axis=1)
    drawn = draw_ranges(doubt, rows.assign(group=rows["group"].map(place)), **_options(scenario))
    return _whole(villages[keys].agg("\n".join, axis=1).map(drawn["p90"]))


def _as_built(doubt: RoofDoubt) -> RoofDoubt:
    nothing = np.zeros_like(doubt.below)
    return replace(doubt, below=nothing, above=nothing)


def _own_rows(arrays: pd.DataFrame) -> pd.DataFrame:
    rows = {"group": arrays["building_id"].to_numpy(), "row": np.arange(len(arrays))}
    return pd.DataFrame(rows).assign(weight=1.0)


def _options(scenario: Scenario) -> dict[str, int]:
    return {"draws": scenario.doubt.draws, "seed": scenario.doubt.seed}


def _whole(values: pd.Series) -> pd.Series:
    return values.astype(float).fillna(0.0).round()


def doubt_table(doubt: RoofDoubt) -> list[dict[str, object]]:
    """Contributions as rows for a page, fractions to four digits."""
    table = contributions(doubt)
    for name in ("roof", "village"):
        table[name] = table[name].round(4)
    return table.to_dict("records")
