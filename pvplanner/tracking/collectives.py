"""Whose books: each village's collective, and each plant that several villages own together."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.money.models import Case
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.reading import is_total, map_columns, one_spelling, read_numbers, read_table
from pvplanner.reading.columns import knows
from pvplanner.settlement.dividends import Dividends, dividends_of, joined, missing_months
from pvplanner.settlement.headings import OWNED_BY, OWNERS
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
    members : (DataFrame, Case) or None
        All of the village, where some of its roofs carry joint plants.
    """

    name: str
    people: pd.DataFrame
    case: Case
    shares: dict[str, float] = field(default_factory=dict)
    members: tuple[pd.DataFrame, Case] | None = None


def books_of(plan: Plan, owners: Owners) -> list[Books]:
    """All accounts of a plan: joint plants first, then the villages', which get a part of them."""
    joint: list[Books] = []
    own: list[Books] = []
    several = len(plan.parts) > 1
    villages = _villages(list(plan.parts))
    for key, part in plan.parts.items():
        people, case = part.case()
        ids = people["household_id"].astype(str)
        # Who owns a plant whole, in its own village, owns it as any other.
        groups = [_shares_of(owners.get(home, {}), villages[key]) for home in ids]
        for shares in sorted(set(groups)):
            rows = np.flatnonzero([g == shares for g in groups])
            part_ = (people.iloc[rows], case.part(rows))
            if shares:
                taken = {*villages.values(), *(b.name for b in joint)}
                name = " + ".join(owner for owner, _ in shares)
                name = f"{name} ({villages[key]})" if name in taken else name
                joint.append(Books(name, *part_, dict(shares)))
        rows = np.flatnonzero([not g for g in groups])
        whole = None if len(rows) == len(people) else (people, case)
        name = villages[key] if several or whole is not None else ""
        own.append(Books(name, people.iloc[rows], case.part(rows), members=whole))
    return [*joint, *own]


def _shares_of(told: Mapping[str, float], village: str) -> tuple[tuple[str, float], ...]:
    """Owners of a plant in their order; none where it is the village's own."""
    return () if set(told) == {village} else tuple(sorted(told.items()))


def _villages(keys: list[str]) -> dict[str, str]:
    """Parts by their villages' names; with the division's code where two are called alike."""
    bare = {key: key.rpartition("/")[2] or key for key in keys}
    alike = {name for name in bare.values() if list(bare.values()).count(name) > 1}
    return {key: key if name in alike else name for key, name in bare.items()}


def year_of(
    books: list[Books], payments: pd.DataFrame, year: int | None
) -> tuple[Dividends | None, list[str]]:
    """A year's dividends, and the months that they lack.

    Parameters
    ----------
    books : list of Books
        As from :func:`books_of`.
    payments : DataFrame
        With ``books``.
    year : int, optional
        Without one there is nothing to share.
    """
    if year is None or payments.empty:
        return None, []
    lacking: list[str] = []
    parts: list[Dividends] = []
    shared: dict[str, dict[int, int]] = {}
    for one in books:
        own = payments[payments["books"].eq(one.name)]
        # Where nothing of its own stands, its part of joint plants is all that it has.
        there = len(own) > 0 or bool(one.people["modules"].gt(0).any())
        short = missing_months(own["month"].unique().tolist(), one.case, year) if there else []
        if short:
            lacking += [f"{one.name} {m}".strip() for m in short]
            continue
        if one.shares:
            _share_out(one, own, year, shared)
        found = dividends_of(
            one.people, one.case, own, year, books=one.name,
            from_joint=None if one.shares else shared.get(one.name), shares=one.shares or None,
            members=one.members,
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


def refuse_others(folder: Path, path: Path, reason: str) -> None:
    """Other owners than before need a reason.

    Raises
    ------
    ConfigError
        If they differ from those that are kept and no reason is given.
    """
    before = kept_owners(folder)
    if before and before != read_owners(path) and not reason.strip():
        raise ConfigError("owners_changed", where="--owners")


def keep_owners(folder: Path, path: Path) -> None:
    """Keep a table of owners with the plan's entries."""
    target = folder / FOLDER / FILE
    target.parent.mkdir(exist_ok=True)
    held = io.StringIO()
    out = csv.writer(held, lineterminator="\n")
    out.writerow(["household_id", "owner", "share"])
    out.writerows(
        (home, owner, repr(share))
        for home, shares in read_owners(path).items()
        for owner, share in shares.items()
    )
    write_bytes_beside(target, held.getvalue().encode("utf-8"))


ROUNDED = 0.0011
"""How far shares may lie from the whole: thirds are written as 0.333."""


def _share(told: object) -> float:
    """A share as it is written: 0.4, 40%, 1/3; nan where none."""
    text = str(told).strip().rstrip("%％ ")
    part = re.fullmatch(r"(\d+)\s*/\s*(\d+)", text)
    if part and int(part[2]):
        return int(part[1]) / int(part[2])
    return float(read_numbers(pd.Series([text], dtype="string"), "").iloc[0])


def read_owners(path: Path) -> dict[str, dict[str, float]]:
    """A table of household, owner and share: 0.4, 40, 40% or 1/3.

    Raises
    ------
    InputError
        If a column lacks, a share is no number above 0, or a plant's shares do not sum to the
        whole.
    """
    aliases = {**OWNERS, "household_id": OWNED_BY}
    rows = read_table(path, knows(aliases)).rows
    mapped = map_columns(list(rows.columns), aliases, where=str(path))
    lacking = {"household_id", "owner", "share"} - set(mapped.used)
    if lacking:
        raise InputError("owners_columns", where=str(path), missing=listed(sorted(lacking)),
                         columns=listed(rows.columns, 20))  # fmt: skip
    home = one_spelling(rows[mapped.used["household_id"]])
    rows = rows[~is_total(home.fillna("").astype("string"))]
    told = rows[mapped.used["share"]].astype("string")
    values = told.map(_share).to_numpy(dtype=float)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise InputError("owners_share", where=str(path), row=int(rows.index[bad][0]),
                         value=str(told[bad].iloc[0]))  # fmt: skip
    table = pd.DataFrame({
        # Of merged cells only the first is filled.
        "home": home.reindex(rows.index).ffill().fillna("").astype(str).to_numpy(),
        "owner": one_spelling(rows[mapped.used["owner"]]).fillna("").astype(str).to_numpy(),
        "share": values,
    })  # fmt: skip
    out: dict[str, dict[str, float]] = {}
    for home, own in table.groupby("home", sort=True):
        whole = float(own["share"].sum())
        if (
            not any(abs(whole / n - 1) <= ROUNDED for n in (1, 100))
            or own["owner"].duplicated().any()
            or own["owner"].eq("").any()
        ):
            raise InputError("owners_whole", where=str(path), household=str(home), sum=f"{whole:g}")
        out[str(home)] = {str(o): float(s) / whole
                          for o, s in zip(own["owner"], own["share"], strict=True)}  # fmt: skip
    return out
