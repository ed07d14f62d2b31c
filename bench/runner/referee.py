"""The main process's half of the judge of steps: has each arm observed, in float32 and in float64, and hands on the words."""

import dataclasses
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from select import select
from typing import Any

import psutil
from msgspec import structs

from bench import clock
from bench.messages import commands
from bench.messages.commands import Judge
from bench.processes.arm_process import recipe_of, variables_for
from bench.processes.worker_process import ArmFault, Worker
from bench.results.examined import Examined
from bench.results.record import Answer, Race, Word
from bench.runner.arm_run import ArmRun
from bench.runner.setup import Setup
from impls.floors.names import EVERY_FLOOR
from impls.recipe.recipe import PLAIN, Recipe
from impls.recipe.step_file import StepFault

JUDGE = "bench.judge.main"
LATE = 1000  # updates after which arms are judged once: denormal numbers and decayed rates live there
AUDITED = 0.03  # of a race's time that audits may take
NOT_AUDITED: tuple[Word, ...] = ("different", "unjudged")  # at the start: nothing else can come out later
FLOAT32_ONLY = "its answer in float64 is not known yet"


class UnexaminedError(Exception):
    """A step could not be examined, for no fault of its file: its judge was killed, took too long, or had no memory left."""


class StepReferee:
    """Judges the arms of one race of a step. Its process examines the step when this is made.

    examined  what the step is like

    revised   whether the arms are of another revision of the step than the race's

    Raises StepFault where the step cannot be raced at all: the judge's own sentence.
    """

    def __init__(
        self,
        stack: ExitStack,
        race: Race,
        setup: Setup,
        *,
        log: Path,
        folder: Path,
        members: int,
        revised: bool = False,
    ) -> None:
        self._setup, self._log, self._folder = setup, log, folder
        self._begin, self._spent, self._audits = clock.now(), 0.0, 0  # seconds that audits took, and how many
        self._sampling = 0.0  # seconds that it took to sample what an arm draws
        # By implementation, as it is built in float64: why it could not be judged there; "" where it was.
        self._decided: dict[str, str] = {}
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
            prepared = self._process.ask(
                commands.prepare_judge(
                    reference,
                    file=setup.file,
                    cores=setup.cores,
                    members=members,
                    kept=ensembles_folder(os.environ),
                    revised=revised,
                )
            )
        except ArmFault as fault:
            if fault.status in ("crashed", "timeout", "out_of_memory"):
                raise UnexaminedError(
                    f"The process that judges {reference.workload} ended before the race could begin: {fault.reason}. "
                    "Repeat it, with more memory or a longer --limit if need be."
                ) from fault
            raise StepFault(fault.reason) from fault
        self.examined: Examined = prepared.examined
        self._not_carried = prepared.not_carried

    @property
    def resident_bytes(self) -> int:
        """Memory that the judge's process has, which holds the step: an arm's own has about as much."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def refusal(self, implementation: str) -> str:
        """Why an arm cannot be run on this step, as the examination found it; "" where it may."""
        recipe = PLAIN if implementation in EVERY_FLOOR else Recipe.read(implementation)
        if recipe.refusal:
            return recipe.refusal
        reasons = {rewrite.name: rewrite.reason for rewrite in self.examined.rewrites if not rewrite.applies}
        return next((reasons[name] for name in recipe.rewrites if name in reasons), "")

    def judge(self, arm_runs: Sequence[ArmRun], everywhere: int) -> Iterator[str]:
        """Judges every live arm; yields what is being done.

        An answer that equals the plain step's to the bit needs no float64. The others are built once more in float64, each
        in a process of its own, as many at a time as there are cores: that decides. Last, of arms that draw other random
        numbers than the plain step, what they draw is sampled.
        """
        for arm_run in arm_runs:
            if arm_run.live and arm_run.trains:
                yield f"judging {arm_run.arm.name}"
                arm_run.answer = self._judge(arm_run)
        undecided = [
            arm_run
            for arm_run in arm_runs
            if arm_run.live and _needs_float64(arm_run.answer) and _in_float64(arm_run) not in self._decided
        ]
        if undecided:
            yield f"judging {len(undecided)} arms in float64"
            yield from self._in_float64(undecided, everywhere)
        for arm_run in arm_runs:
            if arm_run.live and self.examined.draws and needs_draws(arm_run.answer):
                yield f"sampling what {arm_run.arm.name} draws"
                arm_run.answer = self._judge(arm_run, draws=True)

    def audit(self, arm_runs: Sequence[ArmRun], *, late: bool = False) -> Iterator[str]:
        """Judges the objects that are being timed where they are in their race; yields what is being done.

        An arm that computes something else by now has a different answer, whatever it computed at the start. When the time
        for audits is spent, those of later rounds are left out; not the late one.

        late  whether each first makes what it lacks of LATE updates, as far as the time for audits allows
        """
        yield f"judging the arms {'late' if late else 'in the middle of the laps'}"
        again, usual = self._audits > 0 and not late, self._spent / max(1, self._audits)
        judged = [each for each in arm_runs if each.live and each.answer and each.answer.word not in NOT_AUDITED]
        for number, arm_run in enumerate(judged):
            begin = clock.now()
            due = usual * (len(judged) - number) if late else 0.0
            left = max(0.0, AUDITED * (begin - self._begin) - self._spent - due)
            if again and not left:
                break
            if answer := self._audited(arm_run, LATE if late else 0, left / (len(judged) - number)):
                arm_run.answer = answer
            self._spent, self._audits = self._spent + clock.now() - begin, self._audits + 1

    def _audited(self, arm_run: ArmRun, updates: int, seconds: float) -> Answer | None:
        """What is known of an arm now; None where it has ended. Where its state cannot be judged, its start is once more."""
        before, reason = arm_run.answer, self._not_carried
        assert before is not None
        if recipe_of(arm_run.arm).streams:
            reason = "it reads batches of its own"
        if recipe_of(arm_run.arm).algorithmic:
            reason = "it trains in another way than the plain step, whose state is another one by then"
        own = before.draws == "own"
        if own:
            reason = "its updates draw other random numbers than the plain step's"
        if not reason:
            made = arm_run.audit(self._target(arm_run), updates, seconds)
            if made is None:
                return None
            answer = self._asked(arm_run, audit=True)
            if answer.word == "different":
                late = f"it computed the same at the start, and something else after {made} updates: {answer.reason}"
                return structs.replace(answer, reason=late, audits=(*before.audits, made))
            if answer.word != "unjudged":
                return structs.replace(before, audits=(*before.audits, made))
            reason = answer.reason
        if own and not updates and self._sampling > seconds:
            note = f"everything in the middle of the race: {reason}, and to sample them again would take too long"
            return structs.replace(before, left_out=(*before.left_out, note))
        note = f"everything in the middle of the race: {reason}; it was judged from the start again"
        answered = None if updates else self._judge(arm_run, draws=own)  # late, its start says nothing new
        if answered is None:
            return None
        if answered.word == "different":
            late = f"it computed the same at first, and something else when it was judged again: {answered.reason}"
            return structs.replace(answered, reason=late, audits=(*before.audits, 0))
        return structs.replace(before, left_out=(*before.left_out, note), audits=(*before.audits, 0))

    def _judge(self, arm_run: ArmRun, *, float64: Path | None = None, draws: bool = False) -> Answer | None:
        """The word on one arm, from its start.

        float64  file of what it did in float64, which is judged once
        draws    whether what it draws is sampled first
        """
        target, begin = self._target(arm_run), clock.now()
        drawn = target.with_suffix(".draws")
        if not arm_run.observe(target) or (draws and not arm_run.draw(drawn)):
            return None
        answer = self._asked(
            arm_run,
            observation_float64=str(float64) if float64 else "",
            no_float64=self._decided.get(_in_float64(arm_run), FLOAT32_ONLY),
            drawn=str(drawn) if draws else "",
        )
        if draws:
            self._sampling = clock.now() - begin
        return structs.replace(answer, audits=(0,))

    def _target(self, arm_run: ArmRun) -> Path:
        """The file that carries an arm's answer to the judge."""
        return self._folder / "answers" / f"{arm_run.arm.slug}-{arm_run.arm.role}.safetensors"

    def _asked(self, arm_run: ArmRun, **more: Any) -> Answer:
        """The judge's word on what an arm has written."""
        try:
            return self._process.ask(
                Judge(implementation=arm_run.arm.implementation, observation=str(self._target(arm_run)), **more)
            ).answer
        except ArmFault as fault:
            return Answer(word="unjudged", reason=f"the judge ended: {fault.reason}")

    def _in_float64(self, undecided: Sequence[ArmRun], everywhere: int) -> Iterator[str]:
        """Builds arms in float64 and judges them; one is built for all that are the same there."""
        alike: dict[str, list[ArmRun]] = {}
        for arm_run in undecided:
            alike.setdefault(_in_float64(arm_run), []).append(arm_run)
        waiting = deque(alike)
        starting: dict[ArmRun, str] = {}
        with ExitStack() as stack:
            while waiting or starting:
                while waiting and len(starting) < everywhere:
                    implementation = waiting.popleft()
                    first = alike[implementation][0]
                    setting = dataclasses.replace(first.arm.setting, dtype="float64")
                    arm = structs.replace(first.arm, implementation=implementation, setting=setting, role="arm")
                    double = ArmRun(arm, None)
                    slug = f"{first.arm.slug}-float64"
                    double.start(stack, first.setup, log=self._log / f"{slug}.log", cache=self._folder / slug)
                    starting[double] = implementation
                select(list(starting), [], [], 1.0)
                for double in [each for each in starting if each.started(wait=0.0)]:
                    implementation = starting.pop(double)
                    target = self._folder / "answers" / f"{double.arm.slug}-float64.safetensors"
                    observed = double.observe(target)
                    reason = "" if observed else f"it cannot be computed in float64: {double.fault_reason}"
                    double.end()
                    self._decided[implementation] = reason
                    for place, arm_run in enumerate(alike[implementation]):
                        arm_run.answer = self._judge(arm_run, float64=target if observed and not place else None)
                        yield f"judged {arm_run.arm.name}"


def ensembles_folder(variables: Mapping[str, str]) -> str:
    """The folder where ensembles are kept from run to run; "" for none.

    LOOPRACE_CACHE names the folder of looprace's caches, or is empty so that there are none.
    """
    home = variables.get("HOME", "")
    folder = variables.get("XDG_CACHE_HOME") or (home and f"{home}/.cache")
    own = variables.get("LOOPRACE_CACHE", folder and f"{folder}/looprace")
    return str(Path(own).absolute() / "ensembles") if own else ""


def _in_float64(arm_run: ArmRun) -> str:
    """The implementation that is built in float64 to judge an arm: with the plain step's draws."""
    return Recipe.read(arm_run.arm.implementation).with_equal_draws.name


def needs_draws(answer: Answer | None) -> bool:
    """Whether an arm of a step that draws draws other random numbers, or may have: then what it draws is to be sampled."""
    if answer is None:
        return False
    unknown = answer.draws == "" and answer.word in ("different", "undecidable", "coarser")
    return unknown or (answer.word, answer.draws) == ("unjudged", "own")


def _needs_float64(answer: Answer | None) -> bool:
    return answer is not None and (answer.word not in ("identical", "unjudged") or answer.draws == "own")
