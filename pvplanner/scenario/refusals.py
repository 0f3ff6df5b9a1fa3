"""What pydantic refuses, said as a planner can act on it, in every language."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from pvplanner.errors import ConfigError, has_message, message

LIMITS = {"greater_than": ("gt", ">"), "greater_than_equal": ("ge", "≥"),
          "less_than": ("lt", "<"), "less_than_equal": ("le", "≤")}  # fmt: skip
KINDS = {"float": "kind_number", "finite": "kind_number", "int": "kind_whole", "bool": "kind_flag",
         "date": "kind_date", "string": "kind_text", "list": "kind_list", "dict": "kind_table",
         "model": "kind_table", "too": "kind_list"}  # fmt: skip
"""What was expected, by the beginning of pydantic's own name of the refusal."""


def refuse(code: str, **params: Any) -> PydanticCustomError:
    """A validator's refusal that keeps its code, so that it can be said in every language."""
    told = {"said": message(code, "en", **params), **params}
    return PydanticCustomError(code, "{said}", told)


def nearest(value: str, known: Sequence[str]) -> str:
    """The known names, the most alike first."""
    near = difflib.get_close_matches(value, known, n=1)
    return ", ".join([*near, *(name for name in known if name not in near)])


def config_error(error: ValidationError, root: type[BaseModel]) -> ConfigError:
    """The first of pydantic's refusals as a ConfigError, with the key that it concerns."""
    every = error.errors(include_url=False)
    first = every[0]
    if isinstance(first.get("input"), list):
        # A key that takes a number or a list is asked as a number first.
        lists = (e for e in every if not e["type"].startswith(("float", "finite", "int")))
        first = next(lists, first)
    named = (str(part) for part in first["loc"])
    key = ".".join(
        p for p in named if not re.match(r"literal\[|function-|constrained|float$|list", p)
    )
    if first["type"] == "extra_forbidden":
        return _unknown_key(first, root)
    context = first.get("ctx") or {}
    if has_message(first["type"]):
        told = {name: value for name, value in context.items() if name != "said"}
        return ConfigError(first["type"], where=key or "scenario", **told)
    given = first.get("input")
    shown = given if isinstance(given, str | int | float | bool | dt.date) else type(given).__name__
    value = repr(shown)[:80]
    if first["type"] in LIMITS:
        name, sign = LIMITS[first["type"]]
        return ConfigError("value_limit", where=key, value=value, limit=f"{sign} {context[name]}")
    if first["type"] == "literal_error":
        choices = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return ConfigError("value_choice", where=key, value=value, choices=choices)
    if first["type"] in ("too_short", "too_long"):
        actual = context.get("actual_length", "?")
        wanted = context.get("min_length", context.get("max_length", "?"))
        return ConfigError("value_length", where=key, actual=actual, wanted=wanted)
    if first["type"] == "string_pattern_mismatch":
        return ConfigError("value_pattern", where=key, value=value, pattern=context["pattern"])
    kind = KINDS.get(first["type"].split("_")[0])
    if kind is not None:
        return ConfigError("value_kind", where=key, value=value, kind=kind)
    reason = first["msg"].removeprefix("Value error, ")
    return ConfigError("scenario_value", where=key, value=value, reason=reason)


def _unknown_key(detail: ErrorDetails, root: type[BaseModel]) -> ConfigError:
    *sections, last = (str(part) for part in detail["loc"])
    model: Any = root
    for section in sections:
        info = getattr(model, "model_fields", {}).get(section)
        model = info.annotation if info else None
    known = list(getattr(model, "model_fields", {}))
    where = ".".join([*sections, last])
    elsewhere = [
        f"{section}.{last}"
        for section, info in root.model_fields.items()
        if last in getattr(info.annotation, "model_fields", {})
    ]
    near = elsewhere or difflib.get_close_matches(last, known, n=1, cutoff=0.5)
    if near:
        return ConfigError("scenario_typo", where=where, key=last, nearest=near[0])
    return ConfigError("scenario_key", where=where, key=last, known=", ".join(known))
