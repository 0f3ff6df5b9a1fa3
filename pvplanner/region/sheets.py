"""The two sheets of a ranking: who is chosen and why, and what that hangs on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pvplanner.region.config import BASE, POOREST
from pvplanner.words import has_label, label, number, style, unit_of

if TYPE_CHECKING:
    import pandas as pd

    from pvplanner.region.ranking import Ranking

PER = {"_per_household": "region_per_household", "_per_yuan": "region_per_yuan",
       "_per_free_kw": "region_per_free_kw"}  # fmt: skip


def criterion_name(name: str, language: str, currency: str) -> str:
    """A criterion in words; a column of the township's own table stands as it is."""
    if has_label(name, language):
        return label(name, language)
    for ending, word in PER.items():
        base = name.removesuffix(ending)
        if base != name and has_label(base, language):
            unit = unit_of(base, language, currency)
            told = f"{label(base, language)}{label(word, language)}"
            return f"{told} ({unit})" if unit else told
    return name


def scenario_name(name: str, language: str) -> str:
    """A scenario's name; of the two that every region has, in words."""
    words = {BASE: "region_base", POOREST: "region_poorest_scenario"}
    return label(words[name], language) if name in words else name


def figure(value: float, language: str) -> str:
    """A figure of any size to three or four places."""
    if not math.isfinite(value):
        return label("unknown", language)
    return number(value, str(_digits(value)), language)


def _digits(value: float) -> int:
    size = abs(value)
    return 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3


def _needed(value: float, language: str, *, up: bool) -> str:
    """A figure that suffices as it is shown: more where more is better, else less."""
    if not math.isfinite(value):
        return label("region_not_alone", language)
    step = 10.0 ** -_digits(value)
    return figure((math.ceil if up else math.floor)(value / step - 1e-9) * step, language)


def share(value: float, language: str) -> str:
    """A share of draws, in per cent; a line where there are none."""
    return f"{100 * value:.0f} %" if math.isfinite(value) else "–"


def rank_facts(about: Mapping[str, Any], ranking: Ranking, language: str) -> dict[str, Any]:
    """Everything that the sheets' template shows, as text."""
    currency = about["currency"]

    def word(key: str, **told: Any) -> str:
        return label(key, language).format(**told)

    rows = []
    names = village_names(ranking.villages)
    for name, row in zip(names, ranking.villages.itertuples(), strict=True):
        rows.append({
            "chosen": bool(row.chosen), "village": name,
            "score": figure(row.score, language) if math.isfinite(row.score) else "–",
            "draws": share(row.draws, language),
            "weights": share(row.weights, language), "poorest": share(row.poorest, language),
            "cost": number(row.cost / 1e4, "1", language),
            "why": reason_text(row, ranking, language),
        })  # fmt: skip
    asked = list(ranking.weights)
    table = [
        [name, *(figure(float(row[c]), language) for c in ranking.criteria.columns[1:])]
        for name, row in zip(names, ranking.criteria.to_dict("records"), strict=True)
    ]  # fmt: skip
    changes = _changes(ranking, asked, language)
    budget = "" if ranking.budget is None else number(ranking.budget / 1e4, "1", language)
    chosen = ranking.villages[ranking.villages["chosen"]]
    return {
        "title": word("region_rank_title", name=about["name"], choose=len(chosen)),
        "short": word("region_rank_short", asked=ranking.choose, choose=len(chosen))
        if len(chosen) < ranking.choose else "",
        "chosen": label("region_comma", language).join(
            name for name, own in zip(names, ranking.villages["chosen"], strict=True) if own),
        "spent": number(float(chosen["cost"].sum()) / 1e4, "1", language), "budget": budget,
        "rows": rows, "criteria": [criterion_name(n, language, currency) for n in asked],
        "weights": [figure(v, language) for v in ranking.weights.values()], "table": table,
        "changes": changes, "runner_up": ranking.runner_up, "unequal": ranking.poorest_known,
        "musts": list(ranking.musts), "synthetic": bool(about["synthetic"]),
        "scenario": scenario_name(ranking.scenario, language), "colon": style(language)["colon"],
        "word": {key: label(key, language) for key in TEXTS},
        "how": word("region_rank_how", draws=ranking.draws, seed=ranking.seed),
    }  # fmt: skip


def _changes(ranking: Ranking, names: list[str], language: str) -> list[list[str]]:
    """What each criterion alone would have to be, a village a row, the nearest first."""
    rows = ranking.villages
    gaps = dict(zip(_keys(rows), rows["gap"], strict=True))
    shown = dict(zip(_keys(rows), village_names(rows), strict=True))
    told: dict[tuple[str, str], dict[str, str]] = {}
    for key, row in zip(_keys(ranking.changes), ranking.changes.itertuples(), strict=True):
        up = ranking.weights[row.criterion] > 0
        told.setdefault(key, {})[row.criterion] = _needed(row.needed, language, up=up)
    order = sorted(told, key=lambda key: (float(gaps[key]), key))
    return [[shown[key], *(told[key].get(c, "") for c in names)] for key in order]


def _keys(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(rows["division_code"].astype(str), rows["village"].astype(str), strict=True))


def village_names(rows: pd.DataFrame) -> list[str]:
    """Names of villages, with their codes where several have one name."""
    several = rows["village"].duplicated(keep=False)
    return [f"{name} ({code})" if more and code else name
            for (code, name), more in zip(_keys(rows), several, strict=True)]  # fmt: skip


def reason_text(row: Any, ranking: Ranking, language: str) -> str:
    """Why a village is chosen or not, in a line."""
    text = _reason_text(row, language)
    if ranking.poorest_known and math.isfinite(row.poorest):
        # Whoever is known better looks better: that is said of both sides.
        if row.chosen and row.poorest < 0.5:
            text += label("region_why_seen", language).format(share=share(row.poorest, language))
        elif not row.chosen and row.poorest >= 0.5:
            text += label("region_why_unseen", language).format(share=share(row.poorest, language))
    return text


def _reason_text(row: Any, language: str) -> str:
    told = label(f"region_why_{row.reason}", language)
    about, _, more = str(row.about).partition("\0")
    if row.reason == "budget":
        about = number(float(about) / 1e4, "1", language)
        more = (
            number(float(more) / 1e4, "1", language) if more and math.isfinite(float(more)) else ""
        )
        told = told if more else label("region_why_budget_alone", language)
    if row.reason == "must":
        flags = {"True": "region_yes", "False": "region_no"}
        more = label(flags[more], language) if more in flags else _short(more, language)
    if row.reason == "unknown":
        parts = [criterion_name(n, language, "CNY") for n in row.about.split(", ")]
        about = label("region_comma", language).join(parts)
    return told.format(about=about, gap=figure(row.gap, language), more=more)


def _short(text: str, language: str) -> str:
    try:
        return figure(float(text), language)
    except ValueError:
        return text


TEXTS = (
    "village", "region_score", "region_draws", "region_weights", "region_poorest", "region_cost",
    "region_why", "region_chosen", "region_spent", "region_budget", "region_criteria",
    "region_weight", "region_changes", "region_runner_up", "region_value", "region_needed",
    "region_musts", "region_scenario", "region_equal_data", "region_rank_doubt", "region_sign_head",
    "region_sign_clerk", "region_sign_date", "synthetic_note", "region_sheet_two",
    "region_rank_sum", "region_rank_poorest",
)  # fmt: skip
