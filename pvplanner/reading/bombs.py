"""Files that unpack to far more than they are, and XML that defines entities."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pvplanner.errors import InputError
from pvplanner.reading.guard import guarded

HEAD = 4096
MOST_UNPACKED = 600_000_000
"""Bytes that one file may unpack to; a workbook of a million rows has less."""

SMALL_UNPACKED, SMALL_WORKBOOK = 64_000_000, 8_000_000
MOST_RATIO = 150
"""Beyond these sizes nothing that is data packs to less than one part in this: blank columns of a
shapefile's table pack well, sheets do not.
"""
MOST_SHEETS = 300

MOST_STRINGS = 200_000_000
MOST_PARTS = 20_000
MOST_ROWS = 50_000_000


def check_archive(file: Path, small: int = SMALL_UNPACKED) -> list[zipfile.ZipInfo]:
    """Members of a zip that unpacks to no more than what data does.

    Raises
    ------
    InputError
        If it is none, or unpacks to far more than it is.
    """
    with guarded(file), zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    packed = max(file.stat().st_size, 1)
    strings = sum(p.file_size for p in parts if p.filename.lower().endswith("sharedstrings.xml"))
    burst = size > small and size / packed > MOST_RATIO
    if len(parts) > MOST_PARTS or size > MOST_UNPACKED or burst or strings > MOST_STRINGS:
        raise InputError("file_bomb", where=file.name, megabytes=round(size / 1e6))
    return parts


def check_workbook(file: Path) -> None:
    """A workbook whose parts are plain XML of a bounded size.

    Raises
    ------
    InputError
        If it unpacks to far more than it is, or its XML defines entities.
    """
    parts = check_archive(file, SMALL_WORKBOOK)
    sheets = sum("worksheets/sheet" in part.filename for part in parts)
    if sheets > MOST_SHEETS:
        raise InputError("file_bomb", where=file.name, megabytes=0)
    with guarded(file), zipfile.ZipFile(file) as archive:
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels")):
                with archive.open(part) as stream:
                    if has_entities(stream.read(HEAD)):
                        raise InputError("file_entities", where=file.name, within=part.filename)


def check_parquet(file: Path) -> None:
    """A Parquet file that unpacks to what data does.

    Raises
    ------
    InputError
        If its rows or bytes are far more than the file's.
    """
    import pyarrow.parquet as pq

    with guarded(file):
        told = pq.read_metadata(file)
        groups = [told.row_group(n) for n in range(told.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        # Runs of one value are stored as one: the rows tell what they unpack to.
        size = max(size, told.num_rows * told.num_columns)
    burst = size > SMALL_UNPACKED and size / max(file.stat().st_size, 1) > MOST_RATIO
    if told.num_rows > MOST_ROWS or burst:
        raise InputError("file_bomb", where=file.name, megabytes=round(size / 1e6))


def has_entities(head: bytes) -> bool:
    """Whether XML defines entities of its own: data need none."""
    plain = head.replace(b"\x00", b"").upper()
    return b"<!DOCTYPE" in plain or b"<!ENTITY" in plain
