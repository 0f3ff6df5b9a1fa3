"""The household ledger and its join to buildings, many to many.

A household may own several buildings and a building may house several households (brothers under
one roof). ``shares`` says which part of a building is whose; per building it sums to 1, and energy
and money follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.buildings.attributes import map_columns
from pvplanner.buildings.reading import read_text_table
from pvplanner.errors import Finding, InputError, listed

ALIASES: dict[str, tuple[str, ...]] = {
    "household_id": ("household_id", "户号", "户编号", "家庭编号"),
    "building_id": ("building_id", "buildings", "房屋编号", "建筑编号"),
    "share": ("share", "份额", "产权份额"),
    "household_name": ("household_name", "name", "户主", "姓名", "户主姓名"),
    "consumption_kwh": ("consumption_kwh", "年用电量", "用电量"),
    "income_today": ("income_today", "income", "年收入", "家庭收入"),
    "low_income": ("low_income", "低收入", "低保"),
    "hamlet": ("hamlet", "自然村", "村民小组"),
}
"""Names under which ledger columns are found, compared without case."""

_TOTALS = ("合计", "总计", "小计", "total", "sum")
_SEPARATORS = r"[;；、|]"
_TOLERANCE = 0.005


def read_households(
    path: str | Path, *, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a household ledger.

    Parameters
    ----------
    path : path-like
        CSV (UTF-8 or GB18030) or XLSX: a row per household, or per household and building, with
        at least ``household_id`` and ``building_id`` (several separated by ``;``).
    columns : mapping, optional
        The file's column names to ours.

    Returns
    -------
    households : DataFrame
        A row per household: ``household_id``, ``household_name``, ``consumption_kwh``,
        ``income_today``, ``low_income``, ``hamlet``; what is not stated is missing.
    links : DataFrame
        A row per household and building: ``household_id``, ``building_id``, ``share`` (missing
        where not stated).

    Raises
    ------
    InputError
        If the file can't be read, a needed column is missing, or a value is impossible.
    """
    file = Path(path)
    raw = read_text_table(file)
    if raw.dropna(how="all").empty:
        raise InputError("ledger_empty", where=str(file))
    table = _our_columns(raw, columns or {}, str(file))
    # Blank rows of a workbook say nothing; a row of totals is no household.
    table = table[table.notna().any(axis=1)].copy()
    for name in ("household_id", "building_id"):
        table[name] = table[name].str.normalize("NFKC").str.strip()
    totals = table["household_id"].str.casefold().isin(_TOTALS)
    table = table[~totals]
    empty = table["household_id"].isna() | (table["household_id"] == "")
    if empty.any():
        raise InputError("ledger_no_id", where=_row(file, empty))
    numbers = {
        name: _numbers(table[name], name, file)
        for name in ("consumption_kwh", "income_today", "share")
    }
    links = _links(table.assign(share=numbers["share"]))
    described = table.assign(
        consumption_kwh=numbers["consumption_kwh"],
        income_today=numbers["income_today"],
        low_income=_low_income(table["low_income"], file),
    ).drop(columns=["building_id", "share"])
    _one_statement_each(described, file)
    households = described.groupby("household_id", sort=False).first().reset_index()
    if totals.any():
        households.attrs["findings"] = [Finding("ledger_totals", file.name, int(totals.sum()))]
    return households, links


def _one_statement_each(table: pd.DataFrame, file: Path) -> None:
    """Rows of one household may leave things out, but not contradict each other."""
    for name in ("household_name", "consumption_kwh", "income_today", "low_income"):
        told = table.groupby("household_id")[name].nunique()
        if (told > 1).any():
            household = told.index[told > 1][0]
            row = int(table.index[table["household_id"] == household][-1]) + 2
            raise InputError(
                "ledger_conflict", where=f"{file}, row {row}, {name}", household=str(household)
            )


def _our_columns(raw: pd.DataFrame, columns: Mapping[str, str], where: str) -> pd.DataFrame:
    used = map_columns(raw, columns, ALIASES, where=where)
    missing = [name for name in ("household_id", "building_id") if name not in used]
    if missing:
        raise InputError(
            "ledger_columns", where=where, missing=listed(missing), columns=listed(raw.columns, 30)
        )
    unstated = pd.Series(pd.NA, index=raw.index, dtype="string")
    return pd.DataFrame({ours: raw[used[ours]] if ours in used else unstated for ours in ALIASES})


def _row(file: Path, bad: pd.Series) -> str:
    # Line 1 is the header, so the first record stands in line 2.
    return f"{file}, row {int(bad.index[bad.to_numpy(dtype=bool)][0]) + 2}"


def _numbers(values: pd.Series, name: str, file: Path) -> pd.Series:
    told = values.str.normalize("NFKC").str.strip().str.replace(",", "", regex=False)
    told = told.str.replace(r"\s*(?:kwh|度|元)$", "", regex=True, case=False).replace("", pd.NA)
    percent = told.str.endswith("%").fillna(False).astype(bool) & (name == "share")
    plain = told.mask(percent, told.str.rstrip("%"))
    numbers = pd.to_numeric(plain, errors="coerce").astype(float)
    numbers = numbers.mask(percent, numbers / 100)
    bad = told.notna() & (numbers.isna() | (numbers < 0) | ~np.isfinite(numbers.fillna(0)))
    if bad.any():
        first = values[bad].iloc[0]
        raise InputError("ledger_value", where=f"{_row(file, bad)}, {name}", value=str(first))
    return numbers


def _low_income(values: pd.Series, file: Path) -> pd.Series:
    told = values.str.strip().str.casefold().replace("", pd.NA)
    flags = pd.Series(pd.NA, index=values.index, dtype="boolean")
    flags[told.isin(["yes", "y", "true", "1", "是", "低保", "低收入"])] = True
    flags[told.isin(["no", "n", "false", "0", "否"])] = False
    bad = told.notna() & flags.isna()
    if bad.any():
        first = values[bad].iloc[0]
        raise InputError("ledger_value", where=f"{_row(file, bad)}, low_income", value=str(first))
    return flags


def _links(table: pd.DataFrame) -> pd.DataFrame:
    links = table[["household_id", "building_id", "share"]].copy()
    links["building_id"] = links["building_id"].fillna("").str.split(_SEPARATORS, regex=True)
    links = links.explode("building_id")
    links["building_id"] = links["building_id"].str.strip()
    return links[links["building_id"] != ""].reset_index(drop=True)


def join_households(
    building_ids: pd.Series,
    households: pd.DataFrame | None = None,
    links: pd.DataFrame | None = None,
    *,
    where: str = "households",
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Share every building among its households; one without a household is its own.

    Parameters
    ----------
    building_ids : Series of str
        Every building of the village.
    households, links : DataFrame, optional
        As from :func:`read_households`.

    Returns
    -------
    households : DataFrame
        Ledger households, then one per building without any (``own_building`` is true).
    shares : DataFrame
        ``building_id``, ``household_id``, ``share``; sums to 1 for each building.
    findings : list of Finding
        Rows that found no partner.

    Raises
    ------
    InputError
        If stated shares of a building do not sum to 1, or a household is linked to it twice.
    """
    if households is None or links is None:
        return *_own(building_ids, None), []
    findings = []
    known = links["building_id"].isin(building_ids)
    if len(links) and not known.any():
        raise InputError(
            "ledger_matches_none",
            where=where,
            ledger=listed(links["building_id"].drop_duplicates(), 3),
            footprints=listed(building_ids, 3),
        )
    if not known.all():
        lost = sorted(set(links.loc[~known, "building_id"]))
        findings.append(Finding("ledger_buildings_unmatched", where, len(lost), _ids(lost)))
    links = links[known]
    twice = links.duplicated(["building_id", "household_id"])
    if twice.any():
        row = links[twice].iloc[0]
        raise InputError(
            "ledger_twice", where=where, household=row["household_id"], building=row["building_id"]
        )
    shares = _shares(links, where)
    homeless = sorted(set(households["household_id"]) - set(links["household_id"]))
    if homeless:
        findings.append(
            Finding("ledger_households_unmatched", where, len(homeless), _ids(homeless))
        )
    alone = building_ids[~building_ids.isin(links["building_id"])]
    if len(alone):
        findings.append(Finding("buildings_without_household", where, len(alone), _ids(alone)))
    own, own_shares = _own(alone, set(households["household_id"]))
    every = pd.concat([households.assign(own_building=False), own], ignore_index=True)
    return every, pd.concat([shares, own_shares], ignore_index=True), findings


def _ids(ids: object) -> dict[str, str]:
    return {"ids": listed(ids, 10)}  # type: ignore[arg-type]


def _own(building_ids: pd.Series, taken: set[str] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    ids = [f"{b} (own)" if taken and b in taken else str(b) for b in building_ids]
    count = len(ids)
    unstated = pd.Series([pd.NA] * count, dtype="string")
    households = pd.DataFrame(
        {
            "household_id": pd.Series(ids, dtype="string"),
            "household_name": unstated,
            "consumption_kwh": np.full(count, np.nan),
            "income_today": np.full(count, np.nan),
            "low_income": pd.Series([pd.NA] * count, dtype="boolean"),
            "hamlet": unstated,
            "own_building": np.full(count, True),
        }
    )
    shares = pd.DataFrame(
        {
            "building_id": building_ids.astype("string").to_numpy(),
            "household_id": households["household_id"].to_numpy(),
            "share": np.ones(count),
        }
    )
    return households, shares


def _shares(links: pd.DataFrame, where: str) -> pd.DataFrame:
    group = links.groupby("building_id", sort=False)["share"]
    stated, size, total = group.transform("count"), group.transform("size"), group.transform("sum")
    some = (stated > 0) & (stated < size)
    off = (stated == size) & ((total - 1).abs() > _TOLERANCE)
    wrong = some | off
    if wrong.any():
        row = links[wrong].iloc[0]
        value = float(total[wrong].iloc[0])
        raise InputError(
            "shares_sum", where=where, building=str(row["building_id"]), total=f"{value:.3f}"
        )
    share = np.where(stated == size, links["share"] / total, 1.0 / size)
    return pd.DataFrame(
        {
            "building_id": links["building_id"].to_numpy(),
            "household_id": links["household_id"].to_numpy(),
            "share": share,
        }
    )
