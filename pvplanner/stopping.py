"""Being asked to stop: Ctrl-C and SIGTERM become one exception that lets everything be tidied."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
PATIENCE_S = 20.0
"""What is not tidied by then is left to the next run."""


class Stopped(BaseException):
    """The user or the system asks for an end; no ``except Exception`` swallows it.

    Attributes
    ----------
    code : int
        Exit code: 128 and the signal's number.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Asked:
    """The first signal's exit code, once there was one."""

    code = 0


def listen() -> None:
    """Turn the signals that ask for an end into :class:`Stopped`, from now on."""
    for number in SIGNALS:
        # What is ignored (nohup) stays ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def check() -> None:
    """Stop here, if a signal came while nobody could be told."""
    if _Asked.code:
        raise Stopped(_Asked.code)


def asked() -> int:
    """Exit code of a signal that came; 0 if none did."""
    return _Asked.code


def _stop(number: int, frame: FrameType | None) -> None:
    if _Asked.code:
        # Tidying is under way: a second signal must not break it off half done.
        return
    _Asked.code = 128 + (number if number in (signal.SIGINT, signal.SIGTERM) else signal.SIGINT)
    timer = threading.Timer(PATIENCE_S, os._exit, [_Asked.code])
    timer.daemon = True
    timer.start()
    raise Stopped(_Asked.code)


def quiet_threads() -> None:
    """Errors of threads and of objects that die after an end is asked for say nothing."""

    def unraisable(told: Any) -> None:
        if not _Asked.code:
            sys.__unraisablehook__(told)

    def thread(told: Any) -> None:
        if not _Asked.code:
            threading.__excepthook__(told)

    sys.unraisablehook, threading.excepthook = unraisable, thread
