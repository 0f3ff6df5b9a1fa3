"""The only way out: what is asked of a server, tried again, held against what it promised, kept.

An address may be a folder or a file of a mirror on a disk as well: many offices reach no foreign
server, so that is read by the same code.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import requests
import urllib3

from pvplanner.errors import InputError

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""Answers after which the same is asked again."""

MISSING = frozenset({403, 404, 410})
"""Answers that say that there is no such thing; stores give 403 where they do not list."""

BLOCK = 1 << 20
"""Bytes that are asked for at once: a proxy cuts what is longer."""

MOST_WAIT_S = 60.0
TIMEOUT = (15.0, 60.0)


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes
    ----------
    body : bytes
    status : int
    headers : mapping
    """

    body: bytes
    status: int
    headers: Mapping[str, str]


@dataclass
class Transport:
    """Asks, and asks again.

    Attributes
    ----------
    cache : Path, optional
        Where pieces are kept, so that what was broken off goes on.
    tries : int
    wait : float
        Seconds before the second try; each further one waits twice as long.
    timeout : tuple of float
        Seconds to connect, and between bytes.
    said : callable
        Told of every wait.
    """

    cache: Path | None = None
    tries: int = 5
    wait: float = 1.0
    timeout: tuple[float, float] = TIMEOUT
    said: Callable[[str], None] = lambda text: None
    _session: requests.Session = field(default_factory=requests.Session)

    def close(self) -> None:
        """Let connections go."""
        self._session.close()

    def get(
        self, url: str, *, params: Mapping[str, Any] | None = None,
        span: tuple[int, int] | None = None,
    ) -> Answer:  # fmt: skip
        """An address's body, or some bytes of it.

        Parameters
        ----------
        url : str
            Or a path on this machine's disks.
        params : mapping, optional
        span : tuple of int, optional
            First byte and the one after the last.

        Raises
        ------
        InputError
            ``fetch_missing`` where there is no such thing, ``fetch_refused`` where the server says
            what is wrong with the question, ``fetch_unreachable`` after the last try.
        """
        local = local_path(url)
        if local is not None:
            return _of_disk(local, span)
        reason = ""
        for n in range(self.tries):
            pause = self.wait * 2**n
            try:
                answer, asked = self._once(url, params, span)
            except requests.RequestException as error:
                reason = _short(error)
            else:
                if answer.status in MISSING:
                    raise InputError("fetch_missing", where=url, status=answer.status)
                if answer.status in (400, 405, 416, 422):
                    raise InputError("fetch_refused", where=url, reason=_said(answer))
                if answer.status < 400:
                    return answer
                reason = f"HTTP {answer.status}"
                pause = max(pause, asked)
                if answer.status not in AGAIN:
                    break
            if n + 1 < self.tries:
                self.said(f"{reason}; {min(pause, MOST_WAIT_S):.0f} s")
                time.sleep(min(pause, MOST_WAIT_S))
        raise InputError("fetch_unreachable", where=url, reason=reason)

    def _once(
        self, url: str, params: Mapping[str, Any] | None, span: tuple[int, int] | None
    ) -> tuple[Answer, float]:
        headers = {"User-Agent": "pvplanner"}
        if span is not None:
            # Packed bytes have other numbers.
            headers |= {"Range": f"bytes={span[0]}-{span[1] - 1}", "Accept-Encoding": "identity"}
        with self._session.get(
            url, params=params, headers=headers, timeout=self.timeout, stream=True
        ) as reply:
            raw = _read(reply)
            _whole(reply, raw)
            body = _unpacked(reply, raw)
            if span is not None and reply.status_code == 200:
                # The server ignores ranges: what was asked for is cut from the whole.
                body = body[span[0] : span[1]]
            elif span is not None and reply.status_code == 206:
                _right_piece(reply, span, len(body))
            asked = _seconds(reply.headers.get("Retry-After", ""))
            return Answer(body, reply.status_code, dict(reply.headers)), asked

    def json(self, url: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """An address's JSON.

        Raises
        ------
        InputError
            ``fetch_garbled`` where something else came, such as a page of a proxy.
        """
        return as_json(self.get(url, params=params).body, url)

    def size(self, url: str) -> tuple[int, str]:
        """Size of a file in bytes, and what tells its versions apart.

        A byte of it is asked for: many stores refuse to tell the size alone.
        """
        local = local_path(url)
        if local is not None:
            if not local.is_file():
                raise InputError("fetch_missing", where=url, status="-")
            told = local.stat()
            return told.st_size, f"{told.st_size}-{told.st_mtime_ns}"
        answer = self.get(url, span=(0, 1))
        headers = {k.lower(): v for k, v in answer.headers.items()}
        whole = headers.get("content-range", "").rpartition("/")[2]
        length = int(whole) if whole.isdigit() else int(headers.get("content-length", 0))
        mark = headers.get("etag") or headers.get("last-modified") or str(length)
        return length, mark

    def download(self, url: str, *, checksum: str = "") -> bytes:
        """A whole file, piece by piece; pieces that are kept are not asked for again.

        Parameters
        ----------
        checksum : str
            ``sha256:...`` or ``md5:...`` that it must have.

        Raises
        ------
        InputError
            ``fetch_checksum`` where it has another.
        """
        with RemoteFile(self, url) as file:
            body = file.read()
        kind, _, wanted = checksum.partition(":")
        if wanted and hashlib.new(kind, body).hexdigest() != wanted.lower():
            self.forget(url)
            raise InputError("fetch_checksum", where=url, wanted=wanted[:16])
        return body

    def folder(self, url: str, mark: str) -> Path | None:
        """Where pieces of a file are kept."""
        if self.cache is None or local_path(url) is not None:
            return None
        key = hashlib.sha256(f"{url}\n{mark}".encode()).hexdigest()[:32]
        return self.cache / key

    def forget(self, url: str) -> None:
        """Let kept pieces of a file go."""
        import shutil

        with contextlib.suppress(InputError):
            place = self.folder(url, self.size(url)[1])
            if place is not None:
                shutil.rmtree(place, ignore_errors=True)


def local_path(url: str) -> Path | None:
    """The path that an address is on this machine's disks; ``None`` where it is a server's."""
    if url.startswith("file://"):
        return Path(unquote(urlparse(url).path))
    return None if url.startswith(("http://", "https://")) else Path(url)


def join(base: str, *parts: str) -> str:
    """An address below another, on a server or a disk."""
    return "/".join([base.rstrip("/"), *(p.strip("/") for p in parts)])


def _of_disk(path: Path, span: tuple[int, int] | None) -> Answer:
    if not path.is_file():
        raise InputError("fetch_missing", where=str(path), status="-")
    with path.open("rb") as stream:
        if span is None:
            return Answer(stream.read(), 200, {})
        stream.seek(span[0])
        return Answer(stream.read(span[1] - span[0]), 206, {})


def _read(reply: requests.Response) -> bytes:
    """The body as it came, still packed."""
    try:
        return bytes(reply.raw.read(decode_content=False))
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.ConnectionError(str(error)) from None


def _whole(reply: requests.Response, raw: bytes) -> None:
    """Whether all came that was promised."""
    promised = reply.headers.get("Content-Length", "")
    if promised.isdigit() and len(raw) < int(promised):
        raise requests.ConnectionError(f"{len(raw)} of {promised} bytes")


def _unpacked(reply: requests.Response, raw: bytes) -> bytes:
    kind = reply.headers.get("Content-Encoding", "").lower()
    if kind in ("", "identity"):
        return raw
    if kind in ("gzip", "x-gzip"):
        try:
            return gzip.decompress(raw)
        except (OSError, EOFError) as error:
            raise requests.ConnectionError(str(error)) from None
    import zlib

    if kind == "deflate":
        return zlib.decompress(raw)
    raise requests.ConnectionError(f"Content-Encoding {kind}")


def _right_piece(reply: requests.Response, span: tuple[int, int], got: int) -> None:
    """Whether the piece is the one that was asked for."""
    told = reply.headers.get("Content-Range", "")
    first = told.removeprefix("bytes ").partition("-")[0]
    size = told.rpartition("/")[2]
    end = min(span[1], int(size)) if size.isdigit() else span[1]
    if (first.isdigit() and int(first) != span[0]) or got < end - span[0]:
        raise requests.ConnectionError(f"{got} bytes of {end - span[0]}")


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() else 0.0


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _said(answer: Answer) -> str:
    """What a server says is wrong: JSON of several forms, else its first words."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return f"HTTP {answer.status}"
    if isinstance(told, dict):
        for key in ("message", "messages", "errors", "detail"):
            if told.get(key):
                value = told[key]
                return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"HTTP {answer.status}"


def as_json(body: bytes, url: str) -> Any:
    """Bytes as JSON.

    Raises
    ------
    InputError
        If they are none: a page, an error in XML.
    """
    try:
        return json.loads(body)
    except ValueError:
        head = body[:60].decode("utf-8", "replace").strip()
        raise InputError("fetch_garbled", where=url, wanted="JSON", found=head) from None


class RemoteFile(io.RawIOBase):
    """A file behind an address, read in blocks, as pyarrow and rasterio read any file.

    Blocks are kept in the transport's cache: a run that was broken off goes on with what it has.
    """

    def __init__(self, transport: Transport, url: str) -> None:
        super().__init__()
        self.transport, self.url = transport, url
        self.length, self.mark = transport.size(url)
        self._at = 0
        self._blocks: dict[int, bytes] = {}
        self._place = transport.folder(url, self.mark)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move."""
        base = {0: 0, 1: self._at, 2: self.length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        wanted = min(len(buffer), max(self.length - self._at, 0))
        done = 0
        while done < wanted:
            block, skip = divmod(self._at, BLOCK)
            piece = self._block(block)[skip : skip + wanted - done]
            if not piece:
                break
            buffer[done : done + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        return done

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            if len(self._blocks) > 64:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[number] = self._kept(number)
        return self._blocks[number]

    def _kept(self, number: int) -> bytes:
        span = (number * BLOCK, min((number + 1) * BLOCK, self.length))
        file = None if self._place is None else self._place / f"{number}"
        if file is not None and file.is_file() and file.stat().st_size == span[1] - span[0]:
            return file.read_bytes()
        body = self.transport.get(self.url, span=span).body
        if len(body) != span[1] - span[0]:
            raise InputError("fetch_unreachable", where=self.url, reason=f"{len(body)} bytes")
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            beside = file.with_name(f".{number}.{os.getpid()}.part")
            beside.write_bytes(body)
            os.replace(beside, file)
        return body


def lines_of(transport: Transport, url: str) -> Iterator[str]:
    """Lines of a text file that may be packed, whatever it is called.

    Raises
    ------
    InputError
        If it is packed and broken.
    """
    body = transport.download(url)
    if body[:2] == b"\x1f\x8b":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError) as error:
            raise InputError("fetch_garbled", where=url, wanted="gzip", found=str(error)) from None
    yield from body.decode("utf-8").splitlines()
