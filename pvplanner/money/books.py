"""The books of a plan: ledger sums, the collective's own result, and what was said elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.carbon import recognise_coal
from pvplanner.errors import Finding, listed
from pvplanner.money import (
    COLLECTIVE,
    Case,
    chosen_rows,
    owner_of,
    run_model,
)
from pvplanner.money.explain import basis_of
from pvplanner.money.ledger import divide_fen
from pvplanner.money.measures import gini
from pvplanner.money.models import DEVELOPER
from pvplanner.money.owners import GIVEN, owner_cover, owner_result
from pvplanner.money.terms import Terms
from pvplanner.scenario import Press

SOLD = ("feed_in", "surplus", "bill_saved")
SPENT = ("running", "insurance", "free_kwh", "vat", "surcharge", "tax", "income_tax", "interest",
         "principal")  # fmt: skip
"""Items that make the sales of a plan, and the costs that are counted against them."""


def ledger_sums(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The chosen models' ledger, summed over households.

    Returns
    -------
    DataFrame
        ``model``, ``item``, ``payer``, ``payee``, ``year`` (0 is before the first), ``yuan``; of
        the first whole year ``quantity`` and ``quantity_unit``, where a payment is reckoned on one.
    """
    parts = []
    for model, rows in chosen_rows(people, case.terms):
        own = case.part(rows)
        ledger = run_model(own, model)
        for flow in ledger.flows:
            yearly = flow.fen.reshape(-1, ledger.years + 1).sum(axis=0) / 100
            told: dict[str, Any] = {"model": model, "item": flow.item, "payer": flow.payer}
            told["payee"] = flow.payee
            basis, unit = basis_of(own, ledger, flow, model)
            year = np.arange(len(yearly))
            told |= {"year": year, "yuan": yearly.round(2), "quantity_unit": unit}
            told["quantity"] = np.where(year == own.calendar.first_whole, basis, np.nan)
            parts.append(pd.DataFrame(told))
    columns = ["model", "item", "payer", "payee", "year", "yuan", "quantity", "quantity_unit"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else _empty(columns)


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    numbers = {"year": "int64", "yuan": "float64", "quantity": "float64"}
    return pd.DataFrame({c: pd.Series(dtype=numbers.get(c, "str")) for c in columns})


def collective_result(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """What a collective itself pays, earns and keeps; a row for each model in which it owns.

    What it gives to members is its purpose: the return is looked at before dividends.
    """
    rows = []
    for model, mine in chosen_rows(people, case.terms):
        if owner_of(model) != COLLECTIVE:
            continue
        own = case.part(mine)
        ledger = run_model(own, model)
        given = -ledger.received(COLLECTIVE, GIVEN)
        reserve = ledger.balances["reserve"][-1] if "reserve" in ledger.balances else np.nan
        rows.append(
            {
                "model": model,
                "members": int(own.member.sum()),
                **owner_result(own, ledger),
                "dividend_first_year": round(float(given[own.calendar.first_whole]), 2),
                "dscr_min": owner_cover(ledger),
                "kept_after_dividends": round(float(ledger.of_party(COLLECTIVE).sum()), 2),
                "reserve_at_end": round(float(reserve), 2),
            }
        )
    columns = ["model", "members", "capital", "surplus_first_year", "dividend_first_year", "npv",
               "irr", "payback_years", "dscr_min", "kept_after_dividends",
               "reserve_at_end"]  # fmt: skip
    kinds = {"model": "str", "members": "int64"}
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({c: kinds.get(c, "float64") for c in columns})


def investor_result(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """What a developer invests and earns, for each model in which it owns; beside its hurdle."""
    rows = []
    for model, mine in chosen_rows(people, case.terms):
        if owner_of(model) != DEVELOPER:
            continue
        own = case.part(mine)
        found = owner_result(own, run_model(own, model))
        rows.append({"model": model, **found, "hurdle_rate": own.terms.developer.hurdle_rate})
    columns = ["model", "capital", "surplus_first_year", "npv", "irr", "payback_years",
               "hurdle_rate"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({c: "str" if c == "model" else "float64" for c in columns})


def below_hurdle(result: pd.DataFrame) -> list[Finding]:
    """Where a developer earns less than it asks, nobody builds."""
    found = []
    for row in result.to_dict("records"):
        irr, loses = row["irr"], row["capital"] > 0 and row["npv"] < 0
        if loses or irr < row["hurdle_rate"]:
            told = f"{irr:.1%}" if np.isfinite(irr) else "-"
            params = {"model": row["model"], "irr": told, "hurdle": f"{row['hurdle_rate']:.1%}"}
            found.append(Finding("developer_below_hurdle", "developer.hurdle_rate", params=params))
    return found


def owner_shares(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Each village's part of a plant that several own together.

    The write-off's money goes back to the villages' collectives, never to members (as in Yongping).

    Returns
    -------
    DataFrame
        ``model``, ``owner``, ``share``, and in whole fen that sum to the plant's own: ``capital``
        (what the owners put in), and of the first whole year ``write_off_year``, ``surplus_year``
        (what is left after costs, tax and interest, less the write-off).
    """
    names, parts = case.terms.cooperative.owners, []
    columns = ["model", "owner", "owner_share", "capital", "write_off_year", "surplus_year"]
    for model, mine in chosen_rows(people, case.terms) if names else []:
        if owner_of(model) != COLLECTIVE:
            continue
        own = case.part(mine)
        year, held = own.calendar.first_whole - 1, run_model(own, model).balances
        if "surplus" not in held:
            continue
        sums = np.rint([held[n][year] * 100 for n in ("own", "written_off", "surplus")])
        shares = np.array(list(names.values()))
        fen = divide_fen(np.maximum(sums, 0), shares) - divide_fen(np.maximum(-sums, 0), shares)
        yuan = fen / 100
        part = {"owner": list(names), "owner_share": shares}
        part |= {n: yuan[:, k] for k, n in enumerate(columns[3:])}
        parts.append(pd.DataFrame(part).assign(model=model)[columns])
    if not parts:
        kinds = {"model": "str", "owner": "str"}
        return pd.DataFrame({c: pd.Series(dtype=kinds.get(c, "float64")) for c in columns})
    return pd.concat(parts, ignore_index=True)


BALANCE = ("cash", "plant", "loan", "member_loans", "own", "granted", "renewal_fund", "reserve",
           "undistributed")  # fmt: skip
"""Of a collective: the first two are what it has, the others where that is from."""


def collective_balance(people: pd.DataFrame, case: Case) -> pd.DataFrame:
    """What a collective has and owes at the end of each year, for each model in which it owns.

    ``cash + plant = loan + member_loans + own + granted + renewal_fund + reserve + undistributed``,
    to the fen.
    """
    parts = []
    for model, mine in chosen_rows(people, case.terms):
        if owner_of(model) == COLLECTIVE:
            held = run_model(case.part(mine), model).balances
            years = np.arange(1, case.calendar.count + 1)
            known = {name: np.round(held.get(name, np.full(len(years), np.nan)), 2)
                     for name in BALANCE}  # fmt: skip
            parts.append(pd.DataFrame({"model": model, "year": years, **known}))
    if not parts:
        return _empty(["model", "year"]).assign(**{n: pd.Series(dtype=float) for n in BALANCE})
    return pd.concat(parts, ignore_index=True)


def shortfalls(balance: pd.DataFrame, currency: str) -> list[Finding]:
    """Years in which a collective has not the money for its costs, rents and instalments."""
    found = []
    for model, part in balance.groupby("model", sort=False):
        short = part[part["cash"] < 0]
        if len(short):
            years = listed([str(year) for year in short["year"]])
            most = f"{-short['cash'].min():,.0f}"
            params = {"years": years, "most": most, "currency": currency, "model": str(model)}
            found.append(Finding("collective_short", "cooperative", len(short), params))
    return found


def fairness(households: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Common prosperity as numbers: Gini and low-income share before and after; one row.

    Of ledger households whose present income is known; nan where it is not, or where nobody said
    who is of low income.
    """
    people = households[~households["own_building"].astype(bool)]
    today = people["income_today"].to_numpy(dtype=float)
    known = np.isfinite(today)
    gained = people["income_first_year"].to_numpy(dtype=float)
    stated = people["low_income"].notna().any()
    low = people["low_income"].eq(True).fillna(False).to_numpy(dtype=bool)
    local = terms.rural_income
    mean = float(np.mean(gained)) if len(gained) else float("nan")
    return pd.DataFrame(
        {
            "gini_before": [gini(today[known])],
            "gini_after": [gini((today + gained)[known])],
            "low_income_share_before": [_part(today[known], low[known], stated)],
            "low_income_share_of_gain": [_part(gained, low, stated)],
            "income_of_rural_income": [mean / local if local else float("nan")],
        }
    )


def _part(values: np.ndarray, mine: np.ndarray, stated: bool) -> float:
    total = values.sum()
    return float(values[mine].sum() / total) if stated and total > 0 else float("nan")


def beside_press(
    press: Sequence[Press],
    ledger: pd.DataFrame,
    energy_kwh: float,
    payback_years: float,
    year: int = 1,
) -> pd.DataFrame:
    """The plan's first year beside what was said elsewhere, with the price that each implies.

    A difference of income is that of the price (at the other's energy), that of the energy (at our
    price), and the costs that we count against the sales.

    Parameters
    ----------
    press : sequence of Press
    ledger : DataFrame
        As from :func:`ledger_sums`.
    energy_kwh : float
        Of the first year.
    payback_years : float
        The collective's; nan where there is none.
    year : int
        Of the ledger: the first whole one.
    """
    first = ledger[ledger["year"] == year]
    sales = float(first.loc[first["item"].isin(SOLD), "yuan"].sum(skipna=False))
    spent = float(first.loc[first["item"].isin(SPENT), "yuan"].sum())
    price = sales / energy_kwh if energy_kwh > 0 else float("nan")
    nothing = float("nan")
    rows = [["", round(energy_kwh), round(sales, 2), round(price, 4), payback_years, nothing,
             nothing, round(spent, 2), nothing, "", "", "", ""]]  # fmt: skip
    for said in press:
        other = said.income / said.energy_kwh
        coal, unit, convention = _coal(said)
        rows.append(
            [said.name, said.energy_kwh, said.income, round(other, 4),
             nothing if said.payback_years is None else said.payback_years,
             round((other - price) * said.energy_kwh, 2),
             round((said.energy_kwh - energy_kwh) * price, 2), nothing, coal, unit, convention,
             said.note, said.source]
        )  # fmt: skip
    columns = ["name", "energy", "income", "price", "payback", "by_price", "by_energy", "by_costs",
               "coal", "coal_unit", "coal_convention", "note", "source"]  # fmt: skip
    texts = ("name", "coal_unit", "coal_convention", "note", "source")
    table = pd.DataFrame(rows if press else [], columns=columns)
    return table.astype({c: "str" if c in texts else "float64" for c in columns})


def _coal(said: Press) -> tuple[float, str, str]:
    """Which standard-coal convention a stated figure implies."""
    if said.coal_t is None:
        return float("nan"), "", ""
    if said.co2_t is not None:
        found = recognise_coal(said.coal_t, co2_t=said.co2_t)
    else:
        found = recognise_coal(said.coal_t, energy_kwh=said.energy_kwh)
    return float(str(found["implied"])), str(found["unit"]), str(found["convention"] or "?")
