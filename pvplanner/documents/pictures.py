"""The map and the charts as pictures, for slides and notices."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from pvplanner.documents.content import chart_bars, map_parts
from pvplanner.documents.mark import Mark
from pvplanner.documents.typesetting import draw
from pvplanner.plan import Plan
from pvplanner.report.charts import carbon_chart, cash_chart, month_chart
from pvplanner.texts import visible
from pvplanner.words import label

CHARTS = {"months": month_chart, "cash": cash_chart, "carbon": carbon_chart}
"""Charts that there are pictures of, beside the map."""

HEAD = 8 + 25
"""Bytes of a PNG before which no other part may stand: its signature and its header."""


def pictures_of(plan: Plan, language: str) -> tuple[str, ...]:
    """The map, and of :data:`CHARTS` those that a plan has figures for."""
    shown = plan.public()
    return ("map", *(kind for kind, make in CHARTS.items() if make(shown, language)))


def make_picture(plan: Plan, language: str, mark: Mark, which: str) -> bytes:
    """A picture as PNG that carries its mark.

    Raises
    ------
    ConfigError
        If Typst is not installed.
    """
    shown = plan.public()
    foot = " · ".join((visible(shown.scenario.name), *(label(n, language) for n in shown.notes()),
                       f"{label('document_hash', language)} {mark.plan[:16]}"))  # fmt: skip
    told: dict[str, Any] = {"language": language, "foot": foot, "words": {}}
    if which == "map":
        told |= {"map": map_parts(shown, language)}
    else:
        told |= {"chart": chart_bars({which: CHARTS[which](shown, language)}, language)[which]}
    return with_text(draw("chart", told), mark.text())


def with_text(body: bytes, text: str) -> bytes:
    """A PNG with a comment of plain letters, which no program shows and none loses."""
    told = b"tEXtComment\0" + text.encode("ascii")
    part = struct.pack(">I", len(told) - 4) + told + struct.pack(">I", zlib.crc32(told))
    return body[:HEAD] + part + body[HEAD:]
