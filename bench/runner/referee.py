"""The main process's half of the judge of steps: has each arm observed, in float32 and in float64, and hands on the words."""

import dataclasses
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from select import select

import psutil
from msgspec import structs

from bench.messages import commands
from bench.messages.commands import Judge
from bench.results.examined import Examined
from bench.results.record import Answer, Race
from bench.runner.arm_run import ArmRun, Setup
from bench.runner.worker_process import ArmFault, Worker, variables_for
from impls.recipe.recipe import Recipe
from impls.recipe.step_file import StepFault

JUDGE = "bench.judge.main"
FLOAT32_ONLY = "its answer in float64 is not known yet"


class StepReferee:
    """Judges the arms of one race of a step. Its process examines the step when this is made.

    examined  what the step is like

    Raises StepFault where the step cannot be raced at all: the judge's own sentence.
    """

    def __init__(self, stack: ExitStack, race: Race, setup: Setup, *, log: Path, folder: Path, members: int) -> None:
        self._setup, self._log, self._folder = setup, log, folder
        self._decided: set[str] = set()  # implementations whose float64 answers have been judged
        reference = race.reference
        self._process = stack.enter_context(
            Worker(
                reference,
                everywhere=setup.everywhere,
                variables=variables_for(reference, setup.cores, folder / "judge"),
                log=log / "judge.log",
                limit=setup.limit,
                origin=setup.origin,
                program=JUDGE,
            )
        )
        try:
            self.examined: Examined = self._process.ask(
                commands.prepare_judge(reference, file=setup.file, cores=setup.cores, members=members)
            ).examined
        except ArmFault as fault:
            raise StepFault(fault.reason) from fault

    @property
    def resident_bytes(self) -> int:
        """Memory that the judge's process has, which holds the step: an arm's own has about as much."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def refusal(self, implementation: str) -> str:
        """Why an arm cannot be run on this step, as the examination found it; "" where it may."""
        recipe = Recipe.read(implementation)
        if recipe.refusal:
            return recipe.refusal
        reasons = {rewrite.name: rewrite.reason for rewrite in self.examined.rewrites if not rewrite.applies}
        return next((reasons[name] for name in recipe.rewrites if name in reasons), "")

    def judge(self, arm_runs: Sequence[ArmRun], everywhere: int) -> Iterator[str]:
        """Judges every live arm; yields what is being done.

        An answer that equals the plain step's to the bit needs no float64. The others are built once more in float64, each
        in a process of its own, as many at a time as there are cores: that decides.
        """
        for arm_run in arm_runs:
            if arm_run.live:
                yield f"judging {arm_run.arm.name}"
                pending = arm_run.arm.implementation not in self._decided
                arm_run.answer = self._judge(arm_run, no_float64=FLOAT32_ONLY if pending else "")
        undecided = [
            arm_run
            for arm_run in arm_runs
            if arm_run.live and arm_run.arm.implementation not in self._decided and _needs_float64(arm_run.answer)
        ]
        if undecided:
            yield f"judging {len(undecided)} arms in float64"
            yield from self._in_float64(undecided, everywhere)

    def audit(self, arm_runs: Sequence[ArmRun]) -> Iterator[str]:
        """Judges the objects that are being timed once more, in the middle of the laps; yields what is being done.

        An arm that computes something else by now has a different answer, whatever it computed at the start.
        """
        yield "judging the arms once more, in the middle of the laps"
        for arm_run in arm_runs:
            answer = self._judge(arm_run) if arm_run.live else None
            if answer is not None and answer.word == "different":
                reason = (
                    f"it computed the same at the start, and something else in the middle of the race: {answer.reason}"
                )
                known = arm_run.answer is not None and arm_run.answer.word == "different"
                arm_run.answer = arm_run.answer if known else structs.replace(answer, reason=reason)

    def _judge(self, arm_run: ArmRun, *, float64: Path | None = None, no_float64: str = "") -> Answer | None:
        """The word on one arm."""
        target = self._folder / "answers" / f"{arm_run.arm.slug}-{arm_run.arm.role}.safetensors"
        if not arm_run.observe(target):
            return None
        try:
            return self._process.ask(
                Judge(
                    implementation=arm_run.arm.implementation,
                    observation=str(target),
                    observation_float64=str(float64) if float64 else "",
                    no_float64=no_float64,
                )
            ).answer
        except ArmFault as fault:
            return Answer(word="unjudged", reason=f"the judge ended: {fault.reason}")

    def _in_float64(self, undecided: Sequence[ArmRun], everywhere: int) -> Iterator[str]:
        waiting = deque(undecided)
        starting: dict[ArmRun, ArmRun] = {}
        with ExitStack() as stack:
            while waiting or starting:
                while waiting and len(starting) < everywhere:
                    arm_run = waiting.popleft()
                    setting = dataclasses.replace(arm_run.arm.setting, dtype="float64")
                    double = ArmRun(structs.replace(arm_run.arm, setting=setting, role="arm"), None, alone=False)
                    slug = f"{arm_run.arm.slug}-float64"
                    double.start(stack, arm_run.setup, log=self._log / f"{slug}.log", cache=self._folder / slug)
                    starting[double] = arm_run
                select(list(starting), [], [], 1.0)
                for double in [each for each in starting if each.started(wait=0.0)]:
                    arm_run = starting.pop(double)
                    target = self._folder / "answers" / f"{double.arm.slug}-float64.safetensors"
                    observed = double.observe(target)
                    reason = "" if observed else f"it cannot be computed in float64: {double.fault_reason}"
                    double.end()
                    arm_run.answer = self._judge(arm_run, float64=target if observed else None, no_float64=reason)
                    self._decided.add(arm_run.arm.implementation)
                    yield f"judged {arm_run.arm.name}"


def _needs_float64(answer: Answer | None) -> bool:
    return answer is not None and answer.word not in ("identical", "unjudged")
