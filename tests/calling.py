"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import atexit
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from functools import cache
from pathlib import Path

TIMEOUT = 120


def run(*words, cwd=None, fresh=False, timeout=TIMEOUT, **environment):
    """The command, its exit code and what it said.

    A child of a process that has imported and loaded everything, where the system has such.
    ``fresh``, or an environment of its own, starts a Python from nothing.
    """
    told = [str(word) for word in words]
    env = {**os.environ, "PYTHONWARNINGS": "error", "LC_ALL": "C.UTF-8", **environment}
    if fresh or environment or not hasattr(os, "fork"):
        return subprocess.run(
            [sys.executable, "-m", "pvplanner", *told], capture_output=True, text=True, cwd=cwd,
            env=env, timeout=timeout, encoding="utf-8",
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("out", "said")]
        asked = {"words": told, "cwd": str(cwd or os.getcwd()), "env": env, "timeout": timeout,
                 "files": [str(file) for file in files]}  # fmt: skip
        elder = _elder()
        elder.stdin.write(json.dumps(asked) + "\n")
        elder.stdin.flush()
        code = json.loads(elder.stdout.readline())
        texts = [file.read_text("utf-8") if file.exists() else "" for file in files]
    if code is None:
        raise subprocess.TimeoutExpired(told, timeout)
    return subprocess.CompletedProcess(["pvplanner", *told], code, *texts)


@cache
def _elder() -> subprocess.Popen:
    """The process whose children the commands are; one for all of a session's tests."""
    elder = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, encoding="utf-8")  # fmt: skip
    atexit.register(elder.kill)
    return elder


def serve():
    """The elder's life. It has planned a village, and used nothing that a child can't use again."""
    from pvplanner import warming

    asked, sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8"), sys.stderr
    warming._plan_unseen()
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            _begin(told)
        asked.write(json.dumps(_ended(child, time.monotonic() + told["timeout"])) + "\n")
        asked.flush()


def _begin(told):
    """What a child does; it never comes back."""
    code = 70
    try:
        os.environ.clear()
        os.environ.update(told["env"])
        os.chdir(told["cwd"])
        for name, target in zip(told["files"], (1, 2), strict=True):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), target)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.FileIO(n, "w", closefd=False), encoding="utf-8",
                             line_buffering=True)
            for n in (1, 2)
        )  # fmt: skip
        sys.argv = ["pvplanner", *told["words"]]
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
    """A child's exit code; ``None`` where it took too long."""
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    serve()
