"""The scenario as a workbook, for those who write no TOML: every key with its words, and a ledger.

What the form states is what the scenario states: a blank cell is the default. Reading gives the
scenario back to the last digit; every error names sheet and cell.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
import types
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pandas as pd
from pydantic import BaseModel

from pvplanner.buildings.ledger import ALIASES as LEDGER
from pvplanner.errors import LANGUAGES, ConfigError, InputError
from pvplanner.money import all_models
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.reading import guarded, parse_times
from pvplanner.reading.values import plain_text, read_number
from pvplanner.reference import provinces
from pvplanner.scenario import Scenario
from pvplanner.words import has_label, in_units, label


def _titled(key: str) -> str:
    """A sheet's name in both languages, so that a form is found whoever wrote it."""
    return f"{label(key, 'zh')} {label(key, 'en')}"


SHEET, LEDGER_SHEET = _titled("form_scenario"), _titled("form_ledger")
TABLES = {"finance.events": _titled("form_events"), "press": _titled("form_press")}
"""Keys that are tables of their own."""

LISTS = "lists"
FIRST_ROW = 4
VALUE, KEY = 4, 8
"""Columns of the value and of the key."""

_YES = {"y", "true", "1", "yes", *(label("yes", code) for code in LANGUAGES)}
_NO = {"n", "false", "0", "no", *(label("no", code) for code in LANGUAGES)}


@dataclass(frozen=True)
class Field:
    """A key of the scenario that a cell can state."""

    key: str
    annotation: Any
    default: Any


def fields(model: type[BaseModel] = Scenario, path: str = "") -> Iterator[Field]:
    """Every key of the scenario in its order, tables left out."""
    for name, info in model.model_fields.items():
        key, kind = f"{path}{name}", info.annotation
        if key in TABLES:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{key}.")
        else:
            yield Field(key, kind, info.get_default(call_default_factory=True))


@cache
def _words(language: str) -> dict[str, dict[str, str]]:
    path = resources.files("pvplanner.words").joinpath(language, "keys.csv")
    return {row["key"]: row for row in csv.DictReader(path.read_text("utf-8").splitlines())}


@cache
def _units() -> dict[str, str]:
    path = resources.files("pvplanner.schema").joinpath("keys.csv")
    return {row["key"]: row["unit"] for row in csv.DictReader(path.read_text("utf-8").splitlines())}


def write_form(
    path: str | os.PathLike[str], scenario: Scenario, *, folder: Path | None = None,
    language: str = "zh",
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
        _put(sheet, row, column, _words(language)[field.key]["label"])
        _put(sheet, row, column + 4, _words(language)[field.key]["help"])
    unit = _units()[field.key]
    _put(sheet, row, 5, in_units(unit, "zh") if unit != "1" else "0-1")
    _put(sheet, row, KEY, field.key)
    _put(sheet, row, 9, _shown(field.default))
    cell = _put(sheet, row, VALUE, None if value is None else _cell_of(value))
    options = _options(field)
    if options:
        _drop_down(sheet, lists, cell, options, row)
        if value is not None:
            _put(sheet, row, VALUE, _option(_cell_of(value)))


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


def _option(value: Any) -> str:
    """A choice with its name in both languages behind it."""
    key = str(value)
    if not has_label(key, "zh"):
        return key
    return f"{key} {label(key, 'zh')} {label(key, 'en')}"


def _options(field: Field) -> list[str]:
    if field.key == "site.province":
        return [_option(name) for name in provinces()]
    if field.key == "finance.model":
        return [_option(name) for name in all_models()]
    if field.key == "language":
        return list(LANGUAGES)
    kinds = _kinds(field.annotation)
    if bool in kinds:
        return [_option("yes"), _option("no")]
    if any(get_origin(kind) is Literal for kind in kinds) and float not in kinds:
        return [_option(v) for kind in kinds if get_origin(kind) is Literal for v in get_args(kind)]
    return []


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
    for column, name in enumerate(_table_model(key).model_fields, 1):
        words = [_words(language)[f"{key}.{name}"]["label"] for language in ("zh", "en")]
        _put(sheet, 1, column, f"{words[0]} {words[1]} [{name}]", font, fill)
        for number, row in enumerate(rows, 2):
            value = row.get(name)
            _put(sheet, number, column, None if value is None else _cell_of(value))


def _table_model(key: str) -> type[BaseModel]:
    model: Any = Scenario
    *sections, last = key.split(".")
    for section in sections:
        model = model.model_fields[section].annotation
    return get_args(model.model_fields[last].annotation)[0]


def _stated(scenario: Scenario, folder: Path | None) -> dict[str, Any]:
    """What a scenario states, by dotted key; paths relative to a folder."""
    data = scenario.model_dump(exclude_unset=True)
    out: dict[str, Any] = {}

    def walk(values: Mapping[str, Any], path: str) -> None:
        for name, value in values.items():
            key = f"{path}{name}"
            known = key in _units()
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


def is_form(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a workbook with the form's sheet."""
    file = Path(path)
    if file.suffix.lower() not in (".xlsx", ".xlsm") or not zipfile.is_zipfile(file):
        return False
    with guarded(file), zipfile.ZipFile(file) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            return False
        head = archive.read("xl/workbook.xml")[:1_000_000].decode("utf-8", "replace")
    return f'name="{SHEET}"' in head


def read_form(path: str | os.PathLike[str]) -> Scenario:
    """Read a filled-in form; its paths are relative to it.

    Raises
    ------
    InputError
        If the file is missing or no workbook.
    ConfigError
        If a cell's value is impossible; names sheet and cell.
    """
    import openpyxl

    file = Path(path)
    if not file.is_file():
        raise InputError("file_missing", where=str(file))
    if not is_form(file):
        raise InputError("form_sheet", where=str(file), sheet=SHEET)
    with guarded(file), file.open("rb") as stream:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        rows = {s.title: _rows(s) for s in book.worksheets}
    data: dict[str, Any] = {}
    cells: dict[str, str] = {}
    known = {field.key: field for field in fields()}
    for number, row in rows[SHEET]:
        key = str(row[KEY - 1] or "").strip() if len(row) >= KEY else ""
        value = row[VALUE - 1] if len(row) >= VALUE else None
        if number < FIRST_ROW or not key or _blank(value):
            continue
        cells[key] = f"{SHEET}!D{number}"
        if key not in known:
            raise ConfigError("form_key", where=f"{file}, {SHEET}!H{number}", key=key)
        _set(data, key, _value(value, known[key], f"{file}, {cells[key]}"))
    for key, title in TABLES.items():
        made = _table(rows.get(title, []), key, file, title)
        if made:
            _set(data, key, made)
            cells[key] = title
    _with_ledger(data, rows.get(LEDGER_SHEET, []), file, cells)
    return _scenario(data, cells, file)


def _rows(sheet: Any) -> list[tuple[int, list[Any]]]:
    sheet.reset_dimensions()
    return [(n, list(row)) for n, row in enumerate(sheet.iter_rows(values_only=True), 1)
            if any(v is not None for v in row)]  # fmt: skip


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _with_ledger(
    data: dict[str, Any], rows: list[tuple[int, list[Any]]], file: Path, cells: dict[str, str]
) -> None:
    """The form's own ledger, where it has rows."""
    if len(rows) < 2:
        return
    if (data.get("site") or {}).get("households"):
        where = f"{file}, {cells['site.households']}"
        raise ConfigError("form_two_ledgers", where=where, sheet=LEDGER_SHEET)
    _set(data, "site.households", file.name)


def _scenario(data: dict[str, Any], cells: dict[str, str], file: Path) -> Scenario:
    try:
        return Scenario(**data)._with_paths_from(file.resolve().parent)
    except ConfigError as error:
        near = [key for key in cells if error.where.startswith(key)]
        at = cells[max(near, key=len)] if near else SHEET
        key = f" [{error.where}]" if error.where else ""
        raise ConfigError(error.code, where=f"{file}, {at}{key}", **error.params) from None


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        data = data.setdefault(section, {})
    data[last] = value


def _table(
    rows: list[tuple[int, list[Any]]], key: str, file: Path, title: str
) -> list[dict[str, Any]]:
    if not rows:
        return []
    heads = [re.search(r"\[(\w+)\]", str(h or "")) for h in rows[0][1]]
    names = [found[1] if found else "" for found in heads]
    model = _table_model(key)
    out = []
    for number, row in rows[1:]:
        made = {}
        for column, (name, value) in enumerate(zip(names, row, strict=False)):
            if name in model.model_fields and not _blank(value):
                info = model.model_fields[name]
                field = Field(f"{key}.{name}", info.annotation, None)
                made[name] = _value(value, field, f"{file}, {title}!{chr(65 + column)}{number}")
        out.append(made)
    return out


def _kinds(annotation: Any) -> list[Any]:
    """The simple kinds of a field, ``None`` left out."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return [k for part in get_args(annotation) for k in _kinds(part)]
    if hasattr(annotation, "__metadata__"):
        return _kinds(annotation.__origin__)
    if origin in (list, dict):
        return [origin]
    return [] if annotation is type(None) else [annotation]


def _value(value: Any, field: Field, where: str) -> Any:
    """A cell's value as the field takes it; what does not fit is left to the scenario's own rules.

    Raises
    ------
    ConfigError
        If text stands where a number, a date or yes or no should.
    """
    kinds = _kinds(field.annotation)
    text = plain_text(value) if isinstance(value, str) else ""
    if bool in kinds:
        return _flag(value, text, where)
    if dt.date in kinds:
        return _date(value, text, where)
    if dict in kinds:
        return {k: _scalar(v, field) for k, v in (_pair(p, where) for p in _parts(str(value)))}
    if list in kinds and (";" in text or float not in kinds):
        return [_scalar(part, field) for part in _parts(str(value))]
    if float in kinds or int in kinds:
        return _figure(value, text, kinds, where)
    if any(get_origin(kind) is Literal for kind in kinds) or _options(field):
        return _literal(str(value).strip(), field)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _literal(text: str, field: Field) -> str:
    """The key of a choice, also where its name alone was written."""
    for option in _options(field):
        if text in (option, *option.split(" ")):
            return option.split(" ")[0]
    return text.split(" ")[0]


def _flag(value: Any, text: str, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = (text or str(value)).casefold().split(" ")[0]
    if word in _YES or word in _NO:
        return word in _YES
    raise ConfigError("form_flag", where=where, value=str(value))


def _date(value: Any, text: str, where: str) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    read = parse_times(pd.Series([text], dtype="string"))[0][0]
    if read is not pd.NaT:
        return read.date()
    raise ConfigError("form_date", where=where, value=str(value))


def _figure(value: Any, text: str, kinds: list[Any], where: str) -> Any:
    if isinstance(value, bool | dt.date):
        raise ConfigError("form_number", where=where, value=str(value))
    if isinstance(value, str):
        choices = [v for k in kinds if get_origin(k) is Literal for v in get_args(k)]
        if text in choices:
            return text
        share = text.endswith("%")
        read = read_number(text.removesuffix("%").strip())
        if read is None:
            raise ConfigError("form_number", where=where, value=value)
        value = read / 100 if share else read
    return int(value) if int in kinds and float(value).is_integer() else value


def _parts(text: str) -> list[str]:
    found = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^;\uff1b])+', text)
    return [part.strip() for part in found if part.strip()]


def _pair(text: str, where: str) -> tuple[str, str]:
    found = re.fullmatch(r'("(?:[^"\\]|\\.)*"|[^=]+)=(.*)', text)
    if not found:
        raise ConfigError("form_pair", where=where, value=text)
    return _unquoted(found[1].strip()), found[2].strip()


def _unquoted(text: str) -> str:
    return json.loads(text) if text.startswith('"') else text


def _scalar(text: str, field: Field) -> Any:
    """A part of a list or mapping: a number where the field holds numbers."""
    inner = [k for part in get_args(_mapping_of(field.annotation)) for k in _kinds(part)]
    plain = _unquoted(text)
    if float in inner or int in inner:
        try:
            return float(plain) if int not in inner else int(float(plain))
        except ValueError:
            return plain
    return plain


def _mapping_of(annotation: Any) -> Any:
    """The list or dict type within an annotation."""
    if get_origin(annotation) in (list, dict):
        return annotation
    if hasattr(annotation, "__metadata__"):
        return _mapping_of(annotation.__origin__)
    for part in get_args(annotation):
        found = _mapping_of(part)
        if found is not None:
            return found
    return None


def open_scenario(path: str | os.PathLike[str]) -> Scenario:
    """A scenario from its TOML file, its form, or the folder that holds one of them.

    Raises
    ------
    ConfigError
        If a folder holds both and they say otherwise, or neither.
    """
    place = Path(path)
    if place.is_dir():
        both = [place / "scenario.toml", place / "input.xlsx"]
        there = [file for file in both if file.is_file()]
        if not there:
            raise ConfigError("folder_no_scenario", where=str(place))
        read = [open_scenario(file) for file in there]
        if len(read) == 2 and _without_names(read[0]) != _without_names(read[1]):
            raise ConfigError("folder_two_scenarios", where=str(place))
        return read[-1]
    if is_form(place):
        return read_form(place)
    return Scenario.from_toml(place)


def _without_names(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(exclude_none=True)


__all__ = ["fields", "is_form", "open_scenario", "read_form", "write_form"]
