"""Whose account is whose: readings and settlements as those of the plan's households."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from pvplanner.errors import InputError, listed
from pvplanner.metering.headings import ALIASES, OF_HOME
from pvplanner.plan import Plan
from pvplanner.reading import map_columns, one_spelling, read_table
from pvplanner.reading.columns import knows


def match_accounts(
    plan: Plan, accounts: Iterable[object], match: Path | None,
    groups: Mapping[str, str] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Account to household: by the table given, by name, by what the plan's households say.

    Parameters
    ----------
    plan : Plan
    accounts : iterable of str
        As files write them. Zeros that a spreadsheet cut off at the front are no difference where
        only one account is meant by what is left.
    match : Path or None
        A table of account and household.
    groups : mapping of str to str, optional
        Names of what may be measured in place of households (see :mod:`.grouped`): then the
        accounts of these are found, and no household's.

    Returns
    -------
    dict of str to str
        Those that are somebody's.

    Raises
    ------
    InputError
        If the table lacks a column, or gives an account to two households.
    """
    own = _of_plan(plan)
    known = own if groups is None else {k: v for k, v in groups.items() if k not in own}
    if match is not None:
        known |= _of_table(match, set(own.values() if groups is None else known.values()))
    bare: dict[str, set[str]] = {}
    for account, home in known.items():
        bare.setdefault(account.lstrip("0"), set()).add(home)
    out = {}
    for account in {str(a) for a in accounts}:
        homes = {known[account]} if account in known else bare.get(account.lstrip("0"), set())
        if len(homes) == 1:
            out[account] = next(iter(homes))
    return out


def _of_plan(plan: Plan) -> dict[str, str]:
    """Names of the households themselves, and their accounts where the plan has them."""
    homes = plan.households
    out = {str(h): str(h) for h in homes["household_id"]}
    if "grid_account" in homes:
        own = homes[homes["grid_account"].fillna("").astype(str).ne("")]
        told = own["grid_account"].astype(str)
        once = ~told.duplicated(keep=False)
        out |= dict(zip(told[once], own.loc[once, "household_id"].astype(str), strict=True))
    return out


def _of_table(match: Path, homes: set[str]) -> dict[str, str]:
    names = (*ALIASES["account"][1:], *ALIASES["meter"])
    aliases = {"account": names, "household_id": OF_HOME}
    rows = read_table(match, knows(aliases)).rows
    mapped = map_columns(list(rows.columns), aliases, where=str(match))
    if {"account", "household_id"} - set(mapped.used):
        raise InputError("meter_columns", where=str(match), missing="account, household_id",
                         columns=", ".join(map(str, rows.columns)))  # fmt: skip
    pairs = pd.DataFrame({
        "account": one_spelling(rows[mapped.used["account"]]).astype(str),
        "home": one_spelling(rows[mapped.used["household_id"]]).astype(str),
    }).drop_duplicates()  # fmt: skip
    pairs = pairs[pairs["home"].isin(list(homes))]
    twice = pairs.loc[pairs["account"].duplicated(keep=False), "account"].unique()
    if len(twice):
        raise InputError("track_match_twice", where=str(match), ids=listed(list(twice)))
    return dict(zip(pairs["account"], pairs["home"], strict=True))


def days_of_homes(
    days: pd.DataFrame, names: dict[str, str], begin: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    """Days of a period, a column a household; of several accounts their sum, if all are known."""
    held = days.loc[(days.index >= begin) & (days.index <= end)]
    held = held[[c for c in held.columns if c in names]]
    by = pd.Index([names[c] for c in held.columns])
    return held.T.groupby(by.to_numpy()).agg(lambda v: v.sum(skipna=False)).T


def sums_of_homes(sums: pd.Series, names: dict[str, str]) -> pd.Series:
    """Sums of accounts as those of their households; of several accounts all must be known."""
    own = sums[[account in names for account in sums.index]]
    return own.groupby([names[account] for account in own.index]).agg(lambda v: v.sum(skipna=False))
