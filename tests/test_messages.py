"""Every message names its place, its value and what to do, in every language."""

from __future__ import annotations

import ast
import functools
import string
import tomllib
from pathlib import Path

import pytest
from helps import PACKAGE, rows_of
from spoils import (
    LAT,
    LON,
)

from pvplanner.errors import LANGUAGES, Finding, doubts

# --- messages -------------------------------------------------------------------------------------


@functools.cache
def catalogue(language: str) -> dict:
    return tomllib.loads((PACKAGE / "words" / language / "messages.toml").read_text("utf-8"))


def calls() -> list[tuple[Path, ast.Call, str]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                named = node.func.id in ("InputError", "ConfigError", "Finding")
                if named and node.args and isinstance(node.args[0], ast.Constant):
                    found.append((path, node, node.args[0].value))
    return found


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_message_names_its_place_and_what_to_do_in_every_language():
    every = calls()
    assert len(every) > 200
    for path, node, code in every:
        said = f"{path.name}:{node.lineno} {code}"
        given = {k.arg for k in node.keywords}
        assert "where" in given or len(node.args) > 1, said
        for language in LANGUAGES:
            entry = catalogue(language)[code]
            if node.func.id != "Finding" or code in doubts():
                assert entry.get("todo"), f"{said} ({language})"
            if node.func.id == "Finding":
                continue
            # What a message shows, whoever raises it gives.
            shown = names_in(entry["text"]) | names_in(entry.get("todo", ""))
            spread = any(k.arg is None for k in node.keywords)
            assert spread or shown <= given | {"where"}, said


def test_every_doubt_is_a_message_with_its_reason():
    known = catalogue("en")
    rows = rows_of("schema/doubts.csv")
    assert len(rows) > 40
    for row in rows:
        assert row["code"] in known
        assert row["why"]
    assert Finding("place_apart").level == "doubt"
    assert Finding("ledger_totals").level == "note"


def test_what_a_file_says_stays_on_one_line():
    told = Finding("values_unread", "a.csv", 1, {"column": "x", "values": "a\nb\r- c", "rows": "2"})
    assert "\n" not in told.text("en")


@pytest.mark.parametrize("lon", [LON, -LON])
def test_the_place_of_the_made_village(lon):
    assert abs(LAT) < 90
    assert abs(lon) < 180
