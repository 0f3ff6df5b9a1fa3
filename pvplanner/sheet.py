"""The check sheet: what was seen of one building, on one page, so that a person can judge."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pvlib
import shapely

from pvplanner.energy.shade import yield_shares
from pvplanner.errors import ConfigError
from pvplanner.modules import lay_modules, module_outlines
from pvplanner.plan.commit import write_bytes_beside
from pvplanner.plan.site import find_place, site_horizons, site_weather
from pvplanner.roofs import plane_frames, usable_outlines, usable_rules, wind_pressure
from pvplanner.scenario import Scenario
from pvplanner.words import label

MARGIN_M = 6.0
LABELLED_M2 = 6.0


def save_sheet(
    planes: gpd.GeoDataFrame,
    building_id: str,
    path: str | os.PathLike[str],
    *,
    scenario: Scenario,
    language: str = "zh",
) -> Path:
    """Draw a building's surface model, planes, usable area and modules, and the sun it sees.

    Parameters
    ----------
    planes : GeoDataFrame
        As from :func:`pvplanner.model_roofs`.
    building_id : str
    path : path-like
        ``.png``, ``.pdf`` or ``.svg``.
    scenario : Scenario
        ``site.dsm`` is drawn below, where there is one.
    language : {'zh', 'en'}

    Raises
    ------
    ConfigError
        If there is no such building, the suffix is another, or matplotlib is not installed.
    """
    target = Path(path)
    if target.suffix.lower() not in (".png", ".pdf", ".svg"):
        known = ".png, .pdf, .svg"
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=known)
    own = planes["building_id"].astype(str).eq(building_id).to_numpy()
    if not own.any():
        raise ConfigError("building_unknown", where="--building", building=building_id)
    # Neighbours may stand in the sun, so all planes are looked at.
    horizons, _ = site_horizons(planes, None, scenario)
    angles = None if horizons is None else horizons.angles[own]
    weather, _ = site_weather(scenario, find_place(planes, scenario.site.province)[0], planes)
    shares = yield_shares(planes, weather, scenario=scenario, horizons=horizons)
    planes = planes.assign(yield_share=shares)
    figure = _draw(planes[own].reset_index(drop=True), angles, building_id, scenario, language)
    held = BytesIO()
    figure.savefig(held, format=target.suffix[1:].lower(), dpi=120, bbox_inches="tight")
    return write_bytes_beside(target, held.getvalue())


def _figure() -> Any:
    try:
        from matplotlib import rcParams
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("matplotlib_missing", where="check --building") from None
    rcParams["font.sans-serif"] = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC",
                                   "SimHei", "DejaVu Sans"]  # fmt: skip
    rcParams["svg.hashsalt"] = "pvplanner"
    return Figure(figsize=(19, 6.5))


def _draw(
    planes: gpd.GeoDataFrame,
    angles: np.ndarray | None,
    building_id: str,
    scenario: Scenario,
    language: str,
) -> Any:
    figure = _figure()
    left, right, sky = figure.subplots(1, 3)
    _ground(left, planes, scenario)
    _outlines(left, planes)
    _usable(right, planes, scenario, language)
    arrays = _modules(right, planes, scenario, language)
    _sun(sky, planes, arrays, angles, language)
    for axes in (left, right):
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_ylabel("")
    left.set_xlabel("")
    figure.suptitle(f"{label('building_id', language)} {building_id}", parse_math=False)
    left.set_title(label("sheet_seen", language))
    right.set_title(label("sheet_usable", language))
    sky.set_title(label("sheet_horizon", language))
    return figure


def _ground(axes: Any, planes: gpd.GeoDataFrame, scenario: Scenario) -> None:
    """Shaded heights of the surface model around the building."""
    surface = scenario.site.dsm or scenario.site.points
    if surface is None:
        return
    from matplotlib.colors import LightSource

    from pvplanner.terrain import open_raster

    west, south, east, north = planes.total_bounds
    around = (west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M)
    with open_raster(surface, planes.crs, unit=scenario.site.height_unit) as raster:
        patch = raster.read(around)
    rows, cols = patch.heights.shape
    if not np.isfinite(patch.heights).any():
        return
    filled = np.where(np.isfinite(patch.heights), patch.heights, np.nanmin(patch.heights))
    shade = LightSource(315, 45).hillshade(filled, dx=patch.cell, dy=patch.cell)
    extent = (
        patch.west, patch.west + cols * patch.cell, patch.north - rows * patch.cell, patch.north,
    )  # fmt: skip
    axes.imshow(shade, extent=extent, cmap="gray")


def _outlines(axes: Any, planes: gpd.GeoDataFrame) -> None:
    planes.boundary.plot(ax=axes, color="#d55e00", linewidth=1.2)
    things = gpd.GeoSeries(planes["obstacles"]).dropna()
    if len(things):
        things.plot(ax=axes, color="#cc79a7", alpha=0.7)
    for plane in planes.itertuples():
        at = plane.geometry.representative_point()
        angles = f"{plane.surface_tilt:.0f}° / {plane.surface_azimuth:.0f}°"
        text = f"{_short(plane.plane_id)}  {angles}\n{plane.area_m2:.0f} m²"
        if plane.area_m2 < LABELLED_M2:
            continue
        ground = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1}
        axes.annotate(
            text, (at.x, at.y), ha="center", va="center", fontsize=8, color="#0b2a4a", bbox=ground,
        )  # fmt: skip


def _usable(axes: Any, planes: gpd.GeoDataFrame, scenario: Scenario, language: str) -> None:
    """What low, middle and high leave; the darker, the surer."""
    middle = gpd.GeoSeries([shapely.box(*planes.total_bounds).centroid], crs=planes.crs)
    point = middle.to_crs(4326).iloc[0]
    rules = usable_rules(scenario, wind_pressure(point.y, point.x, scenario)[0])
    frames = plane_frames(planes)
    planes.boundary.plot(ax=axes, color="#555555", linewidth=1)
    for level, colour in (("high", "#cfe8f5"), ("middle", "#7fc0e3"), ("low", "#2a80b9")):
        left = frames.out_of(usable_outlines(planes, rules[level]))
        shapes = gpd.GeoSeries(left[~shapely.is_empty(left)], crs=planes.crs)
        if len(shapes):
            shapes.plot(ax=axes, color=colour)
    columns = ("usable_area_low_m2", "usable_area_m2", "usable_area_high_m2")
    sums = " – ".join(f"{planes[c].sum():.0f}" for c in columns)
    source = ", ".join(sorted(planes["source"].unique()))
    axes.set_xlabel(f"{label('usable_area', language)}: {sums} m²   ({source})")


def _modules(
    axes: Any, planes: gpd.GeoDataFrame, scenario: Scenario, language: str
) -> pd.DataFrame:
    arrays = lay_modules(planes, scenario=scenario)
    if arrays.empty:
        return arrays
    module_outlines(planes, scenario=scenario, arrays=arrays).plot(
        ax=axes, facecolor="#16324f", edgecolor="white", linewidth=0.6, alpha=0.85
    )
    said = f"{label('modules', language)}: {arrays['modules'].sum()}, "
    said += f"{arrays['capacity_kwp'].sum():.1f} kWp / {arrays['capacity_kw_ac'].sum():.1f} kW AC"
    axes.set_xlabel(f"{axes.get_xlabel()}\n{said}")
    return arrays


_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def _short(plane_id: object) -> str:
    """The number of a plane within its building."""
    return "/" + str(plane_id).rpartition("/")[2]


def _sun(
    axes: Any,
    planes: gpd.GeoDataFrame,
    arrays: pd.DataFrame,
    angles: np.ndarray | None,
    language: str,
) -> None:
    """The sun's paths, and the horizon of planes with modules from worst to best point."""
    middle = gpd.GeoSeries([shapely.box(*planes.total_bounds).centroid], crs=planes.crs)
    point = middle.to_crs(4326).iloc[0]
    south = point.y >= 0
    for month in range(6, 13):
        times = pd.date_range(f"2025-{month:02d}-21", periods=289, freq="5min", tz="UTC")
        sun = pvlib.solarposition.get_solarposition(times, point.y, point.x)
        up = sun[sun["apparent_elevation"] > 0]
        around = _turned(up["azimuth"].to_numpy(), south)
        order = np.argsort(around)
        axes.plot(
            around[order], up["apparent_elevation"].to_numpy()[order], color="#9aa4ad", lw=0.9
        )
        top = up["apparent_elevation"].max()
        said = str(month) if month in (6, 12) else f"{month}/{12 - month}"
        axes.annotate(said, (0, top), fontsize=7, ha="center")
    if angles is not None:
        step = 360.0 / angles.shape[2]
        around = _turned(np.arange(angles.shape[2]) * step, south)
        order = np.argsort(around)
        used = planes["plane_id"].isin(arrays["plane_id"]).to_numpy()
        drawn = 0
        for number, plane in enumerate(planes["plane_id"]):
            if used.any() and not used[number]:
                continue
            colour = _COLOURS[drawn % len(_COLOURS)]
            drawn += 1
            low, high = angles[number].min(axis=0)[order], angles[number].max(axis=0)[order]
            mean = angles[number].mean(axis=0)[order]
            axes.fill_between(around[order], low, high, color=colour, alpha=0.18)
            axes.plot(around[order], mean, color=colour, lw=1.6, label=_short(plane))
        axes.legend(fontsize=7, loc="upper right")
    axes.set_xlim(-180, 180)
    axes.set_ylim(0, 90)
    axes.set_xlabel(label("sheet_azimuth", language))


def _turned(azimuth: np.ndarray, south: bool) -> np.ndarray:
    """Azimuths with the equator in the middle, -180 to 180."""
    return (azimuth - (180.0 if south else 0.0) + 180.0) % 360.0 - 180.0
