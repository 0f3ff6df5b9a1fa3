"""The roof layer as an element of a folium map: packed data, scripts, and the page's frame."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from functools import cache
from typing import Any

import folium
from branca.element import Element, MacroElement
from folium.template import Template

from pvplanner.mapping.pack import Packer
from pvplanner.markup import packaged

SCRIPTS = ("unpack", "money", "words", "classes", "state", "roofs", "charts", "what_if", "card",
           "legend", "choose", "table", "address", "paper", "page")  # fmt: skip
"""The page's scripts in the order in which they stand on each other."""

PACKED = ("texts", "engines", "fields", "tables", "ground", "money_sources", "transformers")
"""What of the page's data is long and is packed behind the columns; the rest stays readable."""


class _Raw(Element):
    """Text that is written as it stands: never read as a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class RoofLayer(MacroElement):
    """Roofs with their measures as one canvas layer of a folium map, with the page around it.

    Parameters
    ----------
    data : dict
        What the page's scripts read, ready for JSON.
    packer : Packer
        The columns.
    """

    _template = Template(
        """
        {% macro html(this, kwargs) %}{{ this.skeleton }}
        <script>if (window.pvplannerPage) { pvplannerPage.clean(); }</script>
        <script type="application/json" id="pvplanner-data">{{ this.json }}</script>
        <script type="text/plain" id="pvplanner-body">{{ this.body }}</script>{% endmacro %}
        {% macro script(this, kwargs) %}pvplannerPage.start();{% endmacro %}
        """
    )

    def __init__(self, data: dict[str, Any], packer: Packer) -> None:
        super().__init__()
        self._name = "RoofLayer"
        self._id = "roofs"
        self.skeleton = packaged("templates/map/skeleton.html")
        plain = {name: value for name, value in data.items() if name not in PACKED}
        rest = {name: data[name] for name in PACKED if name in data}
        at = packer.extra(json.dumps(rest, ensure_ascii=False, allow_nan=False).encode())
        self.json = embed_json({**plain, "rest": at})
        self.body = packer.body()
        self.style = packaged("templates/map/map.css")


@cache
def page_scripts() -> tuple[str, str]:
    """Leaflet, and the page's own scripts as one."""
    own = "\n".join(_bare(packaged(f"templates/map/{name}.js")) for name in SCRIPTS)
    return _leaflet_js(), f'(function () {{\n"use strict";\n{own}\n}}());'


@cache
def packed_scripts() -> str:
    """The scripts of :func:`page_scripts` as few bytes: the guard unpacks and runs them."""
    whole = "\0".join(page_scripts()).encode()
    return base64.b64encode(zlib.compress(whole, 9)).decode("ascii")


def embed_json(data: Any) -> str:
    """JSON that is safe between script tags: no character of it can end them or start markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    # folium reads what it is given as a template once more; outside of texts no brace is doubled.
    for mark in "{%#":
        text = text.replace("{" + mark, f"\\u007b{mark}" if mark != "{" else "\\u007b\\u007b")
    return text


def hold(
    data: dict[str, Any], packer: Packer, centre: tuple[float, float]
) -> tuple[folium.Map, RoofLayer]:
    """A folium map that needs no network, and the layer of roofs in it."""
    base = folium.Map(
        location=list(centre), tiles=None, zoom_start=16, maxZoom=22, zoomSnap=0.25,
        zoomAnimation=False, fadeAnimation=False,
    )  # fmt: skip
    # Instance attributes: the class-level lists of links to foreign hosts stay as they are.
    base.default_js, base.default_css = [], []
    base._id = "village"
    layer = RoofLayer({**data, "map": base.get_name()}, packer)
    layer.add_to(base)
    figure: Any = base.get_root()
    figure.header.add_child(_Raw(f"<style>{_leaflet_css()}</style>"), name="leaflet_css")
    code = f'<script type="text/plain" id="pvplanner-code">{packed_scripts()}</script>'
    guard = f"<script>{_bare(packaged('templates/map/guard.js'))}</script>"
    figure.header.add_child(_Raw(f"{code}\n{guard}"), name="leaflet_js")
    return base, layer


def render_page(base: folium.Map, layer: RoofLayer, title: str) -> str:
    """The whole page of a map of :func:`hold` as text."""
    figure: Any = base.get_root()
    figure.title = html.escape(title)
    page: str = figure.render()
    # Last, so that it wins over folium's own rules for the map's box.
    page = page.replace("</head>", f"<style>{_shorter(layer.style)}</style>\n</head>", 1)
    # Folium's viewport forbids zooming in, which people who see badly need.
    return page.replace(", maximum-scale=1.0, user-scalable=no", "").replace(
        "maximum-scale=1.0,", ""
    )


def _leaflet_js() -> str:
    code = packaged("vendor/leaflet/leaflet.js")
    return code.replace("//# sourceMappingURL=leaflet.js.map", "").strip()


def _leaflet_css() -> str:
    """Leaflet's style without the images of controls that the page does not use."""
    style = packaged("vendor/leaflet/leaflet.css")
    return _shorter("\n".join(line for line in style.splitlines() if "url(" not in line))


def _bare(script: str) -> str:
    """A script without its indents and the comments that fill whole lines."""
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(
        line for line in lines
        if line and not line.startswith("//")
        and not (line.startswith("/*") and line.endswith("*/"))
    )  # fmt: skip


def _shorter(style: str) -> str:
    """A style without comments and indents."""
    bare = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    return "\n".join(line.strip() for line in bare.splitlines() if line.strip())
