"""A plan's tables as layers that GIS programs open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pvplanner.errors import ConfigError, InputError

if TYPE_CHECKING:
    import pandas as pd

    from pvplanner.plan.plan import Plan

FIXED_DATE = "2000-01-01T00:00:00Z"
"""Date written into GeoPackages, so that the same inputs give the same bytes."""


def save_modules(plan: Plan, path: str | os.PathLike[str]) -> Path:
    """Write the outline of every module of a plan as a layer for GIS.

    Raises
    ------
    ConfigError
        If the suffix is not ``.gpkg``, ``.geojson`` or ``.parquet``.
    """
    import pyogrio

    from pvplanner.modules import outlines_of

    target = Path(path)
    drivers = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".parquet": ""}
    suffix = target.suffix.lower()
    if suffix not in drivers:
        known = ", ".join(drivers)
        raise ConfigError("page_suffix", where=str(target), suffix=suffix, known=known)
    outlines = outlines_of(plan.planes, plan.modules)
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


def plain_table(table: pd.DataFrame) -> pd.DataFrame:
    """A copy without attributes that no format stores, its key a column."""
    out = table.copy(deep=False)
    out.attrs = {}
    return out.reset_index() if out.index.name == "array_id" else out


def write_geopackage(plan: Plan, path: Path) -> None:
    """Write a plan's tables as the layers of a GeoPackage.

    Raises
    ------
    InputError
        If the folder has no room for it.
    """
    import geopandas as gpd
    import pyogrio

    with packaged(path):
        for number, (name, table) in enumerate(plan.tables()):
            frame = _for_ogr(plain_table(table))
            pyogrio.write_dataframe(
                frame,
                path,
                layer=name,
                driver="GPKG",
                append=number > 0,
                promote_to_multi=isinstance(frame, gpd.GeoDataFrame),
            )


@contextmanager
def packaged(path: Path) -> Iterator[None]:
    """While a GeoPackage is written: the same bytes for the same, and a full disk's own error.

    Raises
    ------
    InputError
        If the folder has no room for it.
    """
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_DATE})
    try:
        yield
    except (DataSourceError, DataLayerError, FeatureError, GeometryError) as error:
        # SQLite says of a full disk what it says of a damaged file.
        raise InputError("folder_unwritable", where=path.name, reason=str(error)) from None
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _for_ogr(frame: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd
    from geopandas.array import GeometryDtype

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
