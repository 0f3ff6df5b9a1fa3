"""Text: of the bytes of a file, on one line, in the cell of a table."""

from __future__ import annotations

import re
import unicodedata

MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""What files begin with that say their encoding."""


def decode_text(body: bytes) -> tuple[str, str]:
    """Text and its encoding: UTF-8, UTF-16 or GB18030, told by the bytes.

    Raises
    ------
    UnicodeDecodeError
        If it is none of these.
    """
    for mark, encoding in MARKS:
        if body.startswith(mark):
            return body.decode(encoding), encoding
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return body.decode("gb18030"), "gb18030"


def visible(text: str) -> str:
    """Text on one line, without signs that steer a terminal or turn the direction of writing."""
    if text.isprintable():
        # Of what is printable the only space is the plain one, and nothing steers.
        return " ".join(text.split())
    plain = "".join(
        " " if c.isspace() else c
        for c in text
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    return " ".join(plain.split())


def text_width(text: str) -> int:
    """Of a text in halves of a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


_FORMULA = ("=", "+", "-", "@")
_NUMBER = re.compile(r"[-+−]?[\d,. ]+ ?%?")


def plain_cell(text: str) -> str:
    """A cell of a text table, on one line, that no spreadsheet takes for a formula."""
    text = visible(text)
    return f"'{text}" if text[:1] in _FORMULA and not _NUMBER.fullmatch(text) else text
