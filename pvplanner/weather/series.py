"""Series with real time stamps: hourly or finer, one year or many, made into one year of hours."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.weather.frame import COLUMNS

_MOST_ZONE_HOURS = 14


def condense(
    data: pd.DataFrame, *, where: str, first_row: int
) -> tuple[pd.DataFrame, float, list[Finding]]:
    """One year of hourly rows from a series.

    Parameters
    ----------
    data : DataFrame
        The five columns on a naive index in local standard time, stamps at the start of each
        interval.
    where : str
        File, for messages.
    first_row : int
        Line of the file on which the first row stands.

    Returns
    -------
    year : DataFrame
        8,760 or 8,784 rows, stamped in the leap year 2000.
    minutes : float
        How far after the full hour the stamps stand.
    findings : list of Finding
        What was averaged, and which years the months are from.

    Raises
    ------
    InputError
        If stamps are repeated or out of order, further apart than an hour, or a month is nowhere
        whole.
    """
    times = pd.DatetimeIndex(data.index)
    _check_order(times, where, first_row)
    step = _step_minutes(times, where)
    findings: list[Finding] = []
    if _ends(times, step):
        times = times - pd.Timedelta(minutes=step)
        data = data.set_axis(times)
        findings.append(Finding("weather_ends", where, params={"minutes": step}))
    minutes = float(times.minute[0]) if step == 60 else 0.0
    hourly = data
    if step < 60:
        hourly = data.groupby(times.floor("h")).mean()
        findings.append(Finding("weather_averaged", where, len(data), {"minutes": step}))
    else:
        hourly = data.set_axis(times.floor("h"))
    hourly = _whole_hours(_wrapped(hourly))
    years = pd.DatetimeIndex(hourly.index).year
    if len(hourly) > 8784 or years.nunique() > 1:
        hourly, more = _typical_months(hourly, where)
        findings += more
    stamps = pd.DatetimeIndex(hourly.index)
    parts = {"year": 2000, "month": stamps.month, "day": stamps.day, "hour": stamps.hour}
    return hourly.set_axis(pd.DatetimeIndex(pd.to_datetime(parts))), minutes, findings


def _check_order(times: pd.DatetimeIndex, where: str, first_row: int) -> None:
    if times.hasnans:
        row = int(np.flatnonzero(times.isna())[0])
        at = f"{where}, row {first_row + row}"
        raise InputError("weather_stamp", where=at, value="")
    back = np.flatnonzero(np.diff(times.asi8) <= 0)
    if len(back):
        row = int(back[0]) + 1
        stamp = str(times[row])[:16]
        raise InputError("weather_order", where=f"{where}, row {first_row + row}", stamp=stamp)


def _step_minutes(times: pd.DatetimeIndex, where: str) -> int:
    steps = pd.Series(times[1:] - times[:-1]).dt.total_seconds() / 60
    if steps.empty:
        raise InputError("weather_rows", where=where, rows=len(times), expected=8760)
    step = float(steps.mode().iloc[0])
    if step > 60 or step <= 0 or 60 % step:
        raise InputError("weather_step", where=where, minutes=f"{step:g}")
    return int(step)


def _ends(times: pd.DatetimeIndex, step: int) -> bool:
    """Whether stamps stand at the end of their interval: the first one step into a day, the last
    at midnight.
    """
    first, last = times[0], times[-1]
    return first.hour * 60 + first.minute == step % 1440 and last.hour == last.minute == 0


def _wrapped(hourly: pd.DataFrame) -> pd.DataFrame:
    """A year in UTC, moved to local time, begins or ends some hours beside its year: they come
    back into it.
    """
    index = pd.DatetimeIndex(hourly.index)
    first, last = index[0].year, index[-1].year
    if first == last:
        return hourly
    tail, head = np.asarray(index.year == last), np.asarray(index.year == first)
    if 0 < tail.sum() <= _MOST_ZONE_HOURS and last - first == 1:
        moved = hourly[tail].set_axis(index[tail].map(lambda t: t.replace(year=first)))
        return pd.concat([moved, hourly[~tail]]) if moved.index[-1] < index[0] else hourly
    if 0 < head.sum() <= _MOST_ZONE_HOURS and last - first == 1:
        moved = hourly[head].set_axis(index[head].map(lambda t: t.replace(year=last)))
        return pd.concat([hourly[~head], moved]) if moved.index[0] > index[-1] else hourly
    return hourly


def _whole_hours(hourly: pd.DataFrame) -> pd.DataFrame:
    """Hours that are absent become rows without values, to be filled or refused like any gap.

    So do up to three at the end of a year.
    """
    index = pd.DatetimeIndex(hourly.index)
    end = index[-1]
    short = index[0] + pd.Timedelta(hours=8759) - end
    if pd.Timedelta(0) < short <= pd.Timedelta(hours=3):
        end += short
    whole = pd.date_range(index[0], end, freq="h")
    return hourly.reindex(whole) if len(whole) > len(index) else hourly


def _typical_months(hourly: pd.DataFrame, where: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Each month from the year whose GHI is nearest to the month's mean over the years."""
    index = pd.DatetimeIndex(hourly.index)
    keys = [index.year, index.month]
    present = hourly["ghi"].notna().groupby(keys).sum()
    whole = present.index[
        [n >= pd.Period(f"{y}-{m:02d}").days_in_month * 24 - 6 for (y, m), n in present.items()]
    ]
    sums = hourly["ghi"].groupby(keys).sum().loc[whole]
    chosen = {}
    for month in range(1, 13):
        own = sums[sums.index.get_level_values(1) == month]
        if own.empty:
            raise InputError("weather_month", where=where, month=month)
        chosen[month] = int((own - own.mean()).abs().idxmin()[0])
    yearly = sums.groupby(level=0).agg(["sum", "count"])
    full = yearly.loc[yearly["count"] == 12, "sum"]
    spread = float(full.std() / full.mean()) if len(full) > 2 else float("nan")
    params = {
        "years": f"{index.year.min()}-{index.year.max()}",
        "months": listed([f"{m:02d}: {y}" for m, y in chosen.items()], 12),
        "spread": f"{spread:.1%}" if np.isfinite(spread) else "?",
    }
    picked = [hourly[(index.year == year) & (index.month == m)] for m, year in chosen.items()]
    # A chosen February may have 29 days: they are dropped with the leap day later on.
    return pd.concat(picked), [Finding("weather_many_years", where, params=params)]


def complete(data: pd.DataFrame, *, where: str) -> tuple[pd.DataFrame, str | None, list[Finding]]:
    """Which components a series has, and defaults for what photovoltaics can do without.

    Parameters
    ----------
    data : DataFrame
        At least ``ghi`` or two components, and ``temp_air``.

    Returns
    -------
    data : DataFrame
        All five columns; those to be derived are zero for now.
    derive : {None, 'ghi_only', 'ghi_dhi', 'ghi_dni', 'dni_dhi'}
        What must be derived, and from what.
    findings : list of Finding

    Raises
    ------
    InputError
        If too little is there to go on.
    """
    have = {name for name in COLUMNS if name in data and data[name].notna().any()}
    light = [name for name in ("ghi", "dni", "dhi") if name in have]
    if "temp_air" not in have or (light != ["ghi"] and len(light) < 2):
        missing = "temp_air" if "temp_air" not in have else "ghi (or two of ghi, dni, dhi)"
        raise InputError("weather_column", where=where, column=missing)
    out, findings = data.copy(), []
    if "wind_speed" not in have:
        out["wind_speed"] = 1.0
        findings.append(Finding("weather_no_wind", where))
    derive = None
    if light == ["ghi"]:
        derive = "ghi_only"
        findings.append(Finding("weather_decomposed", where))
    elif len(light) == 2:
        derive = "_".join(light)
    for name in {"ghi", "dni", "dhi"} - set(light):
        out[name] = 0.0
    return out[list(COLUMNS)], derive, findings
