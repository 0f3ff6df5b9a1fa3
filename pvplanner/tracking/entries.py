"""Periods and their entries in a plan's folder: dated, in order, never written over."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pvplanner.errors import ConfigError
from pvplanner.plan.commit import transaction

FOLDER = "track"
_PERIOD = re.compile(r"(\d{4}-\d{2}(?:-\d{2})?)(?:(?:\.\.|:)(\d{4}-\d{2}(?:-\d{2})?))?")


@dataclass(frozen=True)
class Period:
    """First and last day of a period, both counted."""

    begin: pd.Timestamp
    end: pd.Timestamp

    @property
    def name(self) -> str:
        """The shortest way to write it: whole months as months."""
        whole = self.begin.day == 1 and self.end.is_month_end
        if whole and (self.begin.month, self.end.month) == (1, 12):
            return f"{self.begin:%Y}"
        first, last = (f"{d:%Y-%m}" if whole else f"{d:%Y-%m-%d}" for d in (self.begin, self.end))
        return first if first == last else f"{first}..{last}"

    @property
    def months(self) -> list[str]:
        """Its months, as 2027-05."""
        return [str(m) for m in pd.period_range(self.begin, self.end, freq="M")]

    def meets(self, other: Period) -> bool:
        """Whether both have a day in common."""
        return bool(self.begin <= other.end and other.begin <= self.end)


def parse_period(period: str) -> Period:
    """Read a year, a month, a day, or ``FROM..TO`` of months or days: ``2027-05..2027-07``.

    Raises
    ------
    ConfigError
        If it is none, ends before it begins, or is longer than a year.
    """
    text = period.strip()
    if re.fullmatch(r"\d{4}", text):
        text = f"{text}-01..{text}-12"
    # 2027/4 is what people write, and the same with the words for year and month.
    text = re.sub(r"(\d{4})[^\d:-]\s*(\d{1,2})(?:[^\d.:-])?", _dashed, text)
    found = _PERIOD.fullmatch(text)
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
    return Period(begin, end)


def _dashed(found: re.Match[str]) -> str:
    return f"{found[1]}-{int(found[2]):02d}"


@dataclass(frozen=True)
class Entry:
    """What one entry says of itself, and where it lies."""

    path: Path
    told: dict[str, Any]

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.path.name

    @property
    def period(self) -> Period:
        """What it speaks of."""
        return Period(pd.Timestamp(self.told["begin"]), pd.Timestamp(self.told["end"]))

    def table(self, name: str) -> pd.DataFrame | None:
        """One of its tables; ``None`` where it has none of the name."""
        file = self.path / f"{name}.parquet"
        return pd.read_parquet(file) if file.is_file() else None


def entries_of(folder: str | os.PathLike[str]) -> list[Entry]:
    """All entries of a plan's folder, in the order in which they were made."""
    files = (Path(folder) / FOLDER).glob("*/entry.json")
    found = [Entry(f.parent, _as_now(json.loads(f.read_text("utf-8")))) for f in files]
    return sorted(found, key=lambda e: (e.told["order"], e.told["made"], e.told["number"]))


def _as_now(told: dict[str, Any]) -> dict[str, Any]:
    """What an entry says of itself, in the words of today: the first ones read meters alone, and
    stand before all others.
    """
    if "order" in told:
        return told
    asked = parse_period(told["period"])
    days = {"begin": f"{asked.begin:%Y-%m-%d}", "end": f"{asked.end:%Y-%m-%d}"}
    return {**told, **days, "order": 0, "files": {"meter": told["files"]}}


def refuse_twice(
    folder: str | os.PathLike[str], period: Period, reason: str, kinds: set[str]
) -> None:
    """What an entry has of a day of this period may only be corrected with a reason.

    Parameters
    ----------
    folder : path-like
    period : Period
    reason : str
    kinds : set of str
        What is to be entered: ``meter``, ``settlement``, ...

    Raises
    ------
    ConfigError
        If none is given; names the entry.
    """
    met = [e for e in entries_of(folder) if e.period.meets(period) and kinds & set(e.told["files"])]
    if met and not reason.strip():
        raise ConfigError("track_entered", where="--period", period=period.name, entry=met[-1].name,
            made=met[-1].told["made"],
        )  # fmt: skip


def enter(
    folder: str | os.PathLike[str], period: Period, tables: Mapping[str, pd.DataFrame],
    files: Mapping[str, list[Path]], reason: str,
) -> str:  # fmt: skip
    """Write an entry whole, beside those before it; returns its name.

    Parameters
    ----------
    folder : path-like
        Of the plan.
    period : Period
    tables : mapping of str to DataFrame
    files : mapping of str to list of Path
        What was read, by what it is.
    reason : str
        Why what was entered is corrected; empty for a first entry.
    """
    before = entries_of(folder)
    same = sum(e.period == period for e in before)
    name = re.sub(r"[^0-9-]+", "_", period.name) + (f".{same + 1}" if same else "")
    told = {
        "period": period.name, "begin": f"{period.begin:%Y-%m-%d}",
        "end": f"{period.end:%Y-%m-%d}", "number": same + 1, "order": len(before) + 1,
        "made": dt.date.today().isoformat(), "reason": reason.strip(),
        "files": {kind: {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in those}
                  for kind, those in files.items() if those},
    }  # fmt: skip
    (Path(folder) / FOLDER).mkdir(exist_ok=True)
    with transaction(Path(folder) / FOLDER / name) as staging:
        for key, table in tables.items():
            table.to_parquet(staging / f"{key}.parquet", index=False)
        (staging / "entry.json").write_text(
            json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8"
        )
    return name


DAYS = ("household_id", "day", "measured_kwh", "expected_kwh", "entry")


def tracked_days(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """All days that were entered for a plan, each from the latest entry that speaks of it.

    Parameters
    ----------
    folder : path-like
        Of the plan.

    Returns
    -------
    DataFrame
        ``household_id``, ``day``, ``measured_kwh``, ``expected_kwh``, ``entry``: the year is the
        sum of its entries. A correction changes only the households and days that its files have.
    """
    parts = []
    for entry in entries_of(folder):
        days = entry.table("days")
        if days is None or days.empty:
            continue
        if entry.told["reason"]:
            days = days[days["measured_kwh"].notna()]
        parts.append(days.assign(entry=entry.name))
    if not parts:
        return pd.DataFrame(columns=list(DAYS))
    last = pd.concat(parts, ignore_index=True).drop_duplicates(["household_id", "day"], keep="last")
    return last.sort_values(["household_id", "day"], ignore_index=True)


def latest_of(folder: str | os.PathLike[str], name: str) -> list[tuple[Entry, pd.DataFrame]]:
    """A table of each period that has one, from the last entry of the period, in their order."""
    last: dict[str, tuple[Entry, pd.DataFrame]] = {}
    for entry in entries_of(folder):
        table = entry.table(name)
        if table is not None:
            last.pop(entry.period.name, None)
            last[entry.period.name] = (entry, table)
    return list(last.values())


def tracked_table(folder: str | os.PathLike[str], name: str) -> pd.DataFrame | None:
    """A table by ``month`` over all entries: each month from the last entry of it.

    What an entry has of a month that is not its own (settled late) is added; ``booked`` is the
    month in which a row was entered.
    """
    held = latest_of(folder, name)
    own: dict[str, str] = {m: entry.name for entry, _ in held for m in entry.period.months}
    parts = []
    for entry, table in held:
        months = table["month"].astype(str)
        mine = months.map(own).eq(entry.name) | ~months.isin(entry.period.months)
        inside = months.isin(entry.period.months)
        booked = months.where(inside, entry.period.months[-1])
        parts.append(table.assign(entry=entry.name, booked=booked)[mine])
    return pd.concat(parts, ignore_index=True) if parts else None


def months_whole(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Months of which each day was measured: ``household_id``, ``month``, ``kwh``."""
    days = tracked_days(folder)
    if days.empty:
        return pd.DataFrame({"household_id": [], "month": [], "kwh": []})
    month = pd.DatetimeIndex(days["day"]).to_period("M")
    groups = days.groupby([days["household_id"].astype(str), month.astype(str)])["measured_kwh"]
    sums = groups.agg(lambda v: v.sum(skipna=False))
    whole = groups.size().to_numpy() == pd.PeriodIndex(
        sums.index.get_level_values(1), freq="M"
    ).days_in_month  # fmt: skip
    told = sums[whole].dropna()
    told.index.names = ["household_id", "month"]
    return told.rename("kwh").reset_index()
