"""One arm in one round: its worker, its blocks, what was judged, and the record of it all."""

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

from msgspec import structs

from bench import clock
from bench.messages import commands
from bench.messages.commands import (
    ArmWeights,
    Audit,
    BlockTimed,
    Draw,
    Finish,
    Finished,
    Observe,
    Prepared,
    ReadWeights,
    Reset,
    RunJob,
    TimeBlock,
    TimePhases,
)
from bench.messages.protocol import A, Command
from bench.processes.arm_process import cores_for, recipe_of, variables_for
from bench.processes.fork_server import ForkServer
from bench.processes.worker_process import ArmFault, Worker
from bench.results.record import Answer, Arm, Caveat, Job, Judgement, Record, Status
from bench.runner import unseen, verify
from bench.runner.block import Block, calibrated
from bench.runner.caveats import caveats_of
from bench.runner.setup import Setup
from bench.system.telemetry import Gauge, Reading
from impls.contract import Oracle
from impls.contract.setting import Setting
from impls.floors.names import EVERY_FLOOR

LOOKS = 3  # in a row that must find work put off: one of them may have met a disturbance
PROBE = (16, 1000)  # least and most updates after which the answer is judged, besides the first and the last


def probe_for(setting: Setting) -> int:
    """One and a half epochs, within limits: far enough for a stale batch order to show."""
    if setting.is_step:
        return 1
    epoch = setting.rows // setting.batch_rows
    return max(PROBE[0], min(PROBE[1], 3 * epoch // 2))


class ArmRun:
    """Collects what a round sees of one arm; `live` until the arm ends. A fault ends the arm, never the round.

    setup   what it was started with
    oracle  of an exact workload; None for a step, whose referee sets `answer`
    answer  of an arm of a step: the referee's word on it, once it has been judged
    phases  of each block that was timed by phases: seconds an update, by phase
    """

    setup: Setup

    def __init__(self, arm: Arm, oracle: Oracle | None, *, gauge: Gauge | None = None) -> None:
        self.arm, self._oracle, self._gauge = arm, oracle, gauge
        self.live = False
        self.alone = False  # whether no other arm started beside it
        self.answer: Answer | None = None
        self.every = 1  # laps: it makes a block in one of so many
        self._worker: Worker | None = None
        self._fault: ArmFault | None = None
        self._variables: dict[str, str] = {}
        self._prepared: Prepared | None = None
        self._judgements: list[Judgement] = []
        self._job: Job | None = None
        self._left_out: list[Caveat] = []
        self._server: ForkServer | None = None
        self._block, self._done = Block(1, 1.0), 0
        self._laps: list[int] = []
        self._blocks: list[float] = []
        self._worked: list[float] = []  # seconds that its process worked for each block, by the kernel
        self._device_blocks: list[float] = []
        self.phases: list[dict[str, float]] = []
        self._finished: Finished | None = None
        self._readings: list[tuple[Reading, Reading]] = []

    def start(
        self,
        stack: ExitStack,
        setup: Setup,
        *,
        log: Path,
        cache: Path,
        server: ForkServer | None = None,
    ) -> None:
        """Starts the arm's process and tells it to prepare; `started` collects the answer.

        stack   ends the process when it closes
        log     file that receives whatever the arm prints
        cache   folder for what its compilers keep
        server  what forks the process; None: it starts from nothing
        """
        self.setup, self._server = setup, server
        cores = cores_for(self.arm, setup.cores, setup.everywhere)
        self._variables = variables_for(self.arm, cores, cache) | dict(setup.variables)
        self._worker = stack.enter_context(
            Worker(
                self.arm,
                everywhere=setup.everywhere,
                variables=self._variables,
                log=log,
                limit=setup.limit,
                until=setup.until,
                memory=setup.memory,
                origin=setup.origin,
                server=server,
            )
        )
        probe = probe_for(self.arm.setting)
        self._worker.begin(commands.prepare(self.arm, cores=cores, probe=probe, live=setup.live, file=setup.file))

    def refuse(self, reason: str) -> None:
        """Says that the arm cannot be run here, without starting it."""
        self._fault = ArmFault("unsupported", reason)

    def observe(self, target: Path) -> bool:
        """Has the arm of a step make the updates that are judged, and write what they did; whether it did."""
        target.parent.mkdir(parents=True, exist_ok=True)
        return self._ask(Observe(target=str(target))) is not None

    def audit(self, target: Path, updates: int, seconds: float) -> int | None:
        """The same from where the arm is, after as many of the wanted updates as the time allows; how many it has made."""
        audited = self._ask(Audit(target=str(target), updates=updates, seconds=seconds))
        return audited.updates if audited else None

    def draw(self, target: Path) -> bool:
        """Has the arm of a step make updates that show what it draws, and write them; whether it did."""
        return self._ask(Draw(target=str(target))) is not None

    def end(self) -> None:
        """Ends the arm's process: nothing more is asked of it."""
        self.live = False
        if self._worker is not None:
            self._worker.kill()

    def stop(self) -> None:
        """Has the kernel end the arm's process, and does not wait: the processes of a round can end beside each other."""
        if self.live and self._worker is not None:
            self._worker.stop()

    @property
    def fault_reason(self) -> str:
        """Why the arm has ended; "" while it lives."""
        return self._fault.reason if self._fault else ""

    def fileno(self) -> int:
        """The descriptor that the worker's answers come through, for select; once the arm has been started."""
        assert self._worker is not None
        return self._worker.fileno()

    def started(self, wait: float = math.inf) -> bool:
        """Waits at most so many seconds until the arm is built and has made its first updates, and judges them.

        True when that is over, for good or bad.
        """
        assert self._worker is not None
        try:
            if not self._worker.arrived(wait):
                return False
            self._prepared = self._worker.answer(Prepared)
        except ArmFault as fault:
            self._end(fault)
            return True
        self.live = True
        for weights in self._prepared.weights:
            self._judge(weights)
        return True

    def run_job(self, picture: Path) -> float:
        """Does the whole job; returns its seconds. A drawing arm leaves its frames in the file `picture`."""
        draws = self.arm.setting.watch == "draw"
        done = self._ask(RunJob(picture=str(picture) if draws else None))
        if done is None:
            return 0.0
        self._judge(done.weights)
        self._job = Job(seconds=done.seconds, updates=self.arm.setting.updates, weights=done.weights.weights)
        return done.seconds

    def leave_job_out(self, needed: float, left: float) -> None:
        """Notes that the whole job would take so many seconds, and that fewer are left for jobs."""
        self._left_out.append(
            Caveat(
                code="job_left_out",
                text=f"the whole job of {self.arm.name} was left out: it takes about {needed:.0f} s, and "
                f"{max(0.0, left):.0f} s were left for it",
                advice="give it more time with --budget, or fewer updates with --updates",
            )
        )

    def calibrate(self, aim: float, pause: float) -> Block | None:
        """A block of about `aim` seconds; of a watched arm, with whole looks. None where the arm ended."""
        setting = self.arm.setting
        unit = 1 if setting.watch == "none" else setting.every
        return calibrated(self._honest, aim, pause, unit=unit, work=self._prepared.work if self._prepared else "")

    def start_laps(self, block: Block, *, every: int) -> None:
        """Goes back to the start; blocks like this one follow, one in every so many laps."""
        self._block, self._done, self.every = block, 0, every
        self._ask(Reset())

    def sample(self, lap: int) -> float:
        """Makes one block and returns its seconds. That of lap 0 is not recorded."""
        updates, warm_up = self._block.updates, self._block.warm_up
        before = self._gauge.meter.read() if self._gauge else None
        begin = self._worked_so_far()
        timed = (self._ask if lap > 0 else self._honest)(TimeBlock(updates=updates, warm_up=warm_up))
        if timed is None:
            return 0.0
        worked = self._worked_so_far() - begin
        if self._gauge and before and lap > 0:
            self._readings.append((before, self._gauge.meter.read()))
        self._done += warm_up + updates
        if lap > 0:
            self._laps.append(lap)
            self._blocks.append(timed.seconds)
            self._worked.append(worked * updates / (warm_up + updates))
            if timed.device_seconds is not None:
                self._device_blocks.append(timed.device_seconds)
        return timed.seconds

    def sample_phases(self, lap: int) -> float:
        """Makes one block with the clock read between phases, and returns its seconds. That of lap 0 is not recorded."""
        updates, warm_up = self._block.updates, self._block.warm_up
        timed = self._ask(TimePhases(updates=updates, warm_up=warm_up))
        if timed is None:
            return 0.0
        if lap > 0:
            self.phases.append({name: seconds / updates for name, seconds in timed.seconds.items()})
        return sum(timed.seconds.values())

    def finish(self) -> None:
        """Judges what the blocks produced, if there were any."""
        self._finished = self._ask(Finish(updates=self._done))
        if self._finished is not None and (reason := self._unseen(self._finished)):
            self._end(ArmFault("failed", reason))
        if self._finished is not None and self.answer is not None:
            self.answer = structs.replace(self.answer, skipped=self.answer.skipped + self._finished.skipped)
        if (
            self._finished is not None and self._finished.weights is not None and self._done
        ):  # else the weights are still those of the probe
            self._judge(self._finished.weights)

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
        """What the round saw of the arm."""
        prepared, finished = self._prepared, self._finished
        status, reason = self._outcome()
        own_caveats = caveats_of(
            self.arm,
            finished,
            in_a_window=prepared is not None and prepared.in_a_window,
            block_seconds=median(self._blocks) if self._blocks else 0.0,
        )
        return Record(
            run=run,
            arm=self.arm,
            round=number,
            status=status,
            reason=reason,
            started=started,
            work=prepared.work if prepared else "floor" if self.arm.implementation in EVERY_FLOOR else "faithful",
            reads_data=prepared.reads_data if prepared and prepared.work == "floor" else None,
            fingerprint=prepared.fingerprint if prepared else "",
            digest=prepared.digest if prepared else "",
            alone=self.alone,
            import_seconds=prepared.import_seconds if prepared else None,
            build_seconds=prepared.build_seconds if prepared else None,
            first_seconds=prepared.first_seconds if prepared else None,
            job=self._job,
            judgements=tuple(self._judgements),
            updates_per_block=self._block.updates if self._blocks else None,
            block_seconds=self._block.seconds if self._blocks else None,
            laps=tuple(self._laps),
            blocks=tuple(self._blocks),
            device_blocks=tuple(self._device_blocks),
            drain_seconds=finished.drain_seconds if finished else None,
            peak_resident_bytes=finished.peak_resident_bytes if finished else None,
            peak_device_bytes=finished.peak_device_bytes if finished else None,
            answer=self.answer,
            patch=prepared.patch if prepared else "",
            compiler=finished.compiler if finished else None,
            shares=finished.shares if finished else (),
            telemetry=self._gauge.beside(self._readings) if self._gauge and self._readings else None,
            caveats=(*caveats, *own_caveats, *self._left_out),
            forked=self._server is not None,
            variables={name: value for name, value in self._variables.items() if not name.endswith("_DIR")},
            round_seconds=round_seconds,
            spent=dict(spent),
        )

    def _outcome(self) -> tuple[Status, str]:
        """Status and reason: the fault of an arm that ended, else its first wrong answer, else "ok"."""
        if self._fault:
            return self._fault.status, self._fault.reason
        if self.answer is not None and self.answer.word == "different":
            return "wrong", self.answer.reason
        wrong = next((judgement.fault for judgement in self._judgements if judgement.fault), None)
        return ("wrong", wrong) if wrong else ("ok", "")

    @property
    def trains(self) -> bool:
        """Whether there is an answer to judge: a floor has none."""
        return self._prepared is None or self._prepared.work != "floor"

    @property
    def loaded(self) -> tuple[str, ...] | None:
        """The installed modules that its worker has loaded itself; None where it has not come so far."""
        return self._prepared.loaded if self._prepared else None

    def _judge(self, weights: ArmWeights) -> None:
        if self.trains and self._oracle is not None:
            own_tolerance = self._prepared.own_tolerance if self._prepared else None
            self._judgements.append(verify.judge(weights, self._oracle, self.arm.setting, own_tolerance))

    def _ask(self, command: Command[A]) -> A | None:
        """The worker's answer; None where the arm has ended, now or before: its first fault is the one that is kept."""
        if not self.live or self._worker is None:
            return None
        try:
            return self._worker.ask(command)
        except ArmFault as fault:
            self._end(fault)
            return None

    def _unseen(self, finished: Finished) -> str:
        """Why the times of its blocks are not those of its work; "" where they are."""
        cores, ahead = cores_for(self.arm, self.setup.cores, self.setup.everywhere), recipe_of(self.arm).streams
        of_clock = unseen.of_clock(self._blocks, self._worked, len(cores))
        return of_clock or unseen.of_process(finished, self._blocks, cores, draws_ahead=ahead)

    def _worked_so_far(self) -> float:
        """Seconds that its process has worked; 0 once it has ended."""
        with suppress(OSError):
            return clock.worked_by(self._worker.pid) if self.live and self._worker else 0.0
        return 0.0

    def _honest(self, command: Command[A]) -> A | None:
        """The same; of a block of an exact workload, also looks whether it has really made its updates."""
        reason = ""
        for _ in range(LOOKS):
            answer = self._ask(command)
            if not isinstance(command, TimeBlock) or not isinstance(answer, BlockTimed) or self._oracle is None:
                return answer
            read = self._ask(ReadWeights()) if self.trains else None
            reason = unseen.put_off(read, answer.seconds) if read else ""
            if not reason:
                return answer
            self._done += command.warm_up + command.updates
        self._end(ArmFault("failed", reason))
        return None

    def _end(self, fault: ArmFault) -> None:
        assert self._worker is not None
        if self._server is not None and not self._server.alive:
            fault = ArmFault("interrupted", "the process that had forked its own was ended from outside")
        self.live, self._fault = False, fault
        self._worker.kill()
