"""The dossier for green credit: what a loan officer needs to know. Facts, no score.

What is built, what the air is spared and by which method, the cash, the debt-service cover at P50
and P90, and the same stresses for all. A stress is an override of the scenario, so that anybody can
run the plan again under it and find the same numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.carbon import CarbonBasis, avoided_t, carbon_balance, standard_coal_t
from pvplanner.energy.doubt import Z90
from pvplanner.errors import InputError
from pvplanner.income import Case, borrower_cover, resolve_prices, run_model
from pvplanner.reference import load
from pvplanner.scenario import Scenario
from pvplanner.schema import MODELS

VERSION = "pvplanner-dossier-1"
"""Name of the form; the schema in ``dossier.schema.json`` carries it."""


@dataclass(frozen=True)
class Tables:
    """What a dossier is made from.

    Attributes
    ----------
    households, demand : DataFrame
        Of the plan, on the same rows.
    scenario : Scenario
    province : str or None
    basis : CarbonBasis
    module_area_m2 : float
    """

    households: pd.DataFrame
    demand: pd.DataFrame
    scenario: Scenario
    province: str | None
    basis: CarbonBasis
    module_area_m2: float


def stress_overrides(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """The stresses, each as an override of the scenario; the first is none."""
    events = [event.model_dump() for event in scenario.finance.events]
    outage = {"kind": "outage", "year": 1, "outage_months": 6.0}
    broken = {
        "kind": "inverter_failure",
        "year": 2,
        "outage_months": 1.0,
        "cost_per_w": scenario.finance.inverter_cost_per_w,
    }
    return {
        "as_planned": {},
        "price_minus_20": {"tariff.price_factor": scenario.tariff.price_factor * 0.8},
        "curtailment_10": {"grid.curtailment": round(1 - (1 - scenario.grid.curtailment) * 0.9, 9)},
        "outage_six_months": {"finance.events": [*events, outage]},
        "inverter_failure": {"finance.events": [*events, broken]},
    }


def covers(tables: Tables, model: str, scenario: Scenario, ratio: np.ndarray) -> np.ndarray:
    """Lowest debt-service cover of each household's borrower under a scenario; nan without debt."""
    prices = resolve_prices(scenario, tables.province)
    case = Case(
        tables.households, tables.demand, prices, scenario, ratio, tables.module_area_m2
    )  # fmt: skip
    return borrower_cover(case, run_model(case, model), model)


def p90_ratios(households: pd.DataFrame, loan_years: int) -> tuple[np.ndarray, np.ndarray]:
    """P90 over P50 of the energy as built: of any one year, and of the loan's life as a whole.

    Over the loan's years the good and bad ones average: their part of the variance is divided by
    the number of years, the rest stays.
    """
    energy = households["energy_kwh"].to_numpy(dtype=float)
    p90 = households["energy_p90_built_kwh"].to_numpy(dtype=float)
    one = np.divide(p90, energy, out=np.ones_like(energy), where=energy > 0)
    table = load("doubt").set_index("component")["one_sigma_fraction"]
    yearly = float(table["year_to_year"])
    sigma2 = ((1 - one) / Z90) ** 2
    rest = np.maximum(sigma2 - yearly**2 * (1 - 1 / loan_years), 0)
    life = np.where(one < 1, 1 - Z90 * np.sqrt(rest), 1.0)
    return np.clip(one, 0, 1), np.clip(life, 0, 1)


def stress_table(tables: Tables) -> list[dict[str, Any]]:
    """Lowest covers under each stress over all borrowers of the chosen models.

    Returns
    -------
    list of dict
        ``name``, ``borrowers``, ``p50``, ``p90`` (one year), ``life`` (P90 over the loan's life):
        medians by debt; ``below`` and ``below_p90``: share of the debt whose borrower's cover falls
        below 1. Empty where nobody borrows.
    """
    if tables.scenario.loan.share == 0:
        return []
    rows = []
    for name, change in stress_overrides(tables.scenario).items():
        scenario = tables.scenario.override(change)
        found: list[tuple[np.ndarray, np.ndarray]] = [
            _covers_by_model(tables, scenario, which) for which in ("p50", "p90", "life")
        ]
        (p50, debt), (p90, _), (life, _) = found
        known = np.isfinite(p50) & (debt > 0)
        if not known.any():
            return []
        owed = debt[known] / debt[known].sum()
        middle = [round(_by_debt(v[known], owed), 4) for v in (p50, p90, life)]
        rows.append(
            {
                "name": name,
                "borrowers": int(known.sum()),
                **dict(zip(("p50", "p90", "life"), middle, strict=True)),
                "below": round(float(owed[p50[known] < 1].sum()), 4),
                "below_p90": round(float(owed[p90[known] < 1].sum()), 4),
            }
        )
    return rows


def _by_debt(values: np.ndarray, owed: np.ndarray) -> float:
    """Median of covers, weighted by what is owed."""
    order = np.argsort(values)
    at = int(np.searchsorted(np.cumsum(owed[order]), 0.5 - 1e-12))
    return float(values[order][min(at, len(values) - 1)])


def _covers_by_model(
    tables: Tables, scenario: Scenario, which: str
) -> tuple[np.ndarray, np.ndarray]:
    """Cover and debt of each borrower under the chosen models; a collective counts once."""
    out, debts = [np.array([])], [np.array([])]
    chosen = tables.households["model"].to_numpy()
    built = tables.households["modules"].to_numpy(dtype=float) > 0
    watts = tables.households["capacity_kwp"].to_numpy(dtype=float) * 1000
    owed = watts * scenario.finance.capex_per_w * scenario.loan.share
    for model in MODELS:
        mine = (chosen == model) & (built | (model == "cooperative"))
        if not mine.any():
            continue
        part = _only(tables, mine)
        one, life = p90_ratios(part.households, scenario.loan.years)
        ratio = {"p50": np.ones_like(one), "p90": one, "life": life}[which]
        found = covers(part, model, scenario, ratio)
        together = model == "cooperative"
        out.append(found[:1] if together else found)
        debts.append(owed[mine].sum(keepdims=True) if together else owed[mine])
    return np.concatenate(out), np.concatenate(debts)


def _only(tables: Tables, rows: np.ndarray) -> Tables:
    return Tables(
        tables.households[rows].reset_index(drop=True),
        tables.demand[rows].reset_index(drop=True),
        tables.scenario,
        tables.province,
        tables.basis,
        tables.module_area_m2,
    )


def make_dossier(tables: Tables, household_id: str | None = None) -> dict[str, Any]:
    """The dossier of a household, or of the collective.

    Parameters
    ----------
    tables : Tables
    household_id : str, optional
        The collective, or else the whole village, if not given.

    Returns
    -------
    dict
        Ready for JSON; valid under :func:`dossier_schema`.

    Raises
    ------
    InputError
        If there is no such household.
    """
    people = tables.households
    if household_id is None:
        mine = (people["model"] == "cooperative").to_numpy()
        kind = "collective" if mine.any() else "village"
        mine = mine if mine.any() else np.ones(len(people), dtype=bool)
    else:
        mine, kind = (people["household_id"] == household_id).to_numpy(), "household"
        if not mine.any():
            raise InputError("household_unknown", where="dossier", household=household_id)
    part = _only(tables, mine)
    finance = _finance(tables, mine, kind)
    borrows = bool(finance["loan"])
    # A household whose roof another party uses owes nothing and has no cover.
    stresses = [
        _stress(part if borrows else None, tables.scenario, name, change)
        for name, change in stress_overrides(tables.scenario).items()
    ]
    ledger = ~part.households["own_building"].astype(bool)
    return {
        "form": VERSION,
        "plan": tables.scenario.name,
        "synthetic": tables.scenario.site.synthetic,
        "subject": {
            "kind": kind,
            "id": household_id or "",
            "households": int(ledger.sum()) if ledger.any() else int(mine.sum()),
        },
        "built": _built(part),
        "carbon": _carbon(part),
        "finance": finance,
        "borrows": borrows,
        "cover": {key: stresses[0][key] for key in ("p50", "p90_one_year", "p90_loan_life")},
        "stresses": stresses,
        "fails_under": [s["name"] for s in stresses if (s["debt_below_one_p50"] or 0) > 0],
        "fails_under_p90": [s["name"] for s in stresses if (s["debt_below_one_p90"] or 0) > 0],
        "p90_horizon": "one year; and the loan's life, over which good and bad years average",
        "security": {
            "pledge": tables.scenario.loan.pledge,
            "guarantor": tables.scenario.loan.guarantor,
            "reserve_account": tables.scenario.loan.reserve_account,
        },
        "note": "Facts for a loan officer. This is no score."
        if borrows
        else "This subject borrows nothing: there is no cover to state. This is no score.",
    }


def _stress(
    tables: Tables | None, scenario: Scenario, name: str, change: dict[str, Any]
) -> dict[str, Any]:
    out: dict[str, Any] = {"name": name, "overrides": change}
    keys = ("p50", "p90_one_year", "p90_loan_life", "debt_below_one_p50", "debt_below_one_p90")
    if tables is None:
        return {**out, **dict.fromkeys(keys)}
    stressed = scenario.override(change)
    found = [_covers_by_model(tables, stressed, w) for w in ("p50", "p90", "life")]
    (p50, debt), (p90, _), (life, _) = found
    known = np.isfinite(p50) & (debt > 0)
    if not known.any():
        return {**out, **dict.fromkeys(keys)}
    owed = debt[known] / debt[known].sum()
    values = [round(_by_debt(v[known], owed), 4) for v in (p50, p90, life)]
    values += [round(float(owed[v[known] < 1].sum()), 4) for v in (p50, p90)]
    return {**out, **dict(zip(keys, values, strict=True))}


def _built(tables: Tables) -> dict[str, Any]:
    people = tables.households
    return {
        "product": tables.scenario.module.product,
        "modules": round(float(people["modules"].sum()), 2),
        "capacity_kwp": round(float(people["capacity_kwp"].sum()), 3),
        "energy_kwh": float(people["energy_kwh"].sum()),
        "energy_p90_built_kwh": float(people["energy_p90_built_kwh"].sum()),
    }


def _carbon(tables: Tables) -> dict[str, Any]:
    people, basis = tables.households, tables.basis
    energy = people["energy_kwh"].to_numpy(dtype=float)
    capacity = people["capacity_kwp"].to_numpy(dtype=float)
    taken = tables.scenario.grid.curtailment
    balance = carbon_balance(energy, capacity, basis, scenario=tables.scenario)
    p90 = avoided_t(people["energy_p90_built_kwh"].to_numpy(dtype=float), basis, curtailment=taken)
    factor = basis.factor
    return {
        "method": basis.method,
        "pathway": basis.pathway,
        "factor_kg_per_kwh": factor.value if factor else None,
        "factor_source": factor.source if factor else "",
        "factor_year": factor.year if factor else "",
        "avoided_t": _known(avoided_t(energy, basis, curtailment=taken).sum(), 3),
        "avoided_p90_t": _known(p90.sum(), 3),
        "embodied_t": _known(balance["embodied"].sum(), 3),
        "net_2030_t": _known(balance["net_2030"].sum(), 3),
        "net_2060_t": _known(balance["net_2060"].sum(), 3),
        "net_life_t": _known(balance["net_life"].sum(), 3),
        "standard_coal_t": _known(standard_coal_t(energy, basis).sum(), 3),
        "coal_convention": basis.convention,
    }


def _finance(tables: Tables, mine: np.ndarray, kind: str) -> dict[str, Any]:
    """What the subject itself pays, borrows and receives, from the plan's own ledgers."""
    scenario, people = tables.scenario, tables.households
    prices = resolve_prices(scenario, tables.province)
    chosen = people["model"].to_numpy()
    net = np.zeros(scenario.finance.life_years + 1)
    capital = loan = 0.0
    for model in MODELS:
        rows = np.flatnonzero(chosen == model)
        if len(rows) == 0 or not mine[rows].any():
            continue
        part = _only(tables, chosen == model)
        ones = np.ones(len(rows))
        case = Case(part.households, part.demand, prices, scenario, ones, tables.module_area_m2)
        ledger = run_model(case, model)
        if kind == "collective":
            given = sum(f.fen.sum(axis=0) for f in ledger.flows if f.item == "dividend") / 100
            net = net + ledger.of_party("collective") + given
        else:
            net = net + ledger.of_households()[mine[rows]].sum(axis=0)
        payer = "collective" if kind == "collective" else "household"
        for flow in ledger.flows:
            amount = flow.fen[mine[rows]].sum() if flow.fen.ndim == 2 else flow.fen.sum()
            capital += amount / 100 if flow.item == "capital" and flow.payer == payer else 0.0
            loan += amount / 100 if flow.item == "loan" and flow.payee == payer else 0.0
    part = _only(tables, mine)
    first, unsure = (
        part.households[name].sum(skipna=False)
        for name in ("income_first_year", "income_first_year_p90")
    )
    return {
        "model": ", ".join(m for m in MODELS if (chosen[mine] == m).any()),
        "currency": scenario.finance.currency,
        "capital": _known(capital, 2),
        "loan": _known(loan, 2),
        "loan_rate": scenario.loan.rate,
        "loan_years": scenario.loan.years,
        "loan_kind": scenario.loan.kind,
        "cash_by_year": [_known(value, 2) for value in net],
        "income_first_year": _known(first, 2),
        "income_first_year_p90": _known(unsure, 2),
    }


def _known(value: Any, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def dossier_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a dossier."""
    text = resources.files("pvplanner").joinpath("dossier.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
