"""What meters and inverter portals say was generated: totals, days, hours, points or dials.

Nothing is filled. A reading that can't be true is listed with its file and row, and the days it
concerns are unknown; a dial that runs over its last digit is gone on with, and listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.demand.meter import day_points
from pvplanner.errors import Finding, InputError, listed
from pvplanner.metering.headings import ALIASES, DIMENSIONS
from pvplanner.reading import (
    is_total,
    map_columns,
    mapped_findings,
    one_spelling,
    parse_times,
    read_numbers,
)
from pvplanner.reading.columns import Columns, knows
from pvplanner.reading.tables import heading_row, read_long_table, separator_of
from pvplanner.reading.values import lost_digits

PROBLEMS = ("missing", "duplicate", "contradiction", "negative", "stepped_back", "rolled_over",
            "unread", "impossible", "several_days")  # fmt: skip

NEAR_FULL, NEAR_EMPTY = 0.8, 0.2
"""A dial runs over if it stood above this part of its last number and comes back below that."""

COLUMNS = ("account", "meter", "first", "last", "kwh", "file", "row")
_BLOCK = 1 << 25


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


def read_generation(paths: Sequence[str | Path]) -> Generated:
    """Read files of generated energy, of any interval and form.

    Parameters
    ----------
    paths : sequence of path-like
        CSV or XLSX with an account and a day (or time, or month) and ``kwh``, ``kw`` or a dial's
        number; or a day a row with 24 to 288 columns of mean kW.

    Returns
    -------
    Generated

    Raises
    ------
    InputError
        If a file has no such columns, or no time in it can be read; names file and columns.
    """
    parts, problems, findings = [], [], []
    for path in paths:
        spans, odd, told = _one(Path(path))
        parts.append(spans)
        problems.append(odd)
        findings += told
    spans, doubled = _each_once(pd.concat(parts, ignore_index=True))
    odd = pd.concat([*problems, doubled, _long_spans(spans)], ignore_index=True)
    return Generated(spans, odd, tuple(findings))


def _one(file: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    if not file.is_file():
        raise InputError("file_missing", where=str(file))
    known = knows(ALIASES, DIMENSIONS)
    heads = heading_row(file, known)
    mapped = map_columns(heads, ALIASES, where=str(file), dimensions=DIMENSIONS)
    points = day_points(pd.Index(heads), mapped)
    kinds: list[str] = [n for n in ("dial", "energy", "power") if n in mapped.used]
    when: list[str] = [n for n in ("time", "date", "month") if n in mapped.used]
    lacking = [words for there, words in (
        ("account" in mapped.used or "meter" in mapped.used, "account"),
        (bool(when), "date (time, month)"),
        (bool(points or kinds), "kwh (kw, dial, p1 ... p96)"),
    ) if not there]  # fmt: skip
    if lacking:
        missing = ", ".join(lacking)
        raise InputError(
            "meter_columns", where=str(file), missing=missing, columns=listed(heads, 30)
        )
    told = _told(mapped, points, file)
    if points:
        return *_from_points(file, mapped, points), told
    read = read_long_table(file, known)
    return *_from_rows(read.rows, mapped, kinds[0], when, file), [*read.findings, *told]


def _told(mapped: Columns, points: list[str], file: Path) -> list[Finding]:
    rest = tuple(name for name in mapped.unread if name not in points)
    used = {**mapped.used, **({"day": f"{points[0]} to {points[-1]}"} if points else {})}
    near = {k: v for k, v in mapped.near.items() if k not in points}
    return mapped_findings(Columns(used, mapped.factors, rest, (), near, mapped.odd), file.name)


def _from_points(
    file: Path, mapped: Columns, points: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Days of mean kW; a day with an empty point is unknown, but at night."""
    day = mapped.used.get("date", mapped.used.get("time", ""))
    keys = [mapped.used.get("account", mapped.used.get("meter", "")), day]
    blocks = _fast_blocks(file, keys, points) or _slow_blocks(file, keys, points)
    told = pd.concat([rows for rows, _ in blocks])
    sums = np.concatenate([np.nansum(values, axis=1) for _, values in blocks]) * 24 / len(points)
    # Points at which nobody ever made anything are night: a blank there is nought.
    lit = np.any([np.nanmax(np.nan_to_num(values), axis=0) > 0 for _, values in blocks], axis=0)
    gaps = np.concatenate([np.isnan(values[:, lit]).any(axis=1) for _, values in blocks])
    account = one_spelling(told["account"].astype("string"))
    stamps, _ = parse_times(told["day"].astype("string"))
    out = (is_total(account) | account.isna()).to_numpy() | stamps.isna()
    odd = pd.DataFrame({
        "account": account.fillna(""), "day": stamps.normalize(), "kind": "unread", "value": sums,
        "file": file.name, "row": told.index,
    })[out & ~is_total(account).to_numpy()]  # fmt: skip
    first = stamps.normalize()
    table = _spans(account, "", first, first, np.where(gaps, np.nan, sums), file, told.index)[~out]
    spans, more = _sorted_out(table, np.where(gaps[~out], "missing", ""))
    return spans, pd.concat([odd, more], ignore_index=True)


_Blocks = list[tuple[pd.DataFrame, np.ndarray]]


def _fast_blocks(file: Path, keys: list[str], points: list[str]) -> _Blocks | None:
    """Plain UTF-8 text, block by block: a year of a township is a hundred million points.

    ``None`` where the file is anything else.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    if file.suffix.lower() in (".xlsx", ".xls"):
        return None
    with file.open("rb") as head:
        sign = separator_of(head.read(1 << 14).decode("utf-8", errors="replace"))
    types = {**dict.fromkeys(keys, pa.string()), **dict.fromkeys(points, pa.float32())}
    convert = pacsv.ConvertOptions(column_types=types, include_columns=[*keys, *points])
    out, at = [], 2
    try:
        with pacsv.open_csv(
            file, read_options=pacsv.ReadOptions(block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(delimiter=sign), convert_options=convert,
        ) as reader:  # fmt: skip
            for batch in reader:
                values = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False)
                                          for name in points])  # fmt: skip
                told = pd.DataFrame(
                    {"account": batch.column(keys[0]).to_numpy(zero_copy_only=False),
                     "day": batch.column(keys[1]).to_numpy(zero_copy_only=False)},
                    index=np.arange(at, at + len(values)),
                )  # fmt: skip
                at += len(values)
                out.append((told, values))
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError):
        return None
    return out


def _slow_blocks(file: Path, keys: list[str], points: list[str]) -> _Blocks:
    """Workbooks, other encodings, titles above the heading, numbers as people write them."""
    rows = read_long_table(file, knows(ALIASES, DIMENSIONS)).rows
    values = np.column_stack([_numbers(rows[name]) for name in points])
    return [(rows[keys].set_axis(["account", "day"], axis=1), values)]


def _numbers(told: pd.Series) -> np.ndarray:
    """Numbers as people write them, separators and all; nan where not understood."""
    values = pd.to_numeric(told, errors="coerce").astype(float)
    odd = values.isna() & told.notna()
    if odd.any():
        values[odd.to_numpy()] = read_numbers(told[odd], "energy").to_numpy()
    return values.to_numpy()


def _from_rows(
    rows: pd.DataFrame, mapped: Columns, kind: str, when: list[str], file: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A reading a row."""
    name = when[0]
    text = rows[mapped.used[name]]
    if name == "time" and "date" in mapped.used:
        text = rows[mapped.used["date"]] + " " + text
    stamps = _months(text) if name == "month" else parse_times(text)[0]
    if len(stamps) and stamps.isna().all():
        raise InputError("meter_time", where=str(file), value=str(text.iloc[0]))
    account = one_spelling(rows[mapped.used.get("account", mapped.used.get("meter", ""))])
    both = "account" in mapped.used and "meter" in mapped.used
    meter = _several(account, one_spelling(rows[mapped.used["meter"]])) if both else ""
    timed = bool(text.str.contains(":", na=False).any())
    values = _numbers(rows[mapped.used[kind]]) * mapped.factors[kind]
    table = pd.DataFrame({
        "account": account.to_numpy(), "meter": meter, "time": stamps, "value": values,
        "row": rows.index.to_numpy(),
    })  # fmt: skip
    table = table[~is_total(account).to_numpy()]
    lost = lost_digits(table["account"].astype("string")).to_numpy()
    bad = lost | (table["account"].isna() | table["time"].isna() | table["value"].isna()).to_numpy()
    odd = _problems(table[bad], "unread", file)
    table = table[~bad].sort_values(["account", "time"], kind="stable")
    if kind == "dial":
        spans, more = _from_dial(table, file, timed)
    elif name == "month":
        first = pd.DatetimeIndex(table["time"]).to_period("M")
        spans, more = _sorted_out(_spans(
            table["account"], table["meter"], first.start_time, first.end_time.normalize(),
            table["value"], file, table["row"],
        ))  # fmt: skip
    else:
        spans, more = _from_intervals(table, kind, file)
    return spans, pd.concat([odd, more], ignore_index=True)


def _several(account: pd.Series, meter: pd.Series) -> np.ndarray:
    """Names of meters where an account has several; of one it is the account's own."""
    own = meter.fillna("").astype(str)
    count = own.groupby(account.fillna("").astype(str)).transform("nunique")
    return own.where(count > 1, "").to_numpy()


def _months(text: pd.Series) -> pd.DatetimeIndex:
    """Months as 2027-05, 202705, 2027/5, or with the words for year and month."""
    found = text.astype("string").str.extract(r"(\d{4})\D{0,2}(\d{1,2})")
    stamps = found[0] + "-" + found[1].str.zfill(2) + "-01"
    return pd.DatetimeIndex(pd.to_datetime(stamps, errors="coerce"))


def _from_intervals(
    table: pd.DataFrame, kind: str, file: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energies, or mean powers, of days or of parts of a day; a day with gaps is unknown."""
    times = pd.DatetimeIndex(table["time"])
    step = _step_hours(table)
    day = times.normalize()
    if step >= 24:
        hours = 24.0 if kind == "power" else 1.0
        spans = _spans(table["account"], table["meter"], day, day, table["value"] * hours, file,
                       table["row"])  # fmt: skip
        return _sorted_out(spans)
    # Stamps at an interval's end belong to the day that ends at midnight.
    ends = bool(len(times)) and _at_ends(table, times)
    day = (times - pd.Timedelta(minutes=1)).normalize() if ends else day
    worth = table["value"].to_numpy() * (step if kind == "power" else 1.0)
    negative = worth < -1e-9
    own = pd.DataFrame({"account": table["account"].to_numpy(),
                        "meter": table["meter"].to_numpy(), "day": day,
                        "kwh": np.where(negative, np.nan, worth),
                        "row": table["row"].to_numpy()})  # fmt: skip
    groups = own.groupby(["account", "meter", "day"], sort=True)
    sums = groups.agg(kwh=("kwh", lambda v: v.sum(skipna=False)), count=("kwh", "size"),
                      row=("row", "first")).reset_index()  # fmt: skip
    wanted = round(24 / step)
    spans = _spans(sums["account"], sums["meter"], sums["day"], sums["day"], sums["kwh"], file,
                   sums["row"])  # fmt: skip
    gap = (sums["count"] < wanted).to_numpy()
    double = (sums["count"] > wanted).to_numpy()
    spans.loc[gap | double, "kwh"] = np.nan
    kinds = np.select([gap, double, sums["kwh"].isna()], ["missing", "contradiction", "negative"],
                      "")  # fmt: skip
    return _sorted_out(spans, kinds)


def _step_hours(table: pd.DataFrame) -> float:
    """The usual time between an account's readings, hours; a day where each has one."""
    gaps = table.groupby(["account", "meter"])["time"].diff().dt.total_seconds().dropna()
    gaps = gaps[gaps > 0]
    return float(gaps.mode().iloc[0]) / 3600 if len(gaps) else 24.0


def _at_ends(table: pd.DataFrame, times: pd.DatetimeIndex) -> bool:
    """Whether the first stamp of accounts is one step into a day and the last at midnight."""
    first = times[_begins(table)]
    return bool((first.hour + first.minute > 0).mean() > 0.5)


def _begins(table: pd.DataFrame) -> np.ndarray:
    """Where the readings of another meter begin."""
    names = table[["account", "meter"]]
    return ~names.eq(names.shift()).all(axis=1).to_numpy()


def _from_dial(table: pd.DataFrame, file: Path, timed: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Differences of a dial; read by day it stands at the day's end, by time at that time."""
    times = pd.DatetimeIndex(table["time"])
    end = (times - pd.Timedelta(minutes=1)).normalize() if timed else times.normalize()
    value = table["value"].to_numpy(dtype=float)
    same = ~_begins(table)
    step = np.r_[np.nan, np.diff(value)]
    before = np.r_[np.nan, value[:-1]]
    full = 10.0 ** np.ceil(np.log10(np.maximum(np.nan_to_num(before), 1.0) + 1e-9))
    over = same & (step < 0) & (before > NEAR_FULL * full) & (value < NEAR_EMPTY * full)
    step = np.where(over, step + full, step)
    back = same & (step < 0)
    previous = pd.DatetimeIndex(np.r_[end[:1], end[:-1]]) if len(end) else end
    first = previous + pd.Timedelta(days=1)
    spans = _spans(table["account"], table["meter"], first, end, np.where(back, np.nan, step), file,
                   table["row"])  # fmt: skip
    kinds = np.select([over, back], ["rolled_over", "stepped_back"], "")
    # Of several readings within a day the last closes it.
    keep = same & (first <= end)
    within = same & ~keep & ~back
    spans, kinds = spans[keep | back], kinds[keep | back]
    spans = spans.assign(first=np.minimum(spans["first"], spans["last"]))
    kept, odd = _sorted_out(spans, kinds)
    doubled = _problems(table[within].rename(columns={"time": "day"}), "duplicate", file)
    return kept, pd.concat([odd, doubled], ignore_index=True)


def _spans(
    account: object, meter: object, first: object, last: object, kwh: object, file: Path,
    rows: object,
) -> pd.DataFrame:  # fmt: skip
    told = np.asarray(meter, dtype=object)
    return pd.DataFrame({
        "account": np.asarray(account, dtype=object),
        "meter": told if told.ndim else str(meter),
        "first": pd.DatetimeIndex(first), "last": pd.DatetimeIndex(last),
        "kwh": np.asarray(kwh, dtype=float), "file": file.name, "row": np.asarray(rows),
    })  # fmt: skip


def _sorted_out(
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


def _problems(rows: pd.DataFrame, kind: str, file: Path) -> pd.DataFrame:
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
    _, odd = _sorted_out(spans, np.where(wild, "impossible", ""))
    listed = pd.concat([read.problems, odd[odd["kind"].eq("impossible")]], ignore_index=True)
    return Generated(spans.assign(kwh=spans["kwh"].mask(wild)), listed, read.findings)


def _long_spans(spans: pd.DataFrame) -> pd.DataFrame:
    """Spans of several days of a meter that else is read daily: what each day made is not known."""
    several = spans["first"] < spans["last"]
    daily = ~several.groupby([spans["account"], spans["meter"]]).transform("mean").gt(0.5)
    rows = spans[several & daily]
    return pd.DataFrame({
        "account": rows["account"], "day": rows["last"], "kind": "several_days",
        "value": rows["kwh"], "file": rows["file"], "row": rows["row"],
    })  # fmt: skip


def _each_once(spans: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
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
