"""Scores the gate beside those that people use: what each says of the same trials, and how often it is right.

Apart from sitting.py, which measures: raw blocks are kept, and every rule can be applied again to what was measured then.
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
from bench.results.gate_score import Answer, AtLevel, Method, Score, Share
from bench.results.record import Arm
from bench.results.store import StoreError, read
from bench.selfbench.other_gates import RIVALS, Rival, Turn

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
    """The rounds in which our gate raced a match; its word is found from them again.

    rounds   ln(head / base) of each, in the order in which they were raced
    seconds  wall time of all, with starting processes
    """

    margins: Margins
    rounds: tuple[float, ...]
    seconds: float

    @property
    def decision(self) -> Decision:
        """What the rounds allow to be said: those after the look that flags the arm are its confirmation."""
        screened = decide(self.rounds, (), self.margins)
        if screened.stage != "confirm" or screened.clocked is None:
            return screened
        count = screened.clocked.rounds
        return decide(self.rounds[:count], self.rounds[count:], self.margins)

    @property
    def said(self) -> Answer:
        """The word, as one that the others could have said too."""
        return OUR_WORDS[self.decision.word]

    @property
    def spent(self) -> float:
        """Seconds until the word was known, for rounds after that need not have been raced."""
        decision = self.decision
        counted = sum(each.rounds for each in (decision.clocked, decision.screened) if each)
        return self.seconds * counted / len(self.rounds)

    def slower(self, by: float) -> "Outcome":
        """The same rounds, had the head taken so much more time: 0.05 is 5 %."""
        return replace(self, rounds=tuple(each + log1p(by) for each in self.rounds))


class SittingPlan(Struct, frozen=True, kw_only=True):
    """What was set out to do; written first, and the same whenever it is gone on with.

    ways   names of the ways to collect what the others decide by
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
    """One comparison of an arm in one session, and all that was measured of it.

    level   slowdown that was planted into the head's code: 0 where only what is measured is made slower, afterwards
    pace    seconds of one update of the base, measured just before; 0 where nobody had to know
    turns   by name of the way they were collected
    """

    format: int = FORMAT
    session: int
    arm: Arm
    level: float
    started: str
    pace: float
    turns: dict[str, tuple[Turn, ...]]
    ours: Outcome | None = None

    @property
    def key(self) -> tuple[str, float]:
        """What trials of different sessions have in common."""
        return (self.arm.slug, self.level)


def trials(target: Path) -> Iterator[Trial]:
    """All trials of a sitting, session after session. Raises StoreError for a file that cannot be read."""
    for path in sorted((target / "trials").glob("*/*.json"), key=lambda path: path.parts):
        yield read(path, Trial, FORMAT)


def replay(trial: Trial, earlier: Trial | None = None, slower: float = 0.0) -> dict[str, tuple[Answer, float]]:
    """What each method says of a trial, and the seconds it took; by name. Rules are applied anew to the raw blocks.

    earlier  the same trial of an earlier session, for those who store a baseline; None: they say nothing
    slower   what each time of the head is made longer by: the truth is known exactly, the noise is the machine's own
    """
    found: dict[str, tuple[Answer, float]] = {}
    if trial.ours:
        ours = trial.ours.slower(slower)
        found[OURS] = (ours.said, ours.spent)
    for rival in RIVALS:
        source = earlier if rival.stored else trial
        if source is not None and rival.way.name in trial.turns:
            base, head = _turns(source, rival, "base"), _turns(trial, rival, "head", slower)
            found[rival.name] = (rival.decide(base, head), sum(turn.seconds for turn in (*base, *head)))
    return found


def _turns(trial: Trial, rival: Rival, role: Role, slower: float = 0.0) -> list[Turn]:
    turns = [turn for turn in trial.turns[rival.way.name] if turn.role == role]
    return [replace(turn, blocks=tuple(each * (1 + slower) for each in turn.blocks)) for turn in turns]


def tally(target: Path) -> Score:
    """The score of a sitting without planted slowdowns, complete or not: LEVELS are put into what was measured.

    Raises StoreError where there is none, or nothing has been measured yet.
    """
    plan = read(target / PLAN, SittingPlan, FORMAT)
    sessions, count = set[int](), 0
    latest: dict[tuple[str, float], Trial] = {}
    said: dict[str, list[tuple[float, Answer, float]]] = {}
    for trial in trials(target):
        for level in LEVELS:
            for name, (word, seconds) in replay(trial, latest.get(trial.key), level).items():
                said.setdefault(name, []).append((level, word, seconds))
        latest[trial.key] = trial
        sessions.add(trial.session)
        count += 1
    if not count:
        raise StoreError(f"The sitting at {target} has no trial yet: go on with it.")
    about = {OURS: OUR_WAY} | {rival.name: (rival.rule, rival.told) for rival in RIVALS}
    return Score(
        sessions=len(sessions),
        trials=count,
        budget=plan.budget,
        arms=plan.arms,
        machine=plan.machine,
        versions=plan.versions,
        methods=tuple(_method(name, rule, way, said[name]) for name, (rule, way) in about.items() if name in said),
    )


def _method(name: str, rule: str, way: str, said: Sequence[tuple[float, Answer, float]]) -> Method:
    def at(level: float) -> AtLevel:
        heard = [word for each, word, _ in said if each == level]
        return AtLevel(
            level=level,
            slower=share(heard.count("slower"), len(heard)),
            faster=heard.count("faster"),
            passed=heard.count("passed"),
            unresolved=heard.count("unresolved"),
        )

    words = [word for _, word, _ in said]
    return Method(
        name=name,
        rule=rule,
        way=way,
        levels=tuple(at(level) for level in sorted({level for level, _, _ in said})),
        faster=share(words.count("faster"), len(words)),
        unresolved=share(words.count("unresolved"), len(words)),
        seconds=median(seconds for _, _, seconds in said),
    )


def share(count: int, of: int) -> Share:
    """So many of so many, with the exact binomial interval; `of` is at least 1."""
    found = binomtest(count, of).proportion_ci(confidence_level=statistics.LEVEL, method="exact")
    return Share(count=count, of=of, low=float(found.low), high=float(found.high))
