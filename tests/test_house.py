"""The house: rooms import only lower rooms, words come from one glossary, facts carry sources."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess

import pytest
from conftest import ROOT

from pvplanner import errors, schema

PACKAGE = ROOT / "pvplanner"
FLOORS = {
    "errors": 0, "schema": 1, "reference": 2, "scenario": 3,
    "buildings": 4, "weather": 4, "terrain": 4, "roofs": 5, "horizon": 5,
    "modules": 6, "energy": 6, "demand": 7, "income": 8, "carbon": 8, "grid": 8,
    "selection": 9, "dossier": 9, "village": 10, "mapping": 11, "report": 11, "sheet": 11,
    "fetch": 11,
    "region": 12, "scaffold": 12, "cli": 13,
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


def test_every_message_has_both_languages_and_is_used():
    source = "\n".join(p.read_text("utf-8") for p in PYTHON)
    built = (
        "shape_", "aside_", "sun_offset_", "surface_", "source_", "phase_", "slider_", "item_",
    )  # fmt: skip
    for code, entry in errors._catalogue().items():
        assert {"en", "zh"} <= set(entry), code
        assert ("todo_en" in entry) == ("todo_zh" in entry), code
        assert f'"{code}"' in source or code.startswith(built) or code == "bug", code
        fields = [set(re.findall(r"{(\w+)", entry[k])) for k in ("en", "zh")]
        translated = {"rule": "rule_zh"}
        assert {translated.get(f, f) for f in fields[0]} == {
            translated.get(f, f) for f in fields[1]
        }, code


def test_every_column_of_the_tables_is_in_the_glossary(liao):
    known = set(schema.glossary().index)
    for name, table in liao.tables():
        for column in table.columns:
            if column == "geometry" or column.startswith("input_"):
                continue
            assert schema._stem(column) in known, f"{name}.{column}"


def test_glossary_rows_are_whole():
    table = schema.glossary()
    assert table.index.is_unique
    assert (table[["en", "zh"]] != "").all().all()
    columns = table[table["kind"] == "column"]
    assert (columns[["description_en", "description_zh"]] != "").all().all()


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
        if "vendor" in name or path.suffix in (".png", ".csv", ".tif") or not path.is_file():
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
