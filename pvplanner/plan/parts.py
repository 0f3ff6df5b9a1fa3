"""Which village a building and a household belong to: a file may hold several.

Each village is planned for itself, so that nothing of one moves a figure of another. Rows go by
identifier within it: the order of a file decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pvplanner.errors import Finding
from pvplanner.plan.runner import Villages
from pvplanner.reading.values import natural_key, natural_order

FEW_BUILDINGS = 5
"""A column whose villages are mostly smaller holds hamlets or addresses."""


def name_villages(
    buildings: pd.DataFrame, usual: dict[str, str], stated: bool, where: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """Village, division code and class of buildings that state none, filled in.

    Where the file names one village alone, buildings without a name belong to it.

    Parameters
    ----------
    buildings : DataFrame
    usual : dict of str to str
        ``village``, ``division_code``, ``project_class`` of the scenario.
    stated : bool
        Whether the scenario states the village.
    """
    out, findings = buildings.copy(), []
    named = out["village"].dropna()
    blank = int(out["village"].isna().sum())
    only = named.nunique() == 1 and not stated
    if blank and len(named):
        village = str(named.iloc[0]) if only else usual["village"]
        findings.append(Finding("village_filled", where, blank, {"village": village}))
        out["village"] = out["village"].fillna(village)
    codes = out.dropna(subset=["village", "division_code"]).groupby("village")["division_code"]
    alone = {str(k): str(v) for k, v in codes.first()[codes.nunique() == 1].items()}
    known = out["division_code"]
    own = out["village"].astype(object).map(alone).astype(known.dtype)
    out["division_code"] = known.where(known.notna(), own)
    for name, value in usual.items():
        out[name] = out[name].fillna(value)
    return out, findings


def part_of(buildings: pd.DataFrame) -> pd.Series:
    """Name of the village that each building is planned with, on the index of ``buildings``.

    Villages of which no building can be used are kept with the first that has one.
    """
    name = buildings["division_code"].astype(str) + "/" + buildings["village"].astype(str)
    used = buildings["status"] != "set_aside"
    live = set(name[used]) if used.any() else set(name)
    first = min(live, key=natural_key)
    return name.where(name.isin(live), first)


def find_villages(buildings: pd.DataFrame, where: str) -> tuple[Villages, list[Finding]]:
    """The villages of a file."""
    sizes = part_of(buildings).value_counts()
    names = tuple(sorted(sizes.index, key=natural_key))
    if len(names) > 1 and float(sizes.median()) < FEW_BUILDINGS:
        params = {"villages": len(names), "buildings": len(buildings)}
        return Villages(names), [Finding("villages_small", where, len(names), params)]
    return Villages(names), []


def of_village(features: Any, village: str) -> Any:
    """Buildings of a village by identifier."""
    own = features[(part_of(features) == village).to_numpy()]
    return own.iloc[natural_order(own["building_id"])].reset_index(drop=True)


def split_homes(
    homes: pd.DataFrame, features: pd.DataFrame, where: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """Households with the village that they are planned with, as ``part``.

    A household with buildings in several villages is one in each, since nobody there knows of the
    other; its use and income count where it is named first. One without a building belongs to the
    first village.
    """
    parts = pd.Series(part_of(features).to_numpy(), features["building_id"].to_numpy())
    first = min(parts.unique(), key=natural_key)
    own = homes["building_id"].map(parts)
    home = own.groupby(homes["household_id"]).transform("first").fillna(first)
    out = homes.assign(part=own.fillna(home))
    away = (out["part"] != home).to_numpy()
    if not away.any():
        return out, []
    told = out.loc[away, "part"].str.partition("/")[2]
    lone = out.loc[away, "household_id"].astype(str) + " (" + told + ")"
    shown = ", ".join(sorted(set(out.loc[away, "household_id"].astype(str)))[:5])
    count = int(out.loc[away, "household_id"].nunique())
    out["household_id"] = out["household_id"].astype("str")
    out.loc[away, "household_id"] = lone
    out.loc[away, "consumption_kwh"] = 0.0
    out.loc[away, "income_today"] = np.nan
    return out, [Finding("household_in_villages", where, count, {"ids": shown})]


def homes_of_village(families: pd.DataFrame, village: str) -> pd.DataFrame:
    """Rows of a village's households, by household and building."""
    own = families[families["part"] == village].drop(columns="part")
    order, held = _rank(own["household_id"]), _rank(own["building_id"].fillna(""))
    own = own.assign(order=order)
    return own.iloc[np.lexsort((held, order))].reset_index(drop=True)


def _rank(ids: pd.Series) -> np.ndarray:
    """Place of each identifier among all in natural order; the same for the same."""
    codes, names = pd.factorize(ids)
    place = np.empty(len(names), dtype=np.int64)
    place[natural_order(pd.Series(names))] = np.arange(len(names))
    return place[codes]


def split_tables(tables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Tables that users know, parted by village, rows of buildings and households by identifier.

    The inverse of what a plan of several villages shows.
    """
    buildings, homes, links = (tables[name] for name in ("buildings", "households", "shares"))
    part = pd.Series(part_of(buildings).to_numpy(), buildings["building_id"].to_numpy())
    names = sorted(part.unique(), key=natural_key) or [""]
    of_home = links.assign(part=links["building_id"].map(part)).groupby("household_id")["part"]
    home = homes["household_id"].map(of_home.first()).fillna(names[0]).set_axis(
        homes["household_id"].to_numpy()
    )  # fmt: skip
    by = {
        "buildings": part, "planes": part, "shares": part, "arrays": part, "households": home,
        "demand": home, "measures": home,
    }  # fmt: skip
    keys = {"households": "household_id", "demand": "household_id", "measures": "household_id"}
    arrays = tables["arrays"].set_index("array_id")["building_id"].map(part)
    out: dict[str, dict[str, Any]] = {name: {} for name in names}
    for name, table in tables.items():
        if name == "energy":
            own = table["array_id"].map(arrays) if "array_id" in table else table.index.map(arrays)
        elif name == "villages":
            own = table["division_code"].astype(str) + "/" + table["village"].astype(str)
            own = own.where(own.isin(names), names[0])
        else:
            own = table[keys.get(name, "building_id")].map(by[name])
        for village in names:
            rows = table if len(names) == 1 else table[np.asarray(own == village)]
            if name in ("buildings", "households"):
                ids = rows["building_id" if name == "buildings" else "household_id"]
                rows = rows.iloc[natural_order(ids)]
            plain = isinstance(rows.index, pd.RangeIndex) and rows.index.start == 0
            out[village][name] = rows if plain or name == "energy" else rows.reset_index(drop=True)
    return out
