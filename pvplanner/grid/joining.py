"""Which transformer each roof hangs on: stated, along lines, or the nearest along the ground."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from pvplanner.errors import Finding, InputError, listed
from pvplanner.reading.kinds import read_vector

STATED, LINES, NEAREST, ONLY, NONE = "stated", "lines", "nearest", "only", ""
"""How a roof came to its transformer."""

SNAP_M = 1.0
"""Ends of lines that lie so close are one point."""

ALIKE = 1.25
"""A second transformer at most this much farther than the nearest leaves doubt."""


def leaves_of(nodes: pd.DataFrame) -> pd.DataFrame:
    """Nodes that roofs may hang on: those of the lowest level that nothing stands below."""
    over = set(nodes["parent"].dropna())
    return nodes[~nodes["transformer_id"].isin(over)].reset_index(drop=True)


def join_buildings(
    buildings: gpd.GeoDataFrame,
    nodes: pd.DataFrame,
    links: pd.DataFrame,
    *,
    reach_m: float,
    lines: gpd.GeoDataFrame | None = None,
    where: str = "site.transformers",
) -> tuple[pd.DataFrame, list[Finding]]:
    """The transformer of each building.

    Parameters
    ----------
    buildings : GeoDataFrame
        ``building_id``, metric geometry; ``transformer_id`` where the file states it.
    nodes : DataFrame
        As from :func:`pvplanner.grid.reading.read_nodes`.
    links : DataFrame
        ``building_id``, ``household_id``; ``transformer_id`` where the ledger states it.
    reach_m : float
        A transformer farther off than this is not taken, m.
    lines : GeoDataFrame, optional
        Lines between transformers and houses, in the buildings' system.

    Returns
    -------
    DataFrame
        On the rows of ``buildings``: ``building_id``, ``transformer_id`` (empty where none),
        ``transformer_m`` (m, nan where not measured), ``transformer_by`` (how it was found),
        ``transformer_other`` (one about as near, where that leaves doubt).
    findings : list of Finding
    """
    ids = buildings["building_id"].astype(str).to_numpy()
    found = pd.Series("", index=range(len(ids)), dtype=object)
    by = pd.Series(NONE, index=range(len(ids)), dtype=object)
    away = np.full(len(ids), np.nan)
    other = pd.Series("", index=range(len(ids)), dtype=object)
    findings: list[Finding] = []
    if len(nodes):
        leaves = leaves_of(nodes)
        stated, more = _stated(buildings, nodes, links, where)
        findings += more
        hit = stated != ""
        found[hit], by[hit] = stated[hit], STATED
        placed = leaves[leaves["x"].notna() & leaves["y"].notna()]
        middle = shapely.centroid(np.asarray(buildings.geometry))
        known = ~(shapely.is_empty(middle) | shapely.is_missing(middle))
        xy = np.column_stack([shapely.get_x(middle), shapely.get_y(middle)])
        away = _away(xy, found.to_numpy(), nodes)
        if lines is not None and len(lines) and len(placed):
            node, metres = along_lines(xy, placed, lines, reach_m)
            new = (found.to_numpy() == "") & known & (node >= 0)
            named = placed["transformer_id"].astype(str).to_numpy()
            found[new], by[new] = named[node[new]], LINES
            along = known & (node >= 0)
            same = along & (
                found.to_numpy() == placed["transformer_id"].astype(str).to_numpy()[node]
            )
            away[same] = metres[same]
        open_ = (found.to_numpy() == "") & known
        if open_.any() and len(placed):
            node, metres, second, rival = _nearest(xy, placed)
            new = open_ & (metres <= reach_m)
            names = placed["transformer_id"].astype(str).to_numpy()
            found[new], by[new], away[new] = names[node[new]], NEAREST, metres[new]
            unsure = new & (second <= np.minimum(metres * ALIKE, reach_m))
            other[unsure] = names[rival[unsure]]
            if unsure.any():
                told = {"ids": listed(ids[unsure]), "share": f"{ALIKE:g}"}
                findings.append(Finding("grid_ambiguous", where, int(unsure.sum()), told))
        elif open_.any() and len(leaves) == 1 and not hit.any():
            found[open_], by[open_] = str(leaves["transformer_id"].iloc[0]), ONLY
        lost = (found.to_numpy() == "") & (buildings["status"] != "set_aside").to_numpy()
        if lost.any():
            told = {"ids": listed(ids[lost]), "reach": f"{reach_m:g}"}
            findings.append(Finding("grid_out_of_reach", where, int(lost.sum()), told))
    made = {"transformer_id": found.to_numpy(), "transformer_m": np.round(away, 1),
            "transformer_by": by.to_numpy(), "transformer_other": other.to_numpy()}  # fmt: skip
    return pd.DataFrame({"building_id": buildings["building_id"].to_numpy(), **made}), findings


def _stated(
    buildings: gpd.GeoDataFrame, nodes: pd.DataFrame, links: pd.DataFrame, where: str
) -> tuple[np.ndarray, list[Finding]]:
    """What files say: of the building, of its household, or in the transformer's own row."""
    ids = buildings["building_id"].astype(str)
    known = set(nodes["transformer_id"].astype(str))
    told: dict[str, str] = {}
    owner = links["household_id"].astype(str)
    for name, key in (("household_ids", owner), ("building_ids", links["building_id"])):
        for node, text in zip(nodes["transformer_id"], nodes[name], strict=True):
            if not pd.isna(text):
                own = set(str(text).split(";"))
                rows = links[key.astype(str).isin(own)]["building_id"].astype(str)
                # A row's own list of buildings goes before what its households' list says.
                named = own & set(ids) if name == "building_ids" else set(rows)
                told |= dict.fromkeys(named, str(node))
    for frame, key in ((links, "building_id"), (buildings, "building_id")):
        if "transformer_id" in frame:
            own = frame.dropna(subset=["transformer_id"])
            told |= dict(zip(own[key].astype(str), own["transformer_id"].astype(str), strict=True))
    out = np.array([told.get(name, "") for name in ids], dtype=object)
    odd = sorted({str(n) for n in out} - known - {""})
    findings = []
    if odd:
        findings.append(Finding("grid_unknown_id", where, len(odd), {"ids": listed(odd)}))
        out = np.where(np.isin(out.astype(str), odd), "", out)
    return np.asarray(out, dtype=object), findings


def _away(xy: np.ndarray, found: np.ndarray, nodes: pd.DataFrame) -> np.ndarray:
    """Straight distance to a stated transformer whose place is known, m."""
    x = dict(zip(nodes["transformer_id"].astype(str), nodes["x"], strict=True))
    y = dict(zip(nodes["transformer_id"].astype(str), nodes["y"], strict=True))
    there = np.array([[x.get(n, np.nan), y.get(n, np.nan)] for n in found], dtype=float)
    return np.asarray(np.hypot(*(xy - there.reshape(-1, 2)).T), dtype=float)


def _nearest(xy: np.ndarray, placed: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Nearest node, its distance and that of the second, m, and the second."""
    from scipy.spatial import KDTree

    tree = KDTree(placed[["x", "y"]].to_numpy(dtype=float))
    sound = np.where(np.isfinite(xy), xy, 1e12)
    metres, node = tree.query(sound, k=[1, 2])
    far = np.minimum(node[:, 1], len(placed) - 1)
    return node[:, 0], metres[:, 0], metres[:, 1], far


def along_lines(
    xy: np.ndarray, placed: pd.DataFrame, lines: gpd.GeoDataFrame, reach_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """The transformer of each place along the lines, and how far that is.

    A house hangs on the nearest point of any line, a transformer on a line that comes near it.

    Returns
    -------
    node : ndarray of int, shape (places,)
        Row of ``placed``; -1 where no line comes within ``reach_m`` or leads to one.
    metres : ndarray, shape (places,)
    """
    ends, length, corners, _ = graph_of(lines)
    tree = shapely.STRtree(shapely.points(corners))
    there = placed[["x", "y"]].to_numpy(dtype=float)
    start = tree.nearest(shapely.points(there))
    off = np.hypot(*(there - corners[start]).T)
    fed = np.flatnonzero(off <= AT_LINE_M)
    if len(fed) == 0:
        return np.full(len(xy), -1), np.full(len(xy), np.nan)
    sound = np.where(np.isfinite(xy), xy, 1e12)
    own = tree.nearest(shapely.points(sound))
    drop = np.hypot(*(sound - corners[own]).T)
    count = len(corners)
    web = coo_array((length, (ends[:, 0], ends[:, 1])), shape=(count, count)).tocsr()
    told = dijkstra(web, directed=False, indices=start[fed])
    best = fed[told.argmin(axis=0)]
    metres = told.min(axis=0)[own] + drop
    node = np.where((drop <= reach_m) & np.isfinite(metres), best[own], -1)
    return node, metres


AT_LINE_M = 30.0
"""A transformer that no line comes so near feeds none of them."""

STEP_M = 10.0
"""Lines are cut into pieces of at most this, so that a house finds its nearest point."""


def graph_of(
    lines: gpd.GeoDataFrame,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pieces of lines: their ends (n, 2), lengths (n,), the points (k, 2), and the row of
    ``lines`` that each piece is of (n,).
    """
    parts = lines.geometry.reset_index(drop=True).explode(index_parts=False)
    shapes = shapely.segmentize(np.asarray(parts), STEP_M)
    points, line = shapely.get_coordinates(shapes, return_index=True)
    cell = np.floor(points / SNAP_M + 0.5).astype(np.int64)
    _, first, name = np.unique(cell, axis=0, return_index=True, return_inverse=True)
    name = name.reshape(-1)
    same = line[1:] == line[:-1]
    ends = np.column_stack([name[:-1], name[1:]])[same]
    length = np.hypot(*(points[1:] - points[:-1]).T)[same]
    apart = ends[:, 0] != ends[:, 1]
    row = parts.index.to_numpy()[line[:-1][same]]
    return ends[apart], length[apart], points[first], row[apart]


def read_lines(path: str | Path, crs: object) -> gpd.GeoDataFrame:
    """A layer of lines in the buildings' system, with its columns.

    Raises
    ------
    InputError
        If it holds no lines, or no coordinate system.
    """
    frame = read_vector(path, on_invalid="ignore")
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise InputError("layer_empty", where=str(path), layer="")
    if frame.crs is None:
        raise InputError("crs_missing", where=str(path), suggestion="EPSG:4326")
    frame = frame.to_crs(crs)
    kept = frame[frame.geom_type.isin(["LineString", "MultiLineString"])]
    if kept.empty:
        kinds = listed(sorted(set(frame.geom_type.dropna())))
        raise InputError("grid_no_lines", where=str(path), kinds=kinds)
    return kept.reset_index(drop=True)
