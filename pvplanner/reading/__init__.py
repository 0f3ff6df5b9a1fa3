"""What the field sends: tables, headings, numbers with units, time stamps, whatever their spelling.

A label in a file is a claim. Every reader of a file stands on this room, so that a spelling that is
understood in a ledger is understood in a meter's or a surveyor's sheet too.
"""

from __future__ import annotations

from pvplanner.reading.columns import Columns, map_columns, mapped_findings
from pvplanner.reading.guard import guarded
from pvplanner.reading.tables import TextTable, decode, read_small_table, read_table
from pvplanner.reading.times import parse_months, parse_times
from pvplanner.reading.values import is_total, one_spelling, plain_text, read_numbers

__all__ = [
    "Columns",
    "TextTable",
    "decode",
    "guarded",
    "is_total",
    "map_columns",
    "mapped_findings",
    "one_spelling",
    "parse_months",
    "parse_times",
    "plain_text",
    "read_numbers",
    "read_small_table",
    "read_table",
]
