"""What a month's energy is to be paid: the market's prices, and the rules of the plan's terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.money import Terms
from pvplanner.plan import Plan
from pvplanner.reading import map_columns, parse_months, read_numbers, read_table
from pvplanner.reading.columns import knows
from pvplanner.reference.provincial import month_prices as reference_prices
from pvplanner.settlement import Rules
from pvplanner.settlement.headings import PRICES as PRICE_ALIASES

MODAL = "most of the sheet"
OTHER_PRICE = 0.02
"""A month's price this far from the one that was met elsewhere is asked about."""


def month_prices(rows: pd.DataFrame, prices: Path | None) -> pd.DataFrame:
    """The market's price of each month, and the mean that the mechanism is held against.

    Parameters
    ----------
    rows : DataFrame
        Of the sheets.
    prices : Path or None
        As published: then the market's and the mean are these. Else what most of the sheet has.

    Returns
    -------
    DataFrame
        ``month``, ``price``, ``mean`` (nan where nobody says), ``source``.
    """
    stated = {} if prices is None else _stated(prices)
    out = []
    for month, own in rows.groupby("month", sort=True):
        if month in stated:
            out.append((month, stated[month], stated[month], str(prices.name if prices else "")))
        else:
            usual = _usual(own["market_price"])
            mean = _usual(own["mean_price"])
            out.append((month, usual, usual if np.isnan(mean) else mean, MODAL))
    return pd.DataFrame(out, columns=["month", "price", "mean", "source"])


def _usual(values: pd.Series) -> float:
    """What most of a column has; nan where it has nothing."""
    told = values.dropna()
    return float(told.mode().iloc[0]) if len(told) else float("nan")


def asked_about(plan: Plan, prices: pd.DataFrame) -> list[Finding]:
    """Where the prices are from, which are not known, and which differ from those met elsewhere."""
    out = []
    known = prices[prices["price"].notna()]
    for source, rows in known.groupby("source", sort=True):
        told = {"ids": listed([f"{r.month} {r.price:g}" for r in rows.itertuples()], 12),
                "source": str(source)}  # fmt: skip
        code = "sheet_modal" if source == MODAL else "sheet_price"
        out.append(Finding(code, "--settlement", len(rows), told))
    lacking = prices.loc[prices["price"].isna(), "month"].tolist()
    if lacking:
        told = {"ids": listed(lacking, 12)}
        out.append(Finding("sheet_no_price", "--settlement", len(lacking), told))
    if any(part.terms.prices.own_hours for part in plan.parts.values()):
        out.append(Finding("sheet_own_hours", "--settlement"))
    places = {(p.province, p.area) for p in (part.result("place") for part in plan.parts.values())}
    # Villages of one grid area have one price.
    province, area = next(iter(places)) if len(places) == 1 else (None, None)
    met_elsewhere = reference_prices(province, area) if province else {}
    for row in known.itertuples():
        met = met_elsewhere.get(str(row.month))
        if met is not None and abs(row.mean / met.value - 1) > OTHER_PRICE:
            told = {"month": str(row.month), "price": f"{row.mean:g}", "other": f"{met.value:g}",
                    "source": met.source}  # fmt: skip
            out.append(Finding("sheet_price_other", "--settlement", params=told))
    return out


def _stated(path: Path) -> dict[str, float]:
    rows = read_table(path, knows(PRICE_ALIASES)).rows
    mapped = map_columns(list(rows.columns), PRICE_ALIASES, where=str(path))
    if {"month", "price"} - set(mapped.used):
        raise InputError("meter_columns", where=str(path), missing="month, price",
                         columns=", ".join(map(str, rows.columns)))  # fmt: skip
    months = parse_months(rows[mapped.used["month"]])
    values = read_numbers(rows[mapped.used["price"]], "")
    return {str(m): float(v) for m, v in zip(months, values, strict=True) if pd.notna(m)}


def rules_of_accounts(
    plan: Plan, homes: pd.DataFrame, own: pd.DataFrame, rows: pd.DataFrame, prices: pd.DataFrame
) -> dict[tuple[str, str], Rules]:
    """Prices and taxes of each account's month, by the plan's terms and the rules of the date.

    Parameters
    ----------
    plan : Plan
    homes : DataFrame
        ``part`` and ``person`` of each household with modules.
    own : DataFrame
        ``household_id``, ``account``, ``month``.
    rows : DataFrame
        Of the sheets: where a roof's own hours make its price, that is taken as the sheet has it,
        since nobody else can say it.
    prices : DataFrame
        As from :func:`month_prices`.
    """
    terms = {id(part): part.terms for part in plan.parts.values()}
    market = prices.set_index("month")[["price", "mean"]]
    said = rows.set_index(["account", "month"])["market_price"]
    out = {}
    for row in own.itertuples():
        if row.household_id not in homes.index:
            continue
        home = homes.loc[row.household_id]
        of = terms[home["part"]]
        price, mean = market.loc[row.month] if row.month in market.index else (np.nan, np.nan)
        if of.prices.own_hours:
            price = said.get((row.account, row.month), price)
        rules = rules_of(of, str(row.month), float(price), float(mean),
                         person=bool(home["person"]))  # fmt: skip
        if rules is not None:
            out[row.account, row.month] = rules
    return out


def rules_of(terms: Terms, month: str, market: float, mean: float, *, person: bool) -> Rules | None:
    """Prices and taxes of a month; ``None`` where the plant does not stand or nothing is known."""
    begin = terms.connection_date
    year, number = (int(n) for n in month.split("-"))
    calendar = year - begin.year
    life = (year - begin.year) * 12 + number - begin.month
    if life < 0 or life // 12 >= terms.years or calendar >= terms.calendar.count:
        return None
    law, of_life = terms.taxes, life // 12
    free = law.vat_free_per_sale if terms.finance.person_vat == "by_sale" else (
        law.vat_free_per_quarter / 3
    )  # fmt: skip
    tax: dict[str, Any] = {
        "person": person, "vat": float(law.vat[calendar]),
        "free_below": free if bool(law.vat_free[calendar]) else 0.0,
        "subsidy": float(np.asarray(terms.prices.subsidy)[of_life]),
    }  # fmt: skip
    found, prices = terms.mechanism, terms.prices
    stated = prices.sources.get("export_price")
    if stated is not None:
        price = float(prices.fixed[of_life])
        return Rules(price, price, **tax)
    if found is not None and of_life < found.years:
        if np.isnan(market) and found.share < 1:
            return None
        bid = float(prices.mechanism_price)
        known = bid if np.isnan(market) else market
        return Rules(known, known if np.isnan(mean) else mean, bid, found.share, **tax)
    return None if np.isnan(market) else Rules(market, market, **tax)
