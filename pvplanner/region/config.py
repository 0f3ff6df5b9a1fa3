"""What a region is: its sources, its scenarios, what is said of single villages, how it is ranked.

Read from one TOML file; paths are relative to it and may be patterns (``dsm/*.tif``). A scenario is
the base with named overrides: dotted keys (``"finance.capex_per_w" = 3.2``) or tables alike.
"""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from pydantic import Field, ValidationError

from pvplanner.errors import ConfigError, listed
from pvplanner.reading.kinds import RASTERS, VECTORS
from pvplanner.reading.origins import SUFFIX
from pvplanner.reading.tables import read_small_table, read_table
from pvplanner.reading.values import one_spelling, part_or_number, plain_text
from pvplanner.region.headings import SCENARIO
from pvplanner.scenario import OTHER_PATHS, PATH_KEYS, Scenario, read_toml
from pvplanner.scenario.frozen import Frozen, types_of
from pvplanner.scenario.kinds import Datum
from pvplanner.scenario.refusals import config_error

if TYPE_CHECKING:
    from pvplanner.region.units import Unit

BASE = "base"
"""Name of the scenario without overrides."""

POOREST = "as_poorest_data"
"""Name of the scenario in which every village is known by its outlines alone."""

SEEN = ("site.dsm", "site.points", "site.planes", "site.survey", "site.horizon")
"""What some villages have and others lack: surface models, roof models, surveys."""

OUTPUTS = ("hours", "buildings", "households")


class Sources(Frozen):
    """``[region]``: files of the whole region."""

    buildings: str | list[str]
    layer: str | None = None
    crs: str | None = None
    datum: Datum = "wgs84"
    columns: dict[str, str] = Field(default_factory=dict)
    village_column: str | None = None
    division_column: str | None = None
    boundaries: str | None = None
    boundary_name: str | None = None
    boundary_code: str | None = None
    households: str | list[str] | None = None
    household_columns: dict[str, str] = Field(default_factory=dict)
    weather: str | list[str] = "typical"
    dsm: str | list[str] | None = None
    dtm: str | list[str] | None = None
    dem: str | list[str] | None = None
    sample: str | None = None
    """A table of the villages that were drawn: ``village``, ``stratum``, ``weight`` (how many
    villages each stands for) and, where known, ``villages`` of its stratum."""
    reach_m: float = Field(default=300.0, ge=0, le=5000)
    """How far beyond a village's border buildings are looked at that stand in its light."""
    outputs: list[Literal["hours", "buildings", "households"]] = Field(default_factory=list)
    hours_format: Literal["parquet", "netcdf"] = "parquet"


class Rank(Frozen):
    """``[rank]``: how many villages are chosen, and by what."""

    choose: int = Field(default=5, ge=1)
    scenario: str = BASE
    weights: dict[str, float] = Field(default_factory=dict)
    must: list[str] | dict[str, Any] = Field(default_factory=list)
    budget: float | None = Field(default=None, gt=0)
    table: str | None = None
    draws: int = Field(default=2000, ge=100, le=100_000)
    seed: int = 1
    weight_spread: float = Field(default=0.5, ge=0, le=2)
    """How far the weights are varied: the standard deviation of their logarithm."""


class RegionFile(Frozen):
    """The whole file."""

    name: str = Field(default="region", min_length=1, max_length=200)
    language: Literal["zh", "en"] = "zh"
    region: Sources
    base: dict[str, Any] | str = Field(default_factory=dict)
    scenarios: dict[str, dict[str, Any]] | str = Field(default_factory=dict)
    grid: dict[str, Any] = Field(default_factory=dict)
    village: list[dict[str, Any]] = Field(default_factory=list)
    rank: Rank | None = None


@dataclass(frozen=True)
class Region:
    """A region as its file says, every path made whole.

    Attributes
    ----------
    name, language : str
    folder : Path
        Of the file; paths of overrides are relative to it.
    sources : Sources
    buildings, households, weather : tuple of str
        Files, in a fixed order; ``weather`` is empty where each village has its typical year.
    rasters : dict of str to tuple of str
        ``dsm``, ``dtm``, ``dem``: their tiles.
    base : Scenario
    scenarios : dict of str to dict
        Overrides by name; :data:`BASE` has none and comes first.
    villages : dict of str to dict
        Overrides of single villages by their name, or ``code/name``.
    rank : Rank or None
    """

    name: str
    language: str
    folder: Path
    sources: Sources
    buildings: tuple[str, ...]
    households: tuple[str, ...]
    weather: tuple[str, ...]
    rasters: dict[str, tuple[str, ...]]
    base: Scenario
    scenarios: dict[str, dict[str, Any]]
    villages: dict[str, dict[str, Any]] = field(default_factory=dict)
    rank: Rank | None = None

    def scenario(self, name: str, village: Mapping[str, Any] | None = None) -> Scenario:
        """The base under a named scenario; a village's own overrides stand over both."""
        changes = {**self.scenarios[name], **(village or {})}
        if name == POOREST:
            changes |= dict.fromkeys(SEEN)
        return self.base.override(changes) if changes else self.base

    def own(self, unit: Unit) -> dict[str, Any]:
        """What is said of a village alone: by its code and name, or by one of them."""
        spelt = {plain_text(name): changes for name, changes in self.villages.items()}
        wanted = (plain_text(unit.key), plain_text(unit.name), unit.division_code)
        return next((spelt[name] for name in wanted if name in spelt), {})

    def told(self, path: str) -> str:
        """A file's name as messages have it: with its folder where several have the name."""
        every = (*self.buildings, *self.households)
        return _apart(path, [p for p in every if Path(p).name == Path(path).name], self.folder)

    def village_of(self, path: str) -> str:
        """The village of a file that names none: its own name, or its folder's."""
        stem = Path(path).stem
        heads = {str(Path(p).parent) for p in self.buildings if Path(p).stem == stem}
        return stem if len(heads) <= 1 else _apart(str(Path(path).parent), heads, self.folder)

    def files(self) -> list[str]:
        """Every input file."""
        shared = [*self.buildings, *self.households, *self.weather]
        shared += [one for tiles in self.rasters.values() for one in tiles]
        named = [self.sources.boundaries, self.sources.sample, self.rank and self.rank.table]
        every = [self.scenario(name) for name in self.scenarios]
        own = [self.base.override(changes) for changes in self.villages.values()]
        told = [path for one in (*every, *own) for path in one.paths().values()]
        return sorted({str(p) for p in (*shared, *named, *told) if p})


def _apart(path: str, alike: Iterable[str], folder: Path) -> str:
    """A path's last name; as much of it as tells it from others of the name."""
    name, others = Path(path).name, {str(Path(p)) for p in alike}
    if sum(Path(p).name == name for p in others) <= 1:
        return name
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        # On another drive.
        return Path(path).as_posix()


def read_region(path: str | os.PathLike[str]) -> Region:
    """Read a region's file.

    Raises
    ------
    ConfigError
        If the file is missing or no TOML, holds an unknown key or an impossible value, or a pattern
        finds no file.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "region.toml"
    read = _checked(file)
    folder = file.resolve().parent
    base = _base(read.base, folder, file, read)
    given = _scenarios(read, folder, file)
    crossed = _crossed(read.grid, file)
    twice = [name for name in crossed if name in given]
    if twice:
        raise ConfigError("region_scenario_twice", where=f"{file} [grid]", name=twice[0])
    named = {BASE: {}, **given, **crossed}
    made = Region(
        read.name, read.language, folder, read.region,
        _found(folder, read.region.buildings, "region.buildings"),
        _found(folder, read.region.households, "region.households"),
        () if read.region.weather == "typical"
        else _found(folder, read.region.weather, "region.weather"),
        {name: _found(folder, getattr(read.region, name), f"region.{name}")
         for name in ("dsm", "dtm", "dem") if getattr(read.region, name)},
        base, {name: _whole_paths(changes, folder) for name, changes in named.items()},
        _villages(read.village, folder, file), read.rank,
    )  # fmt: skip
    held = _ranked_too(made)
    for name in held.scenarios:
        _tried(held, name, {}, f"{file} [scenarios.{name}]")
    for village, changes in held.villages.items():
        _tried(held, BASE, changes, f"{file} [[village]] {village}")
    _one_currency(held, file)
    return held


def _one_currency(region: Region, file: Path) -> None:
    """Money of a region is summed and compared: it is all of one currency."""
    usual = region.base.finance.currency
    for name, changes in (*region.scenarios.items(), *region.villages.items()):
        other = changes.get("finance.currency", usual)
        if other != usual:
            where = f"{file} {name} [finance.currency]"
            raise ConfigError("region_currencies", where=where, one=usual, other=str(other))


def _ranked_too(region: Region) -> Region:
    """A region that is ranked, with one more scenario where villages are known unequally well.

    In it all are known by their outlines alone: a village with a drone's model and one with bare
    outlines do not compare.
    """
    if region.rank is None:
        return region
    own = any(set(changes) & set(SEEN) for changes in region.villages.values())
    stated = any(getattr(region.base.site, key.partition(".")[2]) for key in SEEN)
    if not (own or stated or region.rasters.get("dsm")):
        return region
    if region.rank.scenario not in region.scenarios:
        known = listed(region.scenarios, 12)
        raise ConfigError(
            "region_scenario_unknown", where="rank.scenario", name=region.rank.scenario, known=known
        )
    bare = dict(region.scenarios[region.rank.scenario]) | dict.fromkeys(SEEN)
    return replace(region, scenarios={**region.scenarios, POOREST: bare})


def _checked(file: Path) -> RegionFile:
    data = read_toml(file)
    inner = data.get("region")
    if isinstance(inner, dict) and "scenarios" in inner and "scenarios" not in data:
        data["scenarios"] = inner.pop("scenarios")
    try:
        return RegionFile(**data)
    except ValidationError as error:
        told = config_error(error, RegionFile)
        key = f" [{told.where}]" if told.where else ""
        raise ConfigError(told.code, where=f"{file}{key}", **told.params) from None


def _base(given: dict[str, Any] | str, folder: Path, file: Path, read: RegionFile) -> Scenario:
    if isinstance(given, str):
        return Scenario.from_toml(folder / given)
    told = _whole_paths(flat(given), folder)
    told = {"name": read.name, "language": read.language} | told
    try:
        return Scenario().override(told)
    except ConfigError as error:
        where = f"{file} [base.{error.where}]"
        raise ConfigError(error.code, where=where, **error.params) from None


def flat(given: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys; a table that is a key's own value stays one."""
    out: dict[str, Any] = {}
    for key, value in given.items():
        name = f"{head}{key}"
        if isinstance(value, dict) and name not in TABLE_KEYS:
            out |= flat(value, f"{name}.")
        else:
            out[name] = value
    return out


TABLE_KEYS = frozenset({"site.columns", "site.household_columns"})
"""Keys whose values are tables of a file's own names, which may hold dots."""


def _scenarios(read: RegionFile, folder: Path, file: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(read.scenarios, str):
        if BASE in read.scenarios:
            raise ConfigError("region_scenario_base", where=f"{file} [scenarios.{BASE}]", name=BASE)
        return {name: flat(changes) for name, changes in read.scenarios.items()}
    path = folder / read.scenarios
    table, lines = read_small_table(path), read_table(path).rows.index
    names = [c for c in table.columns if c.casefold() in SCENARIO]
    if not names:
        raise ConfigError("region_list_name", where=str(path), columns=listed(table.columns))
    out: dict[str, dict[str, Any]] = {}
    titles = table[names[0]]
    if pd.api.types.is_numeric_dtype(titles):
        titles = one_spelling(titles)
    titles = titles.fillna("").astype(str).str.strip()
    for line, name, row in zip(lines, titles, table.to_dict("records"), strict=True):
        where = f"{read.scenarios}, row {line}"
        if not name:
            raise ConfigError("region_scenario_blank", where=where)
        if name == BASE:
            raise ConfigError("region_scenario_base", where=where, name=name)
        if name in out:
            raise ConfigError("region_scenario_twice", where=where, name=name)
        cells = {k: v for k, v in row.items() if k != names[0] and not pd.isna(v) and v != ""}
        out[name] = {key: _cell(key, value) for key, value in cells.items()}
    return out


def _cell(key: str, value: Any) -> Any:
    """A cell as TOML would have it for its key: numbers, parts of a hundred, yes and no; a code or
    a path stays the text that it is. One text in a column makes texts of its numbers.
    """
    wanted = types_of(Scenario, key)
    if isinstance(value, str):
        value = value.strip()
        if value.casefold() in ("true", "false"):
            return value.casefold() == "true"
        number = part_or_number(value) if wanted & {int, float} else None
        value = value if number is None else number
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # A sheet holds a code as a number.
    return str(value) if isinstance(value, int) and wanted and wanted <= TEXT else value


TEXT = frozenset({str, type(None)})


def _crossed(grid: Mapping[str, Any], file: Path) -> dict[str, dict[str, Any]]:
    """Every combination of the grid's lists, named by its values."""
    lists = flat(grid)
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ConfigError("region_grid_list", where=f"{file} [grid]", key=key)
    if not lists:
        return {}
    out = {}
    for values in itertools.product(*lists.values()):
        changes = dict(zip(lists, values, strict=True))
        out[", ".join(f"{key.rpartition('.')[2]}={v}" for key, v in changes.items())] = changes
    return out


def _villages(
    given: Iterable[Mapping[str, Any]], folder: Path, file: Path
) -> dict[str, dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for one in given:
        own = dict(one)
        name = str(own.pop("name", "") or "").strip()
        code = own.pop("division_code", None)
        name = "/".join(filter(None, (str(code or ""), name)))
        if not name:
            raise ConfigError("region_village_name", where=f"{file} [[village]]")
        if name in out:
            raise ConfigError("region_scenario_twice", where=f"{file} [[village]]", name=name)
        out[name] = _whole_paths(flat(own), folder)
    return out


_PATHS = frozenset(
    {f"site.{key}" for key in PATH_KEYS} | {f"{part}.{key}" for part, key in OTHER_PATHS}
)


def _whole_paths(changes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {
        key: str(folder / value)
        if key in _PATHS and isinstance(value, str) and value != "typical" else value
        for key, value in changes.items()
    }  # fmt: skip


def _tried(region: Region, name: str, village: Mapping[str, Any], where: str) -> None:
    try:
        region.scenario(name, village)
    except ConfigError as error:
        raise ConfigError(error.code, where=f"{where} {error.where}", **error.params) from None


def _found(folder: Path, given: str | list[str] | None, key: str) -> tuple[str, ...]:
    """Files that paths and patterns name, each once, by name."""
    out: list[str] = []
    for one in [given] if isinstance(given, str) else given or []:
        place = folder / one
        if place.is_dir() and place.suffix.lower() != ".gdb":
            hits = _data(str(p) for p in place.iterdir() if p.name[0] != ".")
        elif re.search(r"[*?\[]", one) and not place.exists():
            hits = _data(glob.glob(str(place), recursive=True))
        else:
            hits = [str(place)]
        missing = [hit for hit in hits if not os.path.exists(hit)]
        if missing or not hits:
            raise ConfigError("file_missing", where=f"{key}: {missing[0] if missing else place}")
        out += [hit for hit in hits if hit not in out]
    return tuple(out)


def _data(names: Iterable[str]) -> list[str]:
    """Files that hold data, in order: what lies beside a Shapefile or a raster is no other one."""
    known = {*VECTORS, *RASTERS, ".parquet", ".geoparquet", ".csv", ".xlsx", ".xlsm", ".txt",
             ".epw", ".json", ".las", ".laz"}  # fmt: skip
    kept = [name for name in names
            if Path(name).suffix.lower() in known and not name.endswith(SUFFIX)]  # fmt: skip
    return sorted(kept, key=_by_number)


def _by_number(name: str) -> tuple[Any, ...]:
    return tuple(int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name))
