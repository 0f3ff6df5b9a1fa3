"""The map: one file that opens by double click with the network unplugged.

folium makes the page and the Leaflet map; Leaflet itself is vendored and written into the file, so
not one request leaves it. The roofs are a layer of ours on one canvas. Text from data goes into the
page packed or as JSON and is shown with ``textContent``: it can't become markup.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pvplanner.mapping.basemaps import BASEMAPS, basemap, origins_of
from pvplanner.mapping.classes import class_limits
from pvplanner.mapping.data import page_data
from pvplanner.mapping.ground import ground_of
from pvplanner.mapping.layer import RoofLayer, embed_json, hold, page_scripts, render_page
from pvplanner.mapping.measured import Measured
from pvplanner.mapping.others import check_others
from pvplanner.markup import sealed
from pvplanner.plan import Plan
from pvplanner.plan.commit import page_file, write_beside

__all__ = [
    "BASEMAPS",
    "Measured",
    "RoofLayer",
    "class_limits",
    "embed_json",
    "explore_map",
    "render_map",
    "save_map",
]


def save_map(
    plan: Plan,
    path: str | os.PathLike[str],
    language: str | None = None,
    *,
    internal: bool = False,
    compare: Plan | Sequence[Plan] | None = None,
    cases: bool = False,
    tiles: str | None = None,
    key: str | None = None,
    measured: Measured | None = None,
) -> Path:
    """Write a plan's map as one HTML file.

    Parameters
    ----------
    plan : Plan
        What to show.
    path : path-like
        The file, ``.html``; written beside and renamed.
    language : str, optional
        Language in which the page opens, the scenario's if not given; all are in it.
    internal : bool
        The office edition: with names, low-income marks and present incomes. In the public edition
        they are absent from the file.
    compare : Plan or sequence of Plan, optional
        Other plans of the same buildings: each stands as a tab, and its difference can be shown.
    cases : bool
        Whether the plan's own price cases stand as tabs too.
    tiles : {'tianditu', 'amap', 'esri'}, optional
        An online basemap below the roofs. Without one the page makes no request.
    key : str, optional
        The user's own key, for Tianditu; it is written into the file.
    measured : Measured, optional
        The last period that was measured, as from ``pvplanner.last_measured(folder)``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the language, suffix or basemap is unknown, a key is missing, or the other plan has no
        building in common.
    """
    language = language or plan.scenario.language
    target = page_file(path, language)
    page = render_map(
        plan, language, internal=internal, compare=compare, cases=cases, tiles=tiles, key=key,
        measured=measured,
    )  # fmt: skip
    return write_beside(target, page)


def render_map(
    plan: Plan,
    language: str,
    *,
    internal: bool,
    compare: Plan | Sequence[Plan] | None = None,
    cases: bool = False,
    tiles: str | None = None,
    key: str | None = None,
    measured: Measured | None = None,
) -> str:
    """The page as text; the same plan gives the same text."""
    made, layer = _map_of(
        plan, language, internal=internal, compare=compare, cases=cases, tiles=tiles, key=key,
        measured=measured,
    )  # fmt: skip
    page = render_page(made, layer, plan.scenario.name)
    return sealed(page, origins_of(tiles), page_scripts())


def explore_map(
    plan: Plan, *, language: str | None = None, internal: bool = False, tiles: str | None = None,
    key: str | None = None,
) -> Any:  # fmt: skip
    """The map as a ``folium.Map``, for a notebook: layers of one's own can be added to it.

    Parameters
    ----------
    plan, language, internal, tiles, key
        As for :func:`save_map`.

    Returns
    -------
    folium.Map
    """
    language = language or plan.scenario.language
    return _map_of(plan, language, internal=internal, tiles=tiles, key=key)[0]


def _map_of(
    plan: Plan, language: str, *, internal: bool,
    compare: Plan | Sequence[Plan] | None = None, cases: bool = False,
    tiles: str | None = None, key: str | None = None, measured: Measured | None = None,
) -> tuple[Any, RoofLayer]:  # fmt: skip
    """A folium map that holds the roofs, and the layer itself."""
    online, shift = basemap(tiles, key)
    others = [compare] if isinstance(compare, Plan) else list(compare or ())
    if not internal:
        plan, others = plan.public(), [other.public() for other in others]
    check_others(plan, others)
    data, packer, bounds = page_data(
        plan,
        language,
        internal=internal,
        compare=others,
        cases=cases,
        shift=shift,
        measured=measured,
    )
    data["ground"] = ground_of(plan.scenario, bounds) if online is None else {}
    data["tiles"] = online
    data["tables"] = packer.header
    west, south, east, north = bounds
    centre: tuple[Any, Any] = ((south + north) / 2, (west + east) / 2)
    return hold(data, packer, centre)


MAP_NEEDS = ("buildings", "households", "villages", "planes", "arrays", "energy", "shares")
"""Tables that the map shows."""
