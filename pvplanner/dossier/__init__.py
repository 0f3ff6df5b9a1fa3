"""The dossier for green credit: what a loan officer needs to know. Facts, no score.

What is built, what the air is spared and by which method, the cash, the debt-service cover at P50
and P90, and the same stresses for all. A stress is an override of the scenario, so that anybody can
run the plan again under it and find the same numbers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.carbon import standard_coal_t
from pvplanner.dossier.borrowing import borrowers_risk, rounded
from pvplanner.errors import InputError
from pvplanner.money import (
    COLLECTIVE,
    HOUSEHOLD,
    all_models,
    chosen_rows,
    owner_of,
    run_model,
)
from pvplanner.money.stress import PROBABLE, covers, stress_overrides, summed_up
from pvplanner.plan import Plan
from pvplanner.schema import PLANNED, POOR

VERSION = "pvplanner-dossier-1"
"""Name of the form; the schema in ``dossier.schema.json`` carries it."""

COVERS = ("p50", "p90_one_year", "p90_loan_life")
"""How the form names :data:`pvplanner.money.stress.PROBABLE`."""


def make_dossier(plan: Plan, household_id: str | None = None) -> dict[str, Any]:
    """The dossier of a household, or of the collective.

    Parameters
    ----------
    plan : Plan
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
    plan = _village_of(plan, household_id)
    people = _people(plan)
    if household_id is None:
        pooled = [m for m in all_models() if owner_of(m) == COLLECTIVE]
        mine = people["model"].isin(pooled).to_numpy()
        kind = "collective" if mine.any() else "village"
        mine = mine if mine.any() else np.ones(len(people), dtype=bool)
    else:
        mine, kind = (people["household_id"] == household_id).to_numpy(), "household"
        if not mine.any():
            raise InputError("household_unknown", where="dossier", household=household_id)
    part = people[mine]
    finance = _finance(plan, mine, kind)
    borrows = bool(finance["loan"])
    stresses = _stresses(plan, mine if borrows else None)
    ledger = ~part["own_building"].astype(bool)
    return {
        "form": VERSION,
        "plan": plan.scenario.name,
        "synthetic": plan.synthetic,
        "subject": {
            "kind": kind,
            "id": household_id or "",
            "households": int(ledger.sum()) if ledger.any() else int(mine.sum()),
        },
        "built": _built(plan, part, whole=bool(mine.all())),
        "carbon": _carbon(plan, part),
        "finance": finance,
        "borrows": borrows,
        "cover": {key: stresses[0][key] for key in COVERS},
        **borrowers_risk(plan, mine, kind, borrows),
        "stresses": stresses,
        "fails_under": [s["name"] for s in stresses if (s["debt_below_one_p50"] or 0) > 0],
        "fails_under_p90": [s["name"] for s in stresses if (s["debt_below_one_p90"] or 0) > 0],
        "p90_horizon": "one year; and the loan's life, over which good and bad years average",
        "security": {
            "pledge": plan.scenario.loan.pledge,
            "guarantor": plan.scenario.loan.guarantor,
            "reserve_account": plan.scenario.loan.reserve_account,
        },
        "note": "Facts for a loan officer. This is no score."
        if borrows
        else "This subject borrows nothing: there is no cover to state. This is no score.",
    }


def _village_of(plan: Plan, household_id: str | None) -> Plan:
    """The plan of the village in which a household lives, its people by identifier."""
    if household_id is None or len(plan.parts) == 1:
        return plan
    for part in plan.parts.values():
        if household_id in set(part.result("people")["household_id"]):
            return part
    raise InputError("household_unknown", where="dossier", household=household_id)


def _people(plan: Plan) -> pd.DataFrame:
    """Households in the order in which the money sees them."""
    ids = plan.case()[0]["household_id"]
    return plan.households.set_index("household_id").loc[ids].reset_index()


def _stresses(plan: Plan, mine: np.ndarray | None) -> list[dict[str, Any]]:
    """Covers under each stress; ``None`` throughout for a subject that borrows nothing."""
    _, case = plan.case()
    doubt = plan.result("doubt")
    yearly = float(doubt.loc[doubt["component"] == "year_to_year", "roof"].iloc[0])
    people, out = _people(plan), []
    below = {"below": "debt_below_one_p50", "below_p90": "debt_below_one_p90"}
    names = {**dict(zip(PROBABLE, COVERS, strict=True)), **below}
    for name, change in stress_overrides(case.terms).items():
        found = None
        if mine is not None:
            rows = np.flatnonzero(mine)
            own = case.part(rows)
            stressed = replace(own, terms=own.terms.stressed(name, change))
            found = summed_up(*covers(people.iloc[rows], stressed, yearly))
        values = {new: None if found is None else found[old] for old, new in names.items()}
        out.append({"name": name, "overrides": change, **values})
    return out


def _built(plan: Plan, people: pd.DataFrame, whole: bool) -> dict[str, Any]:
    # Of a village the P90 of the sum: good and bad roofs even out, each P90 by itself does not.
    unsure = (plan.villages if whole else people)["energy_p90_built_kwh"].sum()
    return {
        "product": plan.terms.product.name,
        "modules": round(float(people["modules"].sum()), 2),
        "capacity_kwp": round(float(people["capacity_kwp"].sum()), 3),
        "energy_kwh": float(people["energy_kwh"].sum()),
        "energy_p90_built_kwh": float(unsure),
    }


def _carbon(plan: Plan, people: pd.DataFrame) -> dict[str, Any]:
    basis = plan.terms.carbon
    factor, energy = basis.factor, people["energy_kwh"].to_numpy(dtype=float)
    names = {"avoided_t": "avoided_t", "avoided_p90_t": "avoided_p90_t", "embodied_t": "embodied_t",
             "net_2030_t": "net_2030_t", "net_2060_t": "net_2060_t",
             "net_life_t": "net_life_t"}  # fmt: skip
    return {
        "method": basis.method,
        "pathway": basis.pathway,
        "factor_kg_per_kwh": factor.value if factor else None,
        "factor_source": factor.source if factor else "",
        "factor_year": factor.year if factor else "",
        **{new: rounded(people[old].sum(skipna=False), 3) for old, new in names.items()},
        "standard_coal_t": rounded(standard_coal_t(energy, basis).sum(), 3),
        "coal_convention": basis.convention,
    }


def _finance(plan: Plan, mine: np.ndarray, kind: str) -> dict[str, Any]:
    """What the subject itself pays, borrows and receives, from the plan's own ledgers."""
    homes, case = plan.case()
    terms, chosen = case.terms, homes["model"].to_numpy()
    net = np.zeros(case.calendar.count + 1)
    capital = loan = 0.0
    payer = COLLECTIVE if kind == "collective" else HOUSEHOLD
    for model, rows in chosen_rows(homes, terms):
        if not mine[rows].any():
            continue
        ledger = run_model(case.part(rows), model)
        if kind == "collective":
            net = net + ledger.of_party(COLLECTIVE) - ledger.received(COLLECTIVE, "dividend")
        else:
            net = net + ledger.of_households()[mine[rows]].sum(axis=0)
        for flow in ledger.flows:
            amount = flow.fen[mine[rows], 0].sum() if flow.fen.ndim == 2 else flow.fen[0]
            capital += (
                amount / 100 if flow.item in ("capital", "battery") and flow.payer == payer else 0.0
            )
            loan += amount / 100 if flow.item == "loan" and flow.payee == payer else 0.0
    ids = homes.loc[mine, ["household_id", "model"]]
    measures = plan.measures.set_index(["case", "household_id", "model"])["income_first_year"]
    first, unsure = (
        measures.loc[name].reindex(pd.MultiIndex.from_frame(ids)).sum(skipna=False)
        for name in (PLANNED, POOR)
    )
    return {
        "model": ", ".join(m for m in all_models() if (chosen[mine] == m).any()),
        "currency": terms.finance.currency,
        "capital": rounded(capital, 2),
        "loan": rounded(loan, 2),
        "loan_rate": terms.loan.rate,
        "loan_years": terms.loan.years,
        "loan_kind": terms.loan.kind,
        "cash_by_year": [rounded(value, 2) for value in net],
        "income_first_year": rounded(first, 2),
        "income_first_year_p90": rounded(unsure, 2),
    }


def dossier_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a dossier."""
    text = resources.files("pvplanner").joinpath("dossier.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
