"""What the page needs to reckon money as Python does: rates, payments, columns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.demand import SCALES
from pvplanner.mapping.pack import Packer
from pvplanner.money import COLLECTIVE, Case, Terms, all_models, owner_of, payments_of
from pvplanner.money.fiscal import business_bands, rent_terms
from pvplanner.money.models import QUANTITIES
from pvplanner.money.payments import alike_share, done_by
from pvplanner.plan import Plan


def pack_households(
    plan: Plan, packer: Packer, internal: bool, *, planned: bool = False
) -> list[dict[str, Any]]:
    """Put the households into ``packer`` and return what the page's money needs besides, for each
    village; ``planned`` asks for the plan's own figures too.
    """
    people = plan.households
    told = [part.case() for part in plan.parts.values()]
    place = pd.Series(np.arange(len(people)), people["household_id"].astype(str).to_numpy())
    ids = np.concatenate([homes["household_id"].astype(str) for homes, _ in told])
    rows = place[ids].to_numpy()
    packer.texts("households", "household_id", _text(people["household_id"]))
    packer.numbers("households", "energy_kwh", people["energy_kwh"])
    packer.numbers("households", "watts", people["capacity_kwp"] * 1000, 3)
    packer.numbers("households", "modules", people["modules"], 6)
    packer.texts("households", "model", _text(people["model"]))
    packer.texts("households", "project_class", _text(people["project_class"]))
    packer.integers("households", "own", people["own_building"].astype(bool))
    hamlet = people["hamlet"] if "hamlet" in people else people["village"]
    packer.texts("households", "hamlet", _text(hamlet))
    for key, digits in (("energy_p90_built_kwh", 0), ("avoided_t", 3)):
        packer.numbers("households", key, people[key], digits)
    nodes = _nodes(told[0][1])
    columns = [_use(case, nodes) for _, case in told]
    # Of very many the last digits, which no figure shows, would be most of the page.
    coarser = 1 if len(people) > MANY_HOMES else 0
    for key, (_, digits) in columns[0].items():
        values = np.empty(len(people))
        values[rows] = np.concatenate([own[key][0] for own in columns])
        fine = digits - coarser if key.startswith(COARSENED) else digits
        packer.numbers("households", key, values, fine)
    if planned:
        packer.numbers(
            "households", "first_planned", people["income_first_year"].to_numpy(float), 1
        )
        packer.numbers("households", "payback_planned", people["payback_years"].to_numpy(float), 2)
    if "phase" in people:
        packer.numbers("households", "phase", people["phase"])
    if len(told) > 1:
        part = np.empty(len(people))
        part[rows] = np.repeat(np.arange(len(told)), [len(homes) for homes, _ in told])
        packer.integers("households", "part", part)
    if internal:
        packer.texts("households", "household_name", _text(people["household_name"]))
        low = people["low_income"].astype("boolean")
        packer.texts("households", "low_income", ["yes" if v is True else "no" if v is False else ""
                                                  for v in low.astype(object)])  # fmt: skip
        packer.numbers("households", "income_today", people["income_today"].astype(float))
        packer.numbers("households", "consumption_kwh", people["consumption_kwh"].astype(float))
    return [_engine(homes, case, nodes) for homes, case in told]


MANY_HOMES = 20_000
COARSENED = ("used_", "saved_", "lost_", "worth", "month_worth")


def is_live(plan: Plan) -> bool:
    """Whether the page reckons the money of every model that the plan uses."""
    for part in plan.parts.values():
        homes, case = part.case()
        together = any(owner_of(m) == COLLECTIVE for m in homes["model"].dropna().unique())
        if len(case.on) > 1 or (together and _hangs_on_the_poor(case)):
            return False
    return True


def _hangs_on_the_poor(case: Case) -> bool:
    """Whose dividends depend on who is poor can't be reckoned without saying who is."""
    return case.terms.cooperative.low_income_share > 0 and bool(case.poor.any())


def _text(values: Any) -> list[str]:
    return [str(v) for v in values.astype(object).where(values.notna(), "")]


def _nodes(case: Case) -> dict[str, Any]:
    """Which simulated scales the years lie between: index of the upper one and the way to it."""
    # By what holds for all roofs; where single ones are hit the page does not reckon.
    terms = case.terms
    scale = terms.kept * case.on[0] / terms.left[0] if case.count else np.ones(case.years)
    order = np.argsort([0.0, *SCALES])
    nodes = np.array([0.0, *SCALES])[order]
    above = np.clip(np.searchsorted(nodes, scale), 1, len(nodes) - 1)
    way = (scale - nodes[above - 1]) / (nodes[above] - nodes[above - 1])
    used = sorted(set(above) | set(above - 1))
    place = {node: n for n, node in enumerate(used)}
    columns = [int(order[node]) - 1 for node in used]
    return {
        "columns": columns,
        "above": [place[n] for n in above],
        "below": [place[n - 1] for n in above],
        "way": [float(w) for w in way],
    }


def _use(case: Case, nodes: dict[str, Any]) -> dict[str, tuple[np.ndarray, int]]:
    """Own use, bills saved and battery losses at the scales in use, and their digits; 1 Wh and
    whole fen.
    """
    demand, bills, count = case.demand, case.bills, case.count
    out: dict[str, tuple[np.ndarray, int]] = {}
    if case.terms.self_use_share is not None:
        out["used_cap"] = (case.self_used[:, 0], 3)
    before = bills["bill_before"].to_numpy(dtype=float)
    for n, column in enumerate(nodes["columns"]):
        nothing = np.zeros(count)
        used, saved, lost = nothing, nothing, nothing
        if column >= 0:
            used = demand[f"self_used_kwh_{column}"].to_numpy(dtype=float)
            saved = before - bills[f"bill_after_{column}"].to_numpy(dtype=float)
            lost = np.maximum(demand[f"battery_loss_kwh_{column}"].to_numpy(dtype=float), 0)
        out |= {f"used_{n}": (used, 2), f"saved_{n}": (saved, 3), f"lost_{n}": (lost, 2)}
    out |= {"worth": (case.worth, 6), "month_worth": (case.month_worth, 6)}
    out["free_kwh"] = (case.free_kwh, 2)
    if "curtailed" in case.people:
        out["let_through"] = (case.let_through, 9)
    out["member"] = (np.asarray(case.member, dtype=float), 0)
    return out


def _engine(homes: pd.DataFrame, case: Case, nodes: dict[str, Any]) -> dict[str, Any]:
    terms, chosen = case.terms, homes["model"]
    basis, calendar = terms.carbon, case.calendar
    kinds = sorted(set(homes["project_class"].astype(str)))
    return {
        "life": terms.years,
        "years": calendar.count,
        "first_year": terms.connection_date.year,
        "first_whole": calendar.first_whole,
        "whole": calendar.whole,
        "part": calendar.part,
        "part_made": calendar.part_made,
        "times": _list(calendar.times[1:]),
        "instalments": {name: _list(v.sum(axis=1)) for name, v in terms.instalments.items()},
        "months": [_list(year) for year in calendar.by_month],
        "quarters": [_list(year) for year in calendar.quarters],
        "made": _list(terms.kept * case.on[0]),
        "standing": _list(case.standing[0]),
        "by_roof": len(case.on) > 1,
        "rates": _rates(terms),
        "models": {model: _model(model, case) for model in all_models()},
        "quantities": list(QUANTITIES),
        "known": bool(terms.prices.costs_known),
        "tiers": terms.tariff is not None and terms.tariff.source != "scenario",
        "price_factor": terms.prices.factor,
        "own_hours": terms.prices.own_hours,
        "month_worth": terms.month_worth,
        "hour_worth": terms.hour_worth,
        "nodes": nodes,
        "self_use_share": terms.self_use_share,
        "rent_basis": terms.finance.rent_basis,
        "area": terms.product.area_m2,
        "mechanism": _mechanism(case),
        "allowed": {kind: list(terms.allowed.get(kind, all_models())) for kind in kinds},
        "used": [model for model in all_models() if chosen.eq(model).any()],
        "battery_kwh": terms.battery_kwh,
        "class_grant": dict(terms.finance.grant_per_w),
        "cooperative": {
            "equal_share": alike_share(terms),
            "by_volume": terms.finance.body == "cooperative",
            "provision": terms.cooperative.provision,
            "reserve_most": terms.reserve.most,
            "withheld": 0.0 if terms.low_income_named else terms.cooperative.low_income_share,
            "live": not _hangs_on_the_poor(case),
        },
        **_taxes(case),
        "factor": None if basis.factor is None else basis.factor.value,
        "curtailment": terms.curtailment,
    }


def _taxes(case: Case) -> dict[str, Any]:
    """What the rules of taxes need, by calendar years."""
    law, finance = case.terms.taxes, case.terms.finance
    constant = reference.constant
    return {
        "taxed": finance.vat_rate > 0 or finance.vat_rate_after > 0,
        "vat_rate": _list(law.vat),
        "vat_free": [bool(v) for v in law.vat_free],
        "vat_free_per_quarter": law.vat_free_per_quarter,
        "vat_free_per_sale": law.vat_free_per_sale,
        "vat_general": constant("vat_rate_general").value,
        "vat_limit": constant("vat_general_limit").value,
        "tax_rates": [_list(rates) for rates in law.income],
        "tax_limit": law.income_limit,
        "loss_years": law.loss_years,
        "person_off": constant("person_off").value,
        "business_bands": business_bands(),
        "rent_at_once": finance.rent_taxed == "at_once",
        "rent_years": 1 if finance.rent_taxed == "at_once" else finance.lease_term,
        "rent_law": rent_terms(),
        "city_tax": _list(law.city),
        "dividend_tax": finance.dividend_tax,
        "done": _list(done_by(case, [1.0 if e.everywhere else 0.0 for e in finance.events])),
    }


def _rates(terms: Terms) -> dict[str, list[float | None]]:
    """Every rate by name, and the years in which the plant stands."""
    return {**{name: _list(values) for name, values in terms.rates.items()},
            "there": _list(terms.there)}  # fmt: skip


def _model(model: str, case: Case) -> dict[str, Any]:
    """Payments of a model whose conditions hold, and rates that differ from the plan's own."""
    names = ("item", "payer", "payee", "quantity", "rate", "when", "rule")
    owner = owner_of(model)
    terms = case.of_owner(owner).terms
    told = money_sources()
    rows = [
        {**{name: value for name, value in asdict(row).items() if name in names},
         "source": told.index(row.source)}
        for row in payments_of(model) if terms.holds(row.only)
    ]  # fmt: skip
    usual, mine = _rates(case.terms), _rates(terms)
    rates = {name: values for name, values in mine.items() if values != usual[name]}
    return {"owner": owner, "payments": rows, "rates": rates}


def money_sources() -> list[str]:
    """Where the payments of the models are from, each once."""
    return list(dict.fromkeys(row["source"] for row in reference.rows("models")))


def _mechanism(case: Case) -> dict[str, Any] | None:
    found = case.terms.mechanism
    if found is None:
        return None
    prices = case.terms.prices
    market = prices.market_alone if prices.market_alone is not None else np.asarray(found.market)
    return {
        "share": found.share,
        "price": prices.mechanism_price,
        "years": found.years,
        "market": _list(market),
    }


def _list(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
