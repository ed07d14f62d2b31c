"""Why an answer is different: which stage makes it so, in which module it begins, and the script that shows it. Loads torch."""

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import safetensors.torch
import torch

from bench import clock
from bench.diagnosis import compiler_script, step_script
from bench.diagnosis.minimise import Trial, minimised
from bench.diagnosis.modules import first_different
from bench.diagnosis.program import Program, Unprintable, of_graph
from bench.diagnosis.stages import AHEAD_OF_TIME, STAGES, Captured, Stage, only_up_to
from bench.judge.referee import MEMBERS_FLOAT64, in_float64
from bench.judge.standard.bits import Comparison, Standard, compare
from bench.judge.standard.observation import drew_the_same, observe
from bench.judge.standard.truth import standard
from bench.messages.diagnosis import Diagnosed
from bench.processes import command_loop
from bench.results.record import Whose
from impls.contract.setting import Setting
from impls.recipe.live_step import WARM, LiveStep
from impls.recipe.recipe import Recipe
from impls.recipe.step_file import StepFile
from impls.recipe.update_patch import default_update

GRAPHS: tuple[Stage, ...] = (
    "eager",
    "aot_eager",
)  # stages whose graphs are made small: in the author's words, then in aten's
NOT_AGAIN = "in a process of its own it computed the same"
OTHER_DRAWS = "it draws other random numbers, so that its parts cannot be compared with the plain step's"
OUT_OF_TIME = "the time for it was over"
NO_SCRIPT = "what was written did not show it in a process of its own"


class NotComparable(Exception):
    """An arm's updates cannot be compared with the plain step's; the message says why."""


class Diagnosis:
    """Looks for the reason of one arm's different answer.

    seconds  after which nothing more is tried
    say      takes what is being done
    """

    def __init__(
        self,
        file: StepFile,
        setting: Setting,
        recipe: Recipe,
        seconds: float,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._deadline = clock.now() + seconds
        self._file, self._recipe, self._say = file, recipe, say
        self._plain = LiveStep(file, setting)
        double, _ = in_float64(self._plain)
        self._candidates = [step for step in dict.fromkeys((double, self._plain)) if step is not None]
        self._patch = ""

    def found(self, script: Path) -> Diagnosed:
        """What is found until the time is over; the script is written to this file where there is one."""
        try:
            comparison, asked = self._shown_again()
        except NotComparable as error:
            return Diagnosed(undiagnosed=str(error))
        if not comparison.exceeds():
            return Diagnosed(undiagnosed=NOT_AGAIN)
        try:
            stage, graphs = self._first_wrong_stage() if asked else (STAGES[0], [])
        except NotComparable as error:
            return Diagnosed(undiagnosed=str(error))
        whose: Whose = {"uncaptured": "rewrite", "eager": "capture"}.get(stage, "compiler")  # type: ignore[assignment]
        module = self._module() if whose == "rewrite" else ""
        named, written = "", False
        if whose == "compiler":
            program, written = self._compiler_script(script, stage, graphs)
            named = self._with_pass(program, stage)
        if not written and not self._over:
            self._say("a script that shows it")
            written = self._shows(script, compiler_script.Script(self._step_script()))
        reason = "" if written else OUT_OF_TIME if self._over else NO_SCRIPT
        return Diagnosed(
            whose=whose,
            stage=named,
            module=module,
            script=script.name if written else "",
            undiagnosed=reason,
        )

    @property
    def _over(self) -> bool:
        return clock.now() > self._deadline

    def _shown_again(self) -> tuple[Comparison, int]:
        """How the arm compares, in float64 if it is wrong there, and how much of it is compiled."""
        for plain in self._candidates:
            self._say(f"the truth in {plain.setting.dtype}")
            self._step = plain
            self._truth: Standard = standard(plain, self._candidates[0], MEMBERS_FLOAT64)
            comparison, asked, _ = self._compared("inductor")
            if comparison.exceeds():
                break
        return comparison, asked

    def _compared(self, stage: Stage) -> tuple[Comparison, int, list[Captured]]:
        """How the arm compares when it is compiled up to a stage only. Raises NotComparable."""
        self._say(f"two updates, by the stage {stage}")
        with only_up_to(stage) as watched:
            arm = self._arm()
            answer = observe(arm)
            if stage == "inductor":
                self._patch, self._wrong = arm.patch, self._shapes_that_differ(arm)
        if self._step.facts.draws and not drew_the_same(answer, self._truth.plain):
            raise NotComparable(OTHER_DRAWS)
        return compare(answer, self._truth), watched.asked, watched.graphs

    def _arm(self) -> LiveStep:
        """The arm, after its first update: some are compiled in that one."""
        arm = LiveStep(self._file, self._step.setting, self._recipe)
        arm.advance(1)
        arm.reset()
        return arm

    def _shapes_that_differ(self, arm: LiveStep) -> set[torch.Size]:
        """The shapes of the tensors that one update gets wrong: after two of them everything may be."""
        one, other = (observe(step, batches=(None,)) for step in (arm, self._step))
        limit = torch.finfo(getattr(torch, arm.setting.dtype)).eps ** 0.5
        floating = {name: value for name, value in other.items() if value.is_floating_point() and name in one}
        return {
            value.shape
            for name, value in floating.items()
            if one[name].shape == value.shape and (one[name] - value).norm() > limit * value.norm()
        }

    def _first_wrong_stage(self) -> tuple[Stage, Sequence[Captured]]:
        """The first stage whose answer is wrong, and the graphs that were captured on the way.

        Raises NotComparable where the time is over, or where a stage before that could not be run, so that nobody can tell.
        """
        graphs: dict[Stage, Sequence[Captured]] = {}
        for stage in STAGES[:-1]:
            if self._over:
                raise NotComparable(OUT_OF_TIME)
            try:
                comparison, _, captured = self._compared(stage)
            except Exception as error:
                if stage in AHEAD_OF_TIME:  # one more of the compiler's own stages: the next one tells enough
                    continue
                raise NotComparable(
                    f"it cannot be run by the stage {stage}: {command_loop.reason_of(error)}"
                ) from error
            if comparison.exceeds():
                break
            graphs[stage] = captured
        else:
            stage = STAGES[-1]
        return stage, [one for known in GRAPHS for one in graphs.get(known, ())]

    def _module(self) -> str:
        """The first of a module that differs, where nothing is compiled."""
        self._say("the first module that differs")
        try:
            with only_up_to("uncaptured"):
                return first_different(self._arm(), self._step)
        except Exception as error:  # noqa: BLE001 - hooks may not go with what the user's modules do; the tensor is known
            self._say(f"its modules cannot be watched: {error}"[:200])
            return ""

    def _compiler_script(self, script: Path, stage: Stage, graphs: Sequence[Captured]) -> tuple[Program | None, bool]:
        """The smallest program found that a stage compiles wrongly, and whether its script shows that."""
        self._trial = Trial(stage, self._deadline)
        for captured in graphs:
            if captured.inputs is None:
                continue
            self._say("the smallest part of the graph that is wrong")
            try:
                program, values = of_graph(captured.graph, captured.inputs)
            except Unprintable:
                continue
            if small := minimised(program, values, self._trial, self._wrong):
                self._say("a script that shows it")
                text = compiler_script.written(small, values, self._trial, f"{self._recipe.name} of {self._file.name}")
                self._values = values
                return small, self._shows(script, text)
        return None, False

    def _with_pass(self, program: Program | None, stage: Stage) -> str:
        """The stage, and with it the pass of inductor that makes the smallest program wrong, where it can be told."""
        named = f"{stage} of torch {torch.__version__.partition('+')[0]}"
        if program is None or stage != "inductor" or self._over:
            return named
        from torch._inductor.compiler_bisector import CompilerBisector

        self._say("which pass of inductor it is")
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                result = CompilerBisector.do_bisect(lambda: not self._trial.is_wrong(program, self._values))
            except Exception:  # noqa: BLE001 - torch's own tool; the stage is known without it
                return named
        if result is None or not result.subsystem or self._over:
            return named
        return ": ".join([named, ", ".join(filter(None, [result.subsystem, result.debug_info]))])

    def _step_script(self) -> str:
        """The script of the whole step with the recipe's lines."""
        return step_script.text(
            self._file,
            dict(self._file.parameters) | self._step.setting.named,
            recipe=self._recipe.name,
            patch=self._patch,
            update="" if "update" in self._file.functions else default_update(self._step),
            dtype=self._step.setting.dtype,
            warm=WARM,
        )

    def _shows(self, target: Path, script: compiler_script.Script) -> bool:
        """Writes a script, and runs it in a process of its own; whether it shows the fault. One that does not is removed."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(script.text, encoding="utf-8")
        tensors = target.with_suffix(".safetensors")
        if script.tensors is not None:
            safetensors.torch.save_file(dict(script.tensors), tensors)
        with contextlib.suppress(subprocess.TimeoutExpired):
            limit = max(1.0, self._deadline - clock.now())
            done = subprocess.run([sys.executable, target], capture_output=True, text=True, timeout=limit)
            self._say(f"a script that shows it: status {done.returncode}")
            if done.returncode == 1 and "Traceback" not in done.stderr:
                return True
        for file in (target, tensors):
            file.unlink(missing_ok=True)
        return False
