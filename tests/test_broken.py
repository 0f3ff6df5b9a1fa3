"""Runs that break: asked to stop, out of disk, two at once. Nothing is lost or left behind."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROOT
from test_stages import contents
from villages import box, frame, write_village

import pvplanner as pvp
from pvplanner.plan.commit import transaction
from pvplanner.plan.locking import holder, holding

CHANGE = ("--set", "finance.capex_per_w=3.4", "--set", "module.gap_m=0.03")
LEFT = ("*.part", ".pvplanner-staging*", ".pvplanner-commit")


def command(*words, **options) -> subprocess.Popen:
    told = [sys.executable, "-m", "pvplanner", *map(str, words)]
    return subprocess.Popen(
        told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **options
    )


def ended(process: subprocess.Popen) -> tuple[int, str]:
    _, said = process.communicate(timeout=300)
    return process.returncode, said


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A scenario, a plan of it as it was, and one as it is to become."""
    folder = tmp_path_factory.mktemp("broken")
    village = frame([box(30 * n, 0, 12, 9) for n in range(3)])
    scenario = write_village(folder, village, 'province = "Zhejiang"\n')
    for name, words in (("old", ()), ("right", CHANGE)):
        code, said = ended(command("plan", scenario, "--out", folder / name, *words))
        assert code == 0, said
    return folder


def left_behind(out: Path) -> list[Path]:
    return [p for pattern in LEFT for p in out.rglob(pattern)]


def check_finished(place: Path, out: Path) -> None:
    """The next run into a folder ends as an undisturbed one."""
    code, said = ended(command("plan", place / "scenario.toml", "--out", out, *CHANGE))
    assert code == 0, said
    assert contents(out) == contents(place / "right")
    assert left_behind(out) == []


# --- asked to stop ------------------------------------------------------------------------------
ASKING = """
import os, signal, sys, threading
number, left = int(sys.argv[1]), int(sys.argv[2])
sys.argv = ["pvplanner", *sys.argv[3:]]
from pvplanner.plan import runner
make, replace = runner.Run._make, os.replace
def count():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), number)
def asking(self, name):
    count()
    make(self, name)
def moving(*words, **more):
    count()
    return replace(*words, **more)
runner.Run._make, os.replace = asking, moving
from pvplanner.start import main
main()
"""


def check_stopped(place: Path, out: Path, number: int, at: int) -> None:
    """Ask a run to stop at its n-th step."""
    before = contents(out) if out.is_dir() else {}
    words = [sys.executable, "-c", ASKING, str(int(number)), str(at), "plan",
             str(place / "scenario.toml"), "--out", str(out), *CHANGE]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 128 + number, done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert "stopped as asked" in done.stderr
    after = contents(out) if out.is_dir() else {}
    committed = any(name.startswith(".pvplanner-commit") for name in after)
    assert committed or after in (before, contents(place / "right"))
    assert not [p for p in left_behind(out) if ".pvplanner-commit" not in str(p)]
    check_finished(place, out)


@pytest.mark.parametrize(
    ("number", "at"),
    [(signal.SIGTERM, 40), pytest.param(signal.SIGINT, 120, marks=pytest.mark.long)],
)
def test_a_run_that_is_asked_to_stop_says_so(place, number, at):
    check_stopped(place, place / f"new{number}{at}", number, at)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", [1, 2, 5, 9, 15, 25, 35, 45, 55, 65])
def test_a_run_that_is_asked_to_stop_at_any_moment_says_so(place, number, at):
    out = place / f"any{number}{at}"
    shutil.copytree(place / "old", out)
    check_stopped(place, out, number, at)


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_in_the_first_second_too(place, number):
    """While everything large is still being imported."""
    process = command("plan", place / "scenario.toml", "--out", place / "first")
    time.sleep(0.5)
    process.send_signal(number)
    code, said = ended(process)
    assert code == 128 + number, said
    assert said.count("\n") == 1
    assert "Traceback" not in said


@pytest.mark.long
def test_what_is_ignored_stays_ignored(place):
    """As under nohup: a shell that ignores SIGINT for its background jobs."""
    out = place / "ignored"
    process = command(
        "plan", place / "scenario.toml", "--out", out, *CHANGE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 0
    assert contents(out) == contents(place / "right")


# --- a full disk --------------------------------------------------------------------------------
def check_full(place: Path, out: Path, most: int) -> None:
    """A run that may write no file larger than so."""
    shutil.copytree(place / "old", out)
    before = contents(out)
    process = command(
        "plan", place / "scenario.toml", "--out", out, *CHANGE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )  # fmt: skip
    code, said = ended(process)
    assert code == 2, said
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    assert contents(out) == before
    assert left_behind(out) == []
    check_finished(place, out)


@pytest.mark.parametrize("most", [70_000])
def test_a_full_disk_is_one_line_and_loses_nothing(place, most):
    check_full(place, place / f"full{most}", most)


@pytest.mark.long
@pytest.mark.parametrize(
    "most", [0, 500, 3_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000]
)  # fmt: skip
def test_nine_sizes_of_a_full_disk(place, most):
    check_full(place, place / f"nine{most}", most)


def test_a_geopackage_that_finds_no_room_is_no_bug(place, monkeypatch):
    import pyogrio
    from pyogrio.errors import DataSourceError

    def full(*words, **more):
        raise DataSourceError("database or disk is full")

    plan = pvp.Plan.load(place / "old")
    monkeypatch.setattr(pyogrio, "write_dataframe", full)
    with pytest.raises(pvp.InputError, match="disk is full") as found:
        plan.save(place / "gpkg")
    assert found.value.code == "folder_unwritable"
    assert not (place / "gpkg").exists()


# --- two at once --------------------------------------------------------------------------------
def check_race(place: Path, out: Path, count: int = 2) -> None:
    words = ("plan", place / "scenario.toml", "--out", out, *CHANGE)
    for code, said in [ended(p) for p in [command(*words) for _ in range(count)]]:
        assert code == 0, said
        assert "Traceback" not in said
    assert contents(out) == contents(place / "right")
    assert left_behind(out) == []


@pytest.mark.long
def test_two_runs_into_a_new_folder(place):
    check_race(place, place / "race")


@pytest.mark.long
def test_two_runs_into_an_old_folder(place):
    shutil.copytree(place / "old", place / "race-old")
    check_race(place, place / "race-old")


@pytest.mark.long
@pytest.mark.parametrize("number", range(200))
def test_200_races(place, number):
    out = place / f"race{number}"
    if number % 2:
        shutil.copytree(place / "old", out)
    check_race(place, out, 2 + number % 2)
    shutil.rmtree(out)


@pytest.mark.long
def test_a_plan_is_read_whole_while_another_run_replaces_it(place):
    """Whoever reads gets the old plan or the new one."""
    out = place / "read"
    shutil.copytree(place / "old", out)
    wanted = {pvp.Plan.load(place / name).summary()["capital"] for name in ("old", "right")}
    process = command("plan", place / "scenario.toml", "--out", out, *CHANGE)
    seen = set()
    while process.poll() is None:
        seen.add(pvp.Plan.load(out).summary()["capital"])
    assert ended(process)[0] == 0
    seen.add(pvp.Plan.load(out).summary()["capital"])
    assert seen <= wanted
    assert len(seen) == 2


def test_a_plan_that_changes_under_every_look_is_waited_for(place, monkeypatch):
    """Files of two runs make no plan: whoever reads waits for the other to end."""
    from pvplanner.plan import saved

    looks = iter(range(100))
    monkeypatch.setattr(saved, "_signature", lambda path: next(looks))
    held = []
    whole = saved._read_plan

    def read(path):
        with ThreadPoolExecutor(1) as other:
            held.append(other.submit(busy, path).result())
        return whole(path)

    def busy(path):
        try:
            with holding(path, patience=0.1):
                return False
        except pvp.InputError as error:
            return error.code == "folder_busy"

    monkeypatch.setattr(saved, "_read_plan", read)
    assert pvp.Plan.load(place / "old").summary()["capital"] > 0
    assert held == [False, False, False, True]


# --- the lock -----------------------------------------------------------------------------------
def test_a_lock_is_held_by_one_and_free_after(tmp_path):
    said: list[str] = []
    order: list[str] = []

    def second():
        with holding(tmp_path, waiting=said.append):
            order.append("second")

    with holding(tmp_path):
        with holding(tmp_path):
            pass
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.4)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert said == [str(os.getpid())]


def test_who_waits_too_long_is_told_who_is_there(tmp_path):
    with holding(tmp_path):
        found: list[BaseException] = []

        def late():
            try:
                with holding(tmp_path, patience=0.2):
                    pass
            except pvp.InputError as error:
                found.append(error)

        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
    assert [error.code for error in found] == ["folder_busy"]
    assert str(os.getpid()) in found[0].text("en")


def test_a_lock_dies_with_its_process(tmp_path):
    code = (f"import os\nfrom pvplanner.plan.locking import holding\nwith holding({str(tmp_path)!r}"
            "):\n    os._exit(9)")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    began = time.perf_counter()
    with holding(tmp_path, patience=5):
        pass
    assert time.perf_counter() - began < 4


def test_without_a_place_for_locks_runs_go_on(tmp_path, monkeypatch):
    def none():
        raise FileNotFoundError("no usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with holding(tmp_path):
        pass
    assert holder(tmp_path / "none.lock") == "?"


def test_folders_within_a_transaction(tmp_path):
    with transaction(tmp_path) as staging:
        (staging / "a" / "1").mkdir(parents=True)
        (staging / "a" / "1" / "b.txt").write_text("b", encoding="utf-8")
        (staging / "c.txt").write_text("c", encoding="utf-8")
    assert (tmp_path / "a" / "1" / "b.txt").read_text("utf-8") == "b"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "c.txt"]


# --- environments -------------------------------------------------------------------------------
@pytest.mark.parametrize("changes", [
    {"LC_ALL": "C", "LANG": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    *(pytest.param(told, marks=pytest.mark.long) for told in (
        {"PYTHONIOENCODING": "cp936"}, {"PYTHONIOENCODING": "ascii"},
        {"TMPDIR": "/nowhere", "TEMP": "/nowhere", "TMP": "/nowhere"},
        {"HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere"},
    )),
], ids=["C", "cp936", "ascii", "no TMPDIR", "no HOME"])  # fmt: skip
def test_odd_environments(place, tmp_path, changes):
    out = tmp_path / "村里 out"
    process = command("plan", place / "scenario.toml", "--out", out, "--language", "zh",
                      "--only", "tables", env={**os.environ, **changes})  # fmt: skip
    process.stdout.reconfigure(errors="replace")
    process.stderr.reconfigure(errors="replace")
    code, said = ended(process)
    assert code == 0, said
    assert (out / "summary.json").is_file()


def test_a_name_of_300_letters_is_one_line(place):
    for words in (("plan", place / "scenario.toml", "--out", "y" * 300),
                  ("check", "z" * 300 + ".gpkg")):  # fmt: skip
        code, said = ended(command(*words))
        assert code == 2, said
        assert said.count("\n") == 1


def test_a_forked_child_plans_too(place):
    """After its parent has reckoned with threads of its own."""
    code = (
        "import os, sys\nimport pvplanner as pvp\n"
        f"s = pvp.Scenario.from_toml({str(place / 'scenario.toml')!r})\n"
        "ours = pvp.plan_village(s).summary()['energy_kwh']\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    same = pvp.plan_village(s).summary()['energy_kwh'] == ours\n"
        "    os._exit(0 if same else 3)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_ids_steer_no_terminal(place, tmp_path):
    """Escape codes, right-to-left marks and line ends of a name stay out of what is said."""
    name = "a\u202eb\x1b[2Jc"
    toml = tmp_path / "scenario.toml"
    village = frame([box(30 * n, 0, 12, 9) for n in range(3)])
    write_village(tmp_path, village, "")
    text = toml.read_text("utf-8").replace('"test"', '"a\\u202Eb\\u001B[2Jc"')
    toml.write_text(text, encoding="utf-8")
    assert pvp.Scenario.from_toml(toml).name == "ab[2Jc"
    error = pvp.InputError("file_missing", where=name, x="\x9b31m\u2067\r\n")
    assert not set("\x1b\u202e\x9b\u2067\n\r") & set(error.text("en"))
