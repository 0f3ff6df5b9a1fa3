"""The commands of regions: run, merge, rank; thin over :mod:`pvplanner.region`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvplanner.console import Context, Session, say_compiling, say_waiting
from pvplanner.errors import ConfigError
from pvplanner.texts import visible

if TYPE_CHECKING:
    import pandas as pd

    from pvplanner.region import Results

MOST_SHOWN = 20
"""Villages that were set aside are listed up to so many; the rest stand in ``failed.json``."""


@contextmanager
def _following(session: Session) -> Iterator[Any]:
    """A bar on standard error that counts villages; silent where nobody looks."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    say_compiling(session)
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step, done, whole: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def tell(step: str, done: int, whole: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(session.word(f"region_step_{step}"), total=whole)
            bar.update(tasks[step], completed=done, total=whole)

        yield tell


def region(
    context: Context,
    paths: Annotated[
        list[str], typer.Argument(help="A region.toml; or 'merge' and the folders of shards.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder; maps/NAME if not given.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes; as many as cores if not given.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a Dask scheduler.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", help="3/40: this part alone; see merge.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Only the villages that were set aside.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how long it takes, and what memory and disk.")
    ] = False,
    language: Annotated[
        str | None, typer.Option("--language", help="Of messages: zh or en.")
    ] = None,
) -> None:
    """Plan all villages of a region under all its scenarios; or merge the folders of shards."""
    from pvplanner.region import merge_region, plan_region

    session: Session = context.obj
    if paths[0] == "merge" and len(paths) > 1:
        session.speak(language, None)
        _tell(session, merge_region(paths[1:], out=out))
        return
    if len(paths) != 1:
        raise ConfigError("region_one", where="region", count=len(paths))
    file = Path(paths[0])
    session.speak(language, file / "region.toml" if file.is_dir() else file)
    folder = out or _usual(file)
    if dry_run:
        _estimate(session, file, folder, workers)
        return
    if sys.stderr.isatty() and shard is None:
        # What it will take is said before it is taken.
        _estimate(session, file, folder, workers)
    with _following(session) as tell:
        results = plan_region(
            file, out=folder, scheduler=scheduler, workers=workers, shard=shard, retry=retry,
            progress=tell, waiting=lambda process: say_waiting(session, process),
            said=lambda link: typer.echo(f"{session.word('region_dashboard')}: {link}", err=True),
        )  # fmt: skip
    if shard is not None:
        _tell_shard(session, results)
    else:
        _tell(session, results)


def _usual(file: Path) -> Path:
    home = file.resolve() if file.is_dir() else file.resolve().parent
    named = file.is_dir() or file.stem == "region"
    return Path("maps") / (home.name if named else file.stem)


def _estimate(session: Session, file: Path, folder: Path, workers: int | None) -> None:
    from pvplanner.region import estimate_region

    told = estimate_region(file, out=folder, workers=workers)
    text = session.word("region_estimate").format(
        villages=told.villages, roofs=told.roofs, scenarios=told.scenarios, left=told.left,
        workers=told.workers, minutes=f"{told.seconds / 60:.1f}", memory=f"{told.memory_mb:.0f}",
        disk=f"{told.disk_mb:.0f}",
    )  # fmt: skip
    typer.echo(text)


def _tell_shard(session: Session, results: Results) -> None:
    lost = results.aside()
    session.say("region_said_shard", results.folder)
    _tell_lost(session, lost)


def _tell(session: Session, results: Results) -> None:
    """What there is now, where, and what was set aside."""
    done = results.villages
    base = done[done["scenario"] == results.scenarios[0]]
    typer.echo(session.word("region_said").format(
        villages=len(base), scenarios=len(results.scenarios), roofs=int(base["buildings"].sum())
    ))  # fmt: skip
    session.say("region_said_index", results.folder / "index.html")
    session.say("region_said_table", results.folder / "table.parquet")
    _tell_found(session, results.found)
    failed = results.failed
    _tell_lost(session, [(str(r["village"]), str(r[session.code])) for _, r in failed.iterrows()])


def _tell_found(session: Session, found: pd.DataFrame) -> None:
    """What may make figures wrong: of the region's files, and of how many villages."""
    for row in found[found["level"] == "doubt"].head(MOST_SHOWN).to_dict("records"):
        text, first = row[session.code], visible(row["first"])
        if row["villages"] == 1:
            text = session.word("region_found_one").format(name=first) + text
        elif row["villages"]:
            many = session.word("region_found_in").format(count=row["villages"], name=first)
            text = many + text
        typer.echo(f"! {text}", err=True)


def _tell_lost(session: Session, lost: list[tuple[str, str]]) -> None:
    """Villages that were set aside, and exit code 2."""
    if not lost:
        return
    typer.echo(session.word("region_said_failed").format(count=len(lost)), err=True)
    for name, why in lost[:MOST_SHOWN]:
        typer.echo(f"  {name}: {why}", err=True)
    raise typer.Exit(2)


def rank(
    context: Context,
    folder: Annotated[Path, typer.Argument(help="Folder of a region's results.")],
    choose: Annotated[int | None, typer.Option("--choose", help="How many villages.")] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            "--weight",
            help="criterion=weight, such as npv_per_yuan=2, in place of all of [rank] weights.",
        ),
    ] = None,
    must: Annotated[
        list[str] | None,
        typer.Option(
            "--must",
            help="A village, or a condition such as 'consent_rate >= 0.6'; in "
            "place of all of [rank] must.",
        ),
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", help="Most that all plants may cost.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="The township's own table of villages.")
    ] = None,
    scenario: Annotated[str | None, typer.Option("--scenario", help="Which scenario.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="HTML; rank.html in the folder.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Of messages and of the page: zh or en.")
    ] = None,
) -> None:
    """Choose villages: which, why, how sure that is, and who comes next; as two sheets."""
    from pvplanner.plan.commit import page_file, write_beside
    from pvplanner.region import open_region
    from pvplanner.region.page import rank_page
    from pvplanner.region.sheets import reason_text, village_names

    session: Session = context.obj
    session.speak(language, None)
    results = open_region(folder)
    session.language = language or results.about["language"]
    made = results.rank(
        choose=choose, weights=_weights(weight), must=must, budget=budget, table=table,
        scenario=scenario,
    )  # fmt: skip
    heads = ["region_draws", "region_weights", "region_poorest"][: 3 if made.poorest_known else 2]
    typer.echo(f"{session.word('village')}: {', '.join(map(session.word, heads))}")
    for name, row in zip(village_names(made.villages), made.villages.itertuples(), strict=True):
        mark = "*" if row.chosen else " "
        why = reason_text(row, made, session.code)
        told = [row.draws, row.weights, row.poorest][: len(heads)]
        shares = "  ".join(f"{value:.0%}" if value == value else "-" for value in told)
        typer.echo(f"{mark} {name}  {shares}  {why}")
    chosen = int(made.villages["chosen"].sum())
    if chosen < made.choose:
        short = session.word("region_rank_short").format(asked=made.choose, choose=chosen)
        typer.echo(f"! {short}", err=True)
    target = page_file(out or folder / "rank.html", session.code)
    write_beside(target, rank_page({**results.about, "language": session.code}, made))
    session.say("region_said_rank", target)


def _weights(given: list[str] | None) -> dict[str, float] | None:
    if not given:
        return None
    out = {}
    for text in given:
        name, sign, value = text.partition("=")
        try:
            out[name.strip()] = float(value)
        except ValueError:
            sign = ""
        if not sign:
            raise ConfigError("region_weight_wrong", where="--weight", value=text)
    return out
