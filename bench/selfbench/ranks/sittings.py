"""Sittings of all tools in turn, each kept as a file, so that a series which was stopped goes on."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from bench import clock
from bench.processes.worker_process import ROOT
from bench.results.scores.ranks import Series, Sitting
from bench.results.store import Store, pretty, read
from bench.runner.plan import Choice, make_plan
from bench.selfbench.ranks.tools import TOOLS
from bench.system import environment

SECONDS = 55.0  # that each tool is given, about as long as a quick run takes
FILE = "series.json"


def series(count: int, target: Path) -> Series:
    """Makes what is missing of so many sittings of each tool, in a drawn order; each is kept at once."""
    (race,) = make_plan(Choice(effort="quick"), command="python -m bench run --effort quick").races
    made = _begun(target, race.reference.implementation)
    done = {(one.tool, one.number) for one in made.sittings}
    for number in range(1, count + 1):
        for tool in random.Random(number).sample(list(TOOLS), len(TOOLS)):
            if (tool, number) in done:
                continue
            begin = clock.now()
            with TemporaryDirectory(prefix="looprace-ranks-") as folder:
                found = TOOLS[tool].measure(race, SECONDS, Path(folder))
            sitting = Sitting(
                tool=tool,
                number=number,
                took=clock.now() - begin,
                seconds=dict(found.seconds),
                ranks=dict(found.ranks),
            )
            made = replace(made, sittings=(*made.sittings, sitting))
            Store(target).write(FILE, pretty(made))
    return made


def _begun(target: Path, reference: str) -> Series:
    """The series as far as it has come."""
    if (target / FILE).exists():
        return read(target / FILE, Series)
    versions = environment.describe(ROOT)["packages"]
    return Series(
        machine=environment.machine_in_words(ROOT),
        versions={
            name: version for name, version in versions.items() if name in ("torch", "pytest-benchmark", "numpy")
        },
        reference=reference,
        ways={name: tool.way for name, tool in TOOLS.items()},
        sittings=(),
    )
