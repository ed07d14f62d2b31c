"""What a variation of a step answers: in this process, or in one or several of its own.

    python -m bench.referee_exam.candidate STEP SETTING VARIATION TARGET RANK MEETING

SETTING is a JSON object of the setting's fields; TARGET the safetensors file that is written, by rank 0 alone; MEETING a file
by which several processes find each other.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from bench.judge.standard import observation
from bench.judge.standard.observation import SEED, Observation, losses, observe, set_generators
from bench.messages import commands
from bench.referee_exam import syllabus
from bench.referee_exam.rules import LATER, LONG
from bench.referee_exam.variation import Variation, VariedStep
from impls.contract.setting import Setting
from impls.recipe import steps
from impls.recipe.live_step import LiveStep
from impls.recipe.step_file import StepFile


class CandidateError(Exception):
    """A variation gave no answer; the message is the last line of what its process said."""


def answers(file: StepFile, setting: Setting, variation: Variation) -> tuple[Observation, Observation]:
    """The answers of a variation in the setting's dtype, with the losses of many updates, and in float64.

    Raises whatever the step raises, NotApplicable where the recipe does not apply, and CandidateError.
    """
    double = replace(setting, dtype="float64")
    if not variation.alone:
        return answer(VariedStep(file, setting, variation)), observe(VariedStep(file, double, variation))
    with tempfile.TemporaryDirectory() as folder:
        targets = [Path(folder, f"{each.dtype}.safetensors") for each in (setting, double)]
        started = [
            process
            for each, target in zip((setting, double), targets, strict=True)
            for process in _started(file, each, variation, target)
        ]
        said = [process.communicate()[0] for process in started]
        for process, text in zip(started, said, strict=True):
            if process.returncode:
                raise CandidateError(text.strip().splitlines()[-1] if text.strip() else "it ended without a word")
        single, exact = (observation.read(target) for target in targets)
        return single, exact


def answer(step: LiveStep) -> Observation:
    """What the referee looks at, and the losses of many updates from the same start."""
    return observe(step) | later_losses(step)


def later_losses(step: LiveStep) -> Observation:
    """The losses of many updates after the warm-up, "later loss 0" and so on; the step goes back to it."""
    step.reset()
    set_generators(SEED)
    seen: Observation = {}
    for number in range(LONG):
        seen |= {LATER + name: value for name, value in losses(number, step.update_once()).items()}
    step.reset()
    return seen


def _started(file: StepFile, setting: Setting, variation: Variation, target: Path) -> Sequence[subprocess.Popen[str]]:
    """The processes of a variation; both standard streams of each come back together."""
    command = [sys.executable, "-m", __name__, file.name, json.dumps(asdict(setting)), variation.name, str(target)]
    meeting = str(target.with_suffix(".meeting"))
    return [
        subprocess.Popen(
            [*command, str(rank), meeting],
            env=os.environ | variation.variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for rank in range(variation.processes)
    ]


def main() -> None:
    """Makes the answer of a variation in this process, and writes it."""
    name, fields, wanted, target, rank, meeting = sys.argv[1:]
    torch.set_num_threads(1)
    variation = syllabus.named(wanted)
    if variation.processes > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=variation.processes
        )
    setting = commands.setting_of(json.loads(fields))
    step = VariedStep(steps.find(name), setting, variation)
    made = answer(step) if setting.dtype == "float32" else observe(step)
    if int(rank) == 0:
        observation.write(Path(target), made)
    if variation.processes > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
