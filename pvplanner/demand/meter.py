"""Meters: readings of any interval, unit and form, as a year of hourly energy a household.

Energies of parts of an hour add up, a dial that only rises is a register, power is energy over
time; and whatever the heading says, the sum is held against what a household can use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner import reference
from pvplanner.errors import ConfigError, Finding, InputError, listed
from pvplanner.reading import (
    Columns,
    map_columns,
    mapped_findings,
    one_spelling,
    parse_times,
    plain_text,
    read_numbers,
)
from pvplanner.reading.columns import fold, knows, parts_of
from pvplanner.reading.tables import read_long_table
from pvplanner.reading.values import lost_digits, unit_factor
from pvplanner.reference.ranges import ranges
from pvplanner.weather import HOURS, hourly_index

ALIASES: dict[str, tuple[str, ...]] = {
    "household_id": ("household_id", "户号", "用户编号", "用户号", "户编号", "household"),
    "time": ("time", "时间", "timestamp", "datetime", "date_time", "日期时间", "数据时间",
             "采集时间", "抄表时间"),
    "date": ("date", "日期", "数据日期", "day"),
    "unit": ("unit", "单位", "计量单位", "电量单位"),
    "hour": ("hour", "小时", "时刻", "时", "时点"),
    "energy": ("kwh", "energy", "电量", "用电量", "有功电量", "consumption", "consumption_kwh",
               "正向有功电量", "示数", "表底", "正向有功总", "reading", "register", "累计电量",
               "value", "wh", "mwh", "度"),
    "power": ("kw", "power", "功率", "有功功率", "负荷", "load", "瞬时功率", "w"),
}  # fmt: skip
"""Names under which a meter's columns are found."""

DIMENSIONS = {"energy": "energy", "power": "power"}
UNITS = {"kWh": (1.0, False), "Wh": (0.001, False), "MWh": (1000.0, False),
         "kW": (1.0, True), "W": (0.001, True)}  # fmt: skip
"""What ``demand.meter_unit`` may state: factor to kWh or kW, and whether it is power."""

POINTS = (24, 48, 96, 144, 288)
"""Columns that a day may be laid out in."""

FEW = 0.001
"""A dial steps back in fewer than this share of its readings: at its rollover."""


@dataclass(frozen=True)
class Readings:
    """A household's readings in the order of time."""

    times: np.ndarray
    values: np.ndarray
    rows: np.ndarray
    household: str
    where: str

    def at(self, number: int) -> str:
        """File and row of a reading."""
        return f"{self.where}, row {int(self.rows[number])}, {self.household}"


def read_meter(
    path: str | Path, *, unit: str = "auto", utc_offset_hours: float = 8.0
) -> pd.DataFrame:
    """Metered load of households over a year.

    Parameters
    ----------
    path : path-like
        CSV or XLSX with ``household_id``, ``time`` and ``kwh`` (or ``kw``), at 60 minutes or finer,
        as energies of the interval or as a dial that only rises; or a day a row: ``household_id``,
        ``date`` and 24, 48 or 96 columns (``p1``, ``p01``, ``00:15``; kW means).
    unit : {'auto', 'kWh', 'Wh', 'MWh', 'kW', 'W'}
        Of the values, whatever the heading says.
    utc_offset_hours : float
        The legal time of the place: stamps that state another offset are moved to it.

    Returns
    -------
    DataFrame, shape (8760, households)
        kWh an hour, a column per household. A 29 February is dropped. ``attrs["findings"]`` says
        what was made of the file.

    Raises
    ------
    InputError
        If hours are missing or come twice (as at a change to daylight saving time), a value is
        negative or can't be read, or no household can use so much or so little; names file, row,
        household and value.
    """
    if unit != "auto" and unit not in UNITS:
        raise ConfigError("unit_unknown", where="demand.meter_unit", value=unit)
    file = Path(path)
    read = read_long_table(file, knows(ALIASES, DIMENSIONS))
    mapped = map_columns(list(read.rows.columns), ALIASES, where=str(file), dimensions=DIMENSIONS)
    points = day_points(read.rows.columns, mapped)
    findings = list(read.findings)
    if points:
        long, power = _from_days(read.rows, mapped, points, file), True
    else:
        long, power = _from_rows(read.rows, mapped, file)
    findings += _told(mapped, points, file)
    factor = 1.0 if points else mapped.factors["power" if power else "energy"]
    told = _unit_column(read.rows, mapped, file)
    if unit != "auto" or told:
        factor, power = UNITS[unit] if unit != "auto" else UNITS[told]
    times, offset = parse_times(long["time"])
    _all_read(long, times, file)
    if offset is not None and np.isfinite(offset) and offset != utc_offset_hours:
        times = times + pd.Timedelta(hours=utc_offset_hours - offset)
        params = {"zone": f"UTC{offset:+g}", "ours": f"UTC{utc_offset_hours:+g}"}
        findings.append(Finding("meter_zone", file.name, params=params))
    values = _values(long, file) * factor
    hourly, more = _by_household(long, times, values, power, file)
    year, extra = _one_year(hourly, file)
    findings += [*more, *extra]
    findings += _plausible(year, file, sure=unit != "auto")
    year.attrs["findings"] = findings
    return year


def _unit_column(rows: pd.DataFrame, mapped: Columns, file: Path) -> str:
    """The unit that a column of units states; empty where there is none."""
    if "unit" not in mapped.used:
        return ""
    known = {name.casefold(): name for name in UNITS} | {"度": "kWh", "千瓦时": "kWh", "千瓦": "kW"}
    column = rows[mapped.used["unit"]].dropna()
    told = {plain_text(v).casefold() for v in column.unique()}
    odd = sorted(told - set(known))
    if odd or len(told) > 1:
        first = column[column.map(lambda v: plain_text(v).casefold() == (odd or sorted(told))[0])]
        where = f"{file}, row {first.index[0]}, {mapped.used['unit']}"
        raise InputError("unit_unknown", where=where, value=str(first.iloc[0]))
    return known[told.pop()] if told else ""


def _told(mapped: Columns, points: list[str], file: Path) -> list[Finding]:
    """What was taken as what; the columns of a day are one."""
    rest = tuple(name for name in mapped.unread if name not in points)
    near = {k: v for k, v in mapped.near.items() if k not in points}
    absent = tuple(
        n for n in mapped.absent if not ({n} & {"power", "energy", "time", "date", "hour", "unit"})
    )
    used = {**mapped.used, **({"day": f"{points[0]} to {points[-1]}"} if points else {})}
    near = {k: v for k, v in near.items() if v in absent}
    return mapped_findings(Columns(used, mapped.factors, rest, absent, near, mapped.odd), file.name)


def day_points(headings: pd.Index, mapped: Columns) -> list[str]:
    """Headings of a day's points: ``p1`` or ``p01`` to ``p96``, ``00:15`` to ``24:00``."""
    taken = set(mapped.used.values())
    for pattern in (r"[a-z]{0,5}_?0*(\d{1,3})", r"(\d{1,2}:\d{2})(?::00)?", r"0*(\d{1,2})[时点]"):
        found = [h for h in headings if h not in taken and re.fullmatch(pattern, fold(h))]
        if len(found) in POINTS:
            return found
    return []


def _need(mapped: Columns, names: tuple[str, ...], file: Path, headings: pd.Index) -> None:
    lacking = [name for name in names if name not in mapped.used]
    if lacking:
        missing = "household_id, time, kwh (or date, p01 to p96)"
        raise InputError(
            "meter_columns", where=str(file), missing=missing, columns=listed(headings, 30)
        )


def _from_rows(rows: pd.DataFrame, mapped: Columns, file: Path) -> tuple[pd.DataFrame, bool]:
    """A reading a row: household, time as written, value as written; and whether it is power."""
    time = "time" if "time" in mapped.used else "date"
    power = "energy" not in mapped.used
    _need(mapped, ("household_id", time, "power" if power else "energy"), file, rows.columns)
    heading = mapped.used["power" if power else "energy"]
    stated = parts_of(heading)[1]
    if stated and not power and unit_factor(stated, "energy") is None:
        power = unit_factor(stated, "power") is not None
    stamp = rows[mapped.used[time]]
    if time == "time" and "date" in mapped.used:
        stamp = rows[mapped.used["date"]] + " " + stamp
    elif time == "date" and "hour" in mapped.used:
        hour = rows[mapped.used["hour"]]
        stamp = stamp + " " + hour.where(hour.str.contains(":", na=False), hour + ":00")
    told = {"household_id": rows[mapped.used["household_id"]], "time": stamp,
            "value": rows[heading]}  # fmt: skip
    return pd.DataFrame(told), power


def _from_days(rows: pd.DataFrame, mapped: Columns, points: list[str], file: Path) -> pd.DataFrame:
    """Days of so many points as readings, each at the start of its part of the day."""
    day = "date" if "date" in mapped.used else "time"
    _need(mapped, ("household_id", day), file, rows.columns)
    days, _ = parse_times(rows[mapped.used[day]])
    lacking = days.isna()
    if lacking.any():
        at = int(np.flatnonzero(lacking)[0])
        value = str(rows[mapped.used[day]].iloc[at])
        raise InputError("meter_time", where=f"{file}, row {rows.index[at]}", value=value)
    count = len(points)
    step = pd.to_timedelta(np.arange(count) * (1440 // count), "min")
    times = (np.repeat(days.normalize().to_numpy(), count)
             + np.tile(step.to_numpy(), len(rows)))  # fmt: skip
    stamps = pd.Series(pd.DatetimeIndex(times).strftime("%Y-%m-%d %H:%M"))
    return pd.DataFrame(
        {
            "household_id": np.repeat(rows[mapped.used["household_id"]].to_numpy(), count),
            "time": stamps.to_numpy(),
            "value": rows[points].to_numpy(dtype=object).ravel(),
        },
        index=np.repeat(rows.index.to_numpy(), count),
    ).astype("string")


def _all_read(long: pd.DataFrame, times: pd.DatetimeIndex, file: Path) -> None:
    if times.isna().any():
        at = int(np.flatnonzero(times.isna())[0])
        value = str(long["time"].iloc[at])
        raise InputError("meter_time", where=f"{file}, row {long.index[at]}", value=value)


def _values(long: pd.DataFrame, file: Path) -> np.ndarray:
    told = long["value"]
    values = pd.to_numeric(told, errors="coerce").astype(float)
    odd = values.isna() & told.notna()
    if odd.any():
        values[odd.to_numpy()] = read_numbers(told[odd], "energy").to_numpy()
    bad = (values.isna() | (values < 0) | ~np.isfinite(values.fillna(0))).to_numpy()
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InputError(
            "meter_value",
            where=f"{file}, row {long.index[at]}, {long['household_id'].iloc[at]}",
            value="" if pd.isna(told.iloc[at]) else str(told.iloc[at]),
            time=str(long["time"].iloc[at]),
        )
    return values.to_numpy()


def _by_household(
    long: pd.DataFrame, times: pd.DatetimeIndex, values: np.ndarray, power: bool, file: Path
) -> tuple[dict[str, pd.Series], list[Finding]]:
    ids = one_spelling(long["household_id"])
    bad = (ids.isna() | lost_digits(ids)).to_numpy()
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        value = plain_text(long["household_id"].iloc[at]) if pd.notna(ids.iloc[at]) else ""
        code = "id_digits" if value else "meter_no_id"
        raise InputError(code, where=f"{file}, row {long.index[at]}, household_id", value=value)
    code, names = pd.factorize(ids)
    stamps = times.to_numpy().astype("datetime64[m]")
    order = np.lexsort((stamps, code))
    cuts = np.searchsorted(code[order], np.arange(len(names) + 1))
    out: dict[str, pd.Series] = {}
    said: dict[tuple[str, int], list[str]] = {}
    for number, name in enumerate(names):
        own = order[cuts[number] : cuts[number + 1]]
        rows = long.index.to_numpy()[own]
        readings = Readings(stamps[own], values[own], rows, str(name), str(file))
        out[str(name)], notes = _hours_of(readings, power)
        for note in notes:
            said.setdefault(note, []).append(str(name))
    findings = []
    for (kind, minutes), households in sorted(said.items()):
        params = {"households": listed(households, 3), "minutes": minutes}
        findings.append(Finding(kind, file.name, len(households), params))
    return out, findings


def _hours_of(readings: Readings, power: bool) -> tuple[pd.Series, list[tuple[str, int]]]:
    """Energy of each hour of one household, and what was made of its readings."""
    step = _step(readings)
    times, values = readings.times, readings.values
    notes: list[tuple[str, int]] = []
    # Power never only rises; days of points that do are a dial's.
    if _rises(values):
        values, extra = _flow(readings, step)
        notes.append(("meter_register" if extra else "meter_register_whole", step))
        times = times[: len(values)]
    else:
        times, moved = _begun(times, step)
        if moved:
            notes.append((moved, step))
        if power:
            values = values * (step / 60)
    if step < 60:
        notes.append(("meter_power" if power else "meter_summed", step))
    hours = times.astype("datetime64[h]")
    unique, first, count = np.unique(hours, return_index=True, return_counts=True)
    sums = np.add.reduceat(values, first)
    # An hour of which a part is missing is not known.
    sums[count < 60 // step] = np.nan
    return pd.Series(sums, index=unique), notes


def _step(readings: Readings) -> int:
    """Minutes from reading to reading."""
    gaps = np.diff(readings.times).astype(int)
    twice = np.flatnonzero(gaps == 0)
    if len(twice):
        at = int(twice[0]) + 1
        raise InputError(
            "meter_twice", where=readings.at(at), time=str(readings.times[at]).replace("T", " ")
        )
    step = int(np.median(gaps)) if len(gaps) else 0
    if step < 1 or step > 60 or 60 % step:
        raise InputError("meter_step", where=readings.at(0), minutes=step or "?")
    return step


def _rises(values: np.ndarray) -> bool:
    """Whether the values are a dial's: they only rise, but where it rolls over."""
    steps = np.diff(values)
    back = int((steps < 0).sum())
    return back <= max(2, FEW * len(steps)) and int((steps > 0).sum()) > 0.05 * len(steps) > 5


def _flow(readings: Readings, step: int) -> tuple[np.ndarray, bool]:
    """Energies between a dial's readings; the last one's, where it has no end, as a day before."""
    steps = np.diff(readings.values)
    modulus = 10.0 ** np.ceil(np.log10(max(readings.values.max(), 1.0)))
    for at in np.flatnonzero(steps < 0):
        before, after = readings.values[at], readings.values[at + 1]
        if before < 0.9 * modulus or after > 0.1 * modulus:
            raise InputError(
                "meter_reset", where=readings.at(int(at) + 1), before=f"{before:g}",
                after=f"{after:g}",
            )  # fmt: skip
        steps[at] += modulus
    whole_days = len(steps) * step % 1440 == 0
    if whole_days:
        return steps, False
    day = 1440 // step
    last = steps[len(steps) - day] if len(steps) >= day else steps.mean()
    return np.append(steps, last), True


def _begun(times: np.ndarray, step: int) -> tuple[np.ndarray, str]:
    """Stamps moved to the start of their interval, and how they stood."""
    minute = int(times[0].astype(int)) % 1440
    last = int(times[-1].astype(int)) % 1440
    if minute == step and last == 0 and step > 0:
        return times - np.timedelta64(step, "m"), "meter_ends"
    if step % 2 == 0 and minute % step == step // 2:
        return times - np.timedelta64(step // 2, "m"), "meter_middles"
    return times, ""


def _one_year(hourly: dict[str, pd.Series], file: Path) -> tuple[pd.DataFrame, list[Finding]]:
    """365 days of hours from the first day on, in the order of the calendar."""
    if not hourly:
        raise InputError("meter_columns", where=str(file), missing="rows", columns="-")
    start = min(series.index[0] for series in hourly.values())
    year = pd.date_range(pd.Timestamp(start).floor("D"), periods=HOURS + 24, freq="h", unit="s")
    year = year[~((year.month == 2) & (year.day == 29))][:HOURS]
    whole = pd.DataFrame({name: series.reindex(year) for name, series in hourly.items()})
    gaps = whole.isna()
    if gaps.to_numpy().any():
        household = gaps.any()[gaps.any()].index[0]
        raise InputError(
            "meter_gap",
            where=f"{file}, {household}",
            time=str(gaps.index[gaps[household].to_numpy()][0])[:16],
            hours=int(gaps[household].sum()),
        )
    findings = []
    later = max(int((series.index > year[-1]).sum()) for series in hourly.values())
    if later:
        params = {"hours": later, "until": str(year[-1])[:10]}
        findings.append(Finding("meter_longer", file.name, params=params))
    order = np.lexsort((year.hour, year.day, year.month))
    return whole.iloc[order].set_axis(hourly_index(8.0)), findings


def _plausible(year: pd.DataFrame, file: Path, *, sure: bool) -> list[Finding]:
    """A year's use held against what a household can use, whatever the heading says."""
    usual = ranges()["households.consumption_kwh"]
    least, most = usual.low, usual.high
    sums = year.sum()
    middle = float(sums.median())
    if not sure and not least <= middle <= most:
        household = str((sums - middle).abs().idxmin())
        unit = "Wh" if middle > most else "MWh"
        raise InputError(
            "meter_unit", where=f"{file}, {household}", kwh=f"{sums[household]:,.0f}",
            least=f"{least:g}", most=f"{most:g}", unit=unit,
        )  # fmt: skip
    findings = _flat(year, file)
    low, high = (365 * v for v in reference.plausible("meter_kwh_day"))
    if not low <= middle <= high and not sure:
        params = {"kwh": f"{middle:,.0f}", "least": f"{low:g}", "most": f"{high:g}"}
        findings.append(Finding("meter_unusual", file.name, len(sums), params))
    odd = sums[(sums < least) | (sums > most)]
    if odd.empty:
        return findings
    shown = listed([f"{name}: {kwh:,.0f} kWh" for name, kwh in odd.items()])
    params = {"households": shown, "least": f"{least:g}", "most": f"{most:g}"}
    return [*findings, Finding("meter_odd", file.name, len(odd), params)]


FLAT_HOURS = 720
"""A meter that reads the same for a month on end has stopped."""


def _flat(year: pd.DataFrame, file: Path) -> list[Finding]:
    """Households whose meter stands still for a month or more, while it runs at other times."""
    values = year.to_numpy()
    same = np.vstack([np.zeros(values.shape[1], dtype=bool), values[1:] == values[:-1]])
    run, longest = np.zeros(values.shape[1], dtype=int), np.zeros(values.shape[1], dtype=int)
    for row in same:
        run = np.where(row, run + 1, 0)
        longest = np.maximum(longest, run)
    still = (longest >= FLAT_HOURS) & (longest < len(values) - 1)
    if not still.any():
        return []
    params = {"households": listed(year.columns[still])}
    return [Finding("meter_flat", file.name, int(still.sum()), params)]
