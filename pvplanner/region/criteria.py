"""What villages are compared by: figures of the plan by household, by yuan, by free kilowatt, and
columns of the township's own table; and which villages may be chosen at all.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.reading.columns import fold
from pvplanner.reading.tables import read_small_table
from pvplanner.reading.values import part_or_number, plain_text
from pvplanner.region.headings import FREE, NOT_SAID, VILLAGE, YES
from pvplanner.region.measures import FIGURES, Parts, deviations, ranged
from pvplanner.region.naming import Called, alias_of, texts_of
from pvplanner.schema import column, columns

PER = {"_per_household": "households", "_per_yuan": "investment", "_per_free_kw": "free_kw"}
"""Endings of criteria and what they divide by."""

GROSS = ("npv", "income_mean", "investment", "self_used_kwh", "export_kwh", "load_kwh", "fits_kwp",
         "fits_kw", "phase_kwp")  # fmt: skip
"""Sums beside those of the ``villages`` table; by these too the largest village would always win,
so they are taken by household where nothing else is said."""


@dataclass(frozen=True)
class Criteria:
    """Villages by criteria.

    Attributes
    ----------
    keys : tuple of str
        Of the villages, ``code/name``.
    names : tuple of str
        Of the criteria, as they are used (``npv`` is ``npv_per_household``).
    values : ndarray, shape (villages, criteria)
    shared : ndarray, shape (villages, criteria, components)
        One sigma of each by what villages have in common, in the criterion's unit.
    own : ndarray, shape (villages, criteria)
        One sigma that each village has for itself.
    components : tuple of str
    table : DataFrame
        All that is known of each village.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    values: np.ndarray
    shared: np.ndarray
    own: np.ndarray
    components: tuple[str, ...]
    table: pd.DataFrame


def read_own(path: Path, keys: Sequence[str]) -> pd.DataFrame:
    """The township's own table from a file, on the villages' keys.

    Raises
    ------
    InputError
        As :func:`own_table`, or if the file can't be read.
    """
    return own_table(read_small_table(path), keys, path.name)


def own_table(table: pd.DataFrame, keys: Sequence[str], where: str = "table") -> pd.DataFrame:
    """The township's own table on the villages' keys: yes and no as flags, per cent as parts.

    Raises
    ------
    InputError
        If it names no village, one twice, one that is not there, or one of several of a name.
    """
    names = {fold(str(c)): str(c) for c in table.columns}
    first = next((names[fold(n)] for n in VILLAGE if fold(n) in names), None)
    if first is None:
        told = {"key": "table", "column": "village", "columns": listed(table.columns, 20)}
        raise InputError("region_column", where=where, **told)
    second = alias_of([str(c) for c in table.columns], "division_code", {})
    codes = texts_of(None if second is None else table[second], len(table))
    called, rows = Called(keys), []
    for village, code in zip(texts_of(table[first], len(table)), codes, strict=True):
        hits = called.find(village, code)
        said = f"{code}/{village}".strip("/")
        if len(hits) != 1:
            known = listed(hits or keys, 12)
            raise InputError("village_unknown", where=where, village=said, names=known)
        if hits[0] in rows:
            raise InputError("region_table_twice", where=where, name=said)
        rows.append(hits[0])
    used = [c for c in (first, second) if c is not None]
    own = table.drop(columns=used).set_axis(pd.Index(rows, name="key"))
    return pd.DataFrame({name: _plain_cells(own[name]) for name in own.columns}).reindex(keys)


def _plain_cells(values: pd.Series) -> pd.Series:
    """A column's cells as numbers, parts of one, or flags, where all of them are."""
    if pd.api.types.is_numeric_dtype(values):
        return values
    texts = values.dropna().astype(str).map(plain_text)
    texts = texts[~texts.isin(NOT_SAID)]
    if len(texts) and texts.str.casefold().isin(YES).all():
        flags = texts.map(lambda v: YES[v.casefold()]).astype(object).reindex(values.index)
        return flags.where(flags.notna(), None)
    numbers = texts.map(part_or_number)
    if len(texts) and numbers.notna().all():
        return numbers.astype(float).reindex(values.index)
    told = texts.astype(object).reindex(values.index)
    return told.where(told.notna(), None)


def take_criteria(
    villages: pd.DataFrame, common: pd.DataFrame, own: pd.DataFrame | None,
    weights: Mapping[str, float],
) -> Criteria:  # fmt: skip
    """Values of the criteria that have a weight, with their doubt.

    Parameters
    ----------
    villages : DataFrame
        Rows of one scenario.
    common : DataFrame
        ``component``, ``shared``, ``own`` of each village in that scenario.
    own : DataFrame, optional
        The township's table on ``code/name``.
    weights : mapping of str to float

    Raises
    ------
    ConfigError
        If a criterion is neither a figure of the plan nor a column of the table.
    """
    rows = villages.reset_index(drop=True)
    keys = tuple(_key(c, v) for c, v in zip(rows["division_code"], rows["village"], strict=True))
    table = rows.set_axis(pd.Index(keys, name="key"))
    if own is not None:
        kept = own.rename(columns={c: f"{c}_own" for c in own.columns if c in table})
        table = table.join(kept)
    stated = next((name for name in FREE if name in table), None)
    table["free_kw"] = table["connectable_kw"] if stated is None else numbers_of(table, stated)
    at = pd.MultiIndex.from_frame(rows[["division_code", "village"]]).get_indexer(
        pd.MultiIndex.from_frame(common[["division_code", "village"]])
    )
    parts = Parts.of(common[at >= 0], at[at >= 0], len(rows))
    components = parts.components
    if "income_per_household" in table:
        # Halls have an income and no household.
        table["income_first_year_per_household"] = table["income_per_household"]
    names, values, shared, apart = [], [], [], []
    for name in weights:
        full, base, divisor = _parsed(name, table)
        over = 1.0 if divisor is None else _divisor(table, divisor)
        names.append(full)
        values.append(numbers_of(table, base) / over)
        common_, alone = _doubt(base, table, parts)
        over = np.broadcast_to(over, len(table))
        shared.append(common_ / over[:, None])
        apart.append(alone / over)
    return Criteria(
        keys, tuple(names), np.column_stack(values), np.stack(shared, axis=1),
        np.column_stack(apart), components, table,
    )  # fmt: skip


def _key(code: str, name: str) -> str:
    return f"{code}/{name}" if code else str(name)


def _divisor(table: pd.DataFrame, name: str) -> np.ndarray:
    values = table[name].to_numpy(dtype=float)
    return np.where(values > 0, values, np.nan)


def _parsed(name: str, table: pd.DataFrame) -> tuple[str, str, str | None]:
    """A criterion's full name, its figure and what that is divided by."""
    if name in table and not _is_gross(name):
        return name, name, None
    if f"{name}_per_household" in table:
        return f"{name}_per_household", f"{name}_per_household", None
    for ending, divisor in PER.items():
        base = name.removesuffix(ending)
        if base != name and base in table:
            return name, base, divisor
    if name in table:
        return f"{name}_per_household", name, "households"
    raise _no_criterion(name, "rank.weights", table)


def _no_criterion(name: str, where: str, table: pd.DataFrame) -> ConfigError:
    """The refusal of a name that is no criterion, with those that are much like it first."""
    known = _names(table)
    every = [*known, *(f"{base}{ending}" for base in known for ending in PER)]
    near = difflib.get_close_matches(name, every, 3, 0.6)
    told = listed([*near, *(n for n in known if n not in near)], 30)
    return ConfigError("region_criterion", where=where, name=name, known=told)


def _names(table: pd.DataFrame) -> list[str]:
    """Criteria by name, the township's own first."""
    known = columns()
    own = [str(c) for c in table.columns if c not in known]
    return own + [name for name in FIGURES if name in table]


def _is_gross(name: str) -> bool:
    if name.endswith("_per_household"):
        return False
    return name in GROSS or (name != "households" and column(name).sum == "sum")


def numbers_of(table: pd.DataFrame, name: str) -> np.ndarray:
    """A column as numbers.

    Raises
    ------
    ConfigError
        If a cell holds a text.
    """
    values = table[name]
    if not pd.api.types.is_numeric_dtype(values):
        values = values.astype(object)
        odd = [(key, v) for key, v in values.items()
               if isinstance(v, str) and part_or_number(v) is None]  # fmt: skip
        if odd:
            raise ConfigError("region_cell", where=f"{name}, {odd[0][0]}", value=odd[0][1])
        values = values.map(lambda v: part_or_number(v) if isinstance(v, str) else v)
    return np.array(values, dtype=float)


def _doubt(name: str, table: pd.DataFrame, parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """One sigma of a figure of each village by component, and its own, in the figure's unit."""
    nothing = np.zeros((len(table), len(parts.components))), np.zeros(len(table))
    stated = f"{name}_sigma"
    if stated in table:
        return nothing[0], np.nan_to_num(numbers_of(table, stated))
    # Worth now is what is earned less what is paid: the first is as sure as the income.
    like = {"npv": "income_mean", "lcoe": "energy_kwh",
            "income_first_year_per_household": "income_first_year",
            "income_per_household": "income_first_year"}.get(name, name)  # fmt: skip
    if not ranged(like) or like not in table:
        return nothing
    told = deviations(like, table, parts)
    value = numbers_of(table, name) + (numbers_of(table, "capital") if name == "npv" else 0.0)
    sign = -1.0 if name == "lcoe" else 1.0
    shared = np.nan_to_num(sign * value[:, None] * told.shared)
    own = np.nan_to_num(np.abs(value) * np.sqrt((told.own**2).sum(axis=1)))
    return shared, own


def check_names(
    weights: Mapping[str, float], musts: Sequence[str] | Mapping[str, Any],
    own: pd.DataFrame | None, keys: Sequence[str],
) -> None:  # fmt: skip
    """Whether criteria and conditions are of figures of a plan or columns of the own table.

    Raises
    ------
    ConfigError
        If one is neither.
    """
    known = dict.fromkeys([*(own.columns if own is not None else ()), *FIGURES], 1.0)
    table = pd.DataFrame([known] * len(keys), index=pd.Index(keys))
    if own is not None:
        for name in own.columns:
            table[name] = own[name]
    for name in weights:
        base = _parsed(name, table.assign(free_kw=1.0))[1]
        if own is not None and base in own:
            numbers_of(table, base)
    read_musts(musts, table)


_OPERATORS = {
    ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "!=": lambda a, b: a != b,
    "==": lambda a, b: a == b, ">": lambda a, b: a > b, "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}  # fmt: skip


@dataclass(frozen=True)
class Must:
    """What a village must have to be chosen: a condition on a column."""

    column: str
    operator: str
    value: Any
    text: str = ""
    """As it was written."""

    def __str__(self) -> str:
        return self.text or f"{self.column} {self.operator} {self.value}"

    def holds(self, table: pd.DataFrame) -> list[bool | None]:
        """Whether each village has it; ``None`` where that is not known."""
        out: list[bool | None] = []
        for value in table[self.column]:
            known = value is not None and value == value
            try:
                met = bool(_OPERATORS[self.operator](value, self.value)) if known else None
            except TypeError:
                met = None
            out.append(met)
        return out


def read_musts(
    given: Sequence[str] | Mapping[str, Any], table: pd.DataFrame
) -> tuple[list[Must], list[str]]:
    """Conditions that a village must meet, and villages that must be chosen.

    Parameters
    ----------
    given : list of str, or mapping
        ``"consent_rate >= 0.6"``, a village's name, or ``{consent_rate = 0.6, historic = false}``:
        of a number at least that, of anything else just that; ``{min = , max = }``.
    table : DataFrame
        All that is known of each village, on ``code/name``.

    Raises
    ------
    ConfigError
        If a condition names no column and is no village.
    """
    conditions, names = [], []
    if isinstance(given, Mapping):
        for name, value in given.items():
            conditions += _of_mapping(str(name), value)
    else:
        called = Called(table.index)
        for told in given:
            text, hits = told.translate(_SIGNS), called.find(told)
            found = re.fullmatch(r"\s*(.+?)\s*(>=|<=|!=|==|=|>|<)\s*(.+?)\s*", text)
            if re.search(r"=[<>]|[<>]{2}|[=!]{3}", text):
                raise ConfigError("region_must", where="rank.must", name=text)
            if len(hits) > 1:
                raise ConfigError("village_unknown", where="rank.must", village=told,
                                  names=listed(hits, 12))  # fmt: skip
            if hits:
                names.append(hits[0])
            elif found:
                conditions.append(Must(found[1], found[2], _value(found[3]), text.strip()))
            elif text in table.columns:
                conditions.append(Must(text, "==", True, text))
            else:
                raise ConfigError("region_must", where="rank.must", name=text)
    for must in conditions:
        if must.column not in table.columns:
            raise _no_criterion(must.column, "rank.must", table)
        _of_one_size(must, table[must.column])
    return conditions, names


_SIGNS = str.maketrans({"≥": ">=", "≤": "<=", "≠": "!=", "＞": ">", "＜": "<", "＝": "="})
"""Signs as people write them."""


def _of_one_size(must: Must, values: pd.Series) -> None:
    """Whether a condition is of the size of its column: 0.6 against 66, 57 is per cent.

    Raises
    ------
    ConfigError
        If the condition is a part of one and every figure of the column is per cent.
    """
    told = values.dropna()
    if not isinstance(must.value, float) or not 0 < must.value < 1 or must.column in columns():
        return
    numbers = [v for v in told if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(told) or not numbers or max(numbers) > 100:
        return
    if all(v == 0 or v >= 1 for v in numbers) and max(numbers) > 1:
        shown = listed([f"{v:g}" for v in numbers])
        raise ConfigError("region_must_percent", where=must.column, name=str(must), values=shown)


def _of_mapping(name: str, value: Any) -> list[Must]:
    if isinstance(value, Mapping):
        ends = {"min": ">=", "max": "<="}
        return [Must(name, ends[k], v) for k, v in value.items() if k in ends]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return [Must(name, ">=" if number else "==", value)]


def _value(text: str) -> Any:
    plain = text.strip().strip("\"'")
    number = part_or_number(plain)
    return YES.get(plain.casefold(), plain) if number is None else number
