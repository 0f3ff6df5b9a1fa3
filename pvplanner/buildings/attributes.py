"""The columns of a footprint file under our names, with types that can be computed with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pvplanner.errors import Finding, listed
from pvplanner.reading import Columns, map_columns, one_spelling, plain_text, read_numbers
from pvplanner.reading.odd import odd_column
from pvplanner.reading.values import lost_digits, made_dates

ALIASES: dict[str, tuple[str, ...]] = {
    "building_id": (
        "building_id",
        "building",
        "bldg_id",
        "osm_id",
        "osm_way_id",
        "full_id",
        "@id",
        "gml_id",
        "fid_1",
        "id",
        "objectid",
        "房屋编号",
        "建筑编号",
        "宅基地代码",
        "不动产单元号",
    ),
    "division_code": ("division_code", "xzqdm", "zldwdm", "行政区代码", "区划代码"),
    "village": ("village", "村名", "村"),
    "project_class": ("project_class", "项目类型"),
    "roof_type": ("roof_type", "roof type", "roof:shape", "roof_shape", "屋顶类型", "屋顶形式"),
    "roof_tilt": ("roof_tilt", "roof tilt", "roof:angle", "屋顶坡度"),
    "floors": ("floors", "floor", "levels", "building:levels", "层数", "楼层"),
    "height_m": ("height_m", "height", "高度", "房高"),
    "certificate": ("certificate", "权证", "有证"),
    "illegal": ("illegal", "违建", "违章"),
    "danger_grade": ("danger_grade", "danger grade", "危房等级", "鉴定等级"),
    "roof_material": ("roof_material", "roof material", "roof:material", "屋面材料"),
    "owner_consent": ("owner_consent", "同意", "户主意愿", "户主同意", "owner consents"),
    "protected": ("protected", "文保", "保护建筑"),
    "hamlet": ("hamlet", "自然村", "村民小组"),
    "transformer_id": ("transformer_id", "台区编号", "台区名称", "台区", "变压器编号", "配变"),
    "structure": ("structure", "结构", "房屋结构", "building:structure"),
    "year_built": ("year_built", "start_date", "建造年份", "建成年份", "year built"),
    "obstacle_area_m2": ("obstacle_area_m2", "障碍物面积", "obstacles"),
    "existing_kwp": ("existing_kwp", "已装光伏容量", "已装容量", "existing pv"),
    "survey_passed": ("survey_passed", "勘查通过", "survey passed"),
}
"""Names under which our columns are found, compared without case."""

NUMBERS = {
    "floors": (0.5, 60.0),
    "height_m": (1.0, 150.0),
    "roof_tilt": (0.0, 75.0),
    "year_built": (1000.0, 2100.0),
    "obstacle_area_m2": (0.0, 100_000.0),
    "existing_kwp": (0.0, 100_000.0),
}
"""Numeric columns and the range outside which a value is taken as unknown."""

FLAGS = ("certificate", "illegal", "owner_consent", "protected", "survey_passed")
"""Columns of yes, no or unknown."""

_YES = {"yes", "y", "true", "t", "1", "1.0", "是", "有", "同意", "√"}
_NO = {"no", "n", "false", "f", "0", "0.0", "否", "无", "没有", "不同意", "×"}

ROOF_TYPES = {
    "gable": ("gable", "gabled", "pitched", "坡屋顶", "坡顶", "双坡", "人字坡"),
    "hip": ("hip", "hipped", "pyramidal", "四坡", "四坡顶", "四坡屋顶"),
    "flat": ("flat", "平屋顶", "平顶"),
    "shed": ("shed", "skillion", "lean_to", "单坡"),
}
"""Spellings of roof types."""

PROJECT_CLASSES = {
    "natural_person_household": ("natural_person_household", "自然人户用"),
    "non_natural_person_household": ("non_natural_person_household", "非自然人户用"),
    "general_commercial": ("general_commercial", "一般工商业"),
}
"""Spellings of project classes."""


DIMENSIONS = {
    "floors": "count",
    "height_m": "length",
    "roof_tilt": "angle",
    "year_built": "year",
    "obstacle_area_m2": "area",
    "existing_kwp": "power",
}
"""What the numbers are, for units in cells and headings."""


def rename_columns(
    raw: pd.DataFrame, columns: Mapping[str, str] | None, *, where: str
) -> tuple[pd.DataFrame, Columns]:
    """Our columns, taken from the file's by the user's map and by known aliases.

    Parameters
    ----------
    raw : DataFrame
        Attributes as read.
    columns : mapping, optional
        The file's name to ours, or ours to the file's: whichever of the two the file holds.

    Returns
    -------
    frame : DataFrame
        Our columns first (missing ones are ``NA``), then the file's others as ``input_*``.
    mapped : Columns
        What was taken for what, and what was not read.
    """
    mapped = map_columns(
        list(raw.columns), ALIASES, where=where, given=columns, dimensions=DIMENSIONS,
        prefer=lambda ours, names: _identifies(raw, names) if ours == "building_id" else names[0],
    )  # fmt: skip
    used = mapped.used
    data = {
        ours: raw[used[ours]].to_numpy() if ours in used else np.full(len(raw), None)
        for ours in ALIASES
    }
    frame = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in data.items()})
    taken: set[str] = set()
    for name in raw.columns:
        if name in used.values() or name == raw.columns.name:
            continue
        kept = _free_name(f"input_{name}", taken)
        frame[kept] = _plain_column(raw[name])
    frame.index = raw.index
    return frame, mapped


def _identifies(raw: pd.DataFrame, names: list[str]) -> str | None:
    """Of columns that may hold identifiers the one that tells most rows apart.

    In OpenStreetMap ``building`` is the tag for the kind of building: words are no identifiers.
    """
    best, most = None, 0
    for name in names:
        told = one_spelling(raw[name]).dropna()
        if name.casefold() == "building" and told.str.fullmatch(r"[a-z_]+").all():
            continue
        if best is None or told.nunique() > most:
            best, most = name, told.nunique()
    return best


def _free_name(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate, number = f"{name}_{number}", number + 1
    taken.add(candidate.casefold())
    return candidate


def _plain_column(column: pd.Series) -> np.ndarray:
    """A column as numbers, or else as text, so that every format can store it."""
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.to_numpy()
    return np.array([None if _missing(v) else str(v) for v in column], dtype=object)


def _missing(value: object) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value))


def clean_types(
    frame: pd.DataFrame,
    *,
    where: str,
    factors: Mapping[str, float] | None = None,
    first_row: int = 1,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Numbers as floats, flags as nullable booleans, kinds under one spelling.

    What can't be understood becomes unknown and is counted in a finding: never a guess.

    Parameters
    ----------
    factors : mapping, optional
        What units in headings make of numbers, by column.
    first_row : int
        Number of the first row in the file, less its label in the index.
    """
    out, findings = frame.copy(), []

    def unread(name: str, bad: pd.Series) -> None:
        if bad.any():
            findings.append(_unread(where, name, frame[name][bad], first_row))

    for name, (low, high) in NUMBERS.items():
        out[name], bad = _number(frame[name], low, high, name, (factors or {}).get(name, 1.0))
        findings.extend(_converted(where, name, frame[name], out[name]))
        unread(name, bad)
    for name in FLAGS:
        out[name], bad = _flag(frame[name])
        unread(name, bad)
    for name, spellings in (("roof_type", ROOF_TYPES), ("project_class", PROJECT_CLASSES)):
        out[name], bad = _kind(frame[name], spellings)
        unread(name, bad)
    out["division_code"], bad = _division(frame["division_code"])
    unread("division_code", bad)
    for name in ("village", "hamlet", "danger_grade", "roof_material", "structure"):
        out[name] = _texts(frame[name])
    out["transformer_id"] = one_spelling(out["transformer_id"])
    return out, findings


STOREY_M = (2.0, 6.5)
"""Height of a storey, eaves and roof included: outside it a height is of another unit or datum."""

LEAST_TILT = 3.0
"""A pitched roof is steeper; below it a tilt is a ratio or radians."""


def odd_values(frame: pd.DataFrame, *, where: str, first_row: int = 1) -> list[Finding]:
    """Heights and tilts that a village does not have: of another unit, or above sea level."""
    findings = []
    per_storey = (frame["height_m"] / frame["floors"]).dropna()
    middle = float(per_storey.median()) if len(per_storey) else np.nan
    low, high = STOREY_M
    if len(per_storey) and not low <= middle <= high:
        params = {"middle": f"{middle:.1f}", "low": f"{low:g}", "high": f"{high:g}"}
        findings.append(Finding("heights_odd", where, len(per_storey), params))
    tall = frame.loc[frame["floors"].isna(), "height_m"].dropna()
    if len(tall) >= 3 and tall.median() > TALL_M:
        params = {"middle": f"{tall.median():.0f}", "low": "3", "high": f"{TALL_M:g}"}
        findings.append(Finding("heights_tall", where, len(tall), params))
    pitched = frame.loc[~frame["roof_type"].eq("flat").fillna(False), "roof_tilt"]
    small = pitched[(pitched > 0) & (pitched < LEAST_TILT)]
    if len(small) and len(small) >= 0.5 * (pitched > 0).sum():
        params = {"most": f"{small.max():g}", "least": f"{LEAST_TILT:g}"}
        findings.append(Finding("tilts_odd", where, len(small), params))
    part = frame["floors"] % 0.5
    broken = frame.loc[part.notna() & (part != 0), "floors"].rename("floors")
    if len(broken):
        shown = listed([f"{v:g}" for v in broken])
        params = {"values": shown, "rows": listed([int(n) + first_row for n in broken.index])}
        findings.append(Finding("floors_broken", where, len(broken), params))
    asked = {f.code for f in findings}
    for name in NUMBERS:
        if not asked & _ASKED.get(name, set()):
            findings += odd_column(frame[name], "buildings", where, first_row=first_row)
    return findings


KWP_PER_M2 = 0.3
"""More than the best modules hold on a square metre of outline, steep roofs included."""


def beyond_roofs(buildings: pd.DataFrame, *, where: str) -> list[Finding]:
    """Obstacles larger than their roof, and standing modules that it can't hold."""
    most = {"obstacle_area_m2": 1.2, "existing_kwp": KWP_PER_M2}
    findings = []
    for name, factor in most.items():
        over = buildings[name] > factor * buildings["area_m2"]
        if over.any():
            told = buildings[over.fillna(False)]
            shown = listed([f"{i}: {v:g}" for i, v in zip(told["building_id"], told[name],
                                                          strict=True)])  # fmt: skip
            params = {"column": name, "values": shown}
            findings.append(Finding("over_roof", where, len(told), params))
    return findings


_ASKED = {"height_m": {"heights_odd", "heights_tall"}, "roof_tilt": {"tilts_odd"}}
"""What is asked of a column as a whole need not be asked of its values."""


TALL_M = 35.0
"""Houses of a village are not higher in the middle."""


def _unread(where: str, column: str, values: pd.Series, first_row: int) -> Finding:
    shown = listed(sorted({str(v) for v in values}))
    rows = listed([int(at) + first_row for at in values.index])
    return Finding(
        "values_unread", where, len(values), {"column": column, "values": shown, "rows": rows}
    )


def _converted(where: str, column: str, raw: pd.Series, read: pd.Series) -> list[Finding]:
    """Which values carried a unit, and what became of them."""
    if read.isna().all():
        return []
    told = _texts(raw)
    odd = read.notna() & pd.to_numeric(told, errors="coerce").isna()
    if not odd.any():
        return []
    pairs = {f"{v} = {n:g}" for v, n in zip(raw[odd], read[odd], strict=True)}
    params = {"column": column, "values": listed(sorted(pairs))}
    return [Finding("values_converted", where, int(odd.sum()), params)]


def _texts(values: pd.Series) -> pd.Series:
    if values.isna().all():
        return pd.Series(pd.NA, index=values.index, dtype="string")
    told = [None if _missing(v) else plain_text(v) or None for v in values]
    return pd.Series(told, index=values.index, dtype="string")


def _number(
    values: pd.Series, low: float, high: float, name: str, factor: float
) -> tuple[pd.Series, pd.Series]:
    told = _texts(values)
    if told.isna().all():
        return pd.Series(np.nan, index=values.index), told.notna()
    numbers = read_numbers(told, DIMENSIONS[name], factor)
    # Zero is how many surveys write "not measured".
    outside = numbers.notna() & ~numbers.between(low, high) & (numbers != 0)
    bad = told.notna() & (numbers.isna() | outside)
    return numbers.where(numbers.between(low, high)), bad


def _flag(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    flags = pd.Series(pd.NA, index=values.index, dtype="boolean")
    if values.isna().all():
        return flags, values.notna()
    told = _texts(values).str.casefold()
    flags[told.isin(_YES)] = True
    flags[told.isin(_NO)] = False
    return flags, told.notna() & flags.isna()


def _kind(
    values: pd.Series, spellings: Mapping[str, tuple[str, ...]]
) -> tuple[pd.Series, pd.Series]:
    if values.isna().all():
        return pd.Series(pd.NA, index=values.index, dtype="string"), values.notna()
    by_spelling = {s.casefold(): kind for kind, every in spellings.items() for s in every}
    told = _texts(values)
    kinds = told.str.casefold().map(by_spelling).astype("string")
    return kinds, told.notna() & kinds.isna()


def _division(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    told = one_spelling(values)
    good = told.str.fullmatch(r"\d{12}").fillna(False).astype(bool)
    return told.where(good), told.notna() & ~good


def unique_ids(values: pd.Series, *, where: str, column: str) -> tuple[pd.Series, list[Finding]]:
    """Identifiers as text, each one once; missing and repeated ones are made unique and reported.

    A column that says the same in every row (``Id`` is 0 throughout in one real file) identifies
    nothing and is replaced by row numbers.
    """
    told = one_spelling(values)
    lost = lost_digits(told) | made_dates(told)
    if told.notna().all() and told.is_unique and not lost.any():
        return told, []
    width = len(str(len(told)))
    numbered = pd.Series(
        [f"b{row:0{width}d}" for row in range(1, len(told) + 1)], index=told.index, dtype="string"
    )
    if len(told) > 1 and told.nunique(dropna=True) <= 1:
        code = "ids_absent" if told.isna().all() else "ids_constant"
        value = "" if told.isna().all() else str(told.dropna().iloc[0])
        return numbered, [Finding(code, where, len(told), {"column": column, "value": value})]
    if lost.any():
        shown = listed(told[lost])
        params = {"column": column, "values": shown}
        return numbered, [Finding("ids_spoilt", where, int(lost.sum()), params)]
    missing = told.isna()
    repeated = told.duplicated() & ~missing
    taken = set(told[~missing & ~repeated])
    ids = told.copy()
    for row in np.flatnonzero((missing | repeated).to_numpy()):
        stem = str(numbered.iloc[row]) if missing.iloc[row] else str(told.iloc[row])
        candidate, number = (stem, 2) if missing.iloc[row] else (f"{stem}-2", 3)
        while candidate in taken:
            candidate, number = f"{stem}-{number}", number + 1
        taken.add(candidate)
        ids.iloc[row] = candidate
    findings = []
    if missing.any():
        findings.append(Finding("ids_missing", where, int(missing.sum()), {"column": column}))
    if repeated.any():
        shown = listed(sorted(set(told[repeated])))
        params = {"column": column, "ids": shown}
        findings.append(Finding("ids_repeated", where, int(repeated.sum()), params))
    return ids, findings
