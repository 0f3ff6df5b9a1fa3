"""The tables: which columns they have, and what is to be known of a column, once, as data.

``columns.csv`` has a row per column: its kind (``kinds.csv`` says how far a kind of figure is
shown), unit, how it sums, which end is better, whether it is personal, and where it is shown
(``place:order``). Pages, workbooks and the written data dictionary ask here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pvplanner.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd

MONTHS = tuple(f"{month:02d}" for month in range(1, 13))
"""Month suffixes of monthly columns, ``01`` to ``12``."""

MONTHLY_ENERGY = tuple(f"energy_kwh_{month}" for month in MONTHS)
"""The twelve monthly energy columns."""

MEASURES = (
    "income_first_year",
    "income_mean",
    "income_worst",
    "npv",
    "irr",
    "payback_years",
    "discounted_payback_years",
    "lcoe",
    "dscr_min",
)
"""What is reported of each business model."""

CASES = ("planned", "not_won", "market_low", "market_high", "poor_years", "together")
"""Cases that money is reckoned for: as planned, without the auction's price, at the lowest and the
highest market, with the energy that is exceeded in nine years of ten, and the bad ones together."""

PLANNED, POOR = CASES[0], CASES[4]

_PARTS = (
    (re.compile(r"^energy_kwh_(\d\d)$"), "energy_kwh_month"),
    (re.compile(r"^load_kwh_(\d\d)(_p\d)?$"), "load_kwh_month"),
    (re.compile(r"^self_used_kwh_\d_(\d\d)(_p\d)?$"), "self_used_kwh_month"),
    (re.compile(r"^plain_used_kwh_(\d\d)(_p\d)?$"), "self_used_kwh_month"),
    (re.compile(r"^export_kwh_h\d\d$"), "export_kwh_hour"),
    (re.compile(r"^(self_used_kwh|export_kwh|battery_loss_kwh|bill_after)_\d$"), r"\1"),
)
"""Columns that come in numbered families, and the row that describes all of a family."""


@dataclass(frozen=True)
class Column:
    """What is to be known of a column; see ``columns.csv``."""

    column: str
    kind: str
    unit: str
    sum: str
    better: str
    personal: bool
    shown: dict[str, int]


@dataclass(frozen=True)
class TableSchema:
    """What a table of the plan must have.

    Attributes
    ----------
    name : str
        Name of the table, of its layer and of its file.
    key : tuple of str
        Columns that identify a row.
    columns : tuple of str
        Columns that must be there.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


def _rows(name: str) -> list[dict[str, str]]:
    path = resources.files("pvplanner.schema").joinpath(name)
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


@cache
def columns() -> dict[str, Column]:
    """Every column by name, in the order of ``columns.csv``."""
    out = {}
    for row in _rows("columns.csv"):
        places = (place.split(":") for place in row["shown"].split())
        shown = {place: int(order) for place, order in places}
        out[row["column"]] = Column(
            row["column"], row["kind"], row["unit"], row["sum"], row["better"],
            row["personal"] == "yes", shown,
        )  # fmt: skip
    return out


@cache
def kinds() -> dict[str, dict[str, str]]:
    """How far each kind of figure is shown: ``one`` (roof, household), ``whole`` (village)."""
    return {row["kind"]: row for row in _rows("kinds.csv")}


def kind_of(kind: str) -> dict[str, str]:
    """The row of a kind."""
    return kinds()[kind]


def stem(key: str) -> str:
    """The row that describes a column: its own, or that of its family, P90 twin or model."""
    if key in columns():
        return key
    for pattern, family in _PARTS:
        if pattern.match(key):
            return pattern.sub(family, key)
    if key.endswith("_p90"):
        return stem(key.removesuffix("_p90"))
    model = model_of(key)
    return key.removeprefix(f"{model}_") if model else key


def column(key: str) -> Column:
    """What is known of a column; texts have no row and are shown as they stand."""
    return columns().get(stem(key)) or Column(key, "text", "", "", "", False, {})


def unit_key(key: str) -> str:
    """Unit of a column, money as ``money``; empty where it has none."""
    return column(key).unit


def month_of(key: str) -> int:
    """Month that a column speaks of, 1 to 12; 0 where it speaks of none."""
    for pattern, family in _PARTS[:3]:
        found = pattern.match(key)
        if found and family.endswith("month"):
            return int(found.group(1))
    return 0


def model_of(key: str) -> str:
    """Business model that a column such as ``self_use_npv`` speaks of; empty where none."""
    key = key.removesuffix("_p90")
    return next(
        (key.removesuffix(f"_{m}") for m in (*MEASURES, "capital") if key.endswith(f"_{m}")
         and key != m and key not in columns()), "",
    )  # fmt: skip


def shown_in(place: str, *, personal: bool = True) -> tuple[str, ...]:
    """Columns that a place shows, in its order; without ``personal`` those that are public."""
    found = [c for c in columns().values() if place in c.shown and (personal or not c.personal)]
    return tuple(c.column for c in sorted(found, key=lambda c: c.shown[place]))


def personal_columns() -> tuple[str, ...]:
    """Columns that the public edition of a page leaves out, not merely hides."""
    return tuple(c.column for c in columns().values() if c.personal)


def is_summed(key: str) -> bool:
    """Whether a column may be added up; what nine years of ten exceed may not."""
    return column(key).sum == "sum" and not (key.endswith("_p90") and stem(key) != key)


def _table(name: str, key: str, needed: str) -> TableSchema:
    return TableSchema(name, tuple(key.split()), tuple(needed.split()))


TABLES = {
    table.name: table
    for table in (
        _table("buildings", "building_id", "building_id division_code village project_class "
               "roof_type floors height_m status status_reason geometry"),
        _table("planes", "plane_id", "plane_id building_id surface_tilt surface_azimuth "
               "grid_azimuth area_m2 usable_area_m2 usable_area_low_m2 usable_area_high_m2 source "
               "geometry"),
        _table("shares", "building_id household_id", "share"),
        _table("arrays", "array_id", "array_id plane_id building_id modules capacity_kwp "
               "capacity_kw_ac surface_tilt surface_azimuth"),
        _table("energy", "array_id", f"energy_kwh {' '.join(MONTHLY_ENERGY)} "
               "specific_yield_kwh_per_kwp performance_ratio shading_loss"),
        _table("households", "household_id", "household_id capacity_kwp energy_kwh"),
        _table("demand", "household_id", "load_kwh self_used_kwh_0"),
        _table("measures", "household_id model case", "income_first_year npv"),
        _table("villages", "division_code village", "buildings energy_kwh"),
    )
}  # fmt: skip
"""The tables of a plan that users are given, in the order in which they come about."""


def validate(table: pd.DataFrame, name: str, *, where: str = "") -> None:
    """Check that a table has its columns and that its key identifies rows.

    Parameters
    ----------
    table : DataFrame
        The table.
    name : str
        One of :data:`TABLES`.
    where : str
        File it came from, for the message.

    Raises
    ------
    InputError
        If a column is missing, or a key is missing or repeated.
    """
    schema = TABLES[name]
    missing = [column for column in schema.columns if column not in table.columns]
    if missing:
        raise InputError("table_columns", where=where or name, table=name, missing=listed(missing))
    keys = [column for column in schema.key if column in table.columns]
    if len(keys) != len(schema.key):
        return
    twice = table.duplicated(keys)
    if twice.any() or table[keys].isna().to_numpy().any():
        shown = listed(table.loc[twice, keys[0]])
        raise InputError(
            "table_key", where=where or name, table=name, key=", ".join(keys), ids=shown
        )


def dictionary(tables: Iterable[tuple[str, Iterable[str]]]) -> list[tuple[str, str, Column]]:
    """Table, column and what is known of it, for every column of some tables."""
    own = columns()
    return [
        (name, str(key), own.get(f"{name}.{key}") or column(str(key)))
        for name, keys in tables
        for key in keys
    ]
