"""Copernicus GLO-30: windows of its tiles, nothing more, as one raster."""

from __future__ import annotations

import math

from pvplanner.errors import InputError
from pvplanner.fetch.area import Area
from pvplanner.fetch.transport import RemoteFile, Transport, join


def tile_names(area: Area) -> list[str]:
    """Names of the tiles of a degree that an area meets, by their south-west corners."""
    out = []
    for south in range(math.floor(area.south), math.ceil(area.north)):
        for west in range(math.floor(area.west), math.ceil(area.east)):
            ns, ew = "NS"[south < 0], "EW"[west < 0]
            out.append(f"Copernicus_DSM_COG_10_{ns}{abs(south):02d}_00_{ew}{abs(west):03d}_00_DEM")
    return out


def read_relief(transport: Transport, base: str, area: Area) -> tuple[bytes, list[str]]:
    """Heights of an area as a GeoTIFF in degrees; a tile that is not there is the sea.

    Returns
    -------
    body : bytes
    missing : list of str
        Tiles that are not there.

    Raises
    ------
    InputError
        If none is.
    """
    from pvplanner.terrain.cutting import cut_heights

    files, missing = [], []
    for name in tile_names(area):
        try:
            files.append((name, RemoteFile(transport, join(base, name, f"{name}.tif"))))
        except InputError as error:
            if error.code != "fetch_missing":
                raise
            missing.append(name)
    if not files:
        raise InputError("fetch_nothing", where="GLO-30")
    return cut_heights(files, area.box), missing
