"""What ``pvplanner prices`` says: what a kilowatt-hour is worth in a province, and on what."""

from __future__ import annotations

import datetime as dt
from typing import get_args

import numpy as np

from pvplanner.errors import ConfigError, listed, province_names
from pvplanner.reference import Sourced, provinces, rows
from pvplanner.reference.provincial import (
    Market,
    areas_of,
    household_tiers,
    market_of,
    mechanism_of,
    own_price_of,
    raw_term,
    self_use_least,
    tariff_hours,
    usual_area,
)
from pvplanner.scenario.kinds import ProjectClass
from pvplanner.words import in_units, label, source, style

_UNITS = {"CNY/kWh": "money/kWh"}
"""Units as the words have them."""


def price_lines(
    province: str, on: dt.date, project_class: str, language: str, area: str | None = None
) -> list[str]:
    """A line for each number that holds, with its source, year and certainty; then the unknown.

    Raises
    ------
    ConfigError
        If there is no such province, or it has no such grid area.
    """
    name = find_province(province)
    areas = areas_of(name)
    classes = get_args(ProjectClass)
    if project_class not in classes:
        raise ConfigError("value_choice", where="--class", value=project_class,
                          choices=", ".join(classes))  # fmt: skip
    if area is not None and area not in areas:
        raise ConfigError("area_unknown", where="--area", value=area, known=listed(areas) or "-")
    paid, market = mechanism_of(name, on, project_class, area), market_of(name, area)
    said, unknown = [], []
    colon = style(language)["colon"]

    def tell(key: str, found: Sourced | None, more: str = "") -> None:
        if found is None:
            unknown.append(label(key, language))
            return
        unit = (
            ""
            if found.unit == "1"
            else f" {in_units(_UNITS.get(found.unit, found.unit), language)}"
        )
        where = ", ".join(
            (source(found.source, language), found.year, label(found.certainty, language))
        )
        said.append(f"{label(key, language)}{colon}{found.value:.4g}{unit}{more} [{where}]")

    price = "export_price_existing" if paid.price_from == "existing" else (
        f"mechanism_price_{paid.price_from}" if paid.price_from else "mechanism_price"
    )  # fmt: skip
    if areas:
        said.append(f"{label('grid_area', language)}{colon}{area or usual_area(name)}")
    tell(price, paid.price)
    tell("mechanism_share", paid.share)
    term = raw_term(name) if paid.price_from != "existing" else ""
    tell("mechanism_years", paid.term, f" ({term})" if term else "")
    tell("market_price_found", None if market is None else market.middle, _months(market, language))
    rule = own_price_of(name, area)
    if rule is not None:
        how = label("own_settlement" if rule.value else "own_hours", language)
        said.append(f"{label('own_price', language)}{colon}{how} [{source(rule.source, language)}]")
    for number, row in enumerate(household_tiers(name), 1):
        told = Sourced(float(row["flat"]), "CNY/kWh", row["source"], row["year"], row["certainty"])
        limit = f" (≤ {row['up_to_kwh']} kWh)" if row["up_to_kwh"] else ""
        tell(f"household_tier_{number}", told, limit)
    if not household_tiers(name):
        unknown.append(label("household_tier_1", language))
    for part in ("peak", "valley"):
        hours = tariff_hours(name, part)
        spans = [f"{hours[n]:02d}–{hours[n + 1]:02d}" for n in range(0, len(hours), 2)]
        if spans:
            said.append(f"{label(f'{part}_hours', language)}{colon}"
                        f"{style(language)['list'].join(spans)}")  # fmt: skip
    tell("self_use_least", self_use_least(name))
    if paid.known and paid.price_from == "auction":
        said.append(label("won_assumed", language))
    none = paid.share is not None and paid.share.value == 0
    if none:
        said.append(label("no_mechanism", language))
        unknown = [name for name in unknown if name not in _of_mechanism(language)]
    elif not paid.known:
        said.append(label("market_alone_pays", language))
    if unknown:
        said.append(f"{label('not_found', language)}{colon}{style(language)['list'].join(unknown)}")
    return said


def _of_mechanism(language: str) -> tuple[str, ...]:
    return tuple(label(key, language) for key in ("mechanism_price", "mechanism_years"))


def _months(market: Market | None, language: str) -> str:
    """How many of the months were found, and each."""
    if market is None:
        return ""
    told = label("months_found", language).format(found=market.found)
    every = ", ".join("-" if np.isnan(v) else f"{v:.3f}" for v in market.months)
    return f" ({told}{style(language)['colon']}{every})"


def find_province(name: str) -> str:
    """A province by its name in any language.

    Raises
    ------
    ConfigError
        If there is none.
    """
    named = {row["province_zh"]: row["province"] for row in rows("provinces")}
    for known in provinces():
        if name.casefold() == known.casefold():
            return known
    short = next((zh for zh in named if name.startswith(zh)), None)
    if short is not None:
        return named[short]
    known_names = ", ".join(province_names("en"))
    raise ConfigError("province_unknown", where="province", value=name, known=known_names)
