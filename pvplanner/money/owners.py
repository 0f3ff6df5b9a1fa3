"""Who owns the plants of a model: what its money is worth as a whole, and what covers its debt."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.money.ledger import Ledger
from pvplanner.money.measures import internal_rate, lowest_cover, net_present_value, payback
from pvplanner.money.models import COLLECTIVE, Case
from pvplanner.money.payments import DEBT

GIVEN = "dividend"
"""What a collective gives is its purpose: its result is looked at before."""


def owner_flows(ledger: Ledger) -> np.ndarray:
    """Net receipts of the owner before what it gives to members, yuan; shape (years + 1,)."""
    return ledger.of_party(ledger.owner, without=(GIVEN,))


def owner_result(case: Case, ledger: Ledger) -> dict[str, float]:
    """What the owner pays and earns: ``capital``, ``surplus_first_year`` (the first whole one),
    ``npv``, ``irr``, ``payback_years``.
    """
    flows, calendar = owner_flows(ledger), case.calendar
    rate, first = case.terms.finance.discount_rate, calendar.first_length
    return {
        "capital": round(float(case.capital.sum()), 2),
        "surplus_first_year": round(float(flows[calendar.first_whole]), 2),
        "npv": round(float(net_present_value(flows[None], rate, first)[0]), 2),
        "irr": float(internal_rate(flows[None], first)[0]),
        "payback_years": float(payback(flows[None], first=first)[0]),
    }


def debt_account(
    ledger: Ledger, party: str, without: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """What a party has for its debt, and what falls due, yuan; each of shape (years,).

    ``without`` names items that are left out; what is given to members is none.
    """
    available = ledger.of_party(party, without=(*DEBT, GIVEN, *without))[1:]
    return available, np.asarray(-sum(ledger.received(party, item)[1:] for item in DEBT))


def debt_years(flows: pd.DataFrame, party: str) -> pd.DataFrame:
    """A party's debt year by year, from a ledger as a table.

    Parameters
    ----------
    flows : DataFrame
        ``payer``, ``payee``, ``item``, ``year``, ``yuan``, as the plan's table ``ledger``.
    party : str

    Returns
    -------
    DataFrame
        ``year`` (of life), ``interest``, ``principal``, ``available`` (what comes in less what goes
        out, debt and what is given to members left out), ``cover``; the years with debt service.
    """
    sign = flows["payee"].eq(party) * 1.0 - flows["payer"].eq(party)
    mine = flows.assign(yuan=flows["yuan"] * sign)[(sign != 0) & (flows["year"] > 0)]
    free = mine[~mine["item"].isin((*DEBT, GIVEN))]
    by = {item: -mine[mine["item"] == item].groupby("year")["yuan"].sum(min_count=1)
          for item in ("interest", "principal")}  # fmt: skip
    years = sorted(set().union(*(sums.index for sums in by.values())))
    # A year without one of the two has none of it; what is not known stays so.
    out = pd.DataFrame({item: sums.reindex(years, fill_value=0.0) for item, sums in by.items()})
    out["available"] = free.groupby("year")["yuan"].sum(min_count=1).reindex(out.index)
    service = out["interest"] + out["principal"]
    out["cover"] = out["available"] / service.where(service > 0)
    return out[~(service <= 0)].rename_axis("year").reset_index()


def owner_cover(ledger: Ledger, without: tuple[str, ...] = ()) -> float:
    """Lowest cover of the owner's debt as a whole; nan without debt."""
    available, service = debt_account(ledger, ledger.owner, without)
    return float(lowest_cover(available[None], service[None])[0])


def roof_covers(ledger: Ledger, without: tuple[str, ...] = ()) -> np.ndarray:
    """Lowest cover of the owner's debt on each household's roof; nan without debt; (households,).

    What is no single household's, such as a developer's taxes, is left out.
    """
    available, service = np.zeros((2, ledger.households, ledger.years))
    for flow in ledger.flows:
        sign = (flow.payee == ledger.owner) * 1.0 - (flow.payer == ledger.owner)
        if not sign or flow.fen.ndim < 2 or flow.item in without:
            continue
        if flow.item in DEBT:
            service -= sign * flow.fen[:, 1:]
        else:
            available += sign * flow.fen[:, 1:]
    return lowest_cover(available, service)


def borrower_cover(ledger: Ledger) -> np.ndarray:
    """Lowest debt-service cover of whoever borrowed for each household's modules; nan without debt.

    A collective borrows as one: its cover stands in every row.
    """
    if ledger.owner == COLLECTIVE:
        return np.full(ledger.households, owner_cover(ledger))
    return roof_covers(ledger)
