"""A region's run: what is there, what is left to do, who does it, and what it comes to."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvplanner import stopping
from pvplanner.errors import ConfigError, InputError, listed
from pvplanner.plan import Plan
from pvplanner.plan.locking import holding
from pvplanner.plan.store import SharedStore, write_whole
from pvplanner.plan.summary import versions
from pvplanner.region.assembly import assemble
from pvplanner.region.config import Region, read_region
from pvplanner.region.folder import (
    DONE,
    INPUTS,
    SURVEY,
    Folder,
    Keys,
    all_done,
    identity,
    open_hashes,
    room_on_disk,
    survey_key,
)
from pvplanner.region.naming import Called
from pvplanner.region.results import Results, open_region
from pvplanner.region.survey import survey_region
from pvplanner.region.unit import Village
from pvplanner.region.units import Survey, Unit, from_json
from pvplanner.region.workers import (
    Crew,
    Task,
    Word,
    in_processes,
    in_turn,
    on_cluster,
    units_of,
    usual_workers,
)

Progress = Callable[[str, int, int], None]
"""Told the name of a step, how much of it is done, and how much there is."""


def plan_region(
    region: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    scheduler: Any = None,
    workers: int | None = None,
    shard: str | tuple[int, int] | None = None,
    retry: bool = False,
    progress: Progress | None = None,
    said: Callable[[str], None] | None = None,
    waiting: Callable[[str], None] | None = None,
) -> Results:
    """Plan every village of a region under every scenario.

    Parameters
    ----------
    region : path-like
        A ``region.toml``.
    out : path-like
        Folder of the results. A run that was killed goes on where it stood; what is done and has
        not changed is not done again.
    scheduler : str, distributed.Client or cluster, optional
        A Dask scheduler; processes of this machine without one.
    workers : int, optional
        Processes; as many as there are cores if not given. With one all is done in this process.
    shard : str or tuple, optional
        ``3/40``: only every fortieth village from the third on, into a folder of its own within
        ``out``; see :func:`merge_region`.
    retry : bool
        Do just the villages that were set aside.
    progress : callable, optional
    said : callable, optional
        Told the address of a scheduler's dashboard.
    waiting : callable, optional
        Told the number of the process that is waited for, where another writes into the folder.

    Returns
    -------
    Results
        Also where villages were set aside: :attr:`Results.failed` has them with their errors.

    Raises
    ------
    ConfigError
        If the region's file is not what it should be.
    InputError
        If a file of the whole region can't be read, the folder is another region's, the disk is
        full, or the scheduler is lost.
    """
    tell = progress or (lambda step, done, whole: None)
    file = file_of(region)
    part = _shard(shard)
    folder = Path(out) if part is None else Path(out) / f"shard-{part[0]:04d}-of-{part[1]:04d}"
    with holding(folder, waiting=waiting), room_on_disk(folder):
        with closing(Crew()) as crew:
            count = 1 if scheduler is not None else _count(workers)
            run = begin(file, folder, tell, part, lambda: crew.start(count if count > 1 else 0))
            _work(run, tell, scheduler, workers, crew, retry=retry, said=said)
        run.folder.finish(run.keys.state())
        if part is None:
            tell("assemble", 0, 1)
            assemble(run.survey, run.folder)
    return open_region(folder)


@dataclass
class _Run:
    file: Path
    region: Region
    survey: Survey
    folder: Folder
    keys: Keys
    mosaics: dict[str, str]
    units: list[Unit]


def file_of(region: str | os.PathLike[str]) -> Path:
    """A region's file; of a folder the one that it holds."""
    file = Path(region)
    return (file / "region.toml" if file.is_dir() else file).resolve()


def _shard(given: str | tuple[int, int] | None) -> tuple[int, int] | None:
    if given is None:
        return None
    if isinstance(given, str):
        found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", given)
        if not found:
            raise ConfigError("shard_wrong", where="--shard", value=given)
        part, count = int(found[1]), int(found[2])
    else:
        part, count = given
    if not 1 <= part <= count:
        raise ConfigError("shard_wrong", where="--shard", value=f"{part}/{count}")
    return part, count


MUCH_TO_SURVEY = 20e6
"""Bytes of buildings whose survey takes longer than a process takes to start."""


def begin(
    file: Path, place: Path, tell: Progress, shard: tuple[int, int] | None,
    ahead: Callable[[], None] = lambda: None,
) -> _Run:  # fmt: skip
    """Read the region, look through its files, or find what was seen of them.

    ``ahead`` is called before a long survey.
    """
    region = read_region(file)
    folder = Folder(place)
    known = folder.about()
    if known is not None and known.get("shard") not in (None, list(shard or ())):
        raise InputError("region_folder_other", where=str(place), name=str(known.get("name")))
    folder.claim(about(region, file, shard), [str(file), *region.files()])
    folder.tidy()
    hashes = open_hashes(place)
    key = survey_key(region, hashes)
    survey = folder.survey(key)
    if survey is None:
        sizes = (Path(path).stat().st_size for path in region.buildings if Path(path).is_file())
        if sum(sizes) > MUCH_TO_SURVEY:
            ahead()
        survey = survey_region(region, place / INPUTS, tell)
        _known_villages(region, survey)
        folder.keep_survey(survey, key)
    _known_villages(region, survey)
    keys = Keys(region, survey, hashes)
    mosaics = _mosaics(region, place / INPUTS)
    # Every file is hashed before work begins, so that workers find the hashes.
    for path in region.files():
        hashes.of(path)
    hashes.save()
    return _Run(file, region, survey, folder, keys, mosaics, units_of(survey, shard))


def about(region: Region, file: Path, shard: tuple[int, int] | None) -> dict[str, Any]:
    """What a folder says of itself."""
    return {
        "name": region.name, "language": region.language, "identity": identity(region),
        "scenarios": region.scenarios, "versions": versions(),
        "shard": None if shard is None else list(shard),
        "currency": region.base.finance.currency, "synthetic": region.base.site.synthetic,
        "rank": None if region.rank is None else region.rank.model_dump(mode="json"),
        "folder": str(region.folder), "file": str(file),
        "hours_format": region.sources.hours_format,
    }  # fmt: skip


def _known_villages(region: Region, survey: Survey) -> None:
    """Whether everything that is said of single villages is said of one that is there."""
    called = Called(u.key for u in survey.units)
    for name in region.villages:
        hits = called.find(name)
        if len(hits) != 1:
            names = listed(hits or sorted(u.key for u in survey.units), 12)
            raise ConfigError("village_unknown", where="[[village]]", village=name, names=names)
    if region.rank is not None:
        _known_criteria(region, survey)


def _known_criteria(region: Region, survey: Survey) -> None:
    """Whether a ranking can be made, before any village is planned."""
    from pvplanner.region.criteria import check_names, read_own

    rank = region.rank
    assert rank is not None
    own = None
    if rank.table is not None:
        own = read_own(region.folder / rank.table, [u.key for u in survey.units])
    check_names(rank.weights, rank.must, own, [u.key for u in survey.units])
    if rank.scenario not in region.scenarios:
        known = listed(region.scenarios, 12)
        raise ConfigError("region_scenario_unknown", where="rank.scenario", name=rank.scenario,
                          known=known)  # fmt: skip


def _mosaics(region: Region, place: Path) -> dict[str, str]:
    """One raster for each kind: a virtual mosaic where there are several tiles."""
    out = {}
    for kind, tiles in region.rasters.items():
        if len(tiles) == 1:
            out[kind] = tiles[0]
            continue
        from pvplanner.terrain.mosaic import mosaic_text

        target = place / f"{kind}.vrt"
        write_whole(target, mosaic_text(tiles).encode("utf-8"))
        out[kind] = str(target.resolve())
    return out


def _work(
    run: _Run, tell: Progress, scheduler: Any, workers: int | None, crew: Crew, *, retry: bool,
    said: Callable[[str], None] | None,
) -> None:  # fmt: skip
    """Do what is left, and set aside what can't be done."""
    left = all_done(run.folder, run.keys, run.units)
    # What was set aside and has not changed is left alone unless it is asked for.
    wanted = [u for u in left if retry or not _same_failure(run, u)]
    tasks = [
        Task(str(run.file), str(run.folder.place.resolve()), u.number,
             tuple(sorted(run.mosaics.items())))
        for u in wanted
    ]  # fmt: skip
    if not tasks:
        return
    done = 0
    tell("units", done, len(tasks))
    for word in _words(tasks, scheduler, workers, crew, said or (lambda link: None)):
        stopping.check()
        unit = run.survey.units[word.number]
        if word.full:
            raise InputError("disk_full", where=str(run.folder.place))
        if not word.ok:
            run.folder.set_aside(unit, {**(word.why or {}), "keys": run.keys.of(unit)})
        done += 1
        tell("units", done, len(tasks))


def _same_failure(run: _Run, unit: Unit) -> bool:
    """Whether a unit was set aside for what it still is."""
    known = run.folder.failed(unit)
    return known is not None and known.get("keys") == run.keys.of(unit)


def _words(
    tasks: Sequence[Task], scheduler: Any, workers: int | None, crew: Crew,
    said: Callable[[str], None],
) -> Iterator[Word]:  # fmt: skip
    if scheduler is not None:
        return on_cluster(tasks, scheduler, said)
    count = _count(workers)
    return in_turn(tasks) if count == 1 or len(tasks) == 1 else in_processes(tasks, count, crew)


def _count(workers: int | None) -> int:
    """Processes that are asked for; as many as there are cores where nobody asks."""
    count = usual_workers() if workers is None else workers
    if count < 1:
        raise ConfigError("value_limit", where="--workers", value=count, limit="≥ 1")
    return count


def merge_region(
    folders: Sequence[str | os.PathLike[str]], *, out: str | os.PathLike[str] | None = None
) -> Results:
    """Shards of one region as one: what a single run would have given.

    Parameters
    ----------
    folders : sequence of path-like
        Folders of shards, or one that holds them.
    out : path-like, optional
        Folder of the whole; the one that holds the shards if not given.

    Raises
    ------
    InputError
        If they are not of one region under the same scenarios, or villages are missing.
    """
    shards = _shards([Path(f) for f in folders])
    target = Path(out) if out is not None else shards[0].parent
    told, ended = _one_region(shards)
    with holding(target), room_on_disk(target):
        folder = Folder(target)
        folder.claim({**told, "shard": None})
        survey_bytes = (shards[0] / SURVEY).read_bytes()
        write_whole(target / SURVEY, survey_bytes)
        survey = from_json(json.loads(survey_bytes))
        missing = []
        for unit in survey.units:
            held = [place for place in ended if Folder(place).unit(unit).is_dir()]
            if not held:
                missing.append(unit.key)
                continue
            _taken_over(Folder(held[0]).unit(unit), folder.unit(unit))
        if missing:
            raise InputError("region_incomplete", where=str(target), count=len(missing),
                             names=listed(missing, 8))  # fmt: skip
        assemble(survey, folder)
    return open_region(target)


def _one_region(shards: Sequence[Path]) -> tuple[dict[str, Any], list[Path]]:
    """What shards of one region say of themselves, and which of them have run to their end."""
    told = {place: Folder(place).about() or {} for place in shards}
    ended = [place for place in shards if told[place].get("state")]
    first = ended[0] if ended else shards[0]
    for place in shards:
        alike = {"identity", "scenarios", "versions", *(["state"] if place in ended else [])}
        if any(told[place].get(key) != told[first].get(key) for key in alike):
            raise InputError("region_shards_apart", where=str(place), first=str(first))
    return told[first], ended


def _shards(folders: Sequence[Path]) -> list[Path]:
    out: list[Path] = []
    for place in folders:
        inner = sorted(p for p in place.glob("shard-*-of-*") if p.is_dir())
        if inner:
            out += inner
        elif (place / SURVEY).is_file():
            out.append(place)
        else:
            raise InputError("region_none", where=str(place))
    if not out:
        raise InputError("region_none", where="-")
    return out


def _taken_over(source: Path, target: Path) -> None:
    """A unit's files from a shard; the shard keeps its own."""
    if (
        (target / DONE).is_file()
        and (source / DONE).is_file()
        and ((target / DONE).read_bytes() == (source / DONE).read_bytes())
    ):
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(source, beside)
    shutil.rmtree(target, ignore_errors=True)
    beside.replace(target)


def village_plan(results: Results, unit: Unit, scenario: str) -> Plan:
    """The plan of one village of a region, made when asked; nothing of it is kept."""
    region = read_region(results.about["file"])
    mosaics = _mosaics(region, results.folder / INPUTS)
    made = Village(region, unit, results.survey.units, mosaics)
    return Plan(made.runs(scenario, SharedStore("")))
