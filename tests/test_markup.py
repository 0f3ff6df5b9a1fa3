"""The content-security policy: own scripts and styles by hash, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from villages import box, frame

import pvplanner as pvp
from pvplanner.mapping.basemaps import BASEMAPS, origins_of
from pvplanner.markup import sealed
from pvplanner.texts import visible

PAGE = """<!doctype html>
<html><head lang="x"><style>b { color: red }</style></head>
<body><script>go("<style>no</style>")</script>
<script type="application/json" id="d">{"a": 1}</script>
<SCRIPT type="text/plain">zzz</SCRIPT></body></html>"""


def policy(page: str) -> dict[str, list[str]]:
    told = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert told
    return {rule.split()[0]: rule.split()[1:] for rule in told[1].split("; ")}


def digest(text: str) -> str:
    held = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{held}'"


def test_the_policy_names_what_the_page_holds():
    page = sealed(PAGE)
    assert policy(page) == {
        "default-src": ["'none'"],
        "script-src": [digest('go("<style>no</style>")')],
        "style-src": [digest("b { color: red }")],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert page.index("Content-Security") < page.index("<style>")
    assert page.replace(re.search(r"\n<meta http[^>]*>", page)[0], "") == PAGE
    assert page.count("Content-Security-Policy") == 1


def test_a_page_without_scripts_runs_none():
    told = policy(sealed("<html><head></head><body></body></html>", ["https://a.b", "https://a.b"]))
    assert told["script-src"] == told["style-src"] == ["'none'"]
    assert told["img-src"] == ["data:", "https://a.b"]


@pytest.mark.parametrize("name", [*BASEMAPS, None])
def test_only_the_basemap_that_was_asked_for_is_let_in(name):
    told = origins_of(name)
    assert len(told) == len(set(told)) == (name is not None)
    for origin in told:
        assert re.fullmatch(r"https://[a-z0-9.]+", origin)
        assert any(url.startswith(f"{origin}/") for url in BASEMAPS[name]["urls"])


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    frame([box(30 * n, 0, 12, 9) for n in range(5)]).to_file(folder / "f.gpkg", engine="pyogrio")
    site = {"buildings": str(folder / "f.gpkg")}
    return pvp.plan_village(pvp.Scenario(site=site, finance={"model": "roof_lease"}))


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["map", "report", "survey", "posting"])
def test_a_browser_refuses_what_is_not_the_pages_own(browser, plan, tmp_path, kind):
    """A script, a picture and a request that got in would not run, load or leave."""
    path = tmp_path / f"{kind}.html"
    getattr(pvp, f"save_{kind}")(plan, path)
    evil = ("<script>window.ran = 1</script><img src='http://127.0.0.1:9/x.png'>"
            "<img src=x onerror='window.ran = 2'>")  # fmt: skip
    path.write_text(path.read_text("utf-8").replace("<body>", f"<body>{evil}", 1), "utf-8")
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in said)
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 1, () => 0)") == 0
    assert any("http://127.0.0.1:9/" in text and "violates" in text for text in said)
    if kind == "map":
        assert page.evaluate("document.documentElement.getAttribute('data-ready')") == "true"
    page.close()


def test_only_what_can_be_seen_is_shown():
    assert visible("a\tb\nc\u2028d") == "a b c d"
    assert visible("\x1b[2Jx\u202e\u2066y\u200b\ufeff\x9bz") == "[2Jxyz"
    assert visible("岙 村　一") == "岙 村 一"
    assert visible("\ud800a") == "a"
    assert visible("  ") == ""
