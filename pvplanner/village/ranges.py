"""P90 of roofs, buildings, households and villages, and where the doubt comes from."""

from __future__ import annotations

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
    usable = planes.set_index("plane_id").loc[arrays["plane_id"]]
    return roof_doubt(
        arrays,
        energy["energy_kwh"].to_numpy(),
        weather,
        scenario=scenario,
        components=doubt_components(scenario, weather, chinese=chinese),
        usable=usable,
    )


def add_p90(
    doubt: RoofDoubt,
    arrays: pd.DataFrame,
    energy: pd.DataFrame,
    buildings: pd.DataFrame,
    households: pd.DataFrame,
    villages: pd.DataFrame,
    shares: pd.DataFrame,
    *,
    scenario: Scenario,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The tables with ``energy_p90_kwh``, in the order energy, buildings, households, villages.

    A village's P90 is drawn for the village: it is not the sum of its roofs' P90s.
    """
    options = {"draws": scenario.doubt.draws, "seed": scenario.doubt.seed}
    rows = pd.DataFrame({"building_id": arrays["building_id"], "row": np.arange(len(arrays))})
    own = rows.rename(columns={"building_id": "group"}).assign(weight=1.0)
    linked = rows.merge(shares, on="building_id")
    theirs = linked.rename(columns={"household_id": "group", "share": "weight"})
    keys = ["division_code", "village"]
    place = buildings.set_index("building_id")[keys].agg("\n".join, axis=1)
    whole = own.assign(group=own["group"].map(place))
    single = draw_ranges(doubt, **options)["p90"]
    drawn = [draw_ranges(doubt, groups, **options)["p90"] for groups in (own, theirs, whole)]
    labels = (
        buildings["building_id"],
        households["household_id"],
        villages[keys].agg("\n".join, axis=1),
    )
    out = [energy.assign(energy_p90_kwh=single.to_numpy())]
    for table, label, p90 in zip((buildings, households, villages), labels, drawn, strict=True):
        known = label.map(p90).astype(float).fillna(0.0).round()
        out.append(table.assign(energy_p90_kwh=known))
    return out[0], out[1], out[2], out[3]


def doubt_table(doubt: RoofDoubt) -> list[dict[str, object]]:
    """Contributions as rows for a page, fractions to four digits."""
    table = contributions(doubt)
    for name in ("roof", "village"):
        table[name] = table[name].round(4)
    return table.to_dict("records")
