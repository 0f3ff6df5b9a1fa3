"""A plan on disk: GeoPackage and Parquet, a layer and a file for each table, all or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from geopandas.array import GeometryDtype

from pvplanner.errors import LANGUAGES, ConfigError, Finding, InputError, listed
from pvplanner.modules import module_outlines
from pvplanner.scenario import Scenario
from pvplanner.schema import TABLES, validate
from pvplanner.village.plan import Plan

FACTS = (
    "province",
    "weather",
    "inputs",
    "versions",
    "doubt",
    "waterfall",
    "fairness",
    "collective",
    "ledger",
    "battery",
    "press",
    "carbon",
    "stress",
)
"""Keys of ``Plan.facts``, kept in ``summary.json``."""

_COMMITTED = ".pvplanner-commit"
_STAGING = ".pvplanner-staging-"
_FIXED_DATE = "2000-01-01T00:00:00Z"
"""Date written into GeoPackages, so that the same inputs give the same bytes."""


@contextmanager
def transaction(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """A staging folder whose files replace those of ``folder`` together, if nothing fails.

    The files are written beside; then the staging folder is renamed, which is the moment of
    commitment, and its files are moved in. If that is interrupted, the next look at the folder
    finishes it. Other files in the folder are left alone.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("folder_unwritable", where=str(target), reason=str(error)) from None
    finish_commit(target)
    try:
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=target))
    except OSError as error:
        raise InputError("folder_unwritable", where=str(target), reason=str(error)) from None
    try:
        yield staging
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        if not any(target.iterdir()):
            target.rmdir()
        raise
    os.replace(staging, target / _COMMITTED)
    finish_commit(target)


OUTPUTS = (
    "map.html",
    "report.html",
    "plan.gpkg",
    "summary.json",
    "scenario.toml",
    *(f"{name}.parquet" for name in TABLES),
)
"""Files of a plan's folder."""


def guard_outputs(folder: str | os.PathLike[str], inputs: Iterable[str | None]) -> None:
    """Refuse a folder in which a plan would write over an input or over somebody's own files.

    Raises
    ------
    ConfigError
        If an output would land on an input, or files of the plan's names stand in a folder that
        holds no earlier plan.
    """
    target = Path(folder)
    earlier = (target / "summary.json").is_file()
    ours = {(target / name).resolve() for name in OUTPUTS}
    for given in inputs:
        if given is None or given == "typical":
            continue
        path = Path(given).resolve()
        if path in ours and not (earlier and path.name == "scenario.toml"):
            raise ConfigError("output_is_input", where=str(target), file=path.name)
    there = [name for name in OUTPUTS if (target / name).exists()]
    if there and not earlier:
        raise ConfigError("output_taken", where=str(target), files=listed(there))


def page_file(path: str | os.PathLike[str], language: str) -> Path:
    """The file of a page.

    Raises
    ------
    ConfigError
        If the language or suffix is unknown.
    """
    if language not in LANGUAGES:
        raise ConfigError("language_unknown", where="language", value=language)
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=".html")
    return target


def write_beside(target: Path, text: str) -> Path:
    """Write a text file beside its place and rename it there: all of it or nothing."""
    return write_bytes_beside(target, text.encode("utf-8"))


def write_bytes_beside(target: Path, body: bytes) -> Path:
    """As :func:`write_beside`, for a file of any kind."""
    beside = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside.write_bytes(body)
    os.replace(beside, target)
    return target


def save_modules(plan: Plan, path: str | os.PathLike[str]) -> Path:
    """Write the outline of every module of a plan as a layer for GIS.

    Raises
    ------
    ConfigError
        If the suffix is not ``.gpkg``, ``.geojson`` or ``.parquet``.
    """
    target = Path(path)
    drivers = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".parquet": ""}
    suffix = target.suffix.lower()
    if suffix not in drivers:
        known = ", ".join(drivers)
        raise ConfigError("page_suffix", where=str(target), suffix=suffix, known=known)
    outlines = module_outlines(plan.planes, scenario=plan.scenario, arrays=plan.arrays)
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


def finish_commit(folder: Path) -> None:
    """Move the files of an interrupted commit into place; nothing to do for a whole folder."""
    committed = folder / _COMMITTED
    if not committed.is_dir():
        return
    for file in sorted(committed.iterdir()):
        os.replace(file, folder / file.name)
    committed.rmdir()


def write_plan(plan: Plan, staging: Path, final: Path) -> None:
    """Write everything but the pages into ``staging``; paths are relative to ``final``."""
    for name, table in plan.tables():
        plain = _plain(table)
        plain.to_parquet(staging / f"{name}.parquet", index=False)
    _write_geopackage(plan, staging / "plan.gpkg")
    (staging / "scenario.toml").write_text(
        plan.scenario.to_toml(final), encoding="utf-8", newline="\n"
    )
    text = json.dumps(plan.summary(), ensure_ascii=False, indent=1, allow_nan=False, default=_json)
    (staging / "summary.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _json(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"not for JSON: {type(value).__name__}")


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """A copy without attributes that no format stores, and with one missing value for each type."""
    out = table.copy()
    out.attrs = {}
    if out.index.name in TABLES["energy"].key and out.index.name not in out.columns:
        out = out.reset_index()
    return out


def _write_geopackage(plan: Plan, path: Path) -> None:
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
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _for_ogr(frame: pd.DataFrame) -> pd.DataFrame:
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
    """Read a plan that :func:`write_plan` wrote."""
    finish_commit(folder)
    summary_file = folder / "summary.json"
    if not summary_file.is_file():
        raise InputError("plan_missing", where=str(folder))
    try:
        summary = json.loads(summary_file.read_text(encoding="utf-8"))
        tables = {name: _read_table(folder, name) for name in TABLES}
        findings = tuple(Finding.from_dict(row) for row in summary["findings"])
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("plan_broken", where=str(folder), reason=str(error)) from None
    tables["energy"] = tables["energy"].set_index("array_id")
    facts = {key: summary[key] for key in FACTS}
    scenario = Scenario.from_toml(folder / "scenario.toml")
    return Plan(
        scenario,
        **tables,
        findings=findings,
        assumptions=pd.DataFrame(summary["assumptions"]),
        facts=facts,
    )


def _read_table(folder: Path, name: str) -> Any:
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise InputError("plan_broken", where=str(folder), reason=f"{name}.parquet")
    spatial = "geometry" in TABLES[name].columns
    table = gpd.read_parquet(path) if spatial else pd.read_parquet(path)
    validate(table, name, where=str(path))
    return table


def hash_input(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file with its siblings of the same stem (a shapefile), or of a folder."""
    file = Path(path)
    digest = hashlib.sha256()
    if file.is_dir():
        members = sorted(p for p in file.rglob("*") if p.is_file())
    elif file.suffix.lower() == ".shp":
        members = sorted(file.parent.glob(f"{file.stem}.*"))
    else:
        members = [file]
    for member in members:
        with member.open("rb") as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()
