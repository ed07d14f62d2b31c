"""Sittings of all tools in turn, each kept as a file, so that a series which was stopped goes on."""

import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import clock
from bench.processes.worker_process import ROOT
from bench.results.ranks import Series, Sitting, steadiness
from bench.results.store import Store, pretty, read
from bench.runner.plan import Choice, make_plan
from bench.selfbench.figure import Figure
from bench.selfbench.ranks.tools import TOOLS
from bench.system import environment

SECONDS = 55.0  # that each tool is given, about as long as a quick run takes
FILE = "series.json"


def figures(count: int, target: Path) -> Iterator[Figure]:
    """Makes what is missing of so many sittings of each tool, in a drawn order, and says how well each repeats."""
    (race,) = make_plan(Choice(effort="quick"), command="python -m bench run --effort quick").races
    series = _begun(target, race.reference.implementation)
    done = {(one.tool, one.number) for one in series.sittings}
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
            series = replaced(series, sitting)
            Store(target).write(FILE, pretty(series))
    for one in steadiness(series):
        told = "" if one.told is None else f", {one.told} of them called different both times"
        yield Figure(
            f"order of {one.pairs} pairs of arms in {one.sittings} runs of {one.tool}",
            f"{one.swapped} pairs change places{told}; two runs are {one.usual:.1%} apart, at most {one.worst:.1%}; "
            f"{one.took:.0f} s a run",
            "no pair that is called different changes places" if one.told is not None else "",
            None if one.told is None else one.told == 0,
        )


def replaced(series: Series, sitting: Sitting) -> Series:
    """The series with one more sitting."""
    return Series(
        machine=series.machine,
        versions=series.versions,
        reference=series.reference,
        ways=series.ways,
        sittings=(*series.sittings, sitting),
    )


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
