"""Forked workers: what they see, how they end, and what happens when their server dies; with real processes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.processes import fork_server, memory_layout
from bench.processes.fork_server import OWN_MEMORY, Forked, ForkServer

CORES = sorted(os.sched_getaffinity(0))
PATIENCE = 60.0

# A module that is not installed, in a folder of its own: it tells what it finds, or does what it is told.
MODULE = """
import gc, json, mmap, os, sys, time
answers, what = int(sys.argv[1]), sys.argv[2]
if what == "wait":
    os.write(answers, b"here")
    time.sleep(600)
if what == "fail":
    raise ValueError("as it was told")
frozen = gc.get_freeze_count()
gc.unfreeze()
gc.collect()
found = {
    "frozen": frozen, "tracked": len(gc.get_objects()),
    "kept": any(isinstance(first, mmap.mmap) for each in gc.get_objects() if type(each) is list for first in each[:1]),
    "file": __file__, "folder": os.getcwd(), "first": sys.path[0], "group": os.getpgid(0), "pid": os.getpid(),
    "variable": os.environ.get("LOOPRACE_TEST"), "torch": "torch" in sys.modules, "main": sys.modules["__main__"].__spec__.name,
    "loaded": sorted(name for name in sys.modules if name.partition(".")[0] in ("bench", "impls")),
    "libraries": next(line for line in open("/proc/self/maps") if "libtorch_cpu" in line).partition("-")[0],
    "shared": sum(int(line.split()[1]) for line in open("/proc/self/smaps") if line.startswith("Shared_Dirty")),
    "files": sorted(os.readlink(f"/proc/self/fd/{number}").partition(":")[0] for number in (1, 2)),
}
if what == "lie":
    from bench.processes import memory_layout as layout
    import ctypes
    layout.take(os.environ)
    layout.level(os.environ)
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    found = {"heap": libc.malloc(400_000), "object": id(bytes(100))}
os.write(answers, json.dumps(found).encode())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """A live server."""
    made = started(tmp_path_factory.mktemp("server") / "log", seed=1)
    yield made
    made.close()


def started(log: Path, seed: int) -> ForkServer:
    """A server with the memory layout of that seed."""
    with memory_layout.fixed_addresses():
        variables = memory_layout.random_layout(random.Random(seed)) | {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        return ForkServer(sys.executable, variables=variables, cores=CORES, log=log, patience=PATIENCE)


def forked(
    server: ForkServer, folder: Path, what: str, variables: dict[str, str] | None = None, path: tuple[Path, ...] = ()
) -> tuple[Forked, int]:
    """A process of that module, and the descriptor it answers through."""
    (folder / "told.py").write_text(MODULE)
    answers, theirs = os.pipe()
    with (folder / "log").open("ab") as log:
        worker = server.fork(
            "told", [what], folder=folder, path=path, variables=variables or {}, log=log.fileno(), descriptors=[theirs]
        )
    os.close(theirs)
    return worker, answers


def seen(server: ForkServer, folder: Path, what: str = "tell", **others: object) -> dict[str, object]:
    """What such a process sees."""
    worker, answers = forked(server, folder, what, **others)  # type: ignore[arg-type]
    with os.fdopen(answers) as file:
        report: dict[str, object] = json.loads(file.read())
    assert worker.wait() == 1  # it came to its end without saying so: a worker never does
    return report


def test_a_forked_worker_finds_what_one_started_there_would(server: ForkServer, tmp_path: Path) -> None:
    """Its own folder, environment, output and module; torch is loaded already, and nothing of either side."""
    report = seen(server, tmp_path, variables={"LOOPRACE_TEST": "its own"})
    assert report["file"] == str(tmp_path / "told.py")
    assert report["folder"] == report["first"] == str(tmp_path)
    assert report["variable"] == "its own"
    assert report["files"] == [str(tmp_path / "log")] * 2
    assert report["main"] == "told"
    assert report["torch"] is True
    assert report["loaded"] == []


def test_the_folders_it_is_given_come_before_all_others(server: ForkServer, tmp_path: Path) -> None:
    """As with PYTHONPATH, each side imports its own files."""
    side = tmp_path / "side"
    side.mkdir()
    (side / "told.py").write_text(MODULE)
    assert seen(server, tmp_path, path=(side,))["file"] == str(side / "told.py")


def test_it_leads_a_process_group_and_is_no_child_of_the_one_before(server: ForkServer, tmp_path: Path) -> None:
    """So whatever it starts can be killed with it, and it inherits nothing of another worker."""
    one, other = seen(server, tmp_path, variables={"LOOPRACE_TEST": "one"}), seen(server, tmp_path)
    assert one["group"] == one["pid"] != other["pid"]
    assert other["variable"] is None


@pytest.mark.usefixtures("can_hold")
def test_a_server_with_another_draw_has_its_libraries_elsewhere(server: ForkServer, tmp_path: Path) -> None:
    """So the addresses of libraries are not the same in all rounds."""
    places = []
    for live in (server, started(tmp_path / "again", seed=1), started(tmp_path / "other", seed=2)):
        places.append(seen(live, tmp_path)["libraries"])
        if live is not server:
            live.close()
    assert places[0] == places[1] != places[2]


def test_a_workers_collector_does_not_go_through_what_its_server_loaded(server: ForkServer, tmp_path: Path) -> None:
    """It would copy each of those pages, in some rounds in the middle of a block."""
    report = seen(server, tmp_path)
    assert isinstance(report["frozen"], int)
    assert isinstance(report["tracked"], int)
    assert report["frozen"] > 0.9 * report["tracked"]


def test_a_worker_can_have_all_memory_for_itself_from_the_start(server: ForkServer, tmp_path: Path) -> None:
    """Else it is scattered: each page is copied when it is first written, to wherever one is free then."""
    alone = seen(server, tmp_path, variables={OWN_MEMORY: "1"})["shared"]
    together = seen(server, tmp_path)["shared"]
    assert isinstance(alone, int)
    assert isinstance(together, int)
    assert 10 * alone < together  # KiB; libraries have written some of what they then made read-only


def test_a_server_keeps_the_place_that_was_drawn_for_it(server: ForkServer, tmp_path: Path) -> None:
    """The memory that moves it there is not freed while torch is loaded."""
    assert seen(server, tmp_path)["kept"] is True


@pytest.mark.usefixtures("can_hold")
def test_one_draw_puts_workers_in_one_place_and_another_elsewhere(server: ForkServer, tmp_path: Path) -> None:
    """Both sides of a round have one memory layout, and each round of a server another."""
    # Nobody else writes into these folders: how many names they have, which an import keeps, moves small objects by a pool.
    (tmp_path / "__pycache__").mkdir()
    shutil.copytree(Path(memory_layout.__file__).parents[1], tmp_path / "instrument" / "bench")
    path = (tmp_path / "instrument", tmp_path)
    first, again, another = (
        seen(server, tmp_path, "lie", variables=memory_layout.random_layout(random.Random(seed)), path=path)
        for seed in (5, 5, 6)
    )
    assert first == again
    assert first["heap"] != another["heap"]
    assert first["object"] != another["object"]


def test_a_worker_that_fails_says_why_in_its_log(server: ForkServer, tmp_path: Path) -> None:
    """And the server goes on."""
    worker, answers = forked(server, tmp_path, "fail")
    os.close(answers)
    assert worker.wait() == 1
    assert "ValueError: as it was told" in (tmp_path / "log").read_text()
    assert server.alive


def test_a_worker_that_is_killed_says_by_what(server: ForkServer, tmp_path: Path) -> None:
    """As `subprocess` reports it, and the same when asked twice."""
    worker, answers = forked(server, tmp_path, "wait")
    assert os.read(answers, 4) == b"here"
    os.killpg(worker.pid, signal.SIGKILL)
    os.close(answers)
    assert [worker.wait(), worker.wait()] == [-signal.SIGKILL] * 2


def test_a_server_that_is_killed_is_missed_at_once(tmp_path: Path) -> None:
    """Waiting for its worker ends, and asking it for another raises an error."""
    server = started(tmp_path / "server", seed=2)
    worker, answers = forked(server, tmp_path, "wait")
    assert os.read(answers, 4) == b"here"
    pid = psutil.Process(worker.pid).ppid()
    os.kill(pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    until = time.monotonic() + PATIENCE
    while server.alive and time.monotonic() < until:
        time.sleep(0.01)
    assert not server.alive
    with pytest.raises(
        OSError, match=r"does not answer .*; .*server may say why\. Finished rounds are kept, and can be continued"
    ):
        server.fork("told", [], folder=tmp_path, path=(), variables={}, log=answers, descriptors=[])
    os.kill(worker.pid, signal.SIGKILL)  # a real worker asks the kernel for this by itself
    os.close(answers)
    server.close()


def test_a_server_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A main process that is killed leaves no server behind."""
    program = f"""
import sys, time
from pathlib import Path
from bench.processes.fork_server import ForkServer
server = ForkServer(sys.executable, variables={{}}, cores={CORES}, log=Path({str(tmp_path / "log")!r}), patience={PATIENCE})
print(server._process.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as conductor:
        assert conductor.stdout is not None
        server = psutil.Process(int(conductor.stdout.readline()))
        conductor.kill()
    server.wait(PATIENCE)
    assert not server.is_running()


def test_an_interpreter_that_cannot_load_torch_raises(tmp_path: Path) -> None:
    """What it printed is in the log."""
    bare = tmp_path / "bare"
    bare.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S -P {fork_server.__file__} $3 $4 $5\n")
    bare.chmod(0o755)
    server = ForkServer(str(bare), variables={}, cores=CORES, log=tmp_path / "log", patience=PATIENCE)
    with pytest.raises(ConnectionError):
        _ = server.threads
    server.close()
    assert "No module named 'torch'" in (tmp_path / "log").read_text()
