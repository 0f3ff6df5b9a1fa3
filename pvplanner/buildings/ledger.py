"""The household ledger: which household holds which buildings, what it uses and earns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from pvplanner.buildings.ledger_rows import households_of
from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading import (
    Columns,
    map_columns,
    mapped_findings,
    one_spelling,
    plain_text,
    read_numbers,
    read_table,
)
from pvplanner.reading.columns import knows, parts_of
from pvplanner.reading.odd import odd_column
from pvplanner.reading.tables import TextTable
from pvplanner.reading.values import all_like, any_holds, lost_digits, made_dates, unit_factor
from pvplanner.reference.ranges import ranges, slip_word

ALIASES: dict[str, tuple[str, ...]] = {
    "household_id": ("household_id", "户号", "户编号", "家庭编号", "门牌号", "household"),
    "building_id": ("building_id", "buildings", "房屋编号", "建筑编号", "building", "房号"),
    "share": ("share", "份额", "产权份额", "占比"),
    "household_name": ("household_name", "name", "户主", "姓名", "户主姓名"),
    "consumption_kwh": ("consumption_kwh", "年用电量", "用电量", "年用电", "consumption"),
    "income_today": ("income_today", "income", "年收入", "家庭收入", "家庭年收入"),
    "low_income": ("low_income", "低收入", "低保", "是否低保", "low income"),
    "hamlet": ("hamlet", "自然村", "村民小组", "小组"),
    "transformer_id": ("transformer_id", "台区编号", "台区名称", "台区", "变压器编号", "配变"),
    "grid_account": ("grid_account", "发电户号", "电网户号", "用电户号", "用电客户编号"),
    "address": ("address", "地址", "住址", "安装地址"),
    "meter_box": ("meter_box", "表箱", "表箱号", "计量箱", "计量箱号"),
    "house_certificate": (
        "house_certificate",
        "房产证号",
        "权属证号",
        "不动产权证号",
        "宅基地证号",
    ),
    "age": ("age", "年龄"),
    "debts": ("debts", "负债", "欠款", "其他贷款", "现有贷款"),
}
"""Names under which ledger columns are found, compared without case."""

PAPERS = ("grid_account", "address", "meter_box", "house_certificate", "age", "debts")
"""What filings and banks ask for: kept where a ledger has it, and nothing is reckoned with it."""

DIMENSIONS = {"share": "share", "consumption_kwh": "energy", "income_today": "money",
              "debts": "money"}  # fmt: skip
"""What the numbers are, for units in cells and headings."""

_SEPARATORS = r"[;、|]"
_SIGN = r"[!-~\u4e00-\u9fff]"
_TIDY = rf"{_SIGN}+(?: {_SIGN}+)*"
"""Texts that :func:`plain_text` leaves as they are."""
_YES = ("yes", "y", "true", "1", "是", "低保", "低收入", "√", "有")
_NO = ("no", "n", "false", "0", "否", "×", "无", "-")


def read_households(
    path: str | Path, *, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a household ledger.

    Parameters
    ----------
    path : path-like
        XLSX, or CSV in UTF-8, UTF-16 or GB18030: a row per household, or per household and
        building, with at least ``household_id`` and ``building_id`` (several separated by ``;``).
        Headings and cells may carry units; a title may stand above, totals below.
    columns : mapping, optional
        The file's column names to ours.

    Returns
    -------
    households : DataFrame
        A row per household: ``household_id``, ``household_name``, ``consumption_kwh``,
        ``income_today``, ``low_income``, ``hamlet``; what is not stated is missing.
        ``attrs["findings"]`` says what was taken for what.
    links : DataFrame
        A row per household and building: ``household_id``, ``building_id``, ``share`` (missing
        where not stated), ``row`` of the file.

    Raises
    ------
    InputError
        If the file can't be read, a needed column is missing, or a value is impossible.
    """
    file = Path(path)
    return understand_ledger(read_table(file, knows(ALIASES, DIMENSIONS)), file, columns)


def understand_ledger(
    read: TextTable, file: Path, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Households and their buildings from a ledger's text; see :func:`read_households`.

    Parameters
    ----------
    read : TextTable
        The ledger, or a part of it.
    file : Path
        Where it is from, for messages.
    """
    raw = read.rows
    if raw.empty:
        raise InputError("ledger_empty", where=str(file))
    mapped = map_columns(
        list(raw.columns), ALIASES, where=str(file), given=columns, dimensions=DIMENSIONS
    )
    mapped = _titled(mapped, read.title)
    findings = [*read.findings, *mapped_findings(mapped, file.name)]
    table = _our_columns(raw, mapped, str(file))
    table, more = households_of(table, raw, mapped, file)
    findings += more
    for name in ("household_id", "building_id"):
        _sound_ids(table[name], name, file)
        table[name] = one_spelling(table[name])
    findings += _sound_accounts(table["grid_account"], file)
    empty = table["household_id"].isna()
    if empty.any():
        _no_formula(read.findings, mapped, file)
        raise InputError("ledger_no_id", where=_row(file, empty))
    told = {name: _texts(table[name]) for name in DIMENSIONS}
    numbers = {name: _numbers(told[name], name, mapped, file) for name in DIMENSIONS}
    numbers["share"], more = _shares_of_one(numbers["share"], file)
    findings += more
    for name in DIMENSIONS:
        findings += _converted(told[name], numbers[name], name, file)
    once = ~table["household_id"].duplicated()
    findings += _usual_use(numbers["consumption_kwh"][once], file)
    findings += _usual_income(numbers["income_today"][once], file)
    findings += odd_column(numbers["share"].rename("share"), "households", file.name)
    findings += _unread_numbers(raw, mapped, file)
    links = _links(table.assign(share=numbers["share"]))
    described = table.assign(
        household_name=_texts(table["household_name"]),
        hamlet=_texts(table["hamlet"]),
        transformer_id=one_spelling(table["transformer_id"]),
        consumption_kwh=numbers["consumption_kwh"],
        income_today=numbers["income_today"],
        low_income=_low_income(table["low_income"], file),
        **_papers(table, numbers["debts"], file),
    ).drop(columns=["building_id", "share", *(p for p in PAPERS if p not in mapped.used)])
    if once.all():
        others = [name for name in described.columns if name != "household_id"]
        households = described[["household_id", *others]].reset_index(drop=True)
    else:
        _one_statement_each(described, file)
        households = described.groupby("household_id", sort=False).first().reset_index()
    households.attrs["findings"] = findings
    return households, links


def joined_ledgers(
    ledgers: Sequence[tuple[str, tuple[pd.DataFrame, pd.DataFrame]]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Several ledgers of one village as one, each understood for itself.

    Parameters
    ----------
    ledgers : sequence of (str, (DataFrame, DataFrame))
        Name of each file, and its households and links as of :func:`understand_ledger`.

    Raises
    ------
    InputError
        If two files contradict each other about a household.
    """
    told = pd.concat([homes for _, (homes, _) in ledgers], ignore_index=True)
    links = pd.concat(
        [own.assign(place=name) for name, (_, own) in ledgers], ignore_index=True
    )  # fmt: skip
    for name in STATED_ONCE:
        counts = told.groupby("household_id")[name].nunique()
        if (counts > 1).any():
            household = counts.index[counts > 1][0]
            rows = links[links["household_id"] == household]
            values = told.loc[told["household_id"] == household, name].dropna().unique()
            raise InputError(
                "ledger_conflict", where=f"{listed(n for n, _ in ledgers)}, {name}",
                household=str(household), values=listed(values),
                rows=listed(f"{p} {r}" for p, r in zip(rows["place"], rows["row"], strict=True)),
            )  # fmt: skip
    households = told.groupby("household_id", sort=False).first().reset_index()
    households.attrs["findings"] = [f for _, (homes, _) in ledgers for f in homes.attrs["findings"]]
    return households, links.drop(columns="place")


STATED_ONCE = ("household_name", "consumption_kwh", "income_today", "low_income")
"""What rows of one household may leave out, but not contradict."""


def _papers(table: pd.DataFrame, debts: pd.Series, file: Path) -> dict[str, pd.Series]:
    """What filings and banks ask for."""
    texts = {name: _texts(table[name]) for name in PAPERS[:4]}
    told = _texts(table["age"])
    age = read_numbers(told)
    usual = ranges()["households.age"]
    bad = told.notna() & ~age.between(usual.low, usual.high)
    if bad.any():
        raise InputError("ledger_value", where=f"{_row(file, bad)}, age",
                         value=str(told[bad].iloc[0]))  # fmt: skip
    return {**texts, "age": age, "debts": debts}


def _our_columns(raw: pd.DataFrame, mapped: Columns, where: str) -> pd.DataFrame:
    missing = [name for name in ("household_id", "building_id") if name not in mapped.used]
    if missing:
        raise InputError(
            "ledger_columns", where=where, missing=listed(missing), columns=listed(raw.columns, 30)
        )
    unstated = pd.Series(pd.NA, index=raw.index, dtype="string")
    return pd.DataFrame(
        {ours: raw[mapped.used[ours]] if ours in mapped.used else unstated for ours in ALIASES}
    )


def _sound_ids(values: pd.Series, name: str, file: Path) -> None:
    """Identifiers that a spreadsheet has cut or turned into dates tell nobody apart."""
    for code, spoilt in (("id_digits", lost_digits(values)), ("id_date", made_dates(values))):
        if spoilt.any():
            value = str(values[spoilt].iloc[0])
            raise InputError(code, where=f"{_row(file, spoilt)}, {name}", value=value)


def _sound_accounts(values: pd.Series, file: Path) -> list[Finding]:
    """Accounts that a spreadsheet has cut: nothing is reckoned with them, so work goes on."""
    spoilt = lost_digits(values) | made_dates(values)
    if not spoilt.any():
        return []
    params = {"rows": listed(values.index[spoilt]), "values": listed(values[spoilt])}
    return [Finding("accounts_spoilt", file.name, int(spoilt.sum()), params)]


def _no_formula(findings: list[Finding], mapped: Columns, file: Path) -> None:
    """An identifier that is missing because its formula holds no value."""
    for finding in findings:
        told = finding.params
        if finding.code == "formulas_empty" and told["column"] == mapped.used["household_id"]:
            where = f"{file}, {told['column']}"
            raise InputError("id_formula", where=where, cell=told["cell"], formula=told["formula"])


def _one_statement_each(table: pd.DataFrame, file: Path) -> None:
    """Rows of one household may leave things out, but not contradict each other."""
    for name in STATED_ONCE:
        told = table.groupby("household_id")[name].nunique()
        if (told > 1).any():
            household = told.index[told > 1][0]
            rows = table.index[table["household_id"] == household]
            values = table.loc[rows, name].dropna().unique()
            raise InputError(
                "ledger_conflict", where=f"{file}, row {int(rows[-1])}, {name}",
                household=str(household), rows=listed(rows), values=listed(values),
            )  # fmt: skip


def _row(file: Path, bad: pd.Series) -> str:
    return f"{file}, row {int(bad.index[bad.to_numpy(dtype=bool)][0])}"


def _texts(values: pd.Series) -> pd.Series:
    if all_like(values, _TIDY):
        return values.astype("string")
    told = values.map(plain_text, na_action="ignore")
    return told.where(told != "").astype("string")


def _numbers(values: pd.Series, name: str, mapped: Columns, file: Path) -> pd.Series:
    told = values.mask(values.isin(["-", "/", "无", "不详", "未知"]))
    numbers = read_numbers(told, DIMENSIONS[name], mapped.factors.get(name, 1.0))
    bad = told.notna() & (numbers.isna() | (numbers < 0) | ~np.isfinite(numbers.fillna(0)))
    if bad.any():
        first = values[bad].iloc[0]
        raise InputError("ledger_value", where=f"{_row(file, bad)}, {name}", value=str(first))
    return numbers


def _shares_of_one(share: pd.Series, file: Path) -> tuple[pd.Series, list[Finding]]:
    """Shares written in per cent as parts of one, where no other reading is possible."""
    most = share.max()
    if not (most > 1.5) or most > 100:
        return share, []
    return share / 100, [Finding("shares_percent", file.name, params={"most": f"{most:g}"})]


MIDDLE = "households_middle"
FEW = 3
"""From so many households on their middle is asked about too."""


def _usual_use(use: pd.Series, file: Path) -> list[Finding]:
    """Use that no household has: a unit that the heading does not say."""
    known = use[use > 0]
    usual, middling = ranges()["households.consumption_kwh"], ranges()[f"{MIDDLE}.consumption_kwh"]
    middle = float(known.median()) if len(known) else np.nan
    odd = known[~known.between(usual.low, usual.high)]
    if not len(known) or middling.holds(middle) or (usual.holds(middle) and len(known) < FEW):
        if odd.empty:
            return []
        params = {"rows": listed(odd.index), "least": f"{usual.low:g}", "most": f"{usual.high:g}"}
        return [Finding("ledger_use_some", file.name, len(odd), params)]
    params = {"middle": f"{middle:g}", "least": f"{middling.low:g}", "most": f"{middling.high:g}"}
    params["slip"] = slip_word(middle, middling)
    return [Finding("ledger_use_odd", file.name, len(known), params)]


def _usual_income(income: pd.Series, file: Path) -> list[Finding]:
    """Yearly incomes that nobody has: thousands or ten thousands without a word."""
    known = income[income > 0]
    usual, middling = ranges()["households.income_today"], ranges()[f"{MIDDLE}.income_today"]
    least, most = usual.low, usual.high
    odd = known[~known.between(least, most)]
    if odd.empty and len(known) >= FEW and not middling.holds(float(known.median())):
        # The middle of many is a narrower guide than any one of them.
        odd, least, most = known, middling.low, middling.high
    if odd.empty:
        return []
    params = {"rows": listed(odd.index), "values": listed([f"{v:g}" for v in odd]),
              "column": "income_today", "least": f"{least:g}", "most": f"{most:g}"}  # fmt: skip
    return [Finding("ledger_income_odd", file.name, len(odd), params)]


def _titled(mapped: Columns, title: str) -> Columns:
    """Units that stand in the title (单位：千元) for columns that state none of their own."""
    found = re.search(
        r"(?:单位|unit)\s*[:：]\s*([^\s,，;；)）]+)", plain_text(title), re.IGNORECASE
    )
    if found is None:
        return mapped
    factors = dict(mapped.factors)
    for name, dimension in DIMENSIONS.items():
        factor = unit_factor(found[1], dimension)
        stated = name in mapped.used and parts_of(mapped.used[name])[1]
        if factor is not None and not stated and name in factors:
            factors[name] = factor
    return replace(mapped, factors=factors)


def _unread_numbers(raw: pd.DataFrame, mapped: Columns, file: Path) -> list[Finding]:
    """Columns of numbers that were not read while use or income is stated nowhere."""
    lacking = [name for name in ("consumption_kwh", "income_today") if name in mapped.absent]
    if not lacking:
        return []
    held = [
        name for name in mapped.unread
        if name not in mapped.near and name not in mapped.odd
        and pd.to_numeric(raw[name], errors="coerce").notna().mean() > 0.5
    ]  # fmt: skip
    if not held:
        return []
    params = {"headings": listed(held), "lacking": ", ".join(lacking)}
    return [Finding("column_numbers", file.name, len(held), params)]


def _converted(told: pd.Series, numbers: pd.Series, name: str, file: Path) -> list[Finding]:
    odd = numbers.notna() & (pd.to_numeric(told, errors="coerce").astype(float) != numbers)
    if not odd.any():
        return []
    shown = listed([f"{v} = {n:g}" for v, n in zip(told[odd], numbers[odd], strict=True)], 3)
    params = {"column": name, "values": shown}
    return [Finding("values_converted", file.name, int(odd.sum()), params)]


def _low_income(values: pd.Series, file: Path) -> pd.Series:
    told = _texts(values).str.casefold()
    flags = pd.Series(pd.NA, index=values.index, dtype="boolean")
    flags[told.isin(_YES)] = True
    flags[told.isin(_NO)] = False
    bad = told.notna() & flags.isna()
    if bad.any():
        first = values[bad].iloc[0]
        raise InputError("ledger_value", where=f"{_row(file, bad)}, low_income", value=str(first))
    return flags


def _links(table: pd.DataFrame) -> pd.DataFrame:
    links = table[["household_id", "building_id", "share"]].rename_axis("row").reset_index()
    if any_holds(links["building_id"], re.compile(_SEPARATORS)):
        links["building_id"] = links["building_id"].fillna("").str.split(_SEPARATORS, regex=True)
        links = links.explode("building_id")
    links["building_id"] = one_spelling(links["building_id"])
    order = ["household_id", "building_id", "share", "row"]
    return links.loc[links["building_id"].notna(), order].reset_index(drop=True)
