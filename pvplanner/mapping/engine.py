"""What the page needs to reckon money as Python does: years, prices, and columns of households."""

from __future__ import annotations

from typing import Any

import numpy as np

from pvplanner.carbon import carbon_basis
from pvplanner.demand import SCALES
from pvplanner.energy.wear import remaining
from pvplanner.income import is_allowed, loan_schedule, resolve_prices
from pvplanner.income.models import Case, event_costs, running_costs, value_added_tax
from pvplanner.income.prices import REFORM
from pvplanner.mapping.pack import Packer
from pvplanner.modules import find_product
from pvplanner.scenario import Scenario
from pvplanner.schema import MODELS
from pvplanner.village import Plan


def pack_households(plan: Plan, packer: Packer, internal: bool) -> dict[str, Any]:
    """Put the households into ``packer`` and return what the page's money needs besides."""
    people, scenario = plan.households, plan.scenario
    prices = resolve_prices(scenario, plan.facts.get("province"))
    area = find_product(scenario).area_m2
    case = Case(people, plan.demand, prices, scenario, np.ones(len(people)), area)
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
    nodes = _nodes(scenario, case)
    _pack_use(packer, plan, case, nodes)
    if internal:
        packer.texts("households", "household_name", _text(people["household_name"]))
        low = people["low_income"].astype("boolean")
        packer.texts("households", "low_income", ["yes" if v is True else "no" if v is False else ""
                                                  for v in low.astype(object)])  # fmt: skip
        packer.numbers("households", "income_today", people["income_today"].astype(float))
        packer.numbers("households", "consumption_kwh", people["consumption_kwh"].astype(float))
    return _engine(plan, case, prices, nodes)


def _text(values: Any) -> list[str]:
    return [str(v) for v in values.astype(object).where(values.notna(), "")]


def _nodes(scenario: Scenario, case: Case) -> dict[str, Any]:
    """Which simulated scales the years lie between: index of the upper one and the way to it."""
    scale = case.scale[0] if case.count else np.ones(case.years)
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


def _pack_use(packer: Packer, plan: Plan, case: Case, nodes: dict[str, Any]) -> None:
    """Own use, bills saved and battery losses at the scales in use; 1 Wh and whole fen."""
    demand, count = plan.demand, case.count
    flat = plan.scenario.demand.self_use_share is not None
    if flat:
        packer.numbers("households", "used_cap", case.self_used[:, 0], 3)
    before = demand["bill_before"].to_numpy(dtype=float)
    for n, column in enumerate(nodes["columns"]):
        nothing = np.zeros(count)
        used, saved, lost = nothing, nothing, nothing
        if column >= 0:
            used = demand[f"self_used_kwh_{column}"].to_numpy(dtype=float)
            saved = before - demand[f"bill_after_{column}"].to_numpy(dtype=float)
            lost = np.maximum(demand[f"battery_loss_kwh_{column}"].to_numpy(dtype=float), 0)
        packer.numbers("households", f"used_{n}", used, 2)
        packer.numbers("households", f"saved_{n}", saved, 3)
        packer.numbers("households", f"lost_{n}", lost, 2)
    packer.numbers("households", "worth", case.worth, 6)
    free = plan.scenario.cooperative.free_kwh_per_month * 12
    use = plan.households["consumption_kwh"].to_numpy(dtype=float)
    packer.numbers("households", "free_kwh", np.fmin(free, use) if free else np.zeros(count), 2)
    packer.integers("households", "member", np.asarray(case.member, dtype=np.int64))


def _engine(plan: Plan, case: Case, prices: Any, nodes: dict[str, Any]) -> dict[str, Any]:
    scenario, years = plan.scenario, case.years
    finance, tariff, coop = scenario.finance, scenario.tariff, scenario.cooperative
    basis = carbon_basis(scenario, plan.facts.get("province"))
    one = Case(case.households.iloc[:1].assign(capacity_kwp=0.001), case.demand.iloc[:1], prices,
               scenario, np.ones(1), case.module_area_m2)  # fmt: skip
    running = np.sum([yuan[0] for _, _, yuan in running_costs(one)], axis=0)
    events = [(cost[0], covered[0]) for _, cost, covered in event_costs(one)]
    interest, principal = loan_schedule(
        np.ones(1), scenario.loan.rate, scenario.loan.years, scenario.loan.kind
    )
    made = remaining(scenario) * case.running_part * (1 - scenario.grid.curtailment)
    low = plan.households["low_income"].eq(True).fillna(False)
    vat_free = value_added_tax(np.full(years, 1e-9), scenario) == 0
    on = tariff.connection_date
    rent_one = Case(one.households.assign(modules=1.0, capacity_kwp=1.0), one.demand, prices,
                    scenario, np.ones(1), case.module_area_m2)  # fmt: skip
    return {
        "years": years,
        "made": _list(made),
        "fixed": _list(prices.fixed),
        "market": _list(prices.market),
        "subsidy": _list(prices.subsidy),
        "self_use": _one(prices.self_use),
        "tiers": tariff.self_use_price is None,
        "price_factor": tariff.price_factor,
        "nodes": nodes,
        "self_use_share": scenario.demand.self_use_share,
        "capex_per_w": finance.capex_per_w,
        "known": bool(prices.costs_known),
        "running": _list(running),
        "event_cost": _list(sum((c for c, _ in events), np.zeros(years))),
        "event_insured": _list(sum((i for _, i in events), np.zeros(years))),
        "loan": {"share": scenario.loan.share, "interest": _list(_padded(interest[0], years)),
                 "principal": _list(_padded(principal[0], years))},
        "rent": {"basis": finance.rent_basis, "once": finance.rent_once,
                 "each": _list(rent_one.rent()[0] / _rented(rent_one)),
                 "area": case.module_area_m2},
        "mechanism": _mechanism(plan, prices),
        "allowed": {kind: [m for m in MODELS if is_allowed(m, str(kind), on)[0]]
                    for kind in sorted(set(plan.households["project_class"].astype(str)))},
        "developer": {"discount": scenario.developer.discount,
                      "export_share": scenario.developer.export_share,
                      "pays_rent": scenario.developer.pays_rent},
        "cooperative": {
            "mode": coop.mode, "grant": coop.grant, "reserve_rate": coop.reserve_rate,
            "equal_share": coop.equal_share, "low_income_share": coop.low_income_share,
            "pays_rent": coop.pays_rent, "tax_rate": finance.tax_rate,
            "free_paid_by": coop.free_kwh_paid_by, "vat_rate": finance.vat_rate,
            "vat_free": [bool(v) for v in vat_free],
            "vat_free_per_month": finance.vat_free_per_month,
            # Whose dividends depend on who is poor can't be reckoned without saying who is.
            "live": not (coop.low_income_share > 0 and bool(low.any())),
        },
        "factor": None if basis.factor is None else basis.factor.value,
        "factor_by_year": _list(basis.by_year),
        "curtailment": scenario.grid.curtailment,
        "model": {kind: finance.model_by_class.get(kind, finance.model)
                  for kind in sorted(set(plan.households["project_class"].astype(str)))},
        "first_year": on.year,
    }  # fmt: skip


def _rented(case: Case) -> float:
    basis = case.scenario.finance.rent_basis
    return {"module": 1.0, "m2": case.module_area_m2, "kwp": 1.0, "lump": 1.0}[basis]


def _padded(values: np.ndarray, years: int) -> np.ndarray:
    return np.pad(values, (0, max(years - len(values), 0)))[:years]


def _mechanism(plan: Plan, prices: Any) -> dict[str, Any] | None:
    """Prices with none and with all under the mechanism; ``None`` where there is no mechanism."""
    tariff, share = plan.scenario.tariff, prices.sources.get("mechanism_share")
    if tariff.export_price is not None or tariff.connection_date < REFORM or share is None:
        return None
    none, whole = (
        resolve_prices(
            plan.scenario.override({"tariff.mechanism_share": s}), plan.facts.get("province")
        )
        for s in (0.0, 1.0)
    )
    if not (np.isfinite(none.market).all() and np.isfinite(whole.fixed).all()):
        return None
    return {"share": share.value, "price": float(whole.fixed[0]), "market": _list(none.market),
            "years": tariff.mechanism_years}  # fmt: skip


def _list(values: np.ndarray) -> list[float | None]:
    return [_one(v) for v in values]


def _one(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
