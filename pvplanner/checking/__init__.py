"""A dry look before the plan: what of each file will be used, where it lies, and whether it can be.

A township's technician sees here what was taken as what, what found no partner, and what the
village would yield if a doubtful unit, stamp or coordinate system were read the other way.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pvplanner import reference
from pvplanner.buildings import read_buildings, read_households
from pvplanner.buildings.households import meant_links
from pvplanner.errors import Finding, PVPlannerError
from pvplanner.plan import Plan, open_plan
from pvplanner.reference.ranges import ranges
from pvplanner.scenario import Scenario

__all__ = ["FileLook", "Join", "Look", "Measure", "Reading", "look_at"]

NEAR = 0.6
"""Ids at least this alike are shown beside each other (ratio of difflib)."""

MOST = 12
"""Ids that are listed of those without a partner."""


@dataclass(frozen=True)
class FileLook:
    """What becomes of one file.

    Attributes
    ----------
    key : str
        Of the scenario.
    name : str
        Of the file.
    taken : list of tuple
        Our column and the file's heading.
    unread, absent : list of str
        Headings that were not read, and columns of ours that are not in it (the default holds).
    findings : list of Finding
    """

    key: str
    name: str
    taken: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Join:
    """How two files meet: how many matched, and what found no partner on either side."""

    key: str
    matched: int
    left: list[str]
    right: list[str]
    near: list[tuple[str, str]]


@dataclass(frozen=True)
class Measure:
    """A figure of the village and the range in which such figures lie."""

    key: str
    value: float
    low: float
    high: float
    unit: str
    source: str

    @property
    def verdict(self) -> str:
        """``plausible``, ``too_low`` or ``too_high``."""
        if self.value < self.low:
            return "too_low"
        return "too_high" if self.value > self.high else "plausible"


@dataclass(frozen=True)
class Reading:
    """The village's energy if something doubtful is read in one way."""

    finding: str
    key: str
    value: str
    energy_kwh: float | None
    chosen: bool


@dataclass(frozen=True)
class Look:
    """All that ``pvplanner check SCENARIO`` shows.

    Attributes
    ----------
    scenario : Scenario
    files : list of FileLook
    joins : list of Join
    measures : list of Measure
    readings : list of Reading
    findings : list of Finding
        Of all files, what is doubtful first.
    place : dict
        ``latitude``, ``longitude``, ``province``, ``town``, ``distance_km``.
    plan : Plan
        Of which only the first stages are made.
    """

    scenario: Scenario
    files: list[FileLook]
    joins: list[Join]
    measures: list[Measure]
    readings: list[Reading]
    findings: list[Finding]
    place: dict[str, Any]
    plan: Plan


def look_at(scenario: Scenario, progress: Callable[[str], None] | None = None) -> Look:
    """Read all that a scenario names, and say what of it will be used.

    Parameters
    ----------
    scenario : Scenario
    progress : callable, optional
        Called with the name of each stage as it begins.

    Raises
    ------
    InputError, ConfigError
        If a file is not what it should be, as when the plan is made.
    """
    plan = open_plan(scenario, progress=progress)
    for stage in ("homes", "meter", "energy"):
        plan.result(stage)
    findings = list(plan.findings)
    return Look(
        scenario, _files(scenario, findings), _joins(scenario, plan), _measures(plan),
        _readings(scenario, plan, findings), findings, _place(plan), plan,
    )  # fmt: skip


def refusals(scenario: Scenario) -> list[PVPlannerError]:
    """What each file of a scenario is refused for, one by one: not only the first."""
    from pvplanner.demand import read_meter
    from pvplanner.weather import read_weather

    site, out = scenario.site, []
    tries: list[Callable[[], Any]] = []
    if site.buildings is not None:
        tries.append(lambda: read_buildings(
            str(site.buildings), crs=site.crs, datum=site.datum, layer=site.layer,
            columns=site.columns, survey=site.survey,
        ))  # fmt: skip
    if site.households is not None:
        path, columns = site.households, site.household_columns
        tries.append(lambda: read_households(path, columns=columns))
    if site.weather != "typical":
        tries.append(lambda: read_weather(site.weather, trusted=scenario.weather.trusted))
    if scenario.demand.meter is not None:
        meter, unit = scenario.demand.meter, scenario.demand.meter_unit
        tries.append(lambda: read_meter(meter, unit=unit))
    for attempt in tries:
        try:
            attempt()
        except PVPlannerError as error:
            out.append(error)
    return out


def _files(scenario: Scenario, findings: list[Finding]) -> list[FileLook]:
    out = []
    for key, path in scenario.paths().items():
        name = Path(path).name
        own = [f for f in findings if Path(f.where).name == name or f.where == key]
        told = next((f for f in own if f.code in ("columns_read", "columns_kept")), None)
        look = FileLook(key if "." in key else f"site.{key}", name, findings=[
            f for f in own if f is not told
        ])  # fmt: skip
        if told is not None:
            taken = re.findall(r"“([^”]*)” = (\w+)", str(told.params["taken"]))
            look.taken.extend((ours, heading) for heading, ours in taken)
            look.unread.extend(re.findall(r"“([^”]*)”", str(told.params["unread"])))
            absent = str(told.params["absent"])
            look.absent.extend([] if absent == "-" else absent.split(", "))
        out.append(look)
    return out


def _joins(scenario: Scenario, plan: Plan) -> list[Join]:
    out = []
    homes = plan.result("homes")
    if scenario.site.households is not None:
        _, links = read_households(
            scenario.site.households, columns=scenario.site.household_columns
        )
        ids = plan.result("buildings")["building_id"].astype(str)
        own = homes.loc[~homes["own_building"].astype(bool), "building_id"].dropna().astype(str)
        meant, _ = meant_links(links, ids, "")
        lost = [one for one in meant["building_id"].unique() if one not in set(own)]
        bare = [one for one in ids if one not in set(own)]
        out.append(_join("join_ledger", own.nunique(), lost, bare))
    meter = plan.result("meter")
    if len(meter.columns):
        known = homes["household_id"].astype(str).unique().tolist()
        lost = [name for name in meter.columns if name not in known]
        bare = [name for name in known if name not in meter.columns]
        out.append(_join("join_meter", len(meter.columns) - len(lost), lost, bare))
    return out


def _join(key: str, matched: int, left: list[str], right: list[str]) -> Join:
    near = []
    for one in left[:MOST]:
        close = difflib.get_close_matches(one, right, n=1, cutoff=NEAR)
        near += [(one, close[0])] if close else []
    return Join(key, matched, left, right, near)


def _measures(plan: Plan) -> list[Measure]:
    """Figures by which a wrong unit shows."""
    buildings, planes = plan.result("buildings"), plan.result("planes")
    used = buildings[buildings["status"] != "set_aside"]
    sloped = planes.loc[planes["surface_tilt"] > 5, "surface_tilt"]
    people, arrays = plan.result("people"), plan.result("arrays")
    homes = people.loc[people["consumption_kwh"].notna(), "consumption_kwh"]
    meter = plan.result("meter")
    by_house = arrays.groupby("building_id")["capacity_kwp"].sum()
    kwp, kwh = float(arrays["capacity_kwp"].sum()), float(plan.result("energy")["energy_kwh"].sum())
    values = {
        "outline_m2": used.geometry.area.median(),
        "floors_usual": used["floors"].median(),
        "roof_slope": sloped.median(),
        "household_kwp": by_house.median(),
        "village_kwh_per_kwp": kwh / kwp if kwp > 0 else np.nan,
        "light_over_typical": _light_ratio(plan),
        "household_kwh_day": homes.median() / 365,
        "meter_kwh_day": meter.sum().median() / 365 if len(meter.columns) else np.nan,
    }
    out = []
    for measure, usual in ranges().items():
        value = values.get(measure)
        if value is not None and np.isfinite(value):
            out.append(
                Measure(measure, float(value), usual.low, usual.high, usual.unit, usual.source)
            )
    return out


def _light_ratio(plan: Plan) -> float:
    """A weather file's light over the typical year's at the same place."""
    if plan.scenario.site.weather == "typical":
        return float("nan")
    from pvplanner.weather import usual_light

    first = next(iter(plan.parts.values()))
    usual = 1000 * usual_light(first.place.latitude, first.place.longitude)
    return float(first.result("year")["ghi"].sum() / usual)


_OTHERWISE: dict[str, Callable[[Finding, Scenario], list[dict[str, Any]]]] = {
    "sun_offset_undetermined": lambda f, s: _offsets(),
    "sun_offset_assumed": lambda f, s: _offsets(),
    "weather_noon_off": lambda f, s: _offsets(),
    "raster_unit_taken": lambda f, s: [{"site.height_unit": "m"}],
    "place_apart": lambda f, s: [
        {"site.crs": code} for code in re.findall(r"EPSG:\d+", str(f.params["instead"]))[:2]
    ],
    "weather_silent": lambda f, s: [{"weather.trusted": "all"}],
    "meter_odd": lambda f, s: [{"demand.meter_unit": "Wh"}],
}
"""For doubtful findings: the keys that would read the file otherwise."""


def _offsets() -> list[dict[str, Any]]:
    return [{"weather.sun_offset_minutes": minutes} for minutes in (-30.0, 0.0, 30.0)]


def _readings(scenario: Scenario, plan: Plan, findings: list[Finding]) -> list[Reading]:
    """The village's energy under each reading of what is doubtful."""
    as_read = float(plan.result("energy")["energy_kwh"].sum())
    out: list[Reading] = []
    for finding in findings:
        others = _OTHERWISE.get(finding.code)
        if others is None or any(r.finding == finding.code for r in out):
            continue
        out.append(Reading(finding.code, "as_read", "", as_read, True))
        for changes in others(finding, scenario):
            ((key, value),) = changes.items()
            out.append(Reading(finding.code, key, str(value), _energy(scenario, changes), False))
    return out


def _energy(scenario: Scenario, changes: dict[str, Any]) -> float | None:
    """Energy of the village under changed keys; unknown where they lead to a refusal."""
    try:
        energy = open_plan(scenario.override(changes)).result("energy")
    except PVPlannerError:
        return None
    return float(energy["energy_kwh"].sum())


def _place(plan: Plan) -> dict[str, Any]:
    # Of several villages the first is shown on the map of the region.
    place = next(iter(plan.parts.values())).place
    near = reference.find_place(place.latitude, place.longitude)
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "province": place.province,
        "town": near.town if near else None,
        "distance_km": near.distance_km if near else None,
    }
