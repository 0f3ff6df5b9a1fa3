"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

TIMEOUT = 120


def run(*words, cwd=None, fresh=False, timeout=TIMEOUT, **environment):
    """The command, its exit code and what it said.

    A child of the tests' own process where the system has such: what takes seconds to import is
    there already. ``fresh``, or an environment of its own, starts a Python from nothing.
    """
    told = [str(word) for word in words]
    if fresh or environment or not hasattr(os, "fork"):
        env = {**os.environ, "PYTHONWARNINGS": "error", "LC_ALL": "C.UTF-8", **environment}
        return subprocess.run(
            [sys.executable, "-m", "pvplanner", *told], capture_output=True, text=True, cwd=cwd,
            env=env, timeout=timeout, encoding="utf-8",
        )  # fmt: skip
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _begin(told, cwd, out.fileno(), said.fileno())
        code = _ended(child, time.monotonic() + timeout)
        texts = []
        for file in (out, said):
            file.seek(0)
            texts.append(file.read().decode("utf-8").replace("\r\n", "\n"))
    return subprocess.CompletedProcess(["pvplanner", *told], code, *texts)


def _begin(words, cwd, out, said):
    """What the child does; it never comes back."""
    code = 70
    try:
        for source, target in ((out, 1), (said, 2)):
            os.dup2(source, target)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.FileIO(n, "w", closefd=False), encoding="utf-8",
                             line_buffering=True)
            for n in (1, 2)
        )  # fmt: skip
        os.environ["LC_ALL"] = "C.UTF-8"
        os.chdir(cwd or os.getcwd())
        sys.argv = ["pvplanner", *words]
        sys.warnoptions[:] = ["error"]
        warnings.resetwarnings()
        warnings.simplefilter("error")
        from pvplanner.start import main

        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ended(child, until):
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise subprocess.TimeoutExpired("pvplanner", TIMEOUT)
