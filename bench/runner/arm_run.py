"""One arm's place in one round: its worker, what the referee said, its blocks. Apart from the race, which only conducts."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import msgspec

from bench import clock
from bench.results.record import Arm, Caveat, Job, Judgement, Record, Status
from bench.runner import verify, worker_process
from bench.runner.caveats import caveats_of
from bench.runner.fork_server import ForkServer
from bench.runner.worker_process import HERE, ArmFault, Origin, Worker
from bench.system.telemetry import Gauge, Reading
from impls.contract import Oracle
from impls.contract.setting import Setting

CALIBRATIONS = 3  # blocks made, at least, before their length is believed
SETTLE_SECONDS = 0.001
MOST_ALGORITHMIC = 10_000  # updates: the tutorial's job
MOST_UPDATES = 100_000_000  # in a block of any other arm: one that does nothing is wrong, not endless
PROBE = (16, 1000)  # least and most updates after which the answer is judged, besides the first and the last


@dataclass(frozen=True)
class Block:
    """How many updates an arm makes in one timed call, and about how many seconds they take."""

    updates: int
    seconds: float

    @property
    def settle(self) -> int:
        """Updates made untimed before each block: enough to bring the arm's data back into the caches."""
        return max(1, round(self.updates * SETTLE_SECONDS / self.seconds))


def calibrated(ask: Callable[..., Any], aim: float, pause: float, *, unit: int = 1, work: str = "") -> Block | None:
    """A block of about `aim` seconds, of whole units, found by making some. None as soon as `ask`, the worker, answers None.

    The best of a few blocks counts: one that met a disturbance would make all later blocks too short. An algorithmic
    arm may make any number of updates in no time: its blocks have at most MOST_ALGORITHMIC.
    """
    most = MOST_ALGORITHMIC if work == "algorithmic" else MOST_UPDATES
    updates, one = unit, math.inf
    ask("reset")
    for attempt in itertools.count():
        clock.pause(pause)
        found = ask("block", updates=updates)
        if found is None:
            return None
        one = min(one, found["seconds"] / updates)
        wanted = int(min(most, max(unit, round(aim / one / unit) * unit)))
        if wanted <= 2 * updates and attempt >= CALIBRATIONS:
            break
        updates = min(wanted, 10 * updates)
    return Block(wanted, wanted * one)


def probe_for(setting: Setting) -> int:
    """One and a half epochs, within limits: far enough for a stale batch order to show."""
    epoch = setting.rows // setting.batch_rows
    return max(PROBE[0], min(PROBE[1], 3 * epoch // 2))


class ArmRun:
    """Collects what a round sees of one arm; `live` until the arm ends. A fault ends the arm, never the round."""

    def __init__(self, arm: Arm, oracle: Oracle, *, alone: bool, gauge: Gauge | None = None) -> None:
        self.arm, self._oracle, self._alone = arm, oracle, alone
        self.worker: Worker
        self.live = False
        self._status: Status = "ok"
        self._reason = ""
        self._variables: dict[str, str] = {}
        self._prepared: dict[str, Any] = {}
        self._judgements: list[Judgement] = []
        self._job: Job | None = None
        self.every, self._block, self._done = 1, Block(1, 1.0), 0
        self._laps: list[int] = []
        self._blocks: list[float] = []
        self._device_blocks: list[float] = []
        self._finished: dict[str, Any] = {}
        self._gauge = gauge
        self._readings: list[tuple[Reading, Reading]] = []

    def open(
        self,
        stack: ExitStack,
        cores: Sequence[int],
        everywhere: Sequence[int],
        log: Path,
        cache: Path,
        limit: float,
        live: bool,
        origin: Origin = HERE,
        more: Mapping[str, str] = MappingProxyType({}),
        server: ForkServer | None = None,
    ) -> None:
        """Starts the arm's process and tells it to prepare; `started` collects the answer.

        more    variables to set in its environment besides
        server  what forks it; None: it starts from nothing
        """
        self._variables = worker_process.variables_for(self.arm, cores, cache) | dict(more)
        self.worker = stack.enter_context(
            Worker(
                self.arm,
                everywhere=everywhere,
                variables=self._variables,
                log=log,
                limit=limit,
                origin=origin,
                server=server,
            )
        )
        self.worker.begin(
            "prepare",
            workload=self.arm.workload,
            implementation=self.arm.implementation,
            setting=msgspec.to_builtins(self.arm.setting),
            cores=list(cores),
            probe=probe_for(self.arm.setting),
            live=live,
        )

    def started(self, wait: float = math.inf) -> bool:
        """Waits at most so many seconds until the arm is built and has made its first updates, and judges them.

        True when that is over, for good or bad.
        """
        try:
            if not self.worker.arrived(wait):
                return False
            self._prepared = self.worker.finish()
        except ArmFault as fault:
            self._end(fault)
            return True
        self.live = True
        for answer in self._prepared.pop("answers"):
            self._judge(answer)
        return True

    def do_job(self, picture: Path) -> float:
        """The whole workload; returns its seconds."""
        draws = self.arm.setting.watch == "draw"
        found = self._ask("job", picture=str(picture) if draws else None)
        if found is None:
            return 0.0
        self._judge(found["answer"])
        self._job = Job(seconds=found["seconds"], updates=self.arm.setting.updates, weights=found["answer"]["weights"])
        return float(found["seconds"])

    def calibrate(self, aim: float, pause: float) -> Block | None:
        """A block of about `aim` seconds; whole looks when the arm is watched. None when the arm ended."""
        setting = self.arm.setting
        unit = 1 if setting.watch == "none" else setting.every
        return calibrated(self._ask, aim, pause, unit=unit, work=self._prepared.get("work", ""))

    def start_laps(self, block: Block, *, every: int) -> None:
        """Back to the start, with blocks like this one to come, in every so many laps."""
        self._block, self._done, self.every = block, 0, every
        self._ask("reset")

    def visit(self, lap: int) -> float:
        """One block; returns its seconds. That of lap 0 is not recorded."""
        updates, settle = self._block.updates, self._block.settle
        before = self._gauge.meter.read() if self._gauge else None
        found = self._ask("block", updates=updates, settle=settle)
        if found is None:
            return 0.0
        if self._gauge and before and lap > 0:
            self._readings.append((before, self._gauge.meter.read()))
        self._done += settle + updates
        if lap > 0:
            self._laps.append(lap)
            self._blocks.append(found["seconds"])
            if found["device_seconds"] is not None:
                self._device_blocks.append(found["device_seconds"])
        return float(found["seconds"])

    def finish(self) -> None:
        """Judges what the blocks produced, if there were any."""
        if (found := self._ask("finish", updates=self._done)) is not None:
            self._finished = found
            if self._done:  # else the weights are still those of the probe
                self._judge(found["answer"])

    def record(
        self,
        *,
        run: str,
        number: int,
        started: str,
        caveats: Sequence[Caveat],
        round_seconds: float,
        spent: Mapping[str, float],
    ) -> Record:
        """What the round saw. An arm that ended keeps its fault; one that was ever wrong is wrong."""
        block_seconds = median(self._blocks) if self._blocks else 0.0
        wrong = next((judgement.fault for judgement in self._judgements if judgement.fault), None)
        if self._status == "ok" and wrong:
            self._status, self._reason = "wrong", wrong
        return Record(
            run=run,
            arm=self.arm,
            round=number,
            status=self._status,
            reason=self._reason,
            started=started,
            work=self._prepared.get("work", "faithful"),
            fingerprint=self._prepared.get("fingerprint", ""),
            digest=self._prepared.get("digest", ""),
            alone=self._alone,
            import_seconds=self._prepared.get("import_seconds"),
            build_seconds=self._prepared.get("build_seconds"),
            first_seconds=self._prepared.get("first_seconds"),
            job=self._job,
            judgements=tuple(self._judgements),
            updates_per_block=self._block.updates if self._blocks else None,
            laps=tuple(self._laps),
            blocks=tuple(self._blocks),
            device_blocks=tuple(self._device_blocks),
            drain_seconds=self._finished.get("drain_seconds"),
            peak_resident_bytes=self._finished.get("peak_resident_bytes"),
            telemetry=self._gauge.beside(self._readings) if self._gauge and self._readings else None,
            caveats=(*caveats, *caveats_of(self.arm, self._prepared, self._finished, block_seconds)),
            variables={name: value for name, value in self._variables.items() if not name.endswith("_DIR")},
            round_seconds=round_seconds,
            spent=dict(spent),
        )

    @property
    def trains(self) -> bool:
        """Whether there is an answer to judge: a floor has none."""
        return self._prepared.get("work") != "floor"

    @property
    def late(self) -> bool:
        """Whether the worker has loaded what a server can have loaded for it."""
        return bool(self._prepared.get("late"))

    def _judge(self, answer: Mapping[str, Any]) -> None:
        if not self.trains:
            return
        own = self._prepared.get("own_tolerance")
        self._judgements.append(verify.judge(answer, self._oracle, self.arm.setting, own))

    def _ask(self, do: str, **arguments: Any) -> Any:
        """The worker's answer; None when the arm has ended, now or before: its first fault is the one that is kept."""
        if not self.live:
            return None
        try:
            return self.worker.ask(do, **arguments) or {}
        except ArmFault as fault:
            self._end(fault)
            return None

    def _end(self, fault: ArmFault) -> None:
        self.live = False
        self._status, self._reason = fault.status, fault.reason
        self.worker.kill()
