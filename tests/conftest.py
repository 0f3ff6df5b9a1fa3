"""What the tests share: the example village as a plan, the shared data, a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

import pvplanner as pvp

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LIAO = ROOT / "data" / "liao" / "scenario.toml"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Nothing here is held to a clock: a busy machine makes no test fail.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data beside the checkout; absent on other machines."""
    if not (SHARED / "data").is_dir():
        pytest.skip("no ../shared/data beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def scenario() -> pvp.Scenario:
    return pvp.Scenario.from_toml(LIAO)


@pytest.fixture(scope="session")
def liao(scenario) -> pvp.Plan:
    return pvp.plan_village(scenario)


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; without one the tests skip and say so, but under CI they fail."""
    from playwright.sync_api import sync_playwright

    play = None
    try:
        # The driver itself needs libatomic1, which a bare Debian lacks.
        play = sync_playwright().start()
        found = next(
            (shutil.which(n) for n in ("chromium", "chromium-browser") if shutil.which(n)), None
        )
        opened = play.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
    except Exception as error:
        if play is not None:
            play.stop()
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no browser: {(str(error) or type(error).__name__).splitlines()[0]}")
    yield opened
    opened.close()
    play.stop()


@pytest.fixture
def page(browser):
    """A page with no network; what it asked for and complained of is in ``page.requests`` and
    ``page.complaints``."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, offline=True)
    page = context.new_page()
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda said: page.complaints.append(said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("dialog", lambda box: (page.complaints.append("dialog"), box.dismiss()))
    yield page
    context.close()
