"""Results as a whole held against what is known: a slip that no single input shows, shows here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.errors import Finding
from pvplanner.reference import provincial
from pvplanner.reference.ranges import in_currency, plain_unit, ranges

RESTS_ON = {
    "specific_yield_over_light": "site.weather, system.losses, site.dsm",
    "light_over_typical": "site.weather",
    "income_per_kwh": "tariff.export_price, tariff.self_use_price",
    "kwp_per_household": "site.buildings, site.crs, site.households",
    "used_at_home": "households.consumption_kwh, demand.meter, demand.self_use_share",
    "payback_years": "finance.capex_per_w, tariff.export_price, tariff.self_use_price",
    "lcoe": "finance.capex_per_w, finance.opex_per_w_year, finance.life_years",
}
"""Which inputs a figure hangs on most."""

FEW = 5
"""Medians of fewer households say nothing about a unit."""


def whole_figures(
    energy: pd.DataFrame, arrays: pd.DataFrame, homes: pd.DataFrame, light: float,
    light_over_typical: float,
) -> dict[str, float]:  # fmt: skip
    """Figures of a village by which slips show; nan where there is none.

    Parameters
    ----------
    energy, arrays : DataFrame
        ``energy_kwh`` and ``capacity_kwp``.
    homes : DataFrame
        ``capacity_kwp``, ``energy_first_year_kwh``, ``income_first_year``, ``self_used_kwh``,
        ``own_use`` (whether its model sells only the surplus), ``payback_years``, ``lcoe``,
        ``own_building``.
    light : float
        GHI of the year, kWh/m2.
    light_over_typical : float
        GHI over that of the packaged climate.
    """
    kwp = float(arrays["capacity_kwp"].sum())
    built = homes[homes["capacity_kwp"] > 0]
    made = float(built["energy_first_year_kwh"].sum())
    users = built[built["own_use"].to_numpy(dtype=bool)]
    used = float(users["energy_first_year_kwh"].sum())
    people = built[~built["own_building"].astype(bool)]
    return {
        "capacity_kwp": kwp,
        "specific_yield_over_light": _part(float(energy["energy_kwh"].sum()) / light, kwp),
        "light_over_typical": light_over_typical,
        "income_per_kwh": _part(float(built["income_first_year"].sum(skipna=False)), made),
        "kwp_per_household": _middle(people["capacity_kwp"]),
        "used_at_home": _part(float(users["self_used_kwh"].sum()), used) if len(users) >= FEW
        else np.nan,
        "payback_years": _middle(built["payback_years"]),
        "lcoe": _middle(built["lcoe"]),
    }  # fmt: skip


def _part(value: float, whole: float) -> float:
    return value / whole if whole > 0 else np.nan


def _middle(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) >= FEW else np.nan


def odd_figures(figures: dict[str, float], currency: str) -> list[Finding]:
    """``result_odd`` for each figure beyond what is known, ``result_nothing`` where nothing is
    built.

    An income below the range is no slip where debt is served or prices are poor: only one above is
    asked about.
    """
    out = []
    if figures["capacity_kwp"] == 0:
        out.append(Finding("result_nothing", "module"))
    for measure, value in figures.items():
        if measure == "capacity_kwp":
            continue
        usual = in_currency(ranges()[f"result.{measure}"], currency)
        low_is_fine = measure == "income_per_kwh"
        if usual is None or np.isnan(value) or usual.holds(value):
            continue
        if low_is_fine and value < usual.low:
            continue
        unit = plain_unit(usual.unit, currency)
        params = {
            "measure": measure, "value": f"{value:.3g} {unit}".strip(), "low": f"{usual.low:g}",
            "high": f"{usual.high:g} {unit}".strip(), "source": usual.source,
            "keys": RESTS_ON[measure],
        }  # fmt: skip
        out.append(Finding("result_odd", measure, params=params))
    return out


def self_use_below(halls: pd.DataFrame, province: str | None) -> list[Finding]:
    """General commercial roofs that use less of their energy themselves than the province asks.

    Parameters
    ----------
    halls : DataFrame
        ``energy_first_year_kwh``, ``self_used_kwh`` and ``own_use`` of such roofs.
    province : str or None
    """
    rule = provincial.self_use_least(province) if province is not None else None
    made = float(halls["energy_first_year_kwh"].sum())
    if rule is None or made <= 0:
        return []
    used = float(halls.loc[halls["own_use"].to_numpy(dtype=bool), "self_used_kwh"].sum())
    share, least = used / made, rule.value
    if share >= least:
        return []
    params = {"share": f"{share:.0%}", "least": f"{least:.0%}", "province": str(province),
              "rule": rule.source}  # fmt: skip
    return [Finding("self_use_low", "tariff", len(halls), params)]
