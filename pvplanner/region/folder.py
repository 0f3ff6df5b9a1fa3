"""A region's folder: what belongs to it, which units are done, and what each was made from.

A unit's files are written beside their place and renamed there whole, with a note of the key of
each scenario: all that its figures hang on. A unit is done where the note has today's keys.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pvplanner.errors import ConfigError, Finding, InputError, listed
from pvplanner.plan.runner import code
from pvplanner.plan.store import FileHashes, hash_bytes_of, hash_values, write_whole
from pvplanner.region.config import OUTPUTS, Region
from pvplanner.region.unit import Made
from pvplanner.region.units import Part, Survey, Unit, as_json, from_json
from pvplanner.scenario import Scenario
from pvplanner.storage import plain_texts

ABOUT, SURVEY, DONE, FAILED = "region.json", "survey.json", "done.json", "failed.json"
INPUTS, UNITS = "inputs", "units"
TABLES = ("villages", "table", "common")
"""What every unit gives, beside the outputs that were asked for."""

FILES = (
    SURVEY, FAILED, "findings.json", "columns.csv", "index.html", "rank.html", "villages.gpkg",
    "hours.nc", "table.csv", "region.csv",
    *(f"{name}.parquet" for name in
      ("table", "villages", "region", "common", "poorest_villages", "poorest_common")),
)  # fmt: skip
FOLDERS = (INPUTS, UNITS, *OUTPUTS)
"""What a run writes into its folder beside :data:`ABOUT`."""


@contextmanager
def room_on_disk(folder: Path) -> Iterator[None]:
    """A full disk as one clear line.

    Raises
    ------
    InputError
        If the disk has no room left.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise InputError("disk_full", where=str(folder)) from None
        raise


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk, or a user's part of it, is full."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error)


@dataclass
class Folder:
    """The folder of a region's run.

    Attributes
    ----------
    place : Path
    """

    place: Path

    def unit(self, unit: Unit) -> Path:
        """Folder of a unit."""
        return self.place / UNITS / unit.folder

    def about(self) -> dict[str, Any] | None:
        """What the folder says of itself; ``None`` where it says nothing."""
        return _object(self.place / ABOUT)

    def claim(self, about: Mapping[str, Any], inputs: Iterable[str] = ()) -> None:
        """Make the folder this region's.

        Parameters
        ----------
        about : mapping
        inputs : iterable of str
            Files that are read: none may be written over or cleared away.

        Raises
        ------
        ConfigError
            If an input lies where the run writes, or files of its names are somebody's own.
        InputError
            If it holds another region's results.
        """
        known = self.about()
        self._guard(inputs, known is None)
        if known is not None and known.get("identity") != about["identity"]:
            raise InputError(
                "region_folder_other", where=str(self.place), name=str(known.get("name"))
            )
        self.place.mkdir(parents=True, exist_ok=True)
        write_whole(self.place / ABOUT, dumps(about))
        if not (self.place / UNITS).is_dir():
            (self.place / UNITS).mkdir(exist_ok=True)

    def _guard(self, inputs: Iterable[str], fresh: bool) -> None:
        """Nothing of somebody else's is written over: neither an input nor what stands there."""
        ours = [(self.place / name).resolve() for name in (*FILES, *FOLDERS)]
        for given in inputs:
            path = Path(given).resolve()
            if any(path == one or one in path.parents for one in ours):
                raise ConfigError("output_is_input", where=str(self.place), file=path.name)
        there = [name for name in (*FILES, *FOLDERS) if (self.place / name).exists()]
        if fresh and there:
            raise ConfigError("output_taken", where=str(self.place), files=listed(there))

    def finish(self, state: str) -> None:
        """Say that every unit of this run is done or set aside, and of which state."""
        write_whole(self.place / ABOUT, dumps({**(self.about() or {}), "state": state}))

    def survey(self, key: str) -> Survey | None:
        """What was seen of the files, if they are what they were."""
        told = _object(self.place / SURVEY)
        if told is None or told.get("key") != key:
            return None
        found = from_json(told)
        paths = {p.path if p.copied else p.rows for u in found.units for p in (*u.parts, *u.ledger)}
        return found if all(os.path.exists(path) for path in paths) else None

    def keep_survey(self, survey: Survey, key: str) -> None:
        """Keep what was seen."""
        write_whole(self.place / SURVEY, dumps({"key": key, **as_json(survey)}))

    def done(self, unit: Unit) -> dict[str, str]:
        """Key of each scenario that a unit has; none where a file of it is lost or damaged."""
        place = self.unit(unit)
        told = _object(place / DONE) or {}
        files, keys = told.get("files"), told.get("scenarios")
        if told.get("unit") != unit.key or not isinstance(files, dict) or not files:
            return {}
        whole = all(
            (place / name).is_file() and hash_bytes_of(place / name) == known
            for name, known in files.items()
        )
        return keys if whole and isinstance(keys, dict) else {}

    def failed(self, unit: Unit) -> dict[str, Any] | None:
        """Why a unit was set aside."""
        return _object(self.unit(unit) / FAILED)

    def set_aside(self, unit: Unit, why: Mapping[str, Any]) -> None:
        """Set a unit aside with its error."""
        place = self.unit(unit)
        place.mkdir(parents=True, exist_ok=True)
        write_whole(place / FAILED, dumps(why))

    def keep(self, unit: Unit, made: Made, keys: Mapping[str, str]) -> None:
        """Keep what a unit gave: all of it or nothing."""
        place = self.unit(unit)
        beside = place.with_name(f".{place.name}.{os.getpid()}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            tables = {name: getattr(made, name) for name in TABLES} | made.extra
            hashes = {}
            for name, table in tables.items():
                file = f"{name}.parquet"
                write_table(table, beside / file)
                hashes[file] = hash_bytes_of(beside / file)
            found = [{"scenario": name, **finding.plain()} for name, finding in made.findings]
            write_whole(beside / "findings.json", dumps(found))
            told = {"unit": unit.key, "scenarios": dict(keys), "files": hashes}
            write_whole(beside / DONE, dumps(told))
            old = place.with_name(f".{place.name}.{os.getpid()}.old")
            shutil.rmtree(old, ignore_errors=True)
            if place.exists():
                os.replace(place, old)
            os.replace(beside, place)
            shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def joined(self, unit: Unit, made: Made, kept: Sequence[str], names: Sequence[str]) -> Made:
        """What a unit gave now, with what it had of scenarios that have not changed."""
        if not kept:
            return made
        place = {name: n for n, name in enumerate(names)}

        def both(name: str, fresh: pd.DataFrame) -> pd.DataFrame:
            old = self.table(unit, name)
            every = pd.concat([old[old["scenario"].isin(kept)], fresh], ignore_index=True)
            order = every["scenario"].map(place).argsort(kind="stable")
            return every.iloc[order].reset_index(drop=True)

        found = [(n, f) for n, f in self.findings(unit) if n in kept] + made.findings
        found.sort(key=lambda pair: place[pair[0]])
        tables = {name: both(name, getattr(made, name)) for name in TABLES}
        extra = {name: both(name, table) for name, table in made.extra.items()}
        return Made(tables["villages"], tables["table"], tables["common"], found, extra)

    @plain_texts
    def table(self, unit: Unit, name: str) -> pd.DataFrame:
        """A table that a unit gave."""
        path = self.unit(unit) / f"{name}.parquet"
        if name == "buildings":
            import geopandas as gpd

            return gpd.read_parquet(path)
        return pd.read_parquet(path)

    def tables(self, units: Sequence[Unit], name: str) -> pd.DataFrame:
        """A table that units gave, one under the other; of one without outlines."""
        # One by one, and each as what it is: a folder called ``year=2026`` is no column of ours.
        files = (self.unit(unit) / f"{name}.parquet" for unit in units)
        parts = [_small_table(path.read_bytes()) for path in files]
        return pa.concat_tables(parts, promote_options="permissive").to_pandas()

    def findings(self, unit: Unit) -> list[tuple[str, Finding]]:
        """What was found in a unit."""
        told = _read(self.unit(unit) / "findings.json") or []
        return [(one["scenario"], Finding.from_dict(one)) for one in told]

    def tidy(self) -> None:
        """Clear what broken runs left."""
        from pvplanner.plan.store import process_runs

        for part in (self.place / UNITS).glob(".*"):
            pid = part.name.split(".")[-2]
            if not (pid.isdigit() and int(pid) != os.getpid() and process_runs(int(pid))):
                shutil.rmtree(part, ignore_errors=True)
        for part in (self.place / INPUTS).glob(".*.part"):
            part.unlink(missing_ok=True)


def _small_table(body: bytes) -> Any:
    """A Parquet file of a few rows: threads would cost more than they do."""
    return pq.ParquetFile(pa.BufferReader(body), pre_buffer=False).read(use_threads=False)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _object(path: Path) -> dict[str, Any] | None:
    """A file's JSON object; ``None`` where there is none."""
    told = _read(path)
    return told if isinstance(told, dict) else None


def dumps(told: Any) -> bytes:
    """JSON, the same bytes for the same; what has an order keeps it."""
    return json.dumps(told, ensure_ascii=False, indent=1, default=str).encode()


def write_table(table: pd.DataFrame, path: Path) -> None:
    """A table as Parquet, the same bytes for the same; GeoParquet where it has outlines."""
    if hasattr(table, "geometry") and hasattr(table, "crs"):
        table.to_parquet(path, index=False, compression="zstd")
        return
    made = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(made.replace_schema_metadata(None), path, compression="zstd")


def identity(region: Region) -> str:
    """Hash of what makes two regions the same: whose buildings, and by what they are told."""
    source = region.sources
    return hash_values({
        "buildings": [region.told(p) for p in region.buildings], "name": region.name,
        "village": [source.village_column, source.division_column, source.boundaries,
                    source.boundary_name, source.layer],
    })  # fmt: skip


def survey_key(region: Region, hashes: FileHashes) -> str:
    """Hash of all that decides who lies where."""
    source = region.sources
    files = [*region.buildings, *region.households]
    files += [str(region.folder / p) for p in (source.boundaries, source.sample) if p]
    told = [(region.told(p), hashes.of(p)) for p in files]
    held = source.model_dump(exclude={"weather", "dsm", "dtm", "dem", "outputs", "reach_m"})
    return hash_values({"files": told, "source": held, "code": code(), "name": region.name})


class Keys:
    """What each unit hangs on under each scenario."""

    def __init__(self, region: Region, survey: Survey, hashes: FileHashes) -> None:
        self.region, self.survey, self._hashes = region, survey, hashes
        names = [*region.buildings, *region.households]
        self._of = {region.told(p): hashes.of(p) for p in names}
        kinds = {"weather": region.weather, **region.rasters}
        self._shared = {
            kind: [(Path(p).name, hashes.of(p)) for p in paths] for kind, paths in kinds.items()
        }
        self._plain: dict[str, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}

    def inputs(self, unit: Unit) -> str:
        """Hash of a unit's own rows and its neighbours': their files, and how they are told."""
        if unit.number not in self._inputs:
            source = self.region.sources
            held = source.model_dump(
                include={"layer", "crs", "datum", "columns", "household_columns", "reach_m"}
            )
            near = unit.near(self.survey.units, source.reach_m)
            self._inputs[unit.number] = hash_values({
                "own": self._rows(unit, unit.ledger), "near": [self._rows(u) for u in near],
                "held": held, "shared": self._shared, "code": code(),
            })  # fmt: skip
        return self._inputs[unit.number]

    def _rows(self, unit: Unit, more: Sequence[Part] = ()) -> dict[str, Any]:
        files = {p.source: self._of[p.source] for p in (*unit.parts, *more)}
        return {"unit": unit.key, "count": unit.buildings, "bounds": unit.bounds, "files": files}

    def of(self, unit: Unit) -> dict[str, str]:
        """Keys of a unit, by scenario."""
        return {name: self.scenario(unit, name) for name in self.region.scenarios}

    def state(self) -> str:
        """Hash of all that the whole region's results hang on."""
        return hash_values({unit.key: self.of(unit) for unit in self.survey.units})

    def scenario(self, unit: Unit, name: str) -> str:
        """Key of a unit under a scenario."""
        own = self.region.own(unit)
        place = f"{name}\0{unit.key if own else ''}"
        if place not in self._plain:
            self._plain[place] = self._told(self.region.scenario(name, own))
        outputs = sorted(self.region.sources.outputs)
        return hash_values({
            "inputs": self.inputs(unit), "scenario": self._plain[place], "outputs": outputs,
        })  # fmt: skip

    def _told(self, scenario: Scenario) -> dict[str, Any]:
        """A scenario with the content of its files for their paths."""
        data = scenario.model_dump(mode="json", exclude={"name", "language"})
        for key, path in scenario.paths().items():
            section, _, last = key.rpartition(".")
            data[section or "site"][last] = f"{Path(path).name} {self._hashes.of(path)}"
        return data


def open_hashes(place: Path) -> FileHashes:
    """Hashes of input files, remembered in the region's folder."""
    (place / INPUTS).mkdir(parents=True, exist_ok=True)
    return FileHashes(place / INPUTS / "files.json")


def all_done(folder: Folder, keys: Keys, units: Sequence[Unit]) -> list[Unit]:
    """Units that still lack a scenario."""
    return [unit for unit in units if not keys.of(unit).items() <= folder.done(unit).items()]
