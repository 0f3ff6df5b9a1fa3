"""Whose books: each village's collective, and each plant that several villages own together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.metering.headings import OF_HOME
from pvplanner.money.models import Case
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.reading import map_columns, one_spelling, read_numbers, read_table
from pvplanner.reading.columns import knows
from pvplanner.settlement.dividends import Dividends, dividends_of, joined, missing_months
from pvplanner.settlement.headings import OWNERS
from pvplanner.tracking.entries import FOLDER

Owners = Mapping[str, Mapping[str, float]]
"""By household the villages that own its roof's plant, with their shares, which sum to 1."""


@dataclass(frozen=True)
class Books:
    """One account.

    Attributes
    ----------
    name : str
        Empty where a plan has one village; of a joint plant the names of its owners.
    people : DataFrame
    case : Case
        On the same rows.
    shares : dict of str to float
        Of a joint plant's owners; empty for a village's own.
    """

    name: str
    people: pd.DataFrame
    case: Case
    shares: dict[str, float] = field(default_factory=dict)


def books_of(plan: Plan, owners: Owners) -> list[Books]:
    """All accounts of a plan: joint plants first, then the villages', which get a part of them."""
    joint: list[Books] = []
    own: list[Books] = []
    several = len(plan.parts) > 1
    for key, part in plan.parts.items():
        people, case = part.case()
        ids = people["household_id"].astype(str)
        groups = ids.map(lambda home: tuple(sorted(owners.get(home, {}).items())))
        for shares in sorted(set(groups)):
            rows = np.flatnonzero([g == shares for g in groups])
            name = " + ".join(owner for owner, _ in shares) or (_village(key) if several else "")
            name = name if name not in {b.name for b in (*joint, *own)} else f"{key} {name}"
            one = Books(name, people.iloc[rows], case.part(rows), dict(shares))
            (joint if shares else own).append(one)
    return [*joint, *own]


def _village(key: str) -> str:
    """A part's village without the division's code."""
    return key.rpartition("/")[2] or key


def year_of(
    books: list[Books], payments: pd.DataFrame, year: int
) -> tuple[Dividends | None, list[str]]:
    """A year's dividends, and the months that they lack.

    Parameters
    ----------
    books : list of Books
        As from :func:`books_of`.
    payments : DataFrame
        With ``books``.
    year : int
    """
    lacking: list[str] = []
    parts: list[Dividends] = []
    shared: dict[str, dict[int, int]] = {}
    for one in books:
        own = payments[payments["books"].eq(one.name)]
        if own.empty and not one.people["modules"].gt(0).any():
            # Nothing of its own stands: its part of joint plants is all that it has.
            continue
        short = missing_months(own["month"].unique().tolist(), one.case, year)
        if short:
            lacking += [f"{one.name} {m}".strip() for m in short]
            continue
        if one.shares:
            _share_out(one, own, year, shared)
        found = dividends_of(
            one.people, one.case, own, year, books=one.name,
            from_joint=shared.get(one.name), shares=one.shares or None,
        )  # fmt: skip
        parts += [] if found is None else [found]
    # Who owns a part of a joint plant can't share before that has.
    return (None if lacking else joined(parts)), lacking


def _share_out(
    one: Books, payments: pd.DataFrame, year: int, shared: dict[str, dict[int, int]]
) -> None:
    """What a joint plant gave its owners in each year until now."""
    for when in range(one.case.calendar.begin.year, year + 1):
        found = dividends_of(one.people, one.case, payments, when, shares=one.shares)
        if found is not None:
            for row in found.owners.itertuples():
                held = shared.setdefault(str(row.owner), {})
                held[when] = held.get(when, 0) + int(row.fen)


def books_by_home(books: list[Books]) -> dict[str, str]:
    """Household to the account that its roof's plant is in."""
    return {str(home): one.name for one in books for home in one.people["household_id"]}


FILE = "owners.csv"


def kept_owners(folder: str | os.PathLike[str] | None) -> dict[str, dict[str, float]]:
    """Owners as a plan's folder has them."""
    path = None if folder is None else Path(folder) / FOLDER / FILE
    return read_owners(path) if path is not None and path.is_file() else {}


def keep_owners(folder: Path, path: Path, reason: str) -> None:
    """Keep a table of owners with the plan's entries; other shares than before need a reason.

    Raises
    ------
    ConfigError
        If they differ from those that are kept and no reason is given.
    """
    before = kept_owners(folder)
    if before and before != read_owners(path) and not reason.strip():
        raise ConfigError("owners_changed", where="--owners")
    target = folder / FOLDER / FILE
    target.parent.mkdir(exist_ok=True)
    write_bytes_beside(target, path.read_bytes())


def read_owners(path: Path) -> dict[str, dict[str, float]]:
    """A table of household, owner and share: 0.4, 40 or 40%.

    Raises
    ------
    InputError
        If a column lacks, a share is no number above 0, or a plant's shares do not sum to the
        whole.
    """
    rows = read_table(path, knows({**OWNERS, "household_id": OF_HOME})).rows
    mapped = map_columns(list(rows.columns), {**OWNERS, "household_id": OF_HOME}, where=str(path))
    lacking = {"household_id", "owner", "share"} - set(mapped.used)
    if lacking:
        raise InputError("owners_columns", where=str(path), missing=listed(sorted(lacking)),
                         columns=listed(rows.columns, 20))  # fmt: skip
    told = rows[mapped.used["share"]].astype("string")
    values = read_numbers(told.str.rstrip("%％ "), "").to_numpy(dtype=float)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise InputError("owners_share", where=str(path), row=int(rows.index[bad][0]),
                         value=str(told[bad].iloc[0]))  # fmt: skip
    table = pd.DataFrame({
        "home": one_spelling(rows[mapped.used["household_id"]]).fillna("").astype(str).to_numpy(),
        "owner": one_spelling(rows[mapped.used["owner"]]).fillna("").astype(str).to_numpy(),
        "share": values,
    })  # fmt: skip
    out: dict[str, dict[str, float]] = {}
    for home, own in table.groupby("home", sort=True):
        whole = round(float(own["share"].sum()), 9)
        if (
            whole not in (1.0, 100.0)
            or own["owner"].duplicated().any()
            or own["owner"].eq("").any()
        ):
            raise InputError("owners_whole", where=str(path), household=str(home), sum=f"{whole:g}")
        out[str(home)] = {str(o): float(s) / whole
                          for o, s in zip(own["owner"], own["share"], strict=True)}  # fmt: skip
    return out
