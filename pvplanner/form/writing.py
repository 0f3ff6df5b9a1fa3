"""The form of a scenario as a workbook that is written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from pvplanner.buildings.ledger import ALIASES as LEDGER
from pvplanner.form.layout import (
    FIRST_ROW,
    KEY,
    LEDGER_SHEET,
    LISTS,
    PARTS,
    SHEET,
    TABLES,
    TWIN_ROW,
    VALUE,
    Field,
    content_of,
    fields,
    key_units,
    key_words,
    options_of,
    table_model,
)
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.scenario import Scenario
from pvplanner.words import in_units, label


def write_form(
    path: str | os.PathLike[str], scenario: Scenario, *, folder: Path | None = None,
    language: str = "zh",
    twin: Path | None = None,
) -> Path:  # fmt: skip
    """Write the form of a scenario.

    Parameters
    ----------
    path : path-like
        XLSX file.
    scenario : Scenario
        What it states is filled in.
    folder : Path, optional
        Paths are written relative to it.
    language : {'zh', 'en'}
        Of the title.
    twin : Path, optional
        The TOML file of the same scenario beside it: which of the two is touched later is seen.
    """
    import openpyxl
    from openpyxl.styles import Font, PatternFill

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = SHEET
    held = book.create_sheet(LISTS)
    held.sheet_state = "hidden"
    bold, grey = Font(bold=True), PatternFill("solid", fgColor="E8EEF3")
    _put(sheet, 1, 1, label("form_title", language), bold)
    _put(sheet, 2, 1, label("form_help", language))
    for column, key in enumerate(_heads(), 1):
        _put(sheet, FIRST_ROW - 1, column, key, bold, grey)
    stated = _stated(scenario, folder)
    for row, field in enumerate(fields(), FIRST_ROW):
        _put_field(sheet, held, row, field, stated.get(field.key))
    for letter, width in zip("ABCDEFGHI", (22, 24, 26, 34, 12, 44, 44, 30, 22), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = sheet.cell(FIRST_ROW, VALUE)
    for key, title in TABLES.items():
        _put_table(book.create_sheet(title), key, stated.get(key) or [], bold, grey)
    ledger = book.create_sheet(LEDGER_SHEET)
    for column, key in enumerate(LEDGER, 1):
        zh = LEDGER[key][1] if len(LEDGER[key]) > 1 else key
        _put(ledger, 1, column, next((n for n in LEDGER[key] if not n.isascii()), zh), bold, grey)
        ledger.column_dimensions[ledger.cell(1, column).column_letter].width = 16
        # As text, so that numbers of 18 digits keep them all.
        for row in range(2, 402):
            ledger.cell(row, column).number_format = "@" if key.endswith("_id") else "General"
    if twin is not None:
        _put(held, TWIN_ROW, 1, sha256(twin.read_bytes()).hexdigest())
        _put(held, TWIN_ROW, 2, content_of(scenario, twin.resolve().parent))
    body = BytesIO()
    book.save(body)
    return write_bytes_beside(Path(path), body.getvalue())


def _heads() -> list[str]:
    names = ("form_section", "form_label", "form_label", "form_value", "form_unit", "form_note",
             "form_note", "form_key", "form_default")  # fmt: skip
    both = [f"{label(n, 'zh')} {label(n, 'en')}" for n in names]
    both[1], both[2] = label("form_label", "zh"), label("form_label", "en")
    both[5], both[6] = label("form_note", "zh"), label("form_note", "en")
    return both


def _put(sheet: Any, row: int, column: int, value: Any, font: Any = None, fill: Any = None) -> Any:
    """A cell; text is never a formula."""
    cell = sheet.cell(row, column)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    if font is not None:
        cell.font = font
    if fill is not None:
        cell.fill = fill
    return cell


def _put_field(sheet: Any, lists: Any, row: int, field: Field, value: Any) -> None:
    section, _, name = field.key.rpartition(".")
    _put(sheet, row, 1, section or name)
    for column, language in ((2, "zh"), (3, "en")):
        _put(sheet, row, column, key_words(language)[field.key]["label"])
        _put(sheet, row, column + 4, key_words(language)[field.key]["help"])
    unit = key_units()[field.key]
    _put(sheet, row, 5, in_units(unit, "zh") if unit != "1" else "0-1")
    _put(sheet, row, KEY, field.key)
    _put(sheet, row, 9, _shown(field.default))
    cell = _put(sheet, row, VALUE, None if value is None else _cell_of(value))
    options = options_of(field)
    if options:
        _drop_down(sheet, lists, cell, options, row)
        if value is not None:
            own = str(_cell_of(value))
            _put(sheet, row, VALUE, next((o for o in options if o.split(PARTS)[0] == own), own))


def _shown(value: Any) -> Any:
    return "" if value in (None, {}, []) else _cell_of(value)


def _cell_of(value: Any) -> Any:
    """A scenario's value as a cell holds it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{_quoted(k)}={_quoted(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_quoted(v) for v in value)
    if isinstance(value, float) and float(f"{value:.16g}") != value:
        # The writer keeps 16 digits: a number of 17 stands as text, and is read as a number.
        return repr(value)
    return value


def _quoted(value: Any) -> str:
    text = repr(value) if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r'[;="]', text) else text


def _drop_down(sheet: Any, lists: Any, cell: Any, options: list[str], row: int) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    column = row - FIRST_ROW + 1
    for number, option in enumerate(options, 1):
        _put(lists, number, column, option)
    letter = get_column_letter(column)
    rule = DataValidation(
        type="list", formula1=f"{LISTS}!${letter}$1:${letter}${len(options)}", allow_blank=True,
        showErrorMessage=False,
    )  # fmt: skip
    sheet.add_data_validation(rule)
    rule.add(cell)


def _put_table(sheet: Any, key: str, rows: list[dict[str, Any]], font: Any, fill: Any) -> None:
    for column, name in enumerate(table_model(key).model_fields, 1):
        words = [key_words(language)[f"{key}.{name}"]["label"] for language in ("zh", "en")]
        _put(sheet, 1, column, f"{words[0]} {words[1]} [{name}]", font, fill)
        for number, row in enumerate(rows, 2):
            value = row.get(name)
            _put(sheet, number, column, None if value is None else _cell_of(value))


def _stated(scenario: Scenario, folder: Path | None) -> dict[str, Any]:
    """What a scenario states, by dotted key; paths relative to a folder."""
    data = scenario.model_dump(exclude_unset=True)
    out: dict[str, Any] = {}

    def walk(values: Mapping[str, Any], path: str) -> None:
        for name, value in values.items():
            key = f"{path}{name}"
            known = key in key_units()
            if isinstance(value, Mapping) and not known:
                walk(value, f"{key}.")
            else:
                out[key] = value

    walk(data, "")
    if folder is not None:
        for key, value in scenario.paths().items():
            dotted = key if "." in key else f"site.{key}"
            try:
                out[dotted] = Path(os.path.relpath(value, folder)).as_posix()
            except ValueError:  # another drive on Windows
                out[dotted] = value
    return out
