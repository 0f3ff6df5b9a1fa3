"""Whatever a library raises while a file is read becomes one clear line."""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pvplanner.errors import InputError, PVPlannerError

_RAISED = (
    ArithmeticError, AttributeError, EOFError, IndexError, KeyError, MemoryError, OSError,
    RecursionError, RuntimeError, SyntaxError, TypeError, ValueError, AssertionError, struct.error,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What readers raise at files that are not what they say."""

_FOREIGN = ("rasterio", "pyogrio", "pyproj", "fiona", "shapely", "pyarrow", "openpyxl", "lxml",
            "xml", "csv", "_csv", "pandas")  # fmt: skip
"""Libraries whose own errors are none of the above."""


@contextmanager
def guarded(path: str | os.PathLike[str], code: str = "file_unreadable") -> Iterator[None]:
    """Turn what a library raises within into an :class:`InputError` that names the file.

    Errors of our own pass as they are.

    Raises
    ------
    InputError
        With ``code``, and what the library said as ``reason``.
    """
    try:
        yield
    except PVPlannerError:
        raise
    except Exception as error:
        module = type(error).__module__.partition(".")[0]
        if not isinstance(error, _RAISED) and module not in _FOREIGN:
            raise
        raise InputError(code, where=os.fspath(path), reason=_said(error)) from None


def _said(error: Exception) -> str:
    """What a library said, without the folders it names."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, KeyError | IndexError | AttributeError | TypeError):
        text = f"{type(error).__name__}: {text}"
    return re.sub(r"(?:[A-Za-z]:)?[\\/](?:[^\\/\s':]+[\\/])+", "", text)
