"""Money and carbon in a plan: demand, bills, business models and their ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.carbon import (
    CarbonBasis,
    avoided_by_year,
    avoided_t,
    carbon_balance,
    credit_value,
    recognise_coal,
)
from pvplanner.demand import (
    Bills,
    find_bills,
    read_meter,
    share_village_battery,
    simulate_demand,
    village_load,
)
from pvplanner.energy import simulate_total_hours
from pvplanner.income import (
    Case,
    Prices,
    cash_flows,
    gini,
    household_income,
    internal_rate,
    lowest_cover,
    net_present_value,
    payback,
    remaining,
    run_model,
)
from pvplanner.scenario import Press, Scenario
from pvplanner.schema import MEASURES, MODELS
from pvplanner.weather import Weather


@dataclass(frozen=True)
class Market:
    """Prices, the household tariff and the area of a module: what money needs beside energy."""

    prices: Prices
    bills: Bills | None
    module_area_m2: float


def simulate_household_demand(
    households: pd.DataFrame,
    arrays: pd.DataFrame,
    shares: pd.DataFrame,
    weather: Weather,
    *,
    scenario: Scenario,
    province: str | None,
    horizon: np.ndarray | None = None,
) -> tuple[pd.DataFrame, Bills | None]:
    """The demand table of a plan and the tariff that it was billed by."""
    bills = find_bills(scenario, province)
    meter = read_meter(scenario.demand.meter) if scenario.demand.meter else None
    demand = simulate_demand(
        households, arrays, shares, weather, scenario=scenario, bills=bills,
        first_year=float(remaining(scenario)[0]), meter=meter, horizon=horizon,
    )  # fmt: skip
    return demand, bills


def add_money_and_carbon(
    households: pd.DataFrame,
    demand: pd.DataFrame,
    *,
    market: Market,
    basis: CarbonBasis,
    scenario: Scenario,
) -> pd.DataFrame:
    """Households with income by model (expected and P90), bills, self-use and avoided emissions."""
    out = households.copy()
    energy = out["energy_kwh"].to_numpy(dtype=float)
    first_year = energy * remaining(scenario)[0]
    out["energy_first_year_kwh"] = np.round(first_year, 2)
    out["load_kwh"] = demand["load_kwh"].round(0)
    one = _case(out, demand, market, scenario)
    used = one.self_used[:, 0]
    out["self_used_kwh"] = np.round(used, 2)
    share = np.divide(used, first_year, out=np.full(len(out), np.nan), where=first_year > 0)
    out["self_consumption"] = share
    out["bill_before"] = demand["bill_before"].round(2)
    out["bill_saved"] = np.round(one.saved[:, 0], 2)
    income = _income(out, demand, market, scenario, np.ones(len(out)))
    p90 = out["energy_p90_built_kwh"].to_numpy(dtype=float)
    ratio = np.divide(p90, energy, out=np.ones_like(p90), where=energy > 0)
    unsure = _income(out, demand, market, scenario, np.clip(ratio, 0, 1))
    names = [*MEASURES, *(f"{m}_{name}" for m in MODELS for name in MEASURES)]
    out = pd.concat([out, income, unsure[names].add_suffix("_p90")], axis=1)
    local = rural_income(scenario)
    out["income_of_rural_income"] = out["income_first_year"] / local if local else np.nan
    taken = scenario.grid.curtailment
    out["avoided_t"] = avoided_t(energy, basis, curtailment=taken)
    built = out["energy_p90_built_kwh"].to_numpy(dtype=float)
    out["avoided_p90_t"] = avoided_t(built, basis, curtailment=taken)
    capacity = out["capacity_kwp"].to_numpy(dtype=float)
    balance = carbon_balance(energy, capacity, basis, scenario=scenario)
    out["embodied_t"] = balance["embodied"]
    for name in ("net_2030", "net_2060", "net_life"):
        out[f"{name}_t"] = balance[name]
    out["carbon_payback_years"] = balance["payback_years"]
    return out


def carbon_facts(
    households: pd.DataFrame, basis: CarbonBasis, scenario: Scenario
) -> dict[str, Any]:
    """The village's carbon by year: sums of its households, with method and pathway named."""
    energy = households["energy_kwh"].to_numpy(dtype=float)
    yearly = avoided_by_year(energy, basis, scenario=scenario).sum(axis=0)
    sold = energy.sum() * remaining(scenario) * (1 - scenario.grid.curtailment)
    return {
        "method": basis.method,
        "pathway": basis.pathway,
        "factor": basis.factor.value if basis.factor else None,
        "factor_source": basis.factor.source if basis.factor else "",
        "factor_year": basis.factor.year if basis.factor else "",
        "first_year": basis.first_year,
        "by_year": [_number(v, 3) for v in yearly],
        "embodied_t": _number(households["embodied_t"].sum(), 3),
        **{
            name: _number(households[name].sum(skipna=False), 3)
            for name in ("net_2030_t", "net_2060_t", "net_life_t")
        },
        "claim": credit_value(sold, basis, scenario=scenario),
    }


def _income(
    households: pd.DataFrame,
    demand: pd.DataFrame,
    market: Market,
    scenario: Scenario,
    ratio: np.ndarray,
) -> pd.DataFrame:
    return household_income(
        households, demand, prices=market.prices, scenario=scenario,
        module_area_m2=market.module_area_m2, ratio=ratio,
    )  # fmt: skip


def _case(
    households: pd.DataFrame, demand: pd.DataFrame, market: Market, scenario: Scenario
) -> Case:
    ones = np.ones(len(households))
    return Case(households, demand, market.prices, scenario, ones, market.module_area_m2)


def collective_facts(
    households: pd.DataFrame, demand: pd.DataFrame, *, market: Market, scenario: Scenario
) -> dict[str, Any]:
    """What the collective itself pays, earns and keeps, where any household chose it."""
    mine = (households["model"] == "cooperative").to_numpy()
    if not mine.any():
        return {}
    case = _case(households[mine], demand[mine], market, scenario)
    ledger = run_model(case, "cooperative")
    # What it gives to members is its purpose: the return is looked at before dividends.
    nothing = np.zeros(case.years + 1)
    given = sum((f.fen.sum(axis=0) for f in ledger.flows if f.item == "dividend"), nothing) / 100
    flows = (ledger.of_party("collective") + given)[None]
    rate = scenario.finance.discount_rate
    balances = ledger.balances
    cover = lowest_cover(balances["available"][None], balances["service"][None])
    kept = ledger.of_party("collective").sum()
    return {
        "members": int(case.member.sum()),
        "capital": _number(case.capital.sum(), 2),
        "surplus_first_year": _number(flows[0, 1], 2),
        "dividend_first_year": _number(np.asarray(given).ravel()[1], 2),
        "npv": _number(net_present_value(flows, rate)[0], 2),
        "irr": _number(internal_rate(flows)[0], 6),
        "payback_years": _number(payback(flows)[0], 2),
        "dscr_min": _number(cover[0], 3),
        "kept_after_dividends": _number(kept, 2),
        "reserve_at_end": _number(balances["reserve"][-1], 2) if "reserve" in balances else None,
    }


def ledger_facts(
    households: pd.DataFrame, demand: pd.DataFrame, *, market: Market, scenario: Scenario
) -> list[dict[str, Any]]:
    """The chosen models' ledger, summed over households: a row per item, payer and payee."""
    rows = []
    for model in MODELS:
        mine = (households["model"] == model).to_numpy()
        if not mine.any():
            continue
        ledger = run_model(_case(households[mine], demand[mine], market, scenario), model)
        for flow in ledger.flows:
            yearly = flow.fen.reshape(-1, ledger.years + 1).sum(axis=0) / 100
            rows.append(
                {
                    "model": model,
                    "item": flow.item,
                    "payer": flow.payer,
                    "payee": flow.payee,
                    "by_year": [_number(v, 2) for v in yearly],
                }
            )
    return rows


def press_facts(
    scenario: Scenario, households: pd.DataFrame, demand: pd.DataFrame, *, market: Market
) -> list[dict[str, Any]]:
    """The plan's first year beside what was said elsewhere, with the price that each implies.

    A difference of income is that of the price (at the other's energy), that of the energy (at our
    price), and the costs that we count against the sales.
    """
    if not scenario.press:
        return []
    entries = ledger_facts(households, demand, market=market, scenario=scenario)
    sold = ("feed_in", "surplus", "bill_saved")
    sales = sum(e["by_year"][1] or 0.0 for e in entries if e["item"] in sold)
    costs = ("running", "insurance", "free_kwh", "vat", "tax", "interest", "principal")
    spent = sum(e["by_year"][1] or 0.0 for e in entries if e["item"] in costs)
    energy = float(households["energy_first_year_kwh"].sum())
    price = sales / energy
    collective = collective_facts(households, demand, market=market, scenario=scenario)
    rows: list[dict[str, Any]] = [
        {
            "name": "",
            "energy": round(energy),
            "income": round(sales, 2),
            "price": round(price, 4),
            "by_costs": round(spent, 2),
            "payback": collective.get("payback_years"),
            "note": "",
            "source": "",
        }
    ]
    for said in scenario.press:
        other = said.income / said.energy_kwh
        rows.append(
            {
                "name": said.name,
                "energy": said.energy_kwh,
                "income": said.income,
                "price": round(other, 4),
                "payback": said.payback_years,
                "by_price": round((other - price) * said.energy_kwh, 2),
                "by_energy": round((said.energy_kwh - energy) * price, 2),
                "coal": _press_coal(said),
                "note": said.note,
                "source": said.source,
            }
        )
    return rows


def _press_coal(said: Press) -> dict[str, object] | None:
    """Which standard-coal convention a stated figure implies."""
    if said.coal_t is None:
        return None
    if said.co2_t is not None:
        return recognise_coal(said.coal_t, co2_t=said.co2_t)
    return recognise_coal(said.coal_t, energy_kwh=said.energy_kwh)


def plan_cash_flows(
    households: pd.DataFrame,
    demand: pd.DataFrame,
    *,
    market: Market,
    scenario: Scenario,
    model: str | None,
) -> pd.DataFrame:
    """The ledger as a table; see :func:`pvplanner.income.cash_flows`."""
    return cash_flows(
        households, demand, prices=market.prices, scenario=scenario,
        module_area_m2=market.module_area_m2, model=model,
    )  # fmt: skip


def fairness(households: pd.DataFrame, scenario: Scenario) -> dict[str, float | None]:
    """Common prosperity as numbers: Gini and low-income share before and after.

    Of ledger households whose present income is known; ``None`` where it is not.
    """
    people = households[~households["own_building"].astype(bool)]
    today = people["income_today"].to_numpy(dtype=float)
    known = np.isfinite(today)
    gained = people["income_first_year"].to_numpy(dtype=float)
    low = people["low_income"].eq(True).fillna(False).to_numpy(dtype=bool)
    local = rural_income(scenario)
    mean = float(np.mean(gained)) if len(gained) else float("nan")
    return {
        "gini_before": _number(gini(today[known]), 4),
        "gini_after": _number(gini((today + gained)[known]), 4),
        "low_income_share_before": _number(_part(today[known], low[known]), 4),
        "low_income_share_of_gain": _number(_part(gained, low), 4),
        "income_of_rural_income": _number(mean / local, 4) if local else None,
    }


def rural_income(scenario: Scenario) -> float | None:
    """Rural disposable income per head: the scenario's, or Ningbo's latest for Zhejiang."""
    stated = scenario.finance.rural_income_per_head
    if stated is None and scenario.site.province == "Zhejiang":
        return float(reference.load("local_income")["cny_per_head"].iloc[-1])
    return stated


def _part(values: np.ndarray, mine: np.ndarray) -> float:
    total = values.sum()
    return float(values[mine].sum() / total) if total > 0 else float("nan")


def _number(value: Any, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def village_battery_facts(
    households: pd.DataFrame,
    arrays: pd.DataFrame,
    weather: Weather,
    demand: pd.DataFrame,
    scenario: Scenario,
    horizon: np.ndarray | None = None,
) -> dict[str, float]:
    """What a shared battery does with the village's export and import of each hour.

    The village is taken as one household: what neighbours use of each other's power at once needs
    no battery.
    """
    if scenario.demand.village_battery_kwh == 0:
        return {}
    made = simulate_total_hours(arrays, weather, scenario=scenario, horizon=horizon).to_numpy()
    made = made * remaining(scenario)[0]
    load = village_load(households, demand, scenario)
    spare, lack = np.maximum(made - load, 0), np.maximum(load - made, 0)
    found = share_village_battery(spare, lack, scenario=scenario)
    direct = float(np.minimum(made, load).sum())
    return {"used_in_village_kwh": round(direct, 1), **{k: round(v, 1) for k, v in found.items()}}
