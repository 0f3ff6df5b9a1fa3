"""Amounts of money in words, as receipts and contracts of a language have them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

GROUP = 10_000
"""Figures are said four digits at a time."""


def in_words(value: float, rules: Mapping[str, Any]) -> str:
    """An amount in words, by the rules for bills and vouchers.

    Parameters
    ----------
    value : float
        Rounded to a hundredth.
    rules : mapping
        ``[amount]`` of a language's style: ``digits``, ``places`` within a group of four,
        ``groups``, ``units`` (whole, tenth, hundredth), ``head``, ``minus``, ``whole``.

    Returns
    -------
    str
        Empty where the language has no such rules.

    Notes
    -----
    After the Payment and Settlement Measures of the People's Bank of China (1997), annex 1: the
    sign of a whole amount after whole units or tenths, a zero once for zeros between digits.
    """
    digits = rules["digits"]
    if not digits:
        return ""
    hundredths = int((Decimal(str(abs(value))) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    whole, tenth, rest = hundredths // 100, hundredths // 10 % 10, hundredths % 10
    unit, unit_tenth, unit_rest = rules["units"]
    said = _whole(whole, rules) + unit if whole or not hundredths else ""
    if tenth:
        said += digits[tenth] + unit_tenth
    elif rest and whole:
        said += digits[0]
    said += digits[rest] + unit_rest if rest else rules["whole"]
    return f"{rules['head']}{rules['minus'] if value < 0 and hundredths else ''}{said}"


def _whole(number: int, rules: Mapping[str, Any]) -> str:
    """A whole number, group by group."""
    zero, parts = rules["digits"][0], []
    while number:
        number, part = divmod(number, GROUP)
        parts.append(part)
    said = ""
    for at in reversed(range(len(parts))):
        if not parts[at]:
            continue
        # A zero is said where a group lacks its thousands, or where one was left out.
        gap = said and (parts[at] < GROUP // 10 or parts[at + 1] == 0)
        said += (zero if gap else "") + _group(parts[at], rules) + rules["groups"][at]
    return said or zero


def _group(part: int, rules: Mapping[str, Any]) -> str:
    said, gap = "", False
    for at in (3, 2, 1, 0):
        digit = part // 10**at % 10
        if digit:
            zero = rules["digits"][0] if gap and said else ""
            said += zero + rules["digits"][digit] + rules["places"][at]
        gap = not digit
    return said
