"""The process of the exam of one step at one seed: writes all judgements as one JSON file.

python -m bench.referee_exam.main STEP SEED MEMBERS TARGET      at seed 0 everything is asked, at others what may differ there
"""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from bench.processes.worker_process import ROOT
from bench.referee_exam import syllabus
from bench.referee_exam.paper import Examiner
from bench.referee_exam.rules import RULES
from bench.results.scores.referee import Paper
from bench.results.store import Store, pretty
from bench.system import environment
from impls.recipe import steps

PACKAGES = ("torch", "numpy")


def main() -> None:
    """Examines, and writes the file when all is judged."""
    name, seed, members, target = sys.argv[1:]
    torch.set_num_threads(1)
    file = steps.find(name)
    examiner = Examiner(file, steps.setting(file, {}, seed=int(seed)), int(members))
    referee = examiner.referee
    dtypes = {"float32": False} | ({"float64": True} if referee.double else {})
    paper = Paper(
        step=name,
        seed=int(seed),
        members=int(members),
        seconds=referee.seconds,
        power={dtype: referee.power(float64=float64) for dtype, float64 in dtypes.items()},
        machine=environment.machine_in_words(ROOT),
        versions={"Python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        rules={rule.name: rule.text for rule in RULES},
        judgements=tuple(examiner.judgements(syllabus.asked_again() if int(seed) else syllabus.asked())),
    )
    path = Path(target)
    Store(path.parent).write(path.name, pretty(paper))


if __name__ == "__main__":
    main()
