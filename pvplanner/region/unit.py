"""One village under every scenario: what is read, reckoned and written for it.

The physics of scenarios that share it is done once; only totals leave the unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.buildings import judge_features
from pvplanner.buildings.ledger import joined_ledgers, understand_ledger
from pvplanner.errors import Finding, InputError, PVPlannerError, listed
from pvplanner.plan.joined import Runs
from pvplanner.plan.parts import find_villages, split_homes
from pvplanner.plan.plan import FINDERS
from pvplanner.plan.runner import value_of
from pvplanner.plan.site import file_name, joined_homes, named_buildings
from pvplanner.plan.stages import VILLAGE
from pvplanner.plan.store import SharedStore, Trace
from pvplanner.plan.worth import GRAPH
from pvplanner.projection import to_degrees
from pvplanner.reference import distance_km
from pvplanner.region.config import POOREST, Region
from pvplanner.region.measures import long_rows, parts_of_doubt, village_row
from pvplanner.region.units import Unit
from pvplanner.region.windows import read_ledgers, read_neighbours, read_unit
from pvplanner.scenario import Scenario
from pvplanner.scenario.doubts import key_findings
from pvplanner.storage import plain_texts

LIGHTS = 24
"""Skies that a worker keeps: villages of one weather site share one."""


class Lights:
    """Skies by the weather that they were made from, of the last villages of a process."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Trace, Any]] = {}

    def get(self, key: str) -> tuple[Trace, Any] | None:
        """A sky that an earlier village made."""
        return self._known.get(key)

    def put(self, key: str, trace: Trace, table: Any) -> None:
        """Keep a sky; the oldest goes."""
        if key not in self._known and len(self._known) >= LIGHTS:
            del self._known[next(iter(self._known))]
        self._known[key] = (trace, table)


class UnitStore(SharedStore):
    """Results of a unit; the sky of its weather is shared with the process's other units."""

    def __init__(self, inputs: str, lights: Lights) -> None:
        super().__init__(inputs)
        self._lights = lights

    def trace(self, key: str) -> Trace | None:
        """What a key gave, here or in another unit."""
        known = super().trace(key)
        found = None if known is not None else self._lights.get(key)
        if found is not None:
            super().keep(key, found[0], None, found[1])
            return found[0]
        return known

    by_value = ("year", "price_list")

    def hold(self, name: str, key: str, trace: Trace, table: Any) -> None:
        """Keep a stage's result; a sky for other units too."""
        super().hold(name, key, trace, table)
        if name == "sky":
            self._lights.put(key, trace, table)


@dataclass
class Made:
    """What a unit gives.

    Attributes
    ----------
    villages : DataFrame
        The ``villages`` table, a row a scenario.
    table : DataFrame
        The long table's rows.
    common : DataFrame
        ``scenario``, ``component``, ``shared``, ``own``: what the energy's doubt is made of.
    findings : list of tuple of str and Finding
        With the scenario in which each was found.
    hours, buildings, households : DataFrame
        Where asked.
    """

    villages: pd.DataFrame
    table: pd.DataFrame
    common: pd.DataFrame
    findings: list[tuple[str, Finding]]
    extra: dict[str, pd.DataFrame] = field(default_factory=dict)


@plain_texts
def run_unit(
    region: Region, unit: Unit, units: Sequence[Unit], *, inputs: str, lights: Lights,
    mosaics: Mapping[str, str], names: Sequence[str],
) -> Made:  # fmt: skip
    """Plan a village under the named scenarios.

    Parameters
    ----------
    region : Region
    unit : Unit
    units : sequence of Unit
        All of them: some are neighbours.
    inputs : str
        Hash of what the unit is made from.
    lights : Lights
    mosaics : mapping of str to str
        ``dsm``, ``dtm``, ``dem``: one raster each.
    names : sequence of str
        Of scenarios.

    Raises
    ------
    PVPlannerError
        If the village's files are not what they should be.
    """
    if unit.error is not None:
        raise InputError(unit.error["code"], where=unit.error["where"], **unit.error["params"])
    village = Village(region, unit, units, mosaics)
    store = UnitStore(inputs, lights)
    rows, table, common, findings = [], [], [], []
    extra: dict[str, list[pd.DataFrame]] = {name: [] for name in region.sources.outputs}
    for name in names:
        runs = village.runs(name, store)
        run = next(iter(runs.parts.values()))
        row = village_row(run.table)
        rows.append(row.assign(scenario=name))
        parts = parts_of_doubt(run.table, float(row["income_first_year"].iloc[0]))
        common.append(parts.assign(scenario=name))
        table.append(long_rows(row, parts).assign(scenario=name))
        told: set[str] = set()
        for finding in _findings(runs, village) if name != POOREST else ():
            key = repr(finding.plain())
            if key not in told:
                told.add(key)
                findings.append((name, finding))
        for kind in extra:
            extra[kind].append(EXTRAS[kind](run, runs.scenario).assign(scenario=name))
    named = {"division_code": unit.division_code, "village": unit.name}
    rows_, table_, common_ = (
        _named(pd.concat(parts, ignore_index=True), named) for parts in (rows, table, common)
    )
    more = {
        kind: _named(pd.concat(parts, ignore_index=True), named) for kind, parts in extra.items()
    }
    return Made(rows_, table_, common_, findings, more)


def _named(table: pd.DataFrame, named: Mapping[str, str]) -> pd.DataFrame:
    """A table of one village: under the region's names, its scenario beside them."""
    kept = [c for c in table.columns if c not in (*named, "scenario")]
    out = table.assign(**named)[[*named, "scenario", *kept]]
    out.attrs = {}
    return out


NEEDED = GRAPH.above(("villages", "common", "planes"))
"""Stages that every unit's tables are made of."""


def _findings(runs: Runs, village: Village) -> Iterator[Finding]:
    """What was found on the way to a unit's tables, whichever scenario had it first."""
    yield from key_findings(runs.scenario)
    yield from village.findings(runs.scenario)
    yield from runs.findings(name for name in FINDERS if name in NEEDED)


def _read_key(scenario: Scenario) -> str:
    """What of a scenario decides how the village's own files are understood."""
    read = (*VILLAGE, "finance.events", "site.household_columns", "site.households",
            "demand.meter", "demand.meter_unit", "site.columns")  # fmt: skip
    return repr([value_of(scenario, k) for k in read])


class Village:
    """A unit's inputs, read once for all its scenarios."""

    def __init__(
        self, region: Region, unit: Unit, units: Sequence[Unit], mosaics: Mapping[str, str]
    ) -> None:
        self.region, self.unit, self.units = region, unit, units
        self.mosaics = dict(mosaics)
        self.own = region.own(unit)
        self.raw = read_unit(unit)
        self.ledgers = read_ledgers(unit)
        self._given: dict[str, tuple[dict[str, Any], list[Finding]]] = {}

    def scenario(self, name: str) -> Scenario:
        """A scenario with the village's own overrides, name and files."""
        made = self.region.scenario(name, self.own)
        changes: dict[str, Any] = {"name": self.unit.name or self.region.name}
        if self.unit.name:
            changes["site.village"] = self.unit.name
        if len(self.unit.division_code) == 12 and self.unit.division_code.isdigit():
            changes["site.division_code"] = self.unit.division_code
        stated = self.own | self.region.scenarios[name]
        for key, path in self.mosaics.items():
            if f"site.{key}" not in stated and getattr(made.site, key) is None:
                changes[f"site.{key}"] = path
        if self.region.weather and "site.weather" not in stated and made.site.weather == "typical":
            changes["site.weather"] = self._weather
        return made.override(changes)

    @cached_property
    def _weather(self) -> str:
        """The weather file whose station lies nearest."""
        if len(self.region.weather) == 1:
            return self.region.weather[0]
        from pvplanner.plan.site import known_weather

        latitude, longitude = self._middle()
        places = [known_weather(path) for path in self.region.weather]
        away = distance_km(
            latitude, longitude, np.array([w.latitude for w in places]),
            np.array([w.longitude for w in places]),
        )  # fmt: skip
        return self.region.weather[int(np.argmin(away))]

    def _middle(self) -> tuple[float, float]:
        bounds = shapely.bounds(np.asarray(self.raw.geometry))
        middle = np.nanmedian((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
        crs = self.region.sources.crs or self.raw.crs
        lon, lat = to_degrees(crs).transform(*middle) if crs is not None else middle
        return float(lat), float(lon)

    def runs(self, name: str, store: SharedStore) -> Runs:
        """The village's stages under a scenario, its inputs given."""
        scenario = self.scenario(name)
        key = _read_key(scenario)
        if key not in self._given:
            self._given[key] = self._read(scenario)
            store.variants |= {id(table): key for table in self._given[key][0].values()}
        return Runs(GRAPH, scenario, store, lists=self._given[key][0])

    def findings(self, scenario: Scenario) -> list[Finding]:
        """What was found in the village's own files."""
        return self._given[_read_key(scenario)][1]

    def _read(self, scenario: Scenario) -> tuple[dict[str, Any], list[Finding]]:
        """Buildings, households and neighbours, and what was found in them."""
        from pvplanner.plan.tables import settle

        source = self.region.sources
        where = self.unit.parts[0].source
        made = judge_features(
            self.raw, where=where, crs=source.crs, datum=source.datum,
            columns=source.columns | scenario.site.columns,
        )  # fmt: skip
        # The region says whose a building is, whatever the file calls it.
        if self.unit.name:
            made["village"] = self.unit.name
        # All of one code, else they would be several villages.
        told = made["division_code"].dropna().mode()
        code = scenario.site.division_code or (str(told.iloc[0]) if len(told) else None)
        if code is not None:
            made["division_code"] = code
        features, findings = named_buildings(scenario, made, where)
        features = settle(features)
        named, more = find_villages(features, where)
        homes, others = self._homes(scenario, features)
        given = {
            "features": features, "named": named, "families": settle(homes),
            "around": settle(self._around(features, scenario)),
        }  # fmt: skip
        return given, [*findings, *more, *others]

    def _homes(
        self, scenario: Scenario, features: gpd.GeoDataFrame
    ) -> tuple[pd.DataFrame, list[Finding]]:
        read = None
        source = self.region.sources
        columns = source.household_columns | scenario.site.household_columns
        where = "region.households"
        if scenario.site.households is not None:
            from pvplanner.buildings import read_households

            where = file_name(scenario.site.households)
            read = read_households(scenario.site.households, columns=columns)
        elif self.ledgers:
            where = listed(name for name, _ in self.ledgers)
            # Each is understood for itself: it has headings and units of its own.
            known = [(n, understand_ledger(t, Path(n), columns)) for n, t in self.ledgers]
            read = known[0][1] if len(known) == 1 else joined_ledgers(known)
        homes, findings = joined_homes(features["building_id"], read, where)
        parted, more = split_homes(homes, features, where)
        return parted, [*findings, *more]

    def _around(self, features: gpd.GeoDataFrame, scenario: Scenario) -> pd.DataFrame:
        """Buildings beyond the border of known height, where no surface model shows them."""
        nothing = pd.DataFrame({"building_id": pd.Series(dtype="str")})
        site, reach = scenario.site, self.region.sources.reach_m
        known = features["height_m"].notna().any()
        if site.dsm or site.points or not known or reach == 0 or len(self.units) == 1:
            return nothing
        raw = read_neighbours(self.unit, self.units, reach)
        if raw is None:
            return nothing
        source = self.region.sources
        try:
            made = judge_features(
                raw, where=self.unit.parts[0].source, crs=source.crs, datum=source.datum,
                columns=source.columns | scenario.site.columns,
            )  # fmt: skip
        except PVPlannerError:
            # What is wrong with a neighbour is told where that village is planned.
            return nothing
        made = made[made["status"] != "set_aside"].to_crs(features.crs)
        box = features.total_bounds + np.array([-reach, -reach, reach, reach])
        bounds = made.geometry.bounds.to_numpy()
        near = (
            (bounds[:, 0] <= box[2]) & (bounds[:, 2] >= box[0])
            & (bounds[:, 1] <= box[3]) & (bounds[:, 3] >= box[1])
        )  # fmt: skip
        made = made[near].reset_index(drop=True)
        made["building_id"] = "around:" + made["building_id"].astype(str)
        made.attrs = {}
        return made


def _buildings(run: Any, scenario: Scenario) -> pd.DataFrame:
    """Buildings with what stands on them, in degrees, as GeoParquet is read everywhere."""
    made = run.table("buildings")
    totals = run.table("building_totals").drop(columns="building_id")
    totals["suitability"] = run.table("suitability")["suitability"].to_numpy()
    why = run.table("grey_roofs")
    columns = ["building_id", "project_class", "status", "area_m2", "floors", "height_m"]
    out = made[[*columns, "geometry"]].to_crs(4326).join(totals)
    out["status_reason"] = why["status_reason"].to_numpy()
    returns = run.table("returns")
    for name in ("income_first_year", "capital", "avoided_t"):
        out[name] = returns[name].to_numpy()
    return out


def _households(run: Any, scenario: Scenario) -> pd.DataFrame:
    """Households by identifier, without names, incomes or marks of low income."""
    held = run.table("holdings")
    kept = [c for c in ("household_id", "project_class", "model", "capacity_kwp", "energy_kwh",
                        "modules") if c in held]  # fmt: skip
    chosen, demand = run.table("chosen"), run.table("demand")
    out = held[kept].reset_index(drop=True)
    for name in ("income_first_year", "income_mean", "npv", "payback_years", "capital"):
        out[name] = chosen[name].to_numpy()
    out["self_used_kwh"] = demand["self_used_kwh_0"].to_numpy()
    out["avoided_t"] = run.table("carbon")["avoided_t"].to_numpy()
    return out


def _hours(run: Any, scenario: Scenario) -> pd.DataFrame:
    from pvplanner.plan.hourly import village_hours

    return village_hours(run.table, scenario)


EXTRAS: dict[str, Callable[[Any, Scenario], pd.DataFrame]] = {
    "hours": _hours, "buildings": _buildings, "households": _households,
}  # fmt: skip
"""Outputs beside the tables of villages."""
