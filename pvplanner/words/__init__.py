"""What everything is called and how it is written: one folder per language, all of it data.

``labels.csv`` names columns and texts, ``units.csv`` units, ``messages.toml`` holds errors and
findings, ``sources.csv`` the titles of sources, ``style.toml`` how numbers, dates, lists,
currencies and countries are written. A language is a folder: nothing else knows which there are.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from pvplanner.errors import LANGUAGES, province_names
from pvplanner.schema import column, kind_of, model_of, month_of, stem, unit_key

__all__ = [
    "LANGUAGES",
    "amount_in_words",
    "country",
    "currency_name",
    "date_text",
    "describe",
    "has_label",
    "in_units",
    "label",
    "number",
    "phrase",
    "province",
    "reason_of",
    "rule_of",
    "shown",
    "source",
    "style",
    "texts",
    "told",
    "unit_of",
]

UNKNOWN = "unknown"


@cache
def _table(language: str, name: str, key: str) -> dict[str, dict[str, str]]:
    path = resources.files("pvplanner.words").joinpath(language, name)
    return {row[key]: row for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))}


@cache
def style(language: str) -> dict[str, Any]:
    """How a language writes: marks, numbers, dates, currencies, countries."""
    path = resources.files("pvplanner.words").joinpath(language, "style.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def label(key: str, language: str = "zh", *, unit: bool = False, currency: str = "CNY") -> str:
    """Label of a column or text in a language, with its unit behind it on request.

    Raises
    ------
    KeyError
        If the language has no such key: a word on a page that stands nowhere is a bug.
    """
    labels, own = _table(language, "labels.csv", "key"), style(language)
    text = labels[stem(key)]["label"]
    if month_of(key):
        text = own["month_of"].format(month=month_of(key), text=text)
    if model_of(key):
        text = own["model_of"].format(model=label(model_of(key), language), text=text)
    if key.endswith("_p90") and stem(key) != key:
        text = f"{text} P90"
    shown_unit = unit_of(key, language, currency) if unit else ""
    if not shown_unit or shown_unit.lower() == text.lower():
        return text
    return own["with_unit"].format(text=text, unit=shown_unit)


def has_label(key: str, language: str) -> bool:
    """Whether a language has a label for a column or text."""
    return stem(key) in _table(language, "labels.csv", "key")


def describe(key: str, language: str = "zh") -> str:
    """One sentence on what a column means; empty where none is needed."""
    return _table(language, "labels.csv", "key")[stem(key)]["description"]


def texts(language: str) -> dict[str, str]:
    """Every label of a language by key."""
    return {key: row["label"] for key, row in _table(language, "labels.csv", "key").items()}


def phrase(key: str, language: str) -> str | None:
    """The label of this very key; ``None`` where the language has none."""
    row = _table(language, "labels.csv", "key").get(key)
    return None if row is None else row["label"]


def unit_of(key: str, language: str = "zh", currency: str = "CNY") -> str:
    """Unit of a column as a language writes it, in the plan's currency; empty where it has none."""
    return in_units(unit_key(key), language, currency)


def in_units(unit: str, language: str, currency: str = "CNY") -> str:
    """A unit of ``columns.csv``, such as ``money/yr``, as a language writes it."""
    if not unit or unit == "1":
        return ""
    known = _table(language, "units.csv", "unit")
    text = known[unit]["text"] if unit in known else unit
    return text.replace("{currency}", currency_name(currency, language))


def currency_name(currency: str, language: str) -> str:
    """Name of a currency; its code where the language has no name for it."""
    return str(style(language)["currency"].get(currency, currency))


def country(code: str, language: str) -> str:
    """Name of a country by its two letters."""
    return str(style(language)["country"].get(code, code))


def province(name: str, language: str) -> str:
    """Name of a province; as the tables have it where the language has none."""
    return province_names(language).get(name, name)


def source(title: str, language: str) -> str:
    """Title of a source in a language; as it stands where it has no title there.

    A title that ``sources.csv`` lists is taken whole or by its pattern (``{name}`` stands for
    anything), one of several parts, told by ``"; "``, part by part.
    """
    row = _table(language, "sources.csv", "source").get(title)
    if row:
        return row["text"]
    first, *others = title.split("; ")
    if others:
        return style(language)["parts"].join(source(part, language) for part in (first, *others))
    for pattern, text in _patterns(language):
        found = pattern.fullmatch(title)
        if found:
            return text.format(**{k: source(v, language) for k, v in found.groupdict().items()})
    return title


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Titles of ``sources.csv`` with a place for something, as patterns."""
    rows = _table(language, "sources.csv", "source")
    return [
        (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(title))), row["text"])
        for title, row in rows.items()
        if "{" in title
    ]


def told(key: str, value: str, language: str) -> str:
    """A value of a key, made of known words and numbers (``gable: 0.28``), in a language."""
    part = r"[a-z][a-z0-9_]*(:? -?[\d.e-]+)?"
    if not re.fullmatch(f"{part}(, {part})*", value):
        return source(value, language)
    own, known = style(language), texts(language)
    out = []
    for part in value.split(", "):
        name, _, figure = part.replace(":", "").partition(" ")
        text = known.get(f"{key}_{name}") or known.get(name, name)
        out.append(f"{text} {figure}".strip())
    return own["list"].join(out)


def rule_of(kind: str, scope: str = "one") -> str:
    """How far a kind of figure is shown: decimals, ``s3`` significant digits, ``t100`` multiples,
    ``u1`` decimals where it is not whole.

    ``scope`` is ``one`` (a roof, a household) or ``whole`` (a village).
    """
    return str(kind_of(kind)[scope])


def number(value: float, rule: str, language: str) -> str:
    """A number by a rule of :func:`rule_of`, as a language writes it."""
    own = style(language)
    scale, mark = (100.0, "%") if rule.startswith("p") else (1.0, "")
    rounded, digits = rounded_by(value * scale, rule.removeprefix("p"))
    text = f"{rounded + 0.0:,.{digits}f}"
    if "," in text or "." in text:
        text = text.translate({ord(","): own["thousands"], ord("."): own["decimal"]})
    return f"{text}{mark}"


def rounded_by(value: float, rule: str) -> tuple[float, int]:
    """The value as far as it is shown, and the decimals that takes."""
    if rule.startswith("t"):
        step = float(rule[1:])
        return math.floor(value / step + 0.5) * step, 0
    if rule.startswith("u"):
        return rounded_by(value, "0" if abs(value - round(value)) < 0.05 else rule[1:])
    digits = int(rule.removeprefix("s"))
    if rule.startswith("s"):
        size = math.floor(math.log10(abs(value))) if value else 0
        digits = digits - 1 - size
    factor = 10.0**digits
    rounded = math.floor(value * factor + 0.5) / factor
    return rounded, max(digits, 0)


def shown(value: Any, key: str, language: str, scope: str = "one") -> str:
    """A value of a column as people write it, no finer than it is known; unknown as such."""
    kind = column(key).kind
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return label(UNKNOWN, language)
    return number(float(value), rule_of(kind, scope), language)


def reason_of(
    codes: Sequence[str], phase: int, language: str = "zh", *, public: bool = False
) -> str:
    """Why a household has its phase (0: none), in plain words.

    Parameters
    ----------
    codes : sequence of str
        As of :func:`pvplanner.selection.reasons.explain`.
    phase : int
    public : bool
        Without what would tell who is of low income.
    """
    told, parts = texts(language), []
    named: dict[str, list[str]] = {}
    for code in codes:
        kind, _, name = code.partition(":")
        named.setdefault(kind, []).append(name)
    for kind, names in named.items():
        if kind == "share":
            names = (
                [] if public else [told["low_income"] if n == "low_income" else n for n in names]
            )
        elif kind == "aside":
            # Why a building was set aside is told to its owner, and posted nowhere.
            names = [] if public else [told.get(n, n) for n in names if n]
        name = style(language)["list"].join(names)
        parts.append(told[f"why_{kind}" if name or f"why_{kind}_any" not in told
                          else f"why_{kind}_any"].format(name=name))  # fmt: skip
    said = style(language)["parts"].join(parts)
    if phase == 1:
        return told["phase_first"] if tuple(codes) == ("chosen",) else said
    head = told["phase_later"].format(phase=phase) if phase else told["phase_none"]
    return told["phase_because"].format(head=head, why=said) if said else head


def date_text(day: dt.date, language: str) -> str:
    """A day as the language writes it."""
    own = style(language)
    named = own.get("month_names") or [""] * 12
    return str(own["date"]).format(
        year=day.year, month=day.month, day=day.day, month_name=named[day.month - 1]
    )


def amount_in_words(value: float, language: str, currency: str) -> str:
    """An amount of money in words; empty where the language or currency has no rule for it."""
    from pvplanner.words.amounts import in_words

    return in_words(value, style(language)["amount"]) if currency == "CNY" else ""
