"""One run at a time in a folder: a lock that dies with its process.

The lock lies among the machine's temporary files, so that a folder holds nothing of it. Two
machines on one network drive do not see each other's.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pvplanner.errors import InputError

PATIENCE_S = 900.0
"""How long a run waits for another in its folder."""

_HELD: dict[tuple[str, int], int] = {}
"""Locks that a thread of this process holds, and how often: a run's own steps do not wait."""


@contextmanager
def holding(
    folder: str | os.PathLike[str],
    *,
    waiting: Callable[[str], None] | None = None,
    patience: float = PATIENCE_S,
) -> Iterator[None]:
    """Hold a folder while a run writes into it, or an interrupted one is finished.

    Parameters
    ----------
    folder : path-like
        It need not exist.
    waiting : callable, optional
        Told once who is waited for.
    patience : float
        Seconds.

    Raises
    ------
    InputError
        If another process still holds it then.
    """
    key = str(Path(folder).resolve())
    mine = (key, threading.get_ident())
    if _HELD.get(mine):
        _HELD[mine] += 1
        try:
            yield
        finally:
            _HELD[mine] -= 1
        return
    place = _place(key)
    if place is None:
        yield
        return
    lock = _taken(place, key, waiting, patience)
    _HELD[mine] = 1
    try:
        with suppress(OSError):
            _who(place).write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        del _HELD[mine]
        with suppress(OSError):
            _who(place).unlink()
        lock.release()


def _taken(place: Path, key: str, waiting: Callable[[str], None] | None, patience: float) -> Any:
    from filelock import FileLock, Timeout

    lock = FileLock(place, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting is not None:
            waiting(holder(place))
        try:
            lock.acquire(timeout=patience, poll_interval=0.1)
        except Timeout:
            raise InputError("folder_busy", where=key, process=holder(place)) from None
    except (OSError, NotImplementedError):
        # A drive without locks: runs are told apart by their process alone.
        return _Lock()
    return lock


class _Lock:
    """No lock where none can be had."""

    def release(self) -> None:
        """Nothing to give back."""


def holder(place: Path) -> str:
    """Number of the process that holds a lock; ``?`` if it does not say."""
    try:
        return _who(place).read_text(encoding="ascii").strip() or "?"
    except (OSError, UnicodeDecodeError):
        return "?"


def _who(place: Path) -> Path:
    return place.with_suffix(".pid")


def _place(key: str) -> Path | None:
    """The lock's file; ``None`` where the machine has no place for temporary files."""
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    try:
        home = Path(tempfile.gettempdir()) / f"pvplanner-locks-{user}"
        home.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return home / f"{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.lock"
