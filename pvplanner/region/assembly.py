"""What a region comes to: its units' tables as one, its sums with their ranges, its pages.

Rows go by village and scenario, whoever did them in whatever order, so that the same region gives
the same bytes. Sums are of ``villages`` rows; roofs are never gathered.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.energy.doubt import Z90
from pvplanner.errors import LANGUAGES, Finding, PVPlannerError
from pvplanner.plan.store import write_whole
from pvplanner.plan.tables import to_csv
from pvplanner.region.config import OUTPUTS, POOREST
from pvplanner.region.folder import Folder, dumps, write_table
from pvplanner.region.layers import outline_of, save_layers
from pvplanner.region.measures import Parts, deviations, ranged, whole_range
from pvplanner.region.page import index_page, rank_page
from pvplanner.region.ranking import Ranking
from pvplanner.region.results import Results
from pvplanner.region.units import Survey, Unit
from pvplanner.region.workers import why_text
from pvplanner.schema import column

NAMED = ["division_code", "village"]

EMPTY = {
    "villages": ("scenario", "buildings"), "common": ("scenario", "component", "shared", "own"),
    "table": ("scenario", "measure", "value", "p90", "p10", "shared"),
}  # fmt: skip
NUMBERS = ("value", "p90", "p10", "shared", "own", "buildings")
"""Columns of tables of no village."""

NO_SUMS = frozenset({"lcoe", "latitude", "longitude", "modelled", "low_income_share",
                     "income_per_household", "supply_ratio"})  # fmt: skip
"""Measures of a village that do not add up."""


def assemble(survey: Survey, folder: Folder) -> None:
    """Join what the units gave, and draw the region's pages: of what is saved alone."""
    about = folder.about() or {}
    names = list(about["scenarios"])
    failed = {u.number: why for u in survey.units if (why := folder.failed(u)) is not None}
    good = [u for u in survey.units if u.number not in failed and folder.done(u)]
    tables = {name: _joined(folder, good, name, names) for name in ("villages", "table", "common")}
    tables["villages"] = tables["villages"].merge(_drawn(good), on=NAMED, how="left")
    tables = _poorest_apart(folder, tables)
    villages = tables["villages"]
    totals = region_totals(villages, tables["common"])
    write_whole(folder.place / "failed.json", dumps(_failures(survey, failed)))
    write_whole(folder.place / "findings.json", dumps(_findings(folder, survey, good)))
    for name, table in (("table", tables["table"]), ("villages", villages), ("region", totals),
                        ("common", tables["common"])):  # fmt: skip
        _put(folder.place / f"{name}.parquet", table)
    _put_csv(folder.place / "table.csv", tables["table"])
    _put_csv(folder.place / "region.csv", totals)
    write_whole(folder.place / "columns.csv", _dictionary(tables["table"], villages))
    _outputs(folder, good, about)
    save_layers(folder.place / "villages.gpkg", survey, villages, about)
    if about.get("hours_format") == "netcdf" and (folder.place / "hours").is_dir():
        Results(folder.place).hours.to_netcdf(folder.place / "hours.nc")
    _pages(folder, survey, about)


def _poorest_apart(folder: Folder, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The scenario of the poorest data in files of its own: it is for the ranking alone."""
    for name in ("villages", "common"):
        rows, file = tables[name], folder.place / f"poorest_{name}.parquet"
        some = rows[rows["scenario"] == POOREST]
        if len(some):
            _put(file, some.reset_index(drop=True))
        else:
            file.unlink(missing_ok=True)
    return {
        name: table[table["scenario"] != POOREST].reset_index(drop=True)
        for name, table in tables.items()
    }  # fmt: skip


def _pages(folder: Folder, survey: Survey, about: Mapping[str, Any]) -> None:
    """The index, and the sheets of the ranking where the region is ranked."""
    results = Results(folder.place)
    asked = bool((about.get("rank") or {}).get("weights")) and len(results.villages) > 0
    ranking, refused = _ranked(results) if asked else (None, [])
    outlines = {u.key: outline_of(u) for u in survey.units}
    failed = results.failed.to_dict("records")
    told = folder.place / "findings.json"
    found = [*refused, *json.loads(told.read_text(encoding="utf-8"))]
    write_whole(told, dumps(found))
    page = index_page(about, results.villages, results.table, results.region, failed, found,
                      outlines, ranking)  # fmt: skip
    write_whole(folder.place / "index.html", page.encode("utf-8"))
    sheets = folder.place / "rank.html"
    if ranking is None:
        sheets.unlink(missing_ok=True)
    else:
        write_whole(sheets, rank_page(about, ranking).encode("utf-8"))


def _ranked(results: Results) -> tuple[Ranking | None, list[dict[str, Any]]]:
    """The ranking, or why there is none: the region's figures stand without it."""
    try:
        return results.rank(), []
    except PVPlannerError as error:
        found = Finding(error.code, error.where, 0, dict(error.params))
        return None, [{"villages": 0, "names": [], **found.to_dict(), "level": "doubt"}]


def _joined(folder: Folder, units: Sequence[Unit], name: str, names: list[str]) -> pd.DataFrame:
    if not units:
        return pd.DataFrame({
            c: pd.Series(dtype=float if c in NUMBERS else "str") for c in (*NAMED, *EMPTY[name])
        })  # fmt: skip
    every = folder.tables(units, name)
    place = {scenario: n for n, scenario in enumerate(names)}
    known = every[every["scenario"].isin(place)]
    order = np.lexsort((
        np.arange(len(known)), known["scenario"].map(place).to_numpy(),
        _codes(known, units),
    ))  # fmt: skip
    return known.iloc[order].reset_index(drop=True)


def _codes(table: pd.DataFrame, units: Sequence[Unit]) -> np.ndarray:
    number = {(u.division_code, u.name): u.number for u in units}
    both = zip(table["division_code"], table["village"], strict=True)
    return np.array([number[(str(code), str(name))] for code, name in both])


def _drawn(units: Iterable[Unit]) -> pd.DataFrame:
    """What each village stands for in a sample; 1 where all are there."""
    rows = [(u.division_code, u.name, u.stratum, u.weight) for u in units]
    return pd.DataFrame(rows, columns=[*NAMED, "stratum", "weight"])


def region_totals(villages: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    """Sums over villages with their ranges.

    Parameters
    ----------
    villages : DataFrame
        A row a village and scenario, with ``stratum`` and ``weight``.
    common : DataFrame
        ``component``, ``shared``, ``own`` of each.

    Returns
    -------
    DataFrame
        ``scenario``, ``measure``, ``value``, ``p90``, ``p10``, ``shared`` (part of the range's
        variance that villages have in common), ``sampling`` (part that is of villages that were
        not looked at), ``known``, ``villages``: of how many the figure is known.
    """
    out = []
    for scenario, rows in villages.groupby("scenario", sort=False):
        own = common[common["scenario"] == scenario]
        keys = pd.MultiIndex.from_frame(rows[NAMED])
        at = keys.get_indexer(pd.MultiIndex.from_frame(own[NAMED]))
        parts = Parts.of(own, at, len(rows))
        for name in rows.columns:
            if _adds(name, rows[name]):
                out.append((scenario, name, *_sum(name, rows, parts)))
        if "lcoe" in rows:
            out.append((scenario, "lcoe", *_mean_cost(rows)))
    columns = ["scenario", "measure", "value", "p90", "p10", "shared", "sampling", "known",
               "villages"]  # fmt: skip
    return pd.DataFrame(out, columns=columns)


def _adds(name: str, values: pd.Series) -> bool:
    skipped = {*NAMED, "scenario", "stratum", "weight", *NO_SUMS}
    return (
        name not in skipped and not name.startswith("energy_p90")
        and pd.api.types.is_numeric_dtype(values)
    )  # fmt: skip


def _sum(
    name: str, rows: pd.DataFrame, parts: Parts
) -> tuple[float, float, float, float, float, int, int]:
    values, weight = (rows[c].to_numpy(dtype=float) for c in (name, "weight"))
    known = np.isfinite(values)
    none = float("nan")
    if not known.any():
        return none, none, none, none, none, 0, len(rows)
    whole, count = values[known] * weight[known], int(known.sum())
    some = rows[known]
    more = sampling_variance(some, name)
    if not ranged(name):
        # What is counted is known; of a sample it is known as far as the sample goes.
        total, reach = float(whole.sum()), Z90 * math.sqrt(more) if more == more else none
        ends = (total - reach, total + reach, 0.0, 1.0) if more != 0 else (none,) * 4
        return total, *ends, count, len(rows)
    low, high, shared = whole_range(whole, deviations(name, some, parts.only(known)), more)
    sigma2 = ((high - low) / 2 / Z90) ** 2
    part = more / sigma2 if sigma2 > 0 else (0.0 if sigma2 == 0 else none)
    return float(whole.sum()), low, high, shared, part, count, len(rows)


def _mean_cost(rows: pd.DataFrame) -> tuple[float, float, float, float, float, int, int]:
    """Cost of the region's energy: the villages' by what they make."""
    cost = rows["lcoe"].to_numpy(dtype=float)
    made = (rows["energy_kwh"] * rows["weight"]).to_numpy(dtype=float)
    known = np.isfinite(cost) & (made > 0)
    none = float("nan")
    mean = float(cost[known] @ made[known] / made[known].sum()) if known.any() else none
    return mean, none, none, none, none, int(known.sum()), len(rows)


def sampling_variance(rows: pd.DataFrame, name: str) -> float:
    """Variance of a sum by the villages that were not drawn.

    Parameters
    ----------
    rows : DataFrame
        The drawn villages: ``stratum``, ``weight`` (how many each stands for), the measure.

    Notes
    -----
    Of stratified random samples without replacement (Cochran 1977, 5.18): the sum over strata of
    ``N^2 (1 - n / N) s^2 / n``. nan where a stratum has one village for several: then its spread
    is not known.
    """
    total = 0.0
    for _, own in rows.groupby("stratum", sort=False):
        count, stand = len(own), float(own["weight"].sum())
        if stand <= count:
            continue
        if count < 2:
            return float("nan")
        spread = float(own[name].var(ddof=1))
        total += stand**2 * (1 - count / stand) * spread / count
    return total


def _failures(survey: Survey, failed: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Villages that were set aside, each with its error in every language."""
    return [
        {
            "division_code": unit.division_code, "village": unit.name,
            "code": failed[unit.number].get("code"),
            **{language: why_text(failed[unit.number], language) for language in LANGUAGES},
        }
        for unit in survey.units if unit.number in failed
    ]  # fmt: skip


def _findings(folder: Folder, survey: Survey, units: Iterable[Unit]) -> list[dict[str, Any]]:
    """Findings by kind: how many villages have each, and which some of them are."""
    out: dict[str, dict[str, Any]] = {}
    for finding in survey.findings:
        key = repr(finding.plain())
        out[key] = {"villages": 0, "names": [], **finding.to_dict()}
    for unit in units:
        seen = set()
        for _, finding in folder.findings(unit):
            if finding.code in seen:
                continue
            seen.add(finding.code)
            if finding.code not in out:
                out[finding.code] = {"villages": 0, "names": [], **finding.to_dict()}
            told = out[finding.code]
            told["villages"] += 1
            if len(told["names"]) < 5:
                told["names"].append(unit.name)
    return sorted(out.values(), key=lambda f: (f["level"] != "doubt", -f["villages"], f["code"]))


def _put(path: Path, table: pd.DataFrame) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write_table(table, beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _put_csv(path: Path, table: pd.DataFrame) -> None:
    """A table as text that Excel opens."""
    write_whole(path, to_csv(table))


def _dictionary(table: pd.DataFrame, villages: pd.DataFrame) -> bytes:
    """What every measure is: its unit, how it sums, its name in every language."""
    from pvplanner.words import describe, has_label, label, unit_of

    held = io.StringIO()
    out = csv.writer(held, lineterminator="\n")
    words = [f"{what}_{code}" for code in LANGUAGES for what in ("label", "unit", "about")]
    out.writerow(["measure", "sum", *words])
    for name in villages.columns:
        told = []
        for code in LANGUAGES:
            known = has_label(name, code)
            told += [label(name, code) if known else name, unit_of(name, code),
                     describe(name, code) if known else ""]  # fmt: skip
        out.writerow([name, column(name).sum, *told])
    return held.getvalue().encode("utf-8")


def _outputs(folder: Folder, units: Sequence[Unit], about: Mapping[str, Any]) -> None:
    """Outputs that were asked for, as data sets by village: the units' own files, seen twice."""
    for kind in OUTPUTS:
        target = folder.place / kind
        wanted = {f"{u.folder}.parquet": folder.unit(u) / f"{kind}.parquet" for u in units}
        wanted = {name: file for name, file in wanted.items() if file.is_file()}
        if target.is_dir():
            for old in target.iterdir():
                if old.name not in wanted:
                    old.unlink()
        if not wanted:
            if target.is_dir():
                target.rmdir()
            continue
        target.mkdir(exist_ok=True)
        for name, file in wanted.items():
            _seen_twice(file, target / name)


def _seen_twice(file: Path, name: Path) -> None:
    """The same file under another name, without room of its own where the disk can."""
    beside = name.with_name(f".{name.name}.part")
    beside.unlink(missing_ok=True)
    try:
        os.link(file, beside)
    except OSError:
        shutil.copyfile(file, beside)
    os.replace(beside, name)
