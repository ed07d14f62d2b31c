"""Examines the referee of steps, step after step in processes of their own, and scores it beside other rules."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from statistics import median

from bench import clock
from bench.processes.worker_process import ROOT, allowed_cores
from bench.results.record import RANKED
from bench.results.scores.referee import FORMAT, OURS, Judgement, Mark, Method, Paper, Score, worst
from bench.results.store import StoreError, read
from bench.selfbench.figure import Figure
from impls.recipe import steps
from impls.recipe.recipe import Recipe

MEMBERS = 59
TRIALS = "trials"  # folder of the papers, as an archive keeps it
COUNTS = 1e-6  # of the largest tensor of its kind: a mutant that changes less is told apart, for few would mind it


def examined(seeds: int, target: Path, names: Sequence[str] = (), members: int = MEMBERS) -> Iterator[str]:
    """Makes the papers that are missing, as many at a time as there are cores; yields a line for each that is done.

    seeds  of each step: at the first one everything is asked, at the others what may differ there
    names  of steps; all that are shipped where there are none
    """
    wanted = [(name, seed) for seed in range(seeds) for name in (names or steps.files())]
    begin = clock.now()
    with ThreadPoolExecutor(len(allowed_cores())) as pool:
        missing = [one for one in wanted if not _path(target, *one).exists()]
        made = {pool.submit(_examine, target, name, seed, members): (name, seed) for name, seed in missing}
        for paper in as_completed(made):
            name, seed = made[paper]
            failed = f" FAILED: see {_path(target, name, seed).with_suffix('.log')}" if paper.result() else ""
            yield f"{clock.now() - begin:5.0f} s  {name}, seed {seed}{failed}"


def _examine(target: Path, name: str, seed: int, members: int) -> int:
    """Makes one paper in a process of its own; its exit status."""
    path = _path(target, name, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bench.referee_exam.main", name, str(seed), str(members), str(path)]
    unkept = os.environ | {"LOOPRACE_CACHE": ""}  # so that each paper says how long its ensembles take
    with path.with_suffix(".log").open("wb") as log:
        return subprocess.run(command, cwd=ROOT, env=unkept, stdout=log, stderr=log).returncode


def _path(target: Path, name: str, seed: int) -> Path:
    return target / TRIALS / f"{name.removeprefix(steps.PREFIX)}-{seed}.json"


def papers(target: Path) -> list[Paper]:
    """All papers of an exam. Raises StoreError for one that cannot be read, and where there is none."""
    made = [read(path, Paper, FORMAT) for path in sorted((target / TRIALS).glob("*.json"))]
    if not made:
        raise StoreError(f"{target} holds no paper of an exam of the referee.")
    return made


def score(made: Sequence[Paper]) -> Score:
    """What the papers come to."""
    judged = [one for paper in made for one in paper.judgements if one.answer is not None]
    coarser = [one for one in judged if Recipe.read(one.recipe).coarser]
    fine = [one for one in judged if not Recipe.read(one.recipe).coarser]
    random = [one for one in fine if _is_random(one)]
    sharp = [one for one in fine if not _is_random(one)]
    counted = [one for one in sharp if one.kind == "legal" or _change(one) >= COUNTS]
    small = [one for one in sharp if one.kind == "mutant" and 0 < _change(one) < COUNTS]
    rules = {OURS: "single updates in float64 and float32, beside an ensemble of roundings"} | made[0].rules
    return Score(
        members=made[0].members,
        prepared=median(paper.seconds for paper in made),
        methods=tuple(_method(name, text, counted) for name, text in rules.items()),
        marks=tuple(_mark(one, list(rules)) for one in counted),
        small=(len(small), sum(not _passes(one, OURS) for one in small)),
        coarser=_coarser(coarser),
        random=_random(random),
        identical=sum(
            one.kind == "legal" and one.answer is not None and one.answer.word == "identical" for one in counted
        ),
        unjudged=sum(one.answer is not None and one.answer.word in ("unjudged", "undecidable") for one in counted),
        power={paper.step: paper.power for paper in made if paper.seed == 0},
        machine=made[0].machine,
        versions=made[0].versions,
    )


def _is_random(judgement: Judgement) -> bool:
    """Whether it draws other random numbers than the step, so that rules which compare numbers cannot be asked."""
    return judgement.random or (judgement.answer is not None and judgement.answer.draws == "own")


def _change(judgement: Judgement) -> float:
    return judgement.change or 0.0


def _passes(judgement: Judgement, method: str) -> bool:
    """Whether a method calls an answer equal to the plain step's."""
    if method != OURS:
        return judgement.passed[method]
    assert judgement.answer is not None
    word = judgement.answer.word
    return word in RANKED and (word != "coarser" or judgement.kind == "mutant")


def _method(name: str, text: str, judged: Sequence[Judgement]) -> Method:
    mutants = [one for one in judged if one.kind == "mutant"]
    legal = [one for one in judged if one.kind == "legal"]
    return Method(
        name=name,
        text=text,
        missed=sum(_passes(one, name) for one in mutants),
        mutants=len(mutants),
        refused=sum(not _passes(one, name) for one in legal),
        legal=len(legal),
        seconds=median(one.seconds[name] for one in judged),
    )


def _mark(judgement: Judgement, methods: Sequence[str]) -> Mark:
    answer = judgement.answer
    assert answer is not None
    lost = [bits for bits in (answer.bits_lost_float64, answer.scale_bits_float64) if bits is not None]
    return Mark(
        step=judgement.step,
        seed=judgement.seed,
        variation=judgement.variation,
        kind=judgement.kind,
        change=_change(judgement),
        bits=max(lost, default=None),
        missed=tuple(name for name in methods if _passes(judgement, name) == (judgement.kind == "mutant")),
    )


def _coarser(judged: Sequence[Judgement]) -> tuple[int, int, int, int]:
    mutants = [one for one in judged if one.kind == "mutant" and _change(one) >= COUNTS]
    legal = [one.answer.word for one in judged if one.kind == "legal" and one.answer]
    found = sum(not _passes(one, OURS) for one in mutants)
    return len(mutants), found, len(legal), sum(word in RANKED for word in legal)


def _random(judged: Sequence[Judgement]) -> tuple[int, int, int, int]:
    mutants = [one for one in judged if one.kind == "mutant"]
    legal = [one for one in judged if one.kind == "legal"]
    found = sum(one.answer is not None and one.answer.word == "different" for one in mutants)
    return len(mutants), found, len(legal), sum(not _passes(one, OURS) for one in legal)


def figures(seeds: int, target: Path) -> Iterator[Figure | str]:
    """The exam, line by line; then its promises and whether they are kept."""
    yield from examined(seeds, target)
    result = score(papers(target))
    ours = result.methods[0]
    yield Figure("mutants that the referee calls equal", f"{ours.missed} of {ours.mutants}", "none", ours.missed == 0)
    yield Figure(
        "legal variations that it refuses",
        f"{ours.refused} of {ours.legal}",
        "at most 1 %",
        ours.refused <= 0.01 * ours.legal,
    )
    legal, mutant = worst(result, "legal"), worst(result, "mutant")
    yield Figure(
        "bits in float64 between them",
        f"{legal[1]} {legal[0]:.1f}, {mutant[1]} {mutant[0]:.1f}",
        "at least 3",
        mutant[0] - legal[0] >= 3,
    )
    asked, found, right, refused = result.random
    yield Figure("random mutants found", f"{found} of {asked}", "19 of 20", found >= 0.95 * asked)
    yield Figure("random legal variations refused", f"{refused} of {right}", "1 of 50", refused <= 0.02 * right)
    asked, found, right, ranked = result.coarser
    yield Figure("mutants in bfloat16 found", f"{found} of {asked}", "at least 95 %", found >= 0.95 * asked)
    yield Figure("arms in bfloat16 ranked", f"{ranked} of {right}", "all", ranked == right)
