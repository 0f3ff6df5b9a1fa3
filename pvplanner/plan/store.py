"""Results by key: what a stage gave, under the hash of everything it was made from.

A trace (``traces/KEY.json``) says which bytes a key gave and what was found on the way; the bytes
stand once under their own hash (``objects/HASH``). What is damaged is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any

from pvplanner.errors import Finding
from pvplanner.reading.origins import origin_file

FOLDER = ".pvplanner"
"""Name of the store in a plan's folder."""

LIMIT_BYTES = 4 << 30
"""Beyond this the results that were not asked for the longest go."""


@dataclass(frozen=True)
class Trace:
    """What a key gave: the hash of its bytes, and its findings."""

    content: str
    findings: tuple[Finding, ...] = ()


class MemoryStore:
    """Results of this process: objects as they are, shared between a plan and its variants."""

    def __init__(self) -> None:
        self._traces: dict[str, Trace] = {}
        self._objects: dict[str, Any] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing was kept yet."""
        return not self._traces

    def trace(self, key: str) -> Trace | None:
        """What a key gave, if it is known."""
        return self._traces.get(key)

    def table(self, trace: Trace) -> Any:
        """The object of a trace; ``None`` if it is gone."""
        return self._objects.get(trace.content)

    def body(self, trace: Trace) -> bytes | None:
        """The bytes of a trace: memory holds none."""
        return None

    def keep(self, key: str, trace: Trace, body: bytes | None, table: Any) -> None:
        """Keep a result."""
        self._traces[key] = trace
        self._objects.setdefault(trace.content, table)


class SharedStore(MemoryStore):
    """Results of one unit of a region, shared between scenarios by what they were made from.

    Nothing is made into bytes, so that a scenario that shares a stage costs nothing for it; in
    exchange a stage is done again where one before it was, whatever came of that.

    Parameters
    ----------
    inputs : str
        Hash of what the unit's given tables were made from.

    Attributes
    ----------
    values : dict of str to str
        Hashes of results that are known by what they are, by their keys.
    hashes : FileHashes
        Of files: those of one run are another's.
    """

    def __init__(self, inputs: str) -> None:
        super().__init__()
        self.inputs = inputs
        self.variants: dict[int, str] = {}
        self.values: dict[str, str] = {}
        self.hashes = FileHashes()

    @property
    def empty(self) -> bool:
        """Never: keys are cheap."""
        return False

    by_value: tuple[str, ...] = ()
    """Stages that are known by what they gave all the same."""

    def hold(self, name: str, key: str, trace: Trace, table: Any) -> None:
        """Keep a stage's result."""
        self.keep(key, trace, None, table)

    def given(self, name: str, table: Any) -> str:
        """Key of a table that was given; ``variants`` tells those of one name apart."""
        variant = self.variants.get(id(table), "")
        return hash_values({"given": name, "inputs": self.inputs, "variant": variant})


@dataclass
class FolderStore:
    """Results in a folder of their own, private to their owner and bounded in size.

    Attributes
    ----------
    folder : Path
    """

    folder: Path
    _used: set[str] = field(default_factory=set)

    def trace(self, key: str) -> Trace | None:
        """What a key gave, if it is known and its bytes are there."""
        path = self.folder / "traces" / f"{key}.json"
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            trace = Trace(read["content"], tuple(Finding.from_dict(f) for f in read["findings"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return trace if (self.folder / "objects" / trace.content).is_file() else None

    def table(self, trace: Trace) -> Any:
        """The object of a trace, read and held against its hash; ``None`` if it is damaged."""
        from pvplanner.plan.tables import from_bytes

        body = self.body(trace)
        return None if body is None else from_bytes(body)

    def body(self, trace: Trace) -> bytes | None:
        """The bytes of a trace, held against their hash; ``None`` if they are damaged."""
        path = self.folder / "objects" / trace.content
        try:
            body = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(body).hexdigest() != trace.content:
            path.unlink(missing_ok=True)
            return None
        self._used.add(trace.content)
        return body

    def keep(self, key: str, trace: Trace, body: bytes | None, table: Any) -> None:
        """Keep a result: the bytes first, then the trace that names them."""
        if body is None:
            return
        self._make()
        place = self.folder / "objects" / trace.content
        if not place.is_file():
            write_whole(place, body)
        self._used.add(trace.content)
        told = {"content": trace.content, "findings": [f.plain() for f in trace.findings]}
        text = json.dumps(told, ensure_ascii=False, allow_nan=True)
        write_whole(self.folder / "traces" / f"{key}.json", text.encode("utf-8"))

    def _make(self) -> None:
        if (self.folder / "objects").is_dir() and (self.folder / "traces").is_dir():
            return
        for name in ("objects", "traces"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # Names and incomes stand in the tables of a ledger.
        self.folder.chmod(0o700)
        write_whole(self.folder / ".gitignore", b"*\n")

    def tidy(self, limit: int = LIMIT_BYTES) -> None:
        """Clear what broken runs left, and the oldest results beyond a size."""
        if not self.folder.is_dir():
            return
        for part in self.folder.rglob("*.part"):
            if not _alive(part.name):
                part.unlink(missing_ok=True)
        objects = []
        for path in (self.folder / "objects").glob("*"):
            if path.name in self._used:
                os.utime(path)
            stat = path.stat()
            objects.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in objects)
        for _, size, path in sorted(objects):
            if total <= limit:
                break
            path.unlink(missing_ok=True)
            total -= size
        held = {path.name for path in (self.folder / "objects").glob("*")}
        for path in (self.folder / "traces").glob("*.json"):
            try:
                lost = json.loads(path.read_text(encoding="utf-8"))["content"] not in held
            except (OSError, ValueError, KeyError, TypeError):
                lost = True
            if lost:
                path.unlink(missing_ok=True)


def write_whole(path: Path, body: bytes) -> None:
    """Write a file beside its place and rename it there: all of it or nothing."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """A folder's names on the disk, where the system lets a folder be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _alive(name: str) -> bool:
    """Whether the process that writes a ``.NAME.PID.part`` file still runs."""
    pid = name.removesuffix(".part").rpartition(".")[2]
    return process_runs(int(pid)) if pid.isdigit() else False


def process_runs(pid: int) -> bool:
    """Whether a process of this machine still runs; another's counts as running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def hash_values(values: Mapping[str, Any]) -> str:
    """SHA-256 of named values, the same in any order."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class FileHashes:
    """Hashes of input files, remembered by size and time so that a file is read once."""

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known: dict[str, tuple[int, int, str]] = {}
        if memory is not None:
            try:
                read = json.loads(memory.read_text(encoding="utf-8"))
                self._known = {k: (v[0], v[1], v[2]) for k, v in read.items()}
            except (OSError, ValueError, LookupError, TypeError, AttributeError):
                self._known = {}
        self._new = False

    def of(self, path: str | os.PathLike[str]) -> str:
        """SHA-256 of a file with all that belongs to it; of a missing one, its absence."""
        digest = hashlib.sha256()
        for member in members_of(Path(path)):
            digest.update(member.name.encode("utf-8"))
            digest.update(self._one(member).encode("ascii"))
        return digest.hexdigest()

    def _one(self, path: Path) -> str:
        try:
            stat = path.stat()
        except (OSError, ValueError):
            return "absent"
        if not S_ISREG(stat.st_mode):
            # A device has no end.
            return "no file"
        name, now = str(path.resolve()), time.time_ns()
        size, when, known = self._known.get(name, (-1, -1, ""))
        # A file that was changed just now may change again within the clock's step.
        if (size, when) == (stat.st_size, stat.st_mtime_ns) and now - when > 2_000_000_000:
            return known
        found = hash_bytes_of(path)
        self._known[name] = (stat.st_size, stat.st_mtime_ns, found)
        self._new = True
        return found

    def save(self) -> None:
        """Remember for the next run, where there is a place for it."""
        if self._new and self._memory is not None and self._memory.parent.is_dir():
            write_whole(self._memory, json.dumps(self._known).encode("utf-8"))
            self._new = False


def hash_bytes_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def members_of(path: Path) -> Iterable[Path]:
    """What belongs to an input: siblings of a shapefile, sidecars, a folder's or VRT's files."""
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file())
    if path.suffix.lower() == ".shp":
        return sorted(p for p in path.parent.glob(f"{path.stem}.*") if p.is_file()) or [path]
    if path.suffix.lower() == ".vrt":
        return [path, *_sources_of(path)]
    beside = [*sidecars(path), origin_file(path)]
    return [path, *(p for p in beside if p.is_file())]


def sidecars(path: Path) -> list[Path]:
    """Files beside a raster that say where it lies."""
    if path.suffix.lower() not in (".tif", ".tiff", ".img", ".asc", ".png", ".jpg"):
        return []
    names = [f"{path.name}.aux.xml", f"{path.stem}.tfw", f"{path.stem}.prj", f"{path.name}.ovr"]
    return [path.with_name(name) for name in names]


def _sources_of(vrt: Path) -> list[Path]:
    import re

    try:
        text = vrt.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = re.findall(r"<SourceFilename([^>]*)>([^<]+)</SourceFilename>", text)
    return [vrt.parent / name if 'relativeToVRT="1"' in how else Path(name) for how, name in found]
