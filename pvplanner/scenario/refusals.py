"""What pydantic refuses, said as a planner can act on it."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pvplanner.errors import ConfigError


def config_error(error: ValidationError, root: type[BaseModel]) -> ConfigError:
    """The first of pydantic's refusals as a ConfigError, with the key that it concerns."""
    first = error.errors(include_url=False)[0]
    named = (str(part) for part in first["loc"])
    key = ".".join(
        p for p in named if not re.match(r"literal\[|function-|constrained|float$|list", p)
    )
    if first["type"] == "extra_forbidden":
        return _unknown_key(first, root)
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error" and not first["loc"]:
        return ConfigError("scenario_refused", where="scenario", reason=reason)
    given = first.get("input")
    shown = given if isinstance(given, str | int | float | bool | dt.date) else type(given).__name__
    return ConfigError("scenario_value", where=key, value=repr(shown), reason=reason)


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
