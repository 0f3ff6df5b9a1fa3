"""Hours of a village, by the results of its stages: made when asked, kept by no stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pvplanner.plan.stages import _lit

if TYPE_CHECKING:
    import pandas as pd

    from pvplanner.scenario import Scenario


def village_hours(result: Callable[[str], Any], scenario: Scenario) -> pd.DataFrame:
    """A typical year of the village hour by hour, float32.

    Parameters
    ----------
    result : callable
        Gives a stage's result by its name.
    scenario : Scenario

    Returns
    -------
    DataFrame, 8760 rows
        ``hour`` (0 to 8759, of the weather's clock), ``pv_kw``, ``self_used_kw``, ``export_kw``,
        ``load_kw``; the year's ``pv_kw`` sums to the tables' ``energy_kwh``.
    """
    from pvplanner.demand import simulate_village_hours

    people, holdings, arrays = (result(name) for name in ("people", "holdings", "arrays"))
    ready, angles = _lit(result("sky"), result("horizons"), result("planes"), arrays, scenario)
    homes = people.assign(project_class=holdings["project_class"].to_numpy())
    made = simulate_village_hours(
        homes, arrays, result("links"), ready, scenario=scenario, meter=result("meter"),
        horizon=angles,
    )  # fmt: skip
    made = made[["pv_kw", "self_used_kw", "export_kw", "load_kw"]].astype("float32")
    made.insert(0, "hour", range(len(made)))
    return made
