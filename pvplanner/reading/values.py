"""Numbers, identifiers and totals as people write them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from pvplanner import reference

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_TIMES = {"万": 1e4, "千": 1e3, "百": 1e2, "亿": 1e8}
_NUMBER = r"[+-]?(?:\d[\d,.' _]*|[.,]\d+)(?:e[+-]?\d+)?"
_VALUE = re.compile(rf"^({_NUMBER})\s*([^\d\s].*)?$", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE)
_DOTTED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
_COMMA = re.compile(r"[+-]?\d*,\d+")
_DECIMAL = re.compile(r"[+-]?\d*,(\d{1,2}|\d{4,})(?!\d)(?!,)")
"""A comma that can only be a decimal one."""

_SOUND = r"[A-Za-z0-9_-]+"
"""Identifiers of which there is one spelling."""

_PLAIN = r"[+-]?[0-9]{1,18}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?"
"""Numbers that can be read in one way only."""

_SCIENTIFIC = re.compile(r"\d(\.\d+)?e\+?\d{2}", re.IGNORECASE)
_DATED = re.compile(r"\d{4}-\d{2}-\d{2} 00:00:00")
_CUT, _MIDNIGHT = re.compile(r"\de\+?\d", re.IGNORECASE), re.compile("00:00:00")
_TOTAL_SIGNS = re.compile("计|和|数|均|全|total|sum|in all|average|mean", re.IGNORECASE)
_TOTAL = re.compile(
    r".*(?:合计|总计|小计|共计|累计|总和|总数)(?:数|户数)?(?:共?\d+户)?(?:[(\[【:：].*)?"
    r"|全[村镇乡县组](?:[(\[【:：].*)?|(?:平均|均值|户均|人均)(?:数|每户)?(?:[(\[【:：].*)?|计:?"
    r"|(?:.*[ -])?(?:sub|grand)?[ -]?totals?(?:[ (:].*)?|sums?(?:[(:].*)?|in all|average|mean"
)


def plain_text(value: object) -> str:
    """Text under one spelling: full width as half width, no invisible signs, single spaces."""
    text = str(value)
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    text = "".join(" " if c.isspace() else c for c in text
                   if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))  # fmt: skip
    return " ".join(text.split())


def all_like(values: pd.Series, form: str) -> bool:
    """Whether every text of a column is of one form; what is missing is of any.

    The column is looked through as one text, which takes a tenth of the time of its cells.

    Parameters
    ----------
    values : Series of str
    form : str
        A regular expression that matches no end of line.
    """
    known = _plain_list(values)
    whole = "\n".join(map(str, known))
    if whole.count("\n") != max(len(known) - 1, 0):
        return False
    return not len(known) or re.fullmatch(rf"(?:(?:{form})\n)*+(?:{form})", whole) is not None


def any_holds(values: pd.Series, sign: re.Pattern[str]) -> bool:
    """Whether any text of a column may hold a sign that no end of line is part of."""
    return sign.search("\n".join(map(str, _plain_list(values)))) is not None


def _plain_list(values: pd.Series) -> list[Any]:
    """What a column holds, without what is missing; a list is looked through the fastest."""
    listed: list[Any] = values.to_numpy(dtype=object)[values.notna().to_numpy()].tolist()
    return listed


def _each(values: pd.Series, how: object) -> pd.Series:
    """A function of text over a column, each spelling once; nothing stays nothing."""
    known = values.dropna()
    told = {value: how(value) for value in known.unique()}  # type: ignore[operator]
    return known.map(told).reindex(values.index)


def one_spelling(values: pd.Series) -> pd.Series:
    """Identifiers under one spelling, missing where empty: ``７.0`` and `` 7 `` are ``7``.

    Parameters
    ----------
    values : Series
        Text, or numbers of any type.
    """
    if isinstance(values.dtype, pd.StringDtype) or pd.api.types.infer_dtype(values) == "string":
        told = values.astype("string")
        if all_like(told, _SOUND):
            return told
    return _each(values.astype(object), _identifier).astype("string")


def _identifier(value: object) -> object:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return pd.NA
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = f"{float(value):.14E}" if abs(float(value)) >= 1e15 else int(value)
    text = plain_text(value)
    # A spreadsheet's marks for text are no part of it: '12 and ="12".
    if text[:1] in ("'", "="):
        text = re.sub(r'^(?:="(.*)"|\'(.*))$', r"\1\2", text).strip()
    if ".0" in text:
        text = re.sub(r"^(-?\d+)\.0+$", r"\1", text)
    return text or pd.NA


def lost_digits(values: pd.Series) -> pd.Series:
    """Whether an identifier is a number of more digits than a sheet keeps (``3.30212E+17``)."""
    if not any_holds(values, _CUT):
        return pd.Series(False, index=values.index)
    return values.fillna("").str.fullmatch(_SCIENTIFIC).astype(bool)


def made_dates(values: pd.Series) -> pd.Series:
    """Whether an identifier such as ``1-2`` was made a date by a sheet."""
    if not any_holds(values, _MIDNIGHT):
        return pd.Series(False, index=values.index)
    return values.fillna("").str.fullmatch(_DATED).astype(bool)


def is_total(values: pd.Series) -> pd.Series:
    """Whether a cell names a row of totals: 合 计, 合计（8户）, 本页小计, Total."""

    def named(value: object) -> bool:
        text = plain_text(value).casefold()
        latin = re.sub(r"[\s:]+$", "", text)
        return bool(_TOTAL.fullmatch(re.sub(r"\s", "", text)) or _TOTAL.fullmatch(latin))

    # A word of totals holds one of these; few cells of a ledger do.
    if not any_holds(values, _TOTAL_SIGNS):
        return pd.Series(False, index=values.index)
    told = _each(values.where(values.str.contains(_TOTAL_SIGNS, na=False)), named)
    return pd.Series([value is True for value in told], index=values.index, dtype=bool)


@cache
def units(dimension: str) -> dict[str, float]:
    """Factor to our unit by spelling, of a dimension of ``reference/read_units.csv``."""
    rows = reference.rows("read_units")
    return {row["unit"]: float(row["factor"]) for row in rows if row["dimension"] == dimension}


def unit_factor(text: str, dimension: str) -> float | None:
    """Factor of a unit as written, such as ``万度``; ``None`` if it is none of the dimension."""
    known = units(dimension)
    unit = plain_text(text).casefold().strip(" .()[]").replace(" ", "")
    unit = re.sub(r"(/户|/年|每年|/a|/yr|peryear|a-1)$", "", unit)
    if unit in known:
        return known[unit]
    if unit[:1] in _TIMES and dimension in ("energy", "money", "area", "power"):
        # 万 alone is ten thousand of our unit, 万度 of the one behind it.
        own = 1.0 if len(unit) == 1 else known.get(unit[1:])
        return None if own is None else _TIMES[unit[:1]] * own
    return None


@cache
def _dimensions() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["dimension"] for row in reference.rows("read_units")))


def is_unit(text: str) -> bool:
    """Whether a text is a unit of any dimension, and no number."""
    plain = plain_text(text).strip("()[]")
    if any(sign.isdigit() for sign in plain.replace("m2", "").replace("m^2", "")):
        return False
    return any(unit_factor(plain, dimension) is not None for dimension in _dimensions())


def read_number(text: str, dimension: str = "", *, decimal_comma: bool = False) -> float | None:
    """A number as written, in our unit of a dimension; ``None`` if it is not understood.

    A comma before other than three digits is a decimal comma (``1800,5``), else it parts thousands
    unless the column is known to write decimal commas.
    """
    found = _VALUE.match(plain_text(text).casefold())
    if found is None and dimension == "money":
        found = _VALUE.match(re.sub(r"^[¥$€]\s*", "", plain_text(text).casefold()))
    if found is None:
        return None
    digits, unit = found[1].replace(" ", "").replace("'", "").replace("_", ""), found[2]
    if _THOUSANDS.fullmatch(digits) and not (decimal_comma and digits.count(",") == 1):
        digits = digits.replace(",", "")
    elif _DOTTED.fullmatch(digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif _COMMA.fullmatch(digits):
        digits = digits.replace(",", ".")
    try:
        value = float(digits)
    except ValueError:
        return None
    if unit is None:
        return value
    factor = unit_factor(unit, dimension) if dimension else None
    return None if factor is None else value * factor


def part_or_number(text: str) -> float | None:
    """A number as written, or of per cent its part of one; ``None`` if it is neither."""
    told = plain_text(text)
    found = read_number(told.removesuffix("%").strip())
    return found if found is None or not told.endswith("%") else found / 100


def read_numbers(values: pd.Series, dimension: str = "", factor: float = 1.0) -> pd.Series:
    """Numbers of a column of text; ``nan`` where empty or not understood.

    Parameters
    ----------
    values : Series of str
    dimension : str
        Of ``reference/read_units.csv``: units that a cell may carry.
    factor : float
        What the heading's unit makes of numbers that carry none.
    """
    known = values.dropna()
    if known.empty:
        return pd.Series(np.nan, index=values.index)
    if all_like(known, _PLAIN):
        told = np.full(len(values), np.nan)
        told[values.notna().to_numpy()] = [float(text) for text in _plain_list(values)]
        return pd.Series(told * factor, index=values.index)
    comma = any(_DECIMAL.match(plain_text(value)) for value in values.dropna().unique())

    def number(value: object) -> float:
        text = plain_text(value)
        bare = read_number(text, decimal_comma=comma)
        if bare is not None:
            return bare * factor
        read = read_number(text, dimension, decimal_comma=comma)
        return np.nan if read is None else read

    return _each(values, number).astype(float)


def natural_key(text: str) -> tuple[Any, ...]:
    """Identifiers as people order them: b2 before b10; two that read alike by their letters."""
    parts = re.split(r"(\d+)", str(text))
    return tuple((0, int(p), "") if p.isdigit() and p.isascii() else (1, 0, p) for p in parts if p
                 ), str(text)  # fmt: skip


def natural_order(ids: pd.Series) -> np.ndarray:
    """Positions that put identifiers in their natural order."""
    texts = [str(text) for text in ids]
    if len({text.translate(_DIGITS) for text in texts}) == 1:
        # Digits in the same places: their order is that of the letters.
        return np.argsort(np.array(texts), kind="stable")
    keys = [natural_key(text) for text in texts]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


_DIGITS = str.maketrans("123456789", "000000000")
