"""What meters and inverter portals say was generated: totals, days, hours, points or dials.

Nothing is filled. A reading that can't be true is listed with its file and row, and the days it
concerns are unknown; a dial that runs over its last digit is gone on with, and listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.demand.meter import day_points
from pvplanner.errors import Finding, InputError, listed
from pvplanner.metering.headings import ALIASES, DIMENSIONS
from pvplanner.metering.spans import (
    Generated,
    each_once,
    long_spans,
    problems_of,
    sorted_out,
    spans_of,
)
from pvplanner.reading import (
    is_total,
    map_columns,
    mapped_findings,
    one_spelling,
    parse_months,
    parse_times,
    read_numbers,
)
from pvplanner.reading.columns import Columns, knows
from pvplanner.reading.tables import heading_row, read_long_table, separator_of
from pvplanner.reading.values import lost_digits

_BLOCK = 1 << 25

NEAR_FULL, NEAR_EMPTY = 0.8, 0.2
"""A dial runs over if it stood above this part of its last number and comes back below that."""


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
    spans, doubled = each_once(pd.concat(parts, ignore_index=True))
    odd = pd.concat([*problems, doubled, long_spans(spans)], ignore_index=True)
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
    whose = [mapped.used[n] for n in ("account", "meter") if n in mapped.used]
    keys = [*whose, mapped.used.get("date", mapped.used.get("time", ""))]
    blocks = _fast_blocks(file, keys, points) or _slow_blocks(file, keys, points)
    told = pd.concat([rows for rows, _ in blocks])
    sums = np.concatenate([np.nansum(values, axis=1) for _, values in blocks]) * 24 / len(points)
    lit = _day_of(np.any(
        [np.nanmax(np.nan_to_num(values), axis=0) > 0 for _, values in blocks], axis=0
    ))  # fmt: skip
    gaps = np.concatenate([np.isnan(values[:, lit]).any(axis=1) for _, values in blocks])
    account = one_spelling(told[whose[0]].astype("string"))
    meter = _several(account, one_spelling(told[whose[1]].astype("string"))) if whose[1:] else ""
    stamps, _ = parse_times(told[keys[-1]].astype("string"))
    lost = lost_digits(account.astype("string")).to_numpy()
    out = (is_total(account) | account.isna()).to_numpy() | stamps.isna() | lost
    odd = pd.DataFrame({
        "account": account.fillna(""), "day": stamps.normalize(), "kind": "unread", "value": sums,
        "file": file.name, "row": told.index,
    })[out & ~is_total(account).to_numpy()]  # fmt: skip
    first = stamps.normalize()
    kwh = np.where(gaps, np.nan, sums)
    table = spans_of(account, meter, first, first, kwh, file, told.index)[~out]
    spans, more = sorted_out(table, np.where(gaps[~out], "missing", ""))
    return spans, pd.concat([odd, more], ignore_index=True)


def _day_of(made: np.ndarray) -> np.ndarray:
    """Parts of a day from the first to the last at which anybody ever makes anything.

    Before and after it is night, and what is blank or absent there is nought; in between a blank
    is a gap, even where it is everybody's. All parts where nobody makes anything.
    """
    some = np.flatnonzero(made)
    inside = np.ones(len(made), dtype=bool)
    if len(some):
        inside[: some[0]] = inside[some[-1] + 1 :] = False
    return inside


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
                    {name: batch.column(name).to_numpy(zero_copy_only=False) for name in keys},
                    index=np.arange(at, at + len(values)),
                )
                at += len(values)
                out.append((told, values))
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError):
        return None
    return out


def _slow_blocks(file: Path, keys: list[str], points: list[str]) -> _Blocks:
    """Workbooks, other encodings, titles above the heading, numbers as people write them."""
    rows = read_long_table(file, knows(ALIASES, DIMENSIONS)).rows
    values = np.column_stack([_numbers(rows[name]) for name in points])
    return [(rows[keys], values)]


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
    if name == "month":
        stamps = pd.DatetimeIndex(pd.to_datetime(parse_months(text), format="%Y-%m"))
    else:
        stamps = parse_times(text)[0]
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
    odd = problems_of(table[bad], "unread", file)
    table = table[~bad].sort_values(["account", "time"], kind="stable")
    if kind == "dial":
        spans, more = _from_dial(table, file, timed)
    elif name == "month":
        first = pd.DatetimeIndex(table["time"]).to_period("M")
        spans, more = sorted_out(spans_of(
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


def _from_intervals(
    table: pd.DataFrame, kind: str, file: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energies, or mean powers, of days or of parts of a day; a day with gaps is unknown."""
    times = pd.DatetimeIndex(table["time"])
    step = _step_hours(table)
    day = times.normalize()
    if step >= 24:
        hours = 24.0 if kind == "power" else 1.0
        spans = spans_of(table["account"], table["meter"], day, day, table["value"] * hours, file,
                       table["row"])  # fmt: skip
        return sorted_out(spans)
    # Stamps at an interval's end belong to the day that ends at midnight.
    ends = bool(len(times)) and _at_ends(table, times)
    day = (times - pd.Timedelta(minutes=1)).normalize() if ends else day
    worth = table["value"].to_numpy() * (step if kind == "power" else 1.0)
    own = pd.DataFrame({
        "account": table["account"].to_numpy(), "meter": table["meter"].to_numpy(), "day": day,
        "kwh": np.where(worth < -1e-9, np.nan, worth), "row": table["row"].to_numpy(),
        "part": np.floor(((times - day).total_seconds() / 3600 - (step if ends else 0)) / step
                         + 1e-6).astype(int),
    })  # fmt: skip
    made = np.zeros(round(24 / step), dtype=bool)
    made[own.loc[own["kwh"].gt(0), "part"].clip(0, len(made) - 1)] = True
    # Portals leave out the night: only the parts of a day in which anybody makes anything count.
    lit = _day_of(made)
    own["lit"] = lit[own["part"].clip(0, len(lit) - 1)]
    groups = own.groupby(["account", "meter", "day"], sort=True)
    sums = groups.agg(
        kwh=("kwh", lambda v: v.sum(skipna=False)), lit=("lit", "sum"), count=("part", "size"),
        parts=("part", "nunique"), row=("row", "first"),
    ).reset_index()  # fmt: skip
    spans = spans_of(sums["account"], sums["meter"], sums["day"], sums["day"], sums["kwh"], file,
                     sums["row"])  # fmt: skip
    double = (sums["count"] > sums["parts"]).to_numpy()
    gap = (sums["lit"] < lit.sum()).to_numpy() & ~double
    spans.loc[gap | double, "kwh"] = np.nan
    kinds = np.select([double, gap, sums["kwh"].isna()], ["contradiction", "missing", "negative"],
                      "")  # fmt: skip
    return sorted_out(spans, kinds)


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
    kwh = np.where(back, np.nan, step)
    spans = spans_of(table["account"], table["meter"], first, end, kwh, file, table["row"])
    kinds = np.select([over, back], ["rolled_over", "stepped_back"], "")
    # Of several readings within a day the last closes it.
    keep = same & (first <= end)
    within = same & ~keep & ~back
    spans, kinds = spans[keep | back], kinds[keep | back]
    spans = spans.assign(first=np.minimum(spans["first"], spans["last"]))
    kept, odd = sorted_out(spans, kinds)
    doubled = problems_of(table[within].rename(columns={"time": "day"}), "duplicate", file)
    return kept, pd.concat([odd, doubled], ignore_index=True)
