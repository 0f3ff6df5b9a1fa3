"""A year later, against the meter: each period an entry in the plan's folder, dated, never lost."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.energy.sky import Sky
from pvplanner.energy.year import Year
from pvplanner.errors import ConfigError, Finding, InputError
from pvplanner.metering import compare_days, read_generation
from pvplanner.metering.headings import ALIASES, OF_HOME
from pvplanner.money import Terms
from pvplanner.plan import Plan
from pvplanner.plan.commit import transaction
from pvplanner.reading import map_columns, one_spelling, read_table
from pvplanner.reading.columns import knows
from pvplanner.scenario.calendar import DAYS
from pvplanner.schema import MONTHLY_ENERGY
from pvplanner.texts import plain_cell, visible
from pvplanner.weather.raw import Given
from pvplanner.weather.stretch import read_stretch
from pvplanner.words import label, shown

FOLDER = "track"
_CHUNK = 400
CHINA_HOURS = 8.0
_PERIOD = re.compile(r"(\d{4}-\d{2}(?:-\d{2})?)(?:(?:\.\.|:)(\d{4}-\d{2}(?:-\d{2})?))?")

MEASURED_SKY = ("year_to_year", "irradiation_source", "irradiation_table")
"""Doubts that weather of the period itself takes away."""


@dataclass(frozen=True)
class Tracked:
    """One period of one plan.

    Attributes
    ----------
    period : str
        As asked: a month, a day, or ``FROM..TO``.
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
    meter: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
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
        ``2027-05``, ``2027-05-03`` or ``2027-05-03..2027-05-17``.
    weather : path-like, optional
        A series measured over the period, of any length; without it the plan's own typical year.
    match : path-like, optional
        A table of account and ``household_id``, where the accounts are not the households' names.
    reason : str
        Why an entry of the same period is corrected: the one before stays.

    Returns
    -------
    Tracked

    Raises
    ------
    ConfigError
        If the period can't be read, or was entered already and no reason is given.
    InputError
        If a file can't be read, or nothing in it concerns this plan or period.
    """
    folder = None if isinstance(plan, Plan) else Path(plan)
    held = plan if isinstance(plan, Plan) else Plan.load(plan)
    begin, end = parse_period(period)
    before = [] if folder is None else _entries(folder, period)
    if before and not reason:
        raise ConfigError("track_entered", where="--period", period=period, entry=before[-1].name)
    files = [meter] if isinstance(meter, str | os.PathLike) else list(meter)
    read = read_generation([Path(f) for f in files])
    names = _matched(held, read.spans["account"], None if match is None else Path(match))
    days = _own_days(read.days(), names, begin, end)
    totals = _of_homes(read.sums(begin, end), names)
    if days.notna().to_numpy().sum() == 0 and totals.notna().sum() == 0:
        raise InputError("track_nothing", where=str(files[0]), period=period)
    due = expected_days(held, begin, end, weather)
    if due.isna().all(axis=None):
        # Nothing stands yet, or no day has its weather whole.
        raise ConfigError("track_no_plan", where="--period", period=period)
    groups = held.households.set_index(held.households["household_id"].astype(str))
    group = groups["transformer_id"] if "transformer_id" in groups else pd.Series(dtype=object)
    sigma = sigma_of(held, measured=weather is not None)
    roofs = compare_days(days, due, group, sigma, totals[~totals.index.isin(_any_day(days))])
    odd = _problems(read.problems, names, begin, end)
    findings = (*read.findings, *_lacks(names, read.spans["account"], roofs))
    result = Tracked(period, "", roofs, _long(days, due), odd, findings)
    if folder is None:
        return result
    told = {"weather": weather, "match": match}
    return _enter(folder, result, [Path(f) for f in files], told, reason, len(before))


def parse_period(period: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day of a period, both counted."""
    found = _PERIOD.fullmatch(period.strip())
    try:
        if not found:
            raise ValueError(period)
        first, last = found[1], found[2] or found[1]
        begin = pd.Timestamp(first if len(first) > 7 else f"{first}-01")
        month_end = pd.Timestamp(f"{last[:7]}-01") + pd.offsets.MonthEnd(0)
        end = pd.Timestamp(last) if len(last) > 7 else month_end
    except ValueError:
        raise ConfigError("track_period", where="--period", value=period) from None
    if end < begin or (end - begin).days > 365:
        raise ConfigError("track_period", where="--period", value=period)
    return begin, end


def expected_days(
    plan: Plan, begin: pd.Timestamp, end: pd.Timestamp,
    weather: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What each household is to make on each day, kWh, wear of the plant's age included.

    Parameters
    ----------
    plan : Plan
    begin, end : Timestamp
        First and last day, both counted.
    weather : path-like, optional
        Measured over the time; days that it has not whole are nan. Without it the typical year's.

    Returns
    -------
    DataFrame
        A row a day, a column a household with modules. A 29 February is as the day before.
    """
    days = pd.date_range(begin, end, freq="D")
    parts = [_of_village(part, days, weather) for part in plan.parts.values()]
    return pd.concat(parts, axis=1)


def _of_village(
    part: Any, days: pd.DatetimeIndex, weather: str | os.PathLike[str] | None
) -> pd.DataFrame:
    """A village's households by day, from the plan's saved tables alone.

    Shade is what the plan's own months have: each array's day under an open sky is brought to the
    share of it that its month keeps.
    """
    scenario, result = part.scenario, part.result
    arrays = result("arrays")
    typical = _array_days(Year(Sky.from_table(result("sky")), scenario, shaded=False), arrays)
    kept = _month_shares(typical, result("energy"))
    known = np.ones(8760, dtype=bool)
    asked = typical
    if weather is not None:
        place = result("place")
        zone = CHINA_HOURS if place.province else None
        given = Given(place.latitude, place.longitude, None, zone)
        measured, known = read_stretch(Path(weather), days[0], days[-1], place=given)
        asked = _array_days(Year(measured, scenario, shaded=False), arrays)
    daily = asked * kept[_MONTH_OF_DAY]
    daily[~known.reshape(365, 24).all(axis=1)] = np.nan
    homes = _to_homes(part, arrays, daily)
    leapt = days.is_leap_year & (days.day_of_year > 59)
    common = np.minimum(days.day_of_year.to_numpy() - 1 - leapt, 364)
    age = _kept(part.terms, days)
    people, case = part.case()
    through = pd.Series(case.let_through, index=people["household_id"].astype(str))
    homes = homes * through.reindex(homes.columns).fillna(1.0)
    return pd.DataFrame(homes.to_numpy()[common] * age[:, None], index=days, columns=homes.columns)


_MONTH_OF_DAY = np.repeat(np.arange(12), DAYS)


def _month_shares(typical: np.ndarray, energy: pd.DataFrame) -> np.ndarray:
    """What each month of the plan keeps of an open sky, by array; shape (12, arrays)."""
    planned = energy[list(MONTHLY_ENERGY)].to_numpy(dtype=float).T
    begins = np.r_[0, np.cumsum(DAYS)[:-1]]
    made = np.add.reduceat(typical, begins, axis=0)
    return np.divide(planned, made, out=np.zeros_like(made), where=made > 0)


def _kept(terms: Terms, days: pd.DatetimeIndex) -> np.ndarray:
    """What wear leaves on each day, by the year of life; nothing before the connection."""
    since = (days - pd.Timestamp(terms.connection_date)).days.to_numpy() // 365
    kept = np.asarray(terms.kept, dtype=float).ravel()
    return np.where(since < 0, np.nan, kept[np.clip(since, 0, len(kept) - 1)])


def _array_days(ready: Year, arrays: pd.DataFrame) -> np.ndarray:
    """Energy of each array under an open sky on each day of the common year, kWh; shape
    (365, arrays).
    """
    out = np.empty((365, len(arrays)))
    power = arrays["capacity_kwp"].to_numpy(dtype=float)
    for at in range(0, len(arrays), _CHUNK):
        rows = slice(at, at + _CHUNK)
        hours, _ = ready.hours(arrays.iloc[rows], None, each=True)
        out[:, rows] = hours.reshape(365, 24, -1).sum(axis=1) * power[rows]
    return out


def _to_homes(part: Any, arrays: pd.DataFrame, daily: np.ndarray) -> pd.DataFrame:
    """Energies of arrays as those of the households that own a part of their building."""
    shares = part.shares
    built = set(part.households.loc[part.households["modules"] > 0, "household_id"].astype(str))
    shares = shares[shares["household_id"].astype(str).isin(built)]
    building = pd.Index(shares["building_id"].unique())
    whole = np.zeros((len(daily), len(building)))
    where = building.get_indexer(arrays["building_id"])
    np.add.at(whole.T, where[where >= 0], daily.T[where >= 0])
    home = pd.Index(shares["household_id"].astype(str).unique(), name="household_id")
    out = np.zeros((len(daily), len(home)))
    at = building.get_indexer(shares["building_id"])
    of = home.get_indexer(shares["household_id"].astype(str))
    np.add.at(out.T, of, (whole[:, at] * shares["share"].to_numpy(dtype=float)).T)
    return pd.DataFrame(out, columns=home)


def sigma_of(plan: Plan, *, measured: bool) -> float:
    """Relative one sigma of a household's energy; without the sky's own where it was measured."""
    table = plan.result("doubt")
    rows = table[~table["component"].isin(["combined", *(MEASURED_SKY if measured else ())])]
    return float(np.sqrt((rows["roof"] ** 2).sum()))


def _matched(plan: Plan, accounts: pd.Series, match: Path | None) -> dict[str, str]:
    """Account to household: by the table given, by name, by what the ledger says."""
    homes = set(plan.households["household_id"].astype(str))
    out = {str(a): str(a) for a in accounts.unique() if str(a) in homes}
    if match is None:
        return out
    aliases = {"account": ALIASES["account"][1:], "household_id": OF_HOME}
    rows = read_table(match, knows(aliases)).rows
    mapped = map_columns(list(rows.columns), aliases, where=str(match))
    if {"account", "household_id"} - set(mapped.used):
        raise InputError("meter_columns", where=str(match), missing="account, household_id",
                         columns=", ".join(map(str, rows.columns)))  # fmt: skip
    pairs = zip(one_spelling(rows[mapped.used["account"]]),
                one_spelling(rows[mapped.used["household_id"]]), strict=True)  # fmt: skip
    return {**out, **{str(a): str(h) for a, h in pairs if str(h) in homes}}


def _own_days(
    days: pd.DataFrame, names: dict[str, str], begin: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    """Days of the period, a column a household; of several meters their sum, if all are known."""
    held = days.loc[(days.index >= begin) & (days.index <= end)]
    held = held[[c for c in held.columns if c in names]]
    by = pd.Index([names[c] for c in held.columns])
    return held.T.groupby(by.to_numpy()).agg(lambda v: v.sum(skipna=False)).T


def _of_homes(sums: pd.Series, names: dict[str, str]) -> pd.Series:
    """Sums of accounts as those of their households; of several meters all must be known."""
    own = sums[[account in names for account in sums.index]]
    return own.groupby([names[account] for account in own.index]).agg(lambda v: v.sum(skipna=False))


def _any_day(days: pd.DataFrame) -> pd.Index:
    return days.columns[days.notna().any().to_numpy()]


def _problems(
    rows: pd.DataFrame, names: dict[str, str], begin: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    day = pd.to_datetime(rows["day"])
    own = rows[day.isna() | ((day >= begin) & (day <= end + pd.Timedelta(days=1)))]
    return own.assign(household_id=own["account"].map(names).fillna("")).reset_index(drop=True)


def _lacks(names: dict[str, str], accounts: pd.Series, roofs: pd.DataFrame) -> list[Finding]:
    """Accounts of nobody, and households without a reading."""
    nobody = sorted({str(a) for a in accounts.unique()} - set(names))
    silent = roofs.loc[roofs["days_known"].eq(0), "household_id"].astype(str).tolist()
    out = []
    for code, ids in (("track_unmatched", nobody), ("track_silent", silent)):
        if ids:
            out.append(Finding(code, "meter", len(ids), {"ids": ids[:8]}))
    return out


def _long(days: pd.DataFrame, due: pd.DataFrame) -> pd.DataFrame:
    got = days.reindex(index=due.index, columns=due.columns)
    return pd.DataFrame({
        "household_id": np.repeat(due.columns.to_numpy(), len(due)),
        "day": np.tile(due.index.to_numpy(), due.shape[1]),
        "measured_kwh": got.to_numpy(dtype=float).T.ravel(),
        "expected_kwh": due.to_numpy(dtype=float).T.ravel(),
    })  # fmt: skip


def _entries(folder: Path, period: str) -> list[Path]:
    """Entries of a period in the plan's folder, in order."""
    found = (folder / FOLDER).glob(f"{_safe(period)}*")
    return sorted((p for p in found if (p / "entry.json").is_file()
                   and _told(p)["period"] == period), key=lambda p: _told(p)["number"])  # fmt: skip


def _safe(period: str) -> str:
    return re.sub(r"[^0-9-]+", "_", period)


def _told(entry: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((entry / "entry.json").read_text("utf-8"))
    return told


def _enter(
    folder: Path, result: Tracked, files: list[Path], more: dict[str, Any], reason: str, before: int
) -> Tracked:
    """Write an entry whole; one that corrects another stands beside it with its reason."""
    name = _safe(result.period) + (f".{before + 1}" if before else "")
    told = {
        "period": result.period, "number": before + 1, "made": dt.date.today().isoformat(),
        "reason": reason,
        "files": {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
        **{k: None if v is None else Path(v).name for k, v in more.items()},
    }  # fmt: skip
    (folder / FOLDER).mkdir(exist_ok=True)
    with transaction(folder / FOLDER / name) as staging:
        for key in ("roofs", "days", "problems"):
            getattr(result, key).to_parquet(staging / f"{key}.parquet", index=False)
        (staging / "entry.json").write_text(
            json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8"
        )
    return Tracked(result.period, name, result.roofs, result.days, result.problems,
                   result.findings)  # fmt: skip


def tracked_days(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """All days that were entered for a plan, each from the latest entry that has it.

    Returns
    -------
    DataFrame
        ``household_id``, ``day``, ``measured_kwh``, ``expected_kwh``, ``entry``: the year is the
        sum of its entries.
    """
    entries = [p for p in (Path(folder) / FOLDER).glob("*") if (p / "entry.json").is_file()]
    entries.sort(key=lambda p: (_told(p)["made"], _told(p)["number"], p.name))
    parts = [pd.read_parquet(p / "days.parquet").assign(entry=p.name) for p in entries]
    if not parts:
        return pd.DataFrame(
            columns=["household_id", "day", "measured_kwh", "expected_kwh", "entry"]
        )
    every = pd.concat(parts, ignore_index=True)
    last = every.drop_duplicates(["household_id", "day"], keep="last")
    return last.sort_values(["household_id", "day"], ignore_index=True)


def lines_of(found: Tracked, language: str) -> list[str]:
    """What a period came to, line by line: sums, what lies below, what can't be true."""
    roofs = found.roofs
    known = roofs[roofs["days_known"] > 0]
    sums = {name: shown(known[f"{name}_kwh"].sum(), "energy_kwh", language, "whole")
            for name in ("measured", "expected")}  # fmt: skip
    ratio = known["measured_kwh"].sum() / max(known["expected_kwh"].sum(), 1e-9)
    out = [label("track_line", language).format(
        period=found.period, homes=len(known), ratio=f"{ratio:.1%}", **sums
    )]  # fmt: skip
    for row in roofs[roofs["cause"] != ""].sort_values("lost_kwh", ascending=False).itertuples():
        causes = [label(f"cause_{c}", language) for c in (row.cause, row.second_cause) if c]
        lost = shown(row.lost_kwh, "energy_kwh", language)
        out.append(label("track_low", language).format(
            household=visible(row.household_id), causes=" / ".join(causes), lost=lost,
            since=f"{row.since:%Y-%m-%d}", partner=visible(row.partner),
        ).strip())  # fmt: skip
    counts = found.problems["kind"].value_counts()
    out += [
        label("track_problem", language).format(kind=label(f"reading_{k}", language), count=n)
        for k, n in counts.items()
    ]
    return [*out, *(f.text(language) for f in found.findings if f.code.startswith("track_"))]


def as_csv(found: Tracked, language: str) -> str:
    """The households of a period as CSV that a spreadsheet opens; texts are never formulas."""
    table = found.roofs.copy()
    for name in ("cause", "second_cause"):
        table[name] = [label(f"cause_{c}", language) if c else "" for c in table[name]]
    for name in ("household_id", "partner"):
        table[name] = [plain_cell(v) for v in table[name].astype(str)]
    heads = {name: label(f"tracked_{name}", language) for name in table.columns}
    return "\ufeff" + table.rename(columns=heads).to_csv(index=False, float_format="%.2f")
