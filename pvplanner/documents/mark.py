"""What a document says of the plan that it was made of, and how it is read back.

The mark alone proves nothing: whoever doubts a document makes it again from the plan's tables and
compares (:mod:`pvplanner.documents.verifying`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from io import BytesIO
from typing import Any

from pvplanner.plan import Plan
from pvplanner.plan.layers import plain_table
from pvplanner.plan.tables import to_bytes
from pvplanner.schema import TABLES

SIGN = "pvplanner-document:"
"""What a mark begins with, wherever a kind of file keeps it."""

MAKERS = {"pdf": ("typst",), "xlsx": ("XlsxWriter",),
          "docx": ("python-docx", "typst"), "png": ("typst",), "dxf": ("ezdxf",)}  # fmt: skip
"""Libraries that a kind of file's bytes hang on, beside pvplanner itself."""


@dataclass(frozen=True)
class Mark:
    """What a document was made of.

    Attributes
    ----------
    kind : str
        One of :data:`pvplanner.documents.makers.MAKERS`.
    plan : str
        SHA-256 of the plan's tables; see :func:`plan_hash`.
    versions : dict
        Of pvplanner, and of the libraries that made the file.
    inputs : dict
        SHA-256 of each input file of the plan.
    options : dict
        What was asked for: language, edition, household.
    """

    kind: str
    plan: str
    versions: Mapping[str, str]
    inputs: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """As it stands in a file: letters, digits and marks that no format changes."""
        told = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return SIGN + base64.urlsafe_b64encode(told.encode("ascii")).decode("ascii")


def plan_hash(plan: Plan) -> str:
    """SHA-256 over a plan's tables: the same for a plan and for what was saved of it."""
    digest = hashlib.sha256()
    for name in TABLES:
        body = to_bytes(plain_table(plan.view(name)))
        digest.update(f"{name} {hashlib.sha256(body).hexdigest()}\n".encode("ascii"))
    return digest.hexdigest()


def mark_of(plan: Plan, kind: str, suffix: str, **options: Any) -> Mark:
    """The mark of a document of a plan."""
    inputs = {key: one["sha256"] for key, one in sorted(plan.summary()["inputs"].items())}
    return Mark(kind, plan_hash(plan), versions_of(suffix), inputs, options)


def versions_of(suffix: str) -> dict[str, str]:
    """Versions of what makes a kind of file, as they are here."""
    names = ("pvplanner", *MAKERS.get(suffix, ()))
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        # Whoever makes the file says so.
        return ""


def find_mark(body: bytes) -> Mark | None:
    """The mark that a file carries; ``None`` where it carries none."""
    told = re.search(SIGN.encode() + rb"([A-Za-z0-9_=-]+)", _opened(body))
    if told is None:
        return None
    try:
        return Mark(**json.loads(base64.urlsafe_b64decode(told[1])))
    except (binascii.Error, ValueError, TypeError):
        return None


PROPERTIES = "docProps/core.xml"
MOST_BYTES = 1_000_000


def _opened(body: bytes) -> bytes:
    """Of an Office file the part that holds its properties."""
    if not body.startswith(b"PK"):
        return body
    try:
        with zipfile.ZipFile(BytesIO(body)) as held, held.open(PROPERTIES) as part:
            return part.read(MOST_BYTES)
    except (zipfile.BadZipFile, KeyError, OSError):
        return b""
