"""How a grid company's sheet is laid out: columns by their exact headings, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pvplanner.errors import ConfigError, listed

PLAIN = ("account", "month", "energy", "market_price", "market", "mean_price", "mechanism_energy",
         "mechanism_price", "difference", "subsidy", "tax", "total")  # fmt: skip
"""What a row an account may have."""

NEEDED = ("account", "month", "energy", "total")

LONG = ("account", "month", "item", "quantity", "rate", "amount")
"""What a row an item has."""

LONG_NEEDED = ("account", "month", "item", "quantity", "amount")

AMOUNTS = ("market", "difference", "subsidy", "tax", "total")
"""Sums of money, and the items of a row an item."""

TAXES = ("withheld", "within", "added")
"""Tax is taken off what is paid; is inside the amounts and only told; or is put on top of them."""


@dataclass(frozen=True)
class Layout:
    """One kind of sheet.

    Attributes
    ----------
    name : str
    columns : mapping of str to str
        Ours (:data:`PLAIN`, or :data:`LONG` for a row an item) to the sheet's heading.
    tax : str
        One of :data:`TAXES`.
    items : mapping of str to str
        The sheet's words for items, to ours.
    factors : mapping of str to float
        By which a column's numbers become kWh and currency per kWh.
    made_up : bool
        Whether no real sheet stands behind it.
    """

    name: str
    columns: Mapping[str, str]
    tax: str = "withheld"
    items: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    made_up: bool = False

    @property
    def by_item(self) -> bool:
        """Whether a row is an item."""
        return "item" in self.columns

    def names(self) -> dict[str, tuple[str, ...]]:
        """Its headings as aliases of ours."""
        return {ours: (heading,) for ours, heading in self.columns.items()}


def read_layout(path: Path) -> Layout:
    """A layout that a user wrote.

    Raises
    ------
    ConfigError
        If it is no TOML, names a column that there is not, or lacks one that is needed.
    """
    try:
        told = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError("file_missing", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("layout_unread", where=str(path), reason=str(error)) from None
    return _checked(told, str(path))


def _checked(told: Mapping[str, Any], where: str) -> Layout:
    tables = {name: told.get(name, {}) for name in ("columns", "items", "factors")}
    wrong = [name for name, table in tables.items() if not isinstance(table, Mapping)]
    if wrong:
        raise ConfigError("layout_kinds", where=where, names=listed(wrong))
    columns = tables["columns"]
    long = "item" in columns
    known = LONG if long else PLAIN
    needed = LONG_NEEDED if long else NEEDED
    odd = [name for name in columns if name not in known]
    odd += [str(item) for item in tables["items"].values() if item not in AMOUNTS]
    odd += [name for name in tables["factors"] if name not in known]
    odd += [key for key in told if key not in Layout.__dataclass_fields__]
    if str(told.get("tax", "withheld")) not in TAXES:
        odd.append(str(told["tax"]))
    if odd:
        raise ConfigError("layout_odd", where=where, names=listed(odd), known=listed(known, 20))
    lacking = [name for name in needed if name not in columns]
    if long and "total" not in tables["items"].values():
        lacking.append("items: total")
    if lacking:
        raise ConfigError("layout_lacks", where=where, names=listed(lacking))
    wrong = [
        f"{name}.{key}" for name, table in tables.items() for key, value in table.items()
        if not isinstance(value, int | float if name == "factors" else str)
    ]  # fmt: skip
    if wrong:
        raise ConfigError("layout_kinds", where=where, names=listed(wrong))
    return Layout(**{"name": Path(where).stem, **told})


@cache
def layouts() -> tuple[Layout, ...]:
    """The layouts of the package."""
    folder = resources.files("pvplanner.reference").joinpath("layouts")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(_checked(tomllib.loads(f.read_text("utf-8")), f.name) for f in files)
