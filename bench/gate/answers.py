"""What the head's update computes, compared with the base's: equal to the bit, or judged by the base's own truth."""

import filecmp
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.gate.rule.limits import exceeds
from bench.results.gate import Cell, Role
from bench.results.record import Answer, Arm, Race
from bench.runner.arm_run import ArmRun
from bench.runner.referee import StepReferee, UnexaminedError
from bench.runner.setup import Setup
from impls.recipe.recipe import PLAIN_NAME
from impls.recipe.step_file import StepFault

MEMBERS = 19  # of the ensemble that says what rounding explains


@dataclass
class Answers:
    """Judges the heads of a gate's cells; the referee of a step is kept for all its recipes.

    stack   ends their processes when it closes
    folder  for what they write
    """

    stack: ExitStack
    folder: Path
    _referees: dict[tuple[Arm, Role], StepReferee] = field(default_factory=dict)

    def judge(self, cell: Cell, observed: Path, setups: Mapping[Role, Setup]) -> dict[Role, Answer | None]:
        """The word on the head, and on the base where the head's is too bad and the arm is not the plain step.

        observed  folder with what the workers "base", "again" and "head" did; where one is missing, nothing is known
        """
        base, again, head = (observed / name for name in ("base", "again", "head"))
        if not (base.is_file() and again.is_file() and head.is_file()):
            return {}
        if filecmp.cmp(base, again, shallow=False) and filecmp.cmp(base, head, shallow=False):
            return {"head": Answer(word="identical")}
        try:
            words: dict[Role, Answer | None] = {"head": self._judged(cell, setups, "head")}
            bad = words["head"] is not None and exceeds(words["head"], None, cell.margins.bits_lost)
            if bad and cell.arm.implementation != PLAIN_NAME:
                words["base"] = self._judged(cell, setups, "base")
        except (StepFault, UnexaminedError) as fault:
            return {"head": Answer(word="unjudged", reason=str(fault))}
        return words

    def _judged(self, cell: Cell, setups: Mapping[Role, Setup], role: Role) -> Answer | None:
        referee = self._referee(cell.arm_on("base"), setups["base"], role)
        arm_run = ArmRun(cell.arm_on(role), None)
        with ExitStack() as stack:
            log = self.folder / "logs" / cell.slug / "answer" / f"{role}.log"
            arm_run.start(stack, setups[role], log=log, cache=self.folder / "cache" / "answers" / cell.slug)
            while not arm_run.started():
                pass
            for _ in referee.judge([arm_run], len(setups[role].everywhere)):
                pass
        return arm_run.answer

    def _referee(self, base: Arm, setup: Setup, role: Role) -> StepReferee:
        """The referee of the step as the base has it, for the arms of one side: it keeps what it knows of each by its name."""
        plain = Arm(workload=base.workload, implementation=PLAIN_NAME, setting=base.setting, role="reference")
        if (plain, role) not in self._referees:
            self._referees[plain, role] = StepReferee(
                self.stack,
                Race(workload=base.workload, arms=(plain,)),
                setup,
                log=self.folder / "logs" / "referee" / role,
                folder=self.folder / "cache" / "referee" / role,
                members=MEMBERS,
                revised=role == "head",
            )
        return self._referees[plain, role]
