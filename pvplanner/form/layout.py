"""How the form is laid out: its sheets, its keys with their words, and what a cell may hold."""

from __future__ import annotations

import csv
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from pvplanner.errors import LANGUAGES
from pvplanner.reference import business_models, provinces, rows
from pvplanner.scenario import Scenario
from pvplanner.words import has_label, label, province


def titled(key: str) -> str:
    """A sheet's name in both languages, so that a form is found whoever wrote it."""
    return f"{label(key, 'zh')} {label(key, 'en')}"


SHEET, LEDGER_SHEET = titled("form_scenario"), titled("form_ledger")
TABLES = {"finance.events": titled("form_events"), "press": titled("form_press")}
"""Keys that are tables of their own."""

LISTS = "lists"
TWIN_ROW = 200
"""Of the hidden sheet: hashes of the TOML file and of the form as they were written together."""
FIRST_ROW = 4
VALUE, KEY = 4, 8
"""Columns of the value and of the key."""


@dataclass(frozen=True)
class Field:
    """A key of the scenario that a cell can state."""

    key: str
    annotation: Any
    default: Any


def fields(model: type[BaseModel] = Scenario, path: str = "") -> Iterator[Field]:
    """Every key of the scenario in its order, tables left out."""
    for name, info in model.model_fields.items():
        key, kind = f"{path}{name}", info.annotation
        if key in TABLES:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{key}.")
        else:
            yield Field(key, kind, info.get_default(call_default_factory=True))


@cache
def key_words(language: str) -> dict[str, dict[str, str]]:
    """Label and help of every key in a language."""
    path = resources.files("pvplanner.words").joinpath(language, "keys.csv")
    return {row["key"]: row for row in csv.DictReader(path.read_text("utf-8").splitlines())}


@cache
def key_units() -> dict[str, str]:
    """Unit of every key."""
    path = resources.files("pvplanner.schema").joinpath("keys.csv")
    return {row["key"]: row["unit"] for row in csv.DictReader(path.read_text("utf-8").splitlines())}


PARTS = " · "
"""Between a choice's key and its names."""


def option_text(value: Any, name: str = "") -> str:
    """A choice with its name in both languages behind it, by the last part of its key."""
    key = str(value)
    words = [f"{name}_{key}", *([] if key in COMMON else [key])]
    word = next((word for word in words if has_label(word, "zh")), None)
    return key if word is None else PARTS.join([key, label(word, "zh"), label(word, "en")])


COMMON = ("roof", "building", "auto", "standard")
"""Words that are labels of something else as well."""


def options_of(field: Field) -> list[str]:
    """What a drop-down offers; nothing where anything may be written."""
    if field.key == "site.province":
        return [PARTS.join([name, province(name, "zh")]) for name in provinces()]
    if field.key == "finance.model":
        return [option_text(name) for name in business_models()]
    if field.key == "language":
        return list(LANGUAGES)
    kinds = kinds_of(field.annotation)
    if bool in kinds:
        return [option_text("yes"), option_text("no")]
    name = field.key.rpartition(".")[2]
    if field.key == "demand.archetype":
        return [option_text(row["archetype"]) for row in rows("load_archetypes")]
    if any(get_origin(kind) is Literal for kind in kinds) and float not in kinds:
        return [
            option_text(v, name)
            for kind in kinds
            if get_origin(kind) is Literal
            for v in get_args(kind)
        ]
    return []


def table_model(key: str) -> type[BaseModel]:
    """The model of the rows of a table."""
    model: Any = Scenario
    *sections, last = key.split(".")
    for section in sections:
        model = model.model_fields[section].annotation
    return get_args(model.model_fields[last].annotation)[0]


def kinds_of(annotation: Any) -> list[Any]:
    """The simple kinds of a field, ``None`` left out."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return [k for part in get_args(annotation) for k in kinds_of(part)]
    if hasattr(annotation, "__metadata__"):
        return kinds_of(annotation.__origin__)
    if origin in (list, dict):
        return [origin]
    return [] if annotation is type(None) else [annotation]


def content_of(scenario: Scenario, folder: Path) -> str:
    """Hash of what a scenario states, its paths relative to a folder."""
    return sha256(scenario.to_toml(folder).encode("utf-8")).hexdigest()
