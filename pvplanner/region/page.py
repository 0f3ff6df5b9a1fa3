"""A region's pages: an index that opens by double click, and two sheets for a meeting.

What they show stands in the tables; nothing is reckoned here but what a reader picks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from pvplanner.errors import LANGUAGES
from pvplanner.markup import fill_page, packaged
from pvplanner.region.config import POOREST
from pvplanner.schema import column, kind_of
from pvplanner.words import label, texts, unit_of

if TYPE_CHECKING:
    from pvplanner.region.ranking import Ranking

FIRST = ("income_first_year", "energy_kwh", "capacity_kwp", "households", "investment", "npv",
         "lcoe", "avoided_t")  # fmt: skip
"""Measures that a reader finds first."""

LEFT_OUT = frozenset({"latitude", "longitude", "weight", "fits_kw", "phase_kwp", "capital"})
"""Columns that say to a reader nothing, or what another says."""

WORDS = ("region_", "unknown", "village", "search", "synthetic_note", "language_name")
"""Beginnings of the words that the page needs."""


def _embedded(told: Any) -> str:
    """JSON that no page takes for markup."""
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _plain(value: float, digits: int = 10) -> float | None:
    """A number as JSON has it: to what pages show and a little more; ``None`` where unknown."""
    if not math.isfinite(value):
        return None
    if value == 0:
        return 0
    rounded = round(float(value), max(0, digits - 1 - math.floor(math.log10(abs(value)))))
    return int(rounded) if rounded == int(rounded) else rounded


def index_page(
    about: Mapping[str, Any], villages: pd.DataFrame, table: pd.DataFrame, totals: pd.DataFrame,
    failed: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]],
    outlines: Mapping[str, Any], ranking: Ranking | None,
) -> str:  # fmt: skip
    """The region's index.

    Parameters
    ----------
    about : mapping
        What the folder says of itself.
    villages, table, totals : DataFrame
        As of :class:`pvplanner.region.results.Results`.
    failed, findings : sequence of mapping
    outlines : mapping of str to shape
        Of each village by ``code/name``, in degrees.
    ranking : Ranking, optional
    """
    data = _data(about, villages, table, totals, failed, findings, outlines, ranking)
    return fill_page(
        "region/index.html.j2", language=about["language"], name=about["name"],
        style=packaged("templates/region/page.css"),
        script=packaged("templates/region/index.js"), data=_embedded(data),
        rank=ranking is not None, noscript=label("region_noscript", about["language"]),
    )  # fmt: skip


def _data(
    about: Mapping[str, Any], villages: pd.DataFrame, table: pd.DataFrame, totals: pd.DataFrame,
    failed: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]],
    outlines: Mapping[str, Any], ranking: Ranking | None,
) -> dict[str, Any]:  # fmt: skip
    names = [name for name in about["scenarios"] if name != POOREST]
    base = villages[villages["scenario"] == names[0]]
    rows = [_village(row, outlines) for row in base.itertuples()]
    rows += [_lost(row, outlines) for row in failed]
    keys = {(r.division_code, r.village): n for n, r in enumerate(base.itertuples())}
    measures = _measures(villages, about["currency"])
    own = table[table["measure"].isin([m["key"] for m in measures])]
    return {
        "name": about["name"], "language": about["language"], "scenarios": names,
        "synthetic": bool(about["synthetic"]), "version": metadata.version("pvplanner"),
        "measures": measures, "villages": rows,
        "values": {s: _by_measure(own, s, keys, len(base), "value") for s in names},
        "p90": {s: _by_measure(own, s, keys, len(base), "p90", known=True) for s in names},
        "p10": {s: _by_measure(own, s, keys, len(base), "p10", known=True) for s in names},
        "totals": _totals(totals, {m["key"] for m in measures}),
        "failed": [dict(row) for row in failed],
        "findings": [{"villages": f["villages"], "names": f["names"], "level": f["level"],
                      **{c: f[c] for c in LANGUAGES}} for f in findings],
        "sampled": bool((villages["weight"] != 1).any()) if len(villages) else False,
        "rank": None if ranking is None else _rank(ranking),
        "words": {code: _words(code, about["currency"]) for code in LANGUAGES},
    }  # fmt: skip


def _village(row: Any, outlines: Mapping[str, Any]) -> dict[str, Any]:
    key = f"{row.division_code}/{row.village}" if row.division_code else str(row.village)
    told = f"{row.village} ({row.division_code})" if row.division_code else str(row.village)
    return {"key": key, "name": str(row.village), "label": told, "failed": False,
            "weight": float(row.weight), "rings": _rings(outlines.get(key))}  # fmt: skip


def _lost(row: Mapping[str, Any], outlines: Mapping[str, Any]) -> dict[str, Any]:
    code, name = row["division_code"], row["village"]
    key = f"{code}/{name}" if code else str(name)
    return {"key": key, "name": name, "label": name, "failed": True, "weight": 1.0,
            "rings": _rings(outlines.get(key))}  # fmt: skip


def _rings(shape: Any) -> list[list[list[float]]]:
    if shape is None:
        return []
    out = []
    for part in shapely.get_parts(shape):
        for ring in (part.exterior, *part.interiors):
            out.append([[round(x, 6), round(y, 6)] for x, y in ring.coords[:-1]])
    return out


def _measures(villages: pd.DataFrame, currency: str) -> list[dict[str, Any]]:
    skipped = {"division_code", "village", "scenario", "stratum", *LEFT_OUT}
    found = [c for c in villages.columns
             if c not in skipped and pd.api.types.is_numeric_dtype(villages[c])
             and not c.startswith("energy_p90")]  # fmt: skip
    order = [c for c in FIRST if c in found] + [c for c in found if c not in FIRST]
    return [
        {
            "key": name, "sum": column(name).sum == "sum",
            "rule": kind_of(column(name).kind)["whole"] or "s3",
            "label": {code: label(name, code) for code in LANGUAGES},
            "unit": {code: unit_of(name, code, currency) for code in LANGUAGES},
        }
        for name in order
    ]  # fmt: skip


def _by_measure(
    table: pd.DataFrame, scenario: str, keys: Mapping[tuple[str, str], int], count: int,
    name: str, *, known: bool = False,
) -> dict[str, list[float | None]]:  # fmt: skip
    rows = table[table["scenario"] == scenario]
    out: dict[str, list[float | None]] = {}
    for measure, own in rows.groupby("measure", sort=False):
        if known and own[name].isna().all():
            continue
        values: list[float | None] = [None] * count
        for code, village, value in zip(own["division_code"], own["village"], own[name],
                                        strict=True):  # fmt: skip
            at = keys.get((code, village))
            if at is not None:
                values[at] = _plain(float(value))
        out[str(measure)] = values
    return out


def _totals(totals: pd.DataFrame, measures: set[str]) -> list[dict[str, Any]]:
    rows = totals[totals["measure"].isin(measures)].to_dict("records")
    return [{k: _plain(v) if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def _rank(ranking: Ranking) -> list[dict[str, Any]]:
    rows = ranking.villages[["village", "chosen", "score", "draws", "weights", "poorest"]]
    return [
        {k: _plain(v) if isinstance(v, float) else v for k, v in row.items()}
        for row in rows.to_dict("records")
    ]


def _words(language: str, currency: str) -> dict[str, str]:
    from pvplanner.words import currency_name

    money = currency_name(currency, language)
    return {key: text.replace("{currency}", money) for key, text in texts(language).items()
            if key.startswith(WORDS)}  # fmt: skip


def rank_page(about: Mapping[str, Any], ranking: Ranking) -> str:
    """Two sheets that a meeting can argue over."""
    from pvplanner.region.sheets import rank_facts

    language = about["language"]
    return fill_page(
        "region/rank.html.j2", language=language, style=packaged("templates/region/page.css"),
        **rank_facts(about, ranking, language),
    )  # fmt: skip
