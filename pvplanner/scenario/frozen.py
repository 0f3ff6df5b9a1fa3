"""The base of all sections of a scenario: frozen, and as strict about types as their authors."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from pvplanner.scenario.refusals import refuse


class Frozen(BaseModel):
    """Base of all sections: immutable, unknown keys and values of another type refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        """``true`` is no number and a number no day, whatever Python makes of them."""
        wanted = _types_in(cls.model_fields[str(info.field_name)].annotation)
        if any(issubclass(kind, BaseModel) for kind in wanted):
            return value
        every = value if isinstance(value, list | tuple) else [value]
        every = list(value.values()) if isinstance(value, dict) else every
        for one in every:
            kind = _wrong(one, wanted)
            if kind:
                raise refuse("value_kind", value=repr(one), kind=kind)
        return value


def types_of(model: type[BaseModel], key: str) -> frozenset[type]:
    """Plain types that a dotted key may have; none where there is no such key."""
    types: frozenset[type] = frozenset({model})
    for name in key.split("."):
        fields = next((t.model_fields for t in types if issubclass(t, BaseModel)), {})
        types = _types_in(fields[name].annotation) if name in fields else frozenset()
    return types


def _types_in(annotation: Any) -> frozenset[type]:
    """Plain types that an annotation names, in lists, dicts, choices and all."""
    if isinstance(annotation, type) and not get_args(annotation):
        return frozenset({annotation})
    if get_origin(annotation) is Literal:
        return frozenset(type(choice) for choice in get_args(annotation))
    parts = get_args(annotation)
    if get_origin(annotation) is dict:
        parts = parts[1:]
    return frozenset().union(*(_types_in(part) for part in parts))


def _wrong(value: Any, wanted: frozenset[type]) -> str:
    """What was expected, where a value is of a type that only Python takes for it."""
    number = bool(wanted & {int, float})
    if isinstance(value, str) and "\0" in value:
        return "kind_text"
    if isinstance(value, str) and number and re.fullmatch(r"\s*[-+]?[\d.]+\s*", value):
        return "kind_number"
    if isinstance(value, bool):
        return "" if bool in wanted else "kind_number" if number else "kind_text"
    if isinstance(value, int | float):
        if number:
            return ""
        return "kind_date" if dt.date in wanted else "kind_flag" if bool in wanted else ""
    if isinstance(value, str) and not wanted & {str, dt.date}:
        return "kind_number" if number else "kind_flag" if bool in wanted else ""
    return ""
