"""The house: rooms import only lower rooms, words come from one glossary, facts carry sources."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess

import pytest
from conftest import ROOT

from pvplanner import errors, schema, words

PACKAGE = ROOT / "pvplanner"
FLOORS = {
    "errors": 0, "compiled": 0, "threads": 0, "arrays": 0, "projection": 0, "storage": 0,
    "texts": -1, "markup": 0, "stopping": 0,
    "schema": 1, "words": 2,
    "reference": 2, "reading": 3, "scenario": 3, "buildings": 4, "weather": 4, "terrain": 4,
    "roofs": 5,
    "horizon": 5, "modules": 6, "energy": 7, "demand": 8, "carbon": 8, "money": 9, "grid": 9,
    "holdings": 10, "selection": 10, "metering": 10, "settlement": 11, "fetch": 10, "plan": 11,
    "mapping": 12, "report": 12, "dossier": 12, "sheet": 12, "scaffold": 12, "warming": 12,
    "form": 12, "checking": 12, "pricing": 12, "explaining": 12, "selecting": 12,
    "region": 13, "tracking": 13, "documents": 13, "console": 13, "settings": 13, "pages": 14,
    "regional": 14, "fetching": 14, "showing": 14, "reckoning": 14, "keeping": 15, "cli": 16,
    "start": 17,
}  # fmt: skip
PYTHON = sorted(PACKAGE.rglob("*.py"))


def room_of(path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "pvplanner" and len(parts) > 1:
                rooms.add(parts[1])
    return rooms


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_lower_rooms(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for other in imported_rooms(path) - {room}:
        assert FLOORS[other] < FLOORS[room], f"{room} imports {other}"


def test_only_terrain_opens_rasters_and_only_region_uses_dask():
    for path in PYTHON:
        text = path.read_text("utf-8")
        assert "import rasterio" not in text or room_of(path) == "terrain"
        assert "import dask" not in text or room_of(path) == "region"
        assert not re.search(r"import (requests|urllib|httpx)", text) or room_of(path) == "fetch"


def test_every_language_says_the_same_things():
    """Same messages with the same parameters, same labels, units and marks in every folder.

    Titles of sources stand in English in the tables: a folder names those it says otherwise.
    """
    first, *others = errors.LANGUAGES
    for other in others:
        ours, theirs = errors._catalogue(first), errors._catalogue(other)
        assert set(ours) == set(theirs)
        for code, entry in ours.items():
            assert set(entry) == set(theirs[code]), code
            for part, text in entry.items():
                fields = [set(re.findall(r"{(\w+)", t)) for t in (text, theirs[code][part])]
                assert fields[0] == fields[1], (code, part)
        for name, key in (("labels.csv", "key"), ("units.csv", "unit")):
            ours, theirs = words._table(first, name, key), words._table(other, name, key)
            assert set(ours) == set(theirs), name
        assert set(words.style(first)) == set(words.style(other)) - {"month_names"}


def test_every_message_is_used():
    source = "\n".join(p.read_text("utf-8") for p in PYTHON)
    built = (
        "shape_", "aside_", "sun_offset_", "surface_", "source_", "phase_", "slider_", "item_",
        "reading_",
    )  # fmt: skip
    for code in errors._catalogue("en"):
        assert f'"{code}"' in source or code.startswith(built) or code == "bug", code


def test_every_column_of_the_tables_is_described(liao):
    for name, table in liao.tables():
        for column in table.columns:
            if column == "geometry" or column.startswith("input_"):
                continue
            assert schema.stem(column) in schema.columns(), f"{name}.{column}"
            for code in errors.LANGUAGES:
                assert words.describe(column, code), f"{name}.{column}"


def test_columns_name_kinds_units_and_places_that_there_are():
    units = words._table("en", "units.csv", "unit")
    for key, told in schema.columns().items():
        assert told.kind in schema.kinds(), key
        assert told.unit in ("", *units), key
        assert words.has_label(key, "en"), key


def test_labels_are_whole():
    for code in errors.LANGUAGES:
        for key, row in words._table(code, "labels.csv", "key").items():
            assert row["label"], key


def test_no_text_of_a_page_or_message_stands_in_code():
    """What people read is in words/: no Chinese in Python or in the page's scripts."""
    for path in [*PYTHON, *(PACKAGE / "templates").rglob("*.j*")]:
        if room_of(path) in ("buildings", "weather", "reading") or path.name in (
            "meter.py",
            "reading.py",
            "headings.py",
        ):
            continue  # headings of files as the field sends them
        lines = path.read_text("utf-8").splitlines()
        odd = [line for line in lines if re.search(r"[\u4e00-\u9fff]", line)]
        assert not [line for line in odd if not re.match(r"\s*(#|//|/\*)", line)], path


def test_vendored_files_are_what_they_were():
    folder = PACKAGE / "vendor" / "leaflet"
    for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_nothing_committed_names_a_registry_or_a_machines_path():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    hosts = re.compile(r"https?://[^ ]*(py" + r"pi|npm" + r"js|deb" + r"ian)[^ ]*")
    for name in listed.stdout.split():
        path = ROOT / name
        if (
            "vendor" in name
            or path.suffix in (".png", ".csv", ".tif", ".parquet")
            or not path.is_file()
        ):
            continue
        text = path.read_text("utf-8")
        assert not hosts.search(text), name
        assert "/ro" + "ot/" not in text, name


def test_the_readme_names_every_command():
    from pvplanner.cli import app

    readme = (ROOT / "README.md").read_text("utf-8")
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert f"pvplanner {name}" in readme, name


def test_the_readmes_drawing_is_the_graph():
    from pvplanner.plan import GRAPH
    from pvplanner.plan.drawing import as_mermaid

    readme = (ROOT / "README.md").read_text("utf-8")
    drawn = re.search(r"```mermaid\n(.*?)\n```", readme, re.DOTALL)
    assert drawn
    assert drawn[1] == as_mermaid(GRAPH)


def test_the_readme_names_every_file_of_a_plan():
    from pvplanner.schema import TABLES

    readme = (ROOT / "README.md").read_text("utf-8")
    for name in (*TABLES, "dictionary.csv", "summary.json", "plan.gpkg"):
        assert f"`{name}`" in readme, name
