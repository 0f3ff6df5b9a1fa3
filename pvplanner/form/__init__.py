"""The scenario as a workbook, for those who write no TOML: every key with its words, and a ledger.

What the form states is what the scenario states: a blank cell is the default. Reading gives the
scenario back to the last digit; every error names sheet and cell.
"""

from __future__ import annotations

from pvplanner.form.layout import FIRST_ROW, KEY, LEDGER_SHEET, SHEET, VALUE, fields
from pvplanner.form.reading import is_form, open_scenario, read_form
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
