"""What the head's update computes, compared with the base's: equal to the bit, or judged by the base's own truth."""

import filecmp
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.results.gate import Cell, Role
from bench.results.record import Answer, Arm, Race
from bench.runner.arm_run import ArmRun, Setup
from bench.runner.referee import StepReferee
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
    _referees: dict[Arm, StepReferee] = field(default_factory=dict)

    def judge(self, cell: Cell, observed: Path, setups: Mapping[Role, Setup]) -> Answer | None:
        """The word on the head; None where the head could not be observed.

        observed  folder with what the workers "base", "again" and "head" did
        """
        base, again, head = (observed / name for name in ("base", "again", "head"))
        if not (base.is_file() and again.is_file() and head.is_file()):
            return None
        if filecmp.cmp(base, again, shallow=False) and filecmp.cmp(base, head, shallow=False):
            return Answer(word="identical")
        try:
            return self._judged(cell, setups)
        except StepFault as fault:
            return Answer(word="unjudged", reason=str(fault))

    def _judged(self, cell: Cell, setups: Mapping[Role, Setup]) -> Answer | None:
        referee = self._referee(cell.arm_on("base"), setups["base"])
        arm_run = ArmRun(cell.arm, None, alone=False)
        with ExitStack() as stack:
            log = self.folder / "logs" / cell.slug / "answer" / "head.log"
            arm_run.start(stack, setups["head"], log=log, cache=self.folder / "cache" / "answers" / cell.slug)
            while not arm_run.started():
                pass
            for _ in referee.judge([arm_run], len(setups["head"].everywhere)):
                pass
        return arm_run.answer

    def _referee(self, base: Arm, setup: Setup) -> StepReferee:
        """The referee of the step as the base has it."""
        plain = Arm(workload=base.workload, implementation=PLAIN_NAME, setting=base.setting, role="reference")
        if plain not in self._referees:
            self._referees[plain] = StepReferee(
                self.stack,
                Race(workload=base.workload, arms=(plain,)),
                setup,
                log=self.folder / "logs" / "referee",
                folder=self.folder / "cache" / "referee",
                members=MEMBERS,
            )
        return self._referees[plain]
