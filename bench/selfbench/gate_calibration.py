"""Calibrates our gate: how often it is right where the true change is known, held against its promises."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from bench.gate.plan import MOST
from bench.results.gate import Margins
from bench.selfbench.figure import Figure
from bench.selfbench.gate_score import Outcome, Trial, share, trials
from bench.selfbench.gate_session import run_sessions
from bench.selfbench.own_gate import own_gate

# Arms that start in half the time of one with an optimizer: the more comparisons there are, the better.
ARMS = ("linear/manual", "linear/no_grad", "linear/in_place", "linear/analytic")
NARROW = Margins(gate=0.015, floor=0.005)
MOST_SECONDS = 240.0  # of a trial; a cell that needs more stays unresolved
FEWER = 60  # sessions without a change for each session with a slowdown, because false alarms are rarer
REPLAYS = 4000  # cells resampled from the rounds without a change, for each arm


@dataclass(frozen=True)
class Part:
    """Trials with one slowdown and the same margins; each part is a series of sessions in a folder of its own."""

    folder: str
    level: float
    margins: Margins

    @property
    def title(self) -> str:
        """The part in words."""
        return f"{self.level:.0%} planted, gate {self.margins.gate:.1%}" if self.level else "no change"


NO_CHANGE = Part("no-change", 0.0, Margins())
SLOWED = {  # the least share that must be called a regression
    Part("five-percent", 0.05, Margins()): 0.99,
    Part("two-percent", 0.02, NARROW): 0.95,
}
NO_CHANGE_PROMISES = (  # in words, least and greatest share, in the order of without_change
    ("at most 1 in 10 000", 0.0, 0.0001),
    ("at most 1 in 100", 0.0, 0.01),
    ("at most 5 %", 0.0, 0.05),
    ("at most 5 %", 0.0, 0.05),
    ("93 to 97 %", 0.93, 0.97),
)


@dataclass(frozen=True)
class Share:
    """A count out of all trials."""

    name: str
    count: int
    of: int

    @property
    def text(self) -> str:
        """The count with its share and the exact 95 % binomial interval."""
        exact = share(self.count, self.of)
        return f"{self.count} of {self.of} ({self.count / self.of:.2%}; {exact.low:.2%} to {exact.high:.2%})"


def calibrate(sessions: int, target: Path) -> Iterator[str]:
    """Carries out what is missing of so many sessions without a change, and of far fewer with each slowdown.

    Yields a line before each step; every trial is a file, so it can be stopped and resumed.
    """
    for part, wanted in ((NO_CHANGE, sessions), *((part, math.ceil(sessions / FEWER)) for part in SLOWED)):
        ours, levels, folder = own_gate(part.margins), (part.level,), target / part.folder
        yield from run_sessions(wanted, MOST_SECONDS, folder, ours, levels=levels, implementations=ARMS, samplings=())


def outcomes(target: Path, part: Part) -> list[tuple[Trial, Outcome]]:
    """The finished trials of a part, with the outcome of our gate."""
    return [(trial, trial.ours) for trial in trials(target / part.folder) if trial.ours is not None]


def by_arm(target: Path) -> dict[str, list[Outcome]]:
    """The outcomes without a change, by implementation."""
    by_name: dict[str, list[Outcome]] = {}
    for trial, outcome in outcomes(target, NO_CHANGE):
        by_name.setdefault(trial.arm.implementation, []).append(outcome)
    return by_name


def without_change(outcomes: Sequence[Outcome]) -> Iterator[Share]:
    """How often our gate gave each answer where nothing had changed."""
    words, of = [outcome.decision.word for outcome in outcomes], len(outcomes)
    yield Share("called a regression", words.count("regressed"), of)
    yield Share("flagged before confirmation", sum(flagged(outcome) for outcome in outcomes), of)
    yield Share("called faster", words.count("improved"), of)
    yield Share("unresolved", words.count("unresolved"), of)
    yield Share("interval holds the truth", sum(holds(outcome, 0.0) for outcome in outcomes), of)


def flagged(outcome: Outcome) -> bool:
    """Whether the screening alone would have called it a regression."""
    return outcome.decision.screened is not None or outcome.decision.stage == "confirm"


def holds(outcome: Outcome, change: float) -> bool:
    """Whether the interval of the gate contains a change."""
    clocked = outcome.decision.clocked
    return (
        clocked is not None
        and clocked.low is not None
        and clocked.high is not None
        and clocked.low <= change <= clocked.high
    )


def replayed(outcomes: Sequence[Outcome], slowdown: float, margins: Margins) -> tuple[Share, Share, float]:
    """Cells called a regression, intervals that contain the slowdown, and the mean number of rounds, of resampled cells.

    A cell draws its rounds, with replacement, from those of one arm without a change and from the same with reversed sign:
    where nothing has changed, either side may be called the head. Each round is then made slower by exactly `slowdown`. So
    the noise is the machine's own and the true change is exact.

    outcomes  of one arm, without a change
    """
    rounds = [sign * value for outcome in outcomes for value in outcome.rounds for sign in (1, -1)]
    order = random.Random(f"{slowdown} {margins}")
    caught, held, spent = 0, 0, 0.0
    for _ in range(REPLAYS):
        drawn = Outcome(margins=margins, rounds=tuple(order.choices(rounds, k=2 * MOST)), seconds=2.0 * MOST)
        slower = drawn.slower(slowdown)
        caught += slower.answer == "slower"
        held += holds(slower, slowdown)
        spent += slower.spent
    return (
        Share("called a regression", caught, REPLAYS),
        Share("interval holds the truth", held, REPLAYS),
        spent / REPLAYS,
    )


def pace(outcomes: Sequence[Outcome]) -> tuple[float, float, float]:
    """Seconds of a cell: their median, their maximum, and the mean of a round."""
    seconds = [outcome.seconds for outcome in outcomes]
    return median(seconds), max(seconds), fmean(outcome.seconds / len(outcome.rounds) for outcome in outcomes)


def figures(sessions: int, target: Path) -> Iterator[Figure | str]:
    """Everything that the gate promises of itself, measured; resumes the trials that are in the folder."""
    yield from calibrate(sessions, target)
    unchanged = [outcome for _, outcome in outcomes(target, NO_CHANGE)]
    for measured, (promise, least, most) in zip(without_change(unchanged), NO_CHANGE_PROMISES, strict=True):
        kept = least <= measured.count / measured.of <= most
        yield Figure(f"no change, {measured.name}", measured.text, promise, kept)
    yield _pace("no change", unchanged)
    for name, of_arm in by_arm(target).items():
        called, text = _resampled(of_arm, NO_CHANGE)
        yield Figure(f"no change, the rounds of {name} resampled", text, "at most 1 in 10 000", called.count <= 1)
    for part, least in SLOWED.items():
        slowed = [outcome for _, outcome in outcomes(target, part)]
        caught = Share("called a regression", sum(outcome.answer == "slower" for outcome in slowed), len(slowed))
        promise = f"at least {least:.0%}"
        yield Figure(f"{part.title}, {caught.name}", caught.text, promise, caught.count >= least * caught.of)
        yield _pace(part.title, slowed)
        for name, of_arm in by_arm(target).items():
            called, text = _resampled(of_arm, part)
            what = f"{part.title}, put into the rounds of {name} without a change"
            yield Figure(what, text, promise, called.count >= least * called.of)


def _resampled(outcomes: Sequence[Outcome], part: Part) -> tuple[Share, str]:
    called, held, rounds = replayed(outcomes, part.level, part.margins)
    text = f"{called.text}, {rounds:.1f} rounds a cell; the interval holds it in {held.count / held.of:.1%}"
    return called, text


def _pace(what: str, outcomes: Sequence[Outcome]) -> Figure:
    wall, longest, of_round = pace(outcomes)
    text = f"median {wall:.0f}, most {longest:.0f}; {of_round:.1f} a round"
    return Figure(f"{what}, seconds a cell", text, "at most 60", wall <= 60)
