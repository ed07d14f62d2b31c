"""What the main process does with what workers send, and that nothing leaks where none can be started; without torch."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bench import clock
from bench.messages.commands import ArmWeights, BlockTimed, Finish, Finished, Reset, Step, TimeBlock
from bench.messages.protocol import Answer, encoded
from bench.processes import orphans, worker_process
from bench.processes.fork_server import ForkServer
from bench.processes.worker_process import ArmFault, Origin, Worker, allowed_cores
from bench.results.record import Arm
from bench.results.store import WriteError
from impls.contract.catalogue import workloads
from tests.conftest import ROOT

ARM = Arm(workload="linear/line", implementation="linear/x", setting=workloads()["linear/line"].setting())

Stand = Callable[[bytes], Worker]


def started(folder: Path, origin: Origin = worker_process.HERE, log: str = "log") -> Worker:
    """A worker of that origin."""
    return Worker(ARM, everywhere=allowed_cores(), variables={}, log=folder / log, limit=60.0, origin=origin)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    """A process that answers its first command with given bytes; it runs in a folder of its own."""
    monkeypatch.setattr(worker_process, "program_of", lambda _: "stand_in")
    (tmp_path / "stand_in.py").write_text(
        "import os, sys, time\n"
        "os.read(int(sys.argv[1]), 1 << 16)\n"
        "with open(int(sys.argv[2]), 'wb') as answers: answers.write(open('sent', 'rb').read())\n"
        "time.sleep(600)\n"
    )
    workers = list[Worker]()

    def stand(sent: bytes) -> Worker:
        (tmp_path / "sent").write_bytes(sent)
        workers.append(started(tmp_path, Origin(folder=tmp_path)))
        return workers[-1]

    yield stand
    for worker in workers:
        with suppress(OSError):  # a test has ended it before
            worker.__exit__()


def sent(*answers: Answer) -> bytes:
    """These answers, as a worker sends them."""
    return b"".join(map(encoded, answers))


def test_a_command_has_the_answer_that_its_class_says(stand_in: Stand) -> None:
    """Steps may come before the answer."""
    worker = stand_in(sent(Step(name="import"), BlockTimed(seconds=0.25)))
    assert worker.ask(TimeBlock(updates=3)) == BlockTimed(seconds=0.25)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"hello\n", "malformed"),
        (b'{"type":"Prepared"}\n', "missing required field"),
        (b'{"type":"Explode"}\n', "Explode"),
        (b"\xff\n", "sent something that is no answer, during a reset"),
        (sent(BlockTimed(seconds=1.0)), "BlockTimed instead of Done"),
    ],
)
def test_what_is_no_answer_is_the_arms_crash_in_a_sentence(stand_in: Stand, bad: bytes, reason: str) -> None:
    """An arm may write into any descriptor; that ends the arm and not the race."""
    with pytest.raises(ArmFault, match=reason) as caught:
        stand_in(bad).ask(Reset())
    assert caught.value.status == "crashed"
    assert "sent something that is no answer, during a reset" in caught.value.reason


def doing(folder: Path, code: str, limit: float = 60.0) -> Worker:
    """A worker that reads a command, and then does that with `answers`, the descriptor of its answers."""
    begin = "import os, sys, time\nos.read(int(sys.argv[1]), 1 << 16)\nanswers = int(sys.argv[2])\n"
    (folder / "plant.py").write_text(f"{begin}{code}\n")
    return Worker(
        ARM,
        everywhere=allowed_cores(),
        variables={},
        log=folder / "log",
        limit=limit,
        origin=Origin(folder=folder),
        program="plant",
    )


CLOSES_ITS_PIPE = "os.close(answers); time.sleep(600)"
NAMES_STEPS = """
while True:
    os.write(answers, b'{"type":"Step","name":"x"}\\n')
    time.sleep(0.1)
"""
PRINTS = "while True: print('x' * (1 << 20), flush=True)"


@pytest.mark.parametrize(
    ("code", "limit", "reason"),
    [
        (CLOSES_ITS_PIPE, 60.0, "closed the pipe that it answers through, and went on"),
        (NAMES_STEPS, 0.5, "x took longer than 0.5 s"),
        (PRINTS, 60.0, "printed more than 64 MiB"),
    ],
)
def test_an_arm_that_would_go_on_for_ever_is_cut_off(code: str, limit: float, reason: str, tmp_path: Path) -> None:
    """It closes its pipe and lives, names steps without end, or prints without end."""
    with doing(tmp_path, code, limit) as worker, pytest.raises(ArmFault, match=reason):
        worker.ask(Reset())
    assert orphans.is_over(worker.pid)


LEAVES_PROCESSES = """
import subprocess
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        os.fork()
        time.sleep(600)
subprocess.Popen(["sleep", "600"], start_new_session=True)
time.sleep(0.2)
os._exit(3)
"""
ADOPTS = """
import subprocess, sys
from pathlib import Path
from bench.messages.commands import Reset
from bench.processes import orphans
from bench.processes.worker_process import ArmFault
from tests.bench.processes.test_worker_process import LEAVES_PROCESSES, doing
orphans.adopt()
other = subprocess.Popen(["sleep", "600"])
with doing(Path(sys.argv[1]), LEAVES_PROCESSES) as worker:
    try:
        worker.ask(Reset())
    except ArmFault as fault:
        print(fault)
print(len(orphans.children()), orphans.end_all(), other.poll())
other.kill()
"""


def test_after_the_end_of_a_run_no_step_gets_its_whole_limit(
    tmp_path: Path, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the budget and one limit more are over, what still does not answer is cut off soon, and told why."""
    monkeypatch.setattr(worker_process, "LEAST", 0.2)
    (tmp_path / "stand_in.py").write_text("import time\ntime.sleep(600)\n")
    worker = stand_in(b"")
    monkeypatch.setattr(worker, "_until", clock.now())
    with pytest.raises(ArmFault, match="longer than the time that was left, after --budget and once --limit"):
        worker.ask(Reset())


def test_an_arm_that_takes_more_memory_than_was_free_is_ended_alone(
    tmp_path: Path, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is its own row, before the kernel ends whatever it likes."""
    (tmp_path / "stand_in.py").write_text("import time\nheld = bytearray(300 << 20)\ntime.sleep(600)\n")
    worker = stand_in(b"")
    monkeypatch.setattr(worker, "_memory", 200 << 20)
    with pytest.raises(ArmFault, match=r"held 0\.3 GB of memory during a reset, more than was free") as fault:
        worker.ask(Reset())
    assert fault.value.status == "out_of_memory"


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files with room for 32 MiB."""
    (place := tmp_path / "small").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_an_arm_that_fills_the_temporary_folder_is_ended_and_its_files_go(
    tmp_path: Path, small_disk: Path, stand_in: Stand
) -> None:
    """Each arm has a folder of its own there; what it put there is gone with it, so that others can write."""
    (tmp_path / "stand_in.py").write_text(
        "import os, pathlib, time\n"
        "pathlib.Path(os.environ['TMPDIR'], 'large').write_bytes(bytes(20 << 20))\n"
        "time.sleep(600)\n"
    )
    worker = stand_in(b"")
    with pytest.raises(ArmFault, match=r"put 0\.021 GB into the folder for temporary files during a reset") as fault:
        worker.ask(Reset())
    assert fault.value.status == "crashed"
    worker.__exit__()
    assert [] == list(small_disk.iterdir())


def test_what_an_arm_leaves_behind_in_a_session_of_its_own_is_ended(tmp_path: Path) -> None:
    """The main process becomes its parent, and ends it with the arm; its own other children live on."""
    done = subprocess.run(
        [sys.executable, "-c", ADOPTS, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["its process exited with status 3 during a reset", "1 0 None"]


def test_a_long_answer_is_joined_once(stand_in: Stand) -> None:
    """Two million weights arrive in hundreds of reads; joining after each of them would copy gigabytes."""
    numbers = [0.123456789] * 2_000_000
    weights = ArmWeights(when="blocks", updates=1, weights={"w": numbers}, devices=("cpu",), dtypes=("float32",))
    worker = stand_in(sent(Finished(weights=weights)))
    begin = clock.worked()
    assert worker.ask(Finish(updates=1)).weights == weights
    assert clock.worked() - begin < 2.0  # joining after each read takes 3 s, this a third of one


@contextmanager
def no_descriptor_is_left() -> Iterator[None]:
    """As many descriptors are open afterwards as before."""
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - the names are numbers
    yield
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


def test_a_worker_that_cannot_be_started_leaves_no_pipe(tmp_path: Path) -> None:
    """Neither without an interpreter, nor with a log that cannot be written."""
    (tmp_path / "file").touch()
    with no_descriptor_is_left(), pytest.raises(OSError, match="no-python"):
        started(tmp_path, Origin(python=str(tmp_path / "no-python"), folder=tmp_path))
    with no_descriptor_is_left(), pytest.raises(WriteError):
        started(tmp_path, log="file/log")


def test_a_fork_server_that_cannot_be_started_leaves_no_socket(tmp_path: Path) -> None:
    """Neither without an interpreter, nor with a log that cannot be written."""
    for python, log in (("/no-python", tmp_path / "log"), (sys.executable, tmp_path / "no" / "log")):
        with no_descriptor_is_left(), pytest.raises(OSError, match="no"):
            ForkServer(python, variables={}, cores=allowed_cores(), log=log, patience=1.0)
