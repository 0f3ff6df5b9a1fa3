"""Which heading of a file is which column of ours, and what was not read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pvplanner.errors import ConfigError, Finding, listed
from pvplanner.reading.values import plain_text, unit_factor

Aliases = Mapping[str, tuple[str, ...]]
Dimensions = Mapping[str, str]

NEAR = 0.75
"""Headings at least this alike are asked about (ratio of difflib)."""


@dataclass(frozen=True)
class Columns:
    """What of a file is taken for what.

    Attributes
    ----------
    used : dict
        Our name to the file's heading.
    factors : dict
        Our name to the factor of the unit that its heading states.
    unread : tuple of str
        Headings that were not read.
    absent : tuple of str
        Our names that the file does not have.
    near : dict
        Unread headings to our name that they resemble, where that one was not found.
    odd : dict
        Headings that fit a column of ours but state a unit that it can't have.
    """

    used: dict[str, str]
    factors: dict[str, float] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    near: dict[str, str] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=10_000)
def fold(heading: str) -> str:
    """A heading without case, marks and required-signs."""
    text = plain_text(heading).casefold().strip(" *:")
    text = re.sub(r"[(\[【](?:必填|选填|required|optional|可空)[)\]】]", "", text)
    return re.sub(r"[\s_\-]+", "_", text.strip(" *:"))


@lru_cache(maxsize=10_000)
def parts_of(heading: str) -> tuple[str, str]:
    """A heading and the unit behind it: 年用电量（万度）, height (ft), income/元."""
    text = plain_text(heading).strip(" *:")
    found = re.fullmatch(r"(.+?)\s*[(\[【<](.*?)[)\]】>]\s*", text) or re.fullmatch(
        r"(.+?)\s*[/,:]\s*([^/,:]+)", text
    )
    if not found:
        return fold(text), ""
    return fold(found[1]), re.sub(r"^(?:单位|unit)\s*[:：]?\s*", "", found[2].strip(), flags=re.I)


@lru_cache(maxsize=100_000)
def _factor(heading: str, name: str, dimension: str) -> tuple[bool, float | None]:
    """Whether a heading is an alias, and the factor of its unit (``None``: it has none of ours)."""
    whole, (base, unit) = fold(heading), parts_of(heading)
    own = fold(name)
    if whole == own:
        # A heading may be a unit and nothing else: Wh.
        return True, (unit_factor(whole, dimension) if dimension else None) or 1.0
    if base == own and unit:
        factor = unit_factor(unit, dimension) if dimension else 1.0
        if factor is None and re.fullmatch(r"\d{4}年?(度)?|\d+|[a-z]?年|必填|选填", unit):
            factor = 1.0
        return True, factor
    tail = whole[len(own) :].lstrip("_")
    if dimension and whole.startswith(own) and tail:
        factor = unit_factor(tail, dimension)
        if factor is not None:
            return True, factor
    return False, None


def knows(aliases: Aliases, dimensions: Dimensions | None = None) -> Callable[[str], bool]:
    """Whether a heading is one of some aliases."""
    every = [(name, (dimensions or {}).get(ours, "")) for ours, names in aliases.items()
             for name in names]  # fmt: skip
    folded = {fold(name) for name, _ in every}

    def known(heading: str) -> bool:
        if fold(heading) in folded or parts_of(heading)[0] in folded:
            return True
        return any(_factor(heading, name, kind)[0] for name, kind in every if kind)

    return known


def map_columns(
    headings: Sequence[Any],
    aliases: Aliases,
    *,
    where: str,
    given: Mapping[str, str] | None = None,
    dimensions: Dimensions | None = None,
    prefer: Callable[[str, list[str]], str | None] | None = None,
) -> Columns:
    """Our columns by the user's map (either way round) and then by known aliases.

    Parameters
    ----------
    headings : sequence
        Of the file.
    aliases : mapping
        Our name to the names it goes by, the likeliest first.
    given : mapping, optional
        The file's heading to ours, or ours to the file's.
    dimensions : mapping, optional
        Our name to the dimension of its values, for units in headings.
    prefer : callable, optional
        Of several headings that fit a column the one to take, or ``None`` for none of them.

    Raises
    ------
    ConfigError
        If a pair of the user's map joins nothing.
    """
    names = [str(heading) for heading in headings]
    dimensions = dimensions or {}
    used = _given(names, given or {}, aliases, where)
    factors, odd = dict.fromkeys(used, 1.0), {}
    for ours, heading in used.items():
        unit = parts_of(heading)[1]
        stated = unit_factor(unit, dimensions[ours]) if unit and ours in dimensions else None
        factors[ours] = 1.0 if stated is None else stated
    for ours, spellings in aliases.items():
        if ours in used:
            continue
        fit: dict[str, float] = {}
        for spelling in spellings:
            for name in names:
                hit, factor = _factor(name, spelling, dimensions.get(ours, ""))
                if not hit or name in used.values() or name in fit:
                    continue
                if factor is None:
                    odd[name] = ours
                else:
                    fit[name] = factor
        chosen = prefer(ours, list(fit)) if prefer and fit else next(iter(fit), None)
        if chosen is not None:
            used[ours], factors[ours] = chosen, fit[chosen]
    unread = tuple(name for name in names if name not in used.values())
    absent = tuple(ours for ours in aliases if ours not in used)
    odd = {name: ours for name, ours in odd.items() if name in unread}
    near = _near([name for name in unread if name not in odd], absent, aliases)
    return Columns(used, factors, unread, absent, near, odd)


def _given(
    names: list[str], given: Mapping[str, str], aliases: Aliases, where: str
) -> dict[str, str]:
    used: dict[str, str] = {}
    plain = {plain_text(name): name for name in reversed(names)}
    for left, right in given.items():
        if right in aliases and plain_text(left) in plain:
            used[right] = plain[plain_text(left)]
        elif left in aliases and plain_text(right) in plain:
            used[left] = plain[plain_text(right)]
        else:
            raise ConfigError(
                "columns_unmatched", where=where, pair=f"{left} = {right}",
                columns=listed(names, 30), ours=", ".join(aliases),
            )  # fmt: skip
    return used


def _near(unread: list[str], absent: Sequence[str], aliases: Aliases) -> dict[str, str]:
    """Unread headings that nearly are one of ours that is missing."""
    spelled = {fold(name): ours for ours in absent for name in aliases[ours]}
    out = {}
    for name in unread:
        own = parts_of(name)[0]
        close = difflib.get_close_matches(own, spelled, n=1, cutoff=NEAR)
        held = [s for s in spelled if len(s) >= 2 and s in own and not s.isascii()]
        best = close[0] if close else max(held, key=len, default=None)
        if best is not None:
            out[name] = spelled[best]
    return out


def mapped_findings(columns: Columns, where: str, *, kept: bool = False) -> list[Finding]:
    """What was taken as what, what was not read, and which headings nearly fit."""
    params = {
        "taken": "; ".join(f"“{heading}” = {ours}" for ours, heading in columns.used.items())
        or "-",
        "unread": listed([f"“{heading}”" for heading in columns.unread], 30) or "-",
        "absent": ", ".join(columns.absent) or "-",
    }
    out = [Finding("columns_kept" if kept else "columns_read", where, len(columns.unread), params)]
    for heading, ours in columns.near.items():
        params = {"heading": heading, "ours": ours}
        out.append(Finding("column_near", where, params=params))
    for heading, ours in columns.odd.items():
        out.append(Finding("column_unit", where, params={"heading": heading, "ours": ours}))
    return out
