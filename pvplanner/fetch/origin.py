"""Where a fetched file is from: a note beside it that a plan reads, so that the licence reaches
every page.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pvplanner import reference
from pvplanner.errors import ConfigError, listed
from pvplanner.reading.origins import origin_file


def source(name: str, kind: str) -> dict[str, str]:
    """The row of a source.

    Raises
    ------
    ConfigError
        If there is none of that name and kind.
    """
    rows = [row for row in reference.rows("open_sources") if row["kind"] == kind]
    for row in rows:
        if row["name"] == name:
            return dict(row)
    known = listed([row["name"] for row in rows])
    raise ConfigError("fetch_source", where="--source", name=name, known=known)


def note(sources: list[Mapping[str, str]], **told: Any) -> dict[str, Any]:
    """What is written beside a file: each source with its licence, and how it was cut."""
    kept = ("name", "title", "licence", "use", "attribution", "release")
    return {
        "sources": [{k: row[k] for k in kept} for row in sources],
        "fetched": dt.datetime.now(dt.UTC).date().isoformat(), **told,
    }  # fmt: skip


def write_beside(path: Path, body: bytes, about: dict[str, Any]) -> None:
    """A file and the note of its origin, each whole or not at all; the note first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = about | {"sha256": hashlib.sha256(body).hexdigest()}
    text = json.dumps(about, ensure_ascii=False, indent=1).encode("utf-8")
    for target, bytes_ in ((origin_file(path), text), (path, body)):
        beside = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(bytes_)
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
