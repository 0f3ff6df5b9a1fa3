"""The map in Firefox ESR, driven by its own Marionette protocol; skips where there is none."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time

import pytest

import pvplanner as pvp

pytestmark = pytest.mark.browser
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


class Marionette:
    """A dozen lines of the protocol: length, colon, JSON of [0, id, command, parameters]."""

    def __init__(self, port: int) -> None:
        for _ in range(120):
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
                break
            except OSError:
                time.sleep(0.25)
        else:
            pytest.skip("Firefox did not open its port")
        self._count = 0
        self._read()
        self.ask("WebDriver:NewSession", {"capabilities": {}})

    def _read(self):
        size = b""
        while not size.endswith(b":"):
            got = self._socket.recv(1)
            assert got, "Firefox hung up"
            size += got
        body, want = b"", int(size[:-1])
        while len(body) < want:
            body += self._socket.recv(want - len(body))
        return json.loads(body)

    def ask(self, command: str, told: dict):
        self._count += 1
        text = json.dumps([0, self._count, command, told]).encode()
        self._socket.sendall(f"{len(text)}:".encode() + text)
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def close(self) -> None:
        self._socket.close()

    def run(self, script: str, *arguments):
        told = {"script": script, "args": list(arguments), "newSandbox": False, "sandbox": None}
        return self.ask("WebDriver:ExecuteScript", told)["value"]


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    if FIREFOX is None:
        pytest.skip("no Firefox")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    profile = tmp_path_factory.mktemp("firefox")
    (profile / "user.js").write_text(
        f'user_pref("marionette.port", {port});\n'
        'user_pref("browser.shell.checkDefaultBrowser", false);\n'
        'user_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
        'user_pref("network.proxy.type", 1);\nuser_pref("network.proxy.socks", "127.0.0.1");\n'
        'user_pref("network.proxy.socks_port", 9);\n'
    )
    process = subprocess.Popen(
        [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    driver = Marionette(port)
    yield driver
    driver.close()
    process.terminate()
    process.wait(timeout=20)


def test_the_map_works_in_firefox(firefox, liao, tmp_path):
    path = pvp.save_map(liao, tmp_path / "m.html")
    firefox.ask("WebDriver:SetWindowRect", {"width": 1280, "height": 900})
    firefox.ask("WebDriver:Navigate", {"url": path.as_uri()})
    for _ in range(80):
        if firefox.run("return document.documentElement.getAttribute('data-ready')") == "true":
            break
        time.sleep(0.25)
    told = firefox.run(
        "var p = window.wrappedJSObject ? window.wrappedJSObject.pvplanner : window.pvplanner;"
        "p.choose('LA0055'); var m = document.getElementById('measure'); m.value = 'payback_years';"
        "m.dispatchEvent(new Event('change')); document.getElementById('what-if').open = true;"
        "return [p.view.roofs.count, document.getElementById('card-head').textContent,"
        "Number(document.querySelector('#totals [data-total=energy_kwh]').getAttribute('data-value')),"
        "p.state.measure, document.getElementById('bar').getBoundingClientRect().height];"
    )
    assert told[0] == len(liao.buildings)
    assert "LA0055" in told[1]
    assert told[2] == pytest.approx(liao.summary()["energy_kwh"])
    assert told[3] == "payback_years"
    assert told[4] < 52
    # Roofs are drawn: the canvas holds their colours.
    seen = firefox.run(
        "var c = document.querySelector('canvas.roofs'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, n = 0;"
        "for (var i = 3; i < d.length; i += 4) { if (d[i] > 200) { n += 1; } } return n;"
    )
    assert seen > 2000
    assert "roof=LA0055" in firefox.run("return location.hash")
    assert firefox.run("return document.getElementById('guard').offsetHeight") == 0
