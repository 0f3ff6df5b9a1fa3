"""Whether a home's own battery pays: what it brings beside what it costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.demand import by_slot
from pvplanner.errors import Finding
from pvplanner.money import uses_own
from pvplanner.money.models import Case
from pvplanner.money.prices import export_price


def battery_worth(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """What the homes' batteries bring in the first year and cost a year, in one row.

    A battery saves what a bill falls by and gives up what that power would have earned, losses
    included; over its life it costs what it is bought for.

    Returns
    -------
    DataFrame
        ``homes``, ``battery_kwh``, ``gain`` and ``cost`` a year (nan where its price is not
        stated); none without a battery.
    """
    columns = ["homes", "battery_kwh", "gain", "cost"]
    own = uses_own(people["model"], case.terms) & (case.watts > 0)
    if "bill_plain" not in case.bills or not own.any():
        return pd.DataFrame({name: pd.Series(dtype=float) for name in columns})
    terms = case.terms
    saved = (case.bills["bill_plain"] - case.bills["bill_after_0"]).to_numpy(dtype=float)
    used = case.demand["self_used_kwh_0"].to_numpy(dtype=float)
    plain = by_slot(case.demand, "plain_used_kwh").sum(axis=(1, 2))
    lost = np.maximum(case.demand["battery_loss_kwh_0"].to_numpy(dtype=float), 0)
    price = export_price(terms.prices, case.month_worth, case.worth)[:, 0]
    gain = saved - (used - plain + lost) * price
    kwh = float(case.battery[own].sum())
    cost = kwh * terms.battery_cost / terms.battery_life_years if terms.battery_cost else np.nan
    row = {"homes": float(own.sum()), "battery_kwh": kwh, "gain": round(float(gain[own].sum()), 2),
           "cost": round(cost, 2)}  # fmt: skip
    return pd.DataFrame([row], columns=columns)


def battery_findings(worth: pd.DataFrame, currency: str) -> list[Finding]:
    """A battery whose cost is not counted, or that brings less than it costs."""
    if worth.empty:
        return []
    row = worth.iloc[0]
    told = {"gain": f"{row['gain']:,.0f} {currency}"}
    if not np.isfinite(row["cost"]):
        return [Finding("battery_uncosted", "demand.battery_cost_per_kwh", params=told)]
    if row["gain"] < row["cost"]:
        told["cost"] = f"{row['cost']:,.0f} {currency}"
        return [Finding("battery_loses", "demand.battery_kwh", params=told)]
    return []
