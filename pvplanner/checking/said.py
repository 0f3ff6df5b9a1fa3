"""The dry look in words: lines for the command line, and one page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pvplanner.checking import MOST, Look, Measure, Reading
from pvplanner.checking.picture import outlines_svg, region_svg
from pvplanner.errors import ConfigError, listed, message
from pvplanner.markup import fill_page
from pvplanner.plan.commit import write_beside
from pvplanner.words import (
    LANGUAGES,
    has_label,
    in_units,
    label,
    province,
    shown,
    source,
    style,
    texts,
)


def lines_of(look: Look, language: str) -> list[str]:
    """What was seen, a line each: doubts first, then files, joins, figures and readings."""
    own = style(language)
    colon, parts, comma = own["colon"], own["parts"], own["list"]
    out = [f"! {f.text(language)}" for f in look.findings if f.doubtful]
    out.append(_place(look, language))
    for file in look.files:
        out.append(f"{file.key}{colon}{file.name}")
        if file.taken:
            pairs = [f"{heading} → {_named(ours, language)}" for ours, heading in file.taken]
            out.append(f"  {label('check_taken', language)}{colon}{comma.join(pairs)}")
            out.append(
                f"  {label('check_unread', language)}{colon}{comma.join(file.unread) or '-'}"
            )
            absent = comma.join(_named(ours, language) for ours in file.absent) or "-"
            out.append(f"  {label('check_absent', language)}{colon}{absent}")
        out += [f"  - {f.text(language)}" for f in file.findings if not f.doubtful]
    for join in look.joins:
        told = [f"{label('check_matched', language)} {join.matched}"]
        told += [f"{label(f'{join.key}_left', language)} {_ids(join.left)}"]
        told += [f"{label(f'{join.key}_right', language)} {_ids(join.right)}"]
        if join.near:
            told.append(f"{label('check_near', language)} "
                        f"{comma.join(f'{a} ~ {b}' for a, b in join.near)}")  # fmt: skip
        out.append(f"{label(join.key, language)}{colon}{parts.join(told)}")
    for measure in look.measures:
        name, value, span, verdict = _measure(measure, language)
        out.append(f"{name}{colon}{value} ({span}) {verdict}")
    for reading in look.readings:
        name, value = _reading(reading, language)
        out.append(f"{name}{colon}{value}")
    return out


def _named(key: str, language: str) -> str:
    return label(key, language) if has_label(key, language) else key


def _ids(ids: list[str]) -> str:
    return f"{len(ids)}" + (f" ({listed(ids, MOST)})" if ids else "")


def _place(look: Look, language: str) -> str:
    place, own = look.place, style(language)
    told = f"{place['latitude']:.4f}, {place['longitude']:.4f}"
    if place["town"]:
        near = [place["town"], f"{place['distance_km']:.0f} km"]
        near += [province(place["province"], language)] if place["province"] else []
        told += f" ({own['list'].join(near)})"
    return f"{label('check_place', language)}{own['colon']}{told}"


def _measure(measure: Measure, language: str) -> tuple[str, str, str, str]:
    unit = in_units(measure.unit, language)
    value = f"{measure.value:,.3g}" if measure.value < 1000 else f"{measure.value:,.0f}"
    span = f"{measure.low:g}–{measure.high:g}"
    name = label(measure.key, language)
    return name, f"{value} {unit}".strip(), span, label(measure.verdict, language)


def _reading(reading: Reading, language: str) -> tuple[str, str]:
    what = message(f"reading_{reading.finding}", language)
    how = label("as_read", language) if reading.chosen else f"{reading.key} = {reading.value}"
    energy = shown(reading.energy_kwh, "energy_kwh", language, "whole")
    return f"{what} ({how})", f"{energy} kWh"


def save_check(look: Look, path: str | os.PathLike[str], language: str) -> Path:
    """Write the look as one HTML page that needs no network, in every language.

    Raises
    ------
    ConfigError
        If the suffix is not ``.html``.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        known = ".html, .png, .pdf, .svg"
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)
    return write_beside(target, render_check(look, language))


def render_check(look: Look, language: str) -> str:
    """The page; text from data is escaped by the template."""
    order = sorted(LANGUAGES, key=lambda code: code != language)
    return fill_page(
        "check.html.j2",
        html=style(language)["html"],
        name=look.scenario.name,
        region=region_svg(look.place["latitude"], look.place["longitude"]),
        outlines=outlines_svg(look.plan.result("buildings")),
        editions=[_edition(look, code) for code in order],
    )


def _edition(look: Look, language: str) -> dict[str, Any]:
    """All of the page in one language."""
    files = [
        {
            "key": file.key, "name": file.name,
            "taken": [(heading, _named(ours, language)) for ours, heading in file.taken],
            "unread": file.unread,
            "absent": [_named(ours, language) for ours in file.absent],
            "findings": [f.text(language) for f in file.findings if not f.doubtful],
        }
        for file in look.files
    ]  # fmt: skip
    joins = [
        {
            "title": label(join.key, language), "matched": join.matched,
            "left": (label(f"{join.key}_left", language), _ids(join.left)),
            "right": (label(f"{join.key}_right", language), _ids(join.right)),
            "near": [f"{a} ~ {b}" for a, b in join.near],
        }
        for join in look.joins
    ]  # fmt: skip
    return {
        "code": language,
        "html": style(language)["html"],
        "title": style(language)["name"],
        "t": {**texts(language), "colon": style(language)["colon"]},
        "doubts": [f.text(language) for f in look.findings if f.doubtful],
        "notes": [f.text(language) for f in look.findings if not f.doubtful and _apart(look, f)],
        "place": _place(look, language),
        "files": files,
        "joins": joins,
        "measures": [(*_measure(m, language), source(m.source, language), m.verdict)
                     for m in look.measures],
        "readings": [_reading(r, language) for r in look.readings],
    }  # fmt: skip


def _apart(look: Look, finding: Any) -> bool:
    """Whether a finding stands at no file of the list."""
    return not any(finding in file.findings for file in look.files)
