"""The pages: every command and block of code runs, and the site builds without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PAGES = sorted((ROOT / "docs/howto").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text("utf-8"))


@pytest.fixture
def place(tmp_path):
    """A folder with the examples, as a reader has it."""
    for name in ("liao", "region"):
        shutil.copytree(ROOT / "data" / name, tmp_path / "data" / name)
    return tmp_path


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_what_a_page_says_runs(page, place):
    """Shell and Python in the order of the page, each block of Python after those before it."""
    bin_ = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "PYTHONUTF8": "1"}
    told: list[str] = []
    found = blocks(page)
    assert found
    runs = [("sh", text) for kind, text in found if kind == "sh"]
    told = [text for kind, text in found if kind == "python"]
    if told:
        script = place / "page.py"
        body = "".join(f"    {line}\n" if line else "\n" for line in "\n".join(told).splitlines())
        script.write_text(f'if __name__ == "__main__":\n{body}', "utf-8")
        runs.append(("python", f"{sys.executable} -W ignore page.py"))
    for kind, text in runs:
        done = subprocess.run(
            ["bash", "-euc", text], cwd=place, env=env, capture_output=True, text=True,
            encoding="utf-8", timeout=400,
        )  # fmt: skip
        assert done.returncode == 0, f"{kind}: {text}\n{done.stdout[-500:]}\n{done.stderr[-1500:]}"


@pytest.mark.long
def test_the_site_builds(tmp_path):
    pytest.importorskip("mkdocs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "site/howto/analyst/index.html").read_text("utf-8")
    assert "fonts.googleapis" not in page
    for name in ("supply", "ranges", "compare", "days"):
        assert (tmp_path / f"site/pictures/{name}.svg").is_file()


def test_every_command_of_the_pages_is_one():
    from pvplanner.cli import app

    known = {c.name or c.callback.__name__ for c in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    for page in PAGES:
        for word in re.findall(r"pvplanner ([a-z]+)", "".join(t for _, t in blocks(page))):
            assert word in known | {"as"}, (page.name, word)
