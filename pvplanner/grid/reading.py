"""The grid's own tables: transformers and what stands over them, as a layer or a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading import (
    Columns,
    is_total,
    map_columns,
    mapped_findings,
    one_spelling,
    plain_text,
    read_numbers,
    read_table,
)
from pvplanner.reading.columns import knows
from pvplanner.reading.kinds import VECTORS, read_vector
from pvplanner.reading.odd import odd_column
from pvplanner.reading.times import parse_times
from pvplanner.reading.values import lost_digits, made_dates

ALIASES: dict[str, tuple[str, ...]] = {
    "transformer_id": ("transformer_id", "node_id", "变压器编号", "台区编号", "台区名称", "台区",
                       "变压器", "配变编号", "配变名称", "配变", "编号", "名称", "id", "name"),
    "level": ("level", "层级", "级别", "设备类型", "类型"),
    "parent": ("parent", "parent_id", "上级", "上级编号", "所属线路", "所属变电站", "上级设备"),
    "kva": ("kva", "rated_kva", "额定容量", "变压器容量", "配变容量", "容量"),
    "parallel": ("parallel", "并列台数", "并列运行台数"),
    "phases": ("phase", "phases", "相数", "相别"),
    "power_factor": ("power_factor", "cos_phi", "pf", "功率因数"),
    "connected_kw": ("connected_kw", "connected", "已接入容量", "已并网容量", "已接入光伏",
                     "已接入"),
    "registered_kw": ("registered_kw", "registered", "已备案容量", "已备案未并网", "在途容量",
                      "已备案"),
    "registered_until": ("registered_until", "备案有效期", "备案到期日", "备案到期"),
    "generation_kw": ("generation_kw", "other_generation", "其他电源出力", "其他电源"),
    "load_kw": ("load_kw", "min_load", "午间负荷", "最小负荷", "负荷"),
    "storage_kw": ("storage_kw", "储能功率", "储能"),
    "open_kw": ("open_kw", "open_capacity", "可开放容量", "剩余可开放容量", "可接入容量"),
    "open_on": ("open_on", "公布日期", "发布日期", "公布时间"),
    "colour": ("colour", "color", "承载力等级", "预警等级", "颜色", "等级"),
    "measured_v": ("measured_v", "voltage_v", "实测电压", "用户电压"),
    "household_ids": ("household_ids", "households", "接入户号", "户号"),
    "building_ids": ("building_ids", "buildings", "接入房屋", "房屋编号"),
}  # fmt: skip
"""Names under which columns of a grid table are found, compared without case."""

DIMENSIONS = {
    "kva": "apparent", "parallel": "count", "power_factor": "share", "connected_kw": "power",
    "registered_kw": "power", "generation_kw": "power", "load_kw": "power", "storage_kw": "power",
    "open_kw": "power", "measured_v": "voltage",
}  # fmt: skip
"""What the numbers are, for units in cells and headings."""

CONDUCTORS = ("conductor", "导线", "导线型号", "型号", "std_type")
"""Columns of a layer of lines that name the conductor."""

LEVELS = ("transformer", "line", "substation", "county")
"""From the roofs upwards."""

_LEVELS = {
    "transformer": ("transformer", "台区", "变压器", "配变", "配电变压器", "公变"),
    "line": ("line", "feeder", "10kv line", "线路", "10千伏线路", "10kv线路", "馈线"),
    "substation": ("substation", "变电站", "主变", "35千伏变电站", "110千伏变电站"),
    "county": ("county", "district", "县", "区", "县区", "区县", "市辖区"),
}
_COLOURS = {
    "red": ("red", "红", "红色", "受限"), "yellow": ("yellow", "黄", "黄色", "预警"),
    "green": ("green", "绿", "绿色", "良好"),
}  # fmt: skip
_SINGLE = ("1", "1.0", "single", "单相", "a", "b", "c")
_SEPARATORS = r"[;；、|,，]"

NUMBERS = tuple(DIMENSIONS)
TEXTS = ("level", "parent", "colour", "household_ids", "building_ids")
DATES = ("registered_until", "open_on")


def no_nodes() -> pd.DataFrame:
    """The table of a plan that was not given any."""
    columns: dict[str, Any] = {"transformer_id": pd.Series(dtype="string")}
    columns |= {name: pd.Series(dtype="string") for name in (*TEXTS, *DATES)}
    columns |= {name: pd.Series(dtype=float) for name in (*NUMBERS, "phases", "x", "y")}
    return pd.DataFrame(columns)


def read_nodes(
    path: str | Path, *, columns: Mapping[str, str] | None = None, crs: Any = None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read transformers, lines, substations and counties: one row each, in one tree.

    Parameters
    ----------
    path : path-like
        A layer of points (or of areas: their middles count), or a table (XLSX, CSV): at least
        ``transformer_id``; of :data:`ALIASES` what is known. A row may be of any level: a table of
        nothing but a red county is one.
    columns : mapping, optional
        The file's column names to ours.
    crs : optional
        Metric system in which places are told, as of the buildings.

    Returns
    -------
    nodes : DataFrame
        ``transformer_id``, ``level`` (of :data:`LEVELS`), ``parent``, ``kva``, ``parallel``,
        ``phases``, ``power_factor`` (0 to 1), ``connected_kw``, ``registered_kw``,
        ``generation_kw``, ``load_kw``, ``storage_kw``, ``open_kw`` (kW), ``registered_until``,
        ``open_on`` (days, as ISO text), ``colour`` (red, yellow, green), ``measured_v`` (V),
        ``household_ids``, ``building_ids`` (parted by ``;``), ``x``, ``y`` (m; nan without a
        place). What is not stated is missing.
    findings : list of Finding

    Raises
    ------
    InputError
        If an identifier is missing or comes twice, a number is impossible, or the tree has a ring.
    """
    file = Path(path)
    raw, place, findings = _rows_of(file, crs)
    mapped = map_columns(
        list(raw.columns), ALIASES, where=str(file), given=columns, dimensions=DIMENSIONS
    )
    if "transformer_id" not in mapped.used:
        told = listed(raw.columns, 30)
        raise InputError("grid_columns", where=str(file), columns=told)
    findings += mapped_findings(mapped, file.name)
    table = pd.DataFrame(
        {ours: raw[mapped.used[ours]] if ours in mapped.used
         else pd.Series(pd.NA, index=raw.index, dtype="string") for ours in ALIASES}
    )  # fmt: skip
    table = table.assign(x=place[0], y=place[1])
    empty = table[list(ALIASES)].isna().all(axis=1)
    totals = is_total(table["transformer_id"].astype("string"))
    table = table[~empty & ~totals]
    out = _typed(table, mapped, file)
    nodes = _tree_of(out, file)
    # What a line or a county holds is of another size: only transformers are held to their range.
    level = dict(zip(nodes["transformer_id"], nodes["level"], strict=True))
    low = out[out["transformer_id"].map(level).eq(LEVELS[0])]
    for name in NUMBERS:
        findings += odd_column(low[name].rename(name), "transformers", file.name)
    return nodes, findings


def _rows_of(
    file: Path, crs: Any
) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray], list[Finding]]:
    """Rows as text, and where they lie."""
    if file.suffix.lower() in VECTORS and file.suffix.lower() != ".dxf":
        if not file.exists():
            raise InputError("file_missing", where=str(file))
        frame = read_vector(file, on_invalid="ignore")
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is None:
            raise InputError("crs_missing", where=str(file), suggestion="EPSG:4326")
        raw = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
        raw = raw.apply(lambda column: column.map(_as_text, na_action="ignore").astype("string"))
        raw.index = pd.RangeIndex(1, 1 + len(raw), name="row")
        none = np.full(len(raw), np.nan)
        if not isinstance(frame, gpd.GeoDataFrame) or crs is None:
            return raw, (none, none), []
        middle = frame.geometry.to_crs(crs).centroid
        return raw, (middle.x.to_numpy(), middle.y.to_numpy()), []
    read = read_table(file, knows(ALIASES, DIMENSIONS))
    if read.rows.empty:
        raise InputError("layer_empty", where=str(file), layer="")
    none = np.full(len(read.rows), np.nan)
    place = _stated_places(read.rows, crs)
    return read.rows, place or (none, none), list(read.findings)


def _stated_places(rows: pd.DataFrame, crs: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Longitude and latitude in columns of their own, in the system of the buildings."""
    names = {plain_text(name).casefold(): name for name in rows.columns}
    lon = next((names[n] for n in ("longitude", "lon", "lng", "经度") if n in names), None)
    lat = next((names[n] for n in ("latitude", "lat", "纬度") if n in names), None)
    if lon is None or lat is None or crs is None:
        return None
    points = gpd.GeoSeries(
        gpd.points_from_xy(read_numbers(rows[lon]), read_numbers(rows[lat])), crs=4326
    ).to_crs(crs)
    return points.x.to_numpy(), points.y.to_numpy()


def _as_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _typed(table: pd.DataFrame, mapped: Columns, file: Path) -> pd.DataFrame:
    """Our types; what can't be is refused with its row."""
    ids = one_spelling(table["transformer_id"])
    for code, spoilt in (("id_digits", lost_digits(ids)), ("id_date", made_dates(ids))):
        if spoilt.any():
            raise InputError(code, where=_at(file, spoilt, "transformer_id"),
                             value=str(ids[spoilt].iloc[0]))  # fmt: skip
    if ids.isna().any():
        raise InputError("grid_no_id", where=_at(file, ids.isna(), "transformer_id"))
    twice = ids.duplicated(keep=False)
    if twice.any():
        told = listed(ids[twice].unique())
        raise InputError("grid_id_twice", where=_at(file, twice, "transformer_id"), ids=told)
    out = pd.DataFrame({"transformer_id": ids})
    for name in NUMBERS:
        out[name] = _numbers(table[name], name, mapped, file)
    for name in DATES:
        out[name] = _days(table[name], name, file)
    out["level"] = _named(table["level"], _LEVELS, "level", file)
    out["colour"] = _named(table["colour"], _COLOURS, "colour", file)
    out["phases"] = _phases(table["phases"])
    out["parent"] = one_spelling(table["parent"])
    for name in ("household_ids", "building_ids"):
        out[name] = table[name].map(_ids, na_action="ignore").astype("string")
    return out.assign(x=table["x"], y=table["y"])


def _at(file: Path, bad: pd.Series, column: str) -> str:
    row = bad.index[bad.to_numpy(dtype=bool)][0]
    return f"{file}, row {int(row)}, {column}"


_LIMITS = {"power_factor": (0.3, 1.0), "parallel": (1.0, 20.0), "measured_v": (1.0, 1000.0)}
_MOST = 1e7
"""No transformer, line or county of China holds more kilowatts."""


def _numbers(values: pd.Series, name: str, mapped: Columns, file: Path) -> pd.Series:
    told = values.map(plain_text, na_action="ignore").astype("string")
    told = told.mask(told.isin(["", "-", "/", "无", "不详", "未知"]))
    numbers = read_numbers(told, DIMENSIONS[name], mapped.factors.get(name, 1.0))
    if name == "power_factor":
        numbers = numbers.where(~(numbers > 1.5), numbers / 100)
    low, high = _LIMITS.get(name, (0.0, _MOST))
    bad = told.notna() & ~numbers.between(low, high)
    if bad.any():
        raise InputError("grid_value", where=_at(file, bad, name), value=str(told[bad].iloc[0]),
                         low=f"{low:g}", high=f"{high:g}")  # fmt: skip
    if name == "kva" and (numbers == 0).any():
        raise InputError("grid_value", where=_at(file, numbers == 0, name), value="0",
                         low=">0", high=f"{high:g}")  # fmt: skip
    return numbers


def _days(values: pd.Series, name: str, file: Path) -> pd.Series:
    told = values.map(plain_text, na_action="ignore").astype("string")
    told = told.mask(told == "")
    out = pd.Series(pd.NA, index=values.index, dtype="string")
    if not told.notna().any():
        return out
    for row, text in told.dropna().items():
        try:
            day = dt.date.fromisoformat(text[:10])
        except ValueError:
            try:
                stamp = parse_times(pd.Series([text], dtype="string"))[0][0]
                day = dt.date(stamp.year, stamp.month, stamp.day)
            except (InputError, ValueError, TypeError, IndexError):
                where = f"{file}, row {int(str(row))}, {name}"
                raise InputError("grid_day", where=where, value=text) from None
        out[row] = day.isoformat()
    return out


def _named(
    values: pd.Series, known: Mapping[str, tuple[str, ...]], name: str, file: Path
) -> pd.Series:
    """Names by any of their spellings; others are refused."""
    spelled = {word: ours for ours, words in known.items() for word in words}
    told = values.map(lambda v: plain_text(v).casefold().replace(" ", ""), na_action="ignore")
    told = told.astype("string").mask(lambda v: v == "")
    plain = {word.replace(" ", ""): ours for word, ours in spelled.items()}
    out = told.map(plain, na_action="ignore").astype("string")
    bad = told.notna() & out.isna()
    if bad.any():
        raise InputError("grid_name", where=_at(file, bad, name), value=str(values[bad].iloc[0]),
                         known=", ".join(known))  # fmt: skip
    return out


def _phases(values: pd.Series) -> pd.Series:
    told = values.map(lambda v: plain_text(v).casefold(), na_action="ignore").astype("string")
    single = told.isin(_SINGLE)
    return pd.Series(np.where(told.isna(), np.nan, np.where(single, 1.0, 3.0)), index=values.index)


def _ids(text: object) -> str:
    parts = pd.Series(pd.Series([str(text)]).str.split(_SEPARATORS, regex=True).iloc[0])
    return ";".join(one_spelling(parts).dropna())


def _tree_of(nodes: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Every node with its level and parent; parents that are only named become nodes."""
    named = set(nodes["parent"].dropna()) - set(nodes["transformer_id"])
    if named:
        more = pd.DataFrame({"transformer_id": sorted(named)}).astype("string")
        nodes = pd.concat([nodes, more], ignore_index=True)
    parent = dict(zip(nodes["transformer_id"], nodes["parent"], strict=True))
    for node in parent:
        seen, at = {node}, parent[node]
        while not pd.isna(at):
            if at in seen:
                raise InputError("grid_ring", where=str(file), ids=listed(sorted(seen)))
            seen.add(at)
            at = parent[at]
    nodes = nodes.reset_index(drop=True)
    height = _heights(parent)
    levels = nodes["level"].where(
        nodes["level"].notna(), [LEVELS[min(height[n], 3)] for n in nodes["transformer_id"]]
    )
    order = ["transformer_id", "level", "parent", *NUMBERS, "phases", *DATES, "colour",
             "household_ids", "building_ids", "x", "y"]  # fmt: skip
    out = nodes.assign(level=levels.astype("string")).reindex(columns=order)
    texts = ["transformer_id", *TEXTS, *DATES]
    numbers = [*NUMBERS, "phases", "x", "y"]
    return out.astype({**dict.fromkeys(texts, "string"), **dict.fromkeys(numbers, float)})


def _heights(parent: Mapping[Any, Any]) -> dict[Any, int]:
    """How many floors stand below each node."""
    height = dict.fromkeys(parent, 0)
    for node in parent:
        at, up = parent[node], 1
        while not pd.isna(at):
            height[at] = max(height[at], up)
            at, up = parent[at], up + 1
    return height
