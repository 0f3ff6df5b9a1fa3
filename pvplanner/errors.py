"""What can go wrong, in words a planner can act on.

The error tree::

    PVPlannerError
    |-- InputError   (also ValueError): a file or a table is not what it should be
    `-- ConfigError  (also ValueError): a scenario or an argument is not what it should be

Every error says *what* is wrong, *where* (file, row, column or key) and *what to do*. What is only
doubtful is not an error but a :class:`Finding`: it is listed in the plan and work goes on. The
words of both stand in ``messages.toml``, in Chinese and English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("zh", "en")


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    text = resources.files("pvplanner").joinpath("messages.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


class _Shown(dict[str, Any]):
    """Format parameters; one that is missing shows as a question mark instead of raising."""

    def __missing__(self, key: str) -> str:
        return "?"


def message(code: str, language: str = "en", part: str = "", **params: Any) -> str:
    """Render a message of the catalogue.

    Parameters
    ----------
    code : str
        Key in ``messages.toml``.
    language : {'zh', 'en'}
        Language of the text.
    part : {'', 'todo'}
        The message itself, or what to do about it.
    **params
        Values for the placeholders of the message.
    """
    entry = _catalogue()[code]
    text = entry.get(f"{part}_{language}" if part else language, "")
    return text.format_map(_Shown({key: _plain(value) for key, value in params.items()}))


def _plain(value: Any) -> Any:
    """Text from data on one line, of bounded length: it cannot forge a second message."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    return line if len(line) <= 400 else line[:397] + "..."


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
        colon, stop = ("：", "。") if language == "zh" else (": ", ". ")
        head = f"{_plain(self.where)}{colon}" if self.where else ""
        return f"{head}{what}{stop}{todo}" if todo else f"{head}{what}"

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

    def text(self, language: str = "en") -> str:
        """The finding in words."""
        head = f"{_plain(self.where)}: " if self.where else ""
        said = message(self.code, language, where=self.where, count=self.count, **self.params)
        todo = message(
            self.code, language, "todo", where=self.where, count=self.count, **self.params
        )
        return head + said + (("。" if language == "zh" else ". ") + todo if todo else "")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, with the text in both languages."""
        return {
            "code": self.code,
            "where": self.where,
            "count": self.count,
            "params": dict(self.params),
            **{language: self.text(language) for language in LANGUAGES},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """Inverse of :meth:`to_dict`."""
        return cls(data["code"], data["where"], data["count"], dict(data["params"]))


def listed(values: Iterable[Any], most: int = 5) -> str:
    """The first few values, joined, with how many more there are."""
    every = [str(value) for value in values]
    more = f" (+{len(every) - most})" if len(every) > most else ""
    return ", ".join(every[:most]) + more
