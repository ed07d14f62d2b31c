"""Starts workers, asks them, and kills those that take too long: the main process's half of `bench.worker.main`."""

import math
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import msgspec

from bench import clock
from bench.messages import commands
from bench.messages.commands import Step
from bench.messages.protocol import A, Answer, Command, Fault, encoded
from bench.processes import orphans, ranks, temporary
from bench.processes.arm_process import has_ranks, program_of
from bench.processes.fork_server import Forked, ForkServer
from bench.processes.temporary import Room
from bench.results.record import Arm, Status
from bench.results.store import writing

ROOT = Path(__file__).parents[2]
LEAST = 10.0  # seconds that a step may always take, even of a run whose time and one limit more are over
STEPS = 4  # limits that a command may take in all, however many steps it names
LAST_WORDS = 2.0  # seconds that a process may live on after it has closed its pipe
MOST_PRINTED = 1 << 26  # bytes that an arm may print in a round: its neighbours need the disk, too
A_LOOK = 0.25  # seconds between two looks at how much it has printed
LAST_BYTES = 1 << 14  # of a log, in which its last line is looked for


@dataclass(frozen=True)
class Origin:
    """An interpreter, and where a worker that it runs finds what it imports.

    python  path of the interpreter
    folder  the worker's working directory
    path    folders that come first when it imports; empty: the working directory and what is installed
    """

    python: str = sys.executable
    folder: Path = ROOT
    path: tuple[Path, ...] = ()

    @property
    def command(self) -> list[str]:
        """The beginning of a command line, up to `-m`. With a path of its own, it does not import from its folder, too."""
        return [self.python, *(["-P"] if self.path else [])]

    @property
    def variables(self) -> dict[str, str]:
        """The variables that it needs in its environment."""
        return {"PYTHONPATH": os.pathsep.join(map(str, self.path))} if self.path else {}


HERE = Origin()


class ArmFault(Exception):
    """An arm has ended; carries the status and the reason that its row shows."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def allowed_cores() -> list[int]:
    """The cores this process may use, in order."""
    return sorted(os.sched_getaffinity(0))


class Worker:
    """One live worker. `begin` sends a command and `answer` waits for its answer; `ask` does both. Every wait has an end.

    everywhere  the cores it may start on; `Prepare` tells it the cores of its race
    log         file that receives whatever the arm prints
    limit       seconds that any single step may take
    until       by the clock; after it a step may take LEAST only
    memory      bytes that it may hold; 0: as much as it gets
    origin      the interpreter and the code it runs
    program     the module that it runs, with the protocol of a worker; "": that of its arm
    server      what forks it, of the same interpreter; None: it starts from nothing

    Raises WriteError where the log cannot be written, and OSError where no process can be started.
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
        program: str = "",
        server: ForkServer | None = None,
        until: float = math.inf,
        memory: int = 0,
    ) -> None:
        self._memory, self._has_ranks = memory, has_ranks(arm)
        self.arm, self._log, self._limit, self._until = arm, log, limit, until
        self._step, self._deadline, self._end = "start", math.inf, math.inf
        self._answer: Answer | None = None
        self._unread: list[bytes] = []  # the parts of a line that has not ended
        program = program or program_of(arm)
        start = partial(_started, program) if server is None else partial(_forked, server, program)
        self._stack = ExitStack()
        with writing(Path(tempfile.gettempdir())):
            self._room = Room.of(self._stack.enter_context(temporary.folder()))
        variables = {**variables, "TMPDIR": str(self._room.path)}
        commands_out, self._commands = os.pipe()
        self._answers, answers_in = os.pipe()
        try:
            with writing(log):
                log.parent.mkdir(parents=True, exist_ok=True)
                sink = log.open("ab")
            with sink:
                self._process = start(
                    origin, ",".join(map(str, everywhere)), variables, sink.fileno(), (commands_out, answers_in)
                )
        except BaseException:
            self._close()
            raise
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

    def begin(self, command: Command[Any]) -> None:
        """Sends a command and returns at once."""
        now = clock.now()
        self._step, self._deadline, self._answer = command.words, now + self._allowed(now), None
        self._end = now + STEPS * self._allowed(now)
        try:
            os.write(self._commands, encoded(command))
        except BrokenPipeError:
            pass  # it died; `answer` finds out how

    def ask(self, command: Command[A]) -> A:
        """Sends a command and waits, blocked and idle, for its answer. Raises ArmFault when the arm ends instead."""
        self.begin(command)
        return self.answer(command.answer_type())

    def answer(self, kind: type[A]) -> A:
        """Waits for the answer to the command begun. Raises ArmFault when the arm ends, or a step takes too long."""
        while not self.arrived(math.inf):
            pass
        if not isinstance(self._answer, kind):
            raise self._nonsense(f"{type(self._answer).__name__} instead of {kind.__name__}")
        return self._answer

    def arrived(self, wait: float) -> bool:
        """Waits at most so many seconds; whether the answer is there for `answer` to take. Raises ArmFault as it does."""
        if self._answer is not None:
            return True
        left = self._deadline - clock.now()
        if left <= 0:
            where = ranks.whereabouts(self.pid, self._log) if self._has_ranks else ""
            self.kill()
            raise ArmFault("timeout", f"{self._step} took longer than {self._why()}{where and f'; {where}'}")
        if _size(self._log) > MOST_PRINTED:
            self.kill()
            raise ArmFault("crashed", f"it printed more than {MOST_PRINTED >> 20} MiB during {self._step}")
        if select.select([self._answers], [], [], min(wait, left, A_LOOK))[0]:
            received = os.read(self._answers, 1 << 16)
            if not received:
                raise self._death()
            self._unread.append(received)
            if b"\n" in received:  # joined once a line, not once a read: answers may be large
                *lines, rest = b"".join(self._unread).split(b"\n")
                self._unread = [rest]
                for line in lines:
                    self._take(line)
        elif orphans.is_over(self.pid) and not select.select([self._answers], [], [], 0)[0]:
            # whatever it has left behind may hold its pipe open
            raise self._death()
        else:
            self._check_greed()
        return self._answer is not None

    def _held(self) -> int:
        """Bytes that the worker holds, and its ranks where it has any."""
        return sum(map(ranks.resident_bytes, (self.pid, *(ranks.ranks_of(self.pid) if self._has_ranks else ()))))

    def _check_greed(self) -> None:
        """Raises ArmFault where the arm takes memory or room for temporary files that others need, too."""
        if self._memory and (held := self._held()) > self._memory:
            self.kill()  # before the kernel, short of memory, ends whatever it likes
            raise ArmFault(
                "out_of_memory", f"it held {held / 1e9:.1f} GB of memory during {self._step}, more than was free for it"
            )
        if filled := self._room.filled():
            self.kill()
            raise ArmFault(
                "crashed",
                f"it put {filled / 1e9:.2g} GB into the folder for temporary files during {self._step}, and left others little",
            )

    def _allowed(self, now: float) -> float:
        """Seconds that a step which begins now may take."""
        return min(self._limit, max(LEAST, self._until - now))

    def _why(self) -> str:
        """The time that was not enough, and what would give more."""
        if clock.now() < self._until:
            return f"{self._limit:g} s; --limit allows a step more time"
        return "the time that was left, after --budget and once --limit: give the run more of either"

    def _take(self, line: bytes) -> None:
        try:
            answer = commands.answer(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._nonsense(str(error)) from error
        match answer:
            case Step():
                self._step = _legible(answer.name)
                now = clock.now()
                self._deadline = min(now + self._allowed(now), self._end)
            case Fault():
                raise ArmFault(answer.status, _legible(answer.reason))
            case _:
                self._answer = answer

    def _nonsense(self, what: str) -> ArmFault:
        """The fault of a worker that writes into its pipe what is no answer, as an arm that guesses the descriptor may."""
        return ArmFault(
            "crashed", f"its process sent something that is no answer, during {self._step}: {_legible(what)}"
        )

    def _death(self) -> ArmFault:
        """How the process ended, in a sentence."""
        during = f"during {self._step}"
        until = clock.now() + min(self._limit, LAST_WORDS)
        while not orphans.is_over(self.pid):
            if clock.now() > until:
                self.kill()
                return ArmFault(
                    "crashed", f"its process closed the pipe that it answers through, and went on, {during}"
                )
            clock.pause(0.001)
        code = self._process.wait()
        if code < 0:
            name = signal.Signals(-code).name
            hint = "; the kernel does so when memory runs out" if name == "SIGKILL" else ""
            return ArmFault("crashed", f"killed by {name} {during}{hint}")
        return ArmFault("crashed", f"its process exited with status {code} {during}{self._last_words()}")

    def _last_words(self) -> str:
        """The last line that it printed, after a colon; "" where there is none."""
        with suppress(OSError), self._log.open("rb") as file:
            file.seek(max(0, _size(self._log) - LAST_BYTES))
            lines = file.read().decode("utf-8", errors="replace").strip().splitlines()
            return f": {_legible(lines[-1])[:300]}" if lines else ""
        return ""

    def stop(self) -> None:
        """Has the kernel end the worker, and does not wait until it has."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """Ends the worker and whatever it started, in sessions of their own, too."""
        self.stop()
        self._process.wait()
        orphans.end_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._close()

    def _close(self) -> None:
        self._stack.close()
        os.close(self._commands)
        os.close(self._answers)


def _started(
    program: str, origin: Origin, cores: str, variables: Mapping[str, str], sink: int, descriptors: tuple[int, int]
) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [*origin.command, "-m", program, *map(str, descriptors), cores],
        cwd=origin.folder,
        env=os.environ | origin.variables | dict(variables) | orphans.marked(),
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        pass_fds=descriptors,
        start_new_session=True,
    )
    orphans.count_as_ours(process.pid)
    return process


def _forked(
    server: ForkServer,
    program: str,
    origin: Origin,
    cores: str,
    variables: Mapping[str, str],
    sink: int,
    descriptors: tuple[int, int],
) -> Forked:
    inherited = [Path(each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    return server.fork(
        program,
        [cores],
        folder=origin.folder,
        path=origin.path or (origin.folder, *inherited),
        variables=origin.variables | dict(variables) | orphans.marked(),
        log=sink,
        descriptors=descriptors,
    )


def _size(log: Path) -> int:
    """Bytes of a log; none where an arm has removed it."""
    with suppress(OSError):
        return log.stat().st_size
    return 0


def _legible(text: str) -> str:
    """An arm's own text, cut to 2000 characters that any file can hold, and without folders of this machine."""
    return placeless(text.encode("utf-8", errors="replace").decode("utf-8"))[:2000]


def placeless(text: str) -> str:
    """The same text without the folders of this machine and its user: reports are published, and paths name people.

    A compiler that fails prints its whole command, with every folder that it was given.
    """
    places = {str(ROOT): ".", tempfile.gettempdir(): "<temporary>", str(Path.home()): "~"}
    if sys.prefix != sys.base_prefix:  # else it is where every system keeps it
        places[sys.prefix] = "<python>"
    places.pop("/", None)  # a home there has no name in it
    longest_first = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    return re.sub(rf"(?:{longest_first})(?![\w.-])", lambda match: places[match[0]], text)
