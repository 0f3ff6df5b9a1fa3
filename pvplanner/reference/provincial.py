"""What a kilowatt-hour is worth in a province: mechanism, market and household tariff, as found.

Rows of ``provincial.csv`` and ``market_months.csv`` come from public tables of 2025 and 2026;
nothing provincial is sure. A row that is missing was not found: it is unknown, and no neighbour's
is taken.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from pvplanner.reference import Sourced, constant, rows

REFORM = dt.date(2025, 6, 1)
"""Projects connected from this day on sell under document 136 of 2025."""

EXISTING_YEARS = 20
"""Projects of before keep their price for the earlier of 20 years and their full-life hours."""

HOUSEHOLDS = ("natural_person_household", "non_natural_person_household")
MONTHS = 12


@dataclass(frozen=True)
class ProvinceMechanism:
    """What the mechanism pays a project; ``None`` where it was not found.

    Attributes
    ----------
    price, share, term : Sourced or None
        Per kWh; of the export; years.
    price_from : str
        ``existing``, ``auction`` or ``cap``.
    """

    price: Sourced | None
    share: Sourced | None
    term: Sourced | None
    price_from: str = ""

    @property
    def known(self) -> bool:
        """Whether all three were found: else the market alone pays."""
        return None not in (self.price, self.share, self.term)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What was not found."""
        names = ("price", "share", "term")
        return tuple(name for name in names if getattr(self, name) is None)


@dataclass(frozen=True)
class Market:
    """The market's own price of PV.

    Attributes
    ----------
    months : tuple of float
        January to December; nan where none was found.
    middle : Sourced
        Mean of the months found.
    lowest, highest : Sourced or None
        Mean of whole years; ``None`` where fewer than two were found.
    """

    months: tuple[float, ...]
    middle: Sourced
    lowest: Sourced | None
    highest: Sourced | None

    @property
    def low(self) -> Sourced:
        """A low market: the lowest year found, else the usual part of the mean."""
        return self.on_path("low", constant("case_low"))

    @property
    def high(self) -> Sourced:
        """A high market."""
        return self.on_path("high", constant("case_high"))

    def on_path(self, path: str, part: Sourced) -> Sourced:
        """A ``low``, ``middle`` or ``high`` market; where its years were not found, that part of
        the mean, as sure as the part is.
        """
        known = {"low": self.lowest, "middle": self.middle, "high": self.highest}[path]
        if known is not None:
            return known
        return replace(part, value=part.value * self.middle.value, unit=self.middle.unit)

    @property
    def found(self) -> int:
        """How many of the twelve months were found."""
        return int(np.isfinite(self.months).sum())


def area_of(division_code: str) -> str | None:
    """The grid area of a division, in provinces that have several; ``None`` elsewhere."""
    for row in rows("grid_areas"):
        if division_code.startswith(row["gb2260"]):
            return row["area"]
    return None


def areas_of(province: str) -> tuple[str, ...]:
    """Grid areas of a province; empty where it has one."""
    return tuple(dict.fromkeys(r["area"] for r in rows("grid_areas") if r["province"] == province))


def usual_area(province: str) -> str | None:
    """The grid area that is taken where none is named: the one that keeps the lowest price."""
    told = {area: _least(province, area, ("existing_price",)) for area in areas_of(province)}
    known = {area: price.value for area, price in told.items() if price is not None}
    return min(known, key=known.__getitem__, default=None)


def _barred(province: str, project_class: str) -> Sourced | None:
    """The share of nothing of a class of project that may not bid for the mechanism."""
    for row in rows("auction_bars"):
        if (row["province"], row["project_class"]) == (province, project_class):
            return Sourced(0.0, "1", row["source"], row["year"], row["certainty"])
    return None


def raw_term(province: str) -> str:
    """A term as its source has it, where that is a range; empty else."""
    told = [row["value"] for row in _rows(province) if row["item"] == "new_term"]
    return told[0] if told and not told[0].isdigit() else ""


def mechanism_of(
    province: str, on: dt.date, project_class: str, area: str | None = None
) -> ProvinceMechanism:
    """What the mechanism pays a project of a class that is connected on a day.

    Before the reform the price of existing projects, after it the auction's result, else its cap.
    Of several values the lower one holds; a term given as a range counts at its lower end.
    """
    if on < REFORM:
        return _existing(province, project_class, area)
    barred = _barred(province, project_class)
    if barred is not None:
        return ProvinceMechanism(None, barred, None)
    price, how = _least(province, area, ("auction_pv_price_2025", "auction_pv_price")), "auction"
    if price is None:
        price, how = _least(province, area, ("new_cap",)), "cap"
    share = _least(province, area, ("auction_share_2025", "new_share_max"))
    term = _least(province, area, ("new_term",))
    return ProvinceMechanism(price, share, term, how if price is not None else "")


def _existing(province: str, project_class: str, area: str | None) -> ProvinceMechanism:
    price = _least(province, area, ("existing_price",))
    own = "existing_share_household" if project_class in HOUSEHOLDS else "existing_share_other"
    share = _least(province, area, (own, "existing_share_other"))
    if share is None and price is not None:
        share = Sourced(1.0, "1", "existing distributed PV: all of the export in most areas found",
                        "2026", "assumption")  # fmt: skip
    term = None if price is None else Sourced(
        float(EXISTING_YEARS), "yr", "document 136 of 2025: the earlier of 20 years and full hours",
        "2025", "one",
    )  # fmt: skip
    return ProvinceMechanism(price, share, term, "existing" if price is not None else "")


def market_of(province: str, area: str | None = None) -> Market | None:
    """The market's price of PV in a province, month by month; ``None`` where none was found.

    The reference price on settlement sheets, else the newest sound spot price weighted by PV times
    the usual ratio of the two. Where a province has several areas and none is named, that of
    :func:`usual_area`.
    """
    return _market(province, _areas(province, area)[0])


def household_tiers(province: str) -> list[dict[str, str]]:
    """Tiers of a household tariff as rows of ``up_to_kwh``, ``flat``, ``peak``, ``valley``.

    Where the limits of tiers were not found the first tier holds for all; peak and valley are its
    own, moved by what a tier costs more. Empty where no tariff was found.
    """
    told = {item: _least(province, None, (item,)) for item in (
        *(f"household_flat_{n}" for n in (1, 2, 3)), "household_limit_1", "household_limit_2",
        "household_peak_1", "household_valley_1",
    )}  # fmt: skip
    first = told["household_flat_1"]
    if first is None:
        return []
    limits = [told["household_limit_1"], told["household_limit_2"]]
    flats = [told[f"household_flat_{n}"] for n in (1, 2, 3)]
    count = 1 + next((n for n, limit in enumerate(limits) if limit is None), 2)
    count = min(count, next((n for n, flat in enumerate(flats) if flat is None), 3))
    out = []
    for n in range(count):
        flat, limit = flats[n], limits[n] if n < count - 1 else None
        assert flat is not None
        row = {"up_to_kwh": "" if limit is None else f"{limit.value:g}", "flat": f"{flat.value:g}"}
        for part in ("peak", "valley"):
            own = told[f"household_{part}_1"]
            moved = np.nan if own is None else own.value + flat.value - first.value
            row[part] = f"{moved:.4f}"
        out.append({**row, "source": first.source, "year": first.year,
                    "certainty": first.certainty})  # fmt: skip
    return out


def tariff_hours(province: str | None, part: str) -> tuple[int, ...]:
    """Begins and ends of a household's ``peak`` or ``valley`` hours; empty where none was found."""
    for row in _rows(province) if province else ():
        if row["item"] == f"household_{part}_hours":
            return tuple(int(hour) for hour in re.findall(r"\d+", row["value"]))
    return ()


def self_use_least(province: str) -> Sourced | None:
    """The least share of its energy that a general commercial roof must use itself, where known."""
    return _least(province, None, ("self_use_min_general_commercial",))


def _areas(province: str, area: str | None) -> tuple[str, ...]:
    named = area or usual_area(province)
    return ("",) if named is None else (named,)


def _least(province: str, area: str | None, items: tuple[str, ...]) -> Sourced | None:
    """The lowest value of the first item that was found at all."""
    for item in items:
        told = [
            (_number(row["value"]), row)
            for row in _rows(province)
            if row["item"] == item and row["area"] in ("", *_areas(province, area))
        ]
        known = [(value, row) for value, row in told if np.isfinite(value)]
        if known:
            value, row = min(known, key=lambda pair: pair[0])
            return Sourced(value, row["unit"], row["source"], row["year"], row["certainty"])
    return None


def _number(text: str) -> float:
    """A value, or the lower end of a range."""
    found = re.match(r"\s*(\d+(?:\.\d+)?)", text)
    return float(found[1]) if found else float("nan")


@cache
def _rows(province: str) -> tuple[dict[str, str], ...]:
    return tuple(row for row in rows("provincial") if row["province"] == province)


def month_prices(province: str, area: str | None = None) -> dict[str, Sourced]:
    """Reference prices that settlement sheets of a province had, by month; sound ones only."""
    own = _areas(province, area)
    return {
        row["month"]: Sourced(
            float(row["value"]), "CNY/kWh", row["source"], row["year"], row["certainty"]
        )
        for row in rows("market_months")
        if row["province"] == province
        and row["area"] in own
        and not row["doubtful"]
        and row["item"] == "settlement_ref"
    }


@cache
def _market(province: str, area: str) -> Market | None:
    own = [r for r in rows("market_months") if r["province"] == province and r["area"] == area]
    sound = [r for r in own if not r["doubtful"]]
    ratio = _ratio(province, area)
    settled = {r["month"]: float(r["value"]) for r in sound if r["item"] == "settlement_ref"}
    spot = {r["month"]: float(r["value"]) * ratio for r in sound if r["item"] == "pv_price_rt"}
    known = _newest(spot) | _newest(settled)
    if not known:
        return None
    months = [known.get(number, float("nan")) for number in range(1, MONTHS + 1)]
    first = sound[0]
    told = Sourced(float(np.nanmean(months)), "CNY/kWh", first["source"], first["year"],
                   first["certainty"])  # fmt: skip
    ends = [replace(told, value=value) for value in _whole_years(spot, told.value)]
    lowest, highest = ends or (None, None)
    return Market(tuple(months), told, lowest, highest)


def _newest(values: dict[str, float]) -> dict[int, float]:
    """The newest value of each month by its number, of values by year and month."""
    return {int(month[5:]): values[month] for month in sorted(values)}


def _whole_years(spot: dict[str, float], middle: float) -> tuple[float, ...]:
    """Lowest and highest mean of whole years; empty where there are fewer than two."""
    years = {month[:4] for month in spot}
    whole = [
        float(np.mean([v for k, v in spot.items() if k[:4] == year]))
        for year in years if sum(k[:4] == year for k in spot) == MONTHS
    ]  # fmt: skip
    return () if len(whole) < 2 else (min(*whole, middle), max(*whole, middle))


def _ratio(province: str, area: str) -> float:
    """Settlement price over spot price weighted by PV; 1 where it was not found."""
    for row in rows("market_rules"):
        if row["province"] == province and row["area"] in ("", area):
            return float(row["settlement_over_spot"] or 1.0)
    return 1.0


def own_price_of(province: str, area: str | None = None) -> Sourced | None:
    """Whether a roof's own market price is the settlement's (1) or that of its own hours (0);
    ``None`` where it was not found.
    """
    named = _areas(province, area)[0]
    for row in rows("market_rules"):
        if row["province"] == province and row["area"] in ("", named):
            value = 1.0 if row["own_price"] == "settlement" else 0.0
            return Sourced(value, "1", row["source"], row["year"], row["certainty"])
    return None


def floor_of(province: str, area: str | None = None) -> Sourced | None:
    """What a bid must ask at least, where it was found."""
    return _least(province, area, ("new_floor",))


def cap_of(province: str, area: str | None = None) -> Sourced | None:
    """What a bid may ask at most, where it was found."""
    return _least(province, area, ("new_cap",))
