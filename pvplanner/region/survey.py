"""A look through all files of a region: who lies where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pvplanner.buildings.placing import known_crs
from pvplanner.errors import Finding, InputError, listed
from pvplanner.plan.site import origin_findings
from pvplanner.projection import boxes_to_degrees
from pvplanner.reading.columns import fold
from pvplanner.reading.origins import read_origin
from pvplanner.reading.values import natural_key, read_numbers
from pvplanner.region.borders import draw_outlines, empty_places, read_borders
from pvplanner.region.config import Region
from pvplanner.region.copies import give_parts
from pvplanner.region.headings import VILLAGE
from pvplanner.region.ledgers import part_ledgers
from pvplanner.region.looking import Looked, look_at
from pvplanner.region.naming import Called, alias_of, texts_of
from pvplanner.region.units import Step, Survey, Unit


def survey_region(region: Region, place: Path, step: Step) -> Survey:
    """Look through all files once and say which rows are whose.

    Parameters
    ----------
    region : Region
    place : Path
        Folder for copies of files that can't be read by village.
    step : callable

    Raises
    ------
    InputError
        If a file can't be read, no village is named, or a named column is not there.
    """
    place.mkdir(parents=True, exist_ok=True)
    if region.sources.crs is not None:
        known_crs(region.sources.crs, "region.crs")
    borders = read_borders(region)
    looked, broken = [], {}
    for n, path in enumerate(region.buildings):
        step("survey", n, len(region.buildings))
        try:
            looked.append(look_at(region, path, borders, n, place))
        except InputError as error:
            # One file of many that can't be read is one village that is set aside.
            if len(region.buildings) == 1 or error.code == "region_column":
                raise
            broken[path] = error
    if not looked:
        raise next(iter(broken.values()))
    every = pd.concat([one.places.table() for one in looked], ignore_index=True)
    outside = int(every.loc[every["name"] == "", "count"].sum()) if borders is not None else 0
    findings = [finding for one in looked for finding in one.findings]
    findings += _origins(region)
    if outside:
        where = Path(str(region.sources.boundaries)).name
        findings.append(Finding("region_outside", where, outside,
                                {"all": int(every["count"].sum())}))  # fmt: skip
    if borders is not None:
        findings += empty_places(borders, every, Path(str(region.sources.boundaries)).name)
    findings += _unnamed(region, looked)
    units = _units(pd.concat([_boxes(one) for one in looked], ignore_index=True))
    for path, refused in broken.items():
        told = {"code": refused.code, "where": Path(path).name, "params": dict(refused.params)}
        nothing = (float("nan"),) * 4
        units.append(Unit(region.village_of(path), "", len(units), 0, nothing, error=told))
    if not units:
        raise InputError("region_no_village", where=listed(Path(p).name for p in region.buildings))
    number = {u.plain: u.number for u in units if u.error is None}
    for one in looked:
        give_parts(region, one, units, number, place)
    if borders is not None:
        draw_outlines(borders, units)
    if region.households:
        findings += part_ledgers(region, looked, units, number, place)
    findings += _sampled(region, units)
    return Survey(units, findings)


def _unnamed(region: Region, looked: Sequence[Looked]) -> list[Finding]:
    """Rows that name no village, taken for one of the region's own name."""
    out = []
    for one in looked:
        if one.unnamed:
            params = {"name": region.name, "all": len(one.place)}
            out.append(Finding("region_unnamed", region.told(one.name), one.unnamed, params))
    return out


def _origins(region: Region) -> list[Finding]:
    """Licences of fetched files, each source once."""
    files = [*region.buildings, *region.weather]
    files += [tile for tiles in region.rasters.values() for tile in tiles]
    files += [str(region.folder / p) for p in (region.sources.boundaries,) if p]
    told: dict[str, list[Finding]] = {}
    for path in files:
        for origin in read_origin(path):
            told.setdefault(origin["title"], origin_findings(origin, Path(path).name))
    return [finding for found in told.values() for finding in found]


SIDES = ("west", "south", "east", "north")


def _boxes(one: Looked) -> pd.DataFrame:
    """How many features of a file each village has, and where they lie in degrees."""
    every = one.places.table()
    box = every[every["name"] != ""].reset_index(drop=True)
    box[[*SIDES]] = boxes_to_degrees(box[[*SIDES]].to_numpy(dtype=float), one.crs)
    return box


def _units(boxes: pd.DataFrame) -> list[Unit]:
    grouped = boxes.groupby(["code", "plain"], sort=False)
    box = grouped.agg(
        name=("name", "first"),
        west=("west", "min"), south=("south", "min"), east=("east", "max"), north=("north", "max"),
        count=("count", "sum"),
    ).reset_index()  # fmt: skip
    order = sorted(range(len(box)), key=lambda n: (natural_key(box["name"][n]), box["code"][n]))
    return [
        Unit(
            str(box["name"][row]), str(box["code"][row]), n, int(box["count"][row]),
            tuple(float(box[s][row]) for s in SIDES),  # type: ignore[arg-type]
        )
        for n, row in enumerate(order)
    ]  # fmt: skip


def _sampled(region: Region, units: list[Unit]) -> list[Finding]:
    """What each drawn village stands for.

    Raises
    ------
    InputError
        If a row names no village, or one of several of a name, or its weight is no number of at
        least 1; or a village has no row.
    """
    if region.sources.sample is None:
        return []
    from pvplanner.reading.tables import read_table

    path = region.folder / region.sources.sample
    table = read_table(path).rows
    columns = {fold(str(c)): str(c) for c in table.columns}
    village = next((columns[fold(n)] for n in VILLAGE if fold(n) in columns), None)
    if village is None or "weight" not in columns:
        told = {"key": "sample", "column": "village, weight", "columns": listed(table.columns)}
        raise InputError("region_column", where=path.name, **told)
    code = alias_of(list(columns.values()), "division_code", {})
    names, codes, strata = (
        texts_of(None if name is None else table[name], len(table))
        for name in (village, code, columns.get("stratum"))
    )
    weights = read_numbers(table[columns["weight"]])
    drawn: set[int] = set()
    of = {u.key: u for u in units}
    called = Called(of)
    for n, row in enumerate(table.index):
        hits = called.find(names[n], codes[n])
        key, where = f"{codes[n]}/{names[n]}".strip("/"), f"{path.name}, row {row}"
        if len(hits) != 1:
            known = listed(hits or of, 12)
            raise InputError("village_unknown", where=where, village=key, names=known)
        if not weights.iloc[n] >= 1:
            said = str(table[columns["weight"]].iloc[n])
            raise InputError("region_sample_row", where=where, village=key, weight=said)
        unit = of[hits[0]]
        if unit.number in drawn:
            raise InputError("region_table_twice", where=where, name=key)
        drawn.add(unit.number)
        unit.weight, unit.stratum = float(weights.iloc[n]), str(strata[n])
    lost = [u.key for u in units if u.number not in drawn and u.error is None]
    if lost:
        raise InputError("region_sample_lacks", where=path.name, names=listed(lost, 12))
    return _lone_strata(units, path.name)


def _lone_strata(units: Sequence[Unit], where: str) -> list[Finding]:
    """Strata of which one village stands for several: how much these differ is not known."""
    by: dict[str, list[float]] = {}
    for unit in units:
        if unit.error is None:
            by.setdefault(unit.stratum, []).append(unit.weight)
    lone = [name or "-" for name, own in by.items() if len(own) == 1 and own[0] > 1]
    return (
        [Finding("region_sample_lone", where, len(lone), {"names": listed(lone)})] if lone else []
    )
