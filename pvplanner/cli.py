"""The command line: thin commands over the public functions.

Exit codes: 0 done; 2 bad input or configuration, one clear line on what, where and what to do
(a traceback only with ``--debug``); 1 a bug.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pvplanner.buildings import findings_of, read_buildings, read_households
from pvplanner.errors import (
    LANGUAGES,
    ConfigError,
    Finding,
    InputError,
    PVPlannerError,
    message,
)
from pvplanner.mapping import save_map
from pvplanner.report import save_report, save_survey
from pvplanner.scaffold import scenario_text
from pvplanner.scenario import PATH_KEYS, Scenario
from pvplanner.schema import label
from pvplanner.sheet import save_sheet
from pvplanner.village import STAGES, Plan, plan_village, site_planes, write_beside
from pvplanner.village.storage import guard_outputs, save_modules, transaction, write_plan
from pvplanner.weather import read_weather

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Plan rooftop photovoltaics for a village: from footprints to maps and reports.",
)

WEATHER_SUFFIXES = (".epw", ".csv", ".json")
"""What ``check`` reads as weather."""

_session: dict[str, Any] = {"debug": False, "language": None}

LanguageOption = Annotated[
    str | None, typer.Option("--language", help="zh or en; the scenario's if not given.")
]
InternalOption = Annotated[
    bool, typer.Option("--internal", help="Office edition, with personal data.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="key=value, such as finance.capex_per_w=3.2.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


@app.callback()
def _main(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    _session["debug"] = debug


@app.command()
def plan(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder; maps/NAME if not given.")
    ] = None,
    set_: SetOption = None,
    language: LanguageOption = None,
    internal: InternalOption = False,
) -> None:
    """Plan a village: writes its map, report, tables and summary into a folder."""
    _speak(language, scenario)
    read = Scenario.from_toml(scenario)
    changes = dict(map(_assignment, set_ or []))
    if language is not None:
        changes["language"] = language
    read = read.override(_paths_from_here(changes, scenario.resolve().parent))
    folder = out or _default_folder(scenario, read)
    inputs = [getattr(read.site, key) for key in PATH_KEYS]
    guard_outputs(folder, [str(scenario), *inputs, read.demand.meter, read.tariff.file])
    with _progress(len(STAGES) + 1) as step:
        made = plan_village(read, progress=step)
        step("pages")
        with transaction(folder) as staging:
            write_plan(made, staging, folder)
            save_map(made, staging / "map.html", read.language, internal=internal)
            save_report(made, staging / "report.html", internal=internal)
    _tell(made, folder)


@app.command()
def init(
    footprints: Annotated[Path, typer.Argument(help="Footprint file.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File; scenario.toml beside the footprints.")
    ] = None,
    weather: Annotated[Path | None, typer.Option("--weather", help="Weather file.")] = None,
    crs: Annotated[str | None, typer.Option("--crs", help="Such as EPSG:4549.")] = None,
    datum: Annotated[
        str, typer.Option("--datum", help="wgs84, cgcs2000, gcj02 or bd09.")
    ] = "wgs84",
    layer: Annotated[str | None, typer.Option("--layer", help="Layer, if several.")] = None,
    language: LanguageOption = None,
    force: ForceOption = False,
) -> None:
    """Write a commented scenario beside a footprint file."""
    _speak(language, None)
    target = out or footprints.parent / "scenario.toml"
    if target.exists() and not force:
        raise ConfigError("exists_already", where=str(target))
    if target.is_dir() or target.resolve() == footprints.resolve():
        raise ConfigError("output_is_input", where=str(target), file=target.name)
    if weather is not None:
        read_weather(weather)
    buildings = read_buildings(footprints, crs=crs, datum=datum, layer=layer)
    options = {"crs": crs, "datum": datum, "layer": layer}
    text = scenario_text(
        footprints, buildings, folder=target.parent, weather=weather, options=options,
        language=_language(),
    )  # fmt: skip
    write_beside(target, text)
    typer.echo(f"{label('said_scenario', _language())}: {target}")
    typer.echo(f"{label('said_next', _language())} {target}")


@app.command("map")
def map_(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="HTML file.")] = Path("map.html"),
    language: LanguageOption = None,
    internal: InternalOption = False,
    compare: Annotated[
        Path | None, typer.Option("--compare", help="Folder of another plan of the same buildings.")
    ] = None,
    tiles: Annotated[
        str | None, typer.Option("--tiles", help="Online basemap: tianditu, amap or esri.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Your own key for Tianditu; stands in the file.")
    ] = None,
) -> None:
    """Write the map of a saved plan."""
    _speak(language, folder / "scenario.toml")
    saved = Plan.load(folder)
    other = Plan.load(compare) if compare is not None else None
    written = save_map(
        saved,
        out,
        language or saved.scenario.language,
        internal=internal,
        compare=other,
        tiles=tiles,
        key=key,
    )
    typer.echo(f"{label('said_map', _language())}: {written}")


@app.command()
def modules(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Layer for GIS: .gpkg, .geojson or .parquet.")
    ] = Path("modules.gpkg"),
) -> None:
    """Write the outline of every module of a saved plan, for GIS."""
    _speak(None, folder / "scenario.toml")
    saved = Plan.load(folder)
    written = save_modules(saved, out)
    typer.echo(f"{label('modules', _language())}: {written}")


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="HTML file.")] = Path("report.html"),
    language: LanguageOption = None,
    internal: InternalOption = False,
) -> None:
    """Write the report of a saved plan."""
    _speak(language, folder / "scenario.toml")
    saved = Plan.load(folder)
    written = save_report(saved, out, language=language, internal=internal)
    typer.echo(f"{label('said_report', _language())}: {written}")


@app.command()
def survey(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Workbook to fill in, or HTML to print.")
    ] = Path("survey.xlsx"),
    language: LanguageOption = None,
) -> None:
    """Write the list of what someone must check on site, hamlet by hamlet."""
    _speak(language, folder / "scenario.toml")
    saved = Plan.load(folder)
    written = save_survey(saved, out, language=language)
    typer.echo(f"{label('survey_sheet', _language())}: {written}")


@app.command()
def dossier(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    household: Annotated[
        str | None, typer.Option("--household", help="Household; the collective if not given.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="JSON file.")] = Path("dossier.json"),
) -> None:
    """Write the dossier for green credit of a household or the collective."""
    _speak(None, folder / "scenario.toml")
    found = Plan.load(folder).dossier(household)
    write_beside(out, json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    typer.echo(f"{label('said_dossier', _language())}: {out}")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="Footprint or weather file, or scenario.")],
    crs: Annotated[str | None, typer.Option("--crs", help="Such as EPSG:4549.")] = None,
    datum: Annotated[
        str, typer.Option("--datum", help="wgs84, cgcs2000, gcj02 or bd09.")
    ] = "wgs84",
    layer: Annotated[str | None, typer.Option("--layer", help="Layer, if several.")] = None,
    building: Annotated[
        str | None, typer.Option("--building", help="Draw this building's roof (of a scenario).")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="PNG, PDF or SVG.")] = Path("sheet.png"),
    language: LanguageOption = None,
) -> None:
    """Read a file and say what is in it, what is wrong and what is doubtful."""
    suffix = path.suffix.lower()
    _speak(language, path if suffix == ".toml" else None)
    if building is not None:
        scenario = Scenario.from_toml(path)
        planes = site_planes(scenario)
        written = save_sheet(planes, building, out, scenario=scenario, language=_language())
        typer.echo(f"{label('said_sheet', _language())}: {written}")
        return
    if suffix == ".toml":
        scenario = Scenario.from_toml(path)
        site = scenario.site
        if site.buildings is None:
            raise ConfigError("site_buildings", where=f"{path} [site.buildings]")
        _check_buildings(
            Path(site.buildings),
            crs=site.crs,
            datum=site.datum,
            layer=site.layer,
            columns=site.columns,
        )
        if site.weather != "typical":
            _check_weather(Path(site.weather))
        if site.households is not None:
            _check_ledger(Path(site.households), dict(site.household_columns))
    elif _looks_like_ledger(path):
        _check_ledger(path, {})
    elif suffix in WEATHER_SUFFIXES and not _looks_like_geojson(path):
        _check_weather(path)
    else:
        _check_buildings(path, crs=crs, datum=datum, layer=layer)


def main() -> None:
    """Run the command line and turn errors into exit codes."""
    for stream in (sys.stdout, sys.stderr):
        # A console that can't show Chinese shows question marks instead of failing.
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app(standalone_mode=True)
    except PVPlannerError as error:
        _fail(error.text(_language()), 2)
    except OSError as error:
        reason, file = error.strerror or str(error), error.filename or error.filename2
        found = InputError("folder_unwritable", where=str(file or "-"), reason=reason)
        _fail(found.text(_language()), 2)
    except Exception as error:
        _fail(message("bug", _language(), reason=f"{type(error).__name__}: {error}"), 1)


def _fail(text: str, code: int) -> None:
    if _session["debug"]:
        traceback.print_exc()
    typer.echo(text, err=True)
    raise SystemExit(code)


def _language() -> str:
    chosen = _session["language"]
    if chosen in LANGUAGES:
        return str(chosen)
    place = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if place.lower().startswith("zh") else "en"


def _speak(language: str | None, scenario: Path | None) -> None:
    """Messages follow the option, else the scenario, else the environment."""
    if language is not None and language not in LANGUAGES:
        raise ConfigError("language_unknown", where="--language", value=language)
    _session["language"] = language or (_peek_language(scenario) if scenario else None)


def _peek_language(scenario: Path) -> str | None:
    """The language of a scenario that may be wrong in other ways."""
    try:
        data = tomllib.loads(scenario.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    return data.get("language", "zh")


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError("set_syntax", where="--set", value=text)
    if not value.strip():
        return key.strip(), None
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value
    return key.strip(), read


def _paths_from_here(changes: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths given on the command line: from here if the file is, else from the scenario."""
    out = dict(changes)
    for key in PATH_KEYS:
        value = changes.get(f"site.{key}")
        if isinstance(value, str) and value and not (key == "weather" and value == "typical"):
            here = Path(value)
            out[f"site.{key}"] = str(here.resolve() if here.exists() else folder / value)
    return out


def _default_folder(scenario: Path, read: Scenario) -> Path:
    """``maps/`` and the name of the scenario's folder, or of the file where that says nothing."""
    stem = scenario.stem
    name = scenario.resolve().parent.name if stem == "scenario" else stem
    return Path("maps") / (name or read.name)


@contextlib.contextmanager
def _progress(stages: int) -> Iterator[Callable[[str], None]]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=stages)
        begun = -1

        def step(stage: str) -> None:
            nonlocal begun
            begun += 1
            bar.update(task, completed=begun, description=label(f"stage_{stage}", _language()))

        yield step


def _tell(made: Plan, folder: Path) -> None:
    language = _language()
    summary = made.summary()
    for key in ("buildings", "households", "modules", "capacity_kwp", "energy_kwh"):
        typer.echo(f"{label(key, language, unit=True)}: {summary[key]:,}")
    for key in ("income_first_year", "avoided_t"):
        value = summary[key]
        told = label("unknown", language) if value is None else f"{value:,}"
        typer.echo(f"{label(key, language, unit=True)}: {told}")
    for finding in made.findings:
        typer.echo(f"- {finding.text(language)}")
    typer.echo(f"{label('said_map', language)}: {folder / 'map.html'}")
    typer.echo(f"{label('said_report', language)}: {folder / 'report.html'}")


def _check_buildings(path: Path, **options: Any) -> None:
    buildings = read_buildings(path, **options)
    language = _language()
    typer.echo(f"{label('buildings', language)}: {len(buildings)}")
    typer.echo(f"{label('crs', language)}: {buildings.crs.name}")
    for status, count in buildings["status"].value_counts().sort_index().items():
        typer.echo(f"{label(str(status), language)}: {count}")
    _list(findings_of(buildings))


def _check_ledger(path: Path, columns: dict[str, str]) -> None:
    households, links = read_households(path, columns=columns)
    language = _language()
    typer.echo(f"{label('said_ledger', language)}: {path}")
    typer.echo(f"{label('households', language)}: {len(households)}")
    typer.echo(f"{label('buildings', language)}: {links['building_id'].nunique()}")
    _list(findings_of(households))


def _looks_like_ledger(path: Path) -> bool:
    """A workbook, or a CSV that speaks of households."""
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return True
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    head = path.read_bytes()[:2000]
    return any(
        name.encode(code) in head
        for name in ("household_id", "户号")
        for code in ("utf-8", "gb18030")
    )


def _check_weather(path: Path) -> None:
    weather = read_weather(path)
    language = _language()
    typer.echo(f"{label('weather_source', language)}: {weather.source}")
    typer.echo(f"{weather.latitude:.3f}, {weather.longitude:.3f}, {weather.altitude:.0f} m")
    for name in ("ghi", "dni", "dhi"):
        typer.echo(f"{name}: {weather.data[name].sum() / 1000:,.0f} kWh/m2")
    _list(list(weather.findings))


def _list(findings: list[Finding]) -> None:
    for finding in findings:
        typer.echo(f"- {finding.text(_language())}")


def _looks_like_geojson(path: Path) -> bool:
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as stream:
        return b"FeatureCollection" in stream.read(2000)
