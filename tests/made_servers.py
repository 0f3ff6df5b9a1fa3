"""A loopback server that speaks as the real ones do, in all their moods."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import geopandas as gpd
import numpy as np
import pandas as pd
import pvlib
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

S3_MISSING = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>'
S3_DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'


class Server:
    """Files and answers by path, and what goes wrong first.

    Attributes
    ----------
    files : dict of str to bytes
    moods : dict of str to list
        For a path what is answered first: a status, ``"cut"`` (half the body), ``"slow"``,
        ``"whole"`` (ranges ignored), ``"html"``, ``"wrong"`` (another piece).
    asked : list of tuple
        Path, query and range of every question.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.moods: dict[str, list[object]] = {}
        self.redirects: dict[str, str] = {}
        self.packed: set[str] = set()
        self.ranges = True
        self.asked: list[tuple[str, dict, str]] = []
        self.answers: dict[str, object] = {}
        self.base = ""

    def put(self, path: str, body: bytes | str) -> None:
        self.files[path] = body.encode() if isinstance(body, str) else body

    def spans(self, path: str) -> list[str]:
        return [span for p, _, span in self.asked if p == path]


@contextmanager
def serving():
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *told):
            pass

        def do_HEAD(self):
            self._send(403, S3_DENIED)

        def do_GET(self):
            place = urlparse(self.path)
            path, span = place.path, self.headers.get("Range", "")
            state.asked.append((path, parse_qs(place.query), span))
            mood = state.moods.get(path, [])
            now = mood.pop(0) if mood else None
            if isinstance(now, int):
                body = json.dumps({"message": "slow down", "messages": ["bad question"]}).encode()
                self._send(now, b"<html>oops</html>" if now >= 500 else body,
                           {"Retry-After": "0"} if now == 429 else {})  # fmt: skip
                return
            if path in state.redirects:
                self._send(302, b"", {"Location": state.redirects[path]})
                return
            if path in state.answers:
                self._send(200, state.answers[path](parse_qs(place.query)))
                return
            if path not in state.files:
                self._send(404, S3_MISSING)
                return
            body = state.files[path]
            if now == "html":
                self._send(200, b"<html><body>Please log in</body></html>")
                return
            if now == "slow":
                time.sleep(1.0)
            if span and state.ranges and now != "whole":
                first, _, last = span.removeprefix("bytes=").partition("-")
                begin, end = int(first), min(int(last or len(body) - 1), len(body) - 1)
                if begin >= len(body):
                    self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"})
                    return
                piece = body[begin : end + 1]
                told = {"Content-Range": f"bytes {begin}-{end}/{len(body)}", "ETag": '"v1"'}
                if now == "wrong":
                    told["Content-Range"] = f"bytes {begin + 7}-{end + 7}/{len(body)}"
                self._send(206, piece, told, cut=now == "cut")
                return
            told = {"ETag": '"v1"'}
            if path in state.packed and "gzip" in self.headers.get("Accept-Encoding", ""):
                body, told = gzip.compress(body), told | {"Content-Encoding": "gzip"}
            self._send(200, body, told, cut=now == "cut")

        def _send(self, status, body, headers=None, *, cut=False):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


WEST, SOUTH = 121.20, 29.70


def outlines(count: int = 60) -> list[shapely.Polygon]:
    """Houses in rows to the east, about 11 m square."""
    return [shapely.box(WEST + 0.001 * n, SOUTH, WEST + 0.001 * n + 1.1e-4, SOUTH + 1e-4)
            for n in range(count)]  # fmt: skip


def overture_table(count: int = 60) -> pa.Table:
    """Buildings as Overture writes them: boxes in four bytes, sources as a list."""
    shapes = outlines(count)
    boxes = np.array([s.bounds for s in shapes], dtype=np.float32)
    box = pa.StructArray.from_arrays(
        [pa.array(boxes[:, k]) for k in (0, 2, 1, 3)], names=["xmin", "xmax", "ymin", "ymax"]
    )
    every = shapely.to_wkb(shapes)
    every[3] = shapely.to_wkb(shapely.MultiPolygon([shapes[3]]))
    return pa.table({
        "id": [f"id-{n:03d}" for n in range(count)], "geometry": pa.array(every), "bbox": box,
        "height": pa.array([9.5 if n == 2 else None for n in range(count)], pa.float64()),
        "num_floors": pa.array([3 if n == 2 else None for n in range(count)], pa.int32()),
        "is_underground": pa.array([n == 5 for n in range(count)]),
        "roof_shape": pa.array(["gabled" if n == 2 else None for n in range(count)], pa.string()),
        "sources": pa.array([[{"dataset": "doi:10.5281/zenodo.8174931", "license": None}]
                             for _ in range(count)],
                            pa.list_(pa.struct([("dataset", pa.string()),
                                                ("license", pa.string())]))),
    })  # fmt: skip


def parquet_bytes(table: pa.Table, rows: int, *, plain_group: int | None = None) -> bytes:
    """A GeoParquet file of small row groups; one may have no statistics."""
    geo = {"version": "1.1.0", "primary_column": "geometry",
           "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}}}  # fmt: skip
    table = table.replace_schema_metadata({b"geo": json.dumps(geo).encode()})
    held = io.BytesIO()
    stats = plain_group is None
    with pq.ParquetWriter(held, table.schema, compression="zstd", write_statistics=stats) as out:
        for begin in range(0, len(table), rows):
            out.write_table(table.slice(begin, rows), row_group_size=rows)
    return held.getvalue()


def put_overture(server: Server, release: str = "2026-10-21.0", *, index: bool = True,
                 absolute: bool = False, rows: int = 10, table: pa.Table | None = None,
                 latest: str | None = None) -> str:  # fmt: skip
    """A release with its catalogue, by the flat index or by links alone."""
    made = overture_table() if table is None else table
    file = f"/release/{release}/theme=buildings/type=building/part-00000-x-c000.zstd.parquet"
    server.put(file, parquet_bytes(made, rows))
    base = f"{server.base}/{release}" if absolute else f"./{release}"
    server.put("/catalog.json", json.dumps({
        "latest": latest or release,
        "links": [{"rel": "child", "href": f"{base}/catalog.json", "title": release}],
    }))  # fmt: skip
    href = f"https://overturemaps-us-west-2.s3.us-west-2.amazonaws.com{file}"
    assets = {"aws": {"href": href}}
    box = [121.19, 29.69, 121.30, 29.71]
    if index:
        table = pa.table({
            "id": ["0", "1"], "collection": ["building", "place"],
            "bbox": [dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))] * 2,
            "assets": [assets, assets],
        })  # fmt: skip
        held = io.BytesIO()
        pq.write_table(table, held)
        server.put(f"/{release}/collections.parquet", held.getvalue())
        return file
    head = f"{server.base}/{release}" if absolute else "."
    server.put(f"/{release}/catalog.json", json.dumps({"links": [
        {"rel": "child", "href": f"{head}/buildings/catalog.json"}]}))  # fmt: skip
    head = f"{server.base}/{release}/buildings" if absolute else "."
    server.put(f"/{release}/buildings/catalog.json", json.dumps({"links": [
        {"rel": "child", "href": f"{head}/building/collection.json"}]}))  # fmt: skip
    head = f"{server.base}/{release}/buildings/building" if absolute else "."
    server.put(
        f"/{release}/buildings/building/collection.json",
        json.dumps(
            {
                "links": [
                    {"rel": "item", "href": f"{head}/0.json"},
                    {"rel": "item", "href": f"{head}/1.json"},
                ]
            }
        ),
    )
    server.put(f"/{release}/buildings/building/0.json", json.dumps({"bbox": box, "assets": assets}))
    server.put(f"/{release}/buildings/building/1.json",
               json.dumps({"bbox": [0, 0, 1, 1], "assets": assets}))  # fmt: skip
    return file


def power_answer(query: dict, fill: int = 3) -> bytes:
    """NASA POWER's hours of a clear sky, a little brighter every year."""
    start, end = query["start"][0], query["end"][0]
    index = pd.date_range(start, pd.Timestamp(end) + pd.Timedelta(hours=23), freq="h", tz="UTC")
    middle = index + pd.Timedelta(minutes=30)
    sun = pvlib.solarposition.get_solarposition(middle, 29.7, 121.2)
    cosine = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
    clear = np.where(cosine > 0.05, 1 + 0.02 * (index.year.to_numpy() - 2020), 0)
    beam, diffuse = 600 * clear, 90 * clear
    keys = index.strftime("%Y%m%d%H")
    values = {
        "ALLSKY_SFC_SW_DWN": beam * cosine + diffuse, "ALLSKY_SFC_SW_DNI": beam,
        "ALLSKY_SFC_SW_DIFF": diffuse, "T2M": np.full(len(index), 17.0),
        "WS10M": np.full(len(index), 2.5),
    }  # fmt: skip
    told = {name: dict(zip(keys, np.asarray(v).round(2).tolist(), strict=True))
            for name, v in values.items()}  # fmt: skip
    for key in keys[-fill:]:
        told["T2M"][key] = -999.0
    return json.dumps({
        "type": "Feature", "geometry": {"coordinates": [121.2, 29.7, 55.0]},
        "properties": {"parameter": told},
        "header": {"fill_value": -999.0, "sources": ["SYN1DEG", "MERRA2"]}, "messages": [],
        "parameters": {}, "times": {},
    }).encode()  # fmt: skip


def relief_tile(west: int, south: int, width: int, height: int = 360) -> bytes:
    """A tile of a degree as GLO-30 has it: its origin half a cell off, heights by the place."""
    import rasterio
    from rasterio.io import MemoryFile

    dx, dy = 1.0 / width, 1.0 / height
    place = rasterio.transform.from_origin(west - dx / 2, south + 1 + dy / 2, dx, dy)
    lon = west - dx / 2 + (np.arange(width) + 0.5) * dx
    lat = south + 1 + dy / 2 - (np.arange(height) + 0.5) * dy
    values = (1000 * (lon[None, :] - 100) + 10 * lat[:, None]).astype("float32")
    values[0, 0] = -32767.0
    with MemoryFile() as held:
        with held.open(driver="GTiff", width=width, height=height, count=1, dtype="float32",
                       crs="EPSG:4326", transform=place, compress="deflate", tiled=True,
                       blockxsize=128, blockysize=128) as out:  # fmt: skip
            out.write(values, 1)
        return held.read()


def as_lines(shapes: list[shapely.Geometry], heights: list[float]) -> bytes:
    """Microsoft's lines of GeoJSON, packed, whatever the name says."""
    lines = [
        json.dumps({"type": "Feature", "geometry": shapely.geometry.mapping(shape),
                    "properties": {"height": height, "confidence": -1}})
        for shape, height in zip(shapes, heights, strict=True)
    ]  # fmt: skip
    return gzip.compress("\n".join(lines).encode())


def folder_of(server: Server, place: Path) -> str:
    """The same files as a mirror on a disk."""
    for path, body in server.files.items():
        file = place / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    return str(place)


def frame_of(shapes: list[shapely.Geometry]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=shapes, crs=4326)
