"""Text that an office goes on writing: blocks as a Word file, each figure a field with its name.

A field is a content control: its tag says what it holds, so that a bank's or an office's form can
take it over. Text from data is text: never a field code, a link or markup.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pvplanner.documents.mark import Mark
from pvplanner.errors import ConfigError
from pvplanner.texts import visible
from pvplanner.words import style

UNDATED = dt.datetime(2000, 1, 1)
"""Written into a file whose plan states no date, so that the same plan gives the same bytes."""

IN_ZIP = (1980, 1, 1, 0, 0, 0)
"""The day of every part of the file, as the format counts from."""

HOLDER = "pvplanner-mark"
"""Stands for the mark until the file is put together: it is longer than a property may be."""


@dataclass(frozen=True)
class Block:
    """A piece of a text.

    Attributes
    ----------
    kind : str
        ``title``, ``heading``, ``text``, ``note``, ``list``, ``pairs``, ``table``, ``picture``,
        ``signers`` or ``break``.
    body : object
        A text; texts; pairs of a name and what it is; a table of ``columns`` and ``rows``; a PNG.
    key : str
        What fields of pairs and tables are named by.
    """

    kind: str
    body: Any = None
    key: str = ""


def as_docx(
    blocks: Sequence[Block], mark: Mark, language: str, title: str, date: dt.date | None
) -> bytes:
    """Blocks as a Word file: the same bytes for the same.

    Raises
    ------
    ConfigError
        If python-docx is not installed.
    """
    try:
        import docx
    except ImportError:
        raise ConfigError("documents_missing", where="docx", name="python-docx") from None
    file = docx.Document()
    _Page(file, language).fill(blocks)
    when = UNDATED if date is None else dt.datetime.combine(date, dt.time())
    told = file.core_properties
    told.title, told.author, told.comments = visible(title)[:255], "pvplanner", HOLDER
    told.created = told.modified = when
    told.last_modified_by, told.revision = "", 1
    held = BytesIO()
    file.save(held)
    return _settled(held.getvalue(), mark.text())


def _settled(body: bytes, mark: str) -> bytes:
    """The file with its mark, and without the hour at which it was put together."""
    held = BytesIO()
    with zipfile.ZipFile(BytesIO(body)) as made, zipfile.ZipFile(held, "w") as out:
        for name in sorted(made.namelist()):
            part = made.read(name)
            if name == "docProps/core.xml":
                part = part.replace(HOLDER.encode(), mark.encode())
            info = zipfile.ZipInfo(name, IN_ZIP)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 0
            out.writestr(info, part)
    return held.getvalue()


class _Page:
    """A file of python-docx that blocks are written into."""

    def __init__(self, file: Any, language: str) -> None:
        from docx import oxml, shared

        self.file, self.made = file, oxml.OxmlElement
        self.units = shared
        self.fields = 0
        self.apart = False
        self._letters(style(language)["letters"])
        section = file.sections[0]
        section.page_width, section.page_height = shared.Mm(210), shared.Mm(297)
        for side in ("left", "right", "top", "bottom"):
            setattr(section, f"{side}_margin", shared.Mm(20))

    def _letters(self, letters: dict[str, str]) -> None:
        for name, size in (("Normal", 11), ("Title", 18), ("Heading 1", 13), ("List Bullet", 11)):
            held = self.file.styles[name]
            face = letters["text" if name in ("Normal", "List Bullet") else "head"]
            held.font.size, held.font.name = self.units.Pt(size), face
            fonts = held.element.get_or_add_rPr().get_or_add_rFonts()
            for key in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(self._name(f"w:{key}"), None)
            for key in ("ascii", "hAnsi", "eastAsia"):
                fonts.set(self._name(f"w:{key}"), face)

    @staticmethod
    def _name(key: str) -> str:
        from docx.oxml.ns import qn

        return str(qn(key))

    def fill(self, blocks: Sequence[Block]) -> None:
        """Write all blocks."""
        kinds: dict[str, Callable[[Block], None]] = {
            "title": lambda b: self._plain(b.body, "Title"),
            "heading": lambda b: self._plain(b.body, "Heading 1"),
            "text": lambda b: self._plain(b.body, None),
            "note": self._note, "list": self._list, "pairs": self._pairs, "table": self._table,
            "picture": self._picture, "signers": self._signers,
            "break": lambda b: self.file.add_page_break(),
        }  # fmt: skip
        for block in blocks:
            kinds[block.kind](block)

    def _paragraph(self, text: str, kind: str | None = None) -> Any:
        made = self.file.add_paragraph(visible(text), kind)
        if self.apart and kind is None:
            made.paragraph_format.space_before = self.units.Pt(6)
        self.apart = False
        return made

    def _plain(self, text: str, kind: str | None) -> None:
        self._paragraph(text, kind)

    def _note(self, block: Block) -> None:
        self._paragraph(block.body).runs[0].bold = True

    def _list(self, block: Block) -> None:
        for text in block.body:
            self._paragraph(text, "List Bullet")

    def _grid(self, rows: int, columns: int) -> Any:
        table = self.file.add_table(rows, columns)
        table.style = "Table Grid"
        # What follows a table stands apart from it.
        self.apart = True
        return table

    def _widths(self, table: Any, widths: Sequence[float]) -> None:
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = self.units.Mm(width)
            for cell in column.cells:
                cell.width = self.units.Mm(width)

    def _pairs(self, block: Block) -> None:
        if not block.body:
            return
        table = self._grid(len(block.body), 2)
        for row, (name, value) in zip(table.rows, block.body, strict=True):
            name_cell, value_cell = row.cells
            name_cell.text = visible(name)
            self._field(value_cell, f"{block.key}.{row._index + 1}", name, value)
        self._widths(table, (55, 115))

    def _table(self, block: Block) -> None:
        columns, rows = block.body["columns"], block.body["rows"]
        table = self._grid(1 + len(rows), len(columns))
        for cell, one in zip(table.rows[0].cells, columns, strict=True):
            cell.paragraphs[0].add_run(visible(one["label"])).bold = True
        head = table.rows[0]._tr.get_or_add_trPr()
        head.append(self.made("w:tblHeader"))
        for down, (row, values) in enumerate(zip(table.rows[1:], rows, strict=True), 1):
            for across, (cell, one, value) in enumerate(
                zip(row.cells, columns, values, strict=True), 1
            ):
                if one["number"]:
                    told = f"{values[0]} {one['label']}"
                    self._field(cell, f"{block.key}.{down}.{across}", told, value)
                    cell.paragraphs[0].alignment = 2
                else:
                    cell.text = visible(str(value))

    def _field(self, cell: Any, tag: str, alias: str, value: str) -> None:
        """A figure as a content control with its name."""
        run = cell.paragraphs[0].add_run(visible(str(value)))
        field, told, held = self.made("w:sdt"), self.made("w:sdtPr"), self.made("w:sdtContent")
        self.fields += 1
        for name, text in (("alias", visible(alias)[:64]), ("tag", tag), ("id", str(self.fields))):
            part = self.made(f"w:{name}")
            part.set(self._name("w:val"), text)
            told.append(part)
        told.append(self.made("w:text"))
        parent = run._r.getparent()
        parent.replace(run._r, field)
        held.append(run._r)
        field.append(told)
        field.append(held)

    def _picture(self, block: Block) -> None:
        self.file.add_picture(BytesIO(block.body), width=self.units.Mm(75))
        self.file.paragraphs[-1].alignment = 1

    def _signers(self, block: Block) -> None:
        table = self._grid(1, len(block.body))
        for cell, text in zip(table.rows[0].cells, block.body, strict=True):
            cell.text = visible(text) + "\n\n\n\n"
        self.file.add_paragraph()
