"""Notes beside fetched files: where each is from, under which licence, what must be said of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pvplanner.texts import visible

SUFFIX = ".origin.json"
FIELDS = ("title", "licence", "use", "attribution", "release")


def origin_file(path: str | os.PathLike[str]) -> Path:
    """The note beside a file."""
    file = Path(path)
    return file.with_name(f"{file.name}{SUFFIX}")


def read_origin(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Sources of a file by the note beside it; none where there is no note.

    Returns
    -------
    list of dict
        ``title``, ``licence``, ``use`` (``open`` or ``non_commercial``), ``attribution``,
        ``release``, ``fetched``.
    """
    try:
        told: Any = json.loads(origin_file(path).read_text(encoding="utf-8"))
        rows = told["sources"]
        fetched = str(told.get("fetched", ""))
        return [
            {**{name: visible(str(row.get(name, "")))[:300] for name in FIELDS},
             "fetched": visible(fetched)[:20]}
            for row in rows
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
