"""What can go wrong, in words a planner can act on.

The error tree::

    PVPlannerError
    |-- InputError   (also ValueError): a file or a table is not what it should be
    `-- ConfigError  (also ValueError): a scenario or an argument is not what it should be

Every error says *what* is wrong, *where* (file, row, column or key) and *what to do*. What is only
doubtful is not an error but a :class:`Finding`: it is listed in the plan and work goes on. The
words of both stand in ``words/LANGUAGE/messages.toml``.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from pvplanner.texts import visible


def _languages() -> tuple[str, ...]:
    """Folders of ``words/`` that hold a language, the product's first language first."""
    folder = resources.files("pvplanner").joinpath("words")
    found = sorted(f.name for f in folder.iterdir() if f.joinpath("style.toml").is_file())
    return tuple(sorted(found, key=lambda name: (name != "zh", name)))


LANGUAGES = _languages()
"""Languages of messages and pages: a language is a folder of ``words/``."""


@cache
def _file(language: str, name: str) -> str:
    path = resources.files("pvplanner").joinpath("words", language, name)
    return path.read_text(encoding="utf-8")


@cache
def _catalogue(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(_file(language, "messages.toml"))


@cache
def _words(language: str) -> dict[str, str]:
    rows = csv.DictReader(_file(language, "labels.csv").splitlines())
    return {row["key"]: row["label"] for row in rows}


@cache
def _sources(language: str) -> dict[str, str]:
    rows = csv.DictReader(_file(language, "sources.csv").splitlines())
    return {row["source"]: row["text"] for row in rows}


@cache
def _units(language: str) -> dict[str, str]:
    rows = csv.DictReader(_file(language, "units.csv").splitlines())
    return {row["unit"]: row["text"] for row in rows}


def _quantity(text: str, language: str) -> str:
    """A number and its unit as the language writes units; a unit of money by its own currency."""
    figure, _, unit = text.partition(" ")
    named = _units(language)
    if unit in named:
        return f"{figure} {named[unit]}"
    money, slash, per = unit.partition("/")
    known = named.get(f"money/{per}" if slash else "money", "")
    if len(money) != 3 or not money.isupper() or not known:
        return text
    currency = _style(language)["currency"].get(money, money)
    return f"{figure} {known.format(currency=currency)}"


@cache
def _style(language: str) -> dict[str, Any]:
    return tomllib.loads(_file(language, "style.toml"))


@cache
def doubts() -> frozenset[str]:
    """Codes of findings that ask for a person's eyes: ``schema/doubts.csv``."""
    path = resources.files("pvplanner").joinpath("schema", "doubts.csv")
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return frozenset(row["code"] for row in rows)


@cache
def province_names(language: str) -> dict[str, str]:
    """Provinces' names in a language, where the table has them."""
    path = resources.files("pvplanner").joinpath("reference", "provinces.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    return {row["province"]: row.get(f"province_{language}") or row["province"] for row in rows}


class _Said:
    """A parameter of a message in a language: ``{model:word}``, ``{code:country}``,
    ``{name:province}`` and ``{title:source}`` are named, ``{codes:limits}`` told in words.

    Of ``{columns:words}`` every word that is known is.
    """

    def __init__(self, value: Any, language: str) -> None:
        self.value, self.language = value, language

    def __format__(self, how: str) -> str:
        if how == "word":
            return _words(self.language).get(str(self.value), str(self.value))
        if how == "words":
            named = _words(self.language)
            # What stands in quotes is the file's own text.
            parts = r"“[^”]*”|[a-z_][a-z0-9_]+"
            return re.sub(parts, lambda m: named.get(m[0], m[0]), str(self.value))
        if how == "limits":
            codes = [code.partition(":") for code in str(self.value).split(", ")]
            told = [_words(self.language).get(f"why_{kind}", kind).format(name=name)
                    for kind, _, name in codes]  # fmt: skip
            return str(_style(self.language)["parts"]).join(told)
        if how == "source":
            return _sources(self.language).get(str(self.value), str(self.value))
        if how == "quantity":
            return _quantity(str(self.value), self.language)
        if how == "province":
            return province_names(self.language).get(str(self.value), str(self.value))
        if how == "country":
            return _style(self.language)["country"].get(str(self.value), str(self.value))
        return format(self.value, how)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


class _Shown(dict[str, Any]):
    """Format parameters; one that is missing shows as a question mark instead of raising."""

    def __missing__(self, key: str) -> str:
        return "?"


def has_message(code: str) -> bool:
    """Whether there is a message of that code."""
    return code in _catalogue(LANGUAGES[0])


def message(code: str, language: str = "en", part: str = "text", /, **params: Any) -> str:
    """Render a message of the catalogue.

    Parameters
    ----------
    code : str
        Key in ``messages.toml``.
    language : str
        Language of the text, one of :data:`LANGUAGES`.
    part : {'text', 'todo'}
        The message itself, or what to do about it.
    **params
        Values for the placeholders of the message.
    """
    text = _catalogue(language)[code].get(part, "")
    said = {key: _Said(_plain(value), language) for key, value in params.items()}
    return text.format_map(_Shown(said))


def _plain(value: Any) -> Any:
    """Text from data on one line, of bounded length: it cannot forge a second message, nor steer
    the terminal that shows it.
    """
    if not isinstance(value, str):
        return value
    line = visible(value)
    return line if len(line) <= 400 else line[:397] + "..."


def _line(where: str, what: str, todo: str, language: str) -> str:
    """Where, what is wrong, what to do, on one line."""
    marks = _style(language)
    place = re.sub(r"\brow (\d+)", lambda m: marks["row"].format(number=m[1]), str(_plain(where)))
    if marks["columns_named"]:
        named = _words(language)
        place = re.sub(r", ([a-z_]{4,})$", lambda m: f", {named.get(m[1], m[1])}", place)
    head = f"{place}{marks['colon']}" if where else ""
    return f"{head}{what}{marks['stop']}{todo}" if todo else f"{head}{what}"


class PVPlannerError(Exception):
    """Base of all errors that pvplanner raises on purpose.

    Attributes
    ----------
    code : str
        Key of the message in ``messages.toml``.
    where : str
        File, row, column or scenario key.
    params : dict
        Values that the message names.
    """

    def __init__(self, code: str, *, where: str = "", **params: Any) -> None:
        self.code = code
        self.where = str(where)
        self.params = params
        super().__init__(self.text("en"))

    def text(self, language: str = "en") -> str:
        """One line: where, what is wrong, what to do."""
        what = message(self.code, language, where=self.where, **self.params)
        todo = message(self.code, language, "todo", where=self.where, **self.params)
        return _line(self.where, what, todo, language)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.where, self.params)


def _rebuild(
    kind: type[PVPlannerError], code: str, where: str, params: dict[str, Any]
) -> PVPlannerError:
    return kind(code, where=where, **params)


class InputError(PVPlannerError, ValueError):
    """A file or a table is not what it should be."""


class ConfigError(PVPlannerError, ValueError):
    """A scenario or an argument is not what it should be."""


@dataclass(frozen=True)
class Finding:
    """Something wrong or doubtful in the input that did not stop the work.

    Attributes
    ----------
    code : str
        Key of the message in ``messages.toml``.
    where : str
        File, table or scenario key it concerns.
    count : int
        How many rows it concerns; 0 where rows do not apply.
    params : dict
        Values that the message names.
    """

    code: str
    where: str = ""
    count: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def doubtful(self) -> bool:
        """Whether figures may be wrong because of it; else it only says what was done."""
        return self.code in doubts()

    @property
    def level(self) -> str:
        """``doubt`` or ``note``."""
        return "doubt" if self.doubtful else "note"

    def text(self, language: str = "en", *, public: bool = False) -> str:
        """The finding in words; those for the public without what single households use or earn."""
        told = {"where": self.where, "count": self.count, **self.params}
        if public:
            told |= dict.fromkeys(self._private(), "…")
        said, todo = (message(self.code, language, part, **told) for part in ("text", "todo"))
        return _line(self.where, said, todo, language)

    def _private(self) -> set[str]:
        own = {"households"} & set(self.params)
        personal = (
            "consumption_kwh", "income_today", "low_income", "household_name", "age", "debts",
            "address", "grid_account", "meter_box", "house_certificate",
        )  # fmt: skip
        return own | ({"values", "rows"} if self.params.get("column") in personal else set())

    def plain(self) -> dict[str, Any]:
        """JSON-ready form without words."""
        params = dict(self.params)
        return {"code": self.code, "where": self.where, "count": self.count, "params": params}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, with the text in every language."""
        said = {language: self.text(language) for language in LANGUAGES}
        return {**self.plain(), "level": self.level, **said}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """Inverse of :meth:`to_dict`."""
        return cls(data["code"], data["where"], data["count"], dict(data["params"]))


def listed(values: Iterable[Any], most: int = 5) -> str:
    """The first few values, joined, with how many more there are."""
    every = [str(value) for value in values]
    more = f" (+{len(every) - most})" if len(every) > most else ""
    return ", ".join(every[:most]) + more
