"""The four dimensions of the government work report as numbers that can be held against a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.demand import by_slot

GROWTH, SECURITY, CARBON, LIVES = (
    "economic_growth", "energy_security", "carbon", "residents",
)  # fmt: skip
"""Economic growth, energy security, carbon emissions, residents' lives."""


def four_dimensions(
    villages: pd.DataFrame,
    homes: pd.DataFrame,
    use: pd.DataFrame,
    ledger: pd.DataFrame,
    collective: pd.DataFrame,
    fairness: pd.DataFrame,
    transformers: pd.DataFrame,
    *,
    first_whole: int,
    peak_share: float,
) -> pd.DataFrame:
    """A village's scoreboard: each figure with where it is from.

    Parameters
    ----------
    villages : DataFrame
        The village's one row.
    homes : DataFrame
        ``income_first_year``, ``net_life_t``, ``modules``, ``own_building`` of each household.
    use : DataFrame
        ``energy_first_year_kwh``, ``load_kwh``, ``self_used_kwh``.
    ledger : DataFrame
        ``item``, ``payee``, ``year``, ``yuan``.
    collective, fairness, transformers : DataFrame
        As the plan has them; without rows what hangs on them is unknown.
    first_whole : int
        First whole calendar year of the ledger.
    peak_share : float
        Own use over load in the peak hours of the day; nan where no hours are parted.

    Returns
    -------
    DataFrame
        ``dimension``, ``measure``, ``value`` (nan where unknown), ``unit``, ``basis``.
    """
    row = villages.iloc[0] if len(villages) else pd.Series(dtype=float)
    year = ledger[ledger["year"] == first_whole]
    sold = year.loc[year["item"].isin(SALES) & (year["yuan"] > 0), "yuan"].sum()
    made = float(use["energy_first_year_kwh"].sum())
    own = float(use["self_used_kwh"].sum())
    load = float(use["load_kwh"].sum())
    earns = homes["income_first_year"].sum(min_count=1)
    surplus = collective["surplus_first_year"].sum() if len(collective) else np.nan
    low = transformers[transformers["level"] == "transformer"] if len(transformers) else None
    red = np.nan if low is None else float((low["colour_after"] == "red").sum())
    back = np.nan if low is None else float(low["back_hours"].max())
    fair = fairness.iloc[0] if len(fairness) else {}
    gini = _of(fair, "gini_after") - _of(fair, "gini_before")
    told = [
        (GROWTH, "capital", _of(row, "capital"), "money", "basis_tables"),
        (GROWTH, "sales", float(sold) if len(year) else np.nan, "money", "basis_ledger"),
        (GROWTH, "income", float(earns), "money", "basis_tables"),
        (GROWTH, "collective", float(surplus), "money", "basis_ledger"),
        (SECURITY, "self_sufficiency", _part(own, load), "share", "basis_demand"),
        (SECURITY, "self_use", _part(own, made), "share", "basis_demand"),
        (SECURITY, "peak_share", peak_share, "share", "basis_demand"),
        (SECURITY, "red", red, "count", "basis_transformers"),
        (SECURITY, "back_hours", back, "hours", "basis_transformers"),
        (CARBON, "avoided", _of(row, "avoided_t"), "tonnes", "basis_tables"),
        (CARBON, "life_net", float(homes["net_life_t"].sum(min_count=1)), "tonnes",
         "basis_tables"),
        (CARBON, "coal", _of(row, "standard_coal_t"), "tce", "basis_tables"),
        (LIVES, "households", _of(row, "households_with_pv"), "count", "basis_tables"),
        (LIVES, "per_household", _of(row, "income_per_household"), "money", "basis_tables"),
        (LIVES, "of_rural", _of(fair, "income_of_rural_income"), "share", "basis_fairness"),
        (LIVES, "low_income", _of(row, "low_income_share"), "share", "basis_tables"),
        (LIVES, "gini", gini, "gini", "basis_fairness"),
    ]  # fmt: skip
    names = ["dimension", "measure", "value", "unit", "basis"]
    return pd.DataFrame(told, columns=names).astype({"value": float})


SALES = ("feed_in", "surplus", "bill_saved")
"""Items of the ledger that are what the energy brings."""


def _of(row: pd.Series | dict[str, float], name: str) -> float:
    value = row.get(name, np.nan)
    return float("nan") if value is None else float(value)


def _part(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def own_at_peak(demand: pd.DataFrame) -> float:
    """Own use over load in the hours that bills call peak; nan where they part no hours."""
    load, own = by_slot(demand, "load_kwh"), by_slot(demand, "self_used_kwh_0")
    if load.shape[2] < 2:
        return float("nan")
    return _part(float(own[:, :, 1].sum()), float(load[:, :, 1].sum()))
