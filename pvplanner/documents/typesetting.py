"""PDF from a Typst template of the package and plain data: text from data is never markup."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pvplanner.documents.glyphs import named, settable
from pvplanner.errors import ConfigError, listed

STANDARD: Final = "a-2a"
"""PDF for archives (ISO 19005-2), tagged: fonts embedded, text that can be read aloud."""

EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Written into a file whose plan states no date, so that the same plan gives the same bytes."""


def typeset(template: str, data: Mapping[str, Any], *, date: dt.date | None = None) -> bytes:
    """A PDF.

    Parameters
    ----------
    template : str
        Name of a file in ``templates/documents``, without its suffix.
    data : mapping
        Ready for JSON. The template gets it as it is, and as ``lost`` the characters that its
        font lacks.
    date : date, optional
        Of the document.

    Returns
    -------
    bytes
        The same for the same.

    Raises
    ------
    ConfigError
        If Typst is not installed.
    """
    lost: set[str] = set()
    told = settable(data, lost)
    told["lost"] = listed(named(lost), 40) if lost else ""
    when = EPOCH if date is None else dt.datetime.combine(date, dt.time(), tzinfo=dt.UTC)
    made = _compiled(
        template, json.dumps(told, ensure_ascii=False), format="pdf", pdf_standards=STANDARD,
        timestamp=when,
    )  # fmt: skip
    assert isinstance(made, bytes)
    return made


def picture(svg: str, *, width_mm: float = 110.0, ppi: float = 200.0) -> bytes:
    """A vector picture as PNG.

    Parameters
    ----------
    svg : str
    width_mm, ppi : float
        How wide it is on paper, and points an inch.
    """
    return draw("picture", {"svg": svg, "width": width_mm}, ppi=ppi)


def draw(template: str, data: Mapping[str, Any], *, ppi: float = 200.0) -> bytes:
    """A template of one page as PNG: the same bytes for the same.

    Raises
    ------
    ConfigError
        If Typst is not installed.
    """
    told = json.dumps(settable(data, set()), ensure_ascii=False)
    made = _compiled(template, told, format="png", ppi=ppi)
    assert isinstance(made, bytes)
    return made


def _compiled(template: str, told: str, **how: Any) -> Any:
    try:
        import typst
    except ImportError:
        raise ConfigError("documents_missing", where=f"{template}.typ", name="typst") from None
    home = _templates()
    return typst.compile(
        str(home / f"{template}.typ"), root=str(home), font_paths=_fonts(),
        ignore_system_fonts=True, sys_inputs={"data": told}, **how,
    )  # fmt: skip


def _templates() -> Path:
    return Path(str(resources.files("pvplanner").joinpath("templates", "documents")))


@cache
def _fonts() -> Any:
    import typst

    folder = Path(str(resources.files("pvplanner").joinpath("vendor", "fonts")))
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder]
    )
