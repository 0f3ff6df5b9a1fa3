"""Every number that shaped a plan, with where it came from, for the page that shows the result."""

from __future__ import annotations

from importlib import metadata

import pandas as pd

from pvplanner import reference
from pvplanner.carbon import CarbonBasis, coal_convention
from pvplanner.income import Prices
from pvplanner.modules import find_product
from pvplanner.scenario import Finance, Scenario
from pvplanner.weather import Weather

_Row = tuple[str, str, str, str, str, str]


def list_assumptions(
    scenario: Scenario, weather: Weather, prices: Prices, basis: CarbonBasis
) -> pd.DataFrame:
    """``key``, ``value``, ``unit``, ``source``, ``year``, ``certainty``: one row per number."""
    rows = [*_physical(scenario, weather), *_roof_rows(scenario)]
    for key, found in prices.sources.items():
        rows.append(
            (key, f"{found.value:g}", found.unit, found.source, found.year, found.certainty)
        )
    rows += _export_rows(scenario, prices)
    rows += _own(scenario)
    if basis.factor is not None:
        factor = basis.factor
        rows.append(
            (
                "grid_factor",
                f"{factor.value:g}",
                factor.unit,
                factor.source,
                factor.year,
                factor.certainty,
            )
        )
    rows.append(("carbon_method", basis.method, "", "scenario", "", "given"))
    rows.append(
        (
            "carbon_pathway",
            basis.pathway,
            "",
            "named; no authoritative path exists",
            "",
            "assumption",
        )
    )
    coal = coal_convention(basis.convention)
    rows.append(
        ("standard_coal", f"{coal.value:g}", coal.unit, coal.source, coal.year, coal.certainty)
    )
    columns = ["key", "value", "unit", "source", "year", "certainty"]
    return pd.DataFrame(rows, columns=columns).fillna("")


def _physical(scenario: Scenario, weather: Weather) -> list[_Row]:
    module = find_product(scenario)
    kept = scenario.system.losses
    items = scenario.system.loss_items.model_dump()
    said = f"{kept:g}" if kept is not None else ", ".join(f"{k} {v}" for k, v in items.items())
    code = metadata.version("pvlib")
    return [
        ("weather_source", weather.source, "", weather.source, "", "file"),
        ("module_product", module.name, "", module.source, "", module.certainty),
        ("losses", said, "1", "PVWatts v5" if kept is None else "scenario", "2014", "one"),
        ("physics", f"{scenario.system.transposition}, {scenario.system.temperature}", "",
         f"pvlib {code}", "", "two"),
        ("mount", scenario.system.mount, "", "scenario", "", "given"),
        ("dc_ac_ratio", f"{scenario.system.dc_ac_ratio:g}", "1", "scenario", "", "given"),
    ]  # fmt: skip


def _roof_rows(scenario: Scenario) -> list[_Row]:
    roof, rows = scenario.roof, []
    given = {"low": roof.usable_low, "middle": roof.usable_middle, "high": roof.usable_high}
    for row in reference.load("roof_types").itertuples():
        for level, own in given.items():
            kind = str(row.roof_type)
            mine = kind in own
            value = own.get(kind, getattr(row, f"usable_{level}"))
            source = "scenario" if mine else str(getattr(row, f"usable_{level}_source"))
            certainty = "given" if mine else str(row.certainty)
            key = f"usable_{level}"
            rows.append((key, f"{kind}: {value:g}", "1", source, str(row.year), certainty))
    rows.append(
        ("yield_share_min", f"{scenario.module.yield_share_min:g}", "1",
         "NREL suitability rule: 70 % of an unshaded plane", "2016", "one")
    )  # fmt: skip
    return rows


def _export_rows(scenario: Scenario, prices: Prices) -> list[_Row]:
    """Export price of the first and last year, and how it comes about."""
    tariff, unit = scenario.tariff, f"{scenario.finance.currency}/kWh"
    how = "scenario"
    parts = {k: v.value for k, v in prices.sources.items()}
    share, cap = parts.get("mechanism_share"), parts.get("mechanism_price_cap")
    market = next((v for k, v in parts.items() if k.startswith("market_price")), None)
    if share is not None and market is not None and cap is not None:
        bid = min(tariff.mechanism_bid, cap) if tariff.mechanism_bid is not None else cap
        how = f"{share:g} x {bid:g} + {1 - share:.2g} x {market:g}"
        how += "" if tariff.mechanism_bid is not None else " (bid taken at the cap)"
    first, last = prices.export[0], prices.export[-1]
    lease = scenario.finance.lease_years
    later = how if prices.market[-1] == 0 else "market price of that year"
    rows: list[_Row] = [
        ("export_price_first", f"{first:.4g}", unit, how, "", "computed"),
        ("export_price_last", f"{last:.4g}", unit, later, "", "computed"),
    ]
    if share is not None:
        term = f"{tariff.mechanism_years}"
        rows.append(("mechanism_years", term, "yr", "8-12 in Zhejiang", "2025", "one"))
    return [
        *rows,
        ("lease_years", f"{lease}", "yr", "Civil Code: 20 at most", "", "two"),
    ]


def _terms(scenario: Scenario) -> list[_Row]:
    """Terms of the loan and of the models in use."""
    finance, loan = scenario.finance, scenario.loan
    used = {finance.model, *finance.model_by_class.values()}
    rows = []
    if loan.share > 0:
        for key in ("share", "rate", "years", "kind"):
            rows.append((f"loan_{key}", str(getattr(loan, key)), "", "scenario", "", "given"))
    if "cooperative" in used:
        rows.append(("reserve_rate", f"{scenario.cooperative.reserve_rate:g}", "1",
                     "Nanhai villages kept 31.5-41.9 %", "", "assumption"))  # fmt: skip
        rows.append(("vat", f"{finance.vat_rate:g}", "1",
                     f"over {finance.vat_free_per_month:g} a month, or after "
                     f"{finance.vat_free_until}", "", "unverified"))  # fmt: skip
    if "developer" in used:
        discount = f"{scenario.developer.discount:g}"
        rows.append(("developer_discount", discount, "1", "scenario", "", "assumption"))
    return rows


def _own(scenario: Scenario) -> list[_Row]:
    finance, currency = scenario.finance, scenario.finance.currency
    cost = "public reports on household rooftops, 2.5-3.5 CNY/W"
    running = "public reports, 0.03-0.05 CNY/W/yr"
    wear = "TOPCon class (PVEL 2024; pv magazine)"
    lease = "Yizheng 2024: 35 CNY per panel per year"
    facts = (
        ("capex_per_w", f"{currency}/W", cost, "2025", "one"),
        ("opex_per_w_year", f"{currency}/W/yr", running, "", "one"),
        ("degradation_first_year", "1", wear, "2024", "two"),
        ("degradation_per_year", "1", wear, "2024", "two"),
        ("rent", currency, lease, "2024", "one"),
    )
    usual = Finance()
    rows: list[_Row] = []
    for key, unit, source, year, certainty in facts:
        value = getattr(finance, key)
        # A value of the scenario's own is not vouched for by the package's source.
        own = value != getattr(usual, key)
        told = ("scenario", "", "given") if own else (source, year, certainty)
        rows.append((key, f"{value:g}", unit, *told))
    return [
        *rows,
        *_terms(scenario),
        ("discount_rate", f"{finance.discount_rate:g}", "1", "scenario", "", "assumption"),
        (
            "inverter_cost_per_w",
            f"{finance.inverter_cost_per_w:g}",
            f"{currency}/W",
            "not found in public sources",
            "",
            "assumption",
        ),
        (
            "inverter_life_years",
            f"{finance.inverter_life_years}",
            "yr",
            "not found in public sources",
            "",
            "assumption",
        ),
        ("archetype", scenario.demand.archetype, "", "packaged archetypes", "2026", "assumption"),
        ("life_years", f"{finance.life_years}", "yr", "scenario", "", "assumption"),
    ]
