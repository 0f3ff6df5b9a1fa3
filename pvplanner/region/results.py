"""A region's results: its tables, its hours, its villages' plans, read when asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pvplanner.errors import LANGUAGES, ConfigError, Finding, InputError, listed
from pvplanner.region.config import BASE, POOREST
from pvplanner.region.folder import ABOUT, Folder
from pvplanner.region.naming import Called
from pvplanner.region.units import Survey, Unit, from_json

if TYPE_CHECKING:
    from pvplanner.plan import Plan
    from pvplanner.region.plots import Plots
    from pvplanner.region.ranking import Ranking

HOURLY = ("pv_kw", "self_used_kw", "export_kw", "load_kw")
LEVELS = {"village": None, "township": 9, "county": 6, "region": 0}
"""Levels that hours add up to; of a division code so many digits."""


def open_region(folder: str | os.PathLike[str]) -> Results:
    """Open the folder of a region's run.

    Raises
    ------
    InputError
        If there is no run in it.
    """
    place = Path(folder)
    if not (place / ABOUT).is_file():
        raise InputError("region_none", where=str(place))
    return Results(place)


class Results:
    """What a region came to.

    Attributes
    ----------
    folder : Path
    about : dict
        Name, language, scenarios with their overrides, versions.
    table : DataFrame
        The main product: ``division_code``, ``village``, ``scenario``, ``measure``, ``value``,
        ``p90``, ``p10`` (nan where no range is known), ``shared`` (part of the range's variance
        that villages have in common).
    villages : DataFrame
        The same wide: a row a village and scenario, with ``stratum`` and ``weight``.
    region : DataFrame
        Sums over villages with their ranges.
    failed : DataFrame
        Villages that were set aside, with their error.
    hours : Hours
        Hour by hour, where it was asked for.
    plot : Plots
        Drawings (``pip install pvplanner[region]``).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        return f"Results({str(self.folder)!r})"

    @cached_property
    def survey(self) -> Survey:
        """Who lies where."""
        return from_json(json.loads((self.folder / "survey.json").read_text(encoding="utf-8")))

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios, the base first; that of the poorest data is apart."""
        return [name for name in self.about["scenarios"] if name != POOREST]

    def _read(self, name: str) -> pd.DataFrame:
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            raise InputError("region_not_whole", where=str(self.folder))
        return pd.read_parquet(path)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The long table."""
        return self._read("table")

    @cached_property
    def villages(self) -> pd.DataFrame:
        """A row a village and scenario."""
        return self._read("villages")

    @cached_property
    def poorest(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Villages, and what their doubt is made of, as if all had the poorest data."""
        return self._read("poorest_villages"), self._read("poorest_common")

    @cached_property
    def region(self) -> pd.DataFrame:
        """Sums over villages."""
        return self._read("region")

    @cached_property
    def common(self) -> pd.DataFrame:
        """What the doubt of each village is made of."""
        return self._read("common")

    @cached_property
    def failed(self) -> pd.DataFrame:
        """Villages that were set aside."""
        path = self.folder / "failed.json"
        rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        return pd.DataFrame(rows, columns=["division_code", "village", "code", "zh", "en"])

    def aside(self) -> list[tuple[str, str]]:
        """Villages of an unfinished run or a shard that were set aside, with the error."""
        from pvplanner.region.workers import why_text

        folder, out = Folder(self.folder), []
        for unit in self.survey.units:
            why = folder.failed(unit)
            if why is not None:
                out.append((unit.key, why_text(why, self.about["language"])))
        return out

    @cached_property
    def findings(self) -> list[Finding]:
        """What was found, each kind once, with the figures of the first village that has it; see
        :meth:`found` and :meth:`findings_of`.
        """
        return [Finding.from_dict(row) for row in self._found]

    @cached_property
    def found(self) -> pd.DataFrame:
        """How many villages have each kind of finding, doubtful ones first.

        Columns are ``code``, ``level`` (``doubt``, ``note``), ``villages`` (0: it is about the
        region's files), ``first`` (a village that has it) and what is said of that one in ``zh``
        and ``en``.
        """
        columns = ["code", "level", "villages", "first", *LANGUAGES]
        rows = [{**row, "first": next(iter(row["names"]), "")} for row in self._found]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def _found(self) -> list[dict[str, Any]]:
        path = self.folder / "findings.json"
        rows: list[dict[str, Any]] = (
            json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        )
        return rows

    def findings_of(self, village: str) -> list[Finding]:
        """What was found in one village, under whichever scenario.

        Raises
        ------
        InputError
            If there is no such village.
        """
        told = Folder(self.folder).findings(self.unit(village))
        return list({repr(finding.plain()): finding for _, finding in told}.values())

    @property
    def hours(self) -> Hours:
        """Hour by hour."""
        return Hours(self)

    @property
    def plot(self) -> Plots:
        """Drawings of the results."""
        from pvplanner.region.plots import Plots

        return Plots(self)

    def known_scenario(self, name: str) -> str:
        """A scenario's name, if there is one of it.

        Raises
        ------
        ConfigError
            If there is none.
        """
        if name not in self.scenarios:
            known = listed(self.scenarios, 12)
            raise ConfigError("region_scenario_unknown", where="scenario", name=name, known=known)
        return name

    def compare(self, one: str, other: str) -> pd.DataFrame:
        """Two scenarios side by side.

        Returns
        -------
        DataFrame
            ``division_code``, ``village``, ``measure``, the two by their names, ``difference``
            (the second less the first) and ``ratio``; measures that differ nowhere are left out.
        """
        parts = []
        for name in (self.known_scenario(one), self.known_scenario(other)):
            rows = self.table[self.table["scenario"] == name]
            parts.append(rows.set_index(["division_code", "village", "measure"])["value"])
        both = pd.concat(parts, axis=1, keys=[one, other] if one != other else [one, f"{other} "])
        first, second = both.iloc[:, 0], both.iloc[:, 1]
        told = both.assign(difference=second - first, ratio=second / first.where(first != 0))
        alike = (first.eq(second) | (first.isna() & second.isna())).groupby(level="measure").all()
        kept = alike.index[~alike]
        return told[told.index.get_level_values("measure").isin(kept)].reset_index()

    def supply_curve(self, scenario: str = BASE) -> pd.DataFrame:
        """Villages by what their energy costs, cheapest first.

        Returns
        -------
        DataFrame
            ``division_code``, ``village``, ``lcoe`` (currency per kWh), ``energy_kwh``,
            ``cumulative_kwh``; villages without energy or cost are left out.
        """
        rows = self.villages[self.villages["scenario"] == self.known_scenario(scenario)]
        known = rows[np.isfinite(rows["lcoe"]) & (rows["energy_kwh"] > 0)]
        order = known.sort_values(["lcoe", "division_code", "village"], kind="stable")
        made = order["energy_kwh"] * order["weight"]
        out = order[["division_code", "village", "lcoe"]].assign(
            energy_kwh=made, cumulative_kwh=made.cumsum()
        )
        return out.reset_index(drop=True)

    def rank(self, **wishes: Any) -> Ranking:
        """Which villages come first; see :func:`pvplanner.region.ranking.rank_villages`."""
        from pvplanner.region.ranking import rank_villages

        return rank_villages(self, **wishes)

    def unit(self, village: str) -> Unit:
        """A village by its name, its code, or ``code/name``.

        Raises
        ------
        InputError
            If there is no such village, or several of that name.
        """
        of = {u.key: u for u in self.survey.units}
        hits = Called(of).find(village)
        if len(hits) != 1:
            names = listed(hits or of, 12)
            raise InputError("village_unknown", where="village", village=village, names=names)
        return of[hits[0]]

    def plan(self, village: str, scenario: str = BASE) -> Plan:
        """The plan of one village, made when asked: its map and its report are drawn from it.

        Parameters
        ----------
        village : str
        scenario : str
        """
        from pvplanner.region.running import village_plan

        return village_plan(self, self.unit(village), self.known_scenario(scenario))


@dataclass(frozen=True)
class Hours:
    """8,760 hours of each village and scenario: ``pv_kw``, ``self_used_kw``, ``export_kw``,
    ``load_kw``, float32, of a typical year.
    """

    results: Results

    def units(self) -> list[Unit]:
        """Villages that have hours."""
        folder = Folder(self.results.folder)
        return [u for u in self.results.survey.units
                if (folder.unit(u) / "hours.parquet").is_file()]  # fmt: skip

    def village(self, name: str, scenario: str = BASE) -> pd.DataFrame:
        """Hours of one village.

        Raises
        ------
        InputError
            If hours were not asked for.
        """
        return self._of(self.results.unit(name), self.results.known_scenario(scenario))

    def _of(self, unit: Unit, scenario: str) -> pd.DataFrame:
        path = Folder(self.results.folder).unit(unit) / "hours.parquet"
        if not path.is_file():
            raise InputError("region_no_hours", where=str(self.results.folder))
        table = pd.read_parquet(path, filters=[("scenario", "==", scenario)])
        return table.sort_values("hour", kind="stable").reset_index(drop=True)

    def total(self, level: str = "region", scenario: str = BASE) -> pd.DataFrame:
        """Hours added up to townships, counties or the region, drawn villages by their weights.

        Parameters
        ----------
        level : {'village', 'township', 'county', 'region'}
            By the first 9 or 6 digits of the division code.

        Returns
        -------
        DataFrame
            ``place``, ``hour``, and the four, float64.
        """
        if level not in LEVELS:
            known = ", ".join(LEVELS)
            raise ConfigError("region_level", where="level", value=level, known=known)
        self.results.known_scenario(scenario)
        digits, sums = LEVELS[level], dict[str, np.ndarray]()
        for unit, table in self._each(scenario):
            place = unit.key if digits is None else unit.division_code[:digits]
            values = table[list(HOURLY)].to_numpy(dtype=float) * unit.weight
            sums[place] = sums[place] + values if place in sums else values
        parts = [
            pd.DataFrame(values, columns=list(HOURLY)).assign(place=place, hour=range(len(values)))
            for place, values in sorted(sums.items())
        ]  # fmt: skip
        if not parts:
            raise InputError("region_no_hours", where=str(self.results.folder))
        return pd.concat(parts, ignore_index=True)[["place", "hour", *HOURLY]]

    def _each(self, scenario: str) -> Iterator[tuple[Unit, pd.DataFrame]]:
        for unit in self.units():
            yield unit, self._of(unit, scenario)

    def to_netcdf(self, path: str | os.PathLike[str]) -> Path:
        """All hours as one NetCDF file: dimensions village, scenario, hour.

        Raises
        ------
        ConfigError
            If xarray is not installed.
        """
        try:
            import xarray
        except ImportError:
            raise ConfigError("region_no_xarray", where="hours") from None
        units, names = self.units(), self.results.scenarios
        if not units:
            raise InputError("region_no_hours", where=str(self.results.folder))
        stacked = {name: np.empty((len(units), len(names), 8760), np.float32) for name in HOURLY}
        for n, unit in enumerate(units):
            for k, scenario in enumerate(names):
                table = self._of(unit, scenario)
                for name in HOURLY:
                    stacked[name][n, k] = table[name].to_numpy()
        coords = {"village": [u.key for u in units], "scenario": names, "hour": np.arange(8760)}
        made = xarray.Dataset(
            {name: (("village", "scenario", "hour"), values, {"units": "kW"})
             for name, values in stacked.items()},
            coords=coords, attrs={"title": self.results.about["name"], "source": "pvplanner"},
        )  # fmt: skip
        target = Path(path)
        beside = target.with_name(f".{target.name}.part")
        made.to_netcdf(beside, engine="scipy")
        os.replace(beside, target)
        return target
