"""Examines the gate on steps where the truth is known: shipped steps, unchanged or made slower, by the command that users type.

Each trial is a gate on a repository of its own. It is kept as one file, so a series can be stopped and resumed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

from msgspec import Struct

from bench import clock
from bench.processes.worker_process import ROOT
from bench.results.store import Store, pretty, read
from bench.selfbench.figure import Figure
from bench.selfbench.inject_slowdown import NOTHING
from bench.system.git import git

Kind = Literal["unchanged", "whole", "phase"]

FORMAT = 1
# The phase of each step that is made slower: about a tenth of its update where it has one.
STEPS = {"digits_mlp": "data", "conv_net": "optimizer", "char_transformer": "optimizer", "gan": "data"}
PATIENCE = {"unchanged": 120, "whole": 120, "phase": 300}  # seconds of a comparison; a phase is noisier than the whole
WHOLE, PHASE = 0.05, 0.10  # planted slowdowns
# Waits for a share of the processor's time that what it wraps has taken: so the slowdown is the same at any speed.
WAIT = """

import time as planted_time


def planted_wait(begin, share):
    now = planted_time.thread_time()
    end = now + share * (now - begin)
    while planted_time.thread_time() < end:
        pass


def planted(call, share={phase}):
    def slower(*arguments, **keywords):
        begin = planted_time.thread_time()
        value = call(*arguments, **keywords)
        planted_wait(begin, share)
        return value

    return slower
"""
OF_WHOLE = """

planted_schedule = globals().get("schedule")


def schedule(optimizer, number):
    if hasattr(planted_wait, "begin"):
        planted_wait(planted_wait.begin, {whole})
    if planted_schedule:
        planted_schedule(optimizer, number)
    planted_wait.begin = planted_time.thread_time()
"""
OF_PHASE = {
    "optimizer": """

planted_optimizer = optimizer


def optimizer(model, **parameters):
    made = planted_optimizer(model, **parameters)
    for one in made.values() if isinstance(made, dict) else [made]:
        one.step, one.zero_grad = planted(one.step), planted(one.zero_grad)
    return made
""",
    "data": """

planted_batches = batches


def batches(seed, **parameters):
    yield from iter(planted(planted_batches(seed, **parameters).__next__), None)
""",
}


class StepTrial(Struct, frozen=True, kw_only=True):
    """One comparison of one step.

    seconds  of the whole command, divided by the steps that it compared
    cell     of the document that the gate printed
    """

    format: int = FORMAT
    kind: Kind
    step: str
    seconds: float
    cell: dict[str, Any]

    @property
    def phases(self) -> list[str]:
        """The phases that were called slower."""
        return [name for name, phase in self.cell["phases"].items() if phase["verdict"] == "regressed"]


def slowed(source: str, kind: Kind, step: str) -> str:
    """The source of a step with what is planted at its end; unchanged ones get functions that nobody calls."""
    if kind == "unchanged":
        return f"{source}\n\n{NOTHING}"
    wait = WAIT.format(phase=PHASE)
    return source + wait + (OF_WHOLE.format(whole=WHOLE) if kind == "whole" else OF_PHASE[STEPS[step]])


def trials(kind: Kind, count: int, target: Path) -> Iterator[str]:
    """Carries out what is missing of so many comparisons of each step; yields a line before each gate.

    Unchanged steps share a gate and its controls; a planted slowdown has a gate of its own.
    """
    for number in range(1, count + 1):
        for names in [tuple(STEPS)] if kind == "unchanged" else [(name,) for name in STEPS]:
            missing = [name for name in names if not (target / _file(kind, name, number)).exists()]
            if missing:
                yield f"{kind} {number} of {count}: {', '.join(missing)}"
                for trial in _gate(kind, missing):
                    Store(target).write(_file(kind, trial.step, number), pretty(trial))


def figures(kind: Kind, count: int, target: Path) -> Iterator[Figure | str]:
    """How often the gate was right, and how long it took; resumes the trials in the folder."""
    yield from trials(kind, count, target)
    done = [read(path, StepTrial, FORMAT) for path in sorted((target / kind).glob("*.json"))]
    words = [trial.cell["verdict"] for trial in done]
    wrong = sum(trial.cell["verdict"] == "regressed" or bool(trial.phases) for trial in done)
    if kind == "unchanged":
        yield Figure("unchanged steps called slower", f"{wrong} of {len(done)}", "none", wrong == 0)
        yield Figure("unchanged steps not decided", f"{words.count('unresolved')} of {len(done)}")
    elif kind == "whole":
        found = words.count("regressed")
        yield Figure(f"{WHOLE:.0%} of the whole found", f"{found} of {len(done)}", "95 %", found >= 0.95 * len(done))
    else:
        for step, phase in STEPS.items():
            of_step = [trial for trial in done if trial.step == step]
            named = sum(phase in trial.phases for trial in of_step)
            share = median(trial.cell["phases"].get(phase, {"share": 0.0})["share"] for trial in of_step)
            said = f"{named} of {len(of_step)}, {share:.0%} of the update"
            yield Figure(f"{PHASE:.0%} of {step}'s {phase} named", said, "95 %", named >= 0.95 * len(of_step))
    seconds = [trial.seconds for trial in done]
    yield Figure(f"{kind}, seconds a comparison", f"median {median(seconds):.0f}, most {max(seconds):.0f}")


def _file(kind: Kind, step: str, number: int) -> str:
    return f"{kind}/{step}-{number:03d}.json"


def _gate(kind: Kind, names: Sequence[str]) -> list[StepTrial]:
    """The comparisons of one gate on a new repository, whose head has the plant. Raises RuntimeError where it says nothing."""
    with TemporaryDirectory(prefix="looprace-steps-") as folder:
        project = Path(folder, "project")
        project.mkdir()
        sources = {name: (ROOT / "impls" / "steps" / f"{name}.py").read_text(encoding="utf-8") for name in names}
        for name, source in sources.items():
            (project / f"{name}.py").write_text(source, encoding="utf-8")
        git(project, "init", "--quiet", "--initial-branch=main")
        git(project, "add", ".")
        git(project, "-c", "user.name=exam", "-c", "user.email=exam@localhost", "commit", "--quiet", "-m", "Begin")
        for name, source in sources.items():
            (project / f"{name}.py").write_text(slowed(source, kind, name), encoding="utf-8")
        begin = clock.now()
        files = [str(project / f"{name}.py") for name in names]
        limits = ["--budget", f"{PATIENCE[kind] * len(names)}s", "--results", str(Path(folder, "results"))]
        done = subprocess.run(
            [sys.executable, "-m", "bench", "gate", *files, "--base", "main", "--json", *limits],
            cwd=ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = (clock.now() - begin) / len(names)
    if not done.stdout:
        raise RuntimeError(f"the gate of {', '.join(names)} printed nothing: {done.stderr[-2000:]}")
    cells = {Path(cell["workload"]).stem: cell for cell in json.loads(done.stdout)["cells"]}
    return [StepTrial(kind=kind, step=name, seconds=seconds, cell=cells[name]) for name in names]
