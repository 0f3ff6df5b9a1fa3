"""The command line: thin commands over the public functions.

Exit codes: 0 done; 2 bad input or configuration, one clear line on what, where and what to do
(a traceback only with ``--debug``); 1 a bug.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pvplanner import fetching, keeping, regional, showing
from pvplanner.console import (
    Context,
    InternalOption,
    LanguageOption,
    Session,
    following,
    list_findings,
    say_compiling,
    say_waiting,
    tell,
)
from pvplanner.errors import (
    ConfigError,
    InputError,
    PVPlannerError,
    message,
)

if TYPE_CHECKING:
    from pvplanner.scenario import Scenario

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Plan rooftop photovoltaics for a village: from footprints to maps and reports.",
)

SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="key=value, such as finance.capex_per_w=3.2.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"pvplanner {metadata.version('pvplanner')}")
        raise typer.Exit


@app.callback()
def _main(
    context: Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Say the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    context.obj = context.obj or Session()
    context.obj.debug = debug


@app.command()
def plan(
    context: Context,
    scenario: Annotated[
        Path, typer.Argument(help="Scenario (TOML), form (XLSX), or the folder of one.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder; maps/NAME if not given.")
    ] = None,
    set_: SetOption = None,
    only: Annotated[
        str | None,
        typer.Option("--only", help="Of tables, gpkg, map, report: tables,map for instance."),
    ] = None,
    language: LanguageOption = None,
    internal: InternalOption = False,
) -> None:
    """Plan a village: writes its map, report, tables and summary into a folder."""
    from pvplanner.pages import plan_pages
    from pvplanner.plan.folder import GROUPS, guard_outputs, write_folder
    from pvplanner.plan.locking import holding

    session: Session = context.obj
    read = _opened(session, scenario, set_, language)
    groups = _groups(only, GROUPS)
    folder = out or _default_folder(scenario, read)
    with holding(folder, waiting=lambda process: say_waiting(session, process)):
        guard_outputs(folder, [str(scenario), *read.paths().values()])
        pages = plan_pages(read, internal)
        with following(session) as step:
            done = write_folder(read, folder, only=groups, pages=pages, progress=step)
    tell(session, done.plan, folder, groups, bool(done.written))


def _opened(
    session: Session, scenario: Path, set_: list[str] | None, language: str | None
) -> Scenario:
    """A scenario with what the command line changes of it."""
    from pvplanner.form import open_scenario
    from pvplanner.settings import paths_from_here, read_setting

    session.speak(language, scenario)
    read = open_scenario(scenario)
    changes = dict(map(read_setting, set_ or []))
    if language is not None:
        changes["language"] = language
    home = scenario if scenario.is_dir() else scenario.parent
    return read.override(paths_from_here(changes, home.resolve()))


def _groups(only: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if only is None:
        return known
    asked = tuple(word.strip() for word in only.split(",") if word.strip())
    odd = [word for word in asked if word not in known]
    if odd or not asked:
        value = odd[0] if odd else only
        raise ConfigError("only_unknown", where="--only", value=value, known=", ".join(known))
    return asked


@app.command()
def select(
    context: Context,
    scenario: Annotated[
        Path, typer.Argument(help="Scenario (TOML), form (XLSX), or the folder of one.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder; maps/NAME-phases if not given.")
    ] = None,
    set_: SetOption = None,
    must: Annotated[
        list[str] | None, typer.Option("--must", help="Household or building, chosen at any rate.")
    ] = None,
    never: Annotated[
        list[str] | None, typer.Option("--never", help="Household or building, not chosen.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", help="Of tables, gpkg, map, report, as for plan.")
    ] = None,
    language: LanguageOption = None,
    internal: InternalOption = False,
) -> None:
    """Choose households, models and phases under budget and grid, and plan those alone."""
    from pvplanner.pages import plan_pages
    from pvplanner.plan.folder import GROUPS, guard_outputs, write_folder
    from pvplanner.plan.locking import holding
    from pvplanner.selecting import LIST, PAPERS, choose_into, write_grid

    session: Session = context.obj
    read = _opened(session, scenario, set_, language)
    asked = read.selection
    wishes = {"must": [*asked.must, *(must or [])], "never": [*asked.never, *(never or [])]}
    read = read.override({f"selection.{name}": names for name, names in wishes.items()})
    groups = _groups(only, GROUPS)
    usual = _default_folder(scenario, read)
    folder = out or usual.with_name(f"{usual.name}-phases")
    with holding(folder, waiting=lambda process: say_waiting(session, process)):
        guard_outputs(folder, [str(scenario), *read.paths().values()])
        with following(session) as step:
            chosen = choose_into(read, folder, step)
            pages = plan_pages(chosen.scenario, internal)
            done = write_folder(chosen.scenario, folder, only=groups, pages=pages, progress=step)
    list_findings(session, list(chosen.findings))
    tell(session, done.plan, folder, groups, bool(done.written))
    session.say("said_selection", folder / LIST)
    session.say("said_meeting", folder / PAPERS)
    session.say("said_grid", write_grid(done.plan, folder))
    if len(chosen.moved):
        typer.echo(f"{session.word('said_moves')} {len(chosen.moved)}")


for name, command in {**showing.COMMANDS, **keeping.COMMANDS}.items():
    app.command(name)(command)
app.command()(regional.region)
app.command()(regional.rank)
app.add_typer(fetching.fetch, name="fetch")


@app.command()
def stages(
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="As a Mermaid drawing instead of text.")
    ] = False,
) -> None:
    """Print the stages of a plan: what each needs, and which keys and files it reads."""
    from pvplanner.plan.drawing import as_mermaid, as_text
    from pvplanner.plan.worth import GRAPH

    typer.echo(as_mermaid(GRAPH) if mermaid else as_text(GRAPH))


@app.command()
def prices(
    context: Context,
    province: Annotated[str, typer.Argument(help="Such as Zhejiang.")],
    date: Annotated[
        str, typer.Option("--date", help="Day of connection, year-month-day.")
    ] = "2026-06-01",
    class_: Annotated[
        str, typer.Option("--class", help="Class of the project, as tariff.project_class.")
    ] = "natural_person_household",
    area: Annotated[
        str | None, typer.Option("--area", help="Grid area, such as south grid.")
    ] = None,
    language: LanguageOption = None,
) -> None:
    """Print what a kilowatt-hour is worth in a province: what holds, why, and what is not known."""
    import datetime as dt

    from pvplanner.pricing import price_lines

    session: Session = context.obj
    session.speak(language, None)
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise ConfigError("value_kind", where="--date", value=date, kind="kind_date") from None
    for line in price_lines(province, day, class_, session.code, area):
        typer.echo(line)


@app.command()
def warm(context: Context) -> None:
    """Prepare the fast code for this machine, so that the first plan need not wait for it."""
    from pvplanner.warming import warm_up

    session: Session = context.obj
    say_compiling(session)
    warm_up()
    typer.echo(session.word("stage_warm"))


@app.command()
def init(
    context: Context,
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
    """Write a commented scenario beside a footprint file, and the same as a form to fill in."""
    from pvplanner.buildings import read_buildings
    from pvplanner.form import write_form
    from pvplanner.plan.commit import write_beside
    from pvplanner.scaffold import scenario_text
    from pvplanner.scenario import Scenario
    from pvplanner.weather import read_weather

    session: Session = context.obj
    session.speak(language, None)
    target = out or footprints.parent / "scenario.toml"
    form = target.with_name("input.xlsx" if target.stem == "scenario" else f"{target.stem}.xlsx")
    for file in (target, form):
        if file.exists() and not force:
            raise ConfigError("exists_already", where=str(file))
    if target.is_dir() or target.resolve() == footprints.resolve():
        raise ConfigError("output_is_input", where=str(target), file=target.name)
    if weather is not None:
        read_weather(weather)
    buildings = read_buildings(footprints, crs=crs, datum=datum, layer=layer)
    options = {"crs": crs, "datum": datum, "layer": layer}
    text = scenario_text(
        footprints, buildings, folder=target.parent, weather=weather, options=options,
        language=session.code,
    )  # fmt: skip
    write_beside(target, text)
    made = Scenario.from_toml(target)
    write_form(form, made, folder=target.resolve().parent, language=session.code, twin=target)
    session.say("said_scenario", target)
    session.say("said_form", form)
    typer.echo(f"{session.word('said_next')} {target}")


@app.command()
def check(
    context: Context,
    path: Annotated[
        Path,
        typer.Argument(help="Footprints, ledger, meter or weather; or scenario, form, folder."),
    ],
    crs: Annotated[str | None, typer.Option("--crs", help="Such as EPSG:4549.")] = None,
    datum: Annotated[
        str, typer.Option("--datum", help="wgs84, cgcs2000, gcj02 or bd09.")
    ] = "wgs84",
    layer: Annotated[str | None, typer.Option("--layer", help="Layer, if several.")] = None,
    building: Annotated[
        str | None, typer.Option("--building", help="Draw this building's roof (of a scenario).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="check.html for a scenario; PNG, PDF or SVG of a roof."),
    ] = None,
    language: LanguageOption = None,
) -> None:
    """Read a file, or all that a scenario names: what is in it, what is wrong, what is doubtful."""
    from pvplanner.form import is_form

    session: Session = context.obj
    whole = path.suffix.lower() == ".toml" or _holds_scenario(path) or is_form(path)
    session.speak(language, path if whole else None)
    if building is not None:
        _check_roof(session, path, building, out or Path("sheet.png"))
    elif whole:
        _check_scenario(session, path, out)
    else:
        from pvplanner.checking.files import look_at_file

        options = {"crs": crs, "datum": datum, "layer": layer}
        lines, findings = look_at_file(path, session.code, **options)
        for line in lines:
            typer.echo(line)
        list_findings(session, findings)


def _holds_scenario(path: Path) -> bool:
    return path.is_dir() and any((path / n).is_file() for n in ("scenario.toml", "input.xlsx"))


def _check_roof(session: Session, path: Path, building: str, out: Path) -> None:
    from pvplanner.form import open_scenario
    from pvplanner.plan import open_plan
    from pvplanner.sheet import save_sheet

    scenario = open_scenario(path)
    planes = open_plan(scenario).result("planes")
    written = save_sheet(planes, building, out, scenario=scenario, language=session.code)
    session.say("said_sheet", written)


def _check_scenario(session: Session, path: Path, out: Path | None) -> None:
    from pvplanner.checking import look_at, refusals
    from pvplanner.checking.said import lines_of, save_check
    from pvplanner.form import open_scenario
    from pvplanner.plan.folder import guard_outputs

    scenario = open_scenario(path)
    if scenario.site.buildings is None:
        raise ConfigError("site_buildings", where=f"{path} [site.buildings]")
    if out is not None:
        guard_outputs(out, [str(path), *scenario.paths().values()])
    try:
        with following(session) as step:
            look = look_at(scenario, progress=step)
    except PVPlannerError as error:
        for other in refusals(scenario):
            if other.text() != error.text():
                typer.echo(other.text(session.code), err=True)
        raise
    for line in lines_of(look, session.code):
        typer.echo(line)
    if out is not None:
        session.say("said_check", save_check(look, out, session.code))


def main() -> None:
    """Run the command line and turn errors into exit codes."""
    for stream in (sys.stdout, sys.stderr):
        # A console that can't show Chinese shows question marks instead of failing.
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    # Arrow's own pools keep what they were once given; a plan's tables are large and short-lived.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # What is doubtful is a finding; a library's own warnings are for its developers.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    session = Session()
    try:
        app(obj=session, standalone_mode=True)
    except PVPlannerError as error:
        _fail(session, error.text(session.code), 2)
    except OSError as error:
        reason, file = error.strerror or str(error), error.filename or error.filename2
        found = InputError("folder_unwritable", where=str(file or "-"), reason=reason)
        _fail(session, found.text(session.code), 2)
    except Exception as error:
        _fail(session, message("bug", session.code, reason=f"{type(error).__name__}: {error}"), 1)


def _fail(session: Session, text: str, code: int) -> None:
    if session.debug:
        traceback.print_exc()
    typer.echo(text, err=True)
    raise SystemExit(code)


def _default_folder(scenario: Path, read: Scenario) -> Path:
    """``maps/`` and the name of the scenario's folder, or of the file where that says nothing."""
    stem = scenario.stem
    home = scenario.resolve() if scenario.is_dir() else scenario.resolve().parent
    name = home.name if scenario.is_dir() or stem in ("scenario", "input") else stem
    return Path("maps") / (name or read.name)
