"""Sessions of PyTorch's profiler over an arm's updates: made, kept, chosen, read, and written as a trace. Loads torch."""

import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor
from torch.autograd import profiler

from bench.messages.probes import Summary, Traced
from bench.worker import device
from bench.worker.profiler_events import WINDOW, fetches, notes, summary
from impls.contract.setting import Setting

PROFILED_SECONDS, FEWEST_PROFILED, MOST_SECONDS = 0.025, 20, 0.25  # of each session
MOST_UPDATES, MOST_EVENTS = 10_000_000, 4000
TRACED = 32  # updates in a Chrome trace, and at most half of MOST_EVENTS: as many as the largest CUDA graph holds

Item = TypeVar("Item")


@dataclass(frozen=True)
class ProfilerSession:
    """A finished session of PyTorch's profiler, not read yet: its number of updates, and the seconds of each of them."""

    session: profiler.profile
    updates: int
    seconds: float


@dataclass(frozen=True)
class Subject:
    """The arm that is probed, built and past its first updates.

    sessions  those that `record_session` has made. Only one of them is read, when the last is made: reading one takes
              several times as long as making it.
    """

    arm: Any  # an Implementation or a LiveStep
    setting: Setting
    stopwatch: device.Stopwatch
    sessions: list[ProfilerSession] = field(default_factory=list)

    def seconds(self, updates: int) -> float:
        """Time of the next updates, all work done."""
        return self.stopwatch.time(lambda: self.arm.advance(updates))[0]

    @property
    def weights(self) -> list[Tensor]:
        """What the arm trains."""
        return list(self.arm.parameters if self.setting.is_step else self.arm.weights().values())

    def restart(self) -> None:
        """To the same point each time: the first update after a reset may differ from all others."""
        self.arm.reset()
        self.arm.advance(1)


def record_session(subject: Subject, seconds: float) -> None:
    """Makes and keeps one session of PyTorch's profiler, over as many updates as those before it.

    As many updates again come first, without the profiler: after a restart, or after others used the core, an arm asks for
    its memory anew for some hundred updates, and each page of it costs as much as an operation.

    seconds  of an update with nothing attached
    """
    updates = subject.sessions[0].updates if subject.sessions else _fitting(subject, seconds, MOST_EVENTS)
    subject.arm.advance(updates)
    session, taken = session_of(subject, updates)
    subject.sessions.append(ProfilerSession(session, updates, taken / updates))


def summarise(subject: Subject) -> Summary:
    """What the profiler saw in the session of the lower quartile; forgets all of them."""
    chosen = undisturbed(subject.sessions, key=lambda session: session.seconds)
    subject.sessions.clear()
    return summary(chosen.session.function_events, chosen.updates, chosen.seconds, _fetches(subject))


def _fetches(subject: Subject) -> frozenset[tuple[str, ...]]:
    """How this arm fetches the rows of a batch, seen in a session of its own: to note shapes takes a tenth of the time."""
    if subject.setting.batch == "full":
        return frozenset()
    session, _ = session_of(subject, 2, before=subject.restart, shapes=True)
    return fetches(session.function_events, subject.setting.rows)


def trace(subject: Subject, seconds: float, target: str) -> Traced:
    """Writes a Chrome trace of a few updates to a file, or says why the disk does not let it.

    seconds  of an update with nothing attached
    """
    updates = min(TRACED, _fitting(subject, seconds, MOST_EVENTS // 2))
    try:
        _write_trace(session_of(subject, updates)[0], Path(target))
    except OSError as error:
        return Traced(missing=f"it could not be written: {error.strerror}")
    return Traced()


def _fitting(subject: Subject, seconds: float, events: int) -> int:
    """As many updates as a session may have, from a restart on; two at least.

    The first session of a process is slow; it is made here, to know how many events an update has.
    """
    subject.restart()
    an_update = len(notes(session_of(subject, 2)[0])) / 2
    wanted = max(FEWEST_PROFILED, round(PROFILED_SECONDS / seconds))
    return max(2, min(wanted, int(events / max(an_update, 1e-9)), int(MOST_SECONDS / seconds), MOST_UPDATES))


def session_of(
    subject: Subject,
    updates: int,
    *,
    before: Callable[[], None] | None = None,
    memory: bool = False,
    shapes: bool = False,
) -> tuple[profiler.profile, float]:
    """The next updates under the profiler, and their seconds.

    before          done first, and watched by the profiler, too
    memory, shapes  whether to note what memory is asked for, and the shapes of what operations take

    torch.profiler is made of this class, but loads the compiler first: a second's work, and no part of an arm that does not
    compile.
    """

    def advance() -> None:
        with profiler.record_function(WINDOW):
            subject.arm.advance(updates)

    place = subject.setting.device
    on = None if place == "cpu" else place
    with profiler.profile(use_device=on, use_kineto=True, profile_memory=memory, record_shapes=shapes) as session:
        if before:
            before()
        seconds = subject.stopwatch.time(advance)[0]
    return session, seconds


def _write_trace(session: profiler.profile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="looprace-trace-") as folder:
        full = Path(folder, "trace.json")
        session.export_chrome_trace(str(full))
        kept = ("schemaVersion", "displayTimeUnit", "traceEvents")  # and not the name of the machine
        document = {name: value for name, value in json.loads(full.read_bytes()).items() if name in kept}
    target.write_bytes(gzip.compress(json.dumps(document, separators=(",", ":")).encode(), mtime=0))


def undisturbed(items: Sequence[Item], key: Callable[[Item], Any] | None = None) -> Item:
    """The lower quartile: what else the machine does can only add time, and the very least may be luck."""
    return sorted(items, key=key)[len(items) // 4]  # type: ignore[type-var, arg-type]  # numbers, or a key
