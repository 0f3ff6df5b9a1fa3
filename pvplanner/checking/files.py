"""What is in one file, whatever kind it is: told by what it holds, not by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pvplanner.buildings import findings_of, read_buildings, read_households
from pvplanner.buildings.ledger import ALIASES as LEDGER
from pvplanner.buildings.ledger import DIMENSIONS as LEDGER_UNITS
from pvplanner.demand.meter import ALIASES as METER
from pvplanner.demand.meter import DIMENSIONS as METER_UNITS
from pvplanner.demand.meter import read_meter
from pvplanner.errors import Finding, InputError
from pvplanner.grid.reading import ALIASES as GRID
from pvplanner.grid.reading import DIMENSIONS as GRID_UNITS
from pvplanner.grid.reading import read_nodes
from pvplanner.reading.columns import knows
from pvplanner.reading.kinds import VECTORS, vector_headings
from pvplanner.reading.tables import heading_row
from pvplanner.weather import read_weather
from pvplanner.words import label, style

WEATHER_SUFFIXES = (".epw", ".csv", ".json")
TABLE_SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls")
OTHERS = (".tif", ".tiff", ".vrt", ".las", ".laz", ".dwg", ".pdf", ".doc", ".docx")
"""Files that are looked at through a scenario, or not at all."""

HEAD_BYTES = 2000

Told = tuple[list[str], list[Finding]]


def look_at_file(path: Path, language: str, **options: Any) -> Told:
    """Lines on what a footprint, ledger, meter or weather file holds, and what was found.

    Raises
    ------
    InputError, ConfigError
        If the file is not what it should be.
    """
    if path.is_dir() or path.suffix.lower() in OTHERS:
        raise InputError("check_kind", where=str(path))
    kind = kind_of(path)
    if kind == "ledger":
        return _ledger(path, language)
    if kind == "meter":
        return _meter(path, language)
    if kind == "weather":
        return _weather(path)
    if kind == "grid":
        return _grid(path, language)
    return _buildings(path, language, **options)


def kind_of(path: Path) -> str:
    """``ledger``, ``meter``, ``weather``, ``grid`` or ``buildings``, by suffix and headings."""
    suffix = path.suffix.lower()
    if _is_grid(path):
        return "grid"
    if suffix in TABLE_SUFFIXES and path.is_file():
        ledger, meter = knows(LEDGER, LEDGER_UNITS), knows(METER, METER_UNITS)
        headings = heading_row(path, lambda heading: ledger(heading) or meter(heading))
        own = {name for name, names in LEDGER.items()
               for h in headings if knows({name: names})(h)}  # fmt: skip
        times = [h for h in headings if knows({k: METER[k] for k in ("time", "date")})(h)]
        if "household_id" in own and times and "building_id" not in own:
            return "meter"
        if "household_id" in own or suffix in (".xlsx", ".xlsm", ".xls"):
            return "ledger"
    if suffix in WEATHER_SUFFIXES and not _is_geojson(path):
        return "weather"
    return "buildings"


def _is_grid(path: Path) -> bool:
    """Whether a file lists transformers: it names them, and something that only they have."""
    if not path.is_file():
        return False
    suffix, known = path.suffix.lower(), knows(GRID, GRID_UNITS)
    if suffix in TABLE_SUFFIXES:
        headings = heading_row(path, known)
    elif suffix in VECTORS and suffix != ".dxf":
        headings = vector_headings(path)
    else:
        return False
    own = {name for name, names in GRID.items() for h in headings if knows({name: names})(str(h))}
    return "transformer_id" in own and bool(own & {"kva", "open_kw", "connected_kw"})


def _grid(path: Path, language: str) -> Told:
    nodes, findings = read_nodes(path)
    lines = [_line("nodes", len(nodes), language)]
    for level, count in nodes["level"].value_counts(sort=False).items():
        lines.append(_line(f"level_{level}", count, language))
    return lines, findings


def _is_geojson(path: Path) -> bool:
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as stream:
        return b"FeatureCollection" in stream.read(HEAD_BYTES)


def _line(key: str, value: object, language: str) -> str:
    return f"{label(key, language)}{style(language)['colon']}{value}"


def _buildings(path: Path, language: str, **options: Any) -> Told:
    buildings = read_buildings(path, **options)
    lines = [_line("buildings", len(buildings), language),
             _line("crs", buildings.crs.name, language)]  # fmt: skip
    for status, count in buildings["status"].value_counts().sort_index().items():
        lines.append(_line(str(status), count, language))
    return lines, findings_of(buildings)


def _ledger(path: Path, language: str) -> Told:
    households, links = read_households(path)
    lines = [
        _line("said_ledger", path, language),
        _line("households", len(households), language),
        _line("buildings", links["building_id"].nunique(), language),
    ]
    told = households["consumption_kwh"]
    if told.notna().any():
        lines.append(_line("consumption_kwh", f"{told.sum():,.0f} kWh", language))
    return lines, findings_of(households)


def _meter(path: Path, language: str) -> Told:
    meter = read_meter(path)
    lines = [_line("said_meter", path, language), _line("households", len(meter.columns), language)]
    lines.append(_line("consumption_kwh", f"{meter.to_numpy().sum():,.0f} kWh", language))
    return lines, list(meter.attrs["findings"])


def _weather(path: Path) -> Told:
    weather = read_weather(path)
    place = f"{weather.latitude:.3f}, {weather.longitude:.3f}, {weather.altitude:.0f} m"
    lines = [weather.source, place]
    lines += [f"{name}: {weather.data[name].sum() / 1000:,.0f} kWh/m2"
              for name in ("ghi", "dni", "dhi")]  # fmt: skip
    return lines, list(weather.findings)
