"""Overture Maps: a release, its files by area, and what two releases differ in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pvplanner.errors import InputError, listed
from pvplanner.fetch.area import Area
from pvplanner.fetch.parquet import open_parquet, read_area
from pvplanner.fetch.transport import Transport, join, local_path

RELEASE = re.compile(r"\d{4}-\d{2}-\d{2}\.\d+")
COLUMNS = ("id", "geometry", "bbox", "height", "num_floors", "roof_shape", "roof_material", "class",
           "subtype", "is_underground", "sources")  # fmt: skip
KEPT_SHARE = 0.5
"""An outline is still there where another covers so much of it."""


@dataclass(frozen=True)
class Release:
    """A release of Overture.

    Attributes
    ----------
    name : str
        ``yyyy-mm-dd.n``.
    base : str
        Address of the catalogue.
    """

    name: str
    base: str


def find_release(transport: Transport, base: str, wanted: str | None = None) -> Release:
    """The newest release, or the one that is wanted.

    Raises
    ------
    InputError
        If it is not (or no more) there: the two newest are kept.
    """
    told = transport.json(join(base, "catalog.json"))
    known = sorted({
        found[0] for link in told.get("links", []) if link.get("rel") == "child"
        if (found := RELEASE.search(f"{link.get('title', '')} {link.get('href', '')}"))
    })  # fmt: skip
    newest = told.get("latest") or next(
        (found[0] for link in told.get("links", []) if link.get("latest")
         if (found := RELEASE.search(str(link.get("href"))))), known[-1] if known else "",
    )  # fmt: skip
    if wanted in (None, "latest"):
        if not newest:
            raise InputError("fetch_garbled", where=base, wanted="STAC", found="-")
        return Release(str(newest), base)
    if known and wanted not in known:
        raise InputError("fetch_release", where=base, release=wanted, known=listed(known))
    return Release(str(wanted), base)


def data_files(transport: Transport, release: Release, kind: str, area: Area) -> list[str]:
    """Addresses of the data files of a type that an area meets.

    Raises
    ------
    InputError
        If the release vanished meanwhile.
    """
    try:
        return sorted(_by_table(transport, release, kind, area))
    except InputError as error:
        if error.code != "fetch_missing":
            raise
    try:
        return sorted(_by_links(transport, release, kind, area))
    except InputError as error:
        if error.code == "fetch_missing":
            now = find_release(transport, release.base)
            raise InputError(
                "fetch_release", where=release.base, release=release.name, known=now.name
            ) from None
        raise


def _by_table(transport: Transport, release: Release, kind: str, area: Area) -> Iterator[str]:
    url = join(release.base, release.name, "collections.parquet")
    file = open_parquet(transport, url)
    try:
        table = file.read(columns=["collection", "bbox", "assets"]).to_pylist()
    finally:
        file.close()
    for row in table:
        box = row["bbox"]
        sides = tuple(box[s] for s in ("xmin", "ymin", "xmax", "ymax"))
        if row["collection"] == kind and area.meets(sides):
            yield _address(row["assets"], release)


def _by_links(transport: Transport, release: Release, kind: str, area: Area) -> Iterator[str]:
    """The same by the catalogue's links; they are relative in some releases, absolute in others."""
    root = join(release.base, release.name, "catalog.json")
    theme = {"building": "buildings", "division_area": "divisions"}[kind]
    for step in (theme, kind):
        told = transport.json(root)
        link = next((x for x in told["links"] if x.get("rel") == "child"
                     and f"/{step}/" in f"/{x['href'].lstrip('./')}"), None)  # fmt: skip
        if link is None:
            raise InputError("fetch_missing", where=root, status="-")
        root = _linked(root, link["href"], release)
    for link in transport.json(root)["links"]:
        if link.get("rel") != "item":
            continue
        place = _linked(root, link["href"], release)
        item = transport.json(place)
        if area.meets(item["bbox"]):
            yield _address(item["assets"], release)


def _linked(here: str, href: str, release: Release) -> str:
    if href.startswith(("http://", "https://")):
        # A mirror's links may still name the first host.
        _, found, rest = href.partition(f"/{release.name}/")
        return join(release.base, release.name, rest) if found else href
    if local_path(here) is not None:
        return join(here.rpartition("/")[0], href.removeprefix("./"))
    return urljoin(here, href)


def _address(assets: Any, release: Release) -> str:
    """Where a data file lies, whatever the catalogue calls the host."""
    found = _hrefs(assets)
    web = [href for href in found if href.startswith(("http://", "https://"))]
    chosen = next(iter(web or found), "")
    _, cut, rest = chosen.partition(f"release/{release.name}/")
    own = local_path(release.base) is not None or "stac.overturemaps.org" not in release.base
    if own and cut:
        # A mirror has the data below itself.
        return join(release.base, "release", release.name, rest)
    if not chosen:
        raise InputError("fetch_garbled", where=release.base, wanted="assets", found="-")
    return chosen


def _hrefs(told: Any) -> list[str]:
    if isinstance(told, dict):
        own = [told["href"]] if isinstance(told.get("href"), str) else []
        return own + [h for key, value in told.items() if key != "href" for h in _hrefs(value)]
    if isinstance(told, list):
        return [h for value in told for h in _hrefs(value)]
    return []


def read_buildings(transport: Transport, release: Release, area: Area) -> gpd.GeoDataFrame:
    """Outlines of an area.

    Returns
    -------
    GeoDataFrame
        ``building_id``, ``height_m``, ``floors``, ``roof_shape``, ``roof_material``, ``class``,
        ``dataset``, ``record_licence``, in degrees; what lies under ground is left out.
    """
    parts = []
    for url in data_files(transport, release, "building", area):
        parts += [_outlines(table, area) for table in read_area(transport, url, area, COLUMNS)]
    parts = [part for part in parts if len(part)]
    if not parts:
        raise InputError("fetch_nothing", where=release.name)
    whole = pd.concat(parts, ignore_index=True)
    order = whole.drop_duplicates("building_id").sort_values("building_id", kind="stable")
    return gpd.GeoDataFrame(order.reset_index(drop=True), geometry="geometry", crs=4326)


def _outlines(table: Any, area: Area) -> gpd.GeoDataFrame:
    shapes = shapely.from_wkb(table["geometry"].to_numpy(), on_invalid="ignore")
    inside = area.holds(shapes)
    rows = table.to_pandas()
    empty = pd.Series(np.nan, index=rows.index)
    under = rows.get("is_underground", empty).fillna(False).astype(bool).to_numpy()
    made = pd.DataFrame({
        "building_id": rows["id"].astype(str),
        "height_m": pd.to_numeric(rows.get("height", empty), errors="coerce"),
        "floors": pd.to_numeric(rows.get("num_floors", empty), errors="coerce"),
        **{name: rows.get(name, empty).astype(object) for name in
           ("roof_shape", "roof_material", "class")},
        "dataset": [_first(v, "dataset") for v in rows.get("sources", empty)],
        "record_licence": [_first(v, "license") for v in rows.get("sources", empty)],
    })  # fmt: skip
    frame = gpd.GeoDataFrame(made, geometry=shapes, crs=4326)
    return frame[inside & ~under]


def _first(sources: Any, key: str) -> str | None:
    """A field of the first source of a record."""
    if sources is None or isinstance(sources, float) or not len(sources):
        return None
    value = sources[0].get(key)
    return None if value is None else str(value)


def changes(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> dict[str, int]:
    """What two fetches of one place differ in, by their outlines: identifiers may all be new.

    Returns
    -------
    dict
        ``gone`` (of the old no outline covers half), ``added``, ``kept``.
    """

    def lost(one: np.ndarray, other: np.ndarray) -> int:
        tree = shapely.STRtree(other)
        left, right = tree.query(one, predicate="intersects")
        shared = shapely.area(shapely.intersection(one[left], other[right]))
        best = np.zeros(len(one))
        np.maximum.at(best, left, shared)
        return int((best < KEPT_SHARE * shapely.area(one)).sum())

    crs = new.estimate_utm_crs()
    a, b = (shapely.make_valid(np.asarray(f.to_crs(crs).geometry)) for f in (old, new))
    gone, added = lost(a, b), lost(b, a)
    return {"gone": gone, "added": added, "kept": len(a) - gone}
