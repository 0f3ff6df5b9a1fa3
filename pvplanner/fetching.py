"""The commands that fetch open data; thin over :mod:`pvplanner.fetch`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pvplanner.console import Context, Session
from pvplanner.errors import ConfigError

fetch = typer.Typer(no_args_is_help=True, help="Fetch open data for a place, with its licence.")

Out = Annotated[Path, typer.Option("-o", "--out", help="File to write.")]
BoxOption = Annotated[str | None, typer.Option("--bbox", help="West,south,east,north in degrees.")]
BoundaryOption = Annotated[
    Path | None, typer.Option("--boundary", help="A layer whose outline is taken.")
]
MirrorOption = Annotated[
    str | None, typer.Option("--mirror", help="Address or folder in place of the source's own.")
]
CacheOption = Annotated[Path | None, typer.Option("--cache", help="Folder where pieces are kept.")]
ReleaseOption = Annotated[
    str | None, typer.Option("--release", help="Pinned release; the newest if not given.")
]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="Which source; the first that is named above.")
]
LanguageOption = Annotated[str | None, typer.Option("--language", help="zh or en.")]


def _said(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def _tell(session: Session, out: Path, about: dict[str, Any]) -> None:
    session.say("fetch_said", out)
    for row in about["sources"]:
        session.say("fetch_licence", f"{row['licence']}; {row['attribution']}")


@fetch.command("buildings")
def buildings(
    context: Context, out: Out, bbox: BoxOption = None, boundary: BoundaryOption = None,
    source: SourceOption = None, release: ReleaseOption = None,
    heights: Annotated[
        str | None, typer.Option("--heights", help="gba: modelled heights where none is known.")
    ] = None,
    non_commercial: Annotated[
        bool, typer.Option("--non-commercial", help="My use is not commercial.")
    ] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="An earlier fetch to compare with.")
    ] = None,
    mirror: MirrorOption = None,
    heights_mirror: Annotated[
        str | None, typer.Option("--heights-mirror", help="As --mirror, of the heights.")
    ] = None,
    cache: CacheOption = None, language: LanguageOption = None,
) -> None:  # fmt: skip
    """Footprints: overture, gba, microsoft or google."""
    from pvplanner.fetch import fetch_buildings

    session: Session = context.obj
    session.speak(language, None)
    about = fetch_buildings(
        out, bbox=bbox, boundary=boundary, source_name=source or "overture", release=release,
        heights=heights, non_commercial=non_commercial, against=against, mirror=mirror,
        heights_mirror=heights_mirror, cache=cache, said=_said,
    )  # fmt: skip
    typer.echo(session.word("fetch_count").format(**about))
    if about["changes"]:
        typer.echo(session.word("fetch_changes").format(**about["changes"]))
    _tell(session, out, about)


@fetch.command("weather")
def weather(
    context: Context, out: Out, bbox: BoxOption = None, boundary: BoundaryOption = None,
    at: Annotated[str | None, typer.Option("--at", help="Latitude,longitude.")] = None,
    source: SourceOption = None,
    years: Annotated[str | None, typer.Option("--years", help="2019-2023, of power.")] = None,
    mirror: MirrorOption = None, cache: CacheOption = None, language: LanguageOption = None,
) -> None:  # fmt: skip
    """A year of weather: pvgis (typical, .json) or power (NASA's hours, .csv)."""
    from pvplanner.fetch import fetch_weather

    session: Session = context.obj
    session.speak(language, None)
    point = None if at is None else _numbers(at, ",", "--at", float)
    span = None if years is None else _numbers(years, "-", "--years", int)
    about = fetch_weather(
        out, at=point, bbox=bbox, boundary=boundary, source_name=source or "pvgis", years=span,
        mirror=mirror, cache=cache, said=_said,
    )  # fmt: skip
    _tell(session, out, about)


def _numbers(text: str, sign: str, where: str, kind: Any) -> tuple[Any, Any]:
    try:
        first, second = (kind(v) for v in text.split(sign))
    except ValueError:
        code = "fetch_at" if where == "--at" else "fetch_years"
        raise ConfigError(code, where=where, value=text, first=2001) from None
    return first, second


@fetch.command("terrain")
def terrain(
    context: Context, out: Out, bbox: BoxOption = None, boundary: BoundaryOption = None,
    margin: Annotated[
        float, typer.Option("--margin-km", help="How far around; hills count up to 50 km.")
    ] = 20.0,
    mirror: MirrorOption = None, cache: CacheOption = None, language: LanguageOption = None,
) -> None:  # fmt: skip
    """The relief around a place, for site.dem: Copernicus GLO-30."""
    from pvplanner.fetch import fetch_terrain

    session: Session = context.obj
    session.speak(language, None)
    about = fetch_terrain(out, bbox=bbox, boundary=boundary, margin_km=margin, mirror=mirror,
                          cache=cache, said=_said)  # fmt: skip
    _tell(session, out, about)


@fetch.command("boundary")
def boundary_(
    context: Context, out: Out, bbox: BoxOption = None, boundary: BoundaryOption = None,
    source: SourceOption = None, release: ReleaseOption = None,
    country: Annotated[str, typer.Option("--country", help="Of geoboundaries.")] = "CHN",
    level: Annotated[str, typer.Option("--level", help="Of geoboundaries: ADM1 to ADM3.")] = "ADM3",
    mirror: MirrorOption = None, cache: CacheOption = None, language: LanguageOption = None,
) -> None:  # fmt: skip
    """Boundaries that meet a place: divisions (Overture) or geoboundaries."""
    from pvplanner.fetch import fetch_boundary

    session: Session = context.obj
    session.speak(language, None)
    about = fetch_boundary(
        out, bbox=bbox, boundary=boundary, source_name=source or "divisions", release=release,
        country=country, level=level, mirror=mirror, cache=cache, said=_said,
    )  # fmt: skip
    _tell(session, out, about)
