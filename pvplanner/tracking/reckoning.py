"""The reckoning of a month or a year from a plan's entries: who is owed what, and what to look at.

Everything follows from the entries, so that the same history gives the same figures.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError, Finding, listed
from pvplanner.money.models import COLLECTIVE
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.settlement.bills import BILLS, billed_twice, with_bills
from pvplanner.settlement.claims import certificates
from pvplanner.settlement.dividends import Dividends
from pvplanner.tracking.banking import history_of, reconcile
from pvplanner.tracking.booking import came_in, vouchers_by_books
from pvplanner.tracking.collectives import Books, books_by_home, books_of, kept_owners, year_of
from pvplanner.tracking.entries import (
    FOLDER,
    Period,
    entries_of,
    latest_of,
    parse_period,
    tracked_days,
    tracked_table,
)
from pvplanner.tracking.lists import as_payments, batch_list, posting_list, statements_of
from pvplanner.tracking.watching import watch_list


@dataclass(frozen=True)
class Reckoned:
    """A month or a year of a plan.

    Attributes
    ----------
    period : Period
    plan : Plan
    roofs : DataFrame
        ``household_id``, ``measured_kwh``, ``expected_kwh``, ``days`` and ``days_known``.
    faults : DataFrame
        Roofs below the others, of the last entry that read a meter.
    accounts : DataFrame
        Ours and the sheet's, account by account.
    receipts : DataFrame
    payments : DataFrame
        Who paid whom what, by month.
    statements : DataFrame
        ``household_id``, ``item``, ``received_fen``, ``paid_fen``, ``basis``.
    posting : DataFrame
        ``household_id``, ``hamlet``, ``fen``: house numbers and nobody's name; what goes to members
        of low income alone is one row without a number.
    batch : DataFrame
        ``household_id``, ``household_name``, ``payer``, ``books``, ``fen``: for the bank's list; an
        owner of a joint plant stands there by its name alone.
    vouchers, watch, claims : DataFrame
    avoided_t : float
        Of what was measured.
    dividends : Dividends or None
        Of a year, where every month of it was settled.
    resolved : date or None
        Day of the meeting that resolved them; until then they are a proposal.
    findings : tuple of Finding
    """

    period: Period
    plan: Plan
    roofs: pd.DataFrame
    faults: pd.DataFrame
    accounts: pd.DataFrame
    receipts: pd.DataFrame
    payments: pd.DataFrame
    statements: pd.DataFrame
    posting: pd.DataFrame
    batch: pd.DataFrame
    vouchers: pd.DataFrame
    watch: pd.DataFrame
    claims: pd.DataFrame
    avoided_t: float
    dividends: Dividends | None
    resolved: dt.date | None
    findings: tuple[Finding, ...]


def reckon(
    folder: str | os.PathLike[str], period: str, *, accounts: str | os.PathLike[str] | None = None
) -> Reckoned:
    """Reckon a month, several, or a year of a plan from its entries.

    Parameters
    ----------
    folder : path-like
        Of a plan, with entries.
    period : str
        ``2027-05``, ``2027-05..2027-07`` or a year, ``2027``.
    accounts : path-like, optional
        ``item``, ``debit``, ``credit``: the village's own codes over the package's.

    Raises
    ------
    ConfigError
        If the period can't be read, or nothing of it was entered.
    """
    asked = parse_period(period)
    plan = Plan.load(folder)
    if not any(entry.period.meets(asked) for entry in entries_of(folder)):
        raise ConfigError("reckon_nothing", where="--period", period=asked.name)
    if not (asked.begin.day == 1 and asked.end.is_month_end):
        raise ConfigError("reckon_whole", where="--period", period=asked.name)
    books = books_of(plan, kept_owners(folder))
    every = _payments(folder, books)
    held = _settled_accounts(_table(folder, "settlement"))
    history = history_of(folder)
    receipts, open_ = reconcile(history)
    year = asked.begin.year if len(asked.name) == 4 else None
    shared, lacking = year_of(books, every, year)
    told = read_resolution(folder, year) if year else None
    mine = every[every["month"].isin(asked.months)]
    paid = pd.concat([mine, as_payments(shared, told)], ignore_index=True)
    came = came_in(history, books)
    of_period = [n for n, one in history.items() if one.period.meets(asked)]
    days = tracked_days(folder)
    claims = certificates(held.rename(columns={"sheet_kwh": "sent_kwh"}).dropna(
        subset=["sent_kwh"])[["month", "sent_kwh", "mechanism_kwh"]])  # fmt: skip
    own_days = days[pd.to_datetime(days["day"]).between(asked.begin, asked.end)]
    return Reckoned(
        asked, plan, _roofs(own_days), _faults(folder, asked),
        held[held["month"].isin(asked.months)].reset_index(drop=True),
        receipts[receipts["period"].isin(of_period)].reset_index(drop=True),
        mine.reset_index(drop=True), statements_of(paid),
        posting_list(plan, kept_owners(folder), mine, every, year), batch_list(plan, paid, shared),
        vouchers_by_books(books, every, came, shared, told, asked, accounts),
        watch_list(books, every, came["fen"].groupby(level=1).sum(), days, asked, held, open_),
        claims[claims["month"].isin(asked.months)].reset_index(drop=True),
        _avoided(plan, own_days), shared, told,
        _findings(lacking, shared, told, folder, year) + _strays(every, books)
        + _unbilled(plan, mine if shared is not None else mine.iloc[:0], folder)
        + (() if year else _gap(plan, every, asked)),
    )  # fmt: skip


def _table(folder: str | os.PathLike[str], name: str) -> pd.DataFrame:
    """A table over all entries; without rows where no entry has one."""
    found = tracked_table(folder, name)
    if found is not None:
        return found
    columns = {
        "payments": ["month", "model", "payer", "payee", "household_id", "item", "fen", "basis",
                     "booked"],
        "settlement": ["household_id", "account", "month", "party", "own_kwh", "sheet_kwh",
                       "own_fen", "sheet_fen", "kinds", "mechanism_kwh", "unchecked", "entry",
                       "booked"],
        "bills": list(BILLS),
    }  # fmt: skip
    return pd.DataFrame(columns=columns[name])


def _payments(folder: str | os.PathLike[str], books: list[Books]) -> pd.DataFrame:
    """Payments of all entries with the bills in place of estimates, each in its books."""
    every = _table(folder, "payments")
    homes = books_by_home(books)
    own = every["household_id"].astype(str).map(homes)
    # Entries of before had no books: a household's are its own, a sum's the only ones.
    usual = own.fillna(books[0].name if len(books) == 1 else "")
    every["books"] = usual if "books" not in every else every["books"].fillna(usual)
    bills, villages = _table(folder, "bills"), [one.name for one in books if not one.shares]
    if len(villages) == 1:
        # The only village had no name before a joint plant was stated.
        every, bills = (
            one.assign(books=one["books"].replace("", villages[0])) for one in (every, bills)
        )
    return with_bills(every, bills)


def _strays(payments: pd.DataFrame, books: list[Books]) -> tuple[Finding, ...]:
    """Payments in books that there are no more, since the owners were stated otherwise."""
    lost = sorted(set(payments["books"].astype(str)) - {one.name for one in books})
    if not lost:
        return ()
    return (Finding("reckon_books", "track", len(lost), {"names": listed(lost, 8)}),)


def _unbilled(
    plan: Plan, payments: pd.DataFrame, folder: str | os.PathLike[str]
) -> tuple[Finding, ...]:
    """What of the period is only estimated, and bills that may have been entered twice."""
    out = []
    open_ = payments[payments["basis"].eq("plan") & payments["payer"].eq(COLLECTIVE)]
    if len(open_):
        told = {"sum": f"{open_['fen'].sum() / 100:,.2f}",
                "currency": plan.scenario.finance.currency,
                "items": listed(sorted(open_["item"].unique()))}  # fmt: skip
        out.append(Finding("reckon_unbilled", "track --bills", params=told))
    twice = billed_twice(_table(folder, "bills"))
    if twice:
        told = {"ids": listed([text for _, text in twice], 6),
                "items": listed(sorted({item for item, _ in twice}))}  # fmt: skip
        out.append(Finding("bill_twice", "track --bills", len(twice), told))
    return tuple(out)


def _settled_accounts(held: pd.DataFrame) -> pd.DataFrame:
    """Accounts of all entries; what one sheet lacked and a later one brought is there once."""
    there = held[held["sheet_fen"].notna()]
    brought = set(zip(there["household_id"].astype(str), there["month"].astype(str), strict=True))
    key = zip(held["household_id"].astype(str), held["month"].astype(str), strict=True)
    lacked = held["sheet_fen"].isna().to_numpy() & np.array([k in brought for k in key], dtype=bool)
    return held[~lacked]


def _of(folder: str | os.PathLike[str], name: str, asked: Period) -> list[pd.DataFrame]:
    """A table of each period that meets the one that is asked."""
    return [
        table.assign(period=entry.period.name)
        for entry, table in latest_of(folder, name) if entry.period.meets(asked)
    ]  # fmt: skip


def _faults(folder: str | os.PathLike[str], asked: Period) -> pd.DataFrame:
    parts = _of(folder, "roofs", asked)
    if not parts:
        return pd.DataFrame(columns=["household_id", "cause", "second_cause", "since", "lost_kwh",
                                     "partner", "period"])  # fmt: skip
    every = pd.concat(parts, ignore_index=True)
    return every[every["cause"].ne("")].reset_index(drop=True)


def _roofs(days: pd.DataFrame) -> pd.DataFrame:
    """Measured against expected by household, over days that both know."""
    both = days["measured_kwh"].notna() & days["expected_kwh"].notna()
    known = days[both].groupby("household_id")[["measured_kwh", "expected_kwh"]].sum()
    count = days.groupby("household_id").size()
    return pd.DataFrame({
        "household_id": count.index, "days": count.to_numpy(),
        "days_known": both.groupby(days["household_id"]).sum().reindex(count.index).to_numpy(),
        "measured_kwh": known["measured_kwh"].reindex(count.index).to_numpy(),
        "expected_kwh": known["expected_kwh"].reindex(count.index).to_numpy(),
    })  # fmt: skip


def _gap(plan: Plan, payments: pd.DataFrame, asked: Period) -> tuple[Finding, ...]:
    """Months of the period of which nothing was settled, though others were."""
    if payments.empty:
        return ()
    begin = min(part.terms.connection_date for part in plan.parts.values())
    wanted = [m for m in asked.months if m >= f"{begin:%Y-%m}"]
    lacking = [m for m in wanted if m not in set(payments["month"])]
    if not lacking or lacking == wanted:
        return ()
    return (Finding("reckon_gap", "track", len(lacking), {"ids": listed(lacking, 12)}),)


def _avoided(plan: Plan, days: pd.DataFrame) -> float:
    """What the air was spared by what was measured, t CO2; nan where no factor, or nothing of the
    period, is known.
    """
    basis = next(iter(plan.parts.values())).terms.carbon
    if basis.factor is None or days["measured_kwh"].isna().all():
        return float("nan")
    years = pd.DatetimeIndex(days["day"]).year.to_numpy() - basis.first_year
    known = (years >= 0) & (years < len(basis.by_year))
    factor = np.asarray(basis.by_year)[np.clip(years, 0, len(basis.by_year) - 1)]
    made = days["measured_kwh"].to_numpy(dtype=float)
    return float(np.nansum(np.where(known, made * factor, 0.0)) / 1000)


def _resolution(folder: str | os.PathLike[str], year: int) -> Path:
    return Path(folder) / FOLDER / f"resolution-{year}.json"


def read_resolution(folder: str | os.PathLike[str], year: int) -> dt.date | None:
    """The day on which a year's distribution was resolved; ``None`` while it is a proposal."""
    told = _resolutions(folder, year)
    return dt.date.fromisoformat(told[-1]["day"]) if told else None


def _resolutions(folder: str | os.PathLike[str], year: int) -> list[dict[str, Any]]:
    path = _resolution(folder, year)
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def resolve(
    folder: str | os.PathLike[str], year: int, day: dt.date, *, reason: str = ""
) -> Reckoned:
    """Enter the meeting's resolution on a year's distribution.

    Raises
    ------
    ConfigError
        If there is nothing to resolve, or it was resolved already and no reason is given.
    """
    found = reckon(folder, str(year))
    if day <= dt.date(year, 12, 31):
        raise ConfigError("resolve_early", where="--resolved", year=year, day=day.isoformat())
    if found.dividends is None:
        raise ConfigError("resolve_nothing", where="--resolved", year=year)
    before = _resolutions(folder, year)
    if before and not reason.strip():
        raise ConfigError("resolve_again", where="--resolved", year=year, day=before[-1]["day"])
    told = {"day": day.isoformat(), "made": dt.date.today().isoformat(), "reason": reason.strip(),
            "account": found.dividends.account}  # fmt: skip
    body = json.dumps([*before, told], ensure_ascii=False, indent=1)
    write_bytes_beside(_resolution(folder, year), body.encode("utf-8"))
    return reckon(folder, str(year))


def _findings(
    lacking: list[str], shared: Dividends | None, resolved: dt.date | None,
    folder: str | os.PathLike[str], year: int | None,
) -> tuple[Finding, ...]:  # fmt: skip
    """What is to be said of a reckoning."""
    out = []
    if lacking:
        out.append(Finding("reckon_months", "track", len(lacking), {"ids": listed(lacking, 12)}))
    if shared is not None and resolved is None:
        out.append(Finding("reckon_proposal", "track", params={"year": shared.year}))
    if shared is not None and resolved is not None and year is not None:
        was = _resolutions(folder, year)[-1]["account"]
        if was != shared.account:
            told = {
                "year": year,
                **{
                    f"{n}_{k}": f"{v[k] / 100:,.2f}"
                    for n, v in (("was", was), ("now", shared.account))
                    for k in ("dividend", "reserve")
                },
            }
            out.append(Finding("reckon_moved", "track", params=told))
    return tuple(out)
