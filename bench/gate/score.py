"""Scores the gate beside those that people use: what each says of the same trials, and how often it is right.

Apart from sitting.py, which measures: raw blocks are kept, and every rule can be applied again to what was measured then.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct
from scipy.stats import binomtest

from bench import statistics
from bench.gate.decision import Decision, Word, decide
from bench.gate.rivals import RIVALS, Rival, Turn
from bench.gate.tally import AtLevel, Method, Planted, Said, Score, Share
from bench.gate.verdict import Clocked, Margins, Role
from bench.record import Arm
from bench.store import StoreError, read

FORMAT = 1
PLAN = "sitting.json"
OURS = "looprace gate"
OUR_WORDS: Mapping[Word, Said] = {
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

    screen, confirm  ln(head / base) of each round
    seconds          wall time, with starting processes
    """

    margins: Margins
    screen: tuple[float, ...]
    confirm: tuple[float, ...]
    seconds: float

    @property
    def decision(self) -> Decision:
        """What the rounds allow to be said."""
        return decide(self.screen, self.confirm, self.margins)

    @property
    def said(self) -> Said:
        """The word, as one that the others could have said too."""
        return OUR_WORDS[self.decision.word]


class SittingPlan(Struct, frozen=True, kw_only=True):
    """What was set out to do; written first, and the same whenever it is gone on with.

    ways   names of the ways to collect what the others decide by
    truth  paired rounds of each trial that tell what the planted slowdown really was, and their seconds
    """

    format: int = FORMAT
    seed: int
    budget: float
    levels: tuple[float, ...]
    arms: tuple[Arm, ...]
    ways: tuple[str, ...]
    truth: tuple[int, float]
    machine: str
    versions: dict[str, str]


class Trial(Struct, frozen=True, kw_only=True):
    """One planted slowdown of one arm in one session, and all that was measured of it.

    pace    seconds of one update of the base, measured just before; 0 where nobody had to know
    wait    seconds that were planted into each update, on top of what planting them costs
    turns   by name of the way they were collected
    truth   ln(head / base) of paired rounds of their own
    """

    format: int = FORMAT
    session: int
    arm: Arm
    level: float
    started: str
    pace: float
    wait: float
    turns: dict[str, tuple[Turn, ...]]
    truth: tuple[float, ...]
    ours: Outcome | None = None

    @property
    def key(self) -> tuple[str, float]:
        """What trials of different sessions have in common."""
        return (self.arm.slug, self.level)


def trials(target: Path) -> Iterator[Trial]:
    """All trials of a sitting, session after session. Raises StoreError for a file that cannot be read."""
    for path in sorted((target / "trials").glob("*/*.json"), key=lambda path: path.parts):
        yield read(path, Trial, FORMAT)


def replay(trial: Trial, earlier: Trial | None = None) -> dict[str, tuple[Said, float]]:
    """What each method says of a trial, and the seconds it took; by name. Rules are applied anew to the raw blocks.

    earlier  the same trial of an earlier session, for those who store a baseline; None: they say nothing
    """
    found: dict[str, tuple[Said, float]] = {}
    if trial.ours:
        found[OURS] = (trial.ours.said, trial.ours.seconds)
    for rival in RIVALS:
        source = earlier if rival.stored else trial
        if source is not None and rival.way.name in trial.turns:
            base, head = _turns(source, rival, "base"), _turns(trial, rival, "head")
            found[rival.name] = (rival.decide(base, head), sum(turn.seconds for turn in (*base, *head)))
    return found


def _turns(trial: Trial, rival: Rival, role: Role) -> list[Turn]:
    return [turn for turn in trial.turns[rival.way.name] if turn.role == role]


def tally(target: Path) -> Score:
    """The score of a sitting, complete or not. Raises StoreError where there is none, or nothing has been measured yet."""
    plan = read(target / PLAN, SittingPlan, FORMAT)
    sessions, count = set[int](), 0
    latest: dict[tuple[str, float], Trial] = {}
    truths: dict[float, list[float]] = {}
    said: dict[str, list[tuple[float, Said, float]]] = {}
    for trial in trials(target):
        for name, (word, seconds) in replay(trial, latest.get(trial.key)).items():
            said.setdefault(name, []).append((trial.level, word, seconds))
        truths.setdefault(trial.level, []).extend(trial.truth)
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
        planted=tuple(_planted(level, truths[level]) for level in sorted(truths)),
        methods=tuple(_method(name, rule, way, said[name]) for name, (rule, way) in about.items() if name in said),
    )


def _method(name: str, rule: str, way: str, said: Sequence[tuple[float, Said, float]]) -> Method:
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


def _planted(level: float, logarithms: Sequence[float]) -> Planted:
    """The planted slowdown as its own paired rounds show it, over all trials of the level."""
    effect = statistics.estimate(logarithms)
    low, high = (None if edge is None else edge - 1 for edge in (effect.low, effect.high))
    return Planted(level=level, effect=Clocked(change=effect.value - 1, low=low, high=high, rounds=effect.rounds))
