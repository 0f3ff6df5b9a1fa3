"""The scenario as a workbook, for those who write no TOML: every key with its words, and a ledger.

What the form states is what the scenario states: a blank cell is the default. Reading gives the
scenario back to the last digit; every error names sheet and cell.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pvplanner.form.opening import open_scenario

if TYPE_CHECKING:
    from pvplanner.form.layout import FIRST_ROW, KEY, LEDGER_SHEET, SHEET, VALUE, fields
    from pvplanner.form.reading import is_form, read_form
    from pvplanner.form.writing import write_form

__all__ = [
    "FIRST_ROW",
    "KEY",
    "LEDGER_SHEET",
    "SHEET",
    "VALUE",
    "fields",
    "is_form",
    "open_scenario",
    "read_form",
    "write_form",
]

_ROOMS = {"reading": ("is_form", "read_form"), "writing": ("write_form",),
          "layout": ("FIRST_ROW", "KEY", "LEDGER_SHEET", "SHEET", "VALUE", "fields")}  # fmt: skip
"""A plan from a TOML file needs no workbook."""


def __getattr__(name: str) -> Any:
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(importlib.import_module(f"pvplanner.form.{room}"), name)
    raise AttributeError(name)
