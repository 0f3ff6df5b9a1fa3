"""The last period that was measured, roof by roof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pvplanner.plan import Plan
from pvplanner.words import label, style


@dataclass(frozen=True)
class Measured:
    """A period that was measured.

    Attributes
    ----------
    period : str
    homes : DataFrame
        ``household_id``, ``measured_kwh``, ``expected_kwh`` of the same days.
    """

    period: str
    homes: pd.DataFrame


def period_words(measured: Measured | None, language: str) -> dict[str, str]:
    """The measure under its name with the period; nothing where none was measured."""
    if measured is None:
        return {}
    name = label("measured_ratio", language)
    return {"measured_ratio": style(language)["with_unit"].format(text=name, unit=measured.period)}


def ratio_of_roofs(plan: Plan, measured: Measured, buildings: pd.Series) -> np.ndarray:
    """What the households of each roof made over what was expected; nan where none is known.

    A household's reading is of all its roofs together, so that they are alike.
    """
    homes = measured.homes.set_index(measured.homes["household_id"].astype(str))
    homes = homes.dropna(subset=["measured_kwh", "expected_kwh"])
    links = plan.shares[["building_id", "household_id"]].astype(str)
    told = links.join(homes[["measured_kwh", "expected_kwh"]], on="household_id", how="inner")
    sums = told.groupby("building_id")[["measured_kwh", "expected_kwh"]].sum()
    ratio = sums["measured_kwh"] / sums["expected_kwh"].where(sums["expected_kwh"] > 0)
    return ratio.reindex(buildings.astype(str)).to_numpy(dtype=float)
