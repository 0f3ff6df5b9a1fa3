"""A year later, against the meter: each period an entry in the plan's folder, dated, never lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError, Finding, InputError
from pvplanner.metering import compare_days, drop_impossible, read_generation
from pvplanner.metering.readings import Generated
from pvplanner.plan import Plan
from pvplanner.tracking.entries import (
    FOLDER,
    Period,
    enter,
    entries_of,
    parse_period,
    refuse_twice,
    tracked_days,
)
from pvplanner.tracking.expected import expected_days, sigma_of
from pvplanner.tracking.matching import days_of_homes, match_accounts, sums_of_homes
from pvplanner.tracking.remarks import remarks_on

__all__ = ["FOLDER", "Period", "Tracked", "entries_of", "expected_days", "parse_period",
           "sigma_of", "track", "tracked_days"]  # fmt: skip

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Tracked:
    """One period of one plan.

    Attributes
    ----------
    period : str
        In its shortest form: a month, a day, or ``FROM..TO``.
    entry : str
        Name of the entry in the plan's folder; empty where nothing was written.
    roofs : DataFrame
        A row a household with modules: days known, measured, expected with its range, the ratio,
        likely causes where it lies below its neighbours beyond chance, what was lost.
    days : DataFrame
        ``household_id``, ``day``, ``measured_kwh``, ``expected_kwh``.
    problems : DataFrame
        Readings that can't be true, or are absent, with file and row.
    findings : tuple of Finding
    """

    period: str
    entry: str
    roofs: pd.DataFrame
    days: pd.DataFrame
    problems: pd.DataFrame
    findings: tuple[Finding, ...]


def track(
    plan: Plan | str | os.PathLike[str],
    *,
    meter: Paths,
    period: str,
    weather: str | os.PathLike[str] | None = None,
    match: str | os.PathLike[str] | None = None,
    reason: str = "",
) -> Tracked:
    """Hold a period's readings against the plan; in a plan's folder the result is an entry of it.

    Parameters
    ----------
    plan : Plan or path-like
        A plan, or the folder of one, where the entry is then written to ``track/``.
    meter : path-like or sequence of path-like
        Readings of generation, as :func:`pvplanner.metering.read_generation` takes them.
    period : str
        ``2027-05``, ``2027-05..2027-07``, ``2027-05-03`` or ``2027-05-03..2027-05-17``.
    weather : path-like, optional
        A series measured over the period, of any length; without it the plan's own typical year.
    match : path-like, optional
        A table of account and ``household_id``, where the accounts are neither the households'
        names nor the ledger's ``grid_account``.
    reason : str
        Why what an entry has of these days already is corrected: the one before stays.

    Returns
    -------
    Tracked

    Raises
    ------
    ConfigError
        If the period can't be read, or days of it were entered already and no reason is given.
    InputError
        If a file can't be read, or nothing in it concerns this plan or period.
    """
    folder = None if isinstance(plan, Plan) else Path(plan)
    held = plan if isinstance(plan, Plan) else Plan.load(plan)
    asked = parse_period(period)
    if folder is not None:
        refuse_twice(folder, asked, reason)
    files = paths_of(meter)
    read = read_generation(files)
    names = match_accounts(held, read.spans["account"].unique(), _path(match))
    result = _hold(held, read, names, asked, _path(weather), files)
    if folder is None:
        return result
    tables = {"roofs": result.roofs, "days": result.days, "problems": result.problems}
    read_from = {"meter": files, "weather": paths_of(weather), "match": paths_of(match)}
    entry = enter(folder, asked, tables, read_from, reason)
    return replace(result, entry=entry)


def paths_of(given: Paths | None) -> list[Path]:
    """Files as given: none, one or several."""
    if given is None:
        return []
    return [Path(f) for f in ([given] if isinstance(given, str | os.PathLike) else given)]


def _path(given: str | os.PathLike[str] | None) -> Path | None:
    return None if given is None else Path(given)


def _hold(
    plan: Plan, read: Generated, names: dict[str, str], asked: Period, weather: Path | None,
    files: list[Path],
) -> Tracked:  # fmt: skip
    """What was read against what was to be expected."""
    begin, end = asked.begin, asked.end
    homes = plan.households.set_index(plan.households["household_id"].astype(str))
    read = drop_impossible(read, pd.Series(names).map(homes["capacity_kwp"]))
    days = days_of_homes(read.days(), names, begin, end)
    totals = sums_of_homes(read.sums(begin, end), names)
    if days.notna().to_numpy().sum() == 0 and totals.notna().sum() == 0:
        raise InputError("track_nothing", where=str(files[0]), period=asked.name)
    due = expected_days(plan, begin, end, weather)
    if not due.gt(0).any(axis=None):
        # Nothing stands yet, or no longer, or no day has its weather whole.
        raise ConfigError("track_no_plan", where="--period", period=asked.name)
    group = homes["transformer_id"] if "transformer_id" in homes else pd.Series(dtype=object)
    sigma = {of: sigma_of(plan, measured=weather is not None, of=of) for of in ("roof", "village")}
    whole = totals[~totals.index.isin(days.columns[days.notna().any().to_numpy()])]
    roofs = compare_days(days, due, group, sigma["roof"], whole)
    odd = _of_period(read.problems, names, asked)
    strangers = sorted({str(a) for a in read.spans["account"].unique()} - set(names))
    findings = (*read.findings, *remarks_on(roofs, days, due, sigma["village"], strangers))
    return Tracked(asked.name, "", roofs, _long(days, due), odd, findings)


def _of_period(rows: pd.DataFrame, names: dict[str, str], asked: Period) -> pd.DataFrame:
    """Odd readings of a period, and those of no day at all."""
    day = pd.to_datetime(rows["day"])
    own = rows[day.isna() | ((day >= asked.begin) & (day <= asked.end + pd.Timedelta(days=1)))]
    return own.assign(household_id=own["account"].map(names).fillna("")).reset_index(drop=True)


def _long(days: pd.DataFrame, due: pd.DataFrame) -> pd.DataFrame:
    got = days.reindex(index=due.index, columns=due.columns)
    return pd.DataFrame({
        "household_id": np.repeat(due.columns.to_numpy(), len(due)),
        "day": np.tile(due.index.to_numpy(), due.shape[1]),
        "measured_kwh": got.to_numpy(dtype=float).T.ravel(),
        "expected_kwh": due.to_numpy(dtype=float).T.ravel(),
    })  # fmt: skip
