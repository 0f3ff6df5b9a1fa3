"""Commands on what happened after the plan: readings, settlements, the reckoning of a period."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from pvplanner.console import Context, LanguageOption, Session
from pvplanner.showing import FolderArgument

PeriodOption = Annotated[
    str, typer.Option("--period", help="2027-05, 2027, 2027-05..2027-07, 2027-05-03..2027-05-17.")
]


def track(
    context: Context,
    folder: FolderArgument,
    period: PeriodOption,
    meter: Annotated[
        list[Path] | None,
        typer.Option("--meter", help="File of generation; may be given several times."),
    ] = None,
    settlement: Annotated[
        list[Path] | None,
        typer.Option("--settlement", help="The grid company's sheet; several times if need be."),
    ] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option("--receipt", help="The bank's statement of what came in.")
    ] = None,
    weather: Annotated[
        Path | None, typer.Option("--weather", help="Measured over the period, of any length.")
    ] = None,
    match: Annotated[
        Path | None, typer.Option("--match", help="Table of account and household_id.")
    ] = None,
    layout: Annotated[
        list[Path] | None,
        typer.Option("--layout", help="How an unknown sheet is laid out (TOML); then kept."),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="Table of month and the market's price.")
    ] = None,
    bills: Annotated[
        list[Path] | None,
        typer.Option("--bills", help="Table of month, item, amount: the collective's bills."),
    ] = None,
    owners: Annotated[
        Path | None,
        typer.Option("--owners", help="Table of household_id, owner, share: joint plants; kept."),
    ] = None,
    prorate: Annotated[
        bool, typer.Option("--prorate", help="Bring readings over the month's ends to the month.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why what was entered of the period is corrected.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="CSV of the households beside the entry.")
    ] = None,
    language: LanguageOption = None,
) -> None:
    """Hold a period's readings against the plan, and what was paid against what was due."""
    from pvplanner.plan.commit import write_beside
    from pvplanner.tracking import track as hold
    from pvplanner.tracking.lines import as_csv, lines_of

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    found = hold(
        folder, period=period, meter=meter, settlement=settlement, receipt=receipt,
        weather=weather, match=match, layout=layout, prices=prices, bills=bills, owners=owners,
        prorate=prorate, reason=reason,
    )  # fmt: skip
    for line in lines_of(found, session.code):
        typer.echo(line)
    if out is not None:
        session.say("said_track", write_beside(out, as_csv(found, session.code)))


def reckon(
    context: Context,
    folder: FolderArgument,
    period: Annotated[
        str, typer.Option("--period", help="2027-05, 2027-05..2027-07, or a year, 2027.")
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The whole: .xlsx, .pdf or .html.")
    ] = None,
    posting: Annotated[
        Path | None, typer.Option("--posting", help="CSV to be posted: house numbers, no names.")
    ] = None,
    batch: Annotated[
        Path | None, typer.Option("--batch", help="CSV for the bank's batch payment, with names.")
    ] = None,
    statements: Annotated[
        Path | None, typer.Option("--statements", help="PDF with a page a household.")
    ] = None,
    accounts: Annotated[
        Path | None, typer.Option("--accounts", help="Table of item, debit, credit: own codes.")
    ] = None,
    resolved: Annotated[
        str | None, typer.Option("--resolved", help="Day of the meeting that resolved the year.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why a resolution is entered again.")
    ] = "",
    language: LanguageOption = None,
) -> None:
    """Reckon a month or a year from its entries: who is owed what, the lists, the vouchers."""
    from pvplanner.errors import ConfigError
    from pvplanner.reckoning import reckon as reckoned
    from pvplanner.reckoning import resolve, save_list, save_reckoning, save_statements
    from pvplanner.reckoning.figures import key_figures

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    if resolved is not None:
        try:
            day = dt.date.fromisoformat(resolved)
            year = int(period)
        except ValueError:
            raise ConfigError("resolve_day", where="--resolved", value=resolved) from None
        resolve(folder, year, day, reason=reason)
    found = reckoned(folder, period, accounts=accounts)
    for figure in key_figures(found, session.code):
        typer.echo(f"{figure.name}: {figure.text(session.code)}")
    for finding in found.findings:
        typer.echo(finding.text(session.code))
    code = session.code
    if out is not None:
        session.say("said_reckon", save_reckoning(found, out, language=code))
    if statements is not None:
        session.say("said_reckon", save_statements(found, statements, language=code))
    for target, which in ((posting, "posting"), (batch, "batch")):
        if target is not None:
            session.say("said_reckon", save_list(found, target, which, language=code))


def learn(
    context: Context,
    folder: FolderArgument,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder of a new plan under what was learned."),
    ] = None,
    language: LanguageOption = None,
) -> None:
    """What a plan's measurements say of its next years; a new plan only where one is asked for."""
    from pvplanner.plan import Plan
    from pvplanner.tracking.learning import learn as learned
    from pvplanner.tracking.lines import learned_lines

    session: Session = context.obj
    session.speak(language, folder / "scenario.toml")
    found, changes = learned(folder)
    for line in learned_lines(found, changes, session.code):
        typer.echo(line)
    if out is not None:
        Plan.load(folder).under(changes).save(out)
        session.say("said_learned", out)


COMMANDS = {made.__name__: made for made in (track, reckon, learn)}
