"""The encoding of a shapefile's table: by its bytes, whatever the ``.cpg`` beside it says."""

from __future__ import annotations

import codecs
import re
import zipfile
from pathlib import Path

_EAST = {"big5", "cp950", "shift_jis", "cp932"}
"""Encodings of two bytes that are believed where the bytes do not speak for GB18030."""

EVEN_RUNS = 0.8
"""In GBK text at least this share of the runs of high bytes have even length; in Latin text few."""


def table_encoding(file: Path) -> tuple[str, str]:
    """Encoding of a shapefile's attribute table, and what the file states.

    Returns
    -------
    encoding : str
        Empty where it does not matter: no shapefile, no table, or plain ASCII.
    stated : str
        As in the ``.cpg``; empty where there is none.
    """
    body, stated = _parts(file)
    text = _dbf_text(body)
    if text.isascii():
        return "", stated
    codec = _codec(stated)
    if _decodes(text, "utf-8"):
        return "UTF-8", stated
    # Big5 and Shift-JIS have low second bytes, as GBK seldom has.
    if codec in _EAST and _decodes(text, codec) and _even(text) < EVEN_RUNS:
        return codec.upper().replace("_", "-"), stated
    if _decodes(text, "gb18030") and _even(text) >= EVEN_RUNS:
        return "GB18030", stated
    if codec and codec != "utf-8" and _decodes(text, codec):
        # GDAL writes ISO-8859-1 where Python writes iso8859_1.
        return codec.upper().replace("ISO8859_", "ISO-8859-").replace("_", "-"), stated
    return ("GB18030" if _decodes(text, "gb18030") and not codec else "ISO-8859-1"), stated


def _parts(file: Path) -> tuple[bytes, str]:
    """Bytes of the table, and what the code page file says."""
    suffix = file.suffix.lower()
    if suffix == ".shp":
        own = file.stem.casefold()
        beside = {p.suffix.lower(): p for p in file.parent.iterdir() if p.stem.casefold() == own}
        body = beside[".dbf"].read_bytes() if ".dbf" in beside else b""
        page = beside[".cpg"].read_bytes() if ".cpg" in beside else b""
    elif suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            body, page = (
                next((archive.read(n) for n in names if n.lower().endswith(end)), b"")
                for end in (".dbf", ".cpg")
            )
    else:
        return b"", ""
    return body, page.decode("ascii", "replace").strip()


def _codec(stated: str) -> str:
    """Python's name of a code page as GIS programmes write it; empty if it names none."""
    name = stated.casefold().replace("ansi ", "cp").replace("windows-", "cp").strip()
    name = re.sub(r"^(\d{3,5})$", r"cp\1", name)
    name = {"cp65001": "utf-8", "cp936": "gb18030", "cp54936": "gb18030", "gbk": "gb18030",
            "gb2312": "gb18030", "cp88591": "iso-8859-1"}.get(name, name)  # fmt: skip
    try:
        return codecs.lookup(name).name.replace("-", "_").replace("utf_8", "utf-8")
    except LookupError:
        return ""


def _even(text: bytes) -> float:
    runs = re.findall(rb"[\x80-\xff]+", text)
    return sum(len(run) % 2 == 0 for run in runs) / max(len(runs), 1)


def _decodes(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _dbf_text(body: bytes) -> bytes:
    """Field names and text of a DBF, field by field: a name cut at its width is cut here too."""
    if len(body) < 33:
        return b""
    header = int.from_bytes(body[8:10], "little")
    names = [body[at : at + 11].split(b"\0")[0] for at in range(32, max(header - 1, 32), 32)]
    return b" ".join(names) + b" " + body[header:]
