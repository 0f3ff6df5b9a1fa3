"""The survey sheet: what someone must look at on site, hamlet by hamlet, to print and fill in."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import openpyxl
import pandas as pd
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.worksheet.pagebreak import Break

from pvplanner.buildings.survey import SURVEYED
from pvplanner.errors import ConfigError
from pvplanner.markup import fill_page
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.words import label, style, texts

KNOWN = ("building_id", "hamlet", "to_check")
"""What the sheet says."""

ASKED = (
    *(name for name in SURVEYED if name not in ("floors", "height_m")),
    "surveyor",
    "survey_date",
    "remark",
)
"""What it asks; known values stand in it to be confirmed."""

SURE = 0.5
"""Planes that the surface model holds with less confidence are to be looked at."""


def survey_rows(plan: Plan, language: str) -> pd.DataFrame:
    """A row per building: where it is, what is to be checked, and what is known of it."""
    buildings = plan.buildings
    out = pd.DataFrame(index=buildings.index)
    out["building_id"] = buildings["building_id"].astype(str)
    out["hamlet"] = _hamlet(buildings)
    out["to_check"] = _to_check(plan, language)
    for name in ASKED:
        known = buildings[name] if name in buildings else pd.Series(None, buildings.index)
        out[name] = [_told(value, language) for value in known]
    return out.sort_values(["hamlet", "building_id"], kind="stable").reset_index(drop=True)


def _hamlet(buildings: pd.DataFrame) -> pd.Series:
    return buildings["hamlet"].fillna(buildings["village"]).fillna("").astype(str)


def _told(value: object, language: str) -> str:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, bool):
        return label("yes" if value else "no", language)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _to_check(plan: Plan, language: str) -> list[str]:
    """Why each building has to be looked at, in words."""
    planes = plan.planes
    seen = planes["source"].ne("typology")
    guessed = set(planes.loc[~seen, "building_id"])
    doubtful = set(planes.loc[seen & ~(planes["confidence"] >= SURE), "building_id"])
    comma = style(language)["parts"]
    out = []
    for row in plan.buildings.itertuples():
        why = ["check_structure"]
        reason = str(row.status_reason or "")
        if reason.startswith("survey_first"):
            why.insert(0, reason)
        why += ["check_roof_shape"] if row.building_id in guessed else []
        why += ["check_doubtful"] if row.building_id in doubtful else []
        why += ["check_material"] if pd.isna(row.roof_material) else []
        why += ["check_consent"] if pd.isna(row.owner_consent) else []
        out.append(comma.join(label(key, language) for key in why))
    return out


def save_survey(plan: Plan, path: str | os.PathLike[str], *, language: str | None = None) -> Path:
    """Write the survey sheet of a plan.

    Parameters
    ----------
    plan : Plan
    path : path-like
        ``.xlsx`` to fill in (it reads back as ``site.survey``) or ``.html`` to print.
    language : str, optional
        The scenario's if not given.

    Raises
    ------
    ConfigError
        If the suffix is another.
    """
    language = language or plan.scenario.language
    target = Path(path)
    rows = survey_rows(plan, language)
    if target.suffix.lower() == ".xlsx":
        return write_bytes_beside(target, _workbook(rows, language))
    if target.suffix.lower() in (".html", ".htm"):
        return write_bytes_beside(target, _page(plan, rows, language).encode("utf-8"))
    known = ".xlsx, .html"
    raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)


def _workbook(rows: pd.DataFrame, language: str) -> bytes:
    """One sheet, so that it reads back whole; a new page for each hamlet when printed."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = label("survey_sheet", language)
    thin = Side(style="thin")
    for column, name in enumerate(rows.columns, start=1):
        cell = sheet.cell(1, column, label(name, language))
        cell.font = Font(bold=True)
    for number, row in enumerate(rows.itertuples(index=False), start=2):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column)
            cell.value = str(value)
            # Text from data is text, whatever it begins with.
            cell.data_type = "s"
            cell.quotePrefix = True
        if number > 2 and rows["hamlet"].iloc[number - 2] != rows["hamlet"].iloc[number - 3]:
            sheet.row_breaks.append(Break(id=number - 1))
    widths = {"building_id": 14, "hamlet": 12, "to_check": 40, "remark": 24}
    for column, name in enumerate(rows.columns, start=1):
        letter = openpyxl.utils.get_column_letter(column)
        sheet.column_dimensions[letter].width = widths.get(name, 12)
    for cells in sheet.iter_rows():
        for cell in cells:
            cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "B2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr = openpyxl.worksheet.properties.PageSetupProperties(
        fitToPage=True
    )
    sheet.page_setup.fitToHeight = 0
    held = BytesIO()
    book.save(held)
    return held.getvalue()


def _page(plan: Plan, rows: pd.DataFrame, language: str) -> str:
    hamlets = [
        {"name": name, "rows": part.drop(columns="hamlet").to_numpy().tolist()}
        for name, part in rows.groupby("hamlet", sort=False)
    ]
    return fill_page(
        "survey.html.j2",
        html=style(language)["html"],
        name=plan.scenario.name,
        t=texts(language),
        notes=[label(key, language) for key in plan.notes()],
        columns=[label(c, language) for c in rows.columns if c != "hamlet"],
        hamlets=hamlets,
    )
