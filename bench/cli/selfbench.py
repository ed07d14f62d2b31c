"""`bench selfbench`: how good looprace itself is."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import typer

from bench.cli import console, notation, session
from bench.cli.options import Selfbench
from bench.fault_exam import exam, soak
from bench.processes.worker_process import ArmFault
from bench.results.scores.faults import Faults
from bench.results.scores.ranks import Series
from bench.results.store import Store, read
from bench.selfbench import referee_score
from bench.selfbench.figure import Figure
from bench.selfbench.gate_score import score
from bench.selfbench.ranks import sittings
from bench.selfbench.speed import HOURS, PARTS
from reports.exit_status import Exit

SCORE = Path("results/score")
REFEREE = Path("results/referee")
RANKS = Path("results/ranks")
FAULTS = Path("results/faults")


def selfbench(typed: Selfbench) -> None:
    """Measures the parts that were named, else those that do not take hours, and compares each with its promise."""
    figures = []
    every = {**PARTS, "faults": _faults, "soak": soak.figures}
    with session.refusals():
        parts = notation.names("--only", typed.only, every) or tuple(part for part in PARTS if part not in HOURS)
        repetitions = notation.count("--repetitions", typed.repetitions)
        try:
            for result in chain.from_iterable(every[part](repetitions) for part in parts):
                if isinstance(result, Figure):
                    figures.append(vars(result))
                    kept = "kept" if result.kept else "NOT KEPT"
                    promise = f"; promised: {result.promise}; {kept}" if result.promise else ""
                    console.say(f"{result.name}: {result.said}{promise}")
                else:
                    console.say(result)
        except ArmFault as fault:
            console.refuse(f"{fault}; the same command goes on from here")
            raise typer.Exit(Exit.FAILED) from fault
        if "score" in parts:
            from reports.gate.score import figure  # loads matplotlib, which nothing else here needs

            _write(SCORE, figure.files(score(SCORE)))
        if "referee" in parts:
            from reports.referee import figure as of_referee

            _write(REFEREE, of_referee.files(referee_score.score(referee_score.papers(REFEREE))))
        if "ranks" in parts:
            from reports.scores import ranks

            _write(RANKS, {"summary.md": ranks.render(read(RANKS / sittings.FILE, Series)).encode()})
        if "faults" in parts:
            from reports.scores import faults

            _write(FAULTS, {"summary.md": faults.render(read(FAULTS / exam.FILE, Faults)).encode()})
    if typed.json_:
        console.print_json({"format": 1, "figures": figures})


def _faults(count: int) -> Iterator[Figure | str]:
    """The exam of what is survived; it needs what reports show."""
    from bench.cli import gate, report  # late: they load what draws, which no other part does

    yield from exam.figures(count, FAULTS, {"format": report.shown, "gate": gate.shown})


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes a table and a figure, and names the files."""
    for name, content in files.items():
        Store(folder).write(name, content)
    console.name_files(folder, list(files))
