"""What the command line says: in which language, how far the work is, what was found."""

from __future__ import annotations

import contextlib
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvplanner import stopping
from pvplanner.errors import LANGUAGES, ConfigError, Finding
from pvplanner.texts import visible

if TYPE_CHECKING:
    from pvplanner.plan import Plan

Context = typer.Context
LanguageOption = Annotated[
    str | None, typer.Option("--language", help="zh or en; the scenario's if not given.")
]
InternalOption = Annotated[
    bool, typer.Option("--internal", help="Office edition, with personal data.")
]
VillageOption = Annotated[
    str | None, typer.Option("--village", help="One village of a plan of several.")
]
"""Options that commands share."""


@dataclass
class Session:
    """What one call of the command line carries from command to command."""

    debug: bool = False
    language: str | None = None

    def speak(self, language: str | None, scenario: Path | None) -> None:
        """Messages follow the option, else the scenario, else the environment."""
        if language is not None and language not in LANGUAGES:
            raise ConfigError("language_unknown", where="--language", value=language)
        self.language = language or (_peek_language(scenario) if scenario else None)

    @property
    def code(self) -> str:
        """Language of messages."""
        if self.language in LANGUAGES:
            return str(self.language)
        place = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
        known = [code for code in LANGUAGES if place.lower().startswith(code)]
        return known[0] if known else "en"

    def word(self, key: str, *, unit: bool = False, currency: str = "CNY") -> str:
        """A label in the language of messages."""
        from pvplanner.words import label

        return label(key, self.code, unit=unit, currency=currency)

    def say(self, key: str, value: object) -> None:
        """A line of a word and a value."""
        typer.echo(f"{self.word(key)}: {visible(str(value))}")


@contextlib.contextmanager
def following(session: Session) -> Iterator[Callable[[str], None]]:
    """A bar on standard error that follows the stages; silent where nobody looks."""
    from pvplanner.plan.worth import GRAPH
    from pvplanner.warming import compiling_beside

    said = [stage.said for stage in GRAPH.values() if stage.said] + ["pages"]
    bar: list[Any] = []

    def step(stage: str) -> None:
        stopping.check()
        word = GRAPH[stage].said if stage in GRAPH else stage
        if not bar:
            say_compiling(session)
            beside.enter_context(compiling_beside())
            bar.append(_bar(len(said)))
        if word in said:
            text = session.word(f"stage_{word}")
            bar[0].update(0, completed=said.index(word), description=text)

    with contextlib.ExitStack() as beside:
        try:
            yield step
        finally:
            if bar:
                bar[0].stop()


def _bar(total: int) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    bar.add_task("", total=total)
    bar.start()
    return bar


def say_compiling(session: Session) -> None:
    """Say what the first run waits for."""
    from pvplanner.compiled import SECONDS, is_compiled

    if sys.stderr.isatty() and not is_compiled():
        typer.echo(session.word("stage_compile").format(seconds=SECONDS), err=True)


def say_waiting(session: Session, process: str) -> None:
    """Say who else is at work in the folder."""
    typer.echo(session.word("said_waiting").format(process=process), err=True)


def tell(
    session: Session, made: Plan, folder: Path, groups: tuple[str, ...], changed: bool
) -> None:
    """Say what a plan came to, what was found, and where it lies."""
    from pvplanner.words import shown

    summary = _summary(made, folder, changed)
    doubts = [f for f in summary["findings"] if f.doubtful]
    list_findings(session, doubts)
    for key in ("buildings", "households", "modules", "capacity_kwp", "energy_kwh",
                "income_first_year", "avoided_t"):  # fmt: skip
        told = shown(summary[key], key, session.code, "whole")
        name = session.word(key, unit=True, currency=summary["currency"])
        typer.echo(f"{name}: {told}")
    list_findings(session, [f for f in summary["findings"] if not f.doubtful])
    if changed:
        words = {"reused": len(made.reused), "all": len(made.reused) + len(made.ran)}
        typer.echo(session.word("said_reused").format(**words))
    else:
        typer.echo(session.word("said_unchanged"))
    for group in ("map", "report"):
        if group in groups:
            session.say(f"said_{group}", folder / f"{group}.html")
    if made.scenario.site.households is not None:
        typer.echo(session.word("said_private"))
    if not {"map", "report"} & set(groups):
        session.say("said_tables", folder)


def _summary(made: Plan, folder: Path, changed: bool) -> dict[str, Any]:
    """The plan's summary: as it is on disk where nothing changed, since that is quick."""
    import json

    path = folder / "summary.json"
    if changed or not path.is_file():
        return {**made.summary(), "findings": made.findings}
    told = json.loads(path.read_text(encoding="utf-8"))
    return {**told, "findings": [Finding.from_dict(row) for row in told["findings"]]}


def list_findings(session: Session, findings: list[Finding]) -> None:
    """What is doubtful first, marked; then what was read and done."""
    for finding in sorted(findings, key=lambda f: not f.doubtful):
        typer.echo(f"{'!' if finding.doubtful else '-'} {finding.text(session.code)}")


def _peek_language(scenario: Path) -> str | None:
    """The language of a scenario that may be wrong in other ways."""
    if scenario.is_dir():
        scenario = scenario / "scenario.toml"
    if scenario.suffix.lower() == ".xlsx":
        return "zh"
    try:
        data = tomllib.loads(scenario.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    return data.get("language", "zh")
