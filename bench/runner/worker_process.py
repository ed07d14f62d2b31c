"""Starts, asks, times out and kills workers. Apart because it is the conductor's half of `worker.py`'s conversation."""

import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from bench import clock
from bench.results.record import Arm, Status
from bench.results.store import writing
from bench.runner.fork_server import Forked, ForkServer

ROOT = Path(__file__).parents[2]
WORKER = "bench.worker.main"
_NONE = object()  # no answer yet; None is one


@dataclass(frozen=True)
class Origin:
    """Where a worker comes from: an interpreter, and where it finds what it imports.

    python  path of the interpreter
    folder  the worker's working directory
    path    folders that come first when it imports; none: the working directory and what is installed
    """

    python: str = sys.executable
    folder: Path = ROOT
    path: tuple[Path, ...] = ()

    @property
    def command(self) -> list[str]:
        """What starts a Python program there, up to `-m`. Of a given path, the working directory is no silent part."""
        return [self.python, *(["-P"] if self.path else [])]

    @property
    def variables(self) -> dict[str, str]:
        """What it needs in its environment."""
        return {"PYTHONPATH": os.pathsep.join(map(str, self.path))} if self.path else {}


HERE = Origin()


class ArmFault(Exception):
    """An arm ended; carries the status and the reason that its row shows."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def allowed_cores() -> list[int]:
    """The cores this process may use, in order."""
    return sorted(os.sched_getaffinity(0))


def variables_for(arm: Arm, cores: Sequence[int], cache: Path) -> dict[str, str]:
    """What is set in an arm's environment; recorded. Compile caches are the arm's own, so that none is warmed by another."""
    threads = str(arm.setting.threads)
    variables = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    variables |= {"NUMBA_NUM_THREADS": threads, "NPROC": threads}  # the latter is what XLA sizes its pool of threads by
    if arm.setting.threads > 1:
        variables |= {"OMP_PROC_BIND": "true", "OMP_PLACES": ",".join(f"{{{core}}}" for core in cores)}
    caches = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton", "NUMBA_CACHE_DIR": "numba"}
    variables |= {name: str(cache / folder) for name, folder in caches.items()}
    return variables | {"TORCHINDUCTOR_COMPILE_THREADS": "1"}


class Worker:
    """One live worker. `begin` a command, then `finish` it; `ask` does both. Every wait has an end.

    everywhere  the cores it may start on; `prepare` tells it the cores of its race
    log         file that receives whatever the arm prints
    limit       seconds that any single step may take
    origin      the interpreter and the code it runs in
    server      what forks it, of the same interpreter; None: it starts from nothing
    """

    def __init__(
        self,
        arm: Arm,
        *,
        everywhere: Sequence[int],
        variables: Mapping[str, str],
        log: Path,
        limit: float,
        origin: Origin = HERE,
        server: ForkServer | None = None,
    ) -> None:
        self.arm, self._log, self._limit = arm, log, limit
        self._step, self._rest, self._deadline = "start", b"", math.inf
        self._answer: Any = _NONE
        commands_out, self._commands = os.pipe()
        self._answers, answers_in = os.pipe()
        with writing(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            sink = log.open("ab")
        start = _started if server is None else partial(_forked, server)
        try:
            with sink:
                self._process = start(
                    origin, ",".join(map(str, everywhere)), variables, sink.fileno(), (commands_out, answers_in)
                )
        finally:
            os.close(commands_out)
            os.close(answers_in)

    @property
    def pid(self) -> int:
        """The worker's process, and its process group."""
        return self._process.pid

    def fileno(self) -> int:
        """The descriptor its answers come through, for select."""
        return self._answers

    def begin(self, do: str, **arguments: Any) -> None:
        """Sends a command and returns at once."""
        self._step, self._deadline, self._answer = "start" if do == "prepare" else do, clock.now() + self._limit, _NONE
        try:
            os.write(self._commands, json.dumps({"do": do, **arguments}).encode() + b"\n")
        except BrokenPipeError:
            pass  # it died; `finish` finds out how

    def ask(self, do: str, **arguments: Any) -> Any:
        """Sends a command and waits, blocked and idle, for its answer. Raises ArmFault when the arm ends instead."""
        self.begin(do, **arguments)
        return self.finish()

    def finish(self) -> Any:
        """Waits for the answer of the command begun. Raises ArmFault when the arm ends, or a step takes too long."""
        while not self.arrived(math.inf):
            pass
        return self._answer

    def arrived(self, wait: float) -> bool:
        """Waits at most so many seconds; whether the answer is there for `finish` to take. Raises ArmFault as it does."""
        if self._answer is not _NONE:
            return True
        left = self._deadline - clock.now()
        if left <= 0:
            self.kill()
            raise ArmFault(
                "timeout", f"{self._step} took longer than {self._limit:g} s; --limit allows a step more time"
            )
        if select.select([self._answers], [], [], min(wait, left))[0]:
            received = os.read(self._answers, 1 << 16)
            if not received:
                raise self._death()
            *lines, self._rest = (self._rest + received).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
        return self._answer is not _NONE

    def _take(self, message: dict[str, Any]) -> None:
        if "step" in message:
            self._step, self._deadline = message["step"], clock.now() + self._limit
        elif "fault" in message:
            raise ArmFault(message["fault"]["status"], _legible(message["fault"]["reason"]))
        else:
            self._answer = message["done"]

    def _death(self) -> ArmFault:
        """How the process ended, in a sentence."""
        code = self._process.wait()
        during = f"during {self._step}"
        if code < 0:
            name = signal.Signals(-code).name
            hint = "; the kernel does so when memory runs out" if name == "SIGKILL" else ""
            return ArmFault("crashed", f"killed by {name} {during}{hint}")
        tail = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        said = f": {_legible(tail[0])[:300]}" if tail else ""
        return ArmFault("crashed", f"its process exited with status {code} {during}{said}")

    def kill(self) -> None:
        """Ends the worker and whatever it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        os.close(self._commands)
        os.close(self._answers)


def _started(
    origin: Origin, cores: str, variables: Mapping[str, str], sink: int, descriptors: tuple[int, int]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*origin.command, "-m", WORKER, *map(str, descriptors), cores],
        cwd=origin.folder,
        env=os.environ | origin.variables | dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        pass_fds=descriptors,
        start_new_session=True,
    )


def _forked(
    server: ForkServer,
    origin: Origin,
    cores: str,
    variables: Mapping[str, str],
    sink: int,
    descriptors: tuple[int, int],
) -> Forked:
    return server.fork(
        WORKER,
        [cores],
        folder=origin.folder,
        path=origin.path,
        variables=origin.variables | dict(variables),
        log=sink,
        descriptors=descriptors,
    )


def _legible(text: str) -> str:
    """An arm's words in characters that every file takes, without places of this machine, and not more than anybody reads."""
    return placeless(text.encode("utf-8", errors="replace").decode("utf-8"))[:2000]


def placeless(text: str) -> str:
    """The same without the folders of this machine and of whoever uses it: reports are published, and paths name people.

    A compiler that fails tells its whole command, with every folder that it was given.
    """
    places = {str(ROOT): ".", tempfile.gettempdir(): "<temporary>", str(Path.home()): "~"}
    if sys.prefix != sys.base_prefix:  # else it is where every system keeps it
        places[sys.prefix] = "<python>"
    places.pop("/", None)  # somebody whose home that is has no name in it
    longest_first = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    return re.sub(rf"(?:{longest_first})(?![\w.-])", lambda found: places[found[0]], text)
