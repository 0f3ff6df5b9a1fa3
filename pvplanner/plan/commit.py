"""Files that are written whole or not at all, one or many together."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pvplanner.errors import LANGUAGES, ConfigError, InputError
from pvplanner.plan.locking import holding
from pvplanner.plan.store import process_runs, sync_folder, write_whole

_COMMITTED = ".pvplanner-commit"
_STAGING = ".pvplanner-staging-"


@contextmanager
def transaction(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """A staging folder whose files replace those of ``folder`` together, if nothing fails.

    The files are written beside; then the staging folder is renamed, which is the moment of
    commitment, and its files are moved in. If that is interrupted, the next look at the folder
    finishes it. Other files in the folder are left alone.
    """
    target = Path(folder)
    with holding(target):
        try:
            target.mkdir(parents=True, exist_ok=True)
            heal(target)
            prefix = f"{_STAGING}{os.getpid()}-"
            staging = Path(tempfile.mkdtemp(prefix=prefix, dir=target))
        except OSError as error:
            raise InputError("folder_unwritable", where=str(target), reason=str(error)) from None
        try:
            yield staging
            _settle(staging)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            with suppress(OSError):
                target.rmdir()
            raise
        os.replace(staging, target / _COMMITTED)
        sync_folder(target)
        finish_commit(target)


def _settle(staging: Path) -> None:
    """All bytes on the disk before anything is renamed: a lost current must not leave holes."""
    for path in sorted(staging.rglob("*")):
        if path.is_file():
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
    sync_folder(staging)


def heal(folder: Path) -> None:
    """Finish or clear what an earlier run left: a commit half done, a staging folder."""
    if not folder.is_dir():
        return
    left = [*folder.glob(f"{_STAGING}*")]
    if not left and not (folder / _COMMITTED).is_dir():
        return
    with holding(folder):
        finish_commit(folder)
        for staging in folder.glob(f"{_STAGING}*"):
            pid = staging.name.removeprefix(_STAGING).partition("-")[0]
            if not (pid.isdigit() and int(pid) != os.getpid() and process_runs(int(pid))):
                shutil.rmtree(staging, ignore_errors=True)


def finish_commit(folder: Path) -> None:
    """Move the files of an interrupted commit into place; nothing to do for a whole folder."""
    committed = folder / _COMMITTED
    if not committed.is_dir():
        return
    for file in sorted(path for path in committed.rglob("*") if path.is_file()):
        target = folder / file.relative_to(committed)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, target)
    sync_folder(folder)
    shutil.rmtree(committed)


def page_file(path: str | os.PathLike[str], language: str) -> Path:
    """The file of a page.

    Raises
    ------
    ConfigError
        If the language or suffix is unknown.
    """
    if language not in LANGUAGES:
        raise ConfigError("language_unknown", where="language", value=language)
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError("page_suffix", where=str(target), suffix=target.suffix, known=".html")
    return target


def write_beside(target: Path, text: str) -> Path:
    """Write a text file beside its place and rename it there: all of it or nothing."""
    return write_bytes_beside(target, text.encode("utf-8"))


def write_bytes_beside(target: Path, body: bytes) -> Path:
    """As :func:`write_beside`, for a file of any kind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, body)
    return target
