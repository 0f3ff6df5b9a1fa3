"""A period's settlement: whose account, which rules, what our meter says; then sheet and bank."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.metering.spans import Generated
from pvplanner.money import Terms, owner_of, uses_own
from pvplanner.money.models import HOUSEHOLD
from pvplanner.plan import Plan
from pvplanner.settlement import (
    Layout,
    Sheet,
    compare_sheet,
    read_sheets,
)
from pvplanner.settlement.shares import month_payments
from pvplanner.tracking.collectives import Books
from pvplanner.tracking.entries import Period
from pvplanner.tracking.matching import match_accounts
from pvplanner.tracking.pricing import asked_about, month_prices, rules_of_accounts


@dataclass(frozen=True)
class Settled:
    """What was settled in a period.

    Attributes
    ----------
    accounts : DataFrame
        As from :func:`pvplanner.settlement.compare_sheet`, with ``party`` (who is paid),
        ``bank_fen`` (what is to reach the account whose statement is held) and ``unchecked`` (our
        meter does not say what was sent).
    receipts : DataFrame
        As from :func:`pvplanner.settlement.compare_receipts`; no rows without a bank's file.
    problems : DataFrame
        Rows of the sheets that were not used.
    prices : DataFrame
        ``month``, ``price``, ``source``: the market's price that was taken.
    findings : tuple of Finding
    currency : str
    bank : DataFrame
        The bank's lines.
    """

    accounts: pd.DataFrame
    receipts: pd.DataFrame
    problems: pd.DataFrame
    prices: pd.DataFrame
    findings: tuple[Finding, ...]
    currency: str
    bank: pd.DataFrame = field(default_factory=pd.DataFrame)


def settle(
    plan: Plan, sheets: list[Path], asked: Period, *,
    read: Generated | None, match: Path | None = None, layouts: list[Layout] | None = None,
    prices: Path | None = None, before: pd.DataFrame | None = None,
    settled: set[tuple[str, str]] | None = None,
) -> Settled:  # fmt: skip
    """Hold the grid company's sheets against our own reckoning.

    Parameters
    ----------
    plan : Plan
    sheets : list of Path
    asked : Period
    read : Generated or None
        Of our own meters.
    match : Path, optional
        Table of account and household.
    layouts : list of Layout, optional
        The user's own.
    prices : Path, optional
        ``month`` and ``price`` as the province published them.
    before : DataFrame, optional
        ``household_id``, ``month``, ``kwh`` of earlier periods, for months that are settled late.
    settled : set of (account, month), optional
        What other periods have settled: it is set aside here.

    Raises
    ------
    InputError
        If a file can't be read, or no row of the sheets is of this plan and period.
    """
    sheet = read_sheets(sheets, layouts or [])
    names = match_accounts(plan, sheet.rows["account"].unique(), match)
    rows = sheet.rows.assign(household_id=sheet.rows["account"].map(names))
    strangers = sorted(rows.loc[rows["household_id"].isna(), "account"].unique())
    rows = rows[rows["household_id"].notna()]
    if rows.empty:
        raise InputError("sheet_nothing", where=str(sheets[0]), accounts=listed(strangers))
    if not rows["month"].isin(asked.months).any():
        raise InputError("sheet_other_month", where=str(sheets[0]), period=asked.name,
                         months=listed(sorted(rows["month"].unique())))  # fmt: skip
    key = pd.Series(list(zip(rows["account"], rows["month"], strict=True)), index=rows.index)
    again = key.isin(settled or set())
    repeated = [f"{a} {m}" for a, m in key[again]]
    rows = rows[~again]
    homes = _homes(plan)
    own = _own(rows, homes, read, match, plan, asked, before)
    found = month_prices(rows, prices)
    accounts = compare_sheet(rows, own, rules_of_accounts(plan, homes, own, rows, found))
    accounts = _with_bank(accounts, own, homes)
    findings = (*sheet.findings, *_remarks(sheet, accounts, strangers, repeated),
                *asked_about(plan, found))  # fmt: skip
    currency = plan.scenario.finance.currency
    nothing = pd.DataFrame()
    return Settled(accounts, nothing, sheet.problems, found, findings, currency)


def _with_bank(accounts: pd.DataFrame, own: pd.DataFrame, homes: pd.DataFrame) -> pd.DataFrame:
    """Who is paid, what our meter says was made, and what is to reach the account whose statement
    is held: the pooled owner's where there is one, for a household's plant is paid to itself.
    """
    made = own.set_index(["account", "month"])["made_kwh"]
    party = pd.Series([homes["party"].get(h, HOUSEHOLD) for h in accounts["household_id"]],
                      index=accounts.index, dtype=object)  # fmt: skip
    pooled = party.ne(HOUSEHOLD)
    counts = pooled if pooled.any() else ~pooled
    # An agent passes on what is left of it.
    part = accounts["household_id"].map(homes["passed_on"]).fillna(1.0)
    fen = np.rint(accounts["sheet_fen"].astype(float) * part)
    surplus = accounts["household_id"].map(homes["surplus"]).fillna(False).astype(bool)
    unchecked = accounts["own_kwh"].isna() & accounts["sheet_fen"].notna() & ~surplus
    return accounts.assign(
        party=party, bank_fen=fen.where(counts), unchecked=unchecked,
        own_made_kwh=made.reindex(pd.MultiIndex.from_frame(accounts[["account", "month"]]))
        .to_numpy(),
    )  # fmt: skip


def _homes(plan: Plan) -> pd.DataFrame:
    """Households with modules: model, who is paid, whether a person, what goes to the grid."""
    parts = []
    for part in plan.parts.values():
        people, case = part.case()
        model = people["model"].astype(object)
        agent = part.terms.cooperative.agent
        own = [owner_of(str(m)) if isinstance(m, str) else "" for m in model]
        parts.append(pd.DataFrame({
            "household_id": people["household_id"].astype(str),
            "model": model, "modules": people["modules"].to_numpy(dtype=float),
            "party": ["agent" if o == "collective" and agent else o for o in own],
            "person": [o == HOUSEHOLD and bool(p) for o, p in zip(own, case.persons, strict=True)],
            "surplus": uses_own(people["model"], part.terms),
            "part": id(part),
            "passed_on": _passed_on(part.terms) if agent else 1.0,
        }))  # fmt: skip
    every = pd.concat(parts, ignore_index=True)
    return every[every["modules"] > 0].set_index("household_id")


def _passed_on(terms: Terms) -> float:
    """What of its sales an agent passes on."""
    return float(terms.rate("1-agent_vat*1-agent_fee")[0])


def _own(
    rows: pd.DataFrame, homes: pd.DataFrame, read: Generated | None, match: Path | None,
    plan: Plan, asked: Period, before: pd.DataFrame | None,
) -> pd.DataFrame:  # fmt: skip
    """What our meters say was sent, by account and month: all that was made where all is sent."""
    months = sorted({*rows["month"], *asked.months})
    parts = [before] if before is not None else []
    by_account: dict[tuple[str, str], float] = {}
    if read is not None:
        names = match_accounts(plan, read.spans["account"].unique(), match)
        for month in months:
            first = pd.Timestamp(f"{month}-01")
            sums = read.sums(first, first + pd.offsets.MonthEnd(0)).dropna()
            by_account |= {(str(a), month): float(v) for a, v in sums.items()}
            mine = sums[[a in names for a in sums.index]]
            told = mine.groupby([names[str(a)] for a in mine.index]).sum()
            parts.append(pd.DataFrame({"household_id": told.index, "month": month,
                                       "kwh": told.to_numpy()}))  # fmt: skip
    known: dict[tuple[str, str], float] = {}
    for one in parts:
        pairs = zip(one["household_id"].astype(str), one["month"].astype(str), strict=True)
        known |= dict(zip(pairs, one["kwh"].astype(float), strict=True))
    single = rows.groupby(["household_id", "month"])["account"].transform("nunique").eq(1)
    out = [
        {"household_id": r.household_id, "account": r.account, "month": r.month,
         "kwh": by_account.get((r.account, r.month),
                               known.get((r.household_id, r.month), np.nan) if one else np.nan)}
        for r, one in zip(rows.itertuples(), single, strict=True)
    ]  # fmt: skip
    there = {(str(h), str(m)) for h, m in zip(rows["household_id"], rows["month"], strict=True)}
    out += [{"household_id": h, "account": h, "month": m, "kwh": v} for (h, m), v in known.items()
            if (h, m) not in there and m in asked.months and h in homes.index]  # fmt: skip
    table = pd.DataFrame(out)
    surplus = table["household_id"].map(homes["surplus"]).fillna(False).astype(bool)
    return table.assign(made_kwh=table["kwh"], kwh=table["kwh"].where(~surplus))


ODD_ROWS = {"unread": "sheet_unread", "duplicate": "sheet_duplicate",
            "contradiction": "sheet_contradiction"}  # fmt: skip


def _remarks(
    sheet: Sheet, accounts: pd.DataFrame, strangers: list[str], repeated: list[str]
) -> list[Finding]:  # fmt: skip
    """What is to be said of a settlement."""
    out = []
    if strangers:
        told = {"ids": listed(strangers, 8)}
        out.append(Finding("sheet_strangers", "--settlement", len(strangers), told))
    if repeated:
        told = {"ids": listed(repeated, 8)}
        out.append(Finding("sheet_again", "--settlement", len(repeated), told))
    for kind, rows in sheet.problems.groupby("kind", sort=True):
        told = {"ids": listed([f"{r.file}:{r.row}" for r in rows.itertuples()], 8)}
        out.append(Finding(ODD_ROWS[str(kind)], "--settlement", len(rows), told))
    unknown = accounts[accounts["unchecked"]]
    if len(unknown):
        ids = unknown["household_id"].astype(str).unique().tolist()
        told = {"ids": listed(ids, 8)}
        out.append(Finding("sheet_no_meter", "--settlement", len(ids), told))
    return out


def payments_of_period(
    books: list[Books], settled: Settled, asked: Period
) -> tuple[pd.DataFrame, list[Finding]]:
    """Who is paid what: of the period's own months all, of months settled late what was sold.

    Returns
    -------
    payments : DataFrame
        As from :func:`pvplanner.settlement.shares.month_payments`, those whose sum is known, with
        ``books``: whose account it is.
    findings : list of Finding
        What is to be paid though nobody knows how much.
    """
    held = settled.accounts[settled.accounts["sheet_fen"].notna()]
    parts = []
    for month in sorted({*held["month"].astype(str), *asked.months}):
        rows = held[held["month"].astype(str).eq(month)]
        sold = rows.groupby(rows["household_id"].astype(str))["sheet_fen"].sum()
        for one in books:
            paid = month_payments(one.people, one.case, month, sold, _used(rows, one.people))
            late = month not in asked.months
            paid = paid.assign(books=one.name)
            parts.append(paid[paid["basis"].eq("measured")] if late else paid)
    every = pd.concat(parts, ignore_index=True)
    unknown = sorted(every.loc[every["fen"].isna(), "item"].unique())
    told = [Finding("track_unknown", "--settlement", len(unknown), {"items": listed(unknown)})]
    return every[every["fen"].notna()].reset_index(drop=True), told if unknown else []


def _used(rows: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """What households were measured to use of their own power, kWh."""
    told = rows.dropna(subset=["own_made_kwh"])
    used = told.groupby(told["household_id"].astype(str)).agg(
        made=("own_made_kwh", "first"), sent=("sheet_kwh", "sum")
    )
    return (used["made"] - used["sent"]).clip(lower=0)
