"""Units on this machine's cores or on a cluster: each writes its own files, only a word comes back.

Processes without Dask by default. A worker that dies (killed, out of memory) takes one unit with
it, which is tried again; a full disk ends the run; whatever else a unit raises is its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pvplanner import stopping
from pvplanner.errors import ConfigError, InputError, PVPlannerError, message
from pvplanner.region.config import Region, read_region
from pvplanner.region.folder import Folder, Keys, is_full, open_hashes
from pvplanner.region.unit import Lights, run_unit
from pvplanner.region.units import Survey, Unit, from_json

TRIES = 2
"""A unit that fails is tried again, and then set aside."""

LIGHTS = Lights()
"""Skies of this process; what a unit gives hangs on none of them."""


@dataclass(frozen=True)
class Task:
    """What a worker is told: small, and the same on every machine that sees the folder.

    Attributes
    ----------
    region, place : str
        The region's file, and the folder of the run.
    number : int
        Of the unit.
    mosaics : tuple of pairs
        One raster for each kind.
    """

    region: str
    place: str
    number: int
    mosaics: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Word:
    """What comes back of a unit.

    Attributes
    ----------
    number : int
    ok, full : bool
        Whether it is done; whether the disk is full.
    why : dict or None
        The error, ready to be kept.
    """

    number: int
    ok: bool
    full: bool = False
    why: dict[str, Any] | None = None


def do_task(task: Task) -> Word:
    """Run one unit and keep what it gives."""
    try:
        region, survey, keys = _opened(task.region, task.place, _when(task))
        folder = Folder(Path(task.place))
        unit = survey.units[task.number]
        wanted = keys.of(unit)
        known = folder.done(unit)
        # Scenarios that have not changed stay as they are.
        names = [name for name, key in wanted.items() if known.get(name) != key]
        if not names:
            # A worker of a run that was killed has ended it meanwhile.
            return Word(task.number, True)
        made = run_unit(
            region, unit, survey.units, inputs=keys.inputs(unit), lights=LIGHTS,
            mosaics=dict(task.mosaics), names=names,
        )  # fmt: skip
        kept = [name for name in wanted if name not in names]
        folder.keep(unit, folder.joined(unit, made, kept, list(wanted)), wanted)
    except PVPlannerError as error:
        return Word(task.number, False, why=_plain(error))
    except MemoryError:
        return Word(task.number, False, why=_plain(InputError("region_memory", where="")))
    except Exception as error:
        if is_full(error):
            return Word(task.number, False, full=True)
        told = f"{type(error).__name__}: {error}"
        why = _plain(InputError("region_bug", where="", reason=told))
        return Word(task.number, False, why=why | {"trace": traceback.format_exc()})
    return Word(task.number, True)


def _plain(error: PVPlannerError) -> dict[str, Any]:
    return {"code": error.code, "where": error.where,
            "params": {k: str(v) for k, v in error.params.items()}}  # fmt: skip


def _when(task: Task) -> tuple[int, int]:
    files = Path(task.region), Path(task.place) / "survey.json"
    return tuple(f.stat().st_mtime_ns for f in files)  # type: ignore[return-value]


@lru_cache(maxsize=2)
def _opened(region: str, place: str, when: tuple[int, int]) -> tuple[Region, Survey, Keys]:
    told = json.loads((Path(place) / "survey.json").read_text(encoding="utf-8"))
    read, survey = read_region(region), from_json(told)
    return read, survey, Keys(read, survey, open_hashes(Path(place)))


def usual_workers() -> int:
    """Processes that this machine has cores for."""
    can = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, can)


def in_turn(tasks: Sequence[Task]) -> Iterator[Word]:
    """One after the other in this process."""
    for task in tasks:
        word = do_task(task)
        for _ in range(TRIES - 1):
            if word.ok or word.full:
                break
            word = do_task(task)
        yield word


class Crew:
    """Processes of this machine; each is a Python of its own that is told tasks line by line.

    Nothing of the caller's script is run again. They may start before there is work: what they
    import takes seconds.
    """

    def __init__(self) -> None:
        self.heard: queue.SimpleQueue[tuple[_Worker, str]] = queue.SimpleQueue()
        self.members: list[_Worker] = []

    def start(self, count: int) -> None:
        """Let there be so many."""
        while len(self.members) < count:
            self.members.append(_Worker(self.heard))

    def replace(self, worker: _Worker) -> None:
        """Another in place of one that died."""
        worker.end()
        self.members[self.members.index(worker)] = _Worker(self.heard)

    def close(self) -> None:
        """Let all go."""
        for worker in self.members:
            worker.end()
        self.members.clear()


def in_processes(tasks: Sequence[Task], count: int, crew: Crew | None = None) -> Iterator[Word]:
    """On ``count`` processes of this machine; one that dies is replaced."""
    left, tries = deque(tasks), dict.fromkeys((t.number for t in tasks), 0)
    crew = crew or Crew()
    try:
        crew.start(min(count, len(tasks)))
        while left or any(w.task for w in crew.members):
            for worker in crew.members:
                if worker.task is None and left:
                    worker.give(left.popleft())
            worker, line = _next(crew.heard)
            task, worker.task = worker.task, None
            if not line:
                crew.replace(worker)
                if task is None:
                    continue
                word = Word(task.number, False, why=_died(worker))
            else:
                word = Word(**json.loads(line))
            assert task is not None
            tries[word.number] += 1
            if not word.ok and not word.full and tries[word.number] < TRIES:
                left.append(task)
                continue
            yield word
    finally:
        crew.close()


def _next(heard: queue.SimpleQueue[tuple[_Worker, str]]) -> tuple[_Worker, str]:
    """The next word of anybody; signals are heard meanwhile."""
    while True:
        with contextlib.suppress(queue.Empty):
            return heard.get(timeout=1)
        stopping.check()


def _died(worker: _Worker) -> dict[str, Any]:
    return _plain(InputError("region_worker_died", where="", status=str(worker.process.returncode)))


class _Worker:
    """A process, and a thread that listens to it."""

    def __init__(self, heard: queue.SimpleQueue[tuple[_Worker, str]]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pvplanner.region.worker", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, **dict.fromkeys(_THREADS, "1"), **_ALONE},
        )  # fmt: skip
        self.task: Task | None = None
        self.asked = False
        self._thread = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._thread.start()

    def _listen(self, heard: queue.SimpleQueue[tuple[_Worker, str]]) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in self.process.stdout:
                heard.put((self, line))
        heard.put((self, ""))

    def give(self, task: Task) -> None:
        """Set it to work."""
        self.task, self.asked = task, True
        assert self.process.stdin is not None
        # A dead one is noticed by the thread that listens.
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(vars(task), ensure_ascii=False) + "\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Let it go."""
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.close()  # type: ignore[union-attr]
        if self.task is not None or not self.asked:
            self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._thread.join(timeout=5)
        with contextlib.suppress(OSError, ValueError):
            self.process.stdout.close()  # type: ignore[union-attr]


_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""A process has one thread: there is one for every core."""

_ALONE = {"PYTHONUTF8": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Text is UTF-8 everywhere; memory that a unit no longer needs goes back to the machine."""


def serve(run: int) -> None:
    """A worker's life: a task, a word, until nobody asks any more or the run is gone.

    Parameters
    ----------
    run : int
        Number of the process that asks: it may be gone before this one has begun.
    """
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(run,), daemon=True).start()
    # What a library prints, also below Python, must not be taken for a word.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    # Warnings of one unit, written by several processes at once, help nobody.
    warnings.simplefilter("ignore")
    # What a unit makes goes by itself as it ends; looking through it for rings costs a tenth.
    gc.set_threshold(100_000, 50, 100)
    for line in sys.stdin:
        read = json.loads(line)
        mosaics = tuple((str(k), str(v)) for k, v in read["mosaics"])
        word = do_task(Task(read["region"], read["place"], read["number"], mosaics))
        told.write(json.dumps(vars(word), ensure_ascii=False) + "\n")
        told.flush()


def _watch(parent: int) -> None:
    """End with the run: a worker whose run was killed must not go on writing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def on_cluster(
    tasks: Sequence[Task], scheduler: Any, said: Callable[[str], None]
) -> Iterator[Word]:
    """On the workers of a Dask scheduler that see the same folders.

    Parameters
    ----------
    scheduler : str, Client or cluster
    said : callable
        Told the address of the dashboard.

    Raises
    ------
    ConfigError
        If Dask is not installed.
    InputError
        If the scheduler can't be reached, or is lost.
    """
    try:
        from dask.distributed import Client
    except ImportError:
        raise ConfigError("region_no_dask", where="--scheduler") from None
    own = not isinstance(scheduler, Client)
    try:
        client = Client(scheduler, timeout="20s") if own else scheduler
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError("scheduler_lost", where=str(scheduler), reason=str(error)) from None
    try:
        if client.dashboard_link:
            said(client.dashboard_link)
        yield from _gathered(client, tasks, str(scheduler))
    finally:
        if own:
            with contextlib.suppress(Exception):
                client.close(timeout=2)


def _gathered(client: Any, tasks: Sequence[Task], where: str) -> Iterator[Word]:
    from dask.distributed import wait as wait_for

    left, tries = deque(tasks), dict.fromkeys((t.number for t in tasks), 0)
    running: dict[Any, Task] = {}
    while left or running:
        while left and len(running) < 10_000:
            task = left.popleft()
            made = client.submit(do_task, task, pure=False, retries=0)
            running[made] = task
        try:
            done = wait_for(list(running), timeout=5, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            done = set()
        except Exception as error:
            raise InputError("scheduler_lost", where=where, reason=str(error)) from None
        if client.status not in ("running", "connecting") or any(
            f.status in ("cancelled", "lost") for f in running
        ):
            raise InputError("scheduler_lost", where=where, reason=str(client.status))
        for future in done:
            task = running.pop(future)
            try:
                word = future.result()
            except Exception as error:
                told = f"{type(error).__name__}: {error}"
                word = Word(task.number, False, why=_plain(
                    InputError("region_bug", where="", reason=told)))  # fmt: skip
            tries[task.number] += 1
            if not word.ok and not word.full and tries[task.number] < TRIES:
                left.append(task)
                continue
            yield word


def why_text(why: dict[str, Any], language: str) -> str:
    """A unit's error in words."""
    if why.get("code") is None:
        return message("region_bug", language, reason="?")
    return InputError(why["code"], where=why["where"], **why["params"]).text(language)


def units_of(survey: Survey, shard: tuple[int, int] | None) -> list[Unit]:
    """The units of a shard: every n-th, so that large and small ones are spread."""
    if shard is None:
        return survey.units
    part, count = shard
    return [unit for unit in survey.units if unit.number % count == part - 1]
