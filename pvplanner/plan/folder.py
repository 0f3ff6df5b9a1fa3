"""A plan on disk: its tables, summary and pages in a folder, all or nothing, and back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pvplanner.errors import LANGUAGES, ConfigError, listed
from pvplanner.plan.commit import heal, transaction
from pvplanner.plan.layers import plain_table, write_geopackage
from pvplanner.plan.locking import holding
from pvplanner.plan.plan import FINDERS, KEPT, Plan, open_plan
from pvplanner.plan.runner import package_hash
from pvplanner.plan.store import (
    FOLDER,
    FolderStore,
    hash_bytes_of,
    hash_values,
    write_whole,
)
from pvplanner.plan.worth import GRAPH
from pvplanner.scenario import Scenario
from pvplanner.schema import TABLES, personal_columns, stem

if TYPE_CHECKING:
    pass

OUTPUTS = (
    "map.html",
    "report.html",
    "plan.gpkg",
    "summary.json",
    "scenario.toml",
    "dictionary.csv",
    *(f"{name}.parquet" for name in TABLES),
    *KEPT.values(),
)
"""Files of a plan's folder."""

GROUPS = ("tables", "gpkg", "map", "report")
"""What ``--only`` may name."""


@dataclass(frozen=True)
class Page:
    """A page that an upper room draws: its file, the group it belongs to, the stages it shows."""

    file: str
    group: str
    needs: tuple[str, ...]
    draw: Callable[[Plan, Path], Any]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """What :func:`write_folder` did: files written and files that stood already."""

    plan: Plan
    written: tuple[str, ...]
    kept: tuple[str, ...]


def write_folder(
    scenario: Scenario,
    folder: str | os.PathLike[str],
    *,
    only: Sequence[str] = GROUPS,
    pages: Sequence[Page] = (),
    progress: Callable[[str], None] | None = None,
) -> Written:
    """Plan a village into a folder; what is there and would be the same is not made again.

    Results of stages are kept in the folder, so a run that was killed goes on where it stood.

    Parameters
    ----------
    scenario : Scenario
    folder : path-like
    only : sequence of str
        Of :data:`GROUPS`.
    pages : sequence of Page
        How pages are drawn.
    progress : callable, optional
        Called with the name of each stage as it begins.
    """
    target = Path(folder)
    with holding(target):
        return _write_folder(scenario, target, only, pages, progress)


def _write_folder(
    scenario: Scenario,
    target: Path,
    only: Sequence[str],
    pages: Sequence[Page],
    progress: Callable[[str], None] | None,
) -> Written:
    began = target.exists()
    plan = open_plan(scenario, store=target / FOLDER, progress=progress)
    store = plan._run.store
    assert isinstance(store, FolderStore)
    try:
        known = _read_manifest(target)
        outputs = list(_outputs(plan, only, pages))
        plan._run.want(need for output in outputs for need in output.needs)
        wanted = {output.file: _key(output) for output in outputs}
        stale = [file for file, key in wanted.items() if not _stands(target, file, key, known)]
        if stale:
            with transaction(target) as staging:
                some = [output for output in outputs if output.file in stale]
                _write(plan, staging, target, wanted, some, pages)
        _finish(target, wanted, known)
    except BaseException as error:
        # A new folder with nothing in it but what a refused run had kept is no plan; what a run
        # that was stopped had made is where the next begins.
        refused = isinstance(error, Exception)
        if refused and not began and target.is_dir() and set(os.listdir(target)) <= {FOLDER}:
            shutil.rmtree(target, ignore_errors=True)
        raise
    plan._run.hashes.save()
    store.tidy()
    return Written(plan, tuple(stale), tuple(file for file in wanted if file not in stale))


@dataclass(frozen=True)
class Output:
    """A file of a plan's folder: the plan that it is of, the stages that it shows, options."""

    file: str
    plan: Plan
    needs: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def _outputs(plan: Plan, only: Sequence[str], pages: Sequence[Page]) -> Iterator[Output]:
    """All that is wanted."""
    every = tuple(dict.fromkeys(need for name in TABLES for need in plan.needs_of(name)))
    if "tables" in only:
        for name in TABLES:
            yield Output(f"{name}.parquet", plan, plan.needs_of(name))
        yield Output("summary.json", plan, ("villages", "assumptions", "totals", *FINDERS))
        yield Output("scenario.toml", plan, ())
        kept = [name for name in KEPT if "report" in only or name not in SLOW]
        yield Output("dictionary.csv", plan, (*every, *kept))
        yield from _kept(plan, kept)
    if "gpkg" in only:
        yield Output("plan.gpkg", plan, every)
    for page in pages:
        if page.group in only:
            yield Output(page.file, plan, page.needs, page.options)


def _kept(plan: Plan, names: Sequence[str]) -> Iterator[Output]:
    """Other results that pages need: of several villages each one's own too."""
    several = len(plan.parts) > 1
    for name in names:
        if not (several and GRAPH[name].across == "alone"):
            yield Output(KEPT[name], plan, (name,))
    if several:
        for number, part in enumerate(plan.parts.values(), 1):
            for name in names:
                yield Output(f"{PARTS}/{number}/{KEPT[name]}", part, (name,))


PARTS = "villages"
"""Folder in which a plan of several villages keeps what is each one's own."""


SLOW = ("waterfall", "doubt", "ledger", "collective", "fairness", "stresses", "press", "battery",
        "carbon_years")  # fmt: skip
"""Results that only a report shows."""


def _key(output: Output) -> str:
    contents = {need: output.plan.content(need) for need in dict.fromkeys(output.needs)}
    # A result may stay as it was while what is doubtful about it does not.
    doubts = [finding.plain() for finding in output.plan._run.findings(output.needs)]
    whole = output.plan.scenario.model_dump(mode="json")
    told = {"file": output.file, "needs": contents, "scenario": whole,
            "options": dict(output.options), "findings": doubts}  # fmt: skip
    return hash_values({**told, "package": package_hash()})


def _ours(file: str) -> bool:
    return file in OUTPUTS or (file.startswith(f"{PARTS}/") and file.count("/") == 2
                               and file.rpartition("/")[2] in OUTPUTS)  # fmt: skip


def _read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        read = json.loads((folder / FOLDER / "outputs.json").read_text(encoding="utf-8"))
        return {file: dict(entry) for file, entry in read.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _stands(folder: Path, file: str, key: str, known: dict[str, dict[str, Any]]) -> bool:
    """Whether a file is there, was made from the same, and is as it was written."""
    entry, path = known.get(file), folder / file
    if entry is None or entry.get("key") != key or not path.is_file():
        return False
    stat = path.stat()
    if [stat.st_size, stat.st_mtime_ns] == entry.get("stat"):
        return True
    return hash_bytes_of(path) == entry.get("sha256")


def _finish(folder: Path, wanted: dict[str, str], known: dict[str, dict[str, Any]]) -> None:
    """Say what stands in the folder; what was made from another state of the plan goes."""
    entries = {}
    for file, key in wanted.items():
        path, old = folder / file, known.get(file, {})
        stat = path.stat()
        told = [stat.st_size, stat.st_mtime_ns]
        same = old.get("key") == key and old.get("stat") == told
        digest = old["sha256"] if same else hash_bytes_of(path)
        entries[file] = {"key": key, "stat": told, "sha256": digest}
    for file in set(known) - set(wanted):
        if _ours(file) and (folder / file).is_file():
            (folder / file).unlink()
            if "/" in file and not any((folder / file).parent.iterdir()):
                (folder / file).parent.rmdir()
    if (folder / PARTS).is_dir() and not any((folder / PARTS).iterdir()):
        (folder / PARTS).rmdir()
    if entries != known:
        text = json.dumps(entries, indent=1, sort_keys=True)
        write_whole(folder / FOLDER / "outputs.json", text.encode("utf-8"))


def _write(
    plan: Plan,
    staging: Path,
    final: Path,
    wanted: Container[str],
    outputs: Sequence[Output],
    pages: Sequence[Page],
) -> None:
    """Write some of the wanted files into ``staging``; paths in them are relative to ``final``."""
    drawn = {page.file: page for page in pages}
    kept = set(KEPT.values())
    # Pages first: they look at several tables at once, the files at one after the other.
    for output in sorted(outputs, key=lambda output: output.file not in drawn):
        file = output.file
        target = staging / file
        if file in drawn:
            plan._run.progress("pages")
            drawn[file].draw(plan, target)
        elif file == "plan.gpkg":
            write_geopackage(plan, target)
        elif file == "summary.json":
            _write_text(target, _summary_text(plan))
        elif file == "scenario.toml":
            _write_text(target, _scenario_at(plan, staging, final).to_toml(final))
        elif file == "dictionary.csv":
            target.write_bytes(b"\xef\xbb\xbf" + _dictionary(plan, wanted).encode("utf-8"))
        elif file.rpartition("/")[2] in kept:
            from pvplanner.plan.tables import to_bytes

            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(to_bytes(output.plan.result(output.needs[0])))
        else:
            target.write_bytes(_table_bytes(plan, file.removesuffix(".parquet")))


def _scenario_at(plan: Plan, staging: Path, final: Path) -> Scenario:
    """The scenario as a folder keeps it: a list that was chosen here stands beside it."""
    if not plan._run.lists:
        return plan.scenario
    from pvplanner.selection.reading import FACTS, LIST, as_csv

    for name, file in (("listed", LIST), ("programme", FACTS)):
        (staging / file).write_bytes(as_csv(plan._run.lists[name]))
    return plan.scenario.override(
        {"selection.file": str(final / LIST), "selection.facts": str(final / FACTS)}
    )


def _table_bytes(plan: Plan, name: str) -> bytes:
    from pvplanner.plan.tables import to_bytes

    first, *joined = plan.needs_of(name)
    if not joined and not plan._run.given:
        # The stage's own bytes: they need not be made again.
        held = plan._run.body(first)
        if held is not None:
            return held
    held_already = name in plan._views
    body = to_bytes(plain_table(plan.view(name)))
    if not held_already:
        plan.forget(name)
    return body


def save_plan(plan: Plan, folder: str | os.PathLike[str]) -> Path:
    """Write a plan's tables, summary and scenario into a folder, all or nothing."""
    outputs = list(_outputs(plan, ("tables", "gpkg", "report"), ()))
    with transaction(folder) as staging:
        _write(plan, staging, Path(folder), [o.file for o in outputs], outputs, ())
    return Path(folder)


OWN = "input_"
"""What columns begin with that a footprint file has of its own: nobody here knows what they say."""


def save_tables(plan: Plan, folder: str | os.PathLike[str], *, internal: bool = False) -> Path:
    """Write a plan's tables as CSV, with a dictionary of their columns, all or nothing.

    Parameters
    ----------
    plan : Plan
    folder : path-like
    internal : bool
        The office edition: with what is personal.

    Returns
    -------
    Path
        The folder.
    """
    from pvplanner.plan.tables import to_csv

    shown = plan if internal else plan.public()
    hidden = () if internal else personal_columns()
    with transaction(folder) as staging:
        for name in TABLES:
            table = plain_table(shown.view(name))
            lost = [c for c in table.columns if stem(c) in hidden or (c.startswith(OWN) and hidden)]
            table = table.drop(columns=lost)
            (staging / f"{name}.csv").write_bytes(to_csv(table))
        told = _dictionary(plan, [f"{name}.parquet" for name in TABLES])
        (staging / "dictionary.csv").write_bytes(b"\xef\xbb\xbf" + told.encode("utf-8"))
    return Path(folder)


def _summary_text(plan: Plan) -> str:
    told = plan.summary()
    return json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False, default=_json) + "\n"


def _write_text(target: Path, text: str) -> None:
    target.write_text(text, encoding="utf-8", newline="\n")


def _json(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"not for JSON: {type(value).__name__}")


def _dictionary(plan: Plan, files: Container[str]) -> str:
    """What every column of the tables means, as CSV: a row per column, in every language."""
    import csv
    import io

    from pvplanner.schema import dictionary
    from pvplanner.words import describe, has_label, label, phrase, unit_of

    held = io.StringIO()
    out = csv.writer(held, lineterminator="\n")
    spoken = [f"{name}_{code}" for code in LANGUAGES for name in ("label", "unit", "description")]
    out.writerow(["table", "column", "kind", "sum", "personal", *spoken])
    currency = plan.scenario.finance.currency
    tables = [(name, plan.columns_of(name)) for name in TABLES]
    tables += [
        (file.removesuffix(".parquet"), plan._run.columns(name))
        for name, file in KEPT.items()
        if file in files and file.endswith(".parquet")
    ]
    for table, key, known in dictionary(tables):
        words: list[str] = []
        for code in LANGUAGES:
            # A short name may mean another thing in another table.
            own = f"{table}.{key}" if phrase(f"{table}.{key}", code) is not None else key
            named = has_label(own, code)
            words.append(label(own, code) if named else key)
            words.append(unit_of(own, code, currency))
            words.append(describe(own, code) if named else "")
        out.writerow([table, key, known.kind, known.sum, "yes" if known.personal else "", *words])
    return held.getvalue()


def guard_outputs(folder: str | os.PathLike[str], inputs: Iterable[str | None]) -> None:
    """Refuse a folder in which a plan would write over an input or over somebody's own files.

    What a broken run left is healed first: it may hold the files that tell whose the folder is.

    Raises
    ------
    ConfigError
        If an output would land on an input, or files of the plan's names stand in a folder that
        holds no earlier plan.
    """
    target = Path(folder)
    heal(target)
    earlier = (target / "summary.json").is_file()
    manifest = _read_manifest(target)
    ours = {(target / name).resolve() for name in OUTPUTS}
    for given in inputs:
        if given is None or given == "typical":
            continue
        path = Path(given).resolve()
        if path in ours and not (earlier and path.name == "scenario.toml"):
            raise ConfigError("output_is_input", where=str(target), file=path.name)
    there = [name for name in OUTPUTS if (target / name).exists() and name not in manifest]
    if there and not earlier:
        raise ConfigError("output_taken", where=str(target), files=listed(there))
