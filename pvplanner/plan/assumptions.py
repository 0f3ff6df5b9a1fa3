"""Every number that shaped a plan, with where it came from, for the page that shows the result."""

from __future__ import annotations

from importlib import metadata

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.carbon import coal_convention
from pvplanner.money import Terms
from pvplanner.reference import Sourced
from pvplanner.scenario import Scenario, System

COLUMNS = ("key", "value", "unit", "source", "year", "certainty")

OWN = ("capex_per_w", "opex_per_w_year", "degradation_first_year", "degradation_per_year", "rent",
       "discount_rate", "inverter_cost_per_w", "inverter_life_years", "life_years")  # fmt: skip
"""Numbers of ``[finance]`` that shape every plan."""

_Row = tuple[str, str, str, str, str, str]


def list_assumptions(
    scenario: Scenario, weather: str, terms: Terms, origins: pd.DataFrame
) -> pd.DataFrame:
    """``key``, ``value``, ``unit``, ``source``, ``year``, ``certainty``: one row per number.

    Units are those of ``columns.csv``: money is ``money``, whatever the currency. ``weather`` names
    its source; ``origins`` are those of fetched files.
    """
    rows = [("weather_source", weather, "", weather, "", "file"), *_physical(scenario, terms)]
    rows += [
        ("data_source", f"{r.title} {r.release} ({r.licence})".replace("  ", " "), "",
         str(r.attribution), str(r.fetched)[:4], "file")
        for r in origins.itertuples()
    ]  # fmt: skip
    rows += _roof_rows(scenario)
    rows += [_sourced(key, found) for key, found in terms.prices.sources.items()]
    rows += [*_export_rows(terms), *_finance(terms), *_contracts(terms)]
    rows += [
        _default("archetype", scenario.demand.archetype, scenario.demand.archetype == "family")
    ]
    return pd.DataFrame([*rows, *_carbon(terms)], columns=list(COLUMNS)).fillna("")


def _sourced(key: str, found: Sourced) -> _Row:
    unit = found.unit.replace("CNY", "money")
    return key, f"{found.value:g}", unit, found.source, found.year, found.certainty


def _given(key: str, value: object, unit: str = "") -> _Row:
    shown = f"{value:g}" if isinstance(value, float | int) else str(value)
    return key, shown, unit, "scenario", "", "given"


def _default(key: str, value: object, usual: bool) -> _Row:
    """A value of the scenario's own is not vouched for by the package's source."""
    row = next(r for r in reference.rows("constants") if r["name"] == key)
    if not usual:
        return _given(key, value, row["unit"])
    shown = f"{value:g}" if isinstance(value, float | int) else str(value)
    return key, shown, row["unit"], row["source"], row["year"], row["certainty"]


def _own_or_usual(key: str, value: float) -> _Row:
    """A number of the scenario, with the package's source where it is the package's."""
    return _default(key, value, value == reference.constant(key).value)


def _physical(scenario: Scenario, terms: Terms) -> list[_Row]:
    system, module = scenario.system, terms.product
    items = system.loss_items.model_dump()
    said = ", ".join(f"{k} {v}" for k, v in items.items())
    losses = (
        _given("losses", system.losses, "1")
        if system.losses is not None
        else ("losses", said, "1", "PVWatts v5", "2014", "one")
    )
    chain = f"{system.transposition}, {system.temperature}"
    return [
        ("module_product", module.name, "", module.source, "", module.certainty),
        losses,
        ("physics", chain, "", f"pvlib {metadata.version('pvlib')}", "", "two"),
        _given("mount", system.mount),
        _given("dc_ac_ratio", system.dc_ac_ratio, "1"),
        *_further(system),
    ]


def _told(value: object) -> str:
    """A value as a table has it: a switch by its word."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _further(system: System) -> list[_Row]:
    """What is counted beside the chain, where a key asks for it."""
    usual = System()
    return [
        (row["effect"], _told(getattr(system, row["key"])), "", row["source"], row["year"],
         row["certainty"])
        for row in reference.rows("further")
        if getattr(system, row["key"]) != getattr(usual, row["key"])
    ]  # fmt: skip


SHOWN_RULES = ("setback_eave", "setback_ridge", "setback_gable", "setback_parapet",
               "unseen", "unseen_flat")  # fmt: skip
"""Rules of usable area that a plan's assumptions name."""


def _roof_rows(scenario: Scenario) -> list[_Row]:
    roof, rows = scenario.roof, []
    given = {"low": roof.usable_low, "middle": roof.usable_middle, "high": roof.usable_high}
    for level, own in given.items():
        rows += [(f"usable_{level}", f"{kind}: {share:g}", "1", "scenario", "", "given")
                 for kind, share in own.items()]  # fmt: skip
    for row in reference.rows("usable_rules"):
        if row["rule"] in SHOWN_RULES:
            mine = row["rule"] in roof.rules
            value = roof.rules[row["rule"]] if mine else float(row["middle"])
            told = ("scenario", "", "given") if mine else (
                row["source"], row["year"], row["certainty"]
            )  # fmt: skip
            rows.append((row["rule"], f"{value:g}", row["unit"].replace("share", "1"), *told))
    return [
        *rows,
        _own_or_usual("yield_share_min", scenario.module.yield_share_min),
        _own_or_usual("use_by_minutes", scenario.demand.use_by_minutes),
    ]


def _export_rows(terms: Terms) -> list[_Row]:
    """Export price of the first and last year, and how it comes about."""
    prices, unit = terms.prices, "money/kWh"
    parts = {k: v.value for k, v in prices.sources.items()}
    how = "market price" if "market_price" in parts else "price of existing projects"
    how = "scenario" if "export_price" in parts else how
    paid = terms.sale_price - np.asarray(prices.subsidy)
    if terms.mechanism is not None:
        share = terms.mechanism.share
        how = f"{share:g} x {prices.plain_bid:g}"
        if share < 1:
            # What roofs get at the market: by the months, and hours, in which their power comes.
            market = (paid[0] - prices.fixed[0]) / (1 - share)
            how += f" + {1 - share:.2g} x {market:.4g}"
        how += "; bid taken at the cap" if "mechanism_price_cap" in parts else ""
    first, last = paid[0], paid[-1]
    later = how if prices.market[-1] == 0 else "market price of that year"
    rows: list[_Row] = [
        ("export_price_first", f"{first:.4g}", unit, how, "", "computed"),
        ("export_price_last", f"{last:.4g}", unit, later, "", "computed"),
    ]
    law = reference.constant("lease_limit_years")
    lease = f"{terms.finance.lease_term}"
    rows += [_other_market(terms, name) for name in ("market_low", "market_high")
             if name in terms.others and "market_price" in terms.others[name].sources]  # fmt: skip
    return [
        *rows,
        ("lease_years", lease, "yr", law.source, law.year, law.certainty),
        _given("lease_end", terms.finance.after_lease),
    ]


def _other_market(terms: Terms, name: str) -> _Row:
    """The market of a price case: years that were found or stated, else a part of the mean."""
    prices = terms.others[name]
    told = prices.sources["market_price"]
    return (f"case_{name}", f"{prices.alone[0]:.4g}", "money/kWh", told.source, told.year,
            told.certainty)  # fmt: skip


def _finance(terms: Terms) -> list[_Row]:
    keys = [key for key in OWN if key != "rent" or terms.rent_known]
    return [_own_or_usual(key, getattr(terms.finance, key)) for key in keys]


def _contracts(terms: Terms) -> list[_Row]:
    """Terms of the loan and of the models in use."""
    loan, rows, used = terms.loan, [], terms.finance.models_used
    if loan.share > 0:
        rows += [_given(f"loan_{key}", getattr(loan, key)) for key in ("share", "rate", "years",
                                                                       "kind")]  # fmt: skip
    if "cooperative" in used:
        kept = terms.reserve
        told = (kept.source, kept.year, kept.certainty)
        rows.append(("reserve_rate", f"{kept.rate:g}", "1", *told))
        rows.append(_given("dividend_by", f"dividend_by_{terms.finance.body}"))
        if terms.cooperative.grant:
            rows.append(_given("grant", terms.cooperative.grant, "money"))
    if {"cooperative", "developer", "roof_lease"} & set(used):
        rows += _tax_rows(terms)
    if "developer" in used:
        rows.append(_own_or_usual("developer_discount", terms.developer.discount))
    return rows


def _tax_rows(terms: Terms) -> list[_Row]:
    """What a business is taxed by."""
    finance = terms.finance
    rows = [
        _own_or_usual(key, getattr(finance, key))
        for key in ("book_life_years", "vat_rate", "vat_rate_after", "vat_free_per_month")
    ]
    rows.append(_given("vat_reduced_until", finance.vat_reduced_until.isoformat()))
    if finance.tax_rate is not None:
        return [*rows, _given("tax_rate", finance.tax_rate, "1")]
    by_law = ("tax_small", "tax_small_after", "tax_full")
    return [*rows, *(_own_or_usual(key, reference.constant(key).value) for key in by_law)]


def _carbon(terms: Terms) -> list[_Row]:
    basis, rows = terms.carbon, []
    if basis.factor is not None:
        rows.append(_sourced("grid_factor", basis.factor))
    named = "named; no authoritative path exists"
    rows.append(_given("carbon_method", basis.method))
    rows.append(("carbon_pathway", basis.pathway, "", named, "", "assumption"))
    if np.isfinite(basis.by_year).all():
        last = f"{basis.by_year[-1]:.4g}"
        rows.append(("grid_factor_last", last, "kgCO2/kWh", named, "", "assumption"))
    return [*rows, _sourced("standard_coal", coal_convention(basis.convention))]
