"""What the grid company paid: its sheet against our own reckoning and the bank, to the fen."""

from __future__ import annotations

from pvplanner.settlement.compare import COMPARED, KINDS, compare_sheet
from pvplanner.settlement.layouts import Layout, layouts, read_layout
from pvplanner.settlement.receipts import compare_receipts, read_receipts
from pvplanner.settlement.rules import Rules, amounts_of
from pvplanner.settlement.sheets import Sheet, read_sheets

__all__ = ["COMPARED", "KINDS", "Layout", "Rules", "Sheet", "amounts_of", "compare_receipts",
           "compare_sheet", "layouts", "read_layout", "read_receipts", "read_sheets"]  # fmt: skip
