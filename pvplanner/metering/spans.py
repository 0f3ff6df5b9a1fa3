"""Spans of days with their energy: what can't be true is unknown and listed, never filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import Finding

PROBLEMS = ("missing", "duplicate", "contradiction", "negative", "stepped_back", "rolled_over",
            "unread", "impossible", "several_days")  # fmt: skip

COLUMNS = ("account", "meter", "first", "last", "kwh", "file", "row")


@dataclass(frozen=True)
class Generated:
    """Readings of some accounts.

    Attributes
    ----------
    spans : DataFrame
        ``account``, ``first`` and ``last`` day (both counted), ``kwh`` (nan where a reading can't
        be true), ``file``, ``row``.
    problems : DataFrame
        ``account``, ``day``, ``kind`` (of :data:`PROBLEMS`), ``value``, ``file``, ``row``.
    findings : tuple of Finding
        What of each file was taken as what.
    """

    spans: pd.DataFrame
    problems: pd.DataFrame
    findings: tuple[Finding, ...] = field(default=())

    def days(self) -> pd.DataFrame:
        """Energies of single days, kWh: a row a day, a column an account; unknown is nan."""
        single = self.spans[self.spans["first"] == self.spans["last"]]
        groups = single.groupby(["first", "account"])
        # Of an account with several meters a day is known where all of them are.
        meters = self.spans.groupby("account")["meter"].nunique()
        sums = groups["kwh"].agg(lambda v: v.sum(skipna=False))
        all_there = groups.size() >= meters.reindex(sums.index.get_level_values(1)).to_numpy()
        return sums.where(all_there).unstack("account").sort_index()

    def sums(self, begin: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
        """Energy of a period by account, kWh, of spans that cover it without a gap or an overlap;
        unknown where they don't.
        """
        inside = self.spans[(self.spans["first"] >= begin) & (self.spans["last"] <= end)]
        length = (inside["last"] - inside["first"]).dt.days + 1
        groups = inside.assign(length=length).groupby(["account", "meter"])
        covered = groups["length"].sum() == (end - begin).days + 1
        apart = groups.apply(_follow, include_groups=False) if len(inside) else covered
        whole = groups["kwh"].agg(lambda v: v.sum(skipna=False)).where(covered & apart)
        return whole.groupby("account").agg(lambda v: v.sum(skipna=False))


def _follow(spans: pd.DataFrame) -> bool:
    """Whether spans begin each on the day after the one before."""
    own = spans.sort_values("first")
    gaps = own["first"].to_numpy()[1:] - own["last"].to_numpy()[:-1]
    return bool((gaps == np.timedelta64(1, "D")).all())


def spans_of(
    account: object, meter: object, first: object, last: object, kwh: object, file: Path,
    rows: object,
) -> pd.DataFrame:  # fmt: skip
    """Spans as a table; ``meter`` may be one name for all."""
    told = np.asarray(meter, dtype=object)
    return pd.DataFrame({
        "account": np.asarray(account, dtype=object),
        "meter": told if told.ndim else str(meter),
        "first": pd.DatetimeIndex(first), "last": pd.DatetimeIndex(last),
        "kwh": np.asarray(kwh, dtype=float), "file": file.name, "row": np.asarray(rows),
    })  # fmt: skip


def sorted_out(
    spans: pd.DataFrame, kinds: np.ndarray | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spans with what can't be true unknown, and a row for each such reading."""
    kind = np.full(len(spans), "", dtype=object) if kinds is None else kinds.astype(object)
    negative = (spans["kwh"] < -1e-9).to_numpy()
    kind[negative & (kind == "")] = "negative"
    odd = pd.DataFrame({
        "account": spans["account"], "day": spans["last"], "kind": kind, "value": spans["kwh"],
        "file": spans["file"], "row": spans["row"],
    })[kind != ""]  # fmt: skip
    clean = spans.assign(kwh=np.where(negative, np.nan, spans["kwh"]))
    return clean.reset_index(drop=True), odd.reset_index(drop=True)


def problems_of(rows: pd.DataFrame, kind: str, file: Path) -> pd.DataFrame:
    """Readings as problems of a kind."""
    day = rows["day"] if "day" in rows else rows["time"]
    return pd.DataFrame({
        "account": rows["account"], "day": day, "kind": kind, "value": rows["value"],
        "file": file.name, "row": rows["row"],
    })  # fmt: skip


MOST_A_DAY = 12.0
"""No module makes more in a day, kWh per kWp: the sky has no more light."""


def drop_impossible(read: Generated, capacity: pd.Series) -> Generated:
    """Days with more energy than the sky has light are unknown, and listed.

    Parameters
    ----------
    read : Generated
    capacity : Series
        kWp behind each account. Accounts that are beyond it all along have another unit, and stay
        as they are.
    """
    spans = read.spans
    length = (spans["last"] - spans["first"]).dt.days + 1
    most = spans["account"].map(capacity.astype(float)) * MOST_A_DAY * length
    over = spans["kwh"] > most
    wild = over & ~over.groupby(spans["account"]).transform("mean").gt(0.5)
    _, odd = sorted_out(spans, np.where(wild, "impossible", ""))
    listed = pd.concat([read.problems, odd[odd["kind"].eq("impossible")]], ignore_index=True)
    return Generated(spans.assign(kwh=spans["kwh"].mask(wild)), listed, read.findings)


def long_spans(spans: pd.DataFrame) -> pd.DataFrame:
    """Spans of several days of a meter that else is read daily: what each day made is not known."""
    several = spans["first"] < spans["last"]
    daily = ~several.groupby([spans["account"], spans["meter"]]).transform("mean").gt(0.5)
    rows = spans[several & daily]
    return pd.DataFrame({
        "account": rows["account"], "day": rows["last"], "kind": "several_days",
        "value": rows["kwh"], "file": rows["file"], "row": rows["row"],
    })  # fmt: skip


def each_once(spans: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One reading an account and span: what came twice alike is dropped, what differs unknown."""
    key = ["account", "meter", "first", "last"]
    again = spans.duplicated(key, keep="first").to_numpy()
    if not again.any():
        return spans, pd.DataFrame(columns=["account", "day", "kind", "value", "file", "row"])
    groups = spans.groupby(key)["kwh"]
    low, high = (groups.transform(n).to_numpy() for n in ("min", "max"))
    # One that can't be true beside one that can: nobody knows which was meant.
    whole = groups.transform("count").to_numpy() == groups.transform("size").to_numpy()
    alike = whole & (high - low <= 1e-6)
    kind = np.where(alike, "duplicate", "contradiction")
    odd = pd.DataFrame({
        "account": spans["account"], "day": spans["last"], "kind": kind, "value": spans["kwh"],
        "file": spans["file"], "row": spans["row"],
    })[again]  # fmt: skip
    once = spans.assign(kwh=np.where(alike, spans["kwh"], np.nan))[~again]
    return once.reset_index(drop=True), odd.reset_index(drop=True)
