"""A plan on disk: its tables, summary and pages in a folder, all or nothing, and back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pvplanner.errors import LANGUAGES, ConfigError, Finding, InputError, listed
from pvplanner.plan.commit import heal, transaction
from pvplanner.plan.joined import Runs
from pvplanner.plan.locking import holding
from pvplanner.plan.plan import BASES, FINDERS, KEPT, ORDERED, Plan, open_plan
from pvplanner.plan.runner import package_hash
from pvplanner.plan.stages import GRAPH
from pvplanner.plan.store import (
    FOLDER,
    FolderStore,
    MemoryStore,
    hash_bytes_of,
    hash_values,
    write_whole,
)
from pvplanner.scenario import Scenario
from pvplanner.schema import TABLES

if TYPE_CHECKING:
    import pandas as pd

_FIXED_DATE = "2000-01-01T00:00:00Z"
"""Date written into GeoPackages, so that the same inputs give the same bytes."""

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
        yield Output("summary.json", plan, ("villages", "assumptions", *FINDERS))
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
    whole = output.plan.scenario.model_dump(mode="json")
    told = {"file": output.file, "needs": contents, "scenario": whole,
            "options": dict(output.options)}  # fmt: skip
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
            _write_geopackage(plan, target)
        elif file == "summary.json":
            _write_text(target, _summary_text(plan))
        elif file == "scenario.toml":
            _write_text(target, plan.scenario.to_toml(final))
        elif file == "dictionary.csv":
            target.write_bytes(b"\xef\xbb\xbf" + _dictionary(plan, wanted).encode("utf-8"))
        elif file.rpartition("/")[2] in kept:
            from pvplanner.plan.tables import to_bytes

            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(to_bytes(output.plan.result(output.needs[0])))
        else:
            target.write_bytes(_table_bytes(plan, file.removesuffix(".parquet")))


def _table_bytes(plan: Plan, name: str) -> bytes:
    from pvplanner.plan.tables import to_bytes

    first, *joined = plan.needs_of(name)
    if not joined and not plan._run.given:
        # The stage's own bytes: they need not be made again.
        held = plan._run.body(first)
        if held is not None:
            return held
    held_already = name in plan._views
    body = to_bytes(_plain(plan.view(name)))
    if not held_already:
        plan.forget(name)
    return body


def save_plan(plan: Plan, folder: str | os.PathLike[str]) -> Path:
    """Write a plan's tables, summary and scenario into a folder, all or nothing."""
    outputs = list(_outputs(plan, ("tables", "gpkg", "report"), ()))
    with transaction(folder) as staging:
        _write(plan, staging, Path(folder), [o.file for o in outputs], outputs, ())
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
    from pvplanner.words import describe, has_label, label, texts, unit_of

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
            own = f"{table}.{key}" if f"{table}.{key}" in texts(code) else key
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


def save_modules(plan: Plan, path: str | os.PathLike[str]) -> Path:
    """Write the outline of every module of a plan as a layer for GIS.

    Raises
    ------
    ConfigError
        If the suffix is not ``.gpkg``, ``.geojson`` or ``.parquet``.
    """
    import pyogrio

    from pvplanner.modules import outlines_of

    target = Path(path)
    drivers = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".parquet": ""}
    suffix = target.suffix.lower()
    if suffix not in drivers:
        known = ", ".join(drivers)
        raise ConfigError("page_suffix", where=str(target), suffix=suffix, known=known)
    outlines = outlines_of(plan.planes, plan.modules)
    beside = target.with_name(f".{target.stem}.part{suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".parquet":
        outlines.to_parquet(beside)
    else:
        # GeoJSON is in degrees (RFC 7946).
        shown = outlines.to_crs(4326) if suffix == ".geojson" else outlines
        pyogrio.write_dataframe(shown, beside, layer="modules", driver=drivers[suffix])
    os.replace(beside, target)
    return target


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """A copy without attributes that no format stores, its key a column."""
    out = table.copy(deep=False)
    out.attrs = {}
    return out.reset_index() if out.index.name == "array_id" else out


def _write_geopackage(plan: Plan, path: Path) -> None:
    import geopandas as gpd
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_DATE})
    try:
        for number, (name, table) in enumerate(plan.tables()):
            frame = _for_ogr(_plain(table))
            pyogrio.write_dataframe(
                frame,
                path,
                layer=name,
                driver="GPKG",
                append=number > 0,
                promote_to_multi=isinstance(frame, gpd.GeoDataFrame),
            )
    except (DataSourceError, DataLayerError, FeatureError, GeometryError) as error:
        # SQLite says of a full disk what it says of a damaged file.
        raise InputError("folder_unwritable", where=path.name, reason=str(error)) from None
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _for_ogr(frame: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd
    from geopandas.array import GeometryDtype

    out = frame.copy()
    for name in out.columns:
        kind = out[name].dtype
        if name == getattr(out, "_geometry_column_name", None):
            continue
        if isinstance(kind, GeometryDtype):
            # A layer holds one geometry; others are kept as well-known text.
            drawn = ~(out[name].isna() | out[name].is_empty)
            out[name] = out[name].to_wkt(rounding_precision=2).where(drawn, None)
            continue
        if isinstance(kind, pd.BooleanDtype):
            out[name] = out[name].astype("Int16").astype(float)
        elif pd.api.types.is_string_dtype(kind) or pd.api.types.is_object_dtype(kind):
            out[name] = out[name].astype(object).where(out[name].notna(), None)
    return out


def read_plan(folder: Path) -> Plan:
    """Read a plan that was saved, from its tables alone.

    Raises
    ------
    InputError
        If the folder holds no whole plan.
    """
    for _ in range(READS):
        heal(folder)
        before = _signature(folder)
        plan = _read_plan(folder)
        if before == _signature(folder):
            return plan
    with holding(folder):
        return _read_plan(folder)


READS = 3
"""How often a plan is read that other runs replace meanwhile, before they are waited for."""


def _signature(folder: Path) -> list[tuple[str, int, int]]:
    """Sizes and times of a plan's files."""
    found = []
    for path in sorted(folder.glob("*.*")):
        with suppress(OSError):
            stat = path.stat()
            found.append((path.name, stat.st_size, stat.st_mtime_ns))
    return found


def _read_plan(folder: Path) -> Plan:
    summary_file = folder / "summary.json"
    if not summary_file.is_file():
        raise InputError("plan_missing", where=str(folder))
    try:
        summary = json.loads(summary_file.read_text(encoding="utf-8"))
        tables = {name: _read_table(folder, name) for name in TABLES}
        results = _read_results(folder, summary.get("villages") or [])
        findings = tuple(Finding.from_dict(row) for row in summary["findings"])
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("plan_broken", where=str(folder), reason=str(error)) from None
    scenario = Scenario.from_toml(folder / "scenario.toml")
    plan = plan_of(scenario, tables, results, findings)
    plan._told |= {key: summary[key] for key in ("weather", "inputs", "versions")}
    return plan


def plan_of(
    scenario: Scenario,
    tables: Mapping[str, Any],
    results: Mapping[str, Any] | Mapping[str, Mapping[str, Any]],
    findings: Iterable[Finding] = (),
) -> Plan:
    """A plan of what is known of it: the tables that users know, results of stages, findings.

    ``results`` are by stage, or by village and stage where there are several.
    """
    from pvplanner.plan.parts import split_tables

    parted = split_tables(tables)
    apart = set(results) == set(parted) and len(parted) > 1
    known = {}
    for village, own in parted.items():
        given: dict[str, Any] = {}
        for name, table in own.items():
            joins = [stage.name for stage in GRAPH.values() if stage.joins == name]
            given |= dict.fromkeys((BASES[name], *joins), table)
        known[village] = {**given, **(results[village] if apart else results)}
    orders = {name: [str(v) for v in tables[name][key]] for name, key in ORDERED.items()}
    plan = Plan(Runs(GRAPH, scenario, MemoryStore(), given=known, orders=orders))
    plan._told["findings"] = tuple(findings)
    return plan


def _read_results(folder: Path, villages: Sequence[str]) -> dict[str, Any]:
    if len(villages) > 1:
        return {
            village: _read_kept(folder / PARTS / str(number))
            for number, village in enumerate(villages, 1)
        }
    return _read_kept(folder)


def _read_kept(folder: Path) -> dict[str, Any]:
    from pvplanner.plan.tables import from_bytes

    files = {name: folder / file for name, file in KEPT.items()}
    return {name: from_bytes(f.read_bytes()) for name, f in files.items() if f.is_file()}


def _read_table(folder: Path, name: str) -> Any:
    from pvplanner.plan.tables import from_bytes
    from pvplanner.schema import validate

    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise InputError("plan_broken", where=str(folder), reason=f"{name}.parquet")
    table = from_bytes(path.read_bytes())
    validate(table, name, where=str(path))
    return table
