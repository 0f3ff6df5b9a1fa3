"""Pages from templates that hold what they need and can reach nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

_SCRIPT = re.compile(r"<script(?P<told>[^>]*)>(?P<body>.*?)</script>", re.DOTALL | re.IGNORECASE)
_STYLE = re.compile(r"<style[^>]*>(?P<body>.*?)</style>", re.DOTALL | re.IGNORECASE)
_DATA = re.compile(r"""type\s*=\s*["']?(application/json|text/plain)""", re.IGNORECASE)


def packaged(name: str) -> str:
    """A text file of the package."""
    return resources.files("pvplanner").joinpath(name).read_text(encoding="utf-8")


def fill_page(template: str, **told: Any) -> str:
    """A sealed page from a template of the package; text from data is escaped.

    Raises
    ------
    jinja2.UndefinedError
        If the template asks for what it was not told.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pvplanner", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return sealed(environment.get_template(template).render(**told))


def sealed(page: str, images: Iterable[str] = (), unpacked: Sequence[str] = ()) -> str:
    """A page with a policy that lets its own scripts and styles run and nothing else in.

    Parameters
    ----------
    page : str
        A whole page whose scripts and styles stand in it.
    images : iterable of str
        Origins of online basemaps, such as ``https://*.tianditu.gov.cn``; none if not asked for.
    unpacked : sequence of str
        Scripts that lie packed in the page and are run by one of those that stand in it.

    Returns
    -------
    str
        The same page with the policy as the first thing in its head.
    """
    scripts = [
        _hash(found["body"]) for found in _SCRIPT.finditer(page) if not _DATA.search(found["told"])
    ]
    scripts += [_hash(text) for text in unpacked]
    bare = _SCRIPT.sub("", page)
    styles = [_hash(found["body"]) for found in _STYLE.finditer(bare)]
    rules = {
        "default-src": ["'none'"],
        "script-src": scripts or ["'none'"],
        "style-src": styles or ["'none'"],
        "img-src": ["data:", *images],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    if unpacked:
        # What scripts set on single elements, as a page that a browser saved holds it.
        rules["style-src-attr"] = ["'unsafe-inline'"]
    policy = "; ".join(f"{name} {' '.join(dict.fromkeys(told))}" for name, told in rules.items())
    tag = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return re.sub(r"(<head[^>]*>)", lambda m: f"{m[1]}\n{tag}", page, count=1)


def _hash(body: str) -> str:
    """Hash of an inline script or style, as a policy names it."""
    digest = hashlib.sha256(body.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
