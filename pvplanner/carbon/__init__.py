"""Carbon: what the air is spared, by a named method, pathway, year and coal convention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.carbon.coal import coal_convention, recognise_coal, standard_coal_t
from pvplanner.carbon.factors import CarbonBasis, carbon_basis
from pvplanner.energy.wear import remaining
from pvplanner.reference.products import find_module
from pvplanner.scenario import Scenario
from pvplanner.scenario.calendar import Calendar

__all__ = [
    "CarbonBasis",
    "avoided_by_year",
    "avoided_t",
    "carbon_balance",
    "carbon_basis",
    "coal_convention",
    "credit_value",
    "embodied_t",
    "recognise_coal",
    "standard_coal_t",
]


def avoided_t(
    energy_kwh: np.ndarray, basis: CarbonBasis, *, curtailment: float | np.ndarray = 0.0
) -> np.ndarray:
    """Avoided emissions of a typical year's energy, t CO2, to the kilogram; nan without a factor.

    Curtailed energy spares nothing.
    """
    energy = np.asarray(energy_kwh, dtype=float)
    if basis.factor is None:
        return np.full(energy.shape, np.nan)
    return np.round(energy * (1 - curtailment) * basis.factor.value / 1000, 3)


def avoided_by_year(
    energy_kwh: np.ndarray, basis: CarbonBasis, *, scenario: Scenario,
    kept: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Avoided emissions in each calendar year of life, t CO2; shape (n, calendar years).

    The factor follows the pathway.

    Parameters
    ----------
    energy_kwh : ndarray, shape (n,)
        Of a typical year.
    kept : ndarray, shape (n or 1, life_years), optional
        Each year's energy over the typical year's: wear and curtailment taken off if not given.
    """
    if kept is None:
        kept = remaining(scenario) * (1 - scenario.grid.curtailment)
    made = np.asarray(energy_kwh, dtype=float)[:, None] * kept
    return np.asarray(Calendar.of(scenario).spread(made) * basis.by_year / 1000)


def embodied_t(capacity_kwp: np.ndarray, scenario: Scenario) -> np.ndarray:
    """Embodied emissions of the system, t CO2e, to the kilogram.

    The module's part is per area: a more efficient product has less of it a kWp.
    """
    value = scenario.carbon.embodied_kg_per_kwp
    if value is None:
        named = {r["item"]: float(r["kgco2e_per_kwp"]) for r in reference.rows("embodied")}
        usual = find_module(Scenario.model_fields["module"].default.product)
        own = find_module(scenario.module.product)
        part = (named["module_low"] + named["module_high"]) / 2
        per_watt = (own.area_m2 / own.power_w) / (usual.area_m2 / usual.power_w)
        value = named["system_middle"] + part * (per_watt - 1)
    return np.round(np.asarray(capacity_kwp, dtype=float) * value / 1000, 3)


def carbon_balance(
    energy_kwh: np.ndarray, capacity_kwp: np.ndarray, basis: CarbonBasis, *, scenario: Scenario,
    kept: np.ndarray | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Avoided, embodied and net emissions, t CO2, to the kilogram.

    Returns
    -------
    dict
        ``embodied``, ``avoided_2030``, ``avoided_2060``, ``avoided_life``, ``net_2030``,
        ``net_2060``, ``net_life`` of shape (n,), and ``payback_years``: years until what is spared
        makes up for what was embodied, with the part of the last year; nan if never. The sums go
        to the end of the year named, or of the life.
    """
    yearly = avoided_by_year(energy_kwh, basis, scenario=scenario, kept=kept)
    embodied, calendar = embodied_t(capacity_kwp, scenario), Calendar.of(scenario)
    out: dict[str, np.ndarray] = {"embodied": embodied}
    for name, last in (("2030", 2030), ("2060", 2060), ("life", 9998)):
        out[f"avoided_{name}"] = np.round(yearly @ (calendar.years <= last), 3)
        out[f"net_{name}"] = np.round(out[f"avoided_{name}"] - embodied, 3)
    total = np.cumsum(yearly, axis=1)
    reached = total >= embodied[:, None]
    year = reached.argmax(axis=1)
    rows = np.arange(len(embodied))
    before = np.where(year > 0, total[rows, np.maximum(year - 1, 0)], 0.0)
    times = calendar.times
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (embodied - before) / yearly[rows, year]
    value = times[year] + part * (times[year + 1] - times[year])
    known = reached.any(axis=1) & (embodied > 0)
    out["payback_years"] = np.where(known, value, np.nan)
    return out


def household_carbon(
    people: pd.DataFrame, basis: CarbonBasis, *, scenario: Scenario, kept: np.ndarray | None = None
) -> pd.DataFrame:
    """What each household's modules spare and embody, t CO2.

    Parameters
    ----------
    people : DataFrame
        ``household_id``, ``energy_kwh``, ``capacity_kwp``, and ``curtailed`` where limits of the
        grid cut.

    Returns
    -------
    DataFrame
        ``household_id``, ``avoided_t``, ``embodied_t``, ``net_2030_t``, ``net_2060_t``,
        ``net_life_t``, ``carbon_payback_years``.
    """
    energy, capacity = (people[c].to_numpy(dtype=float) for c in ("energy_kwh", "capacity_kwp"))
    balance = carbon_balance(energy, capacity, basis, scenario=scenario, kept=kept)
    return pd.DataFrame(
        {
            "household_id": people["household_id"].to_numpy(),
            "avoided_t": household_avoided_t(people, "energy_kwh", basis, scenario),
            "embodied_t": balance["embodied"],
            **{f"net_{end}_t": balance[f"net_{end}"] for end in ("2030", "2060", "life")},
            "carbon_payback_years": balance["payback_years"],
        }
    )


def household_avoided_t(
    people: pd.DataFrame, name: str, basis: CarbonBasis, scenario: Scenario
) -> np.ndarray:
    """Avoided emissions of the column ``name`` of energy, less what is curtailed, t CO2."""
    taken = scenario.grid.curtailment
    if "curtailed" in people:
        taken = 1 - (1 - taken) * (1 - people["curtailed"].to_numpy(dtype=float))
    return avoided_t(people[name].to_numpy(dtype=float), basis, curtailment=taken)


def yearly_carbon(
    energy_kwh: np.ndarray,
    basis: CarbonBasis,
    *,
    scenario: Scenario,
    tradable_kwh: np.ndarray | None = None,
    kept: np.ndarray | None = None,
) -> pd.DataFrame:
    """A village's carbon by calendar year: ``year``, ``avoided_t``, and of the claim
    ``claim_count`` (certificates, or tonnes), ``claim_price`` and ``claim_value``.

    ``energy_kwh`` is each household's in a typical year, ``kept`` as for
    :func:`avoided_by_year`; ``tradable_kwh``, shape (calendar years,), what of each year's goes to
    the grid and outside the price mechanism: only that earns green certificates that can be sold.
    All of it if not given.
    """
    spared = avoided_by_year(energy_kwh, basis, scenario=scenario, kept=kept).sum(axis=0)
    if kept is None:
        kept = (remaining(scenario) * (1 - scenario.grid.curtailment))[None]
    sold = Calendar.of(scenario).spread((energy_kwh[:, None] * kept).sum(axis=0))
    if scenario.carbon.claim == "green_certificate" and tradable_kwh is not None:
        sold = tradable_kwh
    claim = credit_value(sold, basis, scenario=scenario)
    nothing = [0.0] * len(spared)
    told = {f"claim_{n}": claim[f"{n}_by_year"] or nothing for n in ("count", "price", "value")}
    years = Calendar.of(scenario).years
    return pd.DataFrame({"year": years, "avoided_t": spared.round(3), **told})


def claim_reason(scheme: str) -> str:
    """Word of why a scheme pays, or does not."""
    return f"credit_{scheme}"


def credit_value(
    energy_kwh: np.ndarray, basis: CarbonBasis, *, scenario: Scenario
) -> dict[str, Any]:
    """What the environmental claim of the energy may be worth, each megawatt-hour once.

    Parameters
    ----------
    energy_kwh : ndarray, shape (life_years,)
        Energy of each year that was not curtailed.

    Returns
    -------
    dict
        ``scheme``, ``eligible``, ``reason`` (a word), ``source``; of the first year
        ``mwh_claimed``, ``t_claimed`` and ``value``; and ``count_by_year``, ``price_by_year`` and
        ``value_by_year`` along the price path. A
        scheme that is not eligible claims and is worth nothing; a megawatt-hour sold as a green
        certificate leaves no tonne to be credited.
    """
    carbon = scenario.carbon
    mwh = np.asarray(energy_kwh, dtype=float) / 1000 * carbon.claim_share
    if carbon.claim == "none":
        none: dict[str, Any] = {"scheme": "none", "mwh_claimed": 0.0, "t_claimed": 0.0}
        return {**none, "value": 0.0, **{f"{n}_by_year": [] for n in ("count", "price", "value")}}
    row = next(r for r in reference.rows("credits") if r["scheme"] == carbon.claim)
    eligible = row["eligible"]
    certificate = carbon.claim == "green_certificate"
    column = "price_cny_per_mwh" if certificate else "price_cny_per_t"
    price = carbon.claim_price if carbon.claim_price is not None else float(row[column] or "nan")
    if eligible == "no":
        mwh, price = mwh * 0, 0.0
    if certificate:
        # One for each whole megawatt-hour, the rest carried on to the next year.
        mwh = np.diff(np.floor(np.cumsum(mwh) + 1e-9), prepend=0.0)
    tonnes = mwh * 0 if certificate else mwh * np.nan_to_num(basis.by_year)
    path = price * (1 + carbon.claim_price_growth) ** np.arange(len(mwh))
    value = np.round((mwh if certificate else tonnes) * path, 2)
    return {
        "scheme": carbon.claim,
        "eligible": eligible,
        "reason": claim_reason(carbon.claim),
        "source": row["source"],
        "mwh_claimed": round(float(mwh[0]), 3),
        "t_claimed": round(float(tonnes[0]), 3),
        "value": float(value[0]),
        "count_by_year": [float(v) for v in (mwh if certificate else tonnes.round(3))],
        "price_by_year": [float(v) for v in np.round(path, 4)],
        "value_by_year": [float(v) for v in value],
    }
