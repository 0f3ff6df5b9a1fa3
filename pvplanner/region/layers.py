"""A region's villages as a GeoPackage that QGIS opens with its colours."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.plan.layers import FIXED_DATE, packaged
from pvplanner.region.config import POOREST
from pvplanner.region.units import Survey, Unit
from pvplanner.texts import visible

SHOWN = "income_per_household"
"""Measure that a layer's colours show."""

RAMP = ("#fff7bc", "#fee391", "#fec44f", "#fe9929", "#cc4c02")
CLASSES = len(RAMP)


def outline_of(unit: Unit) -> Any:
    """A village's boundary in degrees, else the box of its buildings; ``None`` where unknown."""
    if unit.outline:
        return shapely.from_wkt(unit.outline)
    return shapely.box(*unit.bounds) if np.isfinite(unit.bounds).all() else None


def save_layers(
    path: Path, survey: Survey, villages: pd.DataFrame, about: Mapping[str, Any]
) -> None:
    """Write a layer a scenario, each with a style of its own, all or nothing.

    Parameters
    ----------
    path : Path
    survey : Survey
    villages : DataFrame
        As of the region's ``villages`` table.
    about : mapping
    """
    import pyogrio

    shapes = {(u.division_code, u.name): outline_of(u) for u in survey.units}
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part.gpkg")
    beside.unlink(missing_ok=True)
    names: list[str] = []
    try:
        for scenario in about["scenarios"]:
            if scenario == POOREST:
                continue
            rows = villages[villages["scenario"] == scenario]
            drawn = [shapes.get((c, v)) for c, v in
                     zip(rows["division_code"], rows["village"], strict=True)]  # fmt: skip
            frame = gpd.GeoDataFrame(rows, geometry=np.array(drawn, dtype=object), crs=4326)
            layer = _layer_name(str(scenario), names)
            names.append(layer)
            with packaged(path):
                pyogrio.write_dataframe(
                    frame, beside, layer=layer, driver="GPKG", geometry_type="Unknown",
                    append=beside.exists(),
                )  # fmt: skip
        if names:
            _add_styles(beside, names, villages)
            os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _layer_name(scenario: str, taken: list[str]) -> str:
    """A scenario's name as a layer's, each once."""
    plain = visible(scenario).replace('"', "")[:60] or "scenario"
    name, n = plain, 2
    while name.casefold() in {t.casefold() for t in taken}:
        name, n = f"{plain} {n}", n + 1
    return name


def _add_styles(path: Path, layers: list[str], villages: pd.DataFrame) -> None:
    """QGIS' own table of styles: each layer's is its default."""
    shown = villages[SHOWN] if SHOWN in villages else pd.Series(dtype=float)
    qml = style_of(shown.to_numpy(dtype=float))
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
            "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
            "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME)"
        )
        base.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
            "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, "
            "ui, update_time) VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', '', ?)",
            [(layer, SHOWN, qml, FIXED_DATE) for layer in layers],
        )
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change) VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            (FIXED_DATE,),
        )


def style_of(values: np.ndarray) -> str:
    """A QGIS style of graduated colours by quantiles, the same classes for every scenario."""
    known = np.sort(values[np.isfinite(values)])
    edges = np.array([0.0, 1.0])
    if len(known):
        edges = np.unique(np.quantile(known, np.linspace(0, 1, CLASSES + 1)))
        edges = edges if len(edges) > 1 else np.repeat(edges, 2)
    ranges, symbols = [], []
    colours = [RAMP[round(k * (CLASSES - 1) / max(len(edges) - 2, 1))]
               for k in range(len(edges) - 1)]  # fmt: skip
    for n, (low, high) in enumerate(itertools.pairwise(edges)):
        told = f'lower="{low:.6f}" upper="{high:.6f}" symbol="{n}" render="true"'
        ranges.append(f'<range {told} label="{low:,.0f} - {high:,.0f}"/>')
        red, green, blue = (int(colours[n][i : i + 2], 16) for i in (1, 3, 5))
        symbols.append(
            f'<symbol type="fill" name="{n}" alpha="1" clip_to_extent="1">'
            '<layer class="SimpleFill" enabled="1" pass="0" locked="0"><Option type="Map">'
            f'<Option type="QString" name="color" value="{red},{green},{blue},255"/>'
            '<Option type="QString" name="outline_color" value="90,90,90,255"/>'
            '<Option type="QString" name="outline_width" value="0.2"/>'
            '<Option type="QString" name="style" value="solid"/></Option></layer></symbol>'
        )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        '<qgis version="3.22" styleCategories="Symbology">'
        f'<renderer-v2 type="graduatedSymbol" attr="{SHOWN}" graduatedMethod="GraduatedColor">'
        f"<ranges>{''.join(ranges)}</ranges><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2></qgis>"
    )
