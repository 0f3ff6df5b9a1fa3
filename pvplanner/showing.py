"""Commands on a saved plan: its map, its documents, its tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvplanner.console import Context, InternalOption, LanguageOption, Session, VillageOption

if TYPE_CHECKING:
    from pvplanner.plan import Plan

FolderArgument = Annotated[Path, typer.Argument(help="Folder of a plan.")]


def saved_plan(folder: Path, village: str | None) -> Plan:
    """A saved plan, or one village of it; a village of a region is planned when asked."""
    from pvplanner.plan import Plan

    if village is not None and (folder / "region.json").is_file():
        from pvplanner.region import open_region

        return open_region(folder).plan(village)
    plan = Plan.load(folder)
    return plan if village is None else plan.village(village)


def _write(
    context: Context,
    folder: Path,
    village: str | None,
    language: str | None,
    word: str,
    save: Callable[..., Path],
    *told: Any,
) -> None:
    """Write a document of a saved plan and say where it is."""
    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    session.say(word, save(saved_plan(folder, village), *told, language=language))


def explain(
    context: Context,
    folder: FolderArgument,
    household: Annotated[str, typer.Option("--household", help="Identifier of the household.")],
    figure: Annotated[
        str, typer.Option("--figure", help="income_first_year or capital.")
    ] = "income_first_year",
    language: LanguageOption = None,
) -> None:
    """Print how a household's figure comes about: quantity x rate = amount, and each source."""
    from pvplanner.explaining import explain_lines
    from pvplanner.plan import Plan

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    for line in explain_lines(Plan.load(folder), household, figure, session.code):
        typer.echo(line)


def map_(
    context: Context,
    folder: FolderArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="HTML file.")] = Path("map.html"),
    language: LanguageOption = None,
    internal: InternalOption = False,
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", help="Folder of another plan of the same buildings; repeatable."),
    ] = None,
    cases: Annotated[
        bool, typer.Option("--cases", help="Price cases as tabs beside the plan.")
    ] = False,
    tiles: Annotated[
        str | None, typer.Option("--tiles", help="Online basemap: tianditu, amap or esri.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Your own key for Tianditu; stands in the file.")
    ] = None,
    village: VillageOption = None,
) -> None:
    """Write the map of a saved plan."""
    from pvplanner.mapping import save_map
    from pvplanner.tracking.last import last_measured

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    saved = saved_plan(folder, village)
    others = [saved_plan(path, village) for path in compare or ()]
    written = save_map(
        saved,
        out,
        language or saved.scenario.language,
        internal=internal,
        compare=others,
        cases=cases,
        tiles=tiles,
        key=key,
        measured=last_measured(folder),
    )
    session.say("said_map", written)


def modules(
    context: Context,
    folder: FolderArgument,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Layer for GIS: .gpkg, .geojson or .parquet.")
    ] = Path("modules.gpkg"),
    village: VillageOption = None,
) -> None:
    """Write the outline of every module of a saved plan, for GIS."""
    from pvplanner.plan.layers import save_modules

    session: Session = context.obj
    session.speak(None, folder / "scenario.toml")
    session.say("modules", save_modules(saved_plan(folder, village), out))


def report(
    context: Context,
    folder: FolderArgument,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Page, PDF to be signed, Word file or workbook.")
    ] = Path("report.html"),
    language: Annotated[
        str | None, typer.Option("--language", help="zh, en, or both in one PDF.")
    ] = None,
    internal: InternalOption = False,
    village: VillageOption = None,
) -> None:
    """Write the report of a saved plan."""
    from pvplanner.documents import save_report
    from pvplanner.documents.makers import BOTH

    session: Session = context.obj
    session.speak(None if language == BOTH else language, folder / "scenario.toml")
    written = save_report(saved_plan(folder, village), out, language=language, internal=internal)
    session.say("said_report", written)


def household(
    context: Context,
    folder: FolderArgument,
    household: Annotated[
        list[str] | None, typer.Option("--household", help="Identifier; all with modules if none.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="PDF.")] = Path("household.pdf"),
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write the sheet that a household reads and signs, a page each."""
    from pvplanner.documents import save_household_sheet

    _write(
        context, folder, village, language, "said_household", save_household_sheet, out, household
    )


def meeting(
    context: Context,
    folder: FolderArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Word file.")] = Path("meeting.docx"),
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write a meeting's papers: the resolution's draft, what is posted, sheets for answers."""
    from pvplanner.documents import save_meeting

    _write(context, folder, village, language, "said_meeting", save_meeting, out)


def pictures(
    context: Context,
    folder: FolderArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder.")] = Path("pictures"),
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write the map and each chart as PNG."""
    from pvplanner.documents import save_pictures

    _write(context, folder, village, language, "said_pictures", save_pictures, out)


def materials(
    context: Context,
    folder: FolderArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Workbook.")] = Path("materials.xlsx"),
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write the installer's list: materials by house and in sum, strings, the rules behind them."""
    from pvplanner.documents import save_materials

    _write(context, folder, village, language, "said_materials", save_materials, out)


def layouts(
    context: Context,
    folder: FolderArgument,
    building: Annotated[
        list[str] | None, typer.Option("--building", help="Identifier; all with modules if none.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="DXF or PDF.")] = Path("layouts.dxf"),
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write where every module lies, with dimensions: for CAD, or a page a house."""
    from pvplanner.documents import save_layouts

    _write(context, folder, village, language, "said_layouts", save_layouts, out, building)


def filing(
    context: Context,
    folder: FolderArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Workbook.")] = Path("filing.xlsx"),
    columns: Annotated[
        Path | None, typer.Option("--columns", help="Table of heading and column, as a form has.")
    ] = None,
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write the list that grid company and county ask for, by transformer, and what is missing."""
    from pvplanner.documents import save_filing

    _write(
        context,
        folder,
        village,
        language,
        "said_filing",
        partial(save_filing, columns=columns),
        out,
    )


def tables(
    context: Context,
    folder: FolderArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder.")] = Path("tables"),
    internal: InternalOption = False,
    village: VillageOption = None,
) -> None:
    """Write the tables of a saved plan as CSV that Excel opens, with a dictionary of columns."""
    from pvplanner.plan.folder import save_tables

    session: Session = context.obj
    session.speak(None, folder / "scenario.toml")
    session.say("said_tables", save_tables(saved_plan(folder, village), out, internal=internal))


def verify(
    context: Context,
    file: Annotated[Path, typer.Argument(help="Document that pvplanner wrote.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the plan.")],
    language: LanguageOption = None,
) -> None:
    """Make a document again from the plan's saved tables, and say whether it is the same."""
    from pvplanner.documents import verify_document
    from pvplanner.documents.verifying import SAME

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    told = verify_document(file, folder)
    more = {"other_plan": told.stated, "not_here": told.versions}.get(told.found, "")
    typer.echo(f"{session.word(f'said_document_{told.found}')} {more}".rstrip())
    if told.found != SAME:
        raise typer.Exit(2)


def survey(
    context: Context,
    folder: FolderArgument,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Workbook to fill in, or HTML to print.")
    ] = Path("survey.xlsx"),
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write the list of what someone must check on site, hamlet by hamlet."""
    from pvplanner.report import save_survey

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    session.say("survey_sheet", save_survey(saved_plan(folder, village), out, language=language))


def posting(
    context: Context,
    folder: FolderArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="HTML to print, or CSV.")] = Path(
        "posting.html"
    ),
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write the list to be posted: what is paid by shares, and low-income parts as one sum."""
    from pvplanner.report import save_posting

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    written = save_posting(saved_plan(folder, village), out, language=language)
    session.say("posting_title", written)


def dossier(
    context: Context,
    folder: FolderArgument,
    household: Annotated[
        str | None, typer.Option("--household", help="Household; the collective if not given.")
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="All borrowers: a workbook with a row each, or a PDF with a page each."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="JSON or PDF; with --all a workbook or PDF.")
    ] = None,
    language: LanguageOption = None,
    village: VillageOption = None,
) -> None:
    """Write the dossier for green credit of a household or the collective, or of all borrowers."""
    import json

    from pvplanner.plan.commit import write_beside

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    saved = saved_plan(folder, village)
    if every:
        from pvplanner.documents import save_bank_book, save_bank_pages

        target = out or Path("dossier.xlsx")
        save = save_bank_pages if target.suffix.lower() == ".pdf" else save_bank_book
        session.say("said_dossier", save(saved, target, language=language))
        return
    target = out or Path("dossier.json")
    if target.suffix.lower() == ".pdf":
        from pvplanner.documents import save_bank_pages
        from pvplanner.money import COLLECTIVE

        asked = [household or COLLECTIVE]
        session.say("said_dossier", save_bank_pages(saved, target, asked, language=language))
        return
    found = saved.dossier(household)
    write_beside(target, json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    session.say("said_dossier", target)


COMMANDS = {"map": map_, **{made.__name__: made for made in (
    explain, modules, report, household, meeting, pictures, materials, layouts, filing, tables,
    verify, survey, posting, dossier,
)}}  # fmt: skip
"""Commands by their names."""
