"""The form of a scenario read back: what people wrote, with the cell in every error."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pandas as pd

from pvplanner.errors import LANGUAGES, ConfigError, InputError, listed
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
    kinds_of,
    options_of,
    table_model,
)
from pvplanner.reading import guarded, parse_times
from pvplanner.reading.bombs import check_workbook
from pvplanner.reading.values import plain_text, read_number
from pvplanner.scenario import Scenario
from pvplanner.words import label

_YES = {"y", "true", "1", "yes", *(label("yes", code) for code in LANGUAGES)}
_NO = {"n", "false", "0", "no", *(label("no", code) for code in LANGUAGES)}


MARK = b"finance.degradation_first_year"
"""A key that stands in every form, whatever its sheets are called."""


def is_form(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a workbook with the form's sheet."""
    file = Path(path)
    if file.suffix.lower() not in (".xlsx", ".xlsm") or not zipfile.is_zipfile(file):
        return False
    with guarded(file), zipfile.ZipFile(file) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            return False
        names = archive.namelist()
        texts = b""
        for name in ("xl/workbook.xml", "xl/sharedStrings.xml"):
            if name in names:
                with archive.open(name) as stream:
                    texts += stream.read(2_000_000)
    return f'name="{SHEET}"'.encode() in texts or MARK in texts


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
    check_workbook(file)
    with guarded(file), file.open("rb") as stream:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        rows = {s.title: _rows(s) for s in book.worksheets}
    if SHEET not in rows:
        raise InputError("form_sheet", where=str(file), sheet=SHEET)
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
    _whole(rows[SHEET], file)
    for key, title in TABLES.items():
        made = _table(rows.get(title, []), key, file, title)
        if made:
            _set(data, key, made)
            cells[key] = title
    _with_ledger(data, rows.get(LEDGER_SHEET, []), file, cells)
    return _scenario(data, cells, file)


def _whole(rows: list[tuple[int, list[Any]]], file: Path) -> None:
    """Every key has its row, and every formula its value: what is gone is not the default.

    Raises
    ------
    ConfigError
    """
    there = {str(row[KEY - 1] or "").strip() for _, row in rows if len(row) >= KEY}
    gone = [field.key for field in fields() if field.key not in there]
    if gone:
        raise ConfigError("form_rows", where=f"{file}, {SHEET}!H", keys=listed(gone))
    values = {n: row[VALUE - 1] if len(row) >= VALUE else None for n, row in rows}
    import openpyxl

    with guarded(file), file.open("rb") as stream:
        sheet = openpyxl.load_workbook(stream, read_only=True)[SHEET]
        for number, row in enumerate(sheet.iter_rows(min_col=VALUE, max_col=VALUE), 1):
            formula = row and getattr(row[0], "data_type", "") == "f"
            if formula and _blank(values.get(number)):
                where = f"{file}, {SHEET}!D{number}"
                raise ConfigError("form_formula", where=where, formula=str(row[0].value))


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
        made = Scenario(**data)._with_paths_from(file.resolve().parent)
    except ConfigError as error:
        near = [key for key in cells if error.where.startswith(key)]
        at = cells[max(near, key=len)] if near else SHEET
        key = f" [{error.where}]" if error.where else ""
        raise ConfigError(error.code, where=f"{file}, {at}{key}", **error.params) from None
    for key, path in made.paths().items():
        dotted = key if "." in key else f"site.{key}"
        if not Path(path).exists():
            told = str(data_of(data, dotted))
            raise ConfigError("form_file", where=f"{file}, {cells.get(dotted, SHEET)}", path=told)
    return made


def data_of(data: dict[str, Any], key: str) -> Any:
    """A value by its dotted key."""
    for part in key.split("."):
        data = data[part]
    return data


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
    model = table_model(key)
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


def _value(value: Any, field: Field, where: str) -> Any:
    """A cell's value as the field takes it; what does not fit is left to the scenario's own rules.

    Raises
    ------
    ConfigError
        If text stands where a number, a date or yes or no should.
    """
    kinds = kinds_of(field.annotation)
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
    if any(get_origin(kind) is Literal for kind in kinds) or options_of(field):
        return _literal(str(value).strip(), field)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _literal(text: str, field: Field) -> str:
    """The key of a choice, also where its name alone was written."""
    for offered in options_of(field):
        if text in (offered, *offered.split(PARTS)):
            return offered.split(PARTS)[0]
    return text.split(PARTS)[0]


def _flag(value: Any, text: str, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = (text or str(value)).casefold().split(PARTS)[0].strip()
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
    inner = [k for part in get_args(_mapping_of(field.annotation)) for k in kinds_of(part)]
    plain = _unquoted(text)
    if float in inner or int in inner:
        share = plain.endswith("%")
        read = read_number(plain.removesuffix("%").strip())
        if read is None:
            return plain
        return int(read) if int in inner and not share else read / (100 if share else 1)
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


def of_two(toml: Path, form: Path) -> Scenario:
    """Of the two that ``init`` wrote the one that was touched since; the form where neither was.

    Raises
    ------
    ConfigError
        If both were, and they say otherwise.
    """
    first, second = Scenario.from_toml(toml), read_form(form)
    if _without_names(first) == _without_names(second):
        return second
    marks = twin_of(form)
    if marks.get("toml") == sha256(toml.read_bytes()).hexdigest():
        return second
    if marks.get("form") == content_of(second, form.parent):
        return first
    raise ConfigError("folder_two_scenarios", where=str(toml.parent))


def twin_of(form: Path) -> dict[str, str]:
    """What the form remembers of the TOML file that was written with it, and of itself."""
    import openpyxl

    with guarded(form), form.open("rb") as stream:
        book = openpyxl.load_workbook(stream, read_only=True)
        if LISTS not in book.sheetnames:
            return {}
        row = next(book[LISTS].iter_rows(min_row=TWIN_ROW, max_row=TWIN_ROW, max_col=2), ())
        values = [str(cell.value or "") for cell in row]
    return dict(zip(("toml", "form"), values, strict=False))


def _without_names(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(exclude_none=True)
