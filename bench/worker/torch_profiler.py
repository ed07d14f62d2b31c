"""Sessions of PyTorch's profiler over an arm's updates: made, kept, chosen and read. Apart from the other looks at an arm.

Loads torch.
"""

import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from torch.autograd import profiler

from bench.worker import device
from bench.worker.profiler_events import WINDOW, notes, summary
from impls.contract import Implementation
from impls.contract.setting import Setting

PROFILED_SECONDS, FEWEST_PROFILED, MOST_SECONDS = 0.025, 20, 0.25  # of each session
MOST_UPDATES, MOST_EVENTS = 10_000_000, 4000
TRACED = 32  # updates in a Chrome trace, and at most half of MOST_EVENTS: as many as the largest CUDA graph holds

Found = TypeVar("Found")


@dataclass(frozen=True)
class Noted:
    """What PyTorch's profiler noted of so many updates, and how long each of them took; its notes are not read yet."""

    session: profiler.profile
    updates: int
    each: float


@dataclass(frozen=True)
class Subject:
    """The arm that is looked at, where it has been built and has made its first updates.

    sessions  that `profiled` has made. To read the notes of one takes several times as long as to make them, and only
              one is chosen: so they are kept until the last is made.
    """

    arm: Implementation
    setting: Setting
    stopwatch: device.Stopwatch
    sessions: list[Noted] = field(default_factory=list)

    def seconds(self, updates: int) -> float:
        """Time of the next updates, all work done."""
        return self.stopwatch.time(lambda: self.arm.advance(updates))[0]

    def restart(self) -> None:
        """To the same point each time: the first update after a reset may differ from all others."""
        self.arm.reset()
        self.arm.advance(1)


def profiled(subject: Subject, seconds: float) -> dict[str, Any]:
    """One session of PyTorch's profiler over some updates, as many as in those before.

    As many again come before it, unseen: a restart, or others on the core meanwhile, make an arm ask for its memory anew for
    some hundred updates, and each page of it costs as much as an operation.

    seconds  of an update with nothing attached
    """
    updates = subject.sessions[0].updates if subject.sessions else _fitting(subject, seconds, MOST_EVENTS)
    subject.arm.advance(updates)
    session, taken = session_of(subject, updates)
    subject.sessions.append(Noted(session, updates, taken / updates))
    return {}


def summarised(subject: Subject) -> dict[str, Any]:
    """What the profiler noted in the session of the lower quartile."""
    chosen = undisturbed(subject.sessions, key=lambda session: session.each)
    subject.sessions.clear()
    return {"profiled": chosen.each, **summary(chosen.session.function_events, chosen.updates)}


def traced(subject: Subject, seconds: float, target: str) -> dict[str, Any]:
    """Writes a Chrome trace of a few updates to a file; where the disk does not let it, "missing" says why.

    seconds  of an update with nothing attached
    """
    updates = min(TRACED, _fitting(subject, seconds, MOST_EVENTS // 2))
    try:
        _write_trace(session_of(subject, updates)[0], Path(target))
    except OSError as error:
        return {"missing": f"it could not be written: {error.strerror}"}
    return {}


def _fitting(subject: Subject, seconds: float, events: int) -> int:
    """As many updates as a session may have, from a restart on; two at least.

    The first session of a process is slow, and so is the one that is made here to know how many events there are.
    """
    subject.restart()
    each = len(notes(session_of(subject, 2)[0])) / 2
    wanted = max(FEWEST_PROFILED, round(PROFILED_SECONDS / seconds))
    return max(2, min(wanted, int(events / max(each, 1e-9)), int(MOST_SECONDS / seconds), MOST_UPDATES))


def session_of(
    subject: Subject, updates: int, *, before: Callable[[], None] | None = None, memory: bool = False
) -> tuple[profiler.profile, float]:
    """The next updates under the profiler, and their seconds; what is to be done before them is noted, too.

    This is what torch.profiler is made of. Taken directly, for torch.profiler loads the compiler first: a second's work, and
    no part of an arm that does without.
    """

    def advance() -> None:
        with profiler.record_function(WINDOW):
            subject.arm.advance(updates)

    place = subject.setting.device
    on = None if place == "cpu" else place
    with profiler.profile(use_device=on, use_kineto=True, profile_memory=memory) as session:
        if before:
            before()
        seconds = subject.stopwatch.time(advance)[0]
    return session, seconds


def _write_trace(session: profiler.profile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="looprace-trace-") as folder:
        whole = Path(folder, "trace.json")
        session.export_chrome_trace(str(whole))
        kept = ("schemaVersion", "displayTimeUnit", "traceEvents")  # and not the name of the machine
        document = {name: value for name, value in json.loads(whole.read_bytes()).items() if name in kept}
    target.write_bytes(gzip.compress(json.dumps(document, separators=(",", ":")).encode(), mtime=0))


def undisturbed(found: Sequence[Found], key: Callable[[Found], Any] | None = None) -> Found:
    """The lower quartile: what else the machine does can only add, and the very least may be luck."""
    return sorted(found, key=key)[len(found) // 4]  # type: ignore[type-var, arg-type]  # numbers, or a key
