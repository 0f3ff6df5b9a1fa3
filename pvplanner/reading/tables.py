"""Tables of text from workbooks and delimited files, told apart by what they are, not by name."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading.bombs import check_workbook
from pvplanner.reading.guard import guarded
from pvplanner.reading.values import is_unit, plain_text, read_numbers
from pvplanner.texts import decode_text

MOST_TEXT = 2_000_000_000
HEADER_ROWS = 15
"""A heading stands within the first rows; above it there may be a title."""

SEPARATORS = ",\t;|"
_OLD, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class TextTable:
    """A table as text.

    Attributes
    ----------
    rows : DataFrame of str
        As in the file, missing where empty; the index is the row (or line) in the file, counted
        from 1, the columns are the headings.
    findings : list of Finding
    sheet : str
        Name of the worksheet; empty where there is none.
    title : str
        What stands above the headings.
    """

    rows: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    sheet: str = ""
    title: str = ""


Known = Callable[[str], bool]
"""Whether a heading is one that the reader looks for."""


def read_table(path: str | Path, known: Known | None = None) -> TextTable:
    """A workbook's sheet or a delimited file, as text.

    Parameters
    ----------
    path : path-like
        XLSX, or text in UTF-8, UTF-16 or GB18030, parted by commas, semicolons, tabs or bars.
    known : callable, optional
        Whether a heading is looked for: finds the sheet and the row of headings.

    Raises
    ------
    InputError
        If the file is missing, broken, too large, or of another kind.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("file_missing", where=str(file))
    with guarded(file):
        with file.open("rb") as stream:
            head = stream.read(4096)
        if head.startswith(_OLD):
            raise InputError("workbook_old", where=str(file))
        if head.startswith(_ZIP):
            return _workbook(file, known)
        if file.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
            kind = "HTML" if b"<" in head[:200].lstrip()[:1] else "text"
            raise InputError("workbook_not", where=str(file), kind=kind)
        text, findings = decode(file)
        lines = _lines(text, file)
        table, title = _headed(lines, known, file, ragged=True)
    return TextTable(table, findings, title=title)


def read_small_table(path: str | Path) -> pd.DataFrame:
    """A small table of one's own: columns of numbers as numbers, the rest as text.

    Raises
    ------
    InputError
        As :func:`read_table`.
    """
    rows = read_table(path).rows.reset_index(drop=True)
    out = pd.DataFrame(index=rows.index)
    for name in rows.columns:
        numbers = read_numbers(rows[name])
        plain = bool((numbers.notna() == rows[name].notna()).all())
        out[str(name).strip()] = numbers if plain else rows[name]
    return out


def heading_row(path: str | Path, known: Known) -> list[str]:
    """Headings of a table, read from its beginning alone; none where it is no table.

    Raises
    ------
    InputError
        If a workbook can't be read.
    """
    file = Path(path)
    with file.open("rb") as stream:
        body = stream.read(20_000)
    if body.startswith((_OLD, _ZIP)):
        return list(read_table(file, known).rows.columns)
    try:
        text = decode_text(body[: body.rfind(b"\n") + 1] or body)[0]
    except UnicodeDecodeError:
        return []
    with guarded(file):
        sign = separator_of(text)
        rows = list(itertools.islice(csv.reader(io.StringIO(text), delimiter=sign), HEADER_ROWS))
        cells = [[cell or None for cell in row] for row in rows]
        return _names(cells[_heading_at(cells, known)]) if cells else []


def read_long_table(path: str | Path, known: Known) -> TextTable:
    """A table of many rows as text: a workbook, or delimited text in which no cell spans lines.

    Raises
    ------
    InputError
        As :func:`read_table`.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("file_missing", where=str(file))
    with file.open("rb") as stream:
        if stream.read(4) in (_OLD, _ZIP) or file.suffix.lower() in (".xlsx", ".xls"):
            return read_table(file, known)
    text, findings = decode(file)
    with guarded(file):
        sign = separator_of(text)
        head = list(itertools.islice(csv.reader(io.StringIO(text), delimiter=sign), HEADER_ROWS))
        place = _heading_at([[c or None for c in row] for row in head], known) if head else 0
        rows = pd.read_csv(
            io.StringIO(text), sep=sign, dtype="string", skipinitialspace=True, skiprows=place,
            skip_blank_lines=False, index_col=False,
        )  # fmt: skip
    rows.columns = pd.Index(_names([str(c) for c in rows.columns]))
    rows.index = pd.RangeIndex(place + 2, place + 2 + len(rows), name="row")
    if len(rows) and _are_units([None if pd.isna(v) else v for v in rows.iloc[0]]):
        rows.columns = pd.Index([
            name if pd.isna(unit) else f"{name} ({unit})"
            for name, unit in zip(rows.columns, rows.iloc[0], strict=True)
        ])  # fmt: skip
        rows = rows.iloc[1:]
    return TextTable(rows.dropna(how="all"), findings)


def decode(file: Path) -> tuple[str, list[Finding]]:
    """Text of a file in UTF-8, UTF-16 or GB18030, told by its bytes.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if file.stat().st_size > MOST_TEXT:
        raise InputError("file_large", where=str(file), size=f"{file.stat().st_size / 1e9:.1f} GB")
    body = file.read_bytes()
    if b"\0" in body[:4096] and not body.startswith(_UTF16):
        raise InputError("text_binary", where=str(file))
    try:
        text, encoding = decode_text(body)
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise InputError("text_encoding", where=f"{file}, row {line}") from None
    if encoding != "gb18030":
        return text, []
    return text, [Finding("text_read_as", file.name, params={"encoding": "GB18030"})]


def separator_of(text: str) -> str:
    """What parts the cells of a text: the sign that parts most of its first lines alike."""
    head = [line for line in text[:20_000].splitlines()[:HEADER_ROWS] if line.strip()]

    def alike(sign: str) -> int:
        counts = [line.count(sign) for line in head]
        usual = max(set(counts), key=lambda n: (counts.count(n), n), default=0)
        return usual * counts.count(usual)

    return max(SEPARATORS, key=alike)


def _lines(text: str, file: Path) -> list[tuple[int, list[str | None]]]:
    """Cells of each line with its number; what is quoted may span lines."""
    sign, rows = separator_of(text), []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, skipinitialspace=True)
    begun = 1
    for row in reader:
        if len(row) > MOST_COLUMNS:
            raise InputError("table_wide", where=f"{file}, row {begun}", columns=len(row))
        cells = [cell if cell.strip() else None for cell in row]
        rows.append((begun, cells))
        begun = reader.line_num + 1
    return rows


MOST_COLUMNS = 20_000


def _headed(
    lines: Iterable[tuple[int, list[str | None]]], known: Known | None, file: Path, *, ragged: bool
) -> tuple[pd.DataFrame, str]:
    """Rows under their headings, and what stands above them."""
    rows = [(at, cells) for at, cells in lines if any(cell is not None for cell in cells)]
    if not rows:
        return pd.DataFrame(), ""
    place = _heading_at([cells for _, cells in rows[:HEADER_ROWS]], known)
    heading = _names(rows[place][1])
    width = len(heading)
    body = rows[place + 1 :]
    title = " ".join(cell for _, cells in rows[:place] for cell in cells if cell is not None)
    if body and _are_units(body[0][1]):
        pairs = itertools.zip_longest(heading, body[0][1][:width])
        heading = [f"{name} ({unit})" if unit else str(name) for name, unit in pairs]
        body = body[1:]
    if ragged:
        for at, cells in body:
            if len(cells) > width and any(cell is not None for cell in cells[width:]):
                extra = next(cell for cell in cells[width:] if cell is not None)
                raise InputError(
                    "row_long", where=f"{file}, row {at}", cells=len(cells), headings=width,
                    value=extra,
                )  # fmt: skip
    padded = [[*row[:width], *[None] * (width - len(row))] for _, row in body]
    index = pd.Index([at for at, _ in body], name="row")
    table = pd.DataFrame(padded, index=index, columns=heading, dtype="string")
    return table, title


def _are_units(cells: list[str | None]) -> bool:
    """Whether a row under the headings says units and nothing else."""
    told = [cell for cell in cells if cell is not None]
    return bool(told) and all(is_unit(cell) for cell in told)


def _heading_at(rows: list[list[str | None]], known: Known | None) -> int:
    if known is None:
        return 0
    hits = [sum(1 for c in row if c is not None and known(c)) for row in rows]
    return max(range(len(hits)), key=lambda n: (hits[n], -n)) if max(hits) > 0 else 0


def _names(cells: list[str | None]) -> list[str]:
    """Headings, each once; trailing empty ones are none."""
    names, taken = [plain_text(c) if c is not None else "" for c in cells], set()
    while names and not names[-1]:
        names.pop()
    out = []
    for number, name in enumerate(names, 1):
        own, again = name or f"column {number}", 2
        while own in taken:
            own, again = f"{name or f'column {number}'} ({again})", again + 1
        taken.add(own)
        out.append(own)
    return out


def _workbook(file: Path, known: Known | None) -> TextTable:
    import openpyxl

    check_workbook(file)
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        if not any(name.endswith("workbook.xml") for name in names):
            raise InputError("workbook_not", where=str(file), kind="ZIP")
        formulas = any(_has_formulas(archive, n) for n in names if "/worksheets/sheet" in n)
    with file.open("rb") as stream:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheets = [
            (sheet.title, _unmerged(list(_cells(sheet)), _merged(file, sheet)))
            for sheet in book.worksheets
            if sheet.sheet_state == "visible"
        ]
    if not sheets:
        return TextTable(pd.DataFrame())
    place = max(range(len(sheets)), key=lambda n: (_fits(sheets[n][1], known), -n))
    name, lines = sheets[place]
    table, title = _headed(lines, known, file, ragged=False)
    findings = _others(file, sheets, place, known)
    if formulas:
        findings += _unreckoned(file, name, table)
    return TextTable(table, findings, name, title)


_MERGED = re.compile(rb'<mergeCell ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')


def _merged(file: Path, sheet: Any) -> list[tuple[int, int, int]]:
    """Column (from 0), first and last row of cells that are merged downwards."""
    found = []
    with zipfile.ZipFile(file) as archive, archive.open(sheet._worksheet_path) as stream:
        last = b""
        while part := stream.read(1 << 20):
            for left, top, right, bottom in _MERGED.findall(last + part):
                if left == right and int(bottom) > int(top):
                    column = 0
                    for letter in left:
                        column = 26 * column + letter - 64
                    found.append((column - 1, int(top), int(bottom)))
            last = part[-60:]
    return list(dict.fromkeys(found))


def _unmerged(
    lines: list[tuple[int, list[str | None]]], merged: list[tuple[int, int, int]]
) -> list[tuple[int, list[str | None]]]:
    """Rows in which a merged cell says the same in each row that it covers."""
    rows = dict(lines)
    for column, top, bottom in merged:
        value = rows.get(top, [])[column : column + 1]
        for row in range(top + 1, bottom + 1):
            if value and row in rows:
                cells = rows[row]
                cells.extend([None] * (column + 1 - len(cells)))
                if cells[column] is None:
                    cells[column] = value[0]
    return lines


def _has_formulas(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as stream:
        last = b""
        while part := stream.read(1 << 20):
            if b"<f>" in last + part or b"<f " in last + part:
                return True
            last = part[-3:]
    return False


def _fits(lines: list[tuple[int, list[str | None]]], known: Known | None) -> int:
    """How many headings of a sheet are looked for; one that has rows at all beats an empty one."""
    rows = [cells for _, cells in lines[:HEADER_ROWS]]
    if known is None or not rows:
        return min(len(rows), 1)
    return 1 + max(sum(1 for c in row if c is not None and known(c)) for row in rows)


def _others(
    file: Path, sheets: list[tuple[str, list[Any]]], place: int, known: Known | None
) -> list[Finding]:
    own = _fits(sheets[place][1], known)
    alike = [
        name
        for n, (name, lines) in enumerate(sheets)
        if n != place and own > 2 and len(lines) > 1 and _fits(lines, known) >= own - 1
    ]
    if alike:
        params = {"sheet": sheets[place][0], "others": listed(alike)}
        return [Finding("sheets_alike", file.name, len(alike), params)]
    rest = [name for n, (name, lines) in enumerate(sheets) if n != place and len(lines) > 1]
    if not rest:
        return []
    params = {"sheet": sheets[place][0], "others": listed(rest)}
    return [Finding("sheets_unread", file.name, len(rest), params)]


def _cells(sheet: Any) -> Iterable[tuple[int, list[str | None]]]:
    """Rows with something in them, by number; a stray cell far out costs no room."""
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = [_text(value) for value in row]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield number, cells[:MOST_COLUMNS]


def _text(value: object) -> str | None:
    """A cell as text: whole numbers without a point, dates as ISO."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        # A sheet keeps 15 digits: what has more has lost the others.
        if abs(value) >= 1e15:
            return f"{value:.14E}"
        return str(int(value)) if float(value).is_integer() else f"{value:.15g}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    text = str(value)
    return text if text.strip() else None


ERRORS = ("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!")
"""What a sheet shows where a formula failed."""


def _unreckoned(file: Path, name: str, table: pd.DataFrame) -> list[Finding]:
    """Formulas whose value the file does not hold: unknown, and said so."""
    import openpyxl

    lost: dict[str, list[tuple[str, str]]] = {}
    with file.open("rb") as stream:
        sheet = openpyxl.load_workbook(stream, read_only=True, data_only=False)[name]
        sheet.reset_dimensions()
        for row in sheet.iter_rows():
            for cell in row:
                at = getattr(cell, "row", None)
                if getattr(cell, "data_type", "") != "f" or at not in table.index:
                    continue
                column = cell.column - 1
                if column < table.shape[1] and pd.isna(table.at[at, table.columns[column]]):
                    told = (cell.coordinate, str(cell.value))
                    lost.setdefault(str(table.columns[column]), []).append(told)
    return [
        Finding(
            "formulas_empty",
            file.name,
            len(cells),
            {"column": column, "cell": cells[0][0], "formula": cells[0][1]},
        )
        for column, cells in lost.items()
    ]
