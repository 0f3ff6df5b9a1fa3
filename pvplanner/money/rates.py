"""Every rate that a payment of ``models.csv`` may name, for each year of a plant's life."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pvplanner import reference

if TYPE_CHECKING:
    from pvplanner.money.terms import Terms


def all_rates(terms: Terms) -> dict[str, np.ndarray]:
    """Every rate by name, for each year of life (or, of what is paid at once, alike)."""
    finance, years = terms.finance, terms.years
    year = np.arange(1, years + 1)
    grown = (1 + finance.cost_growth) ** (year - 1)
    under = terms.under_lease
    after = terms.there - under
    due, later = _inverter_due(terms, year, under), _inverter_due(terms, year, after)
    coop = terms.cooperative
    running = finance.opex_per_w_year * terms.known * grown
    insurance = finance.insurance_per_w_year * grown
    rent = _rent(terms, year)
    agent = reference.constant("vat_rate_general").value
    flat = {
        "capex_per_w": finance.capex_per_w * terms.known,
        "self_use_price": terms.prices.self_use,
        "rent_once": finance.rent_once,
        "discount": terms.developer.discount,
        "export_share": terms.developer.export_share,
        "loan_share": terms.loan.share,
        "grant": coop.grant,
        "reserve_rate": terms.reserve.rate,
        "member_loan_share": coop.member_loan_share,
        "agent_vat": agent / (1 + agent),
        "agent_fee": coop.agent_fee,
        "dividend_tax": finance.dividend_tax,
        "house_tax": reference.constant("house_tax").value,
        **{
            n: reference.constant(n).value * terms.taxes.stamp
            for n in ("stamp_sale", "stamp_loan", "stamp_lease")
        },
        # A renewal is a contract of its own, years later.
        "rent_total": float(rent[: finance.lease_term].sum()),
    }
    return {
        **{name: np.full(years, value) for name, value in flat.items()},
        "sale_price": terms.sale_price,
        "price_alone": terms.prices.alone,
        "price_fixed": np.asarray(terms.prices.fixed),
        "price_market": np.asarray(terms.prices.market),
        "subsidy": np.asarray(terms.prices.subsidy),
        "battery_per_kwh": np.full(years, terms.battery_cost),
        "battery_again": terms.battery_cost * _battery_due(terms, year) * under,
        "running_per_w": running * under,
        "insurance_per_w": insurance * under,
        "inverter_per_w": finance.inverter_cost_per_w * due,
        "running_after_per_w": (running + insurance) * after,
        "inverter_after_per_w": finance.inverter_cost_per_w * later,
        "under_lease": under,
        "after_lease": after,
        "rent": rent,
        "decommission_per_w": finance.decommission_per_w * _ends(terms, after),
        "decommission_after_per_w": finance.decommission_per_w * _ends(terms, 1 - after),
        "residual_per_w": finance.residual_share
        * finance.capex_per_w
        * terms.known
        * _ends(terms, after),
        "residual_after_per_w": finance.residual_share
        * finance.capex_per_w
        * terms.known
        * _ends(terms, 1 - after),
        **{f"{name}_per_w": sum_ for name, sum_ in _event_sums(terms).items()},
    }


def _inverter_due(terms: Terms, year: np.ndarray, owned: np.ndarray) -> np.ndarray:
    """Years in which an owner renews inverters: nobody does for the last years of a plant."""
    finance = terms.finance
    least = reference.constant("inverter_worth").value
    worth = max(least * finance.inverter_life_years, 1)
    last = int(np.max(np.flatnonzero(owned) + 1, initial=0))
    return owned * (year % finance.inverter_life_years == 0) * (last - year >= worth)


def _battery_due(terms: Terms, year: np.ndarray) -> np.ndarray:
    """Years in which a battery is renewed."""
    least = reference.constant("inverter_worth").value * terms.battery_life_years
    worth = terms.years - year >= max(least, 1)
    return (year % terms.battery_life_years == 0) & worth


def _ends(terms: Terms, others: np.ndarray) -> np.ndarray:
    """1 in the last year in which the plant stands, where it isn't another's by then."""
    last = int(terms.there.sum())
    year = np.arange(1, terms.years + 1)
    return (year == last) * (1 - others[max(last - 1, 0)])


def _rent(terms: Terms, year: np.ndarray) -> np.ndarray:
    finance = terms.finance
    let = (year <= finance.lease_term) | (finance.after_lease == "renewal")
    # Where no price is known the default rent in yuan means nothing either.
    priced = terms.rent_known and np.isfinite(terms.prices.export).all()
    known = terms.known if priced else np.nan
    grown = (1 + finance.rent_growth) ** (np.minimum(year, finance.lease_term) - 1)
    return finance.rent * known * grown * let


def _event_sums(terms: Terms) -> dict[str, np.ndarray]:
    told, nothing = terms.events(), np.zeros(terms.years)
    cost = sum((cost for _, cost, _ in told), nothing) * terms.under_lease
    covered = sum((part for _, _, part in told), nothing) * terms.under_lease
    return {"event_cost": cost, "event_insured": covered}
