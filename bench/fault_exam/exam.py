"""The whole exam: damaged files, kills at every write and at random, and kills of other tools. It goes on where it stopped."""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from bench.fault_exam import damage, kills, others, write_steps
from bench.fault_exam.damage import Show
from bench.processes.worker_process import ROOT
from bench.results.scores.faults import Damage, Faults, Kill, endings, survivals
from bench.results.store import Store, pretty, read
from bench.selfbench.figure import Figure
from bench.system import environment

FILE = "faults.json"
CORPUS = ROOT / "tests" / "corpus"  # a run of each format, and a gate
WRITTEN = "format-3"  # the run that is written again and again
DAMAGES = 20  # for each kill at random, of each folder
OTHERS = 0.2  # kills of each other tool, for each kill at random
PACKAGES = ("torch", "pytest-benchmark")


def figures(count: int, target: Path, shows: Mapping[str, Show]) -> Iterator[Figure | str]:
    """What became of so many kills at random, and of what belongs to them.

    shows  what shows a folder of the corpus, by the beginning of its name
    """
    made = read(target / FILE, Faults) if (target / FILE).exists() else _begun()
    for doing, new in _series(made, count, shows):
        yield doing
        for each in new():
            kept = {"kills": (*made.kills, each)} if isinstance(each, Kill) else {"damages": (*made.damages, each)}
            made = replace(made, **kept)
            if isinstance(each, Kill):
                Store(target).write(FILE, pretty(made))
    Store(target).write(FILE, pretty(made))
    yield from _summed_up(made)


def _begun() -> Faults:
    versions = environment.describe(ROOT)["packages"]
    return Faults(
        machine=environment.machine_in_words(ROOT),
        versions={name: version for name, version in versions.items() if name in PACKAGES},
    )


def _series(
    made: Faults, count: int, shows: Mapping[str, Show]
) -> Iterator[tuple[str, Callable[[], Iterator[Kill | Damage]]]]:
    """What is missing of each part: what to say of it, and what does it."""
    if not made.damages:
        for folder in sorted(CORPUS.glob("*-[0-9]*")):
            show = next(show for beginning, show in shows.items() if folder.name.startswith(beginning))
            order = random.Random(folder.name)
            tries = DAMAGES * count
            yield (
                f"{tries} damaged files of {folder.name}",
                partial(damage.tries, folder, tries, order, show),
            )
    if not any(kill.victim == write_steps.VICTIM for kill in made.kills):
        yield "kills while writing", _of_writing
    own = sum(kill.tool == kills.TOOL and kill.victim != write_steps.VICTIM for kill in made.kills)
    if own < count:
        yield f"{count - own} kills at random", partial(kills.kills, count - own, seed=own)
    if not any(kill.tool != kills.TOOL for kill in made.kills):
        each = max(1, round(OTHERS * count))
        yield f"{each} kills of each other tool", partial(others.kills, each, seed=1)


def _of_writing() -> Iterator[Kill]:
    store = Store(CORPUS / WRITTEN)
    with TemporaryDirectory(prefix="looprace-writing-") as folder:
        yield from write_steps.kills(store.plan(), store.records()[0], Path(folder))


def _summed_up(made: Faults) -> Iterator[Figure]:
    for one in survivals(made.kills):
        own = one.tool == kills.TOOL
        yield Figure(
            f"{one.tool}, {one.victim}: {one.kills} kills",
            f"{one.survived} survived; {one.losing} of the {one.with_results} that met finished results lost some",
            "all" if own else "",
            one.survived == one.kills if own else None,
        )
    for kind, ended in endings(made.damages).items():
        said = ", ".join(f"{count} {word}" for word, count in sorted(ended.items()))
        yield Figure(
            f"{ended.total()} damaged files: {kind}",
            said,
            "read or refused",
            set(ended) <= {damage.READ, damage.REFUSED},
        )
