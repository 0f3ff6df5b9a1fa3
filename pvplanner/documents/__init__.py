"""Documents that get signed: each a template over the plan's tables; they compute nothing."""

from __future__ import annotations

from pvplanner.documents.saving import (
    save_bank_book,
    save_bank_pages,
    save_filing,
    save_household_sheet,
    save_layouts,
    save_materials,
    save_meeting,
    save_pictures,
    save_report,
)
from pvplanner.documents.verifying import verify_document

__all__ = [
    "save_bank_book",
    "save_bank_pages",
    "save_filing",
    "save_household_sheet",
    "save_layouts",
    "save_materials",
    "save_meeting",
    "save_pictures",
    "save_report",
    "verify_document",
]
