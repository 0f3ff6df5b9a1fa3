"""A year later, against the meter and the bank: each period an entry in the plan's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.errors import LANGUAGES, ConfigError, Finding, InputError, listed
from pvplanner.metering import compare_days, drop_impossible, read_generation
from pvplanner.metering.against import COLUMNS
from pvplanner.metering.spans import Generated
from pvplanner.plan import Plan
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.settlement import read_receipts
from pvplanner.settlement.bills import BILLED, read_bills
from pvplanner.settlement.headings import BILLED_AS, JOINED
from pvplanner.settlement.layouts import Layout, read_layout
from pvplanner.tracking.banking import BANK, Settlement, history_of, reconcile
from pvplanner.tracking.collectives import (
    Books,
    books_by_home,
    books_of,
    keep_owners,
    kept_owners,
    read_owners,
    refuse_others,
)
from pvplanner.tracking.entries import (
    FOLDER,
    Period,
    enter,
    entries_of,
    months_whole,
    parse_period,
    refuse_twice,
    tracked_days,
)
from pvplanner.tracking.expected import expected_days, sigma_of
from pvplanner.tracking.grouped import compare_groups, groups_of
from pvplanner.tracking.matching import days_of_homes, match_accounts, sums_of_homes
from pvplanner.tracking.prorated import prorate as prorate_spans
from pvplanner.tracking.remarks import remarks_on
from pvplanner.tracking.settling import Settled, payments_of_period, settle
from pvplanner.words import label

__all__ = ["FOLDER", "Period", "Settled", "Tracked", "entries_of", "expected_days",
           "parse_period", "sigma_of", "track", "tracked_days"]  # fmt: skip

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
        likely causes where it lies below its neighbours beyond chance, what was lost. No rows where
        no meter was read.
    days : DataFrame
        ``household_id``, ``day``, ``measured_kwh``, ``expected_kwh``.
    problems : DataFrame
        Readings that can't be true, or are absent, with file and row.
    settled : Settled or None
        Sheet and bank against our own reckoning, where a sheet was given.
    payments : DataFrame
        Who is paid what in the months that were settled.
    groups : DataFrame
        Meters of many roofs together (a transformer's, the ``collective``'s) against their sum.
    bills : DataFrame
        What a collective was billed.
    currency : str
        Of the plan.
    findings : tuple of Finding
    """

    period: str
    entry: str
    roofs: pd.DataFrame
    days: pd.DataFrame
    problems: pd.DataFrame
    findings: tuple[Finding, ...]
    settled: Settled | None = None
    payments: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    bills: pd.DataFrame = field(default_factory=pd.DataFrame)
    currency: str = "CNY"


def track(
    plan: Plan | str | os.PathLike[str],
    *,
    period: str,
    meter: Paths | None = None,
    settlement: Paths | None = None,
    receipt: Paths | None = None,
    weather: str | os.PathLike[str] | None = None,
    match: str | os.PathLike[str] | None = None,
    layout: Paths | None = None,
    prices: str | os.PathLike[str] | None = None,
    bills: Paths | None = None,
    owners: str | os.PathLike[str] | None = None,
    prorate: bool = False,
    reason: str = "",
) -> Tracked:
    """Hold a period's readings against the plan, and what was paid against what was due.

    In a plan's folder the result is an entry of it.

    Parameters
    ----------
    plan : Plan or path-like
        A plan, or the folder of one, where the entry is then written to ``track/``.
    period : str
        ``2027-05``, ``2027-05..2027-07``, ``2027-05-03`` or ``2027-05-03..2027-05-17``.
    meter : path-like or sequence of path-like, optional
        Readings of generation, as :func:`pvplanner.metering.read_generation` takes them.
    settlement : path-like or sequence of path-like, optional
        The grid company's sheets, whole months.
    receipt : path-like or sequence of path-like, optional
        The bank's statement of what came in.
    weather : path-like, optional
        A series measured over the period, of any length; without it the plan's own typical year.
    match : path-like, optional
        A table of account and ``household_id``, where the accounts are neither the households'
        names nor the ledger's ``grid_account``. An account may also be a transformer's, by its
        name, or ``collective``'s: then its reading is of all those roofs together.
    layout : path-like or sequence of path-like, optional
        How a sheet is laid out that the package does not know; kept in the plan's folder.
    prices : path-like, optional
        ``month`` and ``price`` of the market, as published.
    bills : path-like or sequence of path-like, optional
        What a collective was billed (upkeep, insurance, ...), as
        :func:`pvplanner.settlement.bills.read_bills` takes it: in place of the plan's estimates.
    owners : path-like, optional
        ``household_id``, ``owner``, ``share``: roofs whose plant several villages own together;
        kept in the plan's folder. Such a plant has books of its own.
    prorate : bool
        Whether readings that reach over the ends of the period are brought to it, by what the plan
        expects of each day; it is said of which.
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
    given = {"meter": meter, "settlement": settlement, "receipt": receipt, "weather": weather,
             "match": match, "layout": layout, "prices": prices, "bills": bills,
             "owners": owners}  # fmt: skip
    files = {name: paths_of(paths) for name, paths in given.items()}
    history = history_of(folder)
    late_bank = bool(files["receipt"]) and asked.name in history
    if not files["meter"] and not files["settlement"] and not files["bills"] and not late_bank:
        raise ConfigError("track_no_files", where="--meter, --settlement")
    if files["receipt"] and not files["settlement"] and not late_bank:
        raise ConfigError("track_no_sheet", where="--receipt", period=asked.name)
    if folder is not None:
        kinds = {name for name in ("meter", "settlement", "receipt", "bills") if files[name]}
        refuse_twice(folder, asked, reason, kinds)
    read = _read(held, files)
    result = _nothing(asked) if read is None else _metered(held, read, asked, files, prorate)
    own = [read_layout(path) for path in files["layout"]] + _kept_layouts(folder)
    shares = read_owners(files["owners"][0]) if files["owners"] else kept_owners(folder)
    books = books_of(held, shares)
    lost = sorted(set(shares) - set(books_by_home(books)))
    if lost:
        where = str(files["owners"][0]) if files["owners"] else FOLDER
        raise InputError("owners_unknown", where=where, ids=listed(lost, 8))
    if files["settlement"]:
        result = _settled(held, folder, result, read, asked, files, own, books)
    if files["bills"]:
        result = replace(result, bills=_bills(files["bills"], asked, books),
                         currency=held.scenario.finance.currency)  # fmt: skip
    if files["receipt"] or result.settled is not None:
        result = _at_bank(result, asked, files, history, held)
    if folder is None:
        return result
    if files["owners"]:
        refuse_others(folder, files["owners"][0], reason)
    entry = enter(folder, asked, _tables(result, files), files, reason)
    _keep_layouts(folder, files["layout"])
    if files["owners"]:
        keep_owners(folder, files["owners"][0])
    return replace(result, entry=entry)


def _read(plan: Plan, files: dict[str, list[Path]]) -> Generated | None:
    """What the meters say, days with more than the sky has light unknown; ``None`` without any."""
    if not files["meter"]:
        return None
    read = read_generation(files["meter"])
    match = files["match"][0] if files["match"] else None
    names = match_accounts(plan, read.spans["account"].unique(), match)
    homes = plan.households.set_index(plan.households["household_id"].astype(str))
    return drop_impossible(read, pd.Series(names, dtype=object).map(homes["capacity_kwp"]))


def paths_of(given: Paths | None) -> list[Path]:
    """Files as given: none, one or several."""
    if given is None:
        return []
    return [Path(f) for f in ([given] if isinstance(given, str | os.PathLike) else given)]


def _tables(result: Tracked, files: dict[str, list[Path]]) -> dict[str, pd.DataFrame]:
    """What an entry keeps."""
    out = {}
    if files["meter"]:
        out = {"roofs": result.roofs, "days": result.days, "problems": result.problems,
               "groups": result.groups}  # fmt: skip
    if files["settlement"] and result.settled is not None:
        out |= {"settlement": result.settled.accounts, "payments": result.payments,
                "prices": result.settled.prices}  # fmt: skip
    if files["receipt"] and result.settled is not None:
        out["bank"] = result.settled.bank
    if files["bills"]:
        out["bills"] = result.bills
    return out


def _kept_layouts(folder: Path | None) -> list[Layout]:
    """Layouts that were given before."""
    if folder is None:
        return []
    return [read_layout(p) for p in sorted((folder / FOLDER / "layouts").glob("*.toml"))]


def _keep_layouts(folder: Path, given: list[Path]) -> None:
    for path in given:
        target = folder / FOLDER / "layouts" / path.name
        if target.resolve() != path.resolve():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes_beside(target, path.read_bytes())


def _nothing(asked: Period) -> Tracked:
    """A period of which no meter was read."""
    days = pd.DataFrame({"household_id": [], "day": [], "measured_kwh": [], "expected_kwh": []})
    kinds = ["account", "day", "kind", "value", "file", "row", "household_id"]
    return Tracked(asked.name, "", pd.DataFrame(columns=list(COLUMNS)), days,
                   pd.DataFrame(columns=kinds), ())  # fmt: skip


def _metered(
    plan: Plan, read: Generated, asked: Period, files: dict[str, list[Path]], parts: bool
) -> Tracked:
    """What was read against what was to be expected."""
    begin, end = asked.begin, asked.end
    match, weather = (files[name][0] if files[name] else None for name in ("match", "weather"))
    names = match_accounts(plan, read.spans["account"].unique(), match)
    homes = plan.households.set_index(plan.households["household_id"].astype(str))
    days = days_of_homes(read.days(), names, begin, end)
    sums = read.sums(begin, end)
    prorated: list[str] = []
    if parts:
        sums, prorated = prorate_spans(
            read, names, asked, lambda first, last: expected_days(plan, first, last, weather)
        )
    totals = sums_of_homes(sums, names)
    together = match_accounts(plan, read.spans["account"].unique(), match, groups_of(plan))
    nothing = days.notna().to_numpy().sum() == 0 and totals.notna().sum() == 0
    if nothing and not together:
        raise InputError("track_nothing", where=str(files["meter"][0]), period=asked.name)
    due = expected_days(plan, begin, end, weather)
    if not due.gt(0).any(axis=None):
        # Nothing stands yet, or no longer, or no day has its weather whole.
        raise ConfigError("track_no_plan", where="--period", period=asked.name)
    group = homes["transformer_id"] if "transformer_id" in homes else pd.Series(dtype=object)
    sigma = {of: sigma_of(plan, measured=weather is not None, of=of) for of in ("roof", "village")}
    whole = totals[~totals.index.isin(days.columns[days.notna().any().to_numpy()])]
    roofs = compare_days(days, due, group, sigma["roof"], whole)
    odd = _of_period(read.problems, names, asked)
    strangers = sorted({str(a) for a in read.spans["account"].unique()} - {*names, *together})
    groups = compare_groups(read, together, due, group, asked)
    if nothing:
        # Only meters of many roofs: no household's own was to be read.
        empty = _nothing(asked)
        return replace(empty, groups=groups, findings=read.findings)
    findings = [*read.findings, *remarks_on(roofs, days, due, sigma["village"], strangers)]
    if prorated:
        told = {"ids": listed(prorated, 8)}
        findings.append(Finding("track_prorated", "--prorate", len(prorated), told))
    return Tracked(asked.name, "", roofs, _long(days, due), odd, tuple(findings), groups=groups)


def _settled(
    plan: Plan, folder: Path | None, result: Tracked, read: Generated | None, asked: Period,
    files: dict[str, list[Path]], layouts: list[Layout], books: list[Books],
) -> Tracked:  # fmt: skip
    """The period with its settlement, and who is paid what of it."""
    match, prices = (files[name][0] if files[name] else None for name in ("match", "prices"))
    others = {name: one for name, one in history_of(folder).items() if name != asked.name}
    settled = settle(
        plan, files["settlement"], asked, read=read, match=match, layouts=layouts, prices=prices,
        before=None if folder is None else months_whole(folder),
        settled={
            (str(r.account), str(r.month)) for one in others.values()
            for r in one.accounts[one.accounts["sheet_fen"].notna()].itertuples()
        },
    )  # fmt: skip
    payments, unknown = payments_of_period(books, settled, asked)
    return replace(result, settled=settled, payments=payments,
                   findings=(*result.findings, *settled.findings, *unknown))  # fmt: skip


def _bills(paths: list[Path], asked: Period, books: list[Books]) -> pd.DataFrame:
    """The period's bills, each in books that there are."""
    items = {label(item, code): item for item in BILLED for code in LANGUAGES}
    items |= {told: item for item, names in BILLED_AS.items() for told in names}
    found = read_bills(paths, items | {item: item for item in BILLED})
    names, villages = [one.name for one in books], [one.name for one in books if not one.shares]
    if len(villages) == 1:
        # Of one village nobody says that a bill is its.
        found["books"] = found["books"].replace("", villages[0])
    if len(names) == 1:
        found["books"] = names[0]
    homes = books_by_home(books)
    parts = {frozenset(name.split(" + ")): name for name in names}
    # Owners in any order, or the household whose roof it is.
    found["books"] = [
        homes.get(told, parts.get(frozenset(re.split(JOINED, told)), told))
        for told in found["books"].astype(str)
    ]
    strange = ~found["books"].isin(names)
    other = ~found["month"].isin(asked.months)
    for code, bad in (("bill_books", strange), ("bill_other_month", other)):
        if bad.any():
            row = found[bad].iloc[0]
            raise InputError(code, where=str(row["file"]), row=int(row["row"]), period=asked.name,
                             value=str(row["books" if code == "bill_books" else "month"]),
                             known=listed([n for n in names if n], 12))  # fmt: skip
    return found


def _at_bank(
    result: Tracked, asked: Period, files: dict[str, list[Path]], history: dict[str, Settlement],
    plan: Plan,
) -> Tracked:  # fmt: skip
    """The period with what reached the bank; the sheet or the bank's lines of before, where only
    the other was given now.
    """
    before = history.get(asked.name)
    settled, findings = result.settled, list(result.findings)
    if settled is None:
        assert before is not None
        settled = Settled(before.accounts, pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), (),
                          plan.scenario.finance.currency)  # fmt: skip
    bank = None if before is None else before.bank
    if files["receipt"]:
        bank, told = _new_lines(read_receipts(files["receipt"]), asked, history)
        findings += told
    all_of = {**history, asked.name: Settlement(asked, settled.accounts, bank)}
    receipts, _ = reconcile(all_of)
    settled = replace(settled, receipts=receipts[receipts["period"].eq(asked.name)],
                      bank=pd.DataFrame(columns=BANK) if bank is None else bank)  # fmt: skip
    return replace(result, settled=settled, findings=tuple(findings))


def _new_lines(
    bank: pd.DataFrame, asked: Period, history: dict[str, Settlement]
) -> tuple[pd.DataFrame, list[Finding]]:
    """The bank's lines without those that another period has, and what is to be said of them."""
    key = ["date", "fen", "account", "text"]
    others = [one.bank[key] for name, one in history.items()
              if name != asked.name and one.bank is not None]  # fmt: skip
    known = {row for one in others for row in one.itertuples(index=False, name=None)}
    lines = bank[key].itertuples(index=False, name=None)
    again = pd.Series([line in known for line in lines], index=bank.index, dtype=bool)
    out = []
    for code, rows in (("bank_again", bank[again]), ("bank_other", bank[~again & ~bank["ours"]])):
        if len(rows):
            told = [f"{r.date:%Y-%m-%d} {r.fen / 100:,.2f} {r.text}".strip()
                    for r in rows.itertuples()]  # fmt: skip
            out.append(Finding(code, "--receipt", len(rows), {"ids": listed(told, 6)}))
    return bank[~again].reset_index(drop=True), out


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
