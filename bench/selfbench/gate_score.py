"""Scores our gate beside other gates: what each answers in the same trials, and how often it is right.

Trials keep their raw blocks, so every rule can be applied again to what was measured before.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import log1p
from pathlib import Path
from statistics import median

from msgspec import Struct
from msgspec.structs import replace
from scipy.stats import binomtest

from bench.gate.rule.decision import Decision, Word, decide
from bench.results import statistics
from bench.results.gate import Margins, Role
from bench.results.record import Arm
from bench.results.scores.gate import Answer, AtLevel, Method, Score, Share
from bench.results.store import StoreError, read
from bench.selfbench.other_gates import OTHER_GATES, OtherGate, ProcessRun

FORMAT = 1
PLAN = "sitting.json"
OURS = "looprace gate"
LEVELS = (0.0, 0.01, 0.02, 0.05, 0.10)
OUR_WORDS: Mapping[Word, Answer] = {
    "regressed": "slower",
    "improved": "faster",
    "ok": "passed",
    "unresolved": "unresolved",
}
OUR_WAY = (
    "screened by paired rounds, confirmed by fresh ones: slower for sure than the floor",
    "fresh processes of both sides on one core in every round, their blocks in alternating laps",
)


class Outcome(Struct, frozen=True, kw_only=True):
    """The rounds that our gate raced in a trial; its decision is computed from them.

    rounds   ln(head / base) of each, in the order in which they were raced
    seconds  wall time of all rounds, with starting the processes
    """

    margins: Margins
    rounds: tuple[float, ...]
    seconds: float

    @property
    def decision(self) -> Decision:
        """The decision of the gate; rounds after the look that flags the arm are its confirmation."""
        screened = decide(self.rounds, (), self.margins)
        if screened.stage != "confirm" or screened.clocked is None:
            return screened
        count = screened.clocked.rounds
        return decide(self.rounds[:count], self.rounds[count:], self.margins)

    @property
    def answer(self) -> Answer:
        """The decision as one of the answers that all gates can give."""
        return OUR_WORDS[self.decision.word]

    @property
    def spent(self) -> float:
        """Seconds until the decision; rounds after that were not needed."""
        decision = self.decision
        counted = sum(stage.rounds for stage in (decision.clocked, decision.screened) if stage)
        return self.seconds * counted / len(self.rounds)

    def slower(self, by: float) -> "Outcome":
        """The same rounds with a head that takes so much longer: 0.05 is 5 %."""
        return replace(self, rounds=tuple(value + log1p(by) for value in self.rounds))


class SeriesPlan(Struct, frozen=True, kw_only=True):
    """The plan of a series of sessions; written first, and the same whenever the series is resumed.

    budget  seconds of wall time for each comparison of each method
    levels  slowdowns that are put into the head's code
    ways    names of the samplings by which the data of the other gates are collected
    """

    format: int = FORMAT
    seed: int
    budget: float
    levels: tuple[float, ...]
    arms: tuple[Arm, ...]
    ways: tuple[str, ...]
    machine: str
    versions: dict[str, str]


class Trial(Struct, frozen=True, kw_only=True):
    """One comparison of an arm in one session, and all that was measured.

    level  the slowdown that was put into the head's code; 0 where times are made longer afterwards instead
    pace   seconds of one update of the base, measured just before; 0 where it was not needed
    turns  the processes that were measured for the other gates, by name of the sampling
    ours   the rounds of our gate
    """

    format: int = FORMAT
    session: int
    arm: Arm
    level: float
    started: str
    pace: float
    turns: dict[str, tuple[ProcessRun, ...]]
    ours: Outcome | None = None

    @property
    def key(self) -> tuple[str, float]:
        """What the same trial has in different sessions."""
        return (self.arm.slug, self.level)


def trials(target: Path) -> Iterator[Trial]:
    """All trials of a series, session after session. Raises StoreError for a file that cannot be read."""
    for path in sorted((target / "trials").glob("*/*.json"), key=lambda path: path.parts):
        yield read(path, Trial, FORMAT)


def replay(trial: Trial, earlier: Trial | None = None, slower: float = 0.0) -> dict[str, tuple[Answer, float]]:
    """The answer of each method in a trial, and the seconds it took, by name. The rules are applied to the raw blocks.

    earlier  the same trial of an earlier session, for gates with a stored baseline; None: these give no answer
    slower   by how much each time of the head is made longer: the true change is exact, the noise is the machine's own
    """
    answers: dict[str, tuple[Answer, float]] = {}
    if trial.ours:
        ours = trial.ours.slower(slower)
        answers[OURS] = (ours.answer, ours.spent)
    for gate in OTHER_GATES:
        source = earlier if gate.stored else trial
        if source is not None and gate.sampling.name in trial.turns:
            base, head = _runs(source, gate, "base"), _runs(trial, gate, "head", slower)
            answers[gate.name] = (gate.decide(base, head), sum(run.seconds for run in (*base, *head)))
    return answers


def _runs(trial: Trial, gate: OtherGate, role: Role, slower: float = 0.0) -> list[ProcessRun]:
    runs = [run for run in trial.turns[gate.sampling.name] if run.role == role]
    return [replace(run, blocks=tuple(block * (1 + slower) for block in run.blocks)) for run in runs]


def score(target: Path) -> Score:
    """The score of a series without slowdowns in the code, complete or not: LEVELS are put into the measured times.

    Raises StoreError where there is none, or nothing has been measured yet.
    """
    plan = read(target / PLAN, SeriesPlan, FORMAT)
    sessions, count = set[int](), 0
    latest: dict[tuple[str, float], Trial] = {}
    answers: dict[str, list[tuple[float, Answer, float]]] = {}
    for trial in trials(target):
        for level in LEVELS:
            for name, (answer, seconds) in replay(trial, latest.get(trial.key), level).items():
                answers.setdefault(name, []).append((level, answer, seconds))
        latest[trial.key] = trial
        sessions.add(trial.session)
        count += 1
    if not count:
        raise StoreError(f"The series of sessions at {target} has no trial yet: resume it.")
    about = {OURS: OUR_WAY} | {gate.name: (gate.rule, gate.collected) for gate in OTHER_GATES}
    return Score(
        sessions=len(sessions),
        trials=count,
        budget=plan.budget,
        arms=plan.arms,
        machine=plan.machine,
        versions=plan.versions,
        methods=tuple(
            _method(name, rule, way, answers[name]) for name, (rule, way) in about.items() if name in answers
        ),
    )


def _method(name: str, rule: str, way: str, answers: Sequence[tuple[float, Answer, float]]) -> Method:
    def at(level: float) -> AtLevel:
        given = [answer for its_level, answer, _ in answers if its_level == level]
        return AtLevel(
            level=level,
            slower=share(given.count("slower"), len(given)),
            faster=given.count("faster"),
            passed=given.count("passed"),
            unresolved=given.count("unresolved"),
        )

    every = [answer for _, answer, _ in answers]
    return Method(
        name=name,
        rule=rule,
        way=way,
        levels=tuple(at(level) for level in sorted({level for level, _, _ in answers})),
        faster=share(every.count("faster"), len(every)),
        unresolved=share(every.count("unresolved"), len(every)),
        seconds=median(seconds for _, _, seconds in answers),
    )


def share(count: int, of: int) -> Share:
    """A count out of a total, with its exact binomial interval; `of` is at least 1."""
    interval = binomtest(count, of).proportion_ci(confidence_level=statistics.LEVEL, method="exact")
    return Share(count=count, of=of, low=float(interval.low), high=float(interval.high))
