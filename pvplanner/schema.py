"""The one glossary: what every column and every word on a page is called, in what unit.

``glossary.csv`` holds a row per key: its kind (``column`` or ``text``), unit, English and Chinese
label, and a description in both. Labels on maps, headers in reports and tables, and the checks of
the tables below all draw on it, so a thing has one name everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pandas as pd

from pvplanner.errors import InputError, listed

MONTHS = tuple(f"{month:02d}" for month in range(1, 13))
"""Month suffixes of monthly columns, ``01`` to ``12``."""

MONTHLY_ENERGY = tuple(f"energy_kwh_{month}" for month in MONTHS)
"""The twelve monthly energy columns."""

MODELS = ("self_invest", "self_use", "roof_lease", "cooperative", "developer")
"""Business models, in the order in which they are shown."""

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

PERSONAL = (
    "household_name",
    "low_income",
    "income_today",
    "consumption_kwh",
    "bill_before",
    "bill_saved",
)
"""Columns that the public edition of a page leaves out, not merely hides."""


_NODE = re.compile(r"(?:(?<=kwh)|(?<=after))_[0-9]$")
"""Suffix of the demand table's columns: the scale at which generation was simulated."""


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


TABLES = {
    table.name: table
    for table in (
        TableSchema(
            "buildings",
            ("building_id",),
            (
                "building_id",
                "division_code",
                "village",
                "project_class",
                "roof_type",
                "floors",
                "height_m",
                "status",
                "status_reason",
                "geometry",
            ),
        ),
        TableSchema(
            "planes",
            ("plane_id",),
            (
                "plane_id",
                "building_id",
                "surface_tilt",
                "surface_azimuth",
                "grid_azimuth",
                "area_m2",
                "usable_area_m2",
                "usable_area_low_m2",
                "usable_area_high_m2",
                "source",
                "geometry",
            ),
        ),
        TableSchema("shares", ("building_id", "household_id"), ("share",)),
        TableSchema(
            "arrays",
            ("array_id",),
            (
                "array_id",
                "plane_id",
                "building_id",
                "modules",
                "capacity_kwp",
                "capacity_kw_ac",
                "surface_tilt",
                "surface_azimuth",
            ),
        ),
        TableSchema(
            "energy",
            ("array_id",),
            (
                "energy_kwh",
                *MONTHLY_ENERGY,
                "specific_yield_kwh_per_kwp",
                "performance_ratio",
                "shading_loss",
            ),
        ),
        TableSchema(
            "households", ("household_id",), ("household_id", "capacity_kwp", "energy_kwh")
        ),
        TableSchema("demand", ("household_id",), ("load_kwh", "bill_before", "self_used_kwh_0")),
        TableSchema("villages", ("division_code", "village"), ("buildings", "energy_kwh")),
    )
}
"""The tables of a plan, in the order in which they come about."""


@cache
def glossary() -> pd.DataFrame:
    """The glossary, indexed by key."""
    path = resources.files("pvplanner").joinpath("glossary.csv")
    with path.open("r", encoding="utf-8") as stream:
        table = pd.read_csv(stream, dtype="string", keep_default_na=False)
    return table.set_index("key")


@cache
def _entries() -> dict[str, dict[str, str]]:
    return {str(key): dict(row) for key, row in glossary().to_dict("index").items()}


def label(key: str, language: str = "zh", *, unit: bool = False) -> str:
    """Label of a column or text in a language, with its unit behind it on request.

    Raises
    ------
    KeyError
        If the glossary has no such key: a word on a page that is not in the glossary is a bug.
    """
    entry = _entries()[_stem(key)]
    text = entry[language]
    month = key.removeprefix("energy_kwh_")
    if month in MONTHS:
        text = f"{text} {int(month)}" if language == "en" else f"{int(month)}月{text}"
    model = _model_of(key)
    if model:
        text = f"{label(model, language)} · {text}"
    if key.endswith("_p90"):
        text = f"{text} P90"
    shown = entry[f"unit_{language}"] if unit else ""
    return f"{text} ({shown})" if shown and shown.lower() != text.lower() else text


def unit_of(key: str, language: str = "zh") -> str:
    """Unit of a column as written in a language; empty where it has none."""
    return _entries()[_stem(key)][f"unit_{language}"]


def money_unit(unit: str, currency: str) -> str:
    """A unit in the plan's own currency."""
    return unit if currency == "CNY" else unit.replace("CNY", currency).replace("元", currency)


def describe(key: str, language: str = "zh") -> str:
    """One sentence on what a column means."""
    return _entries()[_stem(key)][f"description_{language}"]


def texts(language: str) -> dict[str, str]:
    """Every label of the glossary in a language, by key."""
    return {key: entry[language] for key, entry in _entries().items()}


def _model_of(key: str) -> str:
    key = key.removesuffix("_p90")
    return next(
        (m for m in MODELS if key.startswith(f"{m}_") and key[len(m) + 1 :] in MEASURES), ""
    )


def _stem(key: str) -> str:
    key = _NODE.sub("", key.removesuffix("_p90")) if key != "energy_p90_kwh" else key
    model = _model_of(key)
    if model:
        return key[len(model) + 1 :]
    return "energy_kwh_month" if key in MONTHLY_ENERGY else key


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
